/* What speaks for one case having infected another.
 *
 *      E  t0 − lookback ├──────────── E's window ────────────┤ report
 *      L          t0 − trace_days ├──── L's source window ───┤ t0
 *                                 ╰── a meeting counts here ─╯      E's t0 before L's
 *
 * Three kinds of evidence, none of them a proof: L was found to be a contact of E (contacts room),
 * they live together (registry), they were at one place at one time (tracing room; the weight is
 * that of its dwell model). One read of a case's way gives its links to both sides.
 *
 * No probability of infection is computed: nothing here would found it. Possible sources are put in
 * order by what speaks for them: who found the person as a close contact; whose t0 lies long enough
 * before to tell who came first (apart_hours); who lives in the same home; then by the weight of
 * co-presence. */
#include <stdlib.h>

#include "chains/chains_internal.h"

static const struct sql_text household = {
    "chains_household",
    "SELECT b.person_no FROM person a CROSS JOIN person b ON b.household_no = a.household_no"
    " WHERE a.person_no = ?1 AND b.person_no <> ?1 ORDER BY b.person_no LIMIT 200",
    "person_by_household"};

const struct sql_list link_statements = SQL_LIST(&household);

enum { CONTACTS_READ_MAX = 5000 };

static int by_number(const void *a, const void *b)
{
    const struct case_row *x = *(const struct case_row *const *)a;
    const struct case_row *y = *(const struct case_row *const *)b;
    return (x->no > y->no) - (x->no < y->no);
}

void linker_begin(struct linker *linker)
{
    size_t count = linker->case_count;
    linker->persons = arena_alloc(linker->arena, (count + 1) * sizeof *linker->persons);
    linker->by_no = arena_alloc(linker->arena, (count + 1) * sizeof *linker->by_no);
    linker->links = arena_alloc(linker->arena, (count + 1) * sizeof *linker->links);
    memset(linker->links, 0, (count + 1) * sizeof *linker->links);
    for (size_t i = 0; i < count; i++) {
        linker->persons[i] = linker->cases[i].person;
        linker->by_no[i] = &linker->cases[i];
    }
    if (count)
        qsort(linker->by_no, count, sizeof *linker->by_no, by_number);
}

static const struct case_row *case_of_number(const struct linker *linker, int64_t no)
{
    size_t low = 0, high = linker->case_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (linker->by_no[middle]->no < no)
            low = middle + 1;
        else
            high = middle;
    }
    return low < linker->case_count && linker->by_no[low]->no == no ? linker->by_no[low] : NULL;
}

static bool is_earlier(const struct case_row *a, const struct case_row *b)
{
    return a->at != b->at ? a->at < b->at : a->no < b->no;
}

/* ---- One case and all others */

struct looking {
    struct linker *linker;
    const struct case_row *row;
    struct chain_link *between; /* by place in linker->cases; from NULL: nothing speaks for it */
};

/* The link between the case and another, made where nothing spoke for it before. */
static struct chain_link *link_with(struct looking *looking, const struct case_row *other)
{
    struct chain_link *link = &looking->between[other - looking->linker->cases];
    bool first = is_earlier(looking->row, other);
    if (!link->from) {
        *link = (struct chain_link){.from = first ? looking->row : other,
                                    .to = first ? other : looking->row};
        link->order_known = link->to->at - link->from->at >= looking->linker->apart;
    }
    return link;
}

/* Every case of that person but the looked at; NULL at the end. */
static const struct case_row *next_of_person(const struct looking *looking, uint32_t person,
                                             const struct case_row *after)
{
    const struct linker *linker = looking->linker;
    const struct case_row *end = linker->cases + linker->case_count;
    const struct case_row *row =
        after ? after + 1 : case_of_person(linker->cases, linker->case_count, person);
    while (row && row < end && row->person == person && row == looking->row)
        row++;
    return row && row < end && row->person == person ? row : NULL;
}

