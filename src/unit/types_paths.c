/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of paths: plain ones, search paths, bind and tmpfs mounts, the directories of a service. */
#include "base/strv.h"
#include "unit/types_private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int add_path(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    int r = value_path(at, word);
    return r < 0 ? r : strv_add(list, word);
}
static int parse_paths(const struct value_type *type, struct parse_at *at, const char *text,
                       union value *value) {
    return value_each_word(at, text, NULL, WORD_UNQUOTE | WORD_BACKSLASH, add_path, type, &value->strv);
}
LIST(path_list, "absolute paths", parse_paths, value_print_words, TYPE_KEEPS);

/* Those behind the first bad one do not count. */
static int parse_path_until_bad(const struct value_type *type, struct parse_at *at, const char *text,
                          union value *value) {
    for (;;) {
        _cleanup_free_ char *word = NULL, *path = NULL;
        int r = type == &type_search_path ? word_next(&text, &word, ":", WORD_BACKSLASH | WORD_EMPTY)
                                          : word_next(&text, &word, NULL, WORD_UNQUOTE | WORD_BACKSLASH);
        if (r == 0)
            return 0;
        if (r == -EINVAL)
            return value_reject(at, "bad quoting");
        if (r >= 0)
            r = value_expand(at, word, &path);
        if (r >= 0)
            r = value_path(at, path);
        if (r >= 0)
            r = strv_take(&value->strv, TAKE(path));
        if (r < 0)
            return r;
    }
}
LIST(symlink_list, "absolute paths", parse_path_until_bad, value_print_words);

static void print_search_path(const struct value_type *type, const union value *value, struct text *out) {
    const char *between = "";
    STRV_FOREACH(s, value->strv) {
        text_addf(out, "%s%s", between, *s);
        between = ":";
    }
}
LIST(search_path, "paths with : between them", parse_path_until_bad, print_search_path);

static int add_sandbox_path(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    char *path = word;
    bool optional = *path == '-';
    path += optional;
    bool in_root = *path == '+';
    path += in_root;
    int r = value_path(at, path);
    return r < 0 ? r : strv_addf(list, "%s%s%s", optional ? "-" : "", in_root ? "+" : "", path);
}
static int parse_sandbox_paths(const struct value_type *type, struct parse_at *at, const char *text,
                               union value *value) {
    return value_each_word(at, text, NULL, WORD_UNQUOTE | WORD_BACKSLASH, add_sandbox_path, type, &value->strv);
}
LIST(sandbox_paths, "paths, each perhaps with - or +", parse_sandbox_paths, value_print_words);

static int parse_environment_file(const struct value_type *type, struct parse_at *at, const char *text,
                                  union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand_max(at, text, PATH_MAX, &s);
    if (r >= 0)
        r = value_path(at, s + (*s == '-'));
    return r < 0 ? r : strv_take(&value->strv, TAKE(s));
}
LIST(environment_files, "environment files", parse_environment_file, value_print_lines);

/* The next part of "source:destination:options", specifiers expanded, and whether a colon ended it. 0: no more. */
static int bind_part(struct parse_at *at, const char **text, bool options, char **ret, bool *ret_more) {
    _cleanup_free_ char *word = NULL;
    const char *before = *text;
    int r = word_next(text, &word, options ? NULL : ": \t\n\r",
                      WORD_UNQUOTE | WORD_BACKSLASH | (options ? 0 : WORD_EMPTY));
    if (r == -EINVAL)
        return value_reject(at, "bad quoting");
    if (r <= 0)
        return r;
    *ret_more = *text && *text > before && (*text)[-1] == ':';
    r = value_expand(at, word, ret);
    return r < 0 ? r : 1;
}

/* With a backslash before what would end it. */
static void add_escaped(struct text *out, const char *path) {
    for (; *path; path++) {
        if (*path == ':' || *path == '\\')
            text_add_char(out, '\\');
        text_add_char(out, *path);
    }
}

static int add_bind(struct parse_at *at, char *source, char *destination, const char *options, char ***list) {
    bool optional = *source == '-';
    source += optional;
    if (options && *options && strcmp(options, "rbind") != 0 && strcmp(options, "norbind") != 0 &&
        strcmp(options, "idmap") != 0 && strcmp(options, "noidmap") != 0)
        return value_reject(at, "not one of rbind, norbind, idmap, noidmap");
    _cleanup_text_ struct text t = {};
    text_add(&t, optional ? "-" : "");
    add_escaped(&t, source);
    text_add_char(&t, ':');
    add_escaped(&t, destination ?: source);
    text_addf(&t, ":%s", options && *options ? options : "rbind");
    char *s = text_take(&t);
    return s ? strv_take(list, s) : -ENOMEM;
}

