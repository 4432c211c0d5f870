/* SPDX-License-Identifier: Apache-2.0 */
/* sv(8): tells supervise/ directories what to do and says how they stand, for images that have no runit. It speaks to
 * whoever supervises, the manager or a runsv(8), through the files alone. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/macro.h"
#include "base/path.h"
#include "cli/applets.h"
#include "syntax/runit_status.h"
#include "unit/runit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_SECONDS 7        /* unless -w or SVWAIT says otherwise */
#define LOOK_EVERY_MSEC 420
#define FAILURES_MAX 99
#define EXIT_FATAL 100
#define EXIT_USAGE 100
/* As an init script: */
#define EXIT_LSB_USAGE 2
#define EXIT_LSB_DOWN 3
#define EXIT_LSB_UNKNOWN 4
#define EXIT_LSB_FATAL 151

struct command {
    const char *word;  /* whole, or a first character */
    const char *bytes; /* for the control pipe */
    char awaited;      /* what has to come about: see come_about(). 0: nothing */
    bool waits;        /* without -v */
    bool kills;        /* what did not come about in time */
};
static const struct command commands[] = {
    { "status", "", 0, false, false },
    { "start", "u", 'u', true, false },
    { "stop", "d", 'd', true, false },
    { "reload", "h", 'C', true, false },
    { "restart", "tcu", 't', true, false },
    { "shutdown", "x", 'x', true, false },
    { "try-restart", "tc", 't', true, false },
    { "check", "", 'C', true, false },
    { "force-stop", "d", 'd', true, true },
    { "force-reload", "tc", 't', true, true },
    { "force-restart", "tcu", 't', true, true },
    { "force-shutdown", "x", 'x', true, true },
    /* Of the others the first character will do. */
    { "u", "u", 'u', false, false },
    { "d", "d", 'd', false, false },
    { "o", "o", 'o', false, false },
    { "t", "t", 't', false, false },
    { "c", "c", 'C', false, false },
    { "e", "x", 'x', false, false },
    { "s", "", 0, false, false },
    { "p", "p", 0, false, false },
    { "h", "h", 0, false, false },
    { "a", "a", 0, false, false },
    { "i", "i", 0, false, false },
    { "q", "q", 0, false, false },
    { "1", "1", 0, false, false },
    { "2", "2", 0, false, false },
    { "k", "k", 0, false, false },
};

struct service {
    const char *name;
    char *path;
    bool done;
};

struct sv {
    const char *program; /* as we were called */
    bool lsb;            /* by another name: an init script */
    const struct command *command;
    bool waits;
    unsigned seconds;
    time_t begin;
    int start_fd;        /* the directory we came from */
    unsigned failures;
    int lsb_status;
};

static const struct command *find_command(const char *word) {
    for (size_t i = 0; i < ELEMENTS(commands); i++)
        if (strcmp(word, commands[i].word) == 0)
            return &commands[i];
    for (size_t i = 0; i < ELEMENTS(commands); i++)
        if (!commands[i].word[1] && word[0] == commands[i].word[0])
            return &commands[i];
    return NULL;
}

static int usage(const struct sv *sv) {
    fprintf(stderr, sv->lsb ? "usage: %s [-w sec] command\n\n" : "usage: %s [-v] [-w sec] command service ...\n\n",
            sv->program);
    return sv->lsb ? EXIT_LSB_USAGE : EXIT_USAGE;
}

/* --- one service, from within its directory ----------------------------------------------------------------------- */
static const char *reason(int error) {
    static const struct {
        int error;
        const char *words;
    } known[] = {
        { ENOENT, "file does not exist" }, { EACCES, "access denied" },   { EPERM, "permission denied" },
        { ENOTDIR, "not a directory" },    { EISDIR, "is a directory" },  { ENOMEM, "out of memory" },
        { ELOOP, "symbolic link loop" },   { EROFS, "read-only file system" },
    };
    for (size_t i = 0; i < ELEMENTS(known); i++)
        if (known[i].error == error)
            return known[i].words;
    return strerror(error);
}

/* A service that is not to be had is a failure, one whose files are not as they should be a warning; both count. */
static void complain(struct sv *sv, const char *name, const char *what, int error) {
    bool warns = error && strstr(what, "supervise/");
    printf("%s: %s: %s%s%s\n", warns ? "warning" : "fail", name, what, error ? ": " : "", error ? reason(error) : "");
    sv->failures++;
    sv->lsb_status = EXIT_LSB_UNKNOWN;
}

enum presence { ABSENT = 0, PRESENT = 1, UNREADABLE = -1 };

