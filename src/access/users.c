/* Duties of users: where and as what someone serves, and until when. Permissions follow at once:
 * the cache of resolved tokens is emptied after every change, and an ended duty ends every token.
 * */
#include "access/access_internal.h"
#include "registry/registry.h"

static const struct sql_text user_number = {
    "user_number", "SELECT user_no FROM app_user WHERE name = ?1", "unique name"};
static const struct sql_text user_within = {
    "user_within", "SELECT user_no FROM app_user WHERE name = ?1 AND area_no BETWEEN ?2 AND ?3",
    "unique name"};
static const struct sql_text user_person = {
    "user_person", "UPDATE app_user SET person_no = ?2 WHERE user_no = ?1", "primary key"};
static const struct sql_text user_unit = {
    "user_unit", "UPDATE app_user SET unit_no = ?2 WHERE user_no = ?1", "primary key"};
static const struct sql_text user_all = {
    "user_all",
    "SELECT user_no, lead_no, area_no, coalesce(person_no, 0), unit_no, role, duty_until"
    " FROM app_user ORDER BY user_no",
    "small table"};
static const struct sql_text user_name = {
    "user_name", "SELECT name FROM app_user WHERE user_no = ?1", "primary key"};
static const struct sql_text user_role = {
    "user_role", "SELECT role FROM app_user WHERE user_no = ?1", "primary key"};
static const struct sql_text user_last = {
    "user_last", "SELECT max(user_no) FROM app_user", "primary key"};
static const struct sql_text user_move = {
    "user_move", "UPDATE app_user SET role = ?2, area_no = ?3 WHERE user_no = ?1", "primary key"};
static const struct sql_text user_duty = {
    "user_duty", "UPDATE app_user SET duty_until = ?2 WHERE user_no = ?1", "primary key"};
static const struct sql_text user_duty_of = {
    "user_duty_of", "SELECT duty_until FROM app_user WHERE user_no = ?1", "primary key"};
static const struct sql_text user_glass_ends = {
    "user_glass_ends",
    "UPDATE broken_glass SET expires_at = ?2 WHERE user_no = ?1 AND expires_at > ?2",
    "broken_glass_by_user"};
static const struct sql_text user_sessions_end = {
    "user_sessions_end", "DELETE FROM user_token WHERE user_no = ?1", "user_token_by_user"};
static const struct sql_text user_page = {
    "user_page",
    "SELECT u.user_no, u.name, u.role, u.area_no, u.duty_until, u.factor IS NOT NULL, u.unit_no,"
    " (SELECT l.name FROM app_user l WHERE l.user_no = u.lead_no) FROM app_user u"
    " WHERE u.user_no > ?1 AND u.area_no BETWEEN ?2 AND ?3 ORDER BY u.user_no LIMIT ?4",
    "primary key"};
static const struct sql_text unit_of_number = {
    "user_unit_of_number",
    "SELECT unit_no FROM unit WHERE unit_no = ?1 AND area_no BETWEEN ?2 AND ?3", "primary key"};

const struct sql_list user_statements =
    SQL_LIST(&user_number, &user_within, &user_person, &user_move, &user_duty, &user_sessions_end,
             &user_page, &user_unit, &user_all, &user_name, &user_last, &user_role,
             &unit_of_number, &user_duty_of, &user_glass_ends);

static bool found_user(int64_t user_no, struct error *err)
{
    return user_no || error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "name"},
                                "the name of a user", "no such user");
}

bool access_user_number(struct sql *sql, struct slice name, int64_t *ret_user_no, struct error *err)
{
    return sql_one_int(sql, &user_number, SQL_ARGUMENTS(sql_text(name)), 0, ret_user_no, err) &&
           found_user(*ret_user_no, err);
}

bool access_user_within(struct sql *sql, struct slice name, const struct actor *actor,
                        int64_t *ret_user_no, struct error *err)
{
    return sql_one_int(sql, &user_within,
                       SQL_ARGUMENTS(sql_text(name), sql_int(actor->area_first),
                                     sql_int(actor->area_last)),
                       0, ret_user_no, err) &&
           found_user(*ret_user_no, err);
}

bool access_user_is(struct sql *sql, struct slice name, uint32_t person_no, struct error *err)
{
    int64_t user_no;
    return access_user_number(sql, name, &user_no, err) &&
           sql_run(sql, &user_person, SQL_ARGUMENTS(sql_int(user_no), sql_int(person_no)), err);
}

