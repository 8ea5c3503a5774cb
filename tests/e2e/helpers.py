#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that helpers expect: FTP, active and passive, and TFTP, with real clients and
servers, and IRC's, through a router that lets pass the control connection and what is related; beside the
kernel's, whose counters must stand the same behind.
"""
import os
import signal
import socket
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import firewall  # noqa: E402
import hosts  # noqa: E402
import netns  # noqa: E402
import topo  # noqa: E402
import wait  # noqa: E402

C, R1, R2, S = "10.66.1.2", "10.66.1.1", "10.66.2.1", "10.66.2.2"
R6, S6 = "fd66:1::1", "fd66:2::2"
CONTENT = b"".join(b"line %d of a file that takes more than one segment\n" % i for i in range(400))

VSFTPD = """listen=NO
listen_ipv6=YES
background=NO
anonymous_enable=YES
no_anon_password=YES
local_enable=NO
anon_root=%s
connect_from_port_20=NO
secure_chroot_dir=%s
seccomp_sandbox=NO
xferlog_enable=NO
allow_writeable_chroot=YES
port_promiscuous=YES
"""

RAW = """*raw
-A PREROUTING -p tcp --dport 21 -j CT --helper ftp
-A OUTPUT -p tcp --dport 21 -j CT --helper ftp
-A PREROUTING -p udp --dport 69 -j CT --helper tftp
-A OUTPUT -p udp --dport 69 -j CT --helper tftp
COMMIT
"""

# Rules without a target count: who is whose, at every hook that a packet meets.
COUNT = """-A %(chain)s -m conntrack --ctstate RELATED -m helper --helper ftp
-A %(chain)s -m conntrack --ctstate RELATED -m helper --helper tftp
-A %(chain)s -m conntrack --ctstate NEW -m helper ! --helper ""
-A %(chain)s -m conntrack --ctstate NEW -m helper --helper ftp
-A %(chain)s -m conntrack --ctstate RELATED --ctstatus EXPECTED
-A %(chain)s -m conntrack --ctstate NEW --ctstatus EXPECTED
-A %(chain)s -m conntrack --ctstatus EXPECTED -m helper --helper ftp
-A %(chain)s -m conntrack --ctstate RELATED --ctorigdst %(related)s
-A %(chain)s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A %(chain)s -p tcp --dport 21 -m conntrack --ctstate NEW -j ACCEPT
-A %(chain)s -p udp --dport 69 -m conntrack --ctstate NEW -j ACCEPT
"""


def count(chain, related=S):
    return COUNT % {"chain": chain, "related": related}


FORWARD = RAW + "*filter\n:FORWARD DROP\n" + count("FORWARD") + "COMMIT\n"
HOST = RAW + "*filter\n:INPUT DROP\n:OUTPUT DROP\n-A INPUT -i lo -j ACCEPT\n" + \
    count("INPUT", R1) + count("OUTPUT", C) + "COMMIT\n"
NAT = """*nat
-A PREROUTING -i eth0 -d %s -p tcp --dport 21 -j DNAT --to-destination %s
-A PREROUTING -i eth0 -d %s -p udp --dport 69 -j DNAT --to-destination %s
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
*mangle
%s
%s
COMMIT
""" % (R1, S, R1, S, "\n".join(x for x in count("PREROUTING", R1).splitlines() if "ACCEPT" not in x),
       "\n".join(x for x in count("POSTROUTING", R1).splitlines() if "ACCEPT" not in x))


NAT6 = """*nat
-A PREROUTING -i eth0 -d %s -p tcp --dport 21 -j DNAT --to-destination %s
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
""" % (R6, S6)
LOOPBACK = RAW + "*filter\n:INPUT DROP\n:OUTPUT DROP\n" + count("INPUT", R1) + \
    count("OUTPUT", R1) + "COMMIT\n"


class Side:
    def __init__(self, kind, at):
        """kind: the firewall; at: where the servers run."""
        self.kind = kind
        self.net = topo.Routed()
        self.client, self.router, self.server = self.net.client, self.net.router, self.net.server
        self.fw = firewall.Fwd(self.router) if kind == "fwd" else firewall.Kernel(self.router, kind)
        self.dir = tempfile.TemporaryDirectory(prefix=netns.PREFIX + "-")
        self.procs = []
        self.serve(getattr(self, at))

    def serve(self, ns):
        root = os.path.join(self.dir.name, "files")
        os.mkdir(root)
        os.mkdir(os.path.join(self.dir.name, "empty"))
        os.chmod(self.dir.name, 0o755)
        with open(os.path.join(root, "file"), "wb") as f:
            f.write(CONTENT)
        os.chmod(os.path.join(root, "file"), 0o644)
        conf = os.path.join(self.dir.name, "vsftpd.conf")
        with open(conf, "w") as f:
            f.write(VSFTPD % (root, os.path.join(self.dir.name, "empty")))
        for argv in (("vsftpd", conf), ("in.tftpd", "--foreground", "--secure", "--address",
                                        "0.0.0.0:69", "--user", "nobody", root)):
            # their children are in sessions of their own, and go with the pid namespace; its
            # first process must be another
            self.procs.append(ns.popen("unshare", "--pid", "--fork", "--kill-child", "sh", "-c",
                                       '"$@" & wait', "sh", *argv))
        wait.must("the servers listen", lambda: all(
            ns.run("ss", "-Hln", kind, "sport = :%d" % port).stdout
            for kind, port in (("-t", 21), ("-u", 69))))

    def fetch(self, ns, *argv):
        r = getattr(self, ns).run(*argv, check=False)
        return "the file" if r.stdout.encode() == CONTENT else "exit %d %s" % (r.returncode,
                                                                              r.stderr.strip())

    def fetch_all(self, ns, to, patience="4"):
        curl = ("curl", "--silent", "--show-error", "--max-time", patience)
        tnftp = ("timeout", patience, "tnftp", "-A", "-V", "-o", "-")
        ftp = "ftp://%s/file" % to
        out = {"FTP, EPSV": self.fetch(ns, *curl, ftp), "FTP, active": self.fetch(ns, *tnftp, ftp)}
        if ":" not in to:
            out["FTP, PASV"] = self.fetch(ns, *curl, "--disable-epsv", ftp)
            out["TFTP"] = self.fetch(ns, *curl, "tftp://%s/file" % to)
        return out

    def counters(self, family=4):
        self.fw.settle()
        return "\n".join("%s %s" % (n, rule) for rule, n in
                         firewall.packets_by_rule(self.fw.save(family), many=6))

    def close(self):
        for p in self.procs:
            netns.stop(p, signal.SIGKILL)
        self.fw.close()
        self.net.close()
        self.dir.cleanup()


def run(side, rules, ns, to):
    family = 6 if ":" in to else 4
    for text in rules:
        side.fw.restore(family, text)
    out = side.fetch_all(ns, to)
    out["rules"] = side.counters(family)
    return out


def without(side):
    """No rule assigns a helper: the control connection comes up, and nothing else."""
    side.fw.restore(4, FORWARD[len(RAW):])
    return [x != "the file" for x in side.fetch_all("client", S, "0.5").values()]


REFUSED = ("-p udp --dport 21 -j CT --helper ftp", "-p tcp -j CT --helper nope", "-j CT --helper ftp",
           "-p tcp -j CT --timeout nope")


def refusals(side):
    """What the kernel does not have is refused, and nothing remains of it."""
    out = []
    for words in REFUSED:
        r = side.router.run("iptables", "-t", "raw", "-A", "PREROUTING", *words.split(), check=False,
                            env=side.fw.env())
        out.append((r.returncode, r.stderr))
    side.router.run("iptables", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "-j", "CT", "--helper",
                    "ftp", env=side.fw.env())
    return out, [x for x in side.fw.save(4).splitlines() if "-j CT" in x]


IRC = """*raw
-A PREROUTING -p tcp --dport 6667 -j CT --helper irc
COMMIT
*nat
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate RELATED --ctorigdst %s -m helper --helper irc
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -p tcp --dport 6667 -j ACCEPT
COMMIT
""" % R2


def irc(side):
    """A client behind us offers a file (DCC): its peer is told our address, and may fetch it."""
    side.fw.restore(4, IRC)
    with side.server:
        server = socket.create_server(("", 6667))
    with side.client:
        offer = socket.create_server(("", 5000))
        chat = socket.create_connection((S, 6667), timeout=2)
    there, _ = server.accept()
    address = int.from_bytes(socket.inet_aton(C), "big")
    chat.sendall(b"PRIVMSG peer :\x01DCC SEND file %d 5000 99\x01\r\n" % address)
    there.settimeout(2)
    words = there.recv(512).strip(b"\x01\r\n").split()
    told = socket.inet_ntoa(int(words[-3]).to_bytes(4, "big"))
    with side.server:
        fetch = socket.create_connection((told, int(words[-2])), timeout=2)
    offer.settimeout(2)
    a, _ = offer.accept()
    a.sendall(b"the file")
    fetch.settimeout(2)
    out = told, fetch.recv(64), side.counters()
    for s in (server, offer, chat, there, fetch, a):
        s.close()
    return out


CASES = {
    "forwarded": ("server", (FORWARD,), "client", S),
    "translated both ways": ("server", (FORWARD, NAT), "client", R1),
    "forwarded, IPv6": ("server", (FORWARD.replace(S, S6),), "client", "[%s]" % S6),
    "translated both ways, IPv6": ("server", (FORWARD.replace(S, S6), NAT6), "client", "[%s]" % R6),
    "within this host": ("router", (LOOPBACK,), "router", R1),
    "to this host": ("router", (HOST,), "client", R1),
}


def beside(kind, at, what, *args):
    side = Side(kind, at)
    try:
        return what(side, *args)
    finally:
        side.close()


def main():
    netns.need_root()
    netns.sweep()
    checks = hosts.Checks()
    for name, (at, *rest) in CASES.items():
        results = []
        for kind in ("legacy", "fwd"):
            results.append(beside(kind, at, run, *rest))
        want, got = results
        for key in want:
            checks.equal("%s: %s" % (name, key), got[key], want[key])
        checks.equal(name + ": all arrive", [v for k, v in want.items() if k != "rules"],
                     ["the file"] * (len(want) - 1))
    checks.equal("without a helper", [beside(kind, "server", without) for kind in ("legacy", "fwd")],
                 [[True] * 4] * 2)
    want, got = [beside(kind, "server", refusals) for kind in ("legacy", "fwd")]
    checks.equal("refused", got, want)
    want, got = [beside(kind, "server", irc) for kind in ("legacy", "fwd")]
    checks.equal("IRC", got, want)
    checks.equal("IRC: what it is told, what it gets", want[:2], (R2, b"the file"))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
