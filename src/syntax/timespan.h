/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of time: "5min 20s", "2", "infinity". systemd.time(7) "Parsing Time Spans". */
#pragma once

#include "base/clock.h"
#include "base/macro.h"

/* A number without a unit counts default_unit microseconds each. -EINVAL, -ERANGE. */
int timespan_parse(const char *s, usec_t default_unit, usec_t *ret);
/* In nanoseconds, with "ns" and "nsec" for units of one, which is what a number without a unit counts. */
int timespan_parse_nsec(const char *s, uint64_t *ret);
/* As systemd prints it: "1min 30s", "infinity", "0". Units below `accuracy` are dropped. `buffer` is returned. */
char *timespan_format(usec_t span, usec_t accuracy, char *buffer, size_t size);
