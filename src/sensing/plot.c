/* What is drawn of each method's table. */
#include "sensing/plot_frame.h"

static const char grey[] = "#a9b4c0", dark[] = "#5f7387", green[] = "#2f7d4f",
                  green_light[] = "#d5eadc", red[] = "#b3261e", blue[] = "#1f5fa8",
                  blue_light[] = "#cfe0f3";

#define SWATCH(fill) "<rect width=\"14\" height=\"10\" fill=\"" fill "\"/>"
#define SWATCH_LINE(stroke)                                                                        \
    "<line x2=\"14\" y1=\"5\" y2=\"5\" stroke=\"" stroke "\" stroke-width=\"1.8\"/>"
#define SWATCH_ALARM "<path d=\"M2 10h10l-5 -9z\" fill=\"#b3261e\"/>"
#define SWATCH_INTERVAL "<path d=\"M7 0v10M3 0h8M3 10h8\" stroke=\"#1c2530\"/>"
#define SWATCH_UNKNOWN SWATCH("url(#hatch)")

static double *ascending(struct arena *arena, size_t count)
{
    double *rows = arena_alloc(arena, (count + 1) * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = (double)i;
    return rows;
}

/* The greatest known and finite value, or `least`. */
static double greatest(const double *values, size_t count, double least)
{
    for (size_t i = 0; values && i < count; i++)
        if (isfinite(values[i]) && values[i] > least)
            least = values[i];
    return least;
}

/* True where a row has no value; *ret_sum of them. */
static bool *unknown_of(struct arena *arena, const double *values, size_t count, size_t *ret_sum)
{
    bool *unknown = arena_alloc(arena, (count + 1) * sizeof *unknown);
    *ret_sum = 0;
    for (size_t i = 0; i < count; i++)
        *ret_sum += unknown[i] = isnan(values[i]);
    return unknown;
}

static const char *name_of_row(struct arena *arena, const double *days, double number, double row)
{
    char date[TIME_TEXT_BYTES];
    return days ? arena_print(arena, "%s", time_format_date((int32_t)days[(size_t)row], date))
                : arena_print(arena, "%.10g", number);
}

/* ---- detect */

struct detected {
    const double *t, *days, *counts, *alarm, *bound, *expected;
    bool sums; /* counts are sums of four rows */
};

static struct detected detected_of(const struct table *table)
{
    static const char *const expected[] = {"expected", "predictive_median", "mu0", NULL};
    struct detected found = {
        .t = table_values(table, "t"),
        .days = table_values(table, "date"),
        .counts = table_values(table, "aggr4"), /* what cdc compares with its bound */
        .alarm = table_values(table, "alarm"),
        .bound = table_values(table, "upperbound")}; /* of a statistic it has another name */
    found.sums = found.counts != NULL;
    if (!found.counts)
        found.counts = table_values(table, "observed");
    for (size_t i = 0; !found.expected && expected[i]; i++)
        found.expected = table_values(table, expected[i]);
    return found;
}

/* Rows without an answer: nor is a row judged that has no count, or no bound where the method
 * has bounds. */
static bool *unjudged_rows(const struct detected *found, size_t rows, struct arena *arena)
{
    bool *unknown = arena_alloc(arena, (rows + 1) * sizeof *unknown);
    for (size_t i = 0; i < rows; i++)
        unknown[i] = isnan(found->alarm[i]) || isnan(found->counts[i]) ||
                     (found->bound && isnan(found->bound[i]));
    return unknown;
}

static void detect_title(const struct method *method, const struct detected *found, size_t rows,
                         const bool *unknown, struct arena *arena, const char **ret_zh,
                         const char **ret_en)
{
    size_t alarms = 0, unjudged = 0, last = 0;
    for (size_t i = 0; i < rows; i++) {
        unjudged += unknown[i];
        if (found->alarm[i] > 0) {
            alarms++;
            last = i;
        }
    }
    const char *at = alarms ? name_of_row(arena, found->days, found->t[last], (double)last) : "";
    *ret_zh = arena_print(arena, "%s：%zu 期中 %zu 期报警%s%s，%zu 期无法判断", method->name, rows,
                          alarms, alarms ? "，最近一次 " : "", at, unjudged);
    *ret_en = arena_print(arena, "%s alarms in %zu of %zu rows%s%s; %zu cannot be judged",
                          method->name, alarms, rows, alarms ? ", last at " : "", at, unjudged);
}

static void draw_alarm(struct plot *plot, double row, double value)
{
    double x = plot_x(plot, row), y = plot_y(plot, value) - 3;
    buffer_print(plot->out, "<path class=\"alarm\" d=\"M%.1f %.1fh10l-5 -9z\" fill=\"%s\"/>\n",
                 x - 5, y, red);
}

static void draw_detect(const struct method *method, const struct method_call *call,
                        const struct table *table, struct buffer *out)
{
    struct detected found = detected_of(table);
    size_t rows = table->row_count, missing;
    const double *at = ascending(call->arena, rows);
    const char *zh, *en;
    struct plot plot;
    const bool *no_answer = unjudged_rows(&found, rows, call->arena);
    detect_title(method, &found, rows, no_answer, call->arena, &zh, &en);
    plot_begin(&plot, out, zh, en);
    double counts = greatest(found.counts, rows, 1);
    double bound = greatest(found.bound, rows, 0), expected = greatest(found.expected, rows, 0);
    /* a bound far above every count would press the counts flat: it leaves the picture above */
    double high = fmax(counts, fmin(fmax(bound, expected), 2 * counts));
    plot.axes = plot_axes(96, 408, rows, 0, high * 1.04);
    bool *no_count = unknown_of(call->arena, found.counts, rows, &missing);
    double *zero = arena_alloc(call->arena, (rows + 1) * sizeof *zero);
    if (found.bound)
        plot_band(&plot, "band", green_light, at, zero, found.bound, rows);
    plot_values(&plot, found.sums ? "四期合计 · sum of four rows" : "病例 · cases");
    plot_hatch(&plot, "na", at, no_count, rows, plot.axes.top, plot.axes.bottom);
    for (size_t i = 0; i < rows; i++)
        if (!no_count[i])
            plot_bar(&plot, "bar", grey, at[i], rows > 400 ? 1 : 0.8, 0, found.counts[i]);
    if (found.expected)
        plot_line(&plot, "expected", green, at, found.expected, rows);
    for (size_t i = 0; i < rows; i++)
        if (found.alarm[i] > 0)
            draw_alarm(&plot, at[i], found.counts[i]);
    plot_hatch(&plot, "unjudged", at, no_answer, rows, plot.axes.bottom + 1, plot.axes.bottom + 6);
    plot_rows(&plot, found.days, found.t);
    plot_legend(&plot, SWATCH("#a9b4c0"), "观察 observed");
    if (found.bound)
        plot_legend(&plot, SWATCH("#d5eadc"), "不报警 up to the bound");
    if (found.expected)
        plot_legend(&plot, SWATCH_LINE("#2f7d4f"), "预期 expected");
    plot_legend(&plot, SWATCH_ALARM, "报警 alarm");
    if (memchr(no_answer, true, rows))
        plot_legend(&plot, SWATCH_UNKNOWN, "未知 not known");
    plot_end(&plot);
}

/* ---- rt: a course with its interval and what it is to be compared with, above the cases */

static const struct course {
    const char *mean, *low, *high; /* columns */
    double threshold;
    const char *zh, *en, *words, *mean_words, *threshold_words;
} courses[] = {
    {"mean", "q025", "q975", 1, "再生数 R(t)", "R(t)", "再生数 · R(t)",
     "R(t)，记在时段末 at the window's end", "R = 1"},
    {"mean", "q025_mc", "q975_mc", 1, "病例再生数", "The case reproduction number", "再生数 · R(t)",
     "R(t)，记在时段末 at the window's end", "R = 1"},
    {"growth", "growth_low", "growth_high", 0, "每日增长率", "Growth a day",
     "每日增长率 · growth a day", "增长率，记在时段末 at the window's end", "0"},
};

struct estimated {
    const struct course *course;
    const double *end, *mean, *low, *high;
};

static bool estimated_of(const struct table *table, struct estimated *found)
{
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
        *found = (struct estimated){
            &courses[i], table_values(table, "t_end"), table_values(table, courses[i].mean),
            table_values(table, courses[i].low), table_values(table, courses[i].high)};
        if (found->end && found->mean && found->low && found->high)
            return true;
    }
    return false;
}

