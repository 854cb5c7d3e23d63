/* Inside the checkin room only. */
#ifndef CHENGMAI_CHECKIN_INTERNAL_H
#define CHENGMAI_CHECKIN_INTERNAL_H

#include "checkin/checkin.h"
#include "checkin/scan_request.h"

extern const struct import_kind import_checkins;
extern const struct export_kind export_checkins;

#endif
