/* Copied venue codes: a poster that was photographed and forwarded is scanned where it does not
 * hang.
 *
 *   day log ─► live scans of this window and the one before ─┬─ by person: two venues too far apart
 *                                                            └─ by venue: far more than it ever had
 *                                     ─► venue.copied_code, once a venue and window ─► people judge
 *
 * A scan is a claim, and a suspicion is one about a code: neither changes a colour nor a scan's
 * answer. It runs beside the scan path, once a minute, from a view of the day store; what it
 * found before is kept by (venue, window), so that reading a scan again tells nothing twice.
 * Numbers: policies/checkin.yaml. */
#include <math.h>
#include <stdlib.h>

#include "checkin/checkin_internal.h"

static const struct sql_text suspicion_insert = {
    "venue_suspicion_insert",
    "INSERT INTO venue_suspicion (venue_no, area_no, window_start, reason, scans, raised_at,"
    " token_version) SELECT venue_no, area_no, ?2, ?3, ?4, ?5, token_version FROM venue"
    " WHERE venue_no = ?1"
    " ON CONFLICT (venue_no, window_start) DO NOTHING",
    "primary key"};
static const struct sql_text suspicion_area = {
    "venue_suspicion_area", "SELECT area_no FROM venue WHERE venue_no = ?1", "primary key"};
static const struct sql_text suspicion_page = {
    "venue_suspicion_page",
    "SELECT suspicion_no, s.venue_no, s.area_no, s.window_start, s.reason, s.scans, s.raised_at,"
    " v.name, s.token_version = v.token_version FROM venue_suspicion s"
    " LEFT JOIN venue v ON v.venue_no = s.venue_no"
    " WHERE s.suspicion_no < ?1 AND s.area_no BETWEEN ?2 AND ?3 ORDER BY s.suspicion_no DESC"
    " LIMIT ?4",
    "primary key"};
static const struct sql_text suspicion_of_venue = {
    "venue_suspicion_of_venue",
    "SELECT suspicion_no, window_start, reason, scans, raised_at, token_version"
    " FROM venue_suspicion WHERE venue_no = ?1 ORDER BY window_start DESC LIMIT ?2",
    "sqlite_autoindex_venue_suspicion_1"};
static const struct sql_text venue_place = {
    "venue_suspicion_place", "SELECT latitude, longitude FROM venue WHERE venue_no = ?1",
    "primary key"};

const struct sql_list copied_statements = SQL_LIST(
    &suspicion_insert, &suspicion_area, &suspicion_page, &suspicion_of_venue, &venue_place);

enum { HISTORY_DAYS = 14, PLACE_SLOTS = 4096, SECONDS_A_MINUTE = 60, SHOWN_OF_VENUE_MAX = 100 };
static const double earth_km = 6371.0;

struct claim {
    uint32_t person, venue, time;
};
struct place {
    uint32_t venue; /* 0: free */
    double latitude, longitude;
};
struct finding {
    uint32_t venue;
    int64_t window; /* unix seconds of its beginning */
    const char *reason;
    int64_t count;
};

struct watch {
    struct checkin *checkin;
    struct presence_view *view;
    struct sql *sql;
    struct claim *claims; /* live scans of posters */
    size_t claim_count, claim_capacity;
    struct place *places; /* a cache by number */
    struct finding *findings;
    size_t finding_count;
    int64_t window_seconds, raised; /* raised: new ones */
};

static int64_t number(const struct watch *watch, enum policy_number which)
{
    return policy_number(watch->checkin->platform->policy, which);
}

static int64_t window_of(const struct watch *watch, uint32_t time)
{
    return time - time % watch->window_seconds;
}

static void add_finding(struct watch *watch, uint32_t venue, int64_t window, const char *reason,
                        int64_t count)
{
    size_t room = ++watch->finding_count;
    watch->findings = x_realloc(watch->findings, room * sizeof *watch->findings);
    watch->findings[room - 1] = (struct finding){venue, window, reason, count};
}

/* ---- Gathering: scans of a static poster by its holder, live or sent later; no imports */

