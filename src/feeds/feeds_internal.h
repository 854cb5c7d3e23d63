/* Inside the feeds room only. */
#ifndef CHENGMAI_FEEDS_INTERNAL_H
#define CHENGMAI_FEEDS_INTERNAL_H

#include <pthread.h>

#include "feeds/feeds.h"
#include "registry/registry.h"

/* ---- policies/feeds.yaml (settings.c) */

#define FEED_NUMBER_TABLE(X)                                                                       \
    X(NUMBER_DAYS_AGAIN, "days_again", 0, 14)                                                      \
    X(NUMBER_DAYS_BACK, "days_back", 1, 60)                                                        \
    X(NUMBER_SILENT_BEFORE, "silent_days_before", 1, 14)                                           \
    X(NUMBER_SILENT_TOGETHER, "silent_together_percent", 1, 101)                                   \
    X(NUMBER_SILENT_TOGETHER_LEAST, "silent_together_venues", 2, 100000)                           \
    X(NUMBER_GRACE_HOURS, "overdue_grace_hours", 0, 240)                                           \
    X(NUMBER_CHECKPOINT_HOURS, "checkpoint_hours", 1, 336)                                         \
    X(NUMBER_CLUSTER_DAYS, "cluster_days", 1, 28)                                                  \
    X(NUMBER_CLUSTER_LATENT, "cluster_latent_hours", 0, 240)                                       \
    X(NUMBER_CLUSTER_LEAST, "cluster_positives_least", 2, 1000)                                    \
    X(NUMBER_CLUSTER_FALSE, "cluster_false_percent", 1, 50)                                        \
    X(NUMBER_CLUSTER_SHARED, "cluster_shared_percent", 1, 100)                                     \
    X(NUMBER_CLUSTER_CATEGORY, "cluster_category_venues", 1, 100000)                               \
    X(NUMBER_CLUSTER_SAMPLED, "cluster_sampled_persons", 1000, 10000000)                           \
    X(NUMBER_CLUSTER_KEEP, "cluster_keep_days", 1, 3660)
enum feed_number {
#define X(id, name, low, high) id,
    FEED_NUMBER_TABLE(X)
#undef X
        FEED_NUMBERS
};
enum { CATEGORIES_MAX = 256 };
struct feed_settings {
    int64_t number[FEED_NUMBERS];
    bool checkpoint[CATEGORIES_MAX];    /* by policy_category */
    bool left_out[CATEGORIES_MAX];      /* of clusters */
    int64_t test_hours[CATEGORIES_MAX]; /* how often the staff must test; 0: need not */
};
/* ERROR_BAD_VALUE names the field. */
bool feed_settings_read(json_t *document, const struct policy *policy,
                        struct feed_settings *ret_settings, struct error *err) MUST_USE;

struct feeds {
    struct platform *platform;
    struct feed_settings settings;
    pthread_mutex_t acting; /* one run at a time */
};

/* ---- Places (places.c): the city's areas and venues, read once a run */

struct venue_place {
    int32_t area; /* index into areas; −1: no such venue, or outside the city */
    uint8_t category;
    bool open;
};
struct places {
    const struct policy *policy;
    size_t area_count;
    int64_t *areas;       /* the city and all below it, ascending */
    uint32_t venue_limit; /* numbers are below it */
    struct venue_place *venues;
};
bool places_read(struct platform *platform, struct sql *sql, struct places *ret_places,
                 struct error *err) MUST_USE;
void places_release(struct places *places); /* accepts a zeroed one */
/* Index of an area; of the city where it is unknown or above. */
size_t places_area(const struct places *places, int64_t area_no);
/* Index of the town that an area is or lies in. */
size_t places_town(const struct places *places, int64_t area_no);
/* NULL where there is no such venue in the city. */
const struct venue_place *places_venue(const struct places *places, uint32_t venue);

/* ---- Positives (positives.c) */

/* A person who was found positive: t0 (the onset, or the first positive sampling), and when it was
 * first recorded. */
struct positive {
    uint32_t person;
    timestamp at, recorded_at;
    uint64_t household; /* the same for who lives together, never 0 */
};
/* Cases, and positive single tests that nobody annulled, recorded in [first, last): one a person,
 * the earliest of each time, by person. The caller frees. */
bool positives_read(const struct places *places, struct sql *sql, timestamp first, timestamp last,
                    struct positive **ret_positives, size_t *ret_count, struct error *err) MUST_USE;

/* ---- Counts of one day, by area */

