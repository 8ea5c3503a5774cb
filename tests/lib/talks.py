# SPDX-License-Identifier: GPL-2.0-or-later
"""What each protocol's two ends say to one another, rightly most of the time."""
import struct

import pkt
from pkt import ACK, FIN, PSH, RST, SYN, URG
from talk import Conversation, Net


class Tcp(Conversation):
    def __init__(self, *args):
        super().__init__(*args)
        self.port = {"c": self.rng.randrange(1024, 65535), "s": self.rng.choice((22, 80, 443))}
        self.reset()
        if self.rng.random() < 0.15:
            self.phase = 3  # midstream

    def reset(self):
        rng = self.rng
        self.nxt = {s: rng.choice((rng.getrandbits(32), 0xffffff00, 0, 1)) for s in "cs"}
        self.fin = {"c": False, "s": False}
        self.phase = 0
        self.scale = rng.random() < 0.6
        self.win = {s: rng.choice((0, 1, 100, 1000, 65535)) for s in "cs"}
        self.opener = "c" if rng.random() < 0.9 else "s"

    def options(self, flags):
        rng = self.rng
        if flags & SYN:
            opts = b"\2\4\5\xb4"
            if rng.random() < 0.6:
                opts += b"\1\1\4\2"
            if self.scale:
                opts += b"\1\3\3" + bytes((rng.choice((0, 2, 7, 14, 20)),))
            return opts if rng.random() < 0.9 else b""
        p = rng.random()
        if p < 0.3:
            return b"\1\1\x08\x0a" + bytes(8)
        if p < 0.4:
            left = (self.nxt["c"] + rng.choice((-100, 0, 1000))) & 0xffffffff
            return b"\1\1\5\x0a" + struct.pack("!II", left, (left + rng.choice((1, 50, 70000))) & 0xffffffff)
        if p < 0.42:
            return rng.choice((b"\5\x09\0\0", b"\3\1\0\0", b"\0\0\0\0", b"\x08\xff\0\0"))
        return b""

    def segment(self, side, flags, seq, ack, length=0, opts=None):
        rng = self.rng
        opts = self.options(flags) if opts is None else opts
        win = self.win[side] if rng.random() < 0.85 else rng.choice((0, 1, 10, 65535))
        doff = 5 + len(opts) // 4
        if rng.random() < 0.005:
            doff = rng.choice((4, 15))
        body = struct.pack("!HHIIBBHHH", self.port[side], self.port[Net.far(side)],
                           seq & 0xffffffff, ack & 0xffffffff, doff << 4, flags, win, 0, 0)
        body += opts + bytes(length)
        src, dst = self.net.addr[side], self.net.addr[Net.far(side)]
        return self.packet(side, 6, self.net.summed(src, dst, 6, body, 16))

    def natural(self):
        """What a well-behaved pair of hosts would send next: (side, flags, length)."""
        rng, a, b = self.rng, self.opener, Net.far(self.opener)
        if self.phase < 3:
            self.phase += 1
            return ((a, SYN, 0), (b, SYN | ACK, 0), (a, ACK, 0))[self.phase - 1]
        side = rng.choice("cs")
        if rng.random() < 0.12 and not self.fin[side]:
            self.fin[side] = True
            return side, FIN | ACK, 0
        if all(self.fin.values()) and rng.random() < 0.5:
            old = self.opener
            self.reset()
            self.opener = old if rng.random() < 0.7 else Net.far(old)
            self.phase = 1
            return self.opener, SYN, 0
        return side, ACK, 0 if self.fin[side] else rng.choice((0, 0, 1, 100, 300))

    def step(self):
        rng = self.rng
        p = rng.random()
        if p < 0.68:
            side, flags, length = self.natural()
            far = Net.far(side)
            seq = self.nxt[side]
            out = self.segment(side, flags, seq, self.nxt[far] if flags & ACK else 0, length)
            if rng.random() < 0.95:
                self.nxt[side] = seq + length + bool(flags & SYN) + bool(flags & FIN) & 0xffffffff
            return out
        side = rng.choice("cs")
        far = Net.far(side)
        off = lambda: rng.choice((0, 0, 0, 1, -1, 10, -100, 1000, 66000, -66000, -70000, 1 << 31,
                                  rng.getrandbits(32)))
        seq, ack = self.nxt[side] + off(), self.nxt[far] + off()
        if p < 0.76:  # resets, often nearly right
            flags = rng.choice((RST, RST | ACK))
            return self.segment(side, flags, rng.choice((0, seq, self.nxt[side])),
                                rng.choice((0, ack, self.nxt[far])))
        if p < 0.84:  # a SYN in the middle, perhaps answered
            isn = rng.choice((rng.getrandbits(32), self.nxt[side], self.nxt[side] + 100000))
            out = self.segment(side, SYN, isn, 0)
            if rng.random() < 0.6:
                self.nxt[side], self.phase, self.opener = isn + 1 & 0xffffffff, 1, side
                self.fin = {"c": False, "s": False}
            return out
        if p < 0.90:
            return self.segment(side, SYN | ACK, seq, rng.choice((ack, self.nxt[far])))
        flags = rng.choice((0, FIN, FIN | ACK, ACK, ACK | URG, SYN | FIN, SYN | RST, PSH | ACK, PSH,
                            ACK | 0x40, FIN | ACK | URG, SYN | URG, SYN | ACK | URG, RST | FIN,
                            RST | ACK | URG, 0xff))
        return self.segment(side, flags, seq, ack, rng.choice((0, 0, 1, 100)))


