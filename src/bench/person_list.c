/* bench lists, its second half: a page of the persons of a district, in process, among N persons
 * (as many as there are loops). `lists.persons` is the whole answer of GET /persons: the page's
 * SQL, decryption, mask, and the audit record on the disk. `lists.trust` says what audit and mask
 * add to it in processor time of the whole process, against the same page without both; a tenth is
 * the limit. */
#include <stdlib.h>
#include <sys/resource.h>

#include "access/access.h"
#include "access/shown.h"
#include "base/random.h"
#include "bench/benches.h"
#include "dossier/dossier.h"
#include "registry/registry.h"

static const struct sql_text fill_person = {
    "bench_fill_person",
    "INSERT INTO person (person_no, area_no, birth_year, sex, identity, import_no)"
    " SELECT ?1, area_no, 1980, 'f', ?2, 0 FROM person WHERE person_no = ?1 % ?3 + 1",
    "primary key"};
static const struct sql_text page_without = {
    "bench_person_page",
    "SELECT person_no FROM person WHERE area_no = (SELECT p.area_no FROM person p WHERE"
    " p.person_no = ?1) AND person_no > ?1 ORDER BY person_no LIMIT ?2",
    "person_by_area"};
static const struct sql_text last_person = {"bench_last_person",
                                            "SELECT max(person_no) FROM person", "primary key"};

const struct sql_list bench_person_statements = SQL_LIST(&fill_person, &page_without, &last_person);

enum { FILL_ROWS = 200000, PAGE = 100 };
static const double page_milliseconds_max = 100, trust_share_max = 0.1;

/* ---- Filling */

struct fill {
    struct platform *platform;
    int64_t first, last, base;
};

static bool fill_job(struct sql *sql, void *context, struct error *err)
{
    struct fill *fill = context;
    struct keys *keys = store_keys(fill->platform->store);
    struct arena arena;
    bool done = true;
    arena_init(&arena, 1 << 20);
    for (int64_t no = fill->first; done && no <= fill->last; no++) {
        struct slice plain = identity_pack(SLICE("张三丰"), SLICE("11010519491231002X"),
                                           SLICE("13812345678"), &arena);
        struct slice cipher = field_encrypt(keys, KEY_IDENTITY, no, plain, &arena);
        done = sql_run(sql, &fill_person,
                       SQL_ARGUMENTS(sql_int(no), sql_blob(cipher), sql_int(fill->base)), err);
        arena_clear(&arena);
    }
    arena_release(&arena);
    return done;
}

static bool fill_persons(struct workshop *workshop, struct platform *platform, int64_t count,
                         struct error *err)
{
    struct fill fill = {.platform = platform};
    struct sql *sql;
    double begun = world_elapsed_seconds();
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &last_person, NULL, 0, 0, &fill.base, err);
    store_read_end(platform->store, sql);
    for (fill.first = fill.base + 1; done && fill.first <= count; fill.first += FILL_ROWS) {
        fill.last = fill.first + FILL_ROWS - 1 < count ? fill.first + FILL_ROWS - 1 : count;
        done = store_write_unsynced(platform->store, fill_job, &fill, err);
    }
    if (done)
        workshop_say(workshop, "%lld persons put in, %.0f s", (long long)count,
                     world_elapsed_seconds() - begun);
    return done;
}

/* ---- Asking */

struct asking {
    struct platform *platform;
    struct request request;
    struct query_field query[2];
    char cursor[32];
    int64_t persons;
    struct random random;
};

static double processor_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static const struct route *route_of_list(void)
{
    for (size_t i = 0; i < dossier_module.route_count; i++)
        if (strcmp(dossier_module.routes[i].path, "/persons") == 0)
            return &dossier_module.routes[i];
    return NULL;
}

/* A district's CDC duty officer asks for 100 persons after a drawn one. */
static void asking_init(struct asking *asking, struct platform *platform, int64_t persons,
                        struct arena *arena)
{
    const struct area *district = registry_area_by_code(platform->registry, SLICE("320412"));
    const struct role *role = policy_role(platform->policy, SLICE("cdc_duty"));
    *asking = (struct asking){.platform = platform, .persons = persons};
    random_init(&asking->random, 11, 0);
    asking->request = (struct request){.platform = platform,
                                       .arena = arena,
                                       .method = HTTP_GET,
                                       .route = route_of_list(),
                                       .purpose = SLICE("duty:case_review"),
                                       .query = asking->query,
                                       .query_count = 2};
    asking->request.actor = (struct actor){.kind = ACTOR_USER,
                                           .user_no = 1,
                                           .name = "cdc_duty-320412",
                                           .role = "cdc_duty",
                                           .area_first = district->no,
                                           .area_last = area_range_last(district->no),
                                           .permissions = role->permissions,
                                           .reads = role->reads,
                                           .where = role->where};
    asking->query[0] = (struct query_field){SLICE("limit"), SLICE("100")};
}

