/* bench start: seconds from exec to `listening` with a city, and the anonymous memory of the
 * server.
 *
 * There is no peer: what must hold for the full city of 5 278 121 people (5 s, 1.5 GB) stands in
 * its place. Anonymous memory: RssAnon of the serving process after it answered /readyz;
 * file-backed pages are not counted. With --city the city is one that stands already. The first
 * start follows the making of the city, so that the page cache is warm. */
#include "bench/benches.h"

#include <signal.h>
#include <unistd.h>

static const double start_seconds_max = 5, memory_gigabytes_max = 1.5;

static bool anonymous_bytes(pid_t pid, double *ret_bytes, struct error *err)
{
    char path[64], line[256];
    unsigned long long kilobytes;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    if (!status)
        return error_set_errno(err, path, "open");
    bool found = false;
    while (!found && fgets(line, sizeof line, status))
        found = sscanf(line, "RssAnon: %llu kB", &kilobytes) == 1;
    fclose(status);
    *ret_bytes = found ? (double)kilobytes * 1024 : 0;
    return found || error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = path},
                              "a line RssAnon", "there is none");
}

static bool serve_once(const char *directory, double *ret_seconds, double *ret_bytes,
                       struct error *err)
{
    enum { SETTLE_SECONDS = 2 };
    char own[PEER_PATH_BYTES], answer[PEER_ANSWER_BYTES];
    const char *const arguments[] = {"--data",  directory,     "serve", "--still",
                                     "--listen", "127.0.0.1:0", NULL};
    struct peer server = {0};
    if (!peer_own_path(own, err))
        return false;
    double begun = world_elapsed_seconds();
    if (!peer_start("serve", own, arguments, &server, err))
        return false;
    bool done = peer_ask(&server, NULL, answer, err);
    *ret_seconds = world_elapsed_seconds() - begun;
    if (done && strncmp(answer, "listening ", strlen("listening ")) != 0)
        done = error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "serve"},
                         "listening …", "'%s'", answer);
    if (done) {
        sleep(SETTLE_SECONDS); /* what it does after listening shows in its memory */
        done = anonymous_bytes(server.pid, ret_bytes, err);
    }
    kill(server.pid, SIGTERM);
    return peer_finish(&server) && done;
}

static bool run_starts(struct workshop *workshop, const char *directory, struct measure *start,
                       struct measure *memory, struct error *err)
{
    for (int64_t k = 0; k < workshop->pairs; k++) {
        double seconds, bytes;
        if (!serve_once(directory, &seconds, &bytes, err))
            return false;
        workshop_say(workshop, "listening after %.3f s, %.0f MB anonymous", seconds, bytes * 1e-6);
        measure_add(start, seconds, start_seconds_max);
        measure_add(memory, bytes * 1e-9, memory_gigabytes_max);
    }
    return true;
}

int bench_start(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct workshop workshop = {.people = 500000, .days = 14, .pairs = 5};
    char made[WORKSHOP_PATH_BYTES], people[24];
    const char *directory;
    if (!command_option(&argc, argv, "--city", &directory, err))
        return command_fail(err);
    if (!workshop_open(&workshop, context, &bench_commands[4], argc, argv, err))
        return workshop_close(&workshop, "start", false, err);
    struct measure *start = figures_add(&workshop.figures, "start", "s", true);
    struct measure *memory = figures_add(&workshop.figures, "start.memory", "GB", true);
    start->peer_is_limit = memory->peer_is_limit = true;
    bool done = true;
    if (!directory) {
        workshop_path(&workshop, "city", made);
        directory = made;
        snprintf(people, sizeof people, "%lld", (long long)workshop.people);
        const char *const arguments[] = {"--data", made, "init", "--demo", "--people", people,
                                         NULL};
        double begun = world_elapsed_seconds();
        done = workshop_run_self(arguments, err);
        if (done)
            workshop_say(&workshop, "a demo city of %s people, made in %.1f s", people,
                         world_elapsed_seconds() - begun);
    }
    done = done && run_starts(&workshop, directory, start, memory, err);
    return workshop_close(&workshop, "start", done, err);
}
