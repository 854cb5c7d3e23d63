-- contacts: whom a case exposed, as it was found: one row a case and person. via_no: of a secondary contact,
-- the close contact between; 0: the case itself.
CREATE TABLE case_contact (
    case_no          BIGINT NOT NULL,
    person_no        BIGINT NOT NULL,
    level            BIGINT NOT NULL,
    via_no           BIGINT NOT NULL,
    last_exposure_at BIGINT NOT NULL,
    known_at         BIGINT NOT NULL,
    PRIMARY KEY (case_no, person_no)
);
CREATE INDEX case_contact_by_person ON case_contact (person_no, case_no);
