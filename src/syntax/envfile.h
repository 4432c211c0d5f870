/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of EnvironmentFile=. systemd.exec(5). */
#pragma once

#include "base/macro.h"

/* Appends NAME=VALUE strings to *env, in order. Malformed assignments are skipped and reported to complain (may be
 * NULL). 0 or -ENOMEM. */
int envfile_parse(const char *data, size_t size, char ***env, void (*complain)(void *, unsigned line, const char *why),
                  void *userdata);
