/* Goal: what acting is worth follows its terms as they are written down, causes are gathered near
 * the most valuable alert, never in chains, and the order of the desk is now, waits, throttled,
 * watched. */
#include "alerts/alerts_internal.h"
#include "base/test_support.h"

enum { DAY_OF_ALERTS = 19095 };
#define AREA(district, town)                                                                       \
    ((int64_t)32 << 48 | (int64_t)4 << 36 | (int64_t)(district) << 24 | (int64_t)(town) << 12)

static struct alerts *city(void)
{
    static struct alerts alerts;
    struct error err;
    json_t *document;
    alerts = (struct alerts){.channel_count = 2};
    alerts.channels[0] = (struct channel){.name = "clinics", .group = "clinic"};
    alerts.channels[1] = (struct channel){.name = "schools", .group = "school"};
    assert_true(policy_document_read(-1, "policies/alerts.yaml", &document, &err));
    if (!alert_settings_read(document, &alerts.settings, &err))
        fail_msg("%s: %s", err.field, err.what);
    json_decref(document);
    return &alerts;
}

static struct alert alert_of(int64_t no, const char *channel, int64_t area_no, double p)
{
    struct alert alert = {.no = no,
                          .area_no = area_no,
                          .first_day = DAY_OF_ALERTS,
                          .last_day = DAY_OF_ALERTS,
                          .p = p,
                          .verdict = -1,
                          .judged_at = TIMESTAMP_NONE,
                          .watch_until = TIMESTAMP_NONE};
    snprintf(alert.channel, sizeof alert.channel, "%s", channel);
    return alert;
}

static struct worth worth_of(const struct alert *alert, const struct record *record, int32_t today)
{
    struct alerts *alerts = city();
    return alert_worth(&alerts->settings, channel_find(alerts, slice_of(alert->channel)), alert,
                       record, 100000, today);
}

static void the_terms_of_worth_are_those_of_the_policy(void **state)
{
    (void)state;
    struct alert alert = alert_of(1, "clinics", AREA(1, 1), 1e-3); /* strength a half */
    struct worth worth = worth_of(&alert, NULL, DAY_OF_ALERTS);
    assert_true(fabs(worth.probability - 0.3) < 1e-12); /* the prior, 3 of 10 */
    assert_true(fabs(worth.people - 2000) < 1e-9);      /* 20 of 1000 */
    assert_true(fabs(worth.days - 4) < 1e-12);
    assert_true(fabs(worth.value - 0.3 * 2000 * 4) < 1e-6);
    struct record record = {.spans = {{0}, {.judged = 10, .right = 7}}};
    assert_true(fabs(worth_of(&alert, &record, DAY_OF_ALERTS).probability - 0.5) < 1e-12);
    alert.p = 1e-6; /* the strongest: odds 3/7 times 4 */
    assert_true(fabs(worth_of(&alert, NULL, DAY_OF_ALERTS).probability - 12.0 / 19) < 1e-12);
    assert_true(fabs(worth_of(&alert, NULL, DAY_OF_ALERTS + 3).days - 1) < 1e-12);
    assert_true(fabs(worth_of(&alert, NULL, DAY_OF_ALERTS + 30).days - 0.5) < 1e-12);
    alert.kind = ALERT_FEED;
    assert_true(fabs(worth_of(&alert, NULL, DAY_OF_ALERTS).people - 100) < 1e-9);
}

static void alerts_are_alike_by_place_time_channel_and_kind(void **state)
{
    (void)state;
    struct alerts *alerts = city();
    struct alert a = alert_of(1, "clinics", AREA(1, 1), 0.001), b = a;
    assert_true(alerts_alike(alerts, &a, &b));
    b.area_no = AREA(1, 2); /* same channel: the district */
    assert_true(alerts_alike(alerts, &a, &b));
    b.area_no = AREA(2, 1);
    assert_false(alerts_alike(alerts, &a, &b));
    b = alert_of(2, "schools", AREA(1, 1), 0.001); /* another channel: the town */
    assert_true(alerts_alike(alerts, &a, &b));
    b.area_no = AREA(1, 2);
    assert_false(alerts_alike(alerts, &a, &b));
    b = a;
    b.first_day = b.last_day = DAY_OF_ALERTS + 3;
    assert_true(alerts_alike(alerts, &a, &b));
    b.first_day = b.last_day = DAY_OF_ALERTS + 4;
    assert_false(alerts_alike(alerts, &a, &b));
    b = a;
    b.kind = ALERT_FEED;
    assert_false(alerts_alike(alerts, &a, &b));
}

/* A clinic and a school in each of two towns of a district are one cause: the schools by their own
 * town's clinic. What is near a member, but far from the leader, is another. */
