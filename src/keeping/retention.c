/* A retention run: every class by its days, what is held stays, and all of it is written down.
 *
 *   act:  begun ──destroyed──► done          held (with the hold's number and reason)
 *
 * An act is written before anything is destroyed and done after it. A run that was cut short
 * stays visible with what it did; the next one finishes its begun days first, since dropping
 * twice is done. */
#include <stdlib.h>

#include "keeping/keeping_internal.h"

static const struct sql_text run_insert = {
    "run_insert",
    "INSERT INTO retention_run (began_by, city_day, began_at) VALUES (?1, ?2, ?3)", "primary key"};
static const struct sql_text run_last = {"run_last", "SELECT max(run_no) FROM retention_run",
                                         "primary key"};
static const struct sql_text run_last_day = {
    "run_last_day",
    "SELECT city_day FROM retention_run WHERE ended_at IS NOT NULL ORDER BY run_no DESC LIMIT 1",
    "small table"};
static const struct sql_text run_end = {
    "run_end", "UPDATE retention_run SET ended_at = ?2 WHERE run_no = ?1", "primary key"};
static const struct sql_text run_select = {
    "run_select",
    "SELECT run_no, began_by, city_day, began_at, ended_at FROM retention_run WHERE run_no = ?1",
    "primary key"};
static const struct sql_text run_select_list = {
    "run_select_list",
    "SELECT run_no, began_by, city_day, began_at, ended_at FROM retention_run WHERE run_no < ?1"
    " ORDER BY run_no DESC LIMIT ?2",
    "primary key"};
static const struct sql_text act_put = {
    "act_put",
    "INSERT INTO retention_act (run_no, class, item, state, row_count, words)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (run_no, class, item) DO UPDATE"
    " SET state = excluded.state, row_count = excluded.row_count, words = excluded.words",
    "primary key"};
static const struct sql_text act_finish = {
    "act_finish",
    "UPDATE retention_act SET state = 'done' WHERE run_no = ?1 AND class = ?2 AND item = ?3",
    "primary key"};
static const struct sql_text act_begun = {
    "act_begun",
    "SELECT run_no, class, item FROM retention_act WHERE state = 'begun' AND item <> ''"
    " ORDER BY run_no",
    "retention_act_by_state"};
static const struct sql_text act_select = {
    "act_select",
    "SELECT class, item, state, row_count, words FROM retention_act WHERE run_no = ?1"
    " ORDER BY class, item",
    "primary key"};

const struct sql_list retention_statements =
    SQL_LIST(&run_insert, &run_last, &run_last_day, &run_end, &run_select, &run_select_list,
             &act_put, &act_finish, &act_begun, &act_select);

struct act {
    enum record_class class_;
    char item[KEY_NAME_BYTES];
    const char *state;
    int64_t rows;
    char words[400];
};

struct run {
    struct keeping *keeping;
    struct platform *platform;
    const char *by;
    int64_t no; /* 0: dry */
    timestamp now;
    int32_t today;
    struct hold *holds;
    size_t hold_count;
    struct act *acts; /* of a dry run: written nowhere */
    size_t act_count;
    struct arena arena;
};

/* ---- Acts */

struct act_job {
    int64_t run_no;
    const struct act *act;
    bool finishes;
};

static bool write_act(struct sql *sql, void *context, struct error *err)
{
    struct act_job *job = context;
    struct slice class_ = slice_of(record_class_name(job->act->class_));
    struct slice item = slice_of(job->act->item);
    if (job->finishes)
        return sql_run(sql, &act_finish,
                       SQL_ARGUMENTS(sql_int(job->run_no), sql_text(class_), sql_text(item)), err);
    return sql_run(sql, &act_put,
                   SQL_ARGUMENTS(sql_int(job->run_no), sql_text(class_), sql_text(item),
                                 sql_text(slice_of(job->act->state)), sql_int(job->act->rows),
                                 sql_text(slice_of(job->act->words))),
                   err);
}

enum { DRY_ACTS_MAX = 8192 };

