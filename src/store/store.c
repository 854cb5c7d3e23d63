/* The data directory: making, owning, opening, closing it; reader connections; verification. */
#include "store/store_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct sql_text migration_table = {
    "migration_table",
    "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, applied_at BIGINT NOT NULL)",
    "small table"};
static const struct sql_text migration_applied = {
    "migration_applied", "SELECT count(*) FROM migration WHERE name = ?1", "primary key"};
static const struct sql_text migration_record = {
    "migration_record", "INSERT INTO migration (name, applied_at) VALUES (?1, ?2)", "primary key"};
static const struct sql_text migration_count = {
    "migration_count", "SELECT count(*) FROM migration", "small table"};
static const struct sql_text integrity_check = {
    "integrity_check", "PRAGMA quick_check", "whole database"};
static const struct sql_text event_gaps = {
    "event_gaps",
    "SELECT coalesce(max(no), 0) - count(*) -"
    " coalesce((SELECT CAST(value AS BIGINT) FROM setting WHERE name = 'event_floor'), 0)"
    " FROM event",
    "whole event log"};
static const struct sql_text copy_into = {"copy_into", "VACUUM INTO ?1", "whole database"};
static const struct sql_text empty_log = {
    "empty_log", "PRAGMA wal_checkpoint(TRUNCATE)", "whole write-ahead log"};

static const struct sql_list directory_statements =
    SQL_LIST(&migration_table, &migration_applied, &migration_record, &migration_count,
             &integrity_check, &event_gaps, &copy_into, &empty_log);

const struct sql_list *const store_statements[] = {&directory_statements, &event_statements,
                                                   &audit_statements, NULL};

/* ---- Migrations */

static bool apply_migration(struct sql *sql, void *context, struct error *err)
{
    const struct migration *migration = context;
    const struct embedded_file *file = embedded_find(migration->name);
    if (!file)
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = migration->name},
                         "a schema file built into the program", "no such migration");
    char *script = strndup(file->content.data, file->content.length);
    bool done = sql_script(sql, script, err);
    free(script);
    return done && sql_run(sql, &migration_record,
                           SQL_ARGUMENTS(sql_text(slice_of(migration->name)),
                                         sql_int(world_real_now())),
                           err);
}

static bool make_migration_table(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return sql_run(sql, &migration_table, NULL, 0, err);
}

/* Which of the house's migrations the directory has; one that the house does not know is a newer
 * program's, and its schema is not touched. */
static bool applied_migrations(struct store *store, const struct migration *list, size_t count,
                               bool *ret_applied, struct error *err)
{
    struct sql *sql;
    int64_t known = 0, all = 0, applied;
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        struct slice name = slice_of(list[i].name);
        done = sql_one_int(sql, &migration_applied, SQL_ARGUMENTS(sql_text(name)), 0, &applied,
                           err);
        ret_applied[i] = done && applied;
        known += ret_applied[i];
    }
    done = done && sql_one_int(sql, &migration_count, NULL, 0, 0, &all, err);
    store_read_end(store, sql);
    if (done && all != known)
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = store->directory},
                         "the version of chengmai that last opened it, or a later one",
                         "the data directory has a newer schema");
    return done;
}

static bool migrate(struct store *store, struct error *err)
{
    size_t count;
    const struct migration *list = house_migrations(&count);
    bool *applied = x_alloc(count, sizeof *applied);
    bool done = store_write(store, make_migration_table, NULL, err) &&
                applied_migrations(store, list, count, applied, err);
    for (size_t i = 0; done && i < count; i++)
        done = applied[i] || store_write(store, apply_migration, (void *)&list[i], err);
    free(applied);
    return done;
}

/* ---- Settings of the directory: one small text file beside the database, since the clock must be
 * known before anything else is read. "demo 1\nseed 42\noffset -123\n" */

static bool write_city_file(int directory_fd, const struct store_creation *creation,
                            struct error *err)
{
    timestamp offset =
        creation->city_start == TIMESTAMP_NONE ? 0 : creation->city_start - world_real_now();
    char text[128];
    int length = snprintf(text, sizeof text, "demo %d\nseed %llu\noffset %lld\n", creation->demo,
                          (unsigned long long)creation->seed, (long long)offset);
    return file_replace(directory_fd, "city", text, (size_t)length, err);
}

