/* Guards: whether a condition of a scene holds for a loop at this moment. A comparison with an
 * absent field is false; what cannot be known holds for nobody. */
#include <stdlib.h>

#include "loops/loops_internal.h"

static const struct sql_text hands_of_stage = {
    "loop_hands_of_stage",
    "SELECT DISTINCT user_no FROM loop_act WHERE loop_no = ?1 AND user_no > 0 AND stage = ?2"
    " AND kind IN (?3, ?4, ?5) LIMIT 64",
    "loop_act_by_loop"};
static const struct sql_text child_open = {
    "loop_child_open",
    "SELECT c.child_no FROM loop_child c JOIN loop l ON l.loop_no = c.child_no"
    " WHERE c.parent_no = ?1 AND l.state = 0 LIMIT 1",
    "primary key"};
static const struct sql_text risk_select = {
    "area_risk_select", "SELECT level FROM area_risk WHERE area_no = ?1", "primary key"};

const struct sql_list loop_condition_statements =
    SQL_LIST(&hands_of_stage, &child_open, &risk_select);

struct guarding {
    struct engine *engine;
    const struct loop *loop;
    const struct scene_event *event;
    json_t *payload;
};

static bool holds(const struct guarding *guarding, const struct scene_condition *condition,
                  bool *ret_holds, struct error *err);

/* ---- Values */

/* The value of a name and its type; NULL where absent. */
static json_t *value_of(const struct guarding *guarding, const struct scene_name *name,
                        enum scene_type *ret_type)
{
    if (name->target == TARGET_PAYLOAD) {
        *ret_type = guarding->event->payload[name->index].type;
        return json_object_get(guarding->payload, guarding->event->payload[name->index].name);
    }
    if (name->target != TARGET_FIELD || !guarding->loop)
        return NULL;
    *ret_type = loop_scene(guarding->loop)->fields[name->index].type;
    return loop_value(guarding->loop, name);
}

/* <0, 0, >0; 2 where the two cannot be compared. */
static int compare(struct engine *engine, json_t *value, enum scene_type type,
                   const struct scene_value *constant)
{
    const struct area *area;
    int64_t number;
    timestamp time;
    switch (type) {
    case TYPE_NUMBER:
        return (json_number_value(value) > constant->real) -
               (json_number_value(value) < constant->real);
    case TYPE_BOOL:
        return json_is_true(value) == (constant->whole != 0) ? 0 : 1;
    case TYPE_TEXT:
    case TYPE_ENUM:
    case TYPE_PHOTO:
        return json_is_string(value) && strcmp(json_string_value(value), constant->text) == 0 ? 0
                                                                                              : 1;
    case TYPE_TIME:
        if (json_is_string(value)) { /* a payload as it was written */
            if (!time_parse(slice_of(json_string_value(value)), &time))
                return 2;
            return (time > constant->whole) - (time < constant->whole);
        } /* fall through */
    case TYPE_INT:
    case TYPE_DATE:
        return (json_integer_value(value) > constant->whole) -
               (json_integer_value(value) < constant->whole);
    case TYPE_AREA:
        area = registry_area_by_code(engine->platform->registry, slice_of(constant->text));
        return area && area->no == json_integer_value(value) ? 0 : 1;
    default:
        return slice_to_int64(slice_of(constant->text), 0, INT64_MAX, &number) &&
                       number == json_integer_value(value)
                   ? 0
                   : 1;
    }
}

static bool compares(const struct guarding *guarding, const struct scene_condition *condition)
{
    enum scene_type type = TYPE_TEXT;
    json_t *value = value_of(guarding, &condition->name, &type);
    if (!value || json_is_null(value))
        return false;
    int order = compare(guarding->engine, value, type, &condition->values.items[0]);
    switch (condition->comparison) {
    case OPERATOR_EQ:
        return order == 0;
    case OPERATOR_NE:
        return order != 0;
    case OPERATOR_LT:
        return order == -1;
    case OPERATOR_LE:
        return order == -1 || order == 0;
    case OPERATOR_GT:
        return order == 1;
    case OPERATOR_GE:
        return order == 1 || order == 0;
    }
    return false;
}

static bool is_among(const struct guarding *guarding, const struct scene_condition *condition)
{
    enum scene_type type = TYPE_TEXT;
    json_t *value = value_of(guarding, &condition->name, &type);
    for (size_t i = 0; value && i < condition->values.count; i++)
        if (compare(guarding->engine, value, type, &condition->values.items[i]) == 0)
            return true;
    return false;
}

