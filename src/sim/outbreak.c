/* One outbreak that spreads over co-presence: infectious people infect those who were at the same
 * place at the same time, with the probability of the dwell model times BETA, and their households.
 *
 *   infected ─latent─► infectious ─until found─► case, isolated
 *
 * Found cases, their contacts and everybody's tests become evidence; statuses follow from that. */
#include <stdlib.h>

#include "sim/city.h"
#include "status/status_internal.h"
#include "tracing/tracing.h"

enum {
    CASES_MAX = 400, LATENT_DAYS = 2, FOUND_DAYS = 4, SEED_DAY = 11, /* days before the last */
    CONTACTS_A_CASE = 40, TEST_EVERY_DAYS = 4, TESTS_KEPT = 2, INFECT_PER_DAY_MAX = 3,
};
static const double BETA = 0.035, HOUSEHOLD_RISK = 0.12, CONTACT_WEIGHT = 0.6;

struct infection {
    uint32_t person, infector;
    int32_t day, found_day;
    timestamp sampled_at;
};

struct outbreak {
    struct city *city;
    struct infection cases[CASES_MAX];
    size_t count;
    struct random random;
};

static const struct sql_text case_insert = {
    "sim_case_insert",
    "INSERT INTO case_record (case_no, area_no, person_no, kind, at, recorded_at, import_no)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
    "primary key"};
static const struct sql_text case_external = {
    "sim_case_external",
    "INSERT INTO external_id (kind, source_no, id, no, import_no) VALUES (7, 1, ?1, ?2, 0)",
    "external_id_by_id"};

const struct sql_list outbreak_statements = SQL_LIST(&case_insert, &case_external);

static void infect(struct outbreak *outbreak, uint32_t person, uint32_t infector, int32_t day)
{
    if (outbreak->count == CASES_MAX)
        return;
    for (size_t i = 0; i < outbreak->count; i++)
        if (outbreak->cases[i].person == person)
            return;
    int32_t found = day + FOUND_DAYS + (int32_t)random_below(&outbreak->random, 3);
    int64_t hour = 7 + random_below(&outbreak->random, 6);
    outbreak->cases[outbreak->count++] =
        (struct infection){person, infector, day, found,
                           (time_day_start_seconds(found) + hour * 3600) * SECOND};
}

struct outbreak *outbreak_create(struct city *city)
{
    struct outbreak *outbreak = x_alloc(1, sizeof *outbreak);
    outbreak->city = city;
    random_init(&outbreak->random, city->seed, UINT64_MAX);
    uint32_t person = 1; /* the first adult with a workplace in the middle of the register */
    for (uint32_t k = city->person_count / 2; k <= city->person_count; k++)
        if (city->daily_venue[k] && city->age_of[k] >= 25) {
            person = k;
            break;
        }
    infect(outbreak, person, 0, city->last_day - SEED_DAY);
    outbreak->cases[0].found_day = city->last_day - SEED_DAY + FOUND_DAYS + 2;
    return outbreak;
}

void outbreak_free(struct outbreak *outbreak)
{
    free(outbreak);
}

bool outbreak_is_isolated(const struct outbreak *outbreak, uint32_t person, int32_t day)
{
    for (size_t i = 0; i < outbreak->count; i++)
        if (outbreak->cases[i].person == person)
            return day >= outbreak->cases[i].found_day;
    return false;
}

static bool spread_from(struct outbreak *outbreak, const struct infection *source, int32_t day,
                        struct tracer *tracer, struct presence_view *view, struct error *err)
{
    struct trace_result result;
    int64_t start = time_day_start_seconds(day);
    struct trace_request request = {
        .person = {source->person}, .from = start, .to = start + 86400, .model = TRACE_DWELL};
    if (!trace_run(tracer, view, &request, &result, err))
        return false;
    int infected = 0;
    for (size_t i = 0; i < result.count && infected < INFECT_PER_DAY_MAX; i++)
        if (random_unit(&outbreak->random) < (double)result.weight[i] * BETA) {
            infect(outbreak, result.person[i], source->person, day);
            infected++;
        }
    int64_t household = (int64_t)source->person * 10 / 27;
    for (uint32_t k = source->person > 3 ? source->person - 3 : 1;
         k <= source->person + 3 && k <= outbreak->city->person_count; k++)
        if (k != source->person && (int64_t)k * 10 / 27 == household &&
            random_unit(&outbreak->random) < HOUSEHOLD_RISK)
            infect(outbreak, k, source->person, day);
    return true;
}

