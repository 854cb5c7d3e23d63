/* The manifest of a backup from anywhere: what is taken stays below its directory and is written as
 * it was read. */
#include "keeping/keeping_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct backup_manifest manifest, again;
    struct error err = {0};
    struct buffer text;
    if (!backup_manifest_parse((struct slice){(const char *)data, size}, &manifest, &err)) {
        REQUIRE(err.code != ERROR_NONE && err.what[0]);
        return 0;
    }
    for (size_t i = 0; i < manifest.file_count; i++) {
        const char *path = manifest.files[i].path;
        REQUIRE(path[0] && path[0] != '/' && path[0] != '.' && !strstr(path, "/."));
        REQUIRE(strncmp(path, "keys", 4) != 0 && manifest.files[i].bytes >= 0);
        REQUIRE(!i || strcmp(manifest.files[i - 1].path, path) < 0);
    }
    buffer_init(&text, 64 << 20);
    backup_manifest_write(&manifest, &text);
    REQUIRE(backup_manifest_parse(buffer_slice(&text), &again, &err));
    REQUIRE(again.file_count == manifest.file_count && strcmp(again.id, manifest.id) == 0);
    buffer_release(&text);
    backup_manifest_release(&again);
    backup_manifest_release(&manifest);
    return 0;
}
