/* Goal: a case's chain says who may have infected whom, by what evidence and in which order, how
 * long each took, and what it leaves out; within the reader's area, recorded, at bounded cost. The
 * cases, their homes and their meetings are written by hand into the small city. */
#include <sys/stat.h>

#include "contacts/contacts.h"
#include "presence/presence.h"
#include "server/test_loop_support.h"
#include "status/status.h"

#define TOWN_OF(code)                                                                              \
    "(SELECT min(area_no) FROM area WHERE substr(code, 1, 6) = '" code "' AND length(code) > 6)"
#define TOWN TOWN_OF("320412")
#define AWAY TOWN_OF("320481")
#define ROWS(table) (sizeof(table) / sizeof *(table))
enum { FIRST = 9000 }; /* person 9001 has case 101 and so on */

/* "10T08:00:00" of April 2022. */
static timestamp moment(const char *text)
{
    char whole[40];
    timestamp time;
    snprintf(whole, sizeof whole, "2022-04-%s+08:00", text);
    assert_true(time_parse(slice_of(whole), &time));
    return time;
}

/* A number of policies/chains.yaml, from the next start on. */
static void set_number(struct loopback *loop, const char *was, const char *is)
{
    char path[120];
    const struct embedded_file *file = embedded_find("policies/chains.yaml");
    assert_non_null(file);
    const char *at = strstr(file->content.data, was), *rest = at + strlen(was);
    assert_non_null(at);
    snprintf(path, sizeof path, "%s/policies/chains.yaml", loop->directory);
    FILE *own = fopen(path, "w");
    assert_non_null(own);
    fprintf(own, "%.*s%s%.*s", (int)(at - file->content.data), file->content.data, is,
            (int)(file->content.length - (size_t)(rest - file->content.data)), rest);
    fclose(own);
    loopback_restart(loop);
}

/* ---- Writing */

static void clear_cases(struct loopback *loop)
{
    loopback_change(loop, "DELETE FROM case_record");
    loopback_change(loop, "DELETE FROM case_contact");
}

/* Person FIRST + n with case 100 + n. */
static void add_case(struct loopback *loop, int n, const char *kind, const char *at,
                     const char *reported, const char *area)
{
    char text[400];
    snprintf(text, sizeof text,
             "INSERT INTO person (person_no, area_no, import_no) VALUES (%d, %s, 0)", FIRST + n,
             area);
    loopback_change(loop, text);
    snprintf(text, sizeof text,
             "INSERT INTO case_record (case_no, area_no, person_no, kind, at, recorded_at,"
             " import_no) VALUES (%d, %s, %d, '%s', %lld, %lld, 0)",
             100 + n, area, FIRST + n, kind, (long long)moment(at), (long long)moment(reported));
    loopback_change(loop, text);
}

struct scan {
    int n;
    uint32_t venue;
    const char *at;
};
static void add_scans(struct loopback *loop, const struct scan *scans, size_t count)
{
    struct presence_event events[32];
    struct presence_bulk *bulk;
    struct presence_bulk_result result;
    struct error err;
    assert_true(count <= 32);
    for (size_t i = 0; i < count; i++)
        events[i] = (struct presence_event){
            .person = (uint32_t)(FIRST + scans[i].n),
            .venue = scans[i].venue,
            .time = (uint32_t)(moment(scans[i].at) / SECOND),
            .flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_ATTENDED, SCAN_PASS)};
    test_fail_on(presence_bulk_begin(loop->platform->presence, 7, &bulk, &err), &err);
    test_fail_on(presence_bulk_add(bulk, events, count, &err), &err);
    test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
    presence_bulk_abandon(bulk);
    assert_int_equal(result.inserted, count);
}

static bool put_contact(struct sql *sql, void *context, struct error *err)
{
    return contact_add(sql, context, err);
}
static void add_contact(struct loopback *loop, int of, int n, enum contact_level level, int via)
{
    struct case_contact contact = {.case_no = 100 + of,
                                   .person = (uint32_t)(FIRST + n),
                                   .via = via ? (uint32_t)(FIRST + via) : 0,
                                   .level = level,
                                   .last_exposure_at = moment("06T12:00:00"),
                                   .known_at = moment("07T09:00:00")};
    struct error err;
    test_fail_on(store_write(loop->platform->store, put_contact, &contact, &err), &err);
}

