/* The SQLite peer: check-ins WITHOUT ROWID keyed (venue, time, person) with an index (person,
 * time), bulk-loaded.
 *
 *   peer-sqlite trace EVENTS COUNT DIR     loads, then answers requests (peers.h)
 *
 * Tuned: rows loaded in order of the key in one transaction without a journal, the index made
 * after them, ANALYZE; reading through a memory map of the whole file and a large cache,
 * statements prepared once. */
#include "peers.h"

#include <sqlite3.h>

struct database {
    sqlite3 *db;
    sqlite3_stmt *visits, *venue;
};

static void check(sqlite3 *db, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
        fail("sqlite", sqlite3_errmsg(db));
}

static int by_key(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->venue != y->venue)
        return x->venue < y->venue ? -1 : 1;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->person > y->person) - (x->person < y->person);
}

/* In order of venue by counting (the file is in order of time), then small sorts. */
static struct event *put_in_order(const struct event *events, size_t count)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < count; i++)
        highest = events[i].venue > highest ? events[i].venue : highest;
    size_t *starts = calloc((size_t)highest + 2, sizeof *starts);
    struct event *sorted = malloc(count * sizeof *sorted);
    if (!starts || !sorted)
        fail("load", "no memory");
    for (size_t i = 0; i < count; i++)
        starts[events[i].venue + 1]++;
    for (size_t k = 0; k <= highest; k++)
        starts[k + 1] += starts[k];
    for (size_t i = 0; i < count; i++)
        sorted[starts[events[i].venue]++] = events[i];
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && sorted[end].venue == sorted[i].venue &&
                          sorted[end].time == sorted[i].time;)
            end++;
        if (end - i > 1)
            qsort(sorted + i, end - i, sizeof *sorted, by_key);
    }
    free(starts);
    return sorted;
}

static void load(struct database *d, const struct event *events, size_t count)
{
    sqlite3_stmt *insert;
    struct event *sorted = put_in_order(events, count);
    check(d->db, sqlite3_exec(d->db,
                              "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
                              "PRAGMA cache_size=-1000000; PRAGMA temp_store=MEMORY;"
                              "PRAGMA threads=2;"
                              "CREATE TABLE checkin(venue INT, time INT, person INT, flags INT,"
                              " PRIMARY KEY(venue, time, person)) WITHOUT ROWID; BEGIN",
                              NULL, NULL, NULL));
    check(d->db, sqlite3_prepare_v2(d->db, "INSERT OR IGNORE INTO checkin VALUES(?1, ?2, ?3, ?4)",
                                    -1, &insert, NULL));
    for (size_t i = 0; i < count; i++) {
        sqlite3_bind_int64(insert, 1, sorted[i].venue);
        sqlite3_bind_int64(insert, 2, sorted[i].time);
        sqlite3_bind_int64(insert, 3, sorted[i].person);
        sqlite3_bind_int64(insert, 4, sorted[i].flags);
        check(d->db, sqlite3_step(insert));
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    free(sorted);
    check(d->db, sqlite3_exec(d->db, "CREATE INDEX by_person ON checkin(person, time); COMMIT",
                              NULL, NULL, NULL));
}

static size_t read_visits(void *peer, uint32_t person, uint32_t from, uint32_t to,
                          struct visit *out)
{
    struct database *d = peer;
    size_t count = 0;
    sqlite3_bind_int64(d->visits, 1, person);
    sqlite3_bind_int64(d->visits, 2, from);
    sqlite3_bind_int64(d->visits, 3, to);
    while (sqlite3_step(d->visits) == SQLITE_ROW && count < VISITS_MAX)
        out[count++] = (struct visit){(uint32_t)sqlite3_column_int64(d->visits, 0),
                                      (uint32_t)sqlite3_column_int64(d->visits, 1)};
    sqlite3_reset(d->visits);
    return count;
}

static size_t read_venue(void *peer, struct visit visit, uint32_t person, uint32_t reach,
                         struct exposures *e)
{
    struct database *d = peer;
    size_t rows = 0;
    sqlite3_bind_int64(d->venue, 1, visit.venue);
    sqlite3_bind_int64(d->venue, 2, (int64_t)visit.time - reach);
    sqlite3_bind_int64(d->venue, 3, (int64_t)visit.time + reach);
    while (sqlite3_step(d->venue) == SQLITE_ROW) {
        uint32_t other = (uint32_t)sqlite3_column_int64(d->venue, 0);
        uint32_t time = (uint32_t)sqlite3_column_int64(d->venue, 1);
        rows++;
        if (other != person)
            exposures_meet(e, other, gap_of(time, visit.time));
    }
    sqlite3_reset(d->venue);
    return rows;
}

int main(int argc, char **argv)
{
    struct database d;
    char path[512];
    double begun = now_seconds();
    if (argc != 5 || strcmp(argv[1], "trace") != 0)
        fail("usage", "trace EVENTS COUNT DIR");
    size_t count = strtoull(argv[3], NULL, 10);
    const struct event *events = map_events(argv[2], count);
    mkdir(argv[4], 0700);
    snprintf(path, sizeof path, "%s/checkins.db", argv[4]);
    check(NULL, sqlite3_open(path, &d.db));
    load(&d, events, count);
    munmap((void *)(uintptr_t)events, count * sizeof *events);
    check(d.db, sqlite3_exec(d.db, "ANALYZE; PRAGMA mmap_size=1000000000000;", NULL, NULL, NULL));
    check(d.db, sqlite3_prepare_v2(d.db,
                                   "SELECT venue, time FROM checkin INDEXED BY by_person"
                                   " WHERE person = ?1 AND time >= ?2 AND time < ?3",
                                   -1, &d.visits, NULL));
    check(d.db, sqlite3_prepare_v2(d.db,
                                   "SELECT person, time FROM checkin"
                                   " WHERE venue = ?1 AND time BETWEEN ?2 AND ?3",
                                   -1, &d.venue, NULL));
    printf("seconds=%.3f bytes=%lld\n", now_seconds() - begun, folder_bytes(argv[4]));
    fflush(stdout);
    answer_traces(&d, read_visits, read_venue);
    return 0;
}
