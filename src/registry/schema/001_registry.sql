-- registry: areas, external ids, persons, households, units, venues, vehicles, staff, cases, imports.
-- `digest` is a hash of the row as it was imported: an equal row is `unchanged`.
CREATE TABLE area (
    area_no    BIGINT PRIMARY KEY,
    code       TEXT NOT NULL UNIQUE,
    gb_code    TEXT NOT NULL,
    name_zh    TEXT NOT NULL,
    name_en    TEXT NOT NULL,
    population BIGINT NOT NULL,
    latitude   DOUBLE PRECISION,
    longitude  DOUBLE PRECISION,
    import_no  BIGINT NOT NULL,
    digest     BLOB
);
CREATE TABLE source (
    source_no INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE
);
CREATE TABLE external_id (
    kind      BIGINT NOT NULL,
    source_no BIGINT NOT NULL,
    id        TEXT NOT NULL,
    no        BIGINT NOT NULL,
    import_no BIGINT NOT NULL
);
CREATE UNIQUE INDEX external_id_by_id ON external_id (kind, source_no, id);
CREATE INDEX external_id_by_no ON external_id (kind, no, source_no);
CREATE TABLE person (
    person_no       INTEGER PRIMARY KEY,
    area_no         BIGINT NOT NULL,
    household_no    BIGINT,
    unit_no         BIGINT,
    birth_year      BIGINT,
    sex             TEXT,
    identity        BLOB,
    id_number_index BLOB,
    import_no       BIGINT NOT NULL,
    digest          BLOB
);
CREATE INDEX person_by_area ON person (area_no, person_no);
CREATE UNIQUE INDEX person_by_id_number ON person (id_number_index) WHERE id_number_index IS NOT NULL;
CREATE TABLE household (
    household_no INTEGER PRIMARY KEY,
    area_no      BIGINT NOT NULL,
    import_no    BIGINT NOT NULL,
    digest       BLOB
);
CREATE TABLE unit (
    unit_no     INTEGER PRIMARY KEY,
    area_no     BIGINT NOT NULL,
    name        TEXT,
    credit_code TEXT,
    category    TEXT,
    import_no   BIGINT NOT NULL,
    digest      BLOB
);
CREATE INDEX unit_by_area ON unit (area_no, unit_no);
CREATE TABLE venue (
    venue_no      INTEGER PRIMARY KEY,
    area_no       BIGINT NOT NULL,
    unit_no       BIGINT,
    name          TEXT,
    category      TEXT NOT NULL,
    latitude      DOUBLE PRECISION,
    longitude     DOUBLE PRECISION,
    check_level   BIGINT NOT NULL,
    token_version BIGINT NOT NULL,
    closed        BIGINT NOT NULL,
    import_no     BIGINT NOT NULL,
    digest        BLOB
);
CREATE INDEX venue_by_area ON venue (area_no, venue_no);
CREATE TABLE vehicle (
    vehicle_no INTEGER PRIMARY KEY,
    area_no    BIGINT NOT NULL,
    plate      TEXT NOT NULL,
    unit_no    BIGINT,
    kind       TEXT,
    import_no  BIGINT NOT NULL,
    digest     BLOB
);
CREATE TABLE staff (
    staff_no  INTEGER PRIMARY KEY,
    area_no   BIGINT NOT NULL,
    person_no BIGINT NOT NULL,
    unit_no   BIGINT NOT NULL,
    role      TEXT,
    import_no BIGINT NOT NULL,
    digest    BLOB
);
CREATE TABLE case_record (
    case_no     INTEGER PRIMARY KEY,
    area_no     BIGINT NOT NULL,
    person_no   BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    at          BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    import_no   BIGINT NOT NULL,
    digest      BLOB
);
CREATE INDEX case_by_area ON case_record (area_no, case_no);
CREATE TABLE import (
    import_no   INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,
    source      TEXT NOT NULL,
    file_name   TEXT NOT NULL,
    begun_at    BIGINT NOT NULL,
    state       TEXT NOT NULL,
    row_count   BIGINT NOT NULL,
    inserted    BIGINT NOT NULL
);
