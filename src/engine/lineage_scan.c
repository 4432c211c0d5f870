/* SPDX-License-Identifier: Apache-2.0 */
/* Reading /proc, and remembering what it said of processes that may drop their tag. Small reads into buffers
 * on the stack: a scan costs some ten microseconds a process. Knows no units. */
#include "base/fd.h"
#include "engine/lineage_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEWBORN_ROUNDS 4  /* looks at who was born during the look before */
#define NEWBORN_MOST 1000 /* numbers tried one by one */

/* --- single processes ---------------------------------------------------------------------------------- */

/* /proc, if it is there and of our PID namespace. */
static int open_proc(struct lineage *l) {
    if (l->proc >= 0)
        return 0;
    _cleanup_close_ int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char self[16] = "", own[16];
    snprintf(own, sizeof(own), "%d", (int)getpid());
    if (fd >= 0 && readlinkat(fd, "self", self, sizeof(self) - 1) > 0 && strcmp(self, own) == 0) {
        l->proc = TAKE_FD(fd);
        return 0;
    }
    l->blind = -ENOENT;
    return -ENOENT;
}

/* Reads /proc/PID/NAME into the buffer, NUL-terminated. */
static ssize_t read_entry(const struct lineage *l, pid_t pid, const char *name, char *buffer, size_t size) {
    char path[48];
    snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
    int fd = openat(l->proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t n = read(fd, buffer, size - 1);
    int error = errno;
    close(fd);
    if (n <= 0)
        return n == 0 ? -ESRCH : -error;
    buffer[n] = 0;
    return n;
}

/* The hard value of "Max file locks"; 0: unlimited, or not readable. proc_pid_limits(5). */
static uint64_t read_limit(const struct lineage *l, pid_t pid) {
    char buffer[2048];
    if (read_entry(l, pid, "limits", buffer, sizeof(buffer)) < 0)
        return 0;
    const char *line = strstr(buffer, "\nMax file locks ");
    if (!line)
        return 0;
    const char *p = line + strlen("\nMax file locks ");
    p += strspn(p, " ");
    p += strcspn(p, " \n"); /* the soft one, which everybody may change */
    p += strspn(p, " ");
    return *p >= '0' && *p <= '9' ? strtoull(p, NULL, 10) : 0;
}

/* Takes `n` numbers after the state letter of /proc/PID/stat apart. */
static bool parse_stat(const char *stat, char *state, unsigned long long *field, size_t n) {
    const char *p = strrchr(stat, ')'); /* the name before it may contain anything */
    if (!p || p[1] != ' ' || !p[2])
        return false;
    *state = p[2];
    p += 3;
    for (size_t i = 0; i < n; i++) {
        char *end;
        field[i] = strtoull(p, &end, 10);
        if (end == p)
            return false;
        p = end;
    }
    return true;
}

enum { STAT_PARENT = 0, STAT_SESSION = 2, STAT_THREADS = 16, STAT_START = 18, STAT_FIELDS };

int lineage_read_process(struct lineage *l, pid_t pid, struct process *ret) {
    int r = open_proc(l);
    if (r < 0)
        return r;
    char buffer[1024], state;
    unsigned long long field[STAT_FIELDS];
    ssize_t n = read_entry(l, pid, "stat", buffer, sizeof(buffer));
    if (n < 0)
        return (int)n;
    if (!parse_stat(buffer, &state, field, STAT_FIELDS))
        return -EIO;
    *ret = (struct process){
        .pid = pid,
        .parent = (pid_t)field[STAT_PARENT],
        .session = (pid_t)field[STAT_SESSION],
        .start = field[STAT_START],
        /* A first thread that ended before the others looks like a zombie. */
        .zombie = (state == 'Z' || state == 'X') && field[STAT_THREADS] <= 1,
        .tag = lineage_own(l, read_limit(l, pid)),
    };
    ret->tagged = ret->tag != 0;
    return 0;
}

/* --- memory -------------------------------------------------------------------------------------------- */

struct remembered *lineage_recall(struct lineage *l, pid_t pid) {
    struct remembered *m;
    HASH_FIND_INT(l->memory, &pid, m);
    return m;
}

static void forget(struct lineage *l, struct remembered *m) {
    HASH_DEL(l->memory, m);
    free(m);
}

void lineage_forget_all(struct lineage *l) {
    struct remembered *m, *next;
    HASH_ITER(hh, l->memory, m, next)
    forget(l, m);
}

static void remember(struct lineage *l, pid_t pid, uint64_t start, uint64_t tag) {
    struct remembered *m = lineage_recall(l, pid);
    if (!m) {
        m = malloc(sizeof(*m));
        if (!m)
            return; /* one piece of evidence less */
        m->pid = pid;
        HASH_ADD_INT(l->memory, pid, m);
        if (!hash_holds(&m->hh)) {
            free(m);
            return;
        }
    }
    m->start = start;
    m->tag = tag;
    m->dead = false;
}

void lineage_remember(struct lineage *l, pid_t pid, uint64_t tag) {
    if (pid <= 1)
        return;
    struct process p = { 0 };
    (void)lineage_read_process(l, pid, &p);
    struct remembered *m = lineage_recall(l, pid);
    if (tag != 0)
        remember(l, pid, p.start, tag);
    else if (m)
        forget(l, m);
    lineage_scan_stale(l);
}

int lineage_attach(struct lineage *l, pid_t pid, uint64_t tag) {
    if (pid <= 1 || pid == getpid() || tag == 0)
        return -EINVAL;
    struct rlimit limit = { .rlim_cur = tag, .rlim_max = tag };
    int r = prlimit(pid, RLIMIT_LOCKS, &limit, NULL) < 0 ? -errno : 0;
    if (r != -ESRCH)
        lineage_remember(l, pid, tag);
    return r;
}

uint64_t lineage_of(struct lineage *l, pid_t pid) {
    struct remembered *m = lineage_recall(l, pid);
    uint64_t tag = open_proc(l) < 0 ? 0 : lineage_own(l, read_limit(l, pid));
    if (tag != 0 || !m || m->dead)
        return tag;
    struct process p;
    int r = lineage_read_process(l, pid, &p);
    if (r == -ESRCH && l->blind == 0)
        return 0;
    return r < 0 || m->start == 0 || p.start == m->start ? m->tag : 0;
}

/* --- the scan ------------------------------------------------------------------------------------------ */

static int compare_pids(const void *a, const void *b) {
    const struct process *p = a, *q = b;
    return (p->pid > q->pid) - (p->pid < q->pid);
}

/* Among the first `n` entries, which are sorted. */
static struct process *find_among(const struct lineage *l, size_t n, pid_t pid) {
    struct process key = { .pid = pid };
    return n > 0 ? bsearch(&key, l->scan, n, sizeof(key), compare_pids) : NULL;
}

static struct process *find(const struct lineage *l, pid_t pid) {
    return find_among(l, l->n, pid);
}

static int add_process(struct lineage *l, const struct process *p) {
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct process *scan = realloc(l->scan, room * sizeof(*scan));
        if (!scan)
            return -ENOMEM;
        l->scan = scan;
        l->room = room;
    }
    l->scan[l->n++] = *p;
    return 0;
}