bool outbreak_spread(struct outbreak *outbreak, int32_t day, struct error *err)
{
    struct tracer *tracer = NULL;
    struct presence_view *view = NULL;
    bool done = tracer_create(outbreak->city->platform, &tracer, err) &&
                presence_view_begin(outbreak->city->platform->presence, &view, err);
    size_t known = outbreak->count;
    for (size_t i = 0; done && i < known; i++) {
        struct infection source = outbreak->cases[i];
        if (day >= source.day + LATENT_DAYS && day < source.found_day)
            done = spread_from(outbreak, &source, day, tracer, view, err);
    }
    presence_view_end(view);
    tracer_free(tracer);
    return done;
}

/* ---- Evidence */

struct recording {
    struct outbreak *outbreak;
    timestamp now;
    uint32_t *contacts; /* person, then last exposure in seconds, pairs */
    size_t contact_count;
};

static int64_t area_of(const struct city *city, uint32_t person)
{
    return city->towns[city->town_of[person]].area_no;
}

static bool put(struct sql *sql, const struct city *city, uint32_t person, enum evidence_kind kind,
                timestamp recorded, timestamp at, timestamp until, unsigned detail,
                unsigned tube_size, struct error *err)
{
    struct evidence piece = {.kind = kind, .recorded_at = recorded, .at = at, .until = until,
                             .detail = (uint8_t)detail, .tube_size = (uint16_t)tube_size};
    return evidence_insert_row(sql, (struct person_no){person}, area_of(city, person), &piece,
                               (struct slice){NULL, 0}, 0, err);
}

static bool put_tests(struct sql *sql, const struct recording *recording, uint32_t person,
                      struct error *err)
{
    const struct city *city = recording->outbreak->city;
    struct random random;
    random_init(&random, city->seed ^ 0x7E57, person);
    int32_t phase = (int32_t)random_below(&random, TEST_EVERY_DAYS);
    if (random_below(&random, 100) < 6) /* some are never tested */
        return true;
    for (int k = TESTS_KEPT - 1; k >= 0; k--) {
        int32_t day = city->last_day - phase - k * TEST_EVERY_DAYS;
        timestamp sampled =
            (time_day_start_seconds(day) + 8 * 3600 + random_below(&random, 8 * 3600)) * SECOND;
        timestamp reported = sampled + 7 * HOUR;
        if (reported > recording->now || outbreak_is_isolated(recording->outbreak, person, day))
            continue;
        if (!put(sql, city, person, EVIDENCE_PCR, reported, sampled, reported, RESULT_NEGATIVE,
                 10, err))
            return false;
    }
    return true;
}

static bool put_case(struct sql *sql, const struct recording *recording, int64_t case_no,
                     const struct infection *infection, struct error *err)
{
    const struct city *city = recording->outbreak->city;
    timestamp reported = infection->sampled_at + 6 * HOUR;
    char id[16];
    snprintf(id, sizeof id, "c%04lld", (long long)case_no);
    bool symptomatic = random_mix(infection->person) & 1;
    return put(sql, city, infection->person, EVIDENCE_PCR, reported, infection->sampled_at,
               reported, RESULT_POSITIVE, 1, err) &&
           put(sql, city, infection->person, EVIDENCE_CASE, reported + HOUR,
               infection->sampled_at, TIMESTAMP_NONE, 0, 0, err) &&
           sql_run(sql, &case_insert,
                   SQL_ARGUMENTS(sql_int(case_no), sql_int(area_of(city, infection->person)),
                                 sql_int(infection->person),
                                 sql_text(symptomatic ? SLICE("case") : SLICE("asymptomatic")),
                                 sql_int(infection->sampled_at), sql_int(reported)),
                   err) &&
           sql_run(sql, &case_external, SQL_ARGUMENTS(sql_text(slice_of(id)), sql_int(case_no)),
                   err);
}