static void rt_title(const struct estimated *found, size_t rows, const double *days,
                     struct arena *arena, const char **ret_zh, const char **ret_en)
{
    const struct course *course = found->course;
    size_t last = rows;
    while (last > 0 && isnan(found->mean[last - 1]))
        last--;
    if (!last) {
        *ret_zh = arena_print(arena, "%s：没有一个时段可以估计", course->zh);
        *ret_en = arena_print(arena, "%s cannot be estimated for any window", course->en);
        return;
    }
    size_t i = last - 1;
    const char *at = name_of_row(arena, days, found->end[i], found->end[i] - 1);
    *ret_zh = arena_print(arena, "%s：截至 %s 的时段为 %.2f（95%% 区间 %.2f 至 %.2f）", course->zh,
                          at, found->mean[i], found->low[i], found->high[i]);
    *ret_en =
        arena_print(arena, "%s is %.2f (95 %% interval %.2f to %.2f) in the window that ends at %s",
                    course->en, found->mean[i], found->low[i], found->high[i], at);
}

static const double *days_of(const struct series *series, struct arena *arena)
{
    double *days = series->days ? arena_alloc(arena, (series->count + 1) * sizeof *days) : NULL;
    for (size_t i = 0; days && i < series->count; i++)
        days[i] = series->days[i];
    return days;
}

