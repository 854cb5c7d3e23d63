-- status: evidence that retention forgot. The row is gone; its keyed digest stays, so that the seal over
-- its neighbours still verifies. Nobody without the key can make one.
CREATE TABLE evidence_retired (
    evidence_no INTEGER PRIMARY KEY,
    digest      BLOB NOT NULL
);
