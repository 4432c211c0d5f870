/* SPDX-License-Identifier: Apache-2.0 */
/* A property as `systemctl show` prints it: by its D-Bus type, or by its name where the bare number or structure would
 * tell nobody anything. */
#include "cli/systemctl/ctl.h"

#include "syntax/names.h"
#include "syntax/timespan.h"
#include "unit/types.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/wait.h>

static bool starts(const char *s, const char *head) {
    return strncmp(s, head, strlen(head)) == 0;
}

static bool ends(const char *s, const char *tail) {
    size_t n = strlen(s), t = strlen(tail);
    return n >= t && strcmp(s + n - t, tail) == 0;
}

static bool among(const char *s, const char *const *list) {
    for (; *list; list++)
        if (strcmp(*list, s) == 0)
            return true;
    return false;
}

/* One line, unless there is nothing to show. */
static void emit(const char *name, const char *value) {
    if (!*value && !ctl.all)
        return;
    if (ctl.value)
        puts(value);
    else
        printf("%s=%s\n", name, value);
}

/* --- numbers -------------------------------------------------------------------------------------------- */
/* What UINT64_MAX stands for. */
static const char *const not_set[] = { "CPUWeight", "StartupCPUWeight", "IOWeight", "StartupIOWeight", "CPUShares",
                                       "StartupCPUShares", "BlockIOWeight", "StartupBlockIOWeight", "MemoryCurrent",
                                       "TasksCurrent", "CPUUsageNSec", "MemoryPeak", "MemorySwapPeak",
                                       "MemorySwapCurrent", "MemoryZSwapCurrent", NULL };
static const char *const no_data[] = { "IPIngressBytes", "IPIngressPackets", "IPEgressBytes", "IPEgressPackets",
                                       NULL };

static void add_capabilities(struct text *out, uint64_t mask) {
    for (int i = 0; i < 64; i++) {
        char *name = mask >> i & 1 && i < cap_max_bits() ? cap_to_name(i) : NULL;
        if (name)
            text_addf(out, "%s%s", out->len > 0 ? " " : "", name);
        cap_free(name);
    }
}

static void add_u64(struct text *out, const char *name, uint64_t n) {
    static const char *const stamps[] = { "NextElapseUSecRealtime", "LastTriggerUSec", "TimeUSec", "RTCTimeUSec",
                                          NULL };
    char buffer[TIMESTAMP_MAX];
    union value value = { .size = n };
    if (ends(name, "Timestamp") || among(name, stamps))
        text_add(out, n > 0 && n != UINT64_MAX ? format_timestamp(n, buffer) : "");
    else if (strstr(name, "USec"))
        text_add(out, timespan_format(n, 0, buffer, sizeof buffer));
    else if (strcmp(name, "CoredumpFilter") == 0)
        text_addf(out, "0x%llx", (unsigned long long)n);
    else if (strcmp(name, "RestrictNamespaces") == 0)
        type_namespaces.print(&type_namespaces, &value, out);
    else if (strcmp(name, "MountFlags") == 0)
        text_add(out, n & MS_SHARED ? "shared" : n & MS_SLAVE ? "slave" : n & MS_PRIVATE ? "private" : "");
    else if (strcmp(name, "CapabilityBoundingSet") == 0 || strcmp(name, "AmbientCapabilities") == 0)
        add_capabilities(out, n);
    else if (n == UINT64_MAX && among(name, not_set))
        text_add(out, "[not set]");
    else if (n == UINT64_MAX && among(name, no_data))
        text_add(out, "[no data]");
    else if (n == UINT64_MAX && (starts(name, "Limit") || starts(name, "DefaultLimit") || starts(name, "Memory") ||
                                 starts(name, "DefaultMemory") || starts(name, "StartupMemory") ||
                                 ends(name, "TasksMax")))
        text_add(out, "infinity");
    else
        text_addf(out, "%llu", (unsigned long long)n);
}

static void add_u32(struct text *out, const char *name, uint32_t n) {
    if (strstr(name, "UMask") || strstr(name, "Mode"))
        text_addf(out, "%04o", n);
    else if (n == UINT32_MAX && (strcmp(name, "UID") == 0 || strcmp(name, "GID") == 0))
        text_add(out, "[not set]");
    else
        text_addf(out, "%u", n);
}

static void add_signed(struct text *out, const char *name, int64_t n) {
    static const char *const policies[] = { "default", "preferred", "bind", "interleave", "local" };
    if (strcmp(name, "NUMAPolicy") == 0)
        text_add(out, n >= 0 && n < (int)ELEMENTS(policies) ? policies[n] : "n/a");
    else if (n < 0 && ends(name, "ActionExitStatus"))
        text_add(out, ctl.all ? "[not set]" : "");
    else
        text_addf(out, "%lld", (long long)n);
}

