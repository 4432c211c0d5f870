/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make a plan share. For src/exec only. */
#pragma once

#include "exec/arena.h"
#include "exec/plan.h"
#include "unit/types.h"

/* systemd.exec(5), "Process Exit Codes". */
enum exec_exit {
    EXIT_CHDIR = 200,
    EXIT_NICE = 201,
    EXIT_FDS = 202,
    EXIT_EXEC = 203,
    EXIT_LIMITS = 205,
    EXIT_OOM_ADJUST = 206,
    EXIT_SIGNAL_MASK = 207,
    EXIT_STDIN = 208,
    EXIT_STDOUT = 209,
    EXIT_CHROOT = 210,
    EXIT_IOPRIO = 211,
    EXIT_TIMERSLACK = 212,
    EXIT_SECUREBITS = 213,
    EXIT_SETSCHEDULER = 214,
    EXIT_CPUAFFINITY = 215,
    EXIT_GROUP = 216,
    EXIT_USER = 217,
    EXIT_CAPABILITIES = 218,
    EXIT_SETSID = 220,
    EXIT_STDERR = 222,
    EXIT_NETWORK = 225,
    EXIT_NAMESPACE = 226,
    EXIT_NO_NEW_PRIVILEGES = 227,
    EXIT_SECCOMP = 228,
    EXIT_PERSONALITY = 230,
    EXIT_ADDRESS_FAMILIES = 232,
    EXIT_RUNTIME_DIRECTORY = 233,
    EXIT_CHOWN = 235,
    EXIT_STATE_DIRECTORY = 238,
    EXIT_CACHE_DIRECTORY = 239,
    EXIT_LOGS_DIRECTORY = 240,
    EXIT_CONFIGURATION_DIRECTORY = 241,
    EXIT_NUMA_POLICY = 242,
    EXIT_CREDENTIALS = 243,
};

struct identity {
    const char *user;         /* as $USER has it; NULL: none is set */
    const char *home, *shell; /* NULL: not told */
    uid_t uid;                /* for files; UID_RESOLVED */
    gid_t gid;
    bool user_set, group_set, groups_set;
    bool change_uid, change_gid;  /* steps are needed and allowed */
    bool resolve;                 /* only the child will know */
    char *home_slot, *shell_slot; /* then: where in the environment it writes what it found */
    gid_t *groups;
    size_t n_groups;
};

struct planner {
    const struct exec_request *request;
    const struct unit_file *unit;
    const struct permits *permits;
    struct exec_plan *plan;
    struct arena *arena;
    struct text *why;
    int exit_status;
    size_t room_steps, room_degraded;

    /* What applies to this command: systemd.service(5), the prefixes of "Command lines". */
    bool sandboxing, setuid, chroot;

    struct identity identity;
    char **env;
    size_t n_env, room_env;
    char *pid_slots[4];
    size_t n_pid_slots;
    size_t n_open_files; /* OpenFile=: behind the descriptors that the manager passes */
    char *listen_count, *listen_names; /* the values of LISTEN_FDS and LISTEN_FDNAMES; NULL: unset */
    bool no_new_privileges;
    bool needs_filters; /* a filter will be installed after the user was changed */
};

static inline bool has_cap(const struct planner *p, int cap) {
    return p->permits->capabilities >> cap & 1;
}

/* plan.c. plan_step() never returns NULL: after a failed allocation, a step that nobody will run. */
struct step *plan_step(struct planner *p, enum step_kind kind, int exit_status);
/* A step the child is to fail at. */
void plan_fail_step(struct planner *p, int exit_status, int error, const char *subject);
/* `why` is not copied. Once per directive. */
void plan_degrade(struct planner *p, enum directive id, const char *why);

/* identity.c */
int plan_identity(struct planner *p);
void plan_identity_groups(struct planner *p);
void plan_identity_user(struct planner *p);
/* environment.c. plan_env_set() takes NAME=VALUE in the arena. */
void plan_env_set(struct planner *p, char *assignment);
int plan_environment(struct planner *p);
/* streams.c */
void plan_streams(struct planner *p);
/* True if standard input is the socket: no LISTEN_FDS then. */
bool plan_stdin_is_socket(const struct planner *p);
/* The first descriptor that is not passed. */
int plan_first_unused_fd(const struct planner *p);
/* The "device:inode" of the log pipe if a stream of ours goes there; NULL otherwise. */
const char *plan_journal_stream(struct planner *p);
/* limits.c */
void plan_scheduling(struct planner *p);
void plan_limits(struct planner *p);
/* directories.c */
void plan_directories(struct planner *p);
void plan_directories_environment(struct planner *p);
/* credentials.c: the environment's part comes first and says whether there are any */
int plan_credentials(struct planner *p);
bool plan_has_credentials(const struct planner *p);
/* sandbox.c */
void plan_sandbox_decide(struct planner *p);
void plan_namespaces(struct planner *p);
void plan_capabilities(struct planner *p);
void plan_filters(struct planner *p);
