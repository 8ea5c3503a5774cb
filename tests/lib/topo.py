# SPDX-License-Identifier: GPL-2.0-or-later
"""Topologies: two real hosts, a real client - router - server, and a router whose two neighbours
are only the tester's own sockets (the differential test's)."""
import netns
import wait
import wire

QUIET = {  # nobody speaks unasked, and no answer depends on how many came before
    "ipv6__conf__all__accept_dad": 0, "ipv6__conf__default__accept_dad": 0,
    "ipv6__conf__all__accept_ra": 0, "ipv6__conf__default__accept_ra": 0,
    "ipv6__conf__all__router_solicitations": 0, "ipv6__conf__default__router_solicitations": 0,
    "ipv4__icmp_ratemask": 0, "ipv6__icmp__ratelimit": 0,  # v4's ratelimit 0 empties ip_error's
    "ipv4__conf__all__rp_filter": 0, "ipv4__conf__default__rp_filter": 0,
    "ipv4__conf__all__log_martians": 0,
}
OPTIONAL = {"ipv4__icmp_msgs_per_sec": 1000000, "ipv4__icmp_msgs_burst": 1000000}


def quiet(ns):
    ns.sysctl(**QUIET)
    for key, value in OPTIONAL.items():
        try:
            ns.sysctl(**{key: value})
        except OSError:
            pass


def reach(ns, *addresses):
    """Return when both ways are open.  While a veth's carrier comes up packets are lost, and the
    first question for a neighbour, whose repetition is a second away."""
    for to in addresses:
        wait.must("%s answers" % to, lambda: ns.run(
            "ping", "-c", "1", "-W", "0.4", "-q", to, check=False).returncode == 0)


class Hosts:
    """peer (10.66.0.1, fd66::1) and host (10.66.0.2, fd66::2), joined by a veth, eth0 at both.
    Static neighbours, no multicast listening: nothing moves unasked."""

    def __init__(self):
        self.peer, self.host = netns.Namespace("-peer"), netns.Namespace("-host")
        for ns in (self.peer, self.host):
            quiet(ns)
        self.peer.ip("link add eth0 address 02:66:00:00:00:01 type veth peer name eth0 address "
                     "02:66:00:00:00:02 netns " + self.host.name)
        for ns, me, you in ((self.peer, 1, 2), (self.host, 2, 1)):
            mac = "lladdr 02:66:00:00:00:0%d dev eth0 nud permanent" % you
            ns.ip("link set lo up", "link set eth0 addrgenmode none arp off multicast off",
                  "link set eth0 up", "addr add 10.66.0.%d/24 dev eth0" % me,
                  "addr add fd66::%d/64 dev eth0 nodad" % me,
                  "neigh replace 10.66.0.%d %s" % (you, mac),
                  "neigh replace fd66::%d %s" % (you, mac))
        reach(self.peer, "10.66.0.2", "fd66::2")

    def close(self):
        self.peer.remove()
        self.host.remove()


class Routed:
    """client (10.66.1.2) - eth0 router eth1 - server (10.66.2.2); IPv6 fd66:1::2, fd66:2::2."""

    def __init__(self):
        self.client, self.router, self.server = [netns.Namespace(x) for x in ("-c", "-r", "-s")]
        for ns in (self.client, self.router, self.server):
            quiet(ns)
        self.router.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        self.router.ip("link set lo up")
        for n, ns in ((1, self.client), (2, self.server)):
            dev = "eth%d" % (n - 1)
            self.router.ip("link add %s type veth peer name eth0 netns %s" % (dev, ns.name),
                           "link set %s up" % dev, "addr add 10.66.%d.1/24 dev %s" % (n, dev),
                           "addr add fd66:%d::1/64 dev %s nodad" % (n, dev))
            ns.ip("link set lo up", "link set eth0 up", "addr add 10.66.%d.2/24 dev eth0" % n,
                  "addr add fd66:%d::2/64 dev eth0 nodad" % n,
                  "route add default via 10.66.%d.1" % n,
                  "route add ::/0 via fd66:%d::1" % n)
        reach(self.client, "10.66.2.2", "fd66:2::2")

    def close(self):
        for ns in (self.client, self.router, self.server):
            ns.remove()


