/* A small demo city opened in this process, its clock in the test's hand. */
#ifndef CHENGMAI_KEEPING_TEST_SUPPORT_H
#define CHENGMAI_KEEPING_TEST_SUPPORT_H

#include "keeping/keeping_internal.h"
#include "server/test_support.h"

static inline struct keeping *keeping_of(struct loopback *loop)
{
    return loop->platform->keeping;
}

/* Days pass; nothing happens meanwhile. */
static inline void days_pass(struct loopback *loop, int days)
{
    loop->platform->world->fixed += days * DAY;
}

/* Keeps the clock over closing and opening. */
static inline void reopen(struct loopback *loop)
{
    timestamp now = loop->platform->world->fixed;
    loopback_restart(loop);
    loop->platform->world->fixed = now;
}

/* Words that people wrote about persons: two by their routes, two as they lay in plain before their
 * columns were encrypted. Opened anew, none lies in plain. */
#define WORDS_OF_GLASS "GLASSWORDS taken ill at the checkpoint"
#define WORDS_OF_EXPORT "EXPORTWORDS for the visits of the week"
#define WORDS_OF_A_REFUSAL "REFUSALWORDS pregnant as the doctor says"
#define WORDS_OF_A_WATCH "WATCHWORDS a singer"
static inline void people_write(struct loopback *loop)
{
    char officer[80];
    struct call glass = {.method = HTTP_POST,
                         .path = "/api/v1/break-glass",
                         .body = "{\"reason\":\"" WORDS_OF_GLASS "\"}",
                         .authorization = loopback_user(loop, "cdc_duty", officer)};
    assert_int_equal(loopback_status(loop, &glass), 200);
    struct call export = {.method = HTTP_POST,
                          .path = "/api/v1/exports",
                          .purpose = "duty:export",
                          .body = "{\"kind\":\"persons\",\"words\":\"" WORDS_OF_EXPORT "\"}",
                          .authorization = loopback_user(loop, "cdc_lead", officer)};
    assert_int_equal(loopback_status(loop, &export), 201);
    loopback_change(loop, "INSERT INTO override_decision (override_no, user_no, name, approves,"
                          " plain_words, decided_at)"
                          " VALUES (1, 1, 'approver', 0, '" WORDS_OF_A_REFUSAL "', 0)");
    loopback_change(loop, "INSERT INTO watched_person (person_no, plain_words)"
                          " VALUES (7, '" WORDS_OF_A_WATCH "')");
    reopen(loop);
    static const char *const plain[] = {
        "SELECT count(*) FROM broken_glass WHERE plain_reason = '' AND length(reason) > 60",
        "SELECT count(*) FROM export_request WHERE plain_words = '' AND length(words) > 60",
        "SELECT count(*) FROM override_decision WHERE plain_words = '' AND length(words) > 60",
        "SELECT count(*) FROM watched_person WHERE plain_words = '' AND length(words) > 50"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        assert_int_equal(loopback_number(loop, plain[i]), 1);
}

/* One run; its report, the caller's to release. */
static inline json_t *run_retention(struct loopback *loop, bool dry)
{
    struct error err;
    struct buffer report;
    buffer_init(&report, 16 << 20);
    test_fail_on(retention_run(keeping_of(loop), "test", dry, &report, &err), &err);
    json_t *document = json_loadb(report.data, report.length, 0, NULL);
    assert_non_null(document);
    buffer_release(&report);
    return document;
}

/* Number of acts of a class in a state; *ret_rows of all of them. */
static inline size_t acts_of(json_t *report, const char *class_, const char *state,
                             int64_t *ret_rows)
{
    size_t i, count = 0;
    json_t *act;
    *ret_rows = 0;
    json_array_foreach(json_object_get(report, "acts"), i, act)
    {
        if (strcmp(json_string_value(json_object_get(act, "class")), class_) != 0 ||
            strcmp(json_string_value(json_object_get(act, "state")), state) != 0)
            continue;
        count++;
        *ret_rows += json_integer_value(json_object_get(act, "rows"));
    }
    return count;
}

static inline int64_t events_of_day(struct loopback *loop, const char *date)
{
    struct presence_view *view;
    struct error err;
    int32_t day;
    assert_true(time_parse_date(slice_of(date), &day));
    test_fail_on(presence_view_begin(loop->platform->presence, &view, &err), &err);
    int64_t count = presence_day_count(view, day);
    presence_view_end(view);
    return count;
}

static inline void note_finding(void *context, bool good, const char *check, const char *words)
{
    if (!good)
        fail_msg("%s: %s", check, words);
    ++*(int *)context;
}

/* What `doctor --deep` asks. */
static inline void all_is_well(struct loopback *loop)
{
    struct platform *platform = loop->platform;
    struct error err;
    struct sql *sql;
    int64_t checked, wrong, broken, records;
    int findings = 0;
    test_fail_on(store_verify(platform->store, note_finding, &findings, &err), &err);
    test_fail_on(presence_verify(platform->presence, note_finding, &findings, &err), &err);
    test_fail_on(status_catch_up(platform->status, &err), &err);
    test_fail_on(status_verify(platform->status, &checked, &wrong, &err), &err);
    assert_int_equal(wrong, 0);
    test_fail_on(store_read_begin(platform->store, &sql, &err), &err);
    test_fail_on(audit_verify(sql, 1, INT64_MAX, &broken, &records, &err), &err);
    store_read_end(platform->store, sql);
    assert_int_equal(broken, 0);
    assert_true(findings >= 4);
}

/* Runs a shell line; its output; the exit code. */
static inline int shell(const char *line, char *out, size_t size)
{
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, size - 1, pipe);
    out[got] = '\0';
    while (fgetc(pipe) != EOF)
        ;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void add_hold(struct loopback *loop, const char *class_, const char *from,
                            const char *to, int days)
{
    struct hold hold = {.first_day = INT32_MIN, .last_day = INT32_MAX, .reason = "court order 7",
                        .made_by = "auditor"};
    struct error err;
    int64_t no;
    snprintf(hold.class_, sizeof hold.class_, "%s", class_);
    assert_true(!from || time_parse_date(slice_of(from), &hold.first_day));
    assert_true(!to || time_parse_date(slice_of(to), &hold.last_day));
    hold.until_at = world_now(loop->platform->world) + days * DAY;
    test_fail_on(hold_add(loop->platform, &hold, &no, &err), &err);
}

#endif
