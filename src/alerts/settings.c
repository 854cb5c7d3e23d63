/* policies/alerts.yaml: whole or nothing, every number by name and range. */
#include "alerts/alerts_internal.h"

static const char source[] = "policies/alerts.yaml";
static const char *const level_names[LEVELS] = {"blue", "yellow", "orange", "red"};
static const char *const group_names[GROUPS + 1] = {
    "school", "pharmacy", "clinic", "environment", "wastewater", "venue", "calls", "other", NULL};
/* Levels of areas, as `area_level` counts them. */
static const char *const area_level_names[] = {"city", "district", "town"};
enum { AREA_LEVEL_CITY = 1 };

const char *level_name(int level)
{
    REQUIRE(level >= 0 && level < LEVELS);
    return level_names[level];
}

int level_of_score(const struct alert_settings *settings, double score)
{
    int level = 0;
    while (level + 1 < LEVELS && score >= settings->levels[level + 1])
        level++;
    return level;
}

const char *const *channel_groups(void)
{
    return group_names;
}

size_t channel_group_index(const char *group)
{
    size_t i = 0;
    while (strcmp(group_names[i], group) != 0) {
        i++;
        REQUIRE(i < GROUPS);
    }
    return i;
}

/* ---- Levels, nights */

static bool read_levels(json_t *document, struct alert_settings *settings, struct error *err)
{
    static const char *const keys[] = {"yellow", "orange", "red", NULL};
    json_t *levels;
    if (!field_map(document, source, "levels", &levels, err) ||
        !json_only_fields(levels, keys, (struct json_place){.source = source}, err))
        return false;
    for (int i = 1; i < LEVELS; i++) {
        if (!field_number(levels, source, level_names[i], 0, 1e6, &settings->levels[i], err))
            return false;
        if (settings->levels[i] <= settings->levels[i - 1])
            return field_bad(source, level_names[i], "a higher score than the level before",
                             "the levels do not rise", err);
    }
    return true;
}

/* ---- What acting is worth */

static bool read_reach(json_t *groups, const char *name, struct reach *ret_reach, struct error *err)
{
    static const char *const keys[] = {"people_per_1000", "days", NULL};
    json_t *reach;
    return field_map(groups, source, name, &reach, err) &&
           json_only_fields(reach, keys, (struct json_place){.source = source}, err) &&
           field_number(reach, source, "people_per_1000", 0, 1000, &ret_reach->people_per_1000,
                        err) &&
           field_number(reach, source, "days", 0, 60, &ret_reach->days, err);
}

static bool read_reaches(json_t *value, struct alert_settings *settings, struct error *err)
{
    static const char *const keys[] = {"school", "pharmacy", "clinic", "environment", "wastewater",
                                       "venue",  "calls",    "other",  "silence",     NULL};
    json_t *groups;
    if (!field_map(value, source, "groups", &groups, err) ||
        !json_only_fields(groups, keys, (struct json_place){.source = source}, err))
        return false;
    for (size_t i = 0; i < GROUPS; i++)
        if (!read_reach(groups, group_names[i], &settings->reaches[i], err))
            return false;
    return read_reach(groups, "silence", &settings->reaches[GROUPS], err);
}

static bool read_value(json_t *document, struct alert_settings *settings, struct error *err)
{
    static const char *const keys[] = {"prior_right", "prior_judged",         "strength_odds",
                                       "least_days",  "people_where_unknown", "groups",
                                       NULL};
    json_t *value;
    if (!field_map(document, source, "value", &value, err) ||
        !json_only_fields(value, keys, (struct json_place){.source = source}, err) ||
        !field_number(value, source, "prior_right", 0.01, 1e6, &settings->prior_right, err) ||
        !field_number(value, source, "prior_judged", 0.02, 1e6, &settings->prior_judged, err) ||
        !field_number(value, source, "strength_odds", 1, 1000, &settings->strength_odds, err) ||
        !field_number(value, source, "least_days", 0.01, 60, &settings->least_days, err) ||
        !field_number(value, source, "people_where_unknown", 1, 1e9,
                      &settings->people_where_unknown, err))
        return false;
    if (settings->prior_right >= settings->prior_judged)
        return field_bad(source, "prior_right", "less than prior_judged",
                         "a detector would be right for certain", err);
    return read_reaches(value, settings, err);
}

/* ---- Causes, the day's budget, throttling */

