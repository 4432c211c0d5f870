/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar expressions to and from text. Finding the next moment: calendar_next.c. */
#include "syntax/calendar.h"
#include "base/macro.h"
#include "base/text.h"
#include "base/zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An expression with more parts than this in one field is no expression a person wrote. */
#define RANGES_MAX 240

/* What each unit may be, in the order of the fields. */
static const struct {
    int first, last;
} bounds[CALENDAR_UNITS] = { { 1970, 2199 }, { 1, 12 }, { 1, 31 },
                             { 0, 23 },      { 0, 59 }, { 0, 60 * (int)USEC_PER_SEC - 1 } };

static const char weekdays[][10] = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" };
#define ALL_WEEKDAYS 0x7fu

static const struct {
    const char *name, *meaning;
} shortcuts[] = {
    { "minutely", "*-*-* *:*:00" },
    { "hourly", "*-*-* *:00:00" },
    { "daily", "*-*-* 00:00:00" },
    { "monthly", "*-*-01 00:00:00" },
    { "weekly", "Mon *-*-* 00:00:00" },
    { "yearly", "*-01-01 00:00:00" },
    { "annually", "*-01-01 00:00:00" },
    { "anually", "*-01-01 00:00:00" },
    { "quarterly", "*-01,04,07,10-01 00:00:00" },
    { "biannually", "*-01,07-01 00:00:00" },
    { "bi-annually", "*-01,07-01 00:00:00" },
    { "semiannually", "*-01,07-01 00:00:00" },
    { "semi-annually", "*-01,07-01 00:00:00" },
};

void calendar_done(struct calendar *c) {
    for (size_t i = 0; i < CALENDAR_UNITS; i++)
        free(c->fields[i].ranges);
    free(c->zone);
    *c = (struct calendar){};
}

/* --- one field ------------------------------------------------------------------------------------------ */
static bool digit(char c) {
    return c >= '0' && c <= '9';
}

/* A number; for seconds with up to six digits behind the point, in microseconds. */
static int parse_number(const char **p, bool seconds, int *ret) {
    const char *s = *p;
    int64_t n = 0;
    if (!digit(*s))
        return -EINVAL;
    for (; digit(*s); s++)
        if ((n = n * 10 + (*s - '0')) > INT32_MAX / (int)USEC_PER_SEC * (seconds ? 1 : (int)USEC_PER_SEC))
            return -ERANGE;
    if (seconds) {
        n *= (int)USEC_PER_SEC;
        if (s[0] == '.' && s[1] != '.') {
            s++;
            if (!digit(*s))
                return -EINVAL;
            for (int unit = (int)USEC_PER_SEC / 10; digit(*s); s++, unit /= 10) {
                n += (*s - '0') * unit;
                if (unit == 1 && digit(s[1]) && s[1] >= '5')
                    n++;
            }
        }
    }
    *p = s;
    *ret = (int)n;
    return 0;
}

static int add_range(struct calendar_field *field, struct calendar_range range) {
    if (field->n >= RANGES_MAX)
        return -EINVAL;
    struct calendar_range *more = reallocarray(field->ranges, field->n + 1, sizeof(*more));
    if (!more)
        return -ENOMEM;
    field->ranges = more;
    field->ranges[field->n++] = range;
    return 0;
}

static int parse_field(const char **p, bool seconds, struct calendar_field *field) {
    const int unit = seconds ? (int)USEC_PER_SEC : 1;
    if (**p == '*') {
        ++*p;
        return seconds ? add_range(field, (struct calendar_range){ 0, -1, unit }) : 0;
    }
    for (;; ++*p) {
        struct calendar_range range = { .stop = -1 };
        bool to = false;
        int r = parse_number(p, seconds, &range.start);
        if (r >= 0 && strncmp(*p, "..", 2) == 0) {
            to = true;
            *p += 2;
            r = parse_number(p, seconds, &range.stop);
        }
        if (r >= 0 && **p == '/') {
            ++*p;
            r = parse_number(p, seconds, &range.repeat);
            if (r >= 0 && range.repeat == 0)
                return -EINVAL;
        } else if (r >= 0 && to) {
            /* Less than a second apart, and no step: then which moments are meant? */
            if (seconds && range.stop - range.start < unit)
                return -EINVAL;
            range.repeat = unit;
        }
        if (r >= 0)
            r = add_range(field, range);
        if (r < 0)
            return r;
        if (**p != ',')
            return 0;
    }
}

