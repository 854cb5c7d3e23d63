/* bench coverage: do 95 % intervals hold the truth in 95 of 100 epidemics?
 *
 * Each estimator is run on simulated epidemics whose truth is known: of the very model it assumes,
 * and of a rough one, where counts vary more than the model says and what is constant there moves.
 * One interval an epidemic, so that they are independent. There is no peer: 0.95 stands in its
 * place. Beside it, for people: misses below and above, and coverage by how much there was to
 * count, which says from what counts on the interval can be trusted. --queries N epidemics a line.
 *
 *   R(t)      30 days, 5 cases first, 1 imported case a day, local cases of mean R × infectivity
 *             (serial interval 5 ± 2.5 days), R constant in 0.7 … 1.8; the window of days 24 … 30.
 *             Rough: superspreading (negative binomial, 0.3 a case), R walks by 5 % a day; the
 *             truth is its mean over the window, weighed by infectivity.
 *   nowcasts  60 days of cases that grow or fall by up to 5 % a day to about 20, the delay up to
 *             14 days, 4 on average; cases of the day before yesterday. weekday: reports are fewer
 *             on weekends. Rough: on each day reports are more or fewer than usual (logit ± 0.4),
 *             also weekends for those who know none, and delays grow by a third over the 60 days.
 *   growth    14 days, growth of −15 … 20 % a day, 1.5 … 50 cases on the middle one. Rough:
 *             negative binomial of size 5, growth walks by 0.02 a day; the truth is its mean.
 *   pooled    200 tubes of 10 and 50 of 20, a share of 1 in 20 000 … 1 in 40. Rough: infected
 *             persons stand together (correlation 0.1 within a tube). */
#include <math.h>
#include <stdlib.h>

#include "bench/benches.h"
#include "sensing/draws.h"
#include "sensing/pooled.h"
#include "sensing/sensing.h"
#include "sensing/serial_interval.h"

enum { COUNT_CLASSES = 4 };

/* One interval: whether it holds the truth, and how much it stood on. */
struct outcome {
    double truth, low, high; /* NAN: no answer */
    double counted;          /* cases, reported cases, positive tubes */
};

struct trial {
    struct random random;
    struct arena arena;
    struct parameters parameters;
    const struct method *method;
    bool rough;
};

struct experiment {
    const char *name, *command, *method, *parameters;
    const double *classes; /* least counts of the classes, the first 0 */
    const char *counts;    /* what is counted */
    bool (*run)(struct trial *trial, struct outcome *ret, struct error *err);
};

static double value_of(const struct table *table, const char *name, size_t row)
{
    const double *values = table_values(table, name);
    REQUIRE(values && row < table->row_count);
    return values[row];
}

static bool estimate(struct trial *trial, struct method_call *call, struct table *table,
                     struct error *err)
{
    call->parameters = &trial->parameters;
    call->arena = &trial->arena;
    return trial->method->run(call, table, err);
}

static double between(struct random *random, double low, double high)
{
    return low + (high - low) * random_unit(random);
}

/* ---- R(t) */

enum { RT_DAYS = 30, RT_FIRST = 24 };

static bool rt_trial(struct trial *trial, struct outcome *ret, struct error *err)
{
    double w[RT_DAYS], total[RT_DAYS] = {5}, imported[RT_DAYS] = {5};
    double r = between(&trial->random, 0.7, 1.8), weight = 0, sum = 0;
    size_t support = serial_interval_gamma(5, 2.5, RT_DAYS, w);
    struct table table;
    for (size_t t = 1; t < RT_DAYS; t++) {
        double lambda = 0;
        for (size_t k = 1; k < support && k <= t; k++)
            lambda += w[k] * total[t - k];
        if (trial->rough)
            r = fmax(0.2, fmin(2.5, r * exp(0.05 * draw_normal_value(&trial->random))));
        double local = trial->rough ? draw_negbin_value(&trial->random, r * lambda, 0.3 * lambda)
                                    : draw_poisson_value(&trial->random, r * lambda);
        imported[t] = draw_poisson_value(&trial->random, 1);
        total[t] = local + imported[t];
        if (t + 1 >= RT_FIRST) {
            weight += lambda;
            sum += lambda * r;
            ret->counted += local;
        }
    }
    struct series series = {
        .source = "coverage", .count = RT_DAYS, .observed = total, .imported = imported};
    struct method_call call = {.series = &series};
    if (!estimate(trial, &call, &table, err))
        return false;
    ret->truth = sum / weight;
    ret->low = value_of(&table, "q025", 0);
    ret->high = value_of(&table, "q975", 0);
    return true;
}

