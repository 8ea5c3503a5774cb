#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets a second through fwd, beside a bare queue loop, no firewall, and both iptables.

    bench/queue.py [--rules 1,10,100,1k,10k,100k] [--peer-rules 10,1k,10k] [--only source|port]
                   [--rounds N] [--seconds S] [--quick] [--json FILE]

A flood of small UDP packets in 64 flows by one CPU crosses the router; none of the N rules matches.
Once they are passed by the source address ("source"), once only by the port ("port").  "fwd judges"
(--offload off) has every packet queued, as the bare loop has; "fwd" leaves such flows to the kernel.

    kpps       packets a second that reached the server
    fw us      CPU of the firewall's queue thread for each packet that reached the server
    send us    CPU of the sender for each packet sent: socket, both veths, the way into the queue,
               or the kernel's own firewall
    cap kpps   what these two allow when each has a CPU of its own: the figure to compare

fwd's queue is as long as the bare loop's.  A packet that finds the queue full costs its sender less
than one that is queued, so whoever has the shorter queue would look cheaper.
"""
import os
import sys
import time

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
import contenders as c
import measure

FLOWS = 64
SAME_QUEUE = ["--queue-len", "8192"]  # as bench/nfq-loop.c


def flood(world, fw, seconds):
    before, cpu = world.arrived(), fw.cpu()
    out = world.client.run(c.BENCH + "/udp-flood", c.SERVER, str(seconds), str(FLOWS)).stdout
    sent, sender_ns, wall_ns = map(int, out.split())
    came = world.arrived() - before
    time.sleep(0.2)  # what still waits is judged now: to the CPU's account, and to the arrivals'
    late = world.arrived() - before
    fw_us = (fw.cpu() - cpu) / max(late, 1) / 1e3
    send_us = sender_ns / sent / 1e3
    return {"kpps": came / wall_ns * 1e6, "fw us": fw_us, "send us": send_us,
            "cap kpps": 1e3 / max(fw_us, send_us)}


def all_contenders(world, args):
    yield "none", lambda: c.Nothing(world)
    yield "loop", lambda: c.Loop(world)
    for kind, make in (("source", c.by_source), ("port", c.by_port)):
        if args.only and kind != args.only:
            continue
        for name, more in (("fwd", []), ("fwd judges", c.JUDGE_ALL)):
            for n in args.rules:
                yield ("%s %s %s" % (name, kind, measure.short(n)),
                       lambda n=n, m=make, o=more: c.Fwd(world, m(n), SAME_QUEUE + o))
        for backend in ("legacy", "nft"):
            for n in args.peer_rules:
                yield ("%s %s %s" % (backend, kind, measure.short(n)),
                       lambda n=n, m=make, b=backend: c.Iptables(world, b, m(n)))


def judge(report, results):
    for kind, legacy, nft in (("source", 8, 25), ("port", 35, 80)):
        for n in ("10", "1k", "10k", "100k"):
            report.bar("1", "cap, %s rules passed by %s, all judged, of the loop's" % (n, kind),
                       measure.ratio(results, "fwd judges %s %s" % (kind, n), "loop", "cap kpps"),
                       ">=", 0.95)
        for peer, factor in (("legacy", legacy), ("nft", nft)):
            report.bar("1", "cap, 10k rules passed by %s, of %s's" % (kind, peer),
                       measure.ratio(results, "fwd %s 10k" % kind, "%s %s 10k" % (peer, kind),
                                     "cap kpps"), ">=", factor)


def main():
    args = measure.options(__doc__, rounds=5, seconds=0.7, more=[
        ("--rules", {"type": measure.sizes}), ("--peer-rules", {"type": measure.sizes}),
        ("--only", {"choices": ["source", "port"]})])
    args.rules = args.rules or ([10, 1000] if args.quick else [1, 10, 100, 1000, 10000, 100000])
    args.peer_rules = args.peer_rules or ([100] if args.quick else [1, 10, 100, 1000, 10000])
    world = c.World()

    def use(fw):
        flood(world, fw, 0.1)
        return flood(world, fw, args.seconds)

    results = c.measured(all_contenders(world, args), use, args.rounds)
    world.close()
    report = measure.Report("queue", args)
    report.of_results("a flood through the router", results,
                      ["kpps", "fw us", "send us", "cap kpps"], "loop", ["kpps", "cap kpps"])
    judge(report, results)
    report.close()


main()
