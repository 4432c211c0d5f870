/* SPDX-License-Identifier: Apache-2.0 */
/* D-Bus properties as the lines of a unit file. Knows no units that run. */
#include "wire/bus/transient.h"

#include "base/fd.h"
#include "syntax/names.h"
#include "syntax/words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIDS_MAX 4096

void writer_done(struct writer *w) {
    unit_file_free(w->check);
    text_free(&w->unit);
    text_free(&w->own);
    free(w->pids);
}

/* --- pieces of a value ---------------------------------------------------------------------------------- */
/* As it stands after "Name=": clients mean what they say, so that "%" is no specifier. */
static void add_literal(struct text *t, const char *s) {
    for (; *s; s++) {
        if (*s == '%')
            text_add_char(t, '%');
        text_add_char(t, *s);
    }
}

static void add_word(struct text *t, const char *s) {
    _cleanup_text_ struct text quoted = {};
    if (t->len > 0)
        text_add_char(t, ' ');
    if (*s)
        word_quote(&quoted, s);
    else
        text_add(&quoted, "\"\"");
    add_literal(t, text_str(&quoted));
    t->failed |= quoted.failed;
}

const char *iter_string(DBusMessageIter *i) {
    const char *s = "";
    dbus_message_iter_get_basic(i, &s);
    dbus_message_iter_next(i);
    return s;
}

static bool iter_bool(DBusMessageIter *i) {
    dbus_bool_t b;
    dbus_message_iter_get_basic(i, &b);
    dbus_message_iter_next(i);
    return b;
}

static uint64_t iter_u64(DBusMessageIter *i) {
    uint64_t v;
    dbus_message_iter_get_basic(i, &v);
    dbus_message_iter_next(i);
    return v;
}

/* --- one line ------------------------------------------------------------------------------------------- */
static const struct directive_row *find_row(struct writer *w, const char *name, struct text **ret_out) {
    const struct directive_row *row = directive_find(section_of_type(w->check->type), name);
    if (ret_out)
        *ret_out = row ? &w->own : &w->unit;
    return row ? row : directive_find(SECTION_UNIT, name);
}

/* Writes "NAME=VALUE" into the section it belongs to, if the value is a valid one. */
static int put(struct writer *w, const char *name, const char *value) {
    struct text *out;
    const struct directive_row *row = find_row(w, name, &out);
    if (!row)
        return error_set(w->error, ERROR_INVALID_ARGUMENT, "Cannot set property %s, or unknown property.",
                         name);
    if (strpbrk(value, "\n\r"))
        return error_set(w->error, ERROR_INVALID_ARGUMENT, "%s: a value cannot have more than one line.",
                         name);
    struct unit_specifiers specifiers;
    unit_specifiers_init(&specifiers, w->check, &w->manager->dirs);
    struct parse_at at = { .unit = w->check->name, .specifiers = &specifiers.table };
    int r = unit_file_assign(w->check, row, &at, value);
    if (r == -EINVAL)
        error_set(w->error, ERROR_INVALID_ARGUMENT, "Invalid %s setting: %s", name, value);
    text_free(&at.why);
    if (r < 0)
        return r;
    text_addf(out, "%s=%s\n", name, value);
    return out->failed ? -ENOMEM : 0;
}

static int put_text(struct writer *w, const char *name, struct text *value) {
    int r = value->failed ? -ENOMEM : put(w, name, text_str(value));
    text_clear(value);
    return r;
}

/* --- kinds of values ------------------------------------------------------------------------------------ */
/* "RuntimeMaxUSec" is set as RuntimeMaxSec=. */
static void name_of_span(const char *name, char *buffer, size_t size) {
    size_t n = strlen(name);
    if (n > 4 && strcmp(name + n - 4, "USec") == 0)
        snprintf(buffer, size, "%.*sSec", (int)(n - 4), name);
    else
        snprintf(buffer, size, "%s", name);
}

