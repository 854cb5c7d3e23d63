/* Goal: what the platform knows by itself becomes points of its channels, equal to a recount,
 * written once, never over what somebody reported and never 0 where nothing is known; and a cluster
 * planted among the check-ins becomes one alert, one loop and a venue on the list of its area. */
#include "alerts/alerts.h"
#include "feeds/feeds.h"
#include "server/test_loop_support.h"

/* ---- The city's side */

static int32_t today_of(struct loopback *loop)
{
    return time_day_of_seconds(now(loop) / SECOND);
}

static int64_t feed(struct loopback *loop, int32_t day)
{
    struct error err;
    int64_t written;
    test_fail_on(feeds_run(loop->platform->feeds, day, &written, &err), &err);
    return written;
}

static int64_t number(struct loopback *loop, const char *format, ...)
{
    char text[600];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return loopback_number(loop, text);
}

static void change(struct loopback *loop, const char *format, ...)
{
    char text[600];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    loopback_change(loop, text);
}

static void add_visits_of(struct loopback *loop, uint32_t venue, int32_t day, uint32_t first_person,
                          uint32_t count, uint32_t step)
{
    struct presence_event *events = x_alloc(count, sizeof *events);
    struct presence_bulk *bulk;
    struct presence_bulk_result result;
    struct error err;
    for (uint32_t i = 0; i < count; i++)
        events[i] = (struct presence_event){
            .person = first_person + i * step,
            .venue = venue,
            .time = (uint32_t)(time_day_start_seconds(day) + 36000 + i),
            .flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, SCAN_PASS)};
    test_fail_on(presence_bulk_begin(loop->platform->presence, 9, &bulk, &err), &err);
    test_fail_on(presence_bulk_add(bulk, events, count, &err), &err);
    test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
    presence_bulk_abandon(bulk);
    free(events);
}

static void add_visits(struct loopback *loop, uint32_t venue, int32_t day, uint32_t first_person,
                       uint32_t count)
{
    add_visits_of(loop, venue, day, first_person, count, 1);
}

/* Scans of one venue on one day, counted by the hour. */
static int64_t scans(struct loopback *loop, uint32_t venue, int32_t day)
{
    struct presence_view *view;
    struct error err;
    uint32_t hours[24];
    int64_t sum = 0;
    test_fail_on(presence_view_begin(loop->platform->presence, &view, &err), &err);
    test_fail_on(presence_hour_counts(view, (struct venue_no){venue}, day, hours, &err), &err);
    presence_view_end(view);
    for (int h = 0; h < 24; h++)
        sum += hours[h];
    return sum;
}

/* A place that the demo city's people do not know, of a town; its number. */
static uint32_t open_venue(struct loopback *loop, const char *category, const char *town)
{
    change(loop,
           "INSERT INTO venue (area_no, name, category, check_level, token_version, closed,"
           " import_no) SELECT area_no, 'here', '%s', 0, 1, 0, 0 FROM area WHERE code = '%s'",
           category, town);
    return (uint32_t)loopback_number(loop, "SELECT max(venue_no) FROM venue");
}

static void report_case(struct loopback *loop, uint32_t person, timestamp at, timestamp recorded)
{
    change(loop,
           "INSERT INTO case_record (area_no, person_no, kind, at, recorded_at, import_no)"
           " SELECT area_no, person_no, 'case', %lld, %lld, 0 FROM person WHERE person_no = %u",
           (long long)at, (long long)recorded, person);
}

#define TOWN "320402001"
#define AREA_OF_TOWN "(SELECT area_no FROM area WHERE code = '" TOWN "')"
#define POINT(column, channel)                                                                     \
    "SELECT " column " FROM series_point WHERE channel = '" channel                                \
    "' AND area_no = " AREA_OF_TOWN " AND day = %d"

/* ---- Silent venues */

