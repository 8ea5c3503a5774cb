# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""What a queue cannot do as the kernel does: docs/differences.md, one function for each section.

Each shows the kernel's behaviour and ours, so that a difference which is gone is noticed, too."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import pkt  # noqa: E402
import topo  # noqa: E402
import wire  # noqa: E402

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


def pkt_port(packet):
    """Of TCP over IPv4: where to."""
    return int.from_bytes(packet[22:24], "big")


def packets(fw, words):
    """Packets of the first rule whose saved line ends so."""
    for line in fw.save(4).splitlines():
        if line.endswith(words):
            return int(line[1:].split(":")[0])
    raise RuntimeError("no rule ends with %r:\n%s" % (words, fw.save(4)))


# ---- one for each section of docs/differences.md ----------------------------------------------


def test_send_is_not_told(both, c):
    def what(w):
        w.sh("iptables -A OUTPUT -p udp --dport 99 -j DROP; "
             "iptables -A OUTPUT -p udp --dport 98 -j REJECT")
        return (w.udp(99, to=hosts.PEER4, ns=w.host), w.udp(98, to=hosts.PEER4, ns=w.host))
    c.equal("send() against DROP and REJECT", both.hosts(what),
            (("send EPERM", "send EPERM"), ("silent", "ECONNREFUSED")))


def test_foreign_chain_drops_pending(both, c):
    w = hosts.World("fwd")
    try:
        sink = w.listen(53, kind=socket.SOCK_DGRAM)
        w.sh("iptables -A INPUT -p udp --dport 53 -j ACCEPT")
        w.host.run("nft", "add table ip foreign; add chain ip foreign c "
                   "{ type filter hook input priority 5; }")
        with w.peer:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        w.fw.pause()
        for _ in range(5):
            s.sendto(b"x", (hosts.V4, 53))
        w.host.run("nft", "delete table ip foreign")
        w.fw.resume()
        for _ in range(3):
            s.sendto(b"x", (hosts.V4, 53))
        w.fw.settle()
        c.equal("datagrams after a foreign chain's end", w.got(sink), 3)
    finally:
        w.close()


def test_waits_while_stopped(both, c):
    w = hosts.World("fwd")
    try:
        sink = w.listen(53, kind=socket.SOCK_DGRAM)
        w.sh("iptables -A INPUT -p udp --dport 53 -j ACCEPT")
        with w.peer:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        w.fw.pause()
        for _ in range(5):
            s.sendto(b"x", (hosts.V4, 53))
        c.equal("datagrams while fwd is stopped", w.got(sink), 0)
        w.fw.resume()
        w.fw.settle()
        c.equal("datagrams when it goes on", w.got(sink), 5)
    finally:
        w.close()


def test_mark_between_hooks(both, c):
    # An INVALID packet (RST of nobody) carries our bits from PREROUTING on, past the routing.
    rst = pkt.ip4(CLIENT, SERVER, 6, pkt.tcp(CLIENT, SERVER, 5000, 80, flags=pkt.RST))
    rules = "*mangle\n-A PREROUTING -m conntrack --ctstate INVALID -j MARK --set-mark 1\n" \
            "-A FORWARD -m conntrack --ctstate INVALID\nCOMMIT\n"

    def what(r):
        r.fw.restore(4, rules)
        out = []
        for mark in ("0x1", "0x1/0xfffff"):
            r.ns.ip("rule add fwmark %s lookup 100" % mark,
                    "route replace blackhole default table 100")
            out.append(len(send(r, rst)["eth1"]))
            r.ns.ip("rule del fwmark %s lookup 100" % mark)
        return tuple(out)
    c.equal("packets past `ip rule fwmark 0x1` and `0x1/0xfffff`", both.routers(what),
            ((0, 0), (1, 0)))


def test_fragments_stay_whole(both, c):
    frags = [pkt.ip4(CLIENT, SERVER, 17, part, ident=7, off=off, mf=off == 0)
             for off, part in ((0, pkt.udp(CLIENT, SERVER, 1, 53, b"f" * 56)[:32]),
                               (32, b"f" * 32))]

    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -m state --state NEW\nCOMMIT\n")
        r.fw.restore(4, "*filter\n-A FORWARD -f\nCOMMIT\n")
        for f in frags:
            send(r, f)
        return packets(r.fw, "-A FORWARD -f")
    c.equal("later fragments seen after tracking was on", both.routers(what), (1, 0))


