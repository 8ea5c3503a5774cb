# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""docs/differences.md, of what the kernel passes and drops by itself, so that fwd does not see it."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import beside  # noqa: E402
import firewall  # noqa: E402
import pkt  # noqa: E402
import topo  # noqa: E402
import wait  # noqa: E402
from beside import CLIENT, SERVER, connection, packets, send, udp  # noqa: E402


def flood(router, ttl=64):
    """Until fwd lets the kernel drop the source by itself; returns how many."""
    n = 0

    def dropped():
        nonlocal n
        for _ in range(100):
            router.ports["eth0"].send(pkt.ether(router.MAC["eth0"], router.host_mac(1, 10),
                                                udp(ttl=ttl)))
        n += 100
        router.fw.settle()
        return isinstance(router.fw, firewall.Kernel) or \
            "fwd_offload_sources 1" in router.fw.ctl("metrics").stdout
    wait.must("the kernel drops the source by itself", dropped, every=0)
    return n


def test_checksums_of_dropped_sources(both, c):
    bad = pkt.ip4(CLIENT, SERVER, 17, pkt.udp(CLIENT, SERVER, 5000, 53, b"x", good=False))

    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -m state --state INVALID -j DROP\n"
                     "-A FORWARD -s %s -j DROP\nCOMMIT\n" % CLIENT)
        n = flood(r)
        for _ in range(5):
            send(r, bad)
        return packets(r.fw, "INVALID -j DROP"), packets(r.fw, "%s/32 -j DROP" % CLIENT) - n
    c.equal("bad checksums on the rule for INVALID, and for the source", both.routers(what),
            ((5, 0), (0, 5)))


def test_recent_learns_by_tenths(both, c):
    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -m recent --name l --update -j DROP\n"
                     "-A FORWARD -m recent --name l --set -j DROP\nCOMMIT\n")
        flood(r)
        send(r, udp(ttl=9))
        show = ["cat", "/proc/net/xt_recent/l"] if isinstance(r.fw, firewall.Kernel) else \
            [firewall.FWCTL, "recent", "list", "l"]
        return "ttl: 9 " in r.ns.run(*show, env=r.fw.env()).stdout
    c.equal("the list has the last packet's TTL", both.routers(what), (True, False))


KNOWN = ("*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\n"
         "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
         "-A FORWARD -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n")


def states(r):
    """Of the connections that are tracked."""
    out = r.fw.ctl("conn", "list") if isinstance(r.fw, firewall.Fwd) \
        else r.ns.run("conntrack", "-L")
    return [x.split()[3] for x in out.stdout.splitlines() if x.startswith("tcp")]


def test_offloaded_segments_pass(both, c):
    def what(r):
        r.fw.restore(4, KNOWN)
        segment = connection(r, 10)
        return [len(segment(0, pkt.ACK, b"far", skip=10**7)),
                len(segment(0, pkt.ACK, b"sum", good=False))]
    c.equal("segments that arrive: outside of the window, of a wrong checksum", both.routers(what),
            ([0, 0], [1, 1]))


def test_offloaded_echoes_pass(both, c):
    def what(r):
        r.fw.restore(4, KNOWN)

        def echo(side, good=True):
            (src, dst), dev, host = ((CLIENT, SERVER), "eth0", (1, 10)) if not side else \
                ((SERVER, CLIENT), "eth1", (2, 20))
            p = pkt.ip4(src, dst, 1, pkt.icmp(0 if side else 8, 0, 0x12340001, b"ping", good=good))
            return len(send(r, p, dev, host)["eth0" if side else "eth1"])
        for _ in range(10):
            echo(0)
            echo(1)
        return echo(0, good=False)
    c.equal("an echo request of a wrong checksum arrives", both.routers(what), (0, 1))


def test_offloaded_fin_is_acknowledged(both, c):
    def what(r):
        r.fw.restore(4, KNOWN)
        segment = connection(r, 10)
        seen = []
        for side in (0, 1):
            segment(side, pkt.FIN | pkt.ACK)
            seen += states(r)
        segment(0, pkt.ACK)
        return seen + states(r)
    c.equal("states after each FIN and the last ACK", both.routers(what),
            (["FIN_WAIT", "LAST_ACK", "TIME_WAIT"], ["CLOSE_WAIT", "TIME_WAIT", "TIME_WAIT"]))


