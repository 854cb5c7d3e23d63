/* `export evidence`: ordered by number, in the columns of `import evidence`. Who or what has no external
 * id in the source is named "#NUMBER". */
#include "registry/registry.h"
#include "status/seal.h"
#include "status/status_internal.h"

const struct sql_text evidence_export_text = {
    "evidence_export",
    "SELECT " EVIDENCE_COLUMNS ","
    " (SELECT e.id FROM external_id e JOIN source s ON s.source_no = e.source_no"
    " WHERE e.kind = 1 AND e.no = t.person_no AND s.name = ?1),"
    " (SELECT o.external_id FROM evidence o WHERE o.evidence_no = t.of_no AND o.source = ?1),"
    " CASE WHEN t.source = ?1 THEN t.external_id END"
    " FROM evidence t WHERE t.recorded_at >= ?2 AND t.recorded_at < ?3 ORDER BY t.evidence_no",
    "whole table, by primary key"};
enum { PERSON_ID = EVIDENCE_COLUMN_PERSON + 1, OF_ID, OWN_ID };

enum { FIELDS = 12 };
static const char *const names[FIELDS] = {
    "person_id", "kind",      "recorded_at", "at",        "until",     "of",
    "detail",    "tube_size", "reason_code", "requester", "approvers", "evidence_id"};

static struct slice id_or_number(struct slice id, int64_t no, struct arena *arena)
{
    return id.data ? id : slice_of(arena_print(arena, "#%lld", (long long)no));
}

static struct slice time_field(timestamp time, struct arena *arena)
{
    if (time == TIMESTAMP_NONE)
        return (struct slice){NULL, 0};
    char *text = arena_alloc(arena, TIME_TEXT_BYTES);
    return slice_of(time_format(time, text));
}

static struct slice approvers_field(const struct evidence *piece, struct arena *arena)
{
    struct slice joined = {NULL, 0};
    for (size_t i = 0; i < piece->approver_count; i++)
        joined = slice_of(arena_print(arena, "%.*s%s%.*s", SLICE_ARG(joined),
                                      i ? ";" : "", SLICE_ARG(piece->approvers[i])));
    return joined;
}

static void put_object(FILE *out, const struct slice fields[FIELDS])
{
    struct buffer line;
    struct json_writer writer;
    buffer_init(&line, 1 << 20);
    json_writer_init(&writer, &line);
    json_object_begin(&writer);
    for (int i = 0; i < FIELDS; i++) {
        json_key(&writer, names[i]);
        if (fields[i].data)
            json_put_text(&writer, fields[i]);
        else
            json_put_null(&writer);
    }
    json_object_end(&writer);
    json_writer_release(&writer);
    fprintf(out, "%s\n", line.data);
    buffer_release(&line);
}

static bool put_piece(const struct export_request *request, struct sql_query *query,
                      struct arena *arena, struct error *err)
{
    struct evidence piece;
    evidence_read_row(query, arena, &piece);
    if (piece.kind >= EVIDENCE_KIND_COUNT)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "evidence"}, NULL,
                         "piece %lld is of no kind", (long long)piece.no);
    const struct evidence_form *form = evidence_form(piece.kind);
    const struct slice none = {NULL, 0};
    int64_t person = sql_get_int(query, EVIDENCE_COLUMN_PERSON);
    const struct slice fields[FIELDS] = {
        id_or_number(sql_get_text(query, PERSON_ID), person, arena),
        slice_of(form->name),
        time_field(piece.recorded_at, arena),
        time_field(piece.at, arena),
        form->until_field ? time_field(piece.until, arena) : none,
        form->refers ? id_or_number(sql_get_text(query, OF_ID), piece.of, arena) : none,
        slice_of(evidence_detail_name(piece.kind, piece.detail)),
        piece.kind == EVIDENCE_PCR ? slice_of(arena_print(arena, "%u", piece.tube_size)) : none,
        piece.reason_code,
        piece.requester,
        approvers_field(&piece, arena),
        id_or_number(sql_get_text(query, OWN_ID), piece.no, arena)};
    if (request->ndjson)
        put_object(request->out, fields);
    else
        export_row(request->out, fields, FIELDS);
    ++*request->rows;
    return true;
}

static bool put_all(const struct export_request *request, struct sql *sql,
                    const struct evidence_bounds *bounds, struct arena *arena, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &evidence_export_text,
                   SQL_ARGUMENTS(sql_text(request->source), sql_int(request->from * SECOND),
                                 sql_int(request->to * SECOND)),
                   &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        arena_clear(arena);
        if (evidence_within(bounds, sql_get_int(query, 0)) &&
            !put_piece(request, query, arena, err))
            return false;
    }
}

static bool export_run(const struct export_request *request, struct error *err)
{
    struct sql *sql;
    struct arena arena;
    struct evidence_bounds bounds;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    for (int i = 0; !request->ndjson && i < FIELDS; i++)
        fprintf(request->out, "%s%s", names[i], i < FIELDS - 1 ? "," : "\n");
    arena_init(&arena, (size_t)16 << 20);
    bool done = evidence_bounds_read(sql, &bounds, err);
    if (done) {
        done = put_all(request, sql, &bounds, &arena, err);
        evidence_bounds_release(&bounds);
    }
    arena_release(&arena);
    store_read_end(request->platform->store, sql);
    return done;
}

extern const struct export_kind export_evidence;
const struct export_kind export_evidence = {"evidence", "health evidence about people",
                                            export_run};
