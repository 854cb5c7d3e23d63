/* Who looked: a person asks about the own records; reviewers get oddities, the gravest first;
 * anyone may fetch the audit chain's signed head. */
#include <stdlib.h>

#include "dossier/dossier.h"
#include "dossier/dossier_internal.h"
#include "status/status.h"

enum { ODDITY_DAYS = 7, MANY_IN_A_ROW = 30, IN_A_ROW_MINUTES = 10, ODDITIES_MAX = 200 };

/* What the system notes of itself, and the holder's own reads, are no officer's look. */
static const struct sql_text own_accesses = {
    "own_accesses",
    "SELECT no, city_at, act, purpose, fields, actor FROM audit WHERE subject_no = ?1"
    " AND (?2 = 0 OR no < ?2) AND actor NOT IN ('holder', 'system')"
    " UNION ALL SELECT a.no, a.city_at, a.act, a.purpose, a.fields, a.actor FROM seen_person s"
    " JOIN audit a ON a.no = s.audit_no WHERE s.person_no = ?1 AND (?2 = 0 OR a.no < ?2)"
    " ORDER BY 1 DESC LIMIT ?3",
    "audit_by_subject; seen_person's primary key"};
static const struct sql_text actor_role = {
    "accesses_actor_role", "SELECT role FROM app_user WHERE name = ?1", "unique name"};
/* Oddities are of users of the reviewer's area: ?1 and ?2. They are grouped by actor and found by
 * time: grouping by the bare column would have every record read in the order of actors. */
#define BY_ACTOR " GROUP BY a.actor || ''"
#define BY_OWN_USERS                                                                               \
    " EXISTS (SELECT 1 FROM app_user own WHERE own.name = a.actor"                                 \
    " AND own.area_no BETWEEN ?1 AND ?2)"
/* Reads of one person under a duty that nothing followed within a day. */
static const struct sql_text idle_reads = {
    "oddity_idle_reads",
    "SELECT a.actor, count(*), max(a.city_at), max(a.no) FROM audit a WHERE a.city_at >= ?3"
    " AND a.city_at <= ?4 AND" BY_OWN_USERS " AND a.subject_no > 0 AND a.purpose LIKE 'duty:%'"
    " AND a.act IN ('person.read', 'person.search', 'status.read') AND NOT EXISTS"
    " (SELECT 1 FROM evidence e WHERE e.person_no = a.subject_no AND e.recorded_at >= a.city_at)"
    BY_ACTOR " HAVING count(*) >= 3",
    "audit_by_time; evidence_by_person"};
/* The most persons whose records one opened within a window of ten minutes: the parts of one
 * person's record count once, each list as many as it showed. */
static const struct sql_text many_reads = {
    "oddity_many_reads",
    "SELECT actor, sum(persons) AS rows, max(at), max(last_no) FROM ("
    "SELECT a.actor AS actor, a.city_at / ?4 AS span, max(a.city_at) AS at, max(a.no) AS last_no,"
    " sum(CASE WHEN a.row_count > 1 THEN a.row_count ELSE 0 END)"
    " + max(CASE WHEN a.row_count = 1 THEN 1 ELSE 0 END) AS persons FROM audit a"
    " WHERE a.city_at >= ?3 AND a.row_count > 0 AND" BY_OWN_USERS
    BY_ACTOR ", a.city_at / ?4, a.subject_no)"
    " GROUP BY actor, span HAVING sum(persons) >= ?5 ORDER BY rows DESC LIMIT 100",
    "audit_by_time"};
static const struct sql_text watched_reads = {
    "oddity_watched_reads",
    "SELECT a.actor, count(*), max(a.city_at), max(a.no) FROM audit a"
    " JOIN watched_person w ON w.person_no = a.subject_no"
    " WHERE a.city_at >= ?3 AND" BY_OWN_USERS BY_ACTOR,
    "audit_by_time; primary key"};
/* Persons of the household of a user who is a known person of the city's staff. */
static const struct sql_text household_reads = {
    "oddity_household_reads",
    "SELECT a.actor, count(*), max(a.city_at), max(a.no) FROM audit a"
    " JOIN app_user u ON u.name = a.actor JOIN person me ON me.person_no = u.person_no"
    " JOIN person p ON p.person_no = a.subject_no"
    " WHERE a.city_at >= ?3 AND" BY_OWN_USERS
    " AND (p.person_no = me.person_no OR (p.household_no = me.household_no"
    " AND p.household_no > 0))" BY_ACTOR,
    "audit_by_time; primary keys"};
static const struct sql_text glass_reads = {
    "oddity_glass_reads",
    "SELECT a.actor, count(*), max(a.city_at), max(a.no) FROM audit a WHERE a.city_at >= ?3"
    " AND" BY_OWN_USERS " AND a.purpose = 'duty:break_glass'" BY_ACTOR,
    "audit_by_time"};

