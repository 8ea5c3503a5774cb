# SPDX-License-Identifier: GPL-2.0-or-later
"""Translation in the differential test: rules of the nat table, and far ends that answer what
reached them.

The scripted conversations know only addresses before translation.  A Mirror sees what a packet
became at the far end, and bends the conversation's later packets so that they come from whom the
first one reached: answers, and ICMP errors about it.
"""
import ipaddress
import struct

import pkt
from words import HOSTS, PORTS

CHAINS = ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]
FREE = {4: ["10.77.1.%d" % h for h in range(25, 30)] + ["10.77.2.%d" % h for h in range(25, 30)],
        6: ["fd77:1::%x" % h for h in range(25, 30)] + ["fd77:2::%x" % h for h in range(25, 30)]}
MAPS = {4: ["10.77.2.16/29", "10.77.1.8/29", "10.77.2.20", "10.77.1.0/24"],
        6: ["fd77:2::10/125", "fd77:1::8/125", "fd77:2::14", "fd77:1::/64"]}


def wrap(family, a, ports):
    return (":%s" % ports if not a else "[%s]:%s" % (a, ports) if family == 6 and ports
            else "%s:%s" % (a, ports) if ports else a)


def shift(g):
    """A range as long as a multiple of 1 or 2, or of a length for which nft has no word; the base may
    be above the ports that come."""
    first = g.r.choice(PORTS)
    return "%d-%d/%d" % (first, min(first + g.r.choice([0, 1, 3, 6, 99]), 65535),
                         g.r.choice(PORTS + [1, 65535]))


def random(g, fully):
    """Now and then lots are asked for (lots.py); most cases are to be without."""
    return g.r.choice([" --random"] + [" --random-fully"] * fully) if g.maybe(0.04) else ""


def span(first):
    """Ports to draw from.  Not the one that somebody listens at, with others: whether a lot falls on
    it decides more than a number, and seldom."""
    return "%d-%d" % (first + 1, first + 10)


def target(g, chain, proto):
    """One translation."""
    h, ported = HOSTS[g.f], proto in ("tcp", "udp")
    dst = chain in ("PREROUTING", "OUTPUT")
    if g.maybe(0.15):
        return "-j NETMAP --to " + g.r.choice(MAPS[g.f])
    if dst and g.maybe(0.35):
        first = g.r.choice(PORTS)
        ports = " --to-ports %s" % g.r.choice([first, first, span(first)]) \
            if ported and g.maybe(0.7) else ""
        return "-j REDIRECT" + ports + random(g, False)
    if dst:
        ports = str(g.r.choice(PORTS)) if ported and g.maybe(0.5) else ""
        if ports and g.maybe(0.4):
            ports = shift(g) if g.maybe(0.7) else span(int(ports))
        a = g.r.choice(h[g.r.choice("sssc")] + h["r"][:2])
        if g.maybe(0.15):
            a = "-".join((h["s"][0], h["s"][-1]))
        return "-j DNAT --to-destination " + wrap(g.f, a, ports) + random(g, False) + g.r.choice(
            ["", "", " --persistent"])
    if chain == "POSTROUTING" and g.maybe(0.5):
        return "-j MASQUERADE" + (" --to-ports 1024-65535" if ported and g.maybe(0.2) else "") \
            + random(g, True)
    ports = g.r.choice(["", "", "1024-65535"]) if ported else ""
    a = g.r.choice(FREE[g.f] + h["r"][:2])
    if g.maybe(0.15):
        a = "-".join((FREE[g.f][5], FREE[g.f][-1]))
    return "-j SNAT --to-source " + wrap(g.f, a, ports) + random(g, True) + g.r.choice(
        ["", "", " --persistent"])


def rule(g, chain):
    proto = g.r.choice(["tcp"] * 4 + ["udp"] * 3 + ["", "", "icmp" if g.f == 4 else "ipv6-icmp"])
    words = g.generic({chain}, proto)
    if proto in ("tcp", "udp") and g.maybe(0.4):
        words += ["-m " + proto, "--dport " + g.port()]
    if g.track and g.maybe(0.2):
        words += g.m_conntrack()
    r = g.r.random()
    what = "" if r < 0.1 else "-j ACCEPT" if r < 0.15 else "-j RETURN" if r < 0.2 \
        else target(g, chain, proto)
    return " ".join(words + [what] if what else words)


def table(g, rs):
    rs.policy["nat"], rs.user["nat"] = {c: "ACCEPT" for c in CHAINS}, []
    for chain in CHAINS:
        for _ in range(g.r.choice({"INPUT": [0, 0, 1]}.get(chain, [0, 1, 2, 3]))):
            rs.rules.append(("nat", chain, rule(g, chain)))


def never(g, rs):
    """A rule that no packet meets: the kernel tracks, and nothing else happens."""
    a, b = ("203.0.113.77", "203.0.113.78") if g.f == 4 else ("2001:db8::77", "2001:db8::78")
    rs.policy["nat"], rs.user["nat"] = {c: "ACCEPT" for c in CHAINS}, []
    rs.rules.append(("nat", "PREROUTING", "-s %s -d %s -j DNAT --to-destination %s" % (a, b, a)))


