/* Lines of command. Users answer to a lead; two stand in one line where one is above the other,
 * or where both answer to the same lead. Chains are short (a bound holds should data be wrong)
 * and the table is small. */
#include "access/access_internal.h"

enum { LEADS_MAX = 64 };

static const struct sql_text lead_select = {
    "user_lead", "SELECT lead_no FROM app_user WHERE user_no = ?1", "primary key"};
static const struct sql_text lead_update = {
    "user_lead_update", "UPDATE app_user SET lead_no = ?2 WHERE user_no = ?1", "primary key"};
static const struct sql_text person_select = {
    "user_person_of", "SELECT coalesce(person_no, 0) FROM app_user WHERE user_no = ?1",
    "primary key"};
static const struct sql_text lead_by_name = {
    "user_no_by_name", "SELECT user_no FROM app_user WHERE name = ?1", "unique name"};

const struct sql_list access_lead_statements =
    SQL_LIST(&lead_select, &lead_update, &person_select, &lead_by_name);

bool access_user_lead(struct sql *sql, int64_t user_no, int64_t *ret_lead_no, struct error *err)
{
    return sql_one_int(sql, &lead_select, SQL_ARGUMENTS(sql_int(user_no)), 0, ret_lead_no, err);
}

/* Whether `above` is met on the way up from `below`. */
static bool is_above(struct sql *sql, int64_t above, int64_t below, bool *ret_above,
                     struct error *err)
{
    *ret_above = false;
    for (int i = 0; i < LEADS_MAX && below && !*ret_above; i++) {
        if (!access_user_lead(sql, below, &below, err))
            return false;
        *ret_above = below == above;
    }
    return true;
}

bool access_user_person(struct sql *sql, int64_t user_no, int64_t *ret_person_no,
                        struct error *err)
{
    return sql_one_int(sql, &person_select, SQL_ARGUMENTS(sql_int(user_no)), 0, ret_person_no, err);
}

bool access_same_human(struct sql *sql, int64_t a, int64_t b, bool *ret_same, struct error *err)
{
    int64_t person_a, person_b;
    if (!access_user_person(sql, a, &person_a, err) || !access_user_person(sql, b, &person_b, err))
        return false;
    *ret_same = a == b || (person_a && person_a == person_b);
    return true;
}

bool access_is_led(struct sql *sql, int64_t a, int64_t b, bool *ret_led, struct error *err)
{
    return is_above(sql, a, b, ret_led, err) && (*ret_led || is_above(sql, b, a, ret_led, err));
}

bool access_same_line(struct sql *sql, int64_t a, int64_t b, bool *ret_same, struct error *err)
{
    int64_t lead_a, lead_b;
    bool led, human;
    if (!access_user_lead(sql, a, &lead_a, err) || !access_user_lead(sql, b, &lead_b, err) ||
        !access_is_led(sql, a, b, &led, err) || !access_same_human(sql, a, b, &human, err))
        return false;
    *ret_same = human || led || (lead_a && lead_a == lead_b);
    return true;
}

bool access_user_by_name(struct sql *sql, struct slice name, int64_t *ret_user_no,
                         struct error *err)
{
    return sql_one_int(sql, &lead_by_name, SQL_ARGUMENTS(sql_text(name)), 0, ret_user_no, err);
}

bool access_user_set_lead(struct sql *sql, int64_t user_no, struct slice lead, struct error *err)
{
    int64_t lead_no;
    bool round;
    struct error_place place = {.field = "lead"};
    if (!access_user_by_name(sql, lead, &lead_no, err))
        return false;
    if (!lead_no)
        return error_set(err, ERROR_BAD_VALUE, place, "the name of a user",
                         "there is no user '%.*s'", SLICE_ARG(lead));
    if (!is_above(sql, user_no, lead_no, &round, err))
        return false;
    if (round || lead_no == user_no)
        return error_set(err, ERROR_BAD_VALUE, place, "someone who does not answer to this user",
                         "the line would go round");
    return sql_run(sql, &lead_update, SQL_ARGUMENTS(sql_int(user_no), sql_int(lead_no)), err);
}
