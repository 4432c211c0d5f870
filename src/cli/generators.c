/* SPDX-License-Identifier: Apache-2.0 */
/* `reeve generators NORMAL EARLY LATE`: the process in which unit generators run, so that PID 1 need not
 * wait. systemd.generator(7), systemd.environment-generator(7). Packages' generators are run; systemd's own
 * are built in or have no meaning in a container. */
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "cli/applets.h"
#include "cli/runit.h"
#include "cli/sysv.h"
#include "syntax/envfile.h"
#include "unit/condition.h"
#include "unit/install.h"
#include "unit/name.h"
#include "unit/system_specifier.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* As systemd gives them; what still runs then is killed. PID 1 waits a little longer for us. */
#define GENERATORS_SECONDS 85
#define ENVIRONMENT_GENERATOR_SECONDS 30
#define ENVIRONMENT_MAX ((size_t)1 << 20)

/* Built in, or about machines: never run, whoever installed them. */
static const char *const own_generators[] = {
    "systemd-bless-boot-generator",  "systemd-cryptsetup-generator",
    "systemd-debug-generator",       "systemd-factory-reset-generator",
    "systemd-fstab-generator",       "systemd-getty-generator",
    "systemd-gpt-auto-generator",    "systemd-hibernate-resume-generator",
    "systemd-import-generator",      "systemd-integritysetup-generator",
    "systemd-rc-local-generator",    "systemd-run-generator",
    "systemd-ssh-generator",         "systemd-system-update-generator",
    "systemd-sysv-generator",        "systemd-tpm2-generator",
    "systemd-veritysetup-generator",
};

/* --- finding -------------------------------------------------------------------------------------------- */

static bool is_own(const char *name) {
    for (size_t i = 0; i < ELEMENTS(own_generators); i++)
        if (strcmp(name, own_generators[i]) == 0)
            return true;
    return false;
}

static int compare_base(const void *a, const void *b) {
    return strcmp(path_base(*(char *const *)a), path_base(*(char *const *)b));
}

/* Paths of the programs in the directories named `kind`, by name; one of a directory of higher priority hides
 * those of its name, also when it is a link to /dev/null or not executable. */
static int find_programs(const char *kind, char ***ret) {
    static const char *const places[] = { "/run/systemd", "/etc/systemd", "/usr/local/lib/systemd",
                                          "/usr/lib/systemd", "/lib/systemd" };
    _cleanup_strv_ char **names = NULL, **paths = NULL;
    for (size_t i = 0; i < ELEMENTS(places); i++) {
        _cleanup_free_ char *directory = path_join(places[i], kind);
        DIR *d = directory ? opendir(directory) : NULL;
        int r = directory ? 0 : -ENOMEM;
        for (struct dirent *e; d && r >= 0 && (e = readdir(d));) {
            struct stat st;
            if (e->d_name[0] == '.' || strv_contains(names, e->d_name))
                continue;
            r = strv_add(&names, e->d_name);
            if (r < 0 || fstatat(dirfd(d), e->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode) ||
                st.st_size == 0 || !(st.st_mode & S_IXUSR) || is_own(e->d_name))
                continue;
            r = strv_take(&paths, path_join(directory, e->d_name));
        }
        if (d)
            closedir(d);
        if (r < 0)
            return r;
    }
    if (paths)
        qsort(paths, strv_length(paths), sizeof(char *), compare_base);
    *ret = TAKE(paths);
    return 0;
}

/* --- the directories they write to ---------------------------------------------------------------------- */

static void empty_directory(int parent, const char *name, bool itself, int depth) {
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        fd_close(fd);
        if (itself)
            unlinkat(parent, name, 0);
        return;
    }
    for (struct dirent *e; depth < 16 && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            empty_directory(fd, e->d_name, true, depth + 1);
    closedir(d);
    if (itself)
        unlinkat(parent, name, AT_REMOVEDIR);
}

static int prepare_directory(const char *path) {
    int r = mkdir_p(path, 0755);
    if (r >= 0)
        empty_directory(AT_FDCWD, path, false, 0);
    return r;
}

/* --- running -------------------------------------------------------------------------------------------- */

