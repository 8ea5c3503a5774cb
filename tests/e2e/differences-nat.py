# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""docs/differences.md, of rules that translate, for whose sake the kernel tracks, too."""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import beside  # noqa: E402
import firewall  # noqa: E402
import hosts  # noqa: E402
import pkt  # noqa: E402
from beside import CLIENT, send, syn, udp  # noqa: E402

ROUTER = "10.77.1.1"
GRE = 47
NETLINK_NETFILTER, EXPECTATIONS_NEW = 12, 4  # protocol; group (NFNLGRP_CONNTRACK_EXP_NEW)


def test_kernel_conntrack_while_translating(both, c):
    def what(w):
        w.listen(80)
        w.sh("iptables -t nat -A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 80")
        return w.tcp(81), int(w.host.run("conntrack", "-C").stdout)
    c.equal("a translated connection", both.hosts(what), (("open", 1), ("open", 1)))


def test_ctexpire_goes_by_our_timeouts(both, c):
    def what(r):
        r.ns.sysctl(netfilter__nf_conntrack_udp_timeout=100)
        r.fw.restore(4, "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
                        "*filter\n-A FORWARD -m conntrack --ctexpire 90:110\nCOMMIT\n")
        send(r, udp())
        send(r, udp())
        return beside.packets(r.fw, "--ctexpire 90:110")
    c.equal("some hundred seconds are left", both.routers(what), (1, 0))


def call(there, here):
    """A client of PPTP opens a tunnel: its packets have call number 88, the answers 77."""
    for s, other, kind, body in (
            (there, here, 1, struct.pack("!HHIIHH", 0x100, 0, 3, 3, 0, 0) + bytes(128)),
            (here, there, 2, struct.pack("!HBBIIHH", 0x100, 1, 0, 3, 3, 0, 0) + bytes(128)),
            (there, here, 7, struct.pack("!HHIIIIHHHH", 77, 1, 0, 0, 3, 3, 0, 0, 0, 0) + bytes(128)),
            (here, there, 8, struct.pack("!HHBBHIHHI", 88, 77, 1, 0, 0, 1000, 64, 0, 0))):
        s.sendall(struct.pack("!HHIHH", 12 + len(body), 1, 0x1a2b3c4d, kind, 0) + body)
        other.recv(256)


def test_gre_of_pptp(both, c):
    def what(w):
        w.fw.restore(4, "*raw\n-A PREROUTING -p tcp --dport 1723 -j CT --helper pptp\nCOMMIT\n"
                        "*filter\n-A INPUT -p 47 -m helper --helper pptp\n"
                        "-A OUTPUT -p 47 -m helper --helper pptp\n"
                        "-A OUTPUT -p 47 -m conntrack --ctstate ESTABLISHED\nCOMMIT\n")
        listener = w.listen(1723)
        with w.peer:
            there = socket.create_connection((hosts.V4, 1723), timeout=2)
            far = socket.socket(socket.AF_INET, socket.SOCK_RAW, GRE)
        here = listener.accept()[0]
        with w.host:
            near = socket.socket(socket.AF_INET, socket.SOCK_RAW, GRE)
        with there, here, far, near:
            for s in (here, far, near):
                s.settimeout(2)
            call(there, here)
            for s, other, to, number in ((far, near, hosts.V4, 88), (near, far, hosts.PEER4, 77)):
                s.sendto(struct.pack("!HHHHI", 0x3001, 0x880b, 0, number, 1), (to, 0))
                other.recv(256)
            w.fw.settle()
        return [beside.packets(w.fw, words) for words in (
            "-A INPUT -p gre -m helper --helper pptp", "-A OUTPUT -p gre -m helper --helper pptp",
            "--ctstate ESTABLISHED")]
    c.equal("packets of a tunnel", both.hosts(what), ([1, 1, 1], [1, 0, 1]))


