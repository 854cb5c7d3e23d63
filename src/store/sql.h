/* SQL: one interface, nothing in it that PostgreSQL could not serve. Statements are named, live in
 * one block at the top of the file that runs them, and are bound, never formatted. */
#ifndef CHENGMAI_STORE_SQL_H
#define CHENGMAI_STORE_SQL_H

#include "base/base.h"

/* A named statement. `index` names the index (or "primary key", or "small table") it relies on;
 * the plan test fails where the statement scans a table that is not marked small. */
struct sql_text {
    const char *name;
    const char *text; /* parameters ?1 ?2 … */
    const char *index;
};

/* The named statements of one file, for the plan test: SQL_LIST(&user_insert, &user_select). Every
 * statement stands in one; tests/tidy looks after that. */
struct sql_list {
    const struct sql_text *const *texts;
    size_t count;
};
#define SQL_LIST(...)                                                                              \
    {                                                                                              \
        (const struct sql_text *const[]){__VA_ARGS__},                                             \
            sizeof((const struct sql_text *const[]){__VA_ARGS__}) / sizeof(struct sql_text *)      \
    }

enum sql_type { SQL_NULL, SQL_INT, SQL_REAL, SQL_TEXT, SQL_BLOB };

struct sql_value {
    enum sql_type type;
    union {
        int64_t integer;
        double real;
        struct slice bytes; /* must live until the step that uses it returned */
    };
};

static inline struct sql_value sql_int(int64_t value)
{
    return (struct sql_value){.type = SQL_INT, .integer = value};
}
static inline struct sql_value sql_real(double value)
{
    return (struct sql_value){.type = SQL_REAL, .real = value};
}
static inline struct sql_value sql_text(struct slice text)
{
    return text.data ? (struct sql_value){.type = SQL_TEXT, .bytes = text}
                     : (struct sql_value){.type = SQL_NULL};
}
static inline struct sql_value sql_blob(struct slice bytes)
{
    return bytes.data ? (struct sql_value){.type = SQL_BLOB, .bytes = bytes}
                      : (struct sql_value){.type = SQL_NULL};
}
static inline struct sql_value sql_null(void)
{
    return (struct sql_value){.type = SQL_NULL};
}
/* TIMESTAMP_NONE becomes NULL */
static inline struct sql_value sql_time(timestamp time)
{
    return time == TIMESTAMP_NONE ? sql_null() : sql_int(time);
}

struct keys;
struct sql;       /* one connection, used by one thread at a time */
struct sql_query; /* a prepared statement, kept by its connection */

#define SQL_ARGUMENTS(...)                                                                         \
    (const struct sql_value[]){__VA_ARGS__},                                                       \
        sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value)

/* Runs a statement that gives no rows: sql_run(sql, &insert, SQL_ARGUMENTS(sql_int(1)), err). */
bool sql_run(struct sql *sql, const struct sql_text *text, const struct sql_value *arguments,
             size_t count, struct error *err) MUST_USE;
/* The same, telling how many rows it changed. */
bool sql_run_count(struct sql *sql, const struct sql_text *text,
                   const struct sql_value *arguments, size_t count, int64_t *ret_changed,
                   struct error *err) MUST_USE;
/* Begins a query. Step until *ret_row is false, or end it with sql_end; one query of a text at a
 * time on a connection. */
bool sql_begin(struct sql *sql, const struct sql_text *text, const struct sql_value *arguments,
               size_t count, struct sql_query **ret_query, struct error *err) MUST_USE;
bool sql_next(struct sql_query *query, bool *ret_row, struct error *err) MUST_USE;
void sql_end(struct sql_query *query); /* accepts NULL; a fully stepped query is ended already */
/* Columns of the present row, from 0. Texts and blobs live until the next step. */
bool sql_is_null(struct sql_query *query, int column);
int64_t sql_get_int(struct sql_query *query, int column);     /* 0 for NULL */
timestamp sql_get_time(struct sql_query *query, int column);  /* TIMESTAMP_NONE for NULL */
double sql_get_real(struct sql_query *query, int column);
struct slice sql_get_text(struct sql_query *query, int column); /* data NULL for NULL */
struct slice sql_get_blob(struct sql_query *query, int column); /* data NULL for NULL */
/* One row, one whole number; `absent` where there is no row or NULL. */
bool sql_one_int(struct sql *sql, const struct sql_text *text, const struct sql_value *arguments,
                 size_t count, int64_t absent, int64_t *ret_value, struct error *err) MUST_USE;
/* A part of a job: runs `run`; where that fails nothing of it is left, *ret_kept is false and
 * `failure` says why, and the job may go on. No query of the caller is open. False where the
 * transaction as a whole is lost: then the job fails too. */
bool sql_part(struct sql *sql, bool (*run)(struct sql *sql, void *context, struct error *err),
              void *context, bool *ret_kept, struct error *failure, struct error *err) MUST_USE;
/* The keys of the connection's store, and the city's time: for what is written with every row. */
const struct keys *sql_keys(const struct sql *sql);
timestamp sql_now(const struct sql *sql);
/* Statements run on this connection so far (limits in tests). */
int64_t sql_statement_count(const struct sql *sql);

#endif
