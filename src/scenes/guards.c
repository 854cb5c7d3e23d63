/* Whether guards leave a case out. What a stage's guards ask becomes variables: a field has as many
 * cases as its constants cut it into, and "absent" where it may be; tests, elapsed times, hands and
 * the like are free yes or no. All cases are gone through, by deciding one variable after the other
 * and stopping where a guard holds already whatever the rest is. */
#include <math.h>
#include <stdlib.h>

#include "scenes/scenes_internal.h"

enum { VARIABLES_MAX = 1024, QUESTIONS_MAX = 1000000 };
enum { UNDECIDED = -2, ABSENT = -1 };
enum truth { NO, MAYBE, YES };

/* Cases of an ordered field with constants c0 < c1 …: 0 below c0, 1 at c0, 2 between, 3 at c1 … */
struct variable {
    const struct scene_condition *asked; /* first condition that asks it */
    bool free, ordered;
    struct operand operand;
    const char *const *texts; /* what is only equal or not; one case more is "another" */
    const long double *cuts;
    size_t constant_count;
    int *cases;
    size_t case_count;
    int chosen;
};

struct guard {
    const struct scene_transition *transition;
    bool by; /* part (b): free questions can be answered as needed, required fields are present */
};

struct cover {
    const struct scene *scene;
    const struct scene_event *event;
    const struct bits *always;
    struct arena *arena;
    struct guard guards[ITEMS_MAX];
    size_t guard_count;
    struct variable *variables;
    size_t variable_count;
    size_t *questions; /* that may still be asked of one scene */
    bool free_is_open; /* free questions are no variables: see struct guard */
};

/* ---- Variables */

static bool is_free(const struct scene_condition *condition)
{
    return condition->form == CONDITION_TEST || condition->form == CONDITION_ELAPSED ||
           condition->form == CONDITION_ACTED || condition->form == CONDITION_SEPARATE_HANDS ||
           condition->form == CONDITION_AREA_RISK || condition->form == CONDITION_CHILDREN;
}

static bool same_name(const struct scene_name *a, const struct scene_name *b)
{
    return a->target == b->target && a->index == b->index;
}

/* Whether two free questions are one. */
static bool same_question(const struct scene_condition *a, const struct scene_condition *b)
{
    if (a->form != b->form || !same_name(&a->name, &b->name) || a->positive != b->positive ||
        a->within != b->within || a->apart != b->apart || a->times != b->times ||
        a->risks != b->risks || a->stages.count != b->stages.count)
        return false;
    for (size_t i = 0; i < a->stages.count; i++)
        if (!same_name(&a->stages.items[i], &b->stages.items[i]))
            return false;
    return true;
}

static struct variable *variable_of(const struct cover *cover,
                                    const struct scene_condition *condition)
{
    for (size_t i = 0; i < cover->variable_count; i++) {
        struct variable *variable = &cover->variables[i];
        bool same = variable->free ? same_question(variable->asked, condition)
                                   : !is_free(condition) &&
                                         same_name(&variable->asked->name, &condition->name);
        if (same)
            return variable;
    }
    return NULL;
}

static bool is_ordered(enum scene_type type)
{
    return type == TYPE_INT || type == TYPE_NUMBER || type == TYPE_TIME || type == TYPE_DATE;
}

static long double constant_of(enum scene_type type, const struct scene_value *value)
{
    return type == TYPE_NUMBER ? (long double)value->real : (long double)value->whole;
}

/* Goes through the conditions that ask the same name as `variable`. */
static void each_constant(const struct cover *cover, const struct scene_condition *conditions,
                          size_t count, const struct variable *variable,
                          void (*act)(const struct scene_value *value, void *context),
                          void *context)
{
    for (size_t i = 0; i < count; i++) {
        const struct scene_condition *condition = &conditions[i];
        each_constant(cover, condition->parts, condition->part_count, variable, act, context);
        if ((condition->form == CONDITION_COMPARE || condition->form == CONDITION_IN) &&
            same_name(&condition->name, &variable->asked->name))
            for (size_t k = 0; k < condition->values.count; k++)
                act(&condition->values.items[k], context);
    }
}

