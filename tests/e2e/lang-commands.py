#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
"""Command lines, right and wrong ones, against iptables-legacy: the same exit code, the same words on
stderr, and the same rules after it.

Commands are made from good ones by dropping, doubling, swapping and spoiling words.  What iptables
itself gets wrong, or says by its libc's help, is left out by skip().

usage: lang-commands.py [COUNT [SEED]]     default 500 commands
"""
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
STATE = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:empty - [0:0]
:web - [0:0]
-A INPUT -p tcp -m tcp --dport 80 -j web
-A INPUT -s 10.0.0.0/8 -j DROP
-A FORWARD -g web
-A web -j ACCEPT
COMMIT
"""
STATE6 = STATE.replace("10.0.0.0/8", "fd00::/8")
GOOD = ["-A INPUT", "-A INPUT -j ACCEPT", "-A web -j DROP", "-I INPUT", "-I INPUT 2 -j web", "-D INPUT 1",
        "-D INPUT -p tcp --dport 80 -j web", "-C INPUT -p tcp --dport 80 -j web", "-R INPUT 2 -j RETURN",
        "-F", "-F web", "-X", "-X empty", "-X web", "-N new", "-E empty other", "-P INPUT DROP", "-Z",
        "-Z INPUT", "-Z INPUT 1", "-S", "-S INPUT", "-S INPUT 1", "-L -n", "-L INPUT -n -v", "-L -n -v -x",
        "-L web -n --line-numbers", "--append INPUT --jump ACCEPT", "--insert INPUT --proto tcp --syn",
        "--delete INPUT 1", "--list-rules", "--new-chain new", "--policy OUTPUT DROP", "-A INPUT -f",
        "-A OUTPUT -o eth0 -j ACCEPT", "-A INPUT -i eth+ ! -s 1.2.3.4 -j ACCEPT", "-A INPUT -c 1 2",
        "-A FORWARD -s 1.1.1.1,2.2.2.2 -d 3.3.3.3 -j DROP", "-t mangle -A INPUT -j MARK --set-mark 1"]
JUNK = ["!", "-j", "-p", "-s", "--", "-", "nope", "0", "99", "--dport", "--nope", "-A", "-L", "-n", "tcp",
        "web", "INPUT", "DROP", "LOG", "-m", "-g", "1.2.3.4/33", "70000", "-v", "--source", "x" * 30,
        "-x", "--line-numbers", "-c", "5", "-i", "-o", "eth0", "a/b", "1,2", "--reject-with", "--set"]

# Where iptables shows the wrong word, or its libc's, or another of its many sentences for a bad
# value: the exit code alone counts.
OWN_WORDS = ("iprange: Bad value for", "getaddrinfo:")


def spoil(rng, words):
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        i = rng.randrange(len(words) + 1)
        how = rng.randrange(4)
        if how == 0 and i < len(words):
            del words[i]
        elif how == 1 and i < len(words):
            words.insert(i, words[i])
        elif how == 2 and i + 1 < len(words):
            words[i], words[i + 1] = words[i + 1], words[i]
        else:
            words.insert(i, rng.choice(JUNK))
    return words


def command(rng, family):
    if rng.random() < 0.5:
        words = rng.choice(GOOD).split()
    else:
        g = rules.Gen(rng, family, "t")
        chain = rng.choice(["INPUT", "FORWARD", "OUTPUT", "web"])
        hooks = {"INPUT", "FORWARD"} if chain == "web" else {chain}
        words = ["-A", chain] + [w.strip('"') for w in re.findall(
            r'"(?:\\.|[^"])*"|\S+', g.rule("filter", hooks, ["empty"]))]
    return spoil(rng, words)


def skip(words, family):
    """Not comparable: help and version; words joined to short options, which 1.8.9 takes apart in a
    way of its own; -- , which ends options only there; "--option ! value", which older versions
    took and so do we; -C and -D of ip6tables 1.8.9, which takes any two rules with the same matches
    for the same; numbers where libc sees an address (70000 is 0.1.17.112)."""
    if "udplite" in words and "--dport" in words:  # a match of ours that iptables has not
        return True
    if family == 6 and any(re.match(r"-[CD]|--(check|delete)$", w) for w in words):
        return True
    if any(re.search(r"src$|dst$|^-[sd]$|^--(source|destination)$", a) and b in JUNK
           for a, b in zip(words, words[1:])):
        return True
    if any(a.startswith("-") and b == "!" for a, b in zip(words, words[1:])):
        return True
    return any(re.match(r"-[A-Zjgiopsdtmc].", w) for w in words) or {"--", "-"} & set(words) or \
        any(re.match(r"--?h(e|$)|--?V|--vers", w) for w in words)


def first_words(stderr):
    """iptables' sentence, without the program's name."""
    for line in stderr.splitlines():
        line = re.sub(r"^ip6?tables( v[\d.]+ \(legacy\))?: ", "", line)
        # one sentence for both of xtables' port parsers, one for its ways to say "twice"
        line = re.sub(r'^Port "(.*)" does not resolve to anything\.$',
                      r"invalid port/service `\1' specified", line)
        if re.search(r"can only be used once|Only one of `", line):
            line = "used twice"
        if line and not line.startswith(("Try `", "Warning", "Perhaps", "hint:")) and \
                not re.match(r"\d+:\d+\+\d+ ", line):
            return line
    return ""


def clean(text):
    return "".join(l for l in text.splitlines(True) if not l.startswith("#"))


class Family:
    def __init__(self, family):
        self.family, self.ns = family, netns.Namespace()
        self.prog = "iptables-legacy" if family == 4 else "ip6tables-legacy"
        self.state = STATE if family == 4 else STATE6
        for t in ("mangle", "nat", "raw"):
            self.ns.run(self.prog, "-t", t, "-S")

    def real(self, words):
        self.ns.run(self.prog + "-restore", input=self.state + "*mangle\nCOMMIT\n")
        p = self.ns.run(self.prog, *words, check=False)
        listing = any(w in ("-L", "-S") or w.startswith("--list") for w in words)
        after = p.stdout if listing else clean(self.ns.run(self.prog + "-save").stdout)
        return p.returncode, first_words(p.stderr), "" if p.returncode else after

    def ours(self, words):
        argv = [FWTEXT] + (["-6"] if self.family == 6 else []) + ["run"] + words
        p = subprocess.run(argv, input=self.state, text=True, capture_output=True)
        return p.returncode, first_words(p.stderr), p.stdout


def same(real, ours):
    if real[:2] != ours[:2]:
        return False
    # of a save, only the tables that we print: iptables also has empty ones
    return real[2] == ours[2] or bool(ours[2]) and all(
        part in real[2] for part in re.findall(r"^\*.*?^COMMIT\n", ours[2], re.M | re.S))


def main():
    netns.need_root()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    sides = {4: Family(4), 6: Family(6)}
    bad = done = 0
    while done < count and bad < 30:
        family = rng.choice([4, 4, 6])
        words = command(rng, family)
        if skip(words, family):
            continue
        done += 1
        real, ours = sides[family].real(words), sides[family].ours(words)
        if not same(real, ours) and not (real[0] == ours[0] and (
                real[1].startswith(OWN_WORDS) or ": bad value for option" in ours[1])):
            bad += 1
            print("ip%stables %s\n  real: %r\n  ours: %r" % ("" if family == 4 else "6",
                                                           " ".join(words), real[:2], ours[:2]))
            if real[:2] == ours[:2]:
                print("  real: %s\n  ours: %s" % (real[2], ours[2]))
    print("%d commands, %d differences" % (done, bad))
    sys.exit(bad != 0)


main()