/* ---- Reading */

static struct answer read_as(struct loopback *loop, const char *user, int n, const char *rest)
{
    char token[80], path[120], purpose[40];
    snprintf(path, sizeof path, "/api/v1/cases/%d/%s", 100 + n, rest);
    snprintf(purpose, sizeof purpose, "case:%d", 100 + n);
    return loopback_call(loop, &(struct call){.path = path,
                                              .authorization = loopback_user(loop, user, token),
                                              .purpose = purpose});
}
static struct answer read_part(struct loopback *loop, int n, const char *rest)
{
    struct answer answer = read_as(loop, "cdc_lead", n, rest);
    if (answer.status != 200)
        fail_msg("%s: %d %s", rest, answer.status, answer.response.body.data);
    return answer;
}

static json_t *node_of(const struct answer *answer, int n)
{
    json_t *nodes = json_object_get(answer->json, "nodes"), *node;
    size_t i;
    json_array_foreach (nodes, i, node)
        if (json_integer_value(json_object_get(node, "id")) == 100 + n)
            return node;
    return NULL;
}
static int64_t number_in(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : -1000;
}
static json_t *edge_of(const struct answer *answer, int from, int to)
{
    json_t *edges = json_object_get(answer->json, "edges"), *edge;
    size_t i;
    json_array_foreach (edges, i, edge)
        if (number_in(edge, "from") == 100 + from && number_in(edge, "to") == 100 + to)
            return edge;
    return NULL;
}
static json_t *evidence_of(json_t *edge, const char *kind)
{
    json_t *list = json_object_get(edge, "evidence"), *item;
    size_t i;
    json_array_foreach (list, i, item)
        if (strcmp(json_string_value(json_object_get(item, "kind")), kind) == 0)
            return item;
    return NULL;
}
static bool is_cut(const struct answer *answer, const char *what)
{
    json_t *cut = json_object_get(answer->json, "cut"), *item;
    size_t i;
    json_array_foreach (cut, i, item)
        if (strcmp(json_string_value(item), what) == 0)
            return true;
    return false;
}
static void assert_time(json_t *object, const char *name, const char *expected)
{
    char text[TIME_TEXT_BYTES];
    json_t *value = json_object_get(object, name);
    assert_non_null(value);
    if (!expected) {
        assert_true(json_is_null(value));
        return;
    }
    assert_string_equal(json_string_value(value), time_format(moment(expected), text));
}

/* ---- Generations: 1 met 2, 2 met 3, 3 met 4, each two days before the next fell ill */

static void write_chain(struct loopback *loop)
{
    static const struct scan scans[] = {
        {1, 1, "04T08:00:00"}, {2, 1, "04T08:01:00"}, {2, 2, "06T08:00:00"},
        {3, 2, "06T08:01:00"}, {3, 3, "08T08:00:00"}, {4, 3, "08T08:01:00"},
    };
    clear_cases(loop);
    add_case(loop, 1, "case", "04T12:00:00", "05T12:00:00", TOWN);
    add_case(loop, 2, "case", "06T12:00:00", "07T12:00:00", TOWN);
    add_case(loop, 3, "case", "08T12:00:00", "09T12:00:00", TOWN);
    add_case(loop, 4, "asymptomatic", "10T12:00:00", "11T12:00:00", TOWN);
    add_scans(loop, scans, ROWS(scans));
}

