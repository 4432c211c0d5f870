/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: ExecStart= and sisters. systemd.service(5) "Command Lines". */
#include "base/strv.h"
#include "unit/types_private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define WHITESPACE " \t\n\r"

/* A command as it is being read, in pieces. */
static void command_done(struct exec_command *c) {
    free(c->path);
    strv_free(c->argv);
    *c = (struct exec_command){};
}

/* Takes the prefixes off. Those that contradict each other are left for the path, which they then make
 * invalid. */
static const char *take_prefixes(const char *s, enum exec_command_flags *flags, bool *own_argv0) {
    for (;; s++) {
        if (*s == '-' && !(*flags & EXEC_IGNORE_FAILURE))
            *flags |= EXEC_IGNORE_FAILURE;
        else if (*s == '@' && !*own_argv0)
            *own_argv0 = true;
        else if (*s == ':' && !(*flags & EXEC_NO_ENV_EXPAND))
            *flags |= EXEC_NO_ENV_EXPAND;
        else if (*s == '+' && !(*flags & (EXEC_FULL_PRIVILEGES | EXEC_NO_SETUID | EXEC_AMBIENT)))
            *flags |= EXEC_FULL_PRIVILEGES;
        else if (*s == '!' && !(*flags & (EXEC_FULL_PRIVILEGES | EXEC_NO_SETUID | EXEC_AMBIENT)))
            *flags |= EXEC_NO_SETUID;
        else if (*s == '!' && !(*flags & (EXEC_FULL_PRIVILEGES | EXEC_AMBIENT)))
            *flags = (*flags & ~EXEC_NO_SETUID) | EXEC_AMBIENT;
        else
            return s;
    }
}

static int check_path(struct parse_at *at, const char *path) {
    if (!*path)
        return value_reject(at, "no program to run");
    for (const char *s = path; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f || strchr("\"\\'", *s))
            return value_reject(at, "program name with special characters: '%.100s'", path);
    size_t n = strlen(path);
    if (path[n - 1] == '/')
        return value_reject(at, "program path is a directory: '%.100s'", path);
    if (*path == '/')
        return n < PATH_MAX ? 0 : value_reject(at, "program path of more than %d bytes", PATH_MAX - 1);
    if (strchr(path, '/') || n > NAME_MAX || strcmp(path, ".") == 0 || strcmp(path, "..") == 0)
        return value_reject(at, "neither an absolute path nor a file name: '%.100s'", path);
    return 0;
}

static bool at_separator(const char *p) {
    return *p == ';' && (!p[1] || strchr(WHITESPACE, p[1]));
}

/* The next word, quotes and escapes replaced. An escape that is none stays as it is, and is said. */
static int take_word(struct parse_at *at, const char **p, char **ret) {
    const char *start = *p;
    int r = word_next(p, ret, NULL, WORD_UNQUOTE | WORD_UNESCAPE);
    if (r != -EINVAL)
        return r;
    *p = start;
    r = word_next(p, ret, NULL, WORD_UNQUOTE | WORD_UNESCAPE_RELAX);
    if (r == -EINVAL)
        return value_reject(at, "quotes that are not closed");
    if (r >= 0)
        value_reject(at, "an unknown escape stays as it is in '%.100s'", *ret);
    return r;
}

/* One command, up to a lone semicolon or the end; *p moves behind it. 1, 0 if there was none, or an error. */
static int take_command(struct parse_at *at, const char **p, struct exec_command *c) {
    _cleanup_free_ char *first = NULL;
    bool own_argv0 = false;
    while (at_separator(*p + strspn(*p, WHITESPACE)))
        *p += strspn(*p, WHITESPACE) + 1;
    int r = take_word(at, p, &first);
    if (r <= 0)
        return r;
    r = value_expand_max(at, take_prefixes(first, &c->flags, &own_argv0), PATH_MAX, &c->path);
    if (r >= 0)
        r = check_path(at, c->path);
    if (r >= 0 && !own_argv0)
        r = strv_add(&c->argv, c->path);
    for (size_t n = 0; r >= 0; n++) {
        if (n >= VALUE_WORDS_MAX) {
            r = value_reject(at, "more than %d words", VALUE_WORDS_MAX);
            break;
        }
        *p += strspn(*p, WHITESPACE);
        if (at_separator(*p)) {
            ++*p;
            break;
        }
        if (**p == '\\' && at_separator(*p + 1)) {
            *p += 2;
            r = strv_add(&c->argv, ";");
            continue;
        }
        _cleanup_free_ char *word = NULL;
        char *expanded = NULL;
        r = take_word(at, p, &word);
        if (r == 0)
            break;
        if (r > 0)
            r = value_expand(at, word, &expanded);
        if (r >= 0)
            r = strv_take(&c->argv, expanded);
    }
    if (r >= 0 && !c->argv)
        r = value_reject(at, "a name for the program is missing after @");
    if (r < 0) /* a command that may fail may be missing, too */
        return r == -EINVAL && !(c->flags & EXEC_IGNORE_FAILURE) ? -ENOEXEC : r;
    if (*c->path == '/')
        path_simplify(c->path);
    return 1;
}

