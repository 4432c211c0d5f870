/* SPDX-License-Identifier: Apache-2.0 */
/* Users whom /etc/passwd does not have (LDAP, sssd, …): asked of the image's own getent, by a child that was
 * forked and so may wait for it. Our static binary must not load the image's name service modules itself. */
#include "exec/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const getent_paths[] = { "/usr/bin/getent", "/bin/getent", "/usr/local/bin/getent" };

/* Its output in `buffer`, NUL-terminated. 0; -ESRCH: nothing found; or a negative errno. */
static int ask(const char *database, const char *key, char *buffer, size_t size) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0) {
        int r = -errno;
        close(fds[0]);
        close(fds[1]);
        return r;
    }
    if (pid == 0) {
        char *argv[] = { (char *)"getent", (char *)database, (char *)key, NULL };
        char *envp[] = { (char *)"PATH=/usr/bin:/bin", NULL };
        if (fds[1] == STDOUT_FILENO)
            fcntl(fds[1], F_SETFD, 0);
        else
            dup2(fds[1], STDOUT_FILENO);
        for (size_t i = 0; i < ELEMENTS(getent_paths); i++)
            execve(getent_paths[i], argv, envp);
        _exit(127);
    }
    close(fds[1]);
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fds[0], buffer + n, size - 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(fds[0]);
    buffer[n] = 0;
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 && n > 0 ? 0 : -ESRCH;
}

static bool parse_number(const char *s, size_t n, uint32_t *ret) {
    uint64_t number = 0;
    if (n == 0 || n > 10)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(s[i] - '0');
    }
    if (number >= UINT32_MAX)
        return false;
    *ret = (uint32_t)number;
    return true;
}

static void copy_value(char *to, const char *from, size_t n) {
    if (!to || n >= RESOLVED_VALUE_MAX)
        return;
    memcpy(to, from, n);
    to[n] = 0;
}

int step_resolve_user(struct child *child, const struct step *step) {
    char answer[4096];
    int r = ask("passwd", step->subject, answer, sizeof(answer));
    if (r < 0)
        return r;
    const char *fields[7], *p = answer;
    size_t lengths[7], n = 0;
    while (n < ELEMENTS(fields)) {
        fields[n] = p;
        lengths[n] = strcspn(p, ":\n");
        p += lengths[n++];
        if (*p != ':')
            break;
        p++;
    }
    if (n < ELEMENTS(fields) || !parse_number(fields[2], lengths[2], &child->uid) ||
        !parse_number(fields[3], lengths[3], &child->gid))
        return -ESRCH;
    copy_value(step->resolve.home, fields[5], lengths[5]);
    copy_value(step->resolve.shell, fields[6], lengths[6]);

    /* "name  4 27 1000": without an answer the user has its own group only. */
    child->groups[0] = child->gid;
    child->n_groups = 1;
    if (ask("initgroups", step->subject, answer, sizeof(answer)) >= 0)
        for (p = answer + strcspn(answer, " \t\n"); *p && child->n_groups < RESOLVED_GROUPS_MAX;) {
            p += strspn(p, " \t\n");
            size_t length = strcspn(p, " \t\n");
            gid_t gid;
            if (parse_number(p, length, &gid) && gid != child->gid)
                child->groups[child->n_groups++] = gid;
            p += length;
        }
    return 0;
}
