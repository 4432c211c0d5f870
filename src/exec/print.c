/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as a person reads it: `reeve explain`. */
#include "exec/plan.h"

#include "base/strv.h"
#include "syntax/names.h"
#include "syntax/words.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>

static const char *const kind_names[STEP_KINDS] = {
    [STEP_FAIL] = "fail",
    [STEP_SIGNALS] = "signals",
    [STEP_IDLE] = "wait until all jobs are done",
    [STEP_SETSID] = "new session",
    [STEP_LINEAGE] = "lineage tag",
    [STEP_RLIMIT] = "limit",
    [STEP_OOM_SCORE] = "OOM score",
    [STEP_NICE] = "nice",
    [STEP_SCHEDULER] = "CPU scheduler",
    [STEP_IOPRIO] = "I/O priority",
    [STEP_AFFINITY] = "CPU affinity",
    [STEP_MEMORY_POLICY] = "memory policy",
    [STEP_MEMORY_MERGE] = "merge equal pages",
    [STEP_TIMER_SLACK] = "timer slack",
    [STEP_COREDUMP_FILTER] = "core dump filter",
    [STEP_UMASK] = "umask",
    [STEP_OPEN] = "open",
    [STEP_FD] = "descriptor",
    [STEP_FD_SPARE] = "put aside descriptor",
    [STEP_FD_BLOCKING] = "non-blocking",
    [STEP_TTY] = "terminal",
    [STEP_TTY_OWNER] = "own terminal",
    [STEP_OPEN_FILE] = "open",
    [STEP_DATA] = "input data",
    [STEP_DIRECTORY] = "directory",
    [STEP_SYMLINK] = "link",
    [STEP_CREDENTIAL] = "credential",
    [STEP_RESOLVE_USER] = "ask getent for user",
    [STEP_NAMESPACE] = "new namespace",
    [STEP_LOOPBACK] = "loopback up",
    [STEP_MOUNT] = "mount",
    [STEP_CHROOT] = "chroot",
    [STEP_CHDIR] = "working directory",
    [STEP_GROUPS] = "groups",
    [STEP_GID] = "gid",
    [STEP_KEEP_CAPS] = "keep capabilities",
    [STEP_UID] = "uid",
    [STEP_CAPS_BOUND] = "bounding set",
    [STEP_CAPS_SET] = "capabilities",
    [STEP_CAPS_AMBIENT] = "ambient set",
    [STEP_SECUREBITS] = "secure bits",
    [STEP_NO_NEW_PRIVS] = "no new privileges",
    [STEP_LANDLOCK] = "landlock",
    [STEP_SECCOMP] = "system-call filter",
    [STEP_PERSONALITY] = "personality",
    [STEP_PDEATHSIG] = "parent-death signal",
    [STEP_CLOSE_OTHERS] = "close other descriptors",
    [STEP_LISTEN_PID] = "process id into environment",
    [STEP_EXEC] = "exec",
};

static void print_limit(struct text *out, rlim_t limit) {
    if (limit == RLIM_INFINITY)
        text_add(out, "infinity");
    else
        text_addf(out, "%llu", (unsigned long long)limit);
}

static void print_id(struct text *out, uint32_t id) {
    if (id == UID_RESOLVED)
        text_add(out, "as found");
    else
        text_addf(out, "%u", id);
}

