/* The rooms of the house, from the ground up: the one list of modules, migrations, import and
 * export kinds.
 *   To add a room: its struct module in `modules`.
 *   To add an import or export kind: its struct in `import_kinds` or `export_kinds`. */
#include <pthread.h>

#include "access/access.h"
#include "alerts/alerts.h"
#include "bench/bench.h"
#include "chains/chains.h"
#include "checkin/checkin.h"
#include "cli/cli.h"
#include "command/command.h"
#include "contacts/contacts.h"
#include "dossier/dossier.h"
#include "feeds/feeds.h"
#include "keeping/keeping.h"
#include "loops/loops.h"
#include "notices/notices.h"
#include "photos/photos.h"
#include "policy/policy_module.h"
#include "registry/registry.h"
#include "scenes/scenes.h"
#include "sensing/sensing_module.h"
#include "server/server.h"
#include "sim/sim.h"
#include "status/status.h"
#include "tracing/tracing.h"
#include "upkeep/upkeep.h"

const struct module *const modules[] = {
    &policy_module, &registry_module, &access_module, &status_module, &checkin_module,
    &tracing_module, &dossier_module, &contacts_module, &photos_module, &scenes_module,
    &sensing_module, &loops_module, &chains_module, &command_module, &alerts_module, &feeds_module,
    &keeping_module,
    &notices_module, &upkeep_module, &sim_module,
    &server_module, &cli_module, &bench_module,
};
const size_t module_count = sizeof modules / sizeof *modules;

extern const struct import_kind import_areas, import_persons, import_households, import_units,
    import_venues, import_vehicles, import_staff, import_cases, import_stays, import_checkins,
    import_evidence, import_series;
const struct import_kind *const import_kinds[] = {
    &import_areas,    &import_persons, &import_households, &import_units,    &import_venues,
    &import_vehicles, &import_staff,   &import_cases,      &import_stays,    &import_checkins,
    &import_evidence, &import_series,
};
const size_t import_kind_count = sizeof import_kinds / sizeof *import_kinds;

extern const struct export_kind export_areas, export_persons, export_households, export_units,
    export_venues, export_vehicles, export_staff, export_cases, export_stays, export_checkins,
    export_evidence;
const struct export_kind *const export_kinds[] = {
    &export_areas,    &export_persons, &export_households, &export_units,    &export_venues,
    &export_vehicles, &export_staff,   &export_cases,      &export_stays,    &export_checkins,
    &export_evidence,
};
const size_t export_kind_count = sizeof export_kinds / sizeof *export_kinds;

enum { MIGRATIONS_MAX = 64 };
static struct migration migrations[MIGRATIONS_MAX];
static size_t migration_count;
static pthread_once_t migrations_once = PTHREAD_ONCE_INIT;

static void gather_migrations(void)
{
    migrations[migration_count++] = (struct migration){"src/store/schema/001_store.sql"};
    migrations[migration_count++] = (struct migration){"src/store/schema/002_audit_heads.sql"};
    migrations[migration_count++] = (struct migration){"src/store/schema/003_audit_by_actor.sql"};
    for (size_t m = 0; m < module_count; m++)
        for (size_t i = 0; i < modules[m]->migration_count; i++) {
            REQUIRE(migration_count < MIGRATIONS_MAX);
            migrations[migration_count++] = modules[m]->migrations[i];
        }
}

const struct migration *house_migrations(size_t *ret_count)
{
    pthread_once(&migrations_once, gather_migrations);
    *ret_count = migration_count;
    return migrations;
}
