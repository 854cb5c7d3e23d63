/* The log of scans: append-only files of frames, one arrival day a file or several.
 *
 *   file  = DIR/presence/log/YYYYMMDD-<first ordinal, 10 hex digits>
 *   frame = header 40 B │ AES-256-GCM (records, 72 B each) │ tag 16
 *
 * Words. The *durable mark* is what the last log_sync covered: so many files, so many bytes of the
 * last of them, so many frames. *Rewinding* is going back to the mark after a failed write or sync.
 * A *torn* frame never was covered by a sync; a *damaged* one was.
 *
 * Invariants.
 *  1 Only the last file is written to, only at its end, and only by one group at a time.
 *  2 A file is left (full, another day) only when a sync covers all of it.
 *  3 What lies beyond the mark is nobody's: a failed group is removed before anything is written
 *    again, so that a scan refused now cannot come back at the next opening.
 *  4 After an opening, a rewind or a removal the next frame begins a new file (`broken`).
 *  5 Frames ascend by (day, ordinal).
 *
 *   closed ─open─► broken ─begin_file─► written to ─log_sync─► durable ─┐
 *                    ▲                      ▲  │ failed                 │ next group
 *                    └──────log_rewind──────┼──┘                        │
 *                                           └───────────────────────────┘
 *
 * At opening a bad frame is a torn tail, and cut, unless it stands in a file that was left or a later
 * frame says (`synced_bytes`) that a sync had covered it: then it is damage, named, and the opening
 * is refused. Only damage to the frames of the very last sync cannot be told from a torn tail. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/presence_internal.h"

struct frame_header {
    uint32_t magic;
    uint32_t crc;          /* of what follows, header and cipher bytes and tag */
    uint32_t synced_bytes; /* of this file, covered by a sync before this frame was written */
    uint32_t count;
    uint64_t first_ordinal;
    uint64_t nonce_high;   /* random */
    uint32_t nonce_low;
    uint32_t time;         /* city time of writing, unix seconds */
};
_Static_assert(sizeof(struct frame_header) == 40, "a frame header is 40 bytes on disk");
_Static_assert(sizeof(struct scan_record) == 72, "a record is 72 bytes on disk");
_Static_assert(offsetof(struct scan_record, body_digest) == 64, "the digest stands last");

enum { FRAME_MAGIC = 0x314D4643, FRAME_BYTES_MAX = FRAME_RECORDS_MAX * 72 };

static bool corrupt(struct error *err, const char *name, uint64_t offset, const char *what)
{
    return error_set(err, ERROR_CORRUPT,
                     (struct error_place){.source = name, .row = (int64_t)offset},
                     "an undamaged log", "%s at byte %llu", what, (unsigned long long)offset);
}

static uint32_t cipher_bytes(const struct frame_header *header)
{
    return header->count * (uint32_t)sizeof(struct scan_record); /* without the tag */
}

static void log_assert_state(const struct scan_log *log)
{
    REQUIRE(log->durable_files <= log->file_count && log->durable_frames <= log->frame_count);
    REQUIRE(log->broken || log->file_count);
    REQUIRE(!log->rewinding || log->broken);
    REQUIRE(!log->durable_files ||
            log->durable_bytes <= log->files[log->durable_files - 1].bytes);
}

/* All that the log holds now is durable. */
static void mark_durable(struct scan_log *log)
{
    log->durable_files = log->file_count;
    log->durable_bytes = log->file_count ? log->files[log->file_count - 1].bytes : 0;
    log->durable_frames = log->frame_count;
    log->unsynced = false;
    log_assert_state(log);
}

/* The key to read a day's frames with; the last one is kept. */
static bool set_read_key(struct scan_log *log, int32_t day, struct error *err)
{
    if (log->read_day == day)
        return true;
    log->read_day = INT32_MIN;
    if (!keys_day(log->keys, day, false, log->read_key, err))
        return false;
    log->read_day = day;
    return true;
}

