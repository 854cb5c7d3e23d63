-- access: holders' sessions that were ended before their time (they are stateless: the MAC stands for one)
CREATE TABLE ended_session (
    mac        BLOB PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ended_session_by_time ON ended_session (expires_at);
CREATE INDEX user_token_by_time ON user_token (expires_at);
