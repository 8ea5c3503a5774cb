#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Behind a translation rules know which connection a packet is of, as with the kernel's: where several
of one client's port are led to the same end, and where echoes have another id there."""
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import hosts  # noqa: E402
import netns  # noqa: E402
from nat import S, Side  # noqa: E402

OLD, NEW = "192.0.2.5", "192.0.2.6"
ECHOES = 4
ORDER = (S, OLD, NEW, S, OLD, NEW, NEW, OLD, S)


def rules(masquerade):
    out = "*nat\n"
    for address in (OLD, NEW):
        out += "-A PREROUTING -d %s/32 -j DNAT --to-destination %s\n" % (address, S)
    if masquerade:
        out += "-A POSTROUTING -o eth1 -j MASQUERADE\n"
    out += "COMMIT\n*mangle\n"
    for mark, address in enumerate((S, OLD, NEW), 1):
        out += "-A PREROUTING -i eth0 -d %s/32 -j CONNMARK --set-mark %d\n" % (address, mark)
        for chain in "FORWARD", "POSTROUTING":
            out += "-A %s -m connmark --mark %d\n" % (chain, mark)
            for what in "--ctstate NEW", "--ctdir ORIGINAL", "--ctdir REPLY":
                out += "-A %s -m conntrack --ctorigdst %s %s\n" % (chain, address, what)
    for what in "DNAT", "SNAT", "NEW", "ESTABLISHED":
        out += "-A FORWARD -m conntrack --ctstate %s\n" % what
    return out + "COMMIT\n"


def asked(side, masquerade):
    """Who answers, and what was counted until then, question by question."""
    side.restore(rules(masquerade))
    with side.server:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with side.client:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out = []
    with server, client:
        server.bind((S, 53))
        client.bind(("", 5300))
        for s in (server, client):
            s.settimeout(2)
        for to in ORDER:
            client.sendto(b"?", (to, 53))
            server.sendto(*server.recvfrom(16))
            out.append(client.recvfrom(16)[1])
            side.fw.settle()
            out += ["%s %s" % (line.partition(":")[0], line.partition("] ")[2])
                    for line in side.fw.save(4).splitlines() if line.startswith("[")]
    return out


def echoes(side):
    """What is counted behind both translations of echoes, which get another id by either."""
    side.restore("*nat\n-A PREROUTING -d %s/32 -j DNAT --to-destination %s --random\n"
                 "-A POSTROUTING -o eth1 -j MASQUERADE --random\nCOMMIT\n*mangle\n"
                 "-A PREROUTING -m conntrack --ctstate NEW -j CONNMARK --set-mark 9\n"
                 "-A FORWARD -m connmark --mark 9 -m conntrack --ctorigdst %s\n"
                 "-A POSTROUTING -m connmark --mark 9\nCOMMIT\n" % (OLD, S, OLD))
    side.client.run("ping", "-c", "%d" % ECHOES, "-i", "0.01", "-W", "1", OLD)
    return side.counters(many=4 * ECHOES)


def beside(what, *args):
    out = []
    for kind in ("legacy", "fwd"):
        side = Side(kind)
        try:
            out.append(what(side, *args))
        finally:
            side.close()
    return out


def main():
    netns.need_root()
    netns.sweep()
    checks = hosts.Checks()
    want, got = beside(echoes)
    checks.equal("echoes", got, want)
    checks.equal("of all echoes", [n for rule, n in want if "--ctorigdst" in rule], [2 * ECHOES])
    for masquerade in (False, True):
        want, got = beside(asked, masquerade)
        checks.equal("masqueraded: %s" % masquerade, got, want)
        checks.equal("who answers", [x for x in want if isinstance(x, tuple)],
                     [(to, 53) for to in ORDER])
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
