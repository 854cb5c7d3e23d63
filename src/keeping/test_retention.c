/* Goal: what has passed its days goes, what has not stays, what is held stays and says why; a run
 * that was cut short is finished by the next; nothing else of the city notices. */
#include <sys/wait.h>

#include "command/command.h"
#include "keeping/test_support.h"

static void days_go_one_after_another_with_their_keys(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    unsigned char key[KEY_BYTES];
    int64_t rows, first = events_of_day(loop, "2022-04-01");
    assert_true(first > 0);
    days_pass(loop, 15); /* 29 April: the first of April is 28 days old, and kept */
    json_t *report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "presence", "done", &rows), 0);
    json_decref(report);
    days_pass(loop, 1);
    report = run_retention(loop, true); /* tells, destroys nothing, is kept nowhere */
    assert_int_equal(acts_of(report, "presence", "begun", &rows), 1);
    assert_int_equal(rows, first);
    json_decref(report);
    assert_int_equal(events_of_day(loop, "2022-04-01"), first);
    report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "presence", "done", &rows), 1);
    assert_int_equal(rows, first);
    assert_int_equal(json_integer_value(json_object_get(report, "run")), 2);
    json_decref(report);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(events_of_day(loop, "2022-04-01"), 0);
        assert_true(events_of_day(loop, "2022-04-02") > 0);
        assert_false(keys_named(store_keys(loop->platform->store), "day-2022-04-01", false, key,
                                &err));
        assert_int_equal(err.code, ERROR_GONE);
        all_is_well(loop);
        reopen(loop);
    }
    report = run_retention(loop, false); /* the same day again: nothing more */
    assert_int_equal(acts_of(report, "presence", "done", &rows), 0);
    json_decref(report);
    days_pass(loop, 40); /* all that is left in one run */
    report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "presence", "done", &rows), 13);
    json_decref(report);
    all_is_well(loop);
}

static void a_hold_keeps_its_days_until_it_is_over_or_lifted(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t rows;
    add_hold(loop, "presence", "2022-04-02", "2022-04-03", 40);
    days_pass(loop, 18); /* 1 to 3 April have passed their days */
    json_t *report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "presence", "done", &rows), 1);
    assert_int_equal(acts_of(report, "presence", "held", &rows), 2);
    assert_true(rows > 0);
    json_t *held = json_array_get(json_object_get(report, "acts"), 3);
    const char *words = json_string_value(json_object_get(held, "words"));
    assert_string_equal(words ? words : "", "hold 1: court order 7");
    json_decref(report);
    assert_true(events_of_day(loop, "2022-04-02") > 0);
    test_fail_on(hold_lift(loop->platform, 1, "auditor", &err), &err);
    assert_false(hold_lift(loop->platform, 1, "auditor", &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "presence", "done", &rows), 2);
    json_decref(report);
    add_hold(loop, "all", NULL, NULL, 2);
    days_pass(loop, 1);
    report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "presence", "held", &rows), 1);
    assert_int_equal(acts_of(report, "tests", "held", &rows), 1);
    json_decref(report);
    days_pass(loop, 2); /* the hold is over by its date */
    report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "presence", "done", &rows), 3);
    json_decref(report);
}

