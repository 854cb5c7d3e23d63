-- upkeep: long work that a person began, and what it found. Numbers, names of checks and officers only.
CREATE TABLE job (
    job_no   INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    began_by TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    ended_at BIGINT,
    state    TEXT NOT NULL, -- waiting, running, done, failed, cut_short
    done     BIGINT NOT NULL,
    total    BIGINT NOT NULL,
    lines    TEXT NOT NULL  -- a JSON array
);
CREATE INDEX job_by_state ON job (state, kind, job_no);
