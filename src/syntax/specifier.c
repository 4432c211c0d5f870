/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/specifier.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

int specifier_expand(const char *text, const struct specifier_table *table, size_t max_length, char **ret) {
    _cleanup_text_ struct text out = {};
    text_add_n(&out, "", 0);
    while (*text) {
        size_t n = strcspn(text, "%");
        text_add_n(&out, text, n);
        text += n;
        if (*text == '%') {
            _cleanup_free_ char *value = NULL;
            int r = text[1] == '%' || !text[1] ? -ENOENT : table->lookup(table->userdata, text[1], &value);
            if (r < 0 && r != -ENOENT)
                return r;
            if (r >= 0)
                text_add(&out, value);
            else if (text[1] == '%' || !text[1])
                text_add_char(&out, '%');
            else if (isalnum((unsigned char)text[1]) && text[1] < 0x7f)
                return -EBADSLT;
            else
                text_add_n(&out, text, 2);
            text += text[1] ? 2 : 1;
        }
        if (out.len > max_length)
            return -ENAMETOOLONG;
    }
    char *taken = text_take(&out);
    if (!taken)
        return -ENOMEM;
    *ret = taken;
    return 0;
}
