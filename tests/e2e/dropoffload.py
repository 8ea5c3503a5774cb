#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
"""Sources that the kernel drops by itself: nobody may notice, but by the load.

Floods whose sources rules drop, and beside them the same with the kernel's iptables: every counter
of every chain is the same, to the packet.  Then what must end the dropping at once (an edit, a list
that forgets the source, a connection that begins), what must survive it (counters over a restart),
and what is told of it.
"""
import os
import re
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control
import firewall
import netns
import report
import topo
import wait
from report import check

SO_RCVBUFFORCE = 33
SOURCES = 4
SERVER = {4: "10.66.2.2", 6: "fd66:2::2"}
ROUTER = {4: "10.66.1.1", 6: "fd66:1::1"}


def source(family, i):
    return "10.66.1.%d" % (128 + i) if family == 4 else "fd66:1::%x" % (0x80 + i)


class World:
    """client with several addresses - router with a firewall - server that counts what comes."""

    def __init__(self, make):
        self.net = topo.Routed()
        for f in (4, 6):
            self.net.client.ip(*["addr add %s/%d dev eth0%s" % (source(f, i), 24 if f == 4 else 64,
                                                                " nodad" if f == 6 else "")
                                 for i in range(SOURCES)])
        self.sink = self.bound(self.net.server, socket.AF_INET6, "::", 7000)
        self.local = self.bound(self.net.router, socket.AF_INET6, "::", 7000)
        self.fw = make(self.net.router)

    @staticmethod
    def bound(ns, family, address, port):
        with ns:
            s = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != "::")
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        s.bind((address, port))
        s.setblocking(False)
        return s

    def sender(self, family, i):
        return self.bound(self.net.client, socket.AF_INET if family == 4 else socket.AF_INET6,
                          source(family, i), 0)

    def arrived(self, s=None):
        """Packets that have come since the last time."""
        n = 0
        while True:
            try:
                (s or self.sink).recv(100)
                n += 1
            except BlockingIOError:
                return n

    def sh(self, line):
        return self.net.router.run("sh", "-c", line, env=self.fw.env()).stdout

    def packets(self, family, comment):
        self.fw.settle()
        return int(re.search(r"^\[(\d+):\d+\] .*--comment %s(?: |$)" % comment,
                             self.fw.save(family), re.M).group(1))

    def counters(self, family):
        """Rules, and policies but those of nat, which differ (docs/differences.md), and of IPv6,
        whose neighbour discovery is nobody's.  In an order of our own: legacy's tables have none."""
        self.fw.settle()
        lines, table = [], ""
        for x in self.fw.save(family).splitlines():
            table = x if x[:1] == "*" else table
            if x[:1] == "[" or x[:1] == ":" and table != "*nat" and family == 4:
                lines.append((table, len(lines), x))
        return [table + " " + x for table, _, x in sorted(lines)]

    def close(self):
        for s in (self.sink, self.local):
            s.close()
        if isinstance(self.fw, firewall.Fwd):
            check("fwd ends well", self.fw.stop() == 0, self.fw.log())
        self.fw.close()
        self.net.close()


class Flood(threading.Thread):
    """n packets of each source, in turn, at so many a second in all."""

    def __init__(self, w, n, family=4, to=None, rate=4000):
        super().__init__(daemon=True)
        self.socks = [w.sender(family, i) for i in range(SOURCES)]
        self.to, self.n, self.rate, self.ended = (to or SERVER[family], 7000), n, rate, False
        self.sent = 0
        self.start()

    def run(self):
        begin = time.monotonic()
        for i in range(self.n):
            if self.ended:
                break
            for s in self.socks:
                s.sendto(b"flood" * (1 + i % 7), self.to)
                self.sent += 1
            time.sleep(max(0, begin + self.sent / self.rate - time.monotonic()))  # paced
        for s in self.socks:
            s.close()

    def more(self, n):
        """Wait until n more were sent."""
        first = self.sent
        wait.until(lambda: self.sent >= first + n)

    def end(self):
        self.ended = True
        self.join()
        return self.sent


def offloaded(w):
    """Packets that the kernel has dropped by itself, and sources that it does now."""
    m = dict(x.rsplit(" ", 1) for x in w.fw.ctl("metrics").stdout.splitlines() if x[0] != "#")
    return int(m["fwd_offload_dropped_packets_total"]), int(m["fwd_offload_sources"])


