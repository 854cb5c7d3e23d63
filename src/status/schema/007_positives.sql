-- status: positive tests by the time they were recorded, few among all tests. 14 and 1 are EVIDENCE_PCR and
-- RESULT_POSITIVE (policy.h); made anew by evidence_bulk.c after a bulk load.
CREATE INDEX evidence_of_positives ON evidence (recorded_at, evidence_no) WHERE kind = 14 AND detail = 1;
