/* Counts that a room of the house makes itself become points like any other. Whoever reports a day
 * is believed before it: their points are never written over. */
#include "alerts/alerts_internal.h"

static const struct sql_text point_reported = {
    "series_point_reported",
    "SELECT count(*) FROM series_point WHERE channel = ?1 AND area_no = ?2 AND day = ?3"
    " AND source <> ?4",
    "primary key"};

const struct sql_list feed_statements = SQL_LIST(&point_reported);

static bool feed_one(struct alerts *alerts, struct sql *sql, struct slice source,
                     const struct alerts_count *count, int64_t *io_written, struct error *err)
{
    struct series_report report = {.channel = channel_find(alerts, slice_of(count->channel)),
                                   .area_no = count->area_no,
                                   .point = {count->day, count->count, count->total, NAN, NAN},
                                   .reported_at = count->reported_at == TIMESTAMP_NONE
                                                      ? sql_now(sql)
                                                      : count->reported_at,
                                   .source = source};
    enum series_put put;
    int64_t reported;
    if (!report.channel)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = count->channel},
                         "a name of `alerts channels`", "there is no such channel");
    if (report.channel->measure == MEASURE_SHARE && count->total < 1) /* a city's own file */
        return error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){.source = count->channel, .field = "measure"},
                         "count: there is no total of it", "the channel is a share");
    if (!sql_one_int(sql, &point_reported,
                     SQL_ARGUMENTS(sql_text(slice_of(count->channel)), sql_int(count->area_no),
                                   sql_int(count->day), sql_text(source)),
                     0, &reported, err))
        return false;
    if (reported)
        return true;
    if (!series_put(sql, &report, &put, err))
        return false;
    *io_written += put == SERIES_INSERTED || put == SERIES_REPLACED;
    return true;
}

bool alerts_feed(struct alerts *alerts, struct sql *sql, struct slice source,
                 const struct alerts_count *counts, size_t count, int64_t *ret_written,
                 struct error *err)
{
    int64_t written = 0;
    for (size_t i = 0; i < count; i++)
        if (!feed_one(alerts, sql, source, &counts[i], &written, err))
            return false;
    *ret_written = written;
    return true;
}

void alerts_prepare(struct alerts *alerts, alerts_preparer *prepare, void *context)
{
    alerts->prepare = prepare;
    alerts->prepare_context = context;
}
