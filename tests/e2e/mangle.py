#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""Real traffic through rules that change packets.

A TCP transfer and datagrams cut by the sender's kernel (UDP_SEGMENT) go through a router that
changes TTL, TOS and MSS: every byte arrives, no checksum is bad, and the far end sees the new
fields.  Then routes: mangle's marks in OUTPUT choose them, filter's do not.
"""
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall
import netns
import report
import topo
import transfer
from report import check

SERVER = {4: "10.66.2.2", 6: "fd66:2::2"}
UDP_SEGMENT, IP_RECVTTL = 103, 12
ERRORS = ("TcpInCsumErrors", "TcpInErrs", "UdpInCsumErrors", "UdpInErrors", "Udp6InCsumErrors",
          "Udp6InErrors", "IpInHdrErrors", "Ip6InHdrErrors")


def errors(ns):
    out = ns.run("nstat", "-asz").stdout
    return {k: int(v) for k, v in re.findall(r"^(\w+)\s+(\d+)", out, re.M) if k in ERRORS}


class World:
    """client - router with a firewall - server, rules typed at the router."""

    def __init__(self, kind="fwd"):
        self.net = topo.Routed()
        self.fw = firewall.Fwd(self.net.router) if kind == "fwd" \
            else firewall.Kernel(self.net.router, kind)

    def sh(self, *lines):
        for line in lines:
            self.net.router.run("sh", "-c", line, env=self.fw.env())

    def close(self):
        if isinstance(self.fw, firewall.Fwd):
            check("fwd ends well", self.fw.stop() == 0, self.fw.log())
        self.fw.close()
        self.net.close()


def rules(family):
    tool, hops = (("iptables", "TTL --ttl-set 33") if family == 4 else
                  ("ip6tables", "HL --hl-set 33"))
    return [tool + " -t mangle -F",
            tool + " -t mangle -A PREROUTING -j TOS --set-tos 0x10/0xfc",
            tool + " -t mangle -A FORWARD -j " + hops,
            tool + " -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1000",
            tool + " -t mangle -A POSTROUTING -p tcp -j TCPOPTSTRIP --strip-options timestamp"]


def tcp(w, family):
    """256 MiB by TCP: through super-packets at both hooks."""
    total = 256 << 20
    w.sh(*rules(family))
    before = errors(w.net.server), errors(w.net.client)
    got, mss = transfer.zeros(w.net.client, w.net.server, SERVER[family], 7300, total)
    check("IPv%d: 256 MiB arrive by TCP" % family, got == total, got)
    check("IPv%d: the client's SYN announced 1000" % family, mss <= 1000, mss)
    after = errors(w.net.server), errors(w.net.client)
    check("IPv%d: no checksum was bad" % family, before == after, (before, after))


def udp(w, family):
    """Super-packets of UDP: each part arrives, with its new TTL and TOS."""
    af, level = (socket.AF_INET, socket.IPPROTO_IP) if family == 4 else \
        (socket.AF_INET6, socket.IPPROTO_IPV6)
    with w.net.server:
        s = socket.socket(af, socket.SOCK_DGRAM)
    with w.net.client:
        c = socket.socket(af, socket.SOCK_DGRAM)
    with s, c:
        s.bind((SERVER[family], 7400))
        s.settimeout(5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.setsockopt(level, IP_RECVTTL if family == 4 else socket.IPV6_RECVHOPLIMIT, 1)
        s.setsockopt(level, socket.IP_RECVTOS if family == 4 else socket.IPV6_RECVTCLASS, 1)
        c.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
        before, seen, fields = errors(w.net.server), [], set()
        for i in range(20):
            c.sendto(b"".join(bytes([i, j]) * 500 for j in range(20)) + bytes([i, 99]),
                     (SERVER[family], 7400))
        try:
            while len(seen) < 20 * 21:
                data, anc, _, _ = s.recvmsg(2000, 500)
                seen.append((data[0], data[1], len(data)))
                fields.add(tuple(sorted(a[2][0] for a in anc)))
        except TimeoutError:
            pass
        want = [(i, j, 1000) for i in range(20) for j in range(20)] + [(i, 99, 2) for i in range(20)]
        check("IPv%d: all parts of UDP super-packets arrive" % family,
              sorted(seen) == sorted(want), len(seen))
        check("IPv%d: in their order" % family, seen == sorted(want), seen[:50])
        check("IPv%d: with new fields" % family, fields == {(0x10, 33)}, fields)
        check("IPv%d: without a bad checksum" % family, errors(w.net.server) == before)


def routed_by(w, table, word="0x1"):
    """Does a mark set in OUTPUT of this table choose the route?  True: the packet did not arrive,
    because the marked route leads nowhere."""
    w.sh("ip rule add fwmark %s lookup 77" % word, "ip route add blackhole default table 77",
         "iptables -t %s -A OUTPUT -p udp --dport 7500 -j MARK --set-mark 1" % table)
    with w.net.server:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with w.net.router:
        c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with s, c:
        s.bind((SERVER[4], 7500))
        s.settimeout(1)
        c.settimeout(5)
        try:
            c.sendto(b"x", (SERVER[4], 7500))
        except OSError:
            pass
        try:
            away = s.recv(10) != b"x"
        except TimeoutError:
            away = True
    w.sh("ip rule del fwmark %s lookup 77" % word, "ip route flush table 77",
         "iptables -t %s -F OUTPUT" % table)
    return away


def seen_mark(w):
    """A mark that filter set in OUTPUT is there in POSTROUTING."""
    w.sh("iptables -A OUTPUT -p udp --dport 7600 -j MARK --set-mark 9",
         "iptables -t mangle -A POSTROUTING -m mark --mark 9 -j ACCEPT")
    with w.net.router, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        for _ in range(5):
            c.sendto(b"x", (SERVER[4], 7600))
    w.fw.settle()
    out = re.search(r"^\[(\d+):\d+\] -A POSTROUTING", w.fw.save(4), re.M)
    w.sh("iptables -F", "iptables -t mangle -F")
    return int(out.group(1))


def main():
    netns.need_root()
    w = World()
    for family in (4, 6):
        tcp(w, family)
        udp(w, family)
        w.sh(("iptables" if family == 4 else "ip6tables") + " -t mangle -F")
    for kind in ("legacy", "fwd"):
        v = w if kind == "fwd" else World(kind)
        for table, want in (("mangle", True), ("filter", False), ("raw", False)):
            got = routed_by(v, table)
            check("%s: a mark of %s chooses the route: %s" % (kind, table, want), got == want)
        check("%s: and is there later" % kind, seen_mark(v) == 5)
        v.close()
    report.finish()


main()
