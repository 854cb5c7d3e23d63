-- status: rule sets that are proposed, and those that two have signed (rule_sets.c)
CREATE TABLE rule_change (
    change_no   INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    version     TEXT NOT NULL,
    valid_from  BIGINT NOT NULL,
    yaml        TEXT NOT NULL,
    effect      TEXT NOT NULL,   -- what would change, JSON
    proposer_no BIGINT NOT NULL,
    proposer    TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    state       BIGINT NOT NULL, -- 0 proposed, 1 signed
    seal        BLOB             -- keyed hash of all this and of the signers, where signed
);
CREATE UNIQUE INDEX rule_change_signed ON rule_change (name) WHERE state = 1;
CREATE TABLE rule_signature (
    change_no BIGINT NOT NULL,
    user_no   BIGINT NOT NULL,
    name      TEXT NOT NULL,
    signed_at BIGINT NOT NULL,
    PRIMARY KEY (change_no, user_no)
);
