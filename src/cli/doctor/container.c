/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be said of the container itself: what stands in front of the manager, where its output goes, and what
 * it may and may not. Knows no units. */
#include "cli/doctor/doctor.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void name_of(int pid, char name[static 32]) {
    _cleanup_free_ char *comm = NULL;
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    name[0] = 0;
    if (file_read(path, 64, &comm, NULL) >= 0)
        snprintf(name, 32, "%.*s", (int)strcspn(comm, "\n"), comm);
}

void check_first_process(struct doctor *d) {
    char name[32];
    name_of(1, name);
    if (!ctl.bus) {
        text_addf(&d->what, "no service manager answers; the first process is %s", name);
        doctor_tell(d, SEVERITY_PROBLEM, NULL,
                    d->is_anothers ? "only root and the manager's own user may ask it"
                                   : "only a manager starts and watches services",
                    d->is_anothers ? "ask as the user that the manager runs as"
                                   : "let the container's command be /sbin/init or `reeve init`");
    } else if (d->manager.alive && d->manager.pid != 1 && !d->manager.on_demand) {
        text_addf(&d->what, "the first process is %s, and the manager is process %d", name, d->manager.pid);
        doctor_tell(d, SEVERITY_NOTE, NULL,
                    "the container ends with the first process, and gets only the signals and the exit status that it "
                    "passes on",
                    "leave out --init, tini, dumb-init or the shell in front: reeve does all of that itself");
    }
}

/* --- stdout ---------------------------------------------------------------------------------------------------- */
void check_stdout(struct doctor *d) {
    char path[48], target[64] = "";
    snprintf(path, sizeof path, "/proc/%d/fd/1", d->manager.alive ? d->manager.pid : 1);
    if (readlink(path, target, sizeof target - 1) < 0)
        return; /* another user's */
    if (strcmp(target, "/dev/null") == 0) {
        text_add(&d->what, "the manager's stdout is /dev/null");
        doctor_tell(d, SEVERITY_NOTE, target, "`docker logs` shows nothing of what services print",
                    "read the journal: journalctl");
    } else if (strncmp(target, "pipe:", 5) == 0) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        struct pollfd p = { .fd = fd, .events = POLLOUT };
        if (fd < 0 || poll(&p, 1, 0) < 0 || p.revents == POLLOUT)
            return;
        bool closed = p.revents & POLLERR;
        text_addf(&d->what, closed ? "nobody has the other end of stdout any more"
                                   : "nobody reads the container's stdout: its pipe is full");
        doctor_tell(d, SEVERITY_PROBLEM, "stdout",
                    closed ? "what services print is dropped there"
                           : "what services print waits, and is dropped from 4 MiB on",
                    "everything is in the journal, journalctl; see to the log driver of the container, or set "
                    "REEVE_LOG_FORMAT=none");
    }
}

/* --- logging in, starting ---------------------------------------------------------------------------------------- */
void check_nologin(struct doctor *d) {
    static const struct {
        const char *path, *why, *cure;
    } files[] = {
        { "/run/nologin", "sshd, login and cron refuse everybody but root", "rm /run/nologin" },
        { "/etc/nologin", "sshd, login and cron refuse everybody but root", "rm /etc/nologin" },
        { "/usr/sbin/policy-rc.d", "package scripts, invoke-rc.d and service ask it, and may not start services",
          "rm /usr/sbin/policy-rc.d, when the image is built" },
    };
    for (size_t i = 0; i < ELEMENTS(files); i++)
        if (access(files[i].path, F_OK) >= 0) {
            text_addf(&d->what, "there is a file %s", files[i].path);
            doctor_tell(d, i < 2 ? SEVERITY_PROBLEM : SEVERITY_NOTE, files[i].path, files[i].why, files[i].cure);
        }
}

/* --- places ------------------------------------------------------------------------------------------------------ */
void check_places(struct doctor *d) {
    static const struct {
        const char *path, *why, *cure;
        enum severity severity;
    } places[] = {
        { "/run", "services keep sockets and PID files there", "docker run --tmpfs /run", SEVERITY_PROBLEM },
        { "/tmp", "services and their scripts need it", "docker run --tmpfs /tmp", SEVERITY_PROBLEM },
        { "/var/tmp", "some services need it", "docker run --tmpfs /var/tmp", SEVERITY_NOTE },
        { "/var/log", "services that log to files fail, and the journal does not outlive the container",
          "a volume or --tmpfs /var/log", SEVERITY_NOTE },
        { "/var/lib", "services that keep data fail", "a volume for the directory of each such service",
          SEVERITY_NOTE },
        { "/etc", "`systemctl enable` and package scripts cannot change anything", "do so when the image is built",
          SEVERITY_NOTE },
    };
    for (size_t i = 0; i < ELEMENTS(places); i++) {
        if (access(places[i].path, W_OK) >= 0 || errno == ENOENT)
            continue;
        text_addf(&d->what, "%s cannot be written to (%s)", places[i].path,
                  errno == EROFS ? "read-only" : "not by this user");
        doctor_tell(d, errno == EROFS ? places[i].severity : SEVERITY_NOTE, places[i].path, places[i].why,
                    places[i].cure);
    }
}

/* --- privilege --------------------------------------------------------------------------------------------------- */
void check_capabilities(struct doctor *d) {
    /* Those that a container has unless it was told otherwise, and what fails without. */
    static const struct {
        unsigned capability;
        const char *name, *why;
    } usual[] = {
        { CAP_KILL, "KILL", "services of other users cannot be stopped" },
        { CAP_SETUID, "SETUID", "User= and daemons that change their user fail" },
        { CAP_SETGID, "SETGID", "Group= and daemons that change their group fail" },
        { CAP_CHOWN, "CHOWN", "directories cannot be given to a service's user" },
        { CAP_DAC_OVERRIDE, "DAC_OVERRIDE", "root cannot read and write files of others" },
        { CAP_FOWNER, "FOWNER", "modes of files of others cannot be changed" },
        { CAP_NET_BIND_SERVICE, "NET_BIND_SERVICE", "ports below 1024 may be refused" },
        { CAP_SYS_CHROOT, "SYS_CHROOT", "daemons that call chroot, such as sshd, refuse who logs in" },
        { CAP_AUDIT_WRITE, "AUDIT_WRITE", "PAM may refuse who logs in" },
    };
    if (!d->permits.root) {
        text_addf(&d->what, "this is user %u, not root", (unsigned)d->permits.uid);
        doctor_tell(d, SEVERITY_NOTE, NULL, "User= of units and ports below 1024 need root",
                    "pick services that run as one user, or run as root");
        return;
    }
    for (size_t i = 0; i < ELEMENTS(usual); i++) {
        if (d->permits.capabilities >> usual[i].capability & 1)
            continue;
        text_addf(&d->what, "CAP_%s is missing", usual[i].name);
        text_addf(&d->cure, "docker run --cap-add %s, if a service needs it", usual[i].name);
        doctor_tell(d, SEVERITY_NOTE, NULL, usual[i].why, NULL);
    }
}
