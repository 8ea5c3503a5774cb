#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 90
"""Owner rules over whole connections, beside the kernel's: counters and outcomes are equal.

A SYN-ACK belongs to a half-made connection, resets and ICMP errors to the kernel's own sockets; the
queue tells the owner of none of them, and a rule counts each as the kernel does.
"""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hosts  # noqa: E402

HEAD = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT DROP [0:0]
"""
REST = """-A OUTPUT -m owner --uid-owner 0 -j ACCEPT
-A OUTPUT -p icmp -j ACCEPT
-A OUTPUT -p ipv6-icmp -j ACCEPT
-A OUTPUT -p tcp -m tcp --tcp-flags RST RST -j ACCEPT
COMMIT
"""
RULES = HEAD + """-A OUTPUT -m owner ! --socket-exists
-A OUTPUT -m owner --socket-exists
-A OUTPUT -m owner ! --uid-owner 65534 ! --gid-owner 7
-A OUTPUT -p tcp -m owner --uid-owner 1000-2000
-A OUTPUT -m owner --uid-owner 65534 --gid-owner 65534 -j ACCEPT
""" + REST + """*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -p tcp -m owner --uid-owner 65534
-A POSTROUTING -p tcp -m owner --uid-owner 1000
-A POSTROUTING -p tcp -m owner --socket-exists
COMMIT
"""
NAT_RULES = HEAD + """-A OUTPUT -m owner --socket-exists
-A OUTPUT -p tcp -m owner ! --uid-owner 65534
-A OUTPUT -m owner --uid-owner 65534 -j ACCEPT
""" + REST + """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8005 -j REDIRECT --to-ports 8001
-A OUTPUT -p tcp -m tcp --dport 8006 -j REDIRECT --to-ports 8001
COMMIT
"""
V4_ONLY = "-A OUTPUT -p ipv6-icmp -j ACCEPT\n"
V6_ONLY = "-A OUTPUT -p icmp -j ACCEPT\n"


def listen_as(w, uid, port):
    """The owner is whoever opened the socket."""
    with w.host:
        os.setegid(uid)
        os.seteuid(uid)
        try:
            s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        finally:
            os.seteuid(0)
            os.setegid(0)
    w.sockets.append(s)


def run(kind, family, rules):
    w = hosts.World(kind)
    try:
        text = rules.replace(V6_ONLY if family == 6 else V4_ONLY, "")
        w.fw.restore(family, text)
        for uid, port in ((65534, 8001), (1000, 8002), (0, 8003)):
            listen_as(w, uid, port)
        to = hosts.V6 if family == 6 else hosts.V4
        seen = [w.tcp(port, to=to, patience=0.5) for port in (8001, 8002, 8003, 8004, 8005)]
        seen += [w.udp(9, to=to)]
        # (nat's policies: docs/differences.md)
        tables = [t for t in w.fw.save(family).split("*") if not t.startswith("nat")]
        saved = [line for t in tables for line in t.splitlines() if line[:1] in (":", "[")]
        return seen, saved
    finally:
        w.close()


def main():
    checks = hosts.Checks()
    for family in (4, 6):
        for name, rules in (("", RULES), (" beside nat", NAT_RULES)):
            want, got = run("legacy", family, rules), run("fwd", family, rules)
            what = "IPv%d%s: " % (family, name)
            checks.equal(what + "outcomes", tuple(got[0]), tuple(want[0]))
            checks.equal(what + "a SYN-ACK's owner is known", got[0][:3], ["open", "silent", "open"])
            checks.equal(what + "counters", "\n".join(sorted(got[1])), "\n".join(sorted(want[1])))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
