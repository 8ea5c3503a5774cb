# SPDX-License-Identifier: GPL-2.0-or-later
"""metrics: the text format to the letter, names and labels by Prometheus' conventions, no series
twice, counters that say what the packets did."""
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)?\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)"
                    % (NAME, LABEL, LABEL))


def parse(text):
    """{(name, labels): value}; every rule of the format that is broken is an AssertionError."""
    assert text.endswith("\n"), "no newline at the end"
    series, kinds, helps, done, current = {}, {}, set(), set(), None
    for line in text.split("\n")[:-1]:
        m = re.fullmatch(r"# HELP (%s) (.+)" % NAME, line)
        if m:
            assert m[1] not in helps, line
            helps.add(m[1])
            continue
        m = re.fullmatch(r"# TYPE (%s) (counter|gauge)" % NAME, line)
        if m:
            assert m[1] not in kinds and m[1] in helps, line
            done.add(current)
            current = m[1]
            kinds[current] = m[2]
            assert m[1].endswith("_total") == (m[2] == "counter"), line
            continue
        m = SAMPLE.fullmatch(line)
        assert m, "not a sample: %r" % line
        assert m[1] == current and m[1] not in done, "%s stands apart from its kind" % line
        labels = re.findall(LABEL, m[2] or "")
        assert len({k for k, _ in labels}) == len(labels), line
        key = (m[1], tuple(sorted(labels)))
        assert key not in series, "twice: %s" % line
        series[key] = float(line.rsplit(" ", 1)[1])
    return series


def get(series, name, **labels):
    found = [v for (n, have), v in series.items()
             if n == name and set(labels.items()) <= set(have)]
    assert len(found) == 1, "%s %s: %d series" % (name, labels, len(found))
    return found[0]


COMMENTS = ["plain", 'with "quotes"', "back\\slash", "é ü 漢", 'a{b="c"} 1', "{}"]


def escaped(text):
    """As both restore text and a label's value want it."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def main():
    netns.need_root()
    ns = netns.Namespace("-metrics")
    ns.ip("link set lo up")
    with firewall.Fwd(ns) as fwd:
        rules = "".join('-A INPUT -p udp --dport %d -m comment --comment "%s" -j ACCEPT\n' % (n + 1, escaped(c))
                        for n, c in enumerate(COMMENTS))
        control.ask(fwd.socket, "restore 4", "*filter\n:chain-1 - [0:0]\n%s-A INPUT -j chain-1\n"
                    "-A INPUT -j chain-1\n-A INPUT\n-P FORWARD DROP\nCOMMIT\n" % rules)
        control.ask(fwd.socket, "restore 6", "*filter\n-A INPUT -p tcp -j DROP\nCOMMIT\n")
        with ns:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(5):
            s.sendto(b"1234", ("127.0.0.1", 1))
        fwd.settle()
        # bytes that are no UTF-8 in a comment, by the raw socket
        with control.connect(fwd.socket) as c:
            c.sendall(b'restore 4 noflush\n*filter\n-A OUTPUT -m comment --comment "a\xffb" \nCOMMIT\n')
            c.shutdown(socket.SHUT_WR)
            control.answer(c)
        text = control.ask(fwd.socket, "metrics")
        series = parse(text)
        in4 = dict(family="ipv4", table="filter", chain="INPUT")
        assert get(series, "fwd_rule_packets_total", comment="plain", target="ACCEPT", **in4) == 5
        assert get(series, "fwd_rule_bytes_total", comment="plain", **in4) == 5 * 32
        for c in COMMENTS:
            get(series, "fwd_rule_packets_total", comment=escaped(c), **in4)
        get(series, "fwd_rule_packets_total", comment="a\ufffdb")
        get(series, "fwd_rule_packets_total", family="ipv6", target="DROP")
        get(series, "fwd_chain_policy_packets_total", family="ipv4", table="filter",
            chain="FORWARD", policy="DROP")
        assert get(series, "fwd_rules", family="ipv4", table="filter") == len(COMMENTS) + 4
        assert get(series, "fwd_packets_total", verdict="accept") >= 5
        assert get(series, "fwd_conntrack_entries_limit") == 262144
        assert get(series, "process_resident_memory_bytes") > 1e6
        before = {k[1]: v for k, v in series.items() if k[0] == "fwd_rule_packets_total"}
        control.edit(fwd.socket, "-I INPUT -s 192.0.2.1 -j DROP")
        after = {k[1]: v for k, v in parse(control.ask(fwd.socket, "metrics")).items()
                 if k[0] == "fwd_rule_packets_total"}
        assert set(before) < set(after) and len(after) == len(before) + 1, \
            "an insertion changed other rules' series"
        if len(sys.argv) > 1:
            with open(sys.argv[1], "w") as f:
                f.write(text)
        assert fwd.stop() == 0, fwd.log()
    print("%d series" % len(series))


main()
