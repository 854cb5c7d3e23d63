/* Inside the keeping room only. */
#ifndef CHENGMAI_KEEPING_INTERNAL_H
#define CHENGMAI_KEEPING_INTERNAL_H

#include <pthread.h>

#include "access/access.h"
#include "keeping/keeping.h"
#include "presence/presence.h"
#include "status/status.h"

/* ---- Classes: what there is. A later room adds its class here and in policies/retention.yaml. */

/* Who destroys what has passed its days. */
enum keeper {
    KEEPER_RUN,    /* a retention run */
    KEEPER_ROOM,   /* the room itself, hourly or at each write */
    KEEPER_SUNSET, /* only the end */
};
#define RECORD_CLASS_TABLE(X)                                                                      \
    X(CLASS_PRESENCE, "presence", KEEPER_RUN)                                                      \
    X(CLASS_SCAN_ANSWERS, "scan-answers", KEEPER_ROOM)                                             \
    X(CLASS_TESTS, "tests", KEEPER_RUN)                                                            \
    X(CLASS_EVIDENCE, "evidence", KEEPER_RUN)                                                      \
    X(CLASS_CASES, "cases", KEEPER_SUNSET)                                                         \
    X(CLASS_PERSONS, "persons", KEEPER_SUNSET)                                                     \
    X(CLASS_STAYS, "stays", KEEPER_RUN)                                                            \
    X(CLASS_STAFF, "staff", KEEPER_SUNSET)                                                         \
    X(CLASS_VEHICLES, "vehicles", KEEPER_SUNSET)                                                   \
    X(CLASS_DEMO_LIFE, "demo-life", KEEPER_SUNSET)                                                 \
    X(CLASS_LOOPS, "loops", KEEPER_ROOM)                                                           \
    X(CLASS_PHOTOS, "photos", KEEPER_ROOM)                                                         \
    X(CLASS_NOTICES, "notices", KEEPER_ROOM)                                                       \
    X(CLASS_EVENTS, "events", KEEPER_RUN)                                                          \
    X(CLASS_SESSIONS, "sessions", KEEPER_ROOM)                                                     \
    X(CLASS_REQUESTS, "requests", KEEPER_ROOM)                                                     \
    X(CLASS_SNAPSHOT, "status-snapshot", KEEPER_SUNSET)                                            \
    X(CLASS_BACKUPS, "backups", KEEPER_RUN)                                                        \
    X(CLASS_ACCOUNTS, "accounts", KEEPER_SUNSET)                                                   \
    X(CLASS_AUDIT, "audit", KEEPER_SUNSET)                                                         \
    X(CLASS_AGGREGATES, "aggregates", KEEPER_SUNSET)                                               \
    X(CLASS_REFERENCE, "reference", KEEPER_SUNSET)

enum record_class {
#define X(id, name, keeper) id,
    RECORD_CLASS_TABLE(X)
#undef X
        RECORD_CLASS_COUNT
};
const char *record_class_name(enum record_class class_);
enum keeper record_class_keeper(enum record_class class_);
int record_class_of(struct slice name); /* −1 where there is none */

/* Every table of the house with its class. After the end a closed one takes no row. */
struct record_table {
    const char *name;
    enum record_class class_;
    bool closed;
    const struct sql_text *count, *empty, *close;
};
extern const struct record_table record_tables[];
extern const size_t record_table_count;

/* ---- Policy */

struct retention_rule {
    int64_t days; /* 0: until the end */
    bool kept_at_sunset;
    char title_zh[80], title_en[80], destroys[160], basis[160], source[160];
};
enum { HANDS_MAX = 16 };
struct hands {
    char roles[HANDS_MAX][40];
    size_t count;
};
struct retention_policy {
    struct retention_rule rules[RECORD_CLASS_COUNT];
    struct hands holds, sunset;
};
/* From a document of policies/retention.yaml; the whole of it is checked. */
bool retention_policy_read(json_t *document, struct retention_policy *ret_policy,
                           struct error *err) MUST_USE;
bool hands_have(const struct hands *hands, const char *role);

struct keeping {
    struct platform *platform;
    struct retention_policy policy; /* fixed after opening */
    pthread_mutex_t acting;         /* one run, rotation, backup, end at a time */
    pthread_mutex_t lock;           /* owns stopping */
    pthread_cond_t changed;
    bool stopping, started;
    pthread_t thread;
};

