/* SPDX-License-Identifier: Apache-2.0 */
/* A journal file of arbitrary bytes: it is opened or refused, and everything that the reader can do with it ends. */
#include "journal/read_private.h"
#include "base/text.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum; /* all bytes that come out are looked at */

static int look(void *userdata, const char *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        sum += (unsigned char)data[i];
    return ++*(int *)userdata > 1000;
}

static void walk(struct reader *r, bool up) {
    struct reader_data d;
    char cursor[READER_CURSOR_MAX];
    /* A damaged list may name an entry often, but each step leads on. */
    for (int i = 0; i < 2000 && (up ? reader_previous(r) : reader_next(r)) > 0; i++) {
        reader_cursor(reader_entry(r), cursor);
        if (reader_test_cursor(r, cursor) <= 0)
            abort();
        for (int k = 0, n = 0; k < 64 && reader_next_data(r, &d) > 0; k++)
            (void)look(&n, d.data, d.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int fd = memfd_create("journal", MFD_CLOEXEC), n = 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct reader *r = reader_new();
    if (fd < 0 || !r || write(fd, data, size) != (ssize_t)size)
        abort();
    if (reader_add_file(r, path) >= 0) {
        uint64_t offset;
        const char *why;
        struct text t = {};
        (void)read_file_verify(r->files[0], &offset, &why);
        read_file_describe(r->files[0], &t);
        text_free(&t);
        (void)reader_each_field(r, look, &n);
        n = 0;
        (void)reader_each_value(r, "MESSAGE", look, &n);
        reader_seek_head(r);
        walk(r, false);
        walk(r, true);
        reader_seek_tail(r);
        walk(r, true);
        reader_seek_realtime(r, UINT64_C(1700000003000000));
        walk(r, false);
        (void)reader_match_string(r, "_HOSTNAME=alpha");
        (void)reader_match_string(r, "PRIORITY=3");
        reader_or(r);
        (void)reader_match_string(r, "_TRANSPORT=kernel");
        reader_seek_tail(r);
        walk(r, true);
        if (reader_seek_cursor(r, "b=0f3c5e1c7b0e4e3ba1b8f14bd7a2c401;m=5b8d80;t=60a24181e4089") < 0)
            abort();
        walk(r, false);
    }
    reader_free(r);
    close(fd);
    return sum == 1;
}
