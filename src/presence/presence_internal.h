/* Inside the presence room only.
 *
 * Words. A *record* is one scan as the log holds it; its *ordinal* is its number within the arrival
 * day. A *group* is one or more frames made durable by one sync. The *tail* is what the log holds
 * and segments do not yet, as sorted *runs* in memory. The *catalog* is the immutable list of live
 * segments; the *manifest* is the catalog on disk, replaced as a whole. *Folding* turns the tail
 * into segments; *merging* turns many segments of a day into one.
 *
 * Invariants.
 *  1 A record is acknowledged only after its frame is synced.
 *  2 Every acknowledged record is in exactly one of: a live segment (arrival position below the
 *    manifest's folded position), or the log at or above that position.
 *  3 A file that the manifest does not name is nothing: it is removed at the next opening.
 *  4 A view holds one catalog and the runs of the same instant: nothing is seen twice or not at all
 *    while folding.
 *  5 A forgotten day has no segment, no key and a place in the manifest's list of dropped days.
 *
 *      append ─► log frame ─sync─► acknowledged ─► tail run ─fold─► segment ─merge─► segment
 *      bulk ─────────────────────────────────────────────────────► segment      ─drop─► nothing */
#ifndef CHENGMAI_PRESENCE_INTERNAL_H
#define CHENGMAI_PRESENCE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "presence/segment.h"

enum {
    TAIL_RUNS_MAX = 64,
    FOLD_EVENTS = 512 * 1024,       /* the tail is folded from here on */
    FOLD_PAUSE_SECONDS = 5,         /* after a fold that failed */
    TAIL_EVENTS_MAX = 16 * 1024 * 1024, /* more is refused: folding has failed for long */
    MERGE_SEGMENTS = 8,             /* a day is merged when it has so many segments */
    QUEUE_RECORDS_MAX = 65536,
    FRAME_RECORDS_MAX = 4096,
    LOG_FILE_BYTES_MAX = 64 << 20,
    LOG_KEPT_SECONDS = 48 * 3600,   /* answers to requests sent again (contracts.md) */
};

/* ---- Catalog */

struct segment {
    atomic_int references;
    uint64_t id;
    int32_t day;
    int64_t rows;
    int64_t bytes;
    struct segment_file venue, person;
};
struct catalog_day {
    int32_t day;
    int64_t rows;
    size_t segment_count;
    struct segment **segments;
};
struct catalog {
    atomic_int references;
    size_t day_count;
    struct catalog_day *days; /* ascending */
    size_t dropped_count;
    int32_t *dropped;         /* ascending */
    struct scan_event_id folded; /* arrival position: everything below is in segments */
    uint64_t next_segment;
};

/* What a maintenance act changes; applied as a whole. */
struct catalog_change {
    struct segment **added; /* references pass to the catalog */
    size_t added_count;
    struct segment *const *removed;
    size_t removed_count;
    bool drops;
    int32_t dropped_day;
    bool folds;
    struct scan_event_id folded;
    size_t consumed_runs; /* the first so many runs of the tail go */
};

void segment_path(uint64_t id, int32_t day, enum segment_order order,
                  char out[SEGMENT_NAME_BYTES]);
bool segment_open(struct presence *presence, uint64_t id, int32_t day, int64_t rows,
                  struct segment **ret_segment, struct error *err) MUST_USE;
void segment_unref(struct segment *segment);
const struct catalog_day *catalog_find(const struct catalog *catalog, int32_t day);
bool catalog_dropped(const struct catalog *catalog, int32_t day);
void catalog_unref(struct catalog *catalog);
/* The catalog as the manifest has it; the caller releases `bytes`. */
void catalog_manifest(const struct catalog *catalog, struct buffer *bytes);
/* Reads the manifest and opens what it names; removes what it does not. */
bool catalog_load(struct presence *presence, struct error *err) MUST_USE;
/* Writes the new manifest, then shows the new catalog. Under maintenance_lock. On failure nothing
 * that is shown changed and `added` stays the caller's, who must not remove their files (segment_unref,
 * never segment_discard): the rename may have reached the disk all the same. The next opening
 * removes them where it did not. */