def test_errors_about_first_packets_pass(both, c):
    def what(r):
        r.fw.restore(4, "*nat\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n"
                        "*filter\n-A OUTPUT -p icmp -j DROP\nCOMMIT\n")
        lost = pkt.ip4(CLIENT, "10.99.1.1", 17, pkt.udp(CLIENT, "10.99.1.1", 5000, 53, b"x"))
        spent = udp(ttl=1)
        return [len(send(r, p)["eth0"]) for p in (lost, spent)]
    c.equal("errors: no route, no hop left", both.routers(what), ([0, 0], [1, 0]))


def test_assigned_packets_do_not_wait(both, c):
    def what(r):
        r.fw.restore(4, "*raw\n-A PREROUTING -p udp --dport 54 -j CT --ctevents new\nCOMMIT\n"
                        "*nat\n-A PREROUTING -p udp -j DNAT --to-destination %s\nCOMMIT\n"
                        "*filter\n-A FORWARD\nCOMMIT\n" % beside.SERVER)
        for port in (53, 54):
            if isinstance(r.fw, firewall.Fwd):
                r.fw.pause()  # so that all are there when the first is read
            for _ in range(20):
                packet = pkt.ip4(CLIENT, ROUTER, 17, pkt.udp(CLIENT, ROUTER, 5000, port, b"x"))
                r.ports["eth0"].send(pkt.ether(r.MAC["eth0"], r.host_mac(1, 10), packet))
            if isinstance(r.fw, firewall.Fwd):
                r.fw.resume()
            r.fw.settle()
            yield beside.packets(r.fw, "-j DNAT --to-destination " + beside.SERVER)
    kernel, ours = both.routers(lambda r: list(what(r)))
    c.equal("translations of 20 packets, and of 20 that CT has to do with", kernel, [1, 2])
    c.equal("where the first waits in the queue", ours, [1, 21])


def test_errors_about_resets_begin_nothing(both, c):
    translation = "*nat\n-A PREROUTING -s 203.0.113.1/32 -j REDIRECT\nCOMMIT\n"

    def what(r, chain, text):
        r.fw.restore(4, text + "*filter\n-A INPUT -m conntrack --ctstate ESTABLISHED\n"
                        "-A OUTPUT -p tcp -m length --length 41:1500 -j REJECT --reject-with tcp-reset\n"
                        "-A %s -p tcp -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n" % chain)
        r.raw.send(pkt.ip4(ROUTER, CLIENT, 6, pkt.tcp(ROUTER, CLIENT, 5000, 80, flags=pkt.ACK,
                                                      data=b"data")))
        r.fw.settle()
        send(r, pkt.ip4(CLIENT, ROUTER, 6, pkt.tcp(CLIENT, ROUTER, 80, 5000, flags=pkt.ACK)))
        return beside.packets(r.fw, "-A INPUT -m conntrack --ctstate ESTABLISHED")
    for chain in ("OUTPUT", "INPUT"):
        about = "answers to a packet whose reset %s rejects" % chain
        c.equal(about + ", while rules translate",
                both.routers(lambda r: what(r, chain, translation)), (1, 0))
        c.equal(about, both.routers(lambda r: what(r, chain, "")), (1, 1))


def test_led_to_the_same_end(both, c):
    """One port's packets to two addresses of a server, one after the other, and then at once."""
    def what(r):
        old, new, server = "10.77.2.25", "10.77.2.26", beside.SERVER
        r.fw.restore(4, "*nat\n-A PREROUTING -d %s -j DNAT --to-destination %s\n"
                        "-A PREROUTING -d %s -j DNAT --to-destination %s\n"
                        "-A POSTROUTING -j MASQUERADE\nCOMMIT\n*mangle\n-A PREROUTING\nCOMMIT\n"
                        "*filter\n-A FORWARD -m conntrack --ctorigdst %s\n"
                        "-A FORWARD -m conntrack --ctorigdst %s\nCOMMIT\n"
                        % (old, server, new, server, old, new))
        ask = [pkt.ip4(CLIENT, to, 17, pkt.udp(CLIENT, to, 5000, 53, b"x")) for to in (old, new)]
        out = []
        for at_once in (False, False, True):
            if at_once and isinstance(r.fw, firewall.Fwd):
                r.fw.pause()
            for packet in ask:
                r.ports["eth0"].send(pkt.ether(r.MAC["eth0"], r.host_mac(1, 10), packet))
                if not at_once:
                    r.fw.settle()
            if at_once and isinstance(r.fw, firewall.Fwd):
                r.fw.resume()
            r.fw.settle()
            out.append([beside.packets(r.fw, "--ctorigdst " + to) for to in (old, new)])
        return out
    c.equal("whose packets they are", both.routers(what), ([[1, 1], [2, 2], [3, 3]],
                                                           [[1, 1], [2, 2], [2, 4]]))


