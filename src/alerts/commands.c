/* alerts run, alerts list, alerts channels. */
#include "alerts/alerts_internal.h"

enum { LIST_MAX = 1000 };

static int run_run(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct alerts *alerts = context->platform->alerts;
    int32_t day = time_day_of_seconds(world_now(context->platform->world) / SECOND) - 1;
    struct alerts_report report;
    char text[TIME_TEXT_BYTES];
    const char *at;
    if (!command_option(&argc, argv, "--at", &at, err) ||
        !command_arguments(&alert_commands[0], argc, argv, 0, 0, err))
        return command_fail(err);
    if (at && !time_parse_date(slice_of(at), &day)) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "--at"}, "YYYY-MM-DD",
                  "'%s' is no day", at);
        return command_fail(err);
    }
    if (!alerts_run(alerts, day, &report, err))
        return command_fail(err);
    fprintf(context->out,
            "{\"day\":\"%s\",\"series\":%lld,\"judged\":%lld,\"signals\":%lld,\"threshold\":%.6g,"
            "\"raised\":%lld,\"extended\":%lld,\"ended\":%lld,\"forgotten\":%lld}\n",
            time_format_date(day, text), (long long)report.series, (long long)report.judged,
            (long long)report.signals, report.threshold, (long long)report.raised,
            (long long)report.extended, (long long)report.ended, (long long)report.forgotten);
    return EXIT_DONE;
}

static int run_list(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct platform *platform = context->platform;
    struct alert_query query = {.as_of = TIMESTAMP_NONE,
                                .area_last = INT64_MAX,
                                .limit = LIST_MAX,
                                .after_level = INT64_MAX,
                                .after_no = INT64_MAX};
    struct alert *alerts;
    struct sql *sql;
    size_t count;
    if (!command_arguments(&alert_commands[1], argc, argv, 0, 0, err) ||
        !store_read_begin(platform->store, &sql, err))
        return command_fail(err);
    bool done = alerts_read(sql, &query, context->arena, &alerts, &count, err);
    store_read_end(platform->store, sql);
    if (!done)
        return command_fail(err);
    for (size_t i = 0; i < count && i < LIST_MAX; i++) {
        const struct area *area = registry_area(platform->registry, alerts[i].area_no);
        char first[TIME_TEXT_BYTES], last[TIME_TEXT_BYTES];
        fprintf(
            context->out,
            "{\"id\":%lld,\"level\":\"%s\",\"kind\":\"%s\",\"channel\":\"%s\",\"area\":\"%.*s\","
            "\"first_day\":\"%s\",\"last_day\":\"%s\"}\n",
            (long long)alerts[i].no, level_name(alerts[i].level), alert_kind_name(alerts[i].kind),
            alerts[i].channel, SLICE_ARG(area ? area->code : SLICE("")),
            time_format_date(alerts[i].first_day, first),
            time_format_date(alerts[i].last_day, last));
    }
    if (count > LIST_MAX)
        fprintf(context->words, "the first %d; GET /alerts shows all\n", LIST_MAX);
    return EXIT_DONE;
}

static int run_channels(struct command_context *context, int argc, char **argv, struct error *err)
{
    const struct alerts *alerts = context->platform->alerts;
    if (!command_arguments(&alert_commands[2], argc, argv, 0, 0, err))
        return command_fail(err);
    for (size_t i = 0; i < alerts->channel_count; i++) {
        const struct channel *channel = &alerts->channels[i];
        fprintf(context->out, "%-22s %-12s %-20s %s\n", channel->name, channel->group,
                channel->detector ? channel->detector : "rule", channel->title.en);
    }
    return EXIT_DONE;
}

const struct command alert_commands[ALERT_COMMANDS] = {
    {.name = "alerts run",
     .usage = "[--at YYYY-MM-DD]",
     .words = "judges all series as of a day (default yesterday); repeated, it changes nothing",
     .needs_data = true,
     .run = run_run},
    {.name = "alerts list",
     .usage = "",
     .words = "open alerts, highest level first, a line each",
     .needs_data = true,
     .run = run_list},
    {.name = "alerts channels",
     .usage = "",
     .words = "the channels that `import series` takes: group, detector, title",
     .needs_data = true,
     .run = run_channels},
};