static void a_venue_that_falls_silent_is_a_point_of_its_town(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    uint32_t quiet = open_venue(loop, "shop", TOWN), busy = open_venue(loop, "shop", TOWN);
    uint32_t seldom = open_venue(loop, "shop", TOWN);
    add_visits(loop, quiet, day - 7, 1, 20);
    add_visits(loop, busy, day - 7, 1, 20);
    add_visits(loop, busy, day, 1, 1);
    add_visits(loop, seldom, day - 7, 1, 19); /* fewer than are usual */
    int64_t silent = 0, in_use = 0;
    for (uint32_t venue = 1; venue <= seldom; venue++) { /* the naive twin */
        bool here = number(loop, "SELECT area_no = " AREA_OF_TOWN " FROM venue WHERE venue_no = %u",
                           venue) == 1;
        if (here && scans(loop, venue, day - 7) >= 20) {
            in_use++;
            silent += scans(loop, venue, day) == 0;
        }
    }
    assert_true(silent >= 1 && in_use >= 2);
    feed(loop, day);
    assert_int_equal(number(loop, POINT("count", "silent_venues"), day), silent);
    assert_int_equal(number(loop, POINT("total IS NULL", "silent_venues"), day), 1);
    /* a day whose week before the store does not hold is missing, not 0 */
    int64_t first =
        loopback_number(loop, "SELECT min(day) FROM series_point WHERE channel = 'silent_venues'");
    assert_true(first > day - 14);
}

static int64_t told_of(struct loopback *loop, uint32_t venue)
{
    return number(loop,
                  "SELECT count(*) FROM event WHERE kind = 'venue.silent' AND subject_no = %u",
                  venue);
}

#define SILENT_LOOPS                                                                               \
    "SELECT count(*) FROM loop l JOIN scene_version s ON s.scene_no = l.scene_no"                  \
    " WHERE s.name = 'venue_silent' AND l.state = 0 AND l.subject_no = %u"

static void a_venue_that_falls_silent_is_told_once_and_becomes_a_loop(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    uint32_t quiet = open_venue(loop, "shop", TOWN), closed = open_venue(loop, "shop", TOWN);
    uint32_t seldom = open_venue(loop, "shop", TOWN), busy = open_venue(loop, "shop", TOWN);
    change(loop, "UPDATE venue SET closed = 1 WHERE venue_no = %u", closed);
    for (int32_t past = day - 8; past <= day - 6; past++) {
        add_visits(loop, quiet, past, 1, 25);
        add_visits(loop, closed, past, 1, 25);
        add_visits(loop, busy, past, 1, 25);
        add_visits(loop, seldom, past, 1, 19);
    }
    add_visits(loop, busy, day, 1, 1);
    add_visits(loop, quiet, day - 1, 1, 25);
    feed(loop, day);
    assert_int_equal(told_of(loop, quiet), 1);
    assert_int_equal(told_of(loop, closed) + told_of(loop, seldom) + told_of(loop, busy), 0);
    wait_until(loop, now(loop));
    assert_int_equal(number(loop, SILENT_LOOPS, quiet), 1);
    assert_int_equal(number(loop, SILENT_LOOPS, busy), 0);
    int64_t id = number(loop, "SELECT max(loop_no) FROM loop WHERE subject_no = %u", quiet);
    is(loop, id, "stage", "reminded");
    int64_t all = loopback_number(loop, "SELECT count(*) FROM event WHERE kind = 'venue.silent'");
    feed(loop, day); /* the same night again, and nights of the past */
    feed(loop, day - 1);
    assert_int_equal(
        loopback_number(loop, "SELECT count(*) FROM event WHERE kind = 'venue.silent'"), all);
    loop->platform->world->fixed += DAY; /* the silence goes on: it was told */
    feed(loop, day + 1);
    assert_int_equal(told_of(loop, quiet), 1);
    assert_int_equal(number(loop, "SELECT last_day - first_day FROM venue_silence WHERE"
                                  " venue_no = %u", quiet), 1);
}

