/* Areas in memory, external ids, persons and venues by number, masks. */
#include "registry/registry.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "registry/registry_internal.h"

static const struct sql_text area_select = {
    "area_select",
    "SELECT area_no, code, gb_code, name_zh, name_en, population, latitude, longitude FROM area"
    " ORDER BY area_no",
    "small table"};
static const struct sql_text source_select = {
    "source_select", "SELECT source_no FROM source WHERE name = ?1", "unique name"};
static const struct sql_text source_insert = {
    "source_insert", "INSERT INTO source (name) VALUES (?1) ON CONFLICT (name) DO NOTHING",
    "unique name"};
static const struct sql_text external_select_no = {
    "external_select_no",
    "SELECT no FROM external_id WHERE kind = ?1 AND source_no ="
    " (SELECT source_no FROM source WHERE name = ?2) AND id = ?3",
    "external_id_by_id"};
static const struct sql_text external_select_id = {
    "external_select_id",
    "SELECT id FROM external_id WHERE kind = ?1 AND no = ?2 AND source_no ="
    " (SELECT source_no FROM source WHERE name = ?3)",
    "external_id_by_no"};
static const struct sql_text external_insert = {
    "external_insert",
    "INSERT INTO external_id (kind, source_no, id, no, import_no) VALUES (?1, ?2, ?3, ?4, ?5)",
    "external_id_by_id"};
static const struct sql_text anonymous_person = {
    "anonymous_person", "INSERT INTO person (person_no, area_no, import_no) VALUES (?1, ?2, ?3)",
    "primary key"};
static const struct sql_text anonymous_venue = {
    "anonymous_venue",
    "INSERT INTO venue (venue_no, area_no, name, category, latitude, longitude, check_level,"
    " token_version, closed, import_no) VALUES (?1, ?2, NULL, ?3, ?4, ?5, 0, 1, 0, ?6)",
    "primary key"};
static const struct sql_text person_last = {
    "person_last", HIGHEST_NUMBER("person_no", "person", "?1"), "primary key"};
static const struct sql_text venue_last = {
    "venue_last", HIGHEST_NUMBER("venue_no", "venue", "?1"), "primary key"};
static const struct sql_text case_last = {
    "case_last", HIGHEST_NUMBER("case_no", "case_record", "?1"), "primary key"};
static const struct sql_text case_insert = {
    "case_insert",
    "INSERT INTO case_record (case_no, area_no, person_no, kind, at, recorded_at, import_no)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
    "primary key"};
#define STAYS_OVER "FROM person_stay WHERE stay_no > ?1 AND stay_no <= ?2 AND until_at < ?3"
static const struct sql_text stays_forget = {"stays_forget", "DELETE " STAYS_OVER, "primary key"};
static const struct sql_text stay_ids_forget = {
    "stay_ids_forget",
    "DELETE FROM external_id WHERE kind = ?4 AND no IN (SELECT stay_no " STAYS_OVER ")",
    "external_id_by_no"};
static const struct sql_text stay_highest = {
    "stay_highest", HIGHEST_NUMBER("stay_no", "person_stay", "?1"), "primary key"};
static const struct sql_text floor_keep = {
    "floor_keep",
    "INSERT INTO number_floor (kind, scope, no) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (kind, scope) DO UPDATE SET no = excluded.no WHERE excluded.no > number_floor.no",
    "primary key"};
static const struct sql_text person_select = {
    "person_select",
    "SELECT area_no, household_no, unit_no, birth_year, sex, identity FROM person"
    " WHERE person_no = ?1",
    "primary key"};
static const struct sql_text person_by_number = {
    "person_by_number", "SELECT person_no FROM person WHERE id_number_index = ?1",
    "person_by_id_number"};
static const struct sql_text venue_select = {
    "venue_select",
    "SELECT area_no, unit_no, name, category, latitude, longitude, check_level, token_version,"
    " closed FROM venue WHERE venue_no = ?1",
    "primary key"};

