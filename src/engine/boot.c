/* SPDX-License-Identifier: Apache-2.0 */
/* The process's own surroundings: descriptors, signals, limits, environment. The file system is in
 * boot_dirs.c. */
#include "engine/boot.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/strv.h"
#include "syntax/envfile.h"
#include "syntax/names.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* More descriptors than any container's manager needs; "infinity" makes some programs slow. */
#define NOFILE_MAX (1024 * 1024)

extern char **environ;

/* --- descriptors --- */
/* Without it, whatever is opened next would be taken for stdin or stdout. */
static void fill_standard_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags >= 0 && !(flags & O_PATH)) /* by which the program keeps the number of a closed one */
            continue;
        int got = open("/dev/null", O_RDWR | O_NOCTTY);
        if (got < 0) /* no /dev: reading gives an error, and so does writing, but the number is taken */
            got = open("/", O_RDONLY | O_DIRECTORY);
        if (got >= 0 && got != fd) {
            (void)dup2(got, fd);
            fd_close(got);
        }
    }
}

/* Services get /dev/null as stdin, and half of all scripts write to it: a file in its place would fill the
 * disk. */
static void check_dev_null(bool mend) {
    struct stat st;
    if (stat("/dev/null", &st) >= 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
        return;
    if (mend) {
        (void)unlink("/dev/null");
        if (mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3)) >= 0) {
            (void)chmod("/dev/null", 0666);
            return;
        }
    }
    log_warning("/dev/null is not what it should be; services may misbehave.");
}

int boot_release_terminal(const char *path) {
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode))
        return -ENOTTY;
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || tcgetsid(fd) != getpid() || ioctl(fd, TIOCNOTTY) < 0)
        return -ENOTTY;
    /* It came at once, and waits blocked for the signal descriptor, where it would mean "reload". To ignore a
     * signal throws away a pending one. */
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    if (sigaction(SIGHUP, &ignore, &before) >= 0)
        (void)sigaction(SIGHUP, &before, NULL);
    return 0;
}

/* --- environment --- */
/* What a process is told about itself, and what is ours. */
static const char *const never_passed[] = {
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "TERM",
    "MAIL",
    "container",
    "container_uuid",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MAINPID",
    "MANAGERPID",
    "SYSTEMD_EXEC_PID",
    "CREDENTIALS_DIRECTORY",
    "XDG_RUNTIME_DIR",
    "DBUS_FATAL_WARNINGS",
};

static bool passable(const char *assignment) {
    if (strncmp(assignment, "REEVE_", 6) == 0)
        return false;
    for (size_t i = 0; i < ELEMENTS(never_passed); i++) {
        size_t n = strlen(never_passed[i]);
        if (strncmp(assignment, never_passed[i], n) == 0 && assignment[n] == '=')
            return false;
    }
    return env_assignment_valid(assignment);
}

/* locale.conf(5) says it for systemd, /etc/default/locale for Debian. */
static int add_locale(const char *root, char ***env) {
    static const char *const files[] = { "/etc/locale.conf", "/etc/default/locale" };
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        _cleanup_free_ char *path = path_join(root, files[i]);
        if (!path)
            return -ENOMEM;
        _cleanup_free_ char *data = NULL;
        _cleanup_strv_ char **found = NULL;
        size_t size;
        if (file_read(path, 64 * 1024, &data, &size) < 0)
            continue;
        if (envfile_parse(data, size, &found, NULL, NULL) < 0)
            return -ENOMEM;
        STRV_FOREACH(s, found)
            if ((strncmp(*s, "LANG", 4) == 0 || strncmp(*s, "LC_", 3) == 0) && env_put(env, *s) < 0)
                return -ENOMEM;
        break;
    }
    return 0;
}

int boot_service_environment(const char *root, char *const *own, char ***ret) {
    _cleanup_strv_ char **env = NULL;
    if (strv_add(&env, DEFAULT_PATH) < 0 || add_locale(root, &env) < 0)
        return -ENOMEM;
    const char *pass = env_get(own, "REEVE_PASS_ENVIRONMENT");
    if (pass && pass[0]) {
        int all = bool_parse(pass);
        _cleanup_strv_ char **names = all < 0 ? strv_split(pass, " \t,") : NULL;
        if (all < 0 && !names)
            return -ENOMEM;
        STRV_FOREACH(s, own) {
            char *equals = strchr(*s, '=');
            _cleanup_free_ char *name = equals ? strndup(*s, (size_t)(equals - *s)) : NULL;
            if (equals && !name)
                return -ENOMEM;
            if (name && (all > 0 || strv_contains(names, name)) && passable(*s) && env_put(&env, *s) < 0)
                return -ENOMEM;
        }
    }
    *ret = TAKE(env);
    return 0;
}

