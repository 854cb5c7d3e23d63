/* Pictures of what a method found, as SVG: `--plot F.svg` of detect, rt, nowcast and scan.
 *
 * Written as text, not drawn through a library: words stay words that can be searched, read aloud
 * and set in the reader's own fonts, each mark says by its class what it is, and the same table
 * gives the same bytes. Nothing is shown as 0 that is not known: rows without a count or an answer
 * are hatched. */
#ifndef CHENGMAI_SENSING_PLOT_H
#define CHENGMAI_SENSING_PLOT_H

#include "sensing/sensing.h"

/* More rows than a screen has columns say nothing. */
enum { PLOT_ROWS_MAX = 4000 };

/* Appends the picture of `table`, which `method` made of `call`. ERROR_USAGE where the table has no
 * picture, ERROR_TOO_LARGE past PLOT_ROWS_MAX. Classes of marks:
 *   detect   bar, alarm (a row with an alarm each), na (data-rows: rows without a count), unjudged
 *            (data-rows: rows without an answer), band, expected
 *   rt       estimate, band, threshold, bar, unjudged
 *   incidence  estimate, interval, unjudged
 *   nowcast  reported, missing, interval, unjudged
 *   scan     place, cluster, cluster likely (p of 0.05 or less) */
bool plot_draw(const struct method *method, const struct method_call *call,
               const struct table *table, struct buffer *out, struct error *err) MUST_USE;

#endif
