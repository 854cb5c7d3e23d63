/* Goal: the day store equals a sorted array, whatever way events came in and however often it was
 * closed, folded, merged or cut; damage is named, never served. */
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "presence/presence_internal.h"
#include "presence/test_support.h"

enum { PERSONS = 300, VENUES = 40, DAYS = 5, FIRST_DAY = 19092 };

/* ---- The naive twin */

struct twin {
    struct presence_event *events;
    size_t count;
};

static void twin_add(struct twin *twin, struct presence_event event)
{
    twin->events = x_realloc(twin->events, (twin->count + 1) * sizeof event);
    twin->events[twin->count++] = event;
}

static struct presence_event random_event(struct random *random)
{
    uint32_t skew = random_below(random, VENUES) * random_below(random, VENUES) / VENUES;
    return (struct presence_event){
        .person = 1 + random_below(random, PERSONS),
        .venue = 1 + skew,
        .time = (uint32_t)time_day_start_seconds(FIRST_DAY) + random_below(random, DAYS * 86400),
        .flags = scan_flags((enum scan_mode)random_below(random, SCAN_MODE_COUNT),
                            (enum scan_evidence)random_below(random, SCAN_EVIDENCE_COUNT),
                            SCAN_PASS)};
}

struct collected {
    struct presence_event *events;
    size_t count;
};

static bool collect(void *context, const struct presence_event *events, size_t count,
                    struct error *err)
{
    (void)err;
    struct collected *out = context;
    out->events = x_realloc(out->events, (out->count + count) * sizeof *events);
    memcpy(out->events + out->count, events, count * sizeof *events);
    out->count += count;
    return true;
}

static int by_person_order(const void *a, const void *b)
{
    return event_compare(a, b, ORDER_PERSON);
}
static int by_venue_order(const void *a, const void *b)
{
    return event_compare(a, b, ORDER_VENUE);
}

/* Rows of the twin for one key, doubles once, in the order wanted. */
static size_t twin_rows(const struct twin *twin, enum segment_order order, uint32_t key,
                        int64_t first, int64_t last, struct presence_event *out)
{
    size_t count = 0;
    for (size_t i = 0; i < twin->count; i++) {
        const struct presence_event *event = &twin->events[i];
        uint32_t at = order == ORDER_VENUE ? event->venue : event->person;
        if (at == key && event->time >= first && event->time < last)
            out[count++] = *event;
    }
    qsort(out, count, sizeof *out, order == ORDER_VENUE ? by_venue_order : by_person_order);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!kept || out[kept - 1].person != out[i].person || out[kept - 1].venue != out[i].venue ||
            out[kept - 1].time != out[i].time)
            out[kept++] = out[i];
    return kept;
}

static void assert_same(const struct presence_event *a, size_t a_count,
                        const struct presence_event *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        assert_int_equal(a[i].person, b[i].person);
        assert_int_equal(a[i].venue, b[i].venue);
        assert_int_equal(a[i].time, b[i].time);
    }
}

static void compare_with_twin(struct presence *presence, const struct twin *twin,
                              struct random *random, int queries)
{
    struct error err;
    struct presence_view *view;
    test_fail_on(presence_view_begin(presence, &view, &err), &err);
    struct presence_event *expected = x_alloc(twin->count, sizeof *expected);
    int64_t start = time_day_start_seconds(FIRST_DAY);
    for (int q = 0; q < queries; q++) {
        enum segment_order order = q & 1 ? ORDER_PERSON : ORDER_VENUE;
        uint32_t key = 1 + random_below(random, order == ORDER_VENUE ? VENUES : PERSONS);
        int64_t first = start + random_below(random, DAYS * 86400);
        int64_t last = first + random_below(random, 3 * 86400);
        struct collected got = {0};
        bool done = order == ORDER_VENUE
                        ? presence_by_venue(view, (struct venue_no){key}, first, last, collect,
                                            &got, &err)
                        : presence_by_person(view, (struct person_no){key}, first, last, collect,
                                             &got, &err);
        test_fail_on(done, &err);
        size_t count = twin_rows(twin, order, key, first, last, expected);
        assert_same(got.events, got.count, expected, count);
        free(got.events);
    }
    struct collected all = {0};
    test_fail_on(presence_scan(view, 0, (int64_t)UINT32_MAX + 1, collect, &all, &err), &err);
    size_t distinct = 0;
    memcpy(expected, twin->events, twin->count * sizeof *expected);
    qsort(expected, twin->count, sizeof *expected, by_venue_order);
    for (size_t i = 0; i < twin->count; i++)
        distinct += !i || expected[i].person != expected[i - 1].person ||
                    expected[i].venue != expected[i - 1].venue ||
                    expected[i].time != expected[i - 1].time;
    assert_int_equal(all.count, distinct);
    free(all.events);
    free(expected);
    presence_view_end(view);
}

