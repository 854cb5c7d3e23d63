/* The space–time scan of one map: expected counts, the greatest ratios, clusters. What a level of
 * the ratio has to do with critical counts: scan_internal.h. */
#include "sensing/scan_internal.h"

/* ---- The counts, as the scan needs them ---- */

static bool refuse_model(const struct scan_counts *counts, struct error *err)
{
    return error_set(
        err, ERROR_BAD_VALUE, (struct error_place){.source = counts->source, .field = "header"},
        "a column `expected` or `population`", "the Poisson model needs what was to be expected");
}

static bool refuse_absent(const struct scan_counts *counts, struct error *err)
{
    char date[TIME_TEXT_BYTES];
    int32_t day = counts->first_day + (int32_t)(counts->absent % counts->day_count);
    return error_set(
        err, ERROR_BAD_VALUE, (struct error_place){.source = counts->source, .field = "date"},
        "one row a place and day", "place '%.60s' has no row on %s",
        counts->places[counts->absent / counts->day_count], time_format_date(day, date));
}

static bool check_model(const struct scan_counts *counts, enum scan_model model, struct error *err)
{
    if (model == SCAN_POISSON)
        return !counts->expected           ? refuse_model(counts, err)
               : counts->absent < SIZE_MAX ? refuse_absent(counts, err)
                                           : true;
    return counts->missing_row == 0 ||
           error_set(err, ERROR_BAD_VALUE,
                     (struct error_place){counts->source, counts->missing_row, "count"},
                     "a whole number: the permutation model needs every count",
                     "a count is missing");
}

/* Poisson: weights are what was expected on the last days; their sum stands for all cases. */
static void poisson_weights(struct scan *scan)
{
    const struct scan_counts *counts = scan->counts;
    size_t days = counts->day_count;
    double sum = 0;
    for (size_t p = 0; p < counts->place_count; p++) {
        double all = 0;
        for (size_t back = 0; back < days; back++) {
            all += counts->expected[(p + 1) * days - 1 - back];
            if (back < SCAN_LANES)
                scan->weights[p * SCAN_LANES + back] = all;
        }
        sum += all;
    }
    for (size_t h = 0; h < SCAN_LANES; h++)
        scan->scale[h] = scan->total;
    scan->divisor = sum > 0 ? sum : 1;
}

/* Permutation: cases of the place × cases of the days / all cases. */
static void permutation_weights(struct scan *scan)
{
    const struct scan_counts *counts = scan->counts;
    size_t days = counts->day_count;
    for (size_t p = 0; p < counts->place_count; p++) {
        double all = 0;
        for (size_t d = 0; d < days; d++)
            all += counts->cases[p * days + d];
        for (size_t h = 0; h < SCAN_LANES; h++)
            scan->weights[p * SCAN_LANES + h] = all;
    }
    double sum = 0;
    for (size_t h = 0; h < SCAN_LANES; h++) {
        for (size_t p = 0; h < days && p < counts->place_count; p++)
            sum += counts->cases[(p + 1) * days - 1 - h];
        scan->scale[h] = sum;
    }
    scan->divisor = scan->total > 0 ? scan->total : 1;
}

bool scan_begin(const struct scan_counts *counts, const struct scan_settings *settings,
                struct arena *arena, struct scan *ret_scan, struct error *err)
{
    size_t rows = counts->place_count * SCAN_LANES, days = counts->day_count;
    struct scan scan = {.counts = counts, .model = settings->model};
    if (!check_model(counts, settings->model, err) ||
        !circles_make(counts, settings->circle_places_max, arena, &scan.circles, err))
        return false;
    scan.days = settings->days_max < days ? settings->days_max : days;
    scan.weights = arena_alloc(arena, rows * sizeof *scan.weights);
    scan.observed = arena_alloc(arena, rows * sizeof *scan.observed);
    for (size_t p = 0; p < counts->place_count; p++) {
        uint32_t sum = 0;
        for (size_t back = 0; back < days; back++) {
            sum += counts->cases[(p + 1) * days - 1 - back];
            if (back < scan.days)
                scan.observed[p * SCAN_LANES + back] = (int32_t)sum;
        }
        scan.total += sum;
    }
    if (settings->model == SCAN_POISSON)
        poisson_weights(&scan);
    else
        permutation_weights(&scan);
    *ret_scan = scan;
    return true;
}

