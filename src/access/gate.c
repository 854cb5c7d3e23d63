/* The gate: may this actor take this route, for this purpose. It decides before a handler runs,
 * from the route's row, the role's row in policies/roles.yaml, and what the reader really holds.
 * Default is to deny. */
#include "access/access_internal.h"
#include "registry/registry.h"

static const struct sql_text purpose_case = {
    "purpose_case",
    "SELECT case_no FROM case_record WHERE case_no = ?1 AND area_no BETWEEN ?2 AND ?3",
    "primary key"};
static const struct sql_text glass_open = {
    "glass_open", "SELECT max(expires_at) FROM broken_glass WHERE user_no = ?1 AND expires_at > ?2",
    "broken_glass_by_user"};
const struct sql_list purpose_statements = SQL_LIST(&purpose_case, &glass_open);

static bool no_purpose(struct error *err, const char *expected, const char *what)
{
    return error_set(err, ERROR_PURPOSE, (struct error_place){.field = "X-Purpose"}, expected, "%s",
                     what);
}

/* ---- Purposes: "loop:ID", "case:ID", "duty:NAME" with 1 to 64 plain characters after the colon */

static bool purpose_is_formed(struct slice purpose)
{
    if (purpose.length < 6 || purpose.length > 69)
        return false;
    if (memcmp(purpose.data, "loop:", 5) != 0 && memcmp(purpose.data, "case:", 5) != 0 &&
        memcmp(purpose.data, "duty:", 5) != 0)
        return false;
    for (size_t i = 5; i < purpose.length; i++) {
        char c = purpose.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_';
        if (!plain)
            return false;
    }
    return true;
}

static bool one_number(struct platform *platform, const struct sql_text *text,
                       const struct sql_value *arguments, size_t count, int64_t *ret_number,
                       struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, text, arguments, count, 0, ret_number, err);
    store_read_end(platform->store, sql);
    return done;
}

/* A case of the reader's area, for one who may read cases. */
static bool holds_case(struct platform *platform, const struct actor *actor, struct slice id,
                       struct error *err)
{
    int64_t no, found = 0;
    if (actor->permissions & PERMISSION_BIT(PERMIT_CASE_READ) &&
        slice_to_int64(id, 1, INT64_MAX, &no)) {
        const struct sql_value arguments[] = {sql_int(no), sql_int(actor->area_first),
                                              sql_int(actor->area_last)};
        if (!one_number(platform, &purpose_case, arguments, 3, &found, err))
            return false;
    }
    return found ||
           no_purpose(err, "a case in your area that you may read", "you do not hold this case");
}

/* A read of one record: of the number in the path, or of what the body names. */
static bool reads_one(const struct route *route)
{
    return (route->method == HTTP_GET && strchr(route->path, '{')) ||
           (route->method == HTTP_POST && route->runs_again);
}

/* Broken glass opens persons of the whole city for its time, one at a time: no list, no export, no
 * act. The lead has been told. */
static bool holds_glass(struct platform *platform, const struct route *route, struct actor *actor,
                        struct error *err)
{
    int64_t until = 0;
    if (!(actor->permissions & PERMISSION_BIT(PERMIT_GLASS_BREAK)))
        return no_purpose(err, "a role that may break the glass", "your role breaks none");
    if (!reads_one(route))
        return no_purpose(err, "one person at a time", "broken glass opens no lists and no acts");
    const struct sql_value arguments[] = {sql_int(actor->user_no),
                                          sql_int(world_now(platform->world))};
    if (!one_number(platform, &glass_open, arguments, 2, &until, err))
        return false;
    if (!until)
        return no_purpose(err, "POST /break-glass first, with a reason", "no glass is broken");
    actor->area_first = 0;
    actor->area_last = INT64_MAX;
    actor->where |= 1u << WHERE_RESPONSIBLE;
    return true;
}

static bool holds_duty(struct platform *platform, const struct route *route, struct actor *actor,
                       struct slice name, struct error *err)
{
    const struct role *role = policy_role(platform->policy, slice_of(actor->role));
    if (slice_equal(name, SLICE("break_glass")))
        return holds_glass(platform, route, actor, err);
    return (role && role_has_duty(role, name)) ||
           no_purpose(err, "your role, or one of its duties in policies/roles.yaml",
                      "you do not hold this duty");
}