class Udp(Conversation):
    proto = 17

    def __init__(self, *args):
        super().__init__(*args)
        self.port = {"c": self.rng.randrange(1, 65535), "s": 53}

    def step(self):
        rng = self.rng
        side = "c" if rng.random() < 0.55 else "s"
        port = dict(self.port)
        if rng.random() < 0.1:
            port["s"] = 54
        data = bytes(rng.choice((0, 1, 4, 33, 200)))
        length = rng.choice((8 + len(data),) * 30 + (0, 7, 8, 9 + len(data), 65535))
        body = struct.pack("!HHHH", port[side], port[Net.far(side)], length, 0) + data
        src, dst = self.net.addr[side], self.net.addr[Net.far(side)]
        if rng.random() < 0.9:
            body = self.net.summed(src, dst, 17, body, 6)
        if rng.random() < 0.02:
            body = body[:rng.choice((2, 4, 7))]
        return self.packet(side, 17, body)


class UdpLite(Udp):
    def step(self):
        rng = self.rng
        side = "c" if rng.random() < 0.55 else "s"
        data = bytes(rng.choice((0, 1, 4, 33, 200)))
        cover = rng.choice((0, 0, 8, 8, 8 + len(data), 7, 9 + len(data)))
        body = struct.pack("!HHHH", self.port[side], self.port[Net.far(side)], cover, 0) + data
        src, dst = self.net.addr[side], self.net.addr[Net.far(side)]
        if rng.random() < 0.97:
            body = self.net.summed(src, dst, 136, body, 6, cover if cover >= 8 else None)
        return self.packet(side, 136, body)


class Icmp(Conversation):
    def step(self):
        rng, six = self.rng, self.net.six
        side = "c" if rng.random() < 0.6 else "s"
        proto = 58 if six else 1
        if rng.random() < 0.02:
            proto = 59 - proto  # the other family's
        if six:
            kind = rng.choice((128,) * 8 + (129,) * 8 + (139, 140, 130, 131, 132, 133, 134, 135, 136,
                                                        137, 138, 141, 143, 151, 152, 200, 255))
        else:
            kind = rng.choice((8,) * 8 + (0,) * 8 + (13, 14, 15, 16, 17, 18, 19, 9, 10, 6, 255))
        body = struct.pack("!BBHHH", kind, rng.choice((0,) * 9 + (1,)), 0, rng.choice((7, 7, 7, 8)),
                           rng.randrange(5)) + bytes(rng.choice((0, 8, 56)))
        src, dst = self.net.addr[side], self.net.addr[Net.far(side)]
        body = self.net.summed(src, dst, proto, body, 2)
        if rng.random() < 0.02:
            body = body[:rng.choice((1, 4, 7))]
        return self.packet(side, proto, body)


class Sctp(Conversation):
    KINDS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14)

    def __init__(self, *args):
        super().__init__(*args)
        self.port = {"c": self.rng.randrange(1, 65535), "s": 36412}
        self.tag = {"c": self.rng.getrandbits(32) | 1, "s": self.rng.getrandbits(32) | 1}
        self.plan = self.script()

    def script(self):
        yield from (("c", 1), ("s", 2), ("c", 10), ("s", 11))
        for _ in range(self.rng.randrange(12)):
            yield self.rng.choice("cs"), self.rng.choice((0, 3, 4, 5))
        a = self.rng.choice("cs")
        yield from ((a, 7), (Net.far(a), 8), (a, 14))

    def chunk(self, side, kind):
        rng = self.rng
        flags = rng.choice((0, 0, 1)) if kind in (6, 14) else 0
        if kind in (1, 2):
            tag = self.tag[side] if rng.random() < 0.9 else rng.getrandbits(32)
            data = struct.pack("!IIHHI", tag, 65535, 10, 10, 1)
        else:
            data = bytes(rng.choice((0, 4, 12)))
        length = 4 + len(data)
        if rng.random() < 0.01:
            length = 0
        return struct.pack("!BBH", kind, flags, length) + data

    def step(self):
        rng = self.rng
        nxt = next(self.plan, None)
        if not nxt or rng.random() < 0.25:
            side, kind = rng.choice("cs"), rng.choice(self.KINDS)
        else:
            side, kind = nxt
        if rng.random() < 0.02:
            self.plan = self.script()
        tag = 0 if kind == 1 else self.tag[Net.far(side)]
        if rng.random() < 0.06:
            tag = rng.choice((0, self.tag[side], rng.getrandbits(32)))
        chunks = self.chunk(side, kind)
        if rng.random() < 0.1:
            chunks += self.chunk(side, rng.choice(self.KINDS))
        return self.packet(side, 132, pkt.sctp(self.port[side], self.port[Net.far(side)], tag, chunks,
                                               good=rng.random() >= 0.02))


class Gre(Conversation):
    def step(self):
        rng = self.rng
        side = rng.choice("cs")
        version = rng.choice((0, 0, 1))
        if version:
            body = struct.pack("!HHHH", 0x2001, rng.choice((0x880b, 0x880b, 0x0800)), 0, 5) + bytes(8)
        else:
            body = struct.pack("!HH", 0, 0x0800) + bytes(20)
        return self.packet(side, 47, body[:rng.choice((len(body),) * 9 + (2, 6))])


class Generic(Conversation):
    def __init__(self, *args):
        super().__init__(*args)
        self.proto = self.rng.choice((50, 51, 89, 103, 200, 33, 255, 2))
        if self.net.six and self.proto == 51:
            self.proto = 50  # AH is an extension header there

    def step(self):
        side = self.rng.choice("cs")
        return self.packet(side, self.proto, bytes(self.rng.choice((0, 4, 8, 40))))


KINDS = {"tcp": Tcp, "udp": Udp, "udplite": UdpLite, "icmp": Icmp, "sctp": Sctp, "gre": Gre,
         "generic": Generic}
WEIGHTS = {"tcp": 60, "udp": 12, "udplite": 3, "icmp": 10, "sctp": 10, "gre": 2, "generic": 3}
