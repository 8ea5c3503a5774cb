#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
"""
The tracker against the kernel's: the same packets through both, the same state for each.

Random but meaningful conversations (TCP with every kind of misbehaviour, UDP, UDP-Lite, ICMP,
ICMPv6, their errors, SCTP, GRE, protocols nobody knows; IPv4 and IPv6), and some that real stacks
have had with one another just before (recorded.py), are put as raw frames into a namespace that
forwards them between two links.  Nobody owns the addresses, so nobody answers.
Rules in mangle PREROUTING write what `-m conntrack` says of a packet into its DSCP, which is read
where the packet comes out.  The same bytes with the times at which they were sent go through
tests/tools/fwct.  Needs root, iptables-legacy, ip.

  ct-oracle.py [--fwct build/tests/tools/fwct] [--seed N] [--sequences N] [--only KIND]

Exit 0: no difference; 1: differences, printed with the conversation so far.
Packets whose answer hangs on a deadline nearer than the kernel's clock is fine are not compared.
"""
import argparse
import heapq
import os
import random
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import netns  # noqa: E402
import recorded  # noqa: E402
import talks  # noqa: E402
import wire  # noqa: E402

STATES = ["NONE", "NEW", "ESTABLISHED", "RELATED", "ESTABLISHED_REPLY", "RELATED_REPLY", "INVALID",
          "UNTRACKED"]
# close, unacknowledged and max_retrans are the same, because kernels differ in which of them they
# take after an RST (6.12.y of 2026: by the state it left; before: always close).
TIMEOUTS = {
    "tcp_timeout_syn_sent": 4, "tcp_timeout_syn_recv": 3, "tcp_timeout_established": 9,
    "tcp_timeout_fin_wait": 4, "tcp_timeout_close_wait": 3, "tcp_timeout_last_ack": 2,
    "tcp_timeout_time_wait": 4, "tcp_timeout_close": 6, "tcp_timeout_max_retrans": 6,
    "tcp_timeout_unacknowledged": 6, "udp_timeout": 3, "udp_timeout_stream": 6, "icmp_timeout": 2,
    "icmpv6_timeout": 2, "generic_timeout": 3, "gre_timeout": 2, "gre_timeout_stream": 4,
    "sctp_timeout_closed": 2, "sctp_timeout_cookie_wait": 3, "sctp_timeout_cookie_echoed": 3,
    "sctp_timeout_established": 6, "sctp_timeout_shutdown_sent": 2,
    "sctp_timeout_shutdown_recd": 2, "sctp_timeout_shutdown_ack_sent": 2,
    "sctp_timeout_heartbeat_sent": 3,
}


def number_of(packet):
    """By which a packet is known again."""
    if packet[0] >> 4 == 6:
        return 6, struct.unpack("!I", packet[:4])[0] & 0xfffff
    return 4, struct.unpack("!H", packet[4:6])[0]


