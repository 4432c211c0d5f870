/* SPDX-License-Identifier: Apache-2.0 */
/* An exec plan: what the child will do, decided completely before it exists. Planning turns settings, environment,
 * credentials and what this container permits into a list of steps; it starts nothing and changes nothing, so it can be
 * tested and printed (`reeve explain`). run.h walks the steps in the child.
 *
 * systemd.exec(5), systemd.service(5). Knows unit_file settings; knows no jobs, states or bus. */
#pragma once

#include "base/id128.h"
#include "base/text.h"
#include "unit/unit_file.h"
#include <sys/resource.h>
#include <sys/types.h>

/* What this container lets us do, probed once at boot (exec/permits.c). To be probed before the manager changes
 * limits of its own: services get `nofile` back. */
struct permits {
    bool root;             /* effective uid 0 */
    uint64_t capabilities; /* of the manager: bit CAP_x */
    uint64_t bounding;
    bool mount;            /* may unshare a mount namespace and mount in it */
    bool user_namespaces;
    bool network_namespace;
    bool seccomp;          /* filters may be installed */
    int landlock;          /* ABI version; 0: none */
    bool own_pid_namespace; /* we are PID 1 */
    uid_t uid;             /* what the manager runs as */
    gid_t gid;
    struct rlimit nofile;  /* RLIMIT_NOFILE as we were started with */
    struct rlimit locks;   /* RLIMIT_LOCKS: the tag of a manager around us */
};
void permits_probe(struct permits *ret);

enum exec_role {
    EXEC_MAIN,    /* ExecStart= of everything but oneshot's and forking's early commands: see systemd.service(5) */
    EXEC_CONTROL, /* all other commands */
};

/* One command of one unit, and what its run needs from the manager. All borrowed, for the call only. */
struct exec_request {
    const struct unit_file *unit;
    const struct exec_command *command;
    enum exec_role role;
    const struct permits *permits;
    const struct manager_dirs *dirs;

    struct id128 invocation;
    uint64_t lineage;            /* RLIMIT_LOCKS tag, see engine/lineage.h; 0: none */
    char *const *manager_env;    /* the environment block services inherit (DefaultEnvironment, set-environment) */
    char *const *passable_env;   /* what PassEnvironment= picks from: the manager's own */
    char *const *extra_env;      /* MAINPID=…, SERVICE_RESULT=…, LISTEN_… not included */
    const char *notify_socket;   /* NULL: NOTIFY_SOCKET is not set */
    usec_t watchdog_usec;        /* 0 or infinity: WATCHDOG_USEC is not set */

    int stdin_fd;                /* the activating socket for StandardInput=socket and StandardOutput=socket; or -1 */
    int stdout_fd,
        stderr_fd; /* the log pipe's write end, for journal, kmsg, syslog …, or the manager's own; -1: /dev/null */
    const int *listen_fds;       /* passed as 3, 4, … */
    char *const *listen_names;   /* as many; NULL: "unknown" */
    size_t n_listen_fds,
        n_sockets;        /* NonBlocking= is for the first n_sockets of them: the others are stored descriptors */
    bool opens_files;     /* the OpenFile= of the unit are for this command */
    const int *idle_pipe; /* Type=idle: not before its last write end is closed, or some time has passed; or NULL */
};

/* A user id that only the child learns, in STEP_RESOLVE_USER. */
#define UID_RESOLVED ((uid_t)-1)
#define GID_RESOLVED ((gid_t)-1)
/* Room for the values of HOME= and SHELL= in that case. */
#define RESOLVED_VALUE_MAX 256

enum step_kind {
    STEP_FAIL,         /* planning found that the child would fail here: errno `number` */
    STEP_SIGNALS,      /* reset handlers and mask; IgnoreSIGPIPE= */
    STEP_SETSID,
    STEP_LINEAGE,      /* RLIMIT_LOCKS soft and hard */
    STEP_IDLE,         /* Type=idle: close the write end `to`, wait for the end of `from` */
    STEP_RLIMIT,
    STEP_OOM_SCORE,
    STEP_NICE,
    STEP_SCHEDULER,
    STEP_IOPRIO,
    STEP_AFFINITY,
    STEP_MEMORY_POLICY,
    STEP_MEMORY_MERGE,
    STEP_TIMER_SLACK,
    STEP_COREDUMP_FILTER,
    STEP_UMASK,
    STEP_OPEN,         /* path onto a descriptor (tty, file:, append:, null) */
    STEP_FD,           /* dup one descriptor onto another; from FD_SPARE: the one STEP_FD_SPARE put aside */
    STEP_FD_SPARE,     /* put a descriptor aside that a later STEP_FD overwrites */
    STEP_FD_BLOCKING,  /* NonBlocking=: O_NONBLOCK as wanted */
    STEP_TTY,          /* open a terminal, make it ours */
    STEP_TTY_OWNER,    /* give the terminal on standard input to the user */
    STEP_OPEN_FILE,    /* OpenFile=: path onto the next descriptor behind those that are passed */
    STEP_DATA,         /* StandardInputData=: a memfd with this content onto a descriptor */
    STEP_DIRECTORY,    /* RuntimeDirectory= and sisters: make, own, chmod */
    STEP_SYMLINK,
    STEP_CREDENTIAL,   /* write one credential file */
    STEP_RESOLVE_USER, /* a name /etc/passwd does not have: ask getent, in the child */
    STEP_NAMESPACE,    /* unshare(flags) */
    STEP_LOOPBACK,     /* "lo" up, in a new network namespace */
    STEP_MOUNT,
    STEP_CHROOT,
    STEP_CHDIR,
    STEP_GROUPS,
    STEP_GID,
    STEP_KEEP_CAPS,
    STEP_UID,
    STEP_CAPS_BOUND,
    STEP_CAPS_SET,     /* permitted, inheritable, effective */
    STEP_CAPS_AMBIENT,
    STEP_SECUREBITS,
    STEP_NO_NEW_PRIVS,
    STEP_LANDLOCK,
    STEP_SECCOMP,
    STEP_PERSONALITY,
    STEP_PDEATHSIG,
    STEP_CLOSE_OTHERS, /* every descriptor above those that are passed */
    STEP_LISTEN_PID,   /* writes our pid into the LISTEN_PID=, WATCHDOG_PID=, SYSTEMD_EXEC_PID= strings of envp */
    STEP_EXEC,
    STEP_KINDS,
};

