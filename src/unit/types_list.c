/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of strings: names, variables, credentials, devices, filters. Lists of paths: types_paths.c. */
#include "base/fd.h"
#include "base/strv.h"
#include "syntax/names.h"
#include "syntax/regex.h"
#include "unit/name.h"
#include "unit/open_file.h"
#include "unit/types_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/* --- words and lines as they are ------------------------------------------------------------------------ */

static int parse_words(const struct value_type *type, struct parse_at *at, const char *text,
                       union value *value) {
    return value_each_word(at, text, NULL, WORD_UNQUOTE | WORD_BACKSLASH, value_add_word, type, &value->strv);
}
LIST(words, "words", parse_words, value_print_words);

static int parse_install(const struct value_type *type, struct parse_at *at, const char *text,
                         union value *value) {
    _cleanup_strv_ char **words = NULL;
    int r = words_split(text, NULL, WORD_UNQUOTE, &words);
    if (r == -EINVAL)
        return value_reject(at, "bad quoting");
    return r < 0 ? r : strv_add_all(&value->strv, words);
}
LIST(install_list, "unit names", parse_install, value_print_words);

static int parse_line(const struct value_type *type, struct parse_at *at, const char *text,
                      union value *value) {
    char *s = NULL;
    int r = value_expand(at, text, &s);
    return r < 0 ? r : strv_take(&value->strv, s);
}
LIST(line_list, "lines", parse_line, value_print_lines);

static int parse_open_file(const struct value_type *type, struct parse_at *at, const char *text, union value *value) {
    _cleanup_free_ char *s = NULL;
    _cleanup_open_file_ struct open_file file = {};
    int r = value_expand(at, text, &s);
    if (r >= 0)
        r = open_file_parse(s, &file);
    if (r == -EINVAL)
        return value_reject(at, "not PATH[:NAME[:OPTION,…]], options being read-only, append or truncate, and graceful");
    return r < 0 ? r : strv_take(&value->strv, TAKE(s));
}
LIST(open_file_list, "files to open", parse_open_file, value_print_lines);

static int parse_path_line(const struct value_type *type, struct parse_at *at, const char *text,
                           union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand_max(at, text, PATH_MAX, &s);
    if (r >= 0)
        r = value_path(at, s);
    return r < 0 ? r : strv_take(&value->strv, TAKE(s));
}
LIST(path_lines, "absolute paths", parse_path_line, value_print_lines);

/* --- names ---------------------------------------------------------------------------------------------- */

static int add_url(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    static const char *const schemes[] = { "http://", "https://", "file:/", "info:", "man:" };
    for (size_t i = 0; i < ELEMENTS(schemes); i++)
        if (strncmp(word, schemes[i], strlen(schemes[i])) == 0 && word[strlen(schemes[i])])
            return strv_add(list, word);
    return value_reject(at, "not a documentation URI (http, https, file, info, man)");
}
static int parse_urls(const struct value_type *type, struct parse_at *at, const char *text,
                      union value *value) {
    return value_each_word(at, text, NULL, WORD_UNQUOTE | WORD_BACKSLASH, add_url, type, &value->strv);
}
LIST(url_list, "URIs", parse_urls, value_print_words);

static int add_unit(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    enum unit_name_flags kind = unit_name_kind(word);
    if (!kind)
        return value_reject(at, "not a unit name");
    if (type == &type_socket_list && unit_name_type(word) != UNIT_SOCKET)
        return value_reject(at, "not the name of a socket");
    if (kind != UNIT_NAME_TEMPLATE) {
        if (strv_contains(*list, word))
            return 0;
        return strv_add(list, word);
    }
    /* A template stands for the instance of the unit that names it, or of the unit's own name. */
    _cleanup_free_ char *instance = NULL, *name = NULL;
    int r = unit_name_kind(at->unit) == UNIT_NAME_PLAIN ? unit_name_prefix(at->unit, &instance)
                                                        : unit_name_instance(at->unit, &instance);
    if (r >= 0)
        r = unit_name_replace_instance(word, instance, &name);
    if (r == -EINVAL)
        return value_reject(at, "a template, and there is no instance to make it of");
    return r < 0 ? r : strv_take(list, TAKE(name));
}
static int parse_units(const struct value_type *type, struct parse_at *at, const char *text,
                       union value *value) {
    return value_each_word(at, text, NULL, 0, add_unit, type, &value->strv);
}
LIST(unit_list, "units", parse_units, value_print_words, TYPE_KEEPS);
LIST(socket_list, "sockets", parse_units, value_print_words, TYPE_KEEPS);

