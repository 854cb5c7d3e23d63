-- loops: rows of sheets that opened or joined a loop, so that importing a sheet again changes nothing.
CREATE TABLE loop_sheet_row (
    row_key BLOB PRIMARY KEY, -- keyed digest of what the row says
    loop_no BIGINT NOT NULL
);
CREATE INDEX loop_sheet_row_by_loop ON loop_sheet_row (loop_no);
