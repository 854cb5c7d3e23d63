/* Hands: which seat an owner form means in a loop, and whether somebody may act. */
#include "loops/loops_internal.h"

static const struct sql_text party_seats = {
    "loop_party_seats", "SELECT seat_no FROM loop_party WHERE loop_no = ?1 ORDER BY seat_no",
    "loop_party_by_loop"};

const struct sql_list loop_hand_statements = SQL_LIST(&party_seats);

/* The role that stands in where a unit or a person has nobody on duty. */
static const char stand_in[] = "district_duty";

bool actor_is_command(const struct actor *actor)
{
    return actor &&
           (strcmp(actor->role, "command") == 0 || strcmp(actor->role, "command_duty") == 0);
}

void command_seat(struct engine *engine, struct seat *ret_seat)
{
    const struct area *city = registry_city(engine->platform->registry);
    *ret_seat = (struct seat){.form = SEAT_ROLE, .role = "command", .area_no = city ? city->no : 0};
}

static void role_seat(const char *role, int64_t area_no, struct seat *ret_seat)
{
    *ret_seat = (struct seat){.form = SEAT_ROLE, .area_no = area_no};
    snprintf(ret_seat->role, sizeof ret_seat->role, "%s", role);
}

/* What a place names in this loop: the subject or a field. */
static bool place_object(struct engine *engine, const struct loop *loop,
                         const struct scene_name *place, enum scene_kind *ret_kind,
                         struct object *ret_object, int64_t *ret_no, struct error *err)
{
    *ret_object = (struct object){.known = false};
    *ret_no = 0;
    if (place->target == TARGET_SUBJECT) {
        *ret_kind = loop_scene(loop)->subject;
        *ret_no = loop->subject_no;
    } else {
        json_t *value = loop_value(loop, place);
        if (!json_is_integer(value))
            return true;
        *ret_kind = scene_type_kind(loop_scene(loop)->fields[place->index].type);
        *ret_no = json_integer_value(value);
    }
    return object_read(engine, *ret_kind, *ret_no, ret_object, err);
}

/* *ret_found false where the form does not resolve. */
static bool try_owner(struct engine *engine, const struct loop *loop,
                      const struct scene_owner *owner, struct seat *ret_seat, bool *ret_found,
                      struct error *err)
{
    struct object object;
    enum scene_kind kind = SCENE_NONE;
    int64_t no;
    *ret_found = true;
    if (owner->form == OWNER_ROLE &&
        (owner->bare || owner->place.target == TARGET_SUBJECT || !owner->place.text)) {
        role_seat(owner->role, loop->area_no, ret_seat);
        return true;
    }
    if (!place_object(engine, loop, &owner->place, &kind, &object, &no, err))
        return false;
    *ret_found = object.known;
    if (owner->form == OWNER_ROLE) {
        role_seat(owner->role, object.area_no, ret_seat);
        return true;
    }
    role_seat(stand_in, loop->area_no, ret_seat);
    if (owner->form == OWNER_UNIT_OF) {
        ret_seat->form = SEAT_UNIT;
        ret_seat->object_no = object.unit_no;
    } else {
        ret_seat->form = SEAT_PERSON;
        ret_seat->object_no = object.person_no;
    }
    *ret_found = object.known && ret_seat->object_no;
    return true;
}

bool owner_seat(struct engine *engine, const struct loop *loop, const struct scene_owner *owner,
                struct seat *ret_seat, struct error *err)
{
    for (; owner; owner = owner->otherwise) {
        bool found = false;
        if (owner->form == OWNER_SELF || owner->form == OWNER_LEAD)
            return seat_read(engine->sql, loop->seat_no, ret_seat, err);
        if (!try_owner(engine, loop, owner, ret_seat, &found, err))
            return false;
        if (found)
            return true;
    }
    command_seat(engine, ret_seat);
    return true;
}

/* A bare role is that role in the loop's area; who has it for an area around may act as well. */
static bool has_role_here(const struct actor *actor, const char *role, int64_t area_no)
{
    return strcmp(actor->role, role) == 0 && area_no >= actor->area_first &&
           area_no <= actor->area_last;
}

bool hand_fits(struct engine *engine, const struct loop *loop, const struct scene_owner *hand,
               bool *ret_fits, struct error *err)
{
    const struct actor *actor = engine->actor;
    struct seat seat;
    *ret_fits = false;
    if (!actor || actor->kind != ACTOR_USER)
        return true;
    if (hand->form == OWNER_ROLE && hand->bare && has_role_here(actor, hand->role, loop->area_no)) {
        *ret_fits = true;
        return true;
    }
    if (hand->form == OWNER_LEAD)
        seat = (struct seat){.form = SEAT_LEAD,
                             .role = "district_duty",
                             .area_no = loop->area_no,
                             .object_no = loop->seat_no};
    else if (!owner_seat(engine, loop, hand, &seat, err))
        return false;
    return board_holds(engine->board, engine->sql, &seat, actor->user_no, ret_fits, err);
}

bool hand_is_party(struct engine *engine, const struct loop *loop, bool *ret_party,
                   struct error *err)
{
    struct sql_query *query;
    int64_t seats[64];
    size_t count = 0;
    *ret_party = false;
    if (!engine->actor || engine->actor->kind != ACTOR_USER)
        return true;
    bool row = false,
         done = sql_begin(engine->sql, &party_seats, SQL_ARGUMENTS(sql_int(loop->no)), &query, err);
    seats[count++] = loop->seat_no;
    while (done && count < 64 && (done = sql_next(query, &row, err)) && row)
        seats[count++] = sql_get_int(query, 0);
    if (done && row)
        sql_end(query);
    for (size_t i = 0; done && !*ret_party && i < count; i++) {
        struct seat seat;
        done =
            seat_read(engine->sql, seats[i], &seat, err) &&
            board_holds(engine->board, engine->sql, &seat, engine->actor->user_no, ret_party, err);
    }
    return done;
}

bool hand_in_waiting(struct engine *engine, int64_t asked_by, const int64_t signers[SIGNERS_MAX],
                     enum own_hand *ret_hand, struct error *err)
{
    int64_t own = engine->actor->user_no;
    bool same;
    *ret_hand = HAND_NONE;
    if (!access_same_human(engine->sql, asked_by, own, &same, err))
        return false;
    if (same)
        *ret_hand = HAND_ASKED;
    for (size_t i = 0; *ret_hand == HAND_NONE && i < SIGNERS_MAX; i++) {
        if (!signers[i])
            continue;
        if (!access_same_human(engine->sql, signers[i], own, &same, err))
            return false;
        if (same)
            *ret_hand = HAND_SIGNED;
    }
    return true;
}