/* Karaoke rooms that all stand still have a day off or an order; a few are asked one by one. */
static void a_category_that_stands_still_together_is_asked_of_no_single_venue(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    uint32_t rooms[17], cafes[4];
    for (int i = 0; i < 17; i++) {
        rooms[i] = open_venue(loop, "karaoke", TOWN);
        add_visits(loop, rooms[i], day - 7, 1, 25);
        if (i >= 5) /* 5 of 17: 29 %, one less than the share */
            add_visits(loop, rooms[i], day, 1, 1);
    }
    for (int i = 0; i < 4; i++) { /* all, but fewer than can be a day off */
        cafes[i] = open_venue(loop, "internet_cafe", TOWN);
        add_visits(loop, cafes[i], day - 7, 1, 25);
    }
    feed(loop, day);
    for (int i = 0; i < 5; i++)
        assert_int_equal(told_of(loop, rooms[i]), 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(told_of(loop, cafes[i]), 1);
    for (int i = 5; i < 17; i++) /* the day after: 10 of 10 that were in use a week before */
        if (i < 15)
            add_visits(loop, rooms[i], day - 6, 1, 25);
    loop->platform->world->fixed += DAY;
    add_visits(loop, open_venue(loop, "shop", TOWN), day + 1, 1, 1); /* a day that is known */
    feed(loop, day + 1);
    for (int i = 5; i < 17; i++)
        assert_int_equal(told_of(loop, rooms[i]), 0);
    assert_true(number(loop, POINT("count", "silent_venues"), day + 1) >= 10);
}

static void a_day_is_written_once_and_again_only_when_it_changed(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    uint32_t venue = open_venue(loop, "shop", TOWN);
    add_visits(loop, venue, day - 7, 1, 30);
    assert_true(feed(loop, day) > 0);
    int64_t count = number(loop, POINT("count", "silent_venues"), day);
    int64_t reported = loopback_number(loop, "SELECT max(reported_at) FROM series_point");
    loop->platform->world->fixed += HOUR;
    assert_int_equal(feed(loop, day), 0);
    assert_int_equal(loopback_number(loop, "SELECT max(reported_at) FROM series_point"), reported);
    add_visits(loop, venue, day, 1, 1); /* came late */
    assert_int_equal(feed(loop, day), 1);
    assert_int_equal(number(loop, POINT("count", "silent_venues"), day), count - 1);
    assert_true(loopback_number(loop, "SELECT max(reported_at) FROM series_point") > reported);
    assert_int_equal(feed(loop, day - 10), 0); /* written long ago */
}

static void what_somebody_reported_is_not_written_over(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    char date[TIME_TEXT_BYTES], body[200];
    snprintf(body, sizeof body,
             "{\"channel\":\"silent_venues\",\"area\":\"" TOWN "\",\"date\":\"%s\",\"count\":77}",
             time_format_date(day, date));
    expect(loop, "cdc_lead", HTTP_POST, "/api/v1/series:batch", body, 200, "\"inserted\"");
    add_visits(loop, open_venue(loop, "shop", TOWN), day - 7, 1, 30);
    feed(loop, day);
    assert_int_equal(number(loop, POINT("count", "silent_venues"), day), 77);
}

/* ---- Groups late for their tests */

static void groups_late_for_their_tests_are_counted_of_all_who_are_due(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    timestamp end = time_day_start_seconds(day + 1) * SECOND;
    feed(loop, day);
    assert_true(
        loopback_number(loop,
                        "SELECT count(*) FROM series_point WHERE channel = 'overdue_groups'") > 0);
    /* nobody was late before the longest duty could be known to be missed: 84 hours */
    assert_true(number(loop, "SELECT min(day) * 86400 - 28800 + 86400 - 84 * 3600 FROM series_point"
                             " WHERE channel = 'overdue_groups'") >=
                number(loop, "SELECT min(recorded_at) / 1000000 FROM evidence WHERE kind = %d",
                       EVIDENCE_PCR));
    /* hospital staff: within 36 hours */
    change(loop, "DELETE FROM staff");
    change(loop, "INSERT INTO unit (area_no, name, category, import_no)"
                 " SELECT area_no, 'u', 'hospital', 0 FROM area WHERE code = '" TOWN "'");
    int64_t hospital = loopback_number(loop, "SELECT max(unit_no) FROM unit");
    change(loop,
           "INSERT INTO staff (area_no, person_no, unit_no, role, import_no)"
           " SELECT " AREA_OF_TOWN
           ", person_no, %lld, 'nurse', 0 FROM person WHERE person_no <= 60",
           (long long)hospital);
    change(loop, "DELETE FROM series_point");
    change(loop, "DELETE FROM feed_state WHERE feed = 'overdue_groups'");
    feed(loop, day);
    int64_t tested = number(loop,
                            "SELECT count(DISTINCT person_no) FROM evidence WHERE person_no <= 60"
                            " AND kind = %d AND at >= %lld AND at < %lld",
                            EVIDENCE_PCR, (long long)(end - 36 * HOUR), (long long)end);
    assert_true(tested > 0 && tested < 60);
    assert_int_equal(number(loop, POINT("total", "overdue_groups"), day), 60);
    assert_int_equal(number(loop, POINT("count", "overdue_groups"), day), 60 - tested);
    assert_int_equal(loopback_number(loop, "SELECT count(DISTINCT area_no) FROM series_point"
                                           " WHERE channel = 'overdue_groups'"),
                     1); /* nowhere else is there such a group */
}

/* ---- Test results */

static void tubes_that_are_neither_are_counted_of_all_tubes(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop);
    int64_t person =
        number(loop, "SELECT min(person_no) FROM person WHERE area_no = " AREA_OF_TOWN);
    feed(loop, day - 1);
    int64_t tubes = number(loop,
                           "SELECT CAST(ceil(sum(1.0 / tube_size) - 1e-6) AS INTEGER) FROM evidence"
                           " WHERE kind = %d AND area_no = " AREA_OF_TOWN
                           " AND recorded_at >= %lld AND recorded_at < %lld",
                           EVIDENCE_PCR, (long long)(time_day_start_seconds(day - 1) * SECOND),
                           (long long)(time_day_start_seconds(day) * SECOND));
    int64_t told = number(loop, POINT("total", "pcr_abnormal"), day - 1);
    assert_true(tubes > 0 ? told == tubes || told == tubes + 1 : told == -1);
    char body[300];
    snprintf(body, sizeof body,
             "{\"laboratory\":\"L1\",\"accession\":\"Q-1\","
             "\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
             "\"reported_at\":\"2022-04-14T14:00:00+08:00\",\"result\":\"inconclusive\","
             "\"person\":%lld}",
             (long long)person);
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", body, 201, NULL);
    loop->platform->world->fixed += DAY;
    feed(loop, day);
    assert_int_equal(number(loop, POINT("count", "pcr_abnormal"), day), 1);
    assert_true(number(loop, POINT("total", "pcr_abnormal"), day) >= 1);
}

