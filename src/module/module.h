/* module: what a room gives the house, and what the house gives a room.
 *
 * Every room declares one `static const struct module`: its migrations, routes, commands, event
 * kinds and named statements. src/modules.c lists them all; nothing else has to be touched.
 *   To add a room:    1 a folder  2 its struct module  3 one line in src/modules.c
 *   To add a route:   one row in the room's routes.c (the OpenAPI document follows from it)
 *   To add a command: one row in the room's commands.c (`chengmai help` follows from it)
 *   To add an error:  one row in base/error.h */
#ifndef CHENGMAI_MODULE_MODULE_H
#define CHENGMAI_MODULE_MODULE_H

#include "base/base.h"
#include "store/store.h"

struct access;
struct alerts;
struct chains;
struct checkin;
struct feeds;
struct keeping;
struct loops;
struct notices;
struct photos;
struct policy;
struct presence;
struct registry;
struct server;
struct status_table;
struct upkeep;

/* The open rooms, lowest first. Every room reads those below it; NULL where not opened. */
struct platform {
    struct world *world;
    struct store *store;
    struct policy *policy;         /* rule sets, roles, dwell model: data of policies/ */
    struct registry *registry;
    struct access *access;         /* users, tokens, sessions, the gate */
    struct status_table *status;
    struct presence *presence;
    struct checkin *checkin;       /* the scan path */
    struct photos *photos;         /* bytes that loops name */
    struct loops *loops;           /* closed loops and their clocks */
    struct chains *chains;         /* how far chains of cases are followed */
    struct alerts *alerts;         /* what is unusual in which place */
    struct feeds *feeds;           /* what the platform counts itself, for the alerts */
    struct keeping *keeping;       /* retention, backups, the end */
    struct notices *notices;       /* telling people */
    struct upkeep *upkeep;         /* checks of the whole, jobs */
    struct server *server;         /* NULL unless this process serves */
    const char *directory;         /* the data directory, NULL for commands that need none */
    bool demo;
};

/* ---- Commands ------------------------------------------------------------------------------ */

/* What a command may touch. Where a server owns the data directory the command runs inside the
 * server, on the descriptors of the caller: never use stdout, stdin, stderr or the process's
 * working directory. */
struct command_context {
    struct platform *platform; /* every member NULL where the command has `needs_data` false */
    struct arena *arena;       /* lives as long as the command */
    FILE *out;                 /* what a machine reads */
    FILE *words;               /* what people read */
    int in_fd;                 /* standard input of the caller */
    int working_directory_fd;  /* paths in arguments are relative to it */
    bool json;                 /* --json */
    bool through_server;
};

struct command {
    const char *name;   /* "import", or two words: "policy decide" */
    const char *usage;  /* arguments after the name */
    const char *words;  /* one line of help */
    bool needs_data;
    /* argv[0] is the first argument after the name. Returns an exit code; on failure with an
     * error it fills `err` and returns error_kind(err->code)->exit_code (see command_fail). */
    int (*run)(struct command_context *context, int argc, char **argv, struct error *err);
};

/* exit code of a filled error */
static inline int command_fail(const struct error *err)
{
    return error_kind(err->code)->exit_code;
}

/* Options: takes "--name VALUE" or "--name=VALUE" out of argv (moving the rest up, adjusting
 * *argc); *ret_value NULL where absent. ERROR_USAGE where the value is missing or it stands
 * twice. */
bool command_option(int *argc, char **argv, const char *name, const char **ret_value,
                    struct error *err) MUST_USE;
/* Takes a flag "--name" out of argv. */
bool command_flag(int *argc, char **argv, const char *name);
/* ERROR_USAGE unless exactly between low and high arguments are left and none begins with "--". */
bool command_arguments(const struct command *command, int argc, char **argv, int low, int high,
                       struct error *err) MUST_USE;
/* Opens a file argument relative to the caller's directory, "-" is standard input (duplicated). */
bool command_open(struct command_context *context, const char *path, int *ret_fd,
                  struct error *err) MUST_USE;

/* Writes a document to a file relative to the caller's directory, or to standard output where
 * `path` is NULL. */
bool command_write(struct command_context *context, const char *path, const struct buffer *bytes,
                   struct error *err) MUST_USE;

/* ---- Routes -------------------------------------------------------------------------------- */

/* The methods that routes have; the last two are asked for and never a route's. */
enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_METHOD_COUNT,
    HTTP_OPTIONS = HTTP_METHOD_COUNT,
    HTTP_OTHER,
};

enum actor_kind {
    ACTOR_NONE,   /* no session */
    ACTOR_USER,   /* an officer, by bearer token or session cookie */
    ACTOR_HOLDER, /* a person, by the identity provider's session */
};

