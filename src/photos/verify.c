/* Verifying: a photo's file opens with the key of its row, and its bytes have the digest and the
 * form that the row was made for. */
#include <sodium.h>
#include <stdlib.h>

#include "photos/photos_internal.h"

static const struct sql_text photo_count = {"photo_count", "SELECT count(*) FROM photo",
                                            "whole table"};
static const struct sql_text photo_highest = {"photo_highest", "SELECT max(photo_no) FROM photo",
                                              "primary key"};
static const struct sql_text photo_next = {
    "photo_next",
    "SELECT " PHOTO_COLUMNS " FROM photo WHERE photo_no > ?1 ORDER BY photo_no LIMIT 1",
    "primary key"};

const struct sql_list photo_verify_statements = SQL_LIST(&photo_count, &photo_highest, &photo_next);

/* *ret_found false after the last one. A row that cannot be read is wrong, not a failure. */
static bool next_photo(struct photos *photos, int64_t after, struct photo *ret_photo,
                       bool *ret_found, bool *ret_whole, struct error *err)
{
    struct sql_query *query;
    struct sql *sql;
    if (!store_read_begin(photos->platform->store, &sql, err))
        return false;
    *ret_whole = false;
    bool done = sql_begin(sql, &photo_next, SQL_ARGUMENTS(sql_int(after)), &query, err) &&
                sql_next(query, ret_found, err);
    if (done && *ret_found) {
        *ret_whole = photo_of_row(sql, query, ret_photo, err);
        sql_end(query);
        done = *ret_whole || err->code == ERROR_CORRUPT;
    }
    store_read_end(photos->platform->store, sql);
    return done;
}

/* *ret_words NULL where all is right. */
static bool check_file(struct photos *photos, const struct photo *photo, const char **ret_words,
                       struct error *err)
{
    unsigned char digest[PHOTO_DIGEST_BYTES], name[PHOTO_NAME_BYTES];
    enum photo_form form = PHOTO_FORMS;
    struct buffer bytes;
    *ret_words = NULL;
    buffer_init(&bytes, PHOTO_BYTES_MAX);
    bool done = photo_read_file(photos, photo, &bytes, err);
    if (done) {
        photo_digest(buffer_slice(&bytes), digest);
        photo_name(store_keys(photos->platform->store), digest, name);
        if (memcmp(name, photo->name, sizeof name) != 0)
            *ret_words = "its file is another photo's";
        else if (!photo_form_of(buffer_slice(&bytes), &form) || form != photo->form)
            *ret_words = "its file has another form";
    } else if (err->code == ERROR_CORRUPT) {
        *ret_words = err->what;
        done = true;
    }
    buffer_release(&bytes);
    return done;
}

static void note_wrong(struct photos_verification *verification, int64_t no, const char *words)
{
    if (verification->wrong++ == 0)
        snprintf(verification->words, sizeof verification->words, "photo %lld: %.120s",
                 (long long)no, words);
}

/* The next one above *after. */
static bool look(struct photos *photos, int64_t *after, bool *ret_found,
                 struct photos_verification *verification, struct error *err)
{
    struct photo photo = {.no = 0};
    const char *words = NULL;
    bool whole;
    if (!next_photo(photos, *after, &photo, ret_found, &whole, err))
        return false;
    if (!*ret_found)
        return true;
    *after = photo.no;
    verification->looked++;
    if (!whole)
        note_wrong(verification, photo.no, err->what);
    else if (!check_file(photos, &photo, &words, err))
        return false;
    if (words)
        note_wrong(verification, photo.no, words);
    sodium_memzero(photo.key, sizeof photo.key);
    return true;
}

static bool read_counts(struct photos *photos, int64_t *ret_count, int64_t *ret_highest,
                        struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(photos->platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &photo_count, NULL, 0, 0, ret_count, err) &&
                sql_one_int(sql, &photo_highest, NULL, 0, 0, ret_highest, err);
    store_read_end(photos->platform->store, sql);
    return done;
}

bool photos_verify(struct photos *photos, int64_t limit,
                   struct photos_verification *ret_verification, struct error *err)
{
    struct photos_verification verification = {.count = 0};
    int64_t highest, after = 0;
    uint32_t drawn;
    bool found = true, wrapped = false;
    photos_hold(photos); /* none goes between its row and its file */
    bool done = read_counts(photos, &verification.count, &highest, err);
    world_random_bytes(&drawn, sizeof drawn);
    if (done && limit > 0 && verification.count > limit)
        after = (int64_t)drawn % highest;
    else
        wrapped = true;
    while (done && (limit == 0 || verification.looked < limit)) {
        done = look(photos, &after, &found, &verification, err);
        if (found)
            continue;
        if (wrapped)
            break;
        wrapped = true;
        after = 0;
    }
    photos_release(photos);
    if (done)
        *ret_verification = verification;
    return done;
}
