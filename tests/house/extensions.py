# SPDX-License-Identifier: GPL-2.0-or-later
"""One match or target is one file with one descriptor.

A file of ruleengine/matches or ruleengine/targets without a descriptor is the list, or a helper
with a header of its name beside it (x.h for x.c, x6.c).
"""
import re

from common import finish, read, sources, without_comments

DESCRIPTOR = re.compile(r"^(static )?const struct fw_ext (\w+) = \{", re.M)
SHARED = {"list.c", "registry.c"}


def check(path):
    found = DESCRIPTOR.findall(without_comments(read(path)))
    name = path.rsplit("/", 1)[1]
    if name in SHARED or any(path.startswith(h[:-2]) for h in headers):
        if found:
            yield f"{path}: a shared file defines the descriptor {found[0][1]}"
    elif len(found) != 1:
        yield f"{path}: {len(found)} descriptors, not one"


folders = ("ruleengine/matches", "ruleengine/targets")
headers = set(sources(*folders, ends=(".h",)))
files = sources(*folders, ends=(".c",))
finish([b for path in files for b in check(path)], len(files))
