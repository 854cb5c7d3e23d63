/* Goal: what is unusual in a place becomes one alert and one loop with an owner and a clock, quiet
 * places raise next to nothing, a feed that stops is told, and what people find an alert to be is
 * kept once and moves its loop. Everything over the routes, the real store and the real engine. */
#include <math.h>

#include "registry/import.h"
#include "server/test_alert_support.h"

enum { TOWNS = 20, DAYS = 40 };

/* ---- Counts that are drawn: the same in every run */

static uint64_t drawn;

static double uniform(void)
{
    drawn += 0x9e3779b97f4a7c15u;
    uint64_t z = (drawn ^ (drawn >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static int poisson(double mean)
{
    int count = -1;
    for (double left = exp(-mean), product = 1; product > left; count++)
        product *= uniform();
    return count;
}

/* ---- The city's side */

static size_t towns(struct loopback *loop, struct arena *arena, const char *codes[TOWNS])
{
    const struct area **list;
    size_t count = 0;
    arena_init(arena, 4 << 20);
    const struct area *city = registry_city(loop->platform->registry), **districts;
    size_t district_count =
        registry_areas_under(loop->platform->registry, city->no, arena, &districts);
    for (size_t d = 0; d < district_count; d++) {
        size_t all = registry_areas_under(loop->platform->registry, districts[d]->no, arena, &list);
        for (size_t i = 0; i < all && count < TOWNS; i++)
            codes[count++] = arena_copy(arena, list[i]->code.data, list[i]->code.length);
    }
    assert_int_equal(count, TOWNS);
    return count;
}

/* Days of all towns, around one mean, up to and with `last`. */
static void send_quiet(struct loopback *loop, const char *channel, const char *const *codes,
                       int32_t first, int32_t last, double mean)
{
    struct buffer body;
    buffer_init(&body, 16 << 20);
    for (int32_t day = first; day <= last; day++)
        for (size_t t = 0; t < TOWNS; t++)
            add_line(&body, channel, codes[t], day, poisson(mean), "");
    send(loop, "cdc_lead", &body);
}

#define ALERT_LOOPS                                                                                \
    "SELECT count(*) FROM loop WHERE due_at > 0 AND seat_no > 0 AND scene_no IN"                   \
    " (SELECT scene_no FROM scene_version WHERE name = 'alert_disposition')"
#define RAISED "SELECT count(*) FROM event WHERE kind = 'alert.raised'"

/* ---- Signals */

static void an_outbreak_is_one_alert_and_one_loop_however_long_it_lasts(void **state)
{
    struct loopback *loop = *state;
    struct arena arena;
    const char *codes[TOWNS];
    int32_t today = day_of(loop);
    drawn = 1;
    towns(loop, &arena, codes);
    send_quiet(loop, "calls_12345", codes, today - DAYS, today - 2, 20);
    struct alerts_report quiet = run(loop, today - 1);
    assert_int_equal(quiet.series, TOWNS);
    assert_int_equal(quiet.judged, TOWNS);
    assert_int_equal(quiet.raised, 0);
    send_one(loop, "calls_12345", codes[7], today - 2, 90); /* a later report of the same day */
    struct alerts_report found = run(loop, today - 1);
    assert_int_equal(found.raised, 1);
    assert_true(found.threshold > 0);
    assert_int_equal(loopback_number(loop, ALERT_LOOPS), 1);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM event WHERE kind ="
                                           " 'loop.not_opened'"),
                     0);
    int64_t events = loopback_number(loop, "SELECT max(no) FROM event");
    int64_t ran_at = loopback_number(loop, "SELECT max(ran_at) FROM alert_run");
    loop->platform->world->fixed += MINUTE;
    struct alerts_report again = run(loop, today - 1);
    assert_int_equal(again.raised + again.extended + again.ended, 0);
    assert_int_equal(loopback_number(loop, "SELECT max(ran_at) FROM alert_run"), ran_at);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM alert"), 1);
    assert_int_equal(loopback_number(loop, RAISED), 1);
    assert_true(loopback_number(loop, "SELECT max(no) FROM event") >= events);
    loop->platform->world->fixed += DAY;
    send_quiet(loop, "calls_12345", codes, today - 1, today - 1, 20);
    send_one(loop, "calls_12345", codes[7], today - 1, 120);
    struct alerts_report next = run(loop, today);
    assert_int_equal(next.raised, 0);
    assert_int_equal(next.extended, 1);
    assert_int_equal(loopback_number(loop, ALERT_LOOPS), 1);
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts", NULL, 200,
           "\"last_day\":\"2022-04-13\"");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200,
           "alert_disposition");
    arena_release(&arena);
}

