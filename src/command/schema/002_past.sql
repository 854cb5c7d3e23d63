-- command: the counters as they were known at full hours. A row holds all counters of one day (0: those of
-- now) as JSON, and is written only where they differ from the row before; the latest row with `hour` at or
-- before a moment is what was known then. Rows of day 0 say which hours were kept. `hour`: hours since 1970.
CREATE TABLE counter_past (
    day     BIGINT NOT NULL,
    hour    BIGINT NOT NULL,
    figures TEXT NOT NULL,
    PRIMARY KEY (day, hour)
);
