/* Reading policies/demo_city.yaml: every number by name, unit and range, every list by its fields.
 * Unknown keys, missing numbers and values out of range are refused. */
#include "sim/settings.h"

#include <math.h>
#include <stdlib.h>

static const char source_name[] = "policies/demo_city.yaml";

static const struct {
    const char *name, *unit;
    double low, high;
} forms[DEMO_NUMBER_COUNT] = {
#define X(id, name, unit, low, high) [id] = {name, unit, low, high},
    DEMO_NUMBER_TABLE(X)
#undef X
};
static const char *const need_names[NEED_COUNT + 2] = {
#define X(id, name) [id] = name,
    NEED_TABLE(X)
#undef X
        [NEED_DAILY] = "daily", NULL};
static const char *const visitor_names[] = {"attending", "free", "all", NULL};

static bool refuse(struct error *err, const char *field, int64_t row, const char *expected,
                   const char *what)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){source_name, row, field}, expected,
                     "%s", what);
}

/* ---- Fields of one entry */

struct entry {
    json_t *object;
    int64_t row; /* in its list, from 1 */
};

static bool take_real(struct entry entry, const char *field, double low, double high,
                      double *ret_value, struct error *err)
{
    json_t *value = json_object_get(entry.object, field);
    char range[80];
    snprintf(range, sizeof range, "a number from %g to %g", low, high);
    double real = json_number_value(value);
    if (!json_is_number(value) || !(real >= low && real <= high))
        return refuse(err, field, entry.row, range, "not such a number");
    *ret_value = real;
    return true;
}

static bool take_whole(struct entry entry, const char *field, int low, int high, int *ret_value,
                       struct error *err)
{
    double real;
    if (!take_real(entry, field, low, high, &real, err))
        return false;
    *ret_value = (int)real;
    return *ret_value == real || refuse(err, field, entry.row, "a whole number", "has a fraction");
}

/* The place of the field's text among `names` (NULL at the end). */
static bool take_name(struct entry entry, const char *field, const char *const *names,
                      int *ret_index, struct error *err)
{
    const char *text = json_string_value(json_object_get(entry.object, field));
    for (int i = 0; text && names[i]; i++)
        if (strcmp(names[i], text) == 0) {
            *ret_index = i;
            return true;
        }
    return refuse(err, field, entry.row, "one of the known names", "unknown name");
}

static bool only(struct entry entry, const char *const *names, struct error *err)
{
    struct json_place place = {.source = source_name, .row = entry.row, .required = true};
    return json_only_fields(entry.object, names, place, err);
}

/* ---- Numbers */

static bool read_number(json_t *numbers, size_t i, struct settings *out, struct error *err)
{
    static const char *const keys[] = {"value", "unit", "source", NULL};
    struct entry entry = {.object = json_object_get(numbers, forms[i].name)};
    if (!json_is_object(entry.object))
        return refuse(err, forms[i].name, 0, "{value: …, unit: …, source: …}", "missing");
    const char *unit = json_string_value(json_object_get(entry.object, "unit"));
    const char *source = json_string_value(json_object_get(entry.object, "source"));
    if (!only(entry, keys, err))
        return false;
    if (!unit || strcmp(unit, forms[i].unit) != 0)
        return refuse(err, forms[i].name, 0, forms[i].unit, "another unit");
    if (!source || !source[0])
        return refuse(err, forms[i].name, 0, "words in `source`", "no source");
    if (take_real(entry, "value", forms[i].low, forms[i].high, &out->number[i], err))
        return true;
    snprintf(err->field, sizeof err->field, "%s", forms[i].name);
    return false;
}

