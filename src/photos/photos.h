/* photos: bytes that loops name by their digest. Here they are taken, kept encrypted, given back
 * and forgotten; which loop names which photo, and who may look at it, is the loops room's.
 *
 *   DIR/photos/ab/abcd…   magic 8 | nonce 24 | cipher | tag 16, under a key of the photo's own
 *   photo.secret          that key, under the class key of identity
 *
 * A photo whose row is gone is unreadable, whatever copy of its file is left. */
#ifndef CHENGMAI_PHOTOS_PHOTOS_H
#define CHENGMAI_PHOTOS_PHOTOS_H

#include "module/module.h"

/* PHOTO_BYTES_MAX: what the server lets through; policies/photos.yaml may say less. */
enum { PHOTO_DIGEST_BYTES = 32, PHOTO_DIGEST_TEXT = 65, PHOTO_BYTES_MAX = 16 << 20 };

/* The file's form, told by its first bytes. */
#define PHOTO_FORM_TABLE(X)                                                                        \
    X(PHOTO_JPEG, "image/jpeg")                                                                    \
    X(PHOTO_PNG, "image/png")                                                                      \
    X(PHOTO_WEBP, "image/webp")
enum photo_form {
#define X(id, type) id,
    PHOTO_FORM_TABLE(X)
#undef X
        PHOTO_FORMS
};
const char *photo_media_type(enum photo_form form);
/* False where the bytes begin as none of them. */
bool photo_form_of(struct slice bytes, enum photo_form *ret_form) MUST_USE;

struct photos;
/* Reads policies/photos.yaml, the city's own where it has one; refuses the whole file with its
 * field. The store and the policies are open in `platform`. */
bool photos_open(struct platform *platform, struct photos **ret_photos, struct error *err) MUST_USE;
void photos_close(struct photos *photos); /* accepts NULL */
/* What policies/photos.yaml says. */
struct photo_limits {
    int64_t bytes_max, unnamed_hours;
};
struct photo_limits photos_limits(const struct photos *photos);

/* BLAKE2b-256 of the bytes, and its 64 lower-case hexadecimal digits. */
void photo_digest(struct slice bytes, unsigned char out[PHOTO_DIGEST_BYTES]);
bool photo_digest_parse(struct slice text, unsigned char out[PHOTO_DIGEST_BYTES]) MUST_USE;

/* Takes a photo that this user sent. Durable when it returns, file and row. *ret_new is false where
 * the same bytes were kept already; then the hours of one that no loop names begin anew, and a file
 * that was lost or damaged is written again. ERROR_TOO_LARGE past the policy's limit,
 * ERROR_BAD_VALUE where it is none of the forms; nothing is left of what failed. */
bool photos_take(struct photos *photos, struct slice bytes, int64_t user_no,
                 unsigned char ret_digest[PHOTO_DIGEST_BYTES], bool *ret_new,
                 struct error *err) MUST_USE;
/* The bytes, decrypted and proved to be those of the digest, into `out` (empty before).
 * ERROR_NOT_FOUND where there is none; ERROR_CORRUPT where the file is not what was written. */
bool photos_read(struct photos *photos, const unsigned char digest[PHOTO_DIGEST_BYTES],
                 struct buffer *out, enum photo_form *ret_form, struct error *err) MUST_USE;

/* ---- For the room that names them; inside any read or job */

/* Its number; 0 where no such photo is kept. */
bool photo_find(struct sql *sql, const unsigned char digest[PHOTO_DIGEST_BYTES], int64_t *ret_no,
                struct error *err) MUST_USE;
bool photo_was_sent_by(struct sql *sql, int64_t photo_no, int64_t user_no, bool *ret_was,
                       struct error *err) MUST_USE;
/* Inside a job: a loop names it; the last loop that named it is gone: the next run takes it. */
bool photo_keep(struct sql *sql, int64_t photo_no, struct error *err) MUST_USE;
bool photo_let_go(struct sql *sql, int64_t photo_no, struct error *err) MUST_USE;

/* ---- Forgetting, copies, the end */

/* Removes the photos that no loop has named for the policy's hours; the first run, and one after
 * what could not be removed, also files of an hour and older that no row knows. *ret_count photos
 * went. Called hourly. */
bool photos_forget(struct photos *photos, int64_t *ret_count, struct error *err) MUST_USE;
/* While held, no photo that a row names is removed: from before the rows are copied until the files
 * are. */
void photos_hold(struct photos *photos);
void photos_release(struct photos *photos);
/* The end: all files, when the rows are gone already. Twice is done. */
bool photos_destroy(struct photos *photos, struct error *err) MUST_USE;

/* Opens photos and compares them with their rows: all, or `limit` (> 0) of them from a drawn one
 * on. */
struct photos_verification {
    int64_t count;  /* rows */
    int64_t looked; /* of them */
    int64_t wrong;
    char words[160]; /* of the first that is wrong; "" where none is */
};
bool photos_verify(struct photos *photos, int64_t limit,
                   struct photos_verification *ret_verification, struct error *err) MUST_USE;

extern const struct module photos_module;

#endif
