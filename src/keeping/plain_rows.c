/* Columns that were not encrypted once (struct plain_column): what lies in them from then is
 * encrypted and emptied when the city is opened, before anybody reads. A column has an index of its
 * rows that are left, so that an opening which finds none costs one look. After the end there is no
 * key: what is left is emptied. */
#include "keeping/keeping_internal.h"

enum { ROWS_AT_ONCE = 500 };

struct plain_rows {
    struct platform *platform;
    const struct plain_column *column;
    struct arena arena;
    size_t count;
};

struct plain_row {
    int64_t no;
    struct slice plain;
};

/* Reads a block whole before a row of it is changed. */
static bool read_block(struct plain_rows *rows, struct sql *sql, size_t limit,
                       struct plain_row *block, struct error *err)
{
    struct sql_query *query;
    bool row = false;
    bool done =
        sql_begin(sql, rows->column->plain, SQL_ARGUMENTS(sql_int((int64_t)limit)), &query, err);
    for (rows->count = 0; done && (done = sql_next(query, &row, err)) && row; rows->count++) {
        struct slice plain = sql_get_text(query, 1);
        block[rows->count] =
            (struct plain_row){sql_get_int(query, 0),
                               {arena_copy(&rows->arena, plain.data, plain.length), plain.length}};
    }
    return done;
}

static bool encrypt_block(struct sql *sql, void *context, struct error *err)
{
    struct plain_rows *rows = context;
    const struct cipher_column *cipher = rows->column->cipher;
    struct store *store = rows->platform->store;
    arena_clear(&rows->arena);
    struct plain_row *block = arena_alloc(&rows->arena, ROWS_AT_ONCE * sizeof *block);
    bool done = read_block(rows, sql, ROWS_AT_ONCE, block, err);
    for (size_t i = 0; done && i < rows->count; i++) {
        struct sql_value value = sql_null();
        if (!store_is_sunset(store))
            value = sql_blob(field_encrypt(store_keys(store), cipher->class_,
                                           cipher->row_base | block[i].no, block[i].plain,
                                           &rows->arena));
        done = sql_run(sql, rows->column->encrypt, SQL_ARGUMENTS(sql_int(block[i].no), value), err);
    }
    return done;
}

static bool encrypt_column(struct plain_rows *rows, struct error *err)
{
    struct plain_row first;
    struct sql *sql;
    if (!store_read_begin(rows->platform->store, &sql, err))
        return false;
    bool done = read_block(rows, sql, 1, &first, err);
    store_read_end(rows->platform->store, sql);
    while (done && rows->count)
        done = store_write(rows->platform->store, encrypt_block, rows, err);
    return done;
}

bool plain_rows_encrypt(struct platform *platform, struct error *err)
{
    struct plain_rows rows = {.platform = platform};
    bool done = true;
    arena_init(&rows.arena, 16 << 20);
    for (size_t m = 0; done && m < module_count; m++)
        for (size_t i = 0; done && i < modules[m]->plain_count; i++) {
            rows.column = &modules[m]->plains[i];
            done = encrypt_column(&rows, err);
        }
    arena_release(&rows.arena);
    return done;
}
