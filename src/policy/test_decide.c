/* The published reference cases in this process, the boundaries that they rest on, the words, and
 * what is refused. The cases lie outside the source tree and are skipped where absent. */
#include <stdio.h>

#include "policy/test_support.h"

static const char cases_file[] = CHENGMAI_SOURCE_ROOT "/../shared/reference/status/cases.ndjson";

/* ---- Deciding on JSON text */

struct decided {
    struct arena arena;
    json_t *document;
    const char **ids;
    size_t count;
    struct decision decision;
};

static bool decide_array(const struct policy *policy, json_t *array, timestamp at,
                         struct decided *out, struct error *err)
{
    struct evidence *pieces;
    if (!evidence_from_json(array, &out->arena, &pieces, &out->count, &out->ids, err))
        return false;
    policy_decide(test_rules(policy), pieces, out->count, at, true, &out->arena, &out->decision);
    return true;
}

static bool decide_text(const struct policy *policy, const char *text, const char *at,
                        struct decided *out, struct error *err)
{
    *out = (struct decided){0};
    arena_init(&out->arena, 64 << 20);
    test_fail_on(json_read(slice_of(text), "test", &out->document, err), err);
    return decide_array(policy, out->document, test_time(at), out, err);
}

static void decided_release(struct decided *out)
{
    json_decref(out->document);
    arena_release(&out->arena);
}

static bool listed(const struct decided *out, const char *id)
{
    for (size_t i = 0; i < out->decision.reason_count; i++)
        if (strcmp(out->ids[out->decision.reasons[i].evidence - 1], id) == 0)
            return true;
    return false;
}
static bool ignored(const struct decided *out, const char *id)
{
    for (size_t i = 0; i < out->decision.ignored_count; i++)
        if (strcmp(out->ids[out->decision.ignored[i].evidence - 1], id) == 0)
            return true;
    return false;
}

/* ---- Reference cases */

static void assert_time_is(timestamp time, json_t *expected, const char *id, const char *what)
{
    timestamp wanted =
        json_is_string(expected) ? test_time(json_string_value(expected)) : TIMESTAMP_NONE;
    if (time != wanted)
        fail_msg("case %s: %s differs", id, what);
}

static void assert_listed(const struct decided *out, json_t *ids, size_t count,
                          bool (*is)(const struct decided *out, const char *id), const char *id)
{
    size_t i;
    json_t *wanted;
    assert_int_equal(json_array_size(ids), count);
    json_array_foreach(ids, i, wanted) if (!is(out, json_string_value(wanted)))
        fail_msg("case %s: %s is not listed", id, json_string_value(wanted));
}

static void compare_case(const struct policy *policy, json_t *object)
{
    struct error err;
    struct decided out = {0};
    const char *id = json_string_value(json_object_get(object, "id"));
    json_t *expect = json_object_get(object, "expect");
    timestamp at = test_time(json_string_value(json_object_get(object, "at")));
    arena_init(&out.arena, 64 << 20);
    test_fail_on(
        decide_array(policy, json_object_get(object, "evidence"), at, &out, &err), &err);
    assert_string_equal(color_name(out.decision.color),
                        json_string_value(json_object_get(expect, "color")));
    assert_time_is(out.decision.since, json_object_get(expect, "since"), id, "since");
    assert_time_is(out.decision.until, json_object_get(expect, "until"), id, "until");
    assert_listed(&out, json_object_get(expect, "reasons"), out.decision.reason_count, listed, id);
    assert_listed(&out, json_object_get(expect, "ignored"), out.decision.ignored_count, ignored,
                  id);
    for (size_t i = 0; i < out.decision.reason_count; i++) {
        assert_true(strlen(out.decision.reasons[i].words.zh) > 10);
        assert_true(strlen(out.decision.reasons[i].words.en) > 10);
    }
    arena_release(&out.arena);
}

static void every_reference_case_is_decided_exactly(void **state)
{
    FILE *file = fopen(cases_file, "r");
    char *line = NULL;
    size_t size = 0, count = 0;
    if (!file) {
        print_message("skipped: %s is not here\n", cases_file);
        skip();
    }
    while (getline(&line, &size, file) > 0) {
        struct error err;
        json_t *object;
        test_fail_on(json_read(slice_of(line), cases_file, &object, &err), &err);
        compare_case(*state, object);
        json_decref(object);
        count++;
    }
    free(line);
    fclose(file);
    print_message("%zu cases\n", count);
    assert_true(count >= 215);
}

