-- status: overrides that are asked for, and appeals. Words of people are encrypted.
CREATE TABLE override_request (
    override_no  INTEGER PRIMARY KEY,
    person_no    BIGINT NOT NULL,
    area_no      BIGINT NOT NULL,
    color        BIGINT NOT NULL,
    from_at      BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    reason_code  TEXT NOT NULL,
    words        BLOB NOT NULL,
    requester_no BIGINT NOT NULL,
    requester    TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    state        BIGINT NOT NULL, -- 0 open, 1 approved, 2 refused
    evidence_no  BIGINT NOT NULL  -- what it became; 0: nothing
);
CREATE INDEX override_by_state ON override_request (state, override_no, area_no);
CREATE TABLE override_decision (
    override_no BIGINT NOT NULL,
    user_no     BIGINT NOT NULL,
    name        TEXT NOT NULL,
    approves    BIGINT NOT NULL,
    words       TEXT NOT NULL,
    decided_at  BIGINT NOT NULL,
    PRIMARY KEY (override_no, user_no)
);
CREATE TABLE appeal (
    appeal_no      INTEGER PRIMARY KEY,
    person_no      BIGINT NOT NULL,
    area_no        BIGINT NOT NULL,
    about_no       BIGINT NOT NULL, -- a piece of evidence; 0: the status as a whole
    words          BLOB NOT NULL,
    filed_at       BIGINT NOT NULL,
    due_at         BIGINT NOT NULL,
    overdue_told   BIGINT NOT NULL, -- 1: the event "appeal.overdue" was emitted
    state          BIGINT NOT NULL, -- 0 open, 1 granted, 2 rejected
    decided_at     BIGINT,
    decided_by     TEXT,
    decision_words BLOB,
    follows        TEXT,            -- 'annul' or 'override' where granted
    follows_of     BIGINT NOT NULL  -- the piece to be annulled; 0: none
);
CREATE INDEX appeal_by_due ON appeal (state, due_at, appeal_no, area_no);
CREATE INDEX appeal_by_person ON appeal (person_no, appeal_no);
CREATE INDEX appeal_untold ON appeal (overdue_told, state, due_at);
