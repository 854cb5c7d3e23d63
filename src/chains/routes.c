/* Routes of a case's chain and of its contacts. As all routes of a case: the purpose names it, the
 * case lies in the reader's area, names are masked, who lives elsewhere is a number only, and the
 * audit row is on disk before anything leaves. Cases of other areas are in no chain. */
#include <math.h>
#include <stdlib.h>

#include "access/access.h"
#include "access/shown.h"
#include "chains/chains_internal.h"
#include "chains/routes_schema.h"
#include "status/status.h"

enum { BODY_BYTES_MAX = 16 << 20, CONSIDERED_MAX = 1000 };

/* What one request works with; released by visit_end whatever came of it. */
struct visit {
    const struct request *request;
    struct platform *platform;
    struct sql *sql;
    struct presence_view *view;
    struct tracer *tracer;
    struct arena scratch; /* may grow with the city, unlike the request's */
    struct case_row row;
    struct case_row *cases; /* of the days around, by person; the case among them */
    size_t case_count;
    bool cases_cut;
    struct json_writer writer;
};

static bool visit_begin(struct visit *visit, const struct request *request,
                        struct response *response, struct error *err)
{
    *visit = (struct visit){.request = request, .platform = request->platform};
    arena_init(&visit->scratch, (size_t)1 << 30);
    buffer_init(&response->body, BODY_BYTES_MAX);
    json_writer_init(&visit->writer, &response->body);
    return loops_ready(request->platform->loops, err) &&
           store_read_begin(visit->platform->store, &visit->sql, err) &&
           case_asked(request, visit->sql, &visit->scratch, &visit->row, err);
}

static bool visit_end(struct visit *visit, bool done, struct response *response, struct error *err)
{
    json_writer_release(&visit->writer);
    presence_view_end(visit->view);
    tracer_free(visit->tracer);
    store_read_end(visit->platform->store, visit->sql);
    arena_release(&visit->scratch);
    if (done && response->body.overflow)
        done = error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "limit"},
                         "a smaller limit", "the answer is too large");
    if (!done)
        buffer_release(&response->body);
    return done;
}

/* ---- The cases that are considered */

static int by_person(const void *a, const void *b)
{
    const struct case_row *x = a, *y = b;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    return (x->no > y->no) - (x->no < y->no);
}

static const struct case_row *found_case(const struct visit *visit, int64_t no)
{
    for (size_t i = 0; i < visit->case_count; i++)
        if (visit->cases[i].no == no)
            return &visit->cases[i];
    return NULL;
}

/* Those of the reader's areas with a t0 within trace_days of the case's. Where they are too many,
 * those nearest by number, which is nearest in time of report; the case stays among them. */
static bool consider_cases(struct visit *visit, struct error *err)
{
    const struct actor *actor = &visit->request->actor;
    timestamp reach = policy_number(visit->platform->policy, NUMBER_TRACE_DAYS) * DAY;
    if (!case_list_between(visit->sql, actor->area_first, actor->area_last, visit->row.at - reach,
                           visit->row.at + reach, &visit->scratch, &visit->cases,
                           &visit->case_count, err))
        return false;
    while (visit->case_count > CONSIDERED_MAX) { /* halves the distance until they fit */
        int64_t farthest = 0;
        size_t kept = 0;
        for (size_t i = 0; i < visit->case_count; i++) {
            int64_t distance = llabs(visit->cases[i].no - visit->row.no);
            farthest = distance > farthest ? distance : farthest;
        }
        for (size_t i = 0; i < visit->case_count; i++)
            if (llabs(visit->cases[i].no - visit->row.no) <= farthest / 2)
                visit->cases[kept++] = visit->cases[i];
        visit->case_count = kept;
        visit->cases_cut = true;
    }
    if (visit->case_count)
        qsort(visit->cases, visit->case_count, sizeof *visit->cases, by_person);
    return true;
}

/* ---- GET /cases/{id}/chain */

static bool asked_number(const struct request *request, const char *name, int64_t least,
                         int64_t most, int64_t otherwise, int64_t *ret_number, struct error *err)
{
    struct slice text = request_query(request, name);
    char expected[64];
    snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)least,
             (long long)most);
    *ret_number = otherwise;
    return !text.data || slice_to_int64(text, least, most, ret_number) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = name}, expected,
                     "not such a number");
}

static bool read_limits(const struct request *request, struct chain_limits *ret_limits,
                        struct error *err)
{
    const int64_t *most = request->platform->chains->number;
    ret_limits->sources = most[CHAIN_SOURCES];
    return asked_number(request, "generations", 1, most[CHAIN_GENERATIONS], most[CHAIN_GENERATIONS],
                        &ret_limits->generations, err) &&
           asked_number(request, "limit", 2, most[CHAIN_CASES], most[CHAIN_CASES],
                        &ret_limits->cases, err);
}

