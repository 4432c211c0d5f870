/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams and passed descriptors. systemd.exec(5), "Logging and Standard Input/Output".
 *
 * Descriptors are put in place in two rounds: first all that the manager holds, as one parallel assignment (a
 * descriptor that is still needed is never overwritten), then files and terminals are opened and streams
 * inherited. */
#include "exec/planner.h"

#include "base/strv.h"
#include "unit/open_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONSOLE "/dev/console"

enum stream_kind {
    STREAM_NULL,
    STREAM_FD, /* a descriptor of the manager's */
    STREAM_FILE,
    STREAM_TTY,     /* standard input: take it */
    STREAM_TTY_OUT, /* write only, without taking it */
    STREAM_DATA,
    STREAM_STDIN,  /* as standard input */
    STREAM_STDOUT, /* as standard output */
    STREAM_BROKEN, /* fd:NAME of no socket */
};

struct stream {
    enum stream_kind kind;
    int fd;
    int open_flags;
    enum tty_flags tty;
    const char *path;
    bool log; /* it is the log pipe */
};

static const char *after(const char *s, const char *prefix) {
    size_t n = strlen(prefix);
    return s && strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static bool says(const char *s, const char *word) {
    return s && strcmp(s, word) == 0;
}

static const char *tty_path(const struct planner *p) {
    const char *path = unit_string(p->unit, D_TTYPath);
    return path ? path : CONSOLE;
}

static const char *input_setting(const struct planner *p) {
    const char *s = unit_string(p->unit, D_StandardInput);
    bool data = unit_string(p->unit, D_StandardInputText) || unit_string(p->unit, D_StandardInputData);
    return (!s || says(s, "null")) && data ? "data" : s ? s : "null";
}

/* Inputs that are streams in both directions: output may inherit them. */
static bool two_way(const char *input) {
    return after(input, "tty") || says(input, "socket") || after(input, "fd");
}

static const char *output_setting(const struct planner *p) {
    const char *s =
        unit_setting_written(p->unit, D_StandardOutput) ? unit_string(p->unit, D_StandardOutput) : "inherit";
    return !s || (says(s, "inherit") && !two_way(input_setting(p))) ? "journal" : s;
}

static const char *error_setting(const struct planner *p) {
    const char *s =
        unit_setting_written(p->unit, D_StandardError) ? unit_string(p->unit, D_StandardError) : "inherit";
    return s ? s : "inherit";
}

bool plan_stdin_is_socket(const struct planner *p) {
    return says(unit_string(p->unit, D_StandardInput), "socket") && p->request->stdin_fd >= 0;
}

int plan_first_unused_fd(const struct planner *p) {
    return 3 + (plan_stdin_is_socket(p) ? 0 : (int)p->request->n_listen_fds) + (int)p->n_open_files;
}

static int named_fd(const struct planner *p, const char *setting, const char *fallback) {
    const char *name = after(setting, "fd:");
    if (!name)
        name = fallback;
    for (size_t i = 0; i < p->request->n_listen_fds; i++)
        if (p->request->listen_names && says(p->request->listen_names[i], name))
            return p->request->listen_fds[i];
    return -1;
}

static struct stream from_fd(int fd) {
    return (struct stream){ .kind = fd >= 0 ? STREAM_FD : STREAM_BROKEN, .fd = fd };
}

static struct stream input_stream(const struct planner *p) {
    const char *s = input_setting(p), *path;
    if (after(s, "tty")) {
        /* Only the main command may own a terminal. */
        if (p->request->role != EXEC_MAIN)
            return (struct stream){ .kind = STREAM_NULL };
        enum tty_flags flags = says(s, "tty-force") ? TTY_FORCE : says(s, "tty-fail") ? 0 : TTY_WAIT;
        if (unit_bool(p->unit, D_TTYReset))
            flags |= TTY_RESET;
        if (unit_bool(p->unit, D_TTYVHangup))
            flags |= TTY_HANGUP;
        return (struct stream){ .kind = STREAM_TTY, .path = tty_path(p), .tty = flags };
    }
    if (says(s, "socket"))
        return p->request->stdin_fd >= 0 ? from_fd(p->request->stdin_fd)
                                         : (struct stream){ .kind = STREAM_NULL };
    if (says(s, "fd") || after(s, "fd:"))
        return from_fd(named_fd(p, s, "stdin"));
    if (says(s, "data"))
        return (struct stream){ .kind = STREAM_DATA };
    if ((path = after(s, "file:")))
        return (struct stream){ .kind = STREAM_FILE, .path = path, .open_flags = O_RDONLY };
    return (struct stream){ .kind = STREAM_NULL };
}

static struct stream output_stream(const struct planner *p, const char *s, int log_fd, const char *name,
                                   const struct stream *input) {
    const char *path;
    if (says(s, "socket")) {
        if (p->request->stdin_fd >= 0)
            return from_fd(p->request->stdin_fd);
        s = "inherit";
    }
    if (says(s, "inherit")) {
        /* A terminal that input was not given is still written to. */
        if (input->kind == STREAM_NULL && after(input_setting(p), "tty"))
            return (struct stream){ .kind = STREAM_TTY_OUT, .path = tty_path(p) };
        if (input->kind == STREAM_NULL || input->kind == STREAM_DATA)
            return (struct stream){ .kind = STREAM_NULL };
        return (struct stream){ .kind = STREAM_STDIN };
    }
    if (says(s, "null"))
        return (struct stream){ .kind = STREAM_NULL };
    if (says(s, "tty"))
        return input->kind == STREAM_TTY ? (struct stream){ .kind = STREAM_STDIN }
                                         : (struct stream){ .kind = STREAM_TTY_OUT, .path = tty_path(p) };
    if (says(s, "fd") || after(s, "fd:"))
        return from_fd(named_fd(p, s, name));
    int flags = O_WRONLY | O_CREAT;
    if ((path = after(s, "file:")))
        return (struct stream){ .kind = STREAM_FILE, .path = path, .open_flags = flags };
    if ((path = after(s, "append:")))
        return (struct stream){ .kind = STREAM_FILE, .path = path, .open_flags = flags | O_APPEND };
    if ((path = after(s, "truncate:")))
        return (struct stream){ .kind = STREAM_FILE, .path = path, .open_flags = flags | O_TRUNC };
    /* journal, kmsg, syslog, each perhaps with +console: the log pipe. */
    if (log_fd < 0)
        return (struct stream){ .kind = STREAM_NULL };
    return (struct stream){ .kind = STREAM_FD, .fd = log_fd, .log = true };
}

/* All three, by the settings. */
static void decide(const struct planner *p, struct stream streams[static 3]) {
    const char *out = output_setting(p), *err = error_setting(p);
    streams[0] = input_stream(p);
    streams[1] = output_stream(p, out, p->request->stdout_fd, "stdout", &streams[0]);
    /* The same file is opened once, so that the streams share their position. The manager's own two stay apart. */
    bool apart = streams[1].log && p->request->stdout_fd != p->request->stderr_fd;
    if (says(err, "inherit") && apart)
        err = out;
    if (says(err, "inherit") || (strcmp(err, out) == 0 && streams[1].kind != STREAM_FD))
        streams[2] = (struct stream){ .kind = STREAM_STDOUT };
    else
        streams[2] = output_stream(p, err, p->request->stderr_fd, "stderr", &streams[0]);
}

const char *plan_journal_stream(struct planner *p) {
    struct stream streams[3];
    struct stat st;
    decide(p, streams);
    const struct stream *log = streams[2].log ? &streams[2] : streams[1].log ? &streams[1] : NULL;
    /* The manager's own streams are no way to the journal. */
    if (!log || log->fd <= STDERR_FILENO || fstat(log->fd, &st) < 0)
        return NULL;
    return arena_printf(p->arena, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
}

/* /dev/null is opened once: a plain service then opens no path at all. */
static int null_fd(void) {
    static int fd = -1;
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) >= 0 ? S_ISCHR(st.st_mode) : errno != EBADF))
        return fd;
    fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
    /* Not where the streams go: it would be in the way. */
    if (fd >= 0 && fd < 3) {
        int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        close(fd);
        fd = moved;
    }
    return fd;
}

