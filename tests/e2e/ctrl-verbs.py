# SPDX-License-Identifier: GPL-2.0-or-later
"""The verbs of the control protocol, one after the other, with packets behind them."""
import json
import os
import re
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402


def refused(call, code, words=""):
    try:
        call()
    except control.Refused as e:
        assert e.code == code and words in e.message, "%s %s: %s" % (e.code, e.place, e.message)
        return e
    raise AssertionError("not refused")


def send(ns, port, count=1, size=4):
    with ns:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(count):
        s.sendto(b"x" * size, ("127.0.0.1", port))
    s.close()


def counters(text, rule):
    """[packets, bytes] of the line that ends with rule."""
    m = re.search(r"^\[(\d+):(\d+)\] %s$" % re.escape(rule), text, re.M)
    assert m, "%r is not in\n%s" % (rule, text)
    return int(m[1]), int(m[2])


def save_and_restore(fwd):
    def ask(*words):
        return control.ask(fwd.socket, *words)
    text = "*mangle\n-A INPUT -j MARK --set-mark 1\nCOMMIT\n*filter\n-A INPUT -j DROP\nCOMMIT\n"
    ask("restore 4 test", text)
    assert ask("save 4") == "", "test changed something"
    ask("restore 4 table filter", text)
    assert "*mangle" not in ask("save 4") and "-j DROP" in ask("save 4")
    assert "*raw" in ask("save 4 all") and "*raw" not in ask("save 4")
    assert ask("save 4 table mangle").startswith("*mangle\n")
    ask("restore 4 counters", "*filter\n:INPUT DROP [5:60]\n[7:700] -A INPUT -j ACCEPT\nCOMMIT\n")
    saved = ask("save 4 counters")
    assert ":INPUT DROP [5:60]" in saved and counters(saved, "-A INPUT -j ACCEPT") == (7, 700)
    ask("restore 4", "*filter\n-A INPUT -s 10.0.0.1 -j ACCEPT\nCOMMIT\n")
    assert control.rules(fwd.socket) == ["-A INPUT -s 10.0.0.1/32 -j ACCEPT"]
    # whole or not at all, across tables
    before = ask("save 4 all")
    e = refused(lambda: ask("restore 4", "*raw\n-A OUTPUT -j DROP\nCOMMIT\n*filter\n-A X\nCOMMIT\n"),
                "no-chain")
    assert e.place.startswith("5:"), e.place
    assert ask("save 4 all") == before
    assert "Chain INPUT" in control.edit(fwd.socket, "-L")
    refused(lambda: ask("save 4 table nope"), "no-table")
    refused(lambda: ask("save 4 nonsense"), "usage")
    refused(lambda: ask("save 5"), "usage")
    refused(lambda: ask("save 4 table"), "usage")
    ask("restore 4", "*filter\n:INPUT ACCEPT\nCOMMIT\n*mangle\nCOMMIT\n")


def zero(fwd):
    """While packets flow, each is counted in exactly one of the reads."""
    rule, total, done = "-A INPUT -p udp -m udp --dport 77 -j DROP", 3000, threading.Event()
    control.edit(fwd.socket, rule)
    t = threading.Thread(target=lambda: (send(fwd.ns, 77, total), done.set()))
    t.start()
    seen = [0, 0]
    reads = 0
    while not done.is_set() or reads < 10:
        c = counters(control.ask(fwd.socket, "save 4 counters zero table filter chain INPUT"), rule)
        seen = [a + b for a, b in zip(seen, c)]
        reads += 1
    t.join()
    fwd.settle()
    c = counters(control.ask(fwd.socket, "save 4 counters zero"), rule)
    assert seen[0] + c[0] == total and seen[1] + c[1] == total * 32, (seen, c, total)
    assert counters(control.ask(fwd.socket, "save 4 counters"), rule) == (0, 0)
    # one rule, one chain
    control.edit(fwd.socket, "-I INPUT -p udp\n-N other\n-A OUTPUT -j other\n-A other")
    send(fwd.ns, 77, 3)
    fwd.settle()
    control.ask(fwd.socket, "save 4 zero table filter chain INPUT number 2")
    text = control.ask(fwd.socket, "save 4 counters")
    assert counters(text, rule) == (0, 0) and counters(text, "-A INPUT -p udp")[0] == 3
    refused(lambda: control.ask(fwd.socket, "save 4 zero table filter chain NOPE"), "no-chain")
    refused(lambda: control.ask(fwd.socket, "save 4 zero table filter chain INPUT number 9"),
            "delete-index")


