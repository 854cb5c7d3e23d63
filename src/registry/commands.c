/* import, import undo, export. */
#include "registry/import.h"
#include "registry/registry_internal.h"

static const struct import_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < import_kind_count; i++)
        if (strcmp(import_kinds[i]->name, name) == 0)
            return import_kinds[i];
    return NULL;
}

/* After the end nothing about persons is taken in or given out. */
static bool may_pass(struct platform *platform, const char *kind, struct error *err)
{
    bool persons = strcmp(kind, "areas") != 0 && strcmp(kind, "units") != 0 &&
                   strcmp(kind, "venues") != 0;
    return !persons || store_refuse_sunset(platform->store, err);
}

static int unknown_kind(const char *name, struct error *err)
{
    error_set(err, ERROR_USAGE, (struct error_place){.field = name}, "a KIND of `import --help`",
              "unknown kind");
    return command_fail(err);
}

static int print_kinds(FILE *out, const char *only)
{
    for (size_t i = 0; i < import_kind_count; i++) {
        if (only && strcmp(only, import_kinds[i]->name) != 0)
            continue;
        fprintf(out, "%s: %s\n", import_kinds[i]->name, import_kinds[i]->words);
        for (const struct import_column *c = import_kinds[i]->columns; c->name; c++)
            fprintf(out, "  %s%s  %s\n", c->name, c->required ? " (required)" : "", c->words);
    }
    return EXIT_DONE;
}

static const struct command registry_commands[];

static int run_import(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct import_options options = {.source = "default"};
    const char *source;
    if (command_flag(&argc, argv, "--help"))
        return print_kinds(context->out, argc ? argv[0] : NULL);
    options.create_missing = command_flag(&argc, argv, "--create-missing");
    options.dry_run = command_flag(&argc, argv, "--dry-run");
    command_flag(&argc, argv, "--resume"); /* importing again is resuming: stored rows are unchanged */
    if (!command_option(&argc, argv, "--source", &source, err) ||
        !command_arguments(&registry_commands[0], argc, argv, 2, 2, err))
        return command_fail(err);
    options.source = source ? source : options.source;
    const struct import_kind *kind = find_kind(argv[0]);
    if (!kind)
        return unknown_kind(argv[0], err);
    bool rejected;
    if (!may_pass(context->platform, kind->name, err))
        return command_fail(err);
    if (!import_run(context, kind, argv[1], &options, &rejected, err))
        return command_fail(err);
    return rejected ? EXIT_FINDINGS : EXIT_DONE;
}

static int run_undo(struct command_context *context, int argc, char **argv, struct error *err)
{
    int64_t import_no, removed;
    if (!command_arguments(&registry_commands[1], argc, argv, 1, 1, err))
        return command_fail(err);
    if (!slice_to_int64(slice_of(argv[0]), 1, INT32_MAX, &import_no)) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = argv[0]},
                  "the number of an import", "not a number");
        return command_fail(err);
    }
    if (!import_undo(context->platform, import_no, &removed, err))
        return command_fail(err);
    fprintf(context->out, "{\"import\":%lld,\"removed\":%lld}\n", (long long)import_no,
            (long long)removed);
    return EXIT_DONE;
}

/* Who was given what is on record before the first row leaves: a reader may go away before the
 * last. */
static bool export_recorded(const struct export_kind *kind, const struct export_request *request,
                            const char *from, const char *to, struct error *err)
{
    const char *what = arena_print(request->arena, "source:%.*s,from:%s,to:%s,format:%s",
                                   SLICE_ARG(request->source), from ? from : "", to ? to : "",
                                   request->ndjson ? "ndjson" : "csv");
    return export_record(request->platform, kind->name, slice_of(what), -1, err) &&
           kind->run(request, err) &&
           export_record(request->platform, kind->name, slice_of(what), *request->rows, err);
}

