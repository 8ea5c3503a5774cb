# SPDX-License-Identifier: GPL-2.0-or-later
"""Four ways to edit a ruleset by a command, each in a namespace of its own.

    iptables-legacy, iptables-nft, nft, fwd (fwctl under its iptables names)

Each restores N rules and then appends, inserts in the middle, and deletes one.  What is measured
of a command is its wall-clock time and the CPU of its process, children and kernel work included;
for fwd the daemon's CPU is added.
"""
import os
import re
import shutil
import tempfile
import time

import contenders as c
import firewall
import netns

RULE = ["-s", "192.0.2.77/32", "-p", "udp", "-m", "udp", "--dport", "77", "-j", "DROP"]


def timed(ns, argv, env=None, stdin="/dev/null", stdout="/dev/null"):
    """Run it in the namespace; {"ms", "cpu ms"}.  No shell and no nsenter: they would be timed."""
    actions = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
               (os.POSIX_SPAWN_OPEN, 1, stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    with ns:
        begin = time.perf_counter()
        pid = os.posix_spawn(argv[0], argv, env or os.environ, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - begin
    if status:
        raise RuntimeError("%s: exit %d" % (" ".join(argv), os.waitstatus_to_exitcode(status)))
    return {"ms": wall * 1e3, "cpu ms": (usage.ru_utime + usage.ru_stime) * 1e3}


class Tool:
    """iptables by one of its names; the links of a firewall of tests/lib say which."""

    def __init__(self):
        self.ns = netns.Namespace("-edit")
        self.dir = tempfile.mkdtemp(prefix=netns.PREFIX + "-")
        self.out = os.path.join(self.dir, "out")

    def cpu_ns(self):
        return 0

    def command(self, argv, stdin="/dev/null"):
        before = self.cpu_ns()
        r = timed(self.ns, argv, self.fw.env(), stdin, self.out)
        r["cpu ms"] += (self.cpu_ns() - before) / 1e6
        return r

    def link(self, name):
        return os.path.join(self.fw.links, name)

    def file(self, n):
        path = os.path.join(self.dir, "rules")
        with open(path, "w") as f:
            f.write(c.text(c.by_source(n)))
        return path

    def restore(self, n):
        return self.command([self.link("iptables-restore")], self.file(n))

    def save(self, n):
        r = self.command([self.link("iptables-save")])
        with open(self.out) as f:
            found = sum(x.startswith("-A ") for x in f)
        if found != n:
            raise RuntimeError("saved %d rules, not %d" % (found, n))
        return r

    def append(self, n):
        return self.command([self.link("iptables"), "-A", "FORWARD"] + RULE)

    def undo_append(self, n):
        self.command([self.link("iptables"), "-D", "FORWARD", str(n + 1)])

    def insert(self, n):
        return self.command([self.link("iptables"), "-I", "FORWARD", str(n // 2 + 1)] + RULE)

    def delete(self, n):
        return self.command([self.link("iptables"), "-D", "FORWARD", str(n // 2 + 1)])

    def close(self):
        self.fw.close()
        self.ns.remove()
        shutil.rmtree(self.dir, ignore_errors=True)


class Kernel(Tool):
    def __init__(self, backend):
        super().__init__()
        self.fw = firewall.Kernel(self.ns, backend)


class Fwd(Tool):
    def __init__(self):
        super().__init__()
        self.fw = firewall.Fwd(self.ns)

    def cpu_ns(self):
        return c.process_ns(self.fw.proc.pid)


class Nft(Tool):
    """The same rules in nft's own words."""

    class Env:
        def env(self):
            return dict(os.environ)

        def close(self):
            pass

    def __init__(self):
        super().__init__()
        self.fw, self.nft, self.handle = self.Env(), shutil.which("nft"), None

    def file(self, n):
        path = os.path.join(self.dir, "rules")
        words = (x.split() for x in c.by_source(n))
        with open(path, "w") as f:
            f.write("flush ruleset\ntable ip t {\nchain f {\ntype filter hook forward priority 0\n" +
                    "\n".join("ip saddr %s udp dport %s drop" % (w[3][:-3], w[9]) for w in words) +
                    "\n}\n}\n")
        return path

    def run(self, *words):
        r = self.command([self.nft, "-e", "-a"] + list(words))
        with open(self.out) as f:
            m = re.findall(r"# handle (\d+)", f.read())
        self.handle = m[-1] if m else None
        return r

    def restore(self, n):
        return self.command([self.nft, "-f", self.file(n)])

    def save(self, n):
        return self.command([self.nft, "list", "ruleset"])

    RULE = ["ip", "saddr", "192.0.2.77", "udp", "dport", "77", "drop"]

    def append(self, n):
        return self.run("add", "rule", "ip", "t", "f", *self.RULE)

    def undo_append(self, n):
        self.delete(n)

    def insert(self, n):
        return self.run("insert", "rule", "ip", "t", "f", "index", str(n // 2), *self.RULE)

    def delete(self, n):
        return self.command([self.nft, "delete", "rule", "ip", "t", "f", "handle", self.handle])


TOOLS = {"iptables-legacy": lambda: Kernel("legacy"), "iptables-nft": lambda: Kernel("nft"),
         "nft": Nft, "fwd": Fwd}


def empty_program(ns):
    """What starting any program costs."""
    return timed(ns, ["/bin/true"])