const struct sql_list review_statements =
    SQL_LIST(&own_accesses, &actor_role, &idle_reads, &many_reads, &watched_reads, &household_reads,
             &glass_reads);

/* ---- GET /me/accesses */

static void put_office(struct json_writer *writer, const struct role *role, struct slice actor)
{
    size_t length = sizeof STATUS_REPRESENTATIVE - 1;
    bool family = actor.length > length && memcmp(actor.data, STATUS_REPRESENTATIVE, length) == 0;
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(role     ? role->title_zh
                                           : family ? "家人代办"
                                                    : "系统"));
    json_field_text(writer, "en", slice_of(role     ? role->title_en
                                           : family ? "Who represents you"
                                                    : "The system"));
    json_object_end(writer);
}

/* `named`: with the officer's name, for who reviews; a person is told the office. */
static bool put_access(const struct request *request, struct sql *sql, struct sql_query *query,
                       bool named, struct json_writer *writer, struct error *err)
{
    const struct policy *policy = request->platform->policy;
    struct sql_query *lookup;
    const struct role *role = NULL;
    bool row;
    if (!sql_begin(sql, &actor_role, SQL_ARGUMENTS(sql_text(sql_get_text(query, 5))), &lookup,
                   err) ||
        !sql_next(lookup, &row, err))
        return false;
    if (row) {
        role = policy_role(policy, sql_get_text(lookup, 0));
        sql_end(lookup);
    }
    json_object_begin(writer);
    json_field_time(writer, "at", sql_get_int(query, 1));
    json_key(writer, "office");
    put_office(writer, role, sql_get_text(query, 5));
    if (named)
        json_field_text(writer, "user", sql_get_text(query, 5));
    json_field_text(writer, "act", sql_get_text(query, 2));
    json_field_text(writer, "purpose", sql_get_text(query, 3));
    json_field_text(writer, "fields", sql_get_text(query, 4));
    json_object_end(writer);
    return true;
}

