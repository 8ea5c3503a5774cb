# SPDX-License-Identifier: GPL-2.0-or-later
"""Random traffic for the router under test: several scripted conversations, interleaved, each with
its mishaps.  Both ends are scripts: what the firewall drops, the other end answers all the same,
so that states arise which no sane pair of hosts would make.

A step is a dict: at (eth0, eth1: put on that wire; local: sent by the router itself), pkt (bytes,
layer 3), host (net, number of the sending neighbour), l2 (unicast, broadcast, multicast), ackof
(index of the step whose SYN-ACK's sequence number this one acknowledges), gap (True: the answers
to it take part in the kernel's per-source budget of routing errors).
"""
import struct

import pkt
from pkt import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG
from words import HOSTS, PORTS

WILD = [0, FIN | PSH | URG, SYN | FIN, SYN | RST, 0xFF, ACK | URG, FIN, PSH | ACK, RST | ACK,
        SYN | ECE | CWR, SYN | ACK | FIN]
ERRORS = {4: [(3, 0), (3, 1), (3, 3), (3, 4), (3, 13), (11, 0), (11, 1), (12, 0), (5, 1), (4, 0)],
          6: [(1, 0), (1, 1), (1, 4), (2, 0), (3, 0), (4, 1)]}
DEAD = {4: ["10.77.7.5", "10.77.8.5", "10.77.9.5", "10.99.1.1"],
        6: ["fd77:7::5", "fd77:8::5", "fd77:9::5", "fd99::1"]}


