#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A flood from 64 sources that rules drop, and one legitimate TCP stream beside it.

    bench/flood.py [--rate PPS] [--rulesets A,B] [--rounds N] [--seconds S] [--quick] [--json FILE]

The flood is small UDP packets at --rate (0: as many as one CPU sends, which is fewer where the
sender itself runs more of the firewall).  Its sources are dropped by

    network  one rule for all of them, ahead of what is established, and 1,000 rules behind
    sources  a rule for each, ahead of what is established
    10k      a rule for each, at the end of 10,000 others, behind what is established
    recent   a list that has them all (recent --update), ahead of what is established

"fwd" drops them in the kernel as soon as it has seen enough of them, "fwd judges" (--offload off)
judges every packet.  Gb/s is what the stream still gets; flood kpps, what was sent at it meanwhile;
passed, how many of those reached the server, which must be none.  "quiet" is the stream without a
flood and without a firewall.
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
ADDRESSES = ["10.66.1.%d" % (128 + i) for i in range(SOURCES)]
EACH = ["-A FORWARD -s %s -j DROP" % a for a in ADDRESSES]
RULESETS = {
    "network": lambda: ["-A FORWARD -s %s/26 -j DROP" % FIRST, c.ESTABLISHED] + c.by_source(1000),
    "sources": lambda: EACH + [c.ESTABLISHED],
    "10k": lambda: [c.ESTABLISHED] + c.by_source(10000) + EACH,
    "recent": lambda: ["-A FORWARD -m recent --name flood --update -j DROP", c.ESTABLISHED],
}


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


def fill_list(world, fw):
    """All sources are on the list from the start."""
    for a in ADDRESSES:
        if isinstance(fw, c.Fwd):
            fw.fw.ctl("recent", "add", "flood", a)
        else:
            world.router.run("sh", "-c", "echo +%s >/proc/net/xt_recent/flood" % a)


def compare(world, report, name, seconds, rate):
    rules = RULESETS[name]()

    def use(fw):
        if name == "recent":
            fill_list(world, fw)
        result = flooded(world, seconds, rate)
        if result["passed"]:
            raise RuntimeError("%d packets of the flood were let through" % result["passed"])
        return result

    makers = {"fwd": lambda: c.Fwd(world, rules),
              "fwd judges": lambda: c.Fwd(world, rules, c.JUDGE_ALL)}
    for b in ("legacy", "nft"):
        makers[b] = lambda b=b: c.Iptables(world, b, rules)
    runs = {"quiet": lambda: {"Gb/s": stream(world, seconds), "flood kpps": 0, "passed": 0}}
    runs.update({who: c.under(make, use) for who, make in makers.items()})
    results = measure.rounds(runs, report.args.rounds, measure.progress)
    report.of_results("a TCP stream beside a flood from %d sources, dropped by: %s" % (SOURCES, name),
                      results, ["Gb/s", "flood kpps", "passed"], "legacy", ["Gb/s"])
    for peer in ("legacy", "nft"):
        report.bar("8", "goodput beside the flood (%s), of %s's" % (name, peer),
                   measure.ratio(results, "fwd", peer, "Gb/s"), ">=", 0.8)


def main():
    args = measure.options(__doc__, rounds=5, seconds=2,
                           more=[("--rulesets", {"help": "default: all; in a quick run the first"}),
                                 ("--rate", {"type": int, "default": 100000})])
    world = c.World()
    world.client.ip(*["addr add %s/24 dev eth0" % a for a in ADDRESSES])
    world.serve("iperf3", "-s", port=5201)
    report = measure.Report("flood", args)
    names = args.rulesets.split(",") if args.rulesets else list(RULESETS)[:1 if args.quick else None]
    for name in names:
        compare(world, report, name, max(int(args.seconds), 1), args.rate)
    world.close()
    report.close()


main()
