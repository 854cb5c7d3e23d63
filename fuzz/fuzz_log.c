/* Log files as bytes, through the opening of a whole day store. First byte:
 *   even  the rest is the file
 *   odd   the rest is records: frames are written of them as the commit thread does, then bytes
 *         of the file are changed or its end is cut. What is still served must be what was
 *         written, from the first record on; or the opening is refused */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/presence_internal.h"

enum { TEST_DAY = 19096, RECORDS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world world;
static struct store *store;
static char directory[64];
static const char file_name[] = "presence/log/20220414-0000000000";
static struct scan_record written[RECORDS_MAX];
static size_t written_count;

static void remove_city(void)
{
    struct error err;
    store_close(store);
    (void)!file_remove_tree(AT_FDCWD, directory, &err);
}

static void make_city(void)
{
    struct error err;
    unsigned char key[KEY_BYTES];
    snprintf(directory, sizeof directory, "%s/chengmai-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    REQUIRE(mkdtemp(directory));
    world_init(&world);
    REQUIRE(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &world.fixed));
    struct store_creation creation = {.demo = true, .seed = 1, .city_start = world.fixed};
    REQUIRE(store_create(directory, &creation, &err) &&
            store_open(directory, &world, &store, &err) &&
            keys_day(store_keys(store), TEST_DAY, true, key, &err));
    log_set_level(LOG_FAULT + 1);
    atexit(remove_city);
}

static void empty_presence(void)
{
    struct error err;
    int fd = store_directory_fd(store);
    REQUIRE(file_remove_tree(fd, "presence", &err) && mkdirat(fd, "presence", 0700) == 0 &&
            mkdirat(fd, "presence/log", 0700) == 0);
}

static bool compare_record(void *context, int32_t day, uint64_t first_ordinal,
                           const struct scan_record *records, size_t count, struct error *err)
{
    (void)err;
    size_t *seen = context;
    REQUIRE(day == TEST_DAY && first_ordinal == *seen && *seen + count <= written_count);
    REQUIRE(memcmp(records, written + *seen, count * sizeof *records) == 0);
    *seen += count;
    return true;
}

static bool count_events(void *context, const struct presence_event *events, size_t count,
                         struct error *err)
{
    (void)events, (void)err;
    *(size_t *)context += count;
    return true;
}

static void read_all(bool compare)
{
    struct presence *presence;
    struct presence_options options = {.background = false};
    struct error err;
    if (!presence_open(store, &options, &presence, &err))
        return;
    size_t seen = 0, events = 0;
    pthread_mutex_lock(&presence->log_lock);
    if (compare)
        REQUIRE(log_visit(&presence->log, compare_record, &seen, &err));
    pthread_mutex_unlock(&presence->log_lock);
    struct presence_view *view;
    struct scans_verification result;
    REQUIRE(presence_view_begin(presence, &view, &err) &&
            presence_scan(view, 0, (int64_t)UINT32_MAX + 1, count_events, &events, &err));
    presence_view_end(view);
    REQUIRE(!compare || events <= seen);
    REQUIRE(presence_verify_scans(presence, NULL, 0, &result, &err));
    REQUIRE(result.missing.length == 0 && result.twice.length == 0);
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    presence_close(presence);
}

static bool no_record(void *context, int32_t day, uint64_t first_ordinal,
                      const struct scan_record *records, size_t count, struct error *err)
{
    (void)context, (void)day, (void)first_ordinal, (void)records, (void)count, (void)err;
    return true;
}

/* Frames of 1 … 4 records; returns how many bytes of `data` they took. */
static size_t write_frames(const uint8_t *data, size_t size)
{
    struct scan_log log;
    struct error err;
    size_t frames = size ? data[0] % 8 + 1u : 0, at = 1;
    int fd = openat(store_directory_fd(store), "presence", O_RDONLY | O_DIRECTORY);
    REQUIRE(fd >= 0 && log_open(&log, fd, store_keys(store), no_record, NULL, &err));
    written_count = 0;
    for (size_t f = 0; f < frames && at < size; f++) {
        size_t count = data[at] % 4 + 1u;
        memset(written + written_count, 0, count * sizeof *written);
        for (size_t i = 0; i < count; i++) {
            size_t taken = size - at < sizeof *written ? size - at : sizeof *written;
            memcpy(&written[written_count + i], data + at, taken);
            at += taken;
        }
        REQUIRE(log_write_frame(&log, TEST_DAY, written_count, 1649917800, written + written_count,
                                count, &err) &&
                (f % 3 == 2 || log_sync(&log, &err)));
        written_count += count;
    }
    log_release(&log);
    close(fd);
    return at < size ? at : size;
}

static void change_file(const uint8_t *data, size_t size)
{
    struct stat status;
    int fd = openat(store_directory_fd(store), file_name, O_RDWR);
    if (fd < 0)
        return;
    REQUIRE(fstat(fd, &status) == 0);
    for (; size >= 3 && status.st_size > 0; data += 3, size -= 3) {
        uint8_t byte;
        off_t at = (data[0] | data[1] << 8) % status.st_size;
        if (data[2] == 0) { /* cut */
            REQUIRE(ftruncate(fd, at) == 0);
            status.st_size = at;
            continue;
        }
        REQUIRE(pread(fd, &byte, 1, at) == 1);
        byte ^= data[2];
        REQUIRE(pwrite(fd, &byte, 1, at) == 1);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!store)
        make_city();
    if (size == 0)
        return 0;
    empty_presence();
    if (data[0] % 2 == 0) {
        int fd = openat(store_directory_fd(store), file_name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        REQUIRE(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
        close(fd);
    } else {
        size_t used = write_frames(data + 1, size - 1);
        change_file(data + 1 + used, size - 1 - used);
    }
    read_all(data[0] % 2 == 1);
    return 0;
}
