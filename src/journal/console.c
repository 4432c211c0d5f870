/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/console.h"
#include "base/glob.h"
#include "base/strv.h"
#include "base/text.h"
#include "journal/log_settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* Kept between batches; what a blocked stdout made it grow beyond is given back. */
#define BUFFER_KEPT (2 * CONSOLE_BATCH)
/* Kept over a long sleep. */
#define BUFFER_SMALL (16 * 1024)
#define PREFIX_MAX 512

size_t console_waiting(const struct console *c) {
    return c->tail - c->head;
}

enum console_state console_state(const struct console *c) {
    return console_waiting(c) == 0 ? CONSOLE_EMPTY : c->stuck ? CONSOLE_STUCK : CONSOLE_PENDING;
}

usec_t console_deadline(const struct console *c) {
    return c->blocked && !c->stuck ? usec_add(c->progress, CONSOLE_PATIENCE) : USEC_INFINITY;
}

/* Makes room for n bytes more. */
static bool reserve(struct console *c, size_t n) {
    if (c->size - c->tail >= n)
        return true;
    if (c->head > 0 && (c->size - console_waiting(c) >= n + c->head || console_waiting(c) == 0)) {
        memmove(c->buffer, c->buffer + c->head, console_waiting(c));
        c->tail -= c->head;
        c->head = 0;
        if (c->size - c->tail >= n)
            return true;
    }
    size_t size = MAX(c->size, (size_t)4096);
    while (size - c->tail < n)
        size *= 2;
    char *buffer = realloc(c->buffer, size);
    if (!buffer)
        return false;
    c->buffer = buffer;
    c->size = size;
    return true;
}

static void put_line(struct console *c, const char *prefix, size_t prefix_size, const char *text, size_t n) {
    if (console_waiting(c) + prefix_size + n + 1 > CONSOLE_KEEP_MAX || !reserve(c, prefix_size + n + 1)) {
        c->n_lost++;
        return;
    }
    char *p = c->buffer + c->tail;
    memcpy(p, prefix, prefix_size);
    memcpy(p + prefix_size, text, n);
    p[prefix_size + n] = '\n';
    c->tail += prefix_size + n + 1;
}

static size_t format_prefix(const struct entry *e, char *prefix, size_t size) {
    int n;
    if (e->transport == ENTRY_MANAGER)
        n = snprintf(prefix, size, "reeve: "); /* the text names its unit itself */
    else if (e->transport == ENTRY_PIPE || e->transport == ENTRY_FILE)
        n = snprintf(prefix, size, "%s: ", e->unit ? e->unit : "unknown");
    else {
        const char *unit = e->unit ? e->unit : "", *colon = e->unit ? ": " : "";
        const char *identifier = e->identifier ? e->identifier : "unknown";
        n = e->pid > 0 ? snprintf(prefix, size, "%s%s%s[%d]: ", unit, colon, identifier, (int)e->pid)
                       : snprintf(prefix, size, "%s%s%s: ", unit, colon, identifier);
    }
    return n < 0 ? 0 : MIN((size_t)n, size - 1);
}

static size_t make_prefix(const struct console *c, const struct entry *e, char prefix[static PREFIX_MAX]) {
    const char *colour = c->colour ? console_colour(e->level) : NULL;
    int n = colour ? snprintf(prefix, PREFIX_MAX, "%s", colour) : 0;
    size_t size = format_prefix(e, prefix + n, PREFIX_MAX - (size_t)n - 8) + (size_t)n;
    /* The name is coloured, not the text, which may have colours of its own. */
    return colour ? size + (size_t)snprintf(prefix + size, 8, "\x1b[0m") : size;
}

static void flush_batch(struct console *c) {
    if (console_waiting(c) >= CONSOLE_BATCH && !c->blocked)
        console_flush(c);
}

/* --- what is shown --- */
#define SUFFIX_SERVICE ".service"

int console_rules_set_units(struct console_rules *rules, const char *words) {
    bool inverted = *words == '~';
    _cleanup_strv_ char **list = strv_split(words + inverted, " \t,"), **units = NULL;
    STRV_FOREACH(name, list) {
        if (!**name)
            continue;
        bool whole = strchr(*name, '.') || glob_is_pattern(*name);
        int r = strv_addf(&units, "%s%s", *name, whole ? "" : SUFFIX_SERVICE);
        if (r < 0)
            return r;
    }
    strv_free(rules->units);
    rules->units = TAKE(units);
    rules->units_inverted = inverted;
    return 0;
}

static bool unit_is_shown(const struct console_rules *rules, const char *unit) {
    if (!rules->units)
        return true;
    bool found = false;
    STRV_FOREACH(pattern, rules->units)
        found = found || glob_match(*pattern, unit, 0);
    return found != rules->units_inverted;
}