/* Is somebody there, and what does he say? `what` names what went wrong. */
static enum presence read_status(struct runit_status *ret, const char **what) {
    unsigned char bytes[RUNIT_STATUS_SIZE];
    int fd = open("supervise/ok", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        *what = errno == ENXIO ? "runsv not running" : "unable to open supervise/ok";
        return errno == ENXIO ? ABSENT : UNREADABLE;
    }
    close(fd);
    fd = open("supervise/status", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        *what = "unable to open supervise/status";
        return UNREADABLE;
    }
    ssize_t n = read(fd, bytes, sizeof(bytes));
    fd_close(fd);
    if (n != sizeof(bytes)) {
        *what = n < 0 ? "unable to read supervise/status" : "unable to read supervise/status: bad format";
        errno = n < 0 ? errno : 0;
        return UNREADABLE;
    }
    runit_status_unpack(bytes, ret);
    return PRESENT;
}

static void print_status(const char *name, const struct runit_status *status) {
    struct stat st;
    bool up = stat("down", &st) < 0;
    time_t t = time(NULL);
    unsigned long seconds = (uint64_t)t > status->since ? (unsigned long)((uint64_t)t - status->since) : 0;
    if (status->pid)
        printf("%s%s: (pid %u) %lus", status->state == RUNIT_STATE_FINISH ? "finish: " : "run: ", name, status->pid,
               seconds);
    else
        printf("down: %s: %lus", name, seconds);
    if (status->pid && !up)
        printf(", normally down");
    if (!status->pid && up)
        printf(", normally up");
    if (status->pid && status->paused)
        printf(", paused");
    if (!status->pid && status->want == 'u')
        printf(", want up");
    if (status->pid && status->want == 'd')
        printf(", want down");
    if (status->pid && status->got_term)
        printf(", got TERM");
}

static void print_log_status(void) {
    struct runit_status status;
    const char *what = NULL;
    struct stat st;
    if (stat("log", &st) < 0)
        return;
    if (chdir("log") < 0) {
        printf("; log: unable to change to log service directory: %s", reason(errno));
        return;
    }
    errno = 0;
    if (read_status(&status, &what) == PRESENT) {
        printf("; ");
        print_status("log", &status);
    } else
        printf("; log: %s%s%s", what, errno && errno != ENXIO ? ": " : "",
               errno && errno != ENXIO ? reason(errno) : "");
}

/* ./check, where there is one, has the last word on a service that runs. Its output is not ours. */
static bool checked(void) {
    if (access("check", X_OK) < 0)
        return true;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char *const argv[] = { (char *)"./check", NULL };
        int null = open("/dev/null", O_WRONLY);
        if (null >= 0)
            dup2(null, STDOUT_FILENO);
        execv(argv[0], argv);
        _exit(EXIT_FATAL);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0;
}

static bool come_about(const struct sv *sv, const struct runit_status *status) {
    bool since = (uint64_t)sv->begin <= status->since;
    switch (sv->command->awaited) {
    case 'u':
        return status->pid && status->state == RUNIT_STATE_RUN && checked();
    case 'd':
        return !status->pid && status->state == RUNIT_STATE_DOWN;
    case 'C':
        return !status->pid || checked();
    case 't':
        if (!status->pid && status->want == 'd')
            return true;
        return since && status->pid && !status->got_term && checked();
    case 'o':
        return !((!status->pid && !since) || (status->pid && status->want != 'd'));
    case 'x':
        return false;
    default:
        return true;
    }
}

/* True: nothing more to wait for. */
static bool look(struct sv *sv, const struct service *s) {
    struct runit_status status;
    const char *what = NULL;
    enum presence there = read_status(&status, &what);
    if (there == ABSENT && sv->command->awaited == 'x') {
        printf("ok: %s: runsv not running\n", s->name);
        return true;
    }
    if (there != PRESENT) {
        complain(sv, s->name, what, there == UNREADABLE ? errno : 0);
        return true;
    }
    if (!come_about(sv, &status))
        return false;
    printf("ok: ");
    print_status(s->name, &status);
    printf("\n");
    return true;
}

/* False: it cannot be told. */
static bool write_bytes(struct sv *sv, const char *name, const char *bytes) {
    int fd = open("supervise/control", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENXIO)
        complain(sv, name, "runsv not running", 0);
    else if (fd < 0)
        complain(sv, name, "unable to open supervise/control", errno);
    else if (write(fd, bytes, strlen(bytes)) != (ssize_t)strlen(bytes))
        complain(sv, name, "unable to write to supervise/control", errno);
    else {
        close(fd);
        return true;
    }
    fd_close(fd);
    return false;
}

static bool enter(struct sv *sv, const struct service *s) {
    if (s->path && chdir(s->path) >= 0)
        return true;
    complain(sv, s->name, "unable to change to service directory", s->path ? errno : ENOMEM);
    return false;
}

static void leave(const struct sv *sv) {
    if (fchdir(sv->start_fd) < 0) {
        fprintf(stderr, "%s: fatal: unable to change to original directory: %s\n", sv->program, reason(errno));
        exit(sv->lsb ? EXIT_LSB_FATAL : EXIT_FATAL);
    }
}

