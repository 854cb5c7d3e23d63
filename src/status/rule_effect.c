/* What a rule set would change: every person decided by the rules in force and by the new ones,
 * as if these were in force at that moment, counted by district. One pass over persons and their
 * evidence, in order of number, on a few threads. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

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

/* ---- Writing it */

static void put_changes(struct json_writer *writer,
                        const int64_t persons[SHOWN_COLORS][SHOWN_COLORS])
{
    int64_t all = 0, changed = 0;
    for (int before = 0; before < SHOWN_COLORS; before++)
        for (int after = 0; after < SHOWN_COLORS; after++) {
            all += persons[before][after];
            changed += before != after ? persons[before][after] : 0;
        }
    json_field_int64(writer, "persons", all);
    json_field_int64(writer, "changed", changed);
    json_key(writer, "changes");
    json_array_begin(writer);
    for (int before = 0; before < SHOWN_COLORS; before++)
        for (int after = 0; after < SHOWN_COLORS; after++) {
            if (!persons[before][after])
                continue;
            json_object_begin(writer);
            json_field_text(writer, "before", slice_of(color_name((enum color)before)));
            json_field_text(writer, "after", slice_of(color_name((enum color)after)));
            json_field_int64(writer, "persons", persons[before][after]);
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
    int64_t all[SHOWN_COLORS][SHOWN_COLORS] = {0};
    qsort(sum->districts, sum->district_count, sizeof *sum->districts, by_number);
    for (size_t d = 0; d < sum->district_count; d++)
        for (int before = 0; before < SHOWN_COLORS; before++)
            for (int after = 0; after < SHOWN_COLORS; after++)
                all[before][after] += sum->districts[d].persons[before][after];
    json_object_begin(writer);
    json_field_time(writer, "at", sum->at);
    json_field_text(writer, "rules_before", slice_of(rule_set_name(sum->before)));
    json_field_text(writer, "rules_after", slice_of(rule_set_name(sum->after)));
    put_changes(writer, (const int64_t(*)[SHOWN_COLORS])all);
    json_key(writer, "districts");
    json_array_begin(writer);
    for (size_t d = 0; d < sum->district_count; d++) {
        const struct area *area =
            registry_area(platform->registry, sum->districts[d].district_no);
        json_object_begin(writer);
        json_field_text(writer, "area", area ? area->code : SLICE(""));
        put_changes(writer, (const int64_t(*)[SHOWN_COLORS])sum->districts[d].persons);
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
