/* SPDX-License-Identifier: Apache-2.0 */
/* One string: paths, names, where the standard streams go. */
#include "base/strv.h"
#include "syntax/names.h"
#include "unit/name.h"
#include "unit/types_private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define STRING(type, title, parser, ...)                                                                     \
    const struct value_type type_##type = { title,                                                           \
                                            .parse = parser,                                                 \
                                            .free = value_free_string,                                       \
                                            .print = value_print_string,                                     \
                                            .equal = value_equal_string,                                     \
                                            __VA_ARGS__ }

static int replace(union value *value, char *s) {
    free(value->string);
    value->string = s;
    return 0;
}

static int parse_plain(const struct value_type *type, struct parse_at *at, const char *text,
                       union value *value) {
    char *copy = strdup(text);
    return copy ? replace(value, copy) : -ENOMEM;
}
STRING(plain, "string", parse_plain);

static int parse_string(const struct value_type *type, struct parse_at *at, const char *text,
                        union value *value) {
    char *s = NULL;
    int r = value_expand(at, text, &s);
    return r < 0 ? r : replace(value, s);
}
STRING(string, "string", parse_string);

/* Never under another label than was asked for, unless with "-". */
static int parse_label(const struct value_type *type, struct parse_at *at, const char *text, union value *value) {
    int r = parse_string(type, at, text, value);
    return r == -EINVAL && *text != '-' ? -ENOEXEC : r;
}
STRING(label, "label", parse_label);

static int parse_obsolete(const struct value_type *type, struct parse_at *at, const char *text,
                          union value *value) {
    return value_reject(at, "is no longer supported");
}
STRING(obsolete, "gone", parse_obsolete);

/* --- paths ---------------------------------------------------------------------------------------------- */

static int parse_path(const struct value_type *type, struct parse_at *at, const char *text,
                      union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand_max(at, text, PATH_MAX, &s);
    if (r >= 0)
        r = value_path(at, s);
    /* As under systemd, a service is not run in a root nobody asked for. */
    if (r == -EINVAL && type == &type_path_strict)
        r = -ENOEXEC;
    return r < 0 ? r : replace(value, TAKE(s));
}
STRING(path, "absolute path", parse_path);
STRING(path_strict, "absolute path", parse_path);

static int parse_pid_file(const struct value_type *type, struct parse_at *at, const char *text,
                          union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand_max(at, text, PATH_MAX, &s);
    if (r < 0)
        return r;
    if (*s != '/') {
        char *below_run = path_join("/run", s);
        if (!below_run)
            return -ENOMEM;
        free(s);
        s = below_run;
    }
    r = value_path(at, s);
    if (r < 0)
        return r;
    value_modern_run(s);
    return replace(value, TAKE(s));
}
STRING(pid_file, "path of a PID file", parse_pid_file);

static int parse_working_directory(const struct value_type *type, struct parse_at *at, const char *text,
                                   union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand_max(at, text, PATH_MAX, &s);
    char *path = r >= 0 ? s + (*s == '-') : NULL;
    if (path && strcmp(path, "~") != 0)
        r = value_path(at, path);
    /* As under systemd, a service is not run in a directory nobody asked for. */
    if (r == -EINVAL && *text != '-')
        r = -ENOEXEC;
    return r < 0 ? r : replace(value, TAKE(s));
}
STRING(working_directory, "working directory", parse_working_directory);

/* --- names ---------------------------------------------------------------------------------------------- */

/* What systemd takes from a unit file for a user or group: anything the databases could hold. */
static const char *user_name_problem(const char *s) {
    if (!*s)
        return "empty name";
    if (strlen(s) > 255)
        return "name of more than 255 bytes";
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f || *p == ':' || *p == '/')
            return "not a user or group name";
    if (strspn(s, "0123456789") == strlen(s))
        return (s[0] == '0' && s[1]) || strlen(s) > 10 || strcmp(s, "65535") == 0 ||
                       strtoull(s, NULL, 10) >= UINT32_MAX
                   ? "not a user or group id"
                   : NULL;
    if ((*s == '-' && strspn(s + 1, "0123456789") == strlen(s + 1)) || *s == ' ' || s[strlen(s) - 1] == ' ' ||
        strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
        return "not a user or group name";
    return NULL;
}

