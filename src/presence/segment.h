/* A segment half: the events of one day in one order, immutable, encrypted by block.
 *
 * A segment is two such files, one ordered by (venue, time, person), one by (person, time, venue).
 * Below, the *key* is the first of these, the *other* is the third.
 *
 *   header 64 B │ block 0 │ block 1 │ … │ index
 *   block  = AES-256-GCM of: run table │ rows                         (plain bytes + tag 16)
 *   run    = key − first_key : width_key bits │ first row of the run : 9 bits
 *   row    = other − base_other │ time − base_time │ flag, width_* bits each, at most 57 together,
 *            so that one unaligned 64-bit load gives a row
 *   index  = AES-256-GCM of: block entries (40 B each) │ dictionary (4 B an entry)
 *
 * A block holds up to 512 rows. Nonce = salt of the file (8 random bytes) │ block number; the index
 * has number 2^32 − 1 and the header as associated data. A flag is a number into the dictionary of
 * (scan flags, import origin) pairs, so that an import can be taken back from merged segments. */
#ifndef CHENGMAI_PRESENCE_SEGMENT_H
#define CHENGMAI_PRESENCE_SEGMENT_H

#include <openssl/evp.h>

#include "presence/presence.h"

enum segment_order { ORDER_VENUE, ORDER_PERSON };

enum {
    BLOCK_ROWS = 512,
    BLOCK_ROW_BITS = 9,
    SEGMENT_TAG_BYTES = 16,
    SEGMENT_NAME_BYTES = 64,
    /* run table ≤ 512 × 41 bits, rows ≤ 512 × 57 bits, 8 bytes to read past the end */
    BLOCK_PLAIN_BYTES_MAX = BLOCK_ROWS * 41 / 8 + BLOCK_ROWS * 57 / 8 + 16,
    FLAG_DICTIONARY_MAX = 65536,
};

struct segment_flag {
    uint16_t origin;
    uint8_t flags;
    uint8_t zero;
};

struct segment_header {
    char magic[8];
    uint32_t version;
    uint32_t order;
    int32_t day;
    uint32_t dictionary_count;
    uint64_t row_count;
    uint64_t salt;
    uint64_t index_offset;
    uint32_t index_bytes; /* plain */
    uint32_t block_count;
    uint32_t zero;
    uint32_t crc; /* CRC32C of the bytes before it */
};
_Static_assert(sizeof(struct segment_header) == 64, "the header is 64 bytes on disk");
_Static_assert(offsetof(struct segment_header, crc) == 60, "the checksum stands last");

struct segment_block {
    uint64_t offset;
    uint32_t bytes; /* plain; tag not counted */
    uint32_t first_key;
    uint32_t first_time; /* seconds since the day began, of the first row */
    uint32_t base_time;
    uint32_t base_other;
    uint16_t row_count;  /* 1 … BLOCK_ROWS */
    uint16_t run_count;
    uint8_t width_key, width_time, width_other, width_flag;
    uint32_t zero;
};
_Static_assert(sizeof(struct segment_block) == 40, "an index entry is 40 bytes on disk");

/* Columns of up to one block. Time is in seconds since the day began. */
struct row_block {
    uint32_t count;
    uint32_t key[BLOCK_ROWS];
    uint32_t time[BLOCK_ROWS];
    uint32_t other[BLOCK_ROWS];
    uint32_t flag[BLOCK_ROWS];
};

/* ---- Writing */

struct segment_writer;
/* Creates the file `name` (must not exist) in `directory_fd`. `dictionary` is kept by reference. */
bool segment_writer_begin(int directory_fd, const char *name, enum segment_order order,
                          int32_t day, const unsigned char key[KEY_BYTES],
                          const struct segment_flag *dictionary, size_t dictionary_count,
                          struct segment_writer **ret_writer, struct error *err) MUST_USE;
/* Rows in order; every block but the last must be full. */
bool segment_writer_add(struct segment_writer *writer, const struct row_block *rows,
                        struct error *err) MUST_USE;
