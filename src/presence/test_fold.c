/* Goal: folding, merging, importing, undoing and dropping happen whole or not at all, whatever step
 * fails and wherever the process dies; a dropped day is unreadable in every copy. */
#include <signal.h>
#include <sys/wait.h>

#include "presence/test_twin.h"

enum { TODAY = 19096, PERSONS = 9, VENUES = 4, DAYS = 4 };

static uint32_t second_of(int32_t day, uint32_t after)
{
    return (uint32_t)time_day_start_seconds(day) + after;
}

static void assert_equal_to_twin(struct presence *presence, const struct twin *twin)
{
    struct random random;
    random_init(&random, 31, 0);
    compare_with_twin(presence, twin, VENUES, PERSONS, second_of(TODAY - DAYS + 1, 0),
                      DAYS * 86400, 8, &random);
}

/* ---- Imports */

static void an_import_is_counted_repeated_and_taken_back(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    struct presence_bulk_result result;
    struct presence_event events[] = {
        {.person = 1, .venue = 1, .time = 1649000000},
        {.person = 2, .venue = 1, .time = 1649000000},
        {.person = 1, .venue = 1, .time = 1649000000},
        {.person = 1, .venue = 2, .time = 1649100000},
    };
    test_city_create(&city);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(add_bulk(city.presence, events, 4, (uint16_t)(7 + round), &result),
                         ERROR_NONE);
        assert_int_equal(result.inserted, round ? 0 : 3);
        assert_int_equal(result.merged, 1);
        assert_int_equal(result.unchanged, round ? 3 : 0);
    }
    int64_t removed;
    for (int round = 0; round < 2; round++) { /* twice is done */
        test_fail_on(presence_undo(city.presence, 7, &removed, &err), &err);
        assert_int_equal(removed, round ? 0 : 3);
    }
    struct twin nothing = {0};
    assert_equal_to_twin(city.presence, &nothing);
    test_presence_reopen(&city);
    assert_equal_to_twin(city.presence, &nothing);
    test_city_remove(&city);
}

static void an_abandoned_import_leaves_nothing(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    struct presence_bulk *bulk;
    struct presence_event event = {.person = 1, .venue = 1, .time = second_of(TODAY - 1, 5)};
    test_city_create(&city);
    test_fail_on(presence_bulk_begin(city.presence, 1, &bulk, &err), &err);
    test_fail_on(presence_bulk_day(bulk, TODAY - 1, &event, 1, &err), &err);
    struct twin nothing = {0};
    assert_equal_to_twin(city.presence, &nothing); /* written, not shown */
    presence_bulk_abandon(bulk);
    assert_equal_to_twin(city.presence, &nothing);
    test_presence_reopen(&city);
    assert_equal_to_twin(city.presence, &nothing);
    presence_bulk_abandon(NULL);
    test_city_remove(&city);
}

static void a_late_batch_goes_to_its_own_day_and_is_merged(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    struct twin twin = {0};
    struct presence_bulk_result result;
    test_city_create(&city);
    for (uint16_t origin = 1; origin <= 5; origin++) {
        struct presence_event late = {.person = origin, .venue = 1,
                                      .time = second_of(TODAY - 3, 100u + origin)};
        assert_int_equal(add_bulk(city.presence, &late, 1, origin, &result), ERROR_NONE);
        late.origin = origin;
        twin_add(&twin, late);
    }
    assert_int_equal(city.presence->catalog->days[0].segment_count, 5);
    struct presence_view *before; /* taken before the merge, read after it */
    test_fail_on(presence_view_begin(city.presence, &before, &err), &err);
    test_fail_on(presence_fold(city.presence, &err), &err);
    assert_int_equal(city.presence->catalog->days[0].segment_count, 1);
    struct presence_event room[8];
    compare_scan(before, &twin, second_of(TODAY - 3, 0), second_of(TODAY - 2, 0), room);
    presence_view_end(before);
    assert_equal_to_twin(city.presence, &twin);
    twin_release(&twin);
    test_city_remove(&city);
}

/* ---- Forgetting */

