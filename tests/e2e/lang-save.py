#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
"""Our printers against iptables' own: the same restore text goes to iptables-legacy-restore in a
namespace and to fwtext (tests/tools/fwtext.c); save, -S and -L in all their forms must be the same,
byte for byte.  Then what we saved goes back into iptables-legacy-restore, and must be the same again.

usage: lang-save.py [SEEDS [FIRST]]     default 40 seeds from 1; prints what differs, and the seed
"""
import difflib
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "diff")]
import netns  # noqa: E402
import rules  # noqa: E402

BUILD = os.environ.get("FWD_BUILD") or os.path.join(HERE, "..", "..", "build")
FWTEXT = os.path.join(BUILD, "tests", "tools", "fwtext")
LISTS = ["-S", "-S -v", "-L -n", "-L -n -v", "-L -n -v -x --line-numbers", "-L INPUT 2 -n -v",
         "-S FORWARD", "-S FORWARD 1", "-L", "-L -v"]


def with_counters(rng, text):
    """Numbers of all sizes, for the columns of -L -v."""
    def count(m):
        p, b = (rng.choice([0, 7, 99999, 100000, 123456, 9999499, 12345678, 10 ** 10, 10 ** 13])
                for _ in "pb")
        return "[%d:%d] %s" % (p, b, m.group(0))
    text = re.sub(r"^-A ", count, text, flags=re.M)
    return re.sub(r"\[0:0\]$", lambda m: "[%d:%d]" % (rng.choice([0, 5, 123456]),
                                                      rng.choice([0, 600, 10 ** 9])), text, flags=re.M)


def mend(listed):
    """1.8.9 prints a NUL behind -m bpf's program, and HMARK's IPv6 prefixes of 128 from a byte behind
    the string that it wants."""
    return re.sub(r"((?:src|dst)-prefix )(?= )", r"\g<1>128", listed.replace("\0", ""))


def clean(saved):
    return "".join(l for l in saved.splitlines(True) if not l.startswith("#"))


class Pair:
    def __init__(self, ns, family):
        self.ns, self.family = ns, family
        self.prog = "iptables-legacy" if family == 4 else "ip6tables-legacy"

    def real(self, tool, *args, input=None):
        return self.ns.run(self.prog + tool, *args, input=input)

    def ours(self, text, *args):
        argv = [FWTEXT] + (["-6"] if self.family == 6 else []) + ["-c"] + list(args)
        p = subprocess.run(argv, input=text, text=True, capture_output=True)
        if p.returncode:
            raise RuntimeError("fwtext %s: exit %d\n%s" % (" ".join(args), p.returncode, p.stderr))
        return p.stdout

    def compare(self, text, tables):
        """Yields (what, real, ours) where they differ."""
        ours = self.ours(text, "save", "counters")
        for t in tables:
            real = clean(self.real("-save", "-c", "-t", t).stdout)
            part = re.search(r"^\*%s\n.*?^COMMIT\n" % t, ours, re.M | re.S).group(0)
            if real != part:
                yield "save -c -t " + t, real, part
            for words in LISTS:
                if t == "raw" and ("INPUT" in words or "FORWARD" in words):
                    continue
                words = "-t %s %s" % (t, words)
                real = mend(self.real("", *words.split()).stdout)
                mine = self.ours(text, "list", *words.split())
                # without -n iptables asks /etc/hosts and /etc/networks, too, and fwtext does not
                if real != mine and not re.search("localhost|loopback", real):
                    yield words, real, mine
        self.real("-restore", "-c", input=ours)
        for t in tables:
            real = clean(self.real("-save", "-c", "-t", t).stdout)
            if real not in ours:
                yield "what we saved, restored by iptables, -t " + t, ours, real


def main():
    netns.need_root()
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    bad = 0
    pairs = {f: Pair(netns.Namespace(), f) for f in (4, 6)}
    for seed in range(first, first + seeds):
        rng = random.Random(seed)
        family = 4 if seed % 2 else 6
        rs = rules.generate(rng, family, "t")
        text = with_counters(rng, rs.text())
        pairs[family].real("-restore", "-c", input=text)
        for what, real, ours in pairs[family].compare(text, list(rs.policy)):
            bad += 1
            print("seed %d, IPv%d: %s" % (seed, family, what))
            sys.stdout.writelines(difflib.unified_diff(real.splitlines(True), ours.splitlines(True),
                                                       "iptables", "fwd", n=0))
        if bad > 20:
            break
    print("%d seeds, %d differences" % (seed - first + 1, bad))
    sys.exit(bad != 0)


main()
