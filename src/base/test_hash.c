/* Goal: checksums, keyed hashes and the generator give the published values, so that what is stored
 * today reads the same in every later release and on every machine. */
#include "base/test_support.h"

static void crc32c_gives_the_vectors_of_rfc_3720(void **state)
{
    (void)state;
    unsigned char zeros[32] = {0}, ones[32], rising[32], falling[32];
    memset(ones, 0xFF, sizeof ones);
    for (int i = 0; i < 32; i++) {
        rising[i] = (unsigned char)i;
        falling[i] = (unsigned char)(31 - i);
    }
    assert_int_equal(hash_crc32c(0, "", 0), 0);
    assert_int_equal(hash_crc32c(0, "123456789", 9), 0xE3069283u);
    assert_int_equal(hash_crc32c(0, zeros, 32), 0x8A9136AAu);
    assert_int_equal(hash_crc32c(0, ones, 32), 0x62A8AB43u);
    assert_int_equal(hash_crc32c(0, rising, 32), 0x46DD794Eu);
    assert_int_equal(hash_crc32c(0, falling, 32), 0x113FDB5Cu);
}

/* The naive twin: one bit at a time. */
static uint32_t crc32c_by_bits(const unsigned char *bytes, size_t length)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < length; i++)
        for (int bit = 0; bit < 8; bit++) {
            uint32_t out = (crc ^ (uint32_t)(bytes[i] >> bit)) & 1;
            crc = (crc >> 1) ^ (out ? 0x82F63B78u : 0);
        }
    return ~crc;
}

static void crc32c_equals_its_naive_twin_at_every_length_alignment_and_cut(void **state)
{
    (void)state;
    unsigned char bytes[100];
    struct random random;
    random_init(&random, 1, 1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)random_next(&random);
    for (size_t from = 0; from < 9; from++)
        for (size_t length = 0; from + length <= sizeof bytes; length++) {
            uint32_t whole = hash_crc32c(0, bytes + from, length);
            assert_int_equal(whole, crc32c_by_bits(bytes + from, length));
            size_t cut = length / 3;
            uint32_t first = hash_crc32c(0, bytes + from, cut);
            assert_int_equal(hash_crc32c(first, bytes + from + cut, length - cut), whole);
        }
}

static void blake2b_gives_published_vectors_keyed_and_unkeyed(void **state)
{
    (void)state;
    unsigned char out[64], key[32], all[256];
    char text[129];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    memcpy(key, all, sizeof key);
    hash_blake2b(out, 64, "abc", 3, NULL); /* RFC 7693, appendix A */
    text_to_hex(out, 64, text);
    assert_string_equal(text, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                              "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
    hash_blake2b(out, 32, "", 0, NULL);
    text_to_hex(out, 32, text);
    assert_string_equal(text, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    hash_blake2b(out, 32, "abc", 3, key);
    text_to_hex(out, 32, text);
    assert_string_equal(text, "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
    hash_blake2b(out, 16, all, sizeof all, key);
    text_to_hex(out, 16, text);
    assert_string_equal(text, "c7eca2c1ae35a1e0f627b8ebbe105c94");
}

static void ask_for_a_short_hash(void *context)
{
    unsigned char out[8];
    hash_blake2b(out, sizeof out, context, 1, NULL);
}
static void a_hash_shorter_than_16_bytes_is_a_bug(void **state)
{
    (void)state;
    test_aborts(ask_for_a_short_hash, "x");
}

static void the_generator_is_xoshiro256_starstar(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        11520u,
        0u,
        1509978240u,
        1215971899390074240u,
        1216172134540287360u,
        607988272756665600u,
        16172922978634559625u,
        8476171486693032832u,
        10595114339597558777u,
        2904607092377533576u,
    }; /* state 1, 2, 3, 4 of the authors' reference code */
    struct random random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < ROWS(expected); i++)
        assert_true(random_next(&random) == expected[i]);
    assert_true(random_mix(0) == 0xE220A8397B1DCDAFu); /* splitmix64, seed 0 */
    assert_true(random_mix(0x9E3779B97F4A7C15u) == 0x6E789E6AA1B965F4u);
}

static void seeds_and_streams_stay_the_same_from_release_to_release(void **state)
{
    (void)state;
    static const uint64_t stream_0[] = {0x3D39AB596D5D324Eu, 0xE81B19EC09F0F409u,
                                        0x4A1116D6EE8D9A6Eu, 0xD92499A7B9451E25u};
    static const uint64_t stream_1[] = {0xB61BEAC969DB29EDu, 0x4F7C00ACC888B529u,
                                        0xDFAD47CABC7B58B5u, 0x3599395CA139DF75u};
    static const uint32_t below_1000[] = {669, 976, 218, 963, 507, 192, 572, 695};
    struct random random;
    random_init(&random, 42, 0);
    for (size_t i = 0; i < ROWS(stream_0); i++)
        assert_true(random_next(&random) == stream_0[i]);
    random_init(&random, 42, 1);
    for (size_t i = 0; i < ROWS(stream_1); i++)
        assert_true(random_next(&random) == stream_1[i]);
    random_init(&random, 42, 7);
    for (size_t i = 0; i < ROWS(below_1000); i++)
        assert_int_equal(random_below(&random, 1000), below_1000[i]);
    random_init(&random, 42, 7);
    assert_true(random_unit(&random) == 0x1.56fc8c74a9617p-1);
    assert_true(random_unit(&random) == 0x1.f3e88264cfb50p-1);
}

static void draws_keep_their_bounds_and_fill_them_evenly(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 7, 0);
    enum { BOUND = 10, DRAWS = 100000 };
    int counts[BOUND] = {0};
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        counts[random_below(&random, BOUND)]++;
        double unit = random_unit(&random);
        assert_true(unit >= 0 && unit < 1);
        sum += unit;
    }
    for (int i = 0; i < BOUND; i++) /* 5 standard errors: sqrt(100000 * 0.1 * 0.9) = 95 */
        assert_in_range(counts[i], 10000 - 475, 10000 + 475);
    assert_true(sum / DRAWS > 0.5 - 0.005 && sum / DRAWS < 0.5 + 0.005);
    assert_int_equal(random_below(&random, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_vectors_of_rfc_3720),
        cmocka_unit_test(crc32c_equals_its_naive_twin_at_every_length_alignment_and_cut),
        cmocka_unit_test(blake2b_gives_published_vectors_keyed_and_unkeyed),
        cmocka_unit_test(a_hash_shorter_than_16_bytes_is_a_bug),
        cmocka_unit_test(the_generator_is_xoshiro256_starstar),
        cmocka_unit_test(seeds_and_streams_stay_the_same_from_release_to_release),
        cmocka_unit_test(draws_keep_their_bounds_and_fill_them_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
