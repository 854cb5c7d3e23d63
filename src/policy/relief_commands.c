/* `policy relief`: which benefits firms are entitled to, why or why not, and which of them they
 * never asked for; no data directory. */
#include <fcntl.h>
#include <unistd.h>

#include "module/module.h"
#include "policy/policy_module.h"
#include "policy/relief.h"

/* What one run counts. */
struct tally {
    int64_t firms, entitled, unknown, unasked, asked_unknown;
};

static void count(const struct relief *relief, const struct relief_answer *answers,
                  struct tally *tally)
{
    bool entitled = false, unknown = false, unasked = false, asked_unknown = false;
    for (size_t i = 0; i < relief_rule_count(relief); i++) {
        bool applies = answers[i].state == RELIEF_APPLIES;
        entitled |= applies;
        unknown |= answers[i].state == RELIEF_UNKNOWN;
        unasked |= relief_is_unasked(&answers[i]);
        asked_unknown |= applies && answers[i].asked == RELIEF_ASKED_UNKNOWN;
    }
    tally->firms++;
    tally->entitled += entitled;
    tally->unknown += unknown;
    tally->unasked += unasked;
    tally->asked_unknown += asked_unknown;
}

static bool has_unasked(const struct relief *relief, const struct relief_answer *answers)
{
    for (size_t i = 0; i < relief_rule_count(relief); i++)
        if (relief_is_unasked(&answers[i]))
            return true;
    return false;
}

static void put_firm(FILE *out, const struct relief *relief, const struct relief_firm *firm,
                     const char *day, const struct relief_answer *answers)
{
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, 16 << 20);
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    json_field_text(&writer, "code", firm->code);
    json_field_text(&writer, "name", firm->name);
    json_field_text(&writer, "at", slice_of(day));
    relief_put_answers(&writer, relief, answers);
    json_object_end(&writer);
    json_writer_release(&writer);
    fprintf(out, "%s\n", text.data);
    buffer_release(&text);
}

static void put_tally(struct command_context *context, const char *day, const struct tally *tally)
{
    if (context->json)
        fprintf(context->out,
                "{\"summary\":{\"at\":\"%s\",\"firms\":%lld,\"entitled\":%lld,"
                "\"with_unknown_rules\":%lld,\"entitled_never_asked\":%lld,"
                "\"entitled_asked_unknown\":%lld}}\n",
                day, (long long)tally->firms, (long long)tally->entitled, (long long)tally->unknown,
                (long long)tally->unasked, (long long)tally->asked_unknown);
    else
        fprintf(context->out,
                "%s: %lld firms; entitled %lld, of them never asked for all %lld, not known what"
                " they asked %lld; rules that need more to be said: of %lld firms\n",
                day, (long long)tally->firms, (long long)tally->entitled, (long long)tally->unasked,
                (long long)tally->asked_unknown, (long long)tally->unknown);
}

struct wish {
    const char *file;
    int32_t day;
    bool only_unasked;
};

static bool answer(struct command_context *context, const struct relief *relief,
                   const struct wish *wish, struct error *err)
{
    struct arena kept, one;
    struct relief_firm *firms;
    size_t firm_count;
    int fd;
    char day[TIME_TEXT_BYTES];
    struct tally tally = {0};
    if (!command_open(context, wish->file, &fd, err))
        return false;
    arena_init(&kept, (size_t)4 << 30);
    arena_init(&one, 64 << 20);
    bool done = relief_firms_read_file(relief, fd, wish->file, &kept, &firms, &firm_count, err);
    time_format_date(wish->day, day);
    for (size_t i = 0; done && i < firm_count; i++) {
        struct relief_answer *answers;
        relief_decide(relief, &firms[i], wish->day, &one, &answers);
        count(relief, answers, &tally);
        bool shown = !wish->only_unasked || has_unasked(relief, answers);
        if (shown && context->json)
            put_firm(context->out, relief, &firms[i], day, answers);
        else if (shown)
            relief_print_answers(context->out, relief, &firms[i], answers, wish->only_unasked);
        arena_clear(&one);
    }
    if (done)
        put_tally(context, day, &tally);
    arena_release(&one);
    arena_release(&kept);
    return done;
}

static bool take_options(struct wish *wish, int *argc, char **argv, struct error *err)
{
    const char *at;
    wish->only_unasked = command_flag(argc, argv, "--unasked");
    if (!command_option(argc, argv, "--unit", &wish->file, err) ||
        !command_option(argc, argv, "--at", &at, err))
        return false;
    if (!wish->file || *argc != 0)
        return error_set(err, ERROR_USAGE, (struct error_place){.source = "policy relief"},
                         "--unit FILE|- [--at DATE] [--unasked] [--json], or --help",
                         "an option is missing or unknown");
    wish->day = time_day_of_seconds(world_real_now() / SECOND);
    return !at || time_parse_date(slice_of(at), &wish->day) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--at"},
                     "a day, YYYY-MM-DD", "'%s' is not a day", at);
}

int policy_run_relief(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct wish wish = {.file = NULL};
    struct relief *relief;
    bool help = command_flag(&argc, argv, "--help");
    context->json |= command_flag(&argc, argv, "--json");
    if (!help && !take_options(&wish, &argc, argv, err))
        return command_fail(err);
    const char *directory = context->platform->directory;
    int directory_fd = directory ? openat(context->working_directory_fd, directory,
                                          O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                                 : -1;
    bool done = relief_open(directory_fd, &relief, err);
    if (directory_fd >= 0)
        close(directory_fd);
    if (!done)
        return command_fail(err);
    if (help)
        relief_print_fields(context->out, relief);
    else
        done = answer(context, relief, &wish, err);
    relief_free(relief);
    return done ? EXIT_DONE : command_fail(err);
}
