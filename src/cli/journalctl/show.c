/* SPDX-License-Identifier: Apache-2.0 */
/* Showing entries: where to begin, where to end, and waiting for more. */
#include "cli/journalctl/journalctl.h"
#include "cli/journalctl/print_private.h"

#include "base/fd.h"
#include "base/strv.h"
#include "syntax/regex.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Output is written in pieces of this size. */
#define PIECE (64 * 1024)
/* How many entries between two looks at what a rotation has removed. */
#define LOOK_EVERY 1024

/* 0, or negative: whoever reads is gone, or there is no room. */
static int flush(struct print_state *s) {
    int k = s->out.len > 0 ? write_all(STDOUT_FILENO, s->out.s, s->out.len) : 0;
    text_clear(&s->out);
    return k;
}

static bool had_cursor(const char **ret) {
    *ret = jctl.cursor ?: jctl.after_cursor;
    return *ret;
}

/* Steps to the first entry. 1: there is one; 0: not yet; -errno. */
static int begin(struct reader *r, int64_t *lines) {
    const char *cursor;
    _cleanup_free_ char *saved = NULL;
    bool after = jctl.after_cursor;
    if (!had_cursor(&cursor) && jctl.cursor_file) {
        int k = file_read(jctl.cursor_file, READER_CURSOR_MAX * 4, &saved, NULL);
        if (k < 0 && k != -ENOENT) {
            fail("Failed to read cursor file %s: %s", jctl.cursor_file, strerror(-k));
            return -ECANCELED;
        }
        if (saved) {
            saved[strcspn(saved, "\n")] = 0;
            cursor = saved;
            after = true;
        }
    }
    if (cursor) {
        int k = reader_seek_cursor(r, cursor);
        if (k < 0) {
            fail("Failed to seek to cursor: %s", strerror(-k));
            return -ECANCELED;
        }
        int64_t steps = reader_skip(r, 1, jctl.reverse);
        /* Where the entry itself is gone, the one that follows it is already behind it. */
        if (after && steps > 0 && reader_test_cursor(r, cursor) > 0)
            steps += reader_skip(r, 1, jctl.reverse);
        else if (after && steps > 0)
            steps++;
        if (after && steps < 2) {
            if (!jctl.follow)
                *lines = 0;
            return 0;
        }
        return steps > 0;
    }
    if (jctl.since != USEC_INFINITY && !jctl.reverse) {
        reader_seek_realtime(r, jctl.since);
        return reader_next(r);
    }
    if (jctl.until != USEC_INFINITY && jctl.reverse) {
        reader_seek_realtime(r, jctl.until);
        return reader_previous(r);
    }
    if (jctl.reverse) {
        reader_seek_tail(r);
        return reader_previous(r);
    }
    if (*lines >= 0 && !jctl.oldest) {
        if (jctl.until != USEC_INFINITY)
            reader_seek_realtime(r, jctl.until);
        else
            reader_seek_tail(r);
        /* None of them: then the last one is where we are. */
        int64_t steps = *lines > 0 ? reader_skip(r, (uint64_t)*lines, true) : -1;
        if (steps < 0)
            return MIN(reader_previous(r), 0);
        /* Nothing is there yet, and all that comes is wanted. */
        if (steps == 0)
            reader_seek_head(r);
        return steps > 0;
    }
    reader_seek_head(r);
    return reader_next(r);
}

/* Does the message match --grep? */
static bool matches(struct reader *r, size_t *begin_at, size_t *end_at) {
    struct reader_data d;
    if (!jctl.regex)
        return true;
    if (reader_get_data(r, "MESSAGE", &d) <= 0)
        return false;
    return regex_search(jctl.regex, d.data + strlen("MESSAGE="), d.size - strlen("MESSAGE="), begin_at, end_at);
}

static bool is_excluded(struct reader *r) {
    struct reader_data d;
    if (!jctl.excluded || reader_get_data(r, "SYSLOG_IDENTIFIER", &d) <= 0)
        return false;
    STRV_FOREACH (name, jctl.excluded)
        if (strlen(*name) == d.size - strlen("SYSLOG_IDENTIFIER=") &&
            memcmp(*name, d.data + strlen("SYSLOG_IDENTIFIER="), strlen(*name)) == 0)
            return true;
    return false;
}

