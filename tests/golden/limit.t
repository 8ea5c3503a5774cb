# SPDX-License-Identifier: GPL-2.0-or-later
# -m limit.
@family both
-m limit                                      => -m limit --limit 3/hour
                                              => list: limit: avg 3/hour burst 5
-m limit --limit 5                            => -m limit --limit 5/sec
                                              => list: limit: avg 5/sec burst 5
-m limit --limit 5/s --limit-burst 5          => -m limit --limit 5/sec
                                              => list: limit: avg 5/sec burst 5
-m limit --limit 120/minute --limit-burst 7   => -m limit --limit 2/sec --limit-burst 7
                                              => list: limit: avg 2/sec burst 7
-m limit --limit 61/min                       => =
                                              => list: limit: avg 61/min burst 5
-m limit --limit 86400/day                    => -m limit --limit 1/sec
                                              => list: limit: avg 1/sec burst 5
-m limit --limit 10000/s --limit-burst 10000  => -m limit --limit 10000/sec --limit-burst 10000
                                              => list: limit: avg 10000/sec burst 10000
-m limit --limit 20000/s                      => words: Rate too fast "20000/s"
                                              => exit: 2
-m limit --limit 1/fortnight                  => words: bad rate "1/fortnight"'
                                              => exit: 2
-m limit --limit-burst 10001                  => words: limit: bad value for option "--limit-burst", or out of range (0-10000).
                                              => exit: 2
-m limit --limit-burst 0                      => words: Numerical result out of range.
                                              => exit: 1
-m limit --limit 1/day                        => words: Numerical result out of range.
                                              => exit: 1
