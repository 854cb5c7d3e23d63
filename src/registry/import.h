/* Running an import: for the registry room, and rooms above whose kinds are made when asked for. */
#ifndef CHENGMAI_REGISTRY_IMPORT_H
#define CHENGMAI_REGISTRY_IMPORT_H

#include "registry/registry.h"

struct import_options {
    const char *source;
    struct slice actor, purpose; /* of the audit record; no actor: the command line */
    bool create_missing, dry_run;
    FILE *rejects; /* rejected rows go here and to no file; stays the caller's. NULL: a file */
    int64_t area_first, area_last; /* rows elsewhere are rejected; 0, 0: none is elsewhere */
};
/* Imports a file and prints its reconciliation. The transaction that ends the import, done or
 * failed, holds its audit record: KIND.import, with source, number and counts. */
bool import_run(struct command_context *context, const struct import_kind *kind, const char *path,
                const struct import_options *options, bool *ret_rejected,
                struct error *err) MUST_USE;
/* Takes an import back; *ret_removed rows. The audit record is KIND.undo. */
bool import_undo(struct platform *platform, int64_t import_no, int64_t *ret_removed,
                 struct error *err) MUST_USE;
/* Rows of a CSV or NDJSON file or pipe (plain or gzip), or of an XLSX file, as a csv_reader. Takes
 * over `fd`. What must be written aside goes to a file without a name in `directory_fd` (-1: to
 * memory). */
bool import_rows_open(int fd, const char *source, int directory_fd,
                      struct csv_reader **ret_reader, bool *ret_ndjson,
                      struct error *err) MUST_USE;

#endif
