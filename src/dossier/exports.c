/* Exports of persons need two keys: one requests, with a purpose and words; another approves; then
 * the requester, and nobody else, fetches the file until it expires: one stream, whatever its
 * length; an approval that expires, or a session that ends, ends it.
 *
 * Every row ends with a watermark "EXPORT-ROW-MAC": a list that turns up elsewhere names its export
 * and so the two who answered for it. The area and the mask are those of the requester when it was
 * requested: a later transfer widens nothing. */
#include <sodium.h>
#include <stdlib.h>

#include "dossier/dossier_internal.h"

enum {
    MARK_MAC_BYTES = 9,
    MARK_TEXT_BYTES = 64,
    FILE_ROWS_MAX = 1000,  /* of a chunk: some 6 ms of a worker */
    ROW_BYTES_MAX = 2048,  /* three fields under 256 bytes, all of quotes, and the rest */
    FILE_ARENA_BYTES = 16 << 20, /* of a chunk */
};

static const struct sql_text request_insert = {
    "export_request_insert",
    "INSERT INTO export_request (export_no, requester_no, area_no, reads, purpose, words,"
    " plain_words, state, requested_at, row_count)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', 'requested', ?7, 0)",
    "primary key"};
static const struct sql_text request_last = {
    "export_request_last", "SELECT max(export_no) FROM export_request", "primary key"};
static const struct sql_text request_get = {
    "export_request_get",
    "SELECT export_no, requester_no, area_no, reads, state, expires_at FROM export_request"
    " WHERE export_no = ?1 AND area_no BETWEEN ?2 AND ?3",
    "primary key"};
static const struct sql_text request_page = {
    "export_request_page",
    "SELECT r.export_no, u.name, a.name, r.purpose, r.words, r.state, r.requested_at,"
    " r.expires_at, r.row_count FROM export_request r"
    " JOIN app_user u ON u.user_no = r.requester_no"
    " LEFT JOIN app_user a ON a.user_no = r.approver_no"
    " WHERE r.area_no BETWEEN ?1 AND ?2 AND (?3 = 0 OR r.export_no < ?3)"
    " ORDER BY r.export_no DESC LIMIT ?4",
    "primary key, backwards"};
static const struct sql_text request_decide = {
    "export_request_decide",
    "UPDATE export_request SET state = ?2, approver_no = ?3, decided_at = ?4, expires_at = ?5"
    " WHERE export_no = ?1 AND state = 'requested'",
    "primary key"};
static const struct sql_text request_count = {
    "export_request_count",
    "UPDATE export_request SET row_count = row_count + ?2 WHERE export_no = ?1", "primary key"};
/* The words, for a rotation of the key that they lie under; and what is left of before. */
const struct sql_text export_words_block = {
    "export_words_block",
    "SELECT export_no, words FROM export_request WHERE export_no > ?1 AND words IS NOT NULL"
    " ORDER BY export_no LIMIT ?2",
    "primary key"};
const struct sql_text export_words_replace = {
    "export_words_replace", "UPDATE export_request SET words = ?2 WHERE export_no = ?1",
    "primary key"};
const struct sql_text export_words_plain = {
    "export_words_plain",
    "SELECT export_no, plain_words FROM export_request WHERE plain_words <> ''"
    " ORDER BY export_no LIMIT ?1",
    "whole index export_request_plain: nothing, but for once"};
const struct sql_text export_words_encrypt = {
    "export_words_encrypt",
    "UPDATE export_request SET words = ?2, plain_words = '' WHERE export_no = ?1", "primary key"};

const struct sql_list export_request_statements = SQL_LIST(
    &request_insert, &request_last, &request_get, &request_page, &request_decide, &request_count,
    &export_words_block, &export_words_replace, &export_words_plain, &export_words_encrypt);

struct export_row {
    int64_t no, requester_no, area_no, reads, expires_at;
    char state[16];
};

/* ---- Watermarks */

static void mark_mac(const struct platform *platform, int64_t export_no, int64_t row,
                     unsigned char out[MARK_MAC_BYTES])
{
    char text[64];
    unsigned char whole[crypto_generichash_BYTES_MIN];
    int length =
        snprintf(text, sizeof text, "export %lld row %lld", (long long)export_no, (long long)row);
    crypto_generichash(whole, sizeof whole, (const unsigned char *)text, (size_t)length,
                       keys_of(store_keys(platform->store), KEY_AUDIT), KEY_BYTES);
    memcpy(out, whole, MARK_MAC_BYTES);
}

