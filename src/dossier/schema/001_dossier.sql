-- dossier: who was seen in a list, exports of persons with two keys, persons whose reads are watched
CREATE TABLE seen_person (
    person_no BIGINT NOT NULL,
    audit_no  BIGINT NOT NULL,
    PRIMARY KEY (person_no, audit_no)
);
CREATE TABLE export_request (
    export_no    INTEGER PRIMARY KEY,
    requester_no BIGINT NOT NULL,
    approver_no  BIGINT,
    area_no      BIGINT NOT NULL,
    reads        BIGINT NOT NULL,
    purpose      TEXT NOT NULL,
    words        TEXT NOT NULL,
    state        TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    decided_at   BIGINT,
    expires_at   BIGINT,
    row_count    BIGINT NOT NULL
);
CREATE INDEX export_request_by_area ON export_request (area_no, export_no);
CREATE TABLE watched_person (
    person_no BIGINT PRIMARY KEY,
    words     TEXT NOT NULL
);
