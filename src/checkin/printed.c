/* What is printed: a venue's present code as a poster to hang up (`venue poster` and
 * GET /venues/{no}/poster print the same page), and a person's paper code as a card. A name goes
 * through the field mask first: paper is lost, photographed, left on a counter. */
#include "access/shown.h"
#include "checkin/checkin_internal.h"

bool checkin_poster(struct platform *platform, uint32_t venue, struct arena *arena,
                    struct buffer *out, struct error *err)
{
    const struct keys *keys = store_keys(platform->store);
    char token[VENUE_TOKEN_BYTES], code[VENUE_SHORT_CODE_BYTES];
    struct venue record;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = registry_venue(sql, venue, arena, &record, err);
    store_read_end(platform->store, sql);
    if (!done)
        return false;
    uint16_t version = checkin_venue_version(platform->checkin, venue);
    venue_token_format(keys, venue, version, token);
    venue_short_code_format(keys, venue, version, code);
    struct venue_poster poster = {.name = record.name,
                                  .token = slice_of(token),
                                  .short_code = slice_of(code),
                                  .venue_no = venue,
                                  .version = version,
                                  .issued_day =
                                      time_day_of_seconds(world_now(platform->world) / SECOND)};
    return prints_venue_poster(&poster, out, err);
}

bool checkin_handle_poster(const struct request *request, struct response *response,
                           struct error *err)
{
    uint32_t venue;
    if (!checkin_take_venue(request, &venue, err) ||
        !checkin_poster(request->platform, venue, request->arena, &response->body, err))
        return false;
    response->content_type = "application/pdf";
    response_header(response,
                    arena_print(request->arena,
                                "Content-Disposition: inline; filename=\"venue-%u.pdf\"", venue));
    return true;
}

/* What a card shows of its holder, to whomever it is shown: the name in part. */
static const field_mask on_paper = SHOWN_PARTIAL << (2 * FIELD_NAME);

bool checkin_person_sheet(const struct request *request, struct response *response, uint32_t person,
                          struct person_sheet *sheet, struct error *err)
{
    struct platform *platform = request->platform;
    struct person record;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = registry_person(platform, sql, person, request->arena, &record, err);
    store_read_end(platform->store, sql);
    if (!done)
        return false;
    sheet->name = shown_field(on_paper, FIELD_NAME, record.name, request->arena);
    response->content_type = "application/pdf";
    response_header(response, "Content-Disposition: inline; filename=\"paper-code.pdf\"");
    return prints_person_sheet(sheet, &response->body, err);
}