static bool is_present(const struct guarding *guarding, const struct scene_name *name)
{
    enum scene_type type = TYPE_TEXT;
    json_t *value = value_of(guarding, name, &type);
    return name->target == TARGET_SUBJECT || (value && !json_is_null(value));
}

/* ---- Tests of the subject */

static int newest_first(const void *a, const void *b)
{
    timestamp x = (*(const struct evidence *const *)a)->at,
              y = (*(const struct evidence *const *)b)->at;
    return (x < y) - (x > y);
}

static bool is_annulled(const struct evidence *pieces, size_t count, int64_t no)
{
    for (size_t i = 0; i < count; i++)
        if (pieces[i].kind == EVIDENCE_ANNUL && pieces[i].of == no)
            return true;
    return false;
}

/* The newest results back from now, as many as are asked: each as asked, and far enough from the
 * one counted before it. One that lies too near is not counted but must be as asked too: it is the
 * latest ones that decide. */
static bool tests_fit(const struct evidence *pieces, size_t count, timestamp now,
                      const struct scene_condition *condition, struct arena *arena)
{
    enum evidence_result wanted = condition->positive ? RESULT_POSITIVE : RESULT_NEGATIVE;
    timestamp apart = condition->apart == SCENE_UNSET ? 0 : condition->apart * SECOND;
    const struct evidence **results = arena_alloc(arena, (count + 1) * sizeof *results);
    size_t result_count = 0;
    int64_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (pieces[i].kind == EVIDENCE_PCR && pieces[i].at <= now &&
            !is_annulled(pieces, count, pieces[i].no))
            results[result_count++] = &pieces[i];
    qsort(results, result_count, sizeof *results, newest_first);
    timestamp counted = TIMESTAMP_NEVER;
    for (size_t i = 0; i < result_count; i++) {
        if (results[i]->detail != wanted || results[i]->at < now - condition->within * SECOND)
            return false;
        if (found && counted - results[i]->at < apart)
            continue;
        counted = results[i]->at;
        if (++found == condition->times)
            return true;
    }
    return false;
}

static bool test_holds(const struct guarding *guarding, const struct scene_condition *condition,
                       bool *ret_holds, struct error *err)
{
    struct engine *engine = guarding->engine;
    const struct loop *loop = guarding->loop;
    struct evidence *pieces;
    struct object object;
    size_t count;
    if (!object_read(engine, loop_scene(loop)->subject, loop->subject_no, &object, err))
        return false;
    *ret_holds = false;
    if (!object.known || !object.person_no)
        return true;
    if (!evidence_of_person(engine->sql, (struct person_no){(uint32_t)object.person_no},
                            engine->arena, &pieces, &count, err))
        return false;
    *ret_holds = tests_fit(pieces, count, engine->now, condition, engine->arena);
    return true;
}

/* ---- Times, hands, areas, children */

static bool elapsed(const struct guarding *guarding, const struct scene_condition *condition)
{
    const struct loop *loop = guarding->loop;
    timestamp since = TIMESTAMP_NONE;
    enum scene_type type = TYPE_TIME;
    if (condition->name.target == TARGET_OPENED)
        since = loop->opened_at;
    if (condition->name.target == TARGET_STAGE && loop->marks[condition->name.index].visits)
        since = loop->marks[condition->name.index].entered_at;
    json_t *value = value_of(guarding, &condition->name, &type);
    if (json_is_integer(value))
        since = type == TYPE_DATE
                    ? time_day_start_seconds((int32_t)json_integer_value(value)) * SECOND
                    : json_integer_value(value);
    return since != TIMESTAMP_NONE && guarding->engine->now - since >= condition->within * SECOND;
}

/* Whether the actor, or another account of the same human, acted in a stage. */
static bool had_a_hand(const struct guarding *guarding, int stage, bool *ret_had,
                       struct error *err)
{
    const struct engine *engine = guarding->engine;
    struct sql_query *query;
    int64_t hands[64];
    size_t count = 0;
    bool row, done = sql_begin(engine->sql, &hands_of_stage,
                               SQL_ARGUMENTS(sql_int(guarding->loop->no), sql_int(stage),
                                             sql_int(ACT_ADVANCED), sql_int(ACT_ASKED),
                                             sql_int(ACT_SIGNED)),
                               &query, err);
    *ret_had = false;
    while (done && (done = sql_next(query, &row, err)) && row)
        if (count < 64)
            hands[count++] = sql_get_int(query, 0);
    for (size_t i = 0; done && !*ret_had && i < count; i++)
        done = access_same_human(engine->sql, hands[i], engine->actor->user_no, ret_had, err);
    return done;
}

