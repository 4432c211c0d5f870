/* SPDX-License-Identifier: Apache-2.0 */
/* What a service says of itself: sd_notify(3). */
#include "engine/service_private.h"
#include "syntax/names.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

static const char *tag_value(char *const *tags, const char *name) {
    return env_get(tags, name);
}

/* NotifyAccess=: who may speak. */
static bool authorized(struct service *s, pid_t pid) {
    struct unit *u = &s->unit;
    int access = s->notify_access >= 0 ? s->notify_access : (int)unit_number(u->file, D_NotifyAccess);
    switch (access) {
    case NOTIFY_ACCESS_ALL:
        return true;
    case NOTIFY_ACCESS_NONE:
        unit_log(u, LOG_WARNING, "Got notification message from PID %d, but reception is disabled.", pid);
        return false;
    case NOTIFY_ACCESS_MAIN:
        if (pid == s->main_pid)
            return true;
        if (s->main_pid > 0)
            unit_log(u, LOG_WARNING,
                     "Got notification message from PID %d, but reception only permitted for main PID %d", pid,
                     s->main_pid);
        else
            unit_log(u, LOG_WARNING,
                     "Got notification message from PID %d, but reception only permitted for main PID which "
                     "is currently not known",
                     pid);
        return false;
    default:
        if (pid == s->main_pid || pid == s->control_pid)
            return true;
        unit_log(u, LOG_WARNING,
                 "Got notification message from PID %d, but reception only permitted for main PID %d and "
                 "control PID %d",
                 pid, s->main_pid, s->control_pid);
        return false;
    }
}

static void take_main_pid(struct service *s, const struct ucred *sender, const char *value) {
    int64_t pid;
    if (int64_parse(value, &pid) < 0 || pid <= 1 || pid > INT_MAX) {
        unit_log(&s->unit, LOG_WARNING, "MAINPID=%s in a notification message is no process number, ignoring.", value);
        return;
    }
    bool up = s->state == SERVICE_START || s->state == SERVICE_START_POST || s->state == SERVICE_RUNNING ||
              s->state == SERVICE_RELOAD || s->state == SERVICE_RELOAD_SIGNAL || s->state == SERVICE_RELOAD_NOTIFY;
    if (!up || (s->main_pid_known && s->main_pid == pid))
        return;
    int r = service_pid_is_suitable(s, (pid_t)pid, LOG_WARNING);
    /* Root may hand the service over to anybody. */
    if (r == 0 && sender->uid != 0)
        unit_log(&s->unit, LOG_WARNING, "New main PID %d does not belong to service, refusing.", (int)pid);
    else if (r >= 0)
        (void)service_set_main_pid(s, (pid_t)pid);
}

static void take_status(struct service *s, const char *value) {
    if (s->status_text && strcmp(s->status_text, value) == 0)
        return;
    char *copy = *value ? strdup(value) : NULL;
    free(s->status_text);
    s->status_text = copy;
}

static void take_extension(struct service *s, const char *value) {
    uint64_t more;
    if (uint64_parse(value, &more) < 0) {
        unit_log(&s->unit, LOG_WARNING, "EXTEND_TIMEOUT_USEC=%s is no number of microseconds, ignoring.", value);
        return;
    }
    usec_t until = usec_add(now(CLOCK_MONOTONIC), more);
    if (s->timer.place && s->timer.when != USEC_INFINITY && until > s->timer.when)
        timer_set(s->unit.manager->loop, &s->timer, until);
    if (s->watchdog_timer && s->watchdog_timer->place && until > s->watchdog_timer->when) {
        s->watchdog_until = until;
        service_arm_watchdog(s);
    }
}

static void take_watchdog(struct service *s, char *const *tags) {
    const char *value = tag_value(tags, "WATCHDOG_USEC");
    uint64_t span;
    if (value && uint64_parse(value, &span) >= 0 && span > 0) {
        s->watchdog_usec = span;
        service_reset_watchdog(s);
    }
    value = tag_value(tags, "WATCHDOG");
    if (value && strcmp(value, "trigger") == 0)
        service_event(s, EV_WATCHDOG, SERVICE_SUCCESS);
    else if (value && strcmp(value, "1") == 0)
        service_reset_watchdog(s);
}

/* Type=notify-reload: is the RELOADING=1 of this message an answer to the signal that we sent last? */
static bool answers_reload(const struct service *s, char *const *tags) {
    const char *value = tag_value(tags, "MONOTONIC_USEC");
    uint64_t when;
    return value && uint64_parse(value, &when) >= 0 && when >= s->reload_begin;
}

/* Of READY=1, RELOADING=1 and STOPPING=1 in one message, STOPPING=1 wins, then READY=1. */
static void take_state(struct service *s, char *const *tags) {
    static const struct {
        const char *tag;
        enum notify_state state;
        enum service_event event;
    } states[] = {
        { "STOPPING=1", NOTIFY_STOPPING, EV_STOPPING },
        { "READY=1", NOTIFY_READY, EV_READY },
        { "RELOADING=1", NOTIFY_RELOADING, EV_RELOADING },
    };
    bool reloading = strv_contains(tags, "RELOADING=1");
    if (s->state == SERVICE_RELOAD_SIGNAL && reloading && !answers_reload(s, tags)) {
        unit_log(&s->unit, LOG_DEBUG,
                 "RELOADING=1 is older than the signal that asks for it, or does not tell its time.");
        reloading = false;
    } else if (s->state == SERVICE_RELOAD_SIGNAL && reloading && strv_contains(tags, "READY=1"))
        service_event(s, EV_RELOADING, SERVICE_SUCCESS); /* begun, and done already */
    for (size_t i = 0; i < ELEMENTS(states); i++)
        if (strv_contains(tags, states[i].tag)) {
            s->notify_state = states[i].state;
            if (states[i].event != EV_RELOADING || reloading)
                service_event(s, states[i].event, SERVICE_SUCCESS);
            break;
        }
}

static void take_access(struct service *s, const char *value) {
    int access = value_enum_from_name(&type_notify_access, value);
    if (access < 0)
        unit_log(&s->unit, LOG_WARNING, "NOTIFYACCESS=%s is none of none, all, exec, main; ignoring.", value);
    else
        s->notify_access = access;
}

void service_notify_message(struct unit *u, const struct ucred *sender, char *const *tags, int *fds, size_t n_fds) {
    struct service *s = SERVICE(u);
    if (!authorized(s, sender->pid))
        return;
    const char *value;
    if ((value = tag_value(tags, "MAINPID")))
        take_main_pid(s, sender, value);
    if ((value = tag_value(tags, "STATUS")))
        take_status(s, value);
    if ((value = tag_value(tags, "NOTIFYACCESS")))
        take_access(s, value);
    if ((value = tag_value(tags, "ERRNO"))) {
        int64_t number;
        if (int64_parse(value, &number) >= 0 && number >= 0 && number < 4096)
            s->status_errno = (int)number;
    }
    if ((value = tag_value(tags, "BUSERROR"))) {
        char *copy = strdup(value);
        free(s->bus_error);
        s->bus_error = copy;
    }
    take_state(s, tags);
    if ((value = tag_value(tags, "EXTEND_TIMEOUT_USEC")))
        take_extension(s, value); /* of the state that begins with this message */
    take_watchdog(s, tags);
    fd_store_notify(s, tags, fds, n_fds);
    unit_changed(u);
}