static bool put_act(struct run *run, const struct act *act, struct error *err)
{
    struct act_job job = {.run_no = run->no, .act = act};
    if (run->no)
        return store_write(run->platform->store, write_act, &job, err);
    if (run->act_count == DRY_ACTS_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "retention"}, NULL,
                         "more than %d acts in one run", DRY_ACTS_MAX);
    if (!run->acts)
        run->acts = arena_alloc(&run->arena, DRY_ACTS_MAX * sizeof *run->acts);
    run->acts[run->act_count++] = *act;
    return true;
}

static bool finish_act(struct run *run, const struct act *act, struct error *err)
{
    struct act_job job = {.run_no = run->no, .act = act, .finishes = true};
    return store_write(run->platform->store, write_act, &job, err);
}

/* True where it is held: then that is written down. */
static bool is_held(struct run *run, struct act *act, int32_t day, bool *ret_held,
                    struct error *err)
{
    const struct hold *hold = hold_of(run->holds, run->hold_count, act->class_, day);
    *ret_held = hold != NULL;
    if (!hold)
        return true;
    act->state = "held";
    snprintf(act->words, sizeof act->words, "hold %lld: %s", (long long)hold->no, hold->reason);
    return put_act(run, act, err);
}

static int64_t days_of(const struct run *run, enum record_class class_)
{
    return run->keeping->policy.rules[class_].days;
}

/* ---- Presence */

static bool drop_day(struct run *run, int32_t day, int64_t events, struct error *err)
{
    struct act act = {.class_ = CLASS_PRESENCE, .state = "begun", .rows = events};
    bool held;
    keys_day_name(day, act.item);
    if (!is_held(run, &act, day, &held, err))
        return false;
    return held || (put_act(run, &act, err) &&
                    (!run->no || (presence_drop_day(run->platform->presence, day, err) &&
                                  finish_act(run, &act, err))));
}

/* Day and events of what has passed its days; a day is kept until it is `days` days old. */
struct passed_day {
    int32_t day;
    int64_t events;
};

static bool passed_days(struct run *run, struct passed_day **ret_days, size_t *ret_count,
                        struct error *err)
{
    struct presence_view *view;
    int32_t first, last, border = run->today - (int32_t)days_of(run, CLASS_PRESENCE);
    size_t count = 0;
    if (!presence_view_begin(run->platform->presence, &view, err))
        return false;
    bool any = presence_day_range(view, &first, &last) && first < border;
    struct passed_day *days =
        arena_alloc(&run->arena, any ? (size_t)(border - first) * sizeof *days : 1);
    for (int32_t day = first; any && day < border && day <= last; day++) {
        int64_t events = presence_day_count(view, day);
        if (events > 0)
            days[count++] = (struct passed_day){day, events};
    }
    presence_view_end(view);
    *ret_days = days;
    *ret_count = count;
    return true;
}

