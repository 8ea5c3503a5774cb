# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the differential test able to see a difference?  The kernel against itself must agree, and not
when something is made different on purpose."""
import struct

import both
import pkt
import topo
from case import Case


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


def arrivals(run):
    """Packets behind which something came out, and those that only were forwarded."""
    some, forwarded = [], []
    for i, step in enumerate(run.case.steps):
        got = run.at(0, "packet %d" % i)
        if got and "ackof" not in step:
            some.append(i)
        if [q[-20:] for dev, q in got if dev != step["at"]] == [step["pkt"][-20:]] \
                and step["at"] != "local" and "frag" not in pkt.show(step["pkt"]):
            forwarded.append(i)
    return some, forwarded


def sabotages(run):
    """One of each kind that this case can show."""
    out, case = [], run.case
    rule = counted_rule(case, run.saved)
    if rule is not None:
        rest = list(case.rules.rules)
        t, c, _ = rest[rule]
        rest[rule] = (t, c, "-s %s" % ("203.0.113.9" if case.family == 4 else "2001:db8::9"))
        out.append(Sabotage(text=case.rules.text(rest)))
    some, forwarded = arrivals(run)
    if some:
        out.append(Sabotage(lose=some[len(some) // 2]))
    if forwarded:
        out.append(Sabotage(bend=forwarded[-1]))
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
        run = both.run(lab, Case(seed, args.family, args.packets), "legacy")
        problems = run.problems() + run.wording
        if problems:
            bad += 1
            print("seed %d: legacy disagrees with itself: %s" % (seed, problems[:4]))
            continue
        for x in sabotages(run):
            tried += 1
            if both.run(lab, run.case, "legacy", patience=0.01, sabotage=x).problems():
                seen += 1
            else:
                print("seed %d: not seen: %r" % (seed, vars(x)))
    print("self-test: %d rulesets, %d disagree with themselves, %d of %d deliberate differences "
          "seen" % (args.count, bad, seen, tried))
    return 1 if bad or seen < tried or tried < args.count else 0
