# SPDX-License-Identifier: GPL-2.0-or-later
"""The real fail2ban bans by fwd as by the kernel's iptables.

Three jails with its iptables actions (multiport, allports, new) are started, addresses of both
families banned and unbanned, and the server stopped; after each step the rules must be the same as
beside iptables-legacy, and a failed command in fail2ban's log fails the test.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall  # noqa: E402
import netns  # noqa: E402
import wait  # noqa: E402

JAILS = """\
[DEFAULT]
backend = polling
dbfile = :memory:

[many]
enabled = true
filter = sshd
logpath = %(dir)s/empty
banaction = iptables-multiport
port = 22,2222,8000:8010
protocol = tcp,udp

[all]
enabled = true
filter = sshd
logpath = %(dir)s/empty
banaction = iptables-allports
blocktype = DROP

[fresh]
enabled = true
filter = sshd
logpath = %(dir)s/empty
banaction = iptables-new
port = 443
"""
STEPS = ["status", "set many banip 192.0.2.1 192.0.2.2", "set many banip 2001:db8::1",
         "set all banip 192.0.2.3", "set fresh banip 192.0.2.4 2001:db8::4",
         "set many unbanip 192.0.2.1", "set many unbanip 2001:db8::1", "unban 192.0.2.3",
         "set all banip 10.0.0.0/8", "restart fresh", "reload --unban all", "stop many"]


class Side:
    def __init__(self, make):
        self.ns = netns.Namespace()
        self.ns.ip("link set lo up")
        self.fw = make(self.ns)
        self.dir = tempfile.mkdtemp()
        self.conf = os.path.join(self.dir, "conf")
        shutil.copytree("/etc/fail2ban", self.conf)
        for f in os.listdir(os.path.join(self.conf, "jail.d")):
            os.unlink(os.path.join(self.conf, "jail.d", f))
        with open(os.path.join(self.conf, "jail.local"), "w") as f:
            f.write(JAILS % {"dir": self.dir})
        with open(os.path.join(self.conf, "fail2ban.local"), "w") as f:
            f.write("[DEFAULT]\ndbfile = None\n")
        open(os.path.join(self.dir, "empty"), "w").close()
        self.args = ["-c", self.conf, "-s", os.path.join(self.dir, "sock"), "-p", os.path.join(self.dir, "pid"),
                     "--logtarget", os.path.join(self.dir, "log")]
        self.server = self.ns.popen("fail2ban-server", "-f", *self.args, "start", env=self.fw.env(),
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait("server ready", lambda: self.client("ping")[0] == 0)
        self.wait("jails started", lambda: self.log().count("started") >= 3)

    def wait(self, what, done):
        ended = lambda: self.server.poll() is not None
        if not wait.until(lambda: done() or ended(), 30, every=0.05) or ended():
            sys.exit(f"fail2ban: no {what}:\n{self.log()}")

    def log(self):
        try:
            with open(os.path.join(self.dir, "log")) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def client(self, *words):
        p = subprocess.run(self.ns.argv(["fail2ban-client", *self.args, *words]), env=self.fw.env(),
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        return p.returncode, p.stdout

    def rules(self):
        text = self.fw.save(4) + self.fw.save(6)
        return re.findall(r"^(?:\[\d+:\d+\] )?(-A .*|:f2b.*|:INPUT.*)$", text, re.M)

    def close(self):
        netns.stop(self.server)
        left = [r for r in self.rules() if "f2b" in r]
        self.fw.close()
        log = self.log()
        shutil.rmtree(self.dir)
        return left, log


def settled(side, wanted, timeout=8):
    """Bans are carried out by the jails' own threads: wait until the rules are as wanted."""
    wait.until(lambda: side.rules() == wanted, timeout, every=0.05)
    return side.rules()


def quiet(side):
    """The rules, when they have not changed for half a second."""
    last, since = side.rules(), time.monotonic()
    while time.monotonic() - since < 0.5:  # what iptables' side will be, nobody knows before
        time.sleep(0.05)
        now = side.rules()
        if now != last:
            last, since = now, time.monotonic()
    return last


def main():
    netns.need_root()
    if not shutil.which("fail2ban-server"):
        sys.exit("fail2ban is not installed")
    theirs, ours = Side(firewall.Kernel), Side(firewall.Fwd)
    failed = most = 0
    for step in STEPS:
        a, b = theirs.client(*step.split()), ours.client(*step.split())
        rules_a = quiet(theirs)
        rules_b = settled(ours, rules_a)
        most = max(most, len(rules_b))
        if (a[0] != b[0]) or rules_a != rules_b:
            failed += 1
            print(f"not the same: {step}\n  iptables: exit {a[0]}\n  fwctl: exit {b[0]} {b[1]}")
            print("".join(f"    iptables: {r}\n" for r in rules_a if r not in rules_b), end="")
            print("".join(f"    fwctl:    {r}\n" for r in rules_b if r not in rules_a), end="")
    ends = [("iptables", theirs.close()), ("fwctl", ours.close())]
    for name, (left, log) in ends:
        errors = [x for x in log.splitlines() if re.search(r"\bERROR\b", x)]
        if left or errors:
            failed += 1
            print(f"{name}: left behind {left}, errors:\n" + "\n".join(errors[:20]))
    print(f"{len(STEPS)} steps, {failed} differ; at most {most} rules and chains")
    return 1 if failed or most < 10 else 0


sys.exit(main())
