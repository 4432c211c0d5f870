/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, paths, mounts, automounts, swaps, scopes and devices as properties. */
#include "engine/timer.h"
#include "wire/bus/marshal.h"

#include <stdio.h>
#include <string.h>

/* Where= is optional: the unit's name says it. */
static GETTER(mount_where) {
    const char *where = unit_string(object->unit->file, D_MountWhere), *id = object->unit->id;
    _cleanup_free_ char *stem = NULL, *path = NULL;
    if (!where || !*where) {
        const char *dot = strrchr(id, '.');
        stem = strndup(id, dot ? (size_t)(dot - id) : strlen(id));
        if (!stem || unit_name_path_unescape(stem, &path) < 0)
            path = NULL;
        where = path;
    }
    out_string(out, where);
}

static GETTER(scope_timeout_stop) {
    const struct unit_file *f = object->unit->file;
    out_u64(out, unit_setting_written(f, D_TimeoutStopSec) ? unit_usec(f, D_TimeoutStopSec)
                                                           : object->manager->default_timeout_stop);
}

/* When this line of a timer comes next. */
static uint64_t next_of(const struct object *object, size_t i) {
    const struct timer_point *points = TIMER(object->unit)->points;
    return points ? points[i].next : 0;
}

static GETTER(timers_monotonic) {
    const struct timer_list *list = unit_object(object->unit->file, D_Timers);
    out_open(out, DBUS_TYPE_ARRAY, "(stt)");
    for (size_t i = list ? list->n : 0; i-- > 0;) { /* systemd lists the last line first */
        const struct timer_spec *t = &list->items[i];
        if (t->base == TIMER_CALENDAR)
            continue;
        char name[32]; /* OnBootSec is told as OnBootUSec */
        const char *base = timer_base_to_string(t->base);
        size_t n = base ? strlen(base) : 0;
        snprintf(name, sizeof name, "%.*sUSec", n > 3 ? (int)n - 3 : 0, base ?: "");
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string(out, name);
        out_u64(out, t->usec);
        out_u64(out, next_of(object, i));
        out_close(out);
    }
    out_close(out);
}

static GETTER(timers_calendar) {
    const struct timer_list *list = unit_object(object->unit->file, D_Timers);
    out_open(out, DBUS_TYPE_ARRAY, "(sst)");
    for (size_t i = list ? list->n : 0; i-- > 0;) { /* systemd lists the last line first */
        if (list->items[i].base != TIMER_CALENDAR)
            continue;
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string(out, timer_base_to_string(TIMER_CALENDAR));
        out_string(out, list->items[i].calendar);
        out_u64(out, next_of(object, i));
        out_close(out);
    }
    out_close(out);
}

static GETTER(timer_next_realtime) {
    out_u64(out, TIMER(object->unit)->next_realtime);
}

static GETTER(timer_next_monotonic) {
    out_u64(out, TIMER(object->unit)->next_monotonic);
}

static GETTER(timer_last_realtime) {
    out_u64(out, TIMER(object->unit)->last_trigger.realtime);
}

static GETTER(timer_last_monotonic) {
    out_u64(out, TIMER(object->unit)->last_trigger.monotonic);
}

const struct property timer_properties[] = {
    S("Unit", "s", get_triggered_unit, TimerUnit),
    G("TimersMonotonic", "a(stt)", INVALIDATION, timers_monotonic),
    G("TimersCalendar", "a(sst)", INVALIDATION, timers_calendar),
    S("OnClockChange", "b", setting_bool, OnClockChange),
    S("OnTimezoneChange", "b", setting_bool, OnTimezoneChange),
    G("NextElapseUSecRealtime", "t", CHANGE, timer_next_realtime),
    G("NextElapseUSecMonotonic", "t", CHANGE, timer_next_monotonic),
    G("LastTriggerUSec", "t", CHANGE, timer_last_realtime),
    G("LastTriggerUSecMonotonic", "t", CHANGE, timer_last_monotonic),
    G("Result", "s", CHANGE, get_result),
    S("AccuracyUSec", "t", setting_u64, AccuracySec),
    S("RandomizedDelayUSec", "t", setting_u64, RandomizedDelaySec),
    S("FixedRandomDelay", "b", setting_bool, FixedRandomDelay),
    S("Persistent", "b", setting_bool, Persistent),
    S("WakeSystem", "b", setting_bool, WakeSystem),
    S("RemainAfterElapse", "b", setting_bool, RemainAfterElapse),
    S("DeferReactivation", "b", setting_bool, DeferReactivation),
    {},
};

