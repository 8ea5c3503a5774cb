# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""docs/differences.md, of packets that are put together, cut, changed or answered."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import beside  # noqa: E402
import hosts  # noqa: E402
import pkt  # noqa: E402
import wire  # noqa: E402
from beside import CLIENT, SERVER, packets, send, udp  # noqa: E402


def test_fragments_stay_whole(both, c):
    frags = [pkt.ip4(CLIENT, SERVER, 17, part, ident=7, off=off, mf=off == 0)
             for off, part in ((0, pkt.udp(CLIENT, SERVER, 1, 53, b"f" * 56)[:32]),
                               (32, b"f" * 32))]

    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -m state --state NEW\nCOMMIT\n")
        r.fw.restore(4, "*filter\n-A FORWARD -f\nCOMMIT\n")
        for f in frags:
            send(r, f)
        return packets(r.fw, "-A FORWARD -f")
    c.equal("later fragments seen after tracking was on", both.routers(what), (1, 0))


def test_changed_fragments_are_cut_anew(both, c):
    body = pkt.udp(CLIENT, SERVER, 1, 53, b"f" * 392)  # 400 bytes: 64, 80 and the rest
    cuts = [(0, 64), (64, 144), (144, 400)]

    def what(r):
        r.fw.restore(4, "*mangle\n-A FORWARD -j TOS --set-tos 0x10\nCOMMIT\n"
                        "*filter\n-A FORWARD -m state --state NEW\nCOMMIT\n")
        out = []
        for a, b in cuts:
            out += send(r, pkt.ip4(CLIENT, SERVER, 17, body[a:b], ident=9, off=a,
                                   mf=b < 400))["eth1"]
        return [len(p) for p in out]
    c.equal("lengths of the fragments that leave", both.routers(what),
            ([84, 100, 276], [276, 164]))


def test_mss_at_an_odd_place(both, c):
    def what(r):
        r.fw.restore(4, "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 900\nCOMMIT\n")
        out = []
        for before in (b"\1\1", b"\1"):
            syn = pkt.tcp(CLIENT, SERVER, 5000, 80, opts=before + b"\2\4\5\xb4")
            segment = send(r, pkt.ip4(CLIENT, SERVER, 6, syn))["eth1"][0][20:]
            out.append(pkt.l4sum(CLIENT, SERVER, 6, segment) == 0)
        return out
    c.equal("the checksum is right", both.routers(what), ([True, False], [True, True]))


def test_pattern_across_fragments(both, c):
    body = pkt.udp(CLIENT, SERVER, 1, 53, b"." * 20 + b"needle" + b"." * 30)  # 8 + 20 + 4 = 32

    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -m state --state NEW\n"
                        "-A FORWARD -m string --algo bm --string needle\n"
                        "-A FORWARD -m string --algo kmp --string needle\nCOMMIT\n")
        for a, b in ((0, 32), (32, len(body))):
            send(r, pkt.ip4(CLIENT, SERVER, 17, body[a:b], ident=9, off=a, mf=a == 0))
        return [packets(r.fw, "--algo " + algo) for algo in ("bm", "kmp")]
    c.equal("packets with the pattern, by algorithm", both.routers(what), ([0, 1], [1, 1]))


def test_parts_of_udp_are_counted(both, c):
    def what(w):
        w.sh("iptables -t mangle -A OUTPUT -p udp --dport 99 -j TTL --ttl-set 9")
        w.sh("iptables -A OUTPUT -p udp --dport 99 -j ACCEPT")
        with w.host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.IPPROTO_UDP, 103, 100)  # UDP_SEGMENT
            s.sendto(b"x" * 1000, (hosts.PEER4, 99))
        w.fw.settle()
        return packets(w.fw, "-A OUTPUT -p udp -m udp --dport 99 -j ACCEPT")
    c.equal("packets counted of ten in one", both.hosts(what), (1, 10))


def test_changed_datagrams_arrive(both, c):
    def what(w):
        sink = w.listen(53, kind=socket.SOCK_DGRAM)
        w.sh("ip6tables -t mangle -A PREROUTING -j TOS --set-tos 0x10")
        w.sh("ip6tables -A INPUT -m state --state NEW")
        port = wire.Port(w.peer, "eth0")
        for n in (10, 100):
            p = pkt.udp(hosts.PEER6, hosts.V6, 5000, 53, b"x" * n)
            port.send(pkt.ether("02:66:00:00:00:02", "02:66:00:00:00:01",
                                pkt.ip6(hosts.PEER6, hosts.V6, 17, p)))
        port.close()
        w.fw.settle()
        return w.got(sink)
    c.equal("datagrams of 10 and 100 bytes", both.hosts(what), (1, 2))


def test_options_are_not_echoed(both, c):
    record_route = b"\x07\x0f\x04" + b"\0" * 13  # three free slots

    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -p udp -j REJECT\nCOMMIT\n")
        got = send(r, udp(opts=record_route))["eth0"]
        return [p[0] & 15 for p in got]
    c.equal("header lengths of REJECT's errors", both.routers(what), ([], [5]))


if __name__ == "__main__":
    beside.run(globals())