const struct sql_list registry_statements =
    SQL_LIST(&area_select, &source_select, &source_insert, &external_select_no,
             &external_select_id, &external_insert, &anonymous_person, &anonymous_venue,
             &person_last, &venue_last, &person_select, &person_by_number, &venue_select,
             &case_last, &case_insert, &stays_forget, &stay_ids_forget, &stay_highest, &floor_keep);

/* Areas as read once. A reload makes a new set and puts it in the place of the old one, which stays
 * until the registry closes: areas that others hold never move. */
struct area_set {
    struct area_set *older;
    struct arena texts;
    struct area *areas;          /* by number */
    const struct area **by_code; /* by code */
    size_t count, capacity;
};

struct registry {
    struct platform *platform;
    _Atomic(struct area_set *) areas; /* read without a lock */
    pthread_mutex_t reloading;
};

/* ---- Areas */

static struct slice keep(struct arena *arena, struct slice text)
{
    if (!text.data)
        return text;
    return (struct slice){arena_copy(arena, text.data, text.length), text.length};
}

static void area_set_free(struct area_set *set)
{
    while (set) {
        struct area_set *older = set->older;
        arena_release(&set->texts);
        free(set->areas);
        free(set->by_code);
        free(set);
        set = older;
    }
}

static bool read_areas(struct area_set *set, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    if (!sql_begin(sql, &area_select, NULL, 0, &query, err))
        return false;
    for (;;) {
        bool row;
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        if (set->count == set->capacity) {
            set->capacity = set->capacity ? set->capacity * 2 : 128;
            set->areas = x_realloc(set->areas, set->capacity * sizeof *set->areas);
        }
        set->areas[set->count++] =
            (struct area){.no = sql_get_int(query, 0),
                          .code = keep(&set->texts, sql_get_text(query, 1)),
                          .gb_code = keep(&set->texts, sql_get_text(query, 2)),
                          .name_zh = keep(&set->texts, sql_get_text(query, 3)),
                          .name_en = keep(&set->texts, sql_get_text(query, 4)),
                          .population = sql_get_int(query, 5),
                          .latitude = sql_get_real(query, 6),
                          .longitude = sql_get_real(query, 7)};
    }
}

static int compare_codes(const void *a, const void *b)
{
    return slice_compare((*(const struct area *const *)a)->code,
                         (*(const struct area *const *)b)->code);
}

static bool read_area_set(struct store *store, struct area_set **ret_set, struct error *err)
{
    struct sql *sql;
    struct area_set *set = x_alloc(1, sizeof *set);
    arena_init(&set->texts, 64 << 20);
    bool done = store_read_begin(store, &sql, err);
    if (done) {
        done = read_areas(set, sql, err);
        store_read_end(store, sql);
    }
    if (!done) {
        area_set_free(set);
        return false;
    }
    set->by_code = x_alloc(set->count + 1, sizeof *set->by_code);
    for (size_t i = 0; i < set->count; i++)
        set->by_code[i] = &set->areas[i];
    qsort(set->by_code, set->count, sizeof *set->by_code, compare_codes);
    *ret_set = set;
    return true;
}

bool registry_reload(struct registry *registry, struct error *err)
{
    struct area_set *set;
    pthread_mutex_lock(&registry->reloading);
    bool done = read_area_set(registry->platform->store, &set, err);
    if (done) {
        set->older = atomic_load(&registry->areas);
        atomic_store_explicit(&registry->areas, set, memory_order_release);
    }
    pthread_mutex_unlock(&registry->reloading);
    return done;
}

bool registry_open(struct platform *platform, struct registry **ret_registry, struct error *err)
{
    struct registry *registry = x_alloc(1, sizeof *registry);
    registry->platform = platform;
    pthread_mutex_init(&registry->reloading, NULL);
    if (!registry_reload(registry, err)) {
        registry_close(registry);
        return false;
    }
    *ret_registry = registry;
    return true;
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    area_set_free(atomic_load(&registry->areas));
    pthread_mutex_destroy(&registry->reloading);
    free(registry);
}

