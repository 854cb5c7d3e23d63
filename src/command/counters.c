/* The counter table: reading it, and applying a refresh as one job. */
#include <stdlib.h>

#include "command/command_internal.h"

const struct sql_text counter_select = {
    "counter_select",
    "SELECT area_no, day, name, value, true_for FROM counter"
    " WHERE day BETWEEN ?1 AND ?2 AND area_no BETWEEN ?3 AND ?4",
    "primary key"};
const struct sql_text counter_clear = {
    "counter_clear", "DELETE FROM counter WHERE day = ?1 AND area_no >= ?2 AND name = ?3",
    "primary key"};
const struct sql_text counter_clear_from = {
    "counter_clear_from", "DELETE FROM counter WHERE day >= ?1 AND name = ?2", "primary key"};
const struct sql_text counter_set = {
    "counter_set",
    "INSERT INTO counter (day, area_no, name, value, true_for) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (day, area_no, name) DO UPDATE SET value = excluded.value,"
    " true_for = excluded.true_for",
    "primary key"};
const struct sql_text counter_add = {
    "counter_add",
    "INSERT INTO counter (day, area_no, name, value, true_for) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (day, area_no, name) DO UPDATE SET value = counter.value + excluded.value,"
    " true_for = excluded.true_for",
    "primary key"};
const struct sql_text counter_prune = {
    "counter_prune", "DELETE FROM counter WHERE day BETWEEN 1 AND ?1", "primary key"};

static const char *const names[COUNTER_COUNT] = {
#define X(id, name) [id] = name,
    COUNTER_TABLE(X)
#undef X
};

const char *counter_name(enum counter counter)
{
    REQUIRE((unsigned)counter < COUNTER_COUNT);
    return names[counter];
}

int counter_of(struct slice name)
{
    for (int i = 0; i < COUNTER_COUNT; i++)
        if (slice_equal(name, slice_of(names[i])))
            return i;
    return -1;
}

bool counter_read(struct sql *sql, int32_t first, int32_t last, int64_t area_first,
                  int64_t area_last,
                  void (*take)(void *context, const struct counter_row *row), void *context,
                  struct error *err)
{
    struct sql_query *query;
    if (!sql_begin(sql, &counter_select,
                   SQL_ARGUMENTS(sql_int(first), sql_int(last), sql_int(area_first),
                                 sql_int(area_last)),
                   &query, err))
        return false;
    for (;;) {
        bool more;
        if (!sql_next(query, &more, err))
            return false;
        if (!more)
            return true;
        int counter = counter_of(sql_get_text(query, 2));
        if (counter < 0)
            continue; /* of a later version */
        struct counter_row row = {.area_no = sql_get_int(query, 0),
                                  .day = (int32_t)sql_get_int(query, 1),
                                  .counter = (enum counter)counter,
                                  .value = sql_get_int(query, 3),
                                  .true_for = sql_get_int(query, 4)};
        take(context, &row);
    }
}

struct wanted_mark {
    enum counter counter;
    struct counter_mark *mark;
};

static void take_mark(void *context, const struct counter_row *row)
{
    struct wanted_mark *wanted = context;
    if (row->counter == wanted->counter)
        *wanted->mark =
            (struct counter_mark){.known = true, .value = row->value, .true_for = row->true_for};
}

bool counter_mark_read(struct sql *sql, int32_t day, enum counter counter,
                       struct counter_mark *ret_mark, struct error *err)
{
    struct wanted_mark wanted = {counter, ret_mark};
    *ret_mark = (struct counter_mark){0};
    return counter_read(sql, day, day, 0, 0, take_mark, &wanted, err);
}

bool counter_forget_mark(struct sql *sql, enum counter counter, struct error *err)
{
    return sql_run(sql, &counter_clear,
                   SQL_ARGUMENTS(sql_int(0), sql_int(0), sql_text(slice_of(names[counter]))), err);
}

/* ---- Changes */

void counter_change_add(struct counter_changes *changes, enum counter_act act,
                        struct counter_row row)
{
    if (changes->count == changes->capacity) {
        changes->capacity = changes->capacity ? changes->capacity * 2 : 256;
        changes->changes =
            x_realloc(changes->changes, changes->capacity * sizeof *changes->changes);
    }
    changes->changes[changes->count++] = (struct counter_change){act, row};
}

bool counter_count_one(struct sql *sql, const struct counter_row *row, struct error *err)
{
    return sql_run(sql, &counter_add,
                   SQL_ARGUMENTS(sql_int(row->day), sql_int(row->area_no),
                                 sql_text(slice_of(counter_name(row->counter))),
                                 sql_int(row->value), sql_int(row->true_for)),
                   err);
}

static bool apply_one(struct sql *sql, const struct counter_change *change, struct error *err)
{
    const struct counter_row *row = &change->row;
    struct sql_value name = sql_text(slice_of(counter_name(row->counter)));
    switch (change->act) {
    case COUNTER_CLEAR:
        return sql_run(sql, &counter_clear, SQL_ARGUMENTS(sql_int(row->day), sql_int(0), name),
                       err);
    case COUNTER_CLEAR_FROM:
        return sql_run(sql, &counter_clear_from, SQL_ARGUMENTS(sql_int(row->day), name), err);
    case COUNTER_SET:
        return sql_run(sql, &counter_set,
                       SQL_ARGUMENTS(sql_int(row->day), sql_int(row->area_no), name,
                                     sql_int(row->value), sql_int(row->true_for)),
                       err);
    case COUNTER_ADD:
        return counter_count_one(sql, row, err);
    }
    return true;
}

struct apply_job {
    const struct counter_changes *changes;
    const struct counter_keeping *keeping;
};

static bool apply_changes(struct sql *sql, void *context, struct error *err)
{
    const struct apply_job *job = context;
    if (!past_keep(sql, job->keeping, err))
        return false;
    for (size_t i = 0; i < job->changes->count; i++)
        if (!apply_one(sql, &job->changes->changes[i], err))
            return false;
    return sql_run(sql, &counter_prune, SQL_ARGUMENTS(sql_int(job->keeping->counters_from - 1)),
                   err);
}

bool counter_apply(struct store *store, const struct counter_changes *changes,
                   const struct counter_keeping *keeping, struct error *err)
{
    struct apply_job job = {changes, keeping};
    return store_write(store, apply_changes, &job, err);
}
