/* SPDX-License-Identifier: Apache-2.0 */
/* journal/file.h: what is written is in the file, whole, whatever happens to the writer. What lies in the files is read
 * here by walking them from end to end; tests/conformance/test_journal_files.py has systemd's own tools look. */
#include "journal/config.h"
#include "journal/file.h"
#include "journal/store.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], path[96];
static struct journal_file_options options;
static bool compact; /* the layout of all files */

static int set_up(void **state) {
    strcpy(directory, "/tmp/reeve-test-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/system.journal", directory);
    options = (struct journal_file_options){ .max_size = 4 << 20, .compress_from = 512, .compact = compact };
    assert_int_equal(id128_random(&options.machine_id), 0);
    assert_int_equal(id128_random(&options.boot_id), 0);
    assert_int_equal(id128_random(&options.seqnum_id), 0);
    return 0;
}

static int tear_down(void **state) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static int append(struct journal_file *f, unsigned i) {
    char message[64];
    struct dual_time time = { 1000000 + i, 1000 + i };
    snprintf(message, sizeof(message), "MESSAGE=line %u", i);
    struct journal_item items[] = { { .value = message, .size = strlen(message) },
                                    { .name = "PRIORITY", .name_size = 8, .value = "6", .size = 1 },
                                    { .value = "_SYSTEMD_UNIT=a.service", .size = 23 } };
    return journal_file_append(f, i + 1, time, items, 3);
}

/* The last array of a value's entries, and how many of it are used, is what the chain leads to. */
static void check_tail(const uint8_t *map, const struct journal_data_compact *d) {
    uint64_t left = le64(d->data.n_entries), offset = le64(d->data.entry_array_offset), last = 0;
    left -= left > 0;
    for (; offset != 0; offset = le64(((const struct journal_entry_array *)(map + offset))->next_entry_array_offset)) {
        uint64_t items =
            (le64(((const struct journal_object *)(map + offset))->size) - sizeof(struct journal_entry_array)) / 4;
        last = offset;
        if (left <= items)
            break;
        left -= items;
    }
    assert_int_equal(le32(d->tail_entry_array_offset), last);
    assert_int_equal(le32(d->tail_entry_array_n_entries), last ? left : 0);
}

/* Walks the objects as a reader does: each is whole, and what the header counts is there. The number of entries. */
static uint64_t walk(void) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    assert_true(fd >= 0 && fstat(fd, &st) >= 0);
    const uint8_t *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    const struct journal_header *h = (const void *)map;
    uint64_t at = le64(h->header_size), n[JOURNAL_OBJECT_TYPES] = {}, total = 0, seqnum = 0, links = 0, last = 0;
    assert_true(le64(h->header_size) + le64(h->arena_size) <= (uint64_t)st.st_size);
    assert_int_equal(le32(h->incompatible_flags) & JOURNAL_COMPACT, compact ? JOURNAL_COMPACT : 0);
    size_t head = compact ? sizeof(struct journal_data_compact) : sizeof(struct journal_data);
    for (; last != le64(h->tail_object_offset);
         at = last + JOURNAL_ALIGN(le64(((const struct journal_object *)(map + last))->size))) {
        const struct journal_object *o = (const void *)(map + at);
        last = at;
        assert_true(o->type > JOURNAL_UNUSED && o->type < JOURNAL_OBJECT_TYPES);
        n[o->type]++;
        total++;
        if (o->type == JOURNAL_ENTRY) {
            const struct journal_entry *e = (const void *)o;
            assert_true(le64(e->seqnum) > seqnum);
            seqnum = le64(e->seqnum);
        } else if (o->type == JOURNAL_DATA) {
            const struct journal_data *d = (const void *)o;
            links += le64(d->n_entries);
            assert_true((le64(d->entry_offset) == 0) == (le64(d->n_entries) == 0));
            if (!o->flags)
                assert_int_equal(le64(d->hash), journal_hash(h, (const uint8_t *)d + head, le64(o->size) - head));
            if (compact)
                check_tail(map, (const struct journal_data_compact *)d);
        }
    }
    assert_int_equal(total, le64(h->n_objects));
    assert_int_equal(n[JOURNAL_DATA], le64(h->n_data));
    assert_int_equal(n[JOURNAL_FIELD], le64(h->n_fields));
    assert_int_equal(n[JOURNAL_ENTRY_ARRAY], le64(h->n_entry_arrays));
    assert_int_equal(n[JOURNAL_ENTRY], le64(h->n_entries));
    assert_int_equal(seqnum, le64(h->tail_entry_seqnum));
    assert_int_equal(links, 3 * n[JOURNAL_ENTRY]);
    munmap((void *)map, (size_t)st.st_size);
    close(fd);
    return n[JOURNAL_ENTRY];
}