class Lab:
    """The namespace in which the far ends of all routers under test lie."""

    def __init__(self):
        self.ns = netns.Namespace("-lab")
        self.ns.sysctl(ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
        self.count = 0


def carry(ns, devices):
    """Can they send?  Without a queueing discipline of its own, which the kernel gives it a while after
    its carrier has come up, a link drops what it should send."""
    lines = ns.run("ip", "-o", "link", "show").stdout.splitlines()
    return not any(" noop " in x for x in lines if x.split()[1].partition("@")[0] in devices)


class LabRouter:
    """A router between 10.77.1.0/24 (eth0) and 10.77.2.0/24 (eth1), fd77:1::/64 and fd77:2::/64.

    Its neighbours are static and the links do no ARP and no multicast listening, so nothing moves
    that the tester did not send.  10.77.7/8/9.0/24 are blackhole, prohibit and unreachable.
    """
    MAC = {"eth0": "02:77:00:00:01:01", "eth1": "02:77:00:00:02:01"}
    LISTEN_TCP, LISTEN_UDP = (22, 80), (53,)

    def __init__(self, lab):
        lab.count += 1
        self.lab, self.ns = lab, netns.Namespace("-r%d" % lab.count)
        ns = self.ns
        quiet(ns)
        ns.sysctl(ipv4__ip_forward=1, ipv4__tcp_synack_retries=0,
                  ipv4__conf__all__accept_redirects=0, ipv4__conf__all__send_redirects=0,
                  ipv4__conf__default__send_redirects=0,
                  ipv4__ip_no_pmtu_disc=0, ipv4__tcp_syncookies=0, ipv4__conf__all__forwarding=1,
                  ipv4__conf__default__forwarding=1)
        far = {"eth0": "c%d" % lab.count, "eth1": "s%d" % lab.count}
        lines = ["link set lo up"]
        for n, dev in ((1, "eth0"), (2, "eth1")):
            lines += ["link add %s address %s type veth peer name %s netns %s"
                      % (dev, self.MAC[dev], far[dev], lab.ns.name),
                      "link set %s addrgenmode none arp off multicast off" % dev,
                      "link set %s mtu 1400" % dev if n == 2 else "link set %s mtu 1500" % dev,
                      "link set %s up" % dev]
        ns.ip(*lines)
        ns.sysctl(ipv6__conf__all__forwarding=1)  # after multicast off: or ff02::2 is reported
        lab.ns.ip(*["link set %s arp off multicast off mtu 1500 up" % d for d in far.values()])
        lines = []
        for n, dev in ((1, "eth0"), (2, "eth1")):
            lines += ["addr add 10.77.%d.1/24 brd + dev %s" % (n, dev),
                      "addr add fd77:%d::1/64 dev %s nodad" % (n, dev)]
            for h in range(10, 30):
                mac = self.host_mac(n, h)
                lines += ["neigh replace 10.77.%d.%d lladdr %s dev %s nud permanent"
                          % (n, h, mac, dev),
                          "neigh replace fd77:%d::%x lladdr %s dev %s nud permanent"
                          % (n, h, mac, dev)]
        for net, kind in ((7, "blackhole"), (8, "prohibit"), (9, "unreachable")):
            lines += ["route add %s 10.77.%d.0/24" % (kind, net),
                      "route add %s fd77:%d::/64" % (kind, net)]
        lines += ["route add 10.77.2.21 dev eth1 realm 7", "route add 10.77.1.11 dev eth0 realm 5",
                  "link set eth1 group 7"]
        ns.ip(*lines)
        wait.must("the links carry", lambda: carry(ns, far.keys()) and carry(lab.ns, far.values()))
        self.ports = {dev: wire.Port(lab.ns, far[dev]) for dev in far}
        self.raw = wire.RawSender(ns)
        self._listen()

    @staticmethod
    def host_mac(net, host):
        return "02:77:00:00:%02x:%02x" % (net, host)

    def _listen(self):
        import socket
        self.listeners = []
        with self.ns:
            for kind, ports in ((socket.SOCK_STREAM, self.LISTEN_TCP),
                                (socket.SOCK_DGRAM, self.LISTEN_UDP)):
                for port in ports:
                    s = socket.socket(socket.AF_INET6, kind)
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                    s.bind(("::", port))
                    if kind == socket.SOCK_STREAM:
                        s.listen(4096)
                    self.listeners.append(s)

    def close(self):
        for x in list(self.ports.values()) + [self.raw] + self.listeners:
            x.close()
        self.ns.remove()
