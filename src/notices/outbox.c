/* Notices and what of them has still to go out.
 *
 * Words defined: a *finding* is one thing for one user; a *notice* is one finding, or the digest of
 * those of a minute that were more than the bound. A *delivery* is a notice on a channel.
 *
 * Invariants:
 *  1 reader.unread = notices of the user with a number above read_to; newest is the highest.
 *  2 A user gets at most apart_per_minute + 1 notices for what is found in one minute (and one more
 *    each time a digest was read while its minute still ran).
 *  3 A digest's deliveries are due when its minute is over: what was sent never changes.
 *  4 A delivery is there until its channel took it; notice_channel.waiting counts those that wait.
 *  5 Numbers of notices are never given twice: the newest row stays.
 *
 *        ┌─────────── retry: attempts + 1, due later ──────────┐
 *   put ─┴► waits ──► tried ──► delivered: the row goes         │
 *                        └────► ladder's end ──► given up ──────┴─ never again; seen by doctor */
#include "base/hash.h"
#include "notices/notices_internal.h"

static const struct sql_text notice_insert = {
    "notice_insert",
    "INSERT INTO notice (notice_no, user_no, kind, event_no, loop_no, at, found, words)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    "primary key"};
static const struct sql_text notice_last = {"notice_last", "SELECT max(notice_no) FROM notice",
                                            "primary key"};
static const struct sql_text notice_gather = {
    "notice_gather", "UPDATE notice SET found = found + 1 WHERE notice_no = ?1", "primary key"};
#define NOTICE_COLUMNS "notice_no, user_no, kind, event_no, loop_no, at, found, words"
static const struct sql_text notice_select = {
    "notice_select", "SELECT " NOTICE_COLUMNS " FROM notice WHERE notice_no = ?1", "primary key"};
static const struct sql_text notice_select_page = {
    "notice_select_page",
    "SELECT " NOTICE_COLUMNS " FROM notice WHERE user_no = ?1 AND notice_no < ?2"
    " AND notice_no > ?3 ORDER BY notice_no DESC LIMIT ?4",
    "notice_by_user"};
static const struct sql_text notice_between = {
    "notice_between",
    "SELECT count(*) FROM notice WHERE user_no = ?1 AND notice_no > ?2 AND notice_no <= ?3",
    "notice_by_user"};
static const struct sql_text reader_select = {
    "notice_reader_select",
    "SELECT newest, read_to, unread, minute, in_minute, digest_no FROM notice_reader"
    " WHERE user_no = ?1",
    "primary key"};
static const struct sql_text reader_put = {
    "notice_reader_put",
    "INSERT INTO notice_reader (user_no, newest, read_to, unread, minute, in_minute, digest_no)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (user_no) DO UPDATE SET"
    " newest = excluded.newest, read_to = excluded.read_to, unread = excluded.unread,"
    " minute = excluded.minute, in_minute = excluded.in_minute, digest_no = excluded.digest_no",
    "primary key"};
static const struct sql_text notice_delete = {
    "notice_delete", "DELETE FROM notice WHERE notice_no = ?1", "primary key"};
static const struct sql_text reader_all = {"notice_reader_all",
                                           "SELECT user_no FROM notice_reader ORDER BY user_no",
                                           "whole table, streamed"};
static const struct sql_text words_block = {
    "notice_words_block",
    "SELECT notice_no, words FROM notice WHERE notice_no > ?1 ORDER BY notice_no LIMIT ?2",
    "primary key"};
static const struct sql_text words_replace = {
    "notice_words_replace", "UPDATE notice SET words = ?2 WHERE notice_no = ?1", "primary key"};

const struct sql_list notice_statements =
    SQL_LIST(&notice_insert, &notice_last, &notice_gather, &notice_select, &notice_select_page,
             &notice_between, &reader_select, &reader_put, &reader_all, &notice_delete,
             &words_block, &words_replace);

/* ---- Readers */

bool reader_read(struct sql *sql, int64_t user_no, struct reader *ret_reader, struct error *err)
{
    struct sql_query *query;
    bool row;
    *ret_reader = (struct reader){.newest = 0};
    if (!sql_begin(sql, &reader_select, SQL_ARGUMENTS(sql_int(user_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row) {
        *ret_reader =
            (struct reader){sql_get_int(query, 0), sql_get_int(query, 1), sql_get_int(query, 2),
                            sql_get_int(query, 3), sql_get_int(query, 4), sql_get_int(query, 5)};
        sql_end(query);
    }
    return true;
}

static bool reader_write(struct sql *sql, int64_t user_no, const struct reader *reader,
                         struct error *err)
{
    REQUIRE(reader->unread >= 0 && reader->read_to <= reader->newest);
    return sql_run(sql, &reader_put,
                   SQL_ARGUMENTS(sql_int(user_no), sql_int(reader->newest),
                                 sql_int(reader->read_to), sql_int(reader->unread),
                                 sql_int(reader->minute), sql_int(reader->in_minute),
                                 sql_int(reader->digest_no)),
                   err);
}

/* What is counted here is counted once in its life: when it is read. */
bool reader_mark(struct sql *sql, int64_t user_no, int64_t up_to, struct error *err)
{
    struct reader reader;
    int64_t count;
    if (!reader_read(sql, user_no, &reader, err))
        return false;
    if (up_to > reader.newest)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "up_to"},
                         "the id of a notice of yours", "there is no such notice yet");
    if (up_to <= reader.read_to)
        return true;
    if (!sql_one_int(sql, &notice_between,
                     SQL_ARGUMENTS(sql_int(user_no), sql_int(reader.read_to), sql_int(up_to)), 0,
                     &count, err))
        return false;
    reader.read_to = up_to;
    reader.unread -= count;
    return reader_write(sql, user_no, &reader, err);
}

static struct head *find_head(struct notices *notices, int64_t user_no, size_t *ret_at)
{
    size_t low = 0, high = notices->head_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (notices->heads[middle].user_no < user_no)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_at = low;
    return low < notices->head_count && notices->heads[low].user_no == user_no
               ? &notices->heads[low]
               : NULL;
}

struct notice_head notices_head(struct notices *notices, int64_t user_no)
{
    size_t at;
    pthread_mutex_lock(&notices->lock);
    const struct head *found = find_head(notices, user_no, &at);
    struct notice_head head = found ? found->head : (struct notice_head){0, 0};
    pthread_mutex_unlock(&notices->lock);
    return head;
}

bool head_refresh(struct notices *notices, struct sql *sql, int64_t user_no, struct error *err)
{
    struct reader reader;
    size_t at;
    if (!reader_read(sql, user_no, &reader, err))
        return false;
    pthread_mutex_lock(&notices->lock);
    struct head *head = find_head(notices, user_no, &at);
    if (!head) {
        if (notices->head_count == notices->head_capacity) {
            notices->head_capacity = notices->head_capacity ? 2 * notices->head_capacity : 64;
            notices->heads =
                x_realloc(notices->heads, notices->head_capacity * sizeof *notices->heads);
        }
        head = &notices->heads[at];
        memmove(head + 1, head, (notices->head_count++ - at) * sizeof *head);
        head->user_no = user_no;
    }
    head->head = (struct notice_head){reader.newest, reader.unread};
    pthread_mutex_unlock(&notices->lock);
    return true;
}

bool heads_read(struct notices *notices, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &reader_all, NULL, 0, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        if (!head_refresh(notices, sql, sql_get_int(query, 0), err)) {
            sql_end(query);
            return false;
        }
    return done;
}

/* ---- Notices */

void notice_id(const struct notice *notice, char out[NOTICE_ID_BYTES])
{
    int64_t what[] = {notice->event_no, notice->user_no, notice->at, notice->kind};
    unsigned char digest[16];
    hash_blake2b(digest, sizeof digest, what, sizeof what, NULL);
    text_to_hex(digest, sizeof digest, out);
}

static bool insert(struct sql *sql, const struct notice *notice, struct error *err)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct slice words = field_encrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_NOTICE | notice->no,
                                       notice->words, &arena);
    bool done =
        sql_run(sql, &notice_insert,
                SQL_ARGUMENTS(sql_int(notice->no), sql_int(notice->user_no), sql_int(notice->kind),
                              sql_int(notice->event_no), sql_int(notice->loop_no),
                              sql_int(notice->at), sql_int(notice->found), sql_blob(words)),
                err);
    arena_release(&arena);
    return done;
}

