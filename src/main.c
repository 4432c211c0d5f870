/* SPDX-License-Identifier: Apache-2.0 */
/* The applet table: which name runs which program. Nothing else. */
#include "base/path.h"
#include "cli/applets.h"
#include "engine/init.h"
#include "journal/server.h"
#include "wire/bus/bus.h"
#include "wire/runit/runit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int run_init(int argc, char **argv) {
    static struct wire *const wires[] = { &bus_wire, &runit_wire, NULL };
    return init_main(argc, argv, wires);
}

/* The manager, with that directory's services as units. */
static int run_runsvdir(int argc, char **argv) {
    static char *init_argv[] = { (char *)"reeve", (char *)"init", (char *)"--unit=runit.target", NULL };
    int r = runsvdir_main(argc, argv);
    return r >= 0 ? r : run_init(3, init_argv);
}

/* `reeve run --unit=X` is the manager with X for its purpose; anything else is one command. */
static int run_run(int argc, char **argv) {
    const char *unit = argc > 1 && strncmp(argv[1], "--unit=", 7) == 0 ? argv[1] + 7
                       : argc > 2 && strcmp(argv[1], "--unit") == 0    ? argv[2]
                                                                       : NULL;
    if (!unit)
        return run_main(argc, argv);
    static char *words[32] = { (char *)"reeve", (char *)"init", (char *)"--foreground" };
    static char unit_option[300], exit_option[300];
    snprintf(unit_option, sizeof(unit_option), "--unit=%s", unit);
    snprintf(exit_option, sizeof(exit_option), "--exit-with=%s", unit);
    size_t n = 3;
    words[n++] = unit_option;
    words[n++] = exit_option;
    /* What follows is for the manager. */
    for (int i = argv[1][6] == '=' ? 2 : 3; i < argc && n + 1 < ELEMENTS(words); i++)
        words[n++] = argv[i];
    return run_init((int)n - 1, words + 1);
}

/* As a container's command, `systemctl` alone means the manager. */
static int run_systemctl(int argc, char **argv) {
    return getpid() == 1 && argc < 2 ? run_init(argc, argv) : systemctl_main(argc, argv);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* NULL: not for people */
} applets[] = {
    { "init", run_init, "be the service manager, as PID 1 or as a subreaper" },
    { "systemd", run_init, NULL },
    { "run", run_run, "run one command as PID 1 should: reap, pass signals on, end with its exit status" },
    { "tini", tini_main, NULL },
    { "docker-init", tini_main, NULL },
    { "dumb-init", dumb_init_main, NULL },
    { "catatonit", catatonit_main, NULL },
    { "journal", journal_main, NULL },
    { "generators", generators_main, NULL },
    { "runit-hook", runit_hook_main, NULL },
    { "analyze", analyze_main, "calendar and time expressions, read as the manager reads them" },
    { "systemd-analyze", analyze_main, NULL },
    { "systemctl", run_systemctl, "ask the manager, tell it what to do: systemctl(1)" },
    { "poweroff", systemctl_main, NULL },
    { "reboot", systemctl_main, NULL },
    { "halt", systemctl_main, NULL },
    { "journalctl", journalctl_main, "show what services have logged: journalctl(1)" },
    { "escape", escape_main, "strings to unit names and back" },
    { "systemd-escape", escape_main, NULL },
    { "tmpfiles", tmpfiles_main, "create, remove and clean files as tmpfiles.d(5) says" },
    { "systemd-tmpfiles", tmpfiles_main, NULL },
    { "my_init", my_init_main, "phusion/baseimage's init: start-up scripts, runit services, a main command" },
    { "my_init-hook", my_init_hook_main, NULL },
    { "runsvdir", run_runsvdir, "runit services of a directory: runsvdir(8)" },
    { "sv", sv_main, "runit services: sv(8)" },
    { "setuser", setuser_main, "run a command as another user" },
    { "install", install_main, "be systemctl and /sbin/init of this image, whatever packages do" },
    { "uninstall", uninstall_main, "undo that" },
    { "doctor", doctor_main, "say what does not work in this container, and what to do about it" },
    { "explain", explain_main, "show how a unit's command would be run here, and what cannot be enforced" },
    { "verify", verify_main, "check unit files: everything wrong or not honoured" },
    { "directives", directives_main, "list every directive and how far it is honoured" },
};

static int usage(FILE *to) {
    fprintf(to, "reeve " REEVE_VERSION
                ": a service manager and PID 1 for containers\n\nUsage: reeve COMMAND [ARGUMENT…]\n\n");
    for (size_t i = 0; i < ELEMENTS(applets); i++)
        if (applets[i].help)
            fprintf(to, "  %-12s %s\n", applets[i].name, applets[i].help);
    fprintf(to, "\nAs PID 1, or called /sbin/init or systemd, it is `reeve init`.\n");
    return to == stdout ? 0 : 2;
}

/* What is opened next is not taken for a stream that was closed; that one stays as good as closed. */
static void reserve_standard_descriptors(void) {
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_CLOEXEC) < 0)
            return;
}

int main(int argc, char **argv) {
    reserve_standard_descriptors();
    const char *name = path_base(argc > 0 ? argv[0] : "reeve");
    for (size_t i = 0; i < ELEMENTS(applets); i++)
        if (strcmp(name, applets[i].name) == 0)
            return applets[i].run(argc, argv);
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return usage(stdout);
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return printf("reeve " REEVE_VERSION "\n") < 0;
    for (size_t i = 0; argc > 1 && i < ELEMENTS(applets); i++)
        if (strcmp(argv[1], applets[i].name) == 0)
            return applets[i].run(argc - 1, argv + 1);
    if (getpid() == 1)
        return run_init(argc, argv);
    return usage(stderr);
}
