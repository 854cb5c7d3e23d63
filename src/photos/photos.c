/* Taking and giving back.
 *
 *   absent ──file written, synced──► file alone ──row committed──► kept ──► answered
 *                                        └ a crash: unreadable, swept later (forget.c)
 *
 * The row is what counts. Two who send the same bytes at once each write a file of its own name (it
 * hangs on the photo's own key); who comes second to the row removes the own file again. */
#include <sodium.h>
#include <stdlib.h>

#include "photos/photos_internal.h"
#include "policy/policy.h"

static const struct sql_text photo_by_name = {
    "photo_by_name", "SELECT " PHOTO_COLUMNS " FROM photo WHERE name = ?1", "photo_by_name"};
static const struct sql_text photo_number = {
    "photo_number", "SELECT photo_no FROM photo WHERE name = ?1", "photo_by_name"};
static const struct sql_text photo_last = {"photo_last", "SELECT max(photo_no) FROM photo",
                                           "primary key"};
static const struct sql_text photo_insert = {
    "photo_insert",
    "INSERT INTO photo (photo_no, name, file, form, bytes, unnamed_at, secret)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    "primary key"};
static const struct sql_text photo_mend = {
    "photo_mend", "UPDATE photo SET file = ?2, secret = ?3 WHERE photo_no = ?1", "primary key"};
static const struct sql_text photo_touch = {
    "photo_touch",
    "UPDATE photo SET unnamed_at = ?2 WHERE photo_no = ?1 AND unnamed_at IS NOT NULL",
    "primary key"};
static const struct sql_text photo_named = {
    "photo_named", "UPDATE photo SET unnamed_at = NULL WHERE photo_no = ?1", "primary key"};
static const struct sql_text photo_unnamed = {
    "photo_unnamed", "UPDATE photo SET unnamed_at = 0 WHERE photo_no = ?1", "primary key"};
static const struct sql_text sender_put = {
    "photo_sender_put", "INSERT OR IGNORE INTO photo_sender (photo_no, user_no) VALUES (?1, ?2)",
    "primary key"};
static const struct sql_text sender_select = {
    "photo_sender", "SELECT 1 FROM photo_sender WHERE photo_no = ?1 AND user_no = ?2",
    "primary key"};
/* The keys, for a rotation of the key that they lie under. */
static const struct sql_text secret_block = {
    "photo_secret_block",
    "SELECT photo_no, secret FROM photo WHERE photo_no > ?1 ORDER BY photo_no LIMIT ?2",
    "primary key"};
static const struct sql_text secret_replace = {
    "photo_secret_replace", "UPDATE photo SET secret = ?2 WHERE photo_no = ?1", "primary key"};

const struct sql_list photo_statements = SQL_LIST(
    &photo_by_name, &photo_number, &photo_last, &photo_insert, &photo_mend, &photo_touch,
    &photo_named, &photo_unnamed, &sender_put, &sender_select, &secret_block, &secret_replace);

const struct cipher_column photo_ciphers[PHOTO_CIPHERS] = {
    {"photo.secret", KEY_IDENTITY, CIPHER_PHOTO, &secret_block, &secret_replace},
};

/* ---- Rows */

static bool damaged(int64_t no, const char *what, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "photo", .row = no},
                     "what this program wrote", "%s", what);
}

bool photo_of_row(struct sql *sql, struct sql_query *query, struct photo *ret_photo,
                  struct error *err)
{
    struct slice name = sql_get_blob(query, 1), file = sql_get_blob(query, 2), key;
    struct arena arena;
    *ret_photo = (struct photo){.no = sql_get_int(query, 0),
                                .form = (enum photo_form)sql_get_int(query, 3),
                                .bytes = sql_get_int(query, 4)};
    if (name.length != PHOTO_NAME_BYTES || file.length != PHOTO_NAME_BYTES ||
        ret_photo->form >= PHOTO_FORMS || ret_photo->bytes < 0 ||
        ret_photo->bytes > PHOTO_BYTES_MAX)
        return damaged(ret_photo->no, "names, form or length that no photo has", err);
    memcpy(ret_photo->name, name.data, name.length);
    memcpy(ret_photo->file, file.data, file.length);
    arena_init(&arena, 1 << 16);
    bool done = field_decrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_PHOTO | ret_photo->no,
                              sql_get_blob(query, 5), &arena, &key, err);
    if (done && key.length != KEY_BYTES)
        done = damaged(ret_photo->no, "its key has not the length of one", err);
    if (done)
        memcpy(ret_photo->key, key.data, KEY_BYTES);
    arena_release(&arena);
    return done;
}

