/* SPDX-License-Identifier: Apache-2.0 */
/* What may be written behind a directive's equals sign, and what it then is. */
#include "base/strv.h"
#include "unit/types.h"
#include "unit/unit_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

/* Assigns "Name=value" lines to a unit named `unit` one after the other, and prints what D_id then is, with
 * what was said about the last of them. */
static void assign_lines(const char *unit_name, const char *lines, struct unit_file **ret,
                         struct text *said) {
    struct unit_file *unit = NULL;
    struct unit_specifiers specifiers;
    _cleanup_strv_ char **list = strv_split(lines, "\n");
    assert_int_equal(unit_file_new(unit_name, &unit), 0);
    unit_specifiers_init(&specifiers, unit, NULL);
    struct parse_at at = { .unit = unit->name, .specifiers = &specifiers.table };
    STRV_FOREACH (line, list) {
        char *equals = strchr(*line, '=');
        assert_non_null(equals);
        *equals = 0;
        const struct directive_row *row = directive_find(section_of_type(unit->type), *line);
        if (!row)
            row = directive_find(SECTION_UNIT, *line);
        assert_non_null(row);
        unit_file_assign(unit, row, &at, equals + 1);
    }
    text_add(said, at.why.s);
    text_free(&at.why);
    *ret = unit;
}

static void check_in(const char *unit_name, enum directive id, const char *lines, const char *expected,
                     const char *why) {
    struct unit_file *unit = NULL;
    _cleanup_text_ struct text printed = {}, said = {};
    assign_lines(unit_name, lines, &unit, &said);
    const struct value_type *type = directive_row(id)->type;
    type->print(type, unit_setting(unit, id), &printed);
    if (strcmp(text_str(&printed), expected) != 0)
        print_error("%s\n", lines);
    assert_string_equal(text_str(&printed), expected);
    if (!why)
        assert_string_equal(text_str(&said), "");
    else if (!strstr(text_str(&said), why)) {
        print_error("%s: said \"%s\"\n", lines, text_str(&said));
        fail();
    }
    unit_file_free(unit);
}

#define GOOD(id, lines, expected) check_in("a-b@c.service", D_##id, lines, expected, NULL)
#define BAD(id, lines, expected, why) check_in("a-b@c.service", D_##id, lines, expected, why)

static void every_row_has_a_default_that_its_type_reads(void **state) {
    size_t n;
    const struct directive_row *rows = directive_rows(&n);
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[i].sections);
        assert_true(rows[i].support == SUPPORT_YES || rows[i].support == SUPPORT_ALIAS || rows[i].note);
        if (!rows[i].type || !rows[i].initial || !*rows[i].initial)
            continue;
        union value value = rows[i].type->unset;
        struct parse_at at = { .unit = "a.service", .directive = rows[i].name };
        int r = rows[i].type->parse(rows[i].type, &at, rows[i].initial, &value);
        if (r < 0)
            print_error("%s=%s: %s\n", rows[i].name, rows[i].initial, text_str(&at.why));
        assert_int_equal(r, 0);
        if (rows[i].type->free)
            rows[i].type->free(&value);
    }
    for (int id = 0; id < DIRECTIVES; id++)
        assert_int_equal(directive_row(id)->id, id);
    assert_int_equal(directive_find(SECTION_MOUNT, "Type")->id, D_MountType);
    assert_int_equal(directive_find(SECTION_SERVICE, "Type")->id, D_Type);
    assert_null(directive_find(SECTION_SERVICE, "After"));
    assert_int_equal(directive_find(SECTION_UNIT, "BindTo")->id, D_BindsTo);
    assert_int_equal(directive_find(SECTION_SERVICE, "FailureAction")->id, D_FailureAction);
}

