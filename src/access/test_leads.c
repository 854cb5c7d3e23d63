/* Lines of command: who stands in one line with whom, and lines that cannot be. */
#include "access/access.h"
#include "registry/test_support.h"

/* a ◄─ b ◄─ c;  b ◄─ d;  e and f alone */
static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
enum { USERS = sizeof names / sizeof *names };
static const char *const leads[USERS] = {NULL, "a", "b", "b", NULL, NULL};

static void city_make(struct test_city *city)
{
    struct error err;
    test_city_create(city, true);
    test_fail_on(access_open(&city->platform, &city->platform.access, &err), &err);
}
static void city_remove(struct test_city *city)
{
    access_close(city->platform.access);
    city->platform.access = NULL;
    test_city_remove(city);
}

/* `user add NAME --role press --area 320400 [--lead LEAD]` with a password on standard input. */
static int add(struct test_city *city, const char *name, const char *lead)
{
    test_put(city, "password", "a-long-password\n");
    int fd = openat(city->files_fd, "password", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int code = lead ? test_run_from(city, fd, "user add", name, "--role", "press", "--area",
                                    "320400", "--lead", lead, (const char *)NULL)
                    : test_run_from(city, fd, "user add", name, "--role", "press", "--area",
                                    "320400", (const char *)NULL);
    close(fd);
    return code;
}

static int64_t number_of(struct sql *sql, const char *name)
{
    struct error err;
    int64_t no;
    test_fail_on(access_user_by_name(sql, slice_of(name), &no, &err), &err);
    return no;
}

static void one_line_is_above_below_and_beside(void **state)
{
    (void)state;
    static const bool same[USERS][USERS] = {
        {1, 1, 1, 1, 0, 0}, /* a: above b, c, d */
        {1, 1, 1, 1, 0, 0}, /* b: below a, above c and d */
        {1, 1, 1, 1, 0, 0}, /* c: beside d */
        {1, 1, 1, 1, 0, 0}, {0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 1},
    };
    struct test_city city;
    struct sql *sql;
    struct error err;
    city_make(&city);
    for (int i = 0; i < USERS; i++)
        assert_int_equal(add(&city, names[i], leads[i]), EXIT_DONE);
    test_fail_on(store_read_begin(city.platform.store, &sql, &err), &err);
    for (int i = 0; i < USERS; i++)
        for (int k = 0; k < USERS; k++) {
            bool answer;
            test_fail_on(access_same_line(sql, number_of(sql, names[i]), number_of(sql, names[k]),
                                          &answer, &err),
                         &err);
            if (answer != same[i][k])
                fail_msg("%s and %s", names[i], names[k]);
        }
    store_read_end(city.platform.store, sql);
    city_remove(&city);
}

struct leading {
    const char *user, *lead;
};
static bool set_lead(struct sql *sql, void *context, struct error *err)
{
    struct leading *leading = context;
    int64_t no;
    return access_user_by_name(sql, slice_of(leading->user), &no, err) &&
           access_user_set_lead(sql, no, slice_of(leading->lead), err);
}

static void a_line_neither_goes_round_nor_ends_at_nobody(void **state)
{
    (void)state;
    static const struct leading bad[] = {{"a", "a"}, {"a", "c"}, {"b", "d"}, {"e", "nobody"}};
    struct test_city city;
    city_make(&city);
    for (int i = 0; i < USERS; i++)
        assert_int_equal(add(&city, names[i], leads[i]), EXIT_DONE);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err;
        struct leading leading = bad[i];
        assert_false(store_write(city.platform.store, set_lead, &leading, &err));
        assert_int_equal(err.code, ERROR_BAD_VALUE);
        assert_string_equal(err.field, "lead");
    }
    assert_int_equal(add(&city, "g", "nobody"), EXIT_USAGE); /* and then there is no g */
    assert_int_equal(add(&city, "g", "e"), EXIT_DONE);
    city_remove(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_is_above_below_and_beside),
        cmocka_unit_test(a_line_neither_goes_round_nor_ends_at_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
