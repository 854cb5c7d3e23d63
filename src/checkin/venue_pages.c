/* What the pages of venues read: coverage by category and area, lists, one venue, points for a map.
 *
 * Coverage, lists and points are counted from the board in memory and touch neither SQL nor the day
 * store; one venue reads its own rows and the counts of its own scans. No person is read anywhere.
 * What is not known (days that are not read, a city without scans) is null, never 0. */
#include <math.h>
#include <stdlib.h>

#include "access/access.h"
#include "access/shown.h"
#include "checkin/checkin_internal.h"
#include "policy/permissions.h"

static const struct sql_text unit_of_venue = {
    "venue_page_unit", "SELECT name, category, area_no FROM unit WHERE unit_no = ?1",
    "primary key"};

const struct sql_list venue_page_statements = SQL_LIST(&unit_of_venue);

enum { NAME_WORDS_MAX = 100, PAGE_BYTES_MAX = 64 << 20, POINT_SCALE = 100000 };

/* ---- Which venues are asked for */

enum state_asked { ANY_STATE, STATE_IN_USE, STATE_SILENT, STATE_SUSPECTED, STATE_CLOSED };

struct venue_filter {
    int64_t area_first, area_last;
    int category; /* −1: all */
    enum state_asked state;
    struct slice words; /* of the name */
};

static bool bad_value(const char *field, const char *expected, struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = field}, expected,
                     "none of the choices");
}

static bool read_filter(const struct request *request, struct venue_filter *filter,
                        struct error *err)
{
    static const char *const states[] = {"", "in_use", "silent", "suspected", "closed"};
    const struct policy *policy = request->platform->policy;
    struct slice category = request_query(request, "category");
    struct slice state = request_query(request, "state");
    *filter = (struct venue_filter){.category = -1, .words = request_query(request, "name")};
    if (!access_area_asked(request, &filter->area_first, &filter->area_last, err))
        return false;
    if (category.length && !policy_category_known(policy, category))
        return bad_value("category", "a category of venue_categories.yaml", err);
    if (category.length)
        filter->category = (int)policy_category_of(policy, category);
    for (int i = STATE_IN_USE; state.length && i <= STATE_CLOSED; i++)
        if (slice_equal(state, slice_of(states[i])))
            filter->state = (enum state_asked)i;
    if (state.length && filter->state == ANY_STATE)
        return bad_value("state", "in_use, silent, suspected or closed", err);
    return filter->words.length <= NAME_WORDS_MAX ||
           error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "name"},
                     "at most 100 bytes", "too long");
}

static bool fits_state(enum state_asked state, const struct board_venue *venue, enum venue_use use)
{
    switch (state) {
    case STATE_IN_USE:
        return use == VENUE_IN_USE;
    case STATE_SILENT:
        return use == VENUE_SILENT;
    case STATE_SUSPECTED:
        return venue->suspected && !venue->closed;
    case STATE_CLOSED:
        return venue->closed;
    default:
        return true;
    }
}

static bool fits(const struct venue_filter *filter, const struct venue_board *board,
                 const struct board_venue *venue, enum venue_use use)
{
    return venue->area_no >= filter->area_first && venue->area_no <= filter->area_last &&
           (filter->category < 0 || venue->category == filter->category) &&
           fits_state(filter->state, venue, use) &&
           (!filter->words.length || memmem(board->names + venue->name_at, venue->name_length,
                                            filter->words.data, filter->words.length));
}

/* ---- What every answer says of its time */

static void put_day(struct json_writer *writer, const char *key, int32_t day)
{
    char text[TIME_TEXT_BYTES];
    json_field_text(writer, key, slice_of(time_format_date(day, text)));
}

/* true_for, known_from, use_known, in_use_hours, suspected_days */
static void put_time(struct json_writer *writer, const struct checkin *checkin,
                     const struct venue_board *board)
{
    const struct policy *policy = checkin->platform->policy;
    if (board->true_for) {
        json_field_time(writer, "true_for", board->true_for);
        put_day(writer, "known_from", board->first_day);
    } else {
        json_field_null(writer, "true_for");
        json_field_null(writer, "known_from");
    }
    json_field_bool(writer, "use_known", venue_board_since(checkin, board) != UINT32_MAX);
    json_field_int64(writer, "in_use_hours", policy_number(policy, NUMBER_VENUE_IN_USE_HOURS));
    json_field_int64(writer, "suspected_days", policy_number(policy, NUMBER_COPIED_SHOWN_DAYS));
}