def drops(fwd):
    send(fwd.ns, 77)
    fwd.settle()
    text = control.ask(fwd.socket, "drops 1")
    assert "filter INPUT rule 2" in text and "127.0.0.1" in text and text.count("\n") == 1, text
    refused(lambda: control.ask(fwd.socket, "drops many"), "usage")


def recent(fwd):
    def ask(words):
        return control.ask(fwd.socket, "recent " + words)
    control.edit(fwd.socket, "-A FORWARD -m recent --name bad --rcheck -j DROP")
    assert ask("list") == "bad\n"
    assert ask("list bad") == ""
    ask("add bad 192.0.2.1")
    ask("add bad 192.0.2.2")
    assert "src=192.0.2.1 " in ask("list bad") and ask("list bad").count("\n") == 2
    ask("del bad 192.0.2.1")
    assert "192.0.2.1" not in ask("list bad")
    ask("flush bad")
    assert ask("list bad") == ""
    for words in ("list nope", "flush nope", "add nope 192.0.2.1", "add bad 192.0.2", "add bad",
                  "add bad 1.1.1.1 2.2.2.2", "nonsense", ""):
        refused(lambda: ask(words), "usage")


def conn(fwd):
    def ask(words):
        return control.ask(fwd.socket, "conn " + words)
    control.ask(fwd.socket, "restore 4",
                "*filter\n-A INPUT -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n")
    with fwd.ns:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 7070))
        listener.listen(600)
        client = [socket.socket() for _ in range(300)]
    for s in client:
        s.settimeout(10)
        s.connect(("127.0.0.1", 7070))
    send(fwd.ns, 78)
    fwd.settle()
    listed = ask("list").splitlines()
    tcp = [x for x in listed if x.startswith("tcp") and "ESTABLISHED" in x and "dport=7070" in x]
    assert len(tcp) == 300 and len(set(tcp)) == 300, (len(listed), len(tcp))
    assert int(ask("count")) == len(listed)
    assert len(ask("list proto tcp state ESTABLISHED dport 7070").splitlines()) == 300
    assert ask("list proto tcp dport 7071") == "" and ask("list family 6") == ""
    port = client[0].getsockname()[1]
    one = ask("list json proto tcp src 127.0.0.1 sport %d" % port).splitlines()
    assert len(one) == 1 and str(port) in json.dumps(json.loads(one[0])), one
    assert ask("delete proto tcp sport %d" % port) == "1\n"
    assert ask("list sport %d" % port) == ""
    refused(lambda: ask("delete"), "usage", "which flows")
    refused(lambda: ask("list proto"), "usage")
    refused(lambda: ask("list colour 1"), "usage")
    refused(lambda: ask("delete state ESTABLISHD"), "usage", "'ESTABLISHD' is none")
    assert ask("list state HEARTBEAT_SENT") == ""
    refused(lambda: ask("list src 1.1.1.1 family 6 dst ::1"), "usage")
    n = int(ask("count"))
    assert ask("flush") == "%d\n" % n and ask("count") == "0\n"
    for s in client + [listener]:
        s.close()


def state(fwd):
    values = control.values(control.ask(fwd.socket, "status"))
    assert values["pid"] == str(fwd.proc.pid) and values["persist"] == "on"
    assert values["netns"] == str(os.fstat(fwd.ns.fd).st_ino)
    assert int(values["rules4"]) == len(control.rules(fwd.socket))
    assert int(values["generation"]) > 1
    text = control.ask(fwd.socket, "help")
    for verb in ("ping", "save", "restore", "recent list", "conn delete", "metrics", "drops"):
        assert re.search("^" + verb, text, re.M), verb


def main():
    netns.need_root()
    netns.sweep()
    ns = netns.Namespace("-verbs")
    ns.ip("link set lo up")
    with firewall.Fwd(ns) as fwd:
        for test in (save_and_restore, zero, drops, recent, conn, state):
            test(fwd)
            print(test.__name__, flush=True)
        assert fwd.stop() == 0, fwd.log()


main()