def sets(w):
    """Names of the sets of sources in the kernel."""
    return re.findall(r"set (drop_\d+_\S+)", w.sh("nft list table inet fwdd"))


def wait_offloaded(w, n=SOURCES):
    if not wait.until(lambda: offloaded(w)[1] >= n, every=0.02):
        check("the kernel drops them", False, offloaded(w))


# ---- the same counters as the kernel's --------------------------------------------------------

RULES = {
    "a source": (4, None, "*filter\n-A FORWARD -s {0} -j DROP\n-A FORWARD -s {1}/31 -j DROP\n"
                 "-A FORWARD -s {3} -j DROP\nCOMMIT\n"),
    "chains on the way": (4, None, "*mangle\n-A FORWARD -i eth0 -j MARK --set-mark 3\nCOMMIT\n"
                          "*filter\n:FORWARD DROP\n:a -\n:b -\n-A FORWARD -p tcp --dport 80 -j ACCEPT\n"
                          "-A FORWARD -j a\n-A FORWARD -s {1} -g b\n-A a -s {0} -j DROP\n"
                          "-A a -i eth+\n-A a -i eth0 -j RETURN\n-A b -j RETURN\nCOMMIT\n"),
    "IPv6": (6, None, "*filter\n-A FORWARD -p tcp -j ACCEPT\n-A FORWARD -s {0}/120 -p udp -i eth0 -j DROP\n"
             "COMMIT\n"),
    "states": (4, "router", "*filter\n-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT\n"
               "-A INPUT -s {0}/26 -j DROP\nCOMMIT\n"),
    "INVALID first": (6, "router", "*filter\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\n"
                      "-A INPUT -m state --state INVALID -j DROP\n-A INPUT -s {0}/120 -p udp -j DROP\n"
                      "COMMIT\n"),
    "raw": (4, None, "*raw\n-A PREROUTING -s {0}/26 -j DROP\nCOMMIT\n"),
    "two lists": (4, None, "*filter\n-A FORWARD -m recent --name a --rcheck -m recent --name b --update "
                  "-j DROP\n-A FORWARD -p udp -m recent --name a --set -m recent --name b --set -j DROP\n"
                  "COMMIT\n"),
    "a list of networks": (4, None, "*filter\n-A FORWARD -p udp -m recent --name n --mask 255.255.255.0 "
                           "--update -j DROP\n-A FORWARD -p udp -m recent --name n --set "
                           "--mask 255.255.255.0 -j DROP\nCOMMIT\n"),
    "not a list's hits": (4, None, "*filter\n-A FORWARD -p udp -m recent --name h --update --seconds 60 "
                          "--hitcount 10 -j DROP\n-A FORWARD -p udp -m recent --name h --set -j ACCEPT\n"
                          "COMMIT\n"),
    "not a list that forgets": (4, None, "*filter\n-A FORWARD -p udp -m recent --name f --remove -j DROP\n"
                                "-A FORWARD -p udp -m recent --name f --set -j DROP\nCOMMIT\n"),
    "not past a port": (4, None, "*filter\n-A FORWARD -p udp --dport 7001 -j ACCEPT\n"
                        "-A FORWARD -s {0}/26 -j DROP\nCOMMIT\n"),
    "not by source alone": (4, None, "*filter\n-A FORWARD -s {0}/26 -m length --length 0:40 -j DROP\n"
                            "-A FORWARD -s {0}/26 -m limit --limit 1/h -j LOG\n"
                            "-A FORWARD -s {0}/26 -j DROP\nCOMMIT\n"),
    # the last: from here on the kernel tracks, packets may wait for their connection's first one,
    # and those of several sources come in another order
    "kernel's tracking": (4, None, "*nat\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n*filter\n"
                          "-A FORWARD -m state --state ESTABLISHED -j ACCEPT\n"
                          "-A FORWARD -m state --state INVALID -j DROP\n"
                          "-A FORWARD -s {0}/26 -j DROP\nCOMMIT\n"),
    "raw, ahead of the kernel's tracking": (
        4, None, "*raw\n-A PREROUTING -s {0} -j DROP\n-A PREROUTING -s {1}/26 -i eth0 -j DROP\nCOMMIT\n"
        "*nat\n-A PREROUTING -m addrtype --dst-type LOCAL -j RETURN\n"
        "-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n*filter\n"
        "-A FORWARD -m state --state ESTABLISHED -j ACCEPT\nCOMMIT\n"),
    "mangle, ahead of nat's rules": (
        4, None, "*mangle\n-A PREROUTING -m state --state NEW\n-A PREROUTING -s {0}/26 -j DROP\nCOMMIT\n"
        "*nat\n-A PREROUTING -m addrtype --dst-type LOCAL -j RETURN\n"
        "-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n"),
    "not behind nat's rules": (
        4, None, "*nat\n-A PREROUTING -p tcp -m addrtype --dst-type LOCAL -j RETURN\n"
        "-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n*filter\n"
        "-A FORWARD -m state --state ESTABLISHED -j ACCEPT\n-A FORWARD -s {0}/26 -j DROP\nCOMMIT\n"),
}


