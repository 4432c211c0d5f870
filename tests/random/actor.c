/* SPDX-License-Identifier: Apache-2.0 */
/* What the services of a random graph run: a process that does nothing until it is told to, so that the order of
 * everything that happens is the director's (agent.py), not the scheduler's. Knows nothing of managers.
 *
 *   actor UNIT PHASE              reports itself, then waits for a word
 *   actor UNIT fork [PIDFILE]     first leaves a child behind that reports itself as the phase "main"
 *
 * Reports: "begin UNIT PHASE PID"; "term" when SIGTERM has come. Words: "exit N", "kill SIGNAL", "ready". */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DIRECTOR "/run/random/director"

static int socket_to(const char *path, int type) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path))
        exit(99);
    strcpy(address.sun_path, path);
    socklen_t length = sizeof(address);
    if (path[0] == '@') {
        address.sun_path[0] = 0;
        length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    }
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, length) < 0)
        exit(98);
    return fd;
}

static void notify(const char *message) {
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path)
        exit(97);
    int fd = socket_to(path, SOCK_DGRAM);
    if (send(fd, message, strlen(message), 0) < 0)
        exit(96);
    close(fd);
}

/* Connections that started us are taken, or we would be started again and again. */
static void take_connections(void) {
    const char *n = getenv("LISTEN_FDS");
    for (int fd = 3; n && fd < 3 + atoi(n); fd++)
        for (struct pollfd p = { fd, POLLIN, 0 }; poll(&p, 1, 0) > 0;) {
            int connection = accept(fd, NULL, NULL);
            if (connection < 0)
                break;
            close(connection);
        }
}

static int report(const char *unit, const char *phase) {
    int fd = socket_to(DIRECTOR, SOCK_SEQPACKET);
    char line[512];
    int n = snprintf(line, sizeof(line), "begin %s %s %d", unit, phase, getpid());
    if (send(fd, line, (size_t)n, MSG_NOSIGNAL) < 0)
        exit(95);
    return fd;
}

static void obey(const char *word) {
    if (strncmp(word, "exit ", 5) == 0)
        _exit(atoi(word + 5));
    if (strncmp(word, "kill ", 5) == 0) {
        int signal_number = atoi(word + 5);
        sigset_t none;
        sigemptyset(&none);
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        sigprocmask(SIG_SETMASK, &none, NULL);
        _exit(94);
    }
    if (strcmp(word, "ready") == 0)
        notify("READY=1");
}

static _Noreturn void act(int director, int signals) {
    struct pollfd watched[] = { { director, POLLIN, 0 }, { signals, POLLIN, 0 } };
    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            _exit(93);
        if (watched[0].revents) {
            char word[64] = "";
            ssize_t n = recv(director, word, sizeof(word) - 1, 0);
            if (n <= 0)
                _exit(0); /* the director is gone, the play is over */
            obey(word);
        }
        if (watched[1].revents) {
            struct signalfd_siginfo info;
            if (read(signals, &info, sizeof(info)) == sizeof(info))
                (void)send(director, "term", 4, MSG_NOSIGNAL);
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    const char *unit = argv[1], *phase = argv[2];
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_SETMASK, &term, NULL);
    int signals = signalfd(-1, &term, SFD_CLOEXEC);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    if (strcmp(phase, "fork") != 0) {
        int director = report(unit, phase);
        take_connections();
        act(director, signals);
    }
    int ready[2];
    if (signals < 0 || pipe(ready) < 0)
        return 92;
    pid_t child = fork();
    if (child == 0) {
        setsid();
        close(ready[0]);
        int director = report(unit, "main");
        take_connections();
        close(ready[1]);
        act(director, signals);
    }
    close(ready[1]);
    char byte;
    (void)!read(ready[0], &byte, 1); /* the end of the file: the child has reported itself */
    if (argc > 3) {
        FILE *file = fopen(argv[3], "we");
        if (!file || fprintf(file, "%d\n", child) < 0 || fclose(file) != 0)
            return 91;
    }
    act(report(unit, "start"), signals);
}
