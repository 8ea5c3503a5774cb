# SPDX-License-Identifier: GPL-2.0-or-later
"""Random matches that look at one packet, and at where it comes and goes."""
from words import ADDRTYPES, HOSTS, ICMP, INBOUND, OUTBOUND, PORTS, Words


class PacketMatches(Words):
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

    def m_comment(self):
        return ["-m comment", self.r.choice(['--comment "a b"', "--comment x", '--comment "q\\"q"',
                                             "--comment 'it is'"]).replace("'", '"')]

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

    # -- what it carries ------------------------------------------------------------------

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
