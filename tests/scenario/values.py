# SPDX-License-Identifier: Apache-2.0
"""Values of every kind, documented, collected and made up, as settings of units: what both managers show for them must be
the same, and so what they refuse. Many kinds share a unit, one line each; what can spoil a whole unit has its own."""

import json
import os
import random
import re
import subprocess

from both import OF_THE_MACHINE, normal
from engine import binary

QUICK = 8  # values of a kind in `make check`
DICE = int(os.environ.get("LANGUAGE_SEED", "4"))  # another one makes up other values

# Where reeve answers otherwise on purpose, and why.
DELIBERATE = [(re.compile(pattern, re.S), why) for pattern, why in (
    (r"=.*%c", "the name of the unit's control group, which in a container is nobody's to know"),
    (r"=.*%D|^SocketProtocol=mptcp|^(State|Runtime|Cache)Directory=.*:.*:|^(WantsMountsFor|PrivateMounts|FileDescriptorStoreMax|ProtectClock)=",
     "as 257 has it, of which 252 knows nothing, or something else"),
    (r"^(Type|OOMPolicy)=/a/\.\./b\.pid", "PIDFile= with .. : 252 gives up reading there, with an internal error; reeve leaves the line out and says so"),
    (r"^LogNamespace=", "there is one log, and so no socket of another to wait for"),
    (r"^Restrict(FileSystems|NetworkInterfaces)=", "needs BPF: where the kernel has none 252 forgets the one, and keeps of the other that it was a list of what is allowed"),
)]
# Lists that are read and kept, but shown empty: of devices, images and programs that no container hands out.
NOT_SHOWN = {"RootImageOptions", "MountImages", "ExtensionImages", "IODeviceWeight", "IOReadBandwidthMax", "IOWriteBandwidthMax", "IOReadIOPSMax",
             "IOWriteIOPSMax", "IODeviceLatencyTargetSec", "BlockIODeviceWeight", "BlockIOReadBandwidth", "BlockIOWriteBandwidth",
             "SocketBindAllow", "SocketBindDeny", "BPFProgram", "RootImage", "RootHash", "RootHashSignature"}

