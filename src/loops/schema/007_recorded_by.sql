-- loops: who sent a result, by the number of the user. 0: from before this was kept.
ALTER TABLE result ADD COLUMN recorded_by BIGINT NOT NULL DEFAULT 0;
