/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that make up services: the state table (service_states.c), entering states (service_enter.c,
 * service_end.c), commands (service_exec.c), the main process (service_pid.c), sd_notify (service_notify.c), state
 * as text (service_state.c). */
#pragma once

#include "engine/fdstore.h"
#include "engine/manager_private.h"
#include "engine/service.h"
#include "engine/unit_private.h"

/* --- events and transitions --------------------------------------------------------------------------------------- */
enum service_event {
    EV_START, EV_STOP, EV_RELOAD,     /* jobs */
    EV_MAIN_EXIT, EV_CONTROL_EXIT,    /* the process, and in the case of a list its last command, is done */
    EV_GONE,                          /* no process is left */
    EV_TIMEOUT,
    EV_EXECUTED,                      /* Type=exec: the main process runs its program */
    EV_READY, EV_RELOADING, EV_STOPPING, /* sd_notify */
    EV_NAME_ACQUIRED, EV_NAME_LOST,   /* BusName= */
    EV_PID_FILE,                      /* PIDFile= has appeared */
    EV_WATCHDOG,                      /* WATCHDOG=1 stayed away */
    EV_OUT_OF_MEMORY,                 /* a process that is neither main nor control was killed for want of memory */
    SERVICE_EVENTS,
};
/* Hands the event to the transition of the current state. 0, or what a start or stop job should be told: -EAGAIN …. An
 * event that has no meaning in the state is logged at debug level and ignored. */
int service_event(struct service *s, enum service_event event, enum service_result result);
/* What the bus and the jobs see of a state. */
enum active_state service_state_active(const struct service *s, enum service_state state);

/* --- entering states: service_enter.c, service_end.c -------------------------------------------------------------- */
void service_set_state(struct service *s, enum service_state state);
/* The first failure is the result. */
void service_remember_result(struct service *s, enum service_result result);
void service_enter_condition(struct service *s);
void service_enter_start_pre(struct service *s);
void service_enter_start(struct service *s);
void service_enter_start_post(struct service *s);
void service_enter_running(struct service *s, enum service_result result);
void service_enter_reload(struct service *s);
void service_enter_stop(struct service *s, enum service_result result);
void service_enter_signal(struct service *s, enum service_state state, enum service_result result);
void service_enter_stop_post(struct service *s, enum service_result result);
void service_enter_dead(struct service *s, enum service_result result, bool allow_restart);
void service_enter_restart(struct service *s);
void service_arm_timer(struct service *s, usec_t after);
void service_arm_watchdog(struct service *s);
/* WATCHDOG=1: its time begins anew. */
void service_reset_watchdog(struct service *s);

enum service_type service_type(const struct service *s);
usec_t service_timeout_start(const struct service *s);
usec_t service_timeout_stop(const struct service *s);
usec_t service_timeout_abort(const struct service *s);
bool service_sends_sigkill(const struct service *s);
/* The main process: 1 lives, 0 is known to be dead, -1: not known. */
int service_main_good(struct service *s);
bool service_has_processes(struct service *s);

/* --- commands: service_exec.c ------------------------------------------------------------------------------------- */
/* Starts command `index` of a list as control process; the state's timer is armed for `timeout`. 1; 0: the list has no
 * such command; negative: could not be started. */
int service_run_control(struct service *s, enum service_exec exec, size_t index, usec_t timeout);
/* The same for the main process. */
int service_run_main(struct service *s, size_t index, usec_t timeout);
/* The command that is running as control or main process; NULL: none. */
const struct exec_command *service_control_command(const struct service *s);
const struct exec_command *service_main_command(const struct service *s);
void service_reset_statuses(struct service *s);
void service_record_exit(struct service *s, enum service_exec exec, size_t index, pid_t pid, int code, int status);

/* --- the main process: service_pid.c ------------------------------------------------------------------------------ */
int service_set_main_pid(struct service *s, pid_t pid);
void service_forget_main_pid(struct service *s);
/* After a re-execution. */
void service_watch_main_pid(struct service *s);
/* An alien runs, or has become our child, so that its end will be told. */
bool service_alien_counts(struct service *s);
void service_forget_control_pid(struct service *s);
/* PIDFile=: 0 if it named a suitable process; `may_warn`: say what is wrong with it. */
int service_load_pid_file(struct service *s, bool may_warn);
/* Waits for it to appear: EV_PID_FILE. */
int service_watch_pid_file(struct service *s);
void service_unwatch_pid_file(struct service *s);
/* GuessMainPID=. */
void service_guess_main_pid(struct service *s);
/* 1: it belongs to the service; 0: it exists but does not; negative: cannot be one. Logs at `level`. */
int service_pid_is_suitable(struct service *s, pid_t pid, int level);

/* BusName= of Type=dbus: EV_NAME_ACQUIRED and EV_NAME_LOST from now on, or no longer. */
void service_watch_bus_name(struct service *s);
void service_unwatch_bus_name(struct service *s);

/* --- the rest ----------------------------------------------------------------------------------------------------- */
void service_notify_message(struct unit *u, const struct ucred *sender, char *const *tags, int *fds, size_t n_fds);
int service_serialize(const struct unit *u, struct text *out);
int service_deserialize(struct unit *u, const char *name, const char *value);
int service_coldplug(struct unit *u);
void service_catch_up(struct unit *u);
int service_load(struct unit *u);
