#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
"""Flow offload, seen from outside.

What fwd counts is compared, to the packet and the byte, with what a table of the tester's own counts
behind fwd at the same hooks.  With and without the kernel's conntrack, in both families: forwarded
and local flows, edits in the middle of a stream, ends of connections, restarts and crashes, and
rules that ask each packet, under which nothing is offloaded.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control
import firewall
import netns
import report
import wait
from offloaded import ASSURED_S, ENDS, MIB, Pair, World, is_offloaded, states, tcp, udp
from report import check

# ---- counters ---------------------------------------------------------------------------------

def streams(w, what, family):
    """TCP forwarded: nearly all of it passes by itself."""
    queued, packets = w.metric("queue_packets_total"), w.passed(family)["FORWARD"][0]
    p = tcp(w, family)
    check(what + ", TCP: all arrives", p.bulk(64 * MIB) == 64 * MIB)
    p.close()
    packets = w.passed(family)["FORWARD"][0] - packets
    queued = w.metric("queue_packets_total") - queued
    check(what + ", TCP: few packets are queued", packets > 1000 and queued < packets / 2,
          (queued, packets))
    w.same(what + ", TCP", family)


def datagrams(w, what, family):
    p = udp(w, family)
    p.talk_for(ASSURED_S)
    p.talk(200)
    queued = w.metric("queue_packets_total")
    p.talk(1000)
    queued = w.metric("queue_packets_total") - queued
    check(what + ", UDP: few packets are queued", queued < 100, queued)
    w.same(what + ", UDP", family)
    p.close()


def local(w, what, family):
    """To the router itself: INPUT and OUTPUT."""
    p = Pair(socket.SOCK_STREAM, w.net.client, w.net.router, family, ENDS[family][2], 7001)
    check(what + ", local: all arrives", p.bulk(32 * MIB) == 32 * MIB)
    queued = w.metric("queue_packets_total")
    p.talk(500)
    queued = w.metric("queue_packets_total") - queued
    check(what + ", local: few packets are queued", queued < 100, queued)
    p.close()
    w.same(what + ", local", family)


ECHO = {4: ("icmp", "--icmp-type", "icmp"), 6: ("icmpv6", "--icmpv6-type", "icmpv6")}


def echo_rules(family, hook):
    """Of requests and answers, then of states; all of it counts."""
    proto, option, _ = ECHO[family]
    lines = ["-A %s -p %s %s echo-%s -m comment --comment %s" % (hook, proto, option, x, x)
             for x in ("request", "reply")]
    return lines + ["-A %s -p %s %s echo-%s -m conntrack --ctstate %s -m comment --comment %s "
                    "-j ACCEPT" % (hook, proto, option, x, s, s)
                    for x, s in (("reply", "ESTABLISHED"), ("request", "ESTABLISHED"),
                                 ("request", "NEW"))]


def rule_count(w, family, hook, comment):
    """Packets and bytes of the hook's rule with this comment."""
    return tuple(map(int, re.search(r"^\[(\d+):(\d+)\] -A %s .*--comment %s( |$)" % (hook, comment),
                                    w.fw.save(family), re.M).groups()[:2]))


