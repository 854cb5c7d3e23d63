/* The scan path: from the bytes of POST /scans to a decision and a durable answer.
 *
 * No SQL, no lock, no heap beyond the answer's buffer for the usual request. An ID number is the one
 * slow form: it is looked up by its blind index. */
#include <sodium.h>
#include <stdlib.h>

#include "checkin/checkin_internal.h"

/* ---- The room */

bool checkin_reload_venues(struct checkin *checkin, struct error *err)
{
    return venue_table_read(&checkin->venues, checkin->platform->store, err);
}

bool checkin_open(struct platform *platform, struct checkin **ret_checkin, struct error *err)
{
    struct checkin *checkin = x_alloc(1, sizeof *checkin);
    const struct policy *policy = platform->policy;
    checkin->platform = platform;
    venue_table_init(&checkin->venues);
    for (int level = 1; level <= 3; level++)
        checkin->level_seconds[level] =
            policy_number(policy, (enum policy_number)(NUMBER_LEVEL_1_HOURS + level - 1)) * 3600;
    checkin->late_seconds = policy_number(policy, NUMBER_LATE_HOURS) * 3600;
    checkin->ahead_seconds = policy_number(policy, NUMBER_AHEAD_SECONDS);
    checkin->code_seconds = policy_number(policy, NUMBER_CODE_SECONDS);
    checkin->rotation_seconds = policy_number(policy, NUMBER_ROTATION_SECONDS);
    checkin->paper_seconds = policy_number(policy, NUMBER_PAPER_DAYS) * 86400;
    struct sql *sql;
    bool done = store_read_begin(platform->store, &sql, err);
    if (done) {
        done = event_last(sql, &checkin->event_no, err);
        store_read_end(platform->store, sql);
    }
    if (!done || !checkin_reload_venues(checkin, err)) {
        checkin_close(checkin);
        return false;
    }
    *ret_checkin = checkin;
    return true;
}

void checkin_close(struct checkin *checkin)
{
    if (!checkin)
        return;
    venue_table_release(&checkin->venues);
    free(checkin);
}

uint32_t checkin_venue_count(const struct checkin *checkin)
{
    return atomic_load(&checkin->venues.count);
}

uint16_t checkin_venue_version(const struct checkin *checkin, uint32_t venue)
{
    return venue_table_get(&checkin->venues, venue).version;
}

/* ---- Decision */

static void decide(const struct checkin *checkin, struct status_entry status,
                   struct venue_state venue, uint32_t now, struct scan_answer *answer)
{
    enum scan_decision decision = SCAN_PASS;
    uint16_t reasons = 0;
    *answer = (struct scan_answer){.color = status.color, .last_negative = status.last_negative};
    int64_t valid_until = status.until ? status.until : 0;
    int64_t limit = checkin->level_seconds[venue.level & 3];
    if (!(status.flags & STATUS_KNOWN) || status.color >= COLOR_UNKNOWN) {
        decision = SCAN_CHECK;
        reasons |= SCAN_REASON_BIT(REASON_UNKNOWN_STATUS);
        answer->color = COLOR_UNKNOWN;
    } else if (status.color == COLOR_RED) {
        decision = SCAN_REFUSE;
        reasons |= SCAN_REASON_BIT(REASON_RED);
    } else if (status.color == COLOR_YELLOW) {
        decision = SCAN_CHECK;
        reasons |= SCAN_REASON_BIT(REASON_YELLOW);
    }
    if (limit && decision != SCAN_REFUSE) {
        if (!status.last_negative)
            reasons |= SCAN_REASON_BIT(REASON_NO_TEST);
        else if ((int64_t)now - status.last_negative > limit)
            reasons |= SCAN_REASON_BIT(REASON_TEST_OLD);
        else if (!valid_until || status.last_negative + limit < valid_until)
            valid_until = status.last_negative + limit;
        if (reasons & (SCAN_REASON_BIT(REASON_NO_TEST) | SCAN_REASON_BIT(REASON_TEST_OLD)))
            decision = SCAN_CHECK;
    }
    if (venue.closed) {
        decision = decision == SCAN_PASS ? SCAN_CHECK : decision;
        reasons |= SCAN_REASON_BIT(REASON_VENUE_CLOSED);
    }
    answer->decision = (uint8_t)decision;
    answer->reasons = reasons;
    answer->valid_until = decision == SCAN_PASS ? (uint32_t)valid_until : 0;
}