struct constants {
    enum scene_type type;
    long double *cuts; /* with room for every constant that is there */
    const char **texts;
    size_t count;
};

static void count_constant(const struct scene_value *value, void *context)
{
    size_t *count = context;
    (void)value;
    ++*count;
}

static void add_cut(const struct scene_value *value, void *context)
{
    struct constants *constants = context;
    long double cut = constant_of(constants->type, value);
    size_t at = 0;
    while (at < constants->count && constants->cuts[at] < cut)
        at++;
    if (at < constants->count && constants->cuts[at] == cut)
        return;
    for (size_t i = constants->count++; i > at; i--)
        constants->cuts[i] = constants->cuts[i - 1];
    constants->cuts[at] = cut;
}

static void add_text(const struct scene_value *value, void *context)
{
    struct constants *constants = context;
    for (size_t i = 0; i < constants->count; i++)
        if (strcmp(constants->texts[i], value->text) == 0)
            return;
    constants->texts[constants->count++] = value->text;
}

static bool is_whole(enum scene_type type)
{
    return type != TYPE_NUMBER;
}

/* Whether an ordered field can have a value of that case within its min and max. */
static bool case_exists(const struct variable *variable, size_t number)
{
    const struct scene_field *field = variable->operand.field;
    long double min = field ? (long double)field->min : -(long double)INFINITY;
    long double max = field ? (long double)field->max : (long double)INFINITY;
    if (number % 2) {
        long double cut = variable->cuts[number / 2];
        return min <= cut && cut <= max;
    }
    bool first = number == 0, last = number / 2 == variable->constant_count;
    long double low = first ? -(long double)INFINITY : variable->cuts[number / 2 - 1];
    long double high = last ? (long double)INFINITY : variable->cuts[number / 2];
    if (!is_whole(variable->operand.type)) /* (low, high) and [min, max] meet */
        return min < high && max > low && low < high && min <= max;
    low = first ? ceill(min) : fmaxl(low + 1, ceill(min));
    high = last ? floorl(max) : fminl(high - 1, floorl(max));
    return low <= high;
}

static void make_cases(struct cover *cover, struct variable *variable,
                       const struct constants *constants)
{
    size_t count = 1; /* list, photo: present */
    if (variable->free || variable->operand.type == TYPE_BOOL)
        count = 2;
    else if (variable->operand.list)
        count = 1;
    else if (variable->operand.type == TYPE_ENUM)
        count = operand_choice_count(&variable->operand);
    else if (variable->ordered)
        count = 2 * constants->count + 1;
    else
        count = constants->count + 1;
    variable->cases = arena_alloc(cover->arena, (count + 1) * sizeof *variable->cases);
    const struct scene_name *name = &variable->asked->name;
    bool set = name->target == TARGET_FIELD && bits_has(cover->always, name->index);
    if (!variable->free && !set)
        variable->cases[variable->case_count++] = ABSENT;
    for (size_t i = 0; i < count; i++)
        if (!variable->ordered || variable->operand.list || case_exists(variable, i))
            variable->cases[variable->case_count++] = (int)i;
}

static void each_constant_of_guards(const struct cover *cover, const struct variable *variable,
                                    void (*act)(const struct scene_value *value, void *context),
                                    void *context)
{
    for (size_t g = 0; g < cover->guard_count; g++) {
        const struct scene_conditions *when = &cover->guards[g].transition->when;
        each_constant(cover, when->items, when->count, variable, act, context);
    }
}