class Kernel:
    """A namespace that forwards, another that holds the far ends of its two links."""

    def __init__(self, sysctls):
        self.router, self.far = netns.Namespace("-r"), netns.Namespace("-far")
        self.far.sysctl(ipv6__conf__default__disable_ipv6=1)
        self.router.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                           ipv4__conf__default__send_redirects=0)
        for side, n in (("c", 1), ("s", 2)):
            self.router.ip(
                "link add %s0 type veth peer name %s1 netns %s" % (side, side, self.far.name),
                "link set %s0 up arp off" % side, "addr add 10.%d.255.254/16 dev %s0" % (n, side),
                "addr add fd0%d::ffff:ffff/64 dev %s0 nodad" % (n, side))
            self.far.ip("link set %s1 up arp off" % side)
        self.router.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        self.write_states()
        self.router.sysctl(**{"netfilter__nf_conntrack_" + k: v for k, v in sysctls.items()})
        self.ports = {side: wire.Port(self.far, side + "1") for side in "cs"}
        self.mac = {side: self.mac_of(side + "0") for side in "cs"}
        self.flows = []  # with --conversation: the kernel's list after each packet

    def write_states(self):
        """Rules that write a packet's state into its DSCP."""
        for tool in ("iptables-legacy", "ip6tables-legacy"):
            for value, state in enumerate(STATES[1:], 1):
                rule = ["-m", "conntrack", "--ctstate", state.replace("_REPLY", "")]
                if state not in ("INVALID", "UNTRACKED"):
                    rule += ["--ctdir", "REPLY" if "REPLY" in state else "ORIGINAL"]
                self.router.run(tool, "-w", "-t", "mangle", "-A", "PREROUTING", *rule,
                                "-j", "DSCP", "--set-dscp", str(value))

    def list(self):
        with self.router, open("/proc/thread-self/net/nf_conntrack") as f:
            return "; ".join(" ".join(line.split()[3:]) for line in f)

    def mac_of(self, dev):
        text = self.router.run("ip", "-o", "link", "show", dev).stdout
        return bytes.fromhex(text.split("link/ether ")[1].split()[0].replace(":", ""))

    def send(self, side, packet):
        kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
        self.ports[side].send(self.mac[side] + b"\2\0\0\0\0\1" + kind + packet)

    def receive(self, found):
        """Take what came out: number -> state."""
        for port in self.ports.values():
            for packet in port.drain():
                tos = struct.unpack("!H", packet[:2])[0] >> 4 if packet[0] >> 4 == 6 else packet[1]
                found[number_of(packet)] = tos >> 2 & 0x3f


# ---- the comparison --------------------------------------------------------------------------

def gap(rng):
    p = rng.random()
    if p < 0.87:
        return rng.uniform(0.005, 0.05)
    if p < 0.95:
        return rng.uniform(0.3, 1.1)
    return rng.uniform(1.2, 5.2)


