/* Inside the command room only. */
#ifndef CHENGMAI_COMMAND_INTERNAL_H
#define CHENGMAI_COMMAND_INTERNAL_H

#include "command/command.h"
#include "registry/registry.h"

/* The situation shows so many local days, today last. */
enum { SITUATION_DAYS = 14, SLOT_NOW = SITUATION_DAYS, SLOTS };

/* Stored counters: by day (slot 0 … 13), or of now (SLOT_NOW, day 0 in the table). */
#define COUNTER_TABLE(X)                                                                           \
    X(COUNTER_PERSONS, "persons")                                                                  \
    X(COUNTER_VENUES, "venues")                                                                    \
    X(COUNTER_VENUES_IN_USE, "venues_in_use_24h")                                                  \
    X(COUNTER_SCANS_24H, "scans_24h")                                                              \
    X(COUNTER_SCANS, "scans")               /* by day; doubles once */                             \
    X(COUNTER_SCANS_STORED, "scans_stored") /* area 0 only: what the day store says */             \
    X(COUNTER_TESTS, "tests")               /* by sampling day */                                  \
    X(COUNTER_TESTS_READ, "tests_read")     /* area 0 only: evidence read up to there */           \
    X(COUNTER_CASES_BY_REPORT, "cases_by_report")                                                  \
    X(COUNTER_CASES_BY_SAMPLING, "cases_by_sampling")
enum counter {
#define X(id, name) id,
    COUNTER_TABLE(X)
#undef X
        COUNTER_COUNT
};
const char *counter_name(enum counter counter);
int counter_of(struct slice name); /* -1 where there is none */

/* A counter of area 0 in the same slot: known from `true_for` on. */
struct counter_mark {
    bool known;
    int64_t value;
    timestamp true_for;
};
bool counter_mark_read(struct sql *sql, int32_t day, enum counter counter,
                       struct counter_mark *ret_mark, struct error *err) MUST_USE;

struct counter_row {
    int64_t area_no;
    int32_t day; /* 0: now */
    enum counter counter;
    int64_t value;
    timestamp true_for;
};
/* Counters of days [first, last] and areas [area_first, area_last]. */
bool counter_read(struct sql *sql, int32_t first, int32_t last, int64_t area_first,
                  int64_t area_last, void (*take)(void *context, const struct counter_row *row),
                  void *context, struct error *err) MUST_USE;

/* What a refresh writes, applied in order in one job. */
enum counter_act { COUNTER_CLEAR, COUNTER_SET, COUNTER_ADD };
struct counter_change {
    enum counter_act act; /* CLEAR: all areas of (day, counter) */
    struct counter_row row;
};
struct counter_changes {
    struct counter_change *changes; /* malloc */
    size_t count, capacity;
};
void counter_change_add(struct counter_changes *changes, enum counter_act act,
                        struct counter_row row);
/* Also forgets counters of days before `keep_from`. */
bool counter_apply(struct store *store, const struct counter_changes *changes, int32_t keep_from,
                   struct error *err) MUST_USE;
/* Inside a job: the mark of now becomes unknown. */
bool counter_forget_mark(struct sql *sql, enum counter counter, struct error *err) MUST_USE;

enum { COMMAND_ROUTES = 1 };
enum { COMMAND_COMMANDS = 1 };
extern const struct command command_commands[COMMAND_COMMANDS];
extern const struct route command_routes[COMMAND_ROUTES];
extern const struct sql_text counter_select, counter_clear, counter_set, counter_add, counter_prune;
extern const struct sql_text refresh_cases, refresh_evidence, refresh_venues, refresh_persons,
    refresh_person_last;

/* An area of `code` (empty: the actor's own, where that holds more than the city, the city).
 * ERROR_BAD_VALUE where unknown, ERROR_FORBIDDEN where it is not within the actor's. */
bool situation_area(struct platform *platform, const struct actor *actor, struct slice code,
                    const struct area **ret_area, struct error *err) MUST_USE;
/* The whole answer, or the counters alone. `hides`: without small counts of persons. */
bool situation_write(struct platform *platform, const struct area *area, bool hides,
                     bool counters_only, struct buffer *out, struct error *err) MUST_USE;

#endif