static void quiet_places_raise_next_to_nothing(void **state)
{
    struct loopback *loop = *state;
    static const char *const channels[] = {"calls_12345", "fever_clinic", "symptom_reports"};
    struct arena arena;
    const char *codes[TOWNS];
    int64_t raised = 0, judged = 0;
    int32_t today = day_of(loop), first = today - 60;
    drawn = 20220414;
    towns(loop, &arena, codes);
    for (size_t c = 0; c < 3; c++)
        send_quiet(loop, channels[c], codes, first - DAYS, today - 1, 5.0 + 10.0 * (double)c);
    for (int32_t day = first; day < today; day++) {
        struct alerts_report report = run(loop, day);
        raised += report.raised;
        judged += report.judged;
    }
    print_message("# quiet: %lld alerts of %lld judgements in 60 nights\n", (long long)raised,
                  (long long)judged);
    assert_int_equal(judged, 60 * 3 * TOWNS);
    assert_true(raised <= 4); /* 1 in 15 nights at most */
    arena_release(&arena);
}

static void channels_of_a_place_add_up_and_each_share_is_shown(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    char path[80];
    send_one(loop, "school_similar_cases", "320402001", day, 4);
    struct alerts_report one = run(loop, day);
    assert_int_equal(one.raised, 1);
    expect(loop, "cdc_duty", HTTP_GET, "/api/v1/alerts", NULL, 200, "\"level\":\"orange\"");
    struct buffer body;
    buffer_init(&body, 1 << 16);
    add_line(&body, "wastewater_building", "320402001", day - 2, 900, ",\"limit\":200");
    add_line(&body, "wastewater_building", "320404001", day - 2, 100, ",\"limit\":200");
    send(loop, "cdc_lead", &body);
    assert_int_equal(run(loop, day).raised, 1);
    expect(loop, "cdc_duty", HTTP_GET, "/api/v1/alerts", NULL, 200, "\"level\":\"red\"");
    /* the one that was orange is red now, and its clock is wound anew: half an hour for both */
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop WHERE state = 0 AND due_at -"
                                           " entered_at = 1800000000 AND subject_kind IN (SELECT"
                                           " kind FROM thing WHERE code = 'A1')"),
                     2);
    assert_int_equal(loopback_number(loop, ALERT_LOOPS), 2);
    snprintf(path, sizeof path, "/api/v1/alerts/%lld", (long long)alert_no(loop));
    struct answer answer = as(loop, "cdc_duty", HTTP_GET, path, NULL);
    assert_int_equal(answer.status, 200);
    json_t *place = json_object_get(answer.json, "place"), *share;
    double sum = 0;
    size_t i;
    assert_string_equal(json_string_value(json_object_get(place, "level")), "red");
    assert_int_equal(json_array_size(json_object_get(place, "shares")), 2);
    json_array_foreach (json_object_get(place, "shares"), i, share)
        sum += json_number_value(json_object_get(share, "share"));
    assert_true(fabs(sum - 1) < 1e-9);
    assert_int_equal(json_array_size(json_object_get(answer.json, "series")), 28);
    assert_true(json_is_integer(json_object_get(answer.json, "loop")));
    answer_release(&answer);
}

