/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns become programs. Instructions refer to each other by distance, so that a part can be moved and copied. */
#include "syntax/regex_private.h"

#include "base/scan.h"

#include <errno.h>
#include <string.h>

#define PROGRAM_MAX 20000
#define DEPTH_MAX 200
#define REPEAT_MAX 1000

struct parser {
    struct regex *r;
    const char *p;
    const char *error; /* "": no memory */
    bool ignore_case;
    unsigned depth;
};

static bool fail(struct parser *p, const char *error) {
    if (!p->error)
        p->error = error;
    return false;
}

/* --- the program -------------------------------------------------------------------------------------------- */
static bool reserve(struct parser *p, uint32_t more) {
    struct regex *r = p->r;
    if (r->n + more > PROGRAM_MAX)
        return fail(p, "regular expression is too large");
    if (r->n + more > r->size) {
        uint32_t size = MAX(2 * r->size, r->n + more + 32);
        struct instruction *bigger = reallocarray(r->program, size, sizeof *bigger);
        if (!bigger)
            return fail(p, "");
        r->program = bigger;
        r->size = size;
    }
    return true;
}

static bool emit(struct parser *p, enum regex_op op, int32_t a, int32_t b) {
    if (!reserve(p, 1))
        return false;
    p->r->program[p->r->n++] = (struct instruction){ op, a, b };
    return true;
}

/* In front of what begins at `at`, which only jumps within itself. */
static bool insert(struct parser *p, uint32_t at, enum regex_op op, int32_t a, int32_t b) {
    if (!emit(p, op, a, b))
        return false;
    memmove(p->r->program + at + 1, p->r->program + at, (p->r->n - 1 - at) * sizeof(struct instruction));
    p->r->program[at] = (struct instruction){ op, a, b };
    return true;
}

static bool emit_set(struct parser *p, const struct set *s) {
    struct set *more = reallocarray(p->r->sets, p->r->n_sets + 1, sizeof *more);
    if (!more)
        return fail(p, "");
    p->r->sets = more;
    more[p->r->n_sets] = *s;
    return emit(p, OP_SET, (int32_t)p->r->n_sets++, 0);
}

static void fold(struct set *s) {
    for (unsigned c = 'a'; c <= 'z'; c++)
        if (set_has(s, (unsigned char)c) || set_has(s, (unsigned char)(c - 32))) {
            set_put(s, (unsigned char)c);
            set_put(s, (unsigned char)(c - 32));
        }
}

static bool emit_char(struct parser *p, unsigned char c) {
    if (!p->ignore_case || (c | 32) < 'a' || (c | 32) > 'z')
        return emit(p, OP_CHAR, c, 0);
    struct set s = {};
    set_put(&s, c);
    fold(&s);
    return emit_set(p, &s);
}

/* --- sets ----------------------------------------------------------------------------------------------------- */
/* \d \w \s \h \v, and in upper case their opposites. */
static bool class_escape(char c, struct set *ret) {
    static const struct {
        char letter;
        const char *ranges; /* pairs */
    } classes[] = {
        { 'd', "09" }, { 'w', "09azAZ__" }, { 's', "\t\r  " }, { 'h', "\t\t  \xa0\xa0" }, { 'v', "\n\r\x85\x85" }
    };
    for (size_t i = 0; i < ELEMENTS(classes); i++) {
        if ((c | 32) != classes[i].letter)
            continue;
        struct set s = {};
        for (const char *p = classes[i].ranges; *p; p += 2)
            set_put_range(&s, (unsigned char)p[0], (unsigned char)p[1]);
        if (c != classes[i].letter)
            set_invert(&s);
        set_unite(ret, &s);
        return true;
    }
    return false;
}

static bool named_class(const char *name, size_t n, struct set *ret) {
    static const struct {
        const char *name, *ranges;
    } classes[] = {
        { "alpha", "azAZ" },   { "digit", "09" },      { "alnum", "azAZ09" },    { "upper", "AZ" }, { "lower", "az" },
        { "space", "\t\r  " }, { "blank", "\t\t  " },  { "punct", "!/:@[`{~" },  { "print", " ~" }, { "graph", "!~" },
        { "word", "azAZ09__" }, { "xdigit", "09afAF" }, { "cntrl", "\1\x1f\x7f\x7f" },
    };
    for (size_t i = 0; i < ELEMENTS(classes); i++)
        if (strlen(classes[i].name) == n && memcmp(classes[i].name, name, n) == 0) {
            for (const char *p = classes[i].ranges; *p; p += 2)
                set_put_range(ret, (unsigned char)p[0], (unsigned char)p[1]);
            if (*classes[i].ranges == 1)
                set_put(ret, 0);
            return true;
        }
    return false;
}

