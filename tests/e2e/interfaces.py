#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
"""Interfaces come and go, as on a host of containers: the daemon remembers those that there are, by
their names of now, and no others."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall
import netns
import report
from report import check

PAIRS, ROUNDS = 25, 80
GREW_KIB = 200  # 4,000 that are remembered take 500
RULES = """*filter
:OUTPUT DROP
-A OUTPUT -o good+ -j ACCEPT
COMMIT
"""


def rss_kib(fw):
    with open("/proc/%d/status" % fw.proc.pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def come_and_go(ns, rounds):
    for _ in range(rounds):
        ns.run("ip", "-batch", "-", input="".join(
            "link add c%d group 5 type veth peer name d%d\n" % (n, n) for n in range(PAIRS)))
        ns.run("ip", "link", "del", "group", "5")
        ns.run("ping", "-c", "1", "-W", "0.01", "127.0.0.1", check=False)  # fwd looks about


def accepted(fw):
    return int(re.search(r"^\[(\d+):\d+\] -A OUTPUT -o good", fw.save(4), re.M).group(1))


def known_again(ns, fw, name, index):
    """An interface with that number; do packets out of it match its name?"""
    ns.ip("link add %s index %d type veth peer name other" % (name, index),
          "link set %s up" % name, "link set other up", "addr add 10.9.9.1/24 dev %s" % name)
    before = accepted(fw)
    ns.run("ping", "-c", "1", "-W", "0.1", "-I", name, "10.9.9.2", check=False)
    ns.ip("neigh replace 10.9.9.2 lladdr 02:00:00:00:00:09 dev %s nud permanent" % name)
    ns.run("ping", "-c", "1", "-W", "0.1", "-I", name, "10.9.9.2", check=False)
    fw.settle()
    ns.ip("link del %s" % name)
    return accepted(fw) > before


netns.need_root()
ns = netns.Namespace()
ns.ip("link set lo up")
with firewall.Fwd(ns) as fw:
    fw.restore(4, RULES)
    come_and_go(ns, 3)
    before = rss_kib(fw)
    come_and_go(ns, ROUNDS)
    grew = rss_kib(fw) - before
    check("%d interfaces came and went" % (2 * PAIRS * ROUNDS), grew < GREW_KIB, grew)
    for name, good in (("good0", True), ("bad0", False), ("good1", True)):
        check("%s has the number of before" % name, known_again(ns, fw, name, 77) == good)
ns.remove()
report.finish()
