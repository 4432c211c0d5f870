#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the unit files of this directory into the C table vendor_units[] of src/unit/search.h.

embed.py DIRECTORY OUTPUT [DEPFILE]

Files of DIRECTORY are the last entry of the unit load path, those of DIRECTORY/builtin the first; the lines of
DIRECTORY/aliases name symlinks. Comments and empty lines are left out: nobody reads them in the binary."""
import os
import sys

KINDS = (".service", ".socket", ".target", ".slice", ".scope", ".mount", ".automount", ".timer", ".path", ".swap")


def unit_text(path):
    with open(path, encoding="utf-8") as f:
        return "".join(line for line in f if line.strip() and line[0] not in "#;")


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def main():
    directory, output = sys.argv[1:3]
    rows, read = {}, []
    for folder, builtin in (directory, "false"), (os.path.join(directory, "builtin"), "true"):
        for name in os.listdir(folder):
            if name.endswith(KINDS):
                read.append(os.path.join(folder, name))
                assert name not in rows, name
                rows[name] = f".content = {c_string(unit_text(read[-1]))}, .builtin = {builtin}"
    read.append(os.path.join(directory, "aliases"))
    with open(read[-1], encoding="utf-8") as f:
        for line in f:
            if line[0] != "#":
                alias, unit = line.split()
                assert unit in rows and alias not in rows, line
                rows[alias] = f".alias = {c_string(unit)}"
    with open(output, "w", encoding="utf-8") as out:
        out.write('/* Made by units/embed.py. */\n#include "unit/search.h"\n\n'
                  "const struct vendor_unit vendor_units[] = {\n")
        for name in sorted(rows):
            out.write(f"    {{ .name = {c_string(name)}, {rows[name]} }},\n")
        out.write("    { .name = NULL },\n};\n"
                  f"const size_t n_vendor_units = {len(rows)};\n")
    if len(sys.argv) > 3:
        with open(sys.argv[3], "w", encoding="utf-8") as dep:
            dep.write(output + ": " + " ".join(sorted(p.replace(" ", "\\ ") for p in read)) + "\n")


main()