static void append_one(struct presence *presence, struct twin *twin, struct random *random)
{
    struct presence_event event = random_event(random);
    struct test_wait wait = {.append.count = 1};
    wait.append.records[0] = (struct scan_record){.person = event.person, .venue = event.venue,
                                                  .time = event.time, .flags = event.flags};
    assert_int_equal(test_append(presence, &wait), ERROR_NONE);
    twin_add(twin, event);
}

static void add_bulk(struct presence *presence, struct twin *twin, struct random *random,
                     size_t count, uint16_t origin)
{
    struct error err;
    struct presence_bulk *bulk;
    struct presence_event *events = x_alloc(count, sizeof *events);
    for (size_t i = 0; i < count; i++) {
        events[i] = i % 10 == 9 && twin->count ? twin->events[random_below(
                                                     random, (uint32_t)twin->count)]
                                               : random_event(random);
        events[i].origin = 0;
    }
    test_fail_on(presence_bulk_begin(presence, origin, &bulk, &err), &err);
    test_fail_on(presence_bulk_add(bulk, events, count, &err), &err);
    struct presence_bulk_result result;
    test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
    assert_int_equal(result.inserted + result.merged + result.unchanged, count);
    presence_bulk_abandon(bulk);
    for (size_t i = 0; i < count; i++) {
        events[i].origin = origin;
        twin_add(twin, events[i]);
    }
    free(events);
}

static void any_history_equals_a_sorted_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        struct random random;
        struct test_city city;
        struct twin twin = {0};
        struct error err;
        random_init(&random, seed, 0);
        test_city_create(&city);
        for (int step = 0; step < 30; step++) {
            switch (random_below(&random, 6)) {
            case 0:
                add_bulk(city.presence, &twin, &random, 1 + random_below(&random, 3000),
                         (uint16_t)(step + 1));
                break;
            case 1:
                test_fail_on(presence_fold(city.presence, &err), &err);
                break;
            case 2:
                test_city_close(&city);
                test_city_open(&city);
                break;
            default:
                for (uint32_t n = random_below(&random, 60); n; n--)
                    append_one(city.presence, &twin, &random);
            }
        }
        if (twin.count == 0)
            append_one(city.presence, &twin, &random);
        compare_with_twin(city.presence, &twin, &random, 200);
        free(twin.events);
        test_city_remove(&city);
    }
}

/* ---- Imports */

static void an_import_is_counted_repeated_and_taken_back(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    struct presence_bulk *bulk;
    struct presence_bulk_result result;
    struct presence_event events[] = {
        {.person = 1, .venue = 1, .time = 1649000000},
        {.person = 2, .venue = 1, .time = 1649000000},
        {.person = 1, .venue = 1, .time = 1649000000},
        {.person = 1, .venue = 2, .time = 1649100000},
    };
    test_city_create(&city);
    for (int round = 0; round < 2; round++) {
        test_fail_on(presence_bulk_begin(city.presence, (uint16_t)(7 + round), &bulk, &err), &err);
        test_fail_on(presence_bulk_add(bulk, events, 4, &err), &err);
        test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
        presence_bulk_abandon(bulk);
        assert_int_equal(result.inserted, round ? 0 : 3);
        assert_int_equal(result.merged, 1);
        assert_int_equal(result.unchanged, round ? 3 : 0);
    }
    int64_t removed;
    test_fail_on(presence_undo(city.presence, 7, &removed, &err), &err);
    assert_int_equal(removed, 3);
    struct presence_view *view;
    test_fail_on(presence_view_begin(city.presence, &view, &err), &err);
    struct collected all = {0};
    test_fail_on(presence_scan(view, 0, UINT32_MAX, collect, &all, &err), &err);
    assert_int_equal(all.count, 0);
    presence_view_end(view);
    free(all.events);
    test_city_remove(&city);
}

/* ---- Requests sent again */

