/* What a backup is made of: files, their digests, the seal of the database, the manifest.
 *
 *   DIR/city  policies/…  scenes/…         as they are: nothing about persons
 *   DIR/presence/…                         as they are: encrypted by the days' keys
 *   DIR/photos/…                           as they are: encrypted by keys in the database
 *   DIR/city.db.sealed                     header 24 | chunks of 64 KiB + 17, the last one marked
 *   DIR/backup.json                        the list of all, with SHA-256
 *   DIR/backup.mac                         BLAKE2b of backup.json, keyed by the key of the backup
 *
 * No key is among them. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeping/keeping_internal.h"

enum { CHUNK = 64 << 10, SEALED_CHUNK = CHUNK + crypto_secretstream_xchacha20poly1305_ABYTES };
static const char format[] = "chengmai backup 1";

/* ---- Bytes */

/* Up to `size` bytes; less at the end of the file only. */
static bool read_chunk(int fd, void *out, size_t size, size_t *ret_length, const char *name,
                       struct error *err)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(fd, (char *)out + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, name, "read");
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *ret_length = length;
    return true;
}

bool copy_bytes(int from_fd, int to_fd, uint64_t length, const char *name, struct error *err)
{
    char *chunk = x_alloc(1, CHUNK);
    bool done = true;
    for (uint64_t at = 0; done && at < length;) {
        size_t wanted = length - at < CHUNK ? (size_t)(length - at) : CHUNK;
        done = file_read_at(from_fd, chunk, wanted, (off_t)at, name, err) &&
               file_write_all(to_fd, chunk, wanted, name, err);
        at += wanted;
    }
    free(chunk);
    return done;
}

bool make_parents(int at, const char *path, struct error *err)
{
    char part[BACKUP_PATH_BYTES];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (mkdirat(at, part, 0700) != 0 && errno != EEXIST)
            return error_set_errno(err, part, "create");
    }
    return true;
}

bool file_digest(int at, const char *path, unsigned char ret_digest[32], int64_t *ret_bytes,
                 struct error *err)
{
    crypto_hash_sha256_state state;
    size_t length = CHUNK;
    int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_set_errno(err, path, "open");
    unsigned char *chunk = x_alloc(1, CHUNK);
    bool done = true;
    *ret_bytes = 0;
    crypto_hash_sha256_init(&state);
    while (done && length == CHUNK) {
        done = read_chunk(fd, chunk, CHUNK, &length, path, err);
        if (done)
            crypto_hash_sha256_update(&state, chunk, length);
        *ret_bytes += (int64_t)length;
    }
    crypto_hash_sha256_final(&state, ret_digest);
    free(chunk);
    close(fd);
    return done;
}

/* ---- The seal */

bool seal_file(int from_fd, int to_fd, const unsigned char key[KEY_BYTES], const char *name,
               struct error *err)
{
    crypto_secretstream_xchacha20poly1305_state state;
    unsigned char header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
    unsigned char *plain = x_alloc(1, CHUNK), *sealed = x_alloc(1, SEALED_CHUNK);
    size_t length = CHUNK;
    crypto_secretstream_xchacha20poly1305_init_push(&state, header, key);
    bool done = file_write_all(to_fd, header, sizeof header, name, err);
    while (done && length == CHUNK) {
        done = read_chunk(from_fd, plain, CHUNK, &length, name, err);
        unsigned char tag = length < CHUNK ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0;
        if (done)
            crypto_secretstream_xchacha20poly1305_push(&state, sealed, NULL, plain, length, NULL, 0,
                                                       tag);
        done = done &&
               file_write_all(to_fd, sealed, length + crypto_secretstream_xchacha20poly1305_ABYTES,
                              name, err);
    }
    sodium_memzero(&state, sizeof state);
    sodium_memzero(plain, CHUNK);
    free(plain);
    free(sealed);
    return done;
}

static bool not_sealed(const char *name, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, (struct error_place){.source = name},
                     "a file sealed by the key of this backup", "the sealed file does not verify");
}

