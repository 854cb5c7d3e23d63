/* A person's status: for officers with a purpose, and for the holder. */
#include "access/access.h"
#include "policy/permissions.h"
#include "status/family_schema.h"
#include "status/redress.h"
#include "status/redress_schema.h"
#include "status/rule_sets.h"

static void put_decision(struct json_writer *writer, const struct decision *decision,
                         bool with_evidence)
{
    json_field_text(writer, "color", slice_of(color_name(decision->color)));
    json_field_time(writer, "since", decision->since);
    json_field_time(writer, "until", decision->until);
    json_field_time(writer, "last_negative_at", decision->last_negative_sampled_at);
    json_key(writer, "reasons");
    json_array_begin(writer);
    for (size_t i = 0; with_evidence && i < decision->reason_count; i++) {
        json_object_begin(writer);
        json_field_text(writer, "rule", slice_of(decision->reasons[i].rule));
        json_field_int64(writer, "evidence", decision->reasons[i].evidence);
        json_key(writer, "words");
        json_object_begin(writer);
        json_field_text(writer, "zh", slice_of(decision->reasons[i].words.zh));
        json_field_text(writer, "en", slice_of(decision->reasons[i].words.en));
        json_object_end(writer);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_key(writer, "ignored");
    json_array_begin(writer);
    for (size_t i = 0; with_evidence && i < decision->ignored_count; i++) {
        json_object_begin(writer);
        json_field_int64(writer, "evidence", decision->ignored[i].evidence);
        json_field_text(writer, "reason", slice_of(decision->ignored[i].reason));
        json_object_end(writer);
    }
    json_array_end(writer);
}

void status_decision_write(struct json_writer *writer, const struct decision *decision,
                           const struct rule_set *rules)
{
    json_object_begin(writer);
    put_decision(writer, decision, true);
    json_field_text(writer, "rules_version", slice_of(rules ? rule_set_version(rules) : ""));
    json_object_end(writer);
}

struct audit_job {
    const struct request *request;
    struct audit_entry entry;
};
static bool append_audit(struct sql *sql, void *context, struct error *err)
{
    struct audit_job *job = context;
    return audit_append(sql, &job->entry, world_now(job->request->platform->world), err);
}

bool status_audit_read(const struct request *request, const char *act, uint32_t person,
                       int64_t count, const char *fields, struct error *err)
{
    struct audit_job job = {request,
                            {slice_of(request->actor.name), slice_of(act), request->purpose,
                             person, count, slice_of(fields)}};
    return store_write(request->platform->store, append_audit, &job, err);
}

bool status_within_reach(const struct request *request, struct person_no person, struct error *err)
{
    struct sql *sql;
    int64_t area_no;
    bool within;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = access_person_within(request->platform, sql, &request->actor, person.n, &area_no,
                                     &within, err);
    store_read_end(request->platform->store, sql);
    return done && (within || evidence_no_such_person(err));
}

static bool read_moment(const struct request *request, timestamp *ret_at,
                        const struct rule_set **ret_rules, struct error *err)
{
    struct slice text = request_query(request, "at");
    timestamp at = world_now(request->platform->world);
    struct error_place place = {.field = "at"};
    if (text.data && !time_parse(text, &at))
        return error_set(err, ERROR_BAD_VALUE, place, "an RFC 3339 time with its offset",
                         "not a time");
    *ret_rules = policy_rules_in_force(request->platform->policy, at);
    if (!*ret_rules && text.data)
        return error_set(err, ERROR_BAD_VALUE, place, "a moment when a rule set was in force",
                         "no rule set was in force");
    *ret_at = at;
    return *ret_rules || status_no_rules(err);
}

static bool handle_status(const struct request *request, struct response *response,
                          struct error *err)
{
    int64_t number;
    timestamp at;
    const struct rule_set *rules;
    struct decision decision;
    if (!slice_to_int64(request->parameters[0], 1, UINT32_MAX, &number))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "no"},
                         "the number of a person", "not a number");
    struct person_no person = {(uint32_t)number};
    if (!read_moment(request, &at, &rules, err) || !status_within_reach(request, person, err) ||
        !status_audit_read(request, "status.read", person.n, 1, "status,evidence", err) ||
        !status_decide_at(request->platform, person, at, request->arena, &decision, err))
        return false;
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_int64(&writer, "person_no", number);
    json_field_time(&writer, "at", at);
    put_decision(&writer, &decision,
                 shown_of(request->actor.reads, FIELD_EVIDENCE) == SHOWN_FULL);
    json_field_text(&writer, "rules_version", slice_of(rule_set_version(rules)));
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

