/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates Condition*= and Assert*=. systemd.unit(5) "Conditions and Asserts". Looks at the system, decides,
 * says which one failed; what follows from that is the engine's business. Never blocks. */
#pragma once

#include "unit/unit_file.h"

/* What is the same for all units of a manager. condition_context_init() fills it; the pointers are borrowed.
 */
struct condition_context {
    const struct manager_dirs *dirs;
    char *const *environment;   /* the manager's own: ConditionEnvironment= */
    const char *virtualization; /* "docker", "podman", …, "container-other", "kvm", …; "none" */
    bool virtualization_vm;     /* that is the name of a virtual machine, not of a container */
    bool first_boot;            /* set by the caller; false after init */
};

/* `environment`: what the manager was started with, $container among it. */
void condition_context_init(struct condition_context *ctx, const struct manager_dirs *dirs,
                            char *const *environment);

/* What we run in, named as systemd-detect-virt does: by $container of `environment` (NULL: of
 * /proc/1/environ), the files that engines leave (/run/systemd/container, /run/.containerenv, /.dockerenv),
 * the PID namespace, and DMI for virtual machines. A static string, "none" if it is nothing of the kind.
 * *ret_vm (may be NULL) tells machines from containers. */
const char *virtualization_detect(char *const *environment, bool *ret_vm);

/* 1 if it holds, 0 if not ("!" is applied), negative errno if that cannot be told. */
int condition_test(const struct condition *condition, const struct condition_context *ctx);

/* All without "|" must hold, and at least one of those with "|" if there are any; what cannot be told does
 * not hold. `list` may be NULL. `failed` (may be NULL) is called once if the answer is no: with the condition
 * that decided it, or with NULL when none of those with "|" held. `results` (may be NULL, else list->n
 * entries) gets for each what D-Bus shows: 0 untested, 1 held, -1 did not. */
bool conditions_pass(const struct condition_list *list, const struct condition_context *ctx,
                     void (*failed)(void *userdata, const struct condition *condition), void *userdata,
                     int *results);

/* "ConditionPathExists=|!/run/x", as systemd's log line quotes it. */
void condition_describe(const struct condition *condition, struct text *out);

/* Version numbers by the rules of the UAPI group's version format: <0, 0, >0. */
int version_compare(const char *a, const char *b);
