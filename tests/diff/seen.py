# SPDX-License-Identifier: GPL-2.0-or-later
"""What two routers made of a case: at each place (a packet, a rule, a policy) either's value."""
import os

import compare
import lots
import pkt
from judge import AS_IT_CAME, BY_TURN


class Run:
    """broken: what nothing excuses (a ruleset refused, a dead daemon); wording: rules that are
    printed differently; saved: what A's rules and policies counted."""

    def __init__(self, case):
        self.case, self.broken, self.wording, self.saved = case, [], [], {}
        self.values = [[{}, {}], [{}, {}]]  # of a view, of a side: {place: value}

    def arrived(self, i, view, got):
        """What came out behind packet i, at both sides."""
        for side in (0, 1):
            self.values[view][side]["packet %d" % i] = tuple(got[side])

    def counted(self, saved):
        """By both sides, in the end."""
        tables = list(self.case.rules.policy)
        self.saved = saved[0]
        self.wording = compare.words(*saved, tables)
        self.broken += compare.shapes(*saved, tables)
        for side, values in enumerate(compare.counters(*saved, tables)):
            for view in (AS_IT_CAME, BY_TURN):
                self.values[view][side].update(values)

    def at(self, side, place, view=BY_TURN):
        return self.values[view][side].get(place)

    def differing(self, view=AS_IT_CAME):
        a, b = self.values[view]
        return {place for place in a if a[place] != b[place]}

    def coincidence(self):
        """Did a lot, at one side only, fall on a number that had been before?"""
        a, b = self.values[BY_TURN]
        return self.case.nat == "nat" and any(
            dev == to and lots.coincide(p, q)
            for place in self.differing(BY_TURN) if place.startswith("packet")
            for dev, p in a[place] for to, q in b[place])

    def view(self):
        """That in which differences say most: drawn numbers are told of if nothing else differs."""
        return BY_TURN if self.differing(BY_TURN) else AS_IT_CAME

    def problems(self):
        """Lines about all that differs."""
        view = self.view()
        out, where = list(self.broken), self.differing(view)
        for place in [p for p in self.values[view][0] if p in where]:
            a, b = (self.at(side, place, view) for side in (0, 1))
            if place.startswith("packet"):
                out += arrivals(place, self.case.steps[int(place.split()[1])], a, b)
            else:
                out.append("%s: A %s, B %s" % (place, a, b))
        return out


def arrivals(place, step, a, b):
    out = ["%s, %s: %s" % (place, step["at"], pkt.show(step["pkt"]))]
    for name, mine, other in (("A", a, b), ("B", b, a)):
        rest = list(other)
        for x in mine:
            if x in rest:
                rest.remove(x)
            else:
                out.append("    only %s: %s %s" % (name, x[0], pkt.show(x[1])))
                if os.environ.get("DIFF_HEX"):
                    out.append("        " + x[1].hex())
    return out
