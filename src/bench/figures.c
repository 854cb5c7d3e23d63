/* A figure is printed from the pair of the median ratio, so that its three numbers belong together. */
#include "bench/figures.h"

#include <stdlib.h>

struct measure *figures_add(struct figures *figures, const char *name, const char *unit,
                            bool less_is_better)
{
    REQUIRE(figures->count < MEASURES_MAX);
    struct measure *measure = &figures->measures[figures->count++];
    *measure = (struct measure){.unit = unit, .less_is_better = less_is_better};
    snprintf(measure->name, sizeof measure->name, "%s", name);
    return measure;
}

void measure_add(struct measure *measure, double ours, double peer)
{
    REQUIRE(measure->count < PAIRS_MAX && ours > 0 && peer > 0);
    measure->pairs[measure->count++] = (struct pair){ours, peer};
}

double pair_ratio(const struct measure *measure, struct pair pair)
{
    return measure->less_is_better ? pair.peer / pair.ours : pair.ours / pair.peer;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, size_t count)
{
    REQUIRE(count > 0);
    qsort(values, count, sizeof *values, ascending);
    return values[(count - 1) / 2];
}

double percentile(double *values, size_t count, double share)
{
    REQUIRE(count > 0 && share > 0 && share <= 1);
    qsort(values, count, sizeof *values, ascending);
    size_t rank = (size_t)(share * (double)count);
    if ((double)rank < share * (double)count)
        rank++;
    return values[(rank ? rank : 1) - 1];
}

struct pair measure_median(const struct measure *measure)
{
    double ratios[PAIRS_MAX];
    for (size_t i = 0; i < measure->count; i++)
        ratios[i] = pair_ratio(measure, measure->pairs[i]);
    double middle = median(ratios, measure->count);
    for (size_t i = 0; i < measure->count; i++) {
        double ratio = pair_ratio(measure, measure->pairs[i]);
        if (ratio <= middle && ratio >= middle)
            return measure->pairs[i];
    }
    REQUIRE(false && "the median is one of the ratios");
    return measure->pairs[0];
}

void result_line(const struct measure *measure, char out[RESULT_LINE_BYTES])
{
    struct pair pair = measure_median(measure);
    snprintf(out, RESULT_LINE_BYTES, "RESULT name=%s ours=%.6g peer=%.6g ratio=%.3g unit=%s",
             measure->name, pair.ours, pair.peer, pair_ratio(measure, pair), measure->unit);
}

static void print_json(const struct figures *figures, const char *bench, FILE *out)
{
    fprintf(out, "{\"bench\":\"%s\",\"measures\":[", bench);
    const char *comma = "";
    for (size_t m = 0; m < figures->count; m++) {
        const struct measure *measure = &figures->measures[m];
        if (measure->count == 0)
            continue;
        struct pair middle = measure_median(measure);
        fprintf(out,
                "%s{\"name\":\"%s\",\"unit\":\"%s\",\"ours\":%.6g,\"peer\":%.6g,"
                "\"ratio\":%.6g,\"peer_is_limit\":%s,\"pairs\":[",
                comma, measure->name, measure->unit, middle.ours, middle.peer,
                pair_ratio(measure, middle), measure->peer_is_limit ? "true" : "false");
        for (size_t i = 0; i < measure->count; i++)
            fprintf(out, "%s[%.6g,%.6g]", i ? "," : "", measure->pairs[i].ours,
                    measure->pairs[i].peer);
        fprintf(out, "]}");
        comma = ",";
    }
    fprintf(out, "]}\n");
}

void figures_print(const struct figures *figures, const char *bench, bool json, FILE *out)
{
    char line[RESULT_LINE_BYTES];
    if (json) {
        print_json(figures, bench, out);
        return;
    }
    fprintf(out, "%-22s %4s %14s %14s %8s  %s\n", "measure", "pair", "ours", "peer", "ratio",
            "unit");
    for (size_t m = 0; m < figures->count; m++)
        for (size_t i = 0; i < figures->measures[m].count; i++) {
            const struct measure *measure = &figures->measures[m];
            struct pair pair = measure->pairs[i];
            fprintf(out, "%-22s %4zu %14.6g %14.6g %8.3g  %s%s\n", measure->name, i + 1,
                    pair.ours, pair.peer, pair_ratio(measure, pair), measure->unit,
                    measure->peer_is_limit ? " (peer: the limit)" : "");
        }
    for (size_t m = 0; m < figures->count; m++)
        if (figures->measures[m].count) {
            result_line(&figures->measures[m], line);
            fprintf(out, "%s\n", line);
        }
}
