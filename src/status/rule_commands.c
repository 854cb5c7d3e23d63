/* rules propose, rules show, rules sign; and their routes. A command that proposes or signs asks
 * for the user's password on standard input: a signature is a person's, never a machine's. */
#include <unistd.h>

#include "access/access.h"
#include "policy/permissions.h"
#include "status/redress.h"
#include "status/rule_sets.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* ---- Commands */

static bool read_file(struct command_context *context, const char *name, struct buffer *out,
                      struct error *err)
{
    int fd;
    ssize_t got;
    char chunk[16384];
    if (!command_open(context, name, &fd, err))
        return false;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        buffer_append(out, chunk, (size_t)got);
    close(fd);
    if (got < 0)
        return error_set_errno(err, name, "read");
    return !out->overflow || error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = name},
                                       "at most 1 MiB", "the file is too large");
}

static bool user_with_permission(struct command_context *context, const char *user,
                                 uint64_t permission, struct actor *ret_actor, struct error *err)
{
    bool done = access_prove(context->platform->access, slice_of(user), context->in_fd, ret_actor,
                             err);
    return done && ((ret_actor->permissions & permission) ||
                    error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "--user"},
                              "a role with this permission", "your role may not do this"));
}

static bool print(struct command_context *context, int64_t no, struct error *err)
{
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, 64 << 20);
    json_writer_init(&writer, &text);
    bool done = rule_sets_write(context->platform, no, &writer, err);
    json_writer_release(&writer);
    if (done)
        fprintf(context->out, "%s\n", text.data);
    buffer_release(&text);
    return done;
}

static bool take_user(const struct command *command, int *argc, char **argv, const char **ret_user,
                      struct error *err)
{
    if (!command_option(argc, argv, "--user", ret_user, err) ||
        !command_arguments(command, *argc, argv, 1, 1, err))
        return false;
    return *ret_user || error_set(err, ERROR_USAGE, (struct error_place){.field = "--user"},
                                  command->usage, "an option is missing");
}

static int run_propose(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *user;
    struct actor actor;
    struct buffer yaml;
    int64_t no;
    if (!take_user(&rule_commands[0], &argc, argv, &user, err))
        return command_fail(err);
    buffer_init(&yaml, FILE_BYTES_MAX);
    bool done = read_file(context, argv[0], &yaml, err) &&
                user_with_permission(context, user, PERMISSION_BIT(PERMIT_RULES_PROPOSE), &actor,
                                     err) &&
                rule_set_propose(context->platform, &actor, buffer_slice(&yaml), &no, err) &&
                print(context, no, err);
    buffer_release(&yaml);
    return done ? EXIT_DONE : command_fail(err);
}

static bool number_of(const char *text, int64_t *ret_no, struct error *err)
{
    return slice_to_int64(slice_of(text), 1, INT64_MAX, ret_no) ||
           error_set(err, ERROR_USAGE, (struct error_place){.field = "ID"},
                     "the number of a proposal", "'%s' is not a number", text);
}

static int run_show(struct command_context *context, int argc, char **argv, struct error *err)
{
    int64_t no = 0;
    if (!command_arguments(&rule_commands[1], argc, argv, 0, 1, err) ||
        (argc && !number_of(argv[0], &no, err)) || !print(context, no, err))
        return command_fail(err);
    return EXIT_DONE;
}

static int run_sign(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *user;
    struct actor actor;
    int64_t no, missing;
    if (!take_user(&rule_commands[2], &argc, argv, &user, err) || !number_of(argv[0], &no, err) ||
        !user_with_permission(context, user, PERMISSION_BIT(PERMIT_RULES_SIGN), &actor, err) ||
        !rule_set_sign(context->platform, &actor, no, &missing, err) ||
        !print(context, no, err))
        return command_fail(err);
    if (missing > 0)
        fprintf(context->words, "%lld more signature is needed\n", (long long)missing);
    return EXIT_DONE;
}

const struct command rule_commands[RULE_COMMANDS] = {
    {.name = "rules propose",
     .usage = "FILE --user NAME",
     .words = "proposes a rule set and shows what it would change; password on standard input",
     .needs_data = true,
     .run = run_propose},
    {.name = "rules show",
     .usage = "[ID]",
     .words = "proposed and signed rule sets, and what each would change",
     .needs_data = true,
     .run = run_show},
    {.name = "rules sign",
     .usage = "ID --user NAME",
     .words = "signs a proposed rule set (two other users must); password on standard input",
     .needs_data = true,
     .run = run_sign},
};

/* ---- Routes */

static bool respond(const struct request *request, int64_t no, struct response *response,
                    struct error *err)
{
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    bool done = rule_sets_write(request->platform, no, &writer, err);
    json_writer_release(&writer);
    return done;
}

bool rules_handle_propose(const struct request *request, struct response *response,
                          struct error *err)
{
    static const char *const fields[] = {"yaml", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct slice yaml;
    json_t *body;
    int64_t no;
    response->status = 201;
    return request_json(request, &body, err) && json_only_fields(body, fields, place, err) &&
           json_text(body, "yaml", place, &yaml, err) &&
           rule_set_propose(request->platform, &request->actor, yaml, &no, err) &&
           respond(request, no, response, err);
}

bool rules_handle_list(const struct request *request, struct response *response,
                       struct error *err)
{
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    bool done = rule_sets_write(request->platform, 0, &writer, err);
    if (done) {
        json_field_null(&writer, "next");
        json_object_end(&writer);
    }
    json_writer_release(&writer);
    return done;
}

bool rules_handle_versions(const struct request *request, struct response *response,
                           struct error *err)
{
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    bool done = rule_versions_write(request->platform, &writer, err);
    if (done)
        json_object_end(&writer);
    json_writer_release(&writer);
    return done;
}

bool rules_handle_show(const struct request *request, struct response *response,
                       struct error *err)
{
    int64_t no;
    return redress_number(request, &no, err) && respond(request, no, response, err);
}

bool rules_handle_sign(const struct request *request, struct response *response,
                       struct error *err)
{
    int64_t no, missing;
    if (!redress_number(request, &no, err) ||
        !rule_set_sign(request->platform, &request->actor, no, &missing, err) ||
        !redress_follow(request, err))
        return false;
    response->status = missing > 0 ? 202 : 200;
    return respond(request, no, response, err);
}
