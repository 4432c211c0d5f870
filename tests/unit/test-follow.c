/* SPDX-License-Identifier: Apache-2.0 */
/* journal/follow.h: log files as daemons and logrotate treat them. */
#include "base/fd.h"
#include "journal/follow.h"
#include "journal/log_settings.h"
#include "journal/positions.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

struct bed {
    struct sink sink; /* first */
    struct source_pool pool;
    struct follow follow;
    struct source *source;
    uint64_t seqnum;
    char folder[64], got[4096];
};

static void take(struct sink *sink, const struct entry *e) {
    struct bed *b = (struct bed *)sink;
    assert_string_equal(e->unit, "a.service");
    assert_int_equal(e->transport, ENTRY_FILE);
    size_t n = strlen(b->got);
    snprintf(b->got + n, sizeof(b->got) - n, "%.*s|", (int)MIN(e->size, (size_t)100), e->message);
    b->seqnum++;
}

static void complain(void *userdata, const char *what, int error) {
    fail_msg("%s: %s", what, strerror(-error));
}

static void begin(struct bed *b) {
    char settings[256];
    assert_int_equal(source_pool_open(&b->pool, &b->sink), 0);
    b->pool.seqnum = &b->seqnum;
    follow_init(&b->follow, b->folder, &b->pool, complain, NULL);
    b->source = source_new(SOURCE_PIPE, -1, 1);
    source_set_names(b->source, "a.service", "a");
    snprintf(settings, sizeof(settings), "file=%s/log/*.log\nfile=%s/deep/er/file\nfilter=~secret\n",
             b->folder, b->folder);
    b->source->settings = log_settings_new(settings);
    assert_int_equal(follow_add(&b->follow, b->source), 0);
}

/* Not orderly: as after SIGKILL. What closing in order writes down is taken back. */
static void end(struct bed *b, bool orderly) {
    char path[128];
    _cleanup_free_ char *kept = NULL;
    size_t size = 0;
    snprintf(path, sizeof(path), "%s/systemd/journal/log-files", b->folder);
    if (!orderly)
        assert_int_equal(file_read(path, 1024 * 1024, &kept, &size), 0);
    b->pool.sinks = NULL;
    follow_close(&b->follow);
    if (!orderly) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(write_all(fd, kept, size), 0);
        close(fd);
    }
    b->source->fd = -1;
    source_free(b->source);
    source_pool_close(&b->pool);
}

