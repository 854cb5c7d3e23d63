/* Who a holder is, as an identity provider says it. The only one built in is a stub for demo cities: it
 * believes what it is told, and says so wherever it is named. A real one verifies the person (the
 * state's network identity service, a ministry's login) and is entered in the table. */
#include "access/access.h"
#include "registry/registry.h"

/* ---- The stub: a number is enough */

static bool stub_identify(struct platform *platform, const struct identity_claim *claim,
                          uint32_t *ret_person_no, struct error *err)
{
    struct sql *sql;
    char normal[19];
    const char *warning;
    int32_t today = time_day_of_seconds(world_now(platform->world) / SECOND);
    if (claim->person_no) {
        *ret_person_no = (uint32_t)claim->person_no;
        return true;
    }
    if (!claim->id_number.data)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "id_number"},
                         "id_number or person_no", "missing");
    if (!identity_check_id_number(claim->id_number, today, true, normal, &warning, err) ||
        !store_read_begin(platform->store, &sql, err))
        return false;
    bool done = registry_person_by_id_number(platform, sql, slice_of(normal), ret_person_no, err);
    store_read_end(platform->store, sql);
    return done;
}

static const struct identity_provider providers[] = {
    {.name = "stub",
     .is_stub = true,
     .demo_only = true,
     .words_zh = "演示用身份验证：不核验本人，仅限演示城市",
     .words_en = "A stub identity provider: it verifies nobody and exists in demo cities only",
     .identify = stub_identify},
};

const struct identity_provider *access_identity_provider(const struct platform *platform,
                                                         size_t index)
{
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++)
        if ((platform->demo || !providers[i].demo_only) && index-- == 0)
            return &providers[i];
    return NULL;
}

bool access_identify(struct platform *platform, struct slice provider,
                     const struct identity_claim *claim, uint32_t *ret_person_no,
                     struct error *err)
{
    const struct identity_provider *known;
    for (size_t i = 0; (known = access_identity_provider(platform, i)) != NULL; i++)
        if (slice_equal(provider, slice_of(known->name)))
            return known->identify(platform, claim, ret_person_no, err);
    return error_set(err, ERROR_REFUSED, (struct error_place){.field = "provider"},
                     "an identity provider of this city (GET /public/about)",
                     "this city has no such identity provider");
}
