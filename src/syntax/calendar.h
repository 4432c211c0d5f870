/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar expressions: "Mon..Fri *-*-1..7 18:00", "daily", "*-02~03 UTC". systemd.time(7) "Calendar Events". */
#pragma once

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

enum calendar_unit {
    CALENDAR_YEAR,
    CALENDAR_MONTH,
    CALENDAR_DAY,
    CALENDAR_HOUR,
    CALENDAR_MINUTE,
    CALENDAR_USEC,
    CALENDAR_UNITS
};

/* start, and from there every `repeat` (0: never again) until stop (-1: to the end of the unit). */
struct calendar_range {
    int start, stop, repeat;
};

/* n == 0: any value. */
struct calendar_field {
    struct calendar_range *ranges;
    size_t n;
};

struct calendar {
    unsigned weekdays; /* 1 << 0: Monday; 0: any day */
    bool from_end;     /* days count from the end of the month: 1 is the last */
    bool utc;
    int dst; /* 0, 1: a local zone's name said so; -1: as it comes */
    char *zone; /* NULL: the local one */
    struct calendar_field fields[CALENDAR_UNITS];
};
void calendar_done(struct calendar *c);

/* 0 with *ret to be released; -EINVAL: not an expression; -ENOMEM. */
int calendar_parse(const char *s, struct calendar *ret);
/* The normalized form; the caller frees. */
int calendar_format(const struct calendar *c, char **ret);
/* The first moment after `after` (both CLOCK_REALTIME). -ENOENT: never. */
int calendar_next(const struct calendar *c, usec_t after, usec_t *ret);

#define _cleanup_calendar_ __attribute__((cleanup(calendar_done)))
