/* SPDX-License-Identifier: Apache-2.0 */
/* What all value types have in common. Knows no single type. */
#include "base/strv.h"
#include "syntax/words.h"
#include "unit/types_private.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

int value_reject(struct parse_at *at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    text_clear(&at->why);
    text_addv(&at->why, format, args);
    va_end(args);
    return -EINVAL;
}

int value_expand_max(struct parse_at *at, const char *text, size_t max_length, char **ret) {
    if (!at->specifiers) {
        char *copy = strdup(text);
        if (!copy)
            return -ENOMEM;
        *ret = copy;
        return 0;
    }
    int r = specifier_expand(text, at->specifiers, max_length, ret);
    if (r == -ENOMEM || r >= 0)
        return r;
    if (r == -ENAMETOOLONG)
        return value_reject(at, "too long once its specifiers are expanded");
    return value_reject(at, "a specifier in it has no value here");
}

int value_expand(struct parse_at *at, const char *text, char **ret) {
    return value_expand_max(at, text, SIZE_MAX, ret);
}

int value_path(struct parse_at *at, char *path) {
    if (!path_is_absolute(path))
        return value_reject(at, "not an absolute path");
    if (strlen(path) >= PATH_MAX)
        return value_reject(at, "path of more than %d bytes", PATH_MAX - 1);
    path_simplify(path);
    if (!path_is_normalized(path))
        return value_reject(at, "path with ..");
    for (const char *s = path; *s;) {
        s += strspn(s, "/");
        size_t n = strcspn(s, "/");
        if (n > NAME_MAX)
            return value_reject(at, "path with a name of more than %d bytes", NAME_MAX);
        s += n;
    }
    return 0;
}

void value_modern_run(char *path) {
    if (strncmp(path, "/var/run/", strlen("/var/run/")) != 0)
        return;
    for (char *to = path, *from = path + strlen("/var"); (*to = *from); to++)
        from++;
}

/* --- words ---------------------------------------------------------------------------------------------- */

static int each_word(struct parse_at *at, const char *text, const char *separators, enum word_flags flags,
                     bool expand, value_word_f each, const struct value_type *type, char ***list) {
    _cleanup_text_ struct text left_out = {};
    for (size_t n = 0;; n++) {
        _cleanup_free_ char *word = NULL, *expanded = NULL;
        if (n >= VALUE_WORDS_MAX)
            return value_reject(at, "more than %d words", VALUE_WORDS_MAX);
        int r = word_next(&text, &word, separators, flags);
        if (r == -EINVAL)
            return value_reject(at, "bad quoting or escape");
        if (r < 0)
            return r;
        if (r == 0)
            break;
        r = expand ? value_expand(at, word, &expanded) : 0;
        if (r >= 0)
            r = each(type, at, expand ? expanded : word, list);
        if (r == -ENOMEM)
            return r;
        if (r < 0) /* said why: the word is left out, the others count */
            text_addf(&left_out, "%s'%.100s': %s", left_out.len > 0 ? "; " : "", word, text_str(&at->why));
        text_clear(&at->why);
    }
    text_add(&at->why, left_out.s);
    return 0;
}

int value_each_word(struct parse_at *at, const char *text, const char *separators, enum word_flags flags,
                    value_word_f each, const struct value_type *type, char ***list) {
    return each_word(at, text, separators, flags, true, each, type, list);
}

int value_each_plain_word(struct parse_at *at, const char *text, const char *separators, enum word_flags flags,
                          value_word_f each, const struct value_type *type, char ***list) {
    return each_word(at, text, separators, flags, false, each, type, list);
}

int value_add_word(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    return strv_add(list, word);
}

/* --- freeing, printing, comparing ----------------------------------------------------------------------- */

void value_free_string(union value *value) {
    free(value->string);
}

void value_free_strv(union value *value) {
    strv_free(value->strv);
}

void value_print_string(const struct value_type *type, const union value *value, struct text *out) {
    text_add(out, value->string);
}

void value_print_words(const struct value_type *type, const union value *value, struct text *out) {
    const char *between = "";
    STRV_FOREACH(s, value->strv) {
        text_add(out, between);
        word_quote(out, *s);
        between = " ";
    }
}

void value_print_lines(const struct value_type *type, const union value *value, struct text *out) {
    const char *between = "";
    STRV_FOREACH(s, value->strv) {
        text_add(out, between);
        text_add(out, *s);
        between = "\n";
    }
}

bool value_equal_string(const struct value_type *type, const union value *a, const union value *b) {
    return strcmp(a->string ?: "", b->string ?: "") == 0;
}

bool value_equal_strv(const struct value_type *type, const union value *a, const union value *b) {
    return strv_equal(a->strv, b->strv);
}

bool value_equal_boolean(const struct value_type *type, const union value *a, const union value *b) {
    return a->boolean == b->boolean;
}

bool value_equal_number(const struct value_type *type, const union value *a, const union value *b) {
    return a->size == b->size;
}

bool value_equal_printed(const struct value_type *type, const union value *a, const union value *b) {
    _cleanup_text_ struct text x = {}, y = {};
    type->print(type, a, &x);
    type->print(type, b, &y);
    return !x.failed && !y.failed && x.len == y.len && (x.len == 0 || memcmp(x.s, y.s, x.len) == 0);
}
