#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Translation on a real router between a real client and a real server, beside the kernel's: the
same connections come up, from and to whom, and the same counters stand behind.

Random rules and packets: tests/diff/diff.py --nat.
"""
import os
import select
import socket
import struct
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import pkt  # noqa: E402
import topo  # noqa: E402
import wait  # noqa: E402
import wire  # noqa: E402

C, R1, R2, S, S3 = "10.66.1.2", "10.66.1.1", "10.66.2.1", "10.66.2.2", "10.66.2.3"
C6, R6, S6 = "fd66:1::2", "fd66:1::1", "fd66:2::2"
MANY, FIRST_PACKETS, BURST, RESTARTS = 1000, 3000, 8, 8
IP_PKTINFO, IP_MTU, IPV6_MTU = 8, 14, 24


def listener(ns, port, backlog=4096):
    with ns:
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(backlog)
    s.settimeout(2)
    return s


class Side:
    def __init__(self, kind):
        self.net = topo.Routed()
        self.client, self.router, self.server = self.net.client, self.net.router, self.net.server
        self.fw = firewall.Fwd(self.router) if kind == "fwd" else firewall.Kernel(self.router, kind)
        self.listening = {(ns, port): listener(getattr(self, ns), port)
                          for ns in ("router", "server", "client") for port in (80, 8022)}

    def connect(self, ns, to, port, timeout=2):
        with getattr(self, ns):
            s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
        s.settimeout(timeout)
        try:
            s.connect((to, port))
        except OSError:
            s.close()
            return None
        return s

    def talk(self, ns, to, port, at, at_port):
        """Who a connection comes from where it arrives, that both directions work, and who the
        client believes to speak to."""
        s = self.connect(ns, to, port)
        if not s:
            return "no connection"
        a, peer = self.listening[at, at_port].accept()
        a.settimeout(2)
        s.sendall(b"there")
        a.sendall(a.recv(16) + b" and back")
        got = s.recv(64)
        out = (peer[0].replace("::ffff:", ""), got, s.getpeername()[0])
        for x in (s, a):
            x.close()
        return out

    def restore(self, text, family=4):
        self.fw.restore(family, text)

    def counters(self, family=4, many=3):
        self.fw.settle()
        return firewall.packets_by_rule(self.fw.save(family), many)

    def close(self):
        for s in self.listening.values():
            s.close()
        self.fw.close()
        self.net.close()


RULES = """*nat
-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination %s:80
-A PREROUTING -i eth0 -d 192.0.2.7/32 -p tcp --dport 8081 -j REDIRECT --to-ports 8022
-A PREROUTING -i eth0 -d 192.0.2.8/32 -j DNAT --to-destination %s
-A OUTPUT -d 192.0.2.9/32 -p tcp --dport 80 -j DNAT --to-destination %s
-A OUTPUT -d 192.0.2.10/32 -p tcp -j REDIRECT --to-ports 80
-A POSTROUTING -o eth1 -j MASQUERADE
-A POSTROUTING -s %s/32 -d %s/32 -o eth0 -j SNAT --to-source %s
COMMIT
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT ACCEPT
-A INPUT -p tcp --dport 8022 -m conntrack --ctstate DNAT --ctorigdst 192.0.2.7 --ctorigdstport 8081
-A INPUT -p tcp -m conntrack --ctstate NEW --ctorigdst 192.0.2.7 -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -d %s/32 -p tcp --dport 80 -m conntrack --ctstate DNAT -j ACCEPT
-A FORWARD -d %s/32 -p tcp -j ACCEPT
-A OUTPUT -d %s/32 -p tcp --dport 80 -m conntrack --ctstate DNAT --ctorigdst 192.0.2.9
-A OUTPUT -d 192.0.2.9/32
COMMIT
""" % (S, C, S, C, C, R1, S, C, S)

RULES6 = """*nat
-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination [%s]:80
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -d %s -p tcp --dport 80 -m conntrack --ctstate DNAT -j ACCEPT
COMMIT
""" % (S6, S6)


def translations(side):
    side.restore(RULES)
    side.restore(RULES6, 6)
    side.router.ip("route add 192.0.2.0/24 via " + C)  # so that DNAT of OUTPUT goes elsewhere
    return {
        "DNAT through FORWARD": side.talk("client", R1, 8080, "server", 80),
        "REDIRECT": side.talk("client", "192.0.2.7", 8081, "router", 8022),
        "hairpin": side.talk("client", "192.0.2.8", 80, "client", 80),
        "DNAT of OUTPUT, routed anew": side.talk("router", "192.0.2.9", 80, "server", 80),
        "REDIRECT of OUTPUT": side.talk("router", "192.0.2.10", 99, "router", 80),
        "DNAT, IPv6": side.talk("client", R6, 8080, "server", 80),
        "no rule, no way": side.connect("client", S, 8022, 0.4),
        "rules": side.counters(), "rules 6": side.counters(6),
    }


def port_range(side):
    """More connections at once than any of them could make alone; all right, ports as told."""
    side.restore("*nat\n-A POSTROUTING -p tcp -o eth1 -j SNAT --to-source %s:20000-21999\nCOMMIT\n"
                 "*filter\n:FORWARD ACCEPT\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n" % R2)
    ours, theirs, ports = [], [], set()
    for i in range(MANY):
        s = side.connect("client", S, 80)
        if not s:
            return "connection %d does not come up" % i
        a, peer = side.listening["server", 80].accept()
        ours.append(s)
        theirs.append(a)
        if peer[0] != "::ffff:" + R2 or not 20000 <= peer[1] <= 21999:
            return "connection %d comes from %r" % (i, peer)
        ports.add(peer[1])
    good = 0
    for i, (s, a) in enumerate(zip(ours, theirs)):
        a.settimeout(2)
        s.sendall(b"%d" % i)
        good += a.recv(16) == b"%d" % i
        a.sendall(b"!%d" % i)
        good += s.recv(16) == b"!%d" % i
    for x in ours + theirs:
        x.close()
    return len(ports), good


def switch_on(side):
    """A connection from before the first rule that translates goes on as what it is."""
    side.restore("*filter\n:FORWARD DROP\n-A FORWARD -p tcp --syn -j ACCEPT\n"
                 "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n")
    s = side.connect("client", S, 80)
    a, _ = side.listening["server", 80].accept()
    a.settimeout(2)
    s.sendall(b"before")
    before = a.recv(16)
    side.router.run("iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "eth1", "-j", "MASQUERADE",
                    env=side.fw.env())
    got = [before]
    for x, y in ((s, a), (a, s), (s, a)):
        x.sendall(b"after")
        try:
            got.append(y.recv(16))
        except OSError:
            got.append(b"nothing")
    s.close()
    a.close()
    return got, side.talk("client", S, 80, "server", 80)


def after_crash(side):
    """Rules that were made in another order than they stand in go on translating after a crash: what
    the daemon finds in its nft table is not what it would put there."""
    side.restore("*filter\n:FORWARD ACCEPT\nCOMMIT\n")
    for words in ("POSTROUTING -o eth1 -j SNAT --to-source " + R2,
                  "PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination %s:80" % S,
                  "PREROUTING -i eth0 -p tcp --dport 8081 -j REDIRECT --to-ports 8022",
                  "POSTROUTING -o eth0 -j MASQUERADE"):
        side.router.run("iptables", "-t", "nat", "-I", *words.split(), env=side.fw.env())
    if isinstance(side.fw, firewall.Fwd):
        for sig in (9, 9, 15):
            side.fw.stop(sig)
            side.fw.start()
    return [side.talk("client", R1, 8080, "server", 80), side.talk("client", R1, 8081, "router", 8022)]


def way_out(side):
    """Who asks for an interface gets it: our notes in the mark are no reason to route anew.  A mark
    of mangle's is."""
    side.restore("*nat\n-A POSTROUTING -s 203.0.113.1/32 -j MASQUERADE\nCOMMIT\n*mangle\n"
                 "-A OUTPUT -p udp --dport 9001 -j MARK --set-mark 0x7\n"
                 "-A OUTPUT -m conntrack --ctstate NEW\nCOMMIT\n*filter\n-A OUTPUT\nCOMMIT\n")
    side.client.ip("addr add %s/32 dev lo" % S)
    got = []
    for port in (9000, 9001):
        with side.client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
            there.bind((S, port))
            there.settimeout(1)
            with side.router, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                info = struct.pack("=iII", socket.if_nametoindex("eth0"), 0, 0)
                s.sendmsg([b"x"], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, (S, port))
            try:
                got.append(there.recv(16))
            except OSError:
                got.append(b"went elsewhere")
    return got


