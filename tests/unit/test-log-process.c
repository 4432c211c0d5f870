/* SPDX-License-Identifier: Apache-2.0 */
/* The log process as PID 1 uses it: a real process, a real client, and a pipe in the place of the container's
 * stdout. */
#include "base/fd.h"
#include "journal/client.h"
#include "journal/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What PID 1's loop does for the client. */
struct bed {
    struct log_client_host host;
    struct log_client *client;
    int watched;
    bool write;
    usec_t retry;
    int saved_stdout, out; /* out: read end of "stdout" */
    char *seen;
    size_t n_seen, room;
    char runtime[64];
};

static void bed_watch(void *userdata, int fd, bool write) {
    struct bed *b = userdata;
    b->watched = fd;
    b->write = write;
}

static void bed_retry_at(void *userdata, usec_t when) {
    ((struct bed *)userdata)->retry = when;
}

/* One turn of the loop, at most `ms` long. */
static void turn(struct bed *b, int ms, bool read_output) {
    struct pollfd p[] = { { .fd = b->watched, .events = POLLIN | (b->write ? POLLOUT : 0) },
                          { .fd = read_output ? b->out : -1, .events = POLLIN } };
    usec_t time = now(CLOCK_MONOTONIC);
    if (b->retry != USEC_INFINITY)
        ms = (int)MIN((usec_t)ms, usec_sub(b->retry, time) / 1000 + 1);
    (void)poll(p, 2, ms);
    if (p[0].revents)
        log_client_ready(b->client);
    if (p[1].revents & POLLIN) {
        if (b->room < b->n_seen + 65537) {
            b->room = 2 * b->n_seen + 65537;
            b->seen = realloc(b->seen, b->room);
            assert_non_null(b->seen);
        }
        ssize_t n = read(b->out, b->seen + b->n_seen, 65536);
        assert_true(n >= 0);
        b->n_seen += (size_t)n;
        b->seen[b->n_seen] = 0;
    }
    if (b->retry <= now(CLOCK_MONOTONIC))
        log_client_retry(b->client);
    pid_t pid = log_client_pid(b->client);
    if (pid > 0 && waitpid(pid, NULL, WNOHANG) == pid)
        assert_true(log_client_child_exited(b->client, pid));
}

static bool sees(struct bed *b, const char *text) {
    usec_t deadline = now(CLOCK_MONOTONIC) + 10 * USEC_PER_SEC;
    while (!b->seen || !strstr(b->seen, text)) {
        if (now(CLOCK_MONOTONIC) >= deadline) {
            fprintf(stderr, "Seen instead: %s\n", b->seen ? b->seen : "nothing");
            return false;
        }
        turn(b, 100, true);
    }
    return true;
}

static int set_up(void **state) {
    struct bed *b = calloc(1, sizeof(*b));
    *b = (struct bed){ .host = { b, bed_watch, bed_retry_at }, .watched = -1, .retry = USEC_INFINITY };
    strcpy(b->runtime, "/tmp/reeve-test-XXXXXX");
    assert_non_null(mkdtemp(b->runtime));
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    b->out = ends[0];
    fflush(stdout);
    b->saved_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    close(ends[1]);
    assert_int_equal(log_client_new(&b->host, b->runtime, &b->client), 0);
    assert_int_equal(log_client_start(b->client), 0);
    *state = b;
    return 0;
}

static int tear_down(void **state) {
    struct bed *b = *state;
    log_client_finish(b->client, 2 * USEC_PER_SEC);
    log_client_free(b->client);
    dup2(b->saved_stdout, STDOUT_FILENO);
    close(b->saved_stdout);
    close(b->out);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", b->runtime);
    assert_int_equal(system(command), 0);
    free(b->seen);
    free(b);
    return 0;
}

static int open_stream(struct bed *b, const char *unit, uint64_t *ret_id) {
    int writer;
    struct log_stream_options options = { .unit = unit,
                                          .identifier = "program",
                                          .level = LOG_DAEMON | LOG_INFO,
                                          .max_level = LOG_DEBUG,
                                          .flags = LOG_STREAM_LEVEL_PREFIX | LOG_STREAM_CONSOLE,
                                          .uid = (uid_t)-1,
                                          .gid = (gid_t)-1 };
    assert_int_equal(log_client_open_stream(b->client, &options, ret_id, &writer), 0);
    return writer;
}

