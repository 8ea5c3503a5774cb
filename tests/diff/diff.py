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
many rules one will always tell them apart.  --rare: more rules and packets of protocols that few hosts
speak, of IPv6's extension headers, and matches that count (rare.py); not with --nat either.

Half of the cases offload flows, as soon as they can be, and send no segments that an offloaded
flow's tracker cannot judge (docs/differences.md).

A failing case is shrunk while it still fails and written to --out (default: build/diff or /tmp).
"""
import argparse
import json
import multiprocessing
import os
import random
import re
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import compare  # noqa: E402
import crowd  # noqa: E402
import firewall  # noqa: E402
import lots  # noqa: E402
import nat  # noqa: E402
import netns  # noqa: E402
import pkt  # noqa: E402
import rules  # noqa: E402
import topo  # noqa: E402
import rare  # noqa: E402
import traffic  # noqa: E402
import wire  # noqa: E402

FWD_ARGS = os.environ.get("DIFF_FWD_ARGS", "").split()  # "--queues 4", say
OFFLOAD = {False: ["--offload", "off"], True: ["--offload-packets", "2"]}
REWRITES = re.compile("-j (TTL|HL|TOS|DSCP|ECN|TCPMSS|TCPOPTSTRIP|CHECKSUM)")
OFFLOADED = multiprocessing.Value("Q", 0)  # packets that passed without fwd
PATIENCE = (0.25, 1.0, 0.25, 1.0, 3.0, 1.0, 3.0, 3.0)  # seconds, of a failed case's further tries
JIFFY = 0.011  # within one the kernel counts connections that are gone (docs/differences.md)
L2 = {"broadcast": "ff:ff:ff:ff:ff:ff", "multicast": "01:00:5e:00:00:01"}


class Case:
    def __init__(self, seed, family, packets, without=(), nat="", many=0, rarities=False):
        self.seed, self.family = seed, family or (4 if seed % 2 else 6)
        rng = random.Random(seed)
        self.nat, self.offload = nat, seed // 2 % 2 == 0
        self.rules = rules.generate(rng, self.family, "t%d_" % (seed % 1000000), without, nat,
                                    self.offload)
        if many:
            crowd.fill(rng, self.rules, many, "track" not in without and seed % 3 == 0)
        self.steps = traffic.generate(rng, self.family, packets, nat, self.offload)
        if rarities:
            rare.fill(rng, self, without)

    def dump(self, path, problems):
        steps = [dict(s, pkt=s["pkt"].hex()) for s in self.steps]
        with open(path, "w") as f:
            json.dump({"seed": self.seed, "nat": self.nat, "offload": self.offload, "family": self.family, "policy": self.rules.policy,
                       "user": self.rules.user, "rules": self.rules.rules, "steps": steps,
                       "problems": problems, "text": self.rules.text().splitlines(),
                       "shown": ["%d %s %s" % (i, s["at"], pkt.show(s["pkt"]))
                                 for i, s in enumerate(self.steps)]}, f, indent=1)

    @staticmethod
    def load(path):
        with open(path) as f:
            d = json.load(f)
        c = Case.__new__(Case)
        c.seed, c.family, c.nat = d["seed"], d["family"], d.get("nat", "")
        c.offload = d.get("offload", False)
        c.rules = rules.Ruleset(c.family)
        c.rules.policy, c.rules.user = d["policy"], d["user"]
        c.rules.rules = [tuple(r) for r in d["rules"]]
        c.steps = [dict(s, pkt=bytes.fromhex(s["pkt"])) for s in d["steps"]]
        return c


class Side:
    """A router with a firewall."""

    def __init__(self, lab, kind, case, drawn):
        """drawn: numbers that the kernel draws are told from others, and compared by their turn."""
        self.mirror = nat.Mirror() if case.nat == "nat" else None
        self.numbers = compare.sequence_numbers(s["pkt"] for s in case.steps)
        self.lots = lots.Lots(lots.named(case)) if drawn else None
        self.kind, self.router, self.at = kind, topo.LabRouter(lab), None
        self.fw = firewall.Fwd(self.router.ns, OFFLOAD[case.offload] + FWD_ARGS) if kind == "fwd" \
            else firewall.Kernel(self.router.ns, kind)
        self.isn = {}

    def send(self, i, step):
        p = step["pkt"]
        if step.get("ackof") in self.isn:
            p = acknowledge(p, self.isn[step["ackof"]])
        if self.mirror:
            at, p = self.mirror.bend(p)
            if at and step["at"] != "local":
                net, host = (1, 10) if at == "eth0" else (2, 20)
                self.router.ports[at].send(pkt.ether(self.router.MAC[at],
                                                     topo.LabRouter.host_mac(net, host), p))
                return
            self.mirror.note(i, p)
            self.at = step["at"]
        if step["at"] == "local":
            self.router.raw.send(p)
            return
        dst = L2.get(step["l2"], self.router.MAC[step["at"]])
        if step["l2"] == "multicast" and p[0] >> 4 == 6:
            dst = "33:33:00:00:00:01"
        self.router.ports[step["at"]].send(pkt.ether(dst, topo.LabRouter.host_mac(*step["host"]),
                                                     p))

    def drain(self, i, into):
        for dev, port in self.router.ports.items():
            for p in port.drain():
                note_synack(self.isn, i, p)
                if self.mirror and dev != self.at:
                    self.mirror.arrived(i, dev, p)
                p = compare.mask_translated(p, self.numbers) if self.mirror else compare.mask(p)
                into.append((dev, self.lots.plain(p) if self.lots else p))
        into.sort()

    def close(self):
        self.fw.close()
        self.router.close()


def note_synack(isn, i, p):
    at, proto = (40, p[6]) if p[0] >> 4 == 6 else ((p[0] & 15) * 4, p[9])
    if proto == 6 and len(p) >= at + 20 and p[at + 13] & 0x12 == 0x12:
        isn[i] = struct.unpack("!I", p[at + 4:at + 8])[0]


def acknowledge(p, isn):
    """The same TCP packet with the acknowledgement that this side's listener expects."""
    v6 = p[0] >> 4 == 6
    at = 40 if v6 else (p[0] & 15) * 4
    src, dst = (p[8:24], p[24:40]) if v6 else (p[12:16], p[16:20])
    seg = p[at:at + 8] + struct.pack("!I", (isn + 1) & 0xFFFFFFFF) + p[at + 12:at + 16] + b"\0\0" \
        + p[at + 18:]
    pseudo = src + dst + (struct.pack("!II", len(seg), 6) if v6
                          else struct.pack("!BBH", 0, 6, len(seg)))
    return p[:at] + seg[:16] + struct.pack("!H", pkt.csum(pseudo + seg)) + seg[18:]


