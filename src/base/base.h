/* base: what every room stands on. It knows nothing of epidemics. */
#ifndef CHENGMAI_BASE_BASE_H
#define CHENGMAI_BASE_BASE_H

#include "base/csv.h"
#include "base/embedded.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/text.h"
#include "base/time.h"
#include "base/world.h"
#include "base/xlsx.h"
#include "base/xlsx_read.h"

#endif
