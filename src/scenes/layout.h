/* layout: a layered drawing of a graph (Sugiyama, Tagawa, Toda 1981): rows from the first node
 * down, edges that go back turned round, long edges as chains of points, labels as nodes of their
 * own so that no two of them meet, rows ordered by barycentres. */
#ifndef CHENGMAI_SCENES_LAYOUT_H
#define CHENGMAI_SCENES_LAYOUT_H

#include "base/base.h"

enum { LAYOUT_SPACE_X = 28, LAYOUT_SPACE_Y = 26 };

/* A box: one of the graph, a label, or a point of a long edge. Centre and size in pixels. */
struct layout_node {
    double x, y, width, height;
    int layer;
    double wanted, weight; /* where its neighbours would have it, and how strongly */
};
struct layout_edge {
    int from, to;                      /* nodes of the graph; not equal */
    double label_width, label_height;  /* 0: no label */
    bool turned;                       /* goes back: its chain runs from `to` down to `from` */
    int label;                         /* node of the label, −1 where none */
    int *chain;                        /* nodes from the upper end to the lower one, with both */
    size_t chain_count;
};
struct layout {
    struct arena *arena;
    struct layout_node *nodes; /* those of the graph first */
    size_t node_count, graph_count;
    struct layout_edge *edges;
    size_t edge_count;
    double width, height;
};
/* Places `graph_count` nodes (width and height set by the caller, node 0 on top) and the edges
 * (from, to and label size set by the caller). All else is set here; lives in the arena. */
void layout_run(struct layout *layout);

#endif
