/* SPDX-License-Identifier: Apache-2.0 */
/* Reads values of OpenFile=, for the table of directives, the planner and the bus alike. Opens nothing. */
#include "unit/open_file.h"

#include "base/path.h"
#include "base/strv.h"
#include "syntax/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LENGTH_MAX 255

void open_file_done(struct open_file *file) {
    free(TAKE(file->path));
    free(TAKE(file->name));
}

/* sd_listen_fds(3): what LISTEN_FDNAMES can carry. */
static bool name_valid(const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < ' ' || (unsigned char)name[i] >= 127 || name[i] == ':')
            return false;
    return n > 0 && n <= NAME_LENGTH_MAX;
}

static int parse_options(const char *text, unsigned *ret) {
    static const char *const names[] = { "read-only", "append", "truncate", "graceful" };
    unsigned flags = 0;
    while (text) {
        _cleanup_free_ char *word = NULL;
        int r = word_next(&text, &word, ",", WORD_EMPTY);
        if (r <= 0)
            return r < 0 ? r : -EINVAL;
        size_t i = 0;
        while (i < ELEMENTS(names) && strcmp(names[i], word) != 0)
            i++;
        if (i == ELEMENTS(names) || flags >> i & 1)
            return -EINVAL;
        flags |= 1u << i;
    }
    /* What is read only is not written to, and what is emptied has no end to append to. */
    unsigned ways = flags & (OPEN_FILE_READ_ONLY | OPEN_FILE_APPEND | OPEN_FILE_TRUNCATE);
    if (ways & (ways - 1))
        return -EINVAL;
    *ret = flags;
    return 0;
}

int open_file_parse(const char *text, struct open_file *ret) {
    _cleanup_open_file_ struct open_file file = {};
    _cleanup_free_ char *options = NULL;
    char **parts[] = { &file.path, &file.name, &options };
    for (size_t i = 0; i < ELEMENTS(parts) && text; i++) {
        int r = word_next(&text, parts[i], ":", WORD_EMPTY | WORD_UNESCAPE);
        if (r < 0)
            return r;
    }
    if (text || !file.path || file.path[0] != '/' || !path_is_normalized(file.path))
        return -EINVAL;
    int r = options && *options ? parse_options(options, &file.flags) : 0;
    if (r < 0)
        return r;
    if (!file.name || !*file.name) {
        free(file.name);
        file.name = strdup(strrchr(file.path, '/') + 1);
        if (!file.name)
            return -ENOMEM;
    }
    if (!name_valid(file.name))
        return -EINVAL;
    *ret = file;
    file = (struct open_file){};
    return 0;
}