def play(kernel, conversations, packets, single):
    """Everything at once, in order of time; returns per conversation [(time, side, packet)]."""
    log = [[] for _ in conversations]
    found = {}
    start = time.monotonic()
    queue = [(start + 0.1 + 0.0005 * n, n) for n in range(len(conversations))]
    if single is not None:
        queue = [queue[single]]
    heapq.heapify(queue)
    while queue:
        when, n = heapq.heappop(queue)
        wait = when - time.monotonic()
        if wait > 0:
            time.sleep(wait)  # timeouts are among what is compared
        talk = conversations[n]
        side, pkt = talk.next()
        before = time.monotonic_ns()
        kernel.send(side, pkt)
        log[n].append(((before + time.monotonic_ns()) // 2, side, pkt))
        kernel.receive(found)
        if single is not None:
            kernel.flows.append(kernel.list())
        if len(log[n]) < getattr(talk, "length", packets):
            heapq.heappush(queue, (time.monotonic() + gap(talk.rng), n))
    while wire.wait_readable(kernel.ports.values(), 0.3):  # until nothing more comes
        kernel.receive(found)
    return log, found


def ours(opt, packets, factor):
    """What fwct says, with all times stretched by a factor."""
    lines = ["set %s %d" % item for item in opt.sysctls.items()]
    base = packets[0][0]
    lines += ["%d PREROUTING %s" % (10**12 + int((t - base) * factor), pkt.hex())
              for t, _, pkt in packets]
    out = subprocess.run([opt.fwct], input="\n".join(lines) + "\n", stdout=subprocess.PIPE, text=True,
                         check=True).stdout.splitlines()
    assert len(out) == len(packets), "fwct answered %d of %d" % (len(out), len(packets))
    return out


def describe(pkt):
    six = pkt[0] >> 4 == 6
    n = 40 if six else (pkt[0] & 15) * 4
    proto = pkt[6] if six else pkt[9]
    body = pkt[n:]
    if proto == 6 and len(body) >= 20:
        seq, ack, doff, flags, win = struct.unpack("!IIBBH", body[4:16])
        names = "".join(c if flags >> i & 1 else "" for i, c in enumerate("FSRPAUEC")) or "-"
        return "tcp %s seq %d ack %d win %d len %d opts %s" % (
            names, seq, ack, win, len(body) - (doff >> 4) * 4, body[20:(doff >> 4) * 4].hex())
    return "proto %d %s" % (proto, body[:24].hex())


def compare(opt, n, talk, packets, found):
    answers = [ours(opt, packets, f) for f in (1.0, 0.994, 1.006)]
    compared = 0
    for k, (_, side, pkt) in enumerate(packets):
        said = {a[k].split()[0] for a in answers}
        if len(said) > 1:
            return compared, False  # on a deadline: from here on nothing is certain
        state = found.get(number_of(pkt))
        kernels = "not seen" if state is None else STATES[state]
        if state is None and STATES.index(said.copy().pop()) == 6:
            continue  # the kernel may drop what is badly malformed
        compared += 1
        if kernels in said:
            continue
        print("\nconversation %d (%s, ipv%d): packet %d: kernel %s, fwd %s" % (
            n, getattr(talk, "name", type(talk).__name__), 6 if talk.net.six else 4, k + 1, kernels, said.pop()))
        for j in range(k + 1):
            t, s, p = packets[j]
            st = found.get(number_of(p))
            print("  %7.3f %s %-70s | %s | %s" % (
                (t - packets[0][0]) / 1e9, s, describe(p), STATES[st] if st is not None else "?",
                answers[0][j]))
        return compared, True
    return compared, False


def main():
    ap = argparse.ArgumentParser()
    build = os.environ.get("FWD_BUILD", os.path.join(HERE, "..", "..", "build"))
    ap.add_argument("--fwct", default=os.path.join(build, "tests", "tools", "fwct"))
    ap.add_argument("--seed", type=int, default=None)
    ap.add_argument("--sequences", type=int, default=240)
    ap.add_argument("--packets", type=int, default=40)
    ap.add_argument("--only", choices=sorted(talks.KINDS))
    ap.add_argument("--conversation", type=int, help="only this one of a seed, and show it all")
    opt = ap.parse_args()
    netns.need_root()
    seed = opt.seed if opt.seed is not None else int.from_bytes(os.urandom(4), "big")
    rng = random.Random(seed)
    opt.sysctls = dict(TIMEOUTS, tcp_loose=int(rng.random() < 0.8), tcp_be_liberal=int(rng.random() < 0.2))
    print("ct-oracle: seed %d, %d conversations of %d packets, loose %d, liberal %d" % (
        seed, opt.sequences, opt.packets, opt.sysctls["tcp_loose"], opt.sysctls["tcp_be_liberal"]),
        flush=True)
    if opt.sequences * opt.packets > 60000:
        print("ct-oracle: at most 60000 packets a run (their numbers are 16 bits)", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one CPU: frames keep their order
    conversations = []
    for n in range(opt.sequences):
        kind = opt.only or rng.choices(list(talks.WEIGHTS), talks.WEIGHTS.values())[0]
        conversations.append(talks.KINDS[kind](random.Random(rng.getrandbits(64)), n, rng.random() < 0.3))
    if not opt.only and opt.conversation is None:
        conversations += recorded.record()
    kernel = Kernel(opt.sysctls)
    log, found = play(kernel, conversations, opt.packets, opt.conversation)
    if opt.conversation is not None:
        for (t, side, pkt), mine, theirs in zip(log[opt.conversation], ours(
                opt, log[opt.conversation], 1.0), kernel.flows):
            print("%7.3f %s %s\n    kernel %s %s\n    fwd    %s" % (
                (t - log[opt.conversation][0][0]) / 1e9, side, describe(pkt),
                STATES[found.get(number_of(pkt), 0)], theirs, mine))
        return 0
    total = bad = 0
    for n, talk in enumerate(conversations):
        compared, wrong = compare(opt, n, talk, log[n], found)
        total, bad = total + compared, bad + wrong
    print("ct-oracle: seed %d: %d packets compared, %d of %d conversations differ" % (
        seed, total, bad, len(conversations)))
    return 1 if bad or total < opt.sequences * opt.packets // 2 else 0


if __name__ == "__main__":
    sys.exit(main())
