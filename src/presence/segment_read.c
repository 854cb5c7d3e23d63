/* Reading a segment half: map, verify, decrypt, unpack. What does not verify is named, never
 * served. Widths and counts of the (authenticated) index are checked all the same when it is
 * opened, so that no damaged or forged file can make a read leave its block. */
#include "presence/segment.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool corrupt(struct error *err, const char *name, int64_t block, const char *what)
{
    return error_set(err, ERROR_CORRUPT, (struct error_place){.source = name, .row = block},
                     "an undamaged segment", "%s", what);
}

static bool decrypt(EVP_CIPHER_CTX *cipher, uint64_t salt, uint32_t number, const void *associated,
                    size_t associated_length, const unsigned char *in, size_t length,
                    unsigned char *out)
{
    unsigned char nonce[12];
    memcpy(nonce, &salt, 8);
    memcpy(nonce + 8, &number, 4);
    int done = 0;
    if (EVP_DecryptInit_ex(cipher, NULL, NULL, NULL, nonce) != 1)
        return false;
    if (associated_length &&
        EVP_DecryptUpdate(cipher, NULL, &done, associated, (int)associated_length) != 1)
        return false;
    return EVP_DecryptUpdate(cipher, out, &done, in, (int)length) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, SEGMENT_TAG_BYTES,
                               (void *)(uintptr_t)(in + length)) == 1 &&
           EVP_DecryptFinal_ex(cipher, out + done, &done) == 1;
}

static bool block_is_sane(const struct segment_file *file, const struct segment_block *block,
                          uint64_t index_offset)
{
    uint64_t run_bits = (uint64_t)block->run_count * (block->width_key + BLOCK_ROW_BITS);
    unsigned width = block->width_other + block->width_time + block->width_flag;
    uint64_t bytes = (run_bits + 7) / 8 + ((uint64_t)block->row_count * width + 7) / 8;
    return block->row_count >= 1 && block->row_count <= BLOCK_ROWS && block->run_count >= 1 &&
           block->run_count <= block->row_count && block->width_key <= 32 &&
           block->width_other <= 32 && block->width_time <= 17 && width <= 57 &&
           block->bytes == bytes && block->offset >= sizeof(struct segment_header) &&
           block->offset <= index_offset &&
           block->bytes + SEGMENT_TAG_BYTES <= index_offset - block->offset &&
           (uint64_t)1 << block->width_flag < 2 * (uint64_t)file->dictionary_count + 1;
}

static bool read_index(struct segment_file *file, const struct segment_header *header,
                       struct error *err)
{
    size_t dictionary_bytes = (size_t)header->dictionary_count * sizeof(struct segment_flag);
    size_t blocks_bytes = (size_t)header->block_count * sizeof(struct segment_block);
    if (header->dictionary_count < 1 || header->dictionary_count > FLAG_DICTIONARY_MAX ||
        dictionary_bytes + blocks_bytes != header->index_bytes ||
        header->index_offset > file->map_bytes ||
        file->map_bytes - header->index_offset != header->index_bytes + SEGMENT_TAG_BYTES)
        return corrupt(err, file->name, 0, "the index is not where the header says");
    file->index = x_try_alloc(1, header->index_bytes);
    if (!file->index)
        return error_set(err, ERROR_MEMORY, (struct error_place){.source = file->name}, NULL,
                         "no memory for the index");
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    REQUIRE(cipher && EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, file->key, NULL) == 1);
    bool good = decrypt(cipher, header->salt, UINT32_MAX, header, sizeof *header,
                        file->map + header->index_offset, header->index_bytes, file->index);
    EVP_CIPHER_CTX_free(cipher);
    if (!good)
        return corrupt(err, file->name, 0, "the index does not verify");
    file->blocks = file->index;
    file->dictionary = (const struct segment_flag *)((const char *)file->index + blocks_bytes);
    file->dictionary_count = header->dictionary_count;
    file->block_count = header->block_count;
    uint64_t rows = 0;
    for (uint32_t i = 0; i < file->block_count; i++) {
        if (!block_is_sane(file, &file->blocks[i], header->index_offset))
            return corrupt(err, file->name, i + 1, "the index names an impossible block");
        rows += file->blocks[i].row_count;
    }
    return rows == header->row_count ||
           corrupt(err, file->name, 0, "the index does not add up to the header's rows");
}

static bool map_file(int directory_fd, const char *name, struct segment_file *file,
                     struct error *err)
{
    int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, name, "open");
    struct stat status;
    bool done = fstat(fd, &status) == 0 ? true : error_set_errno(err, name, "look at");
    if (done && status.st_size < (off_t)sizeof(struct segment_header))
        done = corrupt(err, name, 0, "the file is shorter than its header");
    if (done) {
        file->map_bytes = (size_t)status.st_size;
        void *map = mmap(NULL, file->map_bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            done = error_set_errno(err, name, "map");
        else
            file->map = map;
    }
    close(fd);
    return done;
}