static int run_shell(const char *format, const char *a, const char *b)
{
    char command[400];
    snprintf(command, sizeof command, format, a, b);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_dropped_day_is_gone_and_stays_gone(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    struct twin twin = {0};
    struct presence_bulk_result result;
    test_city_create(&city);
    for (int32_t day = TODAY - 3; day <= TODAY; day++) {
        struct presence_event live = {.person = 3, .venue = 1, .time = second_of(day, 77)};
        struct presence_event bulk = {.person = 4, .venue = 1, .time = second_of(day, 78)};
        assert_int_equal(append_event(city.presence, live), ERROR_NONE);
        assert_int_equal(add_bulk(city.presence, &bulk, 1, 1, &result), ERROR_NONE);
        twin_add(&twin, live);
        bulk.origin = 1;
        twin_add(&twin, bulk);
    }
    for (int round = 0; round < 2; round++) { /* twice is done */
        test_fail_on(presence_drop_day(city.presence, TODAY - 2, &err), &err);
        twin_drop_day(&twin, TODAY - 2);
    }
    for (int round = 0; round < 3; round++) {
        assert_equal_to_twin(city.presence, &twin);
        struct presence_event event = {.person = 1, .venue = 1, .time = second_of(TODAY - 2, 5)};
        assert_int_equal(append_event(city.presence, event), ERROR_GONE);
        assert_int_equal(add_bulk(city.presence, &event, 1, 3, &result), ERROR_GONE);
        unsigned char key[KEY_BYTES];
        assert_false(keys_day(store_keys(city.store), TODAY - 2, true, key, &err));
        assert_int_equal(err.code, ERROR_GONE);
        test_presence_reopen(&city);
    }
    assert_false(presence_drop_day(city.presence, TODAY, &err)); /* it still takes arrivals */
    assert_int_equal(err.code, ERROR_CONFLICT);
    assert_false(presence_drop_day(city.presence, TODAY + 1, &err));
    twin_release(&twin);
    test_city_remove(&city);
}

static void a_copy_made_before_the_drop_cannot_be_read_after_it(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    test_city_create(&city);
    struct presence_event event = {.person = 3, .venue = 1, .time = second_of(TODAY, 77)};
    assert_int_equal(append_event(city.presence, event), ERROR_NONE);
    test_fail_on(presence_fold(city.presence, &err), &err);
    presence_close(city.presence);
    assert_int_equal(run_shell("cp -a %s/presence %s/copy", city.directory, city.directory), 0);
    city.world.fixed += DAY;
    test_presence_open(&city, false);
    test_fail_on(presence_drop_day(city.presence, TODAY, &err), &err);
    char path[160];
    snprintf(path, sizeof path, "%s/keys/day-2022-04-14", city.directory);
    assert_int_equal(access(path, F_OK), -1);
    presence_close(city.presence);
    city.presence = NULL;
    /* folder, log and manifest put back from the copy: the day is a dropped one, and goes */
    assert_int_equal(run_shell("rm -r %s/presence && test -d %s/copy", city.directory,
                               city.directory), 0);
    assert_int_equal(run_shell("mv %s/copy %s/presence", city.directory, city.directory), 0);
    struct twin nothing = {0};
    for (int round = 0; round < 2; round++) {
        test_presence_open(&city, false);
        assert_equal_to_twin(city.presence, &nothing);
        assert_int_equal(city.presence->log.file_count, 0);
        assert_int_equal(append_event(city.presence, event), ERROR_GONE);
        snprintf(path, sizeof path, "%s/presence/day-2022-04-14", city.directory);
        assert_int_equal(access(path, F_OK), -1);
        presence_close(city.presence);
        city.presence = NULL;
        snprintf(path, sizeof path, "%s/presence/manifest", city.directory);
        assert_int_equal(access(path, F_OK), 0);
    }
    assert_int_equal(run_shell("rm %s/presence/manifest; test -d %s/presence/log", city.directory,
                               city.directory), 0);
    test_presence_open(&city, false); /* the log alone: its files are taken away, unread */
    assert_equal_to_twin(city.presence, &nothing);
    test_city_remove(&city);
}

static void dropping_the_day_of_the_last_scans_takes_their_log_and_keys_along(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    test_city_create(&city);
    struct test_wait wait = {.append.count = 1};
    wait.append.records[0] =
        (struct scan_record){.person = 1, .venue = 1, .time = second_of(TODAY, 9)};
    memset(wait.append.records[0].request_key, 4, 16);
    assert_int_equal(test_append(city.presence, &wait), ERROR_NONE);
    city.world.fixed += 30 * DAY;
    test_presence_reopen(&city);
    test_fail_on(presence_drop_day(city.presence, TODAY, &err), &err);
    assert_int_equal(city.presence->log.file_count, 0);
    for (int round = 0; round < 3; round++) {
        test_presence_reopen(&city);
        wait.append.records[0].time = second_of(TODAY + 30, 9);
        assert_int_equal(test_append(city.presence, &wait), ERROR_NONE);
        assert_int_equal(wait.append.repeated, round > 0); /* the old key is free again */
    }
    struct scans_verification result;
    test_fail_on(presence_verify_scans(city.presence, &wait.append.first, 1, &result, &err), &err);
    assert_int_equal(result.stored, 1);
    assert_int_equal(result.missing.length + result.twice.length, 0);
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    test_city_remove(&city);
}

static void a_scan_that_arrives_while_its_day_is_dropped_is_not_shown(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    struct twin nothing = {0};
    test_city_create(&city);
    struct test_wait wait = {.append.count = 1};
    wait.append.records[0] =
        (struct scan_record){.person = 1, .venue = 1, .time = second_of(TODAY - 1, 9)};
    wait.append.done = test_done;
    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.finished, NULL);
    /* taken before the drop, durable after it: what catalog_apply of a drop does comes between */
    pthread_mutex_lock(&city.presence->maintenance_lock);
    pthread_mutex_lock(&city.presence->log_lock);
    test_fail_on(presence_append(city.presence, &wait.append, &err), &err);
    struct catalog_change change = {.drops = true, .dropped_day = TODAY - 1};
    test_fail_on(catalog_apply(city.presence, &change, &err), &err);
    pthread_mutex_unlock(&city.presence->log_lock);
    pthread_mutex_unlock(&city.presence->maintenance_lock);
    pthread_mutex_lock(&wait.lock);
    while (!wait.done)
        pthread_cond_wait(&wait.finished, &wait.lock);
    pthread_mutex_unlock(&wait.lock);
    assert_int_equal(city.presence->tail_events, 1);
    assert_equal_to_twin(city.presence, &nothing);
    test_fail_on(presence_drop_day(city.presence, TODAY - 1, &err), &err);
    assert_int_equal(city.presence->tail_events, 0);
    test_presence_reopen(&city);
    assert_equal_to_twin(city.presence, &nothing);
    test_city_remove(&city);
}

