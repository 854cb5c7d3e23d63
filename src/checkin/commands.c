/* scans verify, venue token, venue poster, bench requests scan. */
#include <stdlib.h>
#include <unistd.h>

#include "checkin/checkin_internal.h"

extern const struct command checkin_commands[];

/* ---- scans verify */

enum { IDS_BYTES_MAX = 512 << 20 };

static bool read_ids(struct command_context *context, const char *path,
                     struct scan_event_id **ret_ids, size_t *ret_count, struct error *err)
{
    int fd;
    struct buffer text;
    if (!command_open(context, path, &fd, err))
        return false;
    buffer_init(&text, IDS_BYTES_MAX);
    char chunk[65536];
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        buffer_append(&text, chunk, (size_t)got);
    close(fd);
    size_t count = 0, capacity = 0;
    struct scan_event_id *ids = NULL;
    bool done = got == 0 && !text.overflow ? true : error_set_errno(err, path, "read");
    int64_t line = 1;
    for (const char *at = text.data, *end = at + text.length; done && at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        struct slice id = slice_trim((struct slice){at, (size_t)(stop - at)});
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            ids = x_realloc(ids, capacity * sizeof *ids);
        }
        if (id.length && !scan_event_id_parse(id, &ids[count++]))
            done = error_set(err, ERROR_BAD_VALUE,
                             (struct error_place){.source = path, .row = line},
                             "an event id such as 20220414-0000001f", "not an event id");
        at = stop + 1;
    }
    buffer_release(&text);
    if (!done)
        free(ids);
    *ret_ids = done ? ids : NULL;
    *ret_count = count;
    return done;
}

static void put_list(FILE *out, const char *name, const struct buffer *lines)
{
    fprintf(out, "\"%s\":[", name);
    for (size_t i = 0, first = 1; i < lines->length;) {
        const char *stop = memchr(lines->data + i, '\n', lines->length - i);
        int length = (int)(stop - (lines->data + i));
        fprintf(out, "%s\"%.*s\"", first ? "" : ",", length, lines->data + i);
        first = 0;
        i += (size_t)length + 1;
    }
    fprintf(out, "]");
}

static void put_words(FILE *out, const char *word, const struct buffer *lines)
{
    for (size_t i = 0; i < lines->length;) {
        const char *stop = memchr(lines->data + i, '\n', lines->length - i);
        int length = (int)(stop - (lines->data + i));
        fprintf(out, "%s %.*s\n", word, length, lines->data + i);
        i += (size_t)length + 1;
    }
}

static int run_verify(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct scan_event_id *ids;
    size_t count;
    struct scans_verification result;
    if (!command_arguments(&checkin_commands[0], argc, argv, 1, 1, err) ||
        !read_ids(context, argv[0], &ids, &count, err))
        return command_fail(err);
    bool done = presence_verify_scans(context->platform->presence, ids, count, &result, err);
    free(ids);
    if (!done)
        return command_fail(err);
    bool whole = result.missing.length == 0 && result.twice.length == 0;
    if (context->json) {
        fprintf(context->out, "{\"checked\":%lld,", (long long)result.checked);
        put_list(context->out, "missing", &result.missing);
        fprintf(context->out, ",");
        put_list(context->out, "double", &result.twice);
        fprintf(context->out, ",\"stored\":%lld}\n", (long long)result.stored);
    } else {
        put_words(context->out, "missing", &result.missing);
        put_words(context->out, "double", &result.twice);
    }
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    return whole ? EXIT_DONE : EXIT_FINDINGS;
}

/* ---- venue token, venue revoke */

/* The venue named by its number or its external id. */
static bool find_venue(struct command_context *context, const struct command *command, int argc,
                       char **argv, uint32_t *ret_venue, struct error *err)
{
    struct platform *platform = context->platform;
    const char *source;
    struct sql *sql;
    int64_t no = 0;
    if (!command_option(&argc, argv, "--source", &source, err) ||
        !command_arguments(command, argc, argv, 1, 1, err) ||
        !store_read_begin(platform->store, &sql, err))
        return false;
    bool done = slice_to_int64(slice_of(argv[0]), 1, UINT32_MAX, &no) ||
                registry_lookup(sql, REGISTRY_VENUE, slice_of(source ? source : "default"),
                                slice_of(argv[0]), &no, err);
    store_read_end(platform->store, sql);
    *ret_venue = (uint32_t)no;
    return done && (checkin_venue_version(platform->checkin, (uint32_t)no) ||
                    error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = argv[0]},
                              "the number or external id of a venue", "no such venue"));
}

static int print_token(struct command_context *context, uint32_t no)
{
    struct platform *platform = context->platform;
    uint16_t version = checkin_venue_version(platform->checkin, no);
    char token[VENUE_TOKEN_BYTES], code[VENUE_SHORT_CODE_BYTES];
    venue_token_format(store_keys(platform->store), no, version, token);
    venue_short_code_format(store_keys(platform->store), no, version, code);
    fprintf(context->out, context->json ? "{\"token\":\"%s\",\"short_code\":\"%s\"}\n"
                                        : "%s %s\n", token, code);
    return EXIT_DONE;
}

static int run_token(struct command_context *context, int argc, char **argv, struct error *err)
{
    uint32_t venue;
    if (!find_venue(context, &checkin_commands[1], argc, argv, &venue, err))
        return command_fail(err);
    return print_token(context, venue);
}

