/* SPDX-License-Identifier: Apache-2.0 */
/* System-call filters, compiled to BPF programs in the manager, each distinct setting once. systemd.exec(5),
 * "System Call Filtering" and the Restrict* settings of "Sandboxing". Knows no units. */
#pragma once

#include "base/macro.h"
#include <linux/filter.h>

/* What is not to be possible, beside SystemCallFilter=. */
enum restriction {
    RESTRICT_REALTIME = 1 << 0,
    RESTRICT_SUID_SGID = 1 << 1,
    LOCK_PERSONALITY = 1 << 2,
    DENY_WRITE_EXECUTE = 1 << 3,
    PROTECT_HOSTNAME = 1 << 4,
    PROTECT_CLOCK = 1 << 5,
    PROTECT_MODULES = 1 << 6,
    PROTECT_LOGS = 1 << 7,
    DENY_RAW_IO = 1 << 8,
};

struct filter_settings {
    enum restriction restrictions;
    char *const
        *families; /* RestrictAddressFamilies=, as type_address_families keeps it; NULL: all are allowed */
    uint64_t namespaces;        /* CLONE_NEW* flags that stay allowed; UINT64_MAX: all */
    char *const *architectures; /* SystemCallArchitectures=; NULL: all */
    char *const *calls;         /* SystemCallFilter=, as type_system_calls keeps it; NULL: none */
    int error;                  /* SystemCallErrorNumber=; 0: the process is killed */
    unsigned long personality;  /* LOCK_PERSONALITY: the one to stay */
};

struct filter_program {
    const struct sock_filter *filter;
    unsigned short length; /* 0: nothing to install */
};
#define FILTER_PROGRAMS 2

/* The programs to install, in this order. They are borrowed from a cache: copy them before the next call. 0
 * or a negative errno. */
int filter_compile(const struct filter_settings *settings, struct filter_program ret[static FILTER_PROGRAMS]);

/* Which calls a SystemCallFilter= comes down to, for tests: appends one line "NAME" or "NAME:error" each,
 * sorted as the kernel numbers them, after a first line "allow" or "deny". */
struct text;
int filter_list_calls(char *const *calls, struct text *out);
