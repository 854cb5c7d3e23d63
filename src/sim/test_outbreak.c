/* Goal: the outbreak is one that could have been: who infects met whom they infect, nobody isolated
 * goes anywhere, and what is recorded follows from what happened, no earlier and no later. Checked
 * on a whole city, against its day store and its evidence. */
#include "sim/test_support.h"

enum { PEOPLE = 12000, SEED = 20220414 };

static struct demo demo;
static struct city *city;
static struct outbreak *outbreak;
static struct presence_view *view;

static int build(void **state)
{
    (void)state;
    struct error err;
    struct sql *sql;
    demo_build(&demo, PEOPLE, SEED);
    done_or_fail(city_open(&demo.platform, PEOPLE, SEED, true, &city, &err) &&
                     store_read_begin(demo.platform.store, &sql, &err) &&
                     outbreak_load(city, sql, &outbreak, &err) &&
                     presence_view_begin(demo.platform.presence, &view, &err),
                 &err);
    store_read_end(demo.platform.store, sql);
    return 0;
}

static int discard(void **state)
{
    (void)state;
    presence_view_end(view);
    outbreak_free(outbreak);
    city_close(city);
    demo_remove(&demo);
    return 0;
}

/* ---- Check-ins of a person */

struct stays {
    struct presence_event events[4096];
    size_t count;
};

static bool keep(void *context, const struct presence_event *events, size_t count,
                 struct error *err)
{
    (void)err;
    struct stays *stays = context;
    for (size_t i = 0; i < count && stays->count < 4096; i++)
        stays->events[stays->count++] = events[i];
    return true;
}

static struct stays *stays_of(uint32_t person, int64_t from, int64_t to)
{
    struct error err;
    struct stays *stays = x_alloc(1, sizeof *stays);
    done_or_fail(presence_by_person(view, (struct person_no){person}, from, to, keep, stays, &err),
                 &err);
    return stays;
}

/* Whether two check-ins of these two at one place make a meeting at that moment. */
static bool met_at(uint32_t a, uint32_t b, uint32_t venue, int64_t moment)
{
    struct stays *x = stays_of(a, 0, moment + 1), *y = stays_of(b, 0, moment + 1);
    bool met = false;
    for (size_t i = 0; i < x->count; i++)
        for (size_t k = 0; k < y->count; k++) {
            int64_t later = x->events[i].time > y->events[k].time ? x->events[i].time
                                                                   : y->events[k].time;
            met |= x->events[i].venue == y->events[k].venue &&
                   (!venue || x->events[i].venue == venue) && later == moment;
        }
    free(x);
    free(y);
    return met;
}

static bool live_together(uint32_t a, uint32_t b)
{
    uint32_t mates[HOUSEHOLD_MAX];
    size_t count = city_housemates(city, a, mates);
    for (size_t i = 0; i < count; i++)
        if (mates[i] == b)
            return true;
    return false;
}

/* ---- What happened */

static void it_spreads_and_is_found(void **state)
{
    (void)state;
    size_t found = 0, generations = 0;
    for (size_t i = 0; i < outbreak->count; i++) {
        found += outbreak->infections[i].stage != STAGE_HIDDEN;
        size_t depth = 0;
        for (const struct infection *at = &outbreak->infections[i]; at->infector; depth++)
            at = outbreak_infection_of(outbreak, at->infector);
        generations = depth > generations ? depth : generations;
    }
    assert_true(outbreak->count >= 10);
    assert_true(found >= 5 && found <= outbreak->count);
    assert_true(generations >= 2);
}

