-- photos: one row a photo, whoever sent it; its bytes lie in DIR/photos.
CREATE TABLE photo (
    photo_no   INTEGER PRIMARY KEY,
    name       BLOB NOT NULL,   -- keyed hash of the digest: equality alone
    file       BLOB NOT NULL,   -- the file's name: keyed hash of the digest under the photo's own key
    form       BIGINT NOT NULL, -- enum photo_form
    bytes      BIGINT NOT NULL,
    unnamed_at BIGINT,          -- since when no loop names it; NULL: one does
    secret     BLOB NOT NULL    -- encrypted: the key that the file is encrypted with
);
CREATE UNIQUE INDEX photo_by_name ON photo (name);
CREATE UNIQUE INDEX photo_by_file ON photo (file);
CREATE INDEX photo_unnamed ON photo (unnamed_at, photo_no) WHERE unnamed_at IS NOT NULL;
-- Who had the bytes in hand: only they, and who may read the photo, may name it in a loop.
CREATE TABLE photo_sender (
    photo_no BIGINT NOT NULL,
    user_no  BIGINT NOT NULL,
    PRIMARY KEY (photo_no, user_no)
);
