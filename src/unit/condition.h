/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates Condition*= and Assert*=. systemd.unit(5) "Conditions and Asserts". Looks at the system, decides, says
 * which one failed; what follows from that is the engine's business. Never blocks. */
#pragma once

#include "base/id128.h"
#include "unit/unit_file.h"

/* What is the same for all units of a manager, and cheap to keep. condition_context_init() fills it; the pointers are
 * borrowed from the caller. */
struct condition_context {
    const struct manager_dirs *dirs;
    char *const *environment;   /* of the manager as it was started: ConditionEnvironment= */
    const char *virtualization; /* "docker", "podman", …, "container-other"; "none". virtualization_detect() */
    bool virtualization_vm;     /* the name above is that of a virtual machine, not of a container */
    bool first_boot;
    bool needs_update_known, needs_update; /* filled at the first look */
};

/* What the container is: the same names as systemd-detect-virt prints. Looks at $container of `environment`, the files
 * that engines leave (/run/systemd/container, /.dockerenv, /run/.containerenv), /proc/1/environ where it may be read,
 * and DMI for virtual machines. A static string, "none" if nothing is found; *ret_vm tells machines from containers. */
const char *virtualization_detect(char *const *environment, bool *ret_vm);
/* A static name of a container or machine engine equal to s; "container-other" for anything else. */
const char *virtualization_name(const char *s);

void condition_context_init(struct condition_context *ctx, const struct manager_dirs *dirs, char *const *environment);

/* 1 if it holds, 0 if not (negation applied), negative errno if that cannot be told. */
int condition_test(const struct condition *condition, struct condition_context *ctx);

/* All without "|" must hold, and at least one of those with "|" if there are any. What cannot be told counts as not
 * fulfilled. `failed` (may be NULL) is called for the first that decided the matter; `results` (may be NULL) gets what
 * `systemctl show -p Conditions` prints for each: 0 untested, 1 held, -1 failed, INT_MIN … for errors. */
bool conditions_pass(const struct condition_list *list, struct condition_context *ctx,
                     void (*failed)(void *userdata, const struct condition *condition, int result), void *userdata,
                     int *results);
/* "ConditionPathExists=|!/run/x", as the log line quotes it. */
void condition_describe(const struct condition *condition, struct text *out);
