-- command: counters that the situation is read from. `area_no` is the area where it happened (rolled up
-- when read), 0 for what holds for the whole city and tells how far a count has come; `day` is the
-- city's local day, 0 for what has no day. `true_for` is the moment at which `value` was true.
CREATE TABLE counter (
    day      BIGINT NOT NULL,
    area_no  BIGINT NOT NULL,
    name     TEXT NOT NULL,
    value    BIGINT NOT NULL,
    true_for BIGINT NOT NULL,
    PRIMARY KEY (day, area_no, name)
);
