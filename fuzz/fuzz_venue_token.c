/* Typed and scanned codes. The text goes to every parser; what one accepts must format back to the
 * same numbers. Then a true token is made of the first bytes and one character of it is replaced:
 * it is refused, or the character meant the same. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkin/checkin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keys *keys;

static void make_keys(void)
{
    struct error err;
    char directory[] = "/tmp/chengmai-fuzz-XXXXXX";
    REQUIRE(mkdtemp(directory));
    int fd = open(directory, O_RDONLY | O_DIRECTORY);
    REQUIRE(fd >= 0 && keys_create(fd, &err) && keys_open(fd, &keys, &err) &&
            file_remove_tree(AT_FDCWD, directory, &err));
    close(fd);
}

static void parse_all(struct slice text)
{
    struct error err;
    uint32_t venue, person, issued;
    uint16_t version;
    bool is_short;
    if (venue_token_parse(keys, text, &venue, &version, &is_short, &err) && !is_short) {
        char again[VENUE_TOKEN_BYTES];
        venue_token_format(keys, venue, version, again);
        REQUIRE(slice_equal(text, slice_of(again)));
    }
    for (int paper = 0; paper < 2; paper++)
        if (person_code_parse(keys, paper ? 'p' : 'c', text, &person, &issued, &err)) {
            char again[PERSON_CODE_BYTES];
            person_code_format(keys, paper ? 'p' : 'c', person, issued, again);
            REQUIRE(slice_equal(text, slice_of(again)));
        }
}

/* Replaces one character; a full token then is another one. */
static void change_one(const uint8_t *data)
{
    struct error err;
    uint32_t venue, number;
    uint16_t version, low;
    bool is_short;
    char token[VENUE_TOKEN_BYTES], code[VENUE_SHORT_CODE_BYTES];
    memcpy(&number, data, 4);
    memcpy(&low, data + 4, 2);
    venue_token_format(keys, number, low, token);
    size_t at = data[6] % strlen(token);
    bool same = token[at] == (char)data[7];
    token[at] = (char)data[7];
    bool accepted = venue_token_parse(keys, (struct slice){token, strlen(token)}, &venue, &version,
                                      &is_short, &err);
    REQUIRE(same ? accepted : !accepted || is_short);
    number &= (1u << 28) - 1;
    venue_short_code_format(keys, number, low, code);
    at = data[6] % strlen(code);
    code[at] = (char)data[7];
    if (venue_token_parse(keys, (struct slice){code, strlen(code)}, &venue, &version, &is_short,
                          &err))
        REQUIRE(venue == number && version == (low & 15)); /* O for 0, lower case, a blank for - */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!keys)
        make_keys();
    parse_all((struct slice){(const char *)data, size});
    if (size >= 8)
        change_one(data);
    return 0;
}
