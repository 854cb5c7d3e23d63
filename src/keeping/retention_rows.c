/* Rows past their days: tests, evidence, stays, events. Each walks its table by number in blocks,
 * on readers, and deletes in small jobs, so that nobody waits for it.
 *
 * Evidence is numbered in the order of its recording, nearly: after YOUNG_BLOCKS blocks in a row
 * without an old row the walk is over. What lies old beyond them is met when they have grown old.
 * */
#include "keeping/keeping_internal.h"
#include "registry/registry.h"

enum { BLOCK_ROWS_MAX = 4096, YOUNG_BLOCKS = 8 };

static const struct sql_text block_rows = {
    "block_rows",
    "SELECT evidence_no, recorded_at FROM evidence WHERE evidence_no > ?1 ORDER BY evidence_no"
    " LIMIT ?2",
    "primary key"};
/* ?4: the kind of tests, ?5: positive */
#define OLD_TESTS                                                                                  \
    " FROM evidence WHERE evidence_no > ?1 AND evidence_no <= ?2 AND recorded_at < ?3"             \
    " AND at < ?3 AND kind = ?4 AND detail <> ?5"
static const struct sql_text tests_count = {"tests_count", "SELECT count(*)" OLD_TESTS,
                                            "primary key"};
static const struct sql_text tests_old = {"tests_old", "SELECT evidence_no" OLD_TESTS,
                                          "primary key"};
static const struct sql_text evidence_old = {
    "evidence_old",
    "SELECT evidence_no, person_no FROM evidence WHERE evidence_no > ?1 AND evidence_no <= ?2"
    " AND recorded_at < ?3 AND at < ?3 AND coalesce(until_at, 0) < ?3"
    " AND (kind <> ?4 OR detail = ?5) ORDER BY evidence_no",
    "primary key"};
static const struct sql_text event_times = {
    "event_times", "SELECT no, recorded_at FROM event WHERE no <= ?1 ORDER BY no", "primary key"};
static const struct sql_text event_count_to = {
    "event_count_to", "SELECT count(*) FROM event WHERE no <= ?1", "primary key"};
static const struct sql_text stay_last = {"stay_last", "SELECT max(stay_no) FROM person_stay",
                                          "primary key"};
static const struct sql_text stays_count = {
    "stays_count", "SELECT count(*) FROM person_stay WHERE until_at < ?1", "whole table"};
static const struct sql_text cursor_lowest = {
    "cursor_lowest", "SELECT min(after_no) FROM event_cursor", "small table"};
static const struct sql_text act_add = {
    "act_add",
    "UPDATE retention_act SET row_count = row_count + ?3 WHERE run_no = ?1 AND class = ?2"
    " AND item = ''",
    "primary key"};

const struct sql_list row_statements =
    SQL_LIST(&block_rows, &tests_count, &tests_old, &evidence_old, &event_times, &event_count_to,
             &stay_last, &stays_count, &cursor_lowest, &act_add);

bool act_add_rows(struct sql *sql, int64_t run_no, enum record_class class_, int64_t rows,
                  struct error *err)
{
    return sql_run(sql, &act_add,
                   SQL_ARGUMENTS(sql_int(run_no), sql_text(slice_of(record_class_name(class_))),
                                 sql_int(rows)),
                   err);
}

/* ---- Walking evidence */

struct block {
    const struct row_run *run;
    enum record_class class_;
    int64_t first, last; /* first < evidence_no ≤ last */
    int64_t old[BLOCK_ROWS_MAX];
    size_t old_count;
    int64_t rows; /* what the block's job did */
};

#define BLOCK_ARGUMENTS(block)                                                                     \
    SQL_ARGUMENTS(sql_int((block)->first), sql_int((block)->last), sql_int((block)->run->cutoff),  \
                  sql_int(EVIDENCE_PCR), sql_int(RESULT_POSITIVE))

