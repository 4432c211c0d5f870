/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting text into words with quotes and C escapes. systemd.syntax(7) "Quoting", systemd.service(5) "Command
 * lines". */
#pragma once

#include "base/macro.h"

enum word_flags {
    WORD_UNQUOTE = 1 << 0,  /* "…" and '…' group, and are removed */
    WORD_UNESCAPE = 1 << 1, /* \n, \t, \x41, \101, é, \U0001f600, \s, \\ … are replaced; unknown ones: -EINVAL */
    WORD_UNESCAPE_RELAX = 1 << 2, /* unknown escapes are kept as they are */
    WORD_RELAX = 1 << 3,          /* a missing closing quote is forgiven */
    WORD_KEEP_QUOTE = 1 << 4,     /* quotes group but stay in the word */
    WORD_BACKSLASH = 1 << 5,      /* a backslash is dropped, and what follows it is an ordinary character */
    WORD_EMPTY = 1 << 6, /* each separator ends a word, so that there are empty ones; *p is NULL behind the last */
    WORD_UNESCAPE_SEPARATORS = 1 << 7, /* with WORD_UNESCAPE: a backslash protects a separator, too */
};

/* Takes the next word from *p, at any of `separators` (NULL: white space), and moves *p behind it. 1 and *ret (caller
 * frees), 0 at the end, -EINVAL (bad quoting or escape), -ENOMEM. */
int word_next(const char **p, char **ret, const char *separators, enum word_flags flags);
/* All words. On error *ret is untouched. */
int words_split(const char *text, const char *separators, enum word_flags flags, char ***ret);

/* Replaces C escapes in one string. */
int unescape(const char *s, char **ret);
/* The word as `systemctl show` prints it: quoted and escaped where a reader would need it. */
struct text;
void word_quote(struct text *out, const char *word);
