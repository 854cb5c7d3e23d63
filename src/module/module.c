/* Options of commands, fields of requests, cursors. */
#include "module/module.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- Commands */

static void take_out(int *argc, char **argv, int at, int count)
{
    for (int i = at; i + count < *argc; i++)
        argv[i] = argv[i + count];
    *argc -= count;
}

static bool usage(struct error *err, const char *field, const char *expected, const char *what)
{
    return error_set(err, ERROR_USAGE, (struct error_place){.field = field}, expected, "%s", what);
}

bool command_option(int *argc, char **argv, const char *name, const char **ret_value,
                    struct error *err)
{
    size_t length = strlen(name);
    *ret_value = NULL;
    for (int i = 0; i < *argc;) {
        bool equals = strncmp(argv[i], name, length) == 0 && argv[i][length] == '=';
        bool apart = strcmp(argv[i], name) == 0;
        if (!equals && !apart) {
            i++;
            continue;
        }
        if (*ret_value)
            return usage(err, name, "the option once", "given twice");
        if (apart && i + 1 >= *argc)
            return usage(err, name, "a value after it", "the value is missing");
        *ret_value = equals ? argv[i] + length + 1 : argv[i + 1];
        take_out(argc, argv, i, equals ? 1 : 2);
    }
    return true;
}

bool command_flag(int *argc, char **argv, const char *name)
{
    bool found = false;
    for (int i = 0; i < *argc;)
        if (strcmp(argv[i], name) == 0) {
            take_out(argc, argv, i, 1);
            found = true;
        } else {
            i++;
        }
    return found;
}

bool command_arguments(const struct command *command, int argc, char **argv, int low, int high,
                       struct error *err)
{
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0)
            return usage(err, argv[i], command->usage, "unknown option");
    return (argc >= low && argc <= high) ||
           usage(err, command->name, command->usage,
                 argc < low ? "an argument is missing" : "too many arguments");
}

bool command_open(struct command_context *context, const char *path, int *ret_fd,
                  struct error *err)
{
    int fd = strcmp(path, "-") == 0
                 ? fcntl(context->in_fd, F_DUPFD_CLOEXEC, 3)
                 : openat(context->working_directory_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERROR_USAGE, (struct error_place){.source = path},
                         "a readable file", "the file cannot be opened: %m");
    *ret_fd = fd;
    return true;
}

bool command_write(struct command_context *context, const char *path, const struct buffer *bytes,
                   struct error *err)
{
    if (!path) {
        fwrite(bytes->data, 1, bytes->length, context->out);
        return true;
    }
    int fd = openat(context->working_directory_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                    0644);
    if (fd < 0)
        return error_set(err, ERROR_USAGE, (struct error_place){.source = path},
                         "a file that can be written", "the file cannot be opened: %m");
    bool done = file_write_all(fd, bytes->data, bytes->length, path, err);
    close(fd);
    return done;
}

/* ---- Requests */

struct slice request_query(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++)
        if (slice_equal(request->query[i].name, slice_of(name)))
            return request->query[i].value;
    return (struct slice){NULL, 0};
}

bool request_limit(const struct request *request, int64_t *ret_limit, struct error *err)
{
    struct slice text = request_query(request, "limit");
    *ret_limit = 100;
    return !text.data || slice_to_int64(text, 1, 1000, ret_limit) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "limit"},
                     "a whole number from 1 to 1000", "not such a number");
}

bool city_first_moment(struct platform *platform, timestamp *ret_first, struct error *err)
{
    struct sql *sql;
    struct buffer date;
    char text[TIME_TEXT_BYTES];
    int64_t now = world_now(platform->world) / SECOND;
    *ret_first = time_day_start_seconds(time_day_of_seconds(now)) * SECOND;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    buffer_init(&date, sizeof text);
    bool done = store_setting_get(sql, SETTING_FIRST_DAY, &date, err);
    store_read_end(platform->store, sql);
    if (done && date.length) {
        snprintf(text, sizeof text, "%.10sT00:00:00+08:00", date.data);
        REQUIRE(time_parse(slice_of(text), ret_first));
    }
    buffer_release(&date);
    return done;
}

bool request_as_of(const struct request *request, timestamp *ret_as_of, struct error *err)
{
    struct slice text = request_query(request, "as_of");
    struct error_place place = {.field = "as_of"};
    timestamp now = world_now(request->platform->world), first, as_of;
    char begin[TIME_TEXT_BYTES], end[TIME_TEXT_BYTES], range[3 * TIME_TEXT_BYTES];
    *ret_as_of = TIMESTAMP_NONE;
    if (!text.data)
        return true;
    if (!time_parse(text, &as_of))
        return error_set(err, ERROR_BAD_VALUE, place, "a time, as 2022-04-12T15:00:00+08:00",
                         "not a time");
    if (!city_first_moment(request->platform, &first, err))
        return false;
    snprintf(range, sizeof range, "a time from %s to %s", time_format(first, begin),
             time_format(now, end));
    if (as_of > now || as_of < first)
        return error_set(err, ERROR_BAD_VALUE, place, range,
                         as_of > now ? "what will be is not known"
                                     : "nothing is known of the city before its first day");
    *ret_as_of = as_of - as_of % HOUR; /* hours of the city are those of UTC: eight apart */
    return true;
}

void response_header(struct response *response, const char *line)
{
    size_t count = 0;
    while (response->headers[count])
        count++;
    REQUIRE(count < RESPONSE_HEADERS_MAX);
    response->headers[count] = line;
}

static void free_document(void *document)
{
    json_decref(document);
}

bool request_json(const struct request *request, json_t **ret_body, struct error *err)
{
    json_t *document;
    if (!json_read(request->body, "body", &document, err))
        return false;
    arena_on_clear(request->arena, free_document, document);
    if (!json_is_object(document))
        return error_set(err, ERROR_SYNTAX, (struct error_place){.source = "body"},
                         "one JSON object", "not an object");
    *ret_body = document;
    return true;
}

enum { CURSOR_SALT = 0x5C };

bool request_cursor(const struct request *request, int64_t *ret_after, struct error *err)
{
    struct slice text = request_query(request, "after");
    unsigned char bytes[9];
    *ret_after = 0;
    if (!text.data)
        return true;
    if (text_from_base64url(text, bytes, sizeof bytes) && bytes[8] == CURSOR_SALT) {
        memcpy(ret_after, bytes, 8);
        if (*ret_after >= 0)
            return true;
    }
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "after"},
                     "the `next` of an earlier answer", "not a cursor of ours");
}

void cursor_format(int64_t after, char out[32])
{
    unsigned char bytes[9];
    memcpy(bytes, &after, 8);
    bytes[8] = CURSOR_SALT;
    text_to_base64url(bytes, sizeof bytes, out);
}

void json_field_cursor(struct json_writer *writer, int64_t last)
{
    char text[32];
    if (!last) {
        json_field_null(writer, "next");
        return;
    }
    cursor_format(last, text);
    json_field_text(writer, "next", slice_of(text));
}
