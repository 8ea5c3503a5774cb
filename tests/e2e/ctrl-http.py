# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 180
"""--metrics: the same text over HTTP, for the real Prometheus to scrape and for promtool to judge;
clients that are slow, silent, rude or many hold up neither packets nor edits."""
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import wait  # noqa: E402

PORT = 9470
RULES = """*filter
-A INPUT -p tcp --dport 9470 -m state --state NEW,ESTABLISHED -j ACCEPT
-A INPUT -p udp --dport 7 -m comment --comment seven -j DROP
-A OUTPUT -m state --state ESTABLISHED
COMMIT
"""


def connect(ns, port=PORT, host="127.0.0.1"):
    with ns:
        s = socket.create_connection((host, port), timeout=20)
    return s


def fetch(ns, path, method="GET", port=PORT, host="127.0.0.1", headers={}):
    c = http.client.HTTPConnection(host, port)
    c.sock = connect(ns, port, host)
    c.request(method, path, headers=headers)
    r = c.getresponse()
    body = r.read().decode()
    c.close()
    return r, body


def value(text, start):
    found = [x for x in text.splitlines() if x.startswith(start)]
    assert len(found) == 1, (start, found)
    return float(found[0].rsplit(" ", 1)[1])


def pages(ns):
    r, body = fetch(ns, "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,"
                                             "text/plain;version=0.0.4;q=0.5",
                                             "Accept-Encoding": "gzip"})
    assert r.status == 200, r.status
    assert r.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    r, empty = fetch(ns, "/metrics", "HEAD")
    assert r.status == 200 and not empty and int(r.getheader("Content-Length")) > 1000
    r, index = fetch(ns, "/")
    assert r.status == 200 and 'href="/metrics"' in index
    assert fetch(ns, "/metricsx")[0].status == 404
    assert fetch(ns, "/../etc/passwd")[0].status == 404
    r, _ = fetch(ns, "/metrics", "POST")
    assert r.status == 405 and r.getheader("Allow") == "GET, HEAD"
    return body


def same_as_verb(body, fwd):
    """Both name the same series."""
    def names(text):
        return {x if x[0] == "#" else x.rsplit(" ", 1)[0] for x in text.splitlines()}
    assert names(body) == names(control.ask(fwd.socket, "metrics"))


def promtool(body):
    r = subprocess.run(["promtool", "check", "metrics"], input=body, text=True,
                       capture_output=True)
    assert r.returncode == 0, r.stdout + r.stderr


