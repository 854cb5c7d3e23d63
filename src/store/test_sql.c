/* Goal: what is bound comes back the same, what cannot be run is an error that names its statement,
 * and misuse of a query ends the process. */
#include "store/test_support.h"

static const struct sql_text values_insert = {
    "values_insert", "INSERT INTO five (a, b, c, d, e) VALUES (?1, ?2, ?3, ?4, ?5)", "none"};
static const struct sql_text values_select = {
    "values_select", "SELECT a, b, c, d, e FROM five", "whole table"};
static const struct sql_text no_such_table = {
    "no_such_table", "SELECT 1 FROM absent", "none"};
static const struct sql_text unique_insert = {
    "unique_insert", "INSERT INTO setting (name, value) VALUES ('once', ?1)", "primary key"};
static const struct sql_text mark_update = {
    "mark_update", "UPDATE mark SET word = 'new' WHERE no >= ?1", "whole table"};
static const struct sql_text mark_all = {
    "mark_all", "SELECT no FROM mark ORDER BY no", "whole table"};
static const struct sql_text max_of_nothing = {
    "max_of_nothing", "SELECT max(no) FROM mark", "whole table"};
static const struct sql_text no_row = {
    "no_row", "SELECT no FROM mark WHERE no = -1", "whole table"};

static bool put_values(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return sql_script(sql, "CREATE TABLE five (a, b, c, d, e)", err) &&
           sql_run(sql, &values_insert,
                   SQL_ARGUMENTS(sql_int(INT64_MIN), sql_real(0.1), sql_text(SLICE("城\0脉")),
                                 sql_blob(SLICE("\x00\xFF")), sql_time(TIMESTAMP_NONE)),
                   err) &&
           sql_run(sql, &values_insert,
                   SQL_ARGUMENTS(sql_null(), sql_time(5), sql_text(SLICE("")), sql_blob(SLICE("")),
                                 sql_text((struct slice){NULL, 0})),
                   err);
}

static void bound_values_come_back_the_same(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct sql *sql;
    struct sql_query *query;
    bool row;
    test_store_create(&test);
    test_done_or_fail(store_write(test.store, put_values, NULL, &err), &err);
    test_done_or_fail(store_read_begin(test.store, &sql, &err), &err);
    test_done_or_fail(sql_begin(sql, &values_select, NULL, 0, &query, &err), &err);
    assert_true(sql_next(query, &row, &err) && row);
    assert_true(sql_get_int(query, 0) == INT64_MIN);
    assert_true(sql_get_real(query, 1) == 0.1);
    assert_true(slice_equal(sql_get_text(query, 2), SLICE("城\0脉")));
    assert_true(slice_equal(sql_get_blob(query, 3), SLICE("\x00\xFF")));
    assert_true(sql_is_null(query, 4));
    assert_true(sql_get_time(query, 4) == TIMESTAMP_NONE);
    assert_int_equal(sql_get_int(query, 4), 0);
    assert_null(sql_get_text(query, 4).data);
    assert_null(sql_get_blob(query, 4).data);
    assert_true(sql_next(query, &row, &err) && row);
    assert_true(sql_is_null(query, 0));
    assert_int_equal(sql_get_time(query, 1), 5);
    assert_true(sql_get_text(query, 2).data && sql_get_text(query, 2).length == 0);
    assert_true(sql_get_blob(query, 3).data && sql_get_blob(query, 3).length == 0);
    assert_true(sql_is_null(query, 4));
    assert_true(sql_next(query, &row, &err) && !row);
    sql_end(query); /* fully stepped: ended already */
    sql_end(NULL);
    store_read_end(test.store, sql);
    test_store_remove(&test);
}

static bool run_text(struct sql *sql, void *context, struct error *err)
{
    return sql_run(sql, context, NULL, 0, err);
}
static bool put_once(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return sql_run(sql, &unique_insert, SQL_ARGUMENTS(sql_text(SLICE("x"))), err);
}
static bool put_null(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return sql_run(sql, &unique_insert, SQL_ARGUMENTS(sql_null()), err);
}

