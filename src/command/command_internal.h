/* Inside the command room only. */
#ifndef CHENGMAI_COMMAND_INTERNAL_H
#define CHENGMAI_COMMAND_INTERNAL_H

#include "command/command.h"
#include "policy/policy.h"
#include "registry/registry.h"

/* The situation shows so many local days, today last. */
enum { SITUATION_DAYS = 14, SLOT_NOW = SITUATION_DAYS, SLOTS };
/* Counters are kept for so many local days, today last: R(t) begins before what is shown. */
enum { KEPT_DAYS = 28 };

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
    X(COUNTER_CASES_BY_SAMPLING, "cases_by_sampling")                                              \
    X(COUNTER_LOOPS_OPENED, "loops_opened") /* by day; its mark: the first day known */            \
    X(COUNTER_LOOPS_CLOSED, "loops_closed")                                                        \
    X(COUNTER_LOOPS_OVERDUE, "loops_overdue") /* that became so on that day */                     \
    X(COUNTER_STATUS_GREEN, "status_green")   /* area 0 only */                                    \
    X(COUNTER_STATUS_YELLOW, "status_yellow")                                                      \
    X(COUNTER_STATUS_RED, "status_red")
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
enum counter_act { COUNTER_CLEAR, COUNTER_CLEAR_FROM, COUNTER_SET, COUNTER_ADD };
struct counter_change {
    enum counter_act
        act; /* CLEAR: all areas of (day, counter); CLEAR_FROM: of that day and later */
    struct counter_row row;
};
struct counter_changes {
    struct counter_change *changes; /* malloc */
    size_t count, capacity;
};
void counter_change_add(struct counter_changes *changes, enum counter_act act,
                        struct counter_row row);
/* Until when what was is kept. */
struct counter_keeping {
    timestamp now;
    int32_t counters_from; /* days before are forgotten */
    timestamp snapshots_from;
};
/* Before anything changes, a full hour that has passed is kept (past_keep). */
bool counter_apply(struct store *store, const struct counter_changes *changes,
                   const struct counter_keeping *keeping, struct error *err) MUST_USE;
/* Inside a job: adds to a counter. */
bool counter_count_one(struct sql *sql, const struct counter_row *row, struct error *err) MUST_USE;
/* Inside a job: the mark of now becomes unknown. */
bool counter_forget_mark(struct sql *sql, enum counter counter, struct error *err) MUST_USE;

/* ---- What is counted by (counted.c) */

/* The city and all areas below it. */
struct counted_areas {
    int64_t *numbers; /* ascending: the city is the first; in the arena */
    size_t count;
};
void counted_areas_gather(struct registry *registry, int64_t city_no, struct arena *arena,
                          struct counted_areas *ret_areas);
/* Index of an area; of the city where it is none of the list but within; −1 outside the city. */
int32_t counted_area_index(const struct counted_areas *areas, int64_t area_no);

struct venue_areas {
    int32_t *area;  /* index into the areas by venue number, −1 none; malloc */
    uint32_t limit; /* numbers below it */
    int64_t *open;  /* by area: venues that are not closed; in the arena */
    int64_t last;   /* the highest number */
};
/* To be released also where it fails. */
bool venue_areas_read(struct sql *sql, const struct counted_areas *areas, struct arena *arena,
                      struct venue_areas *ret_venues, struct error *err) MUST_USE;
void venue_areas_release(struct venue_areas *venues);

/* ---- What was known at full hours (past.c) */

/* A moment as the number of its full hour since 1970. */
static inline int64_t past_hour_of(timestamp time)
{
    return time / HOUR;
}
/* Inside a job, before the counters change: where a full hour has passed since they last changed,
 * they are kept as what was known at it. Forgets snapshots that are too old. */
bool past_keep(struct sql *sql, const struct counter_keeping *keeping, struct error *err) MUST_USE;
/* Inside a job: keeps what was known at a full hour. `rows`: all counters of now (day 0) and of the
 * days [first, last]; in any order, which changes. */
bool past_write(struct sql *sql, int64_t hour, int32_t first, int32_t last,
                struct counter_row *rows, size_t count, struct error *err) MUST_USE;
