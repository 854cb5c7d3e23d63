/* CUSUM of transformed counts.
 *
 * Rossi, Lampugnani & Marchi, "An approximate CUSUM procedure for surveillance of health events",
 * Statistics in Medicine 18 (1999) 2111-2122; Pierce & Schafer, "Residuals in generalized linear
 * models", JASA 81 (1986) 977-986 (anscombe);
 * parameters as surveillance's algo.cusum documents them.
 *   C_t = max(0, C_{t-1} + z(x_t) - k), alarm where C_t >= h; the bound is the count that would
 *   reach h, or what is left of h where the transformation has no inverse here (none,
 *   anscombeNegBin).
 *
 * Followed: bounds below 0 are 0; anscombe2nd's bound adds m^(1/3) / 9 where its residual has
 * m^(-1/3) / 9; 2F1(1/3, 2/3; 5/3; x) of anscombeNegBin is taken at x rounded to 1/100 down to -10
 * and interpolated between whole numbers down to -100 (beyond, where the reference has NA,
 * exactly). `m` "glm": a Poisson regression with one season on the rows before the range. A
 * missing count has no answer and leaves the sum as it was. */
#include "sensing/glm.h"
#include "sensing/numerics.h"
#include "sensing/sensing_internal.h"

enum transformation {
    TRANS_ROSSI,
    TRANS_STANDARD,
    TRANS_ANSCOMBE,
    TRANS_ANSCOMBE_2ND,
    TRANS_PEARSON_NEGBIN,
    TRANS_ANSCOMBE_NEGBIN,
    TRANS_NONE,
};

struct cusum {
    enum transformation transformation;
    double k, h, alpha;
};

/* ---- The tabled hypergeometric function ---- */

static double tabled(double x)
{
    const double fine_end = -10, coarse_end = -100;
    if (!(x >= coarse_end))
        return hypergeometric_third(x);
    if (x < fine_end) {
        double upper = ceil(x), low = hypergeometric_third(upper - 1);
        return upper == x ? hypergeometric_third(x)
                          : low + (hypergeometric_third(upper) - low) * (x - (upper - 1));
    }
    double step = floor(-x * 100), near = -step / 100, next = -(step + 1) / 100;
    return hypergeometric_third(fabs(near - x) <= fabs(next - x) ? near : next);
}

/* 3/2 y^(2/3) 2F1(-alpha y), remembered for the counts that come again and again. */
enum { REMEMBERED = 64 };
struct negbin_memory {
    double alpha;
    double value[REMEMBERED];
    bool known[REMEMBERED];
};
static double negbin_part(struct negbin_memory *memory, double y)
{
    bool small = y < REMEMBERED && y == floor(y);
    size_t at = small ? (size_t)y : 0;
    if (small && memory->known[at])
        return memory->value[at];
    double root = cbrt(y), part = 1.5 * root * root * tabled(-memory->alpha * y);
    if (small) {
        memory->value[at] = part;
        memory->known[at] = true;
    }
    return part;
}

/* ---- One row ---- */

/* What depends on the mean alone. */
struct scale {
    double m, root, third, sixth, two_thirds; /* m^(1/2), m^(1/3), m^(1/6), m^(2/3) */
    double negbin_deviation, negbin_sixth, negbin_part;
};

static struct scale scale_of(const struct cusum *cusum, double m, struct negbin_memory *memory)
{
    struct scale scale = {.m = m, .root = sqrt(m), .third = cbrt(m)};
    double variance = m + cusum->alpha * m * m;
    scale.sixth = sqrt(scale.third);
    scale.two_thirds = scale.third * scale.third;
    scale.negbin_deviation = sqrt(variance);
    if (cusum->transformation == TRANS_ANSCOMBE_NEGBIN) {
        scale.negbin_sixth = cbrt(scale.negbin_deviation);
        scale.negbin_part = negbin_part(memory, m);
    }
    return scale;
}

static double residual(const struct cusum *cusum, const struct scale *scale, double x,
                       struct negbin_memory *memory)
{
    double m = scale->m, root;
    switch (cusum->transformation) {
    case TRANS_ROSSI:
        return (x - 3 * m + 2 * sqrt(x * m)) / (2 * scale->root);
    case TRANS_STANDARD:
        return (x - m) / scale->root;
    case TRANS_ANSCOMBE:
        root = cbrt(x);
        return 1.5 * (root * root - scale->two_thirds) / scale->sixth;
    case TRANS_ANSCOMBE_2ND:
        root = cbrt(x);
        return (root * root - (scale->two_thirds - 1 / scale->third / 9)) / (2. / 3 * scale->sixth);
    case TRANS_PEARSON_NEGBIN:
        return (x - m) / scale->negbin_deviation;
    case TRANS_ANSCOMBE_NEGBIN:
        return (negbin_part(memory, x) - scale->negbin_part) / scale->negbin_sixth;
    case TRANS_NONE:
        break;
    }
    return x;
}

static double power_three_halves(double value)
{
    return value < 0 ? 0 : value * sqrt(value);
}