static bool run_presence(struct run *run, struct error *err)
{
    struct passed_day *days;
    size_t count;
    if (!passed_days(run, &days, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!drop_day(run, days[i].day, days[i].events, err))
            return false;
    return true;
}

/* ---- Backups */

static bool run_backups(struct run *run, struct error *err)
{
    struct key_entry *entries;
    size_t count;
    timestamp made, border = run->now - days_of(run, CLASS_BACKUPS) * DAY;
    if (!keys_list(store_keys(run->platform->store), &entries, &count, err))
        return false;
    bool done = true, held;
    for (size_t i = 0; done && i < count; i++) {
        struct act act = {.class_ = CLASS_BACKUPS, .state = "begun"};
        if (entries[i].destroyed || !backup_time(entries[i].name, &made) || made >= border)
            continue;
        snprintf(act.item, sizeof act.item, "%s", entries[i].name);
        done = is_held(run, &act, INT32_MIN, &held, err);
        if (!done || held)
            continue;
        done = put_act(run, &act, err) &&
               (!run->no ||
                (keys_named_destroy(store_keys(run->platform->store), act.item, err) &&
                 finish_act(run, &act, err)));
    }
    free(entries);
    return done;
}

/* ---- Rows */

static bool run_rows(struct run *run, enum record_class class_,
                     bool (*forget)(const struct row_run *run, int64_t *ret_rows,
                                    struct error *err),
                     struct error *err)
{
    struct act act = {.class_ = class_, .state = "begun"};
    struct row_run rows = {run->platform, run->no, run->now - days_of(run, class_) * DAY};
    bool held;
    int64_t count = 0;
    if (!is_held(run, &act, INT32_MIN, &held, err))
        return false;
    if (held)
        return true;
    if (!run->no) {
        bool done = forget(&rows, &count, err);
        act.rows = count;
        return done && put_act(run, &act, err);
    }
    return put_act(run, &act, err) && forget(&rows, &count, err) && finish_act(run, &act, err);
}

/* ---- What an earlier run left begun */

struct begun {
    int64_t run_no;
    struct act act;
};

static bool read_begun(struct run *run, struct sql *sql, struct begun **ret_list,
                       size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    struct begun *list = arena_alloc(&run->arena, DRY_ACTS_MAX * sizeof *list);
    size_t count = 0;
    bool row, done = sql_begin(sql, &act_begun, NULL, 0, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row && count < DRY_ACTS_MAX) {
        int class_ = record_class_of(sql_get_text(query, 1));
        list[count].run_no = sql_get_int(query, 0);
        list[count].act.class_ = class_ < 0 ? CLASS_REFERENCE : (enum record_class)class_;
        text_copy(list[count].act.item, sizeof list[count].act.item, sql_get_text(query, 2));
        count++;
    }
    sql_end(query);
    *ret_list = list;
    *ret_count = count;
    return done;
}

/* What a hold keeps by now is left as it is. */
static bool finish_begun(struct run *run, struct begun *begun, struct error *err)
{
    struct platform *platform = run->platform;
    struct act_job job = {.run_no = begun->run_no, .act = &begun->act, .finishes = true};
    int32_t day;
    const char *item = begun->act.item;
    bool is_day = strncmp(item, "day-", 4) == 0 && time_parse_date(slice_of(item + 4), &day);
    bool is_backup = strncmp(item, "backup-", 7) == 0;
    if (hold_of(run->holds, run->hold_count, begun->act.class_, is_day ? day : INT32_MIN))
        return true;
    return (!is_day || presence_drop_day(platform->presence, day, err)) &&
           (!is_backup || keys_named_destroy(store_keys(platform->store), item, err)) &&
           store_write(platform->store, write_act, &job, err);
}

/* ---- The run */

static bool begin_run(struct sql *sql, void *context, struct error *err)
{
    struct run *run = context;
    struct audit_entry entry = {.actor = slice_of(run->by), .act = SLICE("retention.run")};
    return sql_run(sql, &run_insert,
                   SQL_ARGUMENTS(sql_text(slice_of(run->by)), sql_int(run->today),
                                 sql_int(run->now)),
                   err) &&
           sql_one_int(sql, &run_last, NULL, 0, 0, &run->no, err) &&
           audit_append(sql, &entry, run->now, err);
}

static bool end_run(struct sql *sql, void *context, struct error *err)
{
    struct run *run = context;
    return sql_run(sql, &run_end,
                   SQL_ARGUMENTS(sql_int(run->no), sql_int(world_now(run->platform->world))), err);
}

static bool prepare(struct run *run, bool dry, struct error *err)
{
    struct store *store = run->platform->store;
    struct sql *sql;
    struct begun *begun = NULL;
    size_t begun_count = 0;
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = holds_read(sql, true, run->now, &run->arena, &run->holds, &run->hold_count, err) &&
                (dry || read_begun(run, sql, &begun, &begun_count, err));
    store_read_end(store, sql);
    for (size_t i = 0; done && i < begun_count; i++)
        done = finish_begun(run, &begun[i], err);
    return done && (dry || store_write(store, begin_run, run, err));
}

static bool run_classes(struct run *run, struct error *err)
{
    return run_presence(run, err) && run_rows(run, CLASS_TESTS, forget_tests, err) &&
           run_rows(run, CLASS_EVIDENCE, forget_evidence, err) &&
           run_rows(run, CLASS_STAYS, forget_stays, err) &&
           run_rows(run, CLASS_EVENTS, forget_events, err) && run_backups(run, err);
}

/* ---- Reports */

static void put_act_json(struct json_writer *writer, const struct act *act)
{
    json_object_begin(writer);
    json_field_text(writer, "class", slice_of(record_class_name(act->class_)));
    if (act->item[0])
        json_field_text(writer, "key", slice_of(act->item));
    json_field_text(writer, "state", slice_of(act->state));
    json_field_int64(writer, "rows", act->rows);
    if (act->words[0])
        json_field_text(writer, "words", slice_of(act->words));
    json_object_end(writer);
}

static void report_dry(const struct run *run, struct buffer *out)
{
    struct json_writer writer;
    char day[TIME_TEXT_BYTES];
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_bool(&writer, "dry_run", true);
    json_field_text(&writer, "city_day", slice_of(time_format_date(run->today, day)));
    json_key(&writer, "acts");
    json_array_begin(&writer);
    for (size_t i = 0; i < run->act_count; i++)
        put_act_json(&writer, &run->acts[i]);
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
}

static void put_run_head(struct json_writer *writer, struct sql_query *query)
{
    char day[TIME_TEXT_BYTES];
    timestamp ended = sql_get_time(query, 4);
    json_field_int64(writer, "run", sql_get_int(query, 0));
    json_field_text(writer, "by", sql_get_text(query, 1));
    json_field_text(writer, "city_day",
                    slice_of(time_format_date((int32_t)sql_get_int(query, 2), day)));
    json_field_time(writer, "began_at", sql_get_int(query, 3) / SECOND * SECOND);
    json_field_time(writer, "ended_at",
                    ended == TIMESTAMP_NONE ? ended : ended / SECOND * SECOND);
}

static bool put_acts(struct json_writer *writer, struct sql *sql, int64_t run_no,
                     struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &act_select, SQL_ARGUMENTS(sql_int(run_no)), &query, err);
    json_key(writer, "acts");
    json_array_begin(writer);
    while (done && (done = sql_next(query, &row, err)) && row) {
        int class_ = record_class_of(sql_get_text(query, 0));
        struct act act = {.class_ = class_ < 0 ? CLASS_REFERENCE : (enum record_class)class_,
                          .rows = sql_get_int(query, 3)};
        char state[16];
        text_copy(act.item, sizeof act.item, sql_get_text(query, 1));
        text_copy(state, sizeof state, sql_get_text(query, 2));
        text_copy(act.words, sizeof act.words, sql_get_text(query, 4));
        act.state = state;
        put_act_json(writer, &act);
    }
    json_array_end(writer);
    return done;
}

