# SPDX-License-Identifier: GPL-2.0-or-later
"""A firewall in a namespace, the kernel's or ours, behind the same few calls.

    restore(family, text)  load restore text, whole
    save(family)           iptables-save -c of it
    settle()               return when nothing of what was sent is still on its way
    env()                  environment in which `iptables` is this firewall's
"""
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import netns
import wait

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("FWD_BUILD", os.path.join(ROOT, "build")))
FWD = os.path.join(BUILD, "daemon", "fwd")
FWCTL = os.path.join(BUILD, "ctl", "fwctl")
NAMES = [t + s for t in ("iptables", "ip6tables") for s in ("", "-save", "-restore")]

FUTEX = "202" if platform.machine() == "x86_64" else "98"  # system call number


class RestoreError(RuntimeError):
    pass


def tool(family, backend="", verb=""):
    name = "ip6tables" if family == 6 else "iptables"
    return "-".join(x for x in (name, backend, verb) if x)


def packets_by_rule(saved, many):
    """(rule, its packets) of a save with counters, in the rules' order by name.  Where they are
    `many` it is TCP that has chosen their number: "more"."""
    out = []
    for line in saved.splitlines():
        if line.startswith("["):
            n = int(line[1:].partition(":")[0])
            out.append((line.partition("] ")[2], n if n < many else "more"))
    return sorted(out, key=lambda x: x[0])


def received():
    """No packet waits for a CPU to receive it.  Mostly its sender does that itself, at once; on a
    busy CPU the kernel leaves it to a thread."""
    with open("/proc/net/softnet_stat") as f:
        return not any(int(line.split()[11], 16) for line in f)


