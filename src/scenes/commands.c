/* `scene …`: checking, drawing, listing and describing scenes; no data directory is needed. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scenes/scenes_internal.h"

/* What every command stands on: the policies and the scenes around, the directory's own first. */
struct desk {
    struct command_context *context;
    struct policy *policy;
    struct scene_folder *folder;
    int directory_fd;
};

static bool desk_open(struct desk *desk, struct command_context *context, struct error *err)
{
    *desk = (struct desk){.context = context, .directory_fd = -1};
    const char *directory = context->platform->directory;
    if (directory)
        desk->directory_fd = openat(context->working_directory_fd, directory,
                                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (policy_open(desk->directory_fd, &desk->policy, err) &&
        scene_folder_open(desk->directory_fd, desk->policy, context->arena, &desk->folder, err))
        return true;
    policy_free(desk->policy);
    if (desk->directory_fd >= 0)
        close(desk->directory_fd);
    return false;
}

static void desk_close(struct desk *desk)
{
    policy_free(desk->policy);
    if (desk->directory_fd >= 0)
        close(desk->directory_fd);
}

/* ---- Files */

struct scene_file {
    const char *path;
    struct scene *scene; /* NULL where it is no scene */
    struct scene_findings findings;
};

static bool read_text(struct command_context *context, const char *path, struct buffer *out,
                      struct error *err)
{
    int fd;
    if (!command_open(context, path, &fd, err))
        return false;
    bool done = true;
    for (;;) {
        char chunk[16384];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0)
            done = error_set_errno(err, path, "read");
        if (got <= 0 || out->overflow)
            break;
        buffer_append(out, chunk, (size_t)got);
    }
    close(fd);
    return done;
}

static bool read_file(struct desk *desk, const char *path, struct scene_file *file,
                      struct error *err)
{
    struct buffer text;
    buffer_init(&text, 2 * SCENE_BYTES_MAX);
    bool done = read_text(desk->context, path, &text, err);
    if (done) {
        struct arena *arena = desk->context->arena;
        file->path = path;
        scene_findings_init(&file->findings, arena);
        if (text.overflow)
            scene_find(&file->findings, 1, RULE_SYNTAX,
                       "the file is larger than 256 KiB: a scene is small");
        else
            scene_read(buffer_slice(&text), desk->policy, arena, &file->scene, &file->findings);
    }
    buffer_release(&text);
    return done;
}

