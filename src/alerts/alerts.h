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

/* One count of an area and day, as its reporter knows it; total −1 where it is not told. */
struct alerts_count {
    const char *channel;
    int64_t area_no;
    int32_t day;
    int64_t count, total;
    timestamp reported_at; /* the latest report of a day wins */
};
/* Inside a job. ERROR_BAD_VALUE where there is no such channel. */
bool alerts_count_put(struct alerts *alerts, struct sql *sql, const struct alerts_count *count,
                      struct slice source, struct error *err) MUST_USE;

extern const struct module alerts_module;

#endif