/* --- environment ---------------------------------------------------------------------------------------- */

static int add_assignment(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    if (!env_assignment_valid(word))
        return value_reject(at, "not an assignment (NAME=VALUE)");
    return env_put(list, word);
}
static int parse_environment(const struct value_type *type, struct parse_at *at, const char *text,
                             union value *value) {
    return value_each_word(at, text, NULL, WORD_UNQUOTE | WORD_UNESCAPE, add_assignment, type, &value->strv);
}
LIST(environment, "environment variables", parse_environment, value_print_words);

static int add_variable(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    if (type == &type_environment_unset && env_assignment_valid(word))
        return strv_add(list, word);
    if (!env_name_valid(word, strlen(word)))
        return value_reject(at, "not a variable name");
    return strv_contains(*list, word) ? 0 : strv_add(list, word);
}
static int parse_variables(const struct value_type *type, struct parse_at *at, const char *text,
                           union value *value) {
    return value_each_word(at, text, NULL, WORD_UNQUOTE | WORD_UNESCAPE, add_variable, type, &value->strv);
}
LIST(environment_names, "variable names", parse_variables, value_print_words);
LIST(environment_unset, "variable names or assignments", parse_variables, value_print_words);

/* Specifiers are none: a percent sign means itself. */
static int parse_pattern(const struct value_type *type, struct parse_at *at, const char *text, union value *value) {
    const char *pattern = text + (*text == '~'), *error;
    struct regex *regex;
    if (!*pattern)
        return value_reject(at, "no pattern");
    int r = regex_compile(pattern, false, &regex, &error);
    if (r < 0)
        return r == -EINVAL ? value_reject(at, "%s", error) : r;
    regex_free(regex);
    return strv_add(&value->strv, text);
}
LIST(log_patterns, "regular expressions", parse_pattern, value_print_lines);