static void put_area(struct json_writer *writer, const char *key, const struct request *request,
                     int64_t area_no)
{
    const struct area *area = registry_area(request->platform->registry, area_no);
    json_key(writer, key);
    if (!area) {
        json_put_null(writer);
        return;
    }
    json_object_begin(writer);
    json_field_text(writer, "code", area->code);
    json_field_text(writer, "name_zh", area->name_zh);
    json_field_text(writer, "name_en", area->name_en);
    json_object_end(writer);
}

static void put_last(struct json_writer *writer, const struct venue_board *board, uint32_t venue)
{
    uint32_t last = venue_board_last(board, venue);
    if (last)
        json_field_time(writer, "last_scan_at", last * SECOND);
    else
        json_field_null(writer, "last_scan_at");
}

static bool end_page(struct json_writer *writer, struct response *response, struct error *err)
{
    json_object_end(writer);
    json_writer_release(writer);
    if (!response->body.overflow)
        return true;
    buffer_release(&response->body);
    return error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "limit"},
                     "a smaller limit", "the answer is too large");
}

/* ---- Coverage */

struct cell {
    int64_t registered, closed, in_use, suspected, units, units_coded;
};
struct coverage {
    const struct area **areas; /* columns; the asked area itself, last, for what lies in no other */
    size_t area_count, category_count;
    struct cell *cells;
};

static struct cell *cell_of(struct coverage *coverage, int64_t area_no, uint16_t category)
{
    size_t column = 0, own = coverage->area_count - 1;
    while (column < own && (area_no < coverage->areas[column]->no ||
                            area_no > area_range_last(coverage->areas[column]->no)))
        column++;
    bool inside = column < own || (area_no >= coverage->areas[own]->no &&
                                   area_no <= area_range_last(coverage->areas[own]->no));
    return inside ? &coverage->cells[category * coverage->area_count + column] : NULL;
}

/* Columns: what lies directly below the asked area. False where the reader has no area. */
static bool choose_areas(const struct request *request, int64_t first, int64_t last,
                         struct coverage *coverage)
{
    struct registry *registry = request->platform->registry;
    const struct area *city = registry_city(registry), *area = registry_area(registry, first);
    const struct area **below;
    if (city && first <= city->no && last >= area_range_last(city->no))
        area = city;
    if (!area)
        return false;
    coverage->area_count = registry_areas_under(registry, area->no, request->arena, &below) + 1;
    coverage->areas = arena_alloc(request->arena, coverage->area_count * sizeof *coverage->areas);
    memcpy(coverage->areas, below, (coverage->area_count - 1) * sizeof *below);
    coverage->areas[coverage->area_count - 1] = area;
    coverage->category_count = policy_category_count(request->platform->policy);
    coverage->cells = arena_alloc(request->arena, coverage->area_count * coverage->category_count *
                                                      sizeof *coverage->cells);
    return true;
}

static void count_coverage(const struct checkin *checkin, const struct venue_board *board,
                           struct coverage *coverage)
{
    uint32_t since = venue_board_since(checkin, board);
    for (size_t i = 0; i < board->venue_count; i++) {
        const struct board_venue *venue = &board->venues[i];
        struct cell *cell = cell_of(coverage, venue->area_no, venue->category);
        if (!cell)
            continue;
        cell->registered += !venue->closed;
        cell->closed += venue->closed;
        cell->in_use += venue_board_use(board, venue, since) == VENUE_IN_USE;
        cell->suspected += venue->suspected && !venue->closed;
    }
    for (size_t i = 0; i < board->unit_count; i++) {
        const struct board_unit *unit = &board->units[i];
        struct cell *cell = cell_of(coverage, unit->area_no, unit->category);
        if (!cell)
            continue;
        cell->units++;
        cell->units_coded += unit->coded;
    }
}

static void put_known(struct json_writer *writer, const char *key, bool known, int64_t value)
{
    if (known)
        json_field_int64(writer, key, value);
    else
        json_field_null(writer, key);
}

