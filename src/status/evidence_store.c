/* Evidence in SQL: adding, reading back, importing, exporting. */
#include <stdlib.h>

#include "registry/registry.h"
#include "status/status_internal.h"

static const struct sql_text evidence_insert = {
    "evidence_insert",
    "INSERT INTO evidence (person_no, area_no, kind, recorded_at, at, until_at, of_no, detail,"
    " tube_size, extra, external_id, import_no)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    "primary key"};
static const struct sql_text evidence_last = {
    "evidence_last", "SELECT max(evidence_no) FROM evidence", "primary key"};
static const struct sql_text evidence_select = {
    "evidence_select",
    "SELECT evidence_no, kind, recorded_at, at, until_at, of_no, detail, tube_size, extra"
    " FROM evidence WHERE person_no = ?1 ORDER BY evidence_no",
    "evidence_by_person"};
static const struct sql_text evidence_all = {
    "evidence_all",
    "SELECT evidence_no, kind, recorded_at, at, until_at, of_no, detail, tube_size, extra,"
    " person_no FROM evidence ORDER BY person_no, evidence_no",
    "evidence_by_person"};
static const struct sql_text evidence_by_id = {
    "evidence_by_id", "SELECT evidence_no FROM evidence WHERE external_id = ?1",
    "evidence_by_external_id"};
static const struct sql_text evidence_undo = {
    "evidence_undo", "DELETE FROM evidence WHERE import_no = ?1", "whole table"};
static const struct sql_text person_area = {
    "person_area", "SELECT area_no FROM person WHERE person_no = ?1", "primary key"};

bool evidence_insert_row(struct sql *sql, struct person_no person, int64_t area_no,
                         const struct evidence *piece, struct slice external_id,
                         int64_t import_no, struct error *err)
{
    struct buffer extra;
    buffer_init(&extra, 1 << 16);
    if (piece->kind == EVIDENCE_OVERRIDE) {
        struct json_writer writer;
        json_writer_init(&writer, &extra);
        json_object_begin(&writer);
        json_field_text(&writer, "reason_code", piece->reason_code);
        json_field_text(&writer, "requester", piece->requester);
        json_key(&writer, "approvers");
        json_array_begin(&writer);
        for (size_t i = 0; i < piece->approver_count; i++)
            json_put_text(&writer, piece->approvers[i]);
        json_array_end(&writer);
        json_object_end(&writer);
        json_writer_release(&writer);
    }
    bool done = sql_run(
        sql, &evidence_insert,
        SQL_ARGUMENTS(sql_int(person.n), sql_int(area_no), sql_int(piece->kind),
                      sql_int(piece->recorded_at), sql_int(piece->at), sql_time(piece->until),
                      sql_int(piece->of), sql_int(piece->detail), sql_int(piece->tube_size),
                      extra.length ? sql_text(buffer_slice(&extra)) : sql_null(),
                      sql_text(external_id), sql_int(import_no)),
        err);
    buffer_release(&extra);
    return done;
}

bool evidence_add(struct sql *sql, struct person_no person, int64_t area_no,
                  const struct evidence *piece, struct slice external_id, int64_t *ret_no,
                  struct error *err)
{
    struct event event = {.kind = SLICE("evidence.recorded"), .subject_no = person.n,
                          .area_no = area_no, .at = piece->at};
    return evidence_check(piece, "evidence", 0, err) &&
           evidence_insert_row(sql, person, area_no, piece, external_id, 0, err) &&
           sql_one_int(sql, &evidence_last, NULL, 0, 0, ret_no, err) &&
           event_emit(sql, &event, err);
}

static void read_extra(struct slice extra, struct arena *arena, struct evidence *piece)
{
    struct error ignored;
    json_t *document;
    if (!extra.data || !json_read(extra, "extra", &document, &ignored))
        return;
    json_t *approvers = json_object_get(document, "approvers");
    struct slice *names = arena_alloc(arena, (json_array_size(approvers) + 1) * sizeof *names);
    const char *code = json_string_value(json_object_get(document, "reason_code"));
    const char *requester = json_string_value(json_object_get(document, "requester"));
    piece->reason_code = slice_of(arena_print(arena, "%s", code ? code : ""));
    piece->requester = slice_of(arena_print(arena, "%s", requester ? requester : ""));
    for (size_t i = 0; i < json_array_size(approvers); i++) {
        const char *name = json_string_value(json_array_get(approvers, i));
        names[i] = slice_of(arena_print(arena, "%s", name ? name : ""));
    }
    piece->approvers = names;
    piece->approver_count = json_array_size(approvers);
    json_decref(document);
}

static void read_piece(struct sql_query *query, struct arena *arena, struct evidence *piece)
{
    *piece = (struct evidence){.no = sql_get_int(query, 0),
                               .kind = (enum evidence_kind)sql_get_int(query, 1),
                               .recorded_at = sql_get_int(query, 2),
                               .at = sql_get_int(query, 3),
                               .until = sql_get_time(query, 4),
                               .of = sql_get_int(query, 5),
                               .detail = (uint8_t)sql_get_int(query, 6),
                               .tube_size = (uint16_t)sql_get_int(query, 7)};
    if (piece->kind == EVIDENCE_OVERRIDE)
        read_extra(sql_get_text(query, 8), arena, piece);
}

bool evidence_of_person(struct sql *sql, struct person_no person, struct arena *arena,
                        struct evidence **ret_pieces, size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    struct evidence *pieces = NULL;
    size_t count = 0, capacity = 0;
    if (!sql_begin(sql, &evidence_select, SQL_ARGUMENTS(sql_int(person.n)), &query, err))
        return false;
    for (bool row;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            break;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 8;
            struct evidence *grown = arena_alloc(arena, capacity * sizeof *grown);
            if (count)
                memcpy(grown, pieces, count * sizeof *grown);
            pieces = grown;
        }
        read_piece(query, arena, &pieces[count++]);
    }
    *ret_pieces = pieces;
    *ret_count = count;
    return true;
}

