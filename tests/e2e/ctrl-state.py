# SPDX-License-Identifier: GPL-2.0-or-later
"""The state directory and the daemon's life: full disk, damaged files, two daemons, stale sockets,
broken rules files, reload, a clean stop that keeps counters and recent lists."""
# timeout: 120
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control  # noqa: E402
import firewall  # noqa: E402
import netns  # noqa: E402
import wait  # noqa: E402


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(call, code, words):
    try:
        call()
    except control.Refused as e:
        expect(e.code == code and words in e.message + e.more.get("hint", ""),
               "%s: %s %s" % (e.code, e.message, e.more))
        return
    raise AssertionError("not refused: " + words)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def crash(fwd):
    fwd.proc.kill()
    fwd.proc.wait()
    fwd.start()


def start_fails(fwd, *args, words, status=1):
    """A daemon that must say why it does not start, and touch nothing."""
    p = fwd.ns.popen(firewall.FWD, "--socket", fwd.socket, "--state", fwd.state, "--rules",
                     fwd.dir + "/rules.v4", "--rules6", fwd.dir + "/rules.v6", *args,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    out = p.communicate(timeout=20)[0]
    expect(p.returncode == status, "exit %d\n%s" % (p.returncode, out))
    expect(words in out, "%r is not in:\n%s" % (words, out))
    expect("fwdd" not in fwd.ns.run("nft", "list", "tables").stdout or fwd.proc.poll() is None,
           "a table was left")


def full_disk(fwd):
    """Edits that do not fit are refused and change nothing; when there is room, all goes on."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", fwd.state], check=True)
    try:
        fwd.start()
        control.edit(fwd.socket, "-A INPUT -s 10.0.0.1 -j ACCEPT")
        write(fwd.state + "/filler", "x" * 100000)
        n = 0
        try:
            while n < 5000:
                control.edit(fwd.socket, "-A INPUT -s 10.1.%d.%d -j ACCEPT" % (n >> 8, n & 255))
                n += 1
        except control.Refused as e:
            expect(e.code == "resource" and "No space left" in e.message, str(e))
        expect(0 < n < 5000, "the disk was never full")
        expect(len(control.rules(fwd.socket)) == n + 1, "a refused edit is in force")
        refused(lambda: control.edit(fwd.socket, "-A INPUT -s 10.2.0.1 -j ACCEPT"), "resource",
                "nothing was changed")
        os.unlink(fwd.state + "/filler")
        control.edit(fwd.socket, "-A INPUT -s 10.3.0.1 -j ACCEPT")
        want = control.rules(fwd.socket)
        crash(fwd)
        expect(control.rules(fwd.socket) == want, "lost over kill -9")
        expect(len(want) == n + 2, "%d rules" % len(want))
        expect(fwd.stop() == 0, "stop failed")
    finally:
        fwd.stop()
        subprocess.run(["umount", fwd.state], check=True)


def deleted(fwd):
    """Files that somebody has deleted are noticed at the next edit, and made anew; at a restart, too."""
    fwd.start()
    control.edit(fwd.socket, "-A INPUT -s 10.0.0.1 -j ACCEPT")
    os.unlink(fwd.state + "/journal")
    refused(lambda: control.edit(fwd.socket, "-A INPUT -s 10.0.0.2 -j ACCEPT"), "resource",
            "No such file")
    control.edit(fwd.socket, "-A INPUT -s 10.0.0.3 -j ACCEPT")
    want = control.rules(fwd.socket)
    expect(len(want) == 2, want)
    crash(fwd)
    expect(control.rules(fwd.socket) == want, control.rules(fwd.socket))
    for name in ("journal", "snapshot"):
        if os.path.exists(fwd.state + "/" + name):
            os.unlink(fwd.state + "/" + name)
    fwd.ctl("restart")
    wait.must("it is on the disk again", lambda: os.path.exists(fwd.state + "/snapshot"))
    crash(fwd)
    expect(control.rules(fwd.socket) == want, control.rules(fwd.socket))
    fwd.stop()


def keeps(fwd):
    """A clean stop keeps counters, recent lists, policies, both families."""
    fwd.start()
    control.edit(fwd.socket, "-P FORWARD DROP\n-A INPUT -p udp --dport 9 -m recent --set --name seen "
                 "-j ACCEPT\n-N foo")
    control.edit(fwd.socket, "-A INPUT -p tcp -j ACCEPT", family=6)
    with fwd.ns:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(7):
        s.sendto(b"x", ("127.0.0.1", 9))
    fwd.settle()
    want = [control.ask(fwd.socket, "save %d counters all" % f) for f in (4, 6)]
    expect("[7:203] -A INPUT -p udp" in want[0], want[0])
    recent = control.ask(fwd.socket, "recent list seen")
    expect("127.0.0.1" in recent, recent)
    # OUTPUT and the policies go on counting what the kernel sends by itself: nothing here does
    expect(fwd.stop() == 0, fwd.log())
    expect(not os.path.exists(fwd.socket), "the socket is still there")
    expect("fwdd" not in fwd.ns.run("nft", "list", "tables").stdout, "the table is still there")
    fwd.start()
    got = [control.ask(fwd.socket, "save %d counters all" % f) for f in (4, 6)]
    expect(got == want, "%s\nis not\n%s" % (got, want))
    expect("127.0.0.1" in control.ask(fwd.socket, "recent list seen"), "the recent list is gone")
    stamps = recent.split("last_seen")[1].count(",")
    expect(control.ask(fwd.socket, "recent list seen").split("last_seen")[1].count(",") == stamps,
           "stamps were lost")
    fwd.stop()


def flows(fwd):
    """A connection goes on over a clean restart; after a crash nobody brings back an old one."""
    fwd.args = ["--conntrack-tcp-loose", "off"]  # packets of an unknown connection are INVALID
    fwd.start()
    control.edit(fwd.socket, "-A INPUT -p tcp --dport 7070 -m conntrack --ctstate NEW,ESTABLISHED "
                 "-j ACCEPT\n-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
                 "-A INPUT -p tcp -j DROP")
    with fwd.ns:
        listener, client = socket.socket(), socket.socket()
    listener.bind(("127.0.0.1", 7070))
    listener.listen(5)
    client.settimeout(10)
    client.connect(("127.0.0.1", 7070))
    server = listener.accept()[0]
    server.settimeout(10)

    def talk():
        client.sendall(b"ping")
        expect(server.recv(10) == b"ping", "nothing arrived")
        server.sendall(b"pong")
        expect(client.recv(10) == b"pong", "no answer arrived")

    talk()
    fwd.settle()
    expect(fwd.stop() == 0, fwd.log())
    fwd.start()
    talk()
    expect("ESTABLISHED" in control.ask(fwd.socket, "conn list proto tcp dport 7070"), "no flow")
    expect(not os.path.exists(fwd.state + "/flows"), "the file is still there")
    crash(fwd)
    expect(control.ask(fwd.socket, "conn list proto tcp") == "", "a flow out of the past")
    for s in (listener, client, server):
        s.close()
    fwd.stop()


def damaged_tail(fwd):
    fwd.start()
    control.edit(fwd.socket, "-A INPUT -s 10.0.0.1 -j ACCEPT")
    control.edit(fwd.socket, "-A INPUT -s 10.0.0.2 -j ACCEPT")
    want = control.rules(fwd.socket)
    fwd.proc.kill()
    fwd.proc.wait()
    size = os.path.getsize(fwd.state + "/journal")
    with open(fwd.state + "/journal", "ab") as f:
        f.write(b"#fwd1 3 edit 4 noflush 99 00000000\n*filt")
    fwd.start()
    expect(control.rules(fwd.socket) == want, "edits before the damage were not used")
    expect("journal: " in fwd.log() and "byte %d" % size in fwd.log(), fwd.log())
    expect([x for x in os.listdir(fwd.state) if x.startswith("journal.bad-")], "nothing kept aside")
    control.edit(fwd.socket, "-A INPUT -s 10.0.0.3 -j ACCEPT")
    fwd.stop()
    with open(fwd.state + "/snapshot", "r+b") as f:
        f.seek(60)
        f.write(b"~")
    start_fails(fwd, words="snapshot is damaged at byte", status=2)


def two_daemons(fwd):
    fwd.start()
    start_fails(fwd, words="another daemon (pid %d) answers at" % fwd.proc.pid)
    start_fails(fwd, "--socket", fwd.dir + "/other", "--queue-base", "100",
                words="is in use by another fwd")
    control.ask(fwd.socket, "ping")
    fwd.proc.kill()
    fwd.proc.wait()
    expect(os.path.exists(fwd.socket), "kill -9 leaves the socket")
    fwd.start()  # over the stale one
    control.ask(fwd.socket, "ping")
    fwd.stop()
    write(fwd.socket, "not a socket")
    start_fails(fwd, words="is no socket")
    os.unlink(fwd.socket)


def broken_rules(fwd):
    write(fwd.dir + "/rules.v4", "*filter\n-A INPUT -p tcp --dport 70000 -j ACCEPT\nCOMMIT\n")
    start_fails(fwd, words="rules.v4:2:25: ", status=2)
    write(fwd.dir + "/rules.v4", "*filter\n-A INPUT -p tcp --dport ssh -j ACCEPT\nCOMMIT\n")
    write(fwd.dir + "/rules.v6", "*filter\n-A INPUT -j NOWHERE\nCOMMIT\n")
    start_fails(fwd, words="rules.v6:2:", status=2)
    write(fwd.dir + "/rules.v6", "*filter\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n")
    fwd.start()
    expect(control.rules(fwd.socket) == ["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"],
           control.rules(fwd.socket))
    # from now on the state directory is what counts
    control.edit(fwd.socket, "-A INPUT -s 10.0.0.1/32 -j ACCEPT")
    fwd.stop()
    write(fwd.dir + "/rules.v4", "this is not read any more\n")
    fwd.start()
    expect(len(control.rules(fwd.socket)) == 2, "state was not used")
    reload(fwd)
    fwd.stop()


def wait_log(fwd, words, before):
    wait.must(lambda: "%r is logged:\n%s" % (words, fwd.log()),
              lambda: fwd.log().count(words) > before)


def reload(fwd):
    """SIGHUP: the files, as a whole or not at all, and durable."""
    before = control.rules(fwd.socket)
    fwd.proc.send_signal(signal.SIGHUP)
    wait_log(fwd, "rules.v4:1:1", 0)
    expect(control.rules(fwd.socket) == before, "a broken file changed something")
    write(fwd.dir + "/rules.v4", "*filter\n-A INPUT -s 10.9.9.9/32 -j DROP\nCOMMIT\n")
    write(fwd.dir + "/rules.v6", "*filter\n-A INPUT -j NOWHERE\nCOMMIT\n")
    fwd.proc.send_signal(signal.SIGHUP)
    wait_log(fwd, "rules.v6:2:", 0)
    expect(control.rules(fwd.socket) == before, "half of two files was taken")
    write(fwd.dir + "/rules.v6", "")
    fwd.proc.send_signal(signal.SIGHUP)
    wait_log(fwd, "reloaded", 0)
    expect(control.rules(fwd.socket) == ["-A INPUT -s 10.9.9.9/32 -j DROP"], "not reloaded")
    crash(fwd)
    expect(control.rules(fwd.socket) == ["-A INPUT -s 10.9.9.9/32 -j DROP"], "reload was lost")


def reload_by_command(fwd):
    """fwctl reload ends when the files are in force and on disk, or says what is wrong in them."""
    fwd.start()
    control.edit(fwd.socket, "-A INPUT -s 10.0.0.1/32 -j ACCEPT")
    write(fwd.dir + "/rules.v4", "*filter\n-A INPUT -j DROP\n-A INPUT --dport 1\nCOMMIT\n")
    p = fwd.ns.run(firewall.FWCTL, "--socket", fwd.socket, "reload", check=False)
    expect(p.returncode == 2 and "/rules.v4:3:10: " in p.stderr, "%d %s" % (p.returncode, p.stderr))
    expect(control.rules(fwd.socket) == ["-A INPUT -s 10.0.0.1/32 -j ACCEPT"], "half a file")
    write(fwd.dir + "/rules.v4", "*filter\n-A INPUT -j DROP\nCOMMIT\n*raw\n-N x\nCOMMIT\n")
    p = fwd.ns.run(firewall.FWCTL, "--socket", fwd.socket, "reload", check=False)
    expect(p.returncode == 0 and not p.stderr, p.stderr)
    crash(fwd)
    expect(control.rules(fwd.socket) == ["-A INPUT -j DROP"], "reload was lost")


def persist_off(fwd):
    fwd.args = ["--persist", "off"]
    os.rmdir(fwd.state)
    fwd.start()
    control.edit(fwd.socket, "-A INPUT -s 10.0.0.1/32 -j ACCEPT")
    expect(fwd.stop() == 0, "stop failed")
    expect(not os.path.exists(fwd.state), "something was written")
    fwd.start()
    expect(control.rules(fwd.socket) == [], "where did that come from?")
    fwd.stop()


def as_user(uid, gid, groups, call):
    """Run call() in a child with another user's credentials; its exception's text or None."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            try:
                call()
                text = "fine"
            except control.Refused as e:
                text = e.code
        except BaseException as e:  # noqa: BLE001: told by the parent
            text = repr(e)
        os.write(w, text.encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        text = f.read()
    os.waitpid(pid, 0)
    return text


def users(fwd):
    """Who may do what; groups by name come from a private /etc/group."""
    fwd.stop()
    group = fwd.dir + "/group"
    with open("/etc/group") as f:
        lines = [x for x in f if not x.startswith(("fwd:", "fwd-read:"))]
    write(group, "".join(lines) + "fwd:x:61001:\nfwd-read:x:61002:\n")
    os.chmod(group, 0o644)
    os.chmod(fwd.dir, 0o755)
    fwd.prefix = ["unshare", "-m", "sh", "-c",
                  'mount --bind "$0" /etc/group && exec "$@"', group]
    fwd.start()
    def edit():
        control.edit(fwd.socket, "-A INPUT -j ACCEPT")
    def read():
        control.ask(fwd.socket, "save 4")
    def zero():
        control.ask(fwd.socket, "save 4 zero")
    nobody = 65534
    for gid, groups, wants in (
            (nobody, [], ("permission", "permission", "permission")),
            (61002, [], ("fine", "permission", "permission")),
            (nobody, [5, 61002], ("fine", "permission", "permission")),
            (61001, [], ("fine", "fine", "fine")),
            (nobody, [61002, 61001], ("fine", "fine", "fine"))):
        got = tuple(as_user(nobody, gid, groups, c) for c in (read, edit, zero))
        expect(got == wants, "gid %d, groups %s: %s" % (gid, groups, got))
    expect(len(control.rules(fwd.socket)) == 2, "rules")
    fwd.stop()


def main():
    netns.need_root()
    netns.sweep()
    for test in (keeps, flows, full_disk, deleted, damaged_tail, two_daemons, broken_rules,
                 reload_by_command, persist_off, users):
        ns = netns.Namespace("-state")
        ns.ip("link set lo up")
        fwd = firewall.Fwd(ns, start=False)
        try:
            test(fwd)
        except BaseException:
            print("%s:\n%s" % (test.__name__, fwd.log()[-3000:]))
            raise
        finally:
            fwd.close()
            ns.remove()
        print(test.__name__)


main()
