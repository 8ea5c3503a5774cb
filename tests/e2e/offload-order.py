#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
"""A flow is handed to the kernel behind its own packets: many wait after a stop or a restart, and
what is sent then must not pass them by."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall
import flow
import netns
import report
import topo
import wait
from report import check

RULES = "*filter\n:FORWARD DROP\n-A FORWARD -p udp -j ACCEPT\n%sCOMMIT\n" % "".join(
    "-A INPUT -s 10.%d.%d.0/24 -j DROP\n" % (n >> 8, n & 255)
    for n in range(50000))  # to begin anew takes a while
PPS, BEHIND = 20000, 10000
FEW = 400  # a busy machine's, while the kernel is told


def stopped(fw, f):
    """It begins while nobody answers."""
    fw.pause()
    f.start().more(BEHIND)
    fw.resume()


def restarted(fw, f):
    f.start().more(1000)
    fw.ctl("restart")


def behind(what):
    net = topo.Routed()
    with firewall.Fwd(net.router) as fw:
        fw.restore(4, RULES)
        f = flow.Flow(net.client, net.server, "10.66.2.2", pps=PPS)
        what(fw, f)
        passed = fw.metric("offload_packets_total")
        wait.must("it is offloaded", lambda: fw.metric("offload_packets_total") > passed)
        f.more(1000)
        lost = f.stop()
        check(what.__name__ + ": nothing is lost", lost == 0, lost)
        check(what.__name__ + ": few are overtaken", f.reordered < FEW, f.reordered)
    net.close()


netns.need_root()
for case in (stopped, restarted):
    behind(case)
report.finish()