static void add_variable(struct cover *cover, const struct scene_condition *condition)
{
    struct variable *variable = &cover->variables[cover->variable_count];
    struct constants constants = {0};
    *variable = (struct variable){
        .asked = condition, .free = is_free(condition), .chosen = UNDECIDED};
    if (!variable->free) {
        if (!scene_operand(cover->scene, cover->event, &condition->name, &variable->operand))
            return; /* the name is unknown, another finding says so */
        constants.type = variable->operand.type;
        variable->ordered = is_ordered(constants.type) && !variable->operand.list;
        size_t most = 1;
        each_constant_of_guards(cover, variable, count_constant, &most);
        constants.cuts = arena_alloc(cover->arena, most * sizeof *constants.cuts);
        constants.texts = arena_alloc(cover->arena, most * sizeof *constants.texts);
        each_constant_of_guards(cover, variable, variable->ordered ? add_cut : add_text,
                                &constants);
        variable->cuts = constants.cuts;
        variable->texts = constants.texts;
        variable->constant_count = constants.count;
    }
    cover->variable_count++;
    make_cases(cover, variable, &constants);
}

static void add_variables(struct cover *cover, const struct scene_condition *conditions,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct scene_condition *condition = &conditions[i];
        if (condition->form == CONDITION_NOT || condition->form == CONDITION_ANY)
            add_variables(cover, condition->parts, condition->part_count);
        else if (!(is_free(condition) && cover->free_is_open) && !variable_of(cover, condition)) {
            if (cover->variable_count == VARIABLES_MAX)
                *cover->questions = 0; /* told as too many cases: silence is no proof */
            else
                add_variable(cover, condition);
        }
    }
}

/* At most so many variables. */
static size_t count_questions(const struct scene_condition *conditions, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += 1 + count_questions(conditions[i].parts, conditions[i].part_count);
    return sum;
}

/* ---- Truth of a guard under what is decided */

static bool requires(const struct scene_transition *transition, const struct scene_name *name)
{
    for (size_t i = 0; i < transition->require.count; i++)
        if (name->target == TARGET_FIELD && same_name(&transition->require.items[i], name))
            return true;
    return false;
}

static bool holds(const struct variable *variable, const struct scene_value *value,
                  enum scene_operator comparison)
{
    int chosen = variable->chosen, place = 0;
    if (variable->operand.type == TYPE_BOOL) {
        place = (int)value->whole;
    } else if (variable->operand.type == TYPE_ENUM) {
        while (place < (int)operand_choice_count(&variable->operand) &&
               strcmp(operand_choice(&variable->operand, (size_t)place), value->text) != 0)
            place++;
    } else if (variable->ordered) {
        long double cut = constant_of(variable->operand.type, value);
        while (place < (int)variable->constant_count && variable->cuts[place] != cut)
            place++;
        place = 2 * place + 1;
    } else {
        while (place < (int)variable->constant_count &&
               strcmp(variable->texts[place], value->text) != 0)
            place++;
    }
    switch (comparison) {
    case OPERATOR_EQ:
        return chosen == place;
    case OPERATOR_NE:
        return chosen != place;
    case OPERATOR_LT:
        return chosen < place;
    case OPERATOR_LE:
        return chosen <= place;
    case OPERATOR_GT:
        return chosen > place;
    case OPERATOR_GE:
        return chosen >= place;
    }
    return false;
}

static enum truth truth_of_field(const struct variable *variable,
                                 const struct scene_condition *condition, bool given)
{
    if (condition->form == CONDITION_IS && given)
        return condition->present ? YES : NO;
    if (variable->chosen == UNDECIDED)
        return MAYBE;
    if (condition->form == CONDITION_IS)
        return condition->present == (variable->chosen != ABSENT) ? YES : NO;
    if (variable->chosen == ABSENT)
        return given ? MAYBE : NO;
    if (condition->form == CONDITION_COMPARE)
        return condition->values.count &&
                       holds(variable, condition->values.items, condition->comparison)
                   ? YES
                   : NO;
    for (size_t i = 0; i < condition->values.count; i++)
        if (holds(variable, &condition->values.items[i], OPERATOR_EQ))
            return YES;
    return NO;
}

