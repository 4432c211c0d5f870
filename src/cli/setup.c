/* SPDX-License-Identifier: Apache-2.0 */
/* `reeve install` and `reeve uninstall`: programs of the image by whose name reeve is called, put in place so that an
 * upgrade of their packages does not undo it. docs/nomanager.md says where this is needed. Knows no units. */
#include "base/path.h"
#include "cli/applets.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIVERT "/usr/bin/dpkg-divert"
#define DIVERTED ".distrib"
/* Comes first in everybody's PATH, and belongs to no package. */
#define FIRST_DIRECTORY "/usr/local/bin"

extern char **environ;

static char own_path[PATH_MAX];

/* Where a name lies, and as what packages may ship it: /bin and /usr/bin are one directory nowadays, but packages and
 * dpkg still know both names. */
static const struct place {
    const char *name;
    const char *path, *shipped[2];
    bool by_default, by_path; /* by_path: found by PATH, so that an earlier directory serves */
} places[] = {
    { "systemctl", "/usr/bin/systemctl", { "/bin/systemctl", "/usr/bin/systemctl" }, true, true },
    { "init", "/usr/sbin/init", { "/sbin/init", "/usr/sbin/init" }, true, false },
    { "journalctl", "/usr/bin/journalctl", { "/bin/journalctl", "/usr/bin/journalctl" }, false, true },
    { "tini", "/usr/bin/tini", { "/usr/bin/tini", NULL }, false, true },
    { "dumb-init", "/usr/bin/dumb-init", { "/usr/bin/dumb-init", NULL }, false, true },
    { "catatonit", "/usr/bin/catatonit", { "/usr/bin/catatonit", NULL }, false, true },
    { "systemd-tmpfiles",
      "/usr/bin/systemd-tmpfiles",
      { "/bin/systemd-tmpfiles", "/usr/bin/systemd-tmpfiles" },
      false,
      true },
    { "systemd-escape", "/usr/bin/systemd-escape", { "/bin/systemd-escape", "/usr/bin/systemd-escape" }, false, true },
};

enum state { ABSENT, OURS, THEIRS };

static enum state look(const char *path) {
    char real[PATH_MAX];
    struct stat st;
    if (lstat(path, &st) < 0)
        return ABSENT;
    /* A link of ours that leads nowhere is one to be made anew. */
    if (!realpath(path, real))
        return S_ISLNK(st.st_mode) ? ABSENT : THEIRS;
    return strcmp(real, own_path) == 0 && strcmp(path, own_path) != 0 ? OURS : THEIRS;
}

static int complain(const char *what, const char *path) {
    fprintf(stderr, "reeve: cannot %s %s: %s\n", what, path, strerror(errno));
    return -errno;
}

static int make_link(const char *path) {
    (void)mkdir_parents(path, 0755);
    if (look(path) == ABSENT)
        (void)unlink(path);
    return symlink(own_path, path) < 0 ? complain("make", path) : 0;
}

/* dpkg-divert(1). `move`: the file itself goes too, or comes back. */
static int divert(const char *path, bool add, bool move) {
    char other[PATH_MAX];
    snprintf(other, sizeof other, "%s" DIVERTED, path);
    char *argv[] = { (char *)DIVERT,
                     (char *)"--quiet",
                     (char *)"--local",
                     (char *)"--divert",
                     other,
                     (char *)(move ? "--rename" : "--no-rename"),
                     (char *)(add ? "--add" : "--remove"),
                     (char *)path,
                     NULL };
    pid_t pid;
    int status, r = posix_spawn(&pid, DIVERT, NULL, NULL, argv, environ);
    if (r != 0)
        return -r;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EREMOTEIO;
}

/* Both names of it: the file is moved under the one that its package knows, which is the one that is there to be
 * moved. */
static int divert_all(const struct place *p, bool add) {
    bool moved = false;
    int r = 0;
    for (size_t i = 0; i < ELEMENTS(p->shipped) && p->shipped[i] && r >= 0; i++) {
        bool last = i + 1 == ELEMENTS(p->shipped) || !p->shipped[i + 1];
        bool move = add ? look(p->path) == THEIRS && !moved : last;
        r = divert(p->shipped[i], add, move);
        moved = moved || move;
    }
    return r;
}

