#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Flows that the kernel lets pass where no rule asks for a state, beside iptables-legacy.

Streams of one direction, and between their packets what must not be taken for one of them:
fragments, headers cut short, segments that begin or end a connection.  What arrives and what each
rule and policy has counted is the same; and most of it was not queued."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import beside
import firewall
import pkt
import wait

ENDS = {4: (beside.CLIENT, beside.SERVER), 6: ("fd77:1::a", "fd77:2::14")}
STREAM = 60
RULES = """*filter
:INPUT ACCEPT [0:0]
:FORWARD %s [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -s %s -j DROP
-A FORWARD -p udp -m udp --dport 53 -j ACCEPT
-A FORWARD -p udp -m udp --dport 54
-A FORWARD -p tcp -m tcp --dport 81 -j ACCEPT
-A FORWARD -p tcp -m tcp --dport 80 --tcp-flags SYN,RST SYN
-A FORWARD -i eth0 -p tcp -m multiport --dports 80,83 -j ACCEPT
COMMIT
"""
STRANGER = {4: "10.77.1.29", 6: "fd77:1::1d"}


def ip(family, proto, payload):
    src, dst = ENDS[family]
    return pkt.ip4(src, dst, proto, payload) if family == 4 else pkt.ip6(src, dst, proto, payload)


def fragment(family, proto, payload, off, more):
    src, dst = ENDS[family]
    if family == 4:
        return pkt.ip4(src, dst, proto, payload, off=off, mf=more)
    return pkt.ip6(src, dst, 44, pkt.frag6(proto, off, more, 7) + payload)


def datagram(family, dport):
    return pkt.udp(*ENDS[family], 5000, dport, b"x" * 20)


def segment(family, flags, dport=80):
    return pkt.tcp(*ENDS[family], 5000, dport, flags, data=b"y" * 12)


def strange(family):
    """Packets of the streams' ends that are none of them, or not whole."""
    udp, ack = datagram(family, 53), segment(family, pkt.ACK)
    for proto, whole, cut in ((17, udp, (4, 7)), (6, ack, (4, 13, 19))):
        yield fragment(family, proto, whole[:24], 0, True)
        yield fragment(family, proto, whole[24:] + b"z" * 8, 3, False)
        yield fragment(family, proto, whole[:8], 0, True)
        for n in cut:
            yield ip(family, proto, whole[:n])
    for flags in (pkt.SYN, pkt.SYN | pkt.ACK, pkt.FIN | pkt.ACK, pkt.RST, 0, pkt.ACK | pkt.PSH,
                  pkt.ACK | pkt.URG):
        yield ip(family, 6, segment(family, flags))


def sent(router, packets):
    """How many of them reached the server's side."""
    port = router.ports["eth0"]
    for p in packets:
        port.send(pkt.ether(router.MAC["eth0"], router.host_mac(1, 10), p))
        router.fw.settle()
    return len(router.ports["eth1"].drain())


def streams(family):
    return ([ip(family, 17, datagram(family, dport)) for dport in (53, 54, 55)] +
            [ip(family, 6, segment(family, pkt.ACK, dport)) for dport in (80, 81, 82)])


def counters(router, family):
    return [x for x in router.fw.save(family).splitlines() if x.startswith(("[", ":"))]


def test_streams(both, c):
    for family in (4, 6):
        for policy in ("ACCEPT", "DROP"):
            def what(router):
                router.fw.restore(family, RULES % (policy, STRANGER[family]))
                n = [sent(router, streams(family) * STREAM)]
                n += [sent(router, [p]) for p in strange(family)]
                n += [sent(router, streams(family) * STREAM)]
                return n, counters(router, family)
            (legacy, theirs), (fwd, ours) = both.routers(what)
            name = "IPv%d, policy %s" % (family, policy)
            c.equal(name + ": what arrives", fwd, legacy)
            c.equal(name + ": what is counted", ours, theirs)
            c.equal(name + ": it does arrive", legacy[-1],
                    (6 if policy == "ACCEPT" else 3) * STREAM)


def test_not_queued(both, c):
    def what(router):
        if isinstance(router.fw, firewall.Kernel):
            return 0, 0
        router.fw.restore(4, RULES % ("ACCEPT", STRANGER[4]))
        wait.must("flows are offloaded", lambda: sent(router, plain * 8) and
                  router.fw.metric("offload_entries") == len(plain))
        queued = router.fw.metric("queue_packets_total")
        return sent(router, plain * 200), router.fw.metric("queue_packets_total") - queued
    plain = streams(4)
    _, (arrived, queued) = both.routers(what)
    c.equal("all of the streams arrives", arrived, 1200)
    c.true("few packets of it were queued: %d" % queued, queued < 200)


beside.run(globals())
