/* Our own stable generator: whatever is drawn or stored stays the same from release to release.
 * xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64. Not for secrets. */
#ifndef CHENGMAI_BASE_RANDOM_H
#define CHENGMAI_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

static inline uint64_t random_mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}
/* Independent streams: the same seed with another `stream` gives another sequence. */
static inline void random_init(struct random *random, uint64_t seed, uint64_t stream)
{
    uint64_t x = random_mix(seed) ^ random_mix(stream + 0x632BE59BD9B4E019u);
    for (int i = 0; i < 4; i++)
        random->state[i] = x = random_mix(x);
}
static inline uint64_t random_rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}
static inline uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = random_rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = random_rotate(s[3], 45);
    return result;
}
/* Uniform in [0, bound), bound > 0 (Lemire 2019 without the rejection: bias below 2^-32). */
static inline uint32_t random_below(struct random *random, uint32_t bound)
{
    return (uint32_t)(((random_next(random) >> 32) * (uint64_t)bound) >> 32);
}
/* Uniform in [0, 1). */
static inline double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1.0p-53;
}

#endif
