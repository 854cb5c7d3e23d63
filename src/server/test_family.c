/* Who looks after others: the proof, the limits, what is shown and what leaves its trace, the end
 * by either side; and what is refused: without a proof, after the end, a stranger, a member's
 * member. */
#include "server/test_support.h"

enum { HOLDER = 20, MEMBER = 31, OTHER = 42, STRANGER = 53 };

static struct answer call_as(struct loopback *loop, uint32_t person, enum http_method method,
                             const char *path, const char *body)
{
    char token[80];
    return loopback_call(loop,
                         &(struct call){.method = method,
                                        .path = path,
                                        .body = body,
                                        .authorization = loopback_holder(loop, person, token)});
}

static void expect(struct loopback *loop, uint32_t person, enum http_method method,
                   const char *path, const char *body, int status, const char *words)
{
    struct answer answer = call_as(loop, person, method, path, body);
    const char *text = answer.response.body.data ? answer.response.body.data : "";
    if (answer.status != status || !strstr(text, words))
        fail_msg("%u %s %s: %d %s", person, path, body ? body : "", answer.status, text);
    answer_release(&answer);
}

static int64_t number_of(const json_t *object, const char *field)
{
    return json_integer_value(json_object_get(object, field));
}

/* The number of the representation. */
static int64_t join(struct loopback *loop, uint32_t holder, uint32_t member, const char *relation)
{
    char body[120];
    snprintf(body, sizeof body, "{\"provider\":\"stub\",\"person_no\":%u,\"relation\":\"%s\"}",
             member, relation);
    struct answer answer = call_as(loop, holder, HTTP_POST, "/api/v1/me/family", body);
    if (answer.status != 201)
        fail_msg("%u for %u: %d %s", holder, member, answer.status, answer.response.body.data);
    int64_t no = number_of(answer.json, "no");
    assert_int_equal(number_of(answer.json, "person_no"), member);
    assert_int_equal(answer.audits, 1);
    assert_int_equal(answer.events, 1);
    answer_release(&answer);
    return no;
}

static void leave(struct loopback *loop, uint32_t person, int64_t no, int status)
{
    char path[60];
    snprintf(path, sizeof path, "/api/v1/me/family/%lld", (long long)no);
    expect(loop, person, HTTP_DELETE, path, NULL, status, "");
}

/* ---- What is shown */

static void a_represented_member_is_shown_as_get_me_shows_it_and_nothing_more(void **state)
{
    struct loopback *loop = *state;
    join(loop, HOLDER, MEMBER, "parent");
    struct answer own = call_as(loop, MEMBER, HTTP_GET, "/api/v1/me", NULL);
    struct answer seen = call_as(loop, HOLDER, HTTP_GET, "/api/v1/me?member=31", NULL);
    assert_int_equal(seen.status, 200);
    assert_true(json_equal(own.json, seen.json));
    assert_int_equal(own.audits, 0);
    assert_int_equal(seen.audits, 1);
    answer_release(&own);
    answer_release(&seen);
    own = call_as(loop, MEMBER, HTTP_GET, "/api/v1/me/why", NULL);
    seen = call_as(loop, HOLDER, HTTP_GET, "/api/v1/me/why?member=31", NULL);
    assert_true(json_equal(own.json, seen.json));
    assert_int_equal(seen.audits, 1);
    answer_release(&own);
    answer_release(&seen);
    struct answer family = call_as(loop, HOLDER, HTTP_GET, "/api/v1/me/family", NULL);
    json_t *member = json_array_get(json_object_get(family.json, "members"), 0);
    static const char *const shown[] = {
        "no",    "person_no", "relation", "represented_since", "represented_until", "status",
        "color", "since",     "until",    "last_negative_at"};
    assert_int_equal(json_object_size(member), sizeof shown / sizeof *shown);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        assert_non_null(json_object_get(member, shown[i]));
    assert_string_equal(json_string_value(json_object_get(member, "relation")), "parent");
    assert_int_equal(family.audits, 1);
    answer_release(&family);
    family = call_as(loop, MEMBER, HTTP_GET, "/api/v1/me/family", NULL);
    assert_int_equal(json_array_size(json_object_get(family.json, "members")), 0);
    json_t *who = json_array_get(json_object_get(family.json, "representatives"), 0);
    assert_int_equal(number_of(who, "person_no"), HOLDER);
    assert_int_equal(json_object_size(who), 5);
    answer_release(&family);
}