static void a_chain_is_told_by_generation_to_both_sides(void **state)
{
    struct loopback *loop = *state;
    write_chain(loop);
    struct answer answer = read_part(loop, 3, "chain");
    assert_int_equal(json_array_size(json_object_get(answer.json, "nodes")), 4);
    assert_int_equal(number_in(json_array_get(json_object_get(answer.json, "nodes"), 0), "id"),
                     103);
    static const int generations[] = {-2, -1, 0, 1};
    for (int n = 1; n <= 4; n++) {
        assert_int_equal(number_in(node_of(&answer, n), "generation"), generations[n - 1]);
        assert_int_equal(number_in(node_of(&answer, n), "sources"), n > 1);
    }
    assert_true(json_is_null(json_object_get(node_of(&answer, 1), "likely_source")));
    assert_int_equal(json_array_size(json_object_get(answer.json, "edges")), 3);
    for (int n = 1; n <= 3; n++) {
        json_t *edge = edge_of(&answer, n, n + 1), *met = evidence_of(edge, "co_presence");
        assert_true(json_is_true(json_object_get(edge, "likely")));
        assert_true(json_is_true(json_object_get(edge, "order_known")));
        assert_int_equal(json_array_size(json_object_get(edge, "evidence")), 1);
        assert_int_equal(number_in(met, "venue_no"), n);
        assert_int_equal(number_in(met, "co_visits"), 1);
        assert_int_equal(number_in(met, "closest_gap_s"), 60);
        assert_true(json_number_value(json_object_get(met, "weight")) > 0.5);
    }
    assert_true(json_number_value(json_object_get(edge_of(&answer, 3, 4), "interval_hours")) == 48);
    assert_int_equal(json_array_size(json_object_get(answer.json, "cut")), 0);
    assert_int_equal(number_in(answer.json, "considered"), 4);
    answer_release(&answer);
}

static void what_is_left_out_is_said(void **state)
{
    struct loopback *loop = *state;
    write_chain(loop);
    struct answer answer = read_part(loop, 1, "chain?generations=1");
    assert_int_equal(json_array_size(json_object_get(answer.json, "nodes")), 2);
    assert_true(is_cut(&answer, "generations") && !is_cut(&answer, "cases"));
    answer_release(&answer);
    answer = read_part(loop, 1, "chain?limit=2");
    assert_int_equal(json_array_size(json_object_get(answer.json, "nodes")), 2);
    assert_true(is_cut(&answer, "cases"));
    answer_release(&answer);
    set_number(loop, "looks: {value: 200", "looks: {value: 2");
    answer = read_part(loop, 1, "chain");
    assert_true(is_cut(&answer, "looks"));
    assert_true(json_array_size(json_object_get(answer.json, "nodes")) < 4);
    answer_release(&answer);
    static const char *const wrong[] = {"chain?generations=0", "chain?generations=99",
                                        "chain?limit=1", "chain?limit=many"};
    for (size_t i = 0; i < ROWS(wrong); i++) {
        answer = read_as(loop, "cdc_lead", 1, wrong[i]);
        assert_int_equal(answer.status, 400);
        answer_release(&answer);
    }
}

/* ---- Sources: 6 fell ill; five others may have infected it */

static void write_sources(struct loopback *loop)
{
    uint32_t shop = (uint32_t)loopback_number(
        loop, "SELECT min(venue_no) FROM venue WHERE category IN ('shop', 'supermarket')");
    const struct scan scans[] = {
        {6, 1, "07T08:00:00"},    {1, 1, "07T08:00:00"},    /* one second; ill two hours before */
        {6, shop, "07T12:00:00"}, {2, shop, "07T12:25:00"}, /* some minutes apart */
        {6, shop, "09T12:00:00"}, {5, shop, "09T12:00:00"}, /* after 6 was ill */
    };
    assert_true(shop > 0);
    clear_cases(loop);
    add_case(loop, 1, "case", "08T10:00:00", "09T10:00:00", TOWN);
    add_case(loop, 2, "case", "06T12:00:00", "10T12:00:00", TOWN);
    add_case(loop, 3, "case", "05T12:00:00", "06T12:00:00", TOWN);
    add_case(loop, 4, "case", "05T12:00:00", "06T12:00:00", TOWN);
    add_case(loop, 5, "case", "06T13:00:00", "11T12:00:00", TOWN);
    add_case(loop, 6, "case", "08T12:00:00", "11T12:00:00", TOWN);
    loopback_change(loop, "UPDATE person SET household_no = 7777 WHERE person_no IN (9003, 9006)");
    add_contact(loop, 4, 6, CONTACT_CLOSE, 0);
    add_scans(loop, scans, ROWS(scans));
}

