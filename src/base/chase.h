/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path really leads, seen from inside a root directory: absolute symlinks and ".." stay inside. */
#pragma once

#include "base/macro.h"

/* Resolves every symlink of `path`, which starts with `root` ("" or NULL: the system's own). 1: *ret exists;
 * 0: it does not, and *ret is the path with everything resolved that could be; -ELOOP, -ENOMEM, or the errno
 * of looking. The result starts with `root`; caller frees. For trees that nobody hostile writes to while we
 * look. */
int chase(const char *path, const char *root, char **ret);
/* The same, but the last component is left alone if it is a symlink. */
int chase_parent(const char *path, const char *root, char **ret);
/* Only root and ourselves could have put there what `path` leads to: every directory and symlink on the way and the
 * file at its end are theirs. */
bool chase_is_trusted(const char *path);
