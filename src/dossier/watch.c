/* watch add, watch lift: persons known to many, whose reads a reviewer sees first. */
#include "dossier/dossier_internal.h"

static const struct sql_text watch_put = {
    "watch_put",
    "INSERT INTO watched_person (person_no, words, plain_words) VALUES (?1, ?2, '')"
    " ON CONFLICT (person_no) DO UPDATE SET words = excluded.words, plain_words = ''",
    "primary key"};
static const struct sql_text watch_delete = {
    "watch_delete", "DELETE FROM watched_person WHERE person_no = ?1", "primary key"};
static const struct sql_text watch_person = {
    "watch_person", "SELECT 1 FROM person WHERE person_no = ?1", "primary key"};

/* The words, for a rotation of the key that they lie under; and what is left of before. */
const struct sql_text watch_words_block = {
    "watch_words_block",
    "SELECT person_no, words FROM watched_person WHERE person_no > ?1 AND words IS NOT NULL"
    " ORDER BY person_no LIMIT ?2",
    "primary key"};
const struct sql_text watch_words_replace = {
    "watch_words_replace", "UPDATE watched_person SET words = ?2 WHERE person_no = ?1",
    "primary key"};
const struct sql_text watch_words_plain = {
    "watch_words_plain",
    "SELECT person_no, plain_words FROM watched_person WHERE plain_words <> ''"
    " ORDER BY person_no LIMIT ?1",
    "whole index watched_person_plain: nothing, but for once"};
const struct sql_text watch_words_encrypt = {
    "watch_words_encrypt",
    "UPDATE watched_person SET words = ?2, plain_words = '' WHERE person_no = ?1", "primary key"};

const struct sql_list watch_statements =
    SQL_LIST(&watch_put, &watch_delete, &watch_person, &watch_words_block, &watch_words_replace,
             &watch_words_plain, &watch_words_encrypt);

struct watch_job {
    struct platform *platform;
    int64_t person_no;
    const char *words; /* NULL: lifted */
};

static bool put_watch(struct sql *sql, const struct watch_job *job, struct error *err)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct slice words = field_encrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_WATCHED | job->person_no,
                                       slice_of(job->words), &arena);
    bool done =
        sql_run(sql, &watch_put, SQL_ARGUMENTS(sql_int(job->person_no), sql_blob(words)), err);
    arena_release(&arena);
    return done;
}

static bool watch(struct sql *sql, void *context, struct error *err)
{
    const struct watch_job *job = context;
    struct audit_entry entry = {.actor = SLICE("command line"),
                                .act = job->words ? SLICE("watch.add") : SLICE("watch.lift"),
                                .subject_no = job->person_no};
    int64_t known;
    if (!sql_one_int(sql, &watch_person, SQL_ARGUMENTS(sql_int(job->person_no)), 0, &known, err))
        return false;
    if (!known)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.source = "watch"},
                         "the number of a person", "there is no person %lld",
                         (long long)job->person_no);
    return (job->words
                ? put_watch(sql, job, err)
                : sql_run(sql, &watch_delete, SQL_ARGUMENTS(sql_int(job->person_no)), err)) &&
           audit_append(sql, &entry, world_now(job->platform->world), err);
}

static int run_watch(struct command_context *context, const char *number, const char *words,
                     struct error *err)
{
    struct watch_job job = {.platform = context->platform, .words = words};
    if (!slice_to_int64(slice_of(number), 1, UINT32_MAX, &job.person_no)) {
        error_set(err, ERROR_USAGE, (struct error_place){.source = "watch"},
                  "the number of a person", "'%s' is none", number);
        return command_fail(err);
    }
    return store_write(context->platform->store, watch, &job, err) ? EXIT_DONE : command_fail(err);
}

static int run_add(struct command_context *context, int argc, char **argv, struct error *err)
{
    return command_arguments(&watch_commands[0], argc, argv, 2, 2, err)
               ? run_watch(context, argv[0], argv[1], err)
               : command_fail(err);
}

static int run_lift(struct command_context *context, int argc, char **argv, struct error *err)
{
    return command_arguments(&watch_commands[1], argc, argv, 1, 1, err)
               ? run_watch(context, argv[0], NULL, err)
               : command_fail(err);
}

const struct command watch_commands[WATCH_COMMANDS] = {
    {.name = "watch add",
     .usage = "PERSON_NO WORDS",
     .words = "a person known to many: whoever reads the record is shown to reviewers first",
     .needs_data = true,
     .run = run_add},
    {.name = "watch lift",
     .usage = "PERSON_NO",
     .words = "ends it",
     .needs_data = true,
     .run = run_lift},
};