static bool read_numbers(json_t *numbers, struct settings *out, struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(numbers, key, value)
    {
        size_t i = 0;
        while (i < DEMO_NUMBER_COUNT && strcmp(forms[i].name, key) != 0)
            i++;
        if (i == DEMO_NUMBER_COUNT)
            return refuse(err, key, 0, "a number that the program knows", "unknown number");
    }
    for (size_t i = 0; i < DEMO_NUMBER_COUNT; i++)
        if (!read_number(numbers, i, out, err))
            return false;
    return out->number[LATENT_HOURS_MAX] >= out->number[LATENT_HOURS_MIN] ||
           refuse(err, "latent_hours_max", 0, "at least latent_hours_min", "the range is empty");
}

/* ---- Lists */

static bool read_age(struct entry entry, struct settings *out, const struct policy *policy,
                     struct error *err)
{
    static const char *const keys[] = {"from", "to", "percent", NULL};
    (void)policy;
    struct age_group *group = &out->ages[out->age_count++];
    return only(entry, keys, err) && take_whole(entry, "from", 0, 110, &group->from, err) &&
           take_whole(entry, "to", group->from, 110, &group->to, err) &&
           take_real(entry, "percent", 0, 100, &group->other_share, err);
}

static bool read_daily(struct entry entry, struct settings *out, const struct policy *policy,
                       struct error *err)
{
    static const char *const keys[] = {"from", "to", "need", "percent", NULL};
    (void)policy;
    int need, percent;
    struct daily_rule *rule = &out->daily[out->daily_count++];
    bool done = only(entry, keys, err) && take_whole(entry, "from", 0, 120, &rule->from, err) &&
                take_whole(entry, "to", rule->from, 120, &rule->to, err) &&
                take_name(entry, "need", need_names, &need, err) &&
                take_whole(entry, "percent", 0, 100, &percent, err);
    if (done && need == NEED_DAILY)
        return refuse(err, "need", entry.row, "a kind of place", "daily stands for itself");
    rule->need = done ? (enum need)need : NEED_WORK;
    rule->percent = done ? (uint32_t)percent : 0;
    return done;
}

static bool read_venue(struct entry entry, struct settings *out, const struct policy *policy,
                       struct error *err)
{
    static const char *const keys[] = {"need", "category", "per_1000", NULL};
    int need;
    struct venue_kind *kind = &out->venues[out->venue_count++];
    const char *category = json_string_value(json_object_get(entry.object, "category"));
    if (!only(entry, keys, err) || !take_name(entry, "need", need_names, &need, err) ||
        !take_whole(entry, "per_1000", 1, 1000, &kind->per_1000, err))
        return false;
    if (need == NEED_DAILY || !category || !policy_category_known(policy, slice_of(category)))
        return refuse(err, "category", entry.row, "a need and a category of venue_categories.yaml",
                      "no such kind of place");
    kind->need = (enum need)need;
    kind->category = (uint8_t)policy_category_of(policy, slice_of(category));
    kind->check_level = policy_category(policy, kind->category)->check_level;
    out->per_1000_of[need] += kind->per_1000;
    return true;
}

static bool read_visit(struct entry entry, struct settings *out, const struct policy *policy,
                       struct error *err)
{
    static const char *const keys[] = {"who",    "need",            "hour",
                                       "spread", "workday_percent", "restday_percent",
                                       NULL};
    (void)policy;
    int who, need, workday, restday;
    struct visit_plan *plan = &out->visits[out->visit_count++];
    if (!only(entry, keys, err) || !take_name(entry, "who", visitor_names, &who, err) ||
        !take_name(entry, "need", need_names, &need, err) ||
        !take_real(entry, "hour", 0, 24, &plan->hour, err) ||
        !take_real(entry, "spread", 0.05, 6, &plan->spread, err) ||
        !take_whole(entry, "workday_percent", 0, 100, &workday, err) ||
        !take_whole(entry, "restday_percent", 0, 100, &restday, err))
        return false;
    if (need == NEED_DAILY && who != VISITOR_ATTENDING)
        return refuse(err, "need", entry.row, "`who: attending`", "the others have no such place");
    plan->who = (enum visitor)who;
    plan->need = (enum need)need;
    plan->percent[0] = (uint32_t)workday;
    plan->percent[1] = (uint32_t)restday;
    return true;
}

