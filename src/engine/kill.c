/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to a unit's processes. systemd.kill(5). Who belongs to a unit is lineage.h's business; what a signal means
 * for its state, the type's. */
#include "engine/manager_private.h"
#include "engine/unit_private.h"
#include "syntax/names.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* How many looks at /proc one call may take before it goes on in a later turn of the loop. */
#define KILL_PASSES 16

int unit_set_lineage(struct unit *u, uint64_t tag) {
    struct manager_private *p = u->manager->p;
    if (u->lineage)
        HASH_DELETE(hh_lineage, p->by_lineage, u);
    u->lineage = tag;
    if (!tag)
        return 0;
    HASH_ADD(hh_lineage, p->by_lineage, lineage, sizeof(u->lineage), u);
    if (hash_holds(&u->hh_lineage))
        return 0;
    u->lineage = 0;
    return -ENOMEM;
}

struct unit *manager_unit_by_pid(struct manager *m, pid_t pid) {
    struct unit *u = unit_of_child(m, pid);
    uint64_t tag = u ? 0 : lineage_of(m->lineage, pid);
    if (tag)
        HASH_FIND(hh_lineage, m->p->by_lineage, &tag, sizeof(tag), u);
    return u;
}

int unit_processes(struct unit *u, pid_t **ret, size_t *ret_n) {
    const struct process *all;
    *ret = NULL;
    *ret_n = 0;
    if (!u->lineage)
        return 0;
    int n = lineage_scan(u->manager->lineage, &all);
    if (n < 0)
        return n;
    pid_t *pids = calloc((size_t)n + 1, sizeof(pid_t));
    if (!pids)
        return -ENOMEM;
    size_t found = 0;
    for (int i = 0; i < n; i++)
        if (all[i].tag && lineage_matches(u->lineage, all[i].tag) && !all[i].zombie)
            pids[found++] = all[i].pid;
    *ret = pids;
    *ret_n = found;
    return 0;
}

static int signal_of(const struct unit *u, enum kill_operation operation) {
    switch (operation) {
    case KILL_TERMINATE:
    case KILL_TERMINATE_AND_LOG:
        return (int)unit_number(u->file, D_KillSignal);
    case KILL_RESTART:
        return (int)unit_number(u->file, unit_setting_written(u->file, D_RestartKillSignal) ? D_RestartKillSignal
                                                                                            : D_KillSignal);
    case KILL_KILL:
        return (int)unit_number(u->file, D_FinalKillSignal);
    case KILL_WATCHDOG:
        return (int)unit_number(u->file, D_WatchdogSignal);
    }
    return SIGTERM;
}

static int send(struct unit *u, pid_t pid, int signal, bool hang_up) {
    if (kill(pid, signal) < 0) {
        if (errno == ESRCH)
            return 0;
        int error = errno;
        unit_log(u, LOG_WARNING, "Failed to send SIG%s to process %d: %s", signal_to_string(signal), pid,
                 strerror(error));
        return -error;
    }
    if (hang_up)
        kill(pid, SIGHUP);
    if (signal != SIGKILL && signal != SIGCONT)
        kill(pid, SIGCONT);
    return 1;
}

