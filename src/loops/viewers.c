/* The table of views. A loop that is viewed has a slot, and its slot the room for its views; a slot
 * without views is free.
 *
 * Invariants (slots_assert):
 *   1 a slot has a loop and views, or neither
 *   2 no loop has two slots, no page of a user two views
 *   3 a slot has at most views_a_loop views, a user at most views_a_user
 *   4 no slot's turn is above the last one given
 * The table is small (policies/desk.yaml), so that every question walks it whole. */
#include <pthread.h>
#include <stdlib.h>

#include "loops/viewers.h"

struct slot {
    int64_t loop_no;    /* 0: free */
    int64_t last_act;   /* 0: not looked at yet */
    uint64_t turn;      /* of its last change */
    struct view *views; /* views_a_loop of them; NULL where free */
    size_t count;
};
struct viewers {
    struct viewer_limits limits; /* fixed */
    pthread_mutex_t lock;        /* owns the rest */
    struct slot *slots;          /* limits.loops of them */
    uint64_t turn;
    int64_t unlisted;
};

struct viewers *viewers_open(const struct viewer_limits *limits)
{
    struct viewers *viewers = x_alloc(1, sizeof *viewers);
    REQUIRE(limits->loops > 0 && limits->views_a_loop > 0 && limits->views_a_user > 0);
    viewers->limits = *limits;
    viewers->slots = x_alloc((size_t)limits->loops, sizeof *viewers->slots);
    pthread_mutex_init(&viewers->lock, NULL);
    return viewers;
}

void viewers_close(struct viewers *viewers)
{
    if (!viewers)
        return;
    for (int64_t i = 0; i < viewers->limits.loops; i++)
        free(viewers->slots[i].views);
    free(viewers->slots);
    pthread_mutex_destroy(&viewers->lock);
    free(viewers);
}

const struct viewer_limits *viewers_limits(const struct viewers *viewers)
{
    return &viewers->limits;
}

static void slots_assert(const struct viewers *viewers)
{
    for (int64_t i = 0; i < viewers->limits.loops; i++) {
        const struct slot *slot = &viewers->slots[i];
        REQUIRE((slot->loop_no != 0) == (slot->count != 0));
        REQUIRE(slot->count <= (size_t)viewers->limits.views_a_loop);
        REQUIRE(slot->turn <= viewers->turn);
    }
}

/* ---- Under the lock */

static void change(struct viewers *viewers, struct slot *slot)
{
    slot->turn = ++viewers->turn;
}

/* The order of a slot's views says who came first. */
static void take_away(struct viewers *viewers, struct slot *slot, size_t at)
{
    change(viewers, slot);
    memmove(&slot->views[at], &slot->views[at + 1], (slot->count - at - 1) * sizeof *slot->views);
    if (--slot->count)
        return;
    free(slot->views);
    *slot = (struct slot){.loop_no = 0};
}

static struct slot *slot_of(struct viewers *viewers, int64_t loop_no)
{
    for (int64_t i = 0; i < viewers->limits.loops; i++)
        if (viewers->slots[i].loop_no == loop_no)
            return &viewers->slots[i];
    return NULL;
}

/* The view of a page, and its slot; NULL where it has none. */
static struct view *view_of(struct viewers *viewers, int64_t user_no, struct slice page,
                            struct slot **ret_slot)
{
    for (int64_t i = 0; i < viewers->limits.loops; i++)
        for (size_t v = 0; v < viewers->slots[i].count; v++) {
            struct view *view = &viewers->slots[i].views[v];
            if (view->user_no == user_no && slice_equal(slice_of(view->page), page)) {
                *ret_slot = &viewers->slots[i];
                return view;
            }
        }
    return NULL;
}

/* A user with as many pages as are told of gives up the one that was renewed the longest ago. */
static void make_room_of(struct viewers *viewers, int64_t user_no)
{
    struct slot *oldest_slot = NULL;
    size_t oldest = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < viewers->limits.loops; i++)
        for (size_t v = 0; v < viewers->slots[i].count; v++) {
            const struct view *view = &viewers->slots[i].views[v];
            if (view->user_no != user_no)
                continue;
            count++;
            if (!oldest_slot || view->until < oldest_slot->views[oldest].until) {
                oldest_slot = &viewers->slots[i];
                oldest = v;
            }
        }
    if (count >= viewers->limits.views_a_user)
        take_away(viewers, oldest_slot, oldest);
}

/* The slot of a loop with room for one more; NULL where there is none. */
static struct slot *slot_with_room(struct viewers *viewers, int64_t loop_no)
{
    struct slot *slot = slot_of(viewers, loop_no);
    if (slot)
        return slot->count < (size_t)viewers->limits.views_a_loop ? slot : NULL;
    slot = slot_of(viewers, 0);
    if (slot) {
        slot->loop_no = loop_no;
        slot->views = x_alloc((size_t)viewers->limits.views_a_loop, sizeof *slot->views);
    }
    return slot;
}

static bool put(struct viewers *viewers, const struct view *view, timestamp since, timestamp until)
{
    struct slot *slot = NULL;
    struct view *known = view_of(viewers, view->user_no, slice_of(view->page), &slot);
    if (known && slot->loop_no == view->loop_no) {
        timestamp first = known->since;
        bool same = known->writing == view->writing;
        *known = *view;
        known->since = first;
        known->until = until;
        if (!same)
            change(viewers, slot);
        return true;
    }
    if (known)
        take_away(viewers, slot, (size_t)(known - slot->views));
    make_room_of(viewers, view->user_no);
    slot = slot_with_room(viewers, view->loop_no);
    if (!slot) {
        viewers->unlisted++;
        return false;
    }
    struct view *kept = &slot->views[slot->count++];
    *kept = *view;
    kept->since = since;
    kept->until = until;
    change(viewers, slot);
    return true;
}

