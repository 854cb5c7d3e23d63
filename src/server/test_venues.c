/* The pages of venues: counts against recounts, lists by cursor, jurisdiction, sheets over HTTP. */
#include "checkin/checkin.h"
#include "server/test_support.h"

#define DISTRICT "320412"
#define IN_DISTRICT                                                                                \
    " area_no BETWEEN (SELECT area_no FROM area WHERE code = '" DISTRICT "') AND"                  \
    " (SELECT area_no + 16777215 FROM area WHERE code = '" DISTRICT "')"

static struct answer call_as(struct loopback *loop, const char *user, enum http_method method,
                             const char *path, const char *body)
{
    char token[80];
    loopback_user(loop, user, token);
    return loopback_call(
        loop, &(struct call){.method = method, .path = path, .body = body, .authorization = token});
}

static void refused(struct loopback *loop, const char *user, const char *path, int status,
                    const char *type)
{
    char token[80];
    loopback_user(loop, user, token);
    loopback_refused(loop, GET(path, token), status, type);
}

static int64_t number(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}
static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void follow(struct loopback *loop)
{
    struct error err;
    test_fail_on(checkin_follow(loop->platform->checkin, &err), &err);
}

/* Sum of a column of coverage; −1 where a cell does not know it. */
static int64_t sum_of(const json_t *coverage, const char *key)
{
    size_t i;
    json_t *cell;
    int64_t sum = 0;
    json_array_foreach (json_object_get(coverage, "items"), i, cell) {
        if (json_is_null(json_object_get(cell, key)))
            return -1;
        sum += number(cell, key);
    }
    return sum;
}

/* Venues with a scan in the last 24 hours, by a walk over the day store. */
struct recount {
    bool *seen;
    int64_t scans_today[2];
};
static bool visit(void *context, const struct presence_event *events, size_t count,
                  struct error *err)
{
    (void)err;
    struct recount *recount = context;
    for (size_t i = 0; i < count; i++)
        recount->seen[events[i].venue] = true;
    return true;
}
static int64_t recount_in_use(struct loopback *loop)
{
    struct presence_view *view;
    struct error err;
    int64_t now = world_now(loop->platform->world) / SECOND, in_use = 0;
    struct recount recount = {.seen = x_alloc(1 << 16, 1)};
    test_fail_on(presence_view_begin(loop->platform->presence, &view, &err), &err);
    test_fail_on(presence_scan(view, now - 86400 + 1, now + 1, visit, &recount, &err), &err);
    presence_view_end(view);
    for (size_t v = 0; v < 1 << 16; v++)
        in_use += recount.seen[v];
    free(recount.seen);
    return in_use;
}

static void coverage_is_what_a_recount_gives_and_nothing_is_known_before(void **state)
{
    struct loopback *loop = *state;
    struct answer answer = call_as(loop, "cdc_lead", HTTP_GET, "/api/v1/venues/coverage", NULL);
    int64_t venues = loopback_number(loop, "SELECT count(*) FROM venue WHERE closed = 0");
    assert_int_equal(answer.status, 200);
    assert_true(json_is_null(json_object_get(answer.json, "true_for")));
    assert_int_equal(sum_of(answer.json, "registered"), venues);
    assert_int_equal(sum_of(answer.json, "in_use"), -1);
    answer_release(&answer);
    follow(loop);
    answer = call_as(loop, "cdc_lead", HTTP_GET, "/api/v1/venues/coverage", NULL);
    int64_t in_use = recount_in_use(loop);
    assert_true(in_use > 0 && in_use < venues);
    assert_int_equal(sum_of(answer.json, "registered"), venues);
    assert_int_equal(sum_of(answer.json, "in_use"), in_use);
    assert_int_equal(sum_of(answer.json, "silent"), venues - in_use);
    assert_int_equal(sum_of(answer.json, "units"),
                     loopback_number(loop, "SELECT count(*) FROM unit"));
    assert_int_equal(sum_of(answer.json, "units_coded"), sum_of(answer.json, "units"));
    assert_string_equal(text(answer.json, "true_for"), "2022-04-14T14:31:00+08:00");
    assert_true(answer.statements < 12); /* the gate's own: coverage asks SQL nothing */
    assert_int_equal(answer.audits, 0);
    answer_release(&answer);
}

