/* The code that a holder shows: rotating for the screen, or for paper. Also a member's whom the
 * holder represents; the issue of a member's code leaves its trace before the code leaves. */
#include "checkin/checkin_internal.h"
#include "status/status.h"

static bool read_form(const struct request *request, char *ret_kind, struct error *err)
{
    struct slice form = request_query(request, "form");
    bool paper = form.data && slice_equal(form, SLICE("paper"));
    *ret_kind = paper ? 'p' : 'c';
    return paper || !form.data || slice_equal(form, SLICE("rotating")) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "form"},
                     "rotating or paper", "no such form of a code");
}

bool checkin_handle_own_code(const struct request *request, struct response *response,
                             struct error *err)
{
    struct platform *platform = request->platform;
    const struct checkin *checkin = platform->checkin;
    timestamp now = world_now(platform->world) / SECOND * SECOND;
    char kind, code[PERSON_CODE_BYTES];
    uint32_t person;
    struct json_writer writer;
    if (!read_form(request, &kind, err) ||
        !status_subject(request, "code.issue", "status", &person, err))
        return false;
    int64_t valid = kind == 'p' ? checkin->paper_seconds : checkin->code_seconds;
    person_code_format(store_keys(platform->store), kind, person, (uint32_t)(now / SECOND), code);
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
