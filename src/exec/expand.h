/* SPDX-License-Identifier: Apache-2.0 */
/* $VARIABLE in command lines. systemd.service(5), "Command lines". Text only. */
#pragma once

#include "exec/arena.h"

/* One word: ${NAME} becomes its value, or nothing; $$ becomes $; all else stays. */
char *expand_word(struct arena *a, const char *word, char *const *env);
/* A whole command line, NULL-terminated. A word that is $NAME alone is replaced by the words of its value,
 * none if it is unset. NULL only after a failed allocation. */
char **expand_words(struct arena *a, char *const *words, char *const *env);
