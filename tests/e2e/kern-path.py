#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""What happens to packets on their way through the queue.

Fragments with and without tracking, GSO, marks and what is left of them, another program's queue,
interfaces and addresses that change, kinds of link-layer addresses.
"""
import os
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall
import netns
import pkt
import report
import topo
import transfer
import wait
import wire
from report import check

SERVER4, SERVER6 = "10.66.2.2", "fd66:2::2"
NFQ_LOOP = os.path.join(firewall.BUILD, "bench", "nfq-loop")


class World:
    """client - router with fwd - server, rules typed at the router."""

    def __init__(self, *args):
        self.net = topo.Routed()
        self.fw = firewall.Fwd(self.net.router, args)

    def sh(self, *lines):
        for line in lines:
            self.net.router.run("sh", "-c", line, env=self.fw.env())

    def packets(self, family, comment):
        """Of the one rule that has this comment."""
        self.fw.settle()
        m = re.search(r"^\[(\d+):\d+\] .*--comment \"?%s\"?(?: |$)" % comment, self.fw.save(family), re.M)
        return int(m.group(1)) if m else None

    def udp(self, size, to=SERVER4, port=7000, ns=None, n=1):
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        with ns or self.net.client:
            s = socket.socket(family, socket.SOCK_DGRAM)
        with s:
            for _ in range(n):
                try:
                    s.sendto(b"u" * size, (to, port))
                except OSError:
                    pass

    def close(self):
        check("fwd ends well", self.fw.stop() == 0, self.fw.log())
        self.fw.close()
        self.net.close()


def fragments(w):
    for family, to in ((4, SERVER4), (6, SERVER6)):
        tool = firewall.tool(family)
        w.sh(tool + " -A FORWARD -p udp -m comment --comment all -j ACCEPT")
        w.udp(4000, to)
        seen = w.packets(family, "all")
        check("IPv%d, no tracking: rules see fragments" % family, seen == 3, seen)
        w.sh(tool + " -F", tool + " -A FORWARD -m state --state NEW -p udp -m comment --comment new",
             tool + " -A FORWARD -p udp -m comment --comment all -j ACCEPT")
        w.udp(4000, to, port=7100)
        check("IPv%d, tracking: one whole packet" % family, w.packets(family, "all") == 1,
              w.packets(family, "all"))
        check("IPv%d, tracking: of a new flow" % family, w.packets(family, "new") == 1)
        out = w.net.router.run("nft", "list", "ruleset").stdout
        check("IPv%d, tracking: without the kernel's" % family, " ct " not in out, out)
        with w.net.server:
            s = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        with s:
            s.bind((to, 7200))
            s.settimeout(2)
            w.udp(4000, to, port=7200)
            check("IPv%d, tracking: it arrives" % family, len(s.recv(65536)) == 4000)
        w.sh(tool + " -F")


def throughput(w):
    """A big transfer, GSO packets and all: every byte arrives, and no checksum is bad."""
    total = 256 << 20
    w.sh("iptables -A FORWARD -m state --state ESTABLISHED,RELATED -m comment --comment est -j ACCEPT",
         "iptables -A FORWARD -p tcp --dport 7300 -j ACCEPT", "iptables -A FORWARD -j DROP")
    begin = time.monotonic()
    got, _ = transfer.zeros(w.net.client, w.net.server, SERVER4, 7300, total)
    check("256 MiB arrive", got == total, got)
    seen = w.packets(4, "est")
    check("in super-packets: %d, %.1f Gbit/s" % (seen, got * 8 / (time.monotonic() - begin) / 1e9),
          0 < seen < total // 1448, seen)
    with w.net.server, open("/proc/thread-self/net/netstat") as f:
        names, values = [x.split() for x in f if x.startswith("TcpExt:")]
    check("no lost bytes", got == total)
    w.sh("iptables -F")


def marks(w):
    """Users' bits stay, ours do not show behind us."""
    w.net.router.run("nft", "-f", "-", input="""table inet watch {
    chain in { type filter hook input priority 200;
        meta mark and 0xfff00000 != 0 counter name in_bits
        meta mark and 0x000fffff == 0x77 counter name in_user
    }
    chain out { type filter hook postrouting priority 200;
        oif != lo meta mark and 0xfff00000 != 0 counter name out_bits
        meta mark and 0x000fffff == 0x77 counter name out_user
    }
}
""".replace("table inet watch {", "table inet watch {\n" + "".join(
        "    counter %s { }\n" % n for n in ("in_bits", "in_user", "out_bits", "out_user"))))
    w.sh("iptables -t mangle -A PREROUTING -p udp -j MARK --set-mark 0x77",
         "iptables -A FORWARD -m state --state INVALID -j LOG",
         "iptables -A FORWARD -p udp --dport 7001 -j REJECT",
         "iptables -A INPUT -p udp -m pkttype --pkt-type unicast -j ACCEPT",
         "iptables -A INPUT -p tcp --dport 7002 -j REJECT",
         "iptables -t mangle -A POSTROUTING -j ACCEPT",
         "iptables -t raw -A PREROUTING -p udp --dport 7003 -m comment --comment raw")
    w.udp(10, n=10)
    w.udp(10, port=7001, n=3)
    w.udp(10, to="10.66.1.1", port=7004, n=5)
    with w.net.router:
        s = socket.socket()
    with s:
        s.settimeout(2)
        try:
            s.connect(("127.0.0.1", 7002))
            check("REJECT over lo", False)
        except ConnectionRefusedError:
            check("REJECT over lo", True)
        except OSError as e:
            check("REJECT over lo", False, e)
    with w.net.client:  # a packet that no flow fits: INVALID is carried from hook to hook
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with raw:
        raw.sendto(pkt.ip4("10.66.1.2", SERVER4, 6, pkt.tcp("10.66.1.2", SERVER4, 5, 6, pkt.RST)),
                   (SERVER4, 0))
    w.fw.settle()
    text = w.net.router.run("nft", "list", "table", "inet", "watch").stdout
    count = {n: int(re.search(r"counter %s {\s+packets (\d+)" % n, text).group(1))
             for n in ("in_bits", "in_user", "out_bits", "out_user")}
    check("INPUT: none of our bits", count["in_bits"] == 0, count)
    check("INPUT: the user's bits", count["in_user"] == 5, count)
    check("POSTROUTING: none of our bits", count["out_bits"] == 0, count)
    check("POSTROUTING: the user's bits", count["out_user"] == 10, count)
    w.sh("iptables -F", "iptables -t mangle -F", "iptables -t raw -F")
    w.net.router.run("nft", "delete", "table", "inet", "watch")