static enum truth truth_of(const struct cover *cover, const struct guard *guard,
                           const struct scene_condition *condition)
{
    enum truth result = NO;
    if (condition->form == CONDITION_NOT)
        return condition->part_count
                   ? (enum truth)(YES - truth_of(cover, guard, condition->parts))
                   : MAYBE;
    if (condition->form == CONDITION_ANY) {
        for (size_t i = 0; result != YES && i < condition->part_count; i++) {
            enum truth part = truth_of(cover, guard, &condition->parts[i]);
            result = part > result ? part : result;
        }
        return result;
    }
    const struct variable *variable = variable_of(cover, condition);
    *cover->questions -= *cover->questions > 0;
    if (!variable)
        return MAYBE; /* a free question that is open, or an unknown name */
    if (variable->free && variable->chosen == UNDECIDED)
        return MAYBE;
    if (variable->free) /* "somebody acted" and "nobody acted" are one question */
        return variable->chosen == (condition->present == variable->asked->present) ? YES : NO;
    return truth_of_field(variable, condition,
                          guard->by && requires(guard->transition, &condition->name));
}

static enum truth truth_of_guard(const struct cover *cover, const struct guard *guard)
{
    const struct scene_conditions *when = &guard->transition->when;
    enum truth result = YES;
    for (size_t i = 0; result != NO && i < when->count; i++) {
        enum truth part = truth_of(cover, guard, &when->items[i]);
        result = part < result ? part : result;
    }
    return result;
}

/* ---- All cases */

/* An undecided variable that a condition asks. */
static struct variable *undecided(const struct cover *cover,
                                  const struct scene_condition *conditions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct scene_condition *condition = &conditions[i];
        bool parts = condition->form == CONDITION_NOT || condition->form == CONDITION_ANY;
        struct variable *found =
            parts ? undecided(cover, condition->parts, condition->part_count)
                  : variable_of(cover, condition);
        if (found && found->chosen == UNDECIDED)
            return found;
    }
    return NULL;
}

enum outcome { COVERED, OPEN, TOO_MANY };

static enum outcome try_cases(struct cover *cover)
{
    struct variable *next = NULL;
    if (*cover->questions == 0)
        return TOO_MANY;
    for (size_t g = 0; g < cover->guard_count; g++) {
        const struct guard *guard = &cover->guards[g];
        enum truth truth = truth_of_guard(cover, guard);
        struct variable *asked =
            truth == MAYBE ? undecided(cover, guard->transition->when.items,
                                       guard->transition->when.count)
                           : NULL;
        if (truth == YES || (truth == MAYBE && !asked))
            return COVERED;
        next = next ? next : asked;
    }
    if (!next)
        return OPEN;
    for (size_t i = 0; i < next->case_count; i++) {
        next->chosen = next->cases[i];
        enum outcome outcome = try_cases(cover);
        if (outcome != COVERED)
            return outcome; /* the case stays as it is decided, to be told */
    }
    next->chosen = UNDECIDED;
    return COVERED;
}

/* ---- Telling a case that is left out */

static void print_number(struct buffer *out, const struct variable *variable, size_t cut)
{
    char text[TIME_TEXT_BYTES];
    long double value = variable->cuts[cut];
    if (variable->operand.type == TYPE_TIME)
        buffer_append_text(out, time_format((timestamp)value, text));
    else if (variable->operand.type == TYPE_DATE)
        buffer_append_text(out, time_format_date((int32_t)value, text));
    else
        buffer_print(out, "%.15Lg", value);
}

static void print_ordered(struct buffer *out, const struct variable *variable, size_t number)
{
    size_t at = number / 2;
    if (variable->constant_count == 0) {
        buffer_append_text(out, "is present");
        return;
    }
    buffer_append_text(out, number % 2 ? "is " : number == 0 ? "is below " : "is above ");
    print_number(out, variable, number % 2 || number == 0 ? at : at - 1);
    if (number % 2 == 0 && number > 0 && at < variable->constant_count) {
        buffer_append_text(out, " and below ");
        print_number(out, variable, at);
    }
}