static void every_look_stands_in_the_members_own_list(void **state)
{
    struct loopback *loop = *state;
    static const char *const looks[] = {"/api/v1/me?member=31", "/api/v1/me/why?member=31",
                                        "/api/v1/me/code?member=31", "/api/v1/me/family"};
    static const char *const acts[] = {"status.read", "code.issue", "status.read", "status.read",
                                       "family.begin"}; /* the youngest first */
    join(loop, HOLDER, MEMBER, "parent");
    for (size_t i = 0; i < 4; i++)
        expect(loop, HOLDER, HTTP_GET, looks[i], NULL, 200, "");
    struct answer accesses = call_as(loop, MEMBER, HTTP_GET, "/api/v1/me/accesses", NULL);
    json_t *items = json_object_get(accesses.json, "items");
    assert_int_equal(json_array_size(items), 5);
    for (size_t i = 0; i < 5; i++) {
        json_t *item = json_array_get(items, i);
        json_t *office = json_object_get(item, "office");
        assert_string_equal(json_string_value(json_object_get(item, "act")), acts[i]);
        assert_string_equal(json_string_value(json_object_get(office, "en")), "Who represents you");
        assert_string_equal(json_string_value(json_object_get(item, "purpose")), "family");
    }
    answer_release(&accesses);
    accesses = call_as(loop, HOLDER, HTTP_GET, "/api/v1/me/accesses", NULL);
    assert_int_equal(json_array_size(json_object_get(accesses.json, "items")), 0);
    answer_release(&accesses);
}

static void a_members_code_is_the_members(void **state)
{
    struct loopback *loop = *state;
    static const struct {
        const char *path, *form;
        char kind;
        uint32_t person;
    } rows[] = {{"/api/v1/me/code", "rotating", 'c', HOLDER},
                {"/api/v1/me/code?form=paper", "paper", 'p', HOLDER},
                {"/api/v1/me/code?member=31", "rotating", 'c', MEMBER},
                {"/api/v1/me/code?form=paper&member=31", "paper", 'p', MEMBER}};
    join(loop, HOLDER, MEMBER, "child");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = call_as(loop, HOLDER, HTTP_GET, rows[i].path, NULL);
        struct error err;
        uint32_t person, issued;
        assert_int_equal(answer.status, 200);
        assert_string_equal(json_string_value(json_object_get(answer.json, "form")), rows[i].form);
        const char *code = json_string_value(json_object_get(answer.json, "code"));
        test_fail_on(person_code_parse(store_keys(loop->platform->store), rows[i].kind,
                                       slice_of(code), &person, &issued, &err),
                     &err);
        assert_int_equal(person, rows[i].person);
        answer_release(&answer);
    }
    expect(loop, HOLDER, HTTP_GET, "/api/v1/me/code?form=png", NULL, 400, "rotating, paper or pdf");
}

/* The printed card is a look too: the member finds it in the own list, with what it shows. */
static void a_members_card_leaves_its_trace_and_the_own_none(void **state)
{
    struct loopback *loop = *state;
    join(loop, HOLDER, MEMBER, "child");
    struct answer own = call_as(loop, HOLDER, HTTP_GET, "/api/v1/me/code?form=pdf", NULL);
    struct answer card =
        call_as(loop, HOLDER, HTTP_GET, "/api/v1/me/code?form=pdf&member=31", NULL);
    assert_int_equal(own.status, 200);
    assert_int_equal(card.status, 200);
    assert_string_equal(card.response.content_type, "application/pdf");
    assert_memory_equal(card.response.body.data, "%PDF-", 5);
    assert_int_equal(own.audits, 0);
    assert_int_equal(card.audits, 1);
    answer_release(&own);
    answer_release(&card);
    expect(loop, MEMBER, HTTP_GET, "/api/v1/me/accesses", NULL, 200, "name in part");
    expect(loop, STRANGER, HTTP_GET, "/api/v1/me/code?form=pdf&member=31", NULL, 404, "member");
}

static void an_appeal_for_a_member_is_the_members(void **state)
{
    struct loopback *loop = *state;
    int64_t no = join(loop, HOLDER, MEMBER, "parent");
    const char *const appeal = "{\"words\":\"母亲没有去过\",\"member\":31}";
    expect(loop, STRANGER, HTTP_POST, "/api/v1/me/appeals", appeal, 404, "no such member");
    expect(loop, HOLDER, HTTP_POST, "/api/v1/me/appeals", appeal, 201, "母亲没有去过");
    expect(loop, MEMBER, HTTP_GET, "/api/v1/me/appeals", NULL, 200, "母亲没有去过");
    expect(loop, HOLDER, HTTP_GET, "/api/v1/me/appeals", NULL, 200, "\"items\":[]");
    expect(loop, MEMBER, HTTP_GET, "/api/v1/me/accesses", NULL, 200, "appeal.file");
    leave(loop, HOLDER, no, 200);
    expect(loop, HOLDER, HTTP_POST, "/api/v1/me/appeals", appeal, 404, "no such member");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM appeal"), 1);
}

