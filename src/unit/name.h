/* SPDX-License-Identifier: Apache-2.0 */
/* Unit names: types, templates and instances, escaping. systemd.unit(5), "String Escaping for Inclusion in Unit Names".
 * Text only: no files. */
#pragma once

#include "base/macro.h"

#define UNIT_NAME_MAX 256 /* with the NUL */

enum unit_type {
    UNIT_SERVICE,
    UNIT_SOCKET,
    UNIT_TARGET,
    UNIT_SLICE,
    UNIT_SCOPE,
    UNIT_TIMER,
    UNIT_PATH,
    UNIT_MOUNT,
    UNIT_AUTOMOUNT,
    UNIT_SWAP,
    UNIT_DEVICE,
    UNIT_TYPES,
    UNIT_TYPE_INVALID = -1,
};

/* "service" …; NULL if out of range. */
const char *unit_type_to_string(enum unit_type type);
enum unit_type unit_type_from_string(const char *s);

enum unit_name_flags {
    UNIT_NAME_PLAIN = 1 << 0,    /* foo.service */
    UNIT_NAME_TEMPLATE = 1 << 1, /* foo@.service */
    UNIT_NAME_INSTANCE = 1 << 2, /* foo@bar.service */
    UNIT_NAME_ANY = 7,
};
bool unit_name_valid(const char *name, enum unit_name_flags flags);
/* What kind of name it is; 0 if it is no valid name. */
enum unit_name_flags unit_name_kind(const char *name);
/* By the suffix; UNIT_TYPE_INVALID if it has none of a known type. */
enum unit_type unit_name_type(const char *name);

/* All of these return allocated strings through *ret: 0, -EINVAL, -ENOMEM. */
int unit_name_prefix(const char *name, char **ret);             /* foo-bar@x.service → foo-bar */
int unit_name_instance(const char *name, char **ret);           /* foo@x.service → x; "" where there is none */
int unit_name_template(const char *name, char **ret); /* foo@x.service → foo@.service; -EINVAL if no instance */
int unit_name_replace_instance(const char *name, const char *instance, char **ret);
int unit_name_change_suffix(const char *name, const char *suffix, char **ret); /* ".socket" */
/* As systemctl mangles an argument: adds ".service" where no suffix is, escapes what may not be in a name, turns
 * absolute paths into mount units. */
int unit_name_mangle(const char *argument, char **ret);

/* \xNN escaping, as systemd-escape does it. */
int unit_name_escape(const char *s, char **ret);
int unit_name_unescape(const char *s, char **ret);
int unit_name_path_escape(const char *path, char **ret);   /* /var/lib → var-lib, / → - */
int unit_name_path_unescape(const char *s, char **ret);    /* var-lib → /var/lib */
int unit_name_from_path(const char *path, const char *suffix, char **ret); /* "/var/lib", ".mount" */

/* The bus object path's last component and back: every byte outside [A-Za-z0-9] becomes _xx. */
int bus_path_escape(const char *s, char **ret);
int bus_path_unescape(const char *s, char **ret);
