/* Building the demo city, its users, and its life while the server runs. */
#include <stdlib.h>

#include "access/access.h"
#include "checkin/checkin.h"
#include "sim/city.h"
#include "status/status.h"

enum { CITY_DAYS = 14, PASSWORD_BYTES = 24, LIFE_APPENDS_MAX = 2000 };

/* ---- Fourteen days */

static bool build_day(struct city *city, struct outbreak *outbreak, int32_t day, uint32_t until,
                      struct error *err)
{
    struct presence_bulk *bulk = NULL;
    struct presence_bulk_result result;
    size_t capacity = (size_t)city->person_count * 3 + 1024, count = 0;
    struct presence_event *events = x_alloc(capacity, sizeof *events);
    for (uint32_t person = 1; person <= city->person_count; person++) {
        if (outbreak_is_isolated(outbreak, person, day))
            continue;
        if (count + CITY_EVENTS_MAX > capacity) {
            capacity += capacity / 2;
            events = x_realloc(events, capacity * sizeof *events);
        }
        size_t made = city_person_day(city, person, day, events + count);
        for (size_t i = 0; i < made; i++) /* the last day ends now */
            if (events[count + i].time < until)
                events[count] = events[count + i], count++, i--, made--;
            else
                events[count + i] = events[count + --made], i--;
    }
    bool done = presence_bulk_begin(city->platform->presence, 0, &bulk, err) &&
                presence_bulk_day(bulk, day, events, count, err) &&
                presence_bulk_commit(bulk, &result, err);
    presence_bulk_abandon(bulk);
    free(events);
    return done && outbreak_spread(outbreak, day, err);
}

/* ---- Users */

struct users_job {
    struct platform *platform;
    struct buffer logins; /* JSON array of the city's logins */
    FILE *out;
};

static void make_password(char out[PASSWORD_BYTES])
{
    static const char consonants[] = "bdfghjkmnprstvwz", vowels[] = "aeiou";
    unsigned char bytes[12];
    size_t at = 0;
    world_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i += 2) {
        out[at++] = consonants[bytes[i] % 16];
        out[at++] = vowels[bytes[i + 1] % 5];
        if (i == 4)
            out[at++] = '-';
    }
    out[at] = '\0';
}

static bool add_users(struct sql *sql, void *context, struct error *err)
{
    static const char *const districts[] = {"", "320412", "320481"};
    struct users_job *job = context;
    struct platform *platform = job->platform;
    struct json_writer writer;
    json_writer_init(&writer, &job->logins);
    json_array_begin(&writer);
    bool done = true;
    for (size_t r = 0; done && r < policy_role_count(platform->policy); r++)
        for (size_t d = 0; done && d < 3; d++) {
            const struct role *role = policy_role_at(platform->policy, r);
            const struct area *area =
                d ? registry_area_by_code(platform->registry, slice_of(districts[d]))
                  : registry_city(platform->registry);
            char name[64], password[PASSWORD_BYTES];
            int64_t user_no;
            snprintf(name, sizeof name, "%s%s%s", role->name, d ? "-" : "", districts[d]);
            make_password(password);
            done = access_user_add(sql, platform->access, slice_of(name), slice_of(role->name),
                                   area->no, password, &user_no, err);
            if (d)
                continue;
            fprintf(job->out, "  %-20s %s\n", name, password);
            json_object_begin(&writer);
            json_field_text(&writer, "name", slice_of(name));
            json_field_text(&writer, "password", slice_of(password));
            json_field_text(&writer, "role", slice_of(role->title_zh));
            json_object_end(&writer);
        }
    json_array_end(&writer);
    json_writer_release(&writer);
    return done && store_setting_set(sql, "demo_logins", buffer_slice(&job->logins), err);
}

static bool build_users(struct platform *platform, FILE *out, struct error *err)
{
    struct users_job job = {.platform = platform, .out = out};
    buffer_init(&job.logins, 1 << 20);
    fprintf(out, "logins of the city (one a role; -320412 and -320481 have their own):\n");
    bool done = store_write(platform->store, add_users, &job, err);
    buffer_release(&job.logins);
    return done;
}

