/* SPDX-License-Identifier: Apache-2.0 */
/* journal/read.h: positions, directions, matches and merging, over the small files that the fuzz target starts from.
 * Each has twelve entries of two boots, a second apart, with every layout and compression. What they print is
 * compared with systemd's in tests/conformance. */
#include "journal/read.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST UINT64_C(1700000000000000)
#define SECOND_BOOT UINT64_C(1700100000000000)
#define SECOND UINT64_C(1000000)

static const char *const files[] = { "xz.journal",
                                     "lz4.journal",
                                     "zstd.journal",
                                     "zstd-keyed.journal",
                                     "zstd-compact.journal",
                                     "zstd-keyed-compact.journal",
                                     "lz4-keyed-compact.journal",
                                     "xz-keyed-compact.journal" };

static struct reader *open_file(const char *name) {
    char path[512];
    struct reader *r = reader_new();
    snprintf(path, sizeof path, CORPUS "/%s", name);
    assert_non_null(r);
    assert_int_equal(reader_add_file(r, path), 0);
    return r;
}

static int count(struct reader *r, bool up) {
    int n = 0;
    while ((up ? reader_previous(r) : reader_next(r)) > 0)
        n++;
    return n;
}

static bool message_is(struct reader *r, const char *text) {
    struct reader_data d;
    return reader_get_data(r, "MESSAGE", &d) > 0 && d.size == strlen(text) + 8 &&
           memcmp(d.data + 8, text, strlen(text)) == 0;
}

static void walking(void **state) {
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        _cleanup_reader_ struct reader *r = open_file(files[i]);
        reader_seek_head(r);
        assert_int_equal(reader_previous(r), 0);
        reader_seek_head(r);
        assert_int_equal(count(r, false), 12);
        assert_true(message_is(r, "message 11 error=2"));
        /* The end is no entry: the last one is where we still are. */
        assert_int_equal(count(r, true), 11);
        assert_true(message_is(r, "message 0 error=0"));
        assert_int_equal(reader_next(r), 1);
        assert_int_equal(reader_next(r), 1);
        assert_int_equal(reader_previous(r), 1);
        assert_true(message_is(r, "message 1 error=1"));
        reader_seek_tail(r);
        assert_int_equal(reader_next(r), 0);
        assert_int_equal(reader_skip(r, 3, true), 3);
        assert_true(message_is(r, "message 9 error=0"));
        assert_int_equal(reader_skip(r, 100, true), 9);
    }
}

static void places(void **state) {
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        _cleanup_reader_ struct reader *r = open_file(files[i]);
        char cursor[READER_CURSOR_MAX];
        struct id128 boot;
        reader_seek_realtime(r, FIRST + 2 * SECOND);
        assert_int_equal(reader_next(r), 1);
        assert_true(message_is(r, "message 2 error=2"));
        reader_seek_realtime(r, FIRST + 2 * SECOND - 1);
        assert_int_equal(reader_previous(r), 1);
        assert_true(message_is(r, "message 1 error=1"));
        reader_seek_realtime(r, SECOND_BOOT + 3600 * SECOND);
        assert_int_equal(reader_next(r), 0);
        assert_int_equal(reader_previous(r), 1);
        reader_cursor(reader_entry(r), cursor);
        reader_seek_head(r);
        assert_int_equal(reader_next(r), 1);
        assert_int_equal(reader_test_cursor(r, cursor), 0);
        assert_int_equal(reader_seek_cursor(r, cursor), 0);
        assert_int_equal(reader_next(r), 1);
        assert_int_equal(reader_test_cursor(r, cursor), 1);
        assert_true(message_is(r, "message 11 error=2"));
        assert_int_equal(id128_from_string("0f3c5e1c7b0e4e3ba1b8f14bd7a2c401", &boot), 0);
        reader_seek_monotonic(r, boot, 8 * SECOND);
        assert_int_equal(reader_next(r), 1);
        assert_true(message_is(r, "message 3 error=0"));
        /* Behind all of its boot comes the next boot. */
        reader_seek_monotonic(r, boot, 3600 * SECOND);
        assert_int_equal(reader_next(r), 1);
        assert_true(message_is(r, "message 7 error=1"));
        static const char *const none[] = {
            "", "x", "s=12", "i=5", "t=", "t=xyz", "s=00000000000000000000000000000000", "b=1;m=2"
        };
        for (size_t k = 0; k < ELEMENTS(none); k++)
            assert_int_equal(reader_seek_cursor(r, none[k]), -EINVAL);
    }
}

static int matched(struct reader *r) {
    reader_seek_head(r);
    int n = count(r, false);
    reader_seek_tail(r);
    assert_int_equal(count(r, true), n);
    return n;
}

