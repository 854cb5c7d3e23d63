/* The code that a holder shows: rotating for the screen, or for paper (its text, or a card to be
 * printed). Also a member's whom the
 * holder represents; the issue of a member's code leaves its trace before the code leaves. */
#include "checkin/checkin_internal.h"
#include "status/status.h"

static bool read_form(const struct request *request, char *ret_kind, bool *ret_pdf,
                      struct error *err)
{
    struct slice form = request_query(request, "form");
    *ret_pdf = form.data && slice_equal(form, SLICE("pdf"));
    bool paper = *ret_pdf || (form.data && slice_equal(form, SLICE("paper")));
    *ret_kind = paper ? 'p' : 'c';
    return paper || !form.data || slice_equal(form, SLICE("rotating")) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "form"},
                     "rotating, paper or pdf", "no such form of a code");
}

bool checkin_handle_own_code(const struct request *request, struct response *response,
                             struct error *err)
{
    struct platform *platform = request->platform;
    const struct checkin *checkin = platform->checkin;
    timestamp now = world_now(platform->world) / SECOND * SECOND;
    char kind, code[PERSON_CODE_BYTES];
    uint32_t person;
    bool pdf;
    struct json_writer writer;
    if (!read_form(request, &kind, &pdf, err) ||
        !status_subject(request, "code.issue", pdf ? "status, name in part" : "status", &person,
                        err))
        return false;
    int64_t valid = kind == 'p' ? checkin->paper_seconds : checkin->code_seconds;
    person_code_format(store_keys(platform->store), kind, person, (uint32_t)(now / SECOND), code);
    if (pdf)
        return checkin_person_sheet(request, response, person,
                                    &(struct person_sheet){.code = slice_of(code),
                                                           .issued_at = now,
                                                           .valid_until = now + valid * SECOND},
                                    err);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "form", kind == 'p' ? SLICE("paper") : SLICE("rotating"));
    json_field_text(&writer, "code", slice_of(code));
    json_field_time(&writer, "issued_at", now);
    /* a phone shows the next one from then on; what it shows until the end is its grace offline */
    json_field_time(&writer, "rotate_at",
                    now + (kind == 'p' ? valid : checkin->rotation_seconds) * SECOND);
    json_field_time(&writer, "valid_until", now + valid * SECOND);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}
