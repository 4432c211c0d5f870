# SPDX-License-Identifier: Apache-2.0
"""Enabling, masking, presets: the same unit files and the same command, once with systemd's `systemctl --root=`, once
with reeve's. The trees, the messages and the exit status must agree. (Random ones: test_install.py.)

A case is a list of files ("path" -> content, or "path" -> "-> target" for a symlink) and a list of commands, run one
after the other; after each the two trees are compared."""

import shutil

import install_trees
import pytest

OURS = install_trees.BUILD / "reeve"
SYSTEMCTL = shutil.which("systemctl")

pytestmark = pytest.mark.skipif(not SYSTEMCTL or not OURS.exists(), reason="needs systemd's systemctl and a build")

LIB = "usr/lib/systemd/system/"
ETC = "etc/systemd/system/"
RUN = "run/systemd/system/"
PRESETS = "usr/lib/systemd/system-preset/"


def unit(**install):
    text = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n"
    if install:
        text += "[Install]\n" + "".join(f"{key}={value}\n" for key, values in install.items()
                                        for value in (values if isinstance(values, list) else [values]))
    return text


TARGETS = {LIB + f"{name}.target": "[Unit]\nDescription=x\n" for name in ("multi-user", "graphical", "timers", "sockets", "t1")}
A = {LIB + "a.service": unit(WantedBy="multi-user.target")}
STATES = ["is-enabled a.service", "list-unit-files"]

