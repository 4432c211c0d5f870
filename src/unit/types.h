/* SPDX-License-Identifier: Apache-2.0 */
/* The value types by name, the form in which each keeps its value, and the constants of those that are enumerations.
 * Which directive has which type is said in directives.def. */
#pragma once

#include "unit/value.h"

/* --- enumerations: value.number is one of these (value_enum_name() for the text) ---------------------------------- */
enum service_type {
    SERVICE_TYPE_SIMPLE,
    SERVICE_TYPE_EXEC,
    SERVICE_TYPE_FORKING,
    SERVICE_TYPE_ONESHOT,
    SERVICE_TYPE_DBUS,
    SERVICE_TYPE_NOTIFY,
    SERVICE_TYPE_NOTIFY_RELOAD,
    SERVICE_TYPE_IDLE,
    SERVICE_TYPES
};
enum exit_type { EXIT_TYPE_MAIN, EXIT_TYPE_CGROUP, EXIT_TYPES };
enum restart { RESTART_NO, RESTART_ON_SUCCESS, RESTART_ON_FAILURE, RESTART_ON_ABNORMAL, RESTART_ON_WATCHDOG,
               RESTART_ON_ABORT, RESTART_ALWAYS, RESTARTS };
enum restart_mode { RESTART_MODE_NORMAL, RESTART_MODE_DIRECT, RESTART_MODE_DEBUG, RESTART_MODES };
enum notify_access { NOTIFY_ACCESS_NONE, NOTIFY_ACCESS_ALL, NOTIFY_ACCESS_EXEC, NOTIFY_ACCESS_MAIN, NOTIFY_ACCESSES };
enum timeout_failure_mode { TIMEOUT_TERMINATE, TIMEOUT_ABORT, TIMEOUT_KILL, TIMEOUT_FAILURE_MODES };
enum preserve { PRESERVE_NO, PRESERVE_YES, PRESERVE_RESTART, PRESERVES };
enum oom_policy { OOM_CONTINUE, OOM_STOP, OOM_KILL, OOM_POLICIES };
enum kill_mode { KILL_MODE_CONTROL_GROUP, KILL_MODE_PROCESS, KILL_MODE_MIXED, KILL_MODE_NONE, KILL_MODES };
enum collect_mode { COLLECT_INACTIVE, COLLECT_INACTIVE_OR_FAILED, COLLECT_MODES };
/* FailureAction= and sisters. */
enum action { ACTION_NONE, ACTION_EXIT, ACTION_EXIT_FORCE, ACTION_REBOOT, ACTION_REBOOT_FORCE, ACTION_REBOOT_IMMEDIATE,
              ACTION_POWEROFF, ACTION_POWEROFF_FORCE, ACTION_POWEROFF_IMMEDIATE, ACTION_SOFT_REBOOT,
              ACTION_SOFT_REBOOT_FORCE, ACTION_KEXEC, ACTION_KEXEC_FORCE, ACTION_HALT, ACTION_HALT_FORCE,
              ACTION_HALT_IMMEDIATE, ACTIONS };
enum bind_ipv6_only { BIND_IPV6_DEFAULT, BIND_IPV6_BOTH, BIND_IPV6_ONLY, BIND_IPV6_ONLYS };
enum timestamping { TIMESTAMPING_OFF, TIMESTAMPING_US, TIMESTAMPING_NS, TIMESTAMPINGS };
enum protect_system {
    PROTECT_SYSTEM_NO,
    PROTECT_SYSTEM_YES,
    PROTECT_SYSTEM_FULL,
    PROTECT_SYSTEM_STRICT,
    PROTECT_SYSTEMS
};
enum protect_home { PROTECT_HOME_NO, PROTECT_HOME_YES, PROTECT_HOME_READ_ONLY, PROTECT_HOME_TMPFS, PROTECT_HOMES };
enum private_tmp { PRIVATE_TMP_NO, PRIVATE_TMP_CONNECTED, PRIVATE_TMP_DISCONNECTED, PRIVATE_TMPS };
enum private_users {
    PRIVATE_USERS_NO,
    PRIVATE_USERS_SELF,
    PRIVATE_USERS_IDENTITY,
    PRIVATE_USERS_FULL,
    PRIVATE_USERSES
};
enum protect_hostname { PROTECT_HOSTNAME_NO, PROTECT_HOSTNAME_YES, PROTECT_HOSTNAME_PRIVATE, PROTECT_HOSTNAMES };
enum protect_control_groups { PROTECT_CGROUPS_NO, PROTECT_CGROUPS_YES, PROTECT_CGROUPS_PRIVATE, PROTECT_CGROUPS_STRICT,
                              PROTECT_CGROUPSES };
enum protect_proc { PROTECT_PROC_DEFAULT, PROTECT_PROC_NOACCESS, PROTECT_PROC_INVISIBLE, PROTECT_PROC_PTRACEABLE,
                    PROTECT_PROCS };
