/* SPDX-License-Identifier: Apache-2.0 */
/* Which methods, properties and signals make up each interface. */
#include "wire/bus/internal.h"

#define TABLES(...) ((const struct property *const[]){ __VA_ARGS__, NULL })
#define EXEC_TABLES cgroup_properties, exec_properties, kill_properties

static const struct signal_row manager_signals[] = {
    { "UnitNew", "so" },        { "UnitRemoved", "so" },         { "JobNew", "uos" }, { "JobRemoved", "uoss" },
    { "StartupFinished", "tttttt" }, { "UnitFilesChanged", "" }, { "Reloading", "b" }, {},
};
static const struct signal_row scope_signals[] = { { "RequestStop", "" }, {} };

const struct interface manager_interface = {
    BUS_NAME ".Manager", manager_methods, TABLES(manager_properties), manager_signals,
};
const struct interface unit_interface = { BUS_NAME ".Unit", unit_methods, TABLES(unit_properties), NULL };
const struct interface job_interface = { BUS_NAME ".Job", job_methods, TABLES(job_properties), NULL };
const struct interface log_control_interface = {
    "org.freedesktop.LogControl1", NULL, TABLES(log_control_properties), NULL,
};

static const struct property no_properties[] = { {} };

#define TYPE(name, methods, ...) (&(const struct interface){ BUS_NAME "." name, methods, TABLES(__VA_ARGS__), NULL })
const struct interface *const type_interfaces[UNIT_TYPES] = {
    [UNIT_SERVICE] = TYPE("Service", service_methods, service_properties, EXEC_TABLES),
    [UNIT_SOCKET] = TYPE("Socket", process_methods, socket_properties, EXEC_TABLES),
    [UNIT_TARGET] = TYPE("Target", NULL, no_properties),
    [UNIT_SLICE] = TYPE("Slice", process_methods, slice_properties, cgroup_properties),
    [UNIT_SCOPE] = &(const struct interface){
        BUS_NAME ".Scope", scope_methods, TABLES(scope_properties, cgroup_properties, kill_properties),
        scope_signals },
    [UNIT_TIMER] = TYPE("Timer", NULL, timer_properties),
    [UNIT_PATH] = TYPE("Path", NULL, path_properties),
    [UNIT_MOUNT] = TYPE("Mount", process_methods, mount_properties, EXEC_TABLES),
    [UNIT_AUTOMOUNT] = TYPE("Automount", NULL, automount_properties),
    [UNIT_SWAP] = TYPE("Swap", process_methods, swap_properties, EXEC_TABLES),
    [UNIT_DEVICE] = TYPE("Device", NULL, device_properties),
};