/* ---- Nowcasts */

enum { CAST_DAYS = 60, CAST_DELAYS = 15, CAST_AT = 2, CAST_FIRST = 19000 };

/* Share of those not reported before the delay that are reported with it, as a logit. */
static void delay_logits(double stretch, double logits[CAST_DELAYS])
{
    double mass[CAST_DELAYS], left = 0;
    for (size_t x = CAST_DELAYS; x-- > 0;) {
        double delay = ((double)x + 0.5) / stretch;
        mass[x] = delay * exp(-delay / 2.2); /* a gamma of mean 4.4, shape 2 */
        logits[x] = left > 0 ? log(mass[x] / left) : 0;
        left += mass[x];
    }
}

static double weekday_effect(int32_t day)
{
    static const double effects[7] = {0.4, 0.2, 0.1, 0, 0.1, -0.8, -1.2};
    return effects[(day + 3) % 7];
}

struct line_room {
    struct line_list list;
    size_t capacity;
};

static void add_cases(struct line_room *room, int32_t event, int32_t report, uint32_t count)
{
    struct line_list *list = &room->list;
    if (list->count + count > room->capacity) {
        room->capacity = 2 * (list->count + count);
        list->event_days = x_realloc(list->event_days, room->capacity * sizeof(int32_t));
        list->report_days = x_realloc(list->report_days, room->capacity * sizeof(int32_t));
    }
    for (uint32_t i = 0; i < count; i++) {
        list->event_days[list->count] = event;
        list->report_days[list->count++] = report;
    }
}

/* The reports of one day's cases; *ret_known of them are there by day `now`. */
static void day_reports(struct trial *trial, int32_t day, int32_t now, uint32_t cases,
                        const double *noise, bool weekdays, struct line_room *room,
                        double *ret_known)
{
    double logits[CAST_DELAYS];
    double moved = trial->rough ? 1 + (double)(day - CAST_FIRST) / CAST_DAYS / 3 : 1;
    delay_logits(moved, logits);
    *ret_known = 0;
    for (int32_t x = 0; x < CAST_DELAYS && day + x <= now; x++) {
        int32_t report = day + x;
        double logit =
            logits[x] + noise[report - CAST_FIRST] + (weekdays ? weekday_effect(report) : 0);
        bool last = x + 1 == CAST_DELAYS;
        uint32_t n = last ? cases : draw_binomial(&trial->random, cases, 1 / (1 + exp(-logit)));
        cases -= n;
        add_cases(room, day, report, n);
        *ret_known += n;
    }
}

static bool nowcast_trial(struct trial *trial, struct outcome *ret, struct error *err)
{
    const int32_t now = CAST_FIRST + CAST_DAYS - 1;
    bool weekdays = trial->rough || strcmp(trial->method->name, "weekday") == 0;
    double growth = between(&trial->random, -0.05, 0.05), noise[CAST_DAYS + CAST_DELAYS];
    struct line_room room = {.list = {.source = "coverage"}};
    struct table table;
    for (size_t i = 0; i < CAST_DAYS + CAST_DELAYS; i++)
        noise[i] = trial->rough ? 0.4 * draw_normal_value(&trial->random) : 0;
    for (int32_t day = CAST_FIRST; day <= now; day++) {
        double known, mean = 20 * exp(growth * (day - now));
        double cases = draw_poisson_value(&trial->random, mean);
        day_reports(trial, day, now, (uint32_t)cases, noise, weekdays, &room, &known);
        if (day == now - CAST_AT) {
            ret->truth = cases;
            ret->counted = known;
        }
    }
    struct method_call call = {.line_list = &room.list};
    bool done = estimate(trial, &call, &table, err);
    for (size_t row = 0; done && row < table.row_count; row++)
        if (value_of(&table, "delay", row) == CAST_AT) {
            ret->low = value_of(&table, "pi_lo", row);
            ret->high = value_of(&table, "pi_hi", row);
        }
    free(room.list.event_days);
    free(room.list.report_days);
    return done;
}

