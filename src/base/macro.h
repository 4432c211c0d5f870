/* SPDX-License-Identifier: Apache-2.0 */
/* The handful of macros everything uses. Knows nothing of the system. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _pure_ __attribute__((pure))

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CONTAINER_OF(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

/* Hands a pointer over to the caller and forgets it: return TAKE(p); */
#define TAKE(p)               \
    ({                        \
        typeof(p) taken_ = (p); \
        (p) = NULL;           \
        taken_;               \
    })
/* The same for a file descriptor. */
#define TAKE_FD(fd)     \
    ({                  \
        int taken_ = (fd); \
        (fd) = -1;      \
        taken_;         \
    })

static inline void freep(void *p) {
    free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)
