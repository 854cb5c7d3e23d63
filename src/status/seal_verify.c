/* Walking the seal of evidence: every row against its digest, every seal against the one before,
 * the gaps against what the chain says, the end against what the audit chain remembers.
 * Streamed: three queries side by side, in order of number. */
#include <stdlib.h>

#include "status/seal.h"
#include "status/status_internal.h"

static const struct sql_text seal_query = {
    "evidence_seal_walk", "SELECT " SEAL_COLUMNS ", marks FROM evidence_seal ORDER BY seal_no",
    "whole table, streamed"};
static const struct sql_text row_walk = {
    "evidence_row_walk", "SELECT " SEALED_COLUMNS " FROM evidence ORDER BY evidence_no",
    "whole table, streamed"};
static const struct sql_text gap_walk = {
    "evidence_gap_walk", "SELECT first_no, last_no FROM evidence_gap ORDER BY first_no",
    "whole table, streamed"};
static const struct sql_text undone_walk = {
    "evidence_undone_walk",
    "SELECT import_no, seal_no FROM evidence_seal WHERE import_no > 0 AND kind = 1"
    " ORDER BY import_no",
    "evidence_seal_by_import"};
static const struct sql_text anchor_walk = {
    "evidence_anchor_walk",
    "SELECT subject_no, fields FROM audit WHERE act = 'evidence.sealed' ORDER BY no",
    "whole table, streamed"};
static const struct sql_text anchor_select = {
    "evidence_anchor_select",
    "SELECT " SEAL_COLUMNS " FROM evidence_seal WHERE seal_no = (SELECT max(seal_no) FROM"
    " evidence_seal)",
    "primary key"};

static const struct sql_text retired_walk = {
    "evidence_retired_walk",
    "SELECT evidence_no, digest FROM evidence_retired ORDER BY evidence_no",
    "whole table, streamed"};
static const struct sql_text row_of_number = {
    "evidence_row_of_number", "SELECT " SEALED_COLUMNS " FROM evidence WHERE evidence_no = ?1",
    "primary key"};
static const struct sql_text retired_insert = {
    "evidence_retired_insert", "INSERT INTO evidence_retired (evidence_no, digest) VALUES (?1, ?2)",
    "primary key"};
static const struct sql_text retired_delete = {
    "evidence_retired_delete", "DELETE FROM evidence WHERE evidence_no = ?1", "primary key"};

const struct sql_list seal_verify_statements =
    SQL_LIST(&seal_query, &row_walk, &gap_walk, &undone_walk, &anchor_walk, &anchor_select,
             &retired_walk, &row_of_number, &retired_insert, &retired_delete);

struct undone {
    int64_t import_no, seal_no;
};
struct anchor {
    int64_t seal_no;
    char hash[2 * SEAL_HASH_BYTES + 1];
};

struct seal_walk {
    struct sql *sql;
    struct seal_key key;
    struct sql_query *seals, *rows, *gaps, *retired;
    bool seal_left, row_left, gap_left, retired_left;
    struct sealed_row row; /* where row_left */
    struct seal before, seal;
    struct slice marks;
    struct undone *undone; /* by import */
    size_t undone_count;
    struct anchor *anchors; /* by seal, as they were written */
    size_t anchor_count, anchor_next;
    struct buffer digests; /* of the seal's rows */
    struct evidence_verification *result;
};

/* ---- Findings: the first one is kept. Always false: the walk stops. */

static bool broken_row(struct seal_walk *walk, int64_t no, const char *words)
{
    struct evidence_verification *result = walk->result;
    result->whole = false;
    result->broken_no = no;
    snprintf(result->words, sizeof result->words, "record %lld %s", (long long)no, words);
    return false;
}

static bool broken_seal(struct seal_walk *walk, int64_t no, const char *words)
{
    struct evidence_verification *result = walk->result;
    result->whole = false;
    result->broken_no = walk->before.last_no + 1;
    snprintf(result->words, sizeof result->words, "seal %lld %s, from record %lld on",
             (long long)no, words, (long long)result->broken_no);
    return false;
}

/* ---- Stepping. False with `err` filled only where reading fails. */

static bool step_row(struct seal_walk *walk, struct error *err)
{
    if (!sql_next(walk->rows, &walk->row_left, err))
        return false;
    if (walk->row_left)
        sealed_row_read(walk->rows, &walk->row);
    return true;
}

