/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that can be made to fail, one row each: C library name, what it returns then, the error. Two errors: the
 * second is injected as well. A row's function is defined in shim.c; tests/unit/meson.build tells the linker. */
#pragma once

/* X(name, errno, second errno or 0) */
#define FAULT_KINDS_TABLE(X)                                                                                 \
    X(malloc, ENOMEM, 0)                                                                                     \
    X(calloc, ENOMEM, 0)                                                                                     \
    X(realloc, ENOMEM, 0)                                                                                    \
    X(reallocarray, ENOMEM, 0)                                                                               \
    X(strdup, ENOMEM, 0)                                                                                     \
    X(strndup, ENOMEM, 0)                                                                                    \
    X(asprintf, ENOMEM, 0)                                                                                   \
    X(vasprintf, ENOMEM, 0)                                                                                  \
    X(fopen64, EMFILE, 0)                                                                                    \
    X(opendir, EMFILE, 0)                                                                                    \
    X(fdopendir, ENOMEM, 0)                                                                                  \
    X(readdir64, EIO, 0)                                                                                     \
    X(realpath, ENOMEM, 0)                                                                                   \
    X(open64, EMFILE, ENOMEM)                                                                                 \
    X(openat64, EMFILE, ENOMEM)                                                                               \
    X(read, EIO, EINTR)                                                                                      \
    X(write, ENOSPC, EINTR)                                                                                  \
    X(close, EIO, EINTR)                                                                                     \
    X(pipe2, EMFILE, 0)                                                                                      \
    X(dup2, EMFILE, 0)                                                                                       \
    X(fcntl64, EMFILE, 0)                                                                                    \
    X(ioctl, EIO, 0)                                                                                         \
    X(lseek64, EIO, 0)                                                                                       \
    X(ftruncate64, ENOSPC, 0)                                                                                \
    X(memfd_create, EMFILE, 0)                                                                               \
    X(socket, EMFILE, 0)                                                                                     \
    X(socketpair, EMFILE, 0)                                                                                 \
    X(bind, EADDRINUSE, 0)                                                                                   \
    X(listen, EADDRINUSE, 0)                                                                                 \
    X(accept4, EMFILE, EINTR)                                                                                \
    X(connect, ECONNREFUSED, 0)                                                                              \
    X(getsockopt, ENOBUFS, 0)                                                                                \
    X(setsockopt, ENOBUFS, 0)                                                                                \
    X(getsockname, ENOBUFS, 0)                                                                               \
    X(sendmsg, ENOBUFS, EINTR)                                                                               \
    X(recvmsg, ENOBUFS, EINTR)                                                                               \
    X(recv, ENOBUFS, EINTR)                                                                                  \
    X(shutdown, ENOTCONN, 0)                                                                                 \
    X(epoll_create1, EMFILE, 0)                                                                              \
    X(epoll_ctl, ENOMEM, ENOSPC)                                                                             \
    X(epoll_wait, EINTR, EBADF)                                                                              \
    X(epoll_pwait2, EINTR, ENOSYS)                                                                           \
    X(timerfd_create, EMFILE, 0)                                                                             \
    X(timerfd_settime, EINVAL, ECANCELED)                                                                    \
    X(signalfd, EMFILE, 0)                                                                                   \
    X(inotify_init1, EMFILE, 0)                                                                              \
    X(inotify_add_watch, ENOSPC, 0)                                                                          \
    X(fork, EAGAIN, ENOMEM)                                                                                  \
    X(clone, EAGAIN, ENOMEM)                                                                                 \
    X(kill, EPERM, ESRCH)                                                                                    \
    X(waitid, EINTR, 0)                                                                                 \
    X(waitpid, EINTR, 0)                                                                                \
    X(prctl, EINVAL, 0)                                                                                      \
    X(prlimit64, EPERM, 0)                                                                                   \
    X(getrlimit64, EFAULT, 0)                                                                                \
    X(setrlimit64, EPERM, 0)                                                                                 \
    X(syscall, ENOSYS, EMFILE)                                                                               \
    X(mmap64, ENOMEM, 0)                                                                                     \
    X(mprotect, ENOMEM, 0)                                                                                   \
    X(getrandom, ENOSYS, 0)                                                                                  \
    X(sigprocmask, EINVAL, 0)                                                                                \
    X(sigaction, EINVAL, 0)                                                                                  \
    X(fstat64, EIO, 0)                                                                                       \
    X(stat64, EIO, ENOMEM)                                                                                   \
    X(lstat64, EIO, ENOMEM)                                                                                  \
    X(fstatat64, EIO, ENOMEM)                                                                                \
    X(access, EIO, 0)                                                                                        \
    X(faccessat, EIO, 0)                                                                                     \
    X(readlink, EIO, 0)                                                                                      \
    X(readlinkat, EIO, 0)                                                                                    \
    X(mkdir, ENOSPC, 0)                                                                                      \
    X(mkdirat, ENOSPC, 0)                                                                                    \
    X(rmdir, EBUSY, 0)                                                                                       \
    X(unlink, EROFS, 0)                                                                                      \
    X(unlinkat, EROFS, 0)                                                                                    \
    X(rename, ENOSPC, 0)                                                                                     \
    X(renameat, ENOSPC, 0)                                                                                   \
    X(symlink, ENOSPC, 0)                                                                                    \
    X(symlinkat, ENOSPC, 0)                                                                                  \
    X(chmod, EROFS, 0)                                                                                       \
    X(fchmod, EROFS, 0)                                                                                      \
    X(fchown, EPERM, 0)                                                                                      \
    X(fchownat, EPERM, 0)                                                                                    \
    X(mkfifo, ENOSPC, 0)                                                                                     \
    X(mkostemp64, ENOSPC, 0)                                                                                 \
    X(sysinfo, EFAULT, 0)

enum fault_kind {
#define X(name, first, second) FAULT_##name,
    FAULT_KINDS_TABLE(X)
#undef X
    FAULT_KINDS,
};