/* --- arrays --------------------------------------------------------------------------------------------- */
/* A word as a shell would read it. */
static void add_word(struct text *out, const char *s) {
    if (*s && !s[strcspn(s, " \t\n\r\"\\`$*?['()<>|&;!")]) {
        text_add(out, s);
        return;
    }
    text_add_char(out, '"');
    for (; *s; s++) {
        if (strchr("\"\\`$", *s))
            text_add_char(out, '\\');
        text_add_char(out, *s);
    }
    text_add_char(out, '"');
}

static void add_words(struct text *out, DBusMessageIter *list) {
    for (bool first = true; dbus_message_iter_get_arg_type(list) == DBUS_TYPE_STRING; first = false) {
        const char *s = take_string(list);
        text_add(out, first ? "" : " ");
        add_word(out, s);
    }
}

/* A bitmap of processors or memory nodes: "0-3 8". */
static void add_ranges(struct text *out, const uint8_t *bytes, int n) {
    for (int bit = 0; bit < 8 * n; bit++) {
        int first = bit;
        while (bit < 8 * n && bytes[bit / 8] >> bit % 8 & 1)
            bit++;
        if (bit == first)
            continue;
        text_addf(out, "%s%d", out->len > 0 ? " " : "", first);
        if (bit - 1 > first)
            text_addf(out, "-%d", bit - 1);
    }
}

static void add_base64(struct text *out, const uint8_t *bytes, int n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < n; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 | (i + 1 < n ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (i + 2 < n ? bytes[i + 2] : 0);
        for (int d = 0; d < 4; d++)
            text_add_char(out, i + d > n ? '=' : digits[three >> (18 - 6 * d) & 63]);
    }
}

static void add_bytes(struct text *out, const char *name, DBusMessageIter *list) {
    static const char *const bitmaps[] = { "CPUAffinity", "NUMAMask", "AllowedCPUs", "StartupAllowedCPUs",
                                           "AllowedMemoryNodes", "StartupAllowedMemoryNodes", "EffectiveCPUs",
                                           "EffectiveMemoryNodes", NULL };
    const uint8_t *bytes = NULL;
    int n = 0;
    dbus_message_iter_get_fixed_array(list, &bytes, &n);
    if (among(name, bitmaps))
        add_ranges(out, bytes, n);
    else if (strcmp(name, "StandardInputData") == 0)
        add_base64(out, bytes, n);
    else
        for (int i = 0; i < n; i++)
            text_addf(out, "%02x", bytes[i]);
}

/* LogExtraFields: texts as bytes. */
static void add_fields(struct text *out, DBusMessageIter *list) {
    for (DBusMessageIter one; take_open(list, &one);) {
        const char *bytes = NULL;
        int n = 0;
        dbus_message_iter_get_fixed_array(&one, &bytes, &n);
        text_add(out, out->len > 0 ? " " : "");
        text_add_n(out, bytes, (size_t)n);
    }
}

/* --- structures ----------------------------------------------------------------------------------------- */
static const char *stamp(DBusMessageIter *i, char buffer[static TIMESTAMP_MAX]) {
    return format_timestamp(take_number(i), buffer);
}

/* path, argv, flags or a boolean, four times, pid, code, status. */
static void add_command(struct text *out, DBusMessageIter *i, bool ex) {
    static const char *const codes[] = { "(null)", "exited", "killed", "dumped", "trapped", "stopped", "continued" };
    _cleanup_text_ struct text words = {}, flags = {};
    char start[TIMESTAMP_MAX], stop[TIMESTAMP_MAX];
    DBusMessageIter list;
    const char *path = take_string(i);
    if (take_open(i, &list))
        while (dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRING)
            text_addf(&words, "%s%s", words.len > 0 ? " " : "", take_string(&list));
    if (ex && take_open(i, &list))
        while (dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRING)
            text_addf(&flags, "%s%s", flags.len > 0 ? " " : "", take_string(&list));
    if (!ex)
        text_add(&flags, take_number(i) ? "yes" : "no");
    const char *started = stamp(i, start);
    take_number(i);
    const char *stopped = stamp(i, stop);
    take_number(i);
    unsigned pid = (unsigned)take_number(i);
    int code = (int)take_number(i), status = (int)take_number(i);
    const char *name = code == CLD_EXITED ? NULL : signal_to_string(status);
    text_addf(out,
              "{ path=%s ; argv[]=%s ; %s=%s ; start_time=[%s] ; stop_time=[%s] ; pid=%u ; code=%s ; status=%i%s%s }",
              path, text_str(&words), ex ? "flags" : "ignore_errors", text_str(&flags), started, stopped, pid,
              codes[code >= 0 && code < (int)ELEMENTS(codes) ? code : 0], status, code == CLD_EXITED ? "" : "/",
              code == CLD_EXITED ? ""
              : name             ? name
                                 : "0");
}

