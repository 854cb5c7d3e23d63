/* Distributions against values that can be computed by other means: sums of masses, closed forms,
 * and the inverse of each other, up to counts of 10^7. */
#include "sensing/numerics.h"
#include "sensing/test_support.h"

static void gamma_function_agrees_with_poisson_sums(void **state)
{
    (void)state;
    static const double means[] = {0.01, 0.7, 3, 12.5, 80, 400};
    for (size_t m = 0; m < ROWS(means); m++) {
        double mass = exp(-means[m]), sum = mass;
        for (int k = 1; k < 600; k++) {
            double upper, lower = gamma_lower(k, means[m], &upper);
            test_near(upper, sum, 1e-12, "upper");
            test_near(lower + upper, 1, 1e-14, "both");
            test_near(poisson_upper(k - 1, means[m]), 1 - sum, 1e-12, "poisson");
            sum += mass *= means[m] / k;
        }
    }
}

static void beta_function_agrees_with_negative_binomial_sums(void **state)
{
    (void)state;
    static const struct {
        double size, probability;
    } laws[] = {{0.3, 0.2}, {1, 0.5}, {4.5, 0.9}, {30, 0.4}, {2, 0.01}};
    for (size_t i = 0; i < ROWS(laws); i++) {
        double size = laws[i].size, rest = 1 - laws[i].probability;
        double mass = pow(laws[i].probability, size), sum = mass;
        for (int k = 0; k < 500; k++) {
            test_near(negbin_upper(k, size, laws[i].probability), 1 - sum, 1e-11, "negbin");
            mass *= rest * (size + k) / (k + 1);
            sum += mass;
        }
    }
}

static void quantiles_are_the_least_count_that_reaches_their_level(void **state)
{
    (void)state;
    static const double levels[] = {1e-6, 0.01, 0.5, 0.95, 0.99, 0.999999};
    static const double means[] = {1e-6, 0.3, 5, 900, 1e5, 1e7};
    static const double overdispersions[] = {1.00001, 1.3, 4, 100, 1e5};
    for (size_t m = 0; m < ROWS(means); m++)
        for (size_t l = 0; l < ROWS(levels); l++) {
            double k = poisson_quantile(levels[l], means[m]);
            assert_true(poisson_upper(k, means[m]) <= (1 - levels[l]) * (1 + 1e-9));
            assert_true(k == 0 || poisson_upper(k - 1, means[m]) > (1 - levels[l]) * (1 - 1e-9));
            for (size_t o = 0; o < ROWS(overdispersions); o++) {
                double size = means[m] / (overdispersions[o] - 1), p = 1 / overdispersions[o];
                k = negbin_quantile(levels[l], size, p);
                assert_true(isfinite(k) && k >= 0);
                assert_true(negbin_upper(k, size, p) <= (1 - levels[l]) * (1 + 1e-7));
                assert_true(k == 0 || negbin_upper(k - 1, size, p) > (1 - levels[l]) * (1 - 1e-7));
            }
        }
}

static void gamma_quantiles_invert_the_gamma_function(void **state)
{
    (void)state;
    static const double shapes[] = {0.05, 0.5, 1, 1.7, 9, 150, 1e4, 1e7};
    static const double levels[] = {0.001, 0.025, 0.25, 0.5, 0.75, 0.975, 0.999};
    for (size_t s = 0; s < ROWS(shapes); s++) {
        struct gamma_shape gamma;
        gamma_shape_init(&gamma, shapes[s]);
        for (size_t l = 0; l < ROWS(levels); l++) {
            double x = gamma_quantile(&gamma, levels[l], normal_quantile(levels[l]));
            test_near(gamma_lower(shapes[s], x, NULL), levels[l], 1e-8 * levels[l], "level");
        }
    }
    struct gamma_shape exponential;
    gamma_shape_init(&exponential, 1);
    test_near(gamma_quantile(&exponential, 0.5, 0), log(2), 1e-9, "median of the exponential");
}

static void the_hypergeometric_function_has_its_known_values(void **state)
{
    (void)state;
    test_near(hypergeometric_third(0), 1, 1e-15, "at 0");
    test_near(hypergeometric_third(-0.01), 0.998672191, 1e-9, "at -0.01");
    test_near(hypergeometric_third(-10), 0.6484697206, 1e-9, "at -10");
    test_near(hypergeometric_third(-100), 0.3680632231, 1e-9, "at -100");
}

static void mean_and_deviation_keep_large_counts(void **state)
{
    (void)state;
    const double values[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};
    double mean = mean_of(values, 4);
    test_near(mean, 1e9 + 10, 0, "mean");
    test_near(deviation_of(values, 4, mean), sqrt(30), 1e-12, "deviation");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gamma_function_agrees_with_poisson_sums),
        cmocka_unit_test(beta_function_agrees_with_negative_binomial_sums),
        cmocka_unit_test(quantiles_are_the_least_count_that_reaches_their_level),
        cmocka_unit_test(gamma_quantiles_invert_the_gamma_function),
        cmocka_unit_test(the_hypergeometric_function_has_its_known_values),
        cmocka_unit_test(mean_and_deviation_keep_large_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
