/* SPDX-License-Identifier: Apache-2.0 */
/* Which directories are searched, and in which order. systemd.unit(5) "Unit File Load Path". */
#include "base/chase.h"
#include "base/path.h"
#include "base/strv.h"
#include "unit/search_private.h"

#include <errno.h>
#include <string.h>

static int put(char **field, const char *a, const char *b, const char *c) {
    _cleanup_free_ char *ab = path_join(a, b);
    char *abc = ab ? path_join(ab, c) : NULL;
    if (!abc)
        return -ENOMEM;
    *field = abc;
    return 0;
}

/* /lib as a link to /usr/lib: the same directory need not be searched twice. */
static bool same_directory(const char *root, const char *a, const char *b) {
    _cleanup_free_ char *x = NULL, *y = NULL;
    return chase(a, root, &x) > 0 && chase(b, root, &y) > 0 && strcmp(x, y) == 0;
}

static int add_directory(struct search_path *path, const char *prefix, const char *directory) {
    char *full = path_join(prefix, directory);
    if (!full)
        return -ENOMEM;
    if (strv_length(path->directories) >= SEARCH_DIRECTORIES_MAX || strv_contains(path->directories, full)) {
        free(full);
        return 0;
    }
    /* Only the last two of the usual ones are ever the same. */
    size_t n = strv_length(path->directories);
    if (n > 0 && same_directory(path->root, path->directories[n - 1], full)) {
        free(full);
        return 0;
    }
    return strv_take(&path->directories, full);
}

struct place {
    const char *prefix, *directory;
};

static int add_all(struct search_path *path, const struct place *order, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int r = add_directory(path, order[i].prefix, order[i].directory);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_usual_system(struct search_path *path) {
    const struct place order[] = {
        { "", path->persistent_control },
        { "", path->runtime_control },
        { "", path->transient },
        { "", path->generator_early },
        { "", path->persistent_config },
        { path->root, "/etc/systemd/system.attached" },
        { "", path->runtime_config },
        { path->root, "/run/systemd/system.attached" },
        { "", path->generator },
        { path->root, "/usr/local/lib/systemd/system" },
        { path->root, "/usr/lib/systemd/system" },
        { path->root, "/lib/systemd/system" },
        { "", path->generator_late },
    };
    return add_all(path, order, ELEMENTS(order));
}

static int add_usual_user(struct search_path *path) {
    const struct place order[] = {
        { "", path->persistent_control },
        { "", path->runtime_control },
        { "", path->transient },
        { "", path->generator_early },
        { "", path->persistent_config },
        { path->root, "/etc/systemd/user" },
        { "", path->runtime_config },
        { path->root, "/run/systemd/user" },
        { "", path->generator },
        { path->root, "/usr/local/share/systemd/user" },
        { path->root, "/usr/share/systemd/user" },
        { path->root, "/usr/local/lib/systemd/user" },
        { path->root, "/usr/lib/systemd/user" },
        { path->root, "/lib/systemd/user" },
        { "", path->generator_late },
    };
    return add_all(path, order, ELEMENTS(order));
}

/* $SYSTEMD_UNIT_PATH replaces the usual directories; with a colon at its end it stands before them. */
static int add_from_environment(struct search_path *path, bool *ret_only) {
    const char *list = getenv("SYSTEMD_UNIT_PATH");
    *ret_only = list && *list && list[strlen(list) - 1] != ':';
    if (!list)
        return 0;
    _cleanup_strv_ char **parts = strv_split(list, ":");
    if (!parts)
        return -ENOMEM;
    STRV_FOREACH(p, parts) {
        int r = path_is_absolute(*p) ? add_directory(path, path->root, *p) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int search_path_init(struct search_path *path, const char *root, const char *runtime,
                     enum search_scope scope) {
    const char *config = "/etc/systemd";
    bool system = scope == SEARCH_SYSTEM;
    _cleanup_free_ char *user_config = NULL, *clean_root = NULL;
    *path = (struct search_path){ .scope = scope };
    if (!runtime)
        runtime = "/run";
    if (scope == SEARCH_USER) {
        const char *home = getenv("XDG_CONFIG_HOME");
        user_config =
            home ? path_join(home, "systemd") : path_join(getenv("HOME") ?: "/root", ".config/systemd");
        if (!user_config)
            return -ENOMEM;
        config = user_config;
    }
    clean_root = strdup(root && strcmp(root, "/") != 0 ? root : "");
    if (!clean_root)
        return -ENOMEM;
    path_simplify(clean_root);
    path->root = TAKE(clean_root);
    const struct {
        char **field;
        const char *base, *rest;
    } fields[] = {
        { &path->persistent_config, config, system ? "system" : "user" },
        { &path->runtime_config, runtime, system ? "systemd/system" : "systemd/user" },
        { &path->persistent_control, config, system ? "system.control" : "user.control" },
        { &path->runtime_control, runtime, system ? "systemd/system.control" : "systemd/user.control" },
        { &path->transient, runtime, "systemd/transient" },
        { &path->generator, runtime, "systemd/generator" },
        { &path->generator_early, runtime, "systemd/generator.early" },
        { &path->generator_late, runtime, "systemd/generator.late" },
    };
    int r = 0;
    bool only = false;
    for (size_t i = 0; i < ELEMENTS(fields) && r >= 0; i++)
        r = put(fields[i].field, path->root, fields[i].base, fields[i].rest);
    if (r >= 0)
        r = add_from_environment(path, &only);
    if (r >= 0 && !only)
        r = system ? add_usual_system(path) : add_usual_user(path);
    if (r < 0)
        search_path_done(path);
    return r;
}

void search_path_done(struct search_path *path) {
    search_cache_free(path->cache);
    strv_free(path->directories);
    free(path->root);
    free(path->persistent_config);
    free(path->runtime_config);
    free(path->persistent_control);
    free(path->runtime_control);
    free(path->transient);
    free(path->generator);
    free(path->generator_early);
    free(path->generator_late);
    *path = (struct search_path){};
}