/* Structures by a pattern: %s string, %b yes or no, %t span, %T stamp, %n number, %0 and %1 the first and second
 * string. A line each; all of a list on one line if it begins with a blank; with `=`, also where there are none. */
static const struct {
    const char *name, *pattern;
} patterns[] = {
    { "EnvironmentFiles", "%s (ignore_errors=%b)" },
    { "Listen", "%1 (%0)" },
    { "Paths", "%1 (%0)" },
    { "TimersMonotonic", "{ %s=%t ; next_elapse=%t }" },
    { "TimersCalendar", "{ %s=%s ; next_elapse=%T }" },
    { "DeviceAllow", "%s %s" },
    { "IODeviceLatencyTargetUSec", "%s %t" },
    { "IODeviceWeight", "%s %n" },
    { "BlockIODeviceWeight", "%s %n" },
    { "IOReadBandwidthMax", "%s %n" },
    { "IOWriteBandwidthMax", "%s %n" },
    { "IOReadIOPSMax", "%s %n" },
    { "IOWriteIOPSMax", "%s %n" },
    { "TemporaryFileSystem", "=%s:%s" },
    { "BPFProgram", " %s:%s" },
    { "MountImages", "=%s:%s" },
    { "ExtensionImages", "=%s" },
    { "BlockIOReadBandwidth", "%s %n" },
    { "BlockIOWriteBandwidth", "%s %n" },
    { "RuntimeDirectorySymlink", " %s:%s" },
    { "StateDirectorySymlink", " %s:%s" },
    { "CacheDirectorySymlink", " %s:%s" },
    { "LogsDirectorySymlink", " %s:%s" },
};

static void add_pattern(struct text *out, const char *pattern, DBusMessageIter *i) {
    char buffer[TIMESTAMP_MAX];
    const char *two[2] = {};
    usec_t next;
    if (strstr(pattern, "%1")) { /* two strings, in another order */
        two[0] = take_string(i);
        two[1] = take_string(i);
    }
    for (const char *p = pattern; *p; p++) {
        if (*p != '%') {
            text_add_char(out, *p);
            continue;
        }
        switch (*++p) {
        case 's':
            text_add(out, take_string(i));
            break;
        case 'b':
            text_add(out, take_number(i) ? "yes" : "no");
            break;
        case 't':
            text_add(out, timespan_format(take_number(i), 0, buffer, sizeof buffer));
            break;
        case 'T':
            next = take_number(i);
            text_add(out, next > 0 && next != USEC_INFINITY ? format_timestamp(next, buffer) : "(null)");
            break;
        case 'n':
            text_addf(out, "%llu", (unsigned long long)take_number(i));
            break;
        default:
            text_add(out, two[*p - '0']);
        }
    }
}

static void add_address(struct text *out, DBusMessageIter *i) {
    char buffer[INET6_ADDRSTRLEN] = "";
    DBusMessageIter list;
    const uint8_t *bytes = NULL;
    int n = 0, family = (int)take_number(i);
    if (take_open(i, &list))
        dbus_message_iter_get_fixed_array(&list, &bytes, &n);
    if (n == (family == AF_INET6 ? 16 : 4) && inet_ntop(family, bytes, buffer, sizeof buffer))
        text_addf(out, "%s%s/%u", out->len > 0 ? " " : "", buffer, (unsigned)take_number(i));
}

/* source:destination:rbind */
static void add_bind(struct text *out, DBusMessageIter *i) {
    const char *source = take_string(i), *target = take_string(i);
    bool ignore = take_number(i) != 0;
    text_addf(out, "%s%s%s:%s:%s", out->len > 0 ? " " : "", ignore ? "-" : "", source, target,
              take_number(i) ? "rbind" : "norbind");
}

/* False: no way to print it is known. */
static bool print_structs(const char *name, const char *signature, DBusMessageIter *list) {
    DBusMessageIter one;
    _cleanup_text_ struct text line = {};
    bool ex = strcmp(signature, "a(sasasttttuii)") == 0;
    if (ex || strcmp(signature, "a(sasbttttuii)") == 0) {
        for (; take_open(list, &one); text_clear(&line)) {
            add_command(&line, &one, ex);
            emit(name, text_str(&line));
        }
        return true;
    }
    bool bind = strcmp(signature, "a(ssbt)") == 0;
    if (bind || strcmp(signature, "a(iayu)") == 0) {
        while (take_open(list, &one))
            bind ? add_bind(&line, &one) : add_address(&line, &one);
        emit(name, text_str(&line));
        return true;
    }
    for (size_t i = 0; i < ELEMENTS(patterns); i++) {
        const char *pattern = patterns[i].pattern;
        if (strcmp(patterns[i].name, name) != 0)
            continue;
        bool shown = *pattern == '=', joined = shown || *pattern == ' ';
        while (take_open(list, &one)) {
            text_add(&line, joined && line.len > 0 ? " " : "");
            add_pattern(&line, joined ? pattern + 1 : pattern, &one);
            if (!joined) {
                emit(name, text_str(&line));
                text_clear(&line);
            }
        }
        if (shown || line.len > 0)
            emit(name, text_str(&line));
        return true;
    }
    return dbus_message_iter_get_arg_type(list) == DBUS_TYPE_INVALID;
}

