/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation and every system call of the engine fails once, each in a process of its own. A script is run while
 * the one failure waits at its place; then nothing may be stuck, lost or leaked, what stood by runs on as it was, and
 * the same things asked for again work. Crashes and leaks are the sanitizers' to find.
 *
 *   test-engine-faults [SCRIPT [KIND]]    FAULTS=all: every occurrence at every place; FAULTS=N: every Nth place
 *   test-engine-faults SCRIPT KIND HASH:OCCURRENCE:ERRNO    one failure, in this process */
#include "engine-test.h"
#include "../faults/client.h"
#include "../faults/shim.h"
#include "engine/timer.h"
#include "engine/socket_private.h"
#include "wire/bus/bus.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>

enum { CALLERS = 6 };

static bool tolerant; /* a refusal is an answer */

#define MUST(condition)                                                         \
    do {                                                                        \
        if (!(condition)) {                                                     \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                           \
        }                                                                       \
    } while (0)

/* --- asking for things that may be refused ------------------------------------------------------------------------ */
static void turn(void) {
    int r = loop_turn(m->loop, 20 * USEC_PER_MSEC);
    MUST(r >= 0 || tolerant);
}

static void try(enum job_type type, const char *name, enum job_mode mode) {
    struct unit *u;
    struct error error = {};
    int r = manager_load_unit(m, name, &u, &error);
    if (r >= 0)
        r = manager_add_job(m, type, u, mode, &error, NULL);
    if (r < 0 && !tolerant) {
        fprintf(stderr, "%s %s: %s\n", job_type_to_string(type), name, error.message);
        _exit(1);
    }
    MUST(r >= 0 || error.message[0]);
}

static bool idle(void) {
    if (m->n_installed_jobs > 0 || m->p->reload_requests || m->p->helper_pid)
        return false;
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        enum active_state state = unit_active_state(n->unit);
        if (state == ACTIVE_ACTIVATING || state == ACTIVE_DEACTIVATING || state == ACTIVE_RELOADING)
            return false;
    }
    return true;
}

static void until_idle(void) {
    usec_t deadline = now(CLOCK_MONOTONIC) + PATIENCE_USEC;
    do {
        turn();
        if (now(CLOCK_MONOTONIC) > deadline) {
            _cleanup_text_ struct text dump = {};
            manager_dump(m, &dump);
            fprintf(stderr, "stuck:\n%s\n", text_str(&dump));
            _exit(1);
        }
    } while (!idle());
}

/* Once more if it is needed: the failure may be this stop's own. */
static void bring_down(const char *name) {
    for (int i = 0; i < 2; i++) {
        const struct unit *u = manager_get_unit(m, name);
        if (i > 0 && (!u || inactive_or_failed(unit_active_state(u))))
            return;
        try(JOB_STOP, name, JOB_REPLACE);
        until_idle();
    }
}

/* --- scripts ------------------------------------------------------------------------------------------------------ */
static void write_units(void) {
    char text[1024];
    unit_text("bystander.service", SLEEPER);
    unit_text("plain.service", "Description=A plain one\n" SLEEPER);
    snprintf(text, sizeof(text),
             "Wants=plain.service nothing.service\nRequires=once.service\nAfter=plain.service once.service\n"
             "[Service]\nType=exec\nEnvironment=A=b \"C=d e\"\nExecStartPre=/bin/true\n"
             "ExecStart=/bin/sleep 1000\nExecReload=/bin/true\nExecStop=/bin/true\nExecStopPost=/bin/true\n");
    unit_text("full.service", text);
    unit_text("once.service",
              "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStart=-/bin/false\n");
    unit_text("failing.service", "OnFailure=after.target\n[Service]\nType=oneshot\nExecStart=/bin/false\n");
    unit_text("after.target", "");
    unit_text("again.service", "StartLimitBurst=3\n[Service]\nRestart=always\nRestartSec=1ms\nExecStart=/bin/false\n");
    unit_text("fork.service", "[Service]\nType=forking\nExecStart=/bin/sh -c 'sleep 1000 & exit 0'\n");
    unit_text("bad.service", "Nonsense=1\n[Service]\nExecStart=relative\nRestart=sometimes\n[Odd]\nX=y\n");
    snprintf(text, sizeof(text), "[Socket]\nListenStream=%s/socket\nListenFIFO=%s/fifo\n", directory, directory);
    unit_text("lone.socket", text);
    unit_text("lone.service", SLEEPER);
    unit_text("all.target", "Wants=full.service fork.service\nAfter=full.service fork.service\n");
    unit_text("rival.target", "Conflicts=plain.service\n");
    unit_text("circle-a.target", "Wants=circle-b.target\nAfter=circle-b.target\n");
    unit_text("circle-b.target", "After=circle-a.target\n");
    mkdir_p(strcat(strcpy(text, directory), "/units/plain.service.d"), 0755);
    write_text("units/plain.service.d/10-more.conf", "[Service]\nTimeoutStopSec=5\nEnvironmentFile=-/nonexistent\n");
    unit_text("soon.timer", "[Timer]\nOnActiveSec=1ms\nOnCalendar=daily\nPersistent=yes\nUnit=plain.service\n");
    snprintf(text, sizeof(text), "[Path]\nPathExists=%s/flag/here\nPathChanged=%s\nUnit=plain.service\n", directory,
             directory);
    unit_text("flag.path", text);
    unit_text("thing@.service", "[Service]\nExecStart=/bin/sleep %i\n");
}