static void a_positive_who_passed_a_checkpoint_is_a_point_of_its_area(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    timestamp sampled = (time_day_start_seconds(day) + 50000) * SECOND;
    feed(loop, day);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM series_point WHERE channel ="
                                           " 'checkpoint_positives'"),
                     0); /* no checkpoint, no point */
    uint32_t gate = open_venue(loop, "toll_station", TOWN);
    change(loop, "DELETE FROM case_record");
    change(loop, "DELETE FROM evidence WHERE kind = 14 AND detail = 1");
    add_visits(loop, gate, day, 100, 3);     /* hours before the sample */
    add_visits(loop, gate, day - 3, 200, 1); /* days before it */
    report_case(loop, 100, sampled, sampled + HOUR);
    report_case(loop, 101, sampled, sampled + HOUR);
    report_case(loop, 101, sampled, sampled + 2 * HOUR); /* told twice */
    report_case(loop, 200, sampled, sampled + HOUR);
    report_case(loop, 102, sampled, sampled + DAY); /* recorded on the next day */
    feed(loop, day);
    assert_int_equal(number(loop, POINT("count", "checkpoint_positives"), day), 2);
    assert_int_equal(number(loop, POINT("count", "checkpoint_positives"), day - 1), 0);
}

/* ---- Clusters */

