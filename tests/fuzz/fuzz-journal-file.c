/* SPDX-License-Identifier: Apache-2.0 */
/* journal/file.h: a file that was damaged anywhere is opened and written, or refused. The input is the damage:
 * records of four bytes offset and eight bytes that are put there; a last, shorter one cuts the file. */
#include "journal/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES 40

static char path[64], whole[2][64]; /* one of each layout: the input's size chooses */
static struct journal_file_options options = { .max_size = 512 << 10, .compress_from = 64 };

static int append(struct journal_file *f, unsigned i) {
    char message[200];
    memset(message, 'a' + (int)(i % 26), sizeof(message));
    int n = snprintf(message, sizeof(message), "MESSAGE=line %u", i);
    struct journal_item items[] = { { .value = message, .size = i % 5 ? (size_t)n : sizeof(message) },
                                    { .name = "PRIORITY", .name_size = 8, .value = &"01234567"[i % 8], .size = 1 },
                                    { .value = "_SYSTEMD_UNIT=a.service", .size = 23 } };
    return journal_file_append(f, i + 1, (struct dual_time){ 1000 + i, 1000 + i }, items, 3);
}

static void leave(void) {
    unlink(path);
    unlink(whole[0]);
    unlink(whole[1]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    struct journal_file *f;
    snprintf(path, sizeof(path), "/dev/shm/reeve-fuzz-%d", (int)getpid());
    for (int compact = 0; compact < 2; compact++) {
        snprintf(whole[compact], sizeof(whole[compact]), "%s.whole%d", path, compact);
        options.compact = compact;
        if (journal_file_create(whole[compact], &options, &f) < 0)
            return 1;
        for (unsigned i = 0; i < ENTRIES; i++)
            append(f, i);
        journal_file_close(f, false, false);
    }
    atexit(leave);
    return 0;
}

static void copy(const char *original) {
    static char data[1 << 20];
    int from = open(original, O_RDONLY | O_CLOEXEC), to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = read(from, data, sizeof(data));
    if (n <= 0 || write(to, data, (size_t)n) != n)
        abort();
    close(from);
    close(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    copy(whole[size & 1]);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        abort();
    for (; size >= 12; data += 12, size -= 12) {
        uint32_t at;
        memcpy(&at, data, sizeof(at));
        if (pwrite(fd, data + 4, 8, at % (st.st_size - 8)) != 8)
            abort();
    }
    if (size >= 4) {
        uint32_t at;
        memcpy(&at, data, sizeof(at));
        if (ftruncate(fd, at % st.st_size) < 0)
            abort();
    }
    close(fd);
    struct journal_file *f;
    if (journal_file_open(path, &options, &f) < 0)
        return 0;
    for (unsigned i = ENTRIES; i < 2 * ENTRIES; i++)
        if (append(f, i) < 0)
            break;
    journal_file_close(f, size == 1, false);
    return 0;
}
