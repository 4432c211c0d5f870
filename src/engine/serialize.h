/* SPDX-License-Identifier: Apache-2.0 */
/* State as text: NAME=VALUE lines, one block a unit. daemon-reload, daemon-reexec and an upgrade are the same operation:
 * write everything down, forget everything, read the files anew, take everything up again. */
#pragma once

#include "base/clock.h"
#include "base/id128.h"
#include "base/text.h"

struct manager;

void put_string(struct text *out, const char *name, const char *value); /* NULL: nothing; newlines are escaped */
void put_number(struct text *out, const char *name, int64_t value);
void put_bool(struct text *out, const char *name, bool value);
void put_time(struct text *out, const char *name, struct dual_time time);
void put_id(struct text *out, const char *name, struct id128 id);
/* The descriptor survives an exec; its number stays. */
void put_fd(struct text *out, const char *name, int fd);

char *get_string(const char *value); /* unescaped; caller frees; NULL: no memory */
int64_t get_number(const char *value);
bool get_bool(const char *value);
struct dual_time get_time(const char *value);
struct id128 get_id(const char *value);
/* The number, if such a descriptor is open; close-on-exec is set again. -1 otherwise. */
int get_fd(const char *value);

/* Both at once: all of the manager. */
int manager_serialize(struct manager *m, struct text *out);
int manager_deserialize(struct manager *m, const char *state, size_t size);
