/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

size_t strv_length(char *const *v) {
    size_t n = 0;
    while (v && v[n])
        n++;
    return n;
}

bool strv_contains(char *const *v, const char *s) {
    STRV_FOREACH(i, v)
        if (strcmp(*i, s) == 0)
            return true;
    return false;
}

int strv_take(char ***v, char *s) {
    if (!s)
        return -ENOMEM;
    size_t n = strv_length(*v);
    /* Room grows in powers of two, found again from the length: no separate count to keep. */
    if ((n & (n + 1)) == 0 || !*v) {
        char **bigger = realloc(*v, 2 * (n + 1) * sizeof(char *));
        if (!bigger) {
            free(s);
            return -ENOMEM;
        }
        *v = bigger;
    }
    (*v)[n] = s;
    (*v)[n + 1] = NULL;
    return 0;
}

int strv_add(char ***v, const char *s) {
    return strv_take(v, strdup(s));
}

int strv_addf(char ***v, const char *format, ...) {
    char *s = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&s, format, args);
    va_end(args);
    return strv_take(v, n < 0 ? NULL : s);
}

int strv_add_all(char ***v, char *const *more) {
    STRV_FOREACH(s, more) {
        int r = strv_add(v, *s);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Shrinking would break the growth rule of strv_take(), which finds the room from the length: so lengths between two
 * powers of two simply grow again sooner than needed. That is safe because realloc() is then asked for more, never less
 * than what is in use. */
void strv_remove(char **v, const char *s) {
    char **to = v;
    STRV_FOREACH(i, v) {
        if (strcmp(*i, s) == 0)
            free(*i);
        else
            *to++ = *i;
    }
    if (v)
        *to = NULL;
}

char **strv_copy(char *const *v) {
    /* The room that strv_take() expects for this length: the next 2^k at or above length + 1. */
    size_t n = strv_length(v), room = 2;
    while (room < n + 1)
        room *= 2;
    char **copy = calloc(room, sizeof(char *));
    if (!copy)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        copy[i] = strdup(v[i]);
        if (!copy[i]) {
            strv_free(copy);
            return NULL;
        }
    }
    return copy;
}

bool strv_equal(char *const *a, char *const *b) {
    size_t n = strv_length(a);
    if (n != strv_length(b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

char *strv_join(char *const *v, const char *separator) {
    size_t size = 1;
    STRV_FOREACH(s, v)
        size += strlen(*s) + strlen(separator);
    char *joined = malloc(size), *end = joined;
    if (!joined)
        return NULL;
    *end = 0;
    STRV_FOREACH(s, v) {
        if (s != v)
            end = stpcpy(end, separator);
        end = stpcpy(end, *s);
    }
    return joined;
}

char **strv_split(const char *s, const char *separators) {
    _cleanup_strv_ char **v = calloc(2, sizeof(char *));
    if (!v)
        return NULL;
    for (;;) {
        s += strspn(s, separators);
        if (!*s)
            return TAKE(v);
        size_t n = strcspn(s, separators);
        if (strv_take(&v, strndup(s, n)) < 0)
            return NULL;
        s += n;
    }
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(char **v) {
    if (v)
        qsort(v, strv_length(v), sizeof(char *), compare);
}

void strv_free(char **v) {
    STRV_FOREACH(s, v)
        free(*s);
    free(v);
}

void strv_freep(char ***v) {
    strv_free(*v);
}

const char *env_get(char *const *env, const char *name) {
    size_t n = strlen(name);
    STRV_FOREACH(e, env)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

int env_put(char ***env, const char *assignment) {
    size_t n = strcspn(assignment, "=");
    for (char **e = *env; e && *e; e++)
        if (strncmp(*e, assignment, n) == 0 && (*e)[n] == '=') {
            char *copy = strdup(assignment);
            if (!copy)
                return -ENOMEM;
            free(*e);
            *e = copy;
            return 0;
        }
    return strv_add(env, assignment);
}

void env_remove(char **env, const char *name) {
    size_t n = strlen(name);
    bool whole = strchr(name, '=');
    char **to = env;
    STRV_FOREACH(e, env) {
        if (whole ? strcmp(*e, name) == 0 : strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            free(*e);
        else
            *to++ = *e;
    }
    if (env)
        *to = NULL;
}

bool env_name_valid(const char *name, size_t n) {
    if (n == 0 || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

bool env_assignment_valid(const char *assignment) {
    const char *value = strchr(assignment, '=');
    if (!value || !env_name_valid(assignment, (size_t)(value - assignment)))
        return false;
    for (value++; *value; value++)
        if (((unsigned char)*value < ' ' && *value != '\t' && *value != '\n') || *value == 127)
            return false;
    return true;
}
