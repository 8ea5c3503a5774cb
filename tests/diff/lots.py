# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports that the kernel draws by lot.

Where a translated connection would have the ends of another one, the kernel gives it a port, or an
ICMP id, at random: two kernels disagree there, too.  So a number that nobody has named, neither a
packet of the script nor a rule, is replaced by its turn among those that a router has drawn, and
all else stays comparable: whether there was one, whose it is from then on, and the counters.
"""
import struct

import nat
import words

DRAWN = 0xE000  # what the first number drawn becomes


def named(case):
    """All numbers that a case names, in its packets and its rules."""
    return set(words.PORTS).union(*(numbers(step["pkt"]) for step in case.steps))


def quoted(p):
    """Where the packet that an ICMP error quotes begins, or None."""
    x = nat.parts(p)
    error = x and x[2] in (1, 58) and len(p) >= x[1] + 8 and not nat.tuple_of(p)
    return x[1] + 8 if error else None


def numbers(p):
    t, at = nat.tuple_of(p), quoted(p)
    if t:
        return {struct.unpack("!H", n)[0] for n in t[3:] if n is not None}
    return numbers(p[at:]) if at else set()


class Lots:
    """Of one router."""

    def __init__(self, known):
        self.known, self.drawn = known, {}

    def turn(self, port):
        """The port, or its turn if it was drawn."""
        n = port and struct.unpack("!H", port)[0]
        if n is None or n in self.known:
            return port
        return struct.pack("!H", self.drawn.setdefault(n, DRAWN + len(self.drawn)))

    def plain(self, p):
        """The packet, of which compare.py has masked what is volatile, without lots."""
        t, at = nat.tuple_of(p), quoted(p)
        if not t:
            return p[:at] + self.plain(p[at:]) if at else p
        q = nat.rewrite(p, t[:3] + tuple(self.turn(n) for n in t[3:]))
        sum_at = nat.parts(p)[1] + 16
        masked = t[0] == 6 and p[sum_at:sum_at + 2] == b"\0\0"
        return q[:sum_at] + b"\0\0" + q[sum_at + 2:] if masked else q