/* A text that fits. */
static bool take_text(struct entry entry, const char *field, char *out, size_t bytes,
                      struct error *err)
{
    const char *text = json_string_value(json_object_get(entry.object, field));
    if (!text || !text[0] || strlen(text) >= bytes)
        return refuse(err, field, entry.row, "a short text", "missing or too long");
    snprintf(out, bytes, "%s", text);
    return true;
}

static bool read_series(struct entry entry, struct settings *out, const struct policy *policy,
                        struct error *err)
{
    static const char *const keys[] = {"channel", "mean", NULL};
    static const char *const recorded_keys[] = {"channel", "recorded", "share", "as_if_made", NULL};
    bool recorded = json_object_get(entry.object, "recorded") != NULL;
    char day[16];
    (void)policy;
    struct series_plan *plan = &out->series[out->series_count++];
    if (!only(entry, recorded ? recorded_keys : keys, err) ||
        !take_text(entry, "channel", plan->channel, sizeof plan->channel, err))
        return false;
    if (!recorded)
        return take_real(entry, "mean", 0, 500, &plan->mean, err);
    return take_text(entry, "recorded", plan->recorded, sizeof plan->recorded, err) &&
           take_real(entry, "share", 0, 1000, &plan->share, err) &&
           take_text(entry, "as_if_made", day, sizeof day, err) &&
           (time_parse_date(slice_of(day), &plan->as_if_made) ||
            refuse(err, "as_if_made", entry.row, "YYYY-MM-DD", "no such day"));
}

static bool read_event(struct entry entry, struct settings *out, bool rises, struct error *err)
{
    static const char *const keys[] = {"channel", "area", "days", "times", NULL};
    static const char *const stop_keys[] = {"channel", "area", "days", NULL};
    struct series_event *event = &out->events[out->event_count++];
    event->times = 0;
    return only(entry, rises ? keys : stop_keys, err) &&
           take_text(entry, "channel", event->channel, sizeof event->channel, err) &&
           take_text(entry, "area", event->area, sizeof event->area, err) &&
           take_whole(entry, "days", 1, 60, &event->days, err) &&
           (!rises || take_real(entry, "times", 0.1, 20, &event->times, err));
}

static bool read_rise(struct entry entry, struct settings *out, const struct policy *policy,
                      struct error *err)
{
    (void)policy;
    return read_event(entry, out, true, err);
}

static bool read_stop(struct entry entry, struct settings *out, const struct policy *policy,
                      struct error *err)
{
    (void)policy;
    return read_event(entry, out, false, err);
}

static bool read_matter(struct entry entry, struct settings *out, const struct policy *policy,
                        struct error *err)
{
    static const char *const keys[] = {"scene", "field", "texts", NULL};
    struct matter_text *matter = &out->matters[out->matter_count++];
    json_t *texts = json_object_get(entry.object, "texts"), *item;
    (void)policy;
    if (!only(entry, keys, err) ||
        !take_text(entry, "scene", matter->scene, sizeof matter->scene, err) ||
        !take_text(entry, "field", matter->field, sizeof matter->field, err))
        return false;
    if (!json_array_size(texts) || json_array_size(texts) > MATTER_TEXTS_MAX)
        return refuse(err, "texts", entry.row, "a list of one to eight texts", "no such list");
    json_array_foreach(texts, matter->count, item)
    {
        const char *text = json_string_value(item);
        if (!text || !text[0] || strlen(text) >= MATTER_TEXT_BYTES)
            return refuse(err, "texts", entry.row, "texts of 1 to 239 bytes", "one is not such");
        snprintf(matter->texts[matter->count], MATTER_TEXT_BYTES, "%s", text);
    }
    return true;
}