static void sources_stand_in_order_of_what_speaks_for_them(void **state)
{
    struct loopback *loop = *state;
    write_sources(loop);
    struct answer answer = read_part(loop, 6, "chain");
    json_t *node = node_of(&answer, 6);
    assert_int_equal(number_in(node, "likely_source"), 104); /* named by the investigation */
    assert_int_equal(number_in(node, "sources"), 4);
    assert_null(edge_of(&answer, 5, 6)); /* met when 6 was ill already: no source */
    json_t *named = evidence_of(edge_of(&answer, 4, 6), "contact");
    assert_string_equal(json_string_value(json_object_get(named, "level")), "close");
    assert_time(named, "known_at", "07T09:00:00");
    assert_non_null(evidence_of(edge_of(&answer, 3, 6), "household"));
    assert_true(json_is_true(json_object_get(edge_of(&answer, 4, 6), "likely")));
    for (int n = 1; n <= 3; n++)
        assert_true(json_is_false(json_object_get(edge_of(&answer, n, 6), "likely")));
    assert_true(json_is_false(json_object_get(edge_of(&answer, 1, 6), "order_known")));
    static const bool strong[] = {false, false, true, true}; /* no order; lighter than even */
    for (int n = 1; n <= 4; n++)
        assert_int_equal(json_is_true(json_object_get(edge_of(&answer, n, 6), "strong")),
                         strong[n - 1]);
    /* the nodes of a generation come in that order: close contact, same home, met with an order,
     * met without one although it weighs more */
    static const int order[] = {6, 4, 3, 2, 1};
    for (size_t i = 0; i < ROWS(order); i++)
        assert_int_equal(number_in(json_array_get(json_object_get(answer.json, "nodes"), i), "id"),
                         100 + order[i]);
    double with_1 = json_number_value(json_object_get(edge_of(&answer, 1, 6), "weight"));
    double with_2 = json_number_value(json_object_get(edge_of(&answer, 2, 6), "weight"));
    assert_true(with_1 > with_2 && with_2 > 0);
    answer_release(&answer);
    set_number(loop, "sources: {value: 8", "sources: {value: 2");
    answer = read_part(loop, 6, "chain");
    assert_true(is_cut(&answer, "sources"));
    assert_non_null(node_of(&answer, 3));
    assert_null(node_of(&answer, 2));
    assert_int_equal(number_in(node_of(&answer, 6), "sources"), 4); /* their number is told */
    answer_release(&answer);
}

/* 2 came to a bus when 1 had most likely left it: it weighs less than a hundredth. */
static void a_weight_below_a_hundredth_makes_no_source(void **state)
{
    struct loopback *loop = *state;
    uint32_t bus =
        (uint32_t)loopback_number(loop, "SELECT min(venue_no) FROM venue WHERE category = 'bus'");
    const struct scan scans[] = {{1, bus, "07T08:00:00"}, {2, bus, "07T09:50:00"}};
    assert_true(bus > 0);
    clear_cases(loop);
    add_case(loop, 1, "case", "08T10:00:00", "09T10:00:00", TOWN);
    add_case(loop, 2, "case", "10T12:00:00", "11T12:00:00", TOWN);
    add_scans(loop, scans, ROWS(scans));
    struct answer answer = read_part(loop, 2, "chain");
    assert_int_equal(number_in(node_of(&answer, 2), "sources"), 0);
    assert_null(edge_of(&answer, 1, 2));
    answer_release(&answer);
    set_number(loop, "least_percent: {value: 1", "least_percent: {value: 0");
    answer = read_part(loop, 2, "chain"); /* it is there, and lighter than a hundredth */
    double weight = json_number_value(json_object_get(edge_of(&answer, 1, 2), "weight"));
    assert_true(weight > 0 && weight < 0.01);
    answer_release(&answer);
}

/* The simulated outbreak knows who infected whom. What is told does not, and must do clearly better
 * than naming one of the possible sources at random. */