/* An open loop in which the reader has a part: it opens the person whom it is about, wherever that
 * one lives, and nobody else. */
static bool holds_loop(struct access *access, const struct route *route, struct actor *actor,
                       struct slice id, struct error *err)
{
    int64_t no, person_no = 0;
    bool holds = false;
    if (!route->about_person)
        return no_purpose(err, "a case or a duty; a loop opens the person whom it is about",
                          "a loop opens no lists");
    if (access->holds_loop && slice_to_int64(id, 1, ((int64_t)1 << 60) - 1, &no) &&
        !access->holds_loop(access->platform, actor, no, &holds, &person_no, err))
        return false;
    actor->one_person = true;
    actor->purpose_person = person_no;
    return holds || no_purpose(err, "an open loop in which you have a part",
                               "you do not hold this loop");
}

static bool holds_purpose(struct access *access, const struct route *route, struct actor *actor,
                          struct slice purpose, struct error *err)
{
    struct platform *platform = access->platform;
    if (!purpose_is_formed(purpose))
        return no_purpose(err, "loop:ID, case:ID or duty:NAME",
                          "this opens identity: say what for");
    struct slice rest = {purpose.data + 5, purpose.length - 5};
    if (purpose.data[0] == 'd')
        return holds_duty(platform, route, actor, rest, err);
    if (purpose.data[0] == 'c')
        return holds_case(platform, actor, rest, err);
    return holds_loop(access, route, actor, rest, err);
}

void access_ask_loops(struct access *access, access_loop_holder *holds)
{
    access->holds_loop = holds;
}

bool access_area_asked(const struct request *request, int64_t *ret_first, int64_t *ret_last,
                       struct error *err)
{
    const struct actor *actor = &request->actor;
    struct slice code = request_query(request, "area");
    const struct area *area;
    *ret_first = actor->area_first;
    *ret_last = actor->area_last;
    if (!code.data)
        return true;
    if (!(area = registry_area_by_code(request->platform->registry, code)))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "area"},
                         "the code of an area", "unknown area");
    *ret_first = area->no;
    *ret_last = area_range_last(area->no);
    return (*ret_first >= actor->area_first && *ret_last <= actor->area_last) ||
           error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "area"},
                     "an area of your own", "the area is not within your authority");
}

/* ---- The gate */

/* Who belongs to no area of the city is shown no counts of it. */
static bool counts_somewhere(const struct access *access, const struct route *route,
                             const struct actor *actor, struct error *err)
{
    struct registry *registry = access->platform->registry;
    if (route->touches != TOUCH_AGGREGATES || !route->handle || !registry_city(registry) ||
        registry_area(registry, actor->area_first))
        return true;
    return error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "area"},
                     "an area of this city", "you belong to none of it");
}

bool access_gate(struct access *access, const struct route *route, struct actor *actor,
                 struct slice purpose, struct error *err)
{
    if (route->access == ROUTE_PUBLIC)
        return true;
    if (actor->kind == ACTOR_NONE)
        return access_unauthenticated(err, "this needs a session");
    bool holder_may = route->access == ROUTE_HOLDER || route->access == ROUTE_ANY;
    bool user_may = (route->access == ROUTE_USER || route->access == ROUTE_ANY) &&
                    (route->permission & actor->permissions) == route->permission;
    if (actor->kind == ACTOR_HOLDER ? !holder_may : !user_may)
        return error_set(err, ERROR_FORBIDDEN, (struct error_place){0},
                         "a role with this permission", "your role may not do this");
    if (actor->kind == ACTOR_HOLDER)
        return true;
    bool shown = !route->fields;
    for (int field = 0; field < FIELD_COUNT; field++)
        shown |= (route->fields & FIELD_BIT(field)) && shown_of(actor->reads, (enum field)field);
    if (!shown)
        return error_set(err, ERROR_FORBIDDEN, (struct error_place){0},
                         "a role that is shown something of this", "your role is shown none of it");
    if (!counts_somewhere(access, route, actor, err))
        return false;
    return !route->opens_identity || (store_refuse_sunset(access->platform->store, err) &&
                                      holds_purpose(access, route, actor, purpose, err));
}