static int compare_ranges(const void *a, const void *b) {
    const struct calendar_range *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->stop != y->stop)
        return x->stop < y->stop ? -1 : 1;
    return x->repeat == y->repeat ? 0 : x->repeat < y->repeat ? -1 : 1;
}

static int full_year(int year) {
    return year < 0 ? year : year < 70 ? year + 2000 : year < 100 ? year + 1900 : year;
}

/* Sorted, each range once, ends where its last step ends. -EINVAL: out of bounds. */
static int normalize(struct calendar_field *field, enum calendar_unit unit, bool from_end) {
    /* Every month has a 28th last day. */
    const int first = bounds[unit].first, last = from_end ? 28 : bounds[unit].last;
    for (size_t i = 0; i < field->n; i++) {
        struct calendar_range *range = &field->ranges[i];
        if (unit == CALENDAR_YEAR) {
            range->start = full_year(range->start);
            range->stop = full_year(range->stop);
        }
        if (range->stop > range->start && range->repeat > 0)
            range->stop -= (range->stop - range->start) % range->repeat;
        if (range->stop == range->start) {
            range->stop = -1;
            range->repeat = 0;
        }
        if (range->start < first || range->start > last || range->repeat > last - first)
            return -EINVAL;
        /* The first repetition must come before the end of the unit. */
        if (range->stop >= 0
                ? range->stop > last || range->start > range->stop || range->repeat > range->stop - range->start
            : from_end ? range->repeat > range->start - first
                       : range->repeat > last - range->start)
            return -EINVAL;
    }
    if (field->n > 1)
        qsort(field->ranges, field->n, sizeof(*field->ranges), compare_ranges);
    size_t n = 0;
    for (size_t i = 0; i < field->n; i++)
        if (n == 0 || compare_ranges(&field->ranges[n - 1], &field->ranges[i]) != 0)
            field->ranges[n++] = field->ranges[i];
    field->n = n;
    return 0;
}

/* --- the parts ------------------------------------------------------------------------------------------ */
static void skip_spaces(const char **p) {
    *p += strspn(*p, " ");
}

/* The number of the weekday that s begins with, or -1. */
static int weekday_at(const char *s, size_t *ret_length) {
    for (int day = 0; day < 7; day++) {
        size_t length = strlen(weekdays[day]);
        if (strncasecmp(s, weekdays[day], length) != 0)
            length = strncasecmp(s, weekdays[day], 3) == 0 ? 3 : 0;
        if (length > 0) {
            *ret_length = length;
            return day;
        }
    }
    return -1;
}

/* "Mon..Wed,Sat-Sun, ": nothing at all is any day. */
static int parse_weekdays(const char **p, unsigned *ret) {
    unsigned days = 0;
    for (int from = -1;;) {
        size_t length;
        int day = weekday_at(*p, &length);
        if (day < 0)
            return days == 0 ? 0 : -EINVAL;
        *p += length;
        if (from > day)
            return -EINVAL;
        for (int i = from < 0 ? day : from; i <= day; i++)
            days |= 1u << i;
        *ret = days == ALL_WEEKDAYS ? 0 : days;
        if (**p == 0 || **p == ' ') {
            skip_spaces(p);
            return 0;
        }
        bool range = strncmp(*p, "..", 2) == 0;
        if (range || **p == '-') {
            if (from >= 0)
                return -EINVAL;
            from = day;
        } else if (**p == ',')
            from = -1;
        else
            return -EINVAL;
        *p += range ? 2 : 1;
        if (from < 0 && (**p == 0 || **p == ' ')) {
            skip_spaces(p);
            return 0;
        }
    }
}