static int make_environment(char ***ret) {
    _cleanup_strv_ char **env = strv_copy(environ);
    bool vm;
    const char *virtualization = virtualization_detect(environ, &vm);
    int r = env ? 0 : -ENOMEM;
    static const char *const fixed[] = { "SYSTEMD_SCOPE=system", "SYSTEMD_IN_INITRD=0",
                                         "SYSTEMD_FIRST_BOOT=0" };
    for (size_t i = 0; r >= 0 && i < ELEMENTS(fixed); i++)
        r = env_put(&env, fixed[i]);
    if (r >= 0 && !env_get(env, "PATH"))
        r = env_put(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    _cleanup_text_ struct text line = {};
    if (r >= 0 && strcmp(virtualization, "none") != 0) {
        text_addf(&line, "SYSTEMD_VIRTUALIZATION=%s:%s", vm ? "vm" : "container", virtualization);
        r = line.failed ? -ENOMEM : env_put(&env, text_str(&line));
    }
    text_clear(&line);
    text_addf(&line, "SYSTEMD_ARCHITECTURE=%s", architecture_name());
    if (r >= 0)
        r = line.failed ? -ENOMEM : env_put(&env, text_str(&line));
    if (r >= 0)
        *ret = TAKE(env);
    return r;
}

/* A child that dies with us. `output`: its stdout; -1: ours. */
static pid_t start(const char *path, char *const *argv, char *const *env, int output) {
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    if (output >= 0)
        dup2(output, STDOUT_FILENO);
    umask(0022);
    execve(path, argv, env);
    dprintf(STDERR_FILENO, "%s: %s\n", path, strerror(errno));
    _exit(127);
}

static void report(const char *path, int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        log_warning("%s failed with exit status %d.", path, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        log_warning("%s was ended by signal %d.", path, WTERMSIG(status));
}

static void out_of_time(int signal) {
    /* Only there to interrupt waitpid(). */
}

static void limit_time(unsigned seconds) {
    struct sigaction action = { .sa_handler = out_of_time };
    sigaction(SIGALRM, &action, NULL);
    alarm(seconds);
}

/* All at once; each is given the three directories. */
static int run_generators(char *const *paths, char *const *directories, char *const *env) {
    size_t n = strv_length(paths), running = 0;
    _cleanup_free_ pid_t *pids = calloc(n + 1, sizeof(pid_t));
    if (!pids)
        return -ENOMEM;
    limit_time(GENERATORS_SECONDS);
    for (size_t i = 0; i < n; i++) {
        char *const argv[] = { paths[i], directories[0], directories[1], directories[2], NULL };
        pids[i] = start(paths[i], argv, env, -1);
        if (pids[i] > 0)
            running++;
        else
            log_warning("%s cannot be run: %s", paths[i], strerror(errno));
    }
    bool killed = false;
    while (running > 0) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid < 0 && errno == EINTR && !killed) {
            log_warning("Unit generators did not end within %d s, killing them.", GENERATORS_SECONDS);
            for (size_t i = 0; i < n; i++)
                if (pids[i] > 0)
                    kill(pids[i], SIGKILL);
            killed = true;
        } else if (pid < 0 && errno != EINTR)
            break;
        for (size_t i = 0; pid > 0 && i < n; i++)
            if (pids[i] == pid) {
                report(paths[i], status);
                pids[i] = 0;
                running--;
            }
    }
    alarm(0);
    return 0;
}

/* Reads what one environment generator prints, until it ends or its time is over. */
static int read_output(const char *path, int fd, pid_t pid, struct text *out) {
    char buffer[4096];
    limit_time(ENVIRONMENT_GENERATOR_SECONDS);
    int r = 0;
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof(buffer));
        if (n == 0)
            break;
        if (n < 0 || out->len + (size_t)n > ENVIRONMENT_MAX) {
            kill(pid, SIGKILL);
            r = n < 0 ? -ETIMEDOUT : -E2BIG;
            break;
        }
        text_add_n(out, buffer, (size_t)n);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        kill(pid, SIGKILL);
    alarm(0);
    /* As with systemd, what it printed before it failed counts. */
    report(path, status);
    return out->failed ? -ENOMEM : r;
}

/* As an environment file reads it back. */
static void add_quoted(struct text *out, const char *assignment) {
    const char *value = strchr(assignment, '=') + 1;
    text_add_n(out, assignment, (size_t)(value - assignment));
    text_add_char(out, '"');
    for (; *value; value++) {
        if (strchr("\"\\`$", *value))
            text_add_char(out, '\\');
        text_add_char(out, *value);
    }
    text_add(out, "\"\n");
}

/* One after the other; each sees what those before it set. What they set goes to `result` for the manager. */
static int run_environment_generators(char *const *paths, char ***env, const char *result) {
    _cleanup_text_ struct text set = {};
    STRV_FOREACH(path, paths) {
        _cleanup_text_ struct text output = {};
        _cleanup_strv_ char **assignments = NULL;
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) < 0)
            return -errno;
        char *const argv[] = { *path, NULL };
        pid_t pid = start(*path, argv, *env, fds[1]);
        fd_close(fds[1]);
        int r = pid < 0 ? -errno : read_output(*path, fds[0], pid, &output);
        fd_close(fds[0]);
        if (r >= 0)
            r = envfile_parse(text_str(&output), output.len, &assignments, NULL, NULL);
        if (r == -ENOMEM)
            return r;
        if (r < 0) {
            log_warning("%s failed (%s), its variables are not used.", *path, strerror(-r));
            continue;
        }
        STRV_FOREACH(assignment, assignments) {
            if (!env_assignment_valid(*assignment) || strchr(*assignment, '\n'))
                continue;
            r = env_put(env, *assignment);
            if (r < 0)
                return r;
            add_quoted(&set, *assignment);
        }
    }
    if (set.failed)
        return -ENOMEM;
    if (set.len == 0)
        return unlink(result) < 0 && errno != ENOENT ? -errno : 0;
    return file_write(result, text_str(&set), 0644);
}

