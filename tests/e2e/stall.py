# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets wait for no edit, and for nothing else long; what was in force gives its memory back.

Beside a flow over several queues 100,000 rules are edited a thousand times: the policy drops, one rule
accepts the flow, and every edit takes it away and puts its like elsewhere.  A packet that is lost was
judged by half an edit.

How long packets can be kept from the engine is told by tests/tools/lockprobe.c: CPU time, of the
least of three tries, for what else happens on the machine is charged to whom it interrupts.
"""
# timeout: 400
# alone
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import spread  # noqa: E402
import topo  # noqa: E402
import wait  # noqa: E402

RULES, EDITS, RESTORES = 100000, 1000, 50
ENTRIES = 20000  # of a recent list, and flows
LONGEST = 1000000  # ns; the longest is a tenth of it
ACCEPT = "FORWARD%s -p udp -m udp --dport " + str(spread.PORT) + " -j ACCEPT"
PROBE = os.path.join(firewall.BUILD, "tests", "tools", "lockprobe.so")


class Probed(firewall.Fwd):
    """The daemon with the probe; longest() and holds since the last reset()."""

    def start(self, timeout=20):
        self.probe = os.path.join(self.dir, "probe")
        self.prefix = ["env", "LD_PRELOAD=" + PROBE, "LOCKPROBE=" + self.probe]
        super().start(timeout)

    def figures(self):
        with open(self.probe, "rb") as f:
            return struct.unpack("=QQ", f.read(16))

    def longest(self, what, *args):
        """Do it three times; the least of the longest holds, and the most holds."""
        tries = []
        for _ in range(3):
            with open(self.probe, "r+b") as f:
                f.write(bytes(16))
            what(*args)
            tries.append(self.figures())
        return min(t[0] for t in tries), max(t[1] for t in tries)

    def rss_kib(self):
        with open("/proc/%d/status" % self.proc.pid) as f:
            return next(int(x.split()[1]) for x in f if x.startswith("VmRSS:"))


def rules(first=0, target="DROP", extra=""):
    return "*filter\n:FORWARD DROP [0:0]\n-A %s\n%s%s%sCOMMIT\n" % (
        ACCEPT % "", "-A FORWARD -p udp --dport 9 -m recent --name seen --set\n",
        "-A FORWARD -p udp --dport 9 -m conntrack --ctstate NEW -j ACCEPT\n",
        "".join("-A FORWARD -s 172.%d.%d.%d/32 -p tcp -m tcp --dport 80 %s-j %s\n"
                % (16 + (n >> 16), n >> 8 & 255, n & 255, extra, target)
                for n in range(first, first + RULES)))


def nat_rules():
    return "*nat\n%sCOMMIT\n" % "".join(
        "-A POSTROUTING -s 10.%d.%d.%d/32 -j SNAT --to-source 10.66.2.1\n"
        % (128 + (n >> 16), n >> 8 & 255, n & 255) for n in range(RULES))


def restore(fwd, text, flags=""):
    control.ask(fwd.socket, "restore 4 " + flags, text, timeout=120)


def queues_used(fwd):
    lines = control.ask(fwd.socket, "metrics").splitlines()
    return sum(x.startswith("fwd_packets_total{") and 'verdict="accept"' in x and
               not x.endswith(" 0") for x in lines)


def edited_beside_packets(net, fwd):
    restore(fwd, rules())
    move = "-D %s\n-I %s" % (ACCEPT % "", ACCEPT % " %d")
    flow = spread.Spread(net)
    flow.start()
    wait.must("packets come", flow.came)
    for n in range(EDITS):
        control.edit(fwd.socket, move % (1 + n * 7919 % RULES))
    sent = flow.end()
    fwd.settle()
    assert sent >= EDITS, "the flow was over too soon: %d packets" % sent
    assert queues_used(fwd) > 1, "one queue got all packets"
    lost = sent - flow.came()
    assert not lost, "%d of %d packets were lost by %d edits" % (lost, sent, EDITS)
    print("%d edits, %d packets, none lost" % (EDITS, sent))


def many_sources(net, fwd):
    """A packet each from ENTRIES addresses: an entry and a flow each."""
    with net.client:
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for n in range(ENTRIES):
        src = struct.pack("!I", (10 << 24 | 64 << 16) + n)
        dst = socket.inet_aton("10.66.2.2")
        s.sendto(struct.pack("!BBHHHBBH4s4sHHHH", 0x45, 0, 28, 0, 0, 64, 17, 0, src, dst, 1024, 9,
                             8, 0), ("10.66.2.2", 0))
        if n % 500 == 0:
            fwd.settle()  # the queue has an end
    s.close()


def entries(fwd):
    return control.ask(fwd.socket, "recent list seen").count("\n")


def short_holds(net, fwd):
    """What once kept packets waiting for milliseconds each."""
    def ask(*words):
        control.ask(fwd.socket, " ".join(words), timeout=60)

    def flush():
        many_sources(net, fwd)
        fwd.settle()
        assert entries(fwd) == ENTRIES
        ask("recent", "flush", "seen")
        assert entries(fwd) == 0
        ask("conn", "flush")

    restore(fwd, rules())
    many_sources(net, fwd)
    fwd.settle()
    assert entries(fwd) == ENTRIES
    for what, holds, step in (
            ("-Z", RULES // 1000, lambda: control.edit(fwd.socket, "-Z")),
            ("save … zero", RULES // 1000, lambda: ask("save 4 counters zero")),
            ("recent list", ENTRIES // 1000, lambda: ask("recent list seen")),
            ("conn list", ENTRIES // 1000, lambda: ask("conn list")),
            ("recent flush, conn flush", ENTRIES // 1000, flush),
            ("rules with limits", RULES // 1000, lambda: (
                restore(fwd, rules(extra="-m limit --limit 5/s ")), restore(fwd, rules()))),
            ("translations", 1, lambda: restore(fwd, nat_rules(), "noflush"))):
        longest, n = fwd.longest(step)
        print("%-26s %6d holds, the longest %4d us" % (what, n, longest // 1000))
        assert n >= holds, "%s: %d holds, so it is not them that were measured" % (what, n)
        assert longest <= LONGEST, "%s: packets waited for %d us" % (what, longest // 1000)


def memory(fwd):
    """What an allocator keeps at most, it has kept after a few, or nearly; were a ruleset kept at
    each restore, it would be many times that."""
    def some(n):
        for k in range(n):
            restore(fwd, rules(k % 2 * RULES))
            for i in range(EDITS // RESTORES):
                control.edit(fwd.socket, "-I FORWARD %d -s 192.0.2.%d/32 -j DROP" % (i * 997 + 1, i))
        return fwd.rss_kib()

    empty = fwd.rss_kib()
    before = some(5)
    after = some(RESTORES)
    print("%d KiB, and %d after %d restores and %d edits" % (before, after, RESTORES, EDITS))
    assert after <= before * 1.25, "memory grew from %d to %d KiB" % (before, after)
    control.ask(fwd.socket, "restore 4", "*filter\nCOMMIT\n")
    wait.must(lambda: "%d KiB at first, %d with many rules, %d without" %
              (empty, after, fwd.rss_kib()),
              lambda: fwd.rss_kib() < empty + (after - empty) // 4)


def main():
    netns.need_root()
    netns.sweep()
    net = topo.Routed()
    with Probed(net.router, args=["--queues", "2", "--recent-entries", str(ENTRIES),
                                  "--snapshot-interval", "0"]) as fwd:
        edited_beside_packets(net, fwd)
        short_holds(net, fwd)
    with firewall.Fwd(net.router, args=["--snapshot-interval", "0"]) as fwd:
        fwd.rss_kib = lambda: Probed.rss_kib(fwd)
        memory(fwd)
    net.close()


main()
