/* What the attacks share: requests to the real binary as anyone may send them, and what they
 * left. */
#ifndef CHENGMAI_TESTS_ATTACK_H
#define CHENGMAI_TESTS_ATTACK_H

#include <sqlite3.h>

#include "../server_process.h"

struct reply {
    int status;
    json_t *json; /* NULL where it is not JSON */
    struct buffer body;
};
static inline void reply_release(struct reply *reply)
{
    json_decref(reply->json);
    buffer_release(&reply->body);
    *reply = (struct reply){0};
}

/* The value of a cookie that the answer's head sets, "" where it does not. */
static inline void cookie_set(const char *head, const char *name, char out[120])
{
    char line[80];
    snprintf(line, sizeof line, "\r\nSet-Cookie: %s=", name);
    const char *at = strcasestr(head, line);
    out[0] = '\0';
    if (at)
        snprintf(out, 120, "%.*s", (int)strcspn(at + strlen(line), ";\r"), at + strlen(line));
}

/* What a browser would send; any may be NULL. */
struct sent {
    const char *token, *purpose, *cookies, *csrf;
};
/* With a body it is JSON. The answer's head goes to `out_head` where that is not NULL. */
static inline struct reply send_as(const struct served *served, const char *method,
                                   const char *path, const struct sent *as, const char *body,
                                   char out_head[4096])
{
    const struct {
        const char *name, *value;
    } lines[] = {{"Authorization: Bearer ", as->token}, {"X-Purpose: ", as->purpose},
                 {"Cookie: ", as->cookies}, {"X-CSRF-Token: ", as->csrf}};
    struct reply reply = {0};
    struct buffer head;
    int fd = dial(served);
    buffer_init(&head, 4096);
    buffer_print(&head, "%s /api/v1%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", method, path);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i].value)
            buffer_print(&head, "%s%s\r\n", lines[i].name, lines[i].value);
    buffer_print(&head, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 body ? strlen(body) : 0);
    assert_true(say_bytes(fd, head.data, head.length) && (!body || say_text(fd, body)));
    struct heard heard = hear(fd);
    close(fd);
    buffer_release(&head);
    if (out_head)
        memcpy(out_head, heard.head, sizeof heard.head);
    reply.status = heard.status;
    reply.body = heard.body;
    reply.json = heard.body.data ? json_loadb(heard.body.data, heard.body.length, 0, NULL) : NULL;
    return reply;
}
static inline struct reply send_to(const struct served *served, const char *method,
                                   const char *path, const char *token, const char *purpose,
                                   const char *body)
{
    struct sent as = {.token = token, .purpose = purpose};
    return send_as(served, method, path, &as, body, NULL);
}
static inline void expect_reply(const struct served *served, const char *method, const char *path,
                                const char *token, const char *body, int status,
                                const char *words)
{
    struct reply reply = send_to(served, method, path, token, "duty:case_review", body);
    const char *text = reply.body.data ? reply.body.data : "";
    if (reply.status != status || !strstr(text, words))
        fail_msg("%s %s: %d %s", method, path, reply.status, text);
    reply_release(&reply);
}

/* A holder's session, through the demo's identity provider. */
static inline void session_of_holder(const struct served *served, int person, char out[120])
{
    char body[80];
    snprintf(body, sizeof body, "{\"provider\":\"stub\",\"person_no\":%d}", person);
    struct reply reply = send_to(served, "POST", "/sessions", NULL, NULL, body);
    assert_int_equal(reply.status, 200);
    snprintf(out, 120, "%s", json_string_value(json_object_get(reply.json, "session")));
    reply_release(&reply);
}

/* Persons by colour as the server counts them, told to one who sees persons: green, yellow, red. */
static inline void count_colors(struct served *served, long counts[3])
{
    static const char *const names[3] = {"status_green", "status_yellow", "status_red"};
    char token[80];
    size_t index;
    json_t *counter;
    token_of_user(served, "command", token);
    struct reply reply = send_to(served, "GET", "/situation", token, NULL, NULL);
    assert_int_equal(reply.status, 200);
    for (int i = 0; i < 3; i++)
        counts[i] = -1;
    json_array_foreach (json_object_get(reply.json, "counters"), index, counter)
        for (int i = 0; i < 3; i++)
            if (strcmp(json_string_value(json_object_get(counter, "name")), names[i]) == 0)
                counts[i] = (long)json_integer_value(json_object_get(counter, "value"));
    for (int i = 0; i < 3; i++)
        assert_true(counts[i] >= 0);
    reply_release(&reply);
}
/* Nobody became yellow or red (new persons are green). */
static inline void same_colors(struct served *served, const long before[3])
{
    long after[3];
    count_colors(served, after);
    assert_int_equal(after[1], before[1]);
    assert_int_equal(after[2], before[2]);
}

/* Someone with the database file in hands. One number where the statement gives a row, else -1. */
static inline long long with_the_file(const struct served *served, const char *statement)
{
    char path[300];
    sqlite3 *database;
    sqlite3_stmt *prepared;
    long long number = -1;
    snprintf(path, sizeof path, "%s/data/city.db", served->directory);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    if (sqlite3_prepare_v2(database, statement, -1, &prepared, NULL) != SQLITE_OK)
        fail_msg("%s: %s", statement, sqlite3_errmsg(database));
    int code = sqlite3_step(prepared);
    if (code == SQLITE_ROW)
        number = sqlite3_column_int64(prepared, 0);
    else if (code != SQLITE_DONE)
        fail_msg("%s: %s", statement, sqlite3_errmsg(database));
    sqlite3_finalize(prepared);
    sqlite3_close(database);
    return number;
}

#endif