bool segment_file_open(int directory_fd, const char *name, enum segment_order order, int32_t day,
                       const unsigned char key[KEY_BYTES], struct segment_file *ret_file,
                       struct error *err)
{
    struct segment_file file = {.day = day, .order = order};
    snprintf(file.name, sizeof file.name, "%s", name);
    memcpy(file.key, key, KEY_BYTES);
    if (!map_file(directory_fd, name, &file, err))
        return false;
    struct segment_header header;
    memcpy(&header, file.map, sizeof header);
    bool done = true;
    if (memcmp(header.magic, "CMSEGMNT", 8) != 0 || header.version != 1)
        done = corrupt(err, name, 0, "not a segment of this version");
    else if (header.crc != hash_crc32c(0, &header, offsetof(struct segment_header, crc)))
        done = corrupt(err, name, 0, "the header does not verify");
    else if (header.order != order || header.day != day)
        done = corrupt(err, name, 0, "the header is of another day or order");
    file.row_count = header.row_count;
    file.salt = header.salt;
    done = done && read_index(&file, &header, err);
    if (!done) {
        segment_file_close(&file);
        return false;
    }
    *ret_file = file;
    return true;
}

void segment_file_close(struct segment_file *file)
{
    if (file->map)
        munmap((void *)(uintptr_t)file->map, file->map_bytes);
    OPENSSL_cleanse(file->key, sizeof file->key);
    free(file->index);
    *file = (struct segment_file){0};
}

void segment_decoder_init(struct segment_decoder *decoder)
{
    for (size_t i = 0; i < DECODER_CIPHERS; i++)
        decoder->ciphers[i].cipher = NULL;
    decoder->file = NULL;
    decoder->block = UINT32_MAX;
    decoder->rows_read = 0;
}

void segment_decoder_release(struct segment_decoder *decoder)
{
    for (size_t i = 0; i < DECODER_CIPHERS; i++) {
        EVP_CIPHER_CTX_free(decoder->ciphers[i].cipher);
        decoder->ciphers[i].cipher = NULL;
        OPENSSL_cleanse(decoder->ciphers[i].key, KEY_BYTES);
    }
}

/* A cipher that has the file's key. */
static EVP_CIPHER_CTX *cipher_of(struct segment_decoder *decoder, const struct segment_file *file)
{
    size_t i = (uint32_t)file->day % DECODER_CIPHERS;
    EVP_CIPHER_CTX **cipher = &decoder->ciphers[i].cipher;
    if (*cipher && memcmp(decoder->ciphers[i].key, file->key, KEY_BYTES) == 0)
        return *cipher;
    if (!*cipher)
        REQUIRE((*cipher = EVP_CIPHER_CTX_new()));
    REQUIRE(EVP_DecryptInit_ex(*cipher, EVP_aes_256_gcm(), NULL, file->key, NULL) == 1);
    memcpy(decoder->ciphers[i].key, file->key, KEY_BYTES);
    return *cipher;
}

static bool load_block(struct segment_decoder *decoder, const struct segment_file *file,
                       uint32_t number, struct error *err)
{
    if (decoder->file == file && decoder->block == number)
        return true;
    const struct segment_block *block = &file->blocks[number];
    decoder->file = file;
    decoder->block = UINT32_MAX;
    if (!decrypt(cipher_of(decoder, file), file->salt, number, NULL, 0, file->map + block->offset,
                 block->bytes, decoder->plain))
        return corrupt(err, file->name, (int64_t)number + 1, "a block does not verify");
    memset(decoder->plain + block->bytes, 0, 16);
    decoder->block = number;
    return true;
}

struct run {
    uint32_t key;
    uint32_t first_row, end_row;
};

static struct run run_at(const struct segment_decoder *decoder, const struct segment_block *block,
                         uint32_t i)
{
    unsigned width = block->width_key + BLOCK_ROW_BITS;
    uint64_t entry = bits_load(decoder->plain, (uint64_t)i * width);
    struct run run = {.key = block->first_key + (uint32_t)(entry & bits_mask(block->width_key)),
                      .first_row = (uint32_t)(entry >> block->width_key) & (BLOCK_ROWS - 1),
                      .end_row = block->row_count};
    if (i + 1 < block->run_count)
        run.end_row = (uint32_t)(bits_load(decoder->plain, (uint64_t)(i + 1) * width) >>
                                 block->width_key) & (BLOCK_ROWS - 1);
    return run;
}

