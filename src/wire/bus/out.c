/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bus/body.h"

#include <errno.h>
#include <string.h>

void out_init(struct out *o, DBusMessage *message) {
    o->body = NULL;
    o->depth = 0;
    o->failed = false;
    dbus_message_iter_init_append(message, &o->at[0]);
}

void out_init_body(struct out *o, struct text *body) {
    o->body = body;
    o->depth = 0;
    o->failed = false;
}

int out_finish(struct out *o) {
    if (o->depth > 0)
        o->failed = true;
    if (o->body) {
        o->failed = o->failed || o->body->failed;
        return o->failed ? -ENOMEM : 0;
    }
    for (; o->depth > 0; o->depth--)
        dbus_message_iter_abandon_container(&o->at[o->depth - 1], &o->at[o->depth]);
    return o->failed ? -ENOMEM : 0;
}

static void basic(struct out *o, int type, const void *value) {
    if (o->body)
        body_basic(o->body, type, value);
    else if (!o->failed && !dbus_message_iter_append_basic(&o->at[o->depth], type, value))
        o->failed = true;
}

/* libdbus ends the process (or at least grumbles) when it is given anything that is not UTF-8: whatever comes
 * from a file, a command line or a client goes through here. Every byte that does not belong becomes U+FFFD.
 */
static char *make_utf8(const char *s) {
    struct text t = {};
    const unsigned char *p = (const unsigned char *)s;
    while (*p) {
        size_t n = *p < 0x80                 ? 1
                   : *p >= 0xc2 && *p < 0xe0 ? 2
                   : (*p & 0xf0) == 0xe0     ? 3
                   : *p >= 0xf0 && *p < 0xf5 ? 4
                                             : 0;
        char one[5] = {};
        if (n > 0) {
            for (size_t i = 0; i < n && p[i]; i++)
                one[i] = (char)p[i];
            if (strlen(one) != n || !dbus_validate_utf8(one, NULL))
                n = 0;
        }
        if (n > 0)
            text_add_n(&t, one, n);
        else
            text_add(&t, "\xEF\xBF\xBD");
        p += n > 0 ? n : 1;
    }
    return text_take(&t);
}

void out_string(struct out *o, const char *s) {
    if (!s)
        s = "";
    if (o->failed)
        return;
    if (dbus_validate_utf8(s, NULL)) {
        basic(o, DBUS_TYPE_STRING, &s);
        return;
    }
    _cleanup_free_ char *clean = make_utf8(s);
    if (clean && dbus_validate_utf8(clean, NULL))
        basic(o, DBUS_TYPE_STRING, &clean);
    else
        o->failed = true;
}

void out_path(struct out *o, const char *s) {
    if (!s || !dbus_validate_path(s, NULL))
        s = "/";
    basic(o, DBUS_TYPE_OBJECT_PATH, &s);
}

void out_bool(struct out *o, bool v) {
    dbus_bool_t b = v;
    basic(o, DBUS_TYPE_BOOLEAN, &b);
}

void out_byte(struct out *o, uint8_t v) {
    basic(o, DBUS_TYPE_BYTE, &v);
}

void out_u16(struct out *o, uint16_t v) {
    basic(o, DBUS_TYPE_UINT16, &v);
}

void out_i32(struct out *o, int32_t v) {
    basic(o, DBUS_TYPE_INT32, &v);
}

void out_u32(struct out *o, uint32_t v) {
    basic(o, DBUS_TYPE_UINT32, &v);
}

void out_i64(struct out *o, int64_t v) {
    basic(o, DBUS_TYPE_INT64, &v);
}

void out_u64(struct out *o, uint64_t v) {
    basic(o, DBUS_TYPE_UINT64, &v);
}

void out_double(struct out *o, double v) {
    basic(o, DBUS_TYPE_DOUBLE, &v);
}

void out_fd(struct out *o, int fd) {
    if (fd < 0 || o->body)
        o->failed = true;
    else
        basic(o, DBUS_TYPE_UNIX_FD, &fd);
}

void out_open(struct out *o, int type, const char *contained) {
    if (o->failed)
        return;
    if (o->depth + 1 >= OUT_DEPTH)
        o->failed = true;
    else if (o->body)
        o->arrays[o->depth++] = body_open(o->body, type, contained);
    else if (!dbus_message_iter_open_container(&o->at[o->depth], type, contained, &o->at[o->depth + 1]))
        o->failed = true;
    else
        o->depth++;
}

void out_close(struct out *o) {
    if (o->failed || o->depth == 0)
        return; /* out_finish() abandons what is open */
    if (o->body)
        body_close(o->body, &o->arrays[o->depth - 1]);
    else if (!dbus_message_iter_close_container(&o->at[o->depth - 1], &o->at[o->depth]))
        o->failed = true;
    o->depth--;
}

void out_bytes(struct out *o, const void *data, size_t n) {
    out_open(o, DBUS_TYPE_ARRAY, "y");
    if (o->body)
        text_add_n(o->body, data, n);
    else if (!o->failed && n > 0 &&
        !dbus_message_iter_append_fixed_array(&o->at[o->depth], DBUS_TYPE_BYTE, &data, (int)n))
        o->failed = true;
    out_close(o);
}

void out_strv(struct out *o, char *const *v) {
    out_open(o, DBUS_TYPE_ARRAY, "s");
    for (; v && *v; v++)
        out_string(o, *v);
    out_close(o);
}

/* The end of the first complete type in a signature. */
static const char *signature_skip(const char *s) {
    if (*s == 'a')
        return signature_skip(s + 1);
    if (*s == '(' || *s == '{') {
        char close = *s == '(' ? ')' : '}';
        for (s++; *s && *s != close;)
            s = signature_skip(s);
    }
    return *s ? s + 1 : s;
}

void out_zero(struct out *o, const char *signature) {
    static const union {
        uint64_t t;
        double d;
        const char *s;
    } nothing = {};
    const char *empty = "", *root = "/";
    for (const char *s = signature; *s && *s != ')' && !o->failed; s = signature_skip(s)) {
        char element[32];
        switch (*s) {
        case 'a': {
            size_t n = (size_t)(signature_skip(s) - s) - 1;
            if (n >= sizeof element) {
                o->failed = true;
                return;
            }
            memcpy(element, s + 1, n);
            element[n] = 0;
            out_open(o, DBUS_TYPE_ARRAY, element);
            out_close(o);
            break;
        }
        case '(':
            out_open(o, DBUS_TYPE_STRUCT, NULL);
            out_zero(o, s + 1);
            out_close(o);
            break;
        case 's':
            basic(o, 's', &empty);
            break;
        case 'o':
            basic(o, 'o', &root);
            break;
        default:
            basic(o, *s, &nothing);
        }
    }
}