def echoes(w, what, family):
    """Pings through the router, the second with an identifier of its own while the kernel passes the
    first's, and to itself."""
    def ping(to):
        return w.net.client.popen("ping", "-q", "-c", "600", "-i", "0.002", "-W", "2", to,
                                  stdout=subprocess.PIPE, text=True)

    name = ECHO[family][2]
    watch = "; ".join("%s type echo-%s counter" % (name, x) for x in ("request", "reply"))
    w.net.router.run("nft", "-f", "-", input="table inet echo {\n" + "".join(
        "chain %s { type filter hook %s priority 100; %s; }\n" % (h, h, watch)
        for h in ("forward", "input", "output")) + "}")
    for to, hooks in ((ENDS[family][1], ("FORWARD",)), (ENDS[family][2], ("INPUT", "OUTPUT"))):
        control.edit(w.fw.socket, "\n".join(x for h in hooks for x in echo_rules(family, h)), family)
        queued = w.metric("queue_packets_total")
        pings = [ping(to)]
        wait.must("it is offloaded", lambda: w.metric("offload_entries") >= 2)
        before = rule_count(w, family, hooks[0], "NEW")
        pings.append(ping(to))
        out = [p.communicate()[0] for p in pings]
        queued = w.metric("queue_packets_total") - queued
        check("%s, pings to %s: all are answered" % (what, to),
              all(" 600 received" in x for x in out), out)
        check("%s, pings to %s: few are queued" % (what, to), queued < 600, queued)
        w.fw.settle()
        check("%s, pings to %s: the second begins anew" % (what, to),
              rule_count(w, family, hooks[0], "NEW") > before, before)
        seen = w.net.router.run("nft", "list", "table", "inet", "echo").stdout
        for hook in hooks:
            ours = [rule_count(w, family, hook, x) for x in ("request", "reply")]
            part = seen.split("chain " + hook.lower())[1].split("}")[0]
            theirs = [tuple(map(int, x)) for x in re.findall(r"packets (\d+) bytes (\d+)", part)]
            check("%s, pings in %s: to the byte, by type" % (what, hook), ours == theirs,
                  (ours, theirs))
            control.edit(w.fw.socket, "\n".join("-D " + x[3:] for x in echo_rules(family, hook)),
                         family)
    w.net.router.run("nft", "delete", "table", "inet", "echo")


def tunnelled(w):
    """ESP between two hosts that know no better: flows without ports, as the tracker has it."""
    def raw(ns, to):
        with ns:
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ESP)
        s.connect((to, 0))
        s.settimeout(5)
        return s

    control.edit(w.fw.socket, "-I FORWARD -p esp -m conntrack --ctstate ESTABLISHED -m comment "
                 "--comment esp")
    ends = raw(w.net.client, ENDS[4][1]), raw(w.net.server, ENDS[4][0])
    passed = w.metric("offload_packets_total")
    for _ in range(500):
        for a, b in (ends, ends[::-1]):
            a.send(b"spi.seq." + bytes(40))
            b.recv(200)
    w.fw.settle()
    passed = w.metric("offload_packets_total") - passed
    m = re.search(r"^\[(\d+):(\d+)\] .*--comment esp", w.fw.save(4), re.M)
    check("ESP: the kernel passes it", passed > 300, passed)
    check("ESP: all are counted", (int(m.group(1)), int(m.group(2))) == (999, 999 * 68), m.group(0))
    control.edit(w.fw.socket, "-D FORWARD 1")
    for s in ends:
        s.close()


def mangled(w, what, family):
    """All five hooks, and counters of several tables."""
    tool = firewall.tool(family)
    hooks = ("PREROUTING", "FORWARD", "POSTROUTING")
    for hook in hooks:
        w.net.router.run(tool, "-t", "mangle", "-A", hook, "-p", "tcp", env=w.fw.env())
    before = w.quiet(family)["FORWARD"]
    p = tcp(w, family, 7002)
    p.bulk(8 * MIB)
    p.close()
    w.same(what + ", mangle too", family)
    after = w.quiet(family)["FORWARD"]
    text = w.net.router.run(tool + "-save", "-c", "-t", "mangle", env=w.fw.env()).stdout
    for hook in hooks:
        m = re.search(r"^\[(\d+):(\d+)\] -A %s" % hook, text, re.M)
        seen = int(m.group(1)), int(m.group(2))
        check("%s, mangle's %s: to the byte" % (what, hook),
              seen == (after[0] - before[0], after[1] - before[1]), (seen, before, after))
    w.net.router.run(tool, "-t", "mangle", "-F", env=w.fw.env())


def zero(w, what, family):
    """-Z in the middle: what comes behind it is counted from there."""
    tool = firewall.tool(family)
    p = tcp(w, family, 7003)
    p.talk(200)
    before = w.quiet(family)["FORWARD"]
    w.net.router.run(tool, "-Z", env=w.fw.env())
    p.talk(300)
    ours, now = [x["FORWARD"] for x in w.both(family)]
    check(what + ": counters after -Z", ours == (now[0] - before[0], now[1] - before[1]),
          (ours, before, now))
    p.close()
    w.watch()
    w.rules(family)


# ---- edits ------------------------------------------------------------------------------------