/* ---- Boundaries: one row a sentence of the rules. Times without an offset are local. */

#define T(clock) "2022-04-" clock ":00+08:00"
#define PIECE(id, kind, recorded) "{\"id\":\"" id "\",\"kind\":\"" kind "\",\"recorded_at\":\"" T(recorded) "\""
#define AT(field, clock) ",\"" field "\":\"" T(clock) "\""
#define CASE(id, at) PIECE(id, "case", at) AT("at", at) "}"
#define OF(id, kind, of, at) PIECE(id, kind, at) AT("at", at) ",\"of\":\"" of "\"}"
#define PCR(id, sampled, reported, result, tube)                                                   \
    PIECE(id, "pcr", reported) AT("sampled_at", sampled) AT("reported_at", reported)               \
    ",\"result\":\"" result "\",\"tube_size\":" #tube "}"
#define OVERRIDE(id, color, from, expires, approvers)                                              \
    PIECE(id, "override", from) AT("from", from) AT("expires", expires)                            \
    ",\"color\":\"" color "\",\"reason_code\":\"lab_error\",\"requester\":\"sun\",\"approvers\":"  \
    approvers "}"
#define TWO "[\"zhou\",\"qian\"]"

struct boundary {
    const char *sentence, *evidence, *at, *color, *until, *reasons; /* ids by space */
};

