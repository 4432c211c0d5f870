/* SPDX-License-Identifier: Apache-2.0 */
/* What the comments of an init script say: the LSB header, and chkconfig's of older distributions. Text only.
 */
#pragma once

#include "base/macro.h"

struct sysv_script {
    char *path; /* of the script */
    char *name; /* of the unit: foo.service */
    char *description, *pid_file;
    char **aliases; /* other units it provides */
    char **before, **after, **wants, **wanted_by;
    int priority; /* highest of its S links; -1: none */
    bool lsb, reload;
};
void sysv_script_done(struct sysv_script *script);

/* Reads `text` (which is changed) into a script that has path and name set. 0 or -ENOMEM. */
int sysv_parse(struct sysv_script *script, char *text);
/* "foo.sh" → "foo.service". 0, -EINVAL, -ENOMEM. */
int sysv_unit_name(const char *file, char **ret);