bool evidence_each_person(struct sql *sql,
                          void (*visit)(void *context, struct person_no person,
                                        const struct evidence *pieces, size_t count,
                                        struct arena *arena),
                          void *context, struct error *err)
{
    enum { PIECES_MAX = 4096 };
    struct sql_query *query;
    if (!sql_begin(sql, &evidence_all, NULL, 0, &query, err))
        return false;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 30);
    struct evidence *pieces = x_alloc(PIECES_MAX, sizeof *pieces);
    size_t count = 0;
    struct person_no person = {0};
    bool done, row;
    while ((done = sql_next(query, &row, err)) && row) {
        struct person_no next = {(uint32_t)sql_get_int(query, 9)};
        if (next.n != person.n && count) {
            visit(context, person, pieces, count, &arena);
            arena_clear(&arena);
            count = 0;
        }
        person = next;
        if (count < PIECES_MAX)
            read_piece(query, &arena, &pieces[count++]);
    }
    if (done && count)
        visit(context, person, pieces, count, &arena);
    free(pieces);
    arena_release(&arena);
    return done;
}

/* ---- import evidence */

static const struct import_column columns[] = {
    {"person_id", true, "external id of the person"},
    {"kind", true, "a kind of health evidence"},
    {"recorded_at", true, "RFC 3339"},
    {"at", true, "at, from, sampled_at, last_exposure_at, entry_at or left_at of the kind"},
    {"until", false, "reported_at, to or expires of the kind"},
    {"of", false, "evidence_id of the piece it refers to"},
    {"detail", false, "level, zone, result or colour"},
    {"tube_size", false, "1 to 100"},
    {"reason_code", false, "of an override"},
    {"requester", false, "of an override"},
    {"approvers", false, "of an override, separated by semicolons"},
    {"evidence_id", true, "external id of this piece"},
    {NULL, false, NULL}};
enum { PERSON_ID, KIND, RECORDED_AT, AT, UNTIL, OF, DETAIL, TUBE_SIZE, REASON_CODE, REQUESTER,
       APPROVERS, EVIDENCE_ID };

static bool refuse(struct import_batch *batch, size_t row, int column, const char *reason)
{
    import_reject(batch, row, columns[column].name, reason);
    return false;
}