static bool step_seal(struct seal_walk *walk, bool *ret_formed, struct error *err)
{
    walk->before = walk->seal;
    if (!sql_next(walk->seals, &walk->seal_left, err))
        return false;
    *ret_formed = walk->seal_left && seal_read(walk->seals, &walk->seal);
    walk->marks = walk->seal_left ? sql_get_blob(walk->seals, 7) : SLICE("");
    return true;
}

static bool is_undone(const struct seal_walk *walk)
{
    const struct seal *seal = &walk->seal;
    for (size_t i = 0; seal->import_no && i < walk->undone_count; i++)
        if (walk->undone[i].import_no == seal->import_no && walk->undone[i].seal_no > seal->no)
            return true;
    return false;
}

/* The gap table says what the chain says. *ret_good false where it does not. */
static bool expect_gap(struct seal_walk *walk, int64_t first, int64_t last, bool *ret_good,
                       struct error *err)
{
    *ret_good =
        walk->gap_left && sql_get_int(walk->gaps, 0) == first && sql_get_int(walk->gaps, 1) == last;
    return sql_next(walk->gaps, &walk->gap_left, err);
}

/* ---- One seal */

static bool seal_fits(const struct seal_walk *walk)
{
    const struct seal *seal = &walk->seal, *before = &walk->before;
    unsigned char hash[SEAL_HASH_BYTES];
    seal_hash(&walk->key, before->hash, seal, hash);
    bool shaped =
        seal->kind == SEAL_ROWS
            ? seal->last_no >= seal->first_no && seal->last_no - seal->first_no < SEAL_ROWS_MAX
            : seal->kind == SEAL_IMPORT_UNDONE && seal->last_no == seal->first_no - 1;
    return seal->no == before->no + 1 && seal->first_no > before->last_no && shaped &&
           memcmp(hash, seal->hash, sizeof hash) == 0;
}

/* The first row whose mark differs, the first of all where none does. */
static int64_t changed_row(const struct seal_walk *walk)
{
    size_t count = walk->digests.length / SEAL_DIGEST_BYTES;
    for (size_t i = 0; i < count && (i + 1) * SEAL_MARK_BYTES <= walk->marks.length; i++)
        if (memcmp(walk->marks.data + i * SEAL_MARK_BYTES,
                   walk->digests.data + i * SEAL_DIGEST_BYTES, SEAL_MARK_BYTES) != 0)
            return walk->seal.first_no + (int64_t)i;
    return walk->seal.first_no;
}

/* The digest of a number that was forgotten; those before it lie in no seal's rows (an import was
 * taken back). */
static bool take_retired(struct seal_walk *walk, int64_t no, unsigned char *digest,
                         bool *ret_retired, struct error *err)
{
    while (walk->retired_left && sql_get_int(walk->retired, 0) < no)
        if (!sql_next(walk->retired, &walk->retired_left, err))
            return false;
    *ret_retired = walk->retired_left && sql_get_int(walk->retired, 0) == no;
    if (*ret_retired) {
        struct slice stored = sql_get_blob(walk->retired, 1);
        memset(digest, 0, SEAL_DIGEST_BYTES);
        if (stored.length == SEAL_DIGEST_BYTES)
            memcpy(digest, stored.data, SEAL_DIGEST_BYTES);
    }
    return true;
}

/* *ret_good false: the finding is noted. */
static bool walk_rows(struct seal_walk *walk, bool *ret_good, struct error *err)
{
    unsigned char digest[SEAL_DIGEST_BYTES];
    buffer_clear(&walk->digests);
    for (int64_t no = walk->seal.first_no; no <= walk->seal.last_no; no++) {
        bool retired, there = walk->row_left && walk->row.numbers[0] == no;
        if (!take_retired(walk, no, digest, &retired, err))
            return false;
        if (retired == there) {
            *ret_good = broken_row(walk, no,
                                   there ? "was put back after it was forgotten"
                                         : "was removed behind the gate");
            return true;
        }
        if (retired) {
            buffer_append(&walk->digests, digest, sizeof digest);
            continue;
        }
        sealed_row_digest(&walk->key, &walk->row, digest);
        buffer_append(&walk->digests, digest, sizeof digest);
        walk->result->rows++;
        if (!step_row(walk, err))
            return false;
    }
    hash_blake2b(digest, sizeof digest, walk->digests.data, walk->digests.length, walk->key.bytes);
    *ret_good = memcmp(digest, walk->seal.rows_hash, sizeof digest) == 0 ||
                broken_row(walk, changed_row(walk), "was changed behind the gate");
    return true;
}