class Sabotage:
    """Deliberate differences, for the self-test: B gets another ruleset, misses a packet, or gets
    a packet with another TTL."""

    def __init__(self, text=None, lose=None, bend=None):
        self.text, self.lose, self.bend = text, lose, bend

    def step(self, i, step):
        if i == self.lose:
            return None
        if i != self.bend:
            return step
        p = bytearray(step["pkt"])
        p[8 if p[0] >> 4 == 4 else 7] -= 1
        if p[0] >> 4 == 4:
            p[10:12] = b"\0\0"
            p[10:12] = struct.pack("!H", pkt.csum(bytes(p[:(p[0] & 15) * 4])))
        return dict(step, pkt=bytes(p))


def run(lab, case, peer, patience=0.25, sabotage=None, trace=None, drawn=False):
    """Run one case; returns (problems, differences of wording).  trace: a dict that gets what A
    saved and which packets had arrivals.  drawn: ports that the kernel draws may differ."""
    sides, sabotage = [], sabotage or Sabotage()
    try:
        for kind in ("legacy", peer):
            sides.append(Side(lab, kind, case, drawn))
        a, b = sides
        text = case.rules.text()
        try:
            a.fw.restore(case.family, text)
        except firewall.RestoreError as e:
            return ["generator: " + str(e)], []
        try:
            b.fw.restore(case.family, sabotage.text or text)
        except firewall.RestoreError as e:
            return ["B refuses the ruleset: " + str(e)], []
        problems, rewrites = [], REWRITES.search(text)
        for i, step in enumerate(case.steps):
            if "connlimit" in text:
                time.sleep(JIFFY)  # nothing tells of the kernel's tick
            got = ([], [])
            for s, x in ((a, step), (b, sabotage.step(i, step))):
                if x:
                    s.send(i, x)
            for s, g in zip(sides, got):
                s.fw.settle()
                s.drain(i, g)
            end = time.monotonic() + patience
            while got[0] != got[1] and time.monotonic() < end:
                ports = [p for s in sides for p in s.router.ports.values()]
                wire.wait_readable(ports, end - time.monotonic())
                for s, g in zip(sides, got):
                    s.drain(i, g)
            if got[0] != got[1] and rewrites:
                got = [compare.whole(g) for g in got]
            if trace is not None and got[0]:
                trace.setdefault("arrived", []).append(i)
                if [q[-20:] for d, q in got[0] if d != step["at"]] == [step["pkt"][-20:]] \
                        and step["at"] != "local" and "frag" not in pkt.show(step["pkt"]):
                    trace.setdefault("forwarded", []).append(i)
            if got[0] != got[1]:
                problems += arrivals(i, step, got)
                if len(problems) > 12:
                    break
        for s in sides:
            s.fw.settle()
        x, y = [compare.saved(s.fw.save(case.family)) for s in sides]
        tables = list(case.rules.policy)
        if trace is not None:
            trace["saved"] = x
            trace["drawn"] = any(s.lots and s.lots.drawn for s in sides)
        if peer == "fwd":
            with OFFLOADED.get_lock():
                OFFLOADED.value += b.fw.metric("offload_packets_total")
        problems += ended(b.fw)
        return problems + compare.counters(x, y, tables), compare.words(x, y, tables)
    finally:
        for s in sides:
            s.close()


