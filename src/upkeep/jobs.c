/* Jobs: long work that goes on by itself.
 *
 *   begun ──► waiting ──► running ──┬─► done        its lines are kept
 *                                   ├─► failed      the last line says why
 *                                   └─► cut_short   the process ended, or was asked to
 *
 * Invariants: 1 one job runs at a time, and none where no thread lives. 2 A kind waits or runs
 * once. 3 How far the running one is stands in memory alone (`lock`); what became of it is durable
 * before the next begins. 4 A row that says waiting or running and is not this process's is said
 * to be cut short, and is marked so when the next process opens or the next job begins. */
#include <pthread.h>
#include <stdlib.h>

#include "upkeep/upkeep_internal.h"

#define JOB_COLUMNS "job_no, kind, began_by, began_at, ended_at, state, done, total, lines"
static const struct sql_text job_insert = {
    "job_insert",
    "INSERT INTO job (job_no, kind, began_by, began_at, state, done, total, lines)"
    " VALUES (?1, ?2, ?3, ?4, 'waiting', 0, 0, '[]')",
    "primary key"};
static const struct sql_text job_last = {"job_last", "SELECT max(job_no) FROM job", "primary key"};
static const struct sql_text job_alive = {
    "job_alive",
    "SELECT job_no FROM job WHERE state IN ('waiting', 'running') AND kind = ?1 LIMIT 1",
    "job_by_state"};
static const struct sql_text job_next = {
    "job_next", "SELECT min(job_no) FROM job WHERE state = 'waiting'", "job_by_state"};
static const struct sql_text job_mark = {"job_mark", "UPDATE job SET state = ?2 WHERE job_no = ?1",
                                         "primary key"};
static const struct sql_text job_end = {
    "job_end",
    "UPDATE job SET state = ?2, ended_at = ?3, done = ?4, total = ?5, lines = ?6"
    " WHERE job_no = ?1",
    "primary key"};
static const struct sql_text job_select = {
    "job_select", "SELECT " JOB_COLUMNS " FROM job WHERE job_no = ?1", "primary key"};
static const struct sql_text job_page = {
    "job_page", "SELECT " JOB_COLUMNS " FROM job WHERE job_no < ?1 ORDER BY job_no DESC LIMIT ?2",
    "primary key"};
static const struct sql_text job_left = {
    "job_left", "SELECT count(*) FROM job WHERE state IN ('waiting', 'running')", "job_by_state"};
static const struct sql_text job_cut = {
    "job_cut",
    "UPDATE job SET state = 'cut_short', ended_at = ?1 WHERE state IN ('waiting', 'running')",
    "job_by_state"};
/* Its end could not be written. */
static const struct sql_text job_lost = {
    "job_lost",
    "UPDATE job SET state = 'cut_short', ended_at = ?1 WHERE state = 'running' AND job_no <> ?2",
    "job_by_state"};
static const struct sql_text job_forget = {"job_forget", "DELETE FROM job WHERE job_no <= ?1",
                                           "primary key"};

const struct sql_list job_statements =
    SQL_LIST(&job_insert, &job_last, &job_alive, &job_next, &job_mark, &job_end, &job_select,
             &job_page, &job_left, &job_cut, &job_lost, &job_forget);

static const char *const kind_names[JOB_KIND_COUNT] = {
#define X(id, name) [id] = name,
    JOB_KIND_TABLE(X)
#undef X
};

enum {
    LINES_MAX = 64,
    CHECK_BYTES = 48,
    WORDS_BYTES = 480,
    KEPT_JOBS = 1000,
    LINES_BYTES_MAX = 256 << 10
};

struct line {
    enum check_level level;
    char check[CHECK_BYTES], words[WORDS_BYTES];
};

struct upkeep {
    struct platform *platform;
    pthread_mutex_t lock; /* owns all below */
    pthread_t thread;
    bool alive, joinable, stopping;
    int64_t running_no; /* 0: none */
    char doing[CHECK_BYTES];
    int64_t done, total;
    struct line lines[LINES_MAX];
    size_t line_count;
};

/* ---- Opening, closing */

static bool cut_job(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return sql_run(sql, &job_cut, SQL_ARGUMENTS(sql_int(sql_now(sql))), err);
}

