/* Duties and absences: who is on duty when, and who stands in. Rows are put in and taken out by the
 * command line and by who manages users, each within the own area and on record; the board is made
 * anew after each. A user without any row is on duty until the duty as a whole ends. */
#include "loops/duties.h"

#include "loops/loops_internal.h"
#include "registry/registry.h"

static const struct sql_text duty_last = {"duty_last", "SELECT max(duty_no) FROM duty",
                                          "primary key"};
static const struct sql_text duty_insert = {
    "duty_insert", "INSERT INTO duty (duty_no, user_no, from_at, until_at) VALUES (?1, ?2, ?3, ?4)",
    "primary key"};
static const struct sql_text absence_last = {"absence_last", "SELECT max(absence_no) FROM absence",
                                             "primary key"};
static const struct sql_text absence_insert = {
    "absence_insert",
    "INSERT INTO absence (absence_no, user_no, delegate_no, from_at, until_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5)",
    "primary key"};
static const struct sql_text duty_of = {
    "duty_of",
    "SELECT u.name FROM duty d JOIN app_user u ON u.user_no = d.user_no"
    " WHERE d.duty_no = ?1 AND u.area_no BETWEEN ?2 AND ?3",
    "primary key"};
static const struct sql_text absence_of = {
    "absence_of",
    "SELECT u.name FROM absence d JOIN app_user u ON u.user_no = d.user_no"
    " WHERE d.absence_no = ?1 AND u.area_no BETWEEN ?2 AND ?3",
    "primary key"};
static const struct sql_text duty_delete = {"duty_delete", "DELETE FROM duty WHERE duty_no = ?1",
                                            "primary key"};
static const struct sql_text absence_delete = {
    "absence_delete", "DELETE FROM absence WHERE absence_no = ?1", "primary key"};
/* What is not over, of users of the area. */
static const struct sql_text duty_list = {
    "duty_list",
    "SELECT d.duty_no, u.name, '', d.from_at, d.until_at FROM duty d"
    " JOIN app_user u ON u.user_no = d.user_no WHERE d.until_at > ?1"
    " AND u.area_no BETWEEN ?2 AND ?3 ORDER BY d.until_at, d.duty_no LIMIT ?4",
    "duty_by_end"};
static const struct sql_text absence_list = {
    "absence_list",
    "SELECT d.absence_no, u.name, coalesce(e.name, ''), d.from_at, d.until_at FROM absence d"
    " JOIN app_user u ON u.user_no = d.user_no LEFT JOIN app_user e ON e.user_no = d.delegate_no"
    " WHERE d.until_at > ?1 AND u.area_no BETWEEN ?2 AND ?3"
    " ORDER BY d.until_at, d.absence_no LIMIT ?4",
    "absence_by_end"};
/* Who stands in a table of duties, and in none of its rows now. */
static const struct sql_text duty_none_now = {
    "duty_none_now",
    "SELECT u.name FROM app_user u WHERE u.area_no BETWEEN ?2 AND ?3"
    " AND EXISTS (SELECT 1 FROM duty d WHERE d.user_no = u.user_no)"
    " AND NOT EXISTS (SELECT 1 FROM duty d WHERE d.user_no = u.user_no AND d.from_at <= ?1"
    " AND d.until_at > ?1) ORDER BY u.user_no",
    "small table"};

const struct sql_list loop_duty_statements =
    SQL_LIST(&duty_last, &duty_insert, &absence_last, &absence_insert, &duty_of, &absence_of,
             &duty_delete, &absence_delete, &duty_list, &absence_list, &duty_none_now);

enum { ROWS_SHOWN_MAX = 5000 };

/* ---- Putting in */

struct duty_job {
    const struct duty_row *row;
    struct slice by;
    const struct actor *within; /* NULL: every area */
    int64_t no;
};

static bool find_user(struct sql *sql, const struct duty_job *job, struct slice name,
                      int64_t *ret_user_no, struct error *err)
{
    return job->within ? access_user_within(sql, name, job->within, ret_user_no, err)
                       : access_user_number(sql, name, ret_user_no, err);
}

