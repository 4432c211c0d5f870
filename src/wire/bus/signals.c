/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's observer hears, as signals; and which clients hold units back from being forgotten. */
#include "wire/bus/internal.h"

#include "engine/gc.h"

#include <errno.h>
#include <string.h>

/* --- the manager's signals ------------------------------------------------------------------------------ */
static bool manager_signal(struct bus *bus, struct signal *s, const char *name, const char *signature, bool concerned) {
    return signal_begin(bus, s, BUS_PATH, BUS_NAME ".Manager", name, signature, concerned);
}

static void unit_signal(struct bus *bus, const char *name, const struct unit *u) {
    struct signal s;
    char path[OBJECT_PATH_MAX];
    if (!manager_signal(bus, &s, name, "so", false))
        return;
    out_string(&s.out, u->id);
    out_path(&s.out, unit_object_path(u->id, path));
    signal_send(&s);
}

/* --- PropertiesChanged ---------------------------------------------------------------------------------- */
static bool any_emits(const struct interface *i) {
    for (const struct property *const *table = i->properties; table && *table; table++)
        for (const struct property *p = *table; p->name; p++)
            if (p->emits == EMITS_CHANGE || p->emits == EMITS_INVALIDATION)
                return true;
    return false;
}

static void properties_changed(struct bus *bus, const struct object *object, const char *path, bool concerned) {
    for (const struct interface *const *i = object->interfaces; *i; i++) {
        if (!any_emits(*i))
            continue;
        struct signal s;
        if (!signal_begin(bus, &s, path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged", "sa{sv}as", concerned))
            return;
        out_string(&s.out, (*i)->name);
        out_open(&s.out, DBUS_TYPE_ARRAY, "{sv}");
        for (const struct property *const *table = (*i)->properties; *table; table++)
            for (const struct property *p = *table; p->name; p++) {
                if (p->emits != EMITS_CHANGE)
                    continue;
                out_open(&s.out, DBUS_TYPE_DICT_ENTRY, NULL);
                out_string(&s.out, p->name);
                out_open(&s.out, DBUS_TYPE_VARIANT, p->signature);
                p->get(object, p, &s.out);
                out_close(&s.out);
                out_close(&s.out);
            }
        out_close(&s.out);
        out_open(&s.out, DBUS_TYPE_ARRAY, "s");
        for (const struct property *const *table = (*i)->properties; *table; table++)
            for (const struct property *p = *table; p->name; p++)
                if (p->emits == EMITS_INVALIDATION)
                    out_string(&s.out, p->name);
        out_close(&s.out);
        signal_send(&s);
    }
}

static bool referenced(const struct bus *bus, const struct unit *u) {
    for (const struct reference *r = bus->references; r; r = r->next)
        if (r->sender && strcmp(r->unit, u->id) == 0)
            return true;
    return false;
}

static void unit_properties_changed(struct bus *bus, struct unit *u) {
    char path[OBJECT_PATH_MAX];
    struct object object;
    object_of_unit(u, &object);
    properties_changed(bus, &object, unit_object_path(u->id, path), referenced(bus, u));
}

/* --- the observer --------------------------------------------------------------------------------------- */
static void on_unit_new(void *userdata, struct unit *u) {
    unit_signal(userdata, "UnitNew", u);
}

static void on_unit_removed(void *userdata, struct unit *u) {
    if (bus_is_crowded(userdata))
        return;
    unit_signal(userdata, "UnitRemoved", u);
}

static bool is_busy(void *userdata) {
    return bus_is_crowded(userdata);
}

static void on_unit_changed(void *userdata, struct unit *u) {
    unit_properties_changed(userdata, u);
    system_bus_unit_changed(userdata, u);
}

static void on_job_new(void *userdata, struct job *j) {
    struct signal s;
    char path[64];
    if (bus_is_crowded(userdata) || !manager_signal(userdata, &s, "JobNew", "uos", false))
        return;
    out_u32(&s.out, j->id);
    out_path(&s.out, job_object_path(j->id, path));
    out_string(&s.out, j->unit->id);
    signal_send(&s);
}

static void on_job_changed(void *userdata, struct job *j) {
    struct object object;
    char path[64];
    if (bus_is_crowded(userdata))
        return;
    object_of_job(j, &object);
    properties_changed(userdata, &object, job_object_path(j->id, path), system_bus_owns_job(userdata, j));
}

static void on_job_removed(void *userdata, struct job *j, enum job_result result) {
    struct signal s;
    char path[64];
    bool owned = system_bus_owns_job(userdata, j);
    system_bus_job_removed(userdata, j, result);
    if (!manager_signal(userdata, &s, "JobRemoved", "uoss", owned))
        return;
    out_u32(&s.out, j->id);
    out_path(&s.out, job_object_path(j->id, path));
    out_string(&s.out, j->unit->id);
    out_string(&s.out, job_result_to_string(result));
    signal_send(&s);
}

static void on_reloading(void *userdata, bool active) {
    struct bus *bus = userdata;
    struct unit *u;
    struct signal s;
    if (!active) { /* the units are new ones */
        for (const struct reference *r = bus->references; r; r = r->next)
            if ((u = manager_get_unit(bus->manager, r->unit)))
                u->references = 0;
        for (const struct reference *r = bus->references; r; r = r->next)
            if ((u = manager_get_unit(bus->manager, r->unit)))
                u->references += r->count;
    }
    if (!manager_signal(bus, &s, "Reloading", "b", false))
        return;
    out_bool(&s.out, active);
    signal_send(&s);
}

void bus_tell_unit_files_changed(struct bus *bus) {
    struct signal s;
    if (manager_signal(bus, &s, "UnitFilesChanged", "", false))
        signal_send(&s);
}

static void on_unit_files_changed(void *userdata) {
    bus_tell_unit_files_changed(userdata);
}

static void on_startup_finished(void *userdata) {
    struct bus *bus = userdata;
    struct signal s;
    if (!manager_signal(bus, &s, "StartupFinished", "tttttt", false))
        return;
    usec_t took = usec_sub(bus->manager->finish_time.monotonic, bus->manager->userspace_time.monotonic);
    for (int i = 0; i < 4; i++) /* firmware, loader, kernel, initrd: not the container's */
        out_u64(&s.out, 0);
    out_u64(&s.out, took);
    out_u64(&s.out, took);
    signal_send(&s);
}

static void on_manager_changed(void *userdata) {
    struct bus *bus = userdata;
    struct object object = { .kind = OBJECT_MANAGER,
                             .manager = bus->manager,
                             .interfaces = { &manager_interface } };
    properties_changed(bus, &object, BUS_PATH, false);
}

int bus_signals_start(struct bus *bus) {
    bus->observer = (struct observer){
        .unit_new = on_unit_new,
        .unit_removed = on_unit_removed,
        .unit_changed = on_unit_changed,
        .job_new = on_job_new,
        .job_changed = on_job_changed,
        .job_removed = on_job_removed,
        .reloading = on_reloading,
        .unit_files_changed = on_unit_files_changed,
        .startup_finished = on_startup_finished,
        .manager_changed = on_manager_changed,
        .busy = is_busy,
        .userdata = bus,
    };
    manager_add_observer(bus->manager, &bus->observer);
    return 0;
}

void bus_signals_stop(struct bus *bus) {
    manager_remove_observer(bus->manager, &bus->observer);
}

/* --- references ----------------------------------------------------------------------------------------- */
static void let_go(struct bus *bus, const char *unit, unsigned count) {
    struct unit *u = manager_get_unit(bus->manager, unit);
    if (!u)
        return;
    u->references -= MIN(u->references, count);
    if (u->references == 0)
        gc_consider(u);
}

static void reference_free(struct reference *r) {
    free(r->unit);
    free(r->sender);
    free(r);
}

static struct reference **reference_find(struct call *call, const struct unit *u) {
    const char *sender = call->connection->direct ? NULL : dbus_message_get_sender(call->message);
    for (struct reference **r = &call->bus->references; *r; r = &(*r)->next)
        if ((*r)->connection == call->connection && strcmp((*r)->unit, u->id) == 0 &&
            (sender ? (*r)->sender && strcmp((*r)->sender, sender) == 0 : !(*r)->sender))
            return r;
    return NULL;
}

int reference_take(struct call *call, struct unit *u, struct error *error) {
    const char *sender = call->connection->direct ? NULL : dbus_message_get_sender(call->message);
    struct reference **found = reference_find(call, u);
    if (found) {
        (*found)->count++;
        u->references++;
        return 0;
    }
    struct reference *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    *r = (struct reference){ .unit = strdup(u->id),
                             .sender = sender ? strdup(sender) : NULL,
                             .connection = call->connection,
                             .count = 1,
                             .next = call->bus->references };
    if (!r->unit || (sender && !r->sender)) {
        reference_free(r);
        return -ENOMEM;
    }
    call->bus->references = r;
    u->references++;
    return 0;
}

int reference_release(struct call *call, struct unit *u, struct error *error) {
    struct reference **found = reference_find(call, u);
    if (!found)
        return call_refuse(call, BUS_NAME ".NotReferenced", "Unit has not been referenced yet.");
    struct reference *r = *found;
    if (--r->count == 0) {
        *found = r->next;
        reference_free(r);
    }
    let_go(call->bus, u->id, 1);
    return 0;
}

void references_drop(struct bus *bus, struct connection *c, const char *sender) {
    for (struct reference **p = &bus->references; *p;) {
        struct reference *r = *p;
        if (r->connection != c || (sender && (!r->sender || strcmp(r->sender, sender) != 0))) {
            p = &r->next;
            continue;
        }
        *p = r->next;
        let_go(bus, r->unit, r->count);
        reference_free(r);
    }
}
