/* decide() against a naive twin: the rules' sentences as conditions on one moment, asked for every
 * point of a grid of time. And what must hold of any decision whatever the evidence. */
#include "policy/test_support.h"

enum { ROUNDS = 3000, TWIN_ROUNDS = 1000 };

struct twin {
    const struct evidence *pieces;
    size_t count;
    timestamp now;
};

static bool twin_known(const struct twin *twin, const struct evidence *piece)
{
    return piece->recorded_at <= twin->now;
}

/* Earliest annulment known at the moment of the decision. */
static bool twin_annulled(const struct twin *twin, const struct evidence *piece, timestamp *ret_at)
{
    bool found = false;
    for (size_t i = 0; i < twin->count; i++) {
        const struct evidence *annul = &twin->pieces[i];
        if (annul->kind != EVIDENCE_ANNUL || annul->of != piece->no || !twin_known(twin, annul))
            continue;
        *ret_at = found && *ret_at < annul->at ? *ret_at : annul->at;
        found = true;
    }
    return found;
}

/* A piece that is a condition for others: known and never annulled. */
static bool twin_condition(const struct twin *twin, const struct evidence *piece,
                           enum evidence_kind kind)
{
    timestamp at;
    return piece->kind == kind && twin_known(twin, piece) && !twin_annulled(twin, piece, &at);
}

/* The earliest discharge or lift of a piece. */
static bool twin_ended(const struct twin *twin, const struct evidence *piece,
                       enum evidence_kind kind, timestamp *ret_at)
{
    bool found = false;
    for (size_t i = 0; i < twin->count; i++) {
        const struct evidence *end = &twin->pieces[i];
        if (!twin_condition(twin, end, kind) || end->of != piece->no)
            continue;
        *ret_at = found && *ret_at < end->at ? *ret_at : end->at;
        found = true;
    }
    return found;
}

static bool twin_negative(const struct twin *twin, const struct evidence *piece)
{
    return twin_condition(twin, piece, EVIDENCE_PCR) && piece->detail == RESULT_NEGATIVE;
}

/* A negative sampled at or after `from` has been reported by `t`. */
static bool twin_retested(const struct twin *twin, timestamp from, bool single, timestamp t)
{
    for (size_t i = 0; i < twin->count; i++) {
        const struct evidence *pcr = &twin->pieces[i];
        if (twin_negative(twin, pcr) && pcr->at >= from && pcr->until <= t &&
            (!single || pcr->tube_size == 1))
            return true;
    }
    return false;
}

static bool twin_two_negatives(const struct twin *twin, timestamp after, timestamp t)
{
    for (size_t i = 0; i < twin->count; i++)
        for (size_t k = 0; k < twin->count; k++) {
            const struct evidence *a = &twin->pieces[i], *b = &twin->pieces[k];
            if (twin_negative(twin, a) && twin_negative(twin, b) && a->at > after &&
                b->at - a->at >= 24 * HOUR && a->until <= t && b->until <= t)
                return true;
        }
    return false;
}

static bool twin_area_left(const struct twin *twin, const struct evidence *piece, timestamp t)
{
    timestamp lift;
    if (!twin_ended(twin, piece, EVIDENCE_RISK_AREA_LIFT, &lift) || t < lift)
        return false;
    for (size_t i = 0; i < twin->count; i++) {
        const struct evidence *pcr = &twin->pieces[i];
        if (!twin_negative(twin, pcr) || pcr->at < lift - 48 * HOUR)
            continue;
        bool by_the_lift = pcr->at <= lift && pcr->until <= lift;
        bool after_the_lift = pcr->until > lift && pcr->until <= t;
        if (by_the_lift || after_the_lift)
            return true;
    }
    return false;
}

/* Red for `red` days from `from`, then yellow until `yellow` days. */
static enum color twin_staged(timestamp from, int red, int yellow, timestamp t)
{
    return t < from + red * DAY ? COLOR_RED : t < from + yellow * DAY ? COLOR_YELLOW : COLOR_GREEN;
}

