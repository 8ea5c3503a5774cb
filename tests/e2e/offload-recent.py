#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 180
"""Flows that the kernel lets pass though rules ask a recent list, which does not have their ends.

As soon as it has one, by a packet of any flow or by command, the next packet is judged: it meets what
it meets in iptables-legacy, and all that passed before is counted as there."""
import os
import re
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import beside
import control
import firewall
import offloaded
import pkt
import wait
from beside import CLIENT, SERVER, connection, send, udp

ROUNDS = 30
ON, OFF = 9, 10  # ports of datagrams that put their source on the list, and take it off
RULES = ("*filter\n:FORWARD DROP [0:0]\n"
         "-A FORWARD -p udp -m udp --dport %d -m recent --name l --set -j ACCEPT\n"
         "-A FORWARD -p udp -m udp --dport %d -m recent --name l --remove -j ACCEPT\n" % (ON, OFF) +
         "%s\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
         "-A FORWARD -p tcp -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n")
ASKING = {  # … and an address of the list that means the client
    "-A FORWARD -m recent --name l --rcheck -j DROP": CLIENT,
    "-A FORWARD -m recent --name l --update --seconds 60 --hitcount 1 --rttl -j DROP": CLIENT,
    "-A FORWARD -m recent --name l --rdest --rcheck -j DROP": CLIENT,
    "-A FORWARD -m recent --name l ! --rcheck\n-A FORWARD -m recent --name l --rcheck -j DROP": CLIENT,
    "-A FORWARD -m recent --name l --remove": CLIENT,
    "-A FORWARD -m recent --name l --remove -j DROP": CLIENT,
}
MASK = " --mask 255.255.255.0"


def is_fwd(r):
    return isinstance(r.fw, firewall.Fwd)


def by_command(r, add, address=CLIENT):
    if is_fwd(r):
        r.fw.ctl("recent", "add" if add else "del", "l", address)
    else:
        r.ns.run("sh", "-c", "echo %s%s >/proc/net/xt_recent/l" % ("+" if add else "-", address))


def by_packet(r, add, address=CLIENT):
    """Of a source that the list takes for the same: the last byte is another where it has a mask."""
    source = CLIENT if address == CLIENT else CLIENT[:-1] + "1"
    p = pkt.ip4(source, SERVER, 17, pkt.udp(source, SERVER, 5001, ON if add else OFF, b"x"))
    return len(send(r, p)["eth1"])


def chat(segment, rounds):
    """What arrives of a segment each way, so often."""
    return [[len(segment(side, pkt.ACK, b"x")) for side in (0, 1)] for _ in range(rounds)]


def passes_unseen(r, segment):
    """Both directions are in the kernel, which does not ask us."""
    if not is_fwd(r):
        chat(segment, 1)
        return True
    queued = r.fw.metric("queue_packets_total")
    chat(segment, 1)
    return r.fw.metric("offload_entries") == 2 and r.fw.metric("queue_packets_total") == queued


def counters(r):
    """Sorted: with --remove in the list's way, fwd's are no others."""
    return [x for x in r.fw.save(4).splitlines() if x.startswith(("[", ":F"))]


def story(r, rules, change, address, meanwhile=None):
    """What is told of a router."""
    r.fw.restore(4, RULES % rules)
    segment = connection(r, ROUNDS)
    seen = [passes_unseen(r, segment)]
    if meanwhile:
        r.ns.run("iptables", *meanwhile.split(), env=r.fw.env())
        seen.append(chat(segment, ROUNDS))
        seen.append(passes_unseen(r, segment))
    for add in (True, False):
        seen.append(change(r, add, address))
        seen.append(chat(segment, ROUNDS))
    seen.append(counters(r))
    return seen


def compare(both, c, what, rules, change, address, meanwhile=None):
    legacy, fwd = both.routers(lambda r: story(r, rules, change, address, meanwhile))
    for i, (theirs, ours) in enumerate(zip(legacy, fwd)):
        c.equal("%s, %s: step %d" % (rules.replace("-A FORWARD -m recent --name l ", ""), what, i),
                ours, theirs)
    c.true("%s: the list does make a difference" % rules,
           legacy[-4] != [[1, 1]] * ROUNDS or "--remove" in rules)


def test_listed(both, c):
    for rules, address in ASKING.items():
        for what, change in (("by command", by_command), ("by a packet", by_packet)):
            compare(both, c, what, rules, change, address)


def test_mask(both, c):
    network = CLIENT.rsplit(".", 1)[0] + ".0"
    for rules in ("-A FORWARD -m recent --name l --rcheck -j DROP",
                  "-A FORWARD -m recent --name l --rdest --update -j DROP"):
        text = rules.replace(" -j", MASK + " -j")
        for what, change in (("by command", by_command), ("by a packet", by_packet)):
            def masked(r, rules=text, change=change):
                r.fw.restore(4, "*filter\n%s\nCOMMIT\n" % rules)  # it makes the list: its mask holds
                return story(r, rules, change, network)
            legacy, fwd = both.routers(masked)
            c.equal("%s, %s" % (text, what), fwd, legacy)
            c.true("%s, %s: somebody was dropped" % (text, what), [1, 1] not in legacy[2])