static void put_int_or_null(struct json_writer *writer, const char *key, int64_t value, bool known)
{
    if (known)
        json_field_int64(writer, key, value);
    else
        json_field_null(writer, key);
}

static void put_counts(struct json_writer *writer, const char *key, const int64_t *counts)
{
    json_key(writer, key);
    json_object_begin(writer);
    for (int level = 0; level < CONTACT_LEVELS; level++)
        json_field_int64(writer, contact_level_name((enum contact_level)level), counts[level]);
    json_object_end(writer);
}

static void put_held_by(struct json_writer *writer, const struct loop_entry *entry)
{
    json_key(writer, "held_by");
    if (entry->at == TIMESTAMP_NONE) {
        json_put_null(writer);
        return;
    }
    json_object_begin(writer);
    json_field_int64(writer, "loop", entry->loop_no);
    json_field_text(writer, "scene", slice_of(entry->scene->name));
    json_field_text(writer, "zh", slice_of(entry->stage->title.zh));
    json_field_text(writer, "en", slice_of(entry->stage->title.en));
    json_object_end(writer);
}

static bool put_node(struct visit *visit, const struct chain_node *node, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    const struct chain_link *likely = chain_likely(node->links);
    struct delays delays;
    int64_t counts[CONTACT_LEVELS];
    if (!delays_read(visit->platform, visit->sql, node->row, &visit->scratch, &delays, err) ||
        !contacts_count(visit->sql, node->row->no, counts, err))
        return false;
    json_object_begin(writer);
    if (!case_write(visit->request, visit->sql, writer, node->row, &visit->scratch, err))
        return false;
    json_field_int64(writer, "generation", node->generation);
    json_field_time(writer, "onset_at", delays.onset_at);
    json_field_time(writer, "sampled_at", delays.sampled_at);
    json_field_time(writer, "held_at", delays.held_at);
    put_held_by(writer, &delays.held_by);
    json_field_time(writer, "listed_at", delays.listed_at);
    json_field_bool(writer, "listed_close", delays.listed_close);
    put_int_or_null(writer, "sources", node->links ? (int64_t)node->links->in_count : 0,
                    node->links != NULL);
    put_int_or_null(writer, "likely_source", likely ? likely->from->no : 0, likely != NULL);
    put_counts(writer, "contacts", counts);
    json_object_end(writer);
    return true;
}

/* Six digits are more than the model knows. */
static void put_weight(struct json_writer *writer, double weight)
{
    json_field_double(writer, "weight", round(weight * 1e6) / 1e6);
}

static bool put_evidence(struct visit *visit, const struct chain_link *link, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    json_key(writer, "evidence");
    json_array_begin(writer);
    if (link->named) {
        json_object_begin(writer);
        json_field_text(writer, "kind", SLICE("contact"));
        json_field_text(writer, "level", slice_of(contact_level_name(link->level)));
        json_field_time(writer, "known_at", link->known_at);
        json_field_time(writer, "last_exposure_at", link->last_exposure_at);
        json_object_end(writer);
    }
    if (link->household) {
        json_object_begin(writer);
        json_field_text(writer, "kind", SLICE("household"));
        json_object_end(writer);
    }
    if (link->weight > 0) {
        struct venue venue = {.name = {NULL, 0}};
        if (!registry_venue(visit->sql, link->venue, &visit->scratch, &venue, err) &&
            err->code != ERROR_NOT_FOUND)
            return false;
        json_object_begin(writer);
        json_field_text(writer, "kind", SLICE("co_presence"));
        put_weight(writer, link->weight);
        json_field_int64(writer, "co_visits", link->co_visits);
        json_field_int64(writer, "closest_gap_s", link->closest_gap_seconds);
        json_field_time(writer, "last_at", link->last_at * SECOND);
        json_field_int64(writer, "venue_no", link->venue);
        if (venue.name.data)
            json_field_text(writer, "venue", venue.name);
        else
            json_field_null(writer, "venue");
        json_object_end(writer);
    }
    json_array_end(writer);
    return true;
}

/* A close contact; or the same home or more likely than not together (policies/checkin.yaml), where
 * it is known who came first. */
static bool is_strong(const struct visit *visit, const struct chain_link *link)
{
    double general = (double)policy_number(visit->platform->policy, NUMBER_CONTACT_GENERAL) / 100;
    bool close = link->named && link->level == CONTACT_CLOSE;
    return close || (link->order_known && (link->household || link->weight >= general));
}

