-- store: signed heads of the audit chain
CREATE TABLE audit_head (
    no         BIGINT PRIMARY KEY,
    real_at    BIGINT NOT NULL,
    hash       BLOB NOT NULL,
    signature  BLOB NOT NULL,
    public_key BLOB NOT NULL
);
CREATE INDEX audit_by_time ON audit (city_at);