bool catalog_apply(struct presence *presence, const struct catalog_change *change,
                   struct error *err) MUST_USE;

/* ---- Tail */

struct run {
    atomic_int references;
    size_t count;
    struct presence_event *by_venue;  /* (venue, time, person) */
    struct presence_event *by_person; /* (person, time, venue) */
};
struct run *run_create(const struct presence_event *events, size_t count);
void run_unref(struct run *run);
/* Adds to the tail, merging runs of like size. Takes the reference. Under presence->lock. */
void tail_add(struct presence *presence, struct run *run);

/* ---- Sorting */
/* Sorts by (venue, time, person) or (person, time, venue), stable over flags and origin order. */
void events_sort(struct presence_event *events, size_t count, enum segment_order order);
/* The same by (venue, time, person) for many events of one day and one origin. */
void events_sort_day(struct presence_event *events, size_t count, int32_t day);
int event_compare(const struct presence_event *a, const struct presence_event *b,
                  enum segment_order order);

/* ---- Building segments (segment_build.c) */
/* From unsorted events of one day (the array is used up as scratch). Both halves are written by two
 * threads. */
bool segment_build(struct presence *presence, int32_t day, struct presence_event *events,
                   size_t count, struct segment **ret_segment, struct error *err) MUST_USE;
/* The same for events of one origin, of which doubles of (person, venue, second) become one, the
 * one with the least flags; *ret_merged went. */
bool segment_build_unique(struct presence *presence, int32_t day,
                          const struct presence_event *events, size_t count,
                          struct segment **ret_segment, int64_t *ret_merged,
                          struct error *err) MUST_USE;
/* From segments of one day, leaving out events of `origin_removed` (0 = none). */
bool segment_merge(struct presence *presence, int32_t day, struct segment *const *segments,
                   size_t count, uint16_t origin_removed, struct segment **ret_segment,
                   int64_t *ret_removed, struct error *err) MUST_USE;
void segment_discard(struct presence *presence, struct segment *segment);
uint64_t next_segment_id(struct presence *presence);

/* ---- Log and its answers (log.c, answers.c) */

struct log_frame_position {
    uint64_t first_ordinal;
    uint32_t count;
    uint32_t file;   /* index into log->files */
    uint64_t offset;
};
struct log_file {
    int32_t day;
    uint64_t first_ordinal;
    int fd;
    uint64_t bytes;
    uint32_t last_time; /* city seconds of the last frame's writing */
    char name[SEGMENT_NAME_BYTES];
};
struct scan_log {
    int directory_fd;
    struct keys *keys;
    struct log_file *files;
    size_t file_count;
    struct log_frame_position *frames; /* ascending by (file's day, ordinal) */
    size_t frame_count, frame_capacity;
    int32_t open_day; /* of the last file, which is appended to; INT32_MIN none */
    uint64_t next_ordinal;
    bool broken;      /* the next frame begins a new file */
    bool unsynced;    /* the last file holds bytes that no sync has covered */
    bool rewinding;   /* a rewind failed: it is tried again before anything is written */
    size_t durable_files, durable_frames; /* the durable mark (log.c) */
    uint64_t durable_bytes;
    struct {
        char name[SEGMENT_NAME_BYTES];
        uint64_t offset, bytes;
    } cut; /* the torn tail that the opening cut off; 0 bytes: none */
    EVP_CIPHER_CTX *cipher;
    unsigned char day_key[KEY_BYTES]; /* of the file that is written */
    unsigned char read_key[KEY_BYTES];
    int32_t read_day; /* whose key read_key is; INT32_MIN none */
    struct buffer scratch;
};
typedef bool log_visitor(void *context, int32_t day, uint64_t first_ordinal,
                         const struct scan_record *records, size_t count, struct error *err);
/* Opens all log files, cuts a torn tail of the last (log->cut), removes those of forgotten days and
 * hands every record to `visit`. ERROR_CORRUPT names file and byte of damage. */
bool log_open(struct scan_log *log, int directory_fd, struct keys *keys, log_visitor *visit,
              void *context, struct error *err) MUST_USE;
