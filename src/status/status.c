/* The status table: one small entry a person in memory, derived from evidence.
 *
 * Words: to *derive* is to decide a person from all its evidence at a moment; the table is *at* an event
 * when every entry is what its person's evidence up to that event gives; a *wake* is the second at
 * which an entry is no longer what deriving would give (a colour ends, a piece recorded for later or a
 * report that is still to come begins to count).
 *
 *                      ┌─ no good snapshot, other rules, bulk load, far behind ─► derive all ─┐
 *   snapshot ─► open ──┤                                                                      ├─► at event n
 *                      └─ replay: persons of "evidence.recorded" since ──────────────────────►┘      │
 *                                        ▲───────────────── status_catch_up ─────────────────────────┘
 *
 * Invariants: 1 entries are written under `lock` only, each from one decision. 2 After status_catch_up
 * the table equals a full derivation at its event number and moment (status_verify proves it). 3 While
 * all are derived anew, every entry is the old one or the new one, never "nothing known". 4 No event
 * but evidence changes a colour. 5 Losing the snapshot loses nothing but time. */
#include "status/status.h"

#include <sched.h>
#include <stdlib.h>

#include "status/redress.h"
#include "status/rule_sets.h"
#include "status/seal.h"
#include "status/status_internal.h"

enum {
    EVENTS_A_READ = 1024,
    REPLAY_EVENTS_MAX = 100000, /* and a quarter of the persons: beyond, all is derived anew */
    SNAPSHOT_CHANGES = 1000,    /* fewer are replayed sooner than a snapshot is written */
    PARTS_MAX = 4,
    PERSONS_A_PART = 4 * CHUNK_ENTRIES,
};

const struct sql_text status_person_last_text = {
    "status_person_last", "SELECT max(person_no) FROM person", "primary key"};

/* ---- One person */

/* Times of entries are whole seconds: an end is rounded up, so that nobody is let go early and a wake is
 * never before its cause; a beginning is rounded down. 0 is none. */
static uint32_t clamp_seconds(int64_t seconds)
{
    return seconds < 1 ? 1 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}
static uint32_t seconds_down(timestamp time)
{
    return time == TIMESTAMP_NONE ? 0 : clamp_seconds(time / SECOND);
}
static uint32_t seconds_up(timestamp time)
{
    return time == TIMESTAMP_NONE ? 0 : clamp_seconds(time / SECOND + (time % SECOND > 0));
}

/* Earliest moment after `now` at which one of the pieces begins to count. */
static timestamp next_beginning(const struct evidence *pieces, size_t count, timestamp now)
{
    timestamp next = TIMESTAMP_NEVER;
    for (size_t i = 0; i < count; i++) {
        timestamp begins = pieces[i].recorded_at;
        if (begins <= now && pieces[i].kind == EVIDENCE_PCR)
            begins = pieces[i].until; /* reported */
        if (begins > now && begins < next)
            next = begins;
    }
    return next;
}

static struct derived derive(const struct rule_set *rules, const struct evidence *pieces,
                             size_t count, timestamp now, struct arena *arena)
{
    struct decision decision;
    policy_decide(rules, pieces, count, now, false, arena, &decision);
    uint32_t until = seconds_up(decision.until);
    timestamp begins = next_beginning(pieces, count, now);
    uint32_t wake = begins == TIMESTAMP_NEVER ? 0 : seconds_up(begins);
    uint64_t next = until ? decision.next_color : decision.color;
    return (struct derived){
        .a = until | (uint64_t)decision.color << 32 | next << 36,
        .b = seconds_down(decision.last_negative_sampled_at) |
             (uint64_t)seconds_down(decision.since) << 32,
        .wake = wake && (!until || wake < until) ? wake : until};
}

/* ---- All persons of a range: with evidence or without */

struct walk {
    struct status_table *table;
    const struct rule_set *rules;
    timestamp now;
    uint32_t next;       /* first person not yet visited */
    bool compare;        /* count differences instead of writing */
    int64_t wrong;
};

static void walk_take(struct walk *walk, uint32_t person, const struct derived *derived)
{
    if (!walk->compare) {
        entries_put(walk->table, person, derived);
        return;
    }
    struct derived entry = entries_get(walk->table, person);
    walk->wrong += (entry.a & ENTRY_DERIVED_MASK) != derived->a || entry.b != derived->b ||
                   entry.wake != derived->wake;
}

