-- status: the words of a refused override are encrypted like those of its request. What lay here in
-- plain is encrypted and emptied at the next opening (keeping/plain_rows.c). An approval has none.
ALTER TABLE override_decision RENAME COLUMN words TO plain_words;
ALTER TABLE override_decision ADD COLUMN words BLOB;
CREATE INDEX override_decision_plain ON override_decision (override_no) WHERE plain_words <> '';
