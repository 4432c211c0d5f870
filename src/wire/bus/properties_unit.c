/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit shows: org.freedesktop.systemd1(5) "Unit Objects". */
#include "wire/bus/marshal.h"
#include "wire/bus/transient.h"

#include "engine/clean.h"
#include "unit/install.h"

#include <errno.h>
#include <string.h>

static GETTER(get_dependency) {
    out_open(out, DBUS_TYPE_ARRAY, "s");
    UNIT_FOREACH_EDGE(e, object->unit, DEP_BIT(p->data))
        out_string(out, e->other->id);
    out_close(out);
}

static GETTER(get_time) {
    out_time(out, p, *(const struct dual_time *)((const char *)object->unit + p->data));
}

static GETTER(get_id) {
    out_string(out, object->unit->id);
}

static GETTER(get_names) {
    out_open(out, DBUS_TYPE_ARRAY, "s");
    for (const struct unit_name *n = object->unit->names; n; n = n->next)
        out_string(out, n->name);
    out_close(out);
}

static GETTER(get_description) {
    out_string(out, unit_description(object->unit));
}

static GETTER(get_load_state) {
    out_string(out, load_state_to_string(unit_load_state(object->unit)));
}

static GETTER(get_active_state) {
    out_string(out, active_state_to_string(unit_active_state(object->unit)));
}

static GETTER(get_sub_state) {
    out_string(out, unit_sub_state(object->unit));
}

static GETTER(get_fragment_path) {
    out_string(out, object->unit->file->fragment_path);
}

static GETTER(get_source_path) {
    out_string(out, object->unit->file->source_path);
}

static GETTER(get_drop_in_paths) {
    out_strv(out, object->unit->file->dropin_paths);
}

static GETTER(get_file_state) {
    enum unit_file_state state;
    struct manager *m = object->manager;
    bool known = object->unit->file->fragment_path && install_state(&m->search, object->unit->id, &state) >= 0;
    out_string(out, known ? unit_file_state_to_string(state) : "");
}

static GETTER(get_file_preset) {
    enum preset_action action;
    struct manager *m = object->manager;
    bool known = object->unit->file->fragment_path &&
                 install_query_preset(&m->search, object->unit->id, &action) >= 0;
    out_string(out, known ? preset_action_to_string(action) : "");
}

static GETTER(get_can_start) {
    const struct unit *u = object->unit;
    bool spent = u->ops->type == UNIT_SCOPE && u->inactive_exit.realtime > 0; /* a scope is started once */
    out_bool(out, !spent && unit_can_start(object->unit) && !unit_bool(u->file, D_RefuseManualStart));
}

static GETTER(get_can_stop) {
    enum unit_type type = object->unit->ops->type;
    bool supported = type != UNIT_SWAP && type != UNIT_AUTOMOUNT; /* not in a container */
    out_bool(out, supported && unit_can_stop(object->unit) && !unit_bool(object->unit->file, D_RefuseManualStop));
}

static GETTER(get_can_reload) {
    out_bool(out, object->unit->ops->type == UNIT_MOUNT || unit_can_reload(object->unit));
}

static GETTER(get_can_isolate) {
    out_bool(out, unit_can_isolate(object->unit) && !unit_bool(object->unit->file, D_RefuseManualStart));
}

static GETTER(get_job) {
    char path[64];
    const struct job *j = object->unit->job;
    out_open(out, DBUS_TYPE_STRUCT, NULL);
    out_u32(out, j ? j->id : 0);
    out_path(out, j ? job_object_path(j->id, path) : "/");
    out_close(out);
}

static GETTER(get_can_clean) {
    unsigned can = unit_can_clean(object->unit);
    out_open(out, DBUS_TYPE_ARRAY, "s");
    for (unsigned i = 0; i < CLEAN_KINDS; i++)
        if (can & 1u << i)
            out_string(out, clean_kind_to_string(i));
    out_close(out);
}

static GETTER(get_markers) {
    out_open(out, DBUS_TYPE_ARRAY, "s");
    for (size_t i = 0; i < ELEMENTS(unit_mark_names); i++)
        if (object->unit->marks & 1u << i)
            out_string(out, unit_mark_names[i]);
    out_close(out);
}

static GETTER(get_need_daemon_reload) {
    out_bool(out, unit_need_daemon_reload(object->unit));
}

static GETTER(get_condition_result) {
    out_bool(out, object->unit->condition_result);
}

static GETTER(get_assert_result) {
    out_bool(out, object->unit->assert_result);
}

