# SPDX-License-Identifier: GPL-2.0-or-later
"""Two real hosts with a firewall on one: commands typed there, connections made from the other."""
import difflib
import errno
import os
import re
import select
import socket
import struct

import firewall
import topo
import wait

V4, V6 = "10.66.0.2", "fd66::2"
PEER4, PEER6 = "10.66.0.1", "fd66::1"
PATIENCE = 0.4  # below the first retransmission (1 s): a dropped SYN is sent exactly once


class World:
    """kind: fwd, legacy or nft."""

    def __init__(self, kind, args=()):
        self.kind, self.hosts = kind, topo.Hosts()
        self.host, self.peer = self.hosts.host, self.hosts.peer
        self.fw = firewall.Fwd(self.host, args) if kind == "fwd" \
            else firewall.Kernel(self.host, kind)
        self.sockets = []

    def sh(self, line, input=None):
        """Type a line: (exit code, stdout, stderr), without the tools' dates and versions."""
        self.fw.settle()
        r = self.host.run("sh", "-c", line, check=False, env=self.fw.env(), input=input)
        out = "".join(x + "\n" for x in r.stdout.splitlines()
                      if not re.match(r"# (Generated|Completed)", x))
        return r.returncode, out, r.stderr

    def listen(self, *ports, kind=socket.SOCK_STREAM):
        """Listen on the host; connections are completed by the kernel and never accepted."""
        with self.host:
            for port in ports:
                s = socket.socket(socket.AF_INET6, kind)
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("::", port))
                if kind == socket.SOCK_STREAM:
                    s.listen(64)
                self.sockets.append(s)
        return self.sockets[-1]

    def tcp(self, port, to=V4, sport=0, ns=None, patience=PATIENCE):
        """Connect from the peer and break off by a reset: a fixed number of packets.  Returns
        open, silent, or the name of the error."""
        with ns or self.peer:
            s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
        with s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if sport:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("", sport))
            s.settimeout(patience)
            try:
                s.connect((to, port))
                self.stands(s)
                result = "open"
            except socket.timeout:
                result = "silent"
            except OSError as e:
                result = errno.errorcode[e.errno]
        self.fw.settle()
        return result

    @staticmethod
    def stands(s):
        """A refusal by ICMP that another CPU brings ends the socket a moment before its error can
        be read: connect() may have found none."""
        try:
            s.getpeername()
        except OSError:
            refused = wait.must("the closed socket's error",
                                lambda: s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            raise OSError(refused, os.strerror(refused))

    def udp(self, port, to=V4, data=b"hello", ns=None, patience=PATIENCE):
        """Send a datagram from the peer: the name of the error that comes back, or silent."""
        with ns or self.peer:
            s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
        with s:
            s.connect((to, port))
            try:
                s.send(data)
            except OSError as e:
                return "send " + errno.errorcode[e.errno]
            s.settimeout(patience)
            try:
                s.recv(2048)
                result = "answer"
            except socket.timeout:
                result = "silent"
            except OSError as e:
                result = errno.errorcode[e.errno]
        self.fw.settle()
        return result

    def got(self, sock):
        """Datagrams that reached a listening socket."""
        n = 0
        while select.select([sock], [], [], 0)[0]:
            sock.recv(65536)
            n += 1
        return n

    def ping(self, to=V4, count=1):
        r = self.peer.run("ping", "-c", str(count), "-i", "0.01", "-W", "0.4", "-q", to,
                          check=False)
        self.fw.settle()
        m = re.search(r"(\d+) received", r.stdout)
        return int(m.group(1)) if m else -1

    def close(self):
        for s in self.sockets:
            s.close()
        self.fw.close()
        self.hosts.close()


def difference(got, want):
    """Of long texts only the lines that differ."""
    flat = lambda x: [str(y) for y in x] if isinstance(x, tuple) else [str(x)]
    a, b = [[line for part in flat(x) for line in part.split("\n")] for x in (want, got)]
    if len(a) + len(b) < 4:
        return "  got  %r\n  want %r" % (got, want)
    return "\n".join("  " + x for x in difflib.unified_diff(a, b, "want", "got", "", "", 0, "")
                     if not x.startswith("@@"))


class Checks:
    """Counts what was right and says what was not."""

    def __init__(self):
        self.good, self.bad = 0, 0

    def equal(self, what, got, want):
        if got == want:
            self.good += 1
            return True
        self.bad += 1
        print("WRONG %s:\n%s" % (what, difference(got, want)), flush=True)
        return False

    def true(self, what, condition):
        return self.equal(what, bool(condition), True)

    def finish(self):
        print("%d right, %d wrong" % (self.good, self.bad))
        return 1 if self.bad or not self.good else 0
