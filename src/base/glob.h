/* SPDX-License-Identifier: Apache-2.0 */
/* Shell patterns over paths. Not glob(3), which knows about users' home directories and so pulls in the name
 * service. */
#pragma once

#include "base/macro.h"

/* Appends every existing path that matches the absolute pattern to *ret, sorted: * ? [ ] in any component, a
 * leading dot must be matched literally. A pattern without such characters matches itself if it exists (a
 * dangling symlink does). 0 (also for no match), -ENOMEM, -E2BIG. */
int glob_paths(const char *pattern, char ***ret);
bool glob_is_pattern(const char *s);
/* fnmatch(3) without locales: does the pattern match all of `s`? `flags` are those of <fnmatch.h>: FNM_NOESCAPE,
 * FNM_PATHNAME, FNM_PERIOD, FNM_CASEFOLD. A bracket expression is made of characters, ranges and [:classes:]. */
bool glob_match(const char *pattern, const char *s, int flags);
/* Is there at least one? 1, 0, -ENOMEM. */
int glob_exists(const char *pattern);
