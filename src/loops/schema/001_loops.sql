-- loops: scenes as they were loaded, seats, loops, what was done in them, who has a part in them.
-- A version of a scene stays as long as a loop lives under it.
CREATE TABLE scene_version (
    scene_no  INTEGER PRIMARY KEY,
    name      TEXT NOT NULL,
    version   BIGINT NOT NULL,
    text      TEXT NOT NULL,
    loaded_at BIGINT NOT NULL,
    opens     BIGINT NOT NULL -- 1: new loops begin with this version
);
CREATE UNIQUE INDEX scene_version_by_name ON scene_version (name, version);
-- Who may own: a role in an area, a unit, a person, or the lead of another seat. Users come and go, a
-- seat stays.
CREATE TABLE seat (
    seat_no   INTEGER PRIMARY KEY,
    form      BIGINT NOT NULL,
    role      TEXT NOT NULL,
    area_no   BIGINT NOT NULL,
    object_no BIGINT NOT NULL -- unit, person or seat; 0 for a role
);
CREATE UNIQUE INDEX seat_by_what ON seat (form, role, area_no, object_no);
CREATE INDEX seat_by_object ON seat (object_no, form);
CREATE TABLE loop (
    loop_no      INTEGER PRIMARY KEY,
    scene_no     BIGINT NOT NULL,
    stage        BIGINT NOT NULL,
    state        BIGINT NOT NULL, -- 0 open, 1 done, 2 failed, 3 cancelled
    area_no      BIGINT NOT NULL,
    subject_kind BIGINT NOT NULL,
    subject_no   BIGINT NOT NULL,
    seat_no      BIGINT NOT NULL,
    opened_at    BIGINT NOT NULL,
    entered_at   BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    wake_at      BIGINT,          -- the next thing that the clock does; NULL: nothing more
    closed_at    BIGINT,
    overdue      BIGINT NOT NULL,
    steps        BIGINT NOT NULL, -- of the escalation, taken in this stage
    claim_user   BIGINT NOT NULL,
    claim_until  BIGINT NOT NULL,
    unique_key   BLOB,            -- of an open loop
    marks        BLOB NOT NULL,
    fields       BLOB NOT NULL    -- encrypted
);
CREATE INDEX loop_by_area ON loop (area_no, due_at, loop_no) WHERE state = 0;
CREATE INDEX loop_by_seat ON loop (seat_no, due_at, loop_no) WHERE state = 0;
CREATE INDEX loop_by_subject ON loop (subject_kind, subject_no) WHERE state = 0;
CREATE INDEX loop_by_scene ON loop (scene_no, loop_no) WHERE state = 0;
CREATE INDEX loop_by_wake ON loop (wake_at, loop_no) WHERE wake_at IS NOT NULL;
CREATE INDEX loop_by_closing ON loop (area_no, closed_at, loop_no) WHERE state <> 0;
CREATE INDEX loop_by_end ON loop (scene_no, closed_at, loop_no) WHERE state <> 0;
CREATE UNIQUE INDEX loop_by_key ON loop (unique_key) WHERE unique_key IS NOT NULL;
-- What was done, in order: a loop can be derived again from these rows alone.
CREATE TABLE loop_act (
    act_no     INTEGER PRIMARY KEY,
    loop_no    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    kind       BIGINT NOT NULL,
    stage      BIGINT NOT NULL, -- in which it was done
    to_stage   BIGINT NOT NULL, -- in which the loop is after it
    user_no    BIGINT NOT NULL, -- 0: the clock, or an event
    event_no   BIGINT NOT NULL, -- 0: none
    other_no   BIGINT NOT NULL, -- a seat that was told, a child that was opened
    words      BLOB             -- encrypted: fields that were set, the note
);
CREATE INDEX loop_act_by_loop ON loop_act (loop_no, act_no);
-- Who sees a loop whatever its area: owners past and present, who was told, who signed.
CREATE TABLE loop_party (
    seat_no BIGINT NOT NULL,
    loop_no BIGINT NOT NULL,
    told    BIGINT NOT NULL, -- 1: escalated to it in the present stage
    PRIMARY KEY (seat_no, loop_no)
);
CREATE INDEX loop_party_by_loop ON loop_party (loop_no, seat_no);
CREATE INDEX loop_party_told ON loop_party (seat_no, loop_no) WHERE told = 1;
-- A step that waits for signatures; one a loop.
CREATE TABLE loop_pending (
    loop_no    INTEGER PRIMARY KEY,
    transition BIGINT NOT NULL,
    user_no    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    words      BLOB NOT NULL -- encrypted: the fields and the note that will be set
);
CREATE TABLE loop_signature (
    loop_no BIGINT NOT NULL,
    place   BIGINT NOT NULL, -- in the list of those who must sign
    user_no BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (loop_no, place)
);
CREATE TABLE loop_child (
    parent_no BIGINT NOT NULL,
    child_no  BIGINT NOT NULL,
    PRIMARY KEY (parent_no, child_no)
);
CREATE INDEX loop_child_by_child ON loop_child (child_no, parent_no);
-- Loops that wait for an event about what one of their fields names.
CREATE TABLE loop_about (
    kind    BIGINT NOT NULL,
    no      BIGINT NOT NULL,
    loop_no BIGINT NOT NULL,
    PRIMARY KEY (kind, no, loop_no)
);
CREATE INDEX loop_about_by_loop ON loop_about (loop_no);
-- Open loops, maintained with every act.
CREATE TABLE loop_count (
    area_no  BIGINT NOT NULL,
    scene_no BIGINT NOT NULL,
    stage    BIGINT NOT NULL,
    open     BIGINT NOT NULL,
    overdue  BIGINT NOT NULL,
    PRIMARY KEY (area_no, scene_no, stage)
);
-- What loops are about and no other room registers yet: tubes, alerts, batches, sites, checkpoints.
CREATE TABLE thing (
    thing_no INTEGER PRIMARY KEY,
    kind     BIGINT NOT NULL,
    code     TEXT NOT NULL,
    name     TEXT NOT NULL,
    area_no  BIGINT NOT NULL,
    unit_no  BIGINT NOT NULL
);
CREATE UNIQUE INDEX thing_by_code ON thing (kind, code);
CREATE INDEX thing_by_area ON thing (kind, area_no, thing_no);
CREATE TABLE tube_member (
    tube_no   BIGINT NOT NULL,
    person_no BIGINT NOT NULL,
    PRIMARY KEY (tube_no, person_no)
);
CREATE INDEX tube_member_by_person ON tube_member (person_no, tube_no);
-- Duty by time: who stands in a table of duties is on duty only within its rows; an absence has a
-- delegate, or the seat falls to the next above.
CREATE TABLE duty (
    duty_no  INTEGER PRIMARY KEY,
    user_no  BIGINT NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL
);
CREATE INDEX duty_by_end ON duty (until_at, user_no);
CREATE INDEX duty_by_user ON duty (user_no, from_at);
CREATE TABLE absence (
    absence_no  INTEGER PRIMARY KEY,
    user_no     BIGINT NOT NULL,
    delegate_no BIGINT NOT NULL, -- 0: nobody
    from_at     BIGINT NOT NULL,
    until_at    BIGINT NOT NULL
);
CREATE INDEX absence_by_end ON absence (until_at, user_no);
CREATE TABLE area_risk (
    area_no BIGINT PRIMARY KEY,
    level   BIGINT NOT NULL, -- 0 low, 1 mid, 2 high
    since   BIGINT NOT NULL
);
