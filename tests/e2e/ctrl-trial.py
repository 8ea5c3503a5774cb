# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""apply --confirm, confirm, rollback: a change that cuts its author off is undone by itself, also
when client and daemon have died meanwhile; and list --json, status --json."""
import json
import os
import re
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import wait  # noqa: E402

BEFORE = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp --dport 7 -m recent --name seen --set -j ACCEPT
COMMIT
"""
TRIED = """*raw
-A PREROUTING -p udp --dport 9 -j DROP
COMMIT
*filter
:INPUT DROP [0:0]
COMMIT
"""


def words(fwd):
    """The rules without counters and comments."""
    return [re.sub(r" \[.*", "", x) for x in control.ask(fwd.socket, "save 4").splitlines()
            if x[:1] in "*:-"]


def packets(fwd, rule):
    for line in control.ask(fwd.socket, "save 4 counters").splitlines():
        if rule in line:
            return int(re.match(r"\[(\d+):", line)[1])
    raise AssertionError(rule)


def apply(fwd, seconds, text=TRIED, *args):
    r = fwd.ctl("apply", "--confirm", str(seconds), *args, input=text, check=False)
    assert r.returncode == 0 and "confirm" in r.stderr, r


def pending(fwd):
    return "confirm-within-s" in control.values(control.ask(fwd.socket, "status"))


def wait_undone(fwd):
    wait.must("the change is undone", lambda: not pending(fwd), 15, every=0.05)


def send(ns, n):
    with ns:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(n):
        s.sendto(b"x", ("127.0.0.1", 7))
    s.close()


def in_time(fwd, ns, before):
    send(ns, 5)
    fwd.settle()
    apply(fwd, 60)
    assert words(fwd) != before and pending(fwd)
    assert ":INPUT DROP" in words(fwd)
    fwd.ctl("rollback")
    assert words(fwd) == before and not pending(fwd), words(fwd)
    assert packets(fwd, "--dport 7 ") == 5, "the rule is the same one, its counter too"
    assert "127.0.0.1" in control.ask(fwd.socket, "recent list seen")
    for verb in ("rollback", "confirm"):
        r = fwd.ctl(verb, check=False)
        assert r.returncode != 0 and "no change waits" in r.stderr, r
    apply(fwd, 1)
    fwd.ctl("confirm")
    time.sleep(1.5)  # longer than it had waited to be confirmed
    assert ":INPUT DROP" in words(fwd), "a confirmed change stays"
    control.ask(fwd.socket, "restore 4", BEFORE + "*raw\nCOMMIT\n")


def too_late(fwd, before):
    apply(fwd, 1)
    control.edit(fwd.socket, "-A INPUT -s 192.0.2.9 -j ACCEPT")  # goes with it
    wait_undone(fwd)
    assert [x for x in words(fwd) if x[0] != "*" and "raw" not in x][-1] == before[-1], words(fwd)
    assert ":INPUT ACCEPT" in words(fwd) and "nobody has confirmed" in fwd.log()
    fwd.stop(signal.SIGKILL)
    fwd.start()
    assert ":INPUT ACCEPT" in words(fwd) and not any("--dport 9" in x for x in words(fwd)), \
        words(fwd)
    assert not any("192.0.2.9" in x for x in words(fwd)), "and that is on the disk"
    assert not pending(fwd)


def refused_change(fwd):
    """What is not applied puts nothing on trial, and does not prolong the wait for another."""
    r = fwd.ctl("apply", "--confirm", "60", input="*filter\n-A NOWHERE -j ACCEPT\nCOMMIT\n",
                check=False)
    assert r.returncode != 0 and not pending(fwd), r
    fwd.ctl("apply", "--confirm", "60", "--test", input=TRIED)
    assert not pending(fwd)
    for bad in ("0", "x", "86401", ""):
        r = fwd.ctl("apply", "--confirm", bad, input=TRIED, check=False)
        assert r.returncode != 0, r
    r = fwd.ctl("restore", "--confirm", "60", input=TRIED, check=False)
    assert r.returncode == 2, r


def two_families(fwd):
    """The second joins the first: both come back."""
    before6 = control.ask(fwd.socket, "save 6")
    apply(fwd, 60)
    fwd.ctl("-6", "apply", "--confirm", "60", input="*filter\n:INPUT DROP [0:0]\nCOMMIT\n")
    assert "INPUT DROP" in control.ask(fwd.socket, "save 6")
    fwd.ctl("rollback")
    assert ":INPUT ACCEPT" in words(fwd)
    assert "INPUT DROP" not in control.ask(fwd.socket, "save 6"), before6