static void coverage_of_a_district_is_by_its_towns_and_of_no_other(void **state)
{
    struct loopback *loop = *state;
    follow(loop);
    const char *user = "district_duty-" DISTRICT;
    struct answer answer = call_as(loop, user, HTTP_GET, "/api/v1/venues/coverage", NULL);
    assert_int_equal(
        sum_of(answer.json, "registered"),
        loopback_number(loop, "SELECT count(*) FROM venue WHERE closed = 0 AND" IN_DISTRICT));
    json_t *areas = json_object_get(answer.json, "areas");
    assert_string_equal(text(json_array_get(areas, json_array_size(areas) - 1), "code"), DISTRICT);
    assert_true(json_array_size(areas) > 5);
    answer_release(&answer);
    refused(loop, user, "/api/v1/venues/coverage?area=320481", 403, "forbidden");
    refused(loop, user, "/api/v1/venues?area=320481", 403, "forbidden");
    refused(loop, user, "/api/v1/venues/points?area=320481", 403, "forbidden");
    refused(loop, "press", "/api/v1/venues/coverage", 403, "forbidden");
}

/* How many venues all pages of a list have; every row is checked by `state`. */
static int64_t walk(struct loopback *loop, const char *user, const char *query, const char *state)
{
    char path[300], after[80] = "";
    int64_t count = 0, last = 0;
    for (bool more = true; more;) {
        snprintf(path, sizeof path, "/api/v1/venues?limit=7%s%s", query, after);
        struct answer answer = call_as(loop, user, HTTP_GET, path, NULL);
        assert_int_equal(answer.status, 200);
        size_t i;
        json_t *row;
        json_array_foreach (json_object_get(answer.json, "items"), i, row) {
            assert_true(number(row, "no") > last);
            last = number(row, "no");
            if (state)
                assert_string_equal(text(row, "state"), state);
            count++;
        }
        more = json_is_string(json_object_get(answer.json, "next"));
        snprintf(after, sizeof after, "&after=%s", more ? text(answer.json, "next") : "");
        answer_release(&answer);
    }
    return count;
}

static void lists_divide_the_venues_and_pages_leave_none_out(void **state)
{
    struct loopback *loop = *state;
    follow(loop);
    int64_t venues = loopback_number(loop, "SELECT count(*) FROM venue"),
            in_use = recount_in_use(loop);
    assert_int_equal(walk(loop, "cdc_lead", "", NULL), venues);
    assert_int_equal(walk(loop, "cdc_lead", "&state=in_use", "in_use"), in_use);
    assert_int_equal(walk(loop, "cdc_lead", "&state=silent", "silent"), venues - in_use);
    assert_int_equal(walk(loop, "cdc_lead", "&state=suspected", NULL), 0);
    assert_int_equal(walk(loop, "cdc_lead", "&state=closed", NULL), 0);
    assert_int_equal(walk(loop, "cdc_lead", "&category=shop", NULL),
                     loopback_number(loop, "SELECT count(*) FROM venue WHERE category = 'shop'"));
    int64_t own = loopback_number(loop, "SELECT count(*) FROM venue WHERE" IN_DISTRICT);
    assert_int_equal(walk(loop, "district_duty-" DISTRICT, "", NULL), own);
    assert_int_equal(walk(loop, "cdc_lead", "&area=" DISTRICT, NULL), own);
    assert_int_equal(walk(loop, "cdc_lead", "&name=%E8%B6%85%E5%B8%82", NULL), /* 超市 */
                     loopback_number(loop, "SELECT count(*) FROM venue WHERE name LIKE '%超市%'"));
    refused(loop, "cdc_lead", "/api/v1/venues?state=loud", 400, "bad-value");
    refused(loop, "cdc_lead", "/api/v1/venues?category=moon", 400, "bad-value");
    refused(loop, "cdc_lead", "/api/v1/venues?after=zz", 400, "bad-value");
}