bool notice_add(struct notices *notices, struct sql *sql, const struct notice *notice,
                int64_t *ret_no, struct error *err)
{
    struct notice made = *notice;
    struct reader reader;
    int64_t minute = sql_now(sql) / MINUTE;
    *ret_no = 0;
    if (!reader_read(sql, made.user_no, &reader, err))
        return false;
    if (reader.minute != minute) {
        reader.minute = minute;
        reader.in_minute = reader.digest_no = 0;
    }
    bool gathers = ++reader.in_minute > notices->settings.apart_per_minute;
    if (gathers && reader.digest_no > reader.read_to) /* one that was not read yet */
        return sql_run(sql, &notice_gather, SQL_ARGUMENTS(sql_int(reader.digest_no)), err) &&
               reader_write(sql, made.user_no, &reader, err);
    if (!sql_one_int(sql, &notice_last, NULL, 0, 0, &made.no, err))
        return false;
    made.no++;
    made.found = 1;
    if (gathers) {
        reader.digest_no = made.no;
        made.kind = NOTICE_DIGEST;
        made.loop_no = 0;
        made.words = SLICE("{}");
    }
    reader.newest = made.no;
    reader.unread++;
    *ret_no = made.no;
    return insert(sql, &made, err) && reader_write(sql, made.user_no, &reader, err);
}

