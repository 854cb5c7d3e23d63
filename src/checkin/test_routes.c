/* Goal: a scan sent again is the same scan with the same answer; a batch answers line by line. */
#include "checkin/test_scan_city.h"

extern const struct route checkin_routes[];

/* ---- Sent again */

static void a_scan_sent_again_is_the_same_scan(void **state)
{
    struct scan_city *city = *state;
    char holder[120], body[4096], other[4096], event[40], first[2048], length[300], more[400];
    struct answer answer;
    holder_of(city, person_of(COLOR_GREEN, 1), holder);
    for (int by_client = 0; by_client < 2; by_client++) {
        const char *id = by_client ? ",\"client_id\":\"phone-7\"" : "";
        const char *key = by_client ? NULL : "key-7";
        body_of(city, 1, holder, id, body);
        send_scan(city, NULL, key, body, false, &answer);
        assert_int_equal(answer.exchange.status, 200);
        snprintf(event, sizeof event, "%s", text_of(&answer, "event"));
        snprintf(first, sizeof first, "%.*s", (int)answer.exchange.body.length,
                 answer.exchange.body.data);
        release(&answer);
        city->base.world.fixed += 40 * SECOND; /* later, and the answer is still the first */
        send_scan(city, NULL, key, body, false, &answer);
        assert_int_equal(answer.exchange.status, 200);
        assert_string_equal(text_of(&answer, "event"), event);
        snprintf(other, sizeof other, "%.*s", (int)answer.exchange.body.length,
                 answer.exchange.body.data);
        assert_string_equal(other, first);
        release(&answer);
        city->base.world.fixed -= 40 * SECOND;
        snprintf(more, sizeof more, "%s,\"direction\":\"out\"", id);
        send_scan(city, NULL, key, body_of(city, 1, holder, more, other), false, &answer);
        assert_int_equal(answer.exchange.status, 409);
        assert_string_equal(text_of(&answer, "type"), "/problems/idempotency-key-reused");
        release(&answer);
        char another[120]; /* another person's key is another key */
        send_scan(city, NULL, key,
                  body_of(city, 1, holder_of(city, person_of(COLOR_GREEN, 2), another), id, other),
                  false, &answer);
        assert_int_equal(answer.exchange.status, 200);
        assert_string_not_equal(text_of(&answer, "event"), event);
        release(&answer);
    }
    memset(length, 'k', sizeof length - 1);
    length[256] = '\0';
    send_scan(city, NULL, length, body_of(city, 1, holder, "", body), false, &answer);
    assert_int_equal(answer.exchange.status, 400);
    release(&answer);
    snprintf(more, sizeof more, ",\"client_id\":\"%s\"", length);
    refuse(city, NULL, body_of(city, 1, holder, more, body), 400, "client_id", "too long");
}

/* ---- Batches */

static void a_batch_answers_line_by_line(void **state)
{
    struct scan_city *city = *state;
    struct response response = {0};
    struct buffer lines;
    struct error err;
    char holder[120], body[4096], more[120], at[TIME_TEXT_BYTES];
    buffer_init(&lines, 1 << 20);
    buffer_init(&response.body, 1 << 22);
    for (int i = 0; i < 300; i++) { /* more than are sent at once */
        snprintf(more, sizeof more, ",\"client_id\":\"b%d\",\"client_time\":\"%s\"",
                 i == 299 ? 5 : i,
                 time_format((city->now - 5000 + (uint32_t)(i == 299 ? 5 : i)) * SECOND, at));
        holder_of(city, person_of(COLOR_GREEN, 3), holder);
        body_of(city, 1, holder, i == 17 ? "" : more, body);
        buffer_print(&lines, "%s\n%s", i == 40 ? "{\"venue_token\":" : body, i % 50 ? "" : "\n");
    }
    struct request request = {.platform = &city->base.platform, .body = buffer_slice(&lines)};
    const struct route *route = &checkin_routes[1];
    assert_string_equal(route->path, "/scans:batch");
    test_fail_on(route->handle(&request, &response, &err), &err);
    int number = 0;
    char event_5[40] = "";
    for (char *line = response.body.data, *end; number < 300; line = end + 1, number++) {
        end = memchr(line, '\n', (size_t)(response.body.data + response.body.length - line));
        assert_non_null(end);
        json_t *answer = json_loadb(line, (size_t)(end - line), 0, NULL);
        json_t *result = json_object_get(answer, "result");
        int status = (int)json_integer_value(json_object_get(answer, "status"));
        assert_int_equal(status, number == 17 || number == 40 ? 400 : 200);
        if (number == 17)
            assert_string_equal(
                json_string_value(json_object_get(
                    json_array_get(json_object_get(result, "errors"), 0), "field")), "client_id");
        const char *event = json_string_value(json_object_get(result, "event"));
        if (number == 5)
            snprintf(event_5, sizeof event_5, "%s", event);
        if (number == 299) /* the fifth again */
            assert_string_equal(event, event_5);
        json_decref(answer);
    }
    buffer_clear(&lines);
    for (int i = 0; i < 10001; i++)
        buffer_append_text(&lines, "{}\n");
    request.body = buffer_slice(&lines);
    assert_false(route->handle(&request, &response, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    buffer_release(&lines);
    buffer_release(&response.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_sent_again_is_the_same_scan),
        cmocka_unit_test(a_batch_answers_line_by_line),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
