# SPDX-License-Identifier: GPL-2.0-or-later
"""A line for each thing that a test looked at, and the exit code at the end."""
import sys

_seen, _failed = [], []


def check(what, good, seen=""):
    print("%-4s %s%s" % ("ok" if good else "FAIL", what, "" if good else ": %s" % (seen,)), flush=True)
    (_seen if good else _failed).append(what)


def finish():
    """Exit: with 0 when something was looked at, and all of it was good."""
    sys.exit(1 if _failed or not _seen else 0)
