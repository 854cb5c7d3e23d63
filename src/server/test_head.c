/* The head of a request: what is refused before anything of the request is believed. */
#include "server/head.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct header {
    const char *name, *value;
};

static bool fits(const char *version, const struct header *headers, struct request_head *head,
                 struct error *err)
{
    *head = (struct request_head){.fault = NULL};
    for (; headers->name; headers++)
        request_head_add(head, slice_of(headers->name), slice_of(headers->value));
    return request_head_check(head, version, err);
}

static void values_are_found_by_their_names_in_any_case(void **state)
{
    (void)state;
    struct request_head head;
    struct error err;
    const struct header headers[] = {{"host", "x"},
                                     {"AUTHORIZATION", "Bearer a"},
                                     {"idempotency-KEY", "k"},
                                     {"X-Purpose", "case:1"},
                                     {"X-CSRF-Token", "c"},
                                     {"x-real-ip", "192.0.2.1"},
                                     {"If-None-Match", "*"},
                                     {"Content-Length", " 17 "},
                                     {"Accept", "a"},
                                     {"Accept", "b"},
                                     {NULL, NULL}};
    assert_true(fits("HTTP/1.1", headers, &head, &err));
    assert_true(slice_equal(head.authorization, SLICE("Bearer a")));
    assert_true(slice_equal(head.idempotency_key, SLICE("k")));
    assert_true(slice_equal(head.purpose, SLICE("case:1")));
    assert_true(slice_equal(head.csrf, SLICE("c")));
    assert_true(slice_equal(head.client_address, SLICE("192.0.2.1")));
    assert_true(slice_equal(head.if_none_match, SLICE("*")));
    assert_null(head.transfer_encoding.data);
}

static void what_two_readers_could_take_for_two_requests_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        struct header headers[4];
    } rows[] = {
        {"HTTP/1.1", {{"Content-Length", "1"}}}, /* no host */
        {"HTTP/1.1", {{"Host", "x"}, {"Host", "x"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Content-Length", "1"}, {"content-length", "1"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}}},
        {"HTTP/1.1",
         {{"Host", "x"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Transfer-Encoding", "gzip, chunked"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Transfer-Encoding", ""}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Transfer-Encoding", "chunked\v"}}},
        {"HTTP/1.0", {{"Transfer-Encoding", "chunked"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Content-Length", ""}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Content-Length", "+1"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Content-Length", "-1"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Content-Length", "1, 1"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Content-Length", "0x1"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Content-Length", "99999999999999999999"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Authorization", "a"}, {"Authorization", "b"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Cookie", "a"}, {"Cookie", "b"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"X-Real-IP", "a"}, {"X-Real-IP", "b"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"Idempotency-Key", "a"}, {"Idempotency-Key", "b"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"X A", "b"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"X-A ", "b"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"", "b"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"X-\xc3\xa4", "b"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"X-A", "b\rc"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"X-A", "b\nc"}}},
        {"HTTP/1.1", {{"Host", "x"}, {"X-A", "b\x7f"}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request_head head;
        struct error err;
        if (fits(rows[i].version, rows[i].headers, &head, &err))
            fail_msg("row %zu is taken", i);
        assert_int_equal(err.code, ERROR_SYNTAX);
    }
    static const struct header good[][3] = {{{"Host", "x"}, {"Transfer-Encoding", "Chunked"}},
                                            {{"Host", ""}, {"Content-Length", "0"}},
                                            {{"Host", "x"}, {"X-A", "\tb c\xe5\x9f\x8e"}}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct request_head head;
        struct error err;
        assert_true(fits("HTTP/1.1", good[i], &head, &err));
    }
}

static void a_value_with_a_nul_is_refused(void **state)
{
    (void)state;
    struct request_head head = {.host = SLICE("x")};
    struct error err;
    request_head_add(&head, SLICE("X-A"), (struct slice){"a\0b", 3});
    assert_false(request_head_check(&head, "HTTP/1.1", &err));
}

static void a_path_has_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum error_code code;
    } rows[] = {{"/", ERROR_NONE},
                {"/healthz", ERROR_NONE},
                {"/healthz/", ERROR_NONE},
                {"/api/v1/scans:batch", ERROR_NONE},
                {"/api/v1/persons/1.2/status", ERROR_NONE},
                {"/a/...", ERROR_NONE},
                {"/a/.b", ERROR_NONE},
                {"/%E4%B8%AD", ERROR_NONE},
                {"/a%zz", ERROR_NONE}, /* routing's to refuse, with its words */
                {"/%", ERROR_NONE},
                {"/..", ERROR_NOT_FOUND},
                {"/.", ERROR_NOT_FOUND},
                {"/../a", ERROR_NOT_FOUND},
                {"/a/..", ERROR_NOT_FOUND},
                {"/a/../b", ERROR_NOT_FOUND},
                {"/a/./b", ERROR_NOT_FOUND},
                {"//a", ERROR_NOT_FOUND},
                {"/a//b", ERROR_NOT_FOUND},
                {"//", ERROR_NOT_FOUND},
                {"/%2e%2E/a", ERROR_NOT_FOUND},
                {"/.%2e/a", ERROR_NOT_FOUND},
                {"/a/%2e", ERROR_NOT_FOUND},
                {"/a%2fb", ERROR_NOT_FOUND},
                {"/a%2Fb", ERROR_NOT_FOUND},
                {"/a%5cb", ERROR_NOT_FOUND},
                {"/a%00", ERROR_NOT_FOUND},
                {"/a%00/b", ERROR_NOT_FOUND},
                {"", ERROR_BAD_VALUE},
                {"*", ERROR_BAD_VALUE},
                {"a", ERROR_BAD_VALUE},
                {"http://x/a", ERROR_BAD_VALUE},
                {"\\a", ERROR_BAD_VALUE},
                {"/a\\b", ERROR_BAD_VALUE},
                {"/a b", ERROR_BAD_VALUE},
                {"/a\tb", ERROR_BAD_VALUE},
                {"/a\x7f", ERROR_BAD_VALUE},
                {"/\xe4\xb8\xad", ERROR_BAD_VALUE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        bool good = request_path_check(slice_of(rows[i].path), &err);
        if (good != (rows[i].code == ERROR_NONE) || err.code != rows[i].code)
            fail_msg("%s: %d", rows[i].path, err.code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_their_names_in_any_case),
        cmocka_unit_test(what_two_readers_could_take_for_two_requests_is_refused),
        cmocka_unit_test(a_value_with_a_nul_is_refused),
        cmocka_unit_test(a_path_has_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
