/* The end: plan, two signatures, destruction, certificate.
 *
 *   planned ──sign (two users, two roles)──► signed ──execute──► begun ──…──► done
 *                 a new plan takes all signatures away              └ a crash: goes on, never back
 *
 * Begun is the file sunset/begun, durable before the first row goes. From then on nothing about
 * persons is taken in (triggers on every closed table, the day store refuses) and nothing is looked
 * up. Every step is done again without harm; what it destroyed is written down in the job that
 * destroyed it. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeping/keeping_internal.h"
#include "photos/photos.h"
#include "registry/registry.h"

static const char plan_setting[] = "sunset.plan";
static const char certificate_key[] = "sunset-certificate";

static const struct sql_text signature_put = {
    "signature_put",
    "INSERT INTO sunset_signature (user_no, name, role, signed_at, public_key, signature)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (user_no) DO UPDATE SET name = excluded.name,"
    " role = excluded.role, signed_at = excluded.signed_at, public_key = excluded.public_key,"
    " signature = excluded.signature",
    "primary key"};
static const struct sql_text signature_clear = {
    "signature_clear", "DELETE FROM sunset_signature", "whole table"};
static const struct sql_text signature_select = {
    "signature_select",
    "SELECT user_no, name, role, signed_at, public_key, signature FROM sunset_signature"
    " ORDER BY user_no LIMIT ?1",
    "small table"};
static const struct sql_text deed_put = {
    "deed_put",
    "INSERT INTO sunset_deed (kind, name, class, row_count, detail) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (kind, name) DO UPDATE SET row_count = sunset_deed.row_count"
    " + excluded.row_count",
    "primary key"};

const struct sql_list sunset_statements =
    SQL_LIST(&signature_put, &signature_clear, &signature_select, &deed_put);

/* ---- The plan */

static bool put_plan_classes(const struct keeping *keeping, struct sql *sql,
                             struct json_writer *writer, struct error *err)
{
    bool done = true;
    json_key(writer, "classes");
    json_array_begin(writer);
    for (int c = 0; c < RECORD_CLASS_COUNT; c++) {
        int64_t rows = 0, of_table;
        for (size_t t = 0; done && t < record_table_count; t++)
            if (record_tables[t].class_ == (enum record_class)c) {
                done = sql_one_int(sql, record_tables[t].count, NULL, 0, 0, &of_table, err);
                rows += done ? of_table : 0;
            }
        json_object_begin(writer);
        json_field_text(writer, "class", slice_of(record_class_name((enum record_class)c)));
        json_field_text(writer, "at_sunset",
                        keeping->policy.rules[c].kept_at_sunset ? SLICE("keep")
                                                                : SLICE("destroy"));
        json_field_int64(writer, "rows", rows);
        json_object_end(writer);
    }
    json_array_end(writer);
    return done;
}

static bool put_plan_presence(struct platform *platform, struct json_writer *writer,
                              struct error *err)
{
    struct presence_view *view;
    int32_t first, last;
    int64_t days = 0, events = 0;
    if (!presence_view_begin(platform->presence, &view, err))
        return false;
    if (presence_day_range(view, &first, &last))
        for (int32_t day = first; day <= last; day++) {
            int64_t of_day = presence_day_count(view, day);
            days += of_day > 0;
            events += of_day;
        }
    presence_view_end(view);
    json_field_int64(writer, "presence_days", days);
    json_field_int64(writer, "presence_events", events);
    return true;
}

static bool write_plan(struct keeping *keeping, const char *by, const unsigned char *seed,
                       struct buffer *out, struct error *err)
{
    struct platform *platform = keeping->platform;
    const struct area *city = registry_city(platform->registry);
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    struct json_writer writer;
    char text[80];
    struct sql *sql;
    crypto_sign_seed_keypair(public_key, secret, seed);
    sodium_memzero(secret, sizeof secret);
    public_key_text(public_key, text);
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_text(&writer, "plan", SLICE("chengmai sunset 1"));
    json_field_text(&writer, "city", city ? city->name_zh : SLICE(""));
    json_field_text(&writer, "by", slice_of(by));
    json_field_time(&writer, "made_at", world_real_now() / SECOND * SECOND);
    json_field_time(&writer, "city_time", world_now(platform->world) / SECOND * SECOND);
    json_field_text(&writer, "city_public_key", slice_of(text));
    bool done = put_plan_presence(platform, &writer, err) &&
                put_plan_classes(keeping, sql, &writer, err);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(platform->store, sql);
    return done;
}

