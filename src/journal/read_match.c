/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries are wanted: a tree of matches, and the next entry of a file that satisfies it. As journalctl(1)
 * says: values of one field are alternatives, fields must all hold, groups are alternatives, groups of groups must
 * all hold. */
#include "journal/read_private.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The tree is AND (of reader_and()) over OR (of reader_or()) over AND (of fields) over OR (of values) over terms. */

static struct match *add(struct match *parent, enum match_kind kind) {
    struct match *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->kind = kind;
    m->next = parent->children;
    parent->children = m;
    return m;
}

static void drop(struct match *m) {
    while (m) {
        struct match *next = m->next;
        drop(m->children);
        free(m->data);
        free(m);
        m = next;
    }
}

void reader_match_nothing_more(struct reader *r) {
    drop(r->all);
    r->all = r->any = r->group = NULL;
    r->n_terms = 0;
    for (size_t i = 0; i < r->n_files; i++) {
        struct read_file *f = r->files[i];
        for (size_t k = 0; k < f->n_terms; k++)
            chain_done(&f->terms[k].chain);
        free(f->terms);
        f->terms = NULL;
        f->n_terms = 0;
    }
}

static bool valid_field(const char *s, size_t n) {
    if (n == 0 || n > 64 || (s[0] >= '0' && s[0] <= '9'))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_'))
            return false;
    return true;
}

int reader_match(struct reader *r, const void *data, size_t size) {
    const char *equals = memchr(data, '=', size);
    size_t name = equals ? (size_t)(equals - (const char *)data) + 1 : 0;
    if (!equals || !valid_field(data, name - 1) || (name > 1 && memcmp(data, "__", 2) == 0))
        return -EINVAL;
    if (!r->all && !(r->all = calloc(1, sizeof *r->all)))
        return -ENOMEM;
    r->all->kind = MATCH_AND;
    if (!r->any && !(r->any = add(r->all, MATCH_OR)))
        return -ENOMEM;
    if (!r->group && !(r->group = add(r->any, MATCH_AND)))
        return -ENOMEM;
    struct match *field = NULL;
    for (struct match *m = r->group->children; m && !field; m = m->next) {
        if (m->children && m->children->size >= name && memcmp(m->children->data, data, name) == 0)
            field = m;
        for (struct match *term = m->children; field == m && term; term = term->next)
            if (term->size == size && memcmp(term->data, data, size) == 0)
                return 0;
    }
    if (!field && !(field = add(r->group, MATCH_OR)))
        return -ENOMEM;
    char *copy = malloc(size + 1);
    struct match *term = copy ? add(field, MATCH_TERM) : NULL;
    if (!term) {
        free(copy);
        return -ENOMEM;
    }
    term->data = memcpy(copy, data, size);
    copy[size] = 0;
    term->size = size;
    term->hash = journal_hash_jenkins(data, size);
    term->number = r->n_terms++;
    return 0;
}

int reader_match_string(struct reader *r, const char *match) {
    return reader_match(r, match, strlen(match));
}

int reader_matchf(struct reader *r, const char *format, ...) {
    _cleanup_text_ struct text t = {};
    va_list args;
    va_start(args, format);
    text_addv(&t, format, args);
    va_end(args);
    return t.failed ? -ENOMEM : reader_match(r, text_str(&t), t.len);
}

int reader_or(struct reader *r) {
    r->group = NULL;
    return 0;
}

int reader_and(struct reader *r) {
    r->any = r->group = NULL;
    return 0;
}

static void print(const struct match *m, struct text *out) {
    if (m->kind == MATCH_TERM) {
        text_add_n(out, m->data, m->size);
        return;
    }
    /* What alone stands for itself has no brackets. */
    if (m->children && !m->children->next) {
        print(m->children, out);
        return;
    }
    text_add_char(out, '(');
    for (const struct match *child = m->children; child; child = child->next) {
        print(child, out);
        if (child->next)
            text_add(out, m->kind == MATCH_AND ? " AND " : " OR ");
    }
    text_add_char(out, ')');
}

char *reader_match_to_string(const struct reader *r) {
    struct text t = {};
    if (r->all)
        print(r->all, &t);
    return text_take(&t);
}

/* --- in one file -------------------------------------------------------------------------------------------- */
static struct term_state *term_state(struct reader *r, struct read_file *f, const struct match *m) {
    if (f->n_terms < r->n_terms) {
        struct term_state *more = reallocarray(f->terms, r->n_terms, sizeof *more);
        if (!more)
            return NULL;
        memset(more + f->n_terms, 0, (r->n_terms - f->n_terms) * sizeof *more);
        f->terms = more;
        for (; f->n_terms < r->n_terms; f->n_terms++)
            f->terms[f->n_terms].data = UINT64_MAX; /* not looked for yet */
    }
    struct term_state *t = &f->terms[m->number];
    if (t->data == UINT64_MAX) {
        t->data = find_data(f, m->data, m->size, f->keyed ? read_hash(f, m->data, m->size) : m->hash);
        const struct journal_data *d = t->data ? read_data(f, t->data) : NULL;
        if (d)
            chain_begin(&t->chain, le64(d->entry_offset), le64(d->entry_array_offset), le64(d->n_entries));
    }
    return t;
}

void match_refresh(struct reader *r, struct read_file *f) {
    for (size_t i = 0; i < f->n_terms; i++)
        f->terms[i].data = UINT64_MAX;
}

static uint64_t seek(struct reader *r, struct read_file *f, const struct match *m, uint64_t offset, bool up) {
    if (m->kind == MATCH_TERM) {
        struct term_state *t = term_state(r, f, m);
        return t && t->data ? chain_seek(f, &t->chain, offset, up) : 0;
    }
    if (m->kind == MATCH_OR) {
        uint64_t best = 0;
        for (const struct match *child = m->children; child; child = child->next) {
            uint64_t at = seek(r, f, child, offset, up);
            if (at && (!best || (up ? at > best : at < best)))
                best = at;
        }
        return best;
    }
    /* All: whoever is farthest says where the others have to be. */
    for (const struct match *child = m->children, *agreed = NULL; child != agreed || !agreed;) {
        uint64_t at = seek(r, f, child, offset, up);
        if (!at)
            return 0;
        if (at != offset || !agreed)
            agreed = child;
        offset = at;
        child = child->next ? child->next : m->children;
        if (child == agreed)
            break;
    }
    return offset;
}

uint64_t match_seek(struct reader *r, struct read_file *f, uint64_t offset, bool up) {
    return r->all && r->all->children ? seek(r, f, r->all, offset, up) : chain_seek(f, &f->entries, offset, up);
}
