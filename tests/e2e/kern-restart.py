# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 150
# alone
"""fwctl restart and SIGUSR2 under traffic: no packet and no connection is lost, flows, recent
lists, counters and waiting clients come along; the program may have been replaced meanwhile."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control
import firewall
import flow
import netns
import report
import topo
import wait
from report import check

SERVER = "10.66.2.2"
RULES = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m state --state INVALID -j DROP
-A FORWARD -p udp --dport 7001 -j DROP
-A FORWARD -p udp --dport 7000 -m recent --name seen --set -j ACCEPT
-A FORWARD -p tcp --syn --dport 80 -m state --state NEW -j ACCEPT
-A FORWARD -p tcp -m state --state ESTABLISHED -j ACCEPT
COMMIT
"""


class Tcp:
    """A connection through the router whose echo never stops; a gap shows in `slowest`."""

    def __init__(self, net):
        with net.server:
            listener = socket.create_server((SERVER, 80))
        with net.client:
            self.a = socket.create_connection((SERVER, 80), timeout=10)
        self.b = listener.accept()[0]
        listener.close()
        self.b.settimeout(10)
        self.turns, self.error, self.slowest, self.running = 0, None, 0, True
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self._echo, self._ask)]
        for t in self.threads:
            t.start()

    def _echo(self):
        try:
            while True:
                part = self.b.recv(65536)
                if not part:
                    return
                self.b.sendall(part)
        except OSError as e:
            self.error = self.error or e

    def _ask(self):
        try:
            while self.running:
                begin, left = time.monotonic(), 3000
                self.a.sendall(b"x" * left)
                while left:
                    left -= len(self.a.recv(left))
                self.turns += 1
                self.slowest = max(self.slowest, time.monotonic() - begin)
        except OSError as e:
            self.error = self.error or e

    def stop(self):
        self.running = False
        self.threads[1].join(15)
        self.a.close()


def counters(fwd, words):
    for line in control.ask(fwd.socket, "save 4 counters").splitlines():
        if words in line:
            return int(re.match(r"\[(\d+):", line)[1])
    raise AssertionError(words)


def restart(fwd):
    r = fwd.ctl("restart", check=False)
    assert r.returncode == 0, (r, fwd.log())


def links(pid):
    """What kinds of files the daemon has open, each as often as it does; one that it is writing anew
    is closed again."""
    base = "/proc/%d/fd/" % pid
    found = []
    for fd in os.listdir(base):
        try:
            found.append(re.sub(r"[0-9]+", "N", os.readlink(base + fd)))
        except FileNotFoundError:
            pass
    return sorted(x for x in found if not x.endswith(".new"))


def bound(pid, path):
    """How many sockets are at this path (bound beside it, and renamed): who listens, and each
    connection that came from its namespace."""
    with open("/proc/%d/net/unix" % pid) as f:
        return sum(path in line for line in f)


class Asker(threading.Thread):
    """Asks all the time; every question is answered."""

    def __init__(self, fwd):
        super().__init__(daemon=True)
        self.fwd, self.running, self.n, self.errors = fwd, True, 0, []

    def run(self):
        while self.running:
            try:
                control.edit(self.fwd.socket, "-A INPUT -s 192.0.2.%d -j ACCEPT" % (self.n % 250))
                self.n += 1
            except Exception as e:
                self.errors.append(repr(e))


def under_traffic(net, queues, args=()):
    what = "%s queue(s) %s: " % (queues, " ".join(args))
    fwd = firewall.Fwd(net.router, ["--queues", queues, "--conntrack-tcp-loose", "off", *args],
                       start=False)
    with open(fwd.dir + "/rules.v4", "w") as f:
        f.write(RULES)
    fwd.start()
    pid = fwd.proc.pid
    restart(fwd)
    wait.must("the client's connection goes", lambda: bound(pid, fwd.socket) == 1)
    open_files = links(pid)
    tcp = Tcp(net)
    good = flow.Flow(net.client, net.server, SERVER, 7000).start()
    bad = flow.Flow(net.client, net.server, SERVER, 7001, pps=1000).start()
    asker = Asker(fwd)
    asker.start()
    good.more()
    for i in range(6):
        if i % 2:
            os.kill(pid, signal.SIGUSR2)
        else:
            restart(fwd)
        good.more()
    asker.running = False
    asker.join()
    ping = control.values(control.ask(fwd.socket, "ping"))
    check(what + "seven restarts, one process",
          ping["restarts"] == "7" and ping["pid"] == str(pid) and
          fwd.proc.poll() is None, ping)
    check(what + "no descriptor stays behind", wait.until(lambda: links(pid) == open_files, 2),
          (links(pid), open_files))
    check(what + "every edit is acknowledged", not asker.errors and asker.n > 10,
          (asker.n, asker.errors[:3]))
    check(what + "and there, once", sum("192.0.2." in x for x in control.rules(fwd.socket)) ==
          asker.n, asker.n)
    check(what + "packets pass", good.passing() > 1000)
    lost = good.stop()
    check(what + "none lost of 10 kpps", lost == 0, "%d of %d\n%s" % (lost, good.sent, fwd.log()))
    check(what + "none out of order", good.reordered == 0 or queues != "1", good.reordered)
    bad.stop()
    check(what + "none passed that should not", not bad.got, len(bad.got))
    before = tcp.turns
    wait.until(lambda: tcp.turns > before or tcp.error, 5)
    check(what + "the connection is alive", tcp.error is None and tcp.turns > before,
          (tcp.error, tcp.turns))
    tcp.stop()
    fwd.settle()
    check(what + "no packet of it was INVALID", counters(fwd, "INVALID") == 0,
          counters(fwd, "INVALID"))
    check(what + "counters are exact", (counters(fwd, "--dport 7000 "), counters(fwd, "7001")) ==
          (good.sent, bad.sent), (counters(fwd, "--dport 7000 "), good.sent,
                                  counters(fwd, "7001"), bad.sent))
    check(what + "recent lists", "10.66.1.2" in control.ask(fwd.socket, "recent list seen"))
    check(what + "flows", "ASSURED" in control.ask(fwd.socket, "conn list proto udp dport 7000") or
          "dport=7000" in control.ask(fwd.socket, "conn list"))
    with net.router, open("/proc/thread-self/net/netfilter/nfnetlink_queue") as f:
        waiting = [x.split()[2] for x in f]
    check(what + "none hangs", set(waiting) == {"0"}, waiting)
    rules = control.ask(fwd.socket, "save 4")
    check(what + "a clean stop", fwd.stop() == 0, fwd.log())
    check(what + "no table stays", "fwdd" not in net.router.run("nft", "list", "tables").stdout)
    check(what + "nor a socket", not os.path.exists(fwd.socket))
    if "off" not in args:
        fwd.start()
        check(what + "the state directory agrees",
              [x for x in control.ask(fwd.socket, "save 4").splitlines() if x[0] != "#"] and
              sum("192.0.2." in x for x in control.rules(fwd.socket)) == rules.count("192.0.2."))
    fwd.close()