#ifdef CHENGMAI_FAULTS
/* ---- Fault sweep: whatever step fails once, an error came back, nothing leaked, what was
 * acknowledged is there and what was refused is not */

enum act { ACT_LIVE, ACT_BULK, ACT_FOLD, ACT_MERGE, ACT_UNDO, ACT_DROP, ACT_OPEN, ACT_COUNT };

static const struct presence_event bulk_events[2] = {
    {.person = 5, .venue = 2, .time = 1649743200 /* two days before */},
    {.person = 6, .venue = 2, .time = 1649743201}};

static int open_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Days before the act: live events of today, two imports, a late event. */
static void prepare(struct test_city *city, struct twin *twin)
{
    struct error err;
    struct presence_bulk_result result;
    test_presence_reset(city, false);
    for (uint16_t i = 1; i <= 3; i++) {
        struct presence_event event = {.person = i, .venue = 1, .time = second_of(TODAY, i)};
        struct presence_event late = {.person = i, .venue = 3, .time = second_of(TODAY - 2, i)};
        assert_int_equal(append_event(city->presence, event), ERROR_NONE);
        assert_int_equal(add_bulk(city->presence, &late, 1, i, &result), ERROR_NONE);
        late.origin = i;
        twin_add(twin, event);
        twin_add(twin, late);
        if (i == 2)
            test_fail_on(presence_fold(city->presence, &err), &err);
    }
}

static bool expected_fault(const struct error *err)
{
    return err->code == ERROR_IO || err->code == ERROR_DISK_FULL || err->code == ERROR_MEMORY;
}