static void a_report_that_comes_late_is_judged_when_it_comes_and_once(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    assert_int_equal(run(loop, day).raised, 0);
    send_one(loop, "market_environment", "320402", day - 9, 1); /* a week after it was due */
    loop->platform->world->fixed += DAY;
    struct alerts_report late = run(loop, day + 1);
    assert_int_equal(late.judged, 1);
    assert_int_equal(late.raised, 1);
    expect(loop, "cdc_duty", HTTP_GET, "/api/v1/alerts", NULL, 200, "\"first_day\":\"2022-04-04\"");
    loop->platform->world->fixed += DAY;
    struct alerts_report again = run(loop, day + 2);
    assert_int_equal(again.signals, 1);
    assert_int_equal(again.raised + again.extended, 0);
    judge(loop, "epidemiologist", alert_no(loop), "true_signal", 201, NULL);
    loop->platform->world->fixed += DAY;
    assert_int_equal(run(loop, day + 3).ended, 1); /* quiet since its own day */
    loop->platform->world->fixed += DAY;
    assert_int_equal(run(loop, day + 4).raised, 0);
}

static void wastewater_that_doubles_is_a_signal_and_the_flow_is_taken_out(void **state)
{
    struct loopback *loop = *state;
    int32_t last = day_of(loop) - 3;
    struct buffer body;
    char more[80];
    buffer_init(&body, 1 << 16);
    for (int i = 0; i < 5; i++) { /* the load grows; the other's only dilutes */
        snprintf(more, sizeof more, ",\"flow\":40,\"limit\":200");
        add_line(&body, "wastewater_plant", "320402", last - 3 * (4 - i), 1000L << i, more);
        snprintf(more, sizeof more, ",\"flow\":%d,\"limit\":200", 160 >> i);
        add_line(&body, "wastewater_plant", "320404", last - 3 * (4 - i), 1000L << i, more);
    }
    send(loop, "cdc_lead", &body);
    struct alerts_report report = run(loop, day_of(loop) - 1);
    assert_int_equal(report.judged, 2);
    assert_int_equal(report.raised, 1);
    expect(loop, "cdc_duty", HTTP_GET, "/api/v1/alerts?area=320402", NULL, 200, "wastewater_plant");
}

/* ---- Feeds */

static void a_feed_that_stops_is_told_and_a_source_that_stops_is_one_alert(void **state)
{
    struct loopback *loop = *state;
    struct arena arena;
    const char *codes[TOWNS];
    int32_t today = day_of(loop);
    drawn = 3;
    towns(loop, &arena, codes);
    send_quiet(loop, "calls_12345", codes, today - 20, today - 4, 20);
    struct buffer body;
    buffer_init(&body, 1 << 16);
    for (size_t t = 1; t < TOWNS; t++) /* all but the first go on */
        add_line(&body, "calls_12345", codes[t], today - 2, poisson(20), "");
    send(loop, "cdc_lead", &body);
    assert_int_equal(run(loop, today - 1).raised, 0); /* three days are not more than three */
    loop->platform->world->fixed += DAY;
    assert_int_equal(run(loop, today).raised, 1);
    expect(loop, "cdc_duty", HTTP_GET, "/api/v1/alerts", NULL, 200, "\"kind\":\"feed\"");
    assert_int_equal(loopback_number(loop, ALERT_LOOPS), 1);
    assert_int_equal(run(loop, today).raised, 0);
    loop->platform->world->fixed += 4 * DAY; /* now all are silent: one cause */
    assert_int_equal(run(loop, today + 4).raised, 1);
    assert_int_equal(loopback_number(loop, "SELECT max(members) FROM alert"), TOWNS);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM alert"), 2);
    arena_release(&arena);
}