bool access_user_serves(struct sql *sql, struct slice name, int64_t unit_no, struct error *err)
{
    int64_t user_no;
    return access_user_number(sql, name, &user_no, err) &&
           sql_run(sql, &user_unit, SQL_ARGUMENTS(sql_int(user_no), sql_int(unit_no)), err);
}

bool access_user_name(struct sql *sql, int64_t user_no, char out[ACCESS_NAME_BYTES],
                      struct error *err)
{
    struct sql_query *query;
    bool row;
    out[0] = '\0';
    if (!sql_begin(sql, &user_name, SQL_ARGUMENTS(sql_int(user_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row) {
        text_copy(out, ACCESS_NAME_BYTES, sql_get_text(query, 0));
        sql_end(query);
    }
    return true;
}

bool access_user_role(struct sql *sql, int64_t user_no, char out[40], struct error *err)
{
    struct sql_query *query;
    bool row;
    out[0] = '\0';
    if (!sql_begin(sql, &user_role, SQL_ARGUMENTS(sql_int(user_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row) {
        text_copy(out, 40, sql_get_text(query, 0));
        sql_end(query);
    }
    return true;
}

bool access_user_last(struct sql *sql, int64_t *ret_user_no, struct error *err)
{
    return sql_one_int(sql, &user_last, NULL, 0, 0, ret_user_no, err);
}

bool access_users(struct sql *sql, struct arena *arena, struct access_user **ret_users,
                  size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    size_t capacity = 64;
    bool row, done = sql_begin(sql, &user_all, NULL, 0, &query, err);
    *ret_users = arena_alloc(arena, capacity * sizeof **ret_users);
    *ret_count = 0;
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (*ret_count == capacity) {
            struct access_user *more = arena_alloc(arena, 2 * capacity * sizeof *more);
            memcpy(more, *ret_users, capacity * sizeof *more);
            *ret_users = more;
            capacity *= 2;
        }
        struct access_user *user = &(*ret_users)[(*ret_count)++];
        user->user_no = sql_get_int(query, 0);
        user->lead_no = sql_get_int(query, 1);
        user->area_no = sql_get_int(query, 2);
        user->person_no = sql_get_int(query, 3);
        user->unit_no = sql_get_int(query, 4);
        text_copy(user->role, sizeof user->role, sql_get_text(query, 5));
        user->duty_until = sql_is_null(query, 6) ? TIMESTAMP_NEVER : sql_get_int(query, 6);
    }
    return done;
}

struct change_job {
    struct access *access;
    const struct user_change *change;
    struct slice by;
};

static bool apply(struct sql *sql, void *context, struct error *err)
{
    const struct change_job *job = context;
    const struct user_change *change = job->change;
    timestamp now = world_now(job->access->platform->world);
    int64_t user_no, ended; /* ended: when the duty ends or ended; far off where it is open */
    if (!sql_one_int(sql, &user_within,
                     SQL_ARGUMENTS(sql_text(change->name), sql_int(change->by_first),
                                   sql_int(change->by_last)),
                     0, &user_no, err) ||
        !found_user(user_no, err) ||
        !sql_one_int(sql, &user_duty_of, SQL_ARGUMENTS(sql_int(user_no)), TIMESTAMP_NEVER,
                     &ended, err))
        return false;
    struct audit_entry entry = {.actor = job->by,
                                .act = change->role.data ? SLICE("user.move") : SLICE("user.duty"),
                                .purpose = change->name};
    bool open = change->duty_until == TIMESTAMP_NONE;
    /* a duty that ended by itself took its tokens with it: the next one does not wake them */
    bool ends = change->role.data || ended <= now || (!open && change->duty_until <= now);
    return (change->role.data
                ? sql_run(sql, &user_move,
                          SQL_ARGUMENTS(sql_int(user_no), sql_text(change->role),
                                        sql_int(change->area_no)),
                          err)
                : sql_run(sql, &user_duty,
                          SQL_ARGUMENTS(sql_int(user_no),
                                        open ? sql_null() : sql_int(change->duty_until)),
                          err)) &&
           (!ends || (sql_run(sql, &user_sessions_end, SQL_ARGUMENTS(sql_int(user_no)), err) &&
                      sql_run(sql, &user_glass_ends,
                              SQL_ARGUMENTS(sql_int(user_no), sql_int(now)), err))) &&
           audit_append(sql, &entry, now, err);
}

bool access_user_change(struct access *access, const struct user_change *change, struct slice by,
                        struct error *err)
{
    struct change_job job = {access, change, by};
    if (change->role.data && !policy_role(access->platform->policy, change->role))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "role"},
                         "a role of policies/roles.yaml", "unknown role");
    bool done = store_write(access->platform->store, apply, &job, err);
    access_forget_cached(access);
    return done;
}

/* ---- Routes */

static bool list_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    struct json_writer writer;
    int64_t limit, after, count = 0, last = 0;
    if (!request_limit(request, &limit, err) || !request_cursor(request, &after, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool row = false;
    bool done = sql_begin(sql, &user_page,
                          SQL_ARGUMENTS(sql_int(after), sql_int(request->actor.area_first),
                                        sql_int(request->actor.area_last), sql_int(limit + 1)),
                          &query, err);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    while (done && (done = sql_next(query, &row, err)) && row && ++count <= limit) {
        last = sql_get_int(query, 0);
        json_object_begin(&writer);
        json_field_text(&writer, "name", sql_get_text(query, 1));
        json_field_text(&writer, "role", sql_get_text(query, 2));
        const struct area *area = registry_area(request->platform->registry, sql_get_int(query, 3));
        json_field_text(&writer, "area", area ? area->code : SLICE(""));
        json_field_time(&writer, "duty_until",
                        sql_is_null(query, 4) ? TIMESTAMP_NONE : sql_get_int(query, 4));
        json_field_bool(&writer, "second_factor", sql_get_int(query, 5) != 0);
        if (sql_get_int(query, 6))
            json_field_int64(&writer, "unit", sql_get_int(query, 6));
        else
            json_field_null(&writer, "unit");
        json_key(&writer, "lead");
        if (sql_is_null(query, 7))
            json_put_null(&writer);
        else
            json_put_text(&writer, sql_get_text(query, 7));
        json_object_end(&writer);
    }
    if (done && row)
        sql_end(query);
    json_array_end(&writer);
    json_field_cursor(&writer, done && count > limit ? last : 0);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}

static bool duty_handle(const struct request *request, struct response *response, struct error *err)
{
    static const char *const fields[] = {"name", "until", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct slice until = {NULL, 0};
    struct user_change change = {.duty_until = TIMESTAMP_NONE,
                                 .by_first = request->actor.area_first,
                                 .by_last = request->actor.area_last};
    json_t *body;
    if (!request_json(request, &body, err) || !json_only_fields(body, fields, place, err) ||
        !json_text(body, "name", place, &change.name, err))
        return false;
    if (!json_is_null(json_object_get(body, "until")) &&
        (!json_text(body, "until", place, &until, err) || !time_parse(until, &change.duty_until)))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "until"},
                         "an RFC 3339 time, or null for an open end", "not a time");
    if (!access_user_change(request->platform->access, &change, slice_of(request->actor.name), err))
        return false;
    buffer_append_text(&response->body, "{}");
    return true;
}

/* ---- POST /users:unit */

struct unit_job {
    const struct request *request;
    struct slice name;
    int64_t unit_no; /* 0: none */
};

static bool put_unit(struct sql *sql, void *context, struct error *err)
{
    const struct unit_job *job = context;
    const struct actor *actor = &job->request->actor;
    int64_t user_no, known;
    struct audit_entry entry = {
        .actor = slice_of(actor->name), .act = SLICE("user.unit"), .purpose = job->name};
    if (!access_user_within(sql, job->name, actor, &user_no, err) ||
        !sql_one_int(sql, &unit_of_number,
                     SQL_ARGUMENTS(sql_int(job->unit_no), sql_int(actor->area_first),
                                   sql_int(actor->area_last)),
                     0, &known, err))
        return false;
    if (job->unit_no && !known)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "unit"},
                         "the number of a unit of your area, or null",
                         "there is no unit of this number");
    return sql_run(sql, &user_unit, SQL_ARGUMENTS(sql_int(user_no), sql_int(job->unit_no)), err) &&
           audit_append(sql, &entry, sql_now(sql), err);
}

static bool unit_handle(const struct request *request, struct response *response, struct error *err)
{
    static const char *const fields[] = {"name", "unit", NULL};
    struct json_place place = {.source = "body", .required = true}, may = {.source = "body"};
    struct unit_job job = {.request = request};
    json_t *body;
    if (!request_json(request, &body, err) || !json_only_fields(body, fields, place, err) ||
        !json_text(body, "name", place, &job.name, err) ||
        !json_int64(body, "unit", may, 1, UINT32_MAX, &job.unit_no, err))
        return false;
    bool done = store_write(request->platform->store, put_unit, &job, err);
    access_forget_cached(request->platform->access);
    if (done)
        buffer_append_text(&response->body, "{}");
    return done;
}

#define TEXT "{\"type\":\"string\"}"
#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define PAGE(item)                                                                                 \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{"                      \
    "\"items\":{\"type\":\"array\",\"items\":" item                                                \
    "},\"next\":{\"type\":[\"string\",\"null\"]}}}"
#define USER                                                                                       \
    "{\"type\":\"object\","                                                                        \
    "\"required\":[\"name\",\"role\",\"area\",\"duty_until\",\"second_factor\",\"unit\","         \
    "\"lead\"],"                                                                                   \
    "\"properties\":{\"name\":" TEXT ",\"role\":" TEXT ",\"area\":" TEXT                           \
    ",\"duty_until\":" TIME_OR_NULL ",\"second_factor\":{\"type\":\"boolean\"},\"unit\":"          \
    "{\"type\":[\"integer\",\"null\"]},\"lead\":{\"type\":[\"string\",\"null\"]}}}"
#define GLASS                                                                                      \
    "{\"type\":\"object\",\"required\":[\"no\",\"user\",\"role\",\"reason\",\"opened_at\","        \
    "\"expires_at\"],\"properties\":{\"no\":{\"type\":\"integer\"},\"user\":" TEXT                 \
    ",\"role\":" TEXT ",\"reason\":{\"type\":[\"string\",\"null\"]},\"opened_at\":" TIME           \
    ",\"expires_at\":" TIME "}}"

const struct route access_routes[ACCESS_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/users",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_USER_MANAGE),
     .summary = "Users of the reader's area, with their duties",
     .query = "limit:integer:1 to 1000, default 100;after:string:cursor",
     .response_schema = PAGE(USER),
     .handle = list_handle},
    {.method = HTTP_POST,
     .path = "/users:duty",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_USER_MANAGE),
     .summary = "Ends or extends a user's duty; sessions and permissions end with it at once",
     .request_schema = "{\"type\":\"object\",\"required\":[\"name\",\"until\"],"
                       "\"additionalProperties\":false,\"properties\":{\"name\":" TEXT
                       ",\"until\":" TIME_OR_NULL "}}",
     .response_schema = "{\"type\":\"object\"}",
     .handle = duty_handle},
    {.method = HTTP_POST,
     .path = "/users:unit",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_USER_MANAGE),
     .summary = "Says which unit a user serves in: what waits for the unit waits for the user",
     .request_schema = "{\"type\":\"object\",\"required\":[\"name\",\"unit\"],"
                       "\"additionalProperties\":false,\"properties\":{\"name\":" TEXT
                       ",\"unit\":{\"type\":[\"integer\",\"null\"]}}}",
     .response_schema = "{\"type\":\"object\"}",
     .handle = unit_handle},
    {.method = HTTP_POST,
     .path = "/break-glass",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_GLASS_BREAK),
     .summary = "Opens persons of the whole city for a short time; the lead is told",
     .request_schema = "{\"type\":\"object\",\"required\":[\"reason\"],"
                       "\"additionalProperties\":false,\"properties\":{\"reason\":"
                       "{\"type\":\"string\",\"minLength\":10,\"maxLength\":1000}}}",
     .response_schema = "{\"type\":\"object\",\"required\":[\"purpose\",\"expires_at\"],"
                        "\"properties\":{\"purpose\":" TEXT ",\"expires_at\":" TIME "}}",
     .handle = glass_break_handle},
    {.method = HTTP_GET,
     .path = "/break-glass",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_GLASS_REVIEW),
     .summary = "Who broke the glass in the reader's area, when and why, newest first",
     .query = "limit:integer:1 to 1000, default 100;after:string:cursor",
     .response_schema = PAGE(GLASS),
     .handle = glass_list_handle},
};
