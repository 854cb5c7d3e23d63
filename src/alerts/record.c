/* Records of detectors: of the alerts of a channel's detector in 28 and in 90 days, how many were
 * raised, how many judged and right, and how long they waited. Counted from the alerts and
 * dispositions themselves, so that any past moment has its own. */
#include <stdlib.h>

#include "alerts/alerts_internal.h"

static const struct sql_text judged = {
    "alert_record_judged",
    "SELECT a.channel, a.detector, d.verdict, a.raised_at, d.at FROM alert_disposition d"
    " JOIN alert a ON a.alert_no = d.alert_no WHERE d.at > ?1 AND d.at <= ?2",
    "alert_disposition_by_time"};
static const struct sql_text raised = {
    "alert_record_raised",
    "SELECT channel, detector, count(*), sum(CASE WHEN raised_at > ?2 THEN 1 ELSE 0 END) FROM alert"
    " WHERE raised_at > ?1 AND raised_at <= ?3 GROUP BY channel, detector",
    "alert_by_raised"};

const struct sql_list alert_record_statements = SQL_LIST(&judged, &raised);

/* One alert that was judged. */
struct judged_row {
    size_t record;
    double minutes;
    bool right, near;
};

struct reading {
    struct arena *arena;
    struct record *items;
    size_t count, capacity;
    struct judged_row *rows;
    size_t row_count, row_capacity;
};

static size_t record_of(struct reading *reading, struct slice channel, struct slice detector)
{
    for (size_t i = 0; i < reading->count; i++)
        if (slice_equal(channel, slice_of(reading->items[i].channel)) &&
            slice_equal(detector, slice_of(reading->items[i].detector)))
            return i;
    if (reading->count == reading->capacity) {
        size_t capacity = reading->capacity ? 2 * reading->capacity : 64;
        struct record *more = arena_alloc(reading->arena, capacity * sizeof *more);
        if (reading->count)
            memcpy(more, reading->items, reading->count * sizeof *more);
        reading->items = more;
        reading->capacity = capacity;
    }
    struct record *record = &reading->items[reading->count];
    *record = (struct record){.spans = {{.delay_minutes = NAN}, {.delay_minutes = NAN}}};
    text_copy(record->channel, sizeof record->channel, channel);
    text_copy(record->detector, sizeof record->detector, detector);
    return reading->count++;
}

static void add_row(struct reading *reading, struct judged_row row)
{
    if (reading->row_count == reading->row_capacity) {
        reading->row_capacity = reading->row_capacity ? 2 * reading->row_capacity : 256;
        reading->rows = x_realloc(reading->rows, reading->row_capacity * sizeof *reading->rows);
    }
    reading->rows[reading->row_count++] = row;
}

static bool read_raised(struct sql *sql, timestamp at, struct reading *reading, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &raised,
                               SQL_ARGUMENTS(sql_int(at - RECORD_DAYS_LONG * DAY),
                                             sql_int(at - RECORD_DAYS * DAY), sql_int(at)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        size_t i = record_of(reading, sql_get_text(query, 0), sql_get_text(query, 1));
        reading->items[i].spans[1].raised = sql_get_int(query, 2);
        reading->items[i].spans[0].raised = sql_get_int(query, 3);
    }
    return done;
}

static bool read_judged(struct sql *sql, timestamp at, struct reading *reading, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &judged,
                               SQL_ARGUMENTS(sql_int(at - RECORD_DAYS_LONG * DAY), sql_int(at)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice detector = sql_get_text(query, 1);
        int64_t verdict = sql_get_int(query, 2);
        timestamp then = sql_get_time(query, 4);
        /* of a feed that was silent a fault of the data is what it said */
        bool right = verdict == VERDICT_TRUE_SIGNAL ||
                     (verdict == VERDICT_DATA_FAULT && slice_equal(detector, SLICE("silence")));
        add_row(reading,
                (struct judged_row){record_of(reading, sql_get_text(query, 0), detector),
                                    (double)(then - sql_get_time(query, 3)) / (double)MINUTE, right,
                                    then > at - RECORD_DAYS * DAY});
    }
    return done;
}

