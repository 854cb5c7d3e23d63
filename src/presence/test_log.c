/* Goal: what was acknowledged is in the log whatever happened to its end; a torn tail is cut at the
 * last whole frame and said; damage before it is named and never served; requests sent again get
 * their first answer for 48 hours. */
#include "presence/test_twin.h"

enum { NOON = 1649905200 /* 2022-04-14T11:00+08:00, the city's day 19096 */ };

struct log_copy {
    char path[160], name[SEGMENT_NAME_BYTES];
    unsigned char bytes[8192];
    size_t length;
    uint64_t frame_ends[16];
    size_t frame_events[16];
    size_t frames;
};

static struct scan_record record_of(uint32_t person, uint32_t time)
{
    return (struct scan_record){.person = person, .venue = 7, .time = time,
                                .flags = scan_flags(SCAN_DEVICE, SCAN_ATTENDED, SCAN_PASS)};
}

/* Frames of 1, 2, 3, 1 … records, each its own group. */
static void write_frames(struct test_city *city, size_t frames, struct log_copy *copy)
{
    *copy = (struct log_copy){.frames = frames};
    uint32_t person = 1;
    for (size_t f = 0; f < frames; f++) {
        struct test_wait wait = {.append.count = 1 + f % 3};
        for (size_t i = 0; i < wait.append.count; i++)
            wait.append.records[i] = record_of(person++, NOON);
        assert_int_equal(test_append(city->presence, &wait), ERROR_NONE);
        struct log_file *file = &city->presence->log.files[city->presence->log.file_count - 1];
        copy->frame_ends[f] = file->bytes;
        copy->frame_events[f] = (f ? copy->frame_events[f - 1] : 0) + wait.append.count;
        snprintf(copy->name, sizeof copy->name, "%s", file->name);
    }
    presence_close(city->presence);
    city->presence = NULL;
    snprintf(copy->path, sizeof copy->path, "%s/presence/log/%s", city->directory, copy->name);
    int fd = open(copy->path, O_RDONLY);
    ssize_t got = read(fd, copy->bytes, sizeof copy->bytes);
    close(fd);
    assert_int_equal(got, copy->frame_ends[frames - 1]);
    copy->length = (size_t)got;
}

