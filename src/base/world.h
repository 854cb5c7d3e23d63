/* The door to the world: clock, secrets, files. Everything that touches them goes through here, so
 * that tests can stop the clock and break the disk. */
#ifndef CHENGMAI_BASE_WORLD_H
#define CHENGMAI_BASE_WORLD_H

#include <sys/types.h>

#include "base/time.h"

/* A clock is data: real time plus an offset (a demo city lives in 2022), or a fixed moment. */
struct world {
    timestamp offset;       /* city time = real time + offset */
    timestamp fixed;        /* TIMESTAMP_NONE: the clock runs */
};

/* Real time and a running clock. */
void world_init(struct world *world);
/* City time: everything of the domain uses it. */
timestamp world_now(const struct world *world);
/* Real time: for logs, audit and sessions' transport. */
timestamp world_real_now(void);
/* Monotonic seconds, for durations only. */
double world_elapsed_seconds(void);
/* Secret-quality random bytes. */
void world_random_bytes(void *out, size_t length);

/* Files. `path` is relative to the directory `at` (AT_FDCWD allowed). All retry on EINTR. */
bool file_write_all(int fd, const void *data, size_t length, const char *name,
                    struct error *err) MUST_USE;
bool file_write_at(int fd, const void *data, size_t length, off_t offset, const char *name,
                   struct error *err) MUST_USE;
/* Reads exactly `length` bytes at `offset`; ERROR_CORRUPT where the file ends before. */
bool file_read_at(int fd, void *data, size_t length, off_t offset, const char *name,
                  struct error *err) MUST_USE;
bool file_sync(int fd, const char *name, struct error *err) MUST_USE;
/* Makes names of the directory durable. */
bool file_sync_directory(int at, const char *path, struct error *err) MUST_USE;
/* Writes aside ("NAME.new", mode 0600), syncs, renames, syncs the directory: whole or not at all.
 * The name has at most 500 bytes. */
bool file_replace(int at, const char *name, const void *data, size_t length,
                  struct error *err) MUST_USE;
/* The whole file into `out`; ERROR_NOT_FOUND where it is absent, ERROR_TOO_LARGE past out's max. */
bool file_read_whole(int at, const char *name, struct buffer *out, struct error *err) MUST_USE;
/* Removes a file or a whole directory below `at`; absent is done. */
bool file_remove_tree(int at, const char *name, struct error *err) MUST_USE;

#endif
