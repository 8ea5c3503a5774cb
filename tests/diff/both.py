# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a case of the differential test at two routers, one with the kernel's firewall (A) and one
with another (B), and tells what differs."""
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
import topo
import wire

FWD_ARGS = os.environ.get("DIFF_FWD_ARGS", "").split()  # "--queues 4", say
OFFLOAD = {False: ["--offload", "off"], True: ["--offload-packets", "2"]}
REWRITES = re.compile("-j (TTL|HL|TOS|DSCP|ECN|TCPMSS|TCPOPTSTRIP|CHECKSUM)")
OFFLOADED = multiprocessing.Value("Q", 0)  # packets that passed without fwd
JIFFY = 0.011  # within one the kernel counts connections that are gone (docs/differences.md)
L2 = {"broadcast": "ff:ff:ff:ff:ff:ff", "multicast": "01:00:5e:00:00:01"}


class Side:
    """A router with a firewall."""

    def __init__(self, lab, kind, case, drawn):
        """drawn: numbers that the kernel draws are told from others, and compared by their turn."""
        self.mirror = nat.Mirror() if case.nat == "nat" else None
        self.numbers = compare.sequence_numbers(s["pkt"] for s in case.steps)
        self.lots = lots.Lots(lots.named(case)) if drawn else None
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
        for dev, port in self.router.ports.items():
            for p in port.drain():
                note_synack(self.isn, i, p)
                if self.mirror and dev != self.at:
                    self.mirror.arrived(i, dev, p)
                p = compare.mask_translated(p, self.numbers) if self.mirror else compare.mask(p)
                into.append((dev, self.lots.plain(p) if self.lots else p))
        into.sort()

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
    """Each side's packet goes to it; what has arrived when it is the same, or patience ends."""
    got = ([], [])
    for s, p in zip(sides, packets):
        if p:
            s.send(i, p)
    for s, g in zip(sides, got):
        s.fw.settle()
        s.drain(i, g)
    end = time.monotonic() + patience
    while got[0] != got[1] and time.monotonic() < end:
        ports = [p for s in sides for p in s.router.ports.values()]
        wire.wait_readable(ports, end - time.monotonic())
        for s, g in zip(sides, got):
            s.drain(i, g)
    return got


def run(lab, case, peer, patience=0.25, sabotage=None, trace=None, drawn=False):
    """Run one case; returns (problems, differences of wording).  trace: a dict that gets what A
    saved and which packets had arrivals.  drawn: ports that the kernel draws may differ.
    sabotage: what B gets otherwise (selftest.py)."""
    sides = []
    try:
        for kind in ("legacy", peer):
            sides.append(Side(lab, kind, case, drawn))
        a, b = sides
        text = case.rules.text()
        try:
            a.fw.restore(case.family, text)
        except firewall.RestoreError as e:
            return ["generator: " + str(e)], []
        try:
            b.fw.restore(case.family, sabotage and sabotage.text or text)
        except firewall.RestoreError as e:
            return ["B refuses the ruleset: " + str(e)], []
        problems, rewrites = [], REWRITES.search(text)
        for i, step in enumerate(case.steps):
            if "connlimit" in text:
                time.sleep(JIFFY)  # the kernel's tick is the subject: nothing tells of it
            got = exchange(sides, i, (step, sabotage.step(i, step) if sabotage else step), patience)
            if got[0] != got[1] and rewrites:
                got = [compare.whole(g) for g in got]
            if trace is not None and got[0]:
                trace.setdefault("arrived", []).append(i)
                if [q[-20:] for d, q in got[0] if d != step["at"]] == [step["pkt"][-20:]] \
                        and step["at"] != "local" and "frag" not in pkt.show(step["pkt"]):
                    trace.setdefault("forwarded", []).append(i)
            if got[0] != got[1]:
                problems += arrivals(i, step, got)
                if len(problems) > 12:
                    break
        for s in sides:
            s.fw.settle()
        x, y = [compare.saved(s.fw.save(case.family)) for s in sides]
        tables = list(case.rules.policy)
        if trace is not None:
            trace["saved"] = x
            trace["drawn"] = any(s.lots and s.lots.drawn for s in sides)
        if peer == "fwd":
            with OFFLOADED.get_lock():
                OFFLOADED.value += b.fw.metric("offload_packets_total")
        problems += ended(b.fw)
        return problems + compare.counters(x, y, tables), compare.words(x, y, tables)
    finally:
        for s in sides:
            s.close()


def ended(fw):
    """A clean end: exit code 0 (sanitizers and leaks say otherwise) and no complaint in the log."""
    code = fw.stop() if isinstance(fw, firewall.Fwd) else 0
    return ["fwd ended with %d:\n%s" % (code, fw.log()[-3000:])] if code else []


def arrivals(i, step, got):
    out = ["packet %d, %s: %s" % (i, step["at"], pkt.show(step["pkt"]))]
    for name, mine, other in (("A", got[0], got[1]), ("B", got[1], got[0])):
        rest = list(other)
        for x in mine:
            if x in rest:
                rest.remove(x)
            else:
                out.append("    only %s: %s %s" % (name, x[0], pkt.show(x[1])))
                if os.environ.get("DIFF_HEX"):
                    out.append("        " + x[1].hex())
    return out