static bool read_cause(json_t *document, struct alert_settings *settings, struct error *err)
{
    static const char *const keys[] = {"days", "same_channel", "other_channels", NULL};
    static const char expected[] = "city, district or town";
    json_t *cause;
    size_t same, other;
    if (!field_map(document, source, "cause", &cause, err) ||
        !json_only_fields(cause, keys, (struct json_place){.source = source}, err) ||
        !field_whole(cause, source, "days", 0, 60, &settings->cause_days, err) ||
        !field_choice(cause, source, "same_channel", area_level_names, 3, expected, &same, err) ||
        !field_choice(cause, source, "other_channels", area_level_names, 3, expected, &other, err))
        return false;
    settings->cause_same = AREA_LEVEL_CITY + (int)same;
    settings->cause_other = AREA_LEVEL_CITY + (int)other;
    return true;
}

static bool read_budget(json_t *document, struct alert_settings *settings, struct error *err)
{
    static const char *const keys[] = {"a_day", "never_waits", NULL};
    json_t *budget, *a_day, *value;
    const char *role;
    size_t level;
    if (!field_map(document, source, "budget", &budget, err) ||
        !json_only_fields(budget, keys, (struct json_place){.source = source}, err) ||
        !field_map(budget, source, "a_day", &a_day, err) ||
        !field_choice(budget, source, "never_waits", level_names, LEVELS,
                      "blue, yellow, orange or red", &level, err))
        return false;
    settings->never_waits = (int)level;
    json_object_foreach (a_day, role, value) {
        struct role_budget *one = &settings->budgets[settings->budget_count];
        if (settings->budget_count == BUDGETS_MAX || strlen(role) >= sizeof one->role)
            return field_bad(source, role, "at most 64 roles by their names", "too many, too long",
                             err);
        if (!field_whole(a_day, source, role, 1, 100000, &one->a_day, err))
            return false;
        snprintf(one->role, sizeof one->role, "%s", role);
        settings->budget_count++;
    }
    return alert_budget(settings, "default") > 0 ||
           field_bad(source, "default", "a number of causes a day", "missing", err);
}

int64_t alert_budget(const struct alert_settings *settings, const char *role)
{
    int64_t otherwise = 0;
    for (size_t i = 0; i < settings->budget_count; i++) {
        if (strcmp(settings->budgets[i].role, role) == 0)
            return settings->budgets[i].a_day;
        if (strcmp(settings->budgets[i].role, "default") == 0)
            otherwise = settings->budgets[i].a_day;
    }
    return otherwise;
}

static bool read_throttle(json_t *document, struct alert_settings *settings, struct error *err)
{
    static const char *const keys[] = {"judged", "precision_below", NULL};
    json_t *throttle;
    return field_map(document, source, "throttle", &throttle, err) &&
           json_only_fields(throttle, keys, (struct json_place){.source = source}, err) &&
           field_whole(throttle, source, "judged", 1, 100000, &settings->throttle_judged, err) &&
           field_number(throttle, source, "precision_below", 0, 1, &settings->throttle_below, err);
}

/* ---- The file */

bool alert_settings_read(json_t *document, struct alert_settings *settings, struct error *err)
{
    static const char *const keys[] = {"false_discovery_rate",
                                       "quiet_days",
                                       "score_days",
                                       "levels",
                                       "run_hour",
                                       "catch_up_days",
                                       "keep_days",
                                       "value",
                                       "cause",
                                       "budget",
                                       "throttle",
                                       "watch_days_max",
                                       NULL};
    *settings = (struct alert_settings){.run_hour = 0};
    if (!json_is_object(document))
        return field_bad(source, NULL, "a map", "not a map", err);
    return json_only_fields(document, keys, (struct json_place){.source = source}, err) &&
           field_number(document, source, "false_discovery_rate", 1e-6, 0.5,
                        &settings->false_discovery_rate, err) &&
           field_whole(document, source, "quiet_days", 1, 60, &settings->quiet_days, err) &&
           field_whole(document, source, "score_days", 1, 60, &settings->score_days, err) &&
           field_whole(document, source, "run_hour", 0, 23, &settings->run_hour, err) &&
           field_whole(document, source, "catch_up_days", 1, 60, &settings->catch_up_days, err) &&
           field_whole(document, source, "keep_days", RECORD_DAYS_LONG, 3660, &settings->keep_days,
                       err) &&
           field_whole(document, source, "watch_days_max", 1, 60, &settings->watch_days_max, err) &&
           read_levels(document, settings, err) && read_value(document, settings, err) &&
           read_cause(document, settings, err) && read_budget(document, settings, err) &&
           read_throttle(document, settings, err);
}
