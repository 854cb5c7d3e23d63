/* The layers of a drawing, one step a function. */
#include "scenes/layout.h"

#include <stdlib.h>

enum { SWEEPS = 12, POINTS_MAX = 20000 };
static const double point_width = 10;

/* One step of a chain, seen from one of its ends. */
struct link {
    int node, neighbour;
    double weight;
};

struct rows {
    int **nodes; /* of each layer, from the left */
    size_t *counts, *capacities;
    size_t count;
    struct link *links[2];  /* by the row of `node`: [0] to a neighbour above, [1] to one below */
    size_t *first_links[2]; /* where those of a row begin; one more than there are rows */
};

/* ---- Which edges go back, and the layer of each node */

enum visit { NOT_SEEN, ON_THE_WAY, DONE };

static void turn_back_edges(struct layout *layout, int node, enum visit *visits)
{
    visits[node] = ON_THE_WAY;
    for (size_t i = 0; i < layout->edge_count; i++) {
        struct layout_edge *edge = &layout->edges[i];
        if (edge->from != node)
            continue;
        if (visits[edge->to] == ON_THE_WAY)
            edge->turned = true;
        else if (visits[edge->to] == NOT_SEEN)
            turn_back_edges(layout, edge->to, visits);
    }
    visits[node] = DONE;
}

static int upper(const struct layout_edge *edge)
{
    return edge->turned ? edge->to : edge->from;
}
static int lower(const struct layout_edge *edge)
{
    return edge->turned ? edge->from : edge->to;
}

/* Each node below all that lead to it; graph nodes on even layers, labels between them. */
static void assign_layers(struct layout *layout)
{
    enum visit *visits = arena_alloc(layout->arena, layout->graph_count * sizeof *visits);
    for (size_t i = 0; i < layout->graph_count; i++)
        if (visits[i] == NOT_SEEN)
            turn_back_edges(layout, (int)i, visits);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < layout->edge_count; i++) {
            struct layout_node *above = &layout->nodes[upper(&layout->edges[i])];
            struct layout_node *below = &layout->nodes[lower(&layout->edges[i])];
            if (below->layer < above->layer + 2) {
                below->layer = above->layer + 2;
                changed = true;
            }
        }
    }
}

/* ---- Chains of points and labels */

static size_t count_points(const struct layout *layout)
{
    size_t count = 0;
    for (size_t i = 0; i < layout->edge_count; i++)
        count += (size_t)(layout->nodes[lower(&layout->edges[i])].layer -
                          layout->nodes[upper(&layout->edges[i])].layer);
    return count;
}

/* The label stands in the layer next to the node that the edge leaves. */
static void make_chains(struct layout *layout)
{
    size_t points = count_points(layout);
    bool whole = points <= POINTS_MAX; /* else long edges are drawn straight after their label */
    struct layout_node *nodes =
        arena_alloc(layout->arena, (layout->graph_count + points + 1) * sizeof *nodes);
    memcpy(nodes, layout->nodes, layout->graph_count * sizeof *nodes);
    layout->nodes = nodes;
    layout->node_count = layout->graph_count;
    for (size_t i = 0; i < layout->edge_count; i++) {
        struct layout_edge *edge = &layout->edges[i];
        int first = nodes[upper(edge)].layer, last = nodes[lower(edge)].layer;
        int label_layer = edge->turned ? last - 1 : first + 1;
        edge->chain = arena_alloc(layout->arena, (size_t)(last - first + 1) * sizeof(int));
        edge->chain[edge->chain_count++] = upper(edge);
        edge->label = -1;
        for (int layer = first + 1; layer < last; layer++) {
            bool label = layer == label_layer && edge->label_width > 0;
            if (!whole && !label)
                continue;
            struct layout_node *node = &nodes[layout->node_count];
            *node = (struct layout_node){.layer = layer,
                                         .width = label ? edge->label_width : point_width,
                                         .height = label ? edge->label_height : 1};
            if (label)
                edge->label = (int)layout->node_count;
            edge->chain[edge->chain_count++] = (int)layout->node_count++;
        }
        edge->chain[edge->chain_count++] = lower(edge);
    }
}

