# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
"""The real ufw drives fwd as it drives the kernel's iptables.

ufw calls /usr/sbin/iptables by its path, so it runs in a mount namespace of its own where that
program is another: iptables-legacy in one namespace, fwctl in the other.  A day in ufw's life is
played in both; what it prints, its exit codes and the rules it leaves must be the same.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall  # noqa: E402
import netns  # noqa: E402

DAY = """\
ufw --force reset
ufw status
ufw default deny incoming
ufw default allow outgoing
ufw allow 22/tcp
ufw limit ssh comment 'not too often'
ufw allow from 10.0.0.0/8 to any port 80,443 proto tcp
ufw allow from 2001:db8::/32 to any port 53
ufw deny out 25
ufw reject in on eth0 from 192.0.2.7
ufw route allow in on eth0 out on eth1 to 10.9.9.9 port 8080 proto tcp
ufw --force enable
ufw status verbose
ufw status numbered
ufw allow 8000:8010/udp
ufw insert 1 deny from 203.0.113.4
ufw prepend deny from 2001:db8::4
ufw delete allow 22/tcp
ufw --force delete 2
ufw logging high
ufw logging off
ufw logging low
ufw reload
ufw default reject incoming
ufw show added
ufw allow 22/tcp
ufw allow 22/tcp
ufw allow nonsense
ufw status
"""
UNTOUCHED = ["*filter", ":INPUT ACCEPT ", ":FORWARD ACCEPT ", ":OUTPUT ACCEPT ", "COMMIT"]


class Side:
    """A namespace where ufw meets one firewall, with a configuration of its own."""

    def __init__(self, make, program):
        self.ns = netns.Namespace()
        self.ns.ip("link set lo up")
        self.fw = make(self.ns)
        self.dir = tempfile.mkdtemp()
        shutil.copytree("/etc/ufw", os.path.join(self.dir, "ufw"))
        shutil.copytree("/etc/default", os.path.join(self.dir, "default"), symlinks=True)
        for rules in ("before", "after", "user"):
            for six in ("", "6"):
                shutil.copy(f"/usr/share/ufw/iptables/{rules}{six}.rules", os.path.join(self.dir, "ufw"))
        target = os.path.realpath("/usr/sbin/iptables")
        self.setup = "\n".join(["set -e",
                                f"mount --bind {program} {target}",
                                f"mount --bind {self.dir}/ufw /etc/ufw",
                                f"mount --bind {self.dir}/default /etc/default",
                                "set +e", ""])

    def run(self, line):
        p = subprocess.run(self.ns.argv(["unshare", "-m", "sh", "-c", self.setup + line]),
                           env=dict(self.fw.env(), LC_ALL="C"), stdin=subprocess.DEVNULL, timeout=120,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # names of backups have the time in them
        return p.returncode, re.sub(r"\d{8}_\d{6}", "DATE", p.stdout)

    def rules(self):
        out = []
        for family in (4, 6):
            text = self.fw.save(family)
            text = re.sub(r"\[\d+:\d+\] ?", "", text)
            tables = re.findall(r"^\*filter$.*?^COMMIT$", text, re.M | re.S)
            # iptables-legacy saves a table from its first -L on, fwd from its first edit on
            out += tables[0].splitlines() if tables else UNTOUCHED
        return out

    def close(self):
        self.fw.close()
        shutil.rmtree(self.dir)


def difference(a, b):
    only_a = [x for x in a if x not in b]
    only_b = [x for x in b if x not in a]
    return [f"    iptables: {x}" for x in only_a[:20]] + [f"    fwctl:    {x}" for x in only_b[:20]]


def play(theirs, ours):
    failed = 0
    for line in DAY.splitlines():
        a, b = theirs.run(line), ours.run(line)
        rules_a, rules_b = theirs.rules(), ours.rules()
        if a != b:
            failed += 1
            print(f"not the same: {line}\n  iptables: exit {a[0]}\n{a[1]}  fwctl: exit {b[0]}\n{b[1]}")
        if rules_a != rules_b:
            failed += 1
            print(f"other rules after: {line}")
            print("\n".join(difference(rules_a, rules_b)) or "    another order")
    return failed


def main():
    netns.need_root()
    if not shutil.which("ufw", path="/usr/sbin"):
        sys.exit("ufw is not installed")
    theirs = Side(firewall.Kernel, "/usr/sbin/xtables-legacy-multi")
    ours = Side(firewall.Fwd, firewall.FWCTL)
    try:
        failed = play(theirs, ours)
        print(f"{len(DAY.splitlines())} steps, {failed} differ; {len(ours.rules())} lines of rules")
        return 1 if failed or len(ours.rules()) < 50 else 0
    finally:
        theirs.close()
        ours.close()


sys.exit(main())
