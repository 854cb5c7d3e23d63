/* user address: where mail of a user goes. notices retry: what was given up waits again. */
#include "access/access.h"
#include "notices/notices_internal.h"

struct address_job {
    struct slice name, address; /* empty: none any more */
};

static bool set_address(struct sql *sql, void *context, struct error *err)
{
    const struct address_job *job = context;
    int64_t user_no;
    struct audit_entry entry = {
        .actor = SLICE("command line"), .act = SLICE("user.address"), .purpose = job->name};
    return access_user_number(sql, job->name, &user_no, err) &&
           address_put(sql, user_no, job->address, err) &&
           audit_append(sql, &entry, sql_now(sql), err);
}

static int run_address(struct command_context *context, int argc, char **argv, struct error *err)
{
    bool none = command_flag(&argc, argv, "--none");
    if (!command_arguments(&notice_commands[0], argc, argv, none ? 1 : 2, none ? 1 : 2, err))
        return command_fail(err);
    struct address_job job = {slice_of(argv[0]), none ? SLICE("") : slice_of(argv[1])};
    if (!none && !address_is_plain(job.address)) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "address"}, "NAME@DOMAIN",
                  "'%s' is not a plain address", argv[1]);
        return command_fail(err);
    }
    return store_write(context->platform->store, set_address, &job, err) ? EXIT_DONE
                                                                         : command_fail(err);
}

struct retry_job {
    enum notice_channel channel;
    int64_t count;
};

static bool retry(struct sql *sql, void *context, struct error *err)
{
    struct retry_job *job = context;
    return delivery_retry(sql, job->channel, world_real_now(), &job->count, err);
}

static int run_retry(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct retry_job job = {.channel = CHANNEL_WEBHOOK};
    if (!command_arguments(&notice_commands[1], argc, argv, 1, 1, err))
        return command_fail(err);
    while (job.channel < NOTICE_CHANNELS && strcmp(argv[0], notice_channel_name(job.channel)) != 0)
        job.channel++;
    if (job.channel == NOTICE_CHANNELS) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "channel"}, "webhook or smtp",
                  "'%s' is no channel", argv[0]);
        return command_fail(err);
    }
    if (!store_write(context->platform->store, retry, &job, err))
        return command_fail(err);
    fprintf(context->out, "{\"waiting_again\":%lld}\n", (long long)job.count);
    return EXIT_DONE;
}

const struct command notice_commands[NOTICE_COMMANDS] = {
    {.name = "user address",
     .usage = "NAME ADDRESS|--none",
     .words = "where a user's notices are mailed to, if the city opens that channel",
     .needs_data = true,
     .run = run_address},
    {.name = "notices retry",
     .usage = "webhook|smtp",
     .words = "tries again what a channel's receiver did not take until it was given up",
     .needs_data = true,
     .run = run_retry},
};
