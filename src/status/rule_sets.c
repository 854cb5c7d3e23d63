/* Rule sets beyond the built-in ones.
 *
 *   proposed ── sign (1st) ──► proposed ── sign (2nd, before valid_from) ──► signed ──► in force
 *
 * Invariants: 1 who proposes does not sign, and nobody twice. 2 A rule set is taken up only
 * after the transaction that holds its second signature is on disk, and begins only later than
 * that, so that no past decision changes. 3 A signed one carries a keyed hash over its text and
 * its signers: one that was written into the database behind the gate is not taken. */
#include "status/rule_sets.h"

#include <sodium.h>

#include "access/access.h"
#include "policy/permissions.h"
#include "registry/registry.h"

static const struct sql_text change_insert = {
    "rule_change_insert",
    "INSERT INTO rule_change (change_no, name, version, valid_from, yaml, effect, proposer_no,"
    " proposer, proposed_at, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)",
    "primary key"};
static const struct sql_text change_last = {
    "rule_change_last", "SELECT max(change_no) FROM rule_change", "primary key"};
#define CHANGE_COLUMNS                                                                             \
    "change_no, name, version, valid_from, yaml, effect, proposer_no, proposer, proposed_at,"      \
    " state, seal"
static const struct sql_text change_select = {
    "rule_change_select", "SELECT " CHANGE_COLUMNS " FROM rule_change WHERE change_no = ?1",
    "primary key"};
static const struct sql_text change_all = {
    "rule_change_all", "SELECT " CHANGE_COLUMNS " FROM rule_change ORDER BY change_no",
    "whole table, a few rows"};
static const struct sql_text change_sign = {
    "rule_change_sign", "UPDATE rule_change SET state = 1, seal = ?2 WHERE change_no = ?1",
    "primary key"};
static const struct sql_text signature_insert = {
    "rule_signature_insert",
    "INSERT INTO rule_signature (change_no, user_no, name, signed_at) VALUES (?1, ?2, ?3, ?4)",
    "primary key"};
static const struct sql_text signature_select = {
    "rule_signature_select",
    "SELECT user_no, name, signed_at FROM rule_signature WHERE change_no = ?1 ORDER BY user_no",
    "primary key"};

const struct sql_list rule_set_statements =
    SQL_LIST(&change_insert, &change_last, &change_select, &change_all, &change_sign,
             &signature_insert, &signature_select);

enum { SIGNERS_MAX = 8, SEAL_BYTES = 32, YAML_BYTES_MAX = 1 << 20,
       RULE_SETS_SHOWN_MAX = 64 /* as many as the policy takes */ };

struct signature {
    int64_t user_no;
    timestamp signed_at;
    struct slice name;
};
struct rule_change {
    int64_t no, proposer_no, state;
    timestamp valid_from, proposed_at;
    struct slice name, version, yaml, effect, proposer, seal;
    struct signature signers[SIGNERS_MAX];
    size_t signer_count;
};

static struct slice kept(struct slice text, struct arena *arena)
{
    return text.data ? (struct slice){arena_copy(arena, text.data, text.length), text.length}
                     : text;
}

static void read_change(struct sql_query *query, struct arena *arena, struct rule_change *change)
{
    *change = (struct rule_change){.no = sql_get_int(query, 0),
                                   .name = kept(sql_get_text(query, 1), arena),
                                   .version = kept(sql_get_text(query, 2), arena),
                                   .valid_from = sql_get_int(query, 3),
                                   .yaml = kept(sql_get_text(query, 4), arena),
                                   .effect = kept(sql_get_text(query, 5), arena),
                                   .proposer_no = sql_get_int(query, 6),
                                   .proposer = kept(sql_get_text(query, 7), arena),
                                   .proposed_at = sql_get_int(query, 8),
                                   .state = sql_get_int(query, 9),
                                   .seal = kept(sql_get_blob(query, 10), arena)};
}