static void mark_write(const struct platform *platform, int64_t export_no, int64_t row,
                       char out[MARK_TEXT_BYTES])
{
    unsigned char mac[MARK_MAC_BYTES];
    mark_mac(platform, export_no, row, mac);
    int length = snprintf(out, MARK_TEXT_BYTES, "%lld.%lld.", (long long)export_no, (long long)row);
    text_to_base64url(mac, sizeof mac, out + length);
}

/* The part of `text` before its first full stop, which is taken off. */
static struct slice before_stop(struct slice *text)
{
    const char *stop = text->length ? memchr(text->data, '.', text->length) : NULL;
    size_t length = stop ? (size_t)(stop - text->data) : text->length;
    struct slice part = {text->data, length};
    size_t used = stop ? length + 1 : length;
    *text = (struct slice){text->data + used, text->length - used};
    return part;
}

bool export_watermark_find(struct platform *platform, struct slice mark, int64_t *ret_export_no,
                           int64_t *ret_row, struct error *err)
{
    unsigned char given[MARK_MAC_BYTES], mac[MARK_MAC_BYTES];
    struct slice number = before_stop(&mark), row = before_stop(&mark);
    bool good = slice_to_int64(number, 1, INT64_MAX, ret_export_no) &&
                slice_to_int64(row, 1, INT64_MAX, ret_row) &&
                text_from_base64url(mark, given, sizeof given);
    if (good) {
        mark_mac(platform, *ret_export_no, *ret_row, mac);
        good = sodium_memcmp(given, mac, sizeof mac) == 0;
    }
    return good || error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "mark"},
                             "the last column of a row of an export", "it is of no export here");
}

/* ---- Requests */

struct request_job {
    const struct request *request;
    struct slice words;
    int64_t export_no;
};

static bool take_request(struct sql *sql, void *context, struct error *err)
{
    struct request_job *job = context;
    const struct actor *actor = &job->request->actor;
    timestamp now = world_now(job->request->platform->world);
    struct audit_entry entry = {.actor = slice_of(actor->name),
                                .act = SLICE("export.request"),
                                .purpose = job->request->purpose};
    if (!sql_one_int(sql, &request_last, NULL, 0, 0, &job->export_no, err))
        return false;
    job->export_no++;
    struct slice words = field_encrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_EXPORT | job->export_no,
                                       job->words, job->request->arena);
    return sql_run(sql, &request_insert,
                   SQL_ARGUMENTS(sql_int(job->export_no), sql_int(actor->user_no),
                                 sql_int(actor->area_first), sql_int((int64_t)actor->reads),
                                 sql_text(job->request->purpose), sql_blob(words), sql_int(now)),
                   err) &&
           audit_append(sql, &entry, now, err);
}

bool export_request_handle(const struct request *request, struct response *response,
                           struct error *err)
{
    static const char *const fields[] = {"kind", "words", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct request_job job = {.request = request};
    struct slice kind;
    json_t *body;
    if (!request_json(request, &body, err) || !json_only_fields(body, fields, place, err) ||
        !json_text(body, "kind", place, &kind, err) ||
        !json_text(body, "words", place, &job.words, err))
        return false;
    if (!slice_equal(kind, SLICE("persons")))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "kind"}, "persons",
                         "no such export");
    if (job.words.length < 10 || job.words.length > 1000)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "words"},
                         "10 to 1000 bytes", "say in a sentence what the list is for");
    if (!store_write(request->platform->store, take_request, &job, err))
        return false;
    response->status = 201;
    buffer_print(&response->body, "{\"no\":%lld,\"state\":\"requested\"}",
                 (long long)job.export_no);
    return true;
}

/* The object of one row. */
static bool put_request(const struct request *request, struct sql *sql, struct sql_query *query,
                        struct json_writer *writer, struct error *err)
{
    int64_t no = sql_get_int(query, 0);
    struct slice words;
    if (!field_decrypt_left(sql_keys(sql), KEY_IDENTITY, CIPHER_EXPORT | no, sql_get_blob(query, 4),
                            request->arena, &words, err))
        return false;
    json_object_begin(writer);
    json_field_int64(writer, "no", no);
    json_field_text(writer, "requester", sql_get_text(query, 1));
    if (sql_is_null(query, 2))
        json_field_null(writer, "approver");
    else
        json_field_text(writer, "approver", sql_get_text(query, 2));
    json_field_text(writer, "purpose", sql_get_text(query, 3));
    if (words.data)
        json_field_text(writer, "words", words);
    else
        json_field_null(writer, "words");
    json_field_text(writer, "state", sql_get_text(query, 5));
    json_field_time(writer, "requested_at", sql_get_int(query, 6));
    json_field_time(writer, "expires_at",
                    sql_is_null(query, 7) ? TIMESTAMP_NONE : sql_get_int(query, 7));
    json_field_int64(writer, "rows", sql_get_int(query, 8));
    json_object_end(writer);
    return true;
}

