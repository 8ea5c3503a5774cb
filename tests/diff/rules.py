# SPDX-License-Identifier: GPL-2.0-or-later
"""Random rulesets that mean something: addresses, ports and types are those of the traffic in
traffic.py, so that most rules see packets, and each rule is one that iptables accepts where it
stands.  Nothing here depends on time: limits refill in minutes, recent looks back ten of them."""

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


KNOWN = ("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
         "-m state --state ESTABLISHED -j ACCEPT",
         "-m conntrack ! --ctstate INVALID,NEW -j ACCEPT")


class Ruleset:
    """policy[table][chain], user[table] = names, rules = [(table, chain, words)]."""

    def __init__(self, family):
        self.family, self.policy, self.user, self.rules = family, {}, {}, []

    def text(self, rules=None):
        rules = self.rules if rules is None else rules
        out = []
        for table in self.policy:
            out.append("*" + table)
            out += [":%s %s [0:0]" % kv for kv in self.policy[table].items()]
            out += [":%s - [0:0]" % u for u in self.user[table]]
            out += ["-A %s %s" % (c, w) if w else "-A " + c for t, c, w in rules if t == table]
            out.append("COMMIT")
        return "\n".join(out) + "\n"


class Gen:
    def __init__(self, rng, family, tag, without=(), nat=""):
        self.r, self.f, self.tag, self.nat = rng, family, tag, nat
        # Half of the rulesets track, fewer use lists: each also must work without.
        self.track, self.recent = rng.random() < 0.5, rng.random() < 0.4
        self.in_user = False
        self.rewrite = rng.random() < 0.5 and "rewrite" not in without
        self.payload = rng.random() < 0.5 and "payload" not in without
        self.track &= "track" not in without
        self.known = False  # chains begin as many rulesets do, and flows are offloaded
        self.recent &= "recent" not in without

    def maybe(self, p):
        return self.r.random() < p

    def neg(self, words, p=0.2):
        return ("! " if self.maybe(p) else "") + words

    # -- generic part ---------------------------------------------------------------------

    def address(self):
        h = HOSTS[self.f]
        if self.maybe(0.5):
            return self.r.choice(NETS[self.f])
        return self.r.choice(h[self.r.choice("ccssr")])

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

    # -- matches --------------------------------------------------------------------------

    def m_tcp(self):
        w = ["-m tcp"]
        if self.maybe(0.3):
            w.append(self.neg("--sport " + self.port()))
        if self.maybe(0.5):
            w.append(self.neg("--dport " + self.port()))
        if self.maybe(0.4):
            flags = ["SYN", "ACK", "FIN", "RST", "PSH", "URG"]
            if self.maybe(0.5):
                w.append(self.neg("--syn", 0.4))
            else:
                mask = self.r.sample(flags, self.r.randint(1, 4))
                comp = [x for x in mask if self.maybe(0.5)]
                w.append(self.neg("--tcp-flags %s %s" % (
                    self.r.choice([",".join(mask), "ALL"]), ",".join(comp) or "NONE")))
        if self.maybe(0.1):
            w.append(self.neg("--tcp-option %d" % self.r.choice([2, 3, 4, 8, 30]), 0.4))
        return w

    def m_udp(self):
        w = ["-m udp"]
        if self.maybe(0.4):
            w.append(self.neg("--sport " + self.port()))
        if self.maybe(0.7):
            w.append(self.neg("--dport " + self.port()))
        return w

    def m_icmp(self):
        if self.f == 4:
            return ["-m icmp", self.neg("--icmp-type " + self.r.choice(ICMP[4]))]
        return ["-m icmp6", self.neg("--icmpv6-type " + self.r.choice(ICMP[6]))]

    def m_multiport(self):
        return ["-m multiport", self.neg("--%s %s" % (
            self.r.choice(["dports", "sports", "ports"]), self.ports()))]

    def m_iprange(self):
        w = ["-m iprange"]
        for side in self.r.sample(["src", "dst"], self.r.randint(1, 2)):
            h = HOSTS[self.f][self.r.choice("cs")]
            a, b = sorted(self.r.sample(range(len(h)), 2))
            w.append(self.neg("--%s-range %s-%s" % (side, h[a], h[b])))
        return w

    def states(self, extra=()):
        s = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"] + list(extra)
        return ",".join(self.r.sample(s, self.r.choice([1, 1, 1, 2, 3])))

    def m_state(self):
        return ["-m state", self.neg("--state " + self.states())]

    def m_conntrack(self):
        w = ["-m conntrack"]
        if self.maybe(0.5):
            w.append(self.neg("--ctstate " + self.states(("SNAT", "DNAT"))))
        if self.maybe(0.2):
            w.append(self.neg("--ctproto " + self.r.choice(["tcp", "udp", "1", "58"])))
        for name in ("ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst"):
            if self.maybe(0.12):
                w.append(self.neg("--%s %s" % (name, self.plain_net())))
        for name in ("ctorigsrcport", "ctorigdstport", "ctreplsrcport", "ctrepldstport"):
            if self.maybe(0.08):
                w.append(self.neg("--%s %s" % (name, self.r.choice(PORTS))))
        if self.maybe(0.15):
            w.append("--ctdir " + self.r.choice(["ORIGINAL", "REPLY"]))
        if self.maybe(0.2):
            w.append(self.neg("--ctstatus " + ",".join(self.r.sample(
                ["SEEN_REPLY", "ASSURED", "CONFIRMED", "EXPECTED", "NONE"],
                self.r.choice([1, 1, 2])))))
        if self.maybe(0.05):
            w.append(self.neg("--ctexpire 1:1000000"))
        return w if len(w) > 1 else w + ["--ctstate " + self.states()]

    def plain_net(self):
        while True:
            a = self.address()
            if "/" not in a or a.partition("/")[2].isdigit():
                return a

    def m_recent(self):
        number = self.r.randint(0, 2)
        w = ["-m recent", "--name %s%d" % (self.tag, number)]
        how = self.r.choice(["set", "set", "rcheck", "update", "update", "remove"])
        w.append(self.neg("--" + how, 0.15))
        if how in ("rcheck", "update"):
            seconds = self.maybe(0.6)
            if seconds:
                w.append("--seconds 600")
            if self.maybe(0.6):
                w.append("--hitcount %d" % self.r.randint(1, 5))
            if self.maybe(0.2):
                w.append("--rttl")
            if seconds and self.maybe(0.1):
                w.append("--reap")
        if self.maybe(0.3):  # a list has one mask: that of the rule which the kernel meets first
            w.append("--mask " + self.r.choice(
                ["255.255.255.0", "255.255.255.255", "255.255.255.254"] if self.f == 4 else
                ["ffff:ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0"]))
        w.append(self.r.choice(["--rsource", "--rsource", "--rdest"]))
        return w

    def m_limit(self):
        return ["-m limit", "--limit %d/hour" % self.r.choice([1, 2, 6]),
                "--limit-burst %d" % self.r.choice([1, 2, 3, 5, 10])]

    def m_length(self):
        a, b = sorted(self.r.choices([20, 40, 44, 48, 60, 64, 100, 120, 500, 1400, 1500], k=2))
        return ["-m length", self.neg("--length " + self.r.choice(
            [str(a), "%d:%d" % (a, b), ":%d" % b, "%d:" % a]))]

    def m_ttl(self):
        name, opt = ("ttl", "ttl") if self.f == 4 else ("hl", "hl")
        op = self.r.choice(["eq", "lt", "gt"])
        word = "--%s-%s %d" % (opt, op, self.r.choice([1, 2, 10, 63, 64, 128]))
        return ["-m " + name, self.neg(word) if op == "eq" else word]

    def m_mark(self):
        v = self.r.choice(["0x1", "0x2/0x3", "0x0/0x1", "0x10/0xf0", "0x0", "0x5"])
        return ["-m mark", self.neg("--mark " + v)]

    def m_connmark(self):
        v = self.r.choice(["0x1", "0x2/0x3", "0x0/0x1", "0x10/0xf0", "0x0", "0x5"])
        return ["-m connmark", self.neg("--mark " + v)]

    def m_tos(self):
        return ["-m tos", self.neg("--tos 0x%x/0x%x" % (self.r.choice([0, 0x10, 4]),
                                                        self.r.choice([0xff, 0x14])))]

    def m_dscp(self):
        return ["-m dscp", self.neg("--dscp %d" % self.r.choice([0, 10, 46]))]

    def m_tcpmss(self):
        return ["-m tcpmss", self.neg("--mss " + self.r.choice(
            ["536", "100:1000", "1460", "0:65535", "1001:"]))]

    def m_ecn(self):
        return ["-m ecn", self.neg(self.r.choice(["--ecn-ip-ect 0", "--ecn-ip-ect 1",
                                                  "--ecn-tcp-ece", "--ecn-tcp-cwr"]))]

    def m_mac(self):
        net, host = self.r.choice([(1, 10), (1, 11), (2, 20), (2, 21)])
        return ["-m mac", self.neg("--mac-source 02:77:00:00:%02X:%02X" % (net, host))]

    def m_addrtype(self):
        w = ["-m addrtype"]
        for side in self.r.sample(["src", "dst"], self.r.choice([1, 1, 2])):
            w.append(self.neg("--%s-type %s" % (side, ",".join(self.r.sample(
                ADDRTYPES[self.f], self.r.choice([1, 1, 2]))))))
        return w

    def m_pkttype(self):
        return ["-m pkttype", self.neg("--pkt-type " + self.r.choice(
            ["unicast", "broadcast", "multicast"]))]

    def m_string(self):
        """Letters that traffic.py sends; those of fragments only within one of them: the kernel's
        bm does not see what lies across (docs/differences.md)."""
        text = self.r.choice(["qq", "rrrr", "u", "vvv", "big", "e" * 20, "mm", "nowhere"])
        w = ["-m string", "--algo " + self.r.choice(["bm", "kmp"])]
        if self.maybe(0.3):
            w.append("--from %d" % self.r.choice([20, 28, 40, 48, 60]))
        if self.maybe(0.3):
            w.append("--to %d" % self.r.choice([60, 61, 64, 100, 300]))
        if self.maybe(0.3):
            w.append("--icase")
            text = self.r.choice([text, text.upper(), text.title()])
        if self.maybe(0.3):
            return w + [self.neg('--hex-string "|%s|"' % text.encode().hex())]
        return w + [self.neg('--string "%s"' % text)]

    def m_u32(self):
        """Nothing that is random in what the router itself sends: no id, checksum, sequence."""
        v4 = ["0>>24&0xf=5", "0&0xffff=0:60", "8>>24=1,64:128", "8>>16&0xff=6,17", "6&0x1fff=0",
              "16&0xff=20:22", "0>>22&0x3c@0>>16=22,53,80,40000:40010",
              "0>>22&0x3c@0&0xffff=1:1023&&8>>16&0xff=6", "0>>22&0x3c@12>>26&0x3c@0>>24=0x71",
              "0>>22&0x3c@8=0x75757575", "60=0x75757575"]
        v6 = ["0>>28=6", "4>>16=20:60", "4>>8&0xff=6,17,58", "4&0xff=64", "20=10:13",
              "40>>16=22,53,80,40000:40010", "52>>26&0x3c@40>>24=0x71", "48=0x75757575,0x76767676"]
        tests = self.r.sample(v4 if self.f == 4 else v6, self.r.choice([1, 1, 2, 3]))
        return ["-m u32", self.neg('--u32 "%s"' % "&&".join(tests))]

    def m_bpf(self):
        """Programs with a hole for a number; loads from both ends of the packet and beyond."""
        proto, port = self.r.choice([6, 17, 1, 58]), self.r.choice(PORTS)
        at = 9 if self.f == 4 else 6
        word = self.r.choice([0x71717171, 0x75757575, 0x65656565])
        head = ["177 0 0 0"] if self.f == 4 else ["1 0 0 40"]  # X: the header's length
        return ["-m bpf", '--bytecode "%s"' % self.program(self.r.choice([
            ["48 0 0 %d" % at, "21 0 1 %d" % proto, "6 0 0 65535", "6 0 0 0"],
            ["48 0 0 %d" % (0xfff00000 + at), "21 0 1 %d" % proto, "6 0 0 1", "6 0 0 0"],
            head + ["72 0 0 2", "37 1 0 %d" % port, "6 0 0 1", "6 0 0 0"],
            head + ["64 0 0 %d" % self.r.choice([8, 20]), "21 0 1 %d" % word, "6 0 0 1", "6 0 0 0"],
            ["128 0 0 0", "2 0 0 3", "84 0 0 7", "97 0 0 3", "20 0 0 4", "60 0 0 0", "22 0 0 0"],
            ["128 0 0 0", "36 0 0 3", "148 0 0 7", "7 0 0 0", "135 0 0 0", "53 0 1 4",
             "6 0 0 9", "22 0 0 0"],
            ["40 0 0 4294963200", "21 0 1 %d" % (0x800 if self.f == 4 else 0x86dd), "6 0 0 1",
             "6 0 0 0"],
            ["32 0 0 4294963220", "69 0 1 1", "6 0 0 1", "6 0 0 0"],
            ["32 0 0 60", "6 0 0 1"]]))]

    @staticmethod
    def program(lines):
        return "%d,%s" % (len(lines), ",".join(lines))

    def m_cluster(self):
        n = self.r.choice([1, 2, 3, 32])
        return ["-m cluster", "--cluster-total-nodes %d" % n,
                self.neg("--cluster-local-node %d" % self.r.randint(1, min(n, 4))),
                "--cluster-hash-seed %d" % self.r.choice([0, 1, 0xdeadbeef])]

    def m_ip6(self, hooks):
        """One of IPv6's headers."""
        kind = self.r.choice(["frag", "hbh", "dst", "ipv6header", "ipv6header", "srh", "rt"]
                             + ["eui64"] * (hooks <= INBOUND))
        if kind == "frag":
            return ["-m frag"] + self.r.choice([[], ["--fragfirst"], ["--fragmore"], ["--fraglast"],
                                                [self.neg("--fragid 0:200", 0.4)]])
        if kind in ("hbh", "dst"):
            return ["-m " + kind] + self.r.choice([[], [self.neg("--%s-len 8" % kind)], [
                "--%s-opts " % kind + self.r.choice(["1", "1:4", "1:3", "0", "0,1", "5:2"])]])
        if kind == "ipv6header":
            some = self.r.sample(["hop", "dst", "route", "frag", "auth", "esp", "none", "prot"],
                                 self.r.choice([1, 2, 2, 3]))
            return ["-m ipv6header", self.neg("--header " + ",".join(some))] + \
                (["--soft"] if self.maybe(0.5) else [])
        if kind == "srh":
            return ["-m srh"] + self.r.choice([[], [self.neg("--srh-segs-left-eq 0", 0.5)]])
        if kind == "rt":
            return ["-m rt"] + self.r.choice([[], [self.neg("--rt-type 0")], ["--rt-segsleft 0:3"]])
        return ["-m eui64"]

    def m_links(self, hooks):
        """Interfaces and routes; there is no bridge here, and no group or realm but 0 and 7."""
        kinds = [["-m physdev", self.neg("--physdev-is-bridged", 0.5)]]
        if "POSTROUTING" not in hooks:  # (there a queue does not tell: docs/differences.md)
            kinds.append(["-m physdev", self.neg(self.r.choice(["--physdev-in eth0",
                                                                "--physdev-is-in"]), 0.5)])
        if hooks <= INBOUND:
            kinds.append(["-m devgroup", self.neg("--src-group " + self.r.choice(["0", "7", "3/1"]))])
        if hooks <= OUTBOUND:
            kinds.append(["-m devgroup", self.neg("--dst-group " + self.r.choice(["0", "7", "3/1"]))])
        if self.f == 4 and "PREROUTING" not in hooks:
            kinds.append(["-m realm", self.neg("--realm " + self.r.choice(["0", "7", "7/0xf", "0x50000/0xffff0000"]))])
        return self.r.choice(kinds)

    def m_rpfilter(self):
        return ["-m rpfilter"] + ["--" + x for x in ("loose", "validmark", "accept-local", "invert")
                                  if self.maybe(0.3)]

    def m_time(self):
        """Far from now in both directions, or by days that do not end while the test runs."""
        w = ["-m time"]
        if self.maybe(0.4):
            w.append(self.r.choice(["--datestart 2020-01-01", "--datestart 2037", "--datestop 2021",
                                    "--datestart 2020 --datestop 2036-02-31T12:30"]))
        if self.maybe(0.4):
            w.append(self.neg("--weekdays " + ",".join(self.r.sample(
                ["Mon", "Tue", "Wed", "Thu", "5", "6", "Sun"], self.r.randint(1, 5)))))
        if self.maybe(0.4):
            w.append(self.neg("--monthdays " + ",".join(
                str(d) for d in self.r.sample(range(1, 32), self.r.randint(5, 20)))))
        if self.maybe(0.4):
            a, b = self.r.sample(range(24), 2)
            w.append("--timestart %d:00 --timestop %d:00" % (a, b))
            if a > b and self.maybe(0.5):
                w.append("--contiguous")
        if self.maybe(0.2):
            w.append("--kerneltz")
        return w

    def m_connbytes(self):
        mode = self.r.choice(["packets", "bytes", "avgpkt"])
        a, b = sorted(self.r.sample([0, 1, 2, 3, 5, 8] if mode == "packets"
                                    else [0, 40, 52, 60, 100, 200, 500, 1000], 2))
        return ["-m connbytes", self.neg("--connbytes " + self.r.choice(
            ["%d:%d" % (a, b), "%d" % b, ":%d" % b])), "--connbytes-mode " + mode,
            "--connbytes-dir " + self.r.choice(["original", "reply", "both"])]

    def m_connlimit(self):
        w = ["-m connlimit", self.neg("--connlimit-%s %d" % (
            self.r.choice(["above", "upto"]), self.r.choice([0, 1, 2, 3, 5, 8])))]
        if self.maybe(0.5):
            w.append("--connlimit-mask %d" % self.r.choice(
                [0, 8, 24, 30, 32] if self.f == 4 else [0, 32, 64, 127, 128]))
        if self.maybe(0.5):
            w.append(self.r.choice(["--connlimit-saddr", "--connlimit-daddr"]))
        return w

    def m_comment(self):
        return ["-m comment", self.r.choice(['--comment "a b"', "--comment x", '--comment "q\\"q"',
                                             "--comment 'it is'"]).replace("'", '"')]

    def matches(self, table, hooks, proto):
        kinds = [self.m_iprange, self.m_length, self.m_ttl, self.m_mark, self.m_addrtype,
                 self.m_pkttype, self.m_comment, self.m_limit, self.m_time]
        if self.payload:
            kinds += [self.m_string, self.m_u32, self.m_bpf]
        if self.f == 6:
            kinds.append(lambda: self.m_ip6(hooks))
        if hooks <= {"PREROUTING"} and table != "filter":
            kinds.append(self.m_rpfilter)
        kinds.append(lambda: self.m_links(hooks))
        if self.rewrite:
            kinds += [self.m_tos, self.m_dscp, self.m_ttl]
            if proto == "tcp":
                kinds += [self.m_tcpmss] * 2 + [self.m_ecn] * (self.f == 4)
        if self.track:
            kinds += [self.m_connmark, self.m_connbytes]
            if not self.nat:  # it makes multicast frames a host's own (docs/differences.md)
                kinds.append(self.m_cluster)
            if hooks <= {"FORWARD"}:  # an answer of the host's own comes within the kernel's tick
                kinds.append(self.m_connlimit)
            kinds += [self.m_state] * 2 + [self.m_conntrack] * 3
        if self.recent:
            kinds += [self.m_recent] * 3
        if hooks <= INBOUND:
            kinds.append(self.m_mac)
        w = []
        own = {"tcp": self.m_tcp, "udp": self.m_udp, "icmp": self.m_icmp,
               "ipv6-icmp": self.m_icmp}.get(proto)
        if own and self.maybe(0.7):
            w.append(own())
        if proto in MULTI and self.maybe(0.25):
            w.append(self.m_multiport())
        for k in self.r.sample(kinds, self.r.choice([0, 0, 1, 1, 1, 1, 2, 3])):
            w.append(k())
        self.r.shuffle(w)
        return [x for m in w for x in m]

    # -- targets --------------------------------------------------------------------------

    def target(self, table, hooks, proto, jumps):
        r = self.r.random()
        if r < 0.22:
            return ""
        if jumps and r < 0.45:
            return self.r.choice(["-j ", "-j ", "-j ", "-g "]) + self.r.choice(jumps)
        if r < 0.55:
            return "-j RETURN"
        if r < 0.60:
            return self.log()
        if table == "mangle" and r < 0.78 and self.rewrite:
            return self.rewriting(proto, hooks)
        if table == "raw" and r < 0.70:
            return self.r.choice(["-j NOTRACK", "-j CT --notrack", "-j CT"] + self.assigning(proto))
        if self.track and r < 0.66:
            return self.connmark()
        if table == "mangle" and r < 0.90:
            op = self.r.choice(["--set-mark 0x%x", "--set-xmark 0x%x/0xff", "--or-mark 0x%x",
                                "--and-mark 0xffff%x", "--xor-mark 0x%x"])
            return self.hmark() if self.maybe(0.25) else \
                "-j MARK " + op % self.r.choice([1, 2, 5, 0x10, 0x13])
        if table == "filter" and r < 0.80:
            if proto == "tcp" and self.maybe(0.5):
                return "-j REJECT --reject-with tcp-reset"
            return "-j REJECT --reject-with " + self.r.choice(REJECTS[self.f])
        if table == "filter" and not self.nat and self.maybe(0.03):
            # Without bypass nobody takes it and the kernel drops it, with its flow; fwd cannot
            # know that (docs/differences.md).
            bypass = " --queue-bypass" if self.track or self.known or self.maybe(0.5) else ""
            return "-j NFQUEUE --queue-num 7" + bypass
        return self.r.choice(["-j ACCEPT", "-j DROP"])

    def assigning(self, proto):
        """What only the kernel's tracker can do, where it runs for the sake of translations, too."""
        if not self.nat:
            return []
        return ["-j CT --ctevents new,destroy"] + (["-j CT --helper ftp"] if proto == "tcp" else [])

    def rewriting(self, proto, hooks):
        """What changes the packet: later rules, and the far end, see it."""
        hops = "ttl" if self.f == 4 else "hl"
        # What the kernel's tracker summed up it does not sum again: an IPv6 header changed behind it
        # makes longer UDP packets for the router itself look damaged (docs/differences.md).
        if self.f == 6 and hooks & {"PREROUTING", "INPUT"} and proto != "tcp":
            return "-j MARK --set-mark 0x5"
        kinds = ["-j TOS --set-tos 0x%x/0x%x" % (self.r.choice([0, 0x10, 0xb8, 3]),
                                                 self.r.choice([0xff, 0x3f, 0x1c])),
                 "-j TOS --or-tos 0x%x" % self.r.choice([1, 4, 0x20]),
                 "-j TOS --xor-tos 0x%x" % self.r.choice([1, 4, 0x20]),
                 "-j TOS --and-tos 0x%x" % self.r.choice([0xf0, 0xfc]),
                 "-j DSCP --set-dscp %d" % self.r.choice([0, 10, 46, 63]),
                 "-j DSCP --set-dscp-class " + self.r.choice(["EF", "CS1", "AF22", "BE"]),
                 "-j %s --%s-set %d" % (hops.upper(), hops, self.r.choice([1, 2, 33, 64, 255])),
                 "-j %s --%s-inc %d" % (hops.upper(), hops, self.r.choice([1, 5, 200])),
                 "-j %s --%s-dec %d" % (hops.upper(), hops, self.r.choice([1, 5, 70])),
                 "-j CHECKSUM --checksum-fill"]
        if hooks <= OUTBOUND:
            kinds.append("-j CLASSIFY --set-class 1:%x" % self.r.choice([2, 0x10]))
        if self.f == 4:
            kinds.append("-j ECN --ecn-ip-ect %d" % self.r.randint(0, 3))
        if proto == "tcp":
            kinds += ["-j TCPOPTSTRIP --strip-options " + ",".join(self.r.sample(
                ["mss", "wscale", "sack-permitted", "timestamp", "8", "30", "77"][:6],
                self.r.choice([1, 1, 2])))] * 3
            if self.f == 4:
                kinds += ["-j ECN --ecn-tcp-remove",
                          "-j ECN --ecn-tcp-ece %d" % self.r.randint(0, 1),
                          "-j ECN --ecn-tcp-cwr %d --ecn-ip-ect 1" % self.r.randint(0, 1)]
            mss = "-m tcp --tcp-flags %s SYN -j TCPMSS " % self.r.choice(["SYN", "SYN,RST"])
            kinds += [mss + "--set-mss %d" % self.r.choice([100, 536, 1000, 1460])] * 2
            if hooks <= OUTBOUND:
                kinds += [mss + "--clamp-mss-to-pmtu"] * 2
        return self.r.choice(kinds)

    def hmark(self):
        kinds = ["src", "dst", "sport", "dport", "proto"] + ["ct"] * self.track
        how = self.r.choice([
            "--hmark-tuple " + ",".join(self.r.sample(kinds, self.r.randint(1, 4))),
            "--hmark-src-prefix 24 --hmark-dst-prefix 8 --hmark-dport-mask 0xff",
            "--hmark-src-prefix 32 --hmark-sport 0x5000 --hmark-proto-mask 0xf",
            "--hmark-tuple src,spi", "--hmark-spi-mask 0xff --hmark-spi 0x10000"])
        return "-j HMARK %s --hmark-rnd %d --hmark-mod %d --hmark-offset %d" % (
            how, self.r.choice([0, 7, 0xdeadbeef]), self.r.choice([1, 4, 16]), self.r.choice([0, 1]))

    def connmark(self):
        op = self.r.choice(["--set-mark 0x%x", "--set-xmark 0x%x/0xff", "--or-mark 0x%x",
                            "--and-mark 0xffff%x", "--xor-mark 0x%x", "--save-mark",
                            "--save-mark --nfmask 0xf --ctmask 0x%x", "--restore-mark",
                            "--restore-mark --mask 0x%x", "--save-mark --left-shift-mark 2",
                            "--restore-mark --right-shift-mark 1 --mask 0x%x"])
        return "-j CONNMARK " + (op % self.r.choice([1, 2, 5, 0x10, 0x13]) if "%" in op else op)

    def log(self):
        w = ["-j LOG"]
        if self.maybe(0.5):
            w.append('--log-prefix "%s"' % self.r.choice(["x: ", "drop ", "a"]))
        if self.maybe(0.3):
            w.append("--log-level %d" % self.r.choice([1, 6, 7]))
        for o in ("--log-tcp-sequence", "--log-ip-options"):
            if self.maybe(0.1):
                w.append(o)
        return " ".join(w)

    def rule(self, table, hooks, jumps):
        proto = self.protocol() if self.maybe(0.55) else ""
        words = self.generic(hooks, proto) + self.matches(table, hooks, proto)
        target = self.target(table, hooks, proto, jumps)
        if target in ("-j DROP", "-j ACCEPT") and not words and self.maybe(0.9):
            target = ""
        return " ".join(words + [target] if target else words)

    def table(self, rs, table):
        """User chains first, the deepest last: a chain jumps only to later ones.  Which hooks
        reach a chain says which matches it may hold."""
        users = ["%s%d" % (self.r.choice(["ch", "Chain-", "u_"]), i)
                 for i in range(self.r.choice([0, 1, 2, 3, 4]))]
        rs.policy[table] = {c: "DROP" if table != "raw" and self.maybe(0.12) else "ACCEPT"
                            for c in BUILTIN[table]}
        rs.user[table] = users
        reach = {u: set() for u in users}
        plan = []
        for chain in BUILTIN[table]:
            want = self.r.randint(0, 7 if table == "filter" else 3)
            plan.append((chain, {chain}, users, want))
        for chain, hooks, jumps, n in plan:
            first = self.r.choice([0, 0, 0, 1])
            for i in range(n):
                if self.known and table == "filter" and i == first:
                    rs.rules.append((table, chain, self.r.choice(KNOWN)))
                self.put(rs, table, chain, hooks, jumps, reach)
        for i, u in enumerate(users):
            if not reach[u]:
                chain = self.r.choice(BUILTIN[table])
                rs.rules.append((table, chain, "-j " + u))
                reach[u].add(chain)
            hooks = reach[u]
            for _ in range(self.r.randint(1, 5)):
                self.put(rs, table, u, hooks, users[i + 1:], reach)

    def put(self, rs, table, chain, hooks, jumps, reach):
        self.in_user = chain in reach
        words = self.rule(table, hooks, jumps)
        w = words.split()
        if len(w) >= 2 and w[-2] in ("-j", "-g") and w[-1] in reach:
            reach[w[-1]] |= hooks
        rs.rules.append((table, chain, words))


def generate(rng, family, tag, without=(), nat="", offload=False):
    """nat: "nat" for rules that translate, "kct" for one that only makes the kernel track."""
    g, rs = Gen(rng, family, tag, without, nat), Ruleset(family)
    g.known = offload and "track" not in without
    if nat:
        import nat as translation
        (translation.table if nat == "nat" else translation.never)(g, rs)
    if g.maybe(0.25):
        g.table(rs, "raw")
    if g.maybe(0.4):
        g.table(rs, "mangle")
    g.table(rs, "filter")
    if nat:
        translation.spare_resets(rs.rules)
    return rs
