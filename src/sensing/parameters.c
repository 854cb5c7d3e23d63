/* Parameters of a method: one JSON object and NAME=VALUE pairs; every key is known or refused. */
#include "sensing/sensing_internal.h"

bool parameter_error(struct error *err, const char *name, const char *expected, const char *what)
{
    return error_set(err, ERROR_BAD_VALUE,
                     (struct error_place){.source = "parameters", .field = name}, expected, "%s",
                     what);
}

static bool assign(json_t *object, const char *assignment, struct error *err)
{
    const char *equals = strchr(assignment, '=');
    char name[80];
    if (!equals || equals == assignment || (size_t)(equals - assignment) >= sizeof name)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "-p"}, "NAME=VALUE",
                         "'%.80s' is not a parameter", assignment);
    text_copy(name, sizeof name, (struct slice){assignment, (size_t)(equals - assignment)});
    json_error_t ignored;
    json_t *value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &ignored);
    if (!value)
        value = json_string(equals + 1);
    if (!value)
        return parameter_error(err, name, "a number, a word or JSON in UTF-8",
                               "the value cannot be read");
    return json_object_set_new(object, name, value) == 0 ||
           parameter_error(err, "-p", "a name in UTF-8", "the name cannot be read");
}

bool parameters_read(const char *json, const char *const *assignments, size_t assignment_count,
                     struct parameters *ret_parameters, struct error *err)
{
    json_t *object = NULL;
    if (json && !json_read(slice_of(json), "--params", &object, err))
        return false;
    if (!json)
        object = json_object();
    bool done = json_is_object(object) ||
                error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = "--params"},
                          "one JSON object", "the parameters are not an object");
    for (size_t i = 0; done && i < assignment_count; i++)
        done = assign(object, assignments[i], err);
    if (done)
        ret_parameters->object = object;
    else
        json_decref(object);
    return done;
}

void parameters_release(struct parameters *parameters)
{
    json_decref(parameters->object);
    parameters->object = NULL;
}

/* Keys that note how a reference was made: every method takes them and none reads them. */
static bool noted_only(const char *key)
{
    static const char *const noted[] = {"alpha_used", "start_epoch", "fitFun"};
    for (size_t i = 0; i < sizeof noted / sizeof *noted; i++)
        if (strcmp(noted[i], key) == 0)
            return true;
    return false;
}

bool parameters_only(const struct parameters *parameters, const char *const *names,
                     struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach (parameters->object, key, value) {
        size_t i = 0;
        if (noted_only(key))
            continue;
        while (names[i] && strcmp(names[i], key) != 0)
            i++;
        if (!names[i]) {
            char expected[sizeof err->expected] = "one of";
            for (size_t n = 0; names[n]; n++) {
                size_t used = strlen(expected);
                snprintf(expected + used, sizeof expected - used, " %s", names[n]);
            }
            return error_set(err, ERROR_BAD_VALUE, (struct error_place){"parameters", 0, key},
                             expected, "the method has no parameter '%.60s'", key);
        }
    }
    return true;
}

json_t *parameter(const struct parameters *parameters, const char *name)
{
    json_t *value = json_object_get(parameters->object, name);
    return json_is_null(value) ? NULL : value;
}

bool parameter_number(const struct parameters *parameters, const char *name, double preset,
                      double low, double high, double *ret_value, struct error *err)
{
    json_t *value = parameter(parameters, name);
    double number = value ? json_number_value(value) : preset;
    if (value && (!json_is_number(value) || !(number >= low && number <= high))) {
        char expected[80];
        snprintf(expected, sizeof expected, "a number from %g to %g", low, high);
        return parameter_error(err, name, expected, "the parameter is out of bounds");
    }
    *ret_value = number;
    return true;
}

