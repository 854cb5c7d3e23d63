/* Notes: words and photos that somebody adds to the history of an open loop, and nothing moves.
 * What a step wants is given with the step; this is for what was seen in between. A note is no act
 * in the sense of a scene: guards that ask who acted do not see it. */
#include "loops/loops_internal.h"

enum { NOTE_PHOTOS_MAX = 8 };

struct noting {
    struct loops *loops;
    const struct actor *actor;
    int64_t loop_no;
    struct slice note;
    json_t *photos;
    struct loop_outcome *outcome;
};

static bool check_photos(struct engine *engine, json_t *photos, struct error *err)
{
    json_t *item;
    size_t i;
    bool may;
    if (!photos)
        return true;
    if (!json_is_array(photos) || json_array_size(photos) > NOTE_PHOTOS_MAX)
        return loop_bad_value("photos", "a list of at most 8 digests", "not such a list", err);
    json_array_foreach (photos, i, item) {
        struct slice digest = {json_string_value(item), json_string_length(item)};
        if (!digest.data)
            return loop_bad_value("photos", "the digest that POST /photos answered", "not a text",
                                  err);
        if (!loop_photo_may_be_named(engine, digest, &may, err))
            return false;
        if (!may)
            return loop_bad_value("photos", "the digest that POST /photos answered",
                                  "send the photo first", err);
    }
    return true;
}

/* Seeing a loop by its area is not enough: as with a step, it must be one's own or one's next. */
static bool check_hand(struct engine *engine, const struct loop *loop, struct error *err)
{
    struct loop_part part;
    bool next = false;
    if (!loop_part_of(engine, loop, &part, err) ||
        (!part.opens && !hand_is_next(engine, loop, &next, err)))
        return false;
    return part.opens || next ||
           error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "id"},
                     "one who has a part in the loop or may act next",
                     "this loop is not yours to write in");
}

static bool act_note(struct engine *engine, struct noting *noting, struct error *err)
{
    struct loop *loop;
    *noting->outcome = (struct loop_outcome){.loop_no = noting->loop_no};
    if (!take_loop(engine, noting->loop_no, &loop, err) || !check_hand(engine, loop, err) ||
        !check_photos(engine, noting->photos, err))
        return false;
    if (!slice_trim(noting->note).length && !json_array_size(noting->photos))
        return loop_bad_value("note", "words, photos or both", "there are neither words nor photos",
                              err);
    if (noting->note.length > ACT_WORDS_MAX / 4)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "note"},
                         "at most 16384 bytes", "the note is too long");
    struct act act = {
        .kind = ACT_NOTED, .stage = loop->stage, .note = noting->note, .photos = noting->photos};
    noting->outcome->stage = loop_stage(loop)->name;
    return act_write(engine, loop, &act, err);
}

static bool note_job(struct sql *sql, void *context, struct error *err)
{
    struct noting *noting = context;
    struct engine engine;
    if (!engine_begin(&engine, noting->loops, sql, noting->actor, err))
        return false;
    bool done = act_note(&engine, noting, err);
    engine_end(&engine);
    return done;
}

bool loops_note(struct loops *loops, const struct actor *actor, int64_t loop_no, struct slice note,
                json_t *photos, struct loop_outcome *ret_outcome, struct error *err)
{
    struct noting noting = {loops, actor, loop_no, note, photos, ret_outcome};
    struct store *store = loops->platform->store;
    return loops_ready(loops, err) && store_refuse_sunset(store, err) &&
           store_write(store, note_job, &noting, err);
}
