/* SPDX-License-Identifier: Apache-2.0 */
/* Entries for people: a line each, in the time format of the mode; verbose; and only the message. */
#include "cli/journalctl/print_private.h"
#include "base/zone.h"
#include "cli/terminal.h"
#include "syntax/names.h"
#include "syntax/timestamp.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

/* Where something is left out: longer values, lines beyond these. */
#define VALUE_MAX 300
#define LINES_MAX 3

const char *const print_mode_names[PRINT_MODES] = {
    "short",         "short-full",      "short-iso",   "short-iso-precise",
    "short-precise", "short-monotonic", "short-delta", "short-unix",
    "verbose",       "export",          "json",        "json-pretty",
    "json-sse",      "json-seq",        "cat",         "with-unit",
};

int print_mode_from_string(const char *s) {
    for (int i = 0; i < PRINT_MODES; i++)
        if (strcmp(s, print_mode_names[i]) == 0)
            return i;
    return -EINVAL;
}

void print_state_done(struct print_state *s) {
    text_free(&s->out);
    text_free(&s->large);
    free(s->fields.list);
}

/* --- text ------------------------------------------------------------------------------------------------------ */
bool is_printable(const char *s, size_t n, bool lines) {
    const unsigned char *p = (const unsigned char *)s, *end = p + n;
    while (p < end) {
        uint32_t c = *p++;
        if (c >= ' ' && c < 0x7f)
            continue;
        if (c < 0x80) {
            if (c == '\t' || (c == '\n' && lines))
                continue;
            return false;
        }
        int more = c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc2 && c < 0xe0 ? 1 : -1;
        if (more < 0 || end - p < more)
            return false;
        c &= 0x3fu >> more;
        for (int i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
            c = c << 6 | (*p & 0x3f);
        }
        static const uint32_t least[] = { 0, 0xa0, 0x800, 0x10000 };
        /* Nor surrogates, nor what Unicode says is no character. */
        if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || (c >= 0xfdd0 && c < 0xfdf0) ||
            (c & 0xfffe) == 0xfffe)
            return false;
    }
    return true;
}

const char color_highlight[] = "\x1b[0;1;39m", color_normal[] = "\x1b[0m";
static const char color_red[] = "\x1b[0;1;31m", color_yellow[] = "\x1b[0;1;38;5;185m",
                  color_grey[] = "\x1b[0;38;5;245m", color_blue[] = "\x1b[0;34m", color_underline[] = "\x1b[0;4m";

struct colors {
    const char *on, *off, *match;
};

static struct colors colors_of(int priority, bool audit) {
    if (priority <= LOG_ERR)
        return (struct colors){ color_red, color_normal, color_highlight };
    if (priority <= LOG_WARNING)
        return (struct colors){ color_yellow, color_normal, color_red };
    if (priority <= LOG_NOTICE)
        return (struct colors){ color_highlight, color_normal, color_red };
    if (priority >= LOG_DEBUG)
        return (struct colors){ color_grey, color_normal, color_red };
    return (struct colors){ audit ? color_blue : "", audit ? color_normal : "", color_red };
}

static void add_spaces(struct text *out, unsigned n) {
    for (; n > 0; n -= MIN(n, 8u))
        text_add_n(out, "        ", MIN(n, 8u));
}

/* What `columns` have room for, with a mark where something is missing: at the end, or near it. */
static void add_shortened(struct text *out, const char *s, size_t n, unsigned columns, bool at_end) {
    bool utf8 = terminal_utf8();
    unsigned mark = utf8 ? 1 : 3;
    if (columns < mark + 1)
        return;
    size_t first = ((columns - mark) * (at_end ? 100u : 90u) + 50) / 100, rest = columns - mark - first;
    while (first > 0 && first < n && ((unsigned char)s[first] & 0xc0) == 0x80)
        first--;
    while (rest > 0 && ((unsigned char)s[n - rest] & 0xc0) == 0x80)
        rest--;
    text_add_n(out, s, MIN(first, n));
    text_add(out, utf8 ? "…" : "...");
    text_add_n(out, s + n - MIN(rest, n), MIN(rest, n));
}

