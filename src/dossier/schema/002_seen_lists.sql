-- dossier: the persons whom one answer opened, four bytes each, little-endian, until they are put under each
-- person in seen_person, many answers at once
CREATE TABLE seen_list (
    audit_no INTEGER PRIMARY KEY,
    persons  BLOB NOT NULL
);
