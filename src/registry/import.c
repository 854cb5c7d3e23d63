/* The import framework: rows from CSV or NDJSON in batches, one job a batch, every row accounted
 * for.
 *
 *   file ─rows─► batch of 4096 ─kind.apply in one store job─► counts
 *                   └─ rejected rows ─► NAME.rejects.csv with row, field, reason
 *
 * Invariant: rows = inserted + merged + unchanged + rejected, always. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "registry/import.h"

enum { BATCH_ROWS = 4096, COLUMNS_MAX = 256, WARNINGS_SHOWN = 20 };

static const struct sql_text import_insert = {
    "import_insert",
    "INSERT INTO import (kind, source, file_name, begun_at, state, row_count, inserted)"
    " VALUES (?1, ?2, ?3, ?4, 'running', 0, 0)",
    "primary key"};
static const struct sql_text import_last = {
    "import_last", "SELECT max(import_no) FROM import", "primary key"};
static const struct sql_text import_finish = {
    "import_finish",
    "UPDATE import SET state = ?2, row_count = ?3, inserted = ?4 WHERE import_no = ?1",
    "primary key"};
static const struct sql_text import_kind_of = {
    "import_kind_of", "SELECT kind, state FROM import WHERE import_no = ?1", "primary key"};

const struct sql_list import_statements =
    SQL_LIST(&import_insert, &import_last, &import_finish, &import_kind_of);

struct import_run {
    const struct import_kind *kind;
    struct command_context *context;
    struct csv_reader *reader;
    struct import_batch batch;
    int column_of[COLUMNS_MAX];
    struct csv_row rows[BATCH_ROWS];
    struct error row_errors[BATCH_ROWS];
    bool rejected[BATCH_ROWS];
    struct import_result result;
    int64_t warnings;
    bool ndjson;
    bool rejects_lost; /* rows were rejected that no file holds */
    bool rejects_written;
    bool rejects_given; /* by the caller: not closed here, and no file of a name */
    struct slice actor, purpose;
    FILE *rejects;
    char *rejects_name;
};

/* ---- What kinds call */

bool import_is_formula(struct slice field)
{
    size_t quotes = 0;
    while (quotes < field.length && field.data[quotes] == '\'')
        quotes++;
    struct slice rest = {field.data + quotes, field.length - quotes};
    if (rest.length && memchr("=+-@\t\r", rest.data[0], 6))
        return true;
    static const char *const full_width[] = {"\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"}; /* ＝＋－＠ */
    for (size_t i = 0; i < sizeof full_width / sizeof *full_width; i++)
        if (rest.length >= 3 && memcmp(rest.data, full_width[i], 3) == 0)
            return true;
    return false;
}

struct slice import_unprotect(struct slice field)
{
    bool guarded = field.length && field.data[0] == '\'' && import_is_formula(field);
    return guarded ? (struct slice){field.data + 1, field.length - 1} : field;
}

struct slice import_field(const struct import_batch *batch, size_t row, int column)
{
    int at = batch->column_of[column];
    if (at < 0)
        return (struct slice){NULL, 0};
    struct slice field = import_unprotect(slice_trim(batch->rows[row].fields[at]));
    return field.length ? field : (struct slice){NULL, 0};
}

/* As an export writes it: officials open rejects in a spreadsheet. */
void registry_csv_put(struct buffer *line, struct slice field, bool first)
{
    double number;
    char *guarded = NULL;
    if (import_is_formula(field) && !slice_to_double(field, &number)) {
        guarded = x_alloc(field.length + 1, 1);
        guarded[0] = '\'';
        memcpy(guarded + 1, field.data, field.length);
        field = (struct slice){guarded, field.length + 1};
    }
    csv_put(line, field, first);
    free(guarded);
}

static void write_rejects_head(struct import_run *run)
{
    const struct csv_row *header = csv_reader_header(run->reader);
    struct buffer line;
    buffer_init(&line, 4 << 20);
    for (size_t i = 0; i < header->count; i++)
        csv_put(&line, header->fields[i], i == 0);
    fprintf(run->rejects, "%s,row,field,reason\n", line.data);
    buffer_release(&line);
}

