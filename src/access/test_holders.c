/* Holders' sessions: bound in every character, free or bound to a device, and their end. */
#include "access/test_support.h"

/* `device` may be NULL: the request came without that cookie. */
static enum error_code verify_on(struct fixture *f, const char *session, const char *device,
                                 uint32_t now)
{
    struct error err = {0};
    uint32_t person;
    uint8_t epoch;
    struct slice mark = device ? slice_of(device) : (struct slice){NULL, 0};
    if (!access_holder_verify(f->platform.access, slice_of(session), mark, now, &person, &epoch,
                              &err))
        return err.code;
    assert_int_equal(person, 77);
    assert_int_equal(epoch, 3);
    return ERROR_NONE;
}

static enum error_code verify(struct fixture *f, const char *session, uint32_t now)
{
    return verify_on(f, session, NULL, now);
}

/* A session of person 77 that is bound to a new device. */
static void bound_session(struct fixture *f, uint64_t nonce, char device[ACCESS_DEVICE_BYTES],
                          char session[HOLDER_SESSION_BYTES])
{
    access_device_mark(f->platform.access, (struct slice){NULL, 0}, device);
    access_holder_session(f->platform.access, 77, 3, 1000, 2000, nonce, session);
    access_holder_bind(f->platform.access, device, session);
}

