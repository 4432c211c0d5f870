/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is given up all at once. An allocation that fails is remembered, so that a plan is checked
 * once, at its end. Knows nothing of plans. */
#pragma once

#include "base/macro.h"

struct arena;

/* NULL: no memory. */
struct arena *arena_new(void);
void arena_free(struct arena *a);
bool arena_failed(const struct arena *a);
/* Remembers that memory ran out elsewhere. */
void arena_fail(struct arena *a);

/* Zeroed and aligned for any type; NULL after a failure. */
void *arena_alloc(struct arena *a, size_t n);
/* These never return NULL: after a failure it is "". */
char *arena_string(struct arena *a, const char *s);
char *arena_string_n(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *format, ...) _printf_(2, 3);