/* What follows a backslash, if it stands for one byte. */
static bool char_escape(struct parser *p, unsigned char *ret) {
    static const char from[] = "tnrfea", to[] = "\t\n\r\f\x1b\a";
    char c = *p->p;
    const char *found = c ? strchr(from, c) : NULL;
    unsigned value = 0;
    if (!c)
        return fail(p, "\\ at end of pattern");
    p->p++;
    if (found)
        value = (unsigned char)to[found - from];
    else if (c == 'x') {
        bool braces = *p->p == '{';
        p->p += braces;
        for (int n = 0; hex_digit(*p->p) >= 0 && (braces || n < 2) && value < 256; n++)
            value = value * 16 + (unsigned)hex_digit(*p->p++);
        if (value > 255 || (braces && *p->p != '}'))
            return fail(p, "character code point value in \\x{} or \\o{} is too large");
        p->p += braces;
    } else if (c == '0') {
        for (int n = 0; n < 2 && *p->p >= '0' && *p->p <= '7'; n++)
            value = value * 8 + (unsigned)(*p->p++ - '0');
    } else if ((c >= '1' && c <= '9') || c == 'k' || c == 'g')
        return fail(p, "back references are not supported here");
    else if ((c | 32) >= 'a' && (c | 32) <= 'z')
        return fail(p, "unrecognized character follows \\");
    else
        value = (unsigned char)c;
    *ret = (unsigned char)value;
    return true;
}

/* One character of a bracket expression. */
static bool bracket_char(struct parser *p, unsigned char *ret) {
    *ret = (unsigned char)*p->p++;
    if (*ret != '\\')
        return true;
    if (*p->p != 'b')
        return char_escape(p, ret);
    *ret = '\b';
    p->p++;
    return true;
}

static bool bracket(struct parser *p) {
    struct set s = {};
    bool negated = *p->p == '^';
    p->p += negated;
    for (bool begin = true; begin || *p->p != ']'; begin = false) {
        unsigned char from, to;
        if (!*p->p)
            return fail(p, "missing terminating ] for character class");
        const char *end = *p->p == '[' && p->p[1] == ':' ? strstr(p->p + 2, ":]") : NULL;
        if (end) {
            bool opposite = p->p[2] == '^';
            const char *name = p->p + 2 + opposite;
            struct set named = {};
            if (!named_class(name, (size_t)(end - name), &named))
                return fail(p, "unknown POSIX class name");
            if (opposite)
                set_invert(&named);
            set_unite(&s, &named);
            p->p = end + 2;
            continue;
        }
        if (*p->p == '\\' && class_escape(p->p[1], &s)) {
            p->p += 2;
            continue;
        }
        if (!bracket_char(p, &from))
            return false;
        to = from;
        struct set ignored = {};
        if (p->p[0] == '-' && p->p[1] && p->p[1] != ']' && !(p->p[1] == '\\' && class_escape(p->p[2], &ignored))) {
            p->p++;
            if (!bracket_char(p, &to))
                return false;
            if (to < from)
                return fail(p, "range out of order in character class");
        }
        set_put_range(&s, from, to);
    }
    p->p++;
    if (p->ignore_case)
        fold(&s);
    if (negated)
        set_invert(&s);
    return emit_set(p, &s);
}

/* --- the grammar ---------------------------------------------------------------------------------------------- */
static bool alternatives(struct parser *p);