static void say(int fd, const char *text) {
    assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static bool gone(struct bed *b, uint64_t id) {
    dev_t device;
    ino_t inode;
    return log_client_stream_inode(b->client, id, &device, &inode) == -ENOENT;
}

static void test_each_line_has_its_unit(void **state) {
    struct bed *b = *state;
    uint64_t a_id, b_id;
    int a = open_stream(b, "a.service", &a_id), c = open_stream(b, "b.service", &b_id);
    say(a, "one\n<3>two\n");
    assert_true(sees(b, "a.service: one\na.service: two\n"));
    say(c, "half ");
    say(a, "three\n");
    say(c, "a line\n");
    assert_true(sees(b, "b.service: half a line\n"));
    assert_true(sees(b, "a.service: three\n"));
    close(a);
    close(c);
}

static void test_the_manager_has_lines_too(void **state) {
    struct bed *b = *state;
    log_client_sink(&(struct log_record){ LOG_INFO, NULL, NULL, NULL, "hello" }, b->client);
    log_client_sink(&(struct log_record){ LOG_INFO, "a.service", NULL, NULL, "Started a.service.\nReally." },
                    b->client);
    assert_true(sees(b, "reeve: hello\nreeve: Started a.service.\nreeve: Really.\n"));
}

static void test_an_unfinished_line_is_shown_when_its_stream_ends(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    say(a, "no newline");
    log_client_drop_stream(b->client, id);
    close(a);
    assert_true(sees(b, "a.service: no newline\n"));
    /* PID 1 lets go of the pipe once all is read. */
    for (int i = 0; i < 100 && !gone(b, id); i++)
        turn(b, 10, true);
    assert_true(gone(b, id));
}

static void test_a_stream_can_be_written_again_after_its_last_writer_left(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    say(a, "first\n");
    close(a);
    assert_true(sees(b, "a.service: first\n"));
    a = log_client_stream_writer(b->client, id);
    assert_true(a >= 0);
    say(a, "second\n");
    assert_true(sees(b, "a.service: second\n"));
    close(a);
    a = log_client_stream_writer(b->client, id);
    say(a, "third");
    close(a);
    assert_true(sees(b, "a.service: third\n"));
}

static void test_a_long_line_is_cut(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    char *line = malloc(100001);
    memset(line, 'x', 100000);
    strcpy(line + 100000 - 5, "end\n");
    pid_t child = fork();
    if (child == 0) {
        (void)write_all(a, line, strlen(line));
        _exit(0);
    }
    close(a);
    assert_true(sees(b, "end\n"));
    waitpid(child, NULL, 0);
    /* 48 K, 48 K and the rest */
    int lines = 0;
    for (char *p = b->seen; (p = strstr(p, "a.service: ")); p++)
        lines++;
    assert_int_equal(lines, 3);
    free(line);
}

/* The lines "unit: N" in the order they were seen: none missing; a repetition only as a whole run that begins
 * again. Cuts what was seen into its lines, so that no look at one runs to the end of all. */
static void check_sequence(struct bed *b, const char *unit, int n) {
    char *have = calloc(1, (size_t)n), *end = b->seen + b->n_seen;
    size_t length = strlen(unit);
    for (char *line = b->seen, *next; line < end; line = next) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        next = newline ? newline + 1 : end;
        if (newline)
            *newline = 0;
        if (strncmp(line, unit, length) == 0 && line[length] == ':') {
            int i = atoi(line + length + 1);
            assert_in_range(i, 0, n - 1);
            assert_true(i == 0 || have[i - 1]);
            have[i] = 1;
        }
    }
    for (int i = 0; i < n; i++)
        assert_int_equal(have[i], 1);
    free(have);
}

