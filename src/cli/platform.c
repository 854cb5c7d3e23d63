/* Opening and closing the rooms, from the ground up. */
#include <stdlib.h>

#include "access/access.h"
#include "alerts/alerts.h"
#include "chains/chains.h"
#include "checkin/checkin.h"
#include "cli/cli.h"
#include "feeds/feeds.h"
#include "keeping/keeping.h"
#include "loops/loops.h"
#include "notices/notices.h"
#include "photos/photos.h"
#include "status/status.h"
#include "upkeep/upkeep.h"

bool platform_open(const char *directory, enum platform_use use, struct platform **ret_platform,
                   struct error *err)
{
    struct platform *platform = x_alloc(1, sizeof *platform);
    struct presence_options options = {.background = use == PLATFORM_SERVING};
    platform->directory = strdup(directory);
    platform->world = x_alloc(1, sizeof *platform->world);
    world_init(platform->world);
    bool done = use == PLATFORM_MAKING
                    ? store_open_unfinished(directory, platform->world, &platform->store, err)
                    : store_open(directory, platform->world, &platform->store, err);
    platform->demo = done && store_is_demo(platform->store);
    done = done && policy_open(store_directory_fd(platform->store), &platform->policy, err) &&
           registry_open(platform, &platform->registry, err) &&
           access_open(platform, &platform->access, err) &&
           presence_open(platform->store, &options, &platform->presence, err) &&
           status_open(platform, &platform->status, err) &&
           checkin_open(platform, &platform->checkin, err) &&
           photos_open(platform, &platform->photos, err) &&
           loops_open(platform, &platform->loops, err) &&
           chains_open(platform, &platform->chains, err) &&
           alerts_open(platform, &platform->alerts, err) &&
           feeds_open(platform, &platform->feeds, err) &&
           keeping_open(platform, &platform->keeping, err) &&
           notices_open(platform, &platform->notices, err) &&
           upkeep_open(platform, &platform->upkeep, err);
    if (!done) {
        platform_close(platform);
        return false;
    }
    *ret_platform = platform;
    return true;
}

void platform_close(struct platform *platform)
{
    if (!platform)
        return;
    upkeep_close(platform->upkeep);
    keeping_close(platform->keeping);
    alerts_close(platform->alerts);
    feeds_close(platform->feeds); /* the nightly thread used it */
    chains_close(platform->chains);
    checkin_close(platform->checkin);
    presence_close(platform->presence); /* its commit thread may still answer scans */
    status_close(platform->status);
    access_close(platform->access);
    registry_close(platform->registry);
    policy_free(platform->policy);
    store_close(platform->store);
    loops_close(platform->loops); /* the store's last commits still wake it */
    notices_close(platform->notices);
    photos_close(platform->photos);
    free(platform->world);
    free((void *)(uintptr_t)platform->directory);
    free(platform);
}
