/* Bodies of requests, by both readers. The first byte chooses: a scan by the streaming reader, or
 * a document of the routes by the tree reader with the fields of a log-in. Held: what was read
 * lies within its bounds and is UTF-8, a refusal names what was expected and is itself a
 * well-formed problem, and what both readers take as JSON the other takes too. */
#include "checkin/checkin.h"
#include "checkin/scan_request.h"

static void check_problem(const struct error *err)
{
    struct buffer text;
    buffer_init(&text, 1 << 16);
    problem_write(&text, err);
    json_t *problem = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    REQUIRE(problem && err->what[0] && err->code != ERROR_NONE);
    json_decref(problem);
    buffer_release(&text);
}

static void check_text(const struct scan_request *request, struct slice text)
{
    bool inside = text.data >= request->texts &&
                  text.data + text.length <= request->texts + SCAN_TEXT_BYTES;
    REQUIRE(!text.data || inside || text.length == 0);
}

static void read_scan(struct slice body)
{
    static struct scan_request request;
    struct error err = {0};
    if (!scan_request_parse(body, &request, &err)) {
        check_problem(&err);
        return;
    }
    json_t *document = NULL;
    REQUIRE(request.holder.form > HOLDER_NONE && request.holder.form < HOLDER_FORM_COUNT);
    REQUIRE(request.companion_count <= PRESENCE_COMPANIONS_MAX);
    REQUIRE(request.text_bytes <= SCAN_TEXT_BYTES);
    check_text(&request, request.venue_token);
    check_text(&request, request.holder.text);
    check_text(&request, request.client_id);
    for (size_t i = 0; i < request.companion_count; i++) {
        REQUIRE(request.companions[i].form != HOLDER_NONE);
        check_text(&request, request.companions[i].text);
    }
    REQUIRE(request.venue_token.data);
    if (json_read(body, "body", &document, &err)) /* it alone refuses duplicates and NULs */
        REQUIRE(json_is_object(document));
    json_decref(document);
}

static void read_document(struct slice body)
{
    static const char *const fields[] = {"provider", "id_number", "person_no", "at", NULL};
    struct json_place place = {.source = "body"}, required = {.source = "body", .required = true};
    struct error err = {0};
    struct slice provider, id_number;
    int64_t person;
    timestamp at;
    json_t *document;
    if (!json_read(body, "body", &document, &err)) {
        check_problem(&err);
        return;
    }
    if (!json_only_fields(document, fields, place, &err) ||
        !json_text(document, "provider", required, &provider, &err) ||
        !json_text(document, "id_number", place, &id_number, &err) ||
        !json_int64(document, "person_no", place, 1, UINT32_MAX, &person, &err) ||
        !json_time(document, "at", place, &at, &err))
        check_problem(&err);
    else
        REQUIRE(slice_is_utf8(provider) && person >= 0 && person <= UINT32_MAX);
    json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct slice body = {(const char *)data + 1, size - 1};
    if (data[0] & 1)
        read_scan(body);
    else
        read_document(body);
    return 0;
}