static bool print_struct(const char *name, const char *signature, DBusMessageIter *i) {
    _cleanup_text_ struct text line = {};
    DBusMessageIter list;
    if (strcmp(signature, "(bas)") == 0) {
        bool allow = take_number(i) != 0,
             some = take_open(i, &list) && dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRING;
        if (!allow && (some || ctl.all))
            text_add_char(&line, '~');
        size_t sign = line.len;
        if (some)
            while (dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRING)
                text_addf(&line, "%s%s", line.len > sign ? " " : "", take_string(&list));
    } else if (strcmp(signature, "(uo)") == 0) {
        unsigned id = (unsigned)take_number(i);
        if (id > 0)
            text_addf(&line, "%u", id);
    } else if (strcmp(signature, "(so)") == 0) {
        text_add(&line, take_string(i));
    } else if (strcmp(signature, "(ss)") == 0) {
        const char *error = take_string(i), *message = take_string(i);
        if (*error)
            text_addf(&line, "%s \"%s\"", error, message);
    } else if (strcmp(signature, "(bs)") == 0) {
        bool ignore = take_number(i) != 0;
        const char *s = take_string(i);
        text_addf(&line, "%s%s", ignore && *s ? "-" : "", s);
    } else if (strcmp(signature, "(aiai)") == 0) { /* exit statuses, signals */
        for (int kind = 0; kind < 2; kind++)
            if (take_open(i, &list))
                while (dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_INT32) {
                    int n = (int)take_number(&list);
                    const char *signal = kind == 1 ? signal_to_string(n) : NULL;
                    if (signal)
                        text_addf(&line, "%s%s", line.len > 0 ? " " : "", signal);
                    else
                        text_addf(&line, "%s%d", line.len > 0 ? " " : "", n);
                }
    } else
        return false;
    emit(name, text_str(&line));
    return true;
}

/* --- any ------------------------------------------------------------------------------------------------ */
void print_property(const char *name, DBusMessageIter *value) {
    _cleanup_text_ struct text line = {};
    char *signature = dbus_message_iter_get_signature(value);
    DBusMessageIter list;
    bool known = signature != NULL;
    switch (dbus_message_iter_get_arg_type(value)) {
    case DBUS_TYPE_STRING: {
        const char *s = take_string(value);
        for (; *s; s++)
            if (*s == '\n' && !ctl.value)
                text_add(&line, "\\n");
            else
                text_add_char(&line, *s);
        emit(name, text_str(&line));
        break;
    }
    case DBUS_TYPE_BOOLEAN:
        emit(name, take_number(value) ? "yes" : "no");
        break;
    case DBUS_TYPE_UINT64:
        add_u64(&line, name, take_number(value));
        emit(name, text_str(&line));
        break;
    case DBUS_TYPE_UINT32:
        add_u32(&line, name, (uint32_t)take_number(value));
        emit(name, text_str(&line));
        break;
    case DBUS_TYPE_INT32:
    case DBUS_TYPE_INT64:
        add_signed(&line, name, (int64_t)take_number(value));
        emit(name, text_str(&line));
        break;
    case DBUS_TYPE_DOUBLE: {
        double d = 0;
        dbus_message_iter_get_basic(value, &d);
        text_addf(&line, "%lld", (long long)d);
        emit(name, text_str(&line));
        break;
    }
    case DBUS_TYPE_STRUCT:
        known = known && take_open(value, &list) && print_struct(name, signature, &list);
        break;
    case DBUS_TYPE_ARRAY: {
        known = known && take_open(value, &list);
        if (known && strcmp(signature, "as") == 0)
            add_words(&line, &list);
        else if (known && strcmp(signature, "ay") == 0)
            add_bytes(&line, name, &list);
        else if (known && strcmp(signature, "aay") == 0)
            add_fields(&line, &list);
        else {
            known = known && print_structs(name, signature, &list);
            break;
        }
        emit(name, text_str(&line));
        break;
    }
    default:
        known = false;
    }
    if (!known && ctl.all) /* with --value, too */
        printf("%s=[unprintable]\n", name);
    dbus_free(signature);
}
