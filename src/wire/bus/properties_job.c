/* SPDX-License-Identifier: Apache-2.0 */
/* org.freedesktop.systemd1(5) "Job Objects", and org.freedesktop.LogControl1(5). */
#include "wire/bus/marshal.h"

#include "base/log.h"

#include <string.h>

static GETTER(get_job_id) {
    out_u32(out, object->job->id);
}

static GETTER(get_job_unit) {
    char path[OBJECT_PATH_MAX];
    out_open(out, DBUS_TYPE_STRUCT, NULL);
    out_string(out, object->job->unit->id);
    out_path(out, unit_object_path(object->job->unit->id, path));
    out_close(out);
}

static GETTER(get_job_type) {
    out_string(out, job_type_to_string(object->job->type));
}

static GETTER(get_job_state) {
    out_string(out, job_state_to_string(object->job->state));
}

const struct property job_properties[] = {
    G("Id", "u", CONST, get_job_id),        G("Unit", "(so)", CONST, get_job_unit),
    G("JobType", "s", CONST, get_job_type), G("State", "s", CHANGE, get_job_state),
    G("ActivationDetails", "a(ss)", CONST, get_activation),
    {},
};

/* --- LogControl1, and the manager's properties of the same names ---------------------------------------- */
GETTER(get_log_level) {
    out_string(out, log_level_to_string(log_max_level()));
}

int set_log_level(struct call *call, const struct property *p, DBusMessageIter *value, struct error *error) {
    const char *s;
    dbus_message_iter_get_basic(value, &s);
    int level = *s ? log_level_from_string(s) : LOG_INFO;
    if (level < 0)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid log level '%s'", s);
    log_set_max_level(level);
    log_info("Setting log level to %s.", log_level_to_string(level));
    return 0;
}

/* There is one target. What systemd knows is accepted, so that `systemctl log-target` and its scripts go on.
 */
int set_log_target(struct call *call, const struct property *p, DBusMessageIter *value, struct error *error) {
    static const char *const known[] = {
        "",     "auto", "console", "console-prefixed", "journal", "journal-or-kmsg",
        "kmsg", "null", "syslog",  "syslog-or-kmsg"
    };
    const char *s;
    dbus_message_iter_get_basic(value, &s);
    for (size_t i = 0; i < ELEMENTS(known); i++)
        if (strcmp(s, known[i]) == 0)
            return 0;
    return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid log target '%s'", s);
}

const struct property log_control_properties[] = {
    { "LogLevel", "s", EMITS_FALSE, get_log_level, NULL, 0, set_log_level },
    { "LogTarget", "s", EMITS_FALSE, constant, "journal-or-kmsg", 0, set_log_target },
    { "SyslogIdentifier", "s", EMITS_FALSE, constant, "systemd" },
    {},
};
