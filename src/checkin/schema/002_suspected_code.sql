-- checkin: which code is suspected: a revocation answers the suspicions of the codes before it.
-- Earlier ones are taken for the code that hangs there now: shown once too often, never hidden.
ALTER TABLE venue_suspicion ADD COLUMN token_version BIGINT NOT NULL DEFAULT 0;
UPDATE venue_suspicion SET token_version = coalesce(
    (SELECT v.token_version FROM venue v WHERE v.venue_no = venue_suspicion.venue_no), 0);
CREATE INDEX venue_suspicion_by_time ON venue_suspicion (raised_at, venue_no);
