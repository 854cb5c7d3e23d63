/* What the photos room gives the house. Its routes are the loops room's: who may look at a photo
 * hangs on loops. */
#include "photos/photos_internal.h"

static const struct migration migrations[] = {{"src/photos/schema/001_photos.sql"}};

const struct module photos_module = {
    .name = "photos",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .statements = (const struct sql_list *const[]){&photo_statements, &photo_forget_statements,
                                                   &photo_verify_statements, NULL},
    .ciphers = photo_ciphers,
    .cipher_count = PHOTO_CIPHERS,
};