static const struct boundary boundaries[] = {
    {"nothing known is green without an end", "", T("10T00:00"), "green", NULL, ""},
    {"a case is red from its second on", CASE("c", "05T08:00"), T("05T08:00"), "red", NULL, "c"},
    {"the second before a case is green, and says until when", CASE("c", "05T08:00"),
     "2022-04-05T07:59:59+08:00", "green", NULL, ""},
    {"red ends 14 days after the discharge",
     CASE("c", "01T08:00") "," OF("d", "discharge", "c", "03T08:00"), T("10T00:00"), "red",
     T("17T08:00"), "c"},
    {"then the case is yellow",
     CASE("c", "01T08:00") "," OF("d", "discharge", "c", "03T08:00"), T("17T08:00"), "yellow",
     "2022-05-01T08:00:00+08:00", "c"},
    {"of two discharges the earlier counts",
     CASE("c", "01T08:00") "," OF("d", "discharge", "c", "09T08:00") "," OF("e", "discharge", "c",
                                                                           "03T08:00"),
     T("10T00:00"), "red", T("17T08:00"), "c"},
    {"an annulled discharge was never there",
     CASE("c", "01T08:00") "," OF("d", "discharge", "c", "03T08:00") "," OF("a", "annul", "d",
                                                                           "05T08:00"),
     T("20T00:00"), "red", NULL, "c"},
    {"an annulled case ends at the annulment, its yellow too",
     CASE("c", "01T08:00") "," OF("d", "discharge", "c", "03T08:00") "," OF("a", "annul", "c",
                                                                           "05T08:00"),
     T("05T08:00"), "green", NULL, ""},
    {"an annulment that is annulled still holds",
     CASE("c", "01T08:00") "," OF("a", "annul", "c", "05T08:00") "," OF("b", "annul", "a",
                                                                       "06T08:00"),
     T("07T08:00"), "green", NULL, ""},
    {"a source that turned positive makes a close contact from then on",
     PIECE("s", "secondary_contact", "01T08:00") AT("last_exposure_at", "01T08:00") "}," OF(
         "p", "source_positive", "s", "10T08:00"),
     T("10T08:00"), "red", T("15T08:00"), "s"},
    {"between the end of red and the source's positive it is green",
     PIECE("s", "secondary_contact", "01T08:00") AT("last_exposure_at", "01T08:00") "}," OF(
         "p", "source_positive", "s", "10T08:00"),
     T("09T08:00"), "green", NULL, ""},
    {"an annulled source_positive leaves the secondary contact as it was",
     PIECE("s", "secondary_contact", "01T08:00") AT("last_exposure_at", "01T08:00") "}," OF(
         "p", "source_positive", "s", "05T08:00") "," OF("a", "annul", "p", "06T08:00"),
     T("07T00:00"), "red", T("08T08:00"), "s"},
    {"a lift ends red at once where a negative is exactly 48 h old and reported by then",
     PIECE("r", "risk_area_resident", "01T08:00") AT("from", "01T08:00") ",\"level\":\"mid\"},"
     PCR("n", "08T08:00", "10T08:00", "negative", 10) "," OF("l", "risk_area_lift", "r",
                                                             "10T08:00"),
     T("10T08:00"), "green", NULL, ""},
    {"a minute more and the lift waits for another negative",
     PIECE("r", "risk_area_resident", "01T08:00") AT("from", "01T08:00") ",\"level\":\"mid\"},"
     PCR("n", "08T07:59", "10T08:00", "negative", 10) "," OF("l", "risk_area_lift", "r",
                                                             "10T08:00"),
     T("10T08:00"), "red", NULL, "r"},
    {"two negatives exactly 24 h apart end a spatiotemporal after three days",
     PIECE("s", "spatiotemporal", "01T08:00") AT("at", "01T08:00") "},"
     PCR("n", "01T09:00", "01T12:00", "negative", 10) ","
     PCR("m", "02T09:00", "02T12:00", "negative", 10),
     T("04T08:00"), "green", NULL, ""},
    {"a negative sampled in the second of the stay does not count for it",
     PIECE("s", "spatiotemporal", "01T08:00") AT("at", "01T08:00") "},"
     PCR("n", "01T08:00", "01T12:00", "negative", 10) ","
     PCR("m", "02T09:00", "02T12:00", "negative", 10),
     T("04T08:00"), "yellow", NULL, "s"},
    {"a negative sampled in the second of the symptoms counts for them",
     PIECE("s", "symptoms", "01T08:00") AT("at", "01T08:00") "},"
     PCR("n", "01T08:00", "01T12:00", "negative", 20),
     T("01T12:00"), "green", NULL, ""},
    {"an inconclusive pool waits for a single tube",
     PCR("p", "01T08:00", "01T12:00", "inconclusive", 10) ","
     PCR("n", "01T13:00", "02T08:00", "negative", 10),
     T("02T09:00"), "yellow", NULL, "p"},
    {"and is released by a single negative sampled at its report",
     PCR("p", "01T08:00", "01T12:00", "positive", 10) ","
     PCR("n", "01T12:00", "02T08:00", "negative", 1),
     T("02T08:00"), "green", NULL, ""},
    {"a positive reported before it was recorded begins when it was recorded",
     PIECE("p", "pcr", "03T08:00") AT("sampled_at", "01T08:00") AT("reported_at", "02T08:00")
     ",\"result\":\"positive\",\"tube_size\":1}",
     T("04T08:00"), "red", NULL, "p"},
    {"an override of exactly seven days caps a contact",
     PIECE("k", "close_contact", "01T08:00") AT("last_exposure_at", "01T08:00") "},"
     OVERRIDE("o", "yellow", "02T08:00", "09T08:00", TWO),
     T("02T08:00"), "yellow", T("09T08:00"), "k o"},
    {"an override caps no case", CASE("c", "01T08:00") "," OVERRIDE("o", "green", "02T08:00",
                                                                    "05T08:00", TWO),
     T("03T08:00"), "red", NULL, "c"},
    {"an override caps no single positive that is reported at its beginning",
     PCR("p", "01T08:00", "02T08:00", "positive", 1) "," OVERRIDE("o", "green", "02T08:00",
                                                                  "05T08:00", TWO),
     T("03T08:00"), "red", NULL, "p"},
    {"it caps one that was reported a minute before",
     PCR("p", "01T08:00", "02T07:59", "positive", 1) "," OVERRIDE("o", "green", "02T08:00",
                                                                  "05T08:00", TWO),
     T("03T08:00"), "green", T("05T08:00"), "o p"},
    {"an override that lowers what is not the worst is a reason too",
     CASE("c", "01T08:00") "," PIECE("s", "symptoms", "01T08:00") AT("at", "01T08:00") "},"
     OVERRIDE("o", "green", "02T08:00", "05T08:00", TWO),
     T("03T08:00"), "red", NULL, "c o"},
    {"two overrides that lower the same are both reasons",
     PIECE("k", "close_contact", "01T08:00") AT("last_exposure_at", "01T08:00") "},"
     OVERRIDE("o", "yellow", "02T08:00", "06T08:00", TWO) ","
     OVERRIDE("u", "green", "02T08:00", "05T08:00", TWO),
     T("03T08:00"), "green", T("05T08:00"), "k o u"},
    {"an annulled override caps no more",
     PIECE("k", "close_contact", "01T08:00") AT("last_exposure_at", "01T08:00") "},"
     OVERRIDE("o", "yellow", "02T08:00", "06T08:00", TWO) "," OF("a", "annul", "o", "03T08:00"),
     T("03T08:00"), "red", T("15T08:00"), "k"},
    {"what is recorded later does not exist yet",
     PIECE("k", "close_contact", "05T08:00") AT("last_exposure_at", "01T08:00") "}",
     "2022-04-05T07:59:59+08:00", "green", NULL, ""},
    {"precaution zones give nothing",
     PIECE("z", "zone_resident", "01T08:00") AT("from", "01T08:00") ",\"zone\":\"precaution\"}",
     T("02T08:00"), "green", NULL, ""},
    {"a post that ends before it begins gives nothing",
     PIECE("i", "isolation_post", "01T08:00") AT("from", "05T08:00") AT("to", "04T08:00") "}",
     T("04T12:00"), "green", NULL, ""},
};

