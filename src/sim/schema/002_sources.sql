-- sim: of evidence still to come about a contact: of whose case, and through whom (0: met the case)
ALTER TABLE demo_piece ADD COLUMN source_no BIGINT NOT NULL DEFAULT 0;
ALTER TABLE demo_piece ADD COLUMN via_no BIGINT NOT NULL DEFAULT 0;
