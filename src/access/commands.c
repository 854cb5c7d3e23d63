/* user add, list, token, move, duty, factor. */
#include <sodium.h>
#include <unistd.h>

#include "access/access_internal.h"

static const struct sql_text user_list = {
    "user_list",
    "SELECT u.name, u.role, a.code FROM app_user u LEFT JOIN area a ON a.area_no = u.area_no"
    " ORDER BY u.user_no",
    "small table"};
static const struct sql_text area_of_code = {
    "user_area", "SELECT area_no FROM area WHERE code = ?1", "unique code"};
static const struct sql_text person_known = {
    "user_person_known", "SELECT 1 FROM person WHERE person_no = ?1", "primary key"};
static const struct sql_text unit_known = {
    "user_unit_known", "SELECT 1 FROM unit WHERE unit_no = ?1", "primary key"};

const struct sql_list access_command_statements =
    SQL_LIST(&user_list, &area_of_code, &person_known, &unit_known);

struct add_job {
    struct access *access;
    const char *name, *role, *area, *lead, *password;
};

/* What a command did to a user, in the transaction that did it; role and area may be NULL. */
static bool record_command(struct sql *sql, const char *act, struct slice name, const char *role,
                           const char *area, struct error *err)
{
    char fields[160] = "";
    if (role && area)
        snprintf(fields, sizeof fields, "role:%.60s,area:%.60s", role, area);
    struct audit_entry entry = {.actor = SLICE("command line"),
                                .act = slice_of(act),
                                .purpose = name,
                                .fields = slice_of(fields)};
    return audit_append(sql, &entry, sql_now(sql), err);
}

static bool add_user(struct sql *sql, void *context, struct error *err)
{
    struct add_job *job = context;
    int64_t area_no, user_no;
    if (!sql_one_int(sql, &area_of_code, SQL_ARGUMENTS(sql_text(slice_of(job->area))), 0, &area_no,
                     err))
        return false;
    if (!area_no)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--area"},
                         "the code of an area", "there is no area '%s'", job->area);
    return access_user_add(sql, job->access, slice_of(job->name), slice_of(job->role), area_no,
                           job->password, &user_no, err) &&
           (!job->lead || access_user_set_lead(sql, user_no, slice_of(job->lead), err)) &&
           record_command(sql, "user.add", slice_of(job->name), job->role, job->area, err);
}

/* One line without its end; its length. */
static size_t read_line(int fd, char *out, size_t size)
{
    size_t length = 0;
    char c;
    while (length + 1 < size && read(fd, &c, 1) == 1 && c != '\n')
        out[length++] = c;
    out[length] = '\0';
    return length;
}

bool access_prove(struct access *access, struct slice name, int fd, struct actor *ret_actor,
                  struct error *err)
{
    char password[256], code[16], bearer[8 + ACCESS_TOKEN_BYTES] = "Bearer ";
    char device[ACCESS_DEVICE_BYTES];
    struct slice none = {NULL, 0};
    struct login_attempt attempt = {.name = name, .password = password};
    read_line(fd, password, sizeof password);
    if (read_line(fd, code, sizeof code))
        attempt.code = slice_of(code);
    bool done = access_login(access, &attempt, bearer + 7, device, err);
    sodium_memzero(password, sizeof password);
    if (!done)
        return false;
    done = access_actor(access, slice_of(bearer), none, none, ret_actor, err) &&
           access_logout(access, slice_of(bearer + 7), err);
    sodium_memzero(bearer, sizeof bearer);
    return done;
}

static bool read_password(int fd, char *out, size_t size, struct error *err)
{
    return read_line(fd, out, size) >= 8 ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "password"},
                     "at least 8 bytes on standard input", "the password is too short");
}

static int run_add(struct command_context *context, int argc, char **argv, struct error *err)
{
    char password[256];
    struct add_job job = {.access = context->platform->access, .password = password};
    if (!command_option(&argc, argv, "--role", &job.role, err) ||
        !command_option(&argc, argv, "--area", &job.area, err) ||
        !command_option(&argc, argv, "--lead", &job.lead, err) ||
        !command_arguments(&access_commands[0], argc, argv, 1, 1, err))
        return command_fail(err);
    if (!job.role || !job.area) {
        error_set(err, ERROR_USAGE, (struct error_place){.source = "user add"},
                  "NAME --role R --area CODE [--lead NAME]", "an option is missing");
        return command_fail(err);
    }
    job.name = argv[0];
    bool done = read_password(context->in_fd, password, sizeof password, err) &&
                store_write(context->platform->store, add_user, &job, err);
    sodium_memzero(password, sizeof password);
    return done ? EXIT_DONE : command_fail(err);
}

