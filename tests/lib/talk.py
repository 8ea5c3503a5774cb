# SPDX-License-Identifier: GPL-2.0-or-later
"""Random but meaningful conversations, packet by packet: the two ends, what may be sent once more,
and errors about what was sent.  Each protocol's own part is in talks.py."""
import socket
import struct

import pkt


class Net:
    """The two ends of one conversation, and how their packets are put together."""
    ids = 0

    def __init__(self, rng, number, six):
        self.rng, self.six = rng, six
        hi, lo = divmod(number, 250)
        if six:
            self.addr = {side: socket.inet_pton(socket.AF_INET6, "fd0%d::%x:%x" % (n, hi, lo + 1))
                         for side, n in (("c", 1), ("s", 2))}
            self.other = {side: socket.inet_pton(socket.AF_INET6, "fd0%d::1:%x:%x" % (n, hi, lo + 1))
                          for side, n in (("c", 1), ("s", 2))}
        else:
            self.addr = {"c": bytes((10, 1, hi, lo + 1)), "s": bytes((10, 2, hi, lo + 1))}
            self.other = {"c": bytes((10, 1, 128 + hi, lo + 1)), "s": bytes((10, 2, 128 + hi, lo + 1))}

    @staticmethod
    def far(side):
        return "s" if side == "c" else "c"

    def ip(self, src, dst, proto, body, plain=False):
        """An IP packet; the id or flow label is its number, by which it is known again."""
        Net.ids += 1
        odd = not plain and self.rng.random() < 0.05
        if self.six:
            if odd:  # destination options: six bytes of padding
                body, proto = bytes((proto, 0, 1, 4, 0, 0, 0, 0)) + body, 60
            return struct.pack("!IHBB", 0x60000000 | Net.ids, len(body), proto, 64) + src + dst + body
        opts = b"\1\1\1\0" if odd else b""
        head = struct.pack("!BBHHHBBH", 0x45 + len(opts) // 4, 0, 20 + len(opts) + len(body),
                           Net.ids & 0xffff, 0x4000, 64, proto, 0) + src + dst + opts
        return head[:10] + struct.pack("!H", pkt.csum(head)) + head[12:] + body

    def pseudo(self, src, dst, proto, length):
        if self.six:
            return src + dst + struct.pack("!II", length, proto)
        return src + dst + struct.pack("!HH", proto, length)

    def summed(self, src, dst, proto, body, at, cover=None):
        """The body with its checksum at offset `at`; rarely a wrong one."""
        data = body if cover is None else body[:cover]
        base = b"" if proto == 1 else self.pseudo(src, dst, proto, len(body))
        value = pkt.csum(base + data)
        if proto in (17, 136) and value == 0:
            value = 0xffff
        if self.rng.random() < 0.02:
            value ^= 0x0101
        return body[:at] + struct.pack("!H", value) + body[at + 2:]


class Conversation:
    """Makes packets one by one: next() gives (side it comes from, IP packet)."""

    def __init__(self, rng, number, six):
        self.rng, self.net = rng, Net(rng, number, six)
        self.sent = []  # (side, packet)

    def packet(self, side, proto, body, src=None, dst=None, plain=False):
        src = src or self.net.addr[side]
        dst = dst or self.net.addr[Net.far(side)]
        return side, self.net.ip(src, dst, proto, body, plain)

    def again(self):
        """An earlier packet once more (with a new id)."""
        side, old = self.rng.choice(self.sent)
        Net.ids += 1
        if self.net.six:
            return side, struct.pack("!I", 0x60000000 | Net.ids) + old[4:]
        n = (old[0] & 15) * 4
        head = old[:4] + struct.pack("!H", Net.ids & 0xffff) + old[6:10] + b"\0\0" + old[12:n]
        return side, head[:10] + struct.pack("!H", pkt.csum(head)) + head[12:] + old[n:]

    def error(self):
        """An ICMP error about an earlier packet, more or less as it should be."""
        rng = self.rng
        about, old = rng.choice(self.sent)
        n = 40 if self.net.six else (old[0] & 15) * 4
        quote = old[:rng.choice((len(old), len(old), n + 8, n + 8, n + 4, n + 3, n, 12))]
        side = Net.far(about) if rng.random() < 0.9 else about
        src = rng.choice((self.net.addr[side], self.net.other[side]))
        dst = self.net.addr[Net.far(side)] if rng.random() < 0.85 else self.net.other[Net.far(side)]
        if not self.net.six and rng.random() < 0.05 and len(quote) > 8:
            quote = quote[:6] + b"\x00\x10" + quote[8:]  # of a later fragment
        if self.net.six:
            kind = rng.choice((1, 1, 2, 3, 4, 100, 127))
            body = struct.pack("!BBHI", kind, rng.randrange(5), 0, 1280) + quote
            return self.packet(side, 58, self.net.summed(src, dst, 58, body, 2), src, dst)
        kind = rng.choice((3, 3, 3, 11, 11, 4, 5, 12))
        body = struct.pack("!BBHI", kind, rng.randrange(4), 0, 0) + quote
        return self.packet(side, 1, self.net.summed(src, dst, 1, body, 2), src, dst)

    def next(self):
        p = self.rng.random()
        if self.sent and p < 0.06:
            out = self.again()
        elif self.sent and p < 0.14:
            out = self.error()
        else:
            out = self.step()
        self.sent.append(out)
        return out
