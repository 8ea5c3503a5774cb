# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces for the tests: unique names, always cleaned up.

A name is PREFIX-PID-N, so that tests run side by side and what a killed test left behind can be
recognised (its pid is gone) and swept by the next one.  A Namespace is entered by the calling
thread only (`with ns:`), which is how sockets and /proc/sys of another namespace are reached
without a process for each; programs are run in it by run() and popen().
"""
import atexit
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading

CLONE_NEWNET = 0x40000000
PREFIX = os.environ.get("FWTEST_PREFIX", "fwtest")
_libc = ctypes.CDLL(None, use_errno=True)
_made = []
_procs = []
_count = 0
_local = threading.local()


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))


def need_root():
    """Tests fail, and do not skip, where they may not do what they must do."""
    if os.geteuid() != 0:
        sys.exit("%s: must be run by root (network namespaces, raw sockets)" % sys.argv[0])


class Namespace:
    """One network namespace, removed at exit at the latest."""

    def __init__(self, label=""):
        global _count
        _count += 1
        self.name = "%s-%d-%d%s" % (PREFIX, os.getpid(), _count, label)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.fd = os.open("/run/netns/" + self.name, os.O_RDONLY | os.O_CLOEXEC)
        _made.append(self)

    def __enter__(self):
        stack = _local.__dict__.setdefault("stack", [])
        stack.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        _setns(self.fd)
        return self

    def __exit__(self, *_):
        fd = _local.stack.pop()
        _setns(fd)
        os.close(fd)

    def argv(self, args):
        return ["nsenter", "--net=/run/netns/" + self.name, "--"] + list(args)

    def run(self, *args, check=True, input=None, env=None, timeout=60):
        """Run a program to its end; returns CompletedProcess with text output."""
        r = subprocess.run(self.argv(args), input=input, env=env, timeout=timeout,
                           text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and r.returncode:
            raise RuntimeError("%s: exit %d\n%s%s" % (" ".join(args), r.returncode,
                                                     r.stdout, r.stderr))
        return r

    def popen(self, *args, **kw):
        p = subprocess.Popen(self.argv(args), **kw)
        _procs.append(p)
        return p

    def sysctl(self, **values):
        """Set net.* keys, dots written as __; a key that the kernel has not is an error."""
        with self:
            for key, value in values.items():
                with open("/proc/sys/net/" + key.replace("__", "/"), "w") as f:
                    f.write(str(value))

    def ip(self, *lines):
        """Run many `ip` commands in one process."""
        r = subprocess.run(self.argv(["ip", "-batch", "-"]), input="\n".join(lines) + "\n",
                           text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if r.returncode:
            raise RuntimeError("ip: %s(first: %s)" % (r.stderr, lines[0]))

    def remove(self):
        if self not in _made:
            return
        _made.remove(self)
        os.close(self.fd)
        subprocess.run(["ip", "netns", "del", self.name], check=False)


def stop(proc, sig=signal.SIGTERM, timeout=10):
    """End a program that popen() started; returns its exit code."""
    if proc in _procs:
        _procs.remove(proc)
    if proc.poll() is None:
        proc.send_signal(sig)
        try:
            proc.wait(timeout)
        except subprocess.TimeoutExpired:
            proc.kill()
            proc.wait()
    return proc.returncode


def cleanup():
    for p in list(_procs):
        stop(p, signal.SIGKILL)
    for ns in list(_made):
        ns.remove()


def sweep():
    """Remove namespaces whose maker is gone."""
    try:
        names = os.listdir("/run/netns")
    except FileNotFoundError:
        return
    for name in names:
        m = re.fullmatch(re.escape(PREFIX) + r"-(\d+)-.*", name)
        if m and not os.path.exists("/proc/" + m.group(1)):
            subprocess.run(["ip", "netns", "del", name], check=False,
                           stderr=subprocess.DEVNULL)


def _on_signal(sig, _frame):
    sys.exit(128 + sig)


atexit.register(cleanup)
signal.signal(signal.SIGTERM, _on_signal)