int unit_kill_context(struct unit *u, enum kill_operation operation, pid_t main_pid, pid_t control_pid,
                      bool main_alien) {
    struct lineage *l = u->manager->lineage;
    enum kill_mode mode = (enum kill_mode)unit_number(u->file, D_KillMode);
    if (mode == KILL_MODE_NONE)
        return 0;
    int signal = signal_of(u, operation);
    bool hang_up = operation != KILL_KILL && unit_bool(u->file, D_SendSIGHUP) && signal != SIGHUP;
    bool wait = false;
    pid_t sent[2];
    size_t n_sent = 0;
    if (main_pid > 0) {
        if (send(u, main_pid, signal, hang_up) > 0 && !main_alien)
            wait = true;
        sent[n_sent++] = main_pid;
    }
    if (control_pid > 0) {
        if (send(u, control_pid, signal, hang_up) > 0)
            wait = true;
        sent[n_sent++] = control_pid;
    }
    if (!u->lineage || !(mode == KILL_MODE_CONTROL_GROUP || (mode == KILL_MODE_MIXED && operation == KILL_KILL)))
        return wait;
    /* This turn's look at /proc will do: when it shows nobody alive, nobody is left to make new ones. */
    if (!lineage_alive(l, u->lineage))
        return wait;
    int refused = 0, n;
    if (operation == KILL_KILL && signal == SIGKILL)
        n = lineage_kill_tree(l, u->lineage, NULL, 0, KILL_PASSES);
    else {
        n = lineage_signal(l, u->lineage, signal, sent, n_sent, &refused);
        if (hang_up)
            lineage_signal(l, u->lineage, SIGHUP, sent, n_sent, NULL);
        if (n > 0 && signal != SIGKILL && signal != SIGCONT)
            lineage_signal(l, u->lineage, SIGCONT, sent, n_sent, NULL);
    }
    if (refused > 0)
        unit_log(u, LOG_WARNING, "%d processes of another user may not be signalled without CAP_KILL: left alone.",
                 refused);
    if (n > 0)
        u->maybe_processes = true;
    return wait || n > refused;
}

/* systemctl kill. */
static const unsigned may_have_processes =
    1u << UNIT_SERVICE | 1u << UNIT_SOCKET | 1u << UNIT_SCOPE | 1u << UNIT_SLICE | 1u << UNIT_MOUNT | 1u << UNIT_SWAP;
static const struct {
    const char *name;
    bool main, control, all, must;
} whoms[] = {
    { "main", true, false, false, false },        { "control", false, true, false, false },
    { "all", true, true, true, false },           { "main-fail", true, false, false, true },
    { "control-fail", false, true, false, true }, { "all-fail", true, true, true, true },
    { "cgroup", true, true, true, false },        { "cgroup-fail", true, true, true, true },
};

int unit_kill(struct unit *u, const char *whom, int signal, struct error *error) {
    size_t w = 0;
    while (w < ELEMENTS(whoms) && strcmp(whoms[w].name, *whom ? whom : "all") != 0)
        w++;
    if (w == ELEMENTS(whoms))
        return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid who argument %s", whom);
    if (signal <= 0 || signal > SIGRTMAX)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Signal number out of range.");
    if (!(may_have_processes & 1u << u->ops->type))
        return error_set(error, ERROR_NOT_SUPPORTED, "Operation not supported");
    pid_t main_pid = unit_main_pid(u), control_pid = unit_control_pid(u);
    if (whoms[w].main && !whoms[w].all && main_pid <= 0)
        return error_set(error, ERROR_NO_SUCH_PROCESS, u->ops->main_pid ? "No main process to kill"
                                                                        : "Unit has no main process");
    if (whoms[w].control && !whoms[w].all && control_pid <= 0)
        return error_set(error, ERROR_NO_SUCH_PROCESS, "No control process to kill");
    int n = 0, failed = 0;
    pid_t sent[2] = { whoms[w].main ? main_pid : 0, whoms[w].control ? control_pid : 0 };
    for (int i = 0; i < 2; i++)
        if (sent[i] > 0) {
            if (kill(sent[i], signal) >= 0)
                n++;
            else if (errno != ESRCH)
                failed = errno;
        }
    if (whoms[w].all && u->lineage) {
        int refused = 0;
        lineage_scan_stale(u->manager->lineage);
        int r = lineage_signal(u->manager->lineage, u->lineage, signal, sent, 2, &refused);
        n += r > 0 ? r : 0;
        if (refused)
            failed = EPERM;
    }
    if (failed)
        return error_set(error, failed == EPERM ? ERROR_ACCESS_DENIED : ERROR_FAILED,
                         "Failed to send signal to processes of %s: %s", u->id, strerror(failed));
    if (n == 0 && whoms[w].must)
        return error_set(error, ERROR_NO_SUCH_PROCESS, "No matching processes to kill");
    return 0;
}
