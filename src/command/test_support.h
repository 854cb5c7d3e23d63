/* What tests of the counters share: a city of two districts with people and venues, what happens in
 * it, and what the situation says of it. */
#ifndef CHENGMAI_COMMAND_TEST_SUPPORT_H
#define CHENGMAI_COMMAND_TEST_SUPPORT_H

#include <pthread.h>

#include "command/command_internal.h"
#include "presence/test_support.h"
#include "status/status.h"

enum { PEOPLE = 300, VENUES = 40, TODAY_SLOT = SITUATION_DAYS - 1 };

struct fixture {
    struct test_city city;
    struct platform platform;
    struct random random;
    const struct area *district[2];              /* of the city */
    int64_t scans[2][SITUATION_DAYS], scans_24h; /* the naive twin: what was appended */
    uint32_t today;                              /* first second of today */
};

/* ---- Opening */

static inline void open_rooms(struct fixture *f)
{
    struct error err;
    f->platform = (struct platform){.world = &f->city.world,
                                    .store = f->city.store,
                                    .presence = f->city.presence,
                                    .directory = f->city.directory,
                                    .demo = true};
    test_fail_on(policy_open(store_directory_fd(f->city.store), &f->platform.policy, &err), &err);
    test_fail_on(registry_open(&f->platform, &f->platform.registry, &err), &err);
    test_fail_on(status_open(&f->platform, &f->platform.status, &err), &err);
    f->district[0] = registry_area_by_code(f->platform.registry, SLICE("320412"));
    f->district[1] = registry_area_by_code(f->platform.registry, SLICE("320481"));
}

static inline void close_rooms(struct fixture *f)
{
    status_close(f->platform.status);
    registry_close(f->platform.registry);
    policy_free(f->platform.policy);
}

static inline void restart(struct fixture *f)
{
    close_rooms(f);
    test_city_close(&f->city);
    test_city_open(&f->city);
    open_rooms(f);
}

static inline bool seed_areas(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return registry_seed_areas(sql, err);
}

static inline bool seed_people(struct sql *sql, void *context, struct error *err)
{
    static const struct sql_text person = {
        "test_person", "INSERT INTO person (person_no, area_no, import_no) VALUES (?1, ?2, 0)", ""};
    static const struct sql_text venue = {
        "test_venue",
        "INSERT INTO venue (venue_no, area_no, category, check_level, token_version, closed,"
        " import_no) VALUES (?1, ?2, 'default', 0, 1, ?3, 0)",
        ""};
    const struct fixture *f = context;
    bool done = true;
    for (int64_t i = 1; done && i <= PEOPLE; i++)
        done =
            sql_run(sql, &person, SQL_ARGUMENTS(sql_int(i), sql_int(f->district[i % 2]->no)), err);
    for (int64_t i = 1; done && i <= VENUES; i++)
        done = sql_run(
            sql, &venue,
            SQL_ARGUMENTS(sql_int(i), sql_int(f->district[i % 2]->no), sql_int(i % 10 == 0)), err);
    return done;
}

static inline int create(void **state)
{
    struct error err;
    struct fixture *f = x_alloc(1, sizeof *f);
    uint64_t seed = (uint64_t)world_real_now();
    print_message("# seed %llu\n", (unsigned long long)seed);
    random_init(&f->random, seed, 7);
    test_city_create(&f->city);
    test_fail_on(store_write(f->city.store, seed_areas, NULL, &err), &err);
    open_rooms(f);
    test_fail_on(store_write(f->city.store, seed_people, f, &err), &err);
    f->today =
        (uint32_t)time_day_start_seconds(time_day_of_seconds(world_now(&f->city.world) / SECOND));
    *state = f;
    return 0;
}

static inline int destroy(void **state)
{
    struct fixture *f = *state;
    close_rooms(f);
    test_city_remove(&f->city);
    free(f);
    return 0;
}

/* ---- What happens */

/* Never the same second twice at a venue: doubles are read as one. */
static inline void scan(struct fixture *f, int days_back)
{
    uint32_t now = (uint32_t)(world_now(&f->city.world) / SECOND);
    uint32_t venue = 1 + random_below(&f->random, VENUES);
    static uint32_t turn;
    uint32_t latest = days_back ? 86400 : now - f->today;
    uint32_t time = f->today - (uint32_t)days_back * 86400 + turn++ % (latest - 1);
    struct test_wait wait = {.append.count = 1};
    wait.append.records[0] = (struct scan_record){
        .person = 1 + random_below(&f->random, PEOPLE), .venue = venue, .time = time};
    assert_int_equal(test_append(f->city.presence, &wait), ERROR_NONE);
    f->scans[venue % 2][TODAY_SLOT - days_back]++;
    f->scans_24h += time + 86400 > now;
}