/* What stands between "(?" and the group's own pattern: nothing to match, as *ret_no_atom then says, or its kind. */
static bool group_kind(struct parser *p, bool *ret_no_atom) {
    if (*p->p == '#') {
        p->p += strcspn(p->p, ")");
        *ret_no_atom = true;
        if (!*p->p)
            return fail(p, "missing ) after (?# comment");
        p->p++;
        return true;
    }
    const char *name = *p->p == 'P' ? p->p + 1 : p->p;
    if ((*name == '<' && name[1] != '=' && name[1] != '!') || *name == '\'') {
        char close = *name == '<' ? '>' : '\'';
        for (p->p = name + 1; *p->p && *p->p != close;)
            p->p++;
        if (!*p->p)
            return fail(p, "syntax error in subpattern name (missing terminator?)");
        p->p++;
        return true;
    }
    if (*p->p && strchr("=!<>|&RC(P+0123456789", *p->p))
        return fail(p, "lookaround, atomic groups and recursion are not supported here");
    for (bool on = true; *p->p && *p->p != ':' && *p->p != ')'; p->p++) {
        if (*p->p == '-')
            on = false;
        else if (*p->p == 'i')
            p->ignore_case = on;
        else
            return fail(p, "unrecognized character after (? or (?-");
    }
    *ret_no_atom = *p->p == ')'; /* to the end of the group around it */
    p->p += *p->p != 0;
    return true;
}

static bool group(struct parser *p, bool *ret_no_atom) {
    bool before = p->ignore_case;
    if (*p->p == '*')
        return fail(p, "(*VERB) not recognized or malformed");
    if (*p->p == '?') {
        p->p++;
        if (!group_kind(p, ret_no_atom))
            return false;
        if (*ret_no_atom)
            return true;
    }
    if (!alternatives(p))
        return false;
    p->ignore_case = before;
    if (*p->p != ')')
        return fail(p, "missing closing parenthesis");
    p->p++;
    return true;
}

static bool escape(struct parser *p, bool *ret_no_atom) {
    static const struct {
        char letter;
        enum regex_op op;
    } edges[] = {
        { 'b', OP_WORD_EDGE }, { 'B', OP_NO_WORD_EDGE }, { 'A', OP_BEGIN }, { 'z', OP_END }, { 'Z', OP_LAST_LINE_END }
    };
    struct set s = {};
    unsigned char c;
    for (size_t i = 0; i < ELEMENTS(edges); i++)
        if (*p->p == edges[i].letter) {
            p->p++;
            return emit(p, edges[i].op, 0, 0);
        }
    if (class_escape(*p->p, &s)) {
        p->p++;
        return emit_set(p, &s);
    }
    if (*p->p == 'Q') {
        const char *end = strstr(++p->p, "\\E");
        *ret_no_atom = true;
        for (; *p->p && p->p != end; p->p++)
            if (!emit_char(p, (unsigned char)*p->p))
                return false;
        p->p += end ? 2 : 0;
        return true;
    }
    return char_escape(p, &c) && emit_char(p, c);
}

static bool number(const char **s, uint32_t *ret) {
    uint32_t n = 0;
    if (**s < '0' || **s > '9')
        return false;
    for (; **s >= '0' && **s <= '9'; ++*s)
        n = MIN(n * 10 + (uint32_t)(**s - '0'), (uint32_t)REPEAT_MAX + 1);
    *ret = n;
    return true;
}

struct quantifier {
    uint32_t least, most; /* UINT32_MAX: any number */
    bool is, lazy;
};

/* * + ? {2,3}, and a ? that makes them take as little as they can. */
static bool quantifier(struct parser *p, struct quantifier *ret) {
    const char *s = p->p;
    *ret = (struct quantifier){};
    if (*s && strchr("*+?", *s)) {
        ret->least = *s == '+';
        ret->most = *s == '?' ? 1 : UINT32_MAX;
        s++;
    } else if (*s == '{') {
        s++;
        if (!number(&s, &ret->least))
            return true; /* a brace like any other character */
        ret->most = ret->least;
        if (*s == ',') {
            s++;
            if (!number(&s, &ret->most))
                ret->most = UINT32_MAX;
        }
        if (*s++ != '}')
            return true;
        if (ret->least > REPEAT_MAX || (ret->most > REPEAT_MAX && ret->most != UINT32_MAX))
            return fail(p, "number too big in {} quantifier");
        if (ret->least > ret->most)
            return fail(p, "numbers out of order in {} quantifier");
    } else
        return true;
    if (*s == '+')
        return fail(p, "possessive quantifiers are not supported here");
    ret->is = true;
    ret->lazy = *s == '?';
    p->p = s + ret->lazy;
    return true;
}

static bool split(struct parser *p, uint32_t at, int32_t into, int32_t past, bool lazy) {
    return insert(p, at, OP_SPLIT, lazy ? past : into, lazy ? into : past);
}

