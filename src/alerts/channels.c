/* policies/channels/NAME.yaml and policies/alerts.yaml: each file whole or nothing. A city's own
 * file of the same name stands before the built-in one, a further file is a further channel. */
#include <dirent.h>
#include <stdlib.h>

#include "alerts/alerts_internal.h"
#include "base/embedded.h"

static const char prefix[] = "policies/channels/";
static const char *const measure_names[MEASURE_KINDS] = {
#define X(id, name) [id] = name,
    MEASURE_TABLE(X)
#undef X
};
static const char *const group_names[] = {"school",     "pharmacy", "clinic", "environment",
                                          "wastewater", "venue",    "calls",  "other"};

static bool read_text(json_t *object, const char *source, const char *field, struct arena *texts,
                      const char **ret_text, struct error *err)
{
    struct slice text;
    if (!json_text(object, field, (struct json_place){.source = source, .required = true}, &text,
                   err))
        return false;
    if (!slice_trim(text).length)
        return field_bad(source, field, "a text", "it is empty", err);
    *ret_text = arena_copy(texts, text.data, text.length);
    return true;
}

static bool read_words(json_t *object, const char *source, const char *field, struct arena *texts,
                       struct words *ret_words, struct error *err)
{
    static const char *const keys[] = {"zh", "en", NULL};
    json_t *words = json_object_get(object, field);
    if (!json_is_object(words))
        return field_bad(source, field, "words in zh and en", "missing", err);
    return json_only_fields(words, keys, (struct json_place){.source = source}, err) &&
           read_text(words, source, "zh", texts, &ret_words->zh, err) &&
           read_text(words, source, "en", texts, &ret_words->en, err);
}

/* ---- Rules and detector */

static bool read_rules(json_t *document, const char *source, struct channel *channel,
                       struct error *err)
{
    static const char *const keys[] = {"count", "days", NULL};
    json_t *list = json_object_get(document, "rules"), *rule;
    size_t i;
    if (!list)
        return true;
    if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > RULES_MAX)
        return field_bad(source, "rules", "a list of 1 to 4 rules", "not such a list", err);
    json_array_foreach (list, i, rule)
        if (!json_is_object(rule) ||
            !json_only_fields(rule, keys, (struct json_place){.source = source}, err) ||
            !field_whole(rule, source, "count", 1, 1000000000, &channel->rules[i].count, err) ||
            !field_whole(rule, source, "days", 1, 60, &channel->rules[i].days, err))
            return json_is_object(rule)
                       ? false
                       : field_bad(source, "rules", "{count: N, days: N}", "not a rule", err);
    channel->rule_count = json_array_size(list);
    return true;
}

/* The method takes its parameters: found out on a series of a few rows. */
static bool try_method(const struct channel *channel, const char *source, struct error *err)
{
    static const struct series_point none[] = {{.total = 1}};
    struct arena arena;
    struct judgement judgement;
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    bool done = channel_judge(channel, none, 1, none[0].day, &arena, &judgement, err);
    arena_release(&arena);
    if (!done)
        snprintf(err->source, sizeof err->source, "%s", source);
    return done;
}

static bool read_ears(json_t *parameters, const char *source, struct channel *channel,
                      struct error *err)
{
    double least;
    return field_whole(parameters, source, "baseline", 3, 365, &channel->baseline, err) &&
           field_number(parameters, source, "minSigma", 0.01, 1e9, &least, err) &&
           (channel->history_rows > channel->baseline + 2 ||
            field_bad(source, "history_rows", "more rows than baseline + 2", "too few", err));
}

static bool read_method(json_t *detector, const char *source, struct channel *channel,
                        struct error *err)
{
    static const char *const keys[] = {"method", "history_rows", "parameters", NULL};
    static const char *const known[] = {"ears_c1", "ears_c2", "farrington_flexible",
                                        "chengmai_ensemble"};
    json_t *parameters = json_object_get(detector, "parameters");
    size_t choice;
    if (!json_only_fields(detector, keys, (struct json_place){.source = source}, err) ||
        !field_choice(detector, source, "method", known, sizeof known / sizeof *known,
                      "ears_c1, ears_c2, farrington_flexible, chengmai_ensemble or log_trend: each"
                      " gives a p-value",
                      &choice, err))
        return false;
    if (!json_is_object(parameters))
        return field_bad(source, "parameters", "a map of parameters", "missing", err);
    if (json_object_get(parameters, "alpha") || json_object_get(parameters, "range"))
        return field_bad(source, "parameters", "alpha beside the detector, and no range",
                         "alpha or range stands in it", err);
    channel->method = method_find("detect", known[choice]);
    REQUIRE(channel->method);
    channel->detector = channel->method->name;
    channel->parameters = json_deep_copy(parameters);
    return (choice > 1 || read_ears(parameters, source, channel, err)) &&
           try_method(channel, source, err);
}

static bool read_detector(json_t *document, const char *source, struct channel *channel,
                          struct error *err)
{
    static const char *const keys[] = {"method", "history_rows", "growth", "log_error", NULL};
    json_t *detector = json_object_get(document, "detector");
    const char *name = json_string_value(json_object_get(detector, "method"));
    if (!detector)
        return channel->rule_count ||
               field_bad(source, "detector", "a detector, or rules", "neither stands there", err);
    if (!json_is_object(detector) || !field_whole(detector, source, "history_rows", 4,
                                                  HISTORY_ROWS_MAX, &channel->history_rows, err))
        return json_is_object(detector) ? false
                                        : field_bad(source, "detector", "a map", "not a map", err);
    if (!name || strcmp(name, "log_trend") != 0)
        return read_method(detector, source, channel, err);
    channel->detector = "log_trend";
    return json_only_fields(detector, keys, (struct json_place){.source = source}, err) &&
           field_number(detector, source, "growth", 1, 1000, &channel->growth, err) &&
           field_number(detector, source, "log_error", 0.001, 5, &channel->log_error, err);
}

