/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/varlink.h"
#include "base/fd.h"
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "systemd/journal/io.systemd.journal"
#define INTERFACE "io.systemd.Journal."
#define BLANKS " \t\r\n"

static const char *const methods[VARLINK_METHODS] = { "Synchronize", "Rotate", "FlushToVar", "RelinquishVar" };

static int socket_address(const char *runtime, struct sockaddr_un *ret) {
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/" SOCKET_NAME, runtime);
    return n < 0 || n >= (int)sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

int varlink_listen(const char *runtime) {
    struct sockaddr_un address;
    int r = socket_address(runtime, &address);
    if (r >= 0)
        r = mkdir_parents(address.sun_path, 0755);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void)unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(address.sun_path, 0600) < 0 ||
        listen(fd, 8) < 0)
        return -errno;
    return TAKE_FD(fd);
}

void varlink_unlink(const char *runtime) {
    struct sockaddr_un address;
    if (socket_address(runtime, &address) >= 0)
        (void)unlink(address.sun_path);
}

int varlink_accept(int fd) {
    _cleanup_close_ int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
        return -errno;
    struct ucred sender;
    socklen_t size = sizeof(sender);
    /* The same user where that is not root: a manager without privileges has clients without. */
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &sender, &size) < 0 || (sender.uid != 0 && sender.uid != geteuid()))
        return -EPERM;
    return TAKE_FD(client);
}

int varlink_read(int fd, struct varlink_buffer *b) {
    if (b->n == sizeof(b->data))
        return -E2BIG;
    ssize_t n = recv(fd, b->data + b->n, sizeof(b->data) - b->n, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        return -EPIPE;
    b->n += (size_t)n;
    return memchr(b->data, 0, b->n) != NULL;
}

/* The string behind "method": in an object; the only thing that is looked at. */
static const char *method_of(const char *json, size_t *ret_size) {
    const char *at = json + strspn(json, BLANKS);
    if (*at != '{' || !(at = strstr(at, "\"method\"")))
        return NULL;
    at += strlen("\"method\"");
    at += strspn(at, BLANKS);
    if (*at++ != ':')
        return NULL;
    at += strspn(at, BLANKS);
    if (*at++ != '"')
        return NULL;
    *ret_size = strcspn(at, "\"\\");
    return at;
}

int varlink_take(struct varlink_buffer *b) {
    char *end = memchr(b->data, 0, b->n);
    if (!end)
        return -EAGAIN;
    size_t size = 0, k = strlen(INTERFACE);
    const char *name = method_of(b->data, &size);
    int method = name ? -EOPNOTSUPP : -EBADMSG;
    for (int i = 0; name && i < VARLINK_METHODS; i++)
        if (size == k + strlen(methods[i]) && memcmp(name, INTERFACE, k) == 0 &&
            memcmp(name + k, methods[i], size - k) == 0)
            method = i;
    b->n -= (size_t)(end + 1 - b->data);
    memmove(b->data, end + 1, b->n);
    return method;
}

void varlink_reply(int fd, int error) {
    const char *text = error >= 0              ? "{\"parameters\":{}}"
                       : error == -EOPNOTSUPP ? "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{}}"
                                              : "{\"error\":\"io.systemd.System\",\"parameters\":{}}";
    (void)send(fd, text, strlen(text) + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}
