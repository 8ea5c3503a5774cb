#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""fwctl conn while the kernel tracks: the same connections as conntrack(8) shows, with their
translations; found by every key; gone from both tables when deleted.
"""
import json
import os
import re
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import topo  # noqa: E402

C, R1, R2, S = "10.66.1.2", "10.66.1.1", "10.66.2.1", "10.66.2.2"
RULES = """*nat
-A PREROUTING -i eth0 -d %s -p tcp --dport 8080 -j DNAT --to-destination %s:80
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
""" % (R1, S)


def lines(text):
    """Without what time and the number of users make of them."""
    text = re.sub(r"(?m)^((?:ipv\d +\d+ )?\w+ +\d+) \d+", r"\1 TIME", text)
    return sorted(re.sub(r" use=\d+", "", x).strip() for x in text.splitlines())


class Flows:
    """A translated TCP connection, a UDP exchange, an unanswered datagram, a ping over IPv6."""

    def __init__(self, net):
        with net.server:
            listener = socket.create_server(("", 80))
            echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            echo.bind(("", 53))
        with net.client:
            tcp = socket.create_connection((R1, 8080), timeout=2)
            udp, lost = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        udp.connect((S, 53))
        udp.send(b"x")
        data, peer = echo.recvfrom(64)
        echo.sendto(data, peer)
        udp.recv(64)
        lost.connect((S, 54))
        lost.send(b"x")
        lost.settimeout(2)
        try:
            lost.recv(64)
        except ConnectionRefusedError:
            pass  # nobody listens there
        net.client.run("ping", "-c1", "-W1", "fd66:2::2")
        self.port = tcp.getsockname()[1]
        self.sockets = [listener, listener.accept()[0], echo, tcp, udp, lost]

    def close(self):
        for s in self.sockets:
            s.close()


def keys(ask, port):
    """Who is found by which words: dport of each."""
    def found(words):
        return sorted(re.findall(r"dport=(\d+)", x)[0] for x in ask("list " + words).splitlines())
    return {words: found(words) for words in (
        "src %s proto tcp" % C, "dst " + R1, "dst %s/24" % R1, "reply-src " + S,
        "reply-dst %s" % R2, "reply-dst %s/31" % R2, "addr %s/32 proto udp" % S, "addr 192.0.2.1",
        "dport 8080", "port 80", "port %d" % port, "sport %d status dnat" % port, "status snat",
        "status dnat", "status unreplied proto udp", "status replied status unassured family 4",
        "state ESTABLISHED", "state TIME_WAIT", "mark 1", "mark 0 dport 53")}


def in_a_zone(net, fw):
    """A datagram that CT puts into a zone: what the kernel knows, how many go, what it knows."""
    fw.restore(4, RULES.replace("*nat", "*raw\n-A PREROUTING -p udp -j CT --zone 5\nCOMMIT\n*nat"))
    with net.client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", (S, 55))
    fw.settle()

    def kernel():
        return "".join(re.findall("dport=55 ", net.router.run("conntrack", "-L", "-w", "5").stdout))
    before = kernel()
    return before, int(fw.ctl("conn", "delete", "dport", "55").stdout), kernel()


def main():
    netns.need_root()
    netns.sweep()
    c = hosts.Checks()
    net = topo.Routed()
    fw = firewall.Fwd(net.router)
    fw.restore(4, RULES)
    fw.restore(6, "*filter\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n")
    flows = Flows(net)

    def ask(words):
        return fw.ctl("conn", *words.split()).stdout

    def kernel(*words):
        return net.router.run("conntrack", *words).stdout

    c.equal("listed as conntrack lists", lines(ask("list")), lines(kernel("-L")))
    c.equal("extended", lines(ask("list -o extended")), lines(kernel("-L", "-o", "extended")))
    c.equal("count", (ask("count"), ask("count proto udp")), ("4\n", "2\n"))
    one, = [json.loads(x) for x in ask("list -o json dport 8080").splitlines()]
    c.equal("JSON", (one["orig"]["dst"], one["reply"]["src"], one["reply"]["dst"], one["snat"],
                     one["dnat"], one["state"]), (R1, S, R2, True, True, "ESTABLISHED"))
    c.equal("keys", keys(ask, flows.port), {
        "src %s proto tcp" % C: ["8080"], "dst " + R1: ["8080"], "dst %s/24" % R1: ["8080"],
        "reply-src " + S: ["53", "54", "8080"], "reply-dst %s" % R2: ["53", "54", "8080"],
        "reply-dst %s/31" % R2: ["53", "54", "8080"], "addr %s/32 proto udp" % S: ["53", "54"],
        "addr 192.0.2.1": [], "dport 8080": ["8080"], "port 80": ["8080"],
        "port %d" % flows.port: ["8080"], "sport %d status dnat" % flows.port: ["8080"],
        "status snat": ["53", "54", "8080"], "status dnat": ["8080"],
        "status unreplied proto udp": ["54"], "status replied status unassured family 4": ["53"],
        "state ESTABLISHED": ["8080"], "state TIME_WAIT": [], "mark 1": [],
        "mark 0 dport 53": ["53"]})
    for words in ("list addr 10.0.0.0/33", "list status odd", "list addr 1.1.1.1 family 6",
                  "count mark x", "list nothing 5"):
        c.true("refused: " + words, fw.ctl("conn", *words.split(), check=False).returncode)
    c.equal("delete", ask("delete proto udp dport 54"), "1\n")
    c.true("the kernel has forgotten it", "dport=54 " not in kernel("-L"))
    c.equal("flush", ask("flush"), "3\n")
    c.equal("the kernel has forgotten all", kernel("-L"), "")
    c.equal("deleted in a zone", in_a_zone(net, fw), ("dport=55 ", 1, ""))
    flows.close()
    fw.close()
    net.close()
    return c.finish()


if __name__ == "__main__":
    sys.exit(main())
