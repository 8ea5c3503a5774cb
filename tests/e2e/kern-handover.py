#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# alone
"""kill -9 under traffic with a service manager that keeps our sockets: nothing is lost.

This test is the manager: it takes what fwd wants to have kept (FDSTORE=1 with descriptors), and
hands it to the next fwd (LISTEN_FDS, LISTEN_FDNAMES), in another order.
"""
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall
import flow
import netns
import report
import topo
from report import check

SERVER = "10.66.2.2"
RULES = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -p udp --dport 7001 -j DROP
-A FORWARD -p udp -m state --state NEW,ESTABLISHED -j ACCEPT
COMMIT
"""


class Managed(firewall.Fwd):
    """fwd as a service of a manager with a descriptor store."""

    def __init__(self, ns, *args):
        super().__init__(ns, args, start=False)
        self.store = {}  # name -> descriptor
        with open(os.path.join(self.dir, "rules.v4"), "w") as f:
            f.write(RULES)

    def start(self, timeout=20):
        path = os.path.join(self.dir, "notify")
        if os.path.exists(path):
            os.unlink(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.sock.settimeout(0.05)
        names = list(reversed(list(self.store)))
        moved = [os.dup(self.store[n]) for n in names]  # above 3 + n, whatever they were
        high = [os.dup2(fd, 100 + i, inheritable=False) for i, fd in enumerate(moved)]

        def hand_over():
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i, inheritable=True)

        env = dict(os.environ, NOTIFY_SOCKET=path)
        if names:
            env.update(LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
        with open(os.path.join(self.dir, "log"), "a") as log:
            self.proc = self.ns.popen(
                "sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh", firewall.FWD,
                "--socket", self.socket, "--state", self.state, "--rules", self.dir + "/rules.v4",
                "--rules6", self.dir + "/rules.v6", *self.args, stderr=log, stdout=log,
                stdin=subprocess.DEVNULL, env=env, preexec_fn=hand_over,
                pass_fds=range(3, 3 + len(names)))
        for fd in moved + high:
            os.close(fd)
        end = time.monotonic() + timeout
        while not self.listen():
            if self.proc.poll() is not None or time.monotonic() > end:
                raise RuntimeError("fwd is not ready:\n" + self.log())

    def listen(self):
        """Take in one notice; True: it was READY."""
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 4096, 16)
        except socket.timeout:
            return False
        words = dict(x.split("=", 1) for x in data.decode().splitlines())
        name = words.get("FDNAME")
        if words.get("FDSTORE") == "1":
            check("kept without being polled: " + name, words.get("FDPOLL") == "0", words)
            self.store[name] = fds[0]
        elif words.get("FDSTOREREMOVE") == "1" and name in self.store:
            os.close(self.store.pop(name))
        if words.get("BARRIER") == "1":
            os.close(fds[0])
        return words.get("READY") == "1"

    def hear(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.listen()

    def end(self):
        self.proc.send_signal(signal.SIGTERM)
        while self.proc.poll() is None:
            self.listen()
        self.hear(0.2)
        return netns.stop(self.proc)


def crashes(net, fail, queues):
    what = "%s, %s queue(s)" % (fail, queues)
    fw = Managed(net.router, "--fail", fail, "--queues", queues)
    fw.start()
    good = flow.Flow(net.client, net.server, SERVER, 7000).start()
    bad = flow.Flow(net.client, net.server, SERVER, 7001, pps=1000).start()
    good.more()
    kept = set(fw.store)
    for wait in (0.3, 0.02, 0, 0, 0, 0, 0, 0):
        netns.stop(fw.proc, signal.SIGKILL)
        time.sleep(wait)  # how long it stays dead
        fw.start()
        good.more()
    check(what + ": the same sockets are kept", set(fw.store) == kept and len(kept) == 2 +
          int(queues), (kept, set(fw.store)))
    check(what + ": packets pass", good.passing() > 1000)
    lost = good.stop()
    check(what + ": eight kill -9 at 10 kpps, none lost", lost == 0,
          "%d of %d\n%s" % (lost, good.sent, fw.log()))
    bad.stop()
    check(what + ": none passed that should not", not bad.got, len(bad.got))
    with net.router, open("/proc/thread-self/net/netfilter/nfnetlink_queue") as f:
        waiting = [x.split()[2] for x in f]
    check(what + ": none hangs", set(waiting) == {"0"}, waiting)
    check(what + ": a clean stop", fw.end() == 0, fw.log())
    check(what + ": leaves nothing in the store", not fw.store, fw.store)
    check(what + ": and no table", "fwdd" not in net.router.run("nft", "list", "tables").stdout)
    fw.close()


def other_queues(net):
    """The configuration changed while fwd was dead: its old queues are let go."""
    fw = Managed(net.router, "--queues", "1")
    fw.start()
    netns.stop(fw.proc, signal.SIGKILL)
    fw.args = ["--queues", "2"]
    fw.start()
    fw.hear(0.3)
    check("other queues: " + " ".join(sorted(fw.store)),
          set(fw.store) == {"fwd-nft", "fwd-ids", "fwd-queue-64000-64006", "fwd-queue-64001-64007"},
          fw.log())
    good = flow.Flow(net.client, net.server, SERVER, 7000).start()
    check("other queues: packets pass", good.passing() > 1000)
    good.stop()
    check("other queues: a clean stop", fw.end() == 0 and not fw.store, fw.store)
    fw.close()


def main():
    netns.need_root()
    net = topo.Routed()
    crashes(net, "closed", "1")
    crashes(net, "open", "2")
    other_queues(net)
    net.close()
    report.finish()


main()