/* After a bad part the next one begins a new entry, whatever stands between them: what systemd makes of it. */
static int parse_binds(const struct value_type *type, struct parse_at *at, const char *text,
                       union value *value) {
    _cleanup_text_ struct text left_out = {};
    for (size_t n = 0; text && *text; n++) {
        _cleanup_free_ char *source = NULL, *destination = NULL, *options = NULL;
        bool more = false, last;
        if (n >= VALUE_WORDS_MAX)
            return value_reject(at, "more than %d words", VALUE_WORDS_MAX);
        int r = bind_part(at, &text, false, &source, &more);
        if (r == 0)
            break;
        if (r > 0)
            r = value_path(at, source + (*source == '-'));
        if (r >= 0 && more) {
            r = bind_part(at, &text, false, &destination, &more);
            if (r >= 0)
                r = value_path(at, destination);
            if (r >= 0 && more)
                r = bind_part(at, &text, true, &options, &last);
        }
        if (r >= 0)
            r = add_bind(at, source, destination, options, &value->strv);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            text_addf(&left_out, "%s%s", left_out.len > 0 ? "; " : "", text_str(&at->why));
        text_clear(&at->why);
    }
    text_add(&at->why, left_out.s);
    return 0;
}
LIST(bind_list, "bind mounts", parse_binds, value_print_words);

/* The path is expanded, the options behind it are the kernel's. */
static int add_tmpfs(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    _cleanup_free_ char *path = NULL;
    char *options = strchr(word, ':');
    if (options)
        *options++ = 0;
    int r = value_expand(at, word, &path);
    if (r >= 0)
        r = value_path(at, path);
    return r < 0 ? r : strv_addf(list, "%s%s%s", path, options && *options ? ":" : "", options ?: "");
}
static int parse_tmpfs(const struct value_type *type, struct parse_at *at, const char *text, union value *value) {
    return value_each_plain_word(at, text, NULL, WORD_UNQUOTE | WORD_BACKSLASH, add_tmpfs, type, &value->strv);
}
LIST(tmpfs_list, "tmpfs mounts", parse_tmpfs, value_print_words);

static int directory_problem(struct parse_at *at, char *path) {
    if (*path == '/')
        return value_reject(at, "an absolute path; it goes below the directory that the setting is for");
    path_simplify(path);
    if (!*path || strcmp(path, ".") == 0 || !path_is_normalized(path))
        return value_reject(at, "not a plain relative path");
    if (path_below(path, "private"))
        return value_reject(at, "'private' is taken");
    return 0;
}

/* "name:link:flags", each with escapes and specifiers. The list is kept sorted, so that what lies below another comes
 * after it. */
static int add_directory(const struct value_type *type, struct parse_at *at, char *text, char ***list) {
    const char *word = text;
    char *parts[3] = {};
    int r = 1;
    for (size_t i = 0; i < ELEMENTS(parts) && r > 0; i++) {
        _cleanup_free_ char *part = NULL;
        r = word_next(&word, &part, ":", WORD_UNESCAPE | WORD_UNESCAPE_SEPARATORS | (i > 0 ? 0 : WORD_EMPTY));
        if (r == -EINVAL)
            value_reject(at, "bad escape");
        if (r > 0 && (r = value_expand(at, part, &parts[i])) >= 0)
            r = 1;
    }
    const char *link = parts[1], *flags = parts[2];
    if (r >= 0)
        r = directory_problem(at, parts[0]);
    if (r >= 0 && link && *link)
        r = directory_problem(at, parts[1]);
    if (r >= 0 && flags && *flags && strcmp(flags, "ro") != 0)
        r = value_reject(at, "not a flag (ro)");
    if (r >= 0)
        r = link && *link ? strv_addf(list, "%s:%s", parts[0], link) : strv_add(list, parts[0]);
    for (size_t i = 0; i < ELEMENTS(parts); i++)
        free(parts[i]);
    return r;
}

static int by_path(const void *a, const void *b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    for (; *x && *x == *y; x++, y++)
        ;
    /* The slash before everything else, so that a directory stands before its neighbours. */
    int p = *x == '/' || *x == ':' ? 1 : (unsigned char)*x, q = *y == '/' || *y == ':' ? 1 : (unsigned char)*y;
    return p - q;
}

static int parse_directories(const struct value_type *type, struct parse_at *at, const char *text,
                             union value *value) {
    int r = value_each_plain_word(at, text, NULL, WORD_UNQUOTE, add_directory, type, &value->strv);
    if (value->strv)
        qsort(value->strv, strv_length(value->strv), sizeof(char *), by_path);
    return r;
}
LIST(directory_list, "directories", parse_directories, value_print_words);
