/* SPDX-License-Identifier: Apache-2.0 */
/* journal-writer DIRECTORY FIRST COUNT: puts records into the journal below DIRECTORY/log as the log process
 * does, and prints for each its number and where in the file the next one may begin; or its number and
 * "lost". For journal_damage.py. */
#include "base/scan.h"
#include "journal/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static void complain(void *userdata, const char *what, int error) {
    fprintf(stderr, "%s: %s\n", what, strerror(-error));
}

int main(int argc, char **argv) {
    static struct log_config config;
    static struct store store;
    uint64_t first, count;
    if (argc != 4)
        return 2;
    const char *a = argv[2], *b = argv[3];
    if (!scan_u64(&a, &first) || !scan_u64(&b, &count))
        return 2;
    log_config_defaults(&config);
    config.runtime.keep_free = 0;
    config.runtime.max_use = 256 * 1024 * 1024;
    store_open(&store, &config, argv[1], complain, NULL);
    for (uint64_t i = first; i < first + count; i++) {
        char message[2048], line[64];
        int n = snprintf(message, sizeof(message), "record %" PRIu64 " ", i);
        /* Long enough for compression now and then, and different each time. */
        size_t size = (size_t)n + (i * 7919) % (i % 50 == 0 ? 1900 : 60);
        memset(message + n, (int)('a' + i % 26), size - (size_t)n);
        uint64_t before = store.seqnum;
        store.sink.write(&store.sink, &(struct entry){ .transport = ENTRY_SYSLOG,
                                                       .level = LOG_INFO,
                                                       .facility = LOG_USER,
                                                       .identifier = "writer",
                                                       .message = message,
                                                       .size = size,
                                                       .pid = 1 + (pid_t)(i % 9),
                                                       .named = true });
        if (i % 16 == 0)
            store_turn(&store);
        uint64_t end =
            store.system.file ? le64(journal_file_header(store.system.file)->tail_object_offset) : 0;
        n = store.seqnum == before ? snprintf(line, sizeof(line), "%" PRIu64 " lost\n", i)
                                   : snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu64 "\n", i, end);
        if (write(STDOUT_FILENO, line, (size_t)n) != n)
            return 1;
    }
    store_turn(&store);
    store_close(&store);
    return 0;
}
