/* The data of policies/: what a file must have, what is refused, and that a file with one fault
 * changes nothing. */
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/embedded.h"
#include "policy/permissions.h"
#include "policy/test_support.h"
#include "policy/yaml.h"

/* ---- A folder of a city's own files */

struct folder {
    char path[64];
    int fd;
};

static void folder_make(struct folder *folder)
{
    *folder = (struct folder){.path = "/tmp/chengmai-policy-XXXXXX", .fd = -1};
    assert_non_null(mkdtemp(folder->path));
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder->fd >= 0);
    assert_int_equal(mkdirat(folder->fd, "policies", 0700), 0);
    assert_int_equal(mkdirat(folder->fd, "policies/rules", 0700), 0);
}
static void folder_remove(struct folder *folder)
{
    struct error err;
    close(folder->fd);
    test_fail_on(file_remove_tree(AT_FDCWD, folder->path, &err), &err);
}
static void folder_put(const struct folder *folder, const char *name, struct slice text)
{
    struct error err;
    int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    test_fail_on(file_write_all(fd, text.data, text.length, name, &err), &err);
    close(fd);
}

static struct slice built_in(const char *name)
{
    const struct embedded_file *file = embedded_find(name);
    assert_non_null(file);
    return file->content;
}

/* The text with the first `from` replaced by `to`. */
static struct slice changed(struct arena *arena, struct slice text, const char *from,
                            const char *to)
{
    const char *at = memmem(text.data, text.length, from, strlen(from));
    if (!at)
        fail_msg("'%s' does not stand there", from);
    size_t before = (size_t)(at - text.data);
    const char *after = at + strlen(from);
    return slice_of(arena_print(arena, "%.*s%s%.*s", (int)before, text.data, to,
                                (int)(text.length - before - strlen(from)), after));
}

static const char rules_file[] = "policies/rules/jiangsu_2022_ed8.yaml";

/* ---- Rule sets */

static void a_rule_set_with_any_fault_is_refused_by_its_field(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *field;
    } rows[] = {
        {"rule_set: jiangsu", "rule_name: jiangsu", "rule_name"},
        {"rule_set: jiangsu_2022_ed8", "rule_set: 7", "rule_set"},
        {"version: \"2022-03-01.1\"", "version: 1", "version"},
        {"area: \"320000\"", "area: \"Jiangsu\"", "area"},
        {"area: \"320000\"", "area: 320000", "area"},
        {"valid_from: \"2022-01-01T00:00:00+08:00\"", "valid_from: \"2022-01-01\"", "valid_from"},
        {"valid_to: null", "valid_to: \"2021-01-01T00:00:00+08:00\"", "valid_to"},
        {"legal_basis:", "legal_base:", "legal_base"},
        {"  zh: 新型冠状病毒肺炎防控方案", "  xx: 新型冠状病毒肺炎防控方案", "xx"},
        {"title: {zh: 江苏2022年春季（第八版）赋码规则, en:", "title: {en:", "zh"},
        {"inbound_red_days: {value: 14", "inbound_rod_days: {value: 14", "inbound_rod_days"},
        {"inbound_red_days: {value: 14", "inbound_red_days: {value: 366", "value"},
        {"inbound_red_days: {value: 14", "inbound_red_days: {value: \"14\"", "value"},
        {"inbound_red_days: {value: 14", "inbound_red_days: {value: 14.5", "value"},
        {"inbound_red_days: {value: 14, source: \"from entry\"}", "inbound_red_days: {value: 14}",
         "source"},
        {"inbound_red_days: {value: 14", "inbound_red_days: {unit: d, value: 14", "unit"},
        {"inbound_yellow_days: {value: 28", "inbound_yellow_days: {value: 13",
         "inbound_yellow_days"},
        {"  inbound_red_days: {value: 14, source: \"from entry\"}\n", "", "inbound_red_days"},
        {"override_approvers: {value: 2", "override_approvers: {value: 1", "value"},
        {"override_reason_codes: [lab_error, identity_error, linkage_error, medical_need]",
         "override_reason_codes: []", "override_reason_codes"},
        {"override_reason_codes: [lab_error,", "override_reason_codes: [7,",
         "override_reason_codes"},
    };
    struct arena arena;
    arena_init(&arena, 4 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        struct rule_set *rules = NULL;
        struct slice text = changed(&arena, built_in(rules_file), rows[i].from, rows[i].to);
        if (rule_set_read(text, "test.yaml", &rules, &err))
            fail_msg("row %zu was taken: %s", i, rows[i].to);
        assert_null(rules);
        assert_int_equal(error_kind(err.code)->exit_code, EXIT_USAGE);
        if (strcmp(err.field, rows[i].field) != 0)
            fail_msg("row %zu names %s, not %s", i, err.field, rows[i].field);
    }
    arena_release(&arena);
}

