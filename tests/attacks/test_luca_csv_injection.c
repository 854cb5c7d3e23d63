/* Luca, May 2021: a name or postcode that begins as a formula was run by the spreadsheets of health
 * offices. Here persons with such names are imported and exported: no cell of the file begins as a
 * formula, and what is imported again is what was there. */
#include "attack.h"

static const char *const names[] = {"=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "＝1+1",
                                    "＠x", "\t=1"};
enum { NAMES = sizeof names / sizeof *names };

static void write_persons(struct served *served)
{
    struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_append_text(&text, "person_id,area,birth_year,sex,name\n");
    for (int i = 0; i < NAMES; i++)
        buffer_print(&text, "evil%d,320412,1980,m,\"%s\"\n", i, names[i]);
    write_text(served->directory, "persons.csv", text.data);
    buffer_release(&text);
}

/* The file of an approved export of the district. */
static struct reply export_file(struct served *served)
{
    char lead[80], approver[80], path[80];
    token_of_user(served, "cdc_lead-320412", lead);
    token_of_user(served, "approver", approver);
    struct reply asked = send_to(served, "POST", "/exports", lead, "duty:export",
                                 "{\"kind\":\"persons\",\"words\":\"a list for this very test\"}");
    assert_int_equal(asked.status, 201);
    long long no = json_integer_value(json_object_get(asked.json, "no"));
    reply_release(&asked);
    snprintf(path, sizeof path, "/exports/%lld/approve", no);
    struct reply approved = send_to(served, "POST", path, approver, NULL, "{}");
    assert_int_equal(approved.status, 200);
    reply_release(&approved);
    snprintf(path, sizeof path, "/exports/%lld/file", no);
    return send_to(served, "GET", path, lead, "duty:export", NULL);
}

/* A cell's first character that counts: after the quote that CSV puts round it. */
static bool begins_as_formula(const char *cell)
{
    static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"};
    cell += *cell == '"';
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(cell, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void no_cell_of_an_export_is_a_formula(void **state)
{
    struct served *served = *state;
    size_t guarded = 0;
    write_persons(served);
    struct ran ran = run(served, "import persons persons.csv");
    if (!strstr(ran.out.data, "\"rejected\":0"))
        fail_msg("%s%s", ran.out.data, ran.words.data);
    ran_release(&ran);
    struct reply file = export_file(served);
    assert_int_equal(file.status, 200);
    for (const char *at = file.body.data; *at; at++) {
        bool first = at == file.body.data || at[-1] == ',' || at[-1] == '\n';
        if (first && begins_as_formula(at))
            fail_msg("a cell begins with %.20s", at);
        guarded += first && (at[0] == '\'' || (at[0] == '"' && at[1] == '\''));
    }
    assert_true(guarded >= NAMES - 1); /* blanks round a cell do not count on the way in */
    reply_release(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SERVED_TEST(no_cell_of_an_export_is_a_formula)};
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
