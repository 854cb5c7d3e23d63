-- keeping: what was forgotten and why not, who signed the end. Numbers, names of classes and officers only.
CREATE TABLE retention_run (
    run_no   INTEGER PRIMARY KEY,
    began_by TEXT NOT NULL,
    city_day BIGINT NOT NULL,
    began_at BIGINT NOT NULL,
    ended_at BIGINT
);
-- An act of a run: item is '' for rows of a class, else the name of the key that is destroyed. It is begun
-- before anything is destroyed and done after it, so that a run that was cut short shows what it did.
CREATE TABLE retention_act (
    run_no    BIGINT NOT NULL,
    class     TEXT NOT NULL,
    item      TEXT NOT NULL,
    state     TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    words     TEXT NOT NULL,
    PRIMARY KEY (run_no, class, item)
);
CREATE INDEX retention_act_by_state ON retention_act (state, run_no);
CREATE TABLE retention_hold (
    hold_no   INTEGER PRIMARY KEY,
    class     TEXT NOT NULL,
    first_day BIGINT,
    last_day  BIGINT,
    made_at   BIGINT NOT NULL,
    until_at  BIGINT NOT NULL,
    reason    TEXT NOT NULL,
    made_by   TEXT NOT NULL,
    lifted_at BIGINT,
    lifted_by TEXT
);
CREATE TABLE sunset_signature (
    user_no    BIGINT PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    signed_at  BIGINT NOT NULL,
    public_key BLOB NOT NULL,
    signature  BLOB NOT NULL
);
-- What the end destroyed: a table with its rows, or a key with its fingerprint.
CREATE TABLE sunset_deed (
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,
    class     TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    detail    TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);
