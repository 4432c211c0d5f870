/* SPDX-License-Identifier: Apache-2.0 */
/* Taking unit names apart and putting them together. Text only. */
#include "unit/name.h"
#include "base/path.h"
#include "base/scan.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define VALID_CHARS DIGITS LETTERS ":-_.\\"
#define VALID_CHARS_WITH_AT VALID_CHARS "@"

/* The same as a look into VALID_CHARS_WITH_AT, for names are checked all the time. */
static bool char_valid(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '@' || c == ':' || c == '\\';
}

static const char *const type_names[UNIT_TYPES] = {
    [UNIT_SERVICE] = "service", [UNIT_SOCKET] = "socket", [UNIT_TARGET] = "target",
    [UNIT_SLICE] = "slice",     [UNIT_SCOPE] = "scope",   [UNIT_TIMER] = "timer",
    [UNIT_PATH] = "path",       [UNIT_MOUNT] = "mount",   [UNIT_AUTOMOUNT] = "automount",
    [UNIT_SWAP] = "swap",       [UNIT_DEVICE] = "device",
};

const char *unit_type_to_string(enum unit_type type) {
    return type >= 0 && type < UNIT_TYPES ? type_names[type] : NULL;
}

enum unit_type unit_type_from_string(const char *s) {
    for (int i = 0; i < UNIT_TYPES; i++)
        if (strcmp(type_names[i], s) == 0)
            return i;
    return UNIT_TYPE_INVALID;
}

enum unit_type unit_name_type(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? unit_type_from_string(dot + 1) : UNIT_TYPE_INVALID;
}

enum unit_name_flags unit_name_kind(const char *name) {
    size_t n = strnlen(name, UNIT_NAME_MAX);
    const char *dot = strrchr(name, '.');
    if (n == 0 || n >= UNIT_NAME_MAX || !dot || dot == name || unit_type_from_string(dot + 1) < 0)
        return 0;
    size_t stem = (size_t)(dot - name);
    for (const char *c = name; c < dot; c++)
        if (!char_valid(*c))
            return 0;
    const char *at = memchr(name, '@', stem);
    if (!at)
        return UNIT_NAME_PLAIN;
    if (at == name)
        return 0;
    return at + 1 == dot ? UNIT_NAME_TEMPLATE : UNIT_NAME_INSTANCE;
}

bool unit_name_valid(const char *name, enum unit_name_flags flags) {
    return name && unit_name_kind(name) & flags;
}

static int give(struct text *t, char **ret) {
    char *s = text_take(t);
    if (!s)
        return -ENOMEM;
    *ret = s;
    return 0;
}

