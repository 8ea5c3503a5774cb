# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 180
"""A session typed at a prompt where `iptables` is fwctl, with real packets between; the same
session at the kernel's iptables in a twin namespace.  What the client sees must be as stated here,
and every exit code, listing and counter must be the same at both."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hosts  # noqa: E402
import netns  # noqa: E402

MAC = "02:66:00:00:00:01"
LISTINGS = ["iptables-save -c -t filter", "iptables -L -v", "iptables -L -n -v -x --line-numbers",
            "iptables -S", "iptables -t mangle -S", "ip6tables -S INPUT -v"]


def session(t):
    """t: a Typist.  Expectations are of the kernel's firewall; ours has to meet them too."""
    t.section("policies")
    t.type("iptables -P INPUT DROP; iptables -P FORWARD DROP; iptables -P OUTPUT ACCEPT")
    t.want("tcp 80 against policy DROP", t.tcp(80), "silent")
    t.type("iptables -A INPUT -i lo -j ACCEPT")
    t.want("tcp 80 on loopback", t.tcp(80, to="127.0.0.1", ns=t.w.host), "open")
    t.type("iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT")
    t.type("iptables -A INPUT -p tcp --dport 80 -m state --state NEW -j ACCEPT")
    t.want("tcp 80", t.tcp(80), "open")
    t.want("tcp 443", t.tcp(443), "silent")
    t.want("from the host", t.tcp(9, to=hosts.PEER4, ns=t.w.host), "ECONNREFUSED")

    t.section("telnet by name, in a row of -A -I -R -D")
    t.type("iptables -P INPUT ACCEPT; iptables -F")
    t.type("iptables -A INPUT -i eth0 -p tcp --destination-port telnet -j DROP")
    t.want("telnet", t.tcp(23), "silent")
    t.want("ssh", t.tcp(22), "open")
    t.type("iptables -I INPUT -s %s -p tcp --dport 23 -j ACCEPT" % hosts.PEER4)
    t.want("telnet after -I", t.tcp(23), "open")
    t.type("iptables -R INPUT 1 -s 10.99.0.0/16 -p tcp --dport 23 -j ACCEPT")
    t.want("telnet after -R", t.tcp(23), "silent")
    t.type("iptables -D INPUT 1")
    t.want("telnet after -D by number", t.tcp(23), "silent")
    t.type("iptables -C INPUT -i eth0 -p tcp --dport 23 -j DROP")
    t.type("iptables -C INPUT -i eth1 -p tcp --dport 23 -j DROP")
    t.type("iptables -D INPUT -i eth0 -p tcp --destination-port telnet -j DROP")
    t.want("telnet after -D by text", t.tcp(23), "open")
    t.type("iptables -D INPUT 7")
    t.type("iptables -I INPUT 1 -p tcp -m tcp --dport 23 -j DROP; iptables -I INPUT 2 -p udp")
    t.want("telnet after -I 1", t.tcp(23), "silent")

    t.section("--syn, negation, ranges, wildcards, mac")
    t.type("iptables -F INPUT")
    t.type("iptables -A INPUT -p tcp --syn ! --dport 80 -j REJECT --reject-with tcp-reset")
    t.want("80 is the exception", t.tcp(80), "open")
    t.want("22 is reset", t.tcp(22), "ECONNREFUSED")
    t.type("iptables -F INPUT; iptables -A INPUT -p tcp --dport 8000:8010 -j DROP")
    t.want("7999", t.tcp(7999), "ECONNREFUSED")
    t.want("8000", t.tcp(8000), "silent")
    t.want("8010", t.tcp(8010), "silent")
    t.type("iptables -A INPUT -i eth+ -p tcp --dport 443 -j DROP")
    t.type("iptables -A INPUT -i wlan+ -p tcp --dport 80 -j DROP")
    t.want("443 on eth+", t.tcp(443), "silent")
    t.want("80 not on wlan+", t.tcp(80), "open")
    t.type("iptables -A INPUT -m mac --mac-source %s -p tcp --dport 22 -j DROP" % MAC)
    t.want("22 by mac", t.tcp(22), "silent")
    t.type("iptables -R INPUT 4 -m mac ! --mac-source %s -p tcp --dport 22 -j DROP" % MAC)
    t.want("22 by any other mac", t.tcp(22), "open")

    t.section("REJECT as the client sees it")
    t.type("iptables -F INPUT; iptables -A INPUT -p udp -j REJECT")
    t.want("udp refused", t.udp(5353), "ECONNREFUSED")
    for kind, seen in (("icmp-port-unreachable", "ECONNREFUSED"),
                       ("icmp-host-prohibited", "EHOSTUNREACH"),
                       ("icmp-net-unreachable", "ENETUNREACH"),
                       ("icmp-proto-unreachable", "ENOPROTOOPT"),
                       ("icmp-admin-prohibited", "EHOSTUNREACH"), ("tcp-reset", "ECONNREFUSED")):
        t.type("iptables -R INPUT 1 -p tcp -j REJECT --reject-with " + kind)
        t.want("tcp and " + kind, t.tcp(80), seen)
    t.type("ip6tables -A INPUT -p udp -j REJECT --reject-with icmp6-adm-prohibited")
    t.want("udp6", t.udp(5353, to=hosts.V6), "EACCES")
    t.type("ip6tables -R INPUT 1 -p tcp -j REJECT --reject-with tcp-reset")
    t.want("tcp6 reset", t.tcp(80, to=hosts.V6), "ECONNREFUSED")
    t.type("ip6tables -F; iptables -F")

    t.section("a user chain that returns, with a comment")
    t.type("iptables -N safe")
    t.type("iptables -A safe -s %s -p tcp --dport 80 -j RETURN" % hosts.PEER4)
    t.type("iptables -A safe -p tcp --dport 80:443 -m comment --comment \"all but the friend\" "
           "-j DROP")
    t.type("iptables -A INPUT -j safe; iptables -A INPUT -p tcp --dport 80 -j ACCEPT")
    t.want("80 returns", t.tcp(80), "open")
    t.want("443 dropped", t.tcp(443), "silent")
    t.type("iptables -X safe")
    t.type("iptables -E safe safer; iptables -S")
    t.type("iptables -N safer; iptables -N DROP; iptables -A INPUT -j nowhere")
    t.type("iptables -F safer; iptables -D INPUT -j safer; iptables -X safer")

    t.section("ping: icmp types")
    t.type("iptables -F; iptables -A INPUT -p icmp --icmp-type echo-request -j DROP")
    t.want("no ping", t.ping(), 0)
    t.type("iptables -R INPUT 1 -p icmp --icmp-type echo-reply -j DROP")
    t.want("ping", t.ping(), 1)

    t.section("the ssh limiter")
    t.type("iptables -F")
    t.type("iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT")
    t.type("iptables -A INPUT -p tcp --dport 22 -m state --state NEW -m recent --set --name %s"
           % t.list)
    t.type("iptables -A INPUT -p tcp --dport 22 -m state --state NEW -m recent --update "
           "--seconds 60 --hitcount 5 --name %s -j DROP" % t.list)
    for n in range(1, 5):
        t.want("connection %d" % n, t.tcp(22), "open")
    t.want("connection 5", t.tcp(22), "silent")
    t.want("connection 6", t.tcp(22), "silent")
    t.want("another port", t.tcp(80), "open")

    t.section("zero, counters, save and restore")
    t.type("iptables -Z INPUT 2; iptables -L INPUT -v -n -x")
    t.type("iptables -L -Z -v -n -x")
    t.type("iptables-save -c > saved; iptables -F; iptables -P INPUT DROP; "
           "iptables-restore -c < saved; rm saved")
    t.type("iptables-restore --test", input="*filter\n-A INPUT -j nope\nCOMMIT\n")
    t.type("iptables-restore -n", input="*filter\n-A INPUT -p tcp --dport 443 -j DROP\nCOMMIT\n")
    t.want("443 after restore -n", t.tcp(443), "silent")
    t.type("iptables -F; iptables -X; iptables -P INPUT ACCEPT")