static bool list_users(struct command_context *context, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    struct buffer text;
    struct json_writer writer;
    if (!sql_begin(sql, &user_list, NULL, 0, &query, err))
        return false;
    buffer_init(&text, 16 << 20);
    json_writer_init(&writer, &text);
    json_array_begin(&writer);
    bool row, done;
    while ((done = sql_next(query, &row, err)) && row) {
        struct slice name = sql_get_text(query, 0), role = sql_get_text(query, 1);
        struct slice area = sql_get_text(query, 2);
        if (!context->json)
            fprintf(context->out, "%.*s\t%.*s\t%.*s\n", SLICE_ARG(name), SLICE_ARG(role),
                    SLICE_ARG(area));
        json_object_begin(&writer);
        json_field_text(&writer, "name", name);
        json_key(&writer, "roles");
        json_array_begin(&writer);
        json_put_text(&writer, role);
        json_array_end(&writer);
        json_field_text(&writer, "area", area);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_writer_release(&writer);
    if (done && context->json)
        fprintf(context->out, "%s\n", text.data);
    buffer_release(&text);
    return done;
}

static int run_list(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct sql *sql;
    if (!command_arguments(&access_commands[1], argc, argv, 0, 0, err) ||
        !store_read_begin(context->platform->store, &sql, err))
        return command_fail(err);
    bool done = list_users(context, sql, err);
    store_read_end(context->platform->store, sql);
    return done ? EXIT_DONE : command_fail(err);
}

/* ---- Tokens, duties, the second factor */

struct token_job {
    struct access *access;
    struct slice name;
    char token[ACCESS_TOKEN_BYTES];
};

static bool issue_token(struct sql *sql, void *context, struct error *err)
{
    struct token_job *job = context;
    return access_token_issue(sql, job->access, job->name, 30, job->token, err) &&
           record_command(sql, "user.token", job->name, NULL, NULL, err);
}

static int run_token(struct command_context *context, int argc, char **argv, struct error *err)
{
    if (!command_arguments(&access_commands[2], argc, argv, 1, 1, err))
        return command_fail(err);
    struct token_job job = {context->platform->access, slice_of(argv[0]), ""};
    if (!store_write(context->platform->store, issue_token, &job, err))
        return command_fail(err);
    fprintf(context->out, "%s\n", job.token);
    return EXIT_DONE;
}

static bool area_of(struct command_context *context, const char *code, int64_t *ret_area_no,
                    struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(context->platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &area_of_code, SQL_ARGUMENTS(sql_text(slice_of(code))), 0,
                            ret_area_no, err);
    store_read_end(context->platform->store, sql);
    return done &&
           (*ret_area_no || error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--area"},
                                      "the code of an area", "there is no area '%s'", code));
}

static int run_move(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *role, *area;
    struct user_change change = {.by_last = INT64_MAX};
    if (!command_option(&argc, argv, "--role", &role, err) ||
        !command_option(&argc, argv, "--area", &area, err) ||
        !command_arguments(&access_commands[3], argc, argv, 1, 1, err))
        return command_fail(err);
    if (!role || !area) {
        error_set(err, ERROR_USAGE, (struct error_place){.source = "user move"},
                  "NAME --role R --area CODE", "an option is missing");
        return command_fail(err);
    }
    change.name = slice_of(argv[0]);
    change.role = slice_of(role);
    bool done = area_of(context, area, &change.area_no, err) &&
                access_user_change(context->platform->access, &change, SLICE("command line"), err);
    return done ? EXIT_DONE : command_fail(err);
}

static int run_duty(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *until;
    struct user_change change = {.duty_until = TIMESTAMP_NONE, .by_last = INT64_MAX};
    bool open = command_flag(&argc, argv, "--open");
    if (!command_option(&argc, argv, "--until", &until, err) ||
        !command_arguments(&access_commands[4], argc, argv, 1, 1, err))
        return command_fail(err);
    if (open == (until != NULL) || (until && !time_parse(slice_of(until), &change.duty_until))) {
        error_set(err, ERROR_USAGE, (struct error_place){.source = "user duty"},
                  "NAME --until T (RFC 3339) or NAME --open", "the duty's end is not clear");
        return command_fail(err);
    }
    change.name = slice_of(argv[0]);
    return access_user_change(context->platform->access, &change, SLICE("command line"), err)
               ? EXIT_DONE
               : command_fail(err);
}

struct factor_job {
    struct access *access;
    struct slice name;
    char secret[ACCESS_FACTOR_BYTES];
};

