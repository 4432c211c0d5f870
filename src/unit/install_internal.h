/* SPDX-License-Identifier: Apache-2.0 */
/* What the install*.c files share: one unit file's [Install] section, the set of them that one verb works on,
 * and the symlinks. Nobody else includes this. */
#pragma once

#include "unit/install.h"
#include "unit/name.h"

/* What lies under a unit's name. */
enum install_mode {
    MODE_UNKNOWN,
    MODE_REGULAR,
    MODE_LINKED, /* a symlink out of the load path */
    MODE_ALIAS,  /* a symlink to another name in the load path */
    MODE_MASKED,
};

struct install_info {
    char *name;
    char *path;           /* with the root; NULL until it was found */
    char *symlink_target; /* with the root, for MODE_LINKED and MODE_ALIAS */
    char **aliases, **wanted_by, **required_by, **upheld_by; /* as written: specifiers are not yet expanded */
    char **also;
    char *default_instance;
    enum install_mode mode;
    bool auxiliary; /* comes from an Also=: a failure is a warning */
    bool loaded;    /* the settings were read */
};

/* The units a verb works on, in the order they came up. Also= and aliases append while it is being walked. */
struct install_context {
    const struct search_path *where;
    struct install_info **items;
    size_t n, n_done;
};
void install_context_done(struct install_context *context);

enum search_flags {
    SEARCH_LOAD = 1 << 0, /* read [Install] */
    SEARCH_FOLLOW =
        1 << 1, /* follow symlinks of the configuration directories too; otherwise they are -ELOOP */
};

/* An entry for `name` (or for the absolute path, without root, in `name`). Makes it if it is not there. */
int install_context_add(struct install_context *context, const char *name, bool auxiliary,
                        struct install_info **ret);
struct install_info *install_context_find(const struct install_context *context, const char *name);
/* Finds the file of an entry, or the symlink that stands for it, which is not followed. */
int install_find(struct install_context *context, struct install_info *info, enum search_flags flags);
/* Finds the file of an entry and follows symlinks to the entry that is meant, which is returned. -ENOENT,
 * -ENOLINK (a symlink to nothing), -ELOOP, -EINVAL … */
int install_traverse(struct install_context *context, struct install_info *start, enum search_flags flags,
                     struct install_info **ret);
/* add and traverse; failures go to `changes`. */
int install_discover(struct install_context *context, const char *name, enum search_flags flags,
                     struct install_info **ret, struct install_changes *changes);
/* And refuses what is masked, generated or transient. */
int install_discover_and_check(struct install_context *context, const char *name, enum search_flags flags,
                               struct install_info **ret, struct install_changes *changes);
bool install_info_has_rules(const struct install_info *info);
bool install_info_has_also(const struct install_info *info);
/* Expands the specifiers that [Install] knows. */
int install_expand(const struct install_info *info, const char *text, const char *root, char **ret);
/* Takes up the [Install] section of a file's or a drop-in's text. Units in Also= join the context. -EINVAL and kin: the
 * section makes the unit bad. */
int install_section_read(struct install_context *context, struct install_info *info, const char *path,
                         const char *data, size_t size);
/* Kinds of units that may have other names, or instances. */
bool unit_type_may_alias(enum unit_type type);
bool unit_type_may_template(enum unit_type type);
/* Does a link of this name stand for the unit, by its name, an Alias= or its DefaultInstance=? */
bool install_name_known(const struct install_info *info, const char *name);

/* --- places */
/* Directly in this directory. */
bool path_lies_in(const char *path, const char *directory);
bool path_in_search(const struct search_path *where, const char *path);
bool path_is_generated(const struct search_path *where, const char *path);
bool path_is_transient(const struct search_path *where, const char *path);
/* Directly in /etc or /run/systemd/system; `parent`: path is a file there, else it is the directory itself.
 */
bool path_is_config(const struct search_path *where, const char *path, bool parent);
bool path_is_runtime(const struct search_path *where, const char *path, bool parent);
bool path_is_control(const struct search_path *where, const char *path);
bool path_is_vendor_or_generated(const struct search_path *where, const char *path);
/* "/usr/lib/systemd/system", with the root: where units compiled into the binary pretend to lie. */
#define VENDOR_DIRECTORY "/usr/lib/systemd/system"
/* path without the root in front; never NULL. */
const char *path_without_root(const struct search_path *where, const char *path);

/* --- links */
/* 0, or -ENOMEM; the strings are copied. For errors: type is a negative errno, which is returned. */
int install_change_add(struct install_changes *changes, int type, const char *path, const char *source);
/* new_path → old_path. 1: is there now, or was already; negative errno, said in `changes`. */
int install_link_make(const struct search_path *where, const char *old_path, const char *new_path, bool force,
                      struct install_changes *changes);
/* Makes what the units of the context ask for, Also= included. Positive: something was asked for; 0: nothing
 * was. */
int install_context_apply(struct install_context *context, enum install_flags flags, bool ignore_auxiliary,
                          const char *config_path, enum search_flags search, struct install_changes *changes);
/* Collects the names whose links are to go. */
int install_context_mark(struct install_context *context, char ***marked, struct install_changes *changes);
/* Removes every link in config_path and its .wants directories that is named or points to one of `marked`. */
int install_links_remove(const struct search_path *where, char ***marked, const char *config_path,
                         bool dry_run, struct install_changes *changes);
int install_mark(char ***marked, const char *name); /* 1: new, 0: known, -ENOMEM */
static inline const char *install_config_path(const struct search_path *where, enum install_flags flags) {
    return flags & INSTALL_RUNTIME ? where->runtime_config : where->persistent_config;
}