/* Where the rows of a block are and how one is taken apart. */
struct row_layout {
    const unsigned char *rows;
    unsigned time_at, flag_at, width;
    uint64_t other_mask, time_mask, flag_mask;
};

static struct row_layout layout_of(const struct segment_decoder *decoder,
                                   const struct segment_block *block)
{
    uint64_t run_bits = (uint64_t)block->run_count * (block->width_key + BLOCK_ROW_BITS);
    struct row_layout layout = {.rows = decoder->plain + (run_bits + 7) / 8,
                                .time_at = block->width_other,
                                .other_mask = bits_mask(block->width_other),
                                .time_mask = bits_mask(block->width_time),
                                .flag_mask = bits_mask(block->width_flag)};
    layout.flag_at = layout.time_at + block->width_time;
    layout.width = layout.flag_at + block->width_flag;
    return layout;
}

/* Unpacks rows [first, end) into the columns from index 0. */
static void unpack(const struct segment_decoder *decoder, const struct segment_block *block,
                   uint32_t first, uint32_t end, uint32_t *restrict time,
                   uint32_t *restrict other, uint32_t *restrict flag)
{
    const struct row_layout layout = layout_of(decoder, block);
    const uint32_t base_other = block->base_other, base_time = block->base_time;
    for (uint32_t i = first; i < end; i++) {
        uint64_t row = bits_load(layout.rows, (uint64_t)i * layout.width);
        other[i - first] = base_other + (uint32_t)(row & layout.other_mask);
        time[i - first] = base_time + (uint32_t)(row >> layout.time_at & layout.time_mask);
        flag[i - first] = (uint32_t)(row >> layout.flag_at & layout.flag_mask);
    }
}

static bool flags_known(const struct segment_file *file, const uint32_t *flag, size_t count,
                        uint32_t number, struct error *err)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < count; i++)
        highest = flag[i] > highest ? flag[i] : highest;
    return highest < file->dictionary_count ||
           corrupt(err, file->name, (int64_t)number + 1, "a row has a flag without meaning");
}

bool segment_decode(struct segment_decoder *decoder, const struct segment_file *file,
                    uint32_t number, struct row_block *ret_rows, struct error *err)
{
    REQUIRE(number < file->block_count);
    if (!load_block(decoder, file, number, err))
        return false;
    const struct segment_block *block = &file->blocks[number];
    uint32_t next_row = 0;
    for (uint32_t i = 0; i < block->run_count; i++) {
        struct run run = run_at(decoder, block, i);
        if (run.first_row != next_row || run.end_row <= run.first_row ||
            run.end_row > block->row_count)
            return corrupt(err, file->name, (int64_t)number + 1, "a run table is not in order");
        for (uint32_t row = run.first_row; row < run.end_row; row++)
            ret_rows->key[row] = run.key;
        next_row = run.end_row;
    }
    unpack(decoder, block, 0, block->row_count, ret_rows->time, ret_rows->other, ret_rows->flag);
    ret_rows->count = block->row_count;
    decoder->rows_read += block->row_count;
    return flags_known(file, ret_rows->flag, block->row_count, number, err);
}

/* First block that can hold (key, time): the last one that does not begin after it. */
static uint32_t first_block(const struct segment_file *file, uint32_t key, int64_t time)
{
    uint32_t low = 0, high = file->block_count; /* the answer + 1 lies in [low, high] */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct segment_block *block = &file->blocks[middle];
        bool before = block->first_key < key ||
                      (block->first_key == key && (int64_t)block->first_time < time);
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : 0;
}

enum { CACHE_LINE_BYTES = 64, EXPECTED_BYTES = 4096 };

void segment_expect(const struct segment_file *file, uint32_t key, int64_t first)
{
    if (file->block_count == 0)
        return;
    const struct segment_block *block = &file->blocks[first_block(file, key, first)];
    uint32_t bytes = block->bytes < EXPECTED_BYTES ? block->bytes : EXPECTED_BYTES;
    for (uint32_t at = 0; at < bytes; at += CACHE_LINE_BYTES)
        __builtin_prefetch(file->map + block->offset + at);
}