static bool read_list(json_t *document, const char *name, size_t max, struct settings *out,
                      const struct policy *policy,
                      bool (*read)(struct entry entry, struct settings *out,
                                   const struct policy *policy, struct error *err),
                      struct error *err)
{
    json_t *list = json_object_get(document, name), *item;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) < 1 || json_array_size(list) > max)
        return refuse(err, name, 0, "a list, not too long", "missing or too long");
    json_array_foreach(list, i, item)
        if (!read((struct entry){item, (int64_t)i + 1}, out, policy, err))
            return false;
    return true;
}

/* ---- What follows from them */

/* A household's head is grown up; so that the whole keeps its shares, the others are younger:
 * share = h · head_share + (1 − h) · other_share, with h = 1 / persons a household. */
static bool share_out(struct settings *out, struct error *err)
{
    double total = 0, grown = 0, heads = 1 / out->number[PERSONS_A_HOUSEHOLD];
    for (size_t i = 0; i < out->age_count; i++) {
        total += out->ages[i].other_share;
        grown += out->ages[i].from >= 15 ? out->ages[i].other_share : 0;
    }
    if (fabs(total - 100) > 0.01 || grown < 100 * heads)
        return refuse(err, "ages", 0, "shares that add up to 100, enough of them from 15",
                      "not such shares");
    for (size_t i = 0; i < out->age_count; i++) {
        struct age_group *group = &out->ages[i];
        double share = group->other_share / 100;
        group->head_share = group->from >= 15 ? group->other_share / grown : 0;
        group->other_share =
            heads < 1 ? (share - heads * group->head_share) / (1 - heads) : group->head_share;
    }
    return true;
}

static bool has_all_needs(const struct settings *out, struct error *err)
{
    for (int need = 0; need < NEED_COUNT; need++)
        if (out->per_1000_of[need] == 0)
            return refuse(err, need_names[need], 0, "at least one kind of place for every need",
                          "no place for this need");
    return true;
}

static bool read_all(json_t *document, const struct policy *policy, struct settings *out,
                     struct error *err)
{
    static const char *const keys[] = {"numbers", "ages",  "daily", "venues", "visits",
                                       "series",  "rises", "stops", "matters", NULL};
    return only((struct entry){.object = document}, keys, err) &&
           read_numbers(json_object_get(document, "numbers"), out, err) &&
           read_list(document, "ages", AGE_GROUPS_MAX, out, policy, read_age, err) &&
           read_list(document, "daily", DAILY_RULES_MAX, out, policy, read_daily, err) &&
           read_list(document, "venues", VENUE_KINDS_MAX, out, policy, read_venue, err) &&
           read_list(document, "visits", VISIT_PLANS_MAX, out, policy, read_visit, err) &&
           read_list(document, "series", SERIES_PLANS_MAX, out, policy, read_series, err) &&
           read_list(document, "rises", SERIES_EVENTS_MAX / 2, out, policy, read_rise, err) &&
           read_list(document, "stops", SERIES_EVENTS_MAX / 2, out, policy, read_stop, err) &&
           (!json_object_get(document, "matters") || /* files from before them have none */
            read_list(document, "matters", MATTERS_MAX, out, policy, read_matter, err)) &&
           share_out(out, err) && has_all_needs(out, err);
}

bool settings_read(json_t *document, const struct policy *policy, struct settings **ret_settings,
                   struct error *err)
{
    struct settings *settings = x_alloc(1, sizeof *settings);
    if (!read_all(document, policy, settings, err)) {
        free(settings);
        return false;
    }
    *ret_settings = settings;
    return true;
}

bool settings_open(int directory_fd, const struct policy *policy, struct settings **ret_settings,
                   struct error *err)
{
    json_t *document;
    if (!policy_document_read(directory_fd, source_name, &document, err))
        return false;
    bool done = settings_read(document, policy, ret_settings, err);
    json_decref(document);
    for (size_t i = 0; done && i < (*ret_settings)->series_count; i++) {
        struct series_plan *plan = &(*ret_settings)->series[i];
        done = !plan->recorded[0] || recorded_read(directory_fd, *ret_settings, plan, err);
        if (!done)
            free(*ret_settings);
    }
    return done;
}