/* The process id given out last in our namespace; -1: /proc does not tell. */
static pid_t last_born(const struct lineage *l) {
    char text[128];
    int fd = openat(l->proc, "loadavg", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    const char *last = strrchr(text, ' ');
    return last ? (pid_t)strtol(last, NULL, 10) : -1;
}

/* Adds one process to the scan, unless it is gone. */
static int read_one(struct lineage *l, pid_t pid, bool *sorted) {
    struct process p;
    int r = lineage_read_process(l, pid, &p);
    if (r == -EACCES || r == -EPERM) {
        l->blind = -EACCES;
        p = (struct process){ .pid = pid };
    } else if (r < 0)
        return 0;
    *sorted = *sorted && (l->n == 0 || l->scan[l->n - 1].pid < p.pid);
    return add_process(l, &p);
}

static int read_listed(struct lineage *l, bool *sorted) {
    union {
        struct dirent64 first;
        char bytes[16384];
    } buffer;
    l->n = 0;
    if (lseek(l->proc, 0, SEEK_SET) < 0)
        return -errno;
    for (;;) {
        long n = syscall(SYS_getdents64, l->proc, buffer.bytes, sizeof(buffer.bytes));
        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (long at = 0; at < n;) {
            const struct dirent64 *d = (const void *)(buffer.bytes + at);
            at += d->d_reclen;
            char *end;
            long pid = d->d_name[0] >= '1' && d->d_name[0] <= '9' ? strtol(d->d_name, &end, 10) : 0;
            int r = pid > 0 && !*end ? read_one(l, (pid_t)pid, sorted) : 0;
            if (r < 0)
                return r;
        }
    }
}

/* Threads have numbers of the same series, and /proc answers to them without listing them. */
static bool is_thread(pid_t pid) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == EINVAL;
}

