# SPDX-License-Identifier: GPL-2.0-or-later
"""What the house-rule tests share: where the sources are, and how a test ends.

Each test is a small program: it gets the source tree as its first argument, prints each breach as
"path: what is wrong" and exits 1 if there was one.
"""
import os
import re
import sys

FLOORS = ("include", "ruleengine", "daemon", "ctl", "tests", "bench")


def root():
    return sys.argv[1]


def sources(*folders, ends=(".c", ".h")):
    """Paths, relative to the tree, of the sources below the folders; sorted."""
    found = []
    for folder in folders:
        for at, dirs, files in os.walk(os.path.join(root(), folder)):
            dirs[:] = [d for d in dirs if d != "__pycache__"]
            found += [os.path.relpath(os.path.join(at, f), root()) for f in files if f.endswith(ends)]
    return sorted(found)


def read(path):
    with open(os.path.join(root(), path), encoding="utf-8") as f:
        return f.read()


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def finish(breaches, looked_at):
    """A test that looked at nothing proves nothing: that is a failure, too."""
    for b in breaches:
        print(b)
    if not looked_at:
        print("nothing to look at: is the path right?")
    print(f"{looked_at} looked at, {len(breaches)} breaches")
    sys.exit(1 if breaches or not looked_at else 0)
