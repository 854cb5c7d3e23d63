/* The counters as they were known at full hours.
 *
 *   refresh at 14:59:59 ──► counter ──┐ kept as hour 15 by the first refresh after it, in the job
 *   refresh at 15:00:00 ──► counter   ◄┘ that changes them: what GET /situation said until then
 *
 * A row of counter_past holds all counters of one day and is written only where they differ from
 * the row before; day 0 (what is of now) is written at each hour, and so says which were kept.
 * Where nobody served, the last thing known is kept as the first full hour after it, and nothing
 * until the next refresh: who asks for an hour in between is given that, with its time. */
#include <stdlib.h>

#include "command/command_internal.h"

static const struct sql_text past_latest = {
    "counter_past_latest",
    "SELECT hour, figures FROM counter_past WHERE day = ?1 AND hour <= ?2"
    " ORDER BY hour DESC LIMIT 1",
    "primary key"};
static const struct sql_text past_put = {
    "counter_past_put",
    "INSERT INTO counter_past (day, hour, figures) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (day, hour) DO UPDATE SET figures = excluded.figures",
    "primary key"};
static const struct sql_text past_between = {
    "counter_past_hours",
    "SELECT hour FROM counter_past WHERE day = 0 AND hour BETWEEN ?1 AND ?2 ORDER BY hour",
    "primary key"};
static const struct sql_text past_prune_hours = {
    "counter_past_prune_hours", "DELETE FROM counter_past WHERE day = 0 AND hour < ?1",
    "primary key"};
static const struct sql_text past_prune_days = {
    "counter_past_prune_days", "DELETE FROM counter_past WHERE day BETWEEN 1 AND ?1",
    "primary key"};

const struct sql_list past_statements =
    SQL_LIST(&past_latest, &past_put, &past_between, &past_prune_hours, &past_prune_days);

enum { FIGURES_BYTES_MAX = 4 << 20 };

/* ---- A day's counters as JSON: {"areas":[…],"counters":{NAME:{"mark":[value,time],"values":[…]}}}
 * with a value an area. What is 0 in an area has no row, and so is not told apart from none. */

static int by_day_and_area(const void *a, const void *b)
{
    const struct counter_row *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->area_no > y->area_no) - (x->area_no < y->area_no);
}

static bool has_value(const struct counter_row *row)
{
    return row->area_no > 0 && row->value != 0;
}

/* The areas of rows in the order of areas, each once; the count. */
static size_t put_areas(struct json_writer *writer, const struct counter_row *rows, size_t count)
{
    size_t areas = 0;
    int64_t last = 0;
    json_key(writer, "areas");
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++)
        if (has_value(&rows[i]) && rows[i].area_no != last) {
            last = rows[i].area_no;
            json_put_int64(writer, last);
            areas++;
        }
    json_array_end(writer);
    return areas;
}

static void put_values(struct json_writer *writer, const struct counter_row *rows, size_t count,
                       enum counter counter)
{
    json_key(writer, "values");
    json_array_begin(writer);
    for (size_t i = 0; i < count;) {
        int64_t area_no = rows[i].area_no, value = 0;
        bool any = false;
        for (; i < count && rows[i].area_no == area_no; i++) {
            any |= has_value(&rows[i]);
            if (rows[i].counter == counter && has_value(&rows[i]))
                value = rows[i].value;
        }
        if (any)
            json_put_int64(writer, value);
    }
    json_array_end(writer);
}

static void put_counter(struct json_writer *writer, const struct counter_row *rows, size_t count,
                        enum counter counter)
{
    const struct counter_row *mark = NULL;
    bool any = false;
    for (size_t i = 0; i < count; i++)
        if (rows[i].counter == counter) {
            mark = rows[i].area_no == 0 ? &rows[i] : mark;
            any |= has_value(&rows[i]);
        }
    if (!mark && !any)
        return;
    json_key(writer, counter_name(counter));
    json_object_begin(writer);
    if (mark) {
        json_key(writer, "mark");
        json_array_begin(writer);
        json_put_int64(writer, mark->value);
        json_put_int64(writer, mark->true_for);
        json_array_end(writer);
    }
    if (any)
        put_values(writer, rows, count, counter);
    json_object_end(writer);
}

