/* SPDX-License-Identifier: Apache-2.0 */
/* An entry as other programs read it from a socket. Knows no sockets. */
#include "base/text.h"
#include "journal/console.h"
#include "journal/fields.h"
#include "journal/remote.h"
#include "syntax/utf8.h"

#include <inttypes.h>
#include <string.h>
#include <syslog.h>

/* A part of the head: printable ASCII without blanks, "-" if there is nothing. */
static void put_part(struct text *out, const char *s, size_t max) {
    text_add_char(out, ' ');
    if (!s || !*s)
        text_add_char(out, '-');
    for (; s && *s && max > 0; s++, max--)
        text_add_char(out, *s > ' ' && *s < 127 ? *s : '_');
}

void remote_format_syslog(struct text *out, const struct entry *e, usec_t time, const char *host) {
    const char *identifier = e->transport == ENTRY_MANAGER ? "reeve"
                             : e->identifier               ? e->identifier
                                                           : e->unit;
    text_addf(out, "<%d>1 ", entry_facility(e) | e->level);
    console_put_time(out, time);
    put_part(out, host, 255);
    put_part(out, identifier, 48);
    if (e->pid > 0)
        text_addf(out, " %d", (int)e->pid);
    else
        put_part(out, NULL, 0);
    put_part(out, e->message_id, 32);
    text_add(out, " - ");
    text_add_n(out, e->message, e->size);
}

/* Text as it is; anything else with its size before it. */
static void put_field(struct text *out, const char *name, size_t name_size, const char *value, size_t size) {
    bool plain = !memchr(value, '\n', size) && !memchr(value, 0, size) && utf8_valid(value, size);
    text_add_n(out, name, name_size);
    text_add_char(out, plain ? '=' : '\n');
    for (int i = 0; i < 8 && !plain; i++)
        text_add_char(out, (char)((uint64_t)size >> (8 * i)));
    text_add_n(out, value, size);
    text_add_char(out, '\n');
}

void remote_format_export(struct text *out, struct store *store, const struct entry *e,
                          struct dual_time time) {
    struct item_list list;
    store_items(store, e, &list);
    text_addf(out, "__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64 "\n", time.realtime,
              time.monotonic);
    for (size_t i = 0; i < list.n; i++) {
        const struct journal_item *item = &list.items[i];
        const char *equals = item->name ? NULL : memchr(item->value, '=', item->size);
        if (item->name)
            put_field(out, item->name, item->name_size, item->value, item->size);
        else if (equals)
            put_field(out, item->value, (size_t)(equals - item->value), equals + 1,
                      item->size - (size_t)(equals + 1 - item->value));
    }
    text_add_char(out, '\n');
}
