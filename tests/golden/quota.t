# SPDX-License-Identifier: GPL-2.0-or-later
# -m quota and -m connmark.
@family both
-m quota --quota 1000                         => =
                                              => list: quota: 1000 bytes
-m quota ! --quota 18446744073709551615       => =
                                              => list: quota: 18446744073709551615 bytes
-m quota --quota x                            => words: quota: bad value for option "--quota", or out of range (0-18446744073709551615).
                                              => exit: 2
-m quota                                      => words: quota: option "--quota" must be specified
                                              => exit: 2
-m connmark --mark 3                          => -m connmark --mark 0x3
                                              => list: connmark match  0x3
-m connmark ! --mark 3/7                      => -m connmark ! --mark 0x3/0x7
                                              => list: connmark match ! 0x3/0x7
-m connmark                                   => words: connmark: option "--mark" must be specified
                                              => exit: 2