static int run_export(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *source, *from, *to, *format;
    if (!command_option(&argc, argv, "--source", &source, err) ||
        !command_option(&argc, argv, "--from", &from, err) ||
        !command_option(&argc, argv, "--to", &to, err) ||
        !command_option(&argc, argv, "--format", &format, err) ||
        !command_arguments(&registry_commands[2], argc, argv, 1, 1, err))
        return command_fail(err);
    timestamp first = 0, last = (timestamp)UINT32_MAX * SECOND;
    int64_t rows = 0;
    if (format && strcmp(format, "csv") != 0 && strcmp(format, "ndjson") != 0) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "--format"}, "csv or ndjson",
                  "unknown format");
        return command_fail(err);
    }
    if ((from && !time_parse(slice_of(from), &first)) ||
        (to && !time_parse(slice_of(to), &last))) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "--from, --to"},
                  "RFC 3339 times with their offset", "not a time");
        return command_fail(err);
    }
    struct export_request request = {.platform = context->platform,
                                     .source = slice_of(source ? source : "default"),
                                     .from = first / SECOND,
                                     .to = last / SECOND,
                                     .ndjson = format && strcmp(format, "ndjson") == 0,
                                     .out = context->out,
                                     .rows = &rows,
                                     .arena = context->arena};
    for (size_t i = 0; i < export_kind_count; i++)
        if (strcmp(export_kinds[i]->name, argv[0]) == 0)
            return may_pass(context->platform, argv[0], err) &&
                           export_recorded(export_kinds[i], &request, from, to, err)
                       ? EXIT_DONE
                       : command_fail(err);
    return unknown_kind(argv[0], err);
}

static const struct command registry_commands[] = {
    {.name = "import",
     .usage = "KIND FILE|- [--source NAME] [--create-missing] [--dry-run] [--resume]",
     .words = "takes rows in; prints what became of each; `import --help` lists kinds and columns",
     .needs_data = true,
     .run = run_import},
    {.name = "import undo",
     .usage = "NUMBER",
     .words = "takes one import back",
     .needs_data = true,
     .run = run_undo},
    {.name = "export",
     .usage = "KIND [--source NAME] [--from T --to T] [--format csv|ndjson]",
     .words = "streams rows, the same data always as the same bytes",
     .needs_data = true,
     .run = run_export},
};

static const struct migration registry_migrations[] = {
    {"src/registry/schema/001_registry.sql"},      {"src/registry/schema/002_number_floor.sql"},
    {"src/registry/schema/003_person_groups.sql"}, {"src/registry/schema/004_stays.sql"},
    {"src/registry/schema/005_units.sql"},         {"src/registry/schema/006_reports.sql"}};

static const struct event_kind event_kinds[] = {
    {"registry.imported", "import"}, /* {"kind":KIND,"state":"done|failed|undone"} */
};

static const struct sql_text identity_block = {
    "identity_block",
    "SELECT person_no, identity FROM person WHERE person_no > ?1 AND identity IS NOT NULL"
    " ORDER BY person_no LIMIT ?2",
    "primary key"};
static const struct sql_text identity_replace = {
    "identity_replace", "UPDATE person SET identity = ?2 WHERE person_no = ?1", "primary key"};
static const struct sql_list cipher_statements = SQL_LIST(&identity_block, &identity_replace);
static const struct cipher_column ciphers[] = {
    {"person.identity", KEY_IDENTITY, 0, &identity_block, &identity_replace},
};

const struct module registry_module = {
    .name = "registry",
    .event_kinds = event_kinds,
    .event_kind_count = sizeof event_kinds / sizeof *event_kinds,
    .migrations = registry_migrations,
    .migration_count = sizeof registry_migrations / sizeof *registry_migrations,
    .routes = registry_routes,
    .route_count = REGISTRY_ROUTES,
    .commands = registry_commands,
    .command_count = sizeof registry_commands / sizeof *registry_commands,
    .statements = (const struct sql_list *const[]){&registry_statements, &area_statements,
                                                   &import_statements, &kind_statements,
                                                   &export_statements, &cipher_statements, NULL},
    .ciphers = ciphers,
    .cipher_count = sizeof ciphers / sizeof *ciphers,
};
