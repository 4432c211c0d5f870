/* SPDX-License-Identifier: Apache-2.0 */
/* Reading preset files and asking them about one unit. Changes nothing: install.c does what they say. */
#include "unit/preset.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "syntax/words.h"
#include "unit/install_internal.h"
#include "unit/name.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#define WHITESPACE " \t\r"
#define PRESET_FILE_MAX ((size_t)1 << 20)

static const char *const directories[] = { "/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd",
                                           "/lib/systemd" };

static const char *const modes[PRESET_MODES] = { "full", "enable-only", "disable-only" };

int preset_mode_from_string(const char *s) {
    for (int i = 0; i < PRESET_MODES; i++)
        if (strcmp(s, modes[i]) == 0)
            return i;
    return -EINVAL;
}

const char *preset_action_to_string(enum preset_action action) {
    static const char *const names[] = { "", "enabled", "disabled", "ignored" };
    return action >= 0 && action < ELEMENTS(names) ? names[action] : "";
}

static void rule_done(struct preset_rule *rule) {
    free(rule->pattern);
    strv_free(rule->instances);
}

void preset_rules_done(struct preset_rules *rules) {
    for (size_t i = 0; i < rules->n; i++)
        rule_done(&rules->items[i]);
    free(rules->items);
    *rules = (struct preset_rules){};
}

