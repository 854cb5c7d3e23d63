/* Inside the photos room only. */
#ifndef CHENGMAI_PHOTOS_INTERNAL_H
#define CHENGMAI_PHOTOS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "photos/photos.h"

enum { PHOTO_NAME_BYTES = BLIND_INDEX_BYTES, PHOTO_PATH_BYTES = 64 };

struct photos {
    struct platform *platform;
    int64_t bytes_max, unnamed_hours; /* fixed after opening */
    pthread_mutex_t removing;         /* held while photos go, and while they must not */
    atomic_bool leftovers;            /* files without a row may lie there: see forget.c */
};

/* Rows of ciphers under KEY_IDENTITY: the upper half of the numbers that acts of loops do not
 * reach (loops_internal.h). */
#define CIPHER_PHOTO ((int64_t)5 << 60 | (int64_t)1 << 59)

/* A photo's row, its key opened. */
struct photo {
    int64_t no, bytes;
    enum photo_form form;
    unsigned char name[PHOTO_NAME_BYTES], file[PHOTO_NAME_BYTES], key[KEY_BYTES];
};
/* From the columns photo_no, name, file, form, bytes, secret of the present row. */
bool photo_of_row(struct sql *sql, struct sql_query *query, struct photo *ret_photo,
                  struct error *err) MUST_USE;
#define PHOTO_COLUMNS "photo_no, name, file, form, bytes, secret"

/* "photos/ab/abcd…" */
void photo_path(const unsigned char file[PHOTO_NAME_BYTES], char out[PHOTO_PATH_BYTES]);
/* What a digest is known by in SQL. */
void photo_name(const struct keys *keys, const unsigned char digest[PHOTO_DIGEST_BYTES],
                unsigned char out[PHOTO_NAME_BYTES]);
/* Draws a key, encrypts and writes the file, durably; `photo` gets key, file, bytes and form. */
bool photo_write_file(struct photos *photos, const unsigned char digest[PHOTO_DIGEST_BYTES],
                      struct slice bytes, struct photo *photo, struct error *err) MUST_USE;
/* Decrypts the file into `out`. ERROR_CORRUPT where it is not there or not what was written. */
bool photo_read_file(struct photos *photos, const struct photo *photo, struct buffer *out,
                     struct error *err) MUST_USE;
/* The file goes; one that is not there is done. */
bool photo_remove_file(struct photos *photos, const unsigned char file[PHOTO_NAME_BYTES],
                       struct error *err) MUST_USE;
static inline struct slice photo_bytes(const unsigned char *bytes, size_t length)
{
    return (struct slice){(const char *)bytes, length};
}

extern const struct sql_list photo_statements, photo_forget_statements, photo_verify_statements;
enum { PHOTO_CIPHERS = 1 };
extern const struct cipher_column photo_ciphers[PHOTO_CIPHERS];

#endif
