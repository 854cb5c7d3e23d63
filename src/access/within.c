/* Of whose jurisdiction a person is. Four are told apart (policies/roles.yaml, `where`): the area
 * of the home, of a stay that lasts now, of the report of a case of theirs, and the unit in which
 * the reader serves. Who is nobody of these is answered as one who does not exist. */
#include "access/access_internal.h"

static const struct sql_text person_place = {
    "within_person", "SELECT area_no, coalesce(unit_no, 0) FROM person WHERE person_no = ?1",
    "primary key"};
static const struct sql_text stays_here = {
    "within_stay",
    "SELECT stay_no FROM person_stay WHERE person_no = ?1 AND area_no BETWEEN ?2 AND ?3"
    " AND from_at <= ?4 AND until_at > ?4 LIMIT 1",
    "person_stay_by_person"};
static const struct sql_text reported_here = {
    "within_case",
    "SELECT case_no FROM case_record WHERE person_no = ?1 AND area_no BETWEEN ?2 AND ?3 LIMIT 1",
    "case_by_person"};

const struct sql_list within_statements = SQL_LIST(&person_place, &stays_here, &reported_here);

static bool found(struct sql *sql, const struct sql_text *text, const struct sql_value *arguments,
                  size_t count, bool *ret_found, struct error *err)
{
    int64_t number;
    if (!sql_one_int(sql, text, arguments, count, 0, &number, err))
        return false;
    *ret_found = number != 0;
    return true;
}

bool access_person_within(struct platform *platform, struct sql *sql, const struct actor *actor,
                          int64_t person_no, int64_t *ret_area_no, bool *ret_within,
                          struct error *err)
{
    struct sql_query *query;
    bool row;
    int64_t unit_no = 0;
    *ret_area_no = 0;
    *ret_within = false;
    if (!sql_begin(sql, &person_place, SQL_ARGUMENTS(sql_int(person_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    *ret_area_no = sql_get_int(query, 0);
    unit_no = sql_get_int(query, 1);
    sql_end(query);
    if (actor->one_person) {
        *ret_within = actor->purpose_person == person_no;
        return true;
    }
    const struct sql_value place[] = {sql_int(person_no), sql_int(actor->area_first),
                                      sql_int(actor->area_last),
                                      sql_int(world_now(platform->world))};
    unsigned where = actor->where;
    *ret_within = (where & 1u << WHERE_RESPONSIBLE && *ret_area_no >= actor->area_first &&
                   *ret_area_no <= actor->area_last) ||
                  (where & 1u << WHERE_OWN_UNIT && unit_no && unit_no == actor->unit_no);
    if (!*ret_within && where & 1u << WHERE_STAY &&
        !found(sql, &stays_here, place, 4, ret_within, err))
        return false;
    return *ret_within || !(where & 1u << WHERE_REPORTING) ||
           found(sql, &reported_here, place, 3, ret_within, err);
}