/* Writes index and header, syncs the file. *ret_bytes on disk. */
bool segment_writer_finish(struct segment_writer *writer, int64_t *ret_bytes,
                           struct error *err) MUST_USE;
/* Closes; an unfinished file is left to the caller to remove. Accepts NULL. */
void segment_writer_free(struct segment_writer *writer);

/* ---- Reading */

struct segment_file {
    int32_t day;
    enum segment_order order;
    uint64_t row_count;
    uint64_t salt;
    uint32_t block_count;
    const struct segment_block *blocks;
    const struct segment_flag *dictionary;
    uint32_t dictionary_count;
    void *index;                            /* owns blocks and dictionary */
    unsigned char key[KEY_BYTES];
    const unsigned char *map;
    size_t map_bytes;
    char name[SEGMENT_NAME_BYTES];
};
/* Verifies header and index; blocks are verified when read. */
bool segment_file_open(int directory_fd, const char *name, enum segment_order order, int32_t day,
                       const unsigned char key[KEY_BYTES], struct segment_file *ret_file,
                       struct error *err) MUST_USE;
void segment_file_close(struct segment_file *file); /* accepts a zeroed one */

/* Decrypts blocks; one thread. Keeps the last block, and a cipher for each of the last days' keys: to
 * set a key costs as much as to decrypt a block. */
enum { DECODER_CIPHERS = 16 };
struct segment_decoder {
    struct {
        EVP_CIPHER_CTX *cipher; /* NULL: not in use */
        unsigned char key[KEY_BYTES];
    } ciphers[DECODER_CIPHERS];      /* by day */
    const struct segment_file *file; /* of the block: */
    uint32_t block;                  /* whose plain bytes `plain` holds; UINT32_MAX none */
    int64_t rows_read;
    unsigned char plain[BLOCK_PLAIN_BYTES_MAX + 16];
};
void segment_decoder_init(struct segment_decoder *decoder);
void segment_decoder_release(struct segment_decoder *decoder);
/* ERROR_CORRUPT names file and block where it does not verify. */
bool segment_decode(struct segment_decoder *decoder, const struct segment_file *file,
                    uint32_t block, struct row_block *ret_rows, struct error *err) MUST_USE;

/* Rows of one key with first ≤ time < last (seconds since the day began): `visit` gets pieces of at
 * most one block, in order. The columns are the decoder's until the next call. */
struct segment_piece {
    size_t count;
    const uint32_t *time;
    const uint32_t *other;
    const uint32_t *flag;
};
typedef bool segment_visitor(void *context, const struct segment_piece *piece, struct error *err);
bool segment_read_key(struct segment_decoder *decoder, const struct segment_file *file,
                      uint32_t key, int64_t first, int64_t last, segment_visitor *visit,
                      void *context, struct error *err) MUST_USE;

/* The same as events, doubles of (person, venue, second) among them: `visit` gets up to BLOCK_ROWS
 * events at a time, in order, in `events` (the caller's room for BLOCK_ROWS). */
bool segment_read_events(struct segment_decoder *decoder, const struct segment_file *file,
                         uint32_t key, int64_t first, int64_t last, struct presence_event *events,
                         presence_visitor *visit, void *context, struct error *err) MUST_USE;

/* Fetches into the cache what a read of (key, first) begins with. Costs a search of the index. */
void segment_expect(const struct segment_file *file, uint32_t key, int64_t first);

/* Little-endian bit fields; `data` must have 8 readable bytes past the last field. */
static inline uint64_t bits_load(const unsigned char *data, uint64_t bit)
{
    uint64_t word;
    memcpy(&word, data + (bit >> 3), sizeof word);
    return word >> (bit & 7);
}
static inline uint64_t bits_mask(unsigned width)
{
    return ((uint64_t)1 << width) - 1; /* width ≤ 57 */
}

#endif