def test_changed_fragments_are_cut_anew(both, c):
    body = pkt.udp(CLIENT, SERVER, 1, 53, b"f" * 392)  # 400 bytes: 64, 80 and the rest
    cuts = [(0, 64), (64, 144), (144, 400)]

    def what(r):
        r.fw.restore(4, "*mangle\n-A FORWARD -j TOS --set-tos 0x10\nCOMMIT\n"
                        "*filter\n-A FORWARD -m state --state NEW\nCOMMIT\n")
        out = []
        for a, b in cuts:
            out += send(r, pkt.ip4(CLIENT, SERVER, 17, body[a:b], ident=9, off=a,
                                   mf=b < 400))["eth1"]
        return [len(p) for p in out]
    c.equal("lengths of the fragments that leave", both.routers(what),
            ([84, 100, 276], [276, 164]))


def test_pattern_across_fragments(both, c):
    body = pkt.udp(CLIENT, SERVER, 1, 53, b"." * 20 + b"needle" + b"." * 30)  # 8 + 20 + 4 = 32

    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -m state --state NEW\n"
                        "-A FORWARD -m string --algo bm --string needle\n"
                        "-A FORWARD -m string --algo kmp --string needle\nCOMMIT\n")
        for a, b in ((0, 32), (32, len(body))):
            send(r, pkt.ip4(CLIENT, SERVER, 17, body[a:b], ident=9, off=a, mf=a == 0))
        return [packets(r.fw, "--algo " + algo) for algo in ("bm", "kmp")]
    c.equal("packets with the pattern, by algorithm", both.routers(what), ([0, 1], [1, 1]))


def test_dropped_connections_are_not_counted(both, c):
    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -m connlimit --connlimit-above 1\n"
                        "-A FORWARD -j DROP\nCOMMIT\n")
        for _ in range(30):
            r.ports["eth0"].send(pkt.ether(r.MAC["eth0"], r.host_mac(1, 10), udp()))
        r.fw.settle()
        return packets(r.fw, "--connlimit-saddr") > 0
    c.equal("a packet that is dropped each time is more than one", both.routers(what), (True, False))


def test_bridge_port_in_postrouting(both, c):
    line = "iptables -t mangle -A POSTROUTING -m physdev --physdev-in p1"
    c.equal("exit codes of --physdev-in", both.hosts(lambda w: w.sh(line)[0]), (0, 1))


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


def test_log_goes_to_fwd(both, c):
    w = hosts.World("fwd")
    try:
        w.sh("iptables -A INPUT -p tcp --dport 80 -j LOG --log-prefix 'seen here: '")
        w.listen(80)
        c.equal("tcp", w.tcp(80), "open")
        c.true("LOG's line in fwd's own log",
               "seen here: IN=eth0 OUT=" in w.fw.log() and "DPT=80" in w.fw.log())
    finally:
        w.close()


def test_nfqueue_from_the_last_table(both, c):
    text = "*mangle\n-A FORWARD -j NFQUEUE --queue-num 9 --queue-bypass\nCOMMIT\n" \
           "*filter\n-A FORWARD -p udp\nCOMMIT\n"

    def what(r):
        try:
            r.fw.restore(4, text)
        except firewall.RestoreError:
            return "refused"
        return len(send(r, udp())["eth1"]), packets(r.fw, "-A FORWARD -p udp")
    c.equal("NFQUEUE in mangle before rules of filter", both.routers(what), ((1, 1), "refused"))


def test_queue_without_listener(both, c):
    seg = lambda a, b, sp, dp, **k: pkt.ip4(a, b, 6, pkt.tcp(a, b, sp, dp, **k))
    syn = seg(CLIENT, SERVER, 5000, 80, seq=100)
    synack = seg(SERVER, CLIENT, 80, 5000, flags=pkt.SYN | pkt.ACK, seq=500, ack=101)
    ack = seg(CLIENT, SERVER, 5000, 80, flags=pkt.ACK, seq=101, ack=501)

    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -m state --state ESTABLISHED\n"
                        "-A FORWARD -p tcp --syn -j NFQUEUE --queue-num 9\nCOMMIT\n")
        lost = not send(r, syn)["eth1"]
        send(r, synack, "eth1", (2, 20))
        send(r, ack)
        return lost, packets(r.fw, "--state ESTABLISHED")
    c.equal("SYN lost in a queue; ESTABLISHED then", both.routers(what), ((True, 0), (True, 2)))