bool print_message(struct text *out, const struct print_options *o, unsigned indent, int priority, bool audit,
                   const char *message, size_t n, size_t begin, size_t end) {
    struct colors c = o->color ? colors_of(priority, audit) : (struct colors){ "", "", "" };
    if (n == 0)
        text_add_char(out, '\n');
    size_t line = 0;
    for (size_t at = 0; at < n; line++) {
        const char *newline = memchr(message + at, '\n', n - at), *s = message + at;
        size_t size = newline ? (size_t)(newline - s) : n - at;
        /* With --all, what is no text is shown up to its first NUL. */
        size_t step = size + 1;
        size = strnlen(s, size);
        if (line > 0)
            add_spaces(out, indent);
        text_add(out, c.on);
        /* The last one that is shown? */
        bool last = line + 1 == LINES_MAX || at + size + 1 >= VALUE_MAX;
        if (!o->ellipsize || (indent + size + 1 < o->columns && !last)) {
            if (o->color && end > 0 && begin < at + size && end > at) {
                size_t from = begin > at ? begin - at : 0, to = MIN(end - at, size);
                text_add_n(out, s, from);
                text_add(out, c.match);
                text_add_n(out, s + from, to - from);
                text_add(out, *c.on ? c.on : color_normal);
                text_add_n(out, s + to, size - to);
            } else
                text_add_n(out, s, size);
            text_add(out, c.off);
            text_add_char(out, '\n');
            at += step;
            continue;
        }
        if (indent >= o->columns || o->columns - indent < 3)
            text_add(out, "...");
        else if (o->columns - indent > size + 3) {
            text_add_n(out, s, size);
            text_add(out, "...");
        } else
            add_shortened(out, s, size, o->columns - indent, last);
        text_add(out, c.off);
        text_add_char(out, '\n');
        if (last)
            return true;
        at += step;
    }
    return false;
}

/* A message as it came: tabs become spaces, colours and links of terminals go, and carriage returns before line ends.
 * The highlighted part moves along. */
static void clean(struct text *out, const char *s, size_t n, size_t *begin, size_t *end) {
    size_t returns = 0, old_begin = *begin, old_end = *end;
    for (size_t i = 0; i < n;) {
        if (i == old_begin)
            *begin = out->len;
        if (i == old_end)
            *end = out->len;
        if (s[i] == '\r') {
            returns++;
            i++;
            continue;
        }
        if (s[i] == '\n')
            returns = 0;
        for (; returns > 0; returns--)
            text_add_char(out, '\r');
        size_t skip = 0;
        if (s[i] == '\x1b' && i + 1 < n && s[i + 1] == '[') {
            size_t k = i + 2;
            while (k < n && ((s[k] >= '0' && s[k] <= '9') || s[k] == ';'))
                k++;
            skip = k < n && s[k] == 'm' ? k + 1 - i : 0;
        } else if (s[i] == '\x1b' && i + 1 < n && s[i + 1] == ']') {
            size_t k = i + 2;
            while (k < n && (unsigned char)s[k] >= ' ' && (unsigned char)s[k] <= '~')
                k++;
            skip = k < n && s[k] == '\a' ? k + 1 - i : 0;
        }
        if (skip > 0) {
            i += skip;
            continue;
        }
        if (s[i] == '\t')
            text_add_n(out, "        ", 8);
        else
            text_add_char(out, s[i]);
        i++;
    }
    if (old_end >= n)
        *end = old_end ? out->len : 0;
}

static bool needs_cleaning(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (s[i] == '\t' || s[i] == '\r' || s[i] == '\x1b')
            return true;
    return false;
}