/* Whoever forks and ends while /proc is listed is gone when it is read, and its child is in no list: so those that were
 * born meanwhile are looked at, too, until nobody is. */
static int read_newborn(struct lineage *l, pid_t before, bool *sorted) {
    for (int round = 0; round < NEWBORN_ROUNDS; round++) {
        pid_t last = last_born(l);
        if (before < 0 || last == before)
            return 0;
        if (last < before || last - before > NEWBORN_MOST) {
            /* The numbers began anew, or there are too many: all over again. */
            before = last;
            int r = read_listed(l, sorted);
            if (r < 0)
                return r;
            continue;
        }
        size_t listed = l->n;
        for (pid_t pid = before + 1; pid <= last; pid++) {
            if ((listed > 0 && find_among(l, listed, pid)) || is_thread(pid))
                continue;
            int r = read_one(l, pid, sorted);
            if (r < 0)
                return r;
        }
        qsort(l->scan, l->n, sizeof(*l->scan), compare_pids);
        before = last;
    }
    return 0;
}

static int read_all(struct lineage *l) {
    bool sorted = true;
    pid_t before = last_born(l);
    int r = read_listed(l, &sorted);
    if (r >= 0 && !sorted)
        qsort(l->scan, l->n, sizeof(*l->scan), compare_pids);
    sorted = true;
    return r < 0 ? r : read_newborn(l, before, &sorted);
}

static bool session_has_members(const struct lineage *l, pid_t session) {
    for (size_t i = 0; i < l->n; i++)
        if (l->scan[i].session == session)
            return true;
    return false;
}

/* Drops what is remembered of processes that are no more; adds those that /proc hides. */
static int compare_with_memory(struct lineage *l) {
    size_t seen = l->n;
    struct remembered *m, *next;
    HASH_ITER(hh, l->memory, m, next) {
        struct process *p = find_among(l, seen, m->pid);
        if (m->dead) {
            if (p || !session_has_members(l, m->pid))
                forget(l, m);
        } else if (p && (p->start == 0 || m->start == 0 || p->start == m->start)) {
            if (m->start == 0)
                m->start = p->start;
            if (p->tag == 0)
                p->tag = m->tag;
        } else if (!p && (kill(m->pid, 0) >= 0 || errno == EPERM)) {
            l->blind = -EACCES;
            int r = add_process(l, &(struct process){ .pid = m->pid, .start = m->start, .tag = m->tag });
            if (r < 0)
                return r;
        } else if (!p && session_has_members(l, m->pid))
            m->dead = true;
        else
            forget(l, m);
    }
    if (seen != l->n)
        qsort(l->scan, l->n, sizeof(*l->scan), compare_pids);
    return 0;
}

/* By the session: its leader, alive or as remembered. */
static uint64_t tag_of_session(struct lineage *l, const struct process *p) {
    if (p->session <= 1 || p->session == p->pid)
        return 0;
    const struct process *leader = find(l, p->session);
    if (leader)
        return leader->tag;
    struct remembered *m = lineage_recall(l, p->session);
    return m ? m->tag : 0;
}

/* Parents first: walks up until one is decided, then down again the same way. */
static void attribute(struct lineage *l, struct process *p) {
    pid_t self = getpid();
    uint64_t tag = 0;
    struct process *top = p;
    for (size_t depth = 0; depth < l->n; depth++) {
        tag = top->tag ? top->tag : tag_of_session(l, top);
        struct process *parent = top->parent > 1 && top->parent != self ? find(l, top->parent) : NULL;
        if (tag != 0 || !parent || parent->start > top->start)
            break;
        top = parent;
    }
    if (tag == 0)
        return;
    for (struct process *at = p; at && at->tag == 0;) {
        at->tag = tag;
        remember(l, at->pid, at->start, tag);
        at = at == top ? NULL : find(l, at->parent);
    }
}

