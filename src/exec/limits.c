/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling and resource limits. systemd.exec(5), "Process Properties" and "Scheduling". What this container
 * forbids is set as far as it allows and recorded; it never fails a start. */
#include "exec/planner.h"

#include "base/fd.h"
#include "base/scan.h"
#include "base/strv.h"
#include "syntax/names.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IOPRIO_CLASS_RT 1
#define IOPRIO_CLASS_SHIFT 13

/* What may not be lowered or raised needs a look at where we stand. */
static int own_oom_score(void) {
    _cleanup_free_ char *text = NULL;
    int score = 0;
    if (file_read("/proc/self/oom_score_adj", 64, &text, NULL) >= 0) {
        const char *at = text;
        (void)scan_int(&at, &score);
    }
    return score;
}

static void plan_oom_score(struct planner *p) {
    if (!unit_setting_written(p->unit, D_OOMScoreAdjust))
        return;
    int64_t wanted = unit_number(p->unit, D_OOMScoreAdjust);
    if (!has_cap(p, CAP_SYS_RESOURCE)) {
        int own = own_oom_score();
        if (wanted < own) {
            plan_degrade(p, D_OOMScoreAdjust,
                         "lowering it needs CAP_SYS_RESOURCE, which this container lacks");
            return;
        }
    }
    plan_step(p, STEP_OOM_SCORE, 0)->number = (uint64_t)wanted;
}

static void plan_nice(struct planner *p) {
    if (!unit_setting_written(p->unit, D_Nice))
        return;
    int64_t wanted = unit_number(p->unit, D_Nice);
    struct rlimit limit;
    if (wanted < 0 && !has_cap(p, CAP_SYS_NICE) &&
        (getrlimit(RLIMIT_NICE, &limit) < 0 || wanted < 20 - (int64_t)MIN(limit.rlim_cur, (rlim_t)40))) {
        plan_degrade(p, D_Nice, "negative values need CAP_SYS_NICE, which this container lacks");
        return;
    }
    plan_step(p, STEP_NICE, 0)->number = (uint64_t)wanted;
}

static void plan_policy(struct planner *p) {
    bool policy_set = unit_setting_written(p->unit, D_CPUSchedulingPolicy);
    if (!policy_set && !unit_setting_written(p->unit, D_CPUSchedulingPriority) &&
        !unit_bool(p->unit, D_CPUSchedulingResetOnFork))
        return;
    int policy = (int)unit_number(p->unit, D_CPUSchedulingPolicy);
    int priority = (int)unit_number(p->unit, D_CPUSchedulingPriority);
    bool realtime = policy == SCHED_FIFO || policy == SCHED_RR;
    if (realtime && !has_cap(p, CAP_SYS_NICE)) {
        plan_degrade(p, D_CPUSchedulingPolicy,
                     "real-time policies need CAP_SYS_NICE, which this container lacks");
        return;
    }
    struct step *s = plan_step(p, STEP_SCHEDULER, realtime ? 0 : EXIT_SETSCHEDULER);
    s->scheduler.policy = policy;
    s->scheduler.priority = realtime ? MAX(priority, 1) : 0;
    s->scheduler.reset_on_fork = unit_bool(p->unit, D_CPUSchedulingResetOnFork);
}

/* "0-3", "5": bits of an affinity mask. "numa" says nothing here. */
static void plan_affinity(struct planner *p) {
    char *const *list = unit_strv(p->unit, D_CPUAffinity);
    cpu_set_t *set = strv_length(list) > 0 ? arena_alloc(p->arena, sizeof(cpu_set_t)) : NULL;
    if (!set)
        return;
    STRV_FOREACH(item, list) {
        uint32_t first, last;
        if (!scan_range(*item, &first, &last))
            continue;
        for (uint32_t cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++)
            CPU_SET(cpu, set);
    }
    if (CPU_COUNT(set) == 0)
        return;
    /* A container may be confined to other processors: then it stays where it is. */
    cpu_set_t allowed, common;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) >= 0) {
        CPU_AND(&common, &allowed, set);
        if (CPU_COUNT(&common) == 0) {
            plan_degrade(p, D_CPUAffinity, "this container may use none of these processors");
            return;
        }
    }
    struct step *s = plan_step(p, STEP_AFFINITY, 0);
    s->affinity.set = set;
    s->affinity.size = sizeof(cpu_set_t);
}