bool checkin_decide(const struct checkin *checkin, uint32_t venue, struct person_no person,
                    uint32_t now, struct scan_answer *ret_answer)
{
    struct venue_state state = venue_table_get(&checkin->venues, venue);
    if (!state.version)
        return false;
    decide(checkin, status_get(checkin->platform->status, person, now * SECOND), state, now,
           ret_answer);
    return true;
}

/* ---- The answer's words */

static const struct {
    const char *name, *zh, *en;
} reason_words[SCAN_REASON_COUNT] = {
#define X(id, name, zh, en) [id##_INDEX] = {name, zh, en},
    SCAN_REASON_TABLE(X)
#undef X
};

static void put_time(struct buffer *out, const char *key, uint32_t seconds)
{
    char text[TIME_TEXT_BYTES];
    if (seconds)
        buffer_print(out, ",\"%s\":\"%s\"", key, time_format(seconds * SECOND, text));
    else
        buffer_print(out, ",\"%s\":null", key);
}

/* All texts here are our own and plain: no escaping is needed. */
static void write_answer(struct scan_exchange *exchange)
{
    const struct presence_append *append = &exchange->append;
    const struct scan_answer *answer = &append->records[0].answer;
    struct buffer *out = &exchange->body;
    char id[SCAN_EVENT_ID_BYTES];
    buffer_clear(out);
    buffer_append_text(out, "{\"decision\":\"");
    buffer_append_text(out, scan_decision_name((enum scan_decision)answer->decision));
    buffer_append_text(out, "\",\"color\":\"");
    buffer_append_text(out, color_name((enum color)answer->color));
    buffer_append_text(out, "\"");
    put_time(out, "valid_until", answer->valid_until);
    put_time(out, "last_negative_at", answer->last_negative);
    buffer_append_text(out, ",\"reasons\":[");
    bool first = true;
    for (int i = 0; i < SCAN_REASON_COUNT; i++)
        if (answer->reasons & 1u << i) {
            buffer_print(out, "%s{\"code\":\"%s\",\"words\":{\"zh\":\"%s\",\"en\":\"%s\"}}",
                         first ? "" : ",", reason_words[i].name, reason_words[i].zh,
                         reason_words[i].en);
            first = false;
        }
    scan_event_id_format(append->first, id);
    buffer_append_text(out, "],\"event\":\"");
    buffer_append_text(out, id);
    buffer_append_text(out, "\",\"events\":[");
    for (size_t i = 0; i < append->count; i++) {
        scan_event_id_format((struct scan_event_id){append->first.day, append->first.ordinal + i},
                             id);
        buffer_append_text(out, i ? ",\"" : "\"");
        buffer_append_text(out, id);
        buffer_append_text(out, "\"");
    }
    buffer_append_text(out, "]}");
    exchange->status = 200;
}

