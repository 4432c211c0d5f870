/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/oom.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/scan.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_FILE_MAX 4096

/* "NAME NUMBER" lines. */
static bool find_count(const char *text, const char *name, uint64_t *ret) {
    size_t n = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, "\n");
        const char *at = line + n;
        if (strncmp(line, name, n) == 0 && *at == ' ')
            return scan_u64(&at, ret);
    }
    return false;
}

uint64_t oom_kills(const char *root) {
    static const char *const files[] = { "memory.events", "memory/memory.oom_control" };
    uint64_t count = UINT64_MAX;
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        _cleanup_free_ char *path = path_join(root, files[i]), *text = NULL;
        if (path && file_read(path, SMALL_FILE_MAX, &text, NULL) >= 0 && find_count(text, "oom_kill", &count))
            break;
    }
    return count;
}