/* ---- Levels ---- */

/* Critical counts over a grid of expected ones, 256 an octave: bits of the number are its cell. */
enum { GRID_SHIFT = 52 - 8, GRID_OCTAVES = 50, GRID_CELLS = GRID_OCTAVES << 8 };
static const double grid_least = 0x1.0p-24, level_margin = 1e-9;

static size_t grid_cell(double expected)
{
    uint64_t bits, least;
    if (!(expected > grid_least))
        return 0;
    memcpy(&bits, &expected, sizeof bits);
    memcpy(&least, &grid_least, sizeof least);
    size_t cell = (size_t)((bits - least) >> GRID_SHIFT);
    return cell < GRID_CELLS ? cell : GRID_CELLS - 1;
}
static double grid_edge(size_t cell)
{
    uint64_t bits;
    double edge;
    memcpy(&bits, &grid_least, sizeof bits);
    bits += (uint64_t)cell << GRID_SHIFT;
    memcpy(&edge, &bits, sizeof edge);
    return edge;
}

/* The least count whose ratio reaches the level at the cell's lower edge, where counts reach it
 * first; at least `least`, INT32_MAX where none up to all cases does. */
static int32_t critical_count(double edge, double total, double level, int32_t least)
{
    if (scan_llr(total, edge, total) < level)
        return INT32_MAX;
    int64_t low = least - 1, high = (int64_t)total; /* low does not reach it, high does */
    for (int64_t step = 1; low + step < high; step *= 2)
        if (scan_llr((double)(low + step), edge, total) >= level) {
            high = low + step;
            break;
        }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (scan_llr((double)middle, edge, total) >= level)
            high = middle;
        else
            low = middle;
    }
    return (int32_t)high;
}

static void fill_grid(const struct scan *scan, double level, int32_t *grid)
{
    double least = INFINITY, greatest = 0;
    for (size_t p = 0; p < scan->counts->place_count; p++)
        for (size_t h = 0; h < scan->days; h++) {
            double expected = scan_expected(scan, scan->weights[p * SCAN_LANES + h], h);
            least = fmin(least, expected);
            greatest += h + 1 == scan->days ? expected : 0;
        }
    size_t first = grid_cell(least), last = grid_cell(greatest * (1 + level_margin)) + 1;
    int32_t critical = 1;
    for (size_t cell = first; cell <= last && cell < GRID_CELLS; cell++) {
        if (critical < INT32_MAX && cell > 0)
            critical =
                critical_count(grid_edge(cell), scan->total, level * (1 - level_margin), critical);
        grid[cell] = critical;
    }
}

void scan_level_init(const struct scan *scan, struct arena *arena, struct scan_level *ret_level)
{
    size_t rows = scan->circles.place_count * scan->circles.stride;
    *ret_level = (struct scan_level){
        .critical = arena_alloc(arena, rows * SCAN_LANES * sizeof *ret_level->critical)};
}

void scan_level_set(const struct scan *scan, double level, struct scan_level *ret_level)
{
    const struct circles *circles = &scan->circles;
    int32_t *grid = x_alloc(GRID_CELLS, sizeof *grid);
    ret_level->level = level;
    fill_grid(scan, level, grid);
    for (size_t centre = 0; centre < circles->place_count; centre++) {
        double weight[SCAN_LANES] = {0};
        for (size_t j = 0; j < circles->stride; j++) {
            size_t circle = centre * circles->stride + j;
            const double *row = &scan->weights[circles->members[circle] * SCAN_LANES];
            int32_t *critical = &ret_level->critical[circle * SCAN_LANES];
            bool counts = j < circles->sizes[centre] && circles->ends[circle];
            for (size_t h = 0; h < SCAN_LANES; h++) {
                weight[h] += row[h];
                critical[h] = counts && h < scan->days
                                  ? grid[grid_cell(scan_expected(scan, weight[h], h))]
                                  : INT32_MAX;
            }
        }
    }
    free(grid);
}