void problem_write(struct buffer *out, const struct error *err)
{
    const struct error_kind *kind = error_kind(err->code);
    struct json_writer writer;
    char type[80];
    snprintf(type, sizeof type, "/problems/%s", kind->type);
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_text(&writer, "type", slice_of(type));
    json_field_text(&writer, "title", slice_of(kind->title_en));
    json_field_text(&writer, "title_zh", slice_of(kind->title_zh));
    json_field_int64(&writer, "status", kind->http_status);
    char detail[700];
    snprintf(detail, sizeof detail, "%s%s%s", err->what, err->expected[0] ? "; expected " : "",
             err->expected);
    json_field_text(&writer, "detail", slice_of(detail));
    json_key(&writer, "errors");
    json_array_begin(&writer);
    if (err->field[0]) {
        json_object_begin(&writer);
        json_field_text(&writer, "field", slice_of(err->field));
        json_field_text(&writer, "reason", slice_of(err->what));
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
}

static void answer_failure(struct scan_exchange *exchange, const struct error *err)
{
    exchange->failure = *err;
    exchange->status = error_kind(err->code)->http_status;
    buffer_clear(&exchange->body);
    problem_write(&exchange->body, err);
    exchange->answered(exchange);
}

static void on_durable(struct presence_append *append, const struct error *failure)
{
    struct scan_exchange *exchange = (struct scan_exchange *)append;
    if (failure) {
        answer_failure(exchange, failure);
        return;
    }
    write_answer(exchange);
    exchange->answered(exchange);
}

/* ---- Who */

struct scanner {
    struct checkin *checkin;
    const struct scan_credentials *shown;
    struct actor actor;
    uint32_t now;
    uint32_t time; /* of the event: client_time within its bounds, else now */
};

static bool staff_only(const struct scanner *scanner, const char *field, struct error *err)
{
    bool may = scanner->actor.kind == ACTOR_USER &&
               (scanner->actor.permissions & PERMISSION_BIT(PERMIT_SCAN_STAFF));
    return may || error_set(err,
                            scanner->actor.kind == ACTOR_NONE ? ERROR_UNAUTHENTICATED
                                                              : ERROR_FORBIDDEN,
                            (struct error_place){.field = field},
                            "the bearer token of a venue's staff",
                            "only staff may name a person this way");
}

static bool by_id_number(const struct scanner *scanner, struct slice text, uint32_t *ret_person,
                         struct error *err)
{
    struct platform *platform = scanner->checkin->platform;
    char normal[19];
    const char *warning;
    struct sql *sql;
    if (!identity_check_id_number(text, time_day_of_seconds(scanner->now), platform->demo, normal,
                                  &warning, err) ||
        !store_read_begin(platform->store, &sql, err))
        return false;
    bool done = registry_person_by_id_number(platform, sql, slice_of(normal), ret_person, err);
    store_read_end(platform->store, sql);
    return done; /* 0: unknown, answered `check` */
}

static bool code_in_time(const struct scanner *scanner, char kind, struct slice text,
                         uint32_t *ret_person, struct error *err)
{
    uint32_t issued;
    bool paper = kind == 'p';
    int64_t valid_seconds =
        paper ? scanner->checkin->paper_seconds : scanner->checkin->code_seconds;
    if (!person_code_parse(store_keys(scanner->checkin->platform->store), kind, text, ret_person,
                           &issued, err))
        return false;
    int64_t age = (int64_t)scanner->time - issued; /* a device that was offline sends it later */
    return (age >= -scanner->checkin->ahead_seconds && age <= valid_seconds) ||
           error_set(err, ERROR_GONE,
                     (struct error_place){.field = paper ? "holder.paper_code" : "holder.code"},
                     paper ? "a paper code of these days" : "the code that the phone shows now",
                     "the code has expired: it may be a picture of one");
}

static bool is_current(struct slice session)
{
    return slice_equal(session, SLICE("current"));
}

static bool session_in_time(const struct scanner *scanner, uint32_t person, uint8_t epoch,
                            struct error *err)
{
    struct status_entry status = status_get(scanner->checkin->platform->status,
                                            (struct person_no){person}, scanner->now * SECOND);
    return status.session_epoch == epoch ||
           error_set(err, ERROR_UNAUTHENTICATED, (struct error_place){.field = "holder.session"},
                     "a new session", "the session was ended");
}

/* The holder whose session it is: named in the body, or the one that the request itself carries. */
static bool by_session(const struct scanner *scanner, struct slice session, uint32_t *ret_person,
                       struct error *err)
{
    uint8_t epoch = scanner->actor.session_epoch;
    *ret_person = scanner->actor.person_no;
    if (is_current(session) && scanner->actor.kind != ACTOR_HOLDER)
        return error_set(err, ERROR_UNAUTHENTICATED,
                         (struct error_place){.field = "holder.session"},
                         "a request with a holder's session", "there is no session of a holder");
    return (is_current(session) ||
            access_holder_verify(scanner->checkin->platform->access, session,
                                 scanner->shown->device, scanner->now, ret_person, &epoch, err)) &&
           session_in_time(scanner, *ret_person, epoch, err);
}

/* A family member beside the holder, who represents the member: the other form that asks SQL. */
static bool by_member(const struct scanner *scanner, struct slice text, uint32_t *ret_person,
                      struct error *err)
{
    struct error_place place = {.field = "member"};
    int64_t member;
    if (scanner->actor.kind != ACTOR_HOLDER)
        return error_set(err, ERROR_UNAUTHENTICATED, place, "a request with the holder's session",
                         "only who represents a member names one");
    if (!slice_to_int64(text, 1, UINT32_MAX, &member))
        return error_set(err, ERROR_BAD_VALUE, place, "the number of a person", "not a number");
    *ret_person = (uint32_t)member;
    return status_represents(scanner->checkin->platform, scanner->actor.person_no, *ret_person,
                             err);
}

static bool resolve_holder(const struct scanner *scanner, const struct scan_holder *holder,
                           uint32_t *ret_person, enum scan_mode *ret_mode, struct error *err)
{
    switch (holder->form) {
    case HOLDER_SESSION:
        *ret_mode = SCAN_PERSON_SCANS_VENUE;
        return by_session(scanner, holder->text, ret_person, err);
    case HOLDER_MEMBER:
        *ret_mode = SCAN_COMPANION;
        return by_member(scanner, holder->text, ret_person, err);
    case HOLDER_CODE:
        *ret_mode = SCAN_STAFF_SCANS_PERSON;
        return staff_only(scanner, "holder.code", err) &&
               code_in_time(scanner, 'c', holder->text, ret_person, err);
    case HOLDER_PAPER_CODE:
        *ret_mode = SCAN_PAPER_CODE;
        return staff_only(scanner, "holder.paper_code", err) &&
               code_in_time(scanner, 'p', holder->text, ret_person, err);
    case HOLDER_ID_NUMBER:
        *ret_mode = SCAN_ID_NUMBER;
        return staff_only(scanner, "holder.id_number", err) &&
               by_id_number(scanner, holder->text, ret_person, err);
    default:
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "holder"},
                         "session, code, paper_code or id_number", "missing");
    }
}

