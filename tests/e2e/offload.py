#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
"""Flow offload, seen from outside.

What fwd counts is compared, to the packet and the byte, with what a table of the tester's own counts
behind fwd at the same hooks.  With and without the kernel's conntrack, in both families: forwarded
and local flows, edits in the middle of a stream, ends of connections, restarts and crashes, and
rules that ask each packet, under which nothing is offloaded.
"""
import os
import re
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control
import firewall
import netns
import report
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


# ---- counters ---------------------------------------------------------------------------------

def streams(w, what, family):
    """TCP forwarded: nearly all of it passes by itself."""
    queued, packets = w.metric("queue_packets_total"), w.passed(family)["FORWARD"][0]
    p = tcp(w, family)
    check(what + ", TCP: all arrives", p.bulk(64 * MIB) == 64 * MIB)
    p.close()
    packets = w.passed(family)["FORWARD"][0] - packets
    queued = w.metric("queue_packets_total") - queued
    check(what + ", TCP: few packets are queued", packets > 1000 and queued < packets / 4,
          (queued, packets))
    w.same(what + ", TCP", family)


def datagrams(w, what, family):
    p = udp(w, family)
    p.talk_for(ASSURED_S)
    p.talk(200)
    queued = w.metric("queue_packets_total")
    p.talk(1000)
    queued = w.metric("queue_packets_total") - queued
    check(what + ", UDP: few packets are queued", queued < 100, queued)
    w.same(what + ", UDP", family)
    p.close()


def local(w, what, family):
    """To the router itself: INPUT and OUTPUT."""
    p = Pair(socket.SOCK_STREAM, w.net.client, w.net.router, family, ENDS[family][2], 7001)
    check(what + ", local: all arrives", p.bulk(32 * MIB) == 32 * MIB)
    queued = w.metric("queue_packets_total")
    p.talk(500)
    queued = w.metric("queue_packets_total") - queued
    check(what + ", local: few packets are queued", queued < 100, queued)
    p.close()
    w.same(what + ", local", family)


def mangled(w, what, family):
    """All five hooks, and counters of several tables."""
    tool = firewall.tool(family)
    hooks = ("PREROUTING", "FORWARD", "POSTROUTING")
    for hook in hooks:
        w.net.router.run(tool, "-t", "mangle", "-A", hook, "-p", "tcp", env=w.fw.env())
    before = w.quiet(family)["FORWARD"]
    p = tcp(w, family, 7002)
    p.bulk(8 * MIB)
    p.close()
    w.same(what + ", mangle too", family)
    after = w.quiet(family)["FORWARD"]
    text = w.net.router.run(tool + "-save", "-c", "-t", "mangle", env=w.fw.env()).stdout
    for hook in hooks:
        m = re.search(r"^\[(\d+):(\d+)\] -A %s" % hook, text, re.M)
        seen = int(m.group(1)), int(m.group(2))
        check("%s, mangle's %s: to the byte" % (what, hook),
              seen == (after[0] - before[0], after[1] - before[1]), (seen, before, after))
    w.net.router.run(tool, "-t", "mangle", "-F", env=w.fw.env())


def zero(w, what, family):
    """-Z in the middle: what comes behind it is counted from there."""
    tool = firewall.tool(family)
    p = tcp(w, family, 7003)
    p.talk(200)
    before = w.quiet(family)["FORWARD"]
    w.net.router.run(tool, "-Z", env=w.fw.env())
    p.talk(300)
    ours, now = [x["FORWARD"] for x in w.both(family)]
    check(what + ": counters after -Z", ours == (now[0] - before[0], now[1] - before[1]),
          (ours, before, now))
    p.close()
    w.watch()
    w.rules(family)


# ---- edits ------------------------------------------------------------------------------------

def edit(w, what, family):
    """A rule above holds for the very next packet."""
    tool = firewall.tool(family)
    for kind, make in (("UDP", udp), ("TCP", tcp)):
        p = make(w, family, 7200)
        if kind == "UDP":
            p.talk_for(ASSURED_S)
        check("%s, %s: offloaded" % (what, kind), is_offloaded(w, p))
        w.net.router.run(tool, "-I", "FORWARD", "-p", kind.lower(), "-j", "DROP", env=w.fw.env())
        before = w.passed(family)["FORWARD"]
        for _ in range(10):
            p.c.send(b"y")
            p.s.send(b"y")
        w.fw.settle()
        check("%s, %s: DROP inserted, nothing passes" % (what, kind),
              w.passed(family)["FORWARD"] == before, (before, w.passed(family)))
        m = re.search(r"^\[(\d+):\d+\] -A FORWARD -p %s -j DROP" % kind.lower(), w.fw.save(family),
                      re.M)
        check("%s, %s: and the rule has counted" % (what, kind), int(m.group(1)) >= 2, m.group(0))
        w.net.router.run(tool, "-D", "FORWARD", "1", env=w.fw.env())
        if kind == "TCP":
            for s, n in ((p.s, 10), (p.c, 10)):  # they are sent again
                while n:
                    n -= len(s.recv(n))
        else:
            p.s.setblocking(False)
            try:
                while True:
                    p.s.recv(100)
            except BlockingIOError:
                p.s.settimeout(5)
        p.talk(20)
        p.close()


