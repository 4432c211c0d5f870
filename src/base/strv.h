/* SPDX-License-Identifier: Apache-2.0 */
/* NULL-terminated arrays of strings, as execve() takes them. A NULL array counts as an empty one. */
#pragma once

#include "base/macro.h"

size_t strv_length(char *const *v);
bool strv_contains(char *const *v, const char *s);
/* Appends a copy of s. 0, or -ENOMEM with the array as it was. */
int strv_add(char ***v, const char *s);
/* Appends s itself, freeing it on failure. 0, or -ENOMEM. */
int strv_take(char ***v, char *s);
/* Appends a formatted string. */
int strv_addf(char ***v, const char *format, ...) _printf_(2, 3);
/* Appends copies of all of `more`. 0, or -ENOMEM with the array possibly longer. */
int strv_add_all(char ***v, char *const *more);
/* Removes every string equal to s. */
void strv_remove(char **v, const char *s);
/* A deep copy; NULL on allocation failure, and for a NULL or empty array an allocated empty array. */
char **strv_copy(char *const *v);
bool strv_equal(char *const *a, char *const *b);
/* All strings with `separator` between them; caller frees; NULL on allocation failure. */
char *strv_join(char *const *v, const char *separator);
/* Splits at any of the characters in `separators`, dropping empty parts. NULL on allocation failure. */
char **strv_split(const char *s, const char *separators);
void strv_sort(char **v);
void strv_free(char **v);
void strv_freep(char ***v);

/* The value of NAME in an array of NAME=VALUE; NULL if it is not there. Borrowed. */
const char *env_get(char *const *env, const char *name);
/* Sets NAME=VALUE given as one string, replacing an earlier assignment of the same name. 0 or -ENOMEM. */
int env_put(char ***env, const char *assignment);
/* Removes NAME, or exactly NAME=VALUE when `name` contains '='. */
void env_remove(char **env, const char *name);
/* Is it NAME=VALUE with a valid POSIX-ish name (letters, digits, _; not starting with a digit) and no control bytes
 * other than tab and newline in the value? */
bool env_assignment_valid(const char *assignment);
bool env_name_valid(const char *name, size_t n);

#define _cleanup_strv_ _cleanup_(strv_freep)
#define STRV_FOREACH(s, v) for (char *const *s = (v); s && *s; s++)
