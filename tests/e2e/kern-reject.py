#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""REJECT's replies against the kernel's, byte by byte.

The same packets at two routers, one with iptables-legacy and one with fwd and the same rules.
Compared: every packet that comes out of either side of the router, in order, without the IPv4
identification and what follows from it, and without the checksum of IPv4 resets: the kernel leaves
that to the card, of which a veth has none.  Ours must be right.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall
import netns
import pkt
import topo

KINDS4 = ["icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable",
          "icmp-port-unreachable", "icmp-net-prohibited", "icmp-host-prohibited",
          "icmp-admin-prohibited"]
KINDS6 = ["icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable",
          "icmp6-port-unreachable", "icmp6-policy-fail", "icmp6-reject-route"]
C4, S4, R4 = "10.77.1.10", "10.77.2.10", "10.77.1.1"
C6, S6, R6 = "fd77:1::a", "fd77:2::a", "fd77:1::1"


def rules(kinds, icmp, echo):
    out = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    for chain in ("INPUT", "FORWARD", "OUTPUT"):
        for i, kind in enumerate(kinds):
            for proto in ("tcp", "udp"):
                out.append("-A %s -p %s --dport %d -j REJECT --reject-with %s"
                           % (chain, proto, 2000 + i, kind))
        out.append("-A %s -p tcp --dport 2100 -j REJECT --reject-with tcp-reset" % chain)
        if chain != "OUTPUT":
            out.append("-A %s -p %s --%s-type %d -j REJECT" % (chain, icmp, icmp, echo))
            for proto in (47, 50, 132, 253):
                out.append("-A %s -p %d -j REJECT" % (chain, proto))
            net = "10.77.1.%d" if icmp == "icmp" else "fd77:1::%x"
            out.append("-A %s -p udp -s %s -j REJECT" % (chain, net % 20))
            out.append("-A %s -p %s -s %s -j REJECT" % (chain, icmp, net % 21))
    return "\n".join(out + ["COMMIT", ""])


def transports(src, dst):
    """(protocol, bytes) that meet the rules."""
    for port in range(2000, 2007):
        yield 17, pkt.udp(src, dst, 5000, port, b"x" * 10)
        yield 6, pkt.tcp(src, dst, 5000, port)
    for n in (0, 1, 519, 520, 521, 528, 1184, 1185, 1232, 1300):
        yield 17, pkt.udp(src, dst, 5001, 2003, b"y" * n)
    yield 17, pkt.udp(src, dst, 5001, 2003, b"bad sum", good=False)
    yield 17, pkt.udp(src, dst, 5001, 2003, b"z" * 900, good=False)
    yield 17, pkt.udp(src, dst, 5001, 2003, b"none")[:6] + b"\0\0none"
    yield 17, pkt.udp(src, dst, 5001, 2003, b"short", length=100)
    for flags in (pkt.SYN, pkt.ACK, pkt.FIN, pkt.FIN | pkt.ACK, pkt.SYN | pkt.ACK, pkt.RST,
                  pkt.RST | pkt.ACK, 0, 0x3F, pkt.PSH | pkt.ACK, pkt.SYN | pkt.FIN):
        yield 6, pkt.tcp(src, dst, 5002, 2100, flags, seq=0xFFFFFFF0, ack=77)
        yield 6, pkt.tcp(src, dst, 5002, 2100, flags, seq=5, ack=0x80000000, data=b"d" * 100)
    yield 6, pkt.tcp(src, dst, 5002, 2100, opts=b"\x02\x04\x05\xb4\x04\x02\x08\x0a" + b"\0" * 8)
    yield 6, pkt.tcp(src, dst, 5002, 2100, good=False)
    yield 6, pkt.tcp(src, dst, 5002, 2100, data=b"e" * 1000, good=False)
    yield 6, pkt.tcp(src, dst, 5002, 2100, doff=15)
    yield 6, pkt.tcp(src, dst, 5002, 2100)[:16]
    good = b"\x12\x34" + struct.pack("!H", 0xFFFF - 0x1234)
    for proto in (47, 50, 132, 253):
        yield proto, b"\0" * 8 + b"some payload"
        yield proto, b"\0" * 8 + good