static bool put_report(struct sql *sql, int64_t run_no, struct buffer *out, struct error *err)
{
    struct sql_query *query;
    struct json_writer writer;
    bool row;
    if ((run_no == 0 && !sql_one_int(sql, &run_last, NULL, 0, 0, &run_no, err)) ||
        !sql_begin(sql, &run_select, SQL_ARGUMENTS(sql_int(run_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.source = "retention"},
                         "the number of a run", "there was no such run");
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    put_run_head(&writer, query);
    sql_end(query);
    bool done = put_acts(&writer, sql, run_no, err);
    json_object_end(&writer);
    json_writer_release(&writer);
    return done;
}

bool retention_report(struct platform *platform, int64_t run_no, struct buffer *out,
                      struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = put_report(sql, run_no, out, err);
    store_read_end(platform->store, sql);
    return done;
}

bool retention_last_day(struct platform *platform, int32_t *ret_day, struct error *err)
{
    struct sql *sql;
    int64_t day = INT32_MIN;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &run_last_day, NULL, 0, INT32_MIN, &day, err);
    store_read_end(platform->store, sql);
    *ret_day = (int32_t)day;
    return done;
}

timestamp retention_next_at(int32_t last_day, timestamp now)
{
    int32_t today = time_day_of_seconds(now / SECOND);
    int32_t day = last_day < today ? today : last_day + 1;
    return (time_day_start_seconds(day) + RUN_HOUR * 3600) * SECOND;
}

bool retention_run(struct keeping *keeping, const char *by, bool dry_run, struct buffer *report,
                   struct error *err)
{
    struct platform *platform = keeping->platform;
    struct run run = {
        .keeping = keeping, .platform = platform, .by = by, .now = world_now(platform->world)};
    run.today = time_day_of_seconds(run.now / SECOND);
    if (!store_refuse_sunset(platform->store, err))
        return false;
    arena_init(&run.arena, 64 << 20);
    pthread_mutex_lock(&keeping->acting);
    bool done = prepare(&run, dry_run, err) && run_classes(&run, err) &&
                (dry_run || (keys_mirror_sync(store_keys(platform->store), err) &&
                             store_write(platform->store, end_run, &run, err)));
    pthread_mutex_unlock(&keeping->acting);
    if (done && dry_run)
        report_dry(&run, report);
    done = done && (dry_run || retention_report(platform, run.no, report, err));
    arena_release(&run.arena);
    return done;
}

/* ---- Overviews */

static void put_class(struct json_writer *writer, const struct keeping *keeping,
                      enum record_class class_)
{
    static const char *const keepers[] = {"run", "room", "sunset"};
    const struct retention_rule *rule = &keeping->policy.rules[class_];
    json_object_begin(writer);
    json_field_text(writer, "class", slice_of(record_class_name(class_)));
    json_field_text(writer, "title_zh", slice_of(rule->title_zh));
    json_field_text(writer, "title_en", slice_of(rule->title_en));
    if (rule->days)
        json_field_int64(writer, "days", rule->days);
    else
        json_field_null(writer, "days");
    json_field_text(writer, "kept_by", slice_of(keepers[record_class_keeper(class_)]));
    json_field_text(writer, "at_sunset", rule->kept_at_sunset ? SLICE("keep") : SLICE("destroy"));
    json_field_text(writer, "destroys", slice_of(rule->destroys));
    json_field_text(writer, "basis", slice_of(rule->basis));
    json_field_text(writer, "source", slice_of(rule->source));
    json_object_end(writer);
}

static bool put_overview(struct keeping *keeping, struct sql *sql, struct arena *arena,
                         struct json_writer *writer, struct error *err)
{
    timestamp now = world_now(keeping->platform->world);
    struct hold *holds;
    size_t count;
    int64_t last, last_day;
    if (!holds_read(sql, true, now, arena, &holds, &count, err) ||
        !sql_one_int(sql, &run_last, NULL, 0, 0, &last, err) ||
        !sql_one_int(sql, &run_last_day, NULL, 0, INT32_MIN, &last_day, err))
        return false;
    json_key(writer, "classes");
    json_array_begin(writer);
    for (int i = 0; i < RECORD_CLASS_COUNT; i++)
        put_class(writer, keeping, (enum record_class)i);
    json_array_end(writer);
    json_key(writer, "holds");
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++)
        hold_put(writer, &holds[i], now);
    json_array_end(writer);
    if (last)
        json_field_int64(writer, "last_run", last);
    else
        json_field_null(writer, "last_run");
    json_field_time(writer, "next_run_at", retention_next_at((int32_t)last_day, now));
    return true;
}