static void assert_boundary(const struct policy *policy, const struct boundary *row)
{
    struct decided out;
    struct error err;
    char text[4096], ids[64];
    size_t wanted = 0;
    snprintf(text, sizeof text, "[%s]", row->evidence);
    if (!decide_text(policy, text, row->at, &out, &err))
        fail_msg("%s: %s", row->sentence, err.what);
    if (strcmp(color_name(out.decision.color), row->color) != 0)
        fail_msg("%s: %s", row->sentence, color_name(out.decision.color));
    bool known_end = row->until != NULL;
    if (known_end && out.decision.until != test_time(row->until))
        fail_msg("%s: until differs", row->sentence);
    if (!known_end && strcmp(row->color, "green") != 0 && out.decision.until != TIMESTAMP_NONE)
        fail_msg("%s: until is given", row->sentence);
    snprintf(ids, sizeof ids, "%s", row->reasons);
    for (char *rest = NULL, *id = strtok_r(ids, " ", &rest); id; id = strtok_r(NULL, " ", &rest)) {
        wanted++;
        if (!listed(&out, id))
            fail_msg("%s: %s is no reason", row->sentence, id);
    }
    if (out.decision.reason_count != wanted)
        fail_msg("%s: %zu reasons", row->sentence, out.decision.reason_count);
    decided_release(&out);
}

static void every_boundary_lies_where_the_rules_say(void **state)
{
    for (size_t i = 0; i < sizeof boundaries / sizeof *boundaries; i++)
        assert_boundary(*state, &boundaries[i]);
}

/* ---- Overrides that are void say why */

