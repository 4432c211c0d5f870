/* SPDX-License-Identifier: Apache-2.0 */
/* One value of OpenFile=: PATH[:NAME[:OPTION,…]]. systemd.service(5). */
#pragma once

#include "base/macro.h"

/* The bits that the bus shows. */
enum open_file_flags {
    OPEN_FILE_READ_ONLY = 1 << 0,
    OPEN_FILE_APPEND = 1 << 1,
    OPEN_FILE_TRUNCATE = 1 << 2,
    OPEN_FILE_GRACEFUL = 1 << 3, /* no failure if it cannot be opened */
};

struct open_file {
    char *path, *name; /* owned; the name is the file's if none is given */
    unsigned flags;
};
void open_file_done(struct open_file *file);
#define _cleanup_open_file_ _cleanup_(open_file_done)

/* 0; -EINVAL: it is none; -ENOMEM. */
int open_file_parse(const char *text, struct open_file *ret);
