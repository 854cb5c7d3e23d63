/* Sealing evidence: writing the chain, and which numbers are evidence. Idea and invariants:
 * seal.h. */
#include "status/seal.h"

#include <sodium.h>
#include <stdlib.h>

#include "status/status_internal.h"

static const struct sql_text seal_select_back = {
    "evidence_seal_select_back",
    "SELECT " SEAL_COLUMNS " FROM evidence_seal ORDER BY seal_no DESC", "whole table, its end"};
static const struct sql_text seal_insert = {
    "evidence_seal_insert",
    "INSERT INTO evidence_seal (seal_no, kind, first_no, last_no, import_no, rows_hash, marks,"
    " hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    "primary key"};
static const struct sql_text gap_select = {
    "evidence_gap_select", "SELECT first_no, last_no FROM evidence_gap ORDER BY first_no",
    "whole table, mostly empty"};
static const struct sql_text gap_insert = {
    "evidence_gap_insert", "INSERT INTO evidence_gap (first_no, last_no) VALUES (?1, ?2)",
    "primary key"};
static const struct sql_text gap_insert_undone = {
    "evidence_gap_insert_undone",
    "INSERT INTO evidence_gap (first_no, last_no)"
    " SELECT first_no, last_no FROM evidence_seal WHERE import_no = ?1 AND import_no > 0"
    " AND kind = 0",
    "evidence_seal_by_import"};
static const struct sql_text highest_select = {
    "evidence_highest", "SELECT max(evidence_no) FROM evidence", "primary key"};
static const struct sql_text adopt_select = {
    "evidence_adopt",
    "SELECT " SEALED_COLUMNS " FROM evidence WHERE evidence_no BETWEEN 1 AND ?1"
    " ORDER BY evidence_no",
    "primary key"};

const struct sql_list seal_statements =
    SQL_LIST(&seal_select_back, &seal_insert, &gap_select, &gap_insert, &gap_insert_undone,
             &highest_select, &adopt_select);

static const char adopt_setting[] = "evidence_before_seals";
enum { FORGED_MAX = 1000 };

/* ---- Hashes */

struct seal_key seal_key_of(const struct sql *sql)
{
    static const char purpose[] = "chengmai: the seal of evidence";
    struct seal_key key;
    hash_blake2b(key.bytes, sizeof key.bytes, purpose, sizeof purpose - 1,
                 keys_of(sql_keys(sql), KEY_AUDIT));
    return key;
}

void sealed_row_read(struct sql_query *query, struct sealed_row *ret_row)
{
    for (int i = 0; i < SEALED_NUMBERS; i++)
        ret_row->numbers[i] = sql_get_time(query, i);
    for (int i = 0; i < SEALED_TEXTS; i++)
        ret_row->texts[i] = sql_get_text(query, SEALED_NUMBERS + i);
}

void sealed_row_digest(const struct seal_key *key, const struct sealed_row *row,
                       unsigned char out[SEAL_DIGEST_BYTES])
{
    unsigned char plain[SEALED_NUMBERS * 8 + SEALED_TEXTS * 8];
    int64_t lengths[SEALED_TEXTS];
    size_t texts = 0;
    for (int i = 0; i < SEALED_TEXTS; i++) {
        lengths[i] = row->texts[i].data ? (int64_t)row->texts[i].length : -1;
        texts += row->texts[i].data ? row->texts[i].length : 0;
    }
    memcpy(plain, row->numbers, sizeof row->numbers);
    memcpy(plain + sizeof row->numbers, lengths, sizeof lengths);
    if (!texts) {
        hash_blake2b(out, SEAL_DIGEST_BYTES, plain, sizeof plain, key->bytes);
        return;
    }
    struct buffer bytes;
    buffer_init(&bytes, sizeof plain + texts);
    buffer_append(&bytes, plain, sizeof plain);
    for (int i = 0; i < SEALED_TEXTS; i++)
        buffer_append(&bytes, row->texts[i].data, row->texts[i].data ? row->texts[i].length : 0);
    REQUIRE(!bytes.overflow);
    hash_blake2b(out, SEAL_DIGEST_BYTES, bytes.data, bytes.length, key->bytes);
    buffer_release(&bytes);
}

void seal_hash(const struct seal_key *key, const unsigned char previous[SEAL_HASH_BYTES],
               const struct seal *seal, unsigned char out[SEAL_HASH_BYTES])
{
    struct {
        unsigned char previous[SEAL_HASH_BYTES];
        int64_t numbers[5];
        unsigned char rows[SEAL_DIGEST_BYTES];
    } plain = {.numbers = {seal->no, seal->kind, seal->first_no, seal->last_no, seal->import_no}};
    _Static_assert(sizeof plain == SEAL_HASH_BYTES + 40 + SEAL_DIGEST_BYTES, "no padding");
    memcpy(plain.previous, previous, sizeof plain.previous);
    memcpy(plain.rows, seal->rows_hash, sizeof plain.rows);
    hash_blake2b(out, SEAL_HASH_BYTES, &plain, sizeof plain, key->bytes);
}

bool seal_read(struct sql_query *query, struct seal *ret_seal)
{
    struct slice rows = sql_get_blob(query, 5), hash = sql_get_blob(query, 6);
    *ret_seal = (struct seal){.no = sql_get_int(query, 0),
                              .kind = sql_get_int(query, 1),
                              .first_no = sql_get_int(query, 2),
                              .last_no = sql_get_int(query, 3),
                              .import_no = sql_get_int(query, 4)};
    if (rows.length != SEAL_DIGEST_BYTES || hash.length != SEAL_HASH_BYTES)
        return false;
    memcpy(ret_seal->rows_hash, rows.data, SEAL_DIGEST_BYTES);
    memcpy(ret_seal->hash, hash.data, SEAL_HASH_BYTES);
    return true;
}

static bool is_authentic(const struct seal_key *key, const struct seal *seal,
                         const struct seal *before)
{
    unsigned char hash[SEAL_HASH_BYTES];
    seal_hash(key, before->hash, seal, hash);
    return before->no == seal->no - 1 && sodium_memcmp(hash, seal->hash, sizeof hash) == 0;
}

bool seal_last(struct sql *sql, const struct seal_key *key, struct seal *ret_seal,
               int64_t *ret_forged, struct error *err)
{
    struct sql_query *query;
    struct seal seal = {0}, before;
    bool row, formed = false, before_formed;
    *ret_forged = 0;
    if (!sql_begin(sql, &seal_select_back, NULL, 0, &query, err))
        return false;
    for (bool first = true;; first = false, seal = before, formed = before_formed) {
        if (!sql_next(query, &row, err))
            return false;
        before = (struct seal){0};
        before_formed = row && seal_read(query, &before);
        if (formed && is_authentic(key, &seal, &before))
            break;
        *ret_forged += !first;
        if (!row) {
            seal = before;
            break;
        }
        if (*ret_forged == FORGED_MAX) {
            sql_end(query);
            return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "evidence_seal"},
                             "seals of this city's key", "the last 1000 seals are not ours");
        }
    }
    if (row)
        sql_end(query);
    *ret_seal = seal;
    return true;
}

