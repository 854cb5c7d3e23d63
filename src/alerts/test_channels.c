/* Goal: every built-in channel is read whole, names where it stands in the domain and what it asks
 * someone to do; a file that is not as it must be is refused with file and field. */
#include "alerts/alerts_internal.h"
#include "base/embedded.h"
#include "base/test_support.h"

static void every_built_in_channel_is_read_whole(void **state)
{
    (void)state;
    static const char *const groups[] = {"school",     "pharmacy", "clinic", "environment",
                                         "wastewater", "venue",    "calls",  "other"};
    size_t count, read = 0, pharmacies = 0;
    unsigned seen = 0;
    const struct embedded_file *files = embedded_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct arena arena;
        struct channel channel;
        struct error err;
        json_t *document;
        if (strncmp(files[i].name, "policies/channels/", 18) != 0)
            continue;
        arena_init(&arena, 1 << 20);
        if (!policy_document_read(-1, files[i].name, &document, &err) ||
            !channel_read(document, files[i].name, &arena, &channel, &err))
            fail_msg("%s: %s: %s", files[i].name, err.field, err.what);
        assert_non_null(strstr(channel.source, "domain §8"));
        assert_true(strlen(channel.asks.zh) > 0 && strlen(channel.asks.en) > 0);
        assert_true(channel.detector || channel.rule_count);
        for (unsigned g = 0; g < 8; g++)
            seen |= strcmp(groups[g], channel.group) == 0 ? 1u << g : 0;
        pharmacies += strcmp(channel.group, "pharmacy") == 0;
        read++;
        json_decref(channel.parameters);
        json_decref(document);
        arena_release(&arena);
    }
    assert_int_equal(read, 19);
    assert_int_equal(pharmacies, 4);
    assert_int_equal(seen, 255);
}

/* The document with one place changed. */
static void refused(const char *from, const char *to, const char *field)
{
    struct arena arena;
    struct channel channel;
    struct error err;
    json_t *document, *changed;
    char text[4000];
    arena_init(&arena, 1 << 20);
    assert_true(policy_document_read(-1, "policies/channels/fever_clinic.yaml", &document, &err));
    char *dump = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(6));
    char *at = strstr(dump, from);
    if (!at)
        fail_msg("%s is not in %s", from, dump);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - dump), dump, to, at + strlen(from));
    if (!json_read(slice_of(text), "changed", &changed, &err))
        fail_msg("%s: %s", text, err.what);
    bool done =
        channel_read(changed, "policies/channels/fever_clinic.yaml", &arena, &channel, &err);
    if (done || strcmp(err.field, field) != 0 ||
        strcmp(err.source, "policies/channels/fever_clinic.yaml") != 0)
        fail_msg("%s: %s %s %s", to, done ? "taken" : err.what, err.source, err.field);
    json_decref(channel.parameters);
    json_decref(changed);
    json_decref(document);
    free(dump);
    arena_release(&arena);
}

static void a_channel_that_is_not_as_it_must_be_is_refused_with_its_field(void **state)
{
    (void)state;
    refused("\"channel\":\"fever_clinic\"", "\"channel\":\"fever\"", "channel");
    refused("\"channel\":\"fever_clinic\"", "\"channel\":\"Fever Clinic\"", "channel");
    refused("\"group\":\"clinic\"", "\"group\":\"persons\"", "group");
    refused("\"measure\":\"count\"", "\"measure\":\"person\"", "measure");
    refused("\"step_days\":1", "\"step_days\":2", "step_days");
    refused("\"delay_days\":1", "\"delay_days\":3", "silent_after_days");
    refused("\"completeness\":0.7", "\"completeness\":1.5", "completeness");
    refused("\"weight\":3", "\"weight\":\"heavy\"", "weight");
    refused("\"alpha\":0.002", "\"alpha\":0.7", "alpha");
    refused("\"alpha\":0.002", "\"alpha\":0.002,\"person\":1", "person");
    refused("\"method\":\"ears_c2\"", "\"method\":\"cusum\"", "method");
    refused("\"baseline\":14", "\"baseline\":27", "history_rows");
    refused("\"baseline\":14", "\"baseline\":14,\"alpha\":0.1", "parameters");
    refused("\"baseline\":14", "\"baseline\":14,\"height\":1", "height");
    refused("\"minSigma\":1", "\"minSigma\":0", "minSigma");
    refused("\"detector\":{", "\"rules\":[{\"count\":0,\"days\":1}],\"detector\":{", "count");
    refused("\"detector\":{", "\"rules\":[],\"detector\":{", "rules");
}

static void settings_are_refused_where_levels_do_not_rise(void **state)
{
    (void)state;
    struct alert_settings settings;
    struct error err;
    json_t *document;
    assert_true(policy_document_read(-1, "policies/alerts.yaml", &document, &err));
    assert_true(alert_settings_read(document, &settings, &err));
    assert_int_equal(level_of_score(&settings, 0), 0);
    assert_int_equal(level_of_score(&settings, settings.levels[1]), 1);
    assert_int_equal(level_of_score(&settings, 1e9), 3);
    json_t *levels = json_object_get(document, "levels");
    json_object_set_new(levels, "red", json_real(1));
    assert_false(alert_settings_read(document, &settings, &err));
    assert_string_equal(err.field, "red");
    json_object_del(levels, "red");
    assert_false(alert_settings_read(document, &settings, &err));
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_built_in_channel_is_read_whole),
        cmocka_unit_test(a_channel_that_is_not_as_it_must_be_is_refused_with_its_field),
        cmocka_unit_test(settings_are_refused_where_levels_do_not_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