static void a_holders_session_is_bound_in_every_character(void **state)
{
    struct fixture *f = *state;
    char session[HOLDER_SESSION_BYTES];
    access_holder_session(f->platform.access, 77, 3, 1000, 2000, 5, session);
    assert_int_equal(verify(f, session, 1999), ERROR_NONE);
    assert_int_equal(verify(f, session, 2000), ERROR_UNAUTHENTICATED);
    for (size_t i = 0; i < strlen(session); i++) {
        char kept = session[i];
        session[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(verify(f, session, 1500), ERROR_UNAUTHENTICATED);
        session[i] = kept;
    }
    session[strlen(session) - 1] = '\0';
    assert_int_equal(verify(f, session, 1500), ERROR_UNAUTHENTICATED);
    assert_int_equal(verify(f, "h1.", 1500), ERROR_UNAUTHENTICATED);
    assert_int_equal(verify(f, "", 1500), ERROR_UNAUTHENTICATED);
}

static void a_bound_session_is_good_on_its_device_only(void **state)
{
    struct fixture *f = *state;
    char device[ACCESS_DEVICE_BYTES], other[ACCESS_DEVICE_BYTES], session[HOLDER_SESSION_BYTES];
    bound_session(f, 5, other, session);
    bound_session(f, 5, device, session);
    assert_string_not_equal(device, other);
    assert_int_equal(verify_on(f, session, device, 1999), ERROR_NONE);
    assert_int_equal(verify_on(f, session, device, 2000), ERROR_UNAUTHENTICATED);
    assert_int_equal(verify_on(f, session, NULL, 1500), ERROR_UNAUTHENTICATED);
    assert_int_equal(verify_on(f, session, "", 1500), ERROR_UNAUTHENTICATED);
    assert_int_equal(verify_on(f, session, "d1.", 1500), ERROR_UNAUTHENTICATED);
    assert_int_equal(verify_on(f, session, other, 1500), ERROR_UNAUTHENTICATED);
    for (size_t i = 0; i < strlen(device); i++) {
        char kept = device[i];
        device[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(verify_on(f, session, device, 1500), ERROR_UNAUTHENTICATED);
        device[i] = kept;
    }
    for (size_t i = 0; i < strlen(session); i++) {
        char kept = session[i];
        session[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(verify_on(f, session, device, 1500), ERROR_UNAUTHENTICATED);
        session[i] = kept;
    }
    session[1] = '1'; /* the same numbers, called unbound */
    assert_int_equal(verify_on(f, session, device, 1500), ERROR_UNAUTHENTICATED);
    access_holder_session(f->platform.access, 77, 3, 1000, 2000, 5, session);
    session[1] = '2'; /* and the other way round */
    assert_int_equal(verify_on(f, session, device, 1500), ERROR_UNAUTHENTICATED);
}

static void a_device_keeps_its_mark_and_no_made_up_one_is_taken(void **state)
{
    struct fixture *f = *state;
    struct access *access = f->platform.access;
    char device[ACCESS_DEVICE_BYTES], again[ACCESS_DEVICE_BYTES];
    access_device_mark(access, (struct slice){NULL, 0}, device);
    access_device_mark(access, slice_of(device), again);
    assert_string_equal(device, again);
    device[20] = device[20] == 'A' ? 'B' : 'A'; /* chosen by who planted it */
    access_device_mark(access, slice_of(device), again);
    assert_string_not_equal(device, again);
}

static void a_city_that_is_no_demo_takes_bound_sessions_only(void **state)
{
    struct fixture *f = *state;
    char device[ACCESS_DEVICE_BYTES], session[HOLDER_SESSION_BYTES], free[HOLDER_SESSION_BYTES];
    bound_session(f, 5, device, session);
    access_holder_session(f->platform.access, 77, 3, 1000, 2000, 5, free);
    assert_int_equal(verify(f, free, 1500), ERROR_NONE);
    f->platform.demo = false;
    assert_int_equal(verify(f, free, 1500), ERROR_UNAUTHENTICATED);
    assert_int_equal(verify_on(f, free, device, 1500), ERROR_UNAUTHENTICATED);
    assert_int_equal(verify_on(f, session, device, 1500), ERROR_NONE);
}

static void a_bound_session_is_ended_on_its_device_and_stays_ended(void **state)
{
    struct fixture *f = *state;
    struct error err;
    char device[ACCESS_DEVICE_BYTES], other[ACCESS_DEVICE_BYTES], session[HOLDER_SESSION_BYTES];
    uint32_t now = (uint32_t)(f->world.fixed / SECOND);
    access_device_mark(f->platform.access, (struct slice){NULL, 0}, device);
    access_device_mark(f->platform.access, (struct slice){NULL, 0}, other);
    access_holder_session(f->platform.access, 77, 3, now, now + 60, 5, session);
    access_holder_bind(f->platform.access, device, session);
    assert_false(access_holder_end(f->platform.access, slice_of(session), slice_of(other), &err));
    assert_int_equal(err.code, ERROR_UNAUTHENTICATED);
    assert_int_equal(verify_on(f, session, device, now), ERROR_NONE);
    fail_on(access_holder_end(f->platform.access, slice_of(session), slice_of(device), &err), &err);
    assert_int_equal(verify_on(f, session, device, now), ERROR_UNAUTHENTICATED);
    close_city(f);
    open_city(f);
    assert_int_equal(verify_on(f, session, device, now), ERROR_UNAUTHENTICATED);
}

static void thousands_of_ended_sessions_stay_ended_and_no_other_is(void **state)
{
    struct fixture *f = *state;
    struct error err;
    enum { COUNT = 600 };
    struct slice none = {NULL, 0};
    uint32_t now = (uint32_t)(f->world.fixed / SECOND);
    char session[HOLDER_SESSION_BYTES];
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            access_holder_session(f->platform.access, 77, 3, now, now + 60, i, session);
            if (i % 2 == 0 && round == 0)
                fail_on(access_holder_end(f->platform.access, slice_of(session), none, &err), &err);
            assert_int_equal(verify(f, session, now),
                             i % 2 == 0 ? ERROR_UNAUTHENTICATED : ERROR_NONE);
        }
        close_city(f);
        open_city(f);
    }
    for (int times = 0; times < 2; times++) /* twice is done */
        fail_on(access_holder_end(f->platform.access, slice_of(session), none, &err), &err);
    session[10] ^= 1;
    assert_false(access_holder_end(f->platform.access, slice_of(session), none, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_holders_session_is_bound_in_every_character),
        TEST(a_bound_session_is_good_on_its_device_only),
        TEST(a_device_keeps_its_mark_and_no_made_up_one_is_taken),
        TEST(a_city_that_is_no_demo_takes_bound_sessions_only),
        TEST(a_bound_session_is_ended_on_its_device_and_stays_ended),
        TEST(thousands_of_ended_sessions_stay_ended_and_no_other_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
