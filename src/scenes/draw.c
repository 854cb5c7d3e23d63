/* The state graph of a scene as one SVG document: a box a stage with owner and clock, an arrow
 * for all transitions between two stages with what moves them. */
#include <stdlib.h>

#include "scenes/layout.h"
#include "scenes/scenes_internal.h"

enum { LINE_HEIGHT = 16, LINES_MAX = 6, MARGIN = 24, HEAD = 64, LINE_COLUMNS = 40 };

struct drawing {
    const struct scene *scene;
    const struct policy *policy;
    bool chinese, plain;
    struct arena *arena;
    struct buffer *out;
    struct layout layout;
};
/* The text lines of a box or a label. */
struct lines {
    const char *items[LINES_MAX];
    size_t count;
};

/* ---- Texts */

__attribute__((format_arg(2), format_arg(3))) static const char *
say(const struct drawing *drawing, const char *zh, const char *en)
{
    return drawing->chinese ? zh : en;
}

/* Columns that a text takes: two for a character of Chinese. */
static size_t columns(const char *text)
{
    size_t count = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        count += (*c & 0xC0) == 0x80 ? 0 : *c >= 0xE0 ? 2 : 1;
    return count;
}

static double width_of(const struct lines *lines)
{
    size_t most = 0;
    for (size_t i = 0; i < lines->count; i++)
        if (columns(lines->items[i]) > most)
            most = columns(lines->items[i]);
    return (double)most * 6.6 + 16;
}

/* Cut to a number of columns, between characters. */
static const char *cut(struct arena *arena, const char *text, size_t most)
{
    size_t taken = 0, length = 0;
    if (columns(text) <= most)
        return text;
    for (size_t i = 0; text[i]; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c & 0xC0) == 0x80)
            continue;
        size_t wide = c >= 0xE0 ? 2 : 1;
        length = i;
        if (taken + wide > most - 1)
            break;
        taken += wide;
    }
    return arena_print(arena, "%.*s…", (int)length, text);
}

static void add_line(struct drawing *drawing, struct lines *lines, const char *text)
{
    if (lines->count < LINES_MAX)
        lines->items[lines->count++] = cut(drawing->arena, text, LINE_COLUMNS);
    else
        lines->items[LINES_MAX - 1] = "…";
}

/* Takes what `print` writes as one line. */
static const char *taken(struct drawing *drawing, struct buffer *text)
{
    const char *line = arena_print(drawing->arena, "%s", text->data ? text->data : "");
    buffer_clear(text);
    return line;
}

static const char *title_of(const struct drawing *drawing, const struct scene_name *name)
{
    return scene_name_words(drawing->scene, name, drawing->chinese);
}

static const char *clock_words(struct drawing *drawing, const struct scene_stage *stage)
{
    char duration[32];
    if (stage->within_by.text)
        return arena_print(drawing->arena, say(drawing, "限时按“%s”", "limit by “%s”"),
                           title_of(drawing, &stage->within_by));
    if (stage->until.text)
        return arena_print(drawing->arena, say(drawing, "限到“%s”", "until “%s”"),
                           title_of(drawing, &stage->until));
    if (stage->within == SCENE_UNSET)
        return say(drawing, "限时 ?", "within ?");
    scene_duration(stage->within, duration);
    return !stage->from.text
               ? arena_print(drawing->arena, say(drawing, "限时 %s", "within %s"), duration)
               : arena_print(drawing->arena, say(drawing, "限时 %s，自“%s”起", "within %s of “%s”"),
                             duration, title_of(drawing, &stage->from));
}

static void box_lines(struct drawing *drawing, const struct scene_stage *stage,
                      struct lines *lines)
{
    struct buffer text;
    buffer_init(&text, 4096);
    add_line(drawing, lines, scene_stage_title(stage, drawing->chinese));
    add_line(drawing, lines,
             drawing->chinese && stage->title.en
                 ? arena_print(drawing->arena, "%s · %s", stage->name, stage->title.en)
                 : stage->name);
    if (!stage->final) {
        if (stage->owner)
            scene_owner_words(drawing->scene, drawing->policy, stage->owner,
                              drawing->chinese, &text);
        add_line(drawing, lines, taken(drawing, &text));
        buffer_append_text(&text, clock_words(drawing, stage));
        if (stage->max_visits != SCENE_UNSET)
            buffer_print(&text, say(drawing, " · 最多 %lld 次", " · at most %lld times"),
                         (long long)stage->max_visits);
        if (stage->child_count)
            buffer_print(&text, say(drawing, " · 子闭环 %s", " · opens %s"),
                         stage->children[0].scene);
        add_line(drawing, lines, taken(drawing, &text));
    }
    buffer_release(&text);
}

