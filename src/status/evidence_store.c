/* Evidence in SQL: adding, and reading back. Rows are added and never changed, so that a past
 * decision can be derived again as it was taken; only taking a whole import back removes rows.
 * Each is sealed as it is added (seal.h), and what is not under the seal is not read. */
#include <stdlib.h>

#include "status/seal.h"
#include "status/status_internal.h"

enum { PIECES_A_PERSON_MAX = 4096, APPROVERS_BYTES_MAX = 1 << 16 };

const struct sql_text evidence_insert_text = {
    "evidence_insert",
    "INSERT INTO evidence (evidence_no, person_no, area_no, kind, recorded_at, at, until_at, of_no,"
    " detail, tube_size, import_no, reason_code, requester, approvers, source, external_id)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    "primary key"};
const struct sql_text evidence_insert_plain_text = {
    "evidence_insert_plain",
    "INSERT INTO evidence (evidence_no, person_no, area_no, kind, recorded_at, at, until_at, of_no,"
    " detail, tube_size, import_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    "primary key"};
const struct sql_text evidence_select_text = {
    "evidence_select",
    "SELECT " EVIDENCE_COLUMNS " FROM evidence WHERE person_no = ?1 ORDER BY evidence_no",
    "evidence_by_person"};
const struct sql_text evidence_range_text = {
    "evidence_range",
    "SELECT " EVIDENCE_COLUMNS " FROM evidence WHERE person_no BETWEEN ?1 AND ?2"
    " ORDER BY person_no, evidence_no",
    "evidence_by_person"};
const struct sql_text evidence_owner_text = {
    "evidence_owner", "SELECT person_no FROM evidence WHERE evidence_no = ?1", "primary key"};
const struct sql_text evidence_count_text = {
    "evidence_count", "SELECT count(*) FROM evidence WHERE person_no = ?1",
    "evidence_by_person"};
const struct sql_text evidence_person_area_text = {
    "evidence_person_area", "SELECT area_no FROM person WHERE person_no = ?1", "primary key"};

/* ---- Adding */

bool evidence_no_such_person(struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                     "the number of a person", "no such person");
}

static bool missing(const char *field, struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){"evidence", 0, field},
                     "a name without semicolon", "missing or not a name");
}

static bool is_name(struct slice text)
{
    return text.length && text.length <= 200 && !memchr(text.data, ';', text.length) &&
           slice_is_utf8(text);
}

bool evidence_complete(const struct evidence *piece, struct error *err)
{
    if (!evidence_check(piece, "evidence", 0, err))
        return false;
    if (piece->kind != EVIDENCE_OVERRIDE)
        return true;
    if (!is_name(piece->reason_code))
        return missing("reason_code", err);
    if (!is_name(piece->requester))
        return missing("requester", err);
    for (size_t i = 0; i < piece->approver_count; i++)
        if (!is_name(piece->approvers[i]))
            return missing("approvers", err);
    return (piece->approver_count >= 1 && piece->approver_count <= 100) ||
           missing("approvers", err);
}

static void approvers_write(const struct evidence *piece, struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_array_begin(&writer);
    for (size_t i = 0; i < piece->approver_count; i++)
        json_put_text(&writer, piece->approvers[i]);
    json_array_end(&writer);
    json_writer_release(&writer);
}

/* Binds the row as it will be sealed: what is hashed is what is written. */
static bool insert_row(struct evidence_sealer *sealer, const struct sealed_row *row,
                       struct error *err)
{
    struct sql_value values[SEALED_NUMBERS + SEALED_TEXTS];
    bool plain = true;
    for (int i = 0; i < SEALED_NUMBERS; i++)
        values[i] = sql_time(row->numbers[i]);
    for (int i = 0; i < SEALED_TEXTS; i++) {
        values[SEALED_NUMBERS + i] = sql_text(row->texts[i]);
        plain = plain && !row->texts[i].data;
    }
    return sql_run(sealer->sql, plain ? &evidence_insert_plain_text : &evidence_insert_text, values,
                   plain ? SEALED_NUMBERS : SEALED_NUMBERS + SEALED_TEXTS, err) &&
           evidence_seal_row(sealer, row, err);
}

