/* Method, path, query and cursor as they come from the network, through the whole dispatch without
 * a session, and the cursor on its own. Held: every path is answered with a status of HTTP,
 * nothing but a public route answers 2xx, a refusal is a well-formed problem, and a cursor that is
 * taken is one that we could have written. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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
    buffer_release(&response.body);
    arena_release(&arena);
    return 0;
}