/* "责任人 若 …": what moves a transition. */
static void transition_line(struct drawing *drawing, const struct scene_transition *transition,
                            struct lines *lines)
{
    struct buffer text;
    char duration[32];
    buffer_init(&text, 4096);
    for (size_t i = 0; i < transition->by.count; i++) {
        buffer_append_text(&text, i ? say(drawing, "、", ", ") : "");
        scene_owner_words(drawing->scene, drawing->policy, &transition->by.items[i],
                          drawing->chinese, &text);
    }
    if (transition->trigger == TRIGGER_ON)
        buffer_append_text(&text,
                           !transition->event ? (transition->event_name ? transition->event_name
                                                                        : "?")
                           : drawing->chinese ? transition->event->zh
                                              : transition->event->en);
    if (transition->trigger == TRIGGER_AFTER && transition->after != SCENE_UNSET)
        buffer_print(&text, say(drawing, "超时 %s", "%s late"),
                     scene_duration(transition->after, duration));
    if (transition->sign.count)
        buffer_append_text(&text, say(drawing, "＋会签", " + signatures"));
    for (size_t i = 0; i < transition->when.count; i++) {
        buffer_append_text(&text, i ? say(drawing, "，", ", ") : say(drawing, " 若 ", " if "));
        scene_condition_words(drawing->scene, transition->event, &transition->when.items[i],
                              drawing->chinese, &text);
    }
    add_line(drawing, lines, taken(drawing, &text));
    buffer_release(&text);
}

/* ---- The graph */

static void edge_lines(struct drawing *drawing, int from, int to, struct lines *lines)
{
    const struct scene_stage *stage = &drawing->scene->stages[from];
    lines->count = 0;
    for (size_t i = 0; i < stage->next_count; i++)
        if (stage->next[i].to.target == TARGET_STAGE && stage->next[i].to.index == to)
            transition_line(drawing, &stage->next[i], lines);
}

static void make_graph(struct drawing *drawing)
{
    const struct scene *scene = drawing->scene;
    struct layout *layout = &drawing->layout;
    struct lines lines;
    layout->arena = drawing->arena;
    layout->graph_count = scene->stage_count;
    layout->nodes = arena_alloc(drawing->arena, scene->stage_count * sizeof *layout->nodes);
    layout->edges = arena_alloc(drawing->arena, scene->stage_count * scene->stage_count *
                                                    sizeof *layout->edges);
    for (size_t s = 0; s < scene->stage_count; s++) {
        lines.count = 0;
        box_lines(drawing, &scene->stages[s], &lines);
        layout->nodes[s].width = width_of(&lines) + 8;
        layout->nodes[s].height = (double)lines.count * LINE_HEIGHT + 12;
        for (size_t to = 0; to < scene->stage_count; to++) {
            edge_lines(drawing, (int)s, (int)to, &lines);
            if (lines.count == 0)
                continue;
            if (to == s) { /* a loop beside the box: room for it and its label */
                layout->nodes[s].width += width_of(&lines) + 24;
                continue;
            }
            layout->edges[layout->edge_count++] =
                (struct layout_edge){.from = (int)s,
                                     .to = (int)to,
                                     .label_width = width_of(&lines),
                                     .label_height = (double)lines.count * LINE_HEIGHT};
        }
    }
    layout_run(layout);
}

/* ---- SVG */

static double box_width(struct drawing *drawing, size_t stage, double *ret_loop)
{
    struct lines lines;
    edge_lines(drawing, (int)stage, (int)stage, &lines);
    *ret_loop = lines.count ? width_of(&lines) + 24 : 0;
    return drawing->layout.nodes[stage].width - *ret_loop;
}

