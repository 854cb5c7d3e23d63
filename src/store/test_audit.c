/* Goal: a changed, removed, added or moved audit record is found and named. */
#include "store/test_support.h"

enum { RECORDS = 12 };

static bool append(struct sql *sql, void *context, struct error *err)
{
    const int64_t *no = context;
    char fields[40];
    snprintf(fields, sizeof fields, "name,phone-%lld", (long long)*no);
    struct audit_entry entry = {.actor = SLICE("zhang"),
                                .act = SLICE("person.read"),
                                .purpose = *no % 2 ? SLICE("case:7") : (struct slice){NULL, 0},
                                .subject_no = 100 + *no,
                                .count = 1,
                                .fields = slice_of(fields)};
    return audit_append(sql, &entry, 1649917800 * SECOND, err);
}
static void make_chain(struct test_store *test)
{
    struct error err;
    test_store_create(test);
    for (int64_t no = 1; no <= RECORDS; no++)
        test_done_or_fail(store_write(test->store, append, &no, &err), &err);
}
static int64_t first_broken(struct test_store *test, int64_t from, int64_t *ret_count)
{
    struct error err;
    struct sql *sql;
    int64_t broken;
    test_done_or_fail(store_read_begin(test->store, &sql, &err), &err);
    test_done_or_fail(audit_verify(sql, from, INT64_MAX, &broken, ret_count, &err), &err);
    store_read_end(test->store, sql);
    return broken;
}
/* The same in stretches, each a read of its own. */
static int64_t first_broken_in_stretches(struct test_store *test, int64_t *ret_count)
{
    enum { STRETCH = 5 };
    struct error err;
    int64_t broken = 0, last = 1;
    *ret_count = 0;
    for (int64_t at = 1; at <= last && !broken; at += STRETCH) {
        struct sql *sql;
        int64_t count;
        test_done_or_fail(store_read_begin(test->store, &sql, &err), &err);
        test_done_or_fail(audit_newest(sql, &last, &err), &err);
        int64_t to = last - at < STRETCH ? INT64_MAX : at + STRETCH - 1;
        test_done_or_fail(audit_verify(sql, at, to, &broken, &count, &err), &err);
        store_read_end(test->store, sql);
        *ret_count += count;
    }
    return broken;
}
static bool run_script(struct sql *sql, void *context, struct error *err)
{
    return sql_script(sql, context, err);
}

static void an_untouched_chain_is_whole_from_any_record_on(void **state)
{
    (void)state;
    struct test_store test;
    int64_t count;
    test_store_create(&test);
    assert_int_equal(first_broken(&test, 1, &count), 0);
    assert_int_equal(count, 0);
    test_store_remove(&test);
    make_chain(&test);
    test_store_close(&test);
    test_store_open(&test);
    for (int64_t from = 1; from <= RECORDS; from++) {
        assert_int_equal(first_broken(&test, from, &count), 0);
        assert_int_equal(count, RECORDS - from + 1);
    }
    assert_int_equal(first_broken_in_stretches(&test, &count), 0);
    assert_int_equal(count, RECORDS);
    struct error err;
    int64_t next = RECORDS + 1; /* goes on after a restart */
    test_done_or_fail(store_write(test.store, append, &next, &err), &err);
    assert_int_equal(first_broken(&test, 1, &count), 0);
    assert_int_equal(count, RECORDS + 1);
    test_store_remove(&test);
}

static void whatever_is_done_to_a_record_is_found_and_named(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int64_t named;
    } tampering[] = {
        {"UPDATE audit SET real_at = real_at + 1 WHERE no = 5", 5},
        {"UPDATE audit SET city_at = city_at + 1 WHERE no = 5", 5},
        {"UPDATE audit SET actor = 'li' WHERE no = 5", 5},
        {"UPDATE audit SET act = 'trace' WHERE no = 5", 5},
        {"UPDATE audit SET purpose = '' WHERE no = 5", 5},
        {"UPDATE audit SET subject_no = 1 WHERE no = 5", 5},
        {"UPDATE audit SET row_count = 0 WHERE no = 5", 5},
        {"UPDATE audit SET fields = '' WHERE no = 5", 5},
        {"UPDATE audit SET hash = zeroblob(32) WHERE no = 5", 5},
        {"UPDATE audit SET hash = x'' WHERE no = 5", 5},
        {"UPDATE audit SET actor = 'zhangp', act = 'erson.read' WHERE no = 5", 5}, /* moved */
        {"DELETE FROM audit WHERE no = 5", 5},
        {"DELETE FROM audit WHERE no = 1", 1},
        {"DELETE FROM audit WHERE no < 4", 1},
        {"DELETE FROM audit WHERE no = 5; UPDATE audit SET no = no - 1 WHERE no > 5", 5},
        {"UPDATE audit SET no = 99 WHERE no = 5; UPDATE audit SET no = 5 WHERE no = 6;"
         "UPDATE audit SET no = 6 WHERE no = 99", 5}, /* exchanged */
        {"INSERT INTO audit SELECT no + 1, real_at, city_at, actor, act, purpose, subject_no,"
         " row_count, fields, hash FROM audit WHERE no = 12", 13}, /* one record twice */
        {"INSERT INTO audit SELECT 0, real_at, city_at, actor, act, purpose, subject_no,"
         " row_count, fields, hash FROM audit WHERE no = 12", 1}, /* before the first */
    };
    for (size_t i = 0; i < ROWS(tampering); i++) {
        struct test_store test;
        struct error err;
        int64_t count;
        make_chain(&test);
        test_done_or_fail(
            store_write(test.store, run_script, (void *)(uintptr_t)tampering[i].script, &err),
            &err);
        int64_t broken = first_broken(&test, 1, &count);
        if (broken != tampering[i].named)
            fail_msg("%s: named %lld", tampering[i].script, (long long)broken);
        broken = first_broken_in_stretches(&test, &count);
        if (broken != tampering[i].named)
            fail_msg("%s: in stretches named %lld", tampering[i].script, (long long)broken);
        test_store_remove(&test);
    }
}

static void damage_before_the_record_asked_for_is_not_its_fault(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    int64_t count;
    make_chain(&test);
    test_done_or_fail(
        store_write(test.store, run_script, "UPDATE audit SET actor = 'li' WHERE no = 5", &err),
        &err);
    assert_int_equal(first_broken(&test, 5, &count), 5);
    assert_int_equal(first_broken(&test, 6, &count), 0); /* stands on the stored hash of 5 */
    assert_int_equal(count, RECORDS - 5);
    test_store_remove(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untouched_chain_is_whole_from_any_record_on),
        cmocka_unit_test(whatever_is_done_to_a_record_is_found_and_named),
        cmocka_unit_test(damage_before_the_record_asked_for_is_not_its_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
