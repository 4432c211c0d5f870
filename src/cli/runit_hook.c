/* SPDX-License-Identifier: Apache-2.0 */
/* `reeve runit-hook finish|stop|control`: what a service directory's own scripts do at the end of a unit made of it,
 * with the arguments and in the order that runsv(8) gives them. Runs as ExecStopPost= and ExecStop=, or for a byte
 * in the control pipe; in the service directory. */
#include "base/log.h"
#include "cli/applets.h"
#include "syntax/names.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ./finish gets the exit code of ./run, or -1, and the lowest byte of what waitpid(2) says. */
static int finish(void) {
    char code[16] = "111", status[16] = "0"; /* it could not be started */
    const char *how = getenv("EXIT_CODE"), *what = getenv("EXIT_STATUS");
    if (how && what && strcmp(how, "exited") == 0)
        snprintf(code, sizeof(code), "%.10s", what);
    else if (how && what) {
        int signal = signal_from_string(what);
        snprintf(code, sizeof(code), "-1");
        snprintf(status, sizeof(status), "%d", MAX(signal, 0) | (strcmp(how, "dumped") == 0 ? 0x80 : 0));
    }
    char *const argv[] = { (char *)"./finish", code, status, NULL };
    execv(argv[0], argv);
    if (errno == ENOENT) /* the directory has gone since */
        return 0;
    log_error("./finish: %s", strerror(errno));
    return 111;
}

/* Did it say that it has seen to it? */
static bool script(const char *path) {
    if (access(path, X_OK) < 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        char *const argv[] = { (char *)path, NULL };
        execv(path, argv);
        _exit(111);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0;
}

/* What `d` does in runsv(8), and then waiting for the main process: the manager signals whoever is left after us. */
static int stop(void) {
    const char *word = getenv("MAINPID");
    pid_t pid = word ? (pid_t)atoi(word) : 0;
    if (pid <= 1)
        return 0;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (!script("control/t"))
        (void)kill(pid, SIGTERM);
    (void)kill(pid, SIGCONT);
    (void)script("control/d");
    struct pollfd p = { .fd = fd, .events = POLLIN };
    while (fd >= 0 && poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
    return 0;
}

/* For the manager, which does not wait: it hears on descriptor 3 how the script ended. */
static int control(const char *path) {
    unsigned char failed = !script(path);
    return write(3, &failed, 1) != 1;
}

int runit_hook_main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "finish") == 0)
        return finish();
    if (argc == 2 && strcmp(argv[1], "stop") == 0)
        return stop();
    if (argc == 3 && strcmp(argv[1], "control") == 0)
        return control(argv[2]);
    fprintf(stderr, "Usage: reeve runit-hook finish|stop|control FILE\n");
    return 100;
}
