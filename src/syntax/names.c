/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, and the two loops that search them. */
#include "syntax/names.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <syslog.h>

struct named_number {
    const char *name;
    int number;
};

static int number_of(const struct named_number *table, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].number;
    return -EINVAL;
}

static const char *name_of(const struct named_number *table, size_t n, int number) {
    for (size_t i = 0; i < n; i++)
        if (table[i].number == number)
            return table[i].name;
    return NULL;
}

#define WHITESPACE_C " \t\n\r\v\f"

int uint64_parse(const char *s, uint64_t *ret) {
    uint64_t n = 0;
    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
            return -ERANGE;
    }
    *ret = n;
    return 0;
}

int number_parse(const char *s, int64_t *ret) {
    static const char digits[] = "0123456789abcdef";
    s += strspn(s, WHITESPACE_C);
    bool negative = *s == '-';
    s += *s == '-' || *s == '+';
    uint64_t base = 10, n = 0;
    if (s[0] == '0' && s[1]) {
        base = s[1] == 'x' || s[1] == 'X' ? 16 : s[1] == 'b' || s[1] == 'B' ? 2 : 8;
        s += base != 8 || s[1] == 'o' || s[1] == 'O' ? 2 : 1;
    }
    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        const char *digit = strchr(digits, *s >= 'A' && *s <= 'F' ? *s - 'A' + 'a' : *s);
        if (!digit || (uint64_t)(digit - digits) >= base)
            return -EINVAL;
        if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, (uint64_t)(digit - digits), &n) ||
            n > (uint64_t)INT64_MAX)
            return -ERANGE;
    }
    *ret = negative ? -(int64_t)n : (int64_t)n;
    return 0;
}

int permyriad_parse(const char *s, int64_t *ret) {
    static const struct {
        const char *text;
        size_t decimals; /* that make a ten-thousandth */
    } signs[] = { { "‱", 0 }, { "‰", 1 }, { "%", 2 } };
    for (size_t i = 0; i < ELEMENTS(signs); i++) {
        size_t n = strlen(s), n_sign = strlen(signs[i].text);
        if (n < n_sign || strcmp(s + n - n_sign, signs[i].text) != 0)
            continue;
        _cleanup_free_ char *whole = strndup(s, n - n_sign);
        if (!whole)
            return -ENOMEM;
        char *point = signs[i].decimals ? strchr(whole, '.') : NULL;
        size_t n_decimals = point ? strlen(point + 1) : 0;
        if (point && (n_decimals == 0 || n_decimals > signs[i].decimals ||
                      strspn(point + 1, "0123456789") != n_decimals))
            return -EINVAL;
        if (point)
            *point = 0;
        int64_t value;
        int r = number_parse(whole, &value);
        if (r < 0)
            return r;
        for (size_t d = 0; d < signs[i].decimals; d++)
            if (__builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, d < n_decimals ? point[1 + d] - '0' : 0, &value))
                return -ERANGE;
        if (value < 0 || value > INT_MAX)
            return -ERANGE;
        *ret = value;
        return 0;
    }
    return -EINVAL;
}

int int64_parse(const char *s, int64_t *ret) {
    bool negative = *s == '-';
    uint64_t n;
    int r = uint64_parse(s + (negative || *s == '+'), &n);
    if (r < 0)
        return r;
    if (n > (uint64_t)INT64_MAX)
        return -ERANGE;
    *ret = negative ? -(int64_t)n : (int64_t)n;
    return 0;
}

int bool_parse(const char *s) {
    static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
    static const char *const no[] = { "0", "no", "n", "false", "f", "off" };
    for (size_t i = 0; i < ELEMENTS(yes); i++) {
        if (strcasecmp(s, yes[i]) == 0)
            return 1;
        if (strcasecmp(s, no[i]) == 0)
            return 0;
    }
    return -EINVAL;
}

int mode_parse(const char *s, mode_t *ret) {
    mode_t mode = 0;
    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        if (*s < '0' || *s > '7')
            return -EINVAL;
        mode = mode * 8 + (mode_t)(*s - '0');
        if (mode > 07777)
            return -ERANGE;
    }
    *ret = mode;
    return 0;
}

const char *size_format(uint64_t bytes, char buffer[static SIZE_TEXT_MAX]) {
    static const char units[] = "EPTGMK";
    for (int i = 0; i < 6; i++) {
        uint64_t unit = UINT64_C(1) << (10 * (6 - i));
        if (bytes < unit)
            continue;
        snprintf(buffer, SIZE_TEXT_MAX, "%llu.%llu%c", (unsigned long long)(bytes / unit),
                 (unsigned long long)(bytes / (unit >> 10) * 10 / 1024 % 10), units[i]);
        return buffer;
    }
    snprintf(buffer, SIZE_TEXT_MAX, "%lluB", (unsigned long long)bytes);
    return buffer;
}

