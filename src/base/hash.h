/* Checksums and keyed hashes. */
#ifndef CHENGMAI_BASE_HASH_H
#define CHENGMAI_BASE_HASH_H

#include "base/text.h"

/* CRC32C (Castagnoli), continuing from `crc` (0 at the beginning). */
uint32_t hash_crc32c(uint32_t crc, const void *data, size_t length);

/* Keyed BLAKE2b of `out_bytes` (16 to 64) with a 32-byte key (NULL: unkeyed). */
void hash_blake2b(void *out, size_t out_bytes, const void *data, size_t length,
                  const unsigned char *key);

/* Texts for bytes. base64url without padding; `out` holds at least 4 × length / 3 + 4. */
void text_to_base64url(const void *data, size_t length, char *out);
bool text_from_base64url(struct slice text, void *out, size_t length) MUST_USE;
void text_to_hex(const void *data, size_t length, char *out);

#endif