static int add_field(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : 0;
    if (n == 0 || n > 64 || *word == '_' || (*word >= '0' && *word <= '9') ||
        strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") < n)
        return value_reject(at, "not a journal field (NAME=VALUE)");
    return strv_add(list, word);
}
static int parse_fields(const struct value_type *type, struct parse_at *at, const char *text,
                        union value *value) {
    return value_each_word(at, text, NULL, WORD_UNQUOTE | WORD_UNESCAPE, add_field, type, &value->strv);
}
LIST(log_fields, "journal fields", parse_fields, value_print_words);

/* --- credentials ---------------------------------------------------------------------------------------- */

static bool credential_name_valid(const char *s, size_t n) {
    return n > 0 && n <= NAME_MAX && !memchr(s, '/', n) && !(n == 1 && s[0] == '.') &&
           !(n == 2 && s[0] == '.' && s[1] == '.');
}

/* A later credential of the same name replaces the earlier one. */
static int put_credential(union value *value, const char *id, size_t n, const char *rest) {
    size_t i = 0;
    STRV_FOREACH(s, value->strv) {
        if (strncmp(*s, id, n) == 0 && (*s)[n] == ':')
            break;
        i++;
    }
    _cleanup_text_ struct text t = {};
    text_add_n(&t, id, n);
    text_add_char(&t, ':');
    text_add(&t, rest);
    char *entry = text_take(&t);
    if (!entry)
        return -ENOMEM;
    if (value->strv && value->strv[i]) {
        free(value->strv[i]);
        value->strv[i] = entry;
        return 0;
    }
    return strv_take(&value->strv, entry);
}

static int parse_credential_file(const struct value_type *type, struct parse_at *at, const char *text,
                                 union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand(at, text, &s);
    if (r < 0)
        return r;
    size_t n = strcspn(s, ":");
    if (!credential_name_valid(s, n))
        return value_reject(at, "not a credential name");
    const char *path = s[n] && s[n + 1] ? s + n + 1 : NULL;
    if (path && !(path_is_absolute(path) && path_is_normalized(path)) &&
        !credential_name_valid(path, strlen(path)))
        return value_reject(at, "neither an absolute path nor a credential name");
    /* Without a path: the credential of the same name that the manager was given. */
    _cleanup_free_ char *name = strndup(s, n);
    return name ? put_credential(value, s, n, path ?: name) : -ENOMEM;
}
LIST(credential_files, "credentials from files", parse_credential_file, value_print_lines);

static int parse_credential_value(const struct value_type *type, struct parse_at *at, const char *text,
                                  union value *value) {
    size_t n = strcspn(text, ":");
    _cleanup_free_ char *name = strndup(text, n), *id = NULL, *content = NULL;
    if (!name)
        return -ENOMEM;
    int r = value_expand(at, name, &id);
    if (r < 0)
        return r;
    if (!text[n] || !credential_name_valid(id, strlen(id)))
        return value_reject(at, "not a credential (NAME:VALUE)");
    r = unescape(text + n + 1, &content);
    if (r == -EINVAL)
        return value_reject(at, "bad escape");
    return r < 0 ? r : put_credential(value, id, strlen(id), content);
}
static void print_credential_values(const struct value_type *type, const union value *value,
                                    struct text *out) {
    const char *between = "";
    STRV_FOREACH(s, value->strv) {
        size_t n = strcspn(*s, ":");
        text_add(out, between);
        text_add_n(out, *s, n + 1);
        for (const char *p = *s + n + 1; *p; p++)
            if ((unsigned char)*p < ' ' || *p == '\\' || *p == 0x7f)
                text_addf(out, "\\x%02x", (unsigned char)*p);
            else
                text_add_char(out, *p);
        between = "\n";
    }
}
LIST(credential_values, "credentials", parse_credential_value, print_credential_values);

static int parse_credential_glob(const struct value_type *type, struct parse_at *at, const char *text,
                                 union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand(at, text, &s);
    if (r < 0)
        return r;
    if (!credential_name_valid(s, strcspn(s, ":")))
        return value_reject(at, "not a credential name or pattern");
    return strv_take(&value->strv, TAKE(s));
}
LIST(credential_globs, "credential patterns", parse_credential_glob, value_print_lines);

/* --- devices, addresses, processors --------------------------------------------------------------------- */

static int parse_device(const struct value_type *type, struct parse_at *at, const char *text,
                        union value *value) {
    _cleanup_free_ char *s = NULL;
    int r = value_expand(at, text, &s);
    if (r < 0)
        return r;
    char *access = s + strcspn(s, " \t");
    if (*access)
        *access++ = 0;
    access += strspn(access, " \t");
    if (!*access)
        access = (char *)"rwm";
    if (strspn(access, "rwm") < strlen(access))
        return value_reject(at, "access is not made of r, w, m");
    if (strncmp(s, "char-", 5) != 0 && strncmp(s, "block-", 6) != 0) {
        r = value_path(at, s);
        if (r >= 0 && !path_below(s, "/dev") && !path_below(s, "/run/systemd/inaccessible"))
            r = value_reject(at, "not a device (/dev/…, char-…, block-…)");
        if (r < 0)
            return r;
    }
    return strv_addf(&value->strv, "%s %s%s%s", s, strchr(access, 'r') ? "r" : "", strchr(access, 'w') ? "w" : "",
                     strchr(access, 'm') ? "m" : "");
}
LIST(device_list, "devices", parse_device, value_print_lines);

static int add_prefix(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    static const struct {
        const char *name, *v4, *v6;
    } names[] = { { "any", "0.0.0.0/0", "::/0" },
                  { "localhost", "127.0.0.0/8", "::1/128" },
                  { "link-local", "169.254.0.0/16", "fe80::/64" },
                  { "multicast", "224.0.0.0/4", "ff00::/8" } };
    for (size_t i = 0; i < ELEMENTS(names); i++)
        if (strcmp(word, names[i].name) == 0) {
            int r = strv_add(list, names[i].v6);
            return r < 0 ? r : strv_add(list, names[i].v4);
        }
    unsigned char address[16];
    char *slash = strchr(word, '/');
    uint64_t bits = 0;
    if (slash)
        *slash = 0;
    bool v4 = inet_pton(AF_INET, word, address) == 1, v6 = !v4 && inet_pton(AF_INET6, word, address) == 1;
    if ((!v4 && !v6) || (slash && (uint64_parse(slash + 1, &bits) < 0 || bits > (v4 ? 32 : 128))))
        return value_reject(
            at, "not an address with a prefix length (192.0.2.0/24, 2001:db8::/32, any, localhost)");
    /* The network, without what its host would be called. */
    size_t n = v4 ? 4 : 16, kept = slash ? bits : n * 8;
    char shown[INET6_ADDRSTRLEN];
    for (size_t i = 0; i < n; i++)
        address[i] &= kept >= 8 * (i + 1) ? 0xff : kept <= 8 * i ? 0 : (unsigned char)(0xff00 >> (kept - 8 * i));
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, address, shown, sizeof(shown)))
        return -errno;
    return strv_addf(list, "%s/%zu", shown, kept);
}
static int parse_prefixes(const struct value_type *type, struct parse_at *at, const char *text,
                          union value *value) {
    return value_each_word(at, text, NULL, 0, add_prefix, type, &value->strv);
}
LIST(ip_prefixes, "address prefixes", parse_prefixes, value_print_words);

