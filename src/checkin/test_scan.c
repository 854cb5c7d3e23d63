/* Goal: a scan is answered by the rule of its venue and the status of its person, whoever is named
 * in whatever form; it is kept with the right mode and grade; what is wrong with a request is said
 * with its field, and nothing of it is kept; a scan sent again is the same scan. */
#include "checkin/test_scan_city.h"

/* ---- Decisions */

static void the_decision_follows_colour_last_test_and_check_level(void **state)
{
    struct scan_city *city = *state;
    /* rows: hours since the last negative; columns: check level 0, 1 (72 h), 2 (48 h), 3 (24 h) */
    static const char *const green[NEGATIVES] = {"PCCC", "PPPP", "PPPP", "PPPC",
                                                 "PPPC", "PPCC", "PPCC", "PCCC"};
    static const char *const names[] = {"pass", "check", "refuse"};
    static const char letters[] = "PCR";
    for (int color = COLOR_GREEN; color <= COLOR_RED; color++)
        for (int n = 0; n < NEGATIVES; n++)
            for (int level = 0; level < LEVELS; level++) {
                struct answer answer;
                char wanted = color == COLOR_GREEN    ? green[n][level]
                              : color == COLOR_YELLOW ? 'C' : 'R';
                scan_as(city, person_of((enum color)color, n), (uint32_t)level + 1, "", &answer);
                assert_int_equal(answer.exchange.status, 200);
                assert_string_equal(text_of(&answer, "color"), color_name((enum color)color));
                assert_string_equal(text_of(&answer, "decision"),
                                    names[strchr(letters, wanted) - letters]);
                bool old = level && n &&
                           negative_hours[n] > (level == 1   ? 72
                                                : level == 2 ? 48
                                                             : 24);
                assert_int_equal(has_reason(&answer, "red_code"), color == COLOR_RED);
                assert_int_equal(has_reason(&answer, "yellow_code"), color == COLOR_YELLOW);
                assert_int_equal(has_reason(&answer, "test_missing"),
                                 color != COLOR_RED && level && n == 0);
                assert_int_equal(has_reason(&answer, "test_expired"), color != COLOR_RED && old);
                assert_int_equal(text_of(&answer, "last_negative_at")[0] != '\0', n > 0);
                if (wanted == 'P' && level) { /* good until the test is too old for this venue */
                    timestamp until;
                    static const int hours[] = {0, 72, 48, 24};
                    assert_true(time_parse(slice_of(text_of(&answer, "valid_until")), &until));
                    assert_int_equal(until / SECOND,
                                     (int64_t)city->now +
                                         (hours[level] - negative_hours[n]) * HOUR_SECONDS);
                }
                if (wanted != 'P')
                    assert_string_equal(text_of(&answer, "valid_until"), "");
                release(&answer);
            }
}

static void what_cannot_be_known_is_checked_and_never_red(void **state)
{
    struct scan_city *city = *state;
    struct answer answer;
    scan_as(city, 100000, 1, "", &answer); /* authentic, but of nobody we know */
    assert_string_equal(text_of(&answer, "decision"), "check");
    assert_string_equal(text_of(&answer, "color"), "unknown");
    assert_true(has_reason(&answer, "status_unknown"));
    assert_false(has_reason(&answer, "red_code"));
    release(&answer);
    scan_as(city, person_of(COLOR_GREEN, 1), VENUE_CLOSED, "", &answer);
    assert_string_equal(text_of(&answer, "decision"), "check");
    assert_true(has_reason(&answer, "venue_closed"));
    release(&answer);
    scan_as(city, person_of(COLOR_RED, 1), VENUE_CLOSED, "", &answer);
    assert_string_equal(text_of(&answer, "decision"), "refuse");
    release(&answer);
}

/* ---- Forms, modes, grades */