/* --- time ------------------------------------------------------------------------------------------------------ */
void print_realtime(const struct print_options *o, struct print_state *s, usec_t t) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct text *out = &s->out;
    struct tm tm;
    usec_t second = t / USEC_PER_SEC;
    unsigned long long fraction = t % USEC_PER_SEC;
    if (o->mode == PRINT_SHORT_UNIX) {
        text_addf(out, "%10llu.%06llu", (unsigned long long)second, fraction);
        return;
    }
    /* Most entries share their second with the one before. */
    if (second != s->second || !*s->clock) {
        s->second = second;
        zone_from_time((time_t)second, o->utc, &tm);
        if (o->mode == PRINT_SHORT_FULL || o->mode == PRINT_WITH_UNIT) {
            if (!timestamp_format(t, o->utc, s->clock))
                strcpy(s->clock, "n/a");
        } else if (o->mode == PRINT_SHORT_ISO || o->mode == PRINT_SHORT_ISO_PRECISE)
            snprintf(s->clock, sizeof s->clock, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        else
            snprintf(s->clock, sizeof s->clock, "%.3s %02d %02d:%02d:%02d", months + 3 * tm.tm_mon, tm.tm_mday,
                     tm.tm_hour, tm.tm_min, tm.tm_sec);
        s->offset = tm.tm_gmtoff / 60;
    }
    text_add(out, s->clock);
    if (o->mode == PRINT_SHORT_PRECISE || o->mode == PRINT_SHORT_ISO_PRECISE)
        text_addf(out, ".%06llu", fraction);
    if (o->mode == PRINT_SHORT_ISO || o->mode == PRINT_SHORT_ISO_PRECISE) {
        long east = s->offset < 0 ? -s->offset : s->offset;
        text_addf(out, "%c%02ld%02ld", s->offset < 0 ? '-' : '+', east / 60, east % 60);
    }
}

static void add_monotonic(struct text *out, usec_t t) {
    text_addf(out, "%5llu.%06llu", (unsigned long long)(t / USEC_PER_SEC), (unsigned long long)(t % USEC_PER_SEC));
}

static void print_monotonic(const struct print_options *o, struct text *out, const struct moment *t,
                            const struct moment *before) {
    text_add_char(out, '[');
    add_monotonic(out, t->monotonic);
    if (o->mode == PRINT_SHORT_DELTA && !before->known)
        add_spaces(out, 16);
    else if (o->mode == PRINT_SHORT_DELTA) {
        /* Over a boot only the time of day tells, and that may have been set. */
        bool same = id128_equal(t->boot_id, before->boot_id);
        text_add(out, " <");
        add_monotonic(out, same ? usec_sub(t->monotonic, before->monotonic) : usec_sub(t->realtime, before->realtime));
        text_add(out, same ? " >" : "*>");
    }
    text_add_char(out, ']');
}

/* --- one line ------------------------------------------------------------------------------------------------- */
enum {
    PID,
    COMM,
    PRIORITY,
    TRANSPORT,
    HOSTNAME,
    SYSLOG_PID,
    IDENTIFIER,
    SOURCE_REALTIME,
    SOURCE_MONOTONIC,
    MESSAGE,
    UNIT,
    USER_UNIT,
    WANTED
};
static const struct {
    const char *name;
    size_t size;
} wanted[WANTED] = {
#define ROW(name) { name, sizeof name - 1 }
    [PID] = ROW("_PID"),
    [COMM] = ROW("_COMM"),
    [PRIORITY] = ROW("PRIORITY"),
    [TRANSPORT] = ROW("_TRANSPORT"),
    [HOSTNAME] = ROW("_HOSTNAME"),
    [SYSLOG_PID] = ROW("SYSLOG_PID"),
    [IDENTIFIER] = ROW("SYSLOG_IDENTIFIER"),
    [SOURCE_REALTIME] = ROW("_SOURCE_REALTIME_TIMESTAMP"),
    [SOURCE_MONOTONIC] = ROW("_SOURCE_MONOTONIC_TIMESTAMP"),
    [MESSAGE] = ROW("MESSAGE"),
    [UNIT] = ROW("_SYSTEMD_UNIT"),
    [USER_UNIT] = ROW("_SYSTEMD_USER_UNIT"),
#undef ROW
};

/* The last of each name; NULL where there is none. */
static void pick(const struct print_fields *fields, const struct print_field *found[WANTED]) {
    for (int k = 0; k < WANTED; k++)
        found[k] = NULL;
    for (size_t i = 0; i < fields->n; i++)
        for (int k = 0; k < WANTED; k++)
            if (fields->list[i].name_size == wanted[k].size &&
                memcmp(fields->list[i].name, wanted[k].name, wanted[k].size) == 0)
                found[k] = &fields->list[i];
}

static usec_t stamp_of(const struct print_field *f, usec_t otherwise) {
    usec_t t = 0;
    if (!f || f->value_size == 0 || f->value_size > 18)
        return otherwise;
    for (size_t i = 0; i < f->value_size; i++) {
        if (f->value[i] < '0' || f->value[i] > '9')
            return otherwise;
        t = t * 10 + (usec_t)(f->value[i] - '0');
    }
    return t;
}

