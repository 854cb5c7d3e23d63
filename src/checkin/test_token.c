/* Goal: a code that was not issued here, or of which one character was changed or two were swapped,
 * is refused, and the refusal tells what is wrong with it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "checkin/checkin.h"

static const char characters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/=*~$ \t\x01\x7f\xc3";

struct key_pair {
    struct keys *ours, *others;
};

static struct keys *make_keys(void)
{
    struct error err;
    struct keys *keys;
    char directory[] = "/tmp/chengmai-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    int fd = open(directory, O_RDONLY | O_DIRECTORY);
    assert_true(keys_create(fd, &err) && keys_open(fd, &keys, &err));
    close(fd);
    assert_true(file_remove_tree(AT_FDCWD, directory, &err));
    return keys;
}

static int set_up(void **state)
{
    struct key_pair *pair = x_alloc(1, sizeof *pair);
    *pair = (struct key_pair){make_keys(), make_keys()};
    *state = pair;
    return 0;
}
static int tear_down(void **state)
{
    struct key_pair *pair = *state;
    keys_free(pair->ours);
    keys_free(pair->others);
    free(pair);
    return 0;
}

static const struct {
    uint32_t venue;
    uint16_t version;
} cases[] = {{1, 1},       {2, 1}, {31, 15}, {32, 16}, {12345, 7}, {(1u << 28) - 1, 65535},
             {900001, 300}};
enum { CASES = sizeof cases / sizeof *cases };

static bool parse(const struct keys *keys, const char *text, uint32_t *ret_venue,
                  uint16_t *ret_version, bool *ret_short, struct error *err)
{
    return venue_token_parse(keys, slice_of(text), ret_venue, ret_version, ret_short, err);
}

static void tokens_and_short_codes_are_read_as_they_were_written(void **state)
{
    const struct key_pair *pair = *state;
    for (int i = 0; i < CASES; i++) {
        struct error err;
        char token[VENUE_TOKEN_BYTES], code[VENUE_SHORT_CODE_BYTES], typed[40];
        uint32_t venue;
        uint16_t version;
        bool is_short;
        venue_token_format(pair->ours, cases[i].venue, cases[i].version, token);
        assert_true(parse(pair->ours, token, &venue, &version, &is_short, &err));
        assert_int_equal(venue, cases[i].venue);
        assert_int_equal(version, cases[i].version);
        assert_false(is_short);
        venue_short_code_format(pair->ours, cases[i].venue, cases[i].version, code);
        assert_int_equal(strlen(code), 13);
        assert_true(code[5] == '-' && code[11] == '-');
        size_t length = 0; /* as people type it: small letters, O for 0, I or l for 1, blanks */
        for (const char *c = code; *c; c++) {
            if (*c == '-')
                typed[length++] = ' ';
            else
                typed[length++] = (char)(*c == '0'                ? 'o'
                                         : *c == '1'              ? (c - code) % 2 ? 'I' : 'l'
                                         : *c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a'
                                                                  : *c);
        }
        typed[length] = '\0';
        for (int round = 0; round < 2; round++) {
            assert_true(parse(pair->ours, round ? typed : code, &venue, &version, &is_short, &err));
            assert_int_equal(venue, cases[i].venue);
            assert_int_equal(version, cases[i].version & 15);
            assert_true(is_short);
        }
    }
}

/* Every single character of a full token replaced by every other, cut, or made longer. */
static void a_token_with_one_changed_character_is_refused(void **state)
{
    const struct key_pair *pair = *state;
    for (int i = 0; i < CASES; i++) {
        struct error err;
        char token[VENUE_TOKEN_BYTES + 1], original[VENUE_TOKEN_BYTES];
        uint32_t venue;
        uint16_t version;
        bool is_short;
        venue_token_format(pair->ours, cases[i].venue, cases[i].version, original);
        size_t length = strlen(original);
        for (size_t at = 0; at < length; at++)
            for (const char *c = characters; *c; c++) {
                memcpy(token, original, length + 1);
                if (token[at] == *c)
                    continue;
                token[at] = *c;
                assert_false(parse(pair->ours, token, &venue, &version, &is_short, &err));
                assert_int_equal(err.code, ERROR_BAD_VALUE);
                assert_string_equal(err.field, "venue_token");
            }
        for (size_t cut = 0; cut < length; cut++) {
            memcpy(token, original, cut);
            token[cut] = '\0';
            assert_false(parse(pair->ours, token, &venue, &version, &is_short, &err));
        }
        snprintf(token, sizeof token, "%sA", original);
        assert_false(parse(pair->ours, token, &venue, &version, &is_short, &err));
        assert_false(parse(pair->others, original, &venue, &version, &is_short, &err));
        assert_non_null(strstr(err.what, "not issued here"));
    }
}

/* What a typed character means: the alphabet without its doubles. */
static int meaning(char c)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";
    c = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    c = (char)(c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c);
    const char *found = c ? strchr(alphabet, c) : NULL;
    return found ? (int)(found - alphabet) : -1;
}