static void a_request_sent_again_gets_its_first_answer(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city);
    struct test_wait wait = {.append.count = 2};
    struct scan_record record = {.person = 5, .venue = 6, .time = 1649917800, .body_digest = 77,
                                 .companion_count = 1};
    memset(record.request_key, 9, 16);
    record.answer.valid_until = 1234;
    wait.append.records[0] = record;
    wait.append.records[1] = (struct scan_record){.person = 8, .venue = 6, .time = 1649917800,
                                                  .companion = 1, .companion_count = 1};
    assert_int_equal(test_append(city.presence, &wait), ERROR_NONE);
    struct scan_event_id first = wait.append.first;
    for (int round = 0; round < 3; round++) {
        struct test_wait again = {.append.count = 1};
        again.append.records[0] = record;
        again.append.records[0].answer.valid_until = 9;
        assert_int_equal(test_append(city.presence, &again), ERROR_NONE);
        assert_true(again.append.repeated);
        assert_int_equal(again.append.first.ordinal, first.ordinal);
        assert_int_equal(again.append.count, 2);
        assert_int_equal(again.append.records[0].answer.valid_until, 1234);
        assert_int_equal(again.append.records[1].person, 8);
        again.append.repeated = false;
        again.append.count = 1;
        again.append.records[0] = record;
        again.append.records[0].body_digest = 78;
        assert_int_equal(test_append(city.presence, &again), ERROR_KEY_REUSED);
        if (round == 0) { /* folding and reopening change nothing of it */
            struct error err;
            test_fail_on(presence_fold(city.presence, &err), &err);
        } else {
            test_city_close(&city);
            test_city_open(&city);
        }
    }
    struct scans_verification result;
    struct error err;
    struct scan_event_id ids[] = {first, {first.day, first.ordinal + 1}, {first.day, 99}};
    test_fail_on(presence_verify_scans(city.presence, ids, 3, &result, &err), &err);
    assert_int_equal(result.stored, 2);
    assert_string_equal(result.missing.data, "20220414-00000063\n");
    assert_int_equal(result.twice.length, 0);
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    test_city_remove(&city);
}

/* ---- Forgetting */

static void a_dropped_day_is_gone_and_stays_gone(void **state)
{
    (void)state;
    struct test_city city;
    struct twin twin = {0};
    struct random random;
    struct error err;
    random_init(&random, 4, 4);
    test_city_create(&city);
    add_bulk(city.presence, &twin, &random, 5000, 1);
    for (int i = 0; i < 40; i++)
        append_one(city.presence, &twin, &random);
    test_fail_on(presence_drop_day(city.presence, FIRST_DAY + 1, &err), &err);
    test_fail_on(presence_drop_day(city.presence, FIRST_DAY + 1, &err), &err);
    for (int round = 0; round < 2; round++) {
        struct presence_view *view;
        struct collected got = {0};
        int64_t start = time_day_start_seconds(FIRST_DAY + 1);
        test_fail_on(presence_view_begin(city.presence, &view, &err), &err);
        test_fail_on(presence_scan(view, start, start + 86400, collect, &got, &err), &err);
        assert_int_equal(got.count, 0);
        presence_view_end(view);
        free(got.events);
        struct test_wait wait = {.append.count = 1};
        wait.append.records[0] =
            (struct scan_record){.person = 1, .venue = 1, .time = (uint32_t)start + 5};
        assert_int_equal(test_append(city.presence, &wait), ERROR_GONE);
        struct presence_bulk *bulk;
        struct presence_event event = {.person = 1, .venue = 1, .time = (uint32_t)start + 5};
        struct presence_bulk_result result;
        test_fail_on(presence_bulk_begin(city.presence, 3, &bulk, &err), &err);
        test_fail_on(presence_bulk_add(bulk, &event, 1, &err), &err);
        assert_false(presence_bulk_commit(bulk, &result, &err));
        assert_int_equal(err.code, ERROR_GONE);
        presence_bulk_abandon(bulk);
        unsigned char key[KEY_BYTES];
        assert_false(keys_day(store_keys(city.store), FIRST_DAY + 1, true, key, &err));
        assert_int_equal(err.code, ERROR_GONE);
        test_city_close(&city);
        test_city_open(&city);
    }
    free(twin.events);
    test_city_remove(&city);
}

/* ---- Damage */

static int count_bad;
static void count_report(void *context, bool good, const char *check, const char *words)
{
    (void)context, (void)check, (void)words;
    count_bad += !good;
}