struct plan_job {
    const struct buffer *plan;
    const char *by;
    timestamp now;
};

static bool keep_plan(struct sql *sql, void *context, struct error *err)
{
    const struct plan_job *job = context;
    struct audit_entry entry = {.actor = slice_of(job->by), .act = SLICE("sunset.plan")};
    return store_setting_set(sql, plan_setting, buffer_slice(job->plan), err) &&
           sql_run(sql, &signature_clear, NULL, 0, err) &&
           audit_append(sql, &entry, job->now, err);
}

bool sunset_plan(struct keeping *keeping, const char *by, struct buffer *out, struct error *err)
{
    struct store *store = keeping->platform->store;
    struct plan_job job = {out, by, world_now(keeping->platform->world)};
    unsigned char seed[KEY_BYTES];
    if (store_is_sunset(store))
        return error_set(err, ERROR_CONFLICT, (struct error_place){.source = "sunset plan"},
                         "a city that goes on", "the end has begun");
    pthread_mutex_lock(&keeping->acting);
    bool done = keys_named(store_keys(store), certificate_key, true, seed, err) &&
                write_plan(keeping, by, seed, out, err) &&
                store_write(store, keep_plan, &job, err);
    pthread_mutex_unlock(&keeping->acting);
    sodium_memzero(seed, sizeof seed);
    return done;
}

static bool read_plan(struct platform *platform, struct buffer *out, struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = store_setting_get(sql, plan_setting, out, err);
    store_read_end(platform->store, sql);
    return done &&
           (out->length || error_set(err, ERROR_NOT_FOUND, (struct error_place){.source = "sunset"},
                                     "`chengmai sunset plan` first", "there is no plan"));
}

/* ---- Signatures: Ed25519 over the bytes of the plan */