/* `before` and `after`: the sum before and after this row. */
static double bound_of(const struct cusum *cusum, const struct scale *scale, double before,
                       double after)
{
    double m = scale->m, left = cusum->h + cusum->k - before, bound;
    switch (cusum->transformation) {
    case TRANS_ROSSI:
        bound = 2 * scale->root * left + 5 * m - 2 * sqrt(4 * m * m + 2 * m * scale->root * left);
        break;
    case TRANS_STANDARD:
        bound = ceil(scale->root * left + m);
        break;
    case TRANS_ANSCOMBE:
        bound = power_three_halves(2. / 3 * scale->sixth * left + scale->two_thirds);
        break;
    case TRANS_ANSCOMBE_2ND:
        bound =
            power_three_halves(2. / 3 * scale->sixth * left + scale->two_thirds - scale->third / 9);
        break;
    case TRANS_PEARSON_NEGBIN:
        bound = scale->negbin_deviation * left + m;
        break;
    default:
        bound = cusum->h - after;
    }
    return bound > 0 ? bound : 0;
}

/* ---- The expected count ---- */

/* Means of the rows of the range into `means`; *ret_constant where they are all the same. */
static bool expected_counts(const struct method_call *call, struct range range, double period,
                            double *means, bool *ret_constant, struct error *err)
{
    const struct series *series = call->series;
    json_t *m = parameter(call->parameters, "m");
    const char *word = json_string_value(m);
    double value = NAN, sum = 0, count = 0, ignored;
    *ret_constant = true;
    if (word && strcmp(word, "glm") == 0) {
        struct baseline_model model = {.harmonics = 1, .period = period};
        *ret_constant = false;
        return baseline_fit(&model, series->observed, range.first, range.first, range.end, 0,
                            call->arena, means, &ignored, err);
    }
    if (json_is_number(m)) {
        value = json_number_value(m);
    } else if (!m || (word && strcmp(word, "mean of observed before range") == 0)) {
        for (size_t i = 0; i < range.first; i++)
            if (!isnan(series->observed[i])) {
                sum += series->observed[i];
                count++;
            }
        value = sum / count;
        if (!(value > 0))
            return error_set(err, ERROR_REFUSED, (struct error_place){"parameters", 0, "m"},
                             "cases before the range, or m as a number",
                             "no case came before row %zu: there is no expected count",
                             range.first + 1);
    }
    if (!(value > 0) || value > SERIES_COUNT_MAX)
        return parameter_error(err, "m", "a number above 0, \"glm\" or nothing",
                               "the parameter is no expected count");
    for (size_t i = 0; i < range.end - range.first; i++)
        means[i] = value;
    return true;
}

static bool cusum_settings(const struct parameters *parameters, struct cusum *cusum,
                           double *ret_period, struct error *err)
{
    static const char *const names[] = {"k",     "h",           "m",    "trans", "alpha",
                                        "range", "start_epoch", "freq", NULL};
    static const char *const transformations[] = {
        "rossi",         "standard",       "anscombe", "anscombe2nd",
        "pearsonNegBin", "anscombeNegBin", "none",     NULL};
    int transformation;
    if (!parameters_only(parameters, names, err) ||
        !parameter_number(parameters, "k", 1.04, -1e9, 1e9, &cusum->k, err) ||
        !parameter_number(parameters, "h", 2.26, 0, 1e12, &cusum->h, err) ||
        !parameter_number(parameters, "alpha", 0.1, 0, 1e6, &cusum->alpha, err) ||
        !parameter_number(parameters, "freq", 52, 1, 366, ret_period, err) ||
        !parameter_choice(parameters, "trans", transformations, TRANS_STANDARD, &transformation,
                          err))
        return false;
    cusum->transformation = (enum transformation)transformation;
    return true;
}

bool cusum_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    const struct series *series = call->series;
    struct cusum cusum;
    struct range range;
    struct detection out;
    bool constant;
    double period, sum = 0;
    if (!cusum_settings(call->parameters, &cusum, &period, err) ||
        !parameter_range(call->parameters, series, 1, &range, err))
        return false;
    detection_begin(series, range, "upperbound", call->arena, ret_table, &out);
    double *sums = table_add(ret_table, call->arena, "cusum", COLUMN_NUMBER);
    double *means = table_add(ret_table, call->arena, "m", COLUMN_NUMBER);
    struct negbin_memory memory = {.alpha = cusum.alpha};
    struct scale scale;
    if (!expected_counts(call, range, period, means, &constant, err))
        return false;
    for (size_t row = 0; row < range.end - range.first; row++) {
        double x = series->observed[range.first + row], before = sum;
        if (isnan(x)) {
            detection_none(&out, row, reason_missing);
            sums[row] = NAN;
            continue;
        }
        if (row == 0 || !constant)
            scale = scale_of(&cusum, means[row], &memory);
        sum = fmax(0, sum + residual(&cusum, &scale, x, &memory) - cusum.k);
        sums[row] = sum;
        out.alarm[row] = sum >= cusum.h;
        out.upperbound[row] = bound_of(&cusum, &scale, before, sum);
    }
    return true;
}