static void a_flipped_bit_is_found_and_never_served(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 8, 0);
    struct test_city city;
    struct twin twin = {0};
    struct error err;
    test_city_create(&city);
    add_bulk(city.presence, &twin, &random, 4000, 1);
    const struct catalog_day *day = &city.presence->catalog->days[0];
    char path[256];
    snprintf(path, sizeof path, "%s/presence/%s", city.directory, day->segments[0]->venue.name);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    test_city_close(&city);
    for (int round = 0; round < 60; round++) {
        int fd = open(path, O_RDWR);
        off_t at = random_below(&random, (uint32_t)status.st_size);
        char byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        char flipped = (char)(byte ^ (1 << random_below(&random, 8)));
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        struct error failure = {0};
        test_fail_on(store_open(city.directory, &city.world, &city.store, &err), &err);
        struct presence_options options = {.background = false};
        bool opened = presence_open(city.store, &options, &city.presence, &failure);
        if (opened) { /* a block: reading all of it must name the damage */
            count_bad = 0;
            test_fail_on(presence_verify(city.presence, count_report, NULL, &err), &err);
            assert_true(count_bad > 0);
            struct presence_view *view;
            struct collected got = {0};
            test_fail_on(presence_view_begin(city.presence, &view, &err), &err);
            assert_false(presence_scan(view, 0, UINT32_MAX, collect, &got, &err));
            assert_int_equal(err.code, ERROR_CORRUPT);
            presence_view_end(view);
            free(got.events);
            test_city_close(&city);
        } else {
            assert_int_equal(failure.code, ERROR_CORRUPT);
            store_close(city.store);
            city.store = NULL;
        }
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
    }
    free(twin.events);
    test_city_remove(&city);
}

static void a_torn_tail_is_cut_at_the_last_whole_frame(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 9, 0);
    struct test_city city;
    struct twin twin = {0};
    test_city_create(&city);
    for (int i = 0; i < 30; i++)
        append_one(city.presence, &twin, &random);
    char path[256];
    struct log_file *file = &city.presence->log.files[city.presence->log.file_count - 1];
    snprintf(path, sizeof path, "%s/presence/log/%s", city.directory, file->name);
    uint64_t whole = file->bytes;
    test_city_close(&city);
    assert_int_equal(truncate(path, (off_t)whole - 3), 0);
    twin.count--; /* the last frame held one record */
    test_city_open(&city);
    compare_with_twin(city.presence, &twin, &random, 50);
    append_one(city.presence, &twin, &random);
    test_city_close(&city);
    test_city_open(&city);
    compare_with_twin(city.presence, &twin, &random, 50);
    free(twin.events);
    test_city_remove(&city);
}

static void a_second_owner_is_refused_with_the_first_ones_number(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city);
    struct store *second;
    struct world world;
    struct error err;
    world_init(&world);
    assert_false(store_open(city.directory, &world, &second, &err));
    assert_int_equal(err.code, ERROR_OWNED);
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_non_null(strstr(err.what, pid));
    test_city_remove(&city);
}

#ifdef CHENGMAI_FAULTS
/* ---- Fault sweep: whatever step fails, what was acknowledged is there afterwards */
static void no_single_fault_loses_what_was_acknowledged(void **state)
{
    (void)state;
    for (long k = 0;; k++) {
        struct random random;
        random_init(&random, 12, 0);
        struct test_city city;
        struct twin twin = {0};
        struct error err;
        test_city_create(&city);
        append_one(city.presence, &twin, &random);
        fault_arm(k, FAULT_WRITE | FAULT_SYNC | FAULT_RENAME);
        for (int i = 0; i < 4; i++) {
            struct presence_event event = random_event(&random);
            struct test_wait wait = {.append.count = 1};
            wait.append.records[0] = (struct scan_record){
                .person = event.person, .venue = event.venue, .time = event.time,
                .flags = event.flags};
            if (test_append(city.presence, &wait) == ERROR_NONE)
                twin_add(&twin, event);
            if (i == 1 && !presence_fold(city.presence, &err))
                assert_true(err.code == ERROR_IO || err.code == ERROR_DISK_FULL);
        }
        bool hit = fault_disarm();
        compare_with_twin(city.presence, &twin, &random, 20);
        append_one(city.presence, &twin, &random); /* and writing goes on */
        test_city_close(&city);
        test_city_open(&city);
        compare_with_twin(city.presence, &twin, &random, 20);
        free(twin.events);
        test_city_remove(&city);
        if (!hit) {
            print_message("%ld steps failed in turn\n", k);
            assert_true(k > 10);
            return;
        }
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_history_equals_a_sorted_array),
        cmocka_unit_test(an_import_is_counted_repeated_and_taken_back),
        cmocka_unit_test(a_request_sent_again_gets_its_first_answer),
        cmocka_unit_test(a_dropped_day_is_gone_and_stays_gone),
        cmocka_unit_test(a_flipped_bit_is_found_and_never_served),
        cmocka_unit_test(a_torn_tail_is_cut_at_the_last_whole_frame),
        cmocka_unit_test(a_second_owner_is_refused_with_the_first_ones_number),
#ifdef CHENGMAI_FAULTS
        cmocka_unit_test(no_single_fault_loses_what_was_acknowledged),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
