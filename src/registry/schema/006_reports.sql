-- Cases by the time of their report: what the nowcast reads of the last weeks.
CREATE INDEX case_by_report ON case_record (recorded_at, area_no, at);
