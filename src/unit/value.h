/* SPDX-License-Identifier: Apache-2.0 */
/* How one kind of value is read, printed and compared. Knows nothing of directives, units or the bus.
 *
 * Some sixty kinds, each a const struct in one of types_*.c. A value is one machine word, so that a unit stores only
 * the settings somebody wrote, as (directive, word) pairs: what is not written costs nothing. */
#pragma once

#include "base/clock.h"
#include "base/text.h"
#include "syntax/specifier.h"

union value {
    bool boolean;
    int64_t number; /* enums (their index), signals, modes, priorities; -1 where a type knows "unset" */
    uint64_t size;  /* sizes, counts; UINT64_MAX: infinity */
    usec_t usec;
    char *string;
    char **strv;
    void *object; /* see the type; the structs are below */
};

/* Where a text stands, for messages and for specifiers. */
struct parse_at {
    const char *unit;      /* unit name */
    const char *directive; /* as written: "ListenStream", "ConditionPathExists" */
    const char *file; /* NULL: not from a file */
    unsigned line;
    const struct specifier_table *specifiers; /* NULL: none are expanded */
    struct text why;  /* parse() says here what is wrong and what would be right. Not empty after a return of 0: a
                       * warning about something that was left out */
};

enum type_flags {
    TYPE_LIST = 1 << 0,      /* each assignment appends; an empty one empties the list */
    TYPE_EMPTY_OK = 1 << 1,  /* parse() is called for an empty text too; otherwise that means "back to the default" */
    TYPE_KEEPS = 1 << 2,     /* an empty text is no value: what was assigned before stays */
};

struct value_type {
    const char *name;    /* as the reference page calls it: "time span" */
    enum type_flags flags;
    const void *data;    /* what the functions need beside: a string table, a range; the type's own business */
    union value unset;   /* the value where nothing is written and the directive's row names no default */
    /* Reads `text` into *value. TYPE_LIST: *value is the list so far, to be extended. Others: *value is the value so
     * far, to be replaced (and freed) on success. 0; or -EINVAL with at->why said and *value untouched (a list may keep
     * the words before the bad one); -ENOEXEC: the same, and a unit must not be started without this
     * (LOAD_BAD_SETTING); -ENOMEM. */
    int (*parse)(const struct value_type *type, struct parse_at *at, const char *text, union value *value);
    void (*free)(union value *value); /* *value is not to be used again. NULL: nothing to free */
    /* Appends the text that parse() reads back, one assignment per '\n' for lists of lines. */
    void (*print)(const struct value_type *type, const union value *value, struct text *out);
    bool (*equal)(const struct value_type *type, const union value *a, const union value *b);
};

/* The name of entry `i` of an enum type; NULL if out of range. */
const char *value_enum_name(const struct value_type *type, int64_t i);
/* And back; -EINVAL. */
int value_enum_from_name(const struct value_type *type, const char *name);

/* --- objects behind value.object ------------------------------------------------------------------------------- */

/* ExecStart= and sisters: systemd.service(5) "Command lines". Specifiers are expanded, variables are not. */
enum exec_command_flags {
    EXEC_IGNORE_FAILURE = 1 << 0, /* - */
    EXEC_FULL_PRIVILEGES = 1 << 1, /* + */
    EXEC_NO_SETUID = 1 << 2,      /* ! */
    EXEC_AMBIENT = 1 << 3,        /* !! */
    EXEC_NO_ENV_EXPAND = 1 << 4,  /* : */
};
struct exec_command {
    enum exec_command_flags flags;
    char *path;  /* absolute, or a bare name to be looked up in the executable search path */
    char **argv; /* argv[0] as given (@ applied) */
};
struct exec_command_list {
    size_t n;
    struct exec_command *commands[];
};

/* Listen*= of [Socket]. */
enum listen_kind { LISTEN_STREAM, LISTEN_DATAGRAM, LISTEN_SEQPACKET, LISTEN_FIFO, LISTEN_SPECIAL, LISTEN_NETLINK,
                   LISTEN_MQUEUE, LISTEN_USB };
struct listen_address {
    enum listen_kind kind;
    char *text;  /* the address as systemd shows it: "/run/x.sock", "@abstract", "[::]:80", "0.0.0.0:80", "route 5" */
};
struct listen_list {
    size_t n;
    struct listen_address items[];
};

/* A limit: soft and hard; RLIM_INFINITY is UINT64_MAX. */
struct rlimit_pair {
    uint64_t soft, hard;
};

/* ConditionX= and AssertX=: systemd.unit(5) "Conditions and Asserts". All conditions of a unit are one list
 * (D_Conditions), all asserts another (D_Asserts), in the order they were written. */
