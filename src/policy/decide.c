/* decide(): evidence → intervals → colour.
 *
 * Every piece gives intervals [start, end) of one colour; an interval never starts before its piece
 * was recorded, and an annulment cuts it. The colour at a moment is the worst active interval, after
 * overrides have lowered those that may be lowered. Between the ends of intervals nothing changes,
 * so that `since` and `until` are found by walking those ends.
 *
 * Rules and choices: domain.md §1.2, §1.5, §3.1, §11; the numbers are the rule set's. */
#include "policy/policy_internal.h"

#include <stdlib.h>

enum { INTERVALS_A_PIECE = 2 };

struct interval {
    timestamp start, end; /* TIMESTAMP_NEVER: no end */
    enum color color;
    const struct evidence *piece;
    const char *rule;
    bool fixed; /* a case, a single-tube positive: see override_may_cap */
};

struct scene_of_evidence {
    const struct rule_set *rules;
    const struct evidence **pieces; /* known at `now`, by number */
    size_t count;
    const struct evidence **negatives; /* those that count as conditions */
    size_t negative_count;
    struct interval *intervals;
    size_t interval_count;
    struct interval *overrides;
    size_t override_count;
    timestamp now;
};

static timestamp days(const struct scene_of_evidence *s, enum rule_number number)
{
    return s->rules->numbers[number] * DAY;
}
static timestamp hours(const struct scene_of_evidence *s, enum rule_number number)
{
    return s->rules->numbers[number] * HOUR;
}
static timestamp later(timestamp a, timestamp b)
{
    return a > b ? a : b;
}
static timestamp earlier(timestamp a, timestamp b)
{
    return a < b ? a : b;
}

/* Earliest moment at which the piece was annulled; TIMESTAMP_NEVER where it was not. */
static timestamp annulled_at(const struct scene_of_evidence *s, const struct evidence *piece)
{
    timestamp at = TIMESTAMP_NEVER;
    for (size_t i = 0; i < s->count; i++)
        if (s->pieces[i]->kind == EVIDENCE_ANNUL && s->pieces[i]->of == piece->no)
            at = earlier(at, s->pieces[i]->at);
    return at;
}

/* An annulled condition counts as if it had never been there. */
static bool counts(const struct scene_of_evidence *s, const struct evidence *piece)
{
    return annulled_at(s, piece) == TIMESTAMP_NEVER;
}

/* Earliest `at` of the pieces of that kind that refer to `piece`; TIMESTAMP_NEVER where none. */
static timestamp earliest_of(const struct scene_of_evidence *s, enum evidence_kind kind,
                             const struct evidence *piece)
{
    timestamp at = TIMESTAMP_NEVER;
    for (size_t i = 0; i < s->count; i++)
        if (s->pieces[i]->kind == kind && s->pieces[i]->of == piece->no &&
            counts(s, s->pieces[i]))
            at = earlier(at, s->pieces[i]->at);
    return at;
}

static bool is_negative(const struct scene_of_evidence *s, const struct evidence *piece)
{
    return piece->kind == EVIDENCE_PCR && piece->detail == RESULT_NEGATIVE && counts(s, piece);
}

/* Earliest report of a negative sampled at or after `sampled_from`; TIMESTAMP_NEVER where none. */
static timestamp negative_reported(const struct scene_of_evidence *s, timestamp sampled_from,
                                   bool single_tube)
{
    timestamp at = TIMESTAMP_NEVER;
    for (size_t i = 0; i < s->negative_count; i++) {
        const struct evidence *pcr = s->negatives[i];
        if (pcr->at >= sampled_from && (!single_tube || pcr->tube_size == 1))
            at = earlier(at, pcr->until);
    }
    return at;
}

static void add(struct scene_of_evidence *s, const struct evidence *piece, const char *rule,
                enum color color, timestamp start, timestamp end)
{
    start = later(start, piece->recorded_at);
    end = earlier(end, annulled_at(s, piece));
    if (start >= end)
        return;
    bool fixed = piece->kind == EVIDENCE_CASE || piece->kind == EVIDENCE_PCR;
    s->intervals[s->interval_count++] = (struct interval){start, end, color, piece, rule, fixed};
}

/* ---- One function a rule */

static void add_case(struct scene_of_evidence *s, const struct evidence *piece)
{
    timestamp discharge = earliest_of(s, EVIDENCE_DISCHARGE, piece);
    if (discharge == TIMESTAMP_NEVER) {
        add(s, piece, "case.red", COLOR_RED, piece->at, TIMESTAMP_NEVER);
        return;
    }
    timestamp red_end = discharge + days(s, RULE_CASE_RED);
    add(s, piece, "case.red", COLOR_RED, piece->at, red_end);
    add(s, piece, "case.yellow", COLOR_YELLOW, red_end, discharge + days(s, RULE_CASE_YELLOW));
}