static bool ends_with(const char *s, const char *tail) {
    size_t n = strlen(s), t = strlen(tail);
    return n >= t && strcmp(s + n - t, tail) == 0;
}

static int put_number(struct writer *w, const char *name, int type, DBusMessageIter *v) {
    _cleanup_text_ struct text t = {};
    char buffer[64];
    uint64_t u = 0;
    int64_t i = 0;
    switch (type) {
    case DBUS_TYPE_BYTE: {
        uint8_t b;
        dbus_message_iter_get_basic(v, &b);
        u = b;
        break;
    }
    case DBUS_TYPE_UINT16: {
        uint16_t n;
        dbus_message_iter_get_basic(v, &n);
        u = n;
        break;
    }
    case DBUS_TYPE_UINT32: {
        uint32_t n;
        dbus_message_iter_get_basic(v, &n);
        u = n;
        break;
    }
    case DBUS_TYPE_INT32: {
        int32_t n;
        dbus_message_iter_get_basic(v, &n);
        i = n;
        break;
    }
    case DBUS_TYPE_INT64:
        dbus_message_iter_get_basic(v, &i);
        break;
    default:
        dbus_message_iter_get_basic(v, &u);
    }
    bool is_signed = type == DBUS_TYPE_INT32 || type == DBUS_TYPE_INT64;
    if (ends_with(name, "Scale")) { /* parts of 2^32 of what there is */
        snprintf(buffer, sizeof buffer, "%.*s", (int)(strlen(name) - strlen("Scale")), name);
        text_addf(&t, "%llu%%", (unsigned long long)((u * 100 + UINT32_MAX / 2) / UINT32_MAX));
        return put_text(w, buffer, &t);
    }
    bool quota = strcmp(name, "CPUQuotaPerSecUSec") == 0;
    if (!quota && (ends_with(name, "USec") || strncmp(name, "Limit", strlen("Limit")) == 0)) {
        if (u == UINT64_MAX)
            text_add(&t, "infinity");
        else
            text_addf(&t, "%llu%s", (unsigned long long)u, ends_with(name, "USec") ? "us" : "");
        name_of_span(name, buffer, sizeof buffer);
        return put_text(w, buffer, &t);
    }
    /* The rest as the setting's own type prints it: masks of capabilities, modes, weights, signals. */
    const char *plain = quota ? "CPUQuota" : name;
    const struct directive_row *row = find_row(w, plain, NULL);
    if (!row)
        return put(w, plain, "");
    union value value = {};
    if (is_signed)
        value.number = strcmp(name, "SyslogFacility") == 0 ? i << 3 : i;
    else
        value.size = u;
    row->type->print(row->type, &value, &t);
    return put_text(w, plain, &t);
}

/* The soft limit comes as a property of its own, after the hard one. */
static int put_soft_limit(struct writer *w, const char *name, uint64_t soft) {
    char base[32];
    snprintf(base, sizeof base, "%.*s", (int)(strlen(name) - strlen("Soft")), name);
    const struct directive_row *row = directive_find(section_of_type(w->check->type), base);
    const struct rlimit_pair *pair = row ? unit_object(w->check, row->id) : NULL;
    _cleanup_text_ struct text t = {};
    if (soft == UINT64_MAX)
        text_add(&t, "infinity");
    else
        text_addf(&t, "%llu", (unsigned long long)soft);
    if (!pair || pair->hard == UINT64_MAX)
        text_add(&t, ":infinity");
    else
        text_addf(&t, ":%llu", (unsigned long long)pair->hard);
    return put_text(w, base, &t);
}

/* as: words of one line; an empty list empties. */
static int put_strings(struct writer *w, const char *name, DBusMessageIter *v) {
    _cleanup_text_ struct text t = {};
    DBusMessageIter i;
    int r = 0;
    dbus_message_iter_recurse(v, &i);
    if (dbus_message_iter_get_arg_type(&i) != DBUS_TYPE_STRING)
        return put(w, name, "");
    while (r >= 0 && dbus_message_iter_get_arg_type(&i) == DBUS_TYPE_STRING) {
        add_word(&t, iter_string(&i));
        r = put_text(w, name, &t);
    }
    return r;
}