/* A private key in PEM, the signer's own; its public half and the signature. */
static bool sign_with_file(int fd, struct slice plan, struct signature *signature,
                           struct error *err)
{
    struct error_place place = {.source = "--key"};
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    FILE *file = own < 0 ? NULL : fdopen(own, "r");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t key_bytes = ED25519_BYTES, bytes = ED25519_SIGNATURE_BYTES;
    bool done = key && EVP_PKEY_is_a(key, "ED25519") &&
                EVP_PKEY_get_raw_public_key(key, signature->public_key, &key_bytes) == 1 &&
                EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestSign(context, signature->bytes, &bytes,
                               (const unsigned char *)plan.data, plan.length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    if (file)
        fclose(file);
    return done || error_set(err, ERROR_BAD_VALUE, place,
                             "an Ed25519 private key in PEM (openssl genpkey -algorithm ed25519)",
                             "the key cannot sign");
}

/* A key made for this signature and forgotten: its public half is what the signer keeps. */
static void sign_once(struct slice plan, struct signature *signature)
{
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_keypair(signature->public_key, secret);
    crypto_sign_detached(signature->bytes, NULL, (const unsigned char *)plan.data, plan.length,
                         secret);
    sodium_memzero(secret, sizeof secret);
}

struct sign_job {
    const struct signature *signature;
    struct slice plan;
    timestamp now;
};

static bool keep_signature(struct sql *sql, void *context, struct error *err)
{
    const struct sign_job *job = context;
    const struct signature *s = job->signature;
    struct audit_entry entry = {.actor = slice_of(s->name), .act = SLICE("sunset.sign")};
    struct buffer plan;
    buffer_init(&plan, SUNSET_BYTES_MAX);
    bool done = store_setting_get(sql, plan_setting, &plan, err);
    if (done && !slice_equal(buffer_slice(&plan), job->plan))
        done = error_set(err, ERROR_CONFLICT, (struct error_place){.source = "sunset sign"},
                         "the plan that was read", "the plan was made anew meanwhile");
    buffer_release(&plan);
    return done &&
           sql_run(sql, &signature_put,
                   SQL_ARGUMENTS(sql_int(s->user_no), sql_text(slice_of(s->name)),
                                 sql_text(slice_of(s->role)), sql_int(s->at),
                                 sql_blob((struct slice){(const char *)s->public_key,
                                                         ED25519_BYTES}),
                                 sql_blob((struct slice){(const char *)s->bytes,
                                                         ED25519_SIGNATURE_BYTES})),
                   err) &&
           audit_append(sql, &entry, job->now, err);
}

bool sunset_sign(struct keeping *keeping, const struct actor *actor, int key_fd,
                 struct buffer *out, struct error *err)
{
    struct platform *platform = keeping->platform;
    struct signature signature = {.user_no = actor->user_no,
                                  .at = world_real_now() / SECOND * SECOND};
    struct buffer plan;
    char text[80];
    if (store_is_sunset(platform->store))
        return error_set(err, ERROR_CONFLICT, (struct error_place){.source = "sunset sign"},
                         "a city that goes on", "the end has begun");
    snprintf(signature.name, sizeof signature.name, "%s", actor->name);
    snprintf(signature.role, sizeof signature.role, "%s", actor->role);
    buffer_init(&plan, SUNSET_BYTES_MAX);
    bool done = read_plan(platform, &plan, err);
    struct sign_job job = {&signature, buffer_slice(&plan), world_now(platform->world)};
    if (done && key_fd >= 0)
        done = sign_with_file(key_fd, job.plan, &signature, err);
    else if (done)
        sign_once(job.plan, &signature);
    done = done && store_write(platform->store, keep_signature, &job, err);
    if (done) {
        public_key_text(signature.public_key, text);
        buffer_print(out, "{\"signed\":true,\"own_key\":%s,\"public_key\":\"%s\"}",
                     key_fd >= 0 ? "true" : "false", text);
    }
    buffer_release(&plan);
    return done;
}

bool signatures_read(struct sql *sql, struct signature out[SIGNATURES_MAX], size_t *ret_count,
                     struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &signature_select, SQL_ARGUMENTS(sql_int(SIGNATURES_MAX)),
                               &query, err);
    *ret_count = 0;
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct signature *s = &out[*ret_count];
        struct slice key = sql_get_blob(query, 4), bytes = sql_get_blob(query, 5);
        memset(s, 0, sizeof *s);
        s->user_no = sql_get_int(query, 0);
        text_copy(s->name, sizeof s->name, sql_get_text(query, 1));
        text_copy(s->role, sizeof s->role, sql_get_text(query, 2));
        s->at = sql_get_int(query, 3);
        if (key.length == ED25519_BYTES && bytes.length == ED25519_SIGNATURE_BYTES) {
            memcpy(s->public_key, key.data, key.length);
            memcpy(s->bytes, bytes.data, bytes.length);
        }
        ++*ret_count;
    }
    return done;
}

/* Two users with two roles that may, each over this very plan. */
static bool check_signatures(struct keeping *keeping, struct slice plan, struct error *err)
{
    struct signature signatures[SIGNATURES_MAX];
    size_t count = 0, good = 0;
    bool two_roles = false;
    struct sql *sql;
    if (!store_read_begin(keeping->platform->store, &sql, err))
        return false;
    bool done = signatures_read(sql, signatures, &count, err);
    for (size_t i = 0; done && i < count; i++) {
        if (!hands_have(&keeping->policy.sunset, signatures[i].role) ||
            crypto_sign_verify_detached(signatures[i].bytes, (const unsigned char *)plan.data,
                                        plan.length, signatures[i].public_key) != 0)
            continue;
        signatures[good] = signatures[i];
        bool same = good == 0; /* two accounts of one human are one */
        if (good > 0)
            done = access_same_human(sql, signatures[0].user_no, signatures[good].user_no, &same,
                                     err);
        two_roles |= !same && strcmp(signatures[0].role, signatures[good].role) != 0;
        good++;
    }
    store_read_end(keeping->platform->store, sql);
    return done && (two_roles ||
                    error_set(err, ERROR_REFUSED, (struct error_place){.source = "sunset execute"},
                              "the signatures of two users with two of the roles that sign",
                              "%zu valid signature%s of this plan", good, good == 1 ? "" : "s"));
}

