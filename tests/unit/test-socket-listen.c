/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what a socket unit lists: names, owners, modes, options, and what is in the way. */
#include "base/fd.h"
#include "base/log.h"
#include "engine/socket_listen.h"
#include "unit/unit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct unit_file *file;
static char directory[64];
static unsigned warnings;

static void count(const struct log_record *record, void *userdata) {
    warnings += record->level <= LOG_WARNING;
}

static int set_up(void **state) {
    strcpy(directory, "/tmp/test-socket.XXXXXX");
    warnings = 0;
    log_set_sink(count, NULL);
    umask(022);
    return mkdtemp(directory) && unit_file_new("x.socket", &file) >= 0 ? 0 : -1;
}

static int tear_down(void **state) {
    unit_file_free(file);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static void set(const char *name, const char *format, ...) {
    char value[256];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    struct parse_at at = { .unit = "x.socket" };
    const struct directive_row *row = directive_find(SECTION_SOCKET, name);
    assert_non_null(row);
    assert_int_equal(unit_file_assign(file, row, &at, value), 0);
    text_free(&at.why);
}

static int open_port(size_t i, int *fd) {
    const struct listen_list *list = unit_object(file, D_Listen);
    const char *doing;
    *fd = -1;
    return socket_listen_open("x.socket", file, &list->items[i], fd, &doing);
}

static const struct listen_address *port(size_t i) {
    return &((const struct listen_list *)unit_object(file, D_Listen))->items[i];
}

static mode_t mode_of(const char *path) {
    struct stat st;
    return lstat(path, &st) < 0 ? 0 : st.st_mode;
}

static char *below(const char *name) {
    static char path[4][128];
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, 128, "%s/%s", directory, name);
    return p;
}

static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void test_path_gets_its_mode_owner_and_directories(void **state) {
    set("ListenStream", "%s", below("deep/er/x.sock"));
    set("SocketMode", "0660");
    set("DirectoryMode", "0711");
    if (geteuid() == 0) {
        set("SocketUser", "1234");
        set("SocketGroup", "4321");
    }
    int fd;
    assert_int_equal(open_port(0, &fd), 0);
    assert_int_equal(mode_of(below("deep/er/x.sock")), S_IFSOCK | 0660);
    assert_int_equal(mode_of(below("deep")), S_IFDIR | 0711);
    if (geteuid() == 0) {
        struct stat st;
        stat(below("deep/er/x.sock"), &st);
        assert_int_equal(st.st_uid, 1234);
        assert_int_equal(st.st_gid, 4321);
    }
    assert_int_equal(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0); /* the service decides, by NonBlocking= */
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    assert_int_equal(umask(022), 022);
}

