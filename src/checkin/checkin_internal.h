/* Inside the checkin room only. */
#ifndef CHENGMAI_CHECKIN_INTERNAL_H
#define CHENGMAI_CHECKIN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "checkin/board.h"
#include "checkin/checkin.h"
#include "checkin/scan_request.h"
#include "prints/prints.h"

/* ---- Venues in memory (venues.c) */

enum { VENUE_CHUNK = 1 << 16, VENUE_CHUNKS = 1 << 12 }; /* short codes hold 28 bits of a number */

struct venue_state {
    uint16_t version; /* 0: no such venue */
    uint8_t level;
    uint8_t closed;
};
struct venue_table {
    _Atomic(_Atomic uint32_t *) chunks[VENUE_CHUNKS];
    atomic_uint count;    /* numbers are below it */
    pthread_mutex_t lock; /* owns writing */
    atomic_ullong generation; /* counts readings: whoever follows venues sees that they changed */
    struct venue_board board;
};
void venue_table_init(struct venue_table *table);
void venue_table_release(struct venue_table *table);
/* All zero for an unknown number. Lock-free. */
struct venue_state venue_table_get(const struct venue_table *table, uint32_t venue);
bool venue_table_read(struct venue_table *table, struct store *store, struct error *err) MUST_USE;

struct checkin {
    struct platform *platform;
    struct venue_table venues;
    int64_t event_no;     /* checkin_follow's */
    timestamp watched_at; /* checkin_follow's; real time */
    int64_t level_seconds[4];
    int64_t late_seconds, ahead_seconds, code_seconds, rotation_seconds, paper_seconds;
};

/* The PDF of the venue's present poster (printed.c). */
bool checkin_poster(struct platform *platform, uint32_t venue, struct arena *arena,
                    struct buffer *out, struct error *err) MUST_USE;
/* Answers with the person's card; its name is filled in here. */
bool checkin_person_sheet(const struct request *request, struct response *response,
                          uint32_t person, struct person_sheet *sheet,
                          struct error *err) MUST_USE;
bool checkin_handle_poster(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
bool checkin_handle_code(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool checkin_handle_own_code(const struct request *request, struct response *response,
                             struct error *err) MUST_USE;
/* own_venue.c */
bool checkin_handle_venue_of_code(const struct request *request, struct response *response,
                                  struct error *err) MUST_USE;
bool checkin_handle_venue_today(const struct request *request, struct response *response,
                                struct error *err) MUST_USE;
bool checkin_handle_revoke(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
bool checkin_handle_suspicions(const struct request *request, struct response *response,
                               struct error *err) MUST_USE;
bool checkin_handle_coverage(const struct request *request, struct response *response,
                             struct error *err) MUST_USE;
bool checkin_handle_venues(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
bool checkin_handle_venue(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool checkin_handle_points(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
bool checkin_handle_import(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
/* The venue of the path, where it lies in the reader's area; one elsewhere is not there. */
bool checkin_take_venue(const struct request *request, uint32_t *ret_venue,
                        struct error *err) MUST_USE;
/* The suspicions of one venue as an array, the youngest first, at most 100. */
bool checkin_put_suspicions(struct sql *sql, struct json_writer *writer, uint32_t venue,
                            uint16_t version, struct error *err) MUST_USE;
/* Looks for copied codes (copied.c) where the last look is a minute ago. */
bool checkin_watch_tick(struct checkin *checkin, struct error *err) MUST_USE;
extern const struct sql_list venue_statements, copied_statements, own_venue_statements,
    venue_page_statements;

extern const struct import_kind import_checkins;
extern const struct export_kind export_checkins;

#endif