/* ---- Writing */

/* Foreign rows stand after the last seal: their numbers are passed over, and it is told. */
static bool pass_over(struct evidence_sealer *sealer, int64_t highest, struct error *err)
{
    char payload[96];
    timestamp now = sql_now(sealer->sql);
    int64_t first = sealer->last.last_no + 1;
    int length = snprintf(payload, sizeof payload, "{\"first\":%lld,\"last\":%lld}",
                          (long long)first, (long long)highest);
    struct event event = {.kind = SLICE("evidence.foreign"),
                          .at = now,
                          .payload = {payload, (size_t)length}};
    struct audit_entry entry = {.actor = SLICE("system"),
                                .act = SLICE("evidence.foreign"),
                                .subject_no = 0,
                                .count = highest - first + 1,
                                .fields = {payload, (size_t)length}};
    if (highest > INT64_MAX - ((int64_t)1 << 40))
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "evidence"},
                         "numbers given by this program", "record %lld was put in behind the gate",
                         (long long)highest);
    sealer->first_no = highest + 1;
    return sql_run(sealer->sql, &gap_insert, SQL_ARGUMENTS(sql_int(first), sql_int(highest)),
                   err) &&
           event_emit(sealer->sql, &event, err) && audit_append(sealer->sql, &entry, now, err);
}

static bool take_last(struct evidence_sealer *sealer, struct error *err)
{
    int64_t forged;
    sealer->key = seal_key_of(sealer->sql);
    return seal_last(sealer->sql, &sealer->key, &sealer->last, &forged, err) &&
           (!forged ||
            error_set(err, ERROR_CORRUPT, (struct error_place){.source = "evidence_seal"},
                      "seals of this city's key: run `audit verify`", "%lld seals are not ours",
                      (long long)forged));
}

