/* Inside the scenes room only. */
#ifndef CHENGMAI_SCENES_INTERNAL_H
#define CHENGMAI_SCENES_INTERNAL_H

#include <stdio.h>

#include "policy/yaml.h"
#include "scenes/scenes.h"

/* The vocabulary has limits so that the proof stays quick; passing one is a finding. */
enum { STAGES_MAX = 128, FIELDS_MAX = 192, ITEMS_MAX = 64, NAME_BYTES_MAX = 40 };

/* ---- findings.c */

/* Appends a finding. The words say what is wrong and how to mend it. */
void scene_find(struct scene_findings *findings, int line, enum scene_rule rule,
                const char *format, ...) PRINTF_LIKE(4, 5);
/* The same with a counterexample; `path` must live as long as the findings. */
void scene_find_path(struct scene_findings *findings, int line, enum scene_rule rule,
                     const char *const *path, size_t path_count, const char *format, ...)
    PRINTF_LIKE(6, 7);
/* In order of lines, equal ones once. */
void scene_findings_order(struct scene_findings *findings);
/* " (did you mean 'X'?)" where one of the words is nearly `word`, else "". In the arena. */
const char *scene_guess(struct arena *arena, const char *word, const char *const *words,
                        size_t count);

/* ---- Reading: read.c, read_field.c, read_stage.c, read_condition.c */

struct reading {
    struct arena *arena;
    const struct policy *policy;
    struct scene_findings *findings;
    struct scene *scene;
};
/* One key of a map and what reads its value into `target`. */
struct key_form {
    const char *name;
    void (*read)(struct reading *reading, const struct yaml_entry *entry, void *target);
};
/* Reads a map by its table; unknown keys are findings. Sets bit i of *ret_seen for the keys that
 * stand there; false (and a finding) where it is no map. `what` names it in words. */
bool read_map(struct reading *reading, const struct yaml_node *node, const char *what,
              const struct key_form *forms, size_t count, void *target, uint64_t *ret_seen);
/* Each gives the value, or a finding and false. */
bool read_word(struct reading *reading, const struct yaml_node *node, const char *what,
               const char **ret_text);
bool read_identifier(struct reading *reading, const struct yaml_node *node, const char *what,
                     const char **ret_text);
bool read_duration(struct reading *reading, const struct yaml_node *node, const char *what,
                   int64_t *ret_seconds);
bool read_whole(struct reading *reading, const struct yaml_node *node, const char *what,
                int64_t low, int64_t high, int64_t *ret_value);
bool read_number(struct reading *reading, const struct yaml_node *node, const char *what,
                 double *ret_value);
bool read_bool(struct reading *reading, const struct yaml_node *node, const char *what,
               bool *ret_value);
/* A list of at most `max` items, at least `min`. */
bool read_items(struct reading *reading, const struct yaml_node *node, const char *what,
                size_t min, size_t max);
bool read_title(struct reading *reading, const struct yaml_node *node, struct words *ret_words);
/* A name as it stands; what it names is found out when all is read. */
bool read_name(struct reading *reading, const struct yaml_node *node, const char *what,
               struct scene_name *ret_name);
void read_names(struct reading *reading, const struct yaml_node *node, const char *what,
                struct scene_names *ret_names);
void read_fields(struct reading *reading, const struct yaml_entry *entry, void *target);
void read_stages(struct reading *reading, const struct yaml_entry *entry);
void read_conditions(struct reading *reading, const struct yaml_node *node,
                     struct scene_conditions *ret_conditions);
/* A role that exists, or a finding. */
bool read_role(struct reading *reading, const struct yaml_node *node, bool relations,
               const char **ret_role);
bool read_owner(struct reading *reading, const struct yaml_node *node,
                struct scene_owner *ret_owner);

/* ---- resolve.c: what the names of a scene name; unknown ones and doubled ones are findings. */
void scene_resolve(struct scene *scene, struct scene_findings *findings);

/* ---- Proving: types.c, graph.c, rules.c, guards.c, around.c */

/* What a condition's name holds: a field, an entry of a payload, or the subject. */
struct operand {
    enum scene_type type;
    bool list;
    const struct scene_field *field;     /* NULL for a payload entry */
    const struct scene_payload *payload; /* NULL for a field */
};
bool scene_operand(const struct scene *scene, const struct scene_event *event,
                   const struct scene_name *name, struct operand *ret_operand);
/* Number of choices of an enum operand, and each of them. */
size_t operand_choice_count(const struct operand *operand);
const char *operand_choice(const struct operand *operand, size_t index);
void scene_check_types(struct scene *scene, struct scene_findings *findings);

struct bits {
    uint64_t words[(FIELDS_MAX + 63) / 64];
};
static inline bool bits_has(const struct bits *bits, int index)
{
    return bits->words[index / 64] >> (index % 64) & 1;
}
static inline void bits_add(struct bits *bits, int index)
{
    bits->words[index / 64] |= (uint64_t)1 << (index % 64);
}

/* What is true at the entry of each stage on every path from the first one. */
struct assignment {
    bool reached;
    struct bits fields, visited;
};
/* One for each stage, in `arena`. */
struct assignment *scene_assign(const struct scene *scene, struct arena *arena);
/* Stages from the first one to `to` by the fewest transitions, leaving out those that require the
 * field `skip_field` and passing no stage `skip_stage` (−1: none). NULL where there is no way. */
const char *const *scene_path(const struct scene *scene, int to, int skip_field, int skip_stage,
                              struct arena *arena, size_t *ret_count);
void scene_check_graph(const struct scene *scene, struct scene_findings *findings);
void scene_check_owners(const struct scene *scene, const struct assignment *assigned,
                        struct scene_findings *findings);
void scene_check_clocks(const struct scene *scene, const struct assignment *assigned,
                        struct scene_findings *findings);
void scene_check_guards(const struct scene *scene, const struct assignment *assigned,
                        struct scene_findings *findings);
void scene_check_hands(const struct scene *scene, struct scene_findings *findings);
void scene_check_escalation(const struct scene *scene, struct scene_findings *findings);
void scene_check_retention(const struct scene *scene, struct scene_findings *findings);
/* Children, cycles over scenes, migrations. */
void scene_check_around(const struct scene *scene, const struct assignment *assigned,
                        struct scene_folder *folder, struct scene_findings *findings);
/* Whether a value given for `from` can be kept in `to`: type, list, and every choice. */
bool scene_field_takes(const struct scene_field *to, enum scene_type type, bool list,
                       const struct operand *from);

const char *scene_stage_title(const struct scene_stage *stage, bool chinese);
const char *scene_field_title(const struct scene_field *field, bool chinese);
/* Of a choice; its name where it has none. */
const char *scene_choice_title(const struct scene_field *field, const char *choice, bool chinese);

#endif