static bool check_gaps(struct seal_walk *walk, bool undone, bool *ret_good, struct error *err)
{
    bool before = walk->seal.first_no == walk->before.last_no + 1, own = !undone;
    if (!before &&
        !expect_gap(walk, walk->before.last_no + 1, walk->seal.first_no - 1, &before, err))
        return false;
    if (undone && !expect_gap(walk, walk->seal.first_no, walk->seal.last_no, &own, err))
        return false;
    *ret_good = (before && own) || broken_seal(walk, walk->seal.no, "and the gaps disagree");
    return true;
}

static bool check_anchor(struct seal_walk *walk)
{
    char hash[2 * SEAL_HASH_BYTES + 1];
    text_to_hex(walk->seal.hash, SEAL_HASH_BYTES, hash);
    for (; walk->anchor_next < walk->anchor_count &&
           walk->anchors[walk->anchor_next].seal_no <= walk->seal.no;
         walk->anchor_next++) {
        const struct anchor *anchor = &walk->anchors[walk->anchor_next];
        if (anchor->seal_no == walk->seal.no && strcmp(anchor->hash, hash) != 0)
            return broken_seal(walk, walk->seal.no, "is not the one the audit chain remembers");
    }
    return true;
}

static bool walk_seal(struct seal_walk *walk, bool formed, bool *ret_good, struct error *err)
{
    *ret_good =
        (formed && seal_fits(walk)) || broken_seal(walk, walk->before.no + 1, "does not verify");
    if (*ret_good && walk->row_left && walk->row.numbers[0] < walk->seal.first_no)
        *ret_good = broken_row(walk, walk->row.numbers[0], "was put in behind the gate");
    *ret_good = *ret_good && check_anchor(walk);
    if (!*ret_good)
        return true;
    bool undone = walk->seal.kind == SEAL_ROWS && is_undone(walk);
    if (!check_gaps(walk, undone, ret_good, err))
        return false;
    walk->result->seals++;
    return !*ret_good || walk->seal.kind != SEAL_ROWS || undone || walk_rows(walk, ret_good, err);
}

/* ---- All of it */

/* What is left after the last seal was put in by someone else; all of it is counted. */
static bool walk_rest(struct seal_walk *walk, struct error *err)
{
    struct evidence_verification *result = walk->result;
    walk->before = walk->seal;
    if (walk->row_left && result->whole)
        broken_row(walk, walk->row.numbers[0], "is not sealed: it was put in behind the gate");
    for (; walk->row_left; result->unsealed++)
        if (!step_row(walk, err))
            return false;
    if (result->whole && walk->gap_left)
        broken_row(walk, sql_get_int(walk->gaps, 0), "is a gap that the chain does not know");
    if (result->whole && walk->anchor_next < walk->anchor_count)
        broken_seal(walk, walk->anchors[walk->anchor_next].seal_no,
                    "was cut off: the audit chain remembers it");
    return true;
}

static bool walk_all(struct seal_walk *walk, struct error *err)
{
    bool formed, good = true;
    if (!sql_begin(walk->sql, &seal_query, NULL, 0, &walk->seals, err) ||
        !sql_begin(walk->sql, &row_walk, NULL, 0, &walk->rows, err) ||
        !sql_begin(walk->sql, &gap_walk, NULL, 0, &walk->gaps, err) ||
        !sql_begin(walk->sql, &retired_walk, NULL, 0, &walk->retired, err) ||
        !sql_next(walk->retired, &walk->retired_left, err) || !step_row(walk, err) ||
        !sql_next(walk->gaps, &walk->gap_left, err))
        return false;
    for (;;) {
        if (!step_seal(walk, &formed, err))
            return false;
        if (!walk->seal_left)
            break;
        if (!walk_seal(walk, formed, &good, err))
            return false;
        if (!good)
            return true;
    }
    walk->seal = walk->before;
    return walk_rest(walk, err);
}