def start_copy(fwd):
    """A program of its own, where every user can read it: the build may lie in root's home."""
    program = fwd.dir + "/fwd"
    shutil.copy(firewall.FWD, program)
    os.chmod(fwd.dir, 0o777)
    saved, firewall.FWD = firewall.FWD, program
    try:
        fwd.start()
    finally:
        firewall.FWD = saved
    return program


def refused(net):
    """What would not start is refused, and the old one goes on."""
    fwd = firewall.Fwd(net.router, start=False)
    config = fwd.dir + "/fwd.conf"
    open(config, "w").close()
    fwd.args = ["--config", config]
    program = start_copy(fwd)
    with open(config, "w") as f:
        f.write("nonsense = 1\n")
    r = fwd.ctl("restart", check=False)
    check("a wrong configuration: refused", r.returncode == 1 or r.returncode == 2, r)
    check("and it says what is wrong", "nonsense" in r.stderr, r)
    said = fwd.log().count("nonsense")
    os.kill(fwd.proc.pid, signal.SIGUSR2)
    wait.until(lambda: fwd.log().count("nonsense") > said, 5)
    check("by signal, too", control.values(control.ask(fwd.socket, "ping"))["restarts"] == "0")
    open(config, "w").close()
    os.rename(program, program + ".gone")
    r = fwd.ctl("restart", check=False)
    check("no program: refused", r.returncode != 0 and "there is no program" in r.stderr, r)
    shutil.copy(firewall.FWD, program)  # an upgrade: another file under the name
    restart(fwd)
    exe = os.readlink("/proc/%d/exe" % fwd.proc.pid)
    check("the new file runs", exe == program and
          os.stat("/proc/%d/exe" % fwd.proc.pid).st_ino == os.stat(program).st_ino, exe)
    sanitized = b"__asan_init" in open(firewall.FWD, "rb").read()  # such a build has none
    check("under a system call filter still", sanitized or
          re.search(r"^Seccomp:\s*2", open("/proc/%d/status" % fwd.proc.pid).read(), re.M))
    fwctl = shutil.copy(firewall.FWCTL, fwd.dir + "/fwctl")
    r = subprocess.run([fwctl, "restart"], env=fwd.env(), user=65534, group=65534,
                       extra_groups=[], capture_output=True, text=True)
    check("others may not", r.returncode == 4 or "may not" in r.stderr, r)
    check("a clean stop", fwd.stop() == 0, fwd.log())
    fwd.close()


def own_user(net):
    """As a user of its own the capability must come along, too."""
    fwd = firewall.Fwd(net.router, ["--user", "nobody"], start=False)
    before = os.umask(0)  # the notice socket is the user's to write to
    with open(fwd.dir + "/rules.v4", "w") as f:
        f.write(RULES)
    start_copy(fwd)
    os.umask(before)
    for n in ("1", "2"):  # by signal: fwctl asks nobody's daemon nothing
        os.kill(fwd.proc.pid, signal.SIGUSR2)
        wait.must(fwd.log, lambda: control.values(control.ask(fwd.socket, "ping"))["restarts"] == n)
    status = open("/proc/%d/status" % fwd.proc.pid).read()
    check("user nobody: restarted", re.search(r"^Uid:\s*65534", status, re.M) and
          control.values(control.ask(fwd.socket, "ping"))["restarts"] == "2", fwd.log())
    control.edit(fwd.socket, "-A OUTPUT -d 192.0.2.1 -j DROP")  # changes the hooks
    check("user nobody: a clean stop", fwd.stop() == 0, fwd.log())
    check("user nobody: no table", "fwdd" not in net.router.run("nft", "list", "tables").stdout)
    fwd.close()


def main():
    netns.need_root()
    net = topo.Routed()
    under_traffic(net, "1")
    under_traffic(net, "2", ["--persist", "off"])
    refused(net)
    own_user(net)
    net.close()
    report.finish()


main()