static void the_rule_set_in_force_is_the_latest_that_has_begun(void **state)
{
    (void)state;
    struct arena arena;
    struct policy *policy;
    struct error err;
    arena_init(&arena, 4 << 20);
    struct slice ninth = changed(&arena, built_in(rules_file), "rule_set: jiangsu_2022_ed8",
                                 "rule_set: jiangsu_2022_ed9");
    ninth = changed(&arena, ninth, "valid_from: \"2022-01-01T00:00:00+08:00\"",
                    "valid_from: \"2022-06-28T00:00:00+08:00\"");
    ninth = changed(&arena, ninth, "valid_to: null", "valid_to: \"2022-12-07T00:00:00+08:00\"");
    test_fail_on(policy_open(-1, &policy, &err), &err);
    test_fail_on(policy_adopt(policy, ninth, "ninth", &err), &err);
    assert_string_equal(
        rule_set_name(policy_rules_in_force(policy, test_time("2022-06-27T23:59:59+08:00"))),
        "jiangsu_2022_ed8");
    assert_string_equal(
        rule_set_name(policy_rules_in_force(policy, test_time("2022-06-28T00:00:00+08:00"))),
        "jiangsu_2022_ed9");
    assert_string_equal(
        rule_set_name(policy_rules_in_force(policy, test_time("2022-12-07T00:00:00+08:00"))),
        "jiangsu_2022_ed8");
    assert_null(policy_rules_in_force(policy, test_time("2021-12-31T23:59:59+08:00")));
    assert_null(policy_rules(policy, SLICE("jiangsu")));
    assert_false(policy_adopt(policy, ninth, "again", &err)); /* a name of its own */
    assert_string_equal(err.field, "rule_set");
    policy_free(policy);
    arena_release(&arena);
}

static void a_rule_set_put_into_the_directory_by_hand_is_named_and_not_taken(void **state)
{
    (void)state;
    struct folder folder;
    struct arena arena;
    struct policy *policy;
    struct error err;
    folder_make(&folder);
    arena_init(&arena, 4 << 20);
    folder_put(&folder, rules_file,
               changed(&arena, built_in(rules_file), "version: \"2022-03-01.1\"",
                       "version: \"own\""));
    folder_put(&folder, "policies/rules/zz.yaml",
               changed(&arena, built_in(rules_file), "rule_set: jiangsu_2022_ed8",
                       "rule_set: jiangsu_2022_ed9"));
    folder_put(&folder, "policies/rules/notes.txt", SLICE("not a rule set"));
    test_fail_on(policy_open(folder.fd, &policy, &err), &err);
    assert_string_equal(rule_set_version(policy_rules(policy, SLICE("jiangsu_2022_ed8"))),
                        "2022-03-01.1");
    assert_null(policy_rules(policy, SLICE("jiangsu_2022_ed9")));
    assert_int_equal(policy_unsigned_count(policy), 2);
    assert_string_equal(policy_unsigned(policy, 0), rules_file);
    assert_string_equal(policy_unsigned(policy, 1), "policies/rules/zz.yaml");
    policy_free(policy);
    arena_release(&arena);
    folder_remove(&folder);
}

static void the_citys_own_file_comes_before_the_built_in_one(void **state)
{
    (void)state;
    struct folder folder;
    struct arena arena;
    struct policy *policy;
    struct error err;
    folder_make(&folder);
    arena_init(&arena, 4 << 20);
    folder_put(&folder, "policies/checkin.yaml",
               changed(&arena, built_in("policies/checkin.yaml"), "trace_days: {value: 14",
                       "trace_days: {value: 10"));
    test_fail_on(policy_open(folder.fd, &policy, &err), &err);
    assert_int_equal(policy_number(policy, NUMBER_TRACE_DAYS), 10);
    assert_int_equal(policy_number(policy, NUMBER_LOOKBACK_DAYS), 4);
    policy_free(policy);
    arena_release(&arena);
    folder_remove(&folder);
}