static bool take_row(struct sql *sql, struct sql_query *query, struct arena *arena,
                     struct notice *out, struct error *err)
{
    *out = (struct notice){.no = sql_get_int(query, 0),
                           .user_no = sql_get_int(query, 1),
                           .kind = (enum notice_kind)sql_get_int(query, 2),
                           .event_no = sql_get_int(query, 3),
                           .loop_no = sql_get_int(query, 4),
                           .at = sql_get_int(query, 5),
                           .found = sql_get_int(query, 6)};
    if (out->kind >= NOTICE_KINDS)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "notice"},
                         "a kind of this program", "notice %lld", (long long)out->no);
    return field_decrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_NOTICE | out->no,
                         sql_get_blob(query, 7), arena, &out->words, err);
}

bool notice_read(struct sql *sql, int64_t no, struct arena *arena, struct notice *ret_notice,
                 bool *ret_found, struct error *err)
{
    struct sql_query *query;
    if (!sql_begin(sql, &notice_select, SQL_ARGUMENTS(sql_int(no)), &query, err) ||
        !sql_next(query, ret_found, err))
        return false;
    if (!*ret_found)
        return true;
    bool done = take_row(sql, query, arena, ret_notice, err);
    sql_end(query);
    return done;
}

bool notice_list(struct sql *sql, int64_t user_no, int64_t before, int64_t above, int64_t limit,
                 struct arena *arena, struct notice_page *ret_page, struct error *err)
{
    struct sql_query *query;
    struct notice_page page = {.items = arena_alloc(arena, (size_t)limit * sizeof *page.items)};
    bool row, done = sql_begin(sql, &notice_select_page,
                               SQL_ARGUMENTS(sql_int(user_no), sql_int(before), sql_int(above),
                                             sql_int(limit + 1)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (page.count == (size_t)limit) {
            page.more = true;
            sql_end(query);
            break;
        }
        if (!take_row(sql, query, arena, &page.items[page.count++], err)) {
            sql_end(query);
            return false;
        }
    }
    *ret_page = page;
    return done;
}

bool notice_drop(struct sql *sql, int64_t no, int64_t user_no, struct error *err)
{
    struct reader reader;
    if (!reader_read(sql, user_no, &reader, err))
        return false;
    if (no > reader.read_to) {
        reader.unread--;
        if (!reader_write(sql, user_no, &reader, err))
            return false;
    }
    return sql_run(sql, &notice_delete, SQL_ARGUMENTS(sql_int(no)), err);
}

const struct cipher_column notice_ciphers[NOTICE_CIPHERS] = {
    {"notice.words", KEY_IDENTITY, CIPHER_NOTICE, &words_block, &words_replace},
    {"notice_address.address", KEY_IDENTITY, CIPHER_ADDRESS, &address_block, &address_replace},
};
