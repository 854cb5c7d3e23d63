/* Goal: whatever bit of a segment, the manifest or a key turns over is found, named by file and
 * block and never served; another key opens nothing; no plain event is ever on the disk; numbers at
 * their limits come back as they went in. */
#include "presence/test_twin.h"

enum { FIRST_DAY = 19092, EVENTS = 1300 /* two blocks */ };

static uint32_t second_of(uint32_t after)
{
    return (uint32_t)time_day_start_seconds(FIRST_DAY) + after;
}

static void fill(struct test_city *city, struct twin *twin)
{
    struct random random;
    struct presence_bulk_result result;
    struct presence_event *events = x_alloc(EVENTS, sizeof *events);
    random_init(&random, 21, 0);
    for (size_t i = 0; i < EVENTS; i++)
        events[i] = (struct presence_event){.person = 1 + random_below(&random, 200),
                                            .venue = 1 + random_below(&random, 20),
                                            .time = second_of(random_below(&random, 86400)),
                                            .flags = (uint8_t)random_below(&random, 32)};
    assert_int_equal(add_bulk(city->presence, events, EVENTS, 1, &result), ERROR_NONE);
    twin_bulk(twin, events, EVENTS, 1);
    free(events);
}

static size_t read_file(const char *path, unsigned char **ret_bytes)
{
    struct stat status;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    *ret_bytes = x_alloc((size_t)status.st_size + 1, 1);
    assert_int_equal(read(fd, *ret_bytes, (size_t)status.st_size), status.st_size);
    close(fd);
    return (size_t)status.st_size;
}

static void write_file(const char *path, const unsigned char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
}

static bool try_open(struct test_city *city, struct error *err)
{
    struct presence_options options = {.background = false};
    city->presence = NULL;
    return presence_open(city->store, &options, &city->presence, err);
}

/* Every read gives either just what the twin has, or ERROR_CORRUPT with the file's name. */
static int assert_nothing_wrong_is_served(struct presence *presence, const struct twin *twin,
                                          const char *file)
{
    struct error err;
    struct presence_view *view;
    int refused = 0;
    struct presence_event *room = x_alloc(twin->count, sizeof *room);
    test_fail_on(presence_view_begin(presence, &view, &err), &err);
    for (uint32_t key = 1; key <= 200; key += key < 20 ? 1 : 9)
        for (int order = ORDER_VENUE; order <= ORDER_PERSON; order++) {
            struct collected got = {0};
            bool done = order == ORDER_VENUE
                            ? presence_by_venue(view, (struct venue_no){key}, 0, UINT32_MAX,
                                                collect, &got, &err)
                            : presence_by_person(view, (struct person_no){key}, 0, UINT32_MAX,
                                                 collect, &got, &err);
            if (done) {
                size_t count =
                    twin_rows(twin, (enum segment_order)order, key, 0, UINT32_MAX, room);
                assert_same_events(got.events, got.count, room, count);
            } else {
                assert_int_equal(err.code, ERROR_CORRUPT);
                assert_string_equal(err.source, file);
                assert_true(err.row >= 1); /* the block */
                refused++;
            }
            free(got.events);
        }
    presence_view_end(view);
    free(room);
    return refused;
}

