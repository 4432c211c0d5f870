/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the systemctl applet share: the command line, the manager at the other end, words and tables.
 * systemctl(1). A client like any other: it knows the bus and unit files, nothing of the engine. */
#pragma once

#include "base/clock.h"
#include "base/strv.h"
#include "base/text.h"
#include "cli/journalctl/print.h"
#include "cli/terminal.h"
#include "syntax/timestamp.h"
#include "unit/search.h"

#include <dbus/dbus.h>

#define BUS_NAME "org.freedesktop.systemd1"
#define BUS_PATH "/org/freedesktop/systemd1"

/* Exit statuses that mean something: systemctl(1) "Exit status", the Linux Standard Base. */
enum {
    EXIT_BAD_ARGUMENT = 2,
    EXIT_NOT_RUNNING = 3,
    EXIT_NO_PERMISSION = 4,
    EXIT_NOT_INSTALLED = 5,
    EXIT_NOT_CONFIGURED = 6
};
enum { EXIT_STATUS_NOT_RUNNING = 3, EXIT_STATUS_UNKNOWN = 4 };

enum output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_JSON_PRETTY };

/* --- the command line: main.c --------------------------------------------------------------------------- */
struct ctl {
    char **types, **states, **properties;
    const char *root, *drop_in, *job_mode, *kill_whom, *preset_mode, *message;
    bool all, plain, full, quiet, no_block, now, wait, runtime, no_reload, no_warn, show_transaction, value;
    bool reverse, after, before, recursive, dry_run, no_legend, marked, from_stdin;
    unsigned force; /* how often it was given */
    enum search_scope scope; /* whose unit files: --user, --global */
    int signal;
    uint64_t lines;            /* of the log, in status */
    enum print_mode log_mode;
    enum output output;
    DBusConnection *bus; /* NULL before ctl_connect() */
    int timeout;         /* of a call, ms */
};
extern struct ctl ctl;

/* A verb's function: argv[0] is the verb. Returns the exit status. */
typedef int (*verb_function)(int argc, char **argv);

/* One line on stderr; returns 1, an exit status. */
int fail_memory(void);

/* --- the manager: bus.c --------------------------------------------------------------------------------- */
#define _cleanup_error_ _cleanup_(dbus_error_free)
void message_unrefp(DBusMessage **m);
#define _cleanup_message_ _cleanup_(message_unrefp)

/* 0; or negative: nobody answers, which is said, with what to do about it. Once connected, it stays so. */
int ctl_connect(void);
void ctl_try_connect(void); /* to a private socket, saying nothing; ctl.bus stays NULL if nobody answers */
void ctl_disconnect(void);

/* --- the manager that is started when there is none: ondemand.c ------------------------------------------- */
struct running {
    int pid; /* 0: no manager has left a mark */
    uint64_t start;
    bool on_demand, alive;
};
/* Which manager has left its mark here; false: none is alive. */
bool ctl_find_manager(struct running *ret);
bool ctl_first_is_systemd(void);
/* ctl_connect(), starting a manager in the background if there is none. */
int ctl_connect_or_start(void);
/* After a verb: if that was the last thing for which a manager was started, waits until it and its files are gone. */
void ctl_settle(void);

/* Are units' files all there is: --root=, no manager, or a chroot? */
bool ctl_offline(void);
/* Is this process in another root directory than PID 1? */
bool ctl_in_chroot(void);
/* A method of the manager. `types` says what follows: s string, b bool, u, i 32 bits, t 64 bits, y byte, A char **,
 * F a function that appends (void (*)(struct out *, void *), void *). NULL and `error` set, or the reply. */
DBusMessage *ctl_call(const char *method, DBusError *error, const char *types, ...);
DBusMessage *ctl_call_at(const char *path, const char *interface, const char *method, DBusError *error,
                         const char *types, ...);
/* Without one that is worth keeping. 0, or negative with `error` set. */
int ctl_do(const char *method, DBusError *error, const char *types, ...);
/* The next message that is not a reply, after waiting; NULL: the connection has ended. */
DBusMessage *ctl_next_signal(void);
/* Does `error` have this name, without "org.freedesktop.systemd1."? */
bool error_is(const DBusError *error, const char *name);
/* The exit status that an error's name stands for. */
int error_exit_status(const DBusError *error);

/* Reading: what is not of the expected type reads as nothing. Each moves on. */
const char *take_string(DBusMessageIter *i); /* strings and object paths; "" */
uint64_t take_number(DBusMessageIter *i);    /* every whole number, and booleans; int32 as int64 */
bool take_open(DBusMessageIter *i, DBusMessageIter *inner); /* steps into an array, structure or variant */

/* All properties of an object, as GetAll("") answers. */
DBusMessage *props_get(const char *path, DBusError *error);
bool props_find(DBusMessage *props, const char *name, DBusMessageIter *ret);
const char *props_string(DBusMessage *props, const char *name);  /* "" */
uint64_t props_number(DBusMessage *props, const char *name);     /* UINT64_MAX where there is none */
char **props_strings(DBusMessage *props, const char *name);      /* caller frees; empty where there is none */
/* One property of a unit ("Unit", "Service" …), of the manager ("Manager"). The caller frees; NULL with `error` set. */
char *prop_string(const char *path, const char *interface, const char *name, DBusError *error);

