/* A map of the places, larger where there were more cases on the last days, and the clusters as
 * circles: drawn through where chance alone rarely makes such a one, else broken. North is up; on
 * the sphere a degree of longitude is as wide as in the middle of the map. */
#include "sensing/plot_frame.h"
#include "sensing/scan.h"

enum { MAP_LEFT = 20, MAP_RIGHT = 600, MAP_TOP = 70, MAP_BOTTOM = 440, CLUSTERS_LISTED = 10 };
static const double km_a_degree = 111.195;

struct map {
    double west, north, scale_x, scale_y, left, top;
};

static void bounds_of(const double *values, size_t count, double *ret_low, double *ret_high)
{
    *ret_low = INFINITY;
    *ret_high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        *ret_low = fmin(*ret_low, values[i]);
        *ret_high = fmax(*ret_high, values[i]);
    }
}

static struct map map_of(const struct scan_counts *counts)
{
    double west, east, south, north;
    bounds_of(counts->x, counts->place_count, &west, &east);
    bounds_of(counts->y, counts->place_count, &south, &north);
    double narrow = counts->sphere ? cos((south + north) / 2 * M_PI / 180) : 1;
    double wide = fmax((east - west) * narrow, 1e-9), high = fmax(north - south, 1e-9);
    double scale = fmin((MAP_RIGHT - MAP_LEFT - 60) / wide, (MAP_BOTTOM - MAP_TOP - 60) / high);
    return (struct map){west,
                        north,
                        scale * narrow,
                        scale,
                        (MAP_LEFT + MAP_RIGHT - wide * scale) / 2,
                        (MAP_TOP + MAP_BOTTOM - high * scale) / 2};
}

static double map_x(const struct map *map, double x)
{
    return map->left + (x - map->west) * map->scale_x;
}
static double map_y(const struct map *map, double y)
{
    return map->top + (map->north - y) * map->scale_y;
}

static void draw_places(const struct scan_counts *counts, const struct map *map, double days,
                        struct buffer *out)
{
    double most = 1;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < counts->place_count; i++) {
            double cases = 0;
            for (size_t back = 1; back <= counts->day_count && (double)back <= days; back++)
                cases += counts->cases[(i + 1) * counts->day_count - back];
            most = fmax(most, cases);
            if (pass == 1)
                buffer_print(out,
                             "<circle class=\"place\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\""
                             " fill=\"%s\"/>\n",
                             map_x(map, counts->x[i]), map_y(map, counts->y[i]),
                             1.5 + 5 * sqrt(cases / most), cases > 0 ? "#5f7387" : "#c9d1d9");
        }
}

static size_t place_of(const struct scan_counts *counts, const char *name)
{
    size_t i = 0;
    while (i < counts->place_count && strcmp(counts->places[i], name) != 0)
        i++;
    return i;
}

static void put_line(struct buffer *out, double y, const char *style, const char *text)
{
    buffer_print(out, "<text x=\"620\" y=\"%.1f\"%s>", y, style);
    buffer_append_xml(out, slice_of(text));
    buffer_append_text(out, "</text>\n");
}

struct clusters {
    const char **centre;
    const double *radius, *first, *last, *cases, *expected, *p;
};

static void draw_cluster(const struct scan_counts *counts, const struct map *map,
                         const struct clusters *found, size_t row, struct arena *arena,
                         struct buffer *out)
{
    char first[TIME_TEXT_BYTES], last[TIME_TEXT_BYTES];
    bool likely = found->p[row] <= 0.05;
    size_t place = place_of(counts, found->centre[row]);
    double unit = counts->sphere ? map->scale_y / km_a_degree : map->scale_y;
    double x = map_x(map, counts->x[place]), y = map_y(map, counts->y[place]);
    double radius = fmax(found->radius[row] * unit, 5) + 4, at = 96 + 34 * (double)row;
    buffer_print(out,
                 "<circle class=\"cluster%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"none\""
                 " clip-path=\"url(#map)\" stroke=\"%s\" stroke-width=\"%s\"/>\n",
                 likely ? " likely" : "", x, y, radius, likely ? "#b3261e" : "#5b6772",
                 likely ? "2.2" : "1.2\" stroke-dasharray=\"4 3");
    buffer_print(out, "<text x=\"%.1f\" y=\"%.1f\" font-weight=\"600\">%zu</text>\n",
                 x + radius * 0.71 + 3, y - radius * 0.71, row + 1);
    if (row >= CLUSTERS_LISTED)
        return;
    put_line(out, at, likely ? " font-weight=\"600\" fill=\"#b3261e\"" : "",
             arena_print(arena, "%zu  %s：%.0f 例，预期 %.1f", row + 1, found->centre[row],
                         found->cases[row], found->expected[row]));
    put_line(out, at + 14, " fill=\"#4a5663\" font-size=\"11\"",
             arena_print(arena, "%s – %s, p = %.4g",
                         time_format_date((int32_t)found->first[row], first),
                         time_format_date((int32_t)found->last[row], last), found->p[row]));
}

bool plot_scan(const struct method_call *call, const struct table *table, struct buffer *out,
               struct error *err)
{
    const struct scan_counts *counts = call->places;
    struct clusters found = {.first = table_values(table, "first_day"),
                             .last = table_values(table, "last_day"),
                             .cases = table_values(table, "cases"),
                             .expected = table_values(table, "expected"),
                             .p = table_values(table, "p")};
    if (!counts || !counts->place_count || !found.first)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--plot"},
                         "the table of clusters", "this table has no picture");
    found.centre = table->columns[1].texts;
    found.radius = table->columns[2].values;
    struct map map = map_of(counts);
    struct plot plot;
    size_t likely = 0;
    double days = 1;
    for (size_t i = 0; i < table->row_count; i++) {
        likely += found.p[i] <= 0.05;
        days = fmax(days, found.last[i] - found.first[i] + 1);
    }
    plot_begin(&plot, out,
               arena_print(call->arena, "%zu 处地点中有 %zu 个聚集区不像偶然（p ≤ 0.05）",
                           counts->place_count, likely),
               arena_print(call->arena,
                           "Of %zu places; clusters unlike chance (p of 0.05 or less): %zu",
                           counts->place_count, likely));
    buffer_print(out,
                 "<defs><clipPath id=\"map\"><rect x=\"0\" y=\"56\" width=\"%d\" height=\"394\"/>"
                 "</clipPath></defs>\n",
                 MAP_RIGHT + 10);
    draw_places(counts, &map, days, out);
    for (size_t i = 0; i < table->row_count; i++)
        draw_cluster(counts, &map, &found, i, call->arena, out);
    plot_legend(&plot, "<circle cx=\"7\" cy=\"5\" r=\"4\" fill=\"#5f7387\"/>",
                arena_print(call->arena, "近 %.0f 天病例 cases of the last days", days));
    plot_legend(&plot,
                "<circle cx=\"7\" cy=\"5\" r=\"5\" fill=\"none\" stroke=\"#b3261e\""
                " stroke-width=\"2.2\"/>",
                "p ≤ 0.05");
    plot_legend(&plot,
                "<circle cx=\"7\" cy=\"5\" r=\"5\" fill=\"none\" stroke=\"#5b6772\""
                " stroke-dasharray=\"4 3\"/>",
                "可能偶然 may be chance");
    plot_end(&plot);
    return true;
}
