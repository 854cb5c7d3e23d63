/* Rotation: a new version of a class's key; rows are encrypted anew in small jobs while everybody
 * reads. Which columns hold ciphers of a class is what the rooms declare (struct cipher_column).
 *
 * State is what the keys say: more than one version of a class means that its rotation is under
 * way. The settings below only tell how far it came in each column. The old version is destroyed
 * after a second walk has seen that no row needs it.
 *
 *   one version ──renew──► two ──rows, block by block──► two, none needed ──proved, retire──► one
 *
 * A field is encrypted inside a job only, and jobs run one after another: a job of this walk runs
 * after every job that may still have used the old version. A read that began before the last row
 * was encrypted anew still sees the old cipher: the old version goes when those reads are over. */
#include "keeping/keeping_internal.h"

enum { ROWS_A_JOB = 500, ROWS_A_LOOK = 5000 };

/* What the rotation of a class does; `refused` where it cannot be done, and why. */
static const struct {
    bool ends_issued;
    const char *words, *refused;
} manners[KEY_CLASS_COUNT] = {
    [KEY_IDENTITY] = {false, "rows are encrypted anew in the background", NULL},
    [KEY_BLIND_INDEX] = {false, NULL,
                         "digests of imported rows hang on it: they would all look changed"},
    [KEY_SESSION] = {true, "ends all sessions of holders and their paper codes at once", NULL},
    [KEY_VENUE_TOKEN] = {true, "ends all venue codes at once: posters are printed anew", NULL},
    [KEY_IDEMPOTENCY] = {false, NULL,
                         "requests that are sent again within 48 hours would run twice"},
    [KEY_SNAPSHOT] = {false, "the snapshot is written anew", NULL},
    [KEY_AUDIT] = {false, NULL, "the audit chain is bound to it"},
};

/* ---- Rows */

struct walk {
    struct platform *platform;
    const struct cipher_column *column;
    struct arena arena;
    int64_t after, rows, renewed;
    bool proving; /* looks only: an old version anywhere is a refusal */
};

/* One row: encrypted anew where the newest version did not open it. */
static bool walk_row(struct walk *walk, struct sql *sql, int64_t no, struct slice cipher,
                     struct error *err)
{
    const struct cipher_column *column = walk->column;
    struct keys *keys = store_keys(walk->platform->store);
    struct error_place place = {.source = column->name, .row = no};
    int64_t row = column->row_base | no;
    struct slice plain;
    bool current;
    if (!field_decrypt_version(keys, column->class_, row, cipher, &walk->arena, &plain, &current,
                               err)) {
        err->row = no;
        return false;
    }
    if (current)
        return true;
    if (walk->proving)
        return error_set(err, ERROR_CONFLICT, place, NULL, "a row still needs the old key");
    walk->renewed++;
    struct slice anew = field_encrypt(keys, column->class_, row, plain, &walk->arena);
    return sql_run(sql, column->replace, SQL_ARGUMENTS(sql_int(no), sql_blob(anew)), err);
}

struct held_row {
    int64_t no;
    struct slice cipher;
};

