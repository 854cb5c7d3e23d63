/* What an answer opens of whom, recorded before it leaves. */
#include "dossier/dossier_internal.h"

static const struct sql_text audit_last = {"opened_audit_last", "SELECT max(no) FROM audit",
                                           "primary key"};
static const struct sql_text seen_insert = {
    "seen_insert", "INSERT INTO seen_person (person_no, audit_no) VALUES (?1, ?2)", "primary key"};

const struct sql_list opened_statements = SQL_LIST(&audit_last, &seen_insert);

struct opened {
    const struct request *request;
    struct audit_entry entry;
    const uint32_t *persons;
    size_t count;
};

static bool record(struct sql *sql, void *context, struct error *err)
{
    struct opened *opened = context;
    int64_t audit_no;
    bool done =
        audit_append(sql, &opened->entry, world_now(opened->request->platform->world), err) &&
        sql_one_int(sql, &audit_last, NULL, 0, 0, &audit_no, err);
    for (size_t i = 0; done && opened->count > 1 && i < opened->count; i++)
        done = sql_run(sql, &seen_insert,
                       SQL_ARGUMENTS(sql_int(opened->persons[i]), sql_int(audit_no)), err);
    return done;
}

bool opened_record(const struct request *request, const char *act, const uint32_t *persons,
                   size_t count, struct slice fields, struct error *err)
{
    struct opened opened = {.request = request,
                            .entry = {.actor = slice_of(request->actor.name),
                                      .act = slice_of(act),
                                      .purpose = request->purpose,
                                      .subject_no = count == 1 ? persons[0] : 0,
                                      .count = (int64_t)count,
                                      .fields = fields},
                            .persons = persons,
                            .count = count};
    return store_write(request->platform->store, record, &opened, err);
}
