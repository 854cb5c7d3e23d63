/* bench scans: the load tool and the peer are programs of others (wrk, nginx), so that the whole
 * benchmark is a script, bench/peers/scans.sh, that bench/setup puts beside the other peers. It is
 * given this binary and a folder, and answers with one line a pair. */
#include "bench/benches.h"

int bench_scans(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct workshop workshop = {.people = 50000, .days = 14, .pairs = 5};
    struct peer peer = {0};
    char path[PEER_PATH_BYTES], own[PEER_PATH_BYTES], people[24], pairs[24];
    char answer[PEER_ANSWER_BYTES];
    if (!workshop_open(&workshop, context, &bench_commands[3], argc, argv, err))
        return workshop_close(&workshop, "scans", false, err);
    struct measure *scans = figures_add(&workshop.figures, "scans", "requests/s", false);
    bool done = true;
    if (workshop_peer(&workshop, "scans", path)) {
        snprintf(people, sizeof people, "%lld", (long long)workshop.people);
        snprintf(pairs, sizeof pairs, "%lld", (long long)workshop.pairs);
        const char *const arguments[] = {own, workshop.folder, people, pairs, NULL};
        done = peer_own_path(own, err) && peer_start("scans", path, arguments, &peer, err);
        for (int64_t k = 0; done && k < workshop.pairs; k++) {
            double ours, nginx, refused;
            done = peer_ask(&peer, NULL, answer, err);
            if (!done)
                break;
            done = (peer_value(answer, "ours", &ours) && peer_value(answer, "peer", &nginx) &&
                    peer_value(answer, "refused", &refused) && ours > 0 && nginx > 0 &&
                    refused < 1) ||
                   error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "scans"},
                             "ours=… peer=… refused=0", "'%s'", answer);
            workshop_say(&workshop, "%s", answer);
            if (done)
                measure_add(scans, ours, nginx);
        }
        done = peer_finish(&peer) && done;
    }
    return workshop_close(&workshop, "scans", done, err);
}