/* ---- Submitting */

/* A rotating code is good for a moment only: a picture of it is worth nothing elsewhere. */
static bool rotating_in_time(const struct scanner *scanner, uint32_t issued, struct error *err)
{
    int64_t age = (int64_t)scanner->now - issued;
    return (age >= -scanner->checkin->ahead_seconds && age <= scanner->checkin->code_seconds) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "venue_token"},
                     "the code that the venue's screen shows now", "the rotating code has expired");
}

static bool find_venue(const struct scanner *scanner, struct slice token, uint32_t *ret_venue,
                       struct venue_state *ret_state, bool *ret_rotating, struct error *err)
{
    const struct checkin *checkin = scanner->checkin;
    const struct keys *keys = store_keys(checkin->platform->store);
    uint16_t version;
    uint32_t issued;
    bool is_short = false;
    struct error_place place = {.field = "venue_token"};
    *ret_rotating = venue_token_is_rotating(token);
    if (*ret_rotating ? !venue_rotating_parse(keys, token, ret_venue, &version, &issued, err) ||
                            !rotating_in_time(scanner, issued, err)
                      : !venue_token_parse(keys, token, ret_venue, &version, &is_short, err))
        return false;
    *ret_state = venue_table_get(&checkin->venues, *ret_venue);
    if (!ret_state->version)
        return error_set(err, ERROR_NOT_FOUND, place, "the code of a registered venue",
                         "there is no such venue");
    uint16_t wanted = is_short ? ret_state->version & 15 : ret_state->version;
    return version == wanted || error_set(err, ERROR_GONE, place, "the venue's current code",
                                          "this venue code was revoked");
}