static bool read_times(struct import_batch *batch, size_t row, struct evidence *piece)
{
    static const int at[] = {RECORDED_AT, AT, UNTIL};
    timestamp *const out[] = {&piece->recorded_at, &piece->at, &piece->until};
    for (int i = 0; i < 3; i++) {
        struct slice text = import_field(batch, row, at[i]);
        *out[i] = TIMESTAMP_NONE;
        if (text.data && !time_parse(text, out[i]))
            return refuse(batch, row, at[i], "not an RFC 3339 time with its offset");
    }
    return true;
}

static void read_approvers(struct import_batch *batch, size_t row, struct evidence *piece)
{
    struct slice text = import_field(batch, row, APPROVERS);
    struct slice *names = arena_alloc(batch->arena, (text.length + 1) * sizeof *names);
    size_t count = 0;
    while (text.length) {
        const char *stop = memchr(text.data, ';', text.length);
        size_t length = stop ? (size_t)(stop - text.data) : text.length;
        names[count++] = slice_trim((struct slice){text.data, length});
        size_t used = stop ? length + 1 : length;
        text = (struct slice){text.data + used, text.length - used};
    }
    piece->approvers = names;
    piece->approver_count = count;
    piece->reason_code = import_field(batch, row, REASON_CODE);
    piece->requester = import_field(batch, row, REQUESTER);
}

static bool read_row(struct import_batch *batch, size_t row, struct evidence *piece)
{
    struct slice kind = import_field(batch, row, KIND), detail = import_field(batch, row, DETAIL);
    struct slice tube = import_field(batch, row, TUBE_SIZE);
    int number = evidence_kind_of(kind);
    int64_t size = 0;
    struct error err;
    *piece = (struct evidence){0};
    if (!import_field(batch, row, EVIDENCE_ID).data)
        return refuse(batch, row, EVIDENCE_ID, "missing");
    if (number < 0)
        return refuse(batch, row, KIND, "unknown evidence kind");
    piece->kind = (enum evidence_kind)number;
    if (!read_times(batch, row, piece))
        return false;
    if (evidence_form(piece->kind)->detail_field) {
        int value = evidence_detail_of(piece->kind, detail);
        if (value < 0)
            return refuse(batch, row, DETAIL, "not a value of this kind");
        piece->detail = (uint8_t)value;
    }
    if (tube.data && !slice_to_int64(tube, 1, 100, &size))
        return refuse(batch, row, TUBE_SIZE, "not a whole number from 1 to 100");
    piece->tube_size = (uint16_t)size;
    if (piece->kind == EVIDENCE_OVERRIDE)
        read_approvers(batch, row, piece);
    if (evidence_check(piece, NULL, 0, &err))
        return true;
    import_reject(batch, row, err.field, err.what);
    return false;
}

static bool put_row(struct import_batch *batch, struct sql *sql, size_t row,
                    struct evidence *piece, struct error *err)
{
    int64_t person, area, known;
    struct slice of = import_field(batch, row, OF), own = import_field(batch, row, EVIDENCE_ID);
    struct slice id = slice_of(arena_print(batch->arena, "%.*s:%.*s", SLICE_ARG(batch->source),
                                           SLICE_ARG(own)));
    if (!registry_lookup(sql, REGISTRY_PERSON, batch->source,
                         import_field(batch, row, PERSON_ID), &person, err) ||
        !sql_one_int(sql, &person_area, SQL_ARGUMENTS(sql_int(person)), 0, &area, err) ||
        !sql_one_int(sql, &evidence_by_id, SQL_ARGUMENTS(sql_text(id)), 0, &known, err))
        return false;
    if (!person) {
        refuse(batch, row, PERSON_ID, "no such person in this source");
        return true;
    }
    if (known) {
        batch->result->unchanged++;
        return true;
    }
    if (evidence_form(piece->kind)->refers) {
        char *text = arena_print(batch->arena, "%.*s:%.*s", SLICE_ARG(batch->source),
                                 SLICE_ARG(of));
        if (!sql_one_int(sql, &evidence_by_id, SQL_ARGUMENTS(sql_text(slice_of(text))), 0,
                         &piece->of, err))
            return false;
        if (!piece->of) {
            refuse(batch, row, OF, "no such piece in this source");
            return true;
        }
    }
    struct event event = {.kind = SLICE("evidence.recorded"), .subject_no = person,
                          .area_no = area, .at = piece->at};
    batch->result->inserted++;
    return evidence_insert_row(sql, (struct person_no){(uint32_t)person}, area, piece, id,
                               batch->import_no, err) &&
           event_emit(sql, &event, err);
}