/* Does the act; true where it was done. The twin follows only what was done. */
static bool do_act(struct test_city *city, enum act act, struct twin *twin)
{
    struct error err = {.code = ERROR_IO};
    struct presence_event live = {.person = 8, .venue = 1, .time = second_of(TODAY, 500)};
    struct presence_bulk_result result;
    int64_t removed;
    bool done = false;
    switch (act) {
    case ACT_LIVE:
        err.code = append_event(city->presence, live);
        done = err.code == ERROR_NONE;
        if (done && !twin_holds(twin, &live))
            twin_add(twin, live);
        break;
    case ACT_BULK:
        err.code = add_bulk(city->presence, bulk_events, 2, 9, &result);
        done = err.code == ERROR_NONE;
        if (done) {
            struct presence_event events[2] = {bulk_events[0], bulk_events[1]};
            twin_bulk(twin, events, 2, 9);
        }
        break;
    case ACT_FOLD:
    case ACT_MERGE: /* the fold before left nothing but a day of several segments */
        done = presence_fold(city->presence, &err);
        break;
    case ACT_UNDO:
        done = presence_undo(city->presence, 3, &removed, &err);
        if (done)
            twin_remove_origin(twin, 3);
        break;
    case ACT_DROP:
        done = presence_drop_day(city->presence, TODAY - 2, &err);
        if (done)
            twin_drop_day(twin, TODAY - 2);
        break;
    default: {
        struct presence_options options = {.background = false};
        presence_close(city->presence);
        city->presence = NULL;
        done = presence_open(city->store, &options, &city->presence, &err);
    }
    }
    if (!done)
        assert_true(expected_fault(&err));
    return done;
}

/* Files of segments = what the manifest names: nothing is left lying about. */
static void assert_no_stray_files(struct test_city *city)
{
    size_t named = 0, found = 0;
    for (size_t d = 0; d < city->presence->catalog->day_count; d++)
        named += 2 * city->presence->catalog->days[d].segment_count;
    char path[300];
    snprintf(path, sizeof path, "%s/presence", city->directory);
    DIR *directory = opendir(path);
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        if (strncmp(entry->d_name, "day-", 4) != 0)
            continue;
        snprintf(path, sizeof path, "%s/presence/%.20s", city->directory, entry->d_name);
        DIR *day = opendir(path);
        while ((entry = readdir(day)))
            found += entry->d_name[0] != '.';
        closedir(day);
    }
    closedir(directory);
    assert_int_equal(found, named);
}

static bool sweep_once(struct test_city *city, enum act act, long k)
{
    struct twin twin = {0};
    struct error err;
    prepare(city, &twin);
    if (act == ACT_LIVE)
        test_presence_reopen(city); /* so that the scan begins a log file */
    if (act == ACT_MERGE)
        city->world.fixed += 3 * DAY; /* closes the days, so that they are merged */
    int descriptors = open_descriptors();
    fault_arm(k, FAULT_ALLOCATION | FAULT_WRITE | FAULT_SYNC | FAULT_RENAME);
    bool done = do_act(city, act, &twin);
    bool hit = fault_disarm();
    assert_true(done || hit);
    if (!city->presence)
        test_presence_open(city, false);
    assert_int_equal(presence_ready(city->presence, &err), true); /* there is room again */
    if (act == ACT_LIVE) { /* refused means: not there, and it does not come back */
        assert_equal_to_twin(city->presence, &twin);
        test_presence_reopen(city);
        assert_equal_to_twin(city->presence, &twin);
    }
    if (act == ACT_FOLD || act == ACT_MERGE || act == ACT_OPEN)
        assert_equal_to_twin(city->presence, &twin);
    if (!done)
        assert_true(do_act(city, act, &twin)); /* again, and nothing stands in the way */
    assert_equal_to_twin(city->presence, &twin);
    struct presence_event next = {.person = 7, .venue = 1, .time = second_of(TODAY, 600)};
    assert_int_equal(append_event(city->presence, next), ERROR_NONE);
    twin_add(&twin, next);
    test_presence_reopen(city);
    assert_equal_to_twin(city->presence, &twin);
    assert_int_equal(verify_all(city->presence).bad, 0);
    assert_no_stray_files(city);
    assert_in_range(open_descriptors(), descriptors - 2,
                    descriptors + 4); /* segments come and go */
    if (act == ACT_MERGE)
        city->world.fixed -= 3 * DAY;
    twin_release(&twin);
    return hit;
}

static void no_single_fault_loses_doubles_or_leaves_anything(void **state)
{
    (void)state;
    static const char *const names[ACT_COUNT] = {"live", "bulk", "fold", "merge",
                                                 "undo", "drop", "open"};
    struct test_city city;
    test_city_create(&city);
    for (int act = 0; act < ACT_COUNT; act++) {
        long k = 0;
        while (sweep_once(&city, (enum act)act, k))
            k++;
        print_message("%s: %ld steps failed in turn\n", names[act], k);
        assert_true(k > 1);
    }
    test_city_remove(&city);
}