/* One fault in one file: nothing at all is opened, and the fault is named. */
static void a_faulty_file_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *file, *from, *to;
    } rows[] = {
        {"policies/roles.yaml", "override.approve, rules.sign",
         "override.approve, override.request"},
        {"policies/roles.yaml", "[user.manage,", "[user.manage, appeal.decide,"},
        {"policies/appeals.yaml", "appeal_answer_hours: {value: 24",
         "appeal_answer_hours: {value: 0"},
        {"policies/checkin.yaml", "numbers:", "nombers:"},
        {"policies/checkin.yaml", "trace_days: {value: 14", "trace_days: {value: 61"},
        {"policies/checkin.yaml", "numbers:", "extra: 1\nnumbers:"},
        {"policies/venue_categories.yaml", "categories:", "places:"},
        {"policies/venue_categories.yaml", "  default: {", "  fallback: {"},
        {"policies/venue_categories.yaml", "median_minutes: 90, p90_minutes: 240",
         "median_minutes: 90, p90_minutes: 90"},
        {"policies/venue_categories.yaml", "median_minutes: 90, p90_minutes: 240",
         "median_minutes: 0, p90_minutes: 240"},
        {"policies/venue_categories.yaml", "check_level: 2", "check_level: 4"},
        {"policies/venue_categories.yaml", "en: \"Hospital\", ", ""},
        {"policies/venue_categories.yaml", "en: \"Hospital\"", "en: \"Hospital\", fr: x"},
        {"policies/roles.yaml", "roles:", "rolls:"},
        {"policies/roles.yaml", "permissions: [situation.read", "permissions: [situation.red"},
        {"policies/roles.yaml", "permissions: [loop.read,", "permissions: {a: ["},
    };
    struct arena arena;
    arena_init(&arena, 8 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct folder folder;
        struct error err = {0};
        struct policy *policy = NULL;
        folder_make(&folder);
        folder_put(&folder, rows[i].file,
                   changed(&arena, built_in(rows[i].file), rows[i].from, rows[i].to));
        if (policy_open(folder.fd, &policy, &err))
            fail_msg("row %zu was taken: %s", i, rows[i].to);
        assert_null(policy);
        assert_true(err.what[0] != '\0');
        assert_int_equal(error_kind(err.code)->exit_code, EXIT_USAGE);
        folder_remove(&folder);
    }
    arena_release(&arena);
}

/* ---- YAML */

static void yaml_that_could_hide_meaning_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
        int64_t line;
    } rows[] = {
        {"a: &x 1\nb: 2\n", "anchors", 1},
        {"a: 1\nb: *x\n", "alias", 2},
        {"a: &x {c: 1}\n", "anchors", 1},
        {"a: &x [1]\n", "anchors", 1},
        {"&x a: 1\n", "plain text", 1},
        {"base: &b {c: 1}\nd:\n  <<: *b\n", "anchors", 1},
        {"a: !!str 1\n", "tags", 1},
        {"a: !mine {b: 1}\n", "tags", 1},
        {"a: 1\na: 2\n", "twice", 2},
        {"[a, b]: 1\n", "plain text", 1},
        {"a: 1\n---\nb: 2\n", "more than one document", 2},
        {"", "empty", 0},
        {"a: [1, 2\n", "", 0},
        {"a: \"\\0\"\n", "UTF-8", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        json_t *document = NULL;
        if (yaml_read(slice_of(rows[i].text), "t.yaml", &document, &err))
            fail_msg("taken: %s", rows[i].text);
        assert_null(document);
        assert_int_equal(err.code, ERROR_SYNTAX);
        if (!strstr(err.what, rows[i].what) || (rows[i].line && err.row != rows[i].line))
            fail_msg("%s: %s, line %lld", rows[i].text, err.what, (long long)err.row);
    }
}