/* The upper picture; a wide interval of a few cases leaves it rather than press the rest flat. */
static size_t draw_course(struct plot *plot, const struct method_call *call,
                          const struct estimated *found, size_t rows)
{
    double threshold = found->course->threshold, low = threshold, high = threshold + 0.2;
    double *at = arena_alloc(call->arena, (rows + 1) * sizeof *at);
    double most = greatest(found->mean, rows, high), unit = fmax(0.2, most - threshold);
    size_t unjudged;
    for (size_t i = 0; i < rows; i++) {
        at[i] = found->end[i] - 1;
        if (isfinite(found->high[i]))
            high = fmax(high, fmin(found->high[i], threshold + 2 * unit));
        if (isfinite(found->low[i]))
            low = fmin(low, fmax(found->low[i], threshold - 2 * unit));
    }
    bool *no_answer = unknown_of(call->arena, found->mean, rows, &unjudged);
    plot->axes = plot_axes(96, 292, call->series->count, threshold > 0 ? 0 : low, high);
    plot_values(plot, found->course->words);
    plot_hatch(plot, "unjudged", at, no_answer, rows, plot->axes.top, plot->axes.bottom);
    plot_band(plot, "band", blue_light, at, found->low, found->high, rows);
    plot_threshold(plot, threshold);
    plot_line(plot, "estimate", blue, at, found->mean, rows);
    return unjudged;
}

static bool draw_rt(const struct method_call *call, const struct table *table, struct buffer *out,
                    struct error *err)
{
    struct estimated found;
    struct plot plot;
    const char *zh, *en;
    if (!call->series || !estimated_of(table, &found))
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--plot"},
                         "a method that estimates R(t) or growth", "this table has no picture");
    const double *days = days_of(call->series, call->arena);
    rt_title(&found, table->row_count, days, call->arena, &zh, &en);
    plot_begin(&plot, out, zh, en);
    size_t unjudged = draw_course(&plot, call, &found, table->row_count);
    plot.axes = plot_axes(324, 408, call->series->count, 0,
                          greatest(call->series->observed, call->series->count, 1));
    plot_values(&plot, "病例 · cases");
    for (size_t i = 0; i < call->series->count; i++)
        if (!isnan(call->series->observed[i]))
            plot_bar(&plot, "bar", grey, (double)i, 0.8, 0, call->series->observed[i]);
    plot_rows(&plot, days, NULL);
    plot_legend(&plot, SWATCH_LINE("#1f5fa8"), found.course->mean_words);
    plot_legend(&plot, SWATCH("#cfe0f3"), "95% 区间 interval");
    plot_legend(&plot, SWATCH_LINE("#1c2530"), found.course->threshold_words);
    plot_legend(&plot, SWATCH("#a9b4c0"), "病例 cases");
    if (unjudged)
        plot_legend(&plot, SWATCH_UNKNOWN, "无法估计 not known");
    plot_end(&plot);
    return true;
}

/* ---- nowcast */

