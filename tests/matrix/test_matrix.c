/* Every route × every role × (own area, foreign area, no area) × (purpose, none): what the gate
 * must answer is worked out here from the text of policies/roles.yaml and the routes' declarations,
 * by code that shares nothing with the gate, and compared. New routes and roles are in it by
 * themselves. */
#include "server/test_support.h"

#define DISTRICT "320412"
#define OTHER "320481"
enum { ROLES_MAX = 64, CASE_NO = 5001, LINE_BYTES = 4096 };

/* ---- roles.yaml, read as text: name, permissions, reads, where */

struct role_text {
    char name[40], permissions[1000], reads[600], where[200];
};
struct role_texts {
    struct role_text roles[ROLES_MAX];
    size_t count;
};

/* What stands between the first of `marks` and the second, over as many lines as it takes. */
static void between(const char *from, const char *marks, char *out, size_t size)
{
    const char *first = strchr(from, marks[0]), *last = first ? strchr(first, marks[1]) : NULL;
    assert_non_null(first);
    assert_non_null(last);
    size_t length = (size_t)(last - first) - 1;
    assert_true(length + 3 < size);
    snprintf(out, size, " %.*s,", (int)length, first + 1);
}

static void read_role_texts(struct role_texts *out)
{
    static char text[1 << 17];
    FILE *file = fopen(CHENGMAI_SOURCE_ROOT "/policies/roles.yaml", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    out->count = 0;
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        struct role_text *role = out->count ? &out->roles[out->count - 1] : NULL;
        if (strncmp(line, "  ", 2) == 0 && line[2] != ' ' && line[2] != '#') {
            assert_true(out->count < ROLES_MAX);
            role = &out->roles[out->count++];
            *role = (struct role_text){0};
            snprintf(role->name, sizeof role->name, "%.*s", (int)strcspn(line + 2, ":"), line + 2);
        } else if (role && strncmp(line, "    permissions:", 16) == 0) {
            between(line, "[]", role->permissions, sizeof role->permissions);
        } else if (role && strncmp(line, "    reads:", 10) == 0) {
            between(line, "{}", role->reads, sizeof role->reads);
        } else if (role && strncmp(line, "    where:", 10) == 0) {
            between(line, "[]", role->where, sizeof role->where);
        }
    }
    assert_true(out->count >= 20);
}

/* True where the comma list holds the word (a key of a map: before its colon). */
static bool lists(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length) {
        bool begins = at > list && strchr(" ,\n", at[-1]);
        bool ends = strchr(",:\n ", at[length]) != NULL;
        if (begins && ends)
            return true;
    }
    return false;
}

/* ---- What must be answered */

static const char *const permission_texts[] = {
#define X(id, name) name,
    PERMISSION_TABLE(X)
#undef X
};
static const char *const field_texts[] = {
#define X(id, name) name,
    FIELD_TABLE(X)
#undef X
};

enum verdict { LET_IN, FORBIDDEN, NO_PURPOSE, NOT_THERE };
static const char *const verdict_names[] = {"let in", "forbidden", "purpose-required", "not-found"};

enum place { OWN, FOREIGN, NOWHERE, PLACES };
static const char *const place_names[] = {"own", "foreign", "no area"};

static bool about_person(const struct route *route)
{
    return strncmp(route->path, "/persons/{", 10) == 0;
}
static bool about_case(const struct route *route)
{
    return strncmp(route->path, "/cases/{", 8) == 0;
}

static enum verdict expected(const struct role_text *role, const struct route *route,
                             enum place place, bool with_purpose)
{
    bool shown = !route->fields;
    if (route->access == ROUTE_HOLDER)
        return FORBIDDEN;
    for (size_t p = 0; p < PERMISSION_COUNT; p++)
        if ((route->permission & (uint64_t)1 << p) &&
            !lists(role->permissions, permission_texts[p]))
            return FORBIDDEN;
    for (size_t f = 0; f < FIELD_COUNT; f++)
        shown |= (route->fields & 1u << f) && lists(role->reads, field_texts[f]);
    if (!shown)
        return FORBIDDEN;
    if (route->opens_identity && !with_purpose)
        return NO_PURPOSE;
    if (place == NOWHERE && route->touches == TOUCH_AGGREGATES && route->handle)
        return FORBIDDEN; /* there is nothing to count */
    if (place != OWN && about_case(route))
        return NO_PURPOSE; /* a case elsewhere is not held */
    if (strcmp(route->path, "/persons") == 0 && !lists(role->where, "responsible"))
        return FORBIDDEN; /* the list of who lives here, where nothing else is asked */
    /* the person lives in the own district, is a reported case there, and stays nowhere */
    bool theirs = place == OWN && (lists(role->where, "responsible") ||
                                   lists(role->where, "reporting"));
    return !theirs && about_person(route) && route->method == HTTP_GET ? NOT_THERE : LET_IN;
}

