/* Breaking the glass: persons of the whole city are opened for a while, one at a time (gate.c), and
 * leads and reviewers are told why. The reason lies encrypted in its own row; an audit record can
 * never be changed, so that it holds the kind and the number alone. */
#include "access/access_internal.h"

static const struct sql_text glass_insert = {
    "glass_insert",
    "INSERT INTO broken_glass (glass_no, user_no, area_no, reason, plain_reason, opened_at,"
    " expires_at) VALUES (?1, ?2, ?3, ?4, '', ?5, ?6)",
    "primary key"};
static const struct sql_text glass_last = {"glass_last", "SELECT max(glass_no) FROM broken_glass",
                                           "primary key"};
static const struct sql_text glass_reason = {
    "glass_reason",
    "SELECT reason FROM broken_glass WHERE glass_no = ?1 AND area_no BETWEEN ?2 AND ?3",
    "primary key"};
/* The reasons, for a rotation of the key that they lie under; and what is left of before. */
const struct sql_text glass_reason_block = {
    "glass_reason_block",
    "SELECT glass_no, reason FROM broken_glass WHERE glass_no > ?1 AND reason IS NOT NULL"
    " ORDER BY glass_no LIMIT ?2",
    "primary key"};
const struct sql_text glass_reason_replace = {
    "glass_reason_replace", "UPDATE broken_glass SET reason = ?2 WHERE glass_no = ?1",
    "primary key"};
const struct sql_text glass_reason_plain = {
    "glass_reason_plain",
    "SELECT glass_no, plain_reason FROM broken_glass WHERE plain_reason <> ''"
    " ORDER BY glass_no LIMIT ?1",
    "whole index broken_glass_plain: nothing, but for once"};
const struct sql_text glass_reason_encrypt = {
    "glass_reason_encrypt",
    "UPDATE broken_glass SET reason = ?2, plain_reason = '' WHERE glass_no = ?1", "primary key"};
static const struct sql_text glass_list = {
    "glass_list",
    "SELECT g.glass_no, u.name, u.role, g.reason, g.opened_at, g.expires_at FROM broken_glass g"
    " JOIN app_user u ON u.user_no = g.user_no"
    " WHERE g.area_no BETWEEN ?1 AND ?2 AND (?3 = 0 OR g.glass_no < ?3)"
    " ORDER BY g.glass_no DESC LIMIT ?4",
    "primary key, backwards"};

const struct sql_list glass_statements =
    SQL_LIST(&glass_insert, &glass_last, &glass_list, &glass_reason, &glass_reason_block,
             &glass_reason_replace, &glass_reason_plain, &glass_reason_encrypt);

#define GLASS_PURPOSE "glass:"

/* ---- Breaking it */

struct glass_job {
    const struct request *request;
    struct slice reason;
    timestamp now, expires;
};

static bool break_glass(struct sql *sql, void *context, struct error *err)
{
    const struct glass_job *job = context;
    const struct actor *actor = &job->request->actor;
    int64_t no;
    char purpose[32];
    if (!sql_one_int(sql, &glass_last, NULL, 0, 0, &no, err))
        return false;
    no++;
    snprintf(purpose, sizeof purpose, GLASS_PURPOSE "%lld", (long long)no);
    struct slice reason = field_encrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_GLASS | no, job->reason,
                                        job->request->arena);
    struct audit_entry entry = {
        .actor = slice_of(actor->name), .act = SLICE("glass.break"), .purpose = slice_of(purpose)};
    struct event event = {.kind = SLICE("access.glass_broken"),
                          .subject_no = actor->user_no,
                          .area_no = actor->area_first,
                          .at = job->now};
    return sql_run(sql, &glass_insert,
                   SQL_ARGUMENTS(sql_int(no), sql_int(actor->user_no), sql_int(actor->area_first),
                                 sql_blob(reason), sql_int(job->now), sql_int(job->expires)),
                   err) &&
           audit_append(sql, &entry, job->now, err) && event_emit(sql, &event, err);
}

bool glass_break_handle(const struct request *request, struct response *response, struct error *err)
{
    static const char *const fields[] = {"reason", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct platform *platform = request->platform;
    struct glass_job job = {.request = request, .now = world_now(platform->world)};
    json_t *body;
    if (!request_json(request, &body, err) || !json_only_fields(body, fields, place, err) ||
        !json_text(body, "reason", place, &job.reason, err))
        return false;
    if (job.reason.length < 10 || job.reason.length > 1000)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "reason"},
                         "10 to 1000 bytes", "say in a sentence why this cannot wait");
    job.expires = job.now + policy_number(platform->policy, NUMBER_GLASS_MINUTES) * MINUTE;
    if (!store_write(platform->store, break_glass, &job, err))
        return false;
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "purpose", SLICE("duty:break_glass"));
    json_field_time(&writer, "expires_at", job.expires);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

/* ---- Who reviews */

bool access_glass_reason(struct sql *sql, const struct actor *reviewer, struct slice purpose,
                         struct arena *arena, struct slice *ret_reason, struct error *err)
{
    size_t length = sizeof GLASS_PURPOSE - 1;
    struct sql_query *query;
    int64_t no;
    bool row;
    *ret_reason = (struct slice){NULL, 0};
    if (purpose.length <= length || memcmp(purpose.data, GLASS_PURPOSE, length) != 0 ||
        !slice_to_int64((struct slice){purpose.data + length, purpose.length - length}, 1,
                        INT64_MAX, &no))
        return true;
    if (!sql_begin(
            sql, &glass_reason,
            SQL_ARGUMENTS(sql_int(no), sql_int(reviewer->area_first), sql_int(reviewer->area_last)),
            &query, err) ||
        !sql_next(query, &row, err))
        return false;
    bool done = !row || field_decrypt_left(sql_keys(sql), KEY_IDENTITY, CIPHER_GLASS | no,
                                           sql_get_blob(query, 0), arena, ret_reason, err);
    if (row)
        sql_end(query);
    return done;
}

/* The object of one row. */
static bool put_glass(const struct request *request, struct sql *sql, struct sql_query *query,
                      struct json_writer *writer, struct error *err)
{
    int64_t no = sql_get_int(query, 0);
    struct slice reason;
    if (!field_decrypt_left(sql_keys(sql), KEY_IDENTITY, CIPHER_GLASS | no, sql_get_blob(query, 3),
                            request->arena, &reason, err))
        return false;
    json_object_begin(writer);
    json_field_int64(writer, "no", no);
    json_field_text(writer, "user", sql_get_text(query, 1));
    json_field_text(writer, "role", sql_get_text(query, 2));
    if (reason.data)
        json_field_text(writer, "reason", reason);
    else
        json_field_null(writer, "reason");
    json_field_time(writer, "opened_at", sql_get_int(query, 4));
    json_field_time(writer, "expires_at", sql_get_int(query, 5));
    json_object_end(writer);
    return true;
}

bool glass_list_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    struct json_writer writer;
    int64_t limit, after, count = 0, last = 0;
    if (!request_limit(request, &limit, err) || !request_cursor(request, &after, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool row = false;
    bool done = sql_begin(sql, &glass_list,
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
        if (!(done = put_glass(request, sql, query, &writer, err)))
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