static void causes_are_gathered_near_their_leader_and_do_not_chain(void **state)
{
    (void)state;
    struct alerts *alerts = city();
    struct arena arena;
    struct cause *causes;
    struct alert list[5] = {
        alert_of(1, "clinics", AREA(1, 1), 0.001), alert_of(2, "clinics", AREA(1, 2), 0.001),
        alert_of(3, "schools", AREA(1, 2), 0.001), alert_of(4, "clinics", AREA(1, 3), 0.001),
        alert_of(5, "clinics", AREA(2, 1), 0.001)};
    struct worth worths[5] = {{0.5, 100, 4, 200},
                              {0.4, 80, 4, 128},
                              {0.2, 300, 2, 120},
                              {0.4, 50, 4, 80},
                              {0.2, 10, 4, 8}};
    bool throttled[5] = {false};
    list[1].first_day = list[1].last_day = DAY_OF_ALERTS + 3;
    list[3].first_day = list[3].last_day = DAY_OF_ALERTS + 6;
    arena_init(&arena, 1 << 20);
    size_t count = causes_gather(alerts, list, worths, throttled, 5, 0, 9, &arena, &causes);
    assert_int_equal(count, 3);
    assert_int_equal(causes[0].lead, 0);
    assert_int_equal(causes[0].member_count, 2);
    assert_int_equal(causes[1].lead, 3);
    assert_int_equal(causes[2].lead, 4);
    /* two channels: wrong only where both are; of the clinics the better counts */
    assert_true(fabs(causes[0].worth.probability - (1 - 0.5 * 0.8)) < 1e-12);
    assert_true(fabs(causes[0].worth.people - 300) < 1e-12);
    arena_release(&arena);
}

static void the_order_is_now_waits_throttled_watched(void **state)
{
    (void)state;
    struct alerts *alerts = city();
    struct arena arena;
    struct cause *causes;
    struct alert list[5];
    struct worth worths[5];
    bool throttled[5] = {false, true, false, false, false};
    for (int i = 0; i < 5; i++) {
        list[i] = alert_of(i + 1, "clinics", AREA(i + 1, 1), 0.001);
        worths[i] = (struct worth){0.5, 100 - 10 * i, 2, 100 - 10 * i};
    }
    list[0].watch_until = 50;
    list[3].level = LEVELS - 1;
    arena_init(&arena, 1 << 20);
    assert_int_equal(causes_gather(alerts, list, worths, throttled, 5, 10, 1, &arena, &causes), 5);
    static const size_t leads[] = {2, 3, 4, 1, 0};
    static const enum desk_place places[] = {DESK_NOW, DESK_NOW, DESK_WAITS, DESK_THROTTLED,
                                             DESK_WATCHED};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(causes[i].lead, leads[i]);
        assert_int_equal(causes[i].place, places[i]);
        assert_true(!i || causes[i].key < causes[i - 1].key);
    }
    /* the watch is over */
    assert_int_equal(causes_gather(alerts, list, worths, throttled, 5, 50, 5, &arena, &causes), 5);
    assert_int_equal(causes[0].lead, 0);
    assert_int_equal(causes[0].place, DESK_NOW);
    arena_release(&arena);
}

/* ---- The policy */

static void refused(const char *from, const char *to, const char *field)
{
    struct alert_settings settings;
    struct error err = {0};
    json_t *document, *changed;
    char text[8000];
    assert_true(policy_document_read(-1, "policies/alerts.yaml", &document, &err));
    char *dump = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(6));
    char *at = strstr(dump, from);
    if (!at)
        fail_msg("%s is not in %s", from, dump);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - dump), dump, to, at + strlen(from));
    if (!json_read(slice_of(text), "changed", &changed, &err))
        fail_msg("%s: %s", text, err.what);
    bool done = alert_settings_read(changed, &settings, &err);
    if (done || strcmp(err.field, field) != 0)
        fail_msg("%s: %s, field %s", to, done ? "taken" : err.what, err.field);
    json_decref(changed);
    json_decref(document);
    free(dump);
}

static void a_policy_that_is_not_as_it_must_be_is_refused_with_its_field(void **state)
{
    (void)state;
    refused("\"prior_right\":3", "\"prior_right\":11", "prior_right");
    refused("\"strength_odds\":4", "\"strength_odds\":0", "strength_odds");
    refused("\"silence\":{", "\"silent\":{", "silent");
    refused("\"same_channel\":\"district\"", "\"same_channel\":\"street\"", "same_channel");
    refused("\"never_waits\":\"red\"", "\"never_waits\":\"purple\"", "never_waits");
    refused("\"default\":20", "\"nobody\":20", "default");
    refused("\"epidemiologist\":30", "\"epidemiologist\":0", "epidemiologist");
    refused("\"precision_below\":0.1", "\"precision_below\":2", "precision_below");
    refused("\"watch_days_max\":7", "\"watch_days_max\":0", "watch_days_max");
    refused("\"keep_days\":365", "\"keep_days\":60", "keep_days");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_terms_of_worth_are_those_of_the_policy),
        cmocka_unit_test(alerts_are_alike_by_place_time_channel_and_kind),
        cmocka_unit_test(causes_are_gathered_near_their_leader_and_do_not_chain),
        cmocka_unit_test(the_order_is_now_waits_throttled_watched),
        cmocka_unit_test(a_policy_that_is_not_as_it_must_be_is_refused_with_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
