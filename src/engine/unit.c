/* SPDX-License-Identifier: Apache-2.0 */
/* Units as objects: making, naming, asking. What happens to them is in unit_life.c, what they need in unit_load.c. */
#include "engine/gc.h"
#include "engine/manager_private.h"
#include "engine/types.h"
#include "engine/unit_private.h"

#include <errno.h>
#include <string.h>

#define TOLD_MAX 1024 /* complaints about lines that are remembered */

static const struct unit_ops *const unit_types[UNIT_TYPES] = {
    [UNIT_SERVICE] = &service_ops, [UNIT_SOCKET] = &socket_ops,       [UNIT_TARGET] = &target_ops,
    [UNIT_SLICE] = &slice_ops,     [UNIT_SCOPE] = &scope_ops,         [UNIT_TIMER] = &timer_ops,
    [UNIT_PATH] = &path_ops,       [UNIT_MOUNT] = &mount_ops,         [UNIT_AUTOMOUNT] = &automount_ops,
    [UNIT_SWAP] = &swap_ops,       [UNIT_DEVICE] = &device_ops,
};

static struct unit_name *find_name(struct manager *m, const char *name) {
    struct unit_name *found;
    HASH_FIND_STR(m->names, name, found);
    return found;
}

struct unit *manager_get_unit(struct manager *m, const char *name) {
    struct unit_name *found = find_name(m, name);
    return found ? found->unit : NULL;
}

/* Gives the unit one more name; a name that another unit has already is left with that unit. */
static int unit_add_name(struct unit *u, const char *name) {
    struct manager *m = u->manager;
    if (find_name(m, name))
        return 0;
    struct unit_name *n = calloc(1, sizeof(*n) + strlen(name) + 1);
    if (!n)
        return -ENOMEM;
    strcpy(n->name, name);
    n->unit = u;
    struct unit_name **end = &u->names;
    while (*end)
        end = &(*end)->next;
    *end = n;
    HASH_ADD_KEYPTR(hh, m->names, n->name, strlen(n->name), n);
    if (!hash_holds(&n->hh)) {
        *end = NULL;
        free(n);
        return -ENOMEM;
    }
    return 0;
}

int unit_new(struct manager *m, struct unit_file *file, struct unit **ret) {
    const struct unit_ops *ops = unit_types[file->type];
    struct unit *u = calloc(1, ops->size);
    if (!u)
        return -ENOMEM;
    u->manager = m;
    u->ops = ops;
    u->serial = ++m->next_serial;
    int r = unit_add_name(u, file->name);
    if (r < 0 || !u->names) {
        free(u);
        return r < 0 ? r : -EEXIST;
    }
    STRV_FOREACH(alias, file->aliases)
        if (unit_add_name(u, *alias) < 0)
            log_full(LOG_WARNING, file->name, NULL, "No memory to remember the alias %s.", *alias);
    u->id = u->names->name;
    u->file = file;
    m->n_units++;
    if (ops->init)
        ops->init(u);
    *ret = u;
    return 0;
}

void unit_free(struct unit *u) {
    struct manager *m = u->manager;
    if (u->told_new && !m->p->reloading)
        OBSERVE(m, unit_removed, u);
    unit_remove_transient(u);
    if (u->job)
        job_free(u->job);
    if (u->nop_job)
        job_free(u->nop_job);
    if (u->ops->done)
        u->ops->done(u);
    unit_unwatch_all(u);
    spawn_forget_unit(u);
    unit_close_log(u);
    unit_set_lineage(u, 0);
    unit_drop_edges(u);
    queue_forget(u);
    if (unit_active_state(u) == ACTIVE_FAILED && m->n_failed > 0)
        m->n_failed--;
    while (u->names) {
        struct unit_name *n = u->names;
        u->names = n->next;
        HASH_DEL(m->names, n);
        free(n);
    }
    m->n_units--;
    unit_file_free(u->file);
    strv_free(u->activation);
    free(u);
}

/* Has this line been complained about since the files were last read? Units that nobody needs come and go, and each
 * time their files are read; the complaint is made once. */