def ended(fw):
    """A clean end: exit code 0 (sanitizers and leaks say otherwise) and no complaint in the log."""
    code = fw.stop() if isinstance(fw, firewall.Fwd) else 0
    return ["fwd ended with %d:\n%s" % (code, fw.log()[-3000:])] if code else []


def arrivals(i, step, got):
    out = ["packet %d, %s: %s" % (i, step["at"], pkt.show(step["pkt"]))]
    for name, mine, other in (("A", got[0], got[1]), ("B", got[1], got[0])):
        rest = list(other)
        for x in mine:
            if x in rest:
                rest.remove(x)
            else:
                out.append("    only %s: %s %s" % (name, x[0], pkt.show(x[1])))
                if os.environ.get("DIFF_HEX"):
                    out.append("        " + x[1].hex())
    return out


def kind(problem):
    """What a problem is about: a packet, a table's rules, a policy."""
    return re.sub(r"\d+", "", problem).split()[:2]


def shrink(lab, case, peer, budget, first):
    """Drop rules, then packets, while the case still fails in the same way."""
    end = time.monotonic() + budget

    def fails():
        if time.monotonic() > end:
            return False
        drawn = case.nat == "nat"
        p = run(lab, case, peer, drawn=drawn)[0]
        return bool(p) and kind(p[0]) == kind(first) \
            and not (drawn and run(lab, case, "legacy", drawn=True)[0])

    for attr in ("rules", "steps"):
        size = None
        while True:
            items = case.rules.rules if attr == "rules" else case.steps
            size = len(items) // 2 if size is None else size // 2
            if size < 1 or time.monotonic() > end:
                break
            i = 0
            while i < len(items) and time.monotonic() < end:
                keep = items[:i] + items[i + size:]
                old = _swap(case, attr, keep, i, size)
                if fails():
                    items = keep if attr == "rules" else case.steps
                else:
                    _restore(case, attr, old)
                    i += size


