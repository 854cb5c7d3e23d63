/* Goal: policies/notices.yaml is taken whole or refused with its place; nothing that would look
 * up a name, send a password in the open or keep a secret in the file is taken; a secret is
 * read only where nobody else may read it. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/test_support.h"
#include "notices/notices_internal.h"
#include "policy/yaml.h"

static struct slice built_in(void)
{
    const struct embedded_file *file = embedded_find("policies/notices.yaml");
    assert_non_null(file);
    return file->content;
}

static bool read_settings(struct slice text, struct notice_settings *settings, struct error *err)
{
    json_t *document;
    if (!yaml_read(text, "notices.yaml", &document, err))
        return false;
    bool done = notice_settings_read(document, settings, err);
    json_decref(document);
    return done;
}

/* The built-in file with the first of each piece exchanged. */
static void exchange(struct buffer *text, const char *piece, const char *other)
{
    struct buffer changed;
    const char *at = strstr(text->data, piece);
    if (!at)
        fail_msg("'%s' is not in the file", piece);
    buffer_init(&changed, 1 << 20);
    buffer_append(&changed, text->data, (size_t)(at - text->data));
    buffer_append_text(&changed, other);
    buffer_append_text(&changed, at + strlen(piece));
    buffer_release(text);
    *text = changed;
}

static void begin(struct buffer *text)
{
    buffer_init(text, 1 << 20);
    buffer_append(text, built_in().data, built_in().length);
}

static void the_built_in_file_opens_no_channel(void **state)
{
    (void)state;
    struct error err;
    struct notice_settings settings;
    json_t *document;
    test_done_or_fail(read_settings(built_in(), &settings, &err), &err);
    assert_int_equal(settings.apart_per_minute, 5);
    for (int i = 0; i < NOTICE_CHANNELS; i++) {
        assert_false(settings.channels[i].on);
        for (int kind = 0; kind < NOTICE_KINDS; kind++)
            assert_false(channel_wants(&settings.channels[i], (enum notice_kind)kind, "command"));
    }
    const struct embedded_file *retention = embedded_find("policies/retention.yaml");
    test_done_or_fail(yaml_read(retention->content, "retention.yaml", &document, &err), &err);
    test_done_or_fail(notice_days_read(document, &settings.days, &err), &err);
    json_decref(document);
    assert_int_equal(settings.days, 90);
}

static void what_cannot_be_meant_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *piece, *other, *source, *field;
    } rows[] = {
        {"{value: 5,", "{value: 0,", "apart_per_minute", "value"},
        {"{value: 5,", "{value: five,", "apart_per_minute", "value"},
        {"  apart_per_minute: {", "  apart_a_minute: {", "notices.yaml", "apart_a_minute"},
        {"link: \"http", "link: \"ht tp", "notices.yaml", "link"},
        {"channels:", "canals:", "notices.yaml", "canals"},
        {"channels:\n  webhook:", "channels:\n  pigeon:", "notices.yaml", "pigeon"},
        {"on: false", "on: perhaps", "webhook", "on"},
        {"https://notices.example.org", "ftp://notices.example.org", "webhook", "url"},
        {"https://notices.example.org", "https://u:p@notices.example.org", "webhook", "url"},
        {"https://notices.example.org/chengmai", "nowhere", "webhook", "url"},
        {"address: \"\"", "address: \"elsewhere\"", "webhook", "address"},
        {"socket: \"\"", "socket: \"run/relay\"", "webhook", "socket"},
        {"file:/etc/chengmai/webhook.key", "hunter2hunter2hunter2", "webhook", "secret"},
        {"[owner, told,", "[owner, gossip,", "webhook", "kinds"},
        {"roles: []", "roles: command", "webhook", "roles"},
        {"roles: []", "roles: [7]", "webhook", "roles"},
        {"[5, 30,", "[0, 30,", "webhook", "retry_seconds"},
        {"[5, 30,", "[604801, 30,", "webhook", "retry_seconds"},
        {"timeout_seconds: 10", "timeout_seconds: 301", "webhook", "timeout_seconds"},
        {"at_once: 4", "at_once: 33", "webhook", "at_once"},
        {"at_once: 4\n", "at_once: 4\n    colour: red\n", "webhook", "colour"},
        {"smtp://127", "http://127", "smtp", "url"},
        {"chengmai@example.org", "chengmai", "smtp", "from"},
        {"tls: required", "tls: perhaps", "smtp", "tls"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct buffer text;
        struct error err = {0};
        struct notice_settings settings;
        begin(&text);
        exchange(&text, rows[i].piece, rows[i].other);
        if (read_settings(buffer_slice(&text), &settings, &err))
            fail_msg("'%s' for '%s' was taken", rows[i].other, rows[i].piece);
        buffer_release(&text);
        if (strcmp(err.source, rows[i].source) != 0 || strcmp(err.field, rows[i].field) != 0)
            fail_msg("'%s': refused at %s, %s", rows[i].other, err.source, err.field);
    }
}

/* Switches the webhook (`smtp` false) or mail on, with one more exchange; whether it is taken. */
static bool taken_when_on(bool smtp, const char *piece, const char *other, struct error *err)
{
    struct buffer text;
    struct notice_settings settings;
    begin(&text);
    if (smtp)
        exchange(&text, "  smtp:\n    on: false", "  smtp:\n    on: true");
    else
        exchange(&text, "on: false", "on: true");
    if (piece)
        exchange(&text, piece, other);
    bool taken = read_settings(buffer_slice(&text), &settings, err);
    buffer_release(&text);
    return taken;
}