static void scalars(void **state) {
    GOOD(RemainAfterExit, "RemainAfterExit=1", "yes");
    BAD(RemainAfterExit, "RemainAfterExit=1\nRemainAfterExit=", "yes", "empty");
    BAD(RemainAfterExit, "RemainAfterExit=1\nRemainAfterExit=perhaps", "yes", "not a boolean");
    GOOD(PrivateMounts, "Nice=1", "");
    GOOD(PrivateMounts, "PrivateMounts=no", "no");
    GOOD(Restart, "Restart=on-failure", "on-failure");
    BAD(Restart, "Restart=sometimes", "no", "not one of no, on-success, on-failure");
    GOOD(Type, "Nice=0", "simple");
    GOOD(ProtectSystem, "ProtectSystem=true", "yes");
    GOOD(ProtectSystem, "ProtectSystem=strict", "strict");
    GOOD(PrivateTmp, "PrivateTmp=yes", "connected");
    GOOD(OnFailureJobMode, "OnFailureIsolate=yes", "isolate");
    GOOD(Nice, "Nice=-20", "-20");
    BAD(Nice, "Nice=20", "0", "not a number from -20 to 19");
    GOOD(UMask, "UMask=077", "0077");
    GOOD(KillSignal, "KillSignal=SIGINT", "2");
    GOOD(SyslogFacility, "SyslogFacility=local0", "16");
    GOOD(SyslogLevel, "Nice=0", "6");
    GOOD(OOMScoreAdjust, "OOMScoreAdjust=-1000", "-1000");
    GOOD(SuccessActionExitStatus, "Nice=0", "");
    GOOD(SuccessActionExitStatus, "SuccessActionExitStatus=0", "0");
    GOOD(SystemCallErrorNumber, "SystemCallErrorNumber=EPERM", "EPERM");
    GOOD(SystemCallErrorNumber, "SystemCallErrorNumber=kill", "kill");
    GOOD(MemoryMax, "MemoryMax=1G", "1073741824");
    GOOD(MemoryMax, "MemoryMax=infinity", "infinity");
    BAD(MemoryMax, "MemoryMax=0", "infinity", "a limit of nothing");
    GOOD(MemoryLow, "MemoryLow=0", "0");
    GOOD(CPUWeight, "CPUWeight=idle", "idle");
    GOOD(CPUQuota, "CPUQuota=150%", "150.00%");
    GOOD(IOSchedulingClass, "IOSchedulingClass=idle", "idle");
    GOOD(CPUSchedulingPolicy, "CPUSchedulingPolicy=idle", "idle");
    BAD(Capabilities, "Capabilities=all", "", "no longer supported");
}

static void times(void **state) {
    GOOD(RestartSec, "Nice=0", "100ms");
    GOOD(RestartSec, "RestartSec=5min 20s", "5min 20s");
    GOOD(RestartSec, "RestartSec=0", "0");
    GOOD(TimeoutStartSec, "TimeoutStartSec=0", "infinity");
    GOOD(TimeoutStartSec, "TimeoutSec=7", "7s");
    GOOD(TimeoutStopSec, "TimeoutSec=7", "7s");
    GOOD(TimeoutStopSec, "TimeoutSec=0", "infinity");
    BAD(TimeoutStopSec, "TimeoutSec=7\nTimeoutSec=", "7s", "empty");
    GOOD(JobTimeoutSec, "JobTimeoutSec=0", "infinity");
    BAD(RestartSec, "RestartSec=soon", "100ms", "not a time span");
    GOOD(TimerSlackNSec, "TimerSlackNSec=1us", "1000");
    GOOD(TimerSlackNSec, "TimerSlackNSec=50", "50");
    check_in("a.socket", D_SocketTimeoutSec, "TimeoutSec=3", "3s", NULL);
}

