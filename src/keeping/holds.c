/* Holds: what is kept although its days have passed, why, until when, by whom. A hold ends by its
 * date or is lifted; both stay visible. */
#include "keeping/keeping_internal.h"

static const struct sql_text hold_insert = {
    "hold_insert",
    "INSERT INTO retention_hold (class, first_day, last_day, made_at, until_at, reason, made_by)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    "primary key"};
static const struct sql_text hold_last = {
    "hold_last", "SELECT max(hold_no) FROM retention_hold", "primary key"};
static const struct sql_text hold_close = {
    "hold_close",
    "UPDATE retention_hold SET lifted_at = ?2, lifted_by = ?3 WHERE hold_no = ?1"
    " AND lifted_at IS NULL",
    "primary key"};
static const struct sql_text hold_select = {
    "hold_select",
    "SELECT hold_no, class, first_day, last_day, made_at, until_at, reason, made_by, lifted_at,"
    " lifted_by FROM retention_hold ORDER BY hold_no DESC LIMIT ?1",
    "small table"};
static const struct sql_text hold_select_active = {
    "hold_select_active",
    "SELECT hold_no, class, first_day, last_day, made_at, until_at, reason, made_by, lifted_at,"
    " lifted_by FROM retention_hold WHERE lifted_at IS NULL AND until_at > ?2"
    " ORDER BY hold_no DESC LIMIT ?1",
    "small table"};

const struct sql_list hold_statements =
    SQL_LIST(&hold_insert, &hold_last, &hold_close, &hold_select, &hold_select_active);

static void take_row(struct sql_query *query, struct hold *hold)
{
    hold->no = sql_get_int(query, 0);
    text_copy(hold->class_, sizeof hold->class_, sql_get_text(query, 1));
    hold->first_day = sql_is_null(query, 2) ? INT32_MIN : (int32_t)sql_get_int(query, 2);
    hold->last_day = sql_is_null(query, 3) ? INT32_MAX : (int32_t)sql_get_int(query, 3);
    hold->made_at = sql_get_int(query, 4);
    hold->until_at = sql_get_int(query, 5);
    text_copy(hold->reason, sizeof hold->reason, sql_get_text(query, 6));
    text_copy(hold->made_by, sizeof hold->made_by, sql_get_text(query, 7));
    hold->lifted_at = sql_get_time(query, 8);
    if (!sql_is_null(query, 9))
        text_copy(hold->lifted_by, sizeof hold->lifted_by, sql_get_text(query, 9));
}

bool holds_read(struct sql *sql, bool only_active, timestamp now, struct arena *arena,
                struct hold **ret_holds, size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    struct hold *holds = arena_alloc(arena, HOLDS_MAX * sizeof *holds);
    size_t count = 0;
    bool row, done = only_active
                         ? sql_begin(sql, &hold_select_active,
                                     SQL_ARGUMENTS(sql_int(HOLDS_MAX), sql_int(now)), &query, err)
                         : sql_begin(sql, &hold_select, SQL_ARGUMENTS(sql_int(HOLDS_MAX)), &query,
                                     err);
    while (done && (done = sql_next(query, &row, err)) && row)
        take_row(query, &holds[count++]);
    *ret_holds = holds;
    *ret_count = count;
    return done;
}

struct hold_job {
    struct platform *platform;
    const struct hold *hold;
    const char *by;
    timestamp now;
    int64_t no;
};

static bool audit_hold(struct sql *sql, const struct hold_job *job, const char *by,
                       struct slice act, struct error *err)
{
    char field[32];
    snprintf(field, sizeof field, "hold:%lld", (long long)job->no);
    struct audit_entry entry = {.actor = slice_of(by), .act = act, .fields = slice_of(field)};
    return audit_append(sql, &entry, job->now, err);
}

static struct sql_value open_day(int32_t day)
{
    return day == INT32_MIN || day == INT32_MAX ? sql_null() : sql_int(day);
}

static bool add(struct sql *sql, void *context, struct error *err)
{
    struct hold_job *job = context;
    const struct hold *hold = job->hold;
    int64_t active = 0;
    return sql_run(sql, &hold_insert,
                   SQL_ARGUMENTS(sql_text(slice_of(hold->class_)), open_day(hold->first_day),
                                 open_day(hold->last_day), sql_int(job->now),
                                 sql_int(hold->until_at), sql_text(slice_of(hold->reason)),
                                 sql_text(slice_of(hold->made_by))),
                   err) &&
           sql_one_int(sql, &hold_last, NULL, 0, 0, &active, err) && (job->no = active, true) &&
           audit_hold(sql, job, hold->made_by, SLICE("hold.add"), err);
}

bool hold_add(struct platform *platform, const struct hold *hold, int64_t *ret_no,
              struct error *err)
{
    struct hold_job job = {.platform = platform, .hold = hold, .now = world_now(platform->world)};
    struct error_place place = {.source = "hold add"};
    bool all = strcmp(hold->class_, "all") == 0;
    int class_ = record_class_of(slice_of(hold->class_));
    bool ranged = hold->first_day != INT32_MIN || hold->last_day != INT32_MAX;
    if (!all && (class_ < 0 || record_class_keeper((enum record_class)class_) != KEEPER_RUN))
        return error_set(err, ERROR_BAD_VALUE, place,
                         "all, presence, tests, evidence, events or backups",
                         "no run destroys the class '%s'", hold->class_);
    if (ranged && class_ != CLASS_PRESENCE)
        return error_set(err, ERROR_BAD_VALUE, place, "days for the class presence only",
                         "this class is not kept by days");
    if (hold->first_day > hold->last_day)
        return error_set(err, ERROR_BAD_VALUE, place, "--from not after --to", "no day is meant");
    if (hold->until_at <= job.now)
        return error_set(err, ERROR_BAD_VALUE, place, "--until in the city's future",
                         "the hold would be over already");
    if (!hold->reason[0])
        return error_set(err, ERROR_BAD_VALUE, place, "--reason in words", "no reason is given");
    if (!store_write(platform->store, add, &job, err))
        return false;
    *ret_no = job.no;
    return true;
}

static bool lift(struct sql *sql, void *context, struct error *err)
{
    struct hold_job *job = context;
    int64_t changed;
    if (!sql_run_count(sql, &hold_close,
                       SQL_ARGUMENTS(sql_int(job->no), sql_int(job->now),
                                     sql_text(slice_of(job->by))),
                       &changed, err))
        return false;
    if (!changed)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.source = "hold lift"},
                         "the number of a hold that is not lifted", "there is no such hold");
    return audit_hold(sql, job, job->by, SLICE("hold.lift"), err);
}

