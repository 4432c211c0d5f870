/* SPDX-License-Identifier: Apache-2.0 */
/* What daemons write into their PID files. */
#include "syntax/names.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pid_t pid = 0;
    if (pid_file_parse((const char *)data, size, &pid) >= 0 && pid <= 0)
        abort();
    return 0;
}
