/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of one word as D-Bus values. */
#include "wire/bus/marshal.h"

#include "syntax/names.h"
#include "syntax/words.h"
#include "unit/implied.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <syslog.h>

#define ERRNO_KILL 2147483646 /* how systemd tells "kill" among error numbers */

GETTER(constant) {
    const char *text = p->arg;
    if (!*text) {
        out_zero(out, p->signature);
        return;
    }
    switch (*p->signature) {
    case 's':
        out_string(out, text);
        break;
    case 'b':
        out_bool(out, strcmp(text, "yes") == 0);
        break;
    case 't':
        out_u64(out, strtoull(text, NULL, 10));
        break;
    case 'u':
        out_u32(out, (uint32_t)strtoul(text, NULL, 10));
        break;
    case 'i':
        out_i32(out, (int32_t)strtol(text, NULL, 10));
        break;
    case 'd':
        out_double(out, (double)strtol(text, NULL, 10));
        break;
    default:
        out_zero(out, p->signature);
    }
}

GETTER(setting_bool) {
    out_bool(out, setting(object, p)->boolean);
}

GETTER(setting_bool_word) {
    out_string(out, setting(object, p)->boolean ? "yes" : "no");
}

GETTER(setting_tristate) {
    out_bool(out, setting(object, p)->number > 0);
}

GETTER(setting_i32) {
    out_i32(out, (int32_t)setting(object, p)->number);
}

GETTER(setting_i32_or_unset) {
    bool written = unit_setting_written(object->unit->file, (enum directive)p->data);
    out_i32(out, written ? (int32_t)setting(object, p)->number : -1);
}

GETTER(setting_u32) {
    out_u32(out, (uint32_t)setting(object, p)->size);
}

GETTER(setting_u64) {
    out_u64(out, setting(object, p)->size);
}

GETTER(setting_i64) {
    out_i64(out, setting(object, p)->number);
}

GETTER(setting_u16) {
    out_u16(out, (uint16_t)setting(object, p)->number);
}

GETTER(setting_enum) {
    out_string(out,
               value_enum_name(directive_row((enum directive)p->data)->type, setting(object, p)->number));
}

GETTER(setting_enum_bool) {
    out_bool(out, setting(object, p)->number > 0);
}

GETTER(setting_string) {
    out_string(out, setting(object, p)->string);
}

GETTER(setting_strv) {
    out_strv(out, setting(object, p)->strv);
}

static void limit(const struct object *object, const struct property *p, struct out *out, bool soft) {
    const struct rlimit_pair *pair = setting(object, p)->object;
    if (pair) {
        out_u64(out, soft ? pair->soft : pair->hard);
        return;
    }
    /* Not set: the manager's own is passed on. Not so the one that carries the lineage tag. */
    char name[32] = {};
    struct rlimit own = { RLIM_INFINITY, RLIM_INFINITY };
    snprintf(name, sizeof name, "%s", p->name + strlen("Limit"));
    char *end = strlen(name) > 4 ? name + strlen(name) - 4 : name;
    if (strcmp(end, "Soft") == 0)
        *end = 0;
    int resource = rlimit_from_string(name);
    if (resource == RLIMIT_NOFILE)
        own = object->manager->permits.nofile;
    else if (resource >= 0 && resource != RLIMIT_LOCKS)
        getrlimit((__rlimit_resource_t)resource, &own);
    out_u64(out, soft ? own.rlim_cur : own.rlim_max);
}

/* 15 % of what the machine can have, but for slices. systemd.resource-control(5). */
GETTER(setting_tasks_max) {
    bool written = unit_setting_written(object->unit->file, (enum directive)p->data);
    bool slice = object->unit->ops->type == UNIT_SLICE;
    out_u64(out, written || slice ? setting(object, p)->size : machine_tasks(1500));
}

/* Not set: the manager's own is passed on. */
GETTER(setting_nice) {
    bool written = unit_setting_written(object->unit->file, (enum directive)p->data);
    out_i32(out, written ? (int32_t)setting(object, p)->number : getpriority(PRIO_PROCESS, 0));
}

GETTER(setting_bounding_set) {
    out_u64(out, unit_bounding_set(object->unit->file));
}

/* Of a unit that is not loaded there is nothing to say. */
GETTER(setting_enum_if_loaded) {
    if (object->unit->file->state == LOAD_LOADED || object->unit->file->state == LOAD_BAD_SETTING)
        setting_enum(object, p, out);
    else
        out_string(out, "");
}

GETTER(setting_oom_policy) {
    if (unit_oom_policy(object->unit->file) == OOM_CONTINUE)
        out_string(out, value_enum_name(&type_oom_policy, OOM_CONTINUE));
    else
        setting_enum_if_loaded(object, p, out);
}

GETTER(setting_output) {
    enum load_state state = object->unit->file->state;
    if (unit_output_inherits(object->unit->file) || (state != LOAD_LOADED && state != LOAD_BAD_SETTING))
        out_string(out, "inherit");
    else
        setting_stream(object, p, out);
}