static bool set_factor(struct sql *sql, void *context, struct error *err)
{
    struct factor_job *job = context;
    int64_t user_no;
    return access_user_number(sql, job->name, &user_no, err) &&
           access_factor_set(sql, job->access, user_no, job->secret, err) &&
           record_command(sql, "user.factor", job->name, NULL, NULL, err);
}

static int run_factor(struct command_context *context, int argc, char **argv, struct error *err)
{
    if (!command_arguments(&access_commands[5], argc, argv, 1, 1, err))
        return command_fail(err);
    struct factor_job job = {context->platform->access, slice_of(argv[0]), ""};
    if (!store_write(context->platform->store, set_factor, &job, err))
        return command_fail(err);
    fprintf(context->words, "for an authenticator; shown once:\n");
    fprintf(context->out, "otpauth://totp/Chengmai:%s?secret=%s&issuer=Chengmai\n", argv[0],
            job.secret);
    sodium_memzero(job.secret, sizeof job.secret);
    return EXIT_DONE;
}

/* Which person a user is, or which unit the user serves in: a number that must be there. */
struct tie_job {
    struct platform *platform;
    struct slice name;
    int64_t no;
    bool is_unit;
};

static bool tie(struct sql *sql, void *context, struct error *err)
{
    struct tie_job *job = context;
    int64_t found;
    struct audit_entry entry = {.actor = SLICE("command line"),
                                .act = job->is_unit ? SLICE("user.unit") : SLICE("user.person"),
                                .purpose = job->name,
                                .subject_no = job->is_unit ? 0 : job->no};
    if (!sql_one_int(sql, job->is_unit ? &unit_known : &person_known,
                     SQL_ARGUMENTS(sql_int(job->no)), 0, &found, err))
        return false;
    if (!found)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "number"},
                         job->is_unit ? "the number of a unit" : "the number of a person",
                         "there is no number %lld", (long long)job->no);
    return (job->is_unit ? access_user_serves(sql, job->name, job->no, err)
                         : access_user_is(sql, job->name, (uint32_t)job->no, err)) &&
           audit_append(sql, &entry, world_now(job->platform->world), err);
}

static int run_tie(struct command_context *context, struct tie_job job, char **argv,
                   struct error *err)
{
    job.platform = context->platform;
    job.name = slice_of(argv[0]);
    if (!slice_to_int64(slice_of(argv[1]), 1, UINT32_MAX, &job.no)) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "number"},
                  job.is_unit ? "the number of a unit" : "the number of a person", "'%s' is none",
                  argv[1]);
        return command_fail(err);
    }
    bool done = store_write(context->platform->store, tie, &job, err);
    access_forget_cached(context->platform->access);
    return done ? EXIT_DONE : command_fail(err);
}

static int run_person(struct command_context *context, int argc, char **argv, struct error *err)
{
    if (!command_arguments(&access_commands[6], argc, argv, 2, 2, err))
        return command_fail(err);
    return run_tie(context, (struct tie_job){.is_unit = false}, argv, err);
}

static int run_unit(struct command_context *context, int argc, char **argv, struct error *err)
{
    if (!command_arguments(&access_commands[7], argc, argv, 2, 2, err))
        return command_fail(err);
    return run_tie(context, (struct tie_job){.is_unit = true}, argv, err);
}

const struct command access_commands[ACCESS_COMMANDS] = {
    {.name = "user add",
     .usage = "NAME --role R --area CODE [--lead NAME]",
     .words = "a user; the password is read from standard input",
     .needs_data = true,
     .run = run_add},
    {.name = "user list",
     .usage = "",
     .words = "users with their roles and areas",
     .needs_data = true,
     .run = run_list},
    {.name = "user token",
     .usage = "NAME",
     .words = "issues a further token, valid 30 days, alone on one line",
     .needs_data = true,
     .run = run_token},
    {.name = "user move",
     .usage = "NAME --role R --area CODE",
     .words = "transfers a user; what could be done before ends at once",
     .needs_data = true,
     .run = run_move},
    {.name = "user duty",
     .usage = "NAME --until T|--open",
     .words = "ends or extends a user's duty; sessions and tokens end with it",
     .needs_data = true,
     .run = run_duty},
    {.name = "user factor",
     .usage = "NAME",
     .words = "gives a user a new second factor and prints its otpauth address once",
     .needs_data = true,
     .run = run_factor},
    {.name = "user person",
     .usage = "NAME PERSON_NO",
     .words = "says which person a user is: reads of the own household are shown to reviewers",
     .needs_data = true,
     .run = run_person},
    {.name = "user unit",
     .usage = "NAME UNIT_NO",
     .words = "says which unit a user serves in: what waits for the unit waits for the user",
     .needs_data = true,
     .run = run_unit},
};
