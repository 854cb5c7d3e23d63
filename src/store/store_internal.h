/* Inside the store room only. */
#ifndef CHENGMAI_STORE_INTERNAL_H
#define CHENGMAI_STORE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/store.h"

enum { QUERY_CACHE_SLOTS = 512, READERS_MAX = 8, WRITE_QUEUE_MAX = 4096, LISTENERS_MAX = 8 };

struct sql_query {
    const struct sql_text *text; /* NULL: free slot */
    sqlite3_stmt *statement;
    struct sql *sql;
    bool busy;
};

struct sql {
    sqlite3 *database;
    struct world *world;           /* city clock for recorded_at */
    const struct keys *keys;       /* of the store that opened it */
    struct sql_query cache[QUERY_CACHE_SLOTS];
    atomic_llong statement_count; /* others read it while it runs */
    bool emitted;                  /* writer: this group emitted events */
    bool out;                      /* reader: handed out */
    int64_t readings;              /* reader: how often */
};

bool sql_open(const char *path, bool reader, struct world *world, struct sql **ret_sql,
              struct error *err) MUST_USE;
void sql_close(struct sql *sql);
/* A fixed text without parameters: BEGIN, COMMIT, PRAGMA …, migration files. */
bool sql_script(struct sql *sql, const char *script, struct error *err) MUST_USE;
/* Ends every query that is still open on the connection. */
void sql_end_all(struct sql *sql);
bool sql_fail(struct sql *sql, const char *statement, struct error *err);

struct write_job {
    store_job *run;
    void *context;
    void (*done)(void *context, const struct error *failure);
    struct error failure;
    bool failed;
    bool synchronous;
    bool finished;           /* synchronous jobs: under store->queue_lock */
    pthread_cond_t is_ended; /* synchronous jobs: wakes this job's caller and nobody else */
    bool unsynced;
    struct write_job *next;
};

struct store {
    char *directory;
    int directory_fd, lock_fd;
    bool demo;
    uint64_t seed;
    struct world *world;
    struct keys *keys;
    atomic_bool sunset;

    struct sql *writer; /* the writer thread's */
    pthread_t writer_thread;
    bool writer_started;

    pthread_mutex_t queue_lock; /* owns queue_*, stopping */
    pthread_cond_t queue_filled;
    struct write_job *queue_first, *queue_last;
    size_t queue_count;
    bool stopping;

    pthread_mutex_t reader_lock; /* owns readers */
    pthread_cond_t reader_back;
    struct sql *readers[READERS_MAX];
    size_t reader_count;

    struct {
        void (*wake)(void *context);
        void *context;
    } listeners[LISTENERS_MAX]; /* fixed before the first write */
    size_t listener_count;
};

extern const struct sql_list event_statements, audit_statements;

bool writer_start(struct store *store, struct error *err) MUST_USE;
void writer_stop(struct store *store);
/* Waits until no reader is out, closes all, and keeps reader_lock (the caller unlocks it). */
void readers_close(struct store *store);

#endif
