#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# alone
"""The packet side's life: start, stop and crash under traffic, and others who meddle.

10,000 packets a second run from the client through the router, fwd on the router with a rule at
FORWARD, while it is started, stopped, killed, flushed over, or kept from its queue.
"""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall
import flow
import netns
import report
import topo
import wait
from report import check

SERVER = "10.66.2.2"
DROP_7001 = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp --dport 9 -j DROP
-A FORWARD -p udp --dport 7001 -j DROP
COMMIT
"""


def start(net, *args, rules=DROP_7001, ready=True):
    """All packets are judged: what becomes of flows that the kernel lets pass is another test's."""
    fw = firewall.Fwd(net.router, ("--offload", "off") + args, start=False)
    with open(os.path.join(fw.dir, "rules.v4"), "w") as f:
        f.write(rules)
    if ready:
        fw.start()
    return fw


def tables(net):
    return net.router.run("nft", "list", "tables").stdout


def flows(net):
    """One that the rules let pass, one that they drop."""
    return (flow.Flow(net.client, net.server, SERVER, 7000).start(),
            flow.Flow(net.client, net.server, SERVER, 7001, pps=500).start())


def judged(what, good, bad):
    check(what + ": packets pass", good.passing() > 1000)
    check(what + ": and are dropped by the rule", bad.passing() == 0)


def clean_stop(net):
    good = flow.Flow(net.client, net.server, SERVER, 7000).start()
    for queues in ("1", "2"):
        fw = start(net, "--queues", queues)
        check("%s queue(s): judged under load" % queues, good.passing() > 1000)
        begin = time.monotonic()
        code = fw.stop()
        check("stop: exit 0", code == 0, "%s\n%s" % (code, fw.log()))
        check("stop: within a second", time.monotonic() - begin < 1.0, time.monotonic() - begin)
        check("stop: no table left", "fwdd" not in tables(net), tables(net))
        fw.close()
    lost = good.stop()
    check("start and stop twice at 10 kpps: nothing lost", lost == 0, "%d of %d" % (lost, good.sent))
    check("start and stop: few out of order", good.reordered < good.sent // 100, good.reordered)


def stopped_twice(net):
    """An impatient second signal: the stop goes on to its end."""
    fw = start(net, "--fail", "closed")
    fw.proc.send_signal(signal.SIGINT)
    time.sleep(0.003)  # into the middle of the stop
    code = fw.stop()
    check("stopped twice: exit 0", code == 0, "%s\n%s" % (code, fw.log()))
    check("stopped twice: no table left", "fwdd" not in tables(net), tables(net))
    fw.close()


def crash(net, mode):
    good, bad = flows(net)
    fw = start(net, "--fail", mode)
    judged("fail %s, before" % mode, good, bad)
    fw.stop(signal.SIGKILL)
    if mode == "open":
        wait.until(lambda: "fwdd" not in tables(net), 5)
        check("fail open, killed: no table left", "fwdd" not in tables(net))
        check("fail open, killed: packets pass", good.passing() > 1000)
        check("fail open, killed: all of them", bad.passing() > 50)
    else:
        check("fail closed, killed: none pass", good.passing() == 0)
        check("fail closed, killed: the table stays", "fwdd" in tables(net))
    fw.start()
    judged("fail %s, started again" % mode, good, bad)
    check("fail %s: stop after that" % mode, fw.stop() == 0, fw.log())
    check("fail %s: no table left" % mode, "fwdd" not in tables(net))
    check("fail %s: packets pass" % mode, good.passing() > 1000)
    good.stop()
    bad.stop()
    fw.close()


def wedged(net, mode):
    """A stopped daemon: the queue fills up."""
    good = flow.Flow(net.client, net.server, SERVER, 7000, pps=5000).start()
    fw = start(net, "--fail", mode, "--queue-len", "500")
    good.more(500)
    fw.proc.send_signal(signal.SIGSTOP)
    good.more(1000)  # the queue is full
    passing = good.passing()
    check("fail %s, wedged: %s" % (mode, "all pass" if mode == "open" else "none pass"),
          passing > 500 if mode == "open" else passing == 0, passing)
    fw.proc.send_signal(signal.SIGCONT)
    check("fail %s: goes on" % mode, good.passing() > 500)
    fw.stop()
    good.stop()
    fw.close()


def meddlers(net):
    good, bad = flows(net)
    fw = start(net)
    net.router.run("nft", "flush", "ruleset")
    wait.until(lambda: "fwdd" in tables(net), 5)
    judged("after a foreign flush ruleset", good, bad)
    check("a foreign delete is refused",
          net.router.run("nft", "delete", "table", "inet", "fwdd", check=False).returncode != 0)
    for tool in ("iptables-legacy", "iptables-nft"):
        net.router.run(tool, "-A", "FORWARD", "-p", "udp", "--dport", "7000", "-j", "DROP")
        check(tool + " beside us: its rules hold", good.passing() == 0)
        net.router.run(tool, "-F", "FORWARD")
        judged(tool + " flushed", good, bad)
    fw.stop()
    good.stop()
    bad.stop()
    fw.close()


def taken(net):
    """Somebody has our queue: who, and what to do."""
    first = start(net)
    second = start(net, ready=False)
    try:
        second.start()
        check("a second fwd is refused", False)
    except RuntimeError:
        log = second.log()
        check("a second fwd is refused, by name",
              "taken by process %d (fwd)" % first.proc.pid in log and "--queue-base" in log, log)
    check("a second fwd: exit 1", second.proc.returncode == 1, second.proc.returncode)
    second.args = ["--queue-base", "3000"]
    try:
        second.start()
        check("a second fwd with other queues is refused", False)
    except RuntimeError:
        check("a second fwd with other queues is refused, and the table named",
              "inet fwdd" in second.log(), second.log())
    check("the first was not disturbed", "fwdd" in tables(net) and first.proc.poll() is None)
    first.stop()
    first.close()
    second.close()


def main():
    netns.need_root()
    net = topo.Routed()
    clean_stop(net)
    stopped_twice(net)
    for mode in ("open", "closed"):
        crash(net, mode)
        wedged(net, mode)
    meddlers(net)
    taken(net)
    net.close()
    report.finish()


main()
