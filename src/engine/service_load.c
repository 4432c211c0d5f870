/* SPDX-License-Identifier: Apache-2.0 */
/* What a service needs beyond what its files say of other units, and whether its settings make sense together.
 * systemd.service(5) "Automatic Dependencies", systemd.exec(5) "Implicit Dependencies". */
#include "engine/service_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int refuse(struct unit *u, const char *why) {
    unit_log(u, LOG_ERR, "%s Refusing.", why);
    free(u->file->error);
    u->file->error = NULL;
    if (asprintf(&u->file->error, "%s", why) < 0)
        u->file->error = NULL;
    return -ENOEXEC;
}

static int verify(struct service *s) {
    struct unit *u = &s->unit;
    const struct unit_file *f = u->file;
    const struct exec_command_list *start = unit_commands(f, D_ExecStart);
    enum service_type type = service_type(s);
    bool action = unit_number(f, D_SuccessAction) != ACTION_NONE;
    /* What reeve itself does needs no command to be active. */
    if (!start && type == SERVICE_TYPE_ONESHOT && u->file->builtin)
        return 0;
    if (!start && !unit_commands(f, D_ExecStop) && !action)
        return refuse(u, "Service has no ExecStart=, ExecStop=, or SuccessAction=.");
    if (type != SERVICE_TYPE_ONESHOT && !start)
        return refuse(u, "Service has no ExecStart= setting, which is only allowed for Type=oneshot services.");
    if (!start && !unit_bool(f, D_RemainAfterExit) && !action)
        return refuse(u,
                      "Service has no ExecStart= and no SuccessAction= settings and does not have RemainAfterExit=yes "
                      "set.");
    if (type != SERVICE_TYPE_ONESHOT && start->n > 1)
        return refuse(u,
                      "Service has more than one ExecStart= setting, which is only allowed for Type=oneshot services.");
    int64_t restart = unit_number(f, D_Restart);
    if (type == SERVICE_TYPE_ONESHOT && (restart == RESTART_ALWAYS || restart == RESTART_ON_SUCCESS))
        return refuse(u,
                      "Service has Restart= set to either always or on-success, which isn't allowed for Type=oneshot "
                      "services.");
    if (type == SERVICE_TYPE_ONESHOT && unit_object(f, D_RestartForceExitStatus))
        return refuse(u, "Service has RestartForceExitStatus= set, which isn't allowed for Type=oneshot services.");
    if (type == SERVICE_TYPE_ONESHOT && unit_number(f, D_ExitType) == EXIT_TYPE_CGROUP)
        return refuse(u, "Service has ExitType=cgroup set, which isn't allowed for Type=oneshot services.");
    if (type == SERVICE_TYPE_DBUS && !unit_string(f, D_BusName))
        return refuse(u, "Service is of type D-Bus but no D-Bus service name has been specified.");
    return 0;
}

static int add_default_dependencies(struct unit *u) {
    if (!unit_bool(u->file, D_DefaultDependencies))
        return 0;
    int r = 0;
    if (u->manager->system)
        r = unit_add_two_dependencies_by_name(u, DEP_AFTER, DEP_REQUIRES, "sysinit.target");
    if (r >= 0)
        r = u->manager->system ? unit_add_dependency_by_name(u, DEP_AFTER, "basic.target")
                               : unit_add_two_dependencies_by_name(u, DEP_AFTER, DEP_REQUIRES, "basic.target");
    if (r >= 0)
        r = unit_add_two_dependencies_by_name(u, DEP_BEFORE, DEP_CONFLICTS, "shutdown.target");
    return r;
}

int service_load(struct unit *u) {
    struct service *s = SERVICE(u);
    enum service_type type = service_type(s);
    /* NotifyAccess= defaults to main where messages are the point. */
    if ((type == SERVICE_TYPE_NOTIFY || type == SERVICE_TYPE_NOTIFY_RELOAD || unit_usec(u->file, D_WatchdogSec) > 0 ||
         unit_number(u->file, D_FileDescriptorStoreMax) > 0) &&
        unit_number(u->file, D_NotifyAccess) == NOTIFY_ACCESS_NONE) {
        int r = unit_setting_put(u->file, D_NotifyAccess, (union value){ .number = NOTIFY_ACCESS_MAIN });
        if (r < 0)
            return r;
    }
    int r = unit_add_exec_dependencies(u);
    if (r >= 0 && unit_string(u->file, D_BusName) && type == SERVICE_TYPE_DBUS)
        r = unit_add_two_dependencies_by_name(u, DEP_AFTER, DEP_REQUIRES, "dbus.socket");
    STRV_FOREACH(name, unit_strv(u->file, D_Sockets))
        if (r >= 0) {
            r = unit_add_two_dependencies_by_name(u, DEP_WANTS, DEP_AFTER, *name);
            if (r >= 0)
                r = unit_add_dependency_by_name(u, DEP_TRIGGERED_BY, *name);
        }
    if (r >= 0)
        r = add_default_dependencies(u);
    return r < 0 ? r : verify(s);
}