static void free_commands(union value *value) {
    struct exec_command_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++)
        free(list->commands[i]);
    free(list);
}

static char *put_text(char **end, const char *text) {
    char *start = *end;
    *end = stpcpy(start, text) + 1;
    return start;
}

/* A copy that is one block: the command, the pointers to its words, the words. NULL: no memory. */
static struct exec_command *command_pack(const struct exec_command *c) {
    bool own_argv0 = strcmp(c->argv[0], c->path) != 0;
    size_t n = strv_length(c->argv), text = strlen(c->path) + 1;
    for (size_t i = !own_argv0; i < n; i++)
        text += strlen(c->argv[i]) + 1;
    struct exec_command *packed = malloc(sizeof(*packed) + (n + 1) * sizeof(char *) + text);
    if (!packed)
        return NULL;
    packed->flags = c->flags;
    packed->argv = (char **)(packed + 1);
    char *end = (char *)(packed->argv + n + 1);
    packed->path = put_text(&end, c->path);
    for (size_t i = 0; i < n; i++)
        packed->argv[i] = i == 0 && !own_argv0 ? packed->path : put_text(&end, c->argv[i]);
    packed->argv[n] = NULL;
    return packed;
}

static int append_command(union value *value, const struct exec_command *command) {
    struct exec_command_list *list = value->object;
    size_t n = list ? list->n : 0;
    list = realloc(list, sizeof(*list) + (n + 1) * sizeof(list->commands[0]));
    if (!list)
        return -ENOMEM;
    value->object = list;
    list->n = n; /* of a new one: nothing yet */
    list->commands[n] = command_pack(command);
    if (!list->commands[n])
        return -ENOMEM;
    list->n = n + 1;
    return 0;
}

/* Of a line with a bad command the commands before it stay, as under systemd. */
static int parse_exec(const struct value_type *type, struct parse_at *at, const char *text,
                      union value *value) {
    for (;;) {
        _cleanup_(command_done) struct exec_command command = {};
        int r = take_command(at, &text, &command);
        if (r > 0 && (r = append_command(value, &command)) == 0)
            continue;
        return r;
    }
}

static void print_exec(const struct value_type *type, const union value *value, struct text *out) {
    const struct exec_command_list *list = value->object;
    for (size_t i = 0; list && i < list->n; i++) {
        const struct exec_command *c = list->commands[i];
        if (i > 0)
            text_add_char(out, '\n');
        bool own_argv0 = c->argv && c->argv[0] && strcmp(c->argv[0], c->path) != 0;
        text_addf(out, "%s%s%s%s%s%s", c->flags & EXEC_IGNORE_FAILURE ? "-" : "", own_argv0 ? "@" : "",
                  c->flags & EXEC_NO_ENV_EXPAND ? ":" : "", c->flags & EXEC_FULL_PRIVILEGES ? "+" : "",
                  c->flags & EXEC_NO_SETUID ? "!" : "", c->flags & EXEC_AMBIENT ? "!!" : "");
        _cleanup_text_ struct text words = {};
        word_quote(&words, c->path);
        for (size_t a = !own_argv0; c->argv && c->argv[0] && c->argv[a]; a++) {
            text_add_char(&words, ' ');
            if (strcmp(c->argv[a], ";") == 0)
                text_add(&words, "\\;");
            else
                word_quote(&words, c->argv[a]);
        }
        /* A percent sign would be a specifier when this is read again. */
        for (const char *s = text_str(&words); *s; s++) {
            if (*s == '%')
                text_add_char(out, '%');
            text_add_char(out, *s);
        }
    }
}

const struct value_type type_exec = {
    "command lines",       .flags = TYPE_LIST,  .parse = parse_exec,
    .free = free_commands, .print = print_exec, .equal = value_equal_printed
};
