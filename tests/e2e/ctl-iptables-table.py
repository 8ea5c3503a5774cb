# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
"""The iptables names against iptables itself.

Each line of ctl-iptables-table.txt is run twice: in one network namespace with iptables-legacy under
the names iptables, ip6tables, … and in another with links to fwctl and a daemon.  Exit code,
standard output and standard error must be the same, byte for byte.

usage: ctl-iptables-table.py [WORD]     WORD: only cases that contain it
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import firewall  # noqa: E402
import netns  # noqa: E402

# As Debian's installer writes it: an IPv4 name with two addresses that are one.
HOSTS = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
TABLE = os.path.splitext(os.path.abspath(__file__))[0] + ".txt"
RESET = "; ".join(
    f"for t in raw mangle nat filter security; do {p} -t $t -F; {p} -t $t -X; {p} -t $t -Z; done; "
    f"for c in INPUT FORWARD OUTPUT; do {p} -P $c ACCEPT; done" for p in ("iptables", "ip6tables"))


def cases(word):
    with open(TABLE) as f:
        for line in f.read().splitlines():
            if line and not line.startswith("#") and (not word or word in line):
                yield (line[0], line[2:]) if line[:2] in ("~ ", "= ") else ("*", line)


class Side:
    """A namespace and the firewall that `iptables` is in it."""

    def __init__(self, make):
        self.ns = netns.Namespace()
        self.ns.ip("link set lo up")
        self.fw = make(self.ns)
        self.dir = tempfile.mkdtemp()
        self.env = dict(self.fw.env(), LC_ALL="C")
        self.hosts = os.path.join(self.fw.dir, "hosts")
        with open(self.hosts, "w") as f:
            f.write(HOSTS)

    def run(self, line):
        words = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec sh -c "$1"',
                 self.hosts, line]
        p = subprocess.run(self.ns.argv(words), env=self.env, cwd=self.dir, timeout=60,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return p.returncode, p.stdout, p.stderr

    def close(self):
        self.fw.close()
        shutil.rmtree(self.dir)


def differences(how, theirs, ours):
    parts = [("exit code", 0)]
    if how != "=":
        parts.append(("stdout", 1))
    if how == "*":
        parts.append(("stderr", 2))
    return [name for name, i in parts if theirs[i] != ours[i]]


def show(result):
    code, out, err = result
    lines = [f"exit {code}"] + [f"> {x}" for x in out.splitlines()] + [f"! {x}" for x in err.splitlines()]
    return "".join(f"      {x}\n" for x in lines)


def compare(theirs, ours, word):
    failed = total = 0
    for how, text in cases(word):
        for side in (theirs, ours):
            reset = side.run(RESET)
            if reset[0]:
                sys.exit(f"reset failed: {reset}")
        a, b = theirs.run(text), ours.run(text)
        wrong = differences(how, a, b)
        total += 1
        if wrong:
            failed += 1
            print(f"not the same {', '.join(wrong)}: {text}\n    iptables:\n{show(a)}    fwctl:\n{show(b)}",
                  end="")
    print(f"{total} cases, {failed} differ")
    return 1 if failed or not total else 0


def main():
    netns.need_root()
    word = sys.argv[1] if len(sys.argv) > 1 else None
    theirs, ours = Side(firewall.Kernel), Side(firewall.Fwd)
    try:
        return compare(theirs, ours, word)
    finally:
        theirs.close()
        ours.close()


sys.exit(main())