/* The end of the next block and whether it has old rows; *ret_more false past the last row. */
static bool next_block(struct sql *sql, struct block *block, bool *ret_old, bool *ret_more,
                       struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &block_rows,
                               SQL_ARGUMENTS(sql_int(block->first), sql_int(BLOCK_ROWS_MAX)),
                               &query, err);
    *ret_more = *ret_old = false;
    while (done && (done = sql_next(query, &row, err)) && row) {
        *ret_more = true;
        block->last = sql_get_int(query, 0);
        *ret_old |= sql_get_int(query, 1) < block->run->cutoff;
    }
    return done;
}

/* Old evidence of persons whose code is green: nothing rests on it. */
static bool gather_evidence(struct sql *sql, struct block *block, struct error *err)
{
    struct platform *platform = block->run->platform;
    timestamp now = world_now(platform->world);
    struct sql_query *query;
    bool row, done = sql_begin(sql, &evidence_old, BLOCK_ARGUMENTS(block), &query, err);
    block->old_count = 0;
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct person_no person = {(uint32_t)sql_get_int(query, 1)};
        struct status_entry status = status_get(platform->status, person, now);
        if (!(status.flags & STATUS_KNOWN) || status.color == COLOR_GREEN)
            block->old[block->old_count++] = sql_get_int(query, 0);
    }
    block->rows = (int64_t)block->old_count;
    return done;
}

static bool gather_tests(struct sql *sql, struct block *block, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &tests_old, BLOCK_ARGUMENTS(block), &query, err);
    block->old_count = 0;
    while (done && (done = sql_next(query, &row, err)) && row)
        block->old[block->old_count++] = sql_get_int(query, 0);
    block->rows = (int64_t)block->old_count;
    return done;
}

/* The rows go; their digests stay under the seal (status/seal.h). */
static bool delete_block(struct sql *sql, void *context, struct error *err)
{
    struct block *block = context;
    if (block->class_ == CLASS_TESTS && !gather_tests(sql, block, err))
        return false;
    for (size_t i = 0; i < block->old_count; i++)
        if (!evidence_retire(sql, block->old[i], err))
            return false;
    struct event event = {.kind = SLICE("evidence.bulk")}; /* whose status rests on it follows */
    return act_add_rows(sql, block->run->run_no, block->class_, block->rows, err) &&
           (!block->rows || event_emit(sql, &event, err));
}

/* Looks at one block on a reader, then deletes in a job of its own. */
static bool walk_block(struct block *block, bool *ret_old, bool *ret_more, struct error *err)
{
    struct store *store = block->run->platform->store;
    bool counts = block->class_ == CLASS_TESTS && !block->run->run_no;
    struct sql *sql;
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = next_block(sql, block, ret_old, ret_more, err);
    block->rows = 0;
    if (done && *ret_more && *ret_old) {
        if (block->class_ == CLASS_EVIDENCE)
            done = gather_evidence(sql, block, err);
        else if (counts)
            done = sql_one_int(sql, &tests_count, BLOCK_ARGUMENTS(block), 0, &block->rows, err);
    }
    store_read_end(store, sql);
    if (!done || !*ret_more || !*ret_old || !block->run->run_no ||
        (block->class_ == CLASS_EVIDENCE && !block->old_count))
        return done;
    return store_write(store, delete_block, block, err) &&
           fault_at(FAULT_POINT_after_rows_forgotten, err);
}

static bool forget_old(const struct row_run *run, enum record_class class_, int64_t *ret_rows,
                       struct error *err)
{
    struct block *block = x_alloc(1, sizeof *block);
    block->run = run;
    block->class_ = class_;
    *ret_rows = 0;
    bool done = true, more = true, old = false;
    for (int young = 0; done && more && young < YOUNG_BLOCKS; block->first = block->last) {
        done = walk_block(block, &old, &more, err);
        young = old ? 0 : young + 1;
        *ret_rows += done && more ? block->rows : 0;
    }
    free(block);
    return done;
}

bool forget_tests(const struct row_run *run, int64_t *ret_rows, struct error *err)
{
    return forget_old(run, CLASS_TESTS, ret_rows, err);
}