static void every_infector_met_the_infected_while_infectious(void **state)
{
    (void)state;
    size_t from_outside = 0, at_home = 0, at_places = 0;
    for (size_t i = 0; i < outbreak->count; i++) {
        const struct infection *infected = &outbreak->infections[i];
        if (!infected->infector) {
            from_outside++;
            continue;
        }
        const struct infection *infector = outbreak_infection_of(outbreak, infected->infector);
        assert_non_null(infector);
        assert_true(infected->infected_at >= infector->infectious_at);
        assert_true(infected->infected_at < infector->removed_at);
        assert_true(infected->infected_at < infector->ends_at + 86400);
        assert_true(infected->infectious_at >= infected->infected_at + 24 * 3600);
        if (infected->venue) {
            at_places++;
            assert_true(met_at(infector->person, infected->person, infected->venue,
                               infected->infected_at));
        } else {
            at_home++;
            assert_true(live_together(infector->person, infected->person));
        }
    }
    assert_int_equal(from_outside, city->settings->number[SEED_PERSONS]);
    assert_true(at_home > 0 && at_places > 0);
}

static void nobody_is_infected_while_isolated(void **state)
{
    (void)state;
    for (size_t i = 0; i < outbreak->count; i++)
        assert_false(outbreak_isolated(outbreak, outbreak->infections[i].person,
                                       outbreak->infections[i].infected_at, NULL));
}

static void isolated_people_have_no_check_in(void **state)
{
    (void)state;
    int64_t now = demo.now / SECOND;
    assert_true(outbreak->isolation_count > 100);
    for (size_t i = 1; i < outbreak->isolation_count; i++) {
        const struct isolation *isolation = &outbreak->isolations[i];
        if (isolation->from >= now)
            continue;
        int64_t until = isolation->until < now ? isolation->until : now;
        struct stays *stays = stays_of(isolation->person, isolation->from, until);
        assert_int_equal(stays->count, 0);
        free(stays);
    }
}

static void people_who_were_let_go_go_out_again(void **state)
{
    (void)state;
    size_t again = 0;
    for (size_t i = 1; i < outbreak->isolation_count; i++) {
        const struct isolation *isolation = &outbreak->isolations[i];
        if (isolation->until > demo.now / SECOND - 2 * 86400)
            continue;
        struct stays *stays = stays_of(isolation->person, isolation->until, demo.now / SECOND);
        again += stays->count > 0;
        free(stays);
    }
    assert_true(again > 0);
}

/* ---- What is recorded */

static const struct sql_text all_cases = {
    "test_cases", "SELECT person_no, at, recorded_at, kind FROM case_record ORDER BY case_no",
    "small table"};

static void cases_are_the_infections_recorded_by_now(void **state)
{
    (void)state;
    struct error err;
    struct sql *sql;
    struct sql_query *query;
    bool row;
    size_t cases = 0, expected = 0;
    timestamp last = 0;
    for (size_t i = 0; i < outbreak->count; i++)
        expected += outbreak->infections[i].recorded_at <= demo.now / SECOND;
    done_or_fail(store_read_begin(demo.platform.store, &sql, &err) &&
                     sql_begin(sql, &all_cases, NULL, 0, &query, &err),
                 &err);
    for (;; cases++) {
        done_or_fail(sql_next(query, &row, &err), &err);
        if (!row)
            break;
        const struct infection *infection =
            outbreak_infection_of(outbreak, (uint32_t)sql_get_int(query, 0));
        assert_non_null(infection);
        assert_int_equal(sql_get_int(query, 2), infection->recorded_at * SECOND);
        bool symptomatic = slice_equal(sql_get_text(query, 3), SLICE("case"));
        assert_int_equal(sql_get_int(query, 1),
                         (symptomatic ? infection->onset_at : infection->swabbed_at) * SECOND);
        assert_true(sql_get_int(query, 1) <= sql_get_int(query, 2));
        assert_true(sql_get_int(query, 2) >= last);
        last = sql_get_int(query, 2);
        if (infection->infector) /* no case before its infector was infectious */
            assert_true(sql_get_int(query, 2) >
                        outbreak_infection_of(outbreak, infection->infector)->infectious_at *
                            SECOND);
    }
    store_read_end(demo.platform.store, sql);
    assert_int_equal(cases, expected);
    assert_true(cases >= 5);
}