struct move {
    int from, to;
};

static const int exit_statuses[] = { EXIT_STDIN, EXIT_STDOUT, EXIT_STDERR };

static int status_of(int to) {
    return to < 3 ? exit_statuses[to] : EXIT_FDS;
}

static void move_now(struct planner *p, struct move m) {
    struct step *s = plan_step(p, STEP_FD, status_of(m.to));
    s->fd.from = m.from;
    s->fd.to = m.to;
}

/* All moves as if at once. A move is made when nobody still reads its target; when none is left that may, the
 * rest are rings: putting one source aside opens a ring. */
static void plan_moves(struct planner *p, struct move *moves, size_t n, int first_free) {
    while (n > 0) {
        size_t before = n;
        for (size_t i = 0; i < n;) {
            /* A descriptor that stays where it is overwrites nothing. */
            bool needed = false;
            for (size_t j = 0; j < n && !needed && moves[i].from != moves[i].to; j++)
                needed = j != i && moves[j].from == moves[i].to;
            if (needed) {
                i++;
                continue;
            }
            move_now(p, moves[i]);
            moves[i] = moves[--n];
        }
        if (n == before) {
            struct step *s = plan_step(p, STEP_FD_SPARE, EXIT_FDS);
            int saved = moves[0].from;
            s->fd.from = saved;
            s->fd.to = first_free;
            for (size_t i = 0; i < n; i++)
                if (moves[i].from == saved)
                    moves[i].from = FD_SPARE;
        }
    }
}

