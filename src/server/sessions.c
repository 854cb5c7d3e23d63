/* Log-in and log-out: users by name and password, holders through an identity provider. A session
 * is a cookie for pages (HttpOnly, SameSite=Strict, and a CSRF text for writes); a holder's is also
 * given as a text, which scans carry. In a city that is no demo that text is bound to the device
 * that it was given to; in a demo city where `device` asks for it. */
#include "loops/loops.h"
#include "registry/registry.h"
#include "server/server_internal.h"

enum { HOLDER_SESSION_SECONDS = 12 * 3600, PASSWORD_BYTES_MAX = 200 };

static void put_cookie(const struct request *request, struct response *response,
                       const char *session, int seconds)
{
    response_header(response,
                    arena_print(request->arena,
                                "Set-Cookie: chengmai_session=%s; HttpOnly; SameSite=Strict; "
                                "Path=/; Max-Age=%d",
                                session, seconds));
}

/* The device's mark outlives sessions: who logs in from it again does not wait for strangers'
 * failures, and a holder's sessions are bound to it. */
static void put_device(const struct request *request, struct response *response,
                       const char *device)
{
    response_header(response,
                    arena_print(request->arena,
                                "Set-Cookie: chengmai_device=%s; HttpOnly; SameSite=Strict; "
                                "Path=/api/v1; Max-Age=%d",
                                device, 90 * 86400));
}

/* The token that this request came with. */
static struct slice token_of(const struct request *request)
{
    if (!request->authorization.data)
        return request->cookie;
    return slice_trim((struct slice){request->authorization.data + 7,
                                     request->authorization.length - 7});
}

static void put_csrf(struct json_writer *writer, const struct request *request,
                     struct slice token)
{
    char csrf[48];
    access_csrf(request->platform->access, token, csrf);
    json_field_text(writer, "csrf", slice_of(csrf));
}

/* By name, so that a page offers what the user may do; the gate decides all the same. */
static void put_permissions(struct json_writer *writer, const struct actor *actor)
{
    static const char *const names[PERMISSION_COUNT] = {
#define X(id, name) name,
        PERMISSION_TABLE(X)
#undef X
    };
    json_key(writer, "permissions");
    json_array_begin(writer);
    for (size_t i = 0; i < PERMISSION_COUNT; i++)
        if (actor->permissions & (uint64_t)1 << i)
            json_put_text(writer, slice_of(names[i]));
    json_array_end(writer);
}

/* What X-Purpose "duty:NAME" may name. */
static void put_duties(struct json_writer *writer, const struct request *request,
                       const struct actor *actor)
{
    const struct role *role = policy_role(request->platform->policy, slice_of(actor->role));
    json_key(writer, "duties");
    json_array_begin(writer);
    for (const char *const *duty = role ? role->duties : NULL; duty && *duty; duty++)
        json_put_text(writer, slice_of(*duty));
    json_array_end(writer);
}

/* What of a person the role is shown, and persons of which jurisdictions it reaches. */
static void put_reach(struct json_writer *writer, const struct actor *actor)
{
    static const char *const fields[FIELD_COUNT] = {
#define X(id, name) [id] = name,
        FIELD_TABLE(X)
#undef X
    };
    static const char *const places[WHERE_COUNT] = {
#define X(id, name) [id] = name,
        WHERE_TABLE(X)
#undef X
    };
    json_key(writer, "reads");
    json_object_begin(writer);
    for (int field = 0; field < FIELD_COUNT; field++) {
        enum shown shown = shown_of(actor->reads, (enum field)field);
        if (shown != SHOWN_NOT)
            json_field_text(writer, fields[field],
                            shown == SHOWN_FULL ? SLICE("full") : SLICE("partial"));
    }
    json_object_end(writer);
    json_key(writer, "where");
    json_array_begin(writer);
    for (int where = 0; where < WHERE_COUNT; where++)
        if (actor->where & 1u << where)
            json_put_text(writer, slice_of(places[where]));
    json_array_end(writer);
}

static void put_user(const struct request *request, struct response *response,
                     const struct actor *actor, struct slice token)
{
    struct json_writer writer;
    const struct area *area = registry_area(request->platform->registry, actor->area_first);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "kind", SLICE("user"));
    json_field_text(&writer, "name", slice_of(actor->name));
    json_field_text(&writer, "role", slice_of(actor->role));
    json_key(&writer, "area");
    json_object_begin(&writer);
    json_field_text(&writer, "code", area ? area->code : SLICE(""));
    json_field_text(&writer, "name_zh", area ? area->name_zh : SLICE(""));
    json_field_text(&writer, "name_en", area ? area->name_en : SLICE(""));
    json_object_end(&writer);
    put_permissions(&writer, actor);
    put_duties(&writer, request, actor);
    put_reach(&writer, actor);
    put_csrf(&writer, request, token);
    json_object_end(&writer);
    json_writer_release(&writer);
}

/* ---- Users */

static bool begin_user(const struct request *request, json_t *body, struct response *response,
                       struct error *err)
{
    static const char *const fields[] = {"name", "password", "code", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct login_attempt attempt = {.device = request->device};
    struct slice none = {NULL, 0};
    struct slice password;
    char token[ACCESS_TOKEN_BYTES], device[ACCESS_DEVICE_BYTES];
    struct actor actor;
    if (!json_only_fields(body, fields, place, err) ||
        !json_text(body, "name", place, &attempt.name, err) ||
        !json_text(body, "password", place, &password, err) ||
        !json_text(body, "code", (struct json_place){.source = "body"}, &attempt.code, err))
        return false;
    if (password.length > PASSWORD_BYTES_MAX)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "password"},
                         "at most 200 bytes", "too long");
    attempt.password = password.data;
    if (!access_login(request->platform->access, &attempt, token, device, err) ||
        !access_actor(request->platform->access, none, slice_of(token), none, &actor, err))
        return false;
    put_cookie(request, response, token, 12 * 3600);
    put_device(request, response, device);
    put_user(request, response, &actor, slice_of(token));
    return true;
}

