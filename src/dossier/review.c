/* Who looked: a person asks about the own records; reviewers get oddities, the gravest first;
 * anyone may fetch the audit chain's signed head. */
#include <stdlib.h>

#include "dossier/dossier.h"
#include "dossier/dossier_internal.h"
#include "status/status.h"

enum { ODDITY_DAYS = 7, MANY_IN_A_ROW = 30, IN_A_ROW_MINUTES = 10, ODDITIES_MAX = 400 };

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
/* The officer's own acts, after the read, in a loop of a choice of loops. */
#define NO_OWN_ACT(of)                                                                             \
    " AND NOT EXISTS (SELECT 1 FROM " of " AND t.at >= a.city_at"                                  \
    " AND t.user_no = (SELECT u.user_no FROM app_user u WHERE u.name = a.actor))"
#define ABOUT_PERSON " AND l.subject_kind = ?5 AND l.subject_no = a.subject_no"
#define NAMED_NUMBER "CAST(substr(a.purpose, 6) AS BIGINT)"
/* Reads of one person, for a duty, a case or a loop, that nothing followed within a day: no
 * evidence about the person, and by the reader's hand nothing in a loop about the person, in the
 * loop of the purpose, or in a loop of its case. */
static const struct sql_text idle_reads = {
    "oddity_idle_reads",
    "SELECT a.actor, count(*), max(a.city_at), max(a.no) FROM audit a WHERE a.city_at >= ?3"
    " AND a.city_at <= ?4 AND" BY_OWN_USERS " AND a.subject_no > 0"
    " AND (a.purpose LIKE 'duty:%' OR a.purpose LIKE 'case:%' OR a.purpose LIKE 'loop:%')"
    " AND a.act IN ('person.read', 'person.search', 'status.read') AND NOT EXISTS"
    " (SELECT 1 FROM evidence e WHERE e.person_no = a.subject_no AND e.recorded_at >= a.city_at)"
    NO_OWN_ACT("loop l JOIN loop_act t ON t.loop_no = l.loop_no WHERE l.state = 0" ABOUT_PERSON)
    NO_OWN_ACT("loop l JOIN loop_act t ON t.loop_no = l.loop_no WHERE l.state <> 0" ABOUT_PERSON)
    NO_OWN_ACT("loop_act t WHERE a.purpose LIKE 'loop:%' AND t.loop_no = " NAMED_NUMBER)
    NO_OWN_ACT("loop_case c JOIN loop_act t ON t.loop_no = c.loop_no"
               " WHERE a.purpose LIKE 'case:%' AND c.case_no = " NAMED_NUMBER)
    BY_ACTOR " HAVING count(*) >= 3",
    "audit_by_time; evidence_by_person; loop_by_subject; loop_act_by_loop; primary keys"};
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
/* The same for who stood in a list among others (access/opened.c): how many lists, of how few
 * persons the smallest, and the persons' share of the lists. A list of two is nearly a look at one;
 * one of a thousand is hardly one at each. */
#define OF_LISTS                                                                                   \
    "SELECT a.actor, count(DISTINCT a.no), max(a.city_at), max(a.no), min(a.row_count),"           \
    " sum(1.0 / a.row_count) FROM "
#define IN_LISTS(person)                                                                           \
    " CROSS JOIN seen_person s JOIN audit a ON a.no = s.audit_no WHERE s.person_no = " person      \
    " AND s.audit_no >= coalesce((SELECT f.no FROM audit f WHERE f.city_at >= ?3"                  \
    " ORDER BY f.city_at, f.no LIMIT 1), 0) AND a.city_at >= ?3 AND a.row_count > 0 AND"
#define FEWEST_FIRST BY_ACTOR " ORDER BY 6 DESC LIMIT 100"
static const struct sql_text watched_lists = {
    "oddity_watched_lists",
    OF_LISTS "watched_person w" IN_LISTS("w.person_no") BY_OWN_USERS FEWEST_FIRST,
    "small table watched_person; seen_person's primary key"};
