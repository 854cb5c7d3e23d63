/* The status table against full derivation: whatever evidence comes, in whatever order, over
 * restarts and damaged snapshots, every entry is what the person's evidence gives at that
 * moment. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "registry/test_support.h"
#include "status/status_bulk.h"
#include "status/status_internal.h"

enum { PERSONS = 40 };

struct house {
    struct test_city city;
    int64_t area;
};

static void open_status(struct house *house)
{
    struct error err;
    test_fail_on(status_open(&house->city.platform, &house->city.platform.status, &err), &err);
}

static void house_make(struct house *house)
{
    char text[PERSONS * 8 + 32] = "person_id\n";
    test_city_create(&house->city, true);
    house->area = registry_city(house->city.platform.registry)->no;
    for (int i = 1; i <= PERSONS; i++)
        snprintf(text + strlen(text), 8, "p%d\n", i);
    test_import(&house->city, "persons", text, TEST_COUNTS(PERSONS, 0, 0, 0));
    open_status(house);
}
static void house_remove(struct house *house)
{
    status_free(house->city.platform.status);
    house->city.platform.status = NULL;
    test_city_remove(&house->city);
}
/* Stops the table without writing a snapshot, opens it again. */
static void restart(struct house *house)
{
    status_free(house->city.platform.status);
    open_status(house);
}

/* ---- Adding evidence */

struct adding {
    struct house *house;
    struct person_no person;
    struct evidence *pieces; /* of = position among them, 1 and up */
    size_t count;
    int64_t *numbers;
};

static bool add_pieces(struct sql *sql, void *context, struct error *err)
{
    struct adding *adding = context;
    for (size_t i = 0; i < adding->count; i++) {
        struct evidence piece = adding->pieces[i];
        if (piece.of)
            piece.of = adding->numbers[piece.of - 1];
        if (!evidence_add(sql, adding->person, adding->house->area, &piece, SLICE(""),
                          &adding->numbers[i], err))
            return false;
    }
    return true;
}

static void add_random(struct house *house, struct random *random, uint32_t person)
{
    struct evidence pieces[TEST_PIECES_MAX];
    int64_t numbers[TEST_PIECES_MAX];
    struct error err;
    size_t count = test_random_evidence(random, pieces);
    struct adding adding = {house, {person}, pieces, count, numbers};
    test_fail_on(store_write(house->city.platform.store, add_pieces, &adding, &err), &err);
}

static void catch_up(struct house *house)
{
    struct error err;
    test_fail_on(status_catch_up(house->city.platform.status, &err), &err);
}

static void assert_whole(struct house *house)
{
    struct error err;
    int64_t checked, wrong, counts[4], seen[4] = {0};
    struct status_table *table = house->city.platform.status;
    timestamp now = house->city.world.fixed;
    catch_up(house);
    test_fail_on(status_verify(table, &checked, &wrong, &err), &err);
    assert_int_equal(checked, status_known(table));
    assert_int_equal(wrong, 0);
    for (uint32_t person = 1; person <= status_known(table); person++) {
        struct arena arena;
        struct decision decision;
        struct status_entry entry = status_get(table, (struct person_no){person}, now);
        arena_init(&arena, 64 << 20);
        test_fail_on(status_decide_at(&house->city.platform, (struct person_no){person}, now,
                                      &arena, &decision, &err),
                     &err);
        assert_int_equal(entry.color, decision.color);
        assert_int_equal(entry.flags, STATUS_KNOWN);
        assert_true(entry.since ==
                    (decision.since == TIMESTAMP_NONE ? 0 : (uint32_t)(decision.since / SECOND)));
        seen[entry.color]++;
        arena_release(&arena);
    }
    status_counts(table, counts);
    for (int color = 0; color < 4; color++)
        assert_int_equal(counts[color], seen[color]);
}

/* ---- Following */

static void the_table_follows_any_evidence_and_any_clock(void **state)
{
    (void)state;
    struct house house;
    struct random random;
    random_init(&random, 31, 0);
    house_make(&house);
    house.city.world.fixed = test_grid_start();
    restart(&house); /* the clock went back: derived anew */
    for (int step = 0; step < 60; step++) {
        for (uint32_t n = random_below(&random, 4); n > 0; n--)
            add_random(&house, &random, 1 + random_below(&random, PERSONS));
        house.city.world.fixed += (timestamp)random_below(&random, 20) * HOUR;
        assert_whole(&house);
    }
    house.city.world.fixed += 60 * DAY; /* everything that ends has ended */
    assert_whole(&house);
    house_remove(&house);
}

