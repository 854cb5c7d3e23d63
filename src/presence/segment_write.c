/* Writing a segment half: columns → bit-packed blocks → AES-256-GCM → file. */
#include "presence/segment.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { WRITE_BUFFER_BYTES = 1 << 20 };

struct segment_writer {
    int fd;
    char name[SEGMENT_NAME_BYTES];
    struct segment_header header;
    const struct segment_flag *dictionary;
    EVP_CIPHER_CTX *cipher;
    struct segment_block *blocks;
    size_t block_capacity;
    uint64_t offset;         /* end of what was added, buffered or written */
    size_t buffered;
    bool last_block_seen;
    unsigned char plain[BLOCK_PLAIN_BYTES_MAX + 16];
    unsigned char buffer[WRITE_BUFFER_BYTES + BLOCK_PLAIN_BYTES_MAX + 64];
};

static unsigned bits_needed(uint32_t value)
{
    return value ? 32u - (unsigned)__builtin_clz(value) : 0u;
}

struct bit_sink {
    unsigned char *out;
    uint64_t word;
    unsigned filled;
};

static inline void put_bits(struct bit_sink *sink, uint64_t value, unsigned width)
{
    sink->word |= value << sink->filled; /* filled < 8, width ≤ 56 … 57 with filled ≤ 7: fits */
    sink->filled += width;
    memcpy(sink->out, &sink->word, sizeof sink->word); /* whole bytes stay, the rest comes again */
    unsigned bytes = sink->filled >> 3;
    sink->out += bytes;
    sink->word = bytes == 8 ? 0 : sink->word >> (bytes * 8);
    sink->filled &= 7;
}

static void put_rest(struct bit_sink *sink)
{
    if (sink->filled)
        *sink->out++ = (unsigned char)sink->word;
    sink->word = 0;
    sink->filled = 0;
}

bool segment_writer_begin(int directory_fd, const char *name, enum segment_order order,
                          int32_t day, const unsigned char key[KEY_BYTES],
                          const struct segment_flag *dictionary, size_t dictionary_count,
                          struct segment_writer **ret_writer, struct error *err)
{
    REQUIRE(dictionary_count >= 1 && dictionary_count <= FLAG_DICTIONARY_MAX);
    struct segment_writer *writer = x_alloc(1, sizeof *writer);
    snprintf(writer->name, sizeof writer->name, "%s", name);
    writer->fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        error_set_errno(err, name, "create");
        free(writer);
        return false;
    }
    writer->header = (struct segment_header){.magic = {'C', 'M', 'S', 'E', 'G', 'M', 'N', 'T'},
                                             .version = 1,
                                             .order = order,
                                             .day = day,
                                             .dictionary_count = (uint32_t)dictionary_count};
    world_random_bytes(&writer->header.salt, sizeof writer->header.salt);
    writer->dictionary = dictionary;
    writer->offset = sizeof writer->header;
    writer->cipher = EVP_CIPHER_CTX_new();
    REQUIRE(writer->cipher && EVP_EncryptInit_ex(writer->cipher, EVP_aes_256_gcm(), NULL, key,
                                                 NULL) == 1);
    *ret_writer = writer;
    return true;
}

static bool flush(struct segment_writer *writer, struct error *err)
{
    uint64_t at = writer->offset - writer->buffered;
    size_t length = writer->buffered;
    writer->buffered = 0;
    return file_write_at(writer->fd, writer->buffer, length, (off_t)at, writer->name, err);
}

