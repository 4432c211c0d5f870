/* SPDX-License-Identifier: Apache-2.0 */
/* When a calendar expression comes true next: the fields are walked from the year down, on the clock of the
 * expression's zone; only a candidate becomes a moment in time. */
#include "base/macro.h"
#include "base/zone.h"
#include "syntax/calendar.h"

#include <errno.h>

#define YEAR_LAST 2199

static int month_days(int year, int month) {
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* 0: Monday. */
static int weekday(int year, int month, int day) {
    static const int offsets[] = { 0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4 };
    int y = month < 3 ? year - 1 : year;
    return (y + y / 4 - y / 100 + y / 400 + offsets[month - 1] + day + 6) % 7;
}

/* The least value of the field from `value` to `last`, or -1. `flip`: values count down from flip. */
static int next_value(const struct calendar_field *field, int value, int last, int flip) {
    if (value > last)
        return -1;
    int best = field->n == 0 ? value : -1;
    for (size_t i = 0; i < field->n; i++) {
        struct calendar_range range = field->ranges[i];
        if (flip > 0 && range.stop >= 0)
            range = (struct calendar_range){ flip - range.stop, flip - range.start, range.repeat };
        else if (flip > 0)
            range.start = flip - range.start;
        int found = range.start;
        if (found < value && range.repeat > 0)
            found += (value - found + range.repeat - 1) / range.repeat * range.repeat;
        if (found >= value && found <= (range.stop >= 0 ? range.stop : last) && found <= last &&
            (range.repeat > 0 || found == range.start) && (best < 0 || found < best))
            best = found;
    }
    return best;
}

/* The second that shows these fields, in summer time or not; -1: the clock never does. */
static time_t to_time(const struct calendar *c, const int v[CALENDAR_UNITS], int dst) {
    struct tm tm = { .tm_year = v[CALENDAR_YEAR] - 1900,
                     .tm_mon = v[CALENDAR_MONTH] - 1,
                     .tm_mday = v[CALENDAR_DAY],
                     .tm_hour = v[CALENDAR_HOUR],
                     .tm_min = v[CALENDAR_MINUTE],
                     .tm_sec = v[CALENDAR_USEC] / (int)USEC_PER_SEC,
                     .tm_isdst = dst };
    time_t t = zone_to_time(&tm, c->utc);
    return tm.tm_hour == v[CALENDAR_HOUR] && tm.tm_min == v[CALENDAR_MINUTE] && tm.tm_mday == v[CALENDAR_DAY] ? t : -1;
}

struct search {
    const struct calendar *c;
    int start[CALENDAR_UNITS], v[CALENDAR_UNITS];
    usec_t after;
};

/* Are all fields above this one as they were at the start? Then this one must not go back. */
static int least(const struct search *s, enum calendar_unit unit, int first) {
    for (int above = 0; above < (int)unit; above++)
        if (s->v[above] != s->start[above])
            return first;
    return s->start[unit];
}

#define FOR_EACH(s, unit, first, last, flip)                                                                           \
    for ((s)->v[unit] = next_value(&(s)->c->fields[unit], least(s, unit, first), last, flip); (s)->v[unit] >= 0;       \
         (s)->v[unit] = next_value(&(s)->c->fields[unit], (s)->v[unit] + 1, last, flip))

/* Within an hour that comes. */
static bool find_in_hour(struct search *s, usec_t *ret) {
    FOR_EACH(s, CALENDAR_MINUTE, 0, 59, 0)
        FOR_EACH(s, CALENDAR_USEC, 0, 60 * (int)USEC_PER_SEC - 1, 0) {
            usec_t fraction = (usec_t)(s->v[CALENDAR_USEC] % (int)USEC_PER_SEC);
            /* Where the clock shows an hour twice, the first of the two that is still to come. */
            usec_t best = USEC_INFINITY;
            for (int dst = 0; dst < 2; dst++) {
                time_t t = s->c->dst < 0 || s->c->dst == dst ? to_time(s->c, s->v, dst) : -1;
                usec_t found = (usec_t)t * USEC_PER_SEC + fraction;
                if (t >= 0 && found > s->after)
                    best = MIN(best, found);
            }
            if (best != USEC_INFINITY) {
                *ret = best;
                return true;
            }
            return false; /* an hour that the clock leaves out, or has shown already */
        }
    return false;
}

static bool find_in_day(struct search *s, usec_t *ret) {
    FOR_EACH(s, CALENDAR_HOUR, 0, 23, 0)
        if (find_in_hour(s, ret))
            return true;
    return false;
}

static bool find(struct search *s, usec_t *ret) {
    FOR_EACH(s, CALENDAR_YEAR, 1970, YEAR_LAST, 0)
        FOR_EACH(s, CALENDAR_MONTH, 1, 12, 0) {
            int days = month_days(s->v[CALENDAR_YEAR], s->v[CALENDAR_MONTH]);
            FOR_EACH(s, CALENDAR_DAY, 1, days, s->c->from_end ? days + 1 : 0)
                if ((s->c->weekdays == 0 ||
                     s->c->weekdays & 1u << weekday(s->v[CALENDAR_YEAR], s->v[CALENDAR_MONTH], s->v[CALENDAR_DAY])) &&
                    find_in_day(s, ret))
                    return true;
        }
    return false;
}

int calendar_next(const struct calendar *c, usec_t after, usec_t *ret) {
    if (after > (usec_t)INT64_MAX / 2)
        return -ENOENT;
    _cleanup_zone_ struct zone_guard guard;
    int r = zone_enter(c->zone, &guard);
    if (r < 0)
        return r;
    struct tm tm;
    usec_t from = after + 1;
    zone_from_time((time_t)(from / USEC_PER_SEC), c->utc, &tm);
    struct search s = { .c = c,
                        .start = { tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                                   tm.tm_sec * (int)USEC_PER_SEC + (int)(from % USEC_PER_SEC) },
                        .after = after };
    return find(&s, ret) ? 0 : -ENOENT;
}
