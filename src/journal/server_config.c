/* SPDX-License-Identifier: Apache-2.0 */
/* What the log process is told to do, by journald.conf(5) and the environment, and the two descriptors that
 * it shows lines on. */
#include "base/log.h"
#include "base/strv.h"
#include "journal/server_private.h"

#include <stdio.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

/* What waits for another machine when the container ends. */
#define REMOTE_PATIENCE (500 * USEC_PER_MSEC)

static void complain_of_config(void *server, const char *text) {
    server_complain(server, text, 0);
}

static bool says_yes(const char *s) {
    static const char *const words[] = { "yes", "1", "true", "on" };
    for (size_t i = 0; s && i < ELEMENTS(words); i++)
        if (strcasecmp(s, words[i]) == 0)
            return true;
    return false;
}

/* The environment goes before the files: it is of this container, they are of the image. */
static void read_environment(struct server *s) {
    struct console_rules *rules = &s->rules;
    const char *format = getenv("REEVE_LOG_FORMAT"), *level = getenv("REEVE_LOG_LEVEL"),
               *units = getenv("REEVE_LOG_UNITS");
    int r = format ? console_format_from_string(format) : (int)rules->format;
    if (r < 0)
        server_complain(s, "REEVE_LOG_FORMAT: not " CONSOLE_FORMAT_NAMES, 0);
    else
        rules->format = (enum console_format)r;
    if (level && (r = log_level_from_string(level)) >= 0)
        rules->max_level = r;
    else if (level)
        server_complain(s, "REEVE_LOG_LEVEL: not a level, emerg to debug", 0);
    if (units)
        (void)console_rules_set_units(rules, units);
    rules->split = says_yes(getenv("REEVE_LOG_STDERR"));
}

void server_read_config(struct server *s) {
    log_config_defaults(&s->config);
    log_config_read(&s->config, "", complain_of_config, s);
    s->rules.on = s->config.forward_to_console;
    s->rules.max_level = (int)s->config.max_level_console;
    s->rules.format = (enum console_format)s->config.console_format;
    (void)console_rules_set_units(&s->rules, s->config.console_units);
    read_environment(s);
    s->forward.on = s->config.forward_to_syslog;
    s->forward.max_level = (int)s->config.max_level_syslog;
}

/* --- stdout and stderr --- */
void server_open_consoles(struct server *s) {
    s->rules = (struct console_rules){ .on = true, .max_level = LOG_DEBUG, .max_manager_level = LOG_DEBUG };
    for (int i = 0; i < CONSOLES; i++) {
        s->consoles[i].watch.kind = WATCH_OUTPUT;
        console_open(&s->consoles[i].console, i == 0 ? STDOUT_FILENO : STDERR_FILENO, i > 0, &s->rules);
        if (i > 0)
            s->consoles[i - 1].console.sink.next = &s->consoles[i].console.sink;
    }
}

void server_close_consoles(struct server *s) {
    for (int i = 0; i < CONSOLES; i++)
        console_close(&s->consoles[i].console);
    strv_free(s->rules.units);
}

void server_flush_consoles(struct server *s) {
    for (int i = 0; i < CONSOLES; i++)
        console_flush(&s->consoles[i].console);
}

bool server_has_console(const struct server *s, enum console_state state) {
    for (int i = 0; i < CONSOLES; i++)
        if (console_state(&s->consoles[i].console) == state)
            return true;
    return false;
}

bool server_consoles_are_full(const struct server *s) {
    for (int i = 0; i < CONSOLES; i++) {
        const struct console *c = &s->consoles[i].console;
        if (console_state(c) != CONSOLE_STUCK && console_waiting(c) >= CONSOLE_BATCH)
            return true;
    }
    return false;
}

void server_watch_consoles(struct server *s) {
    for (int i = 0; i < CONSOLES; i++) {
        const struct console *c = &s->consoles[i].console;
        bool on = console_state(c) == CONSOLE_STUCK;
        struct epoll_event event = { .events = EPOLLOUT, .data.ptr = &s->consoles[i].watch };
        if (on == s->consoles[i].watched)
            continue;
        if (epoll_ctl(s->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, output_poll_fd(&c->output), &event) >=
                0 ||
            !on)
            s->consoles[i].watched = on;
    }
}

/* --- other machines --- */
static void complain_of_remote(void *server, const char *what, int error) {
    server_complain(server, what, error);
}

void server_open_remotes(struct server *s) {
    const char *server = getenv("REEVE_LOG_SERVER");
    s->forward.sink.next = &s->remotes[0].remote.sink;
    s->remotes[0].remote.sink.next = &s->remotes[1].remote.sink;
    s->remotes[1].remote.sink.next = &s->store.sink;
    for (int i = 0; i < REMOTES; i++) {
        s->remotes[i].watch.kind = WATCH_REMOTE;
        remote_open(&s->remotes[i].remote, s->epoll, &s->remotes[i].watch, &s->store, complain_of_remote, s);
    }
    if (!server)
        server = s->config.server;
    if (*server && remote_set_server(&s->remotes[0].remote, server) < 0)
        server_complain(s, "the log server: not udp://HOST:PORT or tcp://HOST:PORT", 0);
    if (*s->config.socket && remote_set_socket(&s->remotes[1].remote, s->config.socket) < 0)
        server_complain(s, "ForwardToSocket=: not HOST:PORT or a path", 0);
    s->remotes[0].remote.max_level = LOG_DEBUG;
    s->remotes[1].remote.max_level = (int)s->config.max_level_socket;
}

void server_turn_remotes(struct server *s) {
    for (int i = 0; i < REMOTES; i++)
        remote_turn(&s->remotes[i].remote);
}

void server_close_remotes(struct server *s) {
    for (int i = 0; i < REMOTES; i++)
        remote_close(&s->remotes[i].remote, REMOTE_PATIENCE);
}
