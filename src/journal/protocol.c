/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/protocol.h"

#include <errno.h>
#include <string.h>

int log_message_strings(const void *packet, size_t size, const char *strings[static LOG_MESSAGE_STRINGS]) {
    if (size < sizeof(struct log_message))
        return -EBADMSG;
    const char *p = (const char *)packet + sizeof(struct log_message), *end = (const char *)packet + size;
    const char *found[LOG_MESSAGE_STRINGS] = { "", "", "" };
    int n = 0;
    while (p < end) {
        const char *nul = memchr(p, 0, (size_t)(end - p));
        if (!nul || n == LOG_MESSAGE_STRINGS)
            return -EBADMSG;
        found[n++] = p;
        p = nul + 1;
    }
    memcpy(strings, found, sizeof(found));
    return n;
}

int log_message_pack(uint8_t packet[static LOG_MESSAGE_MAX], const struct log_message *head,
                     const char *const *strings, size_t n) {
    memcpy(packet, head, sizeof(*head));
    size_t at = sizeof(*head);
    for (size_t i = 0; i < n; i++) {
        const char *s = strings[i] ? strings[i] : "";
        size_t length = strlen(s), room = LOG_MESSAGE_MAX - at;
        if (length >= room) {
            if (i + 1 < n || room == 0)
                return -E2BIG;
            length = room - 1;
        }
        memcpy(packet + at, s, length);
        packet[at + length] = 0;
        at += length + 1;
    }
    return (int)at;
}