/* Of the rows of one day, by area. */
static void put_figures(struct buffer *out, const struct counter_row *rows, size_t count)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    put_areas(&writer, rows, count);
    json_key(&writer, "counters");
    json_object_begin(&writer);
    for (int counter = 0; counter < COUNTER_COUNT; counter++)
        put_counter(&writer, rows, count, (enum counter)counter);
    json_object_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
}

static bool damaged(int32_t day, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "counter_past", .row = day},
                     "what this program wrote", "the figures of a day cannot be read");
}

static void take_counter(int32_t day, enum counter counter, json_t *areas, json_t *told,
                         void (*take)(void *context, const struct counter_row *row), void *context)
{
    json_t *mark = json_object_get(told, "mark"), *values = json_object_get(told, "values");
    struct counter_row row = {.day = day, .counter = counter};
    if (json_array_size(mark) == 2) {
        row.value = json_integer_value(json_array_get(mark, 0));
        row.true_for = json_integer_value(json_array_get(mark, 1));
        take(context, &row);
        row.true_for = 0;
    }
    for (size_t i = 0; i < json_array_size(values); i++) {
        row.area_no = json_integer_value(json_array_get(areas, i));
        row.value = json_integer_value(json_array_get(values, i));
        if (row.value)
            take(context, &row);
    }
}

static bool take_figures(int32_t day, struct slice text,
                         void (*take)(void *context, const struct counter_row *row), void *context,
                         struct error *err)
{
    json_t *document, *told;
    const char *name;
    if (!json_read(text, "counter_past", &document, err))
        return false;
    json_t *areas = json_object_get(document, "areas");
    bool whole = json_is_array(areas);
    json_object_foreach (json_object_get(document, "counters"), name, told) {
        int counter = counter_of(slice_of(name));
        size_t values = json_array_size(json_object_get(told, "values"));
        whole = whole && (!values || values == json_array_size(areas));
        if (whole && counter >= 0) /* others are of a later version */
            take_counter(day, (enum counter)counter, areas, told, take, context);
    }
    json_decref(document);
    return whole || damaged(day, err);
}

/* ---- Writing */

/* Whether the latest row of the day at or before the hour says the same; a day of which nothing was
 * ever kept says the same as one without counters. */