def edit(w, what, family):
    """A rule above holds for the very next packet."""
    tool = firewall.tool(family)
    for kind, make in (("UDP", udp), ("TCP", tcp)):
        p = make(w, family, 7200)
        if kind == "UDP":
            p.talk_for(ASSURED_S)
        check("%s, %s: offloaded" % (what, kind), is_offloaded(w, p))
        w.net.router.run(tool, "-I", "FORWARD", "-p", kind.lower(), "-j", "DROP", env=w.fw.env())
        before = w.passed(family)["FORWARD"]
        for _ in range(10):
            p.c.send(b"y")
            p.s.send(b"y")
        w.fw.settle()
        check("%s, %s: DROP inserted, nothing passes" % (what, kind),
              w.passed(family)["FORWARD"] == before, (before, w.passed(family)))
        m = re.search(r"^\[(\d+):\d+\] -A FORWARD -p %s -j DROP" % kind.lower(), w.fw.save(family),
                      re.M)
        check("%s, %s: and the rule has counted" % (what, kind), int(m.group(1)) >= 2, m.group(0))
        w.net.router.run(tool, "-D", "FORWARD", "1", env=w.fw.env())
        if kind == "TCP":
            for s, n in ((p.s, 10), (p.c, 10)):  # they are sent again
                while n:
                    n -= len(s.recv(n))
        else:
            p.s.setblocking(False)
            try:
                while True:
                    p.s.recv(100)
            except BlockingIOError:
                p.s.settimeout(5)
        p.talk(20)
        p.close()


def edit_under_way(w, what, family):
    """Edits and -Z one after the other while a stream passes: what was counted by the old rules comes
    in behind an edit, and is shown, or zeroed, once.  One of them is gone by then."""
    tool = firewall.tool(family)
    before = w.quiet(family)["FORWARD"]
    w.net.router.run(tool, "-Z", "FORWARD", env=w.fw.env())
    p = tcp(w, family, 7250)
    sums, got = [0, 0], []
    t = threading.Thread(target=lambda: got.append(p.bulk(128 * MIB)))
    t.start()
    edits = 0
    while t.is_alive():
        control.edit(w.fw.socket, "-I FORWARD -p tcp", family)
        if edits % 2:
            text = control.ask(w.fw.socket, "save %d counters zero table filter chain FORWARD"
                               % family)
            for m in re.finditer(r"^\[(\d+):(\d+)\] -A FORWARD .*-j ACCEPT$", text, re.M):
                sums = [sums[0] + int(m.group(1)), sums[1] + int(m.group(2))]
        control.edit(w.fw.socket, "-D FORWARD 1", family)
        edits += 1
    t.join()
    p.close()
    w.quiet(family)
    ours, now = [x["FORWARD"] for x in w.both(family)]
    check("%s: edits while a stream passes (%d): all arrives" % (what, edits),
          got == [128 * MIB] and edits > 3, (got, edits))
    check(what + ": edits while a stream passes: every packet and byte is counted",
          (ours[0] + sums[0], ours[1] + sums[1]) == (now[0] - before[0], now[1] - before[1]),
          (ours, sums, before, now))
    w.watch()
    w.rules(family)


def deleted_flow(w, family):
    """conn delete: what the kernel let pass begins a flow anew."""
    p = udp(w, family, 7300)
    p.talk_for(ASSURED_S)
    p.talk(50)
    tool = firewall.tool(family)
    w.net.router.run(tool, "-I", "FORWARD", "-p", "udp", "-m", "conntrack", "--ctstate", "NEW",
                     "-m", "comment", "--comment", "again", env=w.fw.env())
    p.talk(50)
    w.fw.ctl("conn", "flush")
    p.talk(50)
    w.fw.settle()
    m = re.search(r"^\[(\d+):\d+\] .*again", w.fw.save(family), re.M)
    check("a flow that was deleted begins anew", int(m.group(1)) >= 1, m.group(0))
    w.net.router.run(tool, "-D", "FORWARD", "1", env=w.fw.env())
    p.close()


# ---- the tracker ------------------------------------------------------------------------------