static void strings_and_paths(void **state) {
    GOOD(Description, "Description=The %p of %i: 100%%", "The a-b of c: 100%");
    GOOD(PIDFile, "PIDFile=x.pid", "/run/x.pid");
    GOOD(PIDFile, "PIDFile=/var//run/%p.pid", "/run/a-b.pid");
    BAD(PIDFile, "PIDFile=../x", "", "..");
    GOOD(WorkingDirectory, "WorkingDirectory=-~", "-~");
    GOOD(WorkingDirectory, "WorkingDirectory=-/a//b/", "-/a/b");
    BAD(WorkingDirectory, "WorkingDirectory=a", "", "not an absolute path");
    GOOD(User, "User=www-data\nUser=", "");
    BAD(User, "User=a:b", "", "not a user or group name");
    BAD(User, "User=4294967295", "", "not a user or group id");
    GOOD(Slice, "Slice=a-b.slice", "a-b.slice");
    BAD(Slice, "Slice=a.service", "", "not the name of a slice");
    GOOD(BusName, "BusName=org.example.Name", "org.example.Name");
    BAD(BusName, "BusName=org..x", "", "not a bus name");
    GOOD(StandardOutput, "StandardOutput=append:/var/log/%p", "append:/var/log/a-b");
    GOOD(StandardOutput, "StandardOutput=syslog", "journal");
    BAD(StandardOutput, "StandardOutput=file:rel", "journal", "not an absolute path");
    GOOD(StandardInputText, "StandardInputText=one\nStandardInputText=\\x41%n", "one\nAa-b@c.service\n");
    GOOD(StandardInputData, "StandardInputData=aGVs bG8=", "hello");
    GOOD(Delegate, "Delegate=cpu memory", "cpu memory");
    GOOD(RuntimeDirectoryPreserve, "RuntimeDirectoryPreserve=restart", "restart");
}

static void lists(void **state) {
    GOOD(After, "After=a.service b.target\nAfter=c.socket a.service", "a.service b.target c.socket");
    GOOD(After, "After=a.service\nAfter=", "a.service");
    BAD(After, "After=a foo@.service b.target", "foo@c.service b.target", "'a': not a unit name");
    check_in("plain.service", D_After, "After=foo@.service", "foo@plain.service", NULL);
    BAD(Documentation, "Documentation=man:x(1) ftp://x", "\"man:x(1)\"", "not a documentation URI");
    GOOD(RequiresMountsFor, "RequiresMountsFor=/a/ \"/b c\"", "/a \"/b c\"");
    GOOD(ReadWritePaths, "ReadWritePaths=-/a +/b -+/c/", "-/a +/b -+/c");
    GOOD(Environment, "Environment=A=1 \"B=2 3\" C=%i\nEnvironment=A=4", "A=4 \"B=2 3\" C=c");
    BAD(Environment, "Environment=A=1 B", "A=1", "'B': not an assignment");
    BAD(Environment, "Environment=\"A=1", "", "bad quoting");
    GOOD(EnvironmentFile, "EnvironmentFile=-/etc/default/%p\nEnvironmentFile=/x y",
         "-/etc/default/a-b\n/x y");
    GOOD(UnsetEnvironment, "UnsetEnvironment=A B=1", "A B=1");
    GOOD(BindPaths, "BindPaths=/a -/b:/c /d:/e:norbind", "/a:/a:rbind -/b:/c:rbind /d:/e:norbind");
    GOOD(RuntimeDirectory, "RuntimeDirectory=a b/c:d", "a b/c:d");
    BAD(RuntimeDirectory, "RuntimeDirectory=/a private/x ../y z", "z", "'/a'");
    GOOD(ExecSearchPath, "ExecSearchPath=/a:/b", "/a:/b");
    GOOD(SystemCallFilter, "SystemCallFilter=@system-service\nSystemCallFilter=~@mount swapon:EPERM",
         "@system-service\n~@mount swapon:EPERM");
    GOOD(SystemCallFilter, "SystemCallFilter=~", "~");
    GOOD(RestrictAddressFamilies, "RestrictAddressFamilies=none", "none");
    BAD(RestrictAddressFamilies, "RestrictAddressFamilies=AF_UNIX AF_X", "AF_UNIX", "'AF_X'");
    GOOD(DeviceAllow, "DeviceAllow=/dev/null\nDeviceAllow=char-pts rw", "/dev/null rwm\nchar-pts rw");
    GOOD(IPAddressAllow, "IPAddressAllow=localhost 192.0.2.0/24 ::1",
         "::1/128 127.0.0.0/8 192.0.2.0/24 ::1/128");
    GOOD(CPUAffinity, "CPUAffinity=0-3,5 7", "0-3 5 7");
    GOOD(LoadCredential, "LoadCredential=a:/x\nLoadCredential=b\nLoadCredential=a:/y", "a:/y\nb:b");
    GOOD(SetCredential, "SetCredential=a:x\\x41:y", "a:xA:y");
    GOOD(LogExtraFields, "LogExtraFields=A=1 \"B=2 3\"", "A=1 \"B=2 3\"");
}