def test_tables_are_one_visit(both, c):
    def what(r):
        r.fw.restore(4, "*raw\n-A PREROUTING -p udp -j DROP\nCOMMIT\n")
        r.ns.run("nft", "add table ip other; add chain ip other c { type filter hook prerouting "
                        "priority -250; }; add rule ip other c ip protocol udp counter")
        send(r, udp())
        return "packets 1 " in r.ns.run("nft", "list", "table", "ip", "other").stdout
    c.equal("a chain at -250 sees what raw drops", both.routers(what), (False, True))


def test_no_kernel_conntrack(both, c):
    def what(w):
        w.listen(80)
        w.sh("iptables -A INPUT -m state --state NEW,ESTABLISHED -j ACCEPT")
        w.tcp(80)
        return int(w.host.run("conntrack", "-C").stdout)
    c.equal("flows in the kernel's table", both.hosts(what), (1, 0))


def test_kernel_conntrack_while_translating(both, c):
    def what(w):
        w.listen(80)
        w.sh("iptables -t nat -A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 80")
        return w.tcp(81), int(w.host.run("conntrack", "-C").stdout)
    c.equal("a translated connection", both.hosts(what), (("open", 1), ("open", 1)))


def test_errors_about_first_packets_pass(both, c):
    def what(r):
        r.fw.restore(4, "*nat\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n"
                        "*filter\n-A OUTPUT -p icmp -j DROP\nCOMMIT\n")
        lost = pkt.ip4(CLIENT, "10.99.1.1", 17, pkt.udp(CLIENT, "10.99.1.1", 5000, 53, b"x"))
        spent = udp(ttl=1)
        return [len(send(r, p)["eth0"]) for p in (lost, spent)]
    c.equal("errors: no route, no hop left", both.routers(what), ([0, 0], [1, 0]))


def test_errors_about_resets_begin_nothing(both, c):
    ours = "10.77.1.1"

    def what(r):
        r.fw.restore(4, "*nat\n-A PREROUTING -s 203.0.113.1/32 -j REDIRECT\nCOMMIT\n*filter\n"
                        "-A INPUT -m conntrack --ctstate ESTABLISHED\n"
                        "-A OUTPUT -p tcp -m length --length 41:1500 -j REJECT --reject-with tcp-reset\n"
                        "-A OUTPUT -p tcp -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n")
        r.raw.send(pkt.ip4(ours, CLIENT, 6, pkt.tcp(ours, CLIENT, 5000, 80, flags=pkt.ACK,
                                                    data=b"data")))
        r.fw.settle()
        send(r, pkt.ip4(CLIENT, ours, 6, pkt.tcp(CLIENT, ours, 80, 5000, flags=pkt.ACK)))
        return r.fw.save(4).split("-A INPUT -m conntrack")[0].rpartition("[")[2][:2]
    c.equal("answers to a packet that was reset", both.routers(what), ("1:", "0:"))


def test_saved_shifts_are_read(both, c):
    line = "iptables -t nat -A %s -p tcp -j %s"
    lines = [line % ("PREROUTING", "DNAT --to-destination 10.0.0.1:80/300"),
             line % ("POSTROUTING", "SNAT --to-source 10.0.0.1:100-200/0")]
    c.equal("exit codes of saved port shifts", both.hosts(lambda w: [w.sh(x)[0] for x in lines]),
            ([2, 2], [0, 0]))


def test_shifts_stop_at_their_last_port(both, c):
    def what(r):
        r.fw.restore(4, "*nat\n-A PREROUTING -p tcp -j DNAT --to-destination :7000-7006/7778\n"
                        "COMMIT\n")
        return [[pkt_port(x) for x in send(r, syn(port))["eth1"]]
                for port in (7783, 7790, 7784, 7791)]
    kernel, ours = both.routers(what)
    c.equal("ports of a shift", kernel, [[7005], [7006], [7000], [7001]])
    c.equal("ports of a shift, here", ours, [[7005], [7006], [7006], [7006]])


