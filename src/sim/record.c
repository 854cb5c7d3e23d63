/* From what happened to what is known: evidence, the case register, and the tables that life goes
 * on from. A piece is recorded at its moment, not before: those of the past by one bulk job when
 * the city is made, the others by life, in the job that takes them off the list. */
#include "sim/outbreak.h"

#include <stdlib.h>

#include "contacts/contacts.h"
#include "status/status_bulk.h"

static const struct sql_text case_insert = {
    "sim_case_insert",
    "INSERT INTO case_record (case_no, area_no, person_no, kind, at, recorded_at, import_no)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
    "primary key"};
static const struct sql_text case_last = {
    "sim_case_last", "SELECT max(case_no) FROM case_record", "primary key"};
static const struct sql_text case_of_source = {
    "sim_case_of_source", "SELECT max(case_no) FROM case_record WHERE person_no = ?1",
    "case_by_person"};
static const struct sql_text infection_save = {
    "sim_infection_save",
    "INSERT INTO demo_infection (person_no, infector_no, venue_no, infected_at, infectious_at,"
    " ends_at, onset_at, swabbed_at, removed_at, recorded_at, traced_at, spread_day, stage, swab)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    " ON CONFLICT (person_no) DO UPDATE SET swabbed_at = excluded.swabbed_at,"
    " removed_at = excluded.removed_at, recorded_at = excluded.recorded_at,"
    " traced_at = excluded.traced_at, spread_day = excluded.spread_day, stage = excluded.stage,"
    " swab = excluded.swab",
    "primary key"};
static const struct sql_text infection_all = {
    "sim_infection_all",
    "SELECT person_no, infector_no, venue_no, infected_at, infectious_at, ends_at, onset_at,"
    " swabbed_at, removed_at, recorded_at, traced_at, spread_day, stage, swab FROM demo_infection"
    " ORDER BY infected_at, person_no",
    "whole table, into memory at start"};
static const struct sql_text isolation_save = {
    "sim_isolation_save",
    "INSERT INTO demo_isolation (isolation_no, person_no, from_at, until_at)"
    " VALUES (?1, ?2, ?3, ?4)",
    "primary key"};
static const struct sql_text isolation_all = {
    "sim_isolation_all",
    "SELECT person_no, from_at, until_at FROM demo_isolation ORDER BY isolation_no",
    "whole table, by primary key, at the start of life"};
