/* SPDX-License-Identifier: Apache-2.0 */
/* The systemd-escape applet: strings to unit names and back. systemd-escape(1). */
#include "base/text.h"
#include "cli/applets.h"
#include "unit/name.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] = "systemd-escape [OPTIONS...] STRING...\n"
                            "\n"
                            "Escapes strings for use in unit names.\n"
                            "\n"
                            "  --suffix=SUFFIX      append this unit suffix\n"
                            "  --template=TEMPLATE  insert each string as the instance of this template\n"
                            "  --instance           with --unescape: the instance of each unit name\n"
                            "  -u, --unescape       the way back\n"
                            "  -m, --mangle         make whole unit names, escaping only what must be\n"
                            "  -p, --path           the strings are paths\n"
                            "  -h, --help  --version\n";

struct options {
    const char *suffix, *template;
    bool instance, unescape, mangle, path;
};

enum { OPT_SUFFIX = 256, OPT_TEMPLATE, OPT_INSTANCE, OPT_VERSION };

static const struct option long_options[] = {
    { "suffix", required_argument, NULL, OPT_SUFFIX },
    { "template", required_argument, NULL, OPT_TEMPLATE },
    { "instance", no_argument, NULL, OPT_INSTANCE },
    { "unescape", no_argument, NULL, 'u' },
    { "mangle", no_argument, NULL, 'm' },
    { "path", no_argument, NULL, 'p' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPT_VERSION },
    {},
};

static int complain(const char *sentence, const char *about) {
    fprintf(stderr, "systemd-escape: %s%s%s\n", about ? about : "", about ? ": " : "", sentence);
    return -EINVAL;
}

/* 1: go on; else the exit status, negated. */
static int read_options(struct options *o, int argc, char **argv) {
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "hump", long_options, NULL)) >= 0;)
        switch (c) {
        case 'h':
            fputs(usage, stdout);
            return 0;
        case OPT_VERSION:
            puts("reeve " REEVE_VERSION);
            return 0;
        case OPT_SUFFIX:
            if (unit_type_from_string(optarg) < 0)
                return complain("not a unit suffix", optarg);
            o->suffix = optarg;
            break;
        case OPT_TEMPLATE:
            if (!unit_name_valid(optarg, UNIT_NAME_TEMPLATE))
                return complain("not the name of a template", optarg);
            o->template = optarg;
            break;
        case OPT_INSTANCE:
            o->instance = true;
            break;
        case 'u': /* of these two the last counts */
            o->unescape = true;
            o->mangle = false;
            break;
        case 'm':
            o->mangle = true;
            o->unescape = false;
            break;
        case 'p':
            o->path = true;
            break;
        default:
            return -EINVAL;
        }
    if (optind >= argc)
        return complain("no string given", NULL);
    if (o->template && o->suffix)
        return complain("--suffix= and --template= exclude each other", NULL);
    if ((o->template || o->suffix) && o->mangle)
        return complain("--suffix= and --template= do not go with --mangle", NULL);
    if (o->suffix && o->unescape)
        return complain("--suffix= does not go with --unescape", NULL);
    if (o->path && o->mangle)
        return complain("--path does not go with --mangle", NULL);
    if (o->instance && !o->unescape)
        return complain("--instance goes with --unescape only", NULL);
    if (o->instance && o->template)
        return complain("--instance and --template= exclude each other", NULL);
    return 1;
}

static int unescape_one(const struct options *o, const char *word, char **ret) {
    _cleanup_free_ char *template = NULL, *instance = NULL;
    if (o->template || o->instance) {
        if (!unit_name_valid(word, UNIT_NAME_INSTANCE))
            return complain("not the name of an instance", word);
        int r = unit_name_template(word, &template);
        if (r >= 0)
            r = unit_name_instance(word, &instance);
        if (r < 0)
            return r;
        if (o->template && strcmp(template, o->template) != 0)
            return complain("not of the given template", word);
        word = instance;
    }
    if (o->path && word[0] == '/')
        return -EINVAL;
    return o->path ? unit_name_path_unescape(word, ret) : unit_name_unescape(word, ret);
}

static int escape_one(const struct options *o, const char *word, char **ret) {
    _cleanup_free_ char *escaped = NULL;
    int r = o->path ? unit_name_path_escape(word, &escaped) : unit_name_escape(word, &escaped);
    if (r < 0)
        return r;
    if (o->template && !escaped[0])
        return -EINVAL;
    if (o->template)
        return unit_name_replace_instance(o->template, escaped, ret);
    _cleanup_text_ struct text whole = {};
    text_add(&whole, escaped);
    if (o->suffix)
        text_addf(&whole, ".%s", o->suffix);
    char *result = text_take(&whole);
    if (!result)
        return -ENOMEM;
    *ret = result;
    return 0;
}

int escape_main(int argc, char **argv) {
    struct options o = {};
    int r = read_options(&o, argc, argv);
    if (r <= 0)
        return r < 0;
    for (int i = optind; i < argc; i++) {
        _cleanup_free_ char *result = NULL;
        r = o.unescape ? unescape_one(&o, argv[i], &result)
            : o.mangle ? unit_name_mangle(argv[i], &result)
                       : escape_one(&o, argv[i], &result);
        if (r < 0) {
            complain(strerror(-r), argv[i]);
            return 1;
        }
        printf("%s%s", i > optind ? " " : "", result);
    }
    putchar('\n');
    return 0;
}
