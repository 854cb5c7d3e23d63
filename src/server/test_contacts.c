/* Goal: a positive person is followed once: a case, and loops with an owner and a clock for exactly
 * those whom the trace finds, the household, the places and the units; nobody else, and no colour
 * but the person's own. */
#include <glob.h>
#include <sys/stat.h>

#include "contacts/contacts.h"
#include "server/test_loop_support.h"
#include "tracing/tracing.h"

#define LOOPS_OF(scene)                                                                            \
    "SELECT count(*) FROM loop WHERE state = 0 AND due_at > 0 AND seat_no > 0 AND scene_no IN"     \
    " (SELECT scene_no FROM scene_version WHERE name = '" scene "')"

struct case_city {
    int64_t person, looked;
};

static void follow(struct loopback *loop, struct case_city *city, int64_t expected_cases)
{
    struct error err;
    int64_t cases;
    test_fail_on(contacts_follow(loop->platform, &city->looked, &cases, &err), &err);
    assert_int_equal(cases, expected_cases);
    wait_until(loop, now(loop));
}

static void send_positive(struct loopback *loop, int64_t person, int accession, int status)
{
    char body[400], sampled[TIME_TEXT_BYTES], reported[TIME_TEXT_BYTES];
    snprintf(body, sizeof body,
             "{\"laboratory\":\"L1\",\"accession\":\"P-%d\",\"sampled_at\":\"%s\","
             "\"reported_at\":\"%s\",\"result\":\"positive\",\"person\":%lld}",
             accession, time_format(now(loop) - HOUR, sampled), time_format(now(loop), reported),
             (long long)person);
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", body, status, NULL);
}

/* Whom the trace finds with at least the weight of the policy: counted here by the trace alone. */
static int64_t traced(struct loopback *loop, int64_t person)
{
    double least = (double)policy_number(loop->platform->policy, NUMBER_CONTACT_LEAST);
    struct error err;
    struct tracer *tracer;
    struct presence_view *view;
    struct trace_result result;
    struct trace_request request = {.person = {(uint32_t)person},
                                    .from = (now(loop) - HOUR - 4 * DAY) / SECOND,
                                    .to = now(loop) / SECOND + 1,
                                    .model = TRACE_DWELL};
    int64_t count = 0;
    test_fail_on(tracer_create(loop->platform, &tracer, &err), &err);
    test_fail_on(presence_view_begin(loop->platform->presence, &view, &err), &err);
    test_fail_on(trace_run(tracer, view, &request, &result, &err), &err);
    for (size_t i = 0; i < result.count; i++) {
        char query[200];
        snprintf(query, sizeof query,
                 "SELECT count(*) FROM person a JOIN person b ON a.household_no = b.household_no"
                 " AND a.household_no > 0 WHERE a.person_no = %lld AND b.person_no = %u",
                 (long long)person, result.person[i]);
        count += (double)result.weight[i] * 100 >= least && !loopback_number(loop, query);
    }
    presence_view_end(view);
    tracer_free(tracer);
    return count;
}

/* One who lives with others and meets many. */
static int64_t somebody(struct loopback *loop)
{
    int64_t last = loopback_number(loop, "SELECT max(person_no) FROM person");
    for (int64_t person = 1; person <= last; person++) {
        char query[200];
        snprintf(query, sizeof query,
                 "SELECT count(*) FROM person a JOIN person b ON a.household_no = b.household_no"
                 " AND a.household_no > 0 WHERE a.person_no = %lld AND a.unit_no > 0",
                 (long long)person);
        if (loopback_number(loop, query) > 1 && traced(loop, person) >= 3)
            return person;
    }
    fail_msg("nobody met anybody");
    return 0;
}

static void a_positive_person_is_followed_to_all_who_are_concerned(void **state)
{
    struct loopback *loop = *state;
    struct case_city city = {0};
    char query[300];
    follow(loop, &city, 0);
    int64_t person = somebody(loop), evidence;
    static const char all[] = "SELECT count(*) FROM evidence";
    send_positive(loop, person, 1, 201);
    evidence = loopback_number(loop, all);
    follow(loop, &city, 1);
    snprintf(query, sizeof query,
             "SELECT count(*) FROM person a JOIN person b ON a.household_no = b.household_no WHERE"
             " a.person_no = %lld AND b.person_no <> a.person_no",
             (long long)person);
    int64_t household = loopback_number(loop, query), met = traced(loop, person);
    assert_true(household > 0 && met > 0);
    assert_int_equal(loopback_number(loop, LOOPS_OF("contact_management")), household + met);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM case_contact WHERE case_no ="
                                           " (SELECT max(case_no) FROM case_record)"),
                     household + met);
    assert_int_equal(loopback_number(loop, LOOPS_OF("case_investigation")), 1);
    assert_true(loopback_number(loop, LOOPS_OF("exposed_venue")) > 0);
    assert_true(loopback_number(loop, LOOPS_OF("exposed_unit")) > 0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM event WHERE kind ="
                                           " 'loop.not_opened'"),
                     0);
    snprintf(query, sizeof query,
             "SELECT count(*) FROM case_record WHERE person_no = %lld AND kind = 'asymptomatic'",
             (long long)person);
    assert_int_equal(loopback_number(loop, query), 1);
    /* proposals are no evidence: nobody is coded for having been there */
    assert_int_equal(loopback_number(loop, all), evidence);
    expect(loop, "cdc_investigator", HTTP_GET, "/api/v1/loops?owner=me&scene=contact_management",
           NULL, 200, "\"stage\":\"judging\"");
}

