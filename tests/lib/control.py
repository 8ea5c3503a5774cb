# SPDX-License-Identifier: GPL-2.0-or-later
"""A plain client of the control protocol (docs/protocol.md), for tests that look at the daemon
without fwctl between."""
import socket


class Refused(Exception):
    """The daemon said no: .place, .message and the other lines of the refusal by key."""

    def __init__(self, reply):
        lines = reply.split("\n")
        _, self.place, self.message = lines[0].split(" ", 2)
        self.more = dict(x.split(" ", 1) for x in lines[1:] if " " in x)
        super().__init__("%s %s" % (self.place, self.message))

    @property
    def code(self):
        return self.more.get("code")


class Died(Exception):
    """The connection ended without a reply."""


def connect(path, timeout=30):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(timeout)
    s.connect(path)
    return s


def read_all(s):
    parts = []
    try:
        while True:
            part = s.recv(65536)
            if not part:
                break
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts).decode(errors="replace")


def answer(s):
    """The reply's body; Refused or Died instead."""
    reply = read_all(s)
    if reply.startswith("ok\n"):
        return reply[3:]
    if reply.startswith("error "):
        raise Refused(reply)
    raise Died(reply)


def ask(path, line, body="", timeout=30):
    """One request, its answer's body."""
    with connect(path, timeout) as s:
        try:
            s.sendall((line + "\n" + body).encode())
            s.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass  # refused before all was sent: the answer says why
        return answer(s)


def edit(path, rules, family=4, table="filter", timeout=30):
    """Apply rule lines to a table, keeping what is there."""
    return ask(path, "restore %d noflush" % family, "*%s\n%s\nCOMMIT\n" % (table, rules), timeout)


def rules(path, family=4):
    """The -A lines of save."""
    return [x for x in ask(path, "save %d" % family).splitlines() if x.startswith("-A ")]


def values(text):
    """ping's and status' "KEY VALUE" lines."""
    return dict(x.split(" ", 1) for x in text.splitlines() if " " in x)