static int parse_user(const struct value_type *type, struct parse_at *at, const char *text,
                      union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand(at, text, &s);
    if (r < 0)
        return r == -EINVAL ? -ENOEXEC : r;
    const char *problem = user_name_problem(s);
    if (problem) {
        value_reject(at, "%s", problem);
        return -ENOEXEC; /* never as somebody else */
    }
    return replace(value, TAKE(s));
}
STRING(user, "user or group", parse_user);

static int add_user(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    const char *problem = user_name_problem(word);
    if (problem)
        return value_reject(at, "%s", problem);
    return strv_add(list, word);
}

static int parse_user_list(const struct value_type *type, struct parse_at *at, const char *text,
                           union value *value) {
    int r = value_each_word(at, text, NULL, WORD_UNQUOTE, add_user, type, &value->strv);
    return r >= 0 && at->why.len > 0 ? -ENOEXEC : r; /* never with fewer groups than it was given */
}
const struct value_type type_user_list = { "users or groups",          .flags = TYPE_LIST,
                                           .parse = parse_user_list,   .free = value_free_strv,
                                           .print = value_print_words, .equal = value_equal_strv };

static int parse_unit(const struct value_type *type, struct parse_at *at, const char *text,
                      union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand(at, text, &s);
    if (r < 0)
        return r;
    if (!unit_name_valid(s, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
        return value_reject(at, "not a unit name");
    if (type == &type_unit && value->string)
        return value_reject(at, "what is started is named already: %s", value->string);
    if (type == &type_service_unit && unit_name_type(s) != UNIT_SERVICE)
        return value_reject(at, "not the name of a service");
    if (type == &type_slice && unit_name_type(s) != UNIT_SLICE)
        return value_reject(at, "not the name of a slice");
    return replace(value, TAKE(s));
}
STRING(unit, "unit", parse_unit, .flags = TYPE_KEEPS);
STRING(service_unit, "service", parse_unit, .flags = TYPE_KEEPS);
STRING(slice, "slice", parse_unit, .flags = TYPE_KEEPS);

static int parse_bus_name(const struct value_type *type, struct parse_at *at, const char *text,
                          union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand(at, text, &s);
    if (r < 0)
        return r;
    bool valid = strlen(s) <= 255 && strchr(s, '.');
    char before = '.';
    for (const char *p = s; valid && *p; before = *p++)
        valid = *p == '.' ? before != '.'
                          : (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' || *p == '-' ||
                                (*p >= '0' && *p <= '9' && before != '.');
    if (!valid || before == '.')
        return value_reject(at, "not a bus name (org.example.Name)");
    return replace(value, TAKE(s));
}
STRING(bus_name, "bus name", parse_bus_name, .flags = TYPE_KEEPS);

static bool fd_name_valid(const char *s) {
    size_t n = strlen(s);
    if (n == 0 || n > 255)
        return false;
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f || *s == ':')
            return false;
    return true;
}

static int parse_fd_name(const struct value_type *type, struct parse_at *at, const char *text,
                         union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand(at, text, &s);
    if (r < 0)
        return r;
    if (!fd_name_valid(s))
        return value_reject(at, "not a descriptor name (at most 255 printable ASCII characters, no colon)");
    return replace(value, TAKE(s));
}
STRING(fd_name, "descriptor name", parse_fd_name);

/* --- standard streams ----------------------------------------------------------------------------------- */

static int parse_stream(struct parse_at *at, const char *text, const char *const *words,
                        const char *const *path_prefixes, union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand(at, text, &s);
    if (r < 0)
        return r;
    if (strcmp(s, "fd:") == 0)
        s[2] = 0;
    for (; *words; words++)
        if (strcmp(s, *words) == 0)
            return replace(value, TAKE(s));
    if (strncmp(s, "fd:", 3) == 0) {
        if (!fd_name_valid(s + 3))
            return value_reject(at, "not a descriptor name after fd:");
        return replace(value, TAKE(s));
    }
    for (; *path_prefixes; path_prefixes++)
        if (strncmp(s, *path_prefixes, strlen(*path_prefixes)) == 0) {
            r = value_path(at, s + strlen(*path_prefixes));
            return r < 0 ? r : replace(value, TAKE(s));
        }
    return value_reject(at, "not a stream (see systemd.exec(5))");
}

static int parse_standard_input(const struct value_type *type, struct parse_at *at, const char *text,
                                union value *value) {
    static const char *const words[] = {
        "null", "tty", "tty-force", "tty-fail", "data", "socket", "fd", NULL
    };
    static const char *const prefixes[] = { "file:", NULL };
    return parse_stream(at, text, words, prefixes, value);
}
STRING(standard_input, "standard input", parse_standard_input, .flags = TYPE_KEEPS);

static int parse_standard_output(const struct value_type *type, struct parse_at *at, const char *text,
                                 union value *value) {
    static const char *const words[] = { "inherit", "null",         "tty",    "journal", "journal+console",
                                         "kmsg",    "kmsg+console", "socket", "fd",      NULL };
    static const char *const prefixes[] = { "file:", "append:", "truncate:", NULL };
    /* The syslog of old times is the journal. */
    if (strcmp(text, "syslog") == 0 || strcmp(text, "syslog+console") == 0)
        return parse_string(type, at, text[6] ? "journal+console" : "journal", value);
    return parse_stream(at, text, words, prefixes, value);
}
STRING(standard_output, "standard output", parse_standard_output, .flags = TYPE_KEEPS);

/* --- data for stdin: each assignment appends ------------------------------------------------------------ */

static int append(union value *value, const char *s, const char *end) {
    _cleanup_text_ struct text t = {};
    text_add(&t, value->string);
    text_add(&t, s);
    text_add(&t, end);
    char *joined = text_take(&t);
    return joined ? replace(value, joined) : -ENOMEM;
}

static int parse_input_text(const struct value_type *type, struct parse_at *at, const char *text,
                            union value *value) {
    _cleanup_free_ char *unescaped = NULL, *s = NULL;
    int r = unescape(text, &unescaped);
    if (r == -EINVAL)
        return value_reject(at, "bad escape");
    if (r >= 0)
        r = value_expand(at, unescaped, &s);
    return r < 0 ? r : append(value, s, "\n");
}
STRING(input_text, "text for standard input", parse_input_text, .flags = TYPE_LIST);

static int parse_input_data(const struct value_type *type, struct parse_at *at, const char *text,
                            union value *value) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    _cleanup_text_ struct text data = {};
    uint32_t bits = 0;
    int n = 0;
    text_add(&data, "");
    for (; *text && *text != '='; text++) {
        if (strchr(" \t\r\n", *text))
            continue;
        const char *digit = strchr(alphabet, *text);
        if (!digit)
            return value_reject(at, "not base64");
        bits = bits << 6 | (uint32_t)(digit - alphabet);
        n += 6;
        if (n >= 8) {
            n -= 8;
            text_add_char(&data, (char)(bits >> n & 0xff));
        }
    }
    if (text[strspn(text, "= \t\r\n")])
        return value_reject(at, "not base64");
    return append(value, text_str(&data), NULL);
}
STRING(input_data, "base64 for standard input", parse_input_data, .flags = TYPE_LIST);

/* --- Delegate= ------------------------------------------------------------------------------------------ */

static int parse_delegate(const struct value_type *type, struct parse_at *at, const char *text,
                          union value *value) {
    static const char *const controllers[] = { "cpu",
                                               "cpuacct",
                                               "cpuset",
                                               "io",
                                               "blkio",
                                               "memory",
                                               "devices",
                                               "pids",
                                               "bpf-firewall",
                                               "bpf-devices",
                                               "bpf-foreign",
                                               "bpf-socket-bind",
                                               "bpf-restrict-network-interfaces",
                                               NULL };
    int b = bool_parse(text);
    if (b >= 0 || !*text)
        return parse_plain(type, at, b == 0 ? "no" : b > 0 ? "yes" : "", value);
    _cleanup_strv_ char **words = NULL;
    int r = words_split(text, NULL, WORD_UNQUOTE, &words);
    if (r == -EINVAL)
        return value_reject(at, "bad quoting");
    if (r < 0)
        return r;
    _cleanup_strv_ char **known = NULL;
    STRV_FOREACH(w, words) {
        if (!strv_contains((char *const *)controllers, *w))
            value_reject(at, "'%.100s' is not a control group controller", *w);
        else if ((r = strv_add(&known, *w)) < 0)
            return r;
    }
    char *joined = known ? strv_join(known, " ") : strdup("");
    return joined ? replace(value, joined) : -ENOMEM;
}
STRING(delegate, "delegation", parse_delegate, .flags = TYPE_EMPTY_OK);