class Traffic:
    def __init__(self, rng, family, nat="", offload=False):
        self.r, self.f, self.nat, self.offload = rng, family, nat, offload
        self.errors_left = {}
        self.clash = rng.random() < 0.2  # translations do: the kernel draws lots (lots.py)
        self.ident = rng.randint(1, 1000)
        self.next_port = 40000

    def maybe(self, p):
        return self.r.random() < p

    # -- building -------------------------------------------------------------------------

    def packet(self, src, dst, proto, payload, **kw):
        if self.f == 6:
            kw = {{"ttl": "hops", "tos": "tclass"}.get(k, k): v for k, v in kw.items()
                  if k in ("ttl", "plen", "tos")}
            return pkt.ip6(src, dst, proto, payload, **kw)
        self.ident += 1
        kw.pop("plen", None)
        return pkt.ip4(src, dst, proto, payload, ident=kw.pop("ident", self.ident), **kw)

    def step(self, src, packet, **kw):
        s = {"pkt": packet, "l2": "unicast"}
        s.update(kw)
        h = HOSTS[self.f]
        if src in h["r"]:
            s["at"] = "local"
        elif src in h["c"]:
            s["at"], s["host"] = "eth0", (1, 10 + h["c"].index(src))
        else:
            s["at"], s["host"] = "eth1", (2, 20 + h["s"].index(src) if src in h["s"] else 20)
        return s

    def send(self, src, dst, proto, payload, **kw):
        if "ttl" not in kw:
            kw["ttl"] = self.r.choice([64, 64, 64, 64, 63, 128, 10, 2] + ([1] if self.maybe(.3) else []))
        if self.maybe(0.3):
            kw["tos"] = self.r.choice([0x10, 0x04, 0x28, 0xb8, 0x01, 0x02, 0x03])
        return self.step(src, self.packet(src, dst, proto, payload, **kw))

    def pick(self, kinds):
        return self.r.choice(HOSTS[self.f][self.r.choice(kinds)])

    def pair(self):
        """Two ends: most often client to server, some to and from the router."""
        kind = self.r.choice(["cs"] * 5 + ["sc", "cr", "cr", "cr", "rs", "rs", "rr", "cc"])
        while True:
            a, b = self.pick(kind[0]), self.pick(kind[1])
            local = ("127.0.0.1", "::1")
            if kind == "rr":
                return a, b
            if a != b and a not in local and b not in local:
                return a, b

    def sport(self):
        self.next_port += 1
        if self.offload or self.nat and not self.clash:
            return self.next_port  # what comes to an offloaded flow fits it (docs/differences.md)
        return self.r.choice([self.next_port, self.next_port, 40000 + self.r.randint(0, 2), 1023])

    def dport(self):
        return self.r.choice(PORTS)

    # -- conversations: each returns a list of steps --------------------------------------

    def tcp_opts(self):
        o = b"\x02\x04\x05\xb4" if self.maybe(0.8) else b""
        if self.maybe(0.5):
            o += b"\x01\x03\x03" + bytes([self.r.randint(0, 10)])
        if self.maybe(0.4):
            o += b"\x04\x02\x01\x01"
        if self.maybe(0.2):
            o += b"\x01\x01\x08\x0a" + struct.pack("!II", self.r.randint(1, 9**9), 0)
        return o

    def tcp(self):
        a, b = self.pair()
        sp, dp = self.sport(), self.dport()
        x, y = self.r.randint(1, 2**32 - 1), self.r.randint(1, 2**32 - 1)
        fwd = lambda **k: self.send(a, b, 6, pkt.tcp(a, b, sp, dp, **k))
        rev = lambda **k: self.send(b, a, 6, pkt.tcp(b, a, dp, sp, **k))
        d1, d2 = b"q" * self.r.randint(1, 60), b"r" * self.r.randint(1, 200)
        ece = self.r.choice([0, 0, ECE, ECE | CWR])
        out = [fwd(flags=SYN | ece, seq=x, opts=self.tcp_opts()),
               rev(flags=SYN | ACK | ece & ECE, seq=y, ack=x + 1, opts=self.tcp_opts()),
               fwd(flags=ACK, seq=x + 1, ack=y + 1),
               fwd(flags=PSH | ACK, seq=x + 1, ack=y + 1, data=d1),
               rev(flags=ACK, seq=y + 1, ack=x + 1 + len(d1)),
               rev(flags=PSH | ACK, seq=y + 1, ack=x + 1 + len(d1), data=d2),
               fwd(flags=ACK, seq=x + 1 + len(d1), ack=y + 1 + len(d2))]
        x, y = x + 1 + len(d1), y + 1 + len(d2)
        end = self.r.choice(["fin", "rst", "none", "new"])
        if end in ("fin", "new"):
            out += [fwd(flags=FIN | ACK, seq=x, ack=y), rev(flags=ACK, seq=y, ack=x + 1),
                    rev(flags=FIN | ACK, seq=y, ack=x + 1), fwd(flags=ACK, seq=x + 1, ack=y + 1)]
        if end == "rst":
            out.append(rev(flags=RST | ACK, seq=y, ack=x))
        if end in ("rst", "new"):
            out.append(fwd(flags=SYN, seq=x + 100000, opts=self.tcp_opts()))
        if self.maybe(0.3):  # only the beginning, or only the middle
            out = out[:self.r.randint(1, 4)] if self.maybe(0.6) else out[self.r.randint(1, 3):]
        for _ in range(0 if self.offload else self.r.choice([0, 0, 1, 2])):  # docs/differences.md
            odd = self.r.choice([
                lambda: fwd(flags=self.r.choice(WILD), seq=x, ack=y),
                lambda: fwd(flags=PSH | ACK, seq=x + 10**6, ack=y, data=b"far"),
                lambda: rev(flags=ACK, seq=y - 10**6, ack=x),
                lambda: fwd(flags=RST, seq=x + 5 * 10**5),
                lambda: fwd(flags=SYN, seq=x + 7),
                lambda: fwd(flags=ACK, seq=x, ack=y, good=False),
                lambda: self.send(a, b, 6, pkt.tcp(a, b, sp, dp)[:self.r.choice([4, 8, 13, 19])]),
                lambda: fwd(flags=ACK, seq=x, ack=y, doff=self.r.choice([0, 4, 15])),
                lambda: fwd(flags=ACK, seq=x, ack=y, opts=b"\x08\x0a" + b"\1" * 8),
                lambda: self.error_about(out[0], b),
            ])
            out.insert(self.r.randint(1, len(out)), odd())
        return out

    def stream(self):
        """A connection that lasts long enough to be offloaded, and what may come to it then.  Nothing
        outside of its window, and nothing that tells a reset from one that was taken back:
        docs/differences.md."""
        a, b = self.pair()
        sp, dp = self.sport(), self.dport()
        x, y = self.r.randint(1, 2**32 - 1), self.r.randint(1, 2**32 - 1)
        fwd = lambda **k: self.send(a, b, 6, pkt.tcp(a, b, sp, dp, **k))
        rev = lambda **k: self.send(b, a, 6, pkt.tcp(b, a, dp, sp, **k))
        out = [fwd(flags=SYN, seq=x, opts=self.tcp_opts()),
               rev(flags=SYN | ACK, seq=y, ack=x + 1, opts=self.tcp_opts()),
               fwd(flags=ACK, seq=x + 1, ack=y + 1)]
        x, y = x + 1, y + 1
        for _ in range(self.r.randint(8, 20)):
            data = b"s" * self.r.randint(1, 100)
            if self.maybe(0.5):
                out += [fwd(flags=self.r.choice([ACK, PSH | ACK]), seq=x, ack=y, data=data),
                        rev(flags=ACK, seq=y, ack=x + len(data))]
                x += len(data)
            else:
                out += [rev(flags=self.r.choice([ACK, PSH | ACK]), seq=y, ack=x, data=data),
                        fwd(flags=ACK, seq=x, ack=y + len(data))]
                y += len(data)
            if self.maybe(0.05):
                out.append(self.r.choice([
                    lambda: fwd(flags=ACK | URG, seq=x, ack=y), lambda: fwd(flags=0, seq=x, ack=y),
                    lambda: self.error_about(out[-1], self.pick("s")),
                    lambda: fwd(flags=ACK, seq=x, ack=y, opts=b"\1\1\x08\x0a" + b"\1" * 8)])())
            if self.offload and self.maybe(0.15):  # of the same hosts: rules may list them by it
                p, q = self.r.choice([(a, b), (b, a)])
                out.append(self.send(p, q, 17, pkt.udp(p, q, sp, dp, b"l")))
        end = self.r.choice(["fin", "fin", "rst", "half", "none"])
        if end == "rst":
            out.append(fwd(flags=RST | ACK, seq=x, ack=y))
        if end in ("fin", "half"):
            out += [fwd(flags=FIN | ACK, seq=x, ack=y), rev(flags=ACK, seq=y, ack=x + 1)]
            if end == "half":
                out.append(rev(flags=ACK, seq=y, ack=x + 1, data=b"h" * 10))
                y += 10
            out += [rev(flags=FIN | ACK, seq=y, ack=x + 1), fwd(flags=ACK, seq=x + 1, ack=y + 1)]
        again = end != "none" and self.maybe(0.5)
        if again and not (self.offload and {a, b} & set(HOSTS[self.f]["r"])):  # which resets it
            out.append(fwd(flags=SYN, seq=x + 100000, opts=self.tcp_opts()))
        return out

    def tcp_listener(self):
        """A handshake with the router's own listener: its sequence numbers are its own."""
        a, b = self.pick("cs"), self.r.choice(HOSTS[self.f]["r"][:2])
        sp, dp, x = self.sport(), self.r.choice([22, 80]), self.r.randint(1, 2**32 - 1)
        fwd = lambda **k: self.send(a, b, 6, pkt.tcp(a, b, sp, dp, **k), ttl=64)
        syn, ack = fwd(flags=SYN, seq=x, opts=b"\x02\x04\x05\xb4"), fwd(flags=ACK, seq=x + 1)
        rst = fwd(flags=RST | ACK, seq=x + 1)
        syn["synack"] = ack["ackof"] = rst["ackof"] = object()  # resolved after interleaving
        return [syn, ack, rst]

    def udp(self):
        a, b = self.pair()
        sp, dp = self.sport(), self.dport()
        fwd = lambda n=20, **k: self.send(a, b, 17, pkt.udp(a, b, sp, dp, b"u" * n, **k))
        rev = lambda n=20, **k: self.send(b, a, 17, pkt.udp(b, a, dp, sp, b"v" * n, **k))
        out = [fwd(self.r.choice([0, 12, 20, 72]))]
        for _ in range(self.r.randint(0, 4)):
            out.append(self.r.choice([
                lambda: fwd(self.r.randint(0, 100)), lambda: rev(self.r.randint(0, 100)),
                lambda: rev(), lambda: fwd(good=False), lambda: fwd(length=self.r.choice([3, 500])),
                lambda: self.send(a, b, 17, pkt.udp(a, b, sp, dp)[:self.r.choice([3, 6])]),
                lambda: self.error_about(out[0], b)])())
        return out

    def echo(self):
        a, b = self.pair()
        ident = self.sport() if self.nat else self.r.randint(1, 3)
        req, rep = (8, 0) if self.f == 4 else (128, 129)

        def one(src, dst, kind, seq, good=True):
            rest, data = ident << 16 | seq, b"e" * self.r.choice([0, 20, 56])
            if self.f == 4:
                return self.send(src, dst, 1, pkt.icmp(kind, 0, rest, data, good))
            return self.send(src, dst, 58, pkt.icmp6(src, dst, kind, 0, rest, data, good))
        out = []
        for seq in range(self.r.randint(1, 3)):
            out.append(one(a, b, req, seq, good=self.offload or not self.maybe(0.1)))
            if self.maybe(0.7):
                out.append(one(b, a, rep, seq))
        if self.maybe(0.3):
            out.insert(0, one(b, a, rep, 9))
        if self.maybe(0.3):
            out.append(self.error_about(out[0], b))
        return out

    def error_about(self, step, by):
        """An ICMP error by `by` (or by someone else) about a packet."""
        inner = step["pkt"]
        src = inner[12:16] if self.f == 4 else inner[8:24]
        import ipaddress
        to = str(ipaddress.ip_address(src))
        if self.maybe(0.3):
            by = self.pick("s")
        if by in ("127.0.0.1", "::1") or to == by:
            by = HOSTS[self.f]["s"][0]
        if by in HOSTS[self.f]["r"] and to in HOSTS[self.f]["r"]:
            by = HOSTS[self.f]["s"][0]
        kind, code = self.r.choice(ERRORS[self.f])
        quote = inner[:self.r.choice([28, 28, 48, 500, 20, 24])] if self.f == 4 \
            else inner[:self.r.choice([60, 60, 500, 44])]
        rest = 1300 if (kind, code) in ((3, 4), (2, 0)) else 0
        if self.f == 4:
            return self.send(by, to, 1, pkt.icmp(kind, code, rest, quote), ttl=64)
        return self.send(by, to, 58, pkt.icmp6(by, to, kind, code, rest, quote), ttl=64)

    def dead_end(self):
        """To where there is no way, or no hop left."""
        a = self.pick("cs")
        if self.nat or self.maybe(0.5):
            b, ttl = self.pick("sc"), 1
            if b == a:
                return []
        else:
            b, ttl = self.r.choice(DEAD[self.f]), 64
            left = self.errors_left.setdefault(a, 4)  # the kernel's budget for each source
            if left == 0:
                return []
            self.errors_left[a] = left - 1
        sp, dp = self.sport(), self.dport()
        body, proto = self.r.choice([
            (pkt.udp(a, b, sp, dp, b"x" * 20), 17), (pkt.tcp(a, b, sp, dp), 6),
            (pkt.icmp(8, 0, 7 << 16, b"p") if self.f == 4 else pkt.icmp6(a, b, 128, 0, 7), 1
             if self.f == 4 else 58)])
        out = [self.send(a, b, proto, body, ttl=ttl)]
        if self.maybe(0.3):
            out.append(self.send(a, b, proto, body, ttl=64 if ttl == 1 else 1))
        return out

    def fragments(self):
        a, b = self.pair()
        if b in ("127.0.0.1", "::1") or a in HOSTS[self.f]["r"]:
            return []
        sp, dp, n = self.sport(), self.dport(), self.r.choice([100, 300, 1600])
        proto, body = self.r.choice([(17, pkt.udp(a, b, sp, dp, b"f" * n)),
                                     (6, pkt.tcp(a, b, sp, dp, data=b"f" * n))])
        cut = self.r.choice([8, 16, 24, 64])
        cuts = [0, cut, cut + 32, len(body)] if self.maybe(0.5) else [0, max(cut, 64), len(body)]
        self.ident += 1
        ident, out = self.ident, []
        for i in range(len(cuts) - 1):
            part, more = body[cuts[i]:cuts[i + 1]], cuts[i + 1] < len(body)
            if self.f == 4:
                p = pkt.ip4(a, b, proto, part, ident=ident, off=cuts[i], mf=more)
            else:
                p = pkt.ip6(a, b, 44, pkt.frag6(proto, cuts[i], more, ident) + part)
            out.append(self.step(a, p))
        if any(len(s["pkt"]) > 1400 for s in out) and a in HOSTS[self.f]["c"]:
            out = out[:1]
        if self.maybe(0.3):
            self.r.shuffle(out)
        if self.maybe(0.15):
            out.pop()
        return out

    def other(self):
        """Protocols without a tracker of their own, options, extension headers, broadcast."""
        a, b = self.pair()
        sp, dp = self.sport(), self.dport()
        port = struct.pack("!HH", sp, dp)
        big = b"big" * (20 if self.nat else 456)  # errors about first packets: differences.md
        kinds = [lambda: self.send(a, b, 47, b"\0\0\x08\0" + b"g" * 16),
                 lambda: self.send(a, b, 50, struct.pack("!II", 7, 1) + b"s" * 24),
                 lambda: self.send(a, b, 132, port + b"\0" * 8 + b"\1\0\0\x14" + b"\0" * 16),
                 lambda: self.send(a, b, 136, pkt.udp(a, b, sp, dp, b"l" * 20, proto=136)),
                 lambda: self.send(a, b, 253, b"?" * 20)]
        local = a in HOSTS[self.f]["r"]
        if not self.nat:  # kernels from 6.16 on translate it without its checksum, and then are
            kinds.append(lambda: self.send(a, b, 33, self.dccp(a, b, port)))  # silent for it
        if self.f == 4 and not local:
            kinds += [lambda: self.send(a, b, 17, pkt.udp(a, b, sp, dp), opts=b"\x01\x01\x01\x00"),
                      lambda: self.send(a, b, 17, pkt.udp(a, b, sp, dp), opts=b"\x94\x04\0\0"),
                      lambda: self.send(a, b, 17, pkt.udp(a, b, sp, dp), good=False),
                      lambda: self.send(a, b, 17, pkt.udp(a, b, sp, dp, big), df=True),
                      lambda: self.link("broadcast", a, "10.77.%s.255" % a.split(".")[2]),
                      lambda: self.link("broadcast", a, "255.255.255.255"),
                      lambda: self.link("multicast", a, "224.0.0.1")]
        if self.f == 6 and not local:
            udp = pkt.udp(a, b, sp, dp, b"e" * 10)
            kinds += [lambda: self.send(a, b, 0, pkt.ext6(17) + udp),
                      lambda: self.send(a, b, 60, pkt.ext6(17) + udp),
                      lambda: self.send(a, b, 0, pkt.ext6(60) + pkt.ext6(17) + udp),
                      lambda: self.send(a, b, 43, pkt.ext6(17, b"\x04\0\0\0\0\0") + udp),
                      lambda: self.send(a, b, 44, pkt.frag6(17, 0, False, 77) + udp),
                      lambda: self.send(a, b, 59, b""),
                      # (cut behind 2 bytes kernels differ: newer ones look at the length)
                      lambda: self.send(a, b, 60, pkt.ext6(17)[:1]),
                      lambda: self.send(a, b, 17, pkt.udp(a, b, sp, dp, big)),
                      lambda: self.link("multicast", a, "ff02::1")]
        return [self.r.choice(kinds)()]

    def dccp(self, a, b, port):
        """With a checksum over all of it: kernels from 6.16 on sum it before they REJECT it."""
        head = port + b"\x04\0\0\0" + b"\0" * 8
        c = pkt.csum(head) if self.f == 4 else pkt.l4sum(a, b, 33, head)
        return head[:6] + struct.pack("!H", c) + head[8:]

    def link(self, l2, a, dst):
        s = self.send(a, dst, 17, pkt.udp(a, dst, self.sport(), self.dport(), b"m" * 20), ttl=64)
        s["l2"] = l2
        return s


