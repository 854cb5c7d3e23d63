/* feeds: what the platform counts itself for its own alert desk.
 *
 *   day store ──┬─► venues that fell silent ───────────┐
 *               ├─► positives at checkpoints ──────────┤
 *   evidence ───┼─► abnormal tests of all tubes ───────┼─► points of channels ─► the desk's night
 *   register ───┼─► groups late for their tests ───────┤
 *   cases ──────┴─► venues with more later positives ──┘
 *                   than their traffic explains ─► venue_cluster ─► GET /venues/clusters
 *
 * It runs before each night of the desk and brings what is missing up to the day. Nothing that it
 * keeps, writes or answers is about a person: the persons whose visits are compared are read,
 * counted by place and let go. A day of which nothing is known gives no point, never 0. */
#ifndef CHENGMAI_FEEDS_FEEDS_H
#define CHENGMAI_FEEDS_FEEDS_H

#include "module/module.h"

struct feeds;
/* Reads policies/feeds.yaml, whole or not at all, and has itself run before the desk's nights.
 * After the alerts, which must be closed first. */
bool feeds_open(struct platform *platform, struct feeds **ret_feeds, struct error *err) MUST_USE;
void feeds_close(struct feeds *feeds); /* accepts NULL */

/* Brings every count up to a local day that has ended; *ret_written points are new or changed. A
 * count whose data are damaged is left out and said in the log: its feed stops, which the desk
 * tells. */
bool feeds_run(struct feeds *feeds, int32_t day, int64_t *ret_written, struct error *err) MUST_USE;

extern const struct module feeds_module;

#endif