/* a(sasb), a(sasas): command lines. */
static int put_commands(struct writer *w, const char *name, DBusMessageIter *v, bool ex) {
    static const struct {
        const char *flag, *prefix;
    } prefixes[] = {
        { "ignore-failure", "-" }, { "privileged", "+" },    { "no-setuid", "!" },
        { "ambient", "!!" },       { "no-env-expand", ":" }, { "via-shell", "|" },
    };
    char base[64];
    DBusMessageIter i;
    int r = 0;
    snprintf(base, sizeof base, "%.*s", (int)(strlen(name) - (ends_with(name, "Ex") ? 2 : 0)), name);
    dbus_message_iter_recurse(v, &i);
    if (dbus_message_iter_get_arg_type(&i) != DBUS_TYPE_STRUCT)
        return put(w, base, "");
    for (; r >= 0 && dbus_message_iter_get_arg_type(&i) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&i)) {
        _cleanup_text_ struct text t = {}, words = {};
        DBusMessageIter command, args, flags;
        dbus_message_iter_recurse(&i, &command);
        const char *path = iter_string(&command);
        dbus_message_iter_recurse(&command, &args);
        dbus_message_iter_next(&command);
        if (ex) {
            for (dbus_message_iter_recurse(&command, &flags);
                 dbus_message_iter_get_arg_type(&flags) == DBUS_TYPE_STRING;) {
                const char *flag = iter_string(&flags);
                for (size_t f = 0; f < ELEMENTS(prefixes); f++)
                    if (strcmp(prefixes[f].flag, flag) == 0)
                        text_add(&t, prefixes[f].prefix);
            }
        } else if (iter_bool(&command)) {
            text_add(&t, "-");
        }
        if (dbus_message_iter_get_arg_type(&args) != DBUS_TYPE_STRING)
            return error_set(w->error, ERROR_INVALID_ARGUMENT, "%s: a command without arguments.", name);
        const char *first = iter_string(&args);
        if (strcmp(first, path) != 0)
            text_add_char(&t, '@');
        add_word(&words, path);
        if (strcmp(first, path) != 0)
            add_word(&words, first);
        while (dbus_message_iter_get_arg_type(&args) == DBUS_TYPE_STRING) {
            const char *s = iter_string(&args);
            if (strcmp(s, ";") == 0)
                text_add(&words, " \";\"");
            else
                add_word(&words, s);
        }
        t.failed |= words.failed;
        text_add(&t, text_str(&words));
        r = put_text(w, base, &t);
    }
    return r;
}

