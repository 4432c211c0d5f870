/* SPDX-License-Identifier: Apache-2.0 */
/* How a service ends, and whether it comes again: results, Restart= and its delays, what is cleared away.
 * systemd.service(5) "Restart=", "RestartSteps=". */
#include "engine/service_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID_SKIPPED "0e4284a0caca4bfc81c0bb6786972673"
#define ID_RESTART "5eb03494b6584870a536b337290809b3"

static bool in_set(const struct service *s, enum directive set_directive) {
    const struct exit_status_set *set = unit_object(s->unit.file, set_directive);
    return s->main_status.code == CLD_EXITED ? exit_status_set_has(set, s->main_status.status)
                                             : s->main_status.code != 0 &&
                                                   exit_status_set_has_signal(set, s->main_status.status);
}

/* Which results each Restart= restarts on: systemd.service(5), table "Exit causes and the effect of the Restart=". */
static const unsigned restart_on[RESTARTS] = {
#define R(result) (1u << SERVICE_##result)
    [RESTART_ALWAYS] = ~R(SKIP_CONDITION),
    [RESTART_ON_SUCCESS] = R(SUCCESS),
    [RESTART_ON_FAILURE] = ~(R(SUCCESS) | R(SKIP_CONDITION)),
    [RESTART_ON_ABNORMAL] = ~(R(SUCCESS) | R(SKIP_CONDITION) | R(FAILURE_EXIT_CODE)),
    [RESTART_ON_WATCHDOG] = R(FAILURE_WATCHDOG),
    [RESTART_ON_ABORT] = R(FAILURE_SIGNAL) | R(FAILURE_CORE_DUMP),
#undef R
};

static bool shall_restart(struct service *s) {
    if (s->forbid_restart || s->unit.manager->p->shutting_down || in_set(s, D_RestartPreventExitStatus))
        return false;
    return in_set(s, D_RestartForceExitStatus) ||
           restart_on[unit_number(s->unit.file, D_Restart)] & 1u << s->result;
}

/* RestartSteps=, RestartMaxDelaySec=: from RestartSec= to the maximum in so many steps, each a constant factor
 * longer. */
usec_t service_restart_delay(const struct service *s) {
    const struct unit_file *f = s->unit.file;
    uint64_t n_before = s->n_restarts;
    usec_t first =
        unit_setting_written(f, D_RestartSec) ? unit_usec(f, D_RestartSec) : s->unit.manager->default_restart_sec;
    /* [X-Reeve] RestartIntervalSec=: from one start to the next, so who ran for longer comes again at once. */
    usec_t interval = unit_usec(f, D_RestartIntervalSec);
    if (interval > 0 && s->main_status.start.monotonic > 0)
        first = MAX(first, usec_sub(usec_add(s->main_status.start.monotonic, interval), now(CLOCK_MONOTONIC)));
    usec_t last = unit_usec(f, D_RestartMaxDelaySec);
    uint64_t steps = unit_size(f, D_RestartSteps);
    if (steps == 0 || first == 0 || last == USEC_INFINITY || first >= last || n_before == 0)
        return first;
    if (n_before >= steps)
        return last;
    /* first * (last / first) ^ (n / steps), without a maths library: n of the steps equal factors. */
    double ratio = (double)last / (double)first, low = 1, high = ratio;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2, power = 1;
        for (uint64_t k = 0; k < steps && power <= ratio; k++)
            power *= middle;
        if (power < ratio)
            low = middle;
        else
            high = middle;
    }
    double delay = (double)first;
    for (uint64_t k = 0; k < n_before; k++)
        delay *= high;
    return MIN((usec_t)delay, last);
}

void service_keep_down(struct unit *u, bool yes) {
    SERVICE(u)->forbid_restart = yes;
    unit_changed(u);
}

static void remove_runtime_data(struct service *s, bool restarts) {
    enum preserve preserve = (enum preserve)unit_number(s->unit.file, D_RuntimeDirectoryPreserve);
    if (s->runtime_directories && (preserve == PRESERVE_NO || (preserve == PRESERVE_RESTART && !restarts))) {
        exec_remove_directories(s->runtime_directories);
        strv_free(TAKE(s->runtime_directories));
    }
    if (s->credentials_directory) {
        char *const directories[] = { s->credentials_directory, NULL };
        exec_remove_directories(directories);
        free(TAKE(s->credentials_directory));
    }
    const char *pid_file = unit_string(s->unit.file, D_PIDFile);
    if (pid_file)
        unlink(pid_file);
}

