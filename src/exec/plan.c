/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a plan: the order of the steps is here, what they hold comes from the files of each subject. */
#include "exec/planner.h"

#include "base/strv.h"
#include "exec/expand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where commands without a path are looked for: systemd.service(5), "Command lines". */
static const char *const search_default[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                              "/usr/bin",        "/sbin",          "/bin" };

struct step *plan_step(struct planner *p, enum step_kind kind, int exit_status) {
    static struct step nowhere;
    struct exec_plan *plan = p->plan;
    if (plan->n_steps == p->room_steps) {
        size_t room = p->room_steps ? p->room_steps * 2 : 24;
        struct step *steps = arena_alloc(p->arena, room * sizeof(struct step));
        if (!steps)
            return &nowhere;
        if (plan->n_steps > 0)
            memcpy(steps, plan->steps, plan->n_steps * sizeof(struct step));
        plan->steps = steps;
        p->room_steps = room;
    }
    struct step *s = &plan->steps[plan->n_steps++];
    *s = (struct step){ .kind = kind, .exit_status = exit_status };
    return s;
}

void plan_fail_step(struct planner *p, int exit_status, int error, const char *subject) {
    struct step *s = plan_step(p, STEP_FAIL, exit_status);
    s->number = (uint64_t)error;
    s->subject = subject ? arena_string(p->arena, subject) : NULL;
}

void plan_degrade(struct planner *p, enum directive id, const char *why) {
    struct exec_plan *plan = p->plan;
    for (size_t i = 0; i < plan->n_degraded; i++)
        if (plan->degraded[i].directive == id)
            return;
    if (plan->n_degraded == p->room_degraded) {
        size_t room = p->room_degraded ? p->room_degraded * 2 : 16;
        struct degradation *more = arena_alloc(p->arena, room * sizeof(struct degradation));
        if (!more)
            return;
        if (plan->n_degraded > 0)
            memcpy(more, plan->degraded, plan->n_degraded * sizeof(struct degradation));
        plan->degraded = more;
        p->room_degraded = room;
    }
    plan->degraded[plan->n_degraded++] = (struct degradation){ id, why };
}

/* systemd.service(5): what the prefixes and the *StartOnly= settings exempt a command from. */
static void decide_scope(struct planner *p) {
    enum exec_command_flags flags = p->request->command->flags;
    bool control = p->request->role == EXEC_CONTROL, service = p->unit->type == UNIT_SERVICE;
    bool permissions = !(control && service && unit_bool(p->unit, D_PermissionsStartOnly));
    p->sandboxing = permissions && !(flags & EXEC_FULL_PRIVILEGES);
    /* "!!" means the same as no prefix wherever ambient capabilities exist. */
    p->setuid = p->sandboxing && !(flags & EXEC_NO_SETUID);
    p->chroot = !(control && service && unit_bool(p->unit, D_RootDirectoryStartOnly));
}

static const char *root_directory(const struct planner *p) {
    const char *root = unit_string(p->unit, D_RootDirectory);
    return root && p->chroot && has_cap(p, CAP_SYS_CHROOT) ? root + (root[0] == '-') : "";
}

static bool executable(const char *path) {
    struct stat st;
    return access(path, X_OK) >= 0 && stat(path, &st) >= 0 && S_ISREG(st.st_mode);
}

/* NULL: it is nowhere. */
static char *find_in(struct planner *p, const char *directory, const char *name) {
    char *path = arena_printf(p->arena, "%s%s/%s", root_directory(p), directory, name);
    return executable(path) ? path + strlen(root_directory(p)) : NULL;
}

static void find_command(struct planner *p) {
    const char *name = p->request->command->path;
    p->plan->path = arena_string(p->arena, name);
    if (name[0] == '/')
        return;
    char *const *search = unit_strv(p->unit, D_ExecSearchPath), *found = NULL;
    if (strv_length(search) > 0)
        for (size_t i = 0; search[i] && !found; i++)
            found = find_in(p, search[i], name);
    else
        for (size_t i = 0; i < ELEMENTS(search_default) && !found; i++)
            found = find_in(p, search_default[i], name);
    if (found)
        p->plan->path = found;
}

static void plan_arguments(struct planner *p) {
    const struct exec_command *command = p->request->command;
    struct exec_plan *plan = p->plan;
    plan->envp = p->env;
    if (command->flags & EXEC_NO_ENV_EXPAND) {
        size_t n = strv_length(command->argv);
        plan->argv = arena_alloc(p->arena, (n + 1) * sizeof(char *));
        for (size_t i = 0; plan->argv && i < n; i++)
            plan->argv[i] = arena_string(p->arena, command->argv[i]);
    } else
        plan->argv = expand_words(p->arena, command->argv, p->env);
}

static void plan_start(struct planner *p) {
    uint64_t ignored = unit_bool(p->unit, D_IgnoreSIGPIPE) ? UINT64_C(1) << SIGPIPE : 0;
    plan_step(p, STEP_SIGNALS, EXIT_SIGNAL_MASK)->number = ignored;
    plan_step(p, STEP_SETSID, EXIT_SETSID);
    if (p->request->lineage)
        plan_step(p, STEP_LINEAGE, 0)->number = p->request->lineage;
    if (p->request->idle_pipe) {
        struct step *s = plan_step(p, STEP_IDLE, 0);
        s->fd.from = p->request->idle_pipe[0];
        s->fd.to = p->request->idle_pipe[1];
        p->plan->forks = true;
    }
    if (!p->identity.resolve)
        return;
    struct step *s = plan_step(p, STEP_RESOLVE_USER, EXIT_USER);
    s->subject = p->identity.user;
    s->resolve.home = p->identity.home_slot;
    s->resolve.shell = p->identity.shell_slot;
    p->plan->forks = true;
}