static void sets(void **state) {
    GOOD(CapabilityBoundingSet,
         "CapabilityBoundingSet=CAP_KILL cap_chown\nCapabilityBoundingSet=CAP_SYS_ADMIN",
         "cap_chown cap_kill cap_sys_admin");
    GOOD(CapabilityBoundingSet, "CapabilityBoundingSet=CAP_KILL CAP_CHOWN\nCapabilityBoundingSet=~CAP_KILL",
         "cap_chown");
    GOOD(CapabilityBoundingSet, "CapabilityBoundingSet=CAP_KILL\nCapabilityBoundingSet=", "");
    GOOD(AmbientCapabilities, "Nice=0", "");
    BAD(AmbientCapabilities, "AmbientCapabilities=CAP_KILL CAP_X", "cap_kill", "'CAP_X': not a capability");
    GOOD(RestrictNamespaces, "RestrictNamespaces=yes", "yes");
    GOOD(RestrictNamespaces, "RestrictNamespaces=net user\nRestrictNamespaces=~user", "net");
    GOOD(RestrictNamespaces, "Nice=0", "no");
    GOOD(SecureBits, "SecureBits=keep-caps noroot", "keep-caps noroot");
    GOOD(SuccessExitStatus, "SuccessExitStatus=143 TEMPFAIL\nSuccessExitStatus=SIGKILL", "75 143 SIGKILL");
    GOOD(SuccessExitStatus, "SuccessExitStatus=1\nSuccessExitStatus=", "");
    GOOD(LimitNOFILE, "LimitNOFILE=1024:4096", "1024:4096");
    GOOD(LimitNOFILE, "LimitNOFILE=infinity", "infinity");
    BAD(LimitNOFILE, "LimitNOFILE=5:4", "", "soft limit above");
    GOOD(LimitCORE, "LimitCORE=1K", "1024");
    GOOD(LimitCPU, "LimitCPU=1min", "60");
    GOOD(LimitRTTIME, "LimitRTTIME=1ms", "1000");
    GOOD(LimitNICE, "LimitNICE=-5", "25");
    GOOD(CoredumpFilter, "CoredumpFilter=default 0x40", "0x73");
}

static void commands(void **state) {
    GOOD(ExecStart, "ExecStart=/bin/sh -c \"echo 'a b'\"", "/bin/sh -c \"echo 'a b'\"");
    GOOD(ExecStart, "ExecStart=-/bin//true", "-@/bin/true /bin//true");
    BAD(ExecStart, "ExecStart=+!!/x", "", "neither");
    GOOD(ExecStart, "ExecStart=:-@/bin/sh sh %i $X ${Y}", "-@:/bin/sh sh c \"$X\" \"${Y}\"");
    GOOD(ExecStart, "ExecStart=true a ; false b \\; c ;d", "true a\nfalse b \\; c \";d\"");
    GOOD(ExecStart, "ExecStart=/a\nExecStart=\nExecStart=/b", "/b");
    GOOD(ExecStart, "ExecStart=!!/a", "!!/a");
    GOOD(ExecStart, "ExecStart=!/a", "!/a");
    GOOD(ExecStart, "ExecStart=; /a ; ; /b ;", "/a\n/b");
    BAD(ExecStart, "ExecStart=/ok\nExecStart=/a ; b/c", "/ok\n/a",
        "neither an absolute path nor a file name");
    BAD(ExecStart, "ExecStart=/a \"b", "", "not closed");
    BAD(ExecStart, "ExecStart=/a \\z\\n", "/a \"\\\\z\\n\"", "unknown escape");
    BAD(ExecStart, "ExecStart=@/a", "", "missing after @");
    BAD(ExecStart, "ExecStart=/a/", "", "is a directory");
    BAD(ExecStart, "ExecStart=-", "", "no program");
    BAD(ExecStart, "ExecStart=--/a", "", "neither");
}