static void the_strongest_source_is_the_true_one_more_often_than_by_chance(void **state)
{
    struct loopback *loop = *state;
    int64_t last = loopback_number(loop, "SELECT max(case_no) FROM case_record");
    int hits = 0, known = 0;
    double chance = 0;
    for (int64_t no = 1; no <= last; no++) {
        char query[300];
        snprintf(query, sizeof query,
                 "SELECT max(s.case_no) FROM case_record c JOIN demo_infection i ON i.person_no ="
                 " c.person_no JOIN case_record s ON s.person_no = i.infector_no WHERE c.case_no ="
                 " %lld",
                 (long long)no);
        int64_t truth = loopback_number(loop, query);
        struct answer answer = read_part(loop, (int)no - 100, "chain");
        json_t *node = node_of(&answer, (int)no - 100);
        int64_t sources = number_in(node, "sources");
        if (truth > 0 && sources > 0) {
            known++;
            hits += number_in(node, "likely_source") == truth;
            chance += 1 / (double)sources;
        }
        answer_release(&answer);
    }
    assert_true(known >= 15);
    if ((double)hits < 1.5 * chance)
        fail_msg("%d of %d, by chance %.1f", hits, known, chance);
}

static void nobody_is_a_source_without_a_record(void **state)
{
    struct loopback *loop = *state;
    clear_cases(loop);
    add_case(loop, 1, "case", "05T12:00:00", "06T12:00:00", TOWN);
    add_case(loop, 2, "case", "08T12:00:00", "09T12:00:00", TOWN);
    struct answer answer = read_part(loop, 2, "chain");
    assert_int_equal(json_array_size(json_object_get(answer.json, "nodes")), 1);
    assert_int_equal(json_array_size(json_object_get(answer.json, "edges")), 0);
    assert_int_equal(number_in(node_of(&answer, 2), "sources"), 0);
    assert_int_equal(number_in(json_object_get(answer.json, "completeness"), "visits"), 0);
    answer_release(&answer);
}

/* ---- Delays */

struct finding {
    int n;
    struct evidence piece;
};
static bool put_finding(struct sql *sql, void *context, struct error *err)
{
    const struct finding *finding = context;
    int64_t no;
    return evidence_add(sql, (struct person_no){(uint32_t)(FIRST + finding->n)}, 1, &finding->piece,
                        (struct slice){NULL, 0}, &no, err);
}
static void add_finding(struct loopback *loop, struct finding finding)
{
    struct error err;
    test_fail_on(store_write(loop->platform->store, put_finding, &finding, &err), &err);
}
static void add_sample(struct loopback *loop, int n, const char *sampled, const char *reported,
                       enum evidence_result result, int tube_size)
{
    add_finding(loop, (struct finding){n,
                                       {.kind = EVIDENCE_PCR,
                                        .recorded_at = moment(reported),
                                        .at = moment(sampled),
                                        .until = moment(reported),
                                        .detail = (uint8_t)result,
                                        .tube_size = (uint16_t)tube_size}});
}
static void add_positive(struct loopback *loop, int n, const char *sampled, const char *reported)
{
    add_sample(loop, n, sampled, reported, RESULT_POSITIVE, 10);
}

static void moments_are_those_on_record_and_else_not_known(void **state)
{
    struct loopback *loop = *state;
    clear_cases(loop);
    add_case(loop, 1, "case", "08T12:00:00", "10T12:00:00", TOWN);
    add_case(loop, 2, "asymptomatic", "09T09:00:00", "10T13:00:00", TOWN);
    struct answer answer = read_part(loop, 1, "chain");
    assert_time(node_of(&answer, 1), "onset_at", "08T12:00:00");
    assert_time(node_of(&answer, 1), "sampled_at", NULL);
    assert_time(node_of(&answer, 1), "held_at", NULL);
    assert_time(node_of(&answer, 1), "listed_at", NULL);
    answer_release(&answer);
    answer = read_part(loop, 2, "chain");
    assert_time(node_of(&answer, 2), "onset_at", NULL);
    assert_time(node_of(&answer, 2), "sampled_at", "09T09:00:00"); /* what its t0 means */
    answer_release(&answer);
    add_positive(loop, 1, "07T08:00:00", "07T15:00:00"); /* pooled, another's: then negative */
    add_sample(loop, 1, "07T20:00:00", "08T03:00:00", RESULT_NEGATIVE, 1);
    add_positive(loop, 1, "09T20:00:00", "10T03:00:00");
    add_positive(loop, 1, "09T08:00:00", "09T15:00:00"); /* the first that stands */
    add_positive(loop, 1, "11T08:00:00", "11T15:00:00"); /* after the report */
    add_finding(loop, (struct finding){1,
                                       {.kind = EVIDENCE_CLOSE_CONTACT,
                                        .recorded_at = moment("07T10:00:00"),
                                        .at = moment("06T10:00:00"),
                                        .until = TIMESTAMP_NONE}});
    answer = read_part(loop, 1, "chain");
    assert_time(node_of(&answer, 1), "sampled_at", "09T08:00:00");
    assert_time(node_of(&answer, 1), "listed_at", "07T10:00:00");
    assert_true(json_is_true(json_object_get(node_of(&answer, 1), "listed_close")));
    answer_release(&answer);
}

