/* SPDX-License-Identifier: Apache-2.0 */
/* Reading preset files and asking them about one unit. Changes nothing: install.c does what they say. */
#include "unit/preset.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "syntax/words.h"
#include "unit/name.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#define PRESET_FILE_MAX ((size_t)1 << 20)

static const char *const directories[] = { "/etc/systemd/system-preset", "/run/systemd/system-preset",
                                           "/usr/local/lib/systemd/system-preset",
                                           "/usr/lib/systemd/system-preset", "/lib/systemd/system-preset" };

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

void preset_rules_done(struct preset_rules *rules) {
    for (size_t i = 0; i < rules->n; i++) {
        free(rules->items[i].pattern);
        strv_free(rules->items[i].instances);
    }
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

static int read_line(struct preset_rules *rules, const char *file, unsigned line, const char *text) {
    _cleanup_strv_ char **words = NULL;
    int r = words_split(text, NULL, WORD_UNQUOTE, &words);
    if (r == -ENOMEM)
        return r;
    size_t n = strv_length(words);
    enum preset_action action = r >= 0 && n > 0 ? action_from_word(words[0]) : PRESET_UNKNOWN;
    if (action == PRESET_UNKNOWN || n < 2) {
        log_warning("%s:%u: neither \"enable\", \"disable\" nor \"ignore\" with a pattern, ignoring", file,
                    line);
        return 0;
    }
    struct preset_rule *bigger = realloc(rules->items, (rules->n + 1) * sizeof(*bigger));
    if (!bigger)
        return -ENOMEM;
    rules->items = bigger;
    struct preset_rule rule = { .action = action, .pattern = strdup(words[1]) };
    if (!rule.pattern || (action == PRESET_ENABLE && strv_add_all(&rule.instances, words + 2) < 0)) {
        free(rule.pattern);
        strv_free(rule.instances);
        return -ENOMEM;
    }
    rules->items[rules->n++] = rule;
    return 0;
}

static int read_preset_file(struct preset_rules *rules, const char *path) {
    _cleanup_free_ char *data = NULL;
    int r = file_read(path, PRESET_FILE_MAX, &data, NULL);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return 0; /* a link to /dev/null hides a file of lower priority */
    unsigned line = 0;
    for (char *p = data, *end; p && *p; p = end) {
        end = strchr(p, '\n');
        if (end)
            *end++ = 0;
        line++;
        p += strspn(p, " \t\r");
        if (*p && *p != '#' && *p != ';' && (r = read_line(rules, path, line, p)) < 0)
            return r;
    }
    return 0;
}

static int compare_base(const void *a, const void *b) {
    return strcmp(path_base(*(char *const *)a), path_base(*(char *const *)b));
}

int preset_rules_read(const struct search_path *where, struct preset_rules *ret) {
    _cleanup_strv_ char **files = NULL, **names = NULL;
    _cleanup_(preset_rules_done) struct preset_rules rules = {};
    int r = 0;
    for (size_t i = 0; i < ELEMENTS(directories); i++) {
        _cleanup_free_ char *directory = path_join(where->root, directories[i]);
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
        r = read_preset_file(&rules, *file);
        if (r < 0)
            return r;
    }
    *ret = rules;
    rules = (struct preset_rules){};
    return 0;
}

/* A rule for foo@.service with instances also speaks of foo@bar.service, if bar is among them. */
static bool matches(const struct preset_rule *rule, const char *name) {
    if (strv_length(rule->instances) == 0 || unit_name_kind(name) != UNIT_NAME_INSTANCE)
        return glob_match(rule->pattern, name, FNM_NOESCAPE);
    _cleanup_free_ char *template = NULL, *instance = NULL;
    return unit_name_template(name, &template) >= 0 && unit_name_instance(name, &instance) >= 0 &&
           glob_match(rule->pattern, template, FNM_NOESCAPE) && strv_contains(rule->instances, instance);
}

int preset_query(const struct preset_rules *rules, const char *name, enum preset_action *ret,
                 char ***instances) {
    if (!unit_name_valid(name, UNIT_NAME_ANY))
        return -EINVAL;
    for (size_t i = 0; i < rules->n; i++) {
        const struct preset_rule *rule = &rules->items[i];
        if (!matches(rule, name))
            continue;
        if (instances && unit_name_kind(name) == UNIT_NAME_TEMPLATE)
            STRV_FOREACH(instance, rule->instances) {
                char *whole = NULL;
                int r = unit_name_replace_instance(name, *instance, &whole);
                if (r >= 0)
                    r = strv_take(instances, whole);
                if (r < 0)
                    return r;
            }
        *ret = rule->action;
        return 0;
    }
    *ret = PRESET_ENABLE;
    return 0;
}

int install_query_preset(const struct search_path *where, const char *name, enum preset_action *ret) {
    _cleanup_(preset_rules_done) struct preset_rules rules = {};
    int r = preset_rules_read(where, &rules);
    return r < 0 ? r : preset_query(&rules, name, ret, NULL);
}
