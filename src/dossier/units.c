/* Units as officers see them: a list by area and kind, how many there are of each kind, and one
 * with its people counted and the venues that it runs. Who is shown nothing of a person is told no
 * small number of people either. */
#include "dossier/dossier_internal.h"
#include "policy/policy.h"

/* Pages in order of area and number, as persons are (persons.c): the rest of the area in which the
 * page before ended, then the areas after it. ?4 of a kind: which. */
#define UNIT_COLUMNS "SELECT unit_no, area_no, name, category FROM unit WHERE "
static const struct sql_text unit_area = {
    "unit_area", "SELECT area_no FROM unit WHERE unit_no = ?1", "primary key"};
static const struct sql_text unit_rest = {
    "unit_rest", UNIT_COLUMNS "area_no = ?1 AND unit_no > ?2 ORDER BY unit_no LIMIT ?3",
    "unit_by_area"};
static const struct sql_text unit_next = {
    "unit_next", UNIT_COLUMNS "area_no > ?1 AND area_no <= ?2 ORDER BY area_no, unit_no LIMIT ?3",
    "unit_by_area"};
static const struct sql_text unit_kind_rest = {
    "unit_kind_rest",
    UNIT_COLUMNS "category = ?4 AND area_no = ?1 AND unit_no > ?2 ORDER BY unit_no LIMIT ?3",
    "unit_by_category"};
static const struct sql_text unit_kind_next = {"unit_kind_next",
                                               UNIT_COLUMNS
                                               "category = ?4 AND area_no > ?1 AND area_no <= ?2"
                                               " ORDER BY area_no, unit_no LIMIT ?3",
                                               "unit_by_category"};
static const struct sql_text unit_kinds = {
    "unit_kinds",
    "SELECT coalesce(category, '') AS kind, count(*) FROM unit WHERE area_no BETWEEN ?1 AND ?2"
    " GROUP BY kind ORDER BY 2 DESC, 1",
    "unit_by_area"};
static const struct sql_text unit_select = {
    "unit_select",
    "SELECT unit_no, area_no, name, category, credit_code FROM unit WHERE unit_no = ?1"
    " AND area_no BETWEEN ?2 AND ?3",
    "primary key"};
static const struct sql_text unit_people = {
    "unit_people", "SELECT count(*) FROM person WHERE unit_no = ?1", "person_by_unit"};
static const struct sql_text unit_venues = {
    "unit_venues",
    "SELECT venue_no, area_no, name, category, closed FROM venue WHERE unit_no = ?1"
    " AND venue_no > ?2 ORDER BY venue_no LIMIT ?3",
    "venue_by_unit"};

const struct sql_list unit_statements =
    SQL_LIST(&unit_area, &unit_rest, &unit_next, &unit_kind_rest, &unit_kind_next, &unit_kinds,
             &unit_select, &unit_people, &unit_venues);

enum { NAMED_NO, NAMED_AREA, NAMED_NAME, NAMED_CATEGORY };

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    if (text.data)
        json_field_text(writer, key, text);
    else
        json_field_null(writer, key);
}

/* What a unit and a venue have alike: number, name, kind, area; the object is the caller's. */
static void put_named(struct json_writer *writer, struct platform *platform, const char *number,
                      struct sql_query *query)
{
    const struct area *area = registry_area(platform->registry, sql_get_int(query, NAMED_AREA));
    json_field_int64(writer, number, sql_get_int(query, NAMED_NO));
    put_text(writer, "name", sql_get_text(query, NAMED_NAME));
    put_text(writer, "category", sql_get_text(query, NAMED_CATEGORY));
    put_text(writer, "area", area ? area->code : (struct slice){NULL, 0});
}

/* ---- GET /units */

struct unit_page {
    const struct request *request;
    struct json_writer *writer;
    struct slice category; /* data NULL: all */
    int64_t first, last, after, limit;
    int64_t count, last_no; /* shown */
    bool more;
};

static bool put_units(struct sql *sql, const struct sql_text *text, int64_t low, int64_t high,
                      struct unit_page *page, struct error *err)
{
    struct sql_query *query;
    bool row = false;
    const struct sql_value arguments[] = {sql_int(low), sql_int(high),
                                          sql_int(page->limit + 1 - page->count),
                                          sql_text(page->category)};
    bool done = sql_begin(sql, text, arguments, page->category.data ? 4 : 3, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        page->more = page->count == page->limit;
        if (page->more)
            break;
        page->count++;
        page->last_no = sql_get_int(query, NAMED_NO);
        json_object_begin(page->writer);
        put_named(page->writer, page->request->platform, "unit_no", query);
        json_object_end(page->writer);
    }
    if (done && row)
        sql_end(query);
    return done;
}

