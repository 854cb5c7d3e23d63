/* `import evidence`: rows to pieces. The list of kinds is closed, so that a scan, a purchase or a list
 * of names has no way in. A piece is never changed: a known id with the same content is `unchanged`,
 * with other content it is rejected. `of` may stand before the piece it names within one batch. */
#include "registry/registry.h"
#include "status/seal.h"
#include "status/status_internal.h"

enum { ID_BYTES_MAX = 200, APPROVERS_MAX = 100 };

const struct sql_text evidence_known_text = {
    "evidence_known",
    "SELECT " EVIDENCE_COLUMNS " FROM evidence WHERE source = ?1 AND external_id = ?2",
    "evidence_by_external_id"};
const struct sql_text evidence_undo_text = {
    "evidence_undo", "DELETE FROM evidence WHERE import_no = ?1 AND import_no > 0",
    "evidence_by_import"};

static const struct import_column columns[] = {
    {"person_id", true, "external id of the person"},
    {"kind", true, "a kind of health evidence"},
    {"recorded_at", true, "RFC 3339"},
    {"at", true, "at, from, sampled_at, last_exposure_at, entry_at or left_at of the kind"},
    {"until", false, "reported_at, to or expires of the kind"},
    {"of", false, "evidence_id of the piece it refers to"},
    {"detail", false, "level, zone, result or colour of the kind"},
    {"tube_size", false, "of a pcr: 1 to 100"},
    {"reason_code", false, "of an override"},
    {"requester", false, "of an override"},
    {"approvers", false, "of an override, separated by semicolons"},
    {"evidence_id", true, "external id of this piece"},
    {NULL, false, NULL}};
enum { PERSON_ID, KIND, RECORDED_AT, AT, UNTIL, OF, DETAIL, TUBE_SIZE, REASON_CODE, REQUESTER,
       APPROVERS, EVIDENCE_ID };

/* ---- Reading a row: no SQL */

static bool refuse(struct import_batch *batch, size_t row, int column, const char *reason)
{
    import_reject(batch, row, columns[column].name, reason);
    return false;
}

/* A field that the kind does not have must be empty. */
static bool read_only_own_fields(struct import_batch *batch, size_t row, enum evidence_kind kind)
{
    const struct evidence_form *form = evidence_form(kind);
    bool override = kind == EVIDENCE_OVERRIDE;
    const bool has[EVIDENCE_ID] = {[UNTIL] = form->until_field != NULL,
                                   [OF] = form->refers,
                                   [DETAIL] = form->detail_field != NULL,
                                   [TUBE_SIZE] = kind == EVIDENCE_PCR,
                                   [REASON_CODE] = override,
                                   [REQUESTER] = override,
                                   [APPROVERS] = override};
    for (int column = UNTIL; column <= APPROVERS; column++) {
        bool given = import_field(batch, row, column).data != NULL;
        if (given && !has[column])
            return refuse(batch, row, column, "this kind has no such field");
        if (!given && has[column])
            return refuse(batch, row, column, "missing");
    }
    return true;
}

static bool read_times(struct import_batch *batch, size_t row, struct evidence *piece)
{
    static const int at[] = {RECORDED_AT, AT, UNTIL};
    timestamp *const out[] = {&piece->recorded_at, &piece->at, &piece->until};
    for (int i = 0; i < 3; i++) {
        struct slice text = import_field(batch, row, at[i]);
        *out[i] = TIMESTAMP_NONE;
        if (!text.data && at[i] != UNTIL)
            return refuse(batch, row, at[i], "missing");
        if (text.data && !time_parse(text, out[i]))
            return refuse(batch, row, at[i], "not an RFC 3339 time with its offset");
    }
    return true;
}

static bool read_override(struct import_batch *batch, size_t row, struct evidence *piece)
{
    struct slice text = import_field(batch, row, APPROVERS);
    struct slice *names = arena_alloc(batch->arena, APPROVERS_MAX * sizeof *names);
    while (text.length) {
        const char *stop = memchr(text.data, ';', text.length);
        size_t length = stop ? (size_t)(stop - text.data) : text.length;
        size_t used = stop ? length + 1 : length;
        if (piece->approver_count == APPROVERS_MAX)
            return refuse(batch, row, APPROVERS, "more than 100 names");
        names[piece->approver_count++] = slice_trim((struct slice){text.data, length});
        text = (struct slice){text.data + used, text.length - used};
    }
    piece->approvers = names;
    piece->reason_code = import_field(batch, row, REASON_CODE);
    piece->requester = import_field(batch, row, REQUESTER);
    return true;
}