static void put_log(const struct log_copy *copy, const unsigned char *bytes, size_t length)
{
    int fd = open(copy->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
}

/* Opens the day store on the log as it lies there. */
static bool try_open(struct test_city *city, struct error *err)
{
    struct presence_options options = {.background = false};
    city->presence = NULL;
    return presence_open(city->store, &options, &city->presence, err);
}

static size_t count_events(struct presence *presence)
{
    struct error err;
    struct presence_view *view;
    struct collected got = {0};
    test_fail_on(presence_view_begin(presence, &view, &err), &err);
    test_fail_on(presence_scan(view, 0, UINT32_MAX, collect, &got, &err), &err);
    presence_view_end(view);
    for (size_t i = 0; i < got.count; i++) /* the first ones, none left out */
        assert_int_equal(got.events[i].person, i + 1);
    free(got.events);
    return got.count;
}

static void a_log_cut_at_any_byte_keeps_every_whole_frame_and_says_what_was_cut(void **state)
{
    (void)state;
    struct test_city city;
    struct log_copy copy;
    struct error err;
    test_city_create(&city);
    write_frames(&city, 5, &copy);
    for (size_t length = 0; length <= copy.length; length++) {
        put_log(&copy, copy.bytes, length);
        size_t whole = 0;
        while (whole < copy.frames && copy.frame_ends[whole] <= length)
            whole++;
        uint64_t end = whole ? copy.frame_ends[whole - 1] : 0;
        size_t events = whole ? copy.frame_events[whole - 1] : 0;
        test_fail_on(try_open(&city, &err), &err);
        assert_int_equal(count_events(city.presence), events);
        assert_int_equal(city.presence->log.cut.bytes, length - end);
        if (length > end) {
            assert_int_equal(city.presence->log.cut.offset, end);
            assert_string_equal(city.presence->log.cut.name, copy.name);
        }
        struct test_wait wait = {.append.count = 1};
        wait.append.records[0] = record_of((uint32_t)events + 1, NOON);
        assert_int_equal(test_append(city.presence, &wait), ERROR_NONE);
        assert_int_equal(wait.append.first.ordinal, events);
        test_presence_reopen(&city);
        assert_int_equal(count_events(city.presence), events + 1);
        assert_int_equal(city.presence->log.cut.bytes, 0);
        assert_int_equal(verify_all(city.presence).bad, 0);
        presence_close(city.presence);
        char second[200]; /* the file that the append began */
        snprintf(second, sizeof second, "%s/presence/log/20220414-%010zx", city.directory, events);
        assert_int_equal(unlink(second), 0);
    }
    city.presence = NULL;
    test_city_remove(&city);
}

static void whatever_follows_the_last_frame_is_cut(void **state)
{
    (void)state;
    struct test_city city;
    struct log_copy copy;
    struct random random;
    struct error err;
    random_init(&random, 5, 0);
    test_city_create(&city);
    write_frames(&city, 3, &copy);
    for (int round = 0; round < 40; round++) {
        unsigned char bytes[8192];
        size_t length = copy.length + 1 + random_below(&random, 300);
        memcpy(bytes, copy.bytes, copy.length);
        for (size_t i = copy.length; i < length; i++)
            bytes[i] = round % 2 ? (unsigned char)random_next(&random) : 0;
        put_log(&copy, bytes, length);
        test_fail_on(try_open(&city, &err), &err);
        assert_int_equal(count_events(city.presence), copy.frame_events[2]);
        assert_int_equal(city.presence->log.cut.bytes, length - copy.length);
        presence_close(city.presence);
    }
    city.presence = NULL;
    test_city_remove(&city);
}

static void a_flipped_bit_before_the_last_sync_is_named_with_its_byte_and_refused(void **state)
{
    (void)state;
    struct test_city city;
    struct log_copy copy;
    struct random random;
    struct error err;
    random_init(&random, 6, 0);
    test_city_create(&city);
    write_frames(&city, 5, &copy);
    for (size_t at = 0; at < copy.length; at++) {
        unsigned char bytes[8192];
        memcpy(bytes, copy.bytes, copy.length);
        bytes[at] ^= (unsigned char)(1u << random_below(&random, 8));
        put_log(&copy, bytes, copy.length);
        size_t frame = 0;
        while (copy.frame_ends[frame] <= at)
            frame++;
        uint64_t begin = frame ? copy.frame_ends[frame - 1] : 0;
        bool opened = try_open(&city, &err);
        if (frame + 1 == copy.frames) { /* the last sync: cannot be told from a torn tail */
            assert_true(opened);
            assert_int_equal(count_events(city.presence), copy.frame_events[frame - 1]);
            assert_int_equal(city.presence->log.cut.offset, begin);
            presence_close(city.presence);
        } else {
            char words[60];
            assert_false(opened);
            assert_int_equal(err.code, ERROR_CORRUPT);
            assert_string_equal(err.source, copy.name);
            snprintf(words, sizeof words, "at byte %llu", (unsigned long long)begin);
            assert_non_null(strstr(err.what, words));
            put_log(&copy, copy.bytes, copy.length); /* refusing changed nothing */
        }
    }
    city.presence = NULL;
    put_log(&copy, copy.bytes, copy.length);
    test_presence_open(&city, false);
    assert_int_equal(count_events(city.presence), copy.frame_events[4]);
    test_city_remove(&city);
}

static void damage_in_a_file_that_was_left_is_refused_even_in_its_last_frame(void **state)
{
    (void)state;
    struct test_city city;
    struct log_copy copy;
    struct error err;
    test_city_create(&city);
    write_frames(&city, 2, &copy);
    test_presence_open(&city, false);
    struct test_wait wait = {.append.count = 1};
    wait.append.records[0] = record_of(4, NOON);
    assert_int_equal(test_append(city.presence, &wait), ERROR_NONE); /* begins a second file */
    assert_int_equal(city.presence->log.file_count, 2);
    presence_close(city.presence);
    copy.bytes[copy.length - 1] ^= 1;
    put_log(&copy, copy.bytes, copy.length);
    assert_false(try_open(&city, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_string_equal(err.source, copy.name);
    test_city_remove(&city);
}

static void damage_that_comes_while_serving_is_named_and_not_served(void **state)
{
    (void)state;
    struct test_city city;
    struct log_copy copy;
    test_city_create(&city);
    write_frames(&city, 3, &copy);
    test_presence_open(&city, false);
    copy.bytes[copy.frame_ends[0] + 60] ^= 4; /* in the second frame */
    put_log(&copy, copy.bytes, copy.length);
    struct reported reported = verify_all(city.presence);
    assert_int_equal(reported.bad, 1);
    assert_non_null(strstr(reported.words, copy.name));
    char words[40];
    snprintf(words, sizeof words, "at byte %llu", (unsigned long long)copy.frame_ends[0]);
    assert_non_null(strstr(reported.words, words));
    struct scan_record record;
    struct error err;
    pthread_mutex_lock(&city.presence->log_lock);
    assert_false(log_read(&city.presence->log, (struct scan_event_id){19096, 1}, &record, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_true(log_read(&city.presence->log, (struct scan_event_id){19096, 0}, &record, &err));
    pthread_mutex_unlock(&city.presence->log_lock);
    test_city_remove(&city);
}

/* ---- Requests sent again */

static struct test_wait keyed(unsigned char request_key, unsigned char client_key,
                              uint64_t digest)
{
    struct test_wait wait = {.append.count = 2};
    for (uint8_t i = 0; i < 2; i++) {
        struct scan_record *record = &wait.append.records[i];
        *record = record_of(5 + i, NOON);
        record->companion = i;
        record->companion_count = 1;
        record->body_digest = digest;
        record->answer.valid_until = 1234;
    }
    memset(wait.append.records[0].request_key, request_key, 16);
    memset(wait.append.records[0].client_key, client_key, 16);
    return wait;
}

static void a_request_sent_again_gets_its_first_answer(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    test_city_create(&city);
    struct test_wait first = keyed(9, 8, 77);
    assert_int_equal(test_append(city.presence, &first), ERROR_NONE);
    assert_false(first.append.repeated);
    for (int round = 0; round < 6; round++) {
        struct test_wait again = keyed(round & 1 ? 9 : 0, round & 1 ? 0 : 8, 77);
        again.append.count = 1;
        again.append.records[0].answer.valid_until = 9;
        assert_int_equal(test_append(city.presence, &again), ERROR_NONE);
        assert_true(again.append.repeated);
        assert_int_equal(again.append.first.ordinal, first.append.first.ordinal);
        assert_int_equal(again.append.count, 2);
        assert_int_equal(again.append.records[0].answer.valid_until, 1234);
        assert_int_equal(again.append.records[1].person, 6);
        struct test_wait other = keyed(round & 1 ? 9 : 0, round & 1 ? 0 : 8, 78);
        assert_int_equal(test_append(city.presence, &other), ERROR_KEY_REUSED);
        assert_string_equal(other.failure.field, round & 1 ? "Idempotency-Key" : "client_id");
        if (round == 2) /* folding and reopening change nothing of it */
            test_fail_on(presence_fold(city.presence, &err), &err);
        else
            test_presence_reopen(&city);
    }
    struct scans_verification result;
    struct scan_event_id at = first.append.first;
    struct scan_event_id ids[] = {at, {at.day, at.ordinal + 1}, {at.day, 99}};
    test_fail_on(presence_verify_scans(city.presence, ids, 3, &result, &err), &err);
    assert_int_equal(result.checked, 3);
    assert_int_equal(result.stored, 2);
    assert_string_equal(result.missing.data, "20220414-00000063\n");
    assert_int_equal(result.twice.length, 0);
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    test_city_remove(&city);
}

static void two_requests_with_one_key_in_one_group_are_one_scan(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city);
    struct test_wait waits[8];
    pthread_mutex_lock(&city.presence->log_lock); /* the commit thread waits: all form one group */
    for (int i = 0; i < 8; i++) {
        struct error err;
        waits[i] = keyed(3, 0, 1);
        waits[i].append.done = test_done;
        pthread_mutex_init(&waits[i].lock, NULL);
        pthread_cond_init(&waits[i].finished, NULL);
        test_fail_on(presence_append(city.presence, &waits[i].append, &err), &err);
    }
    pthread_mutex_unlock(&city.presence->log_lock);
    presence_close(city.presence); /* finishes what was taken */
    city.presence = NULL;
    for (int i = 0; i < 8; i++) {
        assert_true(waits[i].done);
        assert_int_equal(waits[i].failure.code, ERROR_NONE);
        assert_int_equal(waits[i].append.repeated, i > 0);
        assert_int_equal(waits[i].append.first.ordinal, 0);
    }
    test_presence_open(&city, false);
    struct error err;
    struct scans_verification result;
    test_fail_on(presence_verify_scans(city.presence, NULL, 0, &result, &err), &err);
    assert_int_equal(result.stored, 2);
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    test_city_remove(&city);
}

static void ids_and_keys_are_kept_48_hours_and_then_forgotten(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    test_city_create(&city);
    timestamp begin = city.world.fixed;
    struct test_wait first = keyed(9, 8, 77);
    assert_int_equal(test_append(city.presence, &first), ERROR_NONE);
    for (int hours = 24; hours <= 47; hours += 23) {
        city.world.fixed = begin + hours * HOUR;
        struct test_wait other = keyed(0, 0, 1);
        assert_int_equal(test_append(city.presence, &other), ERROR_NONE);
        test_fail_on(presence_fold(city.presence, &err), &err);
        struct test_wait again = keyed(9, 0, 77);
        assert_int_equal(test_append(city.presence, &again), ERROR_NONE);
        assert_true(again.append.repeated);
    }
    city.world.fixed = begin + 49 * HOUR;
    test_fail_on(presence_fold(city.presence, &err), &err);
    struct scans_verification result;
    test_fail_on(presence_verify_scans(city.presence, &first.append.first, 1, &result, &err), &err);
    assert_int_equal(result.stored, 4);
    assert_string_equal(result.missing.data, "20220414-00000000\n");
    buffer_release(&result.missing);
    buffer_release(&result.twice);
    for (int round = 0; round < 2; round++) {
        struct test_wait again = keyed(9, 8, 78); /* another body: the key is free again */
        assert_int_equal(test_append(city.presence, &again), ERROR_NONE);
        assert_int_equal(again.append.repeated, round > 0);
        test_presence_reopen(&city);
    }
    test_city_remove(&city);
}

static void a_clock_that_goes_back_loses_nothing(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    test_city_create(&city);
    struct test_wait wait = {.append.count = 1};
    wait.append.records[0] = record_of(1, NOON);
    assert_int_equal(test_append(city.presence, &wait), ERROR_NONE);
    test_fail_on(presence_fold(city.presence, &err), &err);
    city.world.fixed -= 3 * DAY;
    for (uint32_t person = 2; person < 5; person++) {
        wait.append.records[0] = record_of(person, NOON);
        assert_int_equal(test_append(city.presence, &wait), ERROR_NONE);
        assert_int_equal(wait.append.first.day, 19096);
        test_presence_reopen(&city);
        assert_int_equal(count_events(city.presence), person);
    }
    test_city_remove(&city);
}

/* ---- Refusals */

static atomic_int answered;
static void count_done(struct presence_append *append, const struct error *failure)
{
    (void)append;
    assert_null(failure);
    atomic_fetch_add(&answered, 1);
}

static void a_full_queue_refuses_and_keeps_what_it_took(void **state)
{
    (void)state;
    enum { EACH = 1 + PRESENCE_COMPANIONS_MAX, GROUPS = QUEUE_RECORDS_MAX / EACH };
    struct test_city city;
    struct error err;
    test_city_create(&city);
    struct presence_append *appends = x_alloc(2 * GROUPS + 2, sizeof *appends);
    size_t taken = 0;
    bool more = true;
    pthread_mutex_lock(&city.presence->log_lock); /* the disk stands still */
    while (more) {
        REQUIRE(taken < 2 * GROUPS + 2);
        appends[taken].count = EACH;
        appends[taken].done = count_done;
        for (size_t i = 0; i < EACH; i++)
            appends[taken].records[i] = record_of((uint32_t)(taken * EACH + i + 1), NOON);
        more = presence_append(city.presence, &appends[taken], &err);
        taken += more;
    }
    pthread_mutex_unlock(&city.presence->log_lock);
    assert_int_equal(err.code, ERROR_BUSY);
    assert_true(taken >= GROUPS && taken <= 2 * GROUPS);
    presence_close(city.presence);
    assert_int_equal(atomic_load(&answered), taken);
    test_presence_open(&city, false);
    assert_int_equal(count_events(city.presence), taken * EACH);
    free(appends);
    test_city_remove(&city);
}

static void a_tail_that_cannot_be_folded_refuses_at_its_bound(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    struct test_wait wait = {.append.count = 1};
    test_city_create(&city);
    wait.append.records[0] = record_of(1, NOON);
    assert_int_equal(test_append(city.presence, &wait), ERROR_NONE);
    pthread_mutex_lock(&city.presence->lock);
    city.presence->tail_events += TAIL_EVENTS_MAX; /* as if so many waited */
    pthread_mutex_unlock(&city.presence->lock);
    wait.append.records[0] = record_of(2, NOON);
    assert_int_equal(test_append(city.presence, &wait), ERROR_NONE);
    wait.append.records[0] = record_of(3, NOON);
    assert_int_equal(test_append(city.presence, &wait), ERROR_BUSY);
    pthread_mutex_lock(&city.presence->lock);
    city.presence->tail_events -= TAIL_EVENTS_MAX;
    pthread_mutex_unlock(&city.presence->lock);
    test_fail_on(presence_fold(city.presence, &err), &err);
    assert_int_equal(test_append(city.presence, &wait), ERROR_NONE);
    assert_int_equal(count_events(city.presence), 3);
    test_city_remove(&city);
}

static void event_ids_are_read_as_they_are_written(void **state)
{
    (void)state;
    static const uint64_t ordinals[] = {0, 1, 0xa3f, 0xffffffff, 0x100000000, 0xffffffffff};
    for (size_t i = 0; i < sizeof ordinals / sizeof *ordinals; i++) {
        struct scan_event_id id = {19096, ordinals[i]}, back;
        char text[SCAN_EVENT_ID_BYTES];
        scan_event_id_format(id, text);
        assert_true(scan_event_id_parse(slice_of(text), &back));
        assert_int_equal(back.day, id.day);
        assert_int_equal(back.ordinal, id.ordinal);
    }
    static const char *const bad[] = {"", "20220414", "20220414-", "20220414-0000001",
                                      "20220414-0000001G", "20220414-0000001F", "2022041400000001f",
                                      "20221314-0000001f", "20220230-0000001f",
                                      "20220414-000000000001f", "20220414_0000001f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct scan_event_id back;
        assert_false(scan_event_id_parse(slice_of(bad[i]), &back));
    }
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_cut_at_any_byte_keeps_every_whole_frame_and_says_what_was_cut),
        cmocka_unit_test(whatever_follows_the_last_frame_is_cut),
        cmocka_unit_test(a_flipped_bit_before_the_last_sync_is_named_with_its_byte_and_refused),
        cmocka_unit_test(damage_in_a_file_that_was_left_is_refused_even_in_its_last_frame),
        cmocka_unit_test(damage_that_comes_while_serving_is_named_and_not_served),
        cmocka_unit_test(a_request_sent_again_gets_its_first_answer),
        cmocka_unit_test(two_requests_with_one_key_in_one_group_are_one_scan),
        cmocka_unit_test(ids_and_keys_are_kept_48_hours_and_then_forgotten),
        cmocka_unit_test(a_clock_that_goes_back_loses_nothing),
        cmocka_unit_test(a_full_queue_refuses_and_keeps_what_it_took),
        cmocka_unit_test(a_tail_that_cannot_be_folded_refuses_at_its_bound),
        cmocka_unit_test(event_ids_are_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