static void put_lines(struct drawing *drawing, const struct lines *lines, double x, double y,
                      const char *class)
{
    for (size_t i = 0; i < lines->count; i++) {
        buffer_print(drawing->out, "<text class=\"%s%s\" x=\"%.0f\" y=\"%.0f\">", class,
                     i == 0 && strcmp(class, "s") == 0 ? " h" : "", x,
                     y + (double)(i + 1) * LINE_HEIGHT - 4);
        buffer_append_xml(drawing->out, slice_of(lines->items[i]));
        buffer_append_text(drawing->out, "</text>\n");
    }
}

static void put_stage(struct drawing *drawing, size_t index)
{
    static const char *const classes[] = {"open", "done", "failed", "cancelled"};
    const struct scene_stage *stage = &drawing->scene->stages[index];
    const struct layout_node *node = &drawing->layout.nodes[index];
    struct lines lines = {.count = 0};
    double loop, width = box_width(drawing, index, &loop), left = node->x - node->width / 2;
    box_lines(drawing, stage, &lines);
    buffer_print(drawing->out,
                 "<rect class=\"%s%s\" data-stage=\"%s\" x=\"%.0f\" y=\"%.0f\" "
                 "width=\"%.0f\" height=\"%.0f\" rx=\"8\"/>\n",
                 classes[stage->final], index == 0 ? " first" : "", stage->name, left,
                 node->y - node->height / 2, width, node->height);
    put_lines(drawing, &lines, left + width / 2, node->y - node->height / 2 + 6, "s");
    if (loop == 0)
        return;
    edge_lines(drawing, (int)index, (int)index, &lines);
    double right = left + width;
    buffer_print(drawing->out,
                 "<path class=\"e\" d=\"M%.0f,%.0f c24,-10 24,26 0,16\" "
                 "marker-end=\"url(#a)\"/>\n",
                 right, node->y - 8);
    put_lines(drawing, &lines, right + 20 + width_of(&lines) / 2,
              node->y - (double)lines.count * LINE_HEIGHT / 2, "t");
}

/* Where an edge leaves or enters a box: spread over its side in the order of the neighbours. */
static double port(const struct drawing *drawing, const struct layout_edge *edge, bool at_upper)
{
    const struct layout *layout = &drawing->layout;
    int node = edge->chain[at_upper ? 0 : edge->chain_count - 1];
    double own = layout->nodes[edge->chain[at_upper ? 1 : edge->chain_count - 2]].x;
    double before = 0, count = 0;
    for (size_t i = 0; i < layout->edge_count; i++) {
        const struct layout_edge *other = &layout->edges[i];
        if (other->chain[at_upper ? 0 : other->chain_count - 1] != node)
            continue;
        double x = layout->nodes[other->chain[at_upper ? 1 : other->chain_count - 2]].x;
        before += x < own || (x == own && other < edge);
        count++;
    }
    double spread = layout->nodes[node].width * 0.6;
    return layout->nodes[node].x + spread * ((before + 0.5) / count - 0.5);
}

static void put_edge(struct drawing *drawing, const struct layout_edge *edge)
{
    const struct layout *layout = &drawing->layout;
    size_t last = edge->chain_count - 1;
    double x = port(drawing, edge, true);
    const struct layout_node *top = &layout->nodes[edge->chain[0]];
    double y = top->y + top->height / 2;
    buffer_print(drawing->out, "<path class=\"e%s\" marker-%s=\"url(#a)\" d=\"M%.0f,%.0f",
                 edge->turned ? " b" : "", edge->turned ? "start" : "end", x, y);
    for (size_t i = 1; i <= last; i++) {
        const struct layout_node *node = &layout->nodes[edge->chain[i]];
        double to_x = i == last ? port(drawing, edge, false) : node->x;
        double to_y = node->y - node->height / 2;
        buffer_print(drawing->out, " C%.0f,%.0f %.0f,%.0f %.0f,%.0f", x, (y + to_y) / 2, to_x,
                     (y + to_y) / 2, to_x, to_y);
        if (i < last && node->height > 1)
            buffer_print(drawing->out, " L%.0f,%.0f", to_x, to_y + node->height);
        x = to_x;
        y = to_y + (i < last ? node->height : 0);
    }
    buffer_append_text(drawing->out, "\"/>\n");
}

