/* SPDX-License-Identifier: Apache-2.0 */
/* Names of libc that the linker takes from here: libc's own bring message catalogues, locales, the conversion of
 * character sets and, behind those, dlopen() into the binary, which must never run in PID 1 (base/nss.c says why), and
 * half a megabyte. Nothing of ours calls them; libc and libdbus refer to them. For the static binary alone. Should
 * another libc lack or add one of these names, the linker says so. */
#include "base/macro.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <wchar.h>

/* No header of libc declares them. */
char *__dcgettext(const char *domain, const char *message, int category);
_Noreturn void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function);
int __fxprintf(FILE *to, const char *format, ...) _printf_(2, 3);
void __vsyslog_chk(int priority, int flag, const char *format, va_list args) _printf_(3, 0);
void openlog(const char *identifier, int options, int facility);
int __fxprintf_nocancel(FILE *to, const char *format, ...) _printf_(2, 3);
_Noreturn void _Unwind_Resume(void *exception);
_Noreturn int __gcc_personality_v0(void);
int __isoc99_sscanf(const char *text, const char *format, ...) __attribute__((__format__(scanf, 2, 3)));
extern int __gconv_lock;
extern const uintptr_t __wcsmbs_gconv_fcts_c[4];
void __gconv_release_step(void *step);
int __libio_codecvt_out(void);
int __libio_codecvt_in(void);
int __libio_codecvt_encoding(void);
int __libio_codecvt_length(void);
int _IO_fwide(FILE *stream, int mode);
int __wcsmbs_named_conv(void);
size_t __wcrtomb(char *to, wchar_t wide, mbstate_t *state);
size_t __wcsrtombs(char *to, const wchar_t **from, size_t size, mbstate_t *state);

/* Messages are not translated. */
char *__dcgettext(const char *domain, const char *message, int category) {
    return (char *)message;
}

static void say(const char *text) {
    (void)!write(STDERR_FILENO, text, strlen(text));
}

/* libc's own assertions; ours has none. */
void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function) {
    say("reeve: ");
    say(function);
    say(": ");
    say(assertion);
    say(" does not hold\n");
    abort();
}

/* What getopt(3) complains with. */
int __fxprintf(FILE *to, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vfprintf(to ? to : stderr, format, args);
    va_end(args);
    return n;
}

int __fxprintf_nocancel(FILE *to, const char *format, ...) __attribute__((alias("__fxprintf")));

/* libdbus's warnings, were it told to send them to the system log: it is not. */
void __vsyslog_chk(int priority, int flag, const char *format, va_list args) {
}

void openlog(const char *identifier, int options, int facility) {
}

/* tzset(3) reads time zones with it, and nobody else: literals, %hu and %n are all it takes. */
int __isoc99_sscanf(const char *text, const char *format, ...) {
    const char *p = text;
    int n = 0;
    bool going = true;
    va_list args;
    va_start(args, format);
    for (; *format && going; format++) {
        if (*format != '%') {
            going = *p == *format;
            p += going;
        } else if (strncmp(format, "%hu", 3) == 0) {
            unsigned value = 0;
            going = *p >= '0' && *p <= '9';
            for (; *p >= '0' && *p <= '9'; p++)
                value = value * 10 + (unsigned)(*p - '0');
            if (going) {
                *va_arg(args, unsigned short *) = (unsigned short)value;
                n++;
            }
            format += 2;
        } else if (strncmp(format, "%n", 2) == 0) {
            *va_arg(args, int *) = (int)(p - text);
            format++;
        } else
            abort();
    }
    va_end(args);
    return n;
}

/* One of each instead of one for each processor: they are used on short strings, and seldom. */
char *strncpy(char *to, const char *from, size_t size) {
    size_t n = strnlen(from, size);
    memset(mempcpy(to, from, n), 0, size - n);
    return to;
}

static int fold(char c) {
    return c >= 'A' && c <= 'Z' ? c | 0x20 : (unsigned char)c;
}

static int compare(const char *a, const char *b, size_t size) {
    for (; size > 0; size--, a++, b++)
        if (fold(*a) != fold(*b) || !*a)
            return fold(*a) - fold(*b);
    return 0;
}

int strncasecmp(const char *a, const char *b, size_t size) {
    return compare(a, b, size);
}

int strcasecmp(const char *a, const char *b) {
    return compare(a, b, SIZE_MAX);
}

/* Frames are unwound by C++ and by threads that are cancelled: there are neither. */
void _Unwind_Resume(void *exception) {
    abort();
}

int __gcc_personality_v0(void) {
    abort();
}

/* Streams and formats of wide characters: what would convert them. */
int __gconv_lock;
const uintptr_t __wcsmbs_gconv_fcts_c[4]; /* steps from bytes to wide characters and back: none */

void __gconv_release_step(void *step) {
}

int __wcsmbs_named_conv(void) {
    return 1; /* there is no such character set */
}

int __libio_codecvt_out(void) {
    return 2; /* an error */
}
int __libio_codecvt_in(void) __attribute__((alias("__libio_codecvt_out")));

int __libio_codecvt_encoding(void) {
    return 1; /* byte a character */
}

int __libio_codecvt_length(void) {
    return 0;
}

int _IO_fwide(FILE *stream, int mode) {
    if (stream->_mode == 0 && mode != 0)
        stream->_mode = -1;
    return stream->_mode;
}

size_t __wcrtomb(char *to, wchar_t wide, mbstate_t *state) {
    errno = EILSEQ;
    return (size_t)-1;
}

size_t __wcsrtombs(char *to, const wchar_t **from, size_t size, mbstate_t *state) {
    errno = EILSEQ;
    return (size_t)-1;
}
