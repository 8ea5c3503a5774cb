# SPDX-License-Identifier: GPL-2.0-or-later
# -j NFQUEUE and -j QUEUE.
@family both
-j NFQUEUE                                    => -j NFQUEUE --queue-num 0
                                              => list: NFQUEUE num 0
-j NFQUEUE --queue-num 5                      => =
                                              => list: NFQUEUE num 5
-j NFQUEUE --queue-balance 1:4 --queue-bypass => =
                                              => list: NFQUEUE balance 1:4 bypass
-j NFQUEUE --queue-balance 1:4 --queue-cpu-fanout => =
                                              => list: NFQUEUE balance 1:4 cpu-fanout
-j NFQUEUE --queue-num 65536                  => words: NFQUEUE: bad value for option "--queue-num", or out of range (0-65535).
                                              => exit: 2
-j NFQUEUE --queue-balance 4:4                => words: 4 should be less than 4
                                              => exit: 2
-j NFQUEUE --queue-num 1 --queue-balance 4:5  => words: NFQUEUE: option "--queue-num" cannot be used together with "--queue-balance".
                                              => exit: 2
-j NFQUEUE --queue-cpu-fanout                 => words: NFQUEUE: option "--queue-cpu-fanout" also requires "--queue-balance".
                                              => exit: 2
-j QUEUE                                      => =
                                              => list:
