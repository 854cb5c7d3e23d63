-- registry: where somebody stays who lives elsewhere (a hotel, an isolation site, a relative's home), as long
-- as it is said to last; and the cases of a person, for the jurisdiction that reported it.
CREATE TABLE person_stay (
    stay_no   INTEGER PRIMARY KEY,
    area_no   BIGINT NOT NULL,
    person_no BIGINT NOT NULL,
    unit_no   BIGINT,
    from_at   BIGINT NOT NULL,
    until_at  BIGINT NOT NULL,
    import_no BIGINT NOT NULL,
    digest    BLOB
);
CREATE INDEX person_stay_by_person ON person_stay (person_no, stay_no);
CREATE INDEX person_stay_by_area ON person_stay (area_no, stay_no);
CREATE INDEX case_by_person ON case_record (person_no, case_no);