bool export_list_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    struct json_writer writer;
    int64_t limit, after, count = 0, last = 0;
    if (!request_limit(request, &limit, err) || !request_cursor(request, &after, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool row = false;
    bool done = sql_begin(sql, &request_page,
                          SQL_ARGUMENTS(sql_int(request->actor.area_first),
                                        sql_int(request->actor.area_last), sql_int(after),
                                        sql_int(limit + 1)),
                          &query, err);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    while (done && (done = sql_next(query, &row, err)) && row && ++count <= limit) {
        last = sql_get_int(query, 0);
        if (!(done = put_request(request, sql, query, &writer, err)))
            break;
    }
    if (row)
        sql_end(query);
    json_array_end(&writer);
    json_field_cursor(&writer, done && count > limit ? last : 0);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}

static bool get_request(struct sql *sql, int64_t no, int64_t area_first, int64_t area_last,
                        struct export_row *out, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &request_get,
                   SQL_ARGUMENTS(sql_int(no), sql_int(area_first), sql_int(area_last)), &query,
                   err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                         "the number of an export of your area", "no such export");
    *out = (struct export_row){.no = sql_get_int(query, 0),
                               .requester_no = sql_get_int(query, 1),
                               .area_no = sql_get_int(query, 2),
                               .reads = sql_get_int(query, 3),
                               .expires_at = sql_is_null(query, 5) ? 0 : sql_get_int(query, 5)};
    snprintf(out->state, sizeof out->state, "%.*s", SLICE_ARG(sql_get_text(query, 4)));
    sql_end(query);
    return true;
}

/* ---- The second key */

struct decision_job {
    const struct request *request;
    int64_t export_no;
    bool approve;
    timestamp expires;
};

static bool decide(struct sql *sql, void *context, struct error *err)
{
    struct decision_job *job = context;
    const struct actor *actor = &job->request->actor;
    timestamp now = world_now(job->request->platform->world);
    struct export_row row;
    bool same;
    if (!get_request(sql, job->export_no, actor->area_first, actor->area_last, &row, err) ||
        !access_same_human(sql, row.requester_no, actor->user_no, &same, err))
        return false;
    if (same)
        return error_set(err, ERROR_REFUSED, (struct error_place){.field = "no"},
                         "another than the requester", "nobody approves an own request");
    if (strcmp(row.state, "requested") != 0)
        return error_set(err, ERROR_CONFLICT, (struct error_place){.field = "no"},
                         "a request that is not decided", "it was decided before");
    char fields[24];
    snprintf(fields, sizeof fields, "export %lld", (long long)row.no);
    struct audit_entry entry = {.actor = slice_of(actor->name),
                                .act =
                                    job->approve ? SLICE("export.approve") : SLICE("export.refuse"),
                                .purpose = job->request->purpose,
                                .fields = slice_of(fields)};
    job->expires = now + policy_number(job->request->platform->policy, NUMBER_EXPORT_HOURS) * HOUR;
    return sql_run(sql, &request_decide,
                   SQL_ARGUMENTS(sql_int(row.no),
                                 sql_text(job->approve ? SLICE("approved") : SLICE("refused")),
                                 sql_int(actor->user_no), sql_int(now),
                                 job->approve ? sql_int(job->expires) : sql_null()),
                   err) &&
           audit_append(sql, &entry, now, err);
}

