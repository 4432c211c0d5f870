/* SPDX-License-Identifier: Apache-2.0 */
/* RemoveIPC=: what a user has left behind of shared memory, semaphores and message queues. systemd.exec(5). Runs in a
 * child of its own, as that user: nothing of another's can be hit. */
#include "exec/plan.h"

#include "base/fd.h"
#include "base/scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TABLE_MAX ((size_t)1 << 20)

static void remove_shm(int id) {
    shmctl(id, IPC_RMID, NULL);
}
static void remove_sem(int id) {
    semctl(id, 0, IPC_RMID);
}
static void remove_msg(int id) {
    msgctl(id, IPC_RMID, NULL);
}

static const struct {
    const char *table;
    int uid, attached; /* columns, the key being the first and the identifier the second; -1: there is none */
    void (*remove)(int id);
} kinds[] = {
    { "/proc/sysvipc/shm", 7, 6, remove_shm },
    { "/proc/sysvipc/sem", 4, -1, remove_sem },
    { "/proc/sysvipc/msg", 7, -1, remove_msg },
};

/* The number in a column, from 0, of the line. */
static bool column(const char *line, int n, int *ret) {
    for (;; n--) {
        line += strspn(line, " ");
        if (n == 0)
            return scan_int(&line, ret);
        line += strcspn(line, " \n");
    }
}

static void remove_system_v(uid_t uid) {
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        _cleanup_free_ char *table = NULL;
        if (file_read(kinds[i].table, TABLE_MAX, &table, NULL) < 0)
            continue;
        for (const char *line = strchr(table, '\n'); line && line[1]; line = strchr(line, '\n')) {
            int id, owner, attached = 0;
            line++;
            if (!column(line, 1, &id) || !column(line, kinds[i].uid, &owner) || (uid_t)owner != uid)
                continue;
            /* What somebody still has goes with its last one. */
            if (kinds[i].attached < 0 || (column(line, kinds[i].attached, &attached) && attached == 0))
                kinds[i].remove(id);
        }
    }
}

static void remove_posix(const char *path, uid_t uid) {
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct stat st;
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && st.st_uid == uid && !S_ISDIR(st.st_mode))
            unlinkat(dirfd(dir), e->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

void exec_remove_ipc(uid_t uid) {
    /* The system call: glibc's would tell threads that there are not. */
    if (syscall(SYS_setresuid, uid, uid, uid) < 0)
        return;
    remove_system_v(uid);
    remove_posix("/dev/shm", uid);
    remove_posix("/dev/mqueue", uid);
}
