/* What the scan path knows of venues: code version, check level, closed; one word a venue, in memory.
 *
 * Words lie in chunks that are never moved or freed while the room is open, so that scans read them
 * without a lock while a reload or a revocation writes. Writing is under `venue_lock`. A revocation
 * is durable before the word changes: a code that was revoked and acknowledged is never good again. */
#include <stdlib.h>

#include "checkin/checkin_internal.h"
#include "policy/permissions.h"

static const struct sql_text venue_all = {
    "checkin_venues",
    "SELECT venue_no, token_version, check_level, closed FROM venue ORDER BY venue_no",
    "whole table, at start and after changes"};
static const struct sql_text venue_revoke = {
    "checkin_venue_revoke",
    "UPDATE venue SET token_version = token_version + 1 WHERE venue_no = ?1"
    " AND token_version < 65535",
    "primary key"};
static const struct sql_text venue_area = {
    "checkin_venue_area", "SELECT area_no FROM venue WHERE venue_no = ?1", "primary key"};

const struct sql_list venue_statements = SQL_LIST(&venue_all, &venue_revoke, &venue_area);

/* version 16 | level 8 | closed 8; 0 = no such venue */
static uint32_t pack(struct venue_state state)
{
    return (uint32_t)state.version << 16 | (uint32_t)state.level << 8 | state.closed;
}

struct venue_state venue_table_get(const struct venue_table *table, uint32_t venue)
{
    uint32_t chunk_no = venue / VENUE_CHUNK;
    const _Atomic uint32_t *chunk =
        chunk_no < VENUE_CHUNKS
            ? atomic_load_explicit(&((struct venue_table *)(uintptr_t)table)->chunks[chunk_no],
                                   memory_order_acquire)
            : NULL;
    uint32_t word =
        chunk ? atomic_load_explicit(&chunk[venue % VENUE_CHUNK], memory_order_relaxed) : 0;
    return (struct venue_state){(uint16_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word};
}

static void put(struct venue_table *table, uint32_t venue, struct venue_state state)
{
    _Atomic(_Atomic uint32_t *) *slot = &table->chunks[venue / VENUE_CHUNK];
    _Atomic uint32_t *chunk = atomic_load_explicit(slot, memory_order_relaxed);
    if (!chunk) {
        chunk = x_alloc(VENUE_CHUNK, sizeof *chunk);
        atomic_store_explicit(slot, chunk, memory_order_release);
    }
    atomic_store_explicit(&chunk[venue % VENUE_CHUNK], pack(state), memory_order_relaxed);
}

static bool read_all(struct venue_table *table, struct sql *sql, struct error *err)
{
    static const struct venue_state none;
    struct sql_query *query;
    bool done, row;
    uint32_t next = 0;
    if (!sql_begin(sql, &venue_all, NULL, 0, &query, err))
        return false;
    while ((done = sql_next(query, &row, err)) && row) {
        int64_t number = sql_get_int(query, 0);
        if (number < 1 || number >= (int64_t)VENUE_CHUNK * VENUE_CHUNKS) {
            sql_end(query);
            return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "venue"},
                             "numbers below 2^28", "a venue has the number %lld",
                             (long long)number);
        }
        for (; next < number; next++) /* gone since the last reading */
            if (venue_table_get(table, next).version)
                put(table, next, none);
        put(table, next++, (struct venue_state){(uint16_t)sql_get_int(query, 1),
                                                (uint8_t)sql_get_int(query, 2),
                                                (uint8_t)sql_get_int(query, 3)});
    }
    for (uint32_t venue = next; done && venue < atomic_load(&table->count); venue++)
        if (venue_table_get(table, venue).version)
            put(table, venue, none);
    if (done)
        atomic_store(&table->count, next);
    return done;
}

bool venue_table_read(struct venue_table *table, struct store *store, struct error *err)
{
    struct sql *sql;
    pthread_mutex_lock(&table->lock);
    bool done = store_read_begin(store, &sql, err);
    if (done) {
        done = read_all(table, sql, err);
        store_read_end(store, sql);
    }
    atomic_fetch_add(&table->generation, 1);
    pthread_mutex_unlock(&table->lock);
    return done;
}

void venue_table_init(struct venue_table *table)
{
    pthread_mutex_init(&table->lock, NULL);
    venue_board_init(&table->board);
}

void venue_table_release(struct venue_table *table)
{
    for (size_t i = 0; i < VENUE_CHUNKS; i++)
        free((void *)(uintptr_t)atomic_load(&table->chunks[i]));
    pthread_mutex_destroy(&table->lock);
    venue_board_release(&table->board);
}

/* ---- Following imports */

enum { EVENTS_A_READ = 1024 };

struct following {
    int64_t last_no;
    bool venues, units;
};