static void starting_and_stopping(void) {
    try(JOB_START, "full.service", JOB_REPLACE);
    until_idle();
    try(JOB_RELOAD, "full.service", JOB_REPLACE);
    until_idle();
    try(JOB_RESTART, "plain.service", JOB_REPLACE);
    until_idle();
    try(JOB_STOP, "once.service", JOB_REPLACE);
    until_idle();
}

static void targets_and_forks(void) {
    try(JOB_START, "all.target", JOB_REPLACE);
    try(JOB_START, "thing@1000.service", JOB_FAIL);
    until_idle();
    try(JOB_START, "rival.target", JOB_REPLACE);
    until_idle();
    struct unit *u;
    if (manager_load_unit(m, "circle-a.target", &u, NULL) >= 0)
        (void)manager_add_job(m, JOB_START, u, JOB_REPLACE, NULL, NULL);
    try(JOB_STOP, "fork.service", JOB_REPLACE);
    until_idle();
}

static void failing_and_restarting(void) {
    struct unit *u;
    try(JOB_START, "failing.service", JOB_REPLACE);
    if (manager_load_unit(m, "bad.service", &u, NULL) >= 0)
        (void)manager_add_job(m, JOB_START, u, JOB_REPLACE, NULL, NULL);
    until_idle();
    try(JOB_START, "again.service", JOB_REPLACE);
    until_idle();
    manager_reset_failed(m);
    turn();
}

static void reloading(void) {
    try(JOB_START, "full.service", JOB_REPLACE);
    try(JOB_START, "lone.socket", JOB_REPLACE);
    turn();
    (void)manager_reload(m, NULL, NULL);
    until_idle();
    (void)manager_reload(m, NULL, NULL);
    until_idle();
    try(JOB_STOP, "full.service", JOB_REPLACE);
    until_idle();
}

static void dying(void) {
    try(JOB_START, "full.service", JOB_REPLACE);
    try(JOB_START, "fork.service", JOB_REPLACE);
    until_idle();
    static const char *const victims[] = { "full.service", "fork.service" };
    for (size_t i = 0; i < ELEMENTS(victims); i++) {
        struct unit *u = manager_get_unit(m, victims[i]);
        if (u && unit_main_pid(u) > 0)
            kill(unit_main_pid(u), SIGKILL);
    }
    until_idle();
    usec_t end = now(CLOCK_MONOTONIC) + 50 * USEC_PER_MSEC;
    while (now(CLOCK_MONOTONIC) < end)
        turn();
    until_idle();
}

static void sockets(void) {
    try(JOB_START, "lone.socket", JOB_REPLACE);
    until_idle();
    char path[128];
    snprintf(path, sizeof(path), "%s/fifo", directory);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "x", 1);
        turn();
        until_idle();
        close(fd);
    }
    bring_down("lone.socket");
    bring_down("lone.service");
}

static void triggers(void) {
    try(JOB_START, "soon.timer", JOB_REPLACE);
    until_idle();
    (void)manager_reload(m, NULL, NULL);
    until_idle();
    bring_down("soon.timer");
    bring_down("plain.service");
    try(JOB_START, "flag.path", JOB_REPLACE);
    until_idle();
    char path[128];
    snprintf(path, sizeof(path), "%s/flag", directory);
    (void)mkdir(path, 0755);
    turn();
    until_idle();
    bring_down("flag.path");
    bring_down("plain.service");
}

static void transient(void) {
    struct unit *u;
    struct error error;
    if (manager_make_transient(m, "run.service", "[Unit]\nDefaultDependencies=no\n" SLEEPER, &u, &error) >= 0)
        (void)manager_add_job(m, JOB_START, u, JOB_REPLACE, &error, NULL);
    until_idle();
    u = manager_get_unit(m, "plain.service");
    if (u || manager_load_unit(m, "plain.service", &u, &error) >= 0)
        (void)manager_set_property_text(m, u, "Service", "TimeoutStopSec=7\n", true, &error);
    char *set[] = { (char *)"X=1", NULL };
    (void)manager_set_environment(m, NULL, set, &error);
    (void)manager_reload(m, NULL, NULL);
    until_idle();
    if (manager_get_unit(m, "run.service"))
        bring_down("run.service");
}