def other_queue(w):
    """NFQUEUE to another program: it listens, or it does not, with and without bypass."""
    with w.net.server:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((SERVER4, 7000))
    s.settimeout(0.3)

    def passes():
        w.udp(10)
        try:
            return len(s.recv(100)) == 10
        except socket.timeout:
            return False

    w.sh("iptables -A FORWARD -p udp -j NFQUEUE --queue-num 77")
    check("nobody listens: dropped", not passes())
    other = w.net.router.popen(NFQ_LOOP, "77", stdout=subprocess.PIPE)
    other.stdout.readline()
    check("somebody listens: passed on", passes())
    other.terminate()
    check("it saw the packet", other.communicate()[0].strip() == b"1")
    w.sh("iptables -R FORWARD 1 -p udp -j NFQUEUE --queue-num 77 --queue-bypass")
    check("bypass, nobody listens: accepted", passes())
    w.sh("iptables -F")
    s.close()


def changes(w):
    """Names and addresses as they are now."""
    router = w.net.router
    w.sh("iptables -A FORWARD -i eth0 -m comment --comment old",
         "iptables -A FORWARD -i outside -m comment --comment new",
         "iptables -A FORWARD -m addrtype --dst-type LOCAL -m comment --comment never",
         "iptables -A INPUT -m addrtype --dst-type LOCAL -p udp --dport 7009 -m comment --comment us",
         "iptables -A INPUT -m addrtype --src-type BROADCAST -m comment --comment bcast",
         "ip6tables -A INPUT -m addrtype --dst-type LOCAL -p udp --dport 7009 -m comment --comment us")
    w.udp(10)
    w.fw.settle()  # what waits would go with its device
    router.ip("link set eth0 down", "link set eth0 name outside", "link set outside up",
              "addr add fd66:1::1/64 dev outside nodad")
    w.net.client.ip("neigh flush dev eth0")

    def renamed():
        w.udp(10)
        return w.packets(4, "new")
    wait.until(renamed, 3, every=0.05)
    check("before the rename: eth0", w.packets(4, "old") == 1, w.packets(4, "old"))
    check("after the rename: outside", w.packets(4, "new") >= 1)
    router.ip("addr add 10.66.1.77/24 dev outside", "addr add fd66:1::77/64 dev outside nodad")
    for family, to in ((4, "10.66.1.77"), (6, "fd66:1::77")):
        w.udp(10, to=to, port=7009)
        wait.until(lambda: w.packets(family, "us"), 3, every=0.05)
        check("IPv%d: a new address is local at once" % family, w.packets(family, "us") == 1)
    check("forwarded packets are for nobody here", w.packets(4, "never") == 0)
    w.sh("iptables -F", "ip6tables -F")
    router.ip("link set outside down", "link set outside name eth0", "link set eth0 up")


def link_types(w):
    """-m pkttype: what the link layer sent to whom."""
    with w.net.client:
        mac = re.search(r"link/ether (\S+)", w.net.router.run("ip", "link", "show", "eth0").stdout)
    port = wire.Port(w.net.client, "eth0")
    kinds = {"unicast": mac.group(1), "broadcast": "ff:ff:ff:ff:ff:ff",
             "multicast": "01:00:5e:00:00:01"}
    for kind in kinds:
        w.sh("iptables -A INPUT -p udp --dport 7010 -m pkttype --pkt-type %s -m comment --comment %s"
             % (kind, kind))
    for n, (kind, to) in enumerate(kinds.items(), 1):
        for _ in range(n):
            p = pkt.ip4("10.66.1.2", "10.66.1.1", 17, pkt.udp("10.66.1.2", "10.66.1.1", 1, 7010))
            port.send(pkt.ether(to, "02:00:00:00:00:01", p))
    for n, kind in enumerate(kinds, 1):
        check("pkttype " + kind, w.packets(4, kind) == n, w.packets(4, kind))
    port.close()
    w.sh("iptables -F")


def main():
    netns.need_root()
    for test in (fragments, throughput, marks, other_queue, link_types, changes):
        w = World()
        test(w)
        w.close()
    report.finish()


main()