/* --- those built in ------------------------------------------------------------------------------------- */

static int link_into(const char *directory, const char *target, const char *unit, const char *to) {
    _cleanup_text_ struct text link = {};
    text_addf(&link, "%s/%s%s%s", directory, target ? target : "", target ? ".wants/" : "", unit);
    if (link.failed)
        return -ENOMEM;
    int r = mkdir_parents(text_str(&link), 0755);
    return r >= 0 && symlink(to, text_str(&link)) < 0 && errno != EEXIST ? -errno : r;
}

static const char rc_local_unit[] = "# Made by reeve, because /etc/rc.local is executable\n"
                                    "\n"
                                    "[Unit]\n"
                                    "Description=/etc/rc.local\n"
                                    "ConditionFileIsExecutable=/etc/rc.local\n"
                                    "After=network-online.target\n"
                                    "Wants=network-online.target\n"
                                    "\n"
                                    "[Service]\n"
                                    "Type=forking\n"
                                    "ExecStart=/etc/rc.local start\n"
                                    "TimeoutSec=infinity\n"
                                    "RemainAfterExit=yes\n"
                                    "GuessMainPID=no\n";

/* /etc/rc.local, if it is executable: systemd-rc-local-generator(8). */
static int generate_rc_local(const char *normal, const char *late) {
    struct stat st;
    if (stat("/etc/rc.local", &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
        return 0;
    struct search_path where;
    int r = search_path_init(&where, "", "/run", true);
    if (r < 0)
        return r;
    bool native = install_exists(&where, "rc-local.service");
    search_path_done(&where);
    if (!native) {
        _cleanup_free_ char *path = path_join(late, "rc-local.service");
        r = path ? file_write(path, rc_local_unit, 0644) : -ENOMEM;
    }
    return r < 0 ? r : link_into(normal, "multi-user.target", "rc-local.service", "../rc-local.service");
}

/* systemd.mask= and systemd.wants= on PID 1's own command line: systemd-debug-generator(8). */
static int generate_from_command_line(const char *early) {
    _cleanup_free_ char *data = NULL;
    size_t size;
    if (file_read("/proc/1/cmdline", (size_t)1 << 20, &data, &size) < 0)
        return 0;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < size; i += strlen(data + i) + 1) {
        _cleanup_free_ char *unit = NULL;
        const char *word = data + i;
        if (strncmp(word, "systemd.mask=", 13) == 0 && unit_name_mangle(word + 13, &unit) >= 0)
            r = link_into(early, NULL, unit, "/dev/null");
        else if (strncmp(word, "systemd.wants=", 14) == 0 && unit_name_mangle(word + 14, &unit) >= 0) {
            _cleanup_text_ struct text to = {};
            text_addf(&to, "../%s", unit);
            r = to.failed ? -ENOMEM : link_into(early, "default.target", unit, text_str(&to));
        }
    }
    return r;
}

static void run_built_in(char *const *directories) {
    struct {
        const char *what;
        int result;
    } done[] = {
        { "runit services", runit_generate(directories[1]) },
        { "init scripts", sysv_generate(directories[2]) },
        { "/etc/rc.local", generate_rc_local(directories[0], directories[2]) },
        { "the command line", generate_from_command_line(directories[1]) },
    };
    for (size_t i = 0; i < ELEMENTS(done); i++)
        if (done[i].result < 0)
            log_warning("Units from %s could not all be made: %s", done[i].what, strerror(-done[i].result));
}

/* An empty directory would only be searched in vain. */
static void drop_if_empty(char *const *directories) {
    STRV_FOREACH(directory, directories)
        (void)rmdir(*directory);
}

int generators_main(int argc, char **argv) {
    if (argc != 4 || argv[1][0] != '/' || argv[2][0] != '/' || argv[3][0] != '/') {
        fprintf(stderr, "Usage: reeve generators NORMAL-DIR EARLY-DIR LATE-DIR\n");
        return 2;
    }
    char *const *directories = argv + 1;
    _cleanup_strv_ char **generators = NULL, **of_environment = NULL, **env = NULL;
    _cleanup_text_ struct text result = {};
    STRV_FOREACH(directory, directories) {
        int r = prepare_directory(*directory);
        if (r < 0) {
            log_error("%s cannot be made: %s", *directory, strerror(-r));
            return 1;
        }
    }
    int r = make_environment(&env);
    if (r >= 0)
        r = find_programs("system-environment-generators", &of_environment);
    if (r >= 0)
        r = find_programs("system-generators", &generators);
    text_addf(&result, "%.*senvironment.generated", (int)(path_base(argv[1]) - argv[1]), argv[1]);
    if (r >= 0)
        r = result.failed ? -ENOMEM : run_environment_generators(of_environment, &env, text_str(&result));
    if (r < 0)
        log_warning("Environment generators: %s", strerror(-r));
    if (env)
        r = run_generators(generators, directories, env);
    run_built_in(directories);
    drop_if_empty(directories);
    return r < 0;
}
