/* What a firm is entitled to on a day: conditions in three values. "No" beats "unknown" in `all`,
 * "yes" beats it in `any`: a field that is missing matters only where the answer hangs on it. */
#include <stdlib.h>

#include "policy/relief_internal.h"

enum truth { NO, YES, OPEN };

struct asking {
    const struct relief *relief;
    const struct relief_firm *firm;
    struct arena *arena;
    struct words reasons[RELIEF_CONDITIONS_MAX + 2]; /* two of the window */
    size_t reason_count;
    const char *missing[RELIEF_FIELDS_MAX];
    size_t missing_count;
};

const char *relief_state_name(enum relief_state state)
{
    static const char *const names[] = {
#define X(id, name) [id] = name,
        RELIEF_STATE_TABLE(X)
#undef X
    };
    return names[state];
}

/* ---- Truth */

static bool same(const struct relief_field *field, const struct relief_value *a,
                 const struct relief_value *b)
{
    if (field->type == RELIEF_CODE)
        return slice_equal(a->text, b->text);
    return a->number >= b->number && a->number <= b->number;
}

static enum truth of_field(const struct asking *asking, const struct relief_condition *condition)
{
    const struct relief_field *field = &asking->relief->fields[condition->field];
    const struct relief_value *value = &asking->firm->values[condition->field];
    if (!value->known)
        return OPEN;
    if (condition->operation == RELIEF_AT_LEAST)
        return value->number >= condition->values[0].number ? YES : NO;
    if (condition->operation == RELIEF_AT_MOST)
        return value->number <= condition->values[0].number ? YES : NO;
    for (size_t i = 0; i < condition->count; i++)
        if (same(field, value, &condition->values[i]))
            return YES;
    return NO;
}

static enum truth truth_of(const struct asking *asking, const struct relief_condition *condition)
{
    if (condition->operation != RELIEF_ALL && condition->operation != RELIEF_ANY)
        return of_field(asking, condition);
    enum truth beats = condition->operation == RELIEF_ALL ? NO : YES;
    enum truth result = beats == NO ? YES : NO;
    for (size_t i = 0; i < condition->count; i++) {
        enum truth one = truth_of(asking, &condition->children[i]);
        if (one == beats)
            return beats;
        result = one == OPEN ? OPEN : result;
    }
    return result;
}

/* ---- Words */

static void put_value(const struct relief_field *field, const struct relief_value *value,
                      struct buffer *zh, struct buffer *en)
{
    char day[TIME_TEXT_BYTES];
    switch (field->type) {
    case RELIEF_ENUM:
        buffer_append_text(zh, field->choices[(size_t)value->number].title.zh);
        buffer_append_text(en, field->choices[(size_t)value->number].title.en);
        return;
    case RELIEF_BOOL:
        buffer_append_text(zh, value->number > 0 ? "是" : "否");
        buffer_append_text(en, value->number > 0 ? "yes" : "no");
        return;
    case RELIEF_NUMBER:
        buffer_print(zh, "%.15g", value->number);
        buffer_print(en, "%.15g", value->number);
        return;
    case RELIEF_DATE:
        time_format_date((int32_t)value->number, day);
        buffer_append_text(zh, day);
        buffer_append_text(en, day);
        return;
    default:
        buffer_append(zh, value->text.data, value->text.length);
        buffer_append(en, value->text.data, value->text.length);
    }
}

static struct words kept(struct arena *arena, struct buffer *zh, struct buffer *en)
{
    struct words words = {arena_copy(arena, buffer_slice(zh).data, zh->length),
                          arena_copy(arena, buffer_slice(en).data, en->length)};
    buffer_release(zh);
    buffer_release(en);
    return words;
}

static struct words must_be(const struct relief_field *field, enum relief_operator operation)
{
    bool date = field->type == RELIEF_DATE;
    if (operation == RELIEF_AT_LEAST)
        return (struct words){date ? "须不早于" : "须不低于", "must be at least"};
    if (operation == RELIEF_AT_MOST)
        return (struct words){date ? "须不晚于" : "须不超过", "must be at most"};
    return (struct words){"须为", "must be"};
}