# kind: (section, [(directive, property)], values)
SIMPLE = {
    "time span": ("Service", [("RestartSec", "RestartUSec"), ("TimeoutStopSec", "TimeoutStopUSec"), ("TimeoutStartSec", "TimeoutStartUSec"),
                              ("RuntimeMaxSec", "RuntimeMaxUSec")],
        "0|1|5s|5 s|1min 30s|1m30s|infinity|5M|2h|1d|1w|1y|100ms|1us|1.5s|.5|1e3|-1|x|5x|20min 5|999999999999|1 2 3|0.0001us|"
        "1h1h|  7  |+3|12month|3 weeks|2d 4h|infinity s|1ns|5.|0s|00|1 hr|2 usec|5msec|3seconds|4 minutes|6 hours|1,5s".split("|")),
    "size": ("Service", [("MemoryMax", "MemoryMax"), ("LimitFSIZE", "LimitFSIZE"), ("LimitFSIZE", "LimitFSIZESoft")],
        "1|0|1K|1k|1M|2G|1T|1P|1E|16E|1.5G|infinity|-1|1KB|1B|1 K|K|10%|100%|101%|50.5%|1024|18446744073709551615|"
        "18446744073709551616|0x10|1e3|12.34M|1.1K|1K1|1G 500M|500M 1G|  3K|007|1Ki|+5|99999999999999999999K".split("|")),
    "percent": ("Service", [("CPUQuota", "CPUQuotaPerSecUSec"), ("TasksMax", "TasksMax"), ("MemoryHigh", "MemoryHigh"),
                            ("ManagedOOMMemoryPressureLimit", "ManagedOOMMemoryPressureLimit")],
        "10%|0%|100%|200%|1%|0.5%|33.33%|33.333%|50|50 %|%|-5%|1000%|99.99%|infinity|0.01%|0.001%|5.%|.5%|007%|1e2%".split("|")),
    "processor set": ("Service", [("CPUAffinity", "CPUAffinity"), ("AllowedCPUs", "AllowedCPUs"), ("NUMAMask", "NUMAMask"),
                                  ("AllowedMemoryNodes", "AllowedMemoryNodes")],
        "0|1|0-3|0,2|0 2|3-1|1-1|a|0-|-1|0,,1|0, 1|0 - 3|8191|8192|0-8191|1,3-5,9|numa|0xf|1024|5 4 3|0-3 2-6|+1|00|01-03|0-1-2|all|"
        "64|63,64|127-129|1023-1024".split("|")),
    "signal": ("Service", [("KillSignal", "KillSignal"), ("FinalKillSignal", "FinalKillSignal"), ("WatchdogSignal", "WatchdogSignal")],
        "SIGTERM|TERM|term|15|SIGKILL|9|0|1|64|65|-1|SIGRTMIN|RTMIN+3|SIGRTMIN+3|RTMAX|SIGRTMAX-2|RTMAX-40|RTMIN+40|SIGFOO|SIGHUP|"
        "USR1|SIGSTKFLT|SIGPOLL|SIGIO|SIGPWR|SIGSYS|CHLD|SIGCLD|SIG15|sigterm|Sigterm| TERM|SIGRTMIN+0|SIGRTMAX-0|31|32|33|34|"
        "RTMIN+|SIGIOT|ABRT|SIGWINCH|RTMAX+1|RTMIN-1|SIGUNUSED".split("|")),
    "exit statuses": ("Service", [("SuccessExitStatus", "SuccessExitStatus"), ("RestartPreventExitStatus", "RestartPreventExitStatus"),
                                  ("RestartForceExitStatus", "RestartForceExitStatus")],
        "0|1|255|256|-1|1 2 3|SIGKILL|1 SIGTERM 2|TEMPFAIL|EX_TEMPFAIL|DATAERR USAGE|FAILURE|SUCCESS|CHDIR|NICE|EXEC|notanexit|"
        "5,6|1  2|SIGRTMIN+1|250 SIGKILL|01|0x1|MEMORY|PAM|CONFIG|NOTINSTALLED|1 bad 2|'1' 2|\"3\"|SEGV|KEYRING|EXCEPTION|BPF".split("|")),
    "mode": ("Service", [("UMask", "UMask"), ("RuntimeDirectoryMode", "RuntimeDirectoryMode"), ("StateDirectoryMode", "StateDirectoryMode")],
        "0022|022|22|0|7777|10000|0755|755|888|-1|1777|0o22|u=rwx|02755|4755| 0700|00000755|+7|0x1ff".split("|")),
    "limit": ("Service", [("LimitMEMLOCK", "LimitMEMLOCKSoft"), ("LimitMSGQUEUE", "LimitMSGQUEUE"), ("LimitCPU", "LimitCPU"),
                          ("LimitNICE", "LimitNICE"), ("LimitRTTIME", "LimitRTTIME"), ("LimitNPROC", "LimitNPROC"),
                          ("LimitDATA", "LimitDATASoft"), ("LimitSIGPENDING", "LimitSIGPENDING")],
        "0|100|100:200|200:100|infinity|100:infinity|infinity:100|infinity:infinity|1K|1K:2K|-1|:|1:|:1|1:2:3|5s|1min|1min:2min|100 200|"
        "+5|-5|+19|-20|+20|20|40|41|10m|1h|5us|1000000000000|18446744073709551615|a|1M:a| 5|0:0|19:+19|0x10|1.5".split("|")),
    "boolean": ("Service", [("SendSIGHUP", "SendSIGHUP"), ("IgnoreSIGPIPE", "IgnoreSIGPIPE"), ("DynamicUser", "DynamicUser"),
                            ("PrivateTmp", "PrivateTmp"), ("ProtectHome", "ProtectHome"), ("ProtectSystem", "ProtectSystem"),
                            ("NoNewPrivileges", "NoNewPrivileges"), ("MountAPIVFS", "MountAPIVFS")],
        "yes|no|true|false|on|off|1|0|y|n|t|f|YES|True|oN|2|-1|maybe|read-only|tmpfs|strict|full| yes|'yes'|10|00|ja".split("|")),
    "environment": ("Service", [("Environment", "Environment")],
        r"""A=1|A=1 B=2|"A=1 2"|A="1 2"|'A=x y' B=z|A=|=1|A|1A=2|A_B=c|A-B=c|A=a\nb|"A=a\nb"|A='it''s'|A="say \"hi\""|A=$B|A=$$B|A=%n|
        A=%%|A=%H%i|A=a;b|A=\x41|A="\x41\u00e9"|"A=1|A=1'|A=\|A=1 A=2|A="1""2"|A=a"b"c|a.b=1|A=é|"A B=1"|A=\t|"A=\t"|A=\101|
        "A=\101\q"|A=\q|A=%t/x|A=%Z|A='%n'|A='\x41'|A=1 "B=2 3" 'C=4 5'|A=b=c|A= B=2|"" A=1|A=#c|A=\"q\"|A=a\ b""".replace("\n        ", "").split("|")),
    "environment names": ("Service", [("PassEnvironment", "PassEnvironment"), ("UnsetEnvironment", "UnsetEnvironment")],
        "A|A B|A=1|A B=2 C|1A|A-B|\"A B\"|'A'|A,B|%n|A_1|é|$A|A A|B A".split("|")),
    "paths": ("Service", [("ReadWritePaths", "ReadWritePaths"), ("InaccessiblePaths", "InaccessiblePaths"), ("ExecSearchPath", "ExecSearchPath"),
                          ("RequiresMountsFor", "RequiresMountsFor")],
        "/a|/a /b|-/a|+/a|-+/a|+-/a|a|/a/|//a//b|/a/../b|/a/./b|\"/a b\"|/a\\x20b|/%n|/%i/%t|/a:/b|~|/|/a b /c|/é|/a -b /c|'/q q'|/a;|/%%|/%Z".split("|")),
    "directories": ("Service", [("StateDirectory", "StateDirectory"), ("RuntimeDirectory", "RuntimeDirectory"),
                                ("CacheDirectory", "CacheDirectory")],
        "a|a b|a/b|/a|../a|a/../b|./a|a/|a//b|%p|%n/x|a:b|a:b:c|\"a b\"|a b:c d|private|private/a|.|..|a/.|é|a\\x20b|-a|%i/%j".split("|")),
    "strings": ("Unit", [("Description", "Description")],
        r"""plain|two words|%n %N %p %i %I %j %J|%t %S %C %L %E|%u %U %g %G %h %s|%v %a %m|%T %V|%f|%P %q|%%|%|%Z|100%|"quoted"|'single'|a\nb|a\x41|
        tab	tab|é ü 日本|#not a comment|;neither|trailing\ |  leading|a  b|%d|%D|%y %Y|%A %M %B %o %w %W|%l %H|%b|a\\b|\"|=|""".replace("\n        ", "").split("|")),
    "log": ("Service", [("SyslogLevel", "SyslogLevel"), ("SyslogFacility", "SyslogFacility"), ("LogLevelMax", "LogLevelMax"),
                        ("SyslogIdentifier", "SyslogIdentifier")],
        "info|debug|emerg|7|8|-1|INFO|err|error|warning|warn|daemon|local0|local7|local8|kern|auth|authpriv|cron|23|24|user|x y|%n|notice".split("|")),
    "capabilities": ("Service", [("CapabilityBoundingSet", "CapabilityBoundingSet"), ("AmbientCapabilities", "AmbientCapabilities")],
        "CAP_CHOWN|CAP_CHOWN CAP_KILL|~CAP_CHOWN|cap_chown|CHOWN|CAP_FOO|~|all|CAP_SYS_ADMIN,CAP_KILL|0|1|~CAP_SYS_ADMIN CAP_KILL|"
        "CAP_CHOWN ~CAP_KILL|\"CAP_CHOWN\"|40|63|64|CAP_BPF CAP_PERFMON".split("|")),
    "scheduling": ("Service", [("Nice", "Nice"), ("OOMScoreAdjust", "OOMScoreAdjust"), ("IOSchedulingClass", "IOSchedulingClass"),
                               ("IOSchedulingPriority", "IOSchedulingPriority"), ("CPUSchedulingPolicy", "CPUSchedulingPolicy"),
                               ("CPUSchedulingPriority", "CPUSchedulingPriority"), ("CPUWeight", "CPUWeight"), ("IOWeight", "IOWeight"),
                               ("TimerSlackNSec", "TimerSlackNSec"), ("CoredumpFilter", "CoredumpFilter")],
        "0|1|-5|19|20|-20|-21|+3|1000|-1000|1001|7|8|99|100|idle|batch|rr|fifo|other|realtime|best-effort|none|2|3|4|5|10000|10001|5us|1ms|"
        "infinity|0x33|all|default|private-anonymous|elf-headers dax-private|10|a|deadline|33".split("|")),
    "users": ("Service", [("User", "User"), ("Group", "Group"), ("SupplementaryGroups", "SupplementaryGroups")],
        "root|0|nobody|65534|65535|4294967295|4294967294|-1|a b|a.b|a-b|-a|_a|1a|a$|A|é|%i|%p|a,b|a:b|a/b|abcdefghijklmnopqrstuvwxyzabcdefg|.|..|a@b|+5".split("|")),
    "units": ("Unit", [("Wants", "Wants"), ("After", "After"), ("OnFailure", "OnFailure")],
        "val-x.service|val-x|val-x.service val-y.service|val-x@1.service|val-x@.service|val-x@%i.service|%p-x.service|a b|.service|a/b.service|"
        "é.service|\"val-q.service\"|val-x.foo|val-x.mount|val\\x2dz.service|val-a,val-b|%n|val-x@a@b.service|val-x.target;".split("|")),
    "documents": ("Unit", [("Documentation", "Documentation")],
        "man:a(1)|http://x|https://x y|file:/a|info:a|ftp://x|man:a(1) http://b|nothing|man:|http://|MAN:a(1)|man:a(1) bad http://b|file:a|\"man:a b\"".split("|")),
    "system calls": ("Service", [("SystemCallFilter", "SystemCallFilter")],
        "uname|~uname|@chown|~@chown|uname:EPERM|~uname:5|@sync uname|~@sync sync|uname:kill|@timer:EPERM|"
        "read write|@clock @timer|~@clock @timer|@basic-io uname|~@privileged|@system-service|~uname:EPERM read:EACCES".split("|")),
    "families": ("Service", [("RestrictAddressFamilies", "RestrictAddressFamilies"), ("RestrictNamespaces", "RestrictNamespaces")],
        "AF_UNIX|AF_INET AF_INET6|~AF_PACKET|none|af_unix|UNIX|AF_FOO|~none|~|AF_UNIX AF_FOO|yes|no|user|user mnt|~user|cgroup ipc net mnt pid user uts time|foo|~foo|1".split("|")),
    "addresses of networks": ("Service", [("IPAddressAllow", "IPAddressAllow")],
        "127.0.0.1|10.0.0.0/8|10.1.2.3/8|::1|fe80::/64|any|localhost|link-local|multicast|1.2.3|1.2.3.4/33|::/129|10.0.0.0/8 ::1|bad|bad 10.0.0.1|/8|1.2.3.4/|0.0.0.0/0".split("|")),
    "devices": ("Service", [("DeviceAllow", "DeviceAllow"), ("DevicePolicy", "DevicePolicy")],
        "/dev/null rw|/dev/null|char-pts rw|block-* r|/dev/null x|char-|dev/null|/dev/../etc|/dev/null rwm extra|closed|strict|auto|open|/sys/x|/run/systemd/inaccessible/chr rw|char-* m|/dev/null rr".split("|")),
    "binds": ("Service", [("BindPaths", "BindPaths"), ("BindReadOnlyPaths", "BindReadOnlyPaths"), ("TemporaryFileSystem", "TemporaryFileSystem")],
        "/a|/a:/b|/a:/b:rbind|/a:/b:norbind|-/a|-/a:/b|/a:b|/a:/b:foo|/a /b|/a\\:b:/c|/a:|/a:ro|/a:/b:|/a:size=1M,ro|/:ro|/%p:/%i".split("|")),
    "credentials": ("Service", [("LoadCredential", "LoadCredential"), ("SetCredential", "SetCredential")],
        "a:/b|a|a:b|a/b:/c|:/c|a:|a:b:c|a.b:/c|\"a:b c\"|é:/x|a:/b:c|..:/x|a:\\x41|a:%n|%p:/x|a:b c".split("|")),
    "streams": ("Service", [("StandardInput", "StandardInput"), ("StandardOutput", "StandardOutput"), ("StandardError", "StandardError")],
        "null|tty|tty-force|tty-fail|socket|fd|fd:a|fd:a b|file:/a|file:a|append:/a|truncate:/a|journal|journal+console|kmsg|kmsg+console|syslog|"
        "inherit|data|foo|file:|fd:|file:/%p|syslog+console".split("|")),
    "actions": ("Unit", [("FailureAction", "FailureAction"), ("JobTimeoutAction", "JobTimeoutAction"), ("OnFailureJobMode", "OnFailureJobMode"),
                         ("CollectMode", "CollectMode")],
        "none|reboot|reboot-force|reboot-immediate|poweroff|poweroff-force|exit|exit-force|fail|replace|isolate|flush|"
        "replace-irreversibly|ignore-dependencies|ignore-requirements|inactive|inactive-or-failed|foo|Reboot".split("|")),
    "exit codes": ("Unit", [("FailureActionExitStatus", "FailureActionExitStatus"), ("StartLimitBurst", "StartLimitBurst"),
                            ("StartLimitIntervalSec", "StartLimitIntervalUSec"), ("JobTimeoutSec", "JobTimeoutUSec"),
                            ("JobRunningTimeoutSec", "JobRunningTimeoutUSec")],
        "0|1|255|256|-1|5|infinity|4294967295|4294967296|1h|a|+1|007|0x10|1.5".split("|")),
    "types of service": ("Service", [("Type", "Type"), ("Restart", "Restart"), ("NotifyAccess", "NotifyAccess"), ("KillMode", "KillMode"),
                                     ("ExitType", "ExitType"), ("OOMPolicy", "OOMPolicy"), ("TimeoutStopFailureMode", "TimeoutStopFailureMode"),
                                     ("RuntimeDirectoryPreserve", "RuntimeDirectoryPreserve"), ("KeyringMode", "KeyringMode"),
                                     ("ProtectProc", "ProtectProc"), ("ProcSubset", "ProcSubset"), ("PIDFile", "PIDFile"), ("BusName", "BusName")],
        "simple|exec|forking|idle|notify|dbus|oneshot|no|always|on-failure|on-abort|on-success|on-abnormal|on-watchdog|main|all|none|mixed|"
        "process|control-group|cgroup|stop|kill|continue|terminate|abort|yes|restart|private|shared|inherit|noaccess|invisible|ptraceable|"
        "default|pid|foo|Simple|/run/x.pid|x.pid|/a/../b.pid|org.a|org|org.a.B-c|1.a|.a.b|a..b|%p.pid|org.%p".split("|")),
    "working directories": ("Service", [("WorkingDirectory", "WorkingDirectory"), ("RootDirectory", "RootDirectory")],
        "~|-~|/a|-/a|a|/a/|/a/../b|//a|%h|/%i|- /a|/a b|\"/a b\"|--/a|/|-".split("|")),
    "other": ("Service", [("Personality", "Personality"),
                          ("SecureBits", "SecureBits"), ("TTYPath", "TTYPath"), ("SELinuxContext", "SELinuxContext"),
                          ("AppArmorProfile", "AppArmorProfile"), ("UtmpIdentifier", "UtmpIdentifier"), ("UtmpMode", "UtmpMode"),
                          ("LogExtraFields", "LogExtraFields"), ("SystemCallArchitectures", "SystemCallArchitectures"),
                          ("SystemCallErrorNumber", "SystemCallErrorNumber"), ("Delegate", "DelegateControllers"),
                          ("FileDescriptorStoreMax", "FileDescriptorStoreMax"), ("MountFlags", "MountFlags")],
        "~|-~|/a|-/a|a|/a/|x86|x86-64|arm|keep-caps|noroot noroot-locked|foo|/dev/tty1|-ctx|ctx|init|login|user|A=1|a=1|A=1 B=2|_A=1|"
        "native|native x86|EPERM|kill|5|0|4096|cpu io|cpu foo|shared|slave|private|/%i|%p|yes|no|-1|\"a b\"".split("|")),
}
SOCKETS = {
    "stream addresses": [("ListenStream", "Listen"), ("ListenDatagram", "Listen"), ("ListenSequentialPacket", "Listen")],
    "other addresses": [("ListenFIFO", "Listen"), ("ListenNetlink", "Listen"), ("ListenSpecial", "Listen"), ("ListenMessageQueue", "Listen")],
    "socket settings": [("SocketMode", "SocketMode"), ("BindIPv6Only", "BindIPv6Only"), ("IPTOS", "IPTOS"), ("Backlog", "Backlog"),
                        ("SocketProtocol", "SocketProtocol"), ("Timestamping", "Timestamping"), ("PipeSize", "PipeSize"),
                        ("FileDescriptorName", "FileDescriptorName"), ("TriggerLimitBurst", "TriggerLimitBurst"), ("Mark", "Mark"),
                        ("Priority", "Priority"), ("MaxConnections", "MaxConnections"), ("KeepAliveTimeSec", "KeepAliveTimeUSec"),
                        ("Symlinks", "Symlinks"), ("TriggerLimitIntervalSec", "TriggerLimitIntervalUSec")],
}
SOCKET_VALUES = {
    "stream addresses": r"/run/a|/run/a/|//run//a|/run/a b|@a|@|@a b|80|0|65535|65536|-1|1.2.3.4:80|1.2.3.4|[::1]:80|[::]:0|::1|[::1]|[fe80::1]:5|"
        r"localhost:80|vsock:2:1234|vsock::1234|vsock:x|run/a|*:80|0.0.0.0:65536|/run/%n|/run/%p-%i|@%n|a|01|0x50|/run/a\x20b|'/run/a'|1.2.3.4:|:80|"
        r"[1.2.3.4]:80|::1:80|/run/é|80 81".split("|"),
    "other addresses": "/run/f|f|/dev/null|/proc/x|kobject-uevent|kobject-uevent 1|route 5|audit 1|nosuch 1|route|route x|route -1|7|/mq|/m/q|mq|/|audit  1|generic 0".split("|"),
    "socket settings": "0600|777|8|both|ipv6-only|default|yes|no|low-delay|throughput|reliability|low-cost|16|255|256|0|128|4294967295|-1|udplite|sctp|"
        "tcp|mptcp|off|us|ns|usec|1K|a|a:b|a b|é|infinity|2s|/run/l|/run/l /run/m|l|1M|5|0x1|7200".split("|"),
}
EXEC = r"""/bin/true|/bin/echo a b|/bin/echo "a b"|/bin/echo 'a b'|/bin/echo a\ b|/bin/echo a\x20b|-/bin/true|@/bin/true argv0 x|:/bin/echo $A|+/bin/true|
!/bin/true|!!/bin/true|-@/bin/true a|@-/bin/true a|-+/bin/true|+-/bin/true|++/bin/true|-:@!/bin/true a|/bin/echo $A ${A} $$A|/bin/echo %n %i %%|
/bin/echo a ; /bin/echo b|/bin/echo a \; b|/bin/echo a; b|/bin/echo ';' b|/bin/echo a ;|; /bin/true|true|echo a b|./true|bin/true|/bin/../bin/true|
/bin//echo|/bin/echo/|/nonexistent/x a|"/bin/echo" a|'/bin/echo' a|"/bin/e cho" a|/bin/echo "a|/bin/echo 'a|/bin/echo "a"b|/bin/echo a"b"|/bin/echo a"b c"d|
/bin/echo "a\"b"|/bin/echo 'a\'b'|/bin/echo \"a\"|/bin/echo "\n\t\\"|/bin/echo \n|/bin/echo "\x41\101\u0041\U00000041"|/bin/echo "\q"|/bin/echo \q|
/bin/echo "\xzz"|/bin/echo "\400"|/bin/echo "\x00"|/bin/echo ""|/bin/echo '' a|/bin/echo   a   b  |/bin/echo	a	b|/bin/echo # c|/bin/echo a#b|/bin/sh -c 'echo "a b" $$HOME'|
/bin/sh -c "for i in 1 2; do echo $i; done"|/bin/echo é|/bin/echo "é ü"|@/bin/true|@|-|+|:|!|!!!/bin/true|/bin/echo %|/bin/echo %Z|/bin/echo 100%|/bin/%p|/%i/x|
/bin/echo "%i"|/bin/echo '%i'|/bin/echo ${A B}|/bin/echo ${|/bin/echo $|/bin/echo "$A B"|/bin/echo a\|/bin/echo "a;b"|/bin/echo ";"|/bin/echo \x3b x|/bin/echo \;|
/bin/echo a ; ; /bin/echo b|/bin/echo a ; -/bin/echo b|/bin/echo a ; @/bin/echo b c|/bin/echo a;/bin/echo b|/bin/echo a ; echo b|/bin/echo "a" ; "/bin/echo" b|
/bin/echo --x=y -z|/bin/echo *|/bin/echo ~|/bin/echo a=b|/bin/echo "a=b c"|/bin/echo `x`|/bin/echo $(x)|/bin/echo &|/bin/echo a > b|/bin/echo a|b""".replace("\n", "").split("|")
EXEC_PIECES = ["/bin/echo", "/bin/true", "-", "@", ":", "+", "!", " ", " ", "  ", "a", "b c", '"', "'", "\\", "\\x20", "\\;", " ; ", ";", "%n", "%%", "%i", "%",
               "$A", "${A}", "$$", "\\n", "\\101", "é", "'x y'", '"p q"', "\t", "=", "#"]