static void open_stream(struct planner *p, int to, const struct stream *stream) {
    int status = status_of(to);
    struct step *s;
    switch (stream->kind) {
    case STREAM_FILE:
        s = plan_step(p, STEP_OPEN, status);
        s->subject = arena_string(p->arena, stream->path);
        s->open.flags = stream->open_flags;
        s->open.mode = 0666;
        s->open.to = to;
        p->plan->forks = true;
        return;
    case STREAM_TTY_OUT:
        s = plan_step(p, STEP_OPEN, status);
        s->subject = arena_string(p->arena, stream->path);
        s->open.flags = O_WRONLY;
        s->open.to = to;
        p->plan->forks = true;
        return;
    case STREAM_TTY:
        s = plan_step(p, STEP_TTY, status);
        s->subject = arena_string(p->arena, stream->path);
        s->tty.flags = stream->tty;
        s->tty.to = to;
        s->tty.rows = (int)unit_number(p->unit, D_TTYRows);
        s->tty.columns = (int)unit_number(p->unit, D_TTYColumns);
        p->plan->forks = true;
        if (p->identity.user_set && p->setuid) {
            s = plan_step(p, STEP_TTY_OWNER, 0);
            s->number = p->identity.uid;
        }
        return;
    case STREAM_DATA: {
        const char *text = unit_string(p->unit, D_StandardInputText),
                   *data = unit_string(p->unit, D_StandardInputData);
        char *all = arena_printf(p->arena, "%s%s", text ? text : "", data ? data : "");
        s = plan_step(p, STEP_DATA, status);
        s->blob.data = all;
        s->blob.size = strlen(all);
        s->blob.to = to;
        return;
    }
    case STREAM_STDIN:
    case STREAM_STDOUT:
        move_now(p, (struct move){ stream->kind == STREAM_STDIN ? STDIN_FILENO : STDOUT_FILENO, to });
        return;
    case STREAM_NULL:
        /* Reached only where the manager could not open it. */
        s = plan_step(p, STEP_OPEN, status);
        s->subject = "/dev/null";
        s->open.flags = O_RDWR;
        s->open.to = to;
        return;
    case STREAM_BROKEN:
        plan_fail_step(p, status, ENXIO, NULL);
        return;
    case STREAM_FD:
        return;
    }
}

/* OpenFile=: what the service could not open itself. */
static void plan_open_files(struct planner *p, size_t n_listen) {
    if (p->n_open_files == 0)
        return;
    size_t place = n_listen;
    STRV_FOREACH(line, unit_strv(p->unit, D_OpenFile)) {
        _cleanup_open_file_ struct open_file file = {};
        if (open_file_parse(*line, &file) < 0) {
            arena_fail(p->arena); /* it was parsed before: there was no memory */
            return;
        }
        struct step *s = plan_step(p, STEP_OPEN_FILE, EXIT_FDS);
        s->subject = arena_string(p->arena, file.path);
        s->open_file.flags = (file.flags & OPEN_FILE_READ_ONLY ? O_RDONLY : O_RDWR) |
                             (file.flags & OPEN_FILE_APPEND ? O_APPEND : 0) |
                             (file.flags & OPEN_FILE_TRUNCATE ? O_TRUNC : 0);
        s->open_file.graceful = file.flags & OPEN_FILE_GRACEFUL;
        s->open_file.place = place++;
        s->open_file.count = p->listen_count;
        s->open_file.names = p->listen_names;
    }
    p->plan->forks = true;
}

void plan_streams(struct planner *p) {
    const struct exec_request *request = p->request;
    size_t n_listen = plan_stdin_is_socket(p) ? 0 : request->n_listen_fds, n = 0;
    struct stream streams[3];
    struct move *moves = arena_alloc(p->arena, (n_listen + 3) * sizeof(struct move));
    if (!moves)
        return;
    decide(p, streams);
    for (int i = 0; i < 3; i++) {
        if (streams[i].kind == STREAM_NULL && null_fd() >= 0)
            streams[i] = (struct stream){ .kind = STREAM_FD, .fd = null_fd() };
        if (streams[i].kind == STREAM_FD)
            moves[n++] = (struct move){ streams[i].fd, i };
        /* Inherited from a descriptor of ours: the same move. */
        else if (streams[i].kind == STREAM_STDIN && streams[0].kind == STREAM_FD)
            moves[n++] = (struct move){ streams[0].fd, i };
        else if (streams[i].kind == STREAM_STDOUT && streams[1].kind == STREAM_FD)
            moves[n++] = (struct move){ streams[1].fd, i };
        else
            continue;
        streams[i].kind = STREAM_FD;
        streams[i].fd = moves[n - 1].from;
    }
    for (size_t i = 0; i < n_listen; i++)
        moves[n++] = (struct move){ request->listen_fds[i], 3 + (int)i };
    plan_moves(p, moves, n, 3 + (int)n_listen);
    plan_open_files(p, n_listen);
    for (int i = 0; i < 3; i++)
        open_stream(p, i, &streams[i]);

    if (unit_setting_written(p->unit, D_NonBlocking))
        for (size_t i = 0; i < MIN(n_listen, request->n_sockets); i++) {
            struct step *s = plan_step(p, STEP_FD_BLOCKING, EXIT_FDS);
            s->fd.from = unit_bool(p->unit, D_NonBlocking);
            s->fd.to = 3 + (int)i;
        }
}