static void somebody_is_held_from_the_entry_into_a_stage_that_says_so(void **state)
{
    struct loopback *loop = *state;
    char text[300];
    clear_cases(loop);
    add_case(loop, 1, "case", "08T12:00:00", "10T12:00:00", TOWN);
    int64_t id = open_loop(loop, "cdc_lead",
                           "{\"scene\":\"home_quarantine\",\"subject\":9001,\"fields\":"
                           "{\"target_area\":\"320412\"}}",
                           201);
    struct answer answer = read_part(loop, 1, "chain");
    assert_time(node_of(&answer, 1), "held_at", NULL); /* told is not yet at home */
    answer_release(&answer);
    wait_until(loop, moment("14T15:00:00"));
    advance(loop, "town_duty-320412", id,
            "{\"to\":\"at_home\",\"fields\":{\"release_due\":\"2022-04-21T09:00:00+08:00\","
            "\"phone_free\":false}}",
            200, NULL);
    answer = read_part(loop, 1, "chain");
    assert_time(node_of(&answer, 1), "held_at", "14T15:00:00");
    json_t *by = json_object_get(node_of(&answer, 1), "held_by");
    assert_int_equal(number_in(by, "loop"), id);
    assert_string_equal(json_string_value(json_object_get(by, "scene")), "home_quarantine");
    answer_release(&answer);
    /* a registered stay at an isolation site that began before it */
    loopback_change(loop, "UPDATE unit SET category = 'isolation_site' WHERE unit_no = 1");
    snprintf(text, sizeof text,
             "INSERT INTO person_stay (area_no, person_no, unit_no, from_at, until_at, import_no)"
             " VALUES (" TOWN ", 9001, 1, %lld, %lld, 0)",
             (long long)moment("10T18:00:00"), (long long)moment("24T00:00:00"));
    loopback_change(loop, text);
    answer = read_part(loop, 1, "chain");
    assert_time(node_of(&answer, 1), "held_at", "10T18:00:00");
    assert_true(json_is_null(json_object_get(node_of(&answer, 1), "held_by")));
    answer_release(&answer);
}

/* ---- Whose, and at what cost */

static void a_case_of_another_area_is_in_no_chain(void **state)
{
    struct loopback *loop = *state;
    write_chain(loop);
    loopback_change(loop, "UPDATE case_record SET area_no = " AWAY " WHERE case_no = 102");
    struct answer answer = read_as(loop, "cdc_investigator-320412", 3, "chain");
    assert_int_equal(answer.status, 200);
    assert_null(node_of(&answer, 2));
    assert_int_equal(number_in(node_of(&answer, 3), "sources"), 0);
    answer_release(&answer);
    answer = read_part(loop, 3, "chain"); /* the city's reader */
    assert_non_null(node_of(&answer, 2));
    answer_release(&answer);
    answer = read_as(loop, "cdc_investigator-320481", 3, "chain");
    assert_int_equal(answer.status, 403);
    answer_release(&answer);
}

static void a_chain_is_recorded_with_all_whom_it_shows(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    write_chain(loop);
    struct answer answer = read_part(loop, 3, "chain");
    assert_int_equal(answer.audits, 1);
    assert_int_equal(answer.events, 0);
    answer_release(&answer);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM audit WHERE act = 'case.chain' AND"
                                           " purpose = 'case:103' AND subject_no = 9003 AND"
                                           " row_count = 4"),
                     1);
    test_fail_on(access_spread_seen(loop->platform, &err), &err);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM seen_person WHERE person_no IN"
                                           " (9001, 9002, 9004)"),
                     3);
}

