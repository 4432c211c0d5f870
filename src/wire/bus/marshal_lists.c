/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that are lists, shown in parts: pairs, filters, commands, addresses. */
#include "wire/bus/marshal.h"
#include "base/scan.h"

#include "engine/service.h"
#include "unit/open_file.h"
#include "exec/syscall_groups.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- processors: a bitmap, lowest byte first ------------------------------------------------------------ */
#define CPUS_MAX 8192
#define GROUP_DEPTH_MAX 8

GETTER(setting_cpuset) {
    uint8_t bits[CPUS_MAX / 8] = {};
    size_t n = 0;
    STRV_FOREACH(s, setting(object, p)->strv) {
        uint32_t from, to;
        if (!scan_range(*s, &from, &to))
            continue;
        for (uint32_t c = from; c <= to && c < CPUS_MAX; c++) {
            bits[c / 8] |= (uint8_t)(1u << (c % 8));
            n = MAX(n, (size_t)c / 64 * 8 + 8); /* by words, as systemd has it */
        }
    }
    out_bytes(out, bits, n);
}

GETTER(setting_cpuset_numa) {
    out_bool(out, strv_contains(setting(object, p)->strv, "numa"));
}

/* --- "A<separator>B" ------------------------------------------------------------------------------------ */
static void out_string_n(struct out *out, const char *s, size_t n) {
    char *copy = strndup(s, n);
    if (copy)
        out_string(out, copy);
    else
        out->failed = true;
    free(copy);
}

static void pairs(const struct object *object, const struct property *p, struct out *out, char separator) {
    out_open(out, DBUS_TYPE_ARRAY, "(ss)");
    STRV_FOREACH(s, setting(object, p)->strv) {
        const char *at = strchrnul(*s, separator);
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string_n(out, *s, (size_t)(at - *s));
        out_string(out, *at ? at + 1 : "");
        out_close(out);
    }
    out_close(out);
}

/* systemd shows the last first. */
GETTER(setting_devices) {
    char **list = setting(object, p)->strv;
    out_open(out, DBUS_TYPE_ARRAY, "(ss)");
    for (size_t i = strv_length(list); i-- > 0;) {
        size_t n = strcspn(list[i], " ");
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string_n(out, list[i], n);
        out_string(out, list[i][n] ? list[i] + n + 1 : "");
        out_close(out);
    }
    out_close(out);
}

GETTER(setting_pairs_colon) {
    pairs(object, p, out, ':');
}

GETTER(setting_credentials) {
    out_open(out, DBUS_TYPE_ARRAY, "(say)");
    STRV_FOREACH(s, setting(object, p)->strv) {
        const char *at = strchrnul(*s, ':'), *value = *at ? at + 1 : at;
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string_n(out, *s, (size_t)(at - *s));
        out_bytes(out, value, strlen(value));
        out_close(out);
    }
    out_close(out);
}

GETTER(setting_byte_strings) {
    out_open(out, DBUS_TYPE_ARRAY, "ay");
    STRV_FOREACH(s, setting(object, p)->strv)
    out_bytes(out, *s, strlen(*s));
    out_close(out);
}

GETTER(setting_log_patterns) {
    out_open(out, DBUS_TYPE_ARRAY, "(bs)");
    /* What is wanted goes first. */
    for (int refused = 0; refused < 2; refused++)
        STRV_FOREACH(s, setting(object, p)->strv) {
            if ((**s == '~') != refused)
                continue;
            out_open(out, DBUS_TYPE_STRUCT, NULL);
            out_bool(out, !refused);
            out_string(out, *s + refused);
            out_close(out);
        }
    out_close(out);
}

GETTER(setting_environment_files) {
    out_open(out, DBUS_TYPE_ARRAY, "(sb)");
    STRV_FOREACH(s, setting(object, p)->strv) {
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string(out, *s + (**s == '-'));
        out_bool(out, **s == '-');
        out_close(out);
    }
    out_close(out);
}

