#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Port shifts (--to-destination :5000-5009/6000): which port a packet comes to, beside the kernel's
own; from inside of the base's range and outside of it, and where the port is taken.

Of what iptables makes a shift without a base (SNAT, MASQUERADE), too.
"""
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import pkt  # noqa: E402
import topo  # noqa: E402

CLIENT = {4: "10.77.1.10", 6: "fd77:1::a"}
ROUTER = {4: "10.77.1.1", 6: "fd77:1::1"}
SERVER = {4: "10.77.2.20", 6: "fd77:2::14"}
IP = {4: (pkt.ip4, 20), 6: (pkt.ip6, 40)}
PROTO = {"tcp": 6, "udp": 17, "icmp": 1}
# the range, ports to go to, and pairs of ports one source goes to one after the other
SHIFTS = [("5000-5009/6000", (6000, 6009, 6017, 5999, 5004, 1, 65535), ((6000, 6010), (6009, 6019))),
          ("7000-7006/7777", (7777, 7778, 7790, 7000, 7006, 7003, 3, 65534), ((7778, 7785),)),
          ("7100-7106/7778", (7777, 7778, 7779, 7792, 7100, 7106, 7103, 3, 65534), ((7779, 7786),)),
          ("9000-9007/8000", (8005, 9002, 17), ((8000, 8008), (8007, 8015))),
          ("9100-9100/80", (443, 9100), ()),
          ("1-65535/30000", (30000, 29999, 5), ())]


def packet(family, proto, to, sport, port):
    src = CLIENT[family]
    if proto == "icmp":
        body = pkt.icmp(8, 0, port << 16 | 1)
    else:
        body = getattr(pkt, proto)(src, to, sport, port)
    return IP[family][0](src, to, PROTO[proto], body)


def arrives(r, family, *what):
    """What of a packet's ports, or its identifier, comes out on the other side."""
    r.ports["eth0"].send(pkt.ether(r.MAC["eth0"], r.host_mac(1, 10), packet(family, *what)))
    r.fw.settle()
    got = r.ports["eth1"].drain()
    r.ports["eth0"].drain()
    at = IP[family][1] + (4 if what[0] == "icmp" else 0)
    return [struct.unpack_from("!HH", p, at) for p in got]


def to(family, words):
    return "--to-destination %s:%s" % (SERVER[4] if family == 4 else "[%s]" % SERVER[6], words)


def destinations(r, family, out):
    sport = 20000
    lines = []
    for n, (words, _, _) in enumerate(SHIFTS):
        random = " --random" if n % 2 else ""
        lines += ["-A PREROUTING -p %s -m %s --sport %d:%d -j DNAT %s%s"
                  % (p, p, sport + n * 1000, sport + n * 1000 + 999, to(family, words), random)
                  for p in ("udp", "tcp")]
    if family == 4:
        lines.append("-A PREROUTING -p icmp -j DNAT " + to(4, "100-106/777"))
    r.fw.restore(family, "*nat\n%s\nCOMMIT\n" % "\n".join(lines))
    out["saved", family] = [x.partition("] ")[2] for x in r.fw.save(family).splitlines()
                            if " -j DNAT" in x]
    for n, (words, ports, pairs) in enumerate(SHIFTS):
        for proto in ("udp", "tcp"):
            source = sport + n * 1000
            for p in ports:
                source += 1
                out[family, words, proto, p] = arrives(r, family, proto, ROUTER[family], source, p)
            for pair in pairs:
                source += 1
                out[family, words, proto, pair] = [
                    arrives(r, family, proto, ROUTER[family], source, p) for p in pair]
    for ident in (777, 778, 790, 103, 5) if family == 4 else ():
        out["icmp", ident] = arrives(r, 4, "icmp", ROUTER[4], 0, ident)


def sources(r, family, out):
    """The base is forgotten, so ports count from 0; those of the range stay.  The kernel's MASQUERADE
    counts from whatever lies on its stack: only the range is certain."""
    a = "10.77.2.25" if family == 4 else "[fd77:2::19]"
    r.fw.restore(family, "*nat\n-A POSTROUTING -o eth1 -p udp -j SNAT --to-source %s:3000-3006/77\n"
                         "-A POSTROUTING -o eth1 -p tcp -j MASQUERADE --to-ports 4000-4006/77\nCOMMIT\n"
                 % a)
    out["saved sources", family] = [x.partition("] ")[2] for x in r.fw.save(family).splitlines()
                                    if "-A POSTROUTING" in x]
    for n, source in enumerate((30000, 30001, 3003, 4002, 65535, 1)):
        for proto in ("udp", "tcp"):
            got = arrives(r, family, proto, SERVER[family], source, 8000 + n)
            out["source", family, proto, source] = \
                [4000 <= p <= 4006 for p, _ in got] if proto == "tcp" else got


def observe(lab, kind):
    r = topo.LabRouter(lab)
    r.fw = firewall.Fwd(r.ns) if kind == "fwd" else firewall.Kernel(r.ns, kind)
    out = {}
    try:
        for family in (4, 6):
            destinations(r, family, out)
            sources(r, family, out)
    finally:
        r.fw.close()
        r.close()
    return out


def main():
    netns.need_root()
    netns.sweep()
    checks = hosts.Checks()
    lab = topo.Lab()
    try:
        want, got = [observe(lab, kind) for kind in ("legacy", "fwd")]
    finally:
        lab.ns.remove()
    for key in want:
        checks.equal(str(key), got[key], want[key])
    checks.true("packets come", all(want.values()))
    checks.equal("the kernel shifts", want[4, SHIFTS[0][0], "udp", 6009][0][1], 5009)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
