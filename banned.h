/* Calls that this house does not make, each with what it uses instead. tests/tidy reads this table
 * and refuses them everywhere but in the files named in the second column (a beginning of their
 * and refuses them everywhere but in the files named in the second column (a beginning of the path;
 * link nothing of the house. What a compiler warning or a sanitizer finds is not in the list.
 *
 *   call, where it may stand, what to use */
#define BANNED_CALLS(X)                                                                            \
    X(strcpy, "tests", "text_copy, or memcpy of a known length")                                   \
    X(strncpy, "", "text_copy: strncpy may leave out the NUL")                                     \
    X(strcat, "tests", "buffer_append_text, or one snprintf")                                      \
    X(strncat, "", "buffer_append, or one snprintf")                                               \
    X(sprintf, "", "snprintf, buffer_print or arena_print")                                        \
    X(vsprintf, "", "vsnprintf")                                                                   \
    X(gets, "", "csv_reader, file_read_whole")                                                     \
    X(scanf, "tests", "slice_to_int64 and its like")                                               \
    X(fscanf, "tests", "slice_to_int64 and its like")                                              \
    X(atoi, "tests", "slice_to_int64: it refuses what is no number")                               \
    X(atol, "tests", "slice_to_int64: it refuses what is no number")                               \
    X(atoll, "tests", "slice_to_int64: it refuses what is no number")                              \
    X(atof, "", "slice_to_double: it refuses what is no number")                                   \
    X(strtol, "", "slice_to_int64")                                                                \
    X(strtoll, "", "slice_to_int64")                                                               \
    X(strtoul, "tests", "slice_to_int64")                                                          \
    X(strtoull, "tests", "slice_to_int64")                                                         \
    X(strtok, "tests", "memchr over a slice")                                                      \
    X(strerror, "src/base/", "error_set_errno")                                                    \
    X(rand, "", "random_next of base/random.h: the same on every machine")                         \
    X(srand, "", "random_init of base/random.h")                                                   \
    X(random, "", "random_next of base/random.h, world_random_bytes for secrets")                  \
    X(drand48, "", "random_unit of base/random.h")                                                 \
    X(malloc, "src/base/", "x_alloc, x_try_alloc or an arena")                                     \
    X(calloc, "src/base/", "x_alloc, x_try_alloc or an arena")                                     \
    X(realloc, "src/base/", "x_realloc or a buffer")                                               \
    X(alloca, "", "an arena")                                                                      \
    X(system, "tests", "nothing: no command of ours runs another")                                 \
    X(popen, "tests", "nothing: no command of ours runs another")                                  \
    X(exit, "src/cli/ tests", "an error returned to the caller")                                   \
    X(abort, "src/base/", "REQUIRE for bugs, an error for the world")                              \
    X(time, "", "world_now or world_real_now")                                                     \
    X(gettimeofday, "", "world_real_now or world_elapsed_seconds")                                 \
    X(clock_gettime, "src/base/ tests", "world_real_now or world_elapsed_seconds")                 \
    X(localtime, "", "time_format: the city's clock, not the machine's")                           \
    X(localtime_r, "", "time_format: the city's clock, not the machine's")                         \
    X(mktime, "", "time_parse")                                                                    \
    X(ctime, "", "time_format")                                                                    \
    X(tmpnam, "", "mkdtemp in tests, file_replace in the product")                                 \
    X(mktemp, "", "mkdtemp in tests, file_replace in the product")                                 \
    X(getrandom, "src/base/", "world_random_bytes")                                                \
    X(sqlite3_exec, "src/store/ tests", "sql_run of a named statement")                            \
    X(sqlite3_prepare_v2, "src/store/ tests", "sql_begin of a named statement")