void status_own_fields(struct json_writer *writer, struct status_entry entry)
{
    json_field_text(writer, "status", slice_of(entry.flags & STATUS_KNOWN ? "known" : "unknown"));
    json_field_text(writer, "color", slice_of(color_name((enum color)entry.color)));
    json_field_time(writer, "since", entry.since ? entry.since * SECOND : TIMESTAMP_NONE);
    json_field_time(writer, "until", entry.until ? entry.until * SECOND : TIMESTAMP_NONE);
    json_field_time(writer, "last_negative_at",
                    entry.last_negative ? entry.last_negative * SECOND : TIMESTAMP_NONE);
}

static bool handle_me(const struct request *request, struct response *response, struct error *err)
{
    struct platform *platform = request->platform;
    timestamp now = world_now(platform->world);
    struct person_no person;
    struct json_writer writer;
    if (!status_subject(request, "status.read", "status", &person.n, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    status_own_fields(&writer, status_get(platform->status, person, now));
    json_field_time(&writer, "as_of", now / SECOND * SECOND);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

static bool handle_why(const struct request *request, struct response *response,
                       struct error *err)
{
    struct platform *platform = request->platform;
    timestamp now = world_now(platform->world);
    struct decision decision;
    struct json_writer writer;
    struct person_no person;
    if (!status_subject(request, "status.read", "status,evidence", &person.n, err) ||
        !status_decide_at(platform, person, now, request->arena, &decision, err))
        return false;
    json_writer_init(&writer, &response->body);
    status_decision_write(&writer, &decision, policy_rules_in_force(platform->policy, now));
    json_writer_release(&writer);
    return true;
}

#define REASON                                                                                     \
    "{\"type\":\"object\",\"required\":[\"rule\",\"evidence\",\"words\"],"                         \
    "\"properties\":{\"rule\":" TEXT ",\"evidence\":{\"type\":\"integer\"},"                       \
    "\"words\":{\"type\":\"object\",\"required\":[\"zh\",\"en\"],"                                 \
    "\"properties\":{\"zh\":" TEXT ",\"en\":" TEXT "}}}}"
#define IGNORED                                                                                    \
    "{\"type\":\"object\",\"required\":[\"evidence\",\"reason\"],"                                 \
    "\"properties\":{\"evidence\":{\"type\":\"integer\"},\"reason\":" TEXT "}}"
#define DECISION_NAMES "\"color\",\"since\",\"until\",\"reasons\",\"ignored\",\"rules_version\""
#define DECISION_FIELDS                                                                            \
    "\"color\":" COLOR_NAMES ",\"since\":" TIME_OR_NULL ",\"until\":" TIME_OR_NULL ","             \
    "\"last_negative_at\":" TIME_OR_NULL ","                                                       \
    "\"reasons\":{\"type\":\"array\",\"items\":" REASON "},"                                       \
    "\"ignored\":{\"type\":\"array\",\"items\":" IGNORED "},\"rules_version\":" TEXT
#define PERSON_STATUS                                                                              \
    "{\"type\":\"object\",\"required\":[\"person_no\",\"at\"," DECISION_NAMES "],"                 \
    "\"properties\":{\"person_no\":{\"type\":\"integer\"},\"at\":" TIME "," DECISION_FIELDS "}}"
#define OWN_STATUS                                                                                 \
    "{\"type\":\"object\",\"required\":[\"status\",\"color\",\"since\",\"until\","                 \
    "\"last_negative_at\",\"as_of\"],\"properties\":{"                                             \
    "\"status\":{\"enum\":[\"known\",\"unknown\"]},\"color\":" COLOR_NAMES ","                     \
    "\"since\":" TIME_OR_NULL ",\"until\":" TIME_OR_NULL ","                                       \
    "\"last_negative_at\":" TIME_OR_NULL ",\"as_of\":" TIME "}}"
#define OWN_DECISION                                                                               \
    "{\"type\":\"object\",\"required\":[" DECISION_NAMES "],"                                      \
    "\"properties\":{" DECISION_FIELDS "}}"

const struct route status_routes[STATUS_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/persons/{no}/status",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_EVIDENCE),
     .shed = SHED_STATUS,
     .permission = PERMISSION_BIT(PERMIT_STATUS_READ),
     .opens_identity = true,
     .about_person = true,
     .query = "at:string:the moment (RFC 3339), now where absent",
     .summary = "A person's status at a moment, with its reasons in words",
     .response_schema = PERSON_STATUS,
     .handle = handle_status},
    {.method = HTTP_GET,
     .path = "/persons/{no}/evidence",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_STATUS_READ),
     .opens_identity = true,
     .about_person = true,
     .summary = "The pieces of evidence about a person, tests among them, by number",
     .response_schema = EVIDENCE_LIST,
     .handle = evidence_handle_list},
    {.method = HTTP_GET,
     .path = "/persons/{no}/redress",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_STATUS_READ),
     .opens_identity = true,
     .about_person = true,
     .summary = "Overrides that were asked for about a person and the person's appeals, newest "
                "first",
     .response_schema = PERSON_REDRESS,
     .handle = redress_handle_list},
    {.method = HTTP_GET,
     .path = "/me",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .shed = SHED_STATUS,
     .query = MEMBER_QUERY,
     .summary = "The holder's own status, or a member's",
     .response_schema = OWN_STATUS,
     .handle = handle_me},
    {.method = HTTP_GET,
     .path = "/me/why",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .query = MEMBER_QUERY,
     .summary = "Why the holder's status, or a member's, is what it is, in words",
     .response_schema = OWN_DECISION,
     .handle = handle_why},
    {.method = HTTP_POST,
     .path = "/persons/{no}/overrides",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS),
     .permission = PERMISSION_BIT(PERMIT_OVERRIDE_REQUEST),
     .opens_identity = true,
     .about_person = true,
     .summary = "Asks for an override that lowers a person's status for at most seven days",
     .request_schema = OVERRIDE_REQUEST,
     .response_schema = OVERRIDE_STATE,
     .success_status = 202,
     .handle = override_handle_request},
    {.method = HTTP_GET,
     .path = "/overrides",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_OVERRIDE_APPROVE),
     .opens_identity = true,
     .query = "state:string:open (where absent), approved or refused;" PAGE_QUERY,
     .summary = "Overrides that were asked for in the reader's area",
     .response_schema = OVERRIDE_LIST,
     .handle = override_handle_list},
    {.method = HTTP_POST,
     .path = "/overrides/{id}/approve",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_OVERRIDE_APPROVE),
     .summary = "Approves an override; the last approval that is needed makes it evidence",
     .response_schema = OVERRIDE_STATE,
     .handle = override_handle_approve},
    {.method = HTTP_POST,
     .path = "/overrides/{id}/refuse",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_OVERRIDE_APPROVE),
     .summary = "Refuses an override, with words",
     .request_schema = WORDS_REQUEST,
     .response_schema = OVERRIDE_STATE,
     .handle = override_handle_refuse},
    {.method = HTTP_GET,
     .path = "/me/notices",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .query = PAGE_QUERY,
     .summary = "What was done to the holder's status, by which kind of office, why, until when, "
                "and how to appeal",
     .response_schema = NOTICE_LIST,
     .handle = notices_handle},
    {.method = HTTP_POST,
     .path = "/me/appeals",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .summary = "Appeals against the holder's status or a member's, or against one notice",
     .request_schema = APPEAL_REQUEST,
     .response_schema = APPEAL,
     .success_status = 201,
     .handle = appeal_handle_file},
    {.method = HTTP_GET,
     .path = "/me/appeals",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .query = PAGE_QUERY,
     .summary = "The holder's appeals, their decisions, and what followed",
     .response_schema = APPEAL_LIST,
     .handle = appeal_handle_own},
    {.method = HTTP_GET,
     .path = "/me/family",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .summary = "Whom the holder represents, with what GET /me shows of each, and who represents "
                "the holder",
     .response_schema = FAMILY,
     .handle = family_handle_list},
    {.method = HTTP_POST,
     .path = "/me/family",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .summary = "Represents a member of the family whom an identity provider proves",
     .request_schema = FAMILY_REQUEST,
     .response_schema = FAMILY_MEMBER,
     .success_status = 201,
     .handle = family_handle_join},
    {.method = HTTP_DELETE,
     .path = "/me/family/{no}",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .destructive = true,
     .summary = "Ends a representation at once, by either side",
     .response_schema = "{\"type\":\"object\"}",
     .handle = family_handle_leave},
    {.method = HTTP_GET,
     .path = "/appeals",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_APPEAL_DECIDE),
     .opens_identity = true,
     .query = "overdue:string:true: only those past their time;" PAGE_QUERY,
     .summary = "Open appeals of the reader's area, those due first at the head",
     .response_schema = APPEAL_LIST,
     .handle = appeal_handle_list},
    {.method = HTTP_POST,
     .path = "/appeals/{id}/decision",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_APPEAL_DECIDE),
     .summary = "Decides an appeal in words; a granted one names what is to follow",
     .request_schema = APPEAL_DECISION,
     .response_schema = APPEAL,
     .handle = appeal_handle_decide},
    {.method = HTTP_POST,
     .path = "/appeals/{id}/annulment",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_EVIDENCE_WRITE),
     .summary = "Annuls the evidence that a granted appeal names, by another hand than decided",
     .response_schema = APPEAL,
     .handle = appeal_handle_annul},
    {.method = HTTP_POST,
     .path = "/rules",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_RULES_PROPOSE),
     .summary = "Proposes a rule set and shows whom it would change: slow, up to a minute",
     .request_schema = RULES_REQUEST,
     .response_schema = RULES_CHANGE,
     .success_status = 201,
     .handle = rules_handle_propose},
    {.method = HTTP_GET,
     .path = "/rules",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_NONE,
     .summary = "Rule sets that are proposed or signed, and what each would change",
     .response_schema = RULES_LIST,
     .handle = rules_handle_list},
    {.method = HTTP_GET,
     .path = "/rules:versions",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_NONE,
     .summary = "Every rule set and proposal with its numbers and their sources",
     .response_schema = RULES_VERSIONS,
     .handle = rules_handle_versions},
    {.method = HTTP_GET,
     .path = "/rules/{id}",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_NONE,
     .summary = "One rule set that is proposed or signed",
     .response_schema = RULES_CHANGE,
     .handle = rules_handle_show},
    {.method = HTTP_POST,
     .path = "/rules/{id}/sign",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_RULES_SIGN),
     .summary = "Signs a proposed rule set; the second signature takes it up",
     .response_schema = RULES_CHANGE,
     .handle = rules_handle_sign},
    {.method = HTTP_GET,
     .path = "/public/rules",
     .access = ROUTE_PUBLIC,
     .touches = TOUCH_NOTHING,
     .summary = "The rule set in force with its legal basis; nothing where none is",
     .response_schema = PUBLIC_RULES,
     .handle = rules_handle_public},
};