/* Who stands in for somebody acts with the seat of that one: only one of the same role, or of the
 * same line, may. */
static bool may_stand_in(struct sql *sql, int64_t user_no, int64_t delegate_no, struct error *err)
{
    char role[40], delegate_role[40];
    bool led;
    if (delegate_no == user_no)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "delegate"},
                         "another user", "nobody stands in for themselves");
    if (!access_user_role(sql, user_no, role, err) ||
        !access_user_role(sql, delegate_no, delegate_role, err) ||
        !access_is_led(sql, user_no, delegate_no, &led, err))
        return false;
    return led || strcmp(role, delegate_role) == 0 ||
           error_set(err, ERROR_REFUSED, (struct error_place){.field = "delegate"},
                     "a user of the same role, the lead, or one whom the absent one leads",
                     "a %s does not stand in for a %s", delegate_role, role);
}

static bool put_duty(struct sql *sql, void *context, struct error *err)
{
    struct duty_job *job = context;
    const struct duty_row *row = job->row;
    int64_t user_no, delegate_no = 0;
    struct audit_entry entry = {.actor = job->by,
                                .act = row->absent ? SLICE("duty.absent") : SLICE("duty.add"),
                                .purpose = row->name};
    if (!find_user(sql, job, row->name, &user_no, err) ||
        (row->delegate.data && !find_user(sql, job, row->delegate, &delegate_no, err)))
        return false;
    if (delegate_no && !may_stand_in(sql, user_no, delegate_no, err))
        return false;
    if (!sql_one_int(sql, row->absent ? &absence_last : &duty_last, NULL, 0, 0, &job->no, err))
        return false;
    job->no++;
    return (row->absent
                ? sql_run(sql, &absence_insert,
                          SQL_ARGUMENTS(sql_int(job->no), sql_int(user_no), sql_int(delegate_no),
                                        sql_int(row->from), sql_int(row->until)),
                          err)
                : sql_run(sql, &duty_insert,
                          SQL_ARGUMENTS(sql_int(job->no), sql_int(user_no), sql_int(row->from),
                                        sql_int(row->until)),
                          err)) &&
           audit_append(sql, &entry, sql_now(sql), err);
}

bool duty_put(struct platform *platform, const struct duty_row *row, struct slice by,
              const struct actor *within, int64_t *ret_no, struct error *err)
{
    struct duty_job job = {row, by, within, 0};
    if (row->until <= row->from)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "until"},
                         "a time after `from`", "it would end before it begins");
    bool done = store_write(platform->store, put_duty, &job, err);
    atomic_fetch_add(&platform->loops->duties, 1);
    *ret_no = job.no;
    return done;
}

/* ---- Taking out */

struct removal {
    const struct actor *actor;
    int64_t no;
    bool absent;
};

static bool remove_duty(struct sql *sql, void *context, struct error *err)
{
    const struct removal *removal = context;
    struct sql_query *query;
    char name[ACCESS_NAME_BYTES];
    bool row;
    if (!sql_begin(sql, removal->absent ? &absence_of : &duty_of,
                   SQL_ARGUMENTS(sql_int(removal->no), sql_int(removal->actor->area_first),
                                 sql_int(removal->actor->area_last)),
                   &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                         "a row of the list", "there is none of that number");
    text_copy(name, sizeof name, sql_get_text(query, 0));
    sql_end(query);
    struct audit_entry entry = {.actor = slice_of(removal->actor->name),
                                .act = removal->absent ? SLICE("duty.absent.removed")
                                                       : SLICE("duty.removed"),
                                .purpose = slice_of(name)};
    return sql_run(sql, removal->absent ? &absence_delete : &duty_delete,
                   SQL_ARGUMENTS(sql_int(removal->no)), err) &&
           audit_append(sql, &entry, sql_now(sql), err);
}

static bool remove_row(const struct request *request, bool absent, struct response *response,
                       struct error *err)
{
    struct removal removal = {.actor = &request->actor, .absent = absent};
    if (!slice_to_int64(request->parameters[0], 1, INT64_MAX, &removal.no))
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                         "a row of the list", "not a number");
    bool done = store_write(request->platform->store, remove_duty, &removal, err);
    atomic_fetch_add(&request->platform->loops->duties, 1);
    if (done)
        buffer_append_text(&response->body, "{}");
    return done;
}