/* "划型：大型（须为微型、小型）" / "Size class: large (must be micro or small)" */
static struct words field_words(const struct asking *asking,
                                const struct relief_condition *condition, bool holds)
{
    const struct relief_field *field = &asking->relief->fields[condition->field];
    struct buffer zh, en;
    buffer_init(&zh, 1 << 16);
    buffer_init(&en, 1 << 16);
    buffer_print(&zh, "%s：", field->title.zh);
    buffer_print(&en, "%s: ", field->title.en);
    put_value(field, &asking->firm->values[condition->field], &zh, &en);
    buffer_print(&zh, "（%s", must_be(field, condition->operation).zh);
    buffer_print(&en, " (%s ", must_be(field, condition->operation).en);
    for (size_t i = 0; i < condition->count; i++) {
        if (i) {
            buffer_append_text(&zh, "、");
            buffer_append_text(&en, i + 1 == condition->count ? " or " : ", ");
        }
        put_value(field, &condition->values[i], &zh, &en);
    }
    buffer_append_text(&zh, holds ? "，符合）" : "）");
    buffer_append_text(&en, holds ? ", and is)" : ")");
    return kept(asking->arena, &zh, &en);
}

static void add_reason(struct asking *asking, struct words words)
{
    REQUIRE(asking->reason_count < sizeof asking->reasons / sizeof *asking->reasons);
    asking->reasons[asking->reason_count++] = words;
}

static void add_missing(struct asking *asking, size_t field)
{
    const char *name = asking->relief->fields[field].name;
    for (size_t i = 0; i < asking->missing_count; i++)
        if (asking->missing[i] == name)
            return;
    asking->missing[asking->missing_count++] = name;
}

/* The conditions over fields that make it what it is; where it is open, the fields. */
static void explain(struct asking *asking, const struct relief_condition *condition,
                    enum truth truth)
{
    if (condition->operation != RELIEF_ALL && condition->operation != RELIEF_ANY) {
        if (truth == OPEN)
            add_missing(asking, condition->field);
        else
            add_reason(asking, field_words(asking, condition, truth == YES));
        return;
    }
    for (size_t i = 0; i < condition->count; i++)
        if (truth_of(asking, &condition->children[i]) == truth)
            explain(asking, &condition->children[i], truth);
}

/* ---- The window */

/* The same day N months later, or the month's last. */
static int32_t months_later(int32_t day, int months)
{
    char text[TIME_TEXT_BYTES];
    int64_t year = 0, month = 1, of_month = 1;
    time_format_date(day, text);
    REQUIRE(slice_to_int64((struct slice){text, 4}, 0, 9999, &year) &&
            slice_to_int64((struct slice){text + 5, 2}, 1, 12, &month) &&
            slice_to_int64((struct slice){text + 8, 2}, 1, 31, &of_month));
    month += months - 1;
    year += month / 12;
    month = month % 12 + 1;
    for (; of_month > 0; of_month--) {
        int32_t later;
        snprintf(text, sizeof text, "%04d-%02d-%02d", (int)year, (int)month, (int)of_month);
        if (time_parse_date(slice_of(text), &later))
            return later;
    }
    return RELIEF_DAY_NONE; /* beyond the calendar */
}

static int32_t edge_day(const struct asking *asking, const struct relief_edge *edge)
{
    if (edge->field < 0)
        return edge->day;
    const struct relief_value *value = &asking->firm->values[edge->field];
    return value->known ? months_later((int32_t)value->number, edge->months) : RELIEF_DAY_NONE;
}

