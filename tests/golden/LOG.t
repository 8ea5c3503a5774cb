# SPDX-License-Identifier: GPL-2.0-or-later
# -j LOG.
@family both
-j LOG                                        => =
                                              => list: LOG flags 0 level 4
-j LOG --log-prefix x                         => =
                                              => list: LOG flags 0 level 4 prefix "x"
-j LOG --log-prefix "in: " --log-level debug  => -j LOG --log-prefix "in: " --log-level 7
                                              => list: LOG flags 0 level 7 prefix "in: "
-j LOG --log-level 4                          => -j LOG
                                              => list: LOG flags 0 level 4
-j LOG --log-level warning --log-uid --log-tcp-options => -j LOG --log-tcp-options --log-uid
                                              => list: LOG flags 10 level 4
-j LOG --log-tcp-sequence --log-ip-options --log-macdecode => =
                                              => list: LOG flags 37 level 4
-j LOG --log-prefix "012345678901234567890123456789" => -j LOG --log-prefix 01234567890123456789012345678
                                              => list: LOG flags 0 level 4 prefix "01234567890123456789012345678"
-j LOG --log-level 8                          => words: log level "8" unknown
                                              => exit: 2
-j LOG --log-level nope                       => words: log level "nope" unknown
                                              => exit: 2