enum proc_subset { PROC_SUBSET_ALL, PROC_SUBSET_PID, PROC_SUBSETS };
enum keyring_mode { KEYRING_INHERIT, KEYRING_PRIVATE, KEYRING_SHARED, KEYRING_MODES };
enum utmp_mode { UTMP_INIT, UTMP_LOGIN, UTMP_USER, UTMP_MODES };
/* The kernel's numbers: SCHED_OTHER …, IOPRIO_CLASS_NONE …, MPOL_DEFAULT …. */
extern const struct value_type type_cpu_policy, type_io_class, type_numa_policy;

extern const struct value_type type_service_type, type_exit_type, type_restart, type_restart_mode, type_notify_access,
    type_timeout_failure_mode, type_preserve, type_oom_policy, type_kill_mode, type_collect_mode, type_action,
    type_bind_ipv6_only, type_timestamping, type_protect_system, type_protect_home, type_private_tmp,
    type_private_users, type_protect_hostname, type_protect_control_groups, type_protect_proc, type_proc_subset,
    type_keyring_mode, type_utmp_mode, type_device_policy, type_managed_oom_mode, type_managed_oom_preference,
    type_memory_pressure_watch, type_mount_flags, type_console_format;
/* enum job_mode of engine/job.h has the same order. */
extern const struct value_type type_job_mode, type_job_mode_isolate;

/* --- numbers ------------------------------------------------------------------------------------------------------ */
extern const struct value_type type_boolean;         /* .boolean */
extern const struct value_type type_boolean_strict;   /* anything else: the unit is not started */
extern const struct value_type type_tristate;        /* .number: 1, 0, -1 unset */
extern const struct value_type type_integer;         /* .number, 32 bits */
extern const struct value_type type_count;           /* .size, 32 bits */
extern const struct value_type type_count_or_infinity; /* .size, UINT64_MAX: infinity */
extern const struct value_type type_size;            /* .size in bytes, K M G T = powers of 1024 */
extern const struct value_type type_memory; /* .size in bytes, UINT64_MAX: infinity; percents of this machine's */
extern const struct value_type type_memory_limit;    /* the same, but 0 is refused */
/* So many ten-thousandths of the tasks that this machine can have. */
/* "CAP_CHOWN", "cap_kill", "21". -EINVAL. */
int capability_from_string(const char *s, int *ret);
uint64_t machine_tasks(uint64_t permyriad);
extern const struct value_type type_tasks;           /* .size, UINT64_MAX: infinity; percents of the kernel's limit */
extern const struct value_type type_percent;         /* .number in 1/10000, -1 unset */
extern const struct value_type type_mode;            /* .number: file mode */
extern const struct value_type type_nice;            /* .number: -20 … 19 */
extern const struct value_type type_oom_score;       /* .number: -1000 … 1000 */
extern const struct value_type type_io_priority;     /* .number: 0 … 7 */
extern const struct value_type type_cpu_priority;    /* .number: 0 … 99 */
extern const struct value_type type_ip_tos;          /* .number, -1 unset */
extern const struct value_type type_tty_size;        /* .number, -1 unset */
extern const struct value_type type_signal;          /* .number */
extern const struct value_type type_exit_status;     /* .number: 0 … 255, -1 unset */
extern const struct value_type type_error_number;    /* .number: errno; 0 unset; INT32_MAX: "kill" */
extern const struct value_type type_syslog_level;    /* .number: LOG_DEBUG … LOG_EMERG; -1 unset */
extern const struct value_type type_syslog_facility; /* .number: LOG_DAEMON … (shifted, as openlog() takes them) */
extern const struct value_type
    type_socket_protocol; /* .number: IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_MPTCP; 0 unset */
extern const struct value_type type_personality;     /* .number for personality(2); -1 unset */
extern const struct value_type type_secure_bits;     /* .number: SECBIT_* without the locked ones unless written */
extern const struct value_type type_coredump_filter; /* .size: mask for /proc/PID/coredump_filter; UINT64_MAX unset */
extern const struct value_type type_cpu_weight, type_io_weight, type_cpu_shares, type_blockio_weight;
                                                     /* .size, UINT64_MAX unset; CPUWeight=idle is 0 */
/* .size: bit n is capability n. Bounding: all of them unless written; ambient: none. */
extern const struct value_type type_capability_bounding_set, type_capability_ambient_set;
/* .size: the CLONE_NEW* flags a service may still use; UINT64_MAX: nothing was written. RestrictNamespaces=yes is 0. */
extern const struct value_type type_namespaces;

/* --- time: .usec, USEC_INFINITY: never ---------------------------------------------------------------------------- */
extern const struct value_type type_seconds;            /* 0 is 0 */
extern const struct value_type type_forever_or_unset;
extern const struct value_type type_seconds_or_unset; /* an empty one takes it back */
extern const struct value_type type_seconds_or_forever; /* a written 0 means infinity */
extern const struct value_type type_nanoseconds;        /* .size in ns; UINT64_MAX unset */
extern const struct value_type type_cpu_quota;          /* .usec of CPU time a second; USEC_INFINITY unset */

