/* store: what is written down. One data directory, one owner process.
 *
 *   DIR/lock         flock of the owner, holds its pid
 *   DIR/socket       the owner's door for other commands (server room)
 *   DIR/city.db      SQL (SQLite, WAL), through store/sql.h only
 *   DIR/keys/        the master key (0600), and keys wrapped by it: one a record class, one a day
 *   DIR/presence/    the day store (presence room)
 *   DIR/policies/ DIR/scenes/   the city's own definitions
 *
 * Writing: one writer thread groups the jobs of all callers into one transaction, each job inside
 * its own savepoint; a job's caller is told after the commit is on disk. Reading: connections of a
 * pool, each a snapshot while a read is open. Events are rows written in the transaction that
 * caused them. */
#ifndef CHENGMAI_STORE_STORE_H
#define CHENGMAI_STORE_STORE_H

#include "base/base.h"
#include "store/audit.h"
#include "store/keys.h"
#include "store/sql.h"

struct migration {
    const char *name; /* embedded file, "registry/schema/001_registry.sql" */
};

/* All migrations of the house, the store's own first: given by src/modules.c. */
const struct migration *house_migrations(size_t *ret_count);

struct store;

struct store_creation {
    bool demo;
    uint64_t seed;          /* of the demo city */
    timestamp city_start;   /* demo: city time at creation; TIMESTAMP_NONE: real time */
    bool unfinished;        /* more is to come: see store_finish */
};

/* Makes a new data directory (0700) with keys and the schema of all modules. ERROR_REFUSED where
 * it exists and is not empty. With `unfinished` it carries the file DIR/unfinished from the first
 * moment on, and opens only by store_open_unfinished until store_finish took the mark away:
 * whatever ends the making, nothing half made looks whole. */
bool store_create(const char *directory, const struct store_creation *creation,
                  struct error *err) MUST_USE;
/* The beginning of a directory that is filled from elsewhere (restore): empty folders and the mark
 * of the unfinished. *ret_fd is the caller's. */
bool store_prepare(const char *directory, int *ret_fd, struct error *err) MUST_USE;
/* Opens it, takes the lock, runs missing migrations, sets `world`'s offset to the city clock.
 * ERROR_OWNED with the owner's pid in the words where another process holds it. */
bool store_open(const char *directory, struct world *world, struct store **ret_store,
                struct error *err) MUST_USE;
/* The same for the maker of an unfinished directory. */
bool store_open_unfinished(const char *directory, struct world *world, struct store **ret_store,
                           struct error *err) MUST_USE;
/* Everything is made: puts it on disk whole (also what was written unsynced) and takes the mark
 * away. */
bool store_finish(struct store *store, struct error *err) MUST_USE;
/* Finishes queued writes, closes. Accepts NULL. */
void store_close(struct store *store);

bool store_is_demo(const struct store *store);
uint64_t store_seed(const struct store *store);
int store_directory_fd(const struct store *store);
const char *store_directory(const struct store *store);
struct world *store_world(struct store *store);
struct keys *store_keys(struct store *store);

/* ---- Reading */
/* A connection of the pool, until given back inside one snapshot (that of its first query). Waits
 * where all are out. */
bool store_read_begin(struct store *store, struct sql **ret_sql, struct error *err) MUST_USE;
void store_read_end(struct store *store, struct sql *sql); /* accepts NULL */
/* Waits until every read that has begun is over: from then on nobody sees what was before. Never
 * called with a read of one's own open. */
void store_await_readers(struct store *store);

/* ---- Writing */
/* A job: true = keep what it wrote, false = undo it alone. Runs on the writer thread. */
typedef bool store_job(struct sql *sql, void *context, struct error *err);
/* Runs the job and returns after its commit is durable (or with its error, nothing kept). Never
 * shed: a caller that waits is its own bound. Must not be called from a job. */
bool store_write(struct store *store, store_job *job, void *context, struct error *err) MUST_USE;
/* Queues the job; `done` runs on the writer thread after the commit is durable, with NULL or the
 * error. False (ERROR_BUSY) where the queue is full: then `done` never runs. */
bool store_write_later(struct store *store, store_job *job, void *context,
                       void (*done)(void *context, const struct error *failure),
                       struct error *err) MUST_USE;

