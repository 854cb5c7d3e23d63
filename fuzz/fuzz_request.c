/* Method, path, query and cursor as they come from the network, through the whole dispatch without
 * a session, the cursor on its own, and holders' sessions with the cookie of a device. Held: every
 * path is answered with a status of HTTP, nothing but a public route answers 2xx, a refusal is a
 * well-formed problem, and a cursor that is taken is one that we could have written. No text is
 * anybody's session or device; a true session of which one character was replaced, its own or its
 * device's, is refused. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "access/access.h"
#include "cli/cli.h"
#include "server/server_internal.h"

static struct platform *platform;
static char directory[] = "/tmp/chengmai-fuzz-XXXXXX";

static void remove_city(void)
{
    struct error err;
    platform_close(platform);
    (void)!file_remove_tree(AT_FDCWD, directory, &err);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    struct error err;
    struct store_creation creation = {.demo = true, .seed = 1};
    REQUIRE(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &creation.city_start));
    REQUIRE(mkdtemp(directory));
    REQUIRE(store_create(directory, &creation, &err));
    REQUIRE(platform_open(directory, false, &platform, &err));
    atexit(remove_city);
    return 0;
}

static void check_answer(enum http_method method, struct slice path,
                         const struct response *response)
{
    const struct route *route = server_route_of(method, path);
    REQUIRE(response->status >= 200 && response->status < 600);
    if (response->status < 300 && response->status != 204 && route)
        REQUIRE(route->access == ROUTE_PUBLIC);
    if (response->status < 400)
        return;
    json_t *problem = json_loadb(response->body.data, response->body.length, 0, NULL);
    REQUIRE(problem && json_integer_value(json_object_get(problem, "status")) == response->status);
    REQUIRE(strcmp(response->content_type, "application/problem+json") == 0);
    json_decref(problem);
}

static void check_cursor(struct slice text, struct arena *arena)
{
    struct query_field field = {SLICE("after"), text};
    struct request request = {.arena = arena, .query = &field, .query_count = 1};
    struct error err;
    int64_t after;
    char again[32];
    if (!request_cursor(&request, &after, &err))
        return;
    REQUIRE(after >= 0);
    cursor_format(after, again);
    field.value = slice_of(again);
    int64_t same;
    REQUIRE(request_cursor(&request, &same, &err) && same == after);
}

static bool is_good(struct slice session, struct slice device)
{
    struct error err;
    uint32_t person;
    uint8_t epoch;
    return access_holder_verify(platform->access, session, device, 1, &person, &epoch, &err);
}

/* The text as an Authorization header, a session cookie and a device's cookie. */
static void check_made_up(struct slice text)
{
    struct error err;
    struct actor actor;
    struct slice none = {NULL, 0};
    REQUIRE(!is_good(text, none) && !is_good(text, text));
    REQUIRE(!access_actor(platform->access, none, text, text, &actor, &err));
    REQUIRE(!access_actor(platform->access, text, none, text, &actor, &err));
}

/* A session of the numbers of the first bytes, free or bound; then one character is another. */
static void change_one(const uint8_t *data)
{
    char session[HOLDER_SESSION_BYTES], device[ACCESS_DEVICE_BYTES];
    uint32_t person;
    memcpy(&person, data, sizeof person);
    bool binds = data[4] & 1, in_device = binds && (data[4] & 2);
    access_device_mark(platform->access, (struct slice){NULL, 0}, device);
    access_holder_session(platform->access, person, data[5], 0, 2, data[6], session);
    if (binds)
        access_holder_bind(platform->access, device, session);
    REQUIRE(is_good(slice_of(session), slice_of(device)));
    REQUIRE(!binds || !is_good(slice_of(session), (struct slice){NULL, 0}));
    char *text = in_device ? device : session;
    size_t length = strlen(text), at = data[6] % length;
    bool same = text[at] == (char)data[7];
    text[at] = (char)data[7];
    REQUIRE(is_good(slice_of(session), slice_of(device)) == same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum http_method methods[] = {HTTP_GET, HTTP_POST,    HTTP_PUT,
                                               HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER};
    struct arena arena;
    struct response response;
    if (!size)
        return 0;
    struct slice text = {(const char *)data + 1, size - 1};
    for (size_t i = 0; i < text.length; i++)
        if (!text.data[i])
            return 0; /* the HTTP library ends a request line there */
    arena_init(&arena, 64 << 20);
    struct raw_request raw = {.method = methods[data[0] % 6], .path = text, .body = SLICE("{}")};
    server_dispatch(platform, &raw, &arena, &response);
    body_end(&response);
    check_answer(raw.method, text, &response);
    check_cursor(text, &arena);
    check_made_up(text);
    if (size >= 8)
        change_one(data);
    buffer_release(&response.body);
    arena_release(&arena);
    return 0;
}
