/* Series that were recorded somewhere, as a channel of the demo city: policies/recorded/NAME.yaml
 * has the first day, the names of the columns, and a row of counts a day. */
#include "sim/settings.h"

#include <math.h>

enum { WEEK = 7 };

static bool refuse(struct error *err, const char *file, const char *field, int64_t row,
                   const char *expected)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){file, row, field}, expected,
                     "not of this form");
}

static bool take_row(struct settings *settings, const struct series_plan *plan, json_t *row,
                     const char *file, int64_t number, struct error *err)
{
    json_t *cell;
    size_t i;
    if (json_array_size(row) != plan->columns)
        return refuse(err, file, "counts", number, "a count a column");
    if (settings->recorded_count + plan->columns > RECORDED_CELLS_MAX)
        return refuse(err, file, "counts", number, "fewer rows: 8192 counts in all records");
    json_array_foreach (row, i, cell) {
        int64_t value = json_is_integer(cell) ? json_integer_value(cell) : -1;
        if (value < 0 || value > INT32_MAX)
            return refuse(err, file, "counts", number, "whole numbers from 0");
        settings->recorded[settings->recorded_count++] = (int32_t)value;
    }
    return true;
}

static bool take_document(struct settings *settings, struct series_plan *plan, json_t *document,
                          const char *file, struct error *err)
{
    json_t *rows = json_object_get(document, "counts"), *row;
    const char *start = json_string_value(json_object_get(document, "start"));
    size_t i;
    plan->columns = json_array_size(json_object_get(document, "columns"));
    if (!start || !time_parse_date(slice_of(start), &plan->start))
        return refuse(err, file, "start", 0, "the first day, YYYY-MM-DD");
    if (!plan->columns)
        return refuse(err, file, "columns", 0, "the names of the columns");
    if (json_array_size(rows) < WEEK)
        return refuse(err, file, "counts", 0, "a week of rows at least");
    plan->first = settings->recorded_count;
    json_array_foreach (rows, i, row)
        if (!take_row(settings, plan, row, file, (int64_t)i + 1, err))
            return false;
    plan->rows = i;
    return true;
}

bool recorded_read(int directory_fd, struct settings *settings, struct series_plan *plan,
                   struct error *err)
{
    char file[100];
    json_t *document;
    snprintf(file, sizeof file, "policies/recorded/%s.yaml", plan->recorded);
    if (!policy_document_read(directory_fd, file, &document, err))
        return false;
    bool done = take_document(settings, plan, document, file, err);
    json_decref(document);
    return done;
}

int64_t recorded_count(const struct settings *settings, const struct series_plan *plan,
                       int32_t made_day, int32_t day, size_t district)
{
    REQUIRE(plan->rows >= WEEK);
    int32_t weeks = (int32_t)(plan->rows / WEEK * WEEK);
    int32_t row = (plan->as_if_made - plan->start + day - made_day) % weeks;
    size_t at = (size_t)(row < 0 ? row + weeks : row) * plan->columns + district % plan->columns;
    return llround(plan->share * settings->recorded[plan->first + at]);
}