/* ---- The order in each row */

static void fill_rows(struct layout *layout, struct rows *rows)
{
    rows->count = 0;
    for (size_t i = 0; i < layout->node_count; i++)
        if ((size_t)layout->nodes[i].layer >= rows->count)
            rows->count = (size_t)layout->nodes[i].layer + 1;
    rows->nodes = arena_alloc(layout->arena, rows->count * sizeof *rows->nodes);
    rows->counts = arena_alloc(layout->arena, rows->count * sizeof *rows->counts);
    rows->capacities = arena_alloc(layout->arena, rows->count * sizeof *rows->capacities);
    for (size_t i = 0; i < layout->node_count; i++)
        rows->capacities[layout->nodes[i].layer]++;
    for (size_t r = 0; r < rows->count; r++)
        rows->nodes[r] = arena_alloc(layout->arena, (rows->capacities[r] + 1) * sizeof(int));
    for (size_t i = 0; i < layout->node_count; i++) {
        int layer = layout->nodes[i].layer;
        rows->nodes[layer][rows->counts[layer]++] = (int)i;
    }
}

/* Where the neighbours of a row above (side −1), below (1) or both (0) would have its nodes: the
 * mean of their places. Points of one long edge hold together most, so that it runs straight. */
static void want_places(struct layout *layout, const struct rows *rows, size_t row, int side)
{
    for (size_t i = 0; i < rows->counts[row]; i++) {
        struct layout_node *node = &layout->nodes[rows->nodes[row][i]];
        node->wanted = node->weight = 0;
    }
    for (int below = 0; below < 2; below++) {
        if (side == (below ? -1 : 1))
            continue;
        const struct link *link = rows->links[below] + rows->first_links[below][row];
        const struct link *end = rows->links[below] + rows->first_links[below][row + 1];
        for (; link < end; link++) {
            struct layout_node *node = &layout->nodes[link->node];
            node->wanted += layout->nodes[link->neighbour].x * link->weight;
            node->weight += link->weight;
        }
    }
    for (size_t i = 0; i < rows->counts[row]; i++) {
        struct layout_node *node = &layout->nodes[rows->nodes[row][i]];
        node->wanted = node->weight > 0 ? node->wanted / node->weight : node->x;
    }
}

/* Insertion sort: stable, and rows are short or nearly sorted. */
static void sort_row(const struct layout *layout, int *row, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int node = row[i];
        size_t k = i;
        for (; k > 0 && layout->nodes[row[k - 1]].wanted > layout->nodes[node].wanted; k--)
            row[k] = row[k - 1];
        row[k] = node;
    }
}

static double apart(const struct layout *layout, int left, int right)
{
    return (layout->nodes[left].width + layout->nodes[right].width) / 2 + LAYOUT_SPACE_X;
}

static void pack_row(struct layout *layout, const int *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        layout->nodes[row[i]].x =
            i ? layout->nodes[row[i - 1]].x + apart(layout, row[i - 1], row[i]) : 0;
}

/* As near to where they want to be as their order and width allow: the mean of pushing right and of
 * pushing left, which both keep the distances. */
static void settle_row(struct layout *layout, const int *row, size_t count, double *right)
{
    for (size_t i = 0; i < count; i++) {
        right[i] = layout->nodes[row[i]].wanted;
        if (i && right[i] < right[i - 1] + apart(layout, row[i - 1], row[i]))
            right[i] = right[i - 1] + apart(layout, row[i - 1], row[i]);
    }
    double left = 0;
    for (size_t i = count; i-- > 0;) {
        double wanted = layout->nodes[row[i]].wanted;
        if (i + 1 < count && wanted > left - apart(layout, row[i], row[i + 1]))
            wanted = left - apart(layout, row[i], row[i + 1]);
        left = wanted;
        layout->nodes[row[i]].x = (right[i] + left) / 2;
    }
}

