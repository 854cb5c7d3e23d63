-- feeds: venues that fell silent and were told of: no row tells of a person.
CREATE TABLE venue_silence (
    venue_no  BIGINT NOT NULL PRIMARY KEY,
    first_day BIGINT NOT NULL, -- of the silence that was told last
    last_day  BIGINT NOT NULL
);