static bool read_fields(struct import_batch *batch, size_t row, struct evidence *piece)
{
    struct slice detail = import_field(batch, row, DETAIL);
    struct slice tube = import_field(batch, row, TUBE_SIZE);
    int64_t size = 0;
    if (detail.data) {
        int value = evidence_detail_of(piece->kind, detail);
        if (value < 0)
            return refuse(batch, row, DETAIL, "not a value of this kind");
        piece->detail = (uint8_t)value;
    }
    if (tube.data && !slice_to_int64(tube, 1, 100, &size))
        return refuse(batch, row, TUBE_SIZE, "not a whole number from 1 to 100");
    piece->tube_size = (uint16_t)size;
    return piece->kind != EVIDENCE_OVERRIDE || read_override(batch, row, piece);
}

static bool read_row(struct import_batch *batch, size_t row, struct evidence *piece)
{
    struct slice kind = import_field(batch, row, KIND);
    struct slice id = import_field(batch, row, EVIDENCE_ID);
    int number = evidence_kind_of(kind);
    struct error err;
    *piece = (struct evidence){0};
    if (!id.data || id.length > ID_BYTES_MAX)
        return refuse(batch, row, EVIDENCE_ID, id.data ? "longer than 200 bytes" : "missing");
    if (number < 0)
        return refuse(batch, row, KIND, kind.data ? "unknown evidence kind" : "missing");
    piece->kind = (enum evidence_kind)number;
    if (!read_only_own_fields(batch, row, piece->kind) || !read_times(batch, row, piece) ||
        !read_fields(batch, row, piece))
        return false;
    if (evidence_complete(piece, &err))
        return true;
    import_reject(batch, row, err.field, err.what);
    return false;
}

/* ---- Putting a row */

enum put { PUT_FAILED, PUT_SETTLED, PUT_WAITS };

static bool same_names(const struct evidence *a, const struct evidence *b)
{
    for (size_t i = 0; i < a->approver_count && i < b->approver_count; i++)
        if (!slice_equal(a->approvers[i], b->approvers[i]))
            return false;
    return a->approver_count == b->approver_count;
}

static bool same_piece(const struct evidence *a, const struct evidence *b)
{
    return a->kind == b->kind && a->recorded_at == b->recorded_at && a->at == b->at &&
           a->until == b->until && a->of == b->of && a->detail == b->detail &&
           a->tube_size == b->tube_size && slice_equal(a->reason_code, b->reason_code) &&
           slice_equal(a->requester, b->requester) && same_names(a, b);
}