/* "@1395716396": that one second. */
static int parse_epoch(const char **p, struct calendar *c) {
    const char *s = *p + 1;
    int64_t seconds = 0;
    if (!digit(*s))
        return -EINVAL;
    for (; digit(*s); s++)
        if ((seconds = seconds * 10 + (*s - '0')) > UINT32_MAX * INT64_C(4))
            return -ERANGE;
    if (*s)
        return -EINVAL;
    struct tm tm;
    zone_from_time((time_t)seconds, true, &tm);
    const int values[CALENDAR_UNITS] = { tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                                         tm.tm_hour,        tm.tm_min,     tm.tm_sec * (int)USEC_PER_SEC };
    for (int unit = 0; unit < CALENDAR_UNITS; unit++) {
        int r = add_range(&c->fields[unit], (struct calendar_range){ values[unit], -1, 0 });
        if (r < 0)
            return r;
    }
    c->utc = true;
    *p = s;
    return 0;
}

/* [[YEAR-]MONTH-]DAY, with ~ in the place of the last dash where days count from the end. What ends with a colon is a
 * time, and left where it is. */
static int parse_date(const char **p, struct calendar *c) {
    _cleanup_calendar_ struct calendar parts = {};
    const char *s = *p;
    int n = 0;
    for (bool from_end = false;;) {
        int r = parse_field(&s, false, &parts.fields[n++]);
        if (r < 0)
            return r;
        if (n == 1 && (*s == 0 || *s == ':'))
            return 0;
        if (n > 1 && (*s == 0 || *s == ' ')) {
            c->from_end = from_end;
            break;
        }
        if (n == 3 || from_end || (*s != '-' && *s != '~'))
            return -EINVAL;
        from_end = *s++ == '~';
    }
    for (int i = 0; i < n; i++) {
        c->fields[CALENDAR_DAY + 1 - n + i] = parts.fields[i];
        parts.fields[i] = (struct calendar_field){};
    }
    skip_spaces(&s);
    *p = s;
    return 0;
}

/* HOUR:MINUTE[:SECOND]; nothing at all is midnight. */
static int parse_time(const char **p, struct calendar *c) {
    static const struct calendar_range zero = { 0, -1, 0 };
    int r = 0;
    if (!**p) {
        for (int unit = CALENDAR_HOUR; unit < CALENDAR_UNITS && r >= 0; unit++)
            r = add_range(&c->fields[unit], zero);
        return r;
    }
    r = parse_field(p, false, &c->fields[CALENDAR_HOUR]);
    if (r < 0 || **p != ':')
        return r < 0 ? r : -EINVAL;
    ++*p;
    r = parse_field(p, false, &c->fields[CALENDAR_MINUTE]);
    if (r < 0 || !**p)
        return r < 0 ? r : add_range(&c->fields[CALENDAR_USEC], zero);
    if (**p != ':')
        return -EINVAL;
    ++*p;
    r = parse_field(p, true, &c->fields[CALENDAR_USEC]);
    return r < 0 ? r : **p ? -EINVAL : 0;
}

/* Cuts the time zone off the end, if there is one. */
static int take_zone(char *s, struct calendar *c) {
    char *word = strrchr(s, ' ');
    if (!word)
        return 0;
    c->utc = strcmp(word + 1, "UTC") == 0;
    for (int i = 0; i < 2 && !c->utc && c->dst < 0; i++)
        if (tzname[i] && *tzname[i] && strcmp(word + 1, tzname[i]) == 0)
            c->dst = i;
    if (!c->utc && c->dst < 0) {
        if (!zone_valid(word + 1))
            return 0;
        c->zone = strdup(word + 1);
        if (!c->zone)
            return -ENOMEM;
    }
    *word = 0;
    return 0;
}