static void lines_that_are_no_reports_are_refused_each_with_its_field(void **state)
{
    struct loopback *loop = *state;
    static const char *const bad[][2] = {
        {"{\"channel\":\"gossip\",\"area\":\"320402\",\"date\":\"2022-04-13\",\"count\":1}",
         "channel"},
        {"{\"channel\":\"calls_12345\",\"area\":\"999999\",\"date\":\"2022-04-13\",\"count\":1}",
         "area"},
        {"{\"channel\":\"calls_12345\",\"area\":\"320402\",\"date\":\"2022-04-31\",\"count\":1}",
         "date"},
        {"{\"channel\":\"calls_12345\",\"area\":\"320402\",\"date\":\"2022-04-15\",\"count\":1}",
         "date"},
        {"{\"channel\":\"calls_12345\",\"area\":\"320402\",\"date\":\"2022-04-13\",\"count\":-1}",
         "count"},
        {"{\"channel\":\"calls_12345\",\"area\":\"320402\",\"date\":\"2022-04-13\",\"count\":1.5}",
         "count"},
        {"{\"channel\":\"school_absence\",\"area\":\"320402\",\"date\":\"2022-04-13\",\"count\":1}",
         "total"},
        {"{\"channel\":\"school_absence\",\"area\":\"320402\",\"date\":\"2022-04-13\",\"count\":9,"
         "\"total\":8}",
         "total"},
        {"{\"channel\":\"wastewater_plant\",\"area\":\"320402\",\"date\":\"2022-04-13\","
         "\"count\":9,\"flow\":0}",
         "flow"},
        {"{\"channel\":\"calls_12345\",\"area\":\"320402\",\"date\":\"2022-04-13\",\"count\":1,"
         "\"person\":5}",
         "person"},
        {"[1]", "line"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char field[40];
        snprintf(field, sizeof field, "\"field\":\"%s\"", bad[i][1]);
        expect(loop, "cdc_lead", HTTP_POST, "/api/v1/series:batch", bad[i][0], 200, field);
    }
    expect(loop, "cdc_lead", HTTP_POST, "/api/v1/series:batch", "", 400, NULL);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM series_point"), 0);
}

static void the_latest_report_of_a_day_wins_whatever_order_they_come_in(void **state)
{
    struct loopback *loop = *state;
#define REPORT(count, at)                                                                          \
    "{\"channel\":\"calls_12345\",\"area\":\"320402\",\"date\":\"2022-04-13\",\"count\":" count    \
    ",\"reported_at\":\"2022-04-14T" at ":00+08:00\"}"
    static const char *const sent[][2] = {{REPORT("5", "09:00"), "inserted"},
                                          {REPORT("5", "09:00"), "unchanged"},
                                          {REPORT("7", "11:00"), "replaced"},
                                          {REPORT("6", "10:00"), "older"}};
    for (size_t i = 0; i < 4; i++)
        expect(loop, "cdc_lead", HTTP_POST, "/api/v1/series:batch", sent[i][0], 200, sent[i][1]);
    assert_int_equal(loopback_number(loop, "SELECT count FROM series_point"), 7);
}

/* ---- Import */

static void import(struct loopback *loop, const char *text, const char *result, bool rejects)
{
    struct error err;
    char path[] = "/tmp/chengmai-series-XXXXXX", *out_text = NULL, *words_text = NULL;
    size_t out_size, words_size;
    int fd = mkstemp(path);
    bool rejected;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct command_context context = {.platform = loop->platform,
                                      .arena = &arena,
                                      .out = open_memstream(&out_text, &out_size),
                                      .words = open_memstream(&words_text, &words_size),
                                      .in_fd = -1,
                                      .working_directory_fd = AT_FDCWD};
    const struct import_kind *kind = NULL;
    for (size_t i = 0; i < import_kind_count; i++)
        if (strcmp(import_kinds[i]->name, "series") == 0)
            kind = import_kinds[i];
    assert_non_null(kind);
    struct import_options options = {.source = "test"};
    test_fail_on(import_run(&context, kind, path, &options, &rejected, &err), &err);
    fclose(context.out);
    fclose(context.words);
    if (!strstr(out_text, result) || rejected != rejects)
        fail_msg("%s%s\nexpected %s", out_text, words_text, result);
    free(out_text);
    free(words_text);
    unlink(path);
    arena_release(&arena);
}

static void a_file_is_taken_once_its_bad_rows_are_rejected_and_it_can_be_undone(void **state)
{
    struct loopback *loop = *state;
    static const char file[] = "channel,area,date,count,total\n"
                               "school_absence,320402,2022-04-12,30,9000\n"
                               "school_absence,320402,2022-04-13,31,9000\n"
                               "school_absence,320402,2022-04-14,31,\n"
                               "gossip,320402,2022-04-13,1,\n"
                               "calls_12345,320404,2022-04-13,many,\n";
    struct error err;
    int64_t removed;
    import(loop, file, "\"rows\":5,\"inserted\":2,\"merged\":0,\"unchanged\":0,\"rejected\":3",
           true);
    import(loop, file, "\"rows\":5,\"inserted\":0,\"merged\":0,\"unchanged\":2,\"rejected\":3",
           true);
    import(loop, "channel,area,date,count,total\nschool_absence,320402,2022-04-13,35,9000\n",
           "\"merged\":1", false);
    assert_int_equal(loopback_number(loop, "SELECT count FROM series_point WHERE day = 19095"), 35);
    int64_t no = loopback_number(loop, "SELECT max(import_no) FROM series_point");
    test_fail_on(import_undo(loop->platform, no, &removed, &err), &err);
    assert_int_equal(removed, 1);
    assert_int_equal(loopback_number(loop, "SELECT last_day FROM series_feed"), 19094);
}

/* ---- Who sees and who judges */

static void an_alert_of_one_district_is_not_there_for_another(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    char path[80], body[120];
    send_one(loop, "checkpoint_positives", "320412", day, 1);
    assert_int_equal(run(loop, day).raised, 1);
    snprintf(path, sizeof path, "/api/v1/alerts/%lld", (long long)alert_no(loop));
    expect(loop, "district_duty-320412", HTTP_GET, "/api/v1/alerts", NULL, 200,
           "checkpoint_positives");
    expect(loop, "district_duty-320412", HTTP_GET, path, NULL, 200, "checkpoint_positives");
    expect(loop, "district_duty-320481", HTTP_GET, "/api/v1/alerts", NULL, 200, "\"items\":[]");
    expect(loop, "district_duty-320481", HTTP_GET, path, NULL, 404, NULL);
    expect(loop, "district_duty-320481", HTTP_GET, "/api/v1/alerts?area=320412", NULL, 403, NULL);
    judge(loop, "epidemiologist-320481", alert_no(loop), "known", 404, NULL);
    snprintf(
        body, sizeof body,
        "{\"channel\":\"calls_12345\",\"area\":\"320412\",\"date\":\"2022-04-13\",\"count\":1}");
    expect(loop, "cdc_lead-320481", HTTP_POST, "/api/v1/series:batch", body, 200,
           "\"error\":\"forbidden\"");
    /* who is shown no person is shown no count below five */
    expect(loop, "inspector", HTTP_GET, "/api/v1/alerts", NULL, 200, "\"observed\":null");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts", NULL, 200, "\"observed\":1,");
}