static enum color twin_secondary(const struct twin *twin, const struct evidence *piece,
                                 timestamp t)
{
    enum color color = t < piece->at + 7 * DAY ? COLOR_RED : COLOR_GREEN;
    for (size_t i = 0; i < twin->count; i++) {
        const struct evidence *source = &twin->pieces[i];
        if (!twin_condition(twin, source, EVIDENCE_SOURCE_POSITIVE) || source->of != piece->no ||
            t < source->at || t < source->recorded_at)
            continue;
        enum color contact = twin_staged(piece->at, 14, 21, t);
        color = contact > color ? contact : color;
    }
    return color;
}

static enum color twin_pcr(const struct twin *twin, const struct evidence *piece, timestamp t)
{
    if (piece->detail == RESULT_NEGATIVE || t < piece->until)
        return COLOR_GREEN;
    if (piece->detail == RESULT_POSITIVE && piece->tube_size == 1)
        return COLOR_RED;
    return twin_retested(twin, piece->until, true, t) ? COLOR_GREEN : COLOR_YELLOW;
}

/* The colour that one piece gives at `t`, before overrides. */
static enum color twin_piece(const struct twin *twin, const struct evidence *piece, timestamp t)
{
    timestamp end;
    if (!twin_known(twin, piece) || t < piece->recorded_at ||
        (twin_annulled(twin, piece, &end) && t >= end))
        return COLOR_GREEN;
    bool begun = t >= piece->at;
    switch (piece->kind) {
    case EVIDENCE_CASE:
        if (!twin_ended(twin, piece, EVIDENCE_DISCHARGE, &end))
            return begun ? COLOR_RED : COLOR_GREEN;
        if (t >= end + 14 * DAY)
            return t < end + 28 * DAY ? COLOR_YELLOW : COLOR_GREEN;
        return begun ? COLOR_RED : COLOR_GREEN;
    case EVIDENCE_CLOSE_CONTACT:
    case EVIDENCE_AREA_STAY:
        return twin_staged(piece->at, 14, 21, t);
    case EVIDENCE_INBOUND:
        return twin_staged(piece->at, 14, 28, t);
    case EVIDENCE_SECONDARY_CONTACT:
        return twin_secondary(twin, piece, t);
    case EVIDENCE_RISK_AREA_RESIDENT:
        return begun && !twin_area_left(twin, piece, t) ? COLOR_RED : COLOR_GREEN;
    case EVIDENCE_ZONE_RESIDENT:
        if (twin_ended(twin, piece, EVIDENCE_ZONE_LIFT, &end) && t >= end)
            return COLOR_GREEN;
        return begun && piece->detail != ZONE_PRECAUTION ? COLOR_YELLOW : COLOR_GREEN;
    case EVIDENCE_SPATIOTEMPORAL:
        end = piece->at + 3 * DAY;
        return begun && !(t >= end && twin_two_negatives(twin, piece->at, t)) ? COLOR_YELLOW
                                                                               : COLOR_GREEN;
    case EVIDENCE_SYMPTOMS:
        return begun && !twin_retested(twin, piece->at, false, t) ? COLOR_YELLOW : COLOR_GREEN;
    case EVIDENCE_ISOLATION_POST:
        return begun && t < piece->until ? COLOR_RED : COLOR_GREEN;
    case EVIDENCE_PCR:
        return twin_pcr(twin, piece, t);
    default:
        return COLOR_GREEN;
    }
}

static bool twin_override_valid(const struct evidence *piece)
{
    static const char *const codes[] = {"lab_error", "identity_error", "linkage_error",
                                        "medical_need"};
    bool coded = false, two = false;
    for (size_t i = 0; i < 4; i++)
        coded |= slice_equal(piece->reason_code, slice_of(codes[i]));
    for (size_t i = 0; i < piece->approver_count; i++) {
        if (slice_equal(piece->approvers[i], piece->requester))
            return false;
        two |= !slice_equal(piece->approvers[i], piece->approvers[0]);
    }
    return coded && two && piece->until > piece->at && piece->until - piece->at <= 7 * DAY;
}

/* Whether the override lowers what `piece` gives at `t`. */
static bool twin_lowers(const struct twin *twin, const struct evidence *override,
                        const struct evidence *piece, timestamp t)
{
    timestamp end;
    enum color color = twin_piece(twin, piece, t);
    if (override->kind != EVIDENCE_OVERRIDE || !twin_known(twin, override) ||
        !twin_override_valid(override) || t < override->recorded_at || t < override->at ||
        t >= override->until || (twin_annulled(twin, override, &end) && t >= end))
        return false;
    if (color == COLOR_RED && (piece->kind == EVIDENCE_CASE ||
                               (piece->kind == EVIDENCE_PCR && piece->until >= override->at)))
        return false;
    return (enum color)override->detail < color;
}