/* ---- Events: what was observed, in order, in the transaction that caused it */
struct event {
    int64_t no;               /* set by the store; strictly increasing in commit order */
    struct slice kind;        /* "evidence.recorded" */
    int64_t subject_no;
    int64_t area_no;          /* jurisdiction */
    timestamp at;             /* when it is true for (city time) */
    timestamp recorded_at;    /* set by the store (city time) where 0 */
    struct slice payload;     /* JSON object, or empty */
};
/* Inside a job. */
bool event_emit(struct sql *sql, const struct event *event, struct error *err) MUST_USE;
/* Highest number on disk; 0 where none. */
bool event_last(struct sql *sql, int64_t *ret_no, struct error *err) MUST_USE;
/* Hands out events with no > `after` in order, at most `limit`; stops at the first false. */
bool event_read(struct sql *sql, int64_t after, int64_t limit,
                bool (*visit)(const struct event *event, void *context, struct error *err),
                void *context, struct error *err) MUST_USE;
/* Forgets events with no ≤ `last`, at most `limit` of them, oldest first (inside a job); never the
 * newest, so that numbers go on. The log then begins later, which is no gap. */
bool event_forget(struct sql *sql, int64_t last, int64_t limit, int64_t *ret_count,
                  struct error *err) MUST_USE;
/* `wake(context)` runs on the writer thread after each durable commit that emitted events. At most
 * 8 listeners, registered before the first write. */
void store_on_events(struct store *store, void (*wake)(void *context), void *context);
/* A subscriber whose effects are SQL: reads on from its cursor, runs `handle` and moves the cursor
 * in one transaction (exactly once, over restarts). *ret_count = events handled. */
bool store_subscriber_run(struct store *store, const char *subscriber,
                          bool (*handle)(struct sql *sql, const struct event *event, void *context,
                                         struct error *err),
                          void *context, int64_t *ret_count, struct error *err) MUST_USE;
/* The same for a subscriber with long work for events of one `kind`: each of them is the last of
 * its transaction, so that many at once hold the writer no longer than one. */
bool store_subscriber_run_apart(struct store *store, const char *subscriber, const char *kind,
                                bool (*handle)(struct sql *sql, const struct event *event,
                                               void *context, struct error *err),
                                void *context, int64_t *ret_count, struct error *err) MUST_USE;

/* Doctor and bulk loads: runs `job` with the database not syncing (a crash during it loses the
 * whole directory): only for a directory that is being made. */
bool store_write_unsynced(struct store *store, store_job *job, void *context,
                          struct error *err) MUST_USE;

/* ---- The database as a whole */
/* A consistent copy into a new file, compacted; reading and writing go on. */
bool store_copy_database(struct store *store, const char *path, struct error *err) MUST_USE;
/* Empties the write-ahead log, so that what was deleted is in no file any more (deleted content is
 * overwritten: secure_delete). ERROR_BUSY where readers hold old snapshots for seconds. */
bool store_checkpoint(struct store *store, struct error *err) MUST_USE;

/* ---- Sunset: personal data were destroyed, or their destruction has begun (keeping room) */
#define STORE_SUNSET_MARK "sunset/begun"
bool store_is_sunset(const struct store *store);
/* After the mark was written. There is no way back. */
void store_begin_sunset(struct store *store);
/* ERROR_GONE after sunset: before personal data are taken in or looked up. */
bool store_refuse_sunset(const struct store *store, struct error *err) MUST_USE;

/* Statements run so far on all connections (limits in tests). */
int64_t store_statements_run(struct store *store);

/* ---- Small settings of the data directory */
bool store_setting_get(struct sql *sql, const char *name, struct buffer *out,
                       struct error *err) MUST_USE; /* empty where unset */
bool store_setting_set(struct sql *sql, const char *name, struct slice value,
                       struct error *err) MUST_USE;

/* The store's own statements, NULL after the last: the plan test walks them. */
extern const struct sql_list *const store_statements[];

/* ---- Doctor: integrity of the database and the event log; one call of `report` a check */
bool store_verify(struct store *store,
                  void (*report)(void *context, bool good, const char *check, const char *words),
                  void *context, struct error *err) MUST_USE;

#endif