static enum verdict verdict_of(const struct answer *answer)
{
    for (int v = FORBIDDEN; v <= NO_PURPOSE; v++)
        if (strcmp(answer->type, verdict_names[v]) == 0)
            return (enum verdict)v;
    return answer->status == 404 && strcmp(answer->type, "not-found") == 0 ? NOT_THERE : LET_IN;
}

/* ---- The city: a person and a case of the own district, and a user of nowhere for each role */

struct nowhere_job {
    struct access *access;
    const char *role;
    char name[64];
};
static bool add_nowhere(struct sql *sql, void *context, struct error *err)
{
    struct nowhere_job *job = context;
    int64_t user_no;
    snprintf(job->name, sizeof job->name, "%s-nowhere", job->role);
    return access_user_add(sql, job->access, slice_of(job->name), slice_of(job->role),
                           (int64_t)900 << 48, NULL, &user_no, err);
}

static void sign_in(struct loopback *loop, const char *role, enum place place, char token[80])
{
    struct error err;
    char name[64];
    struct nowhere_job job = {loop->platform->access, role, ""};
    if (place == NOWHERE) {
        test_fail_on(store_write(loop->platform->store, add_nowhere, &job, &err), &err);
        loopback_user(loop, job.name, token);
        return;
    }
    snprintf(name, sizeof name, "%s-%s", role, place == OWN ? DISTRICT : OTHER);
    loopback_user(loop, name, token);
}

static void fill(const struct route *route, int64_t person, char *out, size_t size)
{
    size_t length = (size_t)snprintf(out, size, "%s", route->at_root ? "" : "/api/v1");
    for (const char *at = route->path; *at && length + 24 < size; at++) {
        if (*at != '{') {
            out[length++] = *at;
            continue;
        }
        long long value = about_person(route) ? person : about_case(route) ? CASE_NO : 1;
        length += (size_t)snprintf(out + length, size - length, "%lld", value);
        at = strchr(at, '}');
    }
    out[length] = '\0';
}

static bool skipped(const struct route *route)
{
    return route->access == ROUTE_PUBLIC || route->permission == PERMISSION_NONE ||
           strcmp(route->path, "/sessions/current") == 0;
}

static size_t compare_route(struct loopback *loop, const struct role_text *role,
                            const struct route *route, int64_t person, enum place place,
                            const char *token)
{
    char path[200], purpose[64];
    fill(route, person, path, sizeof path);
    if (about_case(route))
        snprintf(purpose, sizeof purpose, "case:%d", CASE_NO);
    else
        snprintf(purpose, sizeof purpose, "duty:%s", role->name);
    for (int with = 0; with < 2; with++) {
        struct answer answer =
            loopback_call(loop, &(struct call){.method = route->method,
                                               .path = path,
                                               .body = "{}",
                                               .authorization = token,
                                               .purpose = with ? purpose : NULL});
        enum verdict wanted = expected(role, route, place, with), got = verdict_of(&answer);
        /* what lies behind the gate may find nothing under the number 1: that is let in too */
        bool beyond = wanted == LET_IN && got == NOT_THERE && !about_person(route);
        if (got != wanted && !beyond)
            fail_msg("%s, %s, %s, %s purpose: %s (%d), expected %s", role->name, path,
                     place_names[place], with ? "with" : "without", verdict_names[got],
                     answer.status, verdict_names[wanted]);
        assert_int_not_equal(answer.status, 401);
        assert_true(answer.status < 500);
        answer_release(&answer);
    }
    return 2;
}

static void the_gate_answers_what_roles_yaml_says(void **state)
{
    struct loopback *loop = *state;
    static struct role_texts texts;
    size_t compared = 0;
    char change[600];
    read_role_texts(&texts);
    assert_int_equal(texts.count, policy_role_count(loop->platform->policy));
    snprintf(change, sizeof change,
             "INSERT INTO case_record (case_no, area_no, person_no, kind, at, recorded_at,"
             " import_no) SELECT %d, p.area_no, p.person_no, 'confirmed', 1649900000000000,"
             " 1649900000000000, 0 FROM person p WHERE p.person_no = (SELECT min(q.person_no)"
             " FROM person q JOIN area a ON q.area_no BETWEEN a.area_no AND a.area_no + 16777215"
             " WHERE a.code = '" DISTRICT "')",
             CASE_NO);
    loopback_change(loop, change);
    int64_t person =
        loopback_number(loop, "SELECT person_no FROM case_record WHERE case_no = 5001");
    assert_true(person > 0);
    for (size_t r = 0; r < texts.count; r++)
        for (enum place place = OWN; place < PLACES; place++) {
            char token[80];
            sign_in(loop, texts.roles[r].name, place, token);
            for (size_t m = 0; m < module_count; m++)
                for (size_t k = 0; k < modules[m]->route_count; k++)
                    if (!skipped(&modules[m]->routes[k]))
                        compared += compare_route(loop, &texts.roles[r], &modules[m]->routes[k],
                                                  person, place, token);
        }
    print_message("%zu answers compared\n", compared);
    assert_true(compared > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LOOPBACK_TEST(the_gate_answers_what_roles_yaml_says)};
    return LOOPBACK_RUN(tests);
}
