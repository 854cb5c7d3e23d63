/* The outbox in SQL: what waits for a channel, what came of each try, where mail of a user goes,
 * and forgetting. The state diagram is in outbox.c. */
#include "notices/notices_internal.h"

static const struct sql_text delivery_insert = {
    "notice_delivery_insert",
    "INSERT INTO notice_delivery (notice_no, channel, state, attempts, due_at)"
    " VALUES (?1, ?2, 0, 0, ?3)",
    "primary key"};
static const struct sql_text delivery_select_due = {
    "notice_delivery_due",
    "SELECT notice_no, attempts FROM notice_delivery WHERE channel = ?1 AND due_at <= ?2"
    " AND state = 0 ORDER BY due_at, notice_no LIMIT ?3",
    "notice_delivery_due"};
static const struct sql_text delivery_state = {
    "notice_delivery_state",
    "SELECT state FROM notice_delivery WHERE notice_no = ?1 AND channel = ?2", "primary key"};
static const struct sql_text delivery_delete = {
    "notice_delivery_delete", "DELETE FROM notice_delivery WHERE notice_no = ?1 AND channel = ?2",
    "primary key"};
static const struct sql_text delivery_update = {
    "notice_delivery_update",
    "UPDATE notice_delivery SET state = ?3, attempts = attempts + 1, due_at = ?4"
    " WHERE notice_no = ?1 AND channel = ?2",
    "primary key"};
static const struct sql_text delivery_again = {
    "notice_delivery_again",
    "UPDATE notice_delivery SET state = 0, attempts = 0, due_at = ?2"
    " WHERE channel = ?1 AND state = 1",
    "notice_delivery_given_up"};
static const struct sql_text channel_add = {
    "notice_channel_add",
    "INSERT INTO notice_channel (channel, waiting, delivered, given_up, retries)"
    " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (channel) DO UPDATE SET"
    " waiting = waiting + excluded.waiting, delivered = delivered + excluded.delivered,"
    " given_up = given_up + excluded.given_up, retries = retries + excluded.retries",
    "primary key"};
static const struct sql_text channel_select = {
    "notice_channel_select",
    "SELECT waiting, delivered, given_up, retries FROM notice_channel WHERE channel = ?1",
    "primary key"};
static const struct sql_text address_insert = {
    "notice_address_put",
    "INSERT INTO notice_address (user_no, address) VALUES (?1, ?2)"
    " ON CONFLICT (user_no) DO UPDATE SET address = excluded.address",
    "primary key"};
static const struct sql_text address_delete = {
    "notice_address_delete", "DELETE FROM notice_address WHERE user_no = ?1", "primary key"};
static const struct sql_text address_select = {
    "notice_address_select", "SELECT address FROM notice_address WHERE user_no = ?1",
    "primary key"};
static const struct sql_text address_there = {
    "notice_address_there", "SELECT 1 FROM notice_address WHERE user_no = ?1", "primary key"};
const struct sql_text address_block = {
    "notice_address_block",
    "SELECT user_no, address FROM notice_address WHERE user_no > ?1 ORDER BY user_no LIMIT ?2",
    "primary key"};
const struct sql_text address_replace = {
    "notice_address_replace", "UPDATE notice_address SET address = ?2 WHERE user_no = ?1",
    "primary key"};
static const struct sql_text old_select = {
    "notice_old",
    "SELECT notice_no, user_no, at FROM notice WHERE notice_no < ?1 ORDER BY notice_no LIMIT ?2",
    "primary key"};
static const struct sql_text old_last = {"notice_old_last", "SELECT max(notice_no) FROM notice",
                                         "primary key"};

const struct sql_list notice_delivery_statements = SQL_LIST(
    &delivery_insert, &delivery_select_due, &delivery_state, &delivery_delete, &delivery_update,
    &delivery_again, &channel_add, &channel_select, &address_insert, &address_delete,
    &address_select, &address_there, &address_block, &address_replace, &old_select, &old_last);

/* ---- Counters */

static bool count(struct sql *sql, enum notice_channel channel, const struct notice_counts *by,
                  struct error *err)
{
    return sql_run(sql, &channel_add,
                   SQL_ARGUMENTS(sql_int(channel), sql_int(by->waiting), sql_int(by->delivered),
                                 sql_int(by->given_up), sql_int(by->retries)),
                   err);
}

