/* SPDX-License-Identifier: Apache-2.0 */
/* Entries with all their fields: the export format (systemd's page JOURNAL_EXPORT_FORMATS) and JSON. */
#include "cli/journalctl/print_private.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* Longer values are left out of JSON unless all is wanted. */
#define JSON_VALUE_MAX 4096

int print_collect(struct reader *r, struct print_state *s, struct print_fields *ret) {
    struct reader_data d;
    ret->n = 0;
    text_clear(&s->large);
    reader_restart_data(r);
    for (int k; (k = reader_next_data(r, &d)) != 0;) {
        if (k < 0)
            return k;
        const char *equals = memchr(d.data, '=', d.size);
        if (!equals || equals == d.data)
            continue;
        if (ret->n == ret->size) {
            size_t size = MAX(2 * ret->size, (size_t)64);
            struct print_field *more = reallocarray(ret->list, size, sizeof *more);
            if (!more)
                return -ENOMEM;
            ret->list = more;
            ret->size = size;
        }
        struct print_field *f = &ret->list[ret->n++];
        f->name_size = (size_t)(equals - d.data);
        f->value_size = d.size - f->name_size - 1;
        f->name = d.data;
        f->value = equals + 1;
        /* Decompressed into a buffer that the next one will take. */
        if (d.id == 0) {
            f->name = NULL;
            f->value = (const char *)s->large.len;
            text_add_n(&s->large, d.data, d.size);
        }
    }
    for (size_t i = 0; i < ret->n; i++)
        if (!ret->list[i].name) {
            struct print_field *f = &ret->list[i];
            f->name = text_str(&s->large) + (size_t)f->value;
            f->value = f->name + f->name_size + 1;
        }
    return s->large.failed ? -ENOMEM : 0;
}

bool print_wants(const struct print_options *o, const struct print_field *f) {
    if (!o->fields)
        return true;
    for (char **p = o->fields; *p; p++)
        if (strlen(*p) == f->name_size && memcmp(*p, f->name, f->name_size) == 0)
            return true;
    return false;
}

static bool is_boot_id(const struct print_field *f) {
    return f->name_size == 8 && memcmp(f->name, "_BOOT_ID", 8) == 0;
}

static void add_number(struct text *out, uint64_t v) {
    char buffer[20], *p = buffer + sizeof buffer;
    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    text_add_n(out, p, (size_t)(buffer + sizeof buffer - p));
}

/* --- export --------------------------------------------------------------------------------------------------- */
int print_export(struct reader *r, const struct print_options *o, struct print_state *s) {
    const struct reader_entry *e = reader_entry(r);
    struct text *out = &s->out;
    char cursor[READER_CURSOR_MAX], boot[33];
    int k = print_collect(r, s, &s->fields);
    if (k < 0)
        return k;
    reader_cursor(e, cursor);
    text_add(out, "__CURSOR=");
    text_add(out, cursor);
    text_add(out, "\n__REALTIME_TIMESTAMP=");
    add_number(out, e->realtime);
    text_add(out, "\n__MONOTONIC_TIMESTAMP=");
    add_number(out, e->monotonic);
    text_add(out, "\n_BOOT_ID=");
    text_add_n(out, id128_to_string(e->boot_id, boot), 32);
    text_add_char(out, '\n');
    for (size_t i = 0; i < s->fields.n; i++) {
        const struct print_field *f = &s->fields.list[i];
        if (is_boot_id(f) || !print_wants(o, f))
            continue;
        text_add_n(out, f->name, f->name_size);
        if (is_printable(f->value, f->value_size, false))
            text_add_char(out, '=');
        else {
            uint64_t size = htole64(f->value_size);
            text_add_char(out, '\n');
            text_add_n(out, (const char *)&size, sizeof size);
        }
        text_add_n(out, f->value, f->value_size);
        text_add_char(out, '\n');
    }
    text_add_char(out, '\n');
    return 0;
}

/* --- JSON ----------------------------------------------------------------------------------------------------- */
static void add_string(struct text *out, const char *s, size_t n) {
    text_add_char(out, '"');
    for (size_t plain = 0; plain <= n;) {
        size_t i = plain;
        while (i < n && s[i] != '"' && s[i] != '\\' && (unsigned char)s[i] >= ' ')
            i++;
        text_add_n(out, s + plain, i - plain);
        if (i < n) {
            const char escape[2] = { '\\', s[i] == '\n' ? 'n' : s[i] == '\t' ? 't' : s[i] };
            text_add_n(out, escape, 2);
        }
        plain = i + 1;
    }
    text_add_char(out, '"');
}

