/* The scenes that stand around one another: the built-in ones, before them those of a data
 * directory's scenes/, before both what was put in. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "scenes/scenes_internal.h"

enum { SCENES_MAX = 512 };

static const char prefix[] = "scenes/";

struct scene_folder {
    struct arena *arena;
    const struct policy *policy;
    struct scene_source sources[SCENES_MAX]; /* by name */
    size_t count;
    const struct scene *replaced[SCENES_MAX]; /* earlier versions, for migrations */
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
        if (strcmp(folder->sources[middle].scene->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool put(struct scene_folder *folder, struct scene_source source)
{
    size_t at = place_of(folder, source.scene->name);
    bool there = at < folder->count &&
                 strcmp(folder->sources[at].scene->name, source.scene->name) == 0;
    if (there) {
        if (folder->replaced_count < SCENES_MAX)
            folder->replaced[folder->replaced_count++] = folder->sources[at].scene;
    } else {
        if (folder->count == SCENES_MAX)
            return false;
        memmove(&folder->sources[at + 1], &folder->sources[at],
                (folder->count - at) * sizeof *folder->sources);
        folder->count++;
    }
    folder->sources[at] = source;
    return true;
}

/* Puts a file in, unless it is no scene: then `scene check` of it says why. */
static bool put_file(struct scene_folder *folder, const char *file, struct slice text, bool own,
                     struct error *err)
{
    struct scene_findings findings;
    struct scene *scene;
    scene_findings_init(&findings, folder->arena);
    scene_read(text, folder->policy, folder->arena, &scene, &findings);
    if (!scene || !scene->name)
        return true;
    return put(folder, (struct scene_source){scene, file, text, own}) ||
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
    if (scene->name && scene_folder_find(folder, scene->name) != scene)
        REQUIRE(put(folder, (struct scene_source){.scene = scene, .file = ""}) ||
                folder->count == SCENES_MAX);
}

const struct scene *scene_folder_find(const struct scene_folder *folder, const char *name)
{
    size_t at = place_of(folder, name);
    return at < folder->count && strcmp(folder->sources[at].scene->name, name) == 0
               ? folder->sources[at].scene
               : NULL;
}

const struct scene *scene_folder_version(const struct scene_folder *folder, const char *name,
                                         int64_t version)
{
    const struct scene *present = scene_folder_find(folder, name);
    if (present && present->version == version)
        return present;
    for (size_t i = folder->replaced_count; i-- > 0;) {
        const struct scene *scene = folder->replaced[i];
        if (strcmp(scene->name, name) == 0 && scene->version == version)
            return scene;
    }
    return NULL;
}

const struct scene_source *scene_folder_all(const struct scene_folder *folder, size_t *ret_count)
{
    *ret_count = folder->count;
    return folder->sources;
}
