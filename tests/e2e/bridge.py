#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 90
"""-m physdev on a bridge whose packets the kernel hands to iptables, beside the kernel's: counters of
bridged, routed, incoming and outgoing packets are equal.  Needs br_netfilter."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402

COMING = ["--physdev-in p1", "! --physdev-in p1", "--physdev-in p+", "--physdev-is-in",
          "! --physdev-is-in", "! --physdev-in q --physdev-is-bridged"]
BRIDGED = ["--physdev-is-bridged", "! --physdev-is-bridged"]
LEAVING = ["--physdev-out p2", "! --physdev-out p2", "--physdev-is-out", "! --physdev-is-out",
           "--physdev-out p2 --physdev-is-bridged"]


def rules():
    """Where a bridged packet came in is not told in POSTROUTING (docs/differences.md)."""
    def table(name, chains):
        return ["*" + name] + ["-A %s -p icmp -m physdev %s" % (c, m) for c, ms in chains.items()
                               for m in ms] + ["COMMIT"]
    both = ["--physdev-in p1 --physdev-out p2", "! --physdev-in p1 ! --physdev-out p3"]
    return "\n".join(
        table("filter", {"INPUT": COMING + BRIDGED, "FORWARD": COMING + BRIDGED + LEAVING + both,
                        "OUTPUT": COMING + BRIDGED}) +
        table("mangle", {"PREROUTING": COMING + BRIDGED + LEAVING,
                         "POSTROUTING": BRIDGED + LEAVING}) + [""])


class Bridge:
    """Two hosts at the ports p1 and p2 of a bridge that has an address, a third behind a router."""

    def __init__(self, kind):
        self.ns = netns.Namespace("-br")
        self.hosts = [netns.Namespace("-h%d" % i) for i in (1, 2, 3)]
        self.ns.ip("link set lo up", "link add br0 type bridge", "link set br0 up",
                   "addr add 10.5.0.9/24 dev br0")
        for i, h in enumerate(self.hosts, 1):
            self.ns.ip("link add p%d type veth peer name eth0 netns %s" % (i, h.name),
                       "link set p%d up" % i)
            h.ip("link set lo up", "link set eth0 up", "addr add 10.%d.0.%d/24 dev eth0"
                 % (6 if i == 3 else 5, i), "route add default via 10.%d.0.9" % (6 if i == 3 else 5))
        self.ns.ip("link set p1 master br0", "link set p2 master br0", "addr add 10.6.0.9/24 dev p3")
        self.ns.run("modprobe", "-q", "br_netfilter", check=False)  # a module with stock kernels
        self.ns.sysctl(ipv4__ip_forward=1, **{"bridge/bridge-nf-call-iptables": 1})
        self.fw = firewall.Fwd(self.ns) if kind == "fwd" else firewall.Kernel(self.ns, kind)

    def ping(self, ns, to):
        return ns.run("ping", "-c1", "-W2", to, check=False).returncode == 0

    def run(self):
        self.fw.restore(4, rules())
        one, _, three = self.hosts
        ok = [self.ping(one, "10.5.0.2"), self.ping(one, "10.5.0.9"), self.ping(self.ns, "10.5.0.2"),
              self.ping(one, "10.6.0.3"), self.ping(three, "10.5.0.2")]
        self.fw.settle()
        return ok, [x for x in self.fw.save(4).splitlines() if x.startswith("[")]

    def close(self):
        self.fw.close()
        for ns in self.hosts + [self.ns]:
            ns.remove()


def outcome(kind):
    b = Bridge(kind)
    try:
        return b.run()
    finally:
        b.close()


def main():
    netns.need_root()
    netns.sweep()
    checks = hosts.Checks()
    want, got = outcome("legacy"), outcome("fwd")
    checks.equal("pings with the kernel's rules", want[0], [True] * 5)
    checks.equal("pings with fwd's", got[0], [True] * 5)
    checks.equal("counters", "\n".join(sorted(got[1])), "\n".join(sorted(want[1])))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
