/* Opening, closing, names and verification of the day store. */
#include "presence/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "presence/presence_internal.h"

static const char *const mode_names[SCAN_MODE_COUNT] = {
#define X(id, name) [id] = name,
    SCAN_MODE_TABLE(X)
#undef X
};
static const char *const evidence_names[SCAN_EVIDENCE_COUNT] = {
#define X(id, name) [id] = name,
    SCAN_EVIDENCE_TABLE(X)
#undef X
};
static const char *const decision_names[SCAN_DECISION_COUNT] = {
#define X(id, name) [id] = name,
    SCAN_DECISION_TABLE(X)
#undef X
};
_Static_assert(SCAN_MODE_COUNT <= 8 && SCAN_EVIDENCE_COUNT <= 4 && SCAN_DECISION_COUNT <= 4,
               "mode, evidence and decision fit into scan_flags");

const char *scan_mode_name(enum scan_mode mode)
{
    return mode < SCAN_MODE_COUNT ? mode_names[mode] : "unknown";
}
const char *scan_evidence_name(enum scan_evidence evidence)
{
    return evidence_names[evidence];
}
const char *scan_decision_name(enum scan_decision decision)
{
    return decision < SCAN_DECISION_COUNT ? decision_names[decision] : "unknown";
}

static int number_of(const char *const *names, int count, struct slice name)
{
    for (int i = 0; i < count; i++)
        if (slice_equal(slice_of(names[i]), name))
            return i;
    return -1;
}
int scan_mode_of(struct slice name)
{
    return number_of(mode_names, SCAN_MODE_COUNT, name);
}
int scan_evidence_of(struct slice name)
{
    return number_of(evidence_names, SCAN_EVIDENCE_COUNT, name);
}

/* ---- Event ids: "20220414-00000a3f" */

void scan_event_id_format(struct scan_event_id id, char out[SCAN_EVENT_ID_BYTES])
{
    char date[TIME_TEXT_BYTES];
    time_format_date(id.day, date);
    snprintf(out, SCAN_EVENT_ID_BYTES, "%.4s%.2s%.2s-%08llx", date, date + 5, date + 8,
             (unsigned long long)(id.ordinal & 0xFFFFFFFFFFu));
}

bool scan_event_id_parse(struct slice text, struct scan_event_id *ret_id)
{
    if (text.length < 17 || text.length > 19 || text.data[8] != '-')
        return false;
    char date[11] = {text.data[0], text.data[1], text.data[2], text.data[3], '-', text.data[4],
                     text.data[5], '-', text.data[6], text.data[7], '\0'};
    uint64_t ordinal = 0;
    for (size_t i = 9; i < text.length; i++) {
        const char *digit = memchr("0123456789abcdef", text.data[i], 16);
        if (!digit)
            return false;
        static const char digits[] = "0123456789abcdef";
        ordinal = ordinal << 4 | (uint64_t)(strchr(digits, *digit) - digits);
    }
    ret_id->ordinal = ordinal;
    return time_parse_date(slice_of(date), &ret_id->day);
}

/* ---- Opening */

struct replay_state {
    struct presence *presence;
    struct presence_event *events; /* not folded yet */
    size_t count, capacity;
};

static bool replay_records(void *context, int32_t day, uint64_t first_ordinal,
                           const struct scan_record *records, size_t count, struct error *err)
{
    struct replay_state *state = context;
    struct presence *presence = state->presence;
    struct scan_event_id folded = presence->catalog->folded;
    for (size_t i = 0; i < count; i++) {
        const struct scan_record *record = &records[i];
        struct scan_event_id id = {day, first_ordinal + i};
        static const unsigned char none[16];
        if (memcmp(record->request_key, none, 16) != 0 && record->companion == 0 &&
            !answer_index_add(&presence->index, record->request_key, id, err))
            return false;
        if (memcmp(record->client_key, none, 16) != 0 && record->companion == 0 &&
            !answer_index_add(&presence->index, record->client_key, id, err))
            return false;
        if (day < folded.day || (day == folded.day && id.ordinal < folded.ordinal))
            continue;
        if (state->count == state->capacity) {
            state->capacity = state->capacity ? state->capacity * 2 : 4096;
            state->events = x_realloc(state->events, state->capacity * sizeof *state->events);
        }
        state->events[state->count++] = event_of_record(record);
    }
    presence->tail_end = (struct scan_event_id){day, first_ordinal + count};
    return true;
}

