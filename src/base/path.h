/* SPDX-License-Identifier: Apache-2.0 */
/* Path names as text, and directories. */
#pragma once

#include "base/macro.h"
#include <sys/types.h>

bool path_is_absolute(const char *path);
/* Removes duplicate and trailing slashes and "/./", in place. Leaves ".." alone. Returns path. */
char *path_simplify(char *path);
/* No ".." component. */
bool path_is_normalized(const char *path);
/* "a" + "/" + "b", simplified; caller frees; NULL: no memory. Either may be NULL or empty. */
char *path_join(const char *a, const char *b);
/* The last component; "" for "/". Borrowed from path. */
const char *path_base(const char *path);
/* If path lies below prefix (or is it), what follows, without leading slash; else NULL. */
const char *path_below(const char *path, const char *prefix);
/* mkdir -p: every missing directory gets `mode`. 0 or negative errno. */
int mkdir_parents(const char *path, mode_t mode); /* all but the last component */
int mkdir_p(const char *path, mode_t mode);
