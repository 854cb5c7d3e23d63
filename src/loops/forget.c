/* Forgetting: a closed loop and everything that was done in it goes as long after its end as its
 * scene says. Rows, not marks: what is deleted is overwritten by the store. Photos that no loop
 * names any more go in the same run. */
#include "loops/loops_internal.h"
#include "photos/photos.h"

static const struct sql_text old_loops = {
    "loop_old",
    "SELECT loop_no FROM loop WHERE scene_no = ?1 AND closed_at < ?2 AND state <> 0"
    " ORDER BY closed_at LIMIT ?3",
    "loop_by_end"};
static const struct sql_text forget_acts = {
    "loop_forget_acts", "DELETE FROM loop_act WHERE loop_no = ?1", "loop_act_by_loop"};
static const struct sql_text forget_parties = {
    "loop_forget_parties", "DELETE FROM loop_party WHERE loop_no = ?1", "loop_party_by_loop"};
static const struct sql_text forget_pending = {
    "loop_forget_pending", "DELETE FROM loop_pending WHERE loop_no = ?1", "primary key"};
static const struct sql_text forget_signatures = {
    "loop_forget_signatures", "DELETE FROM loop_signature WHERE loop_no = ?1", "primary key"};
static const struct sql_text forget_children = {
    "loop_forget_children", "DELETE FROM loop_child WHERE parent_no = ?1", "primary key"};
static const struct sql_text forget_parents = {
    "loop_forget_parents", "DELETE FROM loop_child WHERE child_no = ?1", "loop_child_by_child"};
static const struct sql_text forget_about = {
    "loop_forget_about", "DELETE FROM loop_about WHERE loop_no = ?1", "loop_about_by_loop"};
static const struct sql_text forget_sheet_rows = {
    "loop_forget_sheet_rows", "DELETE FROM loop_sheet_row WHERE loop_no = ?1",
    "loop_sheet_row_by_loop"};
static const struct sql_text forget_loop = {"loop_forget", "DELETE FROM loop WHERE loop_no = ?1",
                                            "primary key"};

const struct sql_list loop_forget_statements =
    SQL_LIST(&old_loops, &forget_acts, &forget_parties, &forget_pending, &forget_signatures,
             &forget_children, &forget_parents, &forget_about, &forget_sheet_rows, &forget_loop);

enum { LOOPS_A_JOB = 500, JOBS_A_SCENE = 200 };

struct forgetting {
    const struct definition *definition;
    int64_t count;
};

static bool forget_one(struct sql *sql, int64_t no, struct error *err)
{
    static const struct sql_text *const texts[] = {
        &forget_acts,     &forget_parties, &forget_pending, &forget_signatures,
        &forget_children, &forget_parents, &forget_about,   &forget_sheet_rows,
        &forget_loop};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!sql_run(sql, texts[i], SQL_ARGUMENTS(sql_int(no)), err))
            return false;
    return loop_cases_forget(sql, no, err) && loop_photos_forget(sql, no, err);
}

/* The highest number stays, so that none is handed out twice. */
static bool forget_job(struct sql *sql, void *context, struct error *err)
{
    struct forgetting *forgetting = context;
    const struct definition *definition = forgetting->definition;
    struct sql_query *query;
    int64_t numbers[LOOPS_A_JOB], last;
    size_t count = 0;
    timestamp border = sql_now(sql) - definition->scene->retention * SECOND;
    if (!loop_highest(sql, &last, err))
        return false;
    bool row, done = sql_begin(sql, &old_loops,
                               SQL_ARGUMENTS(sql_int(definition->scene_no), sql_int(border),
                                             sql_int(LOOPS_A_JOB)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        numbers[count++] = sql_get_int(query, 0);
    forgetting->count = 0;
    for (size_t i = 0; done && i < count; i++) {
        if (numbers[i] == last)
            continue;
        done = forget_one(sql, numbers[i], err);
        forgetting->count++;
    }
    return done;
}

bool loops_forget(struct loops *loops, int64_t *ret_count, struct error *err)
{
    int64_t photos;
    *ret_count = 0;
    if (!loops_ready(loops, err))
        return false;
    const struct definitions *set = atomic_load(&loops->definitions);
    for (size_t i = 0; i < set->count; i++) {
        struct forgetting forgetting = {.definition = &set->items[i]};
        if (set->items[i].scene->retention == SCENE_UNSET)
            continue;
        for (int job = 0; job < JOBS_A_SCENE; job++) {
            if (!store_write(loops->platform->store, forget_job, &forgetting, err))
                return false;
            *ret_count += forgetting.count;
            if (forgetting.count < LOOPS_A_JOB - 1)
                break;
        }
    }
    return photos_forget(loops->platform->photos, &photos, err);
}