def ends(w, family):
    """FIN and RST end a flow in the tracker, too, and its ports can be used again."""
    p = tcp(w, family, 7400, source=40000)
    p.talk(200)
    p.close()
    w.fw.settle()
    seen = states(w, family)
    check("closed: TIME_WAIT", seen == ["TIME_WAIT"], seen)
    w.fw.ctl("conn", "flush")
    p = tcp(w, family, 7401, source=40001)
    p.talk(200)
    p.reset()
    w.fw.settle()
    seen = states(w, family)
    check("reset: CLOSE", seen == ["CLOSE"], seen)
    p = tcp(w, family, 7401, source=40001)
    p.talk_for(0.3)  # until all is looked at again
    seen = states(w, family)
    check("the same ends anew: ESTABLISHED", seen == ["ESTABLISHED"], seen)
    w.same("the same ends anew", family)
    p.close()
    w.fw.ctl("conn", "flush")


def used_again(w, family):
    """The same ports again and again, while what passed of the first still does: no RST is INVALID."""
    tool = firewall.tool(family)
    w.net.router.run(tool, "-I", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-m",
                     "comment", "--comment", "odd", env=w.fw.env())
    for _ in range(10):
        p = tcp(w, family, 7402, source=40002)
        p.talk(12)
        p.reset()
    w.fw.settle()
    m = re.search(r"^\[(\d+):\d+\] .*odd", w.fw.save(family), re.M)
    check("ports used again: no INVALID segment", int(m.group(1)) == 0, m.group(0))
    w.net.router.run(tool, "-D", "FORWARD", "1", env=w.fw.env())
    w.fw.ctl("conn", "flush")


def generations(w, family):
    """Over several generations: nobody is INVALID, nothing is lost."""
    tool = firewall.tool(family)
    w.net.router.run(tool, "-I", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-m",
                     "comment", "--comment", "invalid", env=w.fw.env())
    p = tcp(w, family, 7500)
    got = [0]

    def count():
        while True:
            data = p.s.recv(MIB)
            got[0] += len(data)
            if not data:
                return

    t = threading.Thread(target=count)
    t.start()
    sent, end = 0, time.monotonic() + 3.5
    while time.monotonic() < end:
        sent += p.c.send(bytes(MIB))
    p.c.shutdown(socket.SHUT_WR)
    t.join()
    check("three generations: every byte", got[0] == sent, (got, sent))
    p.close()
    w.fw.settle()
    m = re.search(r"^\[(\d+):\d+\] .*invalid", w.fw.save(family), re.M)
    check("three generations: no INVALID segment", int(m.group(1)) == 0, m.group(0))
    w.net.router.run(tool, "-D", "FORWARD", "1", env=w.fw.env())


def accounts(family):
    w = World("--conntrack-acct", "on", "--offload-seconds", "1")
    p = tcp(w, family, 7600)
    p.talk(500)
    passed = w.quiet(family)["FORWARD"]
    text = w.fw.ctl("conn", "list").stdout
    seen = [sum(int(x) for x in re.findall(word + r"=(\d+)", text))
            for word in ("packets", "bytes")]
    check("the flow's own counters", tuple(seen) == passed, (seen, passed))
    p.close()
    w.close()


# ---- lives ------------------------------------------------------------------------------------

def restarts(family):
    w = World()
    p = tcp(w, family, 7700)
    p.talk(300)
    w.fw.ctl("restart")
    w.fw.settle()
    p.talk(300)
    w.same("restarted", family)
    check("restarted: offloaded again", is_offloaded(w, p))
    out = w.net.router.run("nft", "list", "ruleset").stdout
    check("restarted: one generation", len(re.findall(r"set flows", out)) == 1, out)
    w.fw.stop(signal.SIGKILL)
    w.fw.start()
    p.talk(300)
    out = w.net.router.run("nft", "list", "ruleset").stdout
    check("killed: one generation", len(re.findall(r"set flows", out)) == 1, out)
    before = [x["FORWARD"][0] for x in w.both(family)]
    p.talk(300)
    after = [x["FORWARD"][0] for x in w.both(family)]
    check("killed: the next life counts right", after[0] - before[0] == after[1] - before[1],
          (before, after))
    p.close()
    w.close()