static bool begin(struct evidence_sealer *sealer, struct error *err)
{
    int64_t highest;
    if (!take_last(sealer, err) ||
        !sql_one_int(sealer->sql, &highest_select, NULL, 0, 0, &highest, err))
        return false;
    sealer->first_no = sealer->last.last_no + 1;
    if (highest > sealer->last.last_no && !pass_over(sealer, highest, err))
        return false;
    buffer_init(&sealer->digests, SEAL_ROWS_MAX * SEAL_DIGEST_BYTES);
    sealer->count = 0;
    sealer->begun = true;
    return true;
}

bool evidence_seal_next(struct evidence_sealer *sealer, int64_t *ret_no, struct error *err)
{
    if (!sealer->begun && !begin(sealer, err))
        return false;
    *ret_no = sealer->first_no + sealer->count;
    return true;
}

static struct slice bytes_of(const void *data, size_t length)
{
    return (struct slice){data, length};
}

static bool insert_seal(struct evidence_sealer *sealer, struct seal *seal, struct slice marks,
                        struct error *err)
{
    seal->no = sealer->last.no + 1;
    seal_hash(&sealer->key, sealer->last.hash, seal, seal->hash);
    if (!sql_run(sealer->sql, &seal_insert,
                 SQL_ARGUMENTS(sql_int(seal->no), sql_int(seal->kind), sql_int(seal->first_no),
                               sql_int(seal->last_no), sql_int(seal->import_no),
                               sql_blob(bytes_of(seal->rows_hash, sizeof seal->rows_hash)),
                               sql_blob(marks), sql_blob(bytes_of(seal->hash, sizeof seal->hash))),
                 err))
        return false;
    sealer->last = *seal;
    return true;
}

/* A seal of one row needs no mark to name it. */
static bool seal_run(struct evidence_sealer *sealer, struct error *err)
{
    struct seal seal = {.kind = SEAL_ROWS,
                        .first_no = sealer->first_no,
                        .last_no = sealer->first_no + sealer->count - 1,
                        .import_no = sealer->import_no};
    size_t count = sealer->count > 1 ? (size_t)sealer->count : 0;
    char *marks = x_alloc(count + 1, SEAL_MARK_BYTES);
    for (size_t i = 0; i < count; i++)
        memcpy(marks + i * SEAL_MARK_BYTES, sealer->digests.data + i * SEAL_DIGEST_BYTES,
               SEAL_MARK_BYTES);
    hash_blake2b(seal.rows_hash, sizeof seal.rows_hash, sealer->digests.data,
                 sealer->digests.length, sealer->key.bytes);
    bool done = insert_seal(sealer, &seal, bytes_of(marks, count * SEAL_MARK_BYTES), err);
    free(marks);
    sealer->first_no += sealer->count;
    sealer->count = 0;
    buffer_clear(&sealer->digests);
    return done;
}

bool evidence_seal_row(struct evidence_sealer *sealer, const struct sealed_row *row,
                       struct error *err)
{
    unsigned char digest[SEAL_DIGEST_BYTES];
    REQUIRE(sealer->begun && row->numbers[0] == sealer->first_no + sealer->count);
    sealed_row_digest(&sealer->key, row, digest);
    buffer_append(&sealer->digests, digest, sizeof digest);
    sealer->count++;
    return sealer->count < SEAL_ROWS_MAX || seal_run(sealer, err);
}

bool evidence_seal_end(struct evidence_sealer *sealer, struct error *err)
{
    bool done = !sealer->begun || !sealer->count || seal_run(sealer, err);
    evidence_seal_abandon(sealer);
    return done;
}

void evidence_seal_abandon(struct evidence_sealer *sealer)
{
    if (sealer->begun)
        buffer_release(&sealer->digests);
    sealer->begun = false;
}

bool evidence_seal_undone(struct sql *sql, int64_t import_no, struct error *err)
{
    struct evidence_sealer sealer = {.sql = sql, .import_no = import_no};
    if (!take_last(&sealer, err))
        return false;
    struct seal seal = {.kind = SEAL_IMPORT_UNDONE,
                        .first_no = sealer.last.last_no + 1,
                        .last_no = sealer.last.last_no,
                        .import_no = import_no};
    return sql_run(sql, &gap_insert_undone, SQL_ARGUMENTS(sql_int(import_no)), err) &&
           insert_seal(&sealer, &seal, SLICE(""), err);
}