static void walk_to(struct walk *walk, uint32_t person)
{
    static const struct derived nothing; /* green */
    while (walk->next < person)
        walk_take(walk, walk->next++, &nothing);
}

static void walk_person(void *context, struct person_no person, const struct evidence *pieces,
                        size_t count, struct arena *arena)
{
    struct walk *walk = context;
    struct derived derived = derive(walk->rules, pieces, count, walk->now, arena);
    walk_to(walk, person.n);
    walk_take(walk, person.n, &derived);
    walk->next = person.n + 1;
}

static bool walk_range(struct walk *walk, struct sql *sql, uint32_t first, uint32_t last,
                       struct error *err)
{
    walk->next = first;
    if (first > last)
        return true;
    if (!evidence_each_person(sql, first, last, walk_person, walk, err))
        return false;
    walk_to(walk, last + 1);
    return true;
}

/* ---- Deriving everybody, on a few threads. Under lock. */

struct part {
    pthread_t thread;
    struct walk walk;
    uint32_t first, last;
    bool started, done;
    struct error err;
};

/* The part's snapshot of the database may be younger than the one the event number came from: what is
 * newer in it is met again in the event log, and deriving twice gives the same. */
static void *part_main(void *context)
{
    struct part *part = context;
    struct store *store = part->walk.table->platform->store;
    struct sql *sql;
    part->done = store_read_begin(store, &sql, &part->err);
    if (part->done) {
        part->done = walk_range(&part->walk, sql, part->first, part->last, &part->err);
        store_read_end(store, sql);
    }
    return NULL;
}

static uint32_t part_count(uint32_t known)
{
    cpu_set_t cores;
    uint32_t usable = sched_getaffinity(0, sizeof cores, &cores) == 0
                          ? (uint32_t)CPU_COUNT(&cores) : 1;
    uint32_t wanted = known / PERSONS_A_PART + 1;
    uint32_t count = usable < wanted ? usable : wanted;
    return count < PARTS_MAX ? count : PARTS_MAX;
}

static bool derive_all(struct status_table *table, struct sql *sql, const struct rule_set *rules,
                       timestamp now, struct error *err)
{
    struct part parts[PARTS_MAX] = {0};
    int64_t event_no;
    uint32_t known = atomic_load(&table->known), count = part_count(known);
    if (!event_last(sql, &event_no, err))
        return false;
    for (uint32_t p = 0; p < count; p++) {
        struct part *part = &parts[p];
        part->walk = (struct walk){.table = table, .rules = rules, .now = now};
        part->first = (uint32_t)((uint64_t)known * p / count) + 1;
        part->last = (uint32_t)((uint64_t)known * (p + 1) / count);
        part->started = p && pthread_create(&part->thread, NULL, part_main, part) == 0;
    }
    bool done = walk_range(&parts[0].walk, sql, parts[0].first, parts[0].last, err);
    for (uint32_t p = 1; p < count; p++) {
        if (parts[p].started)
            pthread_join(parts[p].thread, NULL);
        else
            part_main(&parts[p]);
        if (done && !parts[p].done) {
            *err = parts[p].err;
            done = false;
        }
    }
    entries_rebuild_heap(table);
    if (!done)
        return false;
    table->event_no = event_no;
    table->rules = rules;
    table->changes += SNAPSHOT_CHANGES;
    return true;
}

/* ---- Following. Under lock, all from one snapshot of the database. */

bool status_no_rules(struct error *err)
{
    return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "policies/rules"},
                     "a rule set in force at that moment", "no rule set is in force");
}

/* Takes in persons that are new (with what evidence they may have) and lets go those that are gone. */
static bool know_persons(struct status_table *table, struct sql *sql,
                         const struct rule_set *rules, timestamp now, struct error *err)
{
    int64_t highest;
    uint32_t known = atomic_load(&table->known);
    if (!sql_one_int(sql, &status_person_last_text, NULL, 0, 0, &highest, err))
        return false;
    if (highest < 0 || highest >= UINT32_MAX)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "person"},
                         "numbers below 2^32", "a person has the number %lld",
                         (long long)highest);
    entries_forget(table, (uint32_t)highest);
    if (highest <= known)
        return true;
    entries_reserve(table, known, (uint32_t)highest);
    struct walk walk = {.table = table, .rules = rules, .now = now};
    /* before anything was derived, all are derived together */
    bool done = !table->rules || walk_range(&walk, sql, known + 1, (uint32_t)highest, err);
    atomic_store_explicit(&table->known, (uint32_t)highest, memory_order_release);
    entries_rebuild_heap(table);
    table->changes += highest - known;
    return done;
}