/* ret_photo->no is 0 where there is none. */
static bool photo_select(struct sql *sql, const unsigned char name[PHOTO_NAME_BYTES],
                         struct photo *ret_photo, struct error *err)
{
    struct sql_query *query;
    bool row;
    *ret_photo = (struct photo){.no = 0};
    if (!sql_begin(sql, &photo_by_name,
                   SQL_ARGUMENTS(sql_blob(photo_bytes(name, PHOTO_NAME_BYTES))), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    bool done = photo_of_row(sql, query, ret_photo, err);
    sql_end(query);
    return done;
}

bool photo_find(struct sql *sql, const unsigned char digest[PHOTO_DIGEST_BYTES], int64_t *ret_no,
                struct error *err)
{
    unsigned char name[PHOTO_NAME_BYTES];
    photo_name(sql_keys(sql), digest, name);
    return sql_one_int(sql, &photo_number, SQL_ARGUMENTS(sql_blob(photo_bytes(name, sizeof name))),
                       0, ret_no, err);
}

bool photo_was_sent_by(struct sql *sql, int64_t photo_no, int64_t user_no, bool *ret_was,
                       struct error *err)
{
    int64_t found;
    if (!sql_one_int(sql, &sender_select, SQL_ARGUMENTS(sql_int(photo_no), sql_int(user_no)), 0,
                     &found, err))
        return false;
    *ret_was = found != 0;
    return true;
}

bool photo_keep(struct sql *sql, int64_t photo_no, struct error *err)
{
    return sql_run(sql, &photo_named, SQL_ARGUMENTS(sql_int(photo_no)), err);
}

bool photo_let_go(struct sql *sql, int64_t photo_no, struct error *err)
{
    return sql_run(sql, &photo_unnamed, SQL_ARGUMENTS(sql_int(photo_no)), err);
}

/* ---- Taking */

struct taking {
    unsigned char name[PHOTO_NAME_BYTES];
    int64_t user_no;
    struct photo kept;    /* the row that is there; no 0: none */
    struct photo written; /* our own file */
    bool used;            /* it became the row's */
};

static bool note_sender(struct sql *sql, int64_t photo_no, int64_t user_no, struct error *err)
{
    return sql_run(sql, &photo_touch, SQL_ARGUMENTS(sql_int(photo_no), sql_int(sql_now(sql))),
                   err) &&
           sql_run(sql, &sender_put, SQL_ARGUMENTS(sql_int(photo_no), sql_int(user_no)), err);
}

static bool look_job(struct sql *sql, void *context, struct error *err)
{
    struct taking *taking = context;
    return photo_select(sql, taking->name, &taking->kept, err) &&
           (!taking->kept.no || note_sender(sql, taking->kept.no, taking->user_no, err));
}

static struct slice seal_key(struct sql *sql, const struct photo *photo, struct arena *arena)
{
    return field_encrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_PHOTO | photo->no,
                         photo_bytes(photo->key, KEY_BYTES), arena);
}

static bool insert(struct sql *sql, struct taking *taking, struct arena *arena, struct error *err)
{
    struct photo *written = &taking->written;
    if (!sql_one_int(sql, &photo_last, NULL, 0, 0, &written->no, err))
        return false;
    written->no++; /* jobs run one after another: nobody else takes it */
    return sql_run(sql, &photo_insert,
                   SQL_ARGUMENTS(sql_int(written->no),
                                 sql_blob(photo_bytes(taking->name, PHOTO_NAME_BYTES)),
                                 sql_blob(photo_bytes(written->file, PHOTO_NAME_BYTES)),
                                 sql_int(written->form), sql_int(written->bytes),
                                 sql_int(sql_now(sql)), sql_blob(seal_key(sql, written, arena))),
                   err);
}

/* Whoever was there first stays; the row of a damaged file gets ours. */
static bool put_job(struct sql *sql, void *context, struct error *err)
{
    struct taking *taking = context;
    struct photo *written = &taking->written, there;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    bool done = photo_select(sql, taking->name, &there, err);
    taking->used = !there.no;
    if (done && !there.no) {
        done = insert(sql, taking, &arena, err);
    } else if (done && taking->kept.no == there.no &&
               memcmp(taking->kept.file, there.file, sizeof there.file) == 0) {
        written->no = there.no;
        taking->used = true;
        done = sql_run(sql, &photo_mend,
                       SQL_ARGUMENTS(sql_int(there.no),
                                     sql_blob(photo_bytes(written->file, PHOTO_NAME_BYTES)),
                                     sql_blob(seal_key(sql, written, &arena))),
                       err);
    }
    done = done && note_sender(sql, there.no ? there.no : written->no, taking->user_no, err);
    arena_release(&arena);
    sodium_memzero(there.key, sizeof there.key);
    return done;
}

/* Whether the file of the row that is there can be read. What cannot be read for another reason
 * than damage is a failure. */
static bool is_whole(struct photos *photos, const struct photo *kept, bool *ret_whole,
                     struct error *err)
{
    struct buffer bytes;
    buffer_init(&bytes, PHOTO_BYTES_MAX);
    *ret_whole = photo_read_file(photos, kept, &bytes, err);
    buffer_release(&bytes);
    return *ret_whole || err->code == ERROR_CORRUPT;
}

/* A file that no row knows; what cannot be removed now is swept later. */
static void drop_file(struct photos *photos, const struct photo *photo)
{
    struct error err;
    if (!photo_remove_file(photos, photo->file, &err))
        atomic_store(&photos->leftovers, true);
}

static bool put(struct photos *photos, struct taking *taking, struct slice bytes,
                const unsigned char digest[PHOTO_DIGEST_BYTES], struct error *err)
{
    if (!photo_write_file(photos, digest, bytes, &taking->written, err))
        return false;
    bool done = fault_at(FAULT_POINT_after_photo_written, err) &&
                store_write(photos->platform->store, put_job, taking, err);
    if (!done || !taking->used)
        drop_file(photos, &taking->written);
    if (done && taking->used && taking->kept.no) /* what is left of the damaged one */
        drop_file(photos, &taking->kept);
    return done;
}

bool photos_take(struct photos *photos, struct slice bytes, int64_t user_no,
                 unsigned char ret_digest[PHOTO_DIGEST_BYTES], bool *ret_new, struct error *err)
{
    struct store *store = photos->platform->store;
    struct taking taking = {.user_no = user_no};
    struct error_place place = {.source = "body"};
    unsigned char digest[PHOTO_DIGEST_BYTES];
    char expected[80];
    bool whole = false;
    if (!store_refuse_sunset(store, err))
        return false;
    snprintf(expected, sizeof expected, "at most %lld bytes", (long long)photos->bytes_max);
    if (bytes.length > (size_t)photos->bytes_max)
        return error_set(err, ERROR_TOO_LARGE, place, expected, "the photo is too large");
    if (!photo_form_of(bytes, &taking.written.form))
        return error_set(err, ERROR_BAD_VALUE, place, "a JPEG, PNG or WebP file",
                         "the bytes begin as none of them");
    photo_digest(bytes, digest);
    photo_name(store_keys(store), digest, taking.name);
    bool done = store_write(store, look_job, &taking, err) &&
                (!taking.kept.no || is_whole(photos, &taking.kept, &whole, err)) &&
                (whole || put(photos, &taking, bytes, digest, err));
    if (done) {
        *ret_new = !taking.kept.no && taking.used;
        memcpy(ret_digest, digest, sizeof digest);
    }
    sodium_memzero(&taking, sizeof taking);
    return done;
}

/* ---- Giving back */

bool photos_read(struct photos *photos, const unsigned char digest[PHOTO_DIGEST_BYTES],
                 struct buffer *out, enum photo_form *ret_form, struct error *err)
{
    struct store *store = photos->platform->store;
    unsigned char name[PHOTO_NAME_BYTES], found[PHOTO_DIGEST_BYTES];
    struct photo photo;
    struct sql *sql;
    photo_name(store_keys(store), digest, name);
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = photo_select(sql, name, &photo, err);
    store_read_end(store, sql);
    if (done && !photo.no)
        done = error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "digest"},
                         "a photo of a loop of yours", "there is none of that digest");
    done = done && photo_read_file(photos, &photo, out, err);
    if (done) {
        photo_digest(buffer_slice(out), found);
        done = memcmp(found, digest, sizeof found) == 0 ||
               damaged(photo.no, "the file is another photo's", err);
        *ret_form = photo.form;
    }
    sodium_memzero(photo.key, sizeof photo.key);
    return done;
}