/* What a court or an open matter holds is not destroyed: the hold is lifted first, by who may. */
static bool check_holds(struct keeping *keeping, struct error *err)
{
    struct hold *holds;
    struct arena arena;
    size_t count = 0;
    struct sql *sql;
    if (!store_read_begin(keeping->platform->store, &sql, err))
        return false;
    arena_init(&arena, 16 << 20);
    bool done = holds_read(sql, true, world_now(keeping->platform->world), &arena, &holds, &count,
                           err);
    store_read_end(keeping->platform->store, sql);
    if (done && count)
        done = error_set(err, ERROR_REFUSED, (struct error_place){.source = "sunset execute"},
                         "no hold in force: `chengmai hold lift`", "hold %lld is in force: %.200s",
                         (long long)holds[0].no, holds[0].reason);
    arena_release(&arena);
    return done;
}

/* ---- Destroying */

struct deed_job {
    const struct record_table *table;
    struct deed {
        const char *kind, *name, *class_;
        int64_t rows;
        char detail[40];
    } deed;
};

static bool put_deed(struct sql *sql, const struct deed *deed, struct error *err)
{
    return sql_run(sql, &deed_put,
                   SQL_ARGUMENTS(sql_text(slice_of(deed->kind)), sql_text(slice_of(deed->name)),
                                 sql_text(slice_of(deed->class_)), sql_int(deed->rows),
                                 sql_text(slice_of(deed->detail))),
                   err);
}

static bool keep_deed(struct sql *sql, void *context, struct error *err)
{
    return put_deed(sql, context, err);
}

/* One table: closed, counted, emptied and written down together. */
static bool empty_table(struct sql *sql, void *context, struct error *err)
{
    struct deed_job *job = context;
    const struct record_table *table = job->table;
    job->deed = (struct deed){"table", table->name, record_class_name(table->class_), 0, ""};
    if (table->closed && !sql_run(sql, table->close, NULL, 0, err))
        return false;
    if (table->class_ == CLASS_EVENTS) { /* numbers go on from the last one */
        struct event event = {.kind = SLICE("sunset.executed")};
        int64_t last;
        return event_last(sql, &last, err) && event_emit(sql, &event, err) &&
               event_forget(sql, last, INT64_MAX, &job->deed.rows, err) &&
               put_deed(sql, &job->deed, err);
    }
    return sql_run_count(sql, table->empty, NULL, 0, &job->deed.rows, err) &&
           put_deed(sql, &job->deed, err);
}

static bool empty_tables(struct keeping *keeping, struct error *err)
{
    for (size_t t = 0; t < record_table_count; t++) {
        struct deed_job job = {.table = &record_tables[t]};
        if (keeping->policy.rules[record_tables[t].class_].kept_at_sunset)
            continue;
        if (!store_write(keeping->platform->store, empty_table, &job, err) ||
            !fault_at(FAULT_POINT_after_class_destroyed, err))
            return false;
    }
    return true;
}

static bool note_deed(struct keeping *keeping, const struct deed *deed, struct error *err)
{
    return store_write(keeping->platform->store, keep_deed, (void *)(uintptr_t)deed, err);
}