static bool draw_nowcast(const struct method_call *call, const struct table *table,
                         struct buffer *out, struct error *err)
{
    const double *days = table_values(table, "date"), *high = table_values(table, "pi_hi");
    const double *reported = table_values(table, "observed_so_far");
    const double *median = table_values(table, "nowcast_median");
    const double *low = table_values(table, "pi_lo");
    size_t rows = table->row_count, unjudged;
    struct plot plot;
    char day[TIME_TEXT_BYTES];
    if (!rows || !days || !reported || !median || !low || !high)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--plot"},
                         "the table of nowcasts", "this table has no picture");
    size_t last = rows - 1;
    time_format_date((int32_t)days[last], day);
    const double *at = ascending(call->arena, rows);
    plot_begin(&plot, out,
               arena_print(call->arena,
                           "%s 当天的病例：已报告 %.0f，预计最终 %.0f（区间 %.0f–%.0f）", day,
                           reported[last], median[last], low[last], high[last]),
               arena_print(call->arena,
                           "Of the cases of %s %.0f are reported; %.0f are expected in the end "
                           "(interval %.0f to %.0f)",
                           day, reported[last], median[last], low[last], high[last]));
    bool *no_answer = unknown_of(call->arena, high, rows, &unjudged);
    double most = greatest(median, rows, greatest(reported, rows, 1));
    plot.axes = plot_axes(96, 408, rows, 0, fmin(greatest(high, rows, most), 4 * most));
    plot_values(&plot, "病例 · cases");
    plot_hatch(&plot, "unjudged", at, no_answer, rows, plot.axes.top, plot.axes.bottom);
    for (size_t i = 0; i < rows; i++) {
        plot_bar(&plot, "reported", dark, at[i], 0.7, 0, reported[i]);
        if (!isnan(median[i]))
            plot_bar(&plot, "missing", blue_light, at[i], 0.7, reported[i], median[i]);
        if (!no_answer[i] && !isnan(low[i]))
            plot_interval(&plot, at[i], low[i], high[i]);
    }
    plot_rows(&plot, days, NULL);
    plot_legend(&plot, SWATCH("#5f7387"), "已报告 reported");
    plot_legend(&plot, SWATCH("#cfe0f3"), "预计未报告 not reported yet, median");
    plot_legend(&plot, SWATCH_INTERVAL, "区间 interval");
    if (unjudged)
        plot_legend(&plot, SWATCH_UNKNOWN, "无法估计 not known");
    plot_end(&plot);
    return true;
}

/* ---- incidence */

static bool draw_incidence(const struct method_call *call, const struct table *table,
                           struct buffer *out, struct error *err)
{
    const double *days = table_values(table, "date"), *t = table_values(table, "t");
    const double *share = table_values(table, "share"), *low = table_values(table, "low");
    const double *high = table_values(table, "high");
    size_t rows = table->row_count, unjudged;
    struct plot plot;
    if (!rows || !share || !low || !high)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--plot"},
                         "a table with rows", "this table has no picture");
    size_t last = rows - 1;
    const double *at = ascending(call->arena, rows);
    const char *name = name_of_row(call->arena, days, t ? t[last] : 0, (double)last);
    plot_begin(&plot, out,
               arena_print(call->arena, "每十万人阳性：%s 为 %.3g（区间 %.3g 至 %.3g）", name,
                           1e5 * share[last], 1e5 * low[last], 1e5 * high[last]),
               arena_print(call->arena, "Positive of 100 000 at %s: %.3g (interval %.3g to %.3g)",
                           name, 1e5 * share[last], 1e5 * low[last], 1e5 * high[last]));
    bool *no_answer = unknown_of(call->arena, share, rows, &unjudged);
    double most = greatest(share, rows, 0);
    most = most > 0 ? fmin(greatest(high, rows, most), 4 * most) : greatest(high, rows, 1e-9);
    plot.axes = plot_axes(96, 408, rows, 0, 1e5 * most);
    plot_values(&plot, "每十万人 · of 100 000");
    plot_hatch(&plot, "unjudged", at, no_answer, rows, plot.axes.top, plot.axes.bottom);
    for (size_t i = 0; i < rows; i++) {
        if (no_answer[i])
            continue;
        plot_interval(&plot, at[i], 1e5 * low[i], 1e5 * high[i]);
        buffer_print(out,
                     "<circle class=\"estimate\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n",
                     plot_x(&plot, at[i]), plot_y(&plot, 1e5 * share[i]), blue);
    }
    plot_rows(&plot, days, t);
    plot_legend(&plot, "<circle cx=\"7\" cy=\"5\" r=\"4\" fill=\"#1f5fa8\"/>", "估计 estimate");
    plot_legend(&plot, SWATCH_INTERVAL, "区间 interval");
    if (unjudged)
        plot_legend(&plot, SWATCH_UNKNOWN, "未检测 not tested");
    plot_end(&plot);
    return true;
}

/* ---- The table's kind */

bool plot_draw(const struct method *method, const struct method_call *call,
               const struct table *table, struct buffer *out, struct error *err)
{
    size_t rows = call->series ? call->series->count : table->row_count;
    if (call->series && strcmp(method->command, "detect") == 0)
        rows = table->row_count;
    if (rows > PLOT_ROWS_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "--plot"},
                         "at most 4000 rows (parameter range)", "%zu rows are too many to be seen",
                         rows);
    if (strcmp(method->command, "detect") == 0 && table->row_count) {
        draw_detect(method, call, table, out);
        return true;
    }
    if (strcmp(method->command, "rt") == 0)
        return draw_rt(call, table, out, err);
    if (strcmp(method->command, "nowcast") == 0)
        return draw_nowcast(call, table, out, err);
    if (strcmp(method->command, "incidence") == 0)
        return draw_incidence(call, table, out, err);
    return plot_scan(call, table, out, err);
}