/* ---- A channel */

static bool read_name(json_t *document, const char *source, struct arena *texts,
                      struct channel *channel, struct error *err)
{
    if (!read_text(document, source, "channel", texts, &channel->name, err))
        return false;
    size_t length = strlen(channel->name);
    if (length > 40 || channel->name[0] < 'a' || channel->name[0] > 'z' ||
        strspn(channel->name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length)
        return field_bad(source, "channel", "a name of a-z, 0-9 and _, at most 40", "not a name",
                         err);
    char *file = arena_print(texts, "%s%s.yaml", prefix, channel->name);
    return strcmp(file, source) == 0 || field_bad(source, "channel", "the name of its file",
                                                  "another name than its file's", err);
}

static bool read_numbers(json_t *document, const char *source, struct channel *channel,
                         struct error *err)
{
    if (!field_whole(document, source, "step_days", 1, STEP_DAYS_MAX, &channel->step_days, err) ||
        !field_whole(document, source, "delay_days", 0, 60, &channel->delay_days, err) ||
        !field_whole(document, source, "silent_after_days", 1, 366, &channel->silent_after_days,
                     err) ||
        !field_whole(document, source, "minimum_count", 0, 1000000000, &channel->minimum_count,
                     err) ||
        !field_number(document, source, "completeness", 0, 1, &channel->completeness, err) ||
        !field_number(document, source, "weight", 0, 100, &channel->weight, err) ||
        !field_number(document, source, "alpha", 1e-9, 0.5, &channel->alpha, err))
        return false;
    if (channel->step_days != 1 && channel->step_days != 7)
        return field_bad(source, "step_days", "1 or 7", "neither", err);
    return channel->silent_after_days > channel->delay_days ||
           field_bad(source, "silent_after_days", "more than delay_days",
                     "a feed would be silent before its reports are due", err);
}

bool channel_read(json_t *document, const char *source, struct arena *texts,
                  struct channel *channel, struct error *err)
{
    static const char *const keys[] = {"channel",       "group",      "title",
                                       "reported_by",   "source",     "measure",
                                       "step_days",     "delay_days", "silent_after_days",
                                       "completeness",  "weight",     "alpha",
                                       "minimum_count", "asks",       "rules",
                                       "detector",      NULL};
    size_t group, measure;
    *channel = (struct channel){.name = NULL};
    if (!json_is_object(document))
        return field_bad(source, NULL, "a map", "not a map", err);
    if (!json_only_fields(document, keys, (struct json_place){.source = source}, err) ||
        !read_name(document, source, texts, channel, err) ||
        !field_choice(document, source, "group", group_names,
                      sizeof group_names / sizeof *group_names,
                      "school, pharmacy, clinic, environment, wastewater, venue, calls or other",
                      &group, err) ||
        !field_choice(document, source, "measure", measure_names, MEASURE_KINDS,
                      "count, share, load or detected", &measure, err) ||
        !read_words(document, source, "title", texts, &channel->title, err) ||
        !read_words(document, source, "reported_by", texts, &channel->reported_by, err) ||
        !read_words(document, source, "asks", texts, &channel->asks, err) ||
        !read_text(document, source, "source", texts, &channel->source, err) ||
        !read_numbers(document, source, channel, err))
        return false;
    channel->group = group_names[group];
    channel->measure = (enum measure)measure;
    return read_rules(document, source, channel, err) &&
           read_detector(document, source, channel, err);
}

/* ---- All of them */

static int channel_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static bool load_file(struct alerts *alerts, const char *name, struct error *err)
{
    struct channel *channel = &alerts->channels[alerts->channel_count];
    json_t *document;
    if (alerts->channel_count == CHANNELS_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = name},
                         "at most 64 channels", "there are too many");
    if (!policy_document_read(store_directory_fd(alerts->platform->store), name, &document, err))
        return false;
    alerts->channel_count++;
    bool done = channel_read(document, name, &alerts->texts, channel, err);
    json_decref(document);
    return done;
}

static bool load_own(struct alerts *alerts, struct error *err)
{
    struct dirent **entries;
    char name[320];
    int count = scandirat(store_directory_fd(alerts->platform->store), prefix, &entries,
                          channel_file, alphasort);
    bool done = true;
    for (int i = 0; i < count; i++) { /* below 0: there is no such folder */
        snprintf(name, sizeof name, "%s%s", prefix, entries[i]->d_name);
        if (done && !embedded_find(name))
            done = load_file(alerts, name, err);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return done;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct channel *)a)->name, ((const struct channel *)b)->name);
}

bool channels_load(struct alerts *alerts, struct error *err)
{
    size_t count;
    const struct embedded_file *files = embedded_all(&count);
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        if (strncmp(files[i].name, prefix, sizeof prefix - 1) == 0)
            done = load_file(alerts, files[i].name, err);
    done = done && load_own(alerts, err);
    if (done)
        qsort(alerts->channels, alerts->channel_count, sizeof *alerts->channels, by_name);
    return done;
}

void channels_release(struct alerts *alerts)
{
    for (size_t i = 0; i < alerts->channel_count; i++)
        json_decref(alerts->channels[i].parameters);
    alerts->channel_count = 0;
}

const struct channel *channel_find(const struct alerts *alerts, struct slice name)
{
    for (size_t i = 0; i < alerts->channel_count; i++)
        if (slice_equal(slice_of(alerts->channels[i].name), name))
            return &alerts->channels[i];
    return NULL;
}
