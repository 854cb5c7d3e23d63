-- status: the seal of evidence (seal.c). Each transaction that adds evidence extends a keyed chain over
-- its rows; what is not under it is no evidence.
CREATE TABLE evidence_seal (
    seal_no   INTEGER PRIMARY KEY,
    kind      BIGINT NOT NULL, -- 0: rows first … last were added; 1: the import was taken back
    first_no  BIGINT NOT NULL,
    last_no   BIGINT NOT NULL,
    import_no BIGINT NOT NULL, -- 0: of none
    rows_hash BLOB NOT NULL,   -- of the rows' digests
    marks     BLOB NOT NULL,   -- four bytes a row, to name the one that was changed
    hash      BLOB NOT NULL    -- of the seal before and all of this one
);
CREATE INDEX evidence_seal_by_import ON evidence_seal (import_no, seal_no) WHERE import_no > 0;
-- Numbers below the last seal that are no evidence: imports taken back, rows put in behind the gate.
CREATE TABLE evidence_gap (
    first_no INTEGER PRIMARY KEY,
    last_no  BIGINT NOT NULL
);
-- Evidence that was there before there were seals is sealed once, at the next opening.
INSERT INTO setting (name, value)
    SELECT 'evidence_before_seals', CAST(max(evidence_no) AS TEXT) FROM evidence
    HAVING count(*) > 0;