/* ---- The greatest ratio ---- */

/* Whether a cylinder of the centre comes to its critical count: the sign of their difference. */
static bool reaches(const struct circles *circles, size_t centre, const int32_t *critical,
                    const int32_t *rows)
{
    const uint32_t *members = &circles->members[centre * circles->stride];
    int32_t sum[SCAN_LANES] = {0}, signs[SCAN_LANES] = {0}, any = 0;
    critical += centre * circles->stride * SCAN_LANES;
    for (size_t j = 0; j < circles->sizes[centre]; j++, critical += SCAN_LANES) {
        const int32_t *row = &rows[members[j] * SCAN_LANES];
        for (size_t h = 0; h < SCAN_LANES; h++) {
            sum[h] += row[h];
            signs[h] |= critical[h] - 1 - sum[h];
        }
    }
    for (size_t h = 0; h < SCAN_LANES; h++)
        any |= signs[h];
    return any < 0;
}

/* The greatest ratio of the centre's cylinders, at least `greatest`; with `critical` NULL all are
 * computed. */
static double centre_maximum(const struct scan *scan, size_t centre, const int32_t *critical,
                             const int32_t *rows, double greatest)
{
    const struct circles *circles = &scan->circles;
    int32_t sum[SCAN_LANES] = {0};
    double weight[SCAN_LANES] = {0};
    for (size_t j = 0; j < circles->sizes[centre]; j++) {
        size_t circle = centre * circles->stride + j, place = circles->members[circle];
        for (size_t h = 0; h < scan->days; h++) {
            sum[h] += rows[place * SCAN_LANES + h];
            weight[h] += scan->weights[place * SCAN_LANES + h];
            if (critical ? sum[h] < critical[circle * SCAN_LANES + h] : !circles->ends[circle])
                continue;
            double llr = scan_llr(sum[h], scan_expected(scan, weight[h], h), scan->total);
            greatest = llr > greatest ? llr : greatest;
        }
    }
    return greatest;
}

double scan_maximum(const struct scan *scan, const struct scan_level *level, const int32_t *rows)
{
    const struct circles *circles = &scan->circles;
    double greatest = 0;
    for (size_t centre = 0; centre < circles->place_count; centre++)
        if (reaches(circles, centre, level->critical, rows))
            greatest = centre_maximum(scan, centre, level->critical, rows, greatest);
    if (greatest >= level->level)
        return greatest;
    for (size_t centre = 0; centre < circles->place_count; centre++) /* none above the level */
        greatest = centre_maximum(scan, centre, NULL, rows, greatest);
    return greatest;
}

/* ---- Clusters ---- */

/* The best cylinder of each centre within its j + 1 nearest places. */
struct best {
    double llr;
    uint32_t places;
    uint32_t days; /* 0: none */
};

static bool beats(double llr, double other)
{
    return llr > other * (1 + 1e-10) && llr > 1e-9;
}

/* A greater ratio; of equal ones fewer places. */
static bool comes_before(struct best one, struct best other)
{
    return beats(one.llr, other.llr) ||
           (one.days > 0 && one.places < other.places && !beats(other.llr, one.llr));
}

static void fill_best(const struct scan *scan, size_t centre, struct best *best)
{
    const struct circles *circles = &scan->circles;
    struct best now = {0};
    int32_t sum[SCAN_LANES] = {0};
    double weight[SCAN_LANES] = {0};
    for (size_t j = 0; j < circles->sizes[centre]; j++) {
        size_t circle = centre * circles->stride + j, place = circles->members[circle];
        for (size_t h = 0; h < scan->days; h++) {
            sum[h] += scan->observed[place * SCAN_LANES + h];
            weight[h] += scan->weights[place * SCAN_LANES + h];
            if (!circles->ends[circle])
                continue;
            double llr = scan_llr(sum[h], scan_expected(scan, weight[h], h), scan->total);
            if (beats(llr, now.llr))
                now = (struct best){llr, (uint32_t)j + 1, (uint32_t)h + 1};
        }
        best[circle] = now;
    }
}