static void a_refusal_names_the_statement_and_its_kind(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    test_store_create(&test);
    assert_false(store_write(test.store, run_text, (void *)&no_such_table, &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_string_equal(err.source, "no_such_table");
    assert_non_null(strstr(err.what, "no such table: absent"));
    test_done_or_fail(store_write(test.store, put_once, NULL, &err), &err);
    assert_false(store_write(test.store, put_once, NULL, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    assert_string_equal(err.source, "unique_insert");
    assert_false(store_write(test.store, put_null, NULL, &err)); /* NOT NULL */
    assert_int_equal(err.code, ERROR_CONFLICT);
    test_store_remove(&test);
}

static void a_reader_cannot_write(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct sql *sql;
    test_store_create(&test);
    test_done_or_fail(store_read_begin(test.store, &sql, &err), &err);
    assert_false(sql_run(sql, &unique_insert, SQL_ARGUMENTS(sql_text(SLICE("x"))), &err));
    assert_non_null(strstr(err.what, "readonly"));
    store_read_end(test.store, sql);
    test_store_remove(&test);
}

static bool update_from(struct sql *sql, void *context, struct error *err)
{
    int64_t *range = context; /* in: first number; out: how many */
    return sql_run_count(sql, &mark_update, SQL_ARGUMENTS(sql_int(*range)), range, err);
}

static void changed_rows_are_counted(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    test_store_create(&test);
    for (int64_t no = 1; no <= 5; no++) {
        struct test_job job = {.no = no};
        test_done_or_fail(store_write(test.store, test_mark, &job, &err), &err);
    }
    int64_t range = 3;
    test_done_or_fail(store_write(test.store, update_from, &range, &err), &err);
    assert_int_equal(range, 3);
    range = 6;
    test_done_or_fail(store_write(test.store, update_from, &range, &err), &err);
    assert_int_equal(range, 0);
    test_store_remove(&test);
}

static void one_number_is_the_absent_value_where_there_is_none(void **state)
{
    (void)state;
    struct test_store test;
    test_store_create(&test);
    assert_int_equal(test_number(&test, &no_row, NULL), -1);
    assert_int_equal(test_number(&test, &max_of_nothing, NULL), -1); /* a row that holds NULL */
    assert_int_equal(test_number(&test, &test_count_all, NULL), 0);
    test_store_remove(&test);
}

static void statements_are_counted_for_limits_in_tests(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct sql *sql;
    int64_t value;
    test_store_create(&test);
    test_done_or_fail(store_read_begin(test.store, &sql, &err), &err);
    int64_t before = sql_statement_count(sql);
    for (int i = 0; i < 3; i++)
        assert_true(sql_one_int(sql, &test_count_all, NULL, 0, 0, &value, &err));
    assert_int_equal(sql_statement_count(sql) - before, 3);
    store_read_end(test.store, sql);
    test_store_remove(&test);
}

static void a_query_given_up_in_the_middle_is_usable_again(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct sql *sql;
    struct sql_query *query;
    bool row;
    test_store_create(&test);
    for (int64_t no = 1; no <= 3; no++) {
        struct test_job job = {.no = no};
        test_done_or_fail(store_write(test.store, test_mark, &job, &err), &err);
    }
    test_done_or_fail(store_read_begin(test.store, &sql, &err), &err);
    for (int round = 0; round < 3; round++) {
        test_done_or_fail(sql_begin(sql, &mark_all, NULL, 0, &query, &err), &err);
        assert_true(sql_next(query, &row, &err) && row);
        assert_int_equal(sql_get_int(query, 0), 1);
        if (round < 2)
            sql_end(query);
    }
    store_read_end(test.store, sql); /* ends what was left open */
    test_done_or_fail(store_read_begin(test.store, &sql, &err), &err);
    test_done_or_fail(sql_begin(sql, &mark_all, NULL, 0, &query, &err), &err);
    store_read_end(test.store, sql);
    test_store_remove(&test);
}

/* In a child process, where no thread of ours runs but its own. */
static void begin_twice(void *context)
{
    (void)context;
    struct error err;
    struct world world;
    struct sql *sql;
    struct sql_query *query;
    static const struct sql_text one = {"one", "SELECT 1", "none"};
    world_init(&world);
    if (!sql_open(":memory:", false, &world, &sql, &err) ||
        !sql_begin(sql, &one, NULL, 0, &query, &err))
        _exit(1);
    bool begun = sql_begin(sql, &one, NULL, 0, &query, &err);
    _exit(begun ? 2 : 3);
}
static void bind_too_few(void *context)
{
    (void)context;
    struct error err;
    struct world world;
    struct sql *sql;
    static const struct sql_text two = {"two", "SELECT ?1, ?2", "none"};
    world_init(&world);
    if (!sql_open(":memory:", false, &world, &sql, &err))
        _exit(1);
    bool run = sql_run(sql, &two, SQL_ARGUMENTS(sql_int(1)), &err);
    _exit(run ? 2 : 3);
}
static void a_busy_query_or_a_wrong_number_of_arguments_is_a_bug(void **state)
{
    (void)state;
    test_aborts(begin_twice, NULL);
    test_aborts(bind_too_few, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_values_come_back_the_same),
        cmocka_unit_test(a_refusal_names_the_statement_and_its_kind),
        cmocka_unit_test(a_reader_cannot_write),
        cmocka_unit_test(changed_rows_are_counted),
        cmocka_unit_test(one_number_is_the_absent_value_where_there_is_none),
        cmocka_unit_test(statements_are_counted_for_limits_in_tests),
        cmocka_unit_test(a_query_given_up_in_the_middle_is_usable_again),
        cmocka_unit_test(a_busy_query_or_a_wrong_number_of_arguments_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