def spare_resets(rules):
    """The kernel's REJECT answers its own resets with errors, and such an error, having left,
    makes a connection of the first packet that was reset; fwd tells the kernel's tracker nothing of it
    (docs/differences.md)."""
    resets = [chain for _, chain, words in rules if "--reject-with tcp-reset" in words]
    if not resets:
        return
    inbound = ("INPUT", "FORWARD")  # a reset of OUTPUT's comes in by lo
    spared = inbound if all(chain in inbound for chain in resets) else ("FORWARD",)
    for i, (table, chain, words) in enumerate(rules):
        if " --reject-with icmp" not in words or chain in spared:
            continue
        if " -p " not in " " + words:
            words = "! -p tcp " + words
        elif "-p tcp" in words and "! -p tcp" not in words:
            words = words[:words.index("-j REJECT")] + "-j DROP"
        rules[i] = (table, chain, words)


# ---- far ends that answer what they got ---------------------------------------------------------

def parts(p):
    """(family, offset of the upper layer, protocol) of a packet without extras, or None."""
    v = p[0] >> 4 if p else 0
    if v == 4 and len(p) >= 20 and not struct.unpack("!H", p[6:8])[0] & 0x3FFF:
        return 4, (p[0] & 15) * 4, p[9]
    if v == 6 and len(p) >= 40:
        return 6, 40, p[6]
    return None


def tuple_of(p):
    """(protocol, source, destination, port or id, port or None); None: nothing to follow."""
    x = parts(p)
    if not x or len(p) < x[1] + 8:
        return None
    v, at, proto = x
    s, d = (p[12:16], p[16:20]) if v == 4 else (p[8:24], p[24:40])
    if proto in (6, 17):
        return proto, bytes(s), bytes(d), bytes(p[at:at + 2]), bytes(p[at + 2:at + 4])
    if (proto, p[at]) in ((1, 8), (1, 0), (58, 128), (58, 129)):
        return proto, bytes(s), bytes(d), bytes(p[at + 4:at + 6]), None
    return None


def turn(t):
    proto, s, d, a, b = t
    return (proto, d, s, a, None) if b is None else (proto, d, s, b, a)


def rewrite(p, t):
    """The packet with another tuple; sums are mended, and stay wrong where they were."""
    v, at, proto = parts(p)
    old, q = tuple_of(p), bytearray(p)
    if v == 4:
        q[12:16], q[16:20] = t[1], t[2]
    else:
        q[8:24], q[24:40] = t[1], t[2]
    place = {6: 16, 17: 6, 1: 2, 58: 2}[proto]
    if proto in (6, 17):
        q[at:at + 2], q[at + 2:at + 4] = t[3], t[4]
    else:
        q[at + 4:at + 6] = t[3]
    words = lambda x: b"".join(y for y in x[1:] if y is not None)
    before, after = (old[3], t[3]) if proto == 1 else (words(old), words(t))
    patch(q, at + place, before, after, proto == 17)
    if v == 4:
        patch(q, 10, old[1] + old[2], t[1] + t[2], False)
    return bytes(q)


def patch(q, at, before, after, none_is_zero):
    if len(q) < at + 2 or (none_is_zero and q[at:at + 2] == b"\0\0"):
        return
    have = ~struct.unpack("!H", q[at:at + 2])[0] & 0xFFFF
    less = sum(~x & 0xFFFF for x in struct.unpack("!%dH" % (len(before) // 2), before))
    more = sum(struct.unpack("!%dH" % (len(after) // 2), after))
    s = have + less + more
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    q[at:at + 2] = struct.pack("!H", ~s & 0xFFFF)


class Mirror:
    """What became of whom: at one side."""

    def __init__(self):
        self.sent, self.became = {}, {}

    def note(self, i, packet):
        t = tuple_of(packet)
        if t:
            self.sent[i] = t

    def arrived(self, i, dev, packet):
        """A packet that came out right behind step i, at another port than it went in."""
        t, x = self.sent.get(i), tuple_of(packet)
        if t and x and x[0] == t[0] and t not in self.became:
            self.became[t] = (dev, x, packet)

    def bend(self, packet):
        """(port or None: where it was to come in, packet)"""
        t = tuple_of(packet)
        if t and turn(t) in self.became:
            dev, x, _ = self.became[turn(t)]
            return dev, rewrite(packet, turn(x))
        return self.bend_error(packet)

    def bend_error(self, p):
        x = parts(p)
        if not x or x[2] not in (1, 58) or len(p) < x[1] + 8 or tuple_of(p):
            return None, p
        v, at, proto = x
        inner = tuple_of(p[at + 8:])
        if inner not in self.became:
            return None, p
        dev, _, seen = self.became[inner]
        dst = seen[12:16] if v == 4 else seen[8:24]
        src = p[12:16] if v == 4 else p[8:24]
        s, d = str(ipaddress.ip_address(src)), str(ipaddress.ip_address(dst))
        quote, rest = seen[:len(p) - at - 8], struct.unpack("!I", p[at + 4:at + 8])[0]
        if v == 4:
            body = pkt.icmp(p[at], p[at + 1], rest, quote)
            return dev, pkt.ip4(s, d, 1, body, ttl=p[8], ident=struct.unpack("!H", p[4:6])[0])
        return dev, pkt.ip6(s, d, 58, pkt.icmp6(s, d, p[at], p[at + 1], rest, quote), hops=p[7])
