/* venue clusters: the same search by hand, of any days. */
#include <math.h>

#include "feeds/feeds_internal.h"

struct asked {
    int32_t last;
    int64_t days;
    const char *source;
};

static bool read_arguments(struct command_context *context, int argc, char **argv,
                           struct asked *asked, struct error *err)
{
    const struct platform *platform = context->platform;
    int32_t today = time_day_of_seconds(world_now(platform->world) / SECOND);
    const char *to, *days;
    *asked = (struct asked){today - 1, platform->feeds->settings.number[NUMBER_CLUSTER_DAYS], NULL};
    if (!command_option(&argc, argv, "--to", &to, err) ||
        !command_option(&argc, argv, "--days", &days, err) ||
        !command_option(&argc, argv, "--source", &asked->source, err) ||
        !command_arguments(&feed_commands[0], argc, argv, 0, 0, err))
        return false;
    asked->source = asked->source ? asked->source : "default";
    if (to && (!time_parse_date(slice_of(to), &asked->last) || asked->last > today))
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--to"},
                         "YYYY-MM-DD, not after today", "'%.40s' is no such day", to);
    return !days || slice_to_int64(slice_of(days), 1, 28, &asked->days) ||
           error_set(err, ERROR_USAGE, (struct error_place){.field = "--days"}, "1 to 28",
                     "'%.40s' is no such number", days);
}

static void put_number(FILE *out, double value, bool shown)
{
    if (shown && !isnan(value))
        fprintf(out, ",%.6g", value);
    else
        fputs(",NA", out);
}

/* The external id, or the number where the source has none. */
static bool put_venue(struct command_context *context, struct sql *sql, const struct asked *asked,
                      uint32_t venue, struct error *err)
{
    struct slice id;
    struct buffer cell;
    if (!registry_external_id(sql, REGISTRY_VENUE, slice_of(asked->source), venue, context->arena,
                              &id, err))
        return false;
    if (!id.data) {
        fprintf(context->out, "%u", venue);
        return true;
    }
    buffer_init(&cell, 1 << 16);
    registry_csv_put(&cell, id, true);
    fprintf(context->out, "%.*s", SLICE_ARG(buffer_slice(&cell)));
    buffer_release(&cell);
    return true;
}

static bool put_cluster(struct command_context *context, const struct asked *asked,
                        const struct places *places, struct sql *sql, const struct cluster *cluster,
                        struct error *err)
{
    const struct area *area =
        registry_area(context->platform->registry, places->areas[cluster->area]);
    const struct venue_category *category =
        policy_category(places->policy, places_venue(places, cluster->venue)->category);
    double below = (double)policy_number(places->policy, NUMBER_SUPPRESS_BELOW);
    bool shown = cluster->later_positive >= below;
    if (!put_venue(context, sql, asked, cluster->venue, err))
        return false;
    fprintf(context->out, ",%.*s,%s", SLICE_ARG(area ? area->code : SLICE("")), category->name);
    put_number(context->out, cluster->visitors, cluster->visitors >= below);
    put_number(context->out, cluster->later_positive, shown);
    put_number(context->out, cluster->expected, shown);
    put_number(context->out, cluster->p, shown);
    put_number(context->out, cluster->q, shown);
    put_number(context->out, cluster->p_bonferroni, shown);
    fprintf(context->out, ",%d,", cluster->named);
    if (cluster->with && !put_venue(context, sql, asked, cluster->with, err))
        return false;
    fputc('\n', context->out);
    return true;
}

static bool put_all(struct command_context *context, const struct asked *asked,
                    const struct places *places, struct sql *sql, const struct traffic *traffic,
                    const struct clusters *clusters, int64_t rows_read, struct error *err)
{
    char first[TIME_TEXT_BYTES], last[TIME_TEXT_BYTES];
    fputs("venue,area,category,visitors,later_positive,expected,p,q,p_bonferroni,named,with\n",
          context->out);
    for (size_t i = 0; i < clusters->count; i++)
        if (!put_cluster(context, asked, places, sql, &clusters->items[i], err))
            return false;
    fprintf(context->words,
            "%s to %s: %d days with check-ins; %lld venues count as tests, %zu with enough later"
            " positives were read (%lld check-ins in all), %zu are named\n",
            time_format_date(traffic->window.first, first),
            time_format_date(traffic->window.last, last), traffic->days,
            (long long)clusters->venues, clusters->count, (long long)rows_read, clusters->named);
    return true;
}

static bool find_and_put(struct command_context *context, const struct asked *asked,
                         struct sql *sql, struct error *err)
{
    struct platform *platform = context->platform;
    struct presence_view *view = NULL;
    struct traffic traffic = {.days = 0};
    struct clusters clusters;
    struct places places;
    if (!places_read(platform, sql, &places, err))
        return false;
    bool done =
        presence_view_begin(platform->presence, &view, err) &&
        clusters_of_day(platform->feeds, &places, sql, view, asked->last, asked->days,
                        context->arena, &traffic, &clusters, err) &&
        put_all(context, asked, &places, sql, &traffic, &clusters, presence_rows_read(view), err);
    traffic_release(&traffic);
    presence_view_end(view);
    places_release(&places);
    return done;
}

static int run_clusters(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct asked asked;
    struct sql *sql;
    if (!read_arguments(context, argc, argv, &asked, err) ||
        !store_read_begin(context->platform->store, &sql, err))
        return command_fail(err);
    bool done = find_and_put(context, &asked, sql, err);
    store_read_end(context->platform->store, sql);
    return done ? EXIT_DONE : command_fail(err);
}

const struct command feed_commands[FEED_COMMANDS] = {
    {.name = "venue clusters",
     .usage = "[--to YYYY-MM-DD] [--days N] [--source NAME]",
     .words = "venues with more later-positive visitors than their traffic explains, as CSV",
     .needs_data = true,
     .run = run_clusters},
};
