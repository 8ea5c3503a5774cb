#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A flood from 64 sources that a rule drops, and one legitimate TCP stream beside it.

    bench/flood.py [--rate PPS] [--rules N] [--rounds N] [--seconds S] [--quick] [--json FILE]

The flood is small UDP packets at --rate (0: as many as one CPU sends, which is fewer where the
sender itself runs more of the firewall); the rule that drops its sources is the
first of N, the rule that accepts what is established the second.  Gb/s is what the stream still
gets; flood kpps, what was sent at it meanwhile; passed, how many of those reached the server, which
must be none.  "quiet" is the stream without a flood and without a firewall.
"""
import json
import os
import subprocess
import sys

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
import contenders as c
import measure
import netns

FIRST, SOURCES = "10.66.1.128", 64
DROP = "-A FORWARD -s %s/26 -j DROP" % FIRST


def stream(world, seconds):
    out = world.client.run("iperf3", "-c", c.SERVER, "-B", c.CLIENT, "-J", "-t",
                           str(seconds)).stdout
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e9


def flooded(world, seconds, rate):
    before = world.sunk()
    p = world.client.popen(c.BENCH + "/udp-flood", c.SERVER, str(seconds + 1), str(SOURCES),
                           str(rate), FIRST, stdout=subprocess.PIPE)
    try:
        goodput = stream(world, seconds)
        sent, _, ns = map(int, p.stdout.read().split())
    finally:
        netns.stop(p)
    return {"Gb/s": goodput, "flood kpps": sent / ns * 1e6, "passed": world.sunk() - before}


def main():
    args = measure.options(__doc__, rounds=5, seconds=2,
                           more=[
        ("--rules", {"type": int, "default": 1000}), ("--rate", {"type": int, "default": 100000})])
    seconds = max(int(args.seconds), 1)
    world = c.World()
    world.client.ip(*["addr add 10.66.1.%d/24 dev eth0" % (128 + i) for i in range(SOURCES)])
    world.serve("iperf3", "-s", ready=False)
    rules = [DROP, c.ESTABLISHED] + c.by_source(args.rules - 2)

    def use(fw):
        result = flooded(world, seconds, args.rate)
        if result["passed"]:
            raise RuntimeError("%d packets of the flood were let through" % result["passed"])
        return result

    makers = {"fwd": lambda: c.Fwd(world, rules)}
    for b in ("legacy", "nft"):
        makers[b] = lambda b=b: c.Iptables(world, b, rules)
    runs = {"quiet": lambda: {"Gb/s": stream(world, seconds), "flood kpps": 0, "passed": 0}}
    runs.update({name: c.under(make, use) for name, make in makers.items()})
    results = measure.rounds(runs, args.rounds, measure.progress)
    world.close()
    report = measure.Report("flood", args)
    report.of_results("a TCP stream beside a flood from %d sources" % SOURCES, results,
                      ["Gb/s", "flood kpps", "passed"], "legacy", ["Gb/s"])
    for peer in ("legacy", "nft"):
        report.bar("8", "goodput beside the flood, of %s's" % peer,
                   measure.ratio(results, "fwd", peer, "Gb/s"), ">=", 0.8)
    report.close()


main()