def test_offloaded_reset_is_taken_back(both, c):
    def what(r):
        r.fw.restore(4, KNOWN)
        segment = connection(r, 10)
        segment(1, pkt.RST | pkt.ACK)
        seen = states(r)

        def goes_on():  # the first may pass unseen
            segment(1, pkt.ACK)
            return isinstance(r.fw, firewall.Kernel) or states(r) != seen
        wait.must("an ACK comes to be seen", goes_on)
        return seen + states(r)
    c.equal("states after a reset and an ACK by who has sent it", both.routers(what),
            (["CLOSE", "CLOSE"], ["CLOSE", "ESTABLISHED"]))


def test_offloaded_flow_lives_longer(both, c):
    def what(r):
        r.fw.restore(4, KNOWN)
        segment = connection(r, 10)
        segment(0, pkt.ACK, b"x")
        segment(1, pkt.ACK)
        time.sleep(1.5)  # what is asked is how much of a timeout is left
        out = r.fw.ctl("conn", "list") if isinstance(r.fw, firewall.Fwd) \
            else r.ns.run("conntrack", "-L")
        return int(out.stdout.split()[2]) >= 431999
    c.equal("five days are still left after 1.5 seconds", both.routers(what), (False, True))


def test_offloaded_flow_survives_a_crash(both, c):
    r = topo.LabRouter(both.lab)
    r.fw = firewall.Fwd(r.ns, ["--offload-seconds", "3"])  # longer than it takes to come here
    r.fw.restore(4, KNOWN)
    segment = connection(r, 10)
    r.fw.stop(9)
    r.fw.settle = lambda: None
    c.equal("dead: segments of the flow, and another's, arrive",
            (len(segment(0, pkt.ACK, b"x")), len(send(r, udp())["eth1"])), (1, 0))
    time.sleep(6.2)  # its generation's time, --offload-seconds and three more, is the subject
    c.equal("six seconds later", len(segment(0, pkt.ACK, b"x")), 0)
    del r.fw.settle
    r.fw.close()
    r.close()


def test_offloaded_flow_overtakes(both, c):
    listing = KNOWN.replace("*filter\n", "*filter\n-A FORWARD -p udp -m recent --name l --set\n"
                            "-A FORWARD -p tcp -m recent --name l --rcheck -j DROP\n")

    def what(r):
        r.fw.restore(4, listing)
        segment = connection(r, 10)
        if isinstance(r.fw, firewall.Fwd):
            r.fw.pause()
        r.fw.settle = lambda: None
        send(r, udp())
        seen = [len(segment(0, pkt.ACK, b"behind"))]
        if isinstance(r.fw, firewall.Fwd):
            r.fw.resume()
        del r.fw.settle
        r.fw.settle()
        r.ports["eth1"].drain()  # the datagram
        return seen + [len(segment(0, pkt.ACK, b"later"))]
    c.equal("segments that arrive: right behind what lists their source, and later",
            both.routers(what), ([0, 0], [1, 0]))


def test_renamed_under_offloaded_flow(both, c):
    def what(r):
        r.fw.restore(4, KNOWN + "*mangle\n-A FORWARD -i new0\nCOMMIT\n")
        segment = connection(r, 10)
        r.ns.ip("link set eth0 name new0")
        segment(0, pkt.ACK, b"x")
        now = packets(r.fw, "-A FORWARD -i new0")

        def counted():
            segment(0, pkt.ACK, b"x")
            return packets(r.fw, "-A FORWARD -i new0") > now
        return now, wait.until(counted, 3, every=0.1)
    want = ((1, True), (0, True))
    seen = [both.routers(what)]
    while seen[-1] != want and len(seen) < 3:  # a slow machine may take longer than the moment
        seen.append(both.routers(what))
    c.equal("by the new name: at once, and then", seen[-1], want)


if __name__ == "__main__":
    beside.run(globals())