/* The latest hour kept at or before `hour`; −1 where there is none. */
bool past_find(struct sql *sql, int64_t hour, int64_t *ret_hour, struct error *err) MUST_USE;
/* The counters of now and of days [first, last] as they were known at an hour that is kept. Marks
 * have area 0. Of other rows `true_for` is 0. */
bool past_read(struct sql *sql, int64_t hour, int32_t first, int32_t last,
               void (*take)(void *context, const struct counter_row *row), void *context,
               struct error *err) MUST_USE;
/* The hours kept from `first` to `last`. */
bool past_hours(struct sql *sql, int64_t first, int64_t last,
                void (*take)(void *context, int64_t hour), void *context,
                struct error *err) MUST_USE;

/* ---- What is too small to be told (small.c) */

/* Tests by day kept, then persons. The city has districts, these towns, and so on. */
enum { SMALL_PERSONS = KEPT_DAYS, SMALL_COLUMNS, SMALL_LEVELS = 4 };
struct small_level {
    const struct area *parent;
    const struct area **areas;        /* directly below it */
    size_t count, own;                /* own: the one that is asked for, or holds it */
    int64_t (*values)[SMALL_COLUMNS]; /* by area; [count] is what the parent has outside of them */
};
struct small_counts {
    const struct area *city;
    int64_t whole[SMALL_COLUMNS]; /* of the city */
    struct small_level levels[SMALL_LEVELS];
    size_t level_count;
};
/* Of an area of the city; lives in the arena. */
void small_begin(struct small_counts *small, struct registry *registry, const struct area *city,
                 const struct area *area, struct arena *arena);
void small_take(struct small_counts *small, int64_t area_no, size_t column, int64_t value);
/* What of the area is not to be told. */
void small_hide(const struct small_counts *small, int64_t below, struct arena *arena,
                bool hidden[SMALL_COLUMNS]);

/* ---- R(t) (reproduction.c) */

struct reproduction {
    double mean, low, high; /* low, high: 95 %; NAN where there is no estimate */
};
/* Of a series of daily cases, each day complete. ERROR_* of the estimator. */
bool reproduction_estimate(const struct policy *policy, const int64_t *cases, size_t days,
                           struct reproduction *ret_estimates, struct error *err) MUST_USE;

enum { COMMAND_ROUTES = 2 };
enum { COMMAND_COMMANDS = 1 };
extern const struct command command_commands[COMMAND_COMMANDS];
extern const struct route command_routes[COMMAND_ROUTES];
extern const struct sql_text counter_select, counter_clear, counter_clear_from, counter_set,
    counter_add, counter_prune;
extern const struct sql_list past_statements;
extern const struct sql_text refresh_cases, refresh_evidence, refresh_venues, refresh_persons,
    refresh_person_last;

/* An area of `code` (empty: the actor's own, where that holds more than the city, the city).
 * ERROR_BAD_VALUE where unknown, ERROR_FORBIDDEN where it is not within the actor's. */
bool situation_area(struct platform *platform, const struct actor *actor, struct slice code,
                    const struct area **ret_area, struct error *err) MUST_USE;
struct situation_question {
    const struct area *area;
    bool hides;         /* without small counts of persons */
    bool counters_only; /* else the whole answer */
    timestamp as_of;    /* as it was known then, at the full hour before; TIMESTAMP_NONE: now */
};
bool situation_write(struct platform *platform, const struct situation_question *question,
                     struct buffer *out, struct error *err) MUST_USE;

/* ---- Cases of the last days that are not reported yet (nowcast.c) */

struct nowcast_question {
    const struct policy *policy;
    const struct area *area;
    int32_t today;
    timestamp known_at;   /* reports later than it are not known */
    const int64_t *shown; /* by day kept: cases that are shown; a day with others gets none */
    bool is_past;         /* then one day with others is enough for none at all */
};
/* By day kept: median and 95 % interval of the cases of that day of onset or sampling; NAN where
 * there is no estimate. ERROR_* of the store. */
bool nowcast_estimate(struct sql *sql, const struct nowcast_question *question,
                      struct reproduction ret_estimates[KEPT_DAYS], struct error *err) MUST_USE;
extern const struct sql_text nowcast_reports;

#endif