static enum truth window_truth(struct asking *asking, const struct relief_rule *rule,
                               const struct relief_answer *answer, int32_t day)
{
    bool before = answer->from != RELIEF_DAY_NONE && day < answer->from;
    bool after = answer->until != RELIEF_DAY_NONE && day > answer->until;
    char text[TIME_TEXT_BYTES];
    if (before) {
        time_format_date(answer->from, text);
        add_reason(asking, (struct words){arena_print(asking->arena, "%s起才开始", text),
                                          arena_print(asking->arena, "begins on %s only", text)});
    }
    if (after) {
        time_format_date(answer->until, text);
        add_reason(asking, (struct words){arena_print(asking->arena, "已于%s截止", text),
                                          arena_print(asking->arena, "ended on %s", text)});
    }
    if (before || after)
        return NO;
    if (answer->from == RELIEF_DAY_NONE && rule->from.field >= 0)
        add_missing(asking, (size_t)rule->from.field);
    if (answer->until == RELIEF_DAY_NONE && rule->until.field >= 0)
        add_missing(asking, (size_t)rule->until.field);
    return answer->from == RELIEF_DAY_NONE || answer->until == RELIEF_DAY_NONE ? OPEN : YES;
}

/* ---- The whole */

static void decide_rule(struct asking *asking, const struct relief_rule *rule, int32_t day,
                        struct relief_answer *answer)
{
    asking->reason_count = asking->missing_count = 0;
    *answer = (struct relief_answer){.rule = rule,
                                     .from = edge_day(asking, &rule->from),
                                     .until = edge_day(asking, &rule->until)};
    enum truth within = window_truth(asking, rule, answer, day);
    enum truth needs = truth_of(asking, &rule->needs);
    enum truth all = within == NO || needs == NO ? NO : within == OPEN ? OPEN : needs;
    if (all == needs)
        explain(asking, &rule->needs, needs);
    else if (all == OPEN && needs == OPEN)
        explain(asking, &rule->needs, OPEN);
    answer->state = all == YES ? RELIEF_APPLIES : all == NO ? RELIEF_DOES_NOT : RELIEF_UNKNOWN;
    if (all == OPEN)
        asking->reason_count = 0;
    else
        asking->missing_count = 0;
    size_t reasons = asking->reason_count * sizeof *asking->reasons;
    size_t missing = asking->missing_count * sizeof *asking->missing;
    answer->reason_count = asking->reason_count;
    answer->missing_count = asking->missing_count;
    answer->reasons = memcpy(arena_alloc(asking->arena, reasons + 1), asking->reasons, reasons);
    answer->missing = memcpy(arena_alloc(asking->arena, missing + 1), asking->missing, missing);
}

void relief_decide(const struct relief *relief, const struct relief_firm *firm, int32_t day,
                   struct arena *arena, struct relief_answer **ret_answers)
{
    struct asking *asking = arena_alloc(arena, sizeof *asking);
    *asking = (struct asking){.relief = relief, .firm = firm, .arena = arena};
    *ret_answers = arena_alloc(arena, relief->rule_count * sizeof **ret_answers);
    for (size_t i = 0; i < relief->rule_count; i++) {
        decide_rule(asking, &relief->rules[i], day, &(*ret_answers)[i]);
        (*ret_answers)[i].asked = firm->asked[i];
    }
}

/* ---- Showing */

static void put_words(struct json_writer *writer, const char *key, const struct words *words)
{
    if (key)
        json_key(writer, key);
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(words->zh));
    json_field_text(writer, "en", slice_of(words->en));
    json_object_end(writer);
}

static void put_day(struct json_writer *writer, const char *key, int32_t day)
{
    char text[TIME_TEXT_BYTES];
    if (day == RELIEF_DAY_NONE)
        json_field_null(writer, key);
    else
        json_field_text(writer, key, slice_of(time_format_date(day, text)));
}

