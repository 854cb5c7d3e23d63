/* Following positive results: the case, who was exposed, where, and which units are concerned.
 * Runs inside the subscriber's transaction. */
#include <stdlib.h>

#include "contacts/contacts.h"
#include "registry/registry.h"
#include "tracing/tracing.h"

static const struct sql_text case_known = {
    "contacts_case_known",
    "SELECT case_no FROM case_record WHERE person_no = ?1 AND at >= ?2 LIMIT 1", "case_by_person"};
static const struct sql_text person_place = {
    "contacts_person_place",
    "SELECT area_no, coalesce(unit_no, 0), coalesce(household_no, 0) FROM person"
    " WHERE person_no = ?1",
    "primary key"};
static const struct sql_text household = {
    "contacts_household",
    "SELECT person_no FROM person WHERE household_no = ?1 AND person_no <> ?2 ORDER BY person_no"
    " LIMIT 200",
    "person_by_household"};
static const struct sql_text venue_place = {
    "contacts_venue_place", "SELECT area_no, coalesce(unit_no, 0) FROM venue WHERE venue_no = ?1",
    "primary key"};
static const struct sql_text unit_place = {
    "contacts_unit_place", "SELECT area_no FROM unit WHERE unit_no = ?1", "primary key"};

static const struct sql_list statements =
    SQL_LIST(&case_known, &person_place, &household, &venue_place, &unit_place);

static const char positive[] = "result.person_positive";

enum { PLACES_BLOCK = 1000, PAYLOAD_BYTES = 240, LOOKED_BLOCK = 1000, LOOKED_MAX = 20000 };

/* One who is proposed, one place, one unit: with the last moment of exposure there. */
struct exposed {
    int64_t no;
    enum contact_level level; /* of persons */
    bool concerned;           /* of units: whatever the number of contacts */
    timestamp last_at;
    int64_t count;
};
struct exposures {
    struct exposed *items;
    size_t count, room;
};

struct finding {
    struct platform *platform;
    struct sql *sql;
    struct arena arena;
    struct tracer *tracer;
    struct presence_view *view;
    int64_t case_no, person_no, area_no, unit_no, household_no;
    timestamp sampled_at, now;
    struct exposures persons, venues, units;
};

/* ---- Gathering */

static struct exposed *add(struct finding *finding, struct exposures *list, int64_t no)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct exposed *items = arena_alloc(&finding->arena, room * sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = room;
    }
    list->items[list->count] = (struct exposed){.no = no};
    return &list->items[list->count++];
}

/* For the few: places and units of one case. */
static struct exposed *find_or_add(struct finding *finding, struct exposures *list, int64_t no)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].no == no)
            return &list->items[i];
    return add(finding, list, no);
}

static void seen_at(struct exposed *exposed, timestamp at)
{
    exposed->last_at = at > exposed->last_at ? at : exposed->last_at;
}

static int by_number(const void *a, const void *b)
{
    const struct exposed *x = a, *y = b;
    return (x->no > y->no) - (x->no < y->no);
}

