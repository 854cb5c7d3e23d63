-- checkin: venue codes that seem to be copied; at most one a venue and window
CREATE TABLE venue_suspicion (
    suspicion_no INTEGER PRIMARY KEY,
    venue_no     BIGINT NOT NULL,
    area_no      BIGINT NOT NULL,
    window_start BIGINT NOT NULL, -- unix seconds
    reason       TEXT NOT NULL,   -- 'impossible_travel', 'rate'
    scans        BIGINT NOT NULL, -- persons who cannot have come, or scans of the window
    raised_at    BIGINT NOT NULL,
    UNIQUE (venue_no, window_start)
);
CREATE INDEX venue_suspicion_by_area ON venue_suspicion (area_no, suspicion_no);
