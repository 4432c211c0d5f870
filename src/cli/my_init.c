/* SPDX-License-Identifier: Apache-2.0 */
/* my_init: what phusion/baseimage has at PID 1. The start-up scripts run first, in this process; then it becomes the
 * manager, for which the generator (my_init_units.c) has made units of the services, the main command and the shutdown
 * scripts. What is said on stderr and the exit codes are that program's. */
#include "cli/my_init.h"
#include "base/path.h"
#include "base/strv.h"
#include "cli/applets.h"
#include "unit/runit.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define KEY_SCRIPT "/usr/sbin/enable_insecure_key"
#define ABORTED 2 /* exit status after SIGTERM or SIGINT, where there was something to wait for */

struct options {
    bool insecure_key, skip_startup, skip_runit, keep_processes;
    char **command; /* borrowed; NULL: none */
};

static int usage(FILE *to) {
    fprintf(to, "usage: my_init [-h] [--enable-insecure-key] [--skip-startup-files] [--skip-runit]\n"
                "               [--no-kill-all-on-exit] [--quiet] [MAIN_COMMAND ...]\n");
    if (to == stdout)
        printf("\nInitialize the system: run /etc/my_init.d/* and /etc/rc.local, then the services in\n" RUNIT_DIRECTORY
               " and the main command.\n\n"
               "  --enable-insecure-key  install the image's insecure SSH key\n"
               "  --skip-startup-files   skip /etc/my_init.d/* and /etc/rc.local\n"
               "  --skip-runit           do not run the services\n"
               "  --no-kill-all-on-exit  do not wait for other processes at the end\n"
               "  --quiet                print warnings and errors only\n");
    return to == stdout ? 0 : 2;
}

static int parse(int argc, char **argv, struct options *o) {
    enum { OPT_KEY = 256, OPT_STARTUP, OPT_RUNIT, OPT_KILL, OPT_QUIET };
    static const struct option long_options[] = {
        { "enable-insecure-key", no_argument, NULL, OPT_KEY }, { "skip-startup-files", no_argument, NULL, OPT_STARTUP },
        { "skip-runit", no_argument, NULL, OPT_RUNIT },        { "no-kill-all-on-exit", no_argument, NULL, OPT_KILL },
        { "quiet", no_argument, NULL, OPT_QUIET },             { "help", no_argument, NULL, 'h' },
        {}
    };
    int c;
    optind = 1;
    *o = (struct options){};
    while ((c = getopt_long(argc, argv, "+h", long_options, NULL)) >= 0)
        switch (c) {
        case OPT_KEY:
            o->insecure_key = true;
            break;
        case OPT_STARTUP:
            o->skip_startup = true;
            break;
        case OPT_RUNIT:
            o->skip_runit = true;
            break;
        case OPT_KILL:
            o->keep_processes = true;
            break;
        case OPT_QUIET:
            my_init_quiet = true;
            break;
        case 'h':
            return usage(stdout);
        default:
            return usage(stderr);
        }
    if (argv[optind])
        o->command = argv + optind;
    if (o->skip_runit && !o->command) {
        my_init_warn("When --skip-runit is given, you must also pass a main command.\n");
        return 1;
    }
    return -1;
}

static unsigned seconds(const char *name) {
    const char *value = getenv(name);
    char *end;
    unsigned long n = value && *value ? strtoul(value, &end, 10) : MY_INIT_TIMEOUT_SEC;
    return value && *value && *end ? MY_INIT_TIMEOUT_SEC : (unsigned)n;
}

/* --- start-up scripts --------------------------------------------------------------------------------------------- */
static int use_environment(char **env) {
    if (clearenv() != 0)
        return -ENOMEM;
    STRV_FOREACH(e, env) {
        char *value = strchr(*e, '=');
        if (!value)
            continue;
        *value = 0;
        int r = setenv(*e, value + 1, 1);
        *value = '=';
        if (r < 0)
            return -ENOMEM;
    }
    return 0;
}