def test_no_proc_recent(both, c):
    def what(w):
        w.listen(80)
        w.sh("iptables -A INPUT -p tcp --syn -m recent --set --name seen")
        w.tcp(80)
        r = w.host.run("sh", "-c", "cat /proc/net/xt_recent/seen", check=False)
        ours = w.fw.ctl("recent", "list", "seen").stdout if w.kind == "fwd" else ""
        return hosts.PEER4 in r.stdout, hosts.PEER4 in ours
    c.equal("the list in /proc, and in fwctl", both.hosts(what), ((True, False), (False, True)))


def test_parts_of_udp_are_counted(both, c):
    def what(w):
        w.sh("iptables -t mangle -A OUTPUT -p udp --dport 99 -j TTL --ttl-set 9")
        w.sh("iptables -A OUTPUT -p udp --dport 99 -j ACCEPT")
        with w.host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.IPPROTO_UDP, 103, 100)  # UDP_SEGMENT
            s.sendto(b"x" * 1000, (hosts.PEER4, 99))
        w.fw.settle()
        return packets(w.fw, "-A OUTPUT -p udp -m udp --dport 99 -j ACCEPT")
    c.equal("packets counted of ten in one", both.hosts(what), (1, 10))


def test_changed_datagrams_arrive(both, c):
    def what(w):
        sink = w.listen(53, kind=socket.SOCK_DGRAM)
        w.sh("ip6tables -t mangle -A PREROUTING -j TOS --set-tos 0x10")
        w.sh("ip6tables -A INPUT -m state --state NEW")
        port = wire.Port(w.peer, "eth0")
        for n in (10, 100):
            p = pkt.udp(hosts.PEER6, hosts.V6, 5000, 53, b"x" * n)
            port.send(pkt.ether("02:66:00:00:00:02", "02:66:00:00:00:01",
                                pkt.ip6(hosts.PEER6, hosts.V6, 17, p)))
        port.close()
        w.fw.settle()
        return w.got(sink)
    c.equal("datagrams of 10 and 100 bytes", both.hosts(what), (1, 2))


def test_zones_share_marks(both, c):
    def what(w):
        sink = w.listen(53, kind=socket.SOCK_DGRAM)
        sink.settimeout(2)
        w.fw.restore(4, "*raw\n-A PREROUTING -m tos --tos 0x10 -j CT --zone 7\nCOMMIT\n*mangle\n"
                     "-A INPUT -m connmark --mark 0 -m tos --tos 0x10 -j CONNMARK --set-mark 7\n"
                     "-A INPUT -m connmark --mark 0 -j CONNMARK --set-mark 1\n"
                     "-A INPUT -m connmark --mark 1\n-A INPUT -m connmark --mark 7\nCOMMIT\n")
        with w.peer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((hosts.V4, 53))
            for tos in (0, 0x10, 0):
                s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
                s.send(b"x")
                sink.recv(16)
        w.fw.settle()
        return packets(w.fw, "--mark 0x1"), packets(w.fw, "--mark 0x7")
    c.equal("packets with zone 0's and with zone 7's mark", both.hosts(what), ((2, 1), (3, 0)))


def test_timeout_policies_are_read_once(both, c):
    def left(w, sink, sport):
        with w.peer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("", sport))
            s.sendto(b"x", (hosts.V4, 53))
        sink.recv(16)
        w.fw.settle()
        out = w.host.run("conntrack", "-L", "-p", "udp", "--sport", str(sport)).stdout.split()
        return int(out[2]) // 10

    def what(w):
        sink = w.listen(53, kind=socket.SOCK_DGRAM)
        sink.settimeout(2)
        w.host.run("nfct", "add", "timeout", "long", "inet", "udp", "unreplied", "999")
        code, _, err = w.sh("iptables -t raw -A PREROUTING -p udp -j CT --timeout nope")
        code6 = w.sh("ip6tables -t raw -A PREROUTING -p udp -j CT --timeout long")[0]
        w.sh("iptables -t raw -A PREROUTING -p udp -j CT --timeout long; "
             "iptables -A INPUT -m conntrack --ctstate NEW")
        before = left(w, sink, 4000)
        gone = w.host.run("nfct", "delete", "timeout", "long", check=False).returncode == 0
        w.host.run("nfct", "add", "timeout", "long", "inet", "udp", "unreplied", "555", check=False)
        return code != 0, code6 != 0, before, gone, left(w, sink, 4001)
    c.equal("no such, other family's, seconds, may be deleted, seconds", both.hosts(what),
            ((True, True, 99, False, 99), (True, True, 99, True, 99)))