/* The piece of that external id and its person; known->no 0 where there is none. */
static bool find_known(struct import_batch *batch, struct sql *sql, struct slice id,
                       struct evidence *known, int64_t *ret_person, struct error *err)
{
    struct sql_query *query;
    bool row;
    *known = (struct evidence){0};
    *ret_person = 0;
    if (!sql_begin(sql, &evidence_known_text,
                   SQL_ARGUMENTS(sql_text(batch->source), sql_text(id)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row) {
        evidence_read_row(query, batch->arena, known);
        *ret_person = sql_get_int(query, EVIDENCE_COLUMN_PERSON);
    }
    sql_end(query);
    return true;
}

static enum put settle(struct import_batch *batch, size_t row, int column, const char *reason)
{
    refuse(batch, row, column, reason);
    return PUT_SETTLED;
}

static enum put insert(struct import_batch *batch, struct evidence_sealer *sealer, size_t row,
                       struct person_no person, const struct evidence *piece, struct error *err)
{
    struct evidence_origin origin = {batch->source, import_field(batch, row, EVIDENCE_ID)};
    struct sql *sql = sealer->sql;
    int64_t area, no;
    bool known, room;
    if (!evidence_person_area(sql, person, &area, &known, err) ||
        !evidence_has_room(sql, person, &room, err))
        return PUT_FAILED;
    if (!known)
        return settle(batch, row, PERSON_ID, "no such person in this source");
    if (!room)
        return settle(batch, row, PERSON_ID, "too many pieces about this person");
    if (!evidence_insert(sealer, person, area, piece, &origin, &no, err) ||
        !evidence_emit(sql, person, area, piece, no, err))
        return PUT_FAILED;
    batch->result->inserted++;
    /* with one from long ago, what is said of a past moment changes */
    int64_t minutes = policy_number(batch->platform->policy, NUMBER_BACKDATED_MINUTES);
    batch->result->backdated += piece->recorded_at < batch->begun_at - minutes * MINUTE;
    return PUT_SETTLED;
}

static enum put put_row(struct import_batch *batch, struct evidence_sealer *sealer, size_t row,
                        struct evidence *piece, struct error *err)
{
    struct sql *sql = sealer->sql;
    struct evidence known, target;
    int64_t person, known_person, target_person;
    struct slice of = import_field(batch, row, OF);
    if (!registry_lookup(sql, REGISTRY_PERSON, batch->source,
                         import_field(batch, row, PERSON_ID), &person, err) ||
        !find_known(batch, sql, import_field(batch, row, EVIDENCE_ID), &known, &known_person,
                    err))
        return PUT_FAILED;
    if (!person)
        return settle(batch, row, PERSON_ID, "no such person in this source");
    if (of.data) {
        if (!find_known(batch, sql, of, &target, &target_person, err))
            return PUT_FAILED;
        if (!target.no)
            return PUT_WAITS;
        if (target_person != person)
            return settle(batch, row, OF, "it is a piece about another person");
        piece->of = target.no;
    }
    if (!known.no)
        return insert(batch, sealer, row, (struct person_no){(uint32_t)person}, piece, err);
    if (known_person != person || !same_piece(&known, piece))
        return settle(batch, row, EVIDENCE_ID,
                      "known with other content: evidence is never changed, annul it");
    batch->result->unchanged++;
    return PUT_SETTLED;
}

/* Rows that name a later row of the batch wait until it is there. */
static bool put_rows(struct import_batch *batch, struct evidence_sealer *sealer,
                     struct evidence *pieces, bool *waits, size_t waiting, struct error *err)
{
    size_t before;
    do {
        before = waiting;
        for (size_t row = 0; row < batch->row_count; row++) {
            enum put put =
                waits[row] ? put_row(batch, sealer, row, &pieces[row], err) : PUT_WAITS;
            if (put == PUT_FAILED)
                return false;
            if (put == PUT_SETTLED) {
                waits[row] = false;
                waiting--;
            }
        }
    } while (waiting && waiting < before);
    for (size_t row = 0; row < batch->row_count; row++)
        if (waits[row])
            refuse(batch, row, OF, "no such piece in this source");
    return true;
}

static bool apply(struct import_batch *batch, struct sql *sql, struct error *err)
{
    struct evidence *pieces = arena_alloc(batch->arena, batch->row_count * sizeof *pieces);
    bool *waits = arena_alloc(batch->arena, batch->row_count * sizeof *waits);
    struct evidence_sealer sealer = {.sql = sql, .import_no = batch->import_no};
    size_t waiting = 0;
    for (size_t row = 0; row < batch->row_count; row++)
        waiting += waits[row] = read_row(batch, row, &pieces[row]);
    if (put_rows(batch, &sealer, pieces, waits, waiting, err))
        return evidence_seal_end(&sealer, err);
    evidence_seal_abandon(&sealer);
    return false;
}

/* ---- The whole import */

static bool end(struct import_batch *batch, bool commit, struct error *err)
{
    return !commit || !batch->platform->status || status_catch_up(batch->platform->status, err);
}

static bool undo(struct platform *platform, struct sql *sql, int64_t import_no,
                 int64_t *ret_removed, struct error *err)
{
    struct event event = {.kind = SLICE("evidence.bulk")};
    (void)platform;
    return sql_run_count(sql, &evidence_undo_text, SQL_ARGUMENTS(sql_int(import_no)), ret_removed,
                         err) &&
           evidence_seal_undone(sql, import_no, err) && event_emit(sql, &event, err);
}

static bool undone(struct platform *platform, struct error *err)
{
    return !platform->status || status_catch_up(platform->status, err);
}

extern const struct import_kind import_evidence;
const struct import_kind import_evidence = {.name = "evidence",
                                            .words = "health evidence about people",
                                            .columns = columns,
                                            .apply = apply,
                                            .end = end,
                                            .undo = undo,
                                            .undone = undone};