def edit_under_way(w, what, family):
    """Edits and -Z one after the other while a stream passes: what was counted by the old rules comes
    in behind an edit, and is shown, or zeroed, once.  One of them is gone by then."""
    tool = firewall.tool(family)
    before = w.quiet(family)["FORWARD"]
    w.net.router.run(tool, "-Z", "FORWARD", env=w.fw.env())
    p = tcp(w, family, 7250)
    sums, got = [0, 0], []
    t = threading.Thread(target=lambda: got.append(p.bulk(128 * MIB)))
    t.start()
    edits = 0
    while t.is_alive():
        control.edit(w.fw.socket, "-I FORWARD -p tcp", family)
        if edits % 2:
            text = control.ask(w.fw.socket, "save %d counters zero table filter chain FORWARD"
                               % family)
            for m in re.finditer(r"^\[(\d+):(\d+)\] -A FORWARD .*-j ACCEPT$", text, re.M):
                sums = [sums[0] + int(m.group(1)), sums[1] + int(m.group(2))]
        control.edit(w.fw.socket, "-D FORWARD 1", family)
        edits += 1
    t.join()
    p.close()
    w.quiet(family)
    ours, now = [x["FORWARD"] for x in w.both(family)]
    check("%s: edits while a stream passes (%d): all arrives" % (what, edits),
          got == [128 * MIB] and edits > 3, (got, edits))
    check(what + ": edits while a stream passes: every packet and byte is counted",
          (ours[0] + sums[0], ours[1] + sums[1]) == (now[0] - before[0], now[1] - before[1]),
          (ours, sums, before, now))
    w.watch()
    w.rules(family)


def deleted_flow(w, family):
    """conn delete: what the kernel let pass begins a flow anew."""
    p = udp(w, family, 7300)
    p.talk_for(ASSURED_S)
    p.talk(50)
    tool = firewall.tool(family)
    w.net.router.run(tool, "-I", "FORWARD", "-p", "udp", "-m", "conntrack", "--ctstate", "NEW",
                     "-m", "comment", "--comment", "again", env=w.fw.env())
    p.talk(50)
    w.fw.ctl("conn", "flush")
    p.talk(50)
    w.fw.settle()
    m = re.search(r"^\[(\d+):\d+\] .*again", w.fw.save(family), re.M)
    check("a flow that was deleted begins anew", int(m.group(1)) >= 1, m.group(0))
    w.net.router.run(tool, "-D", "FORWARD", "1", env=w.fw.env())
    p.close()


# ---- the tracker ------------------------------------------------------------------------------

def ends(w, family):
    """FIN and RST end a flow in the tracker, too, and its ports can be used again."""
    p = tcp(w, family, 7400, source=40000)
    p.talk(200)
    p.close()
    w.fw.settle()
    seen = states(w, family)
    check("closed: TIME_WAIT", seen == ["TIME_WAIT"], seen)
    w.fw.ctl("conn", "flush")
    p = tcp(w, family, 7401, source=40001)
    p.talk(200)
    p.reset()
    w.fw.settle()
    seen = states(w, family)
    check("reset: CLOSE", seen == ["CLOSE"], seen)
    p = tcp(w, family, 7401, source=40001)
    p.talk_for(0.3)  # until all is looked at again
    seen = states(w, family)
    check("the same ends anew: ESTABLISHED", seen == ["ESTABLISHED"], seen)
    w.same("the same ends anew", family)
    p.close()
    w.fw.ctl("conn", "flush")


def used_again(w, family):
    """The same ports again and again, while what passed of the first still does: no RST is INVALID."""
    tool = firewall.tool(family)
    w.net.router.run(tool, "-I", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-m",
                     "comment", "--comment", "odd", env=w.fw.env())
    for _ in range(10):
        p = tcp(w, family, 7402, source=40002)
        p.talk(12)
        p.reset()
    w.fw.settle()
    m = re.search(r"^\[(\d+):\d+\] .*odd", w.fw.save(family), re.M)
    check("ports used again: no INVALID segment", int(m.group(1)) == 0, m.group(0))
    w.net.router.run(tool, "-D", "FORWARD", "1", env=w.fw.env())
    w.fw.ctl("conn", "flush")