static int install(const struct place *p) {
    char first[PATH_MAX];
    snprintf(first, sizeof first, FIRST_DIRECTORY "/%s", p->name);
    enum state state = look(p->path);
    bool dpkg = access(DIVERT, X_OK) >= 0;
    if (state == OURS || (p->by_path && look(first) == OURS)) {
        printf("%s: is reeve already\n", state == OURS ? p->path : first);
        return 0;
    }
    if (state == ABSENT && !dpkg) {
        int r = make_link(p->path);
        return r < 0 ? r : (printf("%s: made, there was none\n", p->path), 0);
    }
    if (dpkg) {
        /* Also where there is none yet: a package that comes later puts its own aside. */
        int r = divert_all(p, true);
        if (r < 0)
            return fprintf(stderr, "reeve: dpkg-divert refuses %s\n", p->path), r;
        r = make_link(p->path);
        if (r >= 0)
            printf("%s: made; a package's %s put aside as %s" DIVERTED "\n", p->path,
                   state == ABSENT ? "will be" : "is", p->shipped[0]);
        return r;
    }
    if (!p->by_path) {
        printf("%s: left as it is; make %s the container's command instead\n", p->path, own_path);
        return 0;
    }
    int r = make_link(first);
    return r < 0 ? r : (printf("%s: made, it comes before %s in PATH\n", first, p->path), 0);
}

static int uninstall(const struct place *p) {
    char first[PATH_MAX];
    const char *paths[] = { p->path, first };
    bool any = false;
    snprintf(first, sizeof first, FIRST_DIRECTORY "/%s", p->name);
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        if (look(paths[i]) != OURS)
            continue;
        if (unlink(paths[i]) < 0)
            return complain("remove", paths[i]);
        any = true;
    }
    int r = access(DIVERT, X_OK) >= 0 ? divert_all(p, false) : 0;
    if (r < 0)
        return fprintf(stderr, "reeve: dpkg-divert refuses %s\n", p->path), r;
    printf("%s: %s\n", p->path, any ? "no longer reeve" : "was not reeve");
    return 0;
}

static int usage(bool installing) {
    printf("Usage: reeve %s [--all | NAME…]\n\n%s\n\nNames:", installing ? "install" : "uninstall",
           installing ? "Has programs of the image be reeve, so that upgrades of packages do not undo it."
                      : "Undoes reeve install.");
    for (size_t i = 0; i < ELEMENTS(places); i++)
        printf(" %s%s", places[i].name, places[i].by_default ? " (without names)" : "");
    puts("");
    return 0;
}

static int run(int argc, char **argv, bool installing) {
    bool all = argc == 2 && strcmp(argv[1], "--all") == 0;
    if (argc > 1 && argv[1][0] == '-' && !all)
        return usage(installing), strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ? 0 : EXIT_FAILURE;
    ssize_t n = readlink("/proc/self/exe", own_path, sizeof own_path - 1);
    if (n < 0 && !realpath("/usr/bin/reeve", own_path))
        return complain("find", "/proc/self/exe"), EXIT_FAILURE;
    if (n >= 0)
        own_path[n] = 0;
    int status = 0, found = 0;
    for (size_t i = 0; i < ELEMENTS(places); i++) {
        /* To undo is to undo all that may have been done. */
        bool wanted = all || (argc < 2 && (places[i].by_default || (!installing && look(places[i].path) == OURS)));
        for (int a = 1; a < argc && !all; a++)
            wanted = wanted || strcmp(argv[a], places[i].name) == 0;
        if (!wanted)
            continue;
        found++;
        if ((installing ? install(&places[i]) : uninstall(&places[i])) < 0)
            status = EXIT_FAILURE;
    }
    if (!all && argc > 1 && found < argc - 1)
        return fprintf(stderr, "reeve: not all of these are names that can be installed; see --help\n"), EXIT_FAILURE;
    return status;
}

int install_main(int argc, char **argv) {
    return run(argc, argv, true);
}

int uninstall_main(int argc, char **argv) {
    return run(argc, argv, false);
}