static void weigh_evidence(struct lineage *l) {
    pid_t self = getpid();
    for (size_t i = 0; i < l->n; i++) {
        struct process *p = &l->scan[i];
        if (p->tag == 0 && p->pid > 1 && p->pid != self && p->start != 0)
            attribute(l, p);
        else if (p->tagged && p->session == p->pid && !lineage_recall(l, p->pid))
            remember(l, p->pid, p->start, p->tag);
    }
}

void lineage_scan_stale(struct lineage *l) {
    l->fresh = false;
}

bool lineage_may_lose(const struct lineage *l) {
    return l->may_lose || l->base == 0;
}

int lineage_blind(const struct lineage *l) {
    return l->blind;
}

int lineage_scan(struct lineage *l, const struct process **ret) {
    if (!l->fresh) {
        int r = open_proc(l);
        if (r >= 0)
            r = read_all(l);
        if (r >= 0)
            r = compare_with_memory(l);
        if (r < 0) {
            l->n = 0;
            return r;
        }
        if (l->may_lose)
            weigh_evidence(l);
        l->fresh = true;
    }
    *ret = l->scan;
    return (int)l->n;
}

/* --- what a dead child leaves behind ------------------------------------------------------------------- */

static bool is_stranger(const struct lineage *l, pid_t pid) {
    for (size_t i = 0; i < l->n_strangers; i++)
        if (l->strangers[i] == pid)
            return true;
    return false;
}

/* Our children that carry no tag and that nothing is remembered of: they were orphaned since the last look,
 * by the process that `tag` is known of and that died just now. Those of earlier looks are strangers (docker
 * exec's) and stay so. */
static void adopt_orphans(struct lineage *l, uint64_t tag, uint64_t not_before) {
    char path[64];
    snprintf(path, sizeof(path), "self/task/%d/children", (int)getpid());
    _cleanup_free_ char *children = NULL;
    if (file_read_at(l->proc, path, 1 << 20, &children, NULL) < 0)
        return; /* a kernel without CONFIG_PROC_CHILDREN */
    size_t room = 0;
    for (const char *p = children; *p; p++)
        room += *p == ' ';
    pid_t *strangers = room > 0 ? malloc(room * sizeof(*strangers)) : NULL;
    size_t n = 0;
    char *end;
    for (const char *p = children; *p; p = end) {
        pid_t pid = (pid_t)strtol(p, &end, 10);
        if (end == p)
            break;
        struct process child;
        if (pid <= 0 || lineage_recall(l, pid) || lineage_read_process(l, pid, &child) < 0 || child.tagged)
            continue;
        if (tag != 0 && child.start >= not_before && !is_stranger(l, pid))
            remember(l, pid, child.start, tag);
        else if (strangers && n < room)
            strangers[n++] = pid;
    }
    free(l->strangers);
    l->strangers = strangers;
    l->n_strangers = n;
}

uint64_t lineage_reaping(struct lineage *l, pid_t pid) {
    struct remembered *m = lineage_recall(l, pid);
    uint64_t tag = 0;
    if (!l->may_lose) {
        tag = m ? m->tag : lineage_of(l, pid);
        if (m)
            forget(l, m);
        return tag;
    }
    struct process dead = { .pid = pid };
    (void)lineage_read_process(l, pid, &dead);
    tag = dead.tag != 0 ? dead.tag : m ? m->tag : 0;
    if (tag == 0 && dead.start != 0)
        tag = tag_of_session(l, &dead);
    if (tag != 0 && dead.session == pid) {
        remember(l, pid, dead.start, tag);
        m = lineage_recall(l, pid);
        if (m)
            m->dead = true;
    } else if (m)
        forget(l, m);
    if (l->proc >= 0)
        adopt_orphans(l, tag, dead.start);
    lineage_scan_stale(l);
    return tag;
}