def over_deaths(fwd, ns):
    """kill -9, a restart in place and a stop while the time runs; then the time is over."""
    send(ns, 3)
    fwd.settle()
    n = packets(fwd, "--dport 7 ")
    apply(fwd, 4)
    fwd.stop(signal.SIGKILL)
    fwd.start()
    assert ":INPUT DROP" in words(fwd) and pending(fwd), "not yet"
    fwd.ctl("restart")
    assert ":INPUT DROP" in words(fwd) and pending(fwd), "not yet"
    assert fwd.stop() == 0
    fwd.start()
    wait_undone(fwd)
    assert ":INPUT ACCEPT" in words(fwd), words(fwd)
    assert packets(fwd, "--dport 7 ") >= n, "with its counters"
    apply(fwd, 1)
    fwd.stop(signal.SIGKILL)
    time.sleep(1.2)  # its second ends while fwd is dead
    fwd.start()
    assert ":INPUT ACCEPT" in words(fwd), "the time was over before the start"
    assert not pending(fwd) and not os.path.exists(fwd.state + "/trial")
    apply(fwd, 60)
    fwd.stop(signal.SIGKILL)
    fwd.start()
    fwd.ctl("confirm")
    fwd.stop(signal.SIGKILL)
    fwd.start()
    assert ":INPUT DROP" in words(fwd) and not pending(fwd), "confirmed in another life"
    control.ask(fwd.socket, "restore 4", BEFORE + "*raw\nCOMMIT\n")


def as_json(fwd, ns):
    comment = 'a "b" \\ ü \x01'
    control.ask(fwd.socket, "restore 4", BEFORE.replace(
        "COMMIT", ":mine - [0:0]\n-A INPUT -m comment --comment \"%s\" -j mine\nCOMMIT"
        % comment.replace("\\", "\\\\").replace('"', '\\"').replace("\x01", "")))
    with control.connect(fwd.socket) as c:  # bytes that are no UTF-8
        c.sendall(b'restore 4 noflush\n*filter\n-A mine -m comment --comment "a\xffb" -j DROP\nCOMMIT\n')
        c.shutdown(socket.SHUT_WR)
        control.answer(c)
    send(ns, 2)
    fwd.settle()
    got = json.loads(fwd.ctl("list", "--json").stdout)
    assert got["schema"] == 1 and got["family"] == "ipv4" and got["table"]["name"] == "filter"
    chains = {c["name"]: c for c in got["table"]["chains"]}
    assert list(chains) == ["INPUT", "FORWARD", "OUTPUT", "mine"], list(chains)
    assert chains["INPUT"]["policy"] == "ACCEPT" and chains["mine"]["references"] == 1
    first, second = chains["INPUT"]["rules"]
    assert (first["number"], first["packets"], first["bytes"], first["target"]) == \
        (1, 2, 2 * 29, "ACCEPT"), first
    assert first["rule"].startswith("-A INPUT -p udp -m udp --dport 7 "), first
    assert second["target"] == "mine" and "ü" in second["rule"] and '\\"b\\"' in second["rule"]
    assert "a\ufffdb" in chains["mine"]["rules"][0]["rule"]
    one = json.loads(fwd.ctl("list", "-j", "INPUT", "2", "-t", "filter").stdout)
    assert [r["number"] for c in one["table"]["chains"] for r in c["rules"]] == [2]
    assert json.loads(fwd.ctl("-6", "list", "-t", "raw", "--json").stdout)["family"] == "ipv6"
    assert fwd.ctl("list", "-j", "NOWHERE", check=False).returncode == 1
    status = json.loads(fwd.ctl("status", "--json").stdout)
    plain = control.values(control.ask(fwd.socket, "status"))
    assert status["pid"] == fwd.proc.pid and status["rules4"] == int(plain["rules4"])
    assert status["queues"][0]["queue"] == 64000 and status["queues"][0]["packets"] > 0
    assert status["persist"] == "on"


def main():
    netns.need_root()
    ns = netns.Namespace("-trial")
    ns.ip("link set lo up")
    fwd = firewall.Fwd(ns, start=False)
    with open(fwd.dir + "/rules.v4", "w") as f:
        f.write(BEFORE)
    with fwd:
        fwd.start()
        before = words(fwd)
        in_time(fwd, ns, before)
        too_late(fwd, words(fwd))
        refused_change(fwd)
        two_families(fwd)
        over_deaths(fwd, ns)
        as_json(fwd, ns)
        assert fwd.stop() == 0, fwd.log()
        fwd.args = ["--persist", "off"]
        fwd.start()
        apply(fwd, 60)
        r = fwd.ctl("restart", check=False)
        assert r.returncode != 0 and "waits to be confirmed" in r.stderr, r
        fwd.ctl("rollback")
        fwd.ctl("restart")
        assert fwd.stop() == 0, fwd.log()


main()