static bool gather(void *context, const struct presence_event *events, size_t count,
                   struct error *err)
{
    (void)err;
    struct watch *watch = context;
    if (watch->claim_count + count > watch->claim_capacity) {
        watch->claim_capacity = (watch->claim_count + count) * 2;
        watch->claims =
            x_realloc(watch->claims, watch->claim_capacity * sizeof *watch->claims);
    }
    for (size_t i = 0; i < count; i++)
        if (!events[i].origin && scan_flags_evidence(events[i].flags) == SCAN_CLAIMED)
            watch->claims[watch->claim_count++] =
                (struct claim){events[i].person, events[i].venue, events[i].time};
    return true;
}

/* ---- By venue: the rate */

static int by_venue(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->venue != y->venue)
        return x->venue < y->venue ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

/* The most that the venue had in an hour of the days before. */
static bool most_before(struct watch *watch, uint32_t venue, int64_t window, int64_t *ret_most,
                        struct error *err)
{
    int32_t day = time_day_of_seconds(window);
    *ret_most = 0;
    for (int32_t d = day - HISTORY_DAYS; d <= day; d++) {
        uint32_t counts[24];
        if (!presence_hour_counts(watch->view, (struct venue_no){venue}, d, counts, err))
            return false;
        int64_t hours = d < day ? 24 : (window - time_day_start_seconds(day)) / 3600;
        for (int64_t h = 0; h < hours; h++)
            *ret_most = *ret_most > counts[h] ? *ret_most : counts[h];
    }
    int64_t hours = (watch->window_seconds + 3599) / 3600;
    *ret_most *= hours; /* of windows longer than an hour: at most so many */
    return true;
}

static bool judge_rate(struct watch *watch, uint32_t venue, int64_t window, int64_t count,
                       struct error *err)
{
    int64_t most;
    if (count < number(watch, NUMBER_COPIED_SCANS))
        return true;
    if (!most_before(watch, venue, window, &most, err))
        return false;
    if (count > most * number(watch, NUMBER_COPIED_RATE))
        add_finding(watch, venue, window, "rate", count);
    return true;
}

static bool find_rates(struct watch *watch, struct error *err)
{
    const struct claim *claims = watch->claims;
    qsort(watch->claims, watch->claim_count, sizeof *claims, by_venue);
    for (size_t i = 0, next; i < watch->claim_count; i = next) {
        int64_t window = window_of(watch, claims[i].time);
        for (next = i; next < watch->claim_count && claims[next].venue == claims[i].venue &&
                       window_of(watch, claims[next].time) == window;)
            next++;
        if (!judge_rate(watch, claims[i].venue, window, (int64_t)(next - i), err))
            return false;
    }
    return true;
}

/* ---- By person: impossible travel */

static int by_person(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

static bool place_of(struct watch *watch, uint32_t venue, struct place *ret_place,
                     struct error *err)
{
    struct place *slot = &watch->places[venue % PLACE_SLOTS];
    struct sql_query *query;
    bool row;
    if (slot->venue != venue) {
        if (!sql_begin(watch->sql, &venue_place, SQL_ARGUMENTS(sql_int(venue)), &query, err) ||
            !sql_next(query, &row, err))
            return false;
        bool known = row && !sql_is_null(query, 0) && !sql_is_null(query, 1);
        *slot = (struct place){venue, known ? sql_get_real(query, 0) : NAN,
                               known ? sql_get_real(query, 1) : NAN};
        if (row)
            sql_end(query);
    }
    *ret_place = *slot;
    return true;
}

/* Great circle. */
static double distance_km(struct place a, struct place b)
{
    double to_radians = M_PI / 180;
    double across = sin((b.latitude - a.latitude) * to_radians / 2);
    double along = sin((b.longitude - a.longitude) * to_radians / 2);
    double chord = across * across + cos(a.latitude * to_radians) * cos(b.latitude * to_radians) *
                                         along * along;
    return 2 * earth_km * asin(sqrt(chord < 1 ? chord : 1));
}

/* Whether nobody can have gone from the one to the other in that time. */
static bool impossible(struct watch *watch, const struct claim *from, const struct claim *to,
                       bool *ret_impossible, struct error *err)
{
    struct place a, b;
    *ret_impossible = false;
    if (from->venue == to->venue)
        return true;
    if (!place_of(watch, from->venue, &a, err) || !place_of(watch, to->venue, &b, err))
        return false;
    if (isnan(a.latitude) || isnan(b.latitude)) /* where it is, is not known */
        return true;
    double km = distance_km(a, b), hours = (to->time - from->time) / 3600.0;
    *ret_impossible = km >= (double)number(watch, NUMBER_COPIED_DISTANCE) &&
                      km > hours * (double)number(watch, NUMBER_COPIED_SPEED);
    return true;
}

/* Both ends of an impossible way are noted: where many ends meet hangs the poster that was
 * copied. */
static bool find_travellers(struct watch *watch, struct claim **ret_ends, size_t *ret_count,
                            struct error *err)
{
    const struct claim *claims = watch->claims;
    struct claim *ends = x_alloc(2 * watch->claim_count + 1, sizeof *ends);
    size_t count = 0;
    bool done = true, bad;
    qsort(watch->claims, watch->claim_count, sizeof *claims, by_person);
    for (size_t i = 1; done && i < watch->claim_count; i++) {
        if (claims[i].person != claims[i - 1].person)
            continue;
        done = impossible(watch, &claims[i - 1], &claims[i], &bad, err);
        if (done && bad) {
            for (size_t k = i - 1; k <= i; k++) {
                ends[count] = claims[k];
                ends[count++].time = (uint32_t)window_of(watch, claims[k].time);
            }
        }
    }
    *ret_ends = ends;
    *ret_count = count;
    return done;
}

/* The time of an end is that of its window's beginning. */
static int by_venue_window_person(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->venue != y->venue || x->time != y->time)
        return by_venue(a, b);
    return (x->person > y->person) - (x->person < y->person);
}

