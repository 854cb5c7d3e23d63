/* Clock, randomness and files of the real world, with the fault sweep's steps in them. */
#include "base/world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"

void world_init(struct world *world)
{
    *world = (struct world){.fixed = TIMESTAMP_NONE};
}

timestamp world_real_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND + now.tv_nsec / 1000;
}

timestamp world_now(const struct world *world)
{
    return world->fixed != TIMESTAMP_NONE ? world->fixed : world_real_now() + world->offset;
}

double world_elapsed_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double world_thread_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

void world_random_bytes(void *out, size_t length)
{
    unsigned char *bytes = out;
    while (length) {
        ssize_t got = getrandom(bytes, length, 0);
        if (got < 0) {
            REQUIRE(errno == EINTR);
            continue;
        }
        bytes += got;
        length -= (size_t)got;
    }
}

bool file_write_all(int fd, const void *data, size_t length, const char *name, struct error *err)
{
    const char *bytes = data;
    while (length) {
        if (fault_step(FAULT_WRITE)) {
            errno = ENOSPC;
            return error_set_errno(err, name, "write");
        }
        ssize_t wrote = write(fd, bytes, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return error_set_errno(err, name, "write");
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

bool file_write_at(int fd, const void *data, size_t length, off_t offset, const char *name,
                   struct error *err)
{
    const char *bytes = data;
    while (length) {
        if (fault_step(FAULT_WRITE)) {
            errno = ENOSPC;
            return error_set_errno(err, name, "write");
        }
        ssize_t wrote = pwrite(fd, bytes, length, offset);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return error_set_errno(err, name, "write");
        bytes += wrote;
        offset += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

bool file_read_at(int fd, void *data, size_t length, off_t offset, const char *name,
                  struct error *err)
{
    char *bytes = data;
    while (length) {
        ssize_t got = pread(fd, bytes, length, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, name, "read");
        if (got == 0)
            return error_set(err, ERROR_CORRUPT, (struct error_place){.source = name},
                             "a longer file", "the file ends before byte %lld", (long long)offset);
        bytes += got;
        offset += got;
        length -= (size_t)got;
    }
    return true;
}

bool file_sync(int fd, const char *name, struct error *err)
{
    if (fault_step(FAULT_SYNC)) {
        errno = EIO;
        return error_set_errno(err, name, "sync");
    }
    while (fdatasync(fd) != 0)
        if (errno != EINTR)
            return error_set_errno(err, name, "sync");
    return true;
}

bool file_sync_directory(int at, const char *path, struct error *err)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, path, "open");
    bool done = !fault_step(FAULT_SYNC) && fsync(fd) == 0;
    if (!done)
        error_set_errno(err, path, "sync");
    close(fd);
    return done;
}

bool file_replace(int at, const char *name, const void *data, size_t length, struct error *err)
{
    char aside[512];
    if (snprintf(aside, sizeof aside, "%s.new", name) >= (int)sizeof aside)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = name},
                         "a name of at most 500 bytes", "the file's name is too long");
    int fd = openat(at, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, aside, "create");
    bool done = file_write_all(fd, data, length, aside, err) && file_sync(fd, aside, err);
    close(fd);
    if (done && (fault_step(FAULT_RENAME) || renameat(at, aside, at, name) != 0))
        done = error_set_errno(err, name, "rename");
    if (!done) {
        unlinkat(at, aside, 0);
        return false;
    }
    char directory[512];
    snprintf(directory, sizeof directory, "%s", name);
    char *slash = strrchr(directory, '/');
    if (slash)
        *slash = '\0';
    return file_sync_directory(at, slash ? directory : ".", err);
}

bool file_read_whole(int at, const char *name, struct buffer *out, struct error *err)
{
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.source = name},
                         "a readable file", "no such file");
    if (fd < 0)
        return error_set_errno(err, name, "open");
    bool done = false;
    for (;;) {
        char chunk[16384];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error_set_errno(err, name, "read");
            break;
        }
        if (got == 0) {
            done = true;
            break;
        }
        buffer_append(out, chunk, (size_t)got);
        if (out->overflow) {
            error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = name}, NULL,
                      "the file is larger than %zu bytes", out->max_bytes);
            break;
        }
    }
    close(fd);
    return done;
}

static bool remove_children(int fd, struct error *err)
{
    DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return error_set_errno(err, "directory", "open");
    }
    bool done = true;
    struct dirent *entry;
    while (done && (entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            done = file_remove_tree(dirfd(directory), entry->d_name, err);
    closedir(directory);
    return done;
}

bool file_remove_tree(int at, const char *name, struct error *err)
{
    struct stat status;
    if (fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || error_set_errno(err, name, "look at");
    bool directory = S_ISDIR(status.st_mode);
    if (directory) {
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return error_set_errno(err, name, "open");
        if (!remove_children(fd, err))
            return false;
    }
    if (unlinkat(at, name, directory ? AT_REMOVEDIR : 0) != 0 && errno != ENOENT)
        return error_set_errno(err, name, "remove");
    return true;
}
