# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules and packets of protocols that few hosts speak, for a random ruleset and its traffic: SCTP's
chunks, DCCP's types and options, ESP, AH, IPComp, mobility, IPv6's extension headers in any number
and length, headers that are cut; and matches that count (quota, statistic, hashlimit)."""
import struct

import pkt
import traffic
from words import PORTS, Words

CHUNKS = {"DATA": 0, "INIT": 1, "INIT_ACK": 2, "SACK": 3, "HEARTBEAT": 4, "HEARTBEAT_ACK": 5,
          "ABORT": 6, "SHUTDOWN": 7, "SHUTDOWN_ACK": 8, "ERROR": 9, "COOKIE_ECHO": 10,
          "COOKIE_ACK": 11, "ECN_ECNE": 12, "ECN_CWR": 13, "SHUTDOWN_COMPLETE": 14, "ASCONF": 193,
          "ASCONF_ACK": 128, "FORWARD_TSN": 192}
CHUNK_FLAGS = {"DATA": "IUBE", "ABORT": "T", "SHUTDOWN_COMPLETE": "T"}
DCCP_TYPES = ["REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC",
              "SYNCACK", "INVALID"]
SPIS = [0, 1, 7, 256, 0x10000, 0xffffffff]
TARGETS = ["", "", "", "-j ACCEPT", "-j DROP"]
OF_IPV6 = [0, 43, 44, 51, 60]  # extension headers
UPPER = [6, 17, 33, 50, 58, 108, 132, 135, 136]


class Rules(Words):
    def ports(self):
        return [self.neg("--%s %s" % (side, self.port())) for side in ("sport", "dport")
                if self.maybe(0.4)]

    def span(self, numbers):
        """Never all there are: iptables does not save that."""
        a, b = sorted(self.r.sample(numbers, 2))
        return self.r.choice(["%d" % a] + ["%d:%d" % (a, b)] * (a > 0 or b < numbers[-1]) +
                             [":%d" % b] * (b < numbers[-1]) + ["%d:" % a] * (a > 0))

    def chunk(self):
        name = self.r.choice(list(CHUNKS))
        flags = CHUNK_FLAGS.get(name, "")
        chosen = "".join(self.r.choice([c, c.lower()]) for c in flags if self.maybe(0.5))
        return name + (":" + chosen if chosen and self.maybe(0.6) else "")

    def m_sctp(self):
        w = ["-p sctp -m sctp"] + self.ports()
        if self.maybe(0.7):
            chunks = {c.partition(":")[0]: c for c in (self.chunk() for _ in range(
                self.r.randint(1, 4)))}
            w.append(self.neg("--chunk-types %s %s" % (
                self.r.choice(["all", "any", "only"]), ",".join(chunks.values()))))
        return w

    def m_dccp(self):
        w = ["-p dccp -m dccp"] + self.ports()
        if self.maybe(0.5):
            w.append(self.neg("--dccp-types " + ",".join(self.r.sample(DCCP_TYPES,
                                                                       self.r.randint(1, 4)))))
        if self.maybe(0.5):
            w.append(self.neg("--dccp-option %d" % self.r.choice([1, 2, 40, 41, 255])))
        return w

    def m_esp(self):
        return ["-p esp -m esp", self.neg("--espspi " + self.span(SPIS))]

    def m_ah(self):
        if self.f == 4:
            return ["-p ah -m ah", self.neg("--ahspi " + self.span(SPIS))]
        w = ["-m ah", self.neg("--ahspi " + self.span(SPIS))]
        if self.maybe(0.4):
            w.append(self.neg("--ahlen %d" % self.r.choice([8, 12, 16, 24])))
        return w + (["--ahres"] if self.maybe(0.3) else [])

    def m_ipcomp(self):
        return ["-p ipcomp -m ipcomp", self.neg("--ipcompspi " + self.span([0, 1, 7, 256, 65535]))]

    def m_mh(self):
        return ["-p mobility-header -m mh", self.neg("--mh-type " + self.span([0, 1, 3, 5, 200, 255]))]

    def m_rt(self):
        w = ["-m rt"]
        if self.maybe(0.5):
            w.append(self.neg("--rt-segsleft " + self.span([0, 1, 2, 3, 0xffffffff])))
        if self.maybe(0.3):
            w.append(self.neg("--rt-len %d" % self.r.choice([8, 24, 40])))
        if self.maybe(0.5):
            w.append("--rt-type 0")
            if self.maybe(0.5):
                w.append("--rt-0-res")
            if self.maybe(0.7):
                w.append("--rt-0-addrs " + ",".join("fd77:2::%x" % self.r.randint(20, 22)
                                                    for _ in range(self.r.randint(1, 3))))
                if self.maybe(0.5):
                    w.append("--rt-0-not-strict")
        elif self.maybe(0.5):
            w.append(self.neg("--rt-type %d" % self.r.choice([0, 2, 4])))
        return w

    def m_srh(self):
        w = ["-m srh"]
        for name, most in (("next-hdr", 60), ("hdr-len-eq", 4), ("hdr-len-gt", 2), ("segs-left-lt", 3),
                           ("segs-left-eq", 2), ("last-entry-eq", 2), ("last-entry-gt", 1), ("tag", 3)):
            if self.maybe(0.2) and not any(name[:7] in x for x in w):
                w.append(self.neg("--srh-%s %d" % (name, self.r.randint(0, most))))
        for name in ("psid", "nsid", "lsid"):
            if self.maybe(0.2):
                w.append(self.neg("--srh-%s fd77:2::%x/%d" % (name, self.r.randint(20, 22),
                                                              self.r.choice([64, 127, 128]))))
        return w

    def m_options(self):
        kind = self.r.choice(["hbh", "dst"])
        w = ["-m " + kind]
        if self.maybe(0.5):
            w.append(self.neg("--%s-len %d" % (kind, self.r.choice([8, 16, 24, 264]))))
        if self.maybe(0.6):
            w.append("--%s-opts %s" % (kind, ",".join(
                self.r.choice(["0", "1", "1:4", "1:12", "5:2", "5", "1:0"])
                for _ in range(self.r.randint(1, 3)))))
        return w

    def m_frag(self):
        w = ["-m frag"]
        if self.maybe(0.5):
            w.append(self.neg("--fragid " + self.span([0, 76, 77, 78, 0xffffffff])))
        return w + [x for x in ("--fragres", "--fragfirst", self.r.choice(["--fragmore", "--fraglast"]))
                    if self.maybe(0.35)]

    def m_header(self):
        some = self.r.sample(["hop", "dst", "route", "frag", "auth", "esp", "none", "prot"],
                             self.r.randint(1, 3))
        return ["-m ipv6header", self.neg("--header " + ",".join(some))] + \
            (["--soft"] if self.maybe(0.5) else [])

    def m_multiport(self):
        ports = ",".join(str(self.r.choice(PORTS)) for _ in range(self.r.randint(1, 4)))
        return ["-p %s -m multiport" % self.r.choice(["sctp", "dccp", "udplite"]), self.neg(
            "--%s %s" % (self.r.choice(["sports", "dports", "ports"]), ports))]

    def m_counting(self, number):
        """Refilled in hours, if at all."""
        kind = self.r.choice(["quota", "statistic", "hashlimit"])
        if kind == "quota":
            return ["-m quota", self.neg("--quota %d" % self.r.choice([0, 60, 500, 2000]))]
        if kind == "statistic":
            every = self.r.randint(1, 5)
            return ["-m statistic --mode nth", self.neg("--every %d" % every),
                    "--packet %d" % self.r.randint(0, every - 1)]
        modes = self.r.sample(["srcip", "dstip", "srcport", "dstport"], self.r.randint(0, 3))
        w = ["-m hashlimit", "--hashlimit-name %sh%d" % (self.tag, number),
             "--hashlimit-%s %d/hour" % (self.r.choice(["upto", "above"]), self.r.randint(1, 6)),
             "--hashlimit-burst %d" % self.r.randint(1, 6)]
        if modes:
            w.append("--hashlimit-mode " + ",".join(modes))
        if "srcip" in modes and self.maybe(0.4):
            w.append("--hashlimit-srcmask %d" % self.r.choice([0, 24, 31, 32] if self.f == 4
                                                              else [0, 64, 127, 128]))
        return w

    def rule(self, number):
        kinds = [self.m_sctp, self.m_dccp, self.m_esp, self.m_ah, self.m_ipcomp,
                 self.m_multiport]
        if self.f == 6:
            kinds += [self.m_mh, self.m_rt, self.m_srh, self.m_options, self.m_frag, self.m_header] * 2
        w = ["-s " + self.address()] if self.maybe(0.2) else []
        w += self.r.choice(kinds)() if self.maybe(0.85) else []
        if self.maybe(0.15):
            w += self.m_counting(number)
        return " ".join(w + [self.r.choice(TARGETS)]).strip()


class Packets(traffic.Traffic):
    def data(self, most):
        return bytes(self.r.choice([0, 0, 4, 8, 12, 20, self.r.randint(0, most)]))

    def sctp(self, port):
        """Chunks as they come, also none, or one that says it has no length."""
        out = b""
        for _ in range(self.r.randint(0, 4)):
            body = self.data(300)
            length = self.r.choice([4 + len(body)] * 9 + [0, 3, 500])
            out += struct.pack("!BBH", self.r.choice(list(CHUNKS.values()) + [63]),
                               self.r.choice([0, 0, 1, 2, 3, 7, 8]), length)
            out += body + bytes(-len(body) % 4)
        return pkt.sctp(*port, self.r.choice([0, 1, 7]), out)

    def dccp(self, a, b, port):
        kind, x = self.r.randint(0, 12), self.maybe(0.7)
        options = b"".join(self.r.choice([b"\0", b"\1", b"\2", b"\x28\2", b"\x29\4\0\0", b"\xff\3\0"])
                           for _ in range(self.r.choice([0, 1, 3, 100])))
        body = bytes(self.r.choice([4, 12, 8, 16, 0])) + options
        body += bytes(-len(body) % 4)
        head = struct.pack("!HH", *port) + bytes([self.r.choice([(12 + len(body)) // 4] * 5 + [3, 200])
                                                  & 255, 0, 0, 0, kind << 1 | x, 0, 0, 0]) + body
        c = pkt.csum(head) if self.f == 4 else pkt.l4sum(a, b, 33, head)
        return head[:6] + struct.pack("!H", c) + head[8:]

    def upper(self, a, b, proto):
        port = self.r.choice(PORTS), self.r.choice(PORTS)
        spi = struct.pack("!I", self.r.choice(SPIS))
        return {
            6: lambda: pkt.tcp(a, b, *port, opts=self.tcp_opts(), data=self.data(100)),
            17: lambda: pkt.udp(a, b, *port, self.data(100)),
            33: lambda: self.dccp(a, b, port),
            50: lambda: spi + b"\0\0\0\1" + self.data(60),
            51: lambda: struct.pack("!BBH", 17, 4, 0) + spi + bytes(16) + pkt.udp(a, b, *port),
            58: lambda: pkt.icmp6(a, b, 128, 0, 7, self.data(60)),
            108: lambda: struct.pack("!BBH", 17, 0, self.r.choice([0, 1, 7, 256, 65535])) + bytes(8),
            132: lambda: self.sctp(port),
            135: lambda: bytes([self.r.choice([59, 59, 59, 17]), 0, self.r.choice([0, 1, 3, 5, 200]),
                                0, 0, 0, 0, 0]),
            136: lambda: pkt.udp(a, b, *port, self.data(60), proto=136),
        }[proto]()

    def routing(self):
        kind, n = self.r.choice([0, 2, 4, 4]), self.r.randint(0, 3)
        left = self.r.randint(0, n + 1) if self.maybe(0.2) else 0
        last = max(n - 1, 0) if self.maybe(0.9) else 3
        body = bytes([kind, left, last, self.r.choice([0, 0, 1]), 0, self.r.choice([0, 1, 3])])
        return body + b"".join(pkt.addr("fd77:2::%x" % self.r.randint(20, 22)) for _ in range(n))

    def extension(self, kind, following, long):
        if kind == 44:
            return pkt.frag6(following, 0, self.maybe(0.2), self.r.choice([76, 77, 78]))
        if kind == 51:
            n = self.r.choice([1, 2, 3, 4])
            return struct.pack("!BBHI", following, n, self.r.choice([0, 0, 1]),
                               self.r.choice(SPIS)) + bytes(n * 4)
        if kind == 43:
            return pkt.ext6(following, self.routing())
        n = self.r.choice([4, 4, 12, 20])
        body = self.r.choice([b"\1" + bytes([n]) + bytes(n), b"\5\2\0\0\1\0", b"\0" * 6] +
                             [b"\1\xfe" + bytes(254)] * long)
        return pkt.ext6(following, body)

    def chain(self, proto, out):
        """Extension headers in no order that anybody has asked for, some of them long.  None is cut:
        newer kernels look at their length.  Nothing long stands before a fragment header: the kernel's
        reassembly counts to 255 (find_prev_fhdr())."""
        kinds = [self.r.choice(OF_IPV6) for _ in range(self.r.choice([0, 0, 1, 1, 2, 3, 5]))]
        following = proto
        for kind in reversed(kinds):
            out, following = self.extension(kind, following, 44 not in kinds) + out, kind
        return following, out

    def one(self):
        """Through the router: what its own stack makes of such packets is not the subject."""
        a, b = self.pick("c"), self.pick("s")
        proto = self.r.choice(UPPER if self.f == 6 else [p for p in UPPER if p not in (58, 135)] + [51])
        body = self.upper(a, b, proto)
        if self.maybe(0.1) and proto != 33:  # whose checksum the kernel looks at from 6.16 on
            body = body[:self.r.randint(0, min(len(body), 40))]
        if self.f == 6:
            proto, body = self.chain(proto, body)
        return self.step(a, self.packet(a, b, proto, body))


def fill(rng, case, without):
    """40 rules and 40 packets more."""
    words = Rules(rng, case.family, "t%dr_" % (case.seed % 1000000), without)
    rules = case.rules.rules
    for number in range(40):
        places = [i for i, (table, chain, _) in enumerate(rules)
                  if table == "filter" and chain == "FORWARD"] or [len(rules)]
        rules.insert(rng.choice(places + [places[-1] + 1]), ("filter", "FORWARD", words.rule(number)))
    packets = Packets(rng, case.family)
    more = (packets.one() for _ in range(40))
    case.steps += [s for s in more if len(s["pkt"]) <= 1400]
