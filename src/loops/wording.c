/* What a scene says of itself: owners, guards, ways. For the catalogue and a loop's page. */
#include "loops/wording.h"

enum { WORDS_BYTES_MAX = 4000 }; /* of one owner or guard */

void wording_put(struct json_writer *writer, const char *key, struct words words,
                 const char *otherwise)
{
    json_key(writer, key);
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(words.zh ? words.zh : otherwise));
    json_field_text(writer, "en", slice_of(words.en ? words.en : otherwise));
    json_object_end(writer);
}

static void put_both(struct json_writer *writer, const struct buffer *zh, const struct buffer *en)
{
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(zh->data ? zh->data : ""));
    json_field_text(writer, "en", slice_of(en->data ? en->data : ""));
    json_object_end(writer);
}

void wording_owner(struct json_writer *writer, const struct scene *scene,
                   const struct policy *policy, const struct scene_owner *owner)
{
    struct buffer zh, en;
    buffer_init(&zh, WORDS_BYTES_MAX);
    buffer_init(&en, WORDS_BYTES_MAX);
    scene_owner_words(scene, policy, owner, true, &zh);
    scene_owner_words(scene, policy, owner, false, &en);
    put_both(writer, &zh, &en);
    buffer_release(&zh);
    buffer_release(&en);
}

static void put_owners(struct json_writer *writer, const char *key, const struct scene *scene,
                       const struct policy *policy, const struct scene_owners *owners)
{
    json_key(writer, key);
    json_array_begin(writer);
    for (size_t i = 0; i < owners->count; i++)
        wording_owner(writer, scene, policy, &owners->items[i]);
    json_array_end(writer);
}

static void put_guards(struct json_writer *writer, const struct scene *scene,
                       const struct scene_transition *transition)
{
    json_key(writer, "when");
    json_array_begin(writer);
    for (size_t i = 0; i < transition->when.count; i++) {
        const struct scene_condition *guard = &transition->when.items[i];
        struct buffer zh, en;
        buffer_init(&zh, WORDS_BYTES_MAX);
        buffer_init(&en, WORDS_BYTES_MAX);
        scene_condition_words(scene, transition->event, guard, true, &zh);
        scene_condition_words(scene, transition->event, guard, false, &en);
        put_both(writer, &zh, &en);
        buffer_release(&zh);
        buffer_release(&en);
    }
    json_array_end(writer);
}

/* The event by its name, and by what it is called. */
static void put_event(struct json_writer *writer, const struct scene_transition *transition)
{
    const struct scene_event *event = transition->event;
    json_field_text(writer, "on", slice_of(transition->event_name));
    wording_put(writer, "on_title",
                event ? (struct words){event->zh, event->en} : (struct words){NULL, NULL},
                transition->event_name);
}

void wording_transition(struct json_writer *writer, const struct scene *scene,
                        const struct policy *policy, const struct scene_transition *transition)
{
    static const char *const triggers[] = {[TRIGGER_NONE] = "none",
                                           [TRIGGER_BY] = "by",
                                           [TRIGGER_ON] = "on",
                                           [TRIGGER_AFTER] = "after"};
    json_field_text(writer, "to", slice_of(transition->to.text));
    json_field_text(writer, "trigger", slice_of(triggers[transition->trigger]));
    put_owners(writer, "by", scene, policy, &transition->by);
    put_owners(writer, "sign", scene, policy, &transition->sign);
    put_guards(writer, scene, transition);
    json_field_bool(writer, "note", transition->note);
    json_key(writer, "require");
    json_array_begin(writer);
    for (size_t i = 0; i < transition->require.count; i++)
        json_put_text(writer, slice_of(transition->require.items[i].text));
    json_array_end(writer);
    if (transition->trigger == TRIGGER_ON)
        put_event(writer, transition);
}