static void points_are_all_open_venues_that_have_a_place(void **state)
{
    struct loopback *loop = *state;
    loopback_change(loop, "UPDATE venue SET latitude = NULL WHERE venue_no = 3");
    loopback_change(loop, "UPDATE venue SET closed = 1 WHERE venue_no = 5");
    follow(loop);
    struct answer answer = call_as(loop, "cdc_lead", HTTP_GET, "/api/v1/venues/points", NULL);
    int64_t venues = loopback_number(loop, "SELECT count(*) FROM venue");
    assert_int_equal(number(answer.json, "without_place"), 1);
    static const char *const columns[] = {"numbers", "longitudes", "latitudes"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_array_size(json_object_get(answer.json, columns[i])), venues - 2);
    assert_int_equal(strlen(text(answer.json, "states")), venues - 2);
    json_int_t first =
        json_integer_value(json_array_get(json_object_get(answer.json, "latitudes"), 0));
    assert_true(first > 3100000 && first < 3220000);
    answer_release(&answer);
}

static void a_venue_shows_its_days_and_nothing_of_one_elsewhere(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    follow(loop);
    int64_t no = loopback_number(loop, "SELECT min(venue_no) FROM venue WHERE" IN_DISTRICT);
    int64_t other = loopback_number(loop, "SELECT min(venue_no) FROM venue WHERE NOT" IN_DISTRICT);
    snprintf(path, sizeof path, "/api/v1/venues/%lld", (long long)no);
    struct answer answer = call_as(loop, "cdc_lead", HTTP_GET, path, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(number(answer.json, "no"), no);
    assert_true(number(json_object_get(answer.json, "unit"), "no") == no);
    json_t *scans = json_object_get(answer.json, "scans_by_day");
    assert_int_equal(json_array_size(scans), 14);
    for (int i = 0; i < 14; i++) {
        struct presence_view *view;
        struct error err;
        uint32_t hours[24];
        int64_t sum = 0;
        int32_t day = time_day_of_seconds(world_now(loop->platform->world) / SECOND) - 13 + i;
        test_fail_on(presence_view_begin(loop->platform->presence, &view, &err), &err);
        test_fail_on(presence_hour_counts(view, (struct venue_no){(uint32_t)no}, day, hours, &err),
                     &err);
        bool known = presence_day_count(view, day) > 0;
        presence_view_end(view);
        for (int h = 0; h < 24; h++)
            sum += hours[h];
        if (known)
            assert_int_equal(json_integer_value(json_array_get(scans, (size_t)i)), sum);
        else
            assert_true(json_is_null(json_array_get(scans, (size_t)i)));
    }
    assert_int_equal(number(answer.json, "days_hidden"), 0);
    answer_release(&answer);
    /* who is shown nothing of persons is shown no count as small as a family */
    answer = call_as(loop, "venue_manager", HTTP_GET, path, NULL);
    size_t i;
    json_t *value;
    json_array_foreach (json_object_get(answer.json, "scans_by_day"), i, value)
        assert_true(json_is_null(value) || json_integer_value(value) == 0 ||
                    json_integer_value(value) >= number(answer.json, "hidden_below"));
    answer_release(&answer);
    snprintf(path, sizeof path, "/api/v1/venues/%lld", (long long)other);
    refused(loop, "district_duty-" DISTRICT, path, 404, "not-found");
    refused(loop, "cdc_lead", "/api/v1/venues/99999999", 404, "not-found");
    refused(loop, "cdc_lead", "/api/v1/venues/x", 400, "bad-value");
}

static void a_suspicion_is_counted_listed_and_ended_by_a_new_code(void **state)
{
    struct loopback *loop = *state;
    loopback_change(loop, "INSERT INTO venue_suspicion (venue_no, area_no, window_start, reason,"
                          " scans, raised_at, token_version) SELECT venue_no, area_no, 1649916000,"
                          " 'rate', 300, 1649917000000000, token_version FROM venue"
                          " WHERE venue_no = 4");
    follow(loop);
    struct answer answer = call_as(loop, "cdc_lead", HTTP_GET, "/api/v1/venues/coverage", NULL);
    assert_int_equal(sum_of(answer.json, "suspected"), 1);
    answer_release(&answer);
    assert_int_equal(walk(loop, "cdc_lead", "&state=suspected", NULL), 1);
    answer = call_as(loop, "cdc_lead", HTTP_GET, "/api/v1/venues/4", NULL);
    json_t *first = json_array_get(json_object_get(answer.json, "suspicions"), 0);
    assert_true(json_is_true(json_object_get(answer.json, "suspected")));
    assert_true(json_is_true(json_object_get(first, "current")));
    assert_int_equal(number(first, "count"), 300);
    answer_release(&answer);
    answer = call_as(loop, "administrator", HTTP_POST, "/api/v1/venues/4/revoke", NULL);
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
    follow(loop); /* at once: the register has changed */
    assert_int_equal(walk(loop, "cdc_lead", "&state=suspected", NULL), 0);
    answer = call_as(loop, "cdc_lead", HTTP_GET, "/api/v1/venues/4", NULL);
    first = json_array_get(json_object_get(answer.json, "suspicions"), 0);
    assert_true(json_is_false(json_object_get(first, "current")));
    assert_int_equal(number(answer.json, "code_version"), 2);
    answer_release(&answer);
}

/* ---- Sheets */

#define SHEET                                                                                      \
    "venue_id,name,area,category,colour\n"                                                         \
    "n1,New pharmacy," DISTRICT ",pharmacy,red\n"                                                  \
    "n2,Moon base," DISTRICT ",moon,grey\n"                                                        \
    "n3,,320481,shop,blue\n"                                                                       \
    "n4,Shop elsewhere,320481,shop,blue\n"

static const json_t *reject(const struct answer *answer, size_t index)
{
    return json_array_get(json_object_get(answer->json, "rejects"), index);
}

static void a_sheet_registers_venues_and_gives_back_what_it_rejects(void **state)
{
    struct loopback *loop = *state;
    const char *path = "/api/v1/venues:import?source=bureau";
    int64_t before = loopback_number(loop, "SELECT count(*) FROM venue");
    struct answer answer = call_as(loop, "cdc_lead", HTTP_POST,
                                   "/api/v1/venues:import?source=bureau&dry_run=true", SHEET);
    assert_int_equal(answer.status, 200);
    assert_int_equal(number(answer.json, "inserted"), 2);
    assert_true(json_is_null(json_object_get(answer.json, "import")));
    answer_release(&answer);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM venue"), before);
    answer = call_as(loop, "cdc_lead", HTTP_POST, path, SHEET);
    assert_int_equal(answer.status, 200);
    assert_int_equal(number(answer.json, "rows"), 4);
    assert_int_equal(number(answer.json, "inserted"), 2);
    assert_int_equal(number(answer.json, "rejected"), 2);
    assert_true(json_is_null(json_object_get(answer.json, "rejects_file")));
    assert_int_equal(number(reject(&answer, 0), "row"), 2);
    assert_string_equal(text(reject(&answer, 0), "field"), "category");
    assert_string_equal(text(reject(&answer, 1), "field"), "name");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(reject(&answer, 0), "values"), 1)),
        "Moon base");
    assert_int_equal(json_array_size(json_object_get(answer.json, "columns")), 5);
    assert_non_null(strstr(
        json_string_value(json_array_get(json_object_get(answer.json, "notes"), 0)), "colour"));
    assert_int_equal(answer.audits, 1);
    answer_release(&answer);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM audit WHERE act = 'venues.import'"
                                           " AND actor = 'cdc_lead' AND fields LIKE"
                                           " '%inserted:2,%rejected:2'"),
                     1);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM venue"), before + 2);
    answer = call_as(loop, "cdc_lead", HTTP_POST, path, SHEET);
    assert_int_equal(number(answer.json, "unchanged"), 2);
    assert_int_equal(number(answer.json, "inserted"), 0);
    answer_release(&answer);
    /* it has its code at once, and is in the list when the second is over */
    int64_t no = loopback_number(loop, "SELECT max(venue_no) FROM venue");
    assert_int_equal(checkin_venue_version(loop->platform->checkin, (uint32_t)no), 1);
    follow(loop);
    assert_int_equal(walk(loop, "cdc_lead", "&name=pharmacy", NULL), 1);
}