/* ---- Growth */

enum { GROWTH_DAYS = 14 };

static bool growth_trial(struct trial *trial, struct outcome *ret, struct error *err)
{
    double growth = between(&trial->random, -0.15, 0.2), counts[GROWTH_DAYS];
    double level = exp(between(&trial->random, log(1.5), log(50))), sum = 0;
    double mean = level * exp(-growth * (GROWTH_DAYS - 1) / 2.0);
    struct table table;
    for (size_t t = 0; t < GROWTH_DAYS; t++) {
        counts[t] = trial->rough ? draw_negbin_value(&trial->random, mean, 5)
                                 : draw_poisson_value(&trial->random, mean);
        ret->counted += counts[t];
        if (t + 1 == GROWTH_DAYS)
            break;
        growth += trial->rough ? 0.02 * draw_normal_value(&trial->random) : 0;
        sum += growth;
        mean *= exp(growth);
    }
    struct series series = {.source = "coverage", .count = GROWTH_DAYS, .observed = counts};
    struct method_call call = {.series = &series};
    if (!estimate(trial, &call, &table, err))
        return false;
    ret->truth = sum / (GROWTH_DAYS - 1);
    ret->low = value_of(&table, "growth_low", 0);
    ret->high = value_of(&table, "growth_high", 0);
    return true;
}

/* ---- Pooled tests */

/* Infected of the tube's persons: each at its own, or of a tube's own share. */
static bool tube_is_positive(struct trial *trial, double share, uint32_t size)
{
    const double together = 9; /* a + b of the beta: correlation 1 / 10 */
    if (trial->rough) {
        double a = draw_gamma_value(&trial->random, share * together);
        double b = draw_gamma_value(&trial->random, (1 - share) * together);
        share = a + b > 0 ? a / (a + b) : 0;
    }
    return draw_binomial(&trial->random, size, share) > 0;
}

static bool pooled_trial(struct trial *trial, struct outcome *ret, struct error *err)
{
    double share = exp(between(&trial->random, log(5e-5), log(0.025)));
    struct pool_row rows[2] = {{0, 10, 200, 0}, {0, 20, 50, 0}};
    struct pool_counts counts = {.source = "coverage", .row_count = 2, .rows = rows};
    struct method_call call = {.pools = &counts};
    struct table table;
    for (size_t i = 0; i < 2; i++)
        for (int tube = 0; tube < (int)rows[i].pools; tube++)
            rows[i].positive += tube_is_positive(trial, share, (uint32_t)rows[i].size);
    if (!estimate(trial, &call, &table, err))
        return false;
    ret->truth = share;
    ret->counted = rows[0].positive + rows[1].positive;
    ret->low = value_of(&table, "low", 0);
    ret->high = value_of(&table, "high", 0);
    return true;
}

/* ---- All of them */

static const double case_classes[COUNT_CLASSES] = {0, 10, 30, 100};
static const double report_classes[COUNT_CLASSES] = {0, 2, 5, 10};
static const double tube_classes[COUNT_CLASSES] = {0, 1, 5, 20};

#define CAST_PARAMETERS                                                                            \
    "{\"now\":\"2022-03-08\",\"D\":14,\"dRange\":[\"2022-01-08\",\"2022-03-08\"]}"