struct kept {
    struct presence_event events[16];
    size_t count;
};
static bool keep(void *context, const struct presence_event *events, size_t count,
                 struct error *err)
{
    (void)err;
    struct kept *kept = context;
    for (size_t i = 0; i < count && kept->count < 16; i++)
        kept->events[kept->count++] = events[i];
    return true;
}
static struct kept events_of(struct scan_city *city, uint32_t person, int64_t first, int64_t last)
{
    struct error err;
    struct presence_view *view;
    struct kept kept = {0};
    test_fail_on(presence_view_begin(city->base.platform.presence, &view, &err), &err);
    test_fail_on(presence_by_person(view, (struct person_no){person}, first, last, keep, &kept,
                                    &err), &err);
    presence_view_end(view);
    return kept;
}

static void every_form_of_a_holder_has_its_mode_and_its_grade(void **state)
{
    struct scan_city *city = *state;
    struct keys *keys = store_keys(city->base.platform.store);
    char session[120], code[PERSON_CODE_BYTES], paper[PERSON_CODE_BYTES], body[4096], id[19];
    char rotating[VENUE_TOKEN_BYTES], holder[200], forms[4][200];
    uint32_t person = person_of(COLOR_GREEN, 1);
    person_code_format(keys, 'c', person, city->now - 60, code);
    person_code_format(keys, 'p', person, city->now - 86400, paper);
    snprintf(id, sizeof id, "999001199001%02d%03d0", 1 + (int)person % 28, (int)person);
    id[17] = identity_id_check_digit(id);
    snprintf(forms[0], 200, "%s", holder_of(city, person, session));
    snprintf(forms[1], 200, "{\"code\":\"%s\"}", code);
    snprintf(forms[2], 200, "{\"paper_code\":\"%s\"}", paper);
    snprintf(forms[3], 200, "{\"id_number\":\"%s\"}", id);
    static const struct {
        int form;
        bool staff, offline, rotates;
        enum scan_mode mode;
        enum scan_evidence evidence;
    } rows[] = {
        {0, false, false, false, SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED},
        {0, false, false, true, SCAN_PERSON_SCANS_VENUE, SCAN_ROTATING},
        {0, false, true, false, SCAN_OFFLINE_BATCH, SCAN_CLAIMED},
        {1, true, false, false, SCAN_STAFF_SCANS_PERSON, SCAN_ATTENDED},
        {1, true, true, false, SCAN_STAFF_SCANS_PERSON, SCAN_ATTENDED},
        {2, true, false, false, SCAN_PAPER_CODE, SCAN_ATTENDED},
        {3, true, false, false, SCAN_ID_NUMBER, SCAN_ATTENDED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer;
        char more[100], at[TIME_TEXT_BYTES];
        uint32_t second = city->now - 50 + (uint32_t)i; /* each its own second */
        snprintf(more, sizeof more,
                 ",\"client_time\":\"%s\",\"client_id\":\"form-%zu\",\"direction\":\"%s\"",
                 time_format(second * SECOND, at), i, i % 2 ? "out" : "in");
        venue_rotating_format(keys, 1, 1, city->now - 20, rotating);
        snprintf(holder, sizeof holder, "%s", forms[rows[i].form]);
        if (rows[i].rotates)
            snprintf(body, sizeof body, "{\"venue_token\":\"%s\",\"holder\":%s%s}", rotating,
                     holder, more);
        else
            body_of(city, 1, holder, more, body);
        send_scan(city, rows[i].staff ? city->staff : NULL, NULL, body, rows[i].offline, &answer);
        assert_int_equal(answer.exchange.status, 200);
        assert_string_equal(text_of(&answer, "color"), "green");
        release(&answer);
        struct kept kept = events_of(city, person, second, second + 1);
        assert_int_equal(kept.count, 1);
        assert_int_equal(scan_flags_mode(kept.events[0].flags), rows[i].mode);
        assert_int_equal(scan_flags_evidence(kept.events[0].flags), rows[i].evidence);
        assert_int_equal(scan_flags_decision(kept.events[0].flags), SCAN_PASS);
        assert_int_equal(!!(kept.events[0].flags & SCAN_OUT_BIT), i % 2);
    }
}

static void only_staff_may_name_others_and_only_by_good_codes(void **state)
{
    struct scan_city *city = *state;
    struct keys *keys = store_keys(city->base.platform.store);
    char code[PERSON_CODE_BYTES], body[4096], holder[200], ended[HOLDER_SESSION_BYTES];
    uint32_t person = person_of(COLOR_GREEN, 1);
    person_code_format(keys, 'c', person, city->now, code);
    snprintf(holder, sizeof holder, "{\"code\":\"%s\"}", code);
    body_of(city, 1, holder, "", body);
    refuse(city, NULL, body, 401, "holder.code", "only staff");
    refuse(city, city->sampler, body, 403, "holder.code", "only staff");
    static const struct {
        char kind;
        int age;
        const char *form, *field;
        int status;
        const char *words;
    } codes[] = {{'c', 121, "code", "holder.code", 410, "expired: it may be a picture"},
                 {'c', -301, "code", "holder.code", 410, "expired"},
                 {'p', 1, "code", "holder", 400, "not issued here"},
                 {'c', 1, "paper_code", "holder", 400, "not issued here"},
                 {'p', 14 * 86400 + 1, "paper_code", "holder.paper_code", 410, "expired"}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        person_code_format(keys, codes[i].kind, person, city->now - (uint32_t)codes[i].age, code);
        snprintf(holder, sizeof holder, "{\"%s\":\"%s\"}", codes[i].form, code);
        refuse(city, city->staff, body_of(city, 1, holder, "", body), codes[i].status,
               codes[i].field, codes[i].words);
    }
    char number[19] = "999001199001011110";
    number[17] = identity_id_check_digit(number) == '5' ? '6' : '5';
    snprintf(holder, sizeof holder, "{\"id_number\":\"%s\"}", number);
    refuse(city, city->staff, body_of(city, 1, holder, "", body), 400, "id_number",
           "check character");
    access_holder_session(city->base.platform.access, person, 0, city->now - 100, city->now - 1, 1,
                          ended);
    snprintf(holder, sizeof holder, "{\"session\":\"%s\"}", ended);
    struct answer answer;
    send_scan(city, NULL, NULL, body_of(city, 1, holder, "", body), false, &answer);
    assert_int_equal(answer.exchange.status, 401);
    release(&answer);
    access_holder_session(city->base.platform.access, person, 1, city->now, city->now + 9, 1,
                          ended);
    snprintf(holder, sizeof holder, "{\"session\":\"%s\"}", ended);
    refuse(city, NULL, body_of(city, 1, holder, "", body), 401, "holder.session", "was ended");
}

static void a_bound_session_scans_on_its_own_device_only(void **state)
{
    struct scan_city *city = *state;
    struct access *access = city->base.platform.access;
    uint32_t person = person_of(COLOR_GREEN, 1);
    char session[HOLDER_SESSION_BYTES], holder[100], both[300], beside[120], body[4096];
    char device[ACCESS_DEVICE_BYTES], other[ACCESS_DEVICE_BYTES];
    struct answer answer;
    access_device_mark(access, (struct slice){NULL, 0}, device);
    access_device_mark(access, (struct slice){NULL, 0}, other);
    access_holder_session(access, person, 0, city->now, city->now + 9, 1, session);
    access_holder_bind(access, device, session);
    snprintf(holder, sizeof holder, "{\"session\":\"%s\"}", session);
    snprintf(both, sizeof both, ",\"companions\":[%s]", holder);
    const struct slice strangers[] = {{NULL, 0}, slice_of(other), SLICE("d1."), SLICE("")};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        city->device = strangers[i];
        refuse(city, NULL, body_of(city, 1, holder, "", body), 401, "Authorization",
               "not issued here");
        refuse(city, NULL, body_of(city, 1, holder_of(city, 3, beside), both, body), 401,
               "companions[0]", "not issued here");
    }
    city->device = slice_of(device);
    send_scan(city, NULL, NULL, body_of(city, 1, holder, "", body), false, &answer);
    assert_int_equal(answer.exchange.status, 200);
    release(&answer);
    send_scan(city, NULL, NULL, body_of(city, 1, holder_of(city, 3, beside), both, body), false,
              &answer);
    assert_int_equal(answer.exchange.status, 200);
    release(&answer);
    city->device = (struct slice){NULL, 0};
}