static void put_label(struct drawing *drawing, const struct layout_edge *edge)
{
    struct lines lines;
    if (edge->label < 0)
        return;
    const struct layout_node *node = &drawing->layout.nodes[edge->label];
    edge_lines(drawing, edge->from, edge->to, &lines);
    buffer_print(drawing->out,
                 "<rect class=\"l\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\"/>\n",
                 node->x - node->width / 2, node->y - node->height / 2, node->width,
                 node->height);
    put_lines(drawing, &lines, node->x, node->y - node->height / 2, "t");
}

static const char style[] =
    "<style>text{font:12px 'Noto Sans CJK SC','Noto Sans SC',sans-serif;text-anchor:middle;"
    "fill:#1f2937}.h{font-weight:700;font-size:13px}.t{fill:#475569;font-size:11px}"
    ".title{font-size:16px;font-weight:700;text-anchor:start}.sub{fill:#475569;"
    "text-anchor:start}rect{fill:#fff;stroke:#64748b}.first{stroke:#1d4ed8;stroke-width:2.5}"
    ".done{fill:#ecfdf5;stroke:#047857}.failed{fill:#fef2f2;stroke:#b91c1c}"
    ".cancelled{fill:#f1f5f9;stroke:#475569}.l{fill:#fff;stroke:none;opacity:.92}"
    ".e{fill:none;stroke:#475569;stroke-width:1.3}.b{stroke:#b45309;stroke-dasharray:5 3}"
    "</style>\n";
static const char arrow[] =
    "<defs><marker id=\"a\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" "
    "markerWidth=\"8\" markerHeight=\"8\" orient=\"auto-start-reverse\"><path "
    "d=\"M0,0 L10,5 L0,10 z\" fill=\"#475569\"/></marker></defs>\n";

/* The height that title and name take. */
static double head_of(const struct drawing *drawing)
{
    return drawing->plain ? 0 : HEAD;
}

static void put_title(struct drawing *drawing)
{
    const struct scene *scene = drawing->scene;
    buffer_append_text(drawing->out, style);
    buffer_append_text(drawing->out, "<rect class=\"l\" width=\"100%\" height=\"100%\"/>\n");
    buffer_print(drawing->out, "<text class=\"title\" x=\"%d\" y=\"34\">", MARGIN);
    buffer_append_xml(drawing->out, slice_of(scene->title.zh ? scene->title.zh : scene->name));
    buffer_append_text(drawing->out, " · ");
    buffer_append_xml(drawing->out, slice_of(scene->title.en ? scene->title.en : ""));
    buffer_print(drawing->out, "</text>\n<text class=\"sub\" x=\"%d\" y=\"54\">%s v%lld</text>\n",
                 MARGIN, scene->name, (long long)scene->version);
}

static void put_head(struct drawing *drawing)
{
    const struct scene *scene = drawing->scene;
    double least = drawing->plain ? 0 : 480;
    double width = drawing->layout.width > least ? drawing->layout.width : least;
    double height = drawing->layout.height + head_of(drawing);
    buffer_print(drawing->out,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"%s\" "
                 "width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
                 scene->name, width + 2 * MARGIN, height + 2 * MARGIN, width + 2 * MARGIN,
                 height + 2 * MARGIN);
    if (!drawing->plain)
        put_title(drawing);
    buffer_append_text(drawing->out, arrow);
}

void scene_draw(const struct scene *scene, const struct policy *policy, unsigned manner,
                struct buffer *out)
{
    struct arena arena;
    struct drawing drawing = {.scene = scene,
                              .policy = policy,
                              .chinese = !(manner & SCENE_DRAW_ENGLISH),
                              .plain = manner & SCENE_DRAW_PLAIN,
                              .arena = &arena,
                              .out = out};
    REQUIRE(scene->stage_count > 0 && scene->name);
    arena_init(&arena, (size_t)1 << 30);
    make_graph(&drawing);
    put_head(&drawing);
    buffer_print(out, "<g transform=\"translate(%d,%d)\">\n", MARGIN,
                 (int)(MARGIN + head_of(&drawing)));
    for (size_t i = 0; i < drawing.layout.edge_count; i++)
        put_edge(&drawing, &drawing.layout.edges[i]);
    for (size_t i = 0; i < drawing.layout.edge_count; i++)
        put_label(&drawing, &drawing.layout.edges[i]);
    for (size_t i = 0; i < scene->stage_count; i++)
        put_stage(&drawing, i);
    buffer_append_text(out, "</g>\n</svg>\n");
    arena_release(&arena);
}
