# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a case in which the two firewalls differed is a disagreement.

Not all that differs is fwd's doing.  The kernel draws ports by lot, and a listener's sequence
numbers, which decide what is in its window; its timers come when they like; and the machine is
busy.  None of this can be told from one pair of runs.  So a case that differed is run some times
more, and then the control: the kernel against itself, in the same two routers.

What excuses is the kernel's own word only, and it has to be given for each place (a packet, a
rule, a policy) by itself: there two kernels were seen to differ, too, and fwd was seen with nothing
that the kernel was never seen with.  A fault of fwd that shows in one run of five is therefore a
disagreement, unless the kernel is as unsteady in that very place.  What never shows again, and
not in the control, is called unsteady, and counted and told apart.
"""
AS_IT_CAME, BY_TURN = 0, 1  # views of a run: drawn numbers, or their turn (lots.py)
REPEATS = (0.25, 0.25, 1.0, 0.25, 1.0, 0.25, 1.0, 3.0)  # seconds to wait for what has not come
CONTROLS = 24


def union(runs, view):
    return set().union(*(r.differing(view) for r in runs))


def likely(place, runs, controls):
    """Was fwd seen there with nothing but what the kernel was seen with?  Or does the kernel hardly
    ever do the same twice?"""
    kernel = [r.at(0, place) for r in runs] + [c.at(side, place) for c in controls
                                               for side in (0, 1)]
    return len(set(kernel)) > len(kernel) / 2 or all(
        r.at(1, place) in kernel for r in runs if place in r.differing(BY_TURN))


def unexplained(runs, controls):
    """Where the kernel does not excuse what was seen: views and places."""
    out = {(view, place) for view in (AS_IT_CAME, BY_TURN)
           for place in union(runs, view) - union(controls, view)}
    return out | {(BY_TURN, place) for place in union(runs, BY_TURN)
                  if not likely(place, runs, controls)}


def equal(runs):
    return sum(not r.differing(BY_TURN) for r in runs)


def as_a_whole(runs, controls):
    """Each place may have its excuse and all of them together none: lots can be drawn as the kernel
    does, and then be taken for others.  Where the kernel is equal to itself more often than not,
    fwd is equal to it twice in nine runs, or it is no chance."""
    return equal(runs) >= 2 or equal(controls) * 5 < len(controls) * 3


def fresh(run, patience):
    """A run in which no lot fell on a number that was there before, which rules may ask for: that
    happens too seldom to be seen in the control.  Five times in a row is no lot."""
    for _ in range(5):
        r = run(patience)
        if r.broken or not r.coincidence():
            break
    return r


def judge(first, again, control):
    """What is to be made of a case whose `first` run differed: (kind, problems), kind "disagree",
    "drawn" (the kernel differs from itself) or "unsteady" (it did not show again).

    again(patience) runs it once more, control(patience) the kernel against itself: seen.Run."""
    runs, controls = [fresh(again, REPEATS[0]) if first.coincidence() else first], []
    for patience in REPEATS:
        runs.append(fresh(again, patience))
        if runs[-1].broken:  # a daemon that has died needs no second time
            return "disagree", runs[-1].broken
    left = unexplained(runs, controls)
    while len(controls) < CONTROLS and (left or equal(runs) < 2):
        controls.append(fresh(control, REPEATS[0]))
        left = unexplained(runs, controls)
    if not left:
        return "drawn" if as_a_whole(runs, controls) else "disagree", first.problems() + [
            "  equal in %d of %d runs, the kernel with itself in %d of %d" % (
                equal(runs), len(runs), equal(controls), len(controls))]
    shown = [r for r in runs if any(place in r.differing(view) for view, place in left)]
    return "unsteady" if shown == [first] else "disagree", shown[-1].problems() + [
        "  in %d of %d runs; the kernel, %d times against itself, does not excuse: %s" % (
            len(shown), len(runs), len(controls), ", ".join(sorted({p for _, p in left})))]