CASES = {
    "wanted-by": (A, ["enable a.service", *STATES, "enable a.service", "disable a.service", *STATES]),
    "two-targets": ({LIB + "a.service": unit(WantedBy=["multi-user.target graphical.target"], RequiredBy="t1.target")},
                    ["enable a.service", *STATES, "disable a.service"]),
    "no-install": ({LIB + "a.service": unit()}, ["enable a.service", "is-enabled a.service", "disable a.service"]),
    "missing-target": ({LIB + "a.service": unit(WantedBy="nowhere.target")}, ["enable a.service", *STATES]),
    "runtime": (A, ["--runtime enable a.service", *STATES, "disable a.service", "--runtime disable a.service"]),
    "alias": ({LIB + "a.service": unit(WantedBy="multi-user.target", Alias="b.service c.service")},
              ["enable a.service", "is-enabled b.service", "is-enabled a.service", "list-unit-files",
               "enable b.service", "disable c.service"]),
    "alias-by-alias": ({LIB + "a.service": unit(Alias="b.service", WantedBy="multi-user.target")},
                       ["enable a.service", "disable b.service", "enable b.service"]),
    "alias-only": ({LIB + "a.service": unit(Alias="dbus-org.a.service")},
                   ["is-enabled a.service", "enable a.service", *STATES, "disable a.service"]),
    "alias-other-type": ({LIB + "a.service": unit(Alias="b.socket", WantedBy="multi-user.target")},
                         ["enable a.service", *STATES]),
    "alias-bad-name": ({LIB + "a.service": unit(Alias="nosuffix", WantedBy="multi-user.target")},
                       ["enable a.service", *STATES]),
    "alias-itself": ({LIB + "a.service": unit(Alias="a.service", WantedBy="multi-user.target")},
                     ["enable a.service", *STATES]),
    "alias-in-the-way": ({LIB + "a.service": unit(Alias="b.service"), ETC + "b.service": unit()},
                         ["enable a.service", "--force enable a.service"]),
    "alias-other-link": ({LIB + "a.service": unit(Alias="b.service"), LIB + "c.service": unit(),
                          ETC + "b.service": "-> /usr/lib/systemd/system/c.service"},
                         ["enable a.service", "is-enabled b.service", "--force enable a.service", "disable a.service"]),
    "alias-vendor": ({**A, LIB + "b.service": "-> a.service"},
                     ["is-enabled b.service", "enable b.service", *STATES, "disable b.service"]),
    "alias-vendor-absolute": ({**A, LIB + "b.service": "-> /usr/lib/systemd/system/a.service"},
                              ["is-enabled b.service", "enable b.service", "disable b.service"]),
    "alias-wants": ({LIB + "a.service": unit(Alias="t1.target.wants/a.service")},
                    ["enable a.service", *STATES, "disable a.service"]),
    "also": ({LIB + "a.service": unit(WantedBy="multi-user.target", Also="b.service"),
              LIB + "b.service": unit(WantedBy="t1.target")},
             ["enable a.service", "is-enabled b.service", "disable a.service", *STATES]),
    "also-only": ({LIB + "a.service": unit(Also="a.socket"),
                   LIB + "a.socket": "[Socket]\nListenStream=/run/a\n[Install]\nWantedBy=sockets.target\n"},
                  ["is-enabled a.service", "enable a.service", "list-unit-files", "is-enabled a.service",
                   "disable a.service"]),
    "also-missing": ({LIB + "a.service": unit(WantedBy="multi-user.target", Also="b.service")},
                     ["enable a.service", "disable a.service"]),
    "also-circle": ({LIB + "a.service": unit(WantedBy="t1.target", Also="b.service"),
                     LIB + "b.service": unit(WantedBy="t1.target", Also="a.service")},
                    ["enable b.service", "disable a.service"]),
    "also-masked": ({LIB + "a.service": unit(WantedBy="t1.target", Also="b.service"),
                     LIB + "b.service": unit(), ETC + "b.service": "-> /dev/null"},
                    ["enable a.service", "disable a.service"]),
    "template-no-default": ({LIB + "a@.service": unit(WantedBy="multi-user.target")},
                            ["is-enabled a@.service", "enable a@.service", "list-unit-files"]),
    "template-default": ({LIB + "a@.service": unit(WantedBy="multi-user.target", DefaultInstance="one")},
                         ["enable a@.service", "is-enabled a@.service", "is-enabled a@one.service",
                          "is-enabled a@two.service", "list-unit-files", "disable a@.service"]),
    "template-instance": ({LIB + "a@.service": unit(WantedBy="multi-user.target")},
                          ["enable a@x.service a@y.service", "is-enabled a@x.service", "is-enabled a@.service",
                           "is-enabled a@z.service", "list-unit-files", "disable a@x.service", "disable a@.service"]),
    "template-template-target": ({LIB + "a@.service": unit(WantedBy="b@.target"), LIB + "b@.target": "[Unit]\n"},
                                 ["enable a@.service", "is-enabled a@.service", "enable a@q.service",
                                  "list-unit-files", "disable a@.service"]),
    "template-specifier": ({LIB + "a@.service": unit(WantedBy="b@%i.target", Alias="c-%p-%j@%i.service")},
                           ["enable a@x.service", "is-enabled a@x.service", "disable a@x.service"]),
    "template-alias": ({LIB + "a@.service": unit(Alias="b@.service", WantedBy="multi-user.target",
                                                 DefaultInstance="d")},
                       ["enable a@.service", "list-unit-files", "enable a@x.service", "disable a@.service"]),
    "instance-file": ({LIB + "a@.service": unit(WantedBy="multi-user.target"),
                       LIB + "a@x.service": unit(WantedBy="t1.target")},
                      ["enable a@x.service", "list-unit-files", "disable a@x.service"]),
    "default-instance-of-instance": ({LIB + "a@.service": unit(WantedBy="t1.target", DefaultInstance="d")},
                                     ["enable a@x.service", "is-enabled a@.service", "disable a@.service"]),
    "specifier-names": ({LIB + "a-b.service": unit(Alias="%p-%N-%j.service", WantedBy="t1.target")},
                        ["enable a-b.service", "list-unit-files"]),
    "specifier-bad": ({LIB + "a.service": unit(Alias="%.service")}, ["enable a.service"]),
    "mask": (A, ["mask a.service", *STATES, "enable a.service", "mask a.service", "unmask a.service", *STATES]),
    "mask-enabled": (A, ["enable a.service", "mask a.service", *STATES, "disable a.service", "unmask a.service",
                         *STATES]),
    "mask-runtime": (A, ["--runtime mask a.service", *STATES, "unmask a.service", "--runtime unmask a.service"]),
    "mask-in-the-way": ({ETC + "a.service": unit()}, ["mask a.service", "--force mask a.service", *STATES]),
    "mask-missing": ({}, ["mask nothing.service", "is-enabled nothing.service", "unmask nothing.service"]),
    "mask-alias": ({LIB + "a.service": unit(Alias="b.service")},
                   ["enable a.service", "mask b.service", "--force mask b.service", "is-enabled b.service",
                    "unmask b.service"]),
    "mask-empty-file": ({**A, ETC + "a.service": ""}, [*STATES, "enable a.service", "unmask a.service"]),
    "mask-vendor": ({LIB + "a.service": "-> /dev/null"}, [*STATES, "enable a.service", "unmask a.service"]),
    "link": ({"opt/a.service": unit(WantedBy="t1.target")},
             ["link /opt/a.service", *STATES, "enable a.service", "disable a.service", *STATES]),
    "link-runtime": ({"opt/a.service": unit()}, ["--runtime link /opt/a.service", *STATES]),
    "link-missing": ({}, ["link /opt/a.service"]),
    "enable-path": ({"opt/a.service": unit(WantedBy="t1.target")},
                    ["enable /opt/a.service", *STATES, "enable /opt/a.service", "disable a.service", *STATES]),
    "enable-path-own": (A, ["enable /usr/lib/systemd/system/a.service"]),
    "enable-path-missing": ({}, ["enable /opt/a.service"]),
    "enable-missing": ({}, ["enable nothing.service"]),
    "disable-missing": ({}, ["disable nothing.service"]),
    "disable-dangling": ({ETC + "t1.target.wants/a.service": "-> /usr/lib/systemd/system/a.service"},
                         ["is-enabled a.service", "disable a.service"]),
    "several": ({**A, LIB + "b.service": unit(WantedBy="t1.target")},
                ["enable a.service nothing.service b.service", "enable a.service b.service",
                 "disable a.service b.service"]),
    "reenable": ({LIB + "a.service": unit(WantedBy="t1.target"),
                  ETC + "multi-user.target.wants/a.service": "-> /usr/lib/systemd/system/a.service"},
                 ["reenable a.service", *STATES]),
    "reenable-linked": ({"opt/a.service": unit(WantedBy="t1.target")},
                        ["enable /opt/a.service", "reenable /opt/a.service"]),
    "override-in-etc": ({**A, ETC + "a.service": unit(WantedBy="t1.target")},
                        ["enable a.service", *STATES, "disable a.service"]),
    "dropin-install": ({**A, ETC + "a.service.d/x.conf": "[Install]\nWantedBy=t1.target\n"},
                       ["enable a.service", *STATES, "disable a.service"]),
    "dropin-template": ({LIB + "a@.service": unit(), LIB + "a@.service.d/x.conf": "[Install]\nWantedBy=t1.target\n"},
                        ["enable a@x.service", "is-enabled a@x.service"]),
    "wants-in-lib": ({LIB + "a.service": unit(), LIB + "t1.target.wants/a.service": "-> ../a.service"}, STATES),
    "wants-in-lib-install": ({**A, LIB + "t1.target.wants/a.service": "-> ../a.service"}, STATES),
    "instance-in-lib-wants": ({LIB + "a@.service": unit(), LIB + "t1.target.wants/a@x.service": "-> ../a@.service"},
                              ["is-enabled a@x.service", "is-enabled a@.service", "list-unit-files"]),
    "foreign-name-wants": ({LIB + "a.service": unit(WantedBy="t1.target"),
                            ETC + "t1.target.wants/b.service": "-> /usr/lib/systemd/system/a.service"},
                           [*STATES, "disable a.service"]),
    "foreign-alias": ({LIB + "a.service": unit(WantedBy="t1.target"),
                       ETC + "b.service": "-> /usr/lib/systemd/system/a.service"},
                      [*STATES, "is-enabled b.service", "disable a.service"]),
    "relative-link": ({**A, ETC + "multi-user.target.wants/a.service": "-> ../../../../usr/lib/systemd/system/a.service"},
                      [*STATES, "enable a.service", "disable a.service"]),
    "generated": ({"run/systemd/generator/a.service": unit(WantedBy="t1.target"),
                   "run/systemd/generator/t1.target.wants/a.service": "-> ../a.service"},
                  [*STATES, "enable a.service", "disable a.service", "mask a.service", *STATES]),
    "transient": ({"run/systemd/transient/a.service": unit(WantedBy="t1.target")}, [*STATES, "enable a.service"]),
    "directory": ({LIB + "a.service/x": "x"}, STATES),
    "symlink-loop": ({ETC + "a.service": "-> b.service", ETC + "b.service": "-> a.service"},
                     ["is-enabled a.service", "enable a.service"]),
    "link-wrong-type": ({**A, ETC + "a.socket": "-> /usr/lib/systemd/system/a.service"},
                        ["is-enabled a.socket", "list-unit-files"]),
    "timer": ({LIB + "a.timer": "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
               LIB + "a.service": unit()}, ["enable a.timer", *STATES, "is-enabled a.timer"]),
    "socket-mount": ({LIB + "a.mount": "[Mount]\nWhat=x\nWhere=/a\n[Install]\nWantedBy=t1.target\nAlias=b.mount\n"},
                     ["enable a.mount", "list-unit-files"]),
    "upheld-by": ({LIB + "a.service": unit(WantedBy="t1.target")}, ["enable a.service"]),
    "quoted": ({LIB + "a.service": unit(WantedBy='"t1.target" \'multi-user.target\'')}, ["enable a.service"]),
    "reset": ({LIB + "a.service": unit(WantedBy=["t1.target", "", "multi-user.target"])}, ["enable a.service"]),
    "bad-target-name": ({LIB + "a.service": unit(WantedBy="t1.target nonsense")}, ["enable a.service"]),
    "self-link": ({LIB + "a.service": unit(WantedBy="t1.target"),
                   ETC + "a.service": "-> /usr/lib/systemd/system/a.service"},
                  [*STATES, "enable a.service", "disable a.service"]),
    "usr-local": ({"usr/local/lib/systemd/system/a.service": unit(WantedBy="t1.target"), **A},
                  ["enable a.service", *STATES]),
    "add-wants": (A, ["add-wants t1.target a.service", *STATES, "disable a.service"]),
    "add-requires": (A, ["add-requires t1.target a.service", *STATES]),
    "add-wants-missing": (A, ["add-wants nowhere.target a.service", "add-wants t1.target nothing.service"]),
    "add-wants-masked": ({**A, ETC + "a.service": "-> /dev/null"}, ["add-wants t1.target a.service"]),
    "set-default": ({}, ["set-default graphical.target", "get-default", "set-default multi-user.target",
                         "get-default", "set-default nowhere.target", "set-default default.target"]),
    "get-default-lib": ({LIB + "default.target": "-> t1.target"}, ["get-default", "list-unit-files"]),
    "revert": ({**A, ETC + "a.service": unit(), ETC + "a.service.d/x.conf": "[Service]\n",
                RUN + "a.service.d/y.conf": "[Service]\n"}, ["revert a.service", *STATES]),
    "revert-masked": ({**A, ETC + "a.service": "-> /dev/null"}, ["revert a.service", *STATES]),
    "revert-own": ({ETC + "a.service": unit(), ETC + "a.service.d/x.conf": "[Service]\n"}, ["revert a.service"]),
    "revert-enabled": ({**A, ETC + "a.service": unit(WantedBy="t1.target")},
                       ["revert a.service", *STATES]),
    "preset-none": (A, ["preset a.service", *STATES]),
    "preset-disable": ({**A, PRESETS + "90-x.preset": "disable *\n"},
                       ["enable a.service", "preset a.service", *STATES]),
    "preset-first-wins": ({**A, LIB + "b.service": unit(WantedBy="t1.target"),
                           PRESETS + "50-a.preset": "enable a.*\n# no\n", PRESETS + "90-x.preset": "disable *\n"},
                          ["preset a.service b.service", "list-unit-files", "preset-all", "list-unit-files"]),
    "preset-override": ({**A, PRESETS + "50-a.preset": "disable a.service\n",
                         "etc/systemd/system-preset/50-a.preset": "enable a.service\n"},
                        ["preset a.service", *STATES]),
    "preset-hidden": ({**A, PRESETS + "50-a.preset": "disable a.service\n",
                       "etc/systemd/system-preset/50-a.preset": "-> /dev/null"}, ["preset a.service", *STATES]),
    "preset-mode": ({**A, LIB + "b.service": unit(WantedBy="t1.target"), PRESETS + "1.preset": "disable a.service\n"},
                    ["enable a.service", "--preset-mode=enable-only preset a.service b.service", *STATES,
                     "--preset-mode=disable-only preset a.service b.service", *STATES]),
    "preset-instances": ({LIB + "a@.service": unit(WantedBy="t1.target"), PRESETS + "1.preset": "enable a@.service x y\ndisable *\n"},
                         ["preset a@.service", "list-unit-files", "is-enabled a@x.service", "preset-all"]),
    "preset-template": ({LIB + "a@.service": unit(WantedBy="t1.target")}, ["preset a@.service", "list-unit-files"]),
    "preset-all": ({**A, LIB + "b.service": unit(), LIB + "c@.service": unit(WantedBy="t1.target"),
                    LIB + "d.service": unit(WantedBy="t1.target", Alias="e.service"), ETC + "f.service": "-> /dev/null",
                    PRESETS + "1.preset": "enable a.service\nenable d.service\ndisable *\n"},
                   ["preset-all", "list-unit-files", "preset-all"]),
    "preset-alias": ({**A, LIB + "b.service": "-> a.service"}, ["preset b.service", "list-unit-files"]),
    "preset-missing": ({}, ["preset nothing.service"]),
    "preset-also": ({LIB + "a.service": unit(WantedBy="t1.target", Also="a.socket"),
                     LIB + "a.socket": "[Socket]\nListenStream=/run/a\n[Install]\nWantedBy=t1.target\n",
                     PRESETS + "1.preset": "enable a.service\ndisable *\n"},
                    ["preset a.service", "list-unit-files", "preset-all"]),
}


def states(text, tree):
    """list-unit-files, without what is only compiled in and so listed by reeve's alone."""
    names = {path.rsplit("/", 1)[1] for path in tree}
    return [row.split() for row in text.splitlines() if row.split() and row.split()[0] in names]


@pytest.mark.parametrize("name", CASES)
def test_same_as_systemctl(name, tmp_path):
    files, commands = CASES[name]
    files = {ETC: None, RUN: None, **TARGETS, **files}
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    install_trees.build_tree(theirs, files)
    install_trees.build_tree(ours, files)
    for command in commands:
        real = install_trees.play(SYSTEMCTL, theirs, command.split())
        mine = install_trees.play(OURS, ours, command.split())
        where = f"{name}: {command}\n--- systemctl: {real[0]}\n{real[1]}{real[2]}--- reeve: {mine[0]}\n{mine[1]}{mine[2]}"
        assert install_trees.look(ours) == install_trees.look(theirs), where
        assert mine[0] == real[0], where
        assert install_trees.alike(mine[2]) == install_trees.alike(real[2]), where
        if "list-unit-files" in command:
            assert states(mine[1], files) == states(real[1], files), where
        else:
            assert mine[1] == real[1], where
