/* The SQL interface on SQLite. Statements are prepared once a connection and found by the address
 * of their text. Everything that differs from PostgreSQL stays in this file. */
#include "store/store_internal.h"

#include <stdlib.h>

bool sql_fail(struct sql *sql, const char *statement, struct error *err)
{
    int code = sqlite3_extended_errcode(sql->database);
    enum error_code kind = ERROR_IO;
    switch (code & 0xff) {
    case SQLITE_FULL:
        kind = ERROR_DISK_FULL;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        kind = ERROR_CORRUPT;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        kind = ERROR_BUSY;
        break;
    case SQLITE_NOMEM:
        kind = ERROR_MEMORY;
        break;
    case SQLITE_CONSTRAINT:
        kind = ERROR_CONFLICT;
        break;
    default:
        break;
    }
    return error_set(err, kind, (struct error_place){.source = statement}, NULL, "database: %s",
                     sqlite3_errmsg(sql->database));
}

bool sql_script(struct sql *sql, const char *script, struct error *err)
{
    if (fault_step(FAULT_SQL))
        return error_set(err, ERROR_IO, (struct error_place){.source = "script"}, NULL,
                         "injected fault");
    if (sqlite3_exec(sql->database, script, NULL, NULL, NULL) != SQLITE_OK)
        return sql_fail(sql, "script", err);
    return true;
}

/* SQLite's own statistics of memory cost a lock at each allocation, and nobody reads them. Where
 * SQLite was in use before the first store (a VFS of a test), it keeps them, which does no harm. */
static void configure_once(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

bool sql_open(const char *path, bool reader, struct world *world, struct sql **ret_sql,
              struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_once);
    struct sql *sql = x_alloc(1, sizeof *sql);
    sql->world = world;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    bool done = sqlite3_open_v2(path, &sql->database, flags, NULL) == SQLITE_OK
                    ? true
                    : sql_fail(sql, "open", err);
    done = done && sql_script(sql, "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL;"
                                   "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;", err);
    if (done && reader)
        done = sql_script(sql, "PRAGMA query_only = ON; PRAGMA cache_size = -16384;"
                               "PRAGMA mmap_size = 1073741824;", err);
    else if (done)
        done = sql_script(sql, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                               "PRAGMA cache_size = -65536;", err);
    if (!done) {
        sql_close(sql);
        return false;
    }
    *ret_sql = sql;
    return true;
}

void sql_close(struct sql *sql)
{
    if (!sql)
        return;
    for (size_t i = 0; i < QUERY_CACHE_SLOTS; i++)
        sqlite3_finalize(sql->cache[i].statement);
    sqlite3_close(sql->database);
    free(sql);
}

static struct sql_query *cache_slot(struct sql *sql, const struct sql_text *text)
{
    size_t slot = (size_t)(random_mix((uint64_t)(uintptr_t)text) % QUERY_CACHE_SLOTS);
    for (size_t tries = 0; tries < QUERY_CACHE_SLOTS; tries++) {
        struct sql_query *query = &sql->cache[slot];
        if (query->text == text || !query->text)
            return query;
        slot = (slot + 1) % QUERY_CACHE_SLOTS;
    }
    REQUIRE(false && "more named statements than the cache holds");
    return NULL;
}

static bool prepared(struct sql *sql, const struct sql_text *text, struct sql_query **ret_query,
                     struct error *err)
{
    struct sql_query *query = cache_slot(sql, text);
    if (!query->text) {
        if (sqlite3_prepare_v3(sql->database, text->text, -1, SQLITE_PREPARE_PERSISTENT,
                               &query->statement, NULL) != SQLITE_OK)
            return sql_fail(sql, text->name, err);
        query->text = text;
        query->sql = sql;
    }
    REQUIRE(!query->busy);
    atomic_fetch_add_explicit(&sql->statement_count, 1, memory_order_relaxed);
    *ret_query = query;
    return true;
}

static int bind_value(sqlite3_stmt *statement, int at, const struct sql_value *value)
{
    switch (value->type) {
    case SQL_INT:
        return sqlite3_bind_int64(statement, at, value->integer);
    case SQL_REAL:
        return sqlite3_bind_double(statement, at, value->real);
    case SQL_TEXT:
        return sqlite3_bind_text64(statement, at, value->bytes.data, value->bytes.length,
                                   SQLITE_STATIC, SQLITE_UTF8);
    case SQL_BLOB:
        return sqlite3_bind_blob64(statement, at, value->bytes.data, value->bytes.length,
                                   SQLITE_STATIC);
    case SQL_NULL:
        break;
    }
    return sqlite3_bind_null(statement, at);
}

