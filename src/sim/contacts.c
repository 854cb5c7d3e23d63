/* Case investigation: who met the case from four days before its t0 until it was isolated, most
 * exposed first; and who lives with those. All are isolated when they are known, and swabbed in
 * isolation. */
#include "sim/outbreak.h"

#include <stdlib.h>

enum { CONTACTS_MAX = 1000, CALL_SECONDS = 45 /* from one contact to the next */ };

struct contact {
    uint32_t person;
    int64_t last_exposure;
};

struct investigation {
    struct outbreak *outbreak;
    const struct infection *source;
    struct contact contacts[CONTACTS_MAX];
    size_t count;
};

static struct contact *contact_of(struct investigation *investigation, uint32_t person)
{
    for (size_t i = 0; i < investigation->count; i++)
        if (investigation->contacts[i].person == person)
            return &investigation->contacts[i];
    return NULL;
}

static bool add_contact(struct investigation *investigation, uint32_t person,
                        int64_t last_exposure)
{
    if (investigation->count == CONTACTS_MAX || contact_of(investigation, person))
        return false;
    investigation->contacts[investigation->count++] = (struct contact){person, last_exposure};
    return true;
}

/* They live together until the case is taken away. */
static void find_housemates(struct investigation *investigation)
{
    const struct infection *source = investigation->source;
    uint32_t housemates[HOUSEHOLD_MAX];
    size_t count =
        city_housemates(investigation->outbreak->city, source->person, housemates);
    for (size_t i = 0; i < count; i++)
        add_contact(investigation, housemates[i], source->removed_at);
}

static int64_t t0_of(const struct infection *source)
{
    return source->onset_at < source->swabbed_at ? source->onset_at : source->swabbed_at;
}

/* The most exposed of those whom the trace names, with the last moment at which they met. */
static bool find_met(struct investigation *investigation, struct tracer *tracer,
                     struct presence_view *view, struct error *err)
{
    const struct infection *source = investigation->source;
    const struct city *city = investigation->outbreak->city;
    int64_t lookback = policy_number(city->platform->policy, NUMBER_LOOKBACK_DAYS) * 86400;
    struct trace_request request = {.person = {source->person},
                                    .from = t0_of(source) - lookback,
                                    .to = source->removed_at,
                                    .model = TRACE_DWELL};
    struct trace_result exposed;
    struct trace_place *places;
    size_t place_count, housemates = investigation->count;
    uint32_t met[CONTACTS_MAX];
    size_t met_count = 0, max = (size_t)city->settings->number[CONTACTS_A_CASE_MAX];
    if (request.from >= request.to) /* was isolated all that time */
        return true;
    if (!trace_run(tracer, view, &request, &exposed, err))
        return false;
    for (size_t i = 0; i < exposed.count && housemates + met_count < max &&
                       (double)exposed.weight[i] >= city->settings->number[CONTACT_WEIGHT_MIN];
         i++)
        if (!contact_of(investigation, exposed.person[i]))
            met[met_count++] = exposed.person[i];
    for (size_t i = 0; i < met_count; i++)
        add_contact(investigation, met[i], 0);
    struct arena arena;
    arena_init(&arena, 64 << 20);
    bool done = met_count == 0 || trace_places(tracer, view, &request, met, met_count, &arena,
                                               &places, &place_count, err);
    for (size_t i = 0; done && met_count && i < place_count; i++) {
        struct contact *contact = contact_of(investigation, places[i].person);
        int64_t met_at = places[i].index_time > places[i].time ? places[i].index_time
                                                               : places[i].time;
        met_at = met_at < source->removed_at ? met_at : source->removed_at;
        if (met_at > contact->last_exposure)
            contact->last_exposure = met_at;
    }
    arena_release(&arena);
    return done;
}

/* Somebody who was found to be a contact. */
struct found {
    uint32_t person, source, via; /* via 0: met the case itself */
    enum evidence_kind kind;
    int64_t last_exposure, known;
    enum demo_number days;
};

/* Isolates somebody who is not isolated yet, with the swabs of the site; false where they are. */
static bool take_in(struct outbreak *outbreak, const struct found *found)
{
    uint32_t person = found->person;
    int64_t last_exposure = found->last_exposure, known = found->known;
    enum demo_number days = found->days;
    int64_t until = last_exposure + setting_days(outbreak->city->settings, days), other_until;
    if (until <= known ||
        (outbreak_isolated(outbreak, person, known, &other_until) && other_until >= until))
        return false;
    struct infection *infection = outbreak_infection_of(outbreak, person);
    if (outbreak_touches(outbreak, person)) /* the site's swabs begin anew */
        outbreak_cancel_tests(outbreak, person, known);
    if (infection)
        outbreak_swab_in_isolation(outbreak, infection, known);
    outbreak_isolate(outbreak, person, known, until);
    outbreak_add_piece(outbreak, (struct piece){.person = person,
                                                .kind = (uint8_t)found->kind,
                                                .recorded_at = known,
                                                .at = last_exposure,
                                                .until = FOREVER,
                                                .source = found->source,
                                                .via = found->via});
    int64_t results = setting_hours(outbreak->city->settings, SINGLE_RESULT_HOURS);
    int64_t positive = infection ? infection->swabbed_at : FOREVER;
    for (int i = 0; i < SITE_SWABS; i++) {
        int64_t swab = outbreak_site_swab(known, i);
        if (swab < until && swab < positive)
            outbreak_add_test(outbreak, person, swab, swab + results, RESULT_NEGATIVE, 1);
    }
    return true;
}

bool outbreak_trace(struct outbreak *outbreak, size_t index, struct tracer *tracer,
                    struct presence_view *view, struct error *err)
{
    struct infection source = outbreak->infections[index];
    struct investigation *investigation = x_alloc(1, sizeof *investigation);
    investigation->outbreak = outbreak;
    investigation->source = &source;
    find_housemates(investigation);
    bool done = find_met(investigation, tracer, view, err);
    size_t secondary = 0;
    size_t secondary_max = (size_t)outbreak->city->settings->number[SECONDARY_A_CASE_MAX];
    for (size_t i = 0; done && i < investigation->count; i++) {
        const struct contact *contact = &investigation->contacts[i];
        int64_t known = source.traced_at + (int64_t)i * CALL_SECONDS;
        uint32_t housemates[HOUSEHOLD_MAX];
        struct found close = {contact->person,        source.person,          0,
                              EVIDENCE_CLOSE_CONTACT, contact->last_exposure, known,
                              CLOSE_ISOLATION_DAYS};
        if (!take_in(outbreak, &close))
            continue;
        size_t count = city_housemates(outbreak->city, contact->person, housemates);
        for (size_t h = 0; h < count && secondary < secondary_max; h++) {
            struct found housemate = {
                housemates[h], source.person, contact->person,         EVIDENCE_SECONDARY_CONTACT,
                known,         known,         SECONDARY_ISOLATION_DAYS};
            if (!contact_of(investigation, housemates[h]) && housemates[h] != source.person)
                secondary += take_in(outbreak, &housemate);
        }
    }
    if (done) {
        outbreak->infections[index].stage = STAGE_TRACED;
        outbreak->infections[index].changed = true;
    }
    free(investigation);
    return done;
}
