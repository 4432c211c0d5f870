/* SPDX-License-Identifier: Apache-2.0 */
/* Enabling, masking, presets: the symlinks in /etc/systemd/system that [Install] sections ask for, and what
 * they say about a unit file. Works on files only, so the same code serves the manager, `systemctl --root=`
 * and image builds. systemctl(1) "Unit File Commands", systemd.unit(5) "[Install] Section Options",
 * systemd.preset(5). */
#pragma once

#include "base/text.h"
#include "unit/search.h"

enum install_flags {
    INSTALL_RUNTIME = 1 << 0, /* links in /run/systemd/system, gone with the next boot */
    INSTALL_FORCE = 1 << 1,   /* replaces what is in the way */
    INSTALL_DRY_RUN = 1 << 2, /* tells what a disable would remove, changes nothing */
};

/* systemctl(1) "is-enabled". */
enum unit_file_state {
    UNIT_FILE_ENABLED,
    UNIT_FILE_ENABLED_RUNTIME,
    UNIT_FILE_LINKED,
    UNIT_FILE_LINKED_RUNTIME,
    UNIT_FILE_ALIAS,
    UNIT_FILE_MASKED,
    UNIT_FILE_MASKED_RUNTIME,
    UNIT_FILE_STATIC,
    UNIT_FILE_DISABLED,
    UNIT_FILE_INDIRECT,
    UNIT_FILE_GENERATED,
    UNIT_FILE_TRANSIENT,
    UNIT_FILE_BAD,
    UNIT_FILE_NOT_FOUND,
    UNIT_FILE_STATES,
    UNIT_FILE_STATE_INVALID = -1,
};
/* "enabled" …; NULL if out of range. And back; UNIT_FILE_STATE_INVALID. */
const char *unit_file_state_to_string(enum unit_file_state state);
enum unit_file_state unit_file_state_from_string(const char *s);

/* --- what was done -------------------------------------------------------------------------------------- */
enum install_change_type {
    INSTALL_SYMLINK,             /* path → source was made */
    INSTALL_UNLINK,              /* path was removed */
    INSTALL_MASKED,              /* the unit `path` is masked: skipped */
    INSTALL_MASKED_GENERATOR,    /* masked by a generator: skipped */
    INSTALL_DANGLING,            /* `path` is a symlink to nothing */
    INSTALL_DESTINATION_MISSING, /* linked, but the unit to pull it in (source) does not exist */
    INSTALL_AUXILIARY_FAILED,    /* a unit named in Also= could not be handled */
    INSTALL_CHANGE_TYPES,
};
struct install_change {
    int type;     /* enum install_change_type; negative: the errno with which `path` could not be changed */
    char *path;   /* with the root directory in front */
    char *source; /* what a link points to, without the root directory; NULL where there is none */
};
/* Start with {}; every call below appends. */
struct install_changes {
    struct install_change *items;
    size_t n;
};
void install_changes_done(struct install_changes *changes);
#define _cleanup_install_changes_ _cleanup_(install_changes_done)

/* The word in D-Bus replies' a(sss): "symlink", "unlink", …; NULL for errors, which go into no reply. */
const char *install_change_type_to_string(int type);
/* What systemctl prints for it: "Created symlink A → B.", "Removed A.", without newline. `verb` ("enable")
 * appears in the sentences about failures. An error of a call as a whole that left no failed change:
 * install_error_describe(). */
void install_change_describe(const struct install_change *change, const char *verb, struct text *out);
/* The sentence for the negative errno a call returned: that of the first failed change, or one about the
 * errno. */
void install_error_describe(int error, const struct install_changes *changes, const char *verb,
                            struct text *out);
/* For errors on the bus: the first failed change, or NULL. */
const struct install_change *install_first_error(const struct install_changes *changes);

/* --- the verbs --- */

