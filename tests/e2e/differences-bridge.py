# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""docs/differences.md, of what the link layer knows: bridges, and frames to a group."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import beside  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import pkt  # noqa: E402
import wire  # noqa: E402
from beside import CLIENT  # noqa: E402


def test_bridge_port_in_postrouting(both, c):
    line = "iptables -t mangle -A POSTROUTING -m physdev --physdev-in p1"
    c.equal("exit codes of --physdev-in", both.hosts(lambda w: w.sh(line)[0]), (0, 1))


def test_bridged_resets_are_the_hosts(both, c):
    """A bridge whose packets iptables sees; the client is told, by whom the frame's source says."""
    server_mac, client_mac = "02:00:00:00:00:02", "02:00:00:00:00:01"

    def what(kind):
        host = netns.Namespace("-bridge")
        host.ip("link add br0 address 02:00:00:00:00:77 type bridge", "addr add 10.88.0.9/24 dev br0",
                "link set br0 up", "neigh add 10.88.0.1 lladdr %s dev br0" % client_mac,
                *["link add p%d type veth peer name %s%d netns %s" % (n, kind, n, both.lab.ns.name)
                  for n in (0, 1)],
                *["link set p%d master br0 up" % n for n in (0, 1)])
        host.run("modprobe", "-q", "br_netfilter", check=False)  # a module with stock kernels
        host.sysctl(**{"bridge__bridge-nf-call-iptables": 1, "ipv4__conf__all__rp_filter": 0})
        both.lab.ns.ip(*["link set %s%d up" % (kind, n) for n in (0, 1)])
        fw = firewall.Fwd(host) if kind == "fwd" else firewall.Kernel(host, kind)
        fw.restore(4, "*filter\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n")
        port = wire.Port(both.lab.ns, kind + "0")
        syn = pkt.ip4("10.88.0.1", "10.88.0.2", 6, pkt.tcp("10.88.0.1", "10.88.0.2", 5000, 80))
        port.send(pkt.ether(server_mac, client_mac, syn))
        fw.settle()
        wire.wait_readable([port], 1)
        frames = [f for f in iter(port.frame, None) if f[12:14] == b"\x08\x00" and f[23] == 6]
        port.close()
        fw.close()
        host.remove()
        return [f[6:12].hex(":") for f in frames]
    c.equal("who a bridged packet's reset comes from", (what("legacy"), what("fwd")),
            ([server_mac], ["02:00:00:00:00:77"]))


def test_cluster_multicast_frames(both, c):
    me = "10.77.1.1"

    def what(r):
        r.fw.restore(4, "*mangle\n-A PREROUTING -m cluster --cluster-total-nodes 1 "
                        "--cluster-local-node 1 --cluster-hash-seed 0\nCOMMIT\n")
        syn = pkt.ip4(CLIENT, me, 6, pkt.tcp(CLIENT, me, 5000, 22, seq=1))
        r.ports["eth0"].send(pkt.ether("01:00:5e:01:02:03", r.host_mac(1, 10), syn))
        r.fw.settle()
        return len(r.ports["eth0"].drain())
    c.equal("answers to a SYN that came to a group", both.routers(what), (1, 0))


if __name__ == "__main__":
    beside.run(globals())