def turns_back(at, packet):
    net, host = packet[24:28], packet[28:40]
    return host != b"\0" * 11 + b"\1" and at == {b"\xfd\x77\0\1": "eth0",
                                                b"\xfd\x77\0\2": "eth1"}.get(net)


def generate(rng, family, count, nat="", offload=False):
    t = Traffic(rng, family, nat, offload)
    kinds = [t.tcp] * 6 + [t.udp] * 4 + [t.echo] * 3 + [t.dead_end] * 3 + [t.fragments] * 2 \
        + [t.other] * 3 + [t.tcp_listener] + [t.stream] * (rng.choice([5, 60]) if offload else 1)
    steps = []
    while len(steps) < count:
        steps += interleave(rng, [f for f in (rng.choice(kinds)() for _ in range(12)) if f])
        steps = [s for s in steps if len(s["pkt"]) <= (1400 if s["at"] == "eth1" else 1500)]
        if family == 6:  # back out of the same link: the kernel adds redirects, one a second
            steps = [s for s in steps if not turns_back(s["at"], s["pkt"])]
    steps = steps[:count]
    where = {s["synack"]: i for i, s in enumerate(steps) if "synack" in s}
    for s in steps:
        if "ackof" in s:
            s["ackof"] = where.get(s["ackof"])
        s.pop("synack", None)
    return steps


def interleave(rng, flows):
    """At most four conversations at once, each in its own order."""
    out, open_ = [], []
    while flows or open_:
        while flows and len(open_) < 4:
            open_.append(flows.pop(0))
        f = rng.choice(open_)
        out.append(f.pop(0))
        if not f:
            open_.remove(f)
    return out