static bool read_city_file(struct store *store, struct error *err)
{
    struct buffer text;
    buffer_init(&text, 1024);
    bool done = file_read_whole(store->directory_fd, "city", &text, err);
    int demo = 0;
    unsigned long long seed = 0;
    long long offset = 0;
    if (done && sscanf(buffer_slice(&text).data, "demo %d\nseed %llu\noffset %lld\n", &demo, &seed,
                       &offset) != 3)
        done = error_set(err, ERROR_CORRUPT, (struct error_place){.source = "city"},
                         "demo, seed and offset lines", "the city file is damaged");
    buffer_release(&text);
    store->demo = demo != 0;
    store->seed = seed;
    if (done && store->world->fixed == TIMESTAMP_NONE)
        store->world->offset = offset;
    return done;
}

/* ---- Making */

static const char unfinished_mark[] = "unfinished";

static bool is_unfinished(int directory_fd)
{
    return faccessat(directory_fd, unfinished_mark, F_OK, 0) == 0;
}

static bool refuse_unfinished(enum error_code code, const char *directory, struct error *err)
{
    return error_set(err, code, (struct error_place){.source = directory},
                     "a finished directory: remove this one and run `chengmai init` again",
                     "an `init` that did not end left this directory half made");
}

static bool directory_is_empty(int fd, bool *ret_empty, struct error *err)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = again < 0 ? NULL : fdopendir(again);
    if (!directory)
        return error_set_errno(err, "data directory", "read");
    struct dirent *entry;
    *ret_empty = true;
    while ((entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            *ret_empty = false;
    closedir(directory);
    return true;
}

/* A new or empty directory, open; with `unfinished` it carries the mark. */
static bool make_directory(const char *directory, bool unfinished, int *ret_fd, struct error *err)
{
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, directory, "create");
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, directory, "open");
    bool empty = false;
    bool done = directory_is_empty(fd, &empty, err);
    if (done && is_unfinished(fd))
        done = refuse_unfinished(ERROR_REFUSED, directory, err);
    else if (done && !empty)
        done = error_set(err, ERROR_REFUSED, (struct error_place){.source = directory},
                         "a new or empty directory", "the directory is not empty");
    if (done && fchmod(fd, 0700) != 0)
        done = error_set_errno(err, directory, "set the mode of");
    if (done && unfinished)
        done = file_replace(fd, unfinished_mark, "", 0, err);
    if (done)
        *ret_fd = fd;
    else
        close(fd);
    return done;
}

static bool make_folders(int fd, struct error *err)
{
    for (const char *const *name = (const char *const[]){"presence", "policies", "scenes", NULL};
         *name; name++)
        if (mkdirat(fd, *name, 0700) != 0)
            return error_set_errno(err, *name, "create");
    return true;
}

bool store_prepare(const char *directory, int *ret_fd, struct error *err)
{
    if (!make_directory(directory, true, ret_fd, err))
        return false;
    if (make_folders(*ret_fd, err))
        return true;
    close(*ret_fd);
    return false;
}

bool store_create(const char *directory, const struct store_creation *creation, struct error *err)
{
    int fd;
    if (!make_directory(directory, creation->unfinished, &fd, err))
        return false;
    bool done = keys_create(fd, err) && make_folders(fd, err) &&
                write_city_file(fd, creation, err);
    close(fd);
    if (!done)
        return false;
    struct world world;
    struct store *store;
    world_init(&world);
    if (!store_open_unfinished(directory, &world, &store, err))
        return false;
    store_close(store);
    return true;
}

bool store_finish(struct store *store, struct error *err)
{
    if (syncfs(store->directory_fd) != 0)
        return error_set_errno(err, store->directory, "sync");
    if (unlinkat(store->directory_fd, unfinished_mark, 0) != 0 && errno != ENOENT)
        return error_set_errno(err, unfinished_mark, "remove");
    return file_sync_directory(store->directory_fd, ".", err);
}

/* ---- Owning */

