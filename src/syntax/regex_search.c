/* SPDX-License-Identifier: Apache-2.0 */
/* The machine that runs a pattern's program: it is in all its states at once (Thompson, Pike), so that no pattern can
 * make it slow. Knows no syntax. */
#include "syntax/regex_private.h"

#include <errno.h>

static bool is_word(const char *text, size_t n, size_t i) {
    unsigned char c = i < n ? (unsigned char)text[i] : ' ';
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

static bool holds(enum regex_op op, const char *text, size_t n, size_t i) {
    switch (op) {
    case OP_BEGIN:
        return i == 0;
    case OP_END:
        return i == n;
    case OP_LAST_LINE_END:
        return i == n || (i + 1 == n && text[i] == '\n');
    default:
        return ((i > 0 && is_word(text, n, i - 1)) != is_word(text, n, i)) == (op == OP_WORD_EDGE);
    }
}

/* Everything that is reached from `at` without a byte, in the order of preference. */
static void follow(struct regex *r, struct thread_list *list, uint32_t at, size_t begin, const char *text, size_t n,
                   size_t i) {
    uint32_t depth = 0;
    r->stack[depth++] = at;
    while (depth > 0) {
        at = r->stack[--depth];
        if (r->mark[at] == r->step)
            continue;
        r->mark[at] = r->step;
        const struct instruction *c = &r->program[at];
        switch (c->op) {
        case OP_JUMP:
            r->stack[depth++] = at + (uint32_t)c->a;
            break;
        case OP_SPLIT:
            r->stack[depth++] = at + (uint32_t)c->b;
            r->stack[depth++] = at + (uint32_t)c->a;
            break;
        case OP_CHAR:
        case OP_SET:
        case OP_MATCH:
            list->threads[list->n++] = (struct thread){ at, begin };
            break;
        default:
            if (holds(c->op, text, n, i))
                r->stack[depth++] = at + 1;
        }
    }
}

bool regex_search(struct regex *r, const char *text, size_t n, size_t *ret_begin, size_t *ret_end) {
    bool found = false;
    r->now.n = 0;
    r->step++;
    for (size_t i = 0;; i++) {
        if (r->now.n == 0) {
            if (found)
                return true;
            /* Nothing is under way: on to what a match can begin with. */
            while (!r->any_first && i < n && !set_has(&r->first, (unsigned char)text[i]))
                i++;
        }
        /* The marks are still those with which the list of this step was made. */
        if (!found)
            follow(r, &r->now, 0, i, text, n, i);
        r->step++;
        r->then.n = 0;
        for (uint32_t k = 0; k < r->now.n; k++) {
            struct thread t = r->now.threads[k];
            const struct instruction *c = &r->program[t.at];
            if (c->op == OP_MATCH) {
                found = true;
                if (ret_begin)
                    *ret_begin = t.begin;
                if (ret_end)
                    *ret_end = i;
                break; /* the others are less preferred */
            }
            if (i < n &&
                (c->op == OP_CHAR ? (unsigned char)text[i] == c->a : set_has(&r->sets[c->a], (unsigned char)text[i])))
                follow(r, &r->then, t.at + 1, t.begin, text, n, i + 1);
        }
        struct thread_list other = r->now;
        r->now = r->then;
        r->then = other;
        if (i >= n)
            return found;
    }
}

static void find_first(struct regex *r) {
    for (uint32_t i = 0; i < r->n; i++)
        r->any_first |= r->program[i].op >= OP_BEGIN && r->program[i].op != OP_MATCH;
    if (r->any_first)
        return;
    r->step++;
    r->now.n = 0;
    follow(r, &r->now, 0, 0, "", 0, 0);
    for (uint32_t i = 0; i < r->now.n; i++) {
        const struct instruction *c = &r->program[r->now.threads[i].at];
        if (c->op == OP_MATCH)
            r->any_first = true;
        else if (c->op == OP_CHAR)
            set_put(&r->first, (unsigned char)c->a);
        else
            set_unite(&r->first, &r->sets[c->a]);
    }
}

int regex_prepare(struct regex *r) {
    r->now.threads = reallocarray(NULL, r->n, sizeof(struct thread));
    r->then.threads = reallocarray(NULL, r->n, sizeof(struct thread));
    r->stack = reallocarray(NULL, 2 * (size_t)r->n + 2, sizeof *r->stack);
    r->mark = calloc(r->n, sizeof *r->mark);
    if (!r->now.threads || !r->then.threads || !r->stack || !r->mark)
        return -ENOMEM;
    find_first(r);
    return 0;
}
