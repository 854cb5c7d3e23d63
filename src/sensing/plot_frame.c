/* Title, scales, axes, legend and marks of a picture, as SVG 1.1. Numbers have one decimal: a tenth
 * of a pixel, and the same on every machine. Marks are cut at the edges of their axes. */
#include "sensing/plot_frame.h"

enum { LEFT = 62, RIGHT = PLOT_WIDTH - 20, LEGEND = PLOT_HEIGHT - 14, TICKS = 8 };

/* ---- The document */

static void put_text(struct plot *plot, double x, double y, const char *anchor, const char *style,
                     const char *text)
{
    buffer_print(plot->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor,
                 style);
    buffer_append_xml(plot->out, slice_of(text));
    buffer_append_text(plot->out, "</text>\n");
}

void plot_begin(struct plot *plot, struct buffer *out, const char *title_zh, const char *title_en)
{
    *plot = (struct plot){.out = out, .legend = LEFT};
    buffer_print(out,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
                 " viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"title\""
                 " font-family=\"'Noto Sans', 'Noto Sans CJK SC', sans-serif\" font-size=\"12\""
                 " fill=\"#1c2530\">\n<title id=\"title\">",
                 PLOT_WIDTH, PLOT_HEIGHT, PLOT_WIDTH, PLOT_HEIGHT);
    buffer_append_xml(out, slice_of(title_zh));
    buffer_append_text(out, " ");
    buffer_append_xml(out, slice_of(title_en));
    buffer_append_text(out,
                       "</title>\n<defs><pattern id=\"hatch\" width=\"6\" height=\"6\""
                       " patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
                       "<rect width=\"6\" height=\"6\" fill=\"#f3f4f6\"/>"
                       "<rect width=\"1.6\" height=\"6\" fill=\"#9aa3ad\"/></pattern></defs>\n");
    buffer_print(out, "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", PLOT_WIDTH,
                 PLOT_HEIGHT);
    put_text(plot, 20, 28, "start", " font-size=\"16\" font-weight=\"600\"", title_zh);
    put_text(plot, 20, 48, "start", " fill=\"#4a5663\"", title_en);
}

void plot_end(struct plot *plot)
{
    buffer_append_text(plot->out, "</svg>\n");
}

/* ---- Scales */

