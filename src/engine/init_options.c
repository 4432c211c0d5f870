/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/init_options.h"
#include "base/log.h"
#include "base/strv.h"
#include "syntax/names.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdint.h>

int init_options_parse(int argc, char **argv, struct init_options *o) {
    enum {
        OPT_UNIT = 256,
        OPT_LOG_LEVEL,
        OPT_SHOW_STATUS,
        OPT_SYSTEM,
        OPT_USER,
        OPT_DESERIALIZE,
        OPT_EXIT_WITH,
        OPT_ON_DEMAND,
        OPT_FOREGROUND,
        OPT_IGNORED
    };
    static const struct option long_options[] = {
        { "unit", required_argument, NULL, OPT_UNIT },
        { "log-level", required_argument, NULL, OPT_LOG_LEVEL },
        { "log-target", required_argument, NULL, OPT_IGNORED },
        { "show-status", optional_argument, NULL, OPT_SHOW_STATUS },
        { "system", no_argument, NULL, OPT_SYSTEM },
        { "user", no_argument, NULL, OPT_USER },
        { "deserialize", required_argument, NULL, OPT_DESERIALIZE },
        { "exit-with", required_argument, NULL, OPT_EXIT_WITH },
        { "on-demand", no_argument, NULL, OPT_ON_DEMAND },
        { "foreground", no_argument, NULL, OPT_FOREGROUND },
        { "log-color", optional_argument, NULL, OPT_IGNORED },
        { "log-location", optional_argument, NULL, OPT_IGNORED },
        { "log-time", optional_argument, NULL, OPT_IGNORED },
        { "dump-core", optional_argument, NULL, OPT_IGNORED },
        { "crash-shell", optional_argument, NULL, OPT_IGNORED },
        { "crash-reboot", optional_argument, NULL, OPT_IGNORED },
        { "crash-vt", required_argument, NULL, OPT_IGNORED },
        { "confirm-spawn", optional_argument, NULL, OPT_IGNORED },
        { "default-standard-output", required_argument, NULL, OPT_IGNORED },
        { "default-standard-error", required_argument, NULL, OPT_IGNORED },
        { "service-watchdogs", optional_argument, NULL, OPT_IGNORED },
        { "switched-root", no_argument, NULL, OPT_IGNORED },
        {}
    };
    *o = (struct init_options){ .log_level = -1, .show_status = -1, .state_fd = -1 };
    opterr = 0;
    optind = 1;
    int c;
    int64_t number;
    while ((c = getopt_long(argc, argv, "+b", long_options, NULL)) >= 0)
        switch (c) {
        case OPT_UNIT:
            o->unit = optarg;
            break;
        case OPT_LOG_LEVEL:
            o->log_level = log_level_from_string(optarg);
            if (o->log_level < 0)
                log_warning(
                    "--log-level=%s is not one of emerg, alert, crit, err, warning, notice, info, debug; ignored.",
                    optarg);
            break;
        case OPT_SHOW_STATUS:
            o->show_status = optarg ? bool_parse(optarg) : 1;
            break;
        case OPT_USER:
            o->user = true;
            break;
        case OPT_DESERIALIZE:
            if (int64_parse(optarg, &number) >= 0 && number >= 3 && number < INT_MAX)
                o->state_fd = (int)number;
            break;
        case OPT_EXIT_WITH:
            if (strv_add(&o->exit_with, optarg) < 0)
                return -ENOMEM;
            break;
        case OPT_ON_DEMAND:
            o->on_demand = true;
            break;
        case OPT_FOREGROUND:
            o->foreground = true;
            break;
        case '?':
            log_warning("Unknown option %s, ignored.", argv[optind - 1]);
            break;
        }
    return 0;
}
