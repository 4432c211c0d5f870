/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/kmsg.h"
#include "base/fd.h"
#include "base/text.h"
#include "journal/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

/* The kernel's own bound. */
#define RECORD_MAX 8192

int kmsg_open(void) {
    _cleanup_close_ int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 11))
        return -ENODEV;
    if (lseek(fd, 0, SEEK_END) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static void add_field(struct text *fields, const char *name, struct bytes value) {
    text_add(fields, name);
    text_add_char(fields, '=');
    text_add_n(fields, value.p, value.n);
    text_add_char(fields, '\n');
}

static void take(struct bytes record, struct sink *sinks, struct entry_set *set) {
    struct kmsg_message m;
    if (parse_kmsg(record, &m) < 0)
        return;
    int facility = m.priority & LOG_FACMASK;
    char text[RECORD_MAX];
    struct syslog_message own = { .text = { text, unescape_kmsg(m.text, text) } };
    _cleanup_text_ struct text fields = {};
    if (facility == LOG_KERN)
        text_add(&fields, "SYSLOG_FACILITY=0\nSYSLOG_IDENTIFIER=kernel\n");
    else {
        /* A program wrote it there, as it would to syslog(3). */
        parse_syslog(own.text, &own);
        if (own.identifier.n > 0)
            add_field(&fields, "SYSLOG_IDENTIFIER", own.identifier);
        if (own.pid > 0)
            text_addf(&fields, "SYSLOG_PID=%d\n", (int)own.pid);
    }
    text_addf(&fields, "_SOURCE_MONOTONIC_TIMESTAMP=%" PRIu64 "\n", m.time);
    struct bytes name, value;
    while (parse_kmsg_field(&m.fields, &name, &value) > 0) {
        text_add(&fields, "_KERNEL_");
        text_add_n(&fields, name.p, name.n);
        add_field(&fields, "", value);
    }
    if (fields.failed || own.text.n == 0)
        return;
    struct entry e = { .transport = ENTRY_KERNEL,
                       .level = LOG_PRI(m.priority),
                       .facility = facility,
                       .identifier = facility == LOG_KERN ? "kernel" : NULL,
                       .message = own.text.p,
                       .size = own.text.n,
                       .fields = text_str(&fields),
                       .fields_size = fields.len,
                       .set = set };
    for (struct sink *s = sinks; s; s = s->next)
        s->write(s, &e);
}

int kmsg_receive(int fd, struct sink *sinks, struct entry_set *set, unsigned limit) {
    while (limit-- > 0) {
        char record[RECORD_MAX];
        ssize_t n = read(fd, record, sizeof(record));
        if (n > 0)
            take((struct bytes){ record, (size_t)n }, sinks, set);
        else if (n == 0 || errno == EAGAIN)
            return 0;
        else if (errno != EPIPE && errno != EINTR &&
                 errno != EINVAL) /* EPIPE: overwritten before it was read */
            return -errno;
    }
    return -EAGAIN;
}