/* Adds a frame's position, in order. */
static void remember_frame(struct scan_log *log, const struct frame_header *header, size_t file,
                           uint64_t offset)
{
    if (log->frame_count == log->frame_capacity) {
        log->frame_capacity = log->frame_capacity ? log->frame_capacity * 2 : 1024;
        log->frames = x_realloc(log->frames, log->frame_capacity * sizeof *log->frames);
    }
    log->frames[log->frame_count++] = (struct log_frame_position){
        header->first_ordinal, header->count, (uint32_t)file, offset};
}

static void frame_nonce(const struct frame_header *header, unsigned char out[12])
{
    memcpy(out, &header->nonce_high, 8);
    memcpy(out + 8, &header->nonce_low, 4);
}

/* Decrypts a whole frame into `out` (records). `bytes` = cipher and tag. */
static bool decrypt_frame(struct scan_log *log, const struct frame_header *header,
                          const unsigned char *bytes, unsigned char *out)
{
    unsigned char nonce[12];
    int done = 0;
    frame_nonce(header, nonce);
    return EVP_DecryptInit_ex(log->cipher, EVP_aes_256_gcm(), NULL, log->read_key, nonce) == 1 &&
           EVP_DecryptUpdate(log->cipher, NULL, &done, (const unsigned char *)&header->first_ordinal,
                             sizeof header->first_ordinal) == 1 &&
           EVP_DecryptUpdate(log->cipher, out, &done, bytes, (int)cipher_bytes(header)) == 1 &&
           EVP_CIPHER_CTX_ctrl(log->cipher, EVP_CTRL_AEAD_SET_TAG, SEGMENT_TAG_BYTES,
                               (void *)(uintptr_t)(bytes + cipher_bytes(header))) == 1 &&
           EVP_DecryptFinal_ex(log->cipher, out + done, &done) == 1;
}

static bool header_is_sane(const struct frame_header *header)
{
    return header->magic == FRAME_MAGIC && header->count >= 1 &&
           header->count <= FRAME_RECORDS_MAX;
}

static uint32_t frame_crc(const struct frame_header *header, const unsigned char *bytes,
                          size_t length)
{
    uint32_t crc = hash_crc32c(0, (const char *)header + 8, sizeof *header - 8);
    return hash_crc32c(crc, bytes, length);
}

/* ---- Opening */

struct replay {
    struct scan_log *log;
    log_visitor *visit;
    void *context;
    unsigned char *cipher; /* room for records_max records and the tag */
    struct scan_record *records;
    size_t records_max;
};

/* Reads the frame at `offset`; *ret_good false where it does not verify. */
static bool read_frame(struct replay *replay, const struct log_file *file, uint64_t offset,
                       struct frame_header *ret_header, bool *ret_good, struct error *err)
{
    *ret_good = false;
    if (file->bytes - offset < sizeof *ret_header)
        return true;
    if (!file_read_at(file->fd, ret_header, sizeof *ret_header, (off_t)offset, file->name, err))
        return false;
    uint64_t left = file->bytes - offset - sizeof *ret_header;
    if (!header_is_sane(ret_header) || ret_header->count > replay->records_max ||
        left < cipher_bytes(ret_header) + SEGMENT_TAG_BYTES)
        return true;
    size_t length = cipher_bytes(ret_header) + SEGMENT_TAG_BYTES;
    if (!file_read_at(file->fd, replay->cipher, length, (off_t)(offset + sizeof *ret_header),
                      file->name, err))
        return false;
    *ret_good = ret_header->crc == frame_crc(ret_header, replay->cipher, length) &&
                decrypt_frame(replay->log, ret_header, replay->cipher,
                              (unsigned char *)replay->records);
    return true;
}

/* True where a whole frame beyond `offset` says that a sync had covered what stands there. */
static bool was_synced(const unsigned char *bytes, uint64_t length, uint64_t offset)
{
    static const uint32_t magic = FRAME_MAGIC;
    const unsigned char *end = bytes + length, *at = bytes + offset + 1;
    while (at < end && (at = memmem(at, (size_t)(end - at), &magic, sizeof magic))) {
        struct frame_header header;
        uint64_t left = (uint64_t)(end - at);
        if (left < sizeof header)
            return false;
        memcpy(&header, at, sizeof header);
        if (header_is_sane(&header) && header.synced_bytes > offset &&
            left - sizeof header >= cipher_bytes(&header) + SEGMENT_TAG_BYTES &&
            header.crc == frame_crc(&header, at + sizeof header,
                                    cipher_bytes(&header) + SEGMENT_TAG_BYTES))
            return true;
        at++;
    }
    return false;
}