bool sim_city_build(struct platform *platform, int64_t people, uint64_t seed, FILE *out,
                    struct error *err)
{
    struct city *city = NULL;
    struct outbreak *outbreak = NULL;
    bool done = city_plan(platform, people, seed, &city, err) && city_register(city, err);
    uint32_t now = (uint32_t)time_day_start_seconds(city ? city->last_day : 0) + 14 * 3600 + 1800;
    if (done)
        outbreak = outbreak_create(city);
    for (int32_t k = CITY_DAYS - 1; done && k >= 0; k--)
        done = build_day(city, outbreak, city->last_day - k, k ? UINT32_MAX : now, err);
    done = done && outbreak_record(outbreak, err) && build_users(platform, out, err) &&
           status_catch_up(platform->status, err);
    if (done) {
        size_t cases;
        uint32_t person = outbreak_index_person(outbreak, &cases);
        fprintf(out,
                "%lld people, %u venues, %zu cases. The case to trace: p%08u\n"
                "  chengmai --data %s trace --person p%08u --from 2022-03-31T00:00:00+08:00"
                " --to 2022-04-14T00:00:00+08:00\n"
                "  chengmai --data %s serve\n"
                "  chengmai --data %s doctor\n",
                (long long)people, city->venue_count, cases, person, platform->directory, person,
                platform->directory, platform->directory);
    }
    outbreak_free(outbreak);
    city_free(city);
    return done;
}

/* ---- Life: at the city clock's pace people scan, and some are tested */

static void life_done(struct presence_append *append, const struct error *failure)
{
    (void)failure; /* a demo person whose scan could not be kept just goes on */
    free(append);
}

static bool life_scan(struct platform *platform, struct random *random, uint32_t now,
                      struct error *err)
{
    uint32_t venues = checkin_venue_count(platform->checkin);
    struct person_no person = {1 + random_below(random, status_known(platform->status))};
    struct status_entry status =
        status_get(platform->status, person, (timestamp)now * SECOND);
    if (venues < 2 || status.color == COLOR_RED)
        return true;
    double u = random_unit(random);
    struct presence_append *append = x_alloc(1, sizeof *append);
    append->count = 1;
    append->done = life_done;
    append->records[0].person = person.n;
    append->records[0].venue = 1 + (uint32_t)(u * u * (venues - 1));
    append->records[0].time = now;
    append->records[0].flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, SCAN_PASS);
    append->records[0].answer.color = status.color;
    append->records[0].answer.last_negative = status.last_negative;
    if (presence_append(platform->presence, append, err))
        return true;
    free(append);
    return err->code == ERROR_BUSY || err->code == ERROR_DISK_FULL;
}

struct life_tests {
    struct platform *platform;
    struct random *random;
    timestamp now;
    uint32_t count;
};

static bool life_test(struct sql *sql, void *context, struct error *err)
{
    struct life_tests *tests = context;
    for (uint32_t i = 0; i < tests->count; i++) {
        struct person_no person = {
            1 + random_below(tests->random, status_known(tests->platform->status))};
        struct evidence piece = {.kind = EVIDENCE_PCR, .recorded_at = tests->now,
                                 .at = tests->now - 7 * HOUR, .until = tests->now,
                                 .detail = RESULT_NEGATIVE, .tube_size = 10};
        int64_t no;
        const struct area *city = registry_city(tests->platform->registry);
        if (!evidence_add(sql, person, city->no, &piece, (struct slice){NULL, 0}, &no, err))
            return false;
    }
    return true;
}

/* Expected number per second times share, rounded at random so that small cities live too. */
static uint32_t draw_count(struct random *random, double expected)
{
    uint32_t whole = (uint32_t)expected;
    whole += random_unit(random) < expected - whole;
    return whole < LIFE_APPENDS_MAX ? whole : LIFE_APPENDS_MAX;
}

bool sim_life_tick(struct platform *platform, timestamp now, struct error *err)
{
    /* share of a day's scans in each hour, of 1000 */
    static const int rhythm[24] = {2,  1,  1,  1,  2,  10, 35, 95, 85, 60, 55, 60,
                                   70, 50, 45, 48, 60, 85, 90, 65, 40, 22, 12, 6};
    struct random random;
    uint32_t seconds = (uint32_t)(now / SECOND);
    double people = status_known(platform->status);
    int hour = (int)((seconds + LOCAL_OFFSET_SECONDS) % 86400 / 3600);
    random_init(&random, store_seed(platform->store), seconds);
    uint32_t scans = draw_count(&random, people * 1.9 * rhythm[hour] / 1000 / 3600);
    for (uint32_t i = 0; i < scans; i++)
        if (!life_scan(platform, &random, seconds, err))
            return false;
    struct life_tests tests = {platform, &random, now,
                               draw_count(&random, people / 4 / 86400)};
    return tests.count == 0 || store_write(platform->store, life_test, &tests, err);
}
