/* What a rule set would change: every person decided by the rules in force and by the new ones,
 * as if these were in force at that moment, counted by district. One pass over persons and their
 * evidence, in order of number, on a few threads. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "access/shown.h"
#include "registry/registry.h"
#include "status/rule_sets.h"

static const struct sql_text effect_persons = {
    "rule_effect_persons",
    "SELECT person_no, area_no FROM person WHERE person_no BETWEEN ?1 AND ?2 ORDER BY person_no",
    "primary key"};

const struct sql_list rule_effect_statements = SQL_LIST(&effect_persons);

enum { DISTRICTS_MAX = 256, SHOWN_COLORS = 3, PARTS_MAX = 4, PERSONS_A_PART = 100000,
       DISTRICT_BITS = 24 };

struct district_effect {
    int64_t district_no;
    int64_t persons[SHOWN_COLORS][SHOWN_COLORS]; /* [before][after] */
};

struct effect_part {
    struct platform *platform;
    const struct rule_set *before, *after;
    timestamp at;
    uint32_t first, last;
    pthread_t thread;
    bool started, done;
    struct error err;
    struct sql_query *persons; /* the next one not counted, where person_left */
    bool person_left;
    struct district_effect districts[DISTRICTS_MAX];
    size_t district_count, district; /* the one met last */
};

static struct district_effect *district_of(struct effect_part *part, int64_t area_no)
{
    int64_t district_no = area_no & ~(((int64_t)1 << DISTRICT_BITS) - 1);
    if (part->district_count && part->districts[part->district].district_no == district_no)
        return &part->districts[part->district];
    for (part->district = 0; part->district < part->district_count; part->district++)
        if (part->districts[part->district].district_no == district_no)
            return &part->districts[part->district];
    REQUIRE(part->district_count < DISTRICTS_MAX); /* the built-in tree has seven a city */
    part->districts[part->district_count++].district_no = district_no;
    return &part->districts[part->district];
}

/* Counts the person that the query stands on, and steps. */
static void count_person(struct effect_part *part, enum color before, enum color after)
{
    struct district_effect *district = district_of(part, sql_get_int(part->persons, 1));
    district->persons[before][after]++;
    part->done = part->done && sql_next(part->persons, &part->person_left, &part->err);
    part->person_left = part->person_left && part->done;
}

static void visit(void *context, struct person_no person, const struct evidence *pieces,
                  size_t count, struct arena *arena)
{
    struct effect_part *part = context;
    struct decision before, after;
    while (part->person_left && sql_get_int(part->persons, 0) < person.n)
        count_person(part, COLOR_GREEN, COLOR_GREEN); /* without evidence */
    if (!part->person_left || sql_get_int(part->persons, 0) != person.n)
        return;
    policy_decide(part->before, pieces, count, part->at, false, arena, &before);
    policy_decide(part->after, pieces, count, part->at, false, arena, &after);
    count_person(part, before.color, after.color);
}

static void *part_main(void *context)
{
    struct effect_part *part = context;
    struct sql *sql;
    part->done = store_read_begin(part->platform->store, &sql, &part->err);
    if (!part->done)
        return NULL;
    part->done = sql_begin(sql, &effect_persons,
                           SQL_ARGUMENTS(sql_int(part->first), sql_int(part->last)),
                           &part->persons, &part->err) &&
                 sql_next(part->persons, &part->person_left, &part->err);
    struct error err;
    bool walked = part->done &&
                  evidence_each_person(sql, part->first, part->last, visit, part, &err);
    if (part->done && !walked)
        part->err = err;
    part->done = part->done && walked;
    while (part->person_left && part->done)
        count_person(part, COLOR_GREEN, COLOR_GREEN);
    store_read_end(part->platform->store, sql);
    return NULL;
}