static bool cut_what_was_left(struct platform *platform, struct error *err)
{
    struct sql *sql;
    int64_t left;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &job_left, NULL, 0, 0, &left, err);
    store_read_end(platform->store, sql);
    return done && (!left || store_write(platform->store, cut_job, NULL, err));
}

bool upkeep_open(struct platform *platform, struct upkeep **ret_upkeep, struct error *err)
{
    if (!cut_what_was_left(platform, err))
        return false;
    struct upkeep *upkeep = x_alloc(1, sizeof *upkeep);
    upkeep->platform = platform;
    pthread_mutex_init(&upkeep->lock, NULL);
    *ret_upkeep = upkeep;
    return true;
}

void upkeep_close(struct upkeep *upkeep)
{
    if (!upkeep)
        return;
    pthread_mutex_lock(&upkeep->lock);
    upkeep->stopping = true;
    bool join = upkeep->joinable;
    pthread_mutex_unlock(&upkeep->lock);
    if (join)
        pthread_join(upkeep->thread, NULL);
    pthread_mutex_destroy(&upkeep->lock);
    free(upkeep);
}

/* ---- What the running one tells */

static void take_line(void *context, enum check_level level, const char *check, const char *words)
{
    struct upkeep *upkeep = context;
    pthread_mutex_lock(&upkeep->lock);
    if (upkeep->line_count < LINES_MAX) {
        struct line *line = &upkeep->lines[upkeep->line_count++];
        line->level = level;
        text_copy(line->check, sizeof line->check, slice_of(check));
        text_copy(line->words, sizeof line->words, slice_of(words));
    } else if (level == CHECK_FAIL) { /* a failure is never lost behind what is good */
        upkeep->lines[LINES_MAX - 1].level = CHECK_FAIL;
    }
    pthread_mutex_unlock(&upkeep->lock);
}

static bool take_step(void *context, const char *doing, int64_t done, int64_t total)
{
    struct upkeep *upkeep = context;
    pthread_mutex_lock(&upkeep->lock);
    text_copy(upkeep->doing, sizeof upkeep->doing, slice_of(doing));
    upkeep->done = done;
    upkeep->total = total;
    bool goes_on = !upkeep->stopping;
    pthread_mutex_unlock(&upkeep->lock);
    return goes_on;
}

static void put_lines(struct json_writer *writer, const struct upkeep *upkeep)
{
    json_array_begin(writer);
    for (size_t i = 0; i < upkeep->line_count; i++) {
        const struct line *line = &upkeep->lines[i];
        json_object_begin(writer);
        json_field_text(writer, "level", slice_of(check_level_name(line->level)));
        json_field_text(writer, "check", slice_of(line->check));
        json_field_text(writer, "words", slice_of(line->words));
        json_object_end(writer);
    }
    json_array_end(writer);
}

/* ---- Kinds */

static bool run_audit(struct upkeep *upkeep, const struct check_listener *listener,
                      struct error *err)
{
    struct audit_verification found;
    char words[240];
    if (!upkeep_verify_audit(upkeep->platform, 1, true, listener, &found, err))
        return false;
    snprintf(words, sizeof words, found.broken_no ? "record %lld does not verify" : "%lld records",
             (long long)(found.broken_no ? found.broken_no : found.records));
    take_line(upkeep, found.broken_no ? CHECK_FAIL : CHECK_OK, "audit chain", words);
    if (found.evidence.whole)
        snprintf(words, sizeof words, "%lld records under %lld seals",
                 (long long)found.evidence.rows, (long long)found.evidence.seals);
    else
        snprintf(words, sizeof words, "%s", found.evidence.words);
    take_line(upkeep, found.evidence.whole ? CHECK_OK : CHECK_FAIL, "evidence seal", words);
    return true;
}

static bool run_kind(struct upkeep *upkeep, struct slice kind, struct error *err)
{
    const struct check_listener listener = {take_line, take_step, upkeep};
    if (slice_equal(kind, slice_of(kind_names[JOB_AUDIT])))
        return run_audit(upkeep, &listener, err);
    return upkeep_check(upkeep->platform, slice_equal(kind, slice_of(kind_names[JOB_HEALTH_DEEP])),
                        &listener, err);
}

/* ---- The thread */

struct taking {
    int64_t no; /* 0: none waits */
    char kind[40];
};

