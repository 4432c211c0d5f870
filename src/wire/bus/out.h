/* SPDX-License-Identifier: Apache-2.0 */
/* Appending to a D-Bus message: a failed allocation is remembered, strings are made valid UTF-8, containers
 * nest. Knows no units. */
#pragma once

#include "base/text.h"

#include <dbus/dbus.h>

#define OUT_DEPTH 12

struct out {
    struct text *body; /* what is written goes here as bytes; NULL: to libdbus' message */
    union {
        DBusMessageIter at[OUT_DEPTH];
        struct body_array { /* of the bytes: where the length of an array stands, and where its elements begin */
            size_t length, begin; /* length is SIZE_MAX: not an array */
        } arrays[OUT_DEPTH];
    };
    unsigned depth;
    bool failed;
};

void out_init(struct out *o, DBusMessage *message);
/* Instead of a message's arguments their bytes, as the D-Bus Specification's "Marshaling" lays them out, appended to
 * `body`, which has begun at a multiple of 8. No descriptors. body.c. */
void out_init_body(struct out *o, struct text *body);
/* 0, or -ENOMEM after any failure (open containers are abandoned): the message must then be thrown away. */
int out_finish(struct out *o);

void out_string(struct out *o, const char *s); /* NULL is "" */
void out_path(struct out *o, const char *s);   /* an object path; one that is not valid is told as "/" */
void out_bool(struct out *o, bool v);
void out_byte(struct out *o, uint8_t v);
void out_u16(struct out *o, uint16_t v);
void out_i32(struct out *o, int32_t v);
void out_u32(struct out *o, uint32_t v);
void out_i64(struct out *o, int64_t v);
void out_u64(struct out *o, uint64_t v);
void out_double(struct out *o, double v);
void out_fd(struct out *o, int fd);                        /* duplicated */
void out_bytes(struct out *o, const void *data, size_t n); /* ay */
void out_strv(struct out *o, char *const *v);              /* as */
/* type: DBUS_TYPE_ARRAY (contained: the element's signature), DBUS_TYPE_VARIANT (the value's),
 * DBUS_TYPE_STRUCT (NULL). */
void out_open(struct out *o, int type, const char *contained);
void out_close(struct out *o);
/* The nothing of a signature: 0, "", false, no elements. An object path is "/". */
void out_zero(struct out *o, const char *signature);
