# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a failed case of the differential test small: what is left is what it takes to fail."""
import re
import time

import both


def kind(problem):
    """What a problem is about: a packet, a table's rules, a policy."""
    return re.sub(r"\d+", "", problem).split()[:2]


def shrink(lab, case, peer, budget, first):
    """Drop rules, then packets, while the case still fails in the same way."""
    end = time.monotonic() + budget

    def fails():
        if time.monotonic() > end:
            return False
        seen = both.run(lab, case, peer)
        where, problems = seen.differing(seen.view()), seen.problems()
        return bool(problems) and kind(problems[0]) == kind(first) \
            and not where & both.run(lab, case, "legacy").differing(seen.view())

    for attr in ("rules", "steps"):
        size = None
        while True:
            items = case.rules.rules if attr == "rules" else case.steps
            size = len(items) // 2 if size is None else size // 2
            if size < 1 or time.monotonic() > end:
                break
            i = 0
            while i < len(items) and time.monotonic() < end:
                keep = items[:i] + items[i + size:]
                old = _swap(case, attr, keep, i, size)
                if fails():
                    items = keep if attr == "rules" else case.steps
                else:
                    _restore(case, attr, old)
                    i += size


def _swap(case, attr, keep, i, size):
    if attr == "rules":
        old, case.rules.rules = case.rules.rules, keep
        return old
    old, new = case.steps, []
    for j, s in enumerate(old):
        if i <= j < i + size:
            continue
        if s.get("ackof") is not None:
            k = s["ackof"]
            s = dict(s, ackof=None if i <= k < i + size else k - (size if k >= i + size else 0))
        new.append(s)
    case.steps = new
    return old


def _restore(case, attr, old):
    if attr == "rules":
        case.rules.rules = old
    else:
        case.steps = old
