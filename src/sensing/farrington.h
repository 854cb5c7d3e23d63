/* What the two Farrington methods share: settings, rows of a fit, the fit with its reweighting, the
 * bound on a power scale. */
#ifndef CHENGMAI_SENSING_FARRINGTON_H
#define CHENGMAI_SENSING_FARRINGTON_H

#include "sensing/glm.h"
#include "sensing/sensing_internal.h"

enum { BASELINE_YEARS_MAX = 60 };
enum power { POWER_NONE, POWER_HALF, POWER_TWO_THIRDS };

struct farrington {
    size_t years, half_width, frequency;
    bool reweight, trend, by_dates, offset;
    double threshold; /* of the Anscombe residuals */
    double alpha, few_cases;
    size_t few_rows; /* no alarm unless the last `few_rows` hold `few_cases` */
    enum power power;
};

/* Reads what both have. */
bool farrington_settings(const struct parameters *parameters, const struct series *series,
                         double threshold, struct farrington *settings, struct error *err) MUST_USE;

/* ERROR_BAD_VALUE where an offset is asked for and the series has no population. */
bool farrington_offset_check(const struct farrington *settings, const struct series *series,
                             struct error *err) MUST_USE;

/* Columns of the whole series that the fits draw from, and room for one fit. */
struct farrington_room {
    double *log_count, *two_thirds, *log_start, *log_population;
    struct grouped_rows rows;
    double *response, *time, *offset, *row_log, *row_two_thirds, *row_log_start;
};
void farrington_room_make(const struct series *series, const struct farrington *settings,
                          size_t rows_max, struct arena *arena, struct farrington_room *room);
/* Adds row `index` of the series at `at` of the fit. */
static inline void farrington_row(struct farrington_room *room, const double *observed, size_t at,
                                  size_t index, double time)
{
    room->response[at] = observed[index];
    room->time[at] = time;
    room->row_log[at] = room->log_count[index];
    room->row_two_thirds[at] = room->two_thirds[index];
    room->row_log_start[at] = room->log_start[index];
    if (room->offset)
        room->offset[at] = room->log_population[index];
}

/* Has the row a count, and a population where that is the offset? */
static inline bool farrington_usable(const struct farrington_room *room, const double *observed,
                                     size_t index)
{
    return !isnan(observed[index]) && !(room->offset && isnan(room->log_population[index]));
}

/* Fit, dispersion (at least 1; NAN without degrees of freedom), and where asked a second fit with
 * weights. False where neither with nor without a trend the first fit comes to rest. */
bool farrington_fit(const struct farrington *settings, struct grouped_rows *rows, bool with_trend,
                    struct grouped_fit *fit, double *ret_dispersion);

/* Sum of the last rows reaches what is asked? NAN where one is missing. */
double farrington_enough(const struct farrington *settings, const double *observed, size_t t);

/* The bound and the place of `count` on the scale mean^power: normal with the variance of a new
 * observation, dispersion plus that of the estimated mean. */
struct power_bound {
    double upper, lower_probability, upper_probability, median;
};
struct power_bound farrington_bound(enum power power, double mean, double mean_error,
                                    double dispersion, double z, double count);

#endif