static void holds_without_sense_are_refused(void **state)
{
    struct loopback *loop = *state;
    timestamp now = world_now(loop->platform->world);
    static const struct {
        const char *class_, *reason;
        int32_t first, last;
        int days;
    } rows[] = {{"presents", "x", INT32_MIN, INT32_MAX, 1},
                {"persons", "x", INT32_MIN, INT32_MAX, 1},
                {"sessions", "x", INT32_MIN, INT32_MAX, 1}, {"tests", "x", 19000, 19001, 1},
                {"presence", "x", 19001, 19000, 1},         {"presence", "", 19000, 19001, 1},
                {"presence", "x", 19000, 19001, 0},         {"all", "x", 19000, 19001, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hold hold = {.first_day = rows[i].first, .last_day = rows[i].last};
        struct error err;
        int64_t no;
        snprintf(hold.class_, sizeof hold.class_, "%s", rows[i].class_);
        snprintf(hold.reason, sizeof hold.reason, "%s", rows[i].reason);
        hold.until_at = now + rows[i].days * DAY;
        if (hold_add(loop->platform, &hold, &no, &err))
            fail_msg("row %zu was taken", i);
        assert_int_equal(err.code, ERROR_BAD_VALUE);
    }
}

/* ---- Rows */

static void tests_without_a_finding_go_and_evidence_stays(void **state)
{
    struct loopback *loop = *state;
    int64_t rows;
    static const char tests[] = "SELECT count(*) FROM evidence WHERE kind = 14 AND detail <> 1",
                      others[] = "SELECT count(*) FROM evidence WHERE kind <> 14 OR detail = 1";
    int64_t before = loopback_number(loop, tests), kept = loopback_number(loop, others);
    assert_int_equal(EVIDENCE_PCR, 14);
    assert_int_equal(RESULT_POSITIVE, 1);
    assert_true(before > 100 && kept > 10);
    days_pass(loop, 59);
    json_t *report = run_retention(loop, false);
    int64_t left = loopback_number(loop, tests);
    assert_int_equal(acts_of(report, "tests", "done", &rows), 1);
    assert_int_equal(rows, before - left);
    json_decref(report);
    days_pass(loop, 2);
    json_t *dry = run_retention(loop, true);
    int64_t would;
    (void)acts_of(dry, "tests", "begun", &would);
    assert_int_equal(would, left);
    json_decref(dry);
    report = run_retention(loop, false);
    (void)acts_of(report, "tests", "done", &rows);
    assert_int_equal(rows, left);
    assert_int_equal(loopback_number(loop, tests), 0);
    assert_int_equal(loopback_number(loop, others), kept);
    json_decref(report);
    all_is_well(loop); /* every status is what the rest of the evidence gives */
    reopen(loop);
    all_is_well(loop);
}

static void evidence_goes_with_the_year_but_not_under_a_colour(void **state)
{
    struct loopback *loop = *state;
    int64_t rows;
    days_pass(loop, 400);
    test_fail_on(status_catch_up(loop->platform->status, &(struct error){0}), &(struct error){0});
    int64_t counts[4];
    status_counts(loop->platform->status, counts);
    int64_t coloured = counts[COLOR_RED] + counts[COLOR_YELLOW];
    json_t *report = run_retention(loop, false);
    (void)acts_of(report, "evidence", "done", &rows);
    assert_true(rows > 0);
    json_decref(report);
    all_is_well(loop);
    status_counts(loop->platform->status, counts);
    assert_int_equal(counts[COLOR_RED] + counts[COLOR_YELLOW], coloured);
    assert_int_equal(loopback_number(loop, "SELECT count(*) > 0 FROM evidence"), coloured > 0);
}

/* Where somebody stayed goes with its external id; who is still there, and whoever left lately,
 * stay on record; so do the persons. */
static void stays_go_when_they_are_long_over(void **state)
{
    struct loopback *loop = *state;
    int64_t rows;
    static const char all[] = "SELECT count(*) FROM person_stay",
                      ids[] = "SELECT count(*) FROM external_id WHERE kind = 8",
                      persons[] = "SELECT count(*) FROM person";
    assert_int_equal(REGISTRY_STAY, 8);
    loopback_change(loop, "DELETE FROM person_stay");
    loopback_change(loop, "DELETE FROM external_id WHERE kind = 8");
    /* number 5 left on 10 April, 9 000 (another block) on 12 April, 9 001 stays until June */
    loopback_change(loop, "INSERT INTO person_stay (stay_no, area_no, person_no, from_at, until_at,"
                          " import_no) VALUES (5, 320412, 7, 1, 1649520000000000, 0), (9000,"
                          " 320412, 7, 1, 1649692800000000, 0), (9001, 320412, 8, 1,"
                          " 1654041600000000, 0)");
    loopback_change(loop, "INSERT INTO external_id (kind, source_no, id, no, import_no) VALUES"
                          " (8, 1, 'Y-1', 5, 0), (8, 1, 'Y-2', 9000, 0), (8, 1, 'Y-3', 9001, 0)");
    int64_t people = loopback_number(loop, persons);
    days_pass(loop, 25); /* 9 May, 14:31: 27 days after 12 April */
    json_t *report = run_retention(loop, true);
    assert_int_equal(acts_of(report, "stays", "begun", &rows), 1);
    assert_int_equal(rows, 1);
    json_decref(report);
    assert_int_equal(loopback_number(loop, all), 3);
    report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "stays", "done", &rows), 1);
    assert_int_equal(rows, 1);
    json_decref(report);
    assert_int_equal(loopback_number(loop, all), 2);
    assert_int_equal(loopback_number(loop, ids), 2);
    add_hold(loop, "stays", NULL, NULL, 20);
    days_pass(loop, 10);
    report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "stays", "held", &rows), 1);
    json_decref(report);
    assert_int_equal(loopback_number(loop, all), 2);
    days_pass(loop, 60);
    report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "stays", "done", &rows), 1);
    assert_int_equal(rows, 2);
    json_decref(report);
    assert_int_equal(loopback_number(loop, all) + loopback_number(loop, ids), 0);
    assert_int_equal(loopback_number(loop, "SELECT no FROM number_floor WHERE kind = 8"), 9001);
    assert_int_equal(loopback_number(loop, persons), people);
    all_is_well(loop);
}