#define FD_SPARE (-2)

enum tty_flags {
    TTY_FORCE = 1 << 0,    /* take it from whoever has it */
    TTY_WAIT = 1 << 1,     /* wait until it is free; neither: fail if it is not */
    TTY_RESET = 1 << 2,    /* TTYReset= */
    TTY_HANGUP = 1 << 3,   /* TTYVHangup= */
};

enum directory_flags {
    DIRECTORY_KEEP = 1 << 0,      /* one that exists keeps owner and mode: ConfigurationDirectory= */
    DIRECTORY_RECURSIVE = 1 << 1, /* if the owner of the top differs, everything below changes hands too */
    DIRECTORY_TRY_OWNER = 1 << 2, /* EPERM from chown is no failure: we may not */
};

struct step {
    enum step_kind kind;
    int exit_status;   /* systemd.exec(5) "Process Exit Codes": what a failure of this step ends with; 0: failure is
                        * ignored (degraded steps) */
    const char *subject; /* a path, a name: for messages and for the step itself; owned by the plan */
    union {
        struct { int resource; struct rlimit limit; } rlimit;
        struct { int from, to; } fd;
        struct { int flags; mode_t mode; int to; } open;
        struct { int flags; bool graceful; char *count, *names; size_t place; } open_file; /* in LISTEN_FDS,
                                                                                              LISTEN_FDNAMES */
        struct { mode_t mode; uid_t uid; gid_t gid; enum directory_flags flags; } directory;
        struct { const char *target; } link;
        struct { const void *data; size_t size; uid_t uid; gid_t gid; int to; } blob;
        struct { char *home, *shell; } resolve; /* values in envp to be filled in, RESOLVED_VALUE_MAX bytes each */
        struct { char **slots; size_t n; } pids;
        struct { enum tty_flags flags; int to, rows, columns; } tty; /* rows, columns: -1: as they are */
        struct { int policy, priority; bool reset_on_fork; } scheduler;
        struct { const void *set; size_t size; } affinity;
        struct { int mode; const unsigned long *nodes; size_t n_bits; } memory;
        struct { gid_t *groups; size_t n; bool resolved; } groups; /* resolved: those the child learned come first */
        struct { uint64_t permitted, inheritable, effective; } caps;
        struct { const char *source, *type, *options; unsigned long flags; } mount;
        uint64_t number;
        struct { const void *filter; unsigned short length; } program; /* struct sock_filter * */
    };
};

/* What the unit asked for and this container does not permit. */
struct degradation {
    enum directive directive;
    const char *why; /* "needs CAP_SYS_ADMIN, which this container lacks" */
};

struct exec_plan {
    char *path;               /* what is executed, absolute; the search path is already applied */
    char **argv, **envp;
    uid_t uid;                /* UID_RESOLVED: only the child will know */
    gid_t gid;
    struct step *steps;
    size_t n_steps;
    bool forks;               /* some step may block: fork instead of sharing memory */
    struct degradation *degraded;
    size_t n_degraded;
    bool may_be_missing;      /* the command's "-": no program is no failure */
    /* Set by who runs the plan: called in the new process before the first step, with the rules of steps.h. NULL:
     * nothing. */
    void (*begun)(void *userdata);
    void *userdata;
    bool changes_ids;         /* a child that shares our memory clears PR_SET_DUMPABLE for us too */
    char *credentials_directory; /* to be removed when the unit stops; NULL: none */
    /* RuntimeDirectory= paths, to be removed at stop unless RuntimeDirectoryPreserve=; absolute */
    char **runtime_directories;
    struct arena *arena;      /* everything above lives here, the plan too */
};

/* 0 with *ret owned by the caller; otherwise a negative errno, with `why` the sentence for the log: no process is
 * made, the result is "resources" (an EnvironmentFile= that is not there, no memory). *ret_exit_status is then 0, as
 * there is no status to report. What a child of systemd's would fail at (a user or command that does not exist) is
 * no failure of planning: that step fails when the plan is run, with systemd's exit status. */
int exec_plan_make(const struct exec_request *request, struct exec_plan **ret, int *ret_exit_status, struct text *why);
void exec_plan_free(struct exec_plan *plan);
void exec_plan_freep(struct exec_plan **plan);
/* One line a step, then environment and degradations: what `reeve explain` shows. */
void exec_plan_print(const struct exec_plan *plan, struct text *out);

/* The number of the unit's User=. -ESRCH: none is set, or only `getent` knows it; or the error of reading passwd. */
int exec_user_number(const struct unit_file *unit, uid_t *ret);
/* RemoveIPC=: shared memory, semaphores and message queues of the user, System V's and POSIX's. Becomes that user: for
 * a child that ends afterwards. */
void exec_remove_ipc(uid_t uid);

/* Removes what plans made for a unit: RuntimeDirectory= (unless preserved), credentials. Quick, as /run is memory.
 * Never crosses a mount, never follows a symbolic link. */
void exec_remove_directories(char *const *paths);