/* A page has its session in a cookie that no script reads: the scan says "current", and the
 * session's csrf comes beside it. */
static void a_request_with_a_session_scans_by_it_and_by_its_csrf_only(void **state)
{
    struct scan_city *city = *state;
    struct access *access = city->base.platform.access;
    struct keys *keys = store_keys(city->base.platform.store);
    uint32_t person = person_of(COLOR_GREEN, 1);
    char session[HOLDER_SESSION_BYTES], csrf[48], bearer[120], body[4096], code[PERSON_CODE_BYTES];
    char holder[200], named[120];
    struct answer answer;
    static const char current[] = "{\"session\":\"current\"}";
    access_holder_session(access, person, 0, city->now, city->now + 99, 1, session);
    access_csrf(access, slice_of(session), csrf);
    body_of(city, 1, current, "", body);
    refuse(city, NULL, body, 401, "holder.session", "no session");
    refuse(city, city->staff, body, 401, "holder.session", "no session of a holder");
    city->cookie = slice_of(session);
    refuse(city, NULL, body, 403, "X-CSRF-Token", "missing or wrong");
    city->csrf = SLICE("forged");
    refuse(city, NULL, body, 403, "X-CSRF-Token", "missing or wrong");
    city->csrf = slice_of(csrf);
    send_scan(city, NULL, NULL, body, false, &answer);
    assert_int_equal(answer.exchange.status, 200);
    assert_int_equal(answer.exchange.append.records[0].person, person);
    assert_int_equal(scan_flags_mode(answer.exchange.append.records[0].flags),
                     SCAN_PERSON_SCANS_VENUE);
    assert_int_equal(scan_flags_evidence(answer.exchange.append.records[0].flags), SCAN_CLAIMED);
    release(&answer);
    /* a holder's cookie names nobody else */
    person_code_format(keys, 'c', person, city->now, code);
    snprintf(holder, sizeof holder, "{\"code\":\"%s\"}", code);
    refuse(city, NULL, body_of(city, 1, holder, "", body), 403, "holder.code", "only staff");
    /* a cookie that is over refuses no scan that names its session */
    city->cookie = SLICE("h1.over");
    send_scan(city, NULL, NULL, body_of(city, 1, holder_of(city, 3, named), "", body), false,
              &answer);
    assert_int_equal(answer.exchange.status, 200);
    release(&answer);
    /* staff by their cookie, and a holder by a bearer */
    city->cookie = slice_of(city->staff + 7);
    access_csrf(access, city->cookie, csrf);
    send_scan(city, NULL, NULL, body_of(city, 1, holder, "", body), false, &answer);
    assert_int_equal(answer.exchange.status, 200);
    assert_int_equal(scan_flags_evidence(answer.exchange.append.records[0].flags), SCAN_ATTENDED);
    release(&answer);
    city->cookie = city->csrf = (struct slice){NULL, 0};
    snprintf(bearer, sizeof bearer, "Bearer %s", session);
    send_scan(city, bearer, NULL, body_of(city, 1, current, "", body), false, &answer);
    assert_int_equal(answer.exchange.status, 200);
    release(&answer);
    access_holder_session(access, person, 1, city->now, city->now + 99, 1, session);
    snprintf(bearer, sizeof bearer, "Bearer %s", session);
    refuse(city, bearer, body, 401, "holder.session", "was ended");
}