/* Tells the service, or prints how it stands. */
static void act(struct sv *sv, struct service *s) {
    struct runit_status status;
    const char *what = NULL;
    s->done = true;
    if (!enter(sv, s))
        return;
    enum presence there = read_status(&status, &what);
    if (there == ABSENT && sv->command->awaited == 'x')
        printf("ok: %s: runsv not running\n", s->name);
    else if (there != PRESENT)
        complain(sv, s->name, what, there == UNREADABLE ? errno : 0);
    else if (sv->command->bytes[0])
        s->done = !write_bytes(sv, s->name, sv->command->bytes);
    else if (sv->command->awaited)
        s->done = false;
    else {
        print_status(s->name, &status);
        if (!status.pid)
            sv->lsb_status = EXIT_LSB_DOWN;
        print_log_status();
        printf("\n");
    }
}

static void give_up(struct sv *sv, const struct service *s) {
    struct runit_status status;
    const char *what = NULL;
    if (!enter(sv, s))
        return;
    printf(sv->command->kills ? "kill: " : "timeout: ");
    enum presence there = read_status(&status, &what);
    if (there == PRESENT)
        print_status(s->name, &status);
    else
        printf("%s: %s", s->name, what);
    printf("\n");
    if (there == PRESENT && sv->command->kills)
        (void)write_bytes(sv, s->name, "k");
    sv->failures++;
}

/* Until every service has come to where it was to come, or the time is up. */
static void await(struct sv *sv, struct service *services, size_t n) {
    usec_t deadline = usec_add(now(CLOCK_MONOTONIC), sv->seconds * USEC_PER_SEC);
    for (;;) {
        bool all = true;
        for (size_t i = 0; i < n; i++) {
            if (services[i].done)
                continue;
            services[i].done = !enter(sv, &services[i]) || look(sv, &services[i]);
            all = all && services[i].done;
            leave(sv);
        }
        if (all)
            return;
        if (now(CLOCK_MONOTONIC) >= deadline)
            break;
        fflush(stdout);
        (void)poll(NULL, 0, LOOK_EVERY_MSEC);
    }
    for (size_t i = 0; i < n; i++)
        if (!services[i].done) {
            give_up(sv, &services[i]);
            leave(sv);
        }
}

/* Below the services' directory, unless it says where. */
static char *path_of(const char *name) {
    size_t n = strlen(name);
    if (name[0] == '.' || name[0] == '/' || (n > 0 && name[n - 1] == '/'))
        return strdup(name);
    return path_join(getenv("SVDIR") ?: RUNIT_DIRECTORY, name);
}

static int run(struct sv *sv, char **names, size_t n) {
    struct service *services = calloc(n, sizeof(*services));
    sv->start_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!services || sv->start_fd < 0) {
        fprintf(stderr, "%s: fatal: unable to open current directory: %s\n", sv->program, reason(errno));
        free(services);
        return sv->lsb ? EXIT_LSB_FATAL : EXIT_FATAL;
    }
    sv->begin = time(NULL);
    for (size_t i = 0; i < n; i++) {
        services[i] = (struct service){ .name = names[i], .path = path_of(names[i]) };
        act(sv, &services[i]);
        leave(sv);
    }
    if (sv->waits && sv->command->awaited)
        await(sv, services, n);
    for (size_t i = 0; i < n; i++)
        free(services[i].path);
    free(services);
    close(sv->start_fd);
    if (sv->lsb && !sv->command->bytes[0] && !sv->command->awaited)
        return sv->lsb_status;
    return (int)MIN(sv->failures, sv->lsb ? 1U : (unsigned)FAILURES_MAX);
}

int sv_main(int argc, char **argv) {
    struct sv sv = { .program = path_base(argv[0]), .seconds = WAIT_SECONDS };
    sv.lsb = strcmp(sv.program, "sv") != 0;
    const char *wait = getenv("SVWAIT");
    if (wait)
        sv.seconds = (unsigned)strtoul(wait, NULL, 10);
    int c;
    optind = 1;
    opterr = 0;
    while ((c = getopt(argc, argv, "+:vw:")) >= 0)
        switch (c) {
        case 'w':
            sv.seconds = (unsigned)strtoul(optarg, NULL, 10);
            sv.waits = true;
            break;
        case 'v':
            sv.waits = true;
            break;
        default:
            fprintf(stderr, "%s: %s -- %c\n", sv.program, c == ':' ? "option requires an argument" : "illegal option",
                    optopt);
            return usage(&sv);
        }
    const char *word = argv[optind];
    sv.command = word ? find_command(word) : NULL;
    if (!sv.command || (!sv.lsb && !argv[optind + 1]))
        return usage(&sv);
    sv.waits = sv.waits || sv.command->waits;
    char *own[] = { (char *)sv.program };
    return sv.lsb ? run(&sv, own, 1) : run(&sv, argv + optind + 1, (size_t)(argc - optind - 1));
}