static bool apply(struct import_batch *batch, struct sql *sql, struct error *err)
{
    for (size_t row = 0; row < batch->row_count; row++) {
        struct evidence piece;
        if (read_row(batch, row, &piece) && !put_row(batch, sql, row, &piece, err))
            return false;
    }
    return true;
}

static bool end(struct import_batch *batch, bool commit, struct error *err)
{
    return !commit || !batch->platform->status || status_catch_up(batch->platform->status, err);
}

struct undo_job {
    int64_t import_no, removed;
};
static bool undo_rows(struct sql *sql, void *context, struct error *err)
{
    struct undo_job *job = context;
    struct event event = {.kind = SLICE("evidence.bulk"), .at = 0};
    return sql_run_count(sql, &evidence_undo, SQL_ARGUMENTS(sql_int(job->import_no)),
                         &job->removed, err) &&
           event_emit(sql, &event, err);
}
static bool undo(struct platform *platform, int64_t import_no, int64_t *ret_removed,
                 struct error *err)
{
    struct undo_job job = {import_no, 0};
    bool done = store_write(platform->store, undo_rows, &job, err) &&
                status_catch_up(platform->status, err);
    *ret_removed = job.removed;
    return done;
}

const struct import_kind import_evidence = {.name = "evidence",
                                            .words = "health evidence about people",
                                            .columns = columns,
                                            .apply = apply,
                                            .end = end,
                                            .undo = undo};

/* ---- export evidence: ordered by number, persons by external id */

static const struct sql_text export_text = {
    "evidence_export",
    "SELECT (SELECT e.id FROM external_id e JOIN source s ON s.source_no = e.source_no"
    " WHERE e.kind = 1 AND e.no = t.person_no AND s.name = ?1), t.kind, t.recorded_at, t.at,"
    " t.until_at, t.of_no, t.detail, t.tube_size, t.extra, t.evidence_no"
    " FROM evidence t WHERE t.recorded_at >= ?2 AND t.recorded_at < ?3 ORDER BY t.evidence_no",
    "whole table, by primary key"};

static void export_one(const struct export_request *request, struct sql_query *query)
{
    char recorded[TIME_TEXT_BYTES], at[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES] = "";
    char of[24], tube[24], no[24];
    enum evidence_kind kind = (enum evidence_kind)sql_get_int(query, 1);
    const char *detail = evidence_detail_name(kind, (unsigned)sql_get_int(query, 6));
    time_format(sql_get_int(query, 2), recorded);
    time_format(sql_get_int(query, 3), at);
    if (!sql_is_null(query, 4))
        time_format(sql_get_int(query, 4), until);
    snprintf(of, sizeof of, "%lld", (long long)sql_get_int(query, 5));
    snprintf(tube, sizeof tube, "%lld", (long long)sql_get_int(query, 7));
    snprintf(no, sizeof no, "%lld", (long long)sql_get_int(query, 9));
    const struct slice fields[] = {sql_get_text(query, 0), slice_of(evidence_form(kind)->name),
                                   slice_of(recorded), slice_of(at), slice_of(until),
                                   slice_of(strcmp(of, "0") ? of : ""),
                                   slice_of(detail ? detail : ""),
                                   slice_of(kind == EVIDENCE_PCR ? tube : ""),
                                   sql_get_text(query, 8), slice_of(no)};
    export_row(request->out, fields, 10);
}

static bool export_run(const struct export_request *request, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    fprintf(request->out,
            "person_id,kind,recorded_at,at,until,of,detail,tube_size,extra,evidence_id\n");
    bool row, done = sql_begin(sql, &export_text,
                               SQL_ARGUMENTS(sql_text(request->source),
                                             sql_int(request->from * SECOND),
                                             sql_int(request->to * SECOND)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        export_one(request, query);
    store_read_end(request->platform->store, sql);
    return done;
}

const struct export_kind export_evidence = {"evidence", "health evidence about people",
                                            export_run};