/* A row costs its own few statements; looking at a case costs three. */
static void a_chain_costs_a_bounded_number_of_statements(void **state)
{
    struct loopback *loop = *state;
    write_chain(loop);
    struct answer one = read_part(loop, 1, "chain?generations=1&limit=2");
    struct answer four = read_part(loop, 1, "chain");
    assert_int_equal(json_array_size(json_object_get(four.json, "nodes")), 4);
    assert_true(four.statements <= one.statements + 2 * 14);
    answer_release(&one);
    answer_release(&four);
}

/* ---- Contacts */

static void contacts_come_in_pages_with_their_levels_and_own_cases(void **state)
{
    struct loopback *loop = *state;
    write_chain(loop);
    add_contact(loop, 1, 2, CONTACT_CLOSE, 0);
    add_contact(loop, 1, 2, CONTACT_GENERAL, 0); /* what was found first stands */
    add_contact(loop, 1, 3, CONTACT_SECONDARY, 2);
    loopback_change(loop, "INSERT INTO person (person_no, area_no, import_no) VALUES (9009, " AWAY
                          ", 0)");
    add_contact(loop, 1, 9, CONTACT_GENERAL, 0);
    struct answer answer = read_as(loop, "cdc_investigator-320412", 1, "contacts?limit=2");
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.audits, 1);
    json_t *items = json_object_get(answer.json, "items"),
           *counts = json_object_get(answer.json, "counts");
    assert_int_equal(json_array_size(items), 2);
    assert_int_equal(number_in(json_array_get(items, 0), "case"), 102);
    assert_int_equal(number_in(json_array_get(items, 1), "via"), 9002);
    assert_string_equal(json_string_value(json_object_get(json_array_get(items, 0), "level")),
                        "close");
    assert_int_equal(number_in(counts, "close"), 1);
    assert_int_equal(number_in(counts, "secondary"), 1);
    assert_int_equal(number_in(counts, "general"), 1);
    char rest[120];
    snprintf(rest, sizeof rest, "contacts?limit=2&after=%s",
             json_string_value(json_object_get(answer.json, "next")));
    struct answer second = read_as(loop, "cdc_investigator-320412", 1, rest);
    json_t *outside = json_array_get(json_object_get(second.json, "items"), 0);
    assert_int_equal(number_in(outside, "person_no"), 9009);
    assert_true(json_is_null(json_object_get(outside, "name")));
    assert_true(json_is_null(json_object_get(outside, "color"))); /* lives elsewhere */
    assert_true(json_is_null(json_object_get(second.json, "next")));
    answer_release(&second);
    answer_release(&answer);
    answer = read_part(loop, 1, "chain");
    assert_int_equal(number_in(json_object_get(node_of(&answer, 1), "contacts"), "close"), 1);
    answer_release(&answer);
}

/* ---- Loops that name the case */

static int64_t open_notice(struct loopback *loop, int n)
{
    char body[300];
    snprintf(body, sizeof body,
             "{\"scene\":\"inter_area_notice\",\"subject\":%d,\"fields\":{\"source_case\":%d,"
             "\"direction\":\"sent\",\"other_area\":\"上海市\",\"notice_no\":\"N-%d\"}}",
             FIRST + n, 100 + n, n);
    return open_loop(loop, "cdc_duty-320412", body, 201);
}

