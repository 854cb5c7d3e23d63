/* alerts: what is unusual in which place, and who has to look at it.
 *
 *   import, feed ──► series_point ──► night: one detector a channel ──► p-values of all series
 *                        │                                               │ false discovery rate
 *                        └► a feed that stops ──► feed alert             ▼
 *                                                 alert, one an episode of a place ──► loop
 *                                                   │ disposition: once, by who may
 *                                                   └► precision of each detector
 *
 * Counts of places only: no row, no answer and no alert is about a person. Channels are data
 * (policies/channels/). See README.md for the idea, docs/alerts.md for who feeds and reads it. */
#ifndef CHENGMAI_ALERTS_ALERTS_H
#define CHENGMAI_ALERTS_ALERTS_H

#include "module/module.h"

struct alerts;
/* Reads policies/alerts.yaml and every file of policies/channels/, all of it or nothing. After the
 * loops. */
bool alerts_open(struct platform *platform, struct alerts **ret_alerts, struct error *err) MUST_USE;
void alerts_close(struct alerts *alerts); /* accepts NULL; ends the nightly thread */

/* The nightly thread: judges each complete day once, from the policy's hour on, and makes up for
 * nights that were missed. */
void alerts_start(struct alerts *alerts);
void alerts_stop(struct alerts *alerts);

/* What one run found. */
struct alerts_report {
    int64_t series;                  /* that have data at all */
    int64_t judged;                  /* of them, by statistics or rule */
    int64_t signals;                 /* of them */
    double threshold;                /* p-values up to it were signals; 0 where none was */
    int64_t raised, extended, ended; /* alerts */
    int64_t forgotten;               /* alerts past their days */
};
/* Judges every series as of a local day and raises, extends and ends alerts, in one transaction. A
 * run that is repeated changes nothing. ERROR_BAD_VALUE where the day has not ended. */
bool alerts_run(struct alerts *alerts, int32_t day, struct alerts_report *ret_report,
                struct error *err) MUST_USE;
/* Runs what is due now; *ret_days: how many days were judged. */
bool alerts_run_due(struct alerts *alerts, int64_t *ret_days, struct error *err) MUST_USE;

/* ---- What a room above counts itself (feed.c) */

/* A day of an area; total −1 where the channel is no share. */
struct alerts_count {
    const char *channel;
    int64_t area_no;
    int32_t day;
    int64_t count, total;
    timestamp reported_at; /* the latest report of a day wins; TIMESTAMP_NONE: now */
};
/* Inside a job: the counts become points of their channels, as told by `source`. A day that another
 * source reported stays as reported; the same content is not written again. *ret_written: points
 * that are new or changed. ERROR_BAD_VALUE where there is no such channel, or it is a share and has
 * no total. */
bool alerts_feed(struct alerts *alerts, struct sql *sql, struct slice source,
                 const struct alerts_count *counts, size_t count, int64_t *ret_written,
                 struct error *err) MUST_USE;
/* Runs before a day is judged, on the thread that judges it and outside any job: brings the points
 * of the days up to it. Its failure fails the run. */
typedef bool alerts_preparer(void *context, int32_t day, struct error *err);
/* NULL: nothing has to be prepared. Before alerts_start. */
void alerts_prepare(struct alerts *alerts, alerts_preparer *prepare, void *context);

extern const struct module alerts_module;

#endif