static void selection(void **state) {
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        _cleanup_reader_ struct reader *r = open_file(files[i]);
        assert_int_equal(reader_match_string(r, "nonsense"), -EINVAL);
        assert_int_equal(reader_match_string(r, "__CURSOR=x"), -EINVAL);
        assert_int_equal(reader_match_string(r, "lower=x"), -EINVAL);
        assert_int_equal(matched(r), 12);
        assert_int_equal(reader_match_string(r, "PRIORITY=1"), 0);
        assert_int_equal(matched(r), 3);
        assert_int_equal(reader_match_string(r, "PRIORITY=2"), 0);
        assert_int_equal(matched(r), 6);
        assert_int_equal(reader_match_string(r, "_SYSTEMD_UNIT=nginx.service"), 0);
        assert_int_equal(matched(r), 3);
        assert_int_equal(reader_or(r), 0);
        assert_int_equal(reader_match_string(r, "_TRANSPORT=kernel"), 0);
        assert_int_equal(matched(r), 6); /* 2 6 10, 1 4 7 10 */
        assert_int_equal(reader_and(r), 0);
        assert_int_equal(reader_match_string(r, "_HOSTNAME=beta"), 0);
        assert_int_equal(matched(r), 1); /* 6 */
        _cleanup_free_ char *text = reader_match_to_string(r);
        assert_non_null(strstr(text, "_HOSTNAME=beta"));
        reader_match_nothing_more(r);
        /* Compressed in the file. */
        char large[6 + 6 * 120 + 1] = "LARGE=";
        for (int k = 0; k < 120; k++)
            strcat(large, "large ");
        assert_int_equal(reader_match_string(r, large), 0);
        assert_int_equal(matched(r), 1);
        assert_int_equal(reader_match_string(r, "MESSAGE=never"), 0);
        assert_int_equal(matched(r), 0);
    }
}

static int tally(void *userdata, const char *data, size_t size) {
    ++*(int *)userdata;
    return 0;
}

static void values(void **state) {
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        _cleanup_reader_ struct reader *r = open_file(files[i]);
        int n = 0;
        assert_int_equal(reader_each_value(r, "PRIORITY", tally, &n), 0);
        assert_int_equal(n, 4);
        n = 0;
        assert_int_equal(reader_each_field(r, tally, &n), 0);
        assert_int_equal(n, 8);
        n = 0;
        assert_int_equal(reader_each_value(r, "NONE", tally, &n), 0);
        assert_int_equal(n, 0);
        uint64_t offset;
        const char *why;
        assert_int_equal(read_file_verify((struct read_file *)reader_file(r, 0), &offset, &why), 0);
    }
}

/* All files hold the same entries: each is shown once. */
static void merging(void **state) {
    _cleanup_reader_ struct reader *r = reader_new();
    assert_int_equal(reader_add_directory(r, CORPUS), 0);
    assert_int_equal(reader_n_files(r), ELEMENTS(files));
    usec_t before = 0;
    int n = 0, values_found = 0;
    reader_seek_head(r);
    for (; reader_next(r) > 0; n++) {
        assert_true(reader_entry(r)->realtime >= before);
        before = reader_entry(r)->realtime;
    }
    assert_int_equal(n, 12);
    assert_int_equal(count(r, true), n - 1);
    assert_int_equal(reader_each_value(r, "MESSAGE", tally, &values_found), 0);
    assert_int_equal(values_found, 12);
    assert_int_equal(reader_add_directory(r, CORPUS), 0);
    assert_int_equal(reader_n_files(r), ELEMENTS(files));
}

static uint64_t number_at(const char *file, size_t at) {
    uint64_t n;
    memcpy(&n, file + at, sizeof n);
    return le64toh(n);
}

/* A file that has three entries gets nine more, and longer lists of them, while it is read. */
static void growing(void **state) {
    for (size_t i = 0; i < ELEMENTS(files); i++) {
        char path[512], copy[] = "/tmp/test-journal-XXXXXX", whole[16384], early[16384];
        snprintf(path, sizeof path, CORPUS "/%s", files[i]);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        size_t size = fread(whole, 1, sizeof whole, f);
        fclose(f);
        /* The header's number of entries, and what follows their first array. */
        memcpy(early, whole, size);
        memcpy(early + 152, &(uint64_t){ htole64(3) }, 8);
        memset(early + number_at(whole, 176) + 16, 0, 8);
        int fd = mkstemp(copy);
        assert_int_equal(write(fd, early, size), size);
        _cleanup_reader_ struct reader *r = reader_new();
        assert_int_equal(reader_add_file(r, copy), 0);
        assert_true(reader_watch(r) >= 0);
        reader_seek_head(r);
        assert_int_equal(count(r, false), 3);
        assert_true(message_is(r, "message 2 error=2"));
        assert_int_equal(pwrite(fd, whole, size, 0), size);
        assert_int_equal(reader_next(r), 0);
        assert_int_equal(reader_refresh(r), 0);
        assert_int_equal(count(r, false), 9);
        assert_true(message_is(r, "message 11 error=2"));
        close(fd);
        unlink(copy);
    }
}

static void what_is_no_journal(void **state) {
    _cleanup_reader_ struct reader *r = reader_new();
    assert_int_equal(reader_add_file(r, "/dev/null"), -EBADFD);
    assert_int_equal(reader_add_file(r, "/"), -EISDIR);
    assert_int_equal(reader_add_file(r, "/nonexistent"), -ENOENT);
    assert_int_equal(reader_add_directory(r, "/nonexistent"), -ENOENT);
    reader_seek_head(r);
    assert_int_equal(reader_next(r), 0);
    assert_null(reader_entry(r));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walking), cmocka_unit_test(places),  cmocka_unit_test(selection),
        cmocka_unit_test(values),  cmocka_unit_test(merging), cmocka_unit_test(growing),
        cmocka_unit_test(what_is_no_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