static const struct sql_text household_lists = {
    "oddity_household_lists",
    OF_LISTS "(SELECT u.name AS reader, u.person_no AS relative FROM app_user u"
    " WHERE u.area_no BETWEEN ?1 AND ?2 AND u.person_no > 0"
    " UNION SELECT u.name, p.person_no FROM app_user u"
    " JOIN person me ON me.person_no = u.person_no"
    " JOIN person p ON p.household_no = me.household_no AND p.household_no > 0"
    " WHERE u.area_no BETWEEN ?1 AND ?2)" IN_LISTS("relative") " a.actor = reader" FEWEST_FIRST,
    "small table app_user; person_by_household; seen_person's primary key"};
static const struct sql_text glass_reads = {
    "oddity_glass_reads",
    "SELECT a.actor, count(*), max(a.city_at), max(a.no) FROM audit a WHERE a.city_at >= ?3"
    " AND" BY_OWN_USERS " AND a.purpose = 'duty:break_glass'" BY_ACTOR,
    "audit_by_time"};

const struct sql_list review_statements =
    SQL_LIST(&own_accesses, &actor_role, &idle_reads, &many_reads, &watched_reads, &household_reads,
             &watched_lists, &household_lists, &glass_reads);

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
    bool listed;   /* of lists: weighed by the share that the person has of each */
};
struct oddity {
    const struct oddity_kind *kind;
    struct slice actor;
    int64_t count, audit_no;
    int64_t list_of; /* persons in the smallest list; 0: no list */
    double share;    /* of the lists; `count` where none are */
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
            .audit_no = sql_get_int(query, 3),
            .list_of = kind->listed ? sql_get_int(query, 4) : 0,
            .share = kind->listed ? sql_get_real(query, 5) : (double)sql_get_int(query, 1)};
    }
    if (done && row)
        sql_end(query);
    return done;
}

static const struct oddity_kind watched_person = {"watched_person", "查看受保护人员",
                                                  "Read a watched person", 20, false};
static const struct oddity_kind watched_in_list = {"watched_in_list", "名单里有受保护人员",
                                                   "Saw a watched person in a list", 20, true};
static const struct oddity_kind own_household = {"own_household", "查看本人或家人",
                                                 "Read the own household", 10, false};
static const struct oddity_kind household_in_list = {"household_in_list", "名单里有本人或家人",
                                                     "Saw the own household in a list", 10, true};
static const struct oddity_kind broken_glass = {"broken_glass", "破窗查看",
                                                "Read behind broken glass", 5, false};
static const struct oddity_kind no_later_act = {"no_later_act", "查看后无后续处置",
                                                "Read, and nothing followed", 1, false};
static const struct oddity_kind many_in_a_row = {"many_in_a_row", "短时间大量查看",
                                                 "Many read in a row", 0.05, false};

static bool gather_all(struct sql *sql, const struct actor *reviewer, timestamp now,
                       struct oddities *out, struct error *err)
{
    const struct sql_value first = sql_int(reviewer->area_first);
    const struct sql_value last = sql_int(reviewer->area_last);
    const struct sql_value since = sql_int(now - ODDITY_DAYS * DAY);
    const struct sql_value from[] = {first, last, since};
    const struct sql_value idle[] = {first, last, since, sql_int(now - DAY),
                                     sql_int(DOSSIER_LOOP_OF_PERSON)};
    const struct sql_value many[] = {first, last, since, sql_int(IN_A_ROW_MINUTES * MINUTE),
                                     sql_int(MANY_IN_A_ROW)};
    return gather(sql, &watched_reads, from, 3, &watched_person, out, err) &&
           gather(sql, &household_reads, from, 3, &own_household, out, err) &&
           gather(sql, &glass_reads, from, 3, &broken_glass, out, err) &&
           gather(sql, &idle_reads, idle, 5, &no_later_act, out, err) &&
           gather(sql, &many_reads, many, 5, &many_in_a_row, out, err) &&
           gather(sql, &watched_lists, from, 3, &watched_in_list, out, err) &&
           gather(sql, &household_lists, from, 3, &household_in_list, out, err);
}

static double score(const struct oddity *oddity)
{
    return oddity->kind->weight * oddity->share;
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
    if (!access_spread_seen(request->platform, err) ||
        !store_read_begin(request->platform->store, &sql, err))
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
        if (oddity->list_of)
            json_field_int64(&writer, "list_of", oddity->list_of);
        else
            json_field_null(&writer, "list_of");
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
