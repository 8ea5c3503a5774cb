# SPDX-License-Identifier: GPL-2.0-or-later
"""Random matches that remember: flows, lists, limits; and the time."""
from words import PORTS, Words


class StatefulMatches(Words):
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

    def m_connmark(self):
        v = self.r.choice(["0x1", "0x2/0x3", "0x0/0x1", "0x10/0xf0", "0x0", "0x5"])
        return ["-m connmark", self.neg("--mark " + v)]

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

    def m_cluster(self):
        n = self.r.choice([1, 2, 3, 32])
        return ["-m cluster", "--cluster-total-nodes %d" % n,
                self.neg("--cluster-local-node %d" % self.r.randint(1, min(n, 4))),
                "--cluster-hash-seed %d" % self.r.choice([0, 1, 0xdeadbeef])]

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

    def listing(self):
        """Rules: datagrams put their hosts on a list, or take them off it, and all are asked whether
        they are on it."""
        name, sides = "-m recent --name %sl" % self.tag, ["--rsource", "--rdest"]
        rules = ["-p udp %s --%s %s" % (name, how, self.r.choice(sides))
                 for how in self.r.choice([["set"], ["set"], ["set", "remove"], ["remove", "set"]])]
        if self.maybe(0.2):
            rules[0] += " -m statistic --mode nth --every 2 --packet 0"
        how = self.r.choice(["rcheck", "update", "remove"])
        asked = [name, self.neg("--" + how), self.r.choice(sides)]
        if how != "remove" and self.maybe(0.4):
            asked.append("--seconds 600 --hitcount %d" % self.r.randint(1, 2))
        return rules + [" ".join(asked + self.r.choice([["-j DROP"], ["-j DROP"], []]))]

    def m_limit(self):
        return ["-m limit", "--limit %d/hour" % self.r.choice([1, 2, 6]),
                "--limit-burst %d" % self.r.choice([1, 2, 3, 5, 10])]

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
