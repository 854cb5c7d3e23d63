/* The clock: what is due, in order of its time, in small jobs. Loops that are not due cost nothing:
 * the queue is an index. */
#include <stdlib.h>

#include "loops/loops_internal.h"

static const struct sql_text wake_select = {
    "loop_wake_select",
    "SELECT loop_no FROM loop WHERE wake_at <= ?1 ORDER BY wake_at, loop_no LIMIT ?2",
    "loop_by_wake"};
static const struct sql_text wake_postpone = {
    "loop_wake_postpone", "UPDATE loop SET wake_at = ?2 WHERE loop_no = ?1", "primary key"};

const struct sql_list loop_clock_statements = SQL_LIST(&wake_select, &wake_postpone);

enum { LOOPS_A_JOB = 500 };

struct round {
    struct loops *loops;
    timestamp until;
    int64_t most; /* loops in this job */
    int64_t woken, acts, failed_no;
};

static bool wake_job(struct sql *sql, void *context, struct error *err)
{
    struct round *round = context;
    struct engine engine;
    struct sql_query *query;
    int64_t numbers[LOOPS_A_JOB];
    size_t count = 0;
    bool row,
        done = sql_begin(sql, &wake_select,
                         SQL_ARGUMENTS(sql_int(round->until), sql_int(round->most)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        numbers[count++] = sql_get_int(query, 0);
    round->woken = (int64_t)count;
    if (!done || !engine_begin(&engine, round->loops, sql, NULL, err))
        return false;
    for (size_t i = 0; done && i < count; i++) {
        struct loop *loop;
        round->failed_no = numbers[i];
        done =
            loop_read(&engine, numbers[i], &loop, err) && (!loop || loop_wake(&engine, loop, err));
        arena_clear(engine.arena);
    }
    round->acts = engine.acts;
    engine_end(&engine);
    return done;
}

/* A loop that cannot be read must not stop all others: it is named in the log and looked at again
 * in an hour. */
static bool postpone_job(struct sql *sql, void *context, struct error *err)
{
    const struct round *round = context;
    return sql_run(sql, &wake_postpone,
                   SQL_ARGUMENTS(sql_int(round->failed_no), sql_int(round->until + HOUR)), err);
}

bool loops_clock(struct loops *loops, int64_t *acts, struct error *err)
{
    struct store *store = loops->platform->store;
    struct round round = {
        .loops = loops, .until = world_now(loops->platform->world), .most = LOOPS_A_JOB};
    do {
        if (store_write(store, wake_job, &round, err)) {
            *acts += round.acts;
            round.most = LOOPS_A_JOB;
            continue;
        }
        if (err->code != ERROR_CORRUPT)
            return false;
        log_error("loops", err);
        if (round.most == 1 && !store_write(store, postpone_job, &round, err))
            return false;
        round.most = round.most == 1 ? LOOPS_A_JOB : 1; /* alone, so that it fails alone */
        round.woken = LOOPS_A_JOB;
    } while (round.woken == LOOPS_A_JOB || round.most == 1);
    return true;
}
