# SPDX-License-Identifier: GPL-2.0-or-later
"""What a random rule is made of: addresses, ports and types of the traffic in traffic.py, and the
words that every rule may have."""

BUILTIN = {
    "raw": ["PREROUTING", "OUTPUT"],
    "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
    "filter": ["INPUT", "FORWARD", "OUTPUT"],
}
INBOUND = {"PREROUTING", "INPUT", "FORWARD"}
OUTBOUND = {"FORWARD", "OUTPUT", "POSTROUTING"}
HOSTS = {4: {"c": ["10.77.1.%d" % h for h in range(10, 14)],
             "s": ["10.77.2.%d" % h for h in range(20, 23)],
             "r": ["10.77.1.1", "10.77.2.1", "127.0.0.1"]},
         6: {"c": ["fd77:1::%x" % h for h in range(10, 14)],
             "s": ["fd77:2::%x" % h for h in range(20, 23)],
             "r": ["fd77:1::1", "fd77:2::1", "::1"]}}
NETS = {4: ["10.77.1.0/24", "10.77.2.0/24", "10.77.1.10/31", "10.77.0.0/16", "10.77.1.8/29",
            "10.77.8.0/23", "127.0.0.0/8", "10.77.0.20/255.255.0.255", "224.0.0.0/4"],
        6: ["fd77:1::/64", "fd77:2::/64", "fd77:1::a/127", "fd77::/16", "fd77:1::8/125",
            "fd77:8::/31", "::1/128", "fd77:2::14/ffff:ffff::ffff", "ff00::/8"]}
PORTS = [22, 23, 53, 80, 443, 8080, 40000, 40001, 40002]
REJECTS = {4: ["icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable",
               "icmp-proto-unreachable", "icmp-net-prohibited", "icmp-host-prohibited",
               "icmp-admin-prohibited"],
           6: ["icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable",
               "icmp6-port-unreachable", "icmp6-policy-fail", "icmp6-reject-route"]}
ICMP = {4: ["any", "8", "0", "3", "3/1", "3/3", "3/4", "3/13", "11", "11/0", "echo-request",
            "echo-reply", "destination-unreachable", "time-exceeded", "5", "12"],
        6: ["128", "129", "1", "1/4", "1/1", "3", "3/0", "echo-request", "echo-reply",
            "destination-unreachable", "time-exceeded", "packet-too-big", "2", "4", "4/1"]}
MULTI = ["tcp", "udp", "sctp", "udplite", "dccp"]
ADDRTYPES = {6: ["UNICAST", "LOCAL", "MULTICAST", "UNREACHABLE", "ANYCAST", "UNSPEC"]}
ADDRTYPES[4] = ADDRTYPES[6] + ["BROADCAST", "BLACKHOLE", "PROHIBIT"]


class Words:
    """r: the random numbers, f: the family, tag: how the names of its lists begin."""

    def __init__(self, rng, family, tag, without=(), nat=""):
        self.r, self.f, self.tag, self.nat = rng, family, tag, nat
        # Half of the rulesets track, fewer use lists: each also must work without.
        self.track, self.recent = rng.random() < 0.5, rng.random() < 0.4
        self.in_user = False
        self.rewrite = rng.random() < 0.5 and "rewrite" not in without
        self.payload = rng.random() < 0.5 and "payload" not in without
        self.track &= "track" not in without
        self.known = False  # chains begin as many rulesets do, and flows are offloaded
        self.lists = False  # … but not before a list is asked (stateful.py's listing())
        self.recent &= "recent" not in without

    def maybe(self, p):
        return self.r.random() < p

    def neg(self, words, p=0.2):
        return ("! " if self.maybe(p) else "") + words

    def address(self):
        h = HOSTS[self.f]
        if self.maybe(0.5):
            return self.r.choice(NETS[self.f])
        return self.r.choice(h[self.r.choice("ccssr")])

    def plain_net(self):
        while True:
            a = self.address()
            if "/" not in a or a.partition("/")[2].isdigit():
                return a

    def port(self):
        if self.maybe(0.3):
            a, b = sorted(self.r.choices(PORTS, k=2))
            return self.r.choice(["%d:%d" % (a, b), ":%d" % b, "%d:" % a])
        return str(self.r.choice(PORTS))

    def ports(self):
        n = self.r.randint(1, 4)
        out = []
        for _ in range(n):
            a, b = sorted(self.r.choices(PORTS, k=2))
            out.append("%d:%d" % (a, b) if a < b and self.maybe(0.3) else str(a))
        return ",".join(out)

    def protocol(self):
        icmp = "icmp" if self.f == 4 else "ipv6-icmp"
        names = ["tcp"] * 5 + ["udp"] * 4 + [icmp] * 3 + ["sctp", "udplite", "esp", "gre", "dccp"]
        return self.r.choice(names)

    def generic(self, hooks, proto):
        w = []
        if self.maybe(0.25):
            w.append(self.neg("-s " + self.address()))
        if self.maybe(0.25):
            w.append(self.neg("-d " + self.address()))
        dev = lambda: self.r.choice(["eth0", "eth1", "eth+", "lo", "eth", "wlan0"])
        # what leaves came in somewhere, too; of a builtin chain iptables refuses to ask
        if hooks <= (INBOUND | {"POSTROUTING"} if self.in_user else INBOUND) and self.maybe(0.2):
            w.append(self.neg("-i " + dev()))
        if hooks <= OUTBOUND and self.maybe(0.2):
            w.append(self.neg("-o " + dev()))
        if proto:
            w.append("-p " + proto)
        elif self.maybe(0.05):
            w.append("! -p " + self.protocol())
        if self.f == 4 and self.maybe(0.06):
            w.append(self.neg("-f", 0.5))
        return w
