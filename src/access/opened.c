/* What an answer opens of whom, recorded before it leaves: one audit record, and where it opens
 * several one row with all of them. A person asks by person, so these rows are put under each one
 * later, many at once and in order: one by one they would cost an answer of a hundred persons a
 * hundred scattered pages. */
#include <stdlib.h>

#include "access/access_internal.h"

static const struct sql_text audit_last = {"opened_audit_last", "SELECT max(no) FROM audit",
                                           "primary key"};
static const struct sql_text list_insert = {
    "seen_list_insert", "INSERT INTO seen_list (audit_no, persons) VALUES (?1, ?2)", "primary key"};
static const struct sql_text list_last = {"seen_list_last", "SELECT max(audit_no) FROM seen_list",
                                          "primary key"};
static const struct sql_text list_select = {
    "seen_list_select",
    "SELECT audit_no, persons FROM seen_list WHERE audit_no > 0 ORDER BY audit_no LIMIT ?1",
    "primary key"};
static const struct sql_text list_delete = {
    "seen_list_delete", "DELETE FROM seen_list WHERE audit_no <= ?1", "primary key"};
static const struct sql_text seen_insert = {
    "seen_insert", "INSERT INTO seen_person (person_no, audit_no) VALUES (?1, ?2)", "primary key"};

const struct sql_list opened_statements =
    SQL_LIST(&audit_last, &list_insert, &list_last, &list_select, &list_delete, &seen_insert);

enum { PERSON_BYTES = 4, LISTS_AT_ONCE = 500 };

/* ---- Recording */

struct opened {
    struct audit_entry entry;
    struct slice persons; /* data NULL where there is none beside the subject */
};

static bool put(struct sql *sql, const struct audit_entry *entry, struct slice persons,
                struct error *err)
{
    int64_t audit_no;
    return audit_append(sql, entry, sql_now(sql), err) &&
           (!persons.data ||
            (sql_one_int(sql, &audit_last, NULL, 0, 0, &audit_no, err) &&
             sql_run(sql, &list_insert, SQL_ARGUMENTS(sql_int(audit_no), sql_blob(persons)), err)));
}

static bool record(struct sql *sql, void *context, struct error *err)
{
    struct opened *opened = context;
    return put(sql, &opened->entry, opened->persons, err);
}

/* All but the one whom the audit record names itself. */
static struct slice packed(const uint32_t *persons, size_t count, int64_t subject_no,
                           struct arena *arena)
{
    unsigned char *bytes = arena_alloc(arena, count * PERSON_BYTES + 1);
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < PERSON_BYTES && persons[i] != subject_no; b++)
            bytes[at++] = (unsigned char)(persons[i] >> 8 * b);
    return at ? (struct slice){(const char *)bytes, at} : (struct slice){NULL, 0};
}

bool access_opened(const struct request *request, const char *act, int64_t subject_no,
                   const uint32_t *persons, size_t count, struct slice fields, struct error *err)
{
    struct opened opened = {.entry = {.actor = slice_of(request->actor.name),
                                      .act = slice_of(act),
                                      .purpose = request->purpose,
                                      .subject_no = subject_no   ? subject_no
                                                    : count == 1 ? persons[0]
                                                                 : 0,
                                      .count = (int64_t)count,
                                      .fields = fields}};
    opened.persons = packed(persons, count, opened.entry.subject_no, request->arena);
    return store_write(request->platform->store, record, &opened, err);
}

bool access_record(struct sql *sql, const struct audit_entry *entry, const uint32_t *persons,
                   size_t count, struct arena *arena, struct error *err)
{
    return put(sql, entry, packed(persons, count, entry->subject_no, arena), err);
}

/* ---- Putting them under each person */

struct seen {
    uint32_t person;
    int64_t audit_no;
};
struct spreading {
    struct seen *seen;
    size_t count, room;
    int64_t last, lists;
};

static int by_person(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    return x->audit_no < y->audit_no ? -1 : x->audit_no > y->audit_no;
}

static void take_list(struct spreading *spreading, int64_t audit_no, struct slice persons)
{
    size_t count = persons.length / PERSON_BYTES;
    if (spreading->count + count > spreading->room) {
        spreading->room = 2 * spreading->room + count;
        spreading->seen = x_realloc(spreading->seen, spreading->room * sizeof *spreading->seen);
    }
    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = (const unsigned char *)persons.data + i * PERSON_BYTES;
        uint32_t person = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                          (uint32_t)bytes[3] << 24;
        spreading->seen[spreading->count++] = (struct seen){person, audit_no};
    }
    spreading->last = audit_no;
    spreading->lists++;
}

static bool spread_job(struct sql *sql, void *context, struct error *err)
{
    struct spreading *spreading = context;
    struct sql_query *query;
    bool row = false;
    spreading->count = 0;
    spreading->lists = 0;
    bool done = sql_begin(sql, &list_select, SQL_ARGUMENTS(sql_int(LISTS_AT_ONCE)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        take_list(spreading, sql_get_int(query, 0), sql_get_blob(query, 1));
    if (spreading->count)
        qsort(spreading->seen, spreading->count, sizeof *spreading->seen, by_person);
    for (size_t i = 0; done && i < spreading->count; i++) {
        const struct seen *seen = &spreading->seen[i];
        bool twice = i && by_person(seen - 1, seen) == 0; /* one who stands twice in an answer */
        done = twice || sql_run(sql, &seen_insert,
                                SQL_ARGUMENTS(sql_int(seen->person), sql_int(seen->audit_no)), err);
    }
    return done && (!spreading->lists ||
                    sql_run(sql, &list_delete, SQL_ARGUMENTS(sql_int(spreading->last)), err));
}

bool access_spread_seen(struct platform *platform, struct error *err)
{
    struct spreading spreading = {.lists = LISTS_AT_ONCE};
    struct sql *sql;
    int64_t waiting;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &list_last, NULL, 0, 0, &waiting, err);
    store_read_end(platform->store, sql);
    while (done && waiting && spreading.lists == LISTS_AT_ONCE)
        done = store_write(platform->store, spread_job, &spreading, err);
    free(spreading.seen);
    return done;
}