static bool find_run(const struct segment_decoder *decoder, const struct segment_block *block,
                     uint32_t key, struct run *ret_run)
{
    uint32_t low = 0, high = block->run_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct run run = run_at(decoder, block, middle);
        if (run.key == key) {
            *ret_run = run;
            return run.end_row > run.first_row && run.end_row <= block->row_count;
        }
        if (run.key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* First row in [low, high) whose time is not below `bound`; times of one key ascend. */
static uint32_t lower_bound(const struct row_layout *layout, const struct segment_block *block,
                            uint32_t low, uint32_t high, int64_t bound)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t row = bits_load(layout->rows, (uint64_t)middle * layout->width);
        if ((int64_t)block->base_time + (int64_t)(row >> layout->time_at & layout->time_mask) <
            bound)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Rows [begin, end) of one block that are asked for; more of them may follow in the next block
 * where `open`. */
struct row_range {
    uint32_t begin, end;
    bool open;
};

static bool find_rows(struct segment_decoder *decoder, const struct segment_file *file,
                      uint32_t number, uint32_t key, int64_t first, int64_t last,
                      struct row_range *ret_range, struct error *err)
{
    const struct segment_block *block = &file->blocks[number];
    struct run run;
    *ret_range = (struct row_range){.open = true};
    if (!load_block(decoder, file, number, err))
        return false;
    if (!find_run(decoder, block, key, &run))
        return true;
    struct row_layout layout = layout_of(decoder, block);
    uint32_t begin = lower_bound(&layout, block, run.first_row, run.end_row, first);
    uint32_t end = lower_bound(&layout, block, begin, run.end_row, last);
    *ret_range = (struct row_range){begin, end, end == run.end_row};
    decoder->rows_read += end - begin;
    return true;
}

/* True where block `number` begins after (key, last). */
static bool lies_after(const struct segment_block *block, uint32_t key, int64_t last)
{
    return block->first_key > key ||
           (block->first_key == key && (int64_t)block->first_time >= last);
}

bool segment_read_key(struct segment_decoder *decoder, const struct segment_file *file,
                      uint32_t key, int64_t first, int64_t last, segment_visitor *visit,
                      void *context, struct error *err)
{
    uint32_t time[BLOCK_ROWS], other[BLOCK_ROWS], flag[BLOCK_ROWS];
    struct row_range range = {.open = true};
    for (uint32_t number = first_block(file, key, first);
         range.open && number < file->block_count && !lies_after(&file->blocks[number], key, last);
         number++) {
        if (!find_rows(decoder, file, number, key, first, last, &range, err))
            return false;
        unpack(decoder, &file->blocks[number], range.begin, range.end, time, other, flag);
        struct segment_piece piece = {range.end - range.begin, time, other, flag};
        if (!flags_known(file, flag, piece.count, number, err) ||
            (piece.count && !visit(context, &piece, err)))
            return false;
    }
    return true;
}

/* Rows → events. False where a flag has no meaning (the event then has the first one's). */
static inline bool unpack_events(const struct segment_file *file, const struct row_layout *layout,
                                 const struct segment_block *block, struct row_range range,
                                 uint32_t key, bool by_venue,
                                 struct presence_event *restrict events)
{
    const struct segment_flag *restrict dictionary = file->dictionary;
    const uint32_t known = file->dictionary_count, base_other = block->base_other;
    const uint32_t base_time = (uint32_t)time_day_start_seconds(file->day) + block->base_time;
    bool good = true;
    uint64_t bit = (uint64_t)range.begin * layout->width;
    for (uint32_t i = range.begin; i < range.end; i++, bit += layout->width) {
        uint64_t row = bits_load(layout->rows, bit);
        uint32_t other = base_other + (uint32_t)(row & layout->other_mask);
        uint32_t flag = (uint32_t)(row >> layout->flag_at & layout->flag_mask);
        struct segment_flag meaning = dictionary[flag < known ? flag : 0];
        good &= flag < known;
        *events++ = (struct presence_event){
            .person = by_venue ? other : key,
            .venue = by_venue ? key : other,
            .time = base_time + (uint32_t)(row >> layout->time_at & layout->time_mask),
            .origin = meaning.origin,
            .flags = meaning.flags};
    }
    return good;
}

bool segment_read_events(struct segment_decoder *decoder, const struct segment_file *file,
                         uint32_t key, int64_t first, int64_t last, struct presence_event *events,
                         presence_visitor *visit, void *context, struct error *err)
{
    struct row_range range = {.open = true};
    for (uint32_t number = first_block(file, key, first);
         range.open && number < file->block_count && !lies_after(&file->blocks[number], key, last);
         number++) {
        if (!find_rows(decoder, file, number, key, first, last, &range, err))
            return false;
        if (range.begin == range.end)
            continue;
        const struct segment_block *block = &file->blocks[number];
        const struct row_layout layout = layout_of(decoder, block);
        bool good = file->order == ORDER_VENUE
                        ? unpack_events(file, &layout, block, range, key, true, events)
                        : unpack_events(file, &layout, block, range, key, false, events);
        if (!good)
            return corrupt(err, file->name, (int64_t)number + 1, "a row has a flag without meaning");
        if (!visit(context, events, range.end - range.begin, err))
            return false;
    }
    return true;
}
