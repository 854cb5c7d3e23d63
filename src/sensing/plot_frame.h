/* The frame of a picture: title, scales, axes, legend, marks (plot_frame.c). Inside plots only. */
#ifndef CHENGMAI_SENSING_PLOT_FRAME_H
#define CHENGMAI_SENSING_PLOT_FRAME_H

#include "sensing/plot.h"
#include "sensing/sensing_internal.h"

enum { PLOT_WIDTH = 960, PLOT_HEIGHT = 480 };

/* One system of axes: rows from left to right, values upwards. */
struct axes {
    double left, right, top, bottom; /* pixels */
    size_t rows;
    double low, high; /* values at the bottom and the top */
    double step;      /* between lines */
};

struct plot {
    struct buffer *out;
    struct axes axes;
    double legend; /* x of its next entry */
};

/* Title in both languages; also the document's title for who does not see it. */
void plot_begin(struct plot *plot, struct buffer *out, const char *title_zh, const char *title_en);
void plot_end(struct plot *plot);

/* A scale that holds `low` and `high` in steps of 1, 2 or 5; `rows` beside one another. */
struct axes plot_axes(double top, double bottom, size_t rows, double low, double high);
double plot_x(const struct plot *plot, double row); /* the middle of a row, from 0 */
double plot_y(const struct plot *plot, double value);
/* Lines and numbers of the values, and the words above them. */
void plot_values(struct plot *plot, const char *words);
/* Marks below: dates where `days` is not NULL, else `numbers` (or 1, 2, 3 … where NULL too). */
void plot_rows(struct plot *plot, const double *days, const double *numbers);

/* A bar of one row from one value to another. `share`: of the row's width. */
void plot_bar(struct plot *plot, const char *class_, const char *fill, double row, double share,
              double from, double to);
/* A line through (row, value) of each value that is known, broken where one is not. */
void plot_line(struct plot *plot, const char *class_, const char *stroke, const double *rows,
               const double *values, size_t count);
/* The area between two such lines. */
void plot_band(struct plot *plot, const char *class_, const char *fill, const double *rows,
               const double *low, const double *high, size_t count);
/* Hatches the runs of rows that are `unknown`, between two pixels. */
void plot_hatch(struct plot *plot, const char *class_, const double *rows, const bool *unknown,
                size_t count, double top, double bottom);
/* The interval of one row, with ends. */
void plot_interval(struct plot *plot, double row, double low, double high);
/* A broken line at one value. */
void plot_threshold(struct plot *plot, double value);
/* An entry below the rows: a swatch (SVG of 14 × 10 pixels from 0, 0) and its words. */
void plot_legend(struct plot *plot, const char *swatch, const char *words);

/* Clusters on a map of their places (plot_scan.c). */
bool plot_scan(const struct method_call *call, const struct table *table, struct buffer *out,
               struct error *err) MUST_USE;

#endif
