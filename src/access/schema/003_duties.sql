-- access: duties that end, the second factor, known devices, and broken glass
ALTER TABLE app_user ADD COLUMN duty_until BIGINT;
ALTER TABLE app_user ADD COLUMN factor BLOB;
ALTER TABLE app_user ADD COLUMN factor_step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE app_user ADD COLUMN person_no BIGINT;
CREATE TABLE known_device (
    device       BLOB PRIMARY KEY,
    user_no      BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL
);
CREATE INDEX known_device_by_time ON known_device (seen_at);
CREATE TABLE broken_glass (
    glass_no   INTEGER PRIMARY KEY,
    user_no    BIGINT NOT NULL,
    area_no    BIGINT NOT NULL,
    reason     TEXT NOT NULL,
    opened_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX broken_glass_by_user ON broken_glass (user_no, expires_at);
CREATE INDEX broken_glass_by_area ON broken_glass (area_no, glass_no);
