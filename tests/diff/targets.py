# SPDX-License-Identifier: GPL-2.0-or-later
"""Random targets."""
from words import OUTBOUND, REJECTS, Words


class Targets(Words):
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
        if table == "filter" and (not self.nat or hooks <= {"FORWARD"}) and self.maybe(0.03):
            # Without bypass nobody takes it and the kernel drops it, with its flow; fwd cannot
            # know that (docs/differences.md).
            bypass = " --queue-bypass" if self.track or self.known or self.nat or self.maybe(0.5) \
                else ""
            return "-j NFQUEUE --queue-num 7" + bypass
        return self.r.choice(["-j ACCEPT", "-j DROP"])

    def assigning(self, proto):
        """What only the kernel's tracker can do, where it runs for the sake of translations, too."""
        if not self.nat:
            return []
        kinds = ["-j CT --ctevents new,destroy"] + ["-j CT --helper ftp"] * (proto == "tcp")
        if not self.track:  # zones share what rules keep with a connection (docs/differences.md)
            kinds += ["-j CT --zone %d" % n for n in (1, 1, 2)]
        return kinds

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
                ["mss", "wscale", "sack-permitted", "timestamp", "30", "77"],
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
                            "--restore-mark --mask 0x%x",
                            "--save-mark --nfmask 0xffff --ctmask 0xfffff --left-shift-mark 2",
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
