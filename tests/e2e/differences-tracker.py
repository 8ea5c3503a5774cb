# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""docs/differences.md, of the tracker: it is fwd's, and the kernel's stands still."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import beside  # noqa: E402
import hosts  # noqa: E402
import pkt  # noqa: E402
from beside import CLIENT, packets, send, udp  # noqa: E402


def test_no_kernel_conntrack(both, c):
    def what(w):
        w.listen(80)
        w.sh("iptables -A INPUT -m state --state NEW,ESTABLISHED -j ACCEPT")
        w.tcp(80)
        return int(w.host.run("conntrack", "-C").stdout)
    c.equal("flows in the kernel's table", both.hosts(what), (1, 0))


def test_dropped_connections_are_not_counted(both, c):
    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -m connlimit --connlimit-above 1\n"
                        "-A FORWARD -j DROP\nCOMMIT\n")
        for _ in range(30):
            r.ports["eth0"].send(pkt.ether(r.MAC["eth0"], r.host_mac(1, 10), udp()))
        r.fw.settle()
        return packets(r.fw, "--connlimit-saddr") > 0
    c.equal("a packet that is dropped each time is more than one", both.routers(what), (True, False))


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


def test_notrack_of_answers(both, c):
    def what(r):
        r.fw.restore(4, "*raw\n-A PREROUTING -p udp -j NOTRACK\n-A OUTPUT -p icmp -j NOTRACK\nCOMMIT\n"
                        "*filter\n-A FORWARD -p udp -j REJECT\n"
                        "-A OUTPUT -m state --state UNTRACKED\nCOMMIT\n")
        return len(send(r, udp())["eth0"]), packets(r.fw, "--state UNTRACKED")
    c.equal("answers, and those that NOTRACK took", both.routers(what), ((1, 0), (1, 1)))

    def own(r):
        r.fw.restore(4, "*raw\n-A PREROUTING -p esp -j NOTRACK\n-A OUTPUT -p icmp -j NOTRACK\nCOMMIT\n"
                        "*filter\n-A OUTPUT -m state --state UNTRACKED\nCOMMIT\n")
        esp = pkt.ip4(CLIENT, "10.77.1.1", 50, b"\0\0\0\7\0\0\0\1" + bytes(24))
        return len(send(r, esp)["eth0"]), packets(r.fw, "--state UNTRACKED")
    c.equal("the stack's own errors", both.routers(own), ((1, 0), (1, 1)))


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


if __name__ == "__main__":
    beside.run(globals())