static int give_n(const char *s, size_t n, char **ret) {
    char *copy = strndup(s, n);
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

int unit_name_prefix(const char *name, char **ret) {
    if (!unit_name_kind(name))
        return -EINVAL;
    const char *end = strchr(name, '@');
    if (!end)
        end = strrchr(name, '.');
    return give_n(name, (size_t)(end - name), ret);
}

int unit_name_instance(const char *name, char **ret) {
    enum unit_name_flags kind = unit_name_kind(name);
    if (!kind)
        return -EINVAL;
    if (kind != UNIT_NAME_INSTANCE)
        return give_n("", 0, ret);
    const char *at = strchr(name, '@');
    return give_n(at + 1, (size_t)(strrchr(name, '.') - at - 1), ret);
}

int unit_name_template(const char *name, char **ret) {
    if (unit_name_kind(name) != UNIT_NAME_INSTANCE)
        return -EINVAL;
    _cleanup_text_ struct text t = {};
    text_add_n(&t, name, (size_t)(strchr(name, '@') - name) + 1);
    text_add(&t, strrchr(name, '.'));
    return give(&t, ret);
}

int unit_name_replace_instance(const char *name, const char *instance, char **ret) {
    if (!unit_name_valid(name, UNIT_NAME_TEMPLATE | UNIT_NAME_INSTANCE))
        return -EINVAL;
    _cleanup_text_ struct text t = {};
    text_add_n(&t, name, (size_t)(strchr(name, '@') - name) + 1);
    text_add(&t, instance);
    text_add(&t, strrchr(name, '.'));
    if (!t.failed && !unit_name_kind(t.s))
        return -EINVAL;
    return give(&t, ret);
}

int unit_name_change_suffix(const char *name, const char *suffix, char **ret) {
    if (!unit_name_kind(name))
        return -EINVAL;
    _cleanup_text_ struct text t = {};
    text_add_n(&t, name, (size_t)(strrchr(name, '.') - name));
    text_add(&t, suffix);
    if (!t.failed && !unit_name_kind(t.s))
        return -EINVAL;
    return give(&t, ret);
}

/* --- escaping ------------------------------------------------------------------------------------------- */

static void escape(struct text *t, const char *s) {
    if (*s == '.') {
        text_add(t, "\\x2e");
        s++;
    }
    for (; *s; s++) {
        if (*s == '/')
            text_add_char(t, '-');
        else if (*s == '-' || *s == '\\' || !strchr(VALID_CHARS, *s))
            text_addf(t, "\\x%02x", (unsigned char)*s);
        else
            text_add_char(t, *s);
    }
}

static int unescape_into(struct text *t, const char *s) {
    for (; *s; s++) {
        if (*s == '-') {
            text_add_char(t, '/');
        } else if (*s == '\\') {
            if (s[1] != 'x' || hex_digit(s[2]) < 0 || hex_digit(s[3]) < 0)
                return -EINVAL;
            char c = (char)(hex_digit(s[2]) << 4 | hex_digit(s[3]));
            if (!c)
                return -EINVAL;
            text_add_char(t, c);
            s += 3;
        } else {
            text_add_char(t, *s);
        }
    }
    return 0;
}

int unit_name_escape(const char *s, char **ret) {
    _cleanup_text_ struct text t = {};
    text_add_n(&t, "", 0);
    escape(&t, s);
    return give(&t, ret);
}

int unit_name_unescape(const char *s, char **ret) {
    _cleanup_text_ struct text t = {};
    text_add_n(&t, "", 0);
    int r = unescape_into(&t, s);
    return r < 0 ? r : give(&t, ret);
}

int unit_name_path_escape(const char *path, char **ret) {
    _cleanup_free_ char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    path_simplify(copy);
    if (!path_is_normalized(copy))
        return -EINVAL;
    const char *s = copy + (*copy == '/');
    if (!*s || strcmp(s, ".") == 0)
        return give_n("-", 1, ret);
    return unit_name_escape(s, ret);
}

int unit_name_path_unescape(const char *s, char **ret) {
    if (!*s)
        return -EINVAL;
    _cleanup_text_ struct text t = {};
    text_add_char(&t, '/');
    if (strcmp(s, "-") != 0) {
        /* A dash at an end, or two in a row, would be an empty component. */
        if (*s == '-' || s[strlen(s) - 1] == '-' || strstr(s, "--"))
            return -EINVAL;
        int r = unescape_into(&t, s);
        if (r < 0)
            return r;
        if (!t.failed && !path_is_normalized(t.s))
            return -EINVAL;
    }
    return give(&t, ret);
}

int unit_name_from_path(const char *path, const char *suffix, char **ret) {
    _cleanup_free_ char *escaped = NULL;
    int r = unit_name_path_escape(path, &escaped);
    if (r < 0)
        return r;
    _cleanup_text_ struct text t = {};
    text_add(&t, escaped);
    text_add(&t, suffix);
    if (!t.failed && !unit_name_kind(t.s))
        return -EINVAL;
    return give(&t, ret);
}

int unit_name_mangle(const char *argument, char **ret) {
    if (!*argument)
        return -EINVAL;
    if (unit_name_kind(argument))
        return give_n(argument, strlen(argument), ret);
    if (*argument == '/') {
        if (strncmp(argument, "/dev/", 5) == 0 || strncmp(argument, "/sys/", 5) == 0)
            return unit_name_from_path(argument, ".device", ret);
        return unit_name_from_path(argument, ".mount", ret);
    }
    _cleanup_text_ struct text t = {};
    for (const char *s = argument; *s; s++) {
        if (*s == '/')
            text_add_char(&t, '-');
        else if (!strchr(VALID_CHARS_WITH_AT, *s))
            text_addf(&t, "\\x%02x", (unsigned char)*s);
        else
            text_add_char(&t, *s);
    }
    if (t.failed)
        return -ENOMEM;
    if (unit_name_type(t.s) < 0 || strrchr(t.s, '.') == t.s) /* a suffix alone is a name without one */
        text_add(&t, ".service");
    if (!t.failed && !unit_name_kind(t.s))
        return -EINVAL;
    return give(&t, ret);
}

/* --- bus object paths ----------------------------------------------------------------------------------- */

int bus_path_escape(const char *s, char **ret) {
    _cleanup_text_ struct text t = {};
    text_add_n(&t, "", 0);
    if (!*s)
        text_add_char(&t, '_');
    for (const char *p = s; *p; p++) {
        /* No label begins with a digit. */
        if (strchr(LETTERS, *p) || (p > s && strchr(DIGITS, *p)))
            text_add_char(&t, *p);
        else
            text_addf(&t, "_%02x", (unsigned char)*p);
    }
    return give(&t, ret);
}

int bus_path_unescape(const char *s, char **ret) {
    _cleanup_text_ struct text t = {};
    text_add_n(&t, "", 0);
    if (strcmp(s, "_") == 0)
        return give(&t, ret);
    for (; *s; s++) {
        if (*s != '_') {
            text_add_char(&t, *s);
            continue;
        }
        if (hex_digit(s[1]) < 0 || hex_digit(s[2]) < 0)
            return -EINVAL;
        char c = (char)(hex_digit(s[1]) << 4 | hex_digit(s[2]));
        if (!c)
            return -EINVAL;
        text_add_char(&t, c);
        s += 2;
    }
    return give(&t, ret);
}