/* ---- What others call */

bool viewers_put(struct viewers *viewers, const struct view *view, timestamp since, timestamp now)
{
    REQUIRE(view->loop_no > 0 && view->user_no > 0);
    timestamp until = now + viewers->limits.lease_seconds * SECOND;
    pthread_mutex_lock(&viewers->lock);
    bool listed = put(viewers, view, since, until);
    slots_assert(viewers);
    pthread_mutex_unlock(&viewers->lock);
    return listed;
}

void viewers_remove(struct viewers *viewers, int64_t loop_no, int64_t user_no, struct slice page)
{
    struct slot *slot = NULL;
    pthread_mutex_lock(&viewers->lock);
    struct view *view = view_of(viewers, user_no, page, &slot);
    if (view && view->loop_no == loop_no)
        take_away(viewers, slot, (size_t)(view - slot->views));
    slots_assert(viewers);
    pthread_mutex_unlock(&viewers->lock);
}

/* Those that `ends` names, the last first: what is behind one that goes moves up. */
static void end_those(struct viewers *viewers,
                      bool (*ends)(const struct view *view, const void *context),
                      const void *context)
{
    pthread_mutex_lock(&viewers->lock);
    for (int64_t i = 0; i < viewers->limits.loops; i++)
        for (size_t v = viewers->slots[i].count; v-- > 0;)
            if (ends(&viewers->slots[i].views[v], context))
                take_away(viewers, &viewers->slots[i], v);
    slots_assert(viewers);
    pthread_mutex_unlock(&viewers->lock);
}

static bool is_of_session(const struct view *view, const void *session)
{
    return memcmp(view->session, session, VIEW_SESSION_BYTES) == 0;
}

void viewers_end(struct viewers *viewers, const unsigned char session[VIEW_SESSION_BYTES])
{
    end_those(viewers, is_of_session, session);
}

static bool is_over(const struct view *view, const void *now)
{
    return view->until <= *(const timestamp *)now;
}

void viewers_sweep(struct viewers *viewers, timestamp now)
{
    end_those(viewers, is_over, &now);
}

size_t viewers_of(struct viewers *viewers, int64_t loop_no, int64_t but_user_no, timestamp now,
                  struct view *out, size_t room)
{
    size_t count = 0;
    pthread_mutex_lock(&viewers->lock);
    const struct slot *slot = loop_no ? slot_of(viewers, loop_no) : NULL;
    for (size_t v = 0; slot && v < slot->count; v++) {
        const struct view *view = &slot->views[v];
        size_t i = 0;
        if (view->user_no == but_user_no || is_over(view, &now))
            continue;
        while (i < count && out[i].user_no != view->user_no)
            i++;
        if (i < count)
            out[i].writing |= view->writing;
        else if (count < room)
            out[count++] = *view;
    }
    pthread_mutex_unlock(&viewers->lock);
    return count;
}

uint64_t viewers_turn(struct viewers *viewers, int64_t user_no)
{
    uint64_t turn = 0;
    pthread_mutex_lock(&viewers->lock);
    for (int64_t i = 0; i < viewers->limits.loops; i++) {
        const struct slot *slot = &viewers->slots[i];
        for (size_t v = 0; v < slot->count && slot->turn > turn; v++)
            if (slot->views[v].user_no == user_no)
                turn = slot->turn;
    }
    pthread_mutex_unlock(&viewers->lock);
    return turn;
}

uint64_t viewers_last_turn(struct viewers *viewers)
{
    pthread_mutex_lock(&viewers->lock);
    uint64_t turn = viewers->turn;
    pthread_mutex_unlock(&viewers->lock);
    return turn;
}

size_t viewers_loops(struct viewers *viewers, int64_t *out, size_t room)
{
    size_t count = 0;
    pthread_mutex_lock(&viewers->lock);
    for (int64_t i = 0; i < viewers->limits.loops && count < room; i++)
        if (viewers->slots[i].loop_no)
            out[count++] = viewers->slots[i].loop_no;
    pthread_mutex_unlock(&viewers->lock);
    return count;
}

void viewers_acted(struct viewers *viewers, int64_t loop_no, int64_t act_no)
{
    REQUIRE(loop_no > 0);
    pthread_mutex_lock(&viewers->lock);
    struct slot *slot = slot_of(viewers, loop_no);
    if (slot && slot->last_act < act_no) {
        bool known = slot->last_act != 0;
        slot->last_act = act_no;
        if (known)
            change(viewers, slot);
    }
    pthread_mutex_unlock(&viewers->lock);
}

struct viewer_counts viewers_counts(struct viewers *viewers)
{
    struct viewer_counts counts = {.views = 0};
    pthread_mutex_lock(&viewers->lock);
    counts.unlisted = viewers->unlisted;
    for (int64_t i = 0; i < viewers->limits.loops; i++)
        counts.views += (int64_t)viewers->slots[i].count;
    pthread_mutex_unlock(&viewers->lock);
    return counts;
}
