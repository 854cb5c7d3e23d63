/* Goal: every table of the house belongs to a class, and policies/retention.yaml is taken as a
 * whole or refused with its place. */
#include <sqlite3.h>

#include "base/test_support.h"
#include "keeping/keeping_internal.h"
#include "policy/yaml.h"

static void make_schema(sqlite3 *database)
{
    size_t count;
    const struct migration *migrations = house_migrations(&count);
    assert_int_equal(sqlite3_exec(database, "CREATE TABLE migration (name TEXT PRIMARY KEY)", NULL,
                                  NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < count; i++) {
        const struct embedded_file *file = embedded_find(migrations[i].name);
        assert_non_null(file);
        char *script = strndup(file->content.data, file->content.length);
        assert_int_equal(sqlite3_exec(database, script, NULL, NULL, NULL), SQLITE_OK);
        free(script);
    }
}

static bool is_listed(const char *table)
{
    for (size_t i = 0; i < record_table_count; i++)
        if (strcmp(record_tables[i].name, table) == 0)
            return true;
    return false;
}

static void every_table_of_the_house_belongs_to_a_class(void **state)
{
    (void)state;
    sqlite3 *database;
    sqlite3_stmt *statement;
    size_t tables = 0, missing = 0;
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    make_schema(database);
    assert_int_equal(sqlite3_prepare_v2(database,
                                        "SELECT name FROM sqlite_master WHERE type = 'table'"
                                        " AND name NOT LIKE 'sqlite_%'",
                                        -1, &statement, NULL), SQLITE_OK);
    for (; sqlite3_step(statement) == SQLITE_ROW; tables++) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        if (!is_listed(name)) {
            print_error("the table %s has no class: name it in src/keeping/classes.c\n", name);
            missing++;
        }
    }
    sqlite3_finalize(statement);
    assert_int_equal(missing, 0);
    assert_int_equal(tables, record_table_count); /* and none is listed that does not exist */
    for (size_t i = 0; i < record_table_count; i++)
        assert_int_equal(sqlite3_exec(database, record_tables[i].close->text, NULL, NULL, NULL),
                         SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "INSERT INTO person (area_no, import_no) VALUES (1, 1)",
                                  NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_non_null(strstr(sqlite3_errmsg(database), "personal data of this city were destroyed"));
    sqlite3_close(database);
}

/* ---- The policy */

static struct slice built_in(void)
{
    const struct embedded_file *file = embedded_find("policies/retention.yaml");
    assert_non_null(file);
    return file->content;
}

static void the_built_in_policy_has_the_domains_numbers(void **state)
{
    (void)state;
    struct error err;
    json_t *document;
    struct retention_policy policy;
    test_done_or_fail(yaml_read(built_in(), "retention.yaml", &document, &err), &err);
    test_done_or_fail(retention_policy_read(document, &policy, &err), &err);
    json_decref(document);
    assert_int_equal(policy.rules[CLASS_PRESENCE].days, 28);
    assert_int_equal(policy.rules[CLASS_PERSONS].days, 0);
    assert_false(policy.rules[CLASS_PERSONS].kept_at_sunset);
    assert_true(policy.rules[CLASS_AGGREGATES].kept_at_sunset);
    assert_true(hands_have(&policy.sunset, "auditor") && !hands_have(&policy.sunset, "sampler"));
}

/* The built-in file with one piece of it exchanged. */
static void expect_refused(const char *piece, const char *other, const char *source,
                           const char *field)
{
    struct slice text = built_in();
    struct error err = {0};
    struct buffer changed;
    const char *at = memmem(text.data, text.length, piece, strlen(piece));
    assert_non_null(at);
    size_t before = (size_t)(at - text.data), after = before + strlen(piece);
    buffer_init(&changed, 1 << 20);
    buffer_append(&changed, text.data, before);
    buffer_append_text(&changed, other);
    buffer_append(&changed, text.data + after, text.length - after);
    if (keeping_check_policy(buffer_slice(&changed), &err))
        fail_msg("'%s' for '%s' was taken", other, piece);
    buffer_release(&changed);
    assert_string_equal(err.source, source);
    assert_string_equal(err.field, field);
}

static void a_policy_is_refused_with_class_and_field(void **state)
{
    (void)state;
    static const struct {
        const char *piece, *other, *source, *field;
    } rows[] = {
        {"days: 28", "days: 0", "presence", "days"},
        {"days: 28", "days: 3651", "presence", "days"},
        {"days: 28", "days: 2.5", "presence", "days"},
        {"days: 28", "days: sunset", "presence", "days"},
        {"days: 28", "days: forever", "presence", "days"},
        {"days: 28", "dayz: 28", "presence", "dayz"},
        {"days: 28\n    at_sunset: destroy", "days: 28\n    at_sunset: keep", "presence",
         "at_sunset"},
        {"days: 28\n    at_sunset: destroy", "days: 28\n    at_sunset: maybe", "presence",
         "at_sunset"},
        {"zh: 病例, en: \"Cases\"}\n    days: sunset", "zh: 病例, en: \"Cases\"}\n    days: 30",
         "cases", "days"},
        {"en: \"Cases\"}\n    days: sunset\n    at_sunset: destroy",
         "en: \"Cases\"}\n    days: sunset\n    at_sunset: keep", "cases", "at_sunset"},
        {"en: \"Audit chain\"}\n    days: sunset\n    at_sunset: keep",
         "en: \"Audit chain\"}\n    days: sunset\n    at_sunset: destroy", "audit", "at_sunset"},
        {"zh: 扫码行程", "zh: \"\"", "presence", "zh"},
        {"  tests:\n", "  pests:\n", "retention.yaml", "classes"},
        {"holds: [auditor, command, cdc_lead]", "holds: []", "hands", "holds"},
        {"sunset: [command, auditor]", "sunset: [command]", "hands", "sunset"},
        {"sunset: [command, auditor]", "sunset: [command, command]", "hands", "sunset"},
        {"sunset: [command, auditor]", "sunset: [command, 7]", "hands", "sunset"},
        {"hands:\n", "feet:\n", "retention.yaml", "feet"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        expect_refused(rows[i].piece, rows[i].other, rows[i].source, rows[i].field);
    struct error err;
    assert_false(keeping_check_policy(SLICE("[]"), &err));
    assert_false(keeping_check_policy(SLICE("classes: 7"), &err));
    assert_false(keeping_check_policy(SLICE(""), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_of_the_house_belongs_to_a_class),
        cmocka_unit_test(the_built_in_policy_has_the_domains_numbers),
        cmocka_unit_test(a_policy_is_refused_with_class_and_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
