#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The time a UDP packet needs there and back, one at a time, nothing else on the way.

    bench/latency.py [--rules 10,10k] [--count N] [--rounds N] [--quick] [--json FILE]

p50 and p99 in microseconds, through N rules that do not match.  It crosses the firewall twice.
Measured on CPUs that never sleep (bench/lib/awake.py); "asleep p50" on CPUs that go to sleep between
two packets, where most of the time is theirs.  Client and server have a CPU each, and the thread
that judges is at the client's: where the scheduler puts it would make ten times the difference.
"""
import os
import sys

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
import awake
import contenders as c
import measure

PORT = 9001
CPUS = sorted(os.sched_getaffinity(0))


def ping(world, count):
    out = world.client.run("taskset", "-c", str(CPUS[0]), c.BENCH + "/udp-echo", c.SERVER, str(PORT),
                           str(count)).stdout
    p50, p99, lost = map(int, out.split())
    if lost > count // 100:
        raise RuntimeError("%d of %d packets lost" % (lost, count))
    return {"p50 us": p50 / 1e3, "p99 us": p99 / 1e3}


def main():
    args = measure.options(__doc__, rounds=7, more=[
        ("--rules", {"type": measure.sizes}), ("--count", {"type": int})])
    args.rules = args.rules or ([10] if args.quick else [10, 10000])
    args.count = args.count or (500 if args.quick else 10000)
    world = c.World()
    world.serve("taskset", "-c", str(CPUS[-1]), c.BENCH + "/udp-echo", "serve", str(PORT))

    def use(fw):
        fw.pin(CPUS[0])
        ping(world, 200)
        asleep = ping(world, args.count)
        with awake.Awake():
            figures = ping(world, args.count)
        return dict(figures, **{"asleep p50": asleep["p50 us"]})

    results = c.measured(c.by_rules(world, args.rules, c.by_source), use, args.rounds)
    world.close()
    report = measure.Report("latency", args)
    report.of_results("UDP round trips", results, ["p50 us", "p99 us", "asleep p50"], "loop",
                      ["p50 us"])
    loop = measure.median(results, "loop", "p50 us")
    for name in ["%s %s" % (x, measure.short(n)) for n in args.rules for x in ("fwd", "fwd judges")]:
        report.bar("6", "UDP round trip p50 (%s), above the loop's, us" % name,
                   measure.median(results, name, "p50 us") - loop, "<=", 2)
    report.close()


main()