static usec_t realtime_of(const struct print_field *f, usec_t otherwise) {
    usec_t t = stamp_of(f, otherwise);
    return t > 0 && t < UINT64_C(1) << 55 ? t : otherwise;
}

static bool can_show(const struct print_options *o, const struct print_field *f) {
    return f && (o->all || (f->value_size < VALUE_MAX && is_printable(f->value, f->value_size, true)));
}

static void add_field(struct text *out, const char *before, const struct print_field *f) {
    text_add(out, before);
    text_add_n(out, f->value, f->value_size);
}

static int print_short(struct reader *r, const struct print_options *o, struct print_state *s, size_t begin,
                       size_t end) {
    const struct reader_entry *e = reader_entry(r);
    const struct print_field *f[WANTED];
    struct text *out = &s->out;
    char bytes[SIZE_TEXT_MAX];
    int k = print_collect(r, s, &s->fields);
    if (k < 0)
        return k;
    pick(&s->fields, f);
    usec_t realtime = realtime_of(f[SOURCE_REALTIME], e->realtime),
           monotonic = stamp_of(f[SOURCE_MONOTONIC], e->monotonic);
    struct moment before = s->before;
    s->before = (struct moment){ true, e->boot_id, monotonic, realtime };
    if (!f[MESSAGE])
        return 0;
    const char *message = f[MESSAGE]->value;
    size_t n = f[MESSAGE]->value_size, line = out->len;
    int shift = 0; /* of further lines, to where journalctl(1) puts them */
    const char *newline = o->first_line ? memchr(message, '\n', n) : NULL;
    if (newline)
        n = (size_t)(newline - message);
    _cleanup_text_ struct text cleaned = {};
    if (!o->all && needs_cleaning(message, n)) {
        clean(&cleaned, message, n, &begin, &end);
        if (cleaned.failed)
            return -ENOMEM;
        message = text_str(&cleaned);
        n = cleaned.len;
    }
    int priority = LOG_INFO;
    if (f[PRIORITY] && f[PRIORITY]->value_size == 1 && f[PRIORITY]->value[0] >= '0' && f[PRIORITY]->value[0] <= '7')
        priority = f[PRIORITY]->value[0] - '0';
    bool audit = f[TRANSPORT] && f[TRANSPORT]->value_size == 5 && memcmp(f[TRANSPORT]->value, "audit", 5) == 0;

    if (o->mode == PRINT_SHORT_MONOTONIC || o->mode == PRINT_SHORT_DELTA)
        print_monotonic(o, out, &s->before, &before);
    else
        print_realtime(o, s, realtime);
    if (!o->no_hostname && can_show(o, f[HOSTNAME]))
        add_field(out, " ", f[HOSTNAME]);
    bool unit = can_show(o, f[UNIT]), user_unit = can_show(o, f[USER_UNIT]);
    if (o->mode == PRINT_WITH_UNIT && (unit || user_unit)) {
        if (unit)
            add_field(out, " ", f[UNIT]);
        if (user_unit)
            add_field(out, unit ? "/" : " ", f[USER_UNIT]);
        /* Further lines are indented as if both names were as long as the first. */
        shift = user_unit ? (f[UNIT] ? (int)f[UNIT]->value_size : 0) - (int)f[USER_UNIT]->value_size : 0;
    } else if (can_show(o, f[IDENTIFIER]))
        add_field(out, " ", f[IDENTIFIER]);
    else if (can_show(o, f[COMM]))
        add_field(out, " ", f[COMM]);
    else {
        text_add(out, " unknown");
        shift = -(int)strlen(" unknown");
    }
    int pid = can_show(o, f[PID]) ? PID : SYSLOG_PID;
    if (can_show(o, f[pid])) {
        add_field(out, "[", f[pid]);
        text_add_char(out, ']');
    }
    text_add(out, ": ");
    if (!o->all && !is_printable(message, n, true))
        text_addf(out, "[%s blob data]\n", size_format(n, bytes));
    else
        print_message(out, o, (unsigned)((int)(out->len - line) + shift), priority, audit, message, n, begin, end);
    return 0;
}