static void a_disposition_is_recorded_once_and_moves_the_loop(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    char path[80];
    send_one(loop, "checkpoint_positives", "320412", day, 2);
    send_one(loop, "checkpoint_positives", "320402", day, 2);
    assert_int_equal(run(loop, day).raised, 2);
    int64_t second = alert_no(loop), first = second - 1;
    judge(loop, "district_duty", first, "known", 403, NULL);
    judge(loop, "epidemiologist", first, "perhaps", 400, "verdict");
    judge(loop, "epidemiologist", 999, "known", 404, NULL);
    judge(loop, "epidemiologist", first, "false_alarm", 201, "\"stage\":\"dismissed\"");
    judge(loop, "epidemiologist", first, "true_signal", 409, "false_alarm");
    judge(loop, "epidemiologist-320412", second, "true_signal", 201, "\"stage\":\"on_site\"");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop WHERE state = 0 AND scene_no"
                                           " IN (SELECT scene_no FROM scene_version WHERE name ="
                                           " 'alert_disposition')"),
                     1);
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts", NULL, 200,
           "\"judged\":2,\"true_signals\":1,\"precision\":0.5");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts?state=judged", NULL, 200,
           "\"verdict\":\"true_signal\"");
    snprintf(path, sizeof path, "/api/v1/alerts/%lld", (long long)first);
    expect(loop, "epidemiologist", HTTP_GET, path, NULL, 200, "\"words\":\"looked at it\"");
    expect(loop, "command", HTTP_GET, path, NULL, 200, "\"words\":null");
    /* what goes on after it was judged is not raised again, until it was quiet */
    loop->platform->world->fixed += DAY;
    send_one(loop, "checkpoint_positives", "320412", day + 1, 2);
    send_one(loop, "checkpoint_positives", "320402", day + 1, 2);
    struct alerts_report next = run(loop, day + 1);
    assert_int_equal(next.raised, 0);
    assert_int_equal(next.extended, 2);
    loop->platform->world->fixed += 9 * DAY;
    send_one(loop, "checkpoint_positives", "320412", day + 10, 0);
    send_one(loop, "checkpoint_positives", "320402", day + 10, 0);
    assert_int_equal(run(loop, day + 10).ended, 2);
    loop->platform->world->fixed += DAY;
    send_one(loop, "checkpoint_positives", "320412", day + 11, 1);
    send_one(loop, "checkpoint_positives", "320402", day + 11, 0);
    assert_int_equal(run(loop, day + 11).raised, 1);
}