static const struct area_set *areas_of(struct registry *registry)
{
    return atomic_load_explicit(&registry->areas, memory_order_acquire);
}

const struct area *registry_area_by_code(struct registry *registry, struct slice code)
{
    const struct area_set *set = areas_of(registry);
    const struct area wanted = {.code = code}, *key = &wanted;
    const struct area *const *found =
        bsearch(&key, set->by_code, set->count, sizeof *set->by_code, compare_codes);
    return found ? *found : NULL;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct area *x = a, *y = b;
    return (x->no > y->no) - (x->no < y->no);
}

const struct area *registry_area(struct registry *registry, int64_t area_no)
{
    const struct area_set *set = areas_of(registry);
    const struct area key = {.no = area_no};
    return set->count ? bsearch(&key, set->areas, set->count, sizeof *set->areas, compare_numbers)
                      : NULL;
}

int area_level(int64_t area_no)
{
    int level = AREA_LEVELS - 1;
    int64_t mask = ((int64_t)1 << AREA_LEVEL_BITS) - 1;
    while (level > 0 && !(area_no & mask)) {
        mask <<= AREA_LEVEL_BITS;
        level--;
    }
    return level;
}

size_t registry_areas_under(struct registry *registry, int64_t parent, struct arena *arena,
                            const struct area ***ret_areas)
{
    const struct area_set *set = areas_of(registry);
    const struct area **found = arena_alloc(arena, (set->count + 1) * sizeof *found);
    size_t count = 0;
    int level = area_level(parent) + 1;
    for (size_t i = 0; i < set->count; i++) {
        const struct area *area = &set->areas[i];
        if (area->no > parent && area->no <= area_range_last(parent) && area_level(area->no) == level)
            found[count++] = area;
    }
    *ret_areas = found;
    return count;
}

const struct area *registry_city(struct registry *registry)
{
    const struct area_set *set = areas_of(registry);
    for (size_t i = 0; i < set->count; i++)
        if (area_level(set->areas[i].no) == 1)
            return &set->areas[i];
    return NULL;
}

/* ---- External ids */

bool registry_lookup(struct sql *sql, enum registry_kind kind, struct slice source,
                     struct slice external_id, int64_t *ret_no, struct error *err)
{
    return sql_one_int(sql, &external_select_no,
                       SQL_ARGUMENTS(sql_int(kind), sql_text(source), sql_text(external_id)), 0,
                       ret_no, err);
}