static GETTER(get_load_error) {
    struct error error = {};
    bus_load_error(object->unit, &error);
    out_open(out, DBUS_TYPE_STRUCT, NULL);
    out_string(out, error.kind == ERROR_NONE ? "" : bus_error_name(error.kind));
    out_string(out, error.message);
    out_close(out);
}

static GETTER(get_transient) {
    out_bool(out, object->unit->file->transient);
}

static GETTER(get_perpetual) {
    out_bool(out, object->unit->perpetual || object->unit->file->perpetual);
}

static GETTER(get_start_limit_interval) {
    const struct unit_file *f = object->unit->file;
    out_u64(out, unit_setting_written(f, D_StartLimitIntervalSec) ? unit_usec(f, D_StartLimitIntervalSec)
                                                                  : object->manager->default_start_limit_interval);
}

static GETTER(get_start_limit_burst) {
    const struct unit_file *f = object->unit->file;
    out_u32(out, unit_setting_written(f, D_StartLimitBurst) ? (uint32_t)unit_size(f, D_StartLimitBurst)
                                                            : object->manager->default_start_limit_burst);
}

static GETTER(get_invocation_id) {
    struct id128 id = object->unit->invocation;
    out_bytes(out, id.bytes, id128_is_null(id) ? 0 : sizeof id.bytes);
}

static GETTER(get_refs) {
    out_open(out, DBUS_TYPE_ARRAY, "s");
    for (const struct reference *r = bus_instance ? bus_instance->references : NULL; r; r = r->next)
        if (strcmp(r->unit, object->unit->id) == 0)
            out_string(out, r->sender);
    out_close(out);
}

