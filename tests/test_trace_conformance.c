/* Check-ins of real people, imported as anyone would and traced: row counts reconcile on every
 * file, and the window model gives for every person of New York what comparing all pairs of rows
 * gives. The files lie outside the source tree; each test is skipped where its file is absent. */
#include <zlib.h>

#include "registry/test_support.h"
#include "tracing/tracing.h"

#define FILES CHENGMAI_SOURCE_ROOT "/../shared/data/checkins/"
static const char new_york[] = FILES "checkins_foursquare_nyc_2012_2013.csv.gz";
static const char united_states[] = FILES "checkins_foursquare_us_2012_2013.csv.gz";
static const char shenzhen[] = FILES "checkins_shenzhen_transit_2018.csv.gz";

static void need(const char *file)
{
    if (access(file, R_OK) == 0)
        return;
    print_message("skipped: %s is not here\n", file);
    skip();
}

/* Takes the file into the test's folder and imports it from there. */
static void import_file(struct test_city *city, const char *file)
{
    assert_int_equal(symlinkat(file, city->files_fd, "checkins.csv.gz"), 0);
    int code = test_run(city, "import", "checkins", "checkins.csv.gz", "--source", "file",
                        "--create-missing");
    if (code > EXIT_FINDINGS)
        fail_msg("%s: %s", file, city->err.what);
    assert_true(test_count(city, "rows") ==
                test_count(city, "inserted") + test_count(city, "merged") +
                    test_count(city, "unchanged") + test_count(city, "rejected"));
    print_message("%s", city->out.data);
}

/* ---- The twin: the file read by itself, rows compared pair by pair */

struct row {
    uint32_t person, venue, time;
};
struct rows {
    struct row *rows;
    size_t count, capacity;
    uint32_t persons; /* ids are 1 … persons: the twin numbers them as they are met */
    char (*names)[32];
};

static uint32_t person_number(struct rows *rows, const char *name)
{
    for (uint32_t i = rows->persons; i > 0; i--)
        if (strcmp(rows->names[i - 1], name) == 0)
            return i;
    rows->names = x_realloc(rows->names, (rows->persons + 1) * sizeof *rows->names);
    snprintf(rows->names[rows->persons], sizeof *rows->names, "%s", name);
    return ++rows->persons;
}

/* person_id,venue_id,lat,lon,category,unix_time; the venue's id is a text of which a hash will do,
 * as long as no two venues of the file share it. */
static void read_rows(const char *file, struct rows *out)
{
    char line[512], *fields[6];
    gzFile in = gzopen(file, "rb");
    *out = (struct rows){0};
    assert_non_null(in);
    assert_non_null(gzgets(in, line, sizeof line));
    while (gzgets(in, line, sizeof line)) {
        char *at = line;
        line[strcspn(line, "\r\n")] = '\0';
        for (int i = 0; i < 6; i++)
            fields[i] = strsep(&at, ",");
        assert_non_null(fields[5]);
        if (out->count == out->capacity) {
            out->capacity = out->capacity ? out->capacity * 2 : 1 << 16;
            out->rows = x_realloc(out->rows, out->capacity * sizeof *out->rows);
        }
        out->rows[out->count++] = (struct row){
            person_number(out, fields[0]), hash_crc32c(0, fields[1], strlen(fields[1])),
            (uint32_t)strtod(fields[5], NULL)};
    }
    gzclose(in);
}

static int by_venue_time_person(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->venue != y->venue)
        return x->venue < y->venue ? -1 : 1;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->person > y->person) - (x->person < y->person);
}

/* One of doubles (person, venue, second) stays. */
static size_t drop_doubles(struct rows *rows)
{
    size_t kept = 0, count = rows->count;
    qsort(rows->rows, count, sizeof *rows->rows, by_venue_time_person);
    for (size_t i = 0; i < count; i++)
        if (!kept || by_venue_time_person(&rows->rows[kept - 1], &rows->rows[i]) != 0)
            rows->rows[kept++] = rows->rows[i];
    rows->count = kept;
    return count - kept;
}

struct pair {
    uint32_t co_visits, closest_gap;
};

/* pairs[index person][other]: every row of the index person within [from, to) against every row of
 * the same venue. */