GETTER(setting_directories) {
    out_open(out, DBUS_TYPE_ARRAY, "s");
    STRV_FOREACH(s, setting(object, p)->strv)
    out_string_n(out, *s, strcspn(*s, ":"));
    out_close(out);
}

GETTER(setting_directory_links) {
    out_open(out, DBUS_TYPE_ARRAY, "(sst)");
    STRV_FOREACH(s, setting(object, p)->strv) {
        size_t n = strcspn(*s, ":");
        if (!(*s)[n])
            continue;
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string_n(out, *s, n);
        out_string(out, *s + n + 1);
        out_u64(out, 0);
        out_close(out);
    }
    out_close(out);
}

/* --- "[-]SOURCE:DESTINATION:OPTIONS", a backslash before colons that belong to a path ------------------- */
static void out_field(struct out *out, const char **s) {
    _cleanup_text_ struct text t = {};
    const char *p = *s;
    for (; *p && *p != ':'; p++) {
        if (*p == '\\' && p[1])
            p++;
        text_add_char(&t, *p);
    }
    *s = *p ? p + 1 : p;
    out_string(out, text_str(&t));
    out->failed |= t.failed;
}

GETTER(setting_binds) {
    out_open(out, DBUS_TYPE_ARRAY, "(ssbt)");
    STRV_FOREACH(i, setting(object, p)->strv) {
        const char *s = *i + (**i == '-');
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_field(out, &s);
        out_field(out, &s);
        out_bool(out, **i == '-');
        out_u64(out, strstr(s, "norbind") ? 0 : 0x4000 /* MS_REC */);
        out_close(out);
    }
    out_close(out);
}

GETTER(setting_open_files) {
    out_open(out, DBUS_TYPE_ARRAY, "(sst)");
    STRV_FOREACH(i, setting(object, p)->strv) {
        _cleanup_open_file_ struct open_file file = {};
        if (open_file_parse(*i, &file) < 0) {
            out->failed = true; /* no memory */
            break;
        }
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string(out, file.path);
        out_string(out, file.name);
        out_u64(out, file.flags);
        out_close(out);
    }
    out_close(out);
}

GETTER(setting_ip_prefixes) {
    out_open(out, DBUS_TYPE_ARRAY, "(iayu)");
    STRV_FOREACH(i, setting(object, p)->strv) {
        char address[64] = {};
        uint8_t bytes[16];
        const char *slash = strchrnul(*i, '/');
        bool six = strchr(*i, ':');
        if ((size_t)(slash - *i) >= sizeof address)
            continue;
        memcpy(address, *i, (size_t)(slash - *i));
        if (inet_pton(six ? AF_INET6 : AF_INET, address, bytes) != 1)
            continue;
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_i32(out, six ? AF_INET6 : AF_INET);
        out_bytes(out, bytes, six ? 16 : 4);
        out_u32(out, *slash ? (uint32_t)strtoul(slash + 1, NULL, 10) : six ? 128 : 32);
        out_close(out);
    }
    out_close(out);
}

/* --- filters, (bas): is it what is allowed, or what is not; and what. Elements as unit/types.h says --------------- */
static int no_group(char ***list, const char *name, bool add, const char *suffix) {
    _cleanup_text_ struct text t = {};
    text_addf(&t, "%s%s", name, suffix);
    if (t.failed)
        return -ENOMEM;
    if (!add) {
        if (*list)
            strv_remove(*list, text_str(&t));
        return 0;
    }
    return strv_contains(*list, text_str(&t)) ? 0 : strv_add(list, text_str(&t));
}

/* A group of system calls is shown as its members. */
static int each_call(char ***list, const char *name, bool add, const char *suffix, unsigned depth) {
    const struct syscall_group *g = syscall_groups;
    if (*name == '@')
        while (g->name && strcmp(g->name, name) != 0)
            g++;
    if (*name != '@' || !g->name || depth > GROUP_DEPTH_MAX)
        return no_group(list, name, add, suffix);
    _cleanup_strv_ char **members = strv_split(g->members, " ");
    if (!members)
        return -ENOMEM;
    STRV_FOREACH(m, members) {
        int r = each_call(list, *m, add, suffix, depth + 1);
        if (r < 0)
            return r;
    }
    return 0;
}