static const struct sql_text represent = {
    "test_represent",
    "INSERT INTO representation (representation_no, holder_no, member_no, relation, since,"
    " until_at, proof) VALUES (1, ?1, ?2, 1, ?3, ?4, 'stub')",
    "primary key"};

static bool represent_job(struct sql *sql, void *context, struct error *err)
{
    const int64_t *persons = context;
    return sql_run(sql, &represent,
                   SQL_ARGUMENTS(sql_int(persons[0]), sql_int(persons[1]), sql_int(sql_now(sql)),
                                 sql_int(sql_now(sql) + HOUR)),
                   err);
}

static void a_family_member_comes_along_by_number_with_who_represents_it(void **state)
{
    struct scan_city *city = *state;
    struct access *access = city->base.platform.access;
    int64_t persons[2] = {person_of(COLOR_GREEN, 1), person_of(COLOR_YELLOW, 1)};
    char session[HOLDER_SESSION_BYTES], bearer[120], body[4096], more[120], named[120];
    struct answer answer;
    struct error err;
    static const char current[] = "{\"session\":\"current\"}";
    access_holder_session(access, (uint32_t)persons[0], 0, city->now, city->now + 99, 1, session);
    snprintf(bearer, sizeof bearer, "Bearer %s", session);
    snprintf(more, sizeof more, ",\"companions\":[{\"member\":\"%lld\"}]", (long long)persons[1]);
    refuse(city, bearer, body_of(city, 1, current, more, body), 404, "companions[0]",
           "no such member");
    test_fail_on(store_write(city->base.platform.store, represent_job, persons, &err), &err);
    send_scan(city, bearer, NULL, body_of(city, 1, current, more, body), false, &answer);
    assert_int_equal(answer.exchange.status, 200);
    assert_string_equal(text_of(&answer, "decision"), "pass"); /* the holder's own */
    assert_int_equal(answer.exchange.append.count, 2);
    assert_int_equal(answer.exchange.append.records[1].person, persons[1]);
    assert_int_equal(scan_flags_mode(answer.exchange.append.records[1].flags), SCAN_COMPANION);
    release(&answer);
    /* not by a session in the body alone, not by staff, not without a number */
    refuse(city, NULL, body_of(city, 1, holder_of(city, (uint32_t)persons[0], named), more, body),
           401, "companions[0]", "only who represents");
    refuse(city, city->staff, body_of(city, 1, named, more, body), 401, "companions[0]",
           "only who represents");
    refuse(city, bearer,
           body_of(city, 1, current, ",\"companions\":[{\"member\":\"me\"}]", body), 400,
           "companions[0]", "not a number");
}

