/* decide(): evidence → intervals → colour.
 *
 * Every piece gives intervals [start, end) of one colour; an interval never starts before its piece
 * was recorded, and an annulment cuts it. The colour at a moment is the worst active interval,
 * after overrides have lowered those that may be lowered. Between the ends of intervals nothing
 * changes, so that `since` and `until` are found by walking those ends.
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

struct known {
    const struct evidence *piece;
    timestamp annulled_at; /* TIMESTAMP_NEVER: it is not */
};

struct scene_of_evidence {
    const struct rule_set *rules;
    struct known *pieces; /* known at `now`, by number */
    size_t count;
    const struct evidence **negatives; /* those that count as conditions, by sampling time */
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

static int compare_known(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return (x->piece->no > y->piece->no) - (x->piece->no < y->piece->no);
}

/* NULL where the piece is not known at `now`. */
static struct known *find_known(const struct scene_of_evidence *s, int64_t no)
{
    const struct evidence wanted = {.no = no};
    const struct known key = {.piece = &wanted};
    return s->count ? bsearch(&key, s->pieces, s->count, sizeof *s->pieces, compare_known) : NULL;
}

/* Of several annulments of a piece the earliest counts. An annulment has no interval and is no
 * condition, so that annulling one changes nothing. */
static void mark_annulled(struct scene_of_evidence *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct evidence *annul = s->pieces[i].piece;
        struct known *of = annul->kind == EVIDENCE_ANNUL ? find_known(s, annul->of) : NULL;
        if (of)
            of->annulled_at = earlier(of->annulled_at, annul->at);
    }
}

/* An annulled condition counts as if it had never been there. */
static bool counts(const struct known *known)
{
    return known->annulled_at == TIMESTAMP_NEVER;
}

/* Earliest `at` of the pieces of that kind that refer to `piece`; TIMESTAMP_NEVER where none. */
static timestamp earliest_of(const struct scene_of_evidence *s, enum evidence_kind kind,
                             const struct evidence *piece)
{
    timestamp at = TIMESTAMP_NEVER;
    for (size_t i = 0; i < s->count; i++) {
        const struct evidence *other = s->pieces[i].piece;
        if (other->kind == kind && other->of == piece->no && counts(&s->pieces[i]))
            at = earlier(at, other->at);
    }
    return at;
}

static int compare_sampled(const void *a, const void *b)
{
    const struct evidence *x = *(const struct evidence *const *)a;
    const struct evidence *y = *(const struct evidence *const *)b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->no > y->no) - (x->no < y->no);
}

/* Gathers the negatives that count; the latest sampling time among those reported by now. */
static timestamp gather_negatives(struct scene_of_evidence *s)
{
    timestamp last = TIMESTAMP_NONE;
    for (size_t i = 0; i < s->count; i++) {
        const struct evidence *piece = s->pieces[i].piece;
        if (piece->kind != EVIDENCE_PCR || piece->detail != RESULT_NEGATIVE ||
            !counts(&s->pieces[i]))
            continue;
        s->negatives[s->negative_count++] = piece;
        if (piece->until <= s->now)
            last = later(last, piece->at);
    }
    if (s->negative_count)
        qsort(s->negatives, s->negative_count, sizeof *s->negatives, compare_sampled);
    return last;
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
    end = earlier(end, find_known(s, piece->no)->annulled_at);
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
        const struct evidence *source = s->pieces[i].piece;
        if (source->kind == EVIDENCE_SOURCE_POSITIVE && source->of == piece->no &&
            counts(&s->pieces[i]))
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

/* Two negatives sampled after `at` and far enough apart: the earliest moment at which the later
 * reported of such a pair is reported. Negatives are by sampling time: `k` runs behind `i`. */
static timestamp pair_reported(const struct scene_of_evidence *s, timestamp at, timestamp apart)
{
    timestamp pair = TIMESTAMP_NEVER, earlier_one = TIMESTAMP_NEVER;
    for (size_t i = 0, k = 0; i < s->negative_count; i++) {
        const struct evidence *second = s->negatives[i];
        for (; k < i && second->at - s->negatives[k]->at >= apart; k++)
            if (s->negatives[k]->at > at)
                earlier_one = earlier(earlier_one, s->negatives[k]->until);
        if (second->at > at && earlier_one != TIMESTAMP_NEVER)
            pair = earlier(pair, later(earlier_one, second->until));
    }
    return pair;
}

static void add_spatiotemporal(struct scene_of_evidence *s, const struct evidence *piece)
{
    timestamp pair = pair_reported(s, piece->at, hours(s, RULE_SPATIOTEMPORAL_APART));
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

static timestamp end_of(const struct interval *interval)
{
    return interval->end == TIMESTAMP_NEVER ? TIMESTAMP_NONE : interval->end;
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
            reasons[count++] = (struct decision_reason){
                interval->rule, interval->piece->no, end_of(interval), words_of(interval, arena)};
    }
    for (size_t k = 0; k < s->override_count; k++) {
        bool lowered = false;
        for (size_t i = 0; i < s->interval_count; i++)
            lowered |= lowers(&s->overrides[k], &s->intervals[i], s->now);
        if (lowered)
            reasons[count++] = (struct decision_reason){"override", s->overrides[k].piece->no,
                                                        end_of(&s->overrides[k]),
                                                        override_words(&s->overrides[k], arena)};
    }
    decision->reasons = reasons;
    decision->reason_count = count;
}

/* ---- The whole */

static void take_overrides(struct scene_of_evidence *s, struct arena *arena,
                           struct decision *decision)
{
    struct decision_ignored *ignored = arena_alloc(arena, s->count * sizeof *ignored);
    decision->ignored = ignored;
    for (size_t i = 0; i < s->count; i++) {
        const struct evidence *piece = s->pieces[i].piece;
        if (piece->kind != EVIDENCE_OVERRIDE)
            continue;
        const char *fault = override_fault(s->rules, piece);
        if (fault) {
            ignored[decision->ignored_count++] = (struct decision_ignored){piece->no, fault};
            continue;
        }
        timestamp start = later(piece->at, piece->recorded_at);
        timestamp end = earlier(piece->until, s->pieces[i].annulled_at);
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
    struct scene_of_evidence s = {.rules = rules, .now = now};
    s.pieces = arena_alloc(arena, (count + 1) * sizeof *s.pieces);
    size_t sources = 0;
    for (size_t i = 0; i < count; i++)
        if (evidence[i].recorded_at <= now) {
            s.pieces[s.count++] = (struct known){&evidence[i], TIMESTAMP_NEVER};
            sources += evidence[i].kind == EVIDENCE_SOURCE_POSITIVE;
        }
    if (s.count)
        qsort(s.pieces, s.count, sizeof *s.pieces, compare_known);
    mark_annulled(&s);
    s.intervals = arena_alloc(
        arena, (INTERVALS_A_PIECE * (s.count + sources) + 1) * sizeof *s.intervals);
    s.overrides = arena_alloc(arena, (s.count + 1) * sizeof *s.overrides);
    s.negatives = arena_alloc(arena, (s.count + 1) * sizeof *s.negatives);
    decision.last_negative_sampled_at = gather_negatives(&s);
    for (size_t i = 0; i < s.count; i++)
        add_intervals(&s, s.pieces[i].piece);
    take_overrides(&s, arena, &decision);
    enum color worst;
    decision.color = color_at(&s, now, &worst);
    find_stretch(&s, &decision);
    if (with_words)
        give_reasons(&s, worst, arena, &decision);
    *ret_decision = decision;
}