static int by_record_and_delay(const void *a, const void *b)
{
    const struct judged_row *x = a, *y = b;
    if (x->record != y->record)
        return x->record < y->record ? -1 : 1;
    return (x->minutes > y->minutes) - (x->minutes < y->minutes);
}

/* The rows of one record, in order of their delays. */
static void count_rows(struct record *record, const struct judged_row *rows, size_t count)
{
    for (int long_one = 0; long_one < 2; long_one++) {
        struct record_span *span = &record->spans[long_one];
        for (size_t i = 0; i < count; i++) {
            span->judged += long_one || rows[i].near;
            span->right += (long_one || rows[i].near) && rows[i].right;
        }
        int64_t middle = (span->judged + 1) / 2;
        for (size_t i = 0; i < count && middle; i++)
            if ((long_one || rows[i].near) && --middle == 0)
                span->delay_minutes = rows[i].minutes;
    }
}

bool records_read(struct sql *sql, timestamp at, struct arena *arena, struct records *ret_records,
                  struct error *err)
{
    struct reading reading = {.arena = arena};
    bool done = read_raised(sql, at, &reading, err) && read_judged(sql, at, &reading, err);
    if (done && reading.row_count)
        qsort(reading.rows, reading.row_count, sizeof *reading.rows, by_record_and_delay);
    for (size_t first = 0, end; done && first < reading.row_count; first = end) {
        for (end = first;
             end < reading.row_count && reading.rows[end].record == reading.rows[first].record;)
            end++;
        count_rows(&reading.items[reading.rows[first].record], reading.rows + first, end - first);
    }
    free(reading.rows);
    *ret_records = (struct records){reading.items, reading.count};
    return done;
}

const struct record *record_find(const struct records *records, const struct alert *alert)
{
    for (size_t i = 0; i < records->count; i++)
        if (strcmp(records->items[i].channel, alert->channel) == 0 &&
            strcmp(records->items[i].detector, alert->detector) == 0)
            return &records->items[i];
    return NULL;
}

bool record_throttled(const struct alert_settings *settings, const struct record *record)
{
    const struct record_span *span = record ? &record->spans[1] : NULL;
    return span && span->judged >= settings->throttle_judged &&
           (double)span->right < settings->throttle_below * (double)span->judged;
}

/* ---- Showing */

static void put_span(const char *key, const struct record_span *span, int days,
                     struct json_writer *writer)
{
    json_key(writer, key);
    json_object_begin(writer);
    json_field_int64(writer, "raised", span->raised);
    json_field_double(writer, "a_day", (double)span->raised / days);
    json_field_int64(writer, "judged", span->judged);
    json_field_int64(writer, "true_signals", span->right);
    json_field_double(writer, "precision",
                      span->judged ? (double)span->right / (double)span->judged : NAN);
    json_field_double(writer, "delay_minutes", span->delay_minutes);
    json_object_end(writer);
}

void records_put(const struct alerts *alerts, const struct records *records,
                 struct json_writer *writer)
{
    static const struct words gone = {"", ""};
    json_array_begin(writer);
    for (size_t i = 0; i < records->count; i++) {
        const struct record *record = &records->items[i];
        const struct channel *channel = channel_find(alerts, slice_of(record->channel));
        json_object_begin(writer);
        json_field_text(writer, "channel", slice_of(record->channel));
        show_words(writer, "title", channel ? channel->title : gone);
        json_field_text(writer, "detector", slice_of(record->detector));
        put_span("days_28", &record->spans[0], RECORD_DAYS, writer);
        put_span("days_90", &record->spans[1], RECORD_DAYS_LONG, writer);
        json_field_bool(writer, "throttled", record_throttled(&alerts->settings, record));
        json_object_end(writer);
    }
    json_array_end(writer);
}
