/* `policy decide`: evidence in, decision out; no data directory. `policy relief`:
 * relief_commands.c. */
#include <unistd.h>

#include "module/module.h"
#include "policy/policy.h"
#include "policy/policy_module.h"

enum { EVIDENCE_BYTES_MAX = 16 << 20 };

static bool read_all(int fd, const char *name, struct buffer *out, struct error *err)
{
    for (;;) {
        char chunk[16384];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0)
            return error_set_errno(err, name, "read");
        if (got == 0)
            return true;
        buffer_append(out, chunk, (size_t)got);
        if (out->overflow)
            return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = name},
                             "at most 16 MiB", "the file is too large");
    }
}

/* One array, or one object a line. */
static bool read_document(struct slice text, const char *name, json_t **ret_array,
                          struct error *err)
{
    struct slice trimmed = slice_trim(text);
    if (trimmed.length == 0 || trimmed.data[0] != '{')
        return json_read(text, name, ret_array, err);
    json_t *array = json_array();
    int64_t line = 1;
    for (const char *at = text.data, *end = text.data + text.length; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        struct slice piece = slice_trim((struct slice){at, (size_t)(stop - at)});
        json_t *object = NULL;
        if (piece.length && !json_read(piece, name, &object, err)) {
            err->row = line;
            json_decref(array);
            return false;
        }
        if (object)
            json_array_append_new(array, object);
        at = stop + 1;
    }
    *ret_array = array;
    return true;
}

static void put_time(struct json_writer *writer, const char *key, timestamp time)
{
    json_field_time(writer, key, time);
}

static void print_decision(FILE *out, const struct decision *decision, const char *const *ids,
                           const struct rule_set *rules)
{
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, 16 << 20);
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    json_field_text(&writer, "color", slice_of(color_name(decision->color)));
    put_time(&writer, "since", decision->since);
    put_time(&writer, "until", decision->until);
    json_key(&writer, "reasons");
    json_array_begin(&writer);
    for (size_t i = 0; i < decision->reason_count; i++) {
        const struct decision_reason *reason = &decision->reasons[i];
        json_object_begin(&writer);
        json_field_text(&writer, "rule", slice_of(reason->rule));
        json_field_text(&writer, "evidence", slice_of(ids[reason->evidence - 1]));
        json_key(&writer, "words");
        json_object_begin(&writer);
        json_field_text(&writer, "zh", slice_of(reason->words.zh));
        json_field_text(&writer, "en", slice_of(reason->words.en));
        json_object_end(&writer);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_key(&writer, "ignored");
    json_array_begin(&writer);
    for (size_t i = 0; i < decision->ignored_count; i++) {
        json_object_begin(&writer);
        json_field_text(&writer, "evidence", slice_of(ids[decision->ignored[i].evidence - 1]));
        json_field_text(&writer, "reason", slice_of(decision->ignored[i].reason));
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_field_text(&writer, "rules_version", slice_of(rule_set_version(rules)));
    json_object_end(&writer);
    json_writer_release(&writer);
    fprintf(out, "%s\n", text.data);
    buffer_release(&text);
}

static bool decide(struct command_context *context, const char *rules_name, const char *file,
                   timestamp at, struct error *err)
{
    struct policy *policy;
    struct buffer text;
    json_t *document = NULL;
    int fd;
    if (!command_open(context, file, &fd, err))
        return false;
    buffer_init(&text, EVIDENCE_BYTES_MAX);
    bool done = read_all(fd, file, &text, err) &&
                read_document(buffer_slice(&text), file, &document, err);
    close(fd);
    struct evidence *pieces;
    const char **ids;
    size_t count;
    done = done && evidence_from_json(document, context->arena, &pieces, &count, &ids, err);
    if (done && policy_open(-1, &policy, err)) {
        const struct rule_set *rules = policy_rules(policy, slice_of(rules_name));
        struct decision decision;
        if (rules) {
            policy_decide(rules, pieces, count, at, true, context->arena, &decision);
            print_decision(context->out, &decision, (const char *const *)ids, rules);
        } else {
            done = error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "--rules"},
                             "the name of a rule set", "there are no rules '%s'", rules_name);
        }
        policy_free(policy);
    } else {
        done = false;
    }
    json_decref(document);
    buffer_release(&text);
    return done;
}

static int run_decide(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *rules, *file, *at_text;
    timestamp at;
    if (!command_option(&argc, argv, "--rules", &rules, err) ||
        !command_option(&argc, argv, "--evidence", &file, err) ||
        !command_option(&argc, argv, "--at", &at_text, err))
        return command_fail(err);
    if (!rules || !file || !at_text || argc != 0) {
        error_set(err, ERROR_USAGE, (struct error_place){.source = "policy decide"},
                  "--rules NAME --evidence FILE --at T", "an option is missing or unknown");
        return command_fail(err);
    }
    if (!time_parse(slice_of(at_text), &at)) {
        error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--at"},
                  "an RFC 3339 time with its offset", "'%s' is not a time", at_text);
        return command_fail(err);
    }
    return decide(context, rules, file, at, err) ? EXIT_DONE : command_fail(err);
}

static const struct command policy_commands[] = {
    {.name = "policy decide",
     .usage = "--rules NAME --evidence FILE|- --at T",
     .words = "the status that evidence gives at a moment, with its reasons",
     .needs_data = false,
     .run = run_decide},
    {.name = "policy relief",
     .usage = "--unit FILE|- [--at DATE] [--unasked] [--json]",
     .words = "which benefits firms are entitled to, why, and which they never asked for",
     .needs_data = false,
     .run = policy_run_relief},
};

const struct module policy_module = {
    .name = "policy",
    .commands = policy_commands,
    .command_count = sizeof policy_commands / sizeof *policy_commands,
};
