-- alerts: counts of places by day, and what was found unusual in them. No column names a person.
CREATE TABLE series_point (
    channel         TEXT NOT NULL,
    area_no         BIGINT NOT NULL,
    day             BIGINT NOT NULL, -- the city's local day
    count           BIGINT NOT NULL,
    total           BIGINT,           -- of how many
    flow            DOUBLE PRECISION, -- thousand cubic metres that day
    detection_limit DOUBLE PRECISION,
    reported_at     BIGINT NOT NULL,  -- the latest report wins
    source          TEXT NOT NULL,
    import_no       BIGINT NOT NULL,  -- 0: by the feed
    PRIMARY KEY (channel, area_no, day)
);
CREATE INDEX series_point_by_import ON series_point (import_no);

-- The first and the last day of every series: who reports at all, and who has stopped.
CREATE TABLE series_feed (
    channel   TEXT NOT NULL,
    area_no   BIGINT NOT NULL,
    first_day BIGINT NOT NULL,
    last_day  BIGINT NOT NULL,
    PRIMARY KEY (channel, area_no)
);

CREATE TABLE alert (
    alert_no     INTEGER PRIMARY KEY,
    kind         BIGINT NOT NULL, -- 0 signal, 1 feed
    channel      TEXT NOT NULL,
    area_no      BIGINT NOT NULL,
    thing_no     BIGINT NOT NULL, -- subject of its loop
    state        BIGINT NOT NULL, -- 0 open, 1 judged, 2 ended
    level        BIGINT NOT NULL, -- 0 blue … 3 red; only rises
    first_day    BIGINT NOT NULL,
    last_day     BIGINT NOT NULL, -- of its last signal
    raised_at    BIGINT NOT NULL,
    detector     TEXT NOT NULL,
    by_rule      BIGINT NOT NULL,
    observed     DOUBLE PRECISION,
    expected     DOUBLE PRECISION,
    bound        DOUBLE PRECISION,
    p            DOUBLE PRECISION,
    contribution DOUBLE PRECISION NOT NULL, -- to the score of its place
    score        DOUBLE PRECISION NOT NULL, -- of its place, when it was last looked at
    members      BIGINT NOT NULL            -- of a feed alert: areas that have stopped
);
CREATE INDEX alert_by_series ON alert (kind, channel, area_no, alert_no);
CREATE INDEX alert_by_state ON alert (state, level, alert_no, area_no);

-- What people found: once an alert. The words are encrypted.
CREATE TABLE alert_disposition (
    alert_no BIGINT NOT NULL PRIMARY KEY,
    verdict  BIGINT NOT NULL,
    words    BLOB NOT NULL,
    user_no  BIGINT NOT NULL,
    at       BIGINT NOT NULL
);

CREATE TABLE alert_tally (
    day      BIGINT NOT NULL,
    detector TEXT NOT NULL,
    channel  TEXT NOT NULL,
    verdict  BIGINT NOT NULL,
    count    BIGINT NOT NULL,
    PRIMARY KEY (day, detector, channel, verdict)
);

CREATE TABLE alert_run (
    day       BIGINT NOT NULL PRIMARY KEY,
    ran_at    BIGINT NOT NULL,
    series    BIGINT NOT NULL,
    judged    BIGINT NOT NULL,
    signals   BIGINT NOT NULL,
    threshold DOUBLE PRECISION NOT NULL -- p-values up to it were signals
);