static void put_cell(struct json_writer *writer, struct slice category, struct slice area,
                     const struct cell *cell, bool use_known)
{
    json_object_begin(writer);
    json_field_text(writer, "category", category);
    json_field_text(writer, "area", area);
    json_field_int64(writer, "registered", cell->registered);
    json_field_int64(writer, "closed", cell->closed);
    put_known(writer, "in_use", use_known, cell->in_use);
    put_known(writer, "silent", use_known, cell->registered - cell->in_use);
    json_field_int64(writer, "suspected", cell->suspected);
    put_known(writer, "units", cell->units > 0, cell->units);
    put_known(writer, "units_coded", cell->units > 0, cell->units_coded);
    json_object_end(writer);
}

static void put_coverage(const struct request *request, struct json_writer *writer,
                         const struct coverage *coverage, bool use_known)
{
    const struct policy *policy = request->platform->policy;
    static const struct cell empty;
    json_key(writer, "areas");
    json_array_begin(writer);
    for (size_t a = 0; a < coverage->area_count; a++) {
        json_object_begin(writer);
        json_field_text(writer, "code", coverage->areas[a]->code);
        json_field_text(writer, "name_zh", coverage->areas[a]->name_zh);
        json_field_text(writer, "name_en", coverage->areas[a]->name_en);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t c = 0; c < coverage->category_count; c++)
        for (size_t a = 0; a < coverage->area_count; a++) {
            const struct cell *cell = &coverage->cells[c * coverage->area_count + a];
            if (memcmp(cell, &empty, sizeof empty) != 0)
                put_cell(writer, slice_of(policy_category(policy, c)->name),
                         coverage->areas[a]->code, cell, use_known);
        }
    json_array_end(writer);
}

