/* `relief unasked`: firms that are entitled to a benefit today and for which no application was
 * ever opened: rules of policies/relief.yaml against the loops of the scene relief_application.
 *
 *   FILE ─► firms ──unit of the register──► asked? ◄── applications, open and closed
 *                └─► answers of the rules ──► entitled and never asked */
#include <stdlib.h>

#include "command/command_internal.h"
#include "loops/loops.h"
#include "policy/relief.h"

/* A firm that the register knows, by the number of its unit. */
struct known_firm {
    int64_t unit_no;
    size_t at; /* of the firms */
};
struct seeking {
    struct command_context *context;
    struct relief *relief;
    struct relief_firm *firms;
    size_t firm_count;
    struct known_firm *known; /* in order of unit_no */
    size_t known_count;
    struct slice source;
    int32_t day;
    int64_t applications, without_rule; /* of these firms; that name neither rule nor benefit */
};

static int by_unit(const void *a, const void *b)
{
    const struct known_firm *one = a, *other = b;
    return (one->unit_no > other->unit_no) - (one->unit_no < other->unit_no);
}

/* What a file says was asked stands; of a firm that the register does not know, the rest is not
 * known. */
static void begin_asked(const struct seeking *seeking, struct relief_firm *firm, bool known)
{
    for (size_t i = 0; i < relief_rule_count(seeking->relief); i++)
        if (firm->asked[i] != RELIEF_ASKED)
            firm->asked[i] = known ? RELIEF_NEVER_ASKED : RELIEF_ASKED_UNKNOWN;
}

static bool find_units(struct seeking *seeking, struct error *err)
{
    struct store *store = seeking->context->platform->store;
    struct sql *sql;
    if (!store_read_begin(store, &sql, err))
        return false;
    seeking->known = x_alloc(seeking->firm_count + 1, sizeof *seeking->known);
    bool done = true;
    for (size_t i = 0; done && i < seeking->firm_count; i++) {
        int64_t unit_no = 0;
        done = registry_lookup(sql, REGISTRY_UNIT, seeking->source, seeking->firms[i].code,
                               &unit_no, err);
        begin_asked(seeking, &seeking->firms[i], unit_no != 0);
        if (unit_no)
            seeking->known[seeking->known_count++] = (struct known_firm){unit_no, i};
    }
    store_read_end(store, sql);
    qsort(seeking->known, seeking->known_count, sizeof *seeking->known, by_unit);
    return done;
}

static struct slice text_of(json_t *fields, const char *name)
{
    json_t *value = json_object_get(fields, name);
    return (struct slice){json_string_value(value), json_string_length(value)};
}

static bool take_application(void *context, struct sql *sql, const struct loop_told *told,
                             struct error *err)
{
    struct seeking *seeking = context;
    struct known_firm wanted = {.unit_no = told->subject_no};
    (void)sql, (void)err;
    struct known_firm *found =
        bsearch(&wanted, seeking->known, seeking->known_count, sizeof *seeking->known, by_unit);
    if (!found)
        return true;
    seeking->applications++;
    struct slice rule = text_of(told->fields, "rule"), benefit = text_of(told->fields, "benefit");
    struct known_firm *last = seeking->known + seeking->known_count;
    while (found > seeking->known && found[-1].unit_no == told->subject_no)
        found--;
    bool named = true;
    for (; found < last && found->unit_no == told->subject_no; found++)
        named = relief_mark_asked(seeking->relief, &seeking->firms[found->at], rule, benefit);
    seeking->without_rule += !named;
    return true;
}

static void put_firm(const struct seeking *seeking, const struct relief_firm *firm,
                     const struct relief_answer *answers)
{
    struct buffer text;
    struct json_writer writer;
    char day[TIME_TEXT_BYTES];
    buffer_init(&text, 16 << 20);
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    json_field_text(&writer, "code", firm->code);
    json_field_text(&writer, "name", firm->name);
    json_field_text(&writer, "at", slice_of(time_format_date(seeking->day, day)));
    relief_put_answers(&writer, seeking->relief, answers);
    json_object_end(&writer);
    json_writer_release(&writer);
    fprintf(seeking->context->out, "%s\n", text.data);
    buffer_release(&text);
}