static void put_answer(struct json_writer *writer, const struct relief *relief,
                       const struct relief_answer *answer)
{
    const struct relief_rule *rule = answer->rule;
    json_object_begin(writer);
    json_field_text(writer, "rule", slice_of(rule->name));
    json_field_text(writer, "benefit", slice_of(relief->benefits[rule->benefit].name));
    json_field_text(writer, "state", slice_of(relief_state_name(answer->state)));
    put_day(writer, "from", answer->from);
    put_day(writer, "until", answer->until);
    put_words(writer, "title", &rule->title);
    put_words(writer, "gives", &rule->gives);
    put_words(writer, "department", &rule->department);
    json_key(writer, "hand_in");
    json_array_begin(writer);
    for (size_t i = 0; i < rule->hand_in_count; i++)
        put_words(writer, NULL, &rule->hand_in[i]);
    json_array_end(writer);
    json_field_text(writer, "source", slice_of(rule->source));
    json_key(writer, "reasons");
    json_array_begin(writer);
    for (size_t i = 0; i < answer->reason_count; i++)
        put_words(writer, NULL, &answer->reasons[i]);
    json_array_end(writer);
    json_key(writer, "missing");
    json_array_begin(writer);
    for (size_t i = 0; i < answer->missing_count; i++)
        json_put_text(writer, slice_of(answer->missing[i]));
    json_array_end(writer);
    if (answer->asked == RELIEF_ASKED_UNKNOWN)
        json_field_null(writer, "asked");
    else
        json_field_bool(writer, "asked", answer->asked == RELIEF_ASKED);
    json_object_end(writer);
}

void relief_put_answers(struct json_writer *writer, const struct relief *relief,
                        const struct relief_answer *answers)
{
    json_key(writer, "benefits");
    json_array_begin(writer);
    for (size_t i = 0; i < relief->rule_count; i++)
        put_answer(writer, relief, &answers[i]);
    json_array_end(writer);
    json_key(writer, "unasked");
    json_array_begin(writer);
    for (size_t i = 0; i < relief->rule_count; i++)
        if (relief_is_unasked(&answers[i]))
            json_put_text(writer, slice_of(answers[i].rule->name));
    json_array_end(writer);
}

static void print_answer(FILE *out, const struct relief_answer *answer)
{
    char until[TIME_TEXT_BYTES];
    const struct relief_rule *rule = answer->rule;
    fprintf(out, "  %-8s %s: %s / %s\n", relief_state_name(answer->state), rule->name,
            rule->title.zh, rule->title.en);
    if (answer->state == RELIEF_APPLIES) {
        time_format_date(answer->until, until);
        fprintf(out, "           %s / %s\n           until %s, %s / %s%s\n", rule->gives.zh,
                rule->gives.en, until, rule->department.zh, rule->department.en,
                relief_is_unasked(answer)       ? "; never asked"
                : answer->asked == RELIEF_ASKED ? "; asked"
                                                : "");
    }
    for (size_t i = 0; i < answer->reason_count; i++)
        fprintf(out, "           - %s / %s\n", answer->reasons[i].zh, answer->reasons[i].en);
    for (size_t i = 0; i < answer->missing_count; i++)
        fprintf(out, "           ? %s is missing\n", answer->missing[i]);
}

/* What a file gives must not steer a terminal. */
static const char *plain(struct slice text, char out[200])
{
    text_copy(out, 200, text);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    return out;
}

void relief_print_answers(FILE *out, const struct relief *relief, const struct relief_firm *firm,
                          const struct relief_answer *answers, bool only_unasked)
{
    char code[200], name[200];
    fprintf(out, "%s %s\n", plain(firm->code, code), plain(firm->name, name));
    for (size_t i = 0; i < relief->rule_count; i++)
        if (!only_unasked || relief_is_unasked(&answers[i]))
            print_answer(out, &answers[i]);
}

void relief_print_fields(FILE *out, const struct relief *relief)
{
    static const char *const forms[RELIEF_TYPE_COUNT] = {
        [RELIEF_BOOL] = "true or false",
        [RELIEF_NUMBER] = "a number",
        [RELIEF_DATE] = "YYYY-MM-DD",
        [RELIEF_CODE] = "a text",
    };
    fprintf(out, "code: which firm (required)\nname: its name\n"
                 "asked: rules or benefits that it asked for, apart by ';' (a list in JSON);"
                 " empty: none; no such column: not known\n");
    for (size_t i = 0; i < relief->field_count; i++) {
        const struct relief_field *field = &relief->fields[i];
        fprintf(out, "%s: %s / %s, ", field->name, field->title.zh, field->title.en);
        for (size_t k = 0; k < field->choice_count; k++)
            fprintf(out, "%s%s", k ? " | " : "", field->choices[k].name);
        fprintf(out, "%s\n", field->type == RELIEF_ENUM ? "" : forms[field->type]);
    }
}
