/* SPDX-License-Identifier: Apache-2.0 */
/* The surroundings, looked at and put in order before the first unit is loaded: descriptors, signals, limits,
 * environment, the runtime directory, the machine id. Everything is a probe: what this container does not
 * permit is done without, and nothing here is fatal. Knows no units and no manager; main calls it and hands
 * the result on.
 *
 * What is left of an earlier run. /run is memory on a machine and starts empty; in a container it is often
 * part of the image and survives `docker start`, with PID files that name innocent processes and sockets
 * nobody listens on. So PID 1, and nobody else, removes every file, socket and FIFO below /run and all of
 * /run/systemd; directories and symlinks elsewhere stay, because images make them for services to find. Kept:
 * what container managers put there
 * (/run/.containerenv, /run/host, /run/secrets), every mount and what is below it, bind mounts of the same
 * file system included. If /run itself is a mount it is either fresh or somebody's volume: then only
 * /run/systemd is emptied. And if anybody answers at a socket there, this /run is shared with the living:
 * nothing is removed. */
#pragma once

#include "base/id128.h"
#include "base/macro.h"
#include <sys/resource.h>

struct boot {
    bool pid1;       /* PID 1 of our PID namespace; otherwise a child subreaper */
    bool root;       /* effective uid 0 */
    char *runtime;   /* "/run", or the first directory that can be written: no trailing slash, never NULL */
    char *container; /* "docker", "podman", "lxc", … "container-other"; NULL: not a container */
    struct id128 machine_id;
    bool machine_id_transient; /* could not be written down */
    struct rlimit nofile;      /* as we were started, before we raised it: what services are to get */
    char **own_environment;    /* as we were given it: `docker run -e`; what PassEnvironment= picks from */
    char **environment; /* what every service gets: PATH, the locale, and what REEVE_PASS_ENVIRONMENT= asks
                           for */
};

enum boot_flags {
    BOOT_USER = 1 << 0,   /* a user manager: nothing outside $XDG_RUNTIME_DIR is touched */
    BOOT_REEXEC = 1 << 1, /* the same boot goes on: nothing is cleaned or made. `nofile` is then what we raised it to */
    BOOT_ON_DEMAND =
        1 << 2, /* others were here before, and go on after: only what an earlier container left is cleaned,
                                no machine id is written down, and boot_remove_runtime() follows */
};

/* REEVE_PASS_ENVIRONMENT in PID 1's environment: "1" (yes, true, on) gives all of it to every service, a list
 * of names these. Never passed: what a process is told about itself (HOME, USER, SHELL, PWD, TERM,
 * NOTIFY_SOCKET, LISTEN_FDS, …). */

/* The first thing a manager does, before it logs or opens anything: 0, 1 and 2 are open afterwards, inherited
 * descriptors do not reach services, SIGPIPE and the terminal's stop signals are ignored. 0 with *ret to be
 * given to boot_done(); -ENOMEM. What could not be done is logged as a warning; see base/log.h. */
int boot_prepare(struct boot *ret, enum boot_flags flags);
void boot_done(struct boot *boot);

/* A shell on this terminal is about to be started (StandardInput=tty, `docker run -it`): if it is our controlling
 * terminal, lets go of it, since the shell could not have it otherwise; the SIGHUP that this costs is swallowed.
 * 0 or -ENOTTY: it is not ours. */
int boot_release_terminal(const char *path);

/* --- parts, for boot_prepare() and tests --- */
/* Which container manager this environment and these files (below `root`, "" normally) speak of; NULL: none.
 * Static. */
const char *boot_detect_container(const char *root, char *const *environment);
/* Removes what the rule above says from `runtime`; all of it is under `runtime`. Returns how many names went.
 */
int boot_clean_runtime(const char *runtime);
/* The same, of what was there before this container's first process began. For those who are not alone in it. */
int boot_clean_earlier(const char *runtime);
/* The end of a manager that was started on demand: its files go, so that they do not stay in a layer of an image. */
void boot_remove_runtime(const char *runtime);
/* Reads root/etc/machine-id or makes one there (`root` NULL: of this system, and none is made). *ret_transient: it
 * could not be written there; then it is kept in `runtime`/machine-id, so that a re-execution finds it. 0, or
 * -EAGAIN without entropy. */
int boot_machine_id(const char *root, const char *runtime, char *const *environment, struct id128 *ret,
                    bool *ret_transient);
/* The first usable runtime directory; caller frees; NULL: no memory. */
char *boot_find_runtime(char *const *environment, enum boot_flags flags);
/* What services get of PID 1's environment. -ENOMEM. */
int boot_service_environment(const char *root, char *const *own, char ***ret);
