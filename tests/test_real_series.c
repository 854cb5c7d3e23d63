/* Series of real epidemics through the real desk and estimators. England's triage calls of 2020
 * (NHS 111, 999 and online; a row has a date, an area, a count) stand in for a city's calls about
 * illness, a region a district: the rise of September must be on the desk early and everywhere,
 * the quiet summer before it must leave the desk empty. Jiangsu's cases of January and February
 * 2020 must add up to what was published, and their R(t) must fall below 1 when it did. The
 * figures of Changzhou's press conferences of March 2022 have holes: a day without one stays
 * missing. The files lie outside the source tree; a test whose file is absent is skipped. */
#include "server/test_alert_support.h"

#define FILES CHENGMAI_SOURCE_ROOT "/../shared/data/"
static const char calls_file[] = FILES "linelists/covid19_england_nhscalls_2020.csv.gz";
static const char jiangsu_file[] =
    FILES "cases/jiangsu_shanghai_city_daily_new_2020w1_cheongsa.csv";
static const char changzhou_file[] = FILES "cases/changzhou_2022_march_press_conferences.csv";

enum { REGIONS = 7, CALL_DAYS = 187 };

static const char *const regions[REGIONS] = {
    "London",     "South East", "South West", "East of England",
    "Midlands",   "North West", "North East and Yorkshire"};
static const char *const districts[REGIONS] = {"320402", "320404", "320411", "320412",
                                               "320413", "320471", "320481"};

static void need(const char *file)
{
    if (access(file, R_OK) == 0)
        return;
    print_message("skipped: %s is not here\n", file);
    skip();
}

/* ---- Reading: each row of a file to `take`, by the names of its columns */

typedef void row_taker(void *context, const struct slice *values);

static void each_row(const char *file, const char *const *columns, size_t count, row_taker *take,
                     void *context)
{
    struct csv_reader *reader;
    const struct csv_row *row;
    struct error err;
    int at[8], fd = open(file, O_RDONLY | O_CLOEXEC);
    struct slice values[8];
    assert_true(fd >= 0 && count <= 8);
    test_fail_on(csv_reader_open(fd, file, &reader, &err), &err);
    for (size_t i = 0; i < count; i++) {
        at[i] = csv_reader_column(reader, columns[i]);
        assert_true(at[i] >= 0);
    }
    for (;;) {
        test_fail_on(csv_reader_next(reader, &row, &err), &err);
        if (!row)
            break;
        assert_true(row->count > 0);
        for (size_t i = 0; i < count; i++)
            values[i] = row->fields[at[i]];
        take(context, values);
    }
    csv_reader_free(reader);
}

static int32_t day_in(struct slice text)
{
    int32_t day;
    assert_true(time_parse_date(text, &day));
    return day;
}

static int64_t number_in(struct slice text)
{
    int64_t number;
    assert_true(slice_to_int64(text, 0, INT64_MAX, &number));
    return number;
}

/* ---- England's calls */

struct calls {
    int32_t first;
    int64_t rows, elsewhere, counts[REGIONS][CALL_DAYS];
};

static void take_call(void *context, const struct slice *values)
{
    struct calls *calls = context;
    int32_t day = day_in(values[0]) - calls->first;
    calls->rows++;
    assert_true(day >= 0 && day < CALL_DAYS);
    for (int i = 0; i < REGIONS; i++)
        if (slice_equal(values[1], slice_of(regions[i]))) {
            calls->counts[i][day] += number_in(values[2]);
            return;
        }
    calls->elsewhere++; /* a general practice outside of every region */
}