/* ---- The room */

static bool read_policy(json_t *document, struct photos *photos, struct error *err)
{
    static const char *const sections[] = {"numbers", NULL};
    static const struct number_form forms[] = {{"bytes_max", 1 << 16, PHOTO_BYTES_MAX},
                                               {"unnamed_hours", 1, 24}};
    struct json_place place = {.source = "photos.yaml"};
    int64_t numbers[2];
    if (!json_only_fields(document, sections, place, err) ||
        !policy_numbers_read(json_object_get(document, "numbers"), place.source, forms, 2, numbers,
                             err))
        return false;
    photos->bytes_max = numbers[0];
    photos->unnamed_hours = numbers[1];
    return true;
}

bool photos_open(struct platform *platform, struct photos **ret_photos, struct error *err)
{
    json_t *document;
    if (!policy_document_read(store_directory_fd(platform->store), "policies/photos.yaml",
                              &document, err))
        return false;
    struct photos *photos = x_alloc(1, sizeof *photos);
    photos->platform = platform;
    atomic_init(&photos->leftovers, true); /* of whoever had the directory before */
    bool done = read_policy(document, photos, err);
    json_decref(document);
    if (!done) {
        free(photos);
        return false;
    }
    pthread_mutex_init(&photos->removing, NULL);
    *ret_photos = photos;
    return true;
}

struct photo_limits photos_limits(const struct photos *photos)
{
    return (struct photo_limits){photos->bytes_max, photos->unnamed_hours};
}

void photos_close(struct photos *photos)
{
    if (!photos)
        return;
    pthread_mutex_destroy(&photos->removing);
    free(photos);
}
