/* The feeds room's entry in the list of modules, and its opening. */
#include <stdlib.h>

#include "alerts/alerts.h"
#include "feeds/feeds_internal.h"

static bool prepare(void *context, int32_t day, struct error *err)
{
    int64_t written;
    return feeds_run(context, day, &written, err);
}

bool feeds_open(struct platform *platform, struct feeds **ret_feeds, struct error *err)
{
    struct feeds *feeds = x_alloc(1, sizeof *feeds);
    json_t *document;
    feeds->platform = platform;
    pthread_mutex_init(&feeds->acting, NULL);
    bool done = policy_document_read(store_directory_fd(platform->store), "policies/feeds.yaml",
                                     &document, err);
    if (done) {
        done = feed_settings_read(document, platform->policy, &feeds->settings, err);
        json_decref(document);
    }
    if (!done) {
        feeds_close(feeds);
        return false;
    }
    alerts_prepare(platform->alerts, prepare, feeds);
    *ret_feeds = feeds;
    return true;
}

void feeds_close(struct feeds *feeds)
{
    if (!feeds)
        return;
    pthread_mutex_destroy(&feeds->acting);
    free(feeds);
}

static const struct migration migrations[] = {{"src/feeds/schema/001_feeds.sql"},
                                              {"src/feeds/schema/002_silence.sql"}};

const struct module feeds_module = {
    .name = "feeds",
    .migrations = migrations,
    .migration_count = 2,
    .routes = feed_routes,
    .route_count = FEED_ROUTES,
    .commands = feed_commands,
    .command_count = FEED_COMMANDS,
    .statements = (const struct sql_list *const[]){&place_statements, &positive_statements,
                                                   &traffic_statements, &found_statements,
                                                   &overdue_statements, &abnormal_statements,
                                                   &night_statements, &silence_statements, NULL},
};