/* 1: something may have changed; 0: nobody reads any more; -errno. */
static int wait_for_more(struct reader *r) {
    int fd = reader_watch(r);
    struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };
    if (fd < 0)
        return fd;
    if (poll(fds, ELEMENTS(fds), -1) < 0 && errno != EINTR)
        return -errno;
    if (fds[1].revents & (POLLHUP | POLLERR))
        return 0;
    return MIN(reader_refresh(r), 0) < 0 ? -ENOMEM : 1;
}

struct showing {
    struct print_state state;
    int64_t lines, shown;
    bool has_boot, step; /* another step leads to the next entry */
    struct id128 boot;
};

/* Up to the end of what there is. 1: there may come more; 0: enough; -errno. */
static int show_all(struct reader *r, struct showing *s, bool first) {
    while (s->lines < 0 || s->shown < s->lines || (jctl.follow && !first)) {
        size_t from = 0, to = 0;
        if (s->step) {
            int k = jctl.reverse ? reader_previous(r) : reader_next(r);
            if (k <= 0)
                return k < 0 ? k : 1;
        }
        s->step = true;
        const struct reader_entry *e = reader_entry(r);
        if (!e)
            return 1;
        if (jctl.until != USEC_INFINITY && !jctl.reverse && e->realtime > jctl.until)
            return 0;
        if (jctl.since != USEC_INFINITY && e->realtime < jctl.since) {
            if (jctl.reverse)
                return 0;
            continue;
        }
        if (!jctl.merge && !jctl.quiet) {
            char id[33];
            if (s->has_boot && !id128_equal(s->boot, e->boot_id))
                text_addf(&s->state.out, "%s-- Boot %s --%s\n", jctl.print.color ? color_highlight : "",
                          id128_to_string(e->boot_id, id), jctl.print.color ? color_normal : "");
            s->boot = e->boot_id;
            s->has_boot = true;
        }
        if (!matches(r, &from, &to) || is_excluded(r))
            continue;
        int k = print_entry(r, &jctl.print, &s->state, from, to);
        if (k < 0)
            return k;
        s->shown++;
        if (s->state.out.len >= PIECE && (k = flush(&s->state)) < 0)
            return k;
        if (s->shown % LOOK_EVERY == 0 && jctl.follow && reader_refresh(r) < 0)
            return -ENOMEM;
    }
    return 1;
}

static int save_cursor(struct reader *r) {
    char cursor[READER_CURSOR_MAX], line[READER_CURSOR_MAX + 1];
    const struct reader_entry *e = reader_entry(r);
    if (!e)
        return EXIT_FAILURE;
    reader_cursor(e, cursor);
    if (jctl.show_cursor)
        printf("-- cursor: %s\n", cursor);
    if (!jctl.cursor_file)
        return 0;
    snprintf(line, sizeof line, "%s\n", cursor);
    int k = file_write(jctl.cursor_file, line, 0644);
    return k < 0 ? fail("Failed to write new cursor to %s: %s", jctl.cursor_file, strerror(-k)) : 0;
}

int show(struct reader *r) {
    struct showing s = { .lines = jctl.lines };
    int k;
    if (jctl.follow && (k = reader_watch(r)) < 0)
        return fail("Failed to get journal fd: %s", strerror(-k));
    k = begin(r, &s.lines);
    if (k == -ECANCELED)
        return EXIT_FAILURE;
    s.step = k == 0;
    for (bool first = true; k >= 0; first = false) {
        k = show_all(r, &s, first);
        int written = flush(&s.state);
        if (k >= 0 && written < 0)
            k = written;
        if (k <= 0 || !jctl.follow)
            break;
        k = wait_for_more(r);
        if (k == 0)
            break;
    }
    print_state_done(&s.state);
    if (k == -EPIPE)
        return EXIT_FAILURE;
    if (k < 0)
        return fail("Failed to iterate through journal: %s", strerror(-k));
    if (!jctl.follow && s.shown == 0 && !jctl.quiet)
        puts("-- No entries --");
    if (jctl.show_cursor || jctl.cursor_file)
        return save_cursor(r);
    /* As of grep(1). */
    return jctl.regex && s.shown == 0 ? EXIT_FAILURE : 0;
}
