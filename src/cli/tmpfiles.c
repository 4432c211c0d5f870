/* SPDX-License-Identifier: Apache-2.0 */
/* The systemd-tmpfiles applet: options, and the order in which things are done. systemd-tmpfiles(8). */
#include "cli/tmpfiles/tmpfiles.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "cli/applets.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_BAD_CONFIG 65 /* EX_DATAERR */
#define EXIT_FAILED 73     /* EX_CANTCREAT */

static const char usage[] =
    "systemd-tmpfiles [OPTIONS...] [FILE...]\n"
    "\n"
    "Creates, deletes and cleans files and directories as the files of tmpfiles.d say.\n"
    "\n"
    "  --create                 make and adjust files and directories\n"
    "  --clean                  remove what is older than its line allows\n"
    "  --remove                 remove what lines are for removing\n"
    "  --boot                   also the lines marked with !\n"
    "  --graceful               lines with unknown users or groups are no error\n"
    "  --dry-run                only say what would be done\n"
    "  --prefix=PATH            only lines about this path or below it\n"
    "  --exclude-prefix=PATH    no lines about this path or below it\n"
    "  -E                       as --exclude-prefix= for /dev, /proc, /run and /sys\n"
    "  --root=PATH              work below this root directory\n"
    "  -h, --help  --version\n";

enum {
    OPT_CREATE = 256,
    OPT_CLEAN,
    OPT_REMOVE,
    OPT_BOOT,
    OPT_GRACEFUL,
    OPT_DRY_RUN,
    OPT_PREFIX,
    OPT_EXCLUDE,
    OPT_ROOT,
    OPT_NO_PAGER,
    OPT_VERSION
};

static const struct option options[] = {
    { "create", no_argument, NULL, OPT_CREATE },
    { "clean", no_argument, NULL, OPT_CLEAN },
    { "remove", no_argument, NULL, OPT_REMOVE },
    { "boot", no_argument, NULL, OPT_BOOT },
    { "graceful", no_argument, NULL, OPT_GRACEFUL },
    { "dry-run", no_argument, NULL, OPT_DRY_RUN },
    { "prefix", required_argument, NULL, OPT_PREFIX },
    { "exclude-prefix", required_argument, NULL, OPT_EXCLUDE },
    { "root", required_argument, NULL, OPT_ROOT },
    { "no-pager", no_argument, NULL, OPT_NO_PAGER },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPT_VERSION },
    {},
};

static int add_path(char ***list, const char *path) {
    char *copy = strdup(path);
    return strv_take(list, copy ? path_simplify(copy) : NULL);
}

/* 1: go on; 0 or negative: the exit status, negated. */
static int read_options(struct tmpfiles *t, char **root, int argc, char **argv) {
    static const char *const kernel_places[] = { "/dev", "/proc", "/run", "/sys" };
    int r = 0;
    optind = 0;
    for (int c; r >= 0 && (c = getopt_long(argc, argv, "hE", options, NULL)) >= 0;)
        switch (c) {
        case 'h':
            fputs(usage, stdout);
            return 0;
        case OPT_VERSION:
            puts("reeve " REEVE_VERSION);
            return 0;
        case OPT_CREATE:
            t->create = true;
            break;
        case OPT_CLEAN:
            t->clean = true;
            break;
        case OPT_REMOVE:
            t->remove = true;
            break;
        case OPT_BOOT:
            t->boot = true;
            break;
        case OPT_GRACEFUL:
            t->graceful = true;
            break;
        case OPT_DRY_RUN:
            t->dry_run = true;
            break;
        case OPT_PREFIX:
            r = add_path(&t->prefixes, optarg);
            break;
        case OPT_EXCLUDE:
            r = add_path(&t->excluded, optarg);
            break;
        case 'E':
            for (size_t i = 0; r >= 0 && i < ELEMENTS(kernel_places); i++)
                r = add_path(&t->excluded, kernel_places[i]);
            break;
        case OPT_ROOT:
            free(*root);
            *root = realpath(optarg, NULL);
            if (!*root) {
                fprintf(stderr, "%s: %s\n", optarg, strerror(errno));
                return -1;
            }
            t->root = strcmp(*root, "/") == 0 ? "" : *root;
            break;
        case OPT_NO_PAGER:
            break;
        default:
            return -1;
        }
    return r < 0 ? -1 : 1;
}

/* First everything is removed, then everything is made: makers of things before those who adjust them. */
static int carry_out(struct tmpfiles *t) {
    int r = 0;
    for (size_t i = t->n; (t->remove || t->clean) && r >= 0 && i > 0; i--) {
        if (t->remove)
            r = tmpfiles_remove(t, &t->items[i - 1]);
        if (t->clean && r >= 0)
            r = tmpfiles_clean(t, &t->items[i - 1]);
    }
    for (int globs = 0; t->create && globs < 2; globs++)
        for (size_t i = 0; r >= 0 && i < t->n; i++)
            if (item_is_glob(&t->items[i]) == (bool)globs)
                r = tmpfiles_create(t, &t->items[i]);
    return r;
}

int tmpfiles_main(int argc, char **argv) {
    struct tmpfiles t = { .root = "" };
    _cleanup_free_ char *root = NULL;
    int status, r = read_options(&t, &root, argc, argv);
    if (r > 0 && !t.create && !t.clean && !t.remove) {
        fprintf(stderr, "One of --create, --clean and --remove is needed.\n");
        r = -1;
    }
    if (r > 0) {
        umask(0022);
        r = tmpfiles_read(&t, argv + optind);
        if (r >= 0)
            r = carry_out(&t);
        if (r == -ENOMEM)
            log_error("out of memory");
        if (t.unresolved > 0)
            log_notice("%u lines of tmpfiles.d need what is not known here, such as a machine id; they were "
                       "left out",
                       t.unresolved);
        if (t.skipped > 0)
            log_debug("%u lines about attributes and access control lists were not carried out", t.skipped);
        status = r < 0 ? 1 : t.bad_config ? EXIT_BAD_CONFIG : t.failed ? EXIT_FAILED : 0;
    } else
        status = r < 0;
    for (size_t i = 0; i < t.n; i++)
        item_done(&t.items[i]);
    free(t.items);
    strv_free(t.prefixes);
    strv_free(t.excluded);
    return status;
}