/* --- strings: .string, NULL unset. Specifiers are expanded in all but `plain` ------------------------------------- */
extern const struct value_type type_string;
extern const struct value_type type_plain;
extern const struct value_type type_obsolete;          /* says so, keeps nothing */
extern const struct value_type type_path;              /* absolute, simplified */
extern const struct value_type type_pid_file;          /* absolute: a relative one is put below /run */
extern const struct value_type type_label; /* of a security module, with an optional "-" in front */
extern const struct value_type type_working_directory; /* "/path", "~", each with an optional "-" in front, kept */
extern const struct value_type type_user;              /* a user or group: name or number */
extern const struct value_type type_unit;              /* a unit name */
extern const struct value_type type_service_unit;      /* one of a service */
extern const struct value_type type_slice;             /* one of a slice */
extern const struct value_type type_bus_name;
extern const struct value_type type_fd_name;
extern const struct value_type type_standard_input;    /* null tty tty-force tty-fail data socket fd[:NAME] file:PATH */
extern const struct value_type type_standard_output;   /* inherit null tty journal kmsg (each with +console) socket
                                                        * fd[:NAME] file:PATH append:PATH truncate:PATH */
extern const struct value_type type_delegate;          /* "yes", "no" or the controllers */
extern const struct value_type type_input_text;        /* what is fed to stdin: lines appended, each with '\n' */
extern const struct value_type type_input_data;        /* the same from base64; NUL bytes end it */

/* --- lists: .strv, NULL empty. Each assignment appends, an empty one empties -------------------------------------- */
extern const struct value_type type_words;             /* words, unquoted */
extern const struct value_type type_line_list;         /* one element an assignment, specifiers expanded */
extern const struct value_type type_url_list;
extern const struct value_type type_unit_list;         /* unit names */
extern const struct value_type type_socket_list;       /* unit names of sockets */
extern const struct value_type type_install_list;      /* as written: specifiers are expanded by unit/install.c */
extern const struct value_type type_user_list;
extern const struct value_type type_path_strict;       /* anything else: the unit is not started */
extern const struct value_type type_path_list;         /* absolute paths */
extern const struct value_type type_symlink_list;      /* up to the first bad one */
extern const struct value_type type_path_lines;        /* an absolute path an assignment */
extern const struct value_type type_search_path;       /* from a:b:c */
extern const struct value_type type_sandbox_paths;     /* absolute, with "-" and "+" in front, kept in that order */
extern const struct value_type type_bind_list; /* "-SOURCE:DESTINATION:OPTIONS": always all three; the "-" may be
                                                        * missing; colons in the paths are escaped by a backslash */
extern const struct value_type type_tmpfs_list;        /* "PATH:OPTIONS" or "PATH" */
extern const struct value_type type_directory_list;    /* RuntimeDirectory=: "NAME" or "NAME:LINK" (relative both) */
extern const struct value_type type_environment;       /* NAME=VALUE; a later one replaces an earlier */
extern const struct value_type type_environment_files; /* paths with an optional "-" in front, kept */
extern const struct value_type type_environment_names; /* PassEnvironment= */
extern const struct value_type type_environment_unset; /* names, or NAME=VALUE */
extern const struct value_type type_credential_files;  /* "ID:PATH", path or name */
extern const struct value_type type_credential_values; /* "ID:VALUE", unescaped */
extern const struct value_type type_credential_globs;
extern const struct value_type type_open_file_list;    /* "PATH:NAME:OPTIONS" as written */
extern const struct value_type type_log_fields;        /* FIELD=VALUE */
extern const struct value_type type_log_patterns; /* a regular expression an assignment, perhaps with "~" in front */
extern const struct value_type type_device_list;       /* "/dev/x rwm", "char-pts rw" */
extern const struct value_type type_ip_prefixes;       /* "127.0.0.0/8" …; any, localhost, … are replaced */
extern const struct value_type type_cpu_list;          /* "0-3", "5", "numa" */
/* Filters: one element a word, "~" in front of each word of an inverted assignment; an inverted assignment without
 * words is the element "~". The first element says what the list starts from: plain: nothing is allowed but what
 * follows; inverted: all is allowed but what follows. Later elements add and take away in turn. */
extern const struct value_type type_system_calls;      /* "name", "@group", each perhaps with ":EPERM", ":kill" */
extern const struct value_type type_address_families;  /* "AF_UNIX", …; "none": no family at all */
extern const struct value_type type_filter_words;
extern const struct value_type type_architectures;     /* "native", "x86-64" … */

/* --- objects: .object, NULL empty; structs of value.h ------------------------------------------------------------- */
extern const struct value_type type_exec;            /* struct exec_command_list */
extern const struct value_type type_condition;       /* struct condition_list */
extern const struct value_type type_listen;          /* struct listen_list */
extern const struct value_type type_timer;           /* struct timer_list */
extern const struct value_type type_path_spec;       /* struct path_spec_list */
extern const struct value_type type_exit_status_set; /* struct exit_status_set */
extern const struct value_type type_limit_count, type_limit_size, type_limit_seconds, type_limit_microseconds,
    type_limit_nice;                                 /* struct rlimit_pair */