def killed(family):
    """What the kernel let pass is counted as of the last save, as is what fwd judged; no packet of
    before that is lost, and none of the time behind it counts twice."""
    w = World("--snapshot-interval", "1")
    p = tcp(w, family, 7750)
    p.talk(300)
    check("killed: offloaded before", is_offloaded(w, p))
    saved = w.quiet(family)["FORWARD"]
    wait.must("it is saved", lambda: sum_saved(w, "FORWARD") == saved)
    p.talk(200)
    passed = w.quiet(family)["FORWARD"]
    w.fw.stop(signal.SIGKILL)
    w.fw.start()
    ours, now = [x["FORWARD"] for x in w.both(family)]
    check("killed: nothing passed meanwhile", now == passed, (now, passed))
    check("killed: counted up to a save, and no packet twice", saved <= ours <= passed,
          (saved, ours, passed))
    p.talk(100)
    then, all_ = [x["FORWARD"] for x in w.both(family)]
    check("killed: … and from the start on", then[0] - ours[0] == all_[0] - now[0],
          (ours, then, now, all_))
    p.close()
    w.close()


def sum_saved(w, hook):
    """Packets and bytes that a hook's accepting rules have in the snapshot on the disk."""
    with open(os.path.join(w.fw.state, "snapshot"), "rb") as f:
        rows = re.findall(rb"^\[(\d+):(\d+)\] -A %s .*-j ACCEPT$" % hook.encode(), f.read(), re.M)
    return tuple(sum(int(x[i]) for x in rows) for i in (0, 1))


# ---- what is not offloaded --------------------------------------------------------------------

ASKING = ("-m limit --limit 1/hour", "-m recent --set", "-m length --length 40:9000",
          "-m statistic --mode nth --every 2 --packet 0", "-m ttl --ttl-gt 3", "-m dscp --dscp 0",
          "-p tcp --tcp-flags PSH PSH", "-j LOG", "-m connmark --mark 0", "-j MARK --set-mark 5",
          "-m hashlimit --hashlimit-upto 1/hour --hashlimit-name h", "-m quota --quota 100",
          "-m conntrack --ctexpire 1:100")
PLAIN = ("-p tcp --tcp-flags ALL NONE", "-p tcp ! --syn -m conntrack --ctstate NEW",
         "-p tcp --tcp-flags SYN,RST SYN -m limit --limit 1/hour",
         "-p udp -m length --length 100", "-m mark --mark 7", "-m multiport -p tcp --dports 1,2,3")


def asked_each_time(family=4):
    w = World()
    for rules, wanted in ((ASKING, False), (PLAIN, True)):
        for rule in rules:
            w.rules(family, "-A FORWARD %s\n" % rule)
            p = tcp(w, family, 7800)
            check("%s: %soffloaded" % (rule, "" if wanted else "not "),
                  is_offloaded(w, p) == wanted)
            p.close()
    w.close()


def switched_off(family=4):
    w = World("--offload", "off")
    p = tcp(w, family, 7900)
    p.talk(100)
    out = w.net.router.run("nft", "list", "table", "inet", "fwdd").stdout
    check("--offload off: nothing is", w.metric("offload_entries") == 0 and "jump known" not in out,
          out)
    w.same("--offload off", family)
    p.close()
    w.close()


def main():
    netns.need_root()
    for kct in (False, True):
        w = World("--offload-seconds", "1", kct=kct)
        for family in (4, 6):
            what = "IPv%d%s" % (family, ", the kernel tracks" if kct else "")
            streams(w, what, family)
            datagrams(w, what, family)
            local(w, what, family)
            echoes(w, what, family)
            mangled(w, what, family)
            edit(w, what, family)
            edit_under_way(w, what, family)
        for family in (4, 6):
            zero(w, "IPv%d%s" % (family, ", the kernel tracks" if kct else ""), family)
        if not kct:
            tunnelled(w)
            deleted_flow(w, 4)
            w.fw.ctl("conn", "flush")
            ends(w, 4)
            used_again(w, 4)
            generations(w, 6)
        w.close()
    accounts(4)
    restarts(4)
    killed(4)
    asked_each_time()
    switched_off()
    report.finish()


main()
