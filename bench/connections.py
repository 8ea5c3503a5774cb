#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""New TCP connections a second through a ruleset that tracks them.

    bench/connections.py [--rules 10,10k] [--rounds N] [--seconds S] [--quick] [--json FILE]

64 connections on their way at any time; each is a handshake, one byte and a reset.  The ruleset
accepts what is established, then has N rules that a SYN passes.  A failed connection would make
the figure meaningless, so it ends the run.
"""
import os
import sys

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
import contenders as c
import measure

PORT, PARALLEL = 9000, 64


def connect(world, seconds):
    out = world.client.run(c.BENCH + "/tcp-connect", c.SERVER, str(PORT), str(seconds),
                           str(PARALLEL)).stdout
    done, failed, ns = map(int, out.split())
    if failed or not done:
        raise RuntimeError("%d connections failed, %d did not" % (failed, done))
    return {"conn/s": done / ns * 1e9}


def rules(n):
    """What is established, and n others that a SYN passes."""
    return [c.ESTABLISHED] + [x.replace("udp", "tcp") for x in c.by_source(n)]


def main():
    args = measure.options(__doc__, rounds=5, seconds=1,
                           more=[("--rules", {"type": measure.sizes})])
    args.rules = args.rules or ([10] if args.quick else [10, 10000])
    world = c.World()
    world.serve(c.BENCH + "/tcp-connect", "serve", str(PORT))

    def use(fw):
        connect(world, 0.1)
        return connect(world, args.seconds)

    results = c.measured(c.by_rules(world, args.rules, rules), use, args.rounds)
    world.close()
    report = measure.Report("connections", args)
    report.of_results("new TCP connections", results, ["conn/s"], "loop", ["conn/s"])
    for n in map(measure.short, args.rules):
        report.bar("6", "connections a second, %s rules, of the loop's" % n,
                   measure.ratio(results, "fwd " + n, "loop", "conn/s"), ">=", 0.9)
    report.close()


main()
