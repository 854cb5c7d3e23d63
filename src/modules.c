/* The rooms of the house, from the ground up: the one list of modules, migrations, import and export
 * kinds. To add a room: its struct module in `modules`; its kinds in `import_kinds`, `export_kinds`. */
#include "access/access.h"
#include "module/module.h"
#include "presence/presence_module.h"
#include "registry/registry.h"
#include "status/status.h"
#include "tracing/tracing.h"

