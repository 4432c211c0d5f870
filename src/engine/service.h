/* SPDX-License-Identifier: Apache-2.0 */
/* Services: systemd.service(5). The states and their transitions are in service_states.c; what is done on the way in
 * service.c. */
#pragma once

#include "engine/unit.h"
#include "exec/run.h"

enum service_state {
    SERVICE_DEAD, SERVICE_CONDITION, SERVICE_START_PRE, SERVICE_START, SERVICE_START_POST, SERVICE_RUNNING,
    SERVICE_EXITED, SERVICE_RELOAD, SERVICE_RELOAD_SIGNAL, SERVICE_RELOAD_NOTIFY, SERVICE_STOP,
    SERVICE_STOP_WATCHDOG, SERVICE_STOP_SIGTERM, SERVICE_STOP_SIGKILL, SERVICE_STOP_POST, SERVICE_FINAL_WATCHDOG,
    SERVICE_FINAL_SIGTERM, SERVICE_FINAL_SIGKILL, SERVICE_FAILED, SERVICE_DEAD_BEFORE_AUTO_RESTART,
    SERVICE_FAILED_BEFORE_AUTO_RESTART, SERVICE_AUTO_RESTART, SERVICE_AUTO_RESTART_QUEUED, SERVICE_CLEANING,
    SERVICE_STATES,
};
const char *service_state_to_string(enum service_state state);

enum service_result { SERVICE_SUCCESS, SERVICE_FAILURE_RESOURCES, SERVICE_FAILURE_PROTOCOL, SERVICE_FAILURE_TIMEOUT,
    SERVICE_FAILURE_EXIT_CODE, SERVICE_FAILURE_SIGNAL, SERVICE_FAILURE_CORE_DUMP, SERVICE_FAILURE_WATCHDOG,
    SERVICE_FAILURE_START_LIMIT_HIT, SERVICE_FAILURE_OOM_KILL, SERVICE_SKIP_CONDITION, SERVICE_RESULTS };
const char *service_result_to_string(enum service_result result);

/* The Exec*= lists, in the order of enum service_exec_type's use. */
enum service_exec { SERVICE_EXEC_CONDITION, SERVICE_EXEC_START_PRE, SERVICE_EXEC_START, SERVICE_EXEC_START_POST,
    SERVICE_EXEC_RELOAD, SERVICE_EXEC_STOP, SERVICE_EXEC_STOP_POST, SERVICE_EXECS };
/* D_ExecStart for SERVICE_EXEC_START … */
enum directive service_exec_directive(enum service_exec exec);

/* How one command of a list went last: ExecStart's tail on the bus. */
struct exec_status {
    pid_t pid;
    struct dual_time start, exit;
    int code, status; /* siginfo: CLD_EXITED … */
};

struct service {
    struct unit unit;
    enum service_state state;
    enum service_result result, reload_result, clean_result;
    pid_t main_pid, control_pid;
    bool main_pid_known, main_pid_alien;
    struct stranger *main_watch;      /* of an alien: nobody tells us of its end */
    enum service_exec control_exec;   /* the list the control process runs from */
    size_t control_index, main_index; /* and the command in it */
    struct exec_status main_status;   /* ExecMainPID, ExecMainStatus, … */
    struct exec_status *exec_status;  /* of every command, list after list; NULL: none ran yet */
    struct timer timer;               /* of the current state */
    struct timer *watchdog_timer;     /* NULL: never needed so far */
    usec_t watchdog_usec;             /* set by the service itself; 0: WatchdogSec= */
    struct dual_time watchdog_time, state_time;
    unsigned n_restarts;
    bool forbid_restart;              /* stopped by hand: Restart= does not apply */
    bool out_of_memory;               /* while the exit of a process that was killed for want of it is told */
    bool will_auto_restart;           /* going down, to come up again */
    bool reset_restarts;              /* the next start is not an automatic one */
    enum notify_state { NOTIFY_UNKNOWN, NOTIFY_READY, NOTIFY_RELOADING, NOTIFY_STOPPING } notify_state;
    int notify_access;                /* NOTIFYACCESS= of the service itself; -1: NotifyAccess= */
    char *status_text;                /* STATUS= */
    int status_errno;
    char *bus_error, *bus_name_owner;
    bool watches_name;                /* BusName= */
    char **runtime_directories;       /* to be removed at stop */
    char *credentials_directory;
    struct pid_file_watch *pid_file_watch;
    bool awaits_pid_file;             /* deserialized: the watch is to be made again */
    struct unit *accept_socket;       /* Accept=yes: the socket we came from */
    int socket_fd;                    /* and its connection; -1 */
    struct stored_fd *fd_store;       /* FDSTORE=1: fdstore.h */
    usec_t watchdog_until;            /* EXTEND_TIMEOUT_USEC= for the watchdog; 0: not asked for */
    usec_t reload_begin;              /* Type=notify-reload: when the signal was sent */
};
#define SERVICE(u) CONTAINER_OF(u, struct service, unit)

/* RestartUSecNext: how long it would wait, or waits, for its next automatic restart. */
usec_t service_restart_delay(const struct service *s);
/* Whether it stays down once it has ended, whatever Restart= says: until its next start. For a wire whose clients
 * end the main process by a signal, and mean that. */
void service_keep_down(struct unit *u, bool yes);
/* How a command went; NULL: no command of the service ran yet, or there is none of this number. */
const struct exec_status *service_exec_status(const struct service *s, enum service_exec exec, size_t index);
/* The same to write to, made when first asked for. NULL: no memory, nothing is recorded. */
struct exec_status *service_exec_record(struct service *s, enum service_exec exec, size_t index);