const struct property path_properties[] = {
    S("Unit", "s", get_triggered_unit, PathUnit),
    S("Paths", "a(ss)", setting_paths, Paths),
    S("MakeDirectory", "b", setting_bool, MakeDirectory),
    S("DirectoryMode", "u", setting_u32, DirectoryMode),
    G("Result", "s", CHANGE, get_result),
    S("TriggerLimitIntervalUSec", "t", setting_u64, TriggerLimitIntervalSec),
    G("TriggerLimitBurst", "u", CONST, get_trigger_burst),
    {},
};

const struct property mount_properties[] = {
    G("Where", "s", CONST, mount_where),
    S("What", "s", setting_string, MountWhat),
    S("Options", "s", setting_string, MountOptions),
    S("Type", "s", setting_string, MountType),
    S("TimeoutUSec", "t", setting_u64, MountTimeoutSec),
    G("ControlPID", "u", CHANGE, get_control_pid),
    S("DirectoryMode", "u", setting_u32, DirectoryMode),
    S("SloppyOptions", "b", setting_bool, SloppyOptions),
    S("LazyUnmount", "b", setting_bool, LazyUnmount),
    S("ForceUnmount", "b", setting_bool, ForceUnmount),
    S("ReadWriteOnly", "b", setting_bool, ReadWriteOnly),
    G("Result", "s", CHANGE, get_result),
    G("UID", "u", CHANGE, get_uid),
    G("GID", "u", CHANGE, get_gid),
    C("ExecMount", "a(sasbttttuii)", ""),
    C("ExecUnmount", "a(sasbttttuii)", ""),
    C("ExecRemount", "a(sasbttttuii)", ""),
    {},
};

const struct property automount_properties[] = {
    S("Where", "s", setting_string, AutomountWhere),
    S("ExtraOptions", "s", setting_string, ExtraOptions),
    S("DirectoryMode", "u", setting_u32, DirectoryMode),
    G("Result", "s", CHANGE, get_result),
    S("TimeoutIdleUSec", "t", setting_u64, TimeoutIdleSec),
    {},
};

const struct property swap_properties[] = {
    S("What", "s", setting_string, SwapWhat),
    S("Priority", "i", setting_i32, SwapPriority),
    S("Options", "s", setting_string, SwapOptions),
    S("TimeoutUSec", "t", setting_u64, SwapTimeoutSec),
    G("ControlPID", "u", CHANGE, get_control_pid),
    G("Result", "s", CHANGE, get_result),
    G("UID", "u", CHANGE, get_uid),
    G("GID", "u", CHANGE, get_gid),
    C("ExecActivate", "a(sasbttttuii)", ""),
    C("ExecDeactivate", "a(sasbttttuii)", ""),
    {},
};

const struct property scope_properties[] = {
    C("Controller", "s", ""),
    G("TimeoutStopUSec", "t", CONST, scope_timeout_stop),
    G("Result", "s", CHANGE, get_result),
    S("RuntimeMaxUSec", "t", setting_u64, RuntimeMaxSec),
    S("RuntimeRandomizedExtraUSec", "t", setting_u64, RuntimeRandomizedExtraSec),
    S("OOMPolicy", "s", setting_enum, OOMPolicy),
    {},
};

const struct property device_properties[] = {
    C("SysFSPath", "s", ""),
    {},
};