static void reset(struct sql_query *query)
{
    sqlite3_reset(query->statement);
    sqlite3_clear_bindings(query->statement);
    query->busy = false;
}

bool sql_begin(struct sql *sql, const struct sql_text *text, const struct sql_value *arguments,
               size_t count, struct sql_query **ret_query, struct error *err)
{
    struct sql_query *query;
    if (!prepared(sql, text, &query, err))
        return false;
    REQUIRE((size_t)sqlite3_bind_parameter_count(query->statement) == count);
    for (size_t i = 0; i < count; i++)
        if (bind_value(query->statement, (int)i + 1, &arguments[i]) != SQLITE_OK) {
            sql_fail(sql, text->name, err);
            reset(query);
            return false;
        }
    query->busy = true;
    *ret_query = query;
    return true;
}

bool sql_next(struct sql_query *query, bool *ret_row, struct error *err)
{
    REQUIRE(query->busy);
    if (fault_step(FAULT_SQL)) {
        reset(query);
        return error_set(err, ERROR_IO, (struct error_place){.source = query->text->name}, NULL,
                         "injected fault");
    }
    int code = sqlite3_step(query->statement);
    if (code == SQLITE_ROW) {
        *ret_row = true;
        return true;
    }
    bool done = code == SQLITE_DONE || sql_fail(query->sql, query->text->name, err);
    reset(query);
    *ret_row = false;
    return done;
}

void sql_end(struct sql_query *query)
{
    if (query && query->busy)
        reset(query);
}

void sql_end_all(struct sql *sql)
{
    for (size_t i = 0; i < QUERY_CACHE_SLOTS; i++)
        sql_end(&sql->cache[i]);
}

bool sql_run(struct sql *sql, const struct sql_text *text, const struct sql_value *arguments,
             size_t count, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, text, arguments, count, &query, err) || !sql_next(query, &row, err))
        return false;
    sql_end(query);
    return true;
}

bool sql_run_count(struct sql *sql, const struct sql_text *text,
                   const struct sql_value *arguments, size_t count, int64_t *ret_changed,
                   struct error *err)
{
    if (!sql_run(sql, text, arguments, count, err))
        return false;
    *ret_changed = sqlite3_changes64(sql->database);
    return true;
}

bool sql_one_int(struct sql *sql, const struct sql_text *text, const struct sql_value *arguments,
                 size_t count, int64_t absent, int64_t *ret_value, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, text, arguments, count, &query, err) || !sql_next(query, &row, err))
        return false;
    *ret_value = row && !sql_is_null(query, 0) ? sql_get_int(query, 0) : absent;
    sql_end(query);
    return true;
}

bool sql_is_null(struct sql_query *query, int column)
{
    return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}
int64_t sql_get_int(struct sql_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}
timestamp sql_get_time(struct sql_query *query, int column)
{
    return sql_is_null(query, column) ? TIMESTAMP_NONE : sql_get_int(query, column);
}
double sql_get_real(struct sql_query *query, int column)
{
    return sqlite3_column_double(query->statement, column);
}
struct slice sql_get_text(struct sql_query *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query->statement, column);
    return (struct slice){text, text ? (size_t)sqlite3_column_bytes(query->statement, column) : 0};
}
struct slice sql_get_blob(struct sql_query *query, int column)
{
    if (sql_is_null(query, column))
        return (struct slice){NULL, 0};
    const char *bytes = sqlite3_column_blob(query->statement, column);
    return (struct slice){bytes ? bytes : "",
                          (size_t)sqlite3_column_bytes(query->statement, column)};
}
const struct keys *sql_keys(const struct sql *sql)
{
    REQUIRE(sql->keys);
    return sql->keys;
}
timestamp sql_now(const struct sql *sql)
{
    return world_now(sql->world);
}
int64_t sql_statement_count(const struct sql *sql)
{
    return atomic_load_explicit(&sql->statement_count, memory_order_relaxed);
}
