/* What the demo city's people are and do, as data: policies/demo_city.yaml (the data directory's
 * own file comes first). Inside the sim room. */
#ifndef CHENGMAI_SIM_SETTINGS_H
#define CHENGMAI_SIM_SETTINGS_H

#include "policy/policy.h"

/* id, name, unit, least, greatest */
#define DEMO_NUMBER_TABLE(X)                                                                       \
    X(PERSONS_A_HOUSEHOLD, "persons_a_household", "persons", 1, 6)                                 \
    X(MALE_PERCENT, "male_percent", "percent", 0, 100)                                             \
    X(PERSONS_A_VENUE, "persons_a_venue", "persons", 4, 1000)                                      \
    X(POPULARITY_EXPONENT, "popularity_exponent", "power", 1, 6)                                   \
    X(ELSEWHERE_PERCENT, "elsewhere_percent", "percent", 0, 100)                                   \
    X(PLACE_RADIUS_KM, "place_radius_km", "km", 0, 50)                                             \
    X(SERVICE_PERCENT, "service_percent", "percent", 0, 100)                                       \
    X(STAFF_PERCENT, "staff_percent", "percent", 0, 100)                                           \
    X(STAYS_A_1000_PERSONS, "stays_a_1000_persons", "persons", 0, 1000)                            \
    X(MATTERS_A_SCENE, "matters_a_scene", "loops", 0, 1000)                                        \
    X(MATTER_SECONDS, "matter_seconds", "seconds", 1, 86400)                                       \
    X(TRUCKS_A_1000_PERSONS, "trucks_a_1000_persons", "vehicles", 0, 50)                           \
    X(OUT_PERCENT, "out_percent", "percent", 0, 100)                                               \
    X(ATTEND_PERCENT, "attend_percent", "percent", 0, 100)                                         \
    X(ATTEND_RESTDAY_PERCENT, "attend_restday_percent", "percent", 0, 100)                         \
    X(GATE_PERCENT, "gate_percent", "percent", 0, 100)                                             \
    X(GATE_LEVEL, "gate_level", "level", 0, 4)                                                     \
    X(PAPER_CODE_AGE, "paper_code_age", "years", 0, 120)                                           \
    X(TEST_EVERY_DAYS, "test_every_days", "days", 1, 14)                                           \
    X(TUBE_PERSONS, "tube_persons", "persons", 1, 20)                                              \
    X(UNTESTED_PERCENT, "untested_percent", "percent", 0, 100)                                     \
    X(TEST_OPENS_HOUR, "test_opens_hour", "hour", 0, 12)                                           \
    X(TEST_WINDOW_HOURS, "test_window_hours", "hours", 1, 11)                                      \
    X(POOLED_RESULT_HOURS, "pooled_result_hours", "hours", 1, 24)                                  \
    X(RETEST_AFTER_HOURS, "retest_after_hours", "hours", 0, 24)                                    \
    X(SINGLE_RESULT_HOURS, "single_result_hours", "hours", 1, 24)                                  \
    X(CASE_RECORDED_HOURS, "case_recorded_hours", "hours", 0, 24)                                  \
    X(CONTACTS_KNOWN_HOURS, "contacts_known_hours", "hours", 0, 24)                                \
    X(SEED_DAYS_BEFORE, "seed_days_before", "days", 1, 13)                                         \
    X(SEED_PERSONS, "seed_persons", "persons", 1, 100)                                             \
    X(LATENT_HOURS_MIN, "latent_hours_min", "hours", 24, 240)                                      \
    X(LATENT_HOURS_MAX, "latent_hours_max", "hours", 24, 240)                                      \
    X(DETECTABLE_AFTER_HOURS, "detectable_after_hours", "hours", 0, 96)                            \
    X(INFECTIOUS_DAYS, "infectious_days", "days", 1, 30)                                           \
    X(SYMPTOMATIC_PERCENT, "symptomatic_percent", "percent", 0, 100)                               \
    X(ONSET_AFTER_HOURS, "onset_after_hours", "hours", 0, 240)                                     \
    X(CLINIC_AFTER_HOURS, "clinic_after_hours", "hours", 0, 240)                                   \
    X(FIRST_FOUND_DAYS, "first_found_days", "days", 2, 13)                                         \
    X(CLOSE_MEETINGS_A_DAY, "close_meetings_a_day", "persons", 1, 100)                             \
    X(MEETING_RISK_PERCENT, "meeting_risk_percent", "percent", 0, 100)                             \
    X(HOUSEHOLD_RISK_PERCENT, "household_risk_percent", "percent", 0, 100)                         \
    X(INFECTIONS_MAX, "infections_max", "persons", 1, 100000)                                      \
    X(CONTACT_WEIGHT_MIN, "contact_weight_min", "probability", 0, 1)                               \
    X(CONTACTS_A_CASE_MAX, "contacts_a_case_max", "persons", 0, 1000)                              \
    X(CLOSE_ISOLATION_DAYS, "close_isolation_days", "days", 1, 60)                                 \
    X(SECONDARY_ISOLATION_DAYS, "secondary_isolation_days", "days", 1, 60)                         \
    X(SECONDARY_A_CASE_MAX, "secondary_a_case_max", "persons", 0, 1000)                            \
    X(SERIES_DAYS, "series_days", "days", 1, 400)                                                  \
    X(SERIES_REPORTED_HOUR, "series_reported_hour", "hour", 0, 12)