/* A hundredth of the calls: a district of the city has a hundredth of a region's people. */
static void send_calls(struct loopback *loop, const struct calls *calls)
{
    struct buffer body;
    char date[TIME_TEXT_BYTES], token[80];
    buffer_init(&body, 1 << 20);
    for (int i = 0; i < REGIONS; i++)
        for (int day = 0; day < CALL_DAYS; day++)
            buffer_print(&body,
                         "{\"channel\":\"calls_12345\",\"area\":\"%s\",\"date\":\"%s\","
                         "\"count\":%lld}\n",
                         districts[i], time_format_date(calls->first + day, date),
                         (long long)(calls->counts[i][day] + 50) / 100);
    struct call call = {.method = HTTP_POST,
                        .path = "/api/v1/series:batch",
                        .body = body.data,
                        .authorization = loopback_user(loop, "cdc_lead", token)};
    struct answer answer = loopback_call(loop, &call);
    if (answer.status != 200)
        fail_msg("%d %.400s", answer.status, answer.response.body.data);
    assert_null(strstr(answer.response.body.data, "reason"));
    answer_release(&answer);
    buffer_release(&body);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM series_point"),
                     REGIONS * CALL_DAYS);
}

/* Nights of [first, last]; how many signal alerts they raised. */
static int64_t nights(struct loopback *loop, int32_t first, int32_t last)
{
    struct alerts_report report;
    struct error err;
    int64_t raised = 0;
    for (int32_t day = first; day <= last; day++) {
        test_fail_on(alerts_run(loop->platform->alerts, day, &report, &err), &err);
        raised += report.raised;
    }
    return raised;
}

static void the_rise_of_september_is_seen_and_the_summer_is_quiet(void **state)
{
    static const char *const columns[] = {"date", "nhs_region", "count"};
    struct loopback *loop = *state;
    need(calls_file);
    struct calls *calls = x_alloc(1, sizeof *calls);
    calls->first = day_in(SLICE("2020-03-18"));
    each_row(calls_file, columns, 3, take_call, calls);
    assert_int_equal(calls->rows, 253670);
    send_calls(loop, calls);
    free(calls);
    assert_int_equal(nights(loop, day_in(SLICE("2020-06-01")), day_in(SLICE("2020-08-29"))), 0);
    /* Monday the 7th had 17 051 calls in all regions, the Monday before it 6 728 */
    assert_int_equal(nights(loop, day_in(SLICE("2020-08-30")), day_in(SLICE("2020-09-07"))), 0);
    assert_true(nights(loop, day_in(SLICE("2020-09-08")), day_in(SLICE("2020-09-09"))) >= 3);
    (void)nights(loop, day_in(SLICE("2020-09-10")), day_in(SLICE("2020-09-16")));
    assert_int_equal(loopback_number(loop, "SELECT count(DISTINCT area_no) FROM alert"), REGIONS);
}

/* ---- Jiangsu */

struct cases {
    int32_t first;
    int64_t counts[64], all, changzhou;
};

static void take_case(void *context, const struct slice *values)
{
    struct cases *cases = context;
    int32_t day = day_in(values[0]) - cases->first;
    int64_t count = number_in(values[3]);
    assert_true(day >= 0 && day < 64);
    if (!slice_equal(values[1], SLICE("江苏省")))
        return;
    cases->counts[day] += count;
    cases->all += count;
    cases->changzhou += slice_equal(values[2], SLICE("Changzhou")) ? count : 0;
}

/* Windows of seven days, of which `below` ends earliest with its mean, and `surely` with its whole
 * interval, below 1. Column 1: last row of the window; 2: mean; 10: 0.975 quantile. */
static void first_below_one(const char *file, int *ret_below, int *ret_surely)
{
    char line[1000], command[400];
    const char *binary = getenv("CHENGMAI_BINARY");
    assert_non_null(binary);
    /* mean and deviation of the serial interval: Nishiura et al. 2020 */
    snprintf(command, sizeof command,
             "%s rt parametric_si %s --params '{\"mean_si\":4.7,\"std_si\":2.9}'", binary, file);
    FILE *answer = popen(command, "r");
    assert_non_null(answer);
    *ret_below = *ret_surely = 0;
    assert_non_null(fgets(line, sizeof line, answer));
    assert_true(strncmp(line, "t_start,t_end,mean,", 19) == 0);
    while (fgets(line, sizeof line, answer)) {
        int end = 0;
        double mean = 0, high = 0;
        assert_int_equal(sscanf(line, "%*d,%d,%lf,%*f,%*f,%*f,%*f,%*f,%*f,%*f,%lf", &end, &mean,
                                &high),
                         3);
        *ret_below = *ret_below ? *ret_below : mean < 1 ? end : 0;
        *ret_surely = *ret_surely ? *ret_surely : high < 1 ? end : 0;
    }
    assert_int_equal(pclose(answer), 0);
}