bool retention_overview(struct keeping *keeping, struct buffer *out, struct error *err)
{
    struct store *store = keeping->platform->store;
    struct json_writer writer;
    struct arena arena;
    struct sql *sql;
    if (!store_read_begin(store, &sql, err))
        return false;
    arena_init(&arena, 16 << 20);
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    bool done = put_overview(keeping, sql, &arena, &writer, err);
    if (done)
        json_object_end(&writer);
    json_writer_release(&writer);
    arena_release(&arena);
    store_read_end(store, sql);
    return done;
}

bool retention_runs(struct platform *platform, int64_t after, int64_t limit, struct buffer *out,
                    struct error *err)
{
    struct sql_query *query;
    struct json_writer writer;
    struct sql *sql;
    char cursor[32];
    int64_t count = 0, last = 0;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool row, done = sql_begin(sql, &run_select_list,
                               SQL_ARGUMENTS(sql_int(after ? after : INT64_MAX), sql_int(limit)),
                               &query, err);
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    for (; done && (done = sql_next(query, &row, err)) && row; count++) {
        last = sql_get_int(query, 0);
        json_object_begin(&writer);
        put_run_head(&writer, query);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    cursor_format(last, cursor);
    if (count == limit)
        json_field_text(&writer, "next", slice_of(cursor));
    else
        json_field_null(&writer, "next");
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(platform->store, sql);
    return done;
}
