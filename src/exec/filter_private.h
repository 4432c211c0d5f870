/* SPDX-License-Identifier: Apache-2.0 */
/* What the files filter*.c share. */
#pragma once

#include "exec/bpf.h"
#include "exec/calls.h"
#include "exec/filter.h"

#define ARCHITECTURES_MAX 8

/* Every call of a word: itself, or the members of a group. A negative errno of `visit` stops. */
typedef int (*call_visitor)(void *userdata, const char *name);
int filter_each_call(const char *word, int depth, call_visitor visit, void *userdata);

/* Ours, and the others that our kernel runs. Returns how many. */
size_t filter_architectures(uint32_t ret[static ARCHITECTURES_MAX]);

/* filter_restrict.c, filter_calls.c: append a complete program. 0 or -ENOMEM. */
int filter_restrictions(const struct filter_settings *settings, struct bpf *b);
int filter_calls(const struct filter_settings *settings, struct bpf *b);
