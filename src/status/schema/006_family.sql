-- status: who looks after whom (a child, an elderly parent without a phone), by numbers alone. A row
-- that was ended is gone; what it was used for stands in the audit chain.
CREATE TABLE representation (
    representation_no INTEGER PRIMARY KEY,
    holder_no         BIGINT NOT NULL, -- whose session it is
    member_no         BIGINT NOT NULL, -- whom it may show
    relation          BIGINT NOT NULL, -- what the member is to the holder (family.c)
    since             BIGINT NOT NULL,
    until_at          BIGINT NOT NULL,
    proof             TEXT NOT NULL    -- the identity provider that proved the member
);
CREATE UNIQUE INDEX representation_by_holder ON representation (holder_no, member_no);
CREATE INDEX representation_by_member ON representation (member_no, representation_no);
CREATE INDEX representation_by_end ON representation (until_at);