static bool link_household(struct looking *looking, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(looking->linker->sql, &household,
                               SQL_ARGUMENTS(sql_int(looking->row->person)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        uint32_t person = (uint32_t)sql_get_int(query, 0);
        for (const struct case_row *other = next_of_person(looking, person, NULL); other;
             other = next_of_person(looking, person, other))
            link_with(looking, other)->household = true;
    }
    return done;
}

/* Found in time to say something: `to` fell ill after `from`, or was sampled after it. */
static void link_contact(struct looking *looking, const struct case_row *other,
                         const struct case_contact *contact)
{
    struct chain_link *link = link_with(looking, other);
    if (link->from->no != contact->case_no) /* the other way round */
        return;
    link->named = true;
    link->level = contact->level;
    link->known_at = contact->known_at;
    link->last_exposure_at = contact->last_exposure_at;
}

static bool speaks(const struct chain_link *link)
{
    return link->household || link->named || link->weight > 0;
}

static bool link_contacts(struct looking *looking, struct error *err)
{
    struct linker *linker = looking->linker;
    struct case_contact *contacts;
    size_t count;
    if (!contacts_of_person(linker->sql, looking->row->person, linker->arena, &contacts, &count,
                            err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct case_row *other = case_of_number(linker, contacts[i].case_no);
        if (other && other != looking->row)
            link_contact(looking, other, &contacts[i]);
    }
    if (!contacts_of_case(linker->sql, looking->row->no, 0, CONTACTS_READ_MAX, linker->arena,
                          &contacts, &count, err))
        return false;
    linker->contacts_cut |= count == CONTACTS_READ_MAX;
    for (size_t i = 0; i < count; i++)
        for (const struct case_row *other = next_of_person(looking, contacts[i].person, NULL);
             other; other = next_of_person(looking, contacts[i].person, other))
            link_contact(looking, other, &contacts[i]);
    return true;
}

/* The seconds in which a meeting may have been the infection. */
static bool within_windows(const struct policy *policy, const struct chain_link *link,
                           uint32_t moment)
{
    struct case_range infectious = case_window(policy, link->from);
    struct case_range source = case_source_window(policy, link->to);
    int64_t from = infectious.from > source.from ? infectious.from : source.from;
    int64_t to = infectious.to < source.to ? infectious.to : source.to;
    return moment >= from && moment < to;
}

static void add_meeting(struct chain_link *link, const struct trace_place *place, uint32_t moment)
{
    uint32_t gap = place->time > place->index_time ? place->time - place->index_time
                                                   : place->index_time - place->time;
    if (!link->co_visits || gap < link->closest_gap_seconds)
        link->closest_gap_seconds = gap;
    if (!link->co_visits) /* a person's places come greatest weight first */
        link->venue = place->venue;
    if (moment > link->last_at)
        link->last_at = moment;
    link->weight = 1 - (1 - link->weight) * (1 - (double)place->weight);
    link->co_visits++;
}

static bool link_meetings(struct looking *looking, struct error *err)
{
    struct linker *linker = looking->linker;
    const struct policy *policy = linker->platform->policy;
    struct case_range infectious = case_window(policy, looking->row);
    struct case_range source = case_source_window(policy, looking->row);
    struct trace_request request = {.person = {looking->row->person},
                                    .from = infectious.from < source.from ? infectious.from
                                                                          : source.from,
                                    .to = infectious.to > source.to ? infectious.to : source.to,
                                    .model = TRACE_DWELL};
    struct trace_place *places;
    size_t count;
    if (!trace_places(linker->tracer, linker->view, &request, linker->persons, linker->case_count,
                      linker->arena, &places, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t moment =
            places[i].time > places[i].index_time ? places[i].time : places[i].index_time;
        for (const struct case_row *other = next_of_person(looking, places[i].person, NULL); other;
             other = next_of_person(looking, places[i].person, other)) {
            struct chain_link *link = link_with(looking, other);
            if (within_windows(policy, link, moment))
                add_meeting(link, &places[i], moment);
        }
    }
    return true;
}

/* All meetings of two together are too light to say anything. */
static void drop_light(struct looking *looking)
{
    for (size_t i = 0; i < looking->linker->case_count; i++)
        if (looking->between[i].weight < looking->linker->least) {
            looking->between[i].weight = 0;
            looking->between[i].co_visits = 0;
        }
}

/* ---- Order */

static int falling(bool a, bool b)
{
    return (int)b - (int)a;
}

static int stronger_first(const void *a, const void *b)
{
    const struct chain_link *x = a, *y = b;
    int order =
        falling(x->named && x->level == CONTACT_CLOSE, y->named && y->level == CONTACT_CLOSE);
    if (!order)
        order = falling(x->order_known, y->order_known);
    if (!order)
        order = falling(x->household, y->household);
    if (!order)
        order = (x->weight < y->weight) - (x->weight > y->weight);
    if (!order)
        order = falling(x->named, y->named);
    if (!order)
        order = (x->from->no > y->from->no) - (x->from->no < y->from->no);
    return order ? order : (x->to->no > y->to->no) - (x->to->no < y->to->no);
}

static void sort_links(struct looking *looking, struct chain_links *links)
{
    struct linker *linker = looking->linker;
    size_t in = 0, out = 0;
    for (size_t i = 0; i < linker->case_count; i++) {
        const struct chain_link *link = &looking->between[i];
        if (link->from && speaks(link))
            *(link->to == looking->row ? &in : &out) += 1;
    }
    links->in = arena_alloc(linker->arena, (in + 1) * sizeof *links->in);
    links->out = arena_alloc(linker->arena, (out + 1) * sizeof *links->out);
    for (size_t i = 0; i < linker->case_count; i++) {
        const struct chain_link *link = &looking->between[i];
        if (!link->from || !speaks(link))
            continue;
        if (link->to == looking->row)
            links->in[links->in_count++] = *link;
        else
            links->out[links->out_count++] = *link;
    }
    if (links->in_count)
        qsort(links->in, links->in_count, sizeof *links->in, stronger_first);
    if (links->out_count)
        qsort(links->out, links->out_count, sizeof *links->out, stronger_first);
}

bool linker_look(struct linker *linker, const struct case_row *row,
                 const struct chain_links **ret_links, struct error *err)
{
    struct chain_links *links = &linker->links[row - linker->cases];
    *ret_links = links;
    if (links->looked)
        return true;
    *ret_links = NULL;
    if (linker->looks == linker->looks_max)
        return true;
    struct looking looking = {.linker = linker, .row = row};
    size_t bytes = (linker->case_count + 1) * sizeof *looking.between;
    looking.between = arena_alloc(linker->arena, bytes);
    memset(looking.between, 0, bytes);
    if (!link_household(&looking, err) || !link_contacts(&looking, err) ||
        !link_meetings(&looking, err))
        return false;
    drop_light(&looking);
    sort_links(&looking, links);
    links->looked = true;
    linker->looks++;
    *ret_links = links;
    return true;
}