/* What is about to be destroyed, while it still can be told apart. */
static bool note_keys(struct keeping *keeping, struct error *err)
{
    struct key_entry *entries;
    size_t count;
    if (!keys_list(store_keys(keeping->platform->store), &entries, &count, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        const char *name = entries[i].name;
        bool personal = strncmp(name, "day-", 4) == 0 || strncmp(name, "backup-", 7) == 0 ||
                        strncmp(name, "class-identity", 14) == 0 ||
                        strncmp(name, "class-blind-index", 17) == 0 ||
                        strncmp(name, "class-session", 13) == 0 ||
                        strncmp(name, "class-venue-token", 17) == 0 ||
                        strncmp(name, "class-snapshot", 14) == 0;
        struct deed deed = {"key", name, "", 0, ""};
        text_to_hex(entries[i].fingerprint, KEY_FINGERPRINT_BYTES, deed.detail);
        if (personal && !entries[i].destroyed)
            done = note_deed(keeping, &deed, err);
    }
    free(entries);
    return done;
}

static bool destroy_presence(struct keeping *keeping, struct error *err)
{
    struct deed deed = {.kind = "presence", .name = "days",
                        .class_ = record_class_name(CLASS_PRESENCE)};
    int64_t days, events;
    if (!presence_forget_all(keeping->platform->presence, &days, &events, err))
        return false;
    deed.rows = events;
    return days == 0 || note_deed(keeping, &deed, err);
}

static bool destroy_keys(struct keeping *keeping, struct error *err)
{
    static const enum key_class classes[] = {KEY_IDENTITY, KEY_BLIND_INDEX, KEY_SESSION,
                                             KEY_VENUE_TOKEN, KEY_SNAPSHOT};
    struct keys *keys = store_keys(keeping->platform->store);
    struct key_entry *entries;
    size_t count;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (!keys_class_destroy(keys, classes[i], err))
            return false;
    if (!keys_list(keys, &entries, &count, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        if (strncmp(entries[i].name, "day-", 4) == 0 ||
            strncmp(entries[i].name, "backup-", 7) == 0)
            done = keys_named_destroy(keys, entries[i].name, err);
    free(entries);
    return done;
}

static bool audit_end(struct sql *sql, void *context, struct error *err)
{
    const struct platform *platform = context;
    struct audit_entry entry = {.actor = SLICE("sunset"), .act = SLICE("sunset.execute")};
    return audit_append(sql, &entry, world_now(platform->world), err);
}

static bool remove_snapshot(struct platform *platform, struct error *err)
{
    return status_catch_up(platform->status, err) &&
           file_remove_tree(store_directory_fd(platform->store), "status.snapshot", err);
}

/* Every step may have been done before. Under `acting`. */
static bool destroy(struct keeping *keeping, struct error *err)
{
    struct platform *platform = keeping->platform;
    struct keys *keys = store_keys(platform->store);
    unsigned char seed[KEY_BYTES];
    /* the certificate is the last that is written: what it says is done */
    if (faccessat(store_directory_fd(platform->store), "sunset/certificate.json", F_OK, 0) == 0)
        return keys_named_destroy(keys, certificate_key, err) && keys_mirror_sync(keys, err);
    /* the tables twice: a change that was under way when the mark came may have passed the first */
    bool done = note_keys(keeping, err) && empty_tables(keeping, err) &&
                destroy_presence(keeping, err) && empty_tables(keeping, err) &&
                photos_destroy(platform->photos, err) && destroy_keys(keeping, err) &&
                remove_snapshot(platform, err) &&
                store_checkpoint(platform->store, err) && keys_mirror_sync(keys, err) &&
                certificate_aggregates(keeping, err) &&
                store_write(platform->store, audit_end, platform, err) &&
                store_checkpoint(platform->store, err) &&
                fault_at(FAULT_POINT_before_certificate, err);
    done = done && keys_named(keys, certificate_key, false, seed, err) &&
           certificate_write(keeping, seed, err);
    sodium_memzero(seed, sizeof seed);
    access_forget_cached(platform->access);
    return done && keys_named_destroy(keys, certificate_key, err) && keys_mirror_sync(keys, err);
}

static bool begin(struct keeping *keeping, struct slice plan, struct error *err)
{
    struct store *store = keeping->platform->store;
    int fd = store_directory_fd(store);
    if (mkdirat(fd, "sunset", 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, "sunset", "create");
    if (!file_replace(fd, "sunset/plan.json", plan.data, plan.length, err) ||
        !file_replace(fd, STORE_SUNSET_MARK, "", 0, err) || !file_sync_directory(fd, ".", err))
        return false;
    store_begin_sunset(store);
    return true;
}

bool sunset_execute(struct keeping *keeping, struct buffer *out, struct error *err)
{
    struct platform *platform = keeping->platform;
    struct buffer plan;
    buffer_init(&plan, SUNSET_BYTES_MAX);
    pthread_mutex_lock(&keeping->acting);
    bool done = store_is_sunset(platform->store) ||
                (read_plan(platform, &plan, err) &&
                 check_signatures(keeping, buffer_slice(&plan), err) &&
                 check_holds(keeping, err) &&
                 begin(keeping, buffer_slice(&plan), err));
    done = done && destroy(keeping, err);
    pthread_mutex_unlock(&keeping->acting);
    buffer_release(&plan);
    return done && file_read_whole(store_directory_fd(platform->store), "sunset/certificate.json",
                                   out, err);
}

bool sunset_resume(struct keeping *keeping, struct error *err)
{
    if (!store_is_sunset(keeping->platform->store))
        return true;
    pthread_mutex_lock(&keeping->acting);
    bool done = destroy(keeping, err);
    pthread_mutex_unlock(&keeping->acting);
    return done;
}

static const char *state_name(bool finished, bool begun, bool planned)
{
    return finished ? "done" : begun ? "begun" : planned ? "planned" : "none";
}

bool sunset_state(struct platform *platform, const char **ret_state, struct error *err)
{
    struct buffer plan, certificate;
    struct error absent;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    buffer_init(&plan, SUNSET_BYTES_MAX);
    buffer_init(&certificate, SUNSET_BYTES_MAX);
    bool begun = store_is_sunset(platform->store);
    bool done = store_setting_get(sql, plan_setting, &plan, err);
    store_read_end(platform->store, sql);
    bool finished = begun && file_read_whole(store_directory_fd(platform->store),
                                             "sunset/certificate.json", &certificate, &absent);
    *ret_state = state_name(finished, begun, plan.length > 0);
    buffer_release(&plan);
    buffer_release(&certificate);
    return done;
}

bool sunset_show(struct platform *platform, struct buffer *out, struct error *err)
{
    struct buffer plan, certificate;
    struct signature signatures[SIGNATURES_MAX];
    size_t count = 0;
    struct json_writer writer;
    struct error absent;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    buffer_init(&plan, SUNSET_BYTES_MAX);
    buffer_init(&certificate, SUNSET_BYTES_MAX);
    bool begun = store_is_sunset(platform->store);
    bool done = store_setting_get(sql, plan_setting, &plan, err) &&
                signatures_read(sql, signatures, &count, err);
    store_read_end(platform->store, sql);
    bool finished = begun && file_read_whole(store_directory_fd(platform->store),
                                             "sunset/certificate.json", &certificate, &absent);
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_text(&writer, "state", slice_of(state_name(finished, begun, plan.length > 0)));
    json_key(&writer, "plan");
    json_put_raw(&writer, plan.length ? buffer_slice(&plan) : SLICE("null"));
    json_key(&writer, "signatures");
    json_array_begin(&writer);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(&writer);
        json_field_text(&writer, "name", slice_of(signatures[i].name));
        json_field_text(&writer, "role", slice_of(signatures[i].role));
        json_field_time(&writer, "at", signatures[i].at);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_key(&writer, "certificate");
    json_put_raw(&writer, finished ? buffer_slice(&certificate) : SLICE("null"));
    json_object_end(&writer);
    json_writer_release(&writer);
    buffer_release(&plan);
    buffer_release(&certificate);
    return done;
}
