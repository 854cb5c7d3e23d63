-- loops: what a scene measures of itself, counted when it is decided and kept when the loops are forgotten
CREATE TABLE loop_indicator (
    scene_no BIGINT NOT NULL,
    place    BIGINT NOT NULL, -- in the scene's list of indicators
    area_no  BIGINT NOT NULL,
    day      BIGINT NOT NULL, -- of the city, on which it was decided
    split    TEXT NOT NULL,   -- the value of the field that it is split by; '' where none
    met      BIGINT NOT NULL,
    total    BIGINT NOT NULL,
    PRIMARY KEY (scene_no, place, area_no, day, split)
);
