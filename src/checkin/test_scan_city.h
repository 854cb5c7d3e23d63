/* A small city for tests of the scan path: venues of every check level, persons of every colour and
 * age of their last test, a guard and a sampler; one scan at a time, waited for. */
#ifndef CHENGMAI_CHECKIN_TEST_SCAN_CITY_H
#define CHENGMAI_CHECKIN_TEST_SCAN_CITY_H

#include "access/access.h"
#include "checkin/checkin_internal.h"
#include "registry/test_support.h"
#include "status/status.h"

enum { LEVELS = 4, VENUE_CLOSED = 5, VENUES = 5, PERSONS = 30, HOUR_SECONDS = 3600 };

static const struct sql_text close_venue = {
    "test_close_venue", "UPDATE venue SET closed = 1 WHERE venue_no = ?1", "primary key"};

/* ---- The city: venues 1 … 4 of check level 0 … 3, venue 5 closed; persons by colour and last test
 */

enum { HOURS_NONE = -1 };
static const int negative_hours[] = {HOURS_NONE, 10, 24, 30, 48, 60, 72, 80};
enum { NEGATIVES = sizeof negative_hours / sizeof *negative_hours };
static inline uint32_t person_of(enum color color, int negative)
{
    return 1 + (uint32_t)color * NEGATIVES + (uint32_t)negative;
}

struct scan_city {
    struct test_city base;
    struct checkin *checkin;
    char staff[ACCESS_TOKEN_BYTES + 8], sampler[ACCESS_TOKEN_BYTES + 8];
    /* cookies that scans are sent with, and X-CSRF-Token; data NULL: none */
    struct slice device, cookie, csrf;
    uint32_t now;
};

static inline void fill_registry(struct test_city *city)
{
    struct buffer rows;
    buffer_init(&rows, 1 << 20);
    buffer_append_text(&rows, "person_id,area,id_number\n");
    for (int i = 1; i <= PERSONS; i++) {
        char number[19];
        snprintf(number, sizeof number, "999001199001%02d%03d0", 1 + i % 28, i);
        number[17] = identity_id_check_digit(number);
        buffer_print(&rows, "p%d,320402,%s\n", i, number);
    }
    test_import(city, "persons", rows.data, (const int64_t[4]){PERSONS, 0, 0, 0});
    buffer_clear(&rows);
    buffer_append_text(&rows, "venue_id,area,name,category,check_level\n");
    for (int i = 0; i < VENUES; i++)
        buffer_print(&rows, "v%d,320402,Hall %d,,%d\n", i + 1, i + 1, i < LEVELS ? i : 0);
    test_import(city, "venues", rows.data, (const int64_t[4]){VENUES, 0, 0, 0});
    buffer_release(&rows);
}

static inline bool add_evidence(struct sql *sql, void *context, struct error *err)
{
    timestamp now = world_now(((struct scan_city *)context)->base.platform.world);
    int64_t area = registry_city(((struct scan_city *)context)->base.platform.registry)->no, no;
    for (int color = COLOR_GREEN; color <= COLOR_RED; color++)
        for (int n = 0; n < NEGATIVES; n++) {
            struct person_no person = {person_of((enum color)color, n)};
            struct evidence cause = {.kind = color == COLOR_RED ? EVIDENCE_CASE
                                                                : EVIDENCE_CLOSE_CONTACT,
                                     .recorded_at = now - HOUR,
                                     .at = color == COLOR_RED ? now - 5 * HOUR : now - 16 * DAY,
                                     .until = TIMESTAMP_NONE};
            struct evidence test = {.kind = EVIDENCE_PCR,
                                    .recorded_at = now - HOUR,
                                    .at = now - negative_hours[n] * HOUR,
                                    .until = now - HOUR,
                                    .detail = RESULT_NEGATIVE,
                                    .tube_size = 1};
            if ((color != COLOR_GREEN &&
                 !evidence_add(sql, person, area, &cause, SLICE(""), &no, err)) ||
                (negative_hours[n] != HOURS_NONE &&
                 !evidence_add(sql, person, area, &test, SLICE(""), &no, err)))
                return false;
        }
    return sql_run(sql, &close_venue, SQL_ARGUMENTS(sql_int(VENUE_CLOSED)), err);
}

static inline bool add_users(struct sql *sql, void *context, struct error *err)
{
    struct scan_city *city = context;
    struct access *access = city->base.platform.access;
    int64_t area = registry_city(city->base.platform.registry)->no, no;
    memcpy(city->staff, "Bearer ", 8);
    memcpy(city->sampler, "Bearer ", 8);
    return access_user_add(sql, access, SLICE("guard"), SLICE("venue_staff"), area, NULL, &no,
                           err) &&
           access_token_issue(sql, access, SLICE("guard"), 1, city->staff + 7, err) &&
           access_user_add(sql, access, SLICE("sampler"), SLICE("sampler"), area, NULL, &no, err) &&
           access_token_issue(sql, access, SLICE("sampler"), 1, city->sampler + 7, err);
}

static inline int set_up(void **state)
{
    struct scan_city *city = x_alloc(1, sizeof *city);
    struct platform *platform = &city->base.platform;
    struct error err;
    test_city_create(&city->base, true);
    test_fail_on(access_open(platform, &platform->access, &err), &err);
    fill_registry(&city->base);
    test_fail_on(store_write(platform->store, add_users, city, &err), &err);
    test_fail_on(store_write(platform->store, add_evidence, city, &err), &err);
    test_fail_on(status_open(platform, &platform->status, &err), &err);
    test_fail_on(checkin_open(platform, &city->checkin, &err), &err);
    platform->checkin = city->checkin;
    city->now = (uint32_t)(world_now(platform->world) / SECOND);
    *state = city;
    return 0;
}

