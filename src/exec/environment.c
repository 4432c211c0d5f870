/* SPDX-License-Identifier: Apache-2.0 */
/* The environment block: later wins, in systemd's order. systemd.exec(5), "Environment" and "Environment
 * Variables Set or Propagated by the Service Manager". */
#include "exec/planner.h"

#include "base/fd.h"
#include "base/glob.h"
#include "base/strv.h"
#include "syntax/envfile.h"
#include "unit/open_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ENVIRONMENT_FILE_MAX ((size_t)1 << 20)
/* The same on every distribution: a directory that is a link to another does no harm. */
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* Room for a process id in a string that the child fills in. */
#define PID_ROOM "          "

static size_t name_length(const char *assignment) {
    return strcspn(assignment, "=");
}

static char **env_find(const struct planner *p, const char *name, size_t n) {
    for (size_t i = 0; i < p->n_env; i++)
        if (strncmp(p->env[i], name, n) == 0 && p->env[i][n] == '=')
            return &p->env[i];
    return NULL;
}

void plan_env_set(struct planner *p, char *assignment) {
    size_t n = name_length(assignment);
    if (assignment[n] != '=')
        return;
    char **found = env_find(p, assignment, n);
    if (found) {
        *found = assignment;
        return;
    }
    if (p->n_env + 1 >= p->room_env) {
        size_t room = p->room_env ? p->room_env * 2 : 32;
        char **env = arena_alloc(p->arena, room * sizeof(char *));
        if (!env)
            return;
        if (p->n_env > 0)
            memcpy(env, p->env, p->n_env * sizeof(char *));
        p->env = env;
        p->room_env = room;
    }
    p->env[p->n_env++] = assignment;
    p->env[p->n_env] = NULL;
}

static void set_all(struct planner *p, char *const *assignments) {
    STRV_FOREACH(a, assignments)
        plan_env_set(p, arena_string(p->arena, *a));
}

static void set_pair(struct planner *p, const char *name, const char *value) {
    plan_env_set(p, arena_printf(p->arena, "%s=%s", name, value));
}

/* NAME= with room that STEP_LISTEN_PID fills in. */
static void set_pid(struct planner *p, const char *name) {
    char *assignment = arena_printf(p->arena, "%s=%s", name, PID_ROOM);
    if (arena_failed(p->arena) || p->n_pid_slots == ELEMENTS(p->pid_slots))
        return;
    char *slot = assignment + strlen(name) + 1;
    *slot = 0; /* until then it is empty */
    p->pid_slots[p->n_pid_slots++] = slot;
    plan_env_set(p, assignment);
}

static void set_user(struct planner *p) {
    struct identity *id = &p->identity;
    if (!id->user_set || unit_setting(p->unit, D_SetLoginEnvironment)->number == 0)
        return;
    if (id->resolve) {
        /* The child will know: empty until then. */
        char *home = arena_alloc(p->arena, sizeof("HOME=") + RESOLVED_VALUE_MAX);
        char *shell = arena_alloc(p->arena, sizeof("SHELL=") + RESOLVED_VALUE_MAX);
        if (!home || !shell)
            return;
        plan_env_set(p, strcpy(home, "HOME="));
        plan_env_set(p, strcpy(shell, "SHELL="));
        id->home_slot = home + strlen("HOME=");
        id->shell_slot = shell + strlen("SHELL=");
    }
    if (id->home)
        set_pair(p, "HOME", id->home);
    set_pair(p, "LOGNAME", id->user);
    set_pair(p, "USER", id->user);
    if (id->shell)
        set_pair(p, "SHELL", id->shell);
}

static void set_listen(struct planner *p) {
    const struct exec_request *request = p->request;
    size_t n_passed = plan_stdin_is_socket(p) ? 0 : request->n_listen_fds;
    if (request->opens_files)
        p->n_open_files = strv_length(unit_strv(p->unit, D_OpenFile));
    if (n_passed + p->n_open_files == 0)
        return;
    _cleanup_text_ struct text names = {};
    for (size_t i = 0; i < n_passed; i++)
        text_addf(&names, "%s%s", i > 0 ? ":" : "",
                  request->listen_names && request->listen_names[i] ? request->listen_names[i] : "unknown");
    STRV_FOREACH(line, p->n_open_files > 0 ? unit_strv(p->unit, D_OpenFile) : NULL) {
        _cleanup_open_file_ struct open_file file = {};
        if (open_file_parse(*line, &file) < 0)
            arena_fail(p->arena);
        else
            text_addf(&names, "%s%s", names.len > 0 ? ":" : "", file.name);
    }
    if (names.failed)
        arena_fail(p->arena);
    set_pid(p, "LISTEN_PID");
    char *count = arena_printf(p->arena, "LISTEN_FDS=%zu", n_passed + p->n_open_files);
    char *all = arena_printf(p->arena, "LISTEN_FDNAMES=%s", text_str(&names));
    plan_env_set(p, count);
    plan_env_set(p, all);
    if (!arena_failed(p->arena)) {
        p->listen_count = count + strlen("LISTEN_FDS=");
        p->listen_names = all + strlen("LISTEN_FDNAMES=");
    }
}

