/* SPDX-License-Identifier: Apache-2.0 */
/* Names and numbers of calls, and a cache, so that each distinct setting is compiled once. */
#include "exec/filter_private.h"

#include "base/strv.h"
#include "base/text.h"
#include "exec/syscall_groups.h"

#include <errno.h>
#include <string.h>

/* Distinct settings in one container: a handful. */
#define CACHE_MAX 64
#define GROUP_DEPTH 4

/* --- calls ------------------------------------------------------------------------------------------- */

static const struct syscall_group *group_find(const char *name) {
    for (const struct syscall_group *g = syscall_groups; g->name; g++)
        if (strcmp(g->name, name) == 0)
            return g;
    return NULL;
}

int filter_each_call(const char *word, int depth, call_visitor visit, void *userdata) {
    if (word[0] != '@')
        return visit(userdata, word);
    const struct syscall_group *group = group_find(word);
    if (!group || depth > GROUP_DEPTH)
        return 0;
    char name[64];
    for (const char *p = group->members; *p;) {
        size_t n = strcspn(p, " ");
        if (n < sizeof(name)) {
            memcpy(name, p, n);
            name[n] = 0;
            int r = filter_each_call(name, depth + 1, visit, userdata);
            if (r < 0)
                return r;
        }
        p += n + (p[n] == ' ');
    }
    return 0;
}

size_t filter_architectures(uint32_t ret[static ARCHITECTURES_MAX]) {
    size_t n = 0;
    while (n < CALLS_ARCHITECTURES && calls_architectures[n]) {
        ret[n] = calls_architectures[n];
        n++;
    }
    return n;
}

/* --- the cache --------------------------------------------------------------------------------- */

struct cached {
    char *key;
    struct sock_filter *filter;
    size_t length;
};
static struct cached cache[CACHE_MAX];
static size_t n_cached, next_victim;

static void key_add(struct text *key, const char *name, char *const *words) {
    if (strv_length(words) == 0)
        return;
    text_add(key, name);
    STRV_FOREACH(w, words)
        text_addf(key, " %s", *w);
    text_add_char(key, '\n');
}

/* Is it one that the caller is about to get? */
static bool given_away(const struct filter_program *programs, const struct sock_filter *filter) {
    for (size_t i = 0; i < FILTER_PROGRAMS; i++)
        if (programs[i].filter == filter)
            return true;
    return false;
}

typedef int (*builder)(const struct filter_settings *settings, struct bpf *b);

static int build_entry(struct text *key, const struct filter_settings *settings, builder build,
                       struct cached *ret) {
    _cleanup_(bpf_done) struct bpf b = {};
    int r = bpf_new(&b);
    if (r >= 0)
        r = build(settings, &b);
    if (r < 0)
        return r;
    if (b.overflow)
        return -E2BIG;
    struct cached fresh = { .filter = malloc(b.n * sizeof(struct sock_filter)), .length = b.n };
    if (fresh.filter)
        fresh.key = text_take(key);
    if (!fresh.key) {
        free(fresh.filter);
        return -ENOMEM;
    }
    memcpy(fresh.filter, b.code, b.n * sizeof(struct sock_filter));
    *ret = fresh;
    return 0;
}

static int compile(struct text *key, const struct filter_settings *settings, builder build,
                   struct filter_program *programs, size_t which) {
    if (key->failed)
        return -ENOMEM;
    struct cached *c = NULL;
    for (size_t i = 0; i < n_cached && !c; i++)
        if (strcmp(cache[i].key, text_str(key)) == 0)
            c = &cache[i];
    if (!c) {
        struct cached fresh;
        int r = build_entry(key, settings, build, &fresh);
        if (r < 0)
            return r;
        if (n_cached < CACHE_MAX)
            c = &cache[n_cached++];
        else {
            do
                next_victim = (next_victim + 1) % CACHE_MAX;
            while (given_away(programs, cache[next_victim].filter));
            c = &cache[next_victim];
            free(c->key);
            free(c->filter);
        }
        *c = fresh;
    }
    programs[which] = (struct filter_program){ c->filter, (unsigned short)c->length };
    return 0;
}

int filter_compile(const struct filter_settings *settings,
                   struct filter_program ret[static FILTER_PROGRAMS]) {
    struct filter_program programs[FILTER_PROGRAMS] = {};
    if (settings->restrictions || settings->namespaces != UINT64_MAX || strv_length(settings->families) > 0 ||
        strv_length(settings->architectures) > 0) {
        _cleanup_text_ struct text key = {};
        text_addf(&key, "restrictions %x %llx %lx\n", settings->restrictions,
                  (unsigned long long)settings->namespaces, settings->personality);
        key_add(&key, "families", settings->families);
        key_add(&key, "architectures", settings->architectures);
        int r = compile(&key, settings, filter_restrictions, programs, 0);
        if (r < 0)
            return r;
    }
    if (strv_length(settings->calls) > 0) {
        _cleanup_text_ struct text key = {};
        text_addf(&key, "filter %d\n", settings->error);
        key_add(&key, "calls", settings->calls);
        int r = compile(&key, settings, filter_calls, programs, 1);
        if (r < 0)
            return r;
    }
    memcpy(ret, programs, sizeof(programs));
    return 0;
}
