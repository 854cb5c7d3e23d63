-- A number is never handed out twice: when an import is taken back, the highest number of its kind is kept
-- here, so that nobody who comes later inherits check-ins or evidence of one who is gone.
-- scope: the area above, for areas; 0 for all other kinds.
CREATE TABLE number_floor (
    kind  BIGINT NOT NULL,
    scope BIGINT NOT NULL,
    no    BIGINT NOT NULL,
    PRIMARY KEY (kind, scope)
);