/* --- several lines ---------------------------------------------------------------------------------------------- */
static int print_verbose(struct reader *r, const struct print_options *o, struct print_state *s) {
    const struct reader_entry *e = reader_entry(r);
    struct text *out = &s->out;
    char cursor[READER_CURSOR_MAX], when[TIMESTAMP_MAX], bytes[SIZE_TEXT_MAX];
    const struct print_field *found[WANTED];
    int k = print_collect(r, s, &s->fields);
    if (k < 0)
        return k;
    pick(&s->fields, found);
    usec_t t = realtime_of(found[SOURCE_REALTIME], e->realtime);
    reader_cursor(e, cursor);
    /* The fraction goes between the seconds and the zone. */
    const char *stamp = timestamp_format(t, o->utc, when), *zone = stamp ? strrchr(stamp, ' ') : NULL;
    text_add(out, o->color && stamp ? color_underline : "");
    if (zone)
        text_addf(out, "%.*s.%06llu%s", (int)(zone - stamp), stamp, (unsigned long long)(t % USEC_PER_SEC), zone);
    else
        text_add(out, "(no timestamp)");
    text_add(out, o->color && stamp ? color_normal : "");
    text_addf(out, " %s[%s]%s\n", o->color ? color_grey : "", cursor, o->color ? color_normal : "");
    for (size_t i = 0; i < s->fields.n; i++) {
        const struct print_field *f = &s->fields.list[i];
        if (!print_wants(o, f))
            continue;
        bool is_message = o->color && f->name_size == 7 && memcmp(f->name, "MESSAGE", 7) == 0;
        text_addf(out, "    %s%.*s=", is_message ? color_highlight : "", (int)f->name_size, f->name);
        struct print_options plain = { .all = o->all };
        if (o->all || ((!o->ellipsize || f->name_size + 1 + f->value_size < VALUE_MAX) &&
                       is_printable(f->value, f->value_size, true)))
            print_message(out, &plain, (unsigned)f->name_size + 5, LOG_INFO, false, f->value, f->value_size, 0, 0);
        else
            text_addf(out, "[%s blob data]%s\n", size_format(f->value_size, bytes), is_message ? color_normal : "");
    }
    return 0;
}

static int print_cat(struct reader *r, const struct print_options *o, struct print_state *s, size_t begin, size_t end) {
    static char *message_only[] = { "MESSAGE", NULL };
    struct text *out = &s->out;
    int k = print_collect(r, s, &s->fields);
    if (k < 0)
        return k;
    const struct print_field *found[WANTED];
    pick(&s->fields, found);
    struct colors c = { "", "", "" };
    if (o->color && found[PRIORITY] && found[PRIORITY]->value_size == 1)
        c = colors_of(found[PRIORITY]->value[0] - '0', false);
    for (char **name = o->fields ?: message_only; *name; name++)
        for (size_t i = 0; i < s->fields.n; i++) {
            const struct print_field *f = &s->fields.list[i];
            if (strlen(*name) != f->name_size || memcmp(*name, f->name, f->name_size) != 0)
                continue;
            text_add(out, c.on);
            if (o->color && end > 0 && end <= f->value_size && strcmp(*name, "MESSAGE") == 0) {
                text_add_n(out, f->value, begin);
                text_add(out, *c.on ? c.match : color_red);
                text_add_n(out, f->value + begin, end - begin);
                text_add(out, *c.on ? c.on : color_normal);
                text_add_n(out, f->value + end, f->value_size - end);
            } else
                text_add_n(out, f->value, f->value_size);
            text_add(out, c.off);
            text_add_char(out, '\n');
            break;
        }
    return 0;
}

int print_entry(struct reader *r, const struct print_options *o, struct print_state *s, size_t begin, size_t end) {
    int k;
    switch (o->mode) {
    case PRINT_VERBOSE:
        k = print_verbose(r, o, s);
        break;
    case PRINT_EXPORT:
        k = print_export(r, o, s);
        break;
    case PRINT_JSON:
    case PRINT_JSON_PRETTY:
    case PRINT_JSON_SSE:
    case PRINT_JSON_SEQ:
        k = print_json(r, o, s);
        break;
    case PRINT_CAT:
        k = print_cat(r, o, s, begin, end);
        break;
    default:
        k = print_short(r, o, s, begin, end);
    }
    return k < 0 ? k : s->out.failed ? -ENOMEM : 0;
}