static void add_part(struct effect_part *sum, const struct effect_part *part)
{
    for (size_t d = 0; d < part->district_count; d++) {
        struct district_effect *district = district_of(sum, part->districts[d].district_no);
        for (int before = 0; before < SHOWN_COLORS; before++)
            for (int after = 0; after < SHOWN_COLORS; after++)
                district->persons[before][after] += part->districts[d].persons[before][after];
    }
}

static size_t part_count(uint32_t known)
{
    cpu_set_t cores;
    size_t usable = sched_getaffinity(0, sizeof cores, &cores) == 0 ? (size_t)CPU_COUNT(&cores) : 1;
    size_t wanted = known / PERSONS_A_PART + 1;
    size_t count = usable < wanted ? usable : wanted;
    return count < PARTS_MAX ? count : PARTS_MAX;
}

/* parts[0] holds the sum. */
static bool count_all(struct effect_part *parts, struct platform *platform,
                      const struct rule_set *after, timestamp at, struct error *err)
{
    uint32_t known = status_known(platform->status);
    size_t count = part_count(known);
    const struct rule_set *before = policy_rules_in_force(platform->policy, at);
    if (!before)
        return status_no_rules(err);
    for (size_t p = 0; p < count; p++) {
        struct effect_part *part = &parts[p];
        part->platform = platform;
        part->before = before;
        part->after = after;
        part->at = at;
        part->first = (uint32_t)((uint64_t)known * p / count) + 1;
        part->last = (uint32_t)((uint64_t)known * (p + 1) / count);
        part->started = p && pthread_create(&part->thread, NULL, part_main, part) == 0;
    }
    part_main(&parts[0]);
    bool done = parts[0].done;
    if (!done)
        *err = parts[0].err;
    for (size_t p = 1; p < count; p++) {
        if (parts[p].started)
            pthread_join(parts[p].thread, NULL);
        else
            part_main(&parts[p]);
        if (done && !parts[p].done)
            *err = parts[p].err;
        done = done && parts[p].done;
        add_part(&parts[0], &parts[p]);
    }
    return done;
}

/* ---- Small counts
 *
 * Counts of persons below the bound are not shown, nor what would give them away (domain.md §11). A
 * kind of change (before → after) that is small in one district is hidden in all of them, so that
 * no district follows from the city's count; at least two kinds are hidden, and so many in a
 * district that their sum is not small, so that none follows from its persons. */

enum { KINDS = SHOWN_COLORS * SHOWN_COLORS };

static int64_t kind_count(const struct district_effect *district, size_t kind)
{
    return district->persons[kind / SHOWN_COLORS][kind % SHOWN_COLORS];
}

/* The smallest kind of the city that is there and not hidden; KINDS where there is none. */
static size_t next_kind(const struct district_effect *city, const bool hidden[KINDS])
{
    size_t found = KINDS;
    for (size_t kind = 0; kind < KINDS; kind++)
        if (!hidden[kind] && kind_count(city, kind) > 0 &&
            (found == KINDS || kind_count(city, kind) < kind_count(city, found)))
            found = kind;
    return found;
}

/* Whether what is hidden of the district follows from what is shown. */
static bool gives_away(const struct district_effect *district, const bool hidden[KINDS],
                       int64_t below)
{
    int64_t sum = 0;
    for (size_t kind = 0; kind < KINDS; kind++)
        sum += hidden[kind] ? kind_count(district, kind) : 0;
    return sum > 0 && sum < below;
}

static void hide_kinds(const struct effect_part *sum, const struct district_effect *city,
                       int64_t below, bool hidden[KINDS])
{
    size_t count = 0;
    for (size_t kind = 0; kind < KINDS; kind++) {
        hidden[kind] = false;
        for (size_t d = 0; d < sum->district_count; d++) {
            int64_t persons = kind_count(&sum->districts[d], kind);
            hidden[kind] |= persons > 0 && persons < below;
        }
        count += hidden[kind];
    }
    for (size_t next; count && (next = next_kind(city, hidden)) < KINDS; count++) {
        bool more = count < 2;
        for (size_t d = 0; d < sum->district_count; d++)
            more |= gives_away(&sum->districts[d], hidden, below);
        if (!more)
            return;
        hidden[next] = true;
    }
}

