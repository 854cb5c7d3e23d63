/* Goal: a picture is well-formed, says with its marks exactly what the table says, hatches what is
 * not known, and is the same each time. */
#include <expat.h>

#include "sensing/plot.h"
#include "sensing/test_support.h"

static void draw(struct test_run *run, const char *command, const char *name, const char *text,
                 const char *parameters, struct buffer *out)
{
    struct error err = {0};
    test_run(run, command, name, text, parameters);
    struct method_call call = {.series = run->room.series.count ? &run->room.series : NULL,
                               .places = run->room.places,
                               .venues = run->room.venues,
                               .pools = run->room.pools,
                               .line_list = &run->room.line_list,
                               .arena = &run->arena};
    buffer_init(out, 16 << 20);
    test_done_or_fail(plot_draw(method_find(command, name), &call, &run->table, out, &err), &err);
}

/* ---- Counting marks */

struct marks {
    const char *class_;
    size_t marks, rows;
};

static void on_element(void *context, const char *name, const char **attributes)
{
    struct marks *marks = context;
    bool ours = false;
    size_t rows = 1;
    (void)name;
    for (; *attributes; attributes += 2) {
        ours |= strcmp(attributes[0], "class") == 0 && strcmp(attributes[1], marks->class_) == 0;
        if (strcmp(attributes[0], "data-rows") == 0)
            rows = (size_t)atoi(attributes[1]);
    }
    marks->marks += ours;
    marks->rows += ours ? rows : 0;
}

static struct marks count_marks(const struct buffer *svg, const char *class_)
{
    struct marks marks = {.class_ = class_};
    XML_Parser parser = XML_ParserCreate("UTF-8");
    XML_SetUserData(parser, &marks);
    XML_SetElementHandler(parser, on_element, NULL);
    if (XML_Parse(parser, svg->data, (int)svg->length, 1) != XML_STATUS_OK)
        fail_msg("line %lu: %s", XML_GetCurrentLineNumber(parser),
                 XML_ErrorString(XML_GetErrorCode(parser)));
    XML_ParserFree(parser);
    return marks;
}

static void expect_marks(const struct buffer *svg, const char *class_, size_t rows)
{
    struct marks marks = count_marks(svg, class_);
    if (marks.rows != rows)
        fail_msg("%s: %zu, expected %zu", class_, marks.rows, rows);
}

/* ---- detect */

/* Eight years of weeks with dates, a season, two outbreaks and three weeks without a count. */
static char *weeks(void)
{
    struct buffer text;
    int32_t day;
    char date[TIME_TEXT_BYTES];
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "t,date,count\n");
    assert_true(time_parse_date(SLICE("2014-01-06"), &day));
    for (int t = 0; t < 416; t++) {
        double mean = 20 + 8 * sin(t * 2 * 3.14159265 / 52.18);
        bool outbreak = (t > 380 && t < 384) || (t > 400 && t < 403);
        double count = floor(mean + (t * 7919 % 13) - 6 + (outbreak ? 60 : 0));
        bool missing = t == 100 || t == 101 || t == 390;
        if (missing)
            buffer_print(&text, "%d,%s,NA\n", t + 1, time_format_date(day + 7 * t, date));
        else
            buffer_print(&text, "%d,%s,%.0f\n", t + 1, time_format_date(day + 7 * t, date), count);
    }
    return text.data;
}

static void every_alarm_has_its_mark_and_what_is_not_known_is_hatched(void **state)
{
    (void)state;
    static const char *const names[] = {"ears_c1",
                                        "ears_c2",
                                        "ears_c3",
                                        "farrington",
                                        "farrington_flexible",
                                        "cusum",
                                        "bayes",
                                        "rki",
                                        "cdc",
                                        "outbreak_p_exact",
                                        "glr_poisson",
                                        "chengmai_ensemble"};
    static const char *const parameters[] = {NULL,
                                             NULL,
                                             NULL,
                                             "{\"range\":[300,416]}",
                                             "{\"range\":[300,416]}",
                                             "{\"range\":[150,380]}",
                                             NULL,
                                             NULL,
                                             "{\"range\":[300,380]}",
                                             "{\"range\":[105,385]}",
                                             "{\"range\":[150,385]}",
                                             "{\"range\":[300,416]}"};
    char *text = weeks();
    size_t all = 0;
    for (size_t m = 0; m < ROWS(names); m++) {
        struct test_run run;
        struct buffer svg;
        struct error err = {0};
        if (!test_try(&run, "detect", names[m], text, parameters[m], &err)) {
            print_message("%s: %s\n", names[m], err.what);
            test_run_release(&run);
            continue;
        }
        test_run_release(&run);
        draw(&run, "detect", names[m], text, parameters[m], &svg);
        const double *alarm = test_column(&run, "alarm");
        const double *bound = table_values(&run.table, "upperbound");
        bool sums = strcmp(names[m], "cdc") == 0; /* of four weeks */
        size_t alarms = 0, unjudged = 0, missing = 0;
        for (size_t i = 0; i < run.table.row_count; i++) {
            alarms += alarm[i] > 0;
            bool no_count = isnan(test_column(&run, sums ? "aggr4" : "observed")[i]);
            unjudged += isnan(alarm[i]) || no_count || (bound && isnan(bound[i]));
            missing += no_count;
        }
        all += alarms;
        expect_marks(&svg, "alarm", alarms);
        expect_marks(&svg, "unjudged", unjudged);
        expect_marks(&svg, "na", missing);
        buffer_release(&svg);
        test_run_release(&run);
    }
    assert_true(all > 20);
    free(text);
}

