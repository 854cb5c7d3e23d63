/* A method, its parameters and a file from outside: byte 0 chooses the method, the first line is
 * the parameters, the rest the file. Whatever they are, a table comes out or one error; a row of a
 * detector has an alarm or a reason. */
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensing/sensing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *data, size_t size)
{
    struct error err;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && file_write_all(fd, data, size, "fuzz", &err));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void check_table(const struct method *method, const struct table *table)
{
    REQUIRE(table->column_count > 0);
    if (strcmp(method->command, "detect") != 0)
        return;
    const double *alarm = table_values(table, "alarm");
    for (size_t row = 0; row < table->row_count; row++)
        REQUIRE(alarm[row] == 0 || alarm[row] == 1 || (isnan(alarm[row]) && table->reasons[row]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { BYTES_MAX = 1 << 13 };
    struct parameters parameters = {0};
    struct series series;
    struct line_list list;
    struct arena arena;
    struct table table;
    struct error err = {0};
    const uint8_t *line = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    if (!line || size > BYTES_MAX)
        return 0;
    const struct method *method = &methods[data[0] % method_count];
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    const char *json = arena_copy(&arena, (const char *)data + 1, (size_t)(line - data) - 1);
    struct method_call call = {
        .series = &series, .line_list = &list, .parameters = &parameters, .arena = &arena};
    int fd = file_of(line + 1, size - (size_t)(line + 1 - data));
    bool read = method->input == INPUT_LINE_LIST ? line_list_read(fd, "fuzz", &arena, &list, &err)
                                                 : series_read(fd, "fuzz", &arena, &series, &err);
    bool done = read && parameters_read(*json ? json : NULL, NULL, 0, &parameters, &err) &&
                method->run(&call, &table, &err);
    if (done)
        check_table(method, &table);
    else
        REQUIRE(err.code != ERROR_NONE);
    parameters_release(&parameters);
    arena_release(&arena);
    return 0;
}