static bool read_counts(struct sql *sql, int channel, struct notice_counts *out, struct error *err)
{
    struct sql_query *query;
    bool row;
    *out = (struct notice_counts){.waiting = 0};
    if (!sql_begin(sql, &channel_select, SQL_ARGUMENTS(sql_int(channel)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row) {
        *out = (struct notice_counts){sql_get_int(query, 0), sql_get_int(query, 1),
                                      sql_get_int(query, 2), sql_get_int(query, 3)};
        sql_end(query);
    }
    return true;
}

bool notices_counts(struct notices *notices, struct notice_counts out[NOTICE_CHANNELS],
                    struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(notices->platform->store, &sql, err))
        return false;
    bool done = true;
    for (int i = 0; done && i < NOTICE_CHANNELS; i++)
        done = read_counts(sql, i, &out[i], err);
    store_read_end(notices->platform->store, sql);
    return done;
}

bool counts_refresh(struct notices *notices, struct error *err)
{
    struct notice_counts counts[NOTICE_CHANNELS];
    if (!notices_counts(notices, counts, err))
        return false;
    pthread_mutex_lock(&notices->lock);
    memcpy(notices->counts, counts, sizeof counts);
    pthread_mutex_unlock(&notices->lock);
    return true;
}

void notices_counts_lately(struct notices *notices, struct notice_counts out[NOTICE_CHANNELS])
{
    pthread_mutex_lock(&notices->lock);
    memcpy(out, notices->counts, sizeof notices->counts);
    pthread_mutex_unlock(&notices->lock);
}

/* ---- Deliveries */

bool delivery_put(struct sql *sql, int64_t notice_no, enum notice_channel channel, timestamp due_at,
                  struct error *err)
{
    struct notice_counts one = {.waiting = 1};
    return sql_run(sql, &delivery_insert,
                   SQL_ARGUMENTS(sql_int(notice_no), sql_int(channel), sql_int(due_at)), err) &&
           count(sql, channel, &one, err);
}

bool delivery_due(struct sql *sql, enum notice_channel channel, timestamp now, int64_t limit,
                  struct delivery *out, size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &delivery_select_due,
                               SQL_ARGUMENTS(sql_int(channel), sql_int(now), sql_int(limit)),
                               &query, err);
    *ret_count = 0;
    while (done && (done = sql_next(query, &row, err)) && row)
        out[(*ret_count)++] =
            (struct delivery){sql_get_int(query, 0), sql_get_int(query, 1), channel};
    return done;
}

/* *ret_state is −1 where there is none. */
static bool state_of(struct sql *sql, int64_t notice_no, int channel, int64_t *ret_state,
                     struct error *err)
{
    return sql_one_int(sql, &delivery_state, SQL_ARGUMENTS(sql_int(notice_no), sql_int(channel)),
                       -1, ret_state, err);
}

bool delivery_end(struct sql *sql, const struct delivery *delivery, enum outcome outcome,
                  timestamp due_at, struct error *err)
{
    struct notice_counts by = {.waiting = outcome == OUTCOME_RETRY ? 0 : -1,
                               .delivered = outcome == OUTCOME_DELIVERED,
                               .given_up = outcome == OUTCOME_GIVEN_UP,
                               .retries = outcome == OUTCOME_RETRY};
    int64_t state;
    if (!state_of(sql, delivery->notice_no, delivery->channel, &state, err))
        return false;
    if (state != 0) /* forgotten while it was under way */
        return true;
    bool goes = outcome == OUTCOME_DELIVERED || outcome == OUTCOME_DROPPED;
    bool done =
        goes ? sql_run(sql, &delivery_delete,
                       SQL_ARGUMENTS(sql_int(delivery->notice_no), sql_int(delivery->channel)), err)
             : sql_run(sql, &delivery_update,
                       SQL_ARGUMENTS(sql_int(delivery->notice_no), sql_int(delivery->channel),
                                     sql_int(outcome == OUTCOME_GIVEN_UP), sql_int(due_at)),
                       err);
    return done && count(sql, delivery->channel, &by, err);
}

