/* Venue tokens and persons' codes. All carry a truncated keyed BLAKE2b (KEY_VENUE_TOKEN or
 * KEY_SESSION) over a domain letter and the numbers, and are compared in constant time. */
#include <sodium.h>

#include "checkin/checkin.h"

enum { MAC_BYTES = 10, SHORT_MAC_BITS = 18, SHORT_CHARACTERS = 10, VENUE_BITS = 28 };

/* Crockford's base 32 with its five further check characters. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

static void mac(const unsigned char *key, char domain, uint32_t a, uint32_t b,
                unsigned char out[16])
{
    unsigned char text[9] = {(unsigned char)domain};
    memcpy(text + 1, &a, 4);
    memcpy(text + 5, &b, 4);
    hash_blake2b(out, 16, text, sizeof text, key);
}

/* ---- Venues */

void venue_token_format(const struct keys *keys, uint32_t venue, uint16_t version,
                        char out[VENUE_TOKEN_BYTES])
{
    unsigned char bytes[6 + MAC_BYTES], code[16];
    memcpy(bytes, &venue, 4);
    memcpy(bytes + 4, &version, 2);
    mac(keys_of(keys, KEY_VENUE_TOKEN), 'v', venue, version, code);
    memcpy(bytes + 6, code, MAC_BYTES);
    memcpy(out, "v1.", 3);
    text_to_base64url(bytes, sizeof bytes, out + 3);
}

static uint64_t short_value(const struct keys *keys, uint32_t venue, uint16_t version)
{
    unsigned char code[16];
    uint32_t bits;
    mac(keys_of(keys, KEY_VENUE_TOKEN), 's', venue, version & 15u, code);
    memcpy(&bits, code, sizeof bits);
    return (uint64_t)(venue & ((1u << VENUE_BITS) - 1)) << (4 + SHORT_MAC_BITS) |
           (uint64_t)(version & 15u) << SHORT_MAC_BITS | (bits & ((1u << SHORT_MAC_BITS) - 1));
}

void venue_short_code_format(const struct keys *keys, uint32_t venue, uint16_t version,
                             char out[VENUE_SHORT_CODE_BYTES])
{
    uint64_t value = short_value(keys, venue, version);
    char *at = out;
    for (int i = SHORT_CHARACTERS - 1; i >= 0; i--) {
        *at++ = alphabet[value >> (5 * i) & 31];
        if (i == 5 || i == 0)
            *at++ = '-';
    }
    *at++ = alphabet[value % 37];
    *at = '\0';
}

static bool bad_token(struct error *err, const char *expected, const char *what)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "venue_token"}, expected,
                     "%s", what);
}

/* Value of a typed character: O is 0, I and L are 1; -1 where there is none. */
static int character_value(char c, size_t characters)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
    const char *found = memchr(alphabet, c, characters);
    return found ? (int)(found - alphabet) : -1;
}

static bool short_code_parse(const struct keys *keys, struct slice text, uint32_t *ret_venue,
                             uint16_t *ret_version, struct error *err)
{
    static const char form[] = "a venue token, or a short code such as ABCDE-FGHJK-M";
    uint64_t value = 0;
    size_t seen = 0;
    int check = -1;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '-' || text.data[i] == ' ')
            continue;
        bool is_check = seen == SHORT_CHARACTERS;
        int digit = character_value(text.data[i], is_check ? 37 : 32);
        if (digit < 0 || seen > SHORT_CHARACTERS)
            return bad_token(err, form, "not a venue code");
        if (is_check)
            check = digit;
        else
            value = value << 5 | (uint64_t)digit;
        seen++;
    }
    if (seen != SHORT_CHARACTERS + 1)
        return bad_token(err, form, "not a venue code");
    if ((uint64_t)check != value % 37)
        return bad_token(err, "the code as printed, character by character",
                         "the check character does not fit: a character was mistyped");
    uint32_t venue = (uint32_t)(value >> (4 + SHORT_MAC_BITS));
    uint16_t version = (uint16_t)(value >> SHORT_MAC_BITS & 15);
    if (short_value(keys, venue, version) != value)
        return bad_token(err, "a code issued by this city", "this venue code was not issued here");
    *ret_venue = venue;
    *ret_version = version;
    return true;
}

