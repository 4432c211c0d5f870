/* SPDX-License-Identifier: Apache-2.0 */
/* Variables in command lines: the input's first line is the value of A, the rest the words, one a line. */
#include "exec/expand.h"

#include "base/strv.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    _cleanup_free_ char *text = strndup((const char *)data, size);
    _cleanup_strv_ char **words = text ? strv_split(text, "\n") : NULL, **env = NULL;
    if (!words || !words[0] || strv_addf(&env, "A=%s", words[0]) < 0)
        return 0;
    struct arena *a = arena_new();
    char **result = a ? expand_words(a, words + 1, env) : NULL;
    for (size_t i = 0; result && result[i]; i++)
        if (strlen(result[i]) == SIZE_MAX)
            abort();
    arena_free(a);
    return 0;
}
