-- access: users, their tokens and sessions (hashes only)
CREATE TABLE app_user (
    user_no       INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL,
    area_no       BIGINT NOT NULL,
    password_hash TEXT,
    failures      BIGINT NOT NULL,
    locked_until  BIGINT NOT NULL
);
CREATE TABLE user_token (
    token_hash BLOB PRIMARY KEY,
    user_no    BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX user_token_by_user ON user_token (user_no);
CREATE TABLE idempotency (
    key_hash BLOB PRIMARY KEY,
    digest   BLOB NOT NULL,
    status   BIGINT NOT NULL,
    answer   BLOB NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX idempotency_by_time ON idempotency (at);
