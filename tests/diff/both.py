# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a case of the differential test at two routers, one with the kernel's firewall (A) and one
with another (B)."""
import multiprocessing
import os
import re
import struct
import time

import compare
import firewall
import lots
import nat
import pkt
import seen
import topo
import wait
import wire
from judge import AS_IT_CAME, BY_TURN

FWD_ARGS = os.environ.get("DIFF_FWD_ARGS", "").split()  # "--queues 4", say
OFFLOAD = {False: ["--offload", "off"], True: ["--offload-packets", "2"]}
REWRITES = re.compile("-j (TTL|HL|TOS|DSCP|ECN|TCPMSS|TCPOPTSTRIP|CHECKSUM)")
OFFLOADED = multiprocessing.Value("Q", 0)  # packets that passed without fwd
ENOUGH = 12  # packets that were waited for in vain
COARSE = 6  # CLOCK_MONOTONIC_COARSE, which goes on with the kernel's tick
L2 = {"broadcast": "ff:ff:ff:ff:ff:ff", "multicast": "01:00:5e:00:00:01"}


class Side:
    """A router with a firewall."""

    def __init__(self, lab, kind, case):
        self.mirror = nat.Mirror() if case.nat == "nat" else None
        self.numbers = compare.sequence_numbers(s["pkt"] for s in case.steps)
        self.lots = lots.Lots(lots.named(case)) if self.mirror else None
        self.kind, self.router, self.at = kind, topo.LabRouter(lab), None
        self.fw = firewall.Fwd(self.router.ns, OFFLOAD[case.offload] + FWD_ARGS) if kind == "fwd" \
            else firewall.Kernel(self.router.ns, kind)
        self.isn = {}

    def send(self, i, step):
        p = step["pkt"]
        if step.get("ackof") in self.isn:
            p = acknowledge(p, self.isn[step["ackof"]])
        if self.mirror:
            at, p = self.mirror.bend(p)
            if at and step["at"] != "local":
                net, host = (1, 10) if at == "eth0" else (2, 20)
                self.router.ports[at].send(pkt.ether(self.router.MAC[at],
                                                     topo.LabRouter.host_mac(net, host), p))
                return
            self.mirror.note(i, p)
            self.at = step["at"]
        if step["at"] == "local":
            self.router.raw.send(p)
            return
        dst = L2.get(step["l2"], self.router.MAC[step["at"]])
        if step["l2"] == "multicast" and p[0] >> 4 == 6:
            dst = "33:33:00:00:00:01"
        self.router.ports[step["at"]].send(pkt.ether(dst, topo.LabRouter.host_mac(*step["host"]),
                                                     p))

    def drain(self, i, into):
        """into: a list for each view of judge.py's."""
        for dev, port in self.router.ports.items():
            for p in port.drain():
                note_synack(self.isn, i, p)
                if self.mirror and dev != self.at:
                    self.mirror.arrived(i, dev, p)
                p = compare.mask_translated(p, self.numbers) if self.mirror else compare.mask(p)
                into[AS_IT_CAME].append((dev, p))
                into[BY_TURN].append((dev, self.lots.plain(p) if self.lots else p))
        for view in into:
            view.sort()

    def close(self):
        self.fw.close()
        self.router.close()


def note_synack(isn, i, p):
    at, proto = (40, p[6]) if p[0] >> 4 == 6 else ((p[0] & 15) * 4, p[9])
    if proto == 6 and len(p) >= at + 20 and p[at + 13] & 0x12 == 0x12:
        isn[i] = struct.unpack("!I", p[at + 4:at + 8])[0]


def acknowledge(p, isn):
    """The same TCP packet with the acknowledgement that this side's listener expects."""
    v6 = p[0] >> 4 == 6
    at = 40 if v6 else (p[0] & 15) * 4
    src, dst = (p[8:24], p[24:40]) if v6 else (p[12:16], p[16:20])
    seg = p[at:at + 8] + struct.pack("!I", (isn + 1) & 0xFFFFFFFF) + p[at + 12:at + 16] + b"\0\0" \
        + p[at + 18:]
    pseudo = src + dst + (struct.pack("!II", len(seg), 6) if v6
                          else struct.pack("!BBH", 0, 6, len(seg)))
    return p[:at] + seg[:16] + struct.pack("!H", pkt.csum(pseudo + seg)) + seg[18:]


def exchange(sides, i, packets, patience):
    """Each side's packet goes to it; what has arrived when it is the same, or patience ends: of
    each side, in each view."""
    got = (([], []), ([], []))
    for s, p in zip(sides, packets):
        if p:
            s.send(i, p)
    for s, g in zip(sides, got):
        s.fw.settle()
        s.drain(i, g)
    end = time.monotonic() + patience
    while got[0][BY_TURN] != got[1][BY_TURN] and time.monotonic() < end:
        ports = [p for s in sides for p in s.router.ports.values()]
        wire.wait_readable(ports, end - time.monotonic())
        for s, g in zip(sides, got):
            s.drain(i, g)
    return got


def next_tick():
    """Within a tick the kernel goes on counting connections that are gone (docs/differences.md)."""
    now = time.clock_gettime_ns(COARSE)
    wait.must("a tick of the kernel's", lambda: time.clock_gettime_ns(COARSE) != now, every=0)


def traffic(sides, run, text, patience, sabotage):
    """Send the case's packets."""
    rewrites, unequal = REWRITES.search(text), 0
    for i, step in enumerate(run.case.steps):
        if "connlimit" in text:
            next_tick()
        got = exchange(sides, i, (step, sabotage.step(i, step) if sabotage else step),
                       patience if unequal < ENOUGH else 0)
        unequal += got[0][BY_TURN] != got[1][BY_TURN]
        for view in (AS_IT_CAME, BY_TURN):
            run.arrived(i, view, [compare.whole(g[view]) if rewrites else g[view] for g in got])


def refusal(sides, family, texts):
    """What a side has against its ruleset: text, or None.  A's is the generator's fault."""
    for s, text, what in zip(sides, texts, ("generator: ", "B refuses the ruleset: ")):
        try:
            s.fw.restore(family, text)
        except firewall.RestoreError as e:
            return what + str(e)
    return None


def run(lab, case, peer, patience=0.25, sabotage=None):
    """One run of a case: seen.Run.  sabotage: what B gets otherwise (selftest.py)."""
    sides, out, text = [], seen.Run(case), case.rules.text()
    try:
        for kind in ("legacy", peer):
            sides.append(Side(lab, kind, case))
        no = refusal(sides, case.family, (text, sabotage and sabotage.text or text))
        if no:
            out.broken.append(no)
            return out
        traffic(sides, out, text, patience, sabotage)
        for s in sides:
            s.fw.settle()
        out.counted([compare.saved(s.fw.save(case.family)) for s in sides])
        fw = sides[1].fw
        if peer == "fwd":
            with OFFLOADED.get_lock():
                OFFLOADED.value += fw.metric("offload_packets_total")
        out.broken += ended(fw)
    except RuntimeError as e:  # a daemon that has died is a finding
        out.broken.append("RuntimeError: %s" % e)
    finally:
        for s in sides:
            s.close()
    return out


def ended(fw):
    """A clean end: exit code 0 (sanitizers and leaks say otherwise) and no complaint in the log."""
    code = fw.stop() if isinstance(fw, firewall.Fwd) else 0
    return ["fwd ended with %d:\n%s" % (code, fw.log()[-3000:])] if code else []