static double step_of(double high, int steps)
{
    double least = high / steps, power = pow(10, floor(log10(least)));
    double part = least / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

struct axes plot_axes(double top, double bottom, size_t rows, double low, double high)
{
    if (!(high > low))
        high = low + 1;
    double step = step_of(high - low, bottom - top > 150 ? 5 : 2);
    return (struct axes){LEFT,
                         RIGHT,
                         top,
                         bottom,
                         rows,
                         floor(low / step + 1e-9) * step,
                         ceil(high / step - 1e-9) * step,
                         step};
}

double plot_x(const struct plot *plot, double row)
{
    const struct axes *axes = &plot->axes;
    return axes->left + (row + 0.5) * (axes->right - axes->left) / (double)axes->rows;
}

double plot_y(const struct plot *plot, double value)
{
    const struct axes *axes = &plot->axes;
    double part = (fmin(fmax(value, axes->low), axes->high) - axes->low) / (axes->high - axes->low);
    return axes->bottom - part * (axes->bottom - axes->top);
}

void plot_values(struct plot *plot, const char *words)
{
    const struct axes *axes = &plot->axes;
    size_t steps = (size_t)lround((axes->high - axes->low) / axes->step);
    for (size_t i = 0; i <= steps; i++) {
        char text[40];
        double value = axes->low + (double)i * axes->step;
        value = fabs(value) < axes->step / 1e6 ? 0 : value;
        snprintf(text, sizeof text, "%.10g", value);
        buffer_print(plot->out,
                     "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n",
                     axes->left, axes->right, plot_y(plot, value), plot_y(plot, value),
                     i > 0 ? "#e6e9ed" : "#5b6772");
        put_text(plot, axes->left - 8, plot_y(plot, value) + 4, "end", " fill=\"#4a5663\"", text);
    }
    put_text(plot, 20, axes->top - 10, "start", " fill=\"#4a5663\" font-size=\"11\"", words);
}

void plot_rows(struct plot *plot, const double *days, const double *numbers)
{
    const struct axes *axes = &plot->axes;
    double step = fmax(1, step_of((double)axes->rows, TICKS));
    for (double row = 0; row < (double)axes->rows; row += step) {
        char text[TIME_TEXT_BYTES];
        size_t i = (size_t)row;
        if (days)
            time_format_date((int32_t)days[i], text);
        else
            snprintf(text, sizeof text, "%.10g", numbers ? numbers[i] : row + 1);
        buffer_print(plot->out,
                     "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#5b6772\"/>\n",
                     plot_x(plot, row), plot_x(plot, row), axes->bottom, axes->bottom + 5);
        bool cut = plot_x(plot, row) + 36 > PLOT_WIDTH; /* a date at the right edge */
        put_text(plot, cut ? PLOT_WIDTH - 4 : plot_x(plot, row), axes->bottom + 19,
                 cut ? "end" : "middle", " fill=\"#4a5663\"", text);
    }
}

/* ---- Marks */

void plot_bar(struct plot *plot, const char *class_, const char *fill, double row, double share,
              double from, double to)
{
    double wide = (plot->axes.right - plot->axes.left) / (double)plot->axes.rows * share;
    double top = plot_y(plot, to), bottom = plot_y(plot, from);
    if (bottom - top > 0)
        buffer_print(plot->out,
                     "<rect class=\"%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\""
                     " fill=\"%s\"/>\n",
                     class_, plot_x(plot, row) - wide / 2, top, wide, bottom - top, fill);
}

/* The end of the run of known values that begins at `from`. */
static size_t run_end(const double *low, const double *high, size_t from, size_t count)
{
    while (from < count && !isnan(low[from]) && !isnan(high[from]))
        from++;
    return from;
}

void plot_line(struct plot *plot, const char *class_, const char *stroke, const double *rows,
               const double *values, size_t count)
{
    for (size_t from = 0, end; from<count; from = end> from ? end : from + 1) {
        end = run_end(values, values, from, count);
        if (end == from)
            continue;
        buffer_print(plot->out,
                     "<polyline class=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\""
                     " stroke-linecap=\"round\" points=\"",
                     class_, stroke);
        for (size_t i = from; i < end; i++)
            buffer_print(plot->out, "%s%.1f,%.1f", i > from ? " " : "", plot_x(plot, rows[i]),
                         plot_y(plot, values[i]));
        if (end == from + 1) /* a single one is a dot */
            buffer_print(plot->out, " %.1f,%.1f", plot_x(plot, rows[from]),
                         plot_y(plot, values[from]));
        buffer_append_text(plot->out, "\"/>\n");
    }
}

void plot_band(struct plot *plot, const char *class_, const char *fill, const double *rows,
               const double *low, const double *high, size_t count)
{
    for (size_t from = 0, end; from<count; from = end> from ? end : from + 1) {
        end = run_end(low, high, from, count);
        if (end == from)
            continue;
        buffer_print(plot->out, "<polygon class=\"%s\" fill=\"%s\" points=\"", class_, fill);
        /* half a row to both sides, so that a single row has its width */
        buffer_print(plot->out, "%.1f,%.1f", plot_x(plot, rows[from] - 0.5),
                     plot_y(plot, high[from]));
        for (size_t i = from; i < end; i++)
            buffer_print(plot->out, " %.1f,%.1f", plot_x(plot, rows[i]), plot_y(plot, high[i]));
        buffer_print(plot->out, " %.1f,%.1f %.1f,%.1f", plot_x(plot, rows[end - 1] + 0.5),
                     plot_y(plot, high[end - 1]), plot_x(plot, rows[end - 1] + 0.5),
                     plot_y(plot, low[end - 1]));
        for (size_t i = end; i-- > from;)
            buffer_print(plot->out, " %.1f,%.1f", plot_x(plot, rows[i]), plot_y(plot, low[i]));
        buffer_print(plot->out, " %.1f,%.1f\"/>\n", plot_x(plot, rows[from] - 0.5),
                     plot_y(plot, low[from]));
    }
}

void plot_hatch(struct plot *plot, const char *class_, const double *rows, const bool *unknown,
                size_t count, double top, double bottom)
{
    for (size_t from = 0, end; from < count; from = end) {
        for (end = from; end < count && unknown[end];)
            end++;
        if (end == from) {
            end++;
            continue;
        }
        double left = plot_x(plot, rows[from] - 0.5), right = plot_x(plot, rows[end - 1] + 0.5);
        buffer_print(plot->out,
                     "<rect class=\"%s\" data-rows=\"%zu\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\""
                     " height=\"%.1f\" fill=\"url(#hatch)\"/>\n",
                     class_, end - from, left, top, right - left, bottom - top);
    }
}

void plot_interval(struct plot *plot, double row, double low, double high)
{
    double x = plot_x(plot, row), top = plot_y(plot, high), bottom = plot_y(plot, low);
    buffer_print(plot->out,
                 "<path class=\"interval\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh8M%.1f %.1fh8\""
                 " stroke=\"#1c2530\" fill=\"none\"/>\n",
                 x, top, bottom, x - 4, top, x - 4, bottom);
}

void plot_threshold(struct plot *plot, double value)
{
    double y = plot_y(plot, value);
    buffer_print(plot->out,
                 "<line class=\"threshold\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\""
                 " stroke=\"#1c2530\" stroke-dasharray=\"5 4\"/>\n",
                 plot->axes.left, plot->axes.right, y, y);
}

void plot_legend(struct plot *plot, const char *swatch, const char *words)
{
    double wide = 0;
    for (const unsigned char *c = (const unsigned char *)words; *c; c++)
        wide += (*c & 0xC0) == 0x80 ? 0 : *c >= 0xE0 ? 12 : 6.4;
    buffer_print(plot->out, "<g transform=\"translate(%.1f %d)\">%s</g>\n", plot->legend,
                 LEGEND - 9, swatch);
    put_text(plot, plot->legend + 20, LEGEND, "start", " fill=\"#4a5663\"", words);
    plot->legend += 20 + wide + 22;
}