static int add_cpus(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    int64_t first, last;
    if (strcmp(word, "numa") == 0)
        return strv_add(list, word);
    if (strcmp(word, "all") == 0 && strcmp(at->directive, "NUMAMask") == 0) {
        _cleanup_free_ char *nodes = NULL;
        if (file_read("/sys/devices/system/node/online", 4096, &nodes, NULL) < 0)
            return strv_add(list, "0");
        nodes[strcspn(nodes, "\n")] = 0;
        return strv_add(list, nodes);
    }
    char *dash = strchr(word, '-');
    if (dash)
        *dash = 0;
    if (number_parse(word, &first) < 0 || first < 0 || first > 8191)
        return value_reject(at, "not a number from 0 to 8191, or two with - between them");
    last = first;
    if (dash && (number_parse(dash + 1, &last) < 0 || last < 0 || last > 8191))
        return value_reject(at, "not a number from 0 to 8191, or two with - between them");
    if (first > last) /* an empty range, as systemd has it */
        return 0;
    return first == last ? strv_addf(list, "%u", (unsigned)first)
                         : strv_addf(list, "%u-%u", (unsigned)first, (unsigned)last);
}
static int parse_cpus(const struct value_type *type, struct parse_at *at, const char *text,
                      union value *value) {
    _cleanup_strv_ char **cpus = NULL;
    int r = value_each_word(at, text, " \t\r\n,", WORD_UNQUOTE | WORD_BACKSLASH, add_cpus, type, &cpus);
    if (r >= 0 && at->why.len > 0) /* all or nothing */
        r = -EINVAL;
    return r < 0 ? r : strv_add_all(&value->strv, cpus);
}
LIST(cpu_list, "numbers and ranges", parse_cpus, value_print_words);

/* --- filters: words with "~" ---------------------------------------------------------------------------- */

