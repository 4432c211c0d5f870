/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a notification, apart from where it comes from. sd_notify(3). */
#include "engine/notify.h"
#include "base/strv.h"

#include <errno.h>
#include <string.h>

int notify_parse(const char *message, size_t size, char ***ret) {
    if (size > 0 && message[size - 1] == 0)
        size--;
    if (size == 0 || memchr(message, 0, size))
        return -EINVAL;
    if (size > NOTIFY_SIZE_MAX)
        return -E2BIG;
    size_t lines = 0;
    const char *end = message + size;
    for (const char *p = message, *stop; p < end; p = stop + 1) {
        stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop ? stop : end;
        lines += stop > p;
    }
    if (lines == 0)
        return -EINVAL;
    if (lines > NOTIFY_LINES_MAX)
        return -E2BIG;
    _cleanup_strv_ char **tags = calloc(lines + 1, sizeof(*tags));
    if (!tags)
        return -ENOMEM;
    size_t n = 0;
    for (const char *p = message, *stop; p < end; p = stop + 1) {
        stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop ? stop : end;
        if (stop == p)
            continue;
        tags[n] = strndup(p, (size_t)(stop - p));
        if (!tags[n++])
            return -ENOMEM;
    }
    *ret = TAKE(tags);
    return 0;
}