/* Only the scene's hands move a loop: the verdict stands, and the answer says why it did not. */
static void a_hand_that_is_not_the_scenes_records_and_is_told_so(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    send_one(loop, "checkpoint_positives", "320412", day, 2);
    assert_int_equal(run(loop, day).raised, 1);
    judge(loop, "cdc_lead", alert_no(loop), "known", 201, "\"moved\":false");
    assert_int_equal(loopback_number(loop, ALERT_LOOPS), 1);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM alert WHERE state = 1"), 1);
}

static void what_was_found_to_be_none_and_grows_is_raised_anew(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    send_one(loop, "checkpoint_positives", "320402001", day, 1);
    assert_int_equal(run(loop, day).raised, 1);
    judge(loop, "epidemiologist", alert_no(loop), "false_alarm", 201, NULL);
    send_one(loop, "school_similar_cases", "320402001", day, 4);
    struct alerts_report report = run(loop, day);
    assert_int_equal(report.raised, 2); /* the school's, and the checkpoint's again */
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM alert WHERE state = 2"), 1);
    assert_int_equal(run(loop, day).raised, 0);
}

/* ---- Nights */

static void each_night_runs_once_and_missed_nights_are_made_up(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct alerts_report report;
    int64_t days;
    int32_t today = day_of(loop);
    assert_false(alerts_run(loop->platform->alerts, today, &report, &err));
    assert_int_equal(err.code, ERROR_BAD_VALUE);
    test_fail_on(alerts_run_due(loop->platform->alerts, &days, &err), &err);
    assert_int_equal(days, 1);
    test_fail_on(alerts_run_due(loop->platform->alerts, &days, &err), &err);
    assert_int_equal(days, 0);
    loop->platform->world->fixed += 3 * DAY - 10 * HOUR; /* 04:31: not yet that night's */
    test_fail_on(alerts_run_due(loop->platform->alerts, &days, &err), &err);
    assert_int_equal(days, 0);
    loop->platform->world->fixed += 3 * HOUR;
    test_fail_on(alerts_run_due(loop->platform->alerts, &days, &err), &err);
    assert_int_equal(days, 3);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        ALERT_TEST(an_outbreak_is_one_alert_and_one_loop_however_long_it_lasts),
        ALERT_TEST(quiet_places_raise_next_to_nothing),
        ALERT_TEST(channels_of_a_place_add_up_and_each_share_is_shown),
        ALERT_TEST(a_report_that_comes_late_is_judged_when_it_comes_and_once),
        ALERT_TEST(wastewater_that_doubles_is_a_signal_and_the_flow_is_taken_out),
        ALERT_TEST(a_feed_that_stops_is_told_and_a_source_that_stops_is_one_alert),
        ALERT_TEST(lines_that_are_no_reports_are_refused_each_with_its_field),
        ALERT_TEST(the_latest_report_of_a_day_wins_whatever_order_they_come_in),
        ALERT_TEST(a_file_is_taken_once_its_bad_rows_are_rejected_and_it_can_be_undone),
        ALERT_TEST(an_alert_of_one_district_is_not_there_for_another),
        ALERT_TEST(a_disposition_is_recorded_once_and_moves_the_loop),
        ALERT_TEST(a_hand_that_is_not_the_scenes_records_and_is_told_so),
        ALERT_TEST(what_was_found_to_be_none_and_grows_is_raised_anew),
        ALERT_TEST(each_night_runs_once_and_missed_nights_are_made_up),
    };
    return LOOPBACK_RUN(tests);
}