static void test_killing_the_log_process_loses_nothing(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    enum { LINES = 200000 };
    pid_t child = fork();
    if (child == 0) {
        FILE *f = fdopen(a, "w");
        for (int i = 0; i < LINES; i++) {
            fprintf(f, "%d and some more text to make it a line\n", i);
            if (i % 1000 == 0)
                fflush(f);
        }
        fclose(f);
        _exit(0);
    }
    close(a);
    int kills = 0;
    usec_t next = now(CLOCK_MONOTONIC) + 5000, deadline = now(CLOCK_MONOTONIC) + 60 * USEC_PER_SEC;
    char last[64];
    snprintf(last, sizeof(last), "a.service: %d and", LINES - 1);
    size_t searched = 0;
    while (now(CLOCK_MONOTONIC) < deadline) {
        turn(b, 20, true);
        if (b->seen && strstr(b->seen + searched, last))
            break;
        searched = b->n_seen > 4096 ? b->n_seen - 4096 : 0;
        if (now(CLOCK_MONOTONIC) >= next && log_client_pid(b->client) > 0 && kills < 8) {
            kill(log_client_pid(b->client), SIGKILL);
            kills++;
            next = now(CLOCK_MONOTONIC) + 7000;
        }
    }
    assert_true(kills > 3);
    waitpid(child, NULL, 0);
    check_sequence(b, "a.service", LINES);
}

static void test_a_slow_reader_loses_nothing(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    enum { LINES = 30000 };
    pid_t child = fork();
    if (child == 0) {
        FILE *f = fdopen(a, "w");
        for (int i = 0; i < LINES; i++)
            fprintf(f, "%d text\n", i);
        fclose(f);
        _exit(0);
    }
    close(a);
    char last[64];
    snprintf(last, sizeof(last), "a.service: %d text\n", LINES - 1);
    for (int i = 0; i < 3000 && (!b->seen || !strstr(b->seen, last)); i++) {
        turn(b, 1, i % 10 == 0);
        usleep(1000);
    }
    waitpid(child, NULL, 0);
    check_sequence(b, "a.service", LINES);
}

static void test_a_blocked_stdout_blocks_no_service_and_is_told_what_it_missed(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    enum { LINES = 200000 };
    pid_t child = fork();
    if (child == 0) {
        FILE *f = fdopen(a, "w");
        for (int i = 0; i < LINES; i++)
            fprintf(f, "%d this is text that nobody reads for now, and there is a lot of it\n", i);
        fclose(f);
        _exit(0);
    }
    close(a);
    usec_t deadline = now(CLOCK_MONOTONIC) + 20 * USEC_PER_SEC;
    while (waitpid(child, NULL, WNOHANG) != child) {
        assert_true(now(CLOCK_MONOTONIC) < deadline);
        turn(b, 10, false);
    }
    log_client_sink(&(struct log_record){ LOG_INFO, NULL, NULL, NULL, "the manager goes on" }, b->client);
    for (int i = 0; i < 50; i++)
        turn(b, 10, false);
    assert_true(sees(b, "lines were lost\n"));
    assert_non_null(strstr(b->seen, "a.service: 0 this is"));
}

static void test_a_closed_stdout_stops_nothing(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    close(b->out);
    b->out = -1;
    char line[1000];
    memset(line, 'x', sizeof(line));
    line[999] = '\n';
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(write_all(a, line, sizeof(line)), 0);
        log_client_sink(&(struct log_record){ LOG_INFO, NULL, NULL, NULL, "nobody hears this" }, b->client);
        turn(b, 0, false);
    }
    close(a);
    log_client_drop_stream(b->client, id);
    for (int i = 0; i < 100 && !gone(b, id); i++)
        turn(b, 10, false);
    assert_true(gone(b, id));
}

static int connect_to(struct bed *b, const char *name, int type) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/systemd/journal/%s", b->runtime, name);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    for (int i = 0; i < 200; i++) {
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
            return fd;
        turn(b, 10, true);
    }
    close(fd);
    return -1;
}