bool registry_external_id(struct sql *sql, enum registry_kind kind, struct slice source,
                          int64_t no, struct arena *arena, struct slice *ret_id,
                          struct error *err)
{
    struct sql_query *query;
    bool row;
    *ret_id = (struct slice){NULL, 0};
    if (!sql_begin(sql, &external_select_id,
                   SQL_ARGUMENTS(sql_int(kind), sql_int(no), sql_text(source)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row)
        *ret_id = keep(arena, sql_get_text(query, 0));
    sql_end(query);
    return true;
}

bool registry_add_external_id(struct sql *sql, enum registry_kind kind, struct slice source,
                              struct slice external_id, int64_t no, int64_t import_no,
                              struct error *err)
{
    int64_t source_no;
    return sql_run(sql, &source_insert, SQL_ARGUMENTS(sql_text(source)), err) &&
           sql_one_int(sql, &source_select, SQL_ARGUMENTS(sql_text(source)), 0, &source_no,
                       err) &&
           sql_run(sql, &external_insert,
                   SQL_ARGUMENTS(sql_int(kind), sql_int(source_no), sql_text(external_id),
                                 sql_int(no), sql_int(import_no)),
                   err);
}

bool registry_keep_floor(struct sql *sql, int64_t kind, int64_t scope, int64_t no,
                         struct error *err)
{
    return sql_run(sql, &floor_keep, SQL_ARGUMENTS(sql_int(kind), sql_int(scope), sql_int(no)),
                   err);
}

bool registry_create_anonymous(struct sql *sql, enum registry_kind kind, int64_t area_no,
                               struct slice source, struct slice external_id,
                               struct slice category, double latitude, double longitude,
                               int64_t import_no, int64_t *ret_no, struct error *err)
{
    int64_t no;
    bool person = kind == REGISTRY_PERSON;
    REQUIRE(person || kind == REGISTRY_VENUE);
    if (!sql_one_int(sql, person ? &person_last : &venue_last, SQL_ARGUMENTS(sql_int(kind)),
                     0, &no, err))
        return false;
    no++;
    bool done =
        person ? sql_run(sql, &anonymous_person,
                         SQL_ARGUMENTS(sql_int(no), sql_int(area_no), sql_int(import_no)), err)
               : sql_run(sql, &anonymous_venue,
                         SQL_ARGUMENTS(sql_int(no), sql_int(area_no),
                                       sql_text(category.length ? category : SLICE("default")),
                                       isnan(latitude) ? sql_null() : sql_real(latitude),
                                       isnan(longitude) ? sql_null() : sql_real(longitude),
                                       sql_int(import_no)),
                         err);
    *ret_no = no;
    return done && registry_add_external_id(sql, kind, source, external_id, no, import_no, err);
}

bool registry_create_case(struct sql *sql, int64_t person_no, int64_t area_no, struct slice kind,
                          timestamp at, timestamp recorded_at, int64_t *ret_no, struct error *err)
{
    int64_t last;
    if (!sql_one_int(sql, &case_last, SQL_ARGUMENTS(sql_int(REGISTRY_CASE)), 0, &last, err))
        return false;
    *ret_no = last + 1;
    return sql_run(sql, &case_insert,
                   SQL_ARGUMENTS(sql_int(*ret_no), sql_int(area_no), sql_int(person_no),
                                 sql_text(kind), sql_int(at), sql_int(recorded_at)),
                   err);
}

bool registry_forget_stays(struct sql *sql, int64_t first, int64_t last, timestamp cutoff,
                           int64_t *ret_count, struct error *err)
{
    const struct sql_value over[] = {sql_int(first), sql_int(last), sql_int(cutoff),
                                     sql_int(REGISTRY_STAY)};
    int64_t highest;
    return sql_one_int(sql, &stay_highest, SQL_ARGUMENTS(sql_int(REGISTRY_STAY)), 0, &highest,
                       err) &&
           sql_run(sql, &stay_ids_forget, over, 4, err) &&
           sql_run_count(sql, &stays_forget, over, 3, ret_count, err) &&
           (!*ret_count || /* numbers are never given again */
            registry_keep_floor(sql, REGISTRY_STAY, 0, highest, err));
}

/* ---- Persons. The encrypted identity is three length-prefixed texts: name, ID number, phone. */

struct slice identity_pack(struct slice name, struct slice id_number, struct slice phone,
                           struct arena *arena)
{
    const struct slice parts[] = {name, id_number, phone};
    unsigned char *bytes = arena_alloc(arena, 3 + name.length + id_number.length + phone.length);
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        REQUIRE(parts[i].length < 256);
        bytes[at++] = (unsigned char)parts[i].length;
        if (parts[i].length)
            memcpy(bytes + at, parts[i].data, parts[i].length);
        at += parts[i].length;
    }
    return (struct slice){(const char *)bytes, at};
}

static void identity_unpack(struct slice plain, struct person *person)
{
    struct slice *parts[] = {&person->name, &person->id_number, &person->phone};
    size_t at = 0;
    for (size_t i = 0; i < 3 && at < plain.length; i++) {
        size_t length = (unsigned char)plain.data[at++];
        if (length > plain.length - at)
            return;
        if (length)
            *parts[i] = (struct slice){plain.data + at, length};
        at += length;
    }
}

bool registry_person(struct platform *platform, struct sql *sql, uint32_t person_no,
                     struct arena *arena, struct person *ret_person, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!store_refuse_sunset(platform->store, err))
        return false;
    if (!sql_begin(sql, &person_select, SQL_ARGUMENTS(sql_int(person_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "person"},
                         "the number of a person", "no such person");
    struct slice sex = sql_get_text(query, 4);
    struct person person = {.no = person_no,
                            .area_no = sql_get_int(query, 0),
                            .household_no = (uint32_t)sql_get_int(query, 1),
                            .unit_no = (uint32_t)sql_get_int(query, 2),
                            .birth_year = (int16_t)sql_get_int(query, 3),
                            .sex = sex.length ? sex.data[0] : '?'};
    struct slice cipher = sql_get_blob(query, 5), plain;
    bool done = !cipher.data || field_decrypt(store_keys(platform->store), KEY_IDENTITY, person_no,
                                              cipher, arena, &plain, err);
    if (done && cipher.data)
        identity_unpack(plain, &person);
    sql_end(query);
    if (done)
        *ret_person = person;
    return done;
}

bool registry_person_by_id_number(struct platform *platform, struct sql *sql, struct slice number,
                                  uint32_t *ret_no, struct error *err)
{
    unsigned char index[BLIND_INDEX_BYTES];
    int64_t no;
    blind_index(store_keys(platform->store), "id_number", number, index);
    if (!sql_one_int(sql, &person_by_number,
                     SQL_ARGUMENTS(sql_blob((struct slice){(const char *)index, sizeof index})), 0,
                     &no, err))
        return false;
    *ret_no = (uint32_t)no;
    return true;
}

/* ---- Masks */

static struct slice mask_middle(struct slice text, size_t head, size_t tail, enum mask mask,
                                struct arena *arena)
{
    if (mask == MASK_FULL || !text.data)
        return text;
    char *out = arena_copy(arena, text.data, text.length);
    for (size_t i = 0; i < text.length; i++)
        if (text.length <= head + tail || (i >= head && i < text.length - tail))
            out[i] = '*';
    return (struct slice){out, text.length};
}

struct slice registry_mask_name(struct slice name, enum mask mask, struct arena *arena)
{
    if (mask == MASK_FULL || name.length == 0)
        return name;
    size_t first = 1;
    while (first < name.length && ((unsigned char)name.data[first] & 0xC0) == 0x80)
        first++;
    size_t hidden = 0;
    for (size_t i = first; i < name.length; i++)
        hidden += ((unsigned char)name.data[i] & 0xC0) != 0x80;
    char *out = arena_alloc(arena, first + hidden + 2);
    memcpy(out, name.data, first);
    memset(out + first, '*', hidden ? hidden : 1);
    return (struct slice){out, first + (hidden ? hidden : 1)};
}

struct slice registry_mask_id_number(struct slice number, enum mask mask, struct arena *arena)
{
    return mask_middle(number, 4, 4, mask, arena);
}

struct slice registry_mask_phone(struct slice phone, enum mask mask, struct arena *arena)
{
    return mask_middle(phone, 3, 4, mask, arena);
}

/* ---- Venues */

bool registry_venue(struct sql *sql, uint32_t venue_no, struct arena *arena,
                    struct venue *ret_venue, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &venue_select, SQL_ARGUMENTS(sql_int(venue_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "venue"},
                         "the number of a venue", "no such venue");
    *ret_venue = (struct venue){
        .no = venue_no,
        .area_no = sql_get_int(query, 0),
        .unit_no = (uint32_t)sql_get_int(query, 1),
        .name = keep(arena, sql_get_text(query, 2)),
        .category = keep(arena, sql_get_text(query, 3)),
        .latitude = sql_is_null(query, 4) ? NAN : sql_get_real(query, 4),
        .longitude = sql_is_null(query, 5) ? NAN : sql_get_real(query, 5),
        .check_level = (uint8_t)sql_get_int(query, 6),
        .token_version = (uint16_t)sql_get_int(query, 7),
        .closed = sql_get_int(query, 8) != 0};
    sql_end(query);
    return true;
}