/* `names` are unit names, or absolute paths where systemctl takes them (enable, link, reenable). All return a
 * negative errno with the reason appended to `changes` (what was done before stays done and is listed), else
 * 0, or where said 1 for "carries install info". -ENOENT: no such unit file; -EEXIST: something else is in
 * the way; -ERFKILL: masked; -EADDRNOTAVAIL: generated or transient, cannot be enabled; -EUCLEAN: the unit's
 * name is wrong; -ELOOP: cyclic aliases; -EXDEV: an Alias= with another suffix; -EINVAL. */

/* 1 if any of the units has installation config, 0 if none has. */
int install_enable(const struct search_path *where, enum install_flags flags, char *const *names,
                   struct install_changes *changes);
/* 1 if any of the units (or what its Also= names) has installation config. A unit without a file is a failed
 * change of -ENOENT in `changes`, but its links are removed and the call succeeds. On the bus, that is an
 * error if nothing else was changed. */
int install_disable(const struct search_path *where, enum install_flags flags, char *const *names,
                    struct install_changes *changes);
int install_reenable(const struct search_path *where, enum install_flags flags, char *const *names,
                     struct install_changes *changes);
int install_mask(const struct search_path *where, enum install_flags flags, char *const *names,
                 struct install_changes *changes);
int install_unmask(const struct search_path *where, enum install_flags flags, char *const *names,
                   struct install_changes *changes);
/* `files`: absolute paths. */
int install_link(const struct search_path *where, enum install_flags flags, char *const *files,
                 struct install_changes *changes);
/* Removes what /etc overrides the vendor's with, drop-ins and masks included. */
int install_revert(const struct search_path *where, char *const *names, struct install_changes *changes);
/* TARGET.wants/NAME (or .requires/). `requires` false: wants. */
int install_add_dependency(const struct search_path *where, enum install_flags flags, char *const *names,
                           const char *target, bool requires, struct install_changes *changes);
int install_set_default(const struct search_path *where, enum install_flags flags, const char *target,
                        struct install_changes *changes);
/* The name default.target stands for; -ENOENT if there is none. Caller frees. */
int install_get_default(const struct search_path *where, char **ret);

enum preset_mode { PRESET_FULL, PRESET_ENABLE_ONLY, PRESET_DISABLE_ONLY, PRESET_MODES };
/* "full", "enable-only", "disable-only"; -EINVAL. */
int preset_mode_from_string(const char *s);
/* 1 if any of the units has installation config. */
int install_preset(const struct search_path *where, enum install_flags flags, char *const *names,
                   enum preset_mode mode, struct install_changes *changes);
int install_preset_all(const struct search_path *where, enum install_flags flags, enum preset_mode mode,
                       struct install_changes *changes);

/* --- asking --------------------------------------------------------------------------------------------- */
/* 0 and the state; UNIT_FILE_NOT_FOUND comes as -ENOENT (the bus says NoSuchUnit), a file that cannot be read
 * as its errno, UNIT_FILE_BAD as 0. */
int install_state(const struct search_path *where, const char *name, enum unit_file_state *ret);

/* Does a unit of this name exist in any form, masked and broken ones included? */
bool install_exists(const struct search_path *where, const char *name);
/* 1: there is a unit file that the verbs can work on; 0: there is none; a negative errno: something is wrong with
 * it. */
int install_look_up(const struct search_path *where, const char *name);

/* What presets say about a unit. */
enum preset_action { PRESET_UNKNOWN, PRESET_ENABLE, PRESET_DISABLE, PRESET_IGNORE };
int install_query_preset(const struct search_path *where, const char *name, enum preset_action *ret);
/* "enabled", "disabled", "ignored"; "" for PRESET_UNKNOWN. */
const char *preset_action_to_string(enum preset_action action);

struct unit_file_entry {
    char *path; /* with the root directory in front */
    enum unit_file_state state;
};
struct unit_file_list {
    struct unit_file_entry *items;
    size_t n;
};
/* Every unit file of the load path once, the one of highest priority, sorted by name. `states` and `patterns`
 * (shell globs on the name): NULL or empty for all. */
int install_list(const struct search_path *where, char *const *states, char *const *patterns,
                 struct unit_file_list *ret);
void unit_file_list_done(struct unit_file_list *list);
#define _cleanup_unit_file_list_ _cleanup_(unit_file_list_done)
