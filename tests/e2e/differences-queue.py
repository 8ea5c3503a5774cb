# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""docs/differences.md, of the queue itself: who waits in it, what passes beside it, and what leaves
marks, logs and lists elsewhere."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import beside  # noqa: E402
import firewall  # noqa: E402
import hosts  # noqa: E402
import pkt  # noqa: E402
from beside import CLIENT, SERVER, packets, send, udp  # noqa: E402


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


def test_marked_to_nowhere(both, c):
    def what(w):
        w.sh("ip rule add fwmark 1 lookup 77; ip route add blackhole default table 77; "
             "iptables -t mangle -A OUTPUT -p udp -j MARK --set-mark 1; "
             "iptables -A OUTPUT -p udp -d %s" % hosts.PEER4)
        told = False
        with w.host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.sendto(b"x", (hosts.PEER4, 9))
            except OSError:
                told = True
        w.fw.settle()
        return told, packets(w.fw, "-A OUTPUT -d %s/32 -p udp" % hosts.PEER4)
    c.equal("the sender is told; filter's packets", both.hosts(what), ((True, 0), (False, 1)))


def test_no_proc_recent(both, c):
    def what(w):
        w.listen(80)
        w.sh("iptables -A INPUT -p tcp --syn -m recent --set --name seen")
        w.tcp(80)
        r = w.host.run("sh", "-c", "cat /proc/net/xt_recent/seen", check=False)
        ours = w.fw.ctl("recent", "list", "seen").stdout if w.kind == "fwd" else ""
        return hosts.PEER4 in r.stdout, hosts.PEER4 in ours
    c.equal("the list in /proc, and in fwctl", both.hosts(what), ((True, False), (False, True)))


def test_suppl_groups_are_refused(both, c):
    line = "iptables -A OUTPUT -m owner --gid-owner 0 --suppl-groups -j ACCEPT"
    c.equal("exit codes of --suppl-groups", both.hosts(lambda w: w.sh(line)[0]), (0, 2))


if __name__ == "__main__":
    beside.run(globals())