static bool same_file(int a, int b)
{
    struct stat one, other;
    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* Whether a folder is the scenes/ of the data directory, or the one beside the policies/ of a
 * project. */
static bool is_own_folder(const struct desk *desk, int folder_fd)
{
    bool own = false;
    int places[] = {desk->directory_fd, openat(folder_fd, "..", O_RDONLY | O_DIRECTORY)};
    for (size_t i = 0; i < 2; i++) {
        if (places[i] < 0 || (i == 1 && faccessat(places[i], "policies/roles.yaml", F_OK, 0) != 0))
            continue;
        int scenes_fd = openat(places[i], "scenes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own = own || (scenes_fd >= 0 && same_file(scenes_fd, folder_fd));
        if (scenes_fd >= 0)
            close(scenes_fd);
    }
    if (places[1] >= 0)
        close(places[1]);
    return own;
}

/* In a folder of its own a file is named as its scene: an engine finds it so. */
static void check_file_name(const struct desk *desk, struct scene_file *file)
{
    struct arena *arena = desk->context->arena;
    const char *slash = strrchr(file->path, '/'), *base = slash ? slash + 1 : file->path;
    const char *folder = slash ? arena_copy(arena, file->path, (size_t)(slash - file->path)) : ".";
    if (!file->scene || !file->scene->name ||
        strcmp(base, arena_print(arena, "%s.yaml", file->scene->name)) == 0)
        return;
    int folder_fd = openat(desk->context->working_directory_fd, slash == file->path ? "/" : folder,
                           O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return;
    if (is_own_folder(desk, folder_fd))
        scene_find(&file->findings, file->scene->line, RULE_BAD_VALUE,
                   "the scene '%s' stands in the file %s: name the file %s.yaml",
                   file->scene->name, base, file->scene->name);
    close(folder_fd);
}

/* ---- scene check */

static void print_finding(FILE *out, const char *path, const struct scene_finding *finding)
{
    fprintf(out, "%s:%d: %s: %s\n", path, finding->line, scene_rule_name(finding->rule),
            finding->message);
    for (size_t i = 0; i < finding->path_count; i++)
        fprintf(out, "%s%s%s", i == 0 ? "  path: " : " -> ", finding->path[i],
                i + 1 == finding->path_count ? "\n" : "");
}

static void put_finding(struct json_writer *writer, const char *path,
                        const struct scene_finding *finding)
{
    json_object_begin(writer);
    json_field_text(writer, "file", slice_of(path));
    json_field_int64(writer, "line", finding->line);
    json_field_text(writer, "rule", slice_of(scene_rule_name(finding->rule)));
    json_field_text(writer, "message", slice_of(finding->message));
    json_key(writer, "path");
    json_array_begin(writer);
    for (size_t i = 0; i < finding->path_count; i++)
        json_put_text(writer, slice_of(finding->path[i]));
    json_array_end(writer);
    json_object_end(writer);
}

static void print_json(FILE *out, const struct scene_file *files, size_t count)
{
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, 256 << 20);
    json_writer_init(&writer, &text);
    json_array_begin(&writer);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < files[i].findings.count; k++)
            put_finding(&writer, files[i].path, &files[i].findings.items[k]);
    json_array_end(&writer);
    json_writer_release(&writer);
    fprintf(out, "%s\n", text.data);
    buffer_release(&text);
}

/* Proves all files together; the number of findings. */
static size_t check_files(struct desk *desk, struct scene_file *files, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (files[i].scene)
            scene_folder_put(desk->folder, files[i].scene);
    for (size_t i = 0; i < count; i++) {
        struct scene_file *file = &files[i];
        check_file_name(desk, file);
        if (file->scene) {
            scene_folder_put(desk->folder, file->scene);
            scene_verify(file->scene, desk->folder, &file->findings);
        } else {
            scene_findings_order(&file->findings);
        }
        found += file->findings.count;
    }
    return found;
}

static const struct command scene_commands[7];

static int run_check(struct command_context *context, int argc, char **argv, struct error *err)
{
    enum { FILES_MAX = 1000 };
    struct desk desk;
    size_t count, found = 0;
    context->json = command_flag(&argc, argv, "--json") || context->json;
    count = (size_t)argc;
    if (!command_arguments(&scene_commands[0], argc, argv, 1, FILES_MAX, err) ||
        !desk_open(&desk, context, err))
        return command_fail(err);
    struct scene_file *files = arena_alloc(context->arena, count * sizeof *files);
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        done = read_file(&desk, argv[i], &files[i], err);
    if (done)
        found = check_files(&desk, files, count);
    if (done && context->json)
        print_json(context->out, files, count);
    for (size_t i = 0; done && !context->json && i < count; i++)
        for (size_t k = 0; k < files[i].findings.count; k++)
            print_finding(context->out, files[i].path, &files[i].findings.items[k]);
    if (done && !context->json && found == 0)
        fprintf(context->words, "%zu %s proved\n", count, count == 1 ? "scene" : "scenes");
    desk_close(&desk);
    return !done ? command_fail(err) : found ? EXIT_FINDINGS : EXIT_DONE;
}

/* ---- scene draw, doc */

static int run_draw(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct desk desk;
    struct scene_file file = {0};
    struct buffer svg;
    const char *path;
    if (!command_option(&argc, argv, "-o", &path, err) ||
        !command_arguments(&scene_commands[1], argc, argv, 1, 1, err) ||
        !desk_open(&desk, context, err))
        return command_fail(err);
    bool done = read_file(&desk, argv[0], &file, err), drawn = false;
    buffer_init(&svg, 64 << 20);
    if (done && file.scene && file.scene->name && file.scene->stage_count) {
        scene_draw(file.scene, desk.policy, 0, &svg);
        done = command_write(context, path, &svg, err);
        drawn = done;
    }
    scene_findings_order(&file.findings);
    for (size_t i = 0; done && !drawn && i < file.findings.count; i++)
        print_finding(context->words, argv[0], &file.findings.items[i]);
    buffer_release(&svg);
    desk_close(&desk);
    return !done ? command_fail(err) : drawn ? EXIT_DONE : EXIT_FINDINGS;
}

static int run_sheet(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct desk desk;
    const char *path;
    bool xlsx, done = false;
    if (!command_option(&argc, argv, "-o", &path, err) ||
        !command_arguments(&scene_commands[6], argc, argv, 1, 1, err) ||
        !scene_sheet_form(path, &xlsx, err) || !desk_open(&desk, context, err))
        return command_fail(err);
    const struct scene *scene = scene_folder_find(desk.folder, argv[0]);
    if (!scene)
        error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "NAME"},
                  "a name of `scene list`", "there is no scene '%s'", argv[0]);
    struct buffer text;
    buffer_init(&text, 64 << 20);
    done = scene && scene_sheet_write(scene, context->arena, xlsx, &text, err) &&
           command_write(context, path, &text, err);
    buffer_release(&text);
    desk_close(&desk);
    return done ? EXIT_DONE : command_fail(err);
}

static int run_doc(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct desk desk;
    struct buffer page;
    if (!command_arguments(&scene_commands[2], argc, argv, 1, 1, err) ||
        !desk_open(&desk, context, err))
        return command_fail(err);
    const struct scene *scene = scene_folder_find(desk.folder, argv[0]);
    buffer_init(&page, 16 << 20);
    if (scene) {
        scene_document(scene, desk.policy, &page);
        fwrite(page.data, 1, page.length, context->out);
    } else {
        error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "NAME"},
                  "a name of `scene list`", "there is no scene '%s'", argv[0]);
    }
    buffer_release(&page);
    desk_close(&desk);
    return scene ? EXIT_DONE : command_fail(err);
}

/* ---- scene list, vocabulary, schema */

