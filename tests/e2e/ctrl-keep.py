# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 150
"""snapshot-interval: what a kill -9 may lose of counters, recent lists and flows, while packets and
edits go on; that nothing is written when nothing changes; that stale flows stay away; that a long
journal gives way to a snapshot."""
import os
import re
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import pkt  # noqa: E402
import wait  # noqa: E402

RULES = """*filter
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state INVALID -j DROP
-A INPUT -p udp --dport 7 -m recent --name seen --set -j ACCEPT
-A INPUT -p tcp --dport 80 -m state --state NEW --syn -j ACCEPT
-A INPUT -p tcp -m state --state ESTABLISHED -j ACCEPT
-A INPUT -j DROP
COMMIT
"""


class Stream:
    """A TCP connection whose echo goes on until it is told to stop."""

    def __init__(self, ns):
        with ns:
            listener = socket.create_server(("127.0.0.1", 80))
            self.a = socket.create_connection(("127.0.0.1", 80))
        self.b = listener.accept()[0]
        listener.close()
        self.a.settimeout(20)
        self.b.settimeout(20)

    def turn(self, n=200000):
        """Megabytes move the windows a long way."""
        def echo():
            left = n
            while left:
                left -= len(self.b.recv(min(left, 65536)))
            self.b.sendall(b"y" * n)
        t = threading.Thread(target=echo)
        t.start()
        self.a.sendall(b"x" * n)
        left = n
        while left:
            part = self.a.recv(min(left, 65536))
            assert part
            left -= len(part)
        t.join()


def packets(fwd, words):
    for line in control.ask(fwd.socket, "save 4 counters").splitlines():
        if words in line:
            return int(re.match(r"\[(\d+):", line)[1])
    raise AssertionError(words)


def wait_saved(fwd, seconds=20):
    """Until all that has changed so far is in the snapshot and the flows' file."""
    begin = time.time()

    def saved():
        try:
            return min(os.stat(os.path.join(fwd.state, f)).st_mtime
                       for f in ("snapshot", "flows")) > begin
        except FileNotFoundError:
            return False
    wait.must(lambda: "saved\n" + fwd.log(), saved, seconds, every=0.02)


def flows(fwd, **want):
    words = " ".join("%s %s" % x for x in want.items())
    return control.ask(fwd.socket, ("conn list " + words).strip())


def make_older(path, seconds):
    """The flows' file, as if it had been written that long ago."""
    with open(path, "rb") as f:
        head, _, rest = f.read().partition(b"\n")
    words = head.split(b" ")
    words[1] = b"%d" % (int(words[1]) - seconds * 10**9)
    length = int(words[-2])
    head = b" ".join(words[:-1])
    with open(path, "wb") as f:
        f.write(head + b" %08x\n" % pkt.crc32c(head + rest[:length]) + rest)


def long_journal(ns):
    """A journal that has grown gives way to a snapshot, while edits go on: then only they stay."""
    fwd = firewall.Fwd(ns, ["--snapshot-interval", "3600"])
    try:
        many = ["-s 10.%d.%d.%d/32 -p udp -m udp --dport 9 -m comment --comment \"%s\" -j DROP"
                % (i >> 16, i >> 8 & 255, i & 255, "x" * 40) for i in range(40000)]
        control.edit(fwd.socket, "\n".join("-A INPUT " + x for x in many))
        for i in range(5):
            control.edit(fwd.socket, "-A OUTPUT -s 192.0.2.%d/32 -j DROP" % i)
        wait.must("the journal is short", lambda: os.stat(fwd.state + "/journal").st_size <= 4096,
                  20, every=0.05)
        control.edit(fwd.socket, "-A OUTPUT -s 192.0.2.99/32 -j DROP")
        rules = control.rules(fwd.socket)
        assert len(rules) == 40006, len(rules)
        fwd.stop(signal.SIGKILL)
        fwd.start()
        assert control.rules(fwd.socket) == rules
    finally:
        fwd.close()


def main():
    netns.need_root()
    ns = netns.Namespace("-keep")
    ns.ip("link set lo up")
    fwd = firewall.Fwd(ns, ["--snapshot-interval", "1", "--conntrack-tcp-loose", "off"],
                       start=False)
    with open(fwd.dir + "/rules.v4", "w") as f:
        f.write(RULES)
    with fwd:
        fwd.start()
        stream = Stream(ns)
        stream.turn()
        with ns:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(20):
            s.sendto(b"x", ("127.0.0.1", 7))
        fwd.settle()
        wait_saved(fwd)
        stream.turn()  # after the save: what comes back is older than the connection
        edit_after = "INPUT -s 192.0.2.1/32 -j DROP"
        control.edit(fwd.socket, "-A " + edit_after)
        fwd.stop(signal.SIGKILL)

        fwd.start()
        assert packets(fwd, "--dport 7 ") == 20, "counters"
        assert "127.0.0.1" in control.ask(fwd.socket, "recent list seen")
        assert [x for x in control.rules(fwd.socket) if x == "-A " + edit_after] == \
            ["-A " + edit_after], "the edit after the save is there, once"
        one = flows(fwd, proto="tcp", dport="80")
        assert "ESTABLISHED" in one and "[ASSURED]" in one, one
        stream.turn()  # INVALID is dropped, and picking up is off: only the flow lets it pass
        assert packets(fwd, "INVALID") == 0

        # an entry by command changes things, too; then nothing does
        wait_saved(fwd)
        control.ask(fwd.socket, "recent add seen 192.0.2.77")
        wait_saved(fwd)
        before = os.stat(fwd.state + "/snapshot")
        time.sleep(2.5)  # two intervals, and nothing to be seen
        after = os.stat(fwd.state + "/snapshot")
        assert (before.st_ino, before.st_mtime) == (after.st_ino, after.st_mtime), \
            "written though nothing had changed"
        fwd.stop(signal.SIGKILL)
        make_older(fwd.state + "/flows", 45)
        fwd.start()
        assert "192.0.2.77" in control.ask(fwd.socket, "recent list seen")
        assert "dport=80" in flows(fwd), "45 s: still fresh"
        assert not os.path.exists(fwd.state + "/flows"), "used once"
        stream.turn()
        wait_saved(fwd)
        fwd.stop(signal.SIGKILL)
        make_older(fwd.state + "/flows", 61)
        fwd.start()
        assert "too old" in fwd.log(), fwd.log()
        assert "dport=80" not in flows(fwd), flows(fwd)

        # off: only a stop saves
        fwd.stop()
        fwd.args = ["--snapshot-interval", "0"]
        fwd.start()
        before = os.stat(fwd.state + "/snapshot")
        s.sendto(b"x", ("127.0.0.1", 7))
        time.sleep(1.5)  # longer than the interval was
        assert os.stat(fwd.state + "/snapshot").st_ino == before.st_ino
        assert fwd.stop() == 0, fwd.log()
        assert os.stat(fwd.state + "/snapshot").st_ino != before.st_ino
    long_journal(ns)


main()