static bool open_rejects(struct import_run *run)
{
    if (run->rejects_given && run->result.rejected == 1)
        write_rejects_head(run);
    if (run->rejects)
        return true;
    int fd = openat(run->context->working_directory_fd, run->rejects_name,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) { /* the caller's folder may be read-only: the data directory is not */
        free(run->rejects_name);
        if (asprintf(&run->rejects_name, "%s/import-%lld.rejects.csv",
                     run->context->platform->directory, (long long)run->batch.import_no) < 0)
            return false;
        fd = open(run->rejects_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    run->rejects = fd < 0 ? NULL : fdopen(fd, "w");
    if (!run->rejects)
        return false;
    write_rejects_head(run);
    return true;
}

static void write_reject(struct import_run *run, const struct csv_row *row, const char *field,
                         const char *reason)
{
    run->result.rejected++;
    if (!open_rejects(run)) {
        run->rejects_lost = true;
        return;
    }
    struct buffer line;
    char number[24];
    buffer_init(&line, 8 << 20);
    size_t columns = csv_reader_header(run->reader)->count;
    for (size_t i = 0; i < columns; i++)
        registry_csv_put(&line, i < row->count ? row->fields[i] : SLICE(""), i == 0);
    snprintf(number, sizeof number, "%lld", (long long)row->number);
    csv_put(&line, slice_of(number), false);
    csv_put(&line, slice_of(field ? field : ""), false);
    csv_put(&line, slice_of(reason), false);
    csv_end(&line);
    if (fwrite(line.data, 1, line.length, run->rejects) != line.length)
        run->rejects_lost = true;
    buffer_release(&line);
}

void import_reject(struct import_batch *batch, size_t row, const char *field, const char *reason)
{
    struct import_run *run = batch->reporter;
    REQUIRE(!run->rejected[row]);
    run->rejected[row] = true;
    write_reject(run, &batch->rows[row], field, reason);
}

void import_warn(struct import_batch *batch, size_t row, const char *field, const char *words)
{
    struct import_run *run = batch->reporter;
    if (run->warnings++ < WARNINGS_SHOWN)
        fprintf(run->context->words, "warning: %s, row %lld, field %s\n", words,
                (long long)batch->rows[row].number, field);
}

/* ---- Batches */

static bool apply_in_job(struct sql *sql, void *context, struct error *err)
{
    struct import_run *run = context;
    bool done = run->kind->apply(&run->batch, sql, err);
    if (done && run->batch.dry_run)
        return error_set(err, ERROR_REFUSED, (struct error_place){.source = "dry run"}, NULL,
                         "dry run");
    return done;
}

static bool apply_batch(struct import_run *run, struct error *err)
{
    if (run->batch.row_count == 0)
        return true;
    memset(run->rejected, 0, sizeof run->rejected);
    if (run->kind->direct)
        return run->kind->apply(&run->batch, NULL, err);
    struct error failure = {0};
    if (store_write(run->context->platform->store, apply_in_job, run, &failure))
        return true;
    if (run->batch.dry_run && failure.code == ERROR_REFUSED &&
        strcmp(failure.what, "dry run") == 0)
        return true; /* all was tried, nothing is kept */
    *err = failure;
    return false;
}

/* Copies a row of the reader into the batch. */
static void take_row(struct import_run *run, const struct csv_row *row)
{
    struct slice *fields = arena_alloc(run->batch.arena, row->count * sizeof *fields);
    for (size_t i = 0; i < row->count; i++)
        fields[i] = (struct slice){
            arena_copy(run->batch.arena, row->fields[i].data, row->fields[i].length),
            row->fields[i].length};
    run->rows[run->batch.row_count++] = (struct csv_row){row->number, row->count, fields};
}

static bool run_rows(struct import_run *run, struct error *err)
{
    for (;;) {
        const struct csv_row *row;
        struct error reason = {0};
        if (!csv_reader_next(run->reader, &row, &reason)) {
            *err = reason;
            return false;
        }
        if (row) {
            run->result.rows++;
            if (row->count == 0)
                write_reject(run, row, NULL,
                             run->ndjson && reason.code == ERROR_BAD_VALUE
                                 ? "not a flat JSON object"
                                 : reason.what);
            else
                take_row(run, row);
        }
        if (run->batch.row_count == BATCH_ROWS || !row) {
            if (!apply_batch(run, err))
                return false;
            arena_clear(run->batch.arena);
            run->batch.row_count = 0;
        }
        if (!row)
            return true;
    }
}

/* ---- Beginning and ending */

static bool resolve_columns(struct import_run *run, struct error *err)
{
    const struct csv_row *header = csv_reader_header(run->reader);
    for (int i = 0; run->kind->columns[i].name; i++) {
        REQUIRE(i < COLUMNS_MAX);
        run->column_of[i] = csv_reader_column(run->reader, run->kind->columns[i].name);
        if (run->column_of[i] < 0 && run->kind->columns[i].required)
            return error_set(err, ERROR_USAGE,
                             (struct error_place){.field = run->kind->columns[i].name},
                             "a header with this column", "the column is missing");
    }
    for (size_t h = 0; h < header->count; h++) {
        bool known = false;
        for (int i = 0; run->kind->columns[i].name; i++)
            known |= slice_equal(header->fields[h], slice_of(run->kind->columns[i].name));
        if (!known)
            fprintf(run->context->words, "note: column %.*s is not used\n",
                    SLICE_ARG(header->fields[h]));
    }
    return true;
}

struct begin_job {
    const char *kind, *source, *file;
    timestamp now;
    int64_t import_no;
};

static bool begin_import(struct sql *sql, void *context, struct error *err)
{
    struct begin_job *job = context;
    return sql_run(sql, &import_insert,
                   SQL_ARGUMENTS(sql_text(slice_of(job->kind)), sql_text(slice_of(job->source)),
                                 sql_text(slice_of(job->file)), sql_int(job->now)),
                   err) &&
           sql_one_int(sql, &import_last, NULL, 0, 0, &job->import_no, err);
}

struct finish_job {
    const char *kind;
    int64_t import_no;
    const char *state;
    struct import_result result;
    struct audit_entry audit;
};

/* The end of an import that ran, or of what was taken back, and who did it. */
static bool finish_import(struct sql *sql, void *context, struct error *err)
{
    struct finish_job *job = context;
    char payload[80];
    snprintf(payload, sizeof payload, "{\"kind\":\"%s\",\"state\":\"%s\"}", job->kind, job->state);
    struct event event = {.kind = SLICE("registry.imported"),
                          .subject_no = job->import_no,
                          .payload = slice_of(payload)};
    return sql_run(sql, &import_finish,
                   SQL_ARGUMENTS(sql_int(job->import_no), sql_text(slice_of(job->state)),
                                 sql_int(job->result.rows), sql_int(job->result.inserted)),
                   err) &&
           event_emit(sql, &event, err) && audit_append(sql, &job->audit, sql_now(sql), err);
}

static bool execute(struct import_run *run, struct error *err)
{
    if (!resolve_columns(run, err))
        return false;
    if (run->kind->begin && !run->kind->begin(&run->batch, err))
        return false;
    bool done = run_rows(run, err);
    struct error ignored;
    bool commit = done && !run->batch.dry_run;
    if (run->kind->end && !run->kind->end(&run->batch, commit, done ? err : &ignored))
        done = false;
    return done;
}

static void print_result(struct import_run *run, double seconds)
{
    struct buffer text;
    struct json_writer writer;
    const struct import_result *r = &run->result;
    REQUIRE(r->rows == r->inserted + r->merged + r->unchanged + r->rejected);
    buffer_init(&text, 1 << 16);
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    json_field_text(&writer, "kind", slice_of(run->kind->name));
    json_field_int64(&writer, "rows", r->rows);
    json_field_int64(&writer, "inserted", r->inserted);
    json_field_int64(&writer, "merged", r->merged);
    json_field_int64(&writer, "unchanged", r->unchanged);
    json_field_int64(&writer, "rejected", r->rejected);
    json_key(&writer, "rejects_file");
    if (run->rejects_written)
        json_put_text(&writer, slice_of(run->rejects_name));
    else
        json_put_null(&writer);
    json_field_double(&writer, "seconds", seconds);
    json_field_int64(&writer, "warnings", run->warnings);
    if (run->batch.dry_run)
        json_field_null(&writer, "import");
    else
        json_field_int64(&writer, "import", run->batch.import_no);
    json_field_bool(&writer, "dry_run", run->batch.dry_run);
    json_object_end(&writer);
    json_writer_release(&writer);
    fprintf(run->context->out, "%s\n", text.data);
    buffer_release(&text);
}

/* What was rejected must be on disk before the counts are told. */
static bool close_rejects(struct import_run *run, struct error *err)
{
    bool lost = run->rejects_lost;
    if (run->rejects)
        lost |= (run->rejects_given ? fflush(run->rejects) : fclose(run->rejects)) != 0;
    bool written = run->rejects && !run->rejects_given;
    run->rejects = NULL;
    run->rejects_written = written;
    return !lost || error_set(err, ERROR_IO, (struct error_place){.source = run->rejects_name},
                              "a file that can be written", "rejected rows cannot be written");
}

/* Who took what in; rows that change what is said of a past moment are told apart. */
static struct audit_entry audit_of(struct import_run *run, const char *source, const char *state)
{
    const struct import_result *r = &run->result;
    struct arena *arena = run->context->arena;
    const char *backdated =
        r->backdated ? arena_print(arena, ",backdated:%lld", (long long)r->backdated) : "";
    const char *fields = arena_print(
        arena,
        "import:%lld,source:%s,state:%s,rows:%lld,inserted:%lld,merged:%lld,unchanged:%lld,"
        "rejected:%lld%s",
        (long long)run->batch.import_no, source, state, (long long)r->rows, (long long)r->inserted,
        (long long)r->merged, (long long)r->unchanged, (long long)r->rejected, backdated);
    return (struct audit_entry){.actor = run->actor.data ? run->actor : SLICE("command line"),
                                .act = slice_of(arena_print(arena, "%s.import", run->kind->name)),
                                .purpose = run->purpose,
                                .fields = slice_of(fields)};
}

/* A dry run leaves no trace: it has no number and no row in `import`. */
static bool run_numbered(struct import_run *run, const char *path, struct error *err)
{
    struct store *store = run->context->platform->store;
    const char *source = arena_copy(run->context->arena, run->batch.source.data,
                                    run->batch.source.length);
    struct begin_job begin = {run->kind->name, source, path,
                              world_now(run->context->platform->world), 0};
    if (run->batch.dry_run)
        return execute(run, err);
    if (!store_write(store, begin_import, &begin, err))
        return false;
    run->batch.import_no = begin.import_no;
    bool done = execute(run, err);
    struct error ignored;
    const char *state = done ? "done" : "failed";
    struct finish_job finish = {run->kind->name, begin.import_no, state, run->result,
                                audit_of(run, source, state)};
    return store_write(store, finish_import, &finish, done ? err : &ignored) && done;
}

bool import_run(struct command_context *context, const struct import_kind *kind,
                const char *path, const struct import_options *options, bool *ret_rejected,
                struct error *err)
{
    double begun = world_elapsed_seconds();
    int fd;
    struct import_run *run = x_alloc(1, sizeof *run);
    struct arena rows;
    struct error ignored;
    arena_init(&rows, (size_t)8 << 30);
    run->kind = kind;
    run->context = context;
    run->rejects = options->rejects;
    run->rejects_given = options->rejects != NULL;
    run->actor = options->actor;
    run->purpose = options->purpose;
    run->batch = (struct import_batch){.kind = kind,
                                       .platform = context->platform,
                                       .source = slice_of(options->source),
                                       .create_missing = options->create_missing,
                                       .dry_run = options->dry_run,
                                       .begun_at = world_now(context->platform->world),
                                       .area_first = options->area_first,
                                       .area_last = options->area_last,
                                       .rows = run->rows,
                                       .column_of = run->column_of,
                                       .result = &run->result,
                                       .arena = &rows,
                                       .reporter = run};
    if (asprintf(&run->rejects_name, "%s.rejects.csv", strcmp(path, "-") ? path : "import") < 0)
        REQUIRE(false && "memory");
    bool done = command_open(context, path, &fd, err) &&
                import_rows_open(fd, path, store_directory_fd(context->platform->store),
                                 &run->reader, &run->ndjson, err) &&
                run_numbered(run, path, err);
    if (!close_rejects(run, done ? err : &ignored))
        done = false;
    if (done)
        print_result(run, world_elapsed_seconds() - begun);
    *ret_rejected = run->result.rejected > 0;
    csv_reader_free(run->reader);
    arena_release(&rows);
    free(run->rejects_name);
    free(run);
    return done;
}

struct undo_job {
    struct platform *platform;
    const struct import_kind *kind;
    int64_t removed;
    struct finish_job finish;
};

/* The rows, the import's state and the audit record go together. */
static bool undo_import(struct sql *sql, void *context, struct error *err)
{
    struct undo_job *job = context;
    struct finish_job *finish = &job->finish;
    char act[48], fields[80];
    if (!job->kind->direct &&
        !job->kind->undo(job->platform, sql, finish->import_no, &job->removed, err))
        return false;
    snprintf(act, sizeof act, "%s.undo", finish->kind);
    snprintf(fields, sizeof fields, "import:%lld,removed:%lld", (long long)finish->import_no,
             (long long)job->removed);
    finish->audit = (struct audit_entry){
        .actor = SLICE("command line"), .act = slice_of(act), .fields = slice_of(fields)};
    return finish_import(sql, finish, err);
}

bool import_undo(struct platform *platform, int64_t import_no, int64_t *ret_removed,
                 struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    bool row = false;
    const struct import_kind *kind = NULL;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = sql_begin(sql, &import_kind_of, SQL_ARGUMENTS(sql_int(import_no)), &query, err) &&
                sql_next(query, &row, err);
    for (size_t i = 0; done && row && i < import_kind_count; i++)
        if (slice_equal(sql_get_text(query, 0), slice_of(import_kinds[i]->name)))
            kind = import_kinds[i];
    store_read_end(platform->store, sql);
    if (!done)
        return false;
    if (!kind || !kind->undo)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "import"},
                         "the number of an import", "there is no import %lld to take back",
                         (long long)import_no);
    struct undo_job job = {
        .platform = platform,
        .kind = kind,
        .finish = {.kind = kind->name, .import_no = import_no, .state = "undone"}};
    if ((kind->direct && !kind->undo(platform, NULL, import_no, &job.removed, err)) ||
        !store_write(platform->store, undo_import, &job, err) ||
        (kind->undone && !kind->undone(platform, err)))
        return false;
    *ret_removed = job.removed;
    return true;
}