static void add_red_then_yellow(struct scene_of_evidence *s, const struct evidence *piece,
                                const char *red_rule, const char *yellow_rule,
                                enum rule_number red, enum rule_number yellow, timestamp from)
{
    timestamp red_end = piece->at + days(s, red);
    add(s, piece, red_rule, COLOR_RED, from, red_end);
    add(s, piece, yellow_rule, COLOR_YELLOW, later(from, red_end), piece->at + days(s, yellow));
}

static void add_secondary_contact(struct scene_of_evidence *s, const struct evidence *piece)
{
    add(s, piece, "secondary_contact.red", COLOR_RED, TIMESTAMP_NONE,
        piece->at + days(s, RULE_SECONDARY_CONTACT_RED));
    for (size_t i = 0; i < s->count; i++) {
        const struct evidence *source = s->pieces[i];
        if (source->kind == EVIDENCE_SOURCE_POSITIVE && source->of == piece->no &&
            counts(s, source))
            add_red_then_yellow(s, piece, "source_positive.red", "source_positive.yellow",
                                RULE_SOURCE_POSITIVE_RED, RULE_SOURCE_POSITIVE_YELLOW,
                                later(source->at, source->recorded_at));
    }
}

static void add_risk_area_resident(struct scene_of_evidence *s, const struct evidence *piece)
{
    timestamp lift = earliest_of(s, EVIDENCE_RISK_AREA_LIFT, piece), end = TIMESTAMP_NEVER;
    for (size_t i = 0; lift != TIMESTAMP_NEVER && i < s->negative_count; i++) {
        const struct evidence *pcr = s->negatives[i];
        if (pcr->at < lift - hours(s, RULE_LIFT_NEGATIVE))
            continue;
        if (pcr->until > lift)
            end = earlier(end, pcr->until);
        else if (pcr->at <= lift)
            end = earlier(end, lift);
    }
    add(s, piece, "risk_area_resident.red", COLOR_RED, piece->at, end);
}

static void add_spatiotemporal(struct scene_of_evidence *s, const struct evidence *piece)
{
    timestamp pair = TIMESTAMP_NEVER;
    for (size_t i = 0; i < s->negative_count; i++)
        for (size_t k = 0; k < s->negative_count; k++) {
            const struct evidence *a = s->negatives[i], *b = s->negatives[k];
            if (a != b && a->at > piece->at && b->at > piece->at &&
                b->at - a->at >= hours(s, RULE_SPATIOTEMPORAL_APART))
                pair = earlier(pair, later(a->until, b->until));
        }
    timestamp end = pair == TIMESTAMP_NEVER
                        ? TIMESTAMP_NEVER
                        : later(pair, piece->at + days(s, RULE_SPATIOTEMPORAL_DAYS));
    add(s, piece, "spatiotemporal.yellow", COLOR_YELLOW, piece->at, end);
}

static void add_pcr(struct scene_of_evidence *s, const struct evidence *piece)
{
    if (piece->detail == RESULT_NEGATIVE)
        return;
    if (piece->tube_size == 1 && piece->detail == RESULT_POSITIVE)
        add(s, piece, "pcr.red", COLOR_RED, piece->until, TIMESTAMP_NEVER);
    else
        add(s, piece, "pcr.yellow", COLOR_YELLOW, piece->until,
            negative_reported(s, piece->until, true));
}

