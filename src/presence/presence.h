/* presence: who was where, when. The day store holds numbers only: never a name, an ID number or a
 * phone.
 *
 * An event is (person, venue, second, mode, evidence, decision). Live events enter by a log with
 * group commit and are answered after its sync; bulk events enter as sorted segments. A city-local
 * day is kept, encrypted and forgotten as one. There is no sign-out: an event is a scan-in.
 *
 *   presence_open → presence_append (live, durable by callback) / presence_bulk_* (imports)
 *                 → presence_by_venue, presence_by_person, presence_scan_day
 *                 → presence_drop_day, presence_verify */
#ifndef CHENGMAI_PRESENCE_PRESENCE_H
#define CHENGMAI_PRESENCE_PRESENCE_H

#include "base/base.h"
#include "store/store.h"

struct person_no {
    uint32_t n; /* 1 and up; 0 = nobody */
};
struct venue_no {
    uint32_t n; /* 1 and up; 0 = nowhere */
};

/* How the scan was made (domain.md §2 "Modes"). */
#define SCAN_MODE_TABLE(X)                                                                         \
    X(SCAN_PERSON_SCANS_VENUE, "person_scans_venue")                                               \
    X(SCAN_STAFF_SCANS_PERSON, "staff_scans_person")                                               \
    X(SCAN_DEVICE, "device")           /* digital sentinel: reads a card or a code */              \
    X(SCAN_PAPER_CODE, "paper_code")                                                               \
    X(SCAN_ID_NUMBER, "id_number")                                                                 \
    X(SCAN_COMPANION, "companion")                                                                 \
    X(SCAN_OFFLINE_BATCH, "offline_batch")                                                         \
    X(SCAN_IMPORTED, "imported")
enum scan_mode {
#define X(id, name) id,
    SCAN_MODE_TABLE(X)
#undef X
        SCAN_MODE_COUNT
};
/* What the claim of presence rests on (design.md "Presence"), weakest first. */
#define SCAN_EVIDENCE_TABLE(X)                                                                     \
    X(SCAN_CLAIMED, "claimed")                                                                     \
    X(SCAN_ROTATING, "rotating")                                                                   \
    X(SCAN_ATTENDED, "attended")                                                                   \
    X(SCAN_SEALED, "sealed")
enum scan_evidence {
#define X(id, name) id,
    SCAN_EVIDENCE_TABLE(X)
#undef X
        SCAN_EVIDENCE_COUNT
};
/* A refused scan is kept and is no co-presence. */
#define SCAN_DECISION_TABLE(X)                                                                     \
    X(SCAN_PASS, "pass")                                                                           \
    X(SCAN_CHECK, "check")                                                                         \
    X(SCAN_REFUSE, "refuse")
enum scan_decision {
#define X(id, name) id,
    SCAN_DECISION_TABLE(X)
#undef X
        SCAN_DECISION_COUNT
};
const char *scan_mode_name(enum scan_mode mode);
const char *scan_evidence_name(enum scan_evidence evidence);
const char *scan_decision_name(enum scan_decision decision);
/* -1 where no such name */
int scan_mode_of(struct slice name);
int scan_evidence_of(struct slice name);

/* mode 3 bits | evidence 2 bits | decision 2 bits | SCAN_OUT_BIT: scanned on leaving */
enum { SCAN_OUT_BIT = 0x80 };
static inline uint8_t scan_flags(enum scan_mode mode, enum scan_evidence evidence,
                                 enum scan_decision decision)
{
    return (uint8_t)((unsigned)mode | (unsigned)evidence << 3 | (unsigned)decision << 5);
}
static inline enum scan_mode scan_flags_mode(uint8_t flags)
{
    return (enum scan_mode)(flags & 7);
}
static inline enum scan_evidence scan_flags_evidence(uint8_t flags)
{
    return (enum scan_evidence)(flags >> 3 & 3);
}
static inline enum scan_decision scan_flags_decision(uint8_t flags)
{
    return (enum scan_decision)(flags >> 5 & 3);
}

struct presence_event {
    uint32_t person;
    uint32_t venue;
    uint32_t time;      /* unix seconds */
    uint16_t origin;    /* 0 = live scans, else number of the import */
    uint8_t flags;      /* scan_flags */
    uint8_t unused;
};
_Static_assert(sizeof(struct presence_event) == 16, "an event in memory is 16 bytes");