bool duties_handle_remove(const struct request *request, struct response *response,
                          struct error *err)
{
    return remove_row(request, false, response, err);
}

bool absences_handle_remove(const struct request *request, struct response *response,
                            struct error *err)
{
    return remove_row(request, true, response, err);
}

/* ---- Routes */

static bool add_row(const struct request *request, bool absent, struct response *response,
                    struct error *err)
{
    static const char *const duty_fields[] = {"name", "from", "until", NULL};
    static const char *const absence_fields[] = {"name", "from", "until", "delegate", NULL};
    struct json_place must = {.source = "body", .required = true}, may = {.source = "body"};
    struct duty_row row = {.absent = absent};
    json_t *body;
    int64_t no;
    response->status = 201;
    if (!request_json(request, &body, err) ||
        !json_only_fields(body, absent ? absence_fields : duty_fields, must, err) ||
        !json_text(body, "name", must, &row.name, err) ||
        !json_time(body, "from", must, &row.from, err) ||
        !json_time(body, "until", must, &row.until, err) ||
        (absent && !json_text(body, "delegate", may, &row.delegate, err)) ||
        !duty_put(request->platform, &row, slice_of(request->actor.name), &request->actor, &no,
                  err))
        return false;
    buffer_print(&response->body, "{\"no\":%lld}", (long long)no);
    return true;
}

bool duties_handle_add(const struct request *request, struct response *response, struct error *err)
{
    return add_row(request, false, response, err);
}

bool absences_handle_add(const struct request *request, struct response *response,
                         struct error *err)
{
    return add_row(request, true, response, err);
}

static bool put_rows(const struct request *request, struct sql *sql, bool absent,
                     struct json_writer *writer, struct error *err)
{
    struct sql_query *query;
    bool row,
        done = sql_begin(sql, absent ? &absence_list : &duty_list,
                         SQL_ARGUMENTS(sql_int(sql_now(sql)), sql_int(request->actor.area_first),
                                       sql_int(request->actor.area_last), sql_int(ROWS_SHOWN_MAX)),
                         &query, err);
    json_key(writer, absent ? "absences" : "duties");
    json_array_begin(writer);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice delegate = sql_get_text(query, 2);
        json_object_begin(writer);
        json_field_int64(writer, "no", sql_get_int(query, 0));
        json_field_text(writer, "name", sql_get_text(query, 1));
        if (absent && delegate.length)
            json_field_text(writer, "delegate", delegate);
        else if (absent)
            json_field_null(writer, "delegate");
        json_field_time(writer, "from", sql_get_int(query, 3));
        json_field_time(writer, "until", sql_get_int(query, 4));
        json_object_end(writer);
    }
    json_array_end(writer);
    return done;
}

static bool put_off_duty(const struct request *request, struct sql *sql, struct json_writer *writer,
                         struct error *err)
{
    struct sql_query *query;
    bool row,
        done = sql_begin(sql, &duty_none_now,
                         SQL_ARGUMENTS(sql_int(sql_now(sql)), sql_int(request->actor.area_first),
                                       sql_int(request->actor.area_last)),
                         &query, err);
    json_key(writer, "off_duty");
    json_array_begin(writer);
    while (done && (done = sql_next(query, &row, err)) && row)
        json_put_text(writer, sql_get_text(query, 0));
    json_array_end(writer);
    return done;
}

bool duties_handle_list(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct json_writer writer;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_time(&writer, "true_for", sql_now(sql));
    bool done = put_rows(request, sql, false, &writer, err) &&
                put_rows(request, sql, true, &writer, err) &&
                put_off_duty(request, sql, &writer, err);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}