static void test_written_and_taken_over(void **state) {
    struct journal_file *f;
    assert_int_equal(journal_file_open(path, &options, &f), -ENOENT);
    assert_int_equal(journal_file_create(path, &options, &f), 0);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(append(f, i), 0);
    journal_file_close(f, false, false);
    assert_int_equal(walk(), 1000);
    assert_int_equal(journal_file_open(path, &options, &f), 0);
    for (unsigned i = 1000; i < 1100; i++)
        assert_int_equal(append(f, i), 0);
    journal_file_close(f, true, false);
    assert_int_equal(walk(), 1100);
    assert_int_equal(journal_file_open(path, &options, &f), -ESHUTDOWN);
}

static void test_a_full_file_says_so_and_stays_whole(void **state) {
    struct journal_file *f;
    unsigned i = 0;
    options.max_size = 512 << 10;
    assert_int_equal(journal_file_create(path, &options, &f), 0);
    int r;
    while ((r = append(f, i)) == 0)
        i++;
    assert_int_equal(r, -E2BIG);
    assert_int_equal(append(f, i), -E2BIG);
    journal_file_close(f, true, false);
    assert_int_equal(walk(), i);
}

static void test_a_killed_writer_loses_nothing(void **state) {
    volatile unsigned *written = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(written != MAP_FAILED);
    struct journal_file *f;
    options.max_size = 512 << 20;
    assert_int_equal(journal_file_create(path, &options, &f), 0);
    journal_file_close(f, false, false);
    for (int round = 0; round < 50; round++) {
        unsigned before = *written;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            if (journal_file_open(path, &options, &f) < 0)
                _exit(1);
            unsigned i = (unsigned)le64(journal_file_header(f)->tail_entry_seqnum);
            for (;; *written = ++i)
                if (append(f, i) < 0)
                    _exit(2);
        }
        while (*written < before + (unsigned)round * 3)
            ;
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        unsigned n = *written;
        assert_int_equal(journal_file_open(path, &options, &f), 0);
        /* One more may be in, of which the counter does not know yet. */
        uint64_t in = le64(journal_file_header(f)->n_entries);
        assert_true(in == n || in == n + 1);
        *written = (unsigned)in;
        journal_file_close(f, false, false);
        assert_int_equal(walk(), in);
    }
}

static void test_what_another_wrote_is_not_touched(void **state) {
    struct journal_file *f;
    assert_int_equal(journal_file_create(path, &options, &f), 0);
    journal_file_close(f, false, false);
    struct journal_file_options other = options;
    other.machine_id.bytes[0] ^= 1;
    assert_int_equal(journal_file_open(path, &other, &f), -EUCLEAN);
    /* Still being written when another machine had started. */
    pid_t pid = fork();
    if (pid == 0)
        _exit(journal_file_open(path, &options, &f) < 0 || append(f, 1) < 0);
    waitpid(pid, NULL, 0);
    other = options;
    other.boot_id.bytes[0] ^= 1;
    assert_int_equal(journal_file_open(path, &other, &f), -EUCLEAN);
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(journal_file_open(path, &options, &f), -EUCLEAN);
}

static void test_damage_never_kills_the_writer(void **state) {
    for (unsigned round = 0; round < 60; round++) {
        struct journal_file *f;
        assert_int_equal(journal_file_create(path, &options, &f), 0);
        for (unsigned i = 0; i < 200; i++)
            assert_int_equal(append(f, i), 0);
        journal_file_close(f, false, false);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        srand(round);
        off_t at = rand() % st.st_size;
        if (round % 3 == 0)
            assert_int_equal(truncate(path, at), 0);
        else {
            char bytes[512];
            memset(bytes, round % 3 == 1 ? 0 : rand(), sizeof(bytes));
            int fd = open(path, O_WRONLY | O_CLOEXEC);
            assert_true(pwrite(fd, bytes, (size_t)MIN((off_t)sizeof(bytes), st.st_size - at), at) > 0);
            close(fd);
        }
        int r = journal_file_open(path, &options, &f);
        if (r < 0)
            continue;
        for (unsigned i = 200; i < 300 && r >= 0; i++)
            r = append(f, i);
        journal_file_close(f, false, false);
    }
}