#define NAMED "SELECT count(*) FROM venue_cluster WHERE venue_no = %u AND day = %d"

/* Fourteen of forty people from all over the city who met at a chess room were found a week
 * later. */
static uint32_t plant(struct loopback *loop, int32_t day)
{
    uint32_t venue = open_venue(loop, "chess_room", TOWN);
    change(loop, "DELETE FROM case_record");
    change(loop, "DELETE FROM evidence WHERE kind IN (0, 14) AND detail <= 1 AND tube_size <= 1");
    add_visits_of(loop, venue, day - 8, 1, 40, 15);
    for (uint32_t person = 1; person <= 600; person += 45) {
        change(loop, "UPDATE person SET household_no = NULL WHERE person_no = %u", person);
        report_case(loop, person, (time_day_start_seconds(day - 2) + 30000) * SECOND,
                    (time_day_start_seconds(day - 1) + 30000) * SECOND);
    }
    return venue;
}

static void a_planted_cluster_is_one_alert_one_loop_and_a_venue_on_the_list(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    struct alerts_report report;
    struct error err;
    uint32_t venue = plant(loop, day);
    char path[80], shown[80], date[TIME_TEXT_BYTES];
    test_fail_on(alerts_run(loop->platform->alerts, day, &report, &err), &err);
    wait_until(loop, now(loop));
    assert_int_equal(number(loop, NAMED, venue, day), 1);
    assert_int_equal(number(loop, POINT("count >= 1", "venue_clusters"), day), 1);
    assert_int_equal(
        loopback_number(loop, "SELECT count(*) FROM alert WHERE channel = 'venue_clusters' AND"
                              " by_rule = 1 AND area_no = " AREA_OF_TOWN),
        1);
    int64_t thing = loopback_number(
        loop, "SELECT thing_no FROM alert WHERE channel = 'venue_clusters' AND area_no ="
              " " AREA_OF_TOWN);
    assert_int_equal(
        number(loop,
               "SELECT count(*) FROM loop l JOIN scene_version s ON s.scene_no ="
               " l.scene_no WHERE s.name = 'alert_disposition' AND l.subject_no = %lld",
               (long long)thing),
        1);
    /* all venues count among the tests, and a second night writes nothing */
    assert_int_equal(number(loop, "SELECT venues FROM venue_cluster_run WHERE day = %d", day),
                     loopback_number(loop,
                                     "SELECT count(*) FROM venue WHERE category NOT IN ('hospital',"
                                     " 'clinic', 'fever_clinic', 'testing_point', 'isolation_site',"
                                     " 'transfer_vehicle')"));
    assert_int_equal(feed(loop, day), 0);
    snprintf(shown, sizeof shown, "{\"venue_no\":%u,\"name\":\"here\"", venue);
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/venues/clusters", NULL, 200, shown);
    snprintf(path, sizeof path, "/api/v1/venues/clusters?day=%s", time_format_date(day, date));
    expect(loop, "epidemiologist", HTTP_GET, path, NULL, 200, "\"later_positive\":14,");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/venues/clusters?day=2022-03-01", NULL, 200,
           "{\"night\":null,\"items\":[],\"next\":null}");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/venues/clusters?day=soon", NULL, 400, "day");
    expect(loop, "epidemiologist", HTTP_GET, path, NULL, 200, "\"positives\":14,");
    expect(loop, "district_duty-320481", HTTP_GET, "/api/v1/venues/clusters", NULL, 200,
           "\"positives\":null");
    expect(loop, "district_duty-320481", HTTP_GET, "/api/v1/venues/clusters", NULL, 200,
           "\"items\":[]");
    expect(loop, "district_duty-320481", HTTP_GET, "/api/v1/venues/clusters?area=" TOWN, NULL, 403,
           NULL);
}

