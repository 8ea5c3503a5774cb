#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that die in the routing have moved their connection, as in the kernel.

A router forwards packets from sources to which it has no way back (blackhole, prohibit,
unreachable, none at all).  The answers die there, behind PREROUTING and ahead of FORWARD, and yet
the connection counts as established.  Packets without a way that begin a connection leave none.
Routes by rules on the interface, which nft cannot ask for, lose nothing.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import pkt  # noqa: E402
import topo  # noqa: E402

SERVER = {4: "10.77.2.10", 6: "fd77:2::10"}
LOST = {4: ["10.77.7.1", "10.77.8.1", "10.77.9.1", "192.0.2.1"],
        6: ["fd77:7::1", "fd77:8::1", "fd77:9::1", "2001:db8::1"]}
RULES = "*filter\n" + "".join("-A %s -m conntrack --ctstate %s\n" % (chain, state)
                             for chain in ("FORWARD", "OUTPUT")
                             for state in ("NEW", "ESTABLISHED", "RELATED", "INVALID")) + "COMMIT\n"


class Side:
    def __init__(self, lab, kind):
        self.net = topo.LabRouter(lab)
        self.fw = firewall.Fwd(self.net.ns) if kind == "fwd" else firewall.Kernel(self.net.ns, kind)

    def send(self, dev, src, dst, sport, dport):
        make = pkt.ip6 if ":" in src else pkt.ip4
        packet = make(src, dst, 17, pkt.udp(src, dst, sport, dport))
        self.net.ports[dev].send(pkt.ether(self.net.MAC[dev], "02:77:00:00:00:99", packet))
        self.fw.settle()

    def counters(self, family):
        return [x for x in self.fw.save(family).splitlines() if x.startswith("[")]

    def close(self):
        self.fw.close()
        self.net.close()


def answered(side, family):
    """The answer dies, and the connection is established."""
    for port, source in enumerate(LOST[family], 1000):
        side.send("eth0", source, SERVER[family], port, 53)
        side.send("eth1", SERVER[family], source, 53, port)
        side.send("eth0", source, SERVER[family], port, 53)


def never_was(side, family):
    """What dies as it begins is nothing that an answer could belong to."""
    for port, source in enumerate(LOST[family], 2000):
        side.send("eth1", SERVER[family], source, 53, port)
        side.send("eth0", source, SERVER[family], port, 53)


def routed_by_rule(side, family):
    """To the server there is a way for those who come in through eth0 only."""
    net, other = ("10.99.0.0/16", "10.99.0.1") if family == 4 else ("fd99::/64", "fd99::1")
    for line in ("rule add iif eth0 lookup 99",
                 "route add %s via %s dev eth1 table 99" % (net, SERVER[family])):
        side.net.ns.run("ip", "-%d" % family, *line.split())
    client = "10.77.1.10" if family == 4 else "fd77:1::10"
    for _ in range(2):
        side.send("eth0", client, other, 3000, 53)
        side.send("eth1", other, client, 53, 3000)


def main():
    netns.need_root()
    netns.sweep()
    lab = topo.Lab()
    sides = [Side(lab, kind) for kind in ("fwd", "legacy")]
    checks = hosts.Checks()
    for family in (4, 6):
        for side in sides:
            side.fw.restore(family, RULES)
        for what in (answered, never_was, routed_by_rule):
            for side in sides:
                what(side, family)
            checks.equal("IPv%d %s" % (family, what.__name__), *[s.counters(family) for s in sides])
        seen = "".join(sides[0].counters(family))
        checks.true("IPv%d: something was counted" % family,
                    "[0:0] -A FORWARD -m conntrack --ctstate ESTABLISHED" not in seen)
    for side in sides:
        side.close()
    lab.ns.remove()
    return checks.finish()


sys.exit(main())