static enum color twin_color(const struct twin *twin, timestamp t)
{
    enum color worst = COLOR_GREEN;
    for (size_t i = 0; i < twin->count; i++) {
        enum color color = twin_piece(twin, &twin->pieces[i], t), capped = color;
        for (size_t k = 0; k < twin->count; k++)
            if (twin_lowers(twin, &twin->pieces[k], &twin->pieces[i], t) &&
                (enum color)twin->pieces[k].detail < capped)
                capped = (enum color)twin->pieces[k].detail;
        worst = capped > worst ? capped : worst;
    }
    return worst;
}

/* Whether the reasons at `now` hold the piece. */
static bool twin_reason(const struct twin *twin, const struct evidence *piece)
{
    enum color worst = COLOR_GREEN;
    bool lowering = false;
    for (size_t i = 0; i < twin->count; i++) {
        enum color color = twin_piece(twin, &twin->pieces[i], twin->now);
        worst = color > worst ? color : worst;
        lowering |= twin_lowers(twin, piece, &twin->pieces[i], twin->now);
    }
    return lowering ||
           (worst != COLOR_GREEN && twin_piece(twin, piece, twin->now) == worst);
}

static void compare_stretch(const struct twin *twin, const struct decision *decision,
                            uint64_t seed)
{
    timestamp first = test_grid_start() - 2 * TEST_GRID;
    timestamp last = test_grid_start() + TEST_SPAN * TEST_GRID + 40 * DAY;
    timestamp point = first + (twin->now - first) / TEST_GRID * TEST_GRID, since = twin->now;
    for (; point >= first && twin_color(twin, point) == decision->color; point -= TEST_GRID)
        since = point;
    if (point < first)
        since = TIMESTAMP_NONE;
    point = first + ((twin->now - first) / TEST_GRID + 1) * TEST_GRID;
    while (point <= last && twin_color(twin, point) == decision->color)
        point += TEST_GRID;
    if (decision->since != since)
        fail_msg("round %llu: since differs", (unsigned long long)seed);
    if (decision->until != (point <= last ? point : TIMESTAMP_NONE))
        fail_msg("round %llu: until differs", (unsigned long long)seed);
    if (point <= last && decision->next_color != twin_color(twin, point))
        fail_msg("round %llu: the colour after until differs", (unsigned long long)seed);
}

static void compare_lists(const struct twin *twin, const struct decision *decision, uint64_t seed)
{
    for (size_t i = 0; i < twin->count; i++) {
        const struct evidence *piece = &twin->pieces[i];
        int listed = 0, ignored = 0;
        for (size_t k = 0; k < decision->reason_count; k++)
            listed += decision->reasons[k].evidence == piece->no;
        for (size_t k = 0; k < decision->ignored_count; k++)
            ignored += decision->ignored[k].evidence == piece->no;
        if (listed != twin_reason(twin, piece))
            fail_msg("round %llu: piece %lld is a reason %d times", (unsigned long long)seed,
                     (long long)piece->no, listed);
        bool void_override = piece->kind == EVIDENCE_OVERRIDE && twin_known(twin, piece) &&
                             !twin_override_valid(piece);
        if (ignored != void_override)
            fail_msg("round %llu: piece %lld is ignored %d times", (unsigned long long)seed,
                     (long long)piece->no, ignored);
    }
}

static timestamp twin_last_negative(const struct twin *twin)
{
    timestamp last = TIMESTAMP_NONE;
    for (size_t i = 0; i < twin->count; i++)
        if (twin_negative(twin, &twin->pieces[i]) && twin->pieces[i].until <= twin->now &&
            twin->pieces[i].at > last)
            last = twin->pieces[i].at;
    return last;
}