static void jiangsus_epidemic_of_2020_adds_up_and_turns_in_february(void **state)
{
    static const char *const columns[] = {"date", "province", "city_en", "confirmed_new"};
    struct loopback *loop = *state;
    struct cases cases = {.first = day_in(SLICE("2020-01-20"))};
    char file[120], date[TIME_TEXT_BYTES];
    int below, surely;
    need(jiangsu_file);
    each_row(jiangsu_file, columns, 4, take_case, &cases);
    assert_int_equal(cases.all, 631); /* as published; and of them */
    assert_int_equal(cases.changzhou, 51);
    snprintf(file, sizeof file, "%s/jiangsu.csv", loop->directory);
    FILE *series = fopen(file, "w");
    assert_non_null(series);
    fprintf(series, "t,date,count\n");
    for (int day = 2; day <= 37; day++) /* from 22 January, when every city reports */
        fprintf(series, "%d,%s,%lld\n", day - 1, time_format_date(cases.first + day, date),
                (long long)cases.counts[day]);
    fclose(series);
    first_below_one(file, &below, &surely);
    print_message("R(t) below 1 from %s", time_format_date(cases.first + 1 + below, date));
    print_message(", surely from %s\n", time_format_date(cases.first + 1 + surely, date));
    /* 31 January had the most cases of a day but two; the last days of the file have none */
    assert_true(cases.first + 1 + below >= day_in(SLICE("2020-02-03")));
    assert_true(cases.first + 1 + surely <= day_in(SLICE("2020-02-17")));
    assert_true(below < surely);
}

/* ---- Changzhou */

struct conferences {
    struct buffer body;
    int64_t with_figure;
    int32_t last_day;
};

static void take_conference(void *context, const struct slice *values)
{
    struct conferences *told = context;
    struct slice day = {values[0].data, 10};
    if (day_in(day) < day_in(SLICE("2022-03-01")) || values[1].length == 0)
        return;
    told->with_figure++;
    told->last_day = day_in(day);
    buffer_print(&told->body,
                 "{\"channel\":\"symptom_reports\",\"area\":\"320400\",\"date\":\"%.10s\","
                 "\"count\":%lld}\n",
                 day.data, (long long)number_in(values[1]));
}

static void days_that_no_conference_told_stay_missing(void **state)
{
    static const char *const columns[] = {"as_of", "new_positive"};
    struct loopback *loop = *state;
    struct conferences told = {.with_figure = 0};
    struct alerts_report report;
    struct error err;
    char token[80];
    need(changzhou_file);
    buffer_init(&told.body, 1 << 16);
    each_row(changzhou_file, columns, 2, take_conference, &told);
    assert_true(told.with_figure > 3);
    struct call call = {.method = HTTP_POST,
                        .path = "/api/v1/series:batch",
                        .body = told.body.data,
                        .authorization = loopback_user(loop, "cdc_lead", token)};
    struct answer answer = loopback_call(loop, &call);
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM series_point"), told.with_figure);
    assert_true(told.last_day - day_in(SLICE("2022-03-12")) + 1 > told.with_figure);
    test_fail_on(alerts_run(loop->platform->alerts, told.last_day + 1, &report, &err), &err);
    assert_int_equal(report.series, 1);
    assert_int_equal(report.judged, 0); /* too little of it is known */
    buffer_release(&told.body);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        ALERT_TEST(the_rise_of_september_is_seen_and_the_summer_is_quiet),
        ALERT_TEST(jiangsus_epidemic_of_2020_adds_up_and_turns_in_february),
        ALERT_TEST(days_that_no_conference_told_stay_missing),
    };
    return LOOPBACK_RUN(tests);
}