/* --- all together --- */
static void settle_signals(void) {
    static const int ignored[] = { SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU };
    for (size_t i = 0; i < ELEMENTS(ignored); i++)
        (void)signal(ignored[i], SIG_IGN);
}

static void raise_nofile(struct rlimit *ret_before) {
    if (getrlimit(RLIMIT_NOFILE, ret_before) < 0) {
        *ret_before = (struct rlimit){ 1024, 4096 };
        return;
    }
    struct rlimit raised = { MIN(ret_before->rlim_max, (rlim_t)NOFILE_MAX), ret_before->rlim_max };
    if (raised.rlim_cur > ret_before->rlim_cur)
        (void)setrlimit(RLIMIT_NOFILE, &raised);
}

static void make_runtime(const struct boot *boot, enum boot_flags flags) {
    static const struct {
        const char *path;
        mode_t mode;
    } directories[] = { { "systemd", 0755 }, { "systemd/system", 0755 }, { "lock", 01777 } };
    for (size_t i = 0; i < ELEMENTS(directories); i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", boot->runtime, directories[i].path);
        /* What is there keeps its mode. */
        if (mkdir(path, directories[i].mode) >= 0)
            (void)chmod(path, directories[i].mode);
        else if (errno != EEXIST)
            log_warning("%s cannot be made: %s", path, strerror(errno));
    }
    char path[4096], text[128];
    /* For clients: which process is the manager, so that what a dead one left is not taken for it. */
    snprintf(path, sizeof(path), "%s/systemd/reeve", boot->runtime);
    snprintf(text, sizeof(text), "%d %llu%s\n", (int)getpid(), (unsigned long long)process_start_time(getpid()),
             flags & BOOT_ON_DEMAND ? " on-demand" : "");
    if (file_write(path, text, 0644) < 0)
        log_debug("%s cannot be written.", path);
    if (!boot->container)
        return;
    snprintf(path, sizeof(path), "%s/systemd/container", boot->runtime);
    snprintf(text, sizeof(text), "%s\n", boot->container);
    int r = file_write(path, text, 0644);
    if (r < 0)
        log_warning("%s cannot be written: %s", path, strerror(-r));
}

int boot_prepare(struct boot *ret, enum boot_flags flags) {
    fill_standard_descriptors();
    settle_signals();
    umask(0022);
    (void)chdir("/");
    struct boot boot = { .pid1 = getpid() == 1, .root = geteuid() == 0 };
    boot.own_environment = strv_copy(environ);
    if (!boot.own_environment)
        return -ENOMEM;
    env_remove(boot.own_environment, "DBUS_FATAL_WARNINGS=0");
    (void)setenv("DBUS_FATAL_WARNINGS", "0", 1);
    if (!(flags & BOOT_REEXEC))
        (void)syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    if (!boot.pid1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        log_warning("Orphans of services cannot be adopted: %s", strerror(errno));
    raise_nofile(&boot.nofile);
    bool system = boot.pid1 && boot.root && !(flags & (BOOT_USER | BOOT_REEXEC));
    if (!(flags & BOOT_USER))
        check_dev_null(system);

    const char *container = boot_detect_container("", boot.own_environment);
    boot.container = container ? strdup(container) : NULL;
    boot.runtime = boot_find_runtime(boot.own_environment, flags);
    if (!boot.runtime || (container && !boot.container) ||
        boot_service_environment("", boot.own_environment, &boot.environment) < 0) {
        boot_done(&boot);
        return -ENOMEM;
    }
    bool alone = system && !(flags & BOOT_ON_DEMAND);
    if (strcmp(boot.runtime, "/run") == 0 &&
        (alone || (boot.root && flags & BOOT_ON_DEMAND && !(flags & BOOT_REEXEC)))) {
        int n = alone ? boot_clean_runtime(boot.runtime) : boot_clean_earlier(boot.runtime);
        if (n > 0)
            log_debug("Removed %d names in %s that an earlier run left.", n, boot.runtime);
    }
    if (!(flags & BOOT_REEXEC))
        make_runtime(&boot, flags);
    if (boot_machine_id(flags & BOOT_ON_DEMAND ? NULL : "", boot.runtime, boot.own_environment, &boot.machine_id,
                        &boot.machine_id_transient) < 0)
        log_warning("There is no machine id, and no entropy for one.");
    *ret = boot;
    return 0;
}

void boot_done(struct boot *boot) {
    free(boot->runtime);
    free(boot->container);
    strv_free(boot->own_environment);
    strv_free(boot->environment);
    *boot = (struct boot){};
}