/* A bad frame of the last file: damage is refused, a torn tail is cut and remembered. */
static bool cut_torn_tail(struct scan_log *log, struct log_file *file, uint64_t offset,
                          struct error *err)
{
    void *map = mmap(NULL, file->bytes, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (map == MAP_FAILED)
        return error_set_errno(err, file->name, "map");
    bool damaged = was_synced(map, file->bytes, offset);
    munmap(map, file->bytes);
    if (damaged)
        return corrupt(err, file->name, offset, "a frame does not verify");
    snprintf(log->cut.name, sizeof log->cut.name, "%s", file->name);
    log->cut.offset = offset;
    log->cut.bytes = file->bytes - offset;
    if (ftruncate(file->fd, (off_t)offset) != 0)
        return error_set_errno(err, file->name, "cut");
    file->bytes = offset;
    return file_sync(file->fd, file->name, err);
}

static bool replay_file(struct replay *replay, size_t number, bool last, struct error *err)
{
    struct log_file *file = &replay->log->files[number];
    uint64_t offset = 0;
    if (!set_read_key(replay->log, file->day, err))
        return false;
    while (offset < file->bytes) {
        struct frame_header header;
        bool good;
        if (!read_frame(replay, file, offset, &header, &good, err))
            return false;
        if (!good && !last)
            return corrupt(err, file->name, offset, "a frame does not verify");
        if (!good)
            return cut_torn_tail(replay->log, file, offset, err);
        remember_frame(replay->log, &header, number, offset);
        file->last_time = header.time;
        replay->log->open_day = file->day;
        replay->log->next_ordinal = header.first_ordinal + header.count;
        if (!replay->visit(replay->context, file->day, header.first_ordinal, replay->records,
                           header.count, err))
            return false;
        offset += sizeof header + cipher_bytes(&header) + SEGMENT_TAG_BYTES;
    }
    return true;
}

static int compare_files(const void *a, const void *b)
{
    const struct log_file *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->first_ordinal > y->first_ordinal) - (x->first_ordinal < y->first_ordinal);
}

static bool parse_name(const char *name, int32_t *ret_day, uint64_t *ret_ordinal)
{
    char date[11];
    unsigned long long ordinal;
    int end = 0;
    if (sscanf(name, "%4c%2c%2c-%10llx%n", date, date + 5, date + 8, &ordinal, &end) != 4 ||
        name[end] != '\0')
        return false;
    date[4] = date[7] = '-';
    date[10] = '\0';
    *ret_ordinal = ordinal;
    return time_parse_date(slice_of(date), ret_day);
}

static bool add_file(struct scan_log *log, const char *name, int32_t day, uint64_t ordinal, int fd,
                     struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set_errno(err, name, "look at");
    log->files = x_realloc(log->files, (log->file_count + 1) * sizeof *log->files);
    struct log_file *file = &log->files[log->file_count++];
    *file = (struct log_file){
        .day = day, .first_ordinal = ordinal, .fd = fd, .bytes = (uint64_t)status.st_size};
    snprintf(file->name, sizeof file->name, "%s", name);
    return true;
}

