/* The built pages: what a browser may do with each, the style that stands in a document, what is
 * sent compressed; and what everybody may know. */
#include <sodium.h>
#include <zlib.h>

#include "base/embedded.h"
#include "server/test_support.h"

static const char *const phone_pages[] = {"/me", "/scan", "/staff", "/public"};
enum { PHONE_PAGES = sizeof phone_pages / sizeof *phone_pages };

/* The hash as a browser computes it, of the text between the marks. */
static void hash_of_style(const char *document, char out[80])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char text[64];
    const char *first = strstr(document, "<style>"), *last = strstr(document, "</style>");
    assert_non_null(first);
    assert_non_null(last);
    first += 7;
    crypto_hash_sha256(hash, (const unsigned char *)first, (size_t)(last - first));
    sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, 80, "'sha256-%s'", text);
}

static void a_page_runs_files_of_this_server_and_its_own_style_only(void **state)
{
    struct loopback *loop = *state;
    char hash[80];
    for (size_t i = 0; i < PHONE_PAGES; i++) {
        struct answer answer = loopback_call(loop, GET(phone_pages[i], NULL));
        const char *policy = answer_header(&answer, "Content-Security-Policy");
        const char *devices = answer_header(&answer, "Permissions-Policy");
        assert_int_equal(answer.status, 200);
        assert_memory_equal(policy, "default-src 'self'; script-src 'self'; ", 39);
        hash_of_style(answer.response.body.data, hash);
        assert_non_null(strstr(policy, hash));
        assert_null(strstr(policy, "unsafe"));
        assert_non_null(strstr(policy, "worker-src 'self'"));
        assert_non_null(strstr(policy, "object-src 'none'"));
        bool scans = i == 1 || i == 2;
        assert_non_null(strstr(devices, scans ? "camera=(self)" : "camera=()"));
        assert_non_null(strstr(devices, "microphone=()"));
        answer_release(&answer);
    }
    struct answer console = loopback_call(loop, GET("/loops", NULL));
    assert_null(strstr(answer_header(&console, "Content-Security-Policy"), "sha256"));
    assert_non_null(strstr(answer_header(&console, "Permissions-Policy"), "camera=()"));
    answer_release(&console);
}

static void what_compresses_is_sent_compressed_to_who_accepts_it(void **state)
{
    struct loopback *loop = *state;
    static const struct {
        const char *accepted;
        bool packed;
    } rows[] = {{NULL, false},
                {"br", false},
                {"gzip;q=0", false},
                {"gzip", true},
                {"br, gzip;q=0.5", true},
                {"gzip, deflate, br", true}};
    char plain[1 << 16];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = loopback_call(
            loop, &(struct call){.path = "/me", .accept_encoding = rows[i].accepted});
        const struct buffer *body = &answer.response.body;
        const char *encoding = answer_header(&answer, "Content-Encoding");
        assert_string_equal(answer_header(&answer, "Vary"), "Accept-Encoding");
        assert_string_equal(encoding ? encoding : "", rows[i].packed ? "gzip" : "");
        const struct embedded_file *file = embedded_find("web/dist/me.html");
        if (rows[i].packed) {
            z_stream stream = {.next_in = (unsigned char *)body->data,
                               .avail_in = (unsigned)body->length,
                               .next_out = (unsigned char *)plain,
                               .avail_out = sizeof plain};
            assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
            assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
            assert_int_equal(stream.total_out, file->content.length);
            assert_memory_equal(plain, file->content.data, file->content.length);
            inflateEnd(&stream);
        } else {
            assert_int_equal(body->length, file->content.length);
        }
        answer_release(&answer);
    }
}

static void everybody_reads_the_rules_in_force_and_how_long_records_are_kept(void **state)
{
    struct loopback *loop = *state;
    struct answer answer = loopback_call(loop, GET("/api/v1/public/rules", NULL));
    json_t *rules = json_array_get(json_object_get(answer.json, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(rules, "rule_set")),
                        "jiangsu_2022_ed8");
    json_t *basis = json_object_get(rules, "legal_basis");
    assert_non_null(strstr(json_string_value(json_object_get(basis, "en")), "Control plan"));
    assert_non_null(strstr(json_string_value(json_object_get(basis, "zh")), "第八版"));
    assert_true(json_is_null(json_object_get(rules, "valid_to")));
    answer_release(&answer);
    answer = loopback_call(loop, GET("/api/v1/public/keeping", NULL));
    assert_string_equal(json_string_value(json_object_get(answer.json, "state")), "none");
    json_t *classes = json_object_get(answer.json, "classes"), *first = json_array_get(classes, 0);
    assert_true(json_array_size(classes) > 10);
    assert_true(json_string_length(json_object_get(first, "title_zh")) > 0);
    assert_null(json_object_get(first, "destroys")); /* how it is done is the officers' */
    answer_release(&answer);
    /* before any rules: none, said so */
    loop->platform->world->fixed -= 400 * DAY;
    answer = loopback_call(loop, GET("/api/v1/public/rules", NULL));
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 0);
    answer_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(a_page_runs_files_of_this_server_and_its_own_style_only),
        LOOPBACK_TEST(what_compresses_is_sent_compressed_to_who_accepts_it),
        LOOPBACK_TEST(everybody_reads_the_rules_in_force_and_how_long_records_are_kept),
    };
    return LOOPBACK_RUN(tests);
}