/* ---- What is refused */

static void nobody_is_represented_without_a_proof(void **state)
{
    struct loopback *loop = *state;
    static const struct {
        const char *body;
        int status;
        const char *words;
    } rows[] = {
        {"{\"person_no\":31,\"relation\":\"child\"}", 400, "provider"},
        {"{\"provider\":\"\",\"person_no\":31,\"relation\":\"child\"}", 403, "identity provider"},
        {"{\"provider\":\"police\",\"person_no\":31,\"relation\":\"child\"}", 403,
         "no such identity provider"},
        {"{\"provider\":\"stub\",\"relation\":\"child\"}", 400, "id_number"},
        {"{\"provider\":\"stub\",\"id_number\":\"320412199001011234\",\"relation\":\"child\"}", 400,
         "id_number"},
        {"{\"provider\":\"stub\",\"person_no\":70000,\"relation\":\"child\"}", 400,
         "no such person"},
        {"{\"provider\":\"stub\",\"person_no\":20,\"relation\":\"other\"}", 400, "yourself"},
        {"{\"provider\":\"stub\",\"person_no\":31,\"relation\":\"landlord\"}", 400, "relation"},
        {"{\"provider\":\"stub\",\"person_no\":31}", 400, "relation"},
        {"{\"provider\":\"stub\",\"person_no\":31,\"relation\":\"child\",\"until\":1}", 400,
         "until"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(loop, HOLDER, HTTP_POST, "/api/v1/me/family", rows[i].body, rows[i].status,
               rows[i].words);
    loop->platform->demo = false; /* where the stub does not exist */
    char token[80];
    struct answer answer =
        loopback_call(loop, &(struct call){.method = HTTP_POST,
                                           .path = "/api/v1/me/family",
                                           .authorization = loopback_holder(loop, HOLDER, token),
                                           .body = "{\"provider\":\"stub\",\"person_no\":31,"
                                                   "\"relation\":\"child\"}"});
    assert_int_equal(answer.status, 401); /* nor an unbound session */
    answer_release(&answer);
    loop->platform->demo = true;
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM representation"), 0);
}

static void who_is_not_represented_is_not_there(void **state)
{
    struct loopback *loop = *state;
    static const char *const paths[] = {
        "/api/v1/me?member=", "/api/v1/me/why?member=", "/api/v1/me/code?member="};
    static const char *const wrong[] = {"0", "-1", "x", "", "4294967296", "31%20"};
    join(loop, HOLDER, MEMBER, "parent");
    join(loop, MEMBER, OTHER, "spouse");
    int64_t audits = loopback_number(loop, "SELECT count(*) FROM audit");
    for (size_t i = 0; i < 3; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s%d", paths[i], MEMBER);
        expect(loop, STRANGER, HTTP_GET, path, NULL, 404, "no such member"); /* another's member */
        expect(loop, MEMBER, HTTP_GET, path, NULL, 404, "no such member");   /* oneself */
        snprintf(path, sizeof path, "%s%d", paths[i], OTHER);
        expect(loop, HOLDER, HTTP_GET, path, NULL, 404, "no such member"); /* a member's member */
        snprintf(path, sizeof path, "%s%d", paths[i], HOLDER);
        expect(loop, MEMBER, HTTP_GET, path, NULL, 404, "no such member"); /* the other way */
        snprintf(path, sizeof path, "%s70000", paths[i]);
        expect(loop, HOLDER, HTTP_GET, path, NULL, 404, "no such member"); /* nobody: the same */
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            snprintf(path, sizeof path, "%s%s", paths[i], wrong[k]);
            expect(loop, HOLDER, HTTP_GET, path, NULL, 400, "member");
        }
    }
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM audit"), audits);
    expect(loop, HOLDER, HTTP_GET, "/api/v1/me/accesses?member=31", NULL, 200, "\"items\":[]");
    expect(loop, HOLDER, HTTP_GET, "/api/v1/persons/31?member=31", NULL, 403, "");
}

static void one_holder_represents_so_many_and_one_member_is_represented_by_so_many(void **state)
{
    struct loopback *loop = *state;
    const struct policy *policy = loop->platform->policy;
    int64_t most = policy_number(policy, NUMBER_FAMILY_MEMBERS);
    int64_t by = policy_number(policy, NUMBER_FAMILY_REPRESENTATIVES);
    int64_t first = 0;
    for (int64_t i = 0; i < most; i++) {
        int64_t no = join(loop, HOLDER, (uint32_t)(100 + i), "child");
        first = first ? first : no;
    }
    expect(loop, HOLDER, HTTP_POST, "/api/v1/me/family",
           "{\"provider\":\"stub\",\"person_no\":100,\"relation\":\"child\"}", 409, "already");
    expect(loop, HOLDER, HTTP_POST, "/api/v1/me/family",
           "{\"provider\":\"stub\",\"person_no\":99,\"relation\":\"child\"}", 409, "at most");
    leave(loop, HOLDER, first, 200);
    join(loop, HOLDER, 99, "child");
    for (int64_t i = 0; i < by; i++)
        join(loop, (uint32_t)(200 + i), MEMBER, "parent");
    expect(loop, STRANGER, HTTP_POST, "/api/v1/me/family",
           "{\"provider\":\"stub\",\"person_no\":31,\"relation\":\"parent\"}", 409, "at most");
}

static void either_side_ends_it_at_once_and_nobody_else(void **state)
{
    struct loopback *loop = *state;
    for (int by_member = 0; by_member < 2; by_member++) {
        int64_t no = join(loop, HOLDER, MEMBER, "parent");
        leave(loop, STRANGER, no, 404);
        expect(loop, HOLDER, HTTP_GET, "/api/v1/me?member=31", NULL, 200, "color");
        leave(loop, by_member ? MEMBER : HOLDER, no, 200);
        expect(loop, HOLDER, HTTP_GET, "/api/v1/me?member=31", NULL, 404, "no such member");
        expect(loop, HOLDER, HTTP_GET, "/api/v1/me/why?member=31", NULL, 404, "");
        expect(loop, HOLDER, HTTP_GET, "/api/v1/me/code?member=31", NULL, 404, "");
        expect(loop, HOLDER, HTTP_GET, "/api/v1/me/family", NULL, 200, "\"members\":[]");
        expect(loop, MEMBER, HTTP_GET, "/api/v1/me/family", NULL, 200, "\"representatives\":[]");
        leave(loop, HOLDER, no, 404);
        loopback_restart(loop);
        expect(loop, HOLDER, HTTP_GET, "/api/v1/me?member=31", NULL, 404, "no such member");
    }
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM event WHERE kind ="
                                           " 'family.ended' AND subject_no = 31"),
                     2);
}