static bool find_travel(struct watch *watch, struct error *err)
{
    struct claim *ends;
    size_t count;
    bool done = find_travellers(watch, &ends, &count, err);
    qsort(ends, count, sizeof *ends, by_venue_window_person);
    for (size_t i = 0, next; done && i < count; i = next) {
        int64_t persons = 0;
        for (next = i; next < count && ends[next].venue == ends[i].venue &&
                       ends[next].time == ends[i].time;
             next++)
            persons += next == i || ends[next].person != ends[next - 1].person;
        if (persons >= number(watch, NUMBER_COPIED_TRAVELLERS))
            add_finding(watch, ends[i].venue, ends[i].time, "impossible_travel", persons);
    }
    free(ends);
    return done;
}

/* ---- Raising */

static bool raise_one(struct sql *sql, const struct finding *finding, int64_t *io_raised,
                      struct error *err)
{
    char payload[160];
    int64_t changed, area;
    timestamp now = sql_now(sql);
    if (!sql_run_count(sql, &suspicion_insert,
                       SQL_ARGUMENTS(sql_int(finding->venue), sql_int(finding->window),
                                     sql_text(slice_of(finding->reason)),
                                     sql_int(finding->count), sql_int(now)),
                       &changed, err) ||
        !sql_one_int(sql, &suspicion_area, SQL_ARGUMENTS(sql_int(finding->venue)), 0, &area, err))
        return false;
    if (!changed)
        return true;
    int length = snprintf(payload, sizeof payload,
                          "{\"venue\":%u,\"reason\":\"%s\",\"count\":%lld,\"scans\":%lld,"
                          "\"seen_at\":%lld}",
                          finding->venue, finding->reason, (long long)finding->count,
                          (long long)finding->count, (long long)(finding->window * SECOND));
    struct event event = {.kind = SLICE("venue.copied_code"),
                          .subject_no = finding->venue,
                          .area_no = area,
                          .at = finding->window * SECOND,
                          .payload = {payload, (size_t)length}};
    ++*io_raised;
    return event_emit(sql, &event, err);
}

static bool raise_job(struct sql *sql, void *context, struct error *err)
{
    struct watch *watch = context;
    for (size_t i = 0; i < watch->finding_count; i++)
        if (!raise_one(sql, &watch->findings[i], &watch->raised, err))
            return false;
    return true;
}

static bool find_all(struct watch *watch, int64_t from, int64_t to, struct error *err)
{
    struct store *store = watch->checkin->platform->store;
    if (!presence_scan(watch->view, from, to, gather, watch, err) ||
        !store_read_begin(store, &watch->sql, err))
        return false;
    if (!watch->claim_count) {
        store_read_end(store, watch->sql);
        return true;
    }
    watch->places = x_alloc(PLACE_SLOTS, sizeof *watch->places);
    bool done = find_travel(watch, err) && find_rates(watch, err);
    store_read_end(store, watch->sql);
    free(watch->places);
    return done;
}