#define DEPENDENCY(name_, kind) { name_, "as", EMITS_CONST, get_dependency, NULL, DEP_##kind }
#define TIME(name_, emits_, member) \
    { name_, "t", EMITS_##emits_, get_time, NULL, offsetof(struct unit, member) }

const struct property unit_properties[] = {
    G("Id", "s", CONST, get_id),
    G("Names", "as", CONST, get_names),
    C("Following", "s", ""),
    DEPENDENCY("Requires", REQUIRES),
    DEPENDENCY("Requisite", REQUISITE),
    DEPENDENCY("Wants", WANTS),
    DEPENDENCY("BindsTo", BINDS_TO),
    DEPENDENCY("PartOf", PART_OF),
    DEPENDENCY("Upholds", UPHOLDS),
    DEPENDENCY("RequiredBy", REQUIRED_BY),
    DEPENDENCY("RequisiteOf", REQUISITE_OF),
    DEPENDENCY("WantedBy", WANTED_BY),
    DEPENDENCY("BoundBy", BOUND_BY),
    DEPENDENCY("UpheldBy", UPHELD_BY),
    DEPENDENCY("ConsistsOf", CONSISTS_OF),
    DEPENDENCY("Conflicts", CONFLICTS),
    DEPENDENCY("ConflictedBy", CONFLICTED_BY),
    DEPENDENCY("Before", BEFORE),
    DEPENDENCY("After", AFTER),
    DEPENDENCY("OnSuccess", ON_SUCCESS),
    DEPENDENCY("OnSuccessOf", ON_SUCCESS_OF),
    DEPENDENCY("OnFailure", ON_FAILURE),
    DEPENDENCY("OnFailureOf", ON_FAILURE_OF),
    DEPENDENCY("Triggers", TRIGGERS),
    DEPENDENCY("TriggeredBy", TRIGGERED_BY),
    DEPENDENCY("PropagatesReloadTo", PROPAGATES_RELOAD_TO),
    DEPENDENCY("ReloadPropagatedFrom", RELOAD_PROPAGATED_FROM),
    DEPENDENCY("PropagatesStopTo", PROPAGATES_STOP_TO),
    DEPENDENCY("StopPropagatedFrom", STOP_PROPAGATED_FROM),
    DEPENDENCY("JoinsNamespaceOf", JOINS_NAMESPACE_OF),
    DEPENDENCY("SliceOf", SLICE_OF),
    G("RequiresMountsFor", "as", CONST, mount_paths),
    S("WantsMountsFor", "as", setting_strv, WantsMountsFor),
    S("Documentation", "as", setting_strv, Documentation),
    G("Description", "s", CONST, get_description),
    C("AccessSELinuxContext", "s", ""),
    G("LoadState", "s", CONST, get_load_state),
    G("ActiveState", "s", CHANGE, get_active_state),
    C("FreezerState", "s", "running"),
    G("SubState", "s", CHANGE, get_sub_state),
    G("FragmentPath", "s", CONST, get_fragment_path),
    G("SourcePath", "s", CONST, get_source_path),
    G("DropInPaths", "as", CONST, get_drop_in_paths),
    G("UnitFileState", "s", FALSE, get_file_state),
    G("UnitFilePreset", "s", FALSE, get_file_preset),
    TIME("StateChangeTimestamp", CHANGE, state_change),
    TIME("StateChangeTimestampMonotonic", CHANGE, state_change),
    TIME("InactiveExitTimestamp", CHANGE, inactive_exit),
    TIME("InactiveExitTimestampMonotonic", CHANGE, inactive_exit),
    TIME("ActiveEnterTimestamp", CHANGE, active_enter),
    TIME("ActiveEnterTimestampMonotonic", CHANGE, active_enter),
    TIME("ActiveExitTimestamp", CHANGE, active_exit),
    TIME("ActiveExitTimestampMonotonic", CHANGE, active_exit),
    TIME("InactiveEnterTimestamp", CHANGE, inactive_enter),
    TIME("InactiveEnterTimestampMonotonic", CHANGE, inactive_enter),
    G("CanStart", "b", CONST, get_can_start),
    G("CanStop", "b", CONST, get_can_stop),
    G("CanReload", "b", CONST, get_can_reload),
    G("CanIsolate", "b", CONST, get_can_isolate),
    G("CanClean", "as", CONST, get_can_clean),
    C("CanFreeze", "b", "no"),
    C("CanLiveMount", "b", "no"),
    G("Job", "(uo)", CHANGE, get_job),
    S("StopWhenUnneeded", "b", setting_bool, StopWhenUnneeded),
    S("RefuseManualStart", "b", setting_bool, RefuseManualStart),
    S("RefuseManualStop", "b", setting_bool, RefuseManualStop),
    S("AllowIsolate", "b", setting_bool, AllowIsolate),
    S("DefaultDependencies", "b", setting_bool, DefaultDependencies),
    S("SurviveFinalKillSignal", "b", setting_bool, SurviveFinalKillSignal),
    S("OnSuccessJobMode", "s", setting_enum, OnSuccessJobMode),
    S("OnFailureJobMode", "s", setting_enum, OnFailureJobMode),
    S("IgnoreOnIsolate", "b", setting_bool, IgnoreOnIsolate),
    G("NeedDaemonReload", "b", FALSE, get_need_daemon_reload),
    G("Markers", "as", FALSE, get_markers),
    S("JobTimeoutUSec", "t", setting_u64, JobTimeoutSec),
    S("JobRunningTimeoutUSec", "t", setting_u64, JobRunningTimeoutSec),
    S("JobTimeoutAction", "s", setting_enum, JobTimeoutAction),
    S("JobTimeoutRebootArgument", "s", setting_string, JobTimeoutRebootArgument),
    G("ConditionResult", "b", CHANGE, get_condition_result),
    G("AssertResult", "b", CHANGE, get_assert_result),
    TIME("ConditionTimestamp", CHANGE, condition_time),
    TIME("ConditionTimestampMonotonic", CHANGE, condition_time),
    TIME("AssertTimestamp", CHANGE, assert_time),
    TIME("AssertTimestampMonotonic", CHANGE, assert_time),
    { "Conditions", "a(sbbsi)", EMITS_INVALIDATION, setting_conditions, NULL, D_Conditions },
    { "Asserts", "a(sbbsi)", EMITS_INVALIDATION, setting_conditions, NULL, D_Asserts },
    G("LoadError", "(ss)", CONST, get_load_error),
    G("Transient", "b", CONST, get_transient),
    G("Perpetual", "b", CONST, get_perpetual),
    G("StartLimitIntervalUSec", "t", CONST, get_start_limit_interval),
    G("StartLimitBurst", "u", CONST, get_start_limit_burst),
    S("StartLimitAction", "s", setting_enum, StartLimitAction),
    S("FailureAction", "s", setting_enum, FailureAction),
    S("FailureActionExitStatus", "i", setting_i32, FailureActionExitStatus),
    S("SuccessAction", "s", setting_enum, SuccessAction),
    S("SuccessActionExitStatus", "i", setting_i32, SuccessActionExitStatus),
    S("RebootArgument", "s", setting_string, RebootArgument),
    G("InvocationID", "ay", CHANGE, get_invocation_id),
    S("CollectMode", "s", setting_enum, CollectMode),
    G("Refs", "as", FALSE, get_refs),
    G("ActivationDetails", "a(ss)", CONST, get_activation),
    C("DebugInvocation", "b", "no"),
    {},
};
