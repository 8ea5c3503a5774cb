#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One TCP stream through DNAT and MASQUERADE.

    bench/nat.py [--rounds N] [--seconds S] [--quick] [--json FILE]

    Gb/s   as iperf3 measures it, GSO on

Twice: with rules in nat alone, and with a filter that lets through what is translated.  Each
contender has a router of its own, because what iptables-legacy hooks for nat stays with its
namespace.
"""
import json
import os
import sys

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
import contenders as c
import measure

ROUTER, PORT = "10.66.1.1", 5201
NAT = """*nat
-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination %s:%d
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
""" % (c.SERVER, PORT)
FILTER = """*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -d %s/32 -p tcp --dport %d -m conntrack --ctstate DNAT -j ACCEPT
COMMIT
""" % (c.SERVER, PORT)
RULESETS = {"nat alone": NAT, "nat and filter": NAT + FILTER}


def stream(world, seconds):
    out = world.client.run("iperf3", "-c", ROUTER, "-p", "8080", "-J", "-t", str(seconds),
                           timeout=seconds + 30).stdout
    return {"Gb/s": json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e9}


def all_contenders(worlds, text):
    made = {"fwd": lambda: c.Fwd(worlds["fwd"], text, ["--offload", "on"])}
    for b in ("legacy", "nft"):
        made[b] = lambda b=b: c.Iptables(worlds[b], b, text)
    return made


def main():
    args = measure.options(__doc__, rounds=5, seconds=2)
    seconds = max(int(args.seconds), 1)  # iperf3 counts in whole seconds
    worlds = {name: c.World() for name in ("fwd", "legacy", "nft")}
    for world in worlds.values():
        world.serve("iperf3", "-s", port=PORT)
    report = measure.Report("nat", args)
    for name, text in RULESETS.items():
        results = c.measured(all_contenders(worlds, text),
                             lambda fw: stream(fw.world, seconds), args.rounds)
        report.of_results("one TCP stream through DNAT and MASQUERADE, " + name, results, ["Gb/s"],
                          "legacy", ["Gb/s"])
        report.bar("9", "TCP through DNAT and MASQUERADE, of iptables-legacy's (%s)" % name,
                   measure.ratio(results, "fwd", "legacy", "Gb/s"), ">=", 0.85)
    for world in worlds.values():
        world.close()
    report.close()


main()