static bool event_time(const struct scanner *scanner, const struct scan_request *request,
                       uint32_t *ret_time, struct error *err)
{
    *ret_time = scanner->now;
    if (request->client_time == TIMESTAMP_NONE)
        return true;
    int64_t seconds = request->client_time / SECOND;
    int64_t age = scanner->now - seconds;
    if (request->client_time < 0 || age > scanner->checkin->late_seconds ||
        age < -scanner->checkin->ahead_seconds)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "client_time"},
                         "a time not later than now and within the hours that late scans may have",
                         "too old or in the future");
    *ret_time = (uint32_t)(age < 0 ? scanner->now : seconds);
    return true;
}

enum { KEY_TEXT_BYTES_MAX = 255 }; /* of an Idempotency-Key and of a client_id */

/* 16 bytes bound to who asks, so that one actor's key is not another's. */
static void request_hash(const struct checkin *checkin, char domain, int64_t actor,
                         struct slice key, unsigned char out[16])
{
    unsigned char text[9 + KEY_TEXT_BYTES_MAX] = {(unsigned char)domain};
    REQUIRE(key.length <= KEY_TEXT_BYTES_MAX);
    memcpy(text + 1, &actor, 8);
    memcpy(text + 9, key.data, key.length);
    crypto_shorthash_siphashx24(out, text, 9 + key.length,
                                keys_of(store_keys(checkin->platform->store), KEY_IDEMPOTENCY));
}

static uint64_t digest_of(const struct checkin *checkin, struct slice body)
{
    uint64_t digest;
    crypto_shorthash((unsigned char *)&digest, (const unsigned char *)body.data, body.length,
                     keys_of(store_keys(checkin->platform->store), KEY_IDEMPOTENCY) + 16);
    return digest;
}

static void fill_record(const struct scanner *scanner, const struct scan_request *request,
                        struct venue_state state, uint32_t venue, uint32_t person,
                        enum scan_mode mode, enum scan_evidence evidence, bool offline,
                        struct scan_record *record)
{
    struct status_entry status = status_get(scanner->checkin->platform->status,
                                            (struct person_no){person}, scanner->now * SECOND);
    memset(record, 0, sizeof *record);
    decide(scanner->checkin, status, state, scanner->now, &record->answer);
    bool late = scanner->time + 60 < scanner->now;
    if (late)
        record->answer.reasons |= SCAN_REASON_BIT(REASON_LATE);
    record->person = person;
    record->venue = venue;
    record->time = scanner->time;
    record->flags = scan_flags(offline && evidence != SCAN_ATTENDED ? SCAN_OFFLINE_BATCH : mode,
                               evidence, (enum scan_decision)record->answer.decision);
    if (request->direction == DIRECTION_OUT)
        record->flags |= SCAN_OUT_BIT;
}

