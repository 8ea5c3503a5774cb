# SPDX-License-Identifier: GPL-2.0-or-later
# -m length.
@family both
-m length --length 100                        => =
                                              => list: length 100
-m length ! --length 100:                     => -m length ! --length 100:65535
                                              => list: length !100:65535
-m length --length :                          => -m length --length 0:65535
                                              => list: length 0:65535
-m length --length 65536                      => words: length: bad value for option "--length" near "65536", or out of range (0-65535).
                                              => exit: 2
-m length --length 10:5                       => error: length: --length: '10:5' ends before it begins
                                              => exit: 2
-m length                                     => words: length: option "--length" must be specified
                                              => exit: 2