static void add_value(struct text *out, const struct print_options *o, const struct print_field *f, unsigned depth) {
    bool pretty = o->mode == PRINT_JSON_PRETTY;
    if (!o->all && f->name_size + 1 + f->value_size >= JSON_VALUE_MAX) {
        text_add(out, "null");
        return;
    }
    if (is_printable(f->value, f->value_size, true)) {
        add_string(out, f->value, f->value_size);
        return;
    }
    text_add_char(out, '[');
    for (size_t i = 0; i < f->value_size; i++) {
        if (i > 0)
            text_add_char(out, ',');
        if (pretty)
            text_add_n(out, "\n\t\t\t\t", depth + 2);
        add_number(out, (unsigned char)f->value[i]);
    }
    if (pretty)
        text_add_n(out, "\n\t\t\t\t", depth + 1);
    text_add_char(out, ']');
}

static void add_name(struct text *out, bool pretty, bool first, const char *name, size_t n) {
    if (!first)
        text_add_char(out, ',');
    text_add(out, pretty ? "\n\t\"" : "\"");
    text_add_n(out, name, n);
    text_add(out, pretty ? "\" : " : "\":");
}

static bool same_name(const struct print_field *a, const struct print_field *b) {
    return a->name_size == b->name_size && memcmp(a->name, b->name, a->name_size) == 0;
}

/* Names of several values come once, with a list of them. */
static void add_fields(struct text *out, const struct print_options *o, const struct print_fields *fields) {
    bool pretty = o->mode == PRINT_JSON_PRETTY;
    for (size_t i = 0; i < fields->n; i++) {
        const struct print_field *f = &fields->list[i];
        size_t more = i + 1;
        bool seen = is_boot_id(f) || !print_wants(o, f);
        for (size_t k = 0; k < i && !seen; k++)
            seen = same_name(f, &fields->list[k]);
        if (seen)
            continue;
        add_name(out, pretty, false, f->name, f->name_size);
        while (more < fields->n && !same_name(f, &fields->list[more]))
            more++;
        if (more == fields->n) {
            add_value(out, o, f, 1);
            continue;
        }
        text_add(out, pretty ? "[\n\t\t" : "[");
        add_value(out, o, f, 2);
        for (; more < fields->n; more++)
            if (same_name(f, &fields->list[more])) {
                text_add(out, pretty ? ",\n\t\t" : ",");
                add_value(out, o, &fields->list[more], 2);
            }
        text_add(out, pretty ? "\n\t]" : "]");
    }
}

int print_json(struct reader *r, const struct print_options *o, struct print_state *s) {
    static const char *const before[PRINT_MODES] = { [PRINT_JSON_SSE] = "data: ", [PRINT_JSON_SEQ] = "\x1e" };
    static const char *const after[PRINT_MODES] = { [PRINT_JSON_SSE] = "\n" };
    const struct reader_entry *e = reader_entry(r);
    struct text *out = &s->out;
    bool pretty = o->mode == PRINT_JSON_PRETTY;
    char cursor[READER_CURSOR_MAX], boot[33];
    int k = print_collect(r, s, &s->fields);
    if (k < 0)
        return k;
    reader_cursor(e, cursor);
    text_add(out, before[o->mode]);
    text_add_char(out, '{');
    add_name(out, pretty, true, "__CURSOR", 8);
    add_string(out, cursor, strlen(cursor));
    add_name(out, pretty, false, "__REALTIME_TIMESTAMP", 20);
    text_add_char(out, '"');
    add_number(out, e->realtime);
    text_add_char(out, '"');
    add_name(out, pretty, false, "__MONOTONIC_TIMESTAMP", 21);
    text_add_char(out, '"');
    add_number(out, e->monotonic);
    text_add_char(out, '"');
    add_name(out, pretty, false, "_BOOT_ID", 8);
    add_string(out, id128_to_string(e->boot_id, boot), 32);
    add_fields(out, o, &s->fields);
    text_add(out, pretty ? "\n}\n" : "}\n");
    text_add(out, after[o->mode]);
    return 0;
}
