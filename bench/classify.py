#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast is the first rule found, on ClassBench sets, beside a linear scan and DPDK's librte_acl?

    bench/classify.py [--sets DIR] [--only acl_10k,...] [--all-acl] [--rounds N] [--quick]
                      [--json FILE]

DIR holds acl_1k.gz ... ipc_100k.gz; the variable CLASSBENCH names it, too.  Without either, one set
of 1,000 filters is made up, and no bar is judged.  bench/classify.c does the work and explains the
columns.  At 100k librte_acl is built for acl only (fw: minutes, ipc: never) unless --all-acl.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
import measure
import firewall

SETS = ["%s_%s" % (k, n) for n in ("1k", "10k", "100k") for k in ("acl", "fw", "ipc")]
PROGRAM = os.path.join(firewall.BUILD, "bench", "classify")
MIB = 1 << 20


def made_up(n):
    """ClassBench's format; nested prefixes, ranges and single ports, and all else at the end."""
    r = random.Random(1)
    bases = [r.getrandbits(32) for _ in range(n // 20)]

    def prefix():
        length, a = r.choice([8, 16, 24, 28, 32]), r.choice(bases) ^ r.getrandbits(6)
        a &= 0xffffffff << (32 - length)
        return "%d.%d.%d.%d/%d" % (a >> 24 & 255, a >> 16 & 255, a >> 8 & 255, a & 255, length)

    def ports():
        low = r.randrange(1024)
        return r.choice(["0 : 65535", "%d : %d" % (low, low), "1024 : 65535"])

    lines = ["@%s\t%s\t%s\t%s\t%s/0xFF\t" % (prefix(), prefix(), ports(), ports(),
                                           r.choice(["0x06", "0x11"])) for _ in range(n - 1)]
    lines.append("@0.0.0.0/0\t0.0.0.0/0\t0 : 65535\t0 : 65535\t0x00/0x00\t")
    f = tempfile.NamedTemporaryFile("w", prefix="made_up_", suffix="", delete=False)
    with f:
        f.write("\n".join(lines) + "\n")
    return f.name


def run(path, name, args):
    acl = 1000000 if args.all_acl or name == "acl_100k" else 20000
    argv = [PROGRAM, "--rounds", str(args.rounds), "--acl-max", str(acl)]
    if args.quick:
        argv += ["--headers", "2000", "--flows", "200"]
    with tempfile.NamedTemporaryFile(prefix="classify-") as out:
        subprocess.run(argv + ["--json", out.name, path], check=True, stdout=subprocess.DEVNULL)
        return json.load(open(out.name))[0]


def tables(report, results):
    methods = ["linear", "acl-1", "acl-32", "acl-32-avx2", "fwd", "fwd-nocache", "fwd-walk"]
    for trace in ("uniform", "zipf"):
        report.table("million lookups a second, %s" % trace, methods,
                     [(name, r["mps"][trace]) for name, r in results.items()])
    report.table("build and memory", ["rules", "build s", "MiB"],
                 [(name, {"rules": r["rules"], "build s": r["build_s"], "MiB": r["bytes"] / MIB})
                  for name, r in results.items()])


def judge(report, name, r):
    size, u, z = name.split("_")[1], r["mps"]["uniform"], r["mps"]["zipf"]
    no_peer = "" if "acl-1" in u else "librte_acl was not built for this set"
    batched = max((u[m] for m in ("acl-32", "acl-32-avx2") if m in u), default=None)
    report.bar("2", "%s: of librte_acl, one at a time" % name,
               None if no_peer else u["fwd"] / u["acl-1"], ">=", 2, no_peer)
    if size == "10k":
        report.bar("2", "%s: of librte_acl's best batched" % name,
                   None if no_peer else u["fwd"] / batched, ">=",
                   0.9 if name.startswith("acl") else 1, no_peer)
    best = max((v for m, v in z.items() if m.startswith("acl-")), default=None)
    report.bar("2", "%s: of librte_acl's best, Zipf flows" % name,
               None if no_peer else z["fwd"] / best, ">=", 1, no_peer)
    limits = {"10k": (0.25, 16), "100k": (2, 64)}.get(size)
    if limits:
        report.bar("2", "%s: build, s" % name, r["build_s"], "<=", limits[0])
        report.bar("2", "%s: memory, MiB" % name, r["bytes"] / MIB, "<=", limits[1])


def main():
    args = measure.options(__doc__, rounds=7, more=[
        ("--sets", {"default": os.environ.get("CLASSBENCH")}), ("--only", {"default": ""}),
        ("--all-acl", {"action": "store_true"})])
    report, results = measure.Report("classify", args), {}
    if args.sets and not args.quick:
        for name in args.only.split(",") if args.only else SETS:
            measure.progress(name)
            results[name] = run(os.path.join(args.sets, name + ".gz"), name, args)
    else:
        path = made_up(1000)
        try:
            results["made up"] = run(path, "made up", args)
        finally:
            os.unlink(path)
    tables(report, results)
    for name, r in results.items():
        if name in SETS:
            judge(report, name, r)
    if not args.sets:
        report.bar("2", "classification", None, ">=", 2, "no ClassBench sets: see --sets")
    report.close()


main()
