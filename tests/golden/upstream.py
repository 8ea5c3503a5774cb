#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Our language against iptables' own tables of cases.

    upstream.py GOLDEN EXTENSIONS [NAME...]

GOLDEN is the built golden runner, EXTENSIONS the folder extensions/ of an iptables source tree (it
is not part of ours).  Each row of a table there is words, what save prints, OK or FAIL.  Tables of
extensions that fwd does not have are counted as such; every difference in the others is printed.
"""
import os
import re
import subprocess
import sys
import tempfile

FAMILIES = {"libxt_": "both", "libipt_": "4", "libip6t_": "6"}


def rows(path):
    """(table, chain, words, expected or None) of each row; None: must be refused."""
    chains, table = ["INPUT"], "filter"
    for line in open(path):
        line = line.strip()
        if not line or line[0] in "#@%":
            continue
        if line[0] == ":":
            chains = line[1:].split(",")
        elif line[0] == "*":
            table = line[1:]
        elif ";" in line:
            part = line.split(";")
            want = part[0] if part[1] == "=" else part[1]
            for chain in chains:
                yield table, chain, part[0], want if part[2] == "OK" else None


def check(golden, path, family):
    """(rows, list of complaints) for one table of cases."""
    cases, text = {}, [f"@family {family}"]
    for table, chain, words, want in rows(path):
        text += [f"@table {table}", f"@chain {chain}", f"{words} => {'ok' if want is None else want}"]
        cases[len(text)] = (words, want)
    with tempfile.NamedTemporaryFile("w", suffix=".t") as f:
        f.write("\n".join(text) + "\n")
        f.flush()
        out = subprocess.run([golden, f.name], capture_output=True, text=True).stderr
    said = {}
    for line in out.splitlines():
        m = re.match(re.escape(f.name) + r":(\d+)", line)
        if m:
            said.setdefault(int(m[1]), line[m.end():])
    bad = []
    for number, (words, want) in cases.items():
        if want is None and number not in said:
            bad.append(f"{words}: taken, must be refused")
        if want is not None and number in said:
            bad.append(f"{words}{said[number]}")
    return len(cases), bad


def known(golden, path, family):
    """Does the table's extension exist here?  Its first good row tells."""
    name = re.sub(r"^lib(xt|ipt|ip6t)_", "", os.path.basename(path)[:-2])
    words = f"-m {name} --help-me-not" if name.islower() or name == "icmp6" else f"-j {name} --help-me-not"
    with tempfile.NamedTemporaryFile("w", suffix=".t") as f:
        f.write(f"@family {family}\n{words} => ok\n")
        f.flush()
        out = subprocess.run([golden, f.name], capture_output=True, text=True).stderr
    return "help-me-not" in out.split("got", 1)[-1] or "unknown option" in out


def main():
    golden, folder, only = sys.argv[1], sys.argv[2], sys.argv[3:]
    total = failed = 0
    missing = []
    for file in sorted(os.listdir(folder)):
        prefix = re.match(r"lib(xt|ipt|ip6t)_", file)
        if not prefix or not file.endswith(".t"):
            continue
        name, family = file[prefix.end():-2], FAMILIES[prefix[0]]
        if only and name not in only:
            continue
        path = os.path.join(folder, file)
        if not known(golden, path, family):
            missing.append(name)
            continue
        n, bad = check(golden, path, family)
        total += n
        failed += len(bad)
        print(f"{file}: {n - len(bad)} of {n}")
        for line in dict.fromkeys(bad):
            print("    " + line[:200])
    print(f"{total - failed} of {total} rows; not in fwd: {' '.join(missing)}")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
