#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The differential test: the same ruleset and the same packets at the kernel's firewall (A) and at
ours (B), and everything that can be seen must be equal.

A case is a seed.  It makes a random ruleset (rules.py) and random traffic (traffic.py); two fresh
routers get the ruleset, one by iptables-legacy, one by fwd; each packet goes to both, and after
each, when both have come to rest, what arrived at the far ends is compared; at the end the packets
and bytes of every rule and policy are compared, and how the rules are printed.

    diff.py [--seed N] [--count N] [--packets N] [--family 4|6] [--jobs N] [--peer fwd|nft|legacy]
            [--nat | --kct] [--crowd N] [--rare]
    diff.py --replay FILE        a case that failed, as it was written
    diff.py --self-test          is the test able to see a difference?  (kernel against kernel)

--crowd puts as many rules more among them (crowd.py).  Not where ports are drawn by lot: among so
many rules one will always tell them apart.  --rare: more rules and packets of protocols that few
hosts speak, of IPv6's extension headers, and matches that count (rare.py); not with --nat either.

What differs is run again, and the kernel against itself: judge.py says what excuses what.

Half of the cases offload flows, as soon as they can be, and send no segments that an offloaded
flow's tracker cannot judge (docs/differences.md).

A failing case is shrunk while it still fails and written to --out (default: build/diff or /tmp).
"""
import argparse
import multiprocessing
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import both  # noqa: E402
import judge  # noqa: E402
import netns  # noqa: E402
import selftest  # noqa: E402
import shrink  # noqa: E402
import topo  # noqa: E402
from case import Case  # noqa: E402

# what may become of a case (judge.py), and how much is said of it
LINES = {"equal": 0, "disagree": 40, "unsteady": 40, "drawn": 2}


def worker(args, seeds, results):
    """One process: its own lab, the seeds that it is given, a result for each."""
    netns._made.clear()
    lab = topo.Lab()
    while True:
        seed = seeds.get()
        if seed is None:
            break
        try:
            results.put(one(lab, args, seed))
        except Exception as e:  # a dead daemon is a finding, not the end of the run
            results.put((seed, None, "disagree", ["%s: %s" % (type(e).__name__, e)], [], None))
    netns.cleanup()
    results.put(None)


def one(lab, args, seed):
    """(seed, family, kind, problems, differences of wording, where it is written)"""
    case = Case(seed, args.family, args.packets, args.without, args.nat, args.crowd, args.rare)
    first = both.run(lab, case, args.peer)
    if first.broken:
        kind, problems = "disagree", first.broken
    elif first.differing():
        kind, problems = judge.judge(
            first, lambda patience: both.run(lab, case, args.peer, patience),
            lambda patience: both.run(lab, case, "legacy", patience))
    else:
        kind, problems = "equal", []
    path = None
    if kind == "disagree" and not problems[0].startswith("generator"):
        if args.shrink:
            shrink.shrink(lab, case, args.peer, args.shrink, problems[0])
            problems = both.run(lab, case, args.peer).problems() or problems
        path = os.path.join(args.out, "case-%d.json" % seed)
        case.dump(path, problems)
        problems = problems + ["  " + x for x in case.rules.text().splitlines() if args.shrink]
    return seed, case.family, kind, problems, first.wording, path


def arguments():
    ap = argparse.ArgumentParser(description="differential test against the kernel")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--count", type=int, default=300)
    ap.add_argument("--packets", type=int, default=60)
    ap.add_argument("--family", type=int, choices=(4, 6), default=0)
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--nat", action="store_const", const="nat", default="",
                    help="rules that translate, too")
    ap.add_argument("--kct", action="store_const", const="kct", dest="nat",
                    help="none that translates a packet, but the kernel tracks")
    ap.add_argument("--crowd", type=int, default=0, metavar="N", help="so many rules more")
    ap.add_argument("--rare", action="store_true",
                    help="more of protocols that few speak (rare.py)")
    ap.add_argument("--peer", default="fwd", choices=("fwd", "nft", "legacy"))
    ap.add_argument("--shrink", type=int, default=0, metavar="SECONDS")
    ap.add_argument("--max-failures", type=int, default=10)
    ap.add_argument("--out", default=os.environ.get("TMPDIR", "/tmp"))
    ap.add_argument("--without", action="append", default=[],
                    choices=("track", "recent", "rewrite", "payload"))
    ap.add_argument("--replay", metavar="FILE")
    ap.add_argument("--self-test", action="store_true")
    ap.add_argument("-v", "--verbose", action="store_true")
    args = ap.parse_args()
    if args.crowd and args.nat == "nat":
        ap.error("--crowd and --nat: rules would tell apart what is drawn by lot")
    if args.rare and args.nat == "nat":
        ap.error("--rare and --nat: behind an AH nobody looks for what is drawn by lot (lots.py)")
    return args


def replay(args):
    case = Case.load(args.replay)
    seen = both.run(topo.Lab(), case, args.peer)
    print("\n".join(seen.problems() + seen.wording) or "no difference")
    return 1 if seen.problems() else 0


def listed(seeds):
    return " (%s)" % " ".join(map(str, sorted(seeds))) if seeds else ""


def main():
    args = arguments()
    netns.need_root()
    netns.sweep()
    os.makedirs(args.out, exist_ok=True)
    if args.self_test:
        return selftest.self_test(args)
    if args.replay:
        return replay(args)
    begin = time.monotonic()
    seeds, results = multiprocessing.Queue(), multiprocessing.Queue()
    for s in range(args.seed, args.seed + args.count):
        seeds.put(s)
    for _ in range(args.jobs):
        seeds.put(None)
    procs = [multiprocessing.Process(target=worker, args=(args, seeds, results))
             for _ in range(args.jobs)]
    for p in procs:
        p.start()
    seeds_of, left, words = {kind: [] for kind in LINES}, args.jobs, {}
    while left:
        r = results.get()
        if r is None:
            left -= 1
            continue
        seed, family, kind, problems, wording, path = r
        for w in wording:
            words.setdefault(w, seed)
        seeds_of[kind].append(seed)
        if kind != "equal" and len(seeds_of["disagree"]) <= args.max_failures or args.verbose:
            print("seed %d (IPv%s): %s%s" % (seed, family, kind,
                                             "; written to " + path if path else ""))
            print("".join("    %s\n" % p for p in problems[:LINES[kind]]), end="", flush=True)
    return summary(args, seeds_of, words, time.monotonic() - begin)


def summary(args, seeds_of, words, seconds):
    """Print it; the exit code."""
    done = sum(map(len, seeds_of.values()))
    for w, seed in list(words.items())[:20]:
        print("wording (seed %d): %s" % (seed, w))
    print("diff: %s against legacy, seeds %d..%d: %d rulesets x %d packets (%d offloaded) in "
          "%.0f s, %d disagree%s, %d unsteady%s, %d drawn by lot, %d wordings differ" % (
              args.peer, args.seed, args.seed + args.count - 1, done, args.packets,
              both.OFFLOADED.value, seconds, len(seeds_of["disagree"]),
              listed(seeds_of["disagree"]), len(seeds_of["unsteady"]), listed(seeds_of["unsteady"]),
              len(seeds_of["drawn"]), len(words)))
    return 1 if seeds_of["disagree"] or words or done != args.count else 0


if __name__ == "__main__":
    sys.exit(main())