static bool put_accesses(const struct request *request, int64_t person, bool named,
                         struct response *response, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    struct json_writer writer;
    int64_t limit, after, count = 0, last = 0;
    if (!request_limit(request, &limit, err) || !request_cursor(request, &after, err) ||
        !access_spread_seen(request->platform, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool row = false;
    bool done =
        sql_begin(sql, &own_accesses,
                  SQL_ARGUMENTS(sql_int(person), sql_int(after), sql_int(limit + 1)), &query, err);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    while (done && (done = sql_next(query, &row, err)) && row && ++count <= limit) {
        last = sql_get_int(query, 0);
        done = put_access(request, sql, query, named, &writer, err);
    }
    if (done && row)
        sql_end(query);
    json_array_end(&writer);
    json_field_cursor(&writer, done && count > limit ? last : 0);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}

bool own_accesses_handle(const struct request *request, struct response *response,
                         struct error *err)
{
    return put_accesses(request, request->actor.person_no, false, response, err);
}

/* ---- GET /persons/{no}/looks: for whoever reviews broken glass; the look is one itself */

bool person_looks_handle(const struct request *request, struct response *response,
                         struct error *err)
{
    int64_t person;
    return dossier_person(request, &person, err) &&
           status_audit_read(request, "person.looks", (uint32_t)person, 1, "looks", err) &&
           put_accesses(request, person, true, response, err);
}

/* ---- GET /audit/oddities */

struct oddity_kind {
    const char *name, *words_zh, *words_en;
    double weight; /* of one */
};
struct oddity {
    const struct oddity_kind *kind;
    struct slice actor;
    int64_t count, audit_no;
    timestamp at;
};

struct oddities {
    struct arena *arena;
    struct oddity found[ODDITIES_MAX];
    size_t count;
};

static bool gather(struct sql *sql, const struct sql_text *text, const struct sql_value *arguments,
                   size_t argument_count, const struct oddity_kind *kind, struct oddities *out,
                   struct error *err)
{
    struct sql_query *query;
    bool row = false;
    bool done = sql_begin(sql, text, arguments, argument_count, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row && out->count < ODDITIES_MAX) {
        struct slice actor = sql_get_text(query, 0);
        out->found[out->count++] = (struct oddity){
            .kind = kind,
            .actor = {arena_copy(out->arena, actor.data, actor.length), actor.length},
            .count = sql_get_int(query, 1),
            .at = sql_get_int(query, 2),
            .audit_no = sql_get_int(query, 3)};
    }
    if (done && row)
        sql_end(query);
    return done;
}

static const struct oddity_kind watched_person = {"watched_person", "查看受保护人员",
                                                  "Read a watched person", 20};
static const struct oddity_kind own_household = {"own_household", "查看本人或家人",
                                                 "Read the own household", 10};
static const struct oddity_kind broken_glass = {"broken_glass", "破窗查看",
                                                "Read behind broken glass", 5};
static const struct oddity_kind no_later_act = {"no_later_act", "查看后无后续处置",
                                                "Read, and nothing followed", 1};
static const struct oddity_kind many_in_a_row = {"many_in_a_row", "短时间大量查看",
                                                 "Many read in a row", 0.05};

static bool gather_all(struct sql *sql, const struct actor *reviewer, timestamp now,
                       struct oddities *out, struct error *err)
{
    const struct sql_value first = sql_int(reviewer->area_first);
    const struct sql_value last = sql_int(reviewer->area_last);
    const struct sql_value since = sql_int(now - ODDITY_DAYS * DAY);
    const struct sql_value from[] = {first, last, since};
    const struct sql_value idle[] = {first, last, since, sql_int(now - DAY)};
    const struct sql_value many[] = {first, last, since, sql_int(IN_A_ROW_MINUTES * MINUTE),
                                     sql_int(MANY_IN_A_ROW)};
    return gather(sql, &watched_reads, from, 3, &watched_person, out, err) &&
           gather(sql, &household_reads, from, 3, &own_household, out, err) &&
           gather(sql, &glass_reads, from, 3, &broken_glass, out, err) &&
           gather(sql, &idle_reads, idle, 4, &no_later_act, out, err) &&
           gather(sql, &many_reads, many, 5, &many_in_a_row, out, err);
}

static double score(const struct oddity *oddity)
{
    return oddity->kind->weight * (double)oddity->count;
}

static int by_falling_score(const void *a, const void *b)
{
    const struct oddity *x = a, *y = b;
    return (score(x) < score(y)) - (score(x) > score(y));
}

bool oddities_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct json_writer writer;
    struct oddities *all = arena_alloc(request->arena, sizeof *all);
    all->arena = request->arena;
    all->count = 0;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = gather_all(sql, &request->actor, world_now(request->platform->world), all, err);
    store_read_end(request->platform->store, sql);
    if (all->count)
        qsort(all->found, all->count, sizeof *all->found, by_falling_score);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    for (size_t i = 0; done && i < all->count; i++) {
        const struct oddity *oddity = &all->found[i];
        json_object_begin(&writer);
        json_field_text(&writer, "kind", slice_of(oddity->kind->name));
        json_key(&writer, "words");
        json_object_begin(&writer);
        json_field_text(&writer, "zh", slice_of(oddity->kind->words_zh));
        json_field_text(&writer, "en", slice_of(oddity->kind->words_en));
        json_object_end(&writer);
        json_field_text(&writer, "user", oddity->actor);
        json_field_int64(&writer, "count", oddity->count);
        json_field_double(&writer, "score", score(oddity));
        json_field_time(&writer, "last_at", oddity->at);
        json_field_int64(&writer, "last_audit_no", oddity->audit_no);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return done;
}

/* ---- GET /public/audit-head */

static void put_bytes(struct json_writer *writer, const char *key, const unsigned char *bytes,
                      size_t size)
{
    char text[96];
    text_to_base64url(bytes, size, text);
    json_field_text(writer, key, slice_of(text));
}

bool audit_head_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct audit_head head;
    struct json_writer writer;
    bool found;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = audit_head_last(sql, &head, &found, err);
    store_read_end(request->platform->store, sql);
    if (!done)
        return false;
    if (!found)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "path"},
                         "a head, once the first interval has passed", "none was signed yet");
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_int64(&writer, "no", head.no);
    json_field_time(&writer, "real_at", head.real_at);
    put_bytes(&writer, "hash", head.hash, sizeof head.hash);
    put_bytes(&writer, "signature", head.signature, sizeof head.signature);
    put_bytes(&writer, "public_key", head.public_key, sizeof head.public_key);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

static bool sign(struct sql *sql, void *context, struct error *err)
{
    return audit_head_sign(sql, context, err);
}

bool dossier_sign_head(struct platform *platform, struct error *err)
{
    struct sql *sql;
    struct audit_head head;
    bool found;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = audit_head_last(sql, &head, &found, err);
    store_read_end(platform->store, sql);
    timestamp interval = policy_number(platform->policy, NUMBER_HEAD_MINUTES) * MINUTE;
    if (!done || (found && world_real_now() - head.real_at < interval))
        return done;
    const unsigned char *key = keys_of(store_keys(platform->store), KEY_AUDIT);
    return store_write(platform->store, sign, (void *)(uintptr_t)key, err);
}

/* ---- GET /exports/marks/{mark} */

bool watermark_handle(const struct request *request, struct response *response, struct error *err)
{
    int64_t export_no, row;
    if (!export_watermark_find(request->platform, request->parameters[0], &export_no, &row, err))
        return false;
    buffer_print(&response->body, "{\"export_no\":%lld,\"person_no\":%lld}", (long long)export_no,
                 (long long)row);
    return true;
}