bool parameter_whole(const struct parameters *parameters, const char *name, int64_t preset,
                     int64_t low, int64_t high, int64_t *ret_value, struct error *err)
{
    json_t *value = parameter(parameters, name);
    double number = value ? json_number_value(value) : (double)preset;
    if (value && (!json_is_number(value) || number != floor(number) || number < (double)low ||
                  number > (double)high)) {
        char expected[80];
        snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)low,
                 (long long)high);
        return parameter_error(err, name, expected, "the parameter is out of bounds");
    }
    *ret_value = (int64_t)number;
    return true;
}

bool parameter_probability(const struct parameters *parameters, const char *name, double preset,
                           double *ret_value, struct error *err)
{
    double value;
    if (!parameter_number(parameters, name, preset, 0, 1, &value, err))
        return false;
    if (value <= 0 || value >= 1)
        return parameter_error(err, name, "a number between 0 and 1, not 0 or 1",
                               "the parameter is out of bounds");
    *ret_value = value;
    return true;
}

bool parameter_flag(const struct parameters *parameters, const char *name, bool preset,
                    bool *ret_value, struct error *err)
{
    json_t *value = parameter(parameters, name);
    if (value && !json_is_boolean(value))
        return parameter_error(err, name, "true or false", "the parameter is no truth value");
    *ret_value = value ? json_is_true(value) : preset;
    return true;
}

bool parameter_choice(const struct parameters *parameters, const char *name,
                      const char *const *choices, int preset, int *ret_choice, struct error *err)
{
    json_t *value = parameter(parameters, name);
    char expected[sizeof err->expected] = "one of";
    if (!value) {
        *ret_choice = preset;
        return true;
    }
    for (int i = 0; choices[i]; i++) {
        if (json_is_string(value) && strcmp(json_string_value(value), choices[i]) == 0) {
            *ret_choice = i;
            return true;
        }
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, " %s", choices[i]);
    }
    return parameter_error(err, name, expected, "the parameter is none of its values");
}

bool parameter_numbers(const struct parameters *parameters, const char *name, struct arena *arena,
                       double **ret_values, size_t *ret_count, struct error *err)
{
    json_t *value = parameter(parameters, name), *piece;
    size_t i, count = json_is_array(value) ? json_array_size(value) : 1;
    *ret_values = NULL;
    *ret_count = 0;
    if (!value)
        return true;
    if (count == 0 || count > SERIES_ROWS_MAX || (!json_is_array(value) && !json_is_number(value)))
        return parameter_error(err, name, "a number, or an array of numbers",
                               "the parameter is no number");
    double *values = arena_alloc(arena, count * sizeof *values);
    if (!json_is_array(value))
        values[0] = json_number_value(value);
    else
        json_array_foreach (value, i, piece) {
            if (!json_is_number(piece))
                return parameter_error(err, name, "an array of numbers", "an element is no number");
            values[i] = json_number_value(piece);
        }
    *ret_values = values;
    *ret_count = count;
    return true;
}

bool parameter_range(const struct parameters *parameters, const struct series *series,
                     size_t preset_first, struct range *ret_range, struct error *err)
{
    json_t *value = parameter(parameters, "range");
    if (!value) {
        if (preset_first >= series->count)
            return error_set(
                err, ERROR_REFUSED, (struct error_place){.source = series->source},
                "a longer series, or a shorter baseline",
                "the series has %zu rows and the method's first result would be row %zu",
                series->count, preset_first + 1);
        *ret_range = (struct range){preset_first, series->count};
        return true;
    }
    double first = json_number_value(json_array_get(value, 0));
    double last = json_number_value(json_array_get(value, 1));
    if (json_array_size(value) != 2 || !json_is_number(json_array_get(value, 0)) ||
        !json_is_number(json_array_get(value, 1)) || first != floor(first) || last != floor(last) ||
        first < 1 || last < first || last > (double)series->count)
        return parameter_error(err, "range",
                               "[first, last]: rows of the series, first not after last",
                               "the range is not within the series");
    *ret_range = (struct range){(size_t)first - 1, (size_t)last};
    return true;
}