static void add_intervals(struct scene_of_evidence *s, const struct evidence *piece)
{
    switch (piece->kind) {
    case EVIDENCE_CASE:
        add_case(s, piece);
        break;
    case EVIDENCE_CLOSE_CONTACT:
        add_red_then_yellow(s, piece, "close_contact.red", "close_contact.yellow",
                            RULE_CLOSE_CONTACT_RED, RULE_CLOSE_CONTACT_YELLOW, TIMESTAMP_NONE);
        break;
    case EVIDENCE_SECONDARY_CONTACT:
        add_secondary_contact(s, piece);
        break;
    case EVIDENCE_INBOUND:
        add_red_then_yellow(s, piece, "inbound.red", "inbound.yellow", RULE_INBOUND_RED,
                            RULE_INBOUND_YELLOW, TIMESTAMP_NONE);
        break;
    case EVIDENCE_AREA_STAY:
        add_red_then_yellow(s, piece, "area_stay.red", "area_stay.yellow", RULE_AREA_STAY_RED,
                            RULE_AREA_STAY_YELLOW, TIMESTAMP_NONE);
        break;
    case EVIDENCE_RISK_AREA_RESIDENT:
        add_risk_area_resident(s, piece);
        break;
    case EVIDENCE_ZONE_RESIDENT:
        if (piece->detail != ZONE_PRECAUTION)
            add(s, piece, "zone_resident.yellow", COLOR_YELLOW, piece->at,
                earliest_of(s, EVIDENCE_ZONE_LIFT, piece));
        break;
    case EVIDENCE_SPATIOTEMPORAL:
        add_spatiotemporal(s, piece);
        break;
    case EVIDENCE_SYMPTOMS:
        add(s, piece, "symptoms.yellow", COLOR_YELLOW, piece->at,
            negative_reported(s, piece->at, false));
        break;
    case EVIDENCE_ISOLATION_POST:
        add(s, piece, "isolation_post.red", COLOR_RED, piece->at, piece->until);
        break;
    case EVIDENCE_PCR:
        add_pcr(s, piece);
        break;
    default: /* conditions of others, and overrides */
        break;
    }
}

/* ---- Overrides */

static bool same_text(struct slice a, struct slice b)
{
    return slice_equal(a, b);
}

/* NULL where the override is valid, else why it is ignored. */
static const char *override_fault(const struct rule_set *rules, const struct evidence *piece)
{
    size_t different = 0;
    bool known = false;
    for (size_t i = 0; i < piece->approver_count; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again |= same_text(piece->approvers[i], piece->approvers[k]);
        if (same_text(piece->approvers[i], piece->requester))
            return "the requester is among the approvers";
        different += !again;
    }
    if (different < (size_t)rules->numbers[RULE_OVERRIDE_APPROVERS])
        return "not enough different approvers";
    for (size_t i = 0; i < rules->reason_code_count; i++)
        known |= slice_equal(piece->reason_code, slice_of(rules->reason_codes[i]));
    if (!known)
        return "the reason code is not one of the rule set's";
    if (piece->until <= piece->at)
        return "it expires before it begins";
    if (piece->until - piece->at > rules->numbers[RULE_OVERRIDE_DAYS] * DAY)
        return "it lasts longer than allowed";
    return NULL;
}

static bool override_may_cap(const struct interval *override, const struct interval *interval)
{
    if (interval->color != COLOR_RED || !interval->fixed)
        return true;
    return interval->piece->kind == EVIDENCE_PCR && interval->piece->until < override->piece->at;
}

static bool active(const struct interval *interval, timestamp at)
{
    return interval->start <= at && at < interval->end;
}

static bool lowers(const struct interval *override, const struct interval *interval, timestamp at)
{
    return active(override, at) && active(interval, at) && override->color < interval->color &&
           override_may_cap(override, interval);
}

/* The colour at a moment; *ret_worst is the worst before overrides. */
static enum color color_at(const struct scene_of_evidence *s, timestamp at, enum color *ret_worst)
{
    enum color color = COLOR_GREEN, worst = COLOR_GREEN;
    for (size_t i = 0; i < s->interval_count; i++) {
        const struct interval *interval = &s->intervals[i];
        if (!active(interval, at))
            continue;
        enum color capped = interval->color;
        for (size_t k = 0; k < s->override_count; k++)
            if (lowers(&s->overrides[k], interval, at) && s->overrides[k].color < capped)
                capped = s->overrides[k].color;
        color = capped > color ? capped : color;
        worst = interval->color > worst ? interval->color : worst;
    }
    *ret_worst = worst;
    return color;
}

/* ---- since, until */

/* Nearest end of an interval or override after `at` (or before or at it). */
static timestamp bound_after(const struct scene_of_evidence *s, timestamp at)
{
    timestamp next = TIMESTAMP_NEVER;
    for (size_t i = 0; i < s->interval_count + s->override_count; i++) {
        const struct interval *x = i < s->interval_count ? &s->intervals[i]
                                                         : &s->overrides[i - s->interval_count];
        if (x->start > at)
            next = earlier(next, x->start);
        if (x->end > at)
            next = earlier(next, x->end);
    }
    return next;
}
static timestamp bound_before(const struct scene_of_evidence *s, timestamp at)
{
    timestamp last = TIMESTAMP_NONE;
    for (size_t i = 0; i < s->interval_count + s->override_count; i++) {
        const struct interval *x = i < s->interval_count ? &s->intervals[i]
                                                         : &s->overrides[i - s->interval_count];
        if (x->start <= at)
            last = later(last, x->start);
        if (x->end <= at)
            last = later(last, x->end);
    }
    return last;
}