/* ---- Hands: who acts, proved by name and password (one line of standard input) */
bool hands_prove(struct command_context *context, const char *name, const struct hands *hands,
                 struct actor *ret_actor, struct error *err) MUST_USE;

/* ---- Holds */
struct hold {
    int64_t no;
    char class_[40];           /* a class or "all" */
    int32_t first_day, last_day; /* INT32_MIN, INT32_MAX: open */
    timestamp made_at, until_at, lifted_at;
    char reason[320], made_by[64], lifted_by[64];
};
enum { HOLDS_MAX = 1024 };
/* All, newest first; `only_active` leaves out what is lifted or over at `now`. In the arena. */
bool holds_read(struct sql *sql, bool only_active, timestamp now, struct arena *arena,
                struct hold **ret_holds, size_t *ret_count, struct error *err) MUST_USE;
bool hold_add(struct platform *platform, const struct hold *hold, int64_t *ret_no,
              struct error *err) MUST_USE;
bool hold_lift(struct platform *platform, int64_t no, const char *by,
               struct error *err) MUST_USE;
/* The first of them that keeps this class (and this day, INT32_MIN: any); NULL where none does. */
const struct hold *hold_of(const struct hold *holds, size_t count, enum record_class class_,
                           int32_t day);

/* ---- Retention */
/* One run. `writer` gets the report as JSON. A dry run destroys and keeps nothing. */
bool retention_run(struct keeping *keeping, const char *by, bool dry_run, struct buffer *report,
                   struct error *err) MUST_USE;
/* The day of the last run, INT32_MIN where there was none. */
bool retention_last_day(struct platform *platform, int32_t *ret_day, struct error *err) MUST_USE;
/* A kept report (no 0: the last) as JSON; ERROR_NOT_FOUND where there is none. */
bool retention_report(struct platform *platform, int64_t run_no, struct buffer *out,
                      struct error *err) MUST_USE;
/* {"classes":[…],"holds":[…],"last_run":…} */
bool retention_overview(struct keeping *keeping, struct buffer *out, struct error *err) MUST_USE;
/* When the daily run is due, by the city day of the last one (INT32_MIN: none was): once a city
 * day, from RUN_HOUR on. Past where it is due now. */
enum { RUN_HOUR = 3 };
timestamp retention_next_at(int32_t last_day, timestamp now);
bool retention_runs(struct platform *platform, int64_t after, int64_t limit, struct buffer *out,
                    struct error *err) MUST_USE;
void hold_put(struct json_writer *writer, const struct hold *hold, timestamp now);

/* Rows past their days (retention_rows.c). *ret_rows went, or would go in a dry run. */
struct row_run {
    struct platform *platform;
    int64_t run_no; /* 0: dry */
    timestamp cutoff;
};
bool forget_tests(const struct row_run *run, int64_t *ret_rows, struct error *err) MUST_USE;
bool forget_evidence(const struct row_run *run, int64_t *ret_rows, struct error *err) MUST_USE;
bool forget_stays(const struct row_run *run, int64_t *ret_rows, struct error *err) MUST_USE;
bool forget_events(const struct row_run *run, int64_t *ret_rows, struct error *err) MUST_USE;
/* Inside a job: adds rows to the act of a run. */
bool act_add_rows(struct sql *sql, int64_t run_no, enum record_class class_, int64_t rows,
                  struct error *err) MUST_USE;

/* ---- Rotation */
/* A new version for the class, and its rows encrypted anew in small jobs; *ret_rows were. Goes on
 * where it was cut short. */
bool rotation_run(struct keeping *keeping, enum key_class class_, bool ends_issued,
                  int64_t *ret_rows, struct error *err) MUST_USE;
/* Finishes what was begun; done where nothing was. */
bool rotation_resume(struct keeping *keeping, struct error *err) MUST_USE;

/* ---- Plain rows: what lies unencrypted from before its column was encrypted (plain_rows.c) */
bool plain_rows_encrypt(struct platform *platform, struct error *err) MUST_USE;

