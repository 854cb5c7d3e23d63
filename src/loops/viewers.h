/* Who has which loop open just now: memory alone, nothing is written. A page says that it is open
 * and says so again before its lease ends; what does not is gone. It ends with its session, and
 * with the process.
 *
 * Words: a *view* is one page of one user on one loop. The *turn* rises with every change that
 * others can see, and with every act on a loop that is viewed; a reader is told the highest turn of
 * the loops that they have open, never whose or which: that is asked for with their right looked
 * at. Bounded by viewer_limits; what finds no place is not listed: its page is told so, and it is
 * counted.
 *
 * Any thread may call anything; one lock inside owns all of it. */
#ifndef CHENGMAI_LOOPS_VIEWERS_H
#define CHENGMAI_LOOPS_VIEWERS_H

#include "base/base.h"

struct viewer_limits {
    int64_t lease_seconds, renew_seconds;
    int64_t loops, views_a_loop, views_a_user;
};
enum { VIEW_SESSION_BYTES = 16, VIEW_PAGE_BYTES = 33, VIEW_NAME_BYTES = 64, VIEW_UNIT_BYTES = 160 };
struct view {
    int64_t loop_no, user_no, area_no;
    unsigned char session[VIEW_SESSION_BYTES];
    char page[VIEW_PAGE_BYTES]; /* its own name, chosen by the page; unique within its user */
    char name[VIEW_NAME_BYTES], role[40], unit[VIEW_UNIT_BYTES];
    timestamp since; /* city time */
    timestamp until; /* real time: the end of the lease */
    bool writing;    /* a form is being filled in */
};

struct viewers;
struct viewers *viewers_open(const struct viewer_limits *limits);
void viewers_close(struct viewers *viewers); /* accepts NULL */
const struct viewer_limits *viewers_limits(const struct viewers *viewers);

/* Says that a page is open, or still open: view->since and view->until are set here, from city time
 * `since` and real time `now`. A page has one view: saying another loop ends the one before. False
 * where there is no place; it is counted, and nothing is kept. */
bool viewers_put(struct viewers *viewers, const struct view *view, timestamp since, timestamp now);
/* That page on that loop is closed; nothing where it is not open. */
void viewers_remove(struct viewers *viewers, int64_t loop_no, int64_t user_no, struct slice page);
/* Every view of a session. */
void viewers_end(struct viewers *viewers, const unsigned char session[VIEW_SESSION_BYTES]);
/* Takes away what was not renewed by real time `now`. */
void viewers_sweep(struct viewers *viewers, timestamp now);

/* The other users who have a loop open, each once (since the first of their pages, writing in any
 * of them), the longest there first. At most `room`; the count. */
size_t viewers_of(struct viewers *viewers, int64_t loop_no, int64_t but_user_no, timestamp now,
                  struct view *out, size_t room);

/* The highest turn of the loops that a user has open; 0: none is. */
uint64_t viewers_turn(struct viewers *viewers, int64_t user_no);
/* The turn of the last change of all. */
uint64_t viewers_last_turn(struct viewers *viewers);

/* The loops that somebody has open, at most `room`; the count. */
size_t viewers_loops(struct viewers *viewers, int64_t *out, size_t room);
/* The newest act of a loop, as it was read: a turn where another one is known. */
void viewers_acted(struct viewers *viewers, int64_t loop_no, int64_t act_no);

struct viewer_counts {
    int64_t views;    /* now */
    int64_t unlisted; /* since the start: views that found no place */
};
struct viewer_counts viewers_counts(struct viewers *viewers);

#endif
