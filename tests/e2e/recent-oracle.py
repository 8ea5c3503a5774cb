#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
"""
Recent lists against xt_recent: the same rules and packets in both, the same rules match, and the
lists end up the same.

Each round puts random `-m recent` rules without a target into raw PREROUTING of a namespace, so
that a packet meets all of them, and sends packets from a crowd of sources (few that come often,
more than a list's 100 entries in all) with pauses around the rules' seconds.  After each packet
the rules' counters say which matched; tests/tools/fwrecent says what our lists make of it.

  recent-oracle.py [--seed N] [--rounds N] [--packets N]

Exit 0: no difference; 1: differences, printed.  Needs root and iptables-legacy.
"""
import argparse
import os
import random
import re
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import netns  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TOOL = os.path.join(os.environ.get("FWD_BUILD", os.path.join(ROOT, "build")), "tests/tools/fwrecent")
MASKS = {"a": "255.255.255.255", "b": "255.255.255.0", "c": "255.255.255.255"}


def rule(rng):
    r = {"list": rng.choice("aabc"), "op": rng.choice(("set", "rcheck", "update", "update", "remove")),
         "seconds": 0, "hitcount": 0, "flags": ""}
    if r["op"] in ("rcheck", "update"):
        r["seconds"] = rng.choice((0, 1, 1, 2))
        r["hitcount"] = rng.choice((0, 0, 1, 2, 3, 5, 20))
        if r["seconds"] and rng.random() < 0.3:
            r["flags"] += "r"
        if rng.random() < 0.15:
            r["flags"] += "t"
    elif r["op"] == "remove" and rng.random() < 0.6:
        return rule(rng)
    if rng.random() < 0.2:
        r["flags"] += "!"
    return r


def words(r):
    out = ["-m", "recent", "--name", r["list"], "--mask", MASKS[r["list"]]]
    out += ["!"] if "!" in r["flags"] else []
    out += ["--" + r["op"]]
    out += ["--seconds", str(r["seconds"])] if r["seconds"] else []
    out += ["--hitcount", str(r["hitcount"])] if r["hitcount"] else []
    out += ["--reap"] if "r" in r["flags"] else []
    return out + (["--rttl"] if "t" in r["flags"] else [])


def packet(src, ttl):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, ttl, 17, 0, src, bytes((10, 9, 0, 1)))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack("!H", ~((total & 0xffff) + (total >> 16)) & 0xffff) + head[12:]
    return head + struct.pack("!HHHH", 1, 2, 8, 0)