static void an_id_number_of_nobody_we_know_is_checked(void **state)
{
    struct scan_city *city = *state;
    char number[19] = "999001198001019990", holder[100], body[4096];
    struct answer answer;
    number[17] = identity_id_check_digit(number);
    snprintf(holder, sizeof holder, "{\"id_number\":\"%s\"}", number);
    send_scan(city, city->staff, NULL, body_of(city, 1, holder, "", body), false, &answer);
    assert_int_equal(answer.exchange.status, 200);
    assert_string_equal(text_of(&answer, "decision"), "check");
    assert_string_equal(text_of(&answer, "color"), "unknown");
    assert_true(has_reason(&answer, "status_unknown"));
    release(&answer);
}

/* ---- Venue codes */

static void a_revoked_or_changed_venue_code_is_refused_at_once(void **state)
{
    struct scan_city *city = *state;
    struct keys *keys = store_keys(city->base.platform.store);
    struct error err;
    char old[VENUE_TOKEN_BYTES], shorter[VENUE_SHORT_CODE_BYTES], holder[120], body[4096];
    uint16_t version = checkin_venue_version(city->checkin, 2);
    venue_token_format(keys, 2, version, old);
    venue_short_code_format(keys, 2, version, shorter);
    holder_of(city, person_of(COLOR_GREEN, 1), holder);
    for (int round = 0; round < 2; round++) {
        const char *codes[] = {old, shorter};
        for (int i = 0; i < 2; i++) {
            snprintf(body, sizeof body, "{\"venue_token\":\"%s\",\"holder\":%s}", codes[i], holder);
            if (round) {
                refuse(city, NULL, body, 410, "venue_token", "revoked");
            } else {
                struct answer answer;
                send_scan(city, NULL, NULL, body, false, &answer);
                assert_int_equal(answer.exchange.status, 200);
                release(&answer);
            }
        }
        if (round == 0)
            test_fail_on(checkin_revoke(city->checkin, 2, SLICE("guard"), &err), &err);
    }
    assert_int_equal(checkin_venue_version(city->checkin, 2), version + 1);
    struct answer answer;
    scan_as(city, person_of(COLOR_GREEN, 1), 2, "", &answer); /* the new code is good */
    assert_int_equal(answer.exchange.status, 200);
    release(&answer);
    venue_token_format(keys, 77, 1, old);
    snprintf(body, sizeof body, "{\"venue_token\":\"%s\",\"holder\":%s}", old, holder);
    refuse(city, NULL, body, 404, "venue_token", "no such venue");
    token_of(city, 1, old);
    old[10] = old[10] == 'A' ? 'B' : 'A';
    snprintf(body, sizeof body, "{\"venue_token\":\"%s\",\"holder\":%s}", old, holder);
    refuse(city, NULL, body, 400, "venue_token", "not issued here");
    venue_rotating_format(keys, 1, 1, city->now - 121, old);
    snprintf(body, sizeof body, "{\"venue_token\":\"%s\",\"holder\":%s}", old, holder);
    refuse(city, NULL, body, 400, "venue_token", "expired");
}