static bool open_log(struct presence *presence, struct error *err)
{
    struct replay_state state = {.presence = presence};
    presence->tail_end = presence->catalog->folded;
    bool done = log_open(&presence->log, presence->directory_fd, presence->keys, replay_records,
                         &state, err);
    if (done && state.count) {
        presence->runs[0] = run_create(state.events, state.count);
        presence->run_count = 1;
        presence->tail_events = state.count;
    }
    free(state.events);
    if (presence->log.open_day != INT32_MIN) {
        presence->arrival_day = presence->log.open_day;
        presence->next_ordinal = presence->log.next_ordinal;
    }
    /* positions that were folded and expired are never used again */
    struct scan_event_id folded = presence->catalog->folded;
    if (folded.day > presence->arrival_day ||
        (folded.day == presence->arrival_day && folded.ordinal > presence->next_ordinal)) {
        presence->arrival_day = folded.day;
        presence->next_ordinal = folded.ordinal;
    }
    if (done && presence->log.cut.bytes)
        log_write(LOG_WARNING, "presence",
                  "log %s: a torn tail of %llu bytes at byte %llu was cut: it was never acknowledged",
                  presence->log.cut.name, (unsigned long long)presence->log.cut.bytes,
                  (unsigned long long)presence->log.cut.offset);
    return done;
}

bool presence_open(struct store *store, const struct presence_options *options,
                   struct presence **ret_presence, struct error *err)
{
    struct presence *presence = x_alloc(1, sizeof *presence);
    presence->store = store;
    presence->world = store_world(store);
    presence->keys = store_keys(store);
    presence->log.directory_fd = -1;
    presence->index.fd = -1;
    presence->arrival_day = INT32_MIN;
    pthread_mutex_init(&presence->maintenance_lock, NULL);
    pthread_mutex_init(&presence->lock, NULL);
    pthread_mutex_init(&presence->intake_lock, NULL);
    pthread_mutex_init(&presence->log_lock, NULL);
    pthread_mutex_init(&presence->fold_lock, NULL);
    pthread_cond_init(&presence->intake_filled, NULL);
    pthread_cond_init(&presence->fold_wanted_changed, NULL);
    presence->directory_fd =
        openat(store_directory_fd(store), "presence", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = presence->directory_fd >= 0 ? true : error_set_errno(err, "presence", "open");
    done = done && answer_index_open(&presence->index, presence->directory_fd, err) &&
           catalog_load(presence, err) && open_log(presence, err) && intake_start(presence, err);
    if (!done) {
        presence_close(presence);
        return false;
    }
    if (options->background)
        fold_start(presence);
    if (presence->tail_events >= FOLD_EVENTS)
        fold_wake(presence);
    *ret_presence = presence;
    return true;
}

void presence_close(struct presence *presence)
{
    if (!presence)
        return;
    intake_stop(presence);
    fold_stop(presence);
    log_release(&presence->log);
    answer_index_release(&presence->index);
    for (size_t i = 0; i < presence->run_count; i++)
        run_unref(presence->runs[i]);
    catalog_unref(presence->catalog);
    free(presence->frame);
    if (presence->directory_fd >= 0)
        close(presence->directory_fd);
    pthread_mutex_destroy(&presence->maintenance_lock);
    pthread_mutex_destroy(&presence->lock);
    pthread_mutex_destroy(&presence->intake_lock);
    pthread_mutex_destroy(&presence->log_lock);
    pthread_mutex_destroy(&presence->fold_lock);
    pthread_cond_destroy(&presence->intake_filled);
    pthread_cond_destroy(&presence->fold_wanted_changed);
    free(presence);
}
