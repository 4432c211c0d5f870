/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of data objects, decompressed by the libraries that made them. Knows no files. */
#include "journal/read_private.h"

#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <string.h>
#include <zstd.h>

/* journald writes no larger ones. */
#define PAYLOAD_MAX (768u << 20)
/* What XZ's decoder may take: its dictionary, mostly. */
#define XZ_MEMORY_MAX (128u << 20)

static int reserve(char **buffer, size_t *size, size_t need) {
    if (need <= *size)
        return 0;
    char *more = realloc(*buffer, need);
    if (!more)
        return -ENOMEM;
    *buffer = more;
    *size = need;
    return 0;
}

/* libzstd also knows how files of 2015 and 2016 were written, before there was a format to keep: 80 kB that no
 * journal has ever needed. With these names taken they are not linked; from_zstd() refuses such a file before they
 * could be called. */
#define LEGACY(version)                                                                                       \
    X(ZBUFFv##version##_createDCtx) X(ZBUFFv##version##_decompressContinue)                                    \
    X(ZBUFFv##version##_decompressInitDictionary) X(ZBUFFv##version##_freeDCtx) X(ZSTDv##version##_createDCtx) \
    X(ZSTDv##version##_decompress_usingDict) X(ZSTDv##version##_findFrameSizeInfoLegacy)                       \
    X(ZSTDv##version##_freeDCtx) X(ZSTDv##version##_getFrameParams)
#define X(name)         \
    size_t name(void);  \
    size_t name(void) { \
        return 0;       \
    }
LEGACY(05)
LEGACY(06)
LEGACY(07)
#undef X

static int from_zstd(const void *from, size_t n, char **buffer, size_t *size, size_t *ret) {
    le32_t magic;
    if (n < sizeof magic)
        return -EBADMSG;
    memcpy(&magic, from, sizeof magic);
    if (le32(magic) != ZSTD_MAGICNUMBER)
        return -EBADMSG;
    unsigned long long need = ZSTD_getFrameContentSize(from, n);
    if (need == ZSTD_CONTENTSIZE_ERROR || need == ZSTD_CONTENTSIZE_UNKNOWN || need > PAYLOAD_MAX)
        return -EBADMSG;
    int r = reserve(buffer, size, (size_t)need + 1);
    if (r < 0)
        return r;
    size_t got = ZSTD_decompress(*buffer, (size_t)need, from, n);
    if (ZSTD_isError(got))
        return -EBADMSG;
    *ret = got;
    return 0;
}

static int from_lz4(const void *from, size_t n, char **buffer, size_t *size, size_t *ret) {
    le64_t need;
    if (n <= sizeof need)
        return -EBADMSG;
    memcpy(&need, from, sizeof need);
    if (le64(need) > PAYLOAD_MAX || n - sizeof need > PAYLOAD_MAX)
        return -EBADMSG;
    int r = reserve(buffer, size, (size_t)le64(need) + 1);
    if (r < 0)
        return r;
    int got = LZ4_decompress_safe((const char *)from + sizeof need, *buffer, (int)(n - sizeof need), (int)le64(need));
    if (got < 0 || (uint64_t)got != le64(need))
        return -EBADMSG;
    *ret = (size_t)got;
    return 0;
}

static int from_xz(const void *from, size_t n, char **buffer, size_t *size, size_t *ret) {
    lzma_stream s = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&s, XZ_MEMORY_MAX, 0) != LZMA_OK)
        return -ENOMEM;
    s.next_in = from;
    s.avail_in = n;
    int r = 0;
    lzma_ret code = LZMA_OK;
    while (r >= 0 && code == LZMA_OK) {
        size_t done = (size_t)s.total_out;
        r = done >= PAYLOAD_MAX ? -EBADMSG : reserve(buffer, size, MAX(2 * done, MAX(4 * n, (size_t)4096)));
        if (r < 0)
            break;
        s.next_out = (uint8_t *)*buffer + done;
        s.avail_out = *size - done;
        code = lzma_code(&s, LZMA_FINISH);
    }
    *ret = (size_t)s.total_out;
    lzma_end(&s);
    return r < 0 ? r : code == LZMA_STREAM_END ? 0 : -EBADMSG;
}

int decompress(unsigned flags, const void *from, size_t n, char **buffer, size_t *buffer_size, size_t *ret_size) {
    switch (flags & JOURNAL_OBJECT_COMPRESSED) {
    case JOURNAL_OBJECT_ZSTD:
        return from_zstd(from, n, buffer, buffer_size, ret_size);
    case JOURNAL_OBJECT_LZ4:
        return from_lz4(from, n, buffer, buffer_size, ret_size);
    case JOURNAL_OBJECT_XZ:
        return from_xz(from, n, buffer, buffer_size, ret_size);
    }
    return -EBADMSG;
}
