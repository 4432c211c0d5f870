/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bus/body.h"

#include <string.h>

static size_t alignment(char type) {
    switch (type) {
    case DBUS_TYPE_BYTE:
    case DBUS_TYPE_SIGNATURE:
    case DBUS_TYPE_VARIANT:
        return 1;
    case DBUS_TYPE_INT16:
    case DBUS_TYPE_UINT16:
        return 2;
    case DBUS_TYPE_INT64:
    case DBUS_TYPE_UINT64:
    case DBUS_TYPE_DOUBLE:
    case DBUS_STRUCT_BEGIN_CHAR:
    case DBUS_DICT_ENTRY_BEGIN_CHAR:
        return 8;
    default: /* numbers of 32 bits, and the lengths of strings and arrays */
        return 4;
    }
}

void body_align(struct text *body, size_t to) {
    static const char zeroes[8];
    text_add_n(body, zeroes, (to - body->len % to) % to);
}

void body_u32(struct text *body, uint32_t v) {
    body_align(body, sizeof(v));
    text_add_n(body, (const char *)&v, sizeof(v));
}

static void add_signature(struct text *body, const char *s) {
    size_t n = strlen(s);
    text_add_char(body, (char)n);
    text_add_n(body, s, n + 1);
}

void body_basic(struct text *body, int type, const void *value) {
    if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH) {
        const char *s = *(const char *const *)value;
        size_t n = strlen(s);
        body_u32(body, (uint32_t)n);
        text_add_n(body, s, n + 1);
    } else if (type == DBUS_TYPE_SIGNATURE) {
        add_signature(body, *(const char *const *)value);
    } else {
        size_t n = alignment((char)type); /* of numbers also their size */
        body_align(body, n);
        text_add_n(body, value, n);
    }
}

struct body_array body_open(struct text *body, int type, const char *contained) {
    struct body_array open = { SIZE_MAX, 0 };
    if (type == DBUS_TYPE_ARRAY) {
        body_u32(body, 0);
        open.length = body->len - sizeof(uint32_t);
        body_align(body, alignment(*contained));
        open.begin = body->len;
    } else if (type == DBUS_TYPE_VARIANT) {
        add_signature(body, contained);
    } else {
        body_align(body, 8);
    }
    return open;
}

void body_close(struct text *body, const struct body_array *open) {
    if (open->length == SIZE_MAX || body->failed)
        return;
    uint32_t n = (uint32_t)(body->len - open->begin);
    memcpy(body->s + open->length, &n, sizeof(n));
}