static void the_check_character_catches_every_mistyped_character_and_every_adjacent_swap(
    void **state)
{
    const struct key_pair *pair = *state;
    for (uint32_t number = 1; number < 400; number++) {
        struct error err;
        char original[VENUE_SHORT_CODE_BYTES], code[VENUE_SHORT_CODE_BYTES];
        uint32_t venue;
        uint16_t version;
        bool is_short;
        venue_short_code_format(pair->ours, number * 7919, (uint16_t)(number % 9 + 1), original);
        for (size_t at = 0; at < 13; at++) {
            if (original[at] == '-')
                continue;
            for (const char *c = characters; *c; c++) {
                if (meaning(*c) == meaning(original[at]))
                    continue;
                memcpy(code, original, sizeof code);
                code[at] = *c;
                assert_false(parse(pair->ours, code, &venue, &version, &is_short, &err));
                assert_int_equal(err.code, ERROR_BAD_VALUE);
                bool whole = meaning(*c) >= 0 && (meaning(*c) < 32 || at == 12);
                if (whole) /* said as what it is: the check character, not a forged code */
                    assert_non_null(strstr(err.what, "check character"));
            }
        }
        static const size_t places[] = {0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 12};
        for (size_t i = 0; i + 1 < 11; i++) {
            memcpy(code, original, sizeof code);
            code[places[i]] = original[places[i + 1]];
            code[places[i + 1]] = original[places[i]];
            if (strcmp(code, original) != 0)
                assert_false(parse(pair->ours, code, &venue, &version, &is_short, &err));
        }
    }
}

static void a_short_code_that_was_not_issued_here_is_refused(void **state)
{
    const struct key_pair *pair = *state;
    int accepted = 0;
    for (uint32_t number = 1; number <= 2000; number++) {
        struct error err;
        char code[VENUE_SHORT_CODE_BYTES];
        uint32_t venue;
        uint16_t version;
        bool is_short;
        venue_short_code_format(pair->others, number, 1, code);
        accepted += parse(pair->ours, code, &venue, &version, &is_short, &err);
    }
    assert_true(accepted <= 1); /* 18 bits: one in 262 144 by chance */
    static const char *const bad[] = {"", "-", "ABCDE", "ABCDE-FGHJK", "ABCDE-FGHJK-MM", "v1.",
                                      "v2.AAAAAAAAAAAAAAAAAAAAAA", "UUUUU-UUUUU-U", "城脉"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err;
        uint32_t venue;
        uint16_t version;
        bool is_short;
        assert_false(parse(pair->ours, bad[i], &venue, &version, &is_short, &err));
        assert_int_equal(err.code, ERROR_BAD_VALUE);
    }
}

static void rotating_and_persons_codes_are_bound_to_kind_number_and_moment(void **state)
{
    const struct key_pair *pair = *state;
    struct error err;
    for (uint32_t number = 1; number < 200; number += 13) {
        char code[PERSON_CODE_BYTES + 1], rotating[VENUE_TOKEN_BYTES];
        uint32_t person, issued, venue;
        uint16_t version;
        person_code_format(pair->ours, 'c', number, 1649900000 + number, code);
        assert_true(person_code_parse(pair->ours, 'c', slice_of(code), &person, &issued, &err));
        assert_int_equal(person, number);
        assert_int_equal(issued, 1649900000 + number);
        assert_false(person_code_parse(pair->ours, 'p', slice_of(code), &person, &issued, &err));
        assert_false(person_code_parse(pair->others, 'c', slice_of(code), &person, &issued, &err));
        code[0] = 'p'; /* a phone's code is no paper code */
        assert_false(person_code_parse(pair->ours, 'p', slice_of(code), &person, &issued, &err));
        code[0] = 'c';
        for (size_t at = 0; at < strlen(code); at++) {
            char kept = code[at];
            code[at] = kept == 'A' ? 'B' : 'A';
            assert_false(
                person_code_parse(pair->ours, 'c', slice_of(code), &person, &issued, &err));
            assert_int_equal(err.code, ERROR_BAD_VALUE);
            code[at] = kept;
        }
        venue_rotating_format(pair->ours, number, 3, 1649900000, rotating);
        assert_true(venue_token_is_rotating(slice_of(rotating)));
        assert_true(venue_rotating_parse(pair->ours, slice_of(rotating), &venue, &version, &issued,
                                         &err));
        assert_int_equal(venue, number);
        assert_int_equal(version, 3);
        assert_int_equal(issued, 1649900000);
        for (size_t at = 0; at < strlen(rotating); at++) {
            char kept = rotating[at];
            rotating[at] = kept == 'A' ? 'B' : 'A';
            assert_false(venue_rotating_parse(pair->ours, slice_of(rotating), &venue, &version,
                                              &issued, &err));
            rotating[at] = kept;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_and_short_codes_are_read_as_they_were_written),
        cmocka_unit_test(a_token_with_one_changed_character_is_refused),
        cmocka_unit_test(
            the_check_character_catches_every_mistyped_character_and_every_adjacent_swap),
        cmocka_unit_test(a_short_code_that_was_not_issued_here_is_refused),
        cmocka_unit_test(rotating_and_persons_codes_are_bound_to_kind_number_and_moment),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
