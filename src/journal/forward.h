/* SPDX-License-Identifier: Apache-2.0 */
/* The sink that is the image's syslog daemon: rsyslog and its like get everything that is logged, where they listen,
 * at `systemd/journal/syslog` in the runtime directory (syslog.socket). systemd.special(7), journald.conf(5)
 * ForwardToSyslog=. */
#pragma once

#include "journal/entry.h"

#include <sys/un.h>

struct forward {
    struct sink sink; /* first */
    int fd;           /* -1: cannot be done */
    struct sockaddr_un address;
    bool on;          /* ForwardToSyslog= */
    int max_level;    /* MaxLevelSyslog= */
    bool nobody; /* listened when last tried, in this turn */
};

void forward_open(struct forward *f, const char *runtime);
void forward_close(struct forward *f);
/* A new turn: somebody may listen by now. */
void forward_turn(struct forward *f);