def _swap(case, attr, keep, i, size):
    if attr == "rules":
        old, case.rules.rules = case.rules.rules, keep
        return old
    old, new = case.steps, []
    for j, s in enumerate(old):
        if i <= j < i + size:
            continue
        if s.get("ackof") is not None:
            k = s["ackof"]
            s = dict(s, ackof=None if i <= k < i + size else k - (size if k >= i + size else 0))
        new.append(s)
    case.steps = new
    return old


def _restore(case, attr, old):
    if attr == "rules":
        case.rules.rules = old
    else:
        case.steps = old


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
            results.put((seed, None, ["%s: %s" % (type(e).__name__, e)], [], None))
    netns.cleanup()
    results.put(None)


def about(problems):
    """What differs: the packets, rules and policies, without what of them."""
    return {re.sub(r": [AB] .*", "", p) for p in problems if not p.startswith(" ")}


def excuse(lab, case, peer):
    """Why a case that has failed is no disagreement, or None; and what is wrong with it if it is.

    The kernel's own errors come when its timers say: a case gets more time.  Where the kernel draws
    ports all but they must be equal; one may be drawn that a rule asks for, or that was named
    before, and a listener's numbers decide what is in its window.  So a case must be equal twice,
    in any of some tries; if it was not each time the kernel must have differed from itself, too."""
    problems, failures, trace, differing = [], 0, {}, set()
    for tries, patience in enumerate(PATIENCE):
        p = run(lab, case, peer, patience=patience, trace=trace, drawn=case.nat == "nat")[0]
        problems, failures = p or problems, failures + bool(p)
        differing |= about(p)
        if tries + 1 - failures == 2:
            break
    else:  # the kernel may never do the same twice
        for _ in PATIENCE:
            differing -= about(run(lab, case, "legacy", drawn=case.nat == "nat")[0])
        return (None, problems) if differing else ("drawn", [])
    if not failures and not trace["drawn"]:
        return "unsteady", []
    if any(run(lab, case, "legacy")[0] for _ in PATIENCE):
        return "drawn" if trace["drawn"] else "unsteady", []
    return None, problems or ["another port than the kernel's, which draws none"]


def one(lab, args, seed):
    """(seed, family, problems, differences of wording, a note: what excuses it, or where it is)"""
    case = Case(seed, args.family, args.packets, args.without, args.nat, args.crowd, args.rare)
    try:
        first, wording = run(lab, case, args.peer)
    except RuntimeError as e:
        first, wording = ["RuntimeError: %s" % e], []
    if not first:
        return seed, case.family, [], wording, None
    why, problems = excuse(lab, case, args.peer)
    if why:
        return seed, case.family, [], wording, "%s: %s" % (
            why, "\n    ".join(first[:1 if why == "drawn" else 8]))
    path = None
    if not problems[0].startswith("generator"):
        if args.shrink:
            shrink(lab, case, args.peer, args.shrink, problems[0])
            problems = run(lab, case, args.peer, drawn=case.nat == "nat")[0] or problems
        path = os.path.join(args.out, "case-%d.json" % seed)
        case.dump(path, problems)
        problems = problems + ["  " + x for x in case.rules.text().splitlines() if args.shrink]
    return seed, case.family, problems, wording, path