static void an_open_channel_has_a_literal_address_and_a_key(void **state)
{
    (void)state;
    struct error err;
    assert_false(taken_when_on(false, NULL, NULL, &err)); /* a name, and no address of it */
    assert_string_equal(err.field, "address");
    assert_true(taken_when_on(false, "address: \"\"", "address: \"192.0.2.7\"", &err));
    assert_true(taken_when_on(false, "notices.example.org", "192.0.2.7", &err));
    assert_true(taken_when_on(false, "notices.example.org", "[2001:db8::7]:8443", &err));
    assert_true(taken_when_on(false, "socket: \"\"", "socket: \"/run/relay\"", &err));
    assert_false(taken_when_on(false,
                               "https://notices.example.org/chengmai\"\n    address: \"\"\n"
                               "    socket: \"\"\n    ca_file: \"\"\n    secret: \"file:/etc"
                               "/chengmai/webhook.key\"",
                               "https://192.0.2.7/\"\n    address: \"\"\n    socket: \"\"\n"
                               "    ca_file: \"\"\n    secret: \"\"",
                               &err));
    assert_string_equal(err.field, "secret");
    assert_true(taken_when_on(true, NULL, NULL, &err));
    assert_false(taken_when_on(true, "login: \"\"", "login: \"chengmai\"", &err)); /* no password */
    assert_string_equal(err.field, "secret");
    assert_false(taken_when_on(true,
                               "secret: \"\"\n    from: \"chengmai@example.org\"\n"
                               "    login: \"\"\n    tls: required",
                               "secret: \"credential:mail\"\n    from: \"chengmai@example.org\"\n"
                               "    login: \"chengmai\"\n    tls: none",
                               &err));
    assert_string_equal(err.field, "tls");
}

static void a_channel_wants_its_kinds_and_roles(void **state)
{
    (void)state;
    struct channel_settings channel = {.on = true,
                                       .kinds = 1u << NOTICE_TOLD | 1u << NOTICE_DIGEST,
                                       .roles = {"command", "cdc_lead"},
                                       .role_count = 2};
    assert_true(channel_wants(&channel, NOTICE_TOLD, "command"));
    assert_true(channel_wants(&channel, NOTICE_DIGEST, "cdc_lead"));
    assert_false(channel_wants(&channel, NOTICE_OWNER, "command"));
    assert_false(channel_wants(&channel, NOTICE_TOLD, "press"));
    channel.role_count = 0;
    assert_true(channel_wants(&channel, NOTICE_TOLD, "press"));
    channel.on = false;
    assert_false(channel_wants(&channel, NOTICE_TOLD, "press"));
}

/* ---- Secrets */

static void a_secret_is_read_only_where_nobody_else_may_read_it(void **state)
{
    (void)state;
    char directory[] = "/tmp/chengmai-secret-XXXXXX", path[100], source[120];
    char secret[SECRET_BYTES_MAX], long_text[SECRET_BYTES_MAX + 20];
    size_t length;
    struct error err;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/key", directory);
    snprintf(source, sizeof source, "file:%s", path);
    FILE *file = fopen(path, "w");
    fputs("  sixteen bytes and more\n", file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    test_done_or_fail(notice_secret_read(source, "webhook", 16, secret, &length, &err), &err);
    assert_string_equal(secret, "sixteen bytes and more");
    assert_int_equal(length, 22);
    assert_false(notice_secret_read(source, "webhook", 23, secret, &length, &err));
    for (int bit = 04; bit <= 040; bit *= 8) {
        assert_int_equal(chmod(path, (mode_t)(0600 | bit)), 0);
        assert_false(notice_secret_read(source, "webhook", 16, secret, &length, &err));
        assert_int_equal(err.code, ERROR_ENVIRONMENT);
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", directory, 1), 0);
    assert_true(notice_secret_read("credential:key", "smtp", 1, secret, &length, &err));
    assert_false(notice_secret_read("credential:../key", "smtp", 1, secret, &length, &err));
    assert_int_equal(unlink(path), 0);
    assert_false(notice_secret_read(source, "webhook", 16, secret, &length, &err));
    assert_int_equal(setenv("NOTICE_TEST_KEY", "of the environment", 1), 0);
    assert_true(
        notice_secret_read("environment:NOTICE_TEST_KEY", "smtp", 1, secret, &length, &err));
    assert_string_equal(secret, "of the environment");
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(setenv("NOTICE_TEST_KEY", long_text, 1), 0);
    assert_false(
        notice_secret_read("environment:NOTICE_TEST_KEY", "smtp", 1, secret, &length, &err));
    assert_int_equal(unsetenv("NOTICE_TEST_KEY"), 0);
    assert_false(
        notice_secret_read("environment:NOTICE_TEST_KEY", "smtp", 1, secret, &length, &err));
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_file_opens_no_channel),
        cmocka_unit_test(what_cannot_be_meant_is_refused_with_its_place),
        cmocka_unit_test(an_open_channel_has_a_literal_address_and_a_key),
        cmocka_unit_test(a_channel_wants_its_kinds_and_roles),
        cmocka_unit_test(a_secret_is_read_only_where_nobody_else_may_read_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
