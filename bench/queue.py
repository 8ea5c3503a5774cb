#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Forwarding through fwd, beside a bare accept-all queue loop, no firewall, and iptables.

    bench/queue.py [--rounds N] [--seconds S] [--rules N] [--legacy N] [--nft N] [--json FILE]
                   [--only NAME,...] [--queues N]

client - router - server in three network namespaces, the firewall on the router.  Every round runs
all contenders, one after the other, so that what disturbs the machine disturbs all of them; what is
printed are medians over the rounds, and ratios to the bare loop taken within each round.

    kpps       packets a second that reached the server from a flood by one CPU
    fw us      CPU of the firewall's process for each packet that reached the server
    send us    CPU of the sender for each packet sent: socket, both veths, the entry into the queue
    cap kpps   what these two allow when each has a CPU of its own
    TCP Gb/s   one iperf3 connection, GSO on

Contenders: none, loop (bench/nfq-loop.c), fwd (N rules at FORWARD, none of which matches), fwd-state
(the same behind a rule for ESTABLISHED), and by option iptables-legacy and iptables-nft with N rules.
Needs root and iperf3.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "lib"))
import firewall
import netns
import topo

SERVER = "10.66.2.2"
FLOWS = 64
BENCH = os.path.join(firewall.BUILD, "bench")
HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"


def ruleset(n, state=False):
    rules = ["-A FORWARD -s 192.0.%d.%d/32 -p udp -m udp --dport %d -j DROP"
             % (2 + i // 250, i % 250, 1 + i) for i in range(n)]
    if state:
        rules = ["-A FORWARD -m state --state ESTABLISHED -j ACCEPT"] + rules[1:]
    return HEAD + "\n".join(rules) + "\nCOMMIT\n"


class Nothing:
    def __init__(self, net):
        pass

    def cpu(self):
        return 0

    def close(self):
        pass


def schedstat(pid):
    """Nanoseconds of CPU that a process' threads have had."""
    base = "/proc/%d/task" % pid
    return sum(int(open("%s/%s/schedstat" % (base, t)).read().split()[0]) for t in os.listdir(base))


class Loop:
    QUEUE = 4242

    def __init__(self, net):
        self.net = net
        self.proc = net.router.popen(BENCH + "/nfq-loop", str(self.QUEUE), stdout=subprocess.PIPE)
        assert self.proc.stdout.readline() == b"ready\n", "nfq-loop does not start"
        net.router.run("iptables-nft", "-A", "FORWARD", "-j", "NFQUEUE", "--queue-num",
                       str(self.QUEUE))

    def cpu(self):
        return schedstat(self.proc.pid)

    def close(self):
        self.net.router.run("iptables-nft", "-F", "FORWARD")
        self.net.router.run("nft", "flush", "ruleset")
        netns.stop(self.proc)


class Fwd:
    queues = 1

    def __init__(self, net, text):
        self.fw = firewall.Fwd(net.router, ["--persist", "off", "--queues", str(self.queues)],
                               start=False)
        with open(os.path.join(self.fw.dir, "rules.v4"), "w") as f:
            f.write(text)
        self.fw.start()

    def cpu(self):
        return schedstat(self.fw.proc.pid)

    def close(self):
        self.fw.close()


class Iptables:
    def __init__(self, net, backend, n):
        self.fw = firewall.Kernel(net.router, backend)
        self.fw.restore(4, ruleset(n))

    def cpu(self):
        return 0

    def close(self):
        self.fw.restore(4, HEAD + "COMMIT\n")
        if self.fw.backend == "nft":
            self.fw.ns.run("nft", "flush", "ruleset")
        self.fw.close()


def contenders(args):
    yield "none", Nothing
    yield "loop", Loop
    yield "fwd", lambda net: Fwd(net, ruleset(args.rules))
    yield "fwd-state", lambda net: Fwd(net, ruleset(args.rules, state=True))
    for n in args.legacy:
        yield "legacy-%d" % n, lambda net, n=n: Iptables(net, "legacy", n)
    for n in args.nft:
        yield "nft-%d" % n, lambda net, n=n: Iptables(net, "nft", n)


def arrived(net):
    with net.server, open("/proc/thread-self/net/dev") as f:
        line = next(x for x in f if x.strip().startswith("eth0:"))
    return int(line.split(":")[1].split()[1])


def flood(net, fw, seconds):
    before, cpu = arrived(net), fw.cpu()
    out = net.client.run(BENCH + "/udp-flood", SERVER, str(seconds), str(FLOWS)).stdout
    sent, sender_ns, wall_ns = map(int, out.split())
    came = arrived(net) - before
    time.sleep(0.2)  # what still waits is judged now: to the CPU's account, and to the arrivals'
    late = arrived(net) - before
    fw_us = (fw.cpu() - cpu) / max(late, 1) / 1e3
    send_us = sender_ns / sent / 1e3
    return {"kpps": came / wall_ns * 1e6, "fw us": fw_us, "send us": send_us,
            "cap kpps": 1e3 / max(fw_us / Fwd.queues, send_us)}


def tcp(net, seconds):
    out = net.client.run("iperf3", "-c", SERVER, "-J", "-t", str(seconds), check=False).stdout
    return {"TCP Gb/s": json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e9}


def run(net, make, seconds):
    fw = make(net)
    try:
        flood(net, fw, 0.2)
        return dict(flood(net, fw, seconds), **tcp(net, seconds))
    finally:
        fw.close()


def lay_table(results, names):
    keys = ["kpps", "fw us", "send us", "cap kpps", "TCP Gb/s"]
    compared = ["kpps", "cap kpps", "TCP Gb/s"]
    lines = ["%-12s" % "" + "".join("%10s" % k for k in keys) +
             "".join("%16s" % (k.split()[0] + "/loop") for k in compared if "loop" in names)]
    summary = {}
    for name in names:
        rows = results[name]
        med = {k: statistics.median(r[k] for r in rows) for k in keys}
        ratio = {}
        if "loop" in names:
            ratio = {k: statistics.median(r[k] / l[k] for r, l in zip(rows, results["loop"]))
                     for k in compared}
        lines.append("%-12s" % name + "".join("%10.2f" % med[k] for k in keys) +
                     "".join("%16.2f" % ratio[k] for k in ratio))
        summary[name] = {"median": med, "of loop": ratio, "rounds": rows}
    return "\n".join(lines), summary


def numbers(text):
    return [int(x) for x in re.findall(r"\d+", text)]


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=2)
    ap.add_argument("--rules", type=int, default=10)
    ap.add_argument("--queues", type=int, default=1)
    ap.add_argument("--legacy", type=numbers, default=[])
    ap.add_argument("--nft", type=numbers, default=[])
    ap.add_argument("--only", type=lambda s: s.split(","), default=[])
    ap.add_argument("--json")
    args = ap.parse_args()
    netns.need_root()
    Fwd.queues = args.queues
    net = topo.Routed()
    net.server.run("nft", "-f", "-", input="table ip sink { chain in { type filter hook prerouting "
                   "priority -400;\nudp dport 7000-8100 drop\n}\n}\n")
    server = net.server.popen("iperf3", "-s", stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    makers = [(n, m) for n, m in contenders(args) if not args.only or n in args.only]
    names = [n for n, _ in makers]
    results = {n: [] for n in names}
    for _ in range(args.rounds):
        for name, make in makers:
            results[name].append(run(net, make, args.seconds))
    text, summary = lay_table(results, names)
    print(text)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(summary, f, indent=1)
    netns.stop(server)
    net.close()


main()