/* ---- Backup and restore */
enum { BACKUP_PATH_BYTES = 160, BACKUP_FILES_MAX = 1000000 };
struct backup_file {
    char path[BACKUP_PATH_BYTES];
    int64_t bytes;
    unsigned char digest[32]; /* SHA-256 */
};
struct backup_manifest {
    char id[KEY_NAME_BYTES]; /* the name of its key, "backup-…" */
    char version[40];
    timestamp made_at, city_time;
    char keys[4096], mirror[4096]; /* where the keys lay */
    struct backup_file *files;
    size_t file_count;
};
void backup_manifest_release(struct backup_manifest *manifest);
bool backup_manifest_parse(struct slice json, struct backup_manifest *ret_manifest,
                           struct error *err) MUST_USE;
bool backup_path_is_plain(struct slice path);
void backup_manifest_write(const struct backup_manifest *manifest, struct buffer *out);
enum { BACKUP_MAC_BYTES = 32 };
void backup_mac(struct slice manifest, const unsigned char key[KEY_BYTES],
                unsigned char out[BACKUP_MAC_BYTES]);
bool file_digest(int at, const char *path, unsigned char ret_digest[32], int64_t *ret_bytes,
                 struct error *err) MUST_USE;
/* Streams a file through a seal (XChaCha20-Poly1305 in chunks); the reverse is true to the last
 * byte or ERROR_CORRUPT. */
bool seal_file(int from_fd, int to_fd, const unsigned char key[KEY_BYTES], const char *name,
               struct error *err) MUST_USE;
bool unseal_file(int from_fd, int to_fd, const unsigned char key[KEY_BYTES], const char *name,
                 struct error *err) MUST_USE;
bool copy_bytes(int from_fd, int to_fd, uint64_t length, const char *name,
                struct error *err) MUST_USE;
/* Makes the folders before the last "/" of a path below `at`. */
bool make_parents(int at, const char *path, struct error *err) MUST_USE;

bool backup_run(struct keeping *keeping, int working_directory_fd, const char *path,
                struct buffer *summary, struct error *err) MUST_USE;
bool restore_run(const char *directory, int working_directory_fd, const char *from,
                 const char *keys_path, struct buffer *summary, struct error *err) MUST_USE;
/* The city time at which the key of a backup was made, by its name. */
bool backup_time(const char *key_name, timestamp *ret_time) MUST_USE;

/* ---- Sunset */
enum { ED25519_BYTES = 32, ED25519_SIGNATURE_BYTES = 64 };
struct signature {
    int64_t user_no;
    char name[64], role[40];
    timestamp at;
    unsigned char public_key[ED25519_BYTES], bytes[ED25519_SIGNATURE_BYTES];
};
enum { SIGNATURES_MAX = 16, SUNSET_BYTES_MAX = 64 << 20 };
bool sunset_plan(struct keeping *keeping, const char *by, struct buffer *out,
                 struct error *err) MUST_USE;
bool sunset_sign(struct keeping *keeping, const struct actor *actor, int key_fd,
                 struct buffer *out, struct error *err) MUST_USE;
bool sunset_execute(struct keeping *keeping, struct buffer *out, struct error *err) MUST_USE;
/* Goes on with an end that was begun; done where none was. */
bool sunset_resume(struct keeping *keeping, struct error *err) MUST_USE;
bool sunset_show(struct platform *platform, struct buffer *out, struct error *err) MUST_USE;
/* *ret_state: "none", "planned", "begun" or "done". */
bool sunset_state(struct platform *platform, const char **ret_state, struct error *err) MUST_USE;
bool keeping_handle_public(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
bool signatures_read(struct sql *sql, struct signature out[SIGNATURES_MAX], size_t *ret_count,
                     struct error *err) MUST_USE;
/* Writes sunset/certificate.json, signed by `seed` (certificate.c). */
bool certificate_write(struct keeping *keeping, const unsigned char seed[KEY_BYTES],
                       struct error *err) MUST_USE;
bool certificate_aggregates(struct keeping *keeping, struct error *err) MUST_USE;
void public_key_text(const unsigned char key[ED25519_BYTES], char out[80]); /* base64 of DER */
void base64_text(const void *data, size_t length, char *out);

extern const struct sql_list retention_statements, row_statements, hold_statements,
    sunset_statements, certificate_statements, table_statements;
enum { KEEPING_COMMANDS = 14, KEEPING_ROUTES = 6 };
extern const struct command keeping_commands[KEEPING_COMMANDS];
extern const struct route keeping_routes[KEEPING_ROUTES];

#endif