def test_edited(both, c):
    compare(both, c, "an edit before", "-A FORWARD -m recent --name l --update -j DROP", by_packet,
            CLIENT, "-I FORWARD -p tcp -m tcp --dport 80")


def test_bounces(both, c):
    """On and off the list all the time: dropped while on it, but it is taken back now and then only."""
    def what(r):
        r.fw.restore(4, RULES % "-A FORWARD -m recent --name l --rcheck -j DROP")
        segment = connection(r, ROUNDS)
        seen, begin, first = [passes_unseen(r, segment)], time.monotonic(), generation(r)
        for _ in range(20):
            by_packet(r, True)
            seen.append(chat(segment, 1))
            by_packet(r, False)
            seen.append(chat(segment, 12))
        seen.append(counters(r))
        wait.must("offloaded again", lambda: chat(segment, 12) and passes_unseen(r, segment))
        return seen, generation(r) - first, time.monotonic() - begin
    (theirs, _, _), (ours, n, seconds) = both.routers(what)
    c.equal("on and off the list: what arrives and is counted", ours, theirs)
    c.true("on and off the list: %d generations in %.1f s" % (n, seconds), n < seconds + 3)


def generation(r):
    """The number of the last one that was sent."""
    if not is_fwd(r):
        return 0
    return max(map(int, re.findall(r"set flows4_(\d+)", r.ns.run("nft", "list", "ruleset").stdout)))


def test_again(both, c):
    """Some time after it is off the list it passes unseen again."""
    def what(r):
        if not is_fwd(r):
            return True
        r.fw.restore(4, RULES % "-A FORWARD -m recent --name l --rcheck -j DROP")
        segment = connection(r, ROUNDS)
        by_packet(r, True)
        by_packet(r, False)
        return bool(wait.until(lambda: chat(segment, 12) and passes_unseen(r, segment)))
    c.equal("off the list: offloaded again", both.routers(what), (True, True))


LISTED = ("-A FORWARD -p udp --dport %d -m recent --name l --set -j DROP\n"
          "-A FORWARD -p udp --dport %d -m recent --name l --remove -j DROP\n" % (ON, OFF))


def datagrams(w, family):
    with w.net.client:
        return socket.socket(offloaded.FAMILY[family], socket.SOCK_DGRAM)


def test_under_way(both, c):
    """Streams over several queues, taken back again and again while they pass unseen, and edits behind
    it: all arrives, and all is counted."""
    w, stop, got = offloaded.World("--queues", "2"), threading.Event(), []
    w.rules(4, LISTED + "-A FORWARD -m recent --name l --update\n")
    pairs = [offloaded.tcp(w, 4, 7000 + i) for i in range(2)]

    def stream(p):
        while not stop.is_set():
            got.append(p.bulk(offloaded.MIB) == offloaded.MIB)

    streams = [threading.Thread(target=stream, args=(p,)) for p in pairs]
    for t in streams:
        t.start()
    s = datagrams(w, 4)
    for _ in range(3):
        passed = w.metric("offload_packets_total")
        wait.must("many pass unseen", lambda: w.metric("offload_packets_total") > passed + 1000)
        for port in (ON, OFF):
            s.sendto(b"x", (offloaded.ENDS[4][1], port))
        control.edit(w.fw.socket, "-I FORWARD -p sctp", 4)
        control.edit(w.fw.socket, "-D FORWARD 1", 4)
    stop.set()
    for t in streams:
        t.join()
    c.true("under way: all arrives", all(got))
    w.same("under way", 4)
    for x in pairs + [s]:
        x.close()
    w.close()


def test_sockets(both, c):
    """Both families, with and without the kernel's conntrack."""
    for kct in (False, True):
        w = offloaded.World(kct=kct)
        for family in (4, 6):
            what = "IPv%d%s" % (family, ", the kernel tracks" if kct else "")
            w.rules(family, LISTED + "-A FORWARD -m recent --name l --update -j DROP\n")
            p = offloaded.tcp(w, family)
            wait.must(what + ": offloaded", lambda: offloaded.is_offloaded(w, p))
            s = datagrams(w, family)
            s.sendto(b"x", (offloaded.ENDS[family][1], ON))
            w.fw.settle()
            before = w.passed(family)["FORWARD"]
            for _ in range(10):
                p.c.send(b"y")
            w.fw.settle()
            c.equal(what + ": on the list, nothing passes", w.passed(family)["FORWARD"], before)
            w.fw.ctl("recent", "flush", "l")
            n = 10
            while n:  # they are sent again
                n -= len(p.s.recv(n))
            p.talk(50)
            w.same(what + ", off the list", family)
            p.close()
            s.close()
        w.close()


if __name__ == "__main__":
    beside.run(globals())