static bool derive_person(struct status_table *table, struct sql *sql, uint32_t person,
                          timestamp now, struct error *err)
{
    struct evidence *pieces;
    size_t count;
    arena_clear(&table->scratch);
    if (!evidence_of_person(sql, (struct person_no){person}, &table->scratch, &pieces, &count,
                            err))
        return false;
    struct derived derived = derive(table->rules, pieces, count, now, &table->scratch);
    entries_put_waking(table, person, &derived);
    return true;
}

struct following {
    uint32_t persons[EVENTS_A_READ];
    size_t count;
    uint32_t known;
    bool everybody;
    int64_t last_no;
};

static bool follow_event(const struct event *event, void *context, struct error *err)
{
    (void)err;
    struct following *f = context;
    bool of_person = event->subject_no >= 1 && event->subject_no <= f->known;
    f->last_no = event->no;
    f->everybody |= slice_equal(event->kind, SLICE("evidence.bulk"));
    if (of_person && slice_equal(event->kind, SLICE("evidence.recorded")))
        f->persons[f->count++] = (uint32_t)event->subject_no;
    return true;
}

static bool replay(struct status_table *table, struct sql *sql, timestamp now,
                   bool *ret_everybody, struct error *err)
{
    struct following f = {.known = atomic_load(&table->known)};
    int64_t last;
    if (!event_last(sql, &last, err))
        return false;
    *ret_everybody = last - table->event_no > REPLAY_EVENTS_MAX + (int64_t)f.known / 4;
    while (!*ret_everybody && table->event_no < last) {
        f.count = 0;
        f.last_no = last;
        if (!event_read(sql, table->event_no, EVENTS_A_READ, follow_event, &f, err))
            return false;
        *ret_everybody = f.everybody;
        for (size_t i = 0; !f.everybody && i < f.count; i++)
            if (!derive_person(table, sql, f.persons[i], now, err))
                return false;
        if (!f.everybody) {
            table->changes += f.last_no - table->event_no;
            table->event_no = f.last_no;
        }
    }
    return true;
}

static bool expire(struct status_table *table, struct sql *sql, timestamp now, struct error *err)
{
    uint32_t person;
    while ((person = entries_take_due(table, (uint32_t)(now / SECOND))))
        if (!derive_person(table, sql, person, now, err)) {
            entries_rebuild_heap(table); /* it is due again the next time */
            return false;
        } else {
            table->changes++;
        }
    return true;
}

static bool follow(struct status_table *table, struct sql *sql, timestamp now, struct error *err)
{
    const struct rule_set *rules = policy_rules_in_force(table->platform->policy, now);
    if (!rules)
        return status_no_rules(err);
    bool everybody = table->rules != rules;
    if (!know_persons(table, sql, rules, now, err) ||
        (!everybody && !replay(table, sql, now, &everybody, err)))
        return false;
    return everybody ? derive_all(table, sql, rules, now, err) : expire(table, sql, now, err);
}

bool status_catch_up(struct status_table *table, struct error *err)
{
    struct sql *sql;
    pthread_mutex_lock(&table->lock); /* before a connection: the lock's owner may need several */
    bool done = store_read_begin(table->platform->store, &sql, err);
    if (done) {
        done = follow(table, sql, world_now(table->platform->world), err);
        store_read_end(table->platform->store, sql);
    }
    pthread_mutex_unlock(&table->lock);
    return done;
}

void status_counts(const struct status_table *table, int64_t counts[4])
{
    for (int color = 0; color < COLORS; color++)
        counts[color] = atomic_load(&table->counts[color]);
}

uint32_t status_known(const struct status_table *table)
{
    return atomic_load(&table->known);
}

/* ---- Opening and closing */

/* What must be there before anything is derived: seals of old evidence, signed rule sets. */
static bool prepare(struct platform *platform, struct error *err)
{
    int64_t not_authentic;
    if (!evidence_seal_adopt(platform->store, err) ||
        !rule_sets_load(platform, &not_authentic, err))
        return false;
    if (not_authentic)
        log_write(LOG_WARNING, "status", "%lld signed rule sets are not authentic: not taken",
                  (long long)not_authentic);
    for (size_t i = 0; i < policy_unsigned_count(platform->policy); i++)
        log_write(LOG_WARNING, "status",
                  "%s is not signed and not taken: `rules propose`, `rules sign`",
                  policy_unsigned(platform->policy, i));
    return true;
}