static void a_bar_stands_for_each_count_above_zero(void **state)
{
    (void)state;
    struct test_run run;
    struct buffer svg, again;
    static const char text[] = "t,count\n1,4\n2,0\n3,NA\n4,2\n5,3\n6,5\n7,4\n8,3\n9,40\n10,NA\n";
    draw(&run, "detect", "ears_c1", text, NULL, &svg);
    test_run_release(&run);
    draw(&run, "detect", "ears_c1", text, NULL, &again);
    size_t bars = 0, missing = 0;
    for (size_t i = 0; i < run.table.row_count; i++) {
        bars += test_column(&run, "observed")[i] > 0;
        missing += isnan(test_column(&run, "observed")[i]);
    }
    expect_marks(&svg, "bar", bars);
    expect_marks(&svg, "na", missing);
    assert_true(missing > 0);
    assert_int_equal(svg.length, again.length);
    assert_memory_equal(svg.data, again.data, svg.length);
    buffer_release(&svg);
    buffer_release(&again);
    test_run_release(&run);
}

/* ---- rt, nowcast, scan */

static void r_has_its_threshold_and_windows_without_an_answer_are_hatched(void **state)
{
    (void)state;
    struct test_run run;
    struct buffer svg;
    double counts[60];
    for (size_t t = 0; t < 60; t++)
        counts[t] = floor(3 * pow(1.08, (double)t)) + (double)(t * 7 % 5);
    char *text = test_series(counts, 60);
    draw(&run, "rt", "parametric_si", text, "{\"mean_si\":8.4,\"std_si\":3.8}", &svg);
    size_t unknown = 0;
    for (size_t i = 0; i < run.table.row_count; i++)
        unknown += isnan(test_column(&run, "mean")[i]);
    assert_true(unknown > 0);
    expect_marks(&svg, "unjudged", unknown);
    expect_marks(&svg, "threshold", 1);
    expect_marks(&svg, "estimate", 1); /* one unbroken line */
    expect_marks(&svg, "band", 1);
    expect_marks(&svg, "bar", 60);
    buffer_release(&svg);
    test_run_release(&run);
    free(text);
}

static void growth_and_shares_have_their_intervals(void **state)
{
    (void)state;
    struct test_run run;
    struct buffer svg;
    double counts[40];
    for (size_t t = 0; t < 40; t++)
        counts[t] = t < 20 ? 2 + floor(1.2 * (double)t) : 26 - floor(1.2 * (double)(t - 20));
    char *text = test_series(counts, 40);
    draw(&run, "rt", "growth", text, NULL, &svg);
    expect_marks(&svg, "estimate", 1);
    expect_marks(&svg, "threshold", 1);
    expect_marks(&svg, "unjudged", 0);
    buffer_release(&svg);
    test_run_release(&run);
    free(text);
    draw(&run, "incidence", "pooled",
         "date,pool_size,pools,positive\n2022-03-13,10,300,0\n2022-03-14,10,200,4\n"
         "2022-03-15,10,0,0\n2022-03-16,10,250,3\n",
         NULL, &svg);
    expect_marks(&svg, "estimate", 3);
    expect_marks(&svg, "interval", 3);
    expect_marks(&svg, "unjudged", 1);
    buffer_release(&svg);
    test_run_release(&run);
}

