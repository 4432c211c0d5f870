/* SPDX-License-Identifier: Apache-2.0 */
/* What the files say about one unit: names, paths, and the settings somebody wrote. Pure data: no state, no processes.
 * The engine's `struct unit` holds one of these and adds the life. */
#pragma once

#include "base/id128.h"
#include "unit/directives.h"
#include "unit/search.h"

enum load_state { LOAD_STUB, LOAD_LOADED, LOAD_NOT_FOUND, LOAD_BAD_SETTING, LOAD_ERROR, LOAD_MERGED, LOAD_MASKED,
                  LOAD_STATES };
const char *load_state_to_string(enum load_state state);

struct setting {
    enum directive id;
    union value value;
};

struct unit_file {
    char *name;             /* the primary name: where an alias was asked for, the name it stands for */
    char **aliases;         /* other names (symlinks) found while loading, without `name` */
    char *fragment_path;    /* NULL: none */
    char *source_path;      /* SourcePath=, of generated units */
    char **dropin_paths;    /* in the order they were read */
    char **wants_from_dirs; /* names found in NAME.wants/ directories; they count as Wants= */
    char **requires_from_dirs;
    char **upholds_from_dirs;
    usec_t mtime;           /* newest of fragment, drop-ins and SourcePath=, for NeedDaemonReload; 0: none */
    enum unit_type type : 8;
    enum load_state state : 8;
    bool transient, perpetual;
    bool builtin;           /* what reeve does itself: the compiled-in unit that wins over every file */
    char *error;            /* why state is LOAD_ERROR or LOAD_BAD_SETTING; NULL otherwise */

    struct setting *settings; /* sorted by id; only what was assigned */
    uint32_t n_settings, settings_room;
};

/* What is not in the files: where the manager keeps things, for %t, %S, …. One for the whole manager. */
struct manager_dirs {
    const char *runtime;       /* /run */
    const char *state;         /* /var/lib */
    const char *cache;         /* /var/cache */
    const char *logs;          /* /var/log */
    const char *configuration; /* /etc */
    const char *credentials;   /* $CREDENTIALS_DIRECTORY of the manager, or NULL */
    bool system;               /* false: a user manager */
};

/* Called once for each warning: an unknown name, a malformed value. `file` and `line` as in struct parse_at. */
typedef void (*unit_report)(void *userdata, const char *unit, const char *file, unsigned line, const char *message);

/* Loads the fragment of `name` with its drop-ins and .wants/.requires/.upholds directories, following aliases.
 * systemd.unit(5) "Unit File Load Path". Always returns 0 with *ret owned by the caller, whatever the files look like:
 * ret->state tells; only -ENOMEM and -EINVAL (not a valid unit name) fail. A malformed line is a report, never a
 * failure. */
int unit_file_load(const struct search_path *where, const struct manager_dirs *dirs, const char *name,
                   unit_report report, void *userdata, struct unit_file **ret);
/* An empty unit of this name with no files, state LOAD_STUB. */
int unit_file_new(const char *name, struct unit_file **ret);
void unit_file_free(struct unit_file *file);
void unit_file_freep(struct unit_file **file);
/* Would loading it again give something else? Compares paths and mtimes with what is on disk now. Without a cache in
 * `where`: false. */
bool unit_file_changed(const struct search_path *where, const struct unit_file *file);

/* Assigns one directive as a line in the file would. `row` must allow the unit's section. 0, where at->why may hold a
 * warning about a part that was left out; -EINVAL or -ENOEXEC (value.h) with at->why; -ENOMEM. */
int unit_file_assign(struct unit_file *file, const struct directive_row *row, struct parse_at *at, const char *text);
/* The specifier table for this unit; `storage` must outlive it. */
struct unit_specifiers {
    const struct unit_file *file;
    const struct manager_dirs *dirs;
    struct specifier_table table;
};
void unit_specifiers_init(struct unit_specifiers *storage, const struct unit_file *file,
                          const struct manager_dirs *dirs);

/* --- reading settings: the written value, else the row's default ------------------------------------------------ */
const union value *unit_setting(const struct unit_file *file, enum directive id);
bool unit_setting_written(const struct unit_file *file, enum directive id);
/* TriggerLimitBurst=, whose default is another one for paths and for sockets with Accept=yes. systemd.socket(5). */
uint64_t unit_trigger_limit_burst(const struct unit_file *file);
/* Forgets a written value, freeing it. */
void unit_setting_drop(struct unit_file *file, enum directive id);
/* Gives back the room of settings that may yet come: the unit is loaded. */
void unit_settings_fit(struct unit_file *file);
/* Replaces it by a word whose ownership passes to the file. 0 or -ENOMEM. */
int unit_setting_put(struct unit_file *file, enum directive id, union value value);

static inline bool unit_bool(const struct unit_file *f, enum directive id) { return unit_setting(f, id)->boolean; }
static inline int64_t unit_number(const struct unit_file *f, enum directive id) { return unit_setting(f, id)->number; }
static inline uint64_t unit_size(const struct unit_file *f, enum directive id) { return unit_setting(f, id)->size; }
static inline usec_t unit_usec(const struct unit_file *f, enum directive id) { return unit_setting(f, id)->usec; }
static inline const char *unit_string(const struct unit_file *f, enum directive id) {
    return unit_setting(f, id)->string;
}
static inline char **unit_strv(const struct unit_file *f, enum directive id) { return unit_setting(f, id)->strv; }
static inline const void *unit_object(const struct unit_file *f, enum directive id) {
    return unit_setting(f, id)->object;
}
/* ExecStart= and sisters; NULL: none. */
static inline const struct exec_command_list *unit_commands(const struct unit_file *f, enum directive id) {
    return unit_setting(f, id)->object;
}
