/* The alerts room's entry in the list of modules, its opening, and the nightly thread. */
#include <stdlib.h>

#include "alerts/alerts_internal.h"

enum { LOOK_SECONDS = 30 };

bool alerts_open(struct platform *platform, struct alerts **ret_alerts, struct error *err)
{
    struct alerts *alerts = x_alloc(1, sizeof *alerts);
    json_t *document;
    alerts->platform = platform;
    arena_init(&alerts->texts, 4 << 20);
    pthread_mutex_init(&alerts->acting, NULL);
    pthread_mutex_init(&alerts->lock, NULL);
    pthread_cond_init(&alerts->changed, NULL);
    bool done = policy_document_read(store_directory_fd(platform->store), "policies/alerts.yaml",
                                     &document, err);
    if (done) {
        done = alert_settings_read(document, &alerts->settings, err);
        json_decref(document);
    }
    if (!done || !channels_load(alerts, err)) {
        alerts_close(alerts);
        return false;
    }
    *ret_alerts = alerts;
    return true;
}

static void *nightly_main(void *argument)
{
    struct alerts *alerts = argument;
    pthread_mutex_lock(&alerts->lock);
    while (!alerts->stopping) {
        struct error err;
        struct timespec until = {.tv_sec = 0};
        int64_t days;
        pthread_mutex_unlock(&alerts->lock);
        if (!store_is_sunset(alerts->platform->store) && !alerts_run_due(alerts, &days, &err))
            log_error("alerts", &err);
        until.tv_sec = world_real_now() / SECOND + LOOK_SECONDS;
        pthread_mutex_lock(&alerts->lock);
        while (!alerts->stopping &&
               pthread_cond_timedwait(&alerts->changed, &alerts->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&alerts->lock);
    return NULL;
}

void alerts_start(struct alerts *alerts)
{
    REQUIRE(!alerts->started);
    alerts->started = pthread_create(&alerts->thread, NULL, nightly_main, alerts) == 0;
}

void alerts_stop(struct alerts *alerts)
{
    if (!alerts->started)
        return;
    pthread_mutex_lock(&alerts->lock);
    alerts->stopping = true;
    pthread_cond_broadcast(&alerts->changed);
    pthread_mutex_unlock(&alerts->lock);
    pthread_join(alerts->thread, NULL);
    alerts->started = false;
}

void alerts_close(struct alerts *alerts)
{
    if (!alerts)
        return;
    alerts_stop(alerts);
    channels_release(alerts);
    arena_release(&alerts->texts);
    pthread_mutex_destroy(&alerts->acting);
    pthread_mutex_destroy(&alerts->lock);
    pthread_cond_destroy(&alerts->changed);
    free(alerts);
}

static const struct migration migrations[] = {{"src/alerts/schema/001_alerts.sql"},
                                              {"src/alerts/schema/002_desk.sql"}};
/* alert.raised: see scenes/vocabulary.c; alert.judged {"verdict"} */
static const struct event_kind event_kinds[] = {{"alert.raised", "alert"},
                                                {"alert.judged", "alert"}};

const struct module alerts_module = {
    .name = "alerts",
    .migrations = migrations,
    .migration_count = 2,
    .routes = alert_routes,
    .route_count = ALERT_ROUTES,
    .commands = alert_commands,
    .command_count = ALERT_COMMANDS,
    .event_kinds = event_kinds,
    .event_kind_count = sizeof event_kinds / sizeof *event_kinds,
    .statements = (const struct sql_list *const[]){&point_statements, &feed_statements,
                                                   &episode_statements, &disposition_statements,
                                                   &run_statements, &alert_record_statements,
                                                   NULL},
    .ciphers = alert_ciphers,
    .cipher_count = ALERT_CIPHERS,
};