static void events_go_without_a_gap_and_without_being_missed(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t rows;
    for (int i = 0; i < 30; i++)
        loopback_change(loop, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at,"
                              " payload) VALUES ('evidence.recorded', 1, 1, 1, 1, '')");
    days_pass(loop, 1);
    int64_t newest = loopback_number(loop, "SELECT max(no) FROM event");
    json_t *report = run_retention(loop, false); /* the counters have not seen them yet */
    (void)acts_of(report, "events", "done", &rows);
    int64_t seen = loopback_number(loop, "SELECT min(after_no) FROM event_cursor");
    assert_true(seen < 0 || rows <= seen);
    json_decref(report);
    test_fail_on(command_counters_refresh(loop->platform, &err), &err);
    days_pass(loop, 100);
    report = run_retention(loop, false);
    json_decref(report);
    assert_int_equal(loopback_number(loop, "SELECT max(no) FROM event") >= newest, 1);
    assert_true(loopback_number(loop, "SELECT count(*) FROM event") < newest);
    all_is_well(loop); /* the log begins later: no gap */
    reopen(loop);
    all_is_well(loop);
    loopback_change(loop, "DELETE FROM event WHERE no = (SELECT max(no) FROM event)");
    loopback_change(loop, "INSERT INTO event (no, kind, subject_no, area_no, at, recorded_at,"
                          " payload) VALUES (9999, 'x', 1, 1, 1, 1, '')");
    struct buffer none;
    (void)none; /* a real gap is still one: */
    assert_true(loopback_number(loop, "SELECT max(no) - count(*) - (SELECT CAST(value AS BIGINT)"
                                      " FROM setting WHERE name = 'event_floor') FROM event") > 0);
}

/* ---- Cut short */

#ifdef CHENGMAI_FAULTS
static void die_running(struct loopback *loop, timestamp now, const char *plan)
{
    pid_t child = fork();
    int status;
    assert_true(child >= 0);
    if (child == 0) {
        struct platform *platform;
        struct error err;
        struct buffer report;
        setenv("CHENGMAI_FAULT", plan, 1);
        buffer_init(&report, 1 << 20);
        if (!platform_open(loop->directory, PLATFORM_COMMAND, &platform, &err))
            _exit(9);
        platform->world->fixed = now;
        if (!retention_run(platform->keeping, "test", false, &report, &err))
            _exit(8);
        _exit(7);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status))
        fail_msg("%s: the run ended with %d", plan, WEXITSTATUS(status));
}

static void a_run_that_is_killed_anywhere_is_finished_by_the_next(void **state)
{
    static const char *const plans[] = {
        "before_manifest_rename:kill:2", "after_manifest_rename:kill:2",
        "before_day_key_destroyed:kill:1", "after_day_key_destroyed:kill:2",
        "before_sql_commit:kill:4", "after_sql_commit:kill:3", "after_rows_forgotten:kill:1"};
    struct loopback *loop = *state;
    timestamp now = loop->platform->world->fixed + 90 * DAY;
    int64_t rows;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        void *fresh;
        loopback_create(&fresh);
        struct loopback *other = fresh;
        int64_t tests = loopback_number(other, "SELECT count(*) FROM evidence");
        platform_close(other->platform);
        die_running(other, now, plans[i]);
        loopback_open(other);
        other->platform->world->fixed = now;
        json_t *report = run_retention(other, false);
        (void)acts_of(report, "tests", "done", &rows);
        assert_true(rows <= tests);
        json_decref(report);
        /* nothing is left begun, every day is gone once, and all acts of the days are accounted
         * for */
        assert_int_equal(loopback_number(other, "SELECT count(*) FROM retention_act WHERE"
                                                " state = 'begun' AND item <> ''"), 0);
        assert_int_equal(loopback_number(other, "SELECT count(DISTINCT item) FROM retention_act"
                                                " WHERE class = 'presence' AND state = 'done'"),
                         14);
        assert_int_equal(loopback_number(other, "SELECT count(*) FROM evidence WHERE kind = 14"
                                                " AND detail <> 1"), 0);
        all_is_well(other);
        loopback_remove(&fresh);
    }
}
#endif