/* ---- Times */

static void client_times_are_bounded(void **state)
{
    struct scan_city *city = *state;
    uint32_t person = person_of(COLOR_GREEN, 2);
    char holder[120], body[4096], more[120], at[TIME_TEXT_BYTES];
    holder_of(city, person, holder);
    static const struct {
        int64_t before; /* seconds before now */
        bool taken, late;
    } rows[] = {{0, true, false},         {60, true, false},        {61, true, true},
                {72 * 3600, true, true},  {72 * 3600 + 1, false, false}, {-300, true, false},
                {-301, false, false},     {-86400, false, false},   {400 * 86400, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer;
        int64_t second = (int64_t)city->now - rows[i].before;
        snprintf(more, sizeof more, ",\"client_time\":\"%s\"", time_format(second * SECOND, at));
        body_of(city, 1, holder, more, body);
        if (!rows[i].taken) {
            refuse(city, NULL, body, 400, "client_time", "too old or in the future");
            continue;
        }
        send_scan(city, NULL, NULL, body, false, &answer);
        assert_int_equal(answer.exchange.status, 200);
        assert_int_equal(has_reason(&answer, "late"), rows[i].late);
        int64_t kept = rows[i].before < 0 ? city->now : second; /* a clock ahead is put right */
        assert_int_equal(answer.exchange.append.records[0].time, kept);
        release(&answer);
    }
    static const char *const bad[] = {"1969-12-31T23:59:59+00:00", "1970-01-01T00:00:00Z",
                                      "2106-02-07T06:28:16Z", "2199-12-31T00:00:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(more, sizeof more, ",\"client_time\":\"%s\"", bad[i]);
        refuse(city, NULL, body_of(city, 1, holder, more, body), 400, "client_time", "");
    }
    refuse(city, NULL, body_of(city, 1, holder, ",\"client_time\":\"2022-04-14 14:30\"", body), 400,
           "client_time", "not a time");
}

static void a_code_that_a_device_read_offline_is_judged_by_its_own_time(void **state)
{
    struct scan_city *city = *state;
    char code[PERSON_CODE_BYTES], holder[200], body[4096], more[120], at[TIME_TEXT_BYTES];
    struct answer answer;
    uint32_t then = city->now - 5 * 3600;
    person_code_format(store_keys(city->base.platform.store), 'c', person_of(COLOR_GREEN, 1),
                       then - 30, code);
    snprintf(holder, sizeof holder, "{\"code\":\"%s\"}", code);
    snprintf(more, sizeof more, ",\"client_id\":\"gate-1\",\"client_time\":\"%s\"",
             time_format(then * SECOND, at));
    send_scan(city, city->staff, NULL, body_of(city, 1, holder, more, body), true, &answer);
    assert_int_equal(answer.exchange.status, 200);
    assert_true(has_reason(&answer, "late"));
    assert_int_equal(answer.exchange.append.records[0].time, then);
    release(&answer);
    snprintf(more, sizeof more, ",\"client_time\":\"%s\"",
             time_format((then + 600) * SECOND, at)); /* ten minutes after it was shown */
    refuse(city, city->staff, body_of(city, 1, holder, more, body), 410, "holder.code",
           "expired");
}

