/* Inside the policy room only: relief rules in memory. */
#ifndef CHENGMAI_POLICY_RELIEF_INTERNAL_H
#define CHENGMAI_POLICY_RELIEF_INTERNAL_H

#include "policy/relief.h"

enum {
    RELIEF_FIELDS_MAX = 64,
    RELIEF_RULES_MAX = 128,
    RELIEF_BENEFITS_MAX = 16,
    RELIEF_CHOICES_MAX = 32,
    RELIEF_HAND_IN_MAX = 8,
    RELIEF_DEPTH_MAX = 8,
    RELIEF_CONDITIONS_MAX = 62, /* a rule */
    RELIEF_MONTHS_MAX = 120,
    RELIEF_CODE_BYTES_MAX = 64,
};

#define RELIEF_TYPE_TABLE(X)                                                                       \
    X(RELIEF_ENUM, "enum")                                                                         \
    X(RELIEF_BOOL, "bool")                                                                         \
    X(RELIEF_NUMBER, "number")                                                                     \
    X(RELIEF_DATE, "date")                                                                         \
    X(RELIEF_CODE, "code")
enum relief_type {
#define X(id, name) id,
    RELIEF_TYPE_TABLE(X)
#undef X
        RELIEF_TYPE_COUNT
};

struct relief_choice {
    const char *name;
    struct words title;
};
struct relief_field {
    const char *name;
    enum relief_type type;
    struct words title;
    struct relief_choice *choices; /* RELIEF_ENUM */
    size_t choice_count;
};

struct relief_value {
    bool known;
    double number;     /* choice, 0 or 1, number, day: all exact */
    struct slice text; /* RELIEF_CODE */
};

#define RELIEF_OPERATOR_TABLE(X)                                                                   \
    X(RELIEF_EQ, "eq")                                                                             \
    X(RELIEF_IN, "in")                                                                             \
    X(RELIEF_AT_LEAST, "at_least")                                                                 \
    X(RELIEF_AT_MOST, "at_most")                                                                   \
    X(RELIEF_ALL, "all")                                                                           \
    X(RELIEF_ANY, "any")
enum relief_operator {
#define X(id, name) id,
    RELIEF_OPERATOR_TABLE(X)
#undef X
        RELIEF_OPERATOR_COUNT
};
struct relief_condition {
    enum relief_operator operation;
    size_t field;                      /* not of all and any */
    struct relief_value *values;       /* likewise; one unless `in` */
    struct relief_condition *children; /* of all and any */
    size_t count;                      /* of values, or of children */
};

/* A day, or a number of months after the day that a field has. */
struct relief_edge {
    int32_t day; /* where field < 0 */
    int field;
    int months;
};
struct relief_rule {
    const char *name, *source;
    size_t benefit;
    struct words title, gives, department;
    struct words hand_in[RELIEF_HAND_IN_MAX];
    size_t hand_in_count;
    struct relief_edge from, until;
    struct relief_condition needs;
};

struct relief {
    struct arena texts;
    struct relief_choice benefits[RELIEF_BENEFITS_MAX];
    size_t benefit_count;
    struct relief_field fields[RELIEF_FIELDS_MAX];
    size_t field_count;
    struct relief_rule rules[RELIEF_RULES_MAX];
    size_t rule_count;
};

/* Index of a field; field_count where there is none. */
size_t relief_field_of(const struct relief *relief, struct slice name);
/* A value as JSON gives it, checked against the field; texts are kept in `arena`. ERROR_BAD_VALUE
 * names `place` and what the field takes. */
bool relief_value_from_json(const struct relief_field *field, json_t *given,
                            struct error_place place, struct arena *arena,
                            struct relief_value *ret_value, struct error *err) MUST_USE;
/* The same from the text of a cell. */
bool relief_value_from_text(const struct relief_field *field, struct slice given,
                            struct error_place place, struct arena *arena,
                            struct relief_value *ret_value, struct error *err) MUST_USE;

#endif