static bool read_signers(struct sql *sql, struct arena *arena, struct rule_change *change,
                         struct error *err)
{
    struct sql_query *query;
    bool row;
    change->signer_count = 0;
    if (!sql_begin(sql, &signature_select, SQL_ARGUMENTS(sql_int(change->no)), &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        if (change->signer_count < SIGNERS_MAX)
            change->signers[change->signer_count++] =
                (struct signature){sql_get_int(query, 0), sql_get_int(query, 2),
                                   kept(sql_get_text(query, 1), arena)};
    }
}

static bool find_change(struct sql *sql, int64_t no, struct arena *arena,
                        struct rule_change *ret_change, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &change_select, SQL_ARGUMENTS(sql_int(no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "the number of a proposal", "there is none of that number");
    read_change(query, arena, ret_change);
    sql_end(query);
    return read_signers(sql, arena, ret_change, err);
}

/* The keyed hash over what was signed and by whom. */
static void seal_of(const struct sql *sql, const struct rule_change *change,
                    unsigned char out[SEAL_BYTES])
{
    static const char purpose[] = "chengmai: signed rule sets";
    unsigned char key[KEY_BYTES];
    struct buffer bytes;
    hash_blake2b(key, sizeof key, purpose, sizeof purpose - 1,
                 keys_of(sql_keys(sql), KEY_AUDIT));
    buffer_init(&bytes, YAML_BYTES_MAX + 4096);
    int64_t numbers[4] = {change->no, change->valid_from, change->proposer_no,
                          (int64_t)change->yaml.length};
    buffer_append(&bytes, numbers, sizeof numbers);
    buffer_append(&bytes, change->yaml.data, change->yaml.length);
    for (size_t i = 0; i < change->signer_count; i++)
        buffer_append(&bytes, &change->signers[i].user_no, sizeof change->signers[i].user_no);
    REQUIRE(!bytes.overflow);
    hash_blake2b(out, SEAL_BYTES, bytes.data, bytes.length, key);
    buffer_release(&bytes);
}

static bool is_authentic(const struct sql *sql, const struct rule_change *change)
{
    unsigned char seal[SEAL_BYTES];
    if (change->seal.length != SEAL_BYTES || change->signer_count < RULE_SIGNERS ||
        change->yaml.length > YAML_BYTES_MAX)
        return false;
    seal_of(sql, change, seal);
    return sodium_memcmp(seal, change->seal.data, SEAL_BYTES) == 0;
}

/* ---- Visiting all */

static bool each_change(struct sql *sql, struct arena *arena,
                        bool (*visit)(struct sql *sql, struct rule_change *change, void *context,
                                      struct error *err),
                        void *context, struct error *err)
{
    struct sql_query *query;
    struct rule_change change;
    bool row;
    if (!sql_begin(sql, &change_all, NULL, 0, &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        read_change(query, arena, &change);
        if (!read_signers(sql, arena, &change, err) || !visit(sql, &change, context, err)) {
            sql_end(query);
            return false;
        }
    }
}

struct loading {
    struct policy *policy;
    int64_t not_authentic;
};

static bool load_change(struct sql *sql, struct rule_change *change, void *context,
                        struct error *err)
{
    struct loading *loading = context;
    if (change->state == 0 || policy_rules(loading->policy, change->name))
        return true;
    if (!is_authentic(sql, change)) {
        loading->not_authentic++;
        return true;
    }
    return policy_adopt(loading->policy, change->yaml, "signed rule set", err);
}

bool rule_sets_load(struct platform *platform, int64_t *ret_false, struct error *err)
{
    struct loading loading = {.policy = platform->policy};
    struct arena arena;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    arena_init(&arena, (size_t)256 << 20);
    bool done = each_change(sql, &arena, load_change, &loading, err);
    store_read_end(platform->store, sql);
    arena_release(&arena);
    *ret_false = loading.not_authentic;
    return done;
}

/* ---- Proposing */

static bool tell(struct sql *sql, const struct actor *actor, const char *act, int64_t no,
                 struct error *err)
{
    struct audit_entry entry = {.actor = slice_of(actor->name), .act = slice_of(act), .count = no};
    char payload[40];
    int length = snprintf(payload, sizeof payload, "{\"id\":%lld}", (long long)no);
    struct event event = {.kind = slice_of(act),
                          .at = sql_now(sql),
                          .payload = {payload, (size_t)length}};
    return audit_append(sql, &entry, sql_now(sql), err) && event_emit(sql, &event, err);
}

/* Rules hold for the whole city: only who decides for it all proposes and signs them. */
static bool decides_for_the_city(struct platform *platform, const struct actor *actor,
                                 struct error *err)
{
    const struct area *city = registry_city(platform->registry);
    return !city ||
           (actor->area_first <= city->no && actor->area_last >= area_range_last(city->no)) ||
           error_set(err, ERROR_FORBIDDEN, (struct error_place){.source = "rule set"},
                     "somebody of the whole city", "rules of the city are not a district's");
}

/* Rules are of the city or of an area above it; those of a part would be applied to the rest. The
 * zeros at the end of a code stand for what it does not narrow down (GB/T 2260). */
static bool is_of_the_city(struct platform *platform, const struct rule_set *rules,
                           struct error *err)
{
    const struct area *city = registry_city(platform->registry);
    struct slice area = rule_set_area(rules);
    while (area.length >= 2 && memcmp(area.data + area.length - 2, "00", 2) == 0)
        area.length -= 2;
    return !city ||
           (city->code.length >= area.length &&
            memcmp(city->code.data, area.data, area.length) == 0) ||
           error_set(err, ERROR_BAD_VALUE,
                     (struct error_place){.source = "rule set", .field = "area"},
                     "the city's code, or that of an area above it",
                     "the rules of a part of the city would hold for all of it");
}

struct proposing {
    const struct actor *actor;
    struct rule_change change;
};

static bool propose_job(struct sql *sql, void *context, struct error *err)
{
    struct proposing *proposing = context;
    struct rule_change *change = &proposing->change;
    if (!sql_one_int(sql, &change_last, NULL, 0, 0, &change->no, err))
        return false;
    change->no++;
    return sql_run(sql, &change_insert,
                   SQL_ARGUMENTS(sql_int(change->no), sql_text(change->name),
                                 sql_text(change->version), sql_int(change->valid_from),
                                 sql_text(change->yaml), sql_text(change->effect),
                                 sql_int(proposing->actor->user_no),
                                 sql_text(slice_of(proposing->actor->name)),
                                 sql_int(sql_now(sql))),
                   err) &&
           tell(sql, proposing->actor, "rules.proposed", change->no, err);
}

static bool may_begin(struct platform *platform, const struct rule_set *rules, struct error *err)
{
    struct error_place place = {.source = "rule set", .field = "valid_from"};
    if (policy_rules(platform->policy, slice_of(rule_set_name(rules)))) {
        place.field = "rule_set";
        return error_set(err, ERROR_CONFLICT, place, "a name of its own: rules are never changed",
                         "there is a rule set %s already", rule_set_name(rules));
    }
    return rule_set_valid_from(rules) > world_now(platform->world) ||
           error_set(err, ERROR_BAD_VALUE, place, "a time to come: past decisions stay",
                     "it would have begun already");
}

static bool propose(struct platform *platform, const struct rule_set *rules,
                    struct proposing *proposing, struct error *err)
{
    struct buffer effect;
    struct json_writer writer;
    proposing->change.name = slice_of(rule_set_name(rules));
    proposing->change.version = slice_of(rule_set_version(rules));
    proposing->change.valid_from = rule_set_valid_from(rules);
    buffer_init(&effect, 1 << 20);
    json_writer_init(&writer, &effect);
    bool done = decides_for_the_city(platform, proposing->actor, err) &&
                is_of_the_city(platform, rules, err) && may_begin(platform, rules, err) &&
                rule_effect_write(platform, rules, world_now(platform->world), &writer, err);
    json_writer_release(&writer);
    proposing->change.effect = buffer_slice(&effect);
    done = done && store_write(platform->store, propose_job, proposing, err);
    buffer_release(&effect);
    return done;
}

bool rule_set_propose(struct platform *platform, const struct actor *actor, struct slice yaml,
                      int64_t *ret_no, struct error *err)
{
    struct rule_set *rules;
    struct proposing proposing = {actor, {.yaml = yaml}};
    if (yaml.length > YAML_BYTES_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "rule set"},
                         "at most 1 MiB", "the file is too large");
    if (!rule_set_read(yaml, "rule set", &rules, err))
        return false;
    bool done = propose(platform, rules, &proposing, err);
    rule_set_free(rules);
    if (done)
        *ret_no = proposing.change.no;
    return done;
}

/* ---- Signing */

struct signing {
    struct platform *platform;
    const struct actor *actor;
    struct arena *arena;
    int64_t no;
    struct rule_change change;
};

static bool refuse(struct error *err, enum error_code code, const char *expected, const char *what)
{
    return error_set(err, code, (struct error_place){.source = "rule set"}, expected, "%s", what);
}

/* Proposer and signers are different humans. */
static bool is_a_further_human(struct sql *sql, const struct signing *signing, struct error *err)
{
    const struct rule_change *change = &signing->change;
    int64_t own = signing->actor->user_no;
    bool same;
    if (!access_same_human(sql, change->proposer_no, own, &same, err))
        return false;
    if (same)
        return refuse(err, ERROR_REFUSED, "someone other than the proposer",
                      "who proposes does not sign");
    for (size_t i = 0; i < change->signer_count; i++) {
        if (!access_same_human(sql, change->signers[i].user_no, own, &same, err))
            return false;
        if (same)
            return refuse(err, ERROR_CONFLICT, "another user", "you have signed it already");
    }
    return true;
}

static bool may_sign(struct sql *sql, const struct signing *signing, struct error *err)
{
    const struct rule_change *change = &signing->change;
    if (change->state)
        return refuse(err, ERROR_CONFLICT, "a proposal that waits for signatures",
                      "it was signed by two already");
    if (!decides_for_the_city(signing->platform, signing->actor, err) ||
        !is_a_further_human(sql, signing, err))
        return false;
    if (policy_rules(signing->platform->policy, change->name))
        return refuse(err, ERROR_CONFLICT, "a name of its own", "the name was taken meanwhile");
    return change->valid_from > world_now(signing->platform->world) ||
           refuse(err, ERROR_CONFLICT, "a valid_from to come: propose it anew",
                  "it would have begun already, and past decisions stay");
}

static bool complete(struct sql *sql, struct signing *signing, struct error *err)
{
    struct rule_change *change = &signing->change;
    unsigned char seal[SEAL_BYTES];
    if (change->signer_count < RULE_SIGNERS)
        return true;
    seal_of(sql, change, seal);
    change->state = 1;
    return sql_run(sql, &change_sign,
                   SQL_ARGUMENTS(sql_int(change->no),
                                 sql_blob((struct slice){(const char *)seal, sizeof seal})),
                   err);
}

static bool sign_job(struct sql *sql, void *context, struct error *err)
{
    struct signing *signing = context;
    if (!find_change(sql, signing->no, signing->arena, &signing->change, err) ||
        !may_sign(sql, signing, err))
        return false;
    if (!sql_run(sql, &signature_insert,
                 SQL_ARGUMENTS(sql_int(signing->no), sql_int(signing->actor->user_no),
                               sql_text(slice_of(signing->actor->name)),
                               sql_int(sql_now(sql))),
                 err))
        return err->code == ERROR_CONFLICT
                   ? refuse(err, ERROR_CONFLICT, "another user", "you have signed it already")
                   : false;
    return read_signers(sql, signing->arena, &signing->change, err) &&
           complete(sql, signing, err) &&
           tell(sql, signing->actor, "rules.signed", signing->no, err);
}

bool rule_set_sign(struct platform *platform, const struct actor *actor, int64_t no,
                   int64_t *ret_missing, struct error *err)
{
    struct arena arena;
    arena_init(&arena, (size_t)16 << 20);
    struct signing signing = {platform, actor, &arena, no, {.no = 0}};
    bool done = store_write(platform->store, sign_job, &signing, err);
    if (done && signing.change.state)
        done = policy_adopt(platform->policy, signing.change.yaml, "signed rule set", err);
    if (done)
        *ret_missing = RULE_SIGNERS - (int64_t)signing.change.signer_count;
    arena_release(&arena);
    return done;
}

/* ---- Showing */

struct showing {
    struct platform *platform;
    struct json_writer *writer;
};

static const char *state_name(const struct showing *showing, const struct sql *sql,
                              const struct rule_change *change)
{
    timestamp now = world_now(showing->platform->world);
    if (change->state)
        return !is_authentic(sql, change) ? "not authentic"
               : change->valid_from <= now ? "in force or past" : "signed";
    return change->valid_from <= now ? "lapsed" : "proposed";
}

static bool put_change(struct sql *sql, struct rule_change *change, void *context,
                       struct error *err)
{
    (void)err;
    struct showing *showing = context;
    struct json_writer *writer = showing->writer;
    json_object_begin(writer);
    json_field_int64(writer, "id", change->no);
    json_field_text(writer, "rule_set", change->name);
    json_field_text(writer, "version", change->version);
    json_field_time(writer, "valid_from", change->valid_from);
    json_field_text(writer, "state", slice_of(state_name(showing, sql, change)));
    json_field_text(writer, "proposer", change->proposer);
    json_field_time(writer, "proposed_at", change->proposed_at);
    json_key(writer, "signatures");
    json_array_begin(writer);
    for (size_t i = 0; i < change->signer_count; i++) {
        json_object_begin(writer);
        json_field_text(writer, "name", change->signers[i].name);
        json_field_time(writer, "signed_at", change->signers[i].signed_at);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_key(writer, "effect");
    json_put_raw(writer, change->effect);
    json_object_end(writer);
    return true;
}

static bool put_one(struct sql *sql, int64_t no, struct arena *arena, struct showing *showing,
                    struct error *err)
{
    struct rule_change change;
    return find_change(sql, no, arena, &change, err) && put_change(sql, &change, showing, err);
}

bool rule_sets_write(struct platform *platform, int64_t no, struct json_writer *writer,
                     struct error *err)
{
    struct showing showing = {platform, writer};
    struct arena arena;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    arena_init(&arena, (size_t)256 << 20);
    if (!no)
        json_array_begin(writer);
    bool done = no ? put_one(sql, no, &arena, &showing, err)
                   : each_change(sql, &arena, put_change, &showing, err);
    if (!no && done)
        json_array_end(writer);
    store_read_end(platform->store, sql);
    arena_release(&arena);
    return done;
}

/* ---- Versions: every rule set that is taken, and every proposal that is not */

static void put_set(struct json_writer *writer, const struct rule_set *rules, const char *state,
                    int64_t change_no)
{
    json_object_begin(writer);
    rule_set_put(rules, writer);
    json_field_text(writer, "state", slice_of(state));
    if (change_no)
        json_field_int64(writer, "change", change_no);
    else
        json_field_null(writer, "change");
    json_object_end(writer);
}

struct versions {
    struct platform *platform;
    struct json_writer *writer;
    int64_t taken_as[RULE_SETS_SHOWN_MAX]; /* the change that a rule set of the policy came by */
    size_t taken_count;
};

static bool note_taken(struct sql *sql, struct rule_change *change, void *context,
                       struct error *err)
{
    (void)sql, (void)err;
    struct versions *versions = context;
    for (size_t i = 0; i < versions->taken_count && change->state; i++) {
        const struct rule_set *rules = policy_rules_at(versions->platform->policy, i);
        if (slice_equal(change->name, slice_of(rule_set_name(rules))))
            versions->taken_as[i] = change->no;
    }
    return true;
}

static bool put_waiting(struct sql *sql, struct rule_change *change, void *context,
                        struct error *err)
{
    struct versions *versions = context;
    struct rule_set *rules;
    timestamp now = world_now(versions->platform->world);
    if (change->state && is_authentic(sql, change))
        return true;
    if (!rule_set_read(change->yaml, "rule set", &rules, err))
        return false;
    put_set(versions->writer, rules,
            change->state             ? "not_authentic"
            : change->valid_from > now ? "proposed"
                                       : "lapsed",
            change->no);
    rule_set_free(rules);
    return true;
}

static void put_taken(const struct versions *versions)
{
    const struct policy *policy = versions->platform->policy;
    timestamp now = world_now(versions->platform->world);
    const struct rule_set *in_force = policy_rules_in_force(policy, now);
    for (size_t i = 0; i < versions->taken_count; i++) {
        const struct rule_set *rules = policy_rules_at(policy, i);
        put_set(versions->writer, rules,
                rules == in_force                  ? "in_force"
                : rule_set_valid_from(rules) > now ? "to_come"
                                                   : "past",
                versions->taken_as[i]);
    }
}

bool rule_versions_write(struct platform *platform, struct json_writer *writer, struct error *err)
{
    struct versions versions = {.platform = platform, .writer = writer};
    struct arena arena;
    struct sql *sql;
    versions.taken_count = policy_rules_count(platform->policy);
    if (versions.taken_count > RULE_SETS_SHOWN_MAX)
        versions.taken_count = RULE_SETS_SHOWN_MAX;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    arena_init(&arena, (size_t)256 << 20);
    json_array_begin(writer);
    bool done = each_change(sql, &arena, note_taken, &versions, err);
    if (done)
        put_taken(&versions);
    done = done && each_change(sql, &arena, put_waiting, &versions, err);
    if (done)
        json_array_end(writer);
    store_read_end(platform->store, sql);
    arena_release(&arena);
    return done;
}
