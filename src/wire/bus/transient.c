/* SPDX-License-Identifier: Apache-2.0 */
/* Units made by clients (systemd-run) and settings changed at run time (systemctl set-property). */
#include "wire/bus/transient.h"

#include <errno.h>
#include <string.h>

static int make_unit(struct call *call, const char *name, DBusMessageIter *properties, struct unit **ret,
                     struct error *error) {
    struct manager *m = call->bus->manager;
    enum unit_type type = unit_name_type(name);
    _cleanup_text_ struct text fragment = {};
    if (!unit_name_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
        return error_set(error, ERROR_INVALID_ARGUMENT, "Unit name %s is not valid.", name);
    if (type != UNIT_SERVICE && type != UNIT_SCOPE && type != UNIT_SLICE && type != UNIT_TIMER &&
        type != UNIT_PATH && type != UNIT_SOCKET && type != UNIT_TARGET)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Unit type %s does not support transient units.",
                         unit_type_to_string(type));

    struct writer w = { .manager = m, .caller = call->pid, .error = error };
    int r = unit_file_new(name, &w.check);
    if (r >= 0)
        r = writer_put_properties(&w, properties);
    if (r >= 0 && type == UNIT_SCOPE && w.n_pids == 0)
        r = error_set(error, ERROR_INVALID_ARGUMENT, "Scope has no PIDs. Refusing.");
    if (r >= 0) {
        const char *section = section_to_string(section_of_type(type));
        text_addf(&fragment, "# Made by a client over the bus: gone when the unit is.\n[Unit]\n%s", text_str(&w.unit));
        if (section)
            text_addf(&fragment, "\n[%s]\n%s", section, text_str(&w.own));
        r = fragment.failed ? -ENOMEM : manager_make_transient(m, name, text_str(&fragment), ret, error);
    }
    if (r >= 0 && w.n_pids > 0)
        r = unit_attach_processes(*ret, w.pids, w.n_pids, error);
    if (r >= 0 && w.add_ref)
        r = reference_take(call, *ret, error);
    writer_done(&w);
    return r;
}

HANDLER(method_start_transient) {
    const char *name = arg_string(call), *mode_word = arg_string(call);
    int mode = job_mode_from_string(mode_word);
    if (mode < 0)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Job mode %s invalid", mode_word);
    struct unit *u;
    int r = make_unit(call, name, &call->args, &u, error);
    if (r < 0)
        return r;
    /* Auxiliary units: the service a transient timer starts. */
    DBusMessageIter aux;
    dbus_message_iter_next(&call->args);
    for (dbus_message_iter_recurse(&call->args, &aux);
         r >= 0 && dbus_message_iter_get_arg_type(&aux) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&aux)) {
        DBusMessageIter pair;
        struct unit *other;
        dbus_message_iter_recurse(&aux, &pair);
        const char *aux_name = iter_string(&pair);
        r = make_unit(call, aux_name, &pair, &other, error);
    }
    if (r < 0)
        return r;
    struct job *j = NULL;
    char path[64];
    u = manager_get_unit(call->bus->manager, name);
    if (!u)
        return error_set(error, ERROR_FAILED, "Unit %s is gone.", name);
    r = manager_request_job(call->bus->manager, JOB_START, u, false, (enum job_mode)mode, error, &j);
    if (r < 0)
        return r;
    system_bus_own_job(call, j);
    out_path(reply, j ? job_object_path(j->id, path) : "/");
    return 0;
}

HANDLER(method_set_properties) {
    struct unit *u;
    int r = call_unit(call, UNIT_LOAD, &u, error);
    if (r < 0)
        return r;
    bool runtime = arg_bool(call);
    struct manager *m = call->bus->manager;
    struct writer w = { .manager = m, .caller = call->pid, .error = error };
    const char *section = section_to_string(section_of_type(u->ops->type));
    r = unit_file_new(u->id, &w.check);
    if (r >= 0)
        r = writer_put_properties(&w, &call->args);
    if (r >= 0 && w.unit.len > 0)
        r = manager_set_property_text(m, u, "Unit", text_str(&w.unit), runtime, error);
    if (r >= 0 && w.own.len > 0 && section)
        r = manager_set_property_text(m, u, section, text_str(&w.own), runtime, error);
    if (r >= 0)
        u->marks = (uint8_t)((u->marks & ~w.marks_cleared) | w.marks_set);
    writer_done(&w);
    return r;
}
