/* What everybody may know of the end: whether one is planned, and how long each kind of record is
 * kept until then. */
#include "keeping/keeping_internal.h"

static void put_public_class(struct json_writer *writer, const struct keeping *keeping,
                             enum record_class class_)
{
    const struct retention_rule *rule = &keeping->policy.rules[class_];
    json_object_begin(writer);
    json_field_text(writer, "class", slice_of(record_class_name(class_)));
    json_field_text(writer, "title_zh", slice_of(rule->title_zh));
    json_field_text(writer, "title_en", slice_of(rule->title_en));
    if (rule->days)
        json_field_int64(writer, "days", rule->days);
    else
        json_field_null(writer, "days");
    json_field_text(writer, "at_sunset", rule->kept_at_sunset ? SLICE("keep") : SLICE("destroy"));
    json_object_end(writer);
}

bool keeping_handle_public(const struct request *request, struct response *response,
                           struct error *err)
{
    const struct keeping *keeping = request->platform->keeping;
    const char *state;
    struct json_writer writer;
    if (!sunset_state(request->platform, &state, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "state", slice_of(state));
    json_field_time(&writer, "as_of", world_now(request->platform->world) / SECOND * SECOND);
    json_key(&writer, "classes");
    json_array_begin(&writer);
    for (int i = 0; i < RECORD_CLASS_COUNT; i++)
        put_public_class(&writer, keeping, (enum record_class)i);
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}