static void told_to_export(int r) {
    static bool told;
    if (r < 0 && !told)
        my_init_warn("/etc/container_environment cannot be written: %s", strerror(-r));
    told = told || r < 0;
}

/* What was given to the container goes before what the image says; both are written down for the scripts. */
static int first_environment(void) {
    _cleanup_strv_ char **env = strv_copy(environ);
    int r = env ? my_init_import("", false, &env) : -ENOMEM;
    if (r < 0)
        return r;
    told_to_export(my_init_export("", true, env));
    return use_environment(env);
}

/* From then on the directory says it all: a script may have added to it, or taken away. */
static int environment_after_script(void) {
    _cleanup_strv_ char **env = NULL;
    int r = my_init_import("", true, &env);
    if (r < 0)
        return r;
    told_to_export(my_init_export("", false, env));
    return use_environment(env);
}

/* 0, or the status to exit with. */
static int run_script(const char *path, const char *announcement, unsigned limit) {
    char *const argv[] = { (char *)path, NULL };
    my_init_info(announcement, path);
    int r = my_init_run(argv, limit);
    if (r == -EINTR) {
        my_init_warn("Init system aborted.");
        return ABORTED;
    }
    if (r != 0) {
        if (r < 0)
            my_init_warn("%s cannot be run: %s", path, strerror(-r));
        else
            my_init_warn("%s failed with status %d\n", path, r);
        return 1;
    }
    return environment_after_script() < 0;
}

static int run_startup_files(unsigned limit) {
    _cleanup_strv_ char **scripts = NULL;
    const char *directory = getenv("ENV_INIT_DIRECTORY") ?: "/etc/my_init.d";
    int r = my_init_list(directory, &scripts) < 0;
    STRV_FOREACH(script, scripts)
        if (r == 0)
            r = run_script(*script, "Running %s...", limit);
    if (r == 0 && access("/etc/rc.local", X_OK) >= 0)
        r = run_script("/etc/rc.local", "Running %s...", limit);
    return r;
}

/* --- the main command --------------------------------------------------------------------------------------------- */
void my_init_quote_command(struct text *out, const char *path, char *const *argv) {
    for (size_t i = 0; i == 0 || argv[i - 1]; i++) {
        const char *word = i == 0 ? path : argv[i - 1];
        text_add(out, i == 0 ? "\"@" : " \"");
        for (const char *p = word; *p; p++) {
            if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
                text_addf(out, "\\x%02x", (unsigned char)*p);
            else if (*p == '"' || *p == '\\')
                text_addf(out, "\\%c", *p);
            else if (*p == '%' || (*p == '$' && i > 0))
                text_addf(out, "%c%c", *p, *p);
            else
                text_add_char(out, *p);
        }
        text_add_char(out, '"');
    }
}

/* As execvp(3) would find it. Caller frees; NULL: nowhere. */
static char *find_program(const char *name) {
    char cwd[4096];
    if (strchr(name, '/'))
        return name[0] == '/' ? strdup(name) : path_join(getcwd(cwd, sizeof(cwd)) ? cwd : "/", name);
    _cleanup_strv_ char **places =
        strv_split(getenv("PATH") ?: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ":");
    STRV_FOREACH(place, places) {
        _cleanup_free_ char *path = path_join(*place, name);
        if (path && access(path, X_OK) >= 0)
            return TAKE(path);
    }
    return NULL;
}