bool unseal_file(int from_fd, int to_fd, const unsigned char key[KEY_BYTES], const char *name,
                 struct error *err)
{
    crypto_secretstream_xchacha20poly1305_state state;
    unsigned char header[crypto_secretstream_xchacha20poly1305_HEADERBYTES], tag = 0, after;
    unsigned char *plain = x_alloc(1, CHUNK), *sealed = x_alloc(1, SEALED_CHUNK);
    size_t length = 0, rest = 0;
    bool done = read_chunk(from_fd, header, sizeof header, &length, name, err);
    if (done && (length != sizeof header ||
                 crypto_secretstream_xchacha20poly1305_init_pull(&state, header, key) != 0))
        done = not_sealed(name, err);
    while (done && tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL) {
        done = read_chunk(from_fd, sealed, SEALED_CHUNK, &length, name, err);
        if (done && (length < crypto_secretstream_xchacha20poly1305_ABYTES ||
                     crypto_secretstream_xchacha20poly1305_pull(&state, plain, NULL, &tag, sealed,
                                                                length, NULL, 0) != 0))
            done = not_sealed(name, err);
        done = done &&
               file_write_all(to_fd, plain, length - crypto_secretstream_xchacha20poly1305_ABYTES,
                              name, err);
    }
    done = done && read_chunk(from_fd, &after, 1, &rest, name, err);
    if (done && rest)
        done = not_sealed(name, err); /* something stands after the end */
    sodium_memzero(&state, sizeof state);
    sodium_memzero(plain, CHUNK);
    free(plain);
    free(sealed);
    return done;
}

/* ---- The manifest */

void backup_manifest_release(struct backup_manifest *manifest)
{
    free(manifest->files);
    manifest->files = NULL;
    manifest->file_count = 0;
}

void backup_manifest_write(const struct backup_manifest *manifest, struct buffer *out)
{
    struct json_writer writer;
    char hex[65];
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_text(&writer, "format", slice_of(format));
    json_field_text(&writer, "id", slice_of(manifest->id));
    json_field_text(&writer, "version", slice_of(manifest->version));
    json_field_time(&writer, "made_at", manifest->made_at);
    json_field_time(&writer, "city_time", manifest->city_time);
    json_field_text(&writer, "keys", slice_of(manifest->keys));
    json_field_text(&writer, "mirror", slice_of(manifest->mirror));
    json_key(&writer, "files");
    json_array_begin(&writer);
    for (size_t i = 0; i < manifest->file_count; i++) {
        text_to_hex(manifest->files[i].digest, 32, hex);
        json_object_begin(&writer);
        json_field_text(&writer, "path", slice_of(manifest->files[i].path));
        json_field_int64(&writer, "bytes", manifest->files[i].bytes);
        json_field_text(&writer, "sha256", slice_of(hex));
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
}

static bool bad(struct error *err, int64_t row, const char *field, const char *expected)
{
    return error_set(err, ERROR_CORRUPT,
                     (struct error_place){.source = "backup.json", .row = row, .field = field},
                     expected, "the manifest is not one of a backup");
}

/* Where a backup may write: below these, without a step upwards, an empty or a hidden part. */
bool backup_path_is_plain(struct slice path)
{
    static const char *const roots[] = {"policies/", "scenes/", "presence/", "photos/"};
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    char text[BACKUP_PATH_BYTES];
    if (path.length == 0 || path.length >= sizeof text)
        return false;
    memcpy(text, path.data, path.length);
    text[path.length] = '\0';
    if (strlen(text) != path.length || strspn(text, plain) != path.length ||
        strstr(text, "//") || strstr(text, "/.") || text[path.length - 1] == '/')
        return false;
    if (strcmp(text, "city") == 0 || strcmp(text, "city.db.sealed") == 0)
        return true;
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (strncmp(text, roots[i], strlen(roots[i])) == 0)
            return true;
    return false;
}

static bool from_hex(struct slice text, unsigned char out[32])
{
    size_t length;
    return text.length == 64 && sodium_hex2bin(out, 32, text.data, text.length, NULL, &length,
                                               NULL) == 0 && length == 32;
}

static bool parse_file(json_t *entry, int64_t row, struct backup_file *file, struct error *err)
{
    struct json_place place = {.source = "backup.json", .row = row, .required = true};
    static const char *const keys[] = {"path", "bytes", "sha256", NULL};
    struct slice path, digest;
    if (!json_only_fields(entry, keys, place, err) ||
        !json_text(entry, "path", place, &path, err) ||
        !json_int64(entry, "bytes", place, 0, INT64_MAX, &file->bytes, err) ||
        !json_text(entry, "sha256", place, &digest, err))
        return false;
    if (!backup_path_is_plain(path))
        return bad(err, row, "path", "a file of a backup below its directory");
    text_copy(file->path, sizeof file->path, path);
    return from_hex(digest, file->digest) || bad(err, row, "sha256", "64 hexadecimal digits");
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct backup_file *)a)->path, ((const struct backup_file *)b)->path);
}

