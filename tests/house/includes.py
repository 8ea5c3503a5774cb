# SPDX-License-Identifier: GPL-2.0-or-later
"""An include points down a floor or along it, never up, and never from daemon to ctl or back.

    include  <  ruleengine  <  daemon | ctl  <  tests, bench

The engine includes nothing that speaks of sockets, files, threads or clocks.
"""
import os
import re

from common import finish, read, root, sources, without_comments

MAY_REACH = {
    "include": {"include"},
    "ruleengine": {"include", "ruleengine"},
    "daemon": {"include", "ruleengine", "daemon"},
    "ctl": {"include", "ruleengine", "ctl"},
}
# Of the system's headers the engine may use those that only name things or compute.
ENGINE_SYSTEM = re.compile(
    r"^(std\w+|string|strings|errno|limits|inttypes|ctype|assert|alloca|endian|time|netinet/in|"
    r"arpa/inet|linux/[\w/]+|[ei]mmintrin|net/if)\.h$")


def floor_of(name, including):
    """The floor an include lands on, or None for the system's headers."""
    here = os.path.join(os.path.dirname(including), name)
    candidates = [here, os.path.join("include", name)]
    candidates += [os.path.join(f, name) for f in ("ruleengine", "daemon", "ctl")] + [name]
    for c in candidates:
        c = os.path.normpath(c)
        if os.path.exists(os.path.join(root(), c)):
            return c.split(os.sep)[0]
    return None


def check(path):
    own = path.split(os.sep)[0]
    for kind, name in re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)', without_comments(read(path)), re.M):
        floor = floor_of(name, path) if kind == '"' or name.startswith("fw/") else None
        if floor and floor not in MAY_REACH[own]:
            yield f"{path}: includes {name} of {floor}/, which {own}/ may not know"
        if not floor and kind == "<" and own in ("include", "ruleengine"):
            if not ENGINE_SYSTEM.match(name):
                yield f"{path}: includes <{name}>: the engine has no such thing"


files = sources(*MAY_REACH)
finish([b for path in files for b in check(path)], len(files))