static bool read_undone(struct seal_walk *walk, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(walk->sql, &undone_walk, NULL, 0, &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        walk->undone = x_realloc(walk->undone, ++walk->undone_count * sizeof *walk->undone);
        walk->undone[walk->undone_count - 1] =
            (struct undone){sql_get_int(query, 0), sql_get_int(query, 1)};
    }
}

static bool read_anchors(struct seal_walk *walk, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(walk->sql, &anchor_walk, NULL, 0, &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        walk->anchors = x_realloc(walk->anchors, ++walk->anchor_count * sizeof *walk->anchors);
        struct anchor *anchor = &walk->anchors[walk->anchor_count - 1];
        anchor->seal_no = sql_get_int(query, 0);
        text_copy(anchor->hash, sizeof anchor->hash, sql_get_text(query, 1));
    }
}

bool evidence_verify(struct store *store, struct evidence_verification *ret_result,
                     struct error *err)
{
    *ret_result = (struct evidence_verification){.whole = true};
    struct seal_walk walk = {.result = ret_result};
    if (store_is_sunset(store))
        return true; /* rows and seals went together; the certificate says so */
    if (!store_read_begin(store, &walk.sql, err))
        return false;
    walk.key = seal_key_of(walk.sql);
    buffer_init(&walk.digests, SEAL_ROWS_MAX * SEAL_DIGEST_BYTES);
    bool done = read_undone(&walk, err) && read_anchors(&walk, err) && walk_all(&walk, err);
    store_read_end(store, walk.sql); /* ends what is open */
    free(walk.undone);
    free(walk.anchors);
    buffer_release(&walk.digests);
    return done;
}

/* ---- Forgetting */

bool evidence_retire(struct sql *sql, int64_t no, struct error *err)
{
    struct seal_key key = seal_key_of(sql);
    unsigned char digest[SEAL_DIGEST_BYTES];
    struct sealed_row row;
    struct sql_query *query;
    bool found;
    if (!sql_begin(sql, &row_of_number, SQL_ARGUMENTS(sql_int(no)), &query, err) ||
        !sql_next(query, &found, err))
        return false;
    if (!found)
        return true;
    sealed_row_read(query, &row);
    sealed_row_digest(&key, &row, digest);
    sql_end(query);
    return sql_run(sql, &retired_insert,
                   SQL_ARGUMENTS(sql_int(no),
                                 sql_blob((struct slice){(const char *)digest, sizeof digest})),
                   err) &&
           sql_run(sql, &retired_delete, SQL_ARGUMENTS(sql_int(no)), err);
}

/* ---- The anchor in the audit chain */

/* Which seal was anchored last: a hint that saves rows, no proof. */
static const char anchor_setting[] = "evidence_anchored";

static bool anchor_job(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    struct sql_query *query;
    struct seal seal = {0};
    char hash[2 * SEAL_HASH_BYTES + 1], number[24];
    bool row;
    if (!sql_begin(sql, &anchor_select, NULL, 0, &query, err) || !sql_next(query, &row, err))
        return false;
    bool formed = row && seal_read(query, &seal);
    if (row)
        sql_end(query);
    if (!formed)
        return true;
    text_to_hex(seal.hash, SEAL_HASH_BYTES, hash);
    snprintf(number, sizeof number, "%lld", (long long)seal.no);
    struct audit_entry entry = {.actor = SLICE("system"),
                                .act = SLICE("evidence.sealed"),
                                .subject_no = seal.no,
                                .count = seal.last_no,
                                .fields = slice_of(hash)};
    return audit_append(sql, &entry, sql_now(sql), err) &&
           store_setting_set(sql, anchor_setting, slice_of(number), err);
}

bool evidence_anchor(struct store *store, struct error *err)
{
    struct sql *sql;
    struct buffer text;
    int64_t last = 0, anchored = 0;
    buffer_init(&text, 64);
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &anchor_select, NULL, 0, 0, &last, err) &&
                store_setting_get(sql, anchor_setting, &text, err);
    store_read_end(store, sql);
    if (!slice_to_int64(buffer_slice(&text), 0, INT64_MAX, &anchored))
        anchored = 0;
    buffer_release(&text);
    return done && (last == anchored || store_write(store, anchor_job, NULL, err));
}