static bool told_before(struct manager *m, const char *file, unsigned line, const char *message) {
    uint64_t hash = 14695981039346656037u ^ line; /* FNV-1a */
    for (const char *p = file; p && *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    for (const char *p = message; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    for (size_t i = 0; i < m->p->n_told; i++)
        if (m->p->told[i] == hash)
            return true;
    if (m->p->n_told == TOLD_MAX)
        return false;
    uint64_t *told = realloc(m->p->told, (m->p->n_told + 1) * sizeof(*told));
    if (told) {
        m->p->told = told;
        told[m->p->n_told++] = hash;
    }
    return false;
}

void manager_forget_complaints(struct manager *m) {
    free(TAKE(m->p->told));
    m->p->n_told = 0;
}

static void report_line(void *userdata, const char *unit, const char *file, unsigned line, const char *message) {
    if (told_before(userdata, file, line, message))
        return;
    if (file && line)
        log_full(LOG_WARNING, unit, NULL, "%s:%u: %s", file, line, message);
    else if (file)
        log_full(LOG_WARNING, unit, NULL, "%s: %s", file, message);
    else
        log_full(LOG_WARNING, unit, NULL, "%s: %s", unit, message);
}

int unit_read_again(struct unit *u) {
    struct manager *m = u->manager;
    struct unit_file *file;
    int r = unit_file_load(&m->search, &m->dirs, u->id, report_line, m, &file);
    if (r < 0)
        return r;
    unit_file_free(u->file);
    u->file = file;
    queue_add(u, QUEUE_LOAD);
    unit_changed(u);
    queue_dispatch_load(m);
    return 0;
}

int manager_load_unit(struct manager *m, const char *name, struct unit **ret, struct error *error) {
    struct unit *u = manager_get_unit(m, name);
    if (u) {
        *ret = u;
        return 0;
    }
    if (!unit_name_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE)) {
        if (unit_name_valid(name, UNIT_NAME_TEMPLATE))
            return error_set(error, ERROR_INVALID_ARGUMENT,
                             "Unit name %s is missing the instance name.", name);
        return error_set(error, ERROR_INVALID_ARGUMENT, "Unit name %s is not valid.", name);
    }
    struct unit_file *file;
    int r = unit_file_load(&m->search, &m->dirs, name, report_line, m, &file);
    if (r < 0)
        return error_set(error, r == -ENOMEM ? ERROR_NO_MEMORY : ERROR_INVALID_ARGUMENT, "Cannot load unit %s: %s",
                         name, strerror(-r));
    /* `name` may be an alias of a unit that is here already: then the files have just told us its other name. */
    u = manager_get_unit(m, file->name);
    if (u) {
        unit_file_free(file);
        r = unit_add_name(u, name);
        if (r < 0)
            return error_set(error, ERROR_NO_MEMORY, "No memory to load unit %s.", name);
        *ret = u;
        return 0;
    }
    r = unit_new(m, file, &u);
    if (r < 0) {
        unit_file_free(file);
        return error_set(error, ERROR_NO_MEMORY, "No memory to load unit %s.", name);
    }
    (void)unit_add_name(u, name);
    queue_add(u, QUEUE_LOAD);
    gc_consider(u);
    unit_changed(u);
    queue_dispatch_load(m);
    *ret = u;
    return 0;
}

enum active_state unit_active_state(const struct unit *u) {
    return u->ops->active_state(u);
}

const char *unit_sub_state(const struct unit *u) {
    return u->ops->sub_state(u);
}

enum load_state unit_load_state(const struct unit *u) {
    return u->file->state;
}

const char *unit_description(const struct unit *u) {
    const char *d = unit_string(u->file, D_Description);
    return d && *d ? d : u->id;
}

bool unit_can_start(struct unit *u) {
    return u->file->state == LOAD_LOADED && u->ops->can_start;
}

bool unit_can_stop(struct unit *u) {
    return u->ops->stop && !u->perpetual;
}

bool unit_can_reload(struct unit *u) {
    if (u->ops->can_reload)
        return u->ops->can_reload(u);
    if (u->ops->reload)
        return true;
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_PROPAGATES_RELOAD_TO))
        return true;
    return false;
}

bool unit_can_isolate(struct unit *u) {
    return unit_can_start(u) && unit_bool(u->file, D_AllowIsolate);
}

bool unit_need_daemon_reload(struct unit *u) {
    return !u->perpetual && unit_file_changed(&u->manager->search, u->file);
}

pid_t unit_main_pid(const struct unit *u) {
    return u->ops->main_pid ? u->ops->main_pid(u) : 0;
}

pid_t unit_control_pid(const struct unit *u) {
    return u->ops->control_pid ? u->ops->control_pid(u) : 0;
}

const char *unit_slice_name(const struct unit *u) {
    UNIT_FOREACH_EDGE(e, u, DEP_BIT(DEP_IN_SLICE))
        return e->other->id;
    return "";
}

/* systemd.slice(5): a-b.slice lies in a.slice; the root slice is "/". */
static int slice_path(const char *slice, struct text *out) {
    if (strcmp(slice, "-.slice") == 0)
        return 0;
    for (const char *dash = strchr(slice, '-'); dash; dash = strchr(dash + 1, '-')) {
        text_add_char(out, '/');
        text_add_n(out, slice, (size_t)(dash - slice));
        text_add(out, ".slice");
    }
    text_add_char(out, '/');
    text_add(out, slice);
    return 0;
}

char *unit_control_group(const struct unit *u) {
    _cleanup_text_ struct text t = {};
    if (u->ops->type == UNIT_SLICE) {
        slice_path(u->id, &t);
        return text_take(&t);
    }
    const char *slice = unit_slice_name(u);
    if (*slice)
        slice_path(slice, &t);
    text_add_char(&t, '/');
    text_add(&t, u->id);
    return text_take(&t);
}