static bool parse_files(json_t *list, struct backup_manifest *manifest, struct error *err)
{
    size_t i;
    json_t *entry;
    if (!json_is_array(list) || json_array_size(list) > BACKUP_FILES_MAX)
        return bad(err, 0, "files", "a list of files");
    manifest->files = x_alloc(json_array_size(list) + 1, sizeof *manifest->files);
    json_array_foreach(list, i, entry)
    {
        if (!parse_file(entry, (int64_t)i + 1, &manifest->files[i], err))
            return false;
        manifest->file_count++;
    }
    if (manifest->file_count)
        qsort(manifest->files, manifest->file_count, sizeof *manifest->files, compare_files);
    bool database = false, city = false;
    for (size_t k = 0; k < manifest->file_count; k++) {
        if (k && compare_files(&manifest->files[k - 1], &manifest->files[k]) == 0)
            return bad(err, 0, "files", "each file once");
        database |= strcmp(manifest->files[k].path, "city.db.sealed") == 0;
        city |= strcmp(manifest->files[k].path, "city") == 0;
    }
    return (database && city) || bad(err, 0, "files", "city and city.db.sealed among them");
}

static bool parse(json_t *document, struct backup_manifest *manifest, struct error *err)
{
    static const char *const keys[] = {"format", "id",   "version", "made_at", "city_time",
                                       "keys",   "mirror", "files",   NULL};
    struct json_place place = {.source = "backup.json", .required = true};
    struct slice kind, id, version, keys_at, mirror;
    timestamp made;
    if (!json_only_fields(document, keys, place, err) ||
        !json_text(document, "format", place, &kind, err) ||
        !json_text(document, "id", place, &id, err) ||
        !json_text(document, "version", place, &version, err) ||
        !json_text(document, "keys", place, &keys_at, err) ||
        !json_text(document, "mirror", place, &mirror, err) ||
        !json_time(document, "made_at", place, &manifest->made_at, err) ||
        !json_time(document, "city_time", place, &manifest->city_time, err))
        return false;
    if (!slice_equal(kind, slice_of(format)))
        return bad(err, 0, "format", format);
    if (id.length >= sizeof manifest->id || keys_at.length >= sizeof manifest->keys ||
        mirror.length >= sizeof manifest->mirror)
        return bad(err, 0, "id", "names and paths of usual length");
    text_copy(manifest->id, sizeof manifest->id, id);
    text_copy(manifest->version, sizeof manifest->version, version);
    text_copy(manifest->keys, sizeof manifest->keys, keys_at);
    text_copy(manifest->mirror, sizeof manifest->mirror, mirror);
    return (backup_time(manifest->id, &made) ||
            bad(err, 0, "id", "the name of the key of a backup")) &&
           parse_files(json_object_get(document, "files"), manifest, err);
}

bool backup_manifest_parse(struct slice text, struct backup_manifest *ret_manifest,
                           struct error *err)
{
    json_t *document;
    if (!json_read(text, "backup.json", &document, err))
        return false;
    memset(ret_manifest, 0, sizeof *ret_manifest);
    bool done = parse(document, ret_manifest, err);
    json_decref(document);
    if (!done)
        backup_manifest_release(ret_manifest);
    return done;
}

bool keeping_check_manifest(struct slice json, struct error *err)
{
    struct backup_manifest *manifest = x_alloc(1, sizeof *manifest);
    bool done = backup_manifest_parse(json, manifest, err);
    if (done)
        backup_manifest_release(manifest);
    free(manifest);
    return done;
}

void backup_mac(struct slice manifest, const unsigned char key[KEY_BYTES],
                unsigned char out[BACKUP_MAC_BYTES])
{
    unsigned char mac_key[KEY_BYTES]; /* the key itself seals the database */
    static const char purpose[] = "manifest of a backup";
    hash_blake2b(mac_key, sizeof mac_key, purpose, sizeof purpose, key);
    hash_blake2b(out, BACKUP_MAC_BYTES, manifest.data, manifest.length, mac_key);
    sodium_memzero(mac_key, sizeof mac_key);
}

/* "backup-20220414t143000-0123abcd": the city's local time, and what tells two of one second
 * apart. */
bool backup_time(const char *key_name, timestamp *ret_time)
{
    char digits[7][5] = {{0}}, tail[9] = "";
    int end = 0;
    if (sscanf(key_name, "backup-%4[0-9]%2[0-9]%2[0-9]t%2[0-9]%2[0-9]%2[0-9]-%8[0-9a-f]%n",
               digits[0], digits[1], digits[2], digits[3], digits[4], digits[5], tail, &end) != 7 ||
        key_name[end] || strlen(tail) != 8)
        return false;
    char text[TIME_TEXT_BYTES];
    snprintf(text, sizeof text, "%s-%s-%sT%s:%s:%s+08:00", digits[0], digits[1], digits[2],
             digits[3], digits[4], digits[5]);
    return time_parse(slice_of(text), ret_time);
}
