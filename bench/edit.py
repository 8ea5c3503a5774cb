#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Edits: one rule into and out of a long chain, restore, save; and edits while packets flow.

    bench/edit.py [--sizes 1k,10k,100k] [--edits N] [--rounds N] [--quick] [--json FILE]

Commands: whole processes of iptables-legacy, iptables-nft, nft and fwd, wall-clock time and CPU in
milliseconds (fwd's with its daemon's, its journal made durable).  "insert" is into the middle,
"delete" takes that rule away again.  A command on an empty ruleset says what a process costs.

Transactions: N edits of the longest chain over the control socket, one after the other, each timed
from the connection to the answer - a third appends, a third inserts in the middle, a third deletes.

Under fire: the chain's policy is DROP, and one rule accepts a flow of 20,000 packets a second.
Each edit takes that rule away and puts its like at the middle.  A packet that is lost on the way
was judged by half an edit, or was lost by one.
"""
import os
import statistics
import subprocess
import sys
import time

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
import contenders as c
import measure
import control
import tools

STEPS = ["restore", "save", "append", "insert", "delete"]
RATE, FLOWS = 20000, 16


def one_tool(make, n):
    """A run for measure.rounds(): all steps on n rules; {"restore ms": ..., "restore cpu": ...}."""
    def run():
        tool, row = make(), {}
        try:
            for step in STEPS if n else ["append"]:
                if step == "restore" and not n:
                    continue
                r = getattr(tool, step)(n)
                row[step + " ms"], row[step + " cpu"] = r["ms"], r["cpu ms"]
                if step == "append" and n:
                    tool.undo_append(n)
        finally:
            tool.close()
        return row
    return run


def appended(make, n, times):
    """Median of one -A as a process, on n rules."""
    tool = make()
    try:
        tool.restore(n)
        took = []
        for _ in range(times):
            took.append(tool.append(n)["ms"])
            tool.undo_append(n)
        return {"-A ms": statistics.median(took)}
    finally:
        tool.close()


def commands(report, args):
    for n in args.sizes:
        results = measure.rounds({name: one_tool(make, n) for name, make in tools.TOOLS.items()},
                                 args.rounds, measure.progress)
        for unit, title in (("ms", "wall-clock time"), ("cpu", "CPU time")):
            report.of_results("commands on %s rules, %s, ms" % (measure.short(n), title), results,
                              ["%s %s" % (s, unit) for s in STEPS])
        if n == 100000:
            for peer, limit in (("iptables-legacy", 0.6), ("iptables-nft", 0.15)):
                report.bar("4", "restore of 100k, of %s's time" % peer,
                           measure.ratio(results, "fwd", peer, "restore ms"), "<=", limit)
            report.bar("4", "save of 100k, of iptables-legacy's time",
                       measure.ratio(results, "fwd", "iptables-legacy", "save ms"), "<=", 1)


def processes(report, args):
    times = 3 if args.quick else 30
    for n in (0, max(args.sizes)):
        makers = {name: tools.TOOLS[name] for name in ("iptables-legacy", "iptables-nft", "fwd")}
        if n == 100000:
            times = min(times, 10)
        runs = {name: (lambda m=make: appended(m, n, times)) for name, make in makers.items()}
        results = measure.rounds(runs, min(args.rounds, 3), measure.progress)
        results["/bin/true"] = [{"-A ms": empty(times)}]
        report.of_results("one -A as a process on %s rules, wall-clock ms" % measure.short(n),
                          results, ["-A ms"])
        if n in (0, 100000):
            report.bar("4", "one -A as a process on %s rules, ms" % measure.short(n),
                       measure.median(results, "fwd", "-A ms"), "<=", 3)


def empty(times):
    world = tools.netns.Namespace("-empty")
    try:
        return statistics.median(tools.empty_program(world)["ms"] for _ in range(times))
    finally:
        world.remove()


def transactions(report, args, fwd, n):
    rule = "FORWARD%s -s 192.0.2.78/32 -p tcp -m tcp --dport 78 -j DROP"
    steps = {"append": "-A " + rule % "", "insert": "-I " + rule % (" %d" % (n // 2)),
             "delete": "-D FORWARD %d" % (n // 2)}
    took = {s: [] for s in steps}
    for i in range(args.edits):
        step = list(steps)[i % 3]
        begin = time.perf_counter()
        control.edit(fwd.fw.socket, steps[step])
        took[step].append((time.perf_counter() - begin) * 1e3)
    everything = sum(took.values(), [])
    rows = [(s, {"p50 ms": statistics.median(t), "worst ms": max(t)}) for s, t in took.items()]
    report.table("%d transactions on %s rules, journal included" % (args.edits, measure.short(n)),
                 ["p50 ms", "worst ms"], rows)
    if n == 100000:
        report.bar("3", "an edit of 100k rules, median ms", statistics.median(everything), "<=", 2)
        report.bar("3", "an edit of 100k rules, worst ms of %d" % args.edits, max(everything),
                   "<=", 10)


def under_fire(report, args, world, fwd, n):
    """Edits for as long as the flow goes."""
    accept = "FORWARD%s -p udp -m udp --dport 7000:%d -j ACCEPT" % ("%s", 6999 + FLOWS)
    move = "-D %s\n-I %s" % (accept % "", accept % (" %d" % (n // 2)))
    control.edit(fwd.fw.socket, "-P FORWARD DROP\n-A %s" % (accept % ""))
    before, edits = world.sunk(), 0
    p = world.client.popen(c.BENCH + "/udp-flood", c.SERVER, str(args.seconds), str(FLOWS),
                           str(RATE), stdout=subprocess.PIPE)
    while p.poll() is None:
        control.edit(fwd.fw.socket, move)
        edits += 1
    sent = int(p.stdout.read().split()[0])
    fwd.fw.settle()
    lost = sent - (world.sunk() - before)
    report.table("edits while %d packets a second flow, %s rules" % (RATE, measure.short(n)),
                 ["sent", "lost", "edits"],
                 [("fwd", {"sent": sent, "lost": lost, "edits": edits})])
    report.bar("3", "packets lost or judged by half of one of %d edits" % edits,
               lost if n == 100000 else None, "<=", 0, "" if n == 100000 else "not on 100k rules")


def main():
    args = measure.options(__doc__, rounds=3, seconds=5, more=[
        ("--sizes", {"type": measure.sizes}), ("--edits", {"type": int})])
    args.sizes = args.sizes or ([100] if args.quick else [1000, 10000, 100000])
    args.edits = args.edits or (30 if args.quick else 1000)
    world = c.World()
    report = measure.Report("edit", args)
    commands(report, args)
    processes(report, args)
    n = max(args.sizes)
    fwd = c.Fwd(world, c.by_source(n), persist="on")
    transactions(report, args, fwd, n)
    under_fire(report, args, world, fwd, n)
    fwd.close()
    world.close()
    report.close()


main()
