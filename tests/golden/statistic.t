# SPDX-License-Identifier: GPL-2.0-or-later
# -m statistic.
@family both
-m statistic --mode random --probability 0.5  => -m statistic --mode random --probability 0.50000000000
                                              => list: statistic mode random probability 0.50000000000
-m statistic --mode random ! --probability .1 => -m statistic --mode random ! --probability 0.10000000009
                                              => list: statistic mode random ! probability 0.10000000009
-m statistic --mode nth --every 5 --packet 0  => =
                                              => list: statistic mode nth every 5
-m statistic --mode nth ! --every 5 --packet 4 => =
                                              => list: statistic mode nth ! every 5 packet 4
-m statistic --mode nth --every 5             => words: statistic: option "--every" also requires "--packet".
                                              => exit: 2
-m statistic --mode nth --every 5 --packet 5  => words: the --packet p must be 0 <= p <= n-1
                                              => exit: 2
-m statistic --mode random --probability 2    => words: statistic: bad value for option "--probability", or out of range (0-1).
                                              => exit: 2
-m statistic --mode nope                      => words: Bad mode "nope"
                                              => exit: 2
-m statistic                                  => error: --mode is missing
                                              => exit: 2
