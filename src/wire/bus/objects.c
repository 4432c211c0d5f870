/* SPDX-License-Identifier: Apache-2.0 */
/* Object paths: what each stands for, and which interfaces are there. */
#include "wire/bus/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *unit_object_path(const char *id, char buffer[static OBJECT_PATH_MAX]) {
    static const char hex[] = "0123456789abcdef";
    char *p = stpcpy(buffer, BUS_UNIT_PATH), *end = buffer + OBJECT_PATH_MAX - 4;
    if (!*id)
        *p++ = '_';
    for (const char *s = id; *s && p < end; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9' && s > id)) {
            *p++ = (char)c;
        } else {
            *p++ = '_';
            *p++ = hex[c >> 4];
            *p++ = hex[c & 15];
        }
    }
    *p = 0;
    return buffer;
}

const char *job_object_path(uint32_t id, char buffer[static 64]) {
    snprintf(buffer, 64, BUS_JOB_PATH "%u", id);
    return buffer;
}

void object_of_unit(struct unit *u, struct object *ret) {
    size_t n = 0;
    *ret = (struct object){ .kind = OBJECT_UNIT, .manager = u->manager, .unit = u };
    if (u->ops && type_interfaces[u->ops->type])
        ret->interfaces[n++] = type_interfaces[u->ops->type];
    ret->interfaces[n] = &unit_interface;
}

void object_of_job(struct job *j, struct object *ret) {
    *ret = (struct object){
        .kind = OBJECT_JOB, .manager = j->manager, .job = j, .interfaces = { &job_interface }
    };
}

/* The unit behind the last component of a path: by its name, loaded if need be; by an invocation id; "self":
 * the one the caller belongs to. */
static int find_unit(struct manager *m, const char *escaped, pid_t caller, struct unit **ret,
                     struct error *error) {
    _cleanup_free_ char *name = NULL;
    struct id128 id;
    if (strcmp(escaped, "self") == 0) {
        *ret = bus_unit_by_pid(m, caller);
        if (!*ret)
            return error_set(error, ERROR_NO_SUCH_UNIT, "Client %d not member of any unit.", caller);
        return 0;
    }
    int r = bus_path_unescape(escaped, &name);
    if (r < 0)
        return r == -ENOMEM ? r : -ENOENT;
    if (!strchr(name, '.') && id128_from_string(name, &id) >= 0) {
        *ret = manager_unit_by_invocation(m, id);
        if (!*ret)
            return error_set(error, ERROR_NO_SUCH_UNIT, "No unit with the specified invocation ID %s known.",
                             id128_to_string(id, (char[33]){}));
        return 0;
    }
    if (!unit_name_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
        return error_set(error, ERROR_INVALID_ARGUMENT, "Unit name %s is neither a valid invocation ID nor unit name.",
                         name);
    return manager_load_unit(m, name, ret, error);
}

int object_find(struct bus *bus, const char *path, pid_t caller, struct object *ret, struct error *error) {
    struct manager *m = bus->manager;
    if (strcmp(path, BUS_PATH) == 0) {
        *ret = (struct object){ .kind = OBJECT_MANAGER, .manager = m, .interfaces = { &manager_interface } };
        return 0;
    }
    if (strcmp(path, BUS_LOG_PATH) == 0) {
        *ret = (struct object){ .kind = OBJECT_LOG_CONTROL,
                                .manager = m,
                                .interfaces = { &log_control_interface } };
        return 0;
    }
    if (strncmp(path, BUS_UNIT_PATH, strlen(BUS_UNIT_PATH)) == 0) {
        struct unit *u;
        int r = find_unit(m, path + strlen(BUS_UNIT_PATH), caller, &u, error);
        if (r < 0)
            return r;
        object_of_unit(u, ret);
        return 0;
    }
    if (strncmp(path, BUS_JOB_PATH, strlen(BUS_JOB_PATH)) == 0) {
        const char *s = path + strlen(BUS_JOB_PATH);
        uint64_t id = 0;
        size_t n = strspn(s, "0123456789");
        if (n == 0 || n > 10 || s[n])
            return -ENOENT;
        for (; *s; s++)
            id = id * 10 + (uint64_t)(*s - '0');
        struct job *j = id <= UINT32_MAX ? manager_get_job(m, (uint32_t)id) : NULL;
        if (!j)
            return -ENOENT;
        object_of_job(j, ret);
        return 0;
    }
    /* What lies on the way, for tools that walk the tree. */
    static const char *const parents[] = { "/", "/org", "/org/freedesktop", BUS_PATH "/unit",
                                           BUS_PATH "/job" };
    for (size_t i = 0; i < ELEMENTS(parents); i++)
        if (strcmp(path, parents[i]) == 0) {
            *ret = (struct object){ .kind = OBJECT_PARENT, .manager = m };
            return 0;
        }
    return -ENOENT;
}
