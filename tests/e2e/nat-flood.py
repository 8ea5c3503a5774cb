#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# alone
"""A flood whose first packets always die in the kernel, with rules of nat: each of its packets begins
its connection anew, and all but the first come while it is under way, so they would wait for it
(daemon/kernel/wait.c).  Only so many do, and others' connections come up.

How many may is a matter of time, so time is measured here; how fast the machine is is not.
"""
import os
import re
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import topo  # noqa: E402
import wait  # noqa: E402

S, OTHER, ASKED, DEAD = "10.66.2.2", "10.66.1.3", "192.0.2.5", "10.99.9.9"
RATE, BURST = 10000, 1000  # wait.c: MOST_VISITS
FLOWS, CONNECTIONS = 4, 3
OTHERS = 100  # visits of connections, at most
TELLING = 2  # so many times what may wait must have come, or none could tell that from all
PATIENCE = 30
DNAT = "-A PREROUTING -d %s/32 -i eth0 -j DNAT --to-destination %s" % (ASKED, DEAD)
RULES = "*nat\n%s\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n" % DNAT
FLOOD = os.path.join(firewall.BUILD, "bench", "udp-flood")


def visits(fw):
    """Packets that the kernel has handed over, those that went round each time."""
    with open("/proc/%d/net/netfilter/nfnetlink_queue" % fw.proc.pid) as f:
        rows = [[int(x) for x in line.split()] for line in f]
    return sum(r[7] - r[6] for r in rows)  # the last one's number, and those that did not arrive


class Flood:
    """Runs until it is told to stop.  A visit that its packets need is that of PREROUTING in nat,
    where each of them is a connection's first one: the rule has counted them."""

    def __init__(self, net, fw):
        self.fw, self.needed, self.seconds = fw, 0, 0
        fw.ns.ip("route add blackhole " + DEAD)
        fw.settle()
        self.before, self.begin = visits(fw), time.monotonic()
        self.proc = net.client.popen(FLOOD, ASKED, str(10 * PATIENCE), str(FLOWS),
                                     stdout=subprocess.DEVNULL)

    def look(self):
        saved = self.fw.save(4)
        self.needed = int(re.search(r"^\[(\d+):\d+\] %s$" % re.escape(DNAT), saved, re.M).group(1))
        self.seconds = time.monotonic() - self.begin

    def may_wait(self):
        return int(BURST + RATE * self.seconds)

    def tells(self):
        self.look()
        return self.seconds > 1 and self.needed > TELLING * self.may_wait()

    def runs(self):
        return self.proc.poll() is None

    def stop(self):
        """Returns the visits beyond those that were needed."""
        netns.stop(self.proc)
        self.fw.settle(PATIENCE)
        self.look()
        return visits(self.fw) - self.before - self.needed


def limits(fw):
    """The rules of nft's by which packets come to wait, and those among them that have our limit."""
    text = fw.ns.run("nft", "list", "table", "inet", "fwdd").stdout
    waiting = [x for x in text.splitlines() if re.search(r"@begun[46]\b.*goto judge", x)]
    has = "limit rate %d/second burst %d packets" % (RATE, BURST)
    return waiting, [x for x in waiting if has in x]


def connect(net, listener):
    """Who the connection comes from, and what comes back.  A SYN that finds the queue full is sent
    again."""
    with net.client:
        s = socket.socket(socket.AF_INET)
    with s:
        s.bind((OTHER, 0))
        s.settimeout(PATIENCE)
        s.connect((S, 80))
        a, peer = listener.accept()
        with a:
            a.settimeout(PATIENCE)
            s.sendall(b"there")
            a.sendall(a.recv(16) + b" and back")
            return peer[0], s.recv(64)


def flooded(net, fw, listener, checks):
    flood = Flood(net, fw)
    wait.must("the flood is there", lambda: flood.look() or flood.needed > BURST, PATIENCE)
    for _ in range(CONNECTIONS):
        checks.equal("another's connection", connect(net, listener),
                     ("10.66.2.1", b"there and back"))
    checks.true("they were made while the flood ran", flood.runs())
    wait.until(flood.tells, PATIENCE)
    beyond = flood.stop()
    said = "%d packets in %.1f s: %d visits beyond these, %d may be" % (
        flood.needed, flood.seconds, beyond, flood.may_wait())
    print(said, flush=True)
    checks.true("fast enough to tell whether all wait: " + said,
                flood.needed > TELLING * flood.may_wait())
    checks.true("some wait: " + said, beyond > BURST / 2)
    checks.true("not more than may: " + said, beyond <= flood.may_wait() + OTHERS)


def main():
    netns.need_root()
    netns.sweep()
    checks = hosts.Checks()
    net = topo.Routed()
    net.client.ip("addr add %s/24 dev eth0" % OTHER)
    with net.server:
        listener = socket.create_server((S, 80))
    listener.settimeout(PATIENCE)
    with firewall.Fwd(net.router) as fw:
        fw.restore(4, RULES)
        waiting, limited = limits(fw)
        checks.true("packets come to wait", waiting)
        checks.equal("each rule by which they do has a limit", limited, waiting)
        flooded(net, fw, listener, checks)
        checks.equal("fwd ends", fw.stop(), 0)
    listener.close()
    net.close()
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
