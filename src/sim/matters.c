/* What somebody has to do in a demo city that lives: every so often a loop of the next scene is
 * opened as a hand would open it, about people, places and things of the city, so that the lists,
 * the clocks and the escalations of a demo have something to show. Each scene comes a few times;
 * what a scene demands is filled by the type of the field; its texts are those of the demo city's
 * settings (`matters`), and name themselves a demonstration where it has none.
 *
 * What is drawn follows from (seed, number of the matter), which is kept: a demo city that is
 * stopped goes on where it was. A scene that refuses what is made up for it is passed over. */
#include <math.h>

#include "base/random.h"
#include "loops/loops.h"
#include "registry/registry.h"
#include "scenes/scenes.h"
#include "sim/city.h"
#include "sim/sim.h"

enum { SCENES_MAX = 256, STREAM_MATTER = 0x3A77 };

static const struct sql_text highest_staff = {"sim_highest_staff",
                                              "SELECT max(staff_no) FROM staff", "primary key"};
static const struct sql_text highest_case = {"sim_highest_case",
                                             "SELECT max(case_no) FROM case_record", "primary key"};
static const struct sql_text thing_of_kind = {
    "sim_thing_of_kind", "SELECT min(thing_no) FROM thing WHERE kind = ?1", "thing_by_area"};

const struct sql_list matter_statements = SQL_LIST(&highest_staff, &highest_case, &thing_of_kind);

struct matter {
    struct platform *platform;
    const struct city *city;
    const struct scene *scene;
    struct random random;
    int64_t number;
    timestamp now;
    int64_t round; /* how often the scene came before */
    bool lacking;  /* nothing in the city fits some field */
};

static int64_t draw(struct matter *matter, int64_t count)
{
    return count > 0 ? 1 + (int64_t)random_below(&matter->random, (uint32_t)count) : 0;
}

static int64_t number(struct matter *matter, const struct sql_text *text, int64_t argument)
{
    struct error err;
    struct sql *sql;
    int64_t value = 0;
    const struct sql_value values[] = {sql_int(argument)};
    if (!store_read_begin(matter->platform->store, &sql, &err))
        return 0;
    if (!sql_one_int(sql, text, values, argument ? 1 : 0, 0, &value, &err))
        value = 0;
    store_read_end(matter->platform->store, sql);
    return value;
}

static const struct area *some_town(struct matter *matter)
{
    const struct city *city = matter->city;
    size_t town = random_below(&matter->random, (uint32_t)city->town_count);
    return registry_area(matter->platform->registry, city->towns[town].area_no);
}

/* NULL where the city has none. */
static json_t *some_object(struct matter *matter, enum scene_kind kind)
{
    const struct city *city = matter->city;
    const struct area *area;
    int64_t no = 0;
    switch (kind) {
    case SCENE_PERSON:
        no = draw(matter, city->person_count);
        break;
    case SCENE_HOUSEHOLD:
        no = draw(matter, city->household_count);
        break;
    case SCENE_UNIT:
    case SCENE_VENUE:
        no = draw(matter, city->venue_count);
        break;
    case SCENE_VEHICLE:
        no = draw(matter, city->truck_count);
        break;
    case SCENE_STAFF:
        no = draw(matter, number(matter, &highest_staff, 0));
        break;
    case SCENE_CASE:
        no = draw(matter, number(matter, &highest_case, 0));
        break;
    case SCENE_AREA:
        area = some_town(matter);
        return area ? json_stringn(area->code.data, area->code.length) : NULL;
    default:
        no = number(matter, &thing_of_kind, kind);
        break;
    }
    return no ? json_integer(no) : NULL;
}

static json_t *some_text(struct matter *matter, const struct scene_field *field)
{
    const struct settings *settings = matter->city->settings;
    char text[64];
    for (size_t i = 0; i < settings->matter_count; i++) {
        const struct matter_text *told = &settings->matters[i];
        if (strcmp(told->scene, matter->scene->name) == 0 &&
            strcmp(told->field, field->name) == 0)
            return json_string(told->texts[(size_t)matter->round % told->count]);
    }
    if (isfinite(field->min) && field->min == field->max) {
        size_t length = (size_t)field->min < sizeof text ? (size_t)field->min : sizeof text - 1;
        for (size_t i = 0; i < length; i++)
            text[i] = (char)('0' + random_below(&matter->random, 10));
        text[length] = '\0';
    } else {
        snprintf(text, sizeof text, "DEMO %lld", (long long)matter->number);
    }
    return json_string(text);
}

static json_t *some_number(struct matter *matter, const struct scene_field *field)
{
    double least = isfinite(field->min) ? field->min : 1;
    double most = isfinite(field->max) && field->max < least + 20 ? field->max : least + 20;
    double value = floor(least + random_unit(&matter->random) * (most - least));
    return field->type == TYPE_INT ? json_integer((int64_t)value) : json_real(value);
}