/* All links by row: counted, then put in their places. */
static void link_rows(struct layout *layout, struct rows *rows)
{
    size_t total = 0;
    for (size_t i = 0; i < layout->edge_count; i++)
        total += layout->edges[i].chain_count - 1;
    for (int below = 0; below < 2; below++) {
        size_t *first = arena_alloc(layout->arena, (rows->count + 2) * sizeof *first);
        rows->links[below] = arena_alloc(layout->arena, (total + 1) * sizeof(struct link));
        rows->first_links[below] = first;
        for (int put = 0; put < 2; put++) {
            for (size_t i = 0; i < layout->edge_count; i++)
                for (size_t k = 0; k + 1 < layout->edges[i].chain_count; k++) {
                    int node = layout->edges[i].chain[below ? k : k + 1];
                    int neighbour = layout->edges[i].chain[below ? k + 1 : k];
                    int points = ((size_t)node >= layout->graph_count) +
                                 ((size_t)neighbour >= layout->graph_count);
                    size_t row = (size_t)layout->nodes[node].layer;
                    if (put)
                        rows->links[below][first[row + 1]++] =
                            (struct link){node, neighbour, points == 2 ? 8 : points == 1 ? 2 : 1};
                    else
                        first[row + 2]++;
                }
            for (size_t r = 1; !put && r < rows->count + 2; r++)
                first[r] += first[r - 1];
        }
    }
}

/* Down and up in turn: each row looks at the one that was just placed. */
static void order_rows(struct layout *layout, struct rows *rows)
{
    double *right = arena_alloc(layout->arena, layout->node_count * sizeof *right);
    link_rows(layout, rows);
    for (size_t r = 0; r < rows->count; r++)
        pack_row(layout, rows->nodes[r], rows->counts[r]);
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (size_t i = 0; i < rows->count; i++) {
            size_t r = sweep % 2 ? rows->count - 1 - i : i;
            want_places(layout, rows, r, sweep % 2 ? 1 : -1);
            sort_row(layout, rows->nodes[r], rows->counts[r]);
            pack_row(layout, rows->nodes[r], rows->counts[r]);
        }
    for (int sweep = 0; sweep < 4 * SWEEPS; sweep++)
        for (size_t i = 0; i < rows->count; i++) {
            size_t r = sweep % 2 ? rows->count - 1 - i : i;
            want_places(layout, rows, r, sweep >= 2 * SWEEPS ? 0 : sweep % 2 ? 1 : -1);
            settle_row(layout, rows->nodes[r], rows->counts[r], right);
        }
}

/* ---- Pixels */

static void place_rows(struct layout *layout, const struct rows *rows)
{
    double left = 0, right = 0, y = 0;
    for (size_t i = 0; i < layout->node_count; i++) {
        const struct layout_node *node = &layout->nodes[i];
        left = node->x - node->width / 2 < left || i == 0 ? node->x - node->width / 2 : left;
        right = node->x + node->width / 2 > right || i == 0 ? node->x + node->width / 2 : right;
    }
    for (size_t r = 0; r < rows->count; r++) {
        double height = 0;
        for (size_t i = 0; i < rows->counts[r]; i++)
            if (layout->nodes[rows->nodes[r][i]].height > height)
                height = layout->nodes[rows->nodes[r][i]].height;
        for (size_t i = 0; i < rows->counts[r]; i++) {
            struct layout_node *node = &layout->nodes[rows->nodes[r][i]];
            node->x -= left;
            node->y = y + height / 2;
            if (node->width == point_width) /* an edge passes the row upright, beside the boxes */
                node->height = height > 1 ? height : 1;
        }
        y += height + (rows->counts[r] ? LAYOUT_SPACE_Y : 0);
    }
    layout->width = right - left;
    layout->height = y > LAYOUT_SPACE_Y ? y - LAYOUT_SPACE_Y : 0;
}

void layout_run(struct layout *layout)
{
    struct rows rows = {0};
    REQUIRE(layout->graph_count > 0);
    assign_layers(layout);
    make_chains(layout);
    fill_rows(layout, &rows);
    order_rows(layout, &rows);
    place_rows(layout, &rows);
}