static bool record_all(struct sql *sql, void *context, struct error *err)
{
    struct recording *recording = context;
    struct outbreak *outbreak = recording->outbreak;
    const struct city *city = outbreak->city;
    int64_t case_no = 0;
    bool done = true;
    for (uint32_t person = 1; done && person <= city->person_count; person++)
        done = put_tests(sql, recording, person, err);
    for (size_t i = 0; done && i < outbreak->count; i++)
        if (outbreak->cases[i].sampled_at + 7 * HOUR <= recording->now)
            done = put_case(sql, recording, ++case_no, &outbreak->cases[i], err);
    for (size_t i = 0; done && i < recording->contact_count; i++) {
        timestamp exposed = recording->contacts[3 * i + 1] * SECOND;
        timestamp known = recording->contacts[3 * i + 2] * SECOND;
        done = put(sql, city, recording->contacts[3 * i], EVIDENCE_CLOSE_CONTACT, known, exposed,
                   TIMESTAMP_NONE, 0, 0, err);
    }
    struct event event = {.kind = SLICE("evidence.bulk")};
    return done && event_emit(sql, &event, err);
}

/* The strongest exposures of a found case in the days before it was found. */
static bool find_contacts(struct recording *recording, const struct infection *source,
                          struct tracer *tracer, struct presence_view *view, struct error *err)
{
    struct trace_result result;
    struct trace_request request = {.person = {source->person},
                                    .from = time_day_start_seconds(source->found_day - 4),
                                    .to = source->sampled_at / SECOND,
                                    .model = TRACE_DWELL};
    if (!trace_run(tracer, view, &request, &result, err))
        return false;
    for (size_t i = 0; i < result.count && i < CONTACTS_A_CASE; i++) {
        if ((double)result.weight[i] < CONTACT_WEIGHT)
            break;
        recording->contacts =
            x_realloc(recording->contacts,
                      3 * (recording->contact_count + 1) * sizeof *recording->contacts);
        uint32_t *at = recording->contacts + 3 * recording->contact_count++;
        at[0] = result.person[i];
        at[1] = (uint32_t)(source->sampled_at / SECOND) - 86400;
        at[2] = (uint32_t)(source->sampled_at / SECOND) + 10 * 3600;
    }
    return true;
}

bool outbreak_record(struct outbreak *outbreak, struct error *err)
{
    struct platform *platform = outbreak->city->platform;
    struct recording recording = {.outbreak = outbreak};
    struct tracer *tracer = NULL;
    struct presence_view *view = NULL;
    recording.now = (time_day_start_seconds(outbreak->city->last_day) + 14 * 3600) * SECOND;
    bool done = tracer_create(platform, &tracer, err) &&
                presence_view_begin(platform->presence, &view, err);
    for (size_t i = 0; done && i < outbreak->count; i++)
        if (outbreak->cases[i].sampled_at + 12 * HOUR <= recording.now)
            done = find_contacts(&recording, &outbreak->cases[i], tracer, view, err);
    presence_view_end(view);
    tracer_free(tracer);
    done = done && store_write_unsynced(platform->store, record_all, &recording, err);
    free(recording.contacts);
    return done;
}

uint32_t outbreak_index_person(const struct outbreak *outbreak, size_t *ret_cases)
{
    timestamp now = (time_day_start_seconds(outbreak->city->last_day) + 14 * 3600) * SECOND;
    *ret_cases = 0;
    for (size_t i = 0; i < outbreak->count; i++)
        *ret_cases += outbreak->cases[i].sampled_at + 7 * HOUR <= now;
    return outbreak->cases[0].person;
}