bool forget_evidence(const struct row_run *run, int64_t *ret_rows, struct error *err)
{
    return forget_old(run, CLASS_EVIDENCE, ret_rows, err);
}

/* ---- Stays */

struct stay_job {
    const struct row_run *run;
    int64_t first, last; /* first < stay_no ≤ last */
    int64_t rows;
};

static bool delete_stays(struct sql *sql, void *context, struct error *err)
{
    struct stay_job *job = context;
    return registry_forget_stays(sql, job->first, job->last, job->run->cutoff, &job->rows, err) &&
           act_add_rows(sql, job->run->run_no, CLASS_STAYS, job->rows, err);
}

bool forget_stays(const struct row_run *run, int64_t *ret_rows, struct error *err)
{
    struct store *store = run->platform->store;
    struct stay_job job = {.run = run};
    struct sql *sql;
    int64_t last = 0;
    *ret_rows = 0;
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = run->run_no ? sql_one_int(sql, &stay_last, NULL, 0, 0, &last, err)
                            : sql_one_int(sql, &stays_count, SQL_ARGUMENTS(sql_int(run->cutoff)), 0,
                                          ret_rows, err);
    store_read_end(store, sql);
    for (; done && job.first < last; job.first = job.last) {
        job.last = job.first + BLOCK_ROWS_MAX;
        done = store_write(store, delete_stays, &job, err) &&
               fault_at(FAULT_POINT_after_rows_forgotten, err);
        *ret_rows += done ? job.rows : 0;
    }
    return done;
}

/* ---- Events */

struct event_job {
    int64_t run_no, last, rows;
};

static bool delete_events(struct sql *sql, void *context, struct error *err)
{
    struct event_job *job = context;
    return event_forget(sql, job->last, BLOCK_ROWS_MAX, &job->rows, err) &&
           act_add_rows(sql, job->run_no, CLASS_EVENTS, job->rows, err);
}

/* The last event before the first young one, that every subscriber has seen, and that is not the
 * newest; *ret_count events up to it. */
static bool last_old_event(struct sql *sql, timestamp cutoff, int64_t *ret_last, int64_t *ret_count,
                           struct error *err)
{
    int64_t lowest, newest, last = 0;
    struct sql_query *query;
    bool row, young = false;
    if (!sql_one_int(sql, &cursor_lowest, NULL, 0, INT64_MAX, &lowest, err) ||
        !event_last(sql, &newest, err) ||
        !sql_begin(sql, &event_times, SQL_ARGUMENTS(sql_int(lowest < newest ? lowest : newest - 1)),
                   &query, err))
        return false;
    while (!young) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            break;
        young = sql_get_int(query, 1) >= cutoff;
        last = young ? last : sql_get_int(query, 0);
    }
    sql_end(query);
    *ret_last = last;
    return sql_one_int(sql, &event_count_to, SQL_ARGUMENTS(sql_int(*ret_last)), 0, ret_count, err);
}

bool forget_events(const struct row_run *run, int64_t *ret_rows, struct error *err)
{
    struct store *store = run->platform->store;
    struct event_job job = {.run_no = run->run_no, .rows = 1};
    struct sql *sql;
    *ret_rows = 0;
    /* the snapshot of the status table must not need what goes */
    if ((run->run_no && (!status_catch_up(run->platform->status, err) ||
                         !status_snapshot(run->platform->status, err))) ||
        !store_read_begin(store, &sql, err))
        return false;
    int64_t count = 0;
    bool done = last_old_event(sql, run->cutoff, &job.last, &count, err);
    store_read_end(store, sql);
    if (!run->run_no) {
        *ret_rows = count;
        return done;
    }
    while (done && count > 0 && job.rows > 0) {
        done = store_write(store, delete_events, &job, err) &&
               fault_at(FAULT_POINT_after_rows_forgotten, err);
        count -= job.rows;
        *ret_rows += done ? job.rows : 0;
    }
    return done;
}
