#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""There are 1,535 different translations at a time, and any number of them one after the other: what
no rule asks for any more makes room, for another kind, too.  While rules are replaced, the old ones
count as well."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import pkt  # noqa: E402
import topo  # noqa: E402

CLIENT, SERVER = "10.77.1.10", "10.77.2.20"
DNAT = "-A PREROUTING -p udp -m udp --dport %d -j DNAT --to-destination " + SERVER + ":%d"
SNAT = "-A POSTROUTING -p udp -m udp --dport %d -j SNAT --to-source 10.77.2.25:%d"
MASQ = "-A POSTROUTING -p udp -m udp --dport %d -j MASQUERADE --to-ports %d"
FIRST, PROBES = 1000, (0, 1, 17, 134, 135, 136, 400, 511, 512, 698, 699)


def rules(kind, base, n=700):
    return "*nat\n%s\nCOMMIT\n" % "\n".join(kind % (FIRST + i, base + i) for i in range(n))


def where(r, sport, i):
    """Source and destination port behind the router."""
    to = "10.77.2.%d" % (10 + sport % 10)  # another each time: no port is taken
    body = pkt.udp(CLIENT, to, sport, FIRST + i)
    r.ports["eth0"].send(pkt.ether(r.MAC["eth0"], r.host_mac(1, 10), pkt.ip4(CLIENT, to, 17, body)))
    r.fw.settle()
    return [(int.from_bytes(p[20:22], "big"), int.from_bytes(p[22:24], "big"))
            for p in r.ports["eth1"].drain()]


def look(r, c, kind, base, sport, what):
    for i in PROBES:
        want = (sport, base + i) if kind is DNAT else (base + i, FIRST + i)
        c.equal("%s, translation %d" % (what, i), where(r, sport, i), [want])


def observe(r, c):
    sport, base = 40000, 2000
    for turn, kind in enumerate((DNAT, SNAT, MASQ, DNAT, DNAT, SNAT)):
        sport, base = sport + 1, base + 1000 if turn != 4 else base
        r.fw.restore(4, rules(kind, base))
        look(r, c, kind, base, sport, "turn %d" % turn)
    many = r.ns.run("sh", "-c", "iptables-restore", input=rules(DNAT, 20000, 1600), check=False,
                    env=r.fw.env())
    c.true("too many at once are refused", many.returncode and "Resource limit" in many.stderr)
    look(r, c, kind, base, sport + 1, "after the refusal")
    r.fw.restore(4, rules(DNAT, 30000))
    look(r, c, DNAT, 30000, sport + 2, "after the refusal, others")
    r.fw.stop(9)
    r.fw.start()
    look(r, c, DNAT, 30000, sport + 3, "after a crash")
    r.fw.restore(4, rules(SNAT, 30000))
    look(r, c, SNAT, 30000, sport + 4, "after a crash, others")


def main():
    netns.need_root()
    netns.sweep()
    checks, lab = hosts.Checks(), topo.Lab()
    r = topo.LabRouter(lab)
    r.fw = firewall.Fwd(r.ns)
    try:
        observe(r, checks)
    finally:
        r.fw.close()
        r.close()
        lab.ns.remove()
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