static void plan_working_directory(struct planner *p) {
    const char *directory = unit_string(p->unit, D_WorkingDirectory);
    bool optional = directory && directory[0] == '-';
    plan_step(p, STEP_CHDIR, EXIT_CHDIR)->subject = "/";
    if (!directory || strcmp(directory + optional, "/") == 0)
        return;
    directory += optional;
    if (strcmp(directory, "~") == 0) {
        const struct identity *id = &p->identity;
        if (id->resolve && id->home_slot) {
            /* Filled in by the child. */
            plan_step(p, STEP_CHDIR, optional ? 0 : EXIT_CHDIR)->subject = id->home_slot;
            return;
        }
        directory = id->home ? id->home : !id->user_set || id->uid == 0 ? "/root" : "/";
    }
    plan_step(p, STEP_CHDIR, optional ? 0 : EXIT_CHDIR)->subject = arena_string(p->arena, directory);
    /* It may be on a file system that answers late. */
    p->plan->forks = true;
}

static void plan_end(struct planner *p) {
    plan_step(p, STEP_CLOSE_OTHERS, EXIT_FDS)->number = (uint64_t)plan_first_unused_fd(p);
    if (p->n_pid_slots > 0) {
        struct step *s = plan_step(p, STEP_LISTEN_PID, EXIT_EXEC);
        char **slots = arena_alloc(p->arena, sizeof(p->pid_slots));
        if (slots) {
            memcpy(slots, p->pid_slots, sizeof(p->pid_slots));
            s->pids.slots = slots;
            s->pids.n = p->n_pid_slots;
        }
    }
    plan_filters(p);
    p->plan->may_be_missing = p->request->command->flags & EXEC_IGNORE_FAILURE;
    /* A bare name that was found nowhere must not be taken from the working directory. */
    if (p->plan->path[0] != '/')
        plan_fail_step(p, EXIT_EXEC, ENOENT, p->plan->path);
    else
        plan_step(p, STEP_EXEC, EXIT_EXEC)->subject = p->plan->path;
}

static int make(struct planner *p) {
    int r;
    decide_scope(p);
    if ((r = plan_identity(p)) < 0)
        return r;
    /* Users and groups that do not exist: the child fails at them once its signals are in order. */
    size_t failures = p->plan->n_steps;
    struct step *failed = p->plan->steps;
    p->plan->steps = NULL;
    p->plan->n_steps = p->room_steps = 0;
    if ((r = plan_environment(p)) < 0)
        return r;
    plan_sandbox_decide(p);
    find_command(p);
    plan_arguments(p);

    plan_start(p);
    for (size_t i = 0; i < failures; i++)
        *plan_step(p, STEP_FAIL, failed[i].exit_status) = failed[i];
    plan_streams(p);
    plan_scheduling(p);
    plan_step(p, STEP_UMASK, 0)->number = (uint64_t)unit_number(p->unit, D_UMask);
    plan_directories(p);
    if ((r = plan_credentials(p)) < 0)
        return r;
    plan_limits(p);
    plan_identity_groups(p);
    plan_namespaces(p);
    plan_capabilities(p);
    plan_working_directory(p);
    plan_end(p);

    p->plan->uid = p->setuid ? p->identity.uid : p->permits->uid;
    p->plan->gid = p->setuid ? p->identity.gid : p->permits->gid;
    return arena_failed(p->arena) ? -ENOMEM : 0;
}

int exec_plan_make(const struct exec_request *request, struct exec_plan **ret, int *ret_exit_status,
                   struct text *why) {
    *ret_exit_status = 0;
    struct arena *arena = arena_new();
    struct exec_plan *plan = arena ? arena_alloc(arena, sizeof(struct exec_plan)) : NULL;
    int r = -ENOMEM;
    if (plan) {
        plan->arena = arena;
        struct planner p = { .request = request,
                             .unit = request->unit,
                             .permits = request->permits,
                             .plan = plan,
                             .arena = arena,
                             .why = why };
        r = make(&p);
    }
    if (r >= 0 && plan->n_degraded > 0 && unit_bool(request->unit, D_Strict)) {
        text_addf(why, "Strict=yes: %s= cannot be enforced: %s", directive_row(plan->degraded[0].directive)->name,
                  plan->degraded[0].why);
        r = -EPERM;
    }
    if (r < 0) {
        if (r == -ENOMEM)
            text_add(why, "Out of memory");
        else if (why->len == 0)
            text_addf(why, "Failed to prepare the command: %s", strerror(-r));
        arena_free(arena);
        return r;
    }
    *ret = plan;
    return 0;
}

void exec_plan_free(struct exec_plan *plan) {
    if (plan)
        arena_free(plan->arena);
}

void exec_plan_freep(struct exec_plan **plan) {
    exec_plan_free(*plan);
}