static struct pair *compare_all_pairs(const struct rows *rows, int64_t from, int64_t to,
                                      int64_t minutes)
{
    size_t side = rows->persons + 1;
    struct pair *pairs = x_alloc(side * side, sizeof *pairs);
    for (size_t first = 0, last; first < rows->count; first = last) {
        for (last = first; last < rows->count && rows->rows[last].venue == rows->rows[first].venue;)
            last++;
        for (size_t i = first; i < last; i++)
            for (size_t k = first; k < last; k++) {
                const struct row *x = &rows->rows[i], *y = &rows->rows[k];
                int64_t gap = (int64_t)x->time - y->time;
                gap = gap < 0 ? -gap : gap;
                if (x->person == y->person || x->time < from || x->time >= to ||
                    gap > minutes * 60)
                    continue;
                struct pair *pair = &pairs[x->person * side + y->person];
                if (!pair->co_visits || gap < pair->closest_gap)
                    pair->closest_gap = (uint32_t)gap;
                pair->co_visits++;
            }
    }
    return pairs;
}

/* ---- The trace against it */

struct tracing {
    struct test_city *city;
    const struct rows *rows;
    struct tracer *tracer;
    struct presence_view *view;
    uint32_t *number_of;  /* the twin's number → person_no */
    uint32_t *twin_of;    /* person_no → the twin's number */
    uint32_t highest;
};

static void map_persons(struct tracing *t)
{
    struct error err;
    struct sql *sql;
    t->number_of = x_alloc(t->rows->persons + 1, sizeof *t->number_of);
    test_fail_on(store_read_begin(t->city->platform.store, &sql, &err), &err);
    for (uint32_t i = 1; i <= t->rows->persons; i++) {
        int64_t no;
        test_fail_on(registry_lookup(sql, REGISTRY_PERSON, SLICE("file"),
                                     slice_of(t->rows->names[i - 1]), &no, &err),
                     &err);
        assert_true(no > 0);
        t->number_of[i] = (uint32_t)no;
        t->highest = (uint32_t)no > t->highest ? (uint32_t)no : t->highest;
    }
    store_read_end(t->city->platform.store, sql);
    t->twin_of = x_alloc(t->highest + 1, sizeof *t->twin_of);
    for (uint32_t i = 1; i <= t->rows->persons; i++)
        t->twin_of[t->number_of[i]] = i;
}

/* The exposed persons of one index person; how many. */
static size_t compare_person(struct tracing *t, const struct pair *pairs,
                             const struct trace_request *request, uint32_t index)
{
    struct error err;
    struct trace_result result;
    size_t side = t->rows->persons + 1, exposed = 0;
    test_fail_on(trace_run(t->tracer, t->view, request, &result, &err), &err);
    for (uint32_t other = 1; other <= t->rows->persons; other++)
        exposed += pairs[index * side + other].co_visits > 0;
    if (result.count != exposed)
        fail_msg("%s: %zu exposed, the twin has %zu", t->rows->names[index - 1], result.count,
                 exposed);
    for (size_t i = 0; i < result.count; i++) {
        uint32_t other = result.person[i] <= t->highest ? t->twin_of[result.person[i]] : 0;
        const struct pair *pair = &pairs[index * side + other];
        if (pair->co_visits != result.co_visits[i] ||
            pair->closest_gap != result.closest_gap_seconds[i])
            fail_msg("%s and %s: %u co-visits, closest %u s; the twin has %u and %u",
                     t->rows->names[index - 1], t->rows->names[other - 1], result.co_visits[i],
                     result.closest_gap_seconds[i], pair->co_visits, pair->closest_gap);
        assert_true(result.weight[i] >= 1 && result.weight[i] <= 1);
        assert_true(i == 0 || result.co_visits[i] <= result.co_visits[i - 1]);
    }
    return exposed;
}

static void compare_everybody(struct tracing *t, int64_t from, int64_t to, int minutes)
{
    struct pair *pairs = compare_all_pairs(t->rows, from, to, minutes);
    size_t exposed = 0;
    double begun = world_elapsed_seconds();
    for (uint32_t index = 1; index <= t->rows->persons; index++) {
        struct trace_request request = {.person = {t->number_of[index]},
                                        .from = from,
                                        .to = to,
                                        .model = TRACE_WINDOW,
                                        .minutes = minutes};
        exposed += compare_person(t, pairs, &request, index);
    }
    print_message("%u persons, %d minutes: %zu pairs of persons equal, %.1f s\n",
                  t->rows->persons, minutes, exposed, world_elapsed_seconds() - begun);
    assert_true(exposed > 100);
    free(pairs);
}