bool checkin_handle_coverage(const struct request *request, struct response *response,
                             struct error *err)
{
    struct checkin *checkin = request->platform->checkin;
    const struct venue_board *board;
    struct coverage coverage = {0};
    struct json_writer writer;
    int64_t first, last;
    if (!access_area_asked(request, &first, &last, err))
        return false;
    bool somewhere = choose_areas(request, first, last, &coverage);
    if (!venue_board_begin(checkin, &board, err))
        return false;
    if (somewhere)
        count_coverage(checkin, board, &coverage);
    buffer_init(&response->body, PAGE_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    put_time(&writer, checkin, board);
    bool use_known = venue_board_since(checkin, board) != UINT32_MAX;
    venue_board_end(checkin);
    put_coverage(request, &writer, &coverage, use_known);
    return end_page(&writer, response, err);
}

/* ---- The list */

static void put_venue(const struct request *request, struct json_writer *writer,
                      const struct venue_board *board, const struct board_venue *venue,
                      enum venue_use use)
{
    const struct policy *policy = request->platform->policy;
    json_object_begin(writer);
    json_field_int64(writer, "no", venue->no);
    json_field_text(writer, "name",
                    (struct slice){board->names + venue->name_at, venue->name_length});
    json_field_text(writer, "category", slice_of(policy_category(policy, venue->category)->name));
    put_area(writer, "area", request, venue->area_no);
    json_field_text(writer, "state", slice_of(venue_use_name(use)));
    json_field_bool(writer, "suspected", venue->suspected);
    put_last(writer, board, venue->no);
    json_object_end(writer);
}

/* Index of the first venue whose number is above. */
static size_t index_after(const struct venue_board *board, int64_t no)
{
    size_t low = 0, high = board->venue_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (board->venues[middle].no <= no)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void put_list(const struct request *request, struct json_writer *writer,
                     const struct venue_board *board, const struct venue_filter *filter,
                     int64_t after, int64_t limit)
{
    uint32_t since = venue_board_since(request->platform->checkin, board);
    int64_t count = 0, last = 0;
    bool more = false;
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = index_after(board, after); i < board->venue_count && !more; i++) {
        const struct board_venue *venue = &board->venues[i];
        enum venue_use use = venue_board_use(board, venue, since);
        if (!fits(filter, board, venue, use))
            continue;
        more = count == limit;
        if (more)
            break;
        put_venue(request, writer, board, venue, use);
        last = venue->no;
        count++;
    }
    json_array_end(writer);
    json_field_cursor(writer, more ? last : 0);
}

bool checkin_handle_venues(const struct request *request, struct response *response,
                           struct error *err)
{
    struct checkin *checkin = request->platform->checkin;
    const struct venue_board *board;
    struct venue_filter filter;
    struct json_writer writer;
    int64_t after, limit;
    if (!read_filter(request, &filter, err) || !request_cursor(request, &after, err) ||
        !request_limit(request, &limit, err) || !venue_board_begin(checkin, &board, err))
        return false;
    buffer_init(&response->body, PAGE_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    put_time(&writer, checkin, board);
    put_list(request, &writer, board, &filter, after, limit);
    venue_board_end(checkin);
    return end_page(&writer, response, err);
}

/* ---- Points of a map: numbers, places, states, in columns */

static char state_letter(const struct board_venue *venue, enum venue_use use)
{
    if (venue->suspected && use != VENUE_CLOSED_USE)
        return 'c'; /* copied, as it seems */
    return use == VENUE_IN_USE ? 'u' : use == VENUE_SILENT ? 's' : '?';
}

/* One column of the venues that are chosen. */
static void put_column(struct json_writer *writer, const char *key, const struct venue_board *board,
                       const uint32_t *chosen, size_t count,
                       int64_t (*value)(const struct board_venue *venue))
{
    json_key(writer, key);
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++)
        json_put_int64(writer, value(&board->venues[chosen[i]]));
    json_array_end(writer);
}

static int64_t number_of(const struct board_venue *venue)
{
    return venue->no;
}
static int64_t longitude_of(const struct board_venue *venue)
{
    return llround(venue->longitude * POINT_SCALE);
}
static int64_t latitude_of(const struct board_venue *venue)
{
    return llround(venue->latitude * POINT_SCALE);
}

static void put_points(const struct request *request, struct json_writer *writer,
                       const struct venue_board *board, const struct venue_filter *filter)
{
    uint32_t since = venue_board_since(request->platform->checkin, board);
    uint32_t *chosen = x_alloc(board->venue_count + 1, sizeof *chosen);
    char *states = x_alloc(board->venue_count + 1, 1);
    size_t count = 0;
    int64_t nowhere = 0;
    for (size_t i = 0; i < board->venue_count; i++) {
        const struct board_venue *venue = &board->venues[i];
        enum venue_use use = venue_board_use(board, venue, since);
        if (use == VENUE_CLOSED_USE || !fits(filter, board, venue, use))
            continue;
        if (isnan(venue->latitude) || isnan(venue->longitude)) {
            nowhere++;
            continue;
        }
        states[count] = state_letter(venue, use);
        chosen[count++] = (uint32_t)i;
    }
    json_field_int64(writer, "without_place", nowhere);
    put_column(writer, "numbers", board, chosen, count, number_of);
    put_column(writer, "longitudes", board, chosen, count, longitude_of);
    put_column(writer, "latitudes", board, chosen, count, latitude_of);
    json_field_text(writer, "states", (struct slice){states, count});
    free(chosen);
    free(states);
}

bool checkin_handle_points(const struct request *request, struct response *response,
                           struct error *err)
{
    struct checkin *checkin = request->platform->checkin;
    const struct venue_board *board;
    struct venue_filter filter;
    struct json_writer writer;
    if (!read_filter(request, &filter, err) || !venue_board_begin(checkin, &board, err))
        return false;
    buffer_init(&response->body, PAGE_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    put_time(&writer, checkin, board);
    put_points(request, &writer, board, &filter);
    venue_board_end(checkin);
    return end_page(&writer, response, err);
}

/* ---- One venue */

struct venue_days {
    int32_t first;
    int64_t counts[BOARD_DAYS];
    bool known[BOARD_DAYS];
};

/* A day on which the whole city has no scan is a day that nothing is known of. */
static bool count_days(const struct request *request, uint32_t venue, struct venue_days *days,
                       struct error *err)
{
    struct platform *platform = request->platform;
    struct presence_view *view;
    if (!presence_view_begin(platform->presence, &view, err))
        return false;
    days->first = time_day_of_seconds(world_now(platform->world) / SECOND) - BOARD_DAYS + 1;
    bool done = true;
    for (int i = 0; done && i < BOARD_DAYS; i++) {
        uint32_t hours[24] = {0};
        days->known[i] = presence_day_count(view, days->first + i) > 0;
        if (days->known[i])
            done =
                presence_hour_counts(view, (struct venue_no){venue}, days->first + i, hours, err);
        days->counts[i] = 0;
        for (int h = 0; h < 24; h++)
            days->counts[i] += hours[h];
    }
    presence_view_end(view);
    return done;
}

/* Who is shown no status of persons is shown no count that is as small as a family. */
static void put_days(const struct request *request, struct json_writer *writer,
                     const struct venue_days *days)
{
    int64_t below = policy_number(request->platform->policy, NUMBER_SUPPRESS_BELOW);
    bool hides = shown_of(request->actor.reads, FIELD_STATUS) == SHOWN_NOT;
    json_key(writer, "days");
    json_array_begin(writer);
    for (int i = 0; i < BOARD_DAYS; i++) {
        char text[TIME_TEXT_BYTES];
        json_put_text(writer, slice_of(time_format_date(days->first + i, text)));
    }
    json_array_end(writer);
    json_key(writer, "scans_by_day");
    json_array_begin(writer);
    int64_t small = 0;
    for (int i = 0; i < BOARD_DAYS; i++) {
        bool hidden = hides && days->counts[i] > 0 && days->counts[i] < below;
        small += hidden;
        if (days->known[i] && !hidden)
            json_put_int64(writer, days->counts[i]);
        else
            json_put_null(writer);
    }
    json_array_end(writer);
    json_field_int64(writer, "days_hidden", small);
    json_field_int64(writer, "hidden_below", below);
}

static bool put_unit(const struct request *request, struct sql *sql, struct json_writer *writer,
                     uint32_t unit_no, struct error *err)
{
    struct sql_query *query;
    bool row = false;
    if (unit_no && (!sql_begin(sql, &unit_of_venue, SQL_ARGUMENTS(sql_int(unit_no)), &query, err) ||
                    !sql_next(query, &row, err)))
        return false;
    json_key(writer, "unit");
    if (!row) {
        json_put_null(writer);
        return true;
    }
    json_object_begin(writer);
    json_field_int64(writer, "no", unit_no);
    json_field_text(writer, "name", sql_get_text(query, 0));
    json_field_text(writer, "category", sql_get_text(query, 1));
    put_area(writer, "area", request, sql_get_int(query, 2));
    json_object_end(writer);
    sql_end(query);
    return true;
}

static void put_degrees(struct json_writer *writer, const char *key, double degrees)
{
    if (isnan(degrees))
        json_field_null(writer, key);
    else
        json_field_double(writer, key, degrees);
}

static bool put_venue_page(const struct request *request, struct sql *sql,
                           struct json_writer *writer, const struct venue *venue,
                           const struct venue_days *days, struct error *err)
{
    struct checkin *checkin = request->platform->checkin;
    const struct venue_board *board;
    if (!venue_board_begin(checkin, &board, err))
        return false;
    const struct board_venue *shown = venue_board_find(board, venue->no);
    struct board_venue own = {.no = venue->no, .closed = venue->closed};
    bool within = venue->no < board->limit;
    enum venue_use use = !within ? VENUE_USE_UNKNOWN
                                 : venue_board_use(board, &own, venue_board_since(checkin, board));
    put_time(writer, checkin, board);
    json_field_text(writer, "state", slice_of(venue_use_name(use)));
    json_field_bool(writer, "suspected", shown && shown->suspected);
    put_last(writer, board, venue->no);
    venue_board_end(checkin);
    json_field_int64(writer, "no", venue->no);
    json_field_text(writer, "name", venue->name.data ? venue->name : SLICE(""));
    json_field_text(writer, "category", venue->category);
    put_area(writer, "area", request, venue->area_no);
    put_degrees(writer, "latitude", venue->latitude);
    put_degrees(writer, "longitude", venue->longitude);
    json_field_int64(writer, "check_level", venue->check_level);
    json_field_int64(writer, "code_version", venue->token_version);
    put_days(request, writer, days);
    json_key(writer, "suspicions");
    return checkin_put_suspicions(sql, writer, venue->no, venue->token_version, err) &&
           put_unit(request, sql, writer, venue->unit_no, err);
}

bool checkin_handle_venue(const struct request *request, struct response *response,
                          struct error *err)
{
    struct platform *platform = request->platform;
    struct venue_days days;
    struct json_writer writer;
    struct venue venue;
    struct sql *sql;
    uint32_t no;
    if (!checkin_take_venue(request, &no, err) || !count_days(request, no, &days, err) ||
        !store_read_begin(platform->store, &sql, err))
        return false;
    buffer_init(&response->body, PAGE_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    bool done = registry_venue(sql, no, request->arena, &venue, err) &&
                put_venue_page(request, sql, &writer, &venue, &days, err);
    store_read_end(platform->store, sql);
    if (done)
        return end_page(&writer, response, err);
    json_writer_release(&writer);
    buffer_release(&response->body);
    return false;
}
