# SPDX-License-Identifier: GPL-2.0-or-later
"""Flow offload for tests: a router whose own count of packets stands beside fwd's, and connections
through it that are driven by one hand."""
import re
import socket
import struct
import threading
import time

import firewall
import topo
from report import check

ENDS = {4: ("10.66.1.2", "10.66.2.2", "10.66.2.1"), 6: ("fd66:1::2", "fd66:2::2", "fd66:2::1")}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
ASSURED_S = 2.2  # UDP in both directions for so long is a stream
MIB = 1 << 20

WATCH = """add table inet watch
delete table inet watch
table inet watch {
  chain forward { type filter hook forward priority 100; %s; }
  chain input { type filter hook input priority 100; iifname "lo" accept; %s; }
  chain output { type filter hook output priority 100; oifname "lo" accept; %s; }
}"""


class World:
    """client - router with fwd - server; the router's second table counts what fwd let pass."""

    def __init__(self, *args, kct=False):
        self.net = topo.Routed()
        self.fw = firewall.Fwd(self.net.router, args)
        self.kct = kct
        self.watch()
        for f in (4, 6):
            self.rules(f)

    def watch(self):
        """From now on."""
        counting = "; ".join("meta nfproto ipv%d meta l4proto { tcp, udp } counter" % f
                             for f in (4, 6))
        self.net.router.run("nft", "-f", "-", input=WATCH % ((counting,) * 3))

    def rules(self, family, before="", hooks=("FORWARD", "INPUT", "OUTPUT")):
        text = "*filter\n%s" % before
        for hook in hooks:
            for proto in ("tcp", "udp"):
                for s in ("ESTABLISHED", "NEW"):
                    text += "-A %s -p %s -m conntrack --ctstate %s -j ACCEPT\n" % (hook, proto, s)
        text += "COMMIT\n"
        if self.kct:
            text += "*nat\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n"
        self.fw.restore(family, text)

    def counted(self, family):
        """Packets and bytes that each chain's rules have accepted."""
        self.fw.settle()
        sums = {}
        for m in re.finditer(r"^\[(\d+):(\d+)\] -A (\w+) .*-j ACCEPT$", self.fw.save(family), re.M):
            old = sums.get(m.group(3), (0, 0))
            sums[m.group(3)] = (old[0] + int(m.group(1)), old[1] + int(m.group(2)))
        return sums

    def passed(self, family):
        """The same as the watching table has it."""
        text = self.net.router.run("nft", "list", "table", "inet", "watch").stdout
        found = {}
        for chain in ("forward", "input", "output"):
            part = text.split("chain " + chain)[1].split("\n\t}")[0]
            m = re.search(r"nfproto ipv%d .* counter packets (\d+) bytes (\d+)" % family, part)
            found[chain.upper()] = (int(m.group(1)), int(m.group(2)))
        return found

    def metric(self, name):
        return self.fw.metric(name)

    def both(self, family):
        """counted() and passed() of one moment: no late acknowledgement came in between."""
        while True:
            before, ours = self.passed(family), self.counted(family)
            if self.passed(family) == before:
                return ours, before

    def quiet(self, family):
        """Return when nothing passes any more; what passed."""
        while True:
            before = self.passed(family)
            time.sleep(0.25)  # longer than acknowledgements are put off
            if self.passed(family) == before:
                return before

    def same(self, what, family):
        ours, theirs = self.both(family)
        check(what + ": every packet and byte is counted", ours == theirs, (ours, theirs))

    def close(self):
        check("fwd ends well", self.fw.stop() == 0, self.fw.log())
        out = self.net.router.run("nft", "list", "tables").stdout
        check("no table stays", "fwdd" not in out, out)
        self.fw.close()
        self.net.close()


class Pair:
    """A connection between two namespaces, driven by one hand."""

    def __init__(self, kind, client, server, family, to, port, source=None):
        with server:
            self.listener = socket.socket(FAMILY[family], kind)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((to, port))
        with client:
            self.c = socket.socket(FAMILY[family], kind)
        if source:
            self.c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.c.bind(("", source))
        self.c.settimeout(5)
        if kind == socket.SOCK_STREAM:
            self.listener.listen()
            self.c.connect((to, port))
            self.s = self.listener.accept()[0]
            for s in (self.c, self.s):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.c.connect((to, port))
            self.c.send(b"hello")
            self.s = self.listener
            self.s.connect(self.s.recvfrom(100)[1])
        self.s.settimeout(5)

    def talk(self, n, size=100):
        for _ in range(n):
            for a, b in ((self.c, self.s), (self.s, self.c)):
                a.send(b"x" * size)
                b.recv(65536)

    def talk_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.talk(50)

    def bulk(self, size):
        """From client to server; returns how much arrived."""
        t = threading.Thread(target=self.c.sendall, args=(bytes(size),), daemon=True)
        t.start()
        got = 0
        while got < size:
            data = self.s.recv(MIB)
            if not data:
                break
            got += len(data)
        t.join()
        return got

    def reset(self):
        self.c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        for s in (self.c, self.s, self.listener):
            s.close()


def tcp(w, family, port=7000, source=None):
    return Pair(socket.SOCK_STREAM, w.net.client, w.net.server, family, ENDS[family][1], port,
                source)


def udp(w, family, port=7100):
    return Pair(socket.SOCK_DGRAM, w.net.client, w.net.server, family, ENDS[family][1], port)


def is_offloaded(w, p):
    """Both directions; generations come and go, so at some moment soon."""
    for _ in range(20):
        p.talk(20)
        if w.metric("offload_entries") >= 2:
            return True
    return False


def states(w, family):
    """Of the TCP connections that are tracked."""
    out = w.fw.ctl("conn", "list", "family", str(family)).stdout
    return re.findall(r"^tcp +6 \d+ (\w+)", out, re.M)
