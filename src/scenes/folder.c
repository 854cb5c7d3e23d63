/* The scenes that stand around one another: the built-in ones, before them those of a data
 * directory's scenes/, before both what was put in. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "scenes/scenes_internal.h"

enum { SCENES_MAX = 512 };

static const char prefix[] = "scenes/";

/* A file that is read when it is first asked for, or a scene that was put in. Its name is the
 * file's, which is the scene's in every folder of its own: what is named otherwise is not found. */
struct slot {
    const char *name;
    struct scene_source source;
    bool is_read;
};

struct scene_folder {
    struct arena *arena;
    const struct policy *policy;
    struct slot slots[SCENES_MAX]; /* by name */
    size_t count;
    struct slot replaced[SCENES_MAX]; /* earlier versions, for migrations */
    size_t replaced_count;
};

static bool is_scene_file(const char *name)
{
    size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".yaml") == 0;
}

static int is_scene_entry(const struct dirent *entry)
{
    return is_scene_file(entry->d_name);
}

/* The place of a name, or where it would stand. */
static size_t place_of(const struct scene_folder *folder, const char *name)
{
    size_t low = 0, high = folder->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(folder->slots[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool put(struct scene_folder *folder, struct slot slot)
{
    size_t at = place_of(folder, slot.name);
    if (at < folder->count && strcmp(folder->slots[at].name, slot.name) == 0) {
        if (folder->replaced_count < SCENES_MAX)
            folder->replaced[folder->replaced_count++] = folder->slots[at];
    } else {
        if (folder->count == SCENES_MAX)
            return false;
        memmove(&folder->slots[at + 1], &folder->slots[at],
                (folder->count - at) * sizeof *folder->slots);
        folder->count++;
    }
    folder->slots[at] = slot;
    return true;
}

/* The scene of a slot; NULL where its file is none: then `scene check` of it says why. */
static const struct scene *read_slot(struct scene_folder *folder, struct slot *slot)
{
    struct scene_findings findings;
    struct scene *scene;
    if (!slot->is_read) {
        scene_findings_init(&findings, folder->arena);
        scene_read(slot->source.text, folder->policy, folder->arena, &scene, &findings);
        slot->source.scene = scene && scene->name ? scene : NULL;
        slot->is_read = true;
    }
    return slot->source.scene;
}

static bool put_file(struct scene_folder *folder, const char *file, struct slice text, bool own,
                     struct error *err)
{
    size_t length = strlen(file) - (sizeof prefix - 1) - strlen(".yaml");
    const char *name = arena_copy(folder->arena, file + sizeof prefix - 1, length);
    return put(folder, (struct slot){.name = name, .source = {NULL, file, text, own}}) ||
           error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = file},
                     "at most 512 scenes", "too many scenes");
}

static bool put_own_file(struct scene_folder *folder, int directory_fd, const char *file,
                         struct error *err)
{
    struct buffer text;
    buffer_init(&text, SCENE_BYTES_MAX + 1);
    bool done = file_read_whole(directory_fd, file, &text, err);
    if (done) {
        const char *kept = arena_copy(folder->arena, buffer_slice(&text).data, text.length);
        done = put_file(folder, file, (struct slice){kept, text.length}, true, err);
    }
    buffer_release(&text);
    return done;
}

static bool put_own_files(struct scene_folder *folder, int directory_fd, struct error *err)
{
    struct dirent **entries;
    int count = directory_fd < 0
                    ? -1
                    : scandirat(directory_fd, prefix, &entries, is_scene_entry, alphasort);
    if (count < 0) /* there is no such folder */
        return true;
    bool done = true;
    for (int i = 0; i < count; i++) {
        const char *file = arena_print(folder->arena, "%s%s", prefix, entries[i]->d_name);
        done = done && put_own_file(folder, directory_fd, file, err);
        free(entries[i]);
    }
    free(entries);
    return done;
}

bool scene_folder_open(int directory_fd, const struct policy *policy, struct arena *arena,
                       struct scene_folder **ret_folder, struct error *err)
{
    struct scene_folder *folder = arena_alloc(arena, sizeof *folder);
    folder->arena = arena;
    folder->policy = policy;
    size_t count;
    const struct embedded_file *files = embedded_all(&count);
    for (size_t i = 0; i < count; i++)
        if (strncmp(files[i].name, prefix, sizeof prefix - 1) == 0 &&
            is_scene_file(files[i].name) &&
            !put_file(folder, files[i].name, files[i].content, false, err))
            return false;
    if (!put_own_files(folder, directory_fd, err))
        return false;
    *ret_folder = folder;
    return true;
}

void scene_folder_put(struct scene_folder *folder, const struct scene *scene)
{
    if (!scene->name || scene_folder_find(folder, scene->name) == scene)
        return;
    struct slot slot = {scene->name, {.scene = scene, .file = ""}, true};
    REQUIRE(put(folder, slot) || folder->count == SCENES_MAX);
}

const struct scene *scene_folder_find(struct scene_folder *folder, const char *name)
{
    size_t at = place_of(folder, name);
    if (at == folder->count || strcmp(folder->slots[at].name, name) != 0)
        return NULL;
    const struct scene *scene = read_slot(folder, &folder->slots[at]);
    return scene && strcmp(scene->name, name) == 0 ? scene : NULL;
}

const struct scene *scene_folder_version(struct scene_folder *folder, const char *name,
                                         int64_t version)
{
    const struct scene *present = scene_folder_find(folder, name);
    if (present && present->version == version)
        return present;
    for (size_t i = folder->replaced_count; i-- > 0;) {
        struct slot *slot = &folder->replaced[i];
        const struct scene *scene =
            strcmp(slot->name, name) == 0 ? read_slot(folder, slot) : NULL;
        if (scene && scene->version == version)
            return scene;
    }
    return NULL;
}

const struct scene_source *scene_folder_all(struct scene_folder *folder, size_t *ret_count)
{
    struct scene_source *all = arena_alloc(folder->arena, (folder->count + 1) * sizeof *all);
    *ret_count = 0;
    for (size_t i = 0; i < folder->count; i++)
        if (read_slot(folder, &folder->slots[i]))
            all[(*ret_count)++] = folder->slots[i].source;
    return all;
}
