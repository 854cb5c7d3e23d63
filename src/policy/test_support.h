/* What the tests of the policy room share: the built-in rules, times, random evidence. */
#ifndef CHENGMAI_POLICY_TEST_SUPPORT_H
#define CHENGMAI_POLICY_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "policy/policy.h"

static inline void test_fail_on(bool done, const struct error *err)
{
    if (!done) {
        char line[900];
        error_line(err, line, sizeof line);
        fail_msg("%s", line);
    }
}

static inline struct policy *test_policy(void)
{
    struct error err;
    struct policy *policy = NULL;
    test_fail_on(policy_open(-1, &policy, &err), &err);
    return policy;
}

static inline const struct rule_set *test_rules(const struct policy *policy)
{
    const struct rule_set *rules = policy_rules(policy, SLICE("jiangsu_2022_ed8"));
    assert_non_null(rules);
    return rules;
}

static inline timestamp test_time(const char *text)
{
    timestamp time = TIMESTAMP_NONE;
    assert_true(time_parse(slice_of(text), &time));
    return time;
}

/* ---- Random evidence: every time lies on a grid, so that nothing changes between its points. */

#define TEST_GRID (2 * HOUR)
enum { TEST_PIECES_MAX = 24, TEST_SPAN = 240 }; /* grid points that random times lie on */

static inline timestamp test_grid_start(void)
{
    return test_time("2022-03-10T00:00:00+08:00");
}
static inline timestamp test_grid_time(struct random *random)
{
    return test_grid_start() + (timestamp)random_below(random, TEST_SPAN) * TEST_GRID;
}

static inline void test_random_override(struct random *random, struct evidence *piece)
{
    static const struct slice people[] = {{"sun", 3}, {"zhou", 4}, {"qian", 4}};
    static const struct slice codes[] = {
        {"lab_error", 9}, {"identity_error", 14}, {"linkage_error", 13}, {"medical_need", 12},
        {"favour", 6}};
    static const struct slice approvers[][3] = {{{"zhou", 4}, {"qian", 4}},
                                                {{"qian", 4}, {"zhou", 4}, {"li", 2}},
                                                {{"zhou", 4}, {"zhou", 4}},
                                                {{"zhou", 4}}};
    static const size_t counts[] = {2, 3, 2, 1};
    unsigned which = random_below(random, 8); /* half are good */
    which = which < 4 ? which : which & 1;
    piece->approvers = approvers[which];
    piece->approver_count = counts[which];
    piece->requester = people[random_below(random, 4) ? 0 : random_below(random, 3)];
    piece->reason_code = codes[random_below(random, 6) ? random_below(random, 4) : 4];
    piece->detail = (uint8_t)random_below(random, 2);
    piece->until = piece->at + ((timestamp)random_below(random, 90) - 3) * TEST_GRID;
}

/* Pieces 1 … count, each well formed, referring to earlier ones of the kinds that make sense and
 * now and then to any. */
static inline size_t test_random_evidence(struct random *random, struct evidence *pieces)
{
    static const int target[EVIDENCE_KIND_COUNT] = {
        [EVIDENCE_DISCHARGE] = EVIDENCE_CASE + 1,
        [EVIDENCE_SOURCE_POSITIVE] = EVIDENCE_SECONDARY_CONTACT + 1,
        [EVIDENCE_RISK_AREA_LIFT] = EVIDENCE_RISK_AREA_RESIDENT + 1,
        [EVIDENCE_ZONE_LIFT] = EVIDENCE_ZONE_RESIDENT + 1};
    size_t count = 0, wanted = 1 + random_below(random, TEST_PIECES_MAX - 1);
    while (count < wanted) {
        struct evidence *piece = &pieces[count];
        *piece = (struct evidence){.no = (int64_t)count + 1, .until = TIMESTAMP_NONE};
        piece->kind = random_below(random, 3) ? (enum evidence_kind)random_below(
                                                    random, EVIDENCE_KIND_COUNT)
                                              : EVIDENCE_PCR;
        piece->at = test_grid_time(random);
        piece->recorded_at = random_below(random, 4) ? piece->at : test_grid_time(random);
        const struct evidence_form *form = evidence_form(piece->kind);
        if (form->refers) {
            if (count == 0)
                continue;
            size_t of = random_below(random, (uint32_t)count);
            for (int tries = 0; tries < 20 && target[piece->kind] &&
                                (int)pieces[of].kind != target[piece->kind] - 1;
                 tries++)
                of = random_below(random, (uint32_t)count);
            piece->of = pieces[of].no;
        }
        if (piece->kind == EVIDENCE_ISOLATION_POST)
            piece->until = piece->at + ((timestamp)random_below(random, 60) - 4) * TEST_GRID;
        if (piece->kind == EVIDENCE_PCR) {
            static const uint16_t sizes[] = {1, 1, 5, 10, 20};
            piece->detail = random_below(random, 3) ? RESULT_NEGATIVE
                                                    : (uint8_t)(1 + random_below(random, 2));
            piece->tube_size = sizes[random_below(random, 5)];
            piece->until = piece->at + (timestamp)random_below(random, 15) * TEST_GRID;
        } else if (piece->kind == EVIDENCE_OVERRIDE) {
            test_random_override(random, piece);
        } else if (form->detail_field) {
            piece->detail = (uint8_t)random_below(random, 2);
            if (piece->kind == EVIDENCE_ZONE_RESIDENT && !random_below(random, 4))
                piece->detail = ZONE_PRECAUTION;
        }
        count++;
    }
    return count;
}

/* A moment to decide at: on the grid or a second beside it. */
static inline timestamp test_moment(struct random *random)
{
    return test_grid_time(random) + ((timestamp)random_below(random, 3) - 1) * SECOND;
}

#endif