static int set_up(void **state) {
    struct bed *b = calloc(1, sizeof(*b));
    b->sink.write = take;
    strcpy(b->folder, "/tmp/reeve-test-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    char path[128];
    snprintf(path, sizeof(path), "%s/log", b->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    begin(b);
    assert_false(follow_pump(&b->follow));
    *state = b;
    return 0;
}

static int tear_down(void **state) {
    struct bed *b = *state;
    end(b, true);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", b->folder);
    assert_int_equal(system(command), 0);
    free(b);
    return 0;
}

static void write_to(struct bed *b, const char *name, int flags, const char *text) {
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", b->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write_all(fd, text, strlen(text)), 0);
    close(fd);
}

static void move(struct bed *b, const char *from, const char *to) {
    char a[128], c[128];
    snprintf(a, sizeof(a), "%s/%s", b->folder, from);
    snprintf(c, sizeof(c), "%s/%s", b->folder, to);
    assert_int_equal(rename(a, c), 0);
}

/* All that has been written, each line with a bar behind it. Events are there at once. */
static void expect(struct bed *b, const char *lines) {
    struct pollfd p = { .fd = b->follow.inotify, .events = POLLIN };
    if (poll(&p, 1, 0) > 0)
        follow_ready(&b->follow);
    while (follow_pump(&b->follow))
        ;
    /* What came while directories were looked at. */
    follow_ready(&b->follow);
    while (follow_pump(&b->follow))
        ;
    assert_string_equal(b->got, lines);
    b->got[0] = 0;
}

static void lines_are_taken_when_they_are_whole(void **state) {
    struct bed *b = *state;
    write_to(b, "log/x.log", 0, "one\ntw");
    expect(b, "one|");
    write_to(b, "log/x.log", O_APPEND, "o\r\n\nthree\nthe secret\n");
    write_to(b, "log/other.txt", 0, "no\n");
    expect(b, "two|three|");
}

static void a_long_line_is_cut(void **state) {
    struct bed *b = *state;
    b->pool.line_max = 79;
    char line[200];
    memset(line, 'x', sizeof(line));
    strcpy(line + 158, "end\n");
    write_to(b, "log/x.log", 0, line);
    while (follow_pump(&b->follow))
        ;
    follow_ready(&b->follow);
    (void)follow_pump(&b->follow);
    assert_string_equal(b->got + 160, "end|");
    assert_int_equal(b->got[79], '|');
}

static void a_renamed_file_is_read_to_its_end_before_the_new_one(void **state) {
    struct bed *b = *state;
    write_to(b, "log/x.log", 0, "one\n");
    expect(b, "one|");
    move(b, "log/x.log", "log/x.log.1");
    write_to(b, "log/x.log.1", O_APPEND, "two\n");
    write_to(b, "log/x.log", 0, "three\n");
    expect(b, "two|three|");
    write_to(b, "log/x.log.1", O_APPEND, "late\n");
    expect(b, "late|");
}

static void a_file_that_was_cut_begins_anew(void **state) {
    struct bed *b = *state;
    write_to(b, "log/x.log", 0, "one\ntwo\n");
    expect(b, "one|two|");
    write_to(b, "log/x.log", O_TRUNC, "new\n");
    expect(b, "new|");
}

static void directories_may_come_later(void **state) {
    struct bed *b = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s/deep", b->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    expect(b, "");
    strcat(path, "/er");
    assert_int_equal(mkdir(path, 0755), 0);
    write_to(b, "deep/er/file", 0, "found\n");
    expect(b, "found|");
}

static void a_successor_goes_on_where_it_was(void **state) {
    struct bed *b = *state;
    write_to(b, "log/x.log", 0, "one\ntwo\n");
    expect(b, "one|two|");
    follow_shown(&b->follow);
    end(b, false);
    write_to(b, "log/x.log", O_APPEND, "three\n");
    begin(b);
    expect(b, "three|");
}

/* What had been renamed by then, too; and what the journal has is shown once more, for stdout may not have
 * had it. */
static void what_was_not_shown_is_shown_by_the_successor(void **state) {
    struct bed *b = *state;
    write_to(b, "log/x.log", 0, "one\n");
    expect(b, "one|");
    follow_shown(&b->follow);
    write_to(b, "log/x.log", O_APPEND, "two\n");
    expect(b, "two|");
    end(b, false);
    move(b, "log/x.log", "log/x.log.1");
    write_to(b, "log/x.log.1", O_APPEND, "three\n");
    write_to(b, "log/x.log", 0, "four\n");
    begin(b);
    expect(b, "two|three|four|");
    assert_int_equal(b->seqnum, 5);
}

static void a_line_that_was_written_before_a_kill_is_not_written_again(void **state) {
    struct bed *b = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s/place", b->folder);
    const char *paths[] = { path, NULL };
    bool first;
    struct positions *p = positions_open(paths, 5);
    struct position *in = positions_hold(p, 1, 1, &first), *not_in = positions_hold(p, 2, 1, &first);
    position_begin(in, 10, 6);
    position_begin(not_in, 10, 7);
    positions_close(p);
    p = positions_open(paths, 6);
    assert_int_equal(positions_hold(p, 1, 1, &first)->offset, 10);
    assert_false(first);
    assert_int_equal(positions_hold(p, 2, 1, &first)->offset, 0);
    for (uint64_t i = 3; i <= 256; i++)
        assert_non_null(positions_hold(p, i, 1, &first));
    assert_null(positions_hold(p, 1000, 1, &first));
    positions_release(p, positions_hold(p, 7, 1, &first));
    positions_release(p, positions_hold(p, 7, 1, &first));
    positions_close(p);
}

/* What a file held before the manager began is another life's. */
static void an_older_file_is_followed_from_its_end(void **state) {
    struct bed *b = *state;
    b->follow.since = now(CLOCK_REALTIME) + 3600 * USEC_PER_SEC;
    write_to(b, "log/x.log", 0, "old\n");
    expect(b, "");
    write_to(b, "log/x.log", O_APPEND, "new\n");
    expect(b, "new|");
    follow_shown(&b->follow);
    /* But not if the unit was followed before: then it came in between. */
    end(b, false);
    write_to(b, "log/y.log", 0, "more\n");
    begin(b);
    b->follow.since = now(CLOCK_REALTIME) + 3600 * USEC_PER_SEC;
    expect(b, "more|");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(lines_are_taken_when_they_are_whole),
        TEST(a_long_line_is_cut),
        TEST(a_renamed_file_is_read_to_its_end_before_the_new_one),
        TEST(a_file_that_was_cut_begins_anew),
        TEST(directories_may_come_later),
        TEST(a_successor_goes_on_where_it_was),
        TEST(what_was_not_shown_is_shown_by_the_successor),
        TEST(a_line_that_was_written_before_a_kill_is_not_written_again),
        TEST(an_older_file_is_followed_from_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