# … with every policy, so that all counters begin anew
EMPTY = "".join("*%s\n%sCOMMIT\n" % (table, "".join(":%s ACCEPT\n" % c for c in chains.split()))
                for table, chains in (
    ("raw", "PREROUTING OUTPUT"), ("mangle", "PREROUTING INPUT FORWARD OUTPUT POSTROUTING"),
    ("filter", "INPUT FORWARD OUTPUT")))


def same_counters(ours, oracle):
    for w in (oracle, ours):
        for family in (4, 6):
            w.fw.restore(family, EMPTY)
    for name, (family, to, rules) in RULES.items():
        text = rules.format(*[source(family, i) for i in range(SOURCES)])
        results = []
        before = offloaded(ours)[0]
        for w in (oracle, ours):
            w.fw.restore(family, text)
            # half of it before, half after somebody has looked
            for n in (700, 500):
                Flood(w, n, family, ROUTER[family] if to else None).join()
                results.append(w.counters(family))
            w.fw.restore(family, EMPTY)
        check("%s: as iptables counts" % name, results[:2] == results[2:],
              "\n".join("%s | %s" % x for y in (0, 1) for x in zip(results[y], results[2 + y])
                        if x[0] != x[1]))
        by_kernel = offloaded(ours)[0] - before
        check("%s: %s" % (name, "judged" if name.startswith("not") else "dropped by the kernel"),
              (by_kernel > 2000) != name.startswith("not"), by_kernel)


# ---- what ends it -----------------------------------------------------------------------------

def edit(w):
    w.fw.restore(4, "*filter\n-A FORWARD -s %s/26 -m comment --comment drop -j DROP\nCOMMIT\n"
                 % source(4, 0))
    f = Flood(w, 10 ** 6)
    wait_offloaded(w)
    w.arrived()
    w.sh("iptables -I FORWARD -s %s -m comment --comment pass -j ACCEPT" % source(4, 1))
    begun = [x.sendto(b"first", f.to) for x in [w.sender(4, 1)]]
    w.fw.settle()
    check("an edit: the source is let through at once", begun and w.arrived() > 0)
    wait_offloaded(w, SOURCES - 1)
    f.more(1200)
    sent = f.end() + 1
    passed, dropped = w.packets(4, "pass"), w.packets(4, "drop")
    check("an edit: each packet counts once", passed + dropped == sent, (passed, dropped, sent))
    f = Flood(w, 10 ** 6)
    wait_offloaded(w, SOURCES - 1)
    zeroed = w.sh("iptables -L FORWARD -v -x -n -Z")
    at_zero = int(re.search(r"(\d+) +\d+ DROP", zeroed).group(1))
    sent = f.end() // SOURCES * (SOURCES - 1)
    after = w.packets(4, "drop") + at_zero - dropped
    check("-L -Z: nothing twice, nothing lost", after == sent, (after, sent))


