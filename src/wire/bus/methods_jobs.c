/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that make, find and cancel jobs. */
#include "wire/bus/internal.h"

#include <errno.h>
#include <string.h>

static int call_mode(struct call *call, enum job_mode *ret, struct error *error) {
    const char *s = arg_string(call);
    int mode = job_mode_from_string(s);
    if (mode < 0)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Job mode %s invalid", s);
    *ret = (enum job_mode)mode;
    return 0;
}

/* Makes the job. The reply names it; its JobNew went out while it was made. */
static int make_job(struct call *call, struct unit *u, enum job_type type, bool reload, enum job_mode mode,
                    struct out *reply, struct error *error) {
    struct job *j = NULL;
    char path[64];
    int r = manager_request_job(call->bus->manager, type, u, reload, mode, error, &j);
    if (r < 0)
        return r;
    system_bus_own_job(call, j);
    out_path(reply, j ? job_object_path(j->id, path) : "/");
    return 0;
}

HANDLER(method_make_job) {
    struct unit *u;
    enum job_mode mode;
    int r = call_unit(call, UNIT_LOAD, &u, error);
    if (r >= 0)
        r = call_mode(call, &mode, error);
    if (r < 0)
        return r;
    intptr_t data = call->method->data;
    return make_job(call, u, (enum job_type)(data & 0xff), data & 0x100, mode, reply, error);
}

HANDLER(method_start_with_flags) {
    struct unit *u;
    enum job_mode mode;
    int r = call_unit(call, UNIT_LOAD, &u, error);
    if (r >= 0)
        r = call_mode(call, &mode, error);
    if (r < 0)
        return r;
    if (arg_u64(call) != 0)
        return error_set(error, ERROR_INVALID_ARGUMENT, "Invalid 'flags' parameter.");
    return make_job(call, u, JOB_START, false, mode, reply, error);
}

HANDLER(method_start_replace) {
    const char *name = arg_string(call);
    struct unit *old = manager_get_unit(call->bus->manager, name), *u;
    enum job_mode mode;
    if (!old || !old->job || old->job->type != JOB_START)
        return error_set(error, ERROR_NO_SUCH_JOB, "No job queued for unit %s", name);
    int r = call_unit(call, UNIT_LOAD, &u, error);
    if (r >= 0)
        r = call_mode(call, &mode, error);
    return r < 0 ? r : make_job(call, u, JOB_START, false, mode, reply, error);
}

/* EnqueueUnitJob, Unit.EnqueueJob: the type is a word. */
HANDLER(method_enqueue_job) {
    static const struct {
        const char *name;
        enum job_type type;
        bool reload;
    } types[] = {
        { "start", JOB_START },
        { "verify-active", JOB_VERIFY_ACTIVE },
        { "stop", JOB_STOP },
        { "reload", JOB_RELOAD },
        { "restart", JOB_RESTART },
        { "nop", JOB_NOP },
        { "try-restart", JOB_TRY_RESTART },
        { "try-reload", JOB_TRY_RELOAD },
        { "reload-or-start", JOB_RELOAD_OR_START },
        { "reload-or-restart", JOB_RESTART, true },
        { "reload-or-try-restart", JOB_TRY_RESTART, true },
    };
    struct unit *u;
    enum job_mode mode;
    int r = call_unit(call, UNIT_LOAD, &u, error);
    if (r < 0)
        return r;
    const char *word = arg_string(call);
    size_t t = 0;
    while (t < ELEMENTS(types) && strcmp(types[t].name, word) != 0)
        t++;
    if (t == ELEMENTS(types))
        return error_set(error, ERROR_INVALID_ARGUMENT, "Job type %s invalid", word);
    r = call_mode(call, &mode, error);
    if (r < 0)
        return r;

    /* The affected jobs: those that were not there before. */
    uint32_t last = call->bus->manager->next_job_id;
    struct job *j = NULL;
    r = manager_request_job(call->bus->manager, types[t].type, u, types[t].reload, mode, error, &j);
    if (r < 0)
        return r;
    char path[64], unit_path[OBJECT_PATH_MAX];
    system_bus_own_job(call, j);
    out_u32(reply, j ? j->id : 0);
    out_path(reply, j ? job_object_path(j->id, path) : "/");
    out_string(reply, u->id);
    out_path(reply, unit_object_path(u->id, unit_path));
    out_string(reply, j ? job_type_to_string(j->type) : word);
    out_open(reply, DBUS_TYPE_ARRAY, "(uosos)");
    for (struct job *other = call->bus->manager->jobs; other; other = other->hh.next) {
        if (other == j || other->id <= last)
            continue;
        out_open(reply, DBUS_TYPE_STRUCT, NULL);
        out_u32(reply, other->id);
        out_path(reply, job_object_path(other->id, path));
        out_string(reply, other->unit->id);
        out_path(reply, unit_object_path(other->unit->id, unit_path));
        out_string(reply, job_type_to_string(other->type));
        out_close(reply);
    }
    out_close(reply);
    return 0;
}

