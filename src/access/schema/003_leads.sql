-- access: whom a user answers to; 0: to nobody here. Who stands in one line does not approve for another.
ALTER TABLE app_user ADD COLUMN lead_no BIGINT NOT NULL DEFAULT 0;