static void persons_without_evidence_are_green_and_unknown_ones_unknown(void **state)
{
    (void)state;
    struct house house;
    int64_t counts[4];
    house_make(&house);
    struct status_table *table = house.city.platform.status;
    timestamp now = house.city.world.fixed;
    assert_int_equal(status_known(table), PERSONS);
    assert_int_equal(status_get(table, (struct person_no){PERSONS}, now).color, COLOR_GREEN);
    for (uint32_t n = 0; n < 3; n++) {
        static const uint32_t strangers[] = {0, PERSONS + 1, UINT32_MAX};
        struct status_entry entry = status_get(table, (struct person_no){strangers[n]}, now);
        assert_int_equal(entry.color, COLOR_UNKNOWN);
        assert_int_equal(entry.flags, 0);
    }
    test_import(&house.city, "persons", "person_id\nlate\n", TEST_COUNTS(1, 0, 0, 0));
    catch_up(&house);
    assert_int_equal(status_known(table), PERSONS + 1);
    status_counts(table, counts);
    assert_int_equal(counts[COLOR_GREEN], PERSONS + 1);
    house_remove(&house);
}

/* ---- A colour that changes by itself */

static void a_colour_changes_at_its_end_without_any_event(void **state)
{
    (void)state;
    struct house house;
    struct error err;
    int64_t number;
    house_make(&house);
    struct status_table *table = house.city.platform.status;
    timestamp exposed = test_time("2022-04-10T08:00:00+08:00"), red_end = exposed + 14 * DAY;
    struct evidence contact = {.kind = EVIDENCE_CLOSE_CONTACT,
                               .recorded_at = exposed,
                               .at = exposed,
                               .until = TIMESTAMP_NONE};
    struct adding adding = {&house, {3}, &contact, 1, &number};
    test_fail_on(store_write(house.city.platform.store, add_pieces, &adding, &err), &err);
    catch_up(&house);
    struct status_entry entry = status_get(table, (struct person_no){3}, red_end - 1);
    assert_int_equal(entry.color, COLOR_RED);
    assert_true(entry.until == (uint32_t)(red_end / SECOND));
    entry = status_get(table, (struct person_no){3}, red_end); /* nobody has derived it anew */
    assert_int_equal(entry.color, COLOR_YELLOW);
    assert_true(entry.since == (uint32_t)(red_end / SECOND));
    house.city.world.fixed = red_end;
    assert_whole(&house);
    house.city.world.fixed = exposed + 21 * DAY;
    assert_whole(&house);
    assert_int_equal(status_get(table, (struct person_no){3}, house.city.world.fixed).color,
                     COLOR_GREEN);
    house_remove(&house);
}

/* ---- Restarts */

static void a_restart_loads_the_snapshot_and_replays_what_came_since(void **state)
{
    (void)state;
    struct house house;
    struct error err;
    struct random random;
    random_init(&random, 32, 0);
    house_make(&house);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 8; i++)
            add_random(&house, &random, 1 + random_below(&random, PERSONS));
        catch_up(&house);
        test_fail_on(status_snapshot(house.city.platform.status, &err), &err);
        for (int i = 0; i < 3; i++) /* after the snapshot: only the log knows */
            add_random(&house, &random, 1 + random_below(&random, PERSONS));
        house.city.world.fixed += (timestamp)random_below(&random, 50) * HOUR;
        restart(&house);
        assert_whole(&house);
    }
    house_remove(&house);
}

static void damage(struct house *house, struct random *random, int round)
{
    int fd = openat(store_directory_fd(house->city.platform.store), "status.snapshot",
                    O_RDWR | O_CLOEXEC);
    struct stat file;
    unsigned char byte;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &file), 0);
    off_t at = round < 12 ? round * 4 : (off_t)random_below(random, (uint32_t)file.st_size);
    if (round % 7 == 6) {
        assert_int_equal(ftruncate(fd, at), 0);
    } else {
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= (unsigned char)(1 << random_below(random, 8));
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
}