enum demo_number {
#define X(id, name, unit, low, high) id,
    DEMO_NUMBER_TABLE(X)
#undef X
        DEMO_NUMBER_COUNT
};

/* What people go out for; every need has its kinds of places. */
#define NEED_TABLE(X)                                                                              \
    X(NEED_WORK, "work")                                                                           \
    X(NEED_KINDERGARTEN, "kindergarten")                                                           \
    X(NEED_SCHOOL, "school")                                                                       \
    X(NEED_UNIVERSITY, "university")                                                               \
    X(NEED_SHOP, "shop")                                                                           \
    X(NEED_FOOD, "food")                                                                           \
    X(NEED_TRANSIT, "transit")                                                                     \
    X(NEED_LEISURE, "leisure")                                                                     \
    X(NEED_HEALTH, "health")                                                                       \
    X(NEED_TEST, "test")
enum need {
#define X(id, name) id,
    NEED_TABLE(X)
#undef X
        NEED_COUNT,
    NEED_DAILY = NEED_COUNT /* the own workplace or school */
};

enum visitor { VISITOR_ATTENDING, VISITOR_FREE, VISITOR_ALL };

struct age_group {
    int from, to;       /* years, both in */
    double head_share;  /* of heads of households */
    double other_share; /* of everybody else */
};
struct daily_rule {
    int from, to;
    enum need need;
    uint32_t percent;
};
struct venue_kind {
    enum need need;
    uint8_t category; /* index of policy_category */
    uint8_t check_level;
    int per_1000;
};
struct visit_plan {
    enum visitor who;
    enum need need;
    double hour, spread; /* of the day; two thirds lie within `spread` hours */
    uint32_t percent[2]; /* on working days, on rest days */
};

enum { RECORDED_CELLS_MAX = 8192 };
/* Counts that a channel of the alert desk reports of every district: drawn around a mean, or those
 * that somebody recorded (policies/recorded/NAME.yaml), a share of them, as if the city had been
 * made on a day of the record. */
struct series_plan {
    char channel[48], recorded[48]; /* recorded: "" where they are drawn */
    double mean, share;
    int32_t as_if_made;
    int32_t start;                /* first day of the record */
    size_t first, rows, columns; /* of settings.recorded */
};
/* A rise over the last days before creation, or a feed that stopped so many days before it. */
struct series_event {
    char channel[48], area[16];
    int days;
    double times; /* of the mean; 0: stopped */
};

/* What a text of a loop for show says: one after the other, as such loops are opened. */
enum { MATTER_TEXTS_MAX = 8, MATTER_TEXT_BYTES = 240 };
struct matter_text {
    char scene[64], field[64];
    char texts[MATTER_TEXTS_MAX][MATTER_TEXT_BYTES];
    size_t count;
};

enum { SERIES_PLANS_MAX = 32, SERIES_EVENTS_MAX = 64, MATTERS_MAX = 64 };
enum { AGE_GROUPS_MAX = 24, DAILY_RULES_MAX = 16, VENUE_KINDS_MAX = 128, VISIT_PLANS_MAX = 24 };

struct settings {
    double number[DEMO_NUMBER_COUNT];
    struct age_group ages[AGE_GROUPS_MAX];
    struct daily_rule daily[DAILY_RULES_MAX];
    struct venue_kind venues[VENUE_KINDS_MAX];
    struct visit_plan visits[VISIT_PLANS_MAX];
    struct series_plan series[SERIES_PLANS_MAX];
    struct series_event events[SERIES_EVENTS_MAX];
    struct matter_text matters[MATTERS_MAX];
    int32_t recorded[RECORDED_CELLS_MAX]; /* of all plans, row by row */
    size_t recorded_count;
    size_t age_count, daily_count, venue_count, visit_count, series_count, event_count,
        matter_count;
    int per_1000_of[NEED_COUNT];
};

/* Reads and checks the whole file; nothing is taken from one with a fault. `directory_fd` −1: the
 * built-in one. */
bool settings_open(int directory_fd, const struct policy *policy, struct settings **ret_settings,
                   struct error *err) MUST_USE;
/* Reads the record of a plan that names one (recorded.c). */
bool recorded_read(int directory_fd, struct settings *settings, struct series_plan *plan,
                   struct error *err) MUST_USE;
/* What the record has for a day of the demo city, made on `made_day`, and a district by its place
 * in the order of districts. Beyond its ends it begins again by whole weeks. */
int64_t recorded_count(const struct settings *settings, const struct series_plan *plan,
                       int32_t made_day, int32_t day, size_t district);
/* The same from a text, without the records (tests). */
bool settings_read(json_t *document, const struct policy *policy, struct settings **ret_settings,
                   struct error *err) MUST_USE;

/* A number that is used as a whole one: percents, counts. */
static inline uint32_t setting_whole(const struct settings *settings, enum demo_number number)
{
    return (uint32_t)settings->number[number];
}
/* A number of hours or days in seconds. */
static inline int64_t setting_hours(const struct settings *settings, enum demo_number number)
{
    return (int64_t)(settings->number[number] * 3600);
}
static inline int64_t setting_days(const struct settings *settings, enum demo_number number)
{
    return (int64_t)(settings->number[number] * 86400);
}

#endif