/* ---- Routes and the keeper */

static void the_console_reads_rules_runs_and_holds(void **state)
{
    struct loopback *loop = *state;
    char auditor[80], sampler[80];
    loopback_user(loop, "auditor", auditor);
    loopback_user(loop, "sampler", sampler);
    add_hold(loop, "tests", NULL, NULL, 5);
    json_decref(run_retention(loop, false));
    json_decref(run_retention(loop, false));
    struct answer answer = loopback_call(loop, GET("/api/v1/retention", auditor));
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_array_size(json_object_get(answer.json, "classes")), RECORD_CLASS_COUNT);
    assert_int_equal(json_array_size(json_object_get(answer.json, "holds")), 1);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "last_run")), 2);
    answer_release(&answer);
    answer = loopback_call(loop, GET("/api/v1/retention/runs?limit=1", auditor));
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 1);
    char path[100];
    snprintf(path, sizeof path, "/api/v1/retention/runs?limit=1&after=%s",
             json_string_value(json_object_get(answer.json, "next")));
    answer_release(&answer);
    answer = loopback_call(loop, GET(path, auditor));
    json_t *first = json_array_get(json_object_get(answer.json, "items"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "run")), 1);
    answer_release(&answer);
    answer = loopback_call(loop, GET("/api/v1/retention/runs/2", auditor));
    assert_true(json_array_size(json_object_get(answer.json, "acts")) > 0);
    answer_release(&answer);
    loopback_refused(loop, GET("/api/v1/retention/runs/77", auditor), 404, "not-found");
    loopback_refused(loop, GET("/api/v1/retention/runs/x", auditor), 400, "bad-value");
    loopback_refused(loop, GET("/api/v1/holds", sampler), 403, "forbidden");
    assert_int_equal(loopback_status(loop, GET("/api/v1/holds", auditor)), 200);
    assert_int_equal(loopback_status(loop, GET("/api/v1/sunset", auditor)), 200);
}

static void the_keeper_runs_once_a_city_day_in_its_early_hours(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int32_t last = 0, today;
    days_pass(loop, 20);
    today = time_day_of_seconds(world_now(loop->platform->world) / SECOND);
    keeping_start(keeping_of(loop));
    for (int i = 0; i < 300 && last != today; i++) {
        usleep(50000);
        test_fail_on(retention_last_day(loop->platform, &last, &err), &err);
    }
    keeping_stop(keeping_of(loop));
    assert_int_equal(events_of_day(loop, "2022-04-01"), 0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM retention_run"), 1);
    keeping_start(keeping_of(loop));
    usleep(1500000); /* two looks more: the day has had its run */
    keeping_stop(keeping_of(loop));
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM retention_run"), 1);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM retention_run WHERE"
                                           " began_by = 'daily'"), 1);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(days_go_one_after_another_with_their_keys),
        LOOPBACK_TEST(a_hold_keeps_its_days_until_it_is_over_or_lifted),
        LOOPBACK_TEST(holds_without_sense_are_refused),
        LOOPBACK_TEST(tests_without_a_finding_go_and_evidence_stays),
        LOOPBACK_TEST(evidence_goes_with_the_year_but_not_under_a_colour),
        LOOPBACK_TEST(stays_go_when_they_are_long_over),
        LOOPBACK_TEST(events_go_without_a_gap_and_without_being_missed),
#ifdef CHENGMAI_FAULTS
        LOOPBACK_TEST(a_run_that_is_killed_anywhere_is_finished_by_the_next),
#endif
        LOOPBACK_TEST(the_console_reads_rules_runs_and_holds),
        LOOPBACK_TEST(the_keeper_runs_once_a_city_day_in_its_early_hours),
    };
    return LOOPBACK_RUN(tests);
}