/* Is it the last one of its user? Users are the same if they are called so. */
static bool user_is_done(const struct unit *u) {
    const char *user = unit_string(u->file, D_User);
    for (const struct unit_name *n = u->manager->names; n; n = n->hh.next) {
        const struct unit *other = n->unit;
        const char *whose = unit_string(other->file, D_User);
        if (other != u && whose && strcmp(whose, user) == 0 && !inactive_or_failed(unit_active_state(other)))
            return false;
    }
    return true;
}

/* By a child, since it takes being the user: without CAP_SYS_ADMIN nobody else may. */
static void remove_ipc(const struct unit *u) {
    uid_t uid;
    if (!unit_bool(u->file, D_RemoveIPC) || exec_user_number(u->file, &uid) < 0 || uid == 0 || !user_is_done(u))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        exec_remove_ipc(uid);
        _exit(0);
    }
    if (pid < 0)
        unit_log(u, LOG_WARNING, "Cannot remove IPC objects of its user: %s", strerror(errno));
}

/* Without having been inactive in between: who needs the service does not notice. */
static bool restarts_directly(const struct service *s) {
    return unit_number(s->unit.file, D_RestartMode) == RESTART_MODE_DIRECT;
}

void service_enter_dead(struct service *s, enum service_result result, bool allow_restart) {
    struct unit *u = &s->unit;
    if (u->job && u->job->type == JOB_STOP)
        allow_restart = false;
    service_remember_result(s, result);
    enum service_state end = SERVICE_FAILED;
    if (s->result == SERVICE_SUCCESS) {
        unit_log_end(u, NULL);
        end = SERVICE_DEAD;
    } else if (s->result == SERVICE_SKIP_CONDITION) {
        unit_log_id(u, LOG_INFO, ID_SKIPPED, "Skipped due to '%s'.", service_result_to_string(s->result));
        end = SERVICE_DEAD;
    } else
        unit_log_end(u, service_result_to_string(s->result));

    s->will_auto_restart = allow_restart && shall_restart(s);
    bool restarts = s->will_auto_restart || (u->job && u->job->type == JOB_RESTART);
    if (!s->will_auto_restart || !restarts_directly(s))
        service_set_state(s, end);
    if (s->will_auto_restart) {
        s->will_auto_restart = false;
        service_set_state(s, SERVICE_AUTO_RESTART);
        service_arm_timer(s, service_restart_delay(s));
    } else {
        s->reset_restarts = true;
        unit_close_log(u);
    }
    s->forbid_restart = false;
    service_unwatch_bus_name(s);
    remove_runtime_data(s, restarts);
    remove_ipc(u);
    if (unit_number(u->file, D_FileDescriptorStorePreserve) == PRESERVE_NO)
        fd_store_release(s);
    if (u->maybe_processes)
        queue_add(u, QUEUE_EMPTY);
}

void service_enter_restart(struct service *s) {
    struct unit *u = &s->unit;
    if (u->job && u->job->type == JOB_STOP) {
        unit_log(u, LOG_INFO, "Stop job pending for unit, skipping automatic restart.");
        return;
    }
    struct error error;
    /* The stop half of a restart takes those down that need the unit. */
    enum job_type type = restarts_directly(s) ? JOB_START : JOB_RESTART;
    if (manager_add_job(u->manager, type, u, JOB_REPLACE, &error, NULL) < 0) {
        unit_log(u, LOG_WARNING, "Failed to schedule restart job: %s", error.message);
        service_enter_dead(s, SERVICE_FAILURE_RESOURCES, false);
        return;
    }
    /* The job's stop half takes us out of auto-restart. */
    s->n_restarts++;
    s->reset_restarts = false;
    char fields[32];
    snprintf(fields, sizeof(fields), "N_RESTARTS=%u", s->n_restarts);
    unit_log_fields(u, LOG_INFO, ID_RESTART, fields, "%s: Scheduled restart job, restart counter is at %u.", u->id,
                    s->n_restarts);
    if (type == JOB_START)
        service_set_state(s, SERVICE_AUTO_RESTART_QUEUED);
    unit_changed(u);
}