static void the_window_model_equals_all_pairs_for_every_person_of_new_york(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int minutes;
    } runs[] = {{"2012-01-01T00:00:00Z", "2014-01-01T00:00:00Z", 120},
                {"2012-06-01T00:00:00Z", "2012-06-15T00:00:00Z", 30},
                {"2012-04-03T18:00:00Z", "2013-02-16T00:00:00Z", 0},
                {"2012-10-01T00:00:00Z", "2012-12-01T00:00:00Z", 10080}};
    struct test_city city;
    struct rows rows;
    struct error err;
    need(new_york);
    test_city_create(&city, true);
    import_file(&city, new_york);
    read_rows(new_york, &rows);
    assert_int_equal(rows.count, 147938);
    assert_true(test_count(&city, "rows") == (int64_t)rows.count);
    assert_int_equal(rows.persons, 1083);
    assert_true(test_count(&city, "merged") == (int64_t)drop_doubles(&rows));
    assert_true(test_count(&city, "inserted") == (int64_t)rows.count);
    struct tracing t = {.city = &city, .rows = &rows};
    map_persons(&t);
    test_fail_on(tracer_create(&city.platform, &t.tracer, &err), &err);
    test_fail_on(presence_view_begin(city.platform.presence, &t.view, &err), &err);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        timestamp from, to;
        assert_true(time_parse(slice_of(runs[i].from), &from) &&
                    time_parse(slice_of(runs[i].to), &to));
        compare_everybody(&t, from / SECOND, to / SECOND, runs[i].minutes);
    }
    presence_view_end(t.view);
    tracer_free(t.tracer);
    free(t.number_of);
    free(t.twin_of);
    free(rows.rows);
    free(rows.names);
    test_city_remove(&city);
}

/* ---- Reconciliation of the other files */

static void every_row_of_the_united_states_is_accounted_for(void **state)
{
    (void)state;
    struct test_city city;
    need(united_states);
    test_city_create(&city, true);
    import_file(&city, united_states);
    assert_true(test_count(&city, "rows") == 185984);
    assert_true(test_count(&city, "rejected") == 0);
    int64_t inserted = test_count(&city, "inserted"), merged = test_count(&city, "merged");
    assert_int_equal(test_run(&city, "import", "checkins", "checkins.csv.gz", "--source", "file"),
                     EXIT_DONE);
    assert_true(test_count(&city, "inserted") == 0);
    assert_true(test_count(&city, "unchanged") + test_count(&city, "merged") == inserted + merged);
    test_city_remove(&city);
}

/* 1,535 metro taps name the line and leave the station's part empty ("szmetro:LINE:"): an id as any
 * other to the import. */
static void every_tap_of_shenzhen_is_accounted_for(void **state)
{
    (void)state;
    struct test_city city;
    need(shenzhen);
    test_city_create(&city, true);
    import_file(&city, shenzhen);
    assert_true(test_count(&city, "rows") == 46999);
    assert_true(test_count(&city, "inserted") + test_count(&city, "merged") == 46999);
    assert_int_equal(test_run(&city, "export", "checkins", "--source", "file"), EXIT_DONE);
    int64_t lines = 0;
    for (const char *at = city.out.data; *at; at++)
        lines += *at == '\n';
    assert_true(test_run(&city, "import", "checkins", "checkins.csv.gz", "--source", "file") ==
                EXIT_DONE);
    assert_true(test_count(&city, "inserted") == 0);
    assert_true(test_count(&city, "unchanged") + test_count(&city, "merged") == 46999);
    assert_true(lines - 1 <= 46999 && lines > 40000);
    test_city_remove(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_model_equals_all_pairs_for_every_person_of_new_york),
        cmocka_unit_test(every_row_of_the_united_states_is_accounted_for),
        cmocka_unit_test(every_tap_of_shenzhen_is_accounted_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