static void any_evidence_is_decided_as_its_naive_twin_decides(void **state)
{
    struct policy *policy = *state;
    int64_t seen[COLOR_COUNT] = {0}, changing = 0, lowered = 0;
    for (uint64_t round = 0; round < TWIN_ROUNDS; round++) {
        struct random random;
        struct arena arena;
        struct evidence pieces[TEST_PIECES_MAX];
        struct decision decision;
        random_init(&random, 21, round);
        arena_init(&arena, 16 << 20);
        size_t count = test_random_evidence(&random, pieces);
        struct twin twin = {pieces, count, test_moment(&random)};
        policy_decide(test_rules(policy), pieces, count, twin.now, true, &arena, &decision);
        enum color color = twin_color(&twin, twin.now);
        if (decision.color != color)
            fail_msg("round %llu: %s, the twin says %s", (unsigned long long)round,
                     color_name(decision.color), color_name(color));
        compare_stretch(&twin, &decision, round);
        compare_lists(&twin, &decision, round);
        if (decision.last_negative_sampled_at != twin_last_negative(&twin))
            fail_msg("round %llu: the last negative differs", (unsigned long long)round);
        seen[color]++;
        changing += decision.until != TIMESTAMP_NONE;
        for (size_t i = 0; i < decision.reason_count; i++)
            lowered += strcmp(decision.reasons[i].rule, "override") == 0;
        arena_release(&arena);
    }
    print_message("%d sets: %lld green, %lld yellow, %lld red, %lld change later, %lld capped\n",
                  TWIN_ROUNDS, (long long)seen[0], (long long)seen[1], (long long)seen[2],
                  (long long)changing, (long long)lowered);
    assert_true(seen[0] > 100 && seen[1] > 100 && seen[2] > 100 && changing > 100 && lowered > 50);
}

static void assert_same_decision(const struct decision *a, const struct decision *b)
{
    assert_int_equal(a->color, b->color);
    assert_true(a->since == b->since && a->until == b->until);
    assert_int_equal(a->next_color, b->next_color);
    assert_true(a->last_negative_sampled_at == b->last_negative_sampled_at);
    assert_int_equal(a->reason_count, b->reason_count);
    assert_int_equal(a->ignored_count, b->ignored_count);
    for (size_t i = 0; i < a->reason_count; i++) {
        assert_true(a->reasons[i].evidence == b->reasons[i].evidence);
        assert_string_equal(a->reasons[i].rule, b->reasons[i].rule);
        assert_string_equal(a->reasons[i].words.zh, b->reasons[i].words.zh);
        assert_string_equal(a->reasons[i].words.en, b->reasons[i].words.en);
    }
    for (size_t i = 0; i < a->ignored_count; i++) {
        assert_true(a->ignored[i].evidence == b->ignored[i].evidence);
        assert_string_equal(a->ignored[i].reason, b->ignored[i].reason);
    }
}

static void shuffle(struct random *random, struct evidence *pieces, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = random_below(random, (uint32_t)i);
        struct evidence kept = pieces[i - 1];
        pieces[i - 1] = pieces[k];
        pieces[k] = kept;
    }
}

static void the_order_of_pieces_never_matters(void **state)
{
    struct policy *policy = *state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct random random;
        struct arena arena;
        struct evidence pieces[TEST_PIECES_MAX];
        struct decision first, again;
        random_init(&random, 22, round);
        arena_init(&arena, 16 << 20);
        size_t count = test_random_evidence(&random, pieces);
        timestamp now = test_moment(&random);
        policy_decide(test_rules(policy), pieces, count, now, true, &arena, &first);
        for (int times = 0; times < 3; times++) {
            shuffle(&random, pieces, count);
            policy_decide(test_rules(policy), pieces, count, now, true, &arena, &again);
            assert_same_decision(&first, &again);
        }
        arena_release(&arena);
    }
}

static void a_past_decision_is_derived_again_as_it_was_taken(void **state)
{
    struct policy *policy = *state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct random random;
        struct arena arena;
        struct evidence pieces[TEST_PIECES_MAX], known[TEST_PIECES_MAX];
        struct decision then, later;
        size_t known_count = 0;
        random_init(&random, 23, round);
        arena_init(&arena, 16 << 20);
        size_t count = test_random_evidence(&random, pieces);
        timestamp moment = test_moment(&random);
        for (size_t i = 0; i < count; i++)
            if (pieces[i].recorded_at <= moment)
                known[known_count++] = pieces[i];
        policy_decide(test_rules(policy), known, known_count, moment, true, &arena, &then);
        policy_decide(test_rules(policy), pieces, count, moment, true, &arena, &later);
        assert_same_decision(&then, &later);
        arena_release(&arena);
    }
}