/* What has been lies two hours back, what will be a day ahead. */
static json_t *some_time(struct matter *matter, const struct scene_field *field)
{
    char text[TIME_TEXT_BYTES];
    size_t length = strlen(field->name);
    bool past = length > 3 && strcmp(field->name + length - 3, "_at") == 0;
    timestamp time = matter->now + (past ? -2 * HOUR : DAY);
    if (field->type == TYPE_TIME)
        return json_string(time_format(time, text));
    time_format(time, text);
    return json_stringn(text, 10);
}

static json_t *some_value(struct matter *matter, const struct scene_field *field)
{
    switch (field->type) {
    case TYPE_TEXT:
        return some_text(matter, field);
    case TYPE_INT:
    case TYPE_NUMBER:
        return some_number(matter, field);
    case TYPE_BOOL:
        return json_true();
    case TYPE_TIME:
    case TYPE_DATE:
        return some_time(matter, field);
    case TYPE_ENUM:
        return field->values.count
                   ? json_string(
                         field->values
                             .items[random_below(&matter->random, (uint32_t)field->values.count)]
                             .text)
                   : NULL;
    case TYPE_PHOTO:
        return NULL;
    default:
        return some_object(matter, scene_type_kind(field->type));
    }
}

static json_t *some_fields(struct matter *matter)
{
    const struct scene *scene = matter->scene;
    json_t *fields = json_object();
    for (size_t i = 0; i < scene->field_count; i++) {
        const struct scene_field *field = &scene->fields[i];
        if (!field->required)
            continue;
        json_t *value = some_value(matter, field);
        matter->lacking |= !value;
        if (value && field->list) {
            json_t *list = json_array();
            json_array_append_new(list, value);
            value = list;
        }
        if (value)
            json_object_set_new(fields, field->name, value);
    }
    return fields;
}

static bool is_thing(enum scene_kind kind)
{
    return kind == SCENE_TUBE || kind == SCENE_ALERT || kind == SCENE_BATCH || kind == SCENE_SITE ||
           kind == SCENE_CHECKPOINT;
}

/* True where it was opened, or cannot be; false where the house is in trouble. */
static bool open_matter(struct matter *matter, struct error *err)
{
    const struct scene *scene = matter->scene;
    struct actor hand = {.kind = ACTOR_USER, .name = "demo", .area_last = INT64_MAX};
    struct loop_opening opening = {.scene = slice_of(scene->name)};
    struct loop_outcome outcome;
    char code[40];
    if (is_thing(scene->subject)) {
        snprintf(code, sizeof code, "DEMO-%lld", (long long)matter->number);
        opening.subject = json_string(code);
        opening.area = some_town(matter);
    } else if (scene->subject != SCENE_NONE) {
        opening.subject = some_object(matter, scene->subject);
        matter->lacking |= !opening.subject;
    }
    opening.fields = some_fields(matter);
    bool done = matter->lacking ||
                loops_open_by_hand(matter->platform->loops, &hand, &opening, &outcome, err) ||
                error_kind(err->code)->http_status < 500;
    json_decref(opening.subject);
    json_decref(opening.fields);
    return done;
}

/* ---- One after the other */

struct counting {
    int64_t number;
};

static bool keep_number(struct sql *sql, void *context, struct error *err)
{
    const struct counting *counting = context;
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)counting->number);
    return store_setting_set(sql, "demo_matters", slice_of(text), err);
}

static bool read_number(struct platform *platform, int64_t *ret_number, struct error *err)
{
    struct buffer text;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    buffer_init(&text, 64);
    bool done = store_setting_get(sql, "demo_matters", &text, err);
    if (done && !slice_to_int64(buffer_slice(&text), 0, INT64_MAX, ret_number))
        *ret_number = 0;
    buffer_release(&text);
    store_read_end(platform->store, sql);
    return done;
}

bool matters_open_next(struct platform *platform, const struct city *city, timestamp now,
                       bool *ret_more, struct error *err)
{
    const struct scene *scenes[SCENES_MAX];
    struct matter matter = {.platform = platform, .city = city, .now = now};
    *ret_more = false;
    if (!loops_ready(platform->loops, err) || !read_number(platform, &matter.number, err))
        return false;
    size_t count = loops_scenes(platform->loops, scenes, SCENES_MAX);
    int64_t rounds = (int64_t)city->settings->number[MATTERS_A_SCENE];
    while (count && matter.number < rounds * (int64_t)count) {
        matter.scene = scenes[(size_t)matter.number % count];
        matter.round = matter.number / (int64_t)count;
        matter.number++;
        if (!scene_opens_by_hand(matter.scene))
            continue;
        random_init(&matter.random, city->seed ^ STREAM_MATTER, (uint64_t)matter.number);
        struct counting counting = {matter.number};
        *ret_more = true;
        return open_matter(&matter, err) &&
               store_write(platform->store, keep_number, &counting, err);
    }
    return true;
}