static void a_district_registers_and_changes_its_own_venues_only(void **state)
{
    struct loopback *loop = *state;
    const char *path = "/api/v1/venues:import", *user = "cdc_lead-" DISTRICT;
    struct answer answer = call_as(loop, "cdc_lead", HTTP_POST, path, SHEET);
    assert_int_equal(number(answer.json, "inserted"), 2);
    answer_release(&answer);
    answer = call_as(loop, user, HTTP_POST, path,
                     "venue_id,name,area\n"
                     "n1,Renamed," DISTRICT "\n" /* its own */
                     "n1,Renamed again,\n"       /* its own, the place is left as it is */
                     "n4,Taken," DISTRICT "\n"   /* lies elsewhere: not to be drawn over */
                     "n5,Away,320481\n"          /* a new one elsewhere */
                     "n6,Nowhere,\n");           /* the whole city is not its own */
    assert_int_equal(answer.status, 200);
    assert_int_equal(number(answer.json, "merged"), 2);
    assert_int_equal(number(answer.json, "rejected"), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(text(reject(&answer, i), "field"), "area");
    answer_release(&answer);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM venue WHERE name IN"
                                           " ('Taken', 'Away', 'Nowhere')"),
                     0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM venue WHERE name = "
                                           "'Renamed again' AND" IN_DISTRICT),
                     1);
}