static void a_void_override_is_ignored_with_its_reason(void **state)
{
    static const struct {
        const char *override, *reason;
    } rows[] = {
        {OVERRIDE("o", "green", "02T08:00", "05T08:00", "[]"), "not enough different approvers"},
        {OVERRIDE("o", "green", "02T08:00", "05T08:00", "[\"zhou\",\"zhou\"]"),
         "not enough different approvers"},
        {OVERRIDE("o", "green", "02T08:00", "05T08:00", "[\"zhou\",\"qian\",\"sun\"]"),
         "the requester is among the approvers"},
        {OVERRIDE("o", "green", "02T08:00", "09T08:01", TWO), "it lasts longer than allowed"},
        {OVERRIDE("o", "green", "02T08:00", "02T08:00", TWO), "it expires before it begins"},
        {OVERRIDE("o", "green", "02T08:00", "01T08:00", TWO), "it expires before it begins"},
        {PIECE("o", "override", "02T08:00") AT("from", "02T08:00") AT("expires", "03T08:00")
         ",\"color\":\"green\",\"reason_code\":\"favour\",\"requester\":\"sun\",\"approvers\":" TWO
         "}",
         "the reason code is not one of the rule set's"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decided out;
        struct error err;
        char text[2048];
        snprintf(text, sizeof text, "[%s},%s]",
                 PIECE("k", "close_contact", "01T08:00") AT("last_exposure_at", "01T08:00"),
                 rows[i].override);
        test_fail_on(decide_text(*state, text, T("02T12:00"), &out, &err), &err);
        assert_int_equal(out.decision.color, COLOR_RED);
        assert_int_equal(out.decision.ignored_count, 1);
        assert_true(ignored(&out, "o"));
        assert_string_equal(out.decision.ignored[0].reason, rows[i].reason);
        decided_release(&out);
    }
}

/* ---- Words */

static void every_reason_has_words_in_both_languages(void **state)
{
    static const struct {
        const char *evidence, *rule, *zh, *en;
    } rows[] = {
        {CASE("e", "01T08:00"), "case.red", "确诊或无症状感染 2022-04-01 08:00：红码，到另有结果或通知为止",
         "confirmed or asymptomatic infection 2022-04-01 08:00: red until a result or notice"},
        {PIECE("e", "close_contact", "01T08:00") AT("last_exposure_at", "01T08:00") "}",
         "close_contact.red", "密切接触，最后接触 2022-04-01 08:00：红码到 2022-04-15 08:00",
         "close contact, last exposure 2022-04-01 08:00: red until 2022-04-15 08:00"},
        {PIECE("e", "secondary_contact", "01T08:00") AT("last_exposure_at", "01T08:00") "}",
         "secondary_contact.red", "密接的密接", "contact of a close contact"},
        {PIECE("e", "inbound", "01T08:00") AT("entry_at", "01T08:00") "}", "inbound.red", "入境",
         "entry from abroad"},
        {PIECE("e", "area_stay", "01T08:00") AT("left_at", "01T08:00") ",\"level\":\"high\"}",
         "area_stay.red", "离开中高风险区", "left a mid- or high-risk area"},
        {PIECE("e", "risk_area_resident", "01T08:00") AT("from", "01T08:00")
         ",\"level\":\"mid\"}",
         "risk_area_resident.red", "居住在中高风险区", "resident of a mid- or high-risk area"},
        {PIECE("e", "zone_resident", "01T08:00") AT("from", "01T08:00") ",\"zone\":\"lockdown\"}",
         "zone_resident.yellow", "居住在封控或管控区", "resident of a lockdown"},
        {PIECE("e", "spatiotemporal", "01T08:00") AT("at", "01T08:00") "}",
         "spatiotemporal.yellow", "时空伴随", "spatiotemporal cohort"},
        {PIECE("e", "symptoms", "01T08:00") AT("at", "01T08:00") "}", "symptoms.yellow",
         "出现相关症状", "symptoms reported"},
        {PIECE("e", "isolation_post", "01T08:00") AT("from", "01T08:00") AT("to", "03T08:00") "}",
         "isolation_post.red", "高风险岗位闭环期", "closed-loop duty"},
        {PCR("e", "01T08:00", "01T12:00", "positive", 1), "pcr.red", "核酸单管阳性",
         "positive single-tube PCR"},
        {PCR("e", "01T08:00", "01T12:00", "positive", 10), "pcr.yellow", "待单管复核",
         "awaiting a single-tube retest"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decided out;
        struct error err;
        char text[1024];
        snprintf(text, sizeof text, "[%s]", rows[i].evidence);
        test_fail_on(decide_text(*state, text, T("02T08:00"), &out, &err), &err);
        assert_int_equal(out.decision.reason_count, 1);
        const struct decision_reason *reason = &out.decision.reasons[0];
        assert_string_equal(reason->rule, rows[i].rule);
        if (!strstr(reason->words.zh, rows[i].zh) || !strstr(reason->words.en, rows[i].en))
            fail_msg("%s: %s / %s", reason->rule, reason->words.zh, reason->words.en);
        decided_release(&out);
    }
}

/* ---- Refusals */

static void no_kind_but_health_evidence_exists(void **state)
{
    static const char *const kinds[] = {"venue_scan", "scan", "checkin", "purchase", "list_entry",
                                        "petition", "depositor", "Case", "case ", ""};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct decided out;
        struct error err = {0};
        char text[256];
        snprintf(text, sizeof text, "[%s,{\"id\":\"x\",\"kind\":\"%s\",\"recorded_at\":\"%s\","
                 "\"at\":\"%s\"}]", CASE("c", "01T08:00"), kinds[i], T("01T08:00"), T("01T08:00"));
        assert_false(decide_text(*state, text, T("02T08:00"), &out, &err));
        assert_int_equal(err.code, ERROR_UNKNOWN_EVIDENCE);
        assert_int_equal(error_kind(err.code)->exit_code, EXIT_REFUSED);
        assert_non_null(strstr(err.what, "unknown evidence kind"));
        assert_string_equal(err.source, "x");
        decided_release(&out);
    }
}

static void a_piece_that_is_not_whole_is_refused_by_name_and_field(void **state)
{
    static const struct {
        const char *evidence, *source, *field;
    } rows[] = {
        {"{\"kind\":\"case\"}", "evidence", "id"},
        {"{\"id\":7,\"kind\":\"case\"}", "evidence", "id"},
        {"7", "evidence", "id"},
        {"{\"id\":\"x\"}", "x", "kind"},
        {"{\"id\":\"x\",\"kind\":3}", "x", "kind"},
        {"{\"id\":\"x\",\"kind\":\"case\",\"at\":\"2022-04-01T08:00:00+08:00\"}", "x",
         "recorded_at"},
        {"{\"id\":\"x\",\"kind\":\"case\",\"recorded_at\":\"2022-04-01T08:00:00+08:00\"}", "x",
         "at"},
        {"{\"id\":\"x\",\"kind\":\"case\",\"recorded_at\":\"2022-04-01T08:00:00+08:00\","
         "\"at\":\"2022-04-01T08:00:00\"}", "x", "at"},
        {"{\"id\":\"x\",\"kind\":\"case\",\"recorded_at\":\"2022-04-01T08:00:00+08:00\","
         "\"at\":1648771200}", "x", "at"},
        {"{\"id\":\"x\",\"kind\":\"case\",\"recorded_at\":\"2022-04-31T08:00:00+08:00\","
         "\"at\":\"2022-04-01T08:00:00+08:00\"}", "x", "recorded_at"},
        {PCR("x", "01T08:00", "01T12:00", "negative", 0), "x", "tube_size"},
        {PCR("x", "01T08:00", "01T12:00", "negative", -10), "x", "tube_size"},
        {PCR("x", "01T08:00", "01T12:00", "negative", "10"), "x", "tube_size"},
        {PCR("x", "01T08:00", "01T12:00", "negative", 1.5), "x", "tube_size"},
        {PCR("x", "01T08:00", "01T12:00", "maybe", 1), "x", "result"},
        {PIECE("x", "area_stay", "01T08:00") AT("left_at", "01T08:00") ",\"level\":\"low\"}", "x",
         "level"},
        {PIECE("x", "zone_resident", "01T08:00") AT("from", "01T08:00") "}", "x", "zone"},
        {PIECE("x", "isolation_post", "01T08:00") AT("from", "01T08:00") "}", "x", "to"},
        {OVERRIDE("x", "red", "02T08:00", "05T08:00", TWO), "x", "color"},
        {OVERRIDE("x", "green", "02T08:00", "05T08:00", "\"zhou\""), "x", "approvers"},
        {OVERRIDE("x", "green", "02T08:00", "05T08:00", "[1,2]"), "x", "approvers"},
        {PIECE("x", "discharge", "01T08:00") AT("at", "01T08:00") "}", "x", "of"},
        {OF("x", "discharge", "nobody", "01T08:00"), "x", "of"},
        {CASE("x", "01T08:00") "," CASE("x", "02T08:00"), "x", "id"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decided out;
        struct error err = {0};
        char text[1024];
        snprintf(text, sizeof text, "[%s]", rows[i].evidence);
        if (decide_text(*state, text, T("02T08:00"), &out, &err))
            fail_msg("row %zu was taken: %s", i, text);
        assert_int_equal(error_kind(err.code)->exit_code, EXIT_USAGE);
        assert_string_equal(err.source, rows[i].source);
        assert_string_equal(err.field, rows[i].field);
        decided_release(&out);
    }
}

static void more_pieces_than_one_person_can_have_are_refused(void **state)
{
    (void)state;
    struct error err;
    struct arena arena;
    struct evidence *pieces;
    const char **ids;
    size_t count;
    json_t *array = json_array();
    for (int i = 0; i < 2001; i++)
        json_array_append_new(array, json_object());
    arena_init(&arena, 64 << 20);
    assert_false(evidence_from_json(array, &arena, &pieces, &count, &ids, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    assert_false(evidence_from_json(json_true(), &arena, &pieces, &count, &ids, &err));
    assert_int_equal(err.code, ERROR_BAD_VALUE);
    json_decref(array);
    arena_release(&arena);
}

static int open_policy(void **state)
{
    *state = test_policy();
    return 0;
}
static int close_policy(void **state)
{
    policy_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reference_case_is_decided_exactly),
        cmocka_unit_test(every_boundary_lies_where_the_rules_say),
        cmocka_unit_test(a_void_override_is_ignored_with_its_reason),
        cmocka_unit_test(every_reason_has_words_in_both_languages),
        cmocka_unit_test(no_kind_but_health_evidence_exists),
        cmocka_unit_test(a_piece_that_is_not_whole_is_refused_by_name_and_field),
        cmocka_unit_test(more_pieces_than_one_person_can_have_are_refused),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
