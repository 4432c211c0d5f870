/* SPDX-License-Identifier: Apache-2.0 */
/* Properties that several types of units have, and that no setting says. */
#include "wire/bus/marshal.h"

#include "base/users.h"
#include "base/strv.h"
#include "engine/path.h"
#include "engine/scope.h"
#include "engine/service.h"
#include "engine/socket.h"
#include "engine/timer.h"

#include <string.h>

void out_time(struct out *out, const struct property *p, struct dual_time t) {
    size_t n = strlen(p->name), tail = strlen("Monotonic");
    out_u64(out, n > tail && strcmp(p->name + n - tail, "Monotonic") == 0 ? t.monotonic : t.realtime);
}

/* Has it processes, as far as is known without looking for them? */
static bool is_up(struct unit *u) {
    return !inactive_or_failed(unit_active_state(u));
}

GETTER(get_control_group) {
    _cleanup_free_ char *path = is_up(object->unit) ? unit_control_group(object->unit) : NULL;
    out_string(out, path);
}

GETTER(get_tasks_current) {
    _cleanup_free_ pid_t *pids = NULL;
    size_t n = 0;
    enum unit_type type = object->unit->ops->type;
    if (strcmp(object->unit->id, "init.scope") == 0)
        out_u64(out, 1); /* ourselves */
    else if (is_up(object->unit) && (type == UNIT_SERVICE || type == UNIT_SCOPE || type == UNIT_SOCKET) &&
        unit_processes(object->unit, &pids, &n) >= 0)
        out_u64(out, n);
    else
        out_u64(out, UINT64_MAX);
}

GETTER(get_slice) {
    const char *name = unit_slice_name(object->unit);
    bool root = strcmp(object->unit->id, "-.slice") == 0;
    bool none = root || object->unit->file->state != LOAD_LOADED;
    out_string(out, none || (name && *name) ? name : "-.slice");
}

GETTER(get_main_pid) {
    out_u32(out, (uint32_t)unit_main_pid(object->unit));
}

GETTER(get_trigger_burst) {
    out_u32(out, (uint32_t)unit_trigger_limit_burst(object->unit->file));
}

GETTER(get_control_pid) {
    out_u32(out, (uint32_t)unit_control_pid(object->unit));
}

GETTER(get_result) {
    const char *result = "success";
    if (object->unit->ops->type == UNIT_SERVICE)
        result = service_result_to_string(SERVICE(object->unit)->result);
    else if (object->unit->ops->type == UNIT_SOCKET)
        result = socket_result_to_string(SOCKET(object->unit)->result);
    else if (object->unit->ops->type == UNIT_SCOPE)
        result = scope_result_to_string(SCOPE(object->unit)->result);
    else if (object->unit->ops->type == UNIT_TIMER)
        result = timer_result_to_string(TIMER(object->unit)->result);
    else if (object->unit->ops->type == UNIT_PATH)
        result = path_result_to_string(PATH(object->unit)->result);
    out_string(out, result);
}

/* What triggered a start, a(ss): names as in the environment of its processes, but in small letters. */
GETTER(get_activation) {
    char **list = object->kind == OBJECT_JOB ? object->job->activation : object->unit->activation;
    out_open(out, DBUS_TYPE_ARRAY, "(ss)");
    STRV_FOREACH(detail, list) {
        char name[32] = "";
        size_t n = strcspn(*detail, "=");
        for (size_t i = 0; i < n && i < sizeof name - 1; i++)
            name[i] = (*detail)[i] >= 'A' && (*detail)[i] <= 'Z' ? (char)((*detail)[i] | 0x20) : (*detail)[i];
        out_pair(out, name, (*detail)[n] ? *detail + n + 1 : "");
    }
    out_close(out);
}

/* The user a unit's processes run as, while there are any; 2^32-1: not set. */
GETTER(get_uid) {
    const char *name = unit_string(object->unit->file, D_User);
    _cleanup_user_ struct user_record user = {};
    out_u32(out,
            name && *name && is_up(object->unit) && user_lookup(name, &user) >= 0 ? user.uid : UINT32_MAX);
}

GETTER(get_gid) {
    const char *group = unit_string(object->unit->file, D_Group),
               *name = unit_string(object->unit->file, D_User);
    _cleanup_user_ struct user_record user = {};
    gid_t gid = (gid_t)-1;
    if (is_up(object->unit)) {
        if (group && *group)
            (void)group_lookup(group, &gid);
        else if (name && *name && user_lookup(name, &user) >= 0)
            gid = user.gid;
    }
    out_u32(out, gid);
}

GETTER(get_triggered_unit) {
    UNIT_FOREACH_EDGE(e, object->unit, DEP_BIT(DEP_TRIGGERS)) {
        out_string(out, e->other->id);
        return;
    }
    out_string(out, setting(object, p)->string);
}
