/* Strict YAML 1.2: one document becomes a tree in which every key and value knows its line, or one
 * JSON value. Anchors, aliases, tags, doubled keys, several documents, depth over 32 and more than
 * 1 MiB or 100 000 values are refused with their line. */
#ifndef CHENGMAI_POLICY_YAML_H
#define CHENGMAI_POLICY_YAML_H

#include "base/base.h"

enum yaml_shape { YAML_TEXT, YAML_LIST, YAML_MAP };

/* A value. Texts live in the arena of the tree; they are UTF-8 without NUL. */
struct yaml_node {
    enum yaml_shape shape;
    bool plain;                 /* a text without quotes: may mean a number, true, false, null */
    int line;                   /* from 1 */
    struct slice text;          /* YAML_TEXT, NUL-terminated */
    struct yaml_entry *entries; /* YAML_LIST, YAML_MAP; in file order */
    size_t count;
};
struct yaml_entry {
    struct slice key; /* YAML_MAP, NUL-terminated */
    int line;         /* of the key; in a list, of the value */
    struct yaml_node *value;
};

/* What is not as it must be. Where reading can go on it does: an anchor or a tag is passed over, an
 * alias becomes an empty text, of two equal keys the first is kept. */
struct yaml_fault {
    int line; /* 0: the file as a whole */
    bool too_large;
    const char *what, *expected;
};
enum { YAML_FAULTS_MAX = 64 };
struct yaml_tree {
    struct yaml_node *root; /* NULL where the reading could not go on */
    struct yaml_fault faults[YAML_FAULTS_MAX]; /* in file order; at the last one the reading ends */
    size_t fault_count;
};
/* Reads with all faults; the tree lives in `arena` (at most 64 MiB are taken). */
void yaml_read_tree(struct slice text, struct arena *arena, struct yaml_tree *ret_tree);

/* What a plain text means: nothing (empty, ~, null), true or false. */
bool yaml_is_null(const struct yaml_node *node);
bool yaml_is_bool(const struct yaml_node *node, bool *ret_value);

/* Reads into JSON and stops at the first fault. Plain texts that are whole numbers, decimals, true,
 * false or null become such; quoted ones stay texts. The caller owns *ret_document. */
bool yaml_read(struct slice text, const char *source, json_t **ret_document,
               struct error *err) MUST_USE;

#endif
