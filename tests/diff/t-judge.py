#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""judge.py on made-up runs: what excuses a difference and what does not."""
import os
import random
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import lots  # noqa: E402
import pkt  # noqa: E402
from judge import CONTROLS, REPEATS, judge  # noqa: E402


class Run:
    """As seen.Run: a place's value at either side, the same in both views."""

    def __init__(self, broken=(), lot=False, **places):
        self.broken, self.lot, self.places = list(broken), lot, places

    def at(self, side, place):
        return self.places[place][side]

    def differing(self, _view=0):
        return {place for place, (a, b) in self.places.items() if a != b}

    def coincidence(self):
        return self.lot

    def problems(self):
        return sorted(self.differing())


EQUAL, WRONG = Run(x=(1, 1), y=(5, 5)), Run(x=(1, 2), y=(5, 5))


def judged(first, again, control=lambda: EQUAL):
    again = iter(again)
    return judge(first, lambda _patience: next(again), lambda _patience: control())


class Judge(unittest.TestCase):
    def setUp(self):
        self.r = random.Random(1)

    def lots(self, count, kernel, fwd):
        """Runs in which x is drawn by lot, from what either may draw."""
        return [Run(x=(self.r.choice(kernel), self.r.choice(fwd)), y=(5, 5)) for _ in range(count)]

    def drawn(self, kernel, fwd):
        return judged(Run(x=(kernel[0], fwd[-1]), y=(5, 5)), self.lots(len(REPEATS), kernel, fwd),
                      lambda: self.lots(1, kernel, kernel)[0])[0]

    def test_steady(self):
        self.assertEqual(judged(WRONG, [WRONG] * len(REPEATS))[0], "disagree")

    def test_rare(self):
        """Wrong once more among eight, and the kernel never."""
        self.assertEqual(judged(WRONG, [EQUAL] * (len(REPEATS) - 1) + [WRONG])[0], "disagree")

    def test_rare_elsewhere(self):
        elsewhere = Run(x=(1, 1), y=(5, 6))
        self.assertEqual(judged(WRONG, [elsewhere] + [EQUAL] * len(REPEATS))[0], "disagree")

    def test_once(self):
        kind, problems = judged(WRONG, [EQUAL] * len(REPEATS))
        self.assertEqual((kind, problems[0]), ("unsteady", "x"))

    def test_drawn(self):
        self.assertEqual(self.drawn([1, 2, 3], [1, 2, 3]), "drawn")

    def test_never_the_same(self):
        """Nobody can be asked to draw what the kernel has drawn before."""
        self.assertEqual(self.drawn(range(10 ** 6), range(10 ** 6, 2 * 10 ** 6)), "drawn")

    def test_drawn_otherwise(self):
        """The kernel draws, too, but never that."""
        self.assertEqual(self.drawn([1, 2, 3], [1, 2, 3, 4]), "disagree")

    def test_beside_what_is_drawn(self):
        """That the kernel draws at x does not excuse y."""
        runs = [Run(x=r.places["x"], y=(5, 6)) for r in self.lots(len(REPEATS), [1, 2], [1, 2])]
        kind, problems = judged(runs[0], runs, lambda: self.lots(1, [1, 2], [1, 2])[0])
        self.assertEqual(kind, "disagree")
        self.assertRegex(problems[-1], ": y$")

    def test_wrong_together(self):
        """Each of the kernel's own lots at its place, but in a way in which they never come."""
        def run(a, b):
            return Run(x=(a, b), y=(a, b + 1))
        often = iter([Run(x=(1, 2), y=(1, 2)), Run(x=(2, 1), y=(2, 3))] + [EQUAL] * CONTROLS)
        kind, problems = judged(run(1, 1), [run(n % 2 + 1, 1) for n in range(len(REPEATS))],
                                lambda: next(often))
        self.assertEqual(kind, "disagree")
        self.assertRegex(problems[-1], "equal in 0 of 9 runs, the kernel with itself in 22 of 24")

    def test_coincidence(self):
        """A lot that by chance became what a rule asks for shows nothing; always is no chance."""
        named = Run(lot=True, x=(1, 2), y=(5, 6))
        runs = [named if n % 3 else Run(x=(1, 2), y=(5, 5)) for n in range(5 * len(REPEATS))]
        lots = iter([named, Run(x=(1, 2), y=(5, 5))] + self.lots(CONTROLS, [1, 2], [1, 2]))
        self.assertEqual(judged(named, runs, lambda: next(lots))[0], "drawn")
        self.assertEqual(judged(named, [named] * 5 * (len(REPEATS) + 1))[0], "disagree")

    def test_dead(self):
        """Once is enough."""
        dead = Run(broken=["fwd died"], x=(1, 1), y=(5, 5))
        self.assertEqual(judged(WRONG, [EQUAL, dead], None), ("disagree", ["fwd died"]))
        self.assertEqual(judged(WRONG, [EQUAL] * (len(REPEATS) - 1) + [dead], None)[0], "disagree")


class Coincidence(unittest.TestCase):
    def packet(self, sport, data=b"x"):
        a, b = "10.0.0.1", "10.0.0.2"
        return pkt.ip4(a, b, 17, pkt.udp(a, b, sport, 80, data))

    def test_lot_and_name(self):
        self.assertTrue(lots.coincide(self.packet(lots.DRAWN), self.packet(23)))

    def test_two_lots(self):
        self.assertTrue(lots.coincide(self.packet(lots.DRAWN), self.packet(lots.DRAWN + 3)))

    def test_two_names(self):
        self.assertFalse(lots.coincide(self.packet(22), self.packet(23)))

    def test_other_packets(self):
        self.assertFalse(lots.coincide(self.packet(lots.DRAWN), self.packet(23, b"y")))

    def test_quoted(self):
        error = [pkt.ip4("10.0.0.2", "10.0.0.1", 1, pkt.icmp(3, 3, 0, self.packet(n)))
                 for n in (lots.DRAWN, 23)]
        self.assertTrue(lots.coincide(*error))


if __name__ == "__main__":
    unittest.main()