/* Encrypts `length` bytes into `out` (length + tag) with the nonce of `number`. */
static void encrypt(struct segment_writer *writer, uint32_t number, const void *associated,
                    size_t associated_length, const unsigned char *plain, size_t length,
                    unsigned char *out)
{
    unsigned char nonce[12];
    memcpy(nonce, &writer->header.salt, 8);
    memcpy(nonce + 8, &number, 4);
    int done = 0;
    bool good = EVP_EncryptInit_ex(writer->cipher, NULL, NULL, NULL, nonce) == 1;
    if (associated_length)
        good = good && EVP_EncryptUpdate(writer->cipher, NULL, &done, associated,
                                         (int)associated_length) == 1;
    good = good && EVP_EncryptUpdate(writer->cipher, out, &done, plain, (int)length) == 1 &&
           EVP_EncryptFinal_ex(writer->cipher, out + done, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(writer->cipher, EVP_CTRL_AEAD_GET_TAG, SEGMENT_TAG_BYTES,
                               out + length) == 1;
    REQUIRE(good);
}

/* Ranges of the columns → widths, bases, number of runs. */
static void measure(const struct row_block *rows, struct segment_block *block)
{
    uint32_t time_low = rows->time[0], time_high = time_low;
    uint32_t other_low = rows->other[0], other_high = other_low;
    uint32_t flag_high = 0;
    uint16_t runs = 1;
    for (uint32_t i = 0; i < rows->count; i++) {
        time_low = rows->time[i] < time_low ? rows->time[i] : time_low;
        time_high = rows->time[i] > time_high ? rows->time[i] : time_high;
        other_low = rows->other[i] < other_low ? rows->other[i] : other_low;
        other_high = rows->other[i] > other_high ? rows->other[i] : other_high;
        flag_high = rows->flag[i] > flag_high ? rows->flag[i] : flag_high;
        if (i && rows->key[i] != rows->key[i - 1])
            runs++;
    }
    block->first_key = rows->key[0];
    block->first_time = rows->time[0];
    block->base_time = time_low;
    block->base_other = other_low;
    block->row_count = (uint16_t)rows->count;
    block->run_count = runs;
    block->width_key = (uint8_t)bits_needed(rows->key[rows->count - 1] - rows->key[0]);
    block->width_time = (uint8_t)bits_needed(time_high - time_low);
    block->width_other = (uint8_t)bits_needed(other_high - other_low);
    block->width_flag = (uint8_t)bits_needed(flag_high);
}

static size_t pack(const struct row_block *rows, const struct segment_block *block,
                   unsigned char *out)
{
    struct bit_sink sink = {.out = out};
    for (uint32_t i = 0; i < rows->count; i++)
        if (i == 0 || rows->key[i] != rows->key[i - 1]) {
            uint64_t run = (rows->key[i] - block->first_key) | (uint64_t)i << block->width_key;
            put_bits(&sink, run, block->width_key + BLOCK_ROW_BITS);
        }
    put_rest(&sink);
    unsigned time_at = block->width_other, flag_at = time_at + block->width_time;
    unsigned width = flag_at + block->width_flag;
    for (uint32_t i = 0; i < rows->count; i++) {
        uint64_t row = (rows->other[i] - block->base_other) |
                       (uint64_t)(rows->time[i] - block->base_time) << time_at |
                       (uint64_t)rows->flag[i] << flag_at;
        put_bits(&sink, row, width);
    }
    put_rest(&sink);
    return (size_t)(sink.out - out);
}

bool segment_writer_add(struct segment_writer *writer, const struct row_block *rows,
                        struct error *err)
{
    REQUIRE(rows->count >= 1 && rows->count <= BLOCK_ROWS && !writer->last_block_seen);
    writer->last_block_seen = rows->count < BLOCK_ROWS;
    if (writer->header.block_count == writer->block_capacity) {
        writer->block_capacity = writer->block_capacity ? writer->block_capacity * 2 : 64;
        writer->blocks =
            x_realloc(writer->blocks, writer->block_capacity * sizeof *writer->blocks);
    }
    struct segment_block *block = &writer->blocks[writer->header.block_count];
    *block = (struct segment_block){.offset = writer->offset};
    measure(rows, block);
    if (block->width_other + block->width_time + block->width_flag > 57)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = writer->name},
                         "numbers, seconds and import origins of at most 57 bits together",
                         "a row needs %d bits",
                         block->width_other + block->width_time + block->width_flag);
    block->bytes = (uint32_t)pack(rows, block, writer->plain);
    encrypt(writer, writer->header.block_count, NULL, 0, writer->plain, block->bytes,
            writer->buffer + writer->buffered);
    writer->buffered += block->bytes + SEGMENT_TAG_BYTES;
    writer->offset += block->bytes + SEGMENT_TAG_BYTES;
    writer->header.block_count++;
    writer->header.row_count += rows->count;
    return writer->buffered < WRITE_BUFFER_BYTES || flush(writer, err);
}

bool segment_writer_finish(struct segment_writer *writer, int64_t *ret_bytes, struct error *err)
{
    if (!flush(writer, err))
        return false;
    struct segment_header *header = &writer->header;
    size_t dictionary_bytes = header->dictionary_count * sizeof *writer->dictionary;
    size_t blocks_bytes = header->block_count * sizeof *writer->blocks;
    header->index_offset = writer->offset;
    header->index_bytes = (uint32_t)(dictionary_bytes + blocks_bytes);
    header->crc = hash_crc32c(0, header, offsetof(struct segment_header, crc));

    unsigned char *plain = x_alloc(header->index_bytes, 1);
    unsigned char *cipher = x_alloc(header->index_bytes + SEGMENT_TAG_BYTES, 1);
    if (blocks_bytes)
        memcpy(plain, writer->blocks, blocks_bytes);
    memcpy(plain + blocks_bytes, writer->dictionary, dictionary_bytes);
    encrypt(writer, UINT32_MAX, header, sizeof *header, plain, header->index_bytes, cipher);
    bool done = file_write_at(writer->fd, cipher, header->index_bytes + SEGMENT_TAG_BYTES,
                              (off_t)header->index_offset, writer->name, err) &&
                file_write_at(writer->fd, header, sizeof *header, 0, writer->name, err) &&
                file_sync(writer->fd, writer->name, err);
    free(plain);
    free(cipher);
    *ret_bytes = (int64_t)(header->index_offset + header->index_bytes + SEGMENT_TAG_BYTES);
    return done && fault_at(FAULT_POINT_after_segment_write, err);
}

void segment_writer_free(struct segment_writer *writer)
{
    if (!writer)
        return;
    close(writer->fd);
    EVP_CIPHER_CTX_free(writer->cipher);
    free(writer->blocks);
    free(writer);
}
