/* import checkins and export checkins: the day store's side of the import framework.
 *
 * External ids become numbers through a table in memory that is filled from SQL as ids are met; ids
 * that are new are made, a batch at a time, in one job. The events go to one bulk, shown at once. */
#include <math.h>
#include <stdlib.h>

#include "checkin/checkin_internal.h"

static const struct import_column columns[] = {
    {"person_id", true, "external id of the person"},
    {"venue_id", true, "external id of the venue"},
    {"time", false, "RFC 3339 (or unix_time)"},
    {"unix_time", false, "seconds since 1970"},
    {"mode", false, "how it was scanned"},
    {"evidence", false, "claimed, rotating, attended, sealed"},
    {"lat", false, "of a venue that is made"},
    {"lon", false, "of a venue that is made"},
    {"category", false, "of a venue that is made"},
    {NULL, false, NULL}};
enum { PERSON_ID, VENUE_ID, TIME, UNIX_TIME, MODE, EVIDENCE, LATITUDE, LONGITUDE, CATEGORY };

/* ---- External ids → numbers, in memory for one import */

struct id_slot {
    struct slice id; /* in the arena */
    uint32_t number; /* 0: known to be unknown */
};
struct id_table {
    struct id_slot *slots;
    size_t capacity, count;
    struct arena *texts;
};

static struct id_slot *slot_of(const struct id_table *table, struct slice id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < id.length; i++)
        hash = (hash ^ (unsigned char)id.data[i]) * 0x100000001b3u;
    size_t at = random_mix(hash) & (table->capacity - 1);
    while (table->slots[at].id.data && !slice_equal(table->slots[at].id, id))
        at = (at + 1) & (table->capacity - 1);
    return &table->slots[at];
}

static struct id_slot *id_table_add(struct id_table *table, struct slice id, uint32_t number)
{
    if (table->count * 2 >= table->capacity) {
        struct id_table grown = {.capacity = table->capacity ? table->capacity * 2 : 4096,
                                 .texts = table->texts};
        grown.slots = x_alloc(grown.capacity, sizeof *grown.slots);
        for (size_t i = 0; i < table->capacity; i++)
            if (table->slots[i].id.data)
                *slot_of(&grown, table->slots[i].id) = table->slots[i];
        grown.count = table->count;
        free(table->slots);
        *table = grown;
    }
    struct id_slot *slot = slot_of(table, id);
    slot->id = (struct slice){arena_copy(table->texts, id.data, id.length), id.length};
    slot->number = number;
    table->count++;
    return slot;
}

/* ---- The import */

struct checkin_import {
    struct presence_bulk *bulk;
    struct arena texts;
    struct id_table persons, venues;
    struct import_batch *batch;
};

static bool begin(struct import_batch *batch, struct error *err)
{
    struct checkin_import *import = x_alloc(1, sizeof *import);
    arena_init(&import->texts, (size_t)8 << 30);
    import->persons.texts = import->venues.texts = &import->texts;
    id_table_add(&import->persons, SLICE(""), 0);
    id_table_add(&import->venues, SLICE(""), 0);
    batch->state = import;
    if (batch->import_no > UINT16_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "checkins"},
                         "at most 65535 imports", "no import number is left");
    return presence_bulk_begin(batch->platform->presence, (uint16_t)batch->import_no,
                               &import->bulk, err);
}

static bool end(struct import_batch *batch, bool commit, struct error *err)
{
    struct checkin_import *import = batch->state;
    struct presence_bulk_result result;
    bool done = !commit || presence_bulk_commit(import->bulk, &result, err);
    if (done && commit) {
        batch->result->inserted = result.inserted;
        batch->result->merged = result.merged;
        batch->result->unchanged = result.unchanged;
        REQUIRE(batch->result->rows == result.inserted + result.merged + result.unchanged +
                                           batch->result->rejected);
        done = !batch->platform->checkin || checkin_reload_venues(batch->platform->checkin, err);
    } else if (batch->dry_run) {
        batch->result->inserted = batch->result->rows - batch->result->rejected;
    }
    presence_bulk_abandon(import->bulk);
    free(import->persons.slots);
    free(import->venues.slots);
    arena_release(&import->texts);
    free(import);
    batch->state = NULL;
    return done;
}