/* ---- Writing it */

static void put_shown(struct json_writer *writer, const char *key, int64_t count, bool hidden)
{
    if (hidden)
        json_field_null(writer, key);
    else
        json_field_int64(writer, key, count);
}

/* A hidden kind has no number; `named` kinds are in the list. */
static void put_changes(struct json_writer *writer, const struct district_effect *district,
                        const struct district_effect *named, const bool hidden[KINDS])
{
    int64_t all = 0, changed = 0;
    bool any = false;
    for (size_t kind = 0; kind < KINDS; kind++) {
        bool stays = kind / SHOWN_COLORS == kind % SHOWN_COLORS;
        all += kind_count(district, kind);
        changed += stays ? 0 : kind_count(district, kind);
        any |= hidden[kind];
    }
    json_field_int64(writer, "persons", all);
    put_shown(writer, "changed", changed, any);
    json_key(writer, "changes");
    json_array_begin(writer);
    for (size_t kind = 0; kind < KINDS; kind++) {
        if (!kind_count(named, kind) || (!hidden[kind] && !kind_count(district, kind)))
            continue;
        json_object_begin(writer);
        json_field_text(writer, "before", slice_of(color_name((enum color)(kind / SHOWN_COLORS))));
        json_field_text(writer, "after", slice_of(color_name((enum color)(kind % SHOWN_COLORS))));
        put_shown(writer, "persons", kind_count(district, kind), hidden[kind]);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static int by_number(const void *a, const void *b)
{
    const struct district_effect *x = a, *y = b;
    return (x->district_no > y->district_no) - (x->district_no < y->district_no);
}

static void put_effect(struct platform *platform, struct effect_part *sum,
                       struct json_writer *writer)
{
    int64_t below = policy_number(platform->policy, NUMBER_SUPPRESS_BELOW);
    struct district_effect city = {0};
    bool hidden[KINDS], hidden_city[KINDS];
    qsort(sum->districts, sum->district_count, sizeof *sum->districts, by_number);
    for (size_t d = 0; d < sum->district_count; d++)
        for (size_t kind = 0; kind < KINDS; kind++)
            city.persons[kind / SHOWN_COLORS][kind % SHOWN_COLORS] +=
                kind_count(&sum->districts[d], kind);
    hide_kinds(sum, &city, below, hidden);
    (void)!shown_counts_suppress(&city.persons[0][0], hidden_city, KINDS, below);
    for (size_t kind = 0; kind < KINDS; kind++)
        hidden_city[kind] |= sum->district_count == 1 && hidden[kind];
    json_object_begin(writer);
    json_field_time(writer, "at", sum->at);
    json_field_text(writer, "rules_before", slice_of(rule_set_name(sum->before)));
    json_field_text(writer, "rules_after", slice_of(rule_set_name(sum->after)));
    put_changes(writer, &city, &city, hidden_city);
    json_key(writer, "districts");
    json_array_begin(writer);
    for (size_t d = 0; d < sum->district_count; d++) {
        const struct area *area =
            registry_area(platform->registry, sum->districts[d].district_no);
        json_object_begin(writer);
        json_field_text(writer, "area", area ? area->code : SLICE(""));
        put_changes(writer, &sum->districts[d], &city, hidden);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_object_end(writer);
}

bool rule_effect_write(struct platform *platform, const struct rule_set *after, timestamp at,
                       struct json_writer *writer, struct error *err)
{
    struct effect_part *parts = x_alloc(PARTS_MAX, sizeof *parts);
    bool done = count_all(parts, platform, after, at, err);
    if (done)
        put_effect(platform, &parts[0], writer);
    free(parts);
    return done;
}
