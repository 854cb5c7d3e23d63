/* Fields of the policy files, each refused with its file and name. */
#include "alerts/alerts_internal.h"

bool field_bad(const char *source, const char *field, const char *expected, const char *what,
               struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = source, .field = field},
                     expected, "%s", what);
}

bool field_number(json_t *object, const char *source, const char *field, double low, double high,
                  double *ret_value, struct error *err)
{
    json_t *given = json_object_get(object, field);
    double value = json_number_value(given);
    if (!json_is_number(given) || !(value >= low) || !(value <= high))
        return error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){.source = source, .field = field}, NULL,
                         "%s: a number from %g to %g is expected",
                         given ? "not such a number" : "missing", low, high);
    *ret_value = value;
    return true;
}

bool field_whole(json_t *object, const char *source, const char *field, int64_t low, int64_t high,
                 int64_t *ret_value, struct error *err)
{
    return json_int64(object, field, (struct json_place){.source = source, .required = true}, low,
                      high, ret_value, err);
}

bool field_choice(json_t *object, const char *source, const char *field, const char *const *names,
                  size_t count, const char *expected, size_t *ret_choice, struct error *err)
{
    struct slice text;
    if (!json_text(object, field, (struct json_place){.source = source, .required = true}, &text,
                   err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (slice_equal(text, slice_of(names[i]))) {
            *ret_choice = i;
            return true;
        }
    return field_bad(source, field, expected, "none of these", err);
}

bool field_map(json_t *object, const char *source, const char *field, json_t **ret_map,
               struct error *err)
{
    *ret_map = json_object_get(object, field);
    return json_is_object(*ret_map) ||
           field_bad(source, field, "a map", *ret_map ? "not a map" : "missing", err);
}
