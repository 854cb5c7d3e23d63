-- store: settings, event log, subscribers' cursors, audit chain
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE event (
    no          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,
    subject_no  BIGINT NOT NULL,
    area_no     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    payload     TEXT NOT NULL
);
CREATE INDEX event_by_area ON event (area_no, no);
CREATE TABLE event_cursor (
    subscriber TEXT PRIMARY KEY,
    after_no   BIGINT NOT NULL
);
CREATE TABLE audit (
    no         INTEGER PRIMARY KEY,
    real_at    BIGINT NOT NULL,
    city_at    BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    act        TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    subject_no BIGINT NOT NULL,
    row_count  BIGINT NOT NULL,
    fields     TEXT NOT NULL,
    hash       BLOB NOT NULL
);
CREATE INDEX audit_by_subject ON audit (subject_no, no);
