-- loops: which loops name which case, in a field or as what they are about, as long as the loop is kept; and
-- the closed loops about one subject.
CREATE TABLE loop_case (
    case_no BIGINT NOT NULL,
    loop_no BIGINT NOT NULL,
    PRIMARY KEY (case_no, loop_no)
);
CREATE INDEX loop_case_by_loop ON loop_case (loop_no);
CREATE INDEX loop_by_past_subject ON loop (subject_kind, subject_no, loop_no) WHERE state <> 0;
