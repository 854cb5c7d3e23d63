-- sim: what a demo city's life goes on with: infections (also those nobody knows of), isolations, and
-- evidence whose moment is still to come. Empty in every other city. Times are unix seconds; 2^63 − 1:
-- not to be expected.
CREATE TABLE demo_infection (
    person_no     INTEGER PRIMARY KEY,
    infector_no   BIGINT NOT NULL,
    venue_no      BIGINT NOT NULL,
    infected_at   BIGINT NOT NULL,
    infectious_at BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    onset_at      BIGINT NOT NULL,
    swabbed_at    BIGINT NOT NULL,
    removed_at    BIGINT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    traced_at     BIGINT NOT NULL,
    spread_day    BIGINT NOT NULL,
    stage         BIGINT NOT NULL,
    swab          BIGINT NOT NULL
);
CREATE TABLE demo_isolation (
    isolation_no INTEGER PRIMARY KEY,
    person_no    BIGINT NOT NULL,
    from_at      BIGINT NOT NULL,
    until_at     BIGINT NOT NULL
);
CREATE TABLE demo_piece (
    piece_no    INTEGER PRIMARY KEY,
    person_no   BIGINT NOT NULL,
    kind        BIGINT NOT NULL,
    detail      BIGINT NOT NULL,
    tube_size   BIGINT NOT NULL,
    symptomatic BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    until_at    BIGINT NOT NULL
);
CREATE INDEX demo_piece_by_time ON demo_piece (recorded_at, piece_no);
CREATE INDEX demo_piece_by_person ON demo_piece (person_no);