/* Looks up ids of the batch that are not in memory yet. */
static bool look_up_ids(struct import_batch *batch, struct error *err)
{
    struct checkin_import *import = batch->state;
    struct sql *sql;
    if (!store_read_begin(batch->platform->store, &sql, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < batch->row_count; i++)
        for (int v = 0; done && v < 2; v++) {
            struct id_table *table = v ? &import->venues : &import->persons;
            struct slice id = import_field(batch, i, v ? VENUE_ID : PERSON_ID);
            int64_t number;
            if (!id.data || slot_of(table, id)->id.data)
                continue;
            done = registry_lookup(sql, v ? REGISTRY_VENUE : REGISTRY_PERSON, batch->source, id,
                                   &number, err);
            if (done)
                id_table_add(table, id, (uint32_t)number);
        }
    store_read_end(batch->platform->store, sql);
    return done;
}

static double coordinate(struct import_batch *batch, size_t row, int column)
{
    double value;
    return slice_to_double(import_field(batch, row, column), &value) ? value : NAN;
}

/* Makes what is missing: one job for the batch. */
static bool make_missing(struct sql *sql, void *context, struct error *err)
{
    struct checkin_import *import = context;
    struct import_batch *batch = import->batch;
    int64_t area_no = registry_city(batch->platform->registry)->no, number;
    for (size_t i = 0; i < batch->row_count; i++)
        for (int v = 0; v < 2; v++) {
            struct id_table *table = v ? &import->venues : &import->persons;
            struct slice id = import_field(batch, i, v ? VENUE_ID : PERSON_ID);
            struct id_slot *slot = id.data ? slot_of(table, id) : NULL;
            if (!slot || slot->number || id.length > 128)
                continue;
            if (!registry_create_anonymous(sql, v ? REGISTRY_VENUE : REGISTRY_PERSON, area_no,
                                           batch->source, id, import_field(batch, i, CATEGORY),
                                           coordinate(batch, i, LATITUDE),
                                           coordinate(batch, i, LONGITUDE), batch->import_no,
                                           &number, err))
                return false;
            slot->number = (uint32_t)number;
        }
    return true;
}

static bool some_missing(struct import_batch *batch)
{
    struct checkin_import *import = batch->state;
    for (size_t i = 0; i < batch->row_count; i++) {
        struct slice person = import_field(batch, i, PERSON_ID);
        struct slice venue = import_field(batch, i, VENUE_ID);
        if ((person.data && !slot_of(&import->persons, person)->number) ||
            (venue.data && !slot_of(&import->venues, venue)->number))
            return true;
    }
    return false;
}

static bool read_time(struct import_batch *batch, size_t row, uint32_t *ret_seconds)
{
    struct slice text = import_field(batch, row, TIME), whole = import_field(batch, row, UNIX_TIME);
    timestamp time;
    double seconds;
    if (text.data) {
        if (!time_parse(text, &time) || time < 0 || time / SECOND > UINT32_MAX)
            return import_reject(batch, row, "time",
                                 "not an RFC 3339 time between 1970 and 2106"), false;
        *ret_seconds = (uint32_t)(time / SECOND);
        return true;
    }
    if (!slice_to_double(whole, &seconds) || seconds < 0 || seconds > UINT32_MAX)
        return import_reject(batch, row, "unix_time",
                             whole.data ? "not seconds between 1970 and 2106" : "missing"), false;
    *ret_seconds = (uint32_t)seconds;
    return true;
}

/* False where the row was rejected. */
static bool read_event(struct import_batch *batch, size_t row, struct presence_event *event)
{
    struct checkin_import *import = batch->state;
    struct slice person = import_field(batch, row, PERSON_ID);
    struct slice venue = import_field(batch, row, VENUE_ID);
    struct slice mode = import_field(batch, row, MODE);
    struct slice evidence = import_field(batch, row, EVIDENCE);
    if (!person.data || !venue.data || person.length > 128 || venue.length > 128)
        return import_reject(batch, row,
                             !person.data || person.length > 128 ? "person_id" : "venue_id",
                             "1 to 128 bytes are needed"), false;
    event->person = slot_of(&import->persons, person)->number;
    event->venue = slot_of(&import->venues, venue)->number;
    if (!event->person || !event->venue)
        return import_reject(batch, row, event->person ? "venue_id" : "person_id",
                             "unknown in this source; --create-missing makes it"), false;
    int mode_no = mode.data ? scan_mode_of(mode) : SCAN_IMPORTED;
    int evidence_no = evidence.data ? scan_evidence_of(evidence) : SCAN_CLAIMED;
    if (mode_no < 0 || evidence_no < 0)
        return import_reject(batch, row, mode_no < 0 ? "mode" : "evidence", "unknown value"),
               false;
    event->flags = scan_flags((enum scan_mode)mode_no, (enum scan_evidence)evidence_no, SCAN_PASS);
    return read_time(batch, row, &event->time);
}

static bool apply(struct import_batch *batch, struct sql *sql, struct error *err)
{
    (void)sql;
    struct checkin_import *import = batch->state;
    import->batch = batch;
    if (!look_up_ids(batch, err))
        return false;
    if (batch->create_missing && !batch->dry_run && some_missing(batch) &&
        !store_write(batch->platform->store, make_missing, import, err))
        return false;
    struct presence_event *events = arena_alloc(batch->arena, batch->row_count * sizeof *events);
    size_t count = 0;
    for (size_t i = 0; i < batch->row_count; i++)
        count += read_event(batch, i, &events[count]);
    return batch->dry_run || presence_bulk_add(import->bulk, events, count, err);
}

static bool undo(struct platform *platform, struct sql *sql, int64_t import_no,
                 int64_t *ret_removed, struct error *err)
{
    (void)sql;
    return presence_undo(platform->presence, (uint16_t)import_no, ret_removed, err);
}

const struct import_kind import_checkins = {.name = "checkins",
                                            .words = "who was where, when",
                                            .columns = columns,
                                            .begin = begin,
                                            .end = end,
                                            .apply = apply,
                                            .direct = true,
                                            .undo = undo};

/* ---- Export: person, venue, time, mode, evidence */

struct export_state {
    const struct export_request *request;
    struct sql *sql;
    struct arena names;
    struct slice *venue_ids, *person_ids; /* by number, filled as met */
    uint32_t venue_limit, person_limit;
};

static bool id_of(struct export_state *state, enum registry_kind kind, uint32_t number,
                  struct slice **ids, uint32_t *limit, struct slice *ret_id, struct error *err)
{
    if (number >= *limit) {
        uint32_t grown = number + number / 2 + 1024;
        *ids = x_realloc(*ids, grown * sizeof **ids);
        memset(*ids + *limit, 0, (grown - *limit) * sizeof **ids);
        *limit = grown;
    }
    struct slice *id = &(*ids)[number];
    if (!id->data) {
        if (!registry_external_id(state->sql, kind, state->request->source, number,
                                  &state->names, id, err))
            return false;
        if (!id->data) {
            char *text = arena_print(&state->names, "#%u", number);
            *id = slice_of(text);
        }
    }
    *ret_id = *id;
    return true;
}

static bool write_events(void *context, const struct presence_event *events, size_t count,
                         struct error *err)
{
    struct export_state *state = context;
    for (size_t i = 0; i < count; i++) {
        char time[TIME_TEXT_BYTES];
        struct slice person, venue;
        if (!id_of(state, REGISTRY_PERSON, events[i].person, &state->person_ids,
                   &state->person_limit, &person, err) ||
            !id_of(state, REGISTRY_VENUE, events[i].venue, &state->venue_ids,
                   &state->venue_limit, &venue, err))
            return false;
        time_format(events[i].time * SECOND, time);
        const struct slice fields[] = {
            person, venue, slice_of(time),
            slice_of(scan_mode_name(scan_flags_mode(events[i].flags))),
            slice_of(scan_evidence_name(scan_flags_evidence(events[i].flags)))};
        export_row(state->request->out, fields, 5);
    }
    *state->request->rows += (int64_t)count;
    return true;
}

static bool export_run(const struct export_request *request, struct error *err)
{
    struct export_state state = {.request = request};
    struct presence_view *view = NULL;
    arena_init(&state.names, (size_t)8 << 30);
    bool done = store_read_begin(request->platform->store, &state.sql, err) &&
                presence_view_begin(request->platform->presence, &view, err);
    if (done) {
        fprintf(request->out, "person,venue,time,mode,evidence\n");
        done = presence_scan(view, request->from, request->to, write_events, &state, err);
    }
    presence_view_end(view);
    store_read_end(request->platform->store, state.sql);
    arena_release(&state.names);
    free(state.venue_ids);
    free(state.person_ids);
    return done;
}

const struct export_kind export_checkins = {"checkins", "who was where, when", export_run};