bool delivery_retry(struct sql *sql, enum notice_channel channel, timestamp due_at,
                    int64_t *ret_count, struct error *err)
{
    if (!sql_run_count(sql, &delivery_again, SQL_ARGUMENTS(sql_int(channel), sql_int(due_at)),
                       ret_count, err))
        return false;
    struct notice_counts by = {.waiting = *ret_count, .given_up = -*ret_count};
    return count(sql, channel, &by, err);
}

/* ---- Addresses */

bool address_put(struct sql *sql, int64_t user_no, struct slice address, struct error *err)
{
    struct arena arena;
    if (!address.length)
        return sql_run(sql, &address_delete, SQL_ARGUMENTS(sql_int(user_no)), err);
    arena_init(&arena, 1 << 16);
    struct slice cipher =
        field_encrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_ADDRESS | user_no, address, &arena);
    bool done =
        sql_run(sql, &address_insert, SQL_ARGUMENTS(sql_int(user_no), sql_blob(cipher)), err);
    arena_release(&arena);
    return done;
}

bool address_read(struct sql *sql, int64_t user_no, struct arena *arena, char out[ADDRESS_BYTES],
                  struct error *err)
{
    struct sql_query *query;
    struct slice plain;
    bool row;
    out[0] = '\0';
    if (!sql_begin(sql, &address_select, SQL_ARGUMENTS(sql_int(user_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    bool done = field_decrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_ADDRESS | user_no,
                              sql_get_blob(query, 0), arena, &plain, err);
    if (done)
        text_copy(out, ADDRESS_BYTES, plain);
    sql_end(query);
    return done;
}

bool address_known(struct sql *sql, int64_t user_no, bool *ret_known, struct error *err)
{
    int64_t found;
    if (!sql_one_int(sql, &address_there, SQL_ARGUMENTS(sql_int(user_no)), 0, &found, err))
        return false;
    *ret_known = found != 0;
    return true;
}

/* ---- Forgetting: by number, which is the order of their making */

enum { NOTICES_A_JOB = 500, FORGET_JOBS_MAX = 400 };

struct forgetting {
    int64_t days, count;
};

static bool drop_deliveries(struct sql *sql, int64_t notice_no, struct error *err)
{
    for (int channel = 0; channel < NOTICE_CHANNELS; channel++) {
        int64_t state;
        if (!state_of(sql, notice_no, channel, &state, err))
            return false;
        if (state >= 0 && !sql_run(sql, &delivery_delete,
                                   SQL_ARGUMENTS(sql_int(notice_no), sql_int(channel)), err))
            return false;
        struct notice_counts by = {.waiting = -(state == 0), .given_up = -(state == 1)};
        if (state >= 0 && !count(sql, (enum notice_channel)channel, &by, err))
            return false;
    }
    return true;
}

static bool forget_job(struct sql *sql, void *context, struct error *err)
{
    struct forgetting *forgetting = context;
    timestamp border = sql_now(sql) - forgetting->days * DAY;
    struct {
        int64_t no, user_no;
    } old[NOTICES_A_JOB];
    struct sql_query *query;
    int64_t last;
    bool row;
    forgetting->count = 0;
    if (!sql_one_int(sql, &old_last, NULL, 0, 0, &last, err))
        return false;
    bool done = sql_begin(sql, &old_select, SQL_ARGUMENTS(sql_int(last), sql_int(NOTICES_A_JOB)),
                          &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (sql_get_int(query, 2) >= border) {
            sql_end(query);
            break;
        }
        old[forgetting->count].no = sql_get_int(query, 0);
        old[forgetting->count++].user_no = sql_get_int(query, 1);
    }
    for (int64_t i = 0; done && i < forgetting->count; i++)
        done = drop_deliveries(sql, old[i].no, err) &&
               notice_drop(sql, old[i].no, old[i].user_no, err);
    return done;
}

bool notices_forget(struct notices *notices, int64_t *ret_count, struct error *err)
{
    struct forgetting forgetting = {.days = notices->settings.days};
    *ret_count = 0;
    for (int job = 0; job < FORGET_JOBS_MAX; job++) {
        if (!store_write(notices->platform->store, forget_job, &forgetting, err))
            return false;
        *ret_count += forgetting.count;
        if (forgetting.count < NOTICES_A_JOB)
            break;
    }
    return true;
}
