/* Folder, options and data of one run of a benchmark. */
#include "bench/workshop.h"

#include <fcntl.h>
#include <fts.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool take_number(int *argc, char **argv, const char *option, int64_t low, int64_t high,
                        int64_t *value, struct error *err)
{
    const char *text;
    if (!command_option(argc, argv, option, &text, err))
        return false;
    if (!text || slice_to_int64(slice_of(text), low, high, value))
        return true;
    return error_set(err, ERROR_USAGE, (struct error_place){.field = option}, "a whole number",
                     "'%s' is not from %lld to %lld", text, (long long)low, (long long)high);
}

bool workshop_open(struct workshop *workshop, struct command_context *context,
                   const struct command *command, int argc, char **argv, struct error *err)
{
    const char *place;
    workshop->context = context;
    workshop->alone = command_flag(&argc, argv, "--alone");
    if (!command_option(&argc, argv, "--work", &place, err) ||
        !take_number(&argc, argv, "--people", 100, TRAFFIC_PEOPLE_MAX, &workshop->people, err) ||
        !take_number(&argc, argv, "--days", 1, TRAFFIC_DAYS_MAX, &workshop->days, err) ||
        !take_number(&argc, argv, "--events", 1, INT64_C(2000000000), &workshop->events, err) ||
        !take_number(&argc, argv, "--peer-events", 1, INT64_C(2000000000),
                     &workshop->peer_events, err) ||
        !take_number(&argc, argv, "--pairs", 1, PAIRS_MAX, &workshop->pairs, err) ||
        !take_number(&argc, argv, "--queries", 1, 100000, &workshop->queries, err) ||
        !command_arguments(command, argc, argv, 0, 0, err))
        return false;
    int length = snprintf(workshop->folder, sizeof workshop->folder, "%s/chengmai-bench-XXXXXX",
                          place ? place : "/var/tmp");
    if (length >= (int)sizeof workshop->folder - 64 || !mkdtemp(workshop->folder)) {
        workshop->folder[0] = '\0';
        return error_set_errno(err, place ? place : "/var/tmp", "make a folder in");
    }
    setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0); /* the peers' heaps too in huge pages */
    return true;
}

int workshop_close(struct workshop *workshop, const char *bench, bool done, struct error *err)
{
    struct error ignored;
    if (workshop->folder[0] && !file_remove_tree(AT_FDCWD, workshop->folder, &ignored))
        workshop_say(workshop, "%s could not be removed", workshop->folder);
    if (!done)
        return command_fail(err);
    figures_print(&workshop->figures, bench, workshop->context->json, workshop->context->out);
    return workshop->absent ? EXIT_ENVIRONMENT : EXIT_DONE;
}

void workshop_path(const struct workshop *workshop, const char *name,
                   char out[WORKSHOP_PATH_BYTES])
{
    int length = snprintf(out, WORKSHOP_PATH_BYTES, "%s/%s", workshop->folder, name);
    REQUIRE(length < WORKSHOP_PATH_BYTES);
}

bool workshop_peer(struct workshop *workshop, const char *name, char ret_path[PEER_PATH_BYTES])
{
    if (workshop->alone)
        return false;
    if (peer_find(name, ret_path))
        return true;
    workshop->absent++;
    workshop_say(workshop, "the peer %s is not installed (bench/setup does it): no RESULT for it",
                 name);
    return false;
}

void workshop_say(const struct workshop *workshop, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(workshop->context->words, format, arguments);
    va_end(arguments);
    fputc('\n', workshop->context->words);
    fflush(workshop->context->words);
}

bool event_file_make(struct workshop *workshop, const struct traffic *traffic, uint64_t count,
                     struct event_file *ret_file, struct error *err)
{
    struct event_file file = {.count = (size_t)count};
    workshop_path(workshop, "events", file.path);
    if (!traffic_write(traffic, count, file.path, err))
        return false;
    int fd = open(file.path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, file.path, "open");
    void *map = MAP_FAILED;
    struct stat status;
    if (fstat(fd, &status) == 0 && (uint64_t)status.st_size == count * sizeof *file.events)
        map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return error_set_errno(err, file.path, "map");
    file.events = map;
    *ret_file = file;
    return true;
}

void event_file_close(struct event_file *file)
{
    if (file->events)
        munmap((void *)(uintptr_t)file->events, file->count * sizeof *file->events);
    *file = (struct event_file){0};
}

bool workshop_run_self(const char *const *arguments, struct error *err)
{
    char own[PEER_PATH_BYTES], line[PEER_ANSWER_BYTES];
    struct peer self = {0};
    if (!peer_own_path(own, err) || !peer_start("init", own, arguments, &self, err))
        return false;
    while (fgets(line, sizeof line, self.from))
        ;
    return peer_finish(&self) || error_set(err, ERROR_ENVIRONMENT,
                                           (struct error_place){.source = "init --demo"},
                                           "a demo city", "it failed");
}

bool bench_city_make(struct workshop *workshop, const char *name, struct bench_city *ret_city,
                     struct error *err)
{
    struct bench_city *city = ret_city;
    struct presence_options options = {.background = false};
    struct store_creation creation = {.demo = true, .seed = 1};
    *city = (struct bench_city){0};
    workshop_path(workshop, name, city->directory);
    REQUIRE(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &creation.city_start));
    world_init(&city->world);
    city->platform.world = &city->world;
    city->platform.directory = city->directory;
    bool done = store_create(city->directory, &creation, err) &&
                store_open(city->directory, &city->world, &city->platform.store, err) &&
                policy_open(store_directory_fd(city->platform.store), &city->platform.policy,
                            err) &&
                presence_open(city->platform.store, &options, &city->platform.presence, err);
    if (!done)
        bench_city_remove(city);
    return done;
}

void bench_city_remove(struct bench_city *city)
{
    struct error ignored;
    presence_close(city->platform.presence);
    policy_free(city->platform.policy);
    store_close(city->platform.store);
    if (city->directory[0] && !file_remove_tree(AT_FDCWD, city->directory, &ignored))
        city->directory[0] = '\0'; /* the workshop's end removes it, or says so */
    *city = (struct bench_city){0};
}

bool folder_bytes(const char *directory, const char *name, int64_t *ret_bytes, struct error *err)
{
    char path[WORKSHOP_PATH_BYTES + 32];
    char *roots[] = {path, NULL};
    int64_t bytes = 0;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        return error_set_errno(err, path, "walk");
    for (FTSENT *entry; (entry = fts_read(tree));)
        if (entry->fts_info == FTS_F)
            bytes += entry->fts_statp->st_size;
    fts_close(tree);
    *ret_bytes = bytes;
    return true;
}