static void a_nowcast_shows_what_is_reported_and_what_is_not_yet(void **state)
{
    (void)state;
    struct test_run run;
    struct buffer svg, text;
    int32_t day;
    char one[TIME_TEXT_BYTES], two[TIME_TEXT_BYTES];
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "dHosp,dReport\n");
    assert_true(time_parse_date(SLICE("2022-03-01"), &day));
    for (int t = 0; t < 40; t++)
        for (int i = 0; i < 12; i++)
            buffer_print(&text, "%s,%s\n", time_format_date(day + t, one),
                         time_format_date(day + t + i * i % 7, two));
    draw(&run, "nowcast", "lawless", text.data, "{\"now\":\"2022-04-05\",\"D\":8}", &svg);
    size_t more = 0, reported = 0;
    for (size_t i = 0; i < run.table.row_count; i++) {
        double so_far = test_column(&run, "observed_so_far")[i];
        reported += so_far > 0;
        more += test_column(&run, "nowcast_median")[i] > so_far;
    }
    assert_true(more > 0 && more < run.table.row_count);
    expect_marks(&svg, "reported", reported);
    expect_marks(&svg, "missing", more);
    expect_marks(&svg, "interval", run.table.row_count);
    buffer_release(&svg);
    buffer_release(&text);
    test_run_release(&run);
}

static void a_cluster_has_its_circle_and_names_are_escaped(void **state)
{
    (void)state;
    struct test_run run;
    struct buffer svg, text;
    int32_t day;
    char date[TIME_TEXT_BYTES];
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "place,lat,lon,date,count\n");
    assert_true(time_parse_date(SLICE("2022-03-01"), &day));
    for (int p = 0; p < 25; p++)
        for (int t = 0; t < 20; t++) {
            bool here = p % 5 < 2 && p / 5 < 2 && t > 16;
            buffer_print(&text, "\"<p&%d>\",%.3f,%.3f,%s,%d\n", p, 31.7 + p / 5 * 0.02,
                         119.9 + p % 5 * 0.02, time_format_date(day + t, date),
                         (p * 31 + t * 17) % 3 == 0 ? 1
                         : here                     ? 5
                                                    : 0);
        }
    draw(&run, "scan", "permutation", text.data, "{\"replicates\":199,\"days\":5}", &svg);
    size_t likely = 0;
    for (size_t i = 0; i < run.table.row_count; i++)
        likely += test_column(&run, "p")[i] <= 0.05;
    assert_int_equal(likely, 1);
    expect_marks(&svg, "place", 25);
    expect_marks(&svg, "cluster likely", likely);
    expect_marks(&svg, "cluster", run.table.row_count - likely);
    buffer_release(&svg);
    buffer_release(&text);
    test_run_release(&run);
}

/* ---- Refusals */

static void a_table_without_a_picture_is_refused(void **state)
{
    (void)state;
    struct test_run run;
    struct buffer out;
    struct error err;
    buffer_init(&out, 1 << 20);
    test_run(&run, "rt", "discr_si", NULL, "{\"mean_si\":[3],\"std_si\":[1]}");
    struct method_call call = {.arena = &run.arena};
    assert_false(plot_draw(method_find("rt", "discr_si"), &call, &run.table, &out, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    test_run_release(&run);
    test_run(&run, "scan", "venues", "venue,visitors,later_positive\na,10,1\nb,20,0\n", NULL);
    call = (struct method_call){.arena = &run.arena};
    assert_false(plot_draw(method_find("scan", "venues"), &call, &run.table, &out, &err));
    test_run_release(&run);
    double *counts = x_alloc(PLOT_ROWS_MAX + 20, sizeof *counts);
    char *text = test_series(counts, PLOT_ROWS_MAX + 20);
    test_run(&run, "detect", "ears_c1", text, NULL);
    call = (struct method_call){.arena = &run.arena, .series = &run.room.series};
    assert_false(plot_draw(method_find("detect", "ears_c1"), &call, &run.table, &out, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    test_run_release(&run);
    assert_int_equal(out.length, 0);
    free(counts);
    free(text);
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_alarm_has_its_mark_and_what_is_not_known_is_hatched),
        cmocka_unit_test(a_bar_stands_for_each_count_above_zero),
        cmocka_unit_test(r_has_its_threshold_and_windows_without_an_answer_are_hatched),
        cmocka_unit_test(growth_and_shares_have_their_intervals),
        cmocka_unit_test(a_nowcast_shows_what_is_reported_and_what_is_not_yet),
        cmocka_unit_test(a_cluster_has_its_circle_and_names_are_escaped),
        cmocka_unit_test(a_table_without_a_picture_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
