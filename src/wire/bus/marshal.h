/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as D-Bus values: one getter for each form in which a value type keeps its value and a signature shows
 * it; and the macros with which properties_*.c write their rows. */
#pragma once

#include "unit/types.h"
#include "wire/bus/internal.h"

/* A setting of the unit's files. */
#define S(name_, signature_, getter, id) { name_, signature_, EMITS_CONST, getter, NULL, D_##id }
/* The same for everybody: the text is read as the signature says, "" is its nothing. */
#define C(name_, signature_, text) { name_, signature_, EMITS_CONST, constant, text }
/* Whatever the function finds. */
#define G(name_, signature_, emits_, getter) { name_, signature_, EMITS_##emits_, getter }

#define GETTER(function) void function(const struct object *object, const struct property *p, struct out *out)

GETTER(constant);

/* marshal.c: single words */
GETTER(setting_bool);
GETTER(setting_bool_word); /* "yes", "no" as a string */
GETTER(setting_tristate);  /* unset is false */
GETTER(setting_i32);
GETTER(setting_i32_or_unset); /* -1 where nothing is written */
GETTER(setting_u32);
GETTER(setting_u64);
GETTER(setting_i64);
GETTER(setting_u16);
GETTER(setting_enum);
GETTER(setting_enum_bool); /* an enumeration that began as a boolean: anything but its first name */
GETTER(setting_string);
GETTER(setting_strv);
GETTER(setting_tasks_max);
GETTER(setting_nice);
GETTER(setting_bounding_set);
GETTER(setting_enum_if_loaded); /* "" for a unit that is not there, or masked */
GETTER(setting_oom_policy);
GETTER(setting_output);
GETTER(setting_restart_kill_signal);
GETTER(mount_paths); /* RequiresMountsFor=, and what follows from other settings */
GETTER(setting_limit_hard);
GETTER(setting_limit_soft);
GETTER(setting_io_class);
GETTER(setting_permyriad); /* of 2^32-1 */
GETTER(setting_personality);
GETTER(setting_error_number);
GETTER(setting_syslog_facility);
GETTER(setting_syslog_priority);
GETTER(setting_mount_flags);
GETTER(setting_timer_slack);
GETTER(setting_coredump_filter);
GETTER(setting_stream);
GETTER(setting_stream_fd_name);
GETTER(setting_stdin_data);
GETTER(setting_working_directory);
GETTER(setting_label); /* (bs): a leading "-" apart */
GETTER(setting_delegate);
GETTER(setting_delegate_controllers);

/* marshal_lists.c: lists of strings that are shown in parts, and objects */
GETTER(setting_cpuset);
GETTER(setting_cpuset_numa);
GETTER(setting_devices); /* pairs, the last first */
GETTER(setting_pairs_colon);
GETTER(setting_ip_prefixes);
GETTER(setting_filter);
GETTER(setting_system_calls); /* the same, groups as their members */
GETTER(setting_binds);
GETTER(setting_environment_files);
GETTER(setting_byte_strings);
GETTER(setting_log_patterns);
GETTER(setting_credentials);
GETTER(setting_open_files);
GETTER(setting_directories);
GETTER(setting_directory_links);
GETTER(setting_listen);
GETTER(setting_paths);
GETTER(setting_exit_status_set);
GETTER(setting_exec);
GETTER(setting_exec_ex);
GETTER(setting_conditions);

/* properties_job.c */
GETTER(get_log_level);
int set_log_level(struct call *call, const struct property *p, DBusMessageIter *value, struct error *error);
int set_log_target(struct call *call, const struct property *p, DBusMessageIter *value, struct error *error);

/* properties_common.c: of more than one type of unit */
GETTER(get_control_group);
GETTER(get_tasks_current);
GETTER(get_slice);
GETTER(get_main_pid);
GETTER(get_trigger_burst);
GETTER(get_control_pid);
/* A struct of two strings. */
void out_pair(struct out *out, const char *a, const char *b);
GETTER(get_result);
GETTER(get_activation);
GETTER(get_uid);
GETTER(get_gid);
GETTER(get_triggered_unit);
/* The monotonic one for a property whose name ends with "Monotonic", else the realtime one. */
void out_time(struct out *out, const struct property *p, struct dual_time t);

static inline const union value *setting(const struct object *object, const struct property *p) {
    return unit_setting(object->unit->file, (enum directive)p->data);
}