static bool find_files(struct scan_log *log, struct error *err)
{
    int again = openat(log->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = again < 0 ? NULL : fdopendir(again);
    if (!directory)
        return error_set_errno(err, "presence/log", "read");
    bool done = true;
    struct dirent *entry;
    while (done && (entry = readdir(directory))) {
        int32_t day;
        uint64_t ordinal;
        if (!parse_name(entry->d_name, &day, &ordinal))
            continue;
        int fd = openat(log->directory_fd, entry->d_name, O_RDWR | O_CLOEXEC);
        done = fd >= 0 ? add_file(log, entry->d_name, day, ordinal, fd, err)
                       : error_set_errno(err, entry->d_name, "open");
    }
    closedir(directory);
    if (log->file_count)
        qsort(log->files, log->file_count, sizeof *log->files, compare_files);
    return done;
}

/* Takes a file out of the list and off the disk. */
static bool remove_file(struct scan_log *log, size_t number, struct error *err)
{
    if (!fault_at(FAULT_POINT_before_log_remove, err))
        return false;
    if (unlinkat(log->directory_fd, log->files[number].name, 0) != 0 && errno != ENOENT)
        return error_set_errno(err, log->files[number].name, "remove");
    close(log->files[number].fd);
    log->file_count--;
    memmove(log->files + number, log->files + number + 1,
            (log->file_count - number) * sizeof *log->files);
    size_t kept = 0;
    for (size_t i = 0; i < log->frame_count; i++)
        if (log->frames[i].file != number) {
            log->frames[kept] = log->frames[i];
            log->frames[kept].file -= log->frames[kept].file > number;
            kept++;
        }
    log->frame_count = kept;
    log->broken |= number == log->file_count;
    return true;
}

/* Removes files whose day was forgotten: nobody can read them any more. */
static bool remove_forgotten(struct scan_log *log, struct error *err)
{
    for (size_t i = log->file_count; i-- > 0;) {
        struct error missing;
        if (!set_read_key(log, log->files[i].day, &missing) && missing.code == ERROR_GONE &&
            !remove_file(log, i, err))
            return false;
    }
    return true;
}

bool log_open(struct scan_log *log, int directory_fd, struct keys *keys, log_visitor *visit,
              void *context, struct error *err)
{
    *log = (struct scan_log){
        .directory_fd = -1, .keys = keys, .open_day = INT32_MIN, .read_day = INT32_MIN};
    log->broken = true; /* appending begins a new file: an old one is never touched again */
    log->cipher = EVP_CIPHER_CTX_new();
    REQUIRE(log->cipher);
    buffer_init(&log->scratch, sizeof(struct frame_header) + FRAME_BYTES_MAX + SEGMENT_TAG_BYTES);
    if (mkdirat(directory_fd, "log", 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, "presence/log", "create");
    log->directory_fd = openat(directory_fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (log->directory_fd < 0)
        return error_set_errno(err, "presence/log", "open");
    if (!find_files(log, err) || !remove_forgotten(log, err))
        return false;
    struct replay replay = {
        .log = log, .visit = visit, .context = context, .records_max = FRAME_RECORDS_MAX};
    replay.cipher = x_alloc(1, FRAME_BYTES_MAX + SEGMENT_TAG_BYTES);
    replay.records = x_alloc(FRAME_RECORDS_MAX, sizeof *replay.records);
    bool done = true;
    for (size_t i = 0; done && i < log->file_count; i++)
        done = replay_file(&replay, i, i + 1 == log->file_count, err);
    if (done)
        mark_durable(log);
    free(replay.cipher);
    free(replay.records);
    return done;
}

void log_release(struct scan_log *log)
{
    for (size_t i = 0; i < log->file_count; i++)
        close(log->files[i].fd);
    if (log->directory_fd >= 0)
        close(log->directory_fd);
    EVP_CIPHER_CTX_free(log->cipher);
    OPENSSL_cleanse(log->day_key, sizeof log->day_key);
    OPENSSL_cleanse(log->read_key, sizeof log->read_key);
    buffer_release(&log->scratch);
    free(log->files);
    free(log->frames);
    *log = (struct scan_log){.directory_fd = -1};
}

/* ---- Writing */

static bool begin_file(struct scan_log *log, int32_t day, uint64_t first_ordinal,
                       struct error *err)
{
    char name[SEGMENT_NAME_BYTES], date[TIME_TEXT_BYTES];
    struct log_file *last = log->file_count ? &log->files[log->file_count - 1] : NULL;
    time_format_date(day, date);
    snprintf(name, sizeof name, "%.4s%.2s%.2s-%010llx", date, date + 5, date + 8,
             (unsigned long long)first_ordinal);
    if ((log->unsynced && !file_sync(last->fd, last->name, err)) ||
        !keys_day(log->keys, day, true, log->day_key, err))
        return false;
    log->broken = true; /* until the new file stands */
    if (last && strcmp(last->name, name) == 0) { /* begun before, nothing whole in it */
        REQUIRE(last->bytes == 0);
        close(last->fd);
        log->file_count--;
        log->durable_files -= log->durable_files > log->file_count;
        log->durable_bytes = log->file_count ? log->files[log->file_count - 1].bytes : 0;
    }
    int fd = openat(log->directory_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, name, "create");
    if (!add_file(log, name, day, first_ordinal, fd, err)) {
        close(fd);
        return false;
    }
    if (!file_sync_directory(log->directory_fd, ".", err))
        return false;
    log->open_day = day;
    log->broken = false;
    return true;
}

bool log_write_frame(struct scan_log *log, int32_t day, uint64_t first_ordinal, uint32_t now,
                     const struct scan_record *records, size_t count, struct error *err)
{
    REQUIRE(count >= 1 && count <= FRAME_RECORDS_MAX);
    if (log->rewinding && !log_rewind(log, err))
        return false;
    log_assert_state(log);
    bool full = !log->broken && log->files[log->file_count - 1].bytes >= LOG_FILE_BYTES_MAX;
    if ((log->broken || log->open_day != day || full) &&
        !begin_file(log, day, first_ordinal, err))
        return false;
    struct log_file *file = &log->files[log->file_count - 1];
    struct frame_header header = {.magic = FRAME_MAGIC,
                                  .count = (uint32_t)count,
                                  .first_ordinal = first_ordinal,
                                  .time = now};
    if (log->durable_files == log->file_count)
        header.synced_bytes = (uint32_t)log->durable_bytes;
    world_random_bytes(&header.nonce_high, 12);
    unsigned char nonce[12];
    frame_nonce(&header, nonce);
    buffer_clear(&log->scratch);
    buffer_append(&log->scratch, &header, sizeof header);
    buffer_append(&log->scratch, records, cipher_bytes(&header));
    buffer_append(&log->scratch, nonce, SEGMENT_TAG_BYTES - 4); /* room for the tag */
    buffer_append(&log->scratch, nonce, 4);
    unsigned char *cipher = (unsigned char *)log->scratch.data + sizeof header;
    int done = 0;
    bool good =
        EVP_EncryptInit_ex(log->cipher, EVP_aes_256_gcm(), NULL, log->day_key, nonce) == 1 &&
        EVP_EncryptUpdate(log->cipher, NULL, &done, (const unsigned char *)&header.first_ordinal,
                          sizeof header.first_ordinal) == 1 &&
        EVP_EncryptUpdate(log->cipher, cipher, &done, cipher, (int)cipher_bytes(&header)) == 1 &&
        EVP_EncryptFinal_ex(log->cipher, cipher + done, &done) == 1 &&
        EVP_CIPHER_CTX_ctrl(log->cipher, EVP_CTRL_AEAD_GET_TAG, SEGMENT_TAG_BYTES,
                            cipher + cipher_bytes(&header)) == 1;
    REQUIRE(good && !log->scratch.overflow);
    header.crc = frame_crc(&header, cipher, cipher_bytes(&header) + SEGMENT_TAG_BYTES);
    memcpy(log->scratch.data, &header, sizeof header);
    log->unsynced = true;
    if (!file_write_at(file->fd, log->scratch.data, log->scratch.length, (off_t)file->bytes,
                       file->name, err))
        return false;
    remember_frame(log, &header, log->file_count - 1, file->bytes);
    file->bytes += log->scratch.length;
    file->last_time = now;
    log->next_ordinal = first_ordinal + count;
    return fault_at(FAULT_POINT_after_log_write, err);
}

bool log_sync(struct scan_log *log, struct error *err)
{
    struct log_file *file = &log->files[log->file_count - 1];
    if (!file_sync(file->fd, file->name, err) || !fault_at(FAULT_POINT_after_log_sync, err))
        return false;
    mark_durable(log);
    return true;
}

bool log_rewind(struct scan_log *log, struct error *err)
{
    log->broken = log->rewinding = true;
    log->unsynced = false;
    log->frame_count = log->durable_frames;
    while (log->file_count > log->durable_files)
        if (!remove_file(log, log->file_count - 1, err))
            return false;
    struct log_file *file = log->file_count ? &log->files[log->file_count - 1] : NULL;
    if (file) {
        file->bytes = log->durable_bytes;
        if (ftruncate(file->fd, (off_t)file->bytes) != 0)
            return error_set_errno(err, file->name, "cut");
        if (!file_sync(file->fd, file->name, err))
            return false;
    }
    if (!file_sync_directory(log->directory_fd, ".", err))
        return false;
    log->rewinding = false;
    log_assert_state(log);
    return true;
}

/* ---- Reading back */

static bool load_frame(struct scan_log *log, const struct log_frame_position *frame,
                       struct scan_record *records, struct error *err)
{
    const struct log_file *file = &log->files[frame->file];
    struct replay replay = {.log = log, .records = records, .records_max = frame->count};
    replay.cipher = x_alloc(1, frame->count * sizeof *records + SEGMENT_TAG_BYTES);
    struct frame_header header;
    bool good = false;
    bool done = set_read_key(log, file->day, err) &&
                read_frame(&replay, file, frame->offset, &header, &good, err);
    free(replay.cipher);
    return done && (good || corrupt(err, file->name, frame->offset, "a frame does not verify"));
}

bool log_read(struct scan_log *log, struct scan_event_id id, struct scan_record *ret_record,
              struct error *err)
{
    size_t low = 0, high = log->frame_count;
    while (low < high) { /* the last frame that does not begin after id */
        size_t middle = (low + high) / 2;
        const struct log_frame_position *frame = &log->frames[middle];
        int32_t day = log->files[frame->file].day;
        if (day < id.day || (day == id.day && frame->first_ordinal <= id.ordinal))
            low = middle + 1;
        else
            high = middle;
    }
    const struct log_frame_position *frame = low ? &log->frames[low - 1] : NULL;
    if (!frame || log->files[frame->file].day != id.day ||
        id.ordinal - frame->first_ordinal >= frame->count)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "event"},
                         "an event of the last 48 hours", "no such event");
    struct scan_record *records = x_alloc(frame->count, sizeof *records);
    bool done = load_frame(log, frame, records, err);
    if (done)
        *ret_record = records[id.ordinal - frame->first_ordinal];
    free(records);
    return done;
}

bool log_visit(struct scan_log *log, log_visitor *visit, void *context, struct error *err)
{
    struct scan_record *records = x_alloc(FRAME_RECORDS_MAX, sizeof *records);
    bool done = true;
    for (size_t i = 0; done && i < log->frame_count; i++) {
        const struct log_frame_position *frame = &log->frames[i];
        done = load_frame(log, frame, records, err) &&
               visit(context, log->files[frame->file].day, frame->first_ordinal, records,
                     frame->count, err);
    }
    free(records);
    return done;
}

/* ---- Removing */

bool log_expire(struct scan_log *log, uint32_t before, struct scan_event_id folded, int32_t today,
                struct error *err)
{
    if (log->rewinding && !log_rewind(log, err))
        return false;
    while (log->file_count > 1) { /* never the last: it tells the next ordinal */
        const struct log_file *file = &log->files[0], *next = &log->files[1];
        bool below = next->day < folded.day ||
                     (next->day == folded.day && next->first_ordinal <= folded.ordinal);
        if (file->day >= today || file->last_time >= before || !below)
            break;
        if (!remove_file(log, 0, err))
            return false;
        mark_durable(log);
    }
    return true;
}

bool log_forget_day(struct scan_log *log, int32_t day, struct error *err)
{
    if (log->rewinding && !log_rewind(log, err))
        return false;
    if (log->read_day == day) {
        OPENSSL_cleanse(log->read_key, sizeof log->read_key);
        log->read_day = INT32_MIN;
    }
    for (size_t i = log->file_count; i-- > 0;)
        if (log->files[i].day == day) {
            if (!remove_file(log, i, err))
                return false;
            mark_durable(log);
        }
    return file_sync_directory(log->directory_fd, ".", err);
}