static void the_same_person_is_followed_once(void **state)
{
    struct loopback *loop = *state;
    struct case_city city = {0};
    follow(loop, &city, 0);
    int64_t person = somebody(loop);
    send_positive(loop, person, 1, 201);
    send_positive(loop, person, 1, 200); /* sent again */
    send_positive(loop, person, 2, 201); /* sampled again */
    follow(loop, &city, 1);
    int64_t loops = loopback_number(loop, "SELECT count(*) FROM loop");
    follow(loop, &city, 0);
    struct case_city restarted = {0};
    follow(loop, &restarted, 0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop"), loops);
    assert_int_equal(loopback_number(loop, LOOPS_OF("case_investigation")), 1);
}

/* Nobody with a scan or a home: a case, and nothing is made up. */
static void who_was_nowhere_exposes_nobody(void **state)
{
    struct loopback *loop = *state;
    struct case_city city = {0};
    loopback_change(loop, "INSERT INTO person (person_no, area_no, import_no) SELECT 900001,"
                          " area_no, 0 FROM area WHERE code = '320412'");
    follow(loop, &city, 0);
    send_positive(loop, 900001, 1, 201);
    follow(loop, &city, 1);
    assert_int_equal(loopback_number(loop, LOOPS_OF("contact_management")), 0);
    assert_int_equal(loopback_number(loop, LOOPS_OF("exposed_venue")), 0);
    assert_int_equal(loopback_number(loop, LOOPS_OF("exposed_unit")), 0);
    assert_int_equal(loopback_number(loop, LOOPS_OF("case_investigation")), 1);
}

/* Each file of one person's ways, in place, under the open store's eyes. */
static void damage_presence(struct loopback *loop)
{
    char pattern[120];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/presence/day-*/segment-*.person", loop->directory);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat status;
        int fd = open(found.gl_pathv[i], O_RDWR);
        assert_true(fd >= 0 && fstat(fd, &status) == 0);
        for (off_t at = 64; at < status.st_size / 2; at += 16) {
            unsigned char byte;
            assert_int_equal(pread(fd, &byte, 1, at), 1);
            byte ^= 1;
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
        close(fd);
    }
    globfree(&found);
}

/* The household is told, and the next positive person too: nothing waits for a repair. */
static void what_presence_cannot_read_keeps_no_case_waiting(void **state)
{
    struct loopback *loop = *state;
    struct case_city city = {0};
    char query[300];
    follow(loop, &city, 0);
    int64_t person = somebody(loop);
    snprintf(query, sizeof query,
             "SELECT b.person_no FROM person a JOIN person b ON a.household_no = b.household_no"
             " WHERE a.person_no = %lld AND b.person_no <> a.person_no LIMIT 1",
             (long long)person);
    int64_t relative = loopback_number(loop, query);
    snprintf(query, sizeof query,
             "SELECT count(*) FROM person a JOIN person b ON a.household_no = b.household_no WHERE"
             " a.person_no = %lld AND b.person_no <> a.person_no",
             (long long)person);
    int64_t household = loopback_number(loop, query);
    damage_presence(loop);
    send_positive(loop, person, 1, 201);
    follow(loop, &city, 1);
    assert_int_equal(loopback_number(loop, LOOPS_OF("case_investigation")), 1);
    assert_int_equal(loopback_number(loop, LOOPS_OF("contact_management")), household);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM event WHERE kind ="
                                           " 'contact.proposed' AND payload LIKE '%1970%'"),
                     0);
    send_positive(loop, relative, 2, 201);
    follow(loop, &city, 1);
    assert_int_equal(loopback_number(loop, LOOPS_OF("case_investigation")), 2);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM event WHERE kind ="
                                           " 'loop.not_opened'"),
                     0);
}

/* Several at once, with their own events between them. */
static void each_of_many_positive_persons_is_followed(void **state)
{
    struct loopback *loop = *state;
    struct case_city city = {0};
    enum { MANY = 12 };
    follow(loop, &city, 0);
    int64_t first = somebody(loop);
    for (int i = 0; i < MANY; i++)
        send_positive(loop, first + i, i, 201);
    follow(loop, &city, MANY);
    assert_int_equal(loopback_number(loop, "SELECT count(DISTINCT person_no) FROM case_record"
                                           " WHERE kind = 'asymptomatic' AND case_no IN (SELECT"
                                           " subject_no FROM event WHERE kind = 'case.confirmed')"),
                     MANY);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_positive_person_is_followed_to_all_who_are_concerned),
        LOOP_TEST(the_same_person_is_followed_once),
        LOOP_TEST(who_was_nowhere_exposes_nobody),
        LOOP_TEST(what_presence_cannot_read_keeps_no_case_waiting),
        LOOP_TEST(each_of_many_positive_persons_is_followed),
    };
    return LOOPBACK_RUN(tests);
}
