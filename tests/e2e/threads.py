# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything at once: packets over several queues while clients edit, restore, zero, list, flush and
scrape, and a translation makes the kernel track.  No packet is lost, and none is counted twice or not
at all: what was zeroed, and what is left, is what was sent.

With a build of -Db_sanitize=thread (./check has one) the sanitizer must have nothing to say, either.
"""
# timeout: 240
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import spread  # noqa: E402
import topo  # noqa: E402
import wait  # noqa: E402

ROUNDS, RULES = 400, 2000
OURS = "-p udp -m udp --dport %d" % spread.PORT
# what rules share with those before and behind an edit, asked for every packet
SHARED = "".join("-A FORWARD %s -m %s\n" % (OURS, x) for x in (
    "hashlimit --hashlimit-above 9/s --hashlimit-mode srcip --hashlimit-name all",
    "statistic --mode random --probability 0.5", "limit --limit 100/s"))
ACCEPT = "-A FORWARD %s -m recent --name seen --set -j ACCEPT\n" % OURS
COUNT = "*mangle\n-A FORWARD %s\nCOMMIT\n" % OURS  # nobody touches it, but for zeroing


def rules(n):
    return "*filter\n%s-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n%sCOMMIT\n" % (
        SHARED + ACCEPT, "".join("-A FORWARD -s 10.%d.%d.%d/32 -m limit --limit 5/s -j DROP\n"
                        % (n % 100, k >> 8, k & 255) for k in range(RULES)))


class Client(threading.Thread):
    """Does all of its steps, ROUNDS times."""

    def __init__(self, fwd, *steps):
        super().__init__(daemon=True)
        self.fwd, self.steps, self.failed, self.counted = fwd, steps, None, 0

    def run(self):
        try:
            for n in range(ROUNDS):
                for step in self.steps:
                    step(self, n)
        except Exception as e:  # noqa: BLE001: told by the main thread
            self.failed = repr(e)

    def ask(self, line, body=""):
        return control.ask(self.fwd.socket, line, body, timeout=60)


def edit(c, n):
    control.edit(c.fwd.socket, "-I FORWARD %d -s 192.0.2.%d/32 -j DROP" % (1 + n, n % 250))
    control.edit(c.fwd.socket, "-D FORWARD -s 192.0.2.%d/32 -j DROP" % (n % 250))


def zero(c, n):
    """… and what it was."""
    text = c.ask("save 4 counters zero table mangle")
    c.counted += int(re.search(r"^\[(\d+):\d+\] -A FORWARD", text, re.M).group(1))


def look(c, n):
    for line in ("save 4 counters", "conn list", "conn count", "recent list seen", "metrics", "drops 9"):
        c.ask(line)


def restore(c, n):
    if n % 6 == 0:
        c.ask("restore 4 noflush", "*filter\n-F FORWARD\n" + rules(n).split("\n", 1)[1])


def flush(c, n):
    c.ask("recent flush seen")
    c.ask("conn flush")


def translate(c, n):
    """From here on the kernel tracks."""
    if n == ROUNDS // 2:
        control.edit(c.fwd.socket, "-A POSTROUTING -s 10.99.0.0/16 -j MASQUERADE", table="nat")


def main():
    netns.need_root()
    netns.sweep()
    net = topo.Routed()
    with firewall.Fwd(net.router, args=["--queues", "2", "--snapshot-interval", "1"],
                      start=False) as fwd:
        fwd.start(60)
        control.ask(fwd.socket, "restore 4", rules(0))
        control.ask(fwd.socket, "restore 4 noflush", COUNT)
        flow = spread.Spread(net, 1000)
        flow.start()
        wait.must("packets come", flow.came)
        clients = [Client(fwd, edit, restore), Client(fwd, zero, translate), Client(fwd, look),
                   Client(fwd, flush)]
        for c in clients:
            c.start()
        for c in clients:
            c.join()
        failed = [c.failed for c in clients if c.failed]
        sent = flow.end()
        fwd.settle()
        assert not failed, failed
        zero(clients[1], 0)
        assert flow.came() == sent, "%d of %d packets came" % (flow.came(), sent)
        assert clients[1].counted == sent, "%d of %d packets were counted" % (clients[1].counted, sent)
        assert fwd.stop() == 0
        assert "Sanitizer" not in fwd.log(), fwd.log()[-5000:]
        print("%d packets, %d rounds of %d clients" % (sent, ROUNDS, len(clients)))
    net.close()


main()