/* CONSOLE_NONE: not at all, or not here. */
static enum console_format format_for(const struct console *c, const struct entry *e) {
    const struct console_rules *rules = c->rules;
    if (!e->console || !e->message || !rules->on)
        return CONSOLE_NONE;
    int format = log_settings_format(e->settings), level = log_settings_level(e->settings);
    if (e->level > (level >= 0 ? level : rules->max_level))
        return CONSOLE_NONE;
    bool manager = e->transport == ENTRY_MANAGER;
    if (manager && e->level > rules->max_manager_level)
        return CONSOLE_NONE;
    if (!unit_is_shown(rules, manager ? "init.scope" : e->unit ? e->unit : ""))
        return CONSOLE_NONE;
    bool error = log_settings_errors(e->settings) ||
                 (rules->split && e->transport != ENTRY_PIPE && e->transport != ENTRY_FILE && e->level <= LOG_ERR);
    if (error != c->errors)
        return CONSOLE_NONE;
    return format >= 0 ? (enum console_format)format : rules->format;
}

static void console_write(struct sink *sink, const struct entry *e) {
    struct console *c = (struct console *)sink;
    enum console_format format = format_for(c, e);
    if (format == CONSOLE_NONE)
        return;
    if (format == CONSOLE_JSON || format == CONSOLE_LOGFMT) {
        _cleanup_text_ struct text line = {};
        if (console_format_entry(format, e, &line) >= 0)
            put_line(c, "", 0, text_str(&line), line.len - 1);
        flush_batch(c);
        return;
    }
    char prefix[PREFIX_MAX];
    size_t prefix_size = format == CONSOLE_CAT ? 0 : make_prefix(c, e, prefix);
    const char *p = e->message, *end = p + e->size;
    for (;;) {
        const char *newline = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        const char *stop = newline ? newline : end;
        put_line(c, prefix, prefix_size, p, (size_t)(stop - p));
        if (!newline || newline + 1 == end)
            break;
        p = newline + 1;
    }
    flush_batch(c);
}

static void moved(struct console *c) {
    c->progress = now(CLOCK_MONOTONIC);
    c->blocked = c->stuck = false;
}

/* After a stop, says what it cost. */
static void say_lost(struct console *c) {
    if (c->n_lost == 0)
        return;
    char text[96];
    int n = snprintf(text, sizeof(text), "reeve: %s did not take output for a while: %lu lines were lost\n",
                     c->errors ? "stderr" : "stdout", c->n_lost);
    if (n > 0 && reserve(c, (size_t)n)) {
        memcpy(c->buffer + c->tail, text, (size_t)n);
        c->tail += (size_t)n;
        c->n_lost = 0;
    }
}

static unsigned long waiting_lines(const struct console *c) {
    unsigned long n = 0;
    for (size_t i = c->head; i < c->tail; i++)
        n += c->buffer[i] == '\n';
    return n;
}

void console_flush(struct console *c) {
    for (;;) {
        if (console_waiting(c) == 0) {
            c->head = c->tail = 0;
            if (c->n_lost == 0)
                break;
            say_lost(c);
            if (console_waiting(c) == 0)
                break;
        }
        ssize_t n = output_write(&c->output, c->buffer + c->head, console_waiting(c));
        if (n > 0) {
            c->head += (size_t)n;
            moved(c);
        } else if (n == -EAGAIN) {
            usec_t time = now(CLOCK_MONOTONIC);
            if (!c->blocked) {
                c->blocked = true;
                c->progress = time;
            } else if (time - c->progress >= CONSOLE_PATIENCE)
                c->stuck = true;
            return;
        } else {
            /* Closed: nobody is there to be told. A full disk may be told later. Nothing waits for either. */
            c->n_lost = n == -ENOSPC || n == -EDQUOT ? c->n_lost + waiting_lines(c) : 0;
            c->head = c->tail = 0;
            c->blocked = c->stuck = false;
            break;
        }
    }
    if (c->size > BUFFER_KEPT)
        console_rest(c);
}

void console_rest(struct console *c) {
    if (console_waiting(c) > 0 || c->size <= BUFFER_SMALL)
        return;
    free(c->buffer);
    c->buffer = NULL;
    c->size = c->head = c->tail = 0;
}

void console_open(struct console *c, int fd, bool errors, const struct console_rules *rules) {
    *c = (struct console){ .sink = { .write = console_write }, .errors = errors, .rules = rules };
    c->colour = isatty(fd) && !getenv("NO_COLOR");
    output_open(&c->output, fd);
}

void console_close(struct console *c) {
    output_close(&c->output);
    free(c->buffer);
    *c = (struct console){ .output = { .own_fd = -1 } };
}
