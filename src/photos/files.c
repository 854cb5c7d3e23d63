/* The file of a photo: a magic word, a nonce, and the bytes under a key that encrypts this file
 * alone. It is written aside, synced and renamed, and its folder is synced: whole or not at all.
 *
 *   magic 8 | nonce 24 | cipher | tag 16     the magic is authenticated with the rest */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "photos/photos_internal.h"

enum {
    MAGIC_BYTES = 8,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    HEAD_BYTES = MAGIC_BYTES + NONCE_BYTES,
    FILE_BYTES_MAX = HEAD_BYTES + PHOTO_BYTES_MAX + TAG_BYTES,
};
static const unsigned char magic[MAGIC_BYTES] = "CMPHOTO1";
_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "one key a file");

/* ---- Forms */

static const char *const media_types[PHOTO_FORMS] = {
#define X(id, type) [id] = type,
    PHOTO_FORM_TABLE(X)
#undef X
};

const char *photo_media_type(enum photo_form form)
{
    return media_types[form];
}

bool photo_form_of(struct slice bytes, enum photo_form *ret_form)
{
    static const struct {
        enum photo_form form;
        size_t at, length;
        const char *bytes;
    } beginnings[] = {
        {PHOTO_JPEG, 0, 3, "\xff\xd8\xff"},
        {PHOTO_PNG, 0, 8, "\x89PNG\r\n\x1a\n"},
        {PHOTO_WEBP, 8, 4, "WEBP"},
    };
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t end = beginnings[i].at + beginnings[i].length;
        if (bytes.length < end ||
            memcmp(bytes.data + beginnings[i].at, beginnings[i].bytes, beginnings[i].length) != 0 ||
            (beginnings[i].form == PHOTO_WEBP && memcmp(bytes.data, "RIFF", 4) != 0))
            continue;
        *ret_form = beginnings[i].form;
        return true;
    }
    return false;
}

/* ---- Names */

void photo_digest(struct slice bytes, unsigned char out[PHOTO_DIGEST_BYTES])
{
    hash_blake2b(out, PHOTO_DIGEST_BYTES, bytes.data, bytes.length, NULL);
}

bool photo_digest_parse(struct slice text, unsigned char out[PHOTO_DIGEST_BYTES])
{
    size_t length;
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] >= 'A' && text.data[i] <= 'F') /* one text a digest */
            return false;
    return text.length == 2 * PHOTO_DIGEST_BYTES &&
           sodium_hex2bin(out, PHOTO_DIGEST_BYTES, text.data, text.length, NULL, &length, NULL) ==
               0 &&
           length == PHOTO_DIGEST_BYTES;
}

void photo_name(const struct keys *keys, const unsigned char digest[PHOTO_DIGEST_BYTES],
                unsigned char out[PHOTO_NAME_BYTES])
{
    blind_index(keys, "photo", photo_bytes(digest, PHOTO_DIGEST_BYTES), out);
}

void photo_path(const unsigned char file[PHOTO_NAME_BYTES], char out[PHOTO_PATH_BYTES])
{
    char hex[2 * PHOTO_NAME_BYTES + 1];
    text_to_hex(file, PHOTO_NAME_BYTES, hex);
    snprintf(out, PHOTO_PATH_BYTES, "photos/%.2s/%s", hex, hex);
}

/* ---- Writing */

/* A folder that is durable below its own. */
static bool make_folder(int at, const char *path, const char *above, struct error *err)
{
    if (mkdirat(at, path, 0700) == 0)
        return file_sync_directory(at, above, err);
    return errno == EEXIST || error_set_errno(err, path, "create");
}

static bool make_folders(int at, const char *path, struct error *err)
{
    char folder[PHOTO_PATH_BYTES];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    return make_folder(at, "photos", ".", err) && make_folder(at, folder, "photos", err);
}

bool photo_write_file(struct photos *photos, const unsigned char digest[PHOTO_DIGEST_BYTES],
                      struct slice bytes, struct photo *photo, struct error *err)
{
    int at = store_directory_fd(photos->platform->store);
    char path[PHOTO_PATH_BYTES];
    unsigned long long length;
    REQUIRE(bytes.length <= PHOTO_BYTES_MAX);
    unsigned char *whole = x_try_alloc(1, HEAD_BYTES + bytes.length + TAG_BYTES);
    if (!whole)
        return error_set(err, ERROR_MEMORY, (struct error_place){.source = "photo"}, "a try later",
                         "no memory for it");
    photo->bytes = (int64_t)bytes.length;
    world_random_bytes(photo->key, sizeof photo->key);
    hash_blake2b(photo->file, sizeof photo->file, digest, PHOTO_DIGEST_BYTES, photo->key);
    photo_path(photo->file, path);
    memcpy(whole, magic, sizeof magic);
    world_random_bytes(whole + MAGIC_BYTES, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        whole + HEAD_BYTES, &length, (const unsigned char *)bytes.data, bytes.length, magic,
        sizeof magic, NULL, whole + MAGIC_BYTES, photo->key);
    REQUIRE(length == bytes.length + TAG_BYTES);
    bool done = make_folders(at, path, err) &&
                file_replace(at, path, whole, HEAD_BYTES + (size_t)length, err);
    free(whole);
    if (!done) /* renamed, and its folder not synced */
        (void)unlinkat(at, path, 0);
    return done;
}

/* ---- Reading */

static bool damaged(const char *path, const char *what, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, (struct error_place){.source = path},
                     "the photo as it was written: restore it from a backup, or send it again",
                     "%s", what);
}

static bool decrypt(const struct photo *photo, const struct buffer *whole, const char *path,
                    struct buffer *out, struct error *err)
{
    const unsigned char *data = (const unsigned char *)whole->data;
    unsigned long long length;
    if (whole->length != HEAD_BYTES + (size_t)photo->bytes + TAG_BYTES ||
        memcmp(data, magic, sizeof magic) != 0)
        return damaged(path, "the file is not of the photo's form or length", err);
    unsigned char *plain = x_try_alloc(1, (size_t)photo->bytes + 1);
    if (!plain)
        return error_set(err, ERROR_MEMORY, (struct error_place){.source = path}, "a try later",
                         "no memory for it");
    bool done = crypto_aead_xchacha20poly1305_ietf_decrypt(
                    plain, &length, NULL, data + HEAD_BYTES, whole->length - HEAD_BYTES, magic,
                    sizeof magic, data + MAGIC_BYTES, photo->key) == 0 ||
                damaged(path, "the file does not verify", err);
    if (done)
        buffer_append(out, plain, (size_t)length);
    sodium_memzero(plain, (size_t)photo->bytes);
    free(plain);
    return done;
}

bool photo_read_file(struct photos *photos, const struct photo *photo, struct buffer *out,
                     struct error *err)
{
    char path[PHOTO_PATH_BYTES];
    struct buffer whole;
    photo_path(photo->file, path);
    buffer_init(&whole, FILE_BYTES_MAX);
    bool done = file_read_whole(store_directory_fd(photos->platform->store), path, &whole, err);
    if (!done && err->code == ERROR_NOT_FOUND)
        (void)damaged(path, "the file is not there", err);
    done = done && decrypt(photo, &whole, path, out, err);
    buffer_release(&whole);
    return done;
}

bool photo_remove_file(struct photos *photos, const unsigned char file[PHOTO_NAME_BYTES],
                       struct error *err)
{
    char path[PHOTO_PATH_BYTES];
    photo_path(file, path);
    return unlinkat(store_directory_fd(photos->platform->store), path, 0) == 0 || errno == ENOENT ||
           error_set_errno(err, path, "remove");
}
