/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of the unit load path a file lies in, for the install verbs. Text only. */
#include "base/path.h"
#include "base/strv.h"
#include "unit/install_internal.h"

#include <string.h>

static bool same_directory(const char *a, const char *b) {
    if (!a || !b)
        return false;
    const char *rest = path_below(a, b);
    return rest && !*rest;
}

bool path_lies_in(const char *path, const char *directory) {
    const char *rest = directory ? path_below(path, directory) : NULL;
    return rest && *rest && !strchr(rest, '/');
}

bool path_in_search(const struct search_path *where, const char *path) {
    STRV_FOREACH(directory, where->directories)
        if (path_lies_in(path, *directory))
            return true;
    const char *inside = path_without_root(where, path);
    return path_lies_in(inside, VENDOR_DIRECTORY);
}

bool path_is_generated(const struct search_path *where, const char *path) {
    return path_lies_in(path, where->generator) || path_lies_in(path, where->generator_early) ||
           path_lies_in(path, where->generator_late);
}

bool path_is_transient(const struct search_path *where, const char *path) {
    return path_lies_in(path, where->transient);
}

bool path_is_config(const struct search_path *where, const char *path, bool parent) {
    bool (*test)(const char *, const char *) = parent ? path_lies_in : same_directory;
    return test(path, where->persistent_config) || test(path, where->runtime_config);
}

bool path_is_control(const struct search_path *where, const char *path) {
    return path_lies_in(path, where->persistent_control) || path_lies_in(path, where->runtime_control);
}

/* Everything below /run counts: generated, transient and control files go with the next boot as well. */
bool path_is_runtime(const struct search_path *where, const char *path, bool parent) {
    bool (*test)(const char *, const char *) = parent ? path_lies_in : same_directory;
    const char *const runtime[] = { where->runtime_config, where->runtime_control, where->transient,
                                    where->generator,      where->generator_early, where->generator_late };
    for (size_t i = 0; i < ELEMENTS(runtime); i++)
        if (runtime[i] && test(path, runtime[i]))
            return true;
    return path_below(path_without_root(where, path), "/run");
}

bool path_is_vendor_or_generated(const struct search_path *where, const char *path) {
    if (path_is_generated(where, path))
        return true;
    return path_in_search(where, path) && !path_is_config(where, path, true) &&
           !path_is_control(where, path) && !path_is_transient(where, path) &&
           !path_below(path_without_root(where, path), "/etc") &&
           !path_below(path_without_root(where, path), "/run");
}

const char *path_without_root(const struct search_path *where, const char *path) {
    const char *root = where->root;
    if (!root || !root[0])
        return path;
    size_t n = strlen(root);
    while (n > 0 && root[n - 1] == '/')
        n--;
    return strncmp(path, root, n) == 0 && path[n] == '/' ? path + n : path;
}