bool evidence_insert(struct evidence_sealer *sealer, struct person_no person, int64_t area_no,
                     const struct evidence *piece, const struct evidence_origin *origin,
                     int64_t *ret_no, struct error *err)
{
    struct buffer approvers;
    int64_t no;
    if (!evidence_seal_next(sealer, &no, err))
        return false;
    struct sealed_row row = {
        .numbers = {no, person.n, area_no, piece->kind, piece->recorded_at, piece->at,
                    piece->until, piece->of, piece->detail, piece->tube_size, sealer->import_no},
        .texts = {[4] = origin->external_id}};
    if (origin->external_id.data)
        row.texts[3] = origin->source;
    buffer_init(&approvers, APPROVERS_BYTES_MAX);
    if (piece->kind == EVIDENCE_OVERRIDE) {
        approvers_write(piece, &approvers);
        row.texts[0] = piece->reason_code;
        row.texts[1] = piece->requester;
        row.texts[2] = buffer_slice(&approvers);
    }
    REQUIRE(!approvers.overflow);
    bool done = insert_row(sealer, &row, err);
    buffer_release(&approvers);
    if (done)
        *ret_no = no;
    return done;
}

bool evidence_emit(struct sql *sql, struct person_no person, int64_t area_no,
                   const struct evidence *piece, int64_t no, struct error *err)
{
    char payload[96];
    int length = snprintf(payload, sizeof payload, "{\"kind\":\"%s\",\"evidence\":%lld}",
                          evidence_form(piece->kind)->name, (long long)no);
    struct event event = {.kind = SLICE("evidence.recorded"),
                          .subject_no = person.n,
                          .area_no = area_no,
                          .at = piece->at,
                          .payload = {payload, (size_t)length}};
    return event_emit(sql, &event, err);
}

bool evidence_person_area(struct sql *sql, struct person_no person, int64_t *ret_area,
                          bool *ret_known, struct error *err)
{
    if (!sql_one_int(sql, &evidence_person_area_text, SQL_ARGUMENTS(sql_int(person.n)), -1,
                     ret_area, err))
        return false;
    *ret_known = *ret_area >= 0;
    return true;
}

bool evidence_has_room(struct sql *sql, struct person_no person, bool *ret_room,
                       struct error *err)
{
    int64_t count;
    if (!sql_one_int(sql, &evidence_count_text, SQL_ARGUMENTS(sql_int(person.n)), 0, &count, err))
        return false;
    *ret_room = count < PIECES_A_PERSON_MAX;
    return true;
}

static bool check_reference(struct sql *sql, struct person_no person,
                            const struct evidence *piece, struct error *err)
{
    int64_t owner = 0;
    if (!evidence_form(piece->kind)->refers)
        return true;
    if (!sql_one_int(sql, &evidence_owner_text, SQL_ARGUMENTS(sql_int(piece->of)), 0, &owner,
                     err))
        return false;
    return owner == person.n ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){"evidence", 0, "of"},
                     "the number of a piece about the same person", "no such piece");
}

bool evidence_add(struct sql *sql, struct person_no person, int64_t area_no,
                  const struct evidence *piece, struct slice external_id, int64_t *ret_no,
                  struct error *err)
{
    struct evidence_origin origin = {SLICE("default"),
                                     external_id.length ? external_id : (struct slice){NULL, 0}};
    struct evidence_sealer sealer = {.sql = sql};
    int64_t lives_in, no;
    bool known, room;
    if (!evidence_complete(piece, err) ||
        !evidence_person_area(sql, person, &lives_in, &known, err) ||
        (!known && !evidence_no_such_person(err)) ||
        !check_reference(sql, person, piece, err) ||
        !evidence_has_room(sql, person, &room, err))
        return false;
    if (!room)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "evidence"},
                         "at most 4096 pieces about one person", "too many pieces");
    if (!evidence_insert(&sealer, person, area_no, piece, &origin, &no, err)) {
        evidence_seal_abandon(&sealer);
        return false;
    }
    if (!evidence_seal_end(&sealer, err) ||
        !evidence_emit(sql, person, area_no, piece, no, err))
        return false;
    *ret_no = no;
    return true;
}

/* ---- Reading back */

static struct slice arena_slice(struct arena *arena, struct slice text)
{
    if (!text.data)
        return text;
    return (struct slice){arena_copy(arena, text.data, text.length), text.length};
}

/* Rows are our own; a damaged list reads as no approvers, which makes the override ignored. */
static void read_approvers(struct slice text, struct arena *arena, struct evidence *piece)
{
    struct error ignored;
    json_t *list;
    if (!text.data || !json_read(text, "approvers", &list, &ignored))
        return;
    size_t count = json_array_size(list);
    struct slice *names = arena_alloc(arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        json_t *name = json_array_get(list, i);
        names[i] = arena_slice(arena, (struct slice){json_string_value(name),
                                                     json_string_length(name)});
    }
    piece->approvers = names;
    piece->approver_count = count;
    json_decref(list);
}