static void a_damaged_snapshot_is_derived_anew_and_never_believed(void **state)
{
    (void)state;
    struct house house;
    struct error err;
    struct random random;
    random_init(&random, 33, 0);
    house_make(&house);
    for (uint32_t person = 1; person <= PERSONS; person++)
        add_random(&house, &random, person);
    for (int round = 0; round < 24; round++) {
        add_random(&house, &random, 1 + random_below(&random, PERSONS));
        catch_up(&house);
        test_fail_on(status_snapshot(house.city.platform.status, &err), &err);
        status_free(house.city.platform.status);
        damage(&house, &random, round);
        open_status(&house);
        assert_whole(&house);
    }
    assert_int_equal(unlinkat(store_directory_fd(house.city.platform.store), "status.snapshot", 0),
                     0);
    restart(&house);
    assert_whole(&house);
    house_remove(&house);
}

/* ---- Past moments */

static void a_past_decision_is_given_again_with_the_same_words(void **state)
{
    (void)state;
    struct house house;
    struct random random;
    struct error err;
    struct arena arena;
    struct decision then, now;
    random_init(&random, 34, 0);
    arena_init(&arena, 64 << 20);
    house_make(&house);
    for (uint32_t person = 1; person <= 10; person++)
        add_random(&house, &random, person);
    timestamp moment = test_grid_start() + 100 * TEST_GRID;
    for (uint32_t person = 1; person <= 10; person++) {
        struct person_no no = {person};
        int64_t number;
        test_fail_on(status_decide_at(&house.city.platform, no, moment, &arena, &then, &err),
                     &err);
        struct evidence later = {.kind = EVIDENCE_CASE, /* becomes known after the moment */
                                 .recorded_at = moment + SECOND,
                                 .at = moment - 5 * DAY,
                                 .until = TIMESTAMP_NONE};
        struct adding adding = {&house, no, &later, 1, &number};
        test_fail_on(store_write(house.city.platform.store, add_pieces, &adding, &err), &err);
        test_fail_on(status_decide_at(&house.city.platform, no, moment, &arena, &now, &err), &err);
        assert_int_equal(now.color, then.color);
        assert_true(now.since == then.since && now.until == then.until);
        assert_int_equal(now.reason_count, then.reason_count);
        for (size_t i = 0; i < now.reason_count; i++)
            assert_string_equal(now.reasons[i].words.zh, then.reasons[i].words.zh);
        test_fail_on(status_decide_at(&house.city.platform, no, moment + SECOND, &arena, &now,
                                      &err),
                     &err);
        assert_int_equal(now.color, COLOR_RED);
    }
    assert_false(status_decide_at(&house.city.platform, (struct person_no){PERSONS + 1}, moment,
                                  &arena, &now, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_false(status_decide_at(&house.city.platform, (struct person_no){1},
                                  test_time("2021-06-01T00:00:00+08:00"), &arena, &now, &err));
    assert_int_equal(err.code, ERROR_ENVIRONMENT); /* no rule set was in force */
    arena_release(&arena);
    house_remove(&house);
}

/* ---- Bulk loads */

static const struct sql_text index_texts = {
    "test_index_texts",
    "SELECT sql FROM sqlite_master WHERE tbl_name = 'evidence' AND type = 'index' ORDER BY name",
    "small table"};

static char *indexes_of(struct house *house)
{
    struct error err;
    struct sql *sql;
    struct sql_query *query;
    struct buffer text;
    bool row = true;
    buffer_init(&text, 1 << 20);
    test_fail_on(store_read_begin(house->city.platform.store, &sql, &err), &err);
    test_fail_on(sql_begin(sql, &index_texts, NULL, 0, &query, &err), &err);
    while (sql_next(query, &row, &err) && row)
        for (struct slice s = sql_get_text(query, 0); s.length;
             s.data++, s.length--) /* blanks do not matter */
            if (*s.data > ' ')
                buffer_append(&text, s.data, 1);
    store_read_end(house->city.platform.store, sql);
    return text.data;
}

static bool load_bulk(struct sql *sql, void *context, struct error *err)
{
    struct house *house = context;
    struct evidence_bulk *bulk;
    int64_t count;
    if (!evidence_bulk_begin(sql, &bulk, err))
        return false;
    for (uint32_t person = 1; person <= PERSONS; person++) {
        struct evidence piece = {.kind = EVIDENCE_SYMPTOMS,
                                 .recorded_at = house->city.world.fixed - HOUR,
                                 .at = house->city.world.fixed - HOUR,
                                 .until = TIMESTAMP_NONE};
        if (!evidence_bulk_add(bulk, (struct person_no){person}, house->area, &piece, err))
            return false;
    }
    bool done = evidence_bulk_end(bulk, &count, err);
    return done && count == PERSONS;
}

static void a_bulk_load_leaves_the_indexes_of_the_schema_and_is_followed(void **state)
{
    (void)state;
    struct house house;
    struct error err;
    int64_t counts[4];
    house_make(&house);
    char *before = indexes_of(&house);
    assert_non_null(strstr(before, "evidence_by_person"));
    test_fail_on(store_write(house.city.platform.store, load_bulk, &house, &err), &err);
    char *after = indexes_of(&house);
    assert_string_equal(after, before);
    assert_whole(&house);
    status_counts(house.city.platform.status, counts);
    assert_int_equal(counts[COLOR_YELLOW], PERSONS);
    free(before);
    free(after);
    house_remove(&house);
}

/* ---- Readers while the table follows */

struct reading {
    struct status_table *table;
    timestamp now;
    atomic_bool stop;
    atomic_long reads, torn;
};

/* Each person goes from green (no since, no negative) to yellow (since, no negative) to green again
 * (since, negative): half of one entry with half of another would show. */
static void *keep_reading(void *context)
{
    struct reading *reading = context;
    while (!atomic_load(&reading->stop))
        for (uint32_t person = 1; person <= PERSONS; person++) {
            struct status_entry entry =
                status_get(reading->table, (struct person_no){person}, reading->now);
            bool whole = (entry.color == COLOR_YELLOW) ==
                         (entry.since != 0 && entry.last_negative == 0);
            atomic_fetch_add(&reading->torn, !whole);
            atomic_fetch_add(&reading->reads, 1);
        }
    return NULL;
}

static void readers_never_see_half_of_an_entry(void **state)
{
    (void)state;
    struct house house;
    struct error err;
    pthread_t threads[2];
    house_make(&house);
    struct reading reading = {.table = house.city.platform.status,
                              .now = house.city.world.fixed};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_reading, &reading), 0);
    for (int round = 0; round < PERSONS; round++) {
        uint32_t person = 1 + (uint32_t)round;
        int64_t number[2];
        struct evidence pieces[2] = {{.kind = EVIDENCE_SYMPTOMS, .until = TIMESTAMP_NONE},
                                     {.kind = EVIDENCE_PCR, .tube_size = 1}};
        for (int i = 0; i < 2; i++)
            pieces[i].recorded_at = pieces[i].at = reading.now - 50 * HOUR + round * MINUTE;
        pieces[1].until = reading.now - 20 * HOUR + round * MINUTE;
        for (int i = 0; i < 2; i++) { /* yellow, then green again by the negative */
            struct adding adding = {&house, {person}, &pieces[i], 1, &number[i]};
            test_fail_on(store_write(house.city.platform.store, add_pieces, &adding, &err), &err);
            catch_up(&house);
        }
    }
    atomic_store(&reading.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    print_message("%ld reads\n", atomic_load(&reading.reads));
    assert_true(atomic_load(&reading.reads) > 1000);
    assert_int_equal(atomic_load(&reading.torn), 0);
    house_remove(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_follows_any_evidence_and_any_clock),
        cmocka_unit_test(persons_without_evidence_are_green_and_unknown_ones_unknown),
        cmocka_unit_test(a_colour_changes_at_its_end_without_any_event),
        cmocka_unit_test(a_restart_loads_the_snapshot_and_replays_what_came_since),
        cmocka_unit_test(a_damaged_snapshot_is_derived_anew_and_never_believed),
        cmocka_unit_test(a_past_decision_is_given_again_with_the_same_words),
        cmocka_unit_test(a_bulk_load_leaves_the_indexes_of_the_schema_and_is_followed),
        cmocka_unit_test(readers_never_see_half_of_an_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