/* A client in a process of its own, and the loop turned for it until it has ended. */
static void serve_client(void) {
    char socket[128], verdict = 1;
    int fds[2], watched = faults->pid;
    faults->pid = 0; /* what the test does itself does not fail */
    snprintf(socket, sizeof(socket), "%s/systemd/private", directory);
    MUST(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        verdict = (char)client_run(socket, tolerant);
        (void)!write(fds[1], &verdict, 1);
        _exit(0);
    }
    close(fds[1]);
    usec_t deadline = now(CLOCK_MONOTONIC) + 3 * PATIENCE_USEC;
    ssize_t n;
    do {
        faults->pid = watched;
        turn();
        faults->pid = 0;
        MUST(now(CLOCK_MONOTONIC) < deadline);
    } while ((n = read(fds[0], &verdict, 1)) < 0);
    MUST(n == 1 && verdict == 0);
    close(fds[0]);
    faults->pid = watched;
    until_idle();
}

static const struct script {
    const char *name;
    void (*run)(void);
    bool bus;
} scripts[] = {
    { "starting", starting_and_stopping }, { "targets", targets_and_forks }, { "failing", failing_and_restarting },
    { "reloading", reloading },            { "dying", dying },               { "sockets", sockets },
    { "transient", transient },            { "triggers", triggers },         { "bus", serve_client, true },
};

