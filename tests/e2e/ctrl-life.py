# SPDX-License-Identifier: GPL-2.0-or-later
"""What a service manager sees of the daemon: ready when packets are filtered and not before, reload,
watchdog that tells the truth, clean stop; the default socket and its link; privileges."""
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import wait  # noqa: E402

RULES = "*filter\n-A INPUT -p udp --dport 9 -j DROP\nCOMMIT\n"


class Manager:
    """Plays systemd: starts the daemon, keeps what it says."""

    def __init__(self, ns, prefix=(), args=(), watchdog_ms=0, socket_path=True, owner=0, log=None):
        self.ns, self.said = ns, []
        self.dir = tempfile.mkdtemp(prefix=netns.PREFIX + "-")
        os.chmod(self.dir, 0o755)
        os.chown(self.dir, owner, -1)
        self.path = self.dir + "/s"
        self.state = self.dir + "/state"
        with open(self.dir + "/rules.v4", "w") as f:
            f.write(RULES)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.dir + "/notify")
        self.notify.settimeout(0.05)
        env = dict(os.environ, NOTIFY_SOCKET=self.dir + "/notify")
        os.chmod(self.dir + "/notify", 0o666)
        if watchdog_ms:
            env["WATCHDOG_USEC"] = str(watchdog_ms * 1000)
        where = ["--socket", self.path] if socket_path else []
        self.log = open(log[1] if log else self.dir + "/log", "w" if log else "w+")
        self.proc = ns.popen(*prefix, firewall.FWD, *where, "--state", self.state, "--rules",
                             self.dir + "/rules.v4", "--rules6", "", *args, env=env,
                             stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def hear(self):
        try:
            self.said += self.notify.recv(4096).decode().split("\n")
            return True
        except socket.timeout:
            return False

    def wait(self, words, timeout=10):
        """Until a line that begins with words was said; returns it and forgets what was before."""
        end = time.monotonic() + timeout
        while True:
            for n, line in enumerate(self.said):
                if line.startswith(words):
                    del self.said[:n + 1]
                    return line
            self.hear()
            if self.proc.poll() is not None and not self.hear():
                raise AssertionError("exit %d:\n%s" % (self.proc.returncode, self.text()))
            assert time.monotonic() < end, "%r was not said: %s\n%s" % (words, self.said, self.text())

    def text(self):
        self.log.flush()
        with open(self.dir + "/log") as f:
            return f.read()

    def close(self):
        netns.stop(self.proc)
        self.notify.close()
        subprocess.run(["rm", "-r", self.dir], check=True)


def arrives(ns, port):
    """Does a datagram to this port arrive?  One to an open port behind it says when to look."""
    with ns:
        s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    s[0].bind(("127.0.0.1", port))
    s[1].bind(("127.0.0.1", 10))
    s[1].settimeout(10)
    s[2].sendto(b"x", ("127.0.0.1", port))
    s[2].sendto(b"x", ("127.0.0.1", 10))
    s[1].recv(10)
    s[0].setblocking(False)
    try:
        return bool(s[0].recv(10))
    except BlockingIOError:
        return False
    finally:
        for x in s:
            x.close()


def ready_reload_stop(ns):
    m = Manager(ns)
    m.wait("READY=1")
    assert os.path.exists(m.path)
    assert not arrives(ns, 9), "a packet passed after READY=1"
    assert m.wait("STATUS=") == "STATUS=filtering: 1 IPv4 rules, 0 IPv6 rules"
    with open(m.dir + "/rules.v4", "w") as f:
        f.write("*filter\n-A INPUT -p udp --dport 11 -j DROP\n-A INPUT\nCOMMIT\n")
    m.proc.send_signal(signal.SIGHUP)
    m.wait("RELOADING=1")
    now = time.clock_gettime(time.CLOCK_MONOTONIC)
    stamp = int(m.wait("MONOTONIC_USEC=").split("=")[1]) / 1e6
    assert abs(now - stamp) < 5, "%f is not now (%f)" % (stamp, now)
    m.wait("READY=1")
    assert m.wait("STATUS=") == "STATUS=filtering: 2 IPv4 rules, 0 IPv6 rules"
    assert arrives(ns, 9) and not arrives(ns, 11)
    with open(m.dir + "/rules.v4", "w") as f:
        f.write("*filter\n-A INPUT -j NONE\n")
    m.proc.send_signal(signal.SIGHUP)
    m.wait("READY=1")
    assert "reload failed" in m.wait("STATUS=")
    assert not arrives(ns, 11)
    m.proc.terminate()
    m.wait("STOPPING=1")
    assert m.proc.wait(10) == 0, m.text()
    assert not os.path.exists(m.path)
    assert arrives(ns, 11), "packets are still filtered after the stop"
    m.close()


def stopped_early(ns):
    """Told to stop at any moment of the start: exit 0, or killed before anything was made."""
    for n in range(25):
        m = Manager(ns)
        time.sleep(n / 1000)  # the moment is the subject
        m.proc.terminate()
        status = m.proc.wait(10)
        assert status in (0, -signal.SIGTERM), m.text()
        assert "fwdd" not in ns.run("nft", "list", "tables").stdout, "the table stayed behind"
        m.close()


def not_ready(ns):
    """Rules that are wrong: never ready, no socket, exit 2."""
    m = Manager(ns, args=["--rules6", "/proc/self/environ"])
    assert m.proc.wait(10) == 2, m.text()
    m.hear()
    assert "READY=1" not in m.said and not os.path.exists(m.path)
    m.close()


def status_of(pid, tid):
    with open("/proc/%d/task/%s/status" % (pid, tid)) as f:
        return dict(x.split(":\t", 1) for x in f.read().splitlines() if ":\t" in x)


def ptrace(request, tid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, tid, None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def stuck_reader(ns):
    """Somebody holds our stderr and does not read it: restart and stop wait for nobody."""
    m = Manager(ns, log=os.pipe())
    m.wait("READY=1")
    control.edit(m.path, "-I INPUT -p udp --dport 12 -j LOG")
    with ns:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(5000):  # more than pipe and log hold
        s.sendto(b"x", ("127.0.0.1", 12))
    fwctl = [firewall.FWCTL, "--socket", m.path, "restart"]
    ns.run(*fwctl)
    assert control.values(control.ask(m.path, "ping"))["restarts"] == "1"
    assert not arrives(ns, 9), "a packet passed after the restart"
    m.proc.terminate()
    assert m.proc.wait(10) == 0
    assert arrives(ns, 9), "packets are still filtered after the stop"
    m.close()


def watchdog(ns):
    """Signs of life come while packets are judged, and not when a worker hangs and the control loop
    does not."""
    seize, interrupt, detach = 0x4206, 0x4207, 17
    m = Manager(ns, watchdog_ms=3000)
    m.wait("READY=1")
    m.wait("WATCHDOG=1")
    workers = [int(t) for t in os.listdir("/proc/%d/task" % m.proc.pid)
               if status_of(m.proc.pid, t)["Name"].startswith("fwd-worker")]
    assert len(workers) == 1, workers
    ptrace(seize, workers[0])  # stops this thread alone
    ptrace(interrupt, workers[0])
    os.waitpid(workers[0], 0x40000000)
    wait.must("the hanging worker is noticed",
              lambda: not m.hear() and "has not moved" in m.text(), 20, every=0)
    while m.hear():
        pass
    m.said.clear()
    control.ask(m.path, "ping")  # the control loop does turn
    end = time.monotonic() + 2.5  # longer than half of watchdog_ms
    while time.monotonic() < end:
        m.hear()
    assert "WATCHDOG=1" not in m.said, "a sign of life from a daemon that judges nothing"
    ptrace(detach, workers[0])
    m.wait("WATCHDOG=1")
    m.close()


def default_socket(ns):
    os.makedirs("/run/fwd", exist_ok=True)
    inode = os.fstat(ns.fd).st_ino
    private = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run/fwd && exec "$@"', "sh"]
    m = Manager(ns, prefix=private, socket_path=False)
    m.wait("READY=1")
    run = "/proc/%d/root/run/fwd/" % m.proc.pid
    assert os.listdir(run) == ["net-%d.sock" % inode], os.listdir(run)
    assert control.values(control.ask(run + "net-%d.sock" % inode, "status"))["netns"] == str(inode)
    m.close()
    # where process 1 lives in this namespace, the well-known name leads here
    host = ["unshare", "-m", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c",
            'mount -t tmpfs none /run/fwd && "$@" & wait', "sh"]
    m = Manager(ns, prefix=host, socket_path=False)
    m.wait("READY=1")
    with open("/proc/%d/task/%d/children" % (m.proc.pid, m.proc.pid)) as f:
        run = "/proc/%s/root/run/fwd/" % f.read().split()[0]
    assert sorted(os.listdir(run)) == ["control.sock", "net-%d.sock" % inode], os.listdir(run)
    assert os.readlink(run + "control.sock") == "net-%d.sock" % inode
    m.proc.kill()
    m.proc.wait()
    m.close()


def privileges(ns, user, uid, caps):
    m = Manager(ns, args=["--user", user] if user else [], owner=uid)
    m.wait("READY=1")
    for tid in os.listdir("/proc/%d/task" % m.proc.pid):
        s = status_of(m.proc.pid, tid)
        assert s["Uid"].split() == [str(uid)] * 4, s["Uid"]
        assert s["NoNewPrivs"] == "1" and s["Name"].startswith("fwd")
        for key in ("CapEff", "CapPrm"):
            assert int(s[key], 16) == caps, "%s of %s: %s" % (key, s["Name"], s[key])
        # what a restart in place must find again; root finds it anyway
        for key in ("CapInh", "CapAmb"):
            assert int(s[key], 16) == (caps if user else 0), "%s of %s" % (key, s["Name"])
        if not b"__asan_init" in open(firewall.FWD, "rb").read():
            assert s["Seccomp"] == "2", "no system call filter"
    assert not arrives(ns, 9)
    control.edit(m.path, "-A INPUT -p udp --dport 11 -j DROP")
    assert not arrives(ns, 11)
    assert "process_open_fds 0" not in control.ask(m.path, "metrics")
    m.proc.terminate()
    assert m.proc.wait(10) == 0, m.text()
    for name in os.listdir(m.state):
        assert os.stat(m.state + "/" + name).st_uid == uid, name
    m.close()


def main():
    netns.need_root()
    netns.sweep()
    ns = netns.Namespace("-life")
    ns.ip("link set lo up")
    net_admin, net_raw, dac_override = 1 << 12, 1 << 13, 1 << 1
    ready_reload_stop(ns)
    not_ready(ns)
    stopped_early(ns)
    stuck_reader(ns)
    watchdog(ns)
    default_socket(ns)
    privileges(ns, "nobody", 65534, net_admin | net_raw)
    privileges(ns, None, 0, net_admin | net_raw | dac_override)


main()