struct presence;

struct presence_options {
    bool background; /* fold and merge on a thread of its own (servers); else by presence_fold */
};
bool presence_open(struct store *store, const struct presence_options *options,
                   struct presence **ret_presence, struct error *err) MUST_USE;
/* Finishes what was taken, syncs, folds nothing. Accepts NULL. */
void presence_close(struct presence *presence);

/* ---- Live intake: one scan with its companions is one record group */

enum { PRESENCE_COMPANIONS_MAX = 8, SCAN_EVENT_ID_BYTES = 24 };

/* What is kept 48 h beside an event so that a request sent again gets its first answer. */
struct scan_answer {
    uint8_t decision;         /* enum scan_decision */
    uint8_t color;            /* enum color */
    uint16_t reasons;         /* bits of enum scan_reason (scan.h) */
    uint32_t valid_until;     /* unix seconds, 0 = none */
    uint32_t last_negative;   /* unix seconds, 0 = none */
};
struct scan_record {
    uint32_t person, venue, time;
    uint8_t flags;
    uint8_t companion;        /* 0 = the holder, 1… = his companions, in order */
    uint8_t companion_count;  /* of the group, in every record of it */
    struct scan_answer answer;
    unsigned char request_key[16]; /* hash of actor and Idempotency-Key; zero = none */
    unsigned char client_key[16];  /* hash of device and client_id; zero = none */
    uint64_t body_digest;
};
/* Event ids: the arrival day and the event's ordinal in that day's log: "20220414-00000a3f". */
struct scan_event_id {
    int32_t day;
    uint64_t ordinal;
};
void scan_event_id_format(struct scan_event_id id, char out[SCAN_EVENT_ID_BYTES]);
bool scan_event_id_parse(struct slice text, struct scan_event_id *ret_id) MUST_USE;

/* `done` runs on the commit thread once the group is on disk (failure NULL), or could not be made
 * durable. first = id of the holder's event; companions follow with the next ordinals. */
struct presence_append {
    struct scan_record records[1 + PRESENCE_COMPANIONS_MAX];
    size_t count;
    void (*done)(struct presence_append *append, const struct error *failure);
    struct scan_event_id first;       /* set before done */
    bool repeated;                    /* the key was known: records[] hold the first answer */
    struct presence_append *next;     /* the presence's own */
};
/* Takes the group (the caller keeps it alive until `done`). Where the request key or client key
 * was answered in the last 48 h: with the same digest the first answer is given (repeated, after
 * it is durable); with another digest ERROR_KEY_REUSED at once. ERROR_BUSY where the queue is
 * full, ERROR_DISK_FULL while there is no room, ERROR_GONE for a dropped day. */
bool presence_append(struct presence *presence, struct presence_append *append,
                     struct error *err) MUST_USE;

/* False, with the reason, while scans cannot be made durable (the disk is full or fails): the last
 * group failed and a trial write, made here, still does. */
bool presence_ready(struct presence *presence, struct error *err) MUST_USE;

/* ---- Bulk intake: events of any days in any order, whole or not at all */

struct presence_bulk;
bool presence_bulk_begin(struct presence *presence, uint16_t origin,
                         struct presence_bulk **ret_bulk, struct error *err) MUST_USE;
/* Takes a copy. Past 16 M events (256 MiB) the events so far are written as segments (not yet
 * visible). ERROR_GONE names a dropped day. */
bool presence_bulk_add(struct presence_bulk *bulk, const struct presence_event *events,
                       size_t count, struct error *err) MUST_USE;
/* The same for events that are already sorted by (venue, time, person), all of one day, not taken
 * before, and unique: skips the comparison with what is stored (demo city, restores). */
bool presence_bulk_day(struct presence_bulk *bulk, int32_t day, struct presence_event *events,
                       size_t count, struct error *err) MUST_USE;
struct presence_bulk_result {
    int64_t inserted;
    int64_t merged;    /* the same person, venue and second twice within this bulk */
    int64_t unchanged; /* was stored before */
};
/* Makes all of it visible at once and durable. */
bool presence_bulk_commit(struct presence_bulk *bulk, struct presence_bulk_result *ret_result,
                          struct error *err) MUST_USE;