def path_mtu(side):
    """An error of a router behind the translation reaches who sent the large packet, about what he
    sent; his TCP goes on in smaller ones.  IPv4, with DNAT and masquerade, and IPv6."""
    side.restore(RULES)
    side.restore(RULES6, 6)
    side.server.ip("link set eth0 mtu 1300")
    side.router.ip("link set eth1 mtu 1300")
    out = []
    for to in (R1, R6):
        s = side.connect("client", to, 8080)
        a, _ = side.listening["server", 80].accept()
        a.settimeout(3)
        s.sendall(b"z" * 20000)
        n = 0
        while n < 20000:
            part = a.recv(65536)
            if not part:
                break
            n += len(part)
        level, name = (socket.IPPROTO_IP, IP_MTU) if "." in to else (socket.IPPROTO_IPV6, IPV6_MTU)
        out.append((n, s.getsockopt(level, name)))  # the path's MTU, as the client has learnt it
        s.close()
        a.close()
    return out


def refused(side):
    """A closed port's reset belongs to the connection that was asked for, in PREROUTING, too."""
    side.restore("*nat\n-A PREROUTING -i eth0 -p tcp --dport 82 -j DNAT --to-destination %s:83\n"
                 "-A POSTROUTING -o eth1 -p tcp --dport 81 -j MASQUERADE\nCOMMIT\n*mangle\n"
                 "-A PREROUTING -i eth0 -j CONNMARK --set-mark 7\n"
                 "-A PREROUTING -i eth1 -m connmark --mark 7\n"
                 "-A PREROUTING -i eth1 -m conntrack --ctorigsrc %s --ctstatus SEEN_REPLY\n"
                 "COMMIT\n" % (S, C))
    return [side.connect("client", S, 81), side.connect("client", R1, 82), side.counters()]


