/* Goal: every named statement of the house runs on the schema and uses the index that stands beside
 * it, and none reads a large table from end to end unless it says so ("whole table"). */
#include <sqlite3.h>

#include "base/test_support.h"
#include "module/module.h"

/* Tables that stay small whatever the size of the city: they may be read whole. */
static const char *const small_tables[] = {"scene_version", "area", "source", "app_user", "import",
                                           "migration", "event_cursor", "setting",
                                           "retention_run", "retention_hold",
                                           "sunset_signature", "watched_person"};

struct plan_run {
    sqlite3 *database;
    int statements, findings;
};

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Table names and aliases as the plan shows them: "SCAN t", "SCAN area". An alias is looked up in
 * the statement's text: " area t". */
static bool is_small(const char *sql, const char *shown)
{
    size_t length = strcspn(shown, " ");
    for (size_t i = 0; i < ROWS(small_tables); i++) {
        const char *name = small_tables[i];
        char aliased[80];
        if (strlen(name) == length && strncmp(name, shown, length) == 0)
            return true;
        snprintf(aliased, sizeof aliased, " %s %.*s", name, (int)length, shown);
        const char *at = strstr(sql, aliased);
        if (at && strchr(" ,)", at[strlen(aliased)]))
            return true;
    }
    return false;
}

static void finding(struct plan_run *run, const struct sql_text *text, const char *what,
                    const char *detail)
{
    run->findings++;
    print_error("%s: %s: %s\n  index: %s\n  %s\n", text->name, what, detail, text->index,
                text->text);
}

/* The marks of sql.h's `index` that are no name of an index. */
static bool is_index_name(const char *index)
{
    return strspn(index, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(index) &&
           strchr(index, '_');
}

static void check_plan(struct plan_run *run, const struct sql_text *text)
{
    sqlite3_stmt *statement;
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text->text);
    int code = sqlite3_prepare_v2(run->database, explain, -1, &statement, NULL);
    sqlite3_free(explain);
    if (code != SQLITE_OK) {
        finding(run, text, "does not run on the schema", sqlite3_errmsg(run->database));
        return;
    }
    bool whole = begins_with(text->index, "whole "), small = begins_with(text->index, "small ");
    bool named = !is_index_name(text->index) || begins_with(text->text, "INSERT");
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(statement, 3);
        const char *index = strstr(detail, text->index);
        named |= index && strstr(detail, " INDEX ") && strstr(detail, " INDEX ") < index;
        if (begins_with(detail, "SCAN ") && !begins_with(detail, "SCAN CONSTANT ROW") &&
            !begins_with(detail, "SCAN (subquery") && /* its tables have lines of their own */
            !whole && !(small && is_small(text->text, detail + 5)))
            finding(run, text, "reads a table from end to end", detail);
        if (strstr(detail, "AUTOMATIC"))
            finding(run, text, "needs an index that is not there", detail);
    }
    sqlite3_finalize(statement);
    if (!named)
        finding(run, text, "does not use the index beside it", text->index);
}

static void check_list(struct plan_run *run, const struct sql_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct sql_text *text = list->texts[i];
        run->statements++;
        assert_true(text->name && text->text && text->index);
        if (!begins_with(text->text, "CREATE") && !begins_with(text->text, "DROP") &&
            !begins_with(text->text, "PRAGMA"))
            check_plan(run, text);
    }
}

static void make_schema(sqlite3 *database)
{
    size_t count;
    const struct migration *migrations = house_migrations(&count);
    assert_int_equal(sqlite3_exec(database,
                                  "CREATE TABLE migration (name TEXT PRIMARY KEY,"
                                  " applied_at BIGINT NOT NULL)",
                                  NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < count; i++) {
        const struct embedded_file *file = embedded_find(migrations[i].name);
        assert_non_null(file);
        if (sqlite3_exec(database, file->content.data, NULL, NULL, NULL) != SQLITE_OK)
            fail_msg("%s: %s", migrations[i].name, sqlite3_errmsg(database));
    }
}

static void no_statement_reads_a_large_table_from_end_to_end(void **state)
{
    (void)state;
    struct plan_run run = {0};
    assert_int_equal(sqlite3_open(":memory:", &run.database), SQLITE_OK);
    make_schema(run.database);
    for (size_t i = 0; store_statements[i]; i++)
        check_list(&run, store_statements[i]);
    for (size_t m = 0; m < module_count; m++)
        for (size_t i = 0; modules[m]->statements && modules[m]->statements[i]; i++)
            check_list(&run, modules[m]->statements[i]);
    sqlite3_close(run.database);
    assert_true(run.statements > 100);
    assert_int_equal(run.findings, 0);
}

/* The test can fail: what it must find is found. */
static void a_scan_a_wrong_index_and_a_wrong_column_are_found(void **state)
{
    (void)state;
    static const struct sql_text bad[] = {
        {"scan", "SELECT count(*) FROM event WHERE kind = ?1", "primary key"},
        {"not_small", "SELECT count(*) FROM event WHERE kind = ?1", "small table"},
        {"aliased", "SELECT count(*) FROM event area WHERE kind = ?1", "primary key"},
        {"other_index", "SELECT no FROM event WHERE no = ?1", "event_by_area"},
        {"no_column", "SELECT colour FROM event WHERE no = ?1", "primary key"},
        {"join", "SELECT e.no FROM event e JOIN audit a ON a.act = e.kind WHERE e.no > ?1",
         "primary key"},
    };
    static const struct sql_text good[] = {
        {"search", "SELECT kind FROM event WHERE no = ?1", "primary key"},
        {"by_area", "SELECT no FROM event WHERE area_no = ?1", "event_by_area"},
        {"small", "SELECT value FROM setting", "small table"},
        {"small_aliased", "SELECT s.value FROM setting s", "small table"},
        {"whole", "SELECT kind FROM event", "whole table, streamed"},
    };
    struct plan_run run = {0};
    assert_int_equal(sqlite3_open(":memory:", &run.database), SQLITE_OK);
    make_schema(run.database);
    for (size_t i = 0; i < ROWS(good); i++)
        check_plan(&run, &good[i]);
    assert_int_equal(run.findings, 0);
    for (size_t i = 0; i < ROWS(bad); i++) {
        int before = run.findings;
        check_plan(&run, &bad[i]);
        if (run.findings == before)
            fail_msg("nothing was found in %s", bad[i].name);
    }
    sqlite3_close(run.database);
}

static void names_of_statements_are_unique(void **state)
{
    (void)state;
    const char *names[1000];
    size_t count = 0;
    for (size_t m = 0; m <= module_count; m++) {
        const struct sql_list *const *lists =
            m == module_count ? store_statements : modules[m]->statements;
        for (size_t i = 0; lists && lists[i]; i++)
            for (size_t k = 0; k < lists[i]->count && count < ROWS(names); k++)
                names[count++] = lists[i]->texts[k]->name;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(names[i], names[k]) == 0)
                fail_msg("two statements are named %s", names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_statement_reads_a_large_table_from_end_to_end),
        cmocka_unit_test(a_scan_a_wrong_index_and_a_wrong_column_are_found),
        cmocka_unit_test(names_of_statements_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
