-- access: the unit that a user serves in; 0: none. A unit's loops wait for those who serve in it.
ALTER TABLE app_user ADD COLUMN unit_no BIGINT NOT NULL DEFAULT 0;
