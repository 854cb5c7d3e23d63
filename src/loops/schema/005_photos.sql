-- photos: which loops name a photo, and in which field. As long as the loop is not forgotten, whatever
-- the field holds later: the history shows what it held.
CREATE TABLE loop_photo (
    photo_no BIGINT NOT NULL,
    loop_no  BIGINT NOT NULL,
    field    TEXT NOT NULL,
    PRIMARY KEY (photo_no, loop_no, field)
);
CREATE INDEX loop_photo_by_loop ON loop_photo (loop_no, photo_no);
