/* CRC32C with the processor's instruction where it has one; BLAKE2b and base64 are libsodium's. */
#include "base/hash.h"

#include <sodium.h>
#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(uint32_t crc,
                                                                      const unsigned char *bytes,
                                                                      size_t length)
{
    uint64_t wide = crc;
    for (; length >= 8; bytes += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; length; bytes++, length--)
        crc = _mm_crc32_u8(crc, *bytes);
    return crc;
}
#endif

static uint32_t crc32c_plain(uint32_t crc, const unsigned char *bytes, size_t length)
{
    for (; length; bytes++, length--) {
        crc ^= *bytes;
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
    }
    return crc;
}

uint32_t hash_crc32c(uint32_t crc, const void *data, size_t length)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc32c_instruction(~crc, data, length);
#endif
    return ~crc32c_plain(~crc, data, length);
}

void hash_blake2b(void *out, size_t out_bytes, const void *data, size_t length,
                  const unsigned char *key)
{
    REQUIRE(out_bytes >= crypto_generichash_BYTES_MIN && out_bytes <= crypto_generichash_BYTES_MAX);
    crypto_generichash(out, out_bytes, data, length, key, key ? 32 : 0);
}

void text_to_base64url(const void *data, size_t length, char *out)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    sodium_bin2base64(out, sodium_base64_encoded_len(length, variant), data, length, variant);
}

bool text_from_base64url(struct slice text, void *out, size_t length)
{
    size_t got = 0;
    const char *end = NULL;
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] >= 0x80) /* libsodium 1.0.18 takes these for digits */
            return false;
    return sodium_base642bin(out, length, text.data, text.length, NULL, &got, &end,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
           got == length && end == text.data + text.length;
}

void text_to_hex(const void *data, size_t length, char *out)
{
    sodium_bin2hex(out, 2 * length + 1, data, length);
}
