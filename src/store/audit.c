/* The audit chain: hash_n = BLAKE2b(hash_{n-1} | all columns of record n, length-prefixed). */
#include "store/audit.h"

#include <sodium.h>

#include "store/store_internal.h"

enum { CHAIN_HASH_BYTES = AUDIT_HASH_BYTES };

static const struct sql_text audit_select_last = {
    "audit_select_last", "SELECT no, hash FROM audit WHERE no = (SELECT max(no) FROM audit)",
    "primary key"};
static const struct sql_text audit_insert = {
    "audit_insert",
    "INSERT INTO audit (no, real_at, city_at, actor, act, purpose, subject_no, row_count, fields,"
    " hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    "primary key"};
static const struct sql_text audit_select_from = {
    "audit_select_from",
    "SELECT no, real_at, city_at, actor, act, purpose, subject_no, row_count, fields, hash"
    " FROM audit WHERE no >= ?1 AND no <= ?2 ORDER BY no",
    "primary key"};

static const struct sql_text head_select_last = {
    "audit_head_select_last",
    "SELECT no, real_at, hash, signature, public_key FROM audit_head"
    " WHERE no = (SELECT max(no) FROM audit_head)",
    "primary key"};
static const struct sql_text head_insert = {
    "audit_head_insert",
    "INSERT INTO audit_head (no, real_at, hash, signature, public_key)"
    " VALUES (?1, ?2, ?3, ?4, ?5)",
    "primary key"};
static const struct sql_text head_select_all = {
    "audit_head_select_all",
    "SELECT h.no, h.real_at, h.hash, h.signature, h.public_key, a.hash FROM audit_head h"
    " LEFT JOIN audit a ON a.no = h.no ORDER BY h.no",
    "whole table, streamed"};

const struct sql_list audit_statements =
    SQL_LIST(&audit_select_last, &audit_insert, &audit_select_from, &head_select_last, &head_insert,
             &head_select_all);

struct audit_record {
    int64_t no, real_at, city_at;
    struct audit_entry entry;
};

static void put_int(struct buffer *buffer, int64_t value)
{
    buffer_append(buffer, &value, sizeof value);
}

static void put_text(struct buffer *buffer, struct slice text)
{
    put_int(buffer, (int64_t)text.length);
    buffer_append(buffer, text.data, text.length);
}

static void chain_hash(const unsigned char *previous, const struct audit_record *record,
                       unsigned char out[CHAIN_HASH_BYTES])
{
    struct buffer bytes;
    buffer_init(&bytes, 1 << 20);
    buffer_append(&bytes, previous, CHAIN_HASH_BYTES);
    put_int(&bytes, record->no);
    put_int(&bytes, record->real_at);
    put_int(&bytes, record->city_at);
    put_text(&bytes, record->entry.actor);
    put_text(&bytes, record->entry.act);
    put_text(&bytes, record->entry.purpose);
    put_int(&bytes, record->entry.subject_no);
    put_int(&bytes, record->entry.count);
    put_text(&bytes, record->entry.fields);
    REQUIRE(!bytes.overflow);
    hash_blake2b(out, CHAIN_HASH_BYTES, bytes.data, bytes.length, NULL);
    buffer_release(&bytes);
}

/* Number and hash of the last record; 0 and zeros where there is none. */
static bool last_record(struct sql *sql, int64_t *ret_no, unsigned char hash[CHAIN_HASH_BYTES],
                        struct error *err)
{
    struct sql_query *query;
    bool row;
    memset(hash, 0, CHAIN_HASH_BYTES);
    *ret_no = 0;
    if (!sql_begin(sql, &audit_select_last, NULL, 0, &query, err) || !sql_next(query, &row, err))
        return false;
    if (row) {
        struct slice stored = sql_get_blob(query, 1);
        *ret_no = sql_get_int(query, 0);
        if (stored.length == CHAIN_HASH_BYTES)
            memcpy(hash, stored.data, CHAIN_HASH_BYTES);
    }
    sql_end(query);
    return true;
}

static struct slice or_empty(struct slice text)
{
    return text.data ? text : SLICE("");
}

bool audit_append(struct sql *sql, const struct audit_entry *entry, timestamp city_now,
                  struct error *err)
{
    unsigned char previous[CHAIN_HASH_BYTES], hash[CHAIN_HASH_BYTES];
    struct audit_record record = {.real_at = world_real_now(),
                                  .city_at = city_now,
                                  .entry = {or_empty(entry->actor), or_empty(entry->act),
                                            or_empty(entry->purpose), entry->subject_no,
                                            entry->count, or_empty(entry->fields)}};
    if (!last_record(sql, &record.no, previous, err))
        return false;
    record.no++;
    chain_hash(previous, &record, hash);
    return sql_run(sql, &audit_insert,
                   SQL_ARGUMENTS(sql_int(record.no), sql_int(record.real_at),
                                 sql_int(record.city_at), sql_text(record.entry.actor),
                                 sql_text(record.entry.act), sql_text(record.entry.purpose),
                                 sql_int(record.entry.subject_no), sql_int(record.entry.count),
                                 sql_text(record.entry.fields),
                                 sql_blob((struct slice){(const char *)hash, sizeof hash})),
                   err);
}

bool audit_newest(struct sql *sql, int64_t *ret_no, struct error *err)
{
    unsigned char hash[CHAIN_HASH_BYTES];
    return last_record(sql, ret_no, hash, err);
}

bool audit_verify(struct sql *sql, int64_t from, int64_t last, int64_t *ret_broken,
                  int64_t *ret_count, struct error *err)
{
    bool anchored = from <= 1; /* else the first row read only gives the hash to start from */
    int64_t expected = anchored ? 1 : from - 1;
    int64_t first = anchored ? INT64_MIN : expected; /* nothing may stand before the first */
    unsigned char previous[CHAIN_HASH_BYTES] = {0}, hash[CHAIN_HASH_BYTES];
    struct sql_query *query;
    *ret_broken = *ret_count = 0;
    if (!sql_begin(sql, &audit_select_from, SQL_ARGUMENTS(sql_int(first), sql_int(last)), &query,
                   err))
        return false;
    for (bool row;; expected++) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        struct audit_record record = {.no = sql_get_int(query, 0),
                                      .real_at = sql_get_int(query, 1),
                                      .city_at = sql_get_int(query, 2),
                                      .entry = {sql_get_text(query, 3), sql_get_text(query, 4),
                                                sql_get_text(query, 5), sql_get_int(query, 6),
                                                sql_get_int(query, 7), sql_get_text(query, 8)}};
        struct slice stored = sql_get_blob(query, 9);
        chain_hash(previous, &record, hash);
        bool whole = record.no == expected && stored.length == sizeof hash &&
                     (!anchored || memcmp(stored.data, hash, sizeof hash) == 0);
        if (!whole) {
            *ret_broken = expected;
            sql_end(query);
            return true;
        }
        memcpy(previous, stored.data, sizeof previous);
        *ret_count += anchored;
        anchored = true;
    }
}