static void notices_of_a_case_are_listed_open_and_closed(void **state)
{
    struct loopback *loop = *state;
    write_chain(loop);
    int64_t id = open_notice(loop, 1);
    open_notice(loop, 2);
    open_loop(loop, "cdc_lead",
              "{\"scene\":\"contact_management\",\"subject\":9003,\"fields\":{\"source_case\":101,"
              "\"contact_level\":\"close\",\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\"}}",
              201);
    struct answer answer = read_part(loop, 1, "loops?scene=inter_area_notice");
    json_t *items = json_object_get(answer.json, "items");
    assert_int_equal(answer.audits, 1);
    assert_int_equal(json_array_size(items), 1);
    json_t *fields = json_object_get(json_array_get(items, 0), "fields");
    assert_int_equal(number_in(json_array_get(items, 0), "id"), id);
    assert_string_equal(json_string_value(json_object_get(fields, "notice_no")), "N-1");
    answer_release(&answer);
    answer = read_part(loop, 1, "loops");
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 2);
    answer_release(&answer);
    advance(loop, "cdc_duty-320412", id,
            "{\"to\":\"awaiting\",\"fields\":{\"direction\":\"sent\",\"other_area\":\"上海市\","
            "\"notice_no\":\"N-1\"}}",
            200, NULL);
    advance(loop, "cdc_duty-320412", id, "{\"to\":\"answered\",\"fields\":{\"answer\":\"placed\"}}",
            200, NULL);
    answer = read_part(loop, 1, "loops?scene=inter_area_notice");
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(answer.json, "items"), 0), "state")),
                        "done");
    answer_release(&answer);
    /* forgotten with the loop */
    wait_until(loop, moment("14T15:00:00") + 400 * DAY);
    struct error err;
    int64_t count;
    test_fail_on(loops_forget(loop->platform->loops, &count, &err), &err);
    char query[120];
    snprintf(query, sizeof query, "SELECT count(*) FROM loop_case WHERE loop_no = %lld",
             (long long)id);
    assert_int_equal(loopback_number(loop, query), 0);
}

/* A contact who left: the notice to the other area is a child, and inherits the case. */
static void a_notice_that_a_contact_causes_is_the_cases(void **state)
{
    struct loopback *loop = *state;
    write_chain(loop);
    int64_t id = open_loop(
        loop, "cdc_duty-320412",
        "{\"scene\":\"contact_management\",\"subject\":9003,\"fields\":{\"source_case\":101,"
        "\"contact_level\":\"close\",\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\"}}",
        201);
    advance(
        loop, "cdc_investigator-320412", id,
        "{\"to\":\"noticed\",\"fields\":{\"contact_level\":\"close\",\"target_area\":\"320412\","
        "\"in_city\":false}}",
        200, NULL);
    struct answer answer = read_part(loop, 1, "loops?scene=inter_area_notice");
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 1);
    answer_release(&answer);
}

static void another_reader_sees_only_loops_of_the_own_area(void **state)
{
    struct loopback *loop = *state;
    write_chain(loop);
    open_notice(loop, 1);
    struct answer answer =
        read_as(loop, "cdc_investigator-320481", 1, "loops?scene=inter_area_notice");
    assert_int_equal(answer.status, 403); /* the case is not theirs */
    answer_release(&answer);
    loopback_change(loop, "UPDATE case_record SET area_no = " AWAY " WHERE case_no = 101");
    answer = read_as(loop, "cdc_investigator-320481", 1, "loops?scene=inter_area_notice");
    assert_int_equal(answer.status, 200); /* the case is, the loop is not */
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 0);
    answer_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_chain_is_told_by_generation_to_both_sides),
        LOOP_TEST(what_is_left_out_is_said),
        LOOP_TEST(sources_stand_in_order_of_what_speaks_for_them),
        LOOP_TEST(a_weight_below_a_hundredth_makes_no_source),
        LOOP_TEST(the_strongest_source_is_the_true_one_more_often_than_by_chance),
        LOOP_TEST(nobody_is_a_source_without_a_record),
        LOOP_TEST(moments_are_those_on_record_and_else_not_known),
        LOOP_TEST(somebody_is_held_from_the_entry_into_a_stage_that_says_so),
        LOOP_TEST(a_case_of_another_area_is_in_no_chain),
        LOOP_TEST(a_chain_is_recorded_with_all_whom_it_shows),
        LOOP_TEST(a_chain_costs_a_bounded_number_of_statements),
        LOOP_TEST(contacts_come_in_pages_with_their_levels_and_own_cases),
        LOOP_TEST(notices_of_a_case_are_listed_open_and_closed),
        LOOP_TEST(a_notice_that_a_contact_causes_is_the_cases),
        LOOP_TEST(another_reader_sees_only_loops_of_the_own_area),
    };
    return LOOPBACK_RUN(tests);
}