static const char *system_call_problem(const char *word) {
    size_t n = strcspn(word, ":");
    if (n == 0 || strspn(word, "@abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") < n)
        return "not a system call or a group of them";
    if (word[n] && (strspn(word + n + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") <
                        strlen(word + n + 1) ||
                    !word[n + 1]))
        return "not an error after the colon";
    return NULL;
}

static const char *family_problem(const char *word) {
    return address_family_from_string(word) < 0 ? "not an address family (AF_UNIX, AF_INET, …, none)" : NULL;
}

static int parse_filter(const struct value_type *type, struct parse_at *at, const char *text,
                        union value *value) {
    const char *(*problem_of)(const char *word) = type->data;
    bool invert = *text == '~', empty = true;
    int64_t number;
    _cleanup_text_ struct text left_out = {};
    text += invert;
    for (size_t n = 0;; n++) {
        _cleanup_free_ char *word = NULL;
        if (n >= VALUE_WORDS_MAX)
            return value_reject(at, "more than %d words", VALUE_WORDS_MAX);
        int r = word_next(&text, &word, NULL, 0);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        empty = false;
        const char *problem = problem_of ? problem_of(word) : NULL;
        if (type == &type_address_families && strcmp(word, "none") == 0 && !invert)
            problem = NULL;
        if (type == &type_system_calls && !problem && !invert && strchr(word, ':'))
            problem = "only what is denied can have an error";
        if (problem) {
            text_addf(&left_out, "%s'%.100s': %s", left_out.len > 0 ? "; " : "", word, problem);
            continue;
        }
        int family = type == &type_address_families ? address_family_from_string(word) : -EINVAL;
        char *error = type == &type_system_calls ? strchr(word, ':') : NULL;
        const char *named = error && number_parse(error + 1, &number) >= 0 ? strerrorname_np((int)number) : NULL;
        if (named)
            *error = 0;
        r = strv_addf(&value->strv, "%s%s%s%s", invert ? "~" : "",
                      family >= 0 ? address_family_to_string(family) : word, named ? ":" : "", named ?: "");
        if (r < 0)
            return r;
    }
    /* A list of what is allowed allows nothing else, even if none of it is known. */
    bool nothing = type != &type_filter_words && !empty && !invert && strv_length(value->strv) == 0;
    if ((empty && invert) || nothing) {
        int r = strv_add(&value->strv, !nothing ? "~" : type == &type_system_calls ? "@default" : "none");
        if (r < 0)
            return r;
    }
    text_add(&at->why, left_out.s);
    return 0;
}

/* One assignment a run of words that are all inverted, or all not. */
static void print_filter(const struct value_type *type, const union value *value, struct text *out) {
    bool first = true, inverted = false;
    STRV_FOREACH(s, value->strv) {
        bool invert = **s == '~';
        if (first || invert != inverted)
            text_addf(out, "%s%s", first ? "" : "\n", invert ? "~" : "");
        else
            text_add_char(out, ' ');
        text_add(out, *s + invert);
        first = false;
        inverted = invert;
    }
}

#define FILTER(type, title, problem)                                                                         \
    const struct value_type type_##type = { title,                                                           \
                                            .flags = TYPE_LIST,                                              \
                                            .data = problem,                                                 \
                                            .parse = parse_filter,                                           \
                                            .free = value_free_strv,                                         \
                                            .print = print_filter,                                           \
                                            .equal = value_equal_strv }
FILTER(system_calls, "system calls", system_call_problem);
FILTER(address_families, "address families", family_problem);
FILTER(filter_words, "filter", NULL);

static int add_architecture(const struct value_type *type, struct parse_at *at, char *word, char ***list) {
    static const char *const names[] = { "native",  "x86",         "x86-64",        "x32",     "arm",
                                         "arm64",   "loongarch64", "mips",          "mips64",  "mips64-n32",
                                         "mips-le", "mips64-le",   "mips64-le-n32", "parisc",  "parisc64",
                                         "ppc",     "ppc64",       "ppc64-le",      "riscv64", "s390",
                                         "s390x",   NULL };
    if (!strv_contains((char *const *)names, word))
        return value_reject(at, "not an architecture (native, x86-64, arm64, …)");
    return strv_add(list, word);
}
static int parse_architectures(const struct value_type *type, struct parse_at *at, const char *text,
                               union value *value) {
    return value_each_word(at, text, NULL, 0, add_architecture, type, &value->strv);
}
LIST(architectures, "architectures", parse_architectures, value_print_words);