/* ---- Evidence of before there were seals */

/* One row, as it lies; a hole or another import begins another seal. */
static bool adopt_row(struct evidence_sealer *sealer, const struct sealed_row *row,
                      struct error *err)
{
    int64_t no = row->numbers[0], expected = sealer->first_no + sealer->count;
    bool hole = no != expected;
    if ((hole || row->numbers[SEALED_NUMBERS - 1] != sealer->import_no) && sealer->count &&
        !seal_run(sealer, err))
        return false;
    if (hole && !sql_run(sealer->sql, &gap_insert,
                         SQL_ARGUMENTS(sql_int(expected), sql_int(no - 1)), err))
        return false;
    sealer->first_no = no - sealer->count;
    sealer->import_no = row->numbers[SEALED_NUMBERS - 1];
    return evidence_seal_row(sealer, row, err);
}

static bool adopt_rows(struct evidence_sealer *sealer, int64_t last_no, struct error *err)
{
    struct sql_query *query;
    struct sealed_row stored;
    bool row;
    if (!sql_begin(sealer->sql, &adopt_select, SQL_ARGUMENTS(sql_int(last_no)), &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        sealed_row_read(query, &stored);
        if (!adopt_row(sealer, &stored, err)) {
            sql_end(query);
            return false;
        }
    }
}

static bool adopt(struct sql *sql, void *context, struct error *err)
{
    const int64_t *last_no = context;
    struct evidence_sealer sealer = {.sql = sql};
    struct audit_entry entry = {.actor = SLICE("system"),
                                .act = SLICE("evidence.adopted"),
                                .count = *last_no};
    if (!take_last(&sealer, err))
        return false;
    if (sealer.last.no) /* the setting was put there by someone else */
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "setting"},
                         "evidence that is sealed already", "%s was set behind the gate",
                         adopt_setting);
    sealer.first_no = 1;
    buffer_init(&sealer.digests, SEAL_ROWS_MAX * SEAL_DIGEST_BYTES);
    sealer.begun = true;
    bool done = adopt_rows(&sealer, *last_no, err);
    if (!done)
        evidence_seal_abandon(&sealer);
    return done && evidence_seal_end(&sealer, err) &&
           store_setting_set(sql, adopt_setting, SLICE("0"), err) &&
           audit_append(sql, &entry, sql_now(sql), err);
}

bool evidence_seal_adopt(struct store *store, struct error *err)
{
    struct buffer text;
    struct sql *sql;
    int64_t last_no = 0;
    buffer_init(&text, 64);
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = store_setting_get(sql, adopt_setting, &text, err);
    store_read_end(store, sql);
    bool waits = done && slice_to_int64(buffer_slice(&text), 1, INT64_MAX, &last_no);
    buffer_release(&text);
    return done && (!waits || store_write(store, adopt, &last_no, err));
}

/* ---- Reading */

bool evidence_bounds_read(struct sql *sql, struct evidence_bounds *ret_bounds, struct error *err)
{
    struct seal_key key = seal_key_of(sql);
    struct seal last;
    struct sql_query *query;
    int64_t forged;
    bool row;
    *ret_bounds = (struct evidence_bounds){0};
    if (!seal_last(sql, &key, &last, &forged, err) ||
        !sql_begin(sql, &gap_select, NULL, 0, &query, err))
        return false;
    ret_bounds->last_no = last.last_no;
    for (;;) {
        if (!sql_next(query, &row, err)) {
            evidence_bounds_release(ret_bounds);
            return false;
        }
        if (!row)
            return true;
        size_t count = ++ret_bounds->gap_count;
        ret_bounds->gaps = x_realloc(ret_bounds->gaps, count * sizeof *ret_bounds->gaps);
        ret_bounds->gaps[count - 1] =
            (struct number_range){sql_get_int(query, 0), sql_get_int(query, 1)};
    }
}

void evidence_bounds_release(struct evidence_bounds *bounds)
{
    free(bounds->gaps);
    *bounds = (struct evidence_bounds){0};
}

bool evidence_within(const struct evidence_bounds *bounds, int64_t no)
{
    size_t low = 0, high = bounds->gap_count;
    while (low < high) { /* the first gap that begins after `no` */
        size_t middle = (low + high) / 2;
        if (bounds->gaps[middle].first_no <= no)
            low = middle + 1;
        else
            high = middle;
    }
    return no >= 1 && no <= bounds->last_no && (!low || bounds->gaps[low - 1].last_no < no);
}
