-- dossier: what an export is for and why a person is watched are words about persons: encrypted. What
-- lay here in plain is encrypted and emptied at the next opening (keeping/plain_rows.c).
ALTER TABLE export_request RENAME COLUMN words TO plain_words;
ALTER TABLE export_request ADD COLUMN words BLOB;
CREATE INDEX export_request_plain ON export_request (export_no) WHERE plain_words <> '';
ALTER TABLE watched_person RENAME COLUMN words TO plain_words;
ALTER TABLE watched_person ADD COLUMN words BLOB;
CREATE INDEX watched_person_plain ON watched_person (person_no) WHERE plain_words <> '';