/* ---- Companions */

static void companions_come_in_order_each_with_an_event(void **state)
{
    struct scan_city *city = *state;
    char body[4096], more[3000] = ",\"companions\":[", one[120], at[TIME_TEXT_BYTES];
    struct answer answer;
    uint32_t second = city->now - 40;
    static const int order[8] = {7, 3, 5, 1, 6, 2, 4, 3}; /* one of them twice */
    for (int i = 0; i < 8; i++) {
        strcat(more, i ? "," : "");
        strcat(more, holder_of(city, person_of(COLOR_YELLOW, order[i]), one));
    }
    strcat(more, "],\"client_time\":\"");
    strcat(more, time_format(second * SECOND, at));
    strcat(more, "\"");
    char holder[120];
    send_scan(city, NULL, "companions-1",
              body_of(city, 1, holder_of(city, person_of(COLOR_GREEN, 1), holder), more, body),
              false, &answer);
    assert_int_equal(answer.exchange.status, 200);
    assert_string_equal(text_of(&answer, "decision"), "pass"); /* the holder's own */
    json_t *events = json_object_get(answer.body, "events");
    assert_int_equal(json_array_size(events), 9);
    assert_string_equal(json_string_value(json_array_get(events, 0)), text_of(&answer, "event"));
    for (size_t i = 1; i < 9; i++) {
        const struct scan_record *record = &answer.exchange.append.records[i];
        struct scan_event_id before, id;
        assert_int_equal(record->person, person_of(COLOR_YELLOW, order[i - 1]));
        assert_int_equal(record->companion, i);
        assert_int_equal(scan_flags_mode(record->flags), SCAN_COMPANION);
        assert_int_equal(scan_flags_decision(record->flags), SCAN_CHECK);
        assert_true(scan_event_id_parse(
            slice_of(json_string_value(json_array_get(events, i - 1))), &before));
        assert_true(scan_event_id_parse(slice_of(json_string_value(json_array_get(events, i))),
                                        &id));
        assert_int_equal(id.ordinal, before.ordinal + 1);
    }
    release(&answer);
    /* named twice: two events, one when read */
    assert_int_equal(events_of(city, person_of(COLOR_YELLOW, 3), second, second + 1).count, 1);
    more[strlen(more) - strlen(at) - 2 - strlen("],\"client_time\":\"") + 1] = '\0';
    snprintf(more + strlen(more), 200, ",%s]", holder_of(city, 1, one));
    refuse(city, NULL, body_of(city, 1, holder, more, body), 400, "companions", "too many");
    refuse(city, NULL, body_of(city, 1, holder, ",\"companions\":[{}]", body), 400, "companions",
           "not named");
    snprintf(more, sizeof more, ",\"companions\":[%s,{\"session\":\"h1.forged\"}]",
             holder_of(city, 2, one));
    refuse(city, NULL, body_of(city, 1, holder, more, body), 401, "companions[1]", "");
    refuse(city, NULL, body_of(city, 1, holder, ",\"companions\":{}", body), 400, "companions", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_decision_follows_colour_last_test_and_check_level),
        cmocka_unit_test(what_cannot_be_known_is_checked_and_never_red),
        cmocka_unit_test(every_form_of_a_holder_has_its_mode_and_its_grade),
        cmocka_unit_test(only_staff_may_name_others_and_only_by_good_codes),
        cmocka_unit_test(a_bound_session_scans_on_its_own_device_only),
        cmocka_unit_test(a_request_with_a_session_scans_by_it_and_by_its_csrf_only),
        cmocka_unit_test(a_family_member_comes_along_by_number_with_who_represents_it),
        cmocka_unit_test(an_id_number_of_nobody_we_know_is_checked),
        cmocka_unit_test(a_revoked_or_changed_venue_code_is_refused_at_once),
        cmocka_unit_test(client_times_are_bounded),
        cmocka_unit_test(a_code_that_a_device_read_offline_is_judged_by_its_own_time),
        cmocka_unit_test(companions_come_in_order_each_with_an_event),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
