# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of one thing at iptables-legacy and at fwd, side by side: what docs/differences.md says.

Each shows the kernel's behaviour and ours, so that a difference which is gone is noticed, too."""
import sys
import time

import firewall
import hosts
import netns
import pkt
import topo

CLIENT, SERVER = "10.77.1.10", "10.77.2.20"


class Both:
    """The same at iptables-legacy and at fwd: what(world or router) gives a pair."""

    def __init__(self):
        self.lab = topo.Lab()

    def hosts(self, what):
        out = []
        for kind in ("legacy", "fwd"):
            w = hosts.World(kind)
            try:
                out.append(what(w))
            finally:
                w.close()
        return tuple(out)

    def routers(self, what):
        out = []
        for kind in ("legacy", "fwd"):
            r = topo.LabRouter(self.lab)
            r.fw = firewall.Fwd(r.ns) if kind == "fwd" else firewall.Kernel(r.ns)
            try:
                out.append(what(r))
            finally:
                r.fw.close()
                r.close()
        return tuple(out)


def send(router, packet, dev="eth0", host=(1, 10)):
    """Put a packet on the router's wire; what arrives at the far ends, by device."""
    router.ports[dev].send(pkt.ether(router.MAC[dev], router.host_mac(*host), packet))
    router.fw.settle()
    return {d: p.drain() for d, p in router.ports.items()}


def udp(dport=53, data=b"x", **kw):
    return pkt.ip4(CLIENT, SERVER, 17, pkt.udp(CLIENT, SERVER, 5000, dport, data), **kw)


def syn(dport):
    return pkt.ip4(CLIENT, SERVER, 6, pkt.tcp(CLIENT, SERVER, 5000, dport))


def connection(r, rounds):
    """A TCP connection through the router and some segments each way; send(side, flags, data, skip)
    sends one more (side 0 is the client; skip bytes are as if sent before) and tells what came out."""
    ends, seq = ((CLIENT, 5000), (SERVER, 80)), [1000, 900000]

    def segment(side, flags, data=b"", skip=0, **kw):
        (src, sp), (dst, dp) = ends[side], ends[not side]
        p = pkt.ip4(src, dst, 6, pkt.tcp(src, dst, sp, dp, flags=flags, seq=seq[side] + skip,
                                         ack=seq[not side] if flags & pkt.ACK else 0, data=data,
                                         **kw))
        if not skip:
            seq[side] += len(data) + bool(flags & (pkt.SYN | pkt.FIN))
        return send(r, p, "eth1" if side else "eth0", (2, 20) if side else (1, 10))["eth0" if side
                                                                                     else "eth1"]

    segment(0, pkt.SYN)
    segment(1, pkt.SYN | pkt.ACK)
    segment(0, pkt.ACK)
    for _ in range(rounds):
        segment(0, pkt.ACK, b"q")
        segment(1, pkt.ACK, b"r")
    return segment


def packets(fw, words, family=4):
    """Packets of the first rule whose saved line ends so."""
    for line in fw.save(family).splitlines():
        if line.endswith(words):
            return int(line[1:].split(":")[0])
    raise RuntimeError("no rule ends with %r:\n%s" % (words, fw.save(family)))


def run(names):
    """All test_*(both, checks) of a module's names, or those that the command line names."""
    netns.need_root()
    netns.sweep()
    both, c = Both(), hosts.Checks()
    only = sys.argv[1:]
    for name, f in sorted(names.items()):
        if name.startswith("test_") and (not only or name[5:] in only):
            begin = time.monotonic()
            try:
                f(both, c)
            except Exception as e:
                c.true("%s: %s: %s" % (name, type(e).__name__, e), False)
            print("%-32s %.1f s" % (name[5:], time.monotonic() - begin), flush=True)
    sys.exit(c.finish())
