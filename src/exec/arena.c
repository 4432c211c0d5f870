/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A plain service's plan fits into the first chunk. */
#define CHUNK_SIZE 6144

struct chunk {
    struct chunk *next;
    size_t used, size;
    max_align_t data[];
};

struct arena {
    bool failed;
    struct chunk *chunks;
};

static struct chunk *chunk_new(size_t size) {
    struct chunk *c = malloc(sizeof(struct chunk) + size);
    if (c)
        *c = (struct chunk){ .size = size };
    return c;
}

/* The arena itself is the first thing in its first chunk. */
struct arena *arena_new(void) {
    struct chunk *c = chunk_new(CHUNK_SIZE);
    if (!c)
        return NULL;
    struct arena *a = (struct arena *)c->data;
    c->used = (sizeof(struct arena) + 15) & ~(size_t)15;
    *a = (struct arena){ .chunks = c };
    return a;
}

void arena_free(struct arena *a) {
    if (!a)
        return;
    for (struct chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
}

bool arena_failed(const struct arena *a) {
    return a->failed;
}

void arena_fail(struct arena *a) {
    a->failed = true;
}

static void *arena_raw(struct arena *a, size_t n, size_t align) {
    if (a->failed)
        return NULL;
    struct chunk *c = a->chunks;
    size_t at = (c->used + align - 1) & ~(align - 1);
    if (at > c->size || c->size - at < n) {
        if (n > SIZE_MAX / 2 || !(c = chunk_new(MAX(n, (size_t)CHUNK_SIZE)))) {
            a->failed = true;
            return NULL;
        }
        /* The newest chunk is the head; the first one, which holds the arena, stays the last. */
        c->next = a->chunks;
        a->chunks = c;
        at = 0;
    }
    c->used = at + n;
    return (char *)c->data + at;
}

void *arena_alloc(struct arena *a, size_t n) {
    void *p = arena_raw(a, n, _Alignof(max_align_t));
    return p ? memset(p, 0, n) : NULL;
}

char *arena_string_n(struct arena *a, const char *s, size_t n) {
    static char empty[1];
    char *p = arena_raw(a, n + 1, 1);
    if (!p)
        return empty;
    if (n > 0)
        memcpy(p, s, n);
    p[n] = 0;
    return p;
}

char *arena_string(struct arena *a, const char *s) {
    return arena_string_n(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *format, ...) {
    static char empty[1];
    char buffer[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(buffer, sizeof(buffer), format, args);
    va_end(args);
    if (n < 0) {
        a->failed = true;
        return empty;
    }
    if ((size_t)n < sizeof(buffer))
        return arena_string_n(a, buffer, (size_t)n);
    char *p = arena_raw(a, (size_t)n + 1, 1);
    if (!p)
        return empty;
    va_start(args, format);
    vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return p;
}