static const struct experiment experiments[] = {
    {"rt", "rt", "parametric_si", "{\"mean_si\":5,\"std_si\":2.5,\"t_start\":[24],\"t_end\":[30]}",
     case_classes, "local cases of the window", rt_trial},
    {"weekday", "nowcast", "weekday", CAST_PARAMETERS, report_classes, "reported so far",
     nowcast_trial},
    {"bayes", "nowcast", "bayes_notrunc_bnb", CAST_PARAMETERS, report_classes, "reported so far",
     nowcast_trial},
    {"lawless", "nowcast", "lawless", CAST_PARAMETERS, report_classes, "reported so far",
     nowcast_trial},
    {"growth", "rt", "growth", "{\"cases\":2}", case_classes, "cases of the window", growth_trial},
    {"pooled", "incidence", "pooled", "{}", tube_classes, "positive tubes", pooled_trial},
};

struct tally {
    size_t judged, covered, below, above; /* the truth lies below or above the interval */
};

static void tally_add(struct tally *tally, const struct outcome *outcome)
{
    bool below = outcome->truth<outcome->low, above = outcome->truth> outcome->high;
    tally->judged++;
    tally->below += below;
    tally->above += above;
    tally->covered += !below && !above;
}

static double share_of(const struct tally *tally)
{
    return (double)tally->covered / (double)tally->judged;
}

static void say_tallies(struct workshop *workshop, const struct experiment *experiment, bool rough,
                        const struct tally *all, const struct tally by_count[COUNT_CLASSES])
{
    char classes[300] = "";
    for (size_t c = 0; c < COUNT_CLASSES; c++) {
        size_t used = strlen(classes);
        if (by_count[c].judged)
            snprintf(classes + used, sizeof classes - used, "  %.0f+: %.3f (%zu)",
                     experiment->classes[c], share_of(&by_count[c]), by_count[c].judged);
    }
    double share = share_of(all);
    workshop_say(workshop, "%-8s %-5s covers %.3f ± %.3f, truth below %.3f above %.3f, by %s:%s",
                 experiment->name, rough ? "rough" : "own", share,
                 sqrt(share * (1 - share) / (double)all->judged),
                 (double)all->below / (double)all->judged, (double)all->above / (double)all->judged,
                 experiment->counts, classes);
}

static bool judge(struct workshop *workshop, const struct experiment *experiment, bool rough,
                  struct error *err)
{
    struct tally all = {0}, by_count[COUNT_CLASSES] = {{0}};
    struct trial trial = {.rough = rough,
                          .method = method_find(experiment->command, experiment->method)};
    bool done = parameters_read(experiment->parameters, NULL, 0, &trial.parameters, err);
    arena_init(&trial.arena, METHOD_ARENA_BYTES_MAX);
    for (int64_t i = 0; done && i < workshop->queries; i++) {
        struct outcome outcome = {.low = NAN, .high = NAN};
        random_init(&trial.random, 20220414, (uint64_t)(2 * i + rough));
        done = experiment->run(&trial, &outcome, err);
        arena_clear(&trial.arena);
        if (!done || isnan(outcome.low) || isnan(outcome.high))
            continue;
        size_t class_ = 0;
        while (class_ + 1 < COUNT_CLASSES && outcome.counted >= experiment->classes[class_ + 1])
            class_++;
        tally_add(&all, &outcome);
        tally_add(&by_count[class_], &outcome);
    }
    arena_release(&trial.arena);
    parameters_release(&trial.parameters);
    if (!done || !all.judged)
        return done;
    char name[MEASURE_NAME_BYTES];
    snprintf(name, sizeof name, "coverage.%s%s", experiment->name, rough ? "_rough" : "");
    struct measure *measure = figures_add(&workshop->figures, name, "share", false);
    measure->peer_is_limit = true;
    measure_add(measure, share_of(&all), 0.95);
    say_tallies(workshop, experiment, rough, &all, by_count);
    return true;
}

int bench_coverage(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct workshop workshop = {.queries = 2000};
    bool done = workshop_open(&workshop, context, &bench_commands[BENCH_COVERAGE], argc, argv, err);
    for (size_t i = 0; done && i < sizeof experiments / sizeof *experiments; i++)
        done = judge(&workshop, &experiments[i], false, err) &&
               judge(&workshop, &experiments[i], true, err);
    return workshop_close(&workshop, "coverage", done, err);
}
