# SPDX-License-Identifier: GPL-2.0-or-later
"""Thousands of rules more for a random ruleset: prefixes that share their beginnings, ranges,
negations, port lists, around the ends of the traffic.  Most of them only count, so that a packet
meets many; a few decide, for one host and port."""
import ipaddress

from words import HOSTS, PORTS

SHARE = 0.1  # of the rules stand in a chain of their own, which others jump to
CHAIN = "crowd"


class Crowd:
    def __init__(self, rng, family, track):
        self.r, self.f, self.track = rng, family, track
        self.bits = 32 if family == 4 else 128
        self.hosts = [int(ipaddress.ip_address(a)) for k in "ccs" for a in HOSTS[family][k]]

    def maybe(self, p):
        return self.r.random() < p

    def text(self, value):
        kind = ipaddress.IPv4Address if self.f == 4 else ipaddress.IPv6Address
        return str(kind(value))

    def near(self):
        """An address that shares its beginning with a host's, and how many bits of it."""
        same = self.r.choice([0, 8, 15, 16, 20, 24, 27, 29, 30, 31, 32]) + self.bits - 32
        free = self.bits - same
        return self.r.choice(self.hosts) >> free << free | self.r.getrandbits(free or 1) & (
            (1 << free) - 1), same

    def prefix(self):
        value, same = self.near()
        length = self.r.randint(same, self.bits)
        free = self.bits - length
        return "%s/%d" % (self.text(value >> free << free), length)

    def range(self, side):
        a, b = sorted((self.near()[0], self.near()[0]))
        return "-m iprange %s--%s-range %s-%s" % (self.no(), side, self.text(a), self.text(b))

    def no(self):
        return "! " if self.maybe(0.15) else ""

    def port(self):
        return min(65535, max(0, self.r.choice(PORTS) + self.r.choice([0, 0, -1, 1, 7, 300])))

    def ports(self):
        if self.maybe(0.3):
            a, b = sorted((self.port(), self.r.randint(0, 65535)))
            return "%d:%d" % (a, b)
        return str(self.port())

    def upper(self, proto):
        if proto not in ("tcp", "udp"):
            return []
        if self.maybe(0.2):
            listed = ",".join(sorted({str(self.port()) for _ in range(self.r.randint(1, 5))}))
            return ["-m multiport %s--%s %s" % (self.no(), self.r.choice(
                ["dports", "sports", "ports"]), listed)]
        w = ["-m " + proto]
        for side in ("sport", "dport"):
            if self.maybe(0.5):
                w.append("%s--%s %s" % (self.no(), side, self.ports()))
        if proto == "tcp" and self.maybe(0.15):
            w.append(self.r.choice(["--syn", "! --syn", "--tcp-flags FIN,RST FIN",
                                    "! --tcp-flags ACK,SYN ACK"]))
        return w if len(w) > 1 else []

    def ends(self):
        w = []
        for side, option in (("src", "-s"), ("dst", "-d")):
            if self.maybe(0.5):
                w.append(self.range(side) if self.maybe(0.15)
                         else "%s%s %s" % (self.no(), option, self.prefix()))
        return w

    def rule(self, hook, jump):
        proto = self.r.choice(["", "tcp", "tcp", "udp", "udp", "icmp" if self.f == 4 else
                               "ipv6-icmp", "gre"])
        ends = self.ends()
        w = [x for x in ends if x[0] != "-" or x[1] != "m"]
        if hook == "FORWARD" and self.maybe(0.1):
            w.append(self.no() + self.r.choice(["-i eth0", "-o eth1", "-i eth+", "-o wlan0"]))
        w += ["-p " + proto] if proto else []
        w += self.upper(proto) + [x for x in ends if x.startswith("-m")]
        if self.track and self.maybe(0.05):
            w.append("-m conntrack --ctstate " + self.r.choice(["NEW", "ESTABLISHED", "INVALID"]))
        if self.maybe(0.003):
            return "-s %s -p tcp -m tcp --dport %d -j %s" % (
                self.text(self.r.choice(self.hosts)), self.r.choice(PORTS),
                self.r.choice(["ACCEPT", "DROP"]))
        if jump and self.maybe(0.002):
            w.append("-j " + CHAIN)
        return " ".join(w)


def fill(rng, ruleset, n, track):
    """n rules among those that the filter table's INPUT and FORWARD have.  They ask for no states
    where a queue may lose packets (docs/differences.md)."""
    queues = any("NFQUEUE" in words for _, _, words in ruleset.rules)
    c = Crowd(rng, ruleset.family, track and not queues)
    ruleset.user["filter"].append(CHAIN)
    more = []
    for _ in range(n):
        chain = CHAIN if rng.random() < SHARE else rng.choice(["INPUT", "FORWARD", "FORWARD"])
        more.append(("filter", chain, c.rule(chain, chain != CHAIN)))
    for rule in ruleset.rules:
        more.insert(rng.randint(0, len(more)), rule)
    ruleset.rules = more
