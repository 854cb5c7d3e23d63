/* `serve`: opens the rooms, listens, keeps the jobs running until a signal, then ends in order: no new
 * work, what was taken is finished, rooms close. What is not done STOP_SECONDS after the signal is cut
 * off as a crash would cut it, which loses nothing that was acknowledged. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "alerts/alerts.h"
#include "cli/cli.h"
#include "command/command.h"
#include "contacts/contacts.h"
#include "dossier/dossier.h"
#include "keeping/keeping.h"
#include "loops/loops.h"
#include "notices/notices.h"
#include "prints/prints.h"
#include "server/sandbox.h"
#include "server/server_internal.h"
#include "sim/sim.h"

enum { STOP_SECONDS = 9, HTTP_STOP_SECONDS = 6, HOUR_ROUNDS = 3600,
       MINUTE_ROUNDS = 60 };

struct jobs {
    struct platform *platform;
    struct http *http;
    struct sim_life *life; /* of a demo city, unless it stands still; NULL otherwise */
    uint64_t viewers_turn; /* of who has which loop open, as the streams were woken for */
    pthread_t thread;
    pthread_mutex_t lock; /* owns stopping */
    pthread_cond_t changed;
    bool stopping;
};

static void run_jobs(struct jobs *jobs, int64_t round)
{
    struct platform *platform = jobs->platform;
    struct error err;
    if (!status_catch_up(platform->status, &err))
        log_error("status", &err);
    if (!status_tick(platform->status, &err))
        log_error("status", &err);
    if (!checkin_follow(platform->checkin, &err))
        log_error("checkin", &err);
    bool lives = jobs->life && !store_is_sunset(platform->store);
    if (lives && !sim_life_tick(jobs->life, world_now(platform->world), &err))
        log_error("sim", &err);
    if (!command_counters_refresh(platform, &err))
        log_error("command", &err);
    if (!dossier_sign_head(platform, &err))
        log_error("dossier", &err);
    if (round % MINUTE_ROUNDS == MINUTE_ROUNDS - 1 && !store_is_sunset(platform->store) &&
        !access_spread_seen(platform, &err))
        log_error("dossier", &err);
    if (loops_viewers_tick(platform->loops, &jobs->viewers_turn) || round % 2 == 0)
        http_streams_wake(jobs->http);
    http_close_slow(jobs->http);
    if (round % HOUR_ROUNDS == HOUR_ROUNDS - 1 &&
        (!status_snapshot(platform->status, &err) || !presence_fold(platform->presence, &err) ||
         !idempotency_prune(platform, &err) || !access_prune(platform->access, &err)))
        log_error("jobs", &err);
}