void evidence_read_row(struct sql_query *query, struct arena *arena, struct evidence *piece)
{
    *piece = (struct evidence){.no = sql_get_int(query, 0),
                               .kind = (enum evidence_kind)sql_get_int(query, 1),
                               .recorded_at = sql_get_int(query, 2),
                               .at = sql_get_int(query, 3),
                               .until = sql_get_time(query, 4),
                               .of = sql_get_int(query, 5),
                               .detail = (uint8_t)sql_get_int(query, 6),
                               .tube_size = (uint16_t)sql_get_int(query, 7)};
    if (piece->kind != EVIDENCE_OVERRIDE)
        return;
    piece->reason_code = arena_slice(arena, sql_get_text(query, 8));
    piece->requester = arena_slice(arena, sql_get_text(query, 9));
    read_approvers(sql_get_text(query, 10), arena, piece);
}

static bool read_within(struct sql *sql, struct person_no person,
                        const struct evidence_bounds *bounds, struct arena *arena,
                        struct evidence **ret_pieces, size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    size_t count = 0, capacity = 8;
    struct evidence *pieces = arena_alloc(arena, capacity * sizeof *pieces);
    bool row;
    if (!sql_begin(sql, &evidence_select_text, SQL_ARGUMENTS(sql_int(person.n)), &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            break;
        if (!evidence_within(bounds, sql_get_int(query, 0)))
            continue;
        if (count == capacity) {
            capacity *= 2;
            struct evidence *grown = arena_alloc(arena, capacity * sizeof *grown);
            memcpy(grown, pieces, count * sizeof *grown);
            pieces = grown;
        }
        evidence_read_row(query, arena, &pieces[count++]);
    }
    *ret_pieces = pieces;
    *ret_count = count;
    return true;
}

bool evidence_of_person(struct sql *sql, struct person_no person, struct arena *arena,
                        struct evidence **ret_pieces, size_t *ret_count, struct error *err)
{
    struct evidence_bounds bounds;
    if (!evidence_bounds_read(sql, &bounds, err))
        return false;
    bool done = read_within(sql, person, &bounds, arena, ret_pieces, ret_count, err);
    evidence_bounds_release(&bounds);
    return done;
}

struct gathering {
    struct evidence *pieces; /* of one person; grows with it */
    size_t count, capacity;
    struct evidence_bounds bounds;
    struct arena arena;
};

static bool gather(struct gathering *g, struct sql_query *query,
                   void (*visit)(void *context, struct person_no person,
                                 const struct evidence *pieces, size_t count,
                                 struct arena *arena),
                   void *context, struct error *err)
{
    struct person_no person = {0};
    bool row;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (row && !evidence_within(&g->bounds, sql_get_int(query, 0)))
            continue;
        struct person_no next = {
            row ? (uint32_t)sql_get_int(query, EVIDENCE_COLUMN_PERSON) : 0};
        if (g->count && next.n != person.n) {
            visit(context, person, g->pieces, g->count, &g->arena);
            arena_clear(&g->arena);
            g->count = 0;
        }
        if (!row)
            return true;
        person = next;
        if (g->count == g->capacity) {
            g->capacity = g->capacity ? g->capacity * 2 : 64;
            g->pieces = x_realloc(g->pieces, g->capacity * sizeof *g->pieces);
        }
        evidence_read_row(query, &g->arena, &g->pieces[g->count++]);
    }
}

bool evidence_each_person(struct sql *sql, uint32_t first, uint32_t last,
                          void (*visit)(void *context, struct person_no person,
                                        const struct evidence *pieces, size_t count,
                                        struct arena *arena),
                          void *context, struct error *err)
{
    struct sql_query *query;
    struct gathering g = {0};
    if (!evidence_bounds_read(sql, &g.bounds, err))
        return false;
    arena_init(&g.arena, (size_t)1 << 30);
    bool done = sql_begin(sql, &evidence_range_text,
                          SQL_ARGUMENTS(sql_int(first), sql_int(last)), &query, err) &&
                gather(&g, query, visit, context, err);
    free(g.pieces);
    evidence_bounds_release(&g.bounds);
    arena_release(&g.arena);
    return done;
}
