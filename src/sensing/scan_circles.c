/* Circles of the scan: for every place its nearest places, and where a circle ends.
 *
 * Distances are compared by their squares: on the plane, or of chords through the globe, which grow
 * with the great circle. */
#include "sensing/scan_internal.h"

static const double earth_radius_km = 6371.0088, tie_share = 1e-6;

struct point {
    double at[3];
};
struct neighbour {
    double square;
    uint32_t place;
};

static void place_points(const struct scan_counts *counts, struct point *points)
{
    for (size_t p = 0; p < counts->place_count; p++) {
        double x = counts->x[p], y = counts->y[p];
        if (!counts->sphere) {
            points[p] = (struct point){{x, y, 0}};
            continue;
        }
        x *= M_PI / 180;
        y *= M_PI / 180;
        points[p] = (struct point){{cos(y) * cos(x), cos(y) * sin(x), sin(y)}};
    }
}

static double distance_of(const struct scan_counts *counts, double square)
{
    double chord = sqrt(square);
    return counts->sphere ? 2 * earth_radius_km * asin(fmin(1, chord / 2)) : chord;
}

/* Same distance: squares within two millionths. */
static bool is_tied(double nearer, double farther)
{
    return farther - nearer <= 2 * tie_share * farther;
}

/* The `wanted` nearest of a centre, itself among them: by distance, then by number. */
static size_t nearest(const struct point *points, size_t count, size_t centre, size_t wanted,
                      struct neighbour *found)
{
    size_t held = 0;
    for (size_t p = 0; p < count; p++) {
        double square = 0;
        for (int i = 0; i < 3; i++)
            square +=
                (points[p].at[i] - points[centre].at[i]) * (points[p].at[i] - points[centre].at[i]);
        if (held == wanted && square >= found[held - 1].square)
            continue;
        size_t slot = held < wanted ? held++ : held - 1;
        for (; slot > 0 && found[slot - 1].square > square; slot--)
            found[slot] = found[slot - 1];
        found[slot] = (struct neighbour){square, (uint32_t)p};
    }
    return held;
}

static void set_circles(const struct scan_counts *counts, size_t centre,
                        const struct neighbour *found, size_t held, struct circles *circles)
{
    size_t first = centre * circles->stride;
    for (size_t j = 0; j < held && j < circles->stride; j++) {
        circles->members[first + j] = found[j].place;
        circles->radii[first + j] = distance_of(counts, found[j].square);
        circles->ends[first + j] = j + 1 == held || !is_tied(found[j].square, found[j + 1].square);
        if (circles->ends[first + j])
            circles->sizes[centre] = (uint32_t)j + 1;
    }
}

bool circles_make(const struct scan_counts *counts, size_t circle_places_max, struct arena *arena,
                  struct circles *ret_circles, struct error *err)
{
    size_t count = counts->place_count;
    size_t stride = circle_places_max < count ? circle_places_max : count;
    if (count * stride > SCAN_CIRCLES_MAX)
        return error_set(err, ERROR_TOO_LARGE,
                         (struct error_place){.source = counts->source, .field = "places"},
                         "at most 2000000 circles: fewer places, or smaller circles",
                         "%zu places have circles of up to %zu", count, stride);
    struct circles circles = {.place_count = count,
                              .stride = stride,
                              .members = arena_alloc(arena, count * stride * sizeof(uint32_t)),
                              .radii = arena_alloc(arena, count * stride * sizeof(double)),
                              .ends = arena_alloc(arena, count * stride),
                              .sizes = arena_alloc(arena, count * sizeof(uint32_t))};
    struct point *points = arena_alloc(arena, count * sizeof *points);
    struct neighbour *found = arena_alloc(arena, (stride + 1) * sizeof *found);
    place_points(counts, points);
    for (size_t centre = 0; centre < count; centre++) {
        size_t held = nearest(points, count, centre, stride + 1, found);
        set_circles(counts, centre, found, held, &circles);
        if (circles.sizes[centre] == 0)
            return error_set(err, ERROR_REFUSED,
                             (struct error_place){.source = counts->source, .field = "places"},
                             "a larger `places`, or places on one point taken together",
                             "place '%.60s' shares its point with more than %zu places",
                             counts->places[centre], stride);
    }
    *ret_circles = circles;
    return true;
}
