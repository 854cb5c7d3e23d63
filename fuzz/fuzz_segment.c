/* Segment files as bytes. Three ways in, chosen by the first byte:
 *   0  the bytes are the file
 *   1  the bytes are rows: a segment is written of them, then bytes of the file are changed;
 *      whatever can still be read must be what was written
 *   2  the bytes are what stands behind the encryption (index entries, dictionary, blocks): they
 *      are encrypted and sealed as a file, so that the decoders meet every nonsense that could
 *      be signed */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/presence_internal.h"

enum { TEST_DAY = 19096, AREA_BYTES_MAX = 1 << 17 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int directory_fd = -1;
static char directory[64];
static const unsigned char key[KEY_BYTES] = "a key that all of these share...";

static void remove_directory(void)
{
    unlinkat(directory_fd, "segment", 0);
    rmdir(directory);
}

static void make_directory(void)
{
    snprintf(directory, sizeof directory, "%s/chengmai-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    REQUIRE(mkdtemp(directory));
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY);
    REQUIRE(directory_fd >= 0);
    atexit(remove_directory);
}

static void put_file(const void *bytes, size_t length)
{
    int fd = openat(directory_fd, "segment", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    REQUIRE(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
}

/* ---- Reading all of it */

struct expectation {
    const struct row_block *rows; /* what was written; NULL: anything */
    size_t count;
};

static bool check_piece(void *context, const struct segment_piece *piece, struct error *err)
{
    (void)err;
    const struct segment_file *file = context;
    REQUIRE(piece->count >= 1 && piece->count <= BLOCK_ROWS);
    for (size_t i = 0; i < piece->count; i++)
        REQUIRE(piece->flag[i] < file->dictionary_count);
    return true;
}

static void read_all(struct expectation expected)
{
    struct segment_file file;
    struct error err;
    if (!segment_file_open(directory_fd, "segment", ORDER_VENUE, TEST_DAY, key, &file, &err))
        return;
    struct segment_decoder *decoder = x_alloc(1, sizeof *decoder);
    struct row_block *rows = x_alloc(1, sizeof *rows);
    segment_decoder_init(decoder);
    for (uint32_t block = 0; block < file.block_count; block++) {
        if (!segment_decode(decoder, &file, block, rows, &err))
            continue;
        REQUIRE(rows->count >= 1 && rows->count <= BLOCK_ROWS);
        for (uint32_t i = 0; i < rows->count; i++)
            REQUIRE(rows->flag[i] < file.dictionary_count);
        if (expected.rows) {
            REQUIRE(block == 0 && rows->count == expected.count);
            REQUIRE(memcmp(rows->key, expected.rows->key, rows->count * 4) == 0 &&
                    memcmp(rows->time, expected.rows->time, rows->count * 4) == 0 &&
                    memcmp(rows->other, expected.rows->other, rows->count * 4) == 0 &&
                    memcmp(rows->flag, expected.rows->flag, rows->count * 4) == 0);
        }
        uint32_t keys[] = {rows->key[0], rows->key[rows->count - 1], rows->key[rows->count / 2],
                           0, UINT32_MAX};
        for (size_t k = 0; k < 5; k++) {
            (void)!segment_read_key(decoder, &file, keys[k], INT64_MIN / 2, INT64_MAX / 2,
                                    check_piece, &file, &err);
            (void)!segment_read_key(decoder, &file, keys[k], rows->time[0], 86400, check_piece,
                                    &file, &err);
        }
    }
    segment_decoder_release(decoder);
    free(rows);
    free(decoder);
    segment_file_close(&file);
}

/* ---- 1: rows, then changed bytes */

static int compare_rows(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    for (int i = 0; i < 3; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

static void change_file(const uint8_t *data, size_t size)
{
    struct stat status;
    int fd = openat(directory_fd, "segment", O_RDWR);
    REQUIRE(fd >= 0 && fstat(fd, &status) == 0);
    for (; size >= 4; data += 4, size -= 4) {
        uint8_t byte;
        off_t at = (data[0] | data[1] << 8 | data[2] << 16) % status.st_size;
        REQUIRE(pread(fd, &byte, 1, at) == 1);
        byte ^= data[3];
        REQUIRE(pwrite(fd, &byte, 1, at) == 1);
    }
    close(fd);
}

static void rows_then_changes(const uint8_t *data, size_t size)
{
    uint32_t(*sorted)[4] = x_alloc(BLOCK_ROWS, sizeof *sorted);
    struct row_block *rows = x_alloc(1, sizeof *rows);
    size_t count = size ? data[0] + 1u : 0, at = 1;
    while (rows->count < count && size - at >= 8 && at + 8 <= size) {
        uint32_t *row = sorted[rows->count++];
        memcpy(&row[0], data + at, 3);
        memcpy(&row[1], data + at + 3, 2);
        memcpy(&row[2], data + at + 5, 3);
        row[3] = data[at + 7] & 3;
        at += 8;
    }
    if (rows->count) {
        static const struct segment_flag dictionary[4] = {
            {0, 1, 0}, {0, 2, 0}, {7, 1, 0}, {9, 9, 0}};
        struct segment_writer *writer;
        struct error err;
        int64_t bytes;
        qsort(sorted, rows->count, sizeof *sorted, compare_rows);
        for (uint32_t i = 0; i < rows->count; i++) {
            rows->key[i] = sorted[i][0];
            rows->time[i] = sorted[i][1];
            rows->other[i] = sorted[i][2];
            rows->flag[i] = sorted[i][3];
        }
        unlinkat(directory_fd, "segment", 0);
        REQUIRE(segment_writer_begin(directory_fd, "segment", ORDER_VENUE, TEST_DAY, key,
                                     dictionary, 4, &writer, &err) &&
                segment_writer_add(writer, rows, &err) &&
                segment_writer_finish(writer, &bytes, &err));
        segment_writer_free(writer);
        change_file(data + at, size - at);
        read_all((struct expectation){rows, rows->count});
    }
    free(rows);
    free(sorted);
}

/* ---- 2: behind the encryption */

static void seal(EVP_CIPHER_CTX *cipher, uint64_t salt, uint32_t number, const void *associated,
                 size_t associated_length, const unsigned char *plain, size_t length,
                 unsigned char *out)
{
    unsigned char nonce[12];
    int done = 0;
    memcpy(nonce, &salt, 8);
    memcpy(nonce + 8, &number, 4);
    REQUIRE(EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, nonce) == 1);
    if (associated_length)
        REQUIRE(EVP_EncryptUpdate(cipher, NULL, &done, associated, (int)associated_length) == 1);
    REQUIRE(EVP_EncryptUpdate(cipher, out, &done, plain, (int)length) == 1 &&
            EVP_EncryptFinal_ex(cipher, out + done, &done) == 1 &&
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SEGMENT_TAG_BYTES, out + length) ==
                1);
}

/* Sets what the reader checks first (place and length of a block), so that it goes on. */
static void make_plausible(struct segment_block *block, uint64_t offset)
{
    block->offset = offset;
    block->row_count = (uint16_t)(1 + block->row_count % BLOCK_ROWS);
    block->run_count = (uint16_t)(1 + block->run_count % block->row_count);
    block->width_key %= 33;
    block->width_other %= 33;
    block->width_time %= 18;
    block->width_flag %= 4;
    uint64_t runs = (uint64_t)block->run_count * (block->width_key + BLOCK_ROW_BITS);
    uint64_t rows = (uint64_t)block->row_count *
                    (block->width_other + block->width_time + block->width_flag);
    block->bytes = (uint32_t)((runs + 7) / 8 + (rows + 7) / 8);
}

static void behind_the_encryption(const uint8_t *data, size_t size)
{
    if (size < 2)
        return;
    uint32_t block_count = data[0] % 5, plausible = data[1] & 1;
    uint32_t dictionary_count = 1 + (data[1] >> 1) % 8;
    size_t index_bytes = block_count * sizeof(struct segment_block) +
                         dictionary_count * sizeof(struct segment_flag);
    data += 2;
    size -= 2;
    static unsigned char file[AREA_BYTES_MAX], plain[BLOCK_PLAIN_BYTES_MAX + 64];
    unsigned char *index = x_alloc(index_bytes, 1);
    memcpy(index, data, size < index_bytes ? size : index_bytes);
    const uint8_t *rest = data + (size < index_bytes ? size : index_bytes);
    size_t left = size - (size_t)(rest - data), offset = sizeof(struct segment_header);
    struct segment_header header = {.magic = {'C', 'M', 'S', 'E', 'G', 'M', 'N', 'T'},
                                    .version = 1, .order = ORDER_VENUE, .day = TEST_DAY,
                                    .dictionary_count = dictionary_count, .salt = 5,
                                    .block_count = block_count,
                                    .index_bytes = (uint32_t)index_bytes};
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    REQUIRE(cipher && EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, NULL) == 1);
    for (uint32_t i = 0; i < block_count; i++) {
        struct segment_block block;
        memcpy(&block, index + i * sizeof block, sizeof block);
        if (plausible)
            make_plausible(&block, offset);
        memcpy(index + i * sizeof block, &block, sizeof block);
        header.row_count += block.row_count;
        if (block.bytes > BLOCK_PLAIN_BYTES_MAX)
            continue;
        size_t taken = left < block.bytes ? left : block.bytes;
        memset(plain, 0, BLOCK_PLAIN_BYTES_MAX);
        memcpy(plain, rest, taken);
        rest += taken;
        left -= taken;
        seal(cipher, header.salt, i, NULL, 0, plain, block.bytes, file + offset);
        offset += block.bytes + SEGMENT_TAG_BYTES;
    }
    header.index_offset = offset;
    header.crc = hash_crc32c(0, &header, offsetof(struct segment_header, crc));
    memcpy(file, &header, sizeof header);
    seal(cipher, header.salt, UINT32_MAX, &header, sizeof header, index, index_bytes,
         file + offset);
    put_file(file, offset + index_bytes + SEGMENT_TAG_BYTES);
    EVP_CIPHER_CTX_free(cipher);
    free(index);
    read_all((struct expectation){0});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (directory_fd < 0)
        make_directory();
    if (size == 0)
        return 0;
    if (data[0] % 3 == 0) {
        put_file(data + 1, size - 1);
        read_all((struct expectation){0});
    } else if (data[0] % 3 == 1) {
        rows_then_changes(data + 1, size - 1);
    } else {
        behind_the_encryption(data + 1, size - 1);
    }
    return 0;
}