static bool decide_handle(const struct request *request, struct response *response, bool approve,
                          struct error *err)
{
    struct decision_job job = {.request = request, .approve = approve};
    struct json_writer writer;
    if (!slice_to_int64(request->parameters[0], 1, INT64_MAX, &job.export_no))
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                         "the number of an export of your area", "no such export");
    if (!store_write(request->platform->store, decide, &job, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "state", approve ? SLICE("approved") : SLICE("refused"));
    json_field_time(&writer, "expires_at", approve ? job.expires : TIMESTAMP_NONE);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

bool export_approve_handle(const struct request *request, struct response *response,
                           struct error *err)
{
    return decide_handle(request, response, true, err);
}

bool export_refuse_handle(const struct request *request, struct response *response,
                          struct error *err)
{
    return decide_handle(request, response, false, err);
}

/* ---- The file: chunks by area and number, each a read of its own. A person who moves meanwhile is
 * in it as the chunk found them: once, twice or not at all. */

struct export_file {
    struct request request; /* a copy, but its arena: that of the chunk */
    struct arena arena;
    struct export_row row;
    struct person_place last; /* handed out */
    bool begun;
    uint32_t numbers[FILE_ROWS_MAX + 1];
    size_t count; /* of the chunk */
};

static void file_row(struct export_file *file, const struct person *person, struct buffer *out)
{
    struct platform *platform = file->request.platform;
    struct arena *arena = &file->arena;
    uint32_t reads = (uint32_t)file->row.reads;
    const struct area *area = registry_area(platform->registry, person->area_no);
    char number[24], year[16] = "", mark[MARK_TEXT_BYTES];
    enum shown birth = shown_of(reads, FIELD_BIRTH);
    snprintf(number, sizeof number, "%u", person->no);
    if (birth != SHOWN_NOT && person->birth_year)
        snprintf(year, sizeof year, "%d",
                 birth == SHOWN_FULL ? person->birth_year : person->birth_year / 10 * 10);
    mark_write(platform, file->row.no, person->no, mark);
    const struct slice cells[] = {
        slice_of(number),
        shown_field(reads, FIELD_NAME, person->name, arena),
        shown_field(reads, FIELD_ID_NUMBER, person->id_number, arena),
        shown_field(reads, FIELD_PHONE, person->phone, arena),
        slice_of(year),
        shown_field(reads, FIELD_HOME, area ? area->code : SLICE(""), arena),
        slice_of(mark)};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        registry_csv_put(out, cells[i].data ? cells[i] : SLICE(""), i == 0);
    csv_end(out);
}

/* As many of the `listed` persons as fit. */
static bool file_rows(struct export_file *file, struct sql *sql, size_t listed, struct buffer *out,
                      struct error *err)
{
    struct person person;
    size_t rows = listed < FILE_ROWS_MAX ? listed : FILE_ROWS_MAX;
    if (!file->begun) {
        buffer_append_text(out, "person_no,name,id_number,phone,birth_year,area,mark");
        csv_end(out);
    }
    for (file->count = 0; file->count < rows; file->count++) {
        if (out->length > RESPONSE_CHUNK_BYTES_MAX - ROW_BYTES_MAX)
            break;
        if (!registry_person(file->request.platform, sql, file->numbers[file->count], &file->arena,
                             &person, err))
            return false;
        file_row(file, &person, out);
        file->last = (struct person_place){person.area_no, person.no};
    }
    return true;
}

static bool count_rows(struct sql *sql, void *context, struct error *err)
{
    const struct export_file *file = context;
    return sql_run(sql, &request_count,
                   SQL_ARGUMENTS(sql_int(file->row.no), sql_int((int64_t)file->count)), err);
}

static bool may_fetch(const struct export_file *file, struct error *err)
{
    struct error_place place = {.field = "no"};
    if (file->row.requester_no != file->request.actor.user_no)
        return error_set(err, ERROR_REFUSED, place, "the requester", "the file is another's");
    if (strcmp(file->row.state, "approved") != 0)
        return error_set(err, ERROR_REFUSED, place, "an approval by another",
                         "the second key is missing");
    return file->row.expires_at > world_now(file->request.platform->world) ||
           error_set(err, ERROR_GONE, place, "a new request", "the approval has expired");
}

/* A chunk's persons are on record, in one record of their own, before it leaves. */
static bool file_fill(void *context, struct buffer *chunk, bool *ret_end, struct error *err)
{
    struct export_file *file = context;
    const struct actor *actor = &file->request.actor;
    struct store *store = file->request.platform->store;
    struct sql *sql;
    size_t listed = 0;
    arena_clear(&file->arena);
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = get_request(sql, file->row.no, actor->area_first, actor->area_last, &file->row,
                            err) &&
                may_fetch(file, err) &&
                person_numbers(sql, file->row.area_no, area_range_last(file->row.area_no),
                               file->last, FILE_ROWS_MAX + 1, file->numbers, &listed, err) &&
                file_rows(file, sql, listed, chunk, err);
    store_read_end(store, sql);
    if (!done || !store_write(store, count_rows, file, err) ||
        !access_opened(&file->request, "export.file", 0, file->numbers, file->count,
                       shown_names((uint32_t)file->row.reads, PERSON_FIELDS, &file->arena), err))
        return false;
    file->begun = true;
    *ret_end = file->count == listed;
    return true;
}

static void file_release(void *context)
{
    struct export_file *file = context;
    arena_release(&file->arena);
    free(file);
}

bool export_file_handle(const struct request *request, struct response *response, struct error *err)
{
    int64_t no;
    if (!slice_to_int64(request->parameters[0], 1, INT64_MAX, &no))
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                         "the number of an export of your area", "no such export");
    struct export_file *file = x_alloc(1, sizeof *file);
    arena_init(&file->arena, FILE_ARENA_BYTES);
    file->request = *request;
    file->request.arena = &file->arena;
    file->row.no = no;
    response->content_type = "text/csv; charset=utf-8";
    response->stream = (struct response_stream){file_fill, file_release, file};
    return true;
}