static void test_stale_socket_is_replaced_other_files_stay(void **state) {
    set("ListenStream", "%s", below("x.sock"));
    int fd;
    assert_int_equal(open_port(0, &fd), 0);
    close(fd);
    assert_int_equal(open_port(0, &fd), 0);
    close(fd);
    unlink(below("x.sock"));
    close(open(below("x.sock"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(open_port(0, &fd), -EADDRINUSE);
    assert_int_equal(mode_of(below("x.sock")), S_IFREG | 0600);
}

static void test_fifo_is_open_for_ever_and_keeps_its_file(void **state) {
    set("ListenFIFO", "%s", below("fifo"));
    set("SocketMode", "0622");
    set("PipeSize", "128K");
    int fd;
    assert_int_equal(open_port(0, &fd), 0);
    assert_int_equal(mode_of(below("fifo")), S_IFIFO | 0622);
    assert_int_equal(fcntl(fd, F_GETPIPE_SZ), 128 * 1024);
    int writer = open(below("fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(writer >= 0);
    assert_int_equal(write(writer, "x", 1), 1);
    close(writer);
    socket_listen_flush(port(0), fd);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    char c;
    assert_true(read(fd, &c, 1) < 0 && errno == EAGAIN); /* no end of file, though the writer is gone */
    close(fd);
    assert_int_equal(open_port(0, &fd), 0);
    close(fd);
    unlink(below("fifo"));
    mkdir(below("fifo"), 0700);
    assert_true(open_port(0, &fd) < 0);
}

static void test_special_file_must_be_there(void **state) {
    set("ListenSpecial", "/dev/null");
    set("ListenSpecial", "%s", below("missing"));
    set("ListenSpecial", "%s", directory);
    int fd;
    assert_int_equal(open_port(0, &fd), 0);
    close(fd);
    assert_int_equal(open_port(1, &fd), -ENOENT);
    assert_int_equal(open_port(2, &fd), -EEXIST);
}

static void test_stream_options(void **state) {
    set("ListenStream", "127.0.0.1:47391");
    set("KeepAlive", "yes");
    set("KeepAliveTimeSec", "77");
    set("KeepAliveProbes", "5");
    set("NoDelay", "yes");
    set("ReusePort", "yes");
    set("FreeBind", "yes");
    set("IPTOS", "16");
    set("IPTTL", "9");
    set("DeferAcceptSec", "3");
    set("Timestamping", "us");
    set("ReceiveBuffer", "64K");
    int fd;
    assert_int_equal(open_port(0, &fd), 0);
    assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 5);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
    assert_int_equal(option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    assert_int_equal(option(fd, IPPROTO_IP, IP_FREEBIND), 1);
    assert_int_equal(option(fd, IPPROTO_IP, IP_TOS), 16);
    assert_int_equal(option(fd, IPPROTO_IP, IP_TTL), 9);
    assert_true(option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0);
    assert_int_equal(option(fd, SOL_SOCKET, SO_TIMESTAMP), 1);
    assert_true(option(fd, SOL_SOCKET, SO_RCVBUF) >= 64 * 1024);
    assert_int_equal(warnings, 0);
    close(fd);
}

static void test_option_that_the_kernel_refuses_is_a_warning(void **state) {
    set("ListenStream", "127.0.0.1:47392");
    set("TCPCongestion", "nosuchalgorithm");
    int fd;
    assert_int_equal(open_port(0, &fd), 0);
    assert_int_equal(warnings, 1);
    close(fd);
}

static void test_address_in_use_is_said(void **state) {
    set("ListenStream", "127.0.0.1:47393");
    set("ListenStream", "127.0.0.1:47393");
    int first, second;
    assert_int_equal(open_port(0, &first), 0);
    assert_int_equal(open_port(1, &second), -EADDRINUSE);
    close(first);
}

static void test_datagrams_pass_credentials(void **state) {
    set("ListenDatagram", "@test-socket-listen-%d", (int)getpid());
    set("PassCredentials", "yes");
    int fd;
    assert_int_equal(open_port(0, &fd), 0);
    assert_int_equal(option(fd, SOL_SOCKET, SO_PASSCRED), 1);
    assert_int_equal(option(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    close(fd);
}

static void test_port_alone_listens_on_v4_too(void **state) {
    set("ListenStream", "47394");
    int fd;
    assert_int_equal(open_port(0, &fd), 0);
    _cleanup_close_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons(47394),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (connect(client, (struct sockaddr *)&in, sizeof(in)) < 0 && errno == ENETUNREACH) {
        close(fd);
        skip(); /* no loopback up here */
    }
    socket_listen_flush(port(0), fd);
    char c;
    assert_int_equal(read(client, &c, 1), 0); /* accepted and closed */
    close(fd);
}

static void test_links_are_made_and_removed(void **state) {
    set("ListenStream", "%s", below("x.sock"));
    set("Symlinks", "%s", below("link/here"));
    set("RemoveOnStop", "yes");
    int fd;
    assert_int_equal(open_port(0, &fd), 0);
    socket_listen_link("x.socket", file, port(0));
    socket_listen_link("x.socket", file, port(0)); /* again is fine */
    assert_int_equal(mode_of(below("link/here")) & S_IFMT, S_IFLNK);
    assert_int_equal(warnings, 0);
    socket_listen_remove(file, port(0));
    assert_int_equal(mode_of(below("link/here")), 0);
    assert_int_equal(mode_of(below("x.sock")), 0);
    close(fd);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_path_gets_its_mode_owner_and_directories),
        TEST(test_stale_socket_is_replaced_other_files_stay),
        TEST(test_fifo_is_open_for_ever_and_keeps_its_file),
        TEST(test_special_file_must_be_there),
        TEST(test_stream_options),
        TEST(test_option_that_the_kernel_refuses_is_a_warning),
        TEST(test_address_in_use_is_said),
        TEST(test_datagrams_pass_credentials),
        TEST(test_port_alone_listens_on_v4_too),
        TEST(test_links_are_made_and_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