def flood(router, ttl=64):
    """Until fwd lets the kernel drop the source by itself; returns how many."""
    end, n = time.monotonic() + 10, 0
    while time.monotonic() < end:
        for _ in range(100):
            router.ports["eth0"].send(pkt.ether(router.MAC["eth0"], router.host_mac(1, 10),
                                                udp(ttl=ttl)))
        n += 100
        router.fw.settle()
        if isinstance(router.fw, firewall.Kernel) or \
           "fwd_offload_sources 1" in router.fw.ctl("metrics").stdout:
            return n
    raise RuntimeError("the kernel does not drop the source by itself")


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


def test_offloaded_flow_lives_longer(both, c):
    def what(r):
        r.fw.restore(4, KNOWN)
        segment = connection(r, 10)
        segment(0, pkt.ACK, b"x")
        segment(1, pkt.ACK)
        time.sleep(1.5)
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
    time.sleep(6.2)
    c.equal("six seconds later", len(segment(0, pkt.ACK, b"x")), 0)
    del r.fw.settle
    r.fw.close()
    r.close()


def test_renamed_under_offloaded_flow(both, c):
    def what(r):
        r.fw.restore(4, KNOWN + "*mangle\n-A FORWARD -i new0\nCOMMIT\n")
        segment = connection(r, 10)
        r.ns.ip("link set eth0 name new0")
        segment(0, pkt.ACK, b"x")
        now = packets(r.fw, "-A FORWARD -i new0")
        time.sleep(0.3)
        segment(0, pkt.ACK, b"x")
        return now, packets(r.fw, "-A FORWARD -i new0") > now
    want = ((1, True), (0, True))
    seen = [both.routers(what)]
    while seen[-1] != want and len(seen) < 3:  # a slow machine may take longer than the moment
        seen.append(both.routers(what))
    c.equal("by the new name: at once, and then", seen[-1], want)


def test_nat_policies_stand_still(both, c):
    def what(w):
        w.listen(80)
        w.sh("iptables -t nat -P PREROUTING ACCEPT; iptables -t nat -L -n; "
             "iptables -A INPUT -m state --state NEW")
        w.tcp(80)
        return ":PREROUTING ACCEPT [1:60]" in w.sh("iptables-save -c -t nat")[1]
    c.equal("nat's policy counted a connection", both.hosts(what), (True, False))


def test_options_are_not_echoed(both, c):
    record_route = b"\x07\x0f\x04" + b"\0" * 13  # three free slots

    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -p udp -j REJECT\nCOMMIT\n")
        got = send(r, udp(opts=record_route))["eth0"]
        return [p[0] & 15 for p in got]
    c.equal("header lengths of REJECT's errors", both.routers(what), ([], [5]))


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


def test_suppl_groups_are_refused(both, c):
    line = "iptables -A OUTPUT -m owner --gid-owner 0 --suppl-groups -j ACCEPT"
    c.equal("exit codes of --suppl-groups", both.hosts(lambda w: w.sh(line)[0]), (0, 2))


def main():
    netns.need_root()
    netns.sweep()
    both, c = Both(), hosts.Checks()
    only = sys.argv[1:]
    for name, f in sorted(globals().items()):
        if name.startswith("test_") and (not only or name[5:] in only):
            begin = time.monotonic()
            try:
                f(both, c)
            except Exception as e:
                c.true("%s: %s: %s" % (name, type(e).__name__, e), False)
            print("%-32s %.1f s" % (name[5:], time.monotonic() - begin), flush=True)
    return c.finish()


if __name__ == "__main__":
    sys.exit(main())
