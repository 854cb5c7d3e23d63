-- status: evidence, the only thing that a colour follows from. Rows are added, never changed.
-- The indexes are made anew by evidence_bulk.c after a bulk load: keep the two alike.
CREATE TABLE evidence (
    evidence_no INTEGER PRIMARY KEY,
    person_no   BIGINT NOT NULL,
    area_no     BIGINT NOT NULL,
    kind        BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    until_at    BIGINT,
    of_no       BIGINT NOT NULL,
    detail      BIGINT NOT NULL,
    tube_size   BIGINT NOT NULL,
    reason_code TEXT,
    requester   TEXT,
    approvers   TEXT,
    source      TEXT,
    external_id TEXT,
    import_no   BIGINT NOT NULL
);
CREATE INDEX evidence_by_person ON evidence (person_no, evidence_no);
CREATE INDEX evidence_by_area ON evidence (area_no, kind, recorded_at);
CREATE UNIQUE INDEX evidence_by_external_id ON evidence (source, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX evidence_by_import ON evidence (import_no) WHERE import_no > 0;