static void a_sheet_that_is_none_is_refused_and_keeps_nothing(void **state)
{
    struct loopback *loop = *state;
    int64_t before = loopback_number(loop, "SELECT count(*) FROM venue");
    static const char *const bodies[] = {"", "{}", "venue_id\nx\n", "name,area\nx,320412\n"};
    for (size_t i = 0; i < 4; i++) {
        struct answer answer =
            call_as(loop, "cdc_lead", HTTP_POST, "/api/v1/venues:import", bodies[i]);
        assert_int_equal(answer.status, 400);
        answer_release(&answer);
    }
    struct answer answer =
        call_as(loop, "cdc_lead", HTTP_POST, "/api/v1/venues:import?dry_run=maybe", SHEET);
    assert_int_equal(answer.status, 400);
    answer_release(&answer);
    answer = call_as(loop, "venue_manager", HTTP_POST, "/api/v1/venues:import", SHEET);
    assert_int_equal(answer.status, 403);
    answer_release(&answer);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM venue"), before);
}

/* ---- Loops */

static void loops_about_a_venue_are_found_by_it_where_that_is_told(void **state)
{
    struct loopback *loop = *state;
    char body[200], path[80];
    int64_t no = loopback_number(loop, "SELECT min(venue_no) FROM venue WHERE" IN_DISTRICT);
    snprintf(body, sizeof body, "{\"scene\":\"venue_copied_code\",\"subject\":%lld,\"fields\":{}}",
             (long long)no);
    struct answer answer =
        call_as(loop, "district_duty-" DISTRICT, HTTP_POST, "/api/v1/loops", body);
    assert_int_equal(answer.status, 201);
    answer_release(&answer);
    snprintf(path, sizeof path, "/api/v1/loops?venue=%lld", (long long)no);
    answer = call_as(loop, "district_duty-" DISTRICT, HTTP_GET, path, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")),
                     loopback_number(loop, "SELECT count(*) FROM loop WHERE state = 0 AND"
                                           " subject_kind = 3 AND subject_no = (SELECT"
                                           " min(venue_no) FROM venue WHERE" IN_DISTRICT ")"));
    assert_true(json_array_size(json_object_get(answer.json, "items")) > 0);
    answer_release(&answer);
    answer = call_as(loop, "district_duty-320481", HTTP_GET, path, NULL);
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 0);
    answer_release(&answer);
    refused(loop, "venue_manager", path, 400, "bad-value"); /* who looks after no areas */
    refused(loop, "cdc_lead", "/api/v1/loops?venue=x", 400, "bad-value");
    refused(loop, "cdc_lead", "/api/v1/loops?venue=4&state=closed", 400, "bad-value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(coverage_is_what_a_recount_gives_and_nothing_is_known_before),
        LOOPBACK_TEST(coverage_of_a_district_is_by_its_towns_and_of_no_other),
        LOOPBACK_TEST(lists_divide_the_venues_and_pages_leave_none_out),
        LOOPBACK_TEST(points_are_all_open_venues_that_have_a_place),
        LOOPBACK_TEST(a_venue_shows_its_days_and_nothing_of_one_elsewhere),
        LOOPBACK_TEST(a_suspicion_is_counted_listed_and_ended_by_a_new_code),
        LOOPBACK_TEST(a_sheet_registers_venues_and_gives_back_what_it_rejects),
        LOOPBACK_TEST(a_district_registers_and_changes_its_own_venues_only),
        LOOPBACK_TEST(a_sheet_that_is_none_is_refused_and_keeps_nothing),
        LOOPBACK_TEST(loops_about_a_venue_are_found_by_it_where_that_is_told),
    };
    return LOOPBACK_RUN(tests);
}