static void print_case(struct buffer *out, const struct cover *cover,
                       const struct variable *variable)
{
    size_t chosen = (size_t)variable->chosen;
    if (variable->free) {
        scene_condition_words(cover->scene, cover->event, variable->asked, false, out);
        buffer_append_text(out, chosen ? " (so)" : " (not so)");
        return;
    }
    buffer_print(out, "'%s' ", variable->asked->name.text);
    if (variable->chosen == ABSENT)
        buffer_append_text(out, "is absent");
    else if (variable->operand.list || variable->operand.type == TYPE_PHOTO)
        buffer_append_text(out, "is present");
    else if (variable->operand.type == TYPE_BOOL)
        buffer_append_text(out, chosen ? "is true" : "is false");
    else if (variable->operand.type == TYPE_ENUM)
        buffer_print(out, "is '%s'", operand_choice(&variable->operand, chosen));
    else if (variable->ordered)
        print_ordered(out, variable, chosen);
    else if (chosen < variable->constant_count)
        buffer_print(out, "is '%.40s'", variable->texts[chosen]);
    else
        buffer_append_text(out, variable->constant_count ? "is anything else" : "is present");
}

static const char *left_out(const struct cover *cover)
{
    struct buffer text;
    size_t told = 0;
    buffer_init(&text, 400);
    for (size_t i = 0; i < cover->variable_count; i++) {
        const struct variable *variable = &cover->variables[i];
        if (variable->chosen == UNDECIDED)
            continue;
        buffer_append_text(&text, told++ ? ", " : "");
        print_case(&text, cover, variable);
    }
    const char *words = arena_print(cover->arena, "%s", told ? text.data : "always");
    buffer_release(&text);
    return words;
}

/* ---- The two parts of the rule */

struct deciding {
    const struct scene *scene;
    const struct scene_stage *stage;
    const struct bits *always; /* fields that are set whenever a loop stands there */
    struct scene_findings *findings;
    struct arena scratch;
    size_t questions;
};

/* Goes through all cases of the transitions that `take` says; *ret_words: the case left out. */
static enum outcome decide(struct deciding *deciding, const struct scene_transition *like,
                           bool (*take)(const struct scene_transition *transition,
                                        const struct scene_transition *like),
                           const char **ret_words)
{
    const struct scene_stage *stage = deciding->stage;
    arena_clear(&deciding->scratch);
    struct cover *cover = arena_alloc(&deciding->scratch, sizeof *cover);
    *cover = (struct cover){.scene = deciding->scene,
                            .event = like->trigger == TRIGGER_ON ? like->event : NULL,
                            .always = deciding->always,
                            .arena = &deciding->scratch,
                            .questions = &deciding->questions,
                            .free_is_open = like->trigger == TRIGGER_BY};
    size_t most = 1;
    for (size_t i = 0; i < stage->next_count; i++) {
        if (!take(&stage->next[i], like))
            continue;
        cover->guards[cover->guard_count++] =
            (struct guard){&stage->next[i], like->trigger == TRIGGER_BY};
        most += count_questions(stage->next[i].when.items, stage->next[i].when.count);
    }
    cover->variables = arena_alloc(cover->arena, most * sizeof *cover->variables);
    for (size_t g = 0; g < cover->guard_count; g++)
        add_variables(cover, cover->guards[g].transition->when.items,
                      cover->guards[g].transition->when.count);
    enum outcome outcome = try_cases(cover);
    *ret_words = outcome == OPEN ? left_out(cover) : "";
    return outcome;
}

static bool same_event(const struct scene_transition *transition,
                       const struct scene_transition *like)
{
    return transition->trigger == TRIGGER_ON && transition->event &&
           transition->event == like->event && same_name(&transition->about, &like->about);
}