int calendar_parse(const char *s, struct calendar *ret) {
    _cleanup_calendar_ struct calendar c = { .dst = -1 };
    _cleanup_free_ char *copy = strdup(s);
    if (!copy)
        return -ENOMEM;
    tzset();
    int r = take_zone(copy, &c);
    if (r < 0)
        return r;
    const char *p = copy;
    for (size_t i = 0; i < ELEMENTS(shortcuts); i++)
        if (strcasecmp(copy, shortcuts[i].name) == 0)
            p = shortcuts[i].meaning;
    if (!*p)
        return -EINVAL;
    r = parse_weekdays(&p, &c.weekdays);
    if (r >= 0 && *p == '@')
        r = parse_epoch(&p, &c);
    else if (r >= 0) {
        r = *p ? parse_date(&p, &c) : 0;
        if (r >= 0)
            r = parse_time(&p, &c);
    }
    c.from_end = c.from_end && c.fields[CALENDAR_DAY].n > 0;
    for (int unit = 0; unit < CALENDAR_UNITS && r >= 0; unit++)
        r = normalize(&c.fields[unit], (enum calendar_unit)unit, unit == CALENDAR_DAY && c.from_end);
    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL;
    *ret = c;
    c = (struct calendar){};
    return 0;
}

/* --- to text -------------------------------------------------------------------------------------------- */
static void format_weekdays(struct text *out, unsigned days) {
    const char *between = "";
    for (int from = 0; from < 7; from++) {
        if (!(days & 1u << from))
            continue;
        int to = from;
        while (to < 6 && days & 1u << (to + 1))
            to++;
        text_addf(out, "%s%.3s", between, weekdays[from]);
        if (to > from)
            text_addf(out, "%s%.3s", to > from + 1 ? ".." : ",", weekdays[to]);
        from = to;
        between = ",";
    }
}

static void format_value(struct text *out, const char *before, int value, int width, bool seconds) {
    const int unit = seconds ? (int)USEC_PER_SEC : 1;
    text_addf(out, "%s%0*d", before, width, value / unit);
    if (value % unit)
        text_addf(out, ".%06d", value % unit);
}

static void format_field(struct text *out, const struct calendar *c, enum calendar_unit unit) {
    const struct calendar_field *field = &c->fields[unit];
    const bool seconds = unit == CALENDAR_USEC;
    const int step = seconds ? (int)USEC_PER_SEC : 1, width = unit == CALENDAR_YEAR ? 4 : 2;
    if (field->n == 0 || (seconds && field->n == 1 && field->ranges[0].start == 0 && field->ranges[0].stop < 0 &&
                          field->ranges[0].repeat == step)) {
        text_add_char(out, '*');
        return;
    }
    for (size_t i = 0; i < field->n; i++) {
        const struct calendar_range *range = &field->ranges[i];
        format_value(out, i > 0 ? "," : "", range->start, width, seconds);
        if (range->stop > 0)
            format_value(out, "..", range->stop, width, seconds);
        if (range->repeat > 0 && !(range->stop > 0 && range->repeat == step))
            format_value(out, "/", range->repeat, 1, seconds);
    }
}

int calendar_format(const struct calendar *c, char **ret) {
    _cleanup_text_ struct text out = {};
    if (c->weekdays) {
        format_weekdays(&out, c->weekdays);
        text_add_char(&out, ' ');
    }
    const char after[] = { '-', c->from_end ? '~' : '-', ' ', ':', ':', 0 };
    for (int unit = 0; unit < CALENDAR_UNITS; unit++) {
        format_field(&out, c, (enum calendar_unit)unit);
        if (after[unit])
            text_add_char(&out, after[unit]);
    }
    const char *zone = c->utc ? "UTC" : c->zone ? c->zone : c->dst >= 0 ? tzname[c->dst] : NULL;
    if (zone)
        text_addf(&out, " %s", zone);
    char *s = text_take(&out);
    if (!s)
        return -ENOMEM;
    *ret = s;
    return 0;
}
