# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 at any moment: every acknowledged edit is there after the restart, none twice, and packets
are judged by them at once.

50 rounds.  In each, four clients edit as fast as they can (up to 1,000 edits in all) while the
daemon is killed at a random moment; sometimes the restarted one is killed while it starts, too.

    ctrl-kill.py [ROUNDS [SEED]]
"""
# timeout: 300
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import wait  # noqa: E402

CLIENTS, EDITS = 4, 1000
BLOCKED, OPEN = 4001, 4002


def rule(client, n):
    return "INPUT -s 10.%d.%d.%d/32 -j ACCEPT" % (client, n // 256, n % 256)


class Editor(threading.Thread):
    """Adds rules, and takes each tenth away again, until the daemon dies or all is done."""

    def __init__(self, path, number):
        super().__init__()
        self.path, self.number = path, number
        self.have, self.unsure = set(), None
        self.acked = 0

    def run(self):
        for n in range(EDITS // CLIENTS):
            if not self.one("-A", n) or (n % 10 == 9 and not self.one("-D", n - 5)):
                return

    def one(self, command, n):
        text = rule(self.number, n)
        self.unsure = text
        try:
            control.edit(self.path, command + " " + text)
        except (control.Died, OSError):
            return False
        self.unsure = None
        self.acked += 1
        (self.have.add if command == "-A" else self.have.discard)(text)
        return True


def filtering(ns):
    """One datagram that a rule drops, one that none does: only the second arrives."""
    with ns:
        receiver = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for s, port in zip(receiver, (BLOCKED, OPEN)):
        s.bind(("127.0.0.1", port))
        s.settimeout(5)
    sender.sendto(b"x", ("127.0.0.1", BLOCKED))
    sender.sendto(b"x", ("127.0.0.1", OPEN))
    receiver[1].recv(10)  # the queue keeps the order: what was to be dropped is by now
    receiver[0].settimeout(0)
    try:
        receiver[0].recv(10)
        return False
    except BlockingIOError:
        return True
    finally:
        for s in receiver + [sender]:
            s.close()


def check(fwd, editors):
    there = control.rules(fwd.socket)
    found = [re.sub("^-A ", "", x) for x in there if "-s 10." in x]
    twice = {x for x in found if found.count(x) > 1} if len(set(found)) != len(found) else None
    assert not twice, "twice: %s" % twice
    for e in editors:
        mine = {x for x in found if x.startswith("INPUT -s 10.%d." % e.number)}
        sure = e.have - {e.unsure}
        assert sure <= mine, "lost: %s" % sorted(sure - mine)[:5]
        extra = mine - e.have - {e.unsure}
        assert not extra, "came back: %s" % sorted(extra)[:5]
    assert filtering(fwd.ns), "a packet that a rule drops arrived after the restart"


def kill(fwd):
    fwd.proc.kill()
    fwd.proc.wait()


def one_round(fwd, rng, span):
    control.ask(fwd.socket, "restore 4", "*filter\n-A INPUT -p udp --dport %d -j DROP\nCOMMIT\n"
                % BLOCKED)
    editors = [Editor(fwd.socket, n) for n in range(CLIENTS)]
    begin = time.monotonic()
    for e in editors:
        e.start()
    wait.until(lambda: not any(e.is_alive() for e in editors),
               begin + rng.random() * span - time.monotonic(), every=0.0005)
    kill(fwd)
    for e in editors:
        e.join()
    if rng.random() < 0.3:  # die once more on the way up
        p = fwd.ns.popen(firewall.FWD, "--socket", fwd.socket, "--state", fwd.state, "--rules", "",
                         "--rules6", "", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.03)  # at any moment
        p.kill()
        p.wait()
    begin = time.monotonic()
    fwd.start()
    took = time.monotonic() - begin
    check(fwd, editors)
    return sum(e.acked for e in editors), took


def calibrate(fwd):
    """How long 1,000 edits take here, undisturbed."""
    editors = [Editor(fwd.socket, n) for n in range(CLIENTS)]
    begin = time.monotonic()
    for e in editors:
        e.start()
    for e in editors:
        e.join()
    assert all(e.unsure is None for e in editors)
    return time.monotonic() - begin


def main():
    netns.need_root()
    netns.sweep()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print("seed %d" % seed, flush=True)
    rng = random.Random(seed)
    ns = netns.Namespace("-kill")
    ns.ip("link set lo up")
    fwd = firewall.Fwd(ns, ["--snapshot-interval", "1"])  # saves beside edits, too
    with fwd:
        span = calibrate(fwd)
        results = [one_round(fwd, rng, span * 1.05) for _ in range(rounds)]
        assert fwd.stop(signal.SIGTERM) == 0, fwd.log()
    print("%d rounds, %d acknowledged edits, 1,000 take %.2f s, slowest start %.0f ms"
          % (rounds, sum(r[0] for r in results), span, 1000 * max(r[1] for r in results)))


main()