static bool put_page(struct sql *sql, struct unit_page *page, struct error *err)
{
    bool of_kind = page->category.data != NULL;
    int64_t area = 0;
    if (!sql_one_int(sql, &unit_area, SQL_ARGUMENTS(sql_int(page->after)), 0, &area, err))
        return false;
    bool within = area >= page->first && area <= page->last;
    if (within &&
        !put_units(sql, of_kind ? &unit_kind_rest : &unit_rest, area, page->after, page, err))
        return false;
    return page->more || put_units(sql, of_kind ? &unit_kind_next : &unit_next,
                                   within ? area : page->first - 1, page->last, page, err);
}

bool unit_list_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct json_writer writer;
    struct unit_page page = {
        .request = request, .writer = &writer, .category = request_query(request, "category")};
    if (!request_limit(request, &page.limit, err) || !request_cursor(request, &page.after, err) ||
        !access_area_asked(request, &page.first, &page.last, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    bool done = put_page(sql, &page, err);
    json_array_end(&writer);
    json_field_cursor(&writer, page.more ? page.last_no : 0);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}

/* ---- GET /units:kinds */

bool unit_kinds_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    struct json_writer writer;
    int64_t first, last;
    bool row = false;
    if (!access_area_asked(request, &first, &last, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done =
        sql_begin(sql, &unit_kinds, SQL_ARGUMENTS(sql_int(first), sql_int(last)), &query, err);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    while (done && (done = sql_next(query, &row, err)) && row) {
        json_object_begin(&writer);
        json_field_text(&writer, "category", sql_get_text(query, 0));
        json_field_int64(&writer, "units", sql_get_int(query, 1));
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}

/* ---- GET /units/{no} */

static bool no_such_unit(struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                     "a unit of your area", "no such unit");
}

static bool put_people(const struct request *request, struct sql *sql, int64_t unit_no,
                       struct json_writer *writer, struct error *err)
{
    int64_t people, below = policy_number(request->platform->policy, NUMBER_SUPPRESS_BELOW);
    if (!sql_one_int(sql, &unit_people, SQL_ARGUMENTS(sql_int(unit_no)), 0, &people, err))
        return false;
    bool hidden = !request->actor.reads && people > 0 && people < below;
    if (hidden)
        json_field_null(writer, "people");
    else
        json_field_int64(writer, "people", people);
    if (hidden)
        json_field_int64(writer, "people_below", below);
    else
        json_field_null(writer, "people_below");
    return true;
}

enum { VENUES_SHOWN = 200 };

static bool put_venues(const struct request *request, struct sql *sql, int64_t unit_no,
                       struct json_writer *writer, struct error *err)
{
    struct sql_query *query;
    int64_t count = 0;
    bool row = false;
    bool done = sql_begin(sql, &unit_venues,
                          SQL_ARGUMENTS(sql_int(unit_no), sql_int(0), sql_int(VENUES_SHOWN + 1)),
                          &query, err);
    json_key(writer, "venues");
    json_array_begin(writer);
    while (done && (done = sql_next(query, &row, err)) && row && ++count <= VENUES_SHOWN) {
        json_object_begin(writer);
        put_named(writer, request->platform, "venue_no", query);
        json_field_bool(writer, "closed", sql_get_int(query, NAMED_CATEGORY + 1) != 0);
        json_object_end(writer);
    }
    if (done && row)
        sql_end(query);
    json_array_end(writer);
    json_field_bool(writer, "more_venues", count > VENUES_SHOWN);
    return done;
}

static bool put_unit(const struct request *request, struct sql *sql, int64_t unit_no,
                     struct json_writer *writer, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &unit_select,
                   SQL_ARGUMENTS(sql_int(unit_no), sql_int(request->actor.area_first),
                                 sql_int(request->actor.area_last)),
                   &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return no_such_unit(err);
    put_named(writer, request->platform, "unit_no", query);
    put_text(writer, "credit_code", sql_get_text(query, NAMED_CATEGORY + 1));
    sql_end(query);
    return put_people(request, sql, unit_no, writer, err) &&
           put_venues(request, sql, unit_no, writer, err);
}

bool unit_show_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct json_writer writer;
    int64_t unit_no;
    if (!slice_to_int64(request->parameters[0], 1, UINT32_MAX, &unit_no))
        return no_such_unit(err);
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    bool done = put_unit(request, sql, unit_no, &writer, err);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}