static void a_bad_command_is_fatal_unless_it_may_fail(void **state) {
    struct unit_file *unit = NULL;
    struct parse_at at = { .unit = "a.service" };
    const struct directive_row *row = directive_row(D_ExecStart);
    assert_int_equal(unit_file_new("a.service", &unit), 0);
    assert_int_equal(unit_file_assign(unit, row, &at, "a/b"), -ENOEXEC);
    assert_int_equal(unit_file_assign(unit, row, &at, "-a/b"), -EINVAL);
    assert_null(unit_commands(unit, D_ExecStart));
    assert_int_equal(unit_file_assign(unit, row, &at, "@+/bin/x y \"\""), 0);
    const struct exec_command_list *list = unit_commands(unit, D_ExecStart);
    assert_int_equal(list->n, 1);
    assert_int_equal(list->commands[0]->flags, EXEC_FULL_PRIVILEGES);
    assert_string_equal(list->commands[0]->path, "/bin/x");
    assert_string_equal(list->commands[0]->argv[0], "y");
    assert_string_equal(list->commands[0]->argv[1], "");
    assert_null(list->commands[0]->argv[2]);
    text_free(&at.why);
    unit_file_free(unit);
}

static void conditions_are_one_list(void **state) {
    GOOD(Conditions, "ConditionPathExists=|!/a//%i\nConditionVirtualization=!container\nAssertUser=root",
         "ConditionPathExists=|!/a/c\nConditionVirtualization=!container");
    GOOD(Asserts, "ConditionPathExists=/a\nAssertUser=root", "AssertUser=root");
    GOOD(Conditions, "ConditionPathExists=/a\nConditionUser=", "");
    BAD(Conditions, "ConditionPathExists=a", "", "not an absolute path");
    BAD(Conditions, "ConditionPathExists=/a/../b", "", "..");
}

static void what_a_socket_listens_on_is_one_list(void **state) {
    check_in("a@b.socket", D_Listen,
             "ListenStream=80\nListenDatagram=/run//%i\nListenFIFO=/x\nListenStream=@abs",
             "ListenStream=[::]:80\nListenDatagram=/run//b\nListenFIFO=/x\nListenStream=@abs", NULL);
    check_in("a.socket", D_Listen,
             "ListenStream=127.0.0.1:80\nListenStream=[0:0::1]:80\nListenStream=vsock::1",
             "ListenStream=127.0.0.1:80\nListenStream=[::1]:80\nListenStream=vsock::1", NULL);
    check_in("a.socket", D_Listen, "ListenStream=80\nListenFIFO=\nListenNetlink=kobject-uevent 1",
             "ListenNetlink=kobject-uevent 1", NULL);
    check_in("a.socket", D_Listen, "ListenStream=0", "", "not an address");
    check_in("a.socket", D_Listen, "ListenStream=1.2.3.4:x", "", "not an address and port");
    check_in("a.socket", D_Listen, "ListenFIFO=x", "", "not an absolute path");
}

static void timers_and_paths_are_lists_too(void **state) {
    check_in("a.timer", D_Timers, "OnBootSec=5min\nOnCalendar=daily", "OnBootSec=5min\nOnCalendar=*-*-* 00:00:00",
             NULL);
    check_in("a.timer", D_Timers, "OnBootSec=5min\nOnCalendar=", "", NULL);
    check_in("a.path", D_Paths, "PathExists=/a\nDirectoryNotEmpty=/b", "PathExists=/a\nDirectoryNotEmpty=/b",
             NULL);
}