static const struct sql_text piece_save = {
    "sim_piece_save",
    "INSERT INTO demo_piece (person_no, kind, detail, tube_size, symptomatic, recorded_at, at,"
    " until_at, source_no, via_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    "primary key"};
static const struct sql_text piece_due = {
    "sim_piece_due",
    "SELECT piece_no, person_no, kind, detail, tube_size, symptomatic, recorded_at, at, until_at,"
    " source_no, via_no FROM demo_piece WHERE recorded_at <= ?1 ORDER BY recorded_at, piece_no"
    " LIMIT ?2",
    "demo_piece_by_time"};
static const struct sql_text piece_done = {
    "sim_piece_done", "DELETE FROM demo_piece WHERE piece_no = ?1", "primary key"};
static const struct sql_text piece_cancel = {
    "sim_piece_cancel", "DELETE FROM demo_piece WHERE person_no = ?1 AND kind = ?2 AND at >= ?3",
    "demo_piece_by_person"};
static const struct sql_text case_external = {
    "sim_case_external",
    "INSERT INTO external_id (kind, source_no, id, no, import_no) VALUES (7, 1, ?1, ?2, 0)",
    "external_id_by_id"};

const struct sql_list record_statements = SQL_LIST(
    &case_insert, &case_last, &case_of_source, &infection_save, &infection_all, &isolation_save,
    &isolation_all, &piece_save, &piece_due, &piece_done, &piece_cancel, &case_external);

static timestamp stamp(int64_t second)
{
    return second == FOREVER ? TIMESTAMP_NONE : second * SECOND;
}

static struct evidence evidence_of(const struct piece *piece)
{
    return (struct evidence){.kind = (enum evidence_kind)piece->kind,
                             .recorded_at = stamp(piece->recorded_at),
                             .at = stamp(piece->at),
                             .until = stamp(piece->until),
                             .detail = piece->detail,
                             .tube_size = piece->tube_size};
}

static bool record_case(struct sql *sql, const struct city *city, const struct piece *piece,
                        struct error *err)
{
    int64_t last;
    char id[24];
    if (!sql_one_int(sql, &case_last, NULL, 0, 0, &last, err))
        return false;
    snprintf(id, sizeof id, "c%04lld", (long long)last + 1);
    struct slice kind = piece->symptomatic ? SLICE("case") : SLICE("asymptomatic");
    return sql_run(sql, &case_insert,
                   SQL_ARGUMENTS(sql_int(last + 1), sql_int(city_area_of(city, piece->person)),
                                 sql_int(piece->person), sql_text(kind),
                                 sql_int(stamp(piece->at)), sql_int(stamp(piece->recorded_at))),
                   err) &&
           sql_run(sql, &case_external,
                   SQL_ARGUMENTS(sql_text(slice_of(id)), sql_int(last + 1)), err);
}

/* A contact is found after the case that it is of was recorded. */
static bool record_contact(struct sql *sql, const struct piece *piece, struct error *err)
{
    int64_t case_no;
    if (!sql_one_int(sql, &case_of_source, SQL_ARGUMENTS(sql_int(piece->source)), 0, &case_no, err))
        return false;
    struct case_contact contact = {
        .case_no = case_no,
        .person = piece->person,
        .via = piece->via,
        .level = piece->kind == EVIDENCE_CLOSE_CONTACT ? CONTACT_CLOSE : CONTACT_SECONDARY,
        .last_exposure_at = stamp(piece->at),
        .known_at = stamp(piece->recorded_at)};
    return !case_no || contact_add(sql, &contact, err);
}

/* What beside the evidence a piece leaves in the registers. */
static bool record_found(struct sql *sql, const struct city *city, const struct piece *piece,
                         struct error *err)
{
    if (piece->kind == EVIDENCE_CASE)
        return record_case(sql, city, piece, err);
    return !piece->source || record_contact(sql, piece, err);
}

/* ---- The past, when the city is made */

struct recording {
    struct outbreak *outbreak;
    int32_t first_day;
    int64_t now;
};

/* Negatives of the rounds that reported by now. A tube that was positive has its own pieces: its
 * members were isolated when it was reported. */
static bool record_rounds(const struct recording *recording, struct evidence_bulk *bulk,
                          uint32_t person, int64_t area_no, struct error *err)
{
    const struct outbreak *outbreak = recording->outbreak;
    const struct city *city = outbreak->city;
    struct profile profile = city_profile(city, person);
    uint32_t count;
    int64_t swab, next = time_day_start_seconds(recording->first_day);
    screening_tube(city, person, &count);
    while (screening_next(city, person, profile, next, &swab)) {
        int64_t reported = screening_reported(city, person, swab);
        next = swab + 1;
        if (reported > recording->now)
            break;
        if (outbreak_touches(outbreak, person) &&
            (outbreak_isolated(outbreak, person, swab, NULL) ||
             outbreak_isolated(outbreak, person, reported, NULL)))
            continue;
        struct evidence piece = {.kind = EVIDENCE_PCR,
                                 .recorded_at = stamp(reported),
                                 .at = stamp(swab),
                                 .until = stamp(reported),
                                 .detail = RESULT_NEGATIVE,
                                 .tube_size = (uint16_t)count};
        if (!evidence_bulk_add(bulk, (struct person_no){person}, area_no, &piece, err))
            return false;
    }
    return true;
}

static int by_moment(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->recorded_at != y->recorded_at)
        return x->recorded_at < y->recorded_at ? -1 : 1;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static bool record_pieces(const struct recording *recording, struct sql *sql,
                          struct evidence_bulk *bulk, struct error *err)
{
    struct outbreak *outbreak = recording->outbreak;
    size_t i = 0;
    if (outbreak->piece_count)
        qsort(outbreak->pieces, outbreak->piece_count, sizeof *outbreak->pieces, by_moment);
    for (; i < outbreak->piece_count && outbreak->pieces[i].recorded_at <= recording->now; i++) {
        const struct piece *piece = &outbreak->pieces[i];
        struct evidence evidence = evidence_of(piece);
        if (!evidence_bulk_add(bulk, (struct person_no){piece->person},
                               city_area_of(outbreak->city, piece->person), &evidence, err) ||
            !record_found(sql, outbreak->city, piece, err))
            return false;
    }
    outbreak->saved_pieces = i; /* the rest is still to come */
    return true;
}

static bool record_past(struct sql *sql, void *context, struct error *err)
{
    struct recording *recording = context;
    struct outbreak *outbreak = recording->outbreak;
    const struct city *city = outbreak->city;
    struct evidence_bulk *bulk;
    int64_t count;
    if (!evidence_bulk_begin(sql, &bulk, err))
        return false;
    bool done = true;
    for (size_t t = 0; done && t < city->town_count; t++) {
        const struct town *town = &city->towns[t];
        for (uint32_t k = 0; done && k < town->person_count; k++)
            done = record_rounds(recording, bulk, town->first_person + k, town->area_no, err);
    }
    if (!done || !record_pieces(recording, sql, bulk, err)) {
        evidence_bulk_abandon(bulk);
        return false;
    }
    char people[24], reported[24];
    snprintf(people, sizeof people, "%u", city->person_count);
    snprintf(reported, sizeof reported, "%lld", (long long)recording->now);
    return evidence_bulk_end(bulk, &count, err) && outbreak_save(outbreak, sql, err) &&
           store_setting_set(sql, "demo_people", slice_of(people), err) &&
           store_setting_set(sql, "demo_reported", slice_of(reported), err);
}

bool outbreak_record(struct outbreak *outbreak, int32_t first_day, int64_t now, struct error *err)
{
    struct recording recording = {outbreak, first_day, now};
    return store_write_unsynced(outbreak->city->platform->store, record_past, &recording, err);
}

/* ---- Saving and loading */

static bool save_infection(struct sql *sql, const struct infection *i, struct error *err)
{
    return sql_run(sql, &infection_save,
                   SQL_ARGUMENTS(sql_int(i->person), sql_int(i->infector), sql_int(i->venue),
                                 sql_int(i->infected_at), sql_int(i->infectious_at),
                                 sql_int(i->ends_at), sql_int(i->onset_at),
                                 sql_int(i->swabbed_at), sql_int(i->removed_at),
                                 sql_int(i->recorded_at), sql_int(i->traced_at),
                                 sql_int(i->spread_day), sql_int(i->stage), sql_int(i->swab)),
                   err);
}

static bool save_piece(struct sql *sql, const struct piece *piece, struct error *err)
{
    return sql_run(sql, &piece_save,
                   SQL_ARGUMENTS(sql_int(piece->person), sql_int(piece->kind),
                                 sql_int(piece->detail), sql_int(piece->tube_size),
                                 sql_int(piece->symptomatic), sql_int(piece->recorded_at),
                                 sql_int(piece->at), sql_int(piece->until), sql_int(piece->source),
                                 sql_int(piece->via)),
                   err);
}

bool outbreak_save(struct outbreak *outbreak, struct sql *sql, struct error *err)
{
    bool done = true;
    for (size_t i = 0; done && i < outbreak->count; i++)
        if (outbreak->infections[i].changed)
            done = save_infection(sql, &outbreak->infections[i], err);
    for (size_t i = outbreak->saved_isolations; done && i < outbreak->isolation_count; i++) {
        const struct isolation *isolation = &outbreak->isolations[i];
        done = sql_run(sql, &isolation_save,
                       SQL_ARGUMENTS(sql_int((int64_t)i), sql_int(isolation->person),
                                     sql_int(isolation->from), sql_int(isolation->until)),
                       err);
    }
    for (size_t i = 0; done && i < outbreak->cancel_count; i++)
        done = sql_run(sql, &piece_cancel,
                       SQL_ARGUMENTS(sql_int(outbreak->cancels[i].person), sql_int(EVIDENCE_PCR),
                                     sql_int(outbreak->cancels[i].from)),
                       err);
    for (size_t i = outbreak->saved_pieces; done && i < outbreak->piece_count; i++)
        done = save_piece(sql, &outbreak->pieces[i], err);
    if (!done)
        return false;
    for (size_t i = 0; i < outbreak->count; i++)
        outbreak->infections[i].changed = false;
    outbreak->saved_isolations = outbreak->isolation_count;
    outbreak->piece_count = outbreak->saved_pieces = 0; /* they lie in the database now */
    outbreak->cancel_count = 0;
    return true;
}

static bool load_infections(struct outbreak *outbreak, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    bool row, done;
    if (!sql_begin(sql, &infection_all, NULL, 0, &query, err))
        return false;
    while ((done = sql_next(query, &row, err)) && row) {
        if (outbreak->count == outbreak->capacity) {
            outbreak->capacity = outbreak->capacity ? outbreak->capacity * 2 : 256;
            outbreak->infections = x_realloc(
                outbreak->infections, outbreak->capacity * sizeof *outbreak->infections);
        }
        outbreak->infections[outbreak->count++] =
            (struct infection){.person = (uint32_t)sql_get_int(query, 0),
                               .infector = (uint32_t)sql_get_int(query, 1),
                               .venue = (uint32_t)sql_get_int(query, 2),
                               .infected_at = sql_get_int(query, 3),
                               .infectious_at = sql_get_int(query, 4),
                               .ends_at = sql_get_int(query, 5),
                               .onset_at = sql_get_int(query, 6),
                               .swabbed_at = sql_get_int(query, 7),
                               .removed_at = sql_get_int(query, 8),
                               .recorded_at = sql_get_int(query, 9),
                               .traced_at = sql_get_int(query, 10),
                               .spread_day = (int32_t)sql_get_int(query, 11),
                               .stage = (uint8_t)sql_get_int(query, 12),
                               .swab = (uint8_t)sql_get_int(query, 13)};
    }
    return done;
}

bool outbreak_load(const struct city *city, struct sql *sql, struct outbreak **ret_outbreak,
                   struct error *err)
{
    struct outbreak *outbreak = outbreak_create(city);
    struct sql_query *query;
    bool row, done = load_infections(outbreak, sql, err) &&
                     sql_begin(sql, &isolation_all, NULL, 0, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        outbreak_isolate(outbreak, (uint32_t)sql_get_int(query, 0), sql_get_int(query, 1),
                         sql_get_int(query, 2));
    if (!done) {
        outbreak_free(outbreak);
        return false;
    }
    outbreak->saved_isolations = outbreak->isolation_count;
    *ret_outbreak = outbreak;
    return true;
}

/* ---- What has come due */

enum { DUE_MAX = 1024 };

static bool read_due(struct sql *sql, int64_t now, int64_t max, int64_t nos[DUE_MAX],
                     struct piece pieces[DUE_MAX], size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    bool row, done;
    *ret_count = 0;
    if (!sql_begin(sql, &piece_due, SQL_ARGUMENTS(sql_int(now), sql_int(max)), &query, err))
        return false;
    while ((done = sql_next(query, &row, err)) && row) {
        nos[*ret_count] = sql_get_int(query, 0);
        pieces[(*ret_count)++] = (struct piece){.person = (uint32_t)sql_get_int(query, 1),
                                                .kind = (uint8_t)sql_get_int(query, 2),
                                                .detail = (uint8_t)sql_get_int(query, 3),
                                                .tube_size = (uint16_t)sql_get_int(query, 4),
                                                .symptomatic = sql_get_int(query, 5) != 0,
                                                .recorded_at = sql_get_int(query, 6),
                                                .at = sql_get_int(query, 7),
                                                .until = sql_get_int(query, 8),
                                                .source = (uint32_t)sql_get_int(query, 9),
                                                .via = (uint32_t)sql_get_int(query, 10)};
    }
    return done;
}

bool outbreak_record_due(const struct city *city, struct sql *sql, int64_t now, int64_t max,
                         int64_t *ret_count, struct error *err)
{
    int64_t nos[DUE_MAX];
    struct piece pieces[DUE_MAX];
    size_t count;
    if (!read_due(sql, now, max < DUE_MAX ? max : DUE_MAX, nos, pieces, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct evidence evidence = evidence_of(&pieces[i]);
        int64_t no;
        if (!evidence_add(sql, (struct person_no){pieces[i].person},
                          city_area_of(city, pieces[i].person), &evidence, (struct slice){NULL, 0},
                          &no, err) ||
            !record_found(sql, city, &pieces[i], err) ||
            !sql_run(sql, &piece_done, SQL_ARGUMENTS(sql_int(nos[i])), err))
            return false;
    }
    *ret_count = (int64_t)count;
    return true;
}