bool checkin_watch(struct checkin *checkin, int64_t *ret_raised, struct error *err)
{
    struct watch watch = {.checkin = checkin};
    int64_t now = world_now(checkin->platform->world) / SECOND;
    watch.window_seconds = number(&watch, NUMBER_COPIED_WINDOW) * SECONDS_A_MINUTE;
    if (!presence_view_begin(checkin->platform->presence, &watch.view, err))
        return false;
    int64_t from = now - now % watch.window_seconds - watch.window_seconds;
    bool done = find_all(&watch, from, now + 1, err);
    presence_view_end(watch.view);
    if (done && watch.finding_count)
        done = store_write(checkin->platform->store, raise_job, &watch, err);
    free(watch.claims);
    free(watch.findings);
    if (done)
        *ret_raised = watch.raised;
    return done;
}

bool checkin_watch_tick(struct checkin *checkin, struct error *err)
{
    timestamp real = world_real_now();
    int64_t raised;
    if (real - checkin->watched_at < MINUTE)
        return true;
    checkin->watched_at = real;
    return checkin_watch(checkin, &raised, err);
}

/* ---- GET /venues/suspicions */

static void put_suspicion(struct json_writer *writer, struct registry *registry,
                          struct sql_query *query)
{
    const struct area *area = registry_area(registry, sql_get_int(query, 2));
    struct slice name = sql_get_text(query, 7);
    json_object_begin(writer);
    json_field_int64(writer, "id", sql_get_int(query, 0));
    json_field_int64(writer, "venue_no", sql_get_int(query, 1));
    json_field_text(writer, "name", name.data ? name : SLICE(""));
    json_field_text(writer, "area", area ? area->code : SLICE(""));
    json_field_time(writer, "window_start", sql_get_int(query, 3) * SECOND);
    json_field_text(writer, "reason", sql_get_text(query, 4));
    json_field_int64(writer, "count", sql_get_int(query, 5));
    json_field_time(writer, "raised_at", sql_get_int(query, 6));
    json_field_bool(writer, "current", sql_get_int(query, 8) != 0);
    json_object_end(writer);
}

bool checkin_put_suspicions(struct sql *sql, struct json_writer *writer, uint32_t venue,
                            uint16_t version, struct error *err)
{
    struct sql_query *query;
    bool row,
        done = sql_begin(sql, &suspicion_of_venue,
                         SQL_ARGUMENTS(sql_int(venue), sql_int(SHOWN_OF_VENUE_MAX)), &query, err);
    json_array_begin(writer);
    while (done && (done = sql_next(query, &row, err)) && row) {
        json_object_begin(writer);
        json_field_int64(writer, "id", sql_get_int(query, 0));
        json_field_time(writer, "window_start", sql_get_int(query, 1) * SECOND);
        json_field_text(writer, "reason", sql_get_text(query, 2));
        json_field_int64(writer, "count", sql_get_int(query, 3));
        json_field_time(writer, "raised_at", sql_get_int(query, 4));
        json_field_bool(writer, "current", sql_get_int(query, 5) == version);
        json_object_end(writer);
    }
    json_array_end(writer);
    return done;
}

static bool list_suspicions(const struct request *request, struct sql *sql,
                            struct json_writer *writer, struct error *err)
{
    struct sql_query *query;
    int64_t after, limit, count = 0, last = 0;
    char cursor[32];
    bool row;
    if (!request_cursor(request, &after, err) || !request_limit(request, &limit, err) ||
        !sql_begin(sql, &suspicion_page,
                   SQL_ARGUMENTS(sql_int(after ? after : INT64_MAX),
                                 sql_int(request->actor.area_first),
                                 sql_int(request->actor.area_last), sql_int(limit)),
                   &query, err))
        return false;
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (;; count++) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            break;
        last = sql_get_int(query, 0);
        put_suspicion(writer, request->platform->registry, query);
    }
    json_array_end(writer);
    cursor_format(last, cursor);
    if (count == limit)
        json_field_text(writer, "next", slice_of(cursor));
    else
        json_field_null(writer, "next");
    json_object_end(writer);
    return true;
}

bool checkin_handle_suspicions(const struct request *request, struct response *response,
                               struct error *err)
{
    struct json_writer writer;
    struct sql *sql;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    bool done = list_suspicions(request, sql, &writer, err);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}
