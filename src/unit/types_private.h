/* SPDX-License-Identifier: Apache-2.0 */
/* What the files types_*.c share. */
#pragma once

#include "base/path.h"
#include "syntax/words.h"
#include "unit/types.h"

/* A line of more words is refused: lists are made for people. */
#define VALUE_WORDS_MAX 16384

/* Says in at->why what is wrong; returns -EINVAL. */
int value_reject(struct parse_at *at, const char *format, ...) _printf_(2, 3);
/* Expands specifiers. 0, -ENOMEM, or -EINVAL with the reason said. */
int value_expand(struct parse_at *at, const char *text, char **ret);
int value_expand_max(struct parse_at *at, const char *text, size_t max_length, char **ret);
/* Is it an absolute path, without ".."? Simplifies it in place. 0 or -EINVAL, said. */
int value_path(struct parse_at *at, char *path);
/* /var/run/x → /run/x, in place: for what is made below /run. */
void value_modern_run(char *path);

/* One word of a list, specifiers expanded unless it is a plain one: append it (or something else) to *list. -EINVAL,
 * said: it is left out and the others count. The word may be changed in place. */
typedef int (*value_word_f)(const struct value_type *type, struct parse_at *at, char *word, char ***list);
/* value_each_plain_word() gives words as they stand, to be taken apart before their parts are expanded. */
int value_each_plain_word(struct parse_at *at, const char *text, const char *separators, enum word_flags flags,
                          value_word_f each, const struct value_type *type, char ***list);
int value_each_word(struct parse_at *at, const char *text, const char *separators, enum word_flags flags,
                    value_word_f each, const struct value_type *type, char ***list);
int value_add_word(const struct value_type *type, struct parse_at *at, char *word, char ***list);

void value_free_string(union value *value);
void value_free_strv(union value *value);
void value_print_string(const struct value_type *type, const union value *value, struct text *out);
void value_print_words(const struct value_type *type, const union value *value, struct text *out);
void value_print_lines(const struct value_type *type, const union value *value, struct text *out);
bool value_equal_string(const struct value_type *type, const union value *a, const union value *b);
bool value_equal_strv(const struct value_type *type, const union value *a, const union value *b);
bool value_equal_boolean(const struct value_type *type, const union value *a, const union value *b);
bool value_equal_number(const struct value_type *type, const union value *a, const union value *b);
/* By their printed form: for objects. */
bool value_equal_printed(const struct value_type *type, const union value *a, const union value *b);

/* A type whose values are lists of strings; what follows the printer are further flags. */
#define LIST(type, title, parser, printer, ...)                                                              \
    const struct value_type type_##type = { title,                                                           \
                                            .flags = TYPE_LIST __VA_OPT__(|) __VA_ARGS__,                    \
                                            .parse = parser,                                                 \
                                            .free = value_free_strv,                                         \
                                            .print = printer,                                                \
                                            .equal = value_equal_strv }
