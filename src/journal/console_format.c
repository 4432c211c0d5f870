/* SPDX-License-Identifier: Apache-2.0 */
/* An entry as lines of text, one way or another. Knows no output. */
#include "base/log.h"
#include "base/text.h"
#include "journal/console.h"
#include "syntax/json.h"
#include "syntax/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const format_names[CONSOLE_FORMATS] = { "short", "json", "logfmt", "cat", "none" };

int console_format_from_string(const char *s) {
    for (int i = 0; i < CONSOLE_FORMATS; i++)
        if (strcmp(s, format_names[i]) == 0)
            return i;
    return -EINVAL;
}

const char *console_colour(int level) {
    return level <= LOG_ERR ? "\x1b[31m" : level == LOG_WARNING ? "\x1b[33m" : level == LOG_DEBUG ? "\x1b[90m" : NULL;
}

void console_put_time(struct text *out, usec_t time) {
    char buffer[TIMESTAMP_MAX];
    const char *s = timestamp_format(time, true, buffer); /* "Sun 2026-11-22 06:00:00 UTC" */
    if (s && strlen(s) >= 23)
        text_addf(out, "%.10sT%.8s.%06uZ", s + 4, s + 15, (unsigned)(time % USEC_PER_SEC));
}

/* The text that identifies the sender best. */
static const char *identifier_of(const struct entry *e) {
    return e->transport == ENTRY_MANAGER ? "reeve" : e->identifier;
}

/* As agents that look for `severity` know it. */
static const char *severity(int level) {
    static const char *const names[] = {
        "EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"
    };
    return names[level & 7];
}

static void put_json(struct text *out, const struct entry *e, const char *message) {
    text_add(out, "{\"time\":\"");
    console_put_time(out, now(CLOCK_REALTIME));
    text_addf(out, "\",\"level\":\"%s\",\"severity\":\"%s\"", log_level_to_string(e->level), severity(e->level));
    if (e->unit) {
        text_add(out, ",\"unit\":");
        json_string(out, e->unit);
    }
    if (identifier_of(e)) {
        text_add(out, ",\"identifier\":");
        json_string(out, identifier_of(e));
    }
    if (e->pid > 0)
        text_addf(out, ",\"pid\":%d", (int)e->pid);
    text_add(out, ",\"message\":");
    json_string(out, message);
    text_add(out, "}\n");
}

/* In quotes where it is not a plain word. */
static void put_value(struct text *out, const char *name, const char *s) {
    text_addf(out, " %s=", name);
    bool plain = *s;
    for (const char *p = s; *p; p++)
        plain = plain && *p > ' ' && *p < 127 && *p != '"' && *p != '=' && *p != '\\';
    if (plain)
        text_add(out, s);
    else
        json_string(out, s);
}

static void put_logfmt(struct text *out, const struct entry *e, const char *message) {
    text_add(out, "time=");
    console_put_time(out, now(CLOCK_REALTIME));
    text_addf(out, " level=%s", log_level_to_string(e->level));
    if (e->unit)
        put_value(out, "unit", e->unit);
    if (identifier_of(e))
        put_value(out, "identifier", identifier_of(e));
    if (e->pid > 0)
        text_addf(out, " pid=%d", (int)e->pid);
    put_value(out, "msg", message);
    text_add_char(out, '\n');
}

int console_format_entry(enum console_format format, const struct entry *e, struct text *out) {
    _cleanup_free_ char *message = malloc(e->size + 1);
    if (!message)
        return -ENOMEM;
    /* A NUL would end the text. */
    for (size_t i = 0; i < e->size; i++)
        message[i] = e->message[i] ? e->message[i] : '\x1a';
    message[e->size] = 0;
    (format == CONSOLE_JSON ? put_json : put_logfmt)(out, e, message);
    return out->failed ? -ENOMEM : 0;
}