GETTER(setting_restart_kill_signal) {
    bool written = unit_setting_written(object->unit->file, (enum directive)p->data);
    out_i32(out, (int32_t)unit_number(object->unit->file, written ? (enum directive)p->data : D_KillSignal));
}

static int add_path(void *userdata, const char *path) {
    char ***list = userdata;
    return strv_contains(*list, path) ? 0 : strv_add(list, path);
}

GETTER(mount_paths) {
    _cleanup_strv_ char **list = NULL;
    if (unit_foreach_mount_path(object->unit, add_path, &list) < 0)
        out->failed = true;
    out_strv(out, list);
}

GETTER(setting_limit_hard) {
    limit(object, p, out, false);
}

GETTER(setting_limit_soft) {
    limit(object, p, out, true);
}

/* What the kernel makes of "none": best-effort. ioprio_set(2). */
GETTER(setting_io_class) {
    int64_t class = setting(object, p)->number;
    out_i32(out, class > 0 ? (int32_t)class : 2);
}

GETTER(setting_permyriad) {
    int64_t n = setting(object, p)->number;
    out_u32(out, n <= 0 ? 0 : (uint32_t)MIN(((uint64_t)n * UINT32_MAX + 5000) / 10000, (uint64_t)UINT32_MAX));
}

GETTER(setting_personality) {
    const struct value_type *type = directive_row((enum directive)p->data)->type;
    const union value *v = setting(object, p);
    _cleanup_text_ struct text t = {};
    if (v->number >= 0)
        type->print(type, v, &t);
    out_string(out, text_str(&t));
}

GETTER(setting_error_number) {
    int64_t n = setting(object, p)->number;
    out_i32(out, n == 0 || n == INT32_MAX ? ERRNO_KILL : (int32_t)n);
}

GETTER(setting_syslog_facility) {
    out_i32(out, LOG_FAC((int)setting(object, p)->number));
}

GETTER(setting_syslog_priority) {
    int64_t level = setting(object, p)->number;
    out_i32(out, (int)unit_number(object->unit->file, D_SyslogFacility) | LOG_PRI((int)MAX(level, 0)));
}

GETTER(setting_mount_flags) {
    const char *name =
        unit_setting_written(object->unit->file, (enum directive)p->data)
            ? value_enum_name(directive_row((enum directive)p->data)->type, setting(object, p)->number)
            : NULL;
    out_u64(out, !name                          ? 0
                 : strcmp(name, "shared") == 0  ? MS_SHARED
                 : strcmp(name, "slave") == 0   ? MS_SLAVE
                 : strcmp(name, "private") == 0 ? MS_PRIVATE
                                                : 0);
}

GETTER(setting_timer_slack) {
    uint64_t n = setting(object, p)->size;
    out_u64(out, n == UINT64_MAX ? (uint64_t)prctl(PR_GET_TIMERSLACK) : n);
}

GETTER(setting_coredump_filter) {
    uint64_t n = setting(object, p)->size;
    out_u64(out, n == UINT64_MAX ? 0x33 /* the kernel's default, core(5) */ : n);
}

/* Of "append:/path" and "fd:name" the kind only. */
GETTER(setting_stream) {
    char kind[32] = {};
    const char *s = setting(object, p)->string;
    if (s)
        memcpy(kind, s, MIN(strcspn(s, ":"), sizeof kind - 1));
    out_string(out, kind);
}

GETTER(setting_stream_fd_name) {
    const char *s = setting(object, p)->string;
    out_string(out, s && strncmp(s, "fd:", 3) == 0 ? s + 3 : "");
}

GETTER(setting_stdin_data) {
    const char *s = setting(object, p)->string;
    if (!s)
        s = unit_string(object->unit->file, D_StandardInputText);
    out_bytes(out, s, s ? strlen(s) : 0);
}

GETTER(setting_working_directory) {
    const char *s = setting(object, p)->string;
    _cleanup_text_ struct text t = {};
    if (s && *s == '-')
        text_addf(&t, "!%s", s + 1);
    else
        text_add(&t, s);
    out_string(out, text_str(&t));
}

GETTER(setting_label) {
    const char *s = setting(object, p)->string;
    bool ignore = s && *s == '-';
    out_open(out, DBUS_TYPE_STRUCT, NULL);
    out_bool(out, ignore);
    out_string(out, ignore ? s + 1 : s);
    out_close(out);
}

GETTER(setting_delegate) {
    const char *s = setting(object, p)->string;
    out_bool(out, s && bool_parse(s) != 0); /* "": yes, of nothing */
}

GETTER(setting_delegate_controllers) {
    const char *s = setting(object, p)->string;
    _cleanup_strv_ char **words = NULL;
    if (s && bool_parse(s) < 0 && words_split(s, NULL, WORD_UNQUOTE | WORD_RELAX, &words) == -ENOMEM)
        out->failed = true;
    /* "yes": all that a unified hierarchy has. */
    out_strv(out, s && bool_parse(s) > 0 ? (char *const[]){ "cpu", "cpuset", "io", "memory", "pids", NULL } : words);
}
