/* The board of venues: who is registered, what was scanned when, what is suspected; in memory, for
 * the pages that show venues. Inside the checkin room only. */
#ifndef CHENGMAI_CHECKIN_BOARD_H
#define CHENGMAI_CHECKIN_BOARD_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"
#include "module/module.h"

enum { BOARD_DAYS = 14 };

struct checkin;

struct board_venue {
    int64_t area_no;
    double latitude, longitude; /* NAN: not known */
    uint32_t no, unit_no;       /* unit_no 0: none */
    uint32_t name_at;           /* into names */
    uint16_t name_length, category;
    bool closed, suspected;
};
/* An organisation of the register: of its category a city knows how many there should be. */
struct board_unit {
    int64_t area_no;
    uint32_t no;
    uint16_t category;
    bool coded; /* an open venue is its */
};
struct venue_board {
    pthread_mutex_t reading;    /* one refresh at a time; owns what is below the line */
    atomic_ullong generation;   /* of the venues that were read; 0: none; written under `reading` */
    pthread_rwlock_t lock;      /* owns writing of what others read */
    struct board_venue *venues; /* by number */
    size_t venue_count;
    struct board_unit *units; /* by number */
    size_t unit_count;
    char *names;
    uint32_t *last;     /* by number: second of the last scan in the days read, 0 none */
    uint32_t limit;     /* numbers are below it */
    uint32_t newest;    /* the last scan of all */
    int32_t first_day;  /* from this day to today all days were read */
    timestamp true_for; /* of scans and suspicions, city time; 0: nothing was read yet */
    /* ---- the refresh's own */
    struct {
        int32_t day;
        int64_t count;  /* of the day store when the day was read; −1: read it again */
    } days[BOARD_DAYS]; /* by day number */
    bool strangers;     /* scans of numbers at or above `limit` were passed over */
    timestamp read_at;  /* real time of the last look at the day store */
    bool unfinished;
};
void venue_board_init(struct venue_board *board);
void venue_board_release(struct venue_board *board);
/* Brings the board up to date: the register where it has changed, the days whose count has, what
 * is suspected. Bounded: what is left over is done at the next call. */
bool venue_board_refresh(struct checkin *checkin, struct error *err) MUST_USE;
/* The same, where it is due: at once after changes of the register, else each minute. */
bool venue_board_tick(struct checkin *checkin, struct error *err) MUST_USE;

/* ---- Reading: between begin and end nobody writes. Begin reads the register again where it has
 * changed and nobody is about to: who registers venues finds them. */
bool venue_board_begin(struct checkin *checkin, const struct venue_board **ret_board,
                       struct error *err) MUST_USE;
void venue_board_end(struct checkin *checkin);

enum venue_use { VENUE_CLOSED_USE, VENUE_IN_USE, VENUE_SILENT, VENUE_USE_UNKNOWN };
/* The second after which a scan counts as use; UINT32_MAX where nobody knows: the days are not read
 * yet, or the whole city has no scan since (then the scans are missing, not the people). */
uint32_t venue_board_since(const struct checkin *checkin, const struct venue_board *board);
enum venue_use venue_board_use(const struct venue_board *board, const struct board_venue *venue,
                               uint32_t since);
const char *venue_use_name(enum venue_use use);
/* The last scan of the last 14 days in unix seconds, 0 where there is none. */
uint32_t venue_board_last(const struct venue_board *board, uint32_t venue_no);
/* NULL where there is none of that number. */
const struct board_venue *venue_board_find(const struct venue_board *board, uint32_t venue_no);

extern const struct sql_list board_statements;

#endif
