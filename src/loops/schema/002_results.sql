-- loops: laboratory results in their simplest form. A result is known by laboratory and accession: sent
-- again it is the same one.
CREATE TABLE result (
    result_no   INTEGER PRIMARY KEY,
    laboratory  TEXT NOT NULL,
    accession   TEXT NOT NULL,
    digest      BLOB NOT NULL, -- keyed, of what was sent
    subject_no  BIGINT NOT NULL, -- a person, or a tube where is_tube
    is_tube     BIGINT NOT NULL,
    outcome     BIGINT NOT NULL, -- 0 negative, 1 positive, 2 inconclusive
    sampled_at  BIGINT NOT NULL,
    reported_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX result_by_accession ON result (laboratory, accession);
-- A tube that was not negative, until each of its members has a result of their own.
CREATE TABLE tube_retest (
    tube_no     INTEGER PRIMARY KEY,
    sampled_at  BIGINT NOT NULL, -- of the tube: only later samples count
    members     BIGINT NOT NULL,
    known       BIGINT NOT NULL,
    positives   BIGINT NOT NULL,
    complete    BIGINT NOT NULL
);
CREATE TABLE tube_member_result (
    tube_no   BIGINT NOT NULL,
    person_no BIGINT NOT NULL,
    outcome   BIGINT NOT NULL,
    PRIMARY KEY (tube_no, person_no)
);