static void hundreds_of_failed_groups_leave_no_file_and_no_descriptor(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    struct twin twin = {0};
    test_city_create(&city);
    struct presence_event event = {.person = 1, .venue = 1, .time = second_of(TODAY, 1)};
    assert_int_equal(append_event(city.presence, event), ERROR_NONE);
    twin_add(&twin, event);
    size_t files = city.presence->log.file_count;
    int descriptors = open_descriptors();
    for (uint32_t i = 0; i < 300; i++) { /* the disk is full at the first write */
        event.time = second_of(TODAY, 2 + i);
        fault_arm(0, FAULT_WRITE);
        assert_int_equal(append_event(city.presence, event), ERROR_DISK_FULL);
        assert_true(fault_disarm());
        if (i == 0) {
            fault_arm(0, FAULT_WRITE); /* not ready while the trial write fails, then ready */
            assert_false(presence_ready(city.presence, &err));
            assert_int_equal(err.code, ERROR_DISK_FULL);
            assert_true(fault_disarm());
            assert_true(presence_ready(city.presence, &err));
        }
    }
    assert_int_equal(city.presence->log.file_count, files);
    assert_int_equal(open_descriptors(), descriptors);
    event.time = second_of(TODAY, 900);
    assert_int_equal(append_event(city.presence, event), ERROR_NONE);
    twin_add(&twin, event);
    test_presence_reopen(&city);
    assert_equal_to_twin(city.presence, &twin);
    twin_release(&twin);
    test_city_remove(&city);
}

/* ---- Injection points: killed there, at every passing, in a process of its own */

static bool write_setting(struct sql *sql, void *context, struct error *err)
{
    return store_setting_set(sql, "test", slice_of(context), err);
}

static void acknowledge(int pipe_fd, char letter)
{
    assert_int_equal(write(pipe_fd, &letter, 1), 1);
}

/* The whole life of a day store; a letter for each act that was acknowledged. */
static void live_and_tell(const char *directory, int pipe_fd)
{
    struct test_city city = {0};
    struct error err;
    struct presence_bulk_result result;
    int64_t removed;
    snprintf(city.directory, sizeof city.directory, "%s", directory);
    world_init(&city.world);
    city.world.fixed = second_of(TODAY, 50000) * SECOND;
    test_city_open(&city);
    for (uint32_t i = 0; i < 3; i++) {
        struct presence_event event = {.person = 1 + i, .venue = 1, .time = second_of(TODAY, i)};
        assert_int_equal(append_event(city.presence, event), ERROR_NONE);
        acknowledge(pipe_fd, (char)('1' + i));
    }
    assert_int_equal(add_bulk(city.presence, bulk_events, 2, 9, &result), ERROR_NONE);
    acknowledge(pipe_fd, 'b');
    test_fail_on(presence_fold(city.presence, &err), &err);
    test_fail_on(store_write(city.store, write_setting, "kept", &err), &err);
    acknowledge(pipe_fd, 's');
    struct presence_event extra = {.person = 7, .venue = 3, .time = second_of(TODAY - 1, 7)};
    assert_int_equal(add_bulk(city.presence, &extra, 1, 10, &result), ERROR_NONE);
    test_fail_on(presence_undo(city.presence, 10, &removed, &err), &err);
    acknowledge(pipe_fd, 'u');
    test_fail_on(presence_drop_day(city.presence, time_day_of_seconds(bulk_events[0].time), &err),
                 &err);
    acknowledge(pipe_fd, 'd');
    city.world.fixed += 3 * DAY; /* the log of today grows old, a new one begins */
    struct presence_event event = {.person = 4, .venue = 1, .time = second_of(TODAY + 3, 3)};
    assert_int_equal(append_event(city.presence, event), ERROR_NONE);
    acknowledge(pipe_fd, '4');
    test_fail_on(presence_fold(city.presence, &err), &err);
    acknowledge(pipe_fd, 'f');
    test_city_close(&city);
}

static bool acknowledged(const char *letters, char letter)
{
    return strchr(letters, letter) != NULL;
}

static size_t count_of(struct presence_view *view, uint32_t person)
{
    struct error err;
    struct collected got = {0};
    test_fail_on(presence_by_person(view, (struct person_no){person}, 0, UINT32_MAX, collect, &got,
                                    &err), &err);
    free(got.events);
    return got.count;
}

