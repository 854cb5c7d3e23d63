/* What a hostile client sends, whoever stands in front: requests that two readers could take for
 * two different ones, and second spellings of paths. Sent to the server alone (test_way_in.c) and
 * through nginx (test_way_in_nginx.c): neither may see more than one request, or a route behind the
 * spelling. */
#ifndef CHENGMAI_TESTS_WAY_IN_H
#define CHENGMAI_TESTS_WAY_IN_H

#include "server_process.h"

/* The request that is smuggled: answered, it is seen. */
#define SMUGGLED "GET /api/v1/public/about HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST_HEAD "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\n"

struct smuggling {
    const char *name, *bytes;
    size_t length;
    bool by_proxy_only; /* libmicrohttpd ends a value at a NUL and tells nobody */
};
#define SMUGGLING(name, text, ...)                                                                 \
    {                                                                                              \
        name, text, sizeof(text) - 1, __VA_ARGS__                                                  \
    }
static const struct smuggling smugglings[] = {
    SMUGGLING("length and chunks",
              POST_HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
              false),
    SMUGGLING("chunks and length",
              POST_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" SMUGGLED,
              false),
    SMUGGLING("two lengths", POST_HEAD "Content-Length: 2\r\nContent-Length: 51\r\n\r\n{}" SMUGGLED,
              false),
    SMUGGLING("the same length twice",
              POST_HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" SMUGGLED, false),
    SMUGGLING("a list of lengths", POST_HEAD "Content-Length: 2, 2\r\n\r\n{}" SMUGGLED, false),
    SMUGGLING("a length with a sign", POST_HEAD "Content-Length: +2\r\n\r\n{}" SMUGGLED, false),
    SMUGGLING("a negative length", POST_HEAD "Content-Length: -2\r\n\r\n{}" SMUGGLED, false),
    SMUGGLING("a hexadecimal length", POST_HEAD "Content-Length: 0x2\r\n\r\n{}" SMUGGLED, false),
    SMUGGLING("a length in two words", POST_HEAD "Content-Length: 2 2\r\n\r\n{}" SMUGGLED, false),
    SMUGGLING("a length past all numbers",
              POST_HEAD "Content-Length: 18446744073709551618\r\n\r\n{}" SMUGGLED, false),
    SMUGGLING("an encoding that is none",
              POST_HEAD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SMUGGLED, false),
    SMUGGLING("a list of encodings",
              POST_HEAD "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" SMUGGLED, false),
    SMUGGLING("identity first",
              POST_HEAD "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" SMUGGLED, false),
    SMUGGLING("two encodings",
              POST_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
                        "identity\r\n\r\n0\r\n\r\n" SMUGGLED,
              false),
    SMUGGLING("an encoding with a control character",
              POST_HEAD "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" SMUGGLED, false),
    SMUGGLING("a blank before the colon",
              POST_HEAD "Transfer-Encoding : chunked\r\nContent-"
                        "Length: 5\r\n\r\n0\r\n\r\n" SMUGGLED,
              false),
    SMUGGLING("chunks in HTTP/1.0",
              "POST /api/v1/sessions HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
              false),
    SMUGGLING("a chunk size that is none",
              POST_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n" SMUGGLED, false),
    SMUGGLING("a negative chunk size",
              POST_HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n" SMUGGLED, false),
    SMUGGLING("a hexadecimal prefix",
              POST_HEAD "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" SMUGGLED, false),
    SMUGGLING("a chunk past all numbers",
              POST_HEAD
              "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n" SMUGGLED,
              false),
    SMUGGLING("a chunk longer than it says",
              POST_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\n{} \r\n0\r\n\r\n" SMUGGLED, false),
    SMUGGLING("two hosts", "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" SMUGGLED, false),
    SMUGGLING("a name with a blank", "GET /healthz HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n" SMUGGLED,
              false),
    SMUGGLING("a NUL in a value", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n" SMUGGLED,
              true),
};
enum { SMUGGLINGS = sizeof smugglings / sizeof *smugglings };

/* True where what came back is refusals only (or nothing), and the smuggled request was not
 * answered. (libmicrohttpd 0.9.75 writes the head of its own refusal of a length twice.) */
static inline bool is_refusal_only(const char *text, size_t length)
{
    for (const char *at = text; (at = memmem(at, length - (size_t)(at - text), "HTTP/1.1 ", 9));
         at += 9)
        if (at[9] != '4' && at[9] != '5')
            return false;
    return !memmem(text, length, "\"city_now\"", 10);
}

/* Second spellings, and what is no path: none of them may be answered with what they mean. */
static const char *const spellings[] = {
    "/../healthz",
    "/api/../healthz",
    "/./healthz",
    "/api/v1/../../healthz",
    "/%2e%2e/healthz",
    "/api/%2E%2e/healthz",
    "/.%2e/healthz",
    "/%2e/healthz",
    "//healthz",
    "/api//v1/public/about",
    "/api/v1//public/about",
    "/api%2fv1/public/about",
    "/api%2Fv1/public/about",
    "/api%5cv1/public/about",
    "/healthz%00",
    "/healthz%00.html",
    "/%68ealthz%2f..",
    "\\healthz",
    "/api\\v1\\public\\about",
    "/..%2fhealthz",
    "/api/v1/public/about%2f",
    "/;/healthz",
    "/healthz;x=1",
    "/healthz%20",
    "/healthz/..;/",
};
enum { SPELLINGS = sizeof spellings / sizeof *spellings };

#endif