struct tally {
    bool known;
    int64_t count, total; /* total: −1 where the channel is no share */
};
struct feed_run {
    struct feeds *feeds;
    struct sql *sql;
    struct presence_view *view;
    struct places places;
    struct day_scans *scans; /* silent.c: scans by venue, of days read before */
    size_t scans_count;
};
/* Each fills tallies[area_count], which come zeroed; an area of which nothing is known stays
 * unknown. */
typedef bool feed_count(struct feed_run *run, int32_t day, struct tally *tallies,
                        struct error *err);
feed_count silent_count, overdue_count, abnormal_count, checkpoint_count;
/* Scans of a day by venue number, below places.venue_limit; NULL: the city has no check-in of that
 * day. The run's. */
bool silent_scans(struct feed_run *run, int32_t day, const uint16_t **ret_scans,
                  struct error *err) MUST_USE;
/* The same of the day that it is compared with. */
bool silent_scans_before(struct feed_run *run, int32_t day, const uint16_t **ret_scans,
                         struct error *err) MUST_USE;
void silent_release(struct feed_run *run);
/* Tells of the venues that fell silent on the day, each once (silence.c); a day before the newest
 * one that was told tells nothing. */
bool silence_tell(struct feed_run *run, int32_t day, struct error *err) MUST_USE;

/* ---- Venue clusters (traffic.c, clusters.c, found.c) */

/* Days of visits [first, last], and from where on they may have led to a positive. */
struct cluster_window {
    int32_t first, last;
    int64_t from, to; /* unix seconds, [from, to) */
};
/* What people do whoever becomes positive: where they live, and how many distinct (person, venue)
 * pairs there are by category and by town of home, from the visits of sampled persons. */
enum { POOLED = CATEGORIES_MAX, CATEGORY_SLOTS }; /* categories that cannot stand alone */
struct traffic {
    struct cluster_window window;
    int32_t days; /* of the window with check-ins */
    uint32_t person_limit;
    uint16_t *homes; /* town by person; UINT16_MAX: no such person */
    int64_t persons, sampled;
    double pairs;                       /* in the city */
    double of_category[CATEGORY_SLOTS]; /* at least: two standard errors below the estimate */
    double *of_town;                    /* likewise */
    uint16_t slot[CATEGORIES_MAX];      /* the category itself, or POOLED */
};
bool traffic_read(const struct feed_settings *settings, const struct places *places,
                  struct sql *sql, struct presence_view *view, int32_t last, int64_t days,
                  uint64_t seed, struct traffic *ret_traffic, struct error *err) MUST_USE;
void traffic_release(struct traffic *traffic); /* accepts a zeroed one */

struct cluster {
    uint32_t venue, with; /* with: see venue_cluster.with_venue */
    size_t area;          /* index */
    double visitors, later_positive, expected, p, q, p_bonferroni;
    bool named; /* remains after the correction */
};
struct clusters {
    size_t count, named; /* tested, the least p first; named come first */
    const struct cluster *items;
    int64_t positives, venues; /* persons; venues that count among the tests */
};
/* Compares the positives' visits with the traffic; what is assumed: docs/detection.md. Into the
 * arena. */
bool clusters_find(const struct feed_settings *settings, const struct places *places,
                   const struct traffic *traffic, struct presence_view *view,
                   const struct positive *positives, size_t positive_count, struct arena *arena,
                   struct clusters *ret_clusters, struct error *err) MUST_USE;
/* The whole way, as of the end of a day; *ret_traffic is the caller's to release. */
bool clusters_of_day(struct feeds *feeds, const struct places *places, struct sql *sql,
                     struct presence_view *view, int32_t last, int64_t days, struct arena *arena,
                     struct traffic *ret_traffic, struct clusters *ret_clusters,
                     struct error *err) MUST_USE;

/* Finds and keeps those of one day, once (found.c); *ret_written points. */
bool clusters_keep(struct feed_run *run, int32_t day, int64_t *ret_written,
                   struct error *err) MUST_USE;
bool clusters_handle(const struct request *request, struct response *response, struct error *err);

enum { FEED_ROUTES = 1, FEED_COMMANDS = 1, FEEDS_ARENA_BYTES_MAX = 1 << 30 };
extern const struct route feed_routes[FEED_ROUTES];
extern const struct command feed_commands[FEED_COMMANDS];
extern const struct sql_list place_statements, positive_statements, traffic_statements,
    found_statements, overdue_statements, abnormal_statements, night_statements,
    silence_statements;
extern const char feed_source[]; /* of the points */
/* Inside a job: how far a count has come; INT32_MIN where it has not begun. */
bool feed_state_read(struct sql *sql, const char *feed, int32_t *ret_last,
                     struct error *err) MUST_USE;
bool feed_state_set(struct sql *sql, const char *feed, int32_t last, struct error *err) MUST_USE;

#endif