static void settings_are_dropped_and_put(void **state) {
    struct unit_file *unit = NULL;
    struct text said = {};
    assign_lines("a.service", "Nice=5\nUser=x\nRestart=always", &unit, &said);
    text_free(&said);
    assert_true(unit_setting_written(unit, D_Nice));
    unit_setting_drop(unit, D_Nice);
    assert_false(unit_setting_written(unit, D_Nice));
    assert_int_equal(unit_number(unit, D_Nice), 0);
    assert_int_equal(unit_setting_put(unit, D_User, (union value){ .string = strdup("y") }), 0);
    assert_string_equal(unit_string(unit, D_User), "y");
    assert_int_equal(unit_setting_put(unit, D_Group, (union value){ .string = strdup("g") }), 0);
    assert_string_equal(unit_string(unit, D_Group), "g");
    assert_int_equal(unit_number(unit, D_Restart), RESTART_ALWAYS);
    for (size_t i = 1; i < unit->n_settings; i++)
        assert_true(unit->settings[i - 1].id < unit->settings[i].id);
    unit_file_free(unit);
}

/* A value that is printed and read again is the same value. */
static void what_is_printed_reads_back(void **state) {
    static const char *const lines[] = {
        "ExecStart=-:/bin/x a \"b c\" %% ; @/y z",
        "Environment=A=1 \"B=2 3\"",
        "CapabilityBoundingSet=CAP_KILL CAP_CHOWN",
        "SystemCallFilter=~@mount",
        "SuccessExitStatus=1 2 SIGTERM",
        "LimitNOFILE=1:2",
        "RestartSec=1h 5us",
        "UMask=0027",
        "RestrictNamespaces=net",
        "BindPaths=/a:/b",
        "SyslogLevel=debug",
        "KillMode=mixed",
    };
    for (size_t i = 0; i < ELEMENTS(lines); i++) {
        struct unit_file *a = NULL, *b = NULL;
        _cleanup_text_ struct text said = {}, printed = {};
        assign_lines("a.service", lines[i], &a, &said);
        enum directive id = a->settings[0].id;
        const struct value_type *type = directive_row(id)->type;
        text_addf(&printed, "%s=", directive_row(id)->name);
        size_t name = printed.len;
        type->print(type, &a->settings[0].value, &printed);
        for (char *s = printed.s + name; (s = strchr(s, '\n'));) { /* one line each */
            _cleanup_free_ char *rest = strdup(s + 1);
            *s = 0;
            printed.len = strlen(printed.s);
            text_addf(&printed, "\n%s=%s", directive_row(id)->name, rest);
            s = printed.s + printed.len - strlen(rest);
        }
        assign_lines("a.service", printed.s, &b, &said);
        assert_string_equal(text_str(&said), "");
        if (!type->equal(type, unit_setting(a, id), unit_setting(b, id)))
            print_error("%s\n", printed.s);
        assert_true(type->equal(type, unit_setting(a, id), unit_setting(b, id)));
        unit_file_free(a);
        unit_file_free(b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_default_that_its_type_reads),
        cmocka_unit_test(scalars),
        cmocka_unit_test(times),
        cmocka_unit_test(strings_and_paths),
        cmocka_unit_test(lists),
        cmocka_unit_test(sets),
        cmocka_unit_test(commands),
        cmocka_unit_test(a_bad_command_is_fatal_unless_it_may_fail),
        cmocka_unit_test(conditions_are_one_list),
        cmocka_unit_test(what_a_socket_listens_on_is_one_list),
        cmocka_unit_test(timers_and_paths_are_lists_too),
        cmocka_unit_test(settings_are_dropped_and_put),
        cmocka_unit_test(what_is_printed_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