static void tell(const struct seeking *seeking)
{
    struct command_context *context = seeking->context;
    struct arena one;
    char day[TIME_TEXT_BYTES];
    int64_t entitled = 0, unasked = 0;
    arena_init(&one, 64 << 20);
    for (size_t i = 0; i < seeking->firm_count; i++) {
        struct relief_answer *answers;
        bool applies = false, never = false;
        relief_decide(seeking->relief, &seeking->firms[i], seeking->day, &one, &answers);
        for (size_t r = 0; r < relief_rule_count(seeking->relief); r++) {
            applies |= answers[r].state == RELIEF_APPLIES;
            never |= relief_is_unasked(&answers[r]);
        }
        entitled += applies;
        unasked += never;
        if (never && context->json)
            put_firm(seeking, &seeking->firms[i], answers);
        else if (never)
            relief_print_answers(context->out, seeking->relief, &seeking->firms[i], answers, true);
        arena_clear(&one);
    }
    arena_release(&one);
    fprintf(context->out,
            context->json ? "{\"summary\":{\"at\":\"%s\",\"firms\":%zu,\"in_register\":%zu,"
                            "\"entitled\":%lld,\"entitled_never_asked\":%lld,"
                            "\"applications\":%lld,\"applications_without_rule\":%lld}}\n"
                          : "%s: %zu firms, %zu in the register; entitled %lld, of them never"
                            " asked for all %lld; %lld applications, %lld of them name no rule\n",
            time_format_date(seeking->day, day), seeking->firm_count, seeking->known_count,
            (long long)entitled, (long long)unasked, (long long)seeking->applications,
            (long long)seeking->without_rule);
}

static bool seek(struct seeking *seeking, const char *file, struct error *err)
{
    struct command_context *context = seeking->context;
    struct platform *platform = context->platform;
    const unsigned all_states = (1u << LOOP_STATES) - 1;
    struct arena kept;
    int fd;
    if (!command_open(context, file, &fd, err))
        return false;
    arena_init(&kept, (size_t)4 << 30);
    bool done = relief_firms_read_file(seeking->relief, fd, file, &kept, &seeking->firms,
                                       &seeking->firm_count, err) &&
                find_units(seeking, err) &&
                loops_each(platform->loops, SLICE("relief_application"), all_states,
                           take_application, seeking, err);
    if (done)
        tell(seeking);
    free(seeking->known);
    arena_release(&kept);
    return done;
}

static int run_unasked(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct seeking seeking = {.context = context, .source = SLICE("default")};
    const char *source, *at;
    context->json |= command_flag(&argc, argv, "--json");
    if (!command_option(&argc, argv, "--source", &source, err) ||
        !command_option(&argc, argv, "--at", &at, err) ||
        !command_arguments(&command_commands[0], argc, argv, 1, 1, err))
        return command_fail(err);
    if (source)
        seeking.source = slice_of(source);
    seeking.day = time_day_of_seconds(world_now(context->platform->world) / SECOND);
    if (at && !time_parse_date(slice_of(at), &seeking.day)) {
        error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--at"}, "a day, YYYY-MM-DD",
                  "'%s' is not a day", at);
        return command_fail(err);
    }
    if (!relief_open(store_directory_fd(context->platform->store), &seeking.relief, err))
        return command_fail(err);
    bool done = seek(&seeking, argv[0], err);
    relief_free(seeking.relief);
    return done ? EXIT_DONE : command_fail(err);
}

const struct command command_commands[COMMAND_COMMANDS] = {
    {.name = "relief unasked",
     .usage = "FILE|- [--source NAME] [--at DATE] [--json]",
     .words = "firms that are entitled to relief and for which no application was ever opened",
     .needs_data = true,
     .run = run_unasked},
};
