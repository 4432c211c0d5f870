/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/expand.h"

#include "base/strv.h"
#include "base/text.h"
#include "syntax/words.h"

#include <string.h>

/* More words than the kernel would take are not worth the memory. */
#define WORDS_MAX 65536

static const char *lookup(char *const *env, const char *name, size_t n) {
    STRV_FOREACH(e, env)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

char *expand_word(struct arena *a, const char *word, char *const *env) {
    if (!strchr(word, '$'))
        return arena_string(a, word);
    _cleanup_text_ struct text out = {};
    for (const char *p = word; *p;) {
        if (p[0] == '$' && p[1] == '$') {
            text_add_char(&out, '$');
            p += 2;
            continue;
        }
        if (p[0] != '$' || p[1] != '{') {
            text_add_char(&out, *p++);
            continue;
        }
        /* What a shell would have after a colon is not known, and what is never closed is none: both stay as they are,
         * "$$" in them, too. */
        const char *end = p + 2 + strcspn(p + 2, "}:");
        if (*end == '}')
            text_add(&out, lookup(env, p + 2, (size_t)(end - p - 2)));
        else
            text_add_n(&out, p, (size_t)(end - p) + (*end == ':'));
        p = end + (*end != 0);
    }
    if (out.failed)
        arena_fail(a);
    return arena_string_n(a, text_str(&out), out.len);
}

struct word_list {
    char **words;
    size_t n, room;
};

static bool add(struct arena *a, struct word_list *list, char *word) {
    if (list->n + 1 >= list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        char **words = room <= WORDS_MAX * 2 ? arena_alloc(a, room * sizeof(char *)) : NULL;
        if (!words) {
            arena_fail(a);
            return false;
        }
        if (list->n > 0)
            memcpy(words, list->words, list->n * sizeof(char *));
        list->words = words;
        list->room = room;
    }
    list->words[list->n++] = word;
    list->words[list->n] = NULL;
    return true;
}

/* The value's words; a value with quotes that do not match is split as far as it goes. */
static bool add_value(struct arena *a, struct word_list *list, const char *value) {
    for (;;) {
        _cleanup_free_ char *word = NULL;
        int r = word_next(&value, &word, NULL, WORD_UNQUOTE | WORD_RELAX);
        if (r <= 0)
            return true;
        if (!add(a, list, arena_string(a, word)))
            return false;
    }
}

char **expand_words(struct arena *a, char *const *words, char *const *env) {
    struct word_list list = {};
    STRV_FOREACH(w, words) {
        const char *s = *w;
        if (s[0] == '$' && s[1] != '{' && s[1] != '$') {
            const char *value = lookup(env, s + 1, strlen(s + 1));
            if (value && !add_value(a, &list, value))
                return NULL;
        } else if (!add(a, &list, expand_word(a, s, env)))
            return NULL;
    }
    if (!list.words && !(list.words = arena_alloc(a, sizeof(char *))))
        return NULL;
    return list.words;
}