/* Arrays of structures: each becomes a line, by a pattern per property. */
static int put_structs(struct writer *w, const char *name, const char *signature, DBusMessageIter *v) {
    DBusMessageIter i;
    int r = 0;
    dbus_message_iter_recurse(v, &i);
    if (dbus_message_iter_get_arg_type(&i) != DBUS_TYPE_STRUCT) {
        const char *plain = strcmp(name, "EnvironmentFiles") == 0 ? "EnvironmentFile" : name;
        return directive_find(section_of_type(w->check->type), plain) ? put(w, plain, "") : 0;
    }
    for (; r >= 0 && dbus_message_iter_get_arg_type(&i) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&i)) {
        _cleanup_text_ struct text t = {};
        DBusMessageIter s;
        char buffer[96];
        dbus_message_iter_recurse(&i, &s);
        if (strcmp(signature, "a(sb)") == 0) { /* EnvironmentFiles */
            const char *path = iter_string(&s);
            if (iter_bool(&s))
                text_add_char(&t, '-');
            add_literal(&t, path);
            r = put_text(w, "EnvironmentFile", &t);
        } else if (strcmp(signature, "a(st)") == 0) { /* TimersMonotonic, IO*BandwidthMax */
            const char *first = iter_string(&s);
            uint64_t n = iter_u64(&s);
            if (strcmp(name, "TimersMonotonic") == 0) {
                name_of_span(first, buffer, sizeof buffer);
                text_addf(&t, "%lluus", (unsigned long long)n);
                r = put_text(w, buffer, &t);
            } else {
                add_word(&t, first);
                text_addf(&t, n == UINT64_MAX ? " infinity" : " %llu", (unsigned long long)n);
                r = put_text(w, name, &t);
            }
        } else if (strcmp(signature, "a(ss)") == 0) {
            const char *first = iter_string(&s), *second = iter_string(&s);
            if (strcmp(name, "TimersCalendar") == 0 || strcmp(name, "Paths") == 0) {
                add_literal(&t, second);
                r = put_text(w, first, &t);
            } else if (strcmp(name, "Listen") == 0) {
                snprintf(buffer, sizeof buffer, "Listen%s", first);
                add_literal(&t, second);
                r = put_text(w, buffer, &t);
            } else {
                add_literal(&t, first);
                if (*second)
                    text_add_char(&t, strcmp(name, "DeviceAllow") == 0 ? ' ' : ':');
                add_literal(&t, second);
                r = put_text(w, name, &t);
            }
        } else if (strcmp(signature, "a(sbbs)") == 0) { /* Conditions, Asserts */
            const char *kind = iter_string(&s);
            bool trigger = iter_bool(&s), negate = iter_bool(&s);
            text_addf(&t, "%s%s", trigger ? "|" : "", negate ? "!" : "");
            add_literal(&t, iter_string(&s));
            r = put_text(w, kind, &t);
        } else if (strcmp(signature, "a(ssbt)") == 0) { /* BindPaths */
            const char *source = iter_string(&s), *target = iter_string(&s);
            bool ignore = iter_bool(&s), recursive = iter_u64(&s) != 0;
            _cleanup_text_ struct text word = {};
            text_addf(&word, "%s%s:%s:%s", ignore ? "-" : "", source, target,
                      recursive ? "rbind" : "norbind");
            add_word(&t, text_str(&word));
            r = word.failed ? -ENOMEM : put_text(w, name, &t);
        } else if (strcmp(signature, "a(iayu)") == 0) { /* IPAddressAllow */
            int32_t family;
            uint32_t bits;
            const uint8_t *bytes;
            int n;
            DBusMessageIter a;
            dbus_message_iter_get_basic(&s, &family);
            dbus_message_iter_next(&s);
            dbus_message_iter_recurse(&s, &a);
            dbus_message_iter_get_fixed_array(&a, &bytes, &n);
            dbus_message_iter_next(&s);
            dbus_message_iter_get_basic(&s, &bits);
            if (n != (family == AF_INET6 ? 16 : 4) || !inet_ntop(family, bytes, buffer, sizeof buffer))
                return error_set(w->error, ERROR_INVALID_ARGUMENT, "%s: not an address.", name);
            text_addf(&t, "%s/%u", buffer, bits);
            r = put_text(w, name, &t);
        } else {
            return error_set(w->error, ERROR_NOT_SUPPORTED, "Setting property %s is not supported.", name);
        }
    }
    return r;
}

static int put_filter(struct writer *w, const char *name, DBusMessageIter *v) {
    _cleanup_text_ struct text t = {};
    DBusMessageIter s, list;
    dbus_message_iter_recurse(v, &s);
    if (!iter_bool(&s))
        text_add_char(&t, '~');
    for (dbus_message_iter_recurse(&s, &list); dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRING;)
        add_word(&t, iter_string(&list));
    return put_text(w, name, &t);
}