EXPAND_PIECES = ["$A", "${A}", "${A}", "$TWO", "${TWO}", "$$", "$", "${", "}", "{", "$EMPTY", "${EMPTY}", "$NONE", "${NONE}", "$QUOTED", "${QUOTED}",
                 "$OPEN", "${OPEN}", "$A_B", "${A-x}", "${A:-x}", "${A B}", "'$TWO'", '"${TWO} x"', "a", "_", "1", "\\x24A", "\\$A", "é", ":", "/", "=", "%%"]
SHOWN_BY_INSTANCE = "an-inst\\x2dance"

KINDS = [*SIMPLE, *SOCKETS, "command lines", "calendar", "resets", "specifiers"]
CALENDARS = ("hourly|daily|*-*-* 5:00|Mon..Fri 10:00|*:0/15|2030-01-01|Sat,Sun 12:00 UTC|bad|*-*~1|*-02~03..05|monthly|quarterly|yearly|"
             "Mon 2-1 3|@5|*:*:0/30|0/2:00|weekly Europe/Berlin").split("|")


TOGETHER = {"time span", "size", "percent", "processor set", "signal", "exit statuses", "mode", "limit", "capabilities", "scheduling",
            "actions", "exit codes", "log", "socket settings", "types of service", "boolean", "streams", "devices", "environment names",
            "families", "other"}


