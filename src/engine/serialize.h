/* SPDX-License-Identifier: Apache-2.0 */
/* State as text: NAME=VALUE lines, one block a unit. daemon-reload, daemon-reexec and an upgrade are the same
 * operation: write everything down, forget everything, read the files anew, take everything up again. */
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
/* The descriptor is kept over the exec, under its number: serialized_fds_keep(). */
void put_fd(struct text *out, const char *name, int fd);

/* Right before an exec: all descriptors written with put_fd() since manager_serialize() began stay open; with false,
 * they are close-on-exec again. */
void serialized_fds_keep(bool keep);
/* Right after it: every open descriptor from 3 on waits to be claimed with get_fd(), `state` excepted. */
void serialized_fds_inherit(int state);
/* What nobody claimed is closed, but for the log process's. */
struct log_client;
void serialized_fds_settle(const struct log_client *log);

/* `n` numbers, each behind one character that is none. */
bool get_numbers(const char *value, unsigned long long *ret, size_t n);
char *get_string(const char *value); /* unescaped; caller frees; NULL: no memory, which is a state_lost() */
int64_t get_number(const char *value);
bool get_bool(const char *value);
struct dual_time get_time(const char *value);
struct id128 get_id(const char *value);
/* The number, if such a descriptor is open; close-on-exec is set again. -1 otherwise. */
int get_fd(const char *value);

/* Whoever takes something up and has no memory for it says so: all of it is then tried again. */
void state_lost(void);

/* All of the manager. */
int manager_serialize(struct manager *m, struct text *out);
/* The manager's own part, then the units, whose files are read anew. Without memory for some of it everything is
 * forgotten and begun anew, a few times, for the state is all there is of what runs. -ENOMEM: that did not help, and
 * only some of it is there. */
int manager_take_up(struct manager *m, const char *state, size_t size);
/* After deserializing: every unit and job takes up its watches, timers and place in the queues again. */
void manager_coldplug(struct manager *m);
/* And after that, when changes are told again: what happened meanwhile. */
void manager_catch_up(struct manager *m);
