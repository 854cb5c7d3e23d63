/* relief: which benefits a firm is entitled to, why or why not, until when, and which of them it
 * never asked for. Rules and the fields that they ask of a firm are data (policies/relief.yaml).
 * Pure: no clock, no state.
 *
 * What is not known of a firm is never taken for "no": a rule whose answer hangs on it is
 * RELIEF_UNKNOWN and names the fields that are missing. See docs/relief.md. */
#ifndef CHENGMAI_POLICY_RELIEF_H
#define CHENGMAI_POLICY_RELIEF_H

#include "policy/policy.h"

struct relief;
struct relief_rule;

/* The built-in file, or that of `directory_fd`/policies where it has one (−1: none). */
bool relief_open(int directory_fd, struct relief **ret_relief, struct error *err) MUST_USE;
/* Reads the rules from YAML, the whole of them or nothing: ERROR_BAD_VALUE names rule and field,
 * and what was expected. */
bool relief_read(struct slice yaml, const char *source, struct relief **ret_relief,
                 struct error *err) MUST_USE;
void relief_free(struct relief *relief); /* accepts NULL */

size_t relief_rule_count(const struct relief *relief);
const struct relief_rule *relief_rule_at(const struct relief *relief, size_t index);
/* Index of a rule; relief_rule_count where there is none. */
size_t relief_rule_of(const struct relief *relief, struct slice name);
const char *relief_rule_name(const struct relief_rule *rule);
/* The kind of benefit, as scenes/relief_application.yaml lists them: rent, tax, … */
size_t relief_benefit_count(const struct relief *relief);
const char *relief_benefit_name(const struct relief *relief, size_t index);

/* ---- Firms */

enum relief_asked {
    RELIEF_ASKED_UNKNOWN, /* nobody says what was asked */
    RELIEF_NEVER_ASKED,
    RELIEF_ASKED,
};
struct relief_value; /* of one field; inside the room */
struct relief_firm {
    struct slice code, name;           /* name may be empty */
    const struct relief_value *values; /* by field */
    enum relief_asked *asked;          /* by rule; as the file says it */
};
/* Reads firms from JSON (one object, an array, or NDJSON) or CSV with a header; `source` names the
 * text in errors. The whole of it is checked: unknown fields, wrong values and doubled codes are
 * refused with row and field. Firms live in `arena`, texts too. */
bool relief_firms_read(const struct relief *relief, struct slice text, const char *source,
                       struct arena *arena, struct relief_firm **ret_firms, size_t *ret_count,
                       struct error *err) MUST_USE;
/* The same from a file, at most 64 MiB; takes over `fd`. */
bool relief_firms_read_file(const struct relief *relief, int fd, const char *source,
                            struct arena *arena, struct relief_firm **ret_firms, size_t *ret_count,
                            struct error *err) MUST_USE;
/* Says that what the firm asked is known, and that it is nothing so far. */
void relief_nothing_asked(const struct relief *relief, struct relief_firm *firm);
/* Marks what an application asks for: the rule of that name, else all rules of the benefit; either
 * may be empty. False where it names neither: then all that is not known to be asked is unknown. */
bool relief_mark_asked(const struct relief *relief, struct relief_firm *firm, struct slice rule,
                       struct slice benefit);

/* ---- Answers */

#define RELIEF_STATE_TABLE(X)                                                                      \
    X(RELIEF_APPLIES, "applies")                                                                   \
    X(RELIEF_DOES_NOT, "does_not")                                                                 \
    X(RELIEF_UNKNOWN, "unknown")
enum relief_state {
#define X(id, name) id,
    RELIEF_STATE_TABLE(X)
#undef X
};
const char *relief_state_name(enum relief_state state);

enum { RELIEF_DAY_NONE = INT32_MIN };
struct relief_answer {
    const struct relief_rule *rule;
    enum relief_state state;
    int32_t from, until;         /* days that count, both included; RELIEF_DAY_NONE: not known */
    const struct words *reasons; /* conditions that hold, or that do not; empty where unknown */
    size_t reason_count;
    const char **missing; /* fields; empty unless unknown */
    size_t missing_count;
    enum relief_asked asked;
};
/* *ret_answers has relief_rule_count entries, in the order of the file; all of it in `arena`. */
void relief_decide(const struct relief *relief, const struct relief_firm *firm, int32_t day,
                   struct arena *arena, struct relief_answer **ret_answers);
/* Entitled on that day and known never to have asked. */
static inline bool relief_is_unasked(const struct relief_answer *answer)
{
    return answer->state == RELIEF_APPLIES && answer->asked == RELIEF_NEVER_ASKED;
}
/* Answers as JSON members of an open object ("benefits": […]). */
void relief_put_answers(struct json_writer *writer, const struct relief *relief,
                        const struct relief_answer *answers);
/* One firm's answers in words, a line a rule; with `only_unasked` those alone. */
void relief_print_answers(FILE *out, const struct relief *relief, const struct relief_firm *firm,
                          const struct relief_answer *answers, bool only_unasked);
/* What is asked of a firm, a line a field. */
void relief_print_fields(FILE *out, const struct relief *relief);

#endif