struct piece_job {
    struct fixture *f;
    int32_t kind;
    int count;
};
static inline bool add_pieces(struct sql *sql, void *context, struct error *err)
{
    struct piece_job *job = context;
    timestamp now = world_now(&job->f->city.world);
    for (int i = 0; i < job->count; i++) {
        uint32_t person = 1 + random_below(&job->f->random, PEOPLE);
        timestamp at = now - (timestamp)random_below(&job->f->random, 15 * 86400) * SECOND;
        struct evidence piece = {.kind = (enum evidence_kind)job->kind,
                                 .at = at,
                                 .recorded_at = now,
                                 .until =
                                     job->kind == EVIDENCE_PCR ? at + 6 * HOUR : TIMESTAMP_NONE,
                                 .tube_size = job->kind == EVIDENCE_PCR ? 10 : 0};
        int64_t no;
        if (!evidence_add(sql, (struct person_no){person}, job->f->district[person % 2]->no, &piece,
                          (struct slice){NULL, 0}, &no, err))
            return false;
    }
    return true;
}

static inline bool add_cases(struct sql *sql, void *context, struct error *err)
{
    static const struct sql_text insert = {
        "test_case",
        "INSERT INTO case_record (area_no, person_no, kind, at, recorded_at, import_no)"
        " VALUES (?1, ?2, 'case', ?3, ?4, 0)",
        ""};
    struct piece_job *job = context;
    timestamp now = world_now(&job->f->city.world);
    bool done = true;
    for (int i = 0; done && i < job->count; i++) {
        timestamp at = now - (timestamp)random_below(&job->f->random, 20 * 86400) * SECOND;
        done = sql_run(sql, &insert,
                       SQL_ARGUMENTS(sql_int(job->f->district[i % 2]->no), sql_int(i + 1),
                                     sql_int(at - 6 * HOUR), sql_int(at)),
                       err);
    }
    return done;
}

/* Evidence taken back, as an undone import does: rows go, and "evidence.bulk" says so. */
static inline bool take_back(struct sql *sql, void *context, struct error *err)
{
    static const struct sql_text remove = {"test_remove",
                                           "DELETE FROM evidence WHERE evidence_no % 3 = 0", ""};
    (void)context;
    struct event event = {.kind = SLICE("evidence.bulk")};
    return sql_run(sql, &remove, NULL, 0, err) && event_emit(sql, &event, err);
}

/* ---- What the situation says */

static inline json_t *situation_at(struct fixture *f, const struct area *area, timestamp as_of)
{
    struct error err;
    struct buffer text;
    struct situation_question question = {.area = area, .as_of = as_of};
    buffer_init(&text, 4 << 20);
    test_fail_on(situation_write(&f->platform, &question, &text, &err), &err);
    json_t *document = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    buffer_release(&text);
    return document;
}

static inline json_t *situation(struct fixture *f, const struct area *area)
{
    return situation_at(f, area, TIMESTAMP_NONE);
}

/* −1 where the counter is not known. Each that is known says when it is true for. */
static inline int64_t counter(json_t *document, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach (json_object_get(document, "counters"), i, entry) {
        timestamp time;
        json_t *value = json_object_get(entry, "value");
        const char *text = json_string_value(json_object_get(entry, "true_for"));
        assert_int_equal(json_is_null(value), text == NULL);
        assert_true(!text || time_parse(slice_of(text), &time));
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
            return text ? json_integer_value(value) : -1;
    }
    fail_msg("the situation does not name %s", name);
    return -1;
}

static inline json_t *day_of(json_t *document, const char *series, int slot)
{
    return json_array_get(json_object_get(json_object_get(document, "series"), series),
                          (size_t)slot);
}

static inline void refresh(struct fixture *f)
{
    struct error err;
    f->city.world.fixed += 61 * SECOND; /* what is counted once a minute is due */
    test_fail_on(command_counters_refresh(&f->platform, &err), &err);
}

#endif