def generations(w, family):
    """Over several generations: nobody is INVALID, nothing is lost."""
    tool = firewall.tool(family)
    w.net.router.run(tool, "-I", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-m",
                     "comment", "--comment", "invalid", env=w.fw.env())
    p = tcp(w, family, 7500)
    got = [0]

    def count():
        while True:
            data = p.s.recv(MIB)
            got[0] += len(data)
            if not data:
                return

    t = threading.Thread(target=count)
    t.start()
    sent, end = 0, time.monotonic() + 3.5
    while time.monotonic() < end:
        sent += p.c.send(bytes(MIB))
    p.c.shutdown(socket.SHUT_WR)
    t.join()
    check("three generations: every byte", got[0] == sent, (got, sent))
    p.close()
    w.fw.settle()
    m = re.search(r"^\[(\d+):\d+\] .*invalid", w.fw.save(family), re.M)
    check("three generations: no INVALID segment", int(m.group(1)) == 0, m.group(0))
    w.net.router.run(tool, "-D", "FORWARD", "1", env=w.fw.env())


def accounts(family):
    w = World("--conntrack-acct", "on", "--offload-seconds", "1")
    p = tcp(w, family, 7600)
    p.talk(500)
    passed = w.quiet(family)["FORWARD"]
    text = w.fw.ctl("conn", "list").stdout
    seen = [sum(int(x) for x in re.findall(word + r"=(\d+)", text))
            for word in ("packets", "bytes")]
    check("the flow's own counters", tuple(seen) == passed, (seen, passed))
    p.close()
    w.close()


# ---- lives ------------------------------------------------------------------------------------

def restarts(family):
    w = World()
    p = tcp(w, family, 7700)
    p.talk(300)
    w.fw.ctl("restart")
    w.fw.settle()
    p.talk(300)
    w.same("restarted", family)
    check("restarted: offloaded again", is_offloaded(w, p))
    out = w.net.router.run("nft", "list", "ruleset").stdout
    check("restarted: one generation", len(re.findall(r"set flows", out)) == 1, out)
    w.fw.stop(signal.SIGKILL)
    w.fw.start()
    p.talk(300)
    out = w.net.router.run("nft", "list", "ruleset").stdout
    check("killed: one generation", len(re.findall(r"set flows", out)) == 1, out)
    before = [x["FORWARD"][0] for x in w.both(family)]
    p.talk(300)
    after = [x["FORWARD"][0] for x in w.both(family)]
    check("killed: the next life counts right", after[0] - before[0] == after[1] - before[1],
          (before, after))
    p.close()
    w.close()


# ---- what is not offloaded --------------------------------------------------------------------

ASKING = ("-m limit --limit 1/hour", "-m recent --set", "-m length --length 40:9000",
          "-m statistic --mode nth --every 2 --packet 0", "-m ttl --ttl-gt 3", "-m dscp --dscp 0",
          "-p tcp --tcp-flags PSH PSH", "-j LOG", "-m connmark --mark 0", "-j MARK --set-mark 5",
          "-m hashlimit --hashlimit-upto 1/hour --hashlimit-name h", "-m quota --quota 100",
          "-m conntrack --ctexpire 1:100")
PLAIN = ("-p tcp --tcp-flags ALL NONE", "-p tcp ! --syn -m conntrack --ctstate NEW",
         "-p tcp --tcp-flags SYN,RST SYN -m limit --limit 1/hour",
         "-p udp -m length --length 100", "-m mark --mark 7", "-m multiport -p tcp --dports 1,2,3")


def asked_each_time(family=4):
    w = World()
    for rules, wanted in ((ASKING, False), (PLAIN, True)):
        for rule in rules:
            w.rules(family, "-A FORWARD %s\n" % rule)
            p = tcp(w, family, 7800)
            check("%s: %soffloaded" % (rule, "" if wanted else "not "),
                  is_offloaded(w, p) == wanted)
            p.close()
    w.close()


def switched_off(family=4):
    w = World("--offload", "off")
    p = tcp(w, family, 7900)
    p.talk(100)
    out = w.net.router.run("nft", "list", "table", "inet", "fwdd").stdout
    check("--offload off: nothing is", w.metric("offload_entries") == 0 and "jump known" not in out,
          out)
    w.same("--offload off", family)
    p.close()
    w.close()


def main():
    netns.need_root()
    for kct in (False, True):
        w = World("--offload-seconds", "1", kct=kct)
        for family in (4, 6):
            what = "IPv%d%s" % (family, ", the kernel tracks" if kct else "")
            streams(w, what, family)
            datagrams(w, what, family)
            local(w, what, family)
            mangled(w, what, family)
            edit(w, what, family)
            edit_under_way(w, what, family)
        for family in (4, 6):
            zero(w, "IPv%d%s" % (family, ", the kernel tracks" if kct else ""), family)
        if not kct:
            deleted_flow(w, 4)
            w.fw.ctl("conn", "flush")
            ends(w, 4)
            used_again(w, 4)
            generations(w, 6)
        w.close()
    accounts(4)
    restarts(4)
    asked_each_time()
    switched_off()
    report.finish()


main()