/* Area numbers carry the tree, 12 bits a level of five: an area with all below it is one range. */
enum { AREA_LEVEL_BITS = 12, AREA_LEVELS = 5 };
static inline int64_t area_range_last(int64_t area_no)
{
    int64_t mask = ((int64_t)1 << AREA_LEVEL_BITS) - 1;
    int64_t last = area_no;
    while (area_no && !(area_no & mask)) { /* number 0 is no area */
        last |= mask;
        mask <<= AREA_LEVEL_BITS;
    }
    return last;
}

/* Who asks. Areas: see registry.h; [area_first, area_last] is the reader's jurisdiction. */
struct actor {
    enum actor_kind kind;
    int64_t user_no;        /* users */
    uint32_t person_no;     /* holders */
    uint8_t session_epoch;  /* holders: to be compared with the status table's */
    char name[64];
    char role[40];
    int64_t area_first, area_last;
    uint64_t permissions;   /* bits of policy/permissions.h */
    uint32_t reads;         /* field_mask of policy/permissions.h: what of a person is shown */
    unsigned where;         /* bits of policy.h's `enum where`: persons of which jurisdiction */
    int64_t unit_no;        /* where a user serves; 0: nowhere */
    bool one_person;        /* the purpose is a loop: it opens whom that is about, nobody else */
    int64_t purpose_person; /* that person; 0: the loop is about none */
};

struct request {
    struct platform *platform;
    struct arena *arena;
    enum http_method method;
    const struct route *route;
    struct slice path;
    struct slice parameters[4]; /* values of {…} in the path, in order, percent-decoded */
    const struct query_field *query;
    size_t query_count;
    struct slice body;
    struct slice idempotency_key; /* empty where absent */
    struct slice purpose;         /* X-Purpose, empty where absent */
    struct slice authorization;   /* the header, data NULL where absent */
    struct slice cookie;          /* the session cookie, data NULL where absent */
    struct slice device;          /* the cookie that marks a known device, likewise */
    struct actor actor;
};

struct query_field {
    struct slice name, value;
};

/* A body of any length, made a chunk at a time: a chunk when the client has taken the one before,
 * on whatever worker is free, never two at once. Between chunks nothing is held: no read
 * transaction, no lock, no worker. `context` may keep a copy of the request; the request's texts
 * and arena live until `release`. */
enum { RESPONSE_CHUNK_BYTES_MAX = 256 << 10 };
struct response_stream {
    /* NULL: the body is whole. Appends at least a byte to the empty `chunk` unless this is the end
     * (*ret_end, false before). Not called again after the end or a failure. The failure of the
     * first chunk is answered as a problem; a later one is logged and cuts the answer off, so that
     * nobody takes it for whole. What a chunk opens is on record before the call returns. */
    bool (*fill)(void *context, struct buffer *chunk, bool *ret_end, struct error *err);
    void (*release)(void *context); /* once, whatever happened */
    void *context;
};

enum { RESPONSE_HEADERS_MAX = 11 };
struct response {
    int status;               /* 200 unless set */
    const char *content_type; /* application/json unless set */
    struct buffer body;
    struct response_stream stream; /* of reads only; set last, by a handler that succeeds */
    const char *headers[RESPONSE_HEADERS_MAX + 1]; /* "Name: value", arena-owned, NULL-terminated */
};
/* Adds a header; `line` lives as long as the response's arena. */
void response_header(struct response *response, const char *line);

enum route_access {
    ROUTE_PUBLIC, /* no session needed */
    ROUTE_USER,   /* a user with `permission` */
    ROUTE_HOLDER, /* a holder's session */
    ROUTE_ANY,    /* a user with `permission`, or a holder: the handler tells them apart */
};

/* What a route touches; a route that does not say so fails the build (`chengmai routes`). */
enum route_touch {
    TOUCH_UNDECLARED,
    TOUCH_NOTHING,    /* the house itself: health, the document, log-in */
    TOUCH_AGGREGATES, /* counts: small ones are suppressed */
    TOUCH_REGISTER,   /* areas, venues, units: no persons */
    TOUCH_PERSONS,    /* records of persons: `fields` says which, the answer is audited */
    TOUCH_LOOPS,      /* what is to be done: persons by number alone, more for who has a part */
    TOUCH_OWN,        /* the holder's own */
    TOUCH_SYSTEM,     /* users, audit, keys */
};

/* How much of the request the generic machinery handles itself. */
enum route_manner {
    ROUTE_PLAIN,  /* handle() fills the response, on a worker or the HTTP thread */
    ROUTE_SCAN,   /* POST /scans: the durable fast path of server/scan_path.c */
    ROUTE_STREAM, /* server-sent events */
};

