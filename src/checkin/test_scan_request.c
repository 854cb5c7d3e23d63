/* Goal: the body of POST /scans is read as it is meant, or refused with the field that is wrong; no
 * body, however long, deep or broken, does anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "checkin/scan_request.h"

static void a_whole_body_is_read(void **state)
{
    (void)state;
    struct scan_request request;
    struct error err;
    timestamp time;
    assert_true(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &time));
    assert_true(scan_request_parse(
        SLICE(" {\"companions\":[{\"code\":\"c1.x\"},{\"id_number\":\"1\"}],\"client_id\":"
              "\"\\u57ce7\","
              "\"direction\":\"pass\",\"holder\":{\"paper_code\":\"p\\\"1\"},\"client_time\":"
              "\"2022-04-14T06:30:00Z\",\"venue_token\":\"v1.abc\"} \n"),
        &request, &err));
    assert_true(slice_equal(request.venue_token, SLICE("v1.abc")));
    assert_int_equal(request.holder.form, HOLDER_PAPER_CODE);
    assert_true(slice_equal(request.holder.text, SLICE("p\"1")));
    assert_int_equal(request.companion_count, 2);
    assert_int_equal(request.companions[0].form, HOLDER_CODE);
    assert_int_equal(request.companions[1].form, HOLDER_ID_NUMBER);
    assert_int_equal(request.direction, DIRECTION_PASS);
    assert_int_equal(request.client_time, time);
    assert_true(slice_equal(request.client_id, SLICE("城7")));
    assert_true(scan_request_parse(
        SLICE("{\"venue_token\":\"v\",\"holder\":{\"session\":\"s\"},\"companions\":[],"
              "\"client_time\":null,\"client_id\":null,\"direction\":null}"),
        &request, &err));
    assert_int_equal(request.companion_count, 0);
    assert_int_equal(request.direction, DIRECTION_IN);
    assert_int_equal(request.client_time, TIMESTAMP_NONE);
    assert_int_equal(request.client_id.length, 0);
}

#define WITH(more) "{\"venue_token\":\"v\",\"holder\":{\"session\":\"s\"}," more "}"
static const struct {
    const char *body, *field;
    enum error_code code;
} refused[] = {
    {"", "body", ERROR_SYNTAX},
    {"{", "body", ERROR_SYNTAX},
    {"{}}", "body", ERROR_SYNTAX},
    {"{\"venue_token\":\"v\"", "body", ERROR_SYNTAX},
    {"{\"venue_token\":\"\xff\"}", "body", ERROR_SYNTAX},
    {"[]", "body", ERROR_BAD_VALUE},
    {"\"text\"", "body", ERROR_BAD_VALUE},
    {"7", "body", ERROR_BAD_VALUE},
    {"null", "body", ERROR_BAD_VALUE},
    {"{}", "venue_token", ERROR_BAD_VALUE},
    {"{\"venue_token\":\"v\"}", "holder", ERROR_BAD_VALUE},
    {"{\"venue_token\":null,\"holder\":{\"session\":\"s\"}}", "venue_token", ERROR_BAD_VALUE},
    {"{\"venue_token\":7}", "venue_token", ERROR_BAD_VALUE},
    {"{\"venue_token\":{}}", "venue_token", ERROR_BAD_VALUE},
    {"{\"venue_token\":[]}", "venue_token", ERROR_BAD_VALUE},
    {"{\"venue_token\":\"v\",\"holder\":\"s\"}", "holder", ERROR_BAD_VALUE},
    {"{\"venue_token\":\"v\",\"holder\":{}}", "holder", ERROR_BAD_VALUE},
    {"{\"venue_token\":\"v\",\"holder\":{\"name\":\"s\"}}", "holder", ERROR_BAD_VALUE},
    {"{\"venue_token\":\"v\",\"holder\":{\"code\":true}}", "code", ERROR_BAD_VALUE},
    {"{\"venue_token\":\"v\",\"holder\":{\"code\":\"a\",\"session\":\"b\"}}", "session",
     ERROR_BAD_VALUE},
    {WITH("\"direction\":\"up\""), "direction", ERROR_BAD_VALUE},
    {WITH("\"client_time\":\"yesterday\""), "client_time", ERROR_BAD_VALUE},
    {WITH("\"client_time\":1649917800"), "client_time", ERROR_BAD_VALUE},
    {WITH("\"companions\":\"c\""), "companions", ERROR_BAD_VALUE},
    {WITH("\"companions\":[\"c\"]"), "companions", ERROR_BAD_VALUE},
    {WITH("\"companions\":[[]]"), "companions", ERROR_BAD_VALUE},
    {WITH("\"companions\":[{}]"), "companions", ERROR_BAD_VALUE},
    {WITH("\"companions\":[{\"code\":{}}]"), "code", ERROR_BAD_VALUE},
    {WITH("\"venue_token\":\"w\""), "venue_token", ERROR_BAD_VALUE},
    {WITH("\"colour\":\"green\""), "colour", ERROR_BAD_VALUE},
};

static void every_refusal_names_its_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct scan_request request;
        struct error err = {0};
        if (scan_request_parse(slice_of(refused[i].body), &request, &err))
            fail_msg("%s was taken", refused[i].body);
        if (err.code != refused[i].code || strcmp(err.field, refused[i].field) != 0)
            fail_msg("%s: field %s, code %d", refused[i].body, err.field, err.code);
        assert_true(err.expected[0] != '\0');
    }
}

static void long_and_deep_bodies_are_refused(void **state)
{
    (void)state;
    enum { DEPTH = 100000, LONG = 8 << 20 };
    struct scan_request request;
    struct error err;
    struct buffer body;
    buffer_init(&body, 2 * LONG);
    static const char *const openings[] = {"[", "{\"a\":", "{\"holder\":", "{\"companions\":["};
    for (size_t i = 0; i < 4; i++) {
        buffer_clear(&body);
        for (int k = 0; k < DEPTH; k++)
            buffer_append_text(&body, openings[i]);
        assert_false(scan_request_parse(buffer_slice(&body), &request, &err));
    }
    static const char *const fields[] = {"venue_token", "client_id", "direction"};
    for (size_t i = 0; i < 3; i++) {
        buffer_clear(&body);
        buffer_print(&body, "{\"%s\":\"", fields[i]);
        for (int k = 0; k < LONG / 16; k++)
            buffer_append_text(&body, "0123456789abcdef");
        buffer_append_text(&body, "\"}");
        assert_false(scan_request_parse(buffer_slice(&body), &request, &err));
        assert_string_equal(err.field, fields[i]);
    }
    buffer_clear(&body); /* all texts together have a bound too */
    buffer_append_text(&body, "{\"venue_token\":\"v\",\"companions\":[");
    for (int k = 0; k < 8; k++)
        buffer_print(&body, "%s{\"code\":\"%01000d\"}", k ? "," : "", k);
    buffer_append_text(&body, "]}");
    assert_false(scan_request_parse(buffer_slice(&body), &request, &err));
    assert_string_equal(err.field, "code");
    buffer_release(&body);
}

/* A good body cut at every byte and with every byte changed: taken or refused, nothing else. */
static void any_broken_body_is_taken_or_refused(void **state)
{
    (void)state;
    static const char good[] =
        "{\"venue_token\":\"v1.a\\u00e9\",\"holder\":{\"session\":\"h1.b\"},\"companions\":[{"
        "\"code\":"
        "\"c\"}],\"client_id\":\"7\",\"client_time\":\"2022-04-14T06:30:00Z\"}";
    struct scan_request request;
    struct error err;
    size_t taken = 0;
    assert_true(scan_request_parse(slice_of(good), &request, &err));
    for (size_t at = 0; at + 1 < sizeof good; at++) {
        assert_false(scan_request_parse((struct slice){good, at}, &request, &err));
        for (int byte = 0; byte < 256; byte += 3) {
            char changed[sizeof good];
            memcpy(changed, good, sizeof good);
            changed[at] = (char)byte;
            taken += scan_request_parse((struct slice){changed, sizeof good - 1}, &request, &err);
        }
    }
    assert_true(taken > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_body_is_read),
        cmocka_unit_test(every_refusal_names_its_field),
        cmocka_unit_test(long_and_deep_bodies_are_refused),
        cmocka_unit_test(any_broken_body_is_taken_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