static void check_after_death(struct test_city *city, const char *letters)
{
    struct error err;
    struct presence_view *view;
    struct scans_verification result;
    test_city_open(city);
    test_fail_on(presence_view_begin(city->presence, &view, &err), &err);
    for (uint32_t person = 1; person <= 4; person++) {
        size_t count = count_of(view, person);
        assert_true(count <= 1);
        assert_true(count == 1 || !acknowledged(letters, (char)('0' + person)));
    }
    size_t imported = count_of(view, 5), with = count_of(view, 6), undone = count_of(view, 7);
    assert_int_equal(imported, with); /* whole or not at all */
    assert_true(imported == 1 || !acknowledged(letters, 'b') || acknowledged(letters, 'u'));
    assert_true(imported == 0 || !acknowledged(letters, 'd'));
    assert_true(undone == 0 || !acknowledged(letters, 'u'));
    if (catalog_dropped(city->presence->catalog, time_day_of_seconds(bulk_events[0].time))) {
        unsigned char key[KEY_BYTES]; /* a drop that had begun is finished by the opening */
        int32_t day = time_day_of_seconds(bulk_events[0].time);
        assert_int_equal(imported, 0);
        assert_false(keys_day(store_keys(city->store), day, true, key, &err));
        assert_int_equal(err.code, ERROR_GONE);
    }
    presence_view_end(view);
    test_fail_on(presence_verify_scans(city->presence, NULL, 0, &result, &err), &err);
    assert_int_equal(result.missing.length + result.twice.length, 0);
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    assert_int_equal(verify_all(city->presence).bad, 0);
    assert_no_stray_files(city);
    if (acknowledged(letters, 's')) {
        struct sql *sql;
        struct buffer value;
        buffer_init(&value, 100);
        test_fail_on(store_read_begin(city->store, &sql, &err), &err);
        test_fail_on(store_setting_get(sql, "test", &value, &err), &err);
        store_read_end(city->store, sql);
        assert_int_equal(value.length, 4);
        buffer_release(&value);
    }
    test_city_close(city);
}

/* True where the process died at that passing; false where it never passed so often. */
static bool die_at(struct test_city *city, const char *point, int passing)
{
    char plan[80], letters[32] = "";
    int ends[2], status;
    test_city_open(city);
    test_presence_reset(city, false);
    test_city_close(city);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        snprintf(plan, sizeof plan, "%s:kill:%d", point, passing);
        setenv("CHENGMAI_FAULT", plan, 1);
        live_and_tell(city->directory, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], letters + length, sizeof letters - 1 - length)) > 0)
        length += (size_t)got;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!killed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        fail_msg("%s at passing %d: the process ended with %d after %s", point, passing, status,
                 letters);
    check_after_death(city, letters);
    return killed;
}

static void a_death_at_any_injection_point_loses_and_doubles_nothing(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city);
    test_city_close(&city);
    /* the points after these are those of keeping, which its own tests iterate */
    for (int point = 0; point <= FAULT_POINT_after_sql_commit; point++) {
        int passing = 1;
        while (die_at(&city, fault_point_names[point], passing))
            passing++;
        print_message("%s: died at %d passings\n", fault_point_names[point], passing - 1);
        if (passing == 1)
            fail_msg("%s is never passed: give live_and_tell an act that does",
                     fault_point_names[point]);
    }
    test_city_remove(&city);
}
#endif

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_import_is_counted_repeated_and_taken_back),
        cmocka_unit_test(an_abandoned_import_leaves_nothing),
        cmocka_unit_test(a_late_batch_goes_to_its_own_day_and_is_merged),
        cmocka_unit_test(a_dropped_day_is_gone_and_stays_gone),
        cmocka_unit_test(a_copy_made_before_the_drop_cannot_be_read_after_it),
        cmocka_unit_test(dropping_the_day_of_the_last_scans_takes_their_log_and_keys_along),
        cmocka_unit_test(a_scan_that_arrives_while_its_day_is_dropped_is_not_shown),
#ifdef CHENGMAI_FAULTS
        cmocka_unit_test(no_single_fault_loses_doubles_or_leaves_anything),
        cmocka_unit_test(hundreds_of_failed_groups_leave_no_file_and_no_descriptor),
        cmocka_unit_test(a_death_at_any_injection_point_loses_and_doubles_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