static void find_stretch(const struct scene_of_evidence *s, struct decision *decision)
{
    enum color worst;
    timestamp until = s->now;
    do
        until = bound_after(s, until);
    while (until != TIMESTAMP_NEVER && color_at(s, until, &worst) == decision->color);
    decision->until = until == TIMESTAMP_NEVER ? TIMESTAMP_NONE : until;
    decision->next_color =
        until == TIMESTAMP_NEVER ? decision->color : color_at(s, until, &worst);
    timestamp since = bound_before(s, s->now);
    while (since != TIMESTAMP_NONE && color_at(s, since - 1, &worst) == decision->color)
        since = bound_before(s, since - 1);
    decision->since = since;
}

/* ---- Words */

static const char *const color_zh[] = {"绿码", "黄码", "红码", "未知"};
static const char *const color_en[] = {"green", "yellow", "red", "unknown"};

#define RULE_WORDS_TABLE(X)                                                                        \
    X("case.", "确诊或无症状感染", "confirmed or asymptomatic infection")                          \
    X("close_contact.", "密切接触，最后接触", "close contact, last exposure")                      \
    X("secondary_contact.", "密接的密接，最后接触", "contact of a close contact, last exposure")   \
    X("source_positive.", "所接触的密接已转阳，最后接触",                                          \
      "the source contact tested positive, last exposure")                                         \
    X("inbound.", "入境", "entry from abroad")                                                     \
    X("area_stay.", "离开中高风险区", "left a mid- or high-risk area")                             \
    X("risk_area_resident.", "居住在中高风险区，起始", "resident of a mid- or high-risk area from")\
    X("zone_resident.", "居住在封控或管控区，起始", "resident of a lockdown or restricted zone from")\
    X("spatiotemporal.", "时空伴随", "spatiotemporal cohort")                                      \
    X("symptoms.", "出现相关症状", "symptoms reported")                                            \
    X("isolation_post.", "高风险岗位闭环期，起始", "closed-loop duty from")                        \
    X("pcr.red", "核酸单管阳性，采样", "positive single-tube PCR, sampled")                        \
    X("pcr.yellow", "混管阳性或结果可疑，待单管复核，采样",                                        \
      "pooled positive or inconclusive PCR awaiting a single-tube retest, sampled")

static struct words words_of(const struct interval *interval, struct arena *arena)
{
    static const struct {
        const char *prefix, *zh, *en;
    } table[] = {
#define X(prefix, zh, en) {prefix, zh, en},
        RULE_WORDS_TABLE(X)
#undef X
    };
    char at[TIME_TEXT_BYTES], end[TIME_TEXT_BYTES] = "";
    time_format(interval->piece->at, at);
    if (interval->end != TIMESTAMP_NEVER)
        time_format(interval->end, end);
    size_t row = 0;
    while (row + 1 < sizeof table / sizeof *table &&
           strncmp(interval->rule, table[row].prefix, strlen(table[row].prefix)) != 0)
        row++;
    return (struct words){
        arena_print(arena, "%s %.10s %.5s：%s%s%.10s%s%.5s", table[row].zh, at, at + 11,
                    color_zh[interval->color], end[0] ? "到 " : "，到另有结果或通知为止",
                    end, end[0] ? " " : "", end[0] ? end + 11 : ""),
        arena_print(arena, "%s %.10s %.5s: %s%s%.10s%s%.5s", table[row].en, at, at + 11,
                    color_en[interval->color], end[0] ? " until " : " until a result or notice",
                    end, end[0] ? " " : "", end[0] ? end + 11 : "")};
}

static struct words override_words(const struct interval *override, struct arena *arena)
{
    char end[TIME_TEXT_BYTES];
    time_format(override->end, end);
    return (struct words){
        arena_print(arena, "经双人批准的更正（%.*s）：不高于%s，到 %.10s %.5s",
                    SLICE_ARG(override->piece->reason_code), color_zh[override->color], end,
                    end + 11),
        arena_print(arena, "correction approved by two (%.*s): at most %s until %.10s %.5s",
                    SLICE_ARG(override->piece->reason_code), color_en[override->color], end,
                    end + 11)};
}