static struct evidence *pieces_of(uint32_t person, struct arena *arena, size_t *ret_count)
{
    struct error err;
    struct sql *sql;
    struct evidence *pieces;
    done_or_fail(store_read_begin(demo.platform.store, &sql, &err) &&
                     evidence_of_person(sql, (struct person_no){person}, arena, &pieces,
                                        ret_count, &err),
                 &err);
    store_read_end(demo.platform.store, sql);
    return pieces;
}

/* A close contact's last exposure: a meeting with a case at that moment, or living with one until
 * it was taken away. */
static bool has_source(uint32_t person, int64_t exposed, int64_t known)
{
    for (size_t i = 0; i < outbreak->count; i++) {
        const struct infection *source = &outbreak->infections[i];
        if (source->recorded_at > known || source->removed_at < exposed)
            continue;
        if (live_together(source->person, person) && source->removed_at == exposed)
            return true;
        if (met_at(source->person, person, 0, exposed))
            return true;
        /* came after the case had been taken away, from a place where it was */
        if (source->removed_at == exposed)
            return true;
    }
    return false;
}

static void close_contacts_have_their_real_last_exposure(void **state)
{
    (void)state;
    struct arena arena;
    size_t close = 0, secondary = 0;
    arena_init(&arena, 64 << 20);
    for (size_t i = 1; i < outbreak->isolation_count; i++) {
        uint32_t person = outbreak->isolations[i].person;
        size_t count;
        struct evidence *pieces = pieces_of(person, &arena, &count);
        for (size_t k = 0; k < count; k++) {
            assert_true(pieces[k].recorded_at <= demo.now);
            if (pieces[k].kind == EVIDENCE_CLOSE_CONTACT && close < 400) {
                close++;
                assert_true(has_source(person, pieces[k].at / SECOND,
                                       pieces[k].recorded_at / SECOND));
            }
            secondary += pieces[k].kind == EVIDENCE_SECONDARY_CONTACT;
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    assert_true(close > 50 && secondary > 50);
}

static void a_positive_tube_is_followed_by_single_swabs(void **state)
{
    (void)state;
    struct arena arena;
    size_t tubes = 0, retests = 0;
    arena_init(&arena, 64 << 20);
    for (uint32_t person = 1; person <= PEOPLE; person++) {
        size_t count;
        if (!outbreak_touches(outbreak, person))
            continue;
        struct evidence *pieces = pieces_of(person, &arena, &count);
        for (size_t k = 0; k < count; k++) {
            if (pieces[k].kind != EVIDENCE_PCR || pieces[k].detail != RESULT_POSITIVE ||
                pieces[k].tube_size == 1)
                continue;
            tubes++;
            bool again = demo.now - pieces[k].until < 8 * HOUR; /* its result is still to come */
            for (size_t r = 0; r < count; r++)
                again |= pieces[r].kind == EVIDENCE_PCR && pieces[r].tube_size == 1 &&
                         pieces[r].at >= pieces[k].until;
            assert_true(again);
            retests++;
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    assert_true(tubes >= 10);
    assert_int_equal(tubes, retests);
}

static void every_status_is_what_the_rules_decide_from_the_evidence(void **state)
{
    (void)state;
    struct error err;
    struct arena arena;
    int64_t checked, wrong, counts[4];
    done_or_fail(status_verify(demo.platform.status, &checked, &wrong, &err), &err);
    assert_int_equal(checked, PEOPLE);
    assert_int_equal(wrong, 0);
    status_counts(demo.platform.status, counts);
    assert_true(counts[COLOR_RED] > 50);
    assert_int_equal(counts[COLOR_GREEN] + counts[COLOR_YELLOW] + counts[COLOR_RED], PEOPLE);
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < outbreak->count; i++) {
        struct person_no person = {outbreak->infections[i].person};
        struct decision decision;
        done_or_fail(status_decide_at(&demo.platform, person, demo.now, &arena, &decision, &err),
                     &err);
        assert_int_equal(decision.color,
                         status_get(demo.platform.status, person, demo.now).color);
        if (outbreak->infections[i].recorded_at <= demo.now / SECOND)
            assert_int_equal(decision.color, COLOR_RED);
        arena_clear(&arena);
    }
    arena_release(&arena);
}

/* ---- The same again */

static void the_same_seed_gives_the_same_exports_and_another_seed_others(void **state)
{
    (void)state;
    struct demo again, other;
    demo_build(&again, 1500, 11);
    demo_build(&other, 1500, 12);
    struct demo first;
    demo_build(&first, 1500, 11);
    assert_true(export_kind_count >= 10);
    for (size_t i = 0; i < export_kind_count; i++) {
        const char *name = export_kinds[i]->name;
        char *a = demo_export(&first, export_kinds[i]), *b = demo_export(&again, export_kinds[i]);
        char *c = demo_export(&other, export_kinds[i]);
        if (strcmp(a, b) != 0)
            fail_msg("export %s differs", name);
        assert_non_null(strchr(strchr(a, '\n') + 1, '\n')); /* more than the header */
        bool of_size_only = strcmp(name, "areas") == 0 || strcmp(name, "households") == 0 ||
                            strcmp(name, "units") == 0;
        if (!of_size_only && strcmp(a, c) == 0)
            fail_msg("export %s is the same with another seed", name);
        free(a);
        free(b);
        free(c);
    }
    demo_remove(&first);
    demo_remove(&again);
    demo_remove(&other);
}

static void a_hundred_people_have_a_history_too(void **state)
{
    (void)state;
    struct demo small;
    struct error err;
    struct presence_view *small_view;
    int32_t first, last;
    int64_t checked, wrong;
    demo_build(&small, 100, 3);
    done_or_fail(presence_view_begin(small.platform.presence, &small_view, &err), &err);
    assert_true(presence_day_range(small_view, &first, &last));
    assert_int_equal(last - first, CITY_DAYS - 1);
    for (int32_t day = first; day <= last; day++)
        assert_in_range(presence_day_count(small_view, day), 1, 100 * CITY_VISITS_MAX);
    presence_view_end(small_view);
    done_or_fail(status_verify(small.platform.status, &checked, &wrong, &err), &err);
    assert_int_equal(checked, 100);
    assert_int_equal(wrong, 0);
    demo_remove(&small);
}

/* The bulk load makes an index of the registry anew. */
static const struct sql_text index_text = {
    "test_index", "SELECT sql FROM sqlite_master WHERE name = 'person_by_id_number'",
    "small table"};

static void the_index_of_id_numbers_is_the_registry_s(void **state)
{
    (void)state;
    struct demo empty;
    struct error err;
    char *texts[2];
    demo_create(&empty, 5);
    for (int i = 0; i < 2; i++) {
        struct sql *sql;
        struct sql_query *query;
        bool row;
        struct store *store = i ? demo.platform.store : empty.platform.store;
        done_or_fail(store_read_begin(store, &sql, &err) &&
                         sql_begin(sql, &index_text, NULL, 0, &query, &err) &&
                         sql_next(query, &row, &err),
                     &err);
        assert_true(row);
        struct slice text = sql_get_text(query, 0);
        texts[i] = strndup(text.data, text.length);
        store_read_end(store, sql);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    demo_remove(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_spreads_and_is_found),
        cmocka_unit_test(every_infector_met_the_infected_while_infectious),
        cmocka_unit_test(nobody_is_infected_while_isolated),
        cmocka_unit_test(isolated_people_have_no_check_in),
        cmocka_unit_test(people_who_were_let_go_go_out_again),
        cmocka_unit_test(cases_are_the_infections_recorded_by_now),
        cmocka_unit_test(close_contacts_have_their_real_last_exposure),
        cmocka_unit_test(a_positive_tube_is_followed_by_single_swabs),
        cmocka_unit_test(every_status_is_what_the_rules_decide_from_the_evidence),
        cmocka_unit_test(the_same_seed_gives_the_same_exports_and_another_seed_others),
        cmocka_unit_test(a_hundred_people_have_a_history_too),
        cmocka_unit_test(the_index_of_id_numbers_is_the_registry_s),
    };
    return cmocka_run_group_tests(tests, build, discard);
}
