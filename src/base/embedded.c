/* The table that tools/embed makes at build time: names, begin and end symbols, ordered by name. */
#include "base/embedded.h"

#include <pthread.h>

struct embedded_entry {
    const char *name;
    const char *begin;
    const char *end;
};
extern const struct embedded_entry embedded_entries[];
extern const uint64_t embedded_entry_count;

static struct embedded_file *files;
static pthread_once_t files_once = PTHREAD_ONCE_INIT;

static void fill_files(void)
{
    files = x_alloc(embedded_entry_count, sizeof *files);
    for (uint64_t i = 0; i < embedded_entry_count; i++) {
        const struct embedded_entry *entry = &embedded_entries[i];
        files[i] = (struct embedded_file){
            entry->name, {entry->begin, (size_t)(entry->end - entry->begin)}};
    }
}

const struct embedded_file *embedded_all(size_t *ret_count)
{
    pthread_once(&files_once, fill_files);
    *ret_count = (size_t)embedded_entry_count;
    return files;
}

const struct embedded_file *embedded_find(const char *name)
{
    size_t count;
    const struct embedded_file *all = embedded_all(&count);
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(all[middle].name, name);
        if (order == 0)
            return &all[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
