/* SPDX-License-Identifier: Apache-2.0 */
/* D-Bus values as bytes of this machine's order. D-Bus Specification "Marshaling (Wire Format)". What fails is
 * remembered in the text. Knows no messages, and checks nothing: strings are valid when they come here (out.c). */
#pragma once

#include "wire/bus/out.h"

/* Zeroes up to the next multiple of `to`. */
void body_align(struct text *body, size_t to);
void body_u32(struct text *body, uint32_t v);
/* A value of libdbus' kind: `value` points to it, also to the pointer to a string. Not a descriptor. */
void body_basic(struct text *body, int type, const void *value);
/* What begins here: an array of elements of the signature `contained`, a variant with a value of it, a struct, an
 * entry of a dictionary. */
struct body_array body_open(struct text *body, int type, const char *contained);
void body_close(struct text *body, const struct body_array *open);