static void test_programs_are_heard_on_the_log_sockets(void **state) {
    struct bed *b = *state;
    int fd = connect_to(b, "dev-log", SOCK_DGRAM);
    assert_true(fd >= 0);
    say(fd, "<86>Nov 22 06:00:00 sshd[123]: Accepted publickey for root");
    assert_true(sees(b, "sshd[123]: Accepted publickey for root\n"));
    close(fd);
    fd = connect_to(b, "socket", SOCK_DGRAM);
    say(fd, "MESSAGE=native\nSYSLOG_IDENTIFIER=prog\nPRIORITY=5\n");
    assert_true(sees(b, "prog["));
    assert_true(sees(b, "]: native\n"));
    close(fd);
    fd = connect_to(b, "stdout", SOCK_STREAM);
    say(fd, "cat-er\n\n6\n1\n0\n0\n0\nfirst\n<4>sec");
    assert_true(sees(b, "]: first\n"));
    /* The connection outlives the log process, as the sockets do. */
    kill(log_client_pid(b->client), SIGKILL);
    for (int i = 0; i < 20; i++)
        turn(b, 10, true);
    say(fd, "ond\n");
    assert_true(sees(b, "]: second\n"));
    close(fd);
    fd = connect_to(b, "dev-log", SOCK_DGRAM);
    say(fd, "<13>later: still heard");
    assert_true(sees(b, "later: still heard\n"));
    close(fd);
}

static void test_messages_of_a_unit_s_processes_name_the_unit(void **state) {
    struct bed *b = *state;
    /* As engine/lineage.h gives them; the second was given by a manager that runs inside the first start. */
    const uint64_t tag = UINT64_C(2) << 60 | UINT64_C(5) << 24 | 0xffffff, nested = tag & ~UINT64_C(0xfff000);
    uint64_t id;
    int writer;
    struct log_stream_options options = { .unit = "a.service",
                                          .identifier = "program",
                                          .level = LOG_INFO,
                                          .max_level = LOG_DEBUG,
                                          .flags = LOG_STREAM_CONSOLE,
                                          .uid = (uid_t)-1,
                                          .gid = (gid_t)-1,
                                          .lineage = tag };
    assert_int_equal(log_client_open_stream(b->client, &options, &id, &writer), 0);
    int fd = connect_to(b, "dev-log", SOCK_DGRAM), hold[2];
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct rlimit limit = { i == 0 ? tag : nested, i == 0 ? tag : nested };
            if (i < 2 && setrlimit(RLIMIT_LOCKS, &limit) < 0)
                _exit(1);
            char text[64];
            snprintf(text, sizeof(text), "<13>logger: number %d", i);
            say(fd, text);
            close(hold[1]);
            (void)!read(hold[0], text, 1); /* lives until it was looked at */
            _exit(0);
        }
    }
    assert_true(sees(b, "a.service: logger: number 0\n"));
    assert_true(sees(b, "a.service: logger: number 1\n"));
    assert_true(sees(b, "logger: number 2\n"));
    assert_null(strstr(b->seen, "a.service: logger: number 2\n"));
    close(hold[0]);
    close(hold[1]);
    for (int i = 0; i < 3; i++)
        wait(NULL);
    close(writer);
    close(fd);
}

static int set_up_json(void **state) {
    setenv("REEVE_LOG_FORMAT", "json", 1);
    setenv("REEVE_LOG_LEVEL", "warning", 1);
    int r = set_up(state);
    unsetenv("REEVE_LOG_FORMAT");
    unsetenv("REEVE_LOG_LEVEL");
    return r;
}

/* However long it waits for its end: it lies in the pipe, which PID 1 keeps. */
static void test_killing_the_log_process_loses_no_beginning_of_a_line(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    say(a, "first\nhalf ");
    assert_true(sees(b, "a.service: first\n"));
    usec_t until = now(CLOCK_MONOTONIC) + 3 * USEC_PER_SEC / 2;
    while (now(CLOCK_MONOTONIC) < until)
        turn(b, 100, true);
    pid_t pid = log_client_pid(b->client);
    assert_int_equal(kill(pid, SIGKILL), 0);
    say(a, "a line\n");
    assert_true(sees(b, "a.service: half a line\n"));
    close(a);
}