void log_release(struct scan_log *log);
/* Writes one frame to the file of `day` (not synced). Ordinals begin at `first_ordinal`. */
bool log_write_frame(struct scan_log *log, int32_t day, uint64_t first_ordinal, uint32_t now,
                     const struct scan_record *records, size_t count,
                     struct error *err) MUST_USE;
/* All frames written so far are durable. */
bool log_sync(struct scan_log *log, struct error *err) MUST_USE;
/* After a failed write or sync: back to what the last log_sync covered. Where that fails too, it is
 * tried again before the next frame, which is refused until it is done. */
bool log_rewind(struct scan_log *log, struct error *err) MUST_USE;
/* The record of an id; ERROR_NOT_FOUND where the log does not hold it. */
bool log_read(struct scan_log *log, struct scan_event_id id, struct scan_record *ret_record,
              struct error *err) MUST_USE;
/* All records, in order. */
bool log_visit(struct scan_log *log, log_visitor *visit, void *context,
               struct error *err) MUST_USE;
/* Removes files whose last frame is older than `before` and lies wholly below `folded`. */
bool log_expire(struct scan_log *log, uint32_t before, struct scan_event_id folded,
                int32_t today, struct error *err) MUST_USE;
/* Removes the files of one arrival day, read or not. */
bool log_forget_day(struct scan_log *log, int32_t day, struct error *err) MUST_USE;

/* Index from key hashes to event ids, file-backed, rebuilt at opening. */
struct answer_index {
    struct answer_slot *slots;
    size_t slot_count, used;
    int fd, directory_fd;
};
bool answer_index_open(struct answer_index *index, int directory_fd, struct error *err) MUST_USE;
void answer_index_release(struct answer_index *index);
bool answer_index_add(struct answer_index *index, const unsigned char key[16],
                      struct scan_event_id id, struct error *err) MUST_USE;
bool answer_index_find(const struct answer_index *index, const unsigned char key[16],
                       struct scan_event_id *ret_id);
void answer_index_remove(struct answer_index *index, const unsigned char key[16]);
/* Forgets ids before `first`, and those of the arrival day `forgotten` (INT32_MIN: none). */
bool answer_index_expire(struct answer_index *index, struct scan_event_id first,
                         int32_t forgotten, struct error *err) MUST_USE;

/* ---- The store */

struct presence {
    struct store *store;
    struct world *world;
    struct keys *keys;
    int directory_fd;

    pthread_mutex_t maintenance_lock; /* bulk commit, fold, merge, drop, undo: one at a time */

    pthread_mutex_t lock;             /* owns catalog (the pointer), runs, next_segment */
    struct catalog *catalog;
    struct run *runs[TAIL_RUNS_MAX];
    size_t run_count;
    size_t frozen_runs;               /* being folded: not merged with later ones */
    size_t tail_events;
    uint64_t next_segment;
    struct scan_event_id tail_end;    /* arrival position after the last run */
    atomic_bool tail_full;            /* written under lock */

    pthread_mutex_t intake_lock;      /* owns queue_*, index, next ordinal, stopping */
    pthread_cond_t intake_filled;
    struct presence_append *queue_first, *queue_last;
    size_t queue_records;
    struct answer_index index;
    int32_t arrival_day;
    uint64_t next_ordinal;
    bool stopping;
    pthread_t commit_thread;
    bool commit_started;

    pthread_mutex_t log_lock;         /* owns log */
    struct scan_log log;
    struct scan_record *frame;        /* the commit thread's */
    atomic_bool failing;              /* the last group was not made durable; written under log_lock */
    struct error failure;             /* why */

    pthread_mutex_t fold_lock;        /* owns fold_wanted */
    pthread_cond_t fold_wanted_changed;
    bool fold_wanted, fold_stopping;
    pthread_t fold_thread;
    bool fold_started;
};

bool intake_start(struct presence *presence, struct error *err) MUST_USE;
void intake_stop(struct presence *presence);
/* Returns when what was taken before the call is answered. */
void intake_drain(struct presence *presence);
void fold_start(struct presence *presence);
void fold_stop(struct presence *presence);
void fold_wake(struct presence *presence);
struct presence_event event_of_record(const struct scan_record *record);

#endif
