/* Loading evidence by the ten million: plain inserts into a table without secondary indexes, then the
 * indexes at once. They are those of schema/001_status.sql and 007_positives.sql (a test compares
 * them). */
#include <stdlib.h>

#include "status/seal.h"
#include "status/status_bulk.h"
#include "status/status_internal.h"

static const struct sql_text drop[] = {
    {"evidence_drop_by_person", "DROP INDEX evidence_by_person", "none"},
    {"evidence_drop_by_area", "DROP INDEX evidence_by_area", "none"},
    {"evidence_drop_by_external_id", "DROP INDEX evidence_by_external_id", "none"},
    {"evidence_drop_by_import", "DROP INDEX evidence_by_import", "none"},
    {"evidence_drop_of_positives", "DROP INDEX evidence_of_positives", "none"},
};
static const struct sql_text create[] = {
    {"evidence_create_by_person",
     "CREATE INDEX evidence_by_person ON evidence (person_no, evidence_no)", "whole table"},
    {"evidence_create_by_area",
     "CREATE INDEX evidence_by_area ON evidence (area_no, kind, recorded_at)", "whole table"},
    {"evidence_create_by_external_id",
     "CREATE UNIQUE INDEX evidence_by_external_id ON evidence (source, external_id)"
     " WHERE external_id IS NOT NULL",
     "whole table"},
    {"evidence_create_by_import",
     "CREATE INDEX evidence_by_import ON evidence (import_no) WHERE import_no > 0",
     "whole table"},
    {"evidence_create_of_positives",
     "CREATE INDEX evidence_of_positives ON evidence (recorded_at, evidence_no)"
     " WHERE kind = 14 AND detail = 1",
     "whole table"},
};
_Static_assert(EVIDENCE_PCR == 14 && RESULT_POSITIVE == 1, "the numbers in evidence_of_positives");

const struct sql_list evidence_bulk_statements =
    SQL_LIST(&drop[0], &drop[1], &drop[2], &drop[3], &drop[4], &create[0], &create[1], &create[2],
             &create[3], &create[4]);

struct evidence_bulk {
    struct sql *sql;
    struct evidence_sealer sealer;
    int64_t count;
};

static bool run_all(struct sql *sql, const struct sql_text *texts, size_t count,
                    struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!sql_run(sql, &texts[i], NULL, 0, err))
            return false;
    return true;
}

bool evidence_bulk_begin(struct sql *sql, struct evidence_bulk **ret_bulk, struct error *err)
{
    if (!run_all(sql, drop, sizeof drop / sizeof *drop, err))
        return false;
    struct evidence_bulk *bulk = x_alloc(1, sizeof *bulk);
    bulk->sql = bulk->sealer.sql = sql;
    *ret_bulk = bulk;
    return true;
}

bool evidence_bulk_add(struct evidence_bulk *bulk, struct person_no person, int64_t area_no,
                       const struct evidence *piece, struct error *err)
{
    static const struct evidence_origin nowhere;
    int64_t no;
    bulk->count++;
    return evidence_complete(piece, err) &&
           evidence_insert(&bulk->sealer, person, area_no, piece, &nowhere, &no, err);
}

bool evidence_bulk_end(struct evidence_bulk *bulk, int64_t *ret_count, struct error *err)
{
    struct event event = {.kind = SLICE("evidence.bulk")};
    bool done = evidence_seal_end(&bulk->sealer, err) &&
                run_all(bulk->sql, create, sizeof create / sizeof *create, err) &&
                event_emit(bulk->sql, &event, err);
    if (done)
        *ret_count = bulk->count;
    evidence_bulk_abandon(bulk);
    return done;
}

void evidence_bulk_abandon(struct evidence_bulk *bulk)
{
    if (bulk)
        evidence_seal_abandon(&bulk->sealer);
    free(bulk);
}
