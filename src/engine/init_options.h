/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's command line: systemd(1) "Options", and reeve's own. */
#pragma once

#include <stdbool.h>

struct init_options {
    bool user, on_demand, foreground;
    const char *unit;
    char **exit_with;
    int log_level, show_status; /* -1: not given */
    int state_fd;               /* --deserialize=; -1 */
};

/* Strings stay the caller's argv's, but for exit_with, which is the caller's to free. What is unknown is said and
 * passed over: what an orchestrator adds must not keep a container from booting. 0 or -ENOMEM. */
int init_options_parse(int argc, char **argv, struct init_options *o);