static bool put_edge(struct visit *visit, const struct chain *chain, const struct chain_link *link,
                     struct error *err)
{
    struct json_writer *writer = &visit->writer;
    double hours = (double)(link->to->at - link->from->at) / HOUR;
    bool likely = false;
    for (size_t i = 0; i < chain->node_count; i++) {
        const struct chain_link *best = chain_likely(chain->nodes[i].links);
        likely |= best && best->to == link->to && best->from == link->from;
    }
    json_object_begin(writer);
    json_field_int64(writer, "from", link->from->no);
    json_field_int64(writer, "to", link->to->no);
    put_weight(writer, link->weight);
    json_field_bool(writer, "likely", likely);
    json_field_bool(writer, "strong", is_strong(visit, link));
    json_field_double(writer, "interval_hours", round(hours * 10) / 10);
    json_field_bool(writer, "order_known", link->order_known);
    bool done = put_evidence(visit, link, err);
    json_object_end(writer);
    return done;
}

/* Of the way of the case itself, over the days in which something could have happened. */
static bool read_completeness(struct visit *visit, struct trace_completeness *ret,
                              struct error *err)
{
    const struct policy *policy = visit->platform->policy;
    struct case_range infectious = case_window(policy, &visit->row);
    struct case_range source = case_source_window(policy, &visit->row);
    struct trace_request trace = {.person = {visit->row.person},
                                  .from =
                                      infectious.from < source.from ? infectious.from : source.from,
                                  .to = infectious.to > source.to ? infectious.to : source.to,
                                  .model = TRACE_DWELL};
    struct trace_result result;
    if (!trace_run(visit->tracer, visit->view, &trace, &result, err) ||
        !trace_completeness_of(visit->tracer, visit->view, &result, err))
        return false;
    *ret = result.completeness;
    return true;
}

static bool put_chain(struct visit *visit, const struct chain *chain,
                      const struct chain_limits *limits, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    struct trace_completeness completeness;
    if (!read_completeness(visit, &completeness, err))
        return false;
    json_object_begin(writer);
    json_field_time(writer, "at", world_now(visit->platform->world));
    json_key(writer, "nodes");
    json_array_begin(writer);
    for (size_t i = 0; i < chain->node_count; i++)
        if (!put_node(visit, &chain->nodes[i], err))
            return false;
    json_array_end(writer);
    json_key(writer, "edges");
    json_array_begin(writer);
    for (size_t i = 0; i < chain->edge_count; i++)
        if (!put_edge(visit, chain, chain->edges[i], err))
            return false;
    json_array_end(writer);
    json_field_int64(writer, "considered", (int64_t)visit->case_count);
    json_key(writer, "limits");
    json_object_begin(writer);
    json_field_int64(writer, "generations", limits->generations);
    json_field_int64(writer, "cases", limits->cases);
    json_field_int64(writer, "sources", limits->sources);
    json_object_end(writer);
    json_key(writer, "cut");
    json_array_begin(writer);
    for (int cut = 0; cut < CHAIN_CUTS; cut++)
        if (chain->cut[cut])
            json_put_text(writer, slice_of(chain_cut_name((enum chain_cut)cut)));
    json_array_end(writer);
    json_key(writer, "completeness");
    trace_completeness_write(writer, &completeness);
    json_object_end(writer);
    return true;
}

static bool show_chain(struct visit *visit, struct error *err)
{
    struct chain_limits limits;
    struct chain chain;
    if (!read_limits(visit->request, &limits, err) || !consider_cases(visit, err) ||
        !tracer_create(visit->platform, &visit->tracer, err) ||
        !presence_view_begin(visit->platform->presence, &visit->view, err))
        return false;
    struct linker linker = {.platform = visit->platform,
                            .sql = visit->sql,
                            .view = visit->view,
                            .tracer = visit->tracer,
                            .arena = &visit->scratch,
                            .cases = visit->cases,
                            .case_count = visit->case_count,
                            .looks_max = visit->platform->chains->number[CHAIN_LOOKS],
                            .apart = visit->platform->chains->number[CHAIN_APART_HOURS] * HOUR,
                            .least =
                                (double)visit->platform->chains->number[CHAIN_LEAST_PERCENT] / 100};
    const struct case_row *row = found_case(visit, visit->row.no);
    REQUIRE(row); /* its own t0 lies within its own reach */
    linker_begin(&linker);
    if (!chain_build(&linker, row, &limits, &chain, err))
        return false;
    chain.cut[CUT_CONSIDERED] = visit->cases_cut;
    uint32_t *persons = arena_alloc(&visit->scratch, (chain.node_count + 1) * sizeof *persons);
    for (size_t i = 0; i < chain.node_count; i++)
        persons[i] = chain.nodes[i].row->person;
    return put_chain(visit, &chain, &limits, err) &&
           access_opened(
               visit->request, "case.chain", visit->row.person, persons, chain.node_count,
               SLICE("person_no,name,area,kind,at,recorded_at,tests,held,contacts,places"), err);
}

static bool handle_chain(const struct request *request, struct response *response,
                         struct error *err)
{
    struct visit visit;
    bool done = visit_begin(&visit, request, response, err) && show_chain(&visit, err);
    return visit_end(&visit, done, response, err);
}

