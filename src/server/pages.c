/* The built pages: which document draws which path, and what a browser may do with it.
 *
 * Scripts are files of this server; nothing runs inline. A document may hold its first style
 * inline, so that a slow network shows it with the first answer: the hash of that very style,
 * computed here from the built document, stands in its content security policy, and no other style
 * runs. Files that compress were compressed when they were built in (tools/embed.sh), for who
 * accepts it. */
#include <sodium.h>

#include "server/server_internal.h"

enum { STYLE_HASH_BYTES = 64 };

/* Each page of the console is drawn by one document; below it the path is the page's own. Phone
 * pages that scan may use the camera. */
static const struct page {
    const char *path, *document;
    bool camera;
} pages[] = {{"/login", "/index.html", false},  {"/alerts", "/index.html", false},
             {"/loops", "/index.html", false},  {"/cases", "/index.html", false},
             {"/venues", "/index.html", false}, {"/people", "/index.html", false},
             {"/scenes", "/index.html", false}, {"/rules", "/index.html", false},
             {"/system", "/index.html", false}, {"/me", "/me.html", false},
             {"/scan", "/scan.html", true},     {"/staff", "/staff.html", true},
             {"/public", "/public.html", false}};

static struct page page_of(struct slice path)
{
    if (slice_equal(path, SLICE("/")))
        return (struct page){"/", "/index.html", false};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        size_t length = strlen(pages[i].path);
        if (path.length >= length && memcmp(path.data, pages[i].path, length) == 0 &&
            (path.length == length || path.data[length] == '/'))
            return pages[i];
    }
    return (struct page){NULL, NULL, false};
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},   {".svg", "image/svg+xml"},
                 {".json", "application/json"},         {".woff2", "font/woff2"},
                 {".txt", "text/plain; charset=utf-8"}, {".png", "image/png"},
                 {".mp3", "audio/mpeg"},                {".ogg", "audio/ogg"}};
    size_t whole = strlen(name);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t length = strlen(types[i].ending);
        if (whole > length && strcmp(name + whole - length, types[i].ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* " 'sha256-…'" of the document's inline style; empty where it has none. */
static void style_source(struct slice document, char out[STYLE_HASH_BYTES])
{
    static const char open[] = "<style>", close[] = "</style>";
    unsigned char hash[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof hash, sodium_base64_VARIANT_ORIGINAL)];
    const char *first = memmem(document.data, document.length, open, sizeof open - 1);
    out[0] = '\0';
    if (!first)
        return;
    first += sizeof open - 1;
    size_t rest = document.length - (size_t)(first - document.data);
    const char *last = memmem(first, rest, close, sizeof close - 1);
    REQUIRE(last);
    crypto_hash_sha256(hash, (const unsigned char *)first, (size_t)(last - first));
    sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, STYLE_HASH_BYTES, " 'sha256-%s'", text);
}

/* What a browser may do with a page: nothing from elsewhere, no script but files of this server. */
static void put_guards(struct response *response, struct slice document, bool camera,
                       struct arena *arena)
{
    static const char *const guards[] = {"X-Content-Type-Options: nosniff",
                                         "Referrer-Policy: no-referrer",
                                         "Cross-Origin-Opener-Policy: same-origin",
                                         "Cross-Origin-Resource-Policy: same-origin"};
    char style[STYLE_HASH_BYTES];
    style_source(document, style);
    response_header(
        response,
        arena_print(arena,
                    "Content-Security-Policy: default-src 'self'; script-src 'self'; "
                    "style-src 'self'%s; img-src 'self' data:; font-src 'self'; "
                    "connect-src 'self'; worker-src 'self'; media-src 'self'; "
                    "manifest-src 'self'; object-src 'none'; frame-src 'none'; "
                    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                    "require-trusted-types-for 'script'",
                    style));
    response_header(response, camera ? "Permissions-Policy: camera=(self), microphone=(), "
                                       "geolocation=()"
                                     : "Permissions-Policy: camera=(), microphone=(), "
                                       "geolocation=()");
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        response_header(response, guards[i]);
}

/* Whether "gzip" stands among the encodings without being refused ("gzip;q=0"). */
static bool accepts_gzip(struct slice accepted)
{
    static const char gzip[] = "gzip";
    const char *found = accepted.data ? memmem(accepted.data, accepted.length, gzip, 4) : NULL;
    if (!found)
        return false;
    struct slice rest = {found + 4, accepted.length - 4 - (size_t)(found - accepted.data)};
    return !(rest.length >= 4 && memcmp(rest.data, ";q=0", 4) == 0 &&
             (rest.length == 4 || rest.data[4] != '.'));
}

bool static_file(const struct raw_request *raw, struct slice path, struct response *response,
                 struct arena *arena)
{
    struct page page = page_of(path);
    const char *name = page.document ? arena_print(arena, "web/dist%s", page.document)
                                     : arena_print(arena, "web/dist%.*s", SLICE_ARG(path));
    const struct embedded_file *file = embedded_find(name);
    if (!file)
        return false;
    const struct embedded_file *small = embedded_find(arena_print(arena, "%s.gz", name));
    bool hashed = strncmp(name, "web/dist/assets/", 16) == 0; /* the name carries the content */
    bool packed = small && accepts_gzip(raw->accept_encoding);
    response->content_type = type_of(name);
    response_header(response, hashed ? "Cache-Control: public, max-age=31536000, immutable"
                                     : "Cache-Control: no-cache");
    if (small)
        response_header(response, "Vary: Accept-Encoding");
    if (packed)
        response_header(response, "Content-Encoding: gzip");
    put_guards(response, file->content, page.camera, arena);
    const struct slice content = packed ? small->content : file->content;
    buffer_append(&response->body, content.data, content.length);
    return true;
}