def many_at_once(side):
    """Of each first packet rules know where it was sent to, however many are under way."""
    side.restore("*nat\n-A PREROUTING -i eth0 -d 192.0.2.7/32 -j DNAT --to-destination %s\n"
                 "-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n*mangle\n"
                 "-A PREROUTING -i eth0 -j CONNMARK --set-mark 7\n"
                 "-A POSTROUTING -o eth1 -m conntrack --ctorigdst 192.0.2.7 -m connmark --mark 7\n"
                 "COMMIT\n" % S)
    for port in range(20000, 20000 + FIRST_PACKETS):
        with side.client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("", port))
            s.sendto(b"x", ("192.0.2.7", 9))
    side.fw.settle()
    return [x for x in side.fw.save(4).splitlines() if "--ctorigdst" in x][0].partition(":")[0]


def unanswerable(side):
    """An answer for an address of lo cannot leave by another interface, to whom a translation has
    made the source."""
    side.restore("*nat\n-A POSTROUTING -d 127.0.0.1/32 -j SNAT --to-source 10.66.2.9\nCOMMIT\n"
                 "*filter\n-A INPUT -d 127.0.0.1/32 -p tcp -j REJECT --reject-with tcp-reset\n"
                 "-A INPUT -d 127.0.0.1/32 -j REJECT\n-A OUTPUT -p icmp\n"
                 "-A OUTPUT -p tcp --tcp-flags RST RST\nCOMMIT\n")
    with side.router, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("127.0.0.1", 9))
    return side.connect("router", "127.0.0.1", 9, 0.1), side.counters()


class Asker(threading.Thread):
    """Asks again and again, from a new port each time, and counts what is not answered."""

    def __init__(self, ns, to):
        super().__init__()
        self.ns, self.to, self.asked, self.lost, self.running = ns, to, 0, 0, True

    def run(self):
        while self.running:
            with self.ns, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(1)
                s.sendto(b"x", self.to)
                self.asked += 1
                try:
                    s.recv(16)
                except TimeoutError:
                    self.lost += 1


def answer(s):
    """Send back what comes, until nothing has come for two seconds."""
    s.settimeout(2)
    try:
        while True:
            s.sendto(*s.recvfrom(16))
    except TimeoutError:
        s.close()


def restarts(side):
    """First packets that have waited for fwd's next life are translated by it: none is lost."""
    side.restore("*nat\n-A PREROUTING -i eth0 -d 192.0.2.6/32 -j DNAT --to-destination %s\n"
                 "-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n" % S)
    with side.server:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", 53))
    askers = [Asker(side.client, ("192.0.2.6", 53)) for _ in range(3)]
    for t in askers + [threading.Thread(target=answer, args=(s,), daemon=True)]:
        t.start()
    for n in range(RESTARTS):
        wait.must("they go on", lambda: sum(a.asked for a in askers) > 300 * n)
        if isinstance(side.fw, firewall.Fwd):
            side.fw.ctl("restart")
    for a in askers:
        a.running = False
    for a in askers:
        a.join()
    return sum(a.lost for a in askers)


