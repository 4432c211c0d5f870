/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/spawn.h"
#include "base/fd.h"
#include "base/strv.h"
#include "base/users.h"
#include "engine/boot.h"
#include "engine/manager_private.h"
#include "engine/serialize.h"
#include "engine/unit_private.h"
#include "exec/run.h"
#include "syntax/names.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A child whose error pipe is still open: its exec has neither succeeded nor failed. */
struct spawning {
    struct manager *manager;
    struct unit *unit;      /* NULL while units are read anew: then `unit_name` finds it again */
    pid_t pid;
    int error_fd;
    struct io *io;
    bool ignored;           /* the command's "-" */
    struct exec_plan *plan; /* to explain a failure; NULL after a re-execution */
    struct spawning *next;
    char unit_name[];
};

/* --- children: sorted by pid. New ones mostly have the highest, so they are appended ------------------------------ */
static size_t child_place(const struct manager_private *p, pid_t pid) {
    size_t low = 0, high = p->n_children;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->children[middle].pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct unit *unit_of_child(const struct manager *m, pid_t pid) {
    size_t i = child_place(m->p, pid);
    return i < m->p->n_children && m->p->children[i].pid == pid ? m->p->children[i].unit : NULL;
}

/* Room for one more. */
static int reserve_child(struct manager_private *p) {
    if (p->n_children < p->children_room)
        return 0;
    size_t room = p->children_room + MAX(p->children_room / 4, (size_t)16);
    struct child *more = realloc(p->children, room * sizeof(*more));
    if (!more)
        return -ENOMEM;
    p->children = more;
    p->children_room = room;
    return 0;
}

int unit_watch_pid(struct unit *u, pid_t pid) {
    struct manager_private *p = u->manager->p;
    size_t i = child_place(p, pid);
    if (i == p->n_children || p->children[i].pid != pid) {
        int r = reserve_child(p);
        if (r < 0)
            return r;
        memmove(p->children + i + 1, p->children + i, (p->n_children - i) * sizeof(struct child));
        p->children[i].pid = pid;
        p->n_children++;
    }
    p->children[i].unit = u;
    u->maybe_processes = true;
    return 0;
}

static void forget_child(struct manager_private *p, size_t i) {
    memmove(p->children + i, p->children + i + 1, (p->n_children - i - 1) * sizeof(struct child));
    p->n_children--;
}

void unit_unwatch_pid(struct unit *u, pid_t pid) {
    if (unit_of_child(u->manager, pid) == u)
        forget_child(u->manager->p, child_place(u->manager->p, pid));
}

void unit_unwatch_all(struct unit *u) {
    struct manager_private *p = u->manager->p;
    for (size_t i = p->n_children; i-- > 0;)
        if (p->children[i].unit == u)
            forget_child(p, i);
}

/* --- the log pipe ------------------------------------------------------------------------------------------------- */
/* SyslogIdentifier=, else the name of the program. */
static const char *log_identifier(const struct unit *u, const struct exec_command *command) {
    const char *identifier = unit_string(u->file, D_SyslogIdentifier);
    if (identifier && *identifier)
        return identifier;
    const char *slash = strrchr(command->path, '/');
    return slash ? slash + 1 : command->path;
}

/* What the journal is to say of each line beside. */
static void log_fields(const struct unit *u, struct text *out) {
    const char *slice = unit_string(u->file, D_Slice);
    if (slice && *slice)
        text_addf(out, "_SYSTEMD_SLICE=%s\n", slice);
    else if (u->ops->type == UNIT_SERVICE)
        text_add(out, "_SYSTEMD_SLICE=system.slice\n");
    STRV_FOREACH(field, unit_strv(u->file, D_LogExtraFields))
        text_addf(out, "%s\n", *field);
}

/* Does what it writes to stderr go to the container's stderr? [X-Reeve] ConsoleStderr=, REEVE_LOG_STDERR. */
static bool keeps_errors_apart(const struct unit *u) {
    int64_t own = unit_number(u->file, D_ConsoleStderr);
    const char *all = own < 0 ? env_get(u->manager->own_environment, "REEVE_LOG_STDERR") : NULL;
    return own > 0 || (all && bool_parse(all) > 0);
}

/* journal/log_settings.h */
static void log_settings(const struct unit *u, bool errors, struct text *out) {
    int64_t format = unit_number(u->file, D_ConsoleFormat);
    if (format > 0)
        text_addf(out, "format=%s\n", value_enum_name(&type_console_format, format));
    if (unit_setting_written(u->file, D_ConsoleLevelMax))
        text_addf(out, "level=%d\n", (int)unit_number(u->file, D_ConsoleLevelMax));
    if (errors)
        text_add(out, "errors=1\n");
    STRV_FOREACH(pattern, unit_strv(u->file, D_LogFilterPatterns))
        text_addf(out, "filter=%s\n", *pattern);
    for (char **file = errors ? NULL : unit_strv(u->file, D_LogFiles); file && *file; file++)
        text_addf(out, "file=%s\n", *file);
}

/* A write end of the unit's pipe, made if there is none yet. -1: none can be had. */
static int log_writer(struct unit *u, const struct exec_command *command, bool errors) {
    struct log_client *log = u->manager->p->log;
    if (!log)
        return -1;
    int fd;
    uint64_t *stream = errors ? &u->error_stream : &u->log_stream;
    if (*stream) {
        fd = log_client_stream_writer(log, *stream);
        if (fd >= 0)
            return fd;
        log_client_drop_stream(log, *stream);
        *stream = 0;
    }
    /* The service's own user must be able to open /dev/stdout again; a name that only getent knows has to do
     * without. */
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    const char *user = unit_string(u->file, D_User);
    _cleanup_(user_record_done) struct user_record record = {};
    if (user && *user && user_lookup(user, &record) >= 0) {
        uid = record.uid;
        gid = record.gid;
    }
    const char *group = unit_string(u->file, D_Group);
    if (group && *group && group_lookup(group, &gid) < 0)
        gid = (gid_t)-1;
    _cleanup_text_ struct text fields = {}, settings = {};
    log_fields(u, &fields);
    log_settings(u, errors, &settings);
    bool limited =
        unit_setting_written(u->file, D_LogRateLimitIntervalSec) || unit_setting_written(u->file, D_LogRateLimitBurst);
    struct log_stream_options options = {
        .unit = u->id,
        .identifier = log_identifier(u, command),
        .fields = text_str(&fields),
        .settings = text_str(&settings),
        .level = (int)(unit_number(u->file, D_SyslogLevel) | unit_number(u->file, D_SyslogFacility)),
        .max_level =
            unit_setting_written(u->file, D_LogLevelMax) ? (int)unit_number(u->file, D_LogLevelMax) : LOG_DEBUG,
        .flags = LOG_STREAM_CONSOLE | (unit_bool(u->file, D_SyslogLevelPrefix) ? LOG_STREAM_LEVEL_PREFIX : 0),
        .uid = uid,
        .gid = gid,
        .invocation = u->invocation,
        .lineage = errors ? 0 : u->lineage,
        .rate_burst = (uint32_t)MIN(unit_size(u->file, D_LogRateLimitBurst), (uint64_t)UINT32_MAX),
        .rate_interval = limited ? unit_usec(u->file, D_LogRateLimitIntervalSec) : UINT64_MAX,
    };
    int r = log_client_open_stream(log, &options, stream, &fd);
    if (r == -E2BIG) {
        unit_log(u, LOG_WARNING, "LogFilterPatterns= and LogFiles= are too long, ignoring.");
        options.settings = errors ? "errors=1\n" : NULL;
        r = log_client_open_stream(log, &options, stream, &fd);
    }
    if (r < 0) {
        unit_log(u, LOG_WARNING, "Cannot make a pipe for the unit's output, which is lost: %s", strerror(-r));
        return -1;
    }
    return fd;
}

void unit_close_log(struct unit *u) {
    /* A reload forgets units, not what their processes print. */
    uint64_t *streams[] = { &u->log_stream, &u->error_stream };
    for (size_t i = 0; i < ELEMENTS(streams); i++) {
        if (*streams[i] && u->manager->p->log && !u->manager->p->reloading)
            log_client_drop_stream(u->manager->p->log, *streams[i]);
        *streams[i] = 0;
    }
}

/* --- error pipes -------------------------------------------------------------------------------------------------- */
static void spawning_free(struct spawning *s) {
    for (struct spawning **at = &s->manager->p->spawning; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    io_remove(s->io);
    fd_close(s->error_fd);
    exec_plan_free(s->plan);
    free(s);
}

static void log_failure(struct unit *u, const struct exec_plan *plan, const struct exec_failure *failure,
                        bool ignored) {
    _cleanup_text_ struct text why = {};
    if (plan)
        exec_failure_explain(plan, failure, &why);
    else
        text_addf(&why, "Failed at step %d: %s", failure->step, strerror(failure->error));
    unit_log_id(u, ignored ? LOG_DEBUG : LOG_ERR, "641257651c1b4ec9a8624d7a40a9e1e7", "%s", text_str(&why));
}

static void error_pipe_ready(struct io *io, int fd, uint32_t events, void *userdata) {
    struct spawning *s = userdata;
    struct exec_failure failure;
    ssize_t n = read(fd, &failure, sizeof(failure));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    struct unit *u = s->unit;
    pid_t pid = s->pid;
    bool failed = n == sizeof(failure);
    if (failed)
        log_failure(u, s->plan, &failure, s->ignored);
    spawning_free(s);
    if (!failed && u->ops->exec_succeeded)
        u->ops->exec_succeeded(u, pid);
}

void spawn_settle(struct manager *m, pid_t pid) {
    for (struct spawning *s = m->p->spawning; s; s = s->next)
        if (s->pid == pid) {
            error_pipe_ready(s->io, s->error_fd, EPOLLIN, s);
            return;
        }
}

void spawn_forget_unit(struct unit *u) {
    for (struct spawning *s = u->manager->p->spawning, *next; s; s = next) {
        next = s->next;
        if (s->unit != u)
            continue;
        s->unit = NULL;
        if (!u->manager->p->reloading)
            spawning_free(s);
    }
}

void spawn_find_units(struct manager *m) {
    for (struct spawning *s = m->p->spawning, *next; s; s = next) {
        next = s->next;
        if (s->unit)
            continue;
        s->unit = manager_get_unit(m, s->unit_name);
        if (!s->unit)
            spawning_free(s);
    }
}

void spawn_done(struct manager *m) {
    while (m->p->spawning)
        spawning_free(m->p->spawning);
}

static int await_exec(struct unit *u, pid_t pid, int error_fd, bool ignored, struct exec_plan *plan) {
    struct manager *m = u->manager;
    struct spawning *s = calloc(1, sizeof(*s) + strlen(u->id) + 1);
    if (!s)
        return -ENOMEM;
    *s = (struct spawning){ .manager = m, .unit = u, .pid = pid, .error_fd = error_fd, .ignored = ignored };
    strcpy(s->unit_name, u->id);
    int r = fd_set_nonblock(error_fd, true);
    if (r >= 0)
        r = io_add(m->loop, error_fd, EPOLLIN, error_pipe_ready, s, &s->io);
    if (r < 0) {
        free(s);
        return r;
    }
    s->plan = plan;
    s->next = m->p->spawning;
    m->p->spawning = s;
    return 0;
}

void spawn_serialize(const struct unit *u, struct text *out) {
    for (const struct spawning *s = u->manager->p->spawning; s; s = s->next)
        if (s->unit == u) {
            char name[64];
            snprintf(name, sizeof(name), "spawning-%d-%d", s->pid, s->ignored);
            put_fd(out, name, s->error_fd);
        }
}

bool spawn_deserialize(struct unit *u, const char *name, const char *value) {
    static const char prefix[] = "spawning-";
    unsigned long long at[2]; /* the process, and whether its failure is ignored */
    if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || !get_numbers(name + sizeof(prefix) - 1, at, 2))
        return false;
    int fd = get_fd(value);
    if (fd >= 0 && await_exec(u, (pid_t)at[0], fd, at[1], NULL) < 0)
        state_lost();
    return true;
}

/* --- starting ----------------------------------------------------------------------------------------------------- */
static bool degradations_told(const struct unit *u, const struct exec_plan *plan) {
    return plan->n_degraded == 0 || u->degraded_told;
}

/* One line a start: what the unit asked for and this container does not permit. */
static void tell_degradations(struct unit *u, const struct exec_plan *plan) {
    if (degradations_told(u, plan))
        return;
    _cleanup_text_ struct text list = {};
    for (size_t i = 0; i < plan->n_degraded; i++)
        text_addf(&list, "%s%s", i ? ", " : "", directive_row(plan->degraded[i].directive)->name);
    unit_log(u, LOG_INFO, "Not enforced in this container: %s (reeve explain %s tells why)", text_str(&list), u->id);
    u->degraded_told = true;
}

/* In the new process. A line of one that ends at once must not come before who it is. */
static void say_whose_lines(void *userdata) {
    struct unit *u = userdata;
    log_client_stream_begun(u->manager->p->log, u->log_stream);
    log_client_stream_begun(u->manager->p->log, u->error_stream);
}

int unit_spawn(struct unit *u, const struct exec_command *command, enum exec_role role, const struct spawn_extra *extra,
               pid_t *ret_pid) {
    struct manager *m = u->manager;
    static const struct spawn_extra nothing = { .stdin_fd = -1 };
    if (!extra)
        extra = &nothing;
    if (u->lineage == 0) {
        int r = unit_new_lineage(u);
        if (r == -ENOMEM)
            return r;
    }
    _cleanup_close_ int writer = log_writer(u, command, false);
    _cleanup_close_ int error_writer = writer >= 0 && keeps_errors_apart(u) ? log_writer(u, command, true) : -1;
    bool foreground = u == purpose_foreground(m);
    struct exec_request request = {
        .unit = u->file,
        .command = command,
        .role = role,
        .permits = &m->permits,
        .dirs = &m->dirs,
        .invocation = u->invocation,
        .lineage = u->lineage,
        .manager_env = m->environment,
        .passable_env = m->own_environment,
        .extra_env = extra->env,
        .notify_socket = extra->notify ? m->notify_socket_path : NULL,
        .watchdog_usec = extra->watchdog_usec,
        .stdin_fd = extra->stdin_fd,
        .stdout_fd = foreground ? STDOUT_FILENO : writer,
        .stderr_fd = foreground ? STDERR_FILENO : error_writer >= 0 ? error_writer : writer,
        .listen_fds = extra->listen_fds,
        .listen_names = extra->listen_names,
        .n_listen_fds = extra->n_listen_fds,
        .n_sockets = extra->n_sockets,
        .opens_files = extra->opens_files,
        .idle_pipe = extra->idle ? manager_idle_pipe(m) : NULL,
    };
    _cleanup_text_ struct text why = {};
    _cleanup_(exec_plan_freep) struct exec_plan *plan = NULL;
    int status = 0;
    int r = exec_plan_make(&request, &plan, &status, &why);
    if (r < 0) {
        unit_log(u, LOG_ERR, "Cannot start %s: %s", command->path, why.len ? text_str(&why) : strerror(-r));
        return r;
    }
    tell_degradations(u, plan);
    if (extra->ret_runtime_directories && !*extra->ret_runtime_directories && plan->runtime_directories)
        *extra->ret_runtime_directories = strv_copy(plan->runtime_directories);
    if (extra->ret_credentials_directory && !*extra->ret_credentials_directory && plan->credentials_directory)
        *extra->ret_credentials_directory = strdup(plan->credentials_directory);

    struct exec_child child;
    bool ignored = command->flags & EXEC_IGNORE_FAILURE;
    /* Lines of the commands around a main process are its, too. */
    bool owns_lines = u->log_stream && (role == EXEC_MAIN || !unit_main_pid(u));
    if (owns_lines) {
        plan->begun = say_whose_lines;
        plan->userdata = u;
    }
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].kind == STEP_TTY)
            (void)boot_release_terminal(plan->steps[i].subject);
    /* A process that nobody would hear the end of is not made. */
    r = reserve_child(m->p);
    if (r >= 0)
        r = exec_plan_run(plan, &child);
    if (r < 0) {
        unit_log(u, LOG_ERR, "Cannot start %s: no process could be made: %s", command->path, strerror(-r));
        return r;
    }
    fd_close(child.pidfd);
    if (owns_lines) {
        log_client_stream_pid(m->p->log, u->log_stream, child.pid);
        log_client_stream_pid(m->p->log, u->error_stream, child.pid);
    }
    log_full(LOG_DEBUG, u->id, NULL, "Started %s as process %d.", command->path, child.pid);
    if (lineage_may_lose(m->lineage))
        lineage_remember(m->lineage, child.pid, u->lineage);
    (void)unit_watch_pid(u, child.pid);
    if (child.failed)
        log_failure(u, plan, &child.failure, ignored);
    else if (child.error_fd >= 0) {
        r = await_exec(u, child.pid, child.error_fd, ignored, plan);
        if (r < 0) {
            unit_log(u, LOG_ERR, "Cannot start %s: its start could not be watched: %s", command->path, strerror(-r));
            kill(child.pid, SIGKILL);
            unit_unwatch_pid(u, child.pid);
            fd_close(child.error_fd);
            return r;
        }
        child.error_fd = -1;
        plan = NULL; /* kept to explain a failure */
    }
    fd_close(child.error_fd);
    *ret_pid = child.pid;
    return plan && !child.failed ? SPAWN_EXECUTED : SPAWN_BEGUN;
}