static void give_reasons(const struct scene_of_evidence *s, enum color worst,
                         struct arena *arena, struct decision *decision)
{
    struct decision_reason *reasons =
        arena_alloc(arena, (s->interval_count + s->override_count) * sizeof *reasons);
    size_t count = 0;
    for (size_t i = 0; worst != COLOR_GREEN && i < s->interval_count; i++) {
        const struct interval *interval = &s->intervals[i];
        bool again = count && reasons[count - 1].evidence == interval->piece->no;
        if (active(interval, s->now) && interval->color == worst && !again)
            reasons[count++] = (struct decision_reason){interval->rule, interval->piece->no,
                                                        words_of(interval, arena)};
    }
    for (size_t k = 0; k < s->override_count; k++) {
        bool lowered = false;
        for (size_t i = 0; i < s->interval_count; i++)
            lowered |= lowers(&s->overrides[k], &s->intervals[i], s->now);
        if (lowered)
            reasons[count++] = (struct decision_reason){"override", s->overrides[k].piece->no,
                                                        override_words(&s->overrides[k], arena)};
    }
    decision->reasons = reasons;
    decision->reason_count = count;
}

/* ---- The whole */

static int compare_pieces(const void *a, const void *b)
{
    const struct evidence *x = *(const struct evidence *const *)a;
    const struct evidence *y = *(const struct evidence *const *)b;
    return (x->no > y->no) - (x->no < y->no);
}

static void take_overrides(struct scene_of_evidence *s, struct arena *arena,
                           struct decision *decision)
{
    struct decision_ignored *ignored = arena_alloc(arena, s->count * sizeof *ignored);
    decision->ignored = ignored;
    for (size_t i = 0; i < s->count; i++) {
        const struct evidence *piece = s->pieces[i];
        if (piece->kind != EVIDENCE_OVERRIDE)
            continue;
        const char *fault = override_fault(s->rules, piece);
        if (fault) {
            ignored[decision->ignored_count++] = (struct decision_ignored){piece->no, fault};
            continue;
        }
        timestamp start = later(piece->at, piece->recorded_at);
        timestamp end = earlier(piece->until, annulled_at(s, piece));
        if (start < end)
            s->overrides[s->override_count++] = (struct interval){
                start, end, (enum color)piece->detail, piece, "override", false};
    }
}

/* The usual person of a city: nothing but negatives. */
static bool only_negatives(const struct evidence *evidence, size_t count, timestamp now,
                           struct decision *decision)
{
    for (size_t i = 0; i < count; i++) {
        if (evidence[i].kind != EVIDENCE_PCR || evidence[i].detail != RESULT_NEGATIVE)
            return false;
        bool known = evidence[i].recorded_at <= now && evidence[i].until <= now;
        if (known && evidence[i].at > decision->last_negative_sampled_at)
            decision->last_negative_sampled_at = evidence[i].at;
    }
    return true;
}

void policy_decide(const struct rule_set *rules, const struct evidence *evidence, size_t count,
                   timestamp now, bool with_words, struct arena *arena,
                   struct decision *ret_decision)
{
    struct decision decision = {.color = COLOR_GREEN,
                                .next_color = COLOR_GREEN,
                                .since = TIMESTAMP_NONE,
                                .until = TIMESTAMP_NONE,
                                .last_negative_sampled_at = TIMESTAMP_NONE};
    if (only_negatives(evidence, count, now, &decision)) {
        *ret_decision = decision;
        return;
    }
    decision.last_negative_sampled_at = TIMESTAMP_NONE;
    struct scene_of_evidence s = {.rules = rules, .now = now};
    s.pieces = arena_alloc(arena, count * sizeof *s.pieces);
    size_t sources = 0;
    for (size_t i = 0; i < count; i++)
        if (evidence[i].recorded_at <= now) {
            s.pieces[s.count++] = &evidence[i];
            sources += evidence[i].kind == EVIDENCE_SOURCE_POSITIVE;
        }
    qsort(s.pieces, s.count, sizeof *s.pieces, compare_pieces);
    s.intervals = arena_alloc(
        arena, (s.count * (INTERVALS_A_PIECE + 2 * sources) + 1) * sizeof *s.intervals);
    s.overrides = arena_alloc(arena, (s.count + 1) * sizeof *s.overrides);
    s.negatives = arena_alloc(arena, (s.count + 1) * sizeof *s.negatives);
    for (size_t i = 0; i < s.count; i++) {
        if (!is_negative(&s, s.pieces[i]))
            continue;
        s.negatives[s.negative_count++] = s.pieces[i];
        if (s.pieces[i]->until <= now)
            decision.last_negative_sampled_at =
                later(decision.last_negative_sampled_at, s.pieces[i]->at);
    }
    for (size_t i = 0; i < s.count; i++)
        add_intervals(&s, s.pieces[i]);
    take_overrides(&s, arena, &decision);
    enum color worst;
    decision.color = color_at(&s, now, &worst);
    find_stretch(&s, &decision);
    if (with_words)
        give_reasons(&s, worst, arena, &decision);
    *ret_decision = decision;
}