/* Whether the scene has no finding, its form included. */
static bool is_proved(const struct desk *desk, const struct scene_source *source)
{
    struct scene_findings findings;
    struct scene *scene;
    scene_findings_init(&findings, desk->context->arena);
    scene_read(source->text, desk->policy, desk->context->arena, &scene, &findings);
    scene_verify(source->scene, desk->folder, &findings);
    return findings.count == 0;
}

static void put_listed(struct json_writer *writer, const struct scene_source *source, bool proved)
{
    const struct scene *scene = source->scene;
    json_object_begin(writer);
    json_field_text(writer, "scene", slice_of(scene->name));
    json_field_int64(writer, "version", scene->version);
    json_key(writer, "title");
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(scene->title.zh ? scene->title.zh : scene->name));
    json_field_text(writer, "en", slice_of(scene->title.en ? scene->title.en : scene->name));
    json_object_end(writer);
    json_field_text(writer, "subject", slice_of(scene_kind_name(scene->subject)));
    json_field_int64(writer, "stages", (int64_t)scene->stage_count);
    json_field_text(writer, "file", slice_of(source->file));
    json_field_bool(writer, "own", source->own);
    json_field_bool(writer, "proved", proved);
    json_object_end(writer);
}

static int run_list(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct desk desk;
    struct buffer text;
    struct json_writer writer;
    size_t count, open = 0;
    context->json = command_flag(&argc, argv, "--json") || context->json;
    if (!command_arguments(&scene_commands[3], argc, argv, 0, 0, err) ||
        !desk_open(&desk, context, err))
        return command_fail(err);
    const struct scene_source *all = scene_folder_all(desk.folder, &count);
    buffer_init(&text, 16 << 20);
    json_writer_init(&writer, &text);
    json_array_begin(&writer);
    for (size_t i = 0; i < count; i++) {
        const struct scene *scene = all[i].scene;
        bool proved = is_proved(&desk, &all[i]);
        open += !proved;
        put_listed(&writer, &all[i], proved);
        if (!context->json)
            fprintf(context->out, "%-24s v%-3lld %-10s %2zu  %s  %s%s%s\n", scene->name,
                    (long long)scene->version, scene_kind_name(scene->subject),
                    scene->stage_count, scene->title.zh ? scene->title.zh : "",
                    scene->title.en ? scene->title.en : "", all[i].own ? "  (own)" : "",
                    proved ? "" : "  NOT PROVED: run scene check");
    }
    json_array_end(&writer);
    json_writer_release(&writer);
    if (context->json)
        fprintf(context->out, "%s\n", text.data);
    buffer_release(&text);
    desk_close(&desk);
    return open ? EXIT_FINDINGS : EXIT_DONE;
}

static int run_vocabulary(struct command_context *context, int argc, char **argv,
                          struct error *err)
{
    struct desk desk;
    struct buffer text;
    context->json = command_flag(&argc, argv, "--json") || context->json;
    if (!command_arguments(&scene_commands[4], argc, argv, 0, 0, err) ||
        !desk_open(&desk, context, err))
        return command_fail(err);
    buffer_init(&text, 4 << 20);
    scene_vocabulary(desk.policy, context->json, &text);
    fwrite(text.data, 1, text.length, context->out);
    buffer_release(&text);
    desk_close(&desk);
    return EXIT_DONE;
}

static int run_schema(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct desk desk;
    struct buffer text;
    if (!command_arguments(&scene_commands[5], argc, argv, 0, 0, err) ||
        !desk_open(&desk, context, err))
        return command_fail(err);
    buffer_init(&text, 4 << 20);
    scene_schema(desk.policy, &text);
    fwrite(text.data, 1, text.length, context->out);
    buffer_release(&text);
    desk_close(&desk);
    return EXIT_DONE;
}

static const struct command scene_commands[7] = {
    {.name = "scene check",
     .usage = "FILE… [--json]",
     .words = "proves scenes: every path ends, with an owner and a clock; else where and why not",
     .run = run_check},
    {.name = "scene draw",
     .usage = "FILE [-o F.svg]",
     .words = "the state graph of a scene as SVG",
     .run = run_draw},
    {.name = "scene doc",
     .usage = "NAME",
     .words = "a page about a scene, in Chinese and English",
     .run = run_doc},
    {.name = "scene list",
     .usage = "[--json]",
     .words = "the scenes that are at hand, the data directory's own before the built-in ones",
     .run = run_list},
    {.name = "scene vocabulary",
     .usage = "[--json]",
     .words = "what a scene may name: roles, event kinds with payload, field types, conditions",
     .run = run_vocabulary},
    {.name = "scene schema",
     .usage = "",
     .words = "JSON Schema of scene files, for editors",
     .run = run_schema},
    {.name = "scene sheet",
     .usage = "NAME -o F.xlsx|F.csv",
     .words = "an empty sheet to be filled in, for `import loops`",
     .run = run_sheet},
};

const struct module scenes_module = {
    .name = "scenes",
    .commands = scene_commands,
    .command_count = sizeof scene_commands / sizeof *scene_commands,
};