static inline int tear_down(void **state)
{
    struct scan_city *city = *state;
    struct platform *platform = &city->base.platform;
    checkin_close(city->checkin);
    presence_close(platform->presence);
    platform->presence = NULL;
    status_free(platform->status);
    access_close(platform->access);
    test_city_remove(&city->base);
    free(city);
    return 0;
}

/* ---- One scan, waited for */

struct answer {
    struct scan_exchange exchange;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;
    json_t *body;
};

static inline void on_answered(struct scan_exchange *exchange)
{
    struct answer *answer = exchange->context;
    pthread_mutex_lock(&answer->lock);
    answer->done = true;
    pthread_cond_signal(&answer->answered);
    pthread_mutex_unlock(&answer->lock);
}

static inline void send_scan(struct scan_city *city, const char *authorization, const char *key,
                      const char *body, bool offline, struct answer *answer)
{
    struct slice head = authorization ? slice_of(authorization) : (struct slice){NULL, 0};
    *answer = (struct answer){.done = false};
    scan_exchange_init(&answer->exchange);
    pthread_mutex_init(&answer->lock, NULL);
    pthread_cond_init(&answer->answered, NULL);
    answer->exchange.answered = on_answered;
    answer->exchange.context = answer;
    struct scan_credentials shown = {.authorization = head,
                                     .device = city->device,
                                     .cookie = city->cookie,
                                     .csrf = city->csrf};
    scan_submit(city->checkin, &shown, key ? slice_of(key) : (struct slice){NULL, 0},
                slice_of(body), offline, &answer->exchange);
    pthread_mutex_lock(&answer->lock);
    while (!answer->done)
        pthread_cond_wait(&answer->answered, &answer->lock);
    pthread_mutex_unlock(&answer->lock);
    answer->body = json_loadb(answer->exchange.body.data, answer->exchange.body.length, 0, NULL);
    assert_non_null(answer->body);
}

static inline void release(struct answer *answer)
{
    json_decref(answer->body);
    scan_exchange_release(&answer->exchange);
    pthread_mutex_destroy(&answer->lock);
    pthread_cond_destroy(&answer->answered);
}

static inline const char *text_of(const struct answer *answer, const char *field)
{
    const char *text = json_string_value(json_object_get(answer->body, field));
    return text ? text : "";
}

static inline bool has_reason(const struct answer *answer, const char *code)
{
    size_t i;
    json_t *reason, *reasons = json_object_get(answer->body, "reasons");
    json_array_foreach (reasons, i, reason) {
        json_t *words = json_object_get(reason, "words");
        assert_non_null(json_string_value(json_object_get(words, "zh")));
        assert_non_null(json_string_value(json_object_get(words, "en")));
        if (strcmp(json_string_value(json_object_get(reason, "code")), code) == 0)
            return true;
    }
    return false;
}

static inline const char *holder_of(struct scan_city *city, uint32_t person, char out[120])
{
    char session[HOLDER_SESSION_BYTES];
    access_holder_session(city->base.platform.access, person, 0, city->now, city->now + 3600,
                          person, session);
    snprintf(out, 120, "{\"session\":\"%s\"}", session);
    return out;
}

static inline const char *token_of(struct scan_city *city, uint32_t venue,
                                   char out[VENUE_TOKEN_BYTES])
{
    venue_token_format(store_keys(city->base.platform.store), venue,
                       checkin_venue_version(city->checkin, venue), out);
    return out;
}

/* {"venue_token", "holder", and what else is given} */
static inline const char *body_of(struct scan_city *city, uint32_t venue, const char *holder,
                           const char *more, char out[4096])
{
    char token[VENUE_TOKEN_BYTES];
    snprintf(out, 4096, "{\"venue_token\":\"%s\",\"holder\":%s%s}", token_of(city, venue, token),
             holder, more);
    return out;
}

static inline void scan_as(struct scan_city *city, uint32_t person, uint32_t venue,
                           const char *more, struct answer *answer)
{
    char holder[120], body[4096];
    send_scan(city, NULL, NULL, body_of(city, venue, holder_of(city, person, holder), more, body),
              false, answer);
}

static inline void refuse(struct scan_city *city, const char *authorization, const char *body,
                   int status, const char *field, const char *words)
{
    struct answer answer;
    int64_t before, after;
    struct error err;
    struct scans_verification result;
    struct presence *presence = city->base.platform.presence;
    test_fail_on(presence_verify_scans(presence, NULL, 0, &result, &err), &err);
    before = result.stored;
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    send_scan(city, authorization, NULL, body, false, &answer);
    json_t *fields = json_array_get(json_object_get(answer.body, "errors"), 0);
    const char *got = json_string_value(json_object_get(fields, "field"));
    if (answer.exchange.status != status || !got || strcmp(got, field) != 0 ||
        !strstr(text_of(&answer, "detail"), words))
        fail_msg("%d of %s: %s", answer.exchange.status, got ? got : "-",
                 text_of(&answer, "detail"));
    release(&answer);
    test_fail_on(presence_verify_scans(presence, NULL, 0, &result, &err), &err);
    after = result.stored;
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    assert_int_equal(after, before); /* nothing of it was kept */
}

#endif