def packets4():
    for dst in (R4, S4):
        for proto, data in transports(C4, dst):
            yield pkt.ip4(C4, dst, proto, data)
        udp = pkt.udp(C4, dst, 5003, 2003, b"w" * 40)
        for tos in (0x10, 0x1F, 0xFF, 0xB8):
            yield pkt.ip4(C4, dst, 17, udp, tos=tos)
        yield pkt.ip4(C4, dst, 17, udp, opts=b"\x01\x01\x01\x00")
        yield pkt.ip4(C4, dst, 6, pkt.tcp(C4, dst, 1, 2100, data=b"q" * 9), opts=b"\x01\x01\x01\0")
        yield pkt.ip4(C4, dst, 17, udp, df=True, ident=99)
        for kind in range(0, 45):
            yield pkt.ip4("10.77.1.21", dst, 1, pkt.icmp(kind, data=b"p" * 30))
        yield pkt.ip4(C4, dst, 1, pkt.icmp(8, data=b"p" * 700))
        yield pkt.ip4(C4, dst, 1, pkt.icmp(8, data=b"p" * 700, good=False))
        yield pkt.ip4("10.77.1.20", dst, 17, pkt.udp("10.77.1.20", dst, 1, 2, b"f" * 64), mf=True)
        yield pkt.ip4("10.77.1.20", dst, 17, b"g" * 64, off=1480)
    for many in ("10.77.1.255", "255.255.255.255", "224.0.0.1", "10.77.2.255"):
        yield pkt.ip4(C4, many, 17, pkt.udp(C4, many, 5003, 2003))
        yield pkt.ip4(C4, many, 6, pkt.tcp(C4, many, 5003, 2100))


def packets6():
    for dst in (R6, S6):
        for proto, data in transports(C6, dst):
            yield pkt.ip6(C6, dst, proto, data)
        udp, tcp = pkt.udp(C6, dst, 5003, 2003, b"w" * 40), pkt.tcp(C6, dst, 5003, 2100, data=b"v")
        yield pkt.ip6(C6, dst, 17, udp, tclass=0xB8, flow=0x12345)
        for proto, data in ((17, udp), (6, tcp)):
            yield pkt.ip6(C6, dst, 0, pkt.ext6(proto) + data)
            yield pkt.ip6(C6, dst, 60, pkt.ext6(60) + pkt.ext6(proto) + data)
            yield pkt.ip6(C6, dst, 44, pkt.frag6(proto, 0, False, 7) + data)
        yield pkt.ip6(C6, dst, 58, pkt.icmp6(C6, dst, 128, data=b"p" * 30))
        yield pkt.ip6(C6, dst, 58, pkt.icmp6(C6, dst, 128, data=b"p" * 1300))
        yield pkt.ip6(C6, dst, 58, pkt.icmp6(C6, dst, 128, good=False))
        c = "fd77:1::15"
        for kind in (0, 1, 2, 3, 4, 100, 127, 128, 129, 130, 139, 200):
            yield pkt.ip6(c, dst, 58, pkt.icmp6(c, dst, kind, data=b"p" * 30))
        c = "fd77:1::14"
        yield pkt.ip6(c, dst, 44, pkt.frag6(17, 0, True, 8) + pkt.udp(c, dst, 1, 2, b"f" * 64))
    for many in ("ff02::1", "ff0e::1"):
        yield pkt.ip6(C6, many, 17, pkt.udp(C6, many, 5003, 2003))
        yield pkt.ip6(C6, many, 6, pkt.tcp(C6, many, 5003, 2100))
    yield pkt.ip6("::", R6, 17, pkt.udp("::", R6, 5003, 2003))