static void yaml_bombs_are_refused(void **state)
{
    (void)state;
    struct error err = {0};
    json_t *document;
    struct buffer text;
    buffer_init(&text, 4 << 20);
    for (int i = 0; i < 100000; i++)
        buffer_append_text(&text, "[");
    assert_false(yaml_read(buffer_slice(&text), "deep.yaml", &document, &err));
    assert_int_equal(err.code, ERROR_SYNTAX);
    buffer_clear(&text);
    for (int i = 0; i < (1 << 20) + 1; i++)
        buffer_append_text(&text, "#");
    assert_false(yaml_read(buffer_slice(&text), "large.yaml", &document, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    buffer_release(&text);
}

/* ---- Categories, dwell, roles */

static void every_category_of_the_notices_exists_in_two_languages(void **state)
{
    static const char *const needed[] = {
        "hospital", "isolation_site", "transfer_vehicle", "rail_station", "coach_station",
        "airport", "bus", "metro_station", "taxi", "pharmacy", "barber", "bathhouse",
        "chess_room", "cinema", "karaoke", "internet_cafe", "market", "residential_estate",
        "restaurant", "cafe_bar", "bank", "office", "hotel", "mall", "museum", "library",
        "scenic_area", "training", "enterprise", "government", "post_office", "gym", "pool",
        "import_transfer", "school", "nursing_home", "clinic", "ferry_terminal", "stadium",
        "exhibition_centre", "funeral_home", "beauty_salon", "massage", "fuel_station",
        "car_service", "logistics_park", "village_committee", "default"};
    struct policy *policy = *state;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!policy_category_known(policy, slice_of(needed[i])))
            fail_msg("there is no category %s", needed[i]);
    for (size_t i = 0; i < policy_category_count(policy); i++) {
        const struct venue_category *category = policy_category(policy, i);
        assert_true(strlen(category->title_zh) >= 6 && strlen(category->title_en) >= 3);
        assert_int_equal(policy_category_of(policy, slice_of(category->name)), i);
    }
    size_t unknown = policy_category_of(policy, SLICE("no such thing"));
    assert_string_equal(policy_category(policy, unknown)->name, "default");
}

/* S(0) = 1, never rising, S(median) = 1/2, S(90 % point) = 1/10, below 0.001 it ends. */
static void every_dwell_curve_is_a_survival_curve(void **state)
{
    struct policy *policy = *state;
    for (size_t i = 0; i < policy_category_count(policy); i++) {
        const struct venue_category *category = policy_category(policy, i);
        size_t minutes;
        const float *survival = policy_dwell_survival(policy, i, &minutes);
        assert_true(minutes > (size_t)category->dwell_p90_minutes);
        assert_true(survival[0] >= 1 && survival[0] <= 1);
        for (size_t m = 1; m < minutes; m++)
            assert_true(survival[m] > 0 && survival[m] <= survival[m - 1]);
        assert_true(fabsf(survival[(size_t)category->dwell_median_minutes] - 0.5f) < 1e-4f);
        assert_true(fabsf(survival[(size_t)category->dwell_p90_minutes] - 0.1f) < 1e-4f);
        assert_true(survival[minutes - 1] < 0.0015f || minutes == 4320);
    }
}

static void no_role_may_do_everything_and_no_administrator_opens_a_person(void **state)
{
    struct policy *policy = *state;
    uint64_t all = ((uint64_t)1 << PERMISSION_COUNT) - 1;
    assert_true(policy_role_count(policy) >= 5);
    for (size_t i = 0; i < policy_role_count(policy); i++)
        assert_true(policy_role_at(policy, i)->permissions != all);
    const struct role *administrator = policy_role(policy, SLICE("administrator"));
    assert_non_null(administrator);
    assert_false(administrator->permissions & PERMISSION_BIT(PERMIT_PERSON_READ));
    assert_false(administrator->permissions & PERMISSION_BIT(PERMIT_TRACE_RUN));
    assert_null(policy_role(policy, SLICE("root")));
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
        cmocka_unit_test(a_rule_set_with_any_fault_is_refused_by_its_field),
        cmocka_unit_test(the_rule_set_in_force_is_the_latest_that_has_begun),
        cmocka_unit_test(a_rule_set_put_into_the_directory_by_hand_is_named_and_not_taken),
        cmocka_unit_test(the_citys_own_file_comes_before_the_built_in_one),
        cmocka_unit_test(a_faulty_file_is_taken_whole_or_not_at_all),
        cmocka_unit_test(yaml_that_could_hide_meaning_is_refused),
        cmocka_unit_test(yaml_bombs_are_refused),
        cmocka_unit_test(every_category_of_the_notices_exists_in_two_languages),
        cmocka_unit_test(every_dwell_curve_is_a_survival_curve),
        cmocka_unit_test(no_role_may_do_everything_and_no_administrator_opens_a_person),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