static void a_flipped_bit_in_a_segment_is_named_by_file_and_block(void **state)
{
    (void)state;
    struct test_city city;
    struct twin twin = {0};
    struct random random;
    random_init(&random, 8, 0);
    test_city_create(&city);
    fill(&city, &twin);
    int opened = 0, refused = 0;
    for (int order = ORDER_VENUE; order <= ORDER_PERSON; order++) {
        char name[SEGMENT_NAME_BYTES], path[200];
        unsigned char *bytes;
        segment_path(1, FIRST_DAY, (enum segment_order)order, name);
        snprintf(path, sizeof path, "%s/presence/%s", city.directory, name);
        size_t length = read_file(path, &bytes);
        presence_close(city.presence);
        for (size_t at = 0; at < length; at += at < 64 || at + 200 > length ? 1 : 23) {
            struct error err;
            unsigned char bit = (unsigned char)(1u << random_below(&random, 8));
            bytes[at] ^= bit;
            write_file(path, bytes, length);
            if (try_open(&city, &err)) {
                struct reported reported = verify_all(city.presence);
                assert_true(reported.bad > 0);
                int found = assert_nothing_wrong_is_served(city.presence, &twin, name);
                refused += found;
                assert_true(found > 0);
                opened++;
                presence_close(city.presence);
            } else {
                assert_int_equal(err.code, ERROR_CORRUPT);
                assert_string_equal(err.source, name);
            }
            bytes[at] ^= bit;
        }
        write_file(path, bytes, length);
        for (size_t cut = 0; cut < length; cut += cut < 80 ? 1 : length / 37) { /* and cut short */
            struct error err;
            write_file(path, bytes, cut);
            assert_false(try_open(&city, &err));
            assert_int_equal(err.code, ERROR_CORRUPT);
            assert_string_equal(err.source, name);
        }
        write_file(path, bytes, length);
        test_presence_open(&city, false);
        free(bytes);
    }
    assert_true(opened > 100 && refused > opened);
    assert_int_equal(verify_all(city.presence).bad, 0);
    twin_release(&twin);
    test_city_remove(&city);
}

/* Verification says which file and which block. */
static void verification_names_file_and_block(void **state)
{
    (void)state;
    struct test_city city;
    struct twin twin = {0};
    test_city_create(&city);
    fill(&city, &twin);
    char name[SEGMENT_NAME_BYTES], path[200], words[120];
    unsigned char *bytes;
    segment_path(1, FIRST_DAY, ORDER_PERSON, name);
    const struct segment_file *file = &city.presence->catalog->days[0].segments[0]->person;
    uint64_t offset = file->blocks[1].offset;
    snprintf(path, sizeof path, "%s/presence/%s", city.directory, name);
    size_t length = read_file(path, &bytes);
    bytes[offset] ^= 1;
    int fd = open(path, O_WRONLY); /* in place, under the open store's eyes */
    assert_int_equal(pwrite(fd, bytes + offset, 1, (off_t)offset), 1);
    close(fd);
    struct reported reported = verify_all(city.presence);
    assert_int_equal(reported.bad, 2); /* the segment, and the count of damaged ones */
    snprintf(words, sizeof words, "%s, block 2: a block does not verify", name);
    assert_non_null(strstr(reported.words, words));
    assert_true(length > offset);
    assert_true(assert_nothing_wrong_is_served(city.presence, &twin, name) > 0);
    free(bytes);
    twin_release(&twin);
    test_city_remove(&city);
}

/* ---- Manifest and keys */

static void refuse_each_flip(struct test_city *city, const char *path, const char *source)
{
    unsigned char *bytes;
    size_t length = read_file(path, &bytes);
    presence_close(city->presence);
    for (size_t at = 0; at < length; at++)
        for (int bit = 0; bit < 8; bit += 3) {
            struct error err;
            bytes[at] ^= (unsigned char)(1u << bit);
            write_file(path, bytes, length);
            assert_false(try_open(city, &err));
            assert_int_equal(err.code, ERROR_CORRUPT);
            assert_string_equal(err.source, source);
            bytes[at] ^= (unsigned char)(1u << bit);
        }
    for (size_t cut = 0; cut < length; cut++) {
        struct error err;
        write_file(path, bytes, cut);
        assert_false(try_open(city, &err));
        assert_int_equal(err.code, ERROR_CORRUPT);
    }
    write_file(path, bytes, length);
    test_presence_open(city, false);
    free(bytes);
}

static void a_flipped_bit_in_manifest_or_key_is_named_and_refused(void **state)
{
    (void)state;
    struct test_city city;
    struct twin twin = {0};
    struct error err;
    char path[200];
    test_city_create(&city);
    fill(&city, &twin);
    test_fail_on(presence_drop_day(city.presence, FIRST_DAY - 5, &err), &err);
    snprintf(path, sizeof path, "%s/presence/manifest", city.directory);
    refuse_each_flip(&city, path, "presence/manifest");
    snprintf(path, sizeof path, "%s/keys/day-2022-04-10", city.directory);
    refuse_each_flip(&city, path, "day-2022-04-10");
    assert_int_equal(verify_all(city.presence).bad, 0);
    twin_release(&twin);
    test_city_remove(&city);
}

