/* What rooms above need of the room's things. */
#include "loops/things.h"

#include "loops/loops_internal.h"

static const struct sql_text open_about = {
    "loop_open_about",
    "SELECT loop_no FROM loop WHERE subject_kind = ?1 AND subject_no = ?2 AND state = 0"
    " ORDER BY loop_no LIMIT 1",
    "loop_by_subject"};

const struct sql_list loop_thing_statements = SQL_LIST(&open_about);

bool loop_thing_register(struct sql *sql, enum scene_kind kind, struct slice code, int64_t area_no,
                         int64_t *ret_no, struct error *err)
{
    struct engine engine = {.sql = sql};
    REQUIRE(kind_is_thing(kind));
    return thing_put(&engine, kind, code, code, area_no, 0, ret_no, err);
}

bool loop_open_about(struct sql *sql, enum scene_kind kind, int64_t subject_no,
                     int64_t *ret_loop_no, struct error *err)
{
    return sql_one_int(sql, &open_about, SQL_ARGUMENTS(sql_int(kind), sql_int(subject_no)), 0,
                       ret_loop_no, err);
}