static int run_revoke(struct command_context *context, int argc, char **argv, struct error *err)
{
    uint32_t venue;
    if (!find_venue(context, &checkin_commands[2], argc, argv, &venue, err) ||
        !checkin_revoke(context->platform->checkin, venue, SLICE("command line"), err))
        return command_fail(err);
    return print_token(context, venue);
}

static int run_poster(struct command_context *context, int argc, char **argv, struct error *err)
{
    uint32_t venue;
    const char *path;
    struct buffer page;
    if (!command_option(&argc, argv, "-o", &path, err) ||
        !find_venue(context, &checkin_commands[3], argc, argv, &venue, err))
        return command_fail(err);
    buffer_init(&page, 16 << 20);
    bool done = checkin_poster(context->platform, venue, context->arena, &page, err) &&
                command_write(context, path, &page, err);
    buffer_release(&page);
    return done ? EXIT_DONE : command_fail(err);
}

/* ---- bench requests scan: requests for any outside load tool, never the same twice */

static int run_requests(struct command_context *context, int argc, char **argv,
                        struct error *err)
{
    struct platform *platform = context->platform;
    const char *text;
    int64_t count;
    if (!command_option(&argc, argv, "--count", &text, err) ||
        !command_arguments(&checkin_commands[4], argc, argv, 1, 1, err))
        return command_fail(err);
    if (strcmp(argv[0], "scan") != 0 || !text ||
        !slice_to_int64(slice_of(text), 1, 100000000, &count)) {
        error_set(err, ERROR_USAGE, (struct error_place){.source = "bench requests"},
                  "scan --count N", "wrong arguments");
        return command_fail(err);
    }
    uint32_t persons = status_known(platform->status);
    uint32_t venues = checkin_venue_count(platform->checkin);
    if (!platform->demo || !persons || venues < 2) {
        error_set(err, ERROR_REFUSED, (struct error_place){.source = "bench requests"},
                  "a demo city", "requests in other people's names exist only in demo cities");
        return command_fail(err);
    }
    struct random random;
    uint64_t secrets[2];
    world_random_bytes(secrets, sizeof secrets);
    random_init(&random, secrets[0], secrets[1]);
    uint32_t now = (uint32_t)(world_now(platform->world) / SECOND);
    for (int64_t i = 0; i < count; i++) {
        char session[HOLDER_SESSION_BYTES], token[VENUE_TOKEN_BYTES];
        uint32_t venue = 1 + random_below(&random, venues - 1);
        uint16_t version = checkin_venue_version(platform->checkin, venue);
        struct person_no person = {1 + random_below(&random, persons)};
        uint8_t epoch =
            status_get(platform->status, person, (timestamp)now * SECOND).session_epoch;
        access_holder_session(platform->access, person.n, epoch, now, now + 3600,
                              random_next(&random), session);
        venue_token_format(store_keys(platform->store), venue, version ? version : 1, token);
        fprintf(context->out,
                "{\"method\":\"POST\",\"path\":\"/api/v1/scans\",\"headers\":{\"Content-Type\":"
                "\"application/json\",\"Idempotency-Key\":\"%016llx%016llx\"},\"body\":"
                "\"{\\\"venue_token\\\":\\\"%s\\\",\\\"holder\\\":{\\\"session\\\":\\\"%s\\\"},"
                "\\\"direction\\\":\\\"in\\\"}\"}\n",
                (unsigned long long)random_next(&random), (unsigned long long)random_next(&random),
                token, session);
    }
    return EXIT_DONE;
}

const struct command checkin_commands[] = {
    {.name = "scans verify",
     .usage = "FILE|-",
     .words = "event ids, one a line: is each stored exactly once",
     .needs_data = true,
     .run = run_verify},
    {.name = "venue token",
     .usage = "VENUE [--source NAME]",
     .words = "the venue's current token and short code",
     .needs_data = true,
     .run = run_token},
    {.name = "venue revoke",
     .usage = "VENUE [--source NAME]",
     .words = "ends all codes of a venue and prints its new ones",
     .needs_data = true,
     .run = run_revoke},
    {.name = "venue poster",
     .usage = "VENUE [--source NAME] [-o F.pdf]",
     .words = "the venue's poster as a PDF, A4",
     .needs_data = true,
     .run = run_poster},
    {.name = "bench requests",
     .usage = "scan --count N",
     .words = "ready-made scan requests as NDJSON, valid for one hour (demo cities)",
     .needs_data = true,
     .run = run_requests},
};

extern const struct route checkin_routes[];
extern const size_t checkin_route_count;

static const struct migration migrations[] = {{"src/checkin/schema/001_suspicions.sql"},
                                              {"src/checkin/schema/002_suspected_code.sql"}};
static const struct event_kind event_kinds[] = {
    /* {"venue":N,"reason":NAME,"count":N}: once a venue and window */
    {"venue.copied_code", "venue"},
};

const struct module checkin_module = {
    .name = "checkin",
    .migrations = migrations,
    .migration_count = 2,
    .event_kinds = event_kinds,
    .event_kind_count = 1,
    .commands = checkin_commands,
    .command_count = sizeof checkin_commands / sizeof *checkin_commands,
    .routes = checkin_routes,
    .route_count = 14,
    .statements = (const struct sql_list *const[]){&venue_statements, &copied_statements,
                                                   &own_venue_statements, &board_statements,
                                                   &venue_page_statements, NULL},
};