class Typist:
    """Types into one world and keeps everything that came of it."""

    def __init__(self, kind):
        self.w, self.kind, self.list = hosts.World(kind), kind, "SSH"
        self.where, self.log, self.wrong = "", [], []
        self.w.listen(22, 23, 80, 443)

    def section(self, name):
        self.where = name
        self.state()

    def state(self):
        for line in LISTINGS:
            self.log.append((self.where, line, self.w.sh(line)[:2]))

    def type(self, line, input=None):
        code, out, err = self.w.sh("cd %s; %s" % (self.w.fw.dir, line), input)
        self.log.append((self.where, line, (code, out, bool(err))))
        self.state()

    def want(self, what, got, want):
        self.log.append((self.where, what, got))
        if got != want:
            self.wrong.append("%s: %s: %s: got %r, want %r" % (self.kind, self.where, what, got,
                                                              want))

    def tcp(self, *a, **k):
        return self.w.tcp(*a, **k)

    def udp(self, *a, **k):
        return self.w.udp(*a, **k)

    def ping(self, *a, **k):
        return self.w.ping(*a, **k)


def play(typist, errors):
    try:
        session(typist)
        typist.state()
    except Exception as e:
        errors.append("%s: %s: %r" % (typist.kind, typist.where, e))


def either(got, legacy, nft):
    """Where the kernel's two front ends differ (policy counters after an edit, some exit codes),
    either is right, line by line."""
    if got in (legacy, nft):
        return True
    if not (isinstance(got, tuple) and len(got) == len(legacy)):
        return False
    for g, a, b in zip(got, legacy, nft):
        if g in (a, b):
            continue
        if not isinstance(g, str):
            return False
        lines = [x.split("\n") for x in (g, a, b)]
        if len({len(x) for x in lines}) != 1 or any(x not in (y, z) for x, y, z in zip(*lines)):
            return False
    return True


def main():
    netns.need_root()
    netns.sweep()
    typists = [Typist(k) for k in ("legacy", "nft", os.environ.get("SESSION_PEER", "fwd"))]
    errors, checks = [], hosts.Checks()
    threads = [threading.Thread(target=play, args=(t, errors)) for t in typists]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    for t in typists:
        for w in t.wrong:
            print("WRONG", w)
        checks.bad += len(t.wrong)
        t.w.close()
    for e in errors:
        checks.true(e, False)
    for a, n, b in zip(*[t.log for t in typists]):
        if not checks.equal("step", b[:2], a[:2]):
            break
        if either(b[2], a[2], n[2]):
            checks.good += 1
        elif not checks.equal("%s: %s" % a[:2], b[2], a[2]) and checks.bad > 20:
            break
    checks.equal("length of the session", len(typists[2].log), len(typists[0].log))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