static void filter(const struct object *object, const struct property *p, struct out *out, bool calls) {
    char **v = setting(object, p)->strv;
    _cleanup_strv_ char **list = NULL;
    bool allow = v && *v && **v != '~';
    if (calls && allow && each_call(&list, "@default", true, "", 0) < 0)
        out->failed = true;
    STRV_FOREACH(s, v) {
        bool inverted = **s == '~';
        const char *name = *s + inverted;
        if (!*name || strcmp(name, "none") == 0)
            continue;
        size_t n = calls ? strcspn(name, ":") : strlen(name);
        _cleanup_free_ char *bare = strndup(name, n);
        int r = !bare   ? -ENOMEM
                : calls ? each_call(&list, bare, allow != inverted, name + n, 0)
                        : no_group(&list, bare, allow != inverted, name + n);
        if (r < 0)
            out->failed = true;
    }
    if (list)
        strv_sort(list);
    out_open(out, DBUS_TYPE_STRUCT, NULL);
    out_bool(out, allow);
    out_strv(out, list);
    out_close(out);
}

GETTER(setting_filter) {
    filter(object, p, out, false);
}

GETTER(setting_system_calls) {
    filter(object, p, out, true);
}

/* --- objects -------------------------------------------------------------------------------------------- */
void out_pair(struct out *out, const char *a, const char *b) {
    out_open(out, DBUS_TYPE_STRUCT, NULL);
    out_string(out, a);
    out_string(out, b);
    out_close(out);
}

/* Socket addresses are shown with C escapes. */
static void out_pair_escaped(struct out *out, const char *a, const char *b) {
    _cleanup_text_ struct text t = {};
    for (; *b; b++)
        if (*b == '\\' || *b == '"' || *b == '\'')
            text_addf(&t, "\\%c", *b);
        else if ((unsigned char)*b < ' ' || (unsigned char)*b >= 0x7f)
            text_addf(&t, "\\%03o", (unsigned char)*b);
        else
            text_add_char(&t, *b);
    out_pair(out, a, text_str(&t));
    out->failed |= t.failed;
}

GETTER(setting_listen) {
    static const char *const kinds[] = {
        [LISTEN_STREAM] = "Stream",
        [LISTEN_DATAGRAM] = "Datagram",
        [LISTEN_SEQPACKET] = "SequentialPacket",
        [LISTEN_FIFO] = "FIFO",
        [LISTEN_SPECIAL] = "Special",
        [LISTEN_NETLINK] = "Netlink",
        [LISTEN_MQUEUE] = "MessageQueue",
        [LISTEN_USB] = "USBFunction",
    };
    const struct listen_list *list = setting(object, p)->object;
    out_open(out, DBUS_TYPE_ARRAY, "(ss)");
    for (size_t i = 0; list && i < list->n; i++)
        out_pair_escaped(out, kinds[list->items[i].kind], list->items[i].text);
    out_close(out);
}

GETTER(setting_paths) {
    const struct path_spec_list *list = setting(object, p)->object;
    out_open(out, DBUS_TYPE_ARRAY, "(ss)");
    for (size_t i = list ? list->n : 0; i-- > 0;) /* systemd lists the last line first */
        out_pair(out, path_spec_kind_to_string(list->items[i].kind), list->items[i].path);
    out_close(out);
}

