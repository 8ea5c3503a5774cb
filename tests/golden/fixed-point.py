#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""fixed-point.py FWTEXT [SEEDS [FIRST]]: save(parse(x)) parses to the same and saves the same bytes.

The rulesets are the differential test's; every one must be accepted, with as many rules as it has."""
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "diff"))
import rules  # noqa: E402


def save(fwtext, family, text):
    argv = [fwtext] + (["-6"] if family == 6 else []) + ["-c", "save", "counters"]
    p = subprocess.run(argv, input=text, text=True, capture_output=True)
    return p.stdout if p.returncode == 0 else sys.exit("%s\n%s" % (text, p.stderr))


def main():
    fwtext = sys.argv[1]
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for seed in range(first, first + seeds):
        family = 4 if seed % 2 else 6
        text = rules.generate(random.Random(seed), family, "t").text()
        once = save(fwtext, family, text)
        if once.count("-A ") != text.count("-A "):
            sys.exit("seed %d: rules were lost\n%s\n%s" % (seed, text, once))
        if save(fwtext, family, once) != once:
            sys.exit("seed %d: no fixed point\n%s\n%s" % (seed, once, save(fwtext, family, once)))
    print("%d rulesets" % seeds)


main()
