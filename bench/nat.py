#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One TCP stream through DNAT and MASQUERADE, fwd beside the kernel's iptables, interleaved.

    bench/nat.py [--rounds N] [--seconds S] [--quick]

    Gb/s   as iperf3 measures it, GSO on; median of the rounds
    ratio  to iptables-legacy with the same rules
"""
import argparse
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "tests", "lib")]

import firewall  # noqa: E402
import netns  # noqa: E402
import topo  # noqa: E402

SERVER = "10.66.2.2"
NAT = """*nat
-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination %s:5201
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
""" % SERVER
FILTER = """*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -d %s/32 -p tcp --dport 5201 -m conntrack --ctstate DNAT -j ACCEPT
COMMIT
""" % SERVER


class Contender:
    def __init__(self, kind, text):
        self.net = topo.Routed()
        self.fw = firewall.Fwd(self.net.router, ["--offload", "on"]) if kind == "fwd" \
            else firewall.Kernel(self.net.router, kind)
        self.fw.restore(4, text)
        self.server = self.net.server.popen("iperf3", "-s", stdout=open(os.devnull, "w"))

    def measure(self, seconds):
        out = self.net.client.run("iperf3", "-c", "10.66.1.1", "-p", "8080", "-J", "-t",
                                  str(seconds), timeout=seconds + 30).stdout
        return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e9

    def close(self):
        netns.stop(self.server)
        self.fw.close()
        self.net.close()


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=int, default=2)
    ap.add_argument("--quick", action="store_true")
    args = ap.parse_args()
    if args.quick:
        args.rounds, args.seconds = 1, 1
    netns.need_root()
    netns.sweep()
    for name, text in (("nat alone", NAT), ("nat and filter", NAT + FILTER)):
        all_, results = {k: Contender(k, text) for k in ("legacy", "nft", "fwd")}, {}
        try:
            for _ in range(args.rounds):
                for kind, x in all_.items():
                    results.setdefault(kind, []).append(x.measure(args.seconds))
        finally:
            for x in all_.values():
                x.close()
        median = {k: statistics.median(v) for k, v in results.items()}
        for kind, v in median.items():
            print("%-15s %-7s %6.2f Gb/s  %.2f of legacy" % (name, kind, v, v / median["legacy"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
