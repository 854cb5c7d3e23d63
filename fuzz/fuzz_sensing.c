/* A method, its parameters and a file from outside: byte 0 chooses the method, the first line is
 * the parameters, the rest the file. Whatever they are, a table comes out or one error; a row of a
 * detector has an alarm or a reason. */
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensing/scan.h"
#include "sensing/sensing.h"
#include "sensing/venue_excess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *data, size_t size)
{
    struct error err;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && file_write_all(fd, data, size, "fuzz", &err));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Clusters are no less than chance, by their ratios in order; probabilities are probabilities. */
static void check_clusters(const struct table *table)
{
    const double *llr = table_values(table, "llr"), *p = table_values(table, "p");
    for (size_t row = 0; row < table->row_count; row++) {
        REQUIRE(isnan(p[row]) || (p[row] >= 0 && p[row] <= 1));
        REQUIRE(!llr || (llr[row] > 0 && (row == 0 || llr[row] <= llr[row - 1] * (1 + 1e-9))));
    }
}

static void check_table(const struct method *method, const struct table *table)
{
    REQUIRE(table->column_count > 0);
    if (strcmp(method->command, "scan") == 0)
        check_clusters(table);
    if (strcmp(method->command, "detect") != 0)
        return;
    const double *alarm = table_values(table, "alarm");
    for (size_t row = 0; row < table->row_count; row++)
        REQUIRE(alarm[row] == 0 || alarm[row] == 1 || (isnan(alarm[row]) && table->reasons[row]));
}

/* A few replicates, none of maps with many cases: time is for other inputs. */
static void keep_short(struct parameters *parameters, const struct scan_counts *counts)
{
    double cases = 0;
    for (size_t i = 0; i < counts->place_count * counts->day_count; i++)
        cases += counts->cases[i];
    if (json_number_value(json_object_get(parameters->object, "replicates")) > 19 ||
        !json_object_get(parameters->object, "replicates") || cases > 100000)
        json_object_set_new(parameters->object, "replicates", json_integer(cases > 1e5 ? 0 : 19));
}

/* Sums of many positives over many strata take time, not another path. */
static bool is_long(const struct venue_counts *counts)
{
    double positives = 0;
    for (size_t i = 0; i < counts->row_count; i++)
        positives += counts->rows[i].later_positive;
    return counts->row_count > 10 && positives > 3000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { BYTES_MAX = 1 << 13 };
    struct parameters parameters = {0};
    struct method_room room;
    struct arena arena;
    struct table table;
    struct error err = {0};
    const uint8_t *line = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    if (!line || size > BYTES_MAX)
        return 0;
    const struct method *method = &methods[data[0] % method_count];
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    const char *json = arena_copy(&arena, (const char *)data + 1, (size_t)(line - data) - 1);
    struct method_call call = {.parameters = &parameters, .arena = &arena};
    int fd = method->input == INPUT_NOTHING ? -1
                                            : file_of(line + 1, size - (size_t)(line + 1 - data));
    bool done = method_read(method, fd, "fuzz", &arena, &room, &call, &err) &&
                parameters_read(*json ? json : NULL, NULL, 0, &parameters, &err);
    if (done && method->input == INPUT_PLACES)
        keep_short(&parameters, room.places);
    bool tried = !(done && method->input == INPUT_VENUES && is_long(room.venues));
    done = done && tried && method->run(&call, &table, &err);
    if (done)
        check_table(method, &table);
    else if (tried)
        REQUIRE(err.code != ERROR_NONE);
    parameters_release(&parameters);
    arena_release(&arena);
    return 0;
}