/* ---- Holders */

static void put_provider(struct json_writer *writer, const struct identity_provider *provider)
{
    json_object_begin(writer);
    json_field_text(writer, "name", slice_of(provider->name));
    json_field_bool(writer, "stub", provider->is_stub);
    json_key(writer, "words");
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(provider->words_zh));
    json_field_text(writer, "en", slice_of(provider->words_en));
    json_object_end(writer);
    json_object_end(writer);
}

void session_put_providers(struct json_writer *writer, const struct platform *platform)
{
    const struct identity_provider *provider;
    json_key(writer, "identity_providers");
    json_array_begin(writer);
    for (size_t i = 0; (provider = access_identity_provider(platform, i)) != NULL; i++)
        put_provider(writer, provider);
    json_array_end(writer);
}

static const struct identity_provider *provider_named(const struct platform *platform,
                                                      struct slice name)
{
    const struct identity_provider *provider;
    size_t i = 0;
    do
        provider = access_identity_provider(platform, i++);
    while (provider && !slice_equal(slice_of(provider->name), name));
    return provider;
}

static void put_holder(const struct request *request, struct response *response,
                       const char *session, bool is_bound, timestamp expires_at,
                       struct slice provider)
{
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "kind", SLICE("holder"));
    json_field_text(&writer, "session", slice_of(session));
    json_field_time(&writer, "expires_at", expires_at);
    json_field_bool(&writer, "bound", is_bound);
    put_csrf(&writer, request, slice_of(session));
    json_key(&writer, "provider");
    put_provider(&writer, provider_named(request->platform, provider));
    json_object_end(&writer);
    json_writer_release(&writer);
}

/* Whether the session is to be bound to the device: `device`, always where the city is no demo. */
static bool read_binding(const struct request *request, json_t *body, bool *ret_binds,
                         struct error *err)
{
    json_t *device = json_object_get(body, "device");
    *ret_binds = json_is_true(device) || !request->platform->demo;
    return !device || json_is_boolean(device) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "device"},
                     "true or false", "not a truth value");
}

/* The session of a person whom the provider named; 401 where nobody is meant. */
static bool begin_holder(const struct request *request, json_t *body, struct response *response,
                         struct error *err)
{
    static const char *const fields[] = {"provider", "id_number", "person_no", "device", NULL};
    struct platform *platform = request->platform;
    struct json_place place = {.source = "body"}, required = {.source = "body", .required = true};
    struct identity_claim claim;
    struct slice provider;
    struct person_no person;
    char session[HOLDER_SESSION_BYTES], device[ACCESS_DEVICE_BYTES];
    bool binds;
    uint64_t nonce;
    timestamp now = world_now(platform->world);
    if (!json_only_fields(body, fields, place, err) ||
        !json_text(body, "provider", required, &provider, err) ||
        !json_text(body, "id_number", place, &claim.id_number, err) ||
        !json_int64(body, "person_no", place, 1, UINT32_MAX, &claim.person_no, err) ||
        !read_binding(request, body, &binds, err) ||
        !access_identify(platform, provider, &claim, &person.n, err))
        return false;
    struct status_entry status = status_get(platform->status, person, now);
    if (!person.n || !(status.flags & STATUS_KNOWN))
        return error_set(err, ERROR_UNAUTHENTICATED, (struct error_place){.field = "id_number"},
                         "a person whom the identity provider and this city know",
                         "no such person");
    uint32_t issued = (uint32_t)(now / SECOND), expires = issued + HOLDER_SESSION_SECONDS;
    world_random_bytes(&nonce, sizeof nonce);
    access_holder_session(platform->access, person.n, status.session_epoch, issued, expires, nonce,
                          session);
    if (binds) {
        access_device_mark(platform->access, request->device, device);
        access_holder_bind(platform->access, device, session);
        put_device(request, response, device);
    }
    put_cookie(request, response, session, HOLDER_SESSION_SECONDS);
    put_holder(request, response, session, binds, expires * SECOND, provider);
    return true;
}

/* ---- Handlers */

bool session_begin_handle(const struct request *request, struct response *response,
                          struct error *err)
{
    json_t *body;
    return request_json(request, &body, err) &&
           (json_object_get(body, "provider") ? begin_holder(request, body, response, err)
                                              : begin_user(request, body, response, err));
}

bool session_show_handle(const struct request *request, struct response *response,
                         struct error *err)
{
    (void)err;
    struct slice token = token_of(request);
    if (request->actor.kind == ACTOR_USER) {
        put_user(request, response, &request->actor, token);
        return true;
    }
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "kind", SLICE("holder"));
    put_csrf(&writer, request, token);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

bool session_end_handle(const struct request *request, struct response *response,
                        struct error *err)
{
    struct access *access = request->platform->access;
    struct slice token = token_of(request);
    put_cookie(request, response, "", 0);
    buffer_append_text(&response->body, "{}");
    if (request->actor.kind == ACTOR_HOLDER)
        return access_holder_end(access, token, request->device, err);
    if (!access_logout(access, token, err))
        return false;
    loops_viewers_end(request->platform->loops, token);
    return true;
}