/* What begins at `at` becomes as many of it. */
static bool repeat(struct parser *p, uint32_t at, const struct quantifier *q) {
    struct regex *r = p->r;
    uint32_t n = r->n - at, begin = at;
    bool any = q->most == UINT32_MAX, good = true;
    if (n == 0)
        return true;
    struct instruction *atom = malloc(n * sizeof *atom);
    if (!atom)
        return fail(p, "");
    memcpy(atom, r->program + at, n * sizeof *atom);
    r->n = at;
    for (uint32_t i = 0; i < (any ? MAX(q->least, 1u) : q->most) && (good = reserve(p, n)); i++) {
        begin = r->n;
        memcpy(r->program + r->n, atom, n * sizeof *atom);
        r->n += n;
        /* Each that need not be there may end it all: past what is left, so many atoms with a split each. */
        if (!any && i >= q->least && !(good = split(p, begin, 1, (int32_t)((q->most - i) * (n + 1)), q->lazy)))
            break;
    }
    int32_t back = -(int32_t)n;
    if (good && any && q->least == 0)
        good = split(p, begin, 1, (int32_t)n + 2, q->lazy) && emit(p, OP_JUMP, back - 1, 0);
    else if (good && any)
        good = emit(p, OP_SPLIT, q->lazy ? 1 : back, q->lazy ? back : 1);
    free(atom);
    return good;
}

static bool atom(struct parser *p, bool *ret_no_atom) {
    struct set s = {};
    char c = *p->p++;
    switch (c) {
    case '(':
        return group(p, ret_no_atom);
    case '[':
        return bracket(p);
    case '\\':
        return escape(p, ret_no_atom);
    case '.':
        set_put(&s, '\n');
        set_invert(&s);
        return emit_set(p, &s);
    case '^':
        return emit(p, OP_BEGIN, 0, 0);
    case '$':
        return emit(p, OP_LAST_LINE_END, 0, 0);
    case '*':
    case '+':
    case '?':
        return fail(p, "quantifier does not follow a repeatable item");
    }
    return emit_char(p, (unsigned char)c);
}

static bool sequence(struct parser *p) {
    while (*p->p && *p->p != '|' && *p->p != ')') {
        uint32_t at = p->r->n;
        bool no_atom = false;
        struct quantifier q;
        if (!atom(p, &no_atom))
            return false;
        /* (?i), a comment and \Q…\E are not what a quantifier would repeat. */
        if (!no_atom && (!quantifier(p, &q) || (q.is && !repeat(p, at, &q))))
            return false;
    }
    return true;
}

static bool alternatives(struct parser *p) {
    uint32_t begin = p->r->n, last = 0; /* of the alternative; the last jump to the end of all */
    bool good;
    if (++p->depth > DEPTH_MAX)
        return fail(p, "parentheses are too deeply nested");
    while ((good = sequence(p)) && *p->p == '|') {
        p->p++;
        /* This one, or what is behind its jump. The jumps are linked until the end is known. */
        good = insert(p, begin, OP_SPLIT, 1, (int32_t)(p->r->n - begin) + 2) &&
               emit(p, OP_JUMP, last ? (int32_t)(p->r->n - last) : 0, 0);
        if (!good)
            return false;
        last = p->r->n - 1;
        begin = p->r->n;
    }
    for (uint32_t at = last; good && at != 0;) {
        int32_t before = p->r->program[at].a;
        p->r->program[at].a = (int32_t)(p->r->n - at);
        at = before ? at - (uint32_t)before : 0;
    }
    p->depth--;
    return good;
}

int regex_compile(const char *pattern, bool ignore_case, struct regex **ret, const char **ret_error) {
    struct regex *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    struct parser p = { .r = r, .p = pattern, .ignore_case = ignore_case };
    bool good = alternatives(&p) && (*p.p != ')' || fail(&p, "unmatched closing parenthesis")) &&
                emit(&p, OP_MATCH, 0, 0) && (regex_prepare(r) >= 0 || fail(&p, ""));
    if (!good) {
        regex_free(r);
        *ret_error = p.error;
        return *p.error ? -EINVAL : -ENOMEM;
    }
    *ret = r;
    return 0;
}

void regex_free(struct regex *r) {
    if (!r)
        return;
    free(r->program);
    free(r->sets);
    free(r->now.threads);
    free(r->then.threads);
    free(r->stack);
    free(r->mark);
    free(r);
}
