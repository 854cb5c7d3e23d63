-- feeds: how far each count has come, and the venues that stood out. No column names a person.
CREATE TABLE feed_state (
    feed     TEXT PRIMARY KEY,
    last_day BIGINT NOT NULL
);
-- A night that looked for clusters, also where it found none.
CREATE TABLE venue_cluster_run (
    day       BIGINT NOT NULL PRIMARY KEY, -- the last of the days of visits
    first_day BIGINT NOT NULL,
    days      BIGINT NOT NULL, -- of them with check-ins
    positives BIGINT NOT NULL, -- persons who were found positive
    venues    BIGINT NOT NULL, -- that count among the tests
    tested    BIGINT NOT NULL, -- with enough later positives to be read
    named     BIGINT NOT NULL,
    ran_at    BIGINT NOT NULL
);
CREATE TABLE venue_cluster (
    day            BIGINT NOT NULL,
    place          BIGINT NOT NULL, -- 1: the least p-value
    venue_no       BIGINT NOT NULL,
    area_no        BIGINT NOT NULL,
    visitors       BIGINT NOT NULL,
    later_positive BIGINT NOT NULL,
    expected       DOUBLE PRECISION NOT NULL,
    p              DOUBLE PRECISION NOT NULL,
    q              DOUBLE PRECISION NOT NULL,
    with_venue     BIGINT NOT NULL, -- of a lesser p, with much the same positives; 0: none
    PRIMARY KEY (day, place)
);