bool status_open(struct platform *platform, struct status_table **ret_table, struct error *err)
{
    struct sql *sql;
    if (!prepare(platform, err))
        return false;
    struct status_table *table = x_alloc(1, sizeof *table);
    timestamp now = world_now(platform->world);
    const struct rule_set *rules = policy_rules_in_force(platform->policy, now);
    table->platform = platform;
    pthread_mutex_init(&table->lock, NULL);
    arena_init(&table->scratch, (size_t)256 << 20);
    bool done = store_read_begin(platform->store, &sql, err);
    if (done) {
        if (!rules || !snapshot_load(table, sql, rules, now))
            table->changes = SNAPSHOT_CHANGES;
        store_read_end(platform->store, sql);
    }
    if (!done || !status_catch_up(table, err)) {
        status_free(table);
        return false;
    }
    *ret_table = table;
    return true;
}

void status_free(struct status_table *table)
{
    if (!table)
        return;
    for (size_t c = 0; c < CHUNKS; c++)
        free(atomic_load(&table->chunks[c]));
    pthread_mutex_destroy(&table->lock);
    arena_release(&table->scratch);
    free(table->heap);
    free(table);
}

bool status_snapshot(struct status_table *table, struct error *err)
{
    pthread_mutex_lock(&table->lock);
    bool done = table->changes == 0 || snapshot_write(table, err);
    pthread_mutex_unlock(&table->lock);
    return done;
}

/* A seal that moved is anchored a minute later, so that a busy day writes 1440 rows. */
static bool anchor(struct status_table *table, bool now, struct error *err)
{
    timestamp real = world_real_now();
    if (!now && real - table->anchored_at < MINUTE)
        return true;
    table->anchored_at = real;
    return evidence_anchor(table->platform->store, err);
}

bool status_tick(struct status_table *table, struct error *err)
{
    return appeals_tick(table->platform, err) && anchor(table, false, err);
}

void status_close(struct status_table *table)
{
    if (!table)
        return;
    struct error err; /* without a snapshot the next opening derives from evidence */
    if (!anchor(table, true, &err))
        log_error("status", &err);
    if (table->changes >= SNAPSHOT_CHANGES && !status_snapshot(table, &err))
        log_error("status", &err);
    status_free(table);
}

/* ---- Proof, and past moments */

static bool compare_all(struct status_table *table, struct sql *sql, struct walk *walk,
                        uint32_t *ret_known, struct error *err)
{
    if (!follow(table, sql, walk->now, err))
        return false;
    walk->rules = table->rules;
    *ret_known = atomic_load(&table->known);
    return walk_range(walk, sql, 1, *ret_known, err);
}

bool status_verify(struct status_table *table, int64_t *ret_checked, int64_t *ret_wrong,
                   struct error *err)
{
    struct sql *sql;
    uint32_t known;
    pthread_mutex_lock(&table->lock);
    struct walk walk = {.table = table, .now = world_now(table->platform->world),
                        .compare = true};
    bool done = store_read_begin(table->platform->store, &sql, err);
    if (done) {
        done = compare_all(table, sql, &walk, &known, err);
        store_read_end(table->platform->store, sql);
    }
    pthread_mutex_unlock(&table->lock);
    if (!done)
        return false;
    *ret_checked = known;
    *ret_wrong = walk.wrong;
    return true;
}

bool status_decide_at(struct platform *platform, struct person_no person, timestamp at,
                      struct arena *arena, struct decision *ret_decision, struct error *err)
{
    struct sql *sql;
    struct evidence *pieces;
    size_t count;
    int64_t area;
    bool known;
    const struct rule_set *rules = policy_rules_in_force(platform->policy, at);
    if (!rules)
        return status_no_rules(err);
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = evidence_person_area(sql, person, &area, &known, err) &&
                (known || evidence_no_such_person(err)) &&
                evidence_of_person(sql, person, arena, &pieces, &count, err);
    store_read_end(platform->store, sql);
    if (done)
        policy_decide(rules, pieces, count, at, true, arena, ret_decision);
    return done;
}