def prometheus(ns, fwd):
    """The server itself, in the namespace: it scrapes, and PromQL knows what the rule counted."""
    with ns:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(7):
        s.sendto(b"x", ("127.0.0.1", 7))
    fwd.settle()
    with tempfile.TemporaryDirectory(prefix=netns.PREFIX + "-") as tmp:
        with open(tmp + "/prometheus.yml", "w") as f:
            f.write("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: fwd\n"
                    "  static_configs: [{targets: ['127.0.0.1:%d']}]\n" % PORT)
        with open(tmp + "/log", "w") as log:
            p = ns.popen("prometheus", "--config.file", tmp + "/prometheus.yml",
                         "--storage.tsdb.path", tmp + "/data", "--web.listen-address",
                         "127.0.0.1:19090", stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            query = 'fwd_rule_packets_total{comment="seven",chain="INPUT"}'
            got = ask_until(ns, p, query, lambda v: v == ["7"], tmp)
            assert got == ["7"], got
            s.sendto(b"x", ("127.0.0.1", 7))
            got = ask_until(ns, p, query, lambda v: v == ["8"], tmp)
            assert got == ["8"], got
            assert ask_until(ns, p, 'up{job="fwd"}', lambda v: v == ["1"], tmp) == ["1"]
        finally:
            netns.stop(p)


def ask_until(ns, proc, query, good, tmp, seconds=60):
    got = None

    def answered():
        nonlocal got
        assert proc.poll() is None, open(tmp + "/log").read()
        try:
            _, text = fetch(ns, "/api/v1/query?query=" + urllib.parse.quote(query), port=19090)
            got = [x["value"][1] for x in json.loads(text)["data"]["result"]]
            return good(got)
        except (OSError, ValueError, KeyError):
            return False
    if not wait.until(answered, seconds, every=0.2):
        print(open(tmp + "/log").read()[-3000:])
    return got


def many_rules(fwd, n):
    control.ask(fwd.socket, "restore 6", "*filter\n" + "".join(
        "-A FORWARD -s 2001:db8::%x -j DROP\n" % i for i in range(n)) + "COMMIT\n", timeout=120)


def hostile(ns, fwd):
    """32 connections are all there is: silent ones, ones that never read a large answer, ones that
    send garbage.  Edits and packets meanwhile as ever; afterwards scrapes again."""
    many_rules(fwd, 20000)
    slow = []
    for i in range(40):
        try:
            s = connect(ns, host="127.0.0.%d" % (1 + i % 8))
            if i % 3 == 0:
                s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")  # and never read
            elif i % 3 == 1:
                s.sendall(b"GET /met")  # and never end
            else:
                s.sendall(b"\x00\xff\r\n\r\n" * 3000)
            slow.append(s)
        except OSError:
            pass
    assert len(slow) >= 20, len(slow)
    took = []
    with ns:
        ping = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        pong = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        pong.bind(("127.0.0.1", 9))
        pong.settimeout(5)
    for i in range(50):
        begin = time.monotonic()
        control.edit(fwd.socket, "-A INPUT -p tcp --dport %d -j DROP" % (20000 + i))
        ping.sendto(b"%d" % i, ("127.0.0.1", 9))
        assert pong.recv(100) == b"%d" % i
        took.append(time.monotonic() - begin)
    took.sort()
    assert took[25] < 0.5 and took[-1] < 3, took
    for s in slow:
        s.close()

    def scraped():
        try:
            return fetch(ns, "/metrics")[0].status == 200
        except (OSError, http.client.HTTPException):
            return False
    wait.must("a scrape after the hostile clients left", scraped, 20, every=0.1)


def scrapes_and_edits(ns, fwd):
    """Scrapes of 20,000 rules and edits at the same time: every scrape is whole."""
    stop, bad, n = threading.Event(), [], [0]

    def scrape():
        while not stop.is_set():
            try:
                r, text = fetch(ns, "/metrics")
                if r.status != 200 or text.count("fwd_rule_bytes_total{") < 20000:
                    bad.append((r.status, len(text)))
                n[0] += 1
            except OSError as e:
                bad.append(e)
    threads = [threading.Thread(target=scrape) for _ in range(3)]
    for t in threads:
        t.start()
    for i in range(150):
        control.edit(fwd.socket, "-I FORWARD -s 2001:db8:1::%x -j DROP" % i, family=6)
        control.edit(fwd.socket, "-D FORWARD 1", family=6)
    stop.set()
    for t in threads:
        t.join()
    assert not bad and n[0] >= 3, (bad[:3], n)


def refusals(ns):
    for arg, words in (("nonsense", "is not ADDR:PORT"), ("127.0.0.1:0", "is not ADDR:PORT"),
                       ("::1:9470", "is not ADDR:PORT"), ("[127.0.0.1]:9470", "is not ADDR:PORT")):
        r = ns.run(firewall.FWD, "--metrics", arg, check=False)
        assert r.returncode == 2 and words in r.stderr, r
    with ns:
        s = socket.socket()
        s.bind(("127.0.0.1", 9999))
        s.listen()
    try:
        firewall.Fwd(ns, ["--metrics", "127.0.0.1:9999"]).close()
    except RuntimeError as e:
        assert "cannot listen at 127.0.0.1:9999" in str(e), e
    else:
        raise AssertionError("fwd took a port that another has")
    s.close()


def main():
    netns.need_root()
    ns = netns.Namespace("-http")
    ns.ip("link set lo up")
    refusals(ns)
    fwd = firewall.Fwd(ns, ["--metrics", "127.0.0.1:%d" % PORT], start=False)
    with open(fwd.dir + "/rules.v4", "w") as f:
        f.write(RULES)
    with fwd:
        fwd.start()
        body = pages(ns)
        assert value(body, 'fwd_rule_packets_total{family="ipv4",table="filter",chain="INPUT",'
                     'rule="1"') >= 2, "our own segments go through the rules"
        same_as_verb(body, fwd)
        promtool(body)
        prometheus(ns, fwd)
        fwd.stop()
        fwd.args = ["--metrics", "0.0.0.0:%d" % PORT]
        fwd.start()
        hostile(ns, fwd)
        scrapes_and_edits(ns, fwd)
        idle = connect(ns)
        idle.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert fwd.stop() == 0, fwd.log()
        fwd.args = ["--metrics", "[::1]:%d" % PORT]  # and the port is free again
        fwd.start()
        assert fetch(ns, "/metrics", host="::1")[0].status == 200
        assert fwd.stop() == 0, fwd.log()


main()
