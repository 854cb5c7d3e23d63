/* A temporary city for tests from the registry upwards: the rooms opened in this process, commands
 * run as the command line runs them, files written beside. */
#ifndef CHENGMAI_REGISTRY_TEST_SUPPORT_H
#define CHENGMAI_REGISTRY_TEST_SUPPORT_H

#include <fcntl.h>
#include <unistd.h>

#include "policy/test_support.h"
#include "registry/registry.h"

struct test_city {
    char directory[64]; /* holds the data directory "city" and the files of the test */
    char data[80];
    int files_fd;
    struct world world;
    struct platform platform;
    struct buffer out, words; /* of the last command */
    struct error err;         /* of the last command */
};

/* store, policy, registry, presence; rooms above are the caller's to open. */
static inline void test_city_open(struct test_city *city)
{
    struct error err;
    struct platform *p = &city->platform;
    struct presence_options options = {.background = false};
    *p = (struct platform){.world = &city->world, .directory = city->data};
    test_fail_on(store_open(city->data, &city->world, &p->store, &err), &err);
    p->demo = store_is_demo(p->store);
    test_fail_on(policy_open(store_directory_fd(p->store), &p->policy, &err), &err);
    test_fail_on(registry_open(p, &p->registry, &err), &err);
    test_fail_on(presence_open(p->store, &options, &p->presence, &err), &err);
}

static inline void test_city_close(struct test_city *city)
{
    struct platform *p = &city->platform;
    presence_close(p->presence);
    registry_close(p->registry);
    policy_free(p->policy);
    store_close(p->store);
    *p = (struct platform){0};
}

static inline bool test_seed_areas(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return registry_seed_areas(sql, err);
}

/* A city with the built-in areas that stands still at 2022-04-14T14:30+08:00. */
static inline void test_city_create(struct test_city *city, bool demo)
{
    struct error err;
    *city = (struct test_city){.directory = "/tmp/chengmai-test-XXXXXX"};
    assert_non_null(mkdtemp(city->directory));
    snprintf(city->data, sizeof city->data, "%s/city", city->directory);
    city->files_fd = open(city->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(city->files_fd >= 0);
    world_init(&city->world);
    assert_true(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &city->world.fixed));
    struct store_creation creation = {
        .demo = demo, .seed = 1, .city_start = demo ? city->world.fixed : TIMESTAMP_NONE};
    test_fail_on(store_create(city->data, &creation, &err), &err);
    buffer_init(&city->out, (size_t)256 << 20);
    buffer_init(&city->words, 16 << 20);
    test_city_open(city);
    test_fail_on(store_write(city->platform.store, test_seed_areas, NULL, &err), &err);
    test_fail_on(registry_reload(city->platform.registry, &err), &err);
}

static inline void test_city_remove(struct test_city *city)
{
    struct error err;
    if (city->platform.store)
        test_city_close(city);
    close(city->files_fd);
    buffer_release(&city->out);
    buffer_release(&city->words);
    test_fail_on(file_remove_tree(AT_FDCWD, city->directory, &err), &err);
}

/* ---- Files */