static void small_counts_of_persons_are_not_shown_to_who_sees_no_person(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    plant(loop, day);
    feed(loop, day);
    expect(loop, "inspector", HTTP_GET, "/api/v1/venues/clusters", NULL, 200,
           "\"later_positive\":14,");
    change(loop, "UPDATE venue_cluster SET later_positive = 4");
    expect(loop, "inspector", HTTP_GET, "/api/v1/venues/clusters", NULL, 200,
           "\"later_positive\":null,\"expected\":null,\"p_value\":null,\"q_value\":null");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/venues/clusters", NULL, 200,
           "\"later_positive\":4,");
}

/* A block that cannot be read: what needs it is missing, the rest is told, and the desk runs. */
static void damage_leaves_its_count_out_and_the_desk_runs_on(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    char command[300], date[TIME_TEXT_BYTES];
    struct alerts_report report;
    struct error err;
    snprintf(command, sizeof command,
             "for f in %s/presence/day-%s/segment-*; do"
             " printf 'damage damage damage' | dd of=$f bs=1 seek=200 conv=notrunc 2>/dev/null;"
             " done",
             loop->directory, time_format_date(day, date));
    assert_int_equal(system(command), 0);
    test_fail_on(alerts_run(loop->platform->alerts, day, &report, &err), &err);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM series_point WHERE channel IN"
                                           " ('silent_venues', 'venue_clusters')"),
                     0);
    assert_true(loopback_number(loop, "SELECT count(*) FROM series_point WHERE channel ="
                                      " 'pcr_abnormal'") > 0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM venue_cluster_run"), 0);
}

static void a_citys_channel_that_cannot_be_fed_is_left_out_and_the_desk_runs_on(void **state)
{
    struct loopback *loop = *state;
    int32_t day = today_of(loop) - 1;
    char command[400];
    struct alerts_report report;
    struct error err;
    snprintf(command, sizeof command,
             "mkdir -p %s/policies/channels && sed 's/^measure: count/measure: share/'"
             " " CHENGMAI_SOURCE_ROOT "/policies/channels/silent_venues.yaml"
             " > %s/policies/channels/silent_venues.yaml",
             loop->directory, loop->directory);
    assert_int_equal(system(command), 0);
    loopback_restart(loop);
    add_visits(loop, open_venue(loop, "shop", TOWN), day - 7, 1, 30);
    test_fail_on(alerts_run(loop->platform->alerts, day, &report, &err), &err);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM series_point WHERE channel ="
                                           " 'silent_venues'"),
                     0);
    assert_true(loopback_number(loop, "SELECT count(*) FROM series_point WHERE channel ="
                                      " 'pcr_abnormal'") > 0);
}

/* No table of this room has a column that could hold a person. */
static void no_table_of_the_room_knows_a_person(void **state)
{
    struct loopback *loop = *state;
    assert_int_equal(
        loopback_number(loop, "SELECT count(*) FROM pragma_table_info('venue_cluster') WHERE name"
                              " LIKE '%person%' OR name LIKE '%household%'"),
        0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM pragma_table_info('feed_state')"),
                     2);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_venue_that_falls_silent_is_a_point_of_its_town),
        LOOP_TEST(a_venue_that_falls_silent_is_told_once_and_becomes_a_loop),
        LOOP_TEST(a_category_that_stands_still_together_is_asked_of_no_single_venue),
        LOOP_TEST(a_day_is_written_once_and_again_only_when_it_changed),
        LOOP_TEST(what_somebody_reported_is_not_written_over),
        LOOP_TEST(groups_late_for_their_tests_are_counted_of_all_who_are_due),
        LOOP_TEST(tubes_that_are_neither_are_counted_of_all_tubes),
        LOOP_TEST(a_positive_who_passed_a_checkpoint_is_a_point_of_its_area),
        LOOP_TEST(a_planted_cluster_is_one_alert_one_loop_and_a_venue_on_the_list),
        LOOP_TEST(small_counts_of_persons_are_not_shown_to_who_sees_no_person),
        LOOP_TEST(damage_leaves_its_count_out_and_the_desk_runs_on),
        LOOP_TEST(a_citys_channel_that_cannot_be_fed_is_left_out_and_the_desk_runs_on),
        LOOP_TEST(no_table_of_the_room_knows_a_person),
    };
    return LOOPBACK_RUN(tests);
}
