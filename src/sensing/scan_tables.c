/* scan poisson, scan permutation: parameters in, clusters as a table out.
 *
 * Parameters: places 50, most places of a circle; days 14, most days of a cylinder; replicates 999;
 * stop 0, replicates as great as a cluster after which no more are drawn (0: all are drawn);
 * clusters 10, most rows; seed 1; threads 2.
 * Tables: clusters (without --table), members (the places of each), maxima (of the replicates). */
#include "sensing/scan.h"
#include "sensing/sensing_internal.h"

static bool read_settings(const struct parameters *parameters, struct scan_settings *settings,
                          struct error *err)
{
    static const char *const names[] = {"places",   "days", "replicates", "stop",
                                        "clusters", "seed", "threads",    NULL};
    int64_t places, days, replicates, stop, clusters, seed, threads;
    if (!parameters_only(parameters, names, err) ||
        !parameter_whole(parameters, "places", 50, 1, SCAN_PLACES_MAX, &places, err) ||
        !parameter_whole(parameters, "days", 14, 1, SCAN_LANES, &days, err) ||
        !parameter_whole(parameters, "replicates", 999, 0, SCAN_REPLICATES_MAX, &replicates, err) ||
        !parameter_whole(parameters, "stop", 0, 0, SCAN_REPLICATES_MAX, &stop, err) ||
        !parameter_whole(parameters, "clusters", 10, 1, SCAN_CLUSTERS_MAX, &clusters, err) ||
        !parameter_whole(parameters, "seed", 1, 0, INT64_C(1) << 53, &seed, err) ||
        !parameter_whole(parameters, "threads", 2, 1, SCAN_THREADS_MAX, &threads, err))
        return false;
    settings->circle_places_max = (size_t)places;
    settings->days_max = (size_t)days;
    settings->replicates = (size_t)replicates;
    settings->stop = (size_t)stop;
    settings->clusters_max = (size_t)clusters;
    settings->seed = (uint64_t)seed;
    settings->threads = (size_t)threads;
    return true;
}

static void print_clusters(const struct scan_counts *counts, const struct scan_result *result,
                           struct arena *arena, struct table *table)
{
    table_begin(table, result->cluster_count);
    double *rank = table_add(table, arena, "rank", COLUMN_NUMBER);
    const char **centre = table_add_texts(table, arena, "centre");
    double *radius =
        table_add(table, arena, counts->sphere ? "radius_km" : "radius", COLUMN_NUMBER);
    double *places = table_add(table, arena, "places", COLUMN_NUMBER);
    double *first = table_add(table, arena, "first_day", COLUMN_DATE);
    double *last = table_add(table, arena, "last_day", COLUMN_DATE);
    double *cases = table_add(table, arena, "cases", COLUMN_NUMBER);
    double *expected = table_add(table, arena, "expected", COLUMN_NUMBER);
    double *risk = table_add(table, arena, "relative_risk", COLUMN_NUMBER);
    double *llr = table_add(table, arena, "llr", COLUMN_NUMBER);
    double *p = table_add(table, arena, "p", COLUMN_NUMBER);
    double *replicates = table_add(table, arena, "replicates", COLUMN_NUMBER);
    for (size_t i = 0; i < result->cluster_count; i++) {
        const struct scan_cluster *cluster = &result->clusters[i];
        rank[i] = (double)i + 1;
        centre[i] = counts->places[cluster->centre];
        radius[i] = cluster->radius;
        places[i] = cluster->place_count;
        last[i] = counts->first_day + (double)counts->day_count - 1;
        first[i] = last[i] - cluster->days + 1;
        cases[i] = cluster->cases;
        expected[i] = cluster->expected;
        risk[i] = cluster->relative_risk;
        llr[i] = cluster->llr;
        p[i] = cluster->p;
        replicates[i] = cluster->replicates;
    }
}

static void print_members(const struct scan_counts *counts, const struct scan_result *result,
                          struct arena *arena, struct table *table)
{
    size_t rows = 0, at = 0;
    for (size_t i = 0; i < result->cluster_count; i++)
        rows += result->clusters[i].place_count;
    table_begin(table, rows);
    double *rank = table_add(table, arena, "rank", COLUMN_NUMBER);
    const char **place = table_add_texts(table, arena, "place");
    double *cases = table_add(table, arena, "cases", COLUMN_NUMBER);
    for (size_t i = 0; i < result->cluster_count; i++)
        for (size_t j = 0; j < result->clusters[i].place_count; j++, at++) {
            uint32_t member = result->clusters[i].members[j];
            const uint32_t *end = &counts->cases[(member + 1) * counts->day_count];
            rank[at] = (double)i + 1;
            place[at] = counts->places[member];
            for (size_t back = 1; back <= result->clusters[i].days; back++)
                cases[at] += end[-(ptrdiff_t)back];
        }
}

static void print_maxima(const struct scan_result *result, struct arena *arena, struct table *table)
{
    table_begin(table, result->replicate_count);
    double *replicate = table_add(table, arena, "replicate", COLUMN_NUMBER);
    double *llr = table_add(table, arena, "llr", COLUMN_NUMBER);
    for (size_t i = 0; i < result->replicate_count; i++) {
        replicate[i] = (double)i + 1;
        llr[i] = result->maxima[i];
    }
}

static bool run(const struct method_call *call, enum scan_model model, struct table *ret_table,
                struct error *err)
{
    struct scan_settings settings = {.model = model};
    struct scan_result result;
    bool members = call->table_name && strcmp(call->table_name, "members") == 0;
    bool maxima = call->table_name && strcmp(call->table_name, "maxima") == 0;
    if (call->table_name && !members && !maxima)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--table"},
                         "members or maxima", "there is no table '%.40s'", call->table_name);
    if (!read_settings(call->parameters, &settings, err) ||
        !scan_run(call->places, &settings, call->arena, &result, err))
        return false;
    if (members)
        print_members(call->places, &result, call->arena, ret_table);
    else if (maxima)
        print_maxima(&result, call->arena, ret_table);
    else
        print_clusters(call->places, &result, call->arena, ret_table);
    return true;
}

bool scan_poisson_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    return run(call, SCAN_POISSON, ret_table, err);
}
bool scan_permutation_run(const struct method_call *call, struct table *ret_table,
                          struct error *err)
{
    return run(call, SCAN_PERMUTATION, ret_table, err);
}
