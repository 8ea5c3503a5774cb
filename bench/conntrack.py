#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The tracker alone: lookups, new and known flows a second on one thread, and bytes a flow.

    bench/conntrack.py [--most FLOWS] [--rounds N] [--quick] [--json FILE]

At 1k, 100k, 1M flows and --most (10M, which takes half a minute a round and 2 GiB).
bench/conntrack.c does the work and says what the columns are.
"""
import os
import subprocess
import sys

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
import measure
import firewall

PROGRAM = os.path.join(firewall.BUILD, "bench", "conntrack")
COLUMNS = ["find M/s", "new M/s", "known M/s", "batch M/s", "bytes", "stall us"]


def run(sizes):
    """{flows: figures} of one run of the program."""
    out = subprocess.run([PROGRAM] + [str(n) for n in sizes], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    rows = [x.split() for x in out.splitlines()[1:]]
    return {int(r[0]): dict(zip(COLUMNS, map(float, r[1:]))) for r in rows}


def main():
    args = measure.options(__doc__, rounds=3, more=[
        ("--most", {"type": int, "default": 10000000})])
    sizes = [1000, 10000] if args.quick else [1000, 100000, 1000000, args.most]
    taken = []
    for i in range(args.rounds):
        measure.progress("round %d/%d" % (i + 1, args.rounds))
        taken.append(run(sizes))
    results = {measure.short(n): [t[n] for t in taken] for n in sizes}
    report = measure.Report("conntrack", args)
    report.of_results("flows on one thread", results, COLUMNS)
    if "1000k" in results:
        report.bar("7", "lookups a second at 1M flows, millions",
                   measure.median(results, "1000k", "find M/s"), ">=", 5)
        report.bar("7", "bytes a flow at 1M flows", measure.median(results, "1000k", "bytes"),
                   "<=", 160)
    if "10000k" in results:
        report.bar("7", "10M flows, GiB",
                   measure.median(results, "10000k", "bytes") * 1e7 / (1 << 30), "<=", 2)
    report.close()


main()