static bool prepare(struct scanner *scanner, const struct scan_request *request,
                    struct slice request_key, struct slice body, bool offline,
                    struct presence_append *append, struct error *err)
{
    uint32_t venue, person;
    struct venue_state state;
    enum scan_mode mode;
    bool rotating;
    if (!find_venue(scanner, request->venue_token, &venue, &state, &rotating, err) ||
        !event_time(scanner, request, &scanner->time, err) ||
        !resolve_holder(scanner, &request->holder, &person, &mode, err))
        return false;
    enum scan_evidence evidence = scanner->actor.kind == ACTOR_USER ? SCAN_ATTENDED
                                  : rotating                         ? SCAN_ROTATING
                                                                     : SCAN_CLAIMED;
    struct scan_record *record = &append->records[0];
    fill_record(scanner, request, state, venue, person, mode, evidence, offline, record);
    append->count = 1 + request->companion_count;
    record->companion_count = (uint8_t)request->companion_count;
    for (size_t i = 0; i < request->companion_count; i++) {
        uint32_t companion;
        struct scan_record *beside = &append->records[1 + i];
        if (!resolve_holder(scanner, &request->companions[i], &companion, &mode, err)) {
            snprintf(err->field, sizeof err->field, "companions[%zu]", i);
            return false;
        }
        fill_record(scanner, request, state, venue, companion, SCAN_COMPANION, evidence, offline,
                    beside);
        beside->companion = (uint8_t)(i + 1);
        beside->companion_count = record->companion_count;
    }
    if (request->client_id.length > KEY_TEXT_BYTES_MAX)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "client_id"},
                         "at most 255 bytes", "the id is too long");
    int64_t who = scanner->actor.kind == ACTOR_USER ? -scanner->actor.user_no : (int64_t)person;
    if (request_key.length)
        request_hash(scanner->checkin, 'k', who, request_key, record->request_key);
    if (request->client_id.length)
        request_hash(scanner->checkin, 'c', who, request->client_id, record->client_key);
    record->body_digest = digest_of(scanner->checkin, body);
    return true;
}

void scan_exchange_init(struct scan_exchange *exchange)
{
    *exchange = (struct scan_exchange){0};
    buffer_init(&exchange->body, 1 << 16);
}

void scan_exchange_release(struct scan_exchange *exchange)
{
    buffer_release(&exchange->body);
}

/* Who asks. A cookie is looked at only where the scan asks for it: one that has ended does not
 * refuse a scan that names its holder. */
static bool find_actor(struct scanner *scanner, const struct scan_request *request,
                       struct error *err)
{
    const struct scan_credentials *shown = scanner->shown;
    struct access *access = scanner->checkin->platform->access;
    struct slice none = {NULL, 0};
    bool names_itself =
        request->holder.form == HOLDER_SESSION && !is_current(request->holder.text);
    bool by_cookie = !shown->authorization.data && shown->cookie.data && !names_itself;
    if (!shown->authorization.data && !by_cookie)
        return true;
    return access_actor(access, shown->authorization, by_cookie ? shown->cookie : none,
                        shown->device, &scanner->actor, err) &&
           (!by_cookie || access_csrf_fits(access, shown->cookie, shown->csrf) ||
            error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "X-CSRF-Token"},
                      "the csrf of the session", "missing or wrong"));
}

void scan_submit(struct checkin *checkin, const struct scan_credentials *shown,
                 struct slice request_key, struct slice body, bool offline,
                 struct scan_exchange *exchange)
{
    struct scan_request request;
    struct error err;
    struct scanner scanner = {.checkin = checkin, .shown = shown};
    struct platform *platform = checkin->platform;
    scanner.now = (uint32_t)(world_now(platform->world) / SECOND);
    exchange->checkin = checkin;
    exchange->append.done = on_durable;
    exchange->append.repeated = false;
    bool good = scan_request_parse(body, &request, &err);
    if (good && offline && !request.client_id.length)
        good = error_set(&err, ERROR_BAD_VALUE, (struct error_place){.field = "client_id"},
                         "the device's own id of this scan", "missing");
    good = good && find_actor(&scanner, &request, &err);
    if (good && request_key.length > KEY_TEXT_BYTES_MAX)
        good = error_set(&err, ERROR_BAD_VALUE, (struct error_place){.field = "Idempotency-Key"},
                         "at most 255 bytes", "the key is too long");
    good = good && prepare(&scanner, &request, request_key, body, offline, &exchange->append,
                           &err) &&
           presence_append(platform->presence, &exchange->append, &err);
    if (!good)
        answer_failure(exchange, &err);
}
