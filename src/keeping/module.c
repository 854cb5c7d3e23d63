/* The keeping room's entry in the list of modules, its opening, and the keeper: a thread that looks
 * once a second whether the city's day asks for a run, and finishes what was cut short. */
#include <stdlib.h>

#include "keeping/keeping_internal.h"

enum { RETRY_ROUNDS = 600 };

bool keeping_open(struct platform *platform, struct keeping **ret_keeping, struct error *err)
{
    struct keeping *keeping = x_alloc(1, sizeof *keeping);
    json_t *document;
    keeping->platform = platform;
    pthread_mutex_init(&keeping->acting, NULL);
    pthread_mutex_init(&keeping->lock, NULL);
    pthread_cond_init(&keeping->changed, NULL);
    bool done = policy_document_read(store_directory_fd(platform->store),
                                     "policies/retention.yaml", &document, err);
    if (done) {
        done = retention_policy_read(document, &keeping->policy, err);
        json_decref(document);
    }
    if (!done || !plain_rows_encrypt(platform, err)) {
        keeping_close(keeping);
        return false;
    }
    *ret_keeping = keeping;
    return true;
}

/* ---- The keeper */

/* A run is due once a city day, from RUN_HOUR on. */
static bool run_is_due(struct keeping *keeping, bool *ret_due, struct error *err)
{
    timestamp now = world_now(keeping->platform->world);
    int32_t last;
    if (!retention_last_day(keeping->platform, &last, err))
        return false;
    *ret_due = retention_next_at(last, now) <= now;
    return true;
}

static bool keep(struct keeping *keeping, struct error *err)
{
    struct buffer report;
    bool due;
    if (store_is_sunset(keeping->platform->store))
        return sunset_resume(keeping, err);
    if (!rotation_resume(keeping, err) || !run_is_due(keeping, &due, err) || !due)
        return err->code == ERROR_NONE;
    buffer_init(&report, 64 << 20);
    bool done = retention_run(keeping, "daily", false, &report, err);
    buffer_release(&report);
    if (done)
        log_write(LOG_INFO, "keeping", "the daily retention run is done");
    return done;
}

static void *keeper_main(void *argument)
{
    struct keeping *keeping = argument;
    pthread_mutex_lock(&keeping->lock);
    for (int wait = 0; !keeping->stopping; wait = wait > 0 ? wait - 1 : 0) {
        pthread_mutex_unlock(&keeping->lock);
        struct error err = {0};
        if (wait == 0 && !keep(keeping, &err)) {
            log_error("keeping", &err);
            wait = RETRY_ROUNDS;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_mutex_lock(&keeping->lock);
        while (!keeping->stopping &&
               pthread_cond_timedwait(&keeping->changed, &keeping->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&keeping->lock);
    return NULL;
}

void keeping_start(struct keeping *keeping)
{
    REQUIRE(!keeping->started);
    keeping->started = pthread_create(&keeping->thread, NULL, keeper_main, keeping) == 0;
}

void keeping_stop(struct keeping *keeping)
{
    if (!keeping->started)
        return;
    pthread_mutex_lock(&keeping->lock);
    keeping->stopping = true;
    pthread_cond_broadcast(&keeping->changed);
    pthread_mutex_unlock(&keeping->lock);
    pthread_join(keeping->thread, NULL);
    keeping->started = false;
}

void keeping_close(struct keeping *keeping)
{
    if (!keeping)
        return;
    keeping_stop(keeping);
    pthread_mutex_destroy(&keeping->acting);
    pthread_mutex_destroy(&keeping->lock);
    pthread_cond_destroy(&keeping->changed);
    free(keeping);
}

static const struct migration migrations[] = {{"src/keeping/schema/001_keeping.sql"}};
static const struct event_kind event_kinds[] = {{"sunset.executed", "none"}};

const struct module keeping_module = {
    .name = "keeping",
    .migrations = migrations,
    .migration_count = 1,
    .routes = keeping_routes,
    .route_count = KEEPING_ROUTES,
    .commands = keeping_commands,
    .command_count = KEEPING_COMMANDS,
    .event_kinds = event_kinds,
    .event_kind_count = 1,
    .statements =
        (const struct sql_list *const[]){&retention_statements, &row_statements, &hold_statements,
                                         &sunset_statements,
                                         &certificate_statements, &table_statements, NULL},
};