/* --- one run ------------------------------------------------------------------------------------------------------ */
static int open_descriptors(void) {
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static struct faults *counted;

/* What was asked for works when it is asked for again. */
static void all_works(void) {
    static const char *const active[] = { "bystander.service", "plain.service", "once.service",
                                          "full.service",      "fork.service",  "all.target", "lone.socket" };
    manager_reset_failed(m);
    until_idle();
    for (size_t i = 1; i < ELEMENTS(active); i++)
        try(JOB_STOP, active[i], JOB_REPLACE);
    try(JOB_STOP, "lone.service", JOB_REPLACE); /* while it runs, its socket is rightly refused */
    until_idle();
    try(JOB_START, "all.target", JOB_REPLACE);
    try(JOB_START, "lone.socket", JOB_REPLACE);
    until_idle();
    for (size_t i = 0; i < ELEMENTS(active); i++)
        if (state_of(active[i]) != ACTIVE_ACTIVE) {
            fprintf(stderr, "%s is %s (%s) afterwards\n", active[i], active_state_to_string(state_of(active[i])),
                    sub_state_of(active[i]));
            _exit(1);
        }
    for (size_t i = ELEMENTS(active); i-- > 0;)
        try(JOB_STOP, active[i], JOB_REPLACE);
    try(JOB_STOP, "thing@1000.service", JOB_REPLACE);
    until_idle();
    for (size_t i = 0; i < ELEMENTS(active); i++)
        MUST(state_of(active[i]) == ACTIVE_INACTIVE);
}

/* What is said to listen does. */
static void listeners_are_watched(void) {
    for (struct unit_name *n = m->names; n; n = n->hh.next) {
        const struct socket_unit *s = n->unit->ops->type == UNIT_SOCKET ? SOCKET(n->unit) : NULL;
        for (size_t i = 0; s && s->state == SOCKET_LISTENING && i < s->n_ports; i++)
            MUST(s->ports[i].fd >= 0 && s->ports[i].io);
    }
}

static bool processes_left(void) {
    for (struct unit_name *n = m->names; n; n = n->hh.next)
        if (n->unit->maybe_processes || n->unit->job)
            return true;
    return false;
}

static void run_script(const struct script *script, const struct fault_place *place, uint32_t occurrence, int error) {
    static struct faults one;
    MUST(set_up(NULL) == 0);
    m->p->reloading = false;
    write_units();
    MUST(search_cache_fill(&m->search) >= 0 && manager_read_units(m) >= 0);
    try(JOB_START, "bystander.service", JOB_REPLACE);
    until_idle();
    pid_t bystander = unit_main_pid(manager_get_unit(m, "bystander.service"));
    MUST(bystander > 0);
    if (script->bus)
        MUST(bus_wire.start(&bus_wire, m) >= 0);
    const struct process *all;
    /* What is opened for good: /proc, what tells of the clock and of the time zone. */
    MUST(lineage_scan(m->lineage, &all) > 0);
    struct timer clock = { .clock = CLOCK_REALTIME };
    timer_set(m->loop, &clock, now(CLOCK_REALTIME) + 3600 * USEC_PER_SEC);
    turn();
    timer_stop(&clock);
    MUST(timers_watch_zone(m) >= 0);
    int before = open_descriptors();

    faults = place ? &one : counted;
    if (place)
        one = (struct faults){ .armed = true, .hash = place->hash, .occurrence = occurrence, .error = error };
    faults->depth = CALLERS;
    faults->pid = getpid();
    tolerant = place;
    script->run();
    faults->pid = 0;
    tolerant = false;

    until_idle();
    struct unit *u = manager_get_unit(m, "bystander.service");
    MUST(u && unit_active_state(u) == ACTIVE_ACTIVE && unit_main_pid(u) == bystander);
    listeners_are_watched();
    if (script->bus)
        serve_client();
    all_works();
    usec_t deadline = now(CLOCK_MONOTONIC) + PATIENCE_USEC;
    while ((processes_left() || open_descriptors() > before) && now(CLOCK_MONOTONIC) < deadline)
        turn();
    if (open_descriptors() > before) {
        fprintf(stderr, "%d descriptors more than before\n", open_descriptors() - before);
        (void)!system("ls -l /proc/$PPID/fd >&2");
        _exit(1);
    }
    MUST(!processes_left());
    if (script->bus)
        bus_wire.stop(&bus_wire);
    MUST(tear_down(NULL) == 0);
    if (place && one.hits == 0)
        exit(77); /* it did not come by this time */
}

/* --- all of them -------------------------------------------------------------------------------------------------- */
static unsigned n_run, n_failed, n_missed;

static void describe(const struct fault_place *place) {
    char command[512];
    int n = snprintf(command, sizeof(command), "addr2line -spfe /proc/%d/exe", getpid());
    for (int i = 0; i < CALLERS && place->chain[i]; i++)
        n += snprintf(command + n, sizeof(command) - (size_t)n, " %#lx",
                      (unsigned long)place->chain[i] - 1);
    (void)!system(command);
}

static void one_failure(const struct script *script, const struct fault_place *place, uint32_t occurrence, int error) {
    char path[] = "/tmp/test-faults.XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    MUST(fd >= 0);
    unlink(path);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        alarm(120);
        dup2(fd, STDERR_FILENO);
        dup2(fd, STDOUT_FILENO);
        run_script(script, place, occurrence, error);
        exit(0);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    n_run++;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        n_missed++;
    else if (status != 0) {
        n_failed++;
        kill(-pid, SIGKILL);
        printf("FAILED: %s %s %x:%u:%d (%s), status %#x\n", script->name, fault_kind_name(place->kind), place->hash,
               occurrence, error, strerrorname_np(error), status);
        fflush(stdout);
        describe(place);
        char text[6000];
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = 0;
        printf("%s\n", text);
        fflush(stdout);
    }
    close(fd);
}

static void all_failures(const struct script *script, const char *kind, bool all, unsigned stride) {
    memset(counted, 0, sizeof(*counted));
    pid_t pid = fork();
    if (pid == 0) {
        run_script(script, NULL, 0, 0);
        exit(0);
    }
    int status;
    MUST(waitpid(pid, &status, 0) == pid);
    if (status != 0) {
        printf("%s fails without any fault: status %#x\n", script->name, status);
        n_failed++;
        return;
    }
    unsigned n_calls = 0, at = 0, before = n_run;
    for (unsigned i = 0; i < FAULT_PLACES; i++) {
        const struct fault_place *place = &counted->places[i];
        n_calls += place->hash ? place->calls : 0;
        if (!place->hash || (kind && strcmp(kind, fault_kind_name(place->kind)) != 0) || at++ % stride)
            continue;
        for (unsigned which = 0; which < 2 && fault_error(place->kind, which); which++)
            for (uint32_t occurrence = 1; occurrence <= (all ? place->calls : 1); occurrence++)
                one_failure(script, place, occurrence, fault_error(place->kind, which));
    }
    printf("%s: %u calls at %u places, %u failures tried\n", script->name, n_calls, counted->n_places, n_run - before);
    fflush(stdout);
}

int main(int argc, char **argv) {
    const char *how = getenv("FAULTS"), *only = argc > 1 ? argv[1] : NULL, *kind = argc > 2 ? argv[2] : NULL;
    bool all = how && strcmp(how, "all") == 0;
    int stride = how && !all ? atoi(how) : 1;
    counted = mmap(NULL, sizeof(*counted), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(counted != MAP_FAILED && stride > 0);
    for (size_t i = 0; i < ELEMENTS(scripts); i++)
        if (!only || strcmp(only, scripts[i].name) == 0) {
            unsigned occurrence, error;
            struct fault_place place = {};
            if (argc > 3 && sscanf(argv[3], "%x:%u:%u", &place.hash, &occurrence, &error) == 3)
                run_script(&scripts[i], &place, occurrence, (int)error);
            else
                all_failures(&scripts[i], kind, all, (unsigned)stride);
        }
    printf("faults: %u passed, %u failed, %u did not come by again\n", n_run - n_failed - n_missed, n_failed, n_missed);
    return n_failed > 0;
}