static void print_details(const struct step *s, struct text *out) {
    switch (s->kind) {
    case STEP_FAIL:
        text_addf(out, " %s", strerror((int)s->number));
        break;
    case STEP_SIGNALS:
        text_add(out, " to their defaults");
        for (int i = 1; i < 64; i++)
            if (s->number >> i & 1)
                text_addf(out, ", SIG%s ignored", signal_to_string(i));
        break;
    case STEP_RLIMIT:
        text_addf(out, " %s ", rlimit_to_string(s->rlimit.resource));
        print_limit(out, s->rlimit.limit.rlim_cur);
        text_add_char(out, ':');
        print_limit(out, s->rlimit.limit.rlim_max);
        break;
    case STEP_OOM_SCORE:
    case STEP_NICE:
        text_addf(out, " %lld", (long long)s->number);
        break;
    case STEP_SCHEDULER:
        text_addf(out, " policy %d priority %d", s->scheduler.policy, s->scheduler.priority);
        break;
    case STEP_IOPRIO:
        text_addf(out, " class %d level %d", (int)s->number >> 13, (int)s->number & 0x1fff);
        break;
    case STEP_UMASK:
        text_addf(out, " %04o", (unsigned)s->number);
        break;
    case STEP_OPEN:
        text_addf(out, " as %d%s%s", s->open.to, s->open.flags & O_APPEND ? ", append" : "",
                  s->open.flags & O_TRUNC ? ", truncate" : "");
        break;
    case STEP_FD:
        if (s->fd.from == FD_SPARE)
            text_addf(out, " put aside → %d", s->fd.to);
        else
            text_addf(out, " %d → %d", s->fd.from, s->fd.to);
        break;
    case STEP_FD_SPARE:
        text_addf(out, " %d", s->fd.from);
        break;
    case STEP_FD_BLOCKING:
        text_addf(out, " %d: %s", s->fd.to, s->fd.from ? "yes" : "no");
        break;
    case STEP_TTY:
        text_addf(out, " as %d", s->tty.to);
        break;
    case STEP_DATA:
        text_addf(out, " %zu bytes as %d", s->blob.size, s->blob.to);
        break;
    case STEP_DIRECTORY:
        text_addf(out, " mode %04o owner ", (unsigned)s->directory.mode);
        print_id(out, s->directory.uid);
        text_add_char(out, ':');
        print_id(out, s->directory.gid);
        break;
    case STEP_SYMLINK:
        text_addf(out, " → %s", s->link.target);
        break;
    case STEP_CREDENTIAL:
        text_addf(out, " %zu bytes", s->blob.size);
        break;
    case STEP_GROUPS:
        if (s->groups.resolved)
            text_add(out, " as found");
        for (size_t i = 0; i < s->groups.n; i++)
            text_addf(out, " %u", s->groups.groups[i]);
        break;
    case STEP_GID:
    case STEP_UID:
        text_add_char(out, ' ');
        print_id(out, (uint32_t)s->number);
        break;
    case STEP_LINEAGE:
    case STEP_NAMESPACE:
    case STEP_CAPS_BOUND:
    case STEP_CAPS_AMBIENT:
    case STEP_SECUREBITS:
    case STEP_PERSONALITY:
        text_addf(out, " 0x%llx", (unsigned long long)s->number);
        break;
    case STEP_CAPS_SET:
        text_addf(out, " permitted 0x%llx inheritable 0x%llx", (unsigned long long)s->caps.permitted,
                  (unsigned long long)s->caps.inheritable);
        break;
    case STEP_SECCOMP:
        text_addf(out, " %u instructions", s->program.length);
        break;
    case STEP_MEMORY_POLICY:
        text_addf(out, " %d", s->memory.mode);
        break;
    case STEP_OPEN_FILE:
        text_addf(out, " as %zu%s", 3 + s->open_file.place, s->open_file.graceful ? ", if it is there" : "");
        break;
    case STEP_TIMER_SLACK:
    case STEP_MEMORY_MERGE:
    case STEP_PDEATHSIG:
        text_addf(out, " %llu", (unsigned long long)s->number);
        break;
    case STEP_CLOSE_OTHERS:
        text_addf(out, " from %llu", (unsigned long long)s->number);
        break;
    default:
        break;
    }
    if (s->exit_status == 0)
        text_add(out, " (may fail)");
}

void exec_plan_print(const struct exec_plan *plan, struct text *out) {
    text_addf(out, "Command: %s", plan->path);
    for (char **a = plan->argv; a && *a; a++) {
        text_add_char(out, a == plan->argv ? '\n' : ' ');
        if (a == plan->argv)
            text_add(out, "Arguments: ");
        word_quote(out, *a);
    }
    text_addf(out, "\nProcess: %s\nSteps:\n",
              plan->forks ? "forked, as a step may block" : "shares the manager's memory until exec");
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        text_addf(out, "  %2zu %s", i + 1, kind_names[s->kind]);
        if (s->subject)
            text_addf(out, " %s", s->subject);
        print_details(s, out);
        text_add_char(out, '\n');
    }
    text_add(out, "Environment:\n");
    STRV_FOREACH(e, plan->envp) {
        text_add(out, "  ");
        word_quote(out, *e);
        text_add_char(out, '\n');
    }
    if (plan->n_degraded > 0)
        text_add(out, "Not enforced here:\n");
    for (size_t i = 0; i < plan->n_degraded; i++)
        text_addf(out, "  %s=: %s\n", directive_row(plan->degraded[i].directive)->name,
                  plan->degraded[i].why);
}