static bool take_lock(struct store *store, struct error *err)
{
    store->lock_fd = openat(store->directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        return error_set_errno(err, "lock", "open");
    char pid[32] = "";
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t got = pread(store->lock_fd, pid, sizeof pid - 1, 0);
        pid[got > 0 ? got : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        return error_set(err, ERROR_OWNED, (struct error_place){.source = store->directory},
                         "a data directory that no other process owns", "process %s owns it",
                         pid[0] ? pid : "unknown");
    }
    int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    return (ftruncate(store->lock_fd, 0) == 0 || error_set_errno(err, "lock", "truncate")) &&
           file_write_at(store->lock_fd, pid, (size_t)length, 0, "lock", err);
}

static bool open_writer(struct store *store, const char *path, struct error *err)
{
    if (!sql_open(path, false, store->world, &store->writer, err))
        return false;
    store->writer->keys = store->keys;
    return writer_start(store, err);
}

static bool open_store(const char *directory, bool unfinished, struct world *world,
                       struct store **ret_store, struct error *err)
{
    struct store *store = x_alloc(1, sizeof *store);
    store->lock_fd = -1;
    store->world = world;
    atomic_init(&store->sunset, false);
    store->directory = realpath(directory, NULL);
    store->directory_fd =
        store->directory ? open(store->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    pthread_mutex_init(&store->queue_lock, NULL);
    pthread_mutex_init(&store->reader_lock, NULL);
    pthread_cond_init(&store->queue_filled, NULL);
    pthread_cond_init(&store->reader_back, NULL);
    bool done = store->directory_fd >= 0
                    ? true
                    : error_set(err, ERROR_NOT_FOUND, (struct error_place){.source = directory},
                                "a data directory made by `chengmai init`", "%m");
    if (done && !unfinished && is_unfinished(store->directory_fd))
        done = refuse_unfinished(ERROR_ENVIRONMENT, directory, err);
    if (done && faccessat(store->directory_fd, "city", R_OK, 0) != 0)
        done = error_set(err, ERROR_NOT_FOUND, (struct error_place){.source = directory},
                         "a data directory made by `chengmai init`", "not a data directory");
    char *path = NULL;
    if (done && asprintf(&path, "%s/city.db", store->directory) < 0)
        REQUIRE(false && "memory");
    if (done && faccessat(store->directory_fd, STORE_SUNSET_MARK, F_OK, 0) == 0)
        atomic_store(&store->sunset, true);
    done = done && take_lock(store, err) && read_city_file(store, err) &&
           keys_open(store->directory_fd, &store->keys, err) &&
           open_writer(store, path, err) && migrate(store, err);
    free(path);
    if (!done) {
        store_close(store);
        return false;
    }
    *ret_store = store;
    return true;
}

bool store_open(const char *directory, struct world *world, struct store **ret_store,
                struct error *err)
{
    return open_store(directory, false, world, ret_store, err);
}

bool store_open_unfinished(const char *directory, struct world *world, struct store **ret_store,
                           struct error *err)
{
    return open_store(directory, true, world, ret_store, err);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    writer_stop(store);
    for (size_t i = 0; i < store->reader_count; i++) {
        REQUIRE(!store->readers[i]->out);
        sql_close(store->readers[i]);
    }
    sql_close(store->writer);
    keys_free(store->keys);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    if (store->directory_fd >= 0)
        close(store->directory_fd);
    pthread_mutex_destroy(&store->queue_lock);
    pthread_mutex_destroy(&store->reader_lock);
    pthread_cond_destroy(&store->queue_filled);
    pthread_cond_destroy(&store->reader_back);
    free(store->directory);
    free(store);
}

/* ---- Reading */

static struct sql *free_reader(struct store *store)
{
    for (size_t i = 0; i < store->reader_count; i++)
        if (!store->readers[i]->out)
            return store->readers[i];
    return NULL;
}

void readers_close(struct store *store)
{
    pthread_mutex_lock(&store->reader_lock);
    for (;;) {
        size_t out = 0;
        for (size_t i = 0; i < store->reader_count; i++)
            out += store->readers[i]->out;
        if (!out)
            break;
        pthread_cond_wait(&store->reader_back, &store->reader_lock);
    }
    while (store->reader_count)
        sql_close(store->readers[--store->reader_count]);
}

/* Takes an idle reader, or opens one, or waits. Under reader_lock. */
static bool take_reader(struct store *store, struct sql **ret_sql, struct error *err)
{
    struct sql *sql = free_reader(store);
    if (!sql && store->reader_count < READERS_MAX) {
        char path[4200];
        snprintf(path, sizeof path, "%s/city.db", store->directory);
        if (!sql_open(path, true, store->world, &sql, err))
            return false;
        sql->keys = store->keys;
        store->readers[store->reader_count++] = sql;
    }
    while (!sql) {
        pthread_cond_wait(&store->reader_back, &store->reader_lock);
        sql = free_reader(store);
    }
    sql->out = true;
    sql->readings++;
    *ret_sql = sql;
    return true;
}

bool store_read_begin(struct store *store, struct sql **ret_sql, struct error *err)
{
    pthread_mutex_lock(&store->reader_lock);
    bool taken = take_reader(store, ret_sql, err);
    pthread_mutex_unlock(&store->reader_lock);
    if (!taken)
        return false;
    if (sql_script(*ret_sql, "BEGIN", err))
        return true;
    store_read_end(store, *ret_sql);
    return false;
}

void store_read_end(struct store *store, struct sql *sql)
{
    if (!sql)
        return;
    sql_end_all(sql);
    if (!sqlite3_get_autocommit(sql->database))
        REQUIRE(sqlite3_exec(sql->database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    pthread_mutex_lock(&store->reader_lock);
    sql->out = false;
    pthread_cond_broadcast(&store->reader_back);
    pthread_mutex_unlock(&store->reader_lock);
}

void store_await_readers(struct store *store)
{
    int64_t reading[READERS_MAX] = {0}; /* 0: idle */
    bool waits;
    pthread_mutex_lock(&store->reader_lock);
    for (size_t i = 0; i < store->reader_count; i++)
        reading[i] = store->readers[i]->out ? store->readers[i]->readings : 0;
    do {
        waits = false;
        for (size_t i = 0; i < store->reader_count; i++)
            waits |= store->readers[i]->out && store->readers[i]->readings == reading[i];
        if (waits)
            pthread_cond_wait(&store->reader_back, &store->reader_lock);
    } while (waits);
    pthread_mutex_unlock(&store->reader_lock);
}

/* ---- The database as a whole, on a connection of its own: neither readers nor the writer wait */

static bool run_alone(struct store *store, const struct sql_text *text,
                      const struct sql_value *arguments, size_t count, int64_t *ret_first,
                      struct error *err)
{
    char path[4200];
    struct sql *sql;
    snprintf(path, sizeof path, "%s/city.db", store->directory);
    if (!sql_open(path, false, store->world, &sql, err))
        return false;
    bool done = sql_one_int(sql, text, arguments, count, 0, ret_first, err);
    sql_close(sql);
    return done;
}

bool store_copy_database(struct store *store, const char *path, struct error *err)
{
    int64_t none;
    return run_alone(store, &copy_into, SQL_ARGUMENTS(sql_text(slice_of(path))), &none, err);
}

bool store_checkpoint(struct store *store, struct error *err)
{
    int64_t busy = 0;
    for (int tries = 0; tries < 50; tries++) {
        if (!run_alone(store, &empty_log, NULL, 0, &busy, err))
            return false;
        if (!busy)
            return true;
        usleep(100000); /* a reader still holds an old snapshot */
    }
    return error_set(err, ERROR_BUSY, (struct error_place){.source = "city.db"},
                     "no reader that holds an old snapshot for seconds",
                     "the write-ahead log cannot be emptied");
}

/* ---- Small questions */

bool store_is_sunset(const struct store *store)
{
    return atomic_load(&store->sunset);
}
void store_begin_sunset(struct store *store)
{
    REQUIRE(faccessat(store->directory_fd, STORE_SUNSET_MARK, F_OK, 0) == 0);
    atomic_store(&store->sunset, true);
}
bool store_refuse_sunset(const struct store *store, struct error *err)
{
    return !atomic_load(&store->sunset) ||
           error_set(err, ERROR_GONE, (struct error_place){.source = "sunset"},
                     "a question about aggregates",
                     "the personal data of this city were destroyed, and none is taken any more");
}

bool store_is_demo(const struct store *store)
{
    return store->demo;
}
uint64_t store_seed(const struct store *store)
{
    return store->seed;
}
int store_directory_fd(const struct store *store)
{
    return store->directory_fd;
}
const char *store_directory(const struct store *store)
{
    return store->directory;
}
struct world *store_world(struct store *store)
{
    return store->world;
}
struct keys *store_keys(struct store *store)
{
    return store->keys;
}

int64_t store_statements_run(struct store *store)
{
    pthread_mutex_lock(&store->reader_lock);
    int64_t count = sql_statement_count(store->writer);
    for (size_t i = 0; i < store->reader_count; i++)
        count += sql_statement_count(store->readers[i]);
    pthread_mutex_unlock(&store->reader_lock);
    return count;
}

bool store_verify(struct store *store,
                  void (*report)(void *context, bool good, const char *check, const char *words),
                  void *context, struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(store, &sql, err))
        return false;
    struct sql_query *query;
    bool row;
    int64_t gaps = 0;
    char words[256] = "";
    bool done = sql_begin(sql, &integrity_check, NULL, 0, &query, err) &&
                sql_next(query, &row, err);
    if (done && row) {
        snprintf(words, sizeof words, "%.*s", SLICE_ARG(sql_get_text(query, 0)));
        sql_end(query);
        report(context, strcmp(words, "ok") == 0, "database", words);
    }
    done = done && sql_one_int(sql, &event_gaps, NULL, 0, 0, &gaps, err);
    if (done) {
        snprintf(words, sizeof words, "%lld numbers missing", (long long)gaps);
        report(context, gaps == 0, "event log", gaps ? words : "unbroken");
    }
    store_read_end(store, sql);
    return done;
}