def edits(w):
    """One after the other, each while the kernel drops: what it has counted by the rules before comes
    in behind an edit.  Of those rules one is gone by then; then the list is, and another has its name."""
    w.fw.restore(4, "*filter\n-A FORWARD -m recent --name busy --update -m comment --comment drop "
                 "-j DROP\n-A FORWARD -s %s/26 -m recent --name busy --set -m comment --comment first "
                 "-j DROP\nCOMMIT\n" % source(4, 0))
    f = Flood(w, 10 ** 6)
    for _ in range(4):
        wait_offloaded(w)
        f.more(200)
        control.edit(w.fw.socket, "-I FORWARD")
        wait_offloaded(w)
        f.more(200)
        control.edit(w.fw.socket, "-D FORWARD 1")
    wait_offloaded(w)
    sent = f.end()
    counted = w.packets(4, "drop"), w.packets(4, "first")
    check("edits: each packet counts once", counted == (sent - SOURCES, SOURCES), (counted, sent))
    uses = re.findall(r"oldest_pkt: (\d+) ", w.fw.ctl("recent", "list", "busy").stdout)
    check("edits: … and is one use of its list",
          len(uses) == SOURCES and all((int(x) - sent // SOURCES) % 32 == 0 for x in uses), (uses, sent))
    f = Flood(w, 10 ** 6)
    wait_offloaded(w)
    control.edit(w.fw.socket, "-F")
    control.edit(w.fw.socket, "-A FORWARD -m recent --name busy --rcheck -m comment --comment again")
    f.end()
    check("a new list of an old name is empty",
          w.fw.ctl("recent", "list", "busy").stdout == "" and w.packets(4, "again") == 0)
    w.fw.restore(4, "*filter\nCOMMIT\n")


def recent(w):
    rule = "*filter\n-A INPUT -m recent --name bad --%s -m comment --comment bad -j DROP\nCOMMIT\n"
    for how in ("rcheck --seconds 100", "update --seconds 100"):
        w.fw.restore(4, rule % how)
        for i in range(SOURCES):
            w.fw.ctl("recent", "add", "bad", source(4, i))
        f = Flood(w, 10 ** 6, to=ROUTER[4])
        wait_offloaded(w)
        w.arrived(w.local)
        w.fw.ctl("recent", "del", "bad", source(4, 2))
        w.sender(4, 2).sendto(b"first", f.to)
        w.fw.settle()
        check("--%s: who leaves the list is let through at once" % how, w.arrived(w.local) > 0)
        f.end()
        w.fw.restore(4, "*filter\nCOMMIT\n")


def recent_ends(w):
    """--seconds: until then everything is dropped, from then on nothing."""
    seconds = 6
    w.fw.restore(4, "*filter\n-A INPUT -m recent --name bad --rcheck --seconds %d -j DROP\nCOMMIT\n"
                 % seconds)
    for i in range(SOURCES):
        w.fw.ctl("recent", "add", "bad", source(4, i))
    begin = time.monotonic()
    w.arrived(w.local)
    f = Flood(w, 10 ** 6, to=ROUTER[4])
    wait_offloaded(w)
    time.sleep(begin + seconds - 0.4 - time.monotonic())  # until when it lasts is the subject
    early = w.arrived(w.local)
    late = wait.until(lambda: w.arrived(w.local), 0.8)
    f.end()
    w.fw.settle()
    w.arrived(w.local)
    check("--seconds: dropped until it ends", early == 0, early)
    check("--seconds: … and no longer", late > 0, late)


def recent_list(ours, oracle):
    """--update: uses are noted as if each packet had been seen."""
    rules = ("*filter\n-A INPUT -p udp -m recent --name seen --update -j DROP\n"
             "-A INPUT -p udp -m recent --name seen --set -j DROP\nCOMMIT\n")
    lists = []
    for w in (oracle, ours):
        w.fw.restore(4, rules)
        Flood(w, 523, to=ROUTER[4]).join()
        w.fw.settle()
        lists.append(w.sh("cat /proc/net/xt_recent/seen") if w is oracle else
                     w.fw.ctl("recent", "list", "seen").stdout)
        w.fw.restore(4, "*filter\nCOMMIT\n")
    parsed = [sorted(re.findall(r"src=(\S+) ttl: (\d+) .*oldest_pkt: (\d+) (.*)", x)) for x in lists]
    check("--update: sources, TTLs and numbers of uses as in xt_recent",
          [(a, t, n, len(s.split(","))) for a, t, n, s in parsed[0]] ==
          [(a, t, n, len(s.split(","))) for a, t, n, s in parsed[1]] and len(parsed[1]) == SOURCES, lists)
    spans = [[int(x) for x in s.split(",")] for a, t, n, s in parsed[1]]
    # 32 uses, four milliseconds... a millisecond apart for each source
    check("--update: … their times, too", all(0 <= max(x) - min(x) < 1000 for x in spans), spans)


def connection(w):
    """A source that is spoken to: its answers belong to a connection."""
    w.fw.restore(4, "*filter\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\n"
                 "-A INPUT -s %s/26 -m comment --comment drop -j DROP\n"
                 "-A OUTPUT -m state --state NEW\nCOMMIT\n" % source(4, 0))
    f = Flood(w, 10 ** 6, to=ROUTER[4])
    answered = 0
    for i in range(SOURCES):
        wait_offloaded(w, SOURCES - i)
        asks = w.bound(w.net.router, socket.AF_INET, ROUTER[4], 0)
        answers = w.sender(4, i)
        asks.sendto(b"?", (source(4, i), answers.getsockname()[1]))
        asks.settimeout(5)
        answers.settimeout(5)
        answers.sendto(b"!", answers.recvfrom(10)[1])
        try:
            answered += asks.recv(10) == b"!"
        except socket.timeout:
            pass
        asks.close()
        answers.close()
    f.end()
    check("a connection with a source: its answers come through", answered == SOURCES, answered)
    check("… and its other packets do not", w.arrived(w.local) == 0)


# ---- what survives it, and what is told of it ---------------------------------------------------

def told(w):
    w.fw.restore(4, "*filter\n-A FORWARD -s %s/26 -m comment --comment drop -j DROP\nCOMMIT\n"
                 % source(4, 0))
    f = Flood(w, 10 ** 6)
    wait_offloaded(w)
    lines = [x for x in w.fw.ctl("drops").stdout.splitlines() if x.startswith("in kernel")]
    check("drops: a line for each source", len(lines) == SOURCES, lines)
    m = re.search(r"in kernel   filter FORWARD rule 1 .*--comment drop -j DROP \| in eth0 udp %s \| "
                  r"(\d+) packets, (\d+) bytes in " % source(4, 3).replace(".", r"\."), "\n".join(lines))
    check("drops: rule, source and sum", m and int(m.group(2)) > 28 * int(m.group(1)), lines)
    f.end()
    check("the flood ends: nobody is dropped by the kernel any more",
          wait.until(lambda: offloaded(w)[1] == 0, 15, every=0.1))
    check("… and no set is left", wait.until(lambda: sets(w) == []), sets(w))


def restart(w):
    w.fw.restore(4, "*filter\n-A FORWARD -s %s/26 -m comment --comment drop -j DROP\nCOMMIT\n"
                 % source(4, 0))
    f = Flood(w, 10 ** 6)
    wait_offloaded(w)
    w.fw.proc.send_signal(signal.SIGUSR2)
    wait.until(lambda: "restarts 1" in w.fw.ctl("status", check=False).stdout, every=0.05)
    wait_offloaded(w)
    sent = f.end()
    check("a restart in place: each packet counts once", w.packets(4, "drop") == sent,
          (w.packets(4, "drop"), sent))


def crash(w):
    w.fw.restore(4, "*filter\n-A FORWARD -s %s/26 -m comment --comment drop -j DROP\nCOMMIT\n"
                 % source(4, 0))
    f = Flood(w, 10 ** 6)
    wait_offloaded(w)
    before = sets(w)
    w.fw.stop(signal.SIGKILL)
    w.fw.start()
    check("a crash: what it left behind is gone", before and not set(before) & set(sets(w)),
          (before, sets(w)))
    wait_offloaded(w)
    w.sh("iptables -I FORWARD -s %s/26 -j ACCEPT" % source(4, 0))
    w.arrived()
    f.more(800)
    check("a crash: … and does not come back", w.arrived() > 0)
    f.end()


def switched_off():
    w = World(lambda ns: firewall.Fwd(ns, ["--offload", "off"]))
    w.fw.restore(4, "*filter\n-A FORWARD -s %s/26 -j DROP\nCOMMIT\n" % source(4, 0))
    Flood(w, 1000).join()
    check("--offload off: the kernel drops nothing by itself", offloaded(w) == (0, 0), offloaded(w))
    w.close()


def main():
    netns.need_root()
    netns.sweep()
    ours = World(lambda ns: firewall.Fwd(ns))
    oracle = World(firewall.Kernel)
    same_counters(ours, oracle)
    recent_list(ours, oracle)
    ours.close()
    oracle.close()
    ours = World(lambda ns: firewall.Fwd(ns))  # without the kernel's tracking
    for case in (edit, edits, recent, recent_ends, connection, told, restart, crash):
        case(ours)
    ours.close()
    switched_off()
    report.finish()


if __name__ == "__main__":
    main()
