#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One TCP stream through a ruleset that accepts what is established, before 10,000 other rules.

    bench/throughput.py [--rules N] [--rounds N] [--seconds S] [--quick] [--json FILE]

    Gb/s      as iperf3 measures it, GSO on
    missed    packets that the router forwarded and FORWARD's rules and policy did not count; 0 is
              exact (super-packets count as they come)

fwd runs with --offload on and off; the loop takes super-packets whole, as fwd does.
"""
import json
import os
import re
import sys

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
import contenders as c
import measure


def forwarded(world):
    """IPv4 packets that the router has sent on."""
    with world.router, open("/proc/thread-self/net/snmp") as f:
        keys, values = [x.split() for x in f if x.startswith("Ip:")]
    return int(values[keys.index("ForwDatagrams")])


def counted(fw):
    """Packets that FORWARD's rules and policy have counted."""
    m = re.findall(r"^\[(\d+):\d+\] -A FORWARD|^:FORWARD \w+ \[(\d+):", fw.fw.save(4), re.M)
    return sum(int(a or b) for a, b in m)


def missed(world, fw):
    """Packets forwarded and not counted, up to a moment when there are none on their way."""
    while True:
        fw.fw.settle()
        first, seen = forwarded(world), counted(fw)
        if forwarded(world) == first:
            return first - seen


def stream(world, fw, seconds):
    counts = hasattr(fw, "fw")
    before = missed(world, fw) if counts else 0
    out = world.client.run("iperf3", "-c", c.SERVER, "-J", "-t", str(seconds)).stdout
    result = {"Gb/s": json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e9}
    if counts:
        result["missed"] = missed(world, fw) - before
    return result


def all_contenders(world, n):
    rules = [c.ESTABLISHED] + c.by_source(n - 1)
    return {"none": lambda: c.Nothing(world),
            "conntrack": lambda: c.Conntrack(world),
            "loop": lambda: c.Loop(world),
            "fwd": lambda: c.Fwd(world, rules, ["--offload", "on"]),
            "fwd no offload": lambda: c.Fwd(world, rules, c.JUDGE_ALL),
            "legacy": lambda: c.Iptables(world, "legacy", rules),
            "nft": lambda: c.Iptables(world, "nft", rules)}


def main():
    args = measure.options(__doc__, rounds=5, seconds=1,
                           more=[("--rules", {"type": int, "default": 10000})])
    if args.quick:
        args.seconds = 1  # iperf3 counts in whole seconds
        args.rules = min(args.rules, 1000)
    world = c.World()
    world.serve("iperf3", "-s", port=5201)
    seconds = max(int(args.seconds), 1)
    results = c.measured(all_contenders(world, args.rules),
                         lambda fw: stream(world, fw, seconds), args.rounds)
    world.close()
    report = measure.Report("throughput", args)
    report.of_results("one TCP stream, %d rules" % args.rules, results, ["Gb/s", "missed"],
                      "conntrack", ["Gb/s"])
    report.bar("5", "TCP with offload, of conntrack's without rules",
               measure.ratio(results, "fwd", "conntrack", "Gb/s"), ">=", 0.9)
    report.bar("5", "TCP without offload, of the loop's",
               measure.ratio(results, "fwd no offload", "loop", "Gb/s"), ">=", 0.9)
    for name in ("fwd", "fwd no offload"):
        report.bar("5", "packets counted wrong, %s" % name,
                   max(abs(r["missed"]) for r in results[name]), "<=", 0)
    report.close()


main()