def mutated(words, n, dice):
    """N more, of pieces of those that are there."""
    letters = sorted(set("".join(words)))
    made = []
    while len(made) < n:
        word = dice.choice(words)
        for _ in range(dice.choice((1, 1, 2))):
            at = dice.randrange(len(word) + 1)
            word = dice.choice((word[:at] + word[at + 1:], word[:at] + dice.choice(letters) + word[at:], word[:at] + dice.choice(words)[:4]))
        if "\n" not in word and not word.endswith("\\") and word.strip() == word and word:
            made.append(word)
    return made


def words_of(kind, whole=False):
    dice = random.Random(f"{DICE} {kind}")
    more = 400
    if not whole:  # a few of all
        words = words_of(kind, True)
        return words[::max(1, len(words) // QUICK)]
    if kind == "command lines":
        made = ["".join(dice.choice(EXEC_PIECES) for _ in range(dice.randint(2, 9))) for _ in range(more * 5)]
        words = EXEC + [w for w in ("/bin/echo " + word if dice.random() < .8 else word for word in made)]
        words = [word for word in words if word.strip() and not word.rstrip().endswith("\\") or word in EXEC]
        return [word for word in dict.fromkeys(words) if not word.endswith("\\")]
    if kind == "calendar":
        return list(dict.fromkeys(CALENDARS + mutated(CALENDARS, more, dice)))
    words = SOCKET_VALUES[kind] if kind in SOCKETS else SIMPLE[kind][2]
    made = [] if kind == "system calls" else mutated(words, more // 4, dice)  # of names there are no better or worse ones
    return list(dict.fromkeys([word for word in words if not word.endswith("\\")] + made))


# A value for each type of `reeve directives`, and for single directives, that is none of their defaults.
SAMPLES = {
    "string": "a", "label": "a", "URIs": "man:a(1)", "absolute path": "/a", "units": "val-x.service", "absolute paths": "/a", "collect mode": "inactive-or-failed",
    "job mode": "isolate", "time span, 0 for none": "7", "action": "exit", "time span": "7", "count": "7", "exit status": "7", "service type": "exec",
    "exit type": "cgroup", "path of a PID file": "/run/a", "bus name": "a.b", "command lines": "/bin/true a", "timeout failure mode": "abort",
    "restart setting": "always", "restart mode": "direct", "exit statuses and signals": "7", "notification access": "all", "sockets": "val-x.socket",
    "preserve setting": "yes", "out-of-memory policy": "kill", "files to open": "/a", "signal": "SIGUSR1", "socket protocol": "sctp",
    "IPv6 binding": "both", "user or group": "root", "access mode": "0700", "number": "7", "size": "7", "type of service": "low-delay",
    "time stamping": "us", "service": "val-x.service", "descriptor name": "a", "time span or calendar expression": "7", "unit": "val-x.service",
    "path to watch": "/a", "paths with : between them": "/a", "working directory": "/a", "words": "a:b", "/proc visibility": "invisible",
    "/proc subset": "pid", "bind mounts": "/a", "lines": "a", "paths, each perhaps with - or +": "/a", "users or groups": "root",
    "capability set": "CAP_KILL", "secure bits": "keep-caps", "limit in seconds": "7", "limit in bytes": "7", "limit": "7",
    "limit of niceness": "7", "limit in microseconds": "7", "core dump filter": "all", "keyring mode": "shared", "OOM score adjustment": "7",
    "time span in nanoseconds": "7", "personality": "x86", "nice level": "7", "scheduling policy": "batch", "scheduling priority": "7",
    "numbers and ranges": "0", "NUMA policy": "bind", "I/O scheduling class": "idle", "I/O priority": "7", "system protection": "full",
    "home protection": "tmpfs", "directories": "a", "tmpfs mounts": "/a", "private /tmp": "yes", "private users": "yes",
    "address families": "AF_UNIX", "filter": "a", "namespaces": "pid", "mount propagation": "slave", "system calls": "~uname",
    "error number": "EPERM", "architectures": "native", "environment variables": "A=1", "environment files": "/a", "variable names": "A",
    "variable names or assignments": "A", "standard input": "tty", "standard output": "null", "text for standard input": "a",
    "base64 for standard input": "YQ==", "syslog level": "err", "journal fields": "A=1", "syslog facility": "local0", "terminal size": "7",
    "credentials from files": "a:/b", "credentials": "a:b", "utmp mode": "user", "kill mode": "process", "slice": "val.slice",
    "CPU weight": "7", "CPU shares": "7", "CPU quota": "7%", "memory": "7M", "memory, not 0": "7M", "number of tasks": "7", "I/O weight": "7",
    "block I/O weight": "77", "address prefixes": "10.0.0.0/8", "devices": "/dev/null r", "device policy": "closed", "delegation": "yes",
    "managed OOM mode": "kill", "percentage": "7%", "managed OOM preference": "avoid", "host name protection": "yes",
    "control group protection": "yes",
}
SAMPLES_OF = {"CPUQuotaPeriodSec": "20ms", "IPTTL": "7", "UMask": "0077", "ListenFIFO": "/run/a", "ListenStream": "/run/a", "ListenSpecial": "/dev/null",
              "ListenDatagram": "/run/a", "ListenSequentialPacket": "/run/a", "ListenNetlink": "route", "ListenMessageQueue": "/a",
              "RestrictFileSystems": "ext4", "SocketBindAllow": "80", "SocketBindDeny": "80", "BPFProgram": "egress:/a", "Where": None, "What": None,
              "IODeviceWeight": "/a 7", "IOReadBandwidthMax": "/a 7", "IOWriteBandwidthMax": "/a 7", "IOReadIOPSMax": "/a 7", "IOWriteIOPSMax": "/a 7",
              "IODeviceLatencyTargetSec": "/a 7", "BlockIODeviceWeight": "/a 77", "BlockIOReadBandwidth": "/a 7", "BlockIOWriteBandwidth": "/a 7",
              "RootImageOptions": "root:ro", "DisableControllers": "cpu", "MountImages": "/a:/b", "ExtensionImages": "/a", "RootHash": "00ff",
              "OnCalendar": "daily", "DefaultDependencies": None, "LogFilterPatterns": "~a", "ExecSearchPath": "/a", "Accept": None}


OF_EACH = {"resets": {"resets-set": "{word}", "resets-reset": "{word}\n{name}="}, "specifiers": {"specifiers-": "{word}%8"}}


def of_each_directive(variants):
    """A value for each directive: (unit, directive, None for all it shows, value). VARIANTS {name: what becomes of it}."""
    rows = json.loads(subprocess.run([binary(), "directives", "--json"], capture_output=True, check=True).stdout)
    for row in rows:
        name, section, kind = row["name"], row["section"], row.get("type", "")
        if section in ("Install", "Scope", "X-Reeve", "Mount", "Automount", "Swap") or kind == "gone" or kind == "condition" or row["support"] == "alias":
            continue
        if section in ("Socket", "Slice") and ("Service", name) in {(r["section"], r["name"]) for r in rows}:
            continue  # the same row for all of them
        default = "yes" if row.get("default") == "no" else "no" if row.get("default") == "yes" else "yes"
        word = SAMPLES_OF.get(name, default if kind in ("boolean", "boolean or unset") else SAMPLES.get(kind))
        if word is None or name in NOT_SHOWN:
            continue
        for what, text in ((what, text.format(word=word, name=name)) for what, text in variants.items()):
            suffix = "service" if section == "Unit" else section.lower()
            template = "" if suffix == "slice" else f"@{SHOWN_BY_INSTANCE}"
            yield f"val-{what}{section.lower()}{name.lower()}{template}.{suffix}", name, None, text


def cases(kind, whole=False):
    """(unit, directive, property, value): one for each value and directive of the kind."""
    if kind in OF_EACH:
        found = list(of_each_directive(OF_EACH[kind]))
        yield from found if whole else found[::25]
        return
    slots = SOCKETS.get(kind) or ([("ExecStart", "ExecStartEx")] if kind == "command lines" else
                                  [("OnCalendar", "TimersCalendar")] if kind == "calendar" else SIMPLE[kind][1])
    suffix = "socket" if kind in SOCKETS else "timer" if kind == "calendar" else "service"
    # What can keep a unit from being loaded leaves nothing to be seen of the lines behind it.
    alone = kind not in TOGETHER
    for i, word in enumerate(words_of(kind, whole)):
        for j, (directive, shown) in enumerate(slots):
            # a directive that is asked for two properties stands in the unit once
            name = re.sub("[^a-z]", "", kind)
            place = f"{name}-{i}-{j}" if alone or slots[j - 1][0] == directive and j else f"{name}-{i}"
            yield f"val-{place}@{SHOWN_BY_INSTANCE}.{suffix}", directive, shown, word


def expansion_words(whole=False):
    dice = random.Random(f"{DICE} expansion")
    return EXPAND_PIECES + ["".join(dice.choice(EXPAND_PIECES) for _ in range(dice.randint(2, 5))) for _ in range(2000 if whole else 300)]


def expansion(whole=False):
    """A unit that prints what variables become in words of all kinds, with a number before each word."""
    environment = """A=one "TWO=two  words" EMPTY= 'QUOTED="a b" c\\td "e"' 'OPEN="a b' A_B=under"""
    return (f"[Service]\nType=oneshot\nEnvironment={environment}\nStandardOutput=file:/run/val-expand\n"
            f"ExecStart=/usr/bin/printf '<%%s>\\n' " + " ".join(f"{i}: {word}" for i, word in enumerate(expansion_words(whole))) + "\n")


def units(whole=False):
    found = {}
    for kind in KINDS:
        section = "Unit" if kind in SIMPLE and SIMPLE[kind][0] == "Unit" else None
        for unit, directive, _, word in cases(kind, whole):
            lines = found.setdefault(unit.replace(SHOWN_BY_INSTANCE, ""), {"Unit": [], "type": []})
            in_unit = section or directive == "RequiresMountsFor" or re.search("(resets-(re)?set|specifiers-)unit", unit)
            lines["Unit" if in_unit else "type"].append(f"{directive}={word}")
    texts = {}
    for unit, lines in found.items():
        suffix = unit.rsplit(".", 1)[1].capitalize()
        body = lines["type"]
        if suffix == "Socket":
            body = ["Service=val-behind.service"] + (body if any(line.startswith("Listen") for line in body) else ["ListenStream=/run/val"] + body)
        elif suffix == "Timer":
            body = ["OnBootSec=1h", *(["Unit=val-behind.service"] if not body[0].startswith("Unit=") else []), *body]
        elif suffix == "Path":
            body = body + ["PathExists=/a"]
        elif suffix == "Service" and not any(line.startswith("ExecStart=") for line in body):
            body = ["ExecStart=/bin/true"] + body
        texts[unit] = "\n".join(["[Unit]", "DefaultDependencies=no", *lines["Unit"], f"[{suffix}]", *body]) + "\n"
    texts["val-behind.service"] = "[Service]\nExecStart=/bin/true\n"
    return texts


def files(whole=False):
    return {}


def compare(kind, machines, show, whole=False):
    """All cases of a kind, and those of which the managers show different things."""
    wanted = list(cases(kind, whole))
    names, properties = sorted({case[0] for case in wanted}), sorted({case[2] for case in wanted if case[2]})
    if properties:
        properties.append("LoadState")
    theirs, mine = (show(machines[manager], names, properties) for manager in ("systemd", "reeve"))
    differ = []
    for unit, directive, shown, word in wanted:
        every = [key for key in theirs[unit] if not OF_THE_MACHINE.search(key)]
        if any(pattern.search(f"{directive}={word}") for pattern, _ in DELIBERATE):
            continue
        if theirs[unit]["LoadState"] == "bad-setting":
            every = shown = ["LoadState"]  # of a unit that is refused, only that
        for key in [shown] if isinstance(shown, str) else every:
            a, b = theirs[unit].get(key), mine[unit].get(key)
            if normal(key, a or "") != normal(key, b or ""):
                differ.append((f"{directive}={word}", *([key] if key != shown else []), "systemd", a, "reeve", b))
                break
    return wanted, differ
