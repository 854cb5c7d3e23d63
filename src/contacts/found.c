/* Who was found to be whose contact. A row is written in the transaction that finds it, and never
 * changed. */
#include "contacts/contacts.h"

#define CONTACT_COLUMNS "case_no, person_no, level, via_no, last_exposure_at, known_at"
static const struct sql_text contact_put = {"case_contact_put",
                                            "INSERT OR IGNORE INTO case_contact (" CONTACT_COLUMNS
                                            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                                            "primary key"};
static const struct sql_text contact_page = {
    "case_contact_page",
    "SELECT " CONTACT_COLUMNS " FROM case_contact WHERE case_no = ?1 AND person_no > ?2"
    " ORDER BY person_no LIMIT ?3",
    "primary key"};
static const struct sql_text contact_person = {
    "case_contact_person",
    "SELECT " CONTACT_COLUMNS " FROM case_contact WHERE person_no = ?1 AND case_no > ?2"
    " ORDER BY case_no LIMIT ?3",
    "case_contact_by_person"};
static const struct sql_text contact_counts = {
    "case_contact_counts",
    "SELECT level, count(*) FROM case_contact WHERE case_no = ?1 GROUP BY level", "primary key"};

const struct sql_list contact_statements =
    SQL_LIST(&contact_put, &contact_page, &contact_person, &contact_counts);

enum { CASES_OF_PERSON_MAX = 200 };

static const char *const level_names[CONTACT_LEVELS] = {
#define X(id, name) [id] = name,
    CONTACT_LEVEL_TABLE(X)
#undef X
};

const char *contact_level_name(enum contact_level level)
{
    REQUIRE(level < CONTACT_LEVELS);
    return level_names[level];
}

bool contact_add(struct sql *sql, const struct case_contact *contact, struct error *err)
{
    REQUIRE(contact->case_no > 0 && contact->person > 0);
    return sql_run(sql, &contact_put,
                   SQL_ARGUMENTS(sql_int(contact->case_no), sql_int(contact->person),
                                 sql_int(contact->level), sql_int(contact->via),
                                 sql_int(contact->last_exposure_at), sql_int(contact->known_at)),
                   err);
}

static bool read_contacts(struct sql *sql, const struct sql_text *text, int64_t key, int64_t after,
                          int64_t limit, struct arena *arena, struct case_contact **ret_contacts,
                          size_t *ret_count, struct error *err)
{
    struct case_contact *contacts = arena_alloc(arena, ((size_t)limit + 1) * sizeof *contacts);
    struct sql_query *query;
    size_t count = 0;
    bool row,
        done = sql_begin(sql, text, SQL_ARGUMENTS(sql_int(key), sql_int(after), sql_int(limit)),
                         &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        int64_t level = sql_get_int(query, 2);
        contacts[count++] = (struct case_contact){.case_no = sql_get_int(query, 0),
                                                  .person = (uint32_t)sql_get_int(query, 1),
                                                  .level = level >= 0 && level < CONTACT_LEVELS
                                                               ? (enum contact_level)level
                                                               : CONTACT_SPATIOTEMPORAL,
                                                  .via = (uint32_t)sql_get_int(query, 3),
                                                  .last_exposure_at = sql_get_int(query, 4),
                                                  .known_at = sql_get_int(query, 5)};
    }
    *ret_contacts = contacts;
    *ret_count = count;
    return done;
}

bool contacts_of_case(struct sql *sql, int64_t case_no, int64_t after, int64_t limit,
                      struct arena *arena, struct case_contact **ret_contacts, size_t *ret_count,
                      struct error *err)
{
    return read_contacts(sql, &contact_page, case_no, after, limit, arena, ret_contacts, ret_count,
                         err);
}

bool contacts_of_person(struct sql *sql, uint32_t person, struct arena *arena,
                        struct case_contact **ret_contacts, size_t *ret_count, struct error *err)
{
    return read_contacts(sql, &contact_person, person, 0, CASES_OF_PERSON_MAX, arena, ret_contacts,
                         ret_count, err);
}

bool contacts_count(struct sql *sql, int64_t case_no, int64_t ret_counts[CONTACT_LEVELS],
                    struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &contact_counts, SQL_ARGUMENTS(sql_int(case_no)), &query, err);
    memset(ret_counts, 0, CONTACT_LEVELS * sizeof *ret_counts);
    while (done && (done = sql_next(query, &row, err)) && row) {
        int64_t level = sql_get_int(query, 0);
        if (level >= 0 && level < CONTACT_LEVELS)
            ret_counts[level] = sql_get_int(query, 1);
    }
    return done;
}