class Kernel:
    def __init__(self, rules):
        self.ns, self.far = netns.Namespace("r"), netns.Namespace("f")
        for argv in (("ip", "link", "add", "r0", "type", "veth", "peer", "name", "f0", "netns",
                      self.far.name), ("ip", "link", "set", "r0", "up"),
                     ("ip", "addr", "add", "10.9.0.1/16", "dev", "r0"),
                     ("sysctl", "-qw", "net.ipv4.conf.r0.rp_filter=0")):
            self.run(*argv)
        subprocess.run(["ip", "-n", self.far.name, "link", "set", "f0", "up"], check=True)
        link = self.run("ip", "-o", "link", "show", "r0")
        self.mac = bytes.fromhex(link.split("link/ether ")[1].split()[0].replace(":", ""))
        with self.far:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sock.bind(("f0", 0x0800))
        for r in rules:
            self.run("iptables-legacy", "-w", "-t", "raw", "-A", "PREROUTING", "-p", "udp",
                     "-s", "172.16.0.0/12", *words(r))
        self.counts = self.read_counts()

    def run(self, *argv):
        return subprocess.run(("ip", "netns", "exec", self.ns.name) + argv, check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def read_counts(self):
        text = self.run("iptables-legacy", "-w", "-t", "raw", "-nvxL", "PREROUTING")
        return [int(line.split()[0]) for line in text.splitlines()[2:]]

    def send(self, pkt):
        """Which rules matched, and when it was sent."""
        before = time.monotonic_ns()
        self.sock.send(self.mac + b"\2\0\0\0\0\1\x08\x00" + pkt)
        at = (before + time.monotonic_ns()) // 2
        now = self.read_counts()
        hits = [b - a for a, b in zip(self.counts, now)]
        self.counts = now
        return at, hits

    def lists(self, names):
        return {n: self.run("cat", "/proc/net/xt_recent/" + n) for n in names}


def ours(rules, log, names, factor):
    lines = ["list %s %d %s" % (r["list"], r["hitcount"], MASKS[r["list"]]) for r in rules]
    base = log[0][0]
    for at, src, ttl, _ in log:
        stamp = 10**12 + int((at - base) * factor)
        for r in rules:
            lines.append("%d %s %s %s %d %d %d %s" % (stamp, r["list"], r["op"], socket.inet_ntoa(src),
                                                      ttl, r["seconds"], r["hitcount"],
                                                      r["flags"] or "-"))
    lines += ["%d %s show" % (stamp, n) for n in names]
    out = subprocess.run([TOOL], input="\n".join(lines) + "\n", stdout=subprocess.PIPE, text=True,
                         check=True).stdout.splitlines()
    answers = [[int(x) for x in out[i * len(rules):(i + 1) * len(rules)]] for i in range(len(log))]
    shown, rest = {}, out[len(log) * len(rules):]
    for n in names:
        end = rest.index(".")
        shown[n], rest = "\n".join(rest[:end]), rest[end + 1:]
    return answers, shown


def shape(text):
    """A list without its times: address, TTL, place in the ring, number of stamps."""
    found = re.findall(r"src=(\S+) ttl: (\d+) last_seen: \d+ oldest_pkt: (\d+) (.*)", text)
    return sorted((a, t, o, s.count(",") + 1) for a, t, o, s in found)


def one_round(rng, packets):
    rules = [rule(rng) for _ in range(10)]
    names = sorted({r["list"] for r in rules})
    kernel = Kernel(rules)
    crowd = [bytes((172, 16, rng.randrange(3), rng.randrange(1, 255))) for _ in range(170)]
    log = []
    for _ in range(packets):
        src = rng.choice(crowd[:4]) if rng.random() < 0.45 else rng.choice(crowd)
        ttl = rng.choice((64, 64, 64, 63))
        at, hits = kernel.send(packet(src, ttl))
        log.append((at, src, ttl, hits))
        if rng.random() < 0.04:
            time.sleep(rng.uniform(0.3, 1.4))  # --seconds are among what is compared
    theirs = kernel.lists(names)
    runs = [ours(rules, log, names, f) for f in (1.0, 0.993, 1.007)]
    for i, (_, src, ttl, hits) in enumerate(log):
        if any(r[0][i] != runs[0][0][i] for r in runs):
            return i, False  # on the edge of a second: from here on nothing is certain
        if hits != runs[0][0][i]:
            print("\npacket %d from %s ttl %d: kernel %s, fwd %s" % (
                i + 1, socket.inet_ntoa(src), ttl, hits, runs[0][0][i]))
            for k, r in enumerate(rules):
                print("  rule %d: %s" % (k + 1, " ".join(words(r))))
            return i, True
    for n in names:
        if any(shape(r[1][n]) != shape(runs[0][1][n]) for r in runs):
            return packets, False
        if shape(theirs[n]) != shape(runs[0][1][n]):
            print("\nlist %s at the end:\n  kernel %s\n  fwd    %s" % (n, shape(theirs[n]),
                                                                    shape(runs[0][1][n])))
            return packets, True
    return packets, False


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    ap.add_argument("--rounds", type=int, default=6)
    ap.add_argument("--packets", type=int, default=220)
    opt = ap.parse_args()
    netns.need_root()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one CPU: frames keep their order
    print("recent-oracle: seed %d, %d rounds of %d packets" % (opt.seed, opt.rounds, opt.packets),
          flush=True)
    rng = random.Random(opt.seed)
    compared = bad = 0
    for _ in range(opt.rounds):
        n, wrong = one_round(random.Random(rng.getrandbits(64)), opt.packets)
        compared, bad = compared + n, bad + wrong
    print("recent-oracle: seed %d: %d packets compared, %d rounds differ" % (opt.seed, compared, bad))
    return 1 if bad or compared < opt.rounds * opt.packets // 4 else 0


if __name__ == "__main__":
    sys.exit(main())
