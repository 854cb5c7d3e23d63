-- The desk as it was known at any hour, and who watches what until when.
ALTER TABLE alert ADD COLUMN ended_at BIGINT; -- NULL: has not ended
CREATE INDEX alert_by_raised ON alert (raised_at);

-- What was known of an alert from a moment on: when it was raised, and each time it changed.
CREATE TABLE alert_change (
    alert_no     BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    level        BIGINT NOT NULL,
    last_day     BIGINT NOT NULL,
    by_rule      BIGINT NOT NULL,
    observed     DOUBLE PRECISION,
    expected     DOUBLE PRECISION,
    bound        DOUBLE PRECISION,
    p            DOUBLE PRECISION,
    contribution DOUBLE PRECISION NOT NULL,
    score        DOUBLE PRECISION NOT NULL,
    members      BIGINT NOT NULL,
    PRIMARY KEY (alert_no, at)
);

-- Alerts of before: what they have become is all that is known of them.
INSERT INTO alert_change (alert_no, at, level, last_day, by_rule, observed, expected, bound, p,
                          contribution, score, members)
SELECT alert_no, raised_at, level, last_day, by_rule, observed, expected, bound, p, contribution,
       score, members FROM alert;
UPDATE alert SET ended_at = raised_at WHERE state = 2;

-- Looked at and left for later: the alert stays open and comes back at `until`, or when its level
-- rises above the one it had. The words are encrypted.
CREATE TABLE alert_watch (
    watch_no INTEGER PRIMARY KEY,
    alert_no BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    level    BIGINT NOT NULL,
    words    BLOB NOT NULL,
    user_no  BIGINT NOT NULL
);
CREATE INDEX alert_watch_by_alert ON alert_watch (alert_no, at);

-- Records of detectors are counted from the dispositions themselves.
CREATE INDEX alert_disposition_by_time ON alert_disposition (at);
DROP TABLE alert_tally;

-- The p-value from which a further series would have been a signal of that night.
ALTER TABLE alert_run ADD COLUMN raise_below DOUBLE PRECISION;