#define CONDITION_KINDS_TABLE(X)                          \
    X(PATH_EXISTS, "PathExists")                          \
    X(PATH_EXISTS_GLOB, "PathExistsGlob")                 \
    X(PATH_IS_DIRECTORY, "PathIsDirectory")               \
    X(PATH_IS_SYMBOLIC_LINK, "PathIsSymbolicLink")        \
    X(PATH_IS_MOUNT_POINT, "PathIsMountPoint")            \
    X(PATH_IS_READ_WRITE, "PathIsReadWrite")              \
    X(PATH_IS_ENCRYPTED, "PathIsEncrypted")               \
    X(DIRECTORY_NOT_EMPTY, "DirectoryNotEmpty")           \
    X(FILE_NOT_EMPTY, "FileNotEmpty")                     \
    X(FILE_IS_EXECUTABLE, "FileIsExecutable")             \
    X(NEEDS_UPDATE, "NeedsUpdate") /* the last whose parameter is a path */ \
    X(FIRST_BOOT, "FirstBoot")                            \
    X(ARCHITECTURE, "Architecture")                       \
    X(FIRMWARE, "Firmware")                               \
    X(VIRTUALIZATION, "Virtualization")                   \
    X(HOST, "Host")                                       \
    X(KERNEL_COMMAND_LINE, "KernelCommandLine")           \
    X(KERNEL_VERSION, "KernelVersion")                    \
    X(VERSION, "Version")                                 \
    X(CREDENTIAL, "Credential")                           \
    X(SECURITY, "Security")                               \
    X(CAPABILITY, "Capability")                           \
    X(AC_POWER, "ACPower")                                \
    X(MEMORY, "Memory")                                   \
    X(CPU_FEATURE, "CPUFeature")                          \
    X(CPUS, "CPUs")                                       \
    X(ENVIRONMENT, "Environment")                         \
    X(USER, "User")                                       \
    X(GROUP, "Group")                                     \
    X(CONTROL_GROUP_CONTROLLER, "ControlGroupController") \
    X(OS_RELEASE, "OSRelease")                            \
    X(MEMORY_PRESSURE, "MemoryPressure")                  \
    X(CPU_PRESSURE, "CPUPressure")                        \
    X(IO_PRESSURE, "IOPressure")
enum condition_kind {
#define X(id, name) CONDITION_##id,
    CONDITION_KINDS_TABLE(X)
#undef X
    CONDITION_KINDS,
    CONDITION_KIND_INVALID = -1,
};
/* "PathExists" …: without Condition or Assert in front. */
const char *condition_kind_to_string(enum condition_kind kind);
enum condition_kind condition_kind_from_string(const char *s);

struct condition {
    enum condition_kind kind;
    bool assert;     /* AssertX= */
    bool trigger;    /* | in front */
    bool negate;     /* ! in front */
    char *parameter; /* specifiers expanded */
};
struct condition_list {
    size_t n;
    struct condition items[];
};

/* OnCalendar= and sisters of [Timer]. */
enum timer_base { TIMER_ACTIVE, TIMER_BOOT, TIMER_STARTUP, TIMER_UNIT_ACTIVE, TIMER_UNIT_INACTIVE, TIMER_CALENDAR,
                  TIMER_BASES };
const char *timer_base_to_string(enum timer_base base); /* "OnActiveSec" … "OnCalendar" */
struct timer_spec {
    enum timer_base base;
    usec_t usec;     /* all but TIMER_CALENDAR */
    char *calendar;  /* TIMER_CALENDAR: the expression, normalized */
};
struct timer_list {
    size_t n;
    struct timer_spec items[];
};

/* PathExists= and sisters of [Path]. */
enum path_spec_kind { PATH_EXISTS, PATH_EXISTS_GLOB, PATH_CHANGED, PATH_MODIFIED, PATH_DIRECTORY_NOT_EMPTY,
                      PATH_SPEC_KINDS };
const char *path_spec_kind_to_string(enum path_spec_kind kind); /* "PathExists" … */
struct path_spec {
    enum path_spec_kind kind;
    char *path;
};
struct path_spec_list {
    size_t n;
    struct path_spec items[];
};

/* RestartPreventExitStatus=, SuccessExitStatus= …: two bitmaps. */
struct exit_status_set {
    uint64_t status[4]; /* bit n: exit status n */
    uint64_t signal;    /* bit n: signal n */
};
static inline bool exit_status_set_has(const struct exit_status_set *set, int status) {
    return set && status >= 0 && status < 256 && (set->status[status / 64] >> (status % 64) & 1);
}
static inline bool exit_status_set_has_signal(const struct exit_status_set *set, int signal) {
    return set && signal > 0 && signal < 64 && (set->signal >> signal & 1);
}