static void it_ends_by_itself(void **state)
{
    struct loopback *loop = *state;
    int64_t days = policy_number(loop->platform->policy, NUMBER_FAMILY_DAYS);
    join(loop, HOLDER, MEMBER, "parent");
    loop->platform->world->fixed += days * DAY - 1;
    expect(loop, HOLDER, HTTP_GET, "/api/v1/me?member=31", NULL, 200, "color");
    loop->platform->world->fixed += 1;
    expect(loop, HOLDER, HTTP_GET, "/api/v1/me?member=31", NULL, 404, "no such member");
    expect(loop, HOLDER, HTTP_GET, "/api/v1/me/family", NULL, 200, "\"members\":[]");
    join(loop, HOLDER, MEMBER, "parent"); /* consented anew */
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM representation"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(a_represented_member_is_shown_as_get_me_shows_it_and_nothing_more),
        LOOPBACK_TEST(every_look_stands_in_the_members_own_list),
        LOOPBACK_TEST(a_members_code_is_the_members),
        LOOPBACK_TEST(a_members_card_leaves_its_trace_and_the_own_none),
        LOOPBACK_TEST(an_appeal_for_a_member_is_the_members),
        LOOPBACK_TEST(nobody_is_represented_without_a_proof),
        LOOPBACK_TEST(who_is_not_represented_is_not_there),
        LOOPBACK_TEST(one_holder_represents_so_many_and_one_member_is_represented_by_so_many),
        LOOPBACK_TEST(either_side_ends_it_at_once_and_nobody_else),
        LOOPBACK_TEST(it_ends_by_itself),
    };
    return LOOPBACK_RUN(tests);
}