/* ay: a bitmap of processors, or the bytes for standard input. */
static int put_bytes(struct writer *w, const char *name, DBusMessageIter *v) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    _cleanup_text_ struct text t = {};
    const uint8_t *bytes = NULL;
    int n = 0;
    DBusMessageIter i;
    dbus_message_iter_recurse(v, &i);
    dbus_message_iter_get_fixed_array(&i, &bytes, &n);
    if (strncmp(name, "StandardInput", strlen("StandardInput")) == 0) { /* …Data and …Text both come as bytes */
        for (int k = 0; k < n; k += 3) {
            uint32_t three = (uint32_t)bytes[k] << 16 | (k + 1 < n ? (uint32_t)bytes[k + 1] << 8 : 0) |
                             (k + 2 < n ? bytes[k + 2] : 0);
            for (int d = 0; d < 4; d++)
                text_add_char(&t, k + d > n ? '=' : digits[three >> (18 - 6 * d) & 63]);
        }
        return put_text(w, "StandardInputData", &t);
    }
    for (int bit = 0; bit < n * 8; bit++)
        if (bytes[bit / 8] >> (bit % 8) & 1)
            text_addf(&t, "%s%d", t.len > 0 ? " " : "", bit);
    return put_text(w, name, &t);
}

static int put_exit_statuses(struct writer *w, const char *name, DBusMessageIter *v) {
    _cleanup_text_ struct text t = {};
    DBusMessageIter s, list;
    dbus_message_iter_recurse(v, &s);
    for (int kind = 0; kind < 2; kind++, dbus_message_iter_next(&s))
        for (dbus_message_iter_recurse(&s, &list); dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_INT32;
             dbus_message_iter_next(&list)) {
            int32_t n;
            dbus_message_iter_get_basic(&list, &n);
            const char *signal = kind == 1 ? signal_to_string(n) : NULL;
            if (t.len > 0)
                text_add_char(&t, ' ');
            if (signal)
                text_addf(&t, "SIG%s", signal);
            else
                text_addf(&t, "%d", n);
        }
    return put_text(w, name, &t);
}

static int add_pids(struct writer *w, DBusMessageIter *v) {
    const uint32_t *pids;
    int n;
    DBusMessageIter i;
    dbus_message_iter_recurse(v, &i);
    dbus_message_iter_get_fixed_array(&i, &pids, &n);
    if (n < 0 || w->n_pids + (size_t)n > PIDS_MAX)
        return error_set(w->error, ERROR_INVALID_ARGUMENT, "Too many processes.");
    pid_t *list = reallocarray(w->pids, w->n_pids + (size_t)n + 1, sizeof *list);
    if (!list)
        return -ENOMEM;
    w->pids = list;
    for (int k = 0; k < n; k++)
        list[w->n_pids++] = pids[k] == 0 ? w->caller : (pid_t)pids[k];
    return 0;
}

static int add_pidfds(struct writer *w, DBusMessageIter *v) {
    DBusMessageIter i;
    for (dbus_message_iter_recurse(v, &i); dbus_message_iter_get_arg_type(&i) == DBUS_TYPE_UNIX_FD;
         dbus_message_iter_next(&i)) {
        int fd = -1;
        dbus_message_iter_get_basic(&i, &fd);
        pid_t pid = fd >= 0 ? bus_pid_of_pidfd(fd) : 0;
        fd_close(fd);
        pid_t *list = w->n_pids < PIDS_MAX ? reallocarray(w->pids, w->n_pids + 1, sizeof *list) : NULL;
        if (!list)
            return -ENOMEM;
        w->pids = list;
        if (pid > 0)
            list[w->n_pids++] = pid;
    }
    return 0;
}

const char *const unit_mark_names[2] = { "needs-reload", "needs-restart" };