static void *jobs_main(void *argument)
{
    struct jobs *jobs = argument;
    pthread_mutex_lock(&jobs->lock);
    for (int64_t round = 0; !jobs->stopping; round++) {
        pthread_mutex_unlock(&jobs->lock);
        run_jobs(jobs, round);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_mutex_lock(&jobs->lock);
        while (!jobs->stopping &&
               pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

/* Loops move as soon as an event is durable, and with the clock once a second. */
static void *loops_main(void *argument)
{
    struct platform *platform = argument;
    timestamp forgot_at = world_real_now();
    int64_t looked = 0;
    do {
        struct error err;
        int64_t count;
        timestamp now = world_real_now();
        if (store_is_sunset(platform->store))
            continue;
        if (!contacts_follow(platform, &looked, &count, &err))
            log_error("contacts", &err);
        if (!loops_run(platform->loops, &count, &err))
            log_error("loops", &err);
        if (now - forgot_at < HOUR)
            continue;
        forgot_at = now;
        if (!loops_forget(platform->loops, &count, &err))
            log_error("loops", &err);
    } while (loops_wait(platform->loops, 1));
    return NULL;
}

static void *notices_main(void *argument)
{
    notices_serve(argument);
    return NULL;
}

static unsigned sandbox_needs(const struct platform *platform)
{
    unsigned needs = notices_needs(platform->notices);
    return (needs & NOTICES_NEED_LOCAL ? SANDBOX_DIALS_LOCAL : 0) |
           (needs & NOTICES_NEED_NETWORK ? SANDBOX_DIALS_NETWORK : 0);
}

static bool may_listen(struct platform *platform, const struct http_address *address,
                       struct error *err)
{
    return address->unix_path[0] || strncmp(address->host, "127.", 4) == 0 ||
           access_has_users(platform->access) ||
           error_set(err, ERROR_REFUSED, (struct error_place){.field = "--listen"},
                     "a loopback address until users exist (`chengmai user add`)",
                     "%s is open to others", address->host);
}

static void *cut_off(void *none)
{
    sleep(STOP_SECONDS);
    log_write(LOG_INFO, "server", "not done after %d s: cut off", STOP_SECONDS);
    _exit(EXIT_DONE);
    return none;
}

static void stop_in_time(void)
{
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, cut_off, NULL) == 0);
    pthread_detach(thread);
}

struct serving {
    struct http_address address;
    bool still, sandboxed;
};

static void say_listening(FILE *out, const struct http_address *address, uint16_t port)
{
    if (address->unix_path[0])
        fprintf(out, "listening unix:%s\n", address->unix_path);
    else
        fprintf(out, "listening http%s://%s:%u\n", address->tls ? "s" : "", address->host, port);
    fflush(out);
}

static bool serve(struct command_context *context, struct platform *platform,
                  const struct serving *serving, const sigset_t *signals, struct error *err)
{
    struct jobs jobs = {.platform = platform};
    struct door *door = NULL;
    pthread_t loops, notices;
    int signal_no;
    uint16_t port;
    if (!may_listen(platform, &serving->address, err) ||
        !command_counters_refresh(platform, err) || !notices_prepare(platform->notices, err) ||
        !http_start(platform, &serving->address, &jobs.http, &port, err))
        return false;
    bool living = platform->demo && !serving->still;
    if (serving->sandboxed)
        prints_prepare();
    if ((living && !sim_life_open(platform, &jobs.life, err)) ||
        !door_open(platform, &door, err) ||
        (serving->sandboxed && !sandbox_enter(sandbox_needs(platform), err))) {
        sim_life_close(jobs.life);
        http_stop(jobs.http, 1);
        http_free(jobs.http);
        if (door)
            door_close(door);
        return false;
    }
    pthread_mutex_init(&jobs.lock, NULL);
    pthread_cond_init(&jobs.changed, NULL);
    REQUIRE(pthread_create(&jobs.thread, NULL, jobs_main, &jobs) == 0);
    REQUIRE(pthread_create(&loops, NULL, loops_main, platform) == 0);
    REQUIRE(pthread_create(&notices, NULL, notices_main, platform->notices) == 0);
    keeping_start(platform->keeping);
    alerts_start(platform->alerts);
    if (serving->address.tls)
        log_write(LOG_INFO, "server",
                  "TLS with a certificate of its own making (trial-certificate.pem): for trials on"
                  " a phone, not for production, where nginx has the city's");
    say_listening(context->out, &serving->address, port);
    sigwait(signals, &signal_no);
    stop_in_time();
    log_write(LOG_INFO, "server", "stopping on signal %d", signal_no);
    http_stop(jobs.http, HTTP_STOP_SECONDS);
    pthread_mutex_lock(&jobs.lock);
    jobs.stopping = true;
    pthread_cond_broadcast(&jobs.changed);
    pthread_mutex_unlock(&jobs.lock);
    pthread_join(jobs.thread, NULL);
    loops_stop(platform->loops);
    pthread_join(loops, NULL);
    notices_stop(platform->notices);
    pthread_join(notices, NULL);
    keeping_stop(platform->keeping);
    alerts_stop(platform->alerts);
    sim_life_close(jobs.life);
    http_free(jobs.http); /* the jobs woke its streams until now */
    door_close(door);
    return true;
}

static const char usage[] =
    "[--listen HOST:PORT|unix:PATH] [--proxy ADDRESS] [--tls] [--sandbox] [--still]";

static bool parse_arguments(int argc, char **argv, struct serving *serving, struct error *err)
{
    const char *listen_text, *proxy;
    serving->still = command_flag(&argc, argv, "--still");
    serving->sandboxed = command_flag(&argc, argv, "--sandbox");
    bool tls = command_flag(&argc, argv, "--tls");
    if (!command_option(&argc, argv, "--listen", &listen_text, err) ||
        !command_option(&argc, argv, "--proxy", &proxy, err) ||
        !http_address_parse(listen_text ? listen_text : "127.0.0.1:8021", &serving->address, err))
        return false;
    if (argc)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = argv[0]}, usage,
                         "unknown argument");
    serving->address.has_proxy = proxy != NULL;
    serving->address.tls = tls;
    if (tls && (proxy || serving->address.unix_path[0]))
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--tls"},
                         "HOST:PORT without a proxy: in production the proxy has the certificate",
                         "there is a proxy in front");
    return !proxy || network_of_text(slice_of(proxy), serving->address.proxy) ||
           error_set(err, ERROR_USAGE, (struct error_place){.field = "--proxy"},
                     "the address that the proxy connects from", "'%s' is not an address", proxy);
}

static int run_serve(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct serving serving = {.still = false};
    struct platform *platform;
    if (!parse_arguments(argc, argv, &serving, err))
        return command_fail(err);
    sandbox_prepare();
    sigset_t signals; /* blocked before the first thread starts: only sigwait takes them */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (!platform_open(context->platform->directory, PLATFORM_SERVING, &platform, err))
        return command_fail(err);
    bool done = serve(context, platform, &serving, &signals, err);
    platform_close(platform);
    return done ? EXIT_DONE : command_fail(err);
}

const struct command server_commands[SERVER_COMMANDS] = {
    {.name = "serve",
     .usage = usage,
     .words = "serves pages, API and commands on this data directory",
     .needs_data = false,
     .run = run_serve},
    [COMMAND_ROUTES] = {.name = "routes",
                        .usage = "",
                        .words = "every route: who may ask, what it touches, whether it needs a"
                                 " purpose",
                        .run = run_routes},
};

const struct module server_module = {
    .name = "server",
    .routes = builtin_routes,
    .route_count = BUILTIN_ROUTES,
    .commands = server_commands,
    .command_count = SERVER_COMMANDS,
    .statements = (const struct sql_list *const[]){&idempotency_statements, NULL},
};
