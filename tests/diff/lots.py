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
SUMS = {6: 16, 17: 6, 1: 2, 58: 2, 132: 8, 136: 6}  # protocols with such numbers, and where their checksum stands
EXTENSIONS = (0, 43, 44, 60)  # of IPv6


def named(case):
    """All numbers that a case names, in its packets and its rules."""
    return set(words.PORTS).union(*(numbers(step["pkt"]) for step in case.steps))


def upper(p):
    """(offset, protocol) of what stands behind the IP header, in a first fragment, too; or None."""
    v = p[0] >> 4 if p else 0
    if v == 4 and len(p) >= 20 and not struct.unpack("!H", p[6:8])[0] & 0x1FFF:
        return (p[0] & 15) * 4, p[9]
    if v != 6 or len(p) < 40:
        return None
    at, proto = 40, p[6]
    while proto in EXTENSIONS and len(p) >= at + 8:
        if proto == 44 and struct.unpack("!H", p[at + 2:at + 4])[0] & 0xFFF8:
            return None
        at, proto = at + (8 if proto == 44 else 8 * p[at + 1] + 8), p[at]
    return at, proto


def places(p):
    """Where numbers stand that the kernel may draw, where their checksum, where a quoted packet."""
    at, proto = upper(p) or (0, 0)
    if len(p) < at + 8 or proto not in SUMS:
        return [], 0, 0
    if proto in (6, 17, 132, 136):
        return [at, at + 2], at + SUMS[proto], 0
    echo = p[at] in ((0, 8) if proto == 1 else (128, 129))
    error = p[at] in (3, 4, 5, 11, 12) if proto == 1 else p[at] < 128
    return [at + 4] if echo else [], at + SUMS[proto], at + 8 if error else 0


def proto_of(p):
    return (upper(p) or (0, 0))[1]


def numbers(p):
    at, _, quoted = places(p)
    own = {struct.unpack("!H", p[i:i + 2])[0] for i in at}
    return own | numbers(p[quoted:]) if quoted else own


def blank(p):
    """The packet without its numbers, and their checksums."""
    at, csum, quoted = places(p)
    q = bytearray(p)
    for i, size in [(i, 2) for i in at] + [(csum, 4 if proto_of(p) == 132 else 2)] * bool(at):
        q[i:i + size] = bytes(len(q[i:i + size]))
    return bytes(q[:quoted]) + blank(p[quoted:]) if quoted else bytes(q)


def coincide(p, q):
    """Two packets of Lots.plain(): would they be the same, had a lot not fallen on a number that
    has been before, drawn or named?"""
    return any(n >= DRAWN for n in numbers(p) ^ numbers(q)) and blank(p) == blank(q)


class Lots:
    """Of one router."""

    def __init__(self, known):
        self.known, self.drawn = known, {}

    def turn(self, number):
        """Two bytes, or their turn if they were drawn."""
        n = struct.unpack("!H", number)[0]
        if n in self.known:
            return number
        return struct.pack("!H", self.drawn.setdefault(n, DRAWN + len(self.drawn)))

    def plain(self, p):
        """The packet, of which compare.py has masked what is volatile, without lots."""
        at, csum, quoted = places(p)
        q = bytearray(p)
        for i in at:
            old, q[i:i + 2] = p[i:i + 2], self.turn(p[i:i + 2])
            if proto_of(p) == 132:
                q[csum:csum + 4] = b"\0" * 4  # no sum
            elif q[csum:csum + 2] != b"\0\0":  # masked, or none
                nat.patch(q, csum, old, bytes(q[i:i + 2]), False)
        return bytes(q[:quoted]) + self.plain(p[quoted:]) if quoted else bytes(q)