/* NUMAPolicy=, NUMAMask=: set_mempolicy(2). Its modes are the names of the setting, in their order. */
static void plan_memory_policy(struct planner *p) {
    enum { NODES_MAX = 1024, LOCAL = 4 };
    if (!unit_setting_written(p->unit, D_NUMAPolicy) || unit_number(p->unit, D_NUMAPolicy) < 0)
        return;
    if (syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0) < 0) {
        plan_degrade(p, D_NUMAPolicy,
                     errno == ENOSYS ? "this kernel knows no memory nodes"
                                     : "set_mempolicy(2) needs CAP_SYS_NICE, which this container lacks");
        return;
    }
    int mode = (int)unit_number(p->unit, D_NUMAPolicy);
    unsigned long *nodes = arena_alloc(p->arena, NODES_MAX / 8);
    size_t n_nodes = 0;
    const size_t bits = 8 * sizeof(*nodes);
    STRV_FOREACH(item, unit_strv(p->unit, D_NUMAMask)) {
        uint32_t first, last;
        if (!nodes || !scan_range(*item, &first, &last))
            continue;
        for (uint32_t node = first; node <= last && node < NODES_MAX; node++, n_nodes++)
            nodes[node / bits] |= 1UL << node % bits;
    }
    struct step *s = plan_step(p, STEP_MEMORY_POLICY, EXIT_NUMA_POLICY);
    s->memory.mode = mode;
    if (n_nodes > 0 && mode != 0 && mode != LOCAL) {
        s->memory.nodes = nodes;
        s->memory.n_bits = NODES_MAX;
    }
}

/* MemoryKSM=: kernels before 6.4, and those without same-page merging, go on without. */
static void plan_memory_merge(struct planner *p) {
    int64_t merge = unit_number(p->unit, D_MemoryKSM);
    if (!unit_setting_written(p->unit, D_MemoryKSM) || merge < 0)
        return;
    if (access("/sys/kernel/mm/ksm/general_profit", F_OK) < 0) {
        plan_degrade(p, D_MemoryKSM, "this kernel merges no pages of programs that do not ask for it");
        return;
    }
    plan_step(p, STEP_MEMORY_MERGE, 0)->number = (uint64_t)merge;
    p->plan->forks = true; /* it belongs to the memory, which is ours */
}

static void plan_io_priority(struct planner *p) {
    if (!unit_setting_written(p->unit, D_IOSchedulingClass) &&
        !unit_setting_written(p->unit, D_IOSchedulingPriority))
        return;
    int class = (int)unit_number(p->unit, D_IOSchedulingClass),
        priority = (int)unit_number(p->unit, D_IOSchedulingPriority);
    if (class == IOPRIO_CLASS_RT && !has_cap(p, CAP_SYS_ADMIN) && !has_cap(p, CAP_SYS_NICE)) {
        plan_degrade(p, D_IOSchedulingClass,
                     "the realtime class needs CAP_SYS_NICE, which this container lacks");
        return;
    }
    /* A priority alone means best effort; the idle class and "none" have no priorities. */
    if (class == 0 && unit_setting_written(p->unit, D_IOSchedulingPriority))
        class = 2;
    if (class == 0 || class == 3)
        priority = 0;
    plan_step(p, STEP_IOPRIO, 0)->number = (uint64_t)(class << IOPRIO_CLASS_SHIFT | priority);
}