def frames():
    """(what to call it, bytes for eth0)"""
    client = topo.LabRouter.host_mac(1, 10)
    for p in list(packets4()) + list(packets6()):
        yield pkt.show(p), pkt.ether(topo.LabRouter.MAC["eth0"], client, p)
    for mac in ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"):
        p4 = pkt.ip4(C4, R4, 17, pkt.udp(C4, R4, 5003, 2003))
        p6 = pkt.ip6(C6, R6, 17, pkt.udp(C6, R6, 5003, 2003))
        t4 = pkt.ip4(C4, R4, 6, pkt.tcp(C4, R4, 5003, 2100))
        for p in (p4, p6, t4):
            yield "to %s: %s" % (mac, pkt.show(p)), pkt.ether(mac, client, p)


def local():
    """What the router itself sends."""
    for proto, data in transports("10.77.2.1", S4):
        if data[2:4] != b"\x08\x34" or len(data) >= 20:
            yield pkt.ip4("10.77.2.1", S4, proto, data)
    for proto, data in transports("fd77:2::1", S6):
        yield pkt.ip6("fd77:2::1", S6, proto, data)


def normal(p):
    """What may not be compared, as zeros."""
    if p[0] >> 4 == 4:
        p = p[:4] + b"\0\0" + p[6:10] + b"\0\0" + p[12:]
        if is_reset(p):
            p = p[:36] + b"\0\0" + p[38:]
    return p


def is_reset(p):
    return p[0] == 0x45 and p[9] == 6 and p[33] & pkt.RST and len(p) == 40


def right(p):
    pseudo = p[12:20] + struct.pack("!BBH", 0, 6, 20)
    return not is_reset(p) or pkt.csum(pseudo + p[20:]) == 0


class Side:
    def __init__(self, lab, fw):
        self.router = topo.LabRouter(lab)
        self.fw = fw(self.router.ns)

    def ask(self, send, check=False):
        for port in self.router.ports.values():
            port.drain()
        send(self)
        self.fw.settle()
        came = {d: port.drain() for d, port in self.router.ports.items()}
        if check and not all(right(p) for p in came["eth0"]):
            came["eth1"].append(b"\0wrong checksum")
        return {d: [normal(p) for p in packets] for d, packets in came.items()}


def make_fwd(ns):
    fw = firewall.Fwd(ns, start=False)
    for family, text in TEXT.items():
        with open(os.path.join(fw.dir, "rules.v%d" % family), "w") as f:
            f.write(text)
    fw.start()
    return fw


def make_kernel(ns):
    fw = firewall.Kernel(ns)
    for family, text in TEXT.items():
        fw.restore(family, text)
    return fw


TEXT = {4: rules(KINDS4, "icmp", 8), 6: rules(KINDS6, "icmpv6", 128)}


def main():
    netns.need_root()
    lab = topo.Lab()
    kernel, ours = Side(lab, make_kernel), Side(lab, make_fwd)
    bad = count = replies = 0
    todo = [(name, lambda s, f=frame: s.router.ports["eth0"].send(f)) for name, frame in frames()]
    todo += [("local " + pkt.show(p), lambda s, p=p: s.router.raw.send(p)) for p in local()]
    for name, send in todo:
        want, got = kernel.ask(send), ours.ask(send, check=True)
        count += 1
        replies += sum(map(len, want.values()))
        if want == got:
            continue
        bad += 1
        print("differs: " + name)
        for dev in want:
            for label, side in (("kernel", want), ("fwd", got)):
                for p in side[dev]:
                    print("  %-6s %s %s\n         %s" % (label, dev, pkt.show(p), p[:120].hex()))
    print("%d packets, %d replies by the kernel, %d differ" % (count, replies, bad))
    ours.fw.close()
    kernel.fw.close()
    sys.exit(1 if bad or replies < 250 else 0)


main()