bool venue_token_parse(const struct keys *keys, struct slice text, uint32_t *ret_venue,
                       uint16_t *ret_version, bool *ret_short, struct error *err)
{
    *ret_short = text.length < 3 || memcmp(text.data, "v1.", 3) != 0;
    if (*ret_short)
        return short_code_parse(keys, text, ret_venue, ret_version, err);
    unsigned char bytes[6 + MAC_BYTES], code[16];
    struct slice rest = {text.data + 3, text.length - 3};
    if (!text_from_base64url(rest, bytes, sizeof bytes))
        return bad_token(err, "a venue token", "not a venue token");
    uint32_t venue;
    uint16_t version;
    memcpy(&venue, bytes, 4);
    memcpy(&version, bytes + 4, 2);
    mac(keys_of(keys, KEY_VENUE_TOKEN), 'v', venue, version, code);
    if (sodium_memcmp(bytes + 6, code, MAC_BYTES) != 0)
        return bad_token(err, "a token issued by this city",
                         "this venue token was not issued here");
    *ret_venue = venue;
    *ret_version = version;
    return true;
}

/* ---- Venues' rotating codes */

enum { ROTATING_BYTES = 10 + MAC_BYTES };

/* venue u32 | version u16 | issued u32 | mac over domain 'r', all three */
static void rotating_mac(const struct keys *keys, const unsigned char numbers[10],
                         unsigned char out[16])
{
    unsigned char text[11] = {'r'};
    memcpy(text + 1, numbers, 10);
    hash_blake2b(out, 16, text, sizeof text, keys_of(keys, KEY_VENUE_TOKEN));
}

void venue_rotating_format(const struct keys *keys, uint32_t venue, uint16_t version,
                           uint32_t issued, char out[VENUE_TOKEN_BYTES])
{
    unsigned char bytes[ROTATING_BYTES], code[16];
    memcpy(bytes, &venue, 4);
    memcpy(bytes + 4, &version, 2);
    memcpy(bytes + 6, &issued, 4);
    rotating_mac(keys, bytes, code);
    memcpy(bytes + 10, code, MAC_BYTES);
    memcpy(out, "r1.", 3);
    text_to_base64url(bytes, sizeof bytes, out + 3);
}

bool venue_token_is_rotating(struct slice text)
{
    return text.length >= 3 && memcmp(text.data, "r1.", 3) == 0;
}

bool venue_rotating_parse(const struct keys *keys, struct slice text, uint32_t *ret_venue,
                          uint16_t *ret_version, uint32_t *ret_issued, struct error *err)
{
    unsigned char bytes[ROTATING_BYTES], code[16];
    if (!venue_token_is_rotating(text) ||
        !text_from_base64url((struct slice){text.data + 3, text.length - 3}, bytes, sizeof bytes))
        return bad_token(err, "a venue's rotating code", "not a venue token");
    rotating_mac(keys, bytes, code);
    if (sodium_memcmp(bytes + 10, code, MAC_BYTES) != 0)
        return bad_token(err, "a token issued by this city",
                         "this venue token was not issued here");
    memcpy(ret_venue, bytes, 4);
    memcpy(ret_version, bytes + 4, 2);
    memcpy(ret_issued, bytes + 6, 4);
    return true;
}

/* ---- Persons */

void person_code_format(const struct keys *keys, char kind, uint32_t person, uint32_t issued,
                        char out[PERSON_CODE_BYTES])
{
    unsigned char bytes[8 + MAC_BYTES], code[16];
    memcpy(bytes, &person, 4);
    memcpy(bytes + 4, &issued, 4);
    mac(keys_of(keys, KEY_SESSION), kind, person, issued, code);
    memcpy(bytes + 8, code, MAC_BYTES);
    out[0] = kind;
    out[1] = '1';
    out[2] = '.';
    text_to_base64url(bytes, sizeof bytes, out + 3);
}

bool person_code_parse(const struct keys *keys, char kind, struct slice text,
                       uint32_t *ret_person, uint32_t *ret_issued, struct error *err)
{
    unsigned char bytes[8 + MAC_BYTES], code[16];
    struct slice rest = {text.data + 3, text.length >= 3 ? text.length - 3 : 0};
    bool form = text.length > 3 && text.data[0] == kind && text.data[1] == '1' &&
                text.data[2] == '.' && text_from_base64url(rest, bytes, sizeof bytes);
    if (form) {
        memcpy(ret_person, bytes, 4);
        memcpy(ret_issued, bytes + 4, 4);
        mac(keys_of(keys, KEY_SESSION), kind, *ret_person, *ret_issued, code);
        if (sodium_memcmp(bytes + 8, code, MAC_BYTES) == 0)
            return true;
    }
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "holder"},
                     "a code issued by this city", "this person's code was not issued here");
}