static bool follow_event(const struct event *event, void *context, struct error *err)
{
    (void)err;
    static const char venues[] = "\"kind\":\"venues\"", units[] = "\"kind\":\"units\"";
    struct following *f = context;
    bool imported = slice_equal(event->kind, SLICE("registry.imported"));
    f->last_no = event->no;
    f->venues |=
        imported && memmem(event->payload.data, event->payload.length, venues, sizeof venues - 1);
    f->units |=
        imported && memmem(event->payload.data, event->payload.length, units, sizeof units - 1);
    return true;
}

static bool read_events(struct checkin *checkin, struct following *f, struct error *err)
{
    struct sql *sql;
    int64_t last, from;
    if (!store_read_begin(checkin->platform->store, &sql, err))
        return false;
    bool done = event_last(sql, &last, err);
    do {
        from = f->last_no;
        done = done && event_read(sql, from, EVENTS_A_READ, follow_event, f, err);
    } while (done && f->last_no < last && f->last_no > from);
    store_read_end(checkin->platform->store, sql);
    return done;
}

bool checkin_follow(struct checkin *checkin, struct error *err)
{
    struct following f = {.last_no = checkin->event_no};
    if (!read_events(checkin, &f, err) ||
        (f.venues && !venue_table_read(&checkin->venues, checkin->platform->store, err)))
        return false;
    if (f.units)
        atomic_fetch_add(&checkin->venues.generation, 1);
    checkin->event_no = f.last_no;
    return checkin_watch_tick(checkin, err) && venue_board_tick(checkin, err);
}

/* ---- Revocation */

struct revocation {
    int64_t venue;
    struct slice actor;
    timestamp now;
};

static bool revoke(struct sql *sql, void *context, struct error *err)
{
    const struct revocation *revocation = context;
    int64_t changed, area;
    char field[40]; /* the audit's subject is a person; a venue is named among the fields */
    snprintf(field, sizeof field, "venue:%lld token_version", (long long)revocation->venue);
    struct audit_entry entry = {.actor = revocation->actor,
                                .act = SLICE("venue.revoke"),
                                .count = 1,
                                .fields = slice_of(field)};
    if (!sql_one_int(sql, &venue_area, SQL_ARGUMENTS(sql_int(revocation->venue)), 0, &area,
                     err) ||
        !sql_run_count(sql, &venue_revoke, SQL_ARGUMENTS(sql_int(revocation->venue)), &changed,
                       err))
        return false;
    if (!changed)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "venue"},
                         "a venue whose code was revoked fewer than 65535 times",
                         "no such venue");
    struct event event = {.kind = SLICE("venue.code_revoked"),
                          .subject_no = revocation->venue,
                          .area_no = area,
                          .at = revocation->now};
    return event_emit(sql, &event, err) && audit_append(sql, &entry, revocation->now, err);
}

bool checkin_revoke(struct checkin *checkin, uint32_t venue, struct slice actor,
                    struct error *err)
{
    struct platform *platform = checkin->platform;
    struct revocation revocation = {venue, actor, world_now(platform->world)};
    return store_write(platform->store, revoke, &revocation, err) &&
           venue_table_read(&checkin->venues, platform->store, err);
}

/* ---- Routes */

bool checkin_take_venue(const struct request *request, uint32_t *ret_venue, struct error *err)
{
    int64_t number, area = 0;
    struct sql *sql;
    if (!slice_to_int64(request->parameters[0], 1, UINT32_MAX, &number))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "no"},
                         "the number of a venue", "not a number");
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &venue_area, SQL_ARGUMENTS(sql_int(number)), -1, &area, err);
    store_read_end(request->platform->store, sql);
    if (!done)
        return false;
    *ret_venue = (uint32_t)number;
    return (area >= request->actor.area_first && area <= request->actor.area_last) ||
           error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                     "the number of a venue in your area", "no such venue");
}

bool checkin_handle_code(const struct request *request, struct response *response,
                         struct error *err)
{
    uint32_t venue;
    char code[VENUE_TOKEN_BYTES], shorter[VENUE_SHORT_CODE_BYTES];
    struct platform *platform = request->platform;
    struct keys *keys = store_keys(platform->store);
    if (!checkin_take_venue(request, &venue, err))
        return false;
    timestamp now = world_now(platform->world);
    uint16_t version = checkin_venue_version(platform->checkin, venue);
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    venue_token_format(keys, venue, version, code);
    venue_short_code_format(keys, venue, version, shorter);
    json_field_int64(&writer, "venue_no", venue);
    json_field_int64(&writer, "version", version);
    json_field_text(&writer, "token", slice_of(code));
    json_field_text(&writer, "short_code", slice_of(shorter));
    venue_rotating_format(keys, venue, version, (uint32_t)(now / SECOND), code);
    json_field_text(&writer, "rotating_token", slice_of(code));
    json_field_time(&writer, "rotating_until",
                    now + platform->checkin->code_seconds * SECOND);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

bool checkin_handle_revoke(const struct request *request, struct response *response,
                           struct error *err)
{
    uint32_t venue;
    return checkin_take_venue(request, &venue, err) &&
           checkin_revoke(request->platform->checkin, venue, slice_of(request->actor.name), err) &&
           checkin_handle_code(request, response, err);
}