static void another_days_key_opens_nothing(void **state)
{
    (void)state;
    struct test_city city;
    struct twin twin = {0};
    struct error err;
    char own[200], other[200], name[SEGMENT_NAME_BYTES];
    unsigned char *bytes, key[KEY_BYTES], wrong[KEY_BYTES];
    test_city_create(&city);
    fill(&city, &twin);
    test_fail_on(keys_day(store_keys(city.store), FIRST_DAY + 1, true, wrong, &err), &err);
    test_fail_on(keys_day(store_keys(city.store), FIRST_DAY, false, key, &err), &err);
    segment_path(1, FIRST_DAY, ORDER_VENUE, name);
    struct segment_file file;
    int fd = city.presence->directory_fd;
    assert_false(segment_file_open(fd, name, ORDER_VENUE, FIRST_DAY, wrong, &file, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_false(segment_file_open(fd, name, ORDER_PERSON, FIRST_DAY, key, &file, &err));
    assert_false(segment_file_open(fd, name, ORDER_VENUE, FIRST_DAY + 1, key, &file, &err));
    assert_true(segment_file_open(fd, name, ORDER_VENUE, FIRST_DAY, key, &file, &err));
    segment_file_close(&file);
    /* the wrapped key of another day in this day's place */
    snprintf(own, sizeof own, "%s/keys/day-2022-04-10", city.directory);
    snprintf(other, sizeof other, "%s/keys/day-2022-04-11", city.directory);
    size_t length = read_file(other, &bytes);
    write_file(own, bytes, length);
    free(bytes);
    presence_close(city.presence);
    assert_false(try_open(&city, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_string_equal(err.source, "day-2022-04-10");
    twin_release(&twin);
    test_city_remove(&city);
}

/* ---- Encryption */

struct needle_search {
    const unsigned char *needles[6];
    int files;
};

static void search_file(const char *path, struct needle_search *search)
{
    unsigned char *bytes;
    size_t length = read_file(path, &bytes);
    search->files++;
    for (int i = 0; i < 6; i++)
        if (memmem(bytes, length, search->needles[i], 4))
            fail_msg("%s holds plain bytes of an event", path);
    free(bytes);
}

static void search_tree(const char *path, struct needle_search *search)
{
    DIR *directory = opendir(path);
    assert_non_null(directory);
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        char below[400];
        snprintf(below, sizeof below, "%.130s/%.200s", path, entry->d_name);
        if (entry->d_type == DT_REG)
            search_file(below, search);
        else if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            search_tree(below, search);
    }
    closedir(directory);
}

static void no_plain_byte_of_an_event_is_ever_on_the_disk(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    test_city_create(&city);
    /* four-byte values that nothing else has: a chance hit has odds of 1 in 4 thousand a megabyte
     */
    struct presence_event live = {.person = 0xA7C3E19B, .venue = 0x9D1F53E7, .time = 1649917777};
    struct presence_event bulk = {.person = 0xB6D2F08C, .venue = 0x8E2064F8, .time = 1649818888};
    struct presence_bulk_result result;
    const unsigned char *needles[] = {(void *)&live.person, (void *)&live.venue,
                                      (void *)&live.time,   (void *)&bulk.person,
                                      (void *)&bulk.venue,  (void *)&bulk.time};
    struct needle_search search = {0};
    memcpy(search.needles, needles, sizeof needles);
    assert_int_equal(append_event(city.presence, live), ERROR_NONE);
    search_tree(city.directory, &search);
    assert_int_equal(add_bulk(city.presence, &bulk, 1, 1, &result), ERROR_NONE);
    search_tree(city.directory, &search);
    test_fail_on(presence_fold(city.presence, &err), &err);
    search_tree(city.directory, &search);
    test_city_close(&city);
    search_tree(city.directory, &search);
    assert_true(search.files > 40);
    test_city_remove(&city);
}

/* ---- Extremes */

static void numbers_at_their_limits_come_back(void **state)
{
    (void)state;
    struct test_city city;
    struct twin twin = {0};
    struct random random;
    struct error err;
    random_init(&random, 3, 0);
    test_city_create(&city);
    struct presence_event events[700]; /* more than a small sort; too wide for one 64-bit number */
    uint32_t edges[] = {1, 2, UINT32_MAX / 2, UINT32_MAX - 1, UINT32_MAX};
    for (size_t i = 0; i < 700; i++)
        events[i] = (struct presence_event){
            .person = edges[random_below(&random, 5)], .venue = edges[random_below(&random, 5)],
            .time = second_of(random_below(&random, 3) * 43199 + random_below(&random, 2)),
            .flags = (uint8_t)random_next(&random)};
    struct presence_bulk_result got, wanted;
    assert_int_equal(add_bulk(city.presence, events, 700, UINT16_MAX, &got), ERROR_NONE);
    wanted = twin_bulk(&twin, events, 700, UINT16_MAX);
    assert_int_equal(got.inserted, wanted.inserted);
    struct presence_event ends[] = {{.person = 5, .venue = 5, .time = 0},
                                    {.person = 5, .venue = 5, .time = UINT32_MAX}};
    for (size_t i = 0; i < 2; i++) { /* 1970 and 2106 */
        assert_int_equal(append_event(city.presence, ends[i]), ERROR_NONE);
        twin_add(&twin, ends[i]);
    }
    for (int round = 0; round < 3; round++) {
        struct presence_view *view;
        struct presence_event *room = x_alloc(twin.count, sizeof *room);
        test_fail_on(presence_view_begin(city.presence, &view, &err), &err);
        for (int e = 0; e < 5; e++) {
            compare_key(view, &twin, ORDER_VENUE, edges[e], 0, (int64_t)UINT32_MAX + 1, room);
            compare_key(view, &twin, ORDER_PERSON, edges[e], 0, (int64_t)UINT32_MAX + 1, room);
        }
        compare_key(view, &twin, ORDER_PERSON, 5, 0, (int64_t)UINT32_MAX + 1, room);
        struct collected all = {0};
        test_fail_on(presence_scan(view, INT32_MIN, INT64_MAX / 2, collect, &all, &err), &err);
        assert_int_equal(all.count, twin_rows(&twin, ORDER_VENUE, 0, 0, INT64_MAX, room));
        free(all.events);
        free(room);
        presence_view_end(view);
        if (round == 0)
            test_fail_on(presence_fold(city.presence, &err), &err);
        else
            test_presence_reopen(&city);
    }
    assert_int_equal(verify_all(city.presence).bad, 0);
    twin_release(&twin);
    test_city_remove(&city);
}

static void what_no_segment_names_is_swept_at_opening(void **state)
{
    (void)state;
    struct test_city city;
    struct twin twin = {0};
    char path[200];
    test_city_create(&city);
    fill(&city, &twin);
    static const char *const strays[] = {"day-2022-04-10/segment-00000000ff.venue",
                                         "day-2022-04-10/segment-00000000ff.person"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/presence/%s", city.directory, strays[i]);
        write_file(path, (const unsigned char *)"half written", 12);
    }
    snprintf(path, sizeof path, "%s/presence/day-2022-04-02", city.directory);
    assert_int_equal(mkdir(path, 0700), 0);
    test_presence_reopen(&city);
    assert_int_equal(access(path, F_OK), -1);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/presence/%s", city.directory, strays[i]);
        assert_int_equal(access(path, F_OK), -1);
    }
    struct random random;
    random_init(&random, 1, 0);
    compare_with_twin(city.presence, &twin, 20, 200, second_of(0), 86400, 20, &random);
    twin_release(&twin);
    test_city_remove(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_in_a_segment_is_named_by_file_and_block),
        cmocka_unit_test(verification_names_file_and_block),
        cmocka_unit_test(a_flipped_bit_in_manifest_or_key_is_named_and_refused),
        cmocka_unit_test(another_days_key_opens_nothing),
        cmocka_unit_test(no_plain_byte_of_an_event_is_ever_on_the_disk),
        cmocka_unit_test(numbers_at_their_limits_come_back),
        cmocka_unit_test(what_no_segment_names_is_swept_at_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