/* ---- Heads */

/* What is signed: "chengmai audit head" | number | real time | hash. */
enum { HEAD_TEXT_BYTES = 19 + 2 * 8 + AUDIT_HASH_BYTES };

static void head_text(const struct audit_head *head, unsigned char out[HEAD_TEXT_BYTES])
{
    memcpy(out, "chengmai audit head", 19);
    memcpy(out + 19, &head->no, 8);
    memcpy(out + 27, &head->real_at, 8);
    memcpy(out + 35, head->hash, AUDIT_HASH_BYTES);
}

static bool take_bytes(struct sql_query *query, int column, unsigned char *out, size_t size)
{
    struct slice blob = sql_get_blob(query, column);
    bool fits = blob.length == size;
    if (fits)
        memcpy(out, blob.data, size);
    else
        memset(out, 0, size);
    return fits;
}

static bool take_head(struct sql_query *query, struct audit_head *head)
{
    head->no = sql_get_int(query, 0);
    head->real_at = sql_get_int(query, 1);
    bool whole = take_bytes(query, 2, head->hash, sizeof head->hash);
    whole &= take_bytes(query, 3, head->signature, sizeof head->signature);
    return take_bytes(query, 4, head->public_key, sizeof head->public_key) && whole;
}

bool audit_head_last(struct sql *sql, struct audit_head *ret_head, bool *ret_found,
                     struct error *err)
{
    struct sql_query *query;
    *ret_head = (struct audit_head){0};
    if (!sql_begin(sql, &head_select_last, NULL, 0, &query, err) ||
        !sql_next(query, ret_found, err))
        return false;
    if (*ret_found) {
        take_head(query, ret_head);
        sql_end(query);
    }
    return true;
}

/* The signing key pair is a function of the audit key, under a name of its own. */
static void head_keys(const unsigned char *key, unsigned char *public_key, unsigned char *secret)
{
    unsigned char seed[crypto_sign_SEEDBYTES];
    static const char name[] = "audit head signing key";
    crypto_generichash(seed, sizeof seed, (const unsigned char *)name, sizeof name - 1, key, 32);
    crypto_sign_seed_keypair(public_key, secret, seed);
    sodium_memzero(seed, sizeof seed);
}

bool audit_head_sign(struct sql *sql, const unsigned char *key, struct error *err)
{
    struct audit_head last, head = {.real_at = world_real_now()};
    unsigned char secret[crypto_sign_SECRETKEYBYTES], text[HEAD_TEXT_BYTES];
    bool found;
    if (!audit_head_last(sql, &last, &found, err) || !last_record(sql, &head.no, head.hash, err))
        return false;
    if (head.no == last.no)
        return true;
    head_keys(key, head.public_key, secret);
    head_text(&head, text);
    crypto_sign_detached(head.signature, NULL, text, sizeof text, secret);
    sodium_memzero(secret, sizeof secret);
    return sql_run(
        sql, &head_insert,
        SQL_ARGUMENTS(
            sql_int(head.no), sql_int(head.real_at),
            sql_blob((struct slice){(const char *)head.hash, sizeof head.hash}),
            sql_blob((struct slice){(const char *)head.signature, sizeof head.signature}),
            sql_blob((struct slice){(const char *)head.public_key, sizeof head.public_key})),
        err);
}

bool audit_heads_verify(struct sql *sql, const unsigned char *key, int64_t *ret_broken,
                        int64_t *ret_count, struct error *err)
{
    struct sql_query *query;
    unsigned char own[AUDIT_PUBLIC_KEY_BYTES], secret[crypto_sign_SECRETKEYBYTES];
    head_keys(key, own, secret);
    sodium_memzero(secret, sizeof secret);
    *ret_broken = *ret_count = 0;
    if (!sql_begin(sql, &head_select_all, NULL, 0, &query, err))
        return false;
    for (bool row;;) {
        struct audit_head head;
        unsigned char text[HEAD_TEXT_BYTES], stored[AUDIT_HASH_BYTES];
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        bool whole = take_head(query, &head) && take_bytes(query, 5, stored, sizeof stored) &&
                     memcmp(stored, head.hash, sizeof stored) == 0 &&
                     memcmp(head.public_key, own, sizeof own) == 0;
        head_text(&head, text);
        if (!whole ||
            crypto_sign_verify_detached(head.signature, text, sizeof text, head.public_key) != 0) {
            *ret_broken = head.no;
            sql_end(query);
            return true;
        }
        ++*ret_count;
    }
}