GETTER(setting_exit_status_set) {
    const struct exit_status_set *set = setting(object, p)->object;
    out_open(out, DBUS_TYPE_STRUCT, NULL);
    out_open(out, DBUS_TYPE_ARRAY, "i");
    for (int i = 0; i < 256; i++)
        if (exit_status_set_has(set, i))
            out_i32(out, i);
    out_close(out);
    out_open(out, DBUS_TYPE_ARRAY, "i");
    for (int i = 1; i < 64; i++)
        if (exit_status_set_has_signal(set, i))
            out_i32(out, i);
    out_close(out);
    out_close(out);
}

static const struct exec_status *status_of(const struct object *object, enum directive id, size_t i) {
    if (object->unit->ops->type != UNIT_SERVICE)
        return NULL;
    for (int e = 0; e < SERVICE_EXECS; e++)
        if (service_exec_directive((enum service_exec)e) == id)
            return service_exec_status(SERVICE(object->unit), (enum service_exec)e, i);
    return NULL;
}

static void exec(const struct object *object, const struct property *p, struct out *out, bool ex) {
    static const struct {
        enum exec_command_flags flag;
        const char *name;
    } flags[] = {
        { EXEC_IGNORE_FAILURE, "ignore-failure" }, { EXEC_FULL_PRIVILEGES, "privileged" },
        { EXEC_NO_SETUID, "no-setuid" },           { EXEC_AMBIENT, "ambient" },
        { EXEC_NO_ENV_EXPAND, "no-env-expand" },
    };
    const struct exec_command_list *list = setting(object, p)->object;
    out_open(out, DBUS_TYPE_ARRAY, ex ? "(sasasttttuii)" : "(sasbttttuii)");
    for (size_t i = 0; list && i < list->n; i++) {
        static const struct exec_status never;
        const struct exec_command *c = list->commands[i];
        const struct exec_status *status = status_of(object, (enum directive)p->data, i) ?: &never;
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string(out, c->path);
        out_strv(out, c->argv);
        if (ex) {
            out_open(out, DBUS_TYPE_ARRAY, "s");
            for (size_t f = 0; f < ELEMENTS(flags); f++)
                if (c->flags & flags[f].flag)
                    out_string(out, flags[f].name);
            out_close(out);
        } else {
            out_bool(out, c->flags & EXEC_IGNORE_FAILURE);
        }
        out_u64(out, status->start.realtime);
        out_u64(out, status->start.monotonic);
        out_u64(out, status->exit.realtime);
        out_u64(out, status->exit.monotonic);
        out_u32(out, (uint32_t)status->pid);
        out_i32(out, status->code);
        out_i32(out, status->status);
        out_close(out);
    }
    out_close(out);
}

GETTER(setting_exec) {
    exec(object, p, out, false);
}

GETTER(setting_exec_ex) {
    exec(object, p, out, true);
}

/* Conditions, Asserts: (name, trigger, negate, parameter, result): 0 not looked at, 1 held, -1 did not. Single results
 * are not kept: where the whole did not hold, they are looked at again, so that a person is told which it was. */
static int condition_result(struct manager *m, const struct unit *u, const struct condition *c) {
    bool tried = (c->assert ? u->assert_time : u->condition_time).realtime > 0;
    if (!tried)
        return 0;
    if (c->assert ? u->assert_result : u->condition_result)
        return 1;
    return condition_test(c, &m->conditions) > 0 ? 1 : -1;
}

GETTER(setting_conditions) {
    const struct condition_list *list = setting(object, p)->object;
    out_open(out, DBUS_TYPE_ARRAY, "(sbbsi)");
    for (size_t i = 0; list && i < list->n; i++) {
        const struct condition *c = &list->items[i];
        char name[64];
        snprintf(name, sizeof name, "%s%s", c->assert ? "Assert" : "Condition",
                 condition_kind_to_string(c->kind) ?: "");
        out_open(out, DBUS_TYPE_STRUCT, NULL);
        out_string(out, name);
        out_bool(out, c->trigger);
        out_bool(out, c->negate);
        out_string(out, c->parameter);
        out_i32(out, condition_result(object->manager, object->unit, c));
        out_close(out);
    }
    out_close(out);
}
