#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
"""
The tracker against the kernel's: the same packets through both, the same state for each.

Random but meaningful conversations (TCP with every kind of misbehaviour, UDP, UDP-Lite, ICMP,
ICMPv6, their errors, SCTP, GRE, protocols nobody knows; IPv4 and IPv6) are put as raw frames into
a namespace that forwards them between two links.  Nobody owns the addresses, so nobody answers.
Rules in mangle PREROUTING write what `-m conntrack` says of a packet into its DSCP, which is read
where the packet comes out.  The same bytes with the times at which they were sent go through
tests/tools/fwct.  Needs root, iptables-legacy, ip.

  ct-oracle.py [--fwct build/tests/tools/fwct] [--seed N] [--sequences N] [--only KIND]

Exit 0: no difference; 1: differences, printed with the conversation so far.
Packets whose answer hangs on a deadline nearer than the kernel's clock is fine are not compared.
"""
import argparse
import ctypes
import heapq
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time

STATES = ["NONE", "NEW", "ESTABLISHED", "RELATED", "ESTABLISHED_REPLY", "RELATED_REPLY", "INVALID",
          "UNTRACKED"]
# close, unacknowledged and max_retrans are the same, because kernels differ in which of them they
# take after an RST (6.12.y of 2026: by the state it left; before: always close).
TIMEOUTS = {
    "tcp_timeout_syn_sent": 4, "tcp_timeout_syn_recv": 3, "tcp_timeout_established": 9,
    "tcp_timeout_fin_wait": 4, "tcp_timeout_close_wait": 3, "tcp_timeout_last_ack": 2,
    "tcp_timeout_time_wait": 4, "tcp_timeout_close": 6, "tcp_timeout_max_retrans": 6,
    "tcp_timeout_unacknowledged": 6, "udp_timeout": 3, "udp_timeout_stream": 6, "icmp_timeout": 2,
    "icmpv6_timeout": 2, "generic_timeout": 3, "gre_timeout": 2, "gre_timeout_stream": 4,
    "sctp_timeout_closed": 2, "sctp_timeout_cookie_wait": 3, "sctp_timeout_cookie_echoed": 3,
    "sctp_timeout_established": 6, "sctp_timeout_shutdown_sent": 2,
    "sctp_timeout_shutdown_recd": 2, "sctp_timeout_shutdown_ack_sent": 2,
    "sctp_timeout_heartbeat_sent": 3,
}
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def run(*words, check=True, **kw):
    return subprocess.run(words, check=check, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, **kw)


# ---- bytes -----------------------------------------------------------------------------------

def csum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


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
        return head[:10] + struct.pack("!H", csum(head)) + head[12:] + body

    def pseudo(self, src, dst, proto, length):
        if self.six:
            return src + dst + struct.pack("!II", length, proto)
        return src + dst + struct.pack("!HH", proto, length)

    def summed(self, src, dst, proto, body, at, cover=None):
        """The body with its checksum at offset `at`; rarely a wrong one."""
        data = body if cover is None else body[:cover]
        base = b"" if proto == 1 else self.pseudo(src, dst, proto, len(body))
        value = csum(base + data)
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
        side, pkt = self.rng.choice(self.sent)
        Net.ids += 1
        if self.net.six:
            return side, struct.pack("!I", 0x60000000 | Net.ids) + pkt[4:]
        n = (pkt[0] & 15) * 4
        head = pkt[:4] + struct.pack("!H", Net.ids & 0xffff) + pkt[6:10] + b"\0\0" + pkt[12:n]
        return side, head[:10] + struct.pack("!H", csum(head)) + head[12:] + pkt[n:]

    def error(self):
        """An ICMP error about an earlier packet, more or less as it should be."""
        rng = self.rng
        about, pkt = rng.choice(self.sent)
        n = 40 if self.net.six else (pkt[0] & 15) * 4
        quote = pkt[:rng.choice((len(pkt), len(pkt), n + 8, n + 8, n + 4, n + 3, n, 12))]
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
        body = struct.pack("!HHII", self.port[side], self.port[Net.far(side)], tag, 0) + chunks
        crc = crc32c(body) ^ (1 if rng.random() < 0.02 else 0)
        return self.packet(side, 132, body[:8] + struct.pack("<I", crc) + body[12:])


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


