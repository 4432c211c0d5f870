/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of cli/journalctl/print.h share. */
#pragma once

#include "cli/journalctl/print.h"

/* All data of the entry, split; what the reader would overwrite is copied to s->large. -ENOMEM. */
int print_collect(struct reader *r, struct print_state *s, struct print_fields *ret);
/* --output-fields=: is it one of them? */
bool print_wants(const struct print_options *o, const struct print_field *f);
/* Only what can be shown: UTF-8 without control characters but tabs and, if `lines`, line breaks. */
bool is_printable(const char *s, size_t n, bool lines);
int print_json(struct reader *r, const struct print_options *o, struct print_state *s);
int print_export(struct reader *r, const struct print_options *o, struct print_state *s);
void print_realtime(const struct print_options *o, struct print_state *s, usec_t t);
/* The message, `indent` columns in from its second line on. True if something was left out. */
bool print_message(struct text *out, const struct print_options *o, unsigned indent, int priority, bool audit,
                   const char *message, size_t n, size_t begin, size_t end);
extern const char color_highlight[], color_normal[];