void presence_bulk_abandon(struct presence_bulk *bulk); /* accepts NULL; also frees after commit */
/* Takes back what an import brought; *ret_removed events. */
bool presence_undo(struct presence *presence, uint16_t origin, int64_t *ret_removed,
                   struct error *err) MUST_USE;

/* ---- Reading: doubles of (person, venue, second) come once; `visit` gets blocks of events */

typedef bool presence_visitor(void *context, const struct presence_event *events, size_t count,
                              struct error *err);
/* A consistent view; cheap. Everything acknowledged before it was taken is in it. */
struct presence_view;
bool presence_view_begin(struct presence *presence, struct presence_view **ret_view,
                         struct error *err) MUST_USE;
void presence_view_end(struct presence_view *view); /* accepts NULL */
/* Events of one venue with first ≤ time < last, by time, then person. */
bool presence_by_venue(struct presence_view *view, struct venue_no venue, int64_t first,
                       int64_t last, presence_visitor *visit, void *context,
                       struct error *err) MUST_USE;
/* Says that presence_by_venue of the same range follows soon: what it begins with is fetched into
 * the cache meanwhile. */
void presence_expect_venue(struct presence_view *view, struct venue_no venue, int64_t first,
                           int64_t last);
/* Events of one person with first ≤ time < last, by time, then venue. */
bool presence_by_person(struct presence_view *view, struct person_no person, int64_t first,
                        int64_t last, presence_visitor *visit, void *context,
                        struct error *err) MUST_USE;
/* All events with first ≤ time < last, day by day, within a day by (venue, time, person). */
bool presence_scan(struct presence_view *view, int64_t first, int64_t last,
                   presence_visitor *visit, void *context, struct error *err) MUST_USE;
/* Events per hour of one venue on one day into counts[24]. */
bool presence_hour_counts(struct presence_view *view, struct venue_no venue, int32_t day,
                          uint32_t counts[24], struct error *err) MUST_USE;
/* Number of events stored for a day (doubles included); 0 where none. Maintained, not counted. */
int64_t presence_day_count(struct presence_view *view, int32_t day);
/* First and last day that hold events; false where there is none. */
bool presence_day_range(struct presence_view *view, int32_t *ret_first, int32_t *ret_last);
/* Rows decoded by this view so far (for `rows_read`). */
int64_t presence_rows_read(const struct presence_view *view);

/* ---- Keeping and forgetting */
/* Folds the log's events into segments and merges small segments, as far as worthwhile. */
bool presence_fold(struct presence *presence, struct error *err) MUST_USE;
/* Forgets a day: out of the manifest, key destroyed, its folder and the log of its arrivals
 * removed. Later events of it are refused. Twice is done. ERROR_CONFLICT for a day that has not
 * ended. */
bool presence_drop_day(struct presence *presence, int32_t day, struct error *err) MUST_USE;
/* Forgets every day, the present one too, and everything that was answered. Only after the mark of
 * sunset stands: from then on nothing is taken in. Twice is done. *ret_days were forgotten, with
 * *ret_events (doubles included). */
bool presence_forget_all(struct presence *presence, int64_t *ret_days, int64_t *ret_events,
                         struct error *err) MUST_USE;

/* One file of a consistent copy of the store, its name below DIR/presence. */
struct presence_file {
    const char *name;
    const void *bytes; /* the content, or NULL: the first `length` bytes of `fd` */
    int fd;
    uint64_t length;
    bool immutable;    /* may be linked instead of copied */
};
/* Hands out every file of one moment; the store goes on (folding and merging wait while the log
 * is handed out). Everything acknowledged before the call is in it. All of it is encrypted by the
 * days' keys, which are no part of it. */
bool presence_copy(struct presence *presence,
                   bool (*take)(void *context, const struct presence_file *file,
                                struct error *err),
                   void *context, struct error *err) MUST_USE;
/* Reads every block of every segment and log; one `report` a check. */
bool presence_verify(struct presence *presence,
                     void (*report)(void *context, bool good, const char *check,
                                    const char *words),
                     void *context, struct error *err) MUST_USE;

/* ---- scans verify: what POST /scans answered in the last 48 h against what is stored */
struct scans_verification {
    int64_t checked, stored;
    struct buffer missing, twice; /* ids, one a line */
};
bool presence_verify_scans(struct presence *presence, const struct scan_event_id *ids,
                           size_t count, struct scans_verification *ret_result,
                           struct error *err) MUST_USE;

#endif