/* ---- GET /cases/{id}/contacts */

static bool put_contact(struct visit *visit, const struct case_contact *contact, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    const struct actor *actor = &visit->request->actor;
    timestamp now = world_now(visit->platform->world);
    const struct case_row *own = case_of_person(visit->cases, visit->case_count, contact->person);
    struct person person = {.name = {NULL, 0}};
    struct slice name = {NULL, 0};
    int64_t area_no;
    bool within;
    if (!access_person_within(visit->platform, visit->sql, actor, contact->person, &area_no,
                              &within, err) ||
        (within && !registry_person(visit->platform, visit->sql, contact->person, &visit->scratch,
                                    &person, err)))
        return false;
    if (person.name.data)
        name = shown_field(actor->reads, FIELD_NAME, person.name, &visit->scratch);
    struct status_entry entry =
        status_get(visit->platform->status, (struct person_no){contact->person}, now);
    enum color color = entry.flags & STATUS_KNOWN ? entry.color : COLOR_UNKNOWN;
    json_object_begin(writer);
    json_field_int64(writer, "person_no", contact->person);
    if (name.data)
        json_field_text(writer, "name", name);
    else
        json_field_null(writer, "name");
    if (within)
        json_field_text(writer, "color", slice_of(color_name(color)));
    else
        json_field_null(writer, "color");
    json_field_text(writer, "level", slice_of(contact_level_name(contact->level)));
    put_int_or_null(writer, "via", contact->via, contact->via != 0);
    json_field_time(writer, "last_exposure_at", contact->last_exposure_at);
    json_field_time(writer, "known_at", contact->known_at);
    put_int_or_null(writer, "case", own ? own->no : 0, own != NULL);
    json_object_end(writer);
    return true;
}

static bool show_contacts(struct visit *visit, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    struct case_contact *contacts;
    int64_t limit, after, counts[CONTACT_LEVELS];
    size_t count;
    if (!request_limit(visit->request, &limit, err) ||
        !request_cursor(visit->request, &after, err) || !consider_cases(visit, err) ||
        !contacts_count(visit->sql, visit->row.no, counts, err) ||
        !contacts_of_case(visit->sql, visit->row.no, after, limit + 1, &visit->scratch, &contacts,
                          &count, err))
        return false;
    bool more = (int64_t)count > limit;
    count -= more;
    uint32_t *persons = arena_alloc(&visit->scratch, (count + 1) * sizeof *persons);
    json_object_begin(writer);
    json_field_time(writer, "at", world_now(visit->platform->world));
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        persons[i] = contacts[i].person;
        if (!put_contact(visit, &contacts[i], err))
            return false;
    }
    json_array_end(writer);
    json_field_cursor(writer, more ? contacts[count - 1].person : 0);
    put_counts(writer, "counts", counts);
    json_object_end(writer);
    return access_opened(visit->request, "case.contacts", visit->row.person, persons, count,
                         SLICE("person_no,name,color,contacts,case"), err);
}

static bool handle_contacts(const struct request *request, struct response *response,
                            struct error *err)
{
    struct visit visit;
    bool done = visit_begin(&visit, request, response, err) && show_contacts(&visit, err);
    return visit_end(&visit, done, response, err);
}

/* ---- The table */

#define OPENS_CHAIN                                                                                \
    (FIELD_BIT(FIELD_NAME) | FIELD_BIT(FIELD_HOME) | FIELD_BIT(FIELD_STATUS) |                     \
     FIELD_BIT(FIELD_EVIDENCE) | FIELD_BIT(FIELD_PLACES))

const struct route chain_routes[CHAIN_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/cases/{id}/chain",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = OPENS_CHAIN,
     .shed = SHED_HISTORY,
     .permission = PERMISSION_BIT(PERMIT_CASE_READ) | PERMISSION_BIT(PERMIT_TRACE_RUN),
     .opens_identity = true,
     .summary = "Possible sources of a case and whom it may have infected, by generation, with "
                "the delays of each",
     .query = "generations:integer:how far to either side, at most and by default as far as "
              "policies/chains.yaml says;"
              "limit:integer:cases, likewise",
     .response_schema = CHAIN_PAGE,
     .handle = handle_chain},
    {.method = HTTP_GET,
     .path = "/cases/{id}/contacts",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = OPENS_CHAIN,
     .permission = PERMISSION_BIT(PERMIT_CASE_READ) | PERMISSION_BIT(PERMIT_TRACE_RUN),
     .opens_identity = true,
     .summary = "Who was found to be a contact of a case, by number of person",
     .query = "limit:integer:1 to 1000, default 100;after:string:cursor",
     .response_schema = CONTACTS_PAGE,
     .handle = handle_contacts},
};