/* Words with + or - change the marks; words without are all there are to be. */
static int take_marks(struct writer *w, DBusMessageIter *v) {
    DBusMessageIter i;
    bool change = false, replace = false;
    dbus_message_iter_recurse(v, &i);
    w->marks_set = w->marks_cleared = 0;
    while (dbus_message_iter_get_arg_type(&i) == DBUS_TYPE_STRING) {
        const char *word = iter_string(&i);
        bool sign = *word == '+' || *word == '-';
        uint8_t bit = 0;
        for (size_t k = 0; k < ELEMENTS(unit_mark_names); k++)
            if (strcmp(word + sign, unit_mark_names[k]) == 0)
                bit = (uint8_t)(1u << k);
        if (!bit)
            return error_set(w->error, ERROR_INVALID_ARGUMENT, "Unknown marker \"%s\".", word);
        *(*word == '-' ? &w->marks_cleared : &w->marks_set) |= bit;
        change |= sign;
        replace |= !sign;
    }
    if (change && replace)
        return error_set(w->error, ERROR_INVALID_ARGUMENT, "Bad marker syntax.");
    if (!change)
        w->marks_cleared = (uint8_t)~w->marks_set;
    return 0;
}

static int put_property(struct writer *w, const char *name, const char *signature, DBusMessageIter *v) {
    _cleanup_text_ struct text t = {};
    if (strcmp(name, "PIDs") == 0 && strcmp(signature, "au") == 0)
        return add_pids(w, v);
    if (strcmp(name, "PIDFDs") == 0 && strcmp(signature, "ah") == 0)
        return add_pidfds(w, v);
    if (strcmp(name, "AddRef") == 0 && strcmp(signature, "b") == 0) {
        w->add_ref = iter_bool(v);
        return 0;
    }
    if (strcmp(name, "Markers") == 0 && strcmp(signature, "as") == 0)
        return take_marks(w, v);
    if (strcmp(name, "Controller") == 0)
        return 0;
    if (strcmp(signature, "t") == 0 && strncmp(name, "Limit", 5) == 0 && ends_with(name, "Soft"))
        return put_soft_limit(w, name, iter_u64(v));
    if (strcmp(signature, "b") == 0)
        return put(w, name, iter_bool(v) ? "yes" : "no");
    if (strcmp(signature, "s") == 0) {
        const char *s = iter_string(v);
        if (strcmp(name, "WorkingDirectory") == 0 && *s == '!') {
            text_add_char(&t, '-');
            s++;
        }
        add_literal(&t, s);
        return put_text(w, name, &t);
    }
    if (strlen(signature) == 1 && strchr("yquitx", *signature))
        return put_number(w, name, *signature, v);
    if (strcmp(signature, "as") == 0)
        return put_strings(w, name, v);
    if (strcmp(signature, "a(sasb)") == 0 || strcmp(signature, "a(sasas)") == 0)
        return put_commands(w, name, v, signature[5] == 'a');
    if (strcmp(signature, "ay") == 0)
        return put_bytes(w, name, v);
    if (strcmp(signature, "(bas)") == 0)
        return put_filter(w, name, v);
    if (strcmp(signature, "(aiai)") == 0)
        return put_exit_statuses(w, name, v);
    if (strncmp(signature, "a(", 2) == 0)
        return put_structs(w, name, signature, v);
    return error_set(w->error, ERROR_NOT_SUPPORTED, "Setting property %s is not supported.", name);
}

int writer_put_properties(struct writer *w, DBusMessageIter *properties) {
    DBusMessageIter i;
    int r = 0;
    for (dbus_message_iter_recurse(properties, &i);
         r >= 0 && dbus_message_iter_get_arg_type(&i) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&i)) {
        DBusMessageIter pair, value;
        dbus_message_iter_recurse(&i, &pair);
        const char *name = iter_string(&pair);
        dbus_message_iter_recurse(&pair, &value);
        char *signature = dbus_message_iter_get_signature(&value);
        if (!signature)
            return -ENOMEM;
        r = put_property(w, name, signature, &value);
        dbus_free(signature);
    }
    return r;
}