static bool is_same(struct sql *sql, int32_t day, int64_t hour, const struct buffer *figures,
                    bool is_empty, bool *ret_same, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &past_latest, SQL_ARGUMENTS(sql_int(day), sql_int(hour)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    *ret_same = row ? slice_equal(sql_get_text(query, 1), buffer_slice(figures)) : is_empty;
    if (row)
        sql_end(query);
    return true;
}

static bool write_day(struct sql *sql, int64_t hour, int32_t day, const struct counter_row *rows,
                      size_t count, struct buffer *figures, struct error *err)
{
    bool same = false;
    buffer_clear(figures);
    put_figures(figures, rows, count);
    if (day && !is_same(sql, day, hour, figures, count == 0, &same, err))
        return false;
    return same ||
           sql_run(sql, &past_put,
                   SQL_ARGUMENTS(sql_int(day), sql_int(hour), sql_text(buffer_slice(figures))),
                   err);
}

bool past_write(struct sql *sql, int64_t hour, int32_t first, int32_t last,
                struct counter_row *rows, size_t count, struct error *err)
{
    struct buffer figures;
    buffer_init(&figures, FIGURES_BYTES_MAX);
    qsort(rows, count, sizeof *rows, by_day_and_area);
    bool done = true;
    size_t at = 0;
    for (int32_t day = 0; done && day <= last; day = day ? day + 1 : first) {
        while (at < count && rows[at].day < day)
            at++;
        size_t begin = at;
        while (at < count && rows[at].day == day)
            at++;
        done = write_day(sql, hour, day, rows + begin, at - begin, &figures, err);
    }
    buffer_release(&figures);
    return done;
}

struct gathered {
    struct counter_row *rows; /* malloc */
    size_t count, capacity;
};

static void gather(void *context, const struct counter_row *row)
{
    struct gathered *gathered = context;
    if (gathered->count == gathered->capacity) {
        gathered->capacity = gathered->capacity ? gathered->capacity * 2 : 4096;
        gathered->rows = x_realloc(gathered->rows, gathered->capacity * sizeof *gathered->rows);
    }
    gathered->rows[gathered->count++] = *row;
}

/* The first day of the city of which anything can be known, where nobody said it before. */
static bool note_first_day(struct sql *sql, int32_t day, struct error *err)
{
    struct buffer known;
    char text[TIME_TEXT_BYTES];
    buffer_init(&known, 64);
    bool done = store_setting_get(sql, SETTING_FIRST_DAY, &known, err) &&
                (known.length || store_setting_set(sql, SETTING_FIRST_DAY,
                                                   slice_of(time_format_date(day, text)), err));
    buffer_release(&known);
    return done;
}

static bool prune(struct sql *sql, timestamp from, struct error *err)
{
    int32_t day = time_day_of_seconds(from / SECOND) - KEPT_DAYS;
    return sql_run(sql, &past_prune_hours, SQL_ARGUMENTS(sql_int(past_hour_of(from))), err) &&
           sql_run(sql, &past_prune_days, SQL_ARGUMENTS(sql_int(day)), err);
}

bool past_keep(struct sql *sql, const struct counter_keeping *keeping, struct error *err)
{
    struct counter_mark mark; /* of what changes at each refresh: when the counters last changed */
    struct gathered gathered = {0};
    int32_t today = time_day_of_seconds(keeping->now / SECOND);
    if (!counter_mark_read(sql, 0, COUNTER_CASES_BY_REPORT, &mark, err))
        return false;
    if (!mark.known)
        return note_first_day(sql, today, err);
    int64_t hour = past_hour_of(mark.true_for) + 1;
    if (past_hour_of(keeping->now) < hour)
        return true;
    int32_t day = time_day_of_seconds(hour * HOUR / SECOND);
    bool done =
        note_first_day(sql, day, err) &&
        counter_read(sql, 0, 0, 0, INT64_MAX, gather, &gathered, err) &&
        counter_read(sql, day - KEPT_DAYS + 1, day, 0, INT64_MAX, gather, &gathered, err) &&
        past_write(sql, hour, day - KEPT_DAYS + 1, day, gathered.rows, gathered.count, err) &&
        prune(sql, keeping->snapshots_from, err);
    free(gathered.rows);
    return done;
}

/* ---- Reading */

bool past_find(struct sql *sql, int64_t hour, int64_t *ret_hour, struct error *err)
{
    return sql_one_int(sql, &past_latest, SQL_ARGUMENTS(sql_int(0), sql_int(hour)), -1, ret_hour,
                       err);
}

bool past_read(struct sql *sql, int64_t hour, int32_t first, int32_t last,
               void (*take)(void *context, const struct counter_row *row), void *context,
               struct error *err)
{
    bool done = true;
    for (int32_t day = 0; done && day <= last; day = day ? day + 1 : first) {
        struct sql_query *query;
        bool row = false;
        done =
            sql_begin(sql, &past_latest, SQL_ARGUMENTS(sql_int(day), sql_int(hour)), &query, err) &&
            sql_next(query, &row, err);
        if (!done || !row)
            continue;
        done = take_figures(day, sql_get_text(query, 1), take, context, err);
        sql_end(query);
    }
    return done;
}

bool past_hours(struct sql *sql, int64_t first, int64_t last,
                void (*take)(void *context, int64_t hour), void *context, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &past_between, SQL_ARGUMENTS(sql_int(first), sql_int(last)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        take(context, sql_get_int(query, 0));
    return done;
}
