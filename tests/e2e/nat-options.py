# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""What the options of translating targets mean, beside the kernel's: which of several addresses is
taken, which port, how far a range of ports reaches; and what stays when the rule is gone.

Where the kernel chooses by a hash both must choose the same; where it draws lots, none may be the
client's own choice.
"""
import fcntl
import os
import socket
import sys
import termios

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import wait  # noqa: E402
from nat import C, R1, R2, S, Side  # noqa: E402

N, MANY = 24, 1000
PORTS = range(8100, 8104)
CLIENTS = {4: ["10.66.1.%d" % h for h in range(2, 6)], 6: ["fd66:1::%x" % h for h in range(2, 6)]}
SERVERS = {4: ["10.66.2.%d" % h for h in range(2, 6)], 6: ["fd66:2::%x" % h for h in range(2, 6)]}
POOL = {4: "10.66.2.100-10.66.2.107", 6: "fd66:2::100-fd66:2::107"}


class Options(Side):
    """Several addresses at both ends, and sockets of UDP that tell who asked them."""

    def __init__(self, kind, family):
        super().__init__(kind)
        self.family = family
        prefix = "/24" if family == 4 else "/64 nodad"
        for ns, addresses in ((self.client, CLIENTS[family]), (self.server, SERVERS[family])):
            ns.ip(*["addr add %s%s dev eth0" % (a, prefix) for a in addresses[1:]])
        self.server.ip("route add 10.66.2.96/28 via 10.66.2.1",
                       "route add fd66:2::100/124 via fd66:2::1")

    def nat(self, *rules):
        self.restore("*nat\n%s\nCOMMIT\n" % "\n".join("-A " + r for r in rules), self.family)

    def udp(self, ns, address, port):
        with ns:
            s = socket.socket(socket.AF_INET if self.family == 4 else socket.AF_INET6,
                              socket.SOCK_DGRAM)
        s.bind((address, port))
        s.settimeout(2)
        return s

    def seen(self, questions):
        """[(server asked in the end, port there, client's address there, its port)] of questions:
        (client, its port, server, port)."""
        there = {(a, p): self.udp(self.server, a, p) for a in SERVERS[self.family]
                 for p in [9] + list(PORTS)}
        out = []
        for c, cp, s, sp in questions:
            with self.udp(self.client, c, cp) as q:
                q.sendto(b"?", (s, sp))
                self.fw.settle()
                wait.until(lambda: any(readable(x) for x in there.values()), 2)
                found = [(k, x) for k, x in there.items() if readable(x)]
                if len(found) != 1:
                    out.append("%d got it" % len(found))
                    continue
                (k, x), = found
                _, who = x.recvfrom(16)
                x.sendto(b"!", who)
                if q.recvfrom(16)[1][:2] != (s, sp):
                    out.append("answered by another")
                out.append(k + who[:2])
        for x in there.values():
            x.close()
        return out


def readable(s):
    s.setblocking(False)
    try:
        s.recv(1, socket.MSG_PEEK)
        return True
    except BlockingIOError:
        return False
    finally:
        s.settimeout(2)


def each_pair(w):
    return [(c, 5000 + 10 * i + k, s, 9) for i, s in enumerate(SERVERS[w.family])
            for k, c in enumerate(CLIENTS[w.family])]


def snat_range(w, flags):
    w.nat("POSTROUTING -o eth1 -j SNAT --to-source %s%s" % (POOL[w.family], flags))
    return w.seen(each_pair(w))


def dnat_range(w, flags):
    s = SERVERS[w.family]
    w.nat("PREROUTING -i eth0 -d %s -j DNAT --to-destination %s-%s%s" % (s[0], s[0], s[-1], flags))
    return w.seen([(c, 5000 + i, s[0], 9) for i, c in enumerate(CLIENTS[w.family])])


def source_ports(w, target):
    """How many of the client's ports were kept, how many different ones there were."""
    w.nat("POSTROUTING -o eth1 -p udp -j " + target)
    got = w.seen([(CLIENTS[w.family][0], 30000 + i, SERVERS[w.family][0], 9) for i in range(N)])
    ports = [g[3] for g in got]
    return sum(p == 30000 + i for i, p in enumerate(ports)), len(set(ports)), ports


def wrap(w, address, ports):
    return ("[%s]:%s" if w.family == 6 else "%s:%s") % (address, ports)


def dest_ports(w, flags):
    w.nat("PREROUTING -i eth0 -p udp -j DNAT --to-destination %s%s" % (
        wrap(w, SERVERS[w.family][1], "%d-%d" % (PORTS[0], PORTS[-1])), flags))
    got = w.seen([(CLIENTS[w.family][0], 31000 + i, SERVERS[w.family][0], 9) for i in range(N)])
    return {g[:2] for g in got}


def redirected(w, flags):
    w.nat("PREROUTING -i eth0 -p udp --dport 9 -j REDIRECT --to-ports %d-%d%s" % (
        PORTS[0], PORTS[-1], flags))
    here = {p: w.udp(w.router, "", p) for p in PORTS}
    for i in range(N):
        with w.udp(w.client, CLIENTS[w.family][0], 32000 + i) as q:
            q.sendto(b"?", (SERVERS[w.family][0], 9))
    w.fw.settle()
    got = {p for p, s in here.items() if readable(s)}
    for s in here.values():
        s.close()
    return got


def by_hash(c, both, family):
    """Which address a client gets follows from the addresses: with --persistent from his own."""
    for name, what in (("SNAT", snat_range), ("DNAT", dnat_range)):
        for flags in ("", " --persistent"):
            kernel, ours = both(lambda w: what(w, flags))
            c.equal("%s to a range%s" % (name, flags), ours, kernel)
            c.equal("all are answered", {type(x) for x in kernel}, {tuple})
            if what is snat_range:
                n = [len({x[2] for x in ours[k::len(CLIENTS[family])]})
                     for k in range(len(CLIENTS[family]))]
                c.true("one client, one address%s: %s" % (flags, n), (max(n) == 1) == bool(flags))


def by_lot(c, both, family):
    pool = POOL[family].partition("-")[0]
    for target in ("SNAT --to-source " + pool, "MASQUERADE"):
        for flags, kept in (("", N), (" --random", 1), (" --random-fully", 1)):
            for who, (same, different, _) in zip(("kernel", "fwd"), both(
                    lambda w: source_ports(w, target + flags))):
                c.true("%s%s, %s: %d of %d different ports are kept" % (target, flags, who, same,
                                                                        different),
                       different > N - 2 and (same == N if kept == N else same <= kept))
    target = "MASQUERADE --to-ports 40000-40049"
    for flags in ("", " --random", " --random-fully"):
        for who, (same, different, ports) in zip(("kernel", "fwd"), both(
                lambda w: source_ports(w, target + flags))):
            c.true("%s%s, %s: %s" % (target, flags, who, ports),
                   same == 0 and different > N // 2 and all(40000 <= p < 40050 for p in ports))
    for name, what in (("DNAT", dest_ports), ("REDIRECT", redirected)):
        kernel, ours = both(lambda w: what(w, ""))
        c.equal("%s to ports: the first" % name, (len(kernel), ours), (1, kernel))
        for who, got in zip(("kernel", "fwd"), both(lambda w: what(w, " --random"))):
            c.true("%s to ports --random, %s: several (%s)" % (name, who, got), len(got) > 1)


def unacknowledged(s):
    return int.from_bytes(fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def rule_goes(w):
    """Established connections keep their translation when its rule is gone, and fwd was stopped
    meanwhile; new ones have none."""
    w.restore("*nat\n-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination %s:80\n"
              "-A POSTROUTING -o eth1 -j SNAT --to-source %s\nCOMMIT\n*filter\n:FORWARD DROP\n"
              "-A FORWARD -m conntrack --ctstate ESTABLISHED --ctorigdst %s -j ACCEPT\n"
              "-A FORWARD -j ACCEPT\nCOMMIT\n" % (S, R2, R1))
    s = w.connect("client", R1, 8080)
    a, peer = w.listening["server", 80].accept()
    a.settimeout(2)
    got = [peer[0]]
    for line in ("-F PREROUTING", "-F POSTROUTING", "-A PREROUTING -i eth0 -j DNAT "
                 "--to-destination 10.66.2.77", "-F", "-Z"):
        w.router.run("iptables", "-t", "nat", *line.split(), env=w.fw.env())
        if line == "-Z" and isinstance(w.fw, firewall.Fwd):
            for x in s, a:  # nobody speaks while nobody translates
                wait.must("all is acknowledged", lambda: unacknowledged(x) == 0)
            w.fw.stop()
            w.fw.start()
        for x, y in ((s, a), (a, s)):
            x.sendall(line.encode())
            got.append(y.recv(64))
    got.append(w.talk("client", S, 80, "server", 80))
    got.append(w.connect("client", R1, 8080, 0.4))
    s.close()
    a.close()
    return got


def fill(w, first, n, tries):
    """n connections from a range of n ports: how often somebody had to try again, their ports, and
    whether one more comes up."""
    w.restore("*nat\n-A POSTROUTING -p tcp -o eth1 -j SNAT --to-source %s:%d-%d\nCOMMIT\n"
              "*filter\n:FORWARD ACCEPT\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n"
              % (R2, first, first + n - 1))
    held, ports, again = [], set(), 0
    for i in range(n):
        s = None
        for _ in range(tries):
            s = w.connect("client", S, 80, 0.3)
            if s:
                break
            again += 1
        if not s:
            return "connection %d does not come up" % i
        a, peer = w.listening["server", 80].accept()
        held += [s, a]
        ports.add(peer[1])
    good = 0
    for i in range(0, len(held), 2):
        held[i].sendall(b"%d" % i)
        held[i + 1].settimeout(2)
        good += held[i + 1].recv(16) == b"%d" % i
    more = w.connect("client", S, 80, 0.3)
    for x in held + ([more] if more else []):
        x.close()
    return again if n < 128 else "some", len(ports), min(ports), max(ports), good, more


def main():
    netns.need_root()
    netns.sweep()
    c = hosts.Checks()
    for family in (4, 6):
        def both(what):
            out = []
            for kind in ("legacy", "fwd"):
                w = Options(kind, family)
                try:
                    out.append(what(w))
                finally:
                    w.close()
            return out
        by_hash(c, both, family)
        by_lot(c, both, family)
        if family == 4:
            kernel, ours = both(rule_goes)
            c.equal("a rule goes", ours, kernel)
            c.equal("it was there", kernel[0], "::ffff:" + R2)
            # up to 128 ports the kernel tries them all; of more it draws some
            for first, n, tries in ((20000, 100, 1), (30000, MANY, 200)):
                kernel, ours = both(lambda w: fill(w, first, n, tries))
                c.equal("%d connections from %d ports" % (n, n), ours, kernel)
                c.equal("all of them", kernel[1:], (n, first, first + n - 1, n, None))
    return c.finish()


if __name__ == "__main__":
    sys.exit(main())