static inline void test_put_bytes(struct test_city *city, const char *name, struct slice text)
{
    struct error err;
    int fd = openat(city->files_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    test_fail_on(file_write_all(fd, text.data, text.length, name, &err), &err);
    close(fd);
}
static inline void test_put(struct test_city *city, const char *name, const char *text)
{
    test_put_bytes(city, name, slice_of(text));
}
/* The whole file, freed by the caller; NULL where there is none. */
static inline char *test_read(const struct test_city *city, const char *name)
{
    struct error err;
    struct buffer text;
    buffer_init(&text, (size_t)256 << 20);
    if (file_read_whole(city->files_fd, name, &text, &err))
        return text.data ? text.data : strdup("");
    buffer_release(&text);
    return NULL;
}

/* ---- Commands */

static inline const struct command *test_command(const char *name)
{
    for (size_t m = 0; m < module_count; m++)
        for (size_t i = 0; i < modules[m]->command_count; i++)
            if (strcmp(modules[m]->commands[i].name, name) == 0)
                return &modules[m]->commands[i];
    fail_msg("there is no command %s", name);
    return NULL;
}

static inline void test_take_stream(FILE *stream, char **text, struct buffer *out)
{
    fclose(stream);
    buffer_clear(out);
    buffer_append_text(out, *text);
    free(*text);
}

enum { TEST_ARGUMENTS_MAX = 16 };

/* Runs a command with its arguments (NULL at the end); the exit code. in_fd −1: no input. */
static inline int test_run_from(struct test_city *city, int in_fd, const char *name, ...)
{
    char *argv[TEST_ARGUMENTS_MAX + 1] = {0}, *out = NULL, *words = NULL;
    size_t out_size, words_size;
    int argc = 0;
    va_list list;
    va_start(list, name);
    for (const char *text; (text = va_arg(list, const char *)); argc++) {
        assert_true(argc < TEST_ARGUMENTS_MAX);
        argv[argc] = strdup(text);
    }
    va_end(list);
    char *kept[TEST_ARGUMENTS_MAX + 1];
    memcpy(kept, argv, sizeof kept);
    struct arena arena;
    arena_init(&arena, (size_t)1 << 30);
    struct command_context context = {.platform = &city->platform,
                                      .arena = &arena,
                                      .out = open_memstream(&out, &out_size),
                                      .words = open_memstream(&words, &words_size),
                                      .in_fd = in_fd,
                                      .working_directory_fd = city->files_fd};
    city->err = (struct error){0};
    int code = test_command(name)->run(&context, argc, argv, &city->err);
    test_take_stream(context.out, &out, &city->out);
    test_take_stream(context.words, &words, &city->words);
    for (int i = 0; kept[i]; i++)
        free(kept[i]);
    arena_release(&arena);
    return code;
}
#define test_run(city, ...) test_run_from(city, -1, __VA_ARGS__, (const char *)NULL)

/* A whole number of the JSON object that an import printed. */
static inline int64_t test_count(const struct test_city *city, const char *name)
{
    struct error err;
    json_t *object;
    test_fail_on(json_read(buffer_slice(&city->out), "output", &object, &err), &err);
    json_t *value = json_object_get(object, name);
    int64_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    json_decref(object);
    return number;
}

/* Imports a text and compares its reconciliation: inserted, merged, unchanged, rejected. */
static inline void test_import(struct test_city *city, const char *kind, const char *text,
                               const int64_t counts[4])
{
    static const char *const names[4] = {"inserted", "merged", "unchanged", "rejected"};
    int64_t rows = 0;
    test_put(city, "rows.csv", text);
    int code = test_run(city, "import", kind, "rows.csv");
    if (code > EXIT_FINDINGS)
        fail_msg("import %s: %s", kind, city->err.what);
    for (int i = 0; i < 4; i++) {
        if (test_count(city, names[i]) != counts[i])
            fail_msg("import %s: %s", kind, city->out.data);
        rows += counts[i];
    }
    assert_true(test_count(city, "rows") == rows);
    assert_int_equal(code, counts[3] ? EXIT_FINDINGS : EXIT_DONE);
    assert_int_equal(city->err.code, ERROR_NONE);
}
#define TEST_COUNTS(...) (const int64_t[4]){__VA_ARGS__}

static inline bool test_count_audit(struct sql *sql, const char *act, const char *fields,
                                    int64_t *ret_count, struct error *err)
{
    static const struct sql_text text = {"test_audit",
                                         "SELECT count(*) FROM audit WHERE actor = 'command line'"
                                         " AND act = ?1 AND fields LIKE ?2",
                                         "test"};
    return sql_one_int(sql, &text,
                       SQL_ARGUMENTS(sql_text(slice_of(act)), sql_text(slice_of(fields))), 0,
                       ret_count, err);
}
/* Audit records of the command line with that act whose fields are like `fields` (SQL's LIKE). */
static inline int64_t test_audits(struct test_city *city, const char *act, const char *fields)
{
    struct error err;
    struct sql *sql;
    int64_t count;
    test_fail_on(store_read_begin(city->platform.store, &sql, &err), &err);
    test_fail_on(test_count_audit(sql, act, fields, &count, &err), &err);
    store_read_end(city->platform.store, sql);
    return count;
}

/* The number of an external id of the source "default"; 0 where unknown. */
static inline int64_t test_number_of(struct test_city *city, enum registry_kind kind,
                                     const char *id)
{
    struct error err;
    struct sql *sql;
    int64_t no;
    test_fail_on(store_read_begin(city->platform.store, &sql, &err), &err);
    test_fail_on(registry_lookup(sql, kind, SLICE("default"), slice_of(id), &no, &err), &err);
    store_read_end(city->platform.store, sql);
    return no;
}

#endif
