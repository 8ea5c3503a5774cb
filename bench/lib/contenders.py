# SPDX-License-Identifier: GPL-2.0-or-later
"""The firewalls that are compared, each on the router of client - router - server.

    none        no firewall
    conntrack   the kernel's connection tracking, and no rules
    loop        bench/nfq-loop.c: the least that a firewall behind a queue can do
    legacy, nft the kernel's iptables by its two tools
    fwd         ours; as "fwd judges" it leaves nothing to the kernel (--offload off)

Each is made by its name's function with the world, has cpu() - nanoseconds of CPU that the thread
which judges packets has had - and close(), after which the router is as before.
"""
import os
import subprocess
import time

import measure  # finds tests/lib, too
import firewall
import netns
import topo
import wait

JUDGE_ALL = ["--offload", "off"]
CLIENT, SERVER = "10.66.1.2", "10.66.2.2"
BENCH = os.path.join(firewall.BUILD, "bench")
HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
ESTABLISHED = "-A FORWARD -m state --state ESTABLISHED -j ACCEPT"
SINK = """table ip sink {
	counter came { }
	chain in {
		type filter hook prerouting priority -400;
		udp dport 7000-8100 counter name came drop
	}
}
"""


def by_source(n):
    """Rules that a walk passes after one look at the source address."""
    return ["-A FORWARD -s 100.%d.%d.%d/32 -p udp -m udp --dport %d -j DROP"
            % (64 + i // 62500, i // 250 % 250, i % 250, 1 + i % 60000) for i in range(n)]


def by_port(n):
    """Rules that a walk passes only after it has looked into the UDP header."""
    return ["-A FORWARD -p udp -m udp %s--dport %d -j DROP"
            % ("" if i < 50000 else "--sport %d " % (i // 50000), 10000 + i % 50000)
            for i in range(n)]


def text(rules):
    """What restore reads: rules are FORWARD's lines, or such a text already."""
    return rules if isinstance(rules, str) else HEAD + "\n".join(rules) + "\nCOMMIT\n"


class World:
    """Three namespaces; at the server UDP to 7000-8100 is counted and goes no further."""

    def __init__(self):
        netns.need_root()
        netns.sweep()
        self.net = topo.Routed()
        self.client, self.router, self.server = self.net.client, self.net.router, self.net.server
        self.server.run("nft", "-f", "-", input=SINK)
        self.servers = []

    def serve(self, *argv, port=None):
        """Start a server: it says when it is ready, or is when it listens at a TCP port."""
        p = self.server.popen(*argv, stdout=subprocess.DEVNULL if port else subprocess.PIPE,
                              stderr=subprocess.DEVNULL if port else None)
        self.servers.append(p)
        if port:
            wait.must("%s listens" % argv[0], lambda: self.server.run(
                "ss", "-Hltn", "sport = :%d" % port).stdout)
        elif p.stdout.readline() != b"ready\n":
            raise RuntimeError("%s does not start" % argv[0])

    def arrived(self):
        """Packets that the server's interface has received."""
        with self.server, open("/proc/thread-self/net/dev") as f:
            line = next(x for x in f if x.strip().startswith("eth0:"))
        return int(line.split(":")[1].split()[1])

    def sunk(self):
        """UDP packets to 7000-8100 that came, exactly."""
        out = self.server.run("nft", "list", "counter", "ip", "sink", "came").stdout.split()
        return int(out[out.index("packets") + 1])

    def close(self):
        for p in self.servers:
            netns.stop(p)
        self.net.close()


class Nothing:
    def __init__(self, world):
        self.world = world

    def cpu(self):
        return 0

    def pin(self, cpu):
        """Have the thread that judges run there."""

    def close(self):
        pass


class Conntrack(Nothing):
    def __init__(self, world):
        super().__init__(world)
        world.router.run("nft", "-f", "-", input="table ip b {\nchain f {\ntype filter hook "
                         "forward priority 0;\nct state established accept\n}\n}\n")

    def close(self):
        self.world.router.run("nft", "delete", "table", "ip", "b")


def threads(pid, name=None):
    """A process' threads, those of this name."""
    base = "/proc/%d/task" % pid
    for t in os.listdir(base):
        with open("%s/%s/comm" % (base, t)) as f:
            if not name or f.read().strip() == name:
                yield int(t)


def thread_ns(pid, name=None):
    """CPU that they have had."""
    total = 0
    for t in threads(pid, name):
        with open("/proc/%d/task/%d/schedstat" % (pid, t)) as f:
            total += int(f.read().split()[0])
    return total


def process_ns(pid):
    """CPU of a process, threads that have ended included."""
    return time.clock_gettime_ns((~pid << 3) | 2)  # as clock_getcpuclockid() makes it


class Loop(Nothing):
    QUEUE = 4242

    def __init__(self, world):
        super().__init__(world)
        self.proc = world.router.popen(BENCH + "/nfq-loop", str(self.QUEUE),
                                       stdout=subprocess.PIPE)
        if self.proc.stdout.readline() != b"ready\n":
            raise RuntimeError("nfq-loop does not start")
        world.router.run("iptables-nft", "-A", "FORWARD", "-j", "NFQUEUE", "--queue-num",
                         str(self.QUEUE))

    def cpu(self):
        return thread_ns(self.proc.pid)

    def pin(self, cpu):
        os.sched_setaffinity(self.proc.pid, {cpu})

    def close(self):
        self.world.router.run("nft", "flush", "ruleset")
        netns.stop(self.proc)


class Fwd(Nothing):
    def __init__(self, world, rules, args=(), persist="off"):
        super().__init__(world)
        self.fw = firewall.Fwd(world.router, ["--persist", persist] + list(args), start=False)
        with open(os.path.join(self.fw.dir, "rules.v4"), "w") as f:
            f.write(text(rules))
        self.fw.start()

    def cpu(self):
        return thread_ns(self.fw.proc.pid, "fwd-worker")

    def pin(self, cpu):
        for t in threads(self.fw.proc.pid, "fwd-worker"):
            os.sched_setaffinity(t, {cpu})

    def close(self):
        self.fw.close()


class Iptables(Nothing):
    def __init__(self, world, backend, rules):
        super().__init__(world)
        self.fw = firewall.Kernel(world.router, backend)
        self.fw.restore(4, text(rules))
        self.translates = "*nat\n" in text(rules)

    def close(self):
        self.fw.restore(4, HEAD + "COMMIT\n" + ("*nat\nCOMMIT\n" if self.translates else ""))
        if self.fw.backend == "nft":
            self.world.router.run("nft", "flush", "ruleset")
        self.fw.close()


def by_rules(world, sizes, lines):
    """What is compared where the number of rules matters: without any, and with lines(n) of them."""
    made = {"none": lambda: Nothing(world), "conntrack": lambda: Conntrack(world),
            "loop": lambda: Loop(world)}
    for n in sizes:
        made["fwd " + measure.short(n)] = lambda n=n: Fwd(world, lines(n))
        made["fwd judges " + measure.short(n)] = lambda n=n: Fwd(world, lines(n), JUDGE_ALL)
        for b in ("legacy", "nft"):
            made["%s %s" % (b, measure.short(n))] = lambda n=n, b=b: Iptables(world, b, lines(n))
    return made


def measured(makers, use, rounds):
    """Each contender in turn, `rounds` times: made, used, gone again; {name: figures of each}."""
    return measure.rounds({name: under(make, use) for name, make in dict(makers).items()}, rounds,
                          measure.progress)


def under(make, use):
    """A run for measure.rounds(): the contender up, used, and gone again."""
    def run():
        contender = make()
        try:
            return use(contender)
        finally:
            contender.close()
    return run