/* Reads a block whole before a row of it is changed. */
static bool read_block(struct walk *walk, struct sql *sql, size_t limit, struct held_row *rows,
                       size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    size_t count = 0;
    bool row, done = sql_begin(sql, walk->column->block,
                               SQL_ARGUMENTS(sql_int(walk->after), sql_int((int64_t)limit)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice cipher = sql_get_blob(query, 1);
        rows[count].no = sql_get_int(query, 0);
        rows[count++].cipher = (struct slice){
            arena_copy(&walk->arena, cipher.data, cipher.length), cipher.length};
    }
    *ret_count = count;
    return done;
}

static bool walk_block(struct walk *walk, struct sql *sql, size_t limit, struct error *err)
{
    size_t count;
    arena_clear(&walk->arena);
    struct held_row *rows = arena_alloc(&walk->arena, limit * sizeof *rows);
    if (!read_block(walk, sql, limit, rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!walk_row(walk, sql, rows[i].no, rows[i].cipher, err))
            return false;
    walk->rows = (int64_t)count;
    if (count)
        walk->after = rows[count - 1].no;
    return true;
}

/* The setting that tells how far a column came. */
static const char *cursor_name(const struct cipher_column *column, char out[80])
{
    snprintf(out, 80, "rotation.%s", column->name);
    return out;
}

static bool write_block(struct sql *sql, void *context, struct error *err)
{
    struct walk *walk = context;
    char text[24], name[80];
    if (!walk_block(walk, sql, ROWS_A_JOB, err))
        return false;
    snprintf(text, sizeof text, "%lld", (long long)walk->after);
    return store_setting_set(sql, cursor_name(walk->column, name), slice_of(text), err);
}

static bool look_block(struct walk *walk, struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(walk->platform->store, &sql, err))
        return false;
    bool done = walk_block(walk, sql, ROWS_A_LOOK, err);
    store_read_end(walk->platform->store, sql);
    return done;
}

static bool read_cursor(struct walk *walk, struct error *err)
{
    struct sql *sql;
    struct buffer text;
    char name[80];
    walk->after = 0;
    if (!store_read_begin(walk->platform->store, &sql, err))
        return false;
    buffer_init(&text, 64);
    bool done = store_setting_get(sql, cursor_name(walk->column, name), &text, err);
    store_read_end(walk->platform->store, sql);
    if (done && text.length &&
        !slice_to_int64(buffer_slice(&text), 0, INT64_MAX, &walk->after))
        walk->after = 0; /* from the beginning: what is done is passed over */
    buffer_release(&text);
    return done;
}

static bool encrypt_rows(struct walk *walk, struct error *err)
{
    bool done = read_cursor(walk, err);
    do
        done = done && store_write(walk->platform->store, write_block, walk, err) &&
               fault_at(FAULT_POINT_after_rows_encrypted, err);
    while (done && walk->rows > 0);
    return done;
}

static bool prove_rows(struct walk *walk, struct error *err)
{
    bool done;
    walk->after = 0;
    do
        done = look_block(walk, err);
    while (done && walk->rows > 0);
    return done;
}

/* ---- Columns */

/* Calls `act` for every column of the class, whichever room it lies in. */
static bool each_column(enum key_class class_, struct walk *walk,
                        bool (*act)(struct walk *walk, struct error *err), struct error *err)
{
    for (size_t m = 0; m < module_count; m++)
        for (size_t i = 0; i < modules[m]->cipher_count; i++) {
            walk->column = &modules[m]->ciphers[i];
            if (walk->column->class_ == class_ && !act(walk, err))
                return false;
        }
    return true;
}

struct cursors {
    enum key_class class_;
};

static bool clear_cursors(struct sql *sql, void *context, struct error *err)
{
    const struct cursors *cursors = context;
    char name[80];
    for (size_t m = 0; m < module_count; m++)
        for (size_t i = 0; i < modules[m]->cipher_count; i++)
            if (modules[m]->ciphers[i].class_ == cursors->class_ &&
                !store_setting_set(sql, cursor_name(&modules[m]->ciphers[i], name), SLICE("0"),
                                   err))
                return false;
    return true;
}

/* Under `acting`. */
static bool finish(struct keeping *keeping, enum key_class class_, int64_t *ret_rows,
                   struct error *err)
{
    struct platform *platform = keeping->platform;
    struct keys *keys = store_keys(platform->store);
    struct walk walk = {.platform = platform};
    struct cursors cursors = {class_};
    int versions;
    *ret_rows = 0;
    (void)keys_version(keys, class_, &versions);
    if (versions < 2)
        return true;
    arena_init(&walk.arena, 64 << 20);
    bool done = each_column(class_, &walk, encrypt_rows, err);
    walk.proving = true;
    done = done && each_column(class_, &walk, prove_rows, err);
    if (done)
        store_await_readers(platform->store); /* they may see rows as they were */
    done = done && fault_at(FAULT_POINT_before_key_retired, err) &&
           keys_retire(keys, class_, err) &&
           store_write(platform->store, clear_cursors, &cursors, err);
    arena_release(&walk.arena);
    *ret_rows = walk.renewed;
    return done;
}

bool rotation_resume(struct keeping *keeping, struct error *err)
{
    int64_t rows;
    bool done = true;
    pthread_mutex_lock(&keeping->acting);
    for (int class_ = 0; done && class_ < KEY_CLASS_COUNT; class_++)
        done = manners[class_].refused || finish(keeping, (enum key_class)class_, &rows, err);
    pthread_mutex_unlock(&keeping->acting);
    return done;
}

struct rotation_audit {
    const char *class_;
    timestamp now;
};

static bool audit_rotation(struct sql *sql, void *context, struct error *err)
{
    const struct rotation_audit *job = context;
    struct audit_entry entry = {.actor = SLICE("command line"),
                                .act = SLICE("key.rotate"),
                                .fields = slice_of(job->class_)};
    return audit_append(sql, &entry, job->now, err);
}

/* Under `acting`. One that was cut short comes first. */
static bool rotate(struct keeping *keeping, enum key_class class_, int64_t *ret_rows,
                   struct error *err)
{
    struct platform *platform = keeping->platform;
    struct cursors cursors = {class_};
    int64_t before;
    return finish(keeping, class_, &before, err) &&
           keys_renew(store_keys(platform->store), class_, err) &&
           store_write(platform->store, clear_cursors, &cursors, err) &&
           fault_at(FAULT_POINT_after_key_renewed, err) &&
           finish(keeping, class_, ret_rows, err) &&
           (class_ != KEY_SNAPSHOT || status_snapshot(platform->status, err));
}

bool rotation_run(struct keeping *keeping, enum key_class class_, bool ends_issued,
                  int64_t *ret_rows, struct error *err)
{
    struct error_place place = {.source = key_class_name(class_)};
    struct store *store = keeping->platform->store;
    struct rotation_audit audit = {place.source, world_now(keeping->platform->world)};
    if (manners[class_].refused)
        return error_set(err, ERROR_REFUSED, place, "identity, session, venue-token or snapshot",
                         "this key is not rotated: %s", manners[class_].refused);
    if (manners[class_].ends_issued && !ends_issued)
        return error_set(err, ERROR_REFUSED, place, "--end-issued, where that is meant",
                         "its rotation %s", manners[class_].words);
    pthread_mutex_lock(&keeping->acting);
    bool done = rotate(keeping, class_, ret_rows, err) &&
                store_write(store, audit_rotation, &audit, err) &&
                keys_mirror_sync(store_keys(store), err);
    pthread_mutex_unlock(&keeping->acting);
    return done;
}