/* --- units by name: names.c ----------------------------------------------------------------------------- */
/* "apache2" → "apache2.service"; patterns stay. -errno, said. */
int mangle(const char *argument, const char *suffix, char **ret);
/* The same for many, patterns replaced by the loaded units that match; *had_pattern may be NULL. */
int expand_names(char **arguments, const char *suffix, bool *had_pattern, char ***ret);
/* The bus path of a unit; NULL: no memory. */
char *unit_path(const char *name);

/* Rows of ListUnits. */
struct unit_row {
    const char *id, *description, *load, *active, *sub, *following, *path, *job_type, *job_path;
    uint32_t job;
};
/* The loaded units that match the patterns (NULL: all) and the options. Rows borrow from *reply. -errno, said. */
int list_units(char **patterns, DBusMessage **reply, struct unit_row **ret, size_t *ret_n);

/* --- text: format.c, table.c ---------------------------------------------------------------------------- */
enum glyph {
    GLYPH_CIRCLE,
    GLYPH_HOLLOW,
    GLYPH_CROSS,
    GLYPH_ARROW_CIRCLE,
    GLYPH_BRANCH,
    GLYPH_LAST,
    GLYPH_BAR,
    GLYPH_SPACE,
    GLYPH_ARROW,
    GLYPH_BULLET,
    GLYPHS
};
const char *glyph(enum glyph g);
enum glyph glyph_of_state(const char *active_state);
enum color { COLOR_GOOD, COLOR_BAD, COLOR_WARN, COLOR_DIM, COLOR_BOLD, COLORS };
/* Escape sequences, or "" where nobody sees colours. */
const char *color(enum color c);
const char *color_off(void);
/* Of an active state; "" for most. */
const char *color_of_state(const char *active_state);
/* "Sun 2026-11-22 06:57:52 UTC"; "n/a" for 0. */
const char *format_timestamp(usec_t t, char buffer[static TIMESTAMP_MAX]);
const char *format_ago(usec_t t, char buffer[static TIMESTAMP_MAX]); /* "10s ago" */
unsigned columns(void); /* of the screen; UINT_MAX where output has no width */
/* Columns that a string takes. */
size_t width_of(const char *s);

struct table {
    const char *const *headers; /* upper case */
    const char *numbers;        /* one character a column: '1' aligned to the right, a number in JSON */
    size_t n_columns, n_cells;
    char **cells;
    unsigned hidden;  /* bit per column */
    bool failed;
};
/* The next cell, row by row; copied. NULL is "". */
void table_add(struct table *t, const char *cell);
/* To stdout, the header unless --no-legend. 0, or an exit status. */
int table_print(const struct table *t);
void table_done(struct table *t);

/* --- verbs ---------------------------------------------------------------------------------------------- */
int verb_start(int argc, char **argv);
int start_units(const char *verb, char **names); /* jobs.c: the same for finished names */
int verb_isolate_to(int argc, char **argv);      /* default, rescue, emergency */
int verb_list_units(int argc, char **argv);
int verb_list_sockets(int argc, char **argv);
int verb_list_jobs(int argc, char **argv);
int verb_list_unit_files(int argc, char **argv);
int verb_list_dependencies(int argc, char **argv);
int verb_show(int argc, char **argv); /* and status */
int verb_cat(int argc, char **argv);
int verb_edit(int argc, char **argv);
int verb_list_timers(int argc, char **argv);
int verb_is_active(int argc, char **argv);
int verb_is_enabled(int argc, char **argv);
int verb_unit_files(int argc, char **argv); /* enable, disable, mask … */
int verb_get_default(int argc, char **argv);
int verb_set_default(int argc, char **argv);
int verb_add_dependency(int argc, char **argv);
int verb_preset_all(int argc, char **argv);
int verb_reload(int argc, char **argv); /* daemon-reload, daemon-reexec */
int verb_is_system_running(int argc, char **argv);
int verb_end(int argc, char **argv); /* poweroff, reboot, halt, kexec, exit */
int verb_environment(int argc, char **argv);
int verb_show_environment(int argc, char **argv);
int verb_import_environment(int argc, char **argv);
int verb_set_property(int argc, char **argv);
int verb_kill(int argc, char **argv);
int verb_reset_failed(int argc, char **argv);
int verb_cancel(int argc, char **argv);
int verb_log_level(int argc, char **argv);

/* The unit load path of --root=, --user, --global. 0, or negative, said. */
int files_where(struct search_path *where);
/* Names that have an init script are handed on to the tool for such; those that have no unit file leave *names,
 * which is NULL when none is left. `found`, for is-enabled: one of them is enabled. Negative: failed, said. */
int sysv_files(const char *verb, char ***names, bool *found);
int reload_manager(const char *method);
void warn_changed_on_disk(const char *unit);
/* What `systemctl show` prints for a property of an object; print_property() is one of them. */
void print_property(const char *name, DBusMessageIter *value);
void print_status(DBusMessage *props, const char *path);
void print_log(DBusMessage *props); /* what the unit logged last */
int print_system_status(void);
/* The processes below a control group, as a tree. */
void print_processes(const char *unit, const char *control_group);
const char *format_exit(int code, int status, char buffer[static TIMESTAMP_MAX]);
bool state_has_preset(const char *unit_file_state);
