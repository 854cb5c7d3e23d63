-- notices: what was found for whom, and what of it has still to go out. No name of a person stands here.
CREATE TABLE notice (
    notice_no INTEGER PRIMARY KEY,
    user_no   BIGINT NOT NULL,
    kind      BIGINT NOT NULL,
    event_no  BIGINT NOT NULL, -- the event, of a digest the first
    loop_no   BIGINT NOT NULL, -- 0: none, or several
    at        BIGINT NOT NULL,
    found     BIGINT NOT NULL, -- findings that it gathers
    words     BLOB NOT NULL    -- encrypted: scene, stage, deadline
);
CREATE INDEX notice_by_user ON notice (user_no, notice_no);
-- One row a user who was ever told something: counters, and the minute that is being gathered.
CREATE TABLE notice_reader (
    user_no   INTEGER PRIMARY KEY,
    newest    BIGINT NOT NULL, -- number of a notice
    read_to   BIGINT NOT NULL, -- up to this number they are read
    unread    BIGINT NOT NULL,
    minute    BIGINT NOT NULL, -- since 1970, of the city
    in_minute BIGINT NOT NULL, -- findings in it
    digest_no BIGINT NOT NULL  -- the notice that gathers what is over the bound; 0: none yet
);
-- The outbox: a row until it went out, or for good where it was given up.
CREATE TABLE notice_delivery (
    notice_no BIGINT NOT NULL,
    channel   BIGINT NOT NULL,
    state     BIGINT NOT NULL, -- 0 waits, 1 given up
    attempts  BIGINT NOT NULL,
    due_at    BIGINT NOT NULL, -- real time
    PRIMARY KEY (notice_no, channel)
);
CREATE INDEX notice_delivery_due ON notice_delivery (channel, due_at, notice_no) WHERE state = 0;
CREATE INDEX notice_delivery_given_up ON notice_delivery (channel, notice_no) WHERE state = 1;
CREATE TABLE notice_channel (
    channel   INTEGER PRIMARY KEY,
    waiting   BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    given_up  BIGINT NOT NULL,
    retries   BIGINT NOT NULL
);
CREATE TABLE notice_address (
    user_no INTEGER PRIMARY KEY,
    address BLOB NOT NULL -- encrypted
);
-- A city that is older than this room is told what happens from now on, not its whole past.
INSERT INTO event_cursor (subscriber, after_no)
    SELECT 'notices', max(no) FROM event HAVING max(no) IS NOT NULL;