class Kernel:
    """iptables-legacy or iptables-nft: packets are judged while they are received."""

    def __init__(self, ns, backend="legacy"):
        self.ns, self.backend = ns, backend
        self.dir = tempfile.mkdtemp(prefix=netns.PREFIX + "-")
        self.links = os.path.join(self.dir, "bin")
        os.mkdir(self.links)
        for name in NAMES:
            prog = name.split("-")[0] + "-" + backend + name[len(name.split("-")[0]):]
            os.symlink(shutil.which(prog), os.path.join(self.links, name))

    def env(self):
        return dict(os.environ, PATH=self.links + ":" + os.environ["PATH"],
                    XTABLES_LOCKFILE=os.path.join(self.dir, "lock"))

    def restore(self, family, text):
        r = self.ns.run(tool(family, self.backend, "restore"), input=text, check=False,
                        env=self.env())
        if r.returncode:
            raise RestoreError("%s: %s" % (self.backend, r.stderr.strip()))

    def save(self, family):
        return self.ns.run(tool(family, self.backend, "save"), "-c", env=self.env()).stdout

    def settle(self):
        wait.until(lambda: received() and received(), every=0)  # once more: the last under way

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Fwd:
    """Our daemon with socket, state and links in a directory of its own."""

    def __init__(self, ns, args=(), start=True, prefix=()):
        self.ns, self.args, self.prefix, self.proc = ns, list(args), list(prefix), None
        self.dir = tempfile.mkdtemp(prefix=netns.PREFIX + "-")
        self.socket = os.path.join(self.dir, "control.sock")
        self.state = os.path.join(self.dir, "state")
        self.links = os.path.join(self.dir, "bin")
        for d in (self.state, self.links):
            os.mkdir(d)
        for name in NAMES + ["fwctl"]:
            os.symlink(FWCTL, os.path.join(self.links, name))
        for name in ("rules.v4", "rules.v6"):
            open(os.path.join(self.dir, name), "w").close()
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        """What went wrong may stand in the log."""
        if failed:
            print(self.log()[-3000:], flush=True)
        self.close()

    def env(self):
        return dict(os.environ, PATH=self.links + ":" + os.environ["PATH"],
                    FWCTL_SOCKET=self.socket)

    def log(self):
        try:
            with open(os.path.join(self.dir, "log"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def start(self, timeout=20):
        """Start the daemon and wait for its READY=1."""
        path = os.path.join(self.dir, "notify")
        if os.path.exists(path):
            os.unlink(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(path)
        sock.settimeout(0.05)
        with open(os.path.join(self.dir, "log"), "a") as log:
            self.proc = self.ns.popen(*self.prefix, FWD, "--socket", self.socket, "--state",
                                      self.state, "--rules", self.dir + "/rules.v4", "--rules6",
                                      self.dir + "/rules.v6", *self.args, stderr=log, stdout=log,
                                      stdin=subprocess.DEVNULL,
                                      env=dict(os.environ, NOTIFY_SOCKET=path))
        end = time.monotonic() + timeout
        try:
            while True:
                try:
                    if b"READY=1" in sock.recv(4096):
                        return
                except socket.timeout:
                    pass
                if self.proc.poll() is not None:
                    raise RuntimeError("fwd exited with %d:\n%s" % (self.proc.returncode,
                                                                   self.log()))
                if time.monotonic() > end:
                    raise RuntimeError("fwd is not ready after %d s:\n%s" % (timeout, self.log()))
        finally:
            sock.close()

    def ctl(self, *args, check=True, input=None):
        """Run fwctl with this daemon's socket."""
        return self.ns.run(FWCTL, *args, check=check, input=input, env=self.env())

    def metric(self, name):
        """Sum over all of fwd_NAME's series."""
        return sum(int(x) for x in re.findall(r"^fwd_%s(?:\{.*\})? (\d+)$" % name,
                                              self.ctl("metrics").stdout, re.M))

    def restore(self, family, text):
        r = self.ns.run(os.path.join(self.links, tool(family, verb="restore")), check=False,
                        input=text, env=self.env())
        if r.returncode:
            raise RestoreError("fwd: exit %d: %s" % (r.returncode, r.stderr.strip()))

    def save(self, family):
        return self.ns.run(os.path.join(self.links, tool(family, verb="save")), "-c",
                           env=self.env()).stdout

    def _queues(self):
        """Packets waiting in the kernel's queues, and the ids last given."""
        waiting, ids = 0, []
        with open("/proc/%d/net/netfilter/nfnetlink_queue" % self.proc.pid) as f:
            for line in f:
                w = line.split()
                waiting += int(w[2])
                ids.append(w[7])
        return waiting, ids

    def _asleep(self):
        """All threads sleep; a worker, in its read and not while it waits for a lock."""
        base = "/proc/%d/task/" % self.proc.pid
        for tid in os.listdir(base):
            try:
                with open(base + tid + "/stat") as f:
                    name, _, rest = f.read().partition("(")[2].rpartition(")")
                if rest.split()[0] != "S":
                    return False
                if name == "fwd-worker":
                    with open(base + tid + "/syscall") as f:
                        if f.read().split()[0] in ("running", FUTEX):
                            return False
            except (FileNotFoundError, ProcessLookupError):
                return False
        return True

    def settle(self, timeout=10):
        """Nothing waits in a queue, no thread of ours runs, and nothing came in between.

        A verdict re-injects its packet inside the daemon's system call, up to the far end or the
        next queue; so when all threads sleep and the queues are empty, all is done.
        """
        end = time.monotonic() + timeout
        while True:
            a = self._queues()
            if received() and a[0] == 0 and self._asleep() and self._queues() == a:
                return
            if self.proc.poll() is not None:
                raise RuntimeError("fwd died: exit %d\n%s" % (self.proc.returncode, self.log()))
            if time.monotonic() > end:
                raise RuntimeError("fwd does not come to rest: queues %r" % (a,))
            os.sched_yield()

    def pause(self):
        """Stop all threads (SIGSTOP) and wait until they are."""
        self.proc.send_signal(signal.SIGSTOP)
        base = "/proc/%d/task/" % self.proc.pid
        for tid in os.listdir(base):
            while True:
                with open(base + tid + "/stat") as f:
                    if f.read().rpartition(")")[2].split()[0] == "T":
                        break
                os.sched_yield()

    def resume(self):
        self.proc.send_signal(signal.SIGCONT)

    def stop(self, sig=15):
        return netns.stop(self.proc, sig) if self.proc else None

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
