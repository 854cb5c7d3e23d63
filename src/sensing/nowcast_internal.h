/* What the nowcasts share. */
#ifndef CHENGMAI_SENSING_NOWCAST_INTERNAL_H
#define CHENGMAI_SENSING_NOWCAST_INTERNAL_H

#include "sensing/sensing_internal.h"

struct nowcast {
    int32_t first, last, now; /* days: of dRange, and today */
    size_t delay_max, span;   /* D; now - first */
    size_t window;            /* m */
    size_t support;           /* N.tInf.max */
    double alpha, prior;      /* gd.prior.kappa */
};

/* `method`: what the parameter of that name may say. */
bool nowcast_settings(const struct method_call *call, const char *method, struct nowcast *nowcast,
                      struct error *err) MUST_USE;

/* Counts of the triangle, all indexed from the first day or delay 0. */
struct triangle {
    double *cells;          /* n of event day t and delay x at t (D + 1) + x */
    double *observed;       /* reported by now, of event day t, whatever the delay */
    double *reported;       /* N(t; T): of it, with delays that count */
    double *by_delay;       /* n_x within the moving window */
    double *by_delay_up_to; /* N_x */
};
void triangle_make(const struct line_list *list, const struct nowcast *nowcast, struct arena *arena,
                   struct triangle *triangle);

/* Counts at the levels of alpha: the first whose cumulated mass is above it, NAN where none is up
 * to N.tInf.max. */
enum { CAST_LOW, CAST_MEDIAN, CAST_HIGH, CASTS };
/* `reported` of a number of which each was reported with a probability that is beta(a, b). */
void nowcast_bnb(const struct nowcast *nowcast, double reported, double a, double b,
                 double casts[CASTS]);
/* All is reported. */
void nowcast_certain(const struct nowcast *nowcast, double count, double casts[CASTS]);

/* The table that every nowcast prints, one row a day now − D … now − 1. */
struct cast_table {
    double *date, *observed, *cast[CASTS], *delay;
    const char **reasons;
};
void cast_table_begin(const struct nowcast *nowcast, struct arena *arena, struct table *table,
                      struct cast_table *ret);
void cast_table_put(const struct cast_table *out, const struct nowcast *nowcast,
                    const struct triangle *triangle, size_t row, const double casts[CASTS]);

#endif