static bool same_moment(const struct scene_transition *transition,
                        const struct scene_transition *like)
{
    return transition->trigger == TRIGGER_AFTER && transition->after == like->after;
}

static bool same_hand(const struct scene_transition *transition,
                      const struct scene_transition *like)
{
    (void)like;
    return transition->trigger == TRIGGER_BY;
}

/* Whether somebody may always act, or time always moves the loop on: the transitions of one moment
 * together leave no case out. */
static bool has_unguarded_hand(const struct scene_stage *stage)
{
    for (size_t i = 0; i < stage->next_count; i++)
        if (stage->next[i].trigger == TRIGGER_BY && stage->next[i].when.count == 0)
            return true;
    return false;
}

static bool has_sure_moment(struct deciding *deciding)
{
    const struct scene_stage *stage = deciding->stage;
    const char *words;
    for (size_t i = 0; i < stage->next_count; i++) {
        bool first = stage->next[i].trigger == TRIGGER_AFTER;
        for (size_t k = 0; first && k < i; k++)
            first = !same_moment(&stage->next[k], &stage->next[i]);
        if (first && decide(deciding, &stage->next[i], same_moment, &words) == COVERED)
            return true;
    }
    return false;
}

static void find_open(const struct deciding *deciding, const struct scene_transition *transition,
                      enum outcome outcome, const char *words)
{
    struct scene_findings *findings = deciding->findings;
    const struct scene_stage *stage = deciding->stage;
    if (outcome == TOO_MANY)
        scene_find(findings, transition->line, RULE_GUARDS_NOT_EXHAUSTIVE,
                   "the guards of '%s' have too many cases to go through: ask fewer things at "
                   "once, or add a transition without a guard",
                   stage->name);
    else if (transition->trigger == TRIGGER_ON && transition->event)
        scene_find(findings, transition->line, RULE_GUARDS_NOT_EXHAUSTIVE,
                   "in '%s' the event %s may find no way: %s; cover this case, or add a by "
                   "without a guard or an after",
                   stage->name, transition->event->name, words);
    else
        scene_find(findings, transition->line, RULE_GUARDS_NOT_EXHAUSTIVE,
                   "in '%s' it may be that nobody can act: %s; cover this case, or add a by "
                   "without a guard or an after",
                   stage->name, words);
}

static void check_stage(struct deciding *deciding)
{
    static const struct scene_transition by = {.trigger = TRIGGER_BY};
    const struct scene_stage *stage = deciding->stage;
    const char *words;
    bool awaits = false, hand = has_unguarded_hand(stage);
    if (stage->next_count == 0 || has_sure_moment(deciding))
        return;
    for (size_t i = 0; i < stage->next_count; i++) {
        const struct scene_transition *transition = &stage->next[i];
        bool first = transition->trigger == TRIGGER_ON && transition->event;
        awaits = awaits || transition->trigger == TRIGGER_ON;
        for (size_t k = 0; first && k < i; k++)
            first = !same_event(&stage->next[k], transition);
        if (!first || hand)
            continue;
        enum outcome outcome = decide(deciding, transition, same_event, &words);
        if (outcome != COVERED)
            find_open(deciding, transition, outcome, words);
    }
    if (awaits || hand)
        return;
    enum outcome outcome = decide(deciding, &by, same_hand, &words);
    if (outcome != COVERED)
        find_open(deciding, &stage->next[0], outcome, words);
}

void scene_check_guards(const struct scene *scene, const struct assignment *assigned,
                        struct scene_findings *findings)
{
    struct deciding deciding = {.scene = scene, .findings = findings, .questions = QUESTIONS_MAX};
    arena_init(&deciding.scratch, 64 << 20);
    for (size_t s = 0; s < scene->stage_count; s++) {
        deciding.stage = &scene->stages[s];
        deciding.always = &assigned[s].fields;
        if (!deciding.stage->final)
            check_stage(&deciding);
    }
    arena_release(&deciding.scratch);
}