static void test_stdout_as_json(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    say(a, "not shown\n<4>a \"word\"\tand \xff\n");
    assert_true(sees(b,
                     "\"level\":\"warning\",\"severity\":\"WARNING\",\"unit\":\"a.service\",\"identifier\":\"program\","
                     "\"message\":\"a \\\"word\\\"\\tand \xef\xbf\xbd\"}\n"));
    assert_null(strstr(b->seen, "not shown"));
    assert_memory_equal(b->seen, "{\"time\":\"20", 11);
    close(a);
}

static void test_state_survives_a_re_execution(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    say(a, "before\n");
    assert_true(sees(b, "a.service: before\n"));
    _cleanup_(text_free) struct text out = {};
    assert_int_equal(log_client_serialize(b->client, &out), 0);
    log_client_prepare_exec(b->client, true);
    static struct log_client *old;
    old = b->client;
    assert_int_equal(log_client_new(&b->host, b->runtime, &b->client), 0);
    for (char *line = strtok(out.s, "\n"); line; line = strtok(NULL, "\n")) {
        char *equals = strchr(line, '=');
        *equals = 0;
        assert_int_equal(log_client_deserialize(b->client, line, equals + 1), 1);
    }
    assert_int_equal(log_client_deserialize(b->client, "unit", "x"), 0);
    assert_int_equal(log_client_resume(b->client), 0);
    assert_int_equal(log_client_pid(b->client), log_client_pid(old));
    say(a, "after\n");
    assert_true(sees(b, "a.service: after\n"));
    kill(log_client_pid(b->client), SIGKILL);
    say(a, "and after a death\n");
    assert_true(sees(b, "a.service: and after a death\n"));
    close(a);
    /* `old` shares every descriptor with the new one: it is left as it is, as an exec would. */
}

static void test_the_end_waits_for_the_last_line(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    say(a, "last words\nand an unfinished");
    log_client_sink(&(struct log_record){ LOG_INFO, NULL, NULL, NULL, "Good bye." }, b->client);
    log_client_finish(b->client, 2 * USEC_PER_SEC);
    assert_int_equal(log_client_pid(b->client), 0);
    log_client_sink(&(struct log_record){ LOG_INFO, NULL, NULL, NULL, "Really." }, b->client);
    assert_true(sees(b, "reeve: Really.\n"));
    assert_non_null(strstr(b->seen, "a.service: last words\n"));
    assert_non_null(strstr(b->seen, "a.service: and an unfinished\n"));
    assert_non_null(strstr(b->seen, "reeve: Good bye.\n"));
    close(a);
}

/* Killed, and not yet started again, when the manager ends. */
static void test_a_log_process_that_is_dead_at_the_end_gets_a_successor(void **state) {
    struct bed *b = *state;
    uint64_t id;
    int a = open_stream(b, "a.service", &id);
    say(a, "one\n");
    assert_true(sees(b, "a.service: one\n"));
    kill(log_client_pid(b->client), SIGKILL);
    say(a, "two\nthree");
    log_client_drop_stream(b->client, id);
    close(a);
    log_client_finish(b->client, 2 * USEC_PER_SEC);
    assert_true(sees(b, "a.service: two\na.service: three\n"));
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "journal") == 0)
        return journal_main(argc - 1, argv + 1);
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_line_has_its_unit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_log_process_that_is_dead_at_the_end_gets_a_successor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_manager_has_lines_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unfinished_line_is_shown_when_its_stream_ends, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_stream_can_be_written_again_after_its_last_writer_left, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_long_line_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killing_the_log_process_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_slow_reader_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_blocked_stdout_blocks_no_service_and_is_told_what_it_missed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_closed_stdout_stops_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_programs_are_heard_on_the_log_sockets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_messages_of_a_unit_s_processes_name_the_unit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killing_the_log_process_loses_no_beginning_of_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stdout_as_json, set_up_json, tear_down),
        cmocka_unit_test_setup_teardown(test_state_survives_a_re_execution, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_waits_for_the_last_line, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
