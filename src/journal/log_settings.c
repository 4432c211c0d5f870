/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/log_settings.h"
#include "base/strv.h"
#include "journal/console.h"
#include "syntax/regex.h"

#include <string.h>
#include <syslog.h>

struct filter {
    struct regex *regex;
    struct filter *next;
};

struct log_settings {
    int format, level;
    bool errors;
    struct filter *allowed, *denied;
    char **files;
};

static void filters_free(struct filter *f) {
    while (f) {
        struct filter *next = f->next;
        regex_free(f->regex);
        free(f);
        f = next;
    }
}

void log_settings_free(struct log_settings *s) {
    if (!s)
        return;
    filters_free(s->allowed);
    filters_free(s->denied);
    strv_free(s->files);
    free(s);
}

/* A pattern that cannot be compiled is none, as in systemd. */
static void add_filter(struct log_settings *s, const char *pattern) {
    struct filter **list = *pattern == '~' ? &s->denied : &s->allowed;
    pattern += *pattern == '~';
    struct filter *f = *pattern ? calloc(1, sizeof(*f)) : NULL;
    const char *error;
    if (!f)
        return;
    if (regex_compile(pattern, false, &f->regex, &error) < 0) {
        free(f);
        return;
    }
    f->next = *list;
    *list = f;
}

static void take(struct log_settings *s, const char *name, const char *value) {
    if (strcmp(name, "format") == 0)
        s->format = MAX(console_format_from_string(value), -1);
    else if (strcmp(name, "level") == 0)
        s->level = value[0] >= '0' && value[0] <= '0' + LOG_DEBUG && !value[1] ? value[0] - '0' : -1;
    else if (strcmp(name, "errors") == 0)
        s->errors = strcmp(value, "1") == 0;
    else if (strcmp(name, "filter") == 0)
        add_filter(s, value);
    else if (strcmp(name, "file") == 0 && value[0] == '/')
        (void)strv_add(&s->files, value);
}

struct log_settings *log_settings_new(const char *lines) {
    if (!lines || !*lines)
        return NULL;
    struct log_settings *s = malloc(sizeof(*s));
    _cleanup_free_ char *copy = strdup(lines);
    if (!s || !copy) {
        free(s);
        return NULL;
    }
    *s = (struct log_settings){ .format = -1, .level = -1 };
    for (char *line = copy, *next; *line; line = next) {
        size_t n = strcspn(line, "\n");
        next = line + n + (line[n] == '\n');
        line[n] = 0;
        char *equals = strchr(line, '=');
        if (equals) {
            *equals = 0;
            take(s, line, equals + 1);
        }
    }
    return s;
}

static bool matches(const struct filter *f, const char *message, size_t size) {
    for (; f; f = f->next)
        if (regex_search(f->regex, message, size, NULL, NULL))
            return true;
    return false;
}

bool log_settings_keep(const struct log_settings *s, const char *message, size_t size) {
    return !s || !message ||
           (!matches(s->denied, message, size) && (!s->allowed || matches(s->allowed, message, size)));
}

int log_settings_format(const struct log_settings *s) {
    return s ? s->format : -1;
}

int log_settings_level(const struct log_settings *s) {
    return s ? s->level : -1;
}

bool log_settings_errors(const struct log_settings *s) {
    return s && s->errors;
}

char *const *log_settings_files(const struct log_settings *s) {
    return s ? s->files : NULL;
}