static void test_a_file_cut_while_it_is_written(void **state) {
    struct journal_file *f;
    assert_int_equal(journal_file_create(path, &options, &f), 0);
    assert_int_equal(append(f, 0), 0);
    assert_false(journal_file_is_gone(f));
    assert_int_equal(truncate(path, 4096), 0);
    assert_true(journal_file_is_gone(f));
    int r = 0;
    for (unsigned i = 1; i < 10 && r >= 0; i++)
        r = append(f, i);
    assert_true(r == -EIO || r == -EBADMSG);
    journal_file_close(f, false, false);
}

static void ignore_complaint(void *userdata, unsigned line, const char *why) {
    *(unsigned *)userdata += line;
}

static void test_settings(void **state) {
    static const char text[] = "[Journal]\nStorage=volatile\nCompress=1K\nSystemMaxUse=64M\nMaxRetentionSec=1week\n"
                               "LineMax=100\nMaxLevelStore=warning\nForwardToSyslog=no\nRateLimitBurst=7\n"
                               "RuntimeMaxUse=2G\nStorage=somewhere\nSurprise=1\nSeal=yes\n[Other]\nStorage=none\n";
    struct log_config c;
    unsigned lines = 0;
    log_config_defaults(&c);
    assert_int_equal(c.storage, STORAGE_AUTO);
    assert_int_equal(c.rate_burst, 0);
    log_config_parse(&c, text, strlen(text), ignore_complaint, &lines);
    assert_int_equal(c.storage, STORAGE_VOLATILE);
    assert_int_equal(c.compress_from, 1024);
    assert_int_equal(c.persistent.max_use, 64 << 20);
    assert_int_equal(c.runtime.max_use, INT64_C(2) << 30);
    assert_int_equal(c.max_retention, 7 * 86400 * USEC_PER_SEC);
    assert_int_equal(c.line_max, 100);
    assert_int_equal(c.max_level_store, LOG_WARNING);
    assert_int_equal(c.forward_to_syslog, 0);
    assert_int_equal(c.rate_burst, 7);
    assert_int_equal(lines, 11 + 12);
}

static void put_library(const char *name) {
    char command[200];
    snprintf(command, sizeof(command), "mkdir -p %s/usr/lib/arch && rm -f %s/usr/lib/arch/* && : >%s/usr/lib/arch/%s",
             directory, directory, directory, name);
    assert_int_equal(system(command), 0);
}

static void test_the_layout_is_one_that_the_image_reads(void **state) {
    unsetenv("SYSTEMD_JOURNAL_COMPACT");
    assert_true(store_readers_know_compact(directory));
    put_library("libsystemd.so.0.30.0"); /* 247 */
    assert_false(store_readers_know_compact(directory));
    setenv("SYSTEMD_JOURNAL_COMPACT", "1", 1);
    assert_true(store_readers_know_compact(directory));
    unsetenv("SYSTEMD_JOURNAL_COMPACT");
    put_library("libsystemd.so.0.35.0"); /* 252 */
    assert_true(store_readers_know_compact(directory));
    setenv("SYSTEMD_JOURNAL_COMPACT", "0", 1);
    assert_false(store_readers_know_compact(directory));
    unsetenv("SYSTEMD_JOURNAL_COMPACT");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_written_and_taken_over),         TEST(test_a_full_file_says_so_and_stays_whole),
        TEST(test_a_killed_writer_loses_nothing),  TEST(test_what_another_wrote_is_not_touched),
        TEST(test_damage_never_kills_the_writer),  TEST(test_a_file_cut_while_it_is_written),
        TEST(test_the_layout_is_one_that_the_image_reads), cmocka_unit_test(test_settings),
    };
    int failed = cmocka_run_group_tests_name("long offsets", tests, NULL, NULL);
    compact = true;
    return failed + cmocka_run_group_tests_name("compact", tests, NULL, NULL);
}