/* What package scripts have marked while they replaced its files: restarted or reloaded, if it runs. A unit that cannot
 * be does not keep the others from it, but the caller hears of it. */
HANDLER(method_enqueue_marked) {
    struct manager *m = call->bus->manager;
    struct error other;
    int result = 0;
    char path[64];
    out_open(reply, DBUS_TYPE_ARRAY, "o");
    for (struct unit_name *name = m->names; name; name = name->hh.next) {
        struct unit *u = name->unit;
        struct job *j = NULL;
        if (name->name != u->id || !u->marks)
            continue;
        bool restart = u->marks & MARK_NEEDS_RESTART;
        int r = manager_request_job(m, JOB_TRY_RESTART, u, !restart, JOB_FAIL, result < 0 ? &other : error, &j);
        if (r >= 0)
            out_path(reply, j ? job_object_path(j->id, path) : "/");
        else if (result >= 0)
            result = r;
    }
    out_close(reply);
    return result;
}

static int call_job(struct call *call, struct job **ret, struct error *error) {
    if (call->object->job) {
        *ret = call->object->job;
        return 0;
    }
    uint32_t id = arg_u32(call);
    *ret = manager_get_job(call->bus->manager, id);
    return *ret ? 0 : error_set(error, ERROR_NO_SUCH_JOB, "Job %u does not exist.", id);
}

HANDLER(method_get_job) {
    struct job *j;
    char path[64];
    int r = call_job(call, &j, error);
    if (r >= 0)
        out_path(reply, job_object_path(j->id, path));
    return r;
}

HANDLER(method_cancel_job) {
    struct job *j;
    int r = call_job(call, &j, error);
    if (r >= 0)
        job_cancel(j);
    return r;
}

HANDLER(method_clear_jobs) {
    struct manager *m = call->bus->manager;
    unsigned left = HASH_COUNT(m->jobs);
    /* Cancelling one may end others; the number bounds what units might start meanwhile. */
    while (m->jobs && left-- > 0)
        job_cancel(m->jobs);
    return 0;
}

static void out_job(struct out *reply, const struct job *j) {
    char path[64], unit_path[OBJECT_PATH_MAX];
    out_open(reply, DBUS_TYPE_STRUCT, NULL);
    out_u32(reply, j->id);
    out_string(reply, j->unit->id);
    out_string(reply, job_type_to_string(j->type));
    out_string(reply, job_state_to_string(j->state));
    out_path(reply, job_object_path(j->id, path));
    out_path(reply, unit_object_path(j->unit->id, unit_path));
    out_close(reply);
}

HANDLER(method_list_jobs) {
    out_open(reply, DBUS_TYPE_ARRAY, "(usssoo)");
    for (const struct job *j = call->bus->manager->jobs; j; j = j->hh.next)
        out_job(reply, j);
    out_close(reply);
    return 0;
}

/* Jobs this one waits for ("before"), or that wait for it ("after"): of two ordered units one is stopped
 * before the other is started, otherwise the order is that of the units, reversed when both stop. */
static bool waits_for(const struct job *j, const struct job *other, bool after) {
    bool stops = j->type == JOB_STOP || j->type == JOB_RESTART,
         other_stops = other->type == JOB_STOP || other->type == JOB_RESTART;
    if (other_stops && stops)
        return !after;
    if (other_stops || stops)
        return other_stops;
    return after;
}

HANDLER(method_job_neighbours) {
    struct job *j;
    int r = call_job(call, &j, error);
    if (r < 0)
        return r;
    bool want_before = call->method->data == DEP_BEFORE;
    out_open(reply, DBUS_TYPE_ARRAY, "(usssoo)");
    UNIT_FOREACH_EDGE(e, j->unit, DEP_BIT(DEP_AFTER) | DEP_BIT(DEP_BEFORE)) {
        const struct job *other = e->other->job;
        if (other && waits_for(j, other, e->kinds & DEP_BIT(DEP_AFTER)) == want_before)
            out_job(reply, other);
    }
    out_close(reply);
    return 0;
}

const struct method job_methods[] = {
    { "Cancel", "", "", method_cancel_job },
    { "GetAfter", "", "a(usssoo)", method_job_neighbours, METHOD_ANYBODY, DEP_AFTER },
    { "GetBefore", "", "a(usssoo)", method_job_neighbours, METHOD_ANYBODY, DEP_BEFORE },
    {},
};