static bool place_of_person(struct finding *finding, int64_t person_no, int64_t *ret_area,
                            int64_t *ret_unit, int64_t *ret_household, struct error *err)
{
    struct sql_query *query;
    bool row;
    *ret_area = *ret_unit = *ret_household = 0;
    if (!sql_begin(finding->sql, &person_place, SQL_ARGUMENTS(sql_int(person_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row) {
        *ret_area = sql_get_int(query, 0);
        *ret_unit = sql_get_int(query, 1);
        *ret_household = sql_get_int(query, 2);
        sql_end(query);
    }
    return true;
}

/* Who lives together met until now. */
static bool gather_household(struct finding *finding, struct error *err)
{
    struct sql_query *query;
    bool row, done = true;
    if (!finding->household_no)
        return true;
    done = sql_begin(finding->sql, &household,
                     SQL_ARGUMENTS(sql_int(finding->household_no), sql_int(finding->person_no)),
                     &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct exposed *exposed = add(finding, &finding->persons, sql_get_int(query, 0));
        exposed->level = CONTACT_CLOSE;
        exposed->last_at = finding->now;
    }
    return done;
}

/* domain.md §1.1: what a scan says about co-presence is weak; the weight grades the proposal. */
/* CONTACT_LEVELS: nobody is told. */
static enum contact_level level_of(const struct policy *policy, double weight)
{
    double percent = weight * 100;
    if (percent >= (double)policy_number(policy, NUMBER_CONTACT_CLOSE))
        return CONTACT_CLOSE;
    if (percent >= (double)policy_number(policy, NUMBER_CONTACT_GENERAL))
        return CONTACT_GENERAL;
    return percent >= (double)policy_number(policy, NUMBER_CONTACT_LEAST) ? CONTACT_SPATIOTEMPORAL
                                                                          : CONTACT_LEVELS;
}

/* The last meeting of each of a block of persons, and the places where they met. */
static bool gather_places(struct finding *finding, const struct trace_request *request,
                          const uint32_t *persons, size_t count, struct error *err)
{
    struct trace_place *places;
    size_t place_count;
    if (!trace_places(finding->tracer, finding->view, request, persons, count, &finding->arena,
                      &places, &place_count, err))
        return false;
    for (size_t i = 0; i < place_count; i++) {
        uint32_t met =
            places[i].time > places[i].index_time ? places[i].time : places[i].index_time;
        struct exposed key = {.no = places[i].person};
        struct exposed *exposed =
            bsearch(&key, finding->persons.items, finding->persons.count, sizeof key, by_number);
        if (exposed)
            seen_at(exposed, met * SECOND);
        struct exposed *venue = find_or_add(finding, &finding->venues, places[i].venue);
        seen_at(venue, met * SECOND);
        venue->count++;
    }
    return true;
}

static bool gather_traced(struct finding *finding, struct error *err)
{
    const struct policy *policy = finding->platform->policy;
    int64_t lookback = policy_number(policy, NUMBER_LOOKBACK_DAYS) * DAY;
    struct trace_request request = {.person = {(uint32_t)finding->person_no},
                                    .from = (finding->sampled_at - lookback) / SECOND,
                                    .to = finding->now / SECOND + 1,
                                    .model = TRACE_DWELL,
                                    .under_way = true};
    struct trace_result result;
    size_t living_together = finding->persons.count, count = 0;
    if (!trace_run(finding->tracer, finding->view, &request, &result, err))
        return false;
    uint32_t *persons = arena_alloc(&finding->arena, (result.count + 1) * sizeof *persons);
    for (; count < result.count; count++) { /* greatest weight first */
        enum contact_level level = level_of(policy, (double)result.weight[count]);
        if (level == CONTACT_LEVELS)
            break;
        persons[count] = result.person[count];
        bool known = false;
        for (size_t i = 0; i < living_together; i++)
            known |= finding->persons.items[i].no == persons[count];
        if (!known)
            add(finding, &finding->persons, persons[count])->level = level;
    }
    if (finding->persons.count)
        qsort(finding->persons.items, finding->persons.count, sizeof *finding->persons.items,
              by_number);
    for (size_t i = 0; i < count; i += PLACES_BLOCK)
        if (!gather_places(finding, &request, persons + i,
                           count - i < PLACES_BLOCK ? count - i : PLACES_BLOCK, err))
            return false;
    return true;
}

/* What the presence store cannot read must not keep this case, its household and all later cases
 * waiting: the rest is told; the log says that the trace has to be run again after the repair. */
static bool gather_readable(struct finding *finding, struct error *err)
{
    if (gather_traced(finding, err))
        return true;
    if (err->code != ERROR_CORRUPT)
        return false;
    log_error("contacts", err);
    log_write(LOG_FAULT, "contacts", "case %lld is not traced in full: run the trace again",
              (long long)finding->case_no);
    return true;
}

/* ---- Telling */

/* Where the last moment is not known, it counts as now: no duty ends too early. */
static timestamp last_of(const struct finding *finding, const struct exposed *exposed)
{
    return exposed->last_at ? exposed->last_at : finding->now;
}

static bool emit(struct finding *finding, const char *kind, int64_t subject_no, int64_t area_no,
                 const char *payload, struct error *err)
{
    struct event event = {.kind = slice_of(kind),
                          .subject_no = subject_no,
                          .area_no = area_no,
                          .at = finding->now,
                          .payload = slice_of(payload)};
    return event_emit(finding->sql, &event, err);
}

static bool tell_case(struct finding *finding, struct error *err)
{
    char payload[PAYLOAD_BYTES], onset[TIME_TEXT_BYTES], now[TIME_TEXT_BYTES];
    snprintf(payload, sizeof payload,
             "{\"patient\":%lld,\"confirmed_at\":\"%s\",\"onset_at\":\"%s\",\"symptomatic\":false,"
             "\"place\":%lld}",
             (long long)finding->person_no, time_format(finding->now, now),
             time_format(finding->sampled_at, onset), (long long)finding->area_no);
    return emit(finding, "case.confirmed", finding->case_no, finding->area_no, payload, err);
}

/* Also counts the units of who is proposed: those with many are concerned. */
static bool tell_persons(struct finding *finding, struct error *err)
{
    char payload[PAYLOAD_BYTES], last[TIME_TEXT_BYTES];
    for (size_t i = 0; i < finding->persons.count; i++) {
        const struct exposed *exposed = &finding->persons.items[i];
        int64_t area_no, unit_no, household_no;
        if (!place_of_person(finding, exposed->no, &area_no, &unit_no, &household_no, err))
            return false;
        if (unit_no) {
            struct exposed *unit = find_or_add(finding, &finding->units, unit_no);
            seen_at(unit, exposed->last_at);
            unit->count++;
        }
        snprintf(payload, sizeof payload,
                 "{\"source_case\":%lld,\"contact_level\":\"%s\",\"last_exposure_at\":\"%s\"}",
                 (long long)finding->case_no, contact_level_name(exposed->level),
                 time_format(last_of(finding, exposed), last));
        struct case_contact contact = {.case_no = finding->case_no,
                                       .person = (uint32_t)exposed->no,
                                       .level = exposed->level,
                                       .last_exposure_at = last_of(finding, exposed),
                                       .known_at = finding->now};
        if (!contact_add(finding->sql, &contact, err) ||
            !emit(finding, "contact.proposed", exposed->no, area_no, payload, err))
            return false;
    }
    return true;
}

static bool tell_place(struct finding *finding, const char *kind, const struct exposed *exposed,
                       int64_t area_no, struct error *err)
{
    char payload[PAYLOAD_BYTES], last[TIME_TEXT_BYTES];
    snprintf(payload, sizeof payload,
             "{\"source_case\":%lld,\"last_exposure_at\":\"%s\",\"contacts\":%lld}",
             (long long)finding->case_no, time_format(last_of(finding, exposed), last),
             (long long)exposed->count);
    return emit(finding, kind, exposed->no, area_no, payload, err);
}

/* A venue's own unit is concerned whatever the number of contacts. */
static bool tell_venues(struct finding *finding, struct error *err)
{
    for (size_t i = 0; i < finding->venues.count; i++) {
        const struct exposed *venue = &finding->venues.items[i];
        struct sql_query *query;
        bool row;
        if (!sql_begin(finding->sql, &venue_place, SQL_ARGUMENTS(sql_int(venue->no)), &query,
                       err) ||
            !sql_next(query, &row, err))
            return false;
        if (!row)
            continue;
        int64_t area_no = sql_get_int(query, 0), unit_no = sql_get_int(query, 1);
        sql_end(query);
        if (unit_no) {
            struct exposed *unit = find_or_add(finding, &finding->units, unit_no);
            seen_at(unit, venue->last_at);
            unit->concerned = true;
        }
        if (!tell_place(finding, "venue.exposed", venue, area_no, err))
            return false;
    }
    return true;
}

static bool tell_units(struct finding *finding, struct error *err)
{
    int64_t least = policy_number(finding->platform->policy, NUMBER_CONTACT_UNIT_PERSONS);
    if (finding->unit_no)
        find_or_add(finding, &finding->units, finding->unit_no)->concerned = true;
    for (size_t i = 0; i < finding->units.count; i++) {
        const struct exposed *unit = &finding->units.items[i];
        int64_t area_no;
        if (!unit->concerned && unit->count < least)
            continue;
        if (!sql_one_int(finding->sql, &unit_place, SQL_ARGUMENTS(sql_int(unit->no)), 0, &area_no,
                         err) ||
            (area_no && !tell_place(finding, "unit.exposed", unit, area_no, err)))
            return false;
    }
    return true;
}

/* ---- Following */

struct following {
    struct platform *platform;
    struct tracer *tracer;
    int64_t cases;
};

/* When the positive sample was taken; the event's own time where its payload does not say. */
static timestamp sampled_of(const struct event *event)
{
    struct error ignored;
    struct slice text;
    json_t *payload = NULL;
    timestamp at = event->at;
    if (event->payload.length && json_read(event->payload, "event", &payload, &ignored) &&
        json_text(payload, "sampled_at", (struct json_place){.source = "event", .required = true},
                  &text, &ignored) &&
        !time_parse(text, &at))
        at = event->at;
    json_decref(payload);
    return at;
}

static bool follow_up(struct finding *finding, struct error *err)
{
    int64_t known;
    timestamp since =
        finding->sampled_at - policy_number(finding->platform->policy, NUMBER_TRACE_DAYS) * DAY;
    if (!sql_one_int(finding->sql, &case_known,
                     SQL_ARGUMENTS(sql_int(finding->person_no), sql_int(since)), 0, &known, err))
        return false;
    if (known)
        return true;
    return place_of_person(finding, finding->person_no, &finding->area_no, &finding->unit_no,
                           &finding->household_no, err) &&
           registry_create_case(finding->sql, finding->person_no, finding->area_no,
                                SLICE("asymptomatic"), finding->sampled_at, finding->now,
                                &finding->case_no, err) &&
           gather_household(finding, err) && gather_readable(finding, err) &&
           tell_case(finding, err) && tell_persons(finding, err) && tell_venues(finding, err) &&
           tell_units(finding, err);
}

static bool deliver(struct sql *sql, const struct event *event, void *context, struct error *err)
{
    struct following *following = context;
    if (!slice_equal(event->kind, slice_of(positive)))
        return true;
    struct finding finding = {.platform = following->platform,
                              .sql = sql,
                              .tracer = following->tracer,
                              .person_no = event->subject_no,
                              .sampled_at = sampled_of(event),
                              .now = world_now(following->platform->world)};
    if (!presence_view_begin(following->platform->presence, &finding.view, err))
        return false;
    arena_init(&finding.arena, 256 << 20);
    bool done = follow_up(&finding, err);
    following->cases += finding.case_no != 0;
    arena_release(&finding.arena);
    presence_view_end(finding.view);
    return done;
}

struct look {
    int64_t last, count;
    bool positive;
};

static bool look_at(const struct event *event, void *context, struct error *err)
{
    struct look *look = context;
    (void)err;
    look->last = event->no;
    look->count++;
    look->positive |= slice_equal(event->kind, slice_of(positive));
    return true;
}

/* *ret_due: there is a positive result, or so much else that the cursor should move. */
static bool is_due(struct platform *platform, int64_t *looked, bool *ret_due, struct error *err)
{
    struct look look = {.last = *looked};
    struct sql *sql;
    bool done = true;
    *ret_due = *looked == 0; /* after a start: from the cursor */
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    if (*ret_due)
        done = event_last(sql, &look.last, err);
    for (int64_t before = -1;
         done && !*ret_due && before != look.last && look.count < LOOKED_MAX;) {
        before = look.last;
        done = event_read(sql, before, LOOKED_BLOCK, look_at, &look, err);
    }
    store_read_end(platform->store, sql);
    *ret_due |= look.positive || look.count >= LOOKED_MAX;
    *looked = look.last > 0 ? look.last : 0;
    return done;
}

bool contacts_follow(struct platform *platform, int64_t *looked, int64_t *ret_cases,
                     struct error *err)
{
    struct following following = {.platform = platform};
    int64_t events, before = *looked;
    bool due;
    if (ret_cases)
        *ret_cases = 0;
    if (!is_due(platform, looked, &due, err))
        return false;
    if (!due)
        return true;
    bool done = tracer_create(platform, &following.tracer, err) &&
                store_subscriber_run_apart(platform->store, "contacts", positive, deliver,
                                           &following, &events, err);
    tracer_free(following.tracer);
    if (ret_cases)
        *ret_cases = following.cases;
    if (!done)
        *looked = before; /* again at the next call */
    return done;
}

static const struct event_kind event_kinds[] = {
    {"case.confirmed", "case"}, /* {"patient","confirmed_at","onset_at","symptomatic","place"} */
    {"contact.proposed", "person"}, /* {"source_case","contact_level","last_exposure_at"} */
    {"venue.exposed", "venue"},     /* {"source_case","last_exposure_at","contacts"} */
    {"unit.exposed", "unit"},       /* likewise */
};

static const struct migration migrations[] = {{"src/contacts/schema/001_contacts.sql"}};

const struct module contacts_module = {
    .name = "contacts",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .event_kinds = event_kinds,
    .event_kind_count = sizeof event_kinds / sizeof *event_kinds,
    .statements = (const struct sql_list *const[]){&statements, &contact_statements, NULL},
};
