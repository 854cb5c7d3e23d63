/* The rules in force with their legal basis, for everybody. */
#include "status/rule_sets.h"

static void put_words(struct json_writer *writer, const char *key, struct words words)
{
    json_key(writer, key);
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(words.zh));
    json_field_text(writer, "en", slice_of(words.en));
    json_object_end(writer);
}

static void put_rules(struct json_writer *writer, const struct rule_set *rules)
{
    json_object_begin(writer);
    json_field_text(writer, "rule_set", slice_of(rule_set_name(rules)));
    json_field_text(writer, "version", slice_of(rule_set_version(rules)));
    put_words(writer, "title", rule_set_title(rules));
    put_words(writer, "legal_basis", rule_set_legal_basis(rules));
    json_field_time(writer, "valid_from", rule_set_valid_from(rules));
    json_field_time(writer, "valid_to", rule_set_valid_to(rules));
    json_object_end(writer);
}

bool rules_handle_public(const struct request *request, struct response *response,
                         struct error *err)
{
    (void)err;
    timestamp now = world_now(request->platform->world);
    const struct rule_set *rules = policy_rules_in_force(request->platform->policy, now);
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_time(&writer, "as_of", now / SECOND * SECOND);
    json_key(&writer, "items");
    json_array_begin(&writer);
    if (rules)
        put_rules(&writer, rules);
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}