#define FRACTION_DIGITS 18

int size_parse(const char *s, uint64_t base, uint64_t *ret) {
    static const char suffixes[] = "BKMGTPE";
    uint64_t sum = 0;
    int last = (int)ELEMENTS(suffixes); /* a number without any is behind "B" */
    s += strspn(s, " \t");
    if (!*s)
        return -EINVAL;
    /* "3G 512M": largest first. */
    while (*s) {
        uint64_t n = 0, part, unit = 1;
        s += *s == '+';
        const char *digits = s;
        for (; *s >= '0' && *s <= '9'; s++)
            if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
                return -ERANGE;
        if (s == digits)
            return *s == '-' ? -ERANGE : -EINVAL;
        const char *fraction = s;
        size_t n_fraction = 0;
        if (*s == '.') {
            fraction = ++s;
            s += n_fraction = strspn(s, "0123456789");
        }
        s += strspn(s, " \t");
        const char *suffix = *s && !(*s >= '0' && *s <= '9') ? strchr(suffixes, *s) : suffixes;
        if (!suffix)
            return -EINVAL;
        int exponent = (int)(suffix - suffixes), place = *s == *suffix ? exponent : -1;
        s += place >= 0;
        if (place >= last)
            return -EINVAL;
        last = place;
        for (int i = 0; i < exponent; i++)
            if (__builtin_mul_overflow(unit, base, &unit))
                return -ERANGE;
        if (__builtin_mul_overflow(n, unit, &part) || __builtin_add_overflow(sum, part, &sum))
            return -ERANGE;
        /* "1.5G": what is less than a byte is dropped, and so are digits that cannot matter. */
        uint64_t counted = 0, of = 1, rest;
        for (size_t i = 0; i < n_fraction && i < FRACTION_DIGITS; i++) {
            counted = counted * 10 + (uint64_t)(fraction[i] - '0');
            of *= 10;
        }
        rest = (uint64_t)((unsigned __int128)counted * unit / of);
        if (__builtin_add_overflow(sum, rest, &sum))
            return -ERANGE;
        s += strspn(s, " \t");
    }
    *ret = sum;
    return 0;
}

/* --- signals -------------------------------------------------------------------------------------------- */