# ---- the kernel ------------------------------------------------------------------------------

class Kernel:
    """A namespace that forwards, another that holds the far ends of its two links."""

    def __init__(self, sysctls):
        prefix = os.environ.get("FWTEST_PREFIX", "track-%d-" % os.getpid())
        self.r, self.i = prefix + "oracle-r", prefix + "oracle-i"
        self.sysctls = sysctls
        self.tx = {}
        self.flows = []  # with --conversation: the kernel's list after each packet

    def list(self):
        text = run("ip", "netns", "exec", self.r, "cat", "/proc/net/nf_conntrack").stdout
        return "; ".join(" ".join(line.split()[3:]) for line in text.splitlines())

    def __enter__(self):
        for ns in (self.r, self.i):
            run("ip", "netns", "add", ns)
        for side, n in (("c", 1), ("s", 2)):
            run("ip", "-n", self.r, "link", "add", side + "0", "type", "veth", "peer", "name",
                side + "1", "netns", self.i)
            run("ip", "-n", self.i, "link", "set", side + "1", "up", "arp", "off")
            self.sysctl(self.i, "net.ipv6.conf.%s1.disable_ipv6" % side, 1)
            run("ip", "-n", self.r, "link", "set", side + "0", "up", "arp", "off")
            run("ip", "-n", self.r, "addr", "add", "10.%d.255.254/16" % n, "dev", side + "0")
            run("ip", "-n", self.r, "-6", "addr", "add", "fd0%d::ffff:ffff/64" % n, "dev",
                side + "0", "nodad")
            self.sysctl(self.r, "net.ipv4.conf.%s0.rp_filter" % side, 0)
            self.sysctl(self.r, "net.ipv4.conf.%s0.send_redirects" % side, 0)
        self.sysctl(self.r, "net.ipv4.conf.all.rp_filter", 0)
        self.sysctl(self.r, "net.ipv4.ip_forward", 1)
        self.sysctl(self.r, "net.ipv6.conf.all.forwarding", 1)
        for tool in ("iptables-legacy", "ip6tables-legacy"):
            for value, words in enumerate(STATES):
                match = words.replace("_REPLY", "")
                if value:
                    rule = ["-m", "conntrack", "--ctstate", match]
                    if value < 6:
                        rule += ["--ctdir", "REPLY" if "REPLY" in words else "ORIGINAL"]
                    run("ip", "netns", "exec", self.r, tool, "-w", "-t", "mangle", "-A",
                        "PREROUTING", *rule, "-j", "DSCP", "--set-dscp", str(value))
        for name, value in self.sysctls.items():
            self.sysctl(self.r, "net.netfilter.nf_conntrack_" + name, value)
        self.open_sockets()
        return self

    def __exit__(self, *_):
        for sock in self.tx.values():
            sock.close()
        for ns in (self.i, self.r):
            run("ip", "netns", "del", ns, check=False)

    @staticmethod
    def sysctl(ns, name, value):
        run("ip", "netns", "exec", ns, "sysctl", "-qw", "%s=%s" % (name, value))

    def open_sockets(self):
        libc = ctypes.CDLL(None, use_errno=True)
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open("/run/netns/" + self.i, os.O_RDONLY)
        if libc.setns(there, 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            for side in "cs":
                sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                sock.bind((side + "1", 3))
                sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
                sock.setblocking(False)
                self.tx[side] = sock
        finally:
            libc.setns(home, 0x40000000)
            os.close(home)
            os.close(there)
        self.mac = {side: self.mac_of(side + "0") for side in "cs"}

    def mac_of(self, dev):
        text = run("ip", "-n", self.r, "-o", "link", "show", dev).stdout
        return bytes.fromhex(text.split("link/ether ")[1].split()[0].replace(":", ""))

    def send(self, side, pkt):
        kind = b"\x86\xdd" if pkt[0] >> 4 == 6 else b"\x08\x00"
        self.tx[side].send(self.mac[side] + b"\2\0\0\0\0\1" + kind + pkt)

    def receive(self, found):
        """Take what came out: number -> state."""
        for sock in self.tx.values():
            while True:
                try:
                    frame, who = sock.recvfrom(65536)
                except BlockingIOError:
                    break
                if who[2] == 4:  # PACKET_OUTGOING: our own
                    continue
                pkt = frame[14:]
                if frame[12:14] == b"\x86\xdd":
                    found[(6, struct.unpack("!I", pkt[:4])[0] & 0xfffff)] = \
                        (struct.unpack("!H", pkt[:2])[0] >> 6) & 0x3f
                elif frame[12:14] == b"\x08\x00":
                    found[(4, struct.unpack("!H", pkt[4:6])[0])] = pkt[1] >> 2


def number_of(pkt):
    if pkt[0] >> 4 == 6:
        return 6, struct.unpack("!I", pkt[:4])[0] & 0xfffff
    return 4, struct.unpack("!H", pkt[4:6])[0]


# ---- the comparison --------------------------------------------------------------------------

def gap(rng):
    p = rng.random()
    if p < 0.87:
        return rng.uniform(0.005, 0.05)
    if p < 0.95:
        return rng.uniform(0.3, 1.1)
    return rng.uniform(1.2, 5.2)


def play(kernel, conversations, packets, single):
    """Everything at once, in order of time; returns per conversation [(time, side, packet)]."""
    log = [[] for _ in conversations]
    found = {}
    start = time.monotonic()
    queue = [(start + 0.1 + 0.0005 * n, n) for n in range(len(conversations))]
    if single is not None:
        queue = [queue[single]]
    heapq.heapify(queue)
    while queue:
        when, n = heapq.heappop(queue)
        wait = when - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        talk = conversations[n]
        side, pkt = talk.next()
        before = time.monotonic_ns()
        kernel.send(side, pkt)
        log[n].append(((before + time.monotonic_ns()) // 2, side, pkt))
        kernel.receive(found)
        if single is not None:
            kernel.flows.append(kernel.list())
        if len(log[n]) < packets:
            heapq.heappush(queue, (time.monotonic() + gap(talk.rng), n))
    time.sleep(0.3)
    kernel.receive(found)
    return log, found


def ours(opt, packets, factor):
    """What fwct says, with all times stretched by a factor."""
    lines = ["set %s %d" % item for item in opt.sysctls.items()]
    base = packets[0][0]
    lines += ["%d PREROUTING %s" % (10**12 + int((t - base) * factor), pkt.hex())
              for t, _, pkt in packets]
    out = subprocess.run([opt.fwct], input="\n".join(lines) + "\n", stdout=subprocess.PIPE, text=True,
                         check=True).stdout.splitlines()
    assert len(out) == len(packets), "fwct answered %d of %d" % (len(out), len(packets))
    return out


def describe(pkt):
    six = pkt[0] >> 4 == 6
    n = 40 if six else (pkt[0] & 15) * 4
    proto = pkt[6] if six else pkt[9]
    body = pkt[n:]
    if proto == 6 and len(body) >= 20:
        seq, ack, doff, flags, win = struct.unpack("!IIBBH", body[4:16])
        names = "".join(c if flags >> i & 1 else "" for i, c in enumerate("FSRPAUEC")) or "-"
        return "tcp %s seq %d ack %d win %d len %d opts %s" % (
            names, seq, ack, win, len(body) - (doff >> 4) * 4, body[20:(doff >> 4) * 4].hex())
    return "proto %d %s" % (proto, body[:24].hex())


def compare(opt, n, talk, packets, found):
    answers = [ours(opt, packets, f) for f in (1.0, 0.994, 1.006)]
    compared = 0
    for k, (_, side, pkt) in enumerate(packets):
        said = {a[k].split()[0] for a in answers}
        if len(said) > 1:
            return compared, False  # on a deadline: from here on nothing is certain
        state = found.get(number_of(pkt))
        kernels = "not seen" if state is None else STATES[state]
        if state is None and STATES.index(said.copy().pop()) == 6:
            continue  # the kernel may drop what is badly malformed
        compared += 1
        if kernels in said:
            continue
        print("\nconversation %d (%s, ipv%d): packet %d: kernel %s, fwd %s" % (
            n, type(talk).__name__, 6 if talk.net.six else 4, k + 1, kernels, said.pop()))
        for j in range(k + 1):
            t, s, p = packets[j]
            st = found.get(number_of(p))
            print("  %7.3f %s %-70s | %s | %s" % (
                (t - packets[0][0]) / 1e9, s, describe(p), STATES[st] if st is not None else "?",
                answers[0][j]))
        return compared, True
    return compared, False


def main():
    ap = argparse.ArgumentParser()
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    build = os.environ.get("FWD_BUILD", os.path.join(root, "build"))
    ap.add_argument("--fwct", default=os.path.join(build, "tests", "tools", "fwct"))
    ap.add_argument("--seed", type=int, default=None)
    ap.add_argument("--sequences", type=int, default=240)
    ap.add_argument("--packets", type=int, default=40)
    ap.add_argument("--only", choices=sorted(KINDS))
    ap.add_argument("--conversation", type=int, help="only this one of a seed, and show it all")
    opt = ap.parse_args()
    if os.geteuid() != 0:
        print("ct-oracle: needs root", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that namespaces go
    seed = opt.seed if opt.seed is not None else int.from_bytes(os.urandom(4), "big")
    rng = random.Random(seed)
    opt.sysctls = dict(TIMEOUTS, tcp_loose=int(rng.random() < 0.8), tcp_be_liberal=int(rng.random() < 0.2))
    print("ct-oracle: seed %d, %d conversations of %d packets, loose %d, liberal %d" % (
        seed, opt.sequences, opt.packets, opt.sysctls["tcp_loose"], opt.sysctls["tcp_be_liberal"]),
        flush=True)
    if opt.sequences * opt.packets > 60000:
        print("ct-oracle: at most 60000 packets a run (their numbers are 16 bits)", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one CPU: frames keep their order
    conversations = []
    for n in range(opt.sequences):
        kind = opt.only or rng.choices(list(WEIGHTS), WEIGHTS.values())[0]
        conversations.append(KINDS[kind](random.Random(rng.getrandbits(64)), n, rng.random() < 0.3))
    with Kernel(opt.sysctls) as kernel:
        log, found = play(kernel, conversations, opt.packets, opt.conversation)
    if opt.conversation is not None:
        for (t, side, pkt), mine, theirs in zip(log[opt.conversation], ours(
                opt, log[opt.conversation], 1.0), kernel.flows):
            print("%7.3f %s %s\n    kernel %s %s\n    fwd    %s" % (
                (t - log[opt.conversation][0][0]) / 1e9, side, describe(pkt),
                STATES[found.get(number_of(pkt), 0)], theirs, mine))
        return 0
    total = bad = 0
    for n, talk in enumerate(conversations):
        compared, wrong = compare(opt, n, talk, log[n], found)
        total, bad = total + compared, bad + wrong
    print("ct-oracle: seed %d: %d packets compared, %d of %d conversations differ" % (
        seed, total, bad, len(conversations)))
    return 1 if bad or total < opt.sequences * opt.packets // 2 else 0


if __name__ == "__main__":
    sys.exit(main())