static bool is_tty(const char *setting) {
    return setting && strncmp(setting, "tty", 3) == 0;
}

static void set_terminal(struct planner *p) {
    if (!is_tty(unit_string(p->unit, D_StandardInput)) && !is_tty(unit_string(p->unit, D_StandardOutput)) &&
        !is_tty(unit_string(p->unit, D_StandardError)) && !unit_string(p->unit, D_TTYPath))
        return;
    const char *term = env_get(p->request->passable_env, "TERM");
    set_pair(p, "TERM", term && *term ? term : "vt220");
}

static int read_file(struct planner *p, const char *path) {
    _cleanup_free_ char *data = NULL;
    _cleanup_strv_ char **assignments = NULL;
    size_t size;
    int r = file_read(path, ENVIRONMENT_FILE_MAX, &data, &size);
    if (r < 0)
        return r;
    r = envfile_parse(data, size, &assignments, NULL, NULL);
    if (r < 0)
        return r;
    set_all(p, assignments);
    return 0;
}

/* One EnvironmentFile=, which may be a pattern. */
static int read_files(struct planner *p, const char *setting) {
    bool optional = setting[0] == '-';
    const char *path = setting + optional;
    int r;
    if (glob_is_pattern(path)) {
        _cleanup_strv_ char **found = NULL;
        r = glob_paths(path, &found);
        if (r >= 0 && !found)
            r = -ENOENT;
        for (char **f = found; r >= 0 && f && *f; f++)
            r = read_file(p, *f);
    } else
        r = read_file(p, path);
    if (r == -ENOMEM || (r < 0 && !optional)) {
        text_addf(p->why, "Failed to load environment files: %s: %s", path, strerror(-r));
        return r;
    }
    return 0;
}

static void unset(struct planner *p, const char *what) {
    size_t n = name_length(what), to = 0;
    bool whole = what[n] == '=';
    for (size_t i = 0; i < p->n_env; i++) {
        bool hit =
            whole ? strcmp(p->env[i], what) == 0 : strncmp(p->env[i], what, n) == 0 && p->env[i][n] == '=';
        if (!hit)
            p->env[to++] = p->env[i];
    }
    p->n_env = to;
    if (p->env)
        p->env[to] = NULL;
}

int plan_environment(struct planner *p) {
    const struct exec_request *request = p->request;
    char id[33];

    plan_env_set(p, (char *)DEFAULT_PATH);
    set_all(p, request->manager_env);
    set_all(p, request->extra_env);
    if (request->notify_socket)
        set_pair(p, "NOTIFY_SOCKET", request->notify_socket);
    if (!id128_is_null(request->invocation))
        set_pair(p, "INVOCATION_ID", id128_to_string(request->invocation, id));
    set_listen(p);
    if (request->watchdog_usec > 0 && request->watchdog_usec != USEC_INFINITY) {
        set_pid(p, "WATCHDOG_PID");
        plan_env_set(
            p, arena_printf(p->arena, "WATCHDOG_USEC=%llu", (unsigned long long)request->watchdog_usec));
    }
    set_user(p);
    set_terminal(p);
    const char *stream = plan_journal_stream(p);
    if (stream)
        set_pair(p, "JOURNAL_STREAM", stream);
    plan_directories_environment(p);
    if (plan_has_credentials(p))
        plan_env_set(p, arena_printf(p->arena, "CREDENTIALS_DIRECTORY=%s/credentials/%s",
                                     request->dirs->runtime, p->unit->name));
    set_pid(p, "SYSTEMD_EXEC_PID");

    char *const *search = unit_strv(p->unit, D_ExecSearchPath);
    if (strv_length(search) > 0) {
        _cleanup_free_ char *joined = strv_join(search, ":");
        if (!joined)
            return -ENOMEM;
        set_pair(p, "PATH", joined);
    }
    STRV_FOREACH(name, unit_strv(p->unit, D_PassEnvironment)) {
        const char *value = env_get(request->passable_env, *name);
        if (value)
            set_pair(p, *name, value);
    }
    set_all(p, unit_strv(p->unit, D_Environment));
    STRV_FOREACH(file, unit_strv(p->unit, D_EnvironmentFile)) {
        int r = read_files(p, *file);
        if (r < 0)
            return r;
    }
    STRV_FOREACH(what, unit_strv(p->unit, D_UnsetEnvironment))
        unset(p, *what);
    return 0;
}
