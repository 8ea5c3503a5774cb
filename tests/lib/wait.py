# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for something to become true, with a deadline: where a test waits by the clock instead,
time is what it is about, and it says so."""
import time


def until(condition, seconds=10, every=0.01):
    """Ask until the answer is true.  Returns the last answer, which is false at the deadline."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every)


def must(what, condition, seconds=10, every=0.01):
    """The same; at the deadline an error that says what did not happen (what may be called)."""
    answer = until(condition, seconds, every)
    if not answer:
        raise AssertionError("not within %g s: %s" % (seconds, what() if callable(what) else what))
    return answer
