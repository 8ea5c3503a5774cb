# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad clients: garbage, half requests, a gigabyte of one line, a thousand idle connections, answers
that nobody reads.  All the while packets flow and another client is served."""
# timeout: 180
import os
import random
import resource
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import wait  # noqa: E402

GIB = 1 << 30
RULES = "*filter\n%s-A INPUT -p udp --dport 7 -j ACCEPT\nCOMMIT\n" % "".join(
    "-A OUTPUT -d 10.%d.%d.%d/32 -j DROP\n" % (n >> 16, n >> 8 & 255, n & 255) for n in range(20000))


class Packets(threading.Thread):
    """One datagram after the other through the firewall; remembers the longest wait."""

    def __init__(self, ns):
        super().__init__(daemon=True)
        with ns:
            self.s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        self.s[0].bind(("127.0.0.1", 7))
        self.s[0].settimeout(20)
        self.count, self.worst, self.stop, self.lost = 0, 0.0, False, None

    def run(self):
        while not self.stop:
            begin = time.monotonic()
            self.s[1].sendto(b"x" * 100, ("127.0.0.1", 7))
            try:
                self.s[0].recv(200)
            except socket.timeout:
                self.lost = "a datagram did not arrive within 20 s"
                return
            self.worst = max(self.worst, time.monotonic() - begin)
            self.count += 1
            time.sleep(0.001)  # paced


class Served(threading.Thread):
    """The other client: pings and edits, one after the other."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.count, self.worst, self.stop, self.failed = path, 0, 0.0, False, None

    def run(self):
        try:
            while not self.stop:
                begin = time.monotonic()
                control.ask(self.path, "ping")
                control.edit(self.path, "-A FORWARD -j DROP\n-D FORWARD -j DROP")
                control.edit(self.path, "-A FORWARD -m comment --comment n%d" % (self.count % 100))
                self.worst = max(self.worst, time.monotonic() - begin)
                self.count += 1
                time.sleep(0.005)  # paced
        except Exception as e:  # noqa: BLE001: told by the main thread
            self.failed = repr(e)


def refused(path, code, line, body=""):
    try:
        got = control.ask(path, line, body)
    except control.Refused as e:
        assert e.code == code, "%s instead of %s: %s" % (e.code, code, e)
        return e
    raise AssertionError("%r was answered: %r" % (line, got[:100]))


def garbage(path):
    rng = random.Random(1)
    for _ in range(300):
        with control.connect(path) as s:
            try:
                s.sendall(rng.randbytes(rng.randrange(5000)))
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            reply = control.read_all(s)
            assert reply.startswith("error "), reply[:100]
    refused(path, "usage", "")
    refused(path, "usage", "nonsense")
    refused(path, "usage", "restore 5", "*filter\nCOMMIT\n")
    refused(path, "limit", "ping " + "x" * 2000)
    refused(path, "limit", "ping" + " x" * 100)
    e = refused(path, "limit", "restore 4 noflush", "*filter\n" + "x" * 70000 + "\nCOMMIT\n")
    assert e.place == "2:1", e.place


def half_requests(path):
    """Some hang up in the middle, before or after the request's end, some never read."""
    for text in (b"", b"sa", b"save 4", b"restore 4\n*filter\n-A INP"):
        s = control.connect(path)
        s.sendall(text)
        s.close()
    for _ in range(50):
        s = control.connect(path)
        s.sendall(b"save 4\n")
        s.shutdown(socket.SHUT_WR)
        s.close()


def gigabyte(path):
    """Refused as soon as the limit is passed: nobody takes in the rest."""
    piece = b"x" * (1 << 20)
    for first in (b"", b"restore 4\n*filter\n"):
        sent = 0
        with control.connect(path) as s:
            s.sendall(first)
            try:
                while sent < GIB:
                    sent += s.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert sent < 64 << 20, "%d bytes of one line were taken in" % sent
            reply = control.read_all(s)
            assert reply.startswith("error ") and "longer than" in reply, reply[:200]


def big_requests(path, pid):
    """Many large requests at a time: memory stays bounded, and some are told so."""
    clients = []
    for _ in range(12):
        s = control.connect(path)
        s.sendall(b"restore 4 test\n")
        clients.append(s)
    line, refusals = b"# " + b"y" * 60000 + b"\n", 0
    block = line * 200  # 12 MB
    for s in clients:
        try:
            for _ in range(8):
                s.sendall(block)
        except OSError:
            refusals += 1
    with open("/proc/%d/status" % pid) as f:
        rss = [int(x.split()[1]) // 1024 for x in f if x.startswith("VmRSS")][0]
    for s in clients:
        s.close()
    assert rss < 1200, "%d MiB" % rss
    assert refusals, "1.1 GB of half requests were all taken in"
    return rss


def idle_thousand(path):
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    clients = []
    for n in range(1000):
        s = control.connect(path)
        if n % 2:
            s.sendall(b"restore 4\n*fil")
        clients.append(s)
    begin = time.monotonic()
    version = control.values(control.ask(path, "ping"))["version"]
    took = time.monotonic() - begin
    n = int(control.values(control.ask(path, "status"))["clients"])
    assert version and n <= 256, n
    for s in clients:
        s.close()
    return took


def never_read(path):
    """Ask for a lot, read nothing: the others are served, memory is given back."""
    clients = []
    for _ in range(50):
        s = control.connect(path)
        s.sendall(b"save 4\n")
        s.shutdown(socket.SHUT_WR)
        clients.append(s)
    control.ask(path, "ping")
    for s in clients[:25]:
        assert control.read_all(s).endswith("COMMIT\n")
    for s in clients:
        s.close()


def main():
    netns.need_root()
    netns.sweep()
    ns = netns.Namespace("-clients")
    ns.ip("link set lo up")
    with firewall.Fwd(ns) as fwd:
        control.ask(fwd.socket, "restore 4", RULES)
        packets, served = Packets(ns), Served(fwd.socket)
        packets.start()
        served.start()
        for trouble in (garbage, half_requests, gigabyte, big_requests, idle_thousand, never_read):
            before = served.count, packets.count
            trouble(*((fwd.socket, fwd.proc.pid) if trouble is big_requests else (fwd.socket,)))
            wait.until(lambda: served.count > before[0] and packets.count > before[1])
            assert served.count > before[0], "nobody was served during %s: %s" % (
                trouble.__name__, served.failed)
            assert packets.count > before[1], "no packet passed during %s: %s" % (
                trouble.__name__, packets.lost)
        served.stop = packets.stop = True
        served.join()
        packets.join()
        assert not served.failed, served.failed
        assert not packets.lost, packets.lost
        assert packets.worst < 1, "a packet waited %.2f s" % packets.worst
        assert served.worst < 5, "a client waited %.2f s" % served.worst
        assert len(control.rules(fwd.socket)) >= 20001
        assert fwd.stop() == 0, fwd.log()
    print("%d packets, the slowest %.0f ms; %d requests in threes, the slowest %.0f ms"
          % (packets.count, packets.worst * 1000, served.count, served.worst * 1000))


main()