static enum preset_action action_from_word(const char *word) {
    static const char *const words[] = { NULL, "enable", "disable", "ignore" };
    for (size_t i = 1; i < ELEMENTS(words); i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return PRESET_UNKNOWN;
}

/* The rest of an "enable" line: a pattern; behind a template's name, instances. */
static int read_enable(struct preset_rule *rule, const char *text) {
    _cleanup_strv_ char **words = NULL;
    int r = words_split(text, NULL, (enum word_flags)0, &words);
    if (r < 0)
        return r;
    size_t n = strv_length(words);
    if (n == 0 || (n > 1 && !unit_name_valid(words[0], UNIT_NAME_TEMPLATE)))
        return -EINVAL;
    rule->pattern = strdup(words[0]);
    return rule->pattern ? strv_add_all(&rule->instances, words + 1) : -ENOMEM;
}

static int read_line(struct preset_rules *rules, const char *file, unsigned line, const char *text) {
    _cleanup_(rule_done) struct preset_rule rule = {};
    size_t n = strcspn(text, WHITESPACE), gap = strspn(text + n, WHITESPACE);
    const char *rest = text + n + gap;
    _cleanup_free_ char *word = strndup(text, n);
    if (!word)
        return -ENOMEM;
    rule.action = action_from_word(word);
    int r = rule.action == PRESET_UNKNOWN || !*rest ? -EINVAL : 0;
    if (r >= 0 && rule.action == PRESET_ENABLE)
        r = read_enable(&rule, rest);
    else if (r >= 0 && !(rule.pattern = strdup(rest)))
        r = -ENOMEM;
    if (r == -EINVAL) {
        log_warning("%s:%u: \"%s\" is no \"enable\", \"disable\" or \"ignore\" with a pattern, ignoring", file, line,
                    text);
        return 0;
    }
    struct preset_rule *bigger = r < 0 ? NULL : realloc(rules->items, (rules->n + 1) * sizeof(*bigger));
    if (!bigger)
        return -ENOMEM;
    rules->items = bigger;
    rules->items[rules->n++] = rule;
    rule = (struct preset_rule){};
    return 0;
}

int preset_rules_parse(struct preset_rules *rules, const char *file, char *text) {
    unsigned line = 0;
    for (char *p = text, *end; p && *p; p = end) {
        end = strchr(p, '\n');
        if (end)
            *end++ = 0;
        line++;
        p += strspn(p, WHITESPACE);
        size_t n = strlen(p);
        while (n > 0 && strchr(WHITESPACE, p[n - 1]))
            p[--n] = 0;
        int r = *p && *p != '#' && *p != ';' ? read_line(rules, file, line, p) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_preset_file(struct preset_rules *rules, const struct search_path *where, const char *path) {
    _cleanup_free_ char *data = NULL;
    int r = file_read(path, PRESET_FILE_MAX, &data, NULL);
    if (r >= 0 && data)
        return preset_rules_parse(rules, path_without_root(where, path), data);
    return r == -ENOMEM ? r : 0; /* a link to /dev/null hides a file of lower priority */
}

static int compare_base(const void *a, const void *b) {
    return strcmp(path_base(*(char *const *)a), path_base(*(char *const *)b));
}

int preset_rules_read(const struct search_path *where, struct preset_rules *ret) {
    _cleanup_strv_ char **files = NULL, **names = NULL;
    _cleanup_(preset_rules_done) struct preset_rules rules = {};
    const char *kind = where->scope == SEARCH_SYSTEM ? "system-preset" : "user-preset";
    int r = 0;
    for (size_t i = 0; i < ELEMENTS(directories); i++) {
        _cleanup_free_ char *parent = path_join(where->root, directories[i]);
        _cleanup_free_ char *directory = parent ? path_join(parent, kind) : NULL;
        if (!directory)
            return -ENOMEM;
        DIR *d = opendir(directory);
        if (!d)
            continue;
        for (struct dirent *e; r >= 0 && (e = readdir(d));) {
            size_t n = strlen(e->d_name);
            if (n <= 7 || strcmp(e->d_name + n - 7, ".preset") != 0 || strv_contains(names, e->d_name))
                continue;
            r = strv_add(&names, e->d_name);
            if (r >= 0)
                r = strv_take(&files, path_join(directory, e->d_name));
        }
        closedir(d);
        if (r < 0)
            return r;
    }
    if (files)
        qsort(files, strv_length(files), sizeof(char *), compare_base);
    STRV_FOREACH(file, files) {
        r = read_preset_file(&rules, where, *file);
        if (r < 0)
            return r;
    }
    *ret = rules;
    rules = (struct preset_rules){};
    return 0;
}

/* A rule for foo@.service with instances speaks of foo@.service, and of those of its instances. */
static bool matches_instances(const struct preset_rule *rule, const char *name) {
    _cleanup_free_ char *template = NULL, *instance = NULL;
    if (strv_length(rule->instances) == 0 || unit_name_kind(name) != UNIT_NAME_INSTANCE)
        return false;
    return unit_name_template(name, &template) >= 0 && unit_name_instance(name, &instance) >= 0 &&
           strcmp(rule->pattern, template) == 0 && strv_contains(rule->instances, instance);
}

/* One word that can be no instance, and the rule speaks of none. */
static int add_instances(const struct preset_rule *rule, const char *name, char ***instances) {
    _cleanup_strv_ char **names = NULL;
    STRV_FOREACH(instance, rule->instances) {
        char *whole = NULL;
        int r = unit_name_replace_instance(name, *instance, &whole);
        if (r == -EINVAL)
            return 0;
        if (r >= 0)
            r = strv_take(&names, whole);
        if (r < 0)
            return r;
    }
    *instances = TAKE(names);
    return 0;
}

int preset_query(const struct preset_rules *rules, const char *name, enum preset_action *ret,
                 char ***instances) {
    if (!unit_name_valid(name, UNIT_NAME_ANY))
        return -EINVAL;
    *ret = PRESET_ENABLE;
    for (size_t i = 0; i < rules->n; i++) {
        const struct preset_rule *rule = &rules->items[i];
        bool whole = glob_match(rule->pattern, name, FNM_NOESCAPE);
        if (!whole && !(instances && matches_instances(rule, name)))
            continue;
        *ret = rule->action;
        if (instances && unit_name_kind(name) == UNIT_NAME_TEMPLATE && strcmp(rule->pattern, name) == 0)
            return add_instances(rule, name, instances);
        return 0;
    }
    return 0;
}

int install_query_preset(const struct search_path *where, const char *name, enum preset_action *ret) {
    _cleanup_(preset_rules_done) struct preset_rules rules = {};
    int r = preset_rules_read(where, &rules);
    return r < 0 ? r : preset_query(&rules, name, ret, NULL);
}
