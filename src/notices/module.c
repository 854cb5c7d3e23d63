/* What the notices room gives the house; opening and closing it; its thread. */
#include <stdlib.h>

#include "loops/loops.h"
#include "notices/notices_internal.h"
#include "policy/policy.h"

static const struct migration migrations[] = {{"src/notices/schema/001_notices.sql"}};

/* On the store's writer thread, after a commit with events. */
static void wake(void *context)
{
    struct notices *notices = context;
    struct sender *sender = atomic_load(&notices->sender);
    if (!atomic_exchange(&notices->woken, true) && sender)
        sender_wake(sender);
}

static bool read_settings(struct platform *platform, struct notice_settings *ret_settings,
                          struct error *err)
{
    json_t *document;
    int directory = store_directory_fd(platform->store);
    if (!policy_document_read(directory, "policies/notices.yaml", &document, err))
        return false;
    bool done = notice_settings_read(document, ret_settings, err);
    json_decref(document);
    if (!done || !policy_document_read(directory, "policies/retention.yaml", &document, err))
        return false;
    done = notice_days_read(document, &ret_settings->days, err);
    json_decref(document);
    return done;
}

bool notices_open(struct platform *platform, struct notices **ret_notices, struct error *err)
{
    struct notices *notices = x_alloc(1, sizeof *notices);
    notices->platform = platform;
    if (!read_settings(platform, &notices->settings, err)) {
        free(notices);
        return false;
    }
    pthread_mutex_init(&notices->lock, NULL);
    pthread_mutex_init(&notices->following, NULL);
    store_on_events(platform->store, wake, notices);
    *ret_notices = notices;
    return true;
}

void notices_close(struct notices *notices)
{
    if (!notices)
        return;
    sender_free(atomic_load(&notices->sender));
    pthread_mutex_destroy(&notices->lock);
    pthread_mutex_destroy(&notices->following);
    free(notices->heads);
    free(notices);
}

bool notices_prepare(struct notices *notices, struct error *err)
{
    struct store *store = notices->platform->store;
    struct sender *sender;
    struct sql *sql;
    if (!sender_open(notices, &sender, err))
        return false;
    atomic_store(&notices->sender, sender);
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = heads_read(notices, sql, err);
    store_read_end(store, sql);
    return done;
}

unsigned notices_needs(const struct notices *notices)
{
    unsigned needs = 0;
    for (int i = 0; i < NOTICE_CHANNELS; i++)
        if (notices->settings.channels[i].on)
            needs |=
                notices->settings.channels[i].socket[0] ? NOTICES_NEED_LOCAL : NOTICES_NEED_NETWORK;
    return needs;
}

/* ---- The thread */

/* Events that come fast are followed many at once. */
enum { FOLLOW_MILLISECONDS = 100, IDLE_MILLISECONDS = 1000 };

static void follow_in_time(struct notices *notices, double *followed_at, int *ret_wait)
{
    struct error err;
    int64_t made = 0;
    double now = world_elapsed_seconds();
    int since = (int)((now - *followed_at) * 1000);
    *ret_wait = IDLE_MILLISECONDS;
    if (!atomic_load(&notices->woken) && since < IDLE_MILLISECONDS)
        return;
    if (since < FOLLOW_MILLISECONDS) {
        *ret_wait = FOLLOW_MILLISECONDS - since;
        return;
    }
    *followed_at = now;
    atomic_store(&notices->woken, false);
    if (!notices_follow(notices, &made, &err) || !counts_refresh(notices, &err))
        log_error("notices", &err);
    if (made)
        sender_look(atomic_load(&notices->sender));
}

void notices_serve(struct notices *notices)
{
    struct sender *sender = atomic_load(&notices->sender);
    timestamp forgot_at = world_real_now();
    double followed_at = world_elapsed_seconds() - 1;
    struct error err;
    int64_t count;
    while (!atomic_load(&notices->stopping)) {
        int wait = IDLE_MILLISECONDS;
        if (store_is_sunset(notices->platform->store)) {
            atomic_store(&notices->woken, false);
        } else {
            follow_in_time(notices, &followed_at, &wait);
            if (world_real_now() - forgot_at >= HOUR) {
                forgot_at = world_real_now();
                if (!notices_forget(notices, &count, &err))
                    log_error("notices", &err);
            }
        }
        sender_round(sender, wait);
    }
}

void notices_stop(struct notices *notices)
{
    atomic_store(&notices->stopping, true);
    sender_wake(atomic_load(&notices->sender));
}

const struct module notices_module = {
    .name = "notices",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .routes = notice_routes,
    .route_count = NOTICE_ROUTES,
    .commands = notice_commands,
    .command_count = NOTICE_COMMANDS,
    .statements = (const struct sql_list *const[]){&notice_statements, &notice_delivery_statements,
                                                   &notice_follow_statements, NULL},
    .ciphers = notice_ciphers,
    .cipher_count = NOTICE_CIPHERS,
};