bool hold_lift(struct platform *platform, int64_t no, const char *by, struct error *err)
{
    struct hold_job job = {
        .platform = platform, .by = by, .no = no, .now = world_now(platform->world)};
    return store_write(platform->store, lift, &job, err);
}

const struct hold *hold_of(const struct hold *holds, size_t count, enum record_class class_,
                           int32_t day)
{
    for (size_t i = 0; i < count; i++) {
        bool fits = strcmp(holds[i].class_, "all") == 0 ||
                    strcmp(holds[i].class_, record_class_name(class_)) == 0;
        if (fits && (day == INT32_MIN || (holds[i].first_day <= day && day <= holds[i].last_day)))
            return &holds[i];
    }
    return NULL;
}

static void put_day(struct json_writer *writer, const char *key, int32_t day)
{
    char text[TIME_TEXT_BYTES];
    if (day == INT32_MIN || day == INT32_MAX)
        json_field_null(writer, key);
    else
        json_field_text(writer, key, slice_of(time_format_date(day, text)));
}

void hold_put(struct json_writer *writer, const struct hold *hold, timestamp now)
{
    bool lifted = hold->lifted_at != TIMESTAMP_NONE;
    json_object_begin(writer);
    json_field_int64(writer, "hold", hold->no);
    json_field_text(writer, "class", slice_of(hold->class_));
    put_day(writer, "from", hold->first_day);
    put_day(writer, "to", hold->last_day);
    json_field_time(writer, "made_at", hold->made_at / SECOND * SECOND);
    json_field_time(writer, "until", hold->until_at);
    json_field_text(writer, "reason", slice_of(hold->reason));
    json_field_text(writer, "by", slice_of(hold->made_by));
    json_field_text(writer, "state",
                    lifted ? SLICE("lifted") : hold->until_at > now ? SLICE("active")
                                                                    : SLICE("over"));
    if (lifted) {
        json_field_time(writer, "lifted_at", hold->lifted_at / SECOND * SECOND);
        json_field_text(writer, "lifted_by", slice_of(hold->lifted_by));
    }
    json_object_end(writer);
}