static struct scan_cluster cluster_of(const struct scan *scan, size_t centre, struct best best)
{
    const struct circles *circles = &scan->circles;
    size_t first = centre * circles->stride, lane = best.days - 1;
    struct scan_cluster cluster = {.centre = (uint32_t)centre,
                                   .place_count = best.places,
                                   .members = &circles->members[first],
                                   .days = best.days,
                                   .radius = circles->radii[first + best.places - 1],
                                   .llr = best.llr,
                                   .p = NAN};
    double weight = 0;
    for (size_t j = 0; j < best.places; j++) {
        size_t at = cluster.members[j] * SCAN_LANES + lane;
        cluster.cases += scan->observed[at];
        weight += scan->weights[at];
    }
    cluster.expected = scan_expected(scan, weight, lane);
    cluster.relative_risk = cluster.cases / cluster.expected;
    if (scan->model == SCAN_POISSON)
        cluster.relative_risk *= (scan->total - cluster.expected) / (scan->total - cluster.cases);
    return cluster;
}

/* Circles of a centre are free of the taken places up to limits[centre]. */
static void take_places(const struct circles *circles, const struct scan_cluster *cluster,
                        bool *taken, uint32_t *limits)
{
    for (size_t j = 0; j < cluster->place_count; j++)
        taken[cluster->members[j]] = true;
    for (size_t centre = 0; centre < circles->place_count; centre++)
        for (size_t j = 0; j < limits[centre]; j++)
            if (taken[circles->members[centre * circles->stride + j]])
                limits[centre] = (uint32_t)j;
}

static void find_clusters(const struct scan *scan, size_t clusters_max, struct arena *arena,
                          struct scan_result *result)
{
    const struct circles *circles = &scan->circles;
    size_t count = circles->place_count;
    struct best *best = arena_alloc(arena, count * circles->stride * sizeof *best);
    bool *taken = arena_alloc(arena, count);
    uint32_t *limits = arena_alloc(arena, count * sizeof *limits);
    memcpy(limits, circles->sizes, count * sizeof *limits);
    for (size_t centre = 0; centre < count; centre++)
        fill_best(scan, centre, best);
    result->clusters = arena_alloc(arena, clusters_max * sizeof *result->clusters);
    while (result->cluster_count < clusters_max) {
        struct best greatest = {0};
        size_t of = 0;
        for (size_t centre = 0; centre < count; centre++) {
            if (limits[centre] == 0)
                continue;
            struct best one = best[centre * circles->stride + limits[centre] - 1];
            if (comes_before(one, greatest)) {
                greatest = one;
                of = centre;
            }
        }
        if (greatest.days == 0)
            return;
        struct scan_cluster *cluster = &result->clusters[result->cluster_count++];
        *cluster = cluster_of(scan, of, greatest);
        take_places(circles, cluster, taken, limits);
    }
}

bool scan_run(const struct scan_counts *counts, const struct scan_settings *settings,
              struct arena *arena, struct scan_result *ret_result, struct error *err)
{
    struct scan scan;
    struct scan_result result = {0};
    REQUIRE(settings->days_max >= 1 && settings->days_max <= SCAN_LANES);
    REQUIRE(settings->clusters_max >= 1 && settings->clusters_max <= SCAN_CLUSTERS_MAX);
    REQUIRE(settings->threads >= 1 && settings->threads <= SCAN_THREADS_MAX);
    if (!scan_begin(counts, settings, arena, &scan, err))
        return false;
    find_clusters(&scan, settings->clusters_max, arena, &result);
    if (result.cluster_count > 0 && settings->replicates > 0)
        scan_p_values(&scan, settings, arena, &result);
    *ret_result = result;
    return true;
}