def test_saved_shifts_are_read(both, c):
    line = "iptables -t nat -A %s -p tcp -j %s"
    lines = [line % ("PREROUTING", "DNAT --to-destination 10.0.0.1:80/300"),
             line % ("POSTROUTING", "SNAT --to-source 10.0.0.1:100-200/0")]
    c.equal("exit codes of saved port shifts", both.hosts(lambda w: [w.sh(x)[0] for x in lines]),
            ([2, 2], [0, 0]))


def pkt_port(packet):
    """Of TCP over IPv4: where to."""
    return int.from_bytes(packet[22:24], "big")


def test_shifts_stop_at_their_last_port(both, c):
    def what(r):
        r.fw.restore(4, "*nat\n-A PREROUTING -p tcp -j DNAT --to-destination :7000-7006/7778\n"
                        "COMMIT\n")
        return [[pkt_port(x) for x in send(r, syn(port))["eth1"]]
                for port in (7783, 7790, 7784, 7791)]
    kernel, ours = both.routers(what)
    c.equal("ports of a shift", kernel, [[7005], [7006], [7000], [7001]])
    c.equal("ports of a shift, here", ours, [[7005], [7006], [7006], [7006]])


def told(listener):
    try:
        return len(listener.recv(65536)) > 0
    except BlockingIOError:
        return False


def expect_data(r):
    """A client of FTP says where it wants data to come; the helper wants another line before."""
    server, port, seq = beside.SERVER, 5000, 1000
    send(r, syn(21))
    send(r, pkt.ip4(server, CLIENT, 6, pkt.tcp(server, CLIENT, 21, port, pkt.SYN | pkt.ACK,
                                               seq=9000, ack=seq + 1)), "eth1", (2, 20))
    for data in (b"", b"USER me\r\n", b"PORT 10,77,1,10,4,1\r\n"):
        send(r, pkt.ip4(CLIENT, server, 6, pkt.tcp(CLIENT, server, port, 21, pkt.ACK,
                                                   seq=seq + 1, ack=9001, data=data)))
        seq += len(data)


def test_expectations_are_told(both, c):
    def what(r):
        out = []
        for events in ("--expevents new", "--ctevents new"):
            with r.ns, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as s:
                s.bind((0, 1 << EXPECTATIONS_NEW - 1))
                s.setblocking(False)
                r.fw.restore(4, "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp %s\n"
                                "COMMIT\n" % events)
                expect_data(r)
                out.append(told(s))
            r.ns.run("conntrack", "-D", check=False)
        return out
    c.equal("events of expectations", both.routers(what), ([True, False], [True, True]))


def test_nat_policies_stand_still(both, c):
    def what(w):
        w.listen(80)
        w.sh("iptables -t nat -P PREROUTING ACCEPT; iptables -t nat -L -n; "
             "iptables -A INPUT -m state --state NEW")
        w.tcp(80)
        return ":PREROUTING ACCEPT [1:60]" in w.sh("iptables-save -c -t nat")[1]
    c.equal("nat's policy counted a connection", both.hosts(what), (True, False))


if __name__ == "__main__":
    beside.run(globals())