static bool hands_are_separate(const struct guarding *guarding,
                               const struct scene_condition *condition, bool *ret_holds,
                               struct error *err)
{
    const struct engine *engine = guarding->engine;
    *ret_holds = true;
    for (size_t i = 0; engine->actor && *ret_holds && i < condition->stages.count; i++) {
        bool had;
        if (!had_a_hand(guarding, condition->stages.items[i].index, &had, err))
            return false;
        *ret_holds = !had;
    }
    return true;
}

/* The level of the nearest area, upwards, for which one was declared; low where none was. */
static bool risk_holds(const struct guarding *guarding, const struct scene_condition *condition,
                       bool *ret_holds, struct error *err)
{
    struct engine *engine = guarding->engine;
    enum scene_type type = TYPE_AREA;
    struct object object;
    int64_t level = -1;
    json_t *value = value_of(guarding, &condition->name, &type);
    *ret_holds = false;
    if (!json_is_integer(value))
        return true;
    if (!object_read(engine, scene_type_kind(type), json_integer_value(value), &object, err))
        return false;
    for (int64_t area = object.area_no; area && level < 0; area = area_above(area))
        if (!sql_one_int(engine->sql, &risk_select, SQL_ARGUMENTS(sql_int(area)), -1, &level, err))
            return false;
    *ret_holds = object.known && (condition->risks & 1u << (level < 0 ? 0 : level)) != 0;
    return true;
}

static bool any_holds(const struct guarding *guarding, const struct scene_condition *condition,
                      bool *ret_holds, struct error *err)
{
    *ret_holds = false;
    for (size_t i = 0; !*ret_holds && i < condition->part_count; i++)
        if (!holds(guarding, &condition->parts[i], ret_holds, err))
            return false;
    return true;
}

static bool holds(const struct guarding *guarding, const struct scene_condition *condition,
                  bool *ret_holds, struct error *err)
{
    int64_t child;
    switch (condition->form) {
    case CONDITION_IS:
        *ret_holds = is_present(guarding, &condition->name) == condition->present;
        return true;
    case CONDITION_COMPARE:
        *ret_holds = compares(guarding, condition);
        return true;
    case CONDITION_IN:
        *ret_holds = is_among(guarding, condition);
        return true;
    case CONDITION_TEST:
        return test_holds(guarding, condition, ret_holds, err);
    case CONDITION_ELAPSED:
        *ret_holds = elapsed(guarding, condition);
        return true;
    case CONDITION_ACTED:
        *ret_holds = (guarding->loop->marks[condition->name.index].acted > 0) == condition->present;
        return true;
    case CONDITION_SEPARATE_HANDS:
        return hands_are_separate(guarding, condition, ret_holds, err);
    case CONDITION_AREA_RISK:
        return risk_holds(guarding, condition, ret_holds, err);
    case CONDITION_CHILDREN:
        if (!sql_one_int(guarding->engine->sql, &child_open,
                         SQL_ARGUMENTS(sql_int(guarding->loop->no)), 0, &child, err))
            return false;
        *ret_holds = !child;
        return true;
    case CONDITION_NOT:
        if (!holds(guarding, condition->parts, ret_holds, err))
            return false;
        *ret_holds = !*ret_holds;
        return true;
    case CONDITION_ANY:
        return any_holds(guarding, condition, ret_holds, err);
    }
    return false;
}

bool conditions_hold(struct engine *engine, const struct loop *loop,
                     const struct scene_conditions *conditions, const struct scene_event *event,
                     json_t *payload, const struct scene_condition **ret_failed, bool *ret_hold,
                     struct error *err)
{
    struct guarding guarding = {engine, loop, event, payload};
    *ret_hold = true;
    *ret_failed = NULL;
    for (size_t i = 0; *ret_hold && i < conditions->count; i++) {
        if (!holds(&guarding, &conditions->items[i], ret_hold, err))
            return false;
        if (!*ret_hold)
            *ret_failed = &conditions->items[i];
    }
    return true;
}