/* What goes first when more is asked than can be answered (server/limits.h). */
enum route_shed {
    SHED_BY_METHOD,  /* not declared: a read is detail, a write intake */
    SHED_DECORATION, /* given up first: nobody acts on it */
    SHED_HISTORY,
    SHED_DETAIL,
    SHED_STATUS,     /* what lets a person pass */
    SHED_INTAKE,     /* given up last: what was observed */
    SHED_COUNT,
};

struct route {
    enum http_method method;
    const char *path;        /* "/persons/{no}/status"; below /api/v1 unless `at_root` */
    enum route_access access;
    uint64_t permission;     /* bit of access.h, 0 where access does not name one */
    enum route_touch touches;
    unsigned fields;         /* FIELD_BITs of persons that the answer may show */
    bool kept_by_nobody;     /* no cache stores its answers, not even to ask again */
    bool opens_identity;     /* X-Purpose is demanded before the handler runs */
    bool about_person;       /* about the one person whom the path or the body names: the purpose
                                may be a loop about that person */
    bool destructive;        /* x-destructive in the OpenAPI */
    bool at_root;
    bool secret_body;        /* the body holds a password: its idempotency digest is slow */
    bool leaves_nothing;     /* a write of memory alone: giving it up loses nothing observed */
    bool runs_again;         /* a repeat with the same key runs again, with the same answer */
    bool waits;              /* hardly works but waits for the disk, holding nothing meanwhile: many
                                run at once */
    size_t body_bytes_max;   /* 0: 1 MiB; the handler may take less */
    enum route_manner manner;
    enum route_shed shed;
    const char *summary;     /* English, one line */
    const char *query;       /* "name:type:words;…", NULL where none */
    const char *request_schema;  /* JSON Schema text, NULL where no body */
    const char *response_schema; /* JSON Schema text of the 2xx answer */
    const char *request_type;    /* media types, application/json where NULL */
    const char *response_type;
    int success_status;          /* 0 means 200 */
    bool (*handle)(const struct request *request, struct response *response, struct error *err);
};

/* The query field of that name; empty data NULL where absent. */
struct slice request_query(const struct request *request, const char *name);
/* ?limit (1…1000, default 100). */
bool request_limit(const struct request *request, int64_t *ret_limit, struct error *err) MUST_USE;
/* ?as_of: the full hour at or before that moment; TIMESTAMP_NONE where absent. ERROR_BAD_VALUE
 * where it is no time, later than now, or before the first day that the city knows of. */
bool request_as_of(const struct request *request, timestamp *ret_as_of, struct error *err) MUST_USE;
/* The setting that holds that day, as a date; and its first moment, that of today where nobody said
 * it yet. */
#define SETTING_FIRST_DAY "city_first_day"
bool city_first_moment(struct platform *platform, timestamp *ret_first, struct error *err) MUST_USE;
/* Parses the body as one JSON object; freed with the request's arena. */
bool request_json(const struct request *request, json_t **ret_body, struct error *err) MUST_USE;
/* A cursor is opaque text that carries one whole number (the last key handed out). 0 where
 * `after` is absent; ERROR_BAD_VALUE where it was not issued by us. */
bool request_cursor(const struct request *request, int64_t *ret_after, struct error *err) MUST_USE;
/* The text for "next" into `out`. */
void cursor_format(int64_t after, char out[32]);
/* "next" of a page: the cursor after the number handed out last, null where that is 0. */
void json_field_cursor(struct json_writer *writer, int64_t last);

/* ---- The module ---------------------------------------------------------------------------- */

struct event_kind {
    const char *name;    /* "evidence.recorded" */
    const char *subject; /* registry kind */
};

/* A column that field_encrypt fills, so that a rotation of the class's key finds its rows. One that
 * stands in no list is unreadable after the next rotation. */
struct cipher_column {
    const char *name;               /* "TABLE.COLUMN" */
    enum key_class class_;
    int64_t row_base;               /* a cipher's row is row_base | the row's number */
    const struct sql_text *block;   /* number and cipher of rows above ?1, by number, at most ?2 */
    const struct sql_text *replace; /* ?1 the number, ?2 the cipher */
};

/* A column that held plain text before it was encrypted: what is left of it is encrypted when the
 * city is opened. */
struct plain_column {
    const struct cipher_column *cipher;
    const struct sql_text *plain;   /* number and text of what is left, at most ?1 */
    const struct sql_text *encrypt; /* ?1 the number, ?2 the cipher: the text goes */
};

struct module {
    const char *name;
    const struct migration *migrations;
    size_t migration_count;
    const struct route *routes;
    size_t route_count;
    const struct command *commands;
    size_t command_count;
    const struct event_kind *event_kinds;
    size_t event_kind_count;
    const struct sql_list *const *statements; /* of the room's files, NULL after the last */
    const struct cipher_column *ciphers;
    size_t cipher_count;
    const struct plain_column *plains;
    size_t plain_count;
};

extern const struct module *const modules[];
extern const size_t module_count;

#endif