void plan_scheduling(struct planner *p) {
    plan_oom_score(p);
    size_t before = p->plan->n_steps;
    plan_nice(p);
    plan_policy(p);
    plan_affinity(p);
    plan_io_priority(p);
    plan_memory_policy(p);
    plan_memory_merge(p);
    /* The manager is not to wait for a child that seldom gets the processor or the disk. */
    if (p->plan->n_steps > before)
        p->plan->forks = true;
    if (unit_setting_written(p->unit, D_TimerSlackNSec) && unit_size(p->unit, D_TimerSlackNSec) != UINT64_MAX)
        plan_step(p, STEP_TIMER_SLACK, EXIT_TIMERSLACK)->number = unit_size(p->unit, D_TimerSlackNSec);
    if (unit_setting_written(p->unit, D_Personality) && unit_number(p->unit, D_Personality) >= 0)
        plan_step(p, STEP_PERSONALITY, EXIT_PERSONALITY)->number =
            (uint64_t)unit_number(p->unit, D_Personality);
    if (unit_setting_written(p->unit, D_CoredumpFilter) &&
        unit_size(p->unit, D_CoredumpFilter) != UINT64_MAX) {
        struct step *s = plan_step(p, STEP_COREDUMP_FILTER, 0);
        char *text =
            arena_printf(p->arena, "0x%llx", (unsigned long long)unit_size(p->unit, D_CoredumpFilter));
        s->blob.data = text;
        s->blob.size = strlen(text);
        p->plan->forks = true; /* it belongs to the memory, which is ours */
    }
}

static const struct {
    enum directive id;
    int resource;
} limits[] = {
    { D_LimitCPU, RLIMIT_CPU },
    { D_LimitFSIZE, RLIMIT_FSIZE },
    { D_LimitDATA, RLIMIT_DATA },
    { D_LimitSTACK, RLIMIT_STACK },
    { D_LimitCORE, RLIMIT_CORE },
    { D_LimitRSS, RLIMIT_RSS },
    { D_LimitNOFILE, RLIMIT_NOFILE },
    { D_LimitAS, RLIMIT_AS },
    { D_LimitNPROC, RLIMIT_NPROC },
    { D_LimitMEMLOCK, RLIMIT_MEMLOCK },
    { D_LimitSIGPENDING, RLIMIT_SIGPENDING },
    { D_LimitMSGQUEUE, RLIMIT_MSGQUEUE },
    { D_LimitNICE, RLIMIT_NICE },
    { D_LimitRTPRIO, RLIMIT_RTPRIO },
    { D_LimitRTTIME, RLIMIT_RTTIME },
    /* LimitLOCKS= is stored and shown only: that limit carries the lineage tag. */
};

static void plan_rlimit(struct planner *p, int resource, struct rlimit limit) {
    struct step *s = plan_step(p, STEP_RLIMIT, EXIT_LIMITS);
    s->rlimit.resource = resource;
    s->rlimit.limit = limit;
}

void plan_limits(struct planner *p) {
    bool nofile = false, rtprio = false;
    for (size_t i = 0; p->sandboxing && i < ELEMENTS(limits); i++) {
        if (!unit_setting_written(p->unit, limits[i].id))
            continue;
        const struct rlimit_pair *pair = unit_object(p->unit, limits[i].id);
        if (!pair)
            continue;
        struct rlimit wanted = { pair->soft, pair->hard }, old;
        nofile |= limits[i].resource == RLIMIT_NOFILE;
        rtprio |= limits[i].resource == RLIMIT_RTPRIO;
        if (!has_cap(p, CAP_SYS_RESOURCE) && getrlimit(limits[i].resource, &old) >= 0 &&
            wanted.rlim_max > old.rlim_max) {
            wanted.rlim_max = old.rlim_max;
            wanted.rlim_cur = MIN(wanted.rlim_cur, wanted.rlim_max);
            plan_degrade(p, limits[i].id, "above this container's hard limit: raised as far as that");
        }
        plan_rlimit(p, limits[i].resource, wanted);
    }
    /* The manager may have raised its own. */
    struct rlimit own;
    if (!nofile && getrlimit(RLIMIT_NOFILE, &own) >= 0 &&
        (own.rlim_cur != p->permits->nofile.rlim_cur || own.rlim_max != p->permits->nofile.rlim_max))
        plan_rlimit(p, RLIMIT_NOFILE, p->permits->nofile);
    if (p->sandboxing && unit_bool(p->unit, D_RestrictRealtime) && !rtprio)
        plan_rlimit(p, RLIMIT_RTPRIO, (struct rlimit){ 0, 0 });
}