static int64_t draw(struct asking *asking)
{
    int64_t after = 1 + (int64_t)random_below(&asking->random, (uint32_t)asking->persons);
    cursor_format(after, asking->cursor);
    asking->query[1] = (struct query_field){SLICE("after"), slice_of(asking->cursor)};
    return after;
}

static bool ask_whole(struct asking *asking, struct error *err)
{
    struct response response = {.status = 200};
    draw(asking);
    buffer_init(&response.body, 4 << 20);
    bool done = asking->request.route->handle(&asking->request, &response, err);
    buffer_release(&response.body);
    return done;
}

/* The same page with nothing masked and nothing recorded. */
static bool ask_without(struct asking *asking, struct error *err)
{
    struct json_writer writer;
    struct buffer body;
    struct sql_query *query;
    struct sql *sql;
    uint32_t numbers[PAGE];
    size_t count = 0;
    bool row = false;
    if (!store_read_begin(asking->platform->store, &sql, err))
        return false;
    bool done = sql_begin(sql, &page_without, SQL_ARGUMENTS(sql_int(draw(asking)), sql_int(PAGE)),
                          &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        numbers[count++] = (uint32_t)sql_get_int(query, 0);
    buffer_init(&body, 4 << 20);
    json_writer_init(&writer, &body);
    json_array_begin(&writer);
    for (size_t i = 0; done && i < count; i++) {
        struct person person;
        done =
            registry_person(asking->platform, sql, numbers[i], asking->request.arena, &person, err);
        if (!done)
            break;
        json_object_begin(&writer);
        json_field_int64(&writer, "person_no", person.no);
        json_field_text(&writer, "name", person.name);
        json_field_text(&writer, "id_number", person.id_number);
        json_field_text(&writer, "phone", person.phone);
        json_field_int64(&writer, "birth_year", person.birth_year);
        json_field_int64(&writer, "household_no", person.household_no);
        json_field_int64(&writer, "unit_no", person.unit_no);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_writer_release(&writer);
    buffer_release(&body);
    store_read_end(asking->platform->store, sql);
    return done;
}

typedef bool ask(struct asking *asking, struct error *err);

/* Milliseconds a page by the clock into taken[]; *ret_processor seconds for all. */
static bool ask_many(struct asking *asking, ask *page, int64_t count, double *taken,
                     double *ret_processor, struct error *err)
{
    double used = processor_seconds();
    bool done = true;
    for (int64_t i = 0; done && i < count; i++) {
        double begun = world_elapsed_seconds();
        done = page(asking, err);
        taken[i] = (world_elapsed_seconds() - begun) * 1e3;
        arena_clear(asking->request.arena);
    }
    *ret_processor = processor_seconds() - used;
    return done;
}

bool bench_person_list(struct workshop *workshop, struct platform *platform, int64_t persons,
                       struct error *err)
{
    struct measure *whole = figures_add(&workshop->figures, "lists.persons", "ms", true);
    struct measure *trust = figures_add(&workshop->figures, "lists.trust", "share", true);
    struct asking asking;
    struct arena arena;
    double *taken = x_alloc((size_t)workshop->queries, sizeof *taken);
    bool done = fill_persons(workshop, platform, persons, err);
    whole->peer_is_limit = trust->peer_is_limit = true;
    arena_init(&arena, 16 << 20);
    asking_init(&asking, platform, persons, &arena);
    for (int64_t pair = 0; done && pair < workshop->pairs; pair++) {
        double without, with;
        if (!(done = ask_many(&asking, ask_without, workshop->queries, taken, &without, err)))
            break;
        double bare = percentile(taken, (size_t)workshop->queries, 0.5);
        if (!(done = ask_many(&asking, ask_whole, workshop->queries, taken, &with, err)))
            break;
        double used = processor_seconds(); /* what the audit leaves for later counts as well */
        if (!(done = access_spread_seen(platform, err)))
            break;
        double later = processor_seconds() - used;
        with += later;
        double p99 = percentile(taken, (size_t)workshop->queries, 0.99);
        workshop_say(workshop,
                     "lists.persons: p50 %.2f ms, p99 %.2f ms; %.0f us of processor time a page,"
                     " %.0f of them later; %.0f us without audit and mask (p50 %.2f ms)",
                     percentile(taken, (size_t)workshop->queries, 0.5), p99,
                     with / (double)workshop->queries * 1e6,
                     later / (double)workshop->queries * 1e6,
                     without / (double)workshop->queries * 1e6, bare);
        measure_add(whole, p99, page_milliseconds_max);
        measure_add(trust, with / without - 1, trust_share_max);
    }
    arena_release(&arena);
    free(taken);
    return done;
}
