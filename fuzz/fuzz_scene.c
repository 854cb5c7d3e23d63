/* A scene file as `scene check` takes it: read, proved, drawn and described whatever it holds;
 * findings come in order of lines and say something, and the same ones come again. */
#include "scenes/scenes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct policy *policies(void)
{
    static struct policy *policy;
    struct error err;
    if (!policy)
        REQUIRE(policy_open(-1, &policy, &err));
    return policy;
}

/* The scenes around, read once. */
static struct scene_folder *folder(void)
{
    static struct arena arena;
    static struct scene_folder *opened;
    struct error err;
    if (!opened) {
        arena_init(&arena, (size_t)256 << 20);
        REQUIRE(scene_folder_open(-1, policies(), &arena, &opened, &err));
    }
    return opened;
}

static struct scene *check(struct slice text, struct arena *arena,
                           struct scene_findings *findings)
{
    struct scene *scene;
    scene_findings_init(findings, arena);
    scene_read(text, policies(), arena, &scene, findings);
    if (scene)
        scene_verify(scene, folder(), findings);
    else
        REQUIRE(findings->count > 0);
    return scene;
}

static void show(const struct scene *scene)
{
    struct buffer out;
    buffer_init(&out, 64 << 20);
    if (scene->name && scene->stage_count > 0) {
        scene_draw(scene, policies(), 0, &out);
        REQUIRE(slice_is_utf8(buffer_slice(&out)));
        buffer_clear(&out);
        scene_document(scene, policies(), &out);
        REQUIRE(slice_is_utf8(buffer_slice(&out)));
    }
    buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct arena arena;
    struct scene_findings first, again;
    arena_init(&arena, (size_t)512 << 20);
    struct scene *scene = check(text, &arena, &first);
    check(text, &arena, &again);
    REQUIRE(first.count == again.count);
    for (size_t i = 0; i < first.count; i++) {
        const struct scene_finding *finding = &first.items[i];
        REQUIRE(finding->line >= 1 && finding->message[0]);
        REQUIRE(slice_is_utf8(slice_of(finding->message)));
        REQUIRE(i == 0 || !scene || first.items[i - 1].line <= finding->line);
        REQUIRE(finding->line == again.items[i].line && finding->rule == again.items[i].rule);
    }
    if (scene)
        show(scene);
    arena_release(&arena);
    return 0;
}