static bool take_job(struct sql *sql, void *context, struct error *err)
{
    struct taking *taking = context;
    struct sql_query *query;
    bool row;
    if (!sql_one_int(sql, &job_next, NULL, 0, 0, &taking->no, err))
        return false;
    if (!taking->no)
        return true;
    if (!sql_begin(sql, &job_select, SQL_ARGUMENTS(sql_int(taking->no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    REQUIRE(row); /* its number was just read */
    text_copy(taking->kind, sizeof taking->kind, sql_get_text(query, 1));
    sql_end(query);
    return sql_run(sql, &job_mark, SQL_ARGUMENTS(sql_int(taking->no), sql_text(SLICE("running"))),
                   err);
}

struct ending {
    struct upkeep *upkeep;
    int64_t no;
    const char *state;
    struct slice lines;
};

static bool end_job(struct sql *sql, void *context, struct error *err)
{
    const struct ending *ending = context;
    return sql_run(sql, &job_end,
                   SQL_ARGUMENTS(sql_int(ending->no), sql_text(slice_of(ending->state)),
                                 sql_int(sql_now(sql)), sql_int(ending->upkeep->done),
                                 sql_int(ending->upkeep->total), sql_text(ending->lines)),
                   err);
}

static void run_one(struct upkeep *upkeep, const struct taking *taking)
{
    struct error err;
    struct buffer text;
    struct json_writer writer;
    bool done = run_kind(upkeep, slice_of(taking->kind), &err);
    if (!done && err.code != ERROR_BUSY)
        take_line(upkeep, CHECK_FAIL, upkeep->doing, err.what);
    struct ending ending = {upkeep,
                            taking->no,
                            done                     ? "done"
                            : err.code == ERROR_BUSY ? "cut_short"
                                                     : "failed",
                            {NULL, 0}};
    buffer_init(&text, LINES_BYTES_MAX);
    json_writer_init(&writer, &text);
    put_lines(&writer, upkeep);
    json_writer_release(&writer);
    ending.lines = buffer_slice(&text);
    if (!store_write(upkeep->platform->store, end_job, &ending, &err))
        log_error("upkeep", &err);
    buffer_release(&text);
}

/* Takes the next one; false where none waits, or the work ends: then the thread is gone. */
static bool next_one(struct upkeep *upkeep, struct taking *taking)
{
    struct error err;
    pthread_mutex_lock(&upkeep->lock); /* held while asking: who begins one sees a living thread */
    upkeep->running_no = 0;
    *taking = (struct taking){.no = 0};
    if (!upkeep->stopping && !store_write(upkeep->platform->store, take_job, taking, &err)) {
        log_error("upkeep", &err);
        taking->no = 0;
    }
    upkeep->running_no = taking->no;
    upkeep->doing[0] = '\0';
    upkeep->done = upkeep->total = 0;
    upkeep->line_count = 0;
    upkeep->alive = taking->no != 0;
    pthread_mutex_unlock(&upkeep->lock);
    return taking->no != 0;
}

static void *thread_main(void *context)
{
    struct upkeep *upkeep = context;
    struct taking taking;
    while (next_one(upkeep, &taking))
        run_one(upkeep, &taking);
    return NULL;
}

/* Under `lock`. */
static bool wake(struct upkeep *upkeep, struct error *err)
{
    if (upkeep->alive || upkeep->stopping)
        return true;
    if (upkeep->joinable)
        pthread_join(upkeep->thread, NULL); /* it has left its loop: no wait worth the name */
    upkeep->joinable = upkeep->alive =
        pthread_create(&upkeep->thread, NULL, thread_main, upkeep) == 0;
    return upkeep->alive ||
           error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "upkeep"},
                     "a further thread", "no thread can be had");
}

/* ---- Beginning */

struct beginning {
    const char *kind;
    const struct actor *actor;
    int64_t running_no, no;
};

static bool begin_job(struct sql *sql, void *context, struct error *err)
{
    struct beginning *beginning = context;
    struct slice kind = slice_of(beginning->kind);
    struct audit_entry entry = {
        .actor = slice_of(beginning->actor->name), .act = SLICE("job.begun"), .fields = kind};
    int64_t last;
    if (!sql_run(sql, &job_lost,
                 SQL_ARGUMENTS(sql_int(sql_now(sql)), sql_int(beginning->running_no)), err))
        return false;
    if (!sql_one_int(sql, &job_alive, SQL_ARGUMENTS(sql_text(kind)), 0, &beginning->no, err) ||
        beginning->no)
        return beginning->no != 0;
    if (!sql_one_int(sql, &job_last, NULL, 0, 0, &last, err))
        return false;
    beginning->no = last + 1;
    return sql_run(sql, &job_forget, SQL_ARGUMENTS(sql_int(last - KEPT_JOBS)), err) &&
           sql_run(sql, &job_insert,
                   SQL_ARGUMENTS(sql_int(beginning->no), sql_text(kind),
                                 sql_text(slice_of(beginning->actor->name)), sql_int(sql_now(sql))),
                   err) &&
           audit_append(sql, &entry, sql_now(sql), err);
}

bool job_begin(struct upkeep *upkeep, enum job_kind kind, const struct actor *actor,
               int64_t *ret_no, struct error *err)
{
    struct beginning beginning = {.kind = kind_names[kind], .actor = actor};
    pthread_mutex_lock(&upkeep->lock); /* held while writing: what runs stays what runs */
    beginning.running_no = upkeep->running_no;
    bool done =
        store_write(upkeep->platform->store, begin_job, &beginning, err) && wake(upkeep, err);
    pthread_mutex_unlock(&upkeep->lock);
    *ret_no = beginning.no;
    return done;
}

/* ---- Showing */

/* The running one from memory, all others as they were kept. Under `lock`. */
static void put_row(struct upkeep *upkeep, struct sql_query *query, struct json_writer *writer)
{
    int64_t no = sql_get_int(query, 0);
    struct slice state = sql_get_text(query, 5);
    bool live = no == upkeep->running_no && slice_equal(state, SLICE("running"));
    bool lost = slice_equal(state, SLICE("running")) && !live;
    json_object_begin(writer);
    json_field_int64(writer, "no", no);
    json_field_text(writer, "kind", sql_get_text(query, 1));
    json_field_text(writer, "by", sql_get_text(query, 2));
    json_field_time(writer, "began_at", sql_get_int(query, 3));
    json_field_time(writer, "ended_at", sql_get_time(query, 4));
    json_field_text(writer, "state", lost ? SLICE("cut_short") : state);
    json_field_text(writer, "doing", live ? slice_of(upkeep->doing) : SLICE(""));
    json_field_int64(writer, "done", live ? upkeep->done : sql_get_int(query, 6));
    json_field_int64(writer, "total", live ? upkeep->total : sql_get_int(query, 7));
    json_key(writer, "lines");
    if (live)
        put_lines(writer, upkeep);
    else
        json_put_raw(writer, sql_get_text(query, 8));
    json_object_end(writer);
}

bool job_put(struct upkeep *upkeep, int64_t no, struct json_writer *writer, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    bool row = false;
    pthread_mutex_lock(&upkeep->lock);
    bool done = store_read_begin(upkeep->platform->store, &sql, err);
    if (done) {
        done = sql_begin(sql, &job_select, SQL_ARGUMENTS(sql_int(no)), &query, err) &&
               sql_next(query, &row, err);
        if (done && row) {
            put_row(upkeep, query, writer);
            sql_end(query);
        }
        store_read_end(upkeep->platform->store, sql);
    }
    pthread_mutex_unlock(&upkeep->lock);
    return done && (row || error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                                     "the number of a job", "there is none of that number"));
}

bool jobs_put(struct upkeep *upkeep, int64_t before, int64_t limit, struct json_writer *writer,
              int64_t *ret_last, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    int64_t count = 0, last = 0;
    bool row = false;
    pthread_mutex_lock(&upkeep->lock);
    bool done = store_read_begin(upkeep->platform->store, &sql, err);
    if (done) {
        done = sql_begin(sql, &job_page,
                         SQL_ARGUMENTS(sql_int(before ? before : INT64_MAX), sql_int(limit + 1)),
                         &query, err);
        while (done && (done = sql_next(query, &row, err)) && row && ++count <= limit) {
            last = sql_get_int(query, 0);
            put_row(upkeep, query, writer);
        }
        if (done && row)
            sql_end(query);
        store_read_end(upkeep->platform->store, sql);
    }
    pthread_mutex_unlock(&upkeep->lock);
    *ret_last = count > limit ? last : 0;
    return done;
}
