#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The first start on a busy host cuts nothing: connections that the kernel's iptables has tracked and
translated until now go on, though fwd's rules accept nothing but what is established.  So do those
over another life of fwd, and over one that the kernel's table does not survive (a reboot).
"""
import os
import signal
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import topo  # noqa: E402

C, R1, S = "10.66.1.2", "10.66.1.1", "10.66.2.2"
TRACK = "*filter\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n"
NAT = """*nat
-A PREROUTING -i eth0 -d %s -j DNAT --to-destination %s
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
""" % (R1, S)
HELPER = "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
CLOSED = """*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack --ctstate NEW
-A FORWARD -m conntrack --ctstate INVALID
COMMIT
"""


class Talk:
    """A TCP and a UDP connection from the client, there and back."""

    def __init__(self, net, to):
        with net.server:
            listener = socket.create_server(("", 80), reuse_port=True)
            self.udp_there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp_there.bind(("", 53))
        with net.client:
            self.tcp = socket.create_connection((to, 80), timeout=2)
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.connect((to, 53))
        self.tcp_there, self.peer = listener.accept()
        listener.close()
        self.udp_peer = None
        for s in (self.tcp, self.tcp_there, self.udp, self.udp_there):
            s.settimeout(1)

    def go_on(self):
        """What arrives of a few exchanges, the server speaking first on the second round."""
        out = []
        for n in range(3):
            for a, b in ((self.tcp, self.tcp_there), (self.tcp_there, self.tcp))[::-1 if n else 1]:
                out.append(self.say(a, b, b"x" * 3000))
            try:
                self.udp.send(b"there")
                data, peer = self.udp_there.recvfrom(64)
                self.udp_there.sendto(data, peer)
                out.append(self.udp.recv(64) == data and peer in (self.udp_peer or peer, peer))
                self.udp_peer = peer
            except OSError as e:
                out.append(str(e))
        return out

    @staticmethod
    def say(a, b, data):
        try:
            a.sendall(data)
            left = len(data)
            while left:
                left -= len(b.recv(left)) or left + 1
            return left == 0
        except OSError as e:
            return str(e)

    def close(self):
        for s in (self.tcp, self.tcp_there, self.udp, self.udp_there):
            s.close()


def first_start(net, checks, name, legacy, rules, to):
    old = firewall.Kernel(net.router)
    for text in legacy:
        old.restore(4, text)
    talk = Talk(net, to)
    checks.true(name + ": they speak before", all(x is True for x in talk.go_on()))
    fw = firewall.Fwd(net.router, start=False)
    with open(os.path.join(fw.dir, "rules.v4"), "w") as f:
        f.write("".join(rules))
    for table in ("filter", "nat"):
        net.router.run("iptables-legacy", "-t", table, "-F", env=old.env())
    fw.start()
    go_on(checks, name, fw, talk)
    talk.close()
    return fw, old


def go_on(checks, name, fw, talk):
    checks.equal(name + ": they go on", talk.go_on(), [True] * 9)
    fw.settle()
    counted = {x.rpartition(" ")[2]: x.partition(":")[0] for x in fw.save(4).splitlines()
               if x.startswith("[") and "ACCEPT" not in x and "FORWARD" in x}
    checks.equal(name + ": nothing is NEW or INVALID", counted, {"NEW": "[0", "INVALID": "[0"})


def again(net, checks, name, how):
    """The same over another life of fwd."""
    fw = firewall.Fwd(net.router)
    fw.restore(4, HELPER)
    fw.restore(4, NAT)
    talk = Talk(net, R1)
    checks.true(name + ": they speak before", all(x is True for x in talk.go_on()))
    fw.restore(4, CLOSED)
    if how == "restart":
        fw.ctl("restart")
    else:
        fw.stop(signal.SIGKILL if how == "crash" else signal.SIGTERM)
        if how == "reboot":
            net.router.run("conntrack", "-F", check=False)
        fw.start()
    go_on(checks, name, fw, talk)
    fw.restore(4, HELPER.replace("ftp", "irc"))
    talk.close()
    return fw, fw


CASES = (
    (first_start, "tracked", (TRACK,), (CLOSED,), S),
    (first_start, "translated", (TRACK, NAT), (NAT, CLOSED), R1),
    (first_start, "translated, and fwd has no rule that does", (TRACK, NAT), (CLOSED,), R1),
    (again, "stop and start", "stop"),
    (again, "restart in place", "restart"),
    (again, "crash", "crash"),
    (again, "reboot", "reboot"),
)


def main():
    netns.need_root()
    netns.sweep()
    checks = hosts.Checks()
    for what, *args in CASES:
        net = topo.Routed()
        made = what(net, checks, *args)
        for fw in made:
            fw.close()
        net.close()
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