static void without_words_the_decision_is_the_same(void **state)
{
    struct policy *policy = *state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct random random;
        struct arena arena;
        struct evidence pieces[TEST_PIECES_MAX];
        struct decision with, without;
        random_init(&random, 24, round);
        arena_init(&arena, 16 << 20);
        size_t count = test_random_evidence(&random, pieces);
        timestamp now = test_moment(&random);
        policy_decide(test_rules(policy), pieces, count, now, true, &arena, &with);
        policy_decide(test_rules(policy), pieces, count, now, false, &arena, &without);
        assert_int_equal(without.reason_count, 0);
        with.reason_count = 0;
        assert_same_decision(&with, &without);
        arena_release(&arena);
    }
}

static void an_override_never_raises_a_colour(void **state)
{
    struct policy *policy = *state;
    int64_t lowered = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct random random;
        struct arena arena;
        struct evidence pieces[TEST_PIECES_MAX], bare[TEST_PIECES_MAX];
        struct decision with, without;
        size_t bare_count = 0;
        random_init(&random, 25, round);
        arena_init(&arena, 16 << 20);
        size_t count = test_random_evidence(&random, pieces);
        timestamp now = test_moment(&random);
        for (size_t i = 0; i < count; i++)
            if (pieces[i].kind != EVIDENCE_OVERRIDE)
                bare[bare_count++] = pieces[i];
        policy_decide(test_rules(policy), pieces, count, now, false, &arena, &with);
        policy_decide(test_rules(policy), bare, bare_count, now, false, &arena, &without);
        assert_true(with.color <= without.color);
        lowered += with.color < without.color;
        arena_release(&arena);
    }
    assert_true(lowered > 20);
}

/* The greatest file that is taken, made to be slow: it must not take minutes. */
static void two_thousand_pieces_are_decided_in_seconds(void **state)
{
    enum { PIECES = 2000 };
    struct policy *policy = *state;
    struct arena arena;
    struct decision decision;
    arena_init(&arena, 256 << 20);
    struct evidence *pieces = arena_alloc(&arena, PIECES * sizeof *pieces);
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = (struct evidence){.no = (int64_t)i + 1, .until = TIMESTAMP_NONE};
        struct evidence *piece = &pieces[i];
        piece->at = piece->recorded_at = test_grid_start() + (timestamp)(i % 500) * HOUR;
        piece->kind = i % 4 == 0   ? EVIDENCE_SPATIOTEMPORAL
                      : i % 4 == 1 ? EVIDENCE_PCR
                      : i % 4 == 2 ? EVIDENCE_CASE
                                   : EVIDENCE_DISCHARGE;
        if (piece->kind == EVIDENCE_PCR) {
            piece->tube_size = 1;
            piece->until = piece->at + HOUR;
        }
        if (piece->kind == EVIDENCE_DISCHARGE)
            piece->of = piece->no - 1;
    }
    double begun = world_elapsed_seconds();
    policy_decide(test_rules(policy), pieces, PIECES, test_grid_start() + 600 * HOUR, true, &arena,
                  &decision);
    double seconds = world_elapsed_seconds() - begun;
    print_message("2000 pieces: %.3f s, %s\n", seconds, color_name(decision.color));
    assert_int_equal(decision.color, COLOR_RED);
    assert_true(seconds < 10);
    arena_release(&arena);
}

static int open_policy(void **state)
{
    *state = test_policy();
    return 0;
}
static int close_policy(void **state)
{
    policy_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_evidence_is_decided_as_its_naive_twin_decides),
        cmocka_unit_test(the_order_of_pieces_never_matters),
        cmocka_unit_test(a_past_decision_is_derived_again_as_it_was_taken),
        cmocka_unit_test(without_words_the_decision_is_the_same),
        cmocka_unit_test(an_override_never_raises_a_colour),
        cmocka_unit_test(two_thousand_pieces_are_decided_in_seconds),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