static const struct named_number signals[] = {
    { "HUP", SIGHUP },   { "INT", SIGINT },       { "QUIT", SIGQUIT }, { "ILL", SIGILL },
    { "TRAP", SIGTRAP }, { "ABRT", SIGABRT },     { "BUS", SIGBUS },   { "FPE", SIGFPE },
    { "KILL", SIGKILL }, { "USR1", SIGUSR1 },     { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
    { "PIPE", SIGPIPE }, { "ALRM", SIGALRM },     { "TERM", SIGTERM }, { "STKFLT", SIGSTKFLT },
    { "CHLD", SIGCHLD }, { "CONT", SIGCONT },     { "STOP", SIGSTOP }, { "TSTP", SIGTSTP },
    { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },     { "URG", SIGURG },   { "XCPU", SIGXCPU },
    { "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH },
    { "IO", SIGIO },     { "PWR", SIGPWR },       { "SYS", SIGSYS },
};

int signal_from_string(const char *s) {
    int64_t n;
    if (number_parse(s, &n) == 0)
        return n >= 1 && n < _NSIG ? (int)n : -EINVAL;
    if (strncmp(s, "SIG", 3) == 0)
        s += 3;
    int number = number_of(signals, ELEMENTS(signals), s);
    if (number > 0)
        return number;
    if (strncmp(s, "RTMIN", 5) == 0) {
        if (!s[5])
            return SIGRTMIN;
        if (s[5] == '+' && number_parse(s + 5, &n) == 0 && n >= 0 && n <= SIGRTMAX - SIGRTMIN)
            return SIGRTMIN + (int)n;
    }
    if (strncmp(s, "RTMAX", 5) == 0) {
        if (!s[5])
            return SIGRTMAX;
        if (s[5] == '-' && number_parse(s + 5, &n) == 0 && n <= 0 && n >= SIGRTMIN - SIGRTMAX)
            return SIGRTMAX + (int)n;
    }
    return -EINVAL;
}

const char *signal_to_string(int signal) {
    static _Thread_local char buffer[sizeof("RTMIN+") + 10];
    const char *name = name_of(signals, ELEMENTS(signals), signal);
    if (name)
        return name;
    if (signal == SIGRTMIN)
        return "RTMIN";
    if (signal > SIGRTMIN && signal <= SIGRTMAX) {
        snprintf(buffer, sizeof(buffer), "RTMIN+%d", signal - SIGRTMIN);
        return buffer;
    }
    return NULL;
}

/* --- exit statuses: systemd.exec(5), "Process Exit Codes" ----------------------------------------------- */

static const struct named_number exit_statuses[] = {
    { "SUCCESS", 0 },
    { "FAILURE", 1 },
    /* LSB */
    { "INVALIDARGUMENT", 2 },
    { "NOTIMPLEMENTED", 3 },
    { "NOPERMISSION", 4 },
    { "NOTINSTALLED", 5 },
    { "NOTCONFIGURED", 6 },
    { "NOTRUNNING", 7 },
    /* sysexits.h */
    { "USAGE", 64 },
    { "DATAERR", 65 },
    { "NOINPUT", 66 },
    { "NOUSER", 67 },
    { "NOHOST", 68 },
    { "UNAVAILABLE", 69 },
    { "SOFTWARE", 70 },
    { "OSERR", 71 },
    { "OSFILE", 72 },
    { "CANTCREAT", 73 },
    { "IOERR", 74 },
    { "TEMPFAIL", 75 },
    { "PROTOCOL", 76 },
    { "NOPERM", 77 },
    { "CONFIG", 78 },
    /* systemd */
    { "CHDIR", 200 },
    { "NICE", 201 },
    { "FDS", 202 },
    { "EXEC", 203 },
    { "MEMORY", 204 },
    { "LIMITS", 205 },
    { "OOM_ADJUST", 206 },
    { "SIGNAL_MASK", 207 },
    { "STDIN", 208 },
    { "STDOUT", 209 },
    { "CHROOT", 210 },
    { "IOPRIO", 211 },
    { "TIMERSLACK", 212 },
    { "SECUREBITS", 213 },
    { "SETSCHEDULER", 214 },
    { "CPUAFFINITY", 215 },
    { "GROUP", 216 },
    { "USER", 217 },
    { "CAPABILITIES", 218 },
    { "CGROUP", 219 },
    { "SETSID", 220 },
    { "CONFIRM", 221 },
    { "STDERR", 222 },
    { "PAM", 224 },
    { "NETWORK", 225 },
    { "NAMESPACE", 226 },
    { "NO_NEW_PRIVILEGES", 227 },
    { "SECCOMP", 228 },
    { "SELINUX_CONTEXT", 229 },
    { "PERSONALITY", 230 },
    { "APPARMOR", 231 },
    { "ADDRESS_FAMILIES", 232 },
    { "RUNTIME_DIRECTORY", 233 },
    { "CHOWN", 235 },
    { "SMACK_PROCESS_LABEL", 236 },
    { "KEYRING", 237 },
    { "STATE_DIRECTORY", 238 },
    { "CACHE_DIRECTORY", 239 },
    { "LOGS_DIRECTORY", 240 },
    { "CONFIGURATION_DIRECTORY", 241 },
    { "NUMA_POLICY", 242 },
    { "CREDENTIALS", 243 },
    { "BPF", 244 },
    { "KSM", 245 },
    { "EXCEPTION", 255 },
};

int exit_status_from_string(const char *s) {
    int64_t n;
    if (number_parse(s, &n) == 0)
        return n >= 0 && n <= 255 ? (int)n : -EINVAL;
    return number_of(exit_statuses, ELEMENTS(exit_statuses), s);
}

const char *exit_status_to_string(int status) {
    return name_of(exit_statuses, ELEMENTS(exit_statuses), status);
}

/* --- syslog facilities and limits ----------------------------------------------------------------------- */

static const struct named_number facilities[] = {
    { "kern", LOG_KERN },     { "user", LOG_USER },         { "mail", LOG_MAIL },
    { "daemon", LOG_DAEMON }, { "auth", LOG_AUTH },         { "syslog", LOG_SYSLOG },
    { "lpr", LOG_LPR },       { "news", LOG_NEWS },         { "uucp", LOG_UUCP },
    { "cron", LOG_CRON },     { "authpriv", LOG_AUTHPRIV }, { "ftp", LOG_FTP },
    { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },     { "local2", LOG_LOCAL2 },
    { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },     { "local5", LOG_LOCAL5 },
    { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
};

int facility_from_string(const char *s) {
    int64_t n;
    if (number_parse(s, &n) == 0)
        return n >= 0 && n <= LOG_FACMASK >> 3 ? (int)n << 3 : -EINVAL;
    return number_of(facilities, ELEMENTS(facilities), s);
}

const char *facility_to_string(int facility) {
    return name_of(facilities, ELEMENTS(facilities), facility);
}

static const struct named_number limits[] = {
    { "CPU", RLIMIT_CPU },           { "FSIZE", RLIMIT_FSIZE }, { "DATA", RLIMIT_DATA },
    { "STACK", RLIMIT_STACK },       { "CORE", RLIMIT_CORE },   { "RSS", RLIMIT_RSS },
    { "NOFILE", RLIMIT_NOFILE },     { "AS", RLIMIT_AS },       { "NPROC", RLIMIT_NPROC },
    { "MEMLOCK", RLIMIT_MEMLOCK },   { "LOCKS", RLIMIT_LOCKS }, { "SIGPENDING", RLIMIT_SIGPENDING },
    { "MSGQUEUE", RLIMIT_MSGQUEUE }, { "NICE", RLIMIT_NICE },   { "RTPRIO", RLIMIT_RTPRIO },
    { "RTTIME", RLIMIT_RTTIME },
};

int rlimit_from_string(const char *s) {
    return number_of(limits, ELEMENTS(limits), s);
}

const char *rlimit_to_string(int resource) {
    return name_of(limits, ELEMENTS(limits), resource);
}

/* --- address families ----------------------------------------------------------------------------------- */

static const struct named_number families[] = {
    { "AF_UNIX", AF_UNIX },
    { "AF_LOCAL", AF_LOCAL },
    { "AF_INET", AF_INET },
    { "AF_AX25", AF_AX25 },
    { "AF_IPX", AF_IPX },
    { "AF_APPLETALK", AF_APPLETALK },
    { "AF_NETROM", AF_NETROM },
    { "AF_BRIDGE", AF_BRIDGE },
    { "AF_ATMPVC", AF_ATMPVC },
    { "AF_X25", AF_X25 },
    { "AF_INET6", AF_INET6 },
    { "AF_ROSE", AF_ROSE },
    { "AF_DECnet", AF_DECnet },
    { "AF_NETBEUI", AF_NETBEUI },
    { "AF_SECURITY", AF_SECURITY },
    { "AF_KEY", AF_KEY },
    { "AF_NETLINK", AF_NETLINK },
    { "AF_ROUTE", AF_ROUTE },
    { "AF_PACKET", AF_PACKET },
    { "AF_ASH", AF_ASH },
    { "AF_ECONET", AF_ECONET },
    { "AF_ATMSVC", AF_ATMSVC },
    { "AF_RDS", AF_RDS },
    { "AF_SNA", AF_SNA },
    { "AF_IRDA", AF_IRDA },
    { "AF_PPPOX", AF_PPPOX },
    { "AF_WANPIPE", AF_WANPIPE },
    { "AF_LLC", AF_LLC },
    { "AF_IB", AF_IB },
    { "AF_MPLS", AF_MPLS },
    { "AF_CAN", AF_CAN },
    { "AF_TIPC", AF_TIPC },
    { "AF_BLUETOOTH", AF_BLUETOOTH },
    { "AF_IUCV", AF_IUCV },
    { "AF_RXRPC", AF_RXRPC },
    { "AF_ISDN", AF_ISDN },
    { "AF_PHONET", AF_PHONET },
    { "AF_IEEE802154", AF_IEEE802154 },
    { "AF_CAIF", AF_CAIF },
    { "AF_ALG", AF_ALG },
    { "AF_NFC", AF_NFC },
    { "AF_VSOCK", AF_VSOCK },
    { "AF_KCM", AF_KCM },
    { "AF_QIPCRTR", AF_QIPCRTR },
    { "AF_SMC", AF_SMC },
    { "AF_XDP", AF_XDP },
};

int address_family_from_string(const char *s) {
    for (size_t i = 0; i < ELEMENTS(families); i++)
        if (strcasecmp(families[i].name, s) == 0)
            return families[i].number;
    return -EINVAL;
}

const char *address_family_to_string(int family) {
    return name_of(families, ELEMENTS(families), family);
}

int pid_file_parse(const char *data, size_t size, pid_t *ret) {
    static const char blanks[] = " \t\r";
    const char *end = memchr(data, '\n', size);
    if (!end)
        end = data + size;
    while (data < end && *data && strchr(blanks, *data))
        data++;
    while (end > data && end[-1] && strchr(blanks, end[-1]))
        end--;
    char digits[16];
    size_t n = (size_t)(end - data);
    if (n >= sizeof(digits))
        return -ERANGE;
    memcpy(digits, data, n);
    digits[n] = 0;
    if (strlen(digits) != n) /* a NUL byte */
        return -EINVAL;
    int64_t number;
    int r = int64_parse(digits, &number);
    if (r < 0)
        return r;
    if (number <= 0)
        return -EINVAL;
    if (number > INT32_MAX)
        return -ERANGE;
    *ret = (pid_t)number;
    return 0;
}