def through_lo(side):
    """A packet to this host itself is its own first one, and waits for nobody."""
    side.restore("*nat\n-A OUTPUT -d 192.0.2.7/32 -j DNAT --to-destination %s\nCOMMIT\n*mangle\n"
                 "-A PREROUTING -i lo\n-A INPUT -i lo\nCOMMIT\n*filter\n-A OUTPUT -o lo\nCOMMIT\n" % S)
    with side.router, socket.socket(socket.AF_INET, socket.SOCK_RAW, 253) as s:
        s.sendto(b"x", (R1, 0))
        side.fw.settle()
    return side.counters()


def heard_of(s):
    """What has come to a socket: (bytes, from whom)."""
    out = []
    while select.select([s], [], [], 0)[0]:
        out.append(s.recvfrom(2048))
    return out


def burst(side):
    """What is sent before a connection's first packet is through goes the same way: datagrams of one
    socket to the same server from the same port, and no echo request of one program is lost."""
    side.server.ip("addr add %s/24 dev eth0" % S3)
    side.restore("*nat\n-A PREROUTING -d 192.0.2.7/32 -p udp -m statistic --mode nth --every 2 "
                 "--packet 0 -j DNAT --to-destination %s\n"
                 "-A PREROUTING -d 192.0.2.7/32 -p udp -j DNAT --to-destination %s\n"
                 "-A OUTPUT -d 192.0.2.7/32 -j DNAT --to-destination %s\n"
                 "-A POSTROUTING -o eth1 -p udp -j MASQUERADE --random-fully\n"
                 "-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n"
                 "*filter\n-A FORWARD -p icmp -m conntrack --ctstate NEW\nCOMMIT\n" % (S, S3, S))
    side.router.ip("route add 192.0.2.0/24 via " + C)
    got = []
    for ns in ("client", "client", "router"):
        with side.server:
            heard = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
            echoes = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        with getattr(side, ns):
            said = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        for s, to in zip(heard, (S, S3)):
            s.bind((to, 9))
        if isinstance(side.fw, firewall.Fwd):
            side.fw.pause()  # so that all are there when the first is read
        for _ in range(BURST):
            said.sendto(b"x", ("192.0.2.7", 9))
            raw.sendto(pkt.icmp(8, 0, len(got) + 1 << 16), (S, 0))
        if isinstance(side.fw, firewall.Fwd):
            side.fw.resume()
        side.fw.settle()
        peers = [[peer for _, peer in heard_of(s)] for s in heard]
        got.append((sorted(len(x) for x in peers), len(set(peers[0] + peers[1])),
                    len(heard_of(echoes))))
        for s in heard + [echoes, said, raw]:
            s.close()
    return got, side.counters()


def invalid_through_lo(side):
    """What is INVALID is looked at once where it comes back, also right behind a connection's
    first packet."""
    side.restore("*nat\n-A OUTPUT -d 203.0.113.1/32 -j DNAT --to-destination 203.0.113.2\nCOMMIT\n"
                 "*mangle\n-A PREROUTING -i lo -p udp\n-A PREROUTING -m state --state INVALID\n"
                 "COMMIT\n*filter\n-A OUTPUT -p udp\nCOMMIT\n")
    raw, lo = wire.RawSender(side.router), "127.0.0.1"
    for length in (None, 3):
        raw.send(pkt.ip4(R1, lo, 17, pkt.udp(R1, lo, 5000, 9, b"x", length=length)))
        side.fw.settle()
    return side.counters()


def main():
    netns.need_root()
    netns.sweep()
    checks = hosts.Checks()
    for what, need in ((translations, None), (switch_on, None), (after_crash, None),
                       (refused, None), (unanswerable, None), (path_mtu, None),
                       (way_out, [b"x", b"went elsewhere"]),
                       (burst, None), (through_lo, None), (invalid_through_lo, None), (restarts, 0),
                       (many_at_once, "[%d" % FIRST_PACKETS), (port_range, (MANY, 2 * MANY))):
        results = []
        for kind in ("legacy", "fwd"):
            side = Side(kind)
            try:
                results.append(what(side))
            finally:
                side.close()
        want, got = results
        if isinstance(want, dict):
            for key in want:
                checks.equal(key, got[key], want[key])
            checks.true("they speak", all(isinstance(v, tuple) and b"and back" in v[1]
                                          for k, v in want.items()
                                          if k[:2] not in ("ru", "no")))
        else:
            checks.equal(what.__name__, got, want if need is None else need)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