def sabotages(case, trace):
    """One of each kind that this case can show."""
    out = []
    rule = counted_rule(case, trace["saved"])
    if rule is not None:
        rest = list(case.rules.rules)
        t, c, _ = rest[rule]
        rest[rule] = (t, c, "-s %s" % ("203.0.113.9" if case.family == 4 else "2001:db8::9"))
        out.append(Sabotage(text=case.rules.text(rest)))
    there = [i for i in trace.get("arrived", []) if "ackof" not in case.steps[i]]
    if there:
        out.append(Sabotage(lose=there[len(there) // 2]))
    there = trace.get("forwarded")
    if there:
        out.append(Sabotage(bend=there[-1]))
    return out


def counted_rule(case, saved):
    """Index of a rule that saw packets."""
    for table in case.rules.policy:
        seen = {}
        for chain, packets, _, _ in saved[table]["rules"]:
            seen.setdefault(chain, []).append(packets)
        at = {}
        for i, (t, c, _) in enumerate(case.rules.rules):
            if t == table:
                n = at[c] = at.get(c, -1) + 1
                if seen[c][n]:
                    return i
    return None


def self_test(args):
    """Kernel against kernel agrees, and each deliberate difference is noticed."""
    lab, bad, seen, tried = topo.Lab(), 0, 0, 0
    for seed in range(args.seed, args.seed + args.count):
        case, trace = Case(seed, args.family, args.packets), {}
        p, w = run(lab, case, "legacy", trace=trace)
        if p or w:
            bad += 1
            print("seed %d: legacy disagrees with itself: %s" % (seed, (p + w)[:4]))
            continue
        for x in sabotages(case, trace):
            tried += 1
            if run(lab, case, "legacy", patience=0.01, sabotage=x)[0]:
                seen += 1
            else:
                print("seed %d: not seen: %r" % (seed, vars(x)))
    print("self-test: %d rulesets, %d disagree with themselves, %d of %d deliberate differences "
          "seen" % (args.count, bad, seen, tried))
    return 1 if bad or seen < tried or tried < args.count else 0


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
    ap.add_argument("--rare", action="store_true", help="more of protocols that few speak (rare.py)")
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
    problems, wording = run(topo.Lab(), case, args.peer, drawn=case.nat == "nat")
    print("\n".join(problems + wording) or "no difference")
    return 1 if problems else 0


def listed(seeds):
    return " (%s)" % " ".join(map(str, sorted(seeds))) if seeds else ""


def main():
    args = arguments()
    netns.need_root()
    netns.sweep()
    os.makedirs(args.out, exist_ok=True)
    if args.self_test:
        return self_test(args)
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
    failed, excused, done, left, words = [], {"unsteady": [], "drawn": []}, 0, args.jobs, {}
    while left:
        r = results.get()
        if r is None:
            left -= 1
            continue
        seed, family, problems, wording, note = r
        done += 1
        for w in wording:
            words.setdefault(w, seed)
        if problems:
            failed.append(seed)
            if len(failed) <= args.max_failures:
                print("seed %d (IPv%s): %s" % (seed, family, "; written to %s" % note if note
                                               else ""))
                print("\n".join("    " + p for p in problems[:40]), flush=True)
        elif note:
            excused[note.partition(":")[0]].append(seed)
            print("seed %d (IPv%s): %s" % (seed, family, note), flush=True)
        if args.verbose and not problems:
            print("seed %d (IPv%s): equal" % (seed, family), flush=True)
    for w, seed in list(words.items())[:20]:
        print("wording (seed %d): %s" % (seed, w))
    print("diff: %s against legacy, seeds %d..%d: %d rulesets x %d packets (%d offloaded) in %.0f s, "
          "%d disagree%s, %d unsteady%s, %d with ports by lot, %d wordings differ" % (
              args.peer, args.seed, args.seed + args.count - 1, done, args.packets,
              OFFLOADED.value, time.monotonic() - begin, len(failed), listed(failed),
              len(excused["unsteady"]), listed(excused["unsteady"]), len(excused["drawn"]),
              len(words)))
    return 1 if failed or words or done != args.count else 0


if __name__ == "__main__":
    sys.exit(main())
