/* policies/retention.yaml as a city may write it: taken as a whole, or refused with words. */
#include "keeping/keeping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    if (!keeping_check_policy((struct slice){(const char *)data, size}, &err))
        REQUIRE(err.code != ERROR_NONE && err.what[0]);
    return 0;
}