static int hand_over_command(char *const *command) {
    _cleanup_text_ struct text text = {};
    char cwd[4096];
    bool tty = isatty(STDIN_FILENO);
    _cleanup_free_ char *program = find_program(command[0]);
    if (!program || access(program, X_OK) < 0) {
        my_init_warn("%s: %s", command[0], strerror(program ? errno : ENOENT));
        return -ENOENT;
    }
    my_init_quote_command(&text, program, command);
    if (text.failed || setenv("REEVE_MAIN_COMMAND", text_str(&text), 1) < 0 ||
        (tty && setenv("REEVE_MAIN_TTY", "1", 1) < 0) ||
        setenv("REEVE_MAIN_DIRECTORY", getcwd(cwd, sizeof(cwd)) ?: "/", 1) < 0)
        return -ENOMEM;
    /* The command is to have the terminal, which is ours so far; that we lose it is told with SIGHUP. */
    if (tty) {
        signal(SIGHUP, SIG_IGN);
        int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0)
            (void)ioctl(fd, TIOCNOTTY);
        signal(SIGHUP, SIG_DFL);
    }
    return 0;
}

static int become_manager(const struct options *o, unsigned limit, unsigned last_limit) {
    char number[32], last[32], streams[32];
    int r = 0;
    snprintf(number, sizeof(number), "%u", limit);
    snprintf(streams, sizeof(streams), "/proc/%d/fd", (int)getpid()); /* ours will be the manager's */
    snprintf(last, sizeof(last), "%u", o->keep_processes ? 0 : last_limit);
    if (setenv("REEVE_MY_INIT", my_init_quiet ? "quiet" : "1", 1) < 0 ||
        setenv("REEVE_KILL_PROCESS_TIMEOUT", number, 1) < 0 || setenv("REEVE_KILL_ALL_TIMEOUT", last, 1) < 0 ||
        setenv("REEVE_MAIN_STREAMS", streams, 1) < 0 || setenv("REEVE_PASS_ENVIRONMENT", "1", 1) < 0 ||
        (!o->skip_runit && setenv("REEVE_RUNIT", getenv("SVDIR") ?: RUNIT_DIRECTORY, 1) < 0))
        r = -ENOMEM;
    if (r >= 0 && o->command)
        r = hand_over_command(o->command);
    if (r < 0)
        return 1;
    /* The output is the command's. */
    bool quiet = o->command || my_init_quiet;
    char *const argv[] = { (char *)"reeve", (char *)"init", (char *)"--unit=runit.target",
                           quiet ? (char *)"--log-level=warning" : NULL, NULL };
    execv("/proc/self/exe", argv);
    my_init_warn("/proc/self/exe: %s", strerror(errno));
    return 1;
}

int my_init_main(int argc, char **argv) {
    struct options o;
    int r = parse(argc, argv, &o);
    if (r >= 0)
        return r;
    my_init_catch_signals();
    unsigned limit = seconds("KILL_PROCESS_TIMEOUT"), last_limit = seconds("KILL_ALL_PROCESSES_TIMEOUT");
    r = first_environment() < 0;
    if (r == 0 && o.insecure_key)
        r = run_script(KEY_SCRIPT, "Installing insecure SSH key with %s...", limit);
    if (r == 0 && !o.skip_startup)
        r = run_startup_files(limit);
    return r != 0 ? r : become_manager(&o, limit, last_limit);
}

/* `reeve my_init-hook DIRECTORY`: the shutdown scripts, as the ExecStop= of a unit. One that fails is told, and ends
 * it. */
int my_init_hook_main(int argc, char **argv) {
    _cleanup_strv_ char **scripts = NULL;
    if (argc != 2) {
        fprintf(stderr, "Usage: reeve my_init-hook DIRECTORY\n");
        return 2;
    }
    my_init_quiet = getenv("MY_INIT_QUIET");
    my_init_catch_signals();
    int r = my_init_list(argv[1], &scripts);
    STRV_FOREACH(script, scripts) {
        char *const command[] = { *script, NULL };
        if (r != 0)
            break;
        my_init_info("Running %s...", *script);
        r = my_init_run(command, MY_INIT_TIMEOUT_SEC);
        if (r > 0)
            my_init_warn("%s failed with status %d", *script, r);
    }
    return r != 0;
}
