/* Where a benchmark works: its options, its folder, its own empty data directory. */
#ifndef CHENGMAI_BENCH_WORKSHOP_H
#define CHENGMAI_BENCH_WORKSHOP_H

#include "bench/figures.h"
#include "bench/peer.h"
#include "bench/traffic.h"
#include "module/module.h"
#include "policy/policy.h"

enum { WORKSHOP_PATH_BYTES = 256 };

struct workshop {
    struct command_context *context;
    char folder[WORKSHOP_PATH_BYTES]; /* made for this run, removed at its end */
    int64_t people, days, events, peer_events, pairs, queries;
    bool alone;                       /* --alone: ours only */
    struct figures figures;
    int absent;                       /* peers that are not installed */
};

/* Defaults in `workshop` are set by the caller; takes the options out of argv and makes the
 * folder. 0 events: all of the days. */
bool workshop_open(struct workshop *workshop, struct command_context *context,
                   const struct command *command, int argc, char **argv,
                   struct error *err) MUST_USE;
/* Prints the figures where `done`, removes the folder; the exit code. */
int workshop_close(struct workshop *workshop, const char *bench, bool done, struct error *err);
/* FOLDER/NAME into `out`. */
void workshop_path(const struct workshop *workshop, const char *name,
                   char out[WORKSHOP_PATH_BYTES]);
/* Path of an installed peer, or a word of how to get it and false; not asked with --alone. */
bool workshop_peer(struct workshop *workshop, const char *name, char ret_path[PEER_PATH_BYTES]);
/* Runs this program with `arguments` to its end; its output is dropped. */
bool workshop_run_self(const char *const *arguments, struct error *err) MUST_USE;
/* One line for people. */
void workshop_say(const struct workshop *workshop, const char *format, ...) PRINTF_LIKE(2, 3);

/* The events file, mapped and in memory. */
struct event_file {
    char path[WORKSHOP_PATH_BYTES];
    const struct presence_event *events;
    size_t count;
};
bool event_file_make(struct workshop *workshop, const struct traffic *traffic, uint64_t count,
                     struct event_file *ret_file, struct error *err) MUST_USE;
void event_file_close(struct event_file *file); /* accepts a zeroed one */

/* A data directory of its own, with as many rooms open as benchmarks need. */
struct bench_city {
    char directory[WORKSHOP_PATH_BYTES];
    struct world world;
    struct platform platform; /* world, store, policy, presence */
};
bool bench_city_make(struct workshop *workshop, const char *name, struct bench_city *ret_city,
                     struct error *err) MUST_USE;
void bench_city_remove(struct bench_city *city); /* accepts a zeroed one */
/* Bytes of all files below DIRECTORY/NAME. */
bool folder_bytes(const char *directory, const char *name, int64_t *ret_bytes,
                  struct error *err) MUST_USE;

#endif
