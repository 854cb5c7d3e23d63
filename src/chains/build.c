/* The chain around one case:
 *
 *   −2      −1          0        1            2
 *           ┌ source ┐          ┌ infected ──► infected ──► …
 *   likely ─┤ source ├─ case ───┤ infected
 *           └ source ┘          └ possibly infected
 *
 * Every possible source of the case (strongest first, up to a number), and of the strongest its own
 * strongest, and so on; the cases whose strongest possible source it is, then those whose strongest
 * these are, and so on; at last those that it may have infected although another is the stronger
 * source. A case stands once, in the generation that reaches it first. What is left out is said
 * (enum chain_cut), never silently dropped. */
#include "chains/chains_internal.h"

static const char *const cut_names[CHAIN_CUTS] = {
#define X(id, name) [id] = name,
    CHAIN_CUT_TABLE(X)
#undef X
};

const char *chain_cut_name(enum chain_cut cut)
{
    REQUIRE(cut < CHAIN_CUTS);
    return cut_names[cut];
}

const struct chain_link *chain_likely(const struct chain_links *links)
{
    return links && links->in_count ? &links->in[0] : NULL;
}

struct building {
    struct linker *linker;
    const struct chain_limits *limits;
    struct chain *chain;
};

static bool is_node(const struct chain *chain, const struct case_row *row)
{
    for (size_t i = 0; i < chain->node_count; i++)
        if (chain->nodes[i].row == row)
            return true;
    return false;
}

/* *ret_links: of the case, NULL where no more may be looked at. */
static bool look(struct building *building, const struct case_row *row,
                 const struct chain_links **ret_links, struct error *err)
{
    if (!linker_look(building->linker, row, ret_links, err))
        return false;
    building->chain->cut[CUT_LOOKS] |= !*ret_links;
    return true;
}

/* Adds a case where there is room, and looks at it. */
static bool add(struct building *building, const struct case_row *row, int generation,
                bool *ret_added, struct error *err)
{
    struct chain *chain = building->chain;
    *ret_added = false;
    if (is_node(chain, row))
        return true;
    if ((int64_t)chain->node_count == building->limits->cases) {
        chain->cut[CUT_CASES] = true;
        return true;
    }
    struct chain_node *node = &chain->nodes[chain->node_count];
    *node = (struct chain_node){.row = row, .generation = generation};
    if (!look(building, row, &node->links, err))
        return false;
    chain->node_count++;
    *ret_added = true;
    return true;
}

/* The line of strongest sources, from the strongest source of the case backwards. */
static bool go_back(struct building *building, const struct chain_link *likely, struct error *err)
{
    for (int64_t g = 2; likely; g++) {
        const struct chain_links *links;
        bool added;
        if (!look(building, likely->from, &links, err))
            return false;
        likely = chain_likely(links);
        if (!likely)
            return true;
        if (g > building->limits->generations) {
            building->chain->cut[CUT_GENERATIONS] = true;
            return true;
        }
        if (!add(building, likely->from, -(int)g, &added, err))
            return false;
    }
    return true;
}

static bool add_sources(struct building *building, const struct chain_links *links,
                        struct error *err)
{
    size_t count = links->in_count;
    bool added;
    if ((int64_t)count > building->limits->sources) {
        count = (size_t)building->limits->sources;
        building->chain->cut[CUT_SOURCES] = true;
    }
    for (size_t i = 0; i < count; i++)
        if (!add(building, links->in[i].from, -1, &added, err))
            return false;
    return go_back(building, chain_likely(links), err);
}

/* Adds to a generation those of whom `from` is the strongest possible source. Past the last
 * generation it only notes that there are some. */
static bool add_infected(struct building *building, const struct chain_node *from, int generation,
                         struct error *err)
{
    struct chain *chain = building->chain;
    const struct chain_links *links = from->links;
    for (size_t i = 0; links && i < links->out_count; i++) {
        const struct case_row *row = links->out[i].to;
        const struct chain_links *of_row;
        bool added;
        if (is_node(chain, row))
            continue;
        if (!look(building, row, &of_row, err))
            return false;
        const struct chain_link *likely = chain_likely(of_row);
        if (!likely || likely->from != from->row)
            continue;
        if (generation > building->limits->generations) {
            chain->cut[CUT_GENERATIONS] = true;
            return true;
        }
        if (!add(building, row, generation, &added, err))
            return false;
    }
    return true;
}

/* Those whom the case itself may have infected, although another is the stronger source. */
static bool add_possible(struct building *building, const struct chain_links *links,
                         struct error *err)
{
    bool added;
    for (size_t i = 0; i < links->out_count; i++)
        if (!add(building, links->out[i].to, 1, &added, err))
            return false;
    return true;
}

static bool go_on(struct building *building, struct error *err)
{
    struct chain *chain = building->chain;
    int last = (int)building->limits->generations + 1;
    for (int generation = 1; generation <= last; generation++) {
        size_t count = chain->node_count;
        for (size_t i = 0; i < count; i++)
            if (chain->nodes[i].generation == generation - 1 &&
                !add_infected(building, &chain->nodes[i], generation, err))
                return false;
    }
    return !chain->nodes[0].links || add_possible(building, chain->nodes[0].links, err);
}

/* ---- Edges: the strongest towards each, and all that begin or end at the case */

static void add_edge(struct chain *chain, const struct chain_link *link)
{
    for (size_t i = 0; i < chain->edge_count; i++)
        if (chain->edges[i]->from == link->from && chain->edges[i]->to == link->to)
            return;
    chain->edges[chain->edge_count++] = link;
}

static void make_edges(struct chain *chain)
{
    const struct chain_node *root = &chain->nodes[0];
    for (size_t i = 0; i < chain->node_count; i++) {
        const struct chain_link *likely = chain_likely(chain->nodes[i].links);
        if (likely && is_node(chain, likely->from))
            add_edge(chain, likely);
    }
    for (size_t i = 0; root->links && i < root->links->in_count; i++)
        if (is_node(chain, root->links->in[i].from))
            add_edge(chain, &root->links->in[i]);
    for (size_t i = 0; root->links && i < root->links->out_count; i++)
        if (is_node(chain, root->links->out[i].to))
            add_edge(chain, &root->links->out[i]);
}

bool chain_build(struct linker *linker, const struct case_row *row,
                 const struct chain_limits *limits, struct chain *ret_chain, struct error *err)
{
    size_t room = (size_t)limits->cases;
    struct chain chain = {.nodes = arena_alloc(linker->arena, (room + 1) * sizeof *chain.nodes),
                          .edges =
                              arena_alloc(linker->arena, (3 * room + 1) * sizeof *chain.edges)};
    struct building building = {linker, limits, &chain};
    bool added;
    if (!add(&building, row, 0, &added, err))
        return false;
    const struct chain_links *links = chain.nodes[0].links;
    if ((links && !add_sources(&building, links, err)) || !go_on(&building, err))
        return false;
    make_edges(&chain);
    chain.cut[CUT_CONTACTS] = linker->contacts_cut;
    *ret_chain = chain;
    return true;
}
